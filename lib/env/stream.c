/* SPDX-License-Identifier: MIT */
/*
 * The host's end of a response in parts. What the worker says is how many bytes it has put:
 * that is loaded once, and there cannot be more than the ring holds. Where they are
 * taken from and how far we are is our own count. They are copied once, and nobody sees
 * them where the worker could still write.
 */
#include <env/stream.h>

#include <string.h>

#include <env/env.h>
#include <env/pool.h>
#include <env/request.h>
#include <model/checks.h>

#define PART 16384
#define PARTS_PER_TURN 16 /* others of this loop come first */

static uint32_t put_by(const struct fa_env *env)
{
	return atomic_load(&env->kit->response->streamed);
}

bool fa_stream_has_parts(const struct fa_env *env, const struct fa_job *job)
{
	return !job->paused && put_by(env) != env->stream_taken;
}

static bool violated(struct fa_job *job, const char *how)
{
	job->verdict = FA_VIOLATED;
	strncpy(job->why, how, sizeof(job->why) - 1);
	return false;
}

static uint32_t copy_part(const struct fa_env *env, char part[PART], uint32_t len)
{
	uint32_t at = env->stream_taken & (FA_STREAM_RING - 1);

	if (len > PART)
		len = PART;
	if (len > FA_STREAM_RING - at)
		len = FA_STREAM_RING - at;
	memcpy(part, (const char *)env->kit->response + FA_BIG_OFF + at, len);
	return len;
}

/* It is copied: the worker may use the room again. */
static void give_room(struct fa_env *env, uint32_t len)
{
	env->stream_taken += len;
	atomic_store(&env->kit->request->stream_taken, env->stream_taken);
	fa_request_rouse(env, 4);
	atomic_store_explicit(&env->junk, 0, memory_order_relaxed);
}

static void tell(struct fa_env *env, struct fa_job *job, const char *part, uint32_t len)
{
	struct fa_envs *envs = env->pool->envs;
	bool http = atomic_load_explicit(&env->kit->response->stream_http,
					 memory_order_relaxed) == 1;

	job->streamed += len;
	envs->on_part(envs->data, env, job, (struct faas_bytes){ part, len }, http);
}

bool fa_stream_pour(struct fa_env *env, struct fa_job *job)
{
	bool checked = !(env->pool->envs->weak_checks & FA_CHECK_LENGTH);
	char part[PART];

	for (int i = 0; i < PARTS_PER_TURN; i++) {
		uint32_t len = put_by(env) - env->stream_taken;

		if (!len)
			return true;
		if (checked && len > FA_STREAM_RING)
			return violated(job, "a stream that is longer than its place");
		if (checked && job->streamed + len > FA_STREAM_MAX)
			return violated(job, "a stream beyond the limit of all");
		if (job->paused)
			return false;
		len = copy_part(env, part, len);
		give_room(env, len);
		tell(env, job, part, len);
	}
	fa_loop_wake(env->pool->envs->loop);
	return false;
}
