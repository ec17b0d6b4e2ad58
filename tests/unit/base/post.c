/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <base/post.h>

TEST(an_empty_queue_yields_nothing)
{
	struct fa_post post = { 0 };

	assert_null(fa_post_take(&post));
}

TEST(only_the_first_push_into_an_empty_queue_says_so)
{
	struct fa_post post = { 0 };
	struct fa_post_node a, b;

	assert_true(fa_post_push(&post, &a));
	assert_false(fa_post_push(&post, &b));
	fa_post_take(&post);
	assert_true(fa_post_push(&post, &b));
}

TEST(what_was_pushed_is_taken_oldest_first)
{
	struct fa_post post = { 0 };
	struct fa_post_node nodes[3], *node;

	for (int i = 0; i < 3; i++)
		fa_post_push(&post, &nodes[i]);
	node = fa_post_take(&post);
	for (int i = 0; i < 3; i++, node = node->next)
		assert_ptr_equal(node, &nodes[i]);
	assert_null(node);
	assert_null(fa_post_take(&post));
}

TEST(a_node_may_be_pushed_again_once_taken)
{
	struct fa_post post = { 0 };
	struct fa_post_node node;

	for (int i = 0; i < 3; i++) {
		assert_true(fa_post_push(&post, &node));
		assert_ptr_equal(fa_post_take(&post), &node);
		assert_null(node.next);
	}
}

/* `whose`: 'o', the consumer's own, or 't', of another thread. */
static void expect_order(const char *whose)
{
	struct fa_post post = { 0 };
	struct fa_post_node nodes[8], *node;
	size_t count = strlen(whose);

	assert_false(fa_post_any(&post));
	for (size_t i = 0; i < count; i++) {
		if (whose[i] == 'o')
			fa_post_push_own(&post, &nodes[i]);
		else
			fa_post_push(&post, &nodes[i]);
		assert_true(fa_post_any(&post));
	}
	node = fa_post_take(&post);
	for (size_t i = 0; i < count; i++, node = node->next)
		assert_ptr_equal(node, &nodes[i]);
	assert_null(node);
	assert_false(fa_post_any(&post));
	assert_null(fa_post_take(&post));
}

TEST(the_consumers_own_are_taken_in_turn_with_those_of_others)
{
	expect_order("o");
	expect_order("ooo");
	expect_order("oto");
	expect_order("tot");
	expect_order("ootto");
	expect_order("otootto");
}

TEST(only_the_first_of_others_says_so_whatever_the_consumer_pushed)
{
	struct fa_post post = { 0 };
	struct fa_post_node a, b, c;

	fa_post_push_own(&post, &a);
	assert_true(fa_post_push(&post, &b)); /* else nobody would wake the consumer for it */
	assert_false(fa_post_push(&post, &c));
}

#define PRODUCERS 4
#define EACH 5000

struct numbered {
	struct fa_post_node node; /* first */
	int producer, number;
};

static struct fa_post shared;
static struct numbered messages[PRODUCERS][EACH];
static _Atomic int empties;

static void *produce(void *arg)
{
	struct numbered *mine = arg;

	for (int i = 0; i < EACH; i++)
		if (fa_post_push(&shared, &mine[i].node))
			empties++;
	return NULL;
}

TEST(many_producers_lose_nothing_and_each_keeps_its_order)
{
	pthread_t threads[PRODUCERS];
	int next[PRODUCERS] = { 0 }, taken = 0, batches = 0;

	for (int p = 0; p < PRODUCERS; p++) {
		for (int i = 0; i < EACH; i++)
			messages[p][i] = (struct numbered){ .producer = p, .number = i };
		assert_int_equal(pthread_create(&threads[p], NULL, produce, messages[p]), 0);
	}
	while (taken < PRODUCERS * EACH) {
		struct fa_post_node *node = fa_post_take(&shared);

		batches += node != NULL;
		if (!node)
			sched_yield();
		for (; node; node = node->next, taken++) {
			struct numbered *m = (struct numbered *)node;

			assert_int_equal(m->number, next[m->producer]++);
		}
	}
	for (int p = 0; p < PRODUCERS; p++)
		pthread_join(threads[p], NULL);
	/* One wake-up for each time the consumer had emptied the queue. */
	assert_int_equal(empties, batches);
	assert_null(fa_post_take(&shared));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_queue_yields_nothing),
		cmocka_unit_test(only_the_first_push_into_an_empty_queue_says_so),
		cmocka_unit_test(what_was_pushed_is_taken_oldest_first),
		cmocka_unit_test(a_node_may_be_pushed_again_once_taken),
		cmocka_unit_test(the_consumers_own_are_taken_in_turn_with_those_of_others),
		cmocka_unit_test(only_the_first_of_others_says_so_whatever_the_consumer_pushed),
		cmocka_unit_test(many_producers_lose_nothing_and_each_keeps_its_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
