/* SPDX-License-Identifier: MIT */
/*
 * Invocations: headers into a request, a result into headers. That a function failed
 * is a success of the API, with X-Amz-Function-Error; an error of the API is that it did
 * not run. A client that goes away does not end what it started.
 */
#include <http/api.h>

#include <string.h>
#include <strings.h>

#include <base/base64.h>
#include <base/digest.h>
#include <base/error.h>
#include <base/json.h>
#include <control/control.h>
#include <http/eventstream.h>
#include <model/vpc.h>

#define CONTEXT_MAX 3583
#define TAIL_TEXT 5468 /* base64 of the 4 KB that a tail has */

struct invocation {
	struct fa_api *api;
	struct fa_http_caller *caller;
	enum faas_mode mode;
	bool streamed, begun, broken;
	uint64_t id;
};

bool fa_api_is_invoke(const struct fa_route *route)
{
	return !strncmp(route->operation, "Invoke", 6);
}

/* ---- the answer ------------------------------------------------------ */

bool fa_api_did_not_run(const struct faas_result *r, struct faas_error *err)
{
	if (r->code != FAAS_ETHROTTLED && r->code != FAAS_ENOMEM && r->code != FAAS_ESYSTEM &&
	    r->code != FAAS_ECANCELED && r->code != FAAS_EUNKNOWN)
		return false;
	fa_error(err, r->code, "%s", faas_strerror(r->code));
	if (!strcmp(r->error_type, FA_NO_ADDRESS_TYPE))
		fa_error_typed(err, r->code, FA_NO_ADDRESS_TYPE, "%s", FA_NO_ADDRESS_TEXT);
	if (r->code == FAAS_ECANCELED)
		fa_error_typed(err, r->code, "ServiceException", "the service is shutting down");
	return true;
}

static struct fa_document *describe_end(const struct faas_result *r, const char *tail)
{
	struct fa_document *end = fa_document_object();
	int rc = end ? 0 : FAAS_ENOMEM;
	char *details = r->code ? fa_memdup(&fa_mem_libc, r->payload.data, r->payload.len) : NULL;

	if (!rc && r->code)
		rc = fa_document_put_text(end, "ErrorCode", r->error_type);
	if (!rc && details)
		rc = fa_document_put_text(end, "ErrorDetails", details);
	if (!rc && *tail)
		rc = fa_document_put_text(end, "LogResult", tail);
	fa_free(details);
	if (!rc)
		return end;
	fa_document_free(end);
	return NULL;
}

/* What is there whole: one PayloadChunk, if there is anything, and InvokeComplete. */
static char *make_stream(const struct fa_mem *mem, const struct faas_result *r, const char *tail,
			 size_t *len)
{
	static const char bytes[] = "application/octet-stream", json[] = "application/json";
	struct fa_document *end = describe_end(r, tail);
	char *text = end ? fa_document_print(end, mem) : NULL, *out = NULL;
	bool chunk = !r->code && r->payload.len;

	fa_document_free(end);
	if (text)
		out = fa_alloc_dirty(
			mem, fa_eventstream_size("PayloadChunk", bytes, r->payload.len) +
				     fa_eventstream_size("InvokeComplete", json, strlen(text)));
	*len = 0;
	if (out && chunk)
		*len = fa_eventstream_put(out, "PayloadChunk", bytes, r->payload);
	if (out)
		*len += fa_eventstream_put(out + *len, "InvokeComplete", json,
					   (struct faas_bytes){ text, strlen(text) });
	fa_free(text);
	return out;
}

static void answer_stream(const struct invocation *inv, const struct faas_result *r,
			  const char *tail)
{
	const struct fa_http_field fields[] = {
		{ "x-amzn-RequestId", r->request_id },
		{ "X-Amz-Executed-Version", r->version },
		{ "Content-Type", "application/vnd.amazon.eventstream" },
	};
	struct faas_error err;
	size_t len;
	char *stream = make_stream(&inv->api->rt->mem, r, tail, &len);

	if (stream) {
		inv->caller->answer(inv->caller, 200, fields, 3,
				    (struct faas_bytes){ stream, len });
	} else {
		fa_error_nomem(&err);
		fa_api_refuse(&inv->api->rt->mem, inv->caller, &err, NULL, r->request_id);
	}
	fa_free(stream);
}

