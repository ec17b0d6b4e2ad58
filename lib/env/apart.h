/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_APART_H
#define FA_ENV_APART_H

struct fa_env;

/*
 * Shortly before a late one may have to be killed: its process leaves the CPU of this thread, if
 * it is on that and there is another, and its heir, if that is ready, comes to sleep here when this
 * thread sleeps. Nudges and no bindings: which CPUs they may use stays as it was. For who
 * holds the lease of the late one.
 */
void fa_env_part(struct fa_env *env);

#endif
