/* SPDX-License-Identifier: MIT */
/*
 * How an environment gets its process: areas, a bell and a log pipe out of a kit, and one
 * message to the nest of its version. Nobody waits for it to be born: what is posted meanwhile
 * it finds, and its pidfd arrives when it arrives.
 */
#include <env/process.h>

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include <env/env.h>
#include <env/pool.h>
#include <model/function.h>

#define BURST 32

#define STORE(member, value) atomic_store_explicit(&(member), value, memory_order_relaxed)

static void forget_process(struct fa_env *env)
{
	env->want = env->rung = env->done = 0;
	env->large = 0;
	env->stream_taken = 0;
	STORE(env->junk, 0);
	STORE(env->calls, 0);
	STORE(env->calling, 0);
	STORE(env->replied, 0);
	env->init_done_ns = 0;
	env->cpu_seen_ns = env->peak_kb = env->sampled_ns = 0;
	env->cpu_guesses = 0;
	env->cpu_guessed_ns = env->cpu_average_ns = 0;
	env->cpu_averaged = false;
	env->served = 0;
	env->fresh = true;
	env->doomed = env->template = env->shell = env->frozen = false;
	env->left_snapshot = false;
	env->exit_status = env->exit_error = 0;
	env->exit_rss_kb = env->exit_cpu_ns = 0;
	env->pidfd = -1;
	atomic_store(&env->pid, 0);
	atomic_store(&env->fate, FA_ALIVE);
}

/* Where they share a user they share this; a program brings threads of its own. */
static uint32_t most_processes(const struct fa_pool *pool)
{
	return (uint32_t)(64 + (pool->version->program ? 16 : 1) * pool->alive);
}

static int ask_nest(struct fa_env *env, bool waits)
{
	struct fa_pool *pool = env->pool;
	/* an heir is of the same user, or what is in /tmp would not be its own */
	struct fa_spawn spawn = { .ctl = { .type = FA_SPAWN, .id = env->id },
				  .slot = env->heir_of ? env->heir_of->slot : env->slot,
				  .nproc = most_processes(pool),
				  .waits = waits,
				  .only_template = env->only_template,
				  .provisioned = env->provisioned ||
						 (env->heir_of && env->heir_of->provisioned) };
	int fds[5] = { env->kit->request_fd, env->kit->response_fd, env->kit->bell_worker,
		       env->kit->log_worker, env->mount_ns }, rc;

	memcpy(spawn.stream, env->stream, sizeof(spawn.stream));
	rc = fa_ctl_send(pool->nest.watch.fd, &spawn, sizeof(spawn), fds,
			 env->mount_ns >= 0 ? 5 : 4);
	/* a nest that is dead already: we shall hear of it, and then why */
	return rc == -EPIPE || rc == -ECONNRESET ? 0 : rc;
}

/* Private /tmp made on the spot costs twice one made ahead; the nest knows of no bursts. */
static void prepare_for_burst(struct fa_pool *pool)
{
	struct fa_ctl prepare = { .type = FA_PREPARE, .status = BURST };

	if (pool->prepared || pool->unborn < BURST / 4)
		return;
	pool->prepared = true;
	atomic_store(&pool->envs->bursts, true);
	fa_ctl_send(pool->nest.watch.fd, &prepare, sizeof(prepare), NULL, 0);
}

/* Its process; `waits`: for its first request, before it opens the function. */
static int spawn(struct fa_env *env, bool waits)
{
	struct fa_pool *pool = env->pool;
	int rc;

	forget_process(env);
	env->kit = fa_envs_take_kit(pool->envs);
	if (!env->kit)
		return -errno;
	rc = fa_pool_ensure_nest(pool);
	env->birth_ns = fa_now(pool->envs->clock); /* it may be born before we go on */
	if (!rc)
		rc = ask_nest(env, waits);
	if (rc < 0)
		return rc;
	env->shell = waits;
	env->unborn = true;
	pool->unborn++;
	prepare_for_burst(pool);
	fa_kit_sent(env->kit);
	fa_logs_open(env, env->kit->log);
	return 0;
}

int fa_process_prepare(struct fa_env *env)
{
	return spawn(env, true);
}

int fa_process_birth(struct fa_env *env)
{
	struct fa_pool *pool = env->pool;
	int rc = 0;

	if (env->shell)
		env->birth_ns = fa_now(pool->envs->clock);
	else
		rc = spawn(env, false);
	if (rc < 0)
		return rc;
	env->shell = false;
	env->suppressed = env->inited_before;
	env->inited_before = !fa_version_is_copied(pool->version); /* its init is the template's */
	fa_shell_noted(env);
	if (env->state == FA_BUSY || !(env->provisioned || env->ahead || env->only_template))
		atomic_fetch_add_explicit(&pool->envs->cold_starts, 1, memory_order_relaxed);
	return 0;
}
