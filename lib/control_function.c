/* SPDX-License-Identifier: MIT */
/* Operations on functions and their versions. */
#include <control.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <base/error.h>
#include <model/tags.h>

#define LIST_MOST 50 /* per page, whatever MaxItems says */

/* ---- a configuration as JSON ----------------------------------------- */

static int put_time(struct fa_document *out, const char *name, int64_t unix_ms)
{
	time_t seconds = unix_ms / 1000;
	char date[32], text[48];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03d+0000", date, (int)(unix_ms % 1000));
	return fa_document_put_text(out, name, text);
}

static int put_member_text(struct fa_document *out, const char *name, const char *member,
			   const char *text)
{
	struct fa_document *object = fa_document_object();
	int rc = fa_document_put_text(object, member, text);

	return fa_document_put(out, name, object) | rc;
}

static int put_member_integer(struct fa_document *out, const char *name, const char *member,
			      int64_t value)
{
	struct fa_document *object = fa_document_object();
	int rc = fa_document_put_integer(object, member, value);

	return fa_document_put(out, name, object) | rc;
}

static int put_variables(struct fa_document *out, const struct fa_version *v)
{
	struct fa_document *variables = fa_document_object(), *environment;
	int rc = 0;

	for (size_t i = 0; i < v->environment_count; i++) {
		const char *text = v->config.environment[i];
		size_t len = strcspn(text, "=");
		char name[len + 1];

		memcpy(name, text, len);
		name[len] = '\0';
		rc |= fa_document_put_text(variables, name, text + len + 1);
	}
	environment = fa_document_object();
	rc |= fa_document_put(environment, "Variables", variables);
	return fa_document_put(out, "Environment", environment) | rc;
}

static int put_architectures(struct fa_document *out)
{
	struct fa_document *list = fa_document_array();
#ifdef __aarch64__
	int rc = fa_document_append_text(list, "arm64");
#else
	int rc = fa_document_append_text(list, "x86_64");
#endif

	return fa_document_put(out, "Architectures", list) | rc;
}

/* `qualifier`: as the caller wrote it, or NULL for the function itself. */
static int put_identity(struct fa_document *out, const struct fa_version *v, const char *qualifier)
{
	char arn[FA_TARGET_MAX];

	snprintf(arn, sizeof(arn), "%s%s%s", v->arn, qualifier ? ":" : "",
		 qualifier ? qualifier : "");
	return fa_document_put_text(out, "FunctionName", v->config.name) |
	       fa_document_put_text(out, "FunctionArn", arn) |
	       fa_document_put_text(out, "Version", v->qualifier) |
	       fa_document_put_text(out, "RevisionId", v->revision);
}

/* Lambda counts in seconds: a part of one is told as one. */
static int put_configuration(struct fa_document *out, const struct fa_version *v,
			     const char *qualifier)
{
	const struct faas_function_config *c = &v->config;
	int rc = put_identity(out, v, qualifier);

	if (c->handler)
		rc |= fa_document_put_text(out, "Handler", c->handler);
	rc |= fa_document_put_text(out, "Description", c->description);
	rc |= fa_document_put_integer(out, "Timeout", (c->timeout_ms + 999) / 1000);
	rc |= fa_document_put_integer(out, "MemorySize", c->memory_mb);
	rc |= put_member_integer(out, "EphemeralStorage", "Size", c->tmp_mb);
	rc |= put_time(out, "LastModified", v->modified_ms);
	rc |= fa_document_put_text(out, "CodeSha256", v->code_sha256);
	rc |= fa_document_put_text(out, "PackageType", "Zip");
	rc |= put_architectures(out);
	rc |= put_member_text(out, "TracingConfig", "Mode", "PassThrough");
	if (v->environment_count)
		rc |= put_variables(out, v);
	return rc;
}

/* Lists do not tell these. A version that can be found is one that can be called. */
static int put_state(struct fa_document *out, struct faas *rt, const struct fa_version *v)
{
	int rc = fa_document_put_text(out, "State", "Active");

	if (!fa_registry_updating(&rt->registry, v))
		return fa_document_put_text(out, "LastUpdateStatus", "Successful") | rc;
	return fa_document_put_text(out, "LastUpdateStatus", "InProgress") |
	       fa_document_put_text(out, "LastUpdateStatusReason",
				    "The function is being created.") |
	       fa_document_put_text(out, "LastUpdateStatusReasonCode", "Creating") | rc;
}

