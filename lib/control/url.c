/* SPDX-License-Identifier: MIT */
/* Operations on function URLs. */
#include <control/control.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/url.h>

#define LIST_MOST 50

/* ---- one as JSON ------------------------------------------------------ */

static int put_time(struct fa_document *out, const char *name, int64_t unix_ms)
{
	char bytes[40];
	struct fa_text text = FA_TEXT(bytes);

	fa_text_time(&text, unix_ms);
	return fa_document_put_text(out, name, bytes);
}

/* What answers its creation does not say when it was changed. */
static int put_url(struct fa_document *out, struct faas *rt, const struct fa_url *url, bool created)
{
	char text[FA_URL_MAX], arn[FA_ARN_MAX + FA_QUALIFIER_MAX];
	int rc;

	fa_url_write(&rt->registry, url, text);
	snprintf(arn, sizeof(arn), "arn:aws:lambda:%s:%s:function:%s%s%s", rt->config.region,
		 rt->config.account, url->function, *url->qualifier ? ":" : "", url->qualifier);
	rc = fa_document_put_text(out, "FunctionUrl", text);
	rc |= fa_document_put_text(out, "FunctionArn", arn);
	rc |= fa_document_put_text(out, "AuthType", url->iam ? "AWS_IAM" : "NONE");
	if (url->cors)
		rc |= fa_document_put(out, "Cors", fa_document_copy(url->cors));
	rc |= put_time(out, "CreationTime", url->created_ms);
	if (!created)
		rc |= put_time(out, "LastModifiedTime", url->modified_ms);
	return fa_document_put_text(out, "InvokeMode",
				    url->streams ? "RESPONSE_STREAM" : "BUFFERED") | rc;
}

/* ---- read what is asked for ------------------------------------------ */

static const struct {
	const char *name;
	enum fa_field_kind kind;
	int min, max; /* of the number, or of each text */
	size_t most;  /* of a list */
} cors_members[] = {
	{ "AllowCredentials", FA_BOOLEAN_FIELD, 0, 0, 0 },
	{ "AllowHeaders", FA_LIST_FIELD, 0, 1024, 100 },
	{ "AllowMethods", FA_LIST_FIELD, 0, 6, 6 },
	{ "AllowOrigins", FA_LIST_FIELD, 1, 253, 100 },
	{ "ExposeHeaders", FA_LIST_FIELD, 0, 1024, 100 },
	{ "MaxAge", FA_INTEGER_FIELD, 0, 86400, 0 },
};
#define CORS_MEMBERS (sizeof(cors_members) / sizeof(*cors_members))

static bool fits_list(const struct fa_document *list, int min, int max, size_t most)
{
	const struct fa_document *item;
	size_t count = 0;

	for (; (item = fa_document_item(list, count)); count++) {
		const char *text = fa_document_text(item);

		if (!text || strlen(text) < (size_t)min || strlen(text) > (size_t)max)
			return false;
	}
	return count <= most;
}

static bool fits_cors(size_t i, const struct fa_document *value)
{
	int64_t number;
	bool flag;

	switch (cors_members[i].kind) {
	case FA_BOOLEAN_FIELD:
		return fa_document_boolean(value, &flag);
	case FA_INTEGER_FIELD:
		return fa_document_integer(value, &number) && number >= cors_members[i].min &&
		       number <= cors_members[i].max;
	default:
		return fa_document_is_array(value) &&
		       fits_list(value, cors_members[i].min, cors_members[i].max,
				 cors_members[i].most);
	}
}

static int check_cors(const struct fa_document *cors, struct faas_error *err)
{
	const struct fa_document *value;
	const char *name = NULL;

	while ((name = fa_document_next(cors, name, &value))) {
		size_t i = 0;

		while (i < CORS_MEMBERS && strcmp(cors_members[i].name, name))
			i++;
		if (i == CORS_MEMBERS)
			return fa_error(err, FAAS_EINVAL, "Cors has no member '%.80s'", name);
		if (fits_cors(i, value))
			continue;
		if (cors_members[i].kind != FA_LIST_FIELD)
			return fa_error(err, FAAS_EINVAL, "Cors.%s must be %s", name,
					i ? "a whole number between 0 and 86400" : "true or false");
		return fa_error(err, FAAS_EINVAL,
				"Cors.%s must be a list of at most %zu strings of %d to %d "
				"characters",
				name, cors_members[i].most, cors_members[i].min,
				cors_members[i].max);
	}
	return 0;
}

/* The function itself, or an alias of it; versions have no URLs. */
static int read_target(struct fa_control_split *target, struct faas *rt,
		       const struct fa_document *in, struct faas_error *err)
{
	int rc = fa_control_split(target, rt, in, err);

	if (rc || !*target->qualifier || fa_fits_alias(target->qualifier))
		return rc;
	return fa_error_typed(err, FAAS_EINVAL, "ValidationException",
			      "1 validation error detected: Value '%s' at 'qualifier' failed to "
			      "satisfy constraint: Member must satisfy regular expression pattern: "
			      "((?!^\\d+$)^[0-9a-zA-Z-_]+$)",
			      target->qualifier);
}

