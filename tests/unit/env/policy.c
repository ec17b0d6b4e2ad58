/* SPDX-License-Identifier: MIT */
#include <support/test.h>

#include <env/policy.h>

#define MS 1000000LL
#define S (1000 * MS)
#define MINUTE (60 * S)
#define HOUR (60 * MINUTE)
#define START (1000 * HOUR)

static struct fa_policy greedy, lru, fixed;
static struct fa_habit habit;
static int64_t now;

static int setup(void **state)
{
	(void)state;
	greedy = (struct fa_policy){ .keep = FAAS_KEEP_GREEDY };
	lru = (struct fa_policy){ .keep = FAAS_KEEP_LRU };
	fixed = (struct fa_policy){ .keep = FAAS_KEEP_FIXED };
	habit = (struct fa_habit){ .memory_mb = 128, .cold_ns = S };
	now = START;
	return 0;
}

/* So many events at once, `pause` after the last ones. */
static void events(struct fa_habit *of, int at_once, int64_t pause)
{
	struct fa_turn turns[32] = { 0 };

	now += pause;
	for (int i = 0; i < at_once; i++)
		fa_policy_begin(of, &turns[i]);
	for (int i = 0; i < at_once; i++)
		fa_policy_end(of, &turns[i], now, now + 10 * MS);
	now += 10 * MS;
}

static void often(struct fa_habit *of, int times, int64_t pause)
{
	while (times--)
		events(of, 1, pause);
}

/* Of the deepest of `idle`, after so long a rest. */
static double worth(const struct fa_habit *of, int idle, int64_t rest)
{
	return fa_policy_worth(&greedy, of, idle, now, now + rest);
}

/* ---- fixed and LRU --------------------------------------------------- */

TEST(fixed_time_is_five_minutes_or_what_the_host_says)
{
	assert_int_equal(fa_policy_until(&fixed, &habit, 1, now), now + 5 * MINUTE);
	fixed.idle_ns = 7 * S;
	assert_int_equal(fa_policy_until(&fixed, &habit, 1, now), now + 7 * S);
	assert_int_equal(fa_policy_soonest_ns(&fixed), 7 * S);
}

TEST(lru_and_fixed_let_the_longest_idle_go_first)
{
	assert_true(fa_policy_worth(&lru, &habit, 1, now, now + S) <
		    fa_policy_worth(&lru, &habit, 1, now + 1, now + S));
	assert_true(fa_policy_worth(&fixed, &habit, 1, now, now + S) <
		    fa_policy_worth(&fixed, &habit, 1, now + 1, now + S));
}

TEST(lru_ends_nobody_while_there_is_room_unless_the_host_says_so)
{
	assert_true(fa_policy_until(&lru, &habit, 1, now) == INT64_MAX);
	assert_true(fa_policy_soonest_ns(&lru) == INT64_MAX);
	lru.idle_ns = S;
	assert_int_equal(fa_policy_until(&lru, &habit, 1, now), now + S);
}

TEST(only_the_greedy_policy_warms_ahead)
{
	often(&habit, 20, 5 * MINUTE);
	assert_true(fa_policy_ahead(&greedy, &habit, now) != INT64_MAX);
	assert_true(fa_policy_ahead(&lru, &habit, now) == INT64_MAX);
	assert_true(fa_policy_ahead(&fixed, &habit, now) == INT64_MAX);
}

/* ---- what one is worth ----------------------------------------------- */

TEST(of_two_alike_the_dearer_start_and_the_smaller_one_stay)
{
	struct fa_habit dear = habit, small = habit;

	dear.cold_ns *= 2;
	small.memory_mb /= 2;
	assert_true(worth(&dear, 1, MINUTE) > worth(&habit, 1, MINUTE));
	assert_true(worth(&small, 1, MINUTE) > worth(&habit, 1, MINUTE));
}

TEST(of_two_alike_the_more_frequent_one_stays)
{
	struct fa_habit rare = habit;

	often(&habit, 20, MINUTE);
	often(&rare, 20, 20 * MINUTE);
	assert_true(worth(&habit, 1, S) > worth(&rare, 1, S));
}

TEST(who_is_unknown_is_worth_less_the_longer_it_rests)
{
	for (int64_t rest = S; rest < 8 * HOUR; rest *= 2)
		assert_true(worth(&habit, 1, rest) > worth(&habit, 1, 2 * rest));
}

