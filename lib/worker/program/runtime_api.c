/* SPDX-License-Identifier: MIT */
/*
 * A request names what it wants (a row of `routes`) and perhaps which event it means. The
 * id is looked at before the state, as Lambda does: an id that is not the event's is a 400
 * whatever else is wrong. Only what a runtime may say now changes the state; everything
 * that is refused leaves it as it was.
 */
#include <worker/program/runtime_api.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PREFIX "/2018-06-01"
#define INVOCATION PREFIX "/runtime/invocation/"
#define ERROR_TYPE "Lambda-Runtime-Function-Error-Type"
#define ERROR_BODY "Lambda-Runtime-Function-Error-Body"
#define RESPONSE_MODE "Lambda-Runtime-Function-Response-Mode"
#define HTTP_TYPE "application/vnd.awslambda.http-integration-response"

typedef enum fa_runtime_step step_fn(struct fa_runtime_api *api,
				     const struct fa_http_request *request,
				     struct fa_runtime_answer *answer);

/* ---- answers ---------------------------------------------------------- */

static void add_field(struct fa_runtime_answer *answer, const char *name, const char *value)
{
	if (value && *value)
		answer->fields[answer->field_count++] = (struct fa_http_field){ name, value };
}

static enum fa_runtime_step reply(struct fa_runtime_answer *answer, int status, const char *type,
				  const char *body)
{
	answer->status = status;
	answer->body = (struct faas_bytes){ body, strlen(body) };
	add_field(answer, "Content-Type", type);
	return FA_RUNTIME_REPLY;
}

static enum fa_runtime_step refuse(struct fa_runtime_answer *answer, int status, const char *type,
				   const char *message)
{
	snprintf(answer->text, sizeof(answer->text),
		 "{\"errorMessage\":\"%s\",\"errorType\":\"%s\"}\n", message, type);
	return reply(answer, status, "application/json", answer->text);
}

static void refuse_size(struct fa_runtime_answer *answer)
{
	char message[80];

	snprintf(message, sizeof(message), "Exceeded maximum allowed payload size (%d bytes).",
		 FA_RUNTIME_BODY_MAX);
	refuse(answer, 413, "RequestEntityTooLarge", message);
}

static const char *state_name(enum fa_runtime_state state)
{
	static const char *const names[] = {
		[FA_RUNTIME_STARTED] = "Started",   [FA_RUNTIME_READY] = "Ready",
		[FA_RUNTIME_RUNNING] = "Running",   [FA_RUNTIME_ANSWERING] = "InvocationResponse",
		[FA_RUNTIME_SENT] = "ResponseSent", [FA_RUNTIME_INIT_FAILED] = "InitError",
		[FA_RUNTIME_RESTORABLE] = "RestoreReady",
		[FA_RUNTIME_RESTORING] = "Restoring",
		[FA_RUNTIME_RESTORE_FAILED] = "RestoreError",
	};

	return names[state];
}

static enum fa_runtime_step refuse_state(const struct fa_runtime_api *api,
					 struct fa_runtime_answer *answer,
					 enum fa_runtime_state wanted)
{
	char message[160];

	snprintf(message, sizeof(message),
		 "State transition from %s to %s failed for runtime. Error: State transition is "
		 "not allowed",
		 state_name(api->state), state_name(wanted));
	return refuse(answer, 403, "InvalidStateTransition", message);
}

/* ---- results ---------------------------------------------------------- */

/* (Runtime|Function).[A-Z][a-zA-Z]+ and nothing else */
static bool is_proper_type(const char *type)
{
	size_t dot = strcspn(type, "."), letters = 0;

	if ((strncmp(type, "Runtime.", 8) && strncmp(type, "Function.", 9)) ||
	    !isupper((unsigned char)type[dot + 1]))
		return false;
	while (isalpha((unsigned char)type[dot + 1 + letters]))
		letters++;
	return letters > 1 && !type[dot + 1 + letters] && dot + 1 + letters < FA_RUNTIME_TYPE;
}

