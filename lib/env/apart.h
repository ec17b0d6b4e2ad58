/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_APART_H
#define FA_ENV_APART_H

struct fa_env;

/*
 * Move its process off the CPU of this thread, if it is on that and there is another. A nudge
 * and no binding: which CPUs it may use stays as it was. For who holds its lease.
 */
void fa_env_send_away(struct fa_env *env);

#endif