TEST(who_comes_every_five_minutes_is_worth_more_after_four_than_after_one)
{
	often(&habit, 20, 5 * MINUTE);
	assert_true(worth(&habit, 1, 4 * MINUTE) > 2 * worth(&habit, 1, MINUTE));
	assert_true(worth(&habit, 1, 8 * MINUTE) < worth(&habit, 1, MINUTE));
}

TEST(of_a_burst_the_floor_is_worth_more_than_the_peak)
{
	for (int i = 0; i < 20; i++) {
		events(&habit, 8, 20 * MINUTE);
		often(&habit, 10, MINUTE);
	}
	assert_true(worth(&habit, 1, S) > 4 * worth(&habit, 8, S));
}

TEST(one_that_comes_a_little_early_or_late_was_expected_too)
{
	struct fa_habit later = habit;

	often(&habit, 20, 5 * MINUTE);
	often(&later, 20, 20 * MINUTE);
	assert_true(worth(&habit, 1, 5 * MINUTE + 30 * S) > 3 * worth(&habit, 1, 9 * MINUTE));
	assert_true(worth(&later, 1, 22 * MINUTE) > 3 * worth(&later, 1, 35 * MINUTE));
}

/* Many had to go, so far apart. */
static void wanted_every(int64_t apart)
{
	for (int i = 0; i < 100; i++, now += apart)
		fa_policy_evicted(&greedy, 1e-9, now);
}

/* Of who returns a little within a second, by who returns ten times as much within two minutes. */
static double quick_by_slow(void)
{
	struct fa_habit quick = { .memory_mb = 128, .cold_ns = S }, slow = quick;

	slow.cold_ns *= 10;
	often(&quick, 20, S + 500 * MS);
	often(&slow, 20, 2 * MINUTE);
	return worth(&quick, 1, S) / worth(&slow, 1, MINUTE);
}

TEST(where_memory_is_seldom_wanted_a_second_is_as_good_as_a_minute)
{
	wanted_every(S / 4);
	assert_true(quick_by_slow() > 1);
	wanted_every(5 * MINUTE);
	assert_true(quick_by_slow() < 0.5);
}

TEST(a_calm_night_is_not_thought_of_as_longer_than_five_minutes)
{
	wanted_every(S);
	now += 12 * HOUR;
	fa_policy_evicted(&greedy, 1, now);
	assert_true(greedy.lent_s > 1 && greedy.lent_s < 40);
	fa_policy_evicted(&greedy, 1, now - HOUR); /* told late */
	assert_int_equal(greedy.evicted_ns, now);
	assert_true(greedy.lent_s > 1 && greedy.lent_s < 40);
}

TEST(a_habit_is_forgotten_when_another_has_taken_its_place)
{
	double before;

	often(&habit, 200, 5 * MINUTE);
	before = worth(&habit, 1, 4 * MINUTE);
	often(&habit, 800, 10 * S);
	assert_true(worth(&habit, 1, 4 * MINUTE) < before / 2);
}

TEST(what_is_rare_is_not_forgotten_for_something_else_being_frequent)
{
	struct fa_habit never;

	often(&habit, 20, S);
	never = habit;
	events(&habit, 1, 20 * MINUTE);
	often(&habit, 1000, S);
	often(&never, 1001, S);
	assert_true(worth(&habit, 1, 15 * MINUTE) > 2 * worth(&never, 1, 15 * MINUTE));
}

TEST(ranks_that_share_a_histogram_rest_each_for_itself)
{
	struct fa_turn turns[6] = { 0 };

	events(&habit, 6, MINUTE); /* the fifth and the sixth share one */
	events(&habit, 5, MINUTE);
	for (int i = 0; i < 6; i++)
		fa_policy_begin(&habit, &turns[i]);
	assert_int_equal(turns[4].since_ns, now);
	assert_int_equal(turns[5].since_ns, now - MINUTE - 10 * MS);
}

TEST(what_a_cold_start_takes_is_measured_and_follows)
{
	struct fa_habit fresh = { .memory_mb = 128 };

	fa_policy_cold(&fresh, 100);
	assert_int_equal(fresh.cold_ns, 100);
	for (int i = 0; i < 50; i++)
		fa_policy_cold(&fresh, 1000);
	assert_true(fresh.cold_ns > 900 && fresh.cold_ns <= 1000);
}

