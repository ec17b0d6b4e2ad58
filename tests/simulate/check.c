/* SPDX-License-Identifier: MIT */
/*
 * The library's books against what is there: environments are counted one by one, and
 * the sums, the gates, the lists have to agree. And nobody waits while he could run.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include <admit/admit.h>
#include <invocation.h>

#include "machine.h"
#include "world.h"

#define SHELLS_BURST 12 /* of one function */
#define SHELLS_MAX 24   /* of all */
#define SOON MS /* what is left to an environment that is awake is looked at again by then */

struct count {
	int ready, idle, cold, away, shells, unborn, machines;
	int64_t memory_mb, evictable_mb;
};

static struct fa_runner *runner_of(const struct fa_pool *pool)
{
	return pool->version->runner;
}

static void count_env(struct count *count, const struct fa_env *env, const char *list,
		      unsigned states)
{
	if (!(states & 1u << env->state))
		broken("e%u is in state %d and in the list of those %s", env->id, (int)env->state,
		       list);
	if (env->memory_mb < 0)
		broken("e%u is charged with %d MB", env->id, env->memory_mb);
	count->unborn += env->unborn;
	count->machines += env->thread != NULL;
	count->memory_mb += env->memory_mb;
}

/*
 * Whoever is in its init and stands for nobody is there for the next event: else another one
 * would be made beside it. They are the last ones of the list, where they are looked for.
 */
static void check_promises(const struct fa_pool *pool)
{
	const struct fa_env *last = NULL;
	const struct fa_list *pos;

	fa_list_for(pos, &pool->away)
	{
		const struct fa_env *env = fa_container(pos, struct fa_env, link);

		if (env->state == FA_STARTING && env->generation == pool->generation &&
		    !env->provisioned && !env->heir_of && !env->promised)
			broken("e%u is in its init, and promised to nobody", env->id);
		if (env->promised && (env->heir_of || env->state == FA_BUSY))
			broken("e%u is promised, and somebody has it", env->id);
		if (last && !env->promised)
			broken("e%u is promised, and not found behind e%u", last->id, env->id);
		if (env->promised && env->state == FA_STARTING)
			last = env;
	}
}

static int count_list(struct count *count, const struct fa_list *list, const char *name,
		      unsigned states)
{
	const struct fa_list *pos;
	int n = 0;

	fa_list_for(pos, list)
	{
		count_env(count, fa_container(pos, struct fa_env, link), name, states);
		n++;
	}
	return n;
}

/* They are charged for when somebody needs them, and end with their version and in time. */
static void check_shells(const struct fa_pool *pool, struct count *count)
{
	const char *name = pool->version->config.name;
	int64_t idle_ns = pool->envs->policy.idle_ns;
	const struct fa_env *env = NULL;
	const struct fa_list *pos;

	fa_list_for(pos, &pool->shells)
	{
		env = fa_container(pos, struct fa_env, shelf);
		count_env(count, env, "shells", 1u << FA_SHELL);
		if (!env->shell || !env->thread || env->memory_mb || fa_env_open_jobs(env))
			broken("e%u is a shell with %d MB and %u jobs", env->id, env->memory_mb,
			       fa_env_open_jobs(env));
		count->shells++;
	}
	if (pool->shell_count != count->shells || count->shells > SHELLS_BURST)
		broken("%s: %d shells, told of %d", name, count->shells, pool->shell_count);
	if (env && pool->retired)
		broken("%s is no longer current, and e%u is a shell of it", name, env->id);
	if (env && idle_ns && nest_shell_born_ns(pool) + idle_ns < now())
		broken("%s: e%u is a shell since %.6f", name, env->id,
		       (double)env->birth_ns / SECOND);
}

