/* SPDX-License-Identifier: MIT */
/*
 * Seats: see seat.h. A thread goes to the seat of its number; if somebody sits
 * there, be it the thread itself in a handler that calls again, it takes the
 * long way. The state decides everything: who made it TAKEN owns the rest of
 * the seat until it leaves; others can only mark it, and by marking it they
 * make its holder an ordinary caller.
 */
#include <conduct.h>

#include <string.h>
#include <time.h>

#include <model/function.h>

#define PATIENCE 1000    /* pauses */
#define PAUSE_NS 20000   /* others run meanwhile, on this CPU too; with its slack some 70 us */

/* The number of this thread, from 1. */
static __thread unsigned number __attribute__((tls_model("initial-exec")));

static unsigned give_number(void)
{
	static _Atomic unsigned last;

	number = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
	return number;
}

static bool change(struct fa_seat *seat, uint32_t from, uint32_t to)
{
	return atomic_compare_exchange_strong(&seat->state, &from, to);
}

struct fa_seat *fa_seat_take(struct faas *rt)
{
	struct fa_seat *seat = &rt->seats[(number ? number : give_number()) % FA_SEATS];

	if (fa_is_closing(rt) || !change(seat, FA_SEAT_FREE, FA_SEAT_TAKEN))
		return NULL;
	return seat;
}

/*
 * Nothing but the environment itself holds the version of what was kept. It is not shown
 * any more when it is back, and no earlier: see is_given_back().
 */
static void give_back(struct fa_seat *seat, bool stays)
{
	struct fa_env *env = seat->env;
	struct fa_version *v;

	if (!env)
		return;
	v = env->pool->version;
	fa_version_ref(v);
	seat->env = NULL;
	fa_runner_release(v->runner, env, stays);
	atomic_store_explicit(&seat->pool, NULL, memory_order_release);
	fa_version_unref(v);
}

void fa_seat_leave(struct faas *rt, struct fa_seat *seat)
{
	atomic_store_explicit(&seat->runs, false, memory_order_relaxed);
	if (change(seat, FA_SEAT_TAKEN, FA_SEAT_FREE))
		return;
	give_back(seat, true);
	if (!change(seat, FA_SEAT_WANTED, FA_SEAT_FREE))
		atomic_store(&seat->state, FA_SEAT_CLOSED);
	fa_leave(rt); /* it was made a caller when it was marked */
}

/* ---- what is kept ---------------------------------------------------- */

/* Its pool was current when the lease was put here, and whoever changes that comes for it. */
struct fa_env *fa_seat_lease(struct fa_seat *seat, const struct faas_request *request)
{
	struct fa_env *env = seat->env;
	const struct fa_version *v = env ? env->pool->version : NULL;

	if (!env || !request->function || request->trace_id || request->mode != FAAS_SYNC ||
	    strcmp(v->config.name, request->function) != 0)
		return NULL;
	if (v->unreadable || fa_provision_target(&env->pool->provision) ||
	    fa_runner_is_over(v->runner, env))
		return NULL; /* things have changed since */
	atomic_store_explicit(&seat->runs, true, memory_order_relaxed);
	return env;
}

void fa_seat_clear(struct fa_seat *seat)
{
	give_back(seat, true);
}

/*
 * It is shown first and then looked at: whoever ends the version tells its pool
 * first and then looks here, so one of both sees the other. Who waits for capacity
 * is counted first and then looks here, likewise.
 */
static bool put(struct faas *rt, struct fa_seat *seat, struct fa_env *env)
{
	const struct fa_version *v = env->pool->version;

	if (v->number || v->traced || fa_provision_target(&env->pool->provision))
		return false;
	atomic_store(&seat->pool, env->pool);
	if (!fa_pool_is_current(env) || atomic_load(&rt->waiting)) {
		atomic_store_explicit(&seat->pool, NULL, memory_order_relaxed);
		return false;
	}
	seat->env = env;
	return true;
}

static bool may_keep(const struct faas *rt, const struct fa_env *env)
{
	return env->kind->steady && !fa_tell_listening(&rt->tell) &&
	       !atomic_load(&rt->waiting) && !fa_is_closing(rt);
}

void fa_seat_release(struct faas *rt, struct fa_seat *seat, struct fa_env *env, bool stays)
{
	bool kept = seat->env == env;

	if (stays && may_keep(rt, env) && (kept || put(rt, seat, env)))
		return;
	if (kept)
		give_back(seat, stays);
	else
		fa_runner_release(env->pool->version->runner, env, stays);
}

/* ---- from outside ---------------------------------------------------- */

/* Make the holder a caller, who gives everything back. False: it has changed meanwhile. */
static bool mark(struct faas *rt, struct fa_seat *seat, uint32_t as)
{
	atomic_fetch_add(&rt->callers, 1);
	if (change(seat, FA_SEAT_TAKEN, as))
		return true;
	fa_leave(rt);
	return false;
}

/*
 * What somebody else's seat shows is run, or on its way back: by its holder who was called for
 * another function, or by who clears it as we do. That is waited for, for whoever was told that
 * there is no place would be told so of a place that nobody has. It is soon, or the holder
 * does not get to run, and then not for ever.
 */
static bool is_given_back(const struct fa_seat *seat)
{
	for (int i = 0; i < PATIENCE && atomic_load(&seat->pool); i++) {
		if (atomic_load(&seat->runs))
			return false;
		nanosleep(&(struct timespec){ 0, PAUSE_NS }, NULL);
	}
	return !atomic_load(&seat->pool);
}

static bool clear(struct faas *rt, struct fa_seat *seat)
{
	bool any;

	while (!change(seat, FA_SEAT_FREE, FA_SEAT_TAKEN)) {
		uint32_t state = atomic_load(&seat->state);

		if (state == FA_SEAT_FREE ||
		    (state == FA_SEAT_TAKEN && !mark(rt, seat, FA_SEAT_WANTED)))
			continue;
		return is_given_back(seat);
	}
	any = seat->env;
	give_back(seat, true);
	fa_seat_leave(rt, seat);
	return any;
}

bool fa_seats_clear(struct faas *rt, const struct fa_pool *pool)
{
	bool any = false;

	for (struct fa_seat *seat = rt->seats; seat < rt->seats + FA_SEATS; seat++) {
		const struct fa_pool *kept = atomic_load(&seat->pool);

		if (kept && (!pool || kept == pool))
			any |= clear(rt, seat);
	}
	return any;
}

static bool close_seat(struct faas *rt, struct fa_seat *seat)
{
	if (change(seat, FA_SEAT_FREE, FA_SEAT_CLOSED)) {
		give_back(seat, true);
		return true;
	}
	return mark(rt, seat, FA_SEAT_LAST) || change(seat, FA_SEAT_WANTED, FA_SEAT_LAST);
}

void fa_seats_close(struct faas *rt)
{
	for (struct fa_seat *seat = rt->seats; seat < rt->seats + FA_SEATS; seat++)
		while (!close_seat(rt, seat))
			;
}