/* ---- operations ------------------------------------------------------ */

/* Takes the reference. */
static int answer(struct fa_document *out, struct faas *rt, struct fa_url *url, bool created,
		  struct faas_error *err)
{
	int rc = put_url(out, rt, url, created);

	fa_url_unref(url);
	return rc ? fa_error_nomem(err) : 0;
}

/* 1 if the member says so, 0 if it says otherwise. */
static int choice(const struct fa_document *in, const char *name, const char *one)
{
	const char *text = fa_control_text(in, name);

	return text ? !strcmp(text, one) : FA_URL_KEEP;
}

static int set(struct faas *rt, const struct fa_document *in, struct fa_document *out, bool create,
	       struct faas_error *err)
{
	struct fa_url_change change = { .create = create,
					.iam = choice(in, "AuthType", "AWS_IAM"),
					.streams = choice(in, "InvokeMode", "RESPONSE_STREAM"),
					.cors = fa_document_get(in, "Cors"),
					.now_ms = rt->clock->unix_ms(rt->clock) };
	struct fa_control_split target;
	struct fa_url *url;
	int rc = read_target(&target, rt, in, err);

	change.function = target.function;
	change.qualifier = target.qualifier;
	if (!rc)
		rc = check_cors(change.cors, err);
	if (!rc)
		rc = fa_url_set(&rt->registry, &change, &url, err);
	return rc ? rc : answer(out, rt, url, create, err);
}

static int create(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	return set(rt, in, out, true, err);
}

static int update(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	return set(rt, in, out, false, err);
}

static int get(struct faas *rt, const struct fa_document *in, struct fa_document *out,
	       struct faas_error *err)
{
	struct fa_control_split target;
	struct fa_url *url;
	int rc = read_target(&target, rt, in, err);

	if (rc)
		return rc;
	url = fa_url_get(&rt->registry, target.function, target.qualifier, err);
	return url ? answer(out, rt, url, false, err) : err->code;
}

static int delete(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		  struct faas_error *err)
{
	struct fa_control_split target;
	int rc = read_target(&target, rt, in, err);

	(void)out;
	return rc ? rc : fa_url_delete(&rt->registry, target.function, target.qualifier, err);
}

static int list_page(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		     struct fa_url *const *all, size_t count, struct faas_error *err)
{
	struct fa_document *page;
	size_t begin, end;
	int rc = fa_control_page(in, out, count, LIST_MOST, &begin, &end, err);

	if (rc)
		return rc;
	page = fa_document_array();
	for (size_t i = begin; i < end; i++) {
		struct fa_document *item = fa_document_object();

		rc |= put_url(item, rt, all[i], false);
		rc |= fa_document_append(page, item);
	}
	rc |= fa_document_put(out, "FunctionUrlConfigs", page);
	return rc ? fa_error_nomem(err) : 0;
}

static int list(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		struct faas_error *err)
{
	struct fa_control_split target;
	struct fa_url **all;
	size_t count;
	int rc = read_target(&target, rt, in, err);

	if (!rc)
		rc = fa_url_list(&rt->registry, target.function, &all, &count, err);
	if (rc)
		return rc;
	rc = list_page(rt, in, out, all, count, err);
	for (size_t i = 0; i < count; i++)
		fa_url_unref(all[i]);
	fa_free(all);
	return rc;
}

/* ---- the table ------------------------------------------------------- */

static bool fits_auth(const char *text)
{
	return !strcmp(text, "NONE") || !strcmp(text, "AWS_IAM");
}

static bool fits_invoke_mode(const char *text)
{
	return !strcmp(text, "BUFFERED") || !strcmp(text, "RESPONSE_STREAM");
}

#define END { NULL, 0, false, 0, 0, NULL, NULL }
#define FIELDS(...) (const struct fa_field[]){ FA_FUNCTION_FIELD, __VA_ARGS__, END }
#define QUALIFIER { "Qualifier", FA_TEXT_FIELD, false, 1, 128, NULL, NULL }
#define SETTINGS(needed) \
	QUALIFIER, { "AuthType", FA_TEXT_FIELD, needed, 0, 0, fits_auth, \
		     "Member must satisfy enum value set: [AWS_IAM, NONE]" }, \
		{ "Cors", FA_OBJECT_FIELD, false, 0, 0, NULL, NULL }, \
		{ "InvokeMode", FA_TEXT_FIELD, false, 0, 0, fits_invoke_mode, \
		  "Member must satisfy enum value set: [BUFFERED, RESPONSE_STREAM]" }

const struct fa_operation fa_url_operations[] = {
	{ "CreateFunctionUrlConfig", FIELDS(SETTINGS(true)), create },
	{ "UpdateFunctionUrlConfig", FIELDS(SETTINGS(false)), update },
	{ "GetFunctionUrlConfig", FIELDS(QUALIFIER), get },
	{ "DeleteFunctionUrlConfig", FIELDS(QUALIFIER), delete },
	{ "ListFunctionUrlConfigs", FIELDS(FA_MARKER_FIELDS), list },
	{ NULL, NULL, NULL },
};