static int answer_version(struct fa_document *out, struct faas *rt, const struct fa_version *v,
			  const char *qualifier, struct faas_error *err)
{
	if (put_configuration(out, v, qualifier) | put_state(out, rt, v))
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
	rc = answer_version(out, rt, v, qualifier, err);
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
	rc = put_configuration(configuration, v, qualifier) | put_state(configuration, rt, v);
	rc |= fa_document_put(out, "Configuration", configuration);
	if (v->config.code)
		rc |= put_member_text(out, "Code", "Location", v->config.code);
	if (v->config.max_concurrency)
		rc |= put_member_integer(out, "Concurrency", "ReservedConcurrentExecutions",
					 v->config.max_concurrency);
	rc |= put_tags(out, rt, v);
	fa_version_unref(v);
	return rc ? fa_error_nomem(err) : 0;
}

/* ---- list ------------------------------------------------------------ */

/* One page of those that `all` holds. */
static int list(const struct fa_document *in, struct fa_document *out, const char *name,
		struct fa_version **all, size_t count, bool qualified, struct faas_error *err)
{
	struct fa_document *page = fa_document_array();
	size_t begin, end;
	int rc = fa_control_page(in, out, count, LIST_MOST, &begin, &end, err);

	if (rc) {
		fa_document_free(page);
		return rc;
	}
	for (size_t i = begin; i < end; i++) {
		struct fa_document *item = fa_document_object();

		rc |= put_configuration(item, all[i], qualified ? all[i]->qualifier : NULL);
		rc |= fa_document_append(page, item);
	}
	rc |= fa_document_put(out, name, page);
	return rc ? fa_error_nomem(err) : 0;
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
	rc = list(in, out, function ? "Versions" : "Functions", all, count, numbers, err);
	for (size_t i = 0; i < count; i++)
		fa_version_unref(all[i]);
	fa_free(all);
	return rc;
}

static int list_functions(struct faas *rt, const struct fa_document *in, struct fa_document *out,
			  struct faas_error *err)
{
	return list_some(rt, in, out, NULL, fa_control_text(in, "FunctionVersion") != NULL, err);
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

static void free_variables(const char **variables)
{
	for (size_t i = 0; variables && variables[i]; i++)
		fa_free((char *)variables[i]);
	fa_free(variables);
}

static char *join(struct faas *rt, const char *name, const char *value)
{
	size_t len = strlen(name) + strlen(value) + 2;
	char *text = fa_alloc_dirty(&rt->mem, len);

	if (text)
		snprintf(text, len, "%s=%s", name, value);
	return text;
}

/* Environment.Variables as "NAME=value", or NULL if the request does not speak of them. */
static int read_variables(struct faas *rt, const struct fa_document *in, const char ***variables,
			  struct faas_error *err)
{
	const struct fa_document *map =
		fa_document_get(fa_document_get(in, "Environment"), "Variables");
	const struct fa_document *value;
	const char *name = NULL;
	size_t n = 0;

	*variables = NULL;
	if (!map)
		return 0;
	if (!fa_document_is_object(map))
		return fa_error_typed(err, FAAS_EINVAL, "SerializationException",
				      "Variables must be an object");
	*variables = fa_alloc(&rt->mem, (fa_document_count(map) + 1) * sizeof(**variables));
	if (!*variables)
		return fa_error_nomem(err);
	while ((name = fa_document_next(map, name, &value))) {
		if (!fa_document_text(value))
			return fa_error_typed(err, FAAS_EINVAL, "SerializationException",
					      "the value of '%.80s' must be a string", name);
		(*variables)[n] = join(rt, name, fa_document_text(value));
		if (!(*variables)[n++])
			return fa_error_nomem(err);
	}
	return 0;
}

static int read_size(const struct fa_document *in, int *tmp_mb, struct faas_error *err)
{
	const struct fa_document *storage = fa_document_get(in, "EphemeralStorage");
	int64_t size;

	if (!storage)
		return 0;
	if (!fa_document_integer(fa_document_get(storage, "Size"), &size))
		return fa_error_typed(err, FAAS_EINVAL, "SerializationException",
				      "Size must be a whole number");
	*tmp_mb = size > 0 && size <= INT_MAX ? (int)size : -1; /* refused later, as too small */
	return 0;
}

static int update_configuration(struct faas *rt, const struct fa_document *in,
				struct fa_document *out, struct faas_error *err)
{
	struct faas_function_config change = { .size = sizeof(change) };
	const char *function = fa_control_text(in, "FunctionName"), **variables;
	struct fa_version *old = fa_registry_latest(&rt->registry, function, err), *v;
	int rc;

