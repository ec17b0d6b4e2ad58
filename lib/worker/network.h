/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_NETWORK_H
#define FA_WORKER_NETWORK_H

#include <stdbool.h>

#include <env/wire.h>

/*
 * [nest] Network namespaces for environments in a VPC: made and ruled ahead, joined to a subnet
 * when one is born, and never used again. Zeroed, it has none, and nobody needs one.
 */

#define FA_NETWORKS_AHEAD 4

struct fa_networks {
	bool needed;
	int keeper; /* see vpc/keeper.h */
	int base;   /* the nest's own namespace */
	int ready[FA_NETWORKS_AHEAD], ready_count;
	int made;             /* waits for its rules; -1: none does */
	struct fa_ctl failed; /* .error and .text of the last attempt; then none is made ahead */
};

/* Takes the socket. `namespaces`: the directory of our own, as /proc has it. 0 or -errno. */
int fa_networks_open(struct fa_networks *networks, int keeper, int namespaces);

/* Is one to be made ahead? Then begin; its rules come when fa_networks_hear() hears of them. */
bool fa_networks_want(const struct fa_networks *networks);
void fa_networks_begin(struct fa_networks *networks, int namespaces);
void fa_networks_hear(struct fa_networks *networks);

/*
 * One with an address, which is the caller's; -1 if none is needed. 0, or -errno and *step,
 * which lives as long as `networks`: -EADDRNOTAVAIL, no subnet has an address.
 */
int fa_networks_take(struct fa_networks *networks, int namespaces, int *network, const char **step);

#endif
