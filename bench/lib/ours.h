/* SPDX-License-Identifier: MIT */
#ifndef BENCH_OURS_H
#define BENCH_OURS_H

/*
 * The measured library, used as any program would: full sandbox, deadlines,
 * CPU time, peak memory and records are on, as they always are. A call that
 * fails ends the benchmark: a fast error must never count as a fast answer.
 */

#include "bench.h"

#include <faas/faas.h>

struct uv_loop_s;

enum listening {
	SILENT,    /* nobody asked for logs or metrics */
	LISTENING, /* both callbacks are set */
};

/* `loop`: NULL for a loop thread of its own. Room for 10,000 environments. */
struct faas *ours_open(struct uv_loop_s *loop, enum listening listening);
/* Asynchronous events are kept in this directory. */
struct faas *ours_open_in(const char *state_dir);
typedef void *(*ours_realloc_fn)(void *data, void *ptr, size_t old_size, size_t new_size);
struct faas *ours_open_with(ours_realloc_fn realloc); /* instead of the C library's */
void ours_close(struct faas *rt); /* also runs a loop of the caller's until it is closed */

struct ours_function {
	const char *name;
	const char *handler; /* "plugin.echo" */
	faas_handler_fn native;
	enum faas_isolation_kind kind;
	int max_concurrency;
	int timeout_ms; /* 60000 */
	bool pristine;
	int provisioned;
	int memory_mb;  /* the default */
	bool snapshot;
};

void ours_function(struct faas *rt, const struct ours_function *f);

/* One invocation; returns its nanoseconds. Expects `len` bytes back, the same as were sent. */
uint64_t ours_echo(struct faas *rt, const char *name, const void *data, size_t len);
/* The same; the result is the caller's, whatever became of the function. */
struct faas_result *ours_call(struct faas *rt, const char *name, const void *data, size_t len);
void ours_fill(struct faas *rt, const char *name, size_t n, struct samples *s); /* n echoes, 64 B */

/* Bring environments of `name` (handler nap) to life, all of them at the same time. */
void ours_populate(struct faas *rt, const char *name, int environments);
int ours_environments(struct faas *rt, const char *name);

/*
 * A closed loop: `outstanding` events of 64 bytes are always in flight, new
 * ones are submitted in on_done. With `latency`, one sample per event.
 */
double ours_saturate(struct faas *rt, const char *name, int outstanding, double seconds,
		     struct samples *latency);
/* The same on a loop of the caller's, which runs meanwhile. */
double ours_saturate_here(struct faas *rt, const char *name, int outstanding, double seconds,
			  struct samples *latency);

const char *ours_plugins(void); /* directory of the benchmarks' plugin */
const char *ours_nursery(void); /* path of the raw-nursery program */
const char *ours_plugin(void);  /* path of the plugin */

#endif