TEST(work_whose_begin_is_unknown_teaches_no_gap)
{
	struct fa_turn turn;

	events(&habit, 1, MINUTE);
	fa_policy_begin(&habit, &turn);
	fa_policy_end(&habit, &turn, 0, now + MINUTE);
	assert_int_equal(habit.ranks[0].total, 0);
	assert_int_equal(habit.since_ns[0], now + MINUTE);
	assert_int_equal(habit.busy, 0);
}

TEST(an_end_without_a_begin_changes_nothing)
{
	struct fa_turn turn = { 0 };

	fa_policy_end(&habit, &turn, now, now);
	assert_int_equal(habit.busy, 0);
	assert_int_equal(habit.since_ns[0], 0);
}

/* ---- how long one stays ---------------------------------------------- */

TEST(with_room_everyone_stays_two_hours_or_twice_as_long_as_its_events_were_apart)
{
	assert_int_equal(fa_policy_until(&greedy, &habit, 1, now), now + 2 * HOUR);
	often(&habit, 3, 90 * MINUTE);
	assert_true(fa_policy_until(&greedy, &habit, 1, now) >= now + 3 * HOUR);
	assert_true(fa_policy_until(&greedy, &habit, 1, now) <= now + 4 * HOUR);
	assert_int_equal(fa_policy_until(&greedy, &habit, 2, now), now + 2 * HOUR);
	assert_int_equal(fa_policy_soonest_ns(&greedy), 2 * HOUR);
}

TEST(where_memory_has_a_price_who_is_worth_more_stays_longer)
{
	double two = worth(&habit, 1, 2 * HOUR), eight = worth(&habit, 1, 8 * HOUR);

	fa_policy_evicted(&greedy, 2 * two, now);
	assert_int_equal(fa_policy_until(&greedy, &habit, 1, now), now + 2 * HOUR);
	greedy.price = (two + worth(&habit, 1, 4 * HOUR)) / 2;
	assert_int_equal(fa_policy_until(&greedy, &habit, 1, now), now + 4 * HOUR);
	greedy.price = eight / 1000; /* and none for ever */
	assert_int_equal(fa_policy_until(&greedy, &habit, 1, now), now + 16 * HOUR);
	greedy.idle_ns = S;
	assert_int_equal(fa_policy_until(&greedy, &habit, 1, now), now + S);
}

TEST(what_the_host_says_holds_for_the_greedy_policy_too)
{
	often(&habit, 3, 90 * MINUTE);
	greedy.idle_ns = 50 * MS;
	assert_int_equal(fa_policy_until(&greedy, &habit, 1, now), now + 50 * MS);
}

/* ---- warmed ahead ---------------------------------------------------- */

TEST(who_is_regular_is_warmed_shortly_before_its_event)
{
	int64_t ahead;

	often(&habit, 20, 10 * MINUTE);
	fa_policy_evicted(&greedy, worth(&habit, 1, MINUTE), now);
	ahead = fa_policy_ahead(&greedy, &habit, now + MINUTE);
	assert_true(ahead >= now + 5 * MINUTE && ahead <= now + 10 * MINUTE);
}

TEST(where_memory_is_dear_nobody_is_warmed_ahead)
{
	often(&habit, 20, 10 * MINUTE);
	fa_policy_evicted(&greedy, 1000, now);
	assert_true(fa_policy_ahead(&greedy, &habit, now + MINUTE) == INT64_MAX);
}

TEST(who_is_unknown_is_not_warmed_ahead)
{
	assert_true(fa_policy_ahead(&greedy, &habit, now) == INT64_MAX);
	often(&habit, 2, MINUTE); /* one gap */
	assert_true(fa_policy_ahead(&greedy, &habit, now) == INT64_MAX);
	often(&habit, 1, MINUTE);
	assert_true(fa_policy_ahead(&greedy, &habit, now) != INT64_MAX);
}

TEST(who_has_not_come_when_it_always_did_is_not_warmed_again)
{
	often(&habit, 20, 5 * MINUTE);
	assert_true(fa_policy_ahead(&greedy, &habit, now + HOUR) == INT64_MAX);
}

TEST(the_price_of_memory_follows_those_who_had_to_go)
{
	fa_policy_evicted(&greedy, 8, now);
	assert_true(greedy.price == 8);
	for (int i = 0; i < 100; i++)
		fa_policy_evicted(&greedy, 2, now);
	assert_true(greedy.price > 2 && greedy.price < 2.1);
	fa_policy_evicted(&greedy, 0, now); /* nobody missed it */
	assert_true(greedy.price > 2);
}

