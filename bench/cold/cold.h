/* SPDX-License-Identifier: MIT */
#ifndef BENCH_COLD_H
#define BENCH_COLD_H

#include "bench.h"

struct faas;
struct samples;

/* In start.c. One call of a function that answers as plugin.fresh does; was it cold? */
bool one_cold(struct faas *rt, const char *name, struct samples *s);
void recycle(struct faas *rt, const char *name);

void start_one_cpu(const struct options *options);
void start_two_cpus(const struct options *options);
void steady_one_cpu(const struct options *options);
void steady_two_cpus(const struct options *options);
void snapshot_one_cpu(const struct options *options);
void snapshot_two_cpus(const struct options *options);
void snapshot_of_heap(const struct options *options);
void burst(const struct options *options);
void first_ever(const struct options *options);
void spare(const struct options *options);
void raw_births(const struct options *options);
void timeouts(const struct options *options);
void idle_memory(const struct options *options);
void crowds(const struct options *options);
void idle_wakeups(const struct options *options);

#endif
