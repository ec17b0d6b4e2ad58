/* SPDX-License-Identifier: MIT */
/*
 * A shell is an environment that is born before anybody asks for it: its process is
 * in its sandbox, under its user, has its /tmp and its areas, and sleeps. Nothing of
 * the function is in it, neither code nor memory; that comes with its first event, and
 * only then does it count as an environment, is charged for and has a cold start. The
 * clone and the sandbox are half of one, so they are no longer waited for.
 *
 * It costs a process of about a hundred kilobytes, and two megabytes where it is an
 * interpreter that has started (worker/run.c). So there are few in all, and one per
 * function, or a few of one that was needed many times at once; only of functions that were
 * started on demand before, and of those only for the ones that were last. It ends when an
 * idle environment of the function would, and when one has to go because memory is short.
 */
#include <env/pool.h>

#include <poll.h>

#include <model/function.h>

#define SHELLS_MAX 24   /* of all functions */
#define SHELLS_BURST 12 /* of one that was needed many times at once */
#define SHELLS_TURN 4
#define BIRTHS 2 /* who was needed twice will be needed again */

static int missing(const struct fa_pool *pool)
{
	int most = pool->prepared ? SHELLS_BURST : 1;

	/* one in a VPC would keep its address from who has something to do */
	return pool->retired || *pool->version->config.subnets ? 0 : most - pool->shell_count;
}

/* ---- any thread, under the pool's lock ------------------------------- */

void fa_shell_noted(struct fa_env *env)
{
	struct fa_pool *pool = env->pool;

	if (env->provisioned || env->heir_of || missing(pool) <= 0)
		return;
	pool->births++;
	pool->shell_due = pool->births >= BIRTHS;
}

/* Those that are wanted most are the last to have to go. */
static void want(struct fa_pool *pool)
{
	struct fa_envs *envs = pool->envs;

	pthread_mutex_lock(&envs->lock);
	fa_list_remove(&pool->shell_link);
	fa_list_append(&envs->shells.wanted, &pool->shell_link);
	pthread_mutex_unlock(&envs->lock);
}

void fa_shell_want(struct fa_pool *pool)
{
	struct fa_envs *envs = pool->envs;

	pool->shell_due = false;
	if (missing(pool) <= 0)
		return;
	want(pool);
	if (!atomic_exchange(&envs->shells.called, true))
		fa_loop_call(envs->loop, &envs->shells.call);
}

/* Somebody else may have killed it, and the news of it are on their way. */
static bool is_dead(const struct fa_env *env)
{
	struct pollfd end = { .fd = env->pidfd, .events = POLLIN };

	return poll(&end, 1, 0) > 0; /* and none of whom no descriptor has come yet */
}

static struct fa_env *first(const struct fa_pool *pool)
{
	return fa_list_empty(&pool->shells) ?
		       NULL :
		       fa_container(pool->shells.next, struct fa_env, shelf);
}

struct fa_env *fa_shell_take(struct fa_pool *pool)
{
	struct fa_env *env;

	while ((env = first(pool)) && is_dead(env))
		fa_env_event(env, FA_ENV_RETIRE);
	if (!env)
		return NULL;
	env->generation = pool->generation;
	env->memory_mb = pool->version->config.memory_mb;
	return env;
}

void fa_shell_left(struct fa_env *env)
{
	struct fa_envs *envs = env->pool->envs;

	fa_list_remove(&env->shelf);
	env->pool->shell_count--;
	pthread_mutex_lock(&envs->lock);
	envs->shells.count--;
	pthread_mutex_unlock(&envs->lock);
}

void fa_shells_retire(struct fa_pool *pool)
{
	struct fa_env *env;

	while ((env = first(pool)))
		fa_env_event(env, FA_ENV_RETIRE);
}

/* They stay as long as an environment that was idle since the last birth would. */
int64_t fa_shells_sweep(struct fa_pool *pool, int64_t now_ns)
{
	int64_t until;

	if (fa_list_empty(&pool->shells))
		return INT64_MAX;
	until = fa_keep_until(pool, 1, pool->shell_born_ns);
	if (until > now_ns)
		return until;
	fa_shells_retire(pool);
	return INT64_MAX;
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

/* Under the pool's lock: whether there is one more. */
static bool add_shell(struct fa_pool *pool)
{
	struct fa_envs *envs = pool->envs;
	struct fa_env *env;
	int why;

	if (!pool->nested || envs->closing)
		return false;
	env = fa_pool_add_env(pool, &why);
	if (!env)
		return false;
	fa_list_append(&pool->shells, &env->shelf); /* who was born first is used first */
	pool->shell_count++;
	pthread_mutex_lock(&envs->lock);
	fa_list_remove(&pool->shell_link); /* it may be wanted once more by now */
	fa_list_push(&envs->shells.made, &pool->shell_link);
	envs->shells.count++;
	pthread_mutex_unlock(&envs->lock);
	fa_env_event(env, FA_ENV_AHEAD);
	if (env->kind->prepare(env) < 0) {
		fa_env_event(env, FA_ENV_EXIT);
		return false;
	}
	pool->shell_born_ns = env->birth_ns; /* that counts for all, also if this one is killed */
	fa_sweep_want(envs);
	return true;
}

static struct fa_pool *pool_of(struct fa_list *link)
{
	return fa_container(link, struct fa_pool, shell_link);
}

/* The function that has not needed any for longest, if there are too many. */
static struct fa_pool *surplus(struct fa_envs *envs)
{
	struct fa_shells *shells = &envs->shells;
	struct fa_pool *pool = NULL;

	pthread_mutex_lock(&envs->lock);
	if (shells->count > SHELLS_MAX && !fa_list_empty(&shells->made))
		pool = pool_of(shells->made.prev);
	pthread_mutex_unlock(&envs->lock);
	return pool;
}

/* One of its, or it is asked no more. */
static void take_back(struct fa_pool *pool)
{
	struct fa_envs *envs = pool->envs;
	struct fa_env *env;

	pthread_mutex_lock(&pool->lock);
	env = first(pool);
	if (env) {
		fa_env_event(env, FA_ENV_RETIRE);
	} else {
		pthread_mutex_lock(&envs->lock);
		fa_list_remove(&pool->shell_link);
		pthread_mutex_unlock(&envs->lock);
	}
	pthread_mutex_unlock(&pool->lock);
}

/* From here on it is the last whose shells are taken back. */
static struct fa_pool *next_wanted(struct fa_envs *envs)
{
	struct fa_list *link;

	pthread_mutex_lock(&envs->lock);
	link = fa_list_pop(&envs->shells.wanted);
	if (link)
		fa_list_push(&envs->shells.made, link);
	pthread_mutex_unlock(&envs->lock);
	return link ? pool_of(link) : NULL;
}

/* Whether it may have more: false once only its own could make room. */
static bool trim(struct fa_envs *envs, const struct fa_pool *pool)
{
	struct fa_pool *other;
	bool more = true;

	while ((other = surplus(envs))) {
		more &= other != pool;
		take_back(other);
	}
	return more;
}

/* It is not wanted any more before there are no more than there may be: who is, keeps its own. */
void fa_shells_make(struct fa_envs *envs)
{
	struct fa_pool *pool = next_wanted(envs);
	int made = 0;

	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	while (made < SHELLS_TURN && missing(pool) > 0 && add_shell(pool))
		made++;
	pthread_mutex_unlock(&pool->lock);
	if (!trim(envs, pool) || made < SHELLS_TURN)
		return;
	pthread_mutex_lock(&pool->lock);
	if (missing(pool) > 0)
		want(pool);
	pthread_mutex_unlock(&pool->lock);
}
