/* SPDX-License-Identifier: MIT */
/* Which URL a request is for, and whether it is by somebody who may: that is its AuthType. */
#include <http/url.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <base/error.h>
#include <http/cors.h>
#include <http/proxy.h>
#include <http/signer.h>
#include <model/url.h>

#define PLACE "/url/"
#define HOST_PART ".lambda-url."
#define CALLED_MAX (FA_NAME_MAX + FA_QUALIFIER_MAX + 2)
#define TROUBLE "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"

/* ---- which one is meant ------------------------------------------------ */

static bool is_by_host(const struct fa_http_request *request, struct fa_url_target *target)
{
	const char *host = fa_http_get(request, "Host");
	size_t len = host ? strcspn(host, ".") : 0;

	if (!len || strncasecmp(host + len, HOST_PART, sizeof(HOST_PART) - 1) != 0)
		return false;
	*target = (struct fa_url_target){ host, len, request->target, true };
	return true;
}

bool fa_url_is_meant(const struct fa_http_request *request, struct fa_url_target *target)
{
	const char *name = request->target + sizeof(PLACE) - 1;

	if (is_by_host(request, target))
		return true;
	if (strncmp(request->target, PLACE, sizeof(PLACE) - 1) != 0)
		return false;
	*target = (struct fa_url_target){ .name = name, .len = strcspn(name, "/?") };
	target->path = name + target->len;
	return target->len;
}

/* By the function that it is of. */
static struct fa_url *find_by_function(struct fa_registry *registry, const char *text)
{
	char qualifier[FA_QUALIFIER_MAX + 1];
	struct fa_name name;

	if (fa_name_parse(&name, text, NULL))
		return NULL;
	snprintf(qualifier, sizeof(qualifier), "%.*s", (int)name.qualifier.len,
		 name.qualifier.len ? (const char *)name.qualifier.data : "");
	return fa_url_get(registry, text, qualifier, NULL);
}

static struct fa_url *find(struct fa_registry *registry, const struct fa_url_target *target,
			   struct faas_error *err)
{
	struct fa_url *url = NULL;
	char name[CALLED_MAX];
	size_t len = target->len < CALLED_MAX ? target->len : 0;

	memcpy(name, target->name, len);
	len = fa_event_decode(name, len, false);
	if (len != SIZE_MAX && len) {
		name[len] = '\0';
		url = fa_url_find(registry, name, len);
		if (!url && !target->by_host)
			url = find_by_function(registry, name);
	}
	if (!url)
		fa_error(err, FAAS_ENOTFOUND, "There is no function URL '%.*s'",
			 target->len < 200 ? (int)target->len : 200, target->name);
	return url;
}

/* ---- who asks ---------------------------------------------------------- */

static void write_function(char out[CALLED_MAX], const struct fa_url *url)
{
	snprintf(out, CALLED_MAX, "%s%s%s", url->function, *url->qualifier ? ":" : "",
		 url->qualifier);
}

static int authorize(const struct fa_api *api, const struct fa_http_caller *caller,
		     const struct fa_http_request *request, const struct fa_url *url,
		     struct fa_signer *signer, struct faas_error *err)
{
	char function[CALLED_MAX];
	int rc;

	if (!api->keys.secret_of || !fa_http_get(request, "Authorization"))
		return fa_error(err, FAAS_EDENIED,
				"Forbidden. For troubleshooting Function URL authorization issues, "
				"see: " TROUBLE);
	write_function(function, url);
	rc = fa_signer_read(signer, api, caller, request, "lambda", err);
	return rc ? rc : fa_signer_may_call(api->rt, signer, function, err);
}

static struct fa_document *describe_signer(const struct faas *rt, const struct fa_signer *signer)
{
	struct fa_document *iam = fa_document_object(), *out = fa_document_object();
	const char *id = *signer->role ? signer->key : rt->config.account;
	char arn[FA_SIGNER_ARN_MAX];
	int rc;

	fa_signer_arn(arn, rt, signer);
	rc = fa_document_put_text(iam, "accessKey", signer->key);
	rc |= fa_document_put_text(iam, "accountId", rt->config.account);
	rc |= fa_document_put_text(iam, "callerId", id);
	rc |= fa_document_put_null(iam, "cognitoIdentity");
	rc |= fa_document_put_null(iam, "principalOrgId");
	rc |= fa_document_put_text(iam, "userArn", arn);
	rc |= fa_document_put_text(iam, "userId", id);
	rc |= fa_document_put(out, "iam", iam);
	if (!rc)
		return out;
	fa_document_free(out);
	return NULL;
}

/* ---- one request ------------------------------------------------------- */

static void write_domain(char out[FA_URL_MAX], const struct faas *rt,
			 const struct fa_url_target *target, const struct fa_url *url)
{
	if (target->by_host)
		snprintf(out, FA_URL_MAX, "%.*s", (int)strcspn(target->name, ":"), target->name);
	else
		snprintf(out, FA_URL_MAX, "%s" HOST_PART "%s.localhost", url->id,
			 rt->config.region);
}

static void serve(struct fa_api *api, struct fa_http_caller *caller,
		  const struct fa_http_request *request, const struct fa_url_target *target,
		  const struct fa_url *url, const struct fa_signer *who)
{
	struct fa_document *signer = url->iam ? describe_signer(api->rt, who) : NULL;
	char domain[FA_URL_MAX], function[CALLED_MAX];
	struct fa_proxy proxy = { .function = function,
				  .rule = FA_REPLY_V2,
				  .cors = url->cors,
				  .streams = url->streams,
				  .failed_status = 502,
				  .failed_body = "Internal Server Error",
				  .frame = { .path = target->path,
					     .context_path = target->path,
					     .route_key = "$default",
					     .stage = "$default",
					     .account = url->iam ? api->rt->config.account
								 : "anonymous",
					     .api_id = url->id,
					     .domain = domain,
					     .authorizer = signer } };

	write_domain(domain, api->rt, target, url);
	write_function(function, url);
	fa_proxy_serve(api, caller, request, &proxy);
	fa_document_free(signer);
}

/* A browser asks without a signature whether it may ask with one. */
static bool needs_signature(const struct fa_url *url, const struct fa_http_request *request)
{
	return url->iam && !(url->cors && fa_cors_is_preflight(request));
}

void fa_url_serve(struct fa_api *api, struct fa_http_caller *caller,
		  const struct fa_http_request *request, const struct fa_url_target *target)
{
	struct fa_signer signer = { .key = "" };
	struct faas_error err = { 0 };
	struct fa_url *url = find(&api->rt->registry, target, &err);
	int rc = url ? 0 : FAAS_ENOTFOUND;

	if (!rc && needs_signature(url, request))
		rc = authorize(api, caller, request, url, &signer, &err);
	if (rc)
		fa_api_refuse(&api->rt->mem, caller, &err, NULL, NULL);
	else
		serve(api, caller, request, target, url, &signer);
	fa_url_unref(url);
}
