/* SPDX-License-Identifier: MIT */
#include <admit/rate.h>

bool fa_rate_take(struct fa_rate *rate, int size, int64_t period_ns, int64_t now_ns)
{
	int64_t full_ns = atomic_load_explicit(&rate->full_ns, memory_order_relaxed), then_ns;

	if (size <= 0)
		return false;
	do {
		then_ns = (full_ns > now_ns ? full_ns : now_ns) + period_ns / size;
		if (then_ns - now_ns > period_ns)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&rate->full_ns, &full_ns, then_ns,
							memory_order_relaxed,
							memory_order_relaxed));
	return true;
}

int64_t fa_rate_next_ns(const struct fa_rate *rate, int size, int64_t period_ns)
{
	return atomic_load_explicit(&rate->full_ns, memory_order_relaxed) + period_ns / size -
	       period_ns;
}
