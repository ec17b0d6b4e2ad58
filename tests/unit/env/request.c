/* SPDX-License-Identifier: MIT */
/* What has not begun is taken back, or held back, and what has is not: on areas without a worker.
 */
#include "support/test.h"

#include <pthread.h>
#include <stdlib.h>

#include <env/env.h>
#include <env/pool.h>
#include <env/request.h>
#include <model/function.h>

static struct fa_kit kit;
static struct fa_env env;

/* The oldest of three is number 7; the worker says that it has begun this one. */
static void hand_over_three(uint32_t begun)
{
	memset(&env, 0, sizeof(env));
	env.kit = &kit;
	env.done = 6;
	env.want = env.rung = 9;
	atomic_store(&kit.request->seq, 9);
	atomic_store(&kit.response->begun, begun);
}

static uint32_t may_begin(void)
{
	return atomic_load(&kit.request->seq);
}

TEST(what_stands_behind_the_oldest_is_held_back_until_it_begins)
{
	for (uint32_t begun = 5; begun <= 7; begun++) {
		hand_over_three(begun);
		assert_true(fa_request_hold(&env));
		assert_int_equal(may_begin(), 7);
		assert_int_equal(env.want, 9);
	}
}

TEST(what_has_begun_behind_the_oldest_goes_on_and_so_does_the_rest)
{
	for (uint32_t begun = 8; begun <= 9; begun++) {
		hand_over_three(begun);
		assert_false(fa_request_hold(&env));
		assert_int_equal(may_begin(), 9);
		assert_false(fa_request_recall(&env));
		assert_int_equal(may_begin(), 9);
		assert_int_equal(env.want, 9);
	}
}

TEST(what_is_taken_back_is_no_longer_posted)
{
	hand_over_three(7);
	assert_true(fa_request_recall(&env));
	assert_int_equal(may_begin(), 7);
	assert_int_equal(env.want, 7);
	assert_int_equal(env.rung, 7);
}

TEST(what_was_not_told_of_yet_is_taken_back_without_asking)
{
	hand_over_three(8); /* which says that it has begun */
	env.rung = 7;
	atomic_store(&kit.request->seq, 7);
	assert_true(fa_request_recall(&env));
	assert_int_equal(may_begin(), 7);
	assert_int_equal(env.want, 7);
	assert_int_equal(env.rung, 7);
}

/* Numbers wrap. */
TEST(the_oldest_may_be_the_last_of_all_numbers)
{
	hand_over_three(0);
	env.done = UINT32_MAX - 1;
	env.want = env.rung = 1;
	atomic_store(&kit.response->begun, UINT32_MAX);
	assert_true(fa_request_hold(&env));
	assert_int_equal(may_begin(), UINT32_MAX);
	atomic_store(&kit.response->begun, 0);
	assert_false(fa_request_hold(&env));
	assert_int_equal(may_begin(), 1);
}

/* One that only had to be told of is not told of by a hold. */
TEST(what_was_not_told_of_yet_is_not_told_of)
{
	hand_over_three(8);
	env.want = 10;
	assert_false(fa_request_hold(&env));
	assert_int_equal(may_begin(), 9);
}

static bool rings(void)
{
	char ring;

	return recv(kit.bell_worker, &ring, 1, MSG_DONTWAIT) == 1;
}

TEST(who_sleeps_in_poll_is_woken_by_its_bell)
{
	_Atomic uint32_t *sleeping = &kit.response->sleeping;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	kit.bell = pair[0];
	kit.bell_worker = pair[1];
	hand_over_three(7);
	for (uint32_t how = 0; how <= 4; how++) {
		atomic_store(sleeping, how);
		fa_request_publish(&env);
		assert_int_equal(rings(), how == 3);
		assert_int_equal(atomic_load(sleeping), how == 1 || how == 3 ? 0 : how);
	}
	atomic_store(sleeping, 3);
	fa_request_rouse(&env, 2);
	assert_false(rings());
	close(pair[0]);
	close(pair[1]);
}

/* ---- where it lies ---------------------------------------------------- */

/* Returns its slot. */
static uint32_t post(unsigned flags)
{
	static struct fa_job job;
	uint32_t depth;

	fa_request_post(&env, &job, flags);
	depth = kit.request->depth;
	assert_int_equal(env.tokens[env.want & (depth - 1)],
			 fa_request_slot(kit.request, env.want & (depth - 1))->token);
	return env.want & (depth - 1);
}

