/* SPDX-License-Identifier: MIT */
#ifndef FA_SEAT_H
#define FA_SEAT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct faas;
struct faas_request;
struct fa_env;
struct fa_pool;
struct fa_runner;

/*
 * A seat is what a thread that calls faas_invoke_wait() again and again need not
 * do again. Whoever holds one is inside the runtime, as by fa_enter(), and finds
 * there the lease that its last holder left: a place under the limits, and an
 * environment of a version that is still current. So the registry, the gates,
 * the pool and the shared counts are left alone: one compare-and-swap takes a
 * seat, one gives it back. Only leases of $LATEST stay, for calls that write a name
 * and nothing else: what a number or an alias leads to is looked up each time.
 *
 * Nothing is withheld by a seat: whoever lacks a place or an environment, counts
 * them, or ends them asks for those in the seats first (fa_seats_clear). Only
 * kinds that cannot end by themselves are kept, of versions of which none is
 * provisioned (there it matters which one is used), that are not traced, and while
 * nobody listens: what a listener is told of concurrency does not know of seats.
 */
enum fa_seat_state {
	FA_SEAT_FREE = 0,
	FA_SEAT_TAKEN,
	FA_SEAT_WANTED, /* taken, and its holder shall give all back; it counts as a caller */
	FA_SEAT_LAST,   /* the same, and nobody sits here again */
	FA_SEAT_CLOSED,
};

/* What was done, added up over all of them by faas_stats(). */
struct fa_counts {
	_Atomic uint64_t invoked, failed, billed_ms, memory_ms;
};

struct fa_seat {
	_Atomic uint32_t state;
	_Atomic bool runs;              /* what is kept, until the seat is left */
	_Atomic(struct fa_pool *) pool; /* of what is kept; for those who look for it */
	struct fa_env *env;             /* kept, or NULL; the holder's */
	struct fa_counts counts;        /* written by the holder only */
	char apart[128 - 7 * 8];        /* two seats share no cache line */
};

#define FA_SEATS 32 /* threads that call at the same time; more take the long way */

/* NULL: all that could be had is taken, or the runtime closes. Then fa_enter(). */
struct fa_seat *fa_seat_take(struct faas *rt);
void fa_seat_leave(struct faas *rt, struct fa_seat *seat);

/* What is kept here, if it may serve this. */
struct fa_env *fa_seat_lease(struct fa_seat *seat, const struct faas_request *request);
/* Keep nothing: who sits here may have to wait. */
void fa_seat_clear(struct fa_seat *seat);
/* After a job: keep the lease, or give it back. */
void fa_seat_release(struct faas *rt, struct fa_seat *seat, struct fa_env *env, bool stays);

/*
 * Give back what is kept of this pool, NULL: of any. When it returns, all that was kept and
 * did not run is back, whoever gave it. Returns whether there was something.
 */
bool fa_seats_clear(struct faas *rt, const struct fa_pool *pool);
/* [loop] The runtime closes: those who sit are callers now, and nobody sits down again. */
void fa_seats_close(struct faas *rt);

#endif
