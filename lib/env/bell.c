/* SPDX-License-Identifier: MIT */
/* The bell of a process: rings, and questions for secrets. Nothing is believed of either. */
#include <env/bell.h>

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <env/env.h>
#include <env/pool.h>
#include <model/checks.h>
#include <model/secret.h>

#define RINGS_PER_TURN 16

/* Hearsay, copied by recv(); what is no question is a ring. */
static void hear(struct fa_env *env, char *message, size_t len)
{
	struct fa_envs *envs = env->pool->envs;
	size_t head = sizeof(struct fa_question);
	uint32_t serial;

	if (len <= head || !fa_secret_name_fits(message + head, len - head))
		return;
	memcpy(&serial, message, sizeof(serial));
	message[len] = '\0';
	envs->on_ask(envs->data, env, serial, message + head);
}

/* Who does not read its answers gets no more of them. */
void fa_bell_give(struct fa_env *env, uint32_t serial, const struct faas_bytes *value)
{
	struct fa_gift head = { .serial = serial, .there = value != NULL };
	struct iovec parts[2] = { { &head, sizeof(head) },
				  { value ? (void *)value->data : NULL, value ? value->len : 0 } };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };

	if (env->bell.fd >= 0)
		sendmsg(env->bell.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void condemn(struct fa_job *job)
{
	job->verdict = FA_VIOLATED;
	strcpy(job->why, "a flood of rings");
}

/*
 * Empty the bell, a little at a time. Honest rings may be late, so only many
 * without a single answer between them count.
 */
void fa_bell_rung(struct fa_env *env)
{
	char message[sizeof(struct fa_question) + FA_QUESTION_NAME + 2];
	ssize_t len;
	int n = 0;

	for (; n < RINGS_PER_TURN; n++) {
		len = recv(env->bell.fd, message, sizeof(message) - 1, MSG_DONTWAIT);
		if (len <= 0)
			break;
		hear(env, message, (size_t)len);
	}
	if (atomic_fetch_add(&env->junk, (uint32_t)n) + (uint32_t)n <= FA_JUNK_MAX ||
	    env->pool->envs->weak_checks & FA_CHECK_JUNK) {
		if (n == RINGS_PER_TURN)
			fa_loop_rearm(env->pool->envs->loop, &env->bell);
		return;
	}
	fa_loop_unwatch(env->pool->envs->loop, &env->bell);
	/* only in the scan its jobs are ours to look at */
	if (!fa_list_empty(&env->scan) && fa_env_open_jobs(env)) {
		condemn(env->jobs[(env->done + 1) & (FA_DEPTH - 1)]);
		fa_loop_wake(env->pool->envs->loop);
	} else {
		env->kind->kill(env);
	}
}
