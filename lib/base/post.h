/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_POST_H
#define FA_BASE_POST_H

#include <stdatomic.h>
#include <stdbool.h>

/*
 * Messages from many threads to one: an intrusive stack that the consumer
 * takes whole and reverses, so the order of each producer is kept and no
 * producer ever waits. A node belongs to the queue until taken.
 */
struct fa_post_node {
	struct fa_post_node *next;
};

struct fa_post {
	_Atomic(struct fa_post_node *) top;
	struct fa_post_node *own, **own_end; /* the consumer's to itself, oldest first */
};

/* Returns whether the queue was empty: the one who sees it so wakes the consumer. */
bool fa_post_push(struct fa_post *post, struct fa_post_node *node);
/* The consumer to itself: behind all that is there, and without an atomic operation. */
void fa_post_push_own(struct fa_post *post, struct fa_post_node *node);
/* All that was pushed, oldest first, linked by `next`; NULL if nothing. */
struct fa_post_node *fa_post_take(struct fa_post *post);
/* [consumer] Whether there is anything to take. */
static inline bool fa_post_any(const struct fa_post *post)
{
	return post->own || atomic_load(&post->top);
}

#endif
