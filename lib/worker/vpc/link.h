/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_VPC_LINK_H
#define FA_WORKER_VPC_LINK_H

#include <stdint.h>

/*
 * The five things that are asked of the kernel by rtnetlink(7). A socket speaks of the network
 * namespace that its thread was in when it was opened. All return 0 or -errno. Addresses are
 * IPv4, in the machine's byte order.
 */

#define FA_LINK_NAME "eth0" /* in an environment's network */

int fa_link_open(void); /* a socket or -errno */

/* A veth, up, in that bridge; its other end is FA_LINK_NAME there. -EEXIST: the name is taken. */
int fa_link_pair(int sock, const char *name, int bridge, int namespace, uint32_t address);
int fa_link_up(int sock, int index);
int fa_link_address(int sock, int index, uint32_t address, uint32_t bits);
int fa_link_gateway(int sock, uint32_t gateway);
/* Calls `each` with the addresses of this namespace, those of `lo` left out. */
int fa_link_addresses(int sock, void (*each)(void *data, uint32_t address), void *data);

#endif
