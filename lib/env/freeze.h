/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_FREEZE_H
#define FA_ENV_FREEZE_H

#include <env/env.h>

/*
 * Between events nothing of a function runs (semantics 3.1.6). A worker that is alone
 * sleeps, and nothing is asked of it. One that says it has company, threads or children,
 * is stopped together with them when its environment has nothing to do, and goes on with
 * the next event. It is not believed for its own sake: who keeps silent gains what CPU
 * time it takes, and that is bounded by cpu_cap.
 */
void fa_env_freeze(struct fa_env *env); /* under the pool's lock; it is idle */
void fa_env_thaw(struct fa_env *env);   /* for who has posted something */

#endif
