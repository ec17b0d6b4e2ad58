/* SPDX-License-Identifier: MIT */
/* Operations on functions and their versions. */
#include <control/config.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/fingerprint.h>
#include <model/package/location.h>
#include <model/tags.h>
#include <remember.h>


/* ---- a version as JSON ------------------------------------------------ */

static int put_trouble(struct fa_document *out, const char *what, const struct fa_trouble *trouble)
{
	char name[40];
	int rc;

	snprintf(name, sizeof(name), "%sReason", what);
	rc = fa_document_put_text(out, name, trouble->reason);
	strcat(name, "Code");
	return fa_document_put_text(out, name, trouble->code) | rc;
}

static const struct fa_trouble creating = { "Creating", "The function is being created." };

static int put_update(struct fa_document *out, struct faas *rt, const struct fa_version *v)
{
	struct fa_trouble trouble = creating;
	enum fa_update update = fa_registry_update(&rt->registry, v, &trouble);
	int rc = fa_document_put_text(out, "LastUpdateStatus", fa_update_name(update));

	return update ? put_trouble(out, "LastUpdateStatus", &trouble) | rc : rc;
}

/* Lists do not tell these. */
static int put_state(struct fa_document *out, struct faas *rt, const struct fa_version *v)
{
	struct fa_trouble why;
	enum fa_state state = fa_registry_state(&rt->registry, v, &why);
	int rc = fa_document_put_text(out, "State", fa_state_name(state));

	if (state != FA_STATE_ACTIVE)
		rc |= put_trouble(out, "State", &why);
	if (state == FA_STATE_ACTIVE || fa_version_is_inactive(v))
		rc |= put_update(out, rt, v);
	return rc;
}

int fa_control_answer(struct fa_document *out, struct faas *rt, const struct fa_version *v,
		      const char *qualifier, struct faas_error *err)
{
	if (fa_control_put_config(out, v, qualifier) | put_state(out, rt, v))
		return fa_error_nomem(err);
	return 0;
}

/* ---- get ------------------------------------------------------------- */

/* What Qualifier or the name asks for; with the last character of the name ends the qualifier. */
static struct fa_version *find(struct faas *rt, const struct fa_document *in, char *target,
			       const char **qualifier, struct faas_error *err)
{
	struct fa_name name;

	if (fa_control_target(target, in, err) < 0 || fa_name_parse(&name, target, err) < 0)
		return NULL;
	*qualifier = name.qualifier.data;
	return fa_registry_find(&rt->registry, target, err);
}

static int get_configuration(struct faas *rt, const struct fa_document *in,
			     struct fa_document *out, struct faas_error *err)
{
	char target[FA_TARGET_MAX];
	const char *qualifier;
	struct fa_version *v = find(rt, in, target, &qualifier, err);
	int rc;

	if (!v)
		return err->code;
	rc = fa_control_answer(out, rt, v, qualifier, err);
	fa_version_unref(v);
	return rc;
}

static int put_tags(struct fa_document *out, struct faas *rt, const struct fa_version *v)
{
	struct fa_document *tags = fa_tags_get(&rt->registry, v->arn, NULL);

	if (fa_document_count(tags))
		return fa_document_put(out, "Tags", tags);
	fa_document_free(tags);
	return 0;
}

/* Who downloads a ZIP asks for this word first. */
static int put_zip(struct fa_document *out, const struct fa_version *v)
{
	const struct fa_package *package = v->code.package;
	struct fa_document *code = fa_document_object();
	int rc = package ? fa_document_put_text(code, "RepositoryType", "S3") : 0;
	char location[FA_LOCATION_MAX];

	if (package)
		fa_package_locate(package, location);
	rc |= fa_document_put_text(code, "Location", package ? location : v->config.code);
	return fa_document_put(out, "Code", code) | rc;
}

/* The name of what ran, whatever its tag means by now. */
static int put_resolved(struct fa_document *code, const struct fa_version *v)
{
	const char *uri = v->config.image, *slash = strrchr(uri, '/');
	const char *last = slash ? slash : uri;
	char text[2048];

	snprintf(text, sizeof(text), "%.*s@sha256:%s",
		 (int)(last - uri + (long)strcspn(last, ":@")), uri, v->code_sha256);
	return fa_document_put_text(code, "ResolvedImageUri", text);
}

static int put_image(struct fa_document *out, const struct fa_version *v)
{
	struct fa_document *code = fa_document_object();
	int rc = fa_document_put_text(code, "ImageUri", v->config.image) | put_resolved(code, v);

	rc |= fa_document_put_text(code, "RepositoryType", "ECR");
	return fa_document_put(out, "Code", code) | rc;
}

