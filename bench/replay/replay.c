/* SPDX-License-Identifier: MIT */
/*
 * A trace through the policy of the library, on a clock that is moved by hand. What
 * lib/env/pool.c does with processes is done here with counters, and it asks and tells
 * the policy where pool.c does: idle environments of a function form a stack, the
 * deepest is the one to go, and who is warmed ahead has rested since the last work.
 *
 * The clairvoyant knows every arrival, keeps what is needed soonest for its cost and
 * memory, and starts nothing ahead.
 */
#include "replay.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ends.h"

#define RANKS ((int)(sizeof(((struct foresight *)0)->count) / sizeof(long)))

struct pool {
	const struct traced *traced;
	const struct foresight *future;
	struct fa_habit habit;
	int64_t *idle;         /* since when; the deepest first */
	int count, room;
	int64_t ahead_ns;      /* one is to be warmed then */
	bool ahead;            /* the only one was, and nothing has come since */
};

struct run {
	const struct rules *rules;
	struct fa_policy policy;
	struct pool *pools;
	int pool_count;
	struct ends ends;
	int64_t now_ns, sweep_ns, ahead_ns; /* the two timers */
	double memory_mb, mb_ns, busy_mb, busy_mb_ns;
	struct totals totals;
};

static void *sure(void *room)
{
	if (!room) {
		perror("replay");
		exit(1);
	}
	return room;
}

/* ---- the future ------------------------------------------------------ */

static void need(struct foresight *future, int rank, int64_t at_ns)
{
	long n;

	if (rank >= RANKS)
		return;
	n = future->count[rank]++;
	if (!(n & (n - 1))) /* the room doubles */
		future->needed[rank] = sure(realloc(future->needed[rank],
						    (size_t)(n ? 2 * n : 1) * sizeof(int64_t)));
	future->needed[rank][n] = at_ns;
}

struct foresight *foresee(const struct trace *trace)
{
	struct foresight *future = sure(calloc((size_t)trace->count, sizeof(*future)));
	int *busy = sure(calloc((size_t)trace->count, sizeof(*busy)));
	struct ends ends = { 0 };

	for (long i = 0; i < trace->events; i++) {
		const struct arrival *a = &trace->arrivals[i];
		struct work work = { .function = a->function };

		while (ends_next(&ends) <= a->at_ns)
			busy[ends_pop(&ends).function]--;
		need(&future[a->function], ++busy[a->function], a->at_ns);
		work.end_ns = a->at_ns + trace->functions[a->function].run_ns;
		ends_push(&ends, &work);
	}
	free(ends.heap);
	free(busy);
	return future;
}

double first_cold_s(const struct trace *trace, const struct foresight *future)
{
	double sum = 0;

	for (int i = 0; i < trace->count; i++)
		for (int rank = 1; rank < RANKS && future[i].count[rank]; rank++)
			sum += (double)trace->functions[i].cold_ns * 1e-9;
	return sum;
}

/* Seconds from now to when one of this rank is needed; DBL_MAX: not again. */
static double farness(const struct foresight *future, int rank, int64_t now_ns)
{
	long low = 0, high = rank < RANKS ? future->count[rank] : 0;
	long all = high;

	while (low < high) {
		long middle = (low + high) / 2;

		if (future->needed[rank][middle] > now_ns)
			high = middle;
		else
			low = middle + 1;
	}
	return low == all ? DBL_MAX : (double)(future->needed[rank][low] - now_ns) * 1e-9;
}

/* ---- who goes -------------------------------------------------------- */

static double worth(const struct run *run, const struct pool *pool)
{
	if (run->rules->clairvoyant)
		return (double)pool->traced->cold_ns * 1e-9 / pool->traced->memory_mb /
		       farness(pool->future, pool->habit.busy + pool->count, run->now_ns);
	return fa_policy_worth(&run->policy, &pool->habit, pool->count, pool->idle[0],
			       run->now_ns);
}

/* The deepest goes. */
static void end_one(struct run *run, struct pool *pool)
{
	memmove(pool->idle, pool->idle + 1, (size_t)--pool->count * sizeof(*pool->idle));
	run->memory_mb -= pool->traced->memory_mb;
	pool->ahead = false;
}

static void plan_ahead(struct run *run, struct pool *pool)
{
	if (run->rules->clairvoyant || run->rules->no_ahead || pool->count || pool->habit.busy)
		return;
	pool->ahead_ns = fa_policy_ahead(&run->policy, &pool->habit, run->now_ns);
	if (pool->ahead_ns < run->ahead_ns)
		run->ahead_ns = pool->ahead_ns;
}

static bool evict_one(struct run *run)
{
	struct pool *best = NULL;
	double least = DBL_MAX;

	for (int i = 0; i < run->pool_count; i++) {
		struct pool *pool = &run->pools[i];
		double value = pool->count ? worth(run, pool) : DBL_MAX;

		if (value < least) {
			least = value;
			best = pool;
		}
	}
	if (!best)
		return false;
	end_one(run, best);
	fa_policy_evicted(&run->policy, least, run->now_ns);
	plan_ahead(run, best);
	return true;
}

static void charge(struct run *run, int memory_mb)
{
	while (run->memory_mb + memory_mb > run->rules->memory_mb)
		if (!evict_one(run)) {
			run->totals.over++;
			break;
		}
	run->memory_mb += memory_mb;
}

/* ---- time ------------------------------------------------------------ */

static void pass(struct run *run, int64_t now_ns)
{
	run->mb_ns += run->memory_mb * (double)(now_ns - run->now_ns);
	run->busy_mb_ns += run->busy_mb * (double)(now_ns - run->now_ns);
	run->now_ns = now_ns;
}