	if (!old)
		return err->code;
	change.handler = fa_control_text(in, "Handler");
	change.description = fa_control_text(in, "Description");
	change.timeout_ms = fa_control_number(in, "Timeout", 0) * 1000;
	change.memory_mb = fa_control_number(in, "MemorySize", 0);
	rc = read_variables(rt, in, &variables, err);
	change.environment = variables;
	if (!rc)
		rc = read_size(in, &change.tmp_mb, err);
	if (!rc)
		rc = fa_function_change(rt, old, &change, fa_control_text(in, "RevisionId"), err);
	free_variables(variables);
	fa_version_unref(old);
	if (rc)
		return rc;
	v = fa_registry_latest(&rt->registry, function, err);
	rc = v ? answer_version(out, rt, v, NULL, err) : err->code;
	fa_version_unref(v);
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
	if (!rc) {
		v = fa_function_publish(rt, latest, fa_control_text(in, "Description"), err);
		rc = v ? answer_version(out, rt, v, v->qualifier, err) : err->code;
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
	struct fa_document *limit = fa_document_object();
	struct fa_version **all = fa_registry_all(&rt->registry, &rt->mem);
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
	rc |= fa_document_put(out, "AccountLimit", limit);
	rc |= put_member_integer(out, "AccountUsage", "FunctionCount", count);
	return rc ? fa_error_nomem(err) : 0;
}

/* ---- the table ------------------------------------------------------- */

#define END { NULL, 0, false, 0, 0, NULL, NULL }
#define FIELDS(...) (const struct fa_field[]){ FA_FUNCTION_FIELD, __VA_ARGS__, END }
#define QUALIFIER { "Qualifier", FA_TEXT_FIELD, false, 1, 128, NULL, NULL }

static bool is_all(const char *text)
{
	return !strcmp(text, "ALL");
}

const struct fa_operation fa_function_operations[] = {
	{ "GetFunction", FIELDS(QUALIFIER), get },
	{ "GetFunctionConfiguration", FIELDS(QUALIFIER), get_configuration },
	{ "ListFunctions",
	  (const struct fa_field[]){ { "FunctionVersion", FA_TEXT_FIELD, false, 0, 0, is_all,
				       "Member must satisfy enum value set: [ALL]" },
				     FA_MARKER_FIELDS, END },
	  list_functions },
	{ "ListVersionsByFunction", FIELDS(FA_MARKER_FIELDS), list_versions },
	{ "UpdateFunctionConfiguration",
	  FIELDS({ "Handler", FA_TEXT_FIELD, false, 0, 128, NULL, NULL },
		 FA_TEXT_OF("Description", 256),
		 { "Timeout", FA_INTEGER_FIELD, false, 1, 900, NULL, NULL },
		 { "MemorySize", FA_INTEGER_FIELD, false, 128, 10240, NULL, NULL },
		 { "Environment", FA_OBJECT_FIELD, false, 0, 0, NULL, NULL },
		 { "EphemeralStorage", FA_OBJECT_FIELD, false, 0, 0, NULL, NULL },
		 FA_TEXT_OF("RevisionId", 0)),
	  update_configuration },
	{ "PublishVersion",
	  FIELDS(FA_TEXT_OF("CodeSha256", 0), FA_TEXT_OF("Description", 256),
		 FA_TEXT_OF("RevisionId", 0)),
	  publish },
	{ "DeleteFunction", FIELDS(QUALIFIER), delete },
	{ "GetAccountSettings", (const struct fa_field[]){ END }, get_account },
	{ NULL, NULL, NULL },
};
