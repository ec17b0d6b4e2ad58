/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TRACE_H
#define BENCH_TRACE_H

#include <stdint.h>

#define MINUTE_NS 60000000000LL

/* One function of a trace in the format of Azure Functions 2019. */
struct traced {
	char key[160];      /* owner and function, as the three files join */
	int *per_minute;    /* invocations */
	int64_t run_ns, cold_ns;
	int memory_mb;
};

struct arrival {
	int64_t at_ns;
	int function;
};

struct trace {
	struct traced *functions;
	int count, minutes;
	struct arrival *arrivals; /* in order */
	long events;
};

/* Read DIR/{invocations,durations,memory}.csv; ends the program with a message if it cannot. */
void trace_load(struct trace *trace, const char *dir);
/*
 * Lay the invocations of the minutes from..to-1 out in time: each anywhere in its minute,
 * the same for the same seed.
 */
void trace_unfold(struct trace *trace, int from, int to, uint64_t seed);

#endif
