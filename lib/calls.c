/* SPDX-License-Identifier: MIT */
/*
 * Calls: a handler invokes another function, or hands something on. Its role is asked; then it is
 * an invocation or a message like anybody's, and what comes of it goes back to who asked, by
 * the number of an environment and the birth of its process, for that may be gone. Nobody waits
 * for the disk on the loop: what is handed on is done by a thread.
 */
#include <calls.h>

#include <stdio.h>
#include <string.h>

#include <base/chores.h>
#include <base/error.h>
#include <base/member.h>
#include <base/text.h>
#include <conduct.h>
#include <faas/source.h>
#include <messages.h>
#include <model/address.h>
#include <model/bucket.h>
#include <model/stream.h>
#include <model/table.h>
#include <outcome/outbox.h>
#include <roles.h>

#define OPEN_MAX 4096
#define BYTES_MAX 268435456 /* that are in hand for all of them */
#define WHY_MAX 2048
#define WORDS_MAX (2 * WHY_MAX + 256) /* any of it may be escaped */
#define MESSAGE_MAX 1048576

struct call {
	struct fa_chore chore;
	struct faas *rt;
	uint32_t env, serial;
	int64_t birth_ns;
	size_t bytes;
	int rc; /* of what was handed on */
	struct faas_error err;
	char *copy; /* of group and body, each with a NUL behind it, if they are handed on */
	const char *group;
	struct faas_bytes body;
	char name[FA_QUESTION_NAME + 1];
	char trace[FA_TRACE_MAX + 1];
};

/* ---- answers ------------------------------------------------------------ */

static void reply(struct call *call, int code, struct faas_bytes words)
{
	struct faas *rt = call->rt;
	struct fa_env *env = fa_envs_find(&rt->envs, call->env);

	if (env && env->birth_ns == call->birth_ns)
		env->kind->reply(env, call->serial, code, words);
	rt->calls.count--;
	rt->calls.bytes -= call->bytes;
	fa_free(call->copy);
	fa_free(call);
}

static void refuse(struct call *call, int code, const char *type, const char *message)
{
	char words[WORDS_MAX];
	struct fa_text text = FA_TEXT(words);

	fa_text_add(&text, "{");
	fa_member_text(&text, "errorType", type);
	fa_member_text(&text, "errorMessage", message);
	fa_text_add(&text, "}");
	reply(call, code, (struct faas_bytes){ words, text.len });
}

/* ---- another function ----------------------------------------------------- */

static void on_done(void *data, const struct faas_result *result)
{
	struct call *call = data;
	char message[160];

	if (result->code == FAAS_OK || result->code == FAAS_EFUNCTION || result->payload.len) {
		reply(call, result->code, result->payload);
		return;
	}
	snprintf(message, sizeof(message),
		 result->code == FAAS_ETHROTTLED ? "Rate Exceeded. (%.100s)" : "%.100s",
		 result->code == FAAS_ETHROTTLED ? result->reason : faas_strerror(result->code));
	refuse(call, result->code, faas_error_name(result->code), message);
}

/* One that has no header gets one with its visit: so a loop is seen. */
static void invoke(struct call *call, const struct fa_called *called, const char *name,
		   enum faas_mode mode)
{
	struct faas_error err;
	int rc = faas_invoke(call->rt,
			     FAAS_REQUEST(.function = name, .payload = called->body, .mode = mode,
					  .trace_id = *call->trace ? call->trace : NULL,
					  .on_done = on_done, .data = call),
			     NULL, &err);

	if (rc)
		refuse(call, rc, err.type, err.message);
}

/* ---- whatever else there is -------------------------------------------------- */

static const char *directory_of(const char *address)
{
	return strncmp(address, "dir:", 4) ? NULL : address + 4;
}

