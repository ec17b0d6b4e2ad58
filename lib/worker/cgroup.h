/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_CGROUP_H
#define FA_WORKER_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <worker/layers.h>

/*
 * Control groups for memory, pids and cpu: below the host's own, version 2 where
 * it has the controllers, else version 1. One group per nest and hierarchy, named
 * libfaas-<pid of the supervisor>-<number>.
 *
 * Making, joining or removing one may take milliseconds, whenever anybody on the
 * machine moves processes between groups. So nobody does it whom others wait for.
 */
#define FA_CGROUP_HIERARCHIES 3

struct fa_cgroups {
	int count;
	pid_t owner;            /* the supervisor */
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

/*
 * Make the groups of one nest, with limits that hold for any. Takes out of layers what cannot
 * be had; whether that was nothing.
 */
bool fa_cgroup_make(const struct fa_cgroups *groups, uint32_t number, struct fa_layers *layers);

/*
 * Go there, ourselves: who has one thread, and is yet who made them. Takes out of layers what
 * cannot be had.
 */
void fa_cgroup_enter(const struct fa_cgroups *groups, uint32_t number, struct fa_layers *layers);

/* What the function may have. Waits for nobody; groups that are not there have no limits. */
void fa_cgroup_limit(const struct fa_cgroups *groups, uint32_t number,
		     const struct fa_cgroup_limits *limits);

/* Nobody is in them any more. False: one is there yet. */
bool fa_cgroup_remove(const struct fa_cgroups *groups, uint32_t number);

#endif
