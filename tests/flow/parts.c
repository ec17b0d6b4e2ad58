/* SPDX-License-Identifier: MIT */
/* Answers that come in parts. */
#include "parts.h"

#include <unistd.h>

#include "support/processes.h"

#include <runtime.h>

#define MIB (1 << 20)

static _Atomic uint64_t asked; /* for a secret, the id */

static void on_secret(void *data, const struct faas_ask *ask)
{
	(void)data;
	asked = ask->id;
}

static int open_it(void **state)
{
	(void)state;
	parts_forget();
	asked = 0;
	flow_open(&flow, &(struct faas_config){ .on_secret = on_secret }, false);
	flow_function(&flow, &(struct faas_function_config){
				     .name = "count", .memory_mb = 512, .handler = "parts.count" });
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	return 0;
}

static void function(const char *name, const char *handler, int timeout_ms)
{
	flow_function(&flow, &(struct faas_function_config){
				     .name = name, .handler = handler, .timeout_ms = timeout_ms });
}

TEST(parts_come_while_the_handler_runs)
{
	function("asks", "parts.asks", 20000);
	begin("asks", "{}");
	for (int i = 0; (!LOOK(parts) || !asked) && i < 20000; i++)
		wait_a_ms();
	assert_string_equal(seen.first, "one ");
	assert_int_equal(LOOK(done), 0);
	faas_secret_give(flow.rt, asked, (struct faas_bytes){ "two", 3 }, 0, &err);
	await_done();
	assert_string_equal(seen.first, "one two");
	assert_int_equal(seen.code, 0);
	assert_int_equal(seen.payload_len, 0);
	assert_int_equal(seen.parts, 2);
}

TEST(every_byte_comes_once_and_in_order)
{
	static const struct {
		const char *event;
		size_t bytes;
	} rows[] = {
		{ "0 1", 0 },
		{ "1000 1", 1000 },
		{ "1 1048576", MIB },
		{ "1 1048577", MIB + 1 },
		{ "7 999999", 6999993 },
		{ "3000 6000", 18000000 },
	};
	size_t before = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		seen.done = 0;
		seen.bytes = 0;
		begin("count", rows[i].event);
		await_done();
		assert_int_equal(seen.code, 0);
		assert_int_equal(seen.bytes, rows[i].bytes);
		before += rows[i].bytes;
	}
	assert_int_equal(seen.wrong, 0);
	assert_true(before > 0);
}

TEST(an_answer_has_two_hundred_megabytes_and_not_one_byte_more)
{
	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "count", .timeout_ms = 50000),
				 &err),
			 0); /* a sanitizer takes its time */
	begin("count", "25600 8192");
	await_done();
	assert_int_equal(seen.code, 0);
	assert_int_equal(seen.bytes, 209715200);
	assert_int_equal(seen.wrong, 0);
	seen.done = 0;
	seen.bytes = 0;
	begin("count", "3 69905067");
	await_done();
	assert_int_equal(seen.code, FAAS_EFUNCTION);
	assert_string_equal(seen.error_type, "Function.ResponseSizeTooLarge");
	assert_non_null(strstr(seen.payload, "(209715200 bytes)"));
}

TEST(who_wants_no_more_gets_no_more_until_it_says_so)
{
	int parts;

	seen.stop_at = 100000;
	begin("count", "64 65536");
	for (int i = 0; LOOK(bytes) < 100000 && i < 20000; i++)
		wait_a_ms();
	parts = (int)LOOK(parts);
	for (int i = 0; i < 50; i++)
		wait_a_ms();
	assert_int_equal(LOOK(parts), parts);
	assert_int_equal(LOOK(done), 0);
	assert_int_equal(faas_resume(flow.rt, seen.id), 0);
	await_done();
	assert_int_equal(seen.bytes, 64 * 65536);
	assert_int_equal(seen.wrong, 0);
	assert_int_equal(faas_resume(flow.rt, seen.id), 0); /* it is over */
}

TEST(wanting_more_may_be_said_before_wanting_no_more)
{
	seen.stop_at = 100000;
	seen.resumes_inside = true;
	begin("count", "64 65536");
	await_done();
	assert_int_equal(seen.bytes, 64 * 65536);
}

TEST(the_pause_of_a_reader_is_the_time_of_a_handler_that_still_writes)
{
	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "count", .timeout_ms = 300), &err),
			 0);
	seen.stop_at = 1;
	begin("count", "64 65536"); /* four times what waits for a reader */
	await_done();
	assert_int_equal(seen.code, FAAS_ETIMEOUT);
}

