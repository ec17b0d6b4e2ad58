/* SPDX-License-Identifier: MIT */
#ifndef BENCH_REPLAY_H
#define BENCH_REPLAY_H

#include <stdbool.h>

#include <env/policy.h>

#include "trace.h"

/* When the n-th environment of a function would be needed, if none ever went. */
struct foresight {
	int64_t *needed[4096];
	long count[4096];
};

struct rules {
	enum faas_keep keep;
	int64_t idle_ns;
	bool clairvoyant;  /* instead of the policy: farthest next use by cost and memory */
	bool no_ahead;     /* none is warmed ahead */
	double memory_mb;
};

struct totals {
	long cold, over;   /* over: started beyond the memory, since everyone was at work */
	double cold_s, mean_mb, idle_mb; /* idle_mb: of mean_mb, what nobody worked in */
	long ahead, used;  /* environments warmed ahead, and those that an event met */
	double ahead_s;
};

struct foresight *foresee(const struct trace *trace); /* one per function */
/* Without starts ahead the first of each rank is cold, however large the memory: their sum. */
double first_cold_s(const struct trace *trace, const struct foresight *future);
struct totals replay(const struct trace *trace, const struct foresight *future,
		     const struct rules *rules);

#endif
