/* SPDX-License-Identifier: MIT */
#include <worker/program/extensions.h>

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <base/json.h>
#include <base/member.h>

#define PREFIX "/2020-01-01/extension/"
#define IDENTIFIER "Lambda-Extension-Identifier"

/* ---- answers ------------------------------------------------------------- */

void fa_extensions_say(struct fa_runtime_answer *answer, int status)
{
	answer->status = status;
	answer->body = (struct faas_bytes){ answer->text, strlen(answer->text) };
	answer->fields[0] = (struct fa_http_field){ "Content-Type", "application/json" };
	answer->field_count = 1;
}

void fa_extensions_refuse(struct fa_runtime_answer *answer, int status, const char *type,
			  const char *message)
{
	struct fa_text text = FA_TEXT(answer->text);

	fa_text_add(&text, "{");
	fa_member_text(&text, "errorMessage", message);
	fa_member_text(&text, "errorType", type);
	fa_text_add(&text, "}\n");
	fa_extensions_say(answer, status);
}

static enum fa_runtime_step refuse(struct fa_runtime_answer *answer, const char *type,
				   const char *message)
{
	fa_extensions_refuse(answer, 403, type, message);
	return FA_RUNTIME_REPLY;
}

/* ---- who asks ------------------------------------------------------------ */

static struct fa_extension *find(struct fa_extensions *x, const char *member, size_t offset)
{
	for (int i = 0; i < x->count; i++)
		if (!strcmp((const char *)&x->at[i] + offset, member))
			return &x->at[i];
	return NULL;
}

struct fa_extension *fa_extensions_caller(struct fa_extensions *x,
					  const struct fa_http_request *request,
					  struct fa_runtime_answer *answer)
{
	const char *id = fa_http_get(request, IDENTIFIER);
	struct fa_extension *found = NULL;

	if (!id || !*id)
		refuse(answer, "Extension.MissingExtensionIdentifier",
		       "Missing Lambda-Extension-Identifier header");
	else if (strlen(id) != sizeof(found->id) - 1)
		refuse(answer, "Extension.InvalidExtensionIdentifier",
		       "Invalid Lambda-Extension-Identifier");
	else if (!(found = find(x, id, offsetof(struct fa_extension, id))))
		refuse(answer, "Extension.UnknownExtensionIdentifier",
		       "Unknown Lambda-Extension-Identifier");
	return found;
}

/* ---- register ------------------------------------------------------------ */

/* {"events":["INVOKE","SHUTDOWN"]}; false: something else. */
static bool read_events(struct faas_bytes body, bool *invoke, bool *shutdown, bool *known)
{
	struct fa_json whole, events, event;
	struct fa_json_iter iter;

	*known = true;
	*invoke = *shutdown = false;
	if (!body.len)
		return true;
	if (!fa_json_read(body.data, body.len, &whole) || fa_json_kind(whole) != FA_JSON_OBJECT)
		return false;
	events = fa_json_get(whole, "events");
	if (fa_json_kind(events) == FA_JSON_NONE)
		return true;
	if (fa_json_kind(events) != FA_JSON_ARRAY)
		return false;
	fa_json_begin(&iter, events);
	while (fa_json_next(&iter, NULL, &event)) {
		bool is_invoke = fa_json_equals(event, "INVOKE");
		bool is_shutdown = fa_json_equals(event, "SHUTDOWN");

		*invoke |= is_invoke;
		*shutdown |= is_shutdown;
		*known &= is_invoke || is_shutdown;
	}
	return true;
}

/* An external one is there since it was started; what nobody started is internal. */
static struct fa_extension *place_of(struct fa_extensions *x, const char *name)
{
	struct fa_extension *found = find(x, name, offsetof(struct fa_extension, name));

	if (found || x->count == FA_EXTENSIONS_MAX)
		return found;
	found = &x->at[x->count];
	memset(found, 0, sizeof(*found));
	snprintf(found->name, sizeof(found->name), "%s", name);
	return found;
}

static void welcome(const struct fa_extensions *x, const struct fa_http_request *request,
		    const struct fa_extension *extension, struct fa_runtime_answer *answer)
{
	const struct fa_settings *s = x->settings;
	const char *wish = fa_http_get(request, "Lambda-Extension-Accept-Feature");
	bool account = wish && !strcmp(wish, "accountId");

	struct fa_text text = FA_TEXT(answer->text);

	fa_text_add(&text, "{");
	fa_member_text(&text, "functionName", s->function);
	fa_member_text(&text, "functionVersion", s->version);
	fa_member_text(&text, "handler", s->method);
	if (account)
		fa_member_text(&text, "accountId", s->account);
	fa_text_add(&text, "}");
	fa_extensions_say(answer, 200);
	answer->fields[answer->field_count++] = (struct fa_http_field){ IDENTIFIER, extension->id };
}

static enum fa_runtime_step enroll(struct fa_extensions *x, const struct fa_http_request *request,
				   struct fa_runtime_answer *answer)
{
	const char *name = fa_http_get(request, "Lambda-Extension-Name");
	bool invoke, shutdown, known;
	struct fa_extension *extension;
	uint8_t random[16];