static const char *failure_type(const char *type)
{
	if (type && is_proper_type(type))
		return type;
	return type && !strncmp(type, "Function.", 9) ? "Function.Unknown" : "Runtime.Unknown";
}

static enum fa_runtime_step accept(struct fa_runtime_answer *answer)
{
	return reply(answer, 202, "application/json", "{\"status\":\"OK\"}\n");
}

static enum fa_runtime_step end(struct fa_runtime_api *api, const struct fa_http_request *request,
				struct fa_runtime_answer *answer, enum fa_runtime_state state,
				bool failed)
{
	api->state = state;
	api->offered = api->offered && state != FA_RUNTIME_SENT;
	api->result.failed = failed;
	api->result.message = NULL;
	api->result.too_large = request->body.len > FA_RUNTIME_BODY_MAX;
	api->result.body = request->body;
	snprintf(api->result.type, sizeof(api->result.type), "%s",
		 failed ? failure_type(fa_http_get(request, ERROR_TYPE)) : "");
	if (api->result.too_large)
		refuse_size(answer);
	else
		accept(answer);
	return FA_RUNTIME_RESULT;
}

/* ---- a response that is passed on -------------------------------------- */

/* libcrypto has a decoder, and each clone of this process would pay for libcrypto. */
static size_t decode(const char *text, char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	size_t len = 0;
	int count = 0;

	for (; *text && *text != '='; text++) {
		const char *digit = strchr(digits, *text);

		if (!digit)
			return 0;
		bits = bits << 6 | (uint32_t)(digit - digits);
		count += 6;
		if (count >= 8)
			out[len++] = (char)(bits >> (count -= 8));
	}
	return len;
}

static void sent(struct fa_runtime_api *api, const char *type, const char *message)
{
	api->state = FA_RUNTIME_SENT;
	api->offered = false;
	memset(&api->result, 0, sizeof(api->result));
	api->result.failed = type;
	api->result.message = message;
	if (type)
		snprintf(api->result.type, sizeof(api->result.type), "%s", failure_type(type));
}

/* Static: it is as large as all trailers may be, and there is one answer at a time. */
void fa_runtime_end(struct fa_runtime_api *api, const struct fa_http_request *request,
		    struct fa_runtime_answer *answer)
{
	static char decoded[65536];
	struct fa_http_request trailers = { .fields = request->trailers,
					    .field_count = request->trailer_count };
	const char *type = fa_http_get(&trailers, ERROR_TYPE);
	const char *body = fa_http_get(&trailers, ERROR_BODY);

	memset(answer, 0, sizeof(*answer));
	sent(api, type, NULL);
	if (type && body && strlen(body) < sizeof(decoded))
		api->result.body = (struct faas_bytes){ decoded, decode(body, decoded) };
	accept(answer);
}

void fa_runtime_overflow(struct fa_runtime_api *api, struct fa_runtime_answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	sent(api, NULL, NULL);
	api->result.too_large = true;
	refuse_size(answer);
}

void fa_runtime_cut(struct fa_runtime_api *api)
{
	sent(api, "Runtime.TruncatedResponse", "Runtime's response was cut short");
}

/* ---- requests --------------------------------------------------------- */

static enum fa_runtime_step ping(struct fa_runtime_api *api, const struct fa_http_request *request,
				 struct fa_runtime_answer *answer)
{
	(void)api;
	(void)request;
	return reply(answer, 200, "text/plain", "pong");
}

/* A runtime that lost its answer asks again: it gets the same event. */
static enum fa_runtime_step next(struct fa_runtime_api *api, const struct fa_http_request *request,
				 struct fa_runtime_answer *answer)
{
	(void)request;
	if (api->state == FA_RUNTIME_INIT_FAILED || api->state == FA_RUNTIME_ANSWERING ||
	    api->state == FA_RUNTIME_RESTORABLE || api->state == FA_RUNTIME_RESTORE_FAILED)
		return refuse_state(api, answer, FA_RUNTIME_READY);
	if (!api->offered) {
		api->state = FA_RUNTIME_READY;
		return FA_RUNTIME_WAIT;
	}
	fa_runtime_event(api, answer);
	return FA_RUNTIME_REPLY;
}