static void answer_result(const struct invocation *inv, const struct faas_result *r,
			  const char *tail)
{
	struct fa_http_field fields[6] = {
		{ "x-amzn-RequestId", r->request_id },
		{ "Content-Type", "application/json" },
		{ "X-Amz-Executed-Version", r->version },
	};
	int count = 3;

	if (r->code)
		fields[count++] = (struct fa_http_field){ "X-Amz-Function-Error", "Unhandled" };
	if (*tail)
		fields[count++] = (struct fa_http_field){ "X-Amz-Log-Result", tail };
	inv->caller->answer(inv->caller, 200, fields, count, r->payload);
}

static void resume(void *data)
{
	const struct invocation *inv = data;

	faas_resume(inv->api->rt, inv->id);
}

static void begin_stream(struct invocation *inv, const struct faas_part *part)
{
	const struct fa_http_field fields[] = {
		{ "x-amzn-RequestId", part->request_id },
		{ "X-Amz-Executed-Version", part->version },
		{ "Content-Type", "application/vnd.amazon.eventstream" },
	};

	inv->begun = true;
	inv->caller->resume = resume;
	inv->caller->resume_data = inv;
	inv->caller->begin(inv->caller, 200, fields, 3);
}

/* Out of memory, the stream ends without its last event, which clients miss. */
static bool on_part(void *data, const struct faas_part *part)
{
	static const char type[] = "application/octet-stream";
	struct invocation *inv = data;
	char *event = fa_alloc_dirty(&inv->api->rt->mem,
				     fa_eventstream_size("PayloadChunk", type, part->bytes.len));
	bool more = true;

	if (!inv->begun)
		begin_stream(inv, part);
	inv->broken |= !event;
	if (!inv->broken)
		more = inv->caller->write(
			inv->caller,
			(struct faas_bytes){ event, fa_eventstream_put(event, "PayloadChunk", type,
								       part->bytes) });
	fa_free(event);
	return more;
}

static void end_stream(struct invocation *inv, const struct faas_result *r, const char *tail)
{
	struct faas_error err;
	size_t len;
	char *last = inv->broken || fa_api_did_not_run(r, &err) ?
			     NULL :
			     make_stream(&inv->api->rt->mem, r, tail, &len);

	if (last)
		inv->caller->write(inv->caller, (struct faas_bytes){ last, len });
	inv->caller->end(inv->caller, last);
	fa_free(last);
}

static void on_done(void *data, const struct faas_result *r)
{
	struct invocation *inv = data;
	char tail[TAIL_TEXT] = "";
	struct fa_http_field id = { "x-amzn-RequestId", r->request_id };
	struct faas_error err;

	if (r->log_tail.len && r->log_tail.len <= 4096)
		fa_base64(tail, r->log_tail.data, r->log_tail.len);
	if (inv->begun)
		end_stream(inv, r, tail);
	else if (fa_api_did_not_run(r, &err))
		fa_api_refuse(&inv->api->rt->mem, inv->caller, &err,
			      r->code == FAAS_ETHROTTLED ? r->reason : NULL, r->request_id);
	else if (inv->mode == FAAS_EVENT)
		inv->caller->answer(inv->caller, 202, &id, 1, (struct faas_bytes){ "", 0 });
	else if (inv->mode == FAAS_DRY_RUN)
		inv->caller->answer(inv->caller, 204, &id, !!*r->request_id,
				    (struct faas_bytes){ "", 0 });
	else if (inv->streamed)
		answer_stream(inv, r, tail);
	else
		answer_result(inv, r, tail);
	fa_free(inv);
}

/* ---- the request ----------------------------------------------------- */

static const struct fa_field fields[] = {
	FA_FUNCTION_FIELD,
	FA_QUALIFIER_FIELD(false),
	FA_WORD_OF("InvocationType", false, "[Event, RequestResponse, DryRun]"),
	FA_WORD_OF("LogType", false, "[None, Tail]"),
	FA_NO_FIELD,
};

static int put_header(struct fa_document *in, const char *member,
		      const struct fa_http_request *request, const char *header,
		      struct faas_error *err)
{
	const char *value = fa_http_get(request, header);

	return value && fa_document_put_text(in, member, value) ? fa_error_nomem(err) : 0;
}

static enum faas_mode mode_of(const struct fa_route *route, const struct fa_document *in)
{
	const char *type = fa_control_text(in, "InvocationType");

