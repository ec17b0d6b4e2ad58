/* SPDX-License-Identifier: MIT */
#ifndef FA_BUILD_H
#define FA_BUILD_H

/*
 * What takes its time of a new function or a change of one, for who does not wait: its code
 * is made, and what is provisioned of it gets ready, on a thread of ours. Until then a new
 * function is pending, and an old one serves as it was.
 */
#include <functions.h>

struct fa_build;

/*
 * In a change, with which it is accepted. With `publish` the first version is there, too, and
 * shares its fate. NULL: see err.
 */
struct fa_build *fa_build_create(struct faas *rt, const struct faas_function_config *config,
				 const struct fa_code *code, bool publish,
				 struct faas_error *err);
/* Inside a call. Accepted when this returns; NULL: see err, and nothing was changed. */
struct fa_build *fa_build_change(struct faas *rt, struct fa_version *old,
				 const struct faas_function_config *change,
				 const struct fa_code *code, const char *revision,
				 struct faas_error *err);
/* What is being made, borrowed until it is started: a number if one was published. */
const struct fa_version *fa_build_version(const struct fa_build *build);
/*
 * What was accepted goes on when it is started, or, if the program ends before, with the next
 * one on the same state_dir. What was not is dropped; NULL is fine.
 */
void fa_build_start(struct fa_build *build);
void fa_build_drop(struct fa_build *build);

#endif
