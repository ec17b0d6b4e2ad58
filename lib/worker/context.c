/* SPDX-License-Identifier: MIT */
/*
 * The functions a handler can call, and the life of one response. All bytes go
 * straight to where the host reads them. A response that outgrows its slot moves
 * to the one large place, which may still hold an earlier response when events
 * were handed over ahead: then the host has to copy that one first.
 */
#include <worker/context.h>

#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <base/error.h>
#include <base/text.h>
#include <worker/call.h>
#include <worker/output.h>
#include <worker/stream.h>
#include <worker/warm.h>

static struct fa_context *call_of(struct faas_context *context)
{
	return (struct fa_context *)context;
}

/* ---- the response ----------------------------------------------------- */

static unsigned char *big_place(const struct fa_context *call)
{
	return (unsigned char *)call->response + FA_BIG_OFF;
}

static void await_consumed(struct fa_context *call, uint32_t seq)
{
	const _Atomic uint32_t *word = &call->request->consumed;
	_Atomic uint32_t *sleeping = &call->response->sleeping;

	for (;;) {
		atomic_store(sleeping, 2);
		if ((int32_t)(atomic_load(word) - seq) >= 0)
			break;
		syscall(SYS_futex, sleeping, FUTEX_WAIT, 2, NULL, NULL, 0);
	}
	atomic_store_explicit(sleeping, 0, memory_order_relaxed);
}

static void move_to_big_place(struct fa_context *call)
{
	if (call->streamed)
		fa_stream_drain(call);
	if (call->big_used && call->big_seq != call->seq && call->request->depth > 1)
		await_consumed(call, call->big_seq);
	memcpy(big_place(call), call->slot->data, call->len);
	call->big = call->big_used = true;
	call->big_seq = call->seq;
}

FA_WARM static bool append(struct fa_context *call, const void *data, size_t len)
{
	if (len > FA_RESPONSE_MAX - call->len)
		return false;
	if (!call->big && call->len + len > FA_INLINE)
		move_to_big_place(call);
	if (len)
		memcpy((call->big ? big_place(call) : call->slot->data) + call->len, data, len);
	call->len += (uint32_t)len;
	return true;
}

/* The host has the event: of a part of it, it need only be told which. */
static bool give_back(struct fa_context *call, const void *data, size_t len)
{
	size_t at = (uintptr_t)data - (uintptr_t)call->event.data;

	if (call->len || at >= call->event.len || len > call->event.len - at)
		return false;
	call->given = data;
	call->len = (uint32_t)len;
	return true;
}

static void begin_anew(struct fa_context *call)
{
	call->len = 0;
	call->big = false;
	call->given = NULL;
}

/* More follows, so it has to be copied after all. */
static void keep_given(struct fa_context *call)
{
	const void *data = call->given;
	size_t len = call->len;

	begin_anew(call);
	append(call, data, len);
}

static bool put(struct fa_context *call, const void *data, size_t len)
{
	if (give_back(call, data, len))
		return true;
	if (call->given)
		keep_given(call);
	return append(call, data, len);
}

FA_WARM static int api_write(struct faas_context *context, const void *data, size_t len)
{
	struct fa_context *call = call_of(context);

	if (!call->slot || call->outcome)
		return -1;
	if (call->streams ? fa_stream_put(call, data, len) : put(call, data, len))
		return 0;
	call->outcome = FA_TOO_LARGE;
	return -1;
}

int64_t fa_context_pour(struct fa_context *call, const void *data, size_t len)
{
	if (call->streams && len <= FA_STREAM_MAX - call->streamed)
		return (int64_t)fa_stream_try(call, data, len);
	if (!call->streams && append(call, data, len))
		return (int64_t)len;
	call->outcome = FA_TOO_LARGE;
	return -1;
}