static int get(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	struct fa_document *configuration = fa_document_object();
	char target[FA_TARGET_MAX];
	const char *qualifier;
	struct fa_version *v = find(rt, in, target, &qualifier, err);
	int rc;

	if (!v) {
		fa_document_free(configuration);
		return err->code;
	}
	rc = fa_control_put_config(configuration, v, qualifier) | put_state(configuration, rt, v);
	rc |= fa_document_put(out, "Configuration", configuration);
	if (v->config.code)
		rc |= put_zip(out, v);
	else if (v->config.image)
		rc |= put_image(out, v);
	if (fa_quota_reserved(fa_quota_of(v)) != FA_UNRESERVED)
		rc |= fa_control_put_integer_in(out, "Concurrency", "ReservedConcurrentExecutions",
						fa_quota_reserved(fa_quota_of(v)));
	rc |= put_tags(out, rt, v);
	fa_version_unref(v);
	return rc ? fa_error_nomem(err) : 0;
}

/* ---- list ------------------------------------------------------------ */

struct listed {
	struct fa_version **all;
	bool qualified;
};

static int put_nth(const void *data, size_t nth, struct fa_document *item, struct faas_error *err)
{
	const struct listed *l = data;

	(void)err;
	return fa_control_put_config(item, l->all[nth],
				     l->qualified ? l->all[nth]->qualifier : NULL);
}

static size_t keep(struct fa_version **all, const char *name, bool numbers)
{
	size_t n = 0;

	for (size_t i = 0; all[i]; i++) {
		if ((numbers || !all[i]->number) && (!name || !strcmp(all[i]->config.name, name)))
			all[n++] = all[i];
		else
			fa_version_unref(all[i]);
	}
	return n;
}

static int list_some(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		     const char *function, bool numbers, struct faas_error *err)
{
	struct fa_version **all = fa_registry_all(&rt->registry, &rt->mem);
	size_t count;
	int rc;

	if (!all)
		return fa_error_nomem(err);
	count = keep(all, function, numbers);
	rc = fa_control_list(in, out, function ? "Versions" : "Functions", count, put_nth,
			     &(struct listed){ all, numbers }, err);
	for (size_t i = 0; i < count; i++)
		fa_version_unref(all[i]);
	fa_free(all);
	return rc;
}

static int list_functions(struct faas *rt, const struct fa_document *in, struct fa_document *out,
			  struct faas_error *err)
{
	bool all = fa_control_text(in, "FunctionVersion") != NULL;

	if (!fa_control_text(in, "MasterRegion"))
		return list_some(rt, in, out, NULL, all, err);
	if (!all)
		return fa_error(err, FAAS_EINVAL, "MasterRegion goes with FunctionVersion ALL");
	/* no function here is a replica of one elsewhere */
	return fa_document_put(out, "Functions", fa_document_array()) ? fa_error_nomem(err) : 0;
}

static int list_versions(struct faas *rt, const struct fa_document *in, struct fa_document *out,
			 struct faas_error *err)
{
	struct fa_version *v =
		fa_registry_latest(&rt->registry, fa_control_text(in, "FunctionName"), err);
	int rc;

	if (!v)
		return err->code;
	rc = list_some(rt, in, out, v->config.name, true, err);
	fa_version_unref(v);
	return rc;
}

/* ---- change ---------------------------------------------------------- */

int fa_control_tell_build(struct faas *rt, const struct fa_build *build, struct fa_document *out,
			  struct faas_error *err)
{
	const struct fa_version *v = fa_build_version(build);

	return fa_control_answer(out, rt, v, v->number ? v->qualifier : NULL, err);
}

int fa_control_build(struct faas *rt, struct fa_build *build, struct fa_document *out,
		     struct faas_error *err)
{
	int rc;

	if (!build)
		return err->code;
	rc = fa_control_tell_build(rt, build, out, err);
	fa_build_start(build);
	return rc;
}

static int update_configuration(struct faas *rt, const struct fa_document *in,
				struct fa_document *out, struct faas_error *err)
{
	struct fa_version *old =
		fa_registry_latest(&rt->registry, fa_control_text(in, "FunctionName"), err);
	struct faas_function_config change;
	struct fa_build *build;
	int rc;

	if (!old)
		return err->code;
	rc = fa_control_read_config(rt, in, &change, err);
	if (!rc) {
		build = fa_build_change(rt, old, &change, NULL, fa_control_text(in, "RevisionId"),
					err);
		rc = fa_control_build(rt, build, out, err);
		fa_control_release_config(&change);
	}
	fa_version_unref(old);
	return rc;
}

static int check_code(const struct fa_version *v, const char *sha256, struct faas_error *err)
{
	if (!sha256 || !*sha256 || !strcmp(sha256, v->code_sha256))
		return 0;
	return fa_error(err, FAAS_EINVAL,
			"CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). "
			"Please try again with the CodeSHA256 in $LATEST.",
			sha256, v->code_sha256);
}

