/* SPDX-License-Identifier: MIT */
/*
 * The snapshot of a version is made ahead of any event: an environment is started whose
 * process is the template, and which ends with it. Births that are asked for meanwhile
 * wait for it in the nest. Of a program nothing is copied, so what is made of it is its
 * first environment, which waits for its restore.
 *
 * A failure of the function is told, and final. If memory is short, or the process could
 * not be made or was killed with its nest, it is tried a few times more.
 */
#include <env/snap.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <env/pool.h>
#include <model/function.h>

#define TRIES 10
#define PAUSE_NS 1000000000LL

/* ---- why there is none ------------------------------------------------ */

/* The codes are those of the API's model; which is for what is not documented. */
static const char *code_of(const struct fa_job *job)
{
	switch (job->verdict) {
	case FA_INIT_TIMED_OUT:
	case FA_TIMED_OUT:
		return "FunctionError.InitTimeout";
	case FA_STARVED:
		return "FunctionError.InitResourceExhausted";
	case FA_INIT_ERRED:
		if (!strcmp(job->error_type, "Runtime.InvalidEntrypoint"))
			return "FunctionError.InvalidEntryPoint";
		if (!strncmp(job->error_type, "Extension.", 10))
			return "FunctionError.ExtensionInitError";
		return "FunctionError.RuntimeInitError";
	default:
		return "FunctionError.RuntimeInitError";
	}
}

/* It could not begin, or somebody has killed it who is not in its namespace of pids. */
static bool is_no_fault(const struct fa_job *job)
{
	return job->verdict == FA_NO_BIRTH || job->verdict == FA_CANCELED ||
	       (job->verdict == FA_EXITED && WIFSIGNALED(job->wait_status) &&
		WTERMSIG(job->wait_status) == SIGKILL);
}

static void blame_function(struct fa_trouble *why, const struct fa_job *job)
{
	const char *error = fa_start_error(job);

	snprintf(why->code, sizeof(why->code), "%s", code_of(job));
	snprintf(why->reason, sizeof(why->reason), "Its initialization failed: %s",
		 error ? error : "Runtime.ExitError");
}

static void blame_host(struct fa_trouble *why, const char *reason)
{
	snprintf(why->code, sizeof(why->code), "InternalError");
	snprintf(why->reason, sizeof(why->reason), "No snapshot could be made: %s", reason);
}

/* ---- how it ends [loop] ------------------------------------------------- */

/* Who waits sees what the conductor made of it. */
static void tell(struct fa_pool *pool, const struct fa_trouble *why)
{
	struct fa_envs *envs = pool->envs;
	int64_t now_ns = fa_now(envs->clock);

	pthread_mutex_lock(&pool->lock);
	pool->snap.wanted = false;
	pool->snap.made = !why;
	pool->snap.telling = true;
	pool->snap.told_ns = now_ns;
	pthread_mutex_unlock(&pool->lock);
	fa_inactive_expect(envs, now_ns);
	envs->on_snapshot(envs->data, pool, why);
}

void fa_snap_told(struct fa_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->snap.telling = false;
	pthread_cond_broadcast(&pool->provision.counted);
	pthread_mutex_unlock(&pool->lock);
}

static void try_later(struct fa_pool *pool, const char *reason)
{
	struct fa_snap *snap = &pool->snap;
	struct fa_trouble why;
	bool again;

	pthread_mutex_lock(&pool->lock);
	again = ++snap->failures < TRIES;
	snap->retry_ns = fa_now(pool->envs->clock) + PAUSE_NS;
	pthread_mutex_unlock(&pool->lock);
	if (again) {
		fa_provision_arm(pool->envs, snap->retry_ns);
		return;
	}
	blame_host(&why, reason);
	tell(pool, &why);
}

void fa_snap_started(struct fa_env *env, const struct fa_job *job)
{
	struct fa_pool *pool = env->pool;
	struct fa_trouble why;
	bool current, over;

	if (pool->snap.env != env)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->snap.env = NULL;
	current = env->generation == pool->generation;
	over = pool->retired;
	if (env->only_template)
		env->generation = 0; /* what it was for is done */
	pthread_mutex_unlock(&pool->lock);
	if (over)
		return;
	if (job->verdict != FA_REPLIED && (!current || is_no_fault(job))) {
		try_later(pool, job->verdict == FA_NO_BIRTH ? job->why : "its process was killed");
		return;
	}
	pool->envs->on_started(pool->envs->data, env, job);
	if (job->verdict != FA_REPLIED)
		blame_function(&why, job);
	tell(pool, job->verdict == FA_REPLIED ? NULL : &why);
}

/* ---- making it [loop] ---------------------------------------------------- */

static bool is_due(struct fa_pool *pool)
{
	const struct fa_snap *snap = &pool->snap;
	bool due;

	pthread_mutex_lock(&pool->lock);
	due = snap->wanted && !snap->env && !pool->retired && !pool->envs->closing;
	if (due && fa_now(pool->envs->clock) < snap->retry_ns) {
		fa_provision_arm(pool->envs, snap->retry_ns);
		due = false;
	}
	pthread_mutex_unlock(&pool->lock);
	return due;
}

void fa_snap_make(struct fa_pool *pool)
{
	bool copied = fa_version_is_copied(pool->version);
	struct fa_env *env;
	int why;

	if (!is_due(pool))
		return;
	env = fa_pool_add(pool, copied ? FA_FOR_SNAPSHOT : FA_FOR_LATER, &why);
	if (!env) {
		try_later(pool, why == FAAS_ENOMEM ?
					"out of memory" :
					"there is no room beside the others within max_memory_mb");
		return;
	}
	pool->snap.env = env;
	fa_env_start(env, fa_provision_init_ns(pool));
}

static void on_call(struct fa_call *call)
{
	struct fa_pool *pool = fa_container(call, struct fa_pool, snap.call);

	pthread_mutex_lock(&pool->lock);
	pool->snap.queued = false;
	pthread_mutex_unlock(&pool->lock);
	fa_snap_make(pool);
}

/* ---- any thread ------------------------------------------------------------ */

void fa_snap_init(struct fa_pool *pool)
{
	pool->snap.call.run = on_call;
}

/* Under the pool's lock. */
static void want(struct fa_pool *pool, int64_t at_ns)
{
	struct fa_snap *snap = &pool->snap;

	snap->wanted = true;
	snap->made = false;
	snap->failures = 0;
	snap->retry_ns = at_ns;
	if (snap->queued)
		return;
	snap->queued = true;
	fa_loop_call(pool->envs->loop, &snap->call);
}

void fa_snap_want(struct fa_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	if (!pool->snap.wanted && !pool->retired)
		want(pool, 0);
	pthread_mutex_unlock(&pool->lock);
}

void fa_snap_wait(struct fa_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	while ((pool->snap.wanted || pool->snap.telling) && !pool->retired && !pool->envs->closing)
		pthread_cond_wait(&pool->provision.counted, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
}

/* Whoever killed it may do so again: at once it is made only for an event. */
void fa_snap_lost(struct fa_pool *pool)
{
	if (pool->snap.env)
		pool->snap.env->generation = 0;
	else if (pool->snap.made && !pool->retired && !pool->envs->closing)
		want(pool, fa_now(pool->envs->clock) + PAUSE_NS);
}
