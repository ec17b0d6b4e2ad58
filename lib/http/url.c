/* SPDX-License-Identifier: MIT */
/*
 * A request becomes an event, what the function says becomes the answer. Whether a browser
 * may read it is the URL's Cors; whether it is asked for by somebody who may, its AuthType.
 */
#include <http/url.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <base/error.h>
#include <http/cors.h>
#include <http/event.h>
#include <http/reply.h>
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

static int authorize(const struct fa_api *api, const struct fa_http_request *request,
		     struct faas_error *err)
{
	if (!api->keys.secret_of || !fa_http_get(request, "Authorization"))
		return fa_error(err, FAAS_EDENIED,
				"Forbidden. For troubleshooting Function URL authorization issues, "
				"see: " TROUBLE);
	return fa_sigv4_verify(&api->keys, &api->rt->mem, request,
			       api->rt->clock->unix_ms(api->rt->clock), err);
}

/* The key is good, or we would not be here. Keys have no users yet: they are the account's. */
static struct fa_document *describe_signer(const struct fa_api *api,
					   const struct fa_http_request *request)
{
	const char *account = api->rt->config.account, *at = fa_http_get(request, "Authorization");
	struct fa_document *iam = fa_document_object(), *out = fa_document_object();
	char key[256] = "", arn[128];
	int rc;

	at = strstr(at, "Credential=");
	if (at)
		snprintf(key, sizeof(key), "%.*s", (int)strcspn(at + 11, "/"), at + 11);
	snprintf(arn, sizeof(arn), "arn:aws:iam::%s:root", account);
	rc = fa_document_put_text(iam, "accessKey", key);
	rc |= fa_document_put_text(iam, "accountId", account);
	rc |= fa_document_put_text(iam, "callerId", account);
	rc |= fa_document_put_null(iam, "cognitoIdentity");
	rc |= fa_document_put_null(iam, "principalOrgId");
	rc |= fa_document_put_text(iam, "userArn", arn);
	rc |= fa_document_put_text(iam, "userId", account);
	rc |= fa_document_put(out, "iam", iam);
	if (!rc)
		return out;
	fa_document_free(out);
	return NULL;
}

/* ---- one request ------------------------------------------------------- */

struct call {
	struct fa_api *api;
	struct fa_http_caller *caller;
	struct fa_cors *cors;
	bool configured; /* the URL has Cors: what the function says of it does not count */
	char request_id[FA_API_ID_MAX];
};

static void free_call(struct call *call)
{
	if (call)
		fa_free(call->cors);
	fa_free(call);
}

static int fill_fields(const struct call *call, const struct fa_reply *reply,
		       struct fa_http_field *fields)
{
	int count = 0;

	fields[count++] = (struct fa_http_field){ "x-amzn-RequestId", call->request_id };
	for (int i = 0; i < reply->field_count; i++)
		if (!call->configured || !fa_cors_owns(reply->fields[i].name))
			fields[count++] = reply->fields[i];
	for (int i = 0; i < call->cors->count; i++)
		fields[count++] = call->cors->fields[i];
	return count;
}

static void answer(struct call *call, const struct fa_reply *reply)
{
	struct fa_http_field fields[FA_REPLY_FIELDS_MAX + 10];
	int count = fill_fields(call, reply, fields);

	call->caller->answer(call->caller, reply->status, fields, count, reply->body);
}

/* The function failed, or said what is no answer of HTTP; what it was is in its log. */
static void answer_failure(struct call *call)
{
	struct fa_reply reply = { .status = 502,
				  .body = { "Internal Server Error", 21 },
				  .field_count = 1,
				  .fields = { { "Content-Type", "application/json" } } };

	answer(call, &reply);
}

static void on_done(void *data, const struct faas_result *r)
{
	struct call *call = data;
	struct fa_reply reply;
	struct faas_error err;
	int rc = 0;

	if (fa_api_did_not_run(r, &err)) {
		fa_api_refuse(&call->api->rt->mem, call->caller, &err,
			      r->code == FAAS_ETHROTTLED ? r->reason : NULL, r->request_id);
	} else {
		if (!r->code)
			rc = fa_reply_read(&reply, &call->api->rt->mem, r->payload, FA_REPLY_V2);
		if (r->code || rc) {
			answer_failure(call);
		} else {
			answer(call, &reply);
			fa_reply_finish(&reply);
		}
	}
	free_call(call);
}

