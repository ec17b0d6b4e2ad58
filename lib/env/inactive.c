/* SPDX-License-Identifier: MIT */
/*
 * A version whose snapshot nobody has used for long gives up what is kept of it: the snapshot,
 * the nest that has it, and what environments there are. Those end first, as idle ones do, and
 * with the last of them the version is inactive. One timer is for all, due when the first of
 * them could have been idle for so long.
 *
 * Whoever was let in just before finds no nest, and has another one made: so an inactive version
 * with a nest is looked at, too.
 */
#include <env/pool.h>

#include <model/function.h>

#define AGAIN_NS 1000000000LL /* until its environments have ended */

static bool has_snapshot(const struct fa_pool *pool)
{
	return pool->version->snapshot && pool->version->number;
}

static bool is_in_use(const struct fa_pool *pool)
{
	return pool->habit.busy || pool->snap.wanted || fa_provision_target(&pool->provision);
}

static int64_t last_used_ns(const struct fa_pool *pool)
{
	int64_t ended_ns = pool->habit.since_ns[0], made_ns = pool->snap.told_ns;

	return ended_ns > made_ns ? ended_ns : made_ns;
}

static void retire_list(struct fa_list *list)
{
	struct fa_list *pos, *next;

	fa_list_for_safe(pos, next, list)
		fa_env_event(fa_container(pos, struct fa_env, link), FA_ENV_RETIRE);
}

static void give_up(struct fa_pool *pool)
{
	struct fa_envs *envs = pool->envs;

	envs->on_inactive(envs->data, pool);
	pool->snap.made = false;
	fa_pool_close_nest(pool);
}

/* Under the pool's lock. When to look again; INT64_MAX: nothing is kept of it. */
static int64_t look_at(struct fa_pool *pool, int64_t now_ns)
{
	int64_t after_ns = pool->envs->inactive_ns, until;

	if (!pool->nested || !has_snapshot(pool) || pool->retired)
		return INT64_MAX;
	until = (is_in_use(pool) ? now_ns : last_used_ns(pool)) + after_ns;
	if (until > now_ns)
		return until;
	if (pool->alive) {
		retire_list(&pool->idle);
		retire_list(&pool->cold);
		fa_shells_retire(pool);
		return now_ns + AGAIN_NS;
	}
	give_up(pool);
	return now_ns + after_ns;
}

void fa_inactive_due(struct fa_timer *timer)
{
	struct fa_envs *envs = fa_container(timer, struct fa_envs, inactive);
	int64_t now_ns = fa_now(envs->clock), first = INT64_MAX;
	struct fa_list *pos;

	fa_list_for(pos, &envs->pools) {
		struct fa_pool *pool = fa_container(pos, struct fa_pool, link);
		int64_t until;

		pthread_mutex_lock(&pool->lock);
		until = look_at(pool, now_ns);
		pthread_mutex_unlock(&pool->lock);
		first = until < first ? until : first;
	}
	if (first != INT64_MAX)
		fa_loop_timer_sure(envs->loop, timer, first);
}

void fa_inactive_expect(struct fa_envs *envs, int64_t from_ns)
{
	int64_t at_ns = from_ns + envs->inactive_ns;

	if (envs->inactive_ns && (!envs->inactive.index || at_ns < envs->inactive.at_ns))
		fa_loop_timer_sure(envs->loop, &envs->inactive, at_ns);
}
