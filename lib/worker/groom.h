/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_GROOM_H
#define FA_WORKER_GROOM_H

#include <base/list.h>
#include <worker/birth.h>

/* Who makes control groups ahead, and removes those of dead nests; see groom.c. */
struct fa_groom {
	struct fa_nursery *nursery;
	pid_t pid;           /* 0: there is none */
	uint32_t makes;      /* the number of groups; 0: none */
	uint32_t removes;    /* those of so many of the dead, the first */
	bool failed;         /* to make them: the next nest makes its own, and tells why */
	bool untidy;         /* since it began, a nest has died */
	struct fa_list dead; /* fa_groups */
};

/* The groups of one nest; allocated. */
struct fa_groups {
	struct fa_list link;
	uint32_t number;
};

void fa_groom_init(struct fa_groom *groom, struct fa_nursery *nursery);
/* Removes all that is left. */
void fa_groom_end(struct fa_groom *groom);

/* Takes groups that nobody is in any more. */
void fa_groom_leave(struct fa_groom *groom, struct fa_groups *groups);

/* None are ready for the next nest, and there may be: it is better to wait for them. */
bool fa_groom_owes(const struct fa_groom *groom);

/* Whether to start one when there is time; `ahead`: more nests are to come. */
bool fa_groom_wanted(const struct fa_groom *groom, bool ahead);
void fa_groom_start(struct fa_groom *groom, bool ahead);
/* A nest was born, with groups of its own if need be. */
void fa_groom_retry(struct fa_groom *groom);
/* Any child has ended. */
void fa_groom_bury(struct fa_groom *groom, pid_t pid, int status);

#endif
