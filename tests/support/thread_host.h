/* SPDX-License-Identifier: MIT */
#ifndef TEST_THREAD_HOST_H
#define TEST_THREAD_HOST_H

/*
 * A host program of the tests of the kind thread: a runtime, the log lines it
 * was told, invocations by both ways, and a gate at which handlers of this
 * program can be held.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <faas/faas.h>

/* A result that outlives the callback. */
struct answer {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int count;           /* how often on_done was called */
	int refused;         /* what the call returned if it was not 0 */
	int code;
	char type[64], id[64], payload[1024], tail[4200];
	size_t payload_len;
	double duration_ms, init_ms, cpu_ms;
	int memory_used_mb;
	char error[300];
	pthread_t thread;    /* that called on_done */
};

struct faas *host_open(const struct faas_config *config); /* NULL: with a listener */
void host_close(void);
struct faas *host_runtime(void);
/* Whatever its loop was told until now is done. Not on the loop. */
void host_settle(void);

/* Create the function; .isolation and .code need not be given. Fails the test. */
void host_function(const struct faas_function_config *config);

enum way { WAITING, BY_CALLBACK, WAYS };

void host_call(enum way way, const char *function, const char *event, struct answer *answer);
/* Begin one by callback; host_await() it. Returns its id. */
uint64_t host_start(const struct faas_request *request, struct answer *answer);
void host_await(struct answer *answer);
bool host_is_answered(struct answer *answer);

/* The first line so far with this text in it; waits for one. */
struct line {
	enum faas_level level;
	char text[512], function[80], request_id[64], stream[80];
	bool outside; /* no request id */
};
void host_await_line(const char *text, struct line *line);
bool host_has_line(const char *text);

/* For handlers of this program. */
void gate_close(void);
void gate_open(void);
void gate_pass(void);        /* [handler] wait until it is open */
void gate_await(int count);  /* until so many handlers stood at it since it was closed */

#endif
