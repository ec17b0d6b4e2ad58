/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_SNAP_H
#define FA_ENV_SNAP_H

#include <stdbool.h>
#include <stdint.h>

#include <base/loop.h>

struct fa_env;
struct fa_job;
struct fa_pool;

/* The snapshot of a version, made ahead of any event. Under the pool's lock. */
struct fa_snap {
	struct fa_call call;
	bool wanted;        /* and not there yet */
	bool telling;       /* on_snapshot has been told, and fa_snap_told() not yet called */
	bool queued, made;
	int failures;       /* that the function is not to blame for, in a row */
	int64_t retry_ns;   /* it is not tried before */
	int64_t told_ns;    /* when the last one was made, or given up */
	struct fa_env *env; /* [loop] is at it; NULL: none is */
};

void fa_snap_init(struct fa_pool *pool);
/* Any thread: from now on it is wanted; on_snapshot tells what becomes of it. */
void fa_snap_want(struct fa_pool *pool);
/* [loop] For who was told by on_snapshot: whoever waits may go on. */
void fa_snap_told(struct fa_pool *pool);
/* Not the loop: until that was called, or there is nobody left to tell. */
void fa_snap_wait(struct fa_pool *pool);
/* Under the pool's lock: its nest has died, and the snapshot with it. */
void fa_snap_lost(struct fa_pool *pool);
/* [loop] The start of an environment came to its end, good or bad. */
void fa_snap_started(struct fa_env *env, const struct fa_job *job);
/* [loop] If it is wanted, and the time has come. */
void fa_snap_make(struct fa_pool *pool);

#endif
