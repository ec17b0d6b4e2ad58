/* SPDX-License-Identifier: MIT */
/*
 * The nest of a pool is the process whose children its machines are. When it is killed all of
 * them end with it, and it alone is told of; whoever is born in it until then dies with it.
 */
#include "machine.h"

#include <env/pool.h>
#include <model/function.h>

#define NESTS 256

static struct nest {
	struct fa_pool *pool; /* NULL: free */
	bool dead;
	int64_t shell_born_ns; /* the last of its shells */
	struct fa_timer death, report;
} nests[NESTS];

static struct nest *nest_of(const struct fa_pool *pool)
{
	struct nest *nest = nests;

	while (nest < nests + NESTS && nest->pool != pool)
		nest++;
	return nest < nests + NESTS ? nest : NULL;
}

void nest_closed(struct fa_pool *pool)
{
	struct nest *nest = nest_of(pool);

	if (!nest)
		return;
	fa_timer_stop(&world.timers, &nest->death);
	fa_timer_stop(&world.timers, &nest->report);
	nest->pool = NULL;
}

void nest_has_shell(const struct fa_pool *pool)
{
	nest_of(pool)->shell_born_ns = now();
}

int64_t nest_shell_born_ns(const struct fa_pool *pool)
{
	return nest_of(pool)->shell_born_ns;
}

static void on_told(struct fa_timer *timer)
{
	struct fa_pool *pool = fa_container(timer, struct nest, report)->pool;
	struct fa_ctl ctl = { .type = FA_NEST_DEAD, .id = pool->nest.id };

	note("the nest of f%s is reported dead", pool->version->config.name);
	nest_closed(pool);
	fa_envs_nest_dead(pool->envs, &ctl);
}

static void on_killed(struct fa_timer *timer)
{
	struct nest *nest = fa_container(timer, struct nest, death);

	note("the nest of f%s is killed", nest->pool->version->config.name);
	nest->dead = true;
	machines_perish(nest->pool);
	fa_timer_start(&world.timers, &nest->report, now() + draw_between(0, 5) * (MS / 5));
}

bool nest_ensure(struct fa_pool *pool)
{
	static uint32_t number;
	struct nest *nest = nest_of(pool->nested ? pool : NULL);

	if (!nest)
		broken("more than %d nests", NESTS);
	if (pool->nested)
		return !nest->dead;
	*nest = (struct nest){ .pool = pool,
			       .death.on_due = on_killed,
			       .report.on_due = on_told };
	pool->nested = true;
	pool->prepared = false;
	pool->nest.id = ++number;
	pool->nest.watch.fd = -1;
	if (!pool->kind->steady && chance(world.dials.nest_killed))
		fa_timer_start(&world.timers, &nest->death,
			       now() + draw_between(0, 20000) * MS);
	return true;
}
