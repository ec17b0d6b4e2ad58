/* SPDX-License-Identifier: MIT */
/* Operations on function URLs. */
#include <control/control.h>

#include <stdio.h>
#include <string.h>

#include <base/error.h>
#include <base/text.h>
#include <model/url.h>

#define ALIAS_PATTERN "((?!^\\d+$)^[0-9a-zA-Z-_]+$)"

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

/* The function itself, or an alias of it; versions have no URLs. */
static int read_target(struct fa_control_split *target, struct faas *rt,
		       const struct fa_document *in, struct faas_error *err)
{
	int rc = fa_control_split(target, rt, in, err);

	if (rc || !*target->qualifier || fa_fits_alias(target->qualifier))
		return rc;
	return fa_error_typed(err, FAAS_EINVAL, "ValidationException",
			      "1 validation error detected: Value '%s' at 'qualifier' failed to "
			      "satisfy constraint: " FA_PATTERN ALIAS_PATTERN,
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

struct listed {
	struct faas *rt;
	struct fa_url **urls;
};

static int put_nth(const void *data, size_t nth, struct fa_document *item, struct faas_error *err)
{
	const struct listed *all = data;

	(void)err;
	return put_url(item, all->rt, all->urls[nth], false);
}

static int list(struct faas *rt, const struct fa_document *in, struct fa_document *out,
		struct faas_error *err)
{
	struct fa_control_split target;
	struct listed all = { rt, NULL };
	size_t count;
	int rc = read_target(&target, rt, in, err);

	if (!rc)
		rc = fa_url_list(&rt->registry, target.function, &all.urls, &count, err);
	if (rc)
		return rc;
	rc = fa_control_list(in, out, "FunctionUrlConfigs", count, put_nth, &all, err);
	for (size_t i = 0; i < count; i++)
		fa_url_unref(all.urls[i]);
	fa_free(all.urls);
	return rc;
}

/* ---- the table ------------------------------------------------------- */

#define FIELDS(...) (const struct fa_field[]){ FA_FUNCTION_FIELD, __VA_ARGS__, FA_NO_FIELD }
#define QUALIFIER \
	FA_FITTING("Qualifier", false, 1, 128, fa_fits_alias, FA_PATTERN ALIAS_PATTERN)
#define TEXTS(name, least, longest, most) \
	FA_LIST_OF(name, false, 0, most, FA_TEXT_ITEM(least, longest, NULL, NULL))
#define CORS \
	FA_OBJECT_OF("Cors", false, \
		     FA_BOOLEAN_OF("AllowCredentials"), \
		     TEXTS("AllowHeaders", 0, 1024, 100), TEXTS("AllowMethods", 0, 6, 6), \
		     TEXTS("AllowOrigins", 1, 253, 100), TEXTS("ExposeHeaders", 0, 1024, 100), \
		     FA_INTEGER_OF("MaxAge", false, 0, 86400))
#define SETTINGS(needed) \
	QUALIFIER, FA_WORD_OF("AuthType", needed, "[AWS_IAM, NONE]"), \
		CORS, \
		FA_WORD_OF("InvokeMode", false, "[BUFFERED, RESPONSE_STREAM]")

const struct fa_operation fa_url_operations[] = {
	{ "CreateFunctionUrlConfig", FIELDS(SETTINGS(true)), create },
	{ "UpdateFunctionUrlConfig", FIELDS(SETTINGS(false)), update },
	{ "GetFunctionUrlConfig", FIELDS(QUALIFIER), get },
	{ "DeleteFunctionUrlConfig", FIELDS(QUALIFIER), delete },
	{ "ListFunctionUrlConfigs", FIELDS(FA_PAGE_FIELDS(FA_PAGE_MOST)), list },
	{ NULL, NULL, NULL },
};