TEST(and_not_of_one_that_is_through)
{
	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "count", .timeout_ms = 300), &err),
			 0);
	seen.stop_at = 1;
	begin("count", "8 65536");
	for (int i = 0; i < 600; i++)
		wait_a_ms();
	assert_int_equal(LOOK(done), 0);
	faas_resume(flow.rt, seen.id);
	await_done();
	assert_int_equal(seen.code, 0);
	assert_int_equal(seen.bytes, 8 * 65536);
}

TEST(an_error_comes_behind_the_parts_that_were_there_before)
{
	static const struct {
		const char *event, *type;
		int code;
	} rows[] = {
		{ "\"fail\"", "Parts.Failed", FAAS_EFUNCTION },
		{ "\"crash\"", "Runtime.ExitError", FAAS_EFUNCTION },
		{ "\"exit\"", "Runtime.ExitError", FAAS_EFUNCTION },
		{ "\"hang\"", "Sandbox.Timedout", FAAS_ETIMEOUT },
	};

	function("ends", "parts.ends", 500);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		memset(seen.first, 0, sizeof(seen.first));
		seen.done = 0;
		seen.bytes = 0;
		begin("ends", rows[i].event);
		await_done();
		assert_string_equal(seen.first, "half");
		assert_int_equal(seen.code, rows[i].code);
		assert_string_equal(seen.error_type, rows[i].type);
	}
	seen.done = 0;
	begin("ends", "\"well\"");
	await_done();
	assert_int_equal(seen.code, 0);
}

TEST(a_large_error_waits_until_the_parts_before_it_are_taken)
{
	function("long", "parts.fails_at_length", 5000);
	seen.stop_at = 1; /* the second half stays where a large answer would lie */
	begin("long", "3000000");
	for (int i = 0; i < 150; i++)
		wait_a_ms();
	faas_resume(flow.rt, seen.id);
	await_done();
	assert_string_equal(seen.first, "half");
	assert_string_equal(seen.error_type, "Parts.Failed");
	assert_true(seen.payload_len > 3000000);
}

TEST(large_answers_and_parts_take_turns_in_one_environment)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "echo",
							     .max_concurrency = 1,
							     .handler = "echo.echo" });
	for (int i = 0; i < 4; i++) {
		char *event = calloc(1, MIB + 1);

		memset(event, '0' + i, MIB);
		seen.done = 0;
		seen.bytes = 0;
		begin("echo", event);
		await_done();
		assert_int_equal(seen.bytes, MIB);
		assert_true(flow_says(flow_call_async(&flow, "echo", event), event));
		assert_true(flow_says(flow_call(&flow, "echo", event), event));
		free(event);
	}
}

TEST(who_does_not_want_parts_gets_the_answer_whole)
{
	function("http", "parts.http", 3000);
	assert_true(flow_says(flow_call(&flow, "http", "{}"),
			      "{\"statusCode\":202,\"body\":\"whole\"}"));
	begin("http", "{}");
	await_done();
	assert_true(seen.http);
	assert_memory_equal(seen.first, "{\"statusCode\":201,\"headers\":{", 29);
	assert_int_equal(seen.bytes,
			 sizeof("{\"statusCode\":201,\"headers\":{\"Content-Type\":\"text/plain\","
				"\"X-Mine\":\"yes\"},\"cookies\":[\"a=1\",\"b=2\"]}") -
				 1 + 8 + strlen("body: {}"));
}

TEST(a_head_of_http_after_the_first_part_is_too_late)
{
	function("bad", "parts.bad_http", 3000);
	begin("bad", "\"late\"");
	await_done();
	assert_false(seen.http);
	assert_string_equal(seen.first, "first, too late");
}

static int greet(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	return ctx ? 0 : -1;
}

TEST(what_runs_in_a_thread_is_one_part)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "thread",
							     .isolation = FAAS_THREAD,
							     .handler = "parts.count" });
	begin("thread", "10 1000");
	await_done();
	assert_int_equal(seen.parts, 1);
	assert_int_equal(seen.bytes, 10000);
	assert_int_equal(seen.wrong, 0);
	assert_int_equal(seen.payload_len, 0);
	flow_function(&flow, &(struct faas_function_config){ .name = "silent", .native = greet });
	seen.done = seen.parts = 0;
	begin("silent", "1");
	await_done();
	assert_int_equal(seen.parts, 0);
}

