/* SPDX-License-Identifier: MIT */
#ifndef BENCH_INVOKE_H
#define BENCH_INVOKE_H

#include "bench.h"

void warm_one_cpu(const struct options *options);
void warm_one_cpu_listening(const struct options *options);
void warm_two_cpus(const struct options *options);
void raw_pipes(const struct options *options);
void payloads(const struct options *options);
void saturation(const struct options *options);
void listening(const struct options *options);
void curves(const struct options *options);
void threads(const struct options *options);
void inline_calls(const struct options *options);
void growth_functions(const struct options *options);
void growth_environments(const struct options *options);
void pristine(const struct options *options);
void neighbours(const struct options *options);
void durable_accept(const struct options *options);
void durable_restart(const struct options *options);
void queue_in_memory(const struct options *options);
void queue_on_disk(const struct options *options);
void one_call(const struct options *options);

#endif