static void check_pool(const struct fa_pool *pool, struct count *count)
{
	const char *name = pool->version->config.name;
	int64_t kept;

	*count = (struct count){ 0 };
	count->ready = count_list(count, &pool->ready, "ready", 1u << FA_IDLE);
	kept = count->memory_mb;
	count->idle = count_list(count, &pool->idle, "idle", 1u << FA_IDLE);
	count->cold = count_list(count, &pool->cold, "cold", 1u << FA_COLD);
	count->evictable_mb = count->memory_mb - kept;
	count->away = count_list(count, &pool->away, "away",
				 1u << FA_STARTING | 1u << FA_BUSY | 1u << FA_CRASHED |
					 1u << FA_DYING | 1u << FA_HEIR);
	check_shells(pool, count);
	check_promises(pool);
	if (pool->ready_count != count->ready ||
	    pool->idle_count != count->ready + count->idle + count->cold)
		broken("%s: %d ready and %d idle are told of, there are %d, %d and %d cold", name,
		       pool->ready_count, pool->idle_count, count->ready, count->idle, count->cold);
	if (pool->alive != count->ready + count->idle + count->cold + count->away + count->shells)
		broken("%s: %d alive, %d in its lists", name, pool->alive,
		       count->ready + count->idle + count->cold + count->away + count->shells);
	if (pool->unborn != count->unborn)
		broken("%s: %d unborn, told of %d", name, count->unborn, pool->unborn);
}

/* ---- limits ----------------------------------------------------------- */

#define QUOTAS 256

static struct places {
	const struct fa_quota *quota; /* NULL: the account's */
	int of[FA_LEASE_SHARED + 1], all;
} places[QUOTAS];
static int quota_count;

static struct places *places_of(const struct fa_quota *quota)
{
	int i = 0;

	while (i < quota_count && places[i].quota != quota)
		i++;
	if (i == QUOTAS)
		broken("more than %d functions", QUOTAS);
	if (i == quota_count)
		places[quota_count++] = (struct places){ .quota = quota };
	return &places[i];
}

static void check_count(int told, int inside, const char *name, const char *what)
{
	if (told != inside)
		broken("%s: %d are told of that run %s, there are %d", name, told, what, inside);
}

static void count_places(const struct fa_pool *pool)
{
	const struct fa_runner *runner = runner_of(pool);
	struct places *all = places_of(NULL), *of_function = places_of(runner->quota);
	const struct fa_list *pos;
	int provisioned = 0;

	fa_list_for(pos, &pool->away)
	{
		const struct fa_env *env = fa_container(pos, struct fa_env, link);

		if (env->state != FA_BUSY && env->state != FA_CRASHED)
			continue;
		provisioned += env->leased == FA_LEASE_PROVISIONED;
		all->of[env->leased]++;
		all->all++;
		of_function->of[env->leased]++;
		of_function->all++;
	}
	check_count(fa_gate_in_use(&runner->provisioned), provisioned, pool->version->config.name,
		    "in what is provisioned");
}

/* Those inside stay when a limit is lowered: only where none is, they can be held against it. */
static void check_limit(int inside, int limit)
{
	if (world.fixed_limits && inside > limit)
		broken("%d run at a time, the limit is %d", inside, limit);
}

static void check_quotas(void)
{
	for (int i = 0; i < quota_count; i++) {
		const struct fa_quota *quota = places[i].quota;
		const int *of = places[i].of;

		if (!quota) {
			check_count(fa_gate_in_use(&world.rt->account.unreserved),
				    of[FA_LEASE_SHARED], "the account", "in what is shared");
			check_limit(places[i].all, world.rt->account.limit);
			continue;
		}
		check_count(fa_gate_in_use(&quota->on_demand),
			    of[FA_LEASE_RESERVED] + of[FA_LEASE_SHARED], "a function", "on demand");
		check_count(atomic_load(&quota->provisioned_in_use), of[FA_LEASE_PROVISIONED],
			    "a function", "in what is provisioned");
		if (fa_quota_reserved(quota) != FA_UNRESERVED)
			check_limit(places[i].all, fa_quota_reserved(quota));
	}
}

/* ---- seats -------------------------------------------------------------- */

