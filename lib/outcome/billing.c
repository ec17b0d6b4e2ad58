/* SPDX-License-Identifier: MIT */
/*
 * What is billed is the time in init and in the handler, rounded up once after
 * adding, not clamped at the timeout (semantics 11.4). Time is billed in milliseconds, and
 * no invocation took none of them: one that began and ended in one look at the clock is
 * billed as the shortest that there is. Prices that are zero are
 * those of x86 in us-east-1.
 */
#include <outcome/outcome.h>

#define NS_PER_MS 1000000
#define PER_REQUEST 0.0000002
#define PER_GB_SECOND 0.0000166667

int64_t fa_billed_ms(int64_t duration_ns, int64_t init_ns)
{
	int64_t ns = (duration_ns > 0 ? duration_ns : 0) + (init_ns > 0 ? init_ns : 0);

	return ns ? (ns - 1) / NS_PER_MS + 1 : 1;
}

double fa_gb_seconds(int memory_mb, int64_t billed_ms)
{
	return memory_mb / 1024.0 * ((double)billed_ms / 1000.0);
}

static double price(double given, double otherwise)
{
	return given != 0.0 ? given : otherwise;
}

double fa_cost(const struct faas_prices *prices, double gb_seconds)
{
	const struct faas_prices none = { 0 };

	if (!prices)
		prices = &none;
	return price(prices->per_request, PER_REQUEST) +
	       price(prices->per_gb_second, PER_GB_SECOND) * gb_seconds;
}
