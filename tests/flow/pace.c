/* SPDX-License-Identifier: MIT */
/* Answers in parts that flow no faster than the host wants. Time stands still in between. */
#include "parts.h"

#define MIB (1 << 20)
#define PART 16384 /* at most so much at once */

static int open_it(void **state)
{
	(void)state;
	parts_forget();
	flow_open(&flow, &(struct faas_config){ .max_stream_kb_per_s = 2048 }, true);
	flow_function(&flow, &(struct faas_function_config){
				     .name = "count", .memory_mb = 512, .timeout_ms = 900000,
				     .handler = "parts.count" });
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	return 0;
}

/* More than that have come, for there are more, and they have stopped. */
static void await_bytes(size_t bytes)
{
	for (int i = 0; LOOK(bytes) <= bytes && i < 20000; i++)
		wait_a_ms();
	for (int i = 0; i < 20; i++)
		wait_a_ms();
	assert_in_range(LOOK(bytes), bytes + 1, bytes + PART);
	assert_int_equal(LOOK(done), 0);
}

TEST(behind_six_megabytes_come_two_a_second)
{
	begin("count", "176 65536"); /* 11 MB */
	for (int i = 0; i < 3; i++) {
		await_bytes((size_t)(6 + 2 * i) * MIB);
		flow_advance(&flow, 1000);
	}
	await_done();
	assert_int_equal(seen.code, 0);
	assert_int_equal(seen.bytes, 11 * MIB);
	assert_int_equal(seen.wrong, 0);
}

TEST(without_a_pace_time_may_stand_still)
{
	flow_close(&flow);
	flow_open(&flow, NULL, true);
	flow_function(&flow, &(struct faas_function_config){ .name = "count", .memory_mb = 512,
							     .handler = "parts.count" });
	begin("count", "176 65536");
	await_done();
	assert_int_equal(seen.bytes, 11 * MIB);
}

TEST(a_reader_that_wants_no_more_is_not_overtaken_by_the_pace)
{
	seen.stop_at = 6 * MIB + 1;
	begin("count", "176 65536");
	await_bytes(6 * MIB);
	flow_advance(&flow, 1000);
	await_bytes(6 * MIB); /* as before, for nobody wanted more */
	faas_resume(flow.rt, seen.id);
	await_bytes(8 * MIB);
	flow_advance(&flow, 10000);
	await_done();
	assert_int_equal(seen.bytes, 11 * MIB);
}

TEST(what_a_process_had_written_when_it_died_comes_at_its_pace)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "dies", .memory_mb = 512,
							     .handler = "parts.dies" });
	begin("dies", "64 100000");
	await_bytes(6 * MIB);
	flow_advance(&flow, 10000);
	await_done();
	assert_int_equal(seen.bytes, 6400000);
	assert_string_equal(seen.error_type, "Runtime.ExitError");
}

TEST(one_that_waits_for_its_pace_is_called_off_at_once)
{
	begin("count", "176 65536");
	await_bytes(6 * MIB);
	faas_cancel(flow.rt, seen.id);
	await_done();
	assert_int_equal(seen.code, FAAS_ECANCELED);
}

TEST(the_pace_is_no_negative_number)
{
	assert_null(faas_create(FAAS_CONFIG(.max_stream_kb_per_s = -1), &err));
	assert_int_equal(err.code, FAAS_EINVAL);
	assert_non_null(strstr(err.message, "max_stream_kb_per_s"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
		CASE(behind_six_megabytes_come_two_a_second),
		CASE(without_a_pace_time_may_stand_still),
		CASE(a_reader_that_wants_no_more_is_not_overtaken_by_the_pace),
		CASE(what_a_process_had_written_when_it_died_comes_at_its_pace),
		CASE(one_that_waits_for_its_pace_is_called_off_at_once),
		CASE(the_pace_is_no_negative_number),
	};

	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