static void nothing_is_open(bool pristine)
{
	static struct fa_version version;
	static struct fa_envs envs = { .clock = &fa_clock_real };
	static struct fa_pool pool = { .envs = &envs, .version = &version };

	version.config.pristine = pristine;
	memset(&env, 0, sizeof(env));
	fa_list_init(&env.scan);
	env.kit = &kit;
	env.pool = &pool;
	env.random[0] = 1;
	env.done = env.want = env.rung = 6;
}

static void all_are_done(void)
{
	env.done = env.rung = env.want;
}

TEST(who_waits_has_the_first_slot_whatever_came_before)
{
	uint32_t slot;

	nothing_is_open(false);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(post(0), 0);
		all_are_done();
		slot = post(FA_REQ_ASYNC);
		assert_int_equal(slot, env.want & (FA_DEPTH - 1));
		all_are_done();
	}
}

TEST(what_is_handed_over_ahead_has_a_slot_for_each)
{
	nothing_is_open(false);
	for (uint32_t i = 0; i < FA_DEPTH; i++)
		assert_int_equal(post(FA_REQ_ASYNC), (7 + i) & (FA_DEPTH - 1));
}

TEST(who_waits_behind_another_one_does_not_take_its_slot)
{
	nothing_is_open(false);
	assert_int_equal(post(FA_REQ_ASYNC | FA_REQ_START), 7);
	assert_int_equal(post(0), 8);
}

TEST(a_pristine_one_has_one_slot)
{
	nothing_is_open(true);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(post(i == 1 ? FA_REQ_ASYNC : 0), 0);
		all_are_done();
	}
}

/* ---- a first event ----------------------------------------------------- */

static void hand_over_first(uint64_t init_done_ns)
{
	hand_over_three(0);
	env.done = 0;
	env.want = env.rung = 1;
	atomic_store(&kit.request->seq, 1);
	atomic_store(&kit.response->init_done_ns, init_done_ns);
}

TEST(an_event_whose_init_takes_too_long_cannot_begin_any_more)
{
	hand_over_first(0);
	assert_true(fa_request_hold_first(&env));
	assert_int_equal(may_begin(), 0);
}

TEST(an_event_whose_init_is_over_after_all_goes_on)
{
	hand_over_first(1);
	assert_false(fa_request_hold_first(&env));
	assert_int_equal(may_begin(), 1);
}

/* As worker/run.c does it: init is over, and is there an event? */
static void *end_init(void *data)
{
	atomic_store(&kit.response->init_done_ns, 1);
	*(bool *)data = atomic_load(&kit.request->seq) == 1;
	return NULL;
}

TEST(no_event_begins_after_its_init_was_called_off)
{
	for (int i = 0; i < 2000; i++) {
		bool began = false, held;
		pthread_t thread;

		hand_over_first(0);
		assert_int_equal(pthread_create(&thread, NULL, end_init, &began), 0);
		held = fa_request_hold_first(&env);
		pthread_join(thread, NULL);
		assert_false(held && began);
		assert_true(held || may_begin() == 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stands_behind_the_oldest_is_held_back_until_it_begins),
		cmocka_unit_test(what_has_begun_behind_the_oldest_goes_on_and_so_does_the_rest),
		cmocka_unit_test(what_is_taken_back_is_no_longer_posted),
		cmocka_unit_test(what_was_not_told_of_yet_is_taken_back_without_asking),
		cmocka_unit_test(the_oldest_may_be_the_last_of_all_numbers),
		cmocka_unit_test(what_was_not_told_of_yet_is_not_told_of),
		cmocka_unit_test(who_sleeps_in_poll_is_woken_by_its_bell),
		cmocka_unit_test(who_waits_has_the_first_slot_whatever_came_before),
		cmocka_unit_test(what_is_handed_over_ahead_has_a_slot_for_each),
		cmocka_unit_test(who_waits_behind_another_one_does_not_take_its_slot),
		cmocka_unit_test(a_pristine_one_has_one_slot),
		cmocka_unit_test(an_event_whose_init_takes_too_long_cannot_begin_any_more),
		cmocka_unit_test(an_event_whose_init_is_over_after_all_goes_on),
		cmocka_unit_test(no_event_begins_after_its_init_was_called_off),
	};
	int failed;

	kit.request = calloc(1, FA_REQUEST_AREA);
	kit.response = calloc(1, FA_RESPONSE_AREA);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(kit.request);
	free(kit.response);
	return failed;
}
