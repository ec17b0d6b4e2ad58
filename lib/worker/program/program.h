/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PROGRAM_H
#define FA_WORKER_PROGRAM_H

#include <worker/run.h>

/*
 * The life of an environment whose function is a program: start its `bootstrap` and be its
 * Runtime API, one request after the other. Called once, as fa_run() is.
 */
_Noreturn void fa_program_run(const struct fa_run *run);

/* False: this worker was built without HTTP. */
bool fa_program_possible(void);

#endif
