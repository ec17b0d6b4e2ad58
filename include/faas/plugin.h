/* SPDX-License-Identifier: MIT */
#ifndef FAAS_PLUGIN_H
#define FAAS_PLUGIN_H

/*
 * The whole contract between libfaas and a function plugin.
 *
 * A plugin is a .so that exports one symbol, `faas_plugin`. It links with
 * nothing: everything it may ask of libfaas hangs off the context it is given.
 * The same .so therefore runs unchanged in an isolated process, in a thread of
 * the host, and in a unit test.
 *
 * Between events an isolated process stands still with all its threads and children:
 * what goes on in the background goes on with the next event, as in Lambda.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <faas/types.h>

FAAS_BEGIN_DECLS

#define FAAS_PLUGIN_MAGIC 0x53414146u /* "FAAS" */
#define FAAS_PLUGIN_ABI 1             /* bumped only when old plugins must be refused */

struct faas_context;

/*
 * What a handler may ask for. New members are only ever appended; test with
 * FAAS_HAS() before using one that your minimum libfaas version lacks.
 * All of them are [handler]: call them only between entry to and return from
 * a handler function, on the thread that entered it.
 */
struct faas_api {
	size_t size;
	int (*write)(struct faas_context *ctx, const void *data, size_t len);
	int (*fail)(struct faas_context *ctx, const char *type, const char *message);
	void (*log)(struct faas_context *ctx, enum faas_level level, const char *text);
	void *(*alloc)(struct faas_context *ctx, size_t size);
	int64_t (*remaining_ms)(struct faas_context *ctx);
	const char *(*getenv)(struct faas_context *ctx, const char *name);
	const char *(*secret)(struct faas_context *ctx, const char *name);
	int (*http_head)(struct faas_context *ctx, const char *head);
	int (*fail_body)(struct faas_context *ctx, const char *type, struct faas_bytes body);
	int (*call)(struct faas_context *ctx, const char *function, struct faas_bytes event,
		    struct faas_bytes *answer);
	int (*publish)(struct faas_context *ctx, const char *address, const char *group,
		       struct faas_bytes body, struct faas_bytes *answer);
	const char *(*secret_version)(struct faas_context *ctx, const char *name,
				      const char *version);
};

#define FAAS_HAS(ctx, member) \
	((ctx)->api->size > offsetof(struct faas_api, member) && (ctx)->api->member)

/*
 * One invocation, as the handler sees it. Strings are valid until the handler
 * returns; those that do not apply are NULL.
 */
struct faas_context {
	size_t size;
	const struct faas_api *api;
	void *state; /* yours: set it in init(), find it here in every later call */
	const char *request_id;
	const char *function_name;
	const char *function_version;
	const char *invoked_arn;
	const char *trace_id;
	const char *client_context;
	const char *tenant_id;
	const char *tmpdir;  /* private to this environment, survives between calls */
	int64_t deadline_ms; /* Unix time in milliseconds */
	int memory_mb;
};

/*
 * A handler. Only `invoke` is required.
 *
 * Order of calls within one environment, never two at once:
 *   init -> [before_snapshot -> after_restore] -> invoke* -> shutdown
 */
struct faas_handler {
	size_t size;
	const char *name; /* what the function's Handler setting selects */

	/*
	 * Serve one event. Write the response with faas_write() and return 0,
	 * or return faas_fail(...). The environment stays warm either way;
	 * crashing or running out of time is what ends it.
	 */
	int (*invoke)(struct faas_context *ctx, struct faas_bytes event);

	/*
	 * Once per environment, before its first event. If it fails, ends its process or takes
	 * more than ten seconds, it is called once more in a new process, which finds the same
	 * /tmp, as a part of that event and of its timeout; if it fails again, that is the
	 * event's answer. Not of a function with .snapshot, and not ahead of any event.
	 */
	int (*init)(struct faas_context *ctx);

