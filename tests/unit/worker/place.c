/* SPDX-License-Identifier: MIT */
/* When a worker leaves its caller's CPU; time is an argument. */
#include "support/test.h"

#include <sched.h>

#include <worker/place.h>

#define STREAK 64
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

/* One streak of close events, `step` apart; returns whether its end made it move. */
static bool streak(int64_t step, bool same)
{
	bool moved = false;

	for (int i = 0; i <= STREAK; i++) {
		assert_false(moved);
		moved = fa_place_turn(&place, now += step, true, same);
	}
	return moved;
}

TEST(a_streak_on_the_callers_cpu_makes_the_worker_move)
{
	assert_true(streak(5000, true));
	assert_true(fa_place_on_trial(&place));
}

TEST(a_worker_on_another_cpu_stays_where_it_is)
{
	assert_false(streak(5000, false));
}

TEST(a_pause_begins_the_count_anew)
{
	for (int i = 0; i < 10 * STREAK; i++)
		assert_false(fa_place_turn(&place, now += 5000, i % STREAK, true));
}

TEST(a_move_that_pays_may_be_repeated_at_once)
{
	streak(5000, true);
	assert_false(streak(700, false));
	assert_false(fa_place_on_trial(&place));
	assert_true(streak(5000, true));
}

TEST(a_move_that_does_not_pay_is_put_off_longer_each_time)
{
	int64_t pause = 10 * MS;

	for (int i = 0; i < 12; i++) {
		assert_true(streak(5000, true));
		assert_false(streak(5000, true));
		now += pause - 100 * 5000; /* the next streak ends just too early */
		assert_false(streak(5000, true));
		now += 36 * 5000;
		pause = 2 * pause < 1000 * MS ? 2 * pause : 1000 * MS;
	}
}

TEST(a_trial_cut_short_has_failed)
{
	streak(5000, true);
	assert_false(fa_place_turn(&place, now += 200000, false, false));
	assert_false(streak(5000, true));
	now += 10 * MS;
	assert_true(streak(5000, true));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_streak_on_the_callers_cpu_makes_the_worker_move,
				       begin_at_zero),
		cmocka_unit_test_setup(a_worker_on_another_cpu_stays_where_it_is, begin_at_zero),
		cmocka_unit_test_setup(a_pause_begins_the_count_anew, begin_at_zero),
		cmocka_unit_test_setup(a_move_that_pays_may_be_repeated_at_once, begin_at_zero),
		cmocka_unit_test_setup(a_move_that_does_not_pay_is_put_off_longer_each_time,
				       begin_at_zero),
		cmocka_unit_test_setup(a_trial_cut_short_has_failed, begin_at_zero),
		cmocka_unit_test(leaving_a_cpu_changes_nothing_of_where_one_may_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
