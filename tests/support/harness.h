/* SPDX-License-Identifier: MIT */
#ifndef TEST_HARNESS_H
#define TEST_HARNESS_H

/*
 * One runtime per test program, with an innocent neighbour under load, and
 * invocations by both ways: on the calling thread and through the loop.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <faas/faas.h>

/* What an invocation came to; copied, so it outlives the result. */
struct outcome {
	int refused;       /* what the call returned if it was not 0 */
	int code;
	char id[64];
	char type[128];
	char reason[128];
	char payload[4096]; /* its beginning */
	size_t payload_len;
	size_t parts_len;   /* of all parts, IN_PARTS */
	double wall_ms, duration_ms, init_ms;
	int64_t billed_ms;
	int memory_used_mb;
	char error[300];   /* text of a refusal */
};

enum way { DIRECTLY, BY_LOOP, WAYS, IN_PARTS = WAYS /* by the loop, an answer in parts */ };

/*
 * Open with plugins from `directory`; `neighbour` ("file.method" of a plugin
 * in it that echoes) may be NULL. The path of faas-worker is the environment's
 * FAAS_TEST_WORKER or the one built beside the tests.
 */
struct faas *harness_open(const char *directory, const char *neighbour);
/* Close, and fail the test unless everything that was opened is gone. */
void harness_close(void);
struct faas *harness_runtime(void);
const char *harness_directory(void);
const char *harness_worker(void); /* the path of faas-worker */
unsigned harness_layers(void); /* enum faas_layer that could be applied */

/* $LATEST of a function in the harness's directory; `code` NULL: that. Fails the test. */
void harness_function(const struct faas_function_config *config);
/* The same, but a refusal is an answer: 0 or a code. */
int harness_try_function(const struct faas_function_config *config, struct faas_error *err);
void harness_delete(const char *function);

void harness_invoke(enum way way, const char *function, const char *event, struct outcome *out);
void harness_request(enum way way, const struct faas_request *request, struct outcome *out);

/* The neighbour's load; errors and calls since it began. */
void harness_load_begin(void);
void harness_load_end(uint64_t *calls, uint64_t *errors, double *worst_ms);

/* Bytes of function logs that reached the host, and what faas_stats() says was dropped. */
uint64_t harness_log_bytes(void);
uint64_t harness_log_dropped(void);

/* What the statistics must add up to. */
void harness_totals(uint64_t *invocations, uint64_t *errors);
/* Invocations that a test made without the harness. */
void harness_count(uint64_t invocations, uint64_t errors);

double harness_ms(void); /* monotonic */
int harness_slack_ms(void); /* how late a verdict may be before it counts as wrong */

#endif
