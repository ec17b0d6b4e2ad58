/* SPDX-License-Identifier: MIT */
/* A request becomes an event, what the function says becomes the answer. */
#include <http/proxy.h>

#include <string.h>

#include <base/error.h>
#include <http/cors.h>

#define STREAM_HEAD_MAX 65536
#define HEAD_END 8 /* NULs behind the head */
#define HEAD_ROOM (STREAM_HEAD_MAX + HEAD_END)

struct call {
	struct fa_api *api;
	struct fa_http_caller *caller;
	enum fa_reply_rule rule;
	int failed_status;
	const char *failed_body;
	struct fa_cors *cors;
	uint64_t id;
	char *head;      /* of an answer in parts, as far as it has come */
	size_t head_len;
	bool streams, begun, ended; /* the answer in parts */
	bool configured; /* what the function says of CORS does not count */
	char request_id[FA_API_ID_MAX];
};

static void free_call(struct call *call)
{
	if (call)
		fa_free(call->cors);
	if (call)
		fa_free(call->head);
	fa_free(call);
}

/* ---- the answer -------------------------------------------------------- */

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

/* It failed, or said what is no answer of HTTP; what it was is in its log. */
static void answer_failure(struct call *call)
{
	struct fa_reply reply = { .status = call->failed_status,
				  .body = { call->failed_body, strlen(call->failed_body) },
				  .field_count = 1,
				  .fields = { { "Content-Type", "application/json" } } };

	answer(call, &reply);
}

static void answer_result(struct call *call, const struct faas_result *r)
{
	struct fa_reply reply;

	if (r->code || fa_reply_read(&reply, &call->api->rt->mem, r->payload, call->rule)) {
		answer_failure(call);
		return;
	}
	answer(call, &reply);
	fa_reply_finish(&reply);
}

/* ---- an answer in parts ------------------------------------------------ */

static void resume(void *data)
{
	const struct call *call = data;

	faas_resume(call->api->rt, call->id);
}

static void begin(struct call *call, const struct fa_reply *reply)
{
	struct fa_http_field fields[FA_REPLY_FIELDS_MAX + 10];
	int count = fill_fields(call, reply, fields);

	call->begun = true;
	call->caller->resume = resume;
	call->caller->resume_data = call;
	call->caller->begin(call->caller, reply->status, fields, count);
}

/* What says nothing of HTTP is bytes. */
static void begin_plain(struct call *call)
{
	struct fa_reply reply = { .status = 200,
				  .field_count = 1,
				  .fields = { { "Content-Type", "application/octet-stream" } } };

	begin(call, &reply);
}

static void fail_early(struct call *call)
{
	call->ended = true;
	answer_failure(call);
}

/* Its NULs are looked for where they may be since the last part; NULL: not there yet. */
static const char *add_to_head(struct call *call, const struct faas_bytes *part)
{
	static const char nuls[HEAD_END];
	size_t room = HEAD_ROOM - call->head_len, len = part->len < room ? part->len : room;
	size_t from = call->head_len < HEAD_END ? 0 : call->head_len - HEAD_END + 1;

	memcpy(call->head + call->head_len, part->data, len);
	call->head_len += len;
	return memmem(call->head + from, call->head_len - from, nuls, sizeof(nuls));
}

/* Eight NULs end the head; what is behind them is the body, and left in `part`. */
static void read_head(struct call *call, struct faas_bytes *part)
{
	size_t before = call->head_len, used;
	struct fa_reply reply;
	const char *end;

	if (!call->head)
		call->head = fa_alloc_dirty(&call->api->rt->mem, HEAD_ROOM);
	end = call->head ? add_to_head(call, part) : NULL;
	if (!call->head || (!end && call->head_len == HEAD_ROOM) ||
	    (end && fa_reply_read_head(&reply, &call->api->rt->mem,
				       (struct faas_bytes){ call->head,
							    (size_t)(end - call->head) }))) {
		fail_early(call);
		return;
	}
	used = end ? (size_t)(end - call->head) + HEAD_END - before : part->len;
	*part = (struct faas_bytes){ (const char *)part->data + used, part->len - used };
	if (end) {
		begin(call, &reply);
		fa_reply_finish(&reply);
	}
}

