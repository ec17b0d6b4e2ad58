/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_CGROUP_H
#define FA_WORKER_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include <worker/layers.h>

/*
 * Control groups for memory, pids and cpu: below the host's own, version 2 where
 * it has the controllers, else version 1. One group per nest and hierarchy, named
 * libfaas-<pid of the supervisor>-<number>.
 */
#define FA_CGROUP_HIERARCHIES 3

struct fa_cgroups {
	int count;
	struct {
		int parent;     /* directory of the host's own group */
		bool v2;
		uint32_t layers; /* FAAS_LAYER_CGROUP_*, that this hierarchy serves */
	} at[FA_CGROUP_HIERARCHIES];
};

struct fa_cgroup_limits {
	uint32_t memory_mb;    /* of one environment, and its /tmp */
	uint32_t tmp_mb;
	uint32_t environments; /* at least 1 */
	bool cpu_cap;
};

/* Find where groups can be made; takes out the layers that cannot be had. */
void fa_cgroups_open(struct fa_cgroups *groups, struct fa_layers *layers);

/* Where to write "0" in order to join a group; -1: nowhere. */
struct fa_cgroup_door {
	int fd;
	uint32_t layers;
};

/*
 * Make the groups of one nest, and open their doors. Joining takes version 1
 * milliseconds, so the nest does it itself.
 */
void fa_cgroup_create(const struct fa_cgroups *groups, uint32_t number, struct fa_layers *layers,
		      struct fa_cgroup_door doors[FA_CGROUP_HIERARCHIES]);
void fa_cgroup_join(const struct fa_cgroup_door doors[FA_CGROUP_HIERARCHIES],
		    struct fa_layers *layers);
void fa_cgroup_limit(const struct fa_cgroups *groups, uint32_t number,
		     const struct fa_cgroup_limits *limits);
void fa_cgroup_remove(const struct fa_cgroups *groups, uint32_t number);

#endif
