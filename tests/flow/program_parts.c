/* SPDX-License-Identifier: MIT */
/* Answers in parts of functions that are programs. */
#include "parts.h"

#include <unistd.h>

#define MIB (1 << 20)

static int open_it(void **state)
{
	(void)state;
	parts_forget();
	flow_open(&flow, NULL, false);
	flow_function(&flow,
		      FAAS_FUNCTION(.name = "p", .code = TEST_PROGRAMS, .runtime = "provided",
				    .handler = "h", .timeout_ms = 20000));
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	return 0;
}

static void again(const char *event)
{
	parts_forget();
	begin("p", event);
	await_done();
}

static void await_part(void)
{
	for (int i = 0; !LOOK(parts) && i < 20000; i++)
		wait_a_ms();
}

static void says_to_the_end(const char *text)
{
	assert_int_equal(seen.code, 0);
	assert_int_equal(seen.payload_len, 0);
	assert_string_equal(seen.first, text);
}

TEST(parts_come_while_the_program_writes)
{
	begin("p", "half hang");
	await_part();
	assert_string_equal(seen.first, "half");
	assert_int_equal(LOOK(done), 0);
	faas_cancel(flow.rt, seen.id);
	await_done();
	assert_int_equal(seen.code, FAAS_ECANCELED);
}

TEST(every_byte_comes_once_and_in_order)
{
	static const struct {
		const char *event;
		size_t bytes;
	} rows[] = {
		{ "stream 0 1", 0 },
		{ "stream 1000 1", 1000 },
		{ "stream 1 1048576", MIB },
		{ "stream 7 999999", 6999993 },
		{ "stream 3000 6000", 18000000 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		again(rows[i].event);
		assert_int_equal(seen.code, 0);
		assert_int_equal(seen.bytes, rows[i].bytes);
		assert_int_equal(seen.wrong, 0);
		assert_int_equal(seen.payload_len, 0);
	}
	assert_true(flow_says(flow_call(&flow, "p", "count"), "1")); /* one for all of them */
}

TEST(an_answer_has_two_hundred_megabytes_and_not_one_byte_more)
{
	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "p", .timeout_ms = 50000), &err),
			 0); /* a sanitizer takes its time */
	again("stream 200 1048576");
	assert_int_equal(seen.code, 0);
	assert_int_equal(seen.bytes, 209715200);
	assert_int_equal(seen.wrong, 0);
	again("stream 2003 104704"); /* 6912 bytes more */
	assert_int_equal(seen.code, FAAS_EFUNCTION);
	assert_string_equal(seen.error_type, "Function.ResponseSizeTooLarge");
	again("stream 1 4");
	assert_int_equal(seen.bytes, 4);
}

/* What lies between it and the reader is the ring and the buffers of one socket. */
TEST(a_slow_reader_makes_the_program_wait)
{
	seen.stop_at = 1;
	begin("p", "stream 64 1048576");
	await_part();
	flow_await_log(&flow, "sent 1\n");
	for (int i = 0; i < 300; i++)
		wait_a_ms();
	assert_int_equal(flow_log_count(&flow, "sent 32\n"), 0);
	assert_int_equal(LOOK(parts), 1);
	assert_int_equal(faas_resume(flow.rt, seen.id), 0);
	await_done();
	assert_int_equal(seen.code, 0);
	assert_int_equal(seen.bytes, 64 * MIB);
	assert_int_equal(seen.wrong, 0);
}

TEST(the_pause_of_a_reader_is_the_time_of_a_program_that_still_writes)
{
	again("stream 1 1"); /* there is one now */
	assert_int_equal(
		faas_function_update(flow.rt, FAAS_FUNCTION(.name = "p", .timeout_ms = 500), &err),
		0);
	parts_forget();
	seen.stop_at = 1;
	begin("p", "stream 64 1048576");
	await_done();
	assert_int_equal(seen.code, FAAS_ETIMEOUT);
}

/* All of it is sent, and more than there is room for is in its socket when it ends. */
TEST(what_a_program_had_sent_when_it_ended_comes_whole)
{
	seen.stop_at = 1;
	begin("p", "flow 3 524288");
	await_part();
	for (int i = 0; i < 200; i++)
		wait_a_ms();
	assert_int_equal(LOOK(done), 0);
	faas_resume(flow.rt, seen.id);
	await_done();
	assert_int_equal(seen.code, 0);
	assert_int_equal(seen.bytes, 3 * 524288);
	assert_int_equal(seen.wrong, 0);
}