/* Where a text may be cut at or before `len` without cutting a character. */
static size_t whole_characters(const char *text, size_t len)
{
	size_t cut = len;

	while (cut > len - 4 && cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--;
	return cut > len - 4 && cut > 0 ? cut : len;
}

int fa_context_write_json(struct faas_context *context, const char *text, size_t len)
{
	enum { PIECE = 256 };
	char escaped[PIECE * 6 + 1];

	while (len) {
		size_t n = len > PIECE ? whole_characters(text, PIECE) : len;
		struct fa_text out = FA_TEXT(escaped);

		fa_text_json(&out, text, n);
		if (faas_write(context, out.data, out.len) < 0)
			return -1;
		text += n;
		len -= n;
	}
	return 0;
}

static void write_failure(struct fa_context *call, const char *type, const char *message)
{
	struct faas_context *context = &call->context;

	begin_anew(call);
	call->streams = false;
	call->outcome = 0; /* writing is open once more, for us */
	faas_puts(context, "{\"errorType\":\"");
	fa_context_write_json(context, type, strlen(type));
	faas_puts(context, "\",\"errorMessage\":\"");
	fa_context_write_json(context, message, strlen(message));
	faas_puts(context, "\"}");
}

/* Where the response lies now stays reserved: `big_used` is not taken back. */
void fa_context_fail(struct fa_context *call, enum fa_status status, const char *type,
		     const char *message)
{
	if (call->outcome == FA_TOO_LARGE)
		return;
	fa_error_typed(&call->failure, FAAS_EFUNCTION, type, "%s", message);
	free(call->failed_body);
	call->failed_body = NULL;
	if (call->slot) {
		write_failure(call, type, message);
		if (call->outcome == FA_TOO_LARGE)
			return;
	}
	call->outcome = status;
}

static void keep_body(struct fa_context *call, struct faas_bytes body)
{
	free(call->failed_body);
	call->failed_len = body.len < FA_RESPONSE_MAX ? body.len : 0;
	call->failed_body = malloc(call->failed_len + 1);
	if (call->failed_body)
		memcpy(call->failed_body, body.data, call->failed_len);
}

void fa_context_fail_body(struct fa_context *call, enum fa_status status, const char *type,
			  struct faas_bytes body)
{
	if (call->outcome == FA_TOO_LARGE)
		return;
	fa_error_typed(&call->failure, FAAS_EFUNCTION, type, "%s", "");
	call->outcome = 0;
	if (!call->slot) {
		keep_body(call, body);
	} else {
		begin_anew(call);
		call->streams = false;
		if (faas_write(&call->context, body.data, body.len) < 0)
			return;
	}
	call->outcome = status;
}

static int api_fail_body(struct faas_context *context, const char *type, struct faas_bytes body)
{
	fa_context_fail_body(call_of(context), FA_FAILED,
			     type && *type ? type : "Function.Unknown", body);
	return -1;
}

static int api_fail(struct faas_context *context, const char *type, const char *message)
{
	fa_context_fail(call_of(context), FA_FAILED, type && *type ? type : "Function.Unknown",
			message ? message : "");
	return -1;
}

/* ---- the rest of the interface ---------------------------------------- */

static void api_log(struct faas_context *context, enum faas_level level, const char *text)
{
	struct fa_context *call = call_of(context);

	if (level >= call->settings->least_level)
		call->logged += fa_output_log(call->log_fd, level, text);
}

static int64_t api_remaining_ms(struct faas_context *context)
{
	struct timespec now;
	int64_t left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left = call_of(context)->deadline_ns - (now.tv_sec * INT64_C(1000000000) + now.tv_nsec);
	return left > 0 ? left / 1000000 : 0;
}

static const char *api_getenv(struct faas_context *context, const char *name)
{
	return fa_settings_getenv(call_of(context)->variables, name);
}

static const char *api_secret(struct faas_context *context, const char *name)
{
	struct fa_context *call = call_of(context);

	return fa_secret_ask(&call->asker, name, NULL, call->deadline_ns);
}

static const char *api_secret_version(struct faas_context *context, const char *name,
				      const char *version)
{
	struct fa_context *call = call_of(context);

	if (!version)
		return NULL;
	return fa_secret_ask(&call->asker, name, version, call->deadline_ns);
}

struct fa_chunk {
	struct fa_chunk *next;
	size_t used, size;
	_Alignas(16) unsigned char data[];
};

enum { CHUNK = 8192 - sizeof(struct fa_chunk) - 16 };

static void *take(struct fa_chunk *chunk, size_t size)
{
	void *data = chunk->data + chunk->used;

	chunk->used += size;
	return data;
}

static struct fa_chunk *new_chunk(struct fa_context *call, size_t size)
{
	struct fa_chunk *chunk;

	if (size > call->budget - call->allocated)
		return NULL;
	chunk = malloc(sizeof(*chunk) + size);
	if (!chunk)
		return NULL;
	*chunk = (struct fa_chunk){ .next = call->chunks, .size = size };
	call->chunks = chunk;
	call->allocated += size;
	return chunk;
}

static void *api_alloc(struct faas_context *context, size_t size)
{
	struct fa_context *call = call_of(context);
	struct fa_chunk *chunk = call->chunks;

	if (size > call->budget)
		return NULL;
	size = size ? (size + 15) & ~(size_t)15 : 16;
	if (!chunk || chunk->size - chunk->used < size)
		chunk = new_chunk(call, size > CHUNK ? size : CHUNK);
	return chunk ? take(chunk, size) : NULL;
}

/* All but one chunk of the usual size, which the next call will want. */
static void release_chunks(struct fa_context *call)
{
	struct fa_chunk *chunk = call->chunks, *next, *kept = NULL;

	for (; chunk; chunk = next) {
		next = chunk->next;
		if (!kept && chunk->size == CHUNK) {
			kept = chunk;
			*kept = (struct fa_chunk){ .size = CHUNK };
		} else {
			free(chunk);
		}
	}
	call->chunks = kept;
	call->allocated = kept ? CHUNK : 0;
}

bool fa_context_begin_http(struct fa_context *call)
{
	if (!call->streams || call->streamed || call->outcome)
		return false;
	atomic_store(&call->response->stream_http, 1);
	return true;
}

static int api_http_head(struct faas_context *context, const char *head)
{
	if (!fa_context_begin_http(call_of(context)))
		return -1;
	return faas_puts(context, head) ? -1 : faas_write(context, "\0\0\0\0\0\0\0", 8);
}

static const struct faas_api api = {
	.size = sizeof(struct faas_api),
	.write = api_write,
	.fail = api_fail,
	.log = api_log,
	.alloc = api_alloc,
	.remaining_ms = api_remaining_ms,
	.getenv = api_getenv,
	.secret = api_secret,
	.http_head = api_http_head,
	.fail_body = api_fail_body,
	.call = fa_call_invoke,
	.publish = fa_call_publish,
	.secret_version = api_secret_version,
};

/* ---- calls ------------------------------------------------------------ */

void fa_context_init(struct fa_context *call, uint32_t memory_mb)
{
	call->budget = (size_t)memory_mb << 20;
	call->context.memory_mb = (int)memory_mb;
}

/* All of it again each time: a handler may have written over it. */
static void reset_context(struct fa_context *call)
{
	struct faas_context *context = &call->context;

	context->size = sizeof(*context);
	context->api = &api;
	context->request_id = NULL;
	context->function_name = call->settings->function;
	context->function_version = call->settings->version;
	context->invoked_arn = call->settings->arn;
	context->trace_id = context->client_context = context->tenant_id = NULL;
	context->tmpdir = "/tmp";
	context->deadline_ms = 0;
	context->memory_mb = (int)(call->budget >> 20);
}

FA_WARM void fa_context_enter(struct fa_context *call, int64_t deadline_ns)
{
	reset_context(call);
	call->slot = NULL;
	call->outcome = 0;
	call->deadline_ns = deadline_ns;
}

FA_WARM void fa_context_leave(struct fa_context *call)
{
	call->logged += fa_output_flush();
	if (call->chunks)
		release_chunks(call);
	if (call->asker.count || call->asker.calls)
		fa_secrets_forget(&call->asker);
}

static const char *next_string(const char **at)
{
	const char *string = *at;

	*at += strlen(string) + 1;
	return *string ? string : NULL;
}

static void read_meta(struct faas_context *context, const char *meta)
{
	const char *arn = next_string(&meta);

	if (arn)
		context->invoked_arn = arn;
	context->trace_id = next_string(&meta);
	context->client_context = next_string(&meta);
	context->tenant_id = next_string(&meta);
}

/*
 * Lambda's runtimes set this variable for each event, and clients of AWS read it.
 * A function that never sees a header never pays for it.
 */
static void show_trace(struct fa_context *call, const char *header)
{
	if (!call->trace_place && !header)
		return;
	if (!call->trace_place)
		for (call->trace_place = call->variables; *call->trace_place;)
			call->trace_place++;
	*call->trace_place = header ? call->trace : NULL;
	if (header)
		snprintf(call->trace, sizeof(call->trace), FA_TRACE_NAME "%s", header);
}

/* The ring is where a large response may lie that the host has still to copy. */
static void open_stream(struct fa_context *call, uint32_t flags)
{
	call->streams = call->run && flags & FA_REQ_STREAM;
	call->streamed = 0;
	if (!call->streams)
		return;
	if (call->big_used && call->big_seq != call->seq && call->request->depth > 1)
		await_consumed(call, call->big_seq);
	call->big_used = true;
	call->big_seq = call->seq;
	atomic_store_explicit(&call->response->stream_http, 0, memory_order_relaxed);
}

FA_WARM void fa_context_open(struct fa_context *call, const struct fa_request_slot *slot,
			     uint32_t seq, int64_t deadline_ns)
{
	uint32_t index = seq & (call->request->depth - 1);

	fa_context_enter(call, deadline_ns);
	call->slot = (struct fa_response_slot *)((unsigned char *)call->response + FA_SLOTS_OFF +
						 index * FA_SLOT_SIZE);
	call->seq = seq;
	call->token = slot->token;
	call->event = (struct faas_bytes){ (const char *)call->request + slot->off, slot->len };
	begin_anew(call);
	open_stream(call, slot->flags);
	call->context.request_id = slot->request_id;
	call->context.deadline_ms = slot->deadline_ms + (deadline_ns - slot->deadline_ns) / 1000000;
	if (slot->meta_len)
		read_meta(&call->context, (const char *)call->request + slot->off + slot->len);
	show_trace(call, call->context.trace_id);
}

FA_WARM void fa_context_close(struct fa_context *call)
{
	struct fa_response_slot *slot = call->slot;
	bool failed = call->outcome == FA_FAILED || call->outcome == FA_INIT_FAILED;
	const unsigned char *data = call->big ? big_place(call) : slot->data;

	slot->token = call->token;
	slot->status = call->outcome;
	slot->len = call->outcome == FA_TOO_LARGE ? 0 : call->len;
	slot->off = (uint32_t)(data - (unsigned char *)call->response);
	if (call->given)
		slot->off = FA_GIVEN_OFF +
			    (uint32_t)(call->given - (const unsigned char *)call->event.data);
	slot->logged = call->logged;
	call->logged = 0;
	slot->error_type[0] = '\0';
	if (failed)
		snprintf(slot->error_type, sizeof(slot->error_type), "%s", call->failure.type);
	call->slot = NULL;
}
