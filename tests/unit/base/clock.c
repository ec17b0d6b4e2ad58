/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <time.h>
#include <base/clock.h>
#include <faas/types.h>
#include <support/failing_mem.h>

TEST(the_real_clock_never_goes_backwards)
{
	int64_t before = fa_now(&fa_clock_real);

	assert_true(before > 0);
	assert_true(fa_now(&fa_clock_real) >= before);
}

TEST(the_real_clock_knows_the_date)
{
	int64_t ms = fa_clock_real.unix_ms(&fa_clock_real);
	int64_t s = time(NULL);

	assert_in_range(ms / 1000, s - 2, s + 1);
}

TEST(a_virtual_clock_stands_still_until_moved)
{
	struct fa_clock_virtual clock;

	fa_clock_virtual_init(&clock, 1000);
	assert_int_equal(fa_now(&clock.clock), 0);
	assert_int_equal(clock.clock.unix_ms(&clock.clock), 1000);
	clock.ns += 2500000;
	assert_int_equal(fa_now(&clock.clock), 2500000);
	assert_int_equal(clock.clock.unix_ms(&clock.clock), 1002);
}

/* ---- timers ---- */

struct alarm {
	struct fa_timer timer; /* first */
	int number;
};

static struct fa_timers timers;
static struct alarm alarms[200];
static int rung[400], rings;

static void note(struct fa_timer *timer)
{
	rung[rings++] = ((struct alarm *)timer)->number;
}

static int setup(void **state)
{
	(void)state;
	fa_timers_init(&timers, &fa_mem_libc);
	rings = 0;
	for (int i = 0; i < 200; i++)
		alarms[i] = (struct alarm){ .timer.on_due = note, .number = i };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fa_timers_finish(&timers);
	return 0;
}

static void start(int i, int64_t at_ns)
{
	assert_int_equal(fa_timer_start(&timers, &alarms[i].timer, at_ns), 0);
}

TEST(without_timers_the_next_one_is_never)
{
	assert_true(fa_timers_next(&timers) == INT64_MAX);
	fa_timers_run(&timers, INT64_MAX);
	assert_int_equal(rings, 0);
}

TEST(a_timer_rings_at_its_time_and_not_before)
{
	start(0, 100);
	assert_int_equal(fa_timers_next(&timers), 100);
	fa_timers_run(&timers, 99);
	assert_int_equal(rings, 0);
	fa_timers_run(&timers, 100);
	assert_int_equal(rings, 1);
}

TEST(a_timer_rings_once)
{
	start(0, 100);
	fa_timers_run(&timers, 100);
	fa_timers_run(&timers, 1000);
	assert_int_equal(rings, 1);
	assert_int_equal(alarms[0].timer.index, 0);
}

TEST(timers_ring_in_the_order_of_their_times)
{
	for (int i = 0; i < 200; i++)
		start(i, i * 37 % 200);
	assert_int_equal(fa_timers_next(&timers), 0);
	fa_timers_run(&timers, 1000);
	assert_int_equal(rings, 200);
	for (int i = 1; i < 200; i++)
		assert_true(rung[i - 1] * 37 % 200 < rung[i] * 37 % 200);
}

TEST(a_stopped_timer_does_not_ring)
{
	start(0, 1);
	start(1, 2);
	fa_timer_stop(&timers, &alarms[0].timer);
	assert_int_equal(fa_timers_next(&timers), 2);
	fa_timers_run(&timers, 10);
	assert_int_equal(rings, 1);
	assert_int_equal(rung[0], 1);
}

TEST(stopping_a_timer_that_is_not_armed_is_harmless)
{
	fa_timer_stop(&timers, &alarms[0].timer);
	start(0, 1);
	fa_timer_stop(&timers, &alarms[0].timer);
	fa_timer_stop(&timers, &alarms[0].timer);
	assert_int_equal(timers.count, 0);
}

TEST(starting_an_armed_timer_moves_it)
{
	start(0, 10);
	start(1, 20);
	start(0, 30); /* later */
	assert_int_equal(fa_timers_next(&timers), 20);
	start(0, 5); /* sooner */
	assert_int_equal(fa_timers_next(&timers), 5);
	assert_int_equal(timers.count, 2);
}

