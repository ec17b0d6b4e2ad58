/* SPDX-License-Identifier: MIT */
/* Operations on tags. What they are put on is named by its ARN. */
#include <control/control.h>

#include <string.h>

#include <base/error.h>
#include <model/tags.h>

static int tag(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	const struct fa_document *tags = fa_document_get(in, "Tags");

	(void)out;
	if (!fa_document_count(tags))
		return fa_error(err, FAAS_EINVAL,
				"An error occurred and the request cannot be processed.");
	return fa_tags_add(&rt->registry, fa_control_text(in, "Resource"), tags, err);
}

static int untag(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		 struct faas_error *err)
{
	(void)out;
	return fa_tags_remove(&rt->registry, fa_control_text(in, "Resource"),
			      fa_document_get(in, "TagKeys"), err);
}

static int list(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		struct faas_error *err)
{
	struct fa_document *tags = fa_tags_get(&rt->registry, fa_control_text(in, "Resource"), err);

	if (!tags)
		return err->code;
	return fa_document_put(out, "Tags", tags) ? fa_error_nomem(err) : 0;
}

/* ---- the table ------------------------------------------------------- */

static bool is_arn(const char *text)
{
	return !strncmp(text, "arn:", 4) && fa_fits_function(text);
}

#define RESOURCE \
	FA_FITTING("Resource", true, 1, 256, is_arn, \
		   FA_PATTERN "arn:(aws[a-zA-Z-]*)?:lambda:[a-z]{2}(-gov)?-[a-z]+-\\d{1}:\\d{12}:" \
			      "function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?")
#define FIELDS(...) (const struct fa_field[]){ RESOURCE, __VA_ARGS__ }

const struct fa_operation fa_tag_operations[] = {
	{ "TagResource", FIELDS(FA_OPEN_OBJECT("Tags", true), FA_NO_FIELD), tag },
	{ "UntagResource", FIELDS(FA_OPEN_LIST("TagKeys", true, 0, 0), FA_NO_FIELD),
	  untag },
	{ "ListTags", FIELDS(FA_NO_FIELD), list },
	{ NULL, NULL, NULL },
};