	if (!name || !*name || strlen(name) >= FA_EXTENSION_NAME)
		return refuse(answer, "Extension.InvalidExtensionName", "Invalid extension name");
	if (!read_events(request->body, &invoke, &shutdown, &known))
		return refuse(answer, "InvalidRequestFormat", "Request body is not valid");
	if (x->closed)
		return refuse(answer, "Extension.RegistrationClosed",
			      "Extension registration closed already");
	extension = place_of(x, name);
	if (!extension)
		return refuse(answer, "Extension.TooManyExtensions", "Too many extensions");
	if (extension->state != FA_EXTENSION_STARTED)
		return refuse(answer, "Extension.InvalidExtensionState",
			      "Extension is registered already");
	if (!known || (shutdown && !extension->pid))
		return refuse(answer, "Extension.InvalidEventType", "Invalid event type");
	if (extension == &x->at[x->count])
		x->count++;
	extension->invoke = invoke;
	extension->shutdown = shutdown;
	extension->state = FA_EXTENSION_REGISTERED;
	fa_random_bytes(random, sizeof(random));
	fa_uuid(extension->id, random);
	welcome(x, request, extension, answer);
	return FA_RUNTIME_REPLY;
}

/* ---- the other requests --------------------------------------------------- */

/* Who asks again lost its answer: it waits for the next event, as in Lambda. */
static enum fa_runtime_step next(struct fa_extensions *x, const struct fa_http_request *request,
				 struct fa_connection *from, struct fa_runtime_answer *answer)
{
	struct fa_extension *extension = fa_extensions_caller(x, request, answer);

	if (!extension)
		return FA_RUNTIME_REPLY;
	extension->state = FA_EXTENSION_READY;
	extension->waiter = from;
	return FA_RUNTIME_WAIT;
}

static enum fa_runtime_step give_up(struct fa_extensions *x, const struct fa_http_request *request,
				    const char *error, struct fa_runtime_answer *answer)
{
	const char *type = fa_http_get(request, "Lambda-Extension-Function-Error-Type");

	if (!fa_extensions_caller(x, request, answer))
		return FA_RUNTIME_REPLY;
	if (!type || !*type)
		return refuse(answer, "Extension.MissingHeader",
			      "Lambda-Extension-Function-Error-Type not found");
	snprintf(x->error, sizeof(x->error), "%s", error);
	snprintf(answer->text, sizeof(answer->text), "{\"status\":\"OK\"}\n");
	fa_extensions_say(answer, 202);
	return FA_RUNTIME_RESULT;
}

bool fa_extensions_meant(const struct fa_http_request *request)
{
	return !strncmp(request->target, PREFIX, strlen(PREFIX));
}

enum fa_runtime_step fa_extensions_take(struct fa_extensions *x,
					const struct fa_http_request *request,
					struct fa_connection *from,
					struct fa_runtime_answer *answer)
{
	const char *what = request->target + strlen(PREFIX);
	bool post = !strcmp(request->method, "POST");

	memset(answer, 0, sizeof(*answer));
	if (!post && !strcmp(request->method, "GET") && !strcmp(what, "event/next"))
		return next(x, request, from, answer);
	if (post && !strcmp(what, "register"))
		return enroll(x, request, answer);
	if (post && !strcmp(what, "init/error"))
		return give_up(x, request, "Extension.InitError", answer);
	if (post && !strcmp(what, "exit/error"))
		return give_up(x, request, "Extension.ExitError", answer);
	snprintf(answer->text, sizeof(answer->text), "404 page not found\n");
	fa_extensions_say(answer, 404);
	return FA_RUNTIME_REPLY;
}

/* ---- events --------------------------------------------------------------- */

bool fa_extensions_registered(const struct fa_extensions *x)
{
	for (int i = 0; i < x->count; i++)
		if (x->at[i].state == FA_EXTENSION_STARTED)
			return false;
	return true;
}

bool fa_extensions_ready(const struct fa_extensions *x)
{
	for (int i = 0; i < x->count; i++)
		if (x->at[i].state != FA_EXTENSION_READY)
			return false;
	return true;
}

void fa_extensions_gone(struct fa_extensions *x, const struct fa_connection *from)
{
	for (int i = 0; i < x->count; i++)
		if (x->at[i].waiter == from)
			x->at[i].waiter = NULL;
}

bool fa_extension_event(struct fa_extension *extension, const struct faas_context *context,
			bool shutdown, int64_t deadline_ms, struct fa_runtime_answer *answer)
{
	const char *trace = shutdown ? NULL : context->trace_id;

	if (!(shutdown ? extension->shutdown : extension->invoke) || !extension->waiter)
		return false;
	memset(answer, 0, sizeof(*answer));
	if (shutdown)
		snprintf(answer->text, sizeof(answer->text),
			 "{\"eventType\":\"SHUTDOWN\",\"deadlineMs\":%lld,"
			 "\"shutdownReason\":\"spindown\"}",
			 (long long)deadline_ms);
	else
		snprintf(answer->text, sizeof(answer->text),
			 "{\"eventType\":\"INVOKE\",\"deadlineMs\":%lld,\"requestId\":\"%s\","
			 "\"invokedFunctionArn\":\"%s\",\"tracing\":{\"type\":\"X-Amzn-Trace-Id\","
			 "\"value\":\"%s\"}}",
			 (long long)deadline_ms, context->request_id, context->invoked_arn,
			 trace && !strpbrk(trace, "\"\\") ? trace : "");
	fa_extensions_say(answer, 200);
	answer->fields[answer->field_count++] =
		(struct fa_http_field){ "Lambda-Extension-Event-Identifier", extension->id };
	extension->state = FA_EXTENSION_RUNNING;
	return true;
}
