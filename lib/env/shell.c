/* SPDX-License-Identifier: MIT */
/*
 * A shell is an environment that is born before anybody asks for it: its process is
 * in its sandbox, under its user, has its /tmp and its areas, and sleeps. Nothing of
 * the function is in it, neither code nor memory; that comes with its first event, and
 * only then does it count as an environment, is charged for and has a cold start. The
 * clone and the sandbox are half of one, so they are no longer waited for.
 *
 * It costs a process of about a hundred kilobytes. So there is one per function at
 * most, only of functions that were started on demand before, and of those only for
 * the ones that were last; it ends when an idle environment of the function would,
 * and when one has to go because memory is short.
 */
#include <env/pool.h>

#include <poll.h>

#include <model/function.h>

#define SHELLS_MAX 16
#define BIRTHS 2 /* who was needed twice will be needed again */

/* ---- any thread, under the pool's lock ------------------------------- */

void fa_shell_noted(struct fa_env *env)
{
	struct fa_pool *pool = env->pool;

	if (env->provisioned || env->heir_of || pool->shell)
		return;
	pool->births++;
	pool->shell_due = pool->births >= BIRTHS;
}

void fa_shell_want(struct fa_pool *pool)
{
	struct fa_envs *envs = pool->envs;
	struct fa_shells *shells = &envs->shells;
	bool is_wanted;

	pool->shell_due = false;
	if (pool->shell || pool->retired)
		return;
	pthread_mutex_lock(&envs->lock);
	is_wanted = !fa_list_empty(&pool->shell_link);
	if (!is_wanted)
		fa_list_append(&shells->wanted, &pool->shell_link);
	pthread_mutex_unlock(&envs->lock);
	if (!is_wanted && !atomic_exchange(&shells->called, true))
		fa_loop_call(envs->loop, &shells->call);
}

/* Somebody else may have killed it, and the news of it are on their way. */
static bool is_dead(const struct fa_env *env)
{
	struct pollfd end = { .fd = env->pidfd, .events = POLLIN };

	return env->pidfd >= 0 && poll(&end, 1, 0) > 0;
}

struct fa_env *fa_shell_take(struct fa_pool *pool)
{
	struct fa_env *env = pool->shell;

	if (!env || pool->envs->closing)
		return NULL;
	if (is_dead(env)) {
		fa_env_event(env, FA_ENV_RETIRE);
		return NULL;
	}
	env->generation = pool->retired ? 0 : pool->generation;
	env->memory_mb = pool->version->config.memory_mb;
	return env;
}

void fa_shell_left(struct fa_pool *pool)
{
	struct fa_envs *envs = pool->envs;

	pool->shell = NULL;
	pthread_mutex_lock(&envs->lock);
	fa_list_remove(&pool->shell_link);
	envs->shells.count--;
	pthread_mutex_unlock(&envs->lock);
}

/* ---- making them [loop] ---------------------------------------------- */

static void on_call(struct fa_call *call)
{
	struct fa_envs *envs = fa_container(call, struct fa_envs, shells.call);

	atomic_store(&envs->shells.called, false);
	fa_envs_want_kits(envs); /* and after those, when births are over, shells */
}

void fa_shells_init(struct fa_envs *envs)
{
	fa_list_init(&envs->shells.wanted);
	fa_list_init(&envs->shells.made);
	envs->shells.call.run = on_call;
}

bool fa_shells_wanted(struct fa_envs *envs)
{
	bool wanted;

	pthread_mutex_lock(&envs->lock);
	wanted = !fa_list_empty(&envs->shells.wanted) && !envs->closing;
	pthread_mutex_unlock(&envs->lock);
	return wanted;
}

/* Under the pool's lock. */
static void add_shell(struct fa_pool *pool)
{
	struct fa_envs *envs = pool->envs;
	struct fa_env *env;
	int why;

	if (pool->shell || pool->retired || !pool->nested || envs->closing)
		return;
	env = fa_pool_add_env(pool, &why);
	if (!env)
		return;
	pool->shell = env;
	pthread_mutex_lock(&envs->lock);
	fa_list_remove(&pool->shell_link); /* it may be wanted once more by now */
	fa_list_push(&envs->shells.made, &pool->shell_link);
	envs->shells.count++;
	pthread_mutex_unlock(&envs->lock);
	fa_env_event(env, FA_ENV_AHEAD);
	if (env->kind->prepare(env) < 0)
		fa_env_event(env, FA_ENV_EXIT);
	else
		fa_sweep_want(envs);
}

static struct fa_pool *pool_of(struct fa_list *link)
{
	return fa_container(link, struct fa_pool, shell_link);
}

/* The function that has not needed one for longest, if there are too many. */
static struct fa_pool *surplus(struct fa_envs *envs)
{
	struct fa_pool *pool = NULL;

	pthread_mutex_lock(&envs->lock);
	if (envs->shells.count > SHELLS_MAX)
		pool = pool_of(envs->shells.made.prev);
	pthread_mutex_unlock(&envs->lock);
	return pool;
}

static struct fa_pool *next_wanted(struct fa_envs *envs)
{
	struct fa_list *link;

	pthread_mutex_lock(&envs->lock);
	link = fa_list_pop(&envs->shells.wanted);
	pthread_mutex_unlock(&envs->lock);
	return link ? pool_of(link) : NULL;
}

void fa_shells_make(struct fa_envs *envs)
{
	struct fa_pool *pool = next_wanted(envs);

	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	add_shell(pool);
	pthread_mutex_unlock(&pool->lock);
	pool = surplus(envs);
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	if (pool->shell)
		fa_env_event(pool->shell, FA_ENV_RETIRE);
	pthread_mutex_unlock(&pool->lock);
}
