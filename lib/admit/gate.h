/* SPDX-License-Identifier: MIT */
#ifndef FA_ADMIT_GATE_H
#define FA_ADMIT_GATE_H

#include <stdatomic.h>
#include <stdbool.h>

/*
 * A count of leases with a limit: of the account, of a function. Two atomic
 * operations on the way in and out, no lock.
 */
struct fa_gate {
	_Atomic int in_use;
	int limit; /* 0: none, and nothing is counted; fixed for the gate's life */
};

static inline bool fa_gate_enter(struct fa_gate *gate)
{
	int now;

	if (!gate->limit)
		return true;
	now = atomic_fetch_add_explicit(&gate->in_use, 1, memory_order_acquire) + 1;

	if (now <= gate->limit)
		return true;
	atomic_fetch_sub_explicit(&gate->in_use, 1, memory_order_release);
	return false;
}

static inline void fa_gate_leave(struct fa_gate *gate)
{
	if (gate->limit)
		atomic_fetch_sub_explicit(&gate->in_use, 1, memory_order_release);
}

#endif
