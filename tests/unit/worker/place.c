/* SPDX-License-Identifier: MIT */
/* When a worker leaves its caller's CPU; time is an argument. */
#include "support/test.h"

#include <sched.h>

#include <worker/place.h>

#define STREAK 101 /* events 5 us apart that are enough to tell */
#define MS INT64_C(1000000)

static struct fa_place place;
static int64_t now;

static int begin_at_zero(void **state)
{
	(void)state;
	memset(&place, 0, sizeof(place));
	now = 0;
	return 0;
}

/* So many close events, `step` apart; returns whether the last of them made it move. */
static bool events(int count, int64_t step, bool same)
{
	bool moved = false;

	for (int i = 0; i < count; i++) {
		assert_false(moved);
		moved = fa_place_turn(&place, now += step, true, same);
	}
	return moved;
}

/* The move and both streaks of its trial. */
static void try_out(int64_t step)
{
	assert_true(events(STREAK, 5000, true));
	while (fa_place_on_trial(&place))
		assert_false(fa_place_turn(&place, now += step, true, false));
}

TEST(a_streak_on_the_callers_cpu_makes_the_worker_move)
{
	assert_true(events(STREAK, 5000, true));
	assert_true(fa_place_on_trial(&place));
}

TEST(few_events_or_a_short_time_are_not_enough_to_tell)
{
	assert_false(events(64, 100000, true)); /* long, but few */
	begin_at_zero(NULL);
	assert_false(events(100, 5000, true)); /* many, but not half a millisecond */
}

TEST(a_worker_on_another_cpu_stays_where_it_is)
{
	assert_false(events(10 * STREAK, 5000, false));
}

TEST(a_pause_begins_the_count_anew)
{
	for (int i = 0; i < 10 * STREAK; i++)
		assert_false(fa_place_turn(&place, now += 5000, i % (STREAK - 1), true));
}

TEST(a_move_that_pays_may_be_repeated_at_once)
{
	try_out(700);
	assert_true(events(STREAK, 5000, true));
}

TEST(a_slow_first_streak_after_the_move_does_not_count)
{
	assert_true(events(STREAK, 5000, true));
	events(65, 50000, false); /* everybody wakes up once more */
	assert_true(fa_place_on_trial(&place));
	while (fa_place_on_trial(&place))
		fa_place_turn(&place, now += 700, true, false);
	assert_true(events(STREAK, 5000, true));
}

TEST(a_move_that_does_not_pay_is_put_off_longer_each_time)
{
	int64_t pause = 10 * MS;

	for (int i = 0; i < 12; i++) {
		try_out(5000);
		now += pause - STREAK * 5000 - 1; /* the next streak ends just too early */
		assert_false(events(STREAK, 5000, true));
		pause = 2 * pause < 1000 * MS ? 2 * pause : 1000 * MS;
	}
}

TEST(a_trial_cut_short_is_judged_by_what_there_was_of_it)
{
	assert_true(events(STREAK, 5000, true));
	assert_false(fa_place_turn(&place, now += 200000, false, false));
	assert_false(events(STREAK, 5000, true)); /* nothing */
	now += 10 * MS;
	assert_true(events(STREAK, 5000, true));
	assert_false(events(20, 700, false));
	assert_false(fa_place_turn(&place, now += 200000, false, false));
	assert_true(events(STREAK, 5000, true)); /* twenty fast ones */
}

TEST(leaving_a_cpu_changes_nothing_of_where_one_may_run)
{
	cpu_set_t before, after;

	sched_getaffinity(0, sizeof(before), &before);
	fa_place_leave((uint32_t)sched_getcpu());
	sched_getaffinity(0, sizeof(after), &after);
	assert_true(CPU_EQUAL(&before, &after));
	fa_place_leave(UINT32_MAX); /* the caller's word, and it knows none */
	sched_getaffinity(0, sizeof(after), &after);
	assert_true(CPU_EQUAL(&before, &after));
}

#define FROM_ZERO(test) cmocka_unit_test_setup(test, begin_at_zero)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FROM_ZERO(a_streak_on_the_callers_cpu_makes_the_worker_move),
		FROM_ZERO(few_events_or_a_short_time_are_not_enough_to_tell),
		FROM_ZERO(a_worker_on_another_cpu_stays_where_it_is),
		FROM_ZERO(a_pause_begins_the_count_anew),
		FROM_ZERO(a_move_that_pays_may_be_repeated_at_once),
		FROM_ZERO(a_slow_first_streak_after_the_move_does_not_count),
		FROM_ZERO(a_move_that_does_not_pay_is_put_off_longer_each_time),
		FROM_ZERO(a_trial_cut_short_is_judged_by_what_there_was_of_it),
		cmocka_unit_test(leaving_a_cpu_changes_nothing_of_where_one_may_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