static enum fa_runtime_step response(struct fa_runtime_api *api,
				     const struct fa_http_request *request,
				     struct fa_runtime_answer *answer)
{
	const char *mode = fa_http_get(request, RESPONSE_MODE);

	if (api->state != FA_RUNTIME_RUNNING)
		return refuse_state(api, answer, FA_RUNTIME_SENT);
	if (mode && strcasecmp(mode, "streaming") != 0) {
		sent(api, "Runtime.InvalidResponseModeHeader", "Invalid function response mode");
		refuse(answer, 400, "InvalidFunctionResponseMode",
		       "Invalid function response mode");
		return FA_RUNTIME_RESULT;
	}
	return end(api, request, answer, FA_RUNTIME_SENT, false);
}

static enum fa_runtime_step error(struct fa_runtime_api *api, const struct fa_http_request *request,
				  struct fa_runtime_answer *answer)
{
	if (api->state != FA_RUNTIME_RUNNING)
		return refuse_state(api, answer, FA_RUNTIME_SENT);
	return end(api, request, answer, FA_RUNTIME_SENT, true);
}

static enum fa_runtime_step init_error(struct fa_runtime_api *api,
				       const struct fa_http_request *request,
				       struct fa_runtime_answer *answer)
{
	if (api->state != FA_RUNTIME_STARTED)
		return refuse_state(api, answer, FA_RUNTIME_INIT_FAILED);
	return end(api, request, answer, FA_RUNTIME_INIT_FAILED, true);
}

void fa_runtime_restore(struct fa_runtime_api *api, struct fa_runtime_answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	api->state = FA_RUNTIME_RESTORING;
	answer->status = 200;
	answer->body = (struct faas_bytes){ "", 0 };
}

/* Who lost its answer asks again, and the event may be there by then. */
static enum fa_runtime_step restore_next(struct fa_runtime_api *api,
					 const struct fa_http_request *request,
					 struct fa_runtime_answer *answer)
{
	(void)request;
	if (api->state != FA_RUNTIME_STARTED && api->state != FA_RUNTIME_RESTORABLE &&
	    api->state != FA_RUNTIME_RESTORING)
		return refuse_state(api, answer, FA_RUNTIME_RESTORABLE);
	if (api->offered) {
		fa_runtime_restore(api, answer);
		return FA_RUNTIME_REPLY;
	}
	api->state = FA_RUNTIME_RESTORABLE;
	return FA_RUNTIME_WAIT;
}

static enum fa_runtime_step restore_error(struct fa_runtime_api *api,
					  const struct fa_http_request *request,
					  struct fa_runtime_answer *answer)
{
	if (api->state != FA_RUNTIME_RESTORING)
		return refuse_state(api, answer, FA_RUNTIME_RESTORE_FAILED);
	return end(api, request, answer, FA_RUNTIME_RESTORE_FAILED, true);
}

static const struct route {
	const char *method, *before, *after; /* the id is between them; after NULL: there is none */
	step_fn *take;
	bool snap_start; /* only with it */
} routes[] = {
	{ "GET", PREFIX "/ping", NULL, ping, false },
	{ "GET", INVOCATION "next", NULL, next, false },
	{ "POST", PREFIX "/runtime/init/error", NULL, init_error, false },
	{ "POST", INVOCATION, "/response", response, false },
	{ "POST", INVOCATION, "/error", error, false },
	{ "GET", PREFIX "/runtime/restore/next", NULL, restore_next, true },
	{ "POST", PREFIX "/runtime/restore/error", NULL, restore_error, true },
};