static int publish(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		   struct faas_error *err)
{
	struct fa_version *v, *latest =
		fa_registry_latest(&rt->registry, fa_control_text(in, "FunctionName"), err);
	int rc;

	if (!latest)
		return err->code;
	rc = check_code(latest, fa_control_text(in, "CodeSha256"), err);
	if (!rc)
		rc = fa_function_check_revision(latest, fa_control_text(in, "RevisionId"), err);
	if (!rc)
		rc = fa_change_prepare(rt, err);
	if (!rc) {
		v = fa_function_publish(rt, latest, fa_control_text(in, "Description"), err);
		rc = v ? fa_control_answer(out, rt, v, v->qualifier, err) : err->code;
		rc = fa_change_close(rt, rc, err);
		if (!rc)
			fa_function_published(v);
		fa_version_unref(v);
	}
	fa_version_unref(latest);
	return rc;
}

static int delete(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	char target[FA_TARGET_MAX];
	int rc = fa_control_target(target, in, err);

	(void)out;
	return rc ? rc : faas_function_delete(rt, target, err);
}

/* ---- the account ----------------------------------------------------- */

static int get_account(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		       struct faas_error *err)
{
	struct fa_document *limit = fa_document_object(), *usage = fa_document_object();
	struct fa_version **all = fa_registry_all(&rt->registry, &rt->mem);
	int64_t used, most;
	int64_t count = 0;
	int rc;

	(void)in;
	for (size_t i = 0; all && all[i]; i++) {
		count += !all[i]->number;
		fa_version_unref(all[i]);
	}
	rc = all ? 0 : FAAS_ENOMEM;
	fa_free(all);
	rc |= fa_document_put_integer(limit, "ConcurrentExecutions", rt->config.max_concurrency);
	rc |= fa_document_put_integer(limit, "UnreservedConcurrentExecutions",
				      fa_account_unreserved(&rt->account));
	used = fa_packages_used(&rt->packages, &most);
	rc |= fa_document_put_integer(limit, "CodeSizeUnzipped", FA_CODE_MAX);
	rc |= fa_document_put_integer(limit, "CodeSizeZipped", FA_ZIP_UPLOAD);
	rc |= fa_document_put_integer(limit, "TotalCodeSize", most);
	rc |= fa_document_put(out, "AccountLimit", limit);
	rc |= fa_document_put_integer(usage, "FunctionCount", count);
	rc |= fa_document_put_integer(usage, "TotalCodeSize", used);
	rc |= fa_document_put(out, "AccountUsage", usage);
	return rc ? fa_error_nomem(err) : 0;
}

/* ---- the table ------------------------------------------------------- */

#define FIELDS(...) (const struct fa_field[]){ FA_FUNCTION_FIELD, __VA_ARGS__, FA_NO_FIELD }
#define ANY_FIELDS(...) (const struct fa_field[]){ FA_ANY_FUNCTION_FIELD, __VA_ARGS__, FA_NO_FIELD }
#define QUALIFIER FA_QUALIFIER_FIELD(false)

/* "local-1" is one, too. */
static bool fits_region(const char *text)
{
	const char *dash = strrchr(text, '-');

	return !strcmp(text, "ALL") ||
	       (dash && fa_fits_number(dash + 1) &&
		strspn(text, "abcdefghijklmnopqrstuvwxyz-") == (size_t)(dash + 1 - text));
}

const struct fa_operation fa_function_operations[] = {
	{ "GetFunction", ANY_FIELDS(QUALIFIER), get },
	{ "GetFunctionConfiguration", ANY_FIELDS(QUALIFIER), get_configuration },
	{ "ListFunctions",
	  (const struct fa_field[]){ FA_WORD_OF("FunctionVersion", false, "[ALL]"),
				     FA_FITTING("MasterRegion", false, 0, 0, fits_region,
						FA_PATTERN
						"ALL|[a-z]{2}(-gov)?-[a-z]+-\\d{1}"),
				     FA_MARKER_FIELDS, FA_NO_FIELD },
	  list_functions },
	{ "ListVersionsByFunction", ANY_FIELDS(FA_MARKER_FIELDS), list_versions },
	{ "UpdateFunctionConfiguration",
	  FIELDS(FA_CONFIG_FIELDS, FA_ROLE_FIELD(false),
		 FA_TEXT_OF("RevisionId", 0)),
	  update_configuration },
	{ "PublishVersion",
	  FIELDS(FA_TEXT_OF("CodeSha256", 0), FA_TEXT_OF("Description", 256),
		 FA_TEXT_OF("RevisionId", 0)),
	  publish },
	{ "DeleteFunction", FIELDS(QUALIFIER), delete },
	{ "GetAccountSettings", (const struct fa_field[]){ FA_NO_FIELD }, get_account },
	{ NULL, NULL, NULL },
};
