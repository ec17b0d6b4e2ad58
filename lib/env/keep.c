/* SPDX-License-Identifier: MIT */
/*
 * The policy's two timers. The sweep ends who was idle for too long; with nothing
 * running it is due when the next one will have been, and after the last there is none.
 * The other starts an environment ahead of the event that the policy expects. It is
 * planned when a function's last one has to go for its memory, and looked at again when
 * it is due: by then an event may have come, or memory may have become dear.
 */
#include <env/pool.h>

/* ---- idle environments end ------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Under the pool's lock: until when one of so many that are idle may stay. */
int64_t fa_keep_until(struct fa_pool *pool, int idle, int64_t since_ns)
{
	int64_t until_ns;

	pthread_mutex_lock(&pool->envs->lock);
	until_ns = fa_policy_until(&pool->envs->policy, &pool->habit, idle, since_ns);
	pthread_mutex_unlock(&pool->envs->lock);
	return until_ns;
}

/* Retires what has rested too long; returns when the next one will have, or INT64_MAX. */
static int64_t sweep_list(struct fa_pool *pool, struct fa_list *list, int64_t now_ns)
{
	while (!fa_list_empty(list)) {
		struct fa_env *env = fa_container(list->prev, struct fa_env, link);
		int64_t until = fa_keep_until(pool, pool->idle_count, env->idle_since_ns);

		if (until > now_ns)
			return until;
		fa_env_event(env, FA_ENV_RETIRE);
	}
	return INT64_MAX;
}

static int64_t sweep_pool(struct fa_pool *pool, int64_t now_ns)
{
	int64_t idle, cold, shell;

	pthread_mutex_lock(&pool->lock);
	idle = sweep_list(pool, &pool->idle, now_ns);
	cold = sweep_list(pool, &pool->cold, now_ns);
	shell = fa_shells_sweep(pool, now_ns);
	pthread_mutex_unlock(&pool->lock);
	return earlier(earlier(idle, cold), shell);
}

void fa_sweep_due(struct fa_timer *timer)
{
	struct fa_envs *envs = fa_container(timer, struct fa_envs, sweep);
	int64_t now = fa_now(envs->clock), first = INT64_MAX;
	struct fa_list *pos;

	atomic_store(&envs->sweeping, false); /* who parks from here on asks again */
	envs->on_sweep(envs->data);
	fa_list_for(pos, &envs->pools)
		first = earlier(first, sweep_pool(fa_container(pos, struct fa_pool, link), now));
	if (first == INT64_MAX)
		return;
	/* who parks meanwhile may be due before those that are there now, and find it started */
	atomic_store(&envs->sweeping, true);
	fa_loop_timer_sure(envs->loop, timer,
			   earlier(first, now + fa_policy_soonest_ns(&envs->policy)));
}

void fa_sweep_want(struct fa_envs *envs)
{
	if (!atomic_load_explicit(&envs->sweeping, memory_order_relaxed) &&
	    fa_policy_soonest_ns(&envs->policy) != INT64_MAX &&
	    !atomic_exchange(&envs->sweeping, true))
		fa_loop_call(envs->loop, &envs->start_sweep);
}

void fa_sweep_start(struct fa_call *call)
{
	struct fa_envs *envs = fa_container(call, struct fa_envs, start_sweep);

	if (!envs->sweep.index)
		fa_loop_timer_sure(envs->loop, &envs->sweep,
				   fa_now(envs->clock) + fa_policy_soonest_ns(&envs->policy));
}

/* ---- others are started ahead ---------------------------------------- */

/* When to start one, as things are now; INT64_MAX: not. Under the pool's lock. */
static int64_t plan(struct fa_pool *pool, int64_t now_ns)
{
	struct fa_envs *envs = pool->envs;
	int64_t at_ns;

	if (pool->retired || pool->idle_count || pool->habit.busy)
		return INT64_MAX;
	pthread_mutex_lock(&envs->lock);
	at_ns = fa_policy_ahead(&envs->policy, &pool->habit, now_ns);
	pthread_mutex_unlock(&envs->lock);
	return at_ns;
}

void fa_ahead_plan(struct fa_pool *pool)
{
	struct fa_envs *envs = pool->envs;

	pool->ahead_ns = plan(pool, fa_now(envs->clock));
	if (pool->ahead_ns != INT64_MAX && !atomic_exchange(&envs->planning, true))
		fa_loop_call(envs->loop, &envs->start_ahead);
}

static void start_one(struct fa_pool *pool)
{
	int why;
	struct fa_env *env = fa_pool_add(pool, FA_FOR_LATER, &why);

	if (env)
		fa_env_start(env, pool->envs->init_limit_ns);
}

/* Starts what is due; returns when the next one is, or INT64_MAX. */
static int64_t look_at(struct fa_pool *pool, int64_t now_ns)
{
	int64_t at_ns;
	bool due;

	pthread_mutex_lock(&pool->lock);
	if (pool->ahead_ns <= now_ns)
		pool->ahead_ns = plan(pool, now_ns);
	due = pool->ahead_ns <= now_ns;
	if (due)
		pool->ahead_ns = INT64_MAX;
	at_ns = pool->ahead_ns;
	pthread_mutex_unlock(&pool->lock);
	if (due)
		start_one(pool);
	return at_ns;
}

static void look(struct fa_envs *envs)
{
	int64_t now_ns = fa_now(envs->clock), first = INT64_MAX;
	struct fa_list *pos, *next;

	fa_list_for_safe(pos, next, &envs->pools)
		first = earlier(first, look_at(fa_container(pos, struct fa_pool, link), now_ns));
	if (first != INT64_MAX)
		fa_loop_timer_sure(envs->loop, &envs->ahead, first);
}

void fa_ahead_due(struct fa_timer *timer)
{
	look(fa_container(timer, struct fa_envs, ahead));
}

void fa_ahead_start(struct fa_call *call)
{
	struct fa_envs *envs = fa_container(call, struct fa_envs, start_ahead);

	atomic_store(&envs->planning, false);
	if (!envs->closing)
		look(envs);
}