	if (!strcmp(route->operation, "InvokeAsync"))
		return FAAS_EVENT;
	if (!type || !strcmp(type, "RequestResponse"))
		return FAAS_SYNC;
	return !strcmp(type, "Event") ? FAAS_EVENT : FAAS_DRY_RUN;
}

/* Base64 of JSON; the handler sees the JSON. */
static bool decode_context(const struct fa_mem *mem, const char *header, char out[CONTEXT_MAX + 1])
{
	size_t len = strlen(header) <= CONTEXT_MAX ? 0 : SIZE_MAX;
	char *json = len ? NULL : fa_base64_decode(mem, header, "ClientContext", &len, NULL);
	bool good = json && !memchr(json, 0, len) && fa_json_valid(json, len, NULL);

	if (good) {
		memcpy(out, json, len);
		out[len] = '\0';
	}
	fa_free(json);
	return good;
}

static int read_context(const struct fa_mem *mem, const struct fa_http_request *request,
			char out[CONTEXT_MAX + 1], struct faas_request *r, struct faas_error *err)
{
	const char *header = fa_http_get(request, "X-Amz-Client-Context");

	if (!header || !*header)
		return 0;
	if (!decode_context(mem, header, out))
		return fa_error_typed(
			err, FAAS_EINVAL, "InvalidRequestContentException",
			"Client context must be a valid Base64-encoded JSON object of "
			"at most %d bytes",
			CONTEXT_MAX);
	r->client_context = out;
	return 0;
}

/* Nothing at all is an event, too. */
static int read_payload(const struct fa_http_request *request, struct faas_request *r,
			struct faas_error *err)
{
	size_t fault;

	r->payload = request->body;
	if (!request->body.len) {
		r->payload = (struct faas_bytes){ "{}", 2 };
		return 0;
	}
	if (fa_json_valid(request->body.data, request->body.len, &fault))
		return 0;
	return fa_error_typed(
		err, FAAS_EINVAL, "InvalidRequestContentException",
		"Could not parse request body into json: Could not parse payload into "
		"json: what is at byte %zu cannot be there",
		fault);
}

static int read_request(const struct fa_mem *mem, const struct fa_route *route,
			const struct fa_http_request *request, struct fa_document *in,
			struct faas_request *r, char *context, struct faas_error *err)
{
	const struct fa_operation invoke = { .name = route->operation, .fields = fields };
	int rc = put_header(in, "InvocationType", request, "X-Amz-Invocation-Type", err);

	if (!rc)
		rc = put_header(in, "LogType", request, "X-Amz-Log-Type", err);
	if (!rc)
		rc = fa_control_judge(&invoke, in, err);
	if (rc)
		return rc;
	r->mode = mode_of(route, in);
	r->log_tail = r->mode == FAAS_SYNC && fa_control_text(in, "LogType") &&
		      !strcmp(fa_control_text(in, "LogType"), "Tail");
	r->trace_id = fa_http_get(request, "X-Amzn-Trace-Id");
	r->tenant_id = fa_http_get(request, "X-Amz-Tenant-Id");
	rc = read_context(mem, request, context, r, err);
	return rc ? rc : read_payload(request, r, err);
}

void fa_api_invoke(struct fa_api *api, struct fa_http_caller *caller, const struct fa_route *route,
		   const struct fa_http_request *request, struct fa_document *in)
{
	struct invocation *inv = fa_alloc(&api->rt->mem, sizeof(*inv));
	struct faas_request r = { .size = sizeof(r), .on_done = on_done, .data = inv };
	char target[FA_TARGET_MAX], context[CONTEXT_MAX + 1];
	struct faas_error err = { 0 };
	int rc = inv ? read_request(&api->rt->mem, route, request, in, &r, context, &err)
		     : fa_error_nomem(&err);

	if (!rc)
		rc = fa_control_target(target, in, &err);
	if (!rc) {
		inv->api = api;
		inv->caller = caller;
		inv->mode = r.mode;
		inv->streamed = !strcmp(route->operation, "InvokeWithResponseStream");
		r.function = target;
		if (inv->streamed && r.mode == FAAS_SYNC && caller->begin)
			r.on_part = on_part;
		rc = faas_invoke(api->rt, &r, &inv->id, &err);
	}
	if (!rc)
		return;
	fa_free(inv);
	if (rc == FAAS_ECANCELED)
		fa_error_typed(&err, rc, "ServiceException", "the service is shutting down");
	fa_api_refuse(&api->rt->mem, caller, &err, NULL, NULL);
}