/* Of the host's directories those are there of which it said so. */
static int put_object(struct call *call, const char *directory)
{
	struct fa_bucket bucket;

	if (!fa_named_get(&call->rt->buckets, directory, &bucket))
		return fa_error_typed(&call->err, FAAS_ENOTFOUND, "NoSuchBucket",
				      "The specified bucket does not exist");
	return fa_outbox_put(bucket.path, call->group, call->body, &call->err);
}

static void run_publish(struct fa_chore *chore)
{
	struct call *call = fa_container(chore, struct call, chore);
	const struct faas_message message = { .size = sizeof(message),
					      .body = call->body,
					      .group = *call->group ? call->group : NULL };
	const char *directory = directory_of(call->name);
	char table[FA_TABLE_NAME_MAX + 1];

	if (directory)
		call->rc = put_object(call, directory);
	else if (!fa_table_name(table, call->name))
		call->rc = fa_put(call->rt, call->name, &message, call->trace, NULL, &call->err);
	else if (strlen(call->body.data) != call->body.len)
		call->rc = fa_error(&call->err, FAAS_EINVAL, "an item is a text of JSON");
	else
		call->rc = faas_item_put(call->rt, call->name, call->body.data, NULL, NULL,
					 &call->err);
}

static void published(struct fa_chore *chore)
{
	struct call *call = fa_container(chore, struct call, chore);
	struct faas *rt = call->rt;

	if (call->rc)
		refuse(call, call->rc, call->err.type, call->err.message);
	else
		reply(call, 0, (struct faas_bytes){ "", 0 });
	fa_leave(rt);
}

static int keep(struct call *call, const struct fa_called *called, struct faas_error *err)
{
	size_t group_len = strlen(called->group), len = called->body.len;
	char *at;

	if (!fa_text_is_utf8(called->group, group_len))
		return fa_error(err, FAAS_EINVAL, "a group is a text of UTF-8");
	if (len > MESSAGE_MAX && !directory_of(call->name))
		return fa_error(err, FAAS_ETOOLARGE, "a message has at most %d bytes",
				MESSAGE_MAX);
	at = fa_alloc_dirty(&call->rt->mem, group_len + len + 2);
	if (!at)
		return fa_error_nomem(err);
	call->copy = at;
	call->group = memcpy(at, called->group, group_len + 1);
	at += group_len + 1;
	if (len)
		memcpy(at, called->body.data, len);
	at[len] = '\0';
	call->body = (struct faas_bytes){ at, len };
	return 0;
}

static void publish(struct call *call, const struct fa_called *called)
{
	struct faas_error err;
	int rc = keep(call, called, &err);

	if (!rc)
		rc = fa_enter(call->rt, &err);
	if (rc) {
		refuse(call, rc, err.type, err.message);
		return;
	}
	call->chore.run = run_publish;
	call->chore.done = published;
	fa_chores_add(&call->rt->chores, &call->chore);
}

/* ---- may it? ----------------------------------------------------------------- */

/* What it is for a role; NULL in `action`: nothing that can be asked for. */
struct target {
	const char *action;
	const char *function; /* NULL: it is none */
	bool bad_key;
	struct fa_address address;
	char arn[FA_SENT_ARN + FA_BUCKET_KEY_MAX];
};

static void find_named(struct target *target, const struct faas *rt, const char *text)
{
	struct fa_address address = { .kind = FA_TO_FUNCTION, .name = text };
	struct fa_name name;

	if (fa_name_parse(&name, text, NULL))
		return;
	target->action = fa_role_sending(rt, &address, target->arn);
	target->function = text;
}

/* An object is asked for by its own name, where a destination is for all that it may write. */
static void find_object(struct target *target, const struct faas *rt, const char *key)
{
	const char *action = fa_role_sending(rt, &target->address, target->arn);
	size_t all = strlen(target->arn) - 1; /* a "*" */

	target->bad_key = !fa_bucket_key_fits(key);
	if (target->bad_key || fa_bucket_check(target->address.name, NULL))
		return;
	snprintf(target->arn + all, sizeof(target->arn) - all, "%s", key);
	target->action = action;
}

