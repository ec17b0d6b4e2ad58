/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_METER_H
#define FA_ENV_METER_H

#include <stdbool.h>
#include <stdint.h>

struct fa_env;
struct fa_job;

/* CPU time and memory of a job that has just ended, read from outside the process. */
void fa_meter(struct fa_env *env, struct fa_job *job);

/* Whether a process that ended like this had run out of its memory. */
bool fa_meter_starved(const struct fa_env *env, int wait_status);

/* The process's id as this process sees it, from its pidfd; 0 if it is gone. */
int fa_meter_pid(int pidfd);

#endif
