/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_STREAM_H
#define FA_ENV_STREAM_H

#include <stdbool.h>

struct fa_env;
struct fa_job;

/* All [loop], of the kind process, for the oldest job if that streams. */

/* Whether there is a part to take, and somebody wants it. */
bool fa_stream_has_parts(const struct fa_env *env, const struct fa_job *job);
/*
 * Take parts. True: there are no more for now. False: there are, or the job has its
 * verdict, for the worker broke the rules.
 */
bool fa_stream_pour(struct fa_env *env, struct fa_job *job);

#endif