static bool on_part(void *data, const struct faas_part *part)
{
	struct faas_bytes bytes = part->bytes;
	struct call *call = data;

	if (call->ended)
		return true;
	if (!call->begun && part->http)
		read_head(call, &bytes);
	else if (!call->begun)
		begin_plain(call);
	return !call->begun || !bytes.len || call->caller->write(call->caller, bytes);
}

static void end_parts(struct call *call, const struct faas_result *r)
{
	if (call->ended)
		return;
	if (!call->begun && (r->code || call->head_len)) {
		answer_failure(call);
		return;
	}
	if (!call->begun)
		begin_plain(call);
	call->caller->end(call->caller, !r->code);
}

static void on_done(void *data, const struct faas_result *r)
{
	struct call *call = data;
	struct faas_error err;

	if (!call->begun && !call->ended && fa_api_did_not_run(r, &err))
		fa_api_refuse(&call->api->rt->mem, call->caller, &err,
			      r->code == FAAS_ETHROTTLED ? r->reason : NULL, r->request_id);
	else if (call->streams)
		end_parts(call, r);
	else
		answer_result(call, r);
	free_call(call);
}

/* ---- the request ------------------------------------------------------- */

static char *make_event(const struct call *call, const struct fa_http_request *request,
			const struct fa_proxy *proxy, struct faas_error *err)
{
	const struct faas *rt = call->api->rt;
	struct fa_event_frame frame = proxy->frame;
	char source[FA_SOURCE_MAX];

	fa_http_source(call->caller, source);
	frame.source_ip = source;
	frame.request_id = call->request_id;
	frame.unix_ms = rt->clock->unix_ms(rt->clock);
	return proxy->rule == FA_REPLY_V1 ? fa_event_v1(&rt->mem, request, &frame, err)
					  : fa_event_v2(&rt->mem, request, &frame, err);
}

static int invoke(struct call *call, const struct fa_http_request *request,
		  const struct fa_proxy *proxy, struct faas_error *err)
{
	char *event = make_event(call, request, proxy, err);
	struct faas_request r = { .size = sizeof(r),
				  .function = proxy->function,
				  .request_id = call->request_id,
				  .trace_id = fa_http_get(request, "X-Amzn-Trace-Id"),
				  .on_part = call->streams ? on_part : NULL,
				  .on_done = on_done,
				  .data = call };
	int rc;

	if (!event)
		return err->code;
	r.payload = (struct faas_bytes){ event, strlen(event) };
	rc = faas_invoke(call->api->rt, &r, &call->id, err);
	fa_free(event);
	return rc;
}

static struct call *new_call(struct fa_api *api, struct fa_http_caller *caller,
			     const struct fa_http_request *request, const struct fa_proxy *proxy)
{
	struct call *call = fa_alloc(&api->rt->mem, sizeof(*call));

	if (!call)
		return NULL;
	call->api = api;
	call->caller = caller;
	call->rule = proxy->rule;
	call->streams = proxy->streams && caller->begin;
	call->failed_status = proxy->failed_status;
	call->failed_body = proxy->failed_body;
	call->configured = proxy->cors;
	call->cors = fa_cors_create(&api->rt->mem, proxy->cors, request);
	fa_api_new_id(call->request_id);
	if (call->cors)
		return call;
	free_call(call);
	return NULL;
}

void fa_proxy_serve(struct fa_api *api, struct fa_http_caller *caller,
		    const struct fa_http_request *request, const struct fa_proxy *proxy)
{
	struct fa_reply empty = { .status = 200, .body = { "", 0 } };
	struct call *call = new_call(api, caller, request, proxy);
	struct faas_error err = { 0 };
	bool preflight = call && call->configured && fa_cors_is_preflight(request);
	int rc = call ? 0 : fa_error_nomem(&err);

	if (preflight)
		answer(call, &empty);
	else if (!rc)
		rc = invoke(call, request, proxy, &err);
	if (rc)
		fa_api_refuse(&api->rt->mem, caller, &err, NULL, NULL);
	if (preflight || rc)
		free_call(call);
}
