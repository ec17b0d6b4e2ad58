/* SPDX-License-Identifier: MIT */
#ifndef FA_ENV_POLICY_H
#define FA_ENV_POLICY_H

#include <stdint.h>
#include <faas/faas.h>

/*
 * Which idle environments stay. The policy is told when an environment goes to work
 * and comes back, and what a cold start takes; it is asked who goes first, how long
 * one stays, and when one should be warmed ahead. It reads no clock, allocates
 * nothing and locks nothing: a habit is its pool's, a policy its runtime's.
 */

#define FA_GAPS 64  /* of a histogram: four per doubling, from a quarter of a second to 9 hours */
#define FA_RANKS 16 /* 1 2 3 4 -6 -8 -12 -16 -24 -32 -48 -64 -96 -128 -192 and more at a time */
#define FA_RESTS 32 /* each rank's own rest; what is beyond shares the last one's */

/* How long the n-th environment of a function rests, where n is how many work at a time. */
struct fa_rank {
	uint8_t gaps[FA_GAPS];
	uint8_t total;
};

/* What is known of the demand for one function. */
struct fa_habit {
	int memory_mb;         /* of one environment */
	int busy;              /* that work now */
	int64_t cold_ns;       /* what a cold start takes, of late; 0: not known */
	struct fa_rank ranks[FA_RANKS];
	int64_t since_ns[FA_RESTS]; /* when work of the n-th ended last; 0: never */
};

/* One environment's piece of work, between begin and end. */
struct fa_turn {
	int rank;              /* 0: it does not work */
	int64_t since_ns;      /* its rank's before */
};

struct fa_policy {
	enum faas_keep keep;
	int64_t idle_ns;       /* none stays longer; 0: by the policy */
	double price;          /* what the memory was worth to those that had to go of late */
	double lent_s;         /* how far apart they had to go of late */
	int64_t evicted_ns;    /* when the last one had to; 0: none has */
};

/* An environment goes to work: no time is asked for. */
void fa_policy_begin(struct fa_habit *habit, struct fa_turn *turn);
/* It comes back. began_ns 0: not known, and nothing is learned but that it ended. */
void fa_policy_end(struct fa_habit *habit, struct fa_turn *turn, int64_t began_ns,
		   int64_t ended_ns);
/* A cold start was measured. */
void fa_policy_cold(struct fa_habit *habit, int64_t cold_ns);

/*
 * Who goes first: the least of these, asked of the one that is idle longest among the
 * `idle` of its function, since `since_ns`.
 */
double fa_policy_worth(const struct fa_policy *policy, const struct fa_habit *habit, int idle,
		       int64_t since_ns, int64_t now_ns);
/* It was told to go for its memory, now. */
void fa_policy_evicted(struct fa_policy *policy, double worth, int64_t now_ns);
/*
 * Until when this one may stay if nobody needs the memory. INT64_MAX: for ever. Later than
 * usual while it is worth more than what had to go of late.
 */
int64_t fa_policy_until(const struct fa_policy *policy, const struct fa_habit *habit, int idle,
			int64_t since_ns);
/* None is to go sooner than so long after its work; INT64_MAX: none ever is. */
int64_t fa_policy_soonest_ns(const struct fa_policy *policy);
/* The function has no environment left: when to warm one ahead. INT64_MAX: not at all. */
int64_t fa_policy_ahead(const struct fa_policy *policy, const struct fa_habit *habit,
			int64_t now_ns);

#endif
