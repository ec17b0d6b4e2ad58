/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_VPC_H
#define FA_ENV_VPC_H

#include <env/wire.h>

struct fa_version;

/* Subnets and groups of a function in the words of the wire. It names such as there are. */

/* What its nest itself has to know. */
void fa_vpc_announce(struct fa_nest_setup *setup, const struct fa_version *version);
/* All the rest, which goes before the setup of its nest. 0 or -errno. */
int fa_vpc_send(int supervisor, const struct fa_version *version, uint32_t nest);

#endif
