/* SPDX-License-Identifier: MIT */
/* When a worker leaves its caller's CPU, and when it comes back; time is an argument. */
#include "support/test.h"

#include <sched.h>

#include <worker/place.h>

#define TOGETHER 5000 /* ns an event takes, there and back */
#define FAST 700      /* apart, if both are awake */
#define ASLEEP 150000 /* apart, if neither is */
#define STRETCH 101   /* events of 5 us that are enough to tell */
#define FAST_STRETCH 716
#define US INT64_C(1000)
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

/* One event, posted at once. */
static enum fa_place_move event(int64_t took, bool apart)
{
	int64_t posted = now + 100;

	now += took;
	return fa_place_turn(&place, posted, now, true, apart);
}

/* One that nobody posted for so long. */
static enum fa_place_move late_event(int64_t pause, int64_t took, bool apart)
{
	now += pause + took;
	return fa_place_turn(&place, now - took, now, true, apart);
}

/* So many; returns what to do after the last, and before that there is nothing to do. */
static enum fa_place_move events(int count, int64_t took, bool apart)
{
	enum fa_place_move move = FA_PLACE_STAY;

	for (int i = 0; i < count; i++) {
		assert_int_equal(move, FA_PLACE_STAY);
		move = event(took, apart);
	}
	return move;
}

/* How many until there is something to do, or `most`. */
static int until_told(int64_t took, bool apart, int most)
{
	int n = 1;

	while (event(took, apart) == FA_PLACE_STAY && n < most)
		n++;
	return n;
}

static void leave(void)
{
	assert_int_equal(events(STRETCH, TOGETHER, false), FA_PLACE_LEAVE);
}

/* It left, and that was right. */
static void leave_for_good(void)
{
	leave();
	assert_int_equal(events(FAST_STRETCH, FAST, true), FA_PLACE_STAY);
}

/* ---- leaving ------------------------------------------------------------ */

TEST(a_stretch_on_the_callers_cpu_makes_a_worker_leave_that_knows_nothing)
{
	leave();
}

TEST(few_events_or_a_short_time_are_not_enough_to_tell)
{
	assert_int_equal(events(64, 100 * US, false), FA_PLACE_STAY); /* long, but few */
	begin_at_zero(NULL);
	assert_int_equal(events(STRETCH - 1, TOGETHER, false), FA_PLACE_STAY);
}

TEST(events_that_are_not_close_do_not_count)
{
	for (int i = 0; i < 10 * STRETCH; i++) {
		now += TOGETHER;
		assert_int_equal(fa_place_turn(&place, now, now, i % 2, false), FA_PLACE_STAY);
	}
}

TEST(what_is_known_to_be_faster_needs_no_trial)
{
	leave_for_good();
	/* as many as lose 100 us, a move */
	assert_in_range(until_told(TOGETHER, false, STRETCH), 30, 40);
	assert_int_equal(events(10 * FAST_STRETCH, FAST, true), FA_PLACE_STAY);
}

TEST(what_is_hardly_faster_is_left_only_after_a_whole_stretch)
{
	leave();
	assert_int_equal(events(10 * STRETCH, TOGETHER / 10 * 7, true), FA_PLACE_STAY);
	leave();
}

TEST(one_slow_event_does_not_make_it_leave)
{
	leave_for_good();
	assert_int_equal(event(TOGETHER, false), FA_PLACE_STAY);
	assert_int_equal(event(400 * US, false), FA_PLACE_STAY);
	assert_int_equal(events(5, TOGETHER, false), FA_PLACE_STAY);
}

/* ---- staying away -------------------------------------------------------- */

TEST(who_is_faster_apart_stays_there)
{
	leave();
	assert_int_equal(events(100000, FAST, true), FA_PLACE_STAY);
}

TEST(a_pause_between_events_is_no_part_of_what_they_take)
{
	for (int i = 0; i < 100; i++) {
		assert_int_equal(late_event(65 * MS, TOGETHER, false), FA_PLACE_STAY);
		if (until_told(TOGETHER, false, STRETCH) < STRETCH)
			break;
	}
	assert_int_equal(place.together_ns, TOGETHER);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(late_event(65 * MS, FAST, true), FA_PLACE_STAY);
		assert_int_equal(events(50, FAST, true), FA_PLACE_STAY);
	}
	assert_int_equal(place.apart_ns, FAST);
}