static char *make_event(const struct call *call, const struct fa_http_request *request,
			const struct fa_url_target *target, const struct fa_url *url,
			struct faas_error *err)
{
	const struct faas *rt = call->api->rt;
	char domain[FA_URL_MAX], source[FA_SOURCE_MAX];
	struct fa_document *authorizer = url->iam ? describe_signer(call->api, request) : NULL;
	struct fa_event_frame frame = { .path = target->path,
					.route_key = "$default",
					.stage = "$default",
					.account = url->iam ? rt->config.account : "anonymous",
					.api_id = url->id,
					.domain = domain,
					.source_ip = source,
					.request_id = call->request_id,
					.unix_ms = rt->clock->unix_ms(rt->clock),
					.authorizer = authorizer };
	char *event;

	fa_http_source(call->caller, source);
	if (target->by_host)
		snprintf(domain, sizeof(domain), "%.*s", (int)strcspn(target->name, ":"),
			 target->name);
	else
		snprintf(domain, sizeof(domain), "%s" HOST_PART "%s.localhost", url->id,
			 rt->config.region);
	event = fa_event_v2(&rt->mem, request, &frame, err);
	fa_document_free(authorizer);
	return event;
}

static int invoke(struct call *call, const struct fa_http_request *request,
		  const struct fa_url_target *target, const struct fa_url *url,
		  struct faas_error *err)
{
	char *event = make_event(call, request, target, url, err), function[CALLED_MAX];
	struct faas_request r = { .size = sizeof(r),
				  .function = function,
				  .request_id = call->request_id,
				  .trace_id = fa_http_get(request, "X-Amzn-Trace-Id"),
				  .on_done = on_done,
				  .data = call };
	int rc;

	if (!event)
		return err->code;
	snprintf(function, sizeof(function), "%s%s%s", url->function, *url->qualifier ? ":" : "",
		 url->qualifier);
	r.payload = (struct faas_bytes){ event, strlen(event) };
	rc = faas_invoke(call->api->rt, &r, NULL, err);
	fa_free(event);
	return rc;
}

static struct call *new_call(struct fa_api *api, struct fa_http_caller *caller,
			     const struct fa_http_request *request, const struct fa_url *url)
{
	struct call *call = fa_alloc(&api->rt->mem, sizeof(*call));

	if (!call)
		return NULL;
	call->api = api;
	call->caller = caller;
	call->configured = url->cors;
	call->cors = fa_cors_create(&api->rt->mem, url->cors, request);
	fa_api_new_id(call->request_id);
	if (call->cors)
		return call;
	free_call(call);
	return NULL;
}

static void serve(struct fa_api *api, struct fa_http_caller *caller,
		  const struct fa_http_request *request, const struct fa_url_target *target,
		  const struct fa_url *url)
{
	struct faas_error err = { 0 };
	struct call *call = new_call(api, caller, request, url);
	struct fa_reply empty = { .status = 200, .body = { "", 0 } };
	bool preflight = call && call->configured && fa_cors_is_preflight(request);
	int rc = call ? 0 : fa_error_nomem(&err);

	if (!rc && !preflight && url->iam)
		rc = authorize(api, request, &err);
	if (!rc && !preflight)
		rc = invoke(call, request, target, url, &err);
	if (preflight)
		answer(call, &empty);
	else if (rc)
		fa_api_refuse(&api->rt->mem, caller, &err, NULL, NULL);
	if (preflight || rc)
		free_call(call);
}

void fa_url_serve(struct fa_api *api, struct fa_http_caller *caller,
		  const struct fa_http_request *request, const struct fa_url_target *target)
{
	struct faas_error err = { 0 };
	struct fa_url *url = find(&api->rt->registry, target, &err);

	if (url)
		serve(api, caller, request, target, url);
	else
		fa_api_refuse(&api->rt->mem, caller, &err, NULL, NULL);
	fa_url_unref(url);
}
