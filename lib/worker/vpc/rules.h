/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_VPC_RULES_H
#define FA_WORKER_VPC_RULES_H

#include <stddef.h>

#include <env/wire.h>

/*
 * The rules of one network as nft(8) reads them: `own` are addresses of this machine. The text
 * is malloc()ed; NULL: no memory.
 */
char *fa_rules_write(const struct fa_vpc *vpc, const uint32_t *own, size_t own_count);

#endif
