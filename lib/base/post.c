/* SPDX-License-Identifier: MIT */
/*
 * Pushing is one compare-and-swap, taking one exchange of the whole stack. As
 * nothing is ever popped singly, a node that returns at the same address
 * cannot confuse a producer.
 *
 * What the consumer pushes itself needs none of that. It stands in front of the stack, and is
 * put there only while that is empty: so whoever learnt of it, and pushes then, comes behind.
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

void fa_post_push_own(struct fa_post *post, struct fa_post_node *node)
{
	if (atomic_load_explicit(&post->top, memory_order_relaxed)) {
		fa_post_push(post, node);
		return;
	}
	if (!post->own)
		post->own_end = &post->own;
	node->next = NULL;
	*post->own_end = node;
	post->own_end = &node->next;
}

static struct fa_post_node *take_stack(struct fa_post *post)
{
	struct fa_post_node *node, *oldest = NULL;

	if (!atomic_load_explicit(&post->top, memory_order_relaxed))
		return NULL;
	node = atomic_exchange_explicit(&post->top, NULL, memory_order_seq_cst);
	while (node) {
		struct fa_post_node *older = node->next;

		node->next = oldest;
		oldest = node;
		node = older;
	}
	return oldest;
}

/* Both at once: what is pushed from here on comes behind both. */
struct fa_post_node *fa_post_take(struct fa_post *post)
{
	struct fa_post_node *own = post->own, *others = take_stack(post);

	if (!own)
		return others;
	*post->own_end = others;
	post->own = NULL;
	return own;
}
