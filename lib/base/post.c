/* SPDX-License-Identifier: MIT */
/*
 * Pushing is one compare-and-swap, taking one exchange of the whole stack. As
 * nothing is ever popped singly, a node that returns at the same address
 * cannot confuse a producer.
 */
#include <base/post.h>

#include <stddef.h>

bool fa_post_push(struct fa_post *post, struct fa_post_node *node)
{
	struct fa_post_node *top = atomic_load_explicit(&post->top, memory_order_relaxed);

	do
		node->next = top;
	while (!atomic_compare_exchange_weak_explicit(&post->top, &top, node,
						      memory_order_seq_cst,
						      memory_order_relaxed));
	return !top;
}

struct fa_post_node *fa_post_take(struct fa_post *post)
{
	struct fa_post_node *node, *oldest = NULL;

	node = atomic_exchange_explicit(&post->top, NULL, memory_order_seq_cst);
	while (node) {
		struct fa_post_node *older = node->next;

		node->next = oldest;
		oldest = node;
		node = older;
	}
	return oldest;
}
