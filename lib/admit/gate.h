/* SPDX-License-Identifier: MIT */
#ifndef FA_ADMIT_GATE_H
#define FA_ADMIT_GATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <admit/rate.h>

/*
 * A count of leases with a limit. One atomic operation on the way in and one on
 * the way out, no lock. The limit may change at any time: those inside stay.
 */
struct fa_gate {
	_Atomic int in_use;
	_Atomic int limit;
	struct fa_rate requests; /* synchronous ones, where there is a cap on them */
};

static inline int fa_gate_limit(const struct fa_gate *gate)
{
	return atomic_load_explicit(&gate->limit, memory_order_relaxed);
}

static inline int fa_gate_in_use(const struct fa_gate *gate)
{
	return atomic_load_explicit(&gate->in_use, memory_order_relaxed);
}

static inline bool fa_gate_enter(struct fa_gate *gate)
{
	int now = atomic_fetch_add_explicit(&gate->in_use, 1, memory_order_acquire) + 1;

	if (now <= fa_gate_limit(gate))
		return true;
	atomic_fetch_sub_explicit(&gate->in_use, 1, memory_order_release);
	return false;
}

static inline void fa_gate_leave(struct fa_gate *gate)
{
	atomic_fetch_sub_explicit(&gate->in_use, 1, memory_order_release);
}

/* The limit was lowered: more are inside than may be. */
static inline bool fa_gate_is_over(const struct fa_gate *gate)
{
	return fa_gate_in_use(gate) > fa_gate_limit(gate);
}

#endif
