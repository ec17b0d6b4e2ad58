/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_PROVISION_H
#define FA_ENV_PROVISION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/loop.h>

struct fa_env;
struct fa_envs;
struct fa_job;
struct fa_pool;

/*
 * Provisioned environments: so many of a pool are initialised ahead of any
 * event, are never too long idle, and are started again when they end.
 */
struct fa_provision {
	struct fa_call call;
	_Atomic int target; /* how many are to be ready */
	bool queued;
	int failures;       /* in a row, of late */
	int64_t failed_ns;  /* when it was the last time */
	int64_t retry_ns;   /* nothing is started before */
	int available;      /* when they were counted last */
	char why[128];      /* the last one could not be started; "": it could */
	pthread_cond_t counted;
};

struct fa_provision_report {
	int requested, available;
	const char *status; /* "READY", "IN_PROGRESS", "FAILED"; "": none are requested */
	char why[128];
};

void fa_provision_init(struct fa_pool *pool);
void fa_provision_finish(struct fa_pool *pool);
/* Any thread: from now on they are wanted. */
void fa_provision_begin(struct fa_pool *pool);
/* Any thread: so many from now on. What is too many ends, idle ones first, busy ones when done. */
void fa_provision_set(struct fa_pool *pool, int target);
static inline int fa_provision_target(const struct fa_provision *provision)
{
	return atomic_load_explicit(&provision->target, memory_order_relaxed);
}
/* Not the loop: until all are available, or one could not be started, or no more will be. */
void fa_provision_wait(struct fa_pool *pool);
/* Under the pool's lock: count them, start what is missing. */
void fa_provision_want(struct fa_pool *pool);
/* Under the pool's lock: the process of one has ended; the environment is about to be cold. */
void fa_provision_lost(struct fa_env *env);
/* What an init ahead of any event may take. */
int64_t fa_provision_init_ns(const struct fa_pool *pool);
/* [loop] fa_provision_retry() is to be called then, or earlier. */
void fa_provision_arm(struct fa_envs *envs, int64_t at_ns);
/* The type of error of a start that failed; NULL: the function is not to blame. */
const char *fa_start_error(const struct fa_job *job);
/* [loop] The start of an environment came to its end, good or bad. */
void fa_provision_started(struct fa_env *env, const struct fa_job *job);
/* [loop] The runtime's timer: of those that failed, some may be tried again; snapshots, too. */
void fa_provision_retry(struct fa_timer *timer);

/* Any thread. */
void fa_provision_report(struct fa_pool *pool, struct fa_provision_report *report);
int fa_provision_in_use(struct fa_pool *pool); /* as far as is known */

#endif
