/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_PLACE_H
#define FA_WORKER_PLACE_H

#include <stdbool.h>
#include <stdint.h>

enum fa_place_move {
	FA_PLACE_STAY,
	FA_PLACE_LEAVE, /* for another CPU than the caller's */
	FA_PLACE_JOIN,  /* the caller on its CPU */
};

/* Whether to be on the caller's CPU, and how long to wait awake; see place.c. Zeroed at first. */
struct fa_place {
	bool apart;          /* where the last request was served */
	bool judged;         /* being apart was, since the two came apart */
	uint32_t slow;       /* stretches in a row in which it did not pay */
	uint32_t strange;    /* stretches in a row unlike the one that it was judged by */
	uint32_t count;      /* requests of the stretch that is under way */
	int64_t spent_ns;    /* what they took, from end to end */
	int64_t last_ns;     /* end of the request before; 0: the next one follows none */
	int64_t gained_ns;   /* by being apart, of late; below 0: lost */
	int64_t together_ns; /* what a request took, by the last stretch; 0: not known */
	int64_t apart_ns;
	int64_t judged_ns; /* what it took apart when that was judged */
	int64_t again_ns;  /* not apart before */
	int64_t pause_ns;  /* the last one after a move that did not pay */
	int64_t look_ns;   /* no look at the other side before, just because this one changed */
	int64_t saved_ns;  /* by waiting awake, of late, less what it took in vain */
};

/*
 * One request is done, at `now_ns`; its host had posted it at `posted_ns`. `close`: requests
 * are short and follow each other closely. `apart`: the host is on another CPU. Returns
 * what to do now.
 */
enum fa_place_move fa_place_turn(struct fa_place *place, int64_t posted_ns, int64_t now_ns,
				 bool close, bool apart);

/* How long to wait awake for the next request, if a wake-up takes `wake_ns`. */
int64_t fa_place_patience(const struct fa_place *place, int64_t wake_ns);
/* It came meanwhile, which saved a wake-up; or it did not, and so long was in vain. */
void fa_place_waited(struct fa_place *place, bool came, int64_t ns);

/* Go to another CPU than `cpu`, or to that one, for now: where we may run does not change. */
void fa_place_leave(uint32_t cpu);
void fa_place_join(uint32_t cpu);

#endif