TEST(any_timer_may_be_stopped_without_disturbing_the_order)
{
	for (int victim = 0; victim < 60; victim++) {
		rings = 0;
		for (int i = 0; i < 60; i++)
			start(i, i * 23 % 60);
		fa_timer_stop(&timers, &alarms[victim].timer);
		fa_timers_run(&timers, 100);
		assert_int_equal(rings, 59);
		for (int i = 1; i < rings; i++)
			assert_true(rung[i - 1] * 23 % 60 < rung[i] * 23 % 60);
	}
}

TEST(a_random_history_keeps_the_earliest_timer_first)
{
	uint32_t random = 1;

	for (int step = 0; step < 5000; step++) {
		int64_t earliest = INT64_MAX;

		random = random * 1664525 + 1013904223;
		struct fa_timer *timer = &alarms[(random >> 8) % 200].timer;

		if (random >> 30 == 0)
			fa_timer_stop(&timers, timer);
		else
			start((int)((struct alarm *)timer - alarms), random >> 16);
		for (int i = 0; i < 200; i++)
			if (alarms[i].timer.index && alarms[i].timer.at_ns < earliest)
				earliest = alarms[i].timer.at_ns;
		assert_true(fa_timers_next(&timers) == earliest);
	}
}

static void again(struct fa_timer *timer)
{
	note(timer);
	if (timer->at_ns < 50)
		fa_timer_start(&timers, timer, timer->at_ns + 10);
}

TEST(a_callback_may_start_its_own_timer_again)
{
	alarms[0].timer.on_due = again;
	start(0, 10);
	fa_timers_run(&timers, 35);
	assert_int_equal(rings, 3);
	assert_int_equal(fa_timers_next(&timers), 40);
}

static void stop_next(struct fa_timer *timer)
{
	note(timer);
	fa_timer_stop(&timers, &alarms[1].timer);
}

TEST(a_callback_may_stop_a_timer_that_is_due_as_well)
{
	alarms[0].timer.on_due = stop_next;
	start(0, 1);
	start(1, 2);
	start(2, 3);
	fa_timers_run(&timers, 10);
	assert_int_equal(rings, 2);
	assert_int_equal(rung[1], 2);
}

TEST(finishing_leaves_every_timer_unarmed)
{
	start(0, 1);
	start(1, 2);
	fa_timers_finish(&timers);
	assert_int_equal(alarms[0].timer.index, 0);
	assert_int_equal(alarms[1].timer.index, 0);
	assert_true(fa_timers_next(&timers) == INT64_MAX);
}

TEST(without_memory_a_timer_is_not_started_and_the_others_stay)
{
	struct failing_mem fm;
	int armed = 0;

	failing_mem_init(&fm);
	fm.fail_at = 2; /* the first growth */
	fa_timers_init(&timers, &fm.mem);
	while (fa_timer_start(&timers, &alarms[armed].timer, armed) == 0)
		armed++;
	assert_int_equal(fm.failed, 1);
	assert_int_equal(alarms[armed].timer.index, 0);
	/* Moving what is armed needs no memory. */
	assert_int_equal(fa_timer_start(&timers, &alarms[0].timer, 500), 0);
	fa_timers_run(&timers, 1000);
	assert_int_equal(rings, armed);
	fa_timers_finish(&timers);
	assert_true(failing_mem_clean(&fm));
}

/* All hundred but those for which there was memory are in no heap. */
static void start_without_memory(struct failing_mem *fm)
{
	failing_mem_init(fm);
	fm->fail_at = 2;
	fm->and_all_after = true;
	fa_timers_init(&timers, &fm->mem);
	for (int i = 0; i < 100; i++)
		fa_timer_start_sure(&timers, &alarms[i].timer, (i * 37) % 100);
	assert_true(fm->failed > 0 && !fa_list_empty(&timers.homeless));
}

