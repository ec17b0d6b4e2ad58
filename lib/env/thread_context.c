/* SPDX-License-Identifier: MIT */
/*
 * What a handler in a thread can call. The same words as in the worker, but the
 * answer grows in a buffer of ours, faas_alloc() draws on the account of the
 * environment, and a log line takes no detour through a pipe.
 *
 * There is no private /tmp to give a thread: context.tmpdir is NULL.
 */
#include <env/thread.h>

#include <errno.h>
#include <string.h>

#include <base/text.h>
#include <env/env.h>
#include <env/pool.h>
#include <model/function.h>

#define FIRST_SIZE 1024
#define MESSAGE_MAX ((FA_RESPONSE_MAX - 1024) / 6) /* of bytes that may all need an escape */

static struct fa_thread *thread_of(struct faas_context *context)
{
	return (struct fa_thread *)context;
}

/* ---- the response ----------------------------------------------------- */

bool fa_thread_reserve(struct fa_thread *thread, struct fa_thread_buffer *buffer, size_t size)
{
	size_t room = buffer->size > FIRST_SIZE ? buffer->size : FIRST_SIZE;
	unsigned char *data;

	if (size <= buffer->size)
		return true;
	while (room < size)
		room *= 2;
	data = fa_alloc_dirty(thread->envs->mem, room);
	if (!data)
		return false;
	if (buffer->len)
		memcpy(data, buffer->data, buffer->len);
	if (buffer->size > FA_THREAD_SMALL)
		fa_free(buffer->data);
	buffer->data = data;
	buffer->size = room;
	return true;
}

void fa_thread_release(struct fa_thread_buffer *buffer, unsigned char *small)
{
	if (buffer->size > FA_THREAD_SMALL)
		fa_free(buffer->data);
	*buffer = (struct fa_thread_buffer){ .data = small, .size = small ? FA_THREAD_SMALL : 0 };
}

static int api_write(struct faas_context *context, const void *data, size_t len)
{
	struct fa_thread *thread = thread_of(context);
	struct fa_thread_slot *slot = thread->slot;
	struct fa_thread_buffer *answer;

	if (thread->in_hook || slot->verdict)
		return -1;
	answer = &slot->answer;
	if (len > FA_RESPONSE_MAX - answer->len) {
		slot->verdict = FA_OVERSIZE;
		return -1;
	}
	if (!fa_thread_reserve(thread, answer, answer->len + len)) {
		slot->verdict = FA_STARVED;
		return -1;
	}
	if (len)
		memcpy(answer->data + answer->len, data, len);
	answer->len += len;
	return 0;
}

/* Into a line of text: REPORT names the type. */
static void copy_type(char to[64], const char *from)
{
	size_t i;

	for (i = 0; i < 63 && from[i]; i++)
		to[i] = from[i] > ' ' && from[i] < 127 && from[i] != '"' && from[i] != '\\' ?
				from[i] :
				'_';
	to[i] = '\0';
}

void fa_thread_fail(struct fa_thread *thread, enum fa_verdict verdict, const char *type,
		    const char *message)
{
	struct fa_thread_slot *slot = thread->slot;
	size_t len = strnlen(message, MESSAGE_MAX);
	struct fa_text text;

	slot->answer.len = 0;
	slot->verdict = verdict;
	copy_type(slot->error_type, type);
	if (!fa_thread_reserve(thread, &slot->answer, 512 + 6 * len)) {
		slot->verdict = FA_STARVED;
		return;
	}
	text = (struct fa_text){ .data = (char *)slot->answer.data, .size = slot->answer.size };
	fa_text_add(&text, "{\"errorType\":\"");
	fa_text_json(&text, slot->error_type, strlen(slot->error_type));
	fa_text_add(&text, "\",\"errorMessage\":\"");
	fa_text_json(&text, message, len);
	fa_text_add(&text, "\"}");
	slot->answer.len = text.len;
}

static int api_fail(struct faas_context *context, const char *type, const char *message)
{
	struct fa_thread *thread = thread_of(context);

	if (thread->slot && thread->slot->verdict != FA_OVERSIZE)
		fa_thread_fail(thread, thread->in_hook ? FA_INIT_ERRED : FA_ERRED,
			       type && *type ? type : "Function.Unknown", message ? message : "");
	return -1;
}

static int api_fail_body(struct faas_context *context, const char *type, struct faas_bytes body)
{
	struct fa_thread *thread = thread_of(context);
	struct fa_thread_slot *slot = thread->slot;

	if (!slot || slot->verdict == FA_OVERSIZE)
		return -1;
	slot->answer.len = 0;
	copy_type(slot->error_type, type && *type ? type : "Function.Unknown");
	if (body.len > FA_RESPONSE_MAX) {
		slot->verdict = FA_OVERSIZE;
	} else if (!fa_thread_reserve(thread, &slot->answer, body.len + 1)) {
		slot->verdict = FA_STARVED;
	} else {
		memcpy(slot->answer.data, body.data, body.len);
		slot->answer.len = body.len;
		slot->verdict = thread->in_hook ? FA_INIT_ERRED : FA_ERRED;
	}
	return -1;
}

