/* SPDX-License-Identifier: MIT */
#ifndef FA_ADMIT_GATE_H
#define FA_ADMIT_GATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <admit/rate.h>

/*
 * A count of leases with a limit. One atomic operation on the way in and one on
 * the way out, no lock. The limit may change at any time: those inside stay. Who is
 * refused is never counted, not for a moment: another would be refused for it.
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
	int in_use = atomic_load(&gate->in_use);

	while (in_use < fa_gate_limit(gate))
		if (atomic_compare_exchange_weak_explicit(&gate->in_use, &in_use, in_use + 1,
							  memory_order_acquire,
							  memory_order_relaxed))
			return true;
	return false;
}

static inline void fa_gate_leave(struct fa_gate *gate)
{
	atomic_fetch_sub(&gate->in_use, 1);
}

/* The limit was lowered: more are inside than may be. */
static inline bool fa_gate_is_over(const struct fa_gate *gate)
{
	return fa_gate_in_use(gate) > fa_gate_limit(gate);
}

#endif