TEST(a_slow_first_stretch_after_the_move_is_no_verdict)
{
	leave();
	assert_int_equal(events(STRETCH, TOGETHER, true), FA_PLACE_STAY);
	assert_int_equal(events(10 * FAST_STRETCH, FAST, true), FA_PLACE_STAY);
}

TEST(two_slow_wake_ups_are_no_verdict)
{
	leave();
	event(FAST, true);
	assert_int_equal(events(2, 450 * US, true), FA_PLACE_STAY);
	assert_int_equal(events(10 * FAST_STRETCH, FAST, true), FA_PLACE_STAY);
}

/* One in a hundred is interrupted, one in thousand waits for a wake-up on each side. */
TEST(noise_is_no_verdict)
{
	uint32_t random = 1;

	leave();
	for (int i = 0; i < 200000; i++) {
		random = random * 1664525 + 1013904223;
		assert_int_equal(event(FAST + (random >> 8) % 500 +
					       ((random >> 8) % 100 ? 0 : 20 * US) +
					       ((random >> 8) % 1000 ? 0 : ASLEEP),
				       true),
				 FA_PLACE_STAY);
	}
}

TEST(a_cpu_that_is_shared_is_kept_while_more_is_gained_than_lost)
{
	leave();
	for (int i = 0; i < 100; i++) {
		assert_int_equal(events(4000, FAST, true), FA_PLACE_STAY);
		assert_int_equal(event(4 * MS, true), FA_PLACE_STAY);
	}
}

TEST(a_cpu_that_many_want_is_given_up)
{
	int rounds = 0;

	leave();
	assert_int_equal(events(100000, FAST, true), FA_PLACE_STAY); /* however good it was */
	while (events(4000, FAST, true) == FA_PLACE_STAY && event(40 * MS, true) == FA_PLACE_STAY)
		assert_true(++rounds < 3);
	assert_true(now < place.again_ns);
}

/* ---- coming back ----------------------------------------------------------- */

TEST(a_move_that_does_not_pay_is_taken_back_and_put_off_longer_each_time)
{
	int64_t pause = 4 * MS;

	for (int i = 0; i < 12; i++) {
		leave();
		assert_int_equal(until_told(TOGETHER, true, 1000), 2 * STRETCH - 1);
		now += pause - STRETCH * TOGETHER - 1; /* the next stretch ends just too early */
		assert_int_equal(events(STRETCH, TOGETHER, false), FA_PLACE_STAY);
		assert_int_equal(fa_place_turn(&place, now, now, false, false), FA_PLACE_STAY);
		pause = 2 * pause < 1000 * MS ? 2 * pause : 1000 * MS;
	}
}

TEST(what_paid_once_is_put_off_no_longer_than_at_first)
{
	for (int i = 0; i < 5; i++) {
		leave();
		assert_int_equal(events(FAST_STRETCH, FAST, true), FA_PLACE_STAY);
		assert_true(until_told(ASLEEP, true, STRETCH) < STRETCH);
		assert_int_equal(place.again_ns - now, 4 * MS);
		now = place.again_ns;
	}
}

TEST(a_trial_that_loses_much_ends_at_once)
{
	leave();
	assert_in_range(until_told(ASLEEP, true, STRETCH), 2, 9);
	assert_true(place.again_ns > now);
}

TEST(a_worker_that_began_apart_and_asleep_joins_its_caller)
{
	assert_in_range(until_told(ASLEEP, true, STRETCH), 2, 10);
}

TEST(a_worker_that_began_apart_and_awake_stays)
{
	assert_int_equal(events(10000, FAST, true), FA_PLACE_STAY);
}

TEST(trials_that_fail_cost_little)
{
	int64_t lost = 0;
	int trials = 0;

	for (; now < 4000 * MS; trials++) {
		until_told(TOGETHER, false, 1000000);
		lost += until_told(ASLEEP, true, 1000000) * (ASLEEP - TOGETHER);
	}
	assert_in_range(trials, 5, 20);
	assert_true(lost < now / 100);
}