/* ---- memory until the handler returns --------------------------------- */

struct fa_thread_chunk {
	struct fa_thread_chunk *next;
	size_t used, size;
	_Alignas(16) unsigned char data[];
};

enum { CHUNK = 8192 - sizeof(struct fa_thread_chunk) };

static struct fa_thread_chunk *new_chunk(struct fa_thread *thread, size_t size)
{
	struct fa_thread_chunk *chunk;

	if (fa_account_add(&thread->account, size) < 0)
		return NULL;
	chunk = fa_alloc_dirty(thread->envs->mem, sizeof(*chunk) + size);
	if (!chunk) {
		fa_account_sub(&thread->account, size);
		return NULL;
	}
	*chunk = (struct fa_thread_chunk){ .next = thread->chunks, .size = size };
	thread->chunks = chunk;
	return chunk;
}

static void *api_alloc(struct faas_context *context, size_t size)
{
	struct fa_thread *thread = thread_of(context);
	struct fa_thread_chunk *chunk = thread->chunks;
	void *data;

	if (size > PTRDIFF_MAX)
		return NULL;
	size = size ? (size + 15) & ~(size_t)15 : 16;
	if (!chunk || chunk->size - chunk->used < size)
		chunk = new_chunk(thread, size > CHUNK ? size : CHUNK);
	if (!chunk)
		return NULL;
	data = chunk->data + chunk->used;
	chunk->used += size;
	return data;
}

/* All but one of the usual size, which the next call will want. */
static void release_chunks(struct fa_thread *thread, bool keep)
{
	struct fa_thread_chunk *chunk = thread->chunks, *next, *kept = NULL;

	for (; chunk; chunk = next) {
		next = chunk->next;
		if (keep && !kept && chunk->size == CHUNK) {
			kept = chunk;
			*kept = (struct fa_thread_chunk){ .size = CHUNK };
			continue;
		}
		fa_account_sub(&thread->account, chunk->size);
		fa_free(chunk);
	}
	thread->chunks = kept;
}

/* ---- lines ------------------------------------------------------------ */

/*
 * A handler on a thread of its own may be quicker than the loop, which tells
 * of the begin of each event in turn. What it logs before that is kept.
 */
struct kept_line {
	int level;
	uint32_t len;
};

static void keep_line(struct fa_thread *thread, struct fa_thread_buffer *lines, int level,
		      const char *text, size_t len)
{
	struct kept_line head = { .level = level, .len = (uint32_t)len };

	if (lines->len > FA_LOG_BUDGET ||
	    !fa_thread_reserve(thread, lines, lines->len + sizeof(head) + len))
		return;
	memcpy(lines->data + lines->len, &head, sizeof(head));
	memcpy(lines->data + lines->len + sizeof(head), text, len);
	lines->len += sizeof(head) + len;
}

static void show_lines(struct fa_thread *thread, struct fa_thread_buffer *lines)
{
	struct kept_line head;

	for (size_t at = 0; at < lines->len; at += sizeof(head) + head.len) {
		memcpy(&head, lines->data + at, sizeof(head));
		fa_logs_line(thread->env, head.level,
			     (const char *)lines->data + at + sizeof(head), head.len);
	}
	lines->len = 0;
}

void fa_thread_begun(struct fa_thread *thread, uint32_t seq)
{
	if (!thread->envs->listening && !thread->env->logs.tail) {
		atomic_store_explicit(&thread->begun, seq, memory_order_relaxed);
		return;
	}
	pthread_mutex_lock(&thread->lines_lock);
	atomic_store(&thread->begun, seq);
	show_lines(thread, &thread->slots[seq & (FA_DEPTH - 1)].lines);
	pthread_mutex_unlock(&thread->lines_lock);
}

/* ---- the rest of the interface ---------------------------------------- */

static void api_log(struct faas_context *context, enum faas_level level, const char *text)
{
	struct fa_thread *thread = thread_of(context);
	struct fa_thread_slot *slot = thread->slot;
	size_t len = strnlen(text, FA_LOG_LINE_MAX);

	if (!slot || !slot->seq) {
		fa_logs_line(thread->env, (int)level, text, len);
		return;
	}
	/* what an abandoned handler says belongs to no invocation any more */
	if (fa_thread_stopped(thread))
		return;
	pthread_mutex_lock(&thread->lines_lock);
	if (atomic_load(&thread->begun) == slot->seq)
		fa_logs_line(thread->env, (int)level, text, len);
	else
		keep_line(thread, &slot->lines, (int)level, text, len);
	pthread_mutex_unlock(&thread->lines_lock);
}

static int64_t api_remaining_ms(struct faas_context *context)
{
	struct fa_thread *thread = thread_of(context);
	int64_t left = thread->deadline_ns - fa_now(thread->envs->clock);

	return left > 0 ? left / 1000000 : 0;
}

static const char *value_of(const char *assignment, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(assignment, name, len) && assignment[len] == '=' ? assignment + len + 1 :
									   NULL;
}

