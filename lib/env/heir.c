/* SPDX-License-Identifier: MIT */
/*
 * Heirs: for the function an environment is one thing, whatever becomes of its process. So
 * who may have to be killed is given an heir, which has the same name, user and /tmp: a warm
 * one, made past half of the timeout, or else, at the kill, one without a process. Whoever
 * comes next gets the heir, and if that is in its init it is promised to him.
 */
#include <env/pool.h>

#include <fcntl.h>
#include <string.h>

#include <model/function.h>

#define HEIR_NS 20000000 /* past half of a timeout as long as this, an heir is made */

/* Those that are promised are the last ones of `away`: others come in at its front. */
void fa_pool_promise(struct fa_env *env)
{
	fa_list_remove(&env->link);
	fa_list_append(&env->pool->away, &env->link);
	env->promised = true;
}

static void inherit(struct fa_env *heir, struct fa_env *late)
{
	if (late->mount_ns >= 0)
		heir->mount_ns = fcntl(late->mount_ns, F_DUPFD_CLOEXEC, 0);
	memcpy(heir->stream, late->stream, sizeof(heir->stream));
	heir->heir_of = late;
	late->heir = heir;
}

/*
 * The next event need not wait until the process is gone, and finds the /tmp that it left. Who
 * is about to end is not charged for.
 */
void fa_pool_succeed(struct fa_env *env)
{
	struct fa_pool *pool = env->pool;
	struct fa_env *heir;
	int why;

	if (env->kind->steady || env->unborn || pool->version->config.pristine ||
	    pool->envs->closing)
		return;
	heir = fa_pool_add_env(pool, &why);
	if (!heir)
		return;
	heir->inited_before = env->inited_before;
	heir->memory_mb = env->memory_mb;
	env->memory_mb = 0;
	inherit(heir, env);
}

/* Under the pool's lock: one that shares what the late one will leave. */
static struct fa_env *add_heir(struct fa_pool *pool)
{
	struct fa_env *late = pool->late, *heir;
	int why;

	pool->late = NULL;
	if (!late || late->state != FA_BUSY || late->heir || pool->envs->closing)
		return NULL;
	heir = fa_pool_add_charged(pool, &why);
	if (!heir)
		return NULL;
	inherit(heir, late);
	fa_env_event(heir, FA_ENV_WARM);
	return heir;
}

static void make_spare(struct fa_call *call)
{
	struct fa_pool *pool = fa_container(call, struct fa_pool, make_spare);
	int memory_mb = pool->version->config.memory_mb;
	bool charged = fa_envs_charge(pool->envs, memory_mb);
	struct fa_env *heir;

	pthread_mutex_lock(&pool->lock);
	heir = charged ? add_heir(pool) : NULL;
	pool->sparing = heir;
	pool->heir = heir;
	pthread_mutex_unlock(&pool->lock);
	if (heir) {
		fa_env_start(heir, pool->envs->init_limit_ns);
	} else if (charged) {
		fa_envs_discharge(pool->envs, memory_mb);
	}
}

static void want_heir(struct fa_env *env)
{
	struct fa_pool *pool = env->pool;
	bool wanted;

	pthread_mutex_lock(&pool->lock);
	wanted = !pool->sparing && !pool->retired && fa_list_empty(&pool->idle) &&
		 fa_list_empty(&pool->ready);
	pool->sparing |= wanted;
	if (wanted)
		pool->late = env;
	pthread_mutex_unlock(&pool->lock);
	if (wanted)
		fa_loop_call(pool->envs->loop, &pool->make_spare);
}

int64_t fa_pool_next_look(struct fa_env *env, struct fa_job *job, int64_t begin_ns, int64_t now_ns)
{
	int64_t limit = begin_ns + job->timeout_ns, half = limit - job->timeout_ns / 2;

	if (!job->halfway && job->timeout_ns >= HEIR_NS) {
		if (now_ns < half)
			return half;
		job->halfway = true;
		want_heir(env);
	}
	return now_ns < limit ? limit : 0;
}

void fa_heir_init(struct fa_pool *pool)
{
	pool->make_spare.run = make_spare;
}
