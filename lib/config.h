/* SPDX-License-Identifier: MIT */
#ifndef FA_CONFIG_H
#define FA_CONFIG_H

#include <base/mem.h>
#include <faas/faas.h>

/* What the host wants of its runtime: judged, copied, and said where it left it open. */

/* Whether each number and each word of it is one. FAAS_EINVAL. */
int fa_config_check(const struct faas_config *config, struct faas_error *err);

/*
 * A copy with its own strings and prices, and with the defaults in place of what is 0. Lists are
 * left out: whoever keeps one copies it. Whatever it returns, fa_config_free() follows.
 */
int fa_config_copy(struct faas_config *mine, const struct fa_mem *mem,
		   const struct faas_config *config, struct faas_error *err);
void fa_config_free(struct faas_config *mine);

#endif
