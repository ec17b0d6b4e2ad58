/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PLACE_H
#define FA_WORKER_PLACE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether to stay on the caller's CPU; see place.c. */
struct fa_place {
	uint32_t streak;     /* requests that followed each other closely */
	int64_t began_ns;    /* the first of them */
	int64_t last_ns;     /* the last */
	int64_t together_ns; /* what each took before the move under trial */
	uint32_t trial;      /* streaks to go until it is judged; 0: no trial */
	int64_t again_ns;    /* no trial before */
	int64_t pause_ns;    /* after the next one that fails */
};

/*
 * One request is done. `close`: it followed the one before it closely and was
 * short. `same`: its caller is on our CPU. Returns whether to move now.
 */
bool fa_place_turn(struct fa_place *place, int64_t now_ns, bool close, bool same);

/* Go to another CPU than `cpu`, for now: where we may run does not change. */
void fa_place_leave(uint32_t cpu);

static inline bool fa_place_on_trial(const struct fa_place *place)
{
	return place->trial;
}

#endif
