/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_PROCESS_H
#define FA_ENV_PROCESS_H

struct fa_env;

/* fa_env_kind.birth and .prepare of a process: under the pool's lock, 0 or -errno. */
int fa_process_birth(struct fa_env *env);
int fa_process_prepare(struct fa_env *env);

#endif
