/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_REQUEST_H
#define FA_ENV_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

struct fa_env;
struct fa_job;

/* Members of struct fa_env_kind, of the kind process; who holds the lease calls them. */
void fa_request_post(struct fa_env *env, struct fa_job *job, unsigned flags);
void fa_request_ring(struct fa_env *env, int64_t now_ns);
bool fa_request_recall(struct fa_env *env);

/* Let nothing begin that is behind the oldest job. False: it may have; all is as it was. */
bool fa_request_hold(struct fa_env *env);
/* The same of the first job, whose init takes too long. False: init is over after all. */
bool fa_request_hold_first(struct fa_env *env);
/* Make all that is posted visible, and wake the worker if it sleeps. */
void fa_request_publish(struct fa_env *env);
/* Wake it if it sleeps for this reason, see fa_response_head.sleeping. */
void fa_request_rouse(struct fa_env *env, uint32_t reason);

/*
 * [loop] The header (FA_TRACE_MAX + 1 bytes) of the event that it is at, or "". Returns its number.
 */
uint32_t fa_request_trace(const struct fa_env *env, char *out);

#endif
