/* SPDX-License-Identifier: MIT */
#ifndef SIMULATE_MACHINE_H
#define SIMULATE_MACHINE_H

#include "world.h"

struct fa_env;
struct fa_env_kind;
struct fa_job;
struct fa_pool;

/*
 * A kind of environment that is no process, see env/env.h. That of some functions is steady: it
 * does not end by itself between two jobs.
 */
const struct fa_env_kind *machine_kind_of(const char *function);

/* The nest of a pool, made if there is none; whether it is alive (nest.c). */
bool nest_ensure(struct fa_pool *pool);
void nest_closed(struct fa_pool *pool);
/* A shell is born in it; when the last one was, whatever became of it. */
void nest_has_shell(const struct fa_pool *pool);
int64_t nest_shell_born_ns(const struct fa_pool *pool);
/* All of this pool's end at once, and nobody tells. */
void machines_perish(const struct fa_pool *pool);

/* What machines tell the play (play.c). */
struct request *request_posted(const struct fa_job *job, const struct fa_env *env);
void request_starts(struct request *request);

#endif
