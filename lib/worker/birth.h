/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_BIRTH_H
#define FA_WORKER_BIRTH_H

#include <sys/types.h>

#include <worker/sandbox.h>

/*
 * What the supervisor can do for nests on this machine: found out once, and
 * corrected downwards when the kernel turns out to refuse after all.
 */
struct fa_nursery {
	struct fa_layers layers;
	struct fa_cgroups groups;
	int view;          /* directory; -1: none */
	int landlock_abi;
	bool root;         /* may map any user id */
	bool setuid;       /* may become any user */
	uint32_t uid_base; /* of the first nest; the next has the next 65536 */
	uint32_t serial;   /* of the last nest made */
	uint32_t number;   /* of its groups */
	uint32_t numbers;  /* the last that was given */
	uint32_t ready;    /* the number of groups made ahead; 0: there are none */
};

void fa_nursery_open(struct fa_nursery *nursery);

/* An id that no nest has, for who is in none; 0: there is none to give. */
uint32_t fa_nursery_spare_uid(const struct fa_nursery *nursery);

/*
 * Clone a nest that leaves out the layers in `weak`, in groups that are ready or made now, and
 * whose environments may be in a group of the host's (0: they are in none). Returns its pid, or
 * -errno; *sock is our end of its socket. The child does not return.
 */
pid_t fa_nursery_bear(struct fa_nursery *nursery, uint32_t weak, uint32_t flags, uint32_t group,
		      int *sock);

#endif