/* Is it of this form? Then its id, of no length where the form has none. */
static bool matches(const struct route *route, const char *target, struct faas_bytes *id)
{
	size_t before = strlen(route->before);

	*id = (struct faas_bytes){ target + before, 0 };
	if (!route->after)
		return strcmp(target, route->before) == 0;
	if (strncmp(target, route->before, before))
		return false;
	target += before;
	*id = (struct faas_bytes){ target, strcspn(target, "/") };
	return id->len && strcmp(target + id->len, route->after) == 0;
}

static bool is_current(const struct fa_runtime_api *api, struct faas_bytes id)
{
	const char *current = api->offered ? api->context->request_id : NULL;

	return current && strlen(current) == id.len && !memcmp(current, id.data, id.len);
}

bool fa_runtime_begin(struct fa_runtime_api *api, const struct fa_http_request *request, bool parts)
{
	static const struct route answers = { "POST", INVOCATION, "/response", response, false };
	const char *mode = fa_http_get(request, RESPONSE_MODE);
	const char *type = fa_http_get(request, "Content-Type");
	const char *length = fa_http_get(request, "Content-Length");
	struct faas_bytes id;

	if (api->state != FA_RUNTIME_RUNNING || strcmp(request->method, answers.method) != 0 ||
	    !matches(&answers, request->target, &id) || !is_current(api, id))
		return false;
	if (mode ? strcasecmp(mode, "streaming") != 0 : !parts)
		return false;
	if (!mode && length && strtoull(length, NULL, 10) > FA_RUNTIME_BODY_MAX)
		return false; /* none of it is wanted */
	api->state = FA_RUNTIME_ANSWERING;
	api->streaming = mode;
	api->http = mode && type && !strcasecmp(type, HTTP_TYPE);
	return true;
}

enum fa_runtime_step fa_runtime_take(struct fa_runtime_api *api,
				     const struct fa_http_request *request,
				     struct fa_runtime_answer *answer)
{
	bool known = false;
	struct faas_bytes id;

	memset(answer, 0, sizeof(*answer));
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
		if (!matches(&routes[i], request->target, &id) ||
		    (routes[i].snap_start && !api->snap_start))
			continue;
		known = true;
		if (strcmp(request->method, routes[i].method) != 0)
			continue;
		if (routes[i].after && !is_current(api, id))
			return refuse(answer, 400, "InvalidRequestID", "Invalid request ID");
		return routes[i].take(api, request, answer);
	}
	if (known)
		return reply(answer, 405, NULL, "");
	return reply(answer, 404, "text/plain", "404 page not found\n");
}

/* ---- events ----------------------------------------------------------- */

void fa_runtime_init(struct fa_runtime_api *api)
{
	memset(api, 0, sizeof(*api));
}

bool fa_runtime_offer(struct fa_runtime_api *api, const struct faas_context *context,
		      struct faas_bytes event)
{
	api->offered = true;
	api->context = context;
	api->event = event;
	return api->state == FA_RUNTIME_READY;
}

void fa_runtime_event(struct fa_runtime_api *api, struct fa_runtime_answer *answer)
{
	const struct faas_context *context = api->context;

	memset(answer, 0, sizeof(*answer));
	api->state = FA_RUNTIME_RUNNING;
	answer->status = 200;
	answer->body = api->event;
	snprintf(answer->deadline, sizeof(answer->deadline), "%lld",
		 (long long)context->deadline_ms);
	add_field(answer, "Content-Type", "application/json");
	add_field(answer, "Lambda-Runtime-Aws-Request-Id", context->request_id);
	add_field(answer, "Lambda-Runtime-Deadline-Ms", answer->deadline);
	add_field(answer, "Lambda-Runtime-Invoked-Function-Arn", context->invoked_arn);
	add_field(answer, "Lambda-Runtime-Trace-Id", context->trace_id);
	add_field(answer, "Lambda-Runtime-Client-Context", context->client_context);
	add_field(answer, "Lambda-Runtime-Aws-Tenant-Id", context->tenant_id);
}