	/*
	 * Of a function with .snapshot only. init and before_snapshot then run once
	 * for all environments, after_restore in each. It has to draw anew whatever
	 * must not be twice: seeds, ids, keys, what was connected.
	 */
	int (*before_snapshot)(struct faas_context *ctx); /* close what cannot be copied */
	int (*after_restore)(struct faas_context *ctx);   /* reopen it; reseed randomness */

	void (*shutdown)(struct faas_context *ctx);       /* best effort: may never come */
};

struct faas_plugin {
	uint32_t magic;
	uint32_t abi;
	size_t size;
	const char *name;
	const char *version;
	const struct faas_handler *const *handlers; /* NULL-terminated */
};

/* The one symbol. Data, not a function: it can be judged before any code runs. */
FAAS_EXPORT extern const struct faas_plugin faas_plugin;

/*
 * Append to the response. Returns 0, or -1 when the response would grow past
 * 6291556 bytes (Lambda's limit): the invocation then ends as
 * Function.ResponseSizeTooLarge, whatever the handler returns.
 *
 * `data` may be a part of the event. If all of the response is one part of it, written by
 * one call, no byte of it is copied on the function's side.
 *
 * Where whoever invoked the function wants the response in parts, each of these goes to him
 * at once, 209715200 bytes in all. When he is slow, it waits, and the function's time
 * goes on. An error after that comes behind what he has already. That there are parts
 * makes no difference to a handler, except for faas_http_head().
 */
static inline int faas_write(struct faas_context *ctx, const void *data, size_t len)
{
	return ctx->api->write(ctx, data, len);
}

static inline int faas_puts(struct faas_context *ctx, const char *text)
{
	return ctx->api->write(ctx, text, strlen(text));
}

/*
 * Begin an answer of HTTP that goes in parts, before any faas_write(), with its head:
 * {"statusCode":200,"headers":{...},"cookies":[...]}. What is written then is the body.
 * Returns -1, and nothing happens, if nobody wants parts: then write one object that has
 * the members statusCode and body.
 */
static inline int faas_http_head(struct faas_context *ctx, const char *head)
{
	return FAAS_HAS(ctx, http_head) ? ctx->api->http_head(ctx, head) : -1;
}

/* Report a function error and return what the handler should return. */
static inline int faas_fail(struct faas_context *ctx, const char *type, const char *message)
{
	return ctx->api->fail(ctx, type, message);
}

/*
 * The same with a body of your own, which reaches the caller as it is: JSON, with errorType and
 * errorMessage and what else tells more, such as a stackTrace. It replaces what was written.
 */
static inline int faas_fail_body(struct faas_context *ctx, const char *type,
				 struct faas_bytes body)
{
	return FAAS_HAS(ctx, fail_body) ? ctx->api->fail_body(ctx, type, body) :
					  ctx->api->fail(ctx, type, "");
}

/* Memory that lives until the handler returns; no free. NULL when over budget. */
static inline void *faas_alloc(struct faas_context *ctx, size_t size)
{
	return ctx->api->alloc(ctx, size);
}

static inline int64_t faas_remaining_ms(struct faas_context *ctx)
{
	return ctx->api->remaining_ms(ctx);
}

/* The function's own environment variables; getenv(3) would read the host's. */
static inline const char *faas_getenv(struct faas_context *ctx, const char *name)
{
	return ctx->api->getenv(ctx, name);
}

/*
 * A secret of that name (1 to 512 printable characters), asked of the host, which may
 * take its time: it counts as yours. Valid until the handler returns, and wiped then.
 * NULL: there is none for this function, or more than 32 were asked for in one call.
 */
static inline const char *faas_secret(struct faas_context *ctx, const char *name)
{
	return FAAS_HAS(ctx, secret) ? ctx->api->secret(ctx, name) : NULL;
}

/*
 * The same in one of its versions, by the words of Secrets Manager: "AWSCURRENT", which is what
 * faas_secret() asks for, "AWSPREVIOUS", or another label or id (1 to 256 printable characters)
 * that the host knows. While a secret is rotated, who is refused with one tries the other.
 */