/* Lambda's own names win over the function's, its defaults stand in for them. */
static const char *api_getenv(struct faas_context *context, const char *name)
{
	struct fa_thread *thread = thread_of(context);
	const struct fa_version *version = thread->version;
	const char *const *own = thread->variables.list;
	const struct {
		const char *name, *value;
	} fixed[] = {
		{ "_HANDLER", version->config.handler },
		{ "AWS_REGION", thread->region },
		{ "AWS_DEFAULT_REGION", thread->region },
		{ "AWS_LAMBDA_FUNCTION_NAME", version->config.name },
		{ "AWS_LAMBDA_FUNCTION_VERSION", version->qualifier },
		{ "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", thread->memory_size },
		{ "AWS_LAMBDA_INITIALIZATION_TYPE",
		  thread->env->provisioned ? "provisioned-concurrency" : "on-demand" },
		{ "AWS_LAMBDA_LOG_GROUP_NAME", version->config.log_group },
		{ "AWS_LAMBDA_LOG_STREAM_NAME", thread->env->stream },
		{ "LAMBDA_TASK_ROOT", version->directory },
		{ "AWS_LAMBDA_LOG_FORMAT", version->logging.json ? "JSON" : NULL },
		{ "AWS_LAMBDA_LOG_LEVEL", version->config.app_log_level },
		{ "_X_AMZN_TRACE_ID", context->trace_id },
	};
	static const char *const defaults[] = { "LANG=en_US.UTF-8", "TZ=:UTC" };
	const char *value;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		if (!strcmp(fixed[i].name, name))
			return fixed[i].value;
	for (; own && *own; own++)
		if ((value = value_of(*own, name)))
			return value;
	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		if ((value = value_of(defaults[i], name)))
			return value;
	return NULL;
}

static const struct faas_api api = {
	.size = sizeof(struct faas_api),
	.write = api_write,
	.fail = api_fail,
	.log = api_log,
	.alloc = api_alloc,
	.remaining_ms = api_remaining_ms,
	.getenv = api_getenv,
	.secret = fa_thread_secret,
	.secret_version = fa_thread_secret_version,
	.fail_body = api_fail_body,
	.call = fa_thread_call,
	.publish = fa_thread_publish,
};

/* ---- calls ------------------------------------------------------------ */

/* The fourth piece of arn:aws:lambda:REGION:... */
static void copy_region(char *to, size_t size, const char *arn)
{
	struct fa_text text = { .data = to, .size = size };

	for (int colons = 0; arn && *arn && colons < 4; arn++) {
		if (*arn == ':')
			colons++;
		else if (colons == 3)
			fa_text_bytes(&text, arn, 1);
	}
}

static void release_slot(struct fa_thread_slot *slot)
{
	fa_thread_release(&slot->input, slot->small_input);
	fa_thread_release(&slot->answer, slot->small_answer);
	fa_thread_release(&slot->lines, NULL);
}

int fa_thread_context_init(struct fa_thread *thread)
{
	const struct faas_function_config *config = &thread->version->config;
	struct fa_text memory = FA_TEXT(thread->memory_size);

	copy_region(thread->region, sizeof(thread->region), thread->version->arn);
	fa_text_int(&memory, config->memory_mb);
	pthread_mutex_init(&thread->lines_lock, NULL);
	thread->account.limit = (int64_t)config->memory_mb << 20;
	for (int i = 0; i < FA_DEPTH; i++)
		release_slot(&thread->slots[i]);
	release_slot(&thread->inline_slot);
	return fa_variables_open(&thread->variables, thread->version, NULL) ? -EKEYREJECTED : 0;
}

void fa_thread_context_finish(struct fa_thread *thread)
{
	fa_variables_close(&thread->variables);
	pthread_mutex_destroy(&thread->lines_lock);
	release_chunks(thread, false);
	release_slot(&thread->inline_slot);
	for (int i = 0; i < FA_DEPTH; i++)
		release_slot(&thread->slots[i]);
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

/* All but the state again each time: a handler may have written over it. */
void fa_thread_enter(struct fa_thread *thread, struct fa_thread_slot *slot, bool in_hook,
		     int64_t deadline_ns)
{
	const struct fa_version *version = thread->version;

	thread->slot = slot;
	thread->in_hook = in_hook;
	thread->deadline_ns = deadline_ns;
	thread->context = (struct faas_context){
		.size = sizeof(struct faas_context),
		.api = &api,
		.state = thread->context.state,
		.function_name = version->config.name,
		.function_version = version->qualifier,
		.invoked_arn = version->arn,
		.memory_mb = version->config.memory_mb,
	};
	if (in_hook)
		return;
	thread->context.request_id = slot->request_id;
	thread->context.deadline_ms = (deadline_ns + slot->unix_offset_ns) / 1000000;
	if (slot->meta)
		read_meta(&thread->context, slot->meta);
}

void fa_thread_leave(struct fa_thread *thread)
{
	thread->slot = NULL;
	if (thread->chunks)
		release_chunks(thread, true);
	if (thread->questions || thread->calls)
		fa_thread_forget_secrets(thread);
}
