/* SPDX-License-Identifier: MIT */
#ifndef FA_ADMIT_RATE_H
#define FA_ADMIT_RATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A bucket of `size` tokens that fills evenly within `period_ns`, and no further. All
 * that is kept is when it will be full again, so any thread may take, without a lock.
 */
struct fa_rate {
	_Atomic int64_t full_ns;
};

bool fa_rate_take(struct fa_rate *rate, int size, int64_t period_ns, int64_t now_ns);
/* When there will be one to take. */
int64_t fa_rate_next_ns(const struct fa_rate *rate, int size, int64_t period_ns);

#endif
