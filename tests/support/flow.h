/* SPDX-License-Identifier: MIT */
#ifndef TEST_FLOW_H
#define TEST_FLOW_H

/*
 * Short words for flow tests: a runtime on a clock of the test's choice, what
 * it told its host, and calls whose results are freed with the runtime.
 */
#include <pthread.h>
#include <stdbool.h>

#include <base/clock.h>
#include <faas/faas.h>
#include <support/standstill.h>

struct flow {
	struct faas *rt;
	struct fa_clock_virtual clock; /* begins at the real time and stands still */
	struct faas_result *results[256];
	int result_count;
	pthread_mutex_t lock;          /* of what the callbacks write */
	char *log;                     /* "LEVEL text\n" per line */
	size_t log_len, log_size;
	double metrics[32];            /* sums, by name */
	const char *metric_names[32];
};

/* With on_log and on_metric set. `virtual_time`: timers run when flow_advance() says so. */
void flow_open(struct flow *flow, const struct faas_config *config, bool virtual_time);
/* Of virtual time, and it is then already when the runtime begins. */
void flow_open_at(struct flow *flow, const struct faas_config *config, int64_t unix_ms);
void flow_close(struct flow *flow); /* and frees all results */
void flow_forget(struct flow *flow); /* the same, of a runtime that is closed already */
void flow_advance(struct flow *flow, int64_t ms);
/* A little later; if nobody is at work, whom it would time out, the clock says that it is `ms`. */
void flow_pass(struct flow *flow, int64_t ms);

/* A function of a test plugin, "file.method"; fails the test if refused. */
void flow_function(struct flow *flow, const struct faas_function_config *config);

/* Call and wait; fails the test if the call is refused. */
const struct faas_result *flow_call(struct flow *flow, const char *function, const char *event);
/* The same through faas_invoke(). */
const struct faas_result *flow_call_async(struct flow *flow, const char *function,
					  const char *event);
/* The payload is this text. */
bool flow_says(const struct faas_result *result, const char *text);
/* Call, and fail the test unless it succeeds with this answer. */
void flow_expect(struct flow *flow, const char *function, const char *event, const char *answer);
/* Wait (real time, bounded) until the log holds this text, or the test fails. */
void flow_await_log(struct flow *flow, const char *text);
/* The same until it holds it so often. */
void flow_await_logs(struct flow *flow, const char *text, int n);
int flow_log_count(struct flow *flow, const char *text);
double flow_metric(struct flow *flow, const char *name);
/* Wait (real time, bounded) until the statistics say so. */
void flow_await_idle(struct flow *flow, int idle, int busy);

/*
 * Wait (real time, bounded) until so many were counted, or the test fails. Whoever counted them
 * is through by then: a clock that is advanced does not time it out.
 */
void flow_await_count(struct flow *flow, const _Atomic int *count, int n);

#endif
