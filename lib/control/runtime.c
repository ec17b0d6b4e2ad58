/* SPDX-License-Identifier: MIT */
/* When a function's runtime is updated. None is here: it is kept, and told back. */
#include <control/control.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <model/attached.h>

/* One per qualifier, as members of one object of the function. */
static int find(struct faas *rt, const struct fa_document *in, char member[FA_QUALIFIER_MAX + 32],
		char arn[FA_TARGET_MAX], struct faas_error *err)
{
	char target[FA_TARGET_MAX];
	struct fa_version *v;
	struct fa_name name;
	int rc = fa_control_target(target, in, err);

	if (rc)
		return rc;
	v = fa_registry_find(&rt->registry, target, err);
	if (!v)
		return err->code;
	fa_name_parse(&name, target, NULL);
	snprintf(member, FA_QUALIFIER_MAX + 32, "RuntimeManagement:%.*s",
		 name.qualifier.data ? (int)name.qualifier.len : 7,
		 name.qualifier.data ? (const char *)name.qualifier.data : "$LATEST");
	snprintf(arn, FA_TARGET_MAX, "%s:%s", v->arn, strchr(member, ':') + 1);
	fa_version_unref(v);
	return 0;
}

static int put(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	const char *when = fa_control_text(in, "UpdateRuntimeOn");
	const char *version = fa_control_text(in, "RuntimeVersionArn");
	char member[FA_QUALIFIER_MAX + 32], arn[FA_TARGET_MAX];
	int rc = find(rt, in, member, arn, err);

	if (!rc && (version != NULL) != !strcmp(when, "Manual"))
		rc = fa_error(
			err, FAAS_EINVAL,
			"RuntimeVersionArn goes with UpdateRuntimeOn Manual, and with no other");
	if (rc)
		return rc;
	rc = fa_document_put_text(out, "UpdateRuntimeOn", when);
	if (version)
		rc |= fa_document_put_text(out, "RuntimeVersionArn", version);
	if (rc)
		return fa_error_nomem(err);
	rc = fa_attached_set(&rt->registry, fa_control_text(in, "FunctionName"), member,
			     fa_document_copy(out), err);
	return rc || !fa_document_put_text(out, "FunctionArn", arn) ? rc : fa_error_nomem(err);
}

static int get(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	char member[FA_QUALIFIER_MAX + 32], arn[FA_TARGET_MAX];
	struct fa_document *kept = NULL;
	const struct fa_document *value;
	const char *name = NULL;
	int rc = find(rt, in, member, arn, err);

	if (!rc)
		rc = fa_attached_get(&rt->registry, fa_control_text(in, "FunctionName"), member,
				     &kept, err);
	if (rc)
		return rc;
	if (!kept)
		rc = fa_document_put_text(out, "UpdateRuntimeOn", "Auto");
	while ((name = fa_document_next(kept, name, &value)))
		rc |= fa_document_put_text(out, name, fa_document_text(value));
	fa_document_free(kept);
	return rc || fa_document_put_text(out, "FunctionArn", arn) ? fa_error_nomem(err) : 0;
}

#define FIELDS(...) \
	(const struct fa_field[]) \
	{ \
		FA_FUNCTION_FIELD, FA_QUALIFIER_FIELD(false), \
			__VA_ARGS__ \
	}

const struct fa_operation fa_runtime_operations[] = {
	{ "PutRuntimeManagementConfig",
	  FIELDS(FA_WORD_OF("UpdateRuntimeOn", true, "[Auto, Manual, FunctionUpdate]"),
		 FA_FITTING("RuntimeVersionArn", false, 26, 2048, fa_fits_arn,
			    FA_PATTERN "^arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso(b?)))?"
				       "-[a-z]+-\\d{1}::runtime:.+$"),
		 FA_NO_FIELD),
	  put },
	{ "GetRuntimeManagementConfig", FIELDS(FA_NO_FIELD), get },
	{ NULL, NULL, NULL },
};