/* What a seat keeps while nobody sits there. */
static const struct fa_env *kept_by(const struct fa_seat *seat)
{
	return atomic_load(&seat->state) == FA_SEAT_FREE ? seat->env : NULL;
}

static bool shares(const struct fa_quota *quota)
{
	return fa_quota_reserved(quota) == FA_UNRESERVED;
}

/* Whether it has a place that somebody of this function could have. */
static bool has_place_for(const struct fa_env *kept, const struct fa_quota *quota)
{
	return runner_of(kept->pool)->quota == quota ||
	       (shares(quota) && kept->leased == FA_LEASE_SHARED);
}

static void check_seat(const struct fa_seat *seat)
{
	const struct fa_env *env = kept_by(seat);
	uint32_t state = atomic_load(&seat->state);

	if (!clients_inside() && state != FA_SEAT_FREE && state != FA_SEAT_CLOSED)
		broken("a seat is in state %u, and nobody sits there", state);
	if (state == FA_SEAT_CLOSED && (seat->env || atomic_load(&seat->pool)))
		broken("a seat is closed, and keeps e%u", seat->env ? seat->env->id : 0);
	if (!env)
		return;
	if (env->state != FA_BUSY || fa_env_open_jobs(env))
		broken("e%u in a seat is in state %d, with %u jobs", env->id, (int)env->state,
		       fa_env_open_jobs(env));
	if (atomic_load(&seat->pool) != env->pool)
		broken("e%u in a seat is not shown to who looks for it", env->id);
	if (env->generation != env->pool->generation || env->pool->version->number)
		broken("e%u in a seat is not of what is current", env->id);
}

static void check_seats(void)
{
	for (int i = 0; i < FA_SEATS; i++)
		check_seat(&world.rt->seats[i]);
}

/*
 * Those who wait asked for it, and since they do no seat keeps anything more. Nor has it one that
 * was there, with its last job over by then, when somebody was sent away.
 */
static void check_withheld(const struct fa_runner *runner, bool has_place, bool has_memory,
			   int64_t since_ns)
{
	has_memory |= !fa_list_empty(&runner->pool->away); /* it may wait for one of those */
	for (int i = 0; i < FA_SEATS; i++) {
		const struct fa_env *env = kept_by(&world.rt->seats[i]);

		if (env && env->ended_ns < since_ns &&
		    (env->pool == runner->pool || !has_memory ||
		     (!has_place && has_place_for(env, runner->quota))))
			broken("%s: somebody waits, and a seat keeps e%u, which nobody uses",
			       runner->version->config.name, env->id);
	}
}

/* ---- who waits --------------------------------------------------------- */

static bool has_room(const struct fa_gate *gate)
{
	return fa_gate_in_use(gate) < fa_gate_limit(gate);
}

static bool has_place(const struct fa_runner *runner)
{
	return has_room(&runner->provisioned) ||
	       (has_room(&runner->quota->on_demand) &&
		(fa_quota_reserved(runner->quota) != FA_UNRESERVED ||
		 has_room(&world.rt->account.unreserved)));
}

static bool has_memory(const struct fa_runner *runner, const struct count *all)
{
	return all->memory_mb - all->evictable_mb + runner->version->config.memory_mb <=
	       world.rt->envs.max_memory_mb;
}

static const struct fa_invocation *first_of(const struct fa_runner *runner)
{
	return fa_container(runner->waiting.next, struct fa_invocation, turn);
}

/* The first of those that wait, unless the library chose to let it wait a little. */
static bool could_run(const struct fa_runner *runner, const struct count *all)
{
	const struct fa_pool *pool = runner->pool;

	if (world.rt->finishing || !has_place(runner) || fa_turn_is_soon(runner, first_of(runner)))
		return false;
	if (!fa_list_empty(&pool->ready) || !fa_list_empty(&pool->idle))
		return true;
	if (pool->unborn >= FA_UNBORN_MAX)
		return false;
	return !fa_list_empty(&pool->cold) || has_memory(runner, all);
}