TEST(who_must_be_started_rings_without_memory_and_in_order)
{
	struct failing_mem fm;

	start_without_memory(&fm);
	assert_int_equal(fa_timers_next(&timers), 0);
	fa_timers_run(&timers, 49);
	assert_int_equal(rings, 50);
	fa_timers_run(&timers, 99);
	assert_int_equal(rings, 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(alarms[rung[i]].number * 37 % 100, i);
	assert_true(fa_list_empty(&timers.homeless));
	assert_int_equal(timers.count, 0);
	fa_timers_finish(&timers);
}

TEST(who_has_no_place_is_moved_and_stopped_like_others)
{
	struct failing_mem fm;

	start_without_memory(&fm);
	for (int i = 0; i < 100; i += 2)
		fa_timer_stop(&timers, &alarms[i].timer);
	for (int i = 1; i < 100; i += 2)
		assert_int_equal(fa_timer_start(&timers, &alarms[i].timer, 200 - i), 0);
	fa_timers_run(&timers, 100);
	assert_int_equal(rings, 0);
	fa_timers_run(&timers, 200);
	assert_int_equal(rings, 50);
	for (int i = 0; i < 50; i++)
		assert_int_equal(rung[i], 99 - 2 * i);
	fa_timers_finish(&timers);
}

TEST(who_has_no_place_gets_one_when_another_leaves)
{
	struct failing_mem fm;

	start_without_memory(&fm);
	for (int i = 0; !fa_list_empty(&timers.homeless); i++)
		fa_timer_stop(&timers, &alarms[i].timer);
	fa_timers_run(&timers, 100);
	for (int i = 1; i < rings; i++)
		assert_true(rung[i - 1] * 37 % 100 < rung[i] * 37 % 100);
	fa_timers_finish(&timers);
}

TEST(finishing_leaves_those_without_a_place_unarmed)
{
	struct failing_mem fm;

	start_without_memory(&fm);
	fa_timers_finish(&timers);
	for (int i = 0; i < 100; i++)
		assert_int_equal(alarms[i].timer.index, 0);
	assert_int_equal(fa_timers_next(&timers), INT64_MAX);
	assert_true(failing_mem_clean(&fm));
}

/* ---- lines ---- */

static struct fa_timer_line line;

static void join(int i, int64_t at_ns)
{
	assert_int_equal(fa_timer_start_behind(&line, &alarms[i].timer, at_ns), 0);
}

static int setup_line(void **state)
{
	setup(state);
	fa_timer_line_init(&line, &timers);
	return 0;
}

static int teardown_line(void **state)
{
	fa_timer_line_finish(&line);
	assert_int_equal(timers.count, 0);
	return teardown(state);
}

TEST(those_in_a_line_ring_in_their_order_out_of_one_place)
{
	for (int i = 0; i < 200; i++)
		join(i, 100 + i / 2);
	assert_int_equal(timers.count, 1);
	assert_int_equal(fa_timers_next(&timers), 100);
	fa_timers_run(&timers, 99);
	assert_int_equal(rings, 0);
	fa_timers_run(&timers, 149);
	assert_int_equal(rings, 100);
	fa_timers_run(&timers, 1000);
	assert_int_equal(rings, 200);
	for (int i = 0; i < 200; i++)
		assert_int_equal(rung[i], i);
	assert_int_equal(timers.count, 0);
}

TEST(who_is_due_before_others_of_its_line_rings_before_them)
{
	join(0, 100);
	join(1, 300);
	join(2, 200);
	join(3, 50);
	join(4, 300);
	assert_int_equal(timers.count, 3); /* two of their own */
	fa_timers_run(&timers, 1000);
	assert_int_equal(rings, 5);
	assert_int_equal(rung[0], 3);
	assert_int_equal(rung[1], 0);
	assert_int_equal(rung[2], 2);
	assert_int_equal(rung[3], 1);
	assert_int_equal(rung[4], 4);
}

TEST(a_line_whose_last_have_left_is_joined_at_any_time)
{
	join(0, 300);
	fa_timer_stop(&timers, &alarms[0].timer);
	join(1, 100);
	assert_int_equal(fa_timers_next(&timers), 100);
	fa_timers_run(&timers, 100);
	assert_int_equal(rings, 1);
	fa_timers_run(&timers, 1000);
	assert_int_equal(rings, 1);
}

TEST(who_leaves_a_line_does_not_ring_and_the_others_do)
{
	for (int i = 0; i < 10; i++)
		join(i, i);
	for (int i = 0; i < 10; i += 3)
		fa_timer_stop(&timers, &alarms[i].timer);
	fa_timer_stop(&timers, &alarms[0].timer); /* once more */
	assert_int_equal(alarms[9].timer.index, 0);
	fa_timers_run(&timers, 100);
	assert_int_equal(rings, 6);
	for (int i = 0; i < 6; i++)
		assert_true(rung[i] % 3);
}

TEST(who_is_in_a_line_can_be_moved_to_the_heap_and_back)
{
	struct alarm *alarm = &alarms[0];

	join(0, 100);
	start(0, 50);
	join(1, 60);
	fa_timers_run(&timers, 70);
	assert_int_equal(rings, 2);
	assert_int_equal(rung[0], 0);
	start(0, 80);
	join(0, 90);
	fa_timer_start_sure(&timers, &alarm->timer, 110);
	fa_timers_run(&timers, 100);
	assert_int_equal(rings, 2);
	fa_timers_run(&timers, 110);
	assert_int_equal(rings, 3);
}

static void ring_on(struct fa_timer *timer)
{
	note(timer);
	fa_timer_stop(&timers, &alarms[1].timer);
	if (rings < 5)
		assert_int_equal(fa_timer_start_behind(&line, timer, timer->at_ns + 10), 0);
}

TEST(who_rings_may_join_again_and_stop_the_next)
{
	alarms[0].timer.on_due = ring_on;
	join(0, 10);
	join(1, 10);
	join(2, 35);
	fa_timers_run(&timers, 1000);
	assert_int_equal(rings, 5); /* 10, 20, 30, and 40 */
	assert_int_equal(rung[3], 2);
}

TEST(without_memory_for_its_place_nobody_joins_a_line)
{
	struct failing_mem fm;

	failing_mem_init(&fm);
	fm.fail_at = 1;
	fa_timers_init(&timers, &fm.mem);
	assert_int_equal(fa_timer_start_behind(&line, &alarms[0].timer, 10), FAAS_ENOMEM);
	assert_int_equal(alarms[0].timer.index, 0);
	join(0, 20);
	fa_timers_run(&timers, 20);
	assert_int_equal(rings, 1);
	fa_timers_finish(&timers);
	assert_true(failing_mem_clean(&fm));
}

#define TIMERS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define LINE(test) cmocka_unit_test_setup_teardown(test, setup_line, teardown_line)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_real_clock_never_goes_backwards),
		cmocka_unit_test(the_real_clock_knows_the_date),
		cmocka_unit_test(a_virtual_clock_stands_still_until_moved),
		TIMERS(without_timers_the_next_one_is_never),
		TIMERS(a_timer_rings_at_its_time_and_not_before),
		TIMERS(a_timer_rings_once),
		TIMERS(timers_ring_in_the_order_of_their_times),
		TIMERS(a_stopped_timer_does_not_ring),
		TIMERS(stopping_a_timer_that_is_not_armed_is_harmless),
		TIMERS(starting_an_armed_timer_moves_it),
		TIMERS(any_timer_may_be_stopped_without_disturbing_the_order),
		TIMERS(a_random_history_keeps_the_earliest_timer_first),
		TIMERS(a_callback_may_start_its_own_timer_again),
		TIMERS(a_callback_may_stop_a_timer_that_is_due_as_well),
		TIMERS(finishing_leaves_every_timer_unarmed),
		TIMERS(without_memory_a_timer_is_not_started_and_the_others_stay),
		TIMERS(who_must_be_started_rings_without_memory_and_in_order),
		TIMERS(who_has_no_place_is_moved_and_stopped_like_others),
		TIMERS(who_has_no_place_gets_one_when_another_leaves),
		TIMERS(finishing_leaves_those_without_a_place_unarmed),
		LINE(those_in_a_line_ring_in_their_order_out_of_one_place),
		LINE(who_is_due_before_others_of_its_line_rings_before_them),
		LINE(a_line_whose_last_have_left_is_joined_at_any_time),
		LINE(who_leaves_a_line_does_not_ring_and_the_others_do),
		LINE(who_is_in_a_line_can_be_moved_to_the_heap_and_back),
		LINE(who_rings_may_join_again_and_stop_the_next),
		LINE(without_memory_for_its_place_nobody_joins_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