static inline const char *faas_secret_version(struct faas_context *ctx, const char *name,
					      const char *version)
{
	return FAAS_HAS(ctx, secret_version) ? ctx->api->secret_version(ctx, name, version) : NULL;
}

/*
 * Invoke another function by any name it can be called by, with at most 6291456 bytes, and wait for
 * its answer. If there are roles, this function's has to allow lambda:InvokeFunction, or the other
 * one's own policy (AddPermission) names this one's role. The call is a
 * part of this event's chain: who goes round in a circle is stopped (RecursiveInvocationException).
 * It counts against limits as anybody's, and nobody waits for a place: then FAAS_ETHROTTLED.
 * Whether this event ends meanwhile or not, the other one goes on.
 *
 * Returns 0, FAAS_EFUNCTION if that function failed, FAAS_EDENIED, FAAS_ENOTFOUND, or another enum
 * faas_code. `answer` (NULL: don't care) is then what the function said, or an object with
 * errorType and errorMessage; valid until the handler returns, from the budget of faas_alloc(),
 * without a NUL at its end. At most 1024 calls of this and the next kind are for one event, one
 * after the other.
 */
static inline int faas_call(struct faas_context *ctx, const char *function,
			    struct faas_bytes event, struct faas_bytes *answer)
{
	return FAAS_HAS(ctx, call) ? ctx->api->call(ctx, function, event, answer) : FAAS_EINVAL;
}

/*
 * Hand something on: a message to "queue:NAME", "topic:NAME" or "bus:NAME", as faas_put() takes
 * it; a record to "stream:NAME", whose partition key is `group`; an item to "table:NAME"; an event
 * to "function:NAME", asynchronously; or to the ARN of one of these. `group` is NULL but for
 * streams and FIFO queues. At most 1048576 bytes. The role has to allow sqs:SendMessage,
 * sns:Publish, events:PutEvents, kinesis:PutRecord, dynamodb:PutItem or lambda:InvokeFunction.
 *
 * To "dir:/PATH", a directory that the host made known by faas_resource_create(): a file whose
 * path there is `group`, a key as S3 has it, "2026/a.png": at most 1024 bytes of UTF-8, in names of
 * 1 to 255 without control characters, none of them "." or "..". At most 6291456 bytes. Folders
 * are made; a file of that name is replaced; there is all of it, on the disk, or nothing. The role
 * has to allow s3:PutObject on arn:aws:s3:::/PATH/KEY.
 *
 * Returns 0 when it is accepted, else as faas_call(), with an error in `answer`.
 */
static inline int faas_publish(struct faas_context *ctx, const char *address, const char *group,
			       struct faas_bytes body, struct faas_bytes *answer)
{
	return FAAS_HAS(ctx, publish) ? ctx->api->publish(ctx, address, group, body, answer) :
					FAAS_EINVAL;
}

/* One log line of at most 1023 bytes; longer text is cut. */
__attribute__((format(printf, 3, 4)))
static inline void faas_log(struct faas_context *ctx, enum faas_level level,
			    const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ctx->api->log(ctx, level, text);
}

#define FAAS_HANDLER(...) FAAS_HANDLER_(__VA_ARGS__, .size = sizeof(struct faas_handler))
#define FAAS_HANDLER_(function, ...) \
	&(const struct faas_handler){ .name = #function, .invoke = (function), __VA_ARGS__ }

#define FAAS_PLUGIN(name_, version_, ...) \
	FAAS_EXPORT const struct faas_plugin faas_plugin = { \
		.magic = FAAS_PLUGIN_MAGIC, .abi = FAAS_PLUGIN_ABI, \
		.size = sizeof(struct faas_plugin), .name = name_, .version = version_, \
		.handlers = (const struct faas_handler *const[]){ __VA_ARGS__, NULL } }

FAAS_END_DECLS

#endif