TEST(parts_are_for_calls_with_a_callback_that_wait_for_an_answer)
{
	struct faas_result *result;

	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = "count", .mode = FAAS_EVENT,
						  .on_part = on_part),
				     NULL, &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message, "on_part is for the mode FAAS_SYNC");
	assert_int_equal(faas_invoke_wait(flow.rt,
					  FAAS_REQUEST(.function = "count", .on_part = on_part),
					  &result, &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message, "on_part is called on the loop: it is for faas_invoke()");
}

TEST(a_call_that_is_canceled_in_the_middle_ends_once)
{
	seen.stop_at = 1;
	begin("count", "64 65536");
	for (int i = 0; !LOOK(parts) && i < 20000; i++)
		wait_a_ms();
	faas_cancel(flow.rt, seen.id);
	await_done();
	assert_int_equal(seen.code, FAAS_ECANCELED);
}

/* What it put is in the host's hands, whoever put it. */
TEST(an_answer_whose_environment_is_gone_still_comes_whole)
{
	struct process gone;

	function("leaves", "parts.leaves", 20000);
	seen.stop_at = 1;
	begin("leaves", "8 65536");
	for (int i = 0; !LOOK(parts) && i < 20000; i++)
		wait_a_ms();
	for (int i = 0; processes_of_environments(getpid(), &gone, 1) && i < 20000; i++)
		wait_a_ms();
	for (int i = 0; i < 50; i++)
		wait_a_ms();
	assert_int_equal(LOOK(done), 0);
	faas_resume(flow.rt, seen.id);
	await_done();
	assert_int_equal(seen.code, 0);
	assert_int_equal(seen.bytes, 8 * 65536);
	assert_int_equal(seen.wrong, 0);
}

static void be_cut_short(const char *handler)
{
	function("cut", handler, 20000);
	seen.stop_at = 1;
	seen.done = seen.parts = 0;
	begin("cut", "8 65536");
	for (int i = 0; !LOOK(parts) && i < 20000; i++)
		wait_a_ms();
	for (int i = 0; i < 200; i++) /* it has answered, and whose process ends is gone */
		wait_a_ms();
	assert_int_equal(faas_destroy(flow.rt), 0);
	flow_forget(&flow);
	assert_int_equal(LOOK(done), 1);
	assert_int_equal(seen.code, FAAS_ECANCELED);
	flow_open(&flow, NULL, false);
}

TEST(an_answer_that_a_closed_runtime_cuts_short_is_none)
{
	be_cut_short("parts.count");
	be_cut_short("parts.leaves");
}

TEST(many_streams_at_once_all_come_whole)
{
	enum { MANY = 8 };
	for (int i = 0; i < MANY; i++)
		begin("count", "100 5120"); /* 512000 is a multiple of 256: one count fits all */
	for (int i = 0; LOOK(done) < MANY && i < 60000; i++)
		wait_a_ms();
	assert_int_equal(LOOK(done), MANY);
	assert_int_equal(seen.bytes, MANY * 512000);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
	const struct CMUnitTest tests[] = {
		CASE(parts_come_while_the_handler_runs),
		CASE(every_byte_comes_once_and_in_order),
		CASE(an_answer_has_two_hundred_megabytes_and_not_one_byte_more),
		CASE(who_wants_no_more_gets_no_more_until_it_says_so),
		CASE(wanting_more_may_be_said_before_wanting_no_more),
		CASE(the_pause_of_a_reader_is_the_time_of_a_handler_that_still_writes),
		CASE(and_not_of_one_that_is_through),
		CASE(an_error_comes_behind_the_parts_that_were_there_before),
		CASE(a_large_error_waits_until_the_parts_before_it_are_taken),
		CASE(large_answers_and_parts_take_turns_in_one_environment),
		CASE(who_does_not_want_parts_gets_the_answer_whole),
		CASE(a_head_of_http_after_the_first_part_is_too_late),
		CASE(what_runs_in_a_thread_is_one_part),
		CASE(parts_are_for_calls_with_a_callback_that_wait_for_an_answer),
		CASE(a_call_that_is_canceled_in_the_middle_ends_once),
		CASE(an_answer_whose_environment_is_gone_still_comes_whole),
		CASE(an_answer_that_a_closed_runtime_cuts_short_is_none),
		CASE(many_streams_at_once_all_come_whole),
	};

	return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