TEST(a_move_that_the_scheduler_undoes_at_once_is_put_off)
{
	leave();
	assert_int_equal(events(20, FAST, true), FA_PLACE_STAY);
	assert_int_equal(events(STRETCH, TOGETHER, false), FA_PLACE_STAY);
	now = place.again_ns;
	assert_true(until_told(TOGETHER, false, 2 * STRETCH) <= STRETCH);
}

TEST(a_move_that_paid_is_not_put_off_when_the_scheduler_undoes_it)
{
	for (int i = 0; i < 20; i++) {
		assert_true(until_told(TOGETHER, false, 2 * STRETCH) <= STRETCH);
		assert_int_equal(events(FAST_STRETCH, FAST, true), FA_PLACE_STAY);
	}
}

/* ---- change ------------------------------------------------------------------ */

TEST(when_events_take_otherwise_the_other_side_is_looked_at_again)
{
	leave_for_good();
	assert_in_range(until_told(3 * FAST, true, 1000), 400, 600); /* two stretches */
	assert_int_equal(place.pause_ns, 0);
	/* there they take less now, too, and less than apart */
	assert_int_equal(until_told(2 * FAST, false, 1000), 500000 / (2 * FAST) + 2);
	assert_true(until_told(3 * FAST, true, 1000) < 1000);
	assert_true(place.again_ns > now);
}

TEST(it_is_looked_at_once_in_a_tenth_of_a_second)
{
	int64_t looked;

	leave_for_good();
	assert_true(until_told(3 * FAST, true, 1000) < 1000);
	looked = now;
	assert_true(until_told(TOGETHER, false, 1000) < 1000);
	assert_int_equal(events(FAST_STRETCH, FAST, true), FA_PLACE_STAY);
	assert_true(until_told(3 * FAST, true, 1000000) < 1000000);
	assert_in_range(now - looked, 100 * MS, 101 * MS);
}

/* ---- waiting awake -------------------------------------------------------------- */

TEST(one_waits_for_as_long_as_a_wake_up_takes)
{
	assert_int_equal(fa_place_patience(&place, 8 * US), 8 * US);
}

TEST(what_waiting_saved_may_be_spent_on_waiting_longer)
{
	for (int i = 0; i < 25; i++) {
		assert_int_equal(fa_place_patience(&place, 8 * US), 8 * US);
		fa_place_waited(&place, true, 8 * US);
	}
	assert_int_equal(fa_place_patience(&place, 8 * US), 200 * US);
	fa_place_waited(&place, false, 200 * US);
	assert_int_equal(fa_place_patience(&place, 8 * US), 8 * US);
}

TEST(what_is_saved_is_remembered_up_to_eight_times_that)
{
	for (int i = 0; i < 10000; i++)
		fa_place_waited(&place, true, 8 * US);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(fa_place_patience(&place, 8 * US), 200 * US);
		fa_place_waited(&place, false, 200 * US);
	}
	assert_int_equal(fa_place_patience(&place, 8 * US), 8 * US);
	for (int i = 0; i < 100; i++) /* no debts */
		fa_place_waited(&place, false, 8 * US);
	fa_place_waited(&place, true, 200 * US);
	assert_int_equal(fa_place_patience(&place, 8 * US), 200 * US);
}

TEST(who_leaves_may_wait_longer_once)
{
	leave();
	assert_int_equal(fa_place_patience(&place, 8 * US), 200 * US);
	fa_place_waited(&place, false, 200 * US);
	assert_int_equal(fa_place_patience(&place, 8 * US), 8 * US);
}

/* ---- moves ------------------------------------------------------------------------ */

TEST(a_move_changes_nothing_of_where_one_may_run)
{
	cpu_set_t before, after;

	sched_getaffinity(0, sizeof(before), &before);
	fa_place_leave((uint32_t)sched_getcpu());
	sched_getaffinity(0, sizeof(after), &after);
	assert_true(CPU_EQUAL(&before, &after));
	fa_place_join((uint32_t)sched_getcpu());
	sched_getaffinity(0, sizeof(after), &after);
	assert_true(CPU_EQUAL(&before, &after));
	fa_place_leave(UINT32_MAX); /* the caller's word, and it knows none */
	fa_place_join(UINT32_MAX);
	sched_getaffinity(0, sizeof(after), &after);
	assert_true(CPU_EQUAL(&before, &after));
}

