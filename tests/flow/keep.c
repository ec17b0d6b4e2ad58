/* SPDX-License-Identifier: MIT */
/* Who stays when the memory is short, who goes when it is not, and who comes back unasked. */
#include "support/test.h"

#include <time.h>

#include "support/flow.h"

static struct flow flow;

/* Room for two of three. */
static void open_pair(enum faas_keep keep, bool virtual_time)
{
	flow_open(&flow, FAAS_CONFIG(.max_memory_mb = 256, .keep = keep), virtual_time);
	flow_function(&flow, FAAS_FUNCTION(.name = "dear", .handler = "init.init_slow"));
	flow_function(&flow, FAAS_FUNCTION(.name = "cheap", .handler = "life.act"));
	flow_function(&flow, FAAS_FUNCTION(.name = "other", .handler = "life.act"));
}

static int idle_of(const char *function)
{
	struct faas_function_info *info = NULL;
	int idle;

	assert_int_equal(faas_function_get(flow.rt, function, &info, NULL), 0);
	idle = info->environments_idle;
	faas_free(info);
	return idle;
}

static void await_idle_of(const char *function, int idle)
{
	for (int ms = 0; ms < 10000 && idle_of(function) != idle; ms++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_int_equal(idle_of(function), idle);
}

static uint64_t cold_starts(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_stats(flow.rt, &stats), 0);
	return stats.cold_starts;
}

static void fill(void)
{
	assert_int_equal(flow_call(&flow, "dear", "1")->code, FAAS_OK);
	flow_call(&flow, "cheap", "count");
	flow_call(&flow, "other", "count");
}

/* A pool whose lock is held at that moment is passed over, which is rare: not five times. */
TEST(by_default_the_cheaper_cold_start_goes_first)
{
	bool stayed = false;

	for (int i = 0; i < 5 && !stayed; i++) {
		open_pair(FAAS_KEEP_GREEDY, false);
		fill();
		stayed = idle_of("dear") && !idle_of("cheap");
		flow_close(&flow);
	}
	assert_true(stayed);
}

TEST(with_lru_the_longest_idle_goes_first)
{
	open_pair(FAAS_KEEP_LRU, false);
	fill();
	assert_int_equal(idle_of("dear"), 0);
	assert_int_equal(idle_of("cheap"), 1);
	flow_close(&flow);
}

TEST(with_room_only_the_fixed_time_ends_one_after_five_minutes)
{
	static const enum faas_keep all[] = { FAAS_KEEP_FIXED, FAAS_KEEP_LRU, FAAS_KEEP_GREEDY };

	for (int i = 0; i < 3; i++) {
		open_pair(all[i], true);
		flow_call(&flow, "cheap", "count");
		flow_advance(&flow, 299999);
		assert_int_equal(idle_of("cheap"), 1);
		flow_advance(&flow, 1);
		await_idle_of("cheap", all[i] != FAAS_KEEP_FIXED);
		flow_close(&flow);
	}
}

TEST(with_room_the_default_ends_one_after_two_hours)
{
	open_pair(FAAS_KEEP_GREEDY, true);
	flow_call(&flow, "cheap", "count");
	flow_advance(&flow, 7199999);
	assert_int_equal(idle_of("cheap"), 1);
	flow_advance(&flow, 1);
	await_idle_of("cheap", 0);
	flow_close(&flow);
}

TEST(idle_ms_holds_whatever_the_policy)
{
	static const enum faas_keep all[] = { FAAS_KEEP_FIXED, FAAS_KEEP_LRU, FAAS_KEEP_GREEDY };

	for (int i = 0; i < 3; i++) {
		flow_open(&flow, FAAS_CONFIG(.idle_ms = 1000, .keep = all[i]), true);
		flow_function(&flow, FAAS_FUNCTION(.name = "cheap", .handler = "life.act"));
		flow_call(&flow, "cheap", "count");
		flow_advance(&flow, 999);
		assert_int_equal(idle_of("cheap"), 1);
		flow_advance(&flow, 1);
		await_idle_of("cheap", 0);
		flow_close(&flow);
	}
}

/* Every five minutes, until two others need the memory. */
static void be_regular_and_leave(void)
{
	for (int i = 0; i < 5; i++) {
		if (i)
			flow_advance(&flow, 300000);
		flow_call(&flow, "cheap", "count");
	}
	flow_advance(&flow, 30000);
	assert_int_equal(flow_call(&flow, "dear", "1")->code, FAAS_OK);
	flow_call(&flow, "other", "count");
	assert_int_equal(idle_of("cheap"), 0);
}

TEST(who_is_regular_is_started_again_ahead_of_its_event)
{
	uint64_t before;

	open_pair(FAAS_KEEP_GREEDY, true);
	be_regular_and_leave();
	before = cold_starts();
	flow_advance(&flow, 260000);
	await_idle_of("cheap", 1);
	assert_int_equal(cold_starts(), before);
	flow_call(&flow, "cheap", "count");
	assert_int_equal(cold_starts(), before);
	flow_close(&flow);
}

TEST(with_lru_it_is_not)
{
	uint64_t before;

	open_pair(FAAS_KEEP_LRU, true);
	be_regular_and_leave();
	before = cold_starts();
	flow_advance(&flow, 260000);
	flow_advance(&flow, 1); /* what the first one started has run */
	assert_int_equal(idle_of("cheap"), 0);
	flow_call(&flow, "cheap", "count");
	assert_int_equal(cold_starts(), before + 1);
	flow_close(&flow);
}

TEST(a_policy_that_there_is_not_is_refused)
{
	struct faas_error err = { 0 };

	assert_null(faas_create(FAAS_CONFIG(.worker = TEST_WORKER, .keep = 3), &err));
	assert_int_equal(err.code, FAAS_EINVAL);
	assert_string_equal(err.message, "keep is no enum faas_keep: 3");
	assert_null(faas_create(FAAS_CONFIG(.worker = TEST_WORKER, .keep = -1), &err));
	assert_int_equal(err.code, FAAS_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_default_the_cheaper_cold_start_goes_first),
		cmocka_unit_test(with_lru_the_longest_idle_goes_first),
		cmocka_unit_test(with_room_only_the_fixed_time_ends_one_after_five_minutes),
		cmocka_unit_test(with_room_the_default_ends_one_after_two_hours),
		cmocka_unit_test(idle_ms_holds_whatever_the_policy),
		cmocka_unit_test(who_is_regular_is_started_again_ahead_of_its_event),
		cmocka_unit_test(with_lru_it_is_not),
		cmocka_unit_test(a_policy_that_there_is_not_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