TEST(an_error_comes_behind_the_parts_that_were_there_before)
{
	static const struct {
		const char *event, *type, *payload;
	} rows[] = {
		{ "half fail", "Function.Mine", "{\"errorMessage\":\"mine\"}" },
		{ "half fail badly", "Runtime.Unknown", "" },
		{ "half exit", "Runtime.ExitError", "exited without providing a reason" },
		{ "half crash", "Runtime.ExitError", "signal: segmentation fault" },
		{ "half cut", "Runtime.TruncatedResponse", "response was cut short" },
		{ "half cut and go on", "Runtime.TruncatedResponse", "response was cut short" },
		{ "half garbage", "Runtime.TruncatedResponse", "response was cut short" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		again(rows[i].event);
		if (strcmp(seen.first, "half"))
			fail_msg("%s: %s %s", rows[i].event, seen.first, seen.payload);
		assert_int_equal(seen.code, FAAS_EFUNCTION);
		assert_string_equal(seen.error_type, rows[i].type);
		if (!strstr(seen.payload, rows[i].payload))
			fail_msg("%s: %s", rows[i].event, seen.payload);
	}
}

TEST(an_error_without_parts_before_it_is_no_part)
{
	again("fail Function.Mine {\"any\":\"thing\"}");
	assert_int_equal(seen.parts, 0);
	assert_string_equal(seen.error_type, "Function.Mine");
	assert_string_equal(seen.payload, "{\"any\":\"thing\"}");
}

TEST(while_one_answer_is_written_another_is_refused)
{
	again("half twice");
	says_to_the_end("half{\"errorMessage\":\"State transition from InvocationResponse t");
}

TEST(a_head_of_http_is_known_by_its_type)
{
	again("http body");
	assert_true(seen.http);
	assert_int_equal(seen.bytes, 45 + 8 + 4);
	again("stream 1 4");
	assert_false(seen.http);
}

TEST(an_unknown_mode_is_refused_and_is_the_end_of_the_event)
{
	const struct faas_result *result = flow_call(&flow, "p", "mode other");
	char expected[256];

	snprintf(expected, sizeof(expected),
		 "{\"errorType\":\"Runtime.InvalidResponseModeHeader\",\"errorMessage\":"
		 "\"RequestId: %s Error: Invalid function response mode\"}",
		 result->request_id);
	assert_true(flow_says(result, expected));
	assert_string_equal(result->error_type, "Runtime.InvalidResponseModeHeader");
	assert_true(flow_says(flow_call(&flow, "p", "count"), "1"));
}

TEST(who_does_not_want_parts_gets_the_answer_whole)
{
	const struct faas_result *result = flow_call(&flow, "p", "stream 7 800000");

	assert_int_equal(result->code, 0);
	assert_int_equal(result->payload.len, 5600000);
	for (size_t i = 0; i < result->payload.len; i++)
		if (((const unsigned char *)result->payload.data)[i] != (unsigned char)i)
			fail_msg("byte %zu", i);
	result = flow_call(&flow, "p", "half fail");
	assert_string_equal(result->error_type, "Function.Mine");
	assert_true(flow_says(result, "{\"errorMessage\":\"mine\"}"));
	result = flow_call(&flow, "p", "stream 7 900000");
	assert_string_equal(result->error_type, "Function.ResponseSizeTooLarge");
	assert_true(flow_says(flow_call(&flow, "p", "count"), "1"));
}

TEST(an_answer_that_is_not_streamed_comes_in_parts_and_keeps_its_bound)
{
	again("chunks 6 1000000");
	assert_int_equal(seen.code, 0);
	assert_int_equal(seen.bytes, 6000000);
	assert_int_equal(seen.wrong, 0);
	again("large 6291556");
	assert_int_equal(seen.code, 0);
	assert_int_equal(seen.bytes, 6291556);
	again("chunks 7 1000000");
	assert_string_equal(seen.error_type, "Function.ResponseSizeTooLarge");
	assert_non_null(strstr(seen.payload, "payload size"));
	again("large 6291557");
	assert_string_equal(seen.error_type, "Function.ResponseSizeTooLarge");
	assert_int_equal(seen.parts, 0);
}

TEST(parts_and_large_answers_take_turns_in_one_environment)
{
	for (int i = 0; i < 3; i++) {
		again("stream 3 1000000");
		assert_int_equal(seen.bytes, 3000000);
		assert_int_equal(seen.wrong, 0);
		assert_int_equal(flow_call(&flow, "p", "large 3000000")->payload.len, 3000000);
		assert_int_equal(flow_call_async(&flow, "p", "large 9")->payload.len, 9);
	}
	assert_true(flow_says(flow_call(&flow, "p", "count"), "1"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
	const struct CMUnitTest tests[] = {
		CASE(parts_come_while_the_program_writes),
		CASE(every_byte_comes_once_and_in_order),
		CASE(an_answer_has_two_hundred_megabytes_and_not_one_byte_more),
		CASE(a_slow_reader_makes_the_program_wait),
		CASE(the_pause_of_a_reader_is_the_time_of_a_program_that_still_writes),
		CASE(what_a_program_had_sent_when_it_ended_comes_whole),
		CASE(an_error_comes_behind_the_parts_that_were_there_before),
		CASE(an_error_without_parts_before_it_is_no_part),
		CASE(while_one_answer_is_written_another_is_refused),
		CASE(a_head_of_http_is_known_by_its_type),
		CASE(an_unknown_mode_is_refused_and_is_the_end_of_the_event),
		CASE(who_does_not_want_parts_gets_the_answer_whole),
		CASE(an_answer_that_is_not_streamed_comes_in_parts_and_keeps_its_bound),
		CASE(parts_and_large_answers_take_turns_in_one_environment),
	};

	return cmocka_run_group_tests_name("program_parts", tests, NULL, NULL);
}