/* What may be so of a runner, but not for long. */
struct moment {
	const struct fa_runner *runner;
	uint64_t seed;
	int64_t since_ns;
};

/* Whether it is so, and no longer than it may be by the time that something happens. */
static bool is_momentary(struct moment *moment, const struct fa_runner *runner, bool so)
{
	if (!so && moment->runner == runner)
		moment->runner = NULL;
	if (so && (moment->runner != runner || moment->seed != world.seed))
		*moment = (struct moment){ runner, world.seed, now() };
	return so && next_ns() - moment->since_ns <= SOON;
}

static void check_patience(const struct fa_runner *runner, const struct count *all)
{
	static struct moment room;
	bool could = could_run(runner, all);

	if (!is_momentary(&room, runner, could) && could)
		broken("%s: somebody waits since %.6f, and there is room",
		       runner->version->config.name, (double)room.since_ns / SECOND);
}

static int check_waiting(const struct count *all)
{
	static struct moment soon;
	const struct fa_list *pos, *turn;
	int waiting = 0;

	fa_list_for(pos, &world.rt->hungry)
	{
		const struct fa_runner *runner = fa_container(pos, struct fa_runner, hungry);

		if (fa_list_empty(&runner->waiting))
			broken("%s is said to have somebody who waits",
			       runner->version->config.name);
		fa_list_for(turn, &runner->waiting) waiting++;
		/* whose turn is soon, asks for nothing until he has waited in vain */
		if (!is_momentary(&soon, runner, fa_turn_is_soon(runner, first_of(runner))))
			check_withheld(runner, has_place(runner), has_memory(runner, all),
				       INT64_MAX);
		check_patience(runner, all);
	}
	return waiting;
}

static const struct fa_runner *runner_named(int function)
{
	const struct fa_list *pos;
	char name[16];

	snprintf(name, sizeof(name), "%d", function);
	fa_list_for(pos, &world.rt->envs.pools)
	{
		const struct fa_pool *pool = fa_container(pos, struct fa_pool, link);

		if (!strcmp(pool->version->config.name, name) && !pool->retired)
			return runner_of(pool);
	}
	return NULL;
}

void check_throttled(int function)
{
	const struct fa_runner *runner = runner_named(function);

	if (runner && !has_place(runner)) /* what had ended when it is told, did so before */
		check_withheld(runner, false, true, now() + 1);
}

/* Others were handed over behind it because it would be short: if not, they are taken back. */
static void check_behind(const struct fa_env *env)
{
	const struct fa_job *oldest = env->jobs[(env->done + 1) & (FA_DEPTH - 1)];

	if (fa_env_open_jobs(env) > 1 && oldest->begun && !fa_env_is_start(env, oldest) &&
	    next_ns() - oldest->start_ns > SOON)
		broken("e%u is at one job since %.6f, and %u stand behind it", env->id,
		       (double)oldest->start_ns / SECOND, fa_env_open_jobs(env) - 1);
}

/* Of events: those who hold it may stand behind its start. */
static uint32_t open_events_of(const struct fa_env *env)
{
	const struct fa_job *oldest = env->jobs[(env->done + 1) & (FA_DEPTH - 1)];
	uint32_t open = fa_env_open_jobs(env);

	return open && fa_env_is_start(env, oldest) ? open - 1 : open;
}

static void check_load(const struct fa_pool *pool)
{
	const struct fa_runner *runner = runner_of(pool);
	const struct fa_list *pos;
	uint32_t load = 0, leases = 0;

	fa_list_for(pos, &runner->waiting) load++;
	fa_list_for(pos, &runner->leased)
	{
		const struct fa_env *env = fa_container(pos, struct fa_env, lease);

		check_behind(env);
		load += open_events_of(env);
		leases++;
	}
	if (load != runner->load || leases != runner->leases)
		broken("%s: a load of %u in %u environments, told of %u in %u",
		       pool->version->config.name, load, leases, runner->load, runner->leases);
}

/* ---- all of it --------------------------------------------------------- */