static int64_t until(const struct run *run, const struct pool *pool)
{
	if (run->rules->clairvoyant || !pool->count)
		return INT64_MAX;
	return fa_policy_until(&run->policy, &pool->habit, pool->count, pool->idle[0]);
}

static void rest(struct run *run, struct pool *pool, int64_t since_ns)
{
	if (pool->count == pool->room) {
		pool->room = pool->room ? pool->room * 2 : 4;
		pool->idle = sure(realloc(pool->idle, (size_t)pool->room * sizeof(*pool->idle)));
	}
	pool->idle[pool->count++] = since_ns;
	if (until(run, pool) < run->sweep_ns)
		run->sweep_ns = until(run, pool);
}

static void end_work(struct run *run)
{
	struct work work = ends_pop(&run->ends);
	struct pool *pool = &run->pools[work.function];

	pass(run, work.end_ns);
	run->busy_mb -= pool->traced->memory_mb;
	fa_policy_end(&pool->habit, &work.turn, work.begin_ns, work.end_ns);
	rest(run, pool, work.end_ns);
}

static void sweep(struct run *run)
{
	pass(run, run->sweep_ns);
	run->sweep_ns = INT64_MAX;
	for (int i = 0; i < run->pool_count; i++) {
		struct pool *pool = &run->pools[i];

		while (until(run, pool) <= run->now_ns)
			end_one(run, pool);
		if (until(run, pool) < run->sweep_ns)
			run->sweep_ns = until(run, pool);
	}
}

static void warm_one(struct run *run, struct pool *pool)
{
	pool->ahead_ns = fa_policy_ahead(&run->policy, &pool->habit, run->now_ns);
	if (pool->ahead_ns > run->now_ns)
		return;
	pool->ahead_ns = INT64_MAX;
	charge(run, pool->traced->memory_mb);
	rest(run, pool, pool->habit.since_ns[0]);
	pool->ahead = true;
	run->totals.ahead++;
	run->totals.ahead_s += (double)pool->traced->cold_ns * 1e-9;
}

static void warm_ahead(struct run *run)
{
	pass(run, run->ahead_ns);
	run->ahead_ns = INT64_MAX;
	for (int i = 0; i < run->pool_count; i++)
		if (run->pools[i].ahead_ns <= run->now_ns)
			warm_one(run, &run->pools[i]);
	for (int i = 0; i < run->pool_count; i++)
		if (run->pools[i].ahead_ns < run->ahead_ns)
			run->ahead_ns = run->pools[i].ahead_ns;
}

static void wait_until(struct run *run, int64_t now_ns)
{
	for (;;) {
		int64_t end_ns = ends_next(&run->ends);

		if (end_ns <= now_ns && end_ns <= run->sweep_ns && end_ns <= run->ahead_ns)
			end_work(run);
		else if (run->sweep_ns <= now_ns && run->sweep_ns <= run->ahead_ns)
			sweep(run);
		else if (run->ahead_ns <= now_ns)
			warm_ahead(run);
		else
			break;
	}
	pass(run, now_ns);
}

static void cold_start(struct run *run, struct pool *pool)
{
	run->totals.cold++;
	run->totals.cold_s += (double)pool->traced->cold_ns * 1e-9;
	charge(run, pool->traced->memory_mb);
	fa_policy_cold(&pool->habit, pool->traced->cold_ns);
}

static void arrive(struct run *run, const struct arrival *a)
{
	struct pool *pool = &run->pools[a->function];
	struct work work = { .function = a->function, .begin_ns = a->at_ns };

	wait_until(run, a->at_ns);
	fa_policy_begin(&pool->habit, &work.turn);
	pool->ahead_ns = INT64_MAX;
	if (pool->count) {
		pool->count--;
		run->totals.used += pool->ahead;
	} else {
		cold_start(run, pool);
	}
	pool->ahead = false;
	run->busy_mb += pool->traced->memory_mb;
	work.end_ns = a->at_ns + pool->traced->run_ns;
	ends_push(&run->ends, &work);
}

/* ---- a run ----------------------------------------------------------- */

static void start(struct run *run, const struct trace *trace, const struct foresight *future)
{
	run->pools = sure(calloc((size_t)trace->count, sizeof(*run->pools)));
	run->pool_count = trace->count;
	run->now_ns = trace->events ? trace->arrivals[0].at_ns : 0;
	run->sweep_ns = run->ahead_ns = INT64_MAX;
	for (int i = 0; i < trace->count; i++) {
		run->pools[i].traced = &trace->functions[i];
		run->pools[i].future = &future[i];
		run->pools[i].habit.memory_mb = trace->functions[i].memory_mb;
		run->pools[i].ahead_ns = INT64_MAX;
	}
}

struct totals replay(const struct trace *trace, const struct foresight *future,
		     const struct rules *rules)
{
	struct run run = { .rules = rules };

	run.policy = (struct fa_policy){ .keep = rules->keep, .idle_ns = rules->idle_ns };
	start(&run, trace, future);
	for (long i = 0; i < trace->events; i++)
		arrive(&run, &trace->arrivals[i]);
	if (trace->events > 1) {
		double all_ns = (double)(run.now_ns - trace->arrivals[0].at_ns);

		run.totals.mean_mb = run.mb_ns / all_ns;
		run.totals.idle_mb = (run.mb_ns - run.busy_mb_ns) / all_ns;
	}
	for (int i = 0; i < run.pool_count; i++)
		free(run.pools[i].idle);
	free(run.pools);
	free(run.ends.heap);
	return run.totals;
}
