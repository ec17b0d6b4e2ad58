/* SPDX-License-Identifier: MIT */
/*
 * The bell of a process: rings, questions for secrets, and calls of others. Nothing is believed
 * of any of them. A call is answered, so who makes many waits for each: they have a limit of
 * their own.
 */
#include <env/bell.h>

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <env/env.h>
#include <env/pool.h>
#include <env/request.h>
#include <model/checks.h>
#include <model/function.h>
#include <model/secret.h>
#include <model/trace.h>

#define RINGS_PER_TURN 16

/* One at a time: there is one place for what it is made with, and one for what comes of it. */
static void hear_call(struct fa_env *env, const struct fa_question *asked, const char *name,
		      const char *group)
{
	struct fa_envs *envs = env->pool->envs;
	char trace[FA_TRACE_MAX + 1];
	const struct fa_called called = {
		.serial = asked->serial,
		.publishes = asked->kind == FA_ASK_PUBLISH,
		.name = name,
		.group = group,
		.body = { (const char *)env->kit->response + FA_ASKED_OFF, asked->len },
		.trace = trace,
	};

	if (asked->len > FA_REQUEST_MAX || atomic_exchange(&env->calling, 1)) {
		struct fa_gift gift = { .serial = asked->serial, .code = FAAS_EINVAL };

		send(env->bell.fd, &gift, sizeof(gift), MSG_DONTWAIT | MSG_NOSIGNAL);
		return;
	}
	env->calling_seq = fa_request_trace(env, trace);
	envs->on_call(envs->data, env, &called);
}

/* Hearsay, copied by recv(); what is no question is a ring. Whether it is a call. */
static bool hear(struct fa_env *env, char *message, size_t len)
{
	struct fa_envs *envs = env->pool->envs;
	struct fa_question asked;
	char *name = message + sizeof(asked), *more;
	size_t name_len;

	if (len <= sizeof(asked))
		return false;
	memcpy(&asked, message, sizeof(asked));
	message[len] = '\0';
	name_len = strlen(name);
	if (!fa_secret_name_fits(name, name_len))
		return false;
	more = name + name_len + (name_len < len - sizeof(asked));
	if (asked.kind == FA_ASK_INVOKE || asked.kind == FA_ASK_PUBLISH) {
		hear_call(env, &asked, name, more);
		return true;
	}
	if (!*more)
		more = FA_SECRET_CURRENT;
	if (asked.kind == FA_ASK_SECRET && fa_secret_version_fits(more))
		envs->on_ask(envs->data, env, asked.serial, name, more);
	return false;
}

/* Who does not read its answers gets no more of them. */
void fa_bell_give(struct fa_env *env, uint32_t serial, const struct faas_bytes *value)
{
	struct fa_gift head = { .serial = serial, .code = value ? 0 : FAAS_ENOTFOUND };
	struct iovec parts[2] = { { &head, sizeof(head) },
				  { value ? (void *)value->data : NULL, value ? value->len : 0 } };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };

	if (env->bell.fd >= 0)
		sendmsg(env->bell.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* What one event is told is not left in the area of a pristine function's next one. */
void fa_bell_reply(struct fa_env *env, uint32_t serial, int code, struct faas_bytes words)
{
	struct fa_gift head = { .serial = serial, .code = code, .len = (uint32_t)words.len };
	struct fa_request_head *request;

	if (env->bell.fd < 0 || !env->kit || words.len > FA_RESPONSE_MAX)
		return;
	request = env->kit->request;
	atomic_store(&env->calling, 0);
	if (env->pool->version->config.pristine &&
	    atomic_load(&request->seq) != env->calling_seq)
		return;
	if (words.len)
		memcpy((char *)request + FA_REPLY_OFF, words.data, words.len);
	if (words.len > atomic_load(&env->replied))
		atomic_store(&env->replied, (uint32_t)words.len);
	send(env->bell.fd, &head, sizeof(head), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void condemn(struct fa_job *job, const char *why)
{
	job->verdict = FA_VIOLATED;
	strcpy(job->why, why);
}

/* A flood, and of what; NULL: none. */
static const char *flood(struct fa_env *env, uint32_t junk, uint32_t calls)
{
	bool rings = atomic_fetch_add(&env->junk, junk) + junk > FA_JUNK_MAX;
	bool called = atomic_fetch_add(&env->calls, calls) + calls > 2 * FA_CALLS_MAX;

	if (env->pool->envs->weak_checks & FA_CHECK_JUNK)
		return NULL;
	return rings ? "a flood of rings" : called ? "a flood of calls" : NULL;
}

/*
 * Empty the bell, a little at a time. Honest rings may be late, so only many
 * without a single answer between them count.
 */
void fa_bell_rung(struct fa_env *env)
{
	char message[FA_QUESTION_MAX + 1];
	uint32_t n = 0, calls = 0;
	const char *why;
	ssize_t len;

	for (; n < RINGS_PER_TURN; n++) {
		len = recv(env->bell.fd, message, sizeof(message) - 1, MSG_DONTWAIT);
		if (len <= 0)
			break;
		calls += hear(env, message, (size_t)len);
	}
	why = flood(env, n - calls, calls);
	if (!why) {
		if (n == RINGS_PER_TURN)
			fa_loop_rearm(env->pool->envs->loop, &env->bell);
		return;
	}
	fa_loop_unwatch(env->pool->envs->loop, &env->bell);
	/* only in the scan its jobs are ours to look at */
	if (!fa_list_empty(&env->scan) && fa_env_open_jobs(env)) {
		condemn(env->jobs[(env->done + 1) & (FA_DEPTH - 1)], why);
		fa_loop_wake(env->pool->envs->loop);
	} else {
		env->kind->kill(env);
	}
}
