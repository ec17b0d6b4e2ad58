/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_BELL_H
#define FA_ENV_BELL_H

#include <stdint.h>
#include <faas/types.h>

struct fa_env;

#define FA_JUNK_MAX 64 /* returns without an answer, per answer */

/* [loop] Members of struct fa_env_kind, of the kind process. */
void fa_bell_rung(struct fa_env *env);
void fa_bell_give(struct fa_env *env, uint32_t serial, const struct faas_bytes *value);
void fa_bell_reply(struct fa_env *env, uint32_t serial, int code, struct faas_bytes words);

#endif