/* ---- limits ---------------------------------------------------------- */

TEST(no_gap_falls_outside_the_histogram)
{
	static const int64_t gaps[] = { 0, 249999999, 250 * MS, S - 1, S, 9 * HOUR, 10 * HOUR };

	for (unsigned i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
		events(&habit, 1, gaps[i]);
		assert_true(worth(&habit, 1, gaps[i]) >= 0);
		assert_true(fa_policy_ahead(&greedy, &habit, now + gaps[i]) >= now);
	}
	assert_int_equal(habit.ranks[0].total, sizeof(gaps) / sizeof(gaps[0]) - 1);
	assert_true(worth(&habit, 1, INT64_MAX / 4) >= 0);
	assert_true(worth(&habit, 1, -S) > 0); /* a clock that is behind the worker's */
}

TEST(a_histogram_is_never_full)
{
	for (int i = 0; i < 1000; i++) {
		events(&habit, 1, MINUTE);
		assert_true(habit.ranks[0].total < 200);
	}
	assert_true(habit.ranks[0].total >= 100);
}

TEST(no_rank_is_beyond_the_last)
{
	static struct fa_turn turns[8193];

	for (int i = 0; i < 8193; i++)
		fa_policy_begin(&habit, &turns[i]);
	for (int i = 0; i < 8193; i++)
		fa_policy_end(&habit, &turns[i], now, now + S);
	assert_int_equal(habit.busy, 0);
	for (int i = 0; i < FA_RESTS; i++)
		assert_int_equal(habit.since_ns[i], now + S);
	assert_true(worth(&habit, 8193, S) > 0);
	assert_true(worth(&habit, 0, S) > 0);
}

TEST(without_cost_or_memory_there_is_still_an_order)
{
	habit.memory_mb = 0;
	habit.cold_ns = 0;
	assert_true(worth(&habit, 1, S) > worth(&habit, 1, MINUTE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define UNIT(name) cmocka_unit_test_setup(name, setup)
		UNIT(fixed_time_is_five_minutes_or_what_the_host_says),
		UNIT(lru_and_fixed_let_the_longest_idle_go_first),
		UNIT(lru_ends_nobody_while_there_is_room_unless_the_host_says_so),
		UNIT(only_the_greedy_policy_warms_ahead),
		UNIT(of_two_alike_the_dearer_start_and_the_smaller_one_stay),
		UNIT(of_two_alike_the_more_frequent_one_stays),
		UNIT(who_is_unknown_is_worth_less_the_longer_it_rests),
		UNIT(who_comes_every_five_minutes_is_worth_more_after_four_than_after_one),
		UNIT(of_a_burst_the_floor_is_worth_more_than_the_peak),
		UNIT(one_that_comes_a_little_early_or_late_was_expected_too),
		UNIT(where_memory_is_seldom_wanted_a_second_is_as_good_as_a_minute),
		UNIT(a_calm_night_is_not_thought_of_as_longer_than_five_minutes),
		UNIT(a_habit_is_forgotten_when_another_has_taken_its_place),
		UNIT(what_is_rare_is_not_forgotten_for_something_else_being_frequent),
		UNIT(ranks_that_share_a_histogram_rest_each_for_itself),
		UNIT(what_a_cold_start_takes_is_measured_and_follows),
		UNIT(work_whose_begin_is_unknown_teaches_no_gap),
		UNIT(an_end_without_a_begin_changes_nothing),
		UNIT(with_room_everyone_stays_two_hours_or_twice_as_long_as_its_events_were_apart),
		UNIT(where_memory_has_a_price_who_is_worth_more_stays_longer),
		UNIT(what_the_host_says_holds_for_the_greedy_policy_too),
		UNIT(who_is_regular_is_warmed_shortly_before_its_event),
		UNIT(where_memory_is_dear_nobody_is_warmed_ahead),
		UNIT(who_is_unknown_is_not_warmed_ahead),
		UNIT(who_has_not_come_when_it_always_did_is_not_warmed_again),
		UNIT(the_price_of_memory_follows_those_who_had_to_go),
		UNIT(no_gap_falls_outside_the_histogram),
		UNIT(a_histogram_is_never_full),
		UNIT(no_rank_is_beyond_the_last),
		UNIT(without_cost_or_memory_there_is_still_an_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
