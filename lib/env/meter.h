/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_METER_H
#define FA_ENV_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct fa_env;
struct fa_job;

/* CPU time and memory of a job that has just ended, read from outside the process. */
void fa_meter(struct fa_env *env, struct fa_job *job);

/*
 * It is initialised and waits for its first event: the first look, at its clock and into its
 * memory, is taken now, when nobody waits for it. Under the pool's lock.
 */
void fa_meter_ready(struct fa_env *env);

/* A deadline is near: what takes long is read now, not between it and the kill. */
void fa_meter_ahead(struct fa_env *env);

/* Whether a program, all of its processes together, has more memory than it may. */
bool fa_meter_over(struct fa_env *env);

/* Whether a process that ended like this had run out of its memory. */
bool fa_meter_starved(const struct fa_env *env, int wait_status);

/* The most memory a process has had at once; 0: it is gone. */
int64_t fa_meter_peak_kb(int pid);

clockid_t fa_meter_clock(int pid);

/* The process's id as this process sees it, from its pidfd; 0 if it is gone. */
int fa_meter_pid(int pidfd);

#endif
