/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_LOGS_H
#define FA_ENV_LOGS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/loop.h>

struct fa_env;

#define FA_LOG_TAIL 4096
#define FA_LOG_LINE_MAX 16384         /* longer lines are delivered in pieces */
#define FA_LOG_READ_MAX 65536         /* bytes read in one turn */
#define FA_LOG_BUDGET (1024 * 1024)   /* bytes delivered per invocation; the rest is dropped */

/*
 * The reading end of an environment's standard output and error. Lines come in
 * order; the loop reads when the pipe says so, and the holder of the lease
 * reads before it reports an end, so both do it under the lock.
 */
struct fa_logs {
	pthread_mutex_t lock;
	struct fa_watch watch;    /* fd -1: no process */
	struct fa_timer later;    /* [loop] the pipe had more than one turn may take */
	uint64_t delivered;       /* of the current invocation */
	uint64_t dropped;         /* of the current invocation */
	char request_id[40];      /* of the current, or the last, invocation */
	char *partial;            /* a line without its end */
	uint32_t partial_len;
	char *dressed;            /* room for a line in JSON, once there was one */
	int level;                /* of the partial line; -1: plain output */
	bool made;                /* as JSON, by the runtime; the partial line */
	bool marked;              /* the last byte read was a mark: its digit comes next */
	char *tail;               /* ring of FA_LOG_TAIL bytes while somebody asked for it */
	uint64_t tail_len;
};

int fa_logs_init(struct fa_logs *logs);
void fa_logs_finish(struct fa_logs *logs);

void fa_logs_open(struct fa_env *env, int fd); /* under the pool's lock */
int fa_logs_watch(struct fa_env *env);         /* [loop] */
void fa_logs_close(struct fa_env *env);        /* [loop] reads what is left, flushes */

/* For the holder of the lease: a new invocation, its id, and whether its tail is wanted. */
void fa_logs_begin(struct fa_env *env, const char *request_id, bool want_tail);
/* A whole line from code of this process: thread environments have no pipe. */
void fa_logs_line(struct fa_env *env, int level, const char *text, size_t len);
/* The invocation is over: read what is there now (`drain`), report what was dropped. */
void fa_logs_end(struct fa_env *env, bool drain);
/* Text of ours among the function's: START, END, REPORT belong to the tail too. */
void fa_logs_add_tail(struct fa_env *env, const char *text, size_t len);
/* The last bytes, oldest first, at most FA_LOG_TAIL; 0 unless a tail was wanted. */
size_t fa_logs_tail(struct fa_env *env, char *out);

#endif