static void add(struct count *all, const struct count *count)
{
	all->machines += count->machines;
	all->shells += count->shells;
	all->memory_mb += count->memory_mb;
	all->evictable_mb += count->evictable_mb;
}

/* What the play knows of its events. */
struct events {
	int accepted, asked, succeeded, canceled; /* asked: perhaps accepted */
};

static struct events count_events(void)
{
	struct events events = { 0 };

	for (int i = 0; i < world.request_count; i++) {
		const struct request *r = &world.requests[i];

		if (r->mode != FAAS_EVENT || r->refused)
			continue;
		events.accepted += r->told && r->code == FAAS_OK;
		events.asked += !r->told;
		events.succeeded += r->succeeded;
		events.canceled += r->canceled;
	}
	return events;
}

static void check_events_in_memory(const struct events *e)
{
	int ended = e->succeeded + world.dropped + atomic_load(&world.rt->queued);
	int accepted = e->accepted + e->asked;

	if (accepted < ended || accepted - e->canceled > ended)
		broken("%d events accepted (%d called off), but %d succeeded + %d dropped + %d "
		       "queued",
		       accepted, e->canceled, e->succeeded, world.dropped,
		       atomic_load(&world.rt->queued));
}

/* The store may be a step ahead of what was told, and behind what was answered. */
static void check_events_in_store(const struct events *e)
{
	struct faas_stats s = { .size = sizeof(s) };

	faas_stats(world.rt, &s);
	if (s.events_accepted != s.events_succeeded + s.events_dead + s.events_expired +
					 (uint64_t)(s.events_queued + s.events_in_flight))
		broken("%llu events in the store, and not the sum",
		       (unsigned long long)s.events_accepted);
	if ((int)s.events_accepted < e->accepted ||
	    (int)s.events_accepted > e->accepted + e->asked)
		broken("%llu events in the store, %d accepted and %d asked for",
		       (unsigned long long)s.events_accepted, e->accepted, e->asked);
	if ((int)s.events_succeeded > e->succeeded)
		broken("%llu events succeeded in the store, %d did",
		       (unsigned long long)s.events_succeeded, e->succeeded);
}

int open_events(void)
{
	struct faas_stats s = { .size = sizeof(s) };

	if (!world.disk)
		return atomic_load(&world.rt->queued);
	faas_stats(world.rt, &s);
	return s.events_queued + s.events_in_flight;
}

static void check_events(void)
{
	struct events events = count_events();

	if (world.disk)
		check_events_in_store(&events);
	else
		check_events_in_memory(&events);
}

void check_books(void)
{
	struct count all = { 0 }, count;
	const struct fa_list *pos;
	int waiting;

	if (world.closed)
		return;
	quota_count = 0;
	fa_list_for(pos, &world.rt->envs.pools)
	{
		const struct fa_pool *pool = fa_container(pos, struct fa_pool, link);

		check_pool(pool, &count);
		check_load(pool);
		count_places(pool);
		add(&all, &count);
	}
	check_quotas();
	check_seats();
	if (world.evicting)
		broken("memory was short, and shells stayed");
	if (all.machines != world.machines)
		broken("%d processes, %d of them in environments", world.machines, all.machines);
	if (all.shells != world.rt->envs.shells.count || all.shells > SHELLS_MAX)
		broken("%d shells, told of %d", all.shells, world.rt->envs.shells.count);
	if (all.memory_mb != world.rt->envs.memory_mb)
		broken("%lld MB are charged, environments have %lld MB",
		       (long long)world.rt->envs.memory_mb, (long long)all.memory_mb);
	if (all.memory_mb > world.rt->envs.max_memory_mb)
		broken("%lld MB of %lld are charged", (long long)all.memory_mb,
		       (long long)world.rt->envs.max_memory_mb);
	waiting = check_waiting(&all);
	if (waiting != atomic_load(&world.rt->waiting))
		broken("%d wait, told of %d", waiting, atomic_load(&world.rt->waiting));
	if (!world.closing)
		check_events();
}