/* A sandbox has no way to the host's callbacks, and gets none here. */
static void find_address(struct target *target, const struct faas *rt,
			 const struct fa_called *called)
{
	const char *text = called->name, *stream = fa_stream_name(text);
	char table[FA_TABLE_NAME_MAX + 1];
	bool is_table = fa_table_name(table, text);

	if (stream || is_table) {
		target->action = stream ? "kinesis:PutRecord" : "dynamodb:PutItem";
		snprintf(target->arn, sizeof(target->arn), "arn:aws:%s:%s:%s:%s/%s",
			 stream ? "kinesis" : "dynamodb", rt->config.region, rt->config.account,
			 stream ? "stream" : "table", stream ? stream : table);
	} else if (fa_address_parse(&target->address, text, NULL)) {
		return;
	} else if (target->address.kind == FA_TO_FUNCTION) {
		find_named(target, rt, target->address.name);
	} else if (target->address.kind == FA_TO_DIRECTORY) {
		find_object(target, rt, called->group);
	} else {
		target->action = fa_role_sending(rt, &target->address, target->arn);
	}
}

static void refuse_target(struct call *call, const struct fa_called *called, bool bad_key)
{
	char why[WHY_MAX];

	if (bad_key)
		snprintf(why, sizeof(why),
			 "a file needs a key of at most %d bytes of UTF-8, whose names, with '/' "
			 "between them, are neither '.' nor '..'",
			 FA_BUCKET_KEY_MAX);
	else
		snprintf(why, sizeof(why),
			 called->publishes ?
				 "'%.80s' is not where a function can send: expected queue:, "
				 "topic:, bus:, stream:, table:, dir:/PATH or function:NAME" :
				 "'%.80s' is no name of a function",
			 called->name);
	refuse(call, FAAS_EINVAL, "InvalidParameterValueException", why);
}

static void begin(struct call *call, struct fa_version *v, const struct fa_called *called)
{
	struct target target = { .action = NULL };
	char why[WHY_MAX];
	int rc;

	if (called->publishes)
		find_address(&target, call->rt, called);
	else
		find_named(&target, call->rt, called->name);
	if (!target.action) {
		refuse_target(call, called, target.bad_key);
		return;
	}
	rc = fa_role_may(call->rt, v, target.action, target.arn, why, sizeof(why));
	if (rc)
		refuse(call, rc, faas_error_name(rc), why);
	else if (target.function)
		invoke(call, called, target.function,
		       called->publishes ? FAAS_EVENT : FAAS_SYNC);
	else
		publish(call, called);
}

/* ---- the question ------------------------------------------------------------- */

static void on_call(void *data, struct fa_env *env, const struct fa_called *called)
{
	struct faas *rt = data;
	struct fa_version *v = env->pool->version;
	size_t size = called->body.len;
	static const char crowded[] = FA_CALL_ERROR("TooManyRequestsException",
						    "too many calls are open");
	struct call *call = NULL;

	if (rt->calls.count < OPEN_MAX && size <= BYTES_MAX - rt->calls.bytes)
		call = fa_alloc(&rt->mem, sizeof(*call));
	if (!call) {
		env->kind->reply(env, called->serial, FAAS_ETHROTTLED,
				 (struct faas_bytes){ crowded, strlen(crowded) });
		return;
	}
	call->rt = rt;
	call->env = env->id;
	call->serial = called->serial;
	call->birth_ns = env->birth_ns;
	call->bytes = size;
	snprintf(call->name, sizeof(call->name), "%s", called->name);
	fa_trace_forward(v, called->trace, call->trace);
	rt->calls.count++;
	rt->calls.bytes += size;
	begin(call, v, called);
}

void fa_calls_init(struct faas *rt)
{
	rt->envs.on_call = on_call;
}
