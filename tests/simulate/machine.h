/* SPDX-License-Identifier: MIT */
#ifndef SIMULATE_MACHINE_H
#define SIMULATE_MACHINE_H

#include "world.h"

struct fa_env;
struct fa_env_kind;
struct fa_job;

/* A kind of environment that is no process, see env/env.h. */
extern const struct fa_env_kind machine_kind;

/* What machines tell the play (play.c). */
struct request *request_posted(const struct fa_job *job, const struct fa_env *env);
void request_starts(struct request *request);

#endif
