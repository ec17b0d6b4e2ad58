/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_CHORES_H
#define FA_BASE_CHORES_H

#include <base/loop.h>

/*
 * A few threads for what would hold up the loop, or who asks for it: they are started when they are
 * needed, take no signals, and give what is done back to the loop.
 */
#define FA_CHORE_THREADS 4

struct fa_chore {
	void (*run)(struct fa_chore *chore);  /* on a thread */
	void (*done)(struct fa_chore *chore); /* on the loop, afterwards */
	struct fa_call call;
	struct fa_chore *next;
};

struct fa_chores {
	struct fa_loop *loop;
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	struct fa_chore *first, **last;
	pthread_t threads[FA_CHORE_THREADS];
	int count, idle;
	bool ending;
};

void fa_chores_init(struct fa_chores *chores, struct fa_loop *loop);
/* [loop] No chore is open; the threads end, which they are about to do anyway. */
void fa_chores_finish(struct fa_chores *chores);
/* Any thread. Without a thread to be had it runs here, before this returns. */
void fa_chores_add(struct fa_chores *chores, struct fa_chore *chore);

#endif