TEST(a_move_goes_where_it_should)
{
	cpu_set_t all;

	sched_getaffinity(0, sizeof(all), &all);
	if (CPU_COUNT(&all) < 2)
		skip();
	for (uint32_t cpu = 0, left = 0, joined = 0; cpu < 2; cpu++, left = joined = 0) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		for (int i = 0; i < 1000 && !(left && joined); i++) { /* moved again meanwhile */
			fa_place_join(cpu);
			joined |= (uint32_t)sched_getcpu() == cpu;
			fa_place_leave(cpu);
			left |= (uint32_t)sched_getcpu() != cpu;
		}
		assert_true(left && joined);
	}
}

TEST(nobody_is_joined_where_one_may_not_run)
{
	cpu_set_t all, one, after;
	uint32_t here = (uint32_t)sched_getcpu();

	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&one);
	CPU_SET(here, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	fa_place_join(here ^ 1);
	assert_int_equal(sched_getcpu(), here);
	sched_getaffinity(0, sizeof(after), &after);
	sched_setaffinity(0, sizeof(all), &all);
	assert_true(CPU_EQUAL(&one, &after));
}

#define FROM_ZERO(test) cmocka_unit_test_setup(test, begin_at_zero)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FROM_ZERO(a_stretch_on_the_callers_cpu_makes_a_worker_leave_that_knows_nothing),
		FROM_ZERO(few_events_or_a_short_time_are_not_enough_to_tell),
		FROM_ZERO(events_that_are_not_close_do_not_count),
		FROM_ZERO(what_is_known_to_be_faster_needs_no_trial),
		FROM_ZERO(what_is_hardly_faster_is_left_only_after_a_whole_stretch),
		FROM_ZERO(one_slow_event_does_not_make_it_leave),
		FROM_ZERO(who_is_faster_apart_stays_there),
		FROM_ZERO(a_pause_between_events_is_no_part_of_what_they_take),
		FROM_ZERO(a_slow_first_stretch_after_the_move_is_no_verdict),
		FROM_ZERO(two_slow_wake_ups_are_no_verdict),
		FROM_ZERO(noise_is_no_verdict),
		FROM_ZERO(a_cpu_that_is_shared_is_kept_while_more_is_gained_than_lost),
		FROM_ZERO(a_cpu_that_many_want_is_given_up),
		FROM_ZERO(a_move_that_does_not_pay_is_taken_back_and_put_off_longer_each_time),
		FROM_ZERO(what_paid_once_is_put_off_no_longer_than_at_first),
		FROM_ZERO(a_trial_that_loses_much_ends_at_once),
		FROM_ZERO(a_worker_that_began_apart_and_asleep_joins_its_caller),
		FROM_ZERO(a_worker_that_began_apart_and_awake_stays),
		FROM_ZERO(trials_that_fail_cost_little),
		FROM_ZERO(a_move_that_the_scheduler_undoes_at_once_is_put_off),
		FROM_ZERO(a_move_that_paid_is_not_put_off_when_the_scheduler_undoes_it),
		FROM_ZERO(when_events_take_otherwise_the_other_side_is_looked_at_again),
		FROM_ZERO(it_is_looked_at_once_in_a_tenth_of_a_second),
		FROM_ZERO(one_waits_for_as_long_as_a_wake_up_takes),
		FROM_ZERO(what_waiting_saved_may_be_spent_on_waiting_longer),
		FROM_ZERO(what_is_saved_is_remembered_up_to_eight_times_that),
		FROM_ZERO(who_leaves_may_wait_longer_once),
		cmocka_unit_test(a_move_changes_nothing_of_where_one_may_run),
		cmocka_unit_test(a_move_goes_where_it_should),
		cmocka_unit_test(nobody_is_joined_where_one_may_not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
