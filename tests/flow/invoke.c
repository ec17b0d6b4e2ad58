/* SPDX-License-Identifier: MIT */
/* Invoking: both doors, limits, throttles, waiting for capacity, cancelling, sizes. */
#include "support/test.h"

#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "support/flow.h"

#include <runtime.h>

static struct flow flow;

static int open_it(void **state)
{
	(void)state;
	flow_open(&flow, &(struct faas_config){ .max_concurrency = 5 }, false);
	flow_function(&flow,
		      &(struct faas_function_config){ .name = "life", .handler = "life.act" });
	flow_function(&flow, &(struct faas_function_config){
				     .name = "one", .handler = "life.act", .max_concurrency = 1 });
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	return 0;
}

/* ---- results of callbacks -------------------------------------------- */

struct seen {
	_Atomic int count;
	_Atomic int code;
	char reason[64];
	char payload[64];
	pthread_t thread;
};

static void on_done(void *data, const struct faas_result *result)
{
	struct seen *seen = data;
	size_t len = result->payload.len < 63 ? result->payload.len : 63;

	seen->code = result->code;
	seen->thread = pthread_self();
	strncpy(seen->reason, result->reason, sizeof(seen->reason) - 1);
	memcpy(seen->payload, result->payload.data, len);
	seen->payload[len] = '\0';
	seen->count++;
}

static void await(struct seen *seen, int count)
{
	struct timespec ms = { 0, 1000000 };

	for (int i = 0; seen->count < count && i < 10000; i++)
		nanosleep(&ms, NULL);
	assert_int_equal(seen->count, count);
}

static int start(const char *function, const char *event, int wait_ms, struct seen *seen,
		 uint64_t *id)
{
	return faas_invoke(flow.rt,
			   FAAS_REQUEST(.function = function, .payload = { event, strlen(event) },
					.capacity_wait_ms = wait_ms, .on_done = on_done,
					.data = seen),
			   id, NULL);
}

TEST(a_callback_comes_once_on_the_loop_with_the_answer)
{
	struct seen seen = { 0 };

	assert_int_equal(start("life", "count", 0, &seen, NULL), 0);
	await(&seen, 1);
	assert_int_equal(seen.code, FAAS_OK);
	assert_string_equal(seen.payload, "1");
	assert_false(pthread_equal(seen.thread, pthread_self()));
	assert_true(pthread_equal(seen.thread, flow.rt->thread));
}

TEST(a_function_at_its_limit_throttles_with_lambdas_reason)
{
	struct seen busy = { 0 }, seen = { 0 };
	struct faas_result *result;
	struct faas_error err;

	start("one", "sleep 300", 0, &busy, NULL);
	flow_await_idle(&flow, 0, 1);
	start("one", "count", 0, &seen, NULL);
	await(&seen, 1);
	assert_int_equal(seen.code, FAAS_ETHROTTLED);
	assert_string_equal(seen.reason, "ReservedFunctionConcurrentInvocationLimitExceeded");
	assert_int_equal(
		faas_invoke_wait(flow.rt,
				 FAAS_REQUEST(.function = "one", .payload = { "count", 5 }),
				 &result, &err),
		FAAS_ETHROTTLED);
	assert_string_equal(err.type, "TooManyRequestsException");
	assert_non_null(strstr(err.message, "ReservedFunctionConcurrentInvocationLimitExceeded"));
	await(&busy, 1);
	assert_int_equal(busy.code, FAAS_OK);
}

TEST(the_account_at_its_limit_throttles_with_its_own_reason)
{
	struct seen busy = { 0 }, seen = { 0 };

	for (int i = 0; i < 4; i++) /* the fifth is reserved for another function */
		start("life", "sleep 300", 0, &busy, NULL);
	flow_await_idle(&flow, 0, 4);
	start("life", "count", 0, &seen, NULL);
	await(&seen, 1);
	assert_int_equal(seen.code, FAAS_ETHROTTLED);
	assert_string_equal(seen.reason, "ConcurrentInvocationLimitExceeded");
	await(&busy, 4);
}

TEST(a_request_may_wait_for_capacity_instead)
{
	struct seen busy = { 0 }, seen = { 0 };

	start("one", "sleep 100", 0, &busy, NULL);
	start("one", "count", 5000, &seen, NULL);
	await(&seen, 1);
	assert_int_equal(seen.code, FAAS_OK);
	assert_string_equal(seen.payload, "1");
	await(&busy, 1);
}

TEST(a_thread_may_wait_for_capacity_too)
{
	struct seen busy = { 0 };
	struct faas_result *result = NULL;

	start("one", "sleep 100", 0, &busy, NULL);
	assert_int_equal(faas_invoke_wait(flow.rt,
					  FAAS_REQUEST(.function = "one", .payload = { "count", 5 },
						       .capacity_wait_ms = 5000),
					  &result, NULL),
			 0);
	assert_int_equal(result->code, FAAS_OK);
	faas_free(result);
	await(&busy, 1);
}

TEST(waiting_for_capacity_ends_in_a_throttle_when_its_time_is_over)
{
	struct seen busy = { 0 }, seen = { 0 };

	start("one", "sleep 400", 0, &busy, NULL);
	flow_await_idle(&flow, 0, 1);
	start("one", "count", 30, &seen, NULL);
	await(&seen, 1);
	assert_int_equal(seen.code, FAAS_ETHROTTLED);
	assert_int_equal(busy.count, 0);
	await(&busy, 1);
}

TEST(a_running_invocation_can_be_canceled_and_the_next_one_runs)
{
	struct seen seen = { 0 };
	uint64_t id;

	start("one", "sleep 60000", 0, &seen, &id);
	flow_await_idle(&flow, 0, 1);
	faas_cancel(flow.rt, id);
	await(&seen, 1);
	assert_int_equal(seen.code, FAAS_ECANCELED);
	faas_cancel(flow.rt, id); /* over: ignored */
	assert_true(flow_says(flow_call(&flow, "one", "count"), "1"));
}

TEST(a_waiting_invocation_can_be_canceled)
{
	struct seen busy = { 0 }, seen = { 0 };
	uint64_t id;

	start("one", "sleep 300", 0, &busy, NULL);
	flow_await_idle(&flow, 0, 1);
	start("one", "count", 60000, &seen, &id);
	faas_cancel(flow.rt, id);
	await(&seen, 1);
	assert_int_equal(seen.code, FAAS_ECANCELED);
	await(&busy, 1);
}

TEST(events_handed_over_ahead_run_one_at_a_time_and_in_order)
{
	struct seen seen[64] = { 0 };

	flow_call(&flow, "one", "count");
	for (int i = 0; i < 64; i++)
		start("one", "count", 10000, &seen[i], NULL);
	for (int i = 0; i < 64; i++) {
		char expected[16];

		await(&seen[i], 1);
		snprintf(expected, sizeof(expected), "%d", i + 2);
		assert_string_equal(seen[i].payload, expected);
	}
}

/* Short events share an environment; the first shows them to be short. */
static void show_to_be_short(void)
{
	struct seen seen[200] = { 0 };

	for (int i = 0; i < 200; i++)
		start("life", "count", 10000, &seen[i], NULL);
	for (int i = 0; i < 200; i++)
		await(&seen[i], 1);
}

TEST(events_behind_one_that_takes_long_after_all_run_elsewhere)
{
	struct seen slow = { 0 }, seen[40] = { 0 };
	uint64_t id;

	show_to_be_short();
	start("life", "sleep 20000", 10000, &slow, &id);
	for (int i = 0; i < 40; i++)
		start("life", "count", 10000, &seen[i], NULL);
	for (int i = 0; i < 40; i++) {
		await(&seen[i], 1);
		assert_int_equal(seen[i].code, FAAS_OK);
	}
	assert_int_equal(slow.count, 0);
	faas_cancel(flow.rt, id);
	await(&slow, 1);
}

TEST(what_a_crashed_environment_had_not_begun_runs_in_another)
{
	struct seen warm[8] = { 0 }, crash = { 0 }, seen[8] = { 0 };

	for (int i = 0; i < 8; i++)
		start("one", "count", 10000, &warm[i], NULL);
	start("one", "segv", 10000, &crash, NULL);
	for (int i = 0; i < 8; i++)
		start("one", "count", 10000, &seen[i], NULL);
	await(&crash, 1);
	assert_int_equal(crash.code, FAAS_EFUNCTION);
	for (int i = 0; i < 8; i++) {
		await(&seen[i], 1);
		assert_int_equal(seen[i].code, FAAS_OK);
	}
}

TEST(a_dry_run_runs_nothing)
{
	struct faas_result *result = NULL;
	struct faas_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_invoke_wait(flow.rt,
					  FAAS_REQUEST(.function = "life", .mode = FAAS_DRY_RUN),
					  &result, NULL),
			 0);
	assert_int_equal(result->code, FAAS_OK);
	faas_free(result);
	faas_stats(flow.rt, &stats);
	assert_int_equal(stats.invocations, 0);
	assert_int_equal(stats.cold_starts, 0);
}

TEST(a_function_that_is_not_there_is_named_in_the_error)
{
	struct faas_result *result;
	struct faas_error err;

	assert_int_equal(
		faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "nobody"), &result, &err),
		FAAS_ENOTFOUND);
	assert_string_equal(err.message,
			    "Function not found: "
			    "arn:aws:lambda:local-1:000000000000:function:nobody:$LATEST");
	assert_int_equal(faas_invoke(flow.rt, FAAS_REQUEST(.function = "nobody"), NULL, NULL),
			 FAAS_ENOTFOUND);
}

TEST(a_function_can_be_named_by_its_arn)
{
	assert_true(flow_says(flow_call(&flow,
					"arn:aws:lambda:local-1:000000000000:function:life:$LATEST",
					"count"),
			      "1"));
}

static void invoke_size(size_t size, int expected_rc)
{
	char *payload = malloc(size);
	struct faas_result *result = NULL;
	struct faas_error err;

	memset(payload, 'x', size);
	assert_int_equal(
		faas_invoke_wait(flow.rt,
				 FAAS_REQUEST(.function = "echo", .payload = { payload, size }),
				 &result, &err),
		expected_rc);
	if (!expected_rc) {
		assert_int_equal(result->code, FAAS_OK);
		assert_int_equal(result->payload.len, size);
		assert_memory_equal(result->payload.data, payload, size);
		faas_free(result);
	} else {
		assert_string_equal(err.type, "RequestEntityTooLargeException");
	}
	free(payload);
}

TEST(a_request_id_of_the_hosts_own_is_the_one_that_handler_and_result_see)
{
	static const char id[] = "5e34a614-0123-4567-89ab-cdef01234567";
	static const char *const bad[] = { "", "5e34a614", "5e34a614-0123-4567-89ab-cdef012345678",
					   "5e34a614x0123-4567-89ab-cdef01234567",
					   "5e34a61400123-4567-89ab-cdef01234567" };
	struct faas_request request = *FAAS_REQUEST(.function = "seen", .request_id = id);
	struct faas_result *result;
	struct faas_error err;

	flow_function(&flow,
		      &(struct faas_function_config){ .name = "seen", .handler = "echo.context" });
	assert_int_equal(faas_invoke_wait(flow.rt, &request, &result, &err), 0);
	assert_string_equal(result->request_id, id);
	assert_non_null(strstr(result->payload.data, id));
	faas_free(result);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		request.request_id = bad[i];
		assert_int_equal(faas_invoke(flow.rt, &request, NULL, &err), FAAS_EINVAL);
		assert_non_null(strstr(err.message, "must be a UUID"));
	}
}

TEST(six_megabytes_go_both_ways_and_one_byte_more_is_refused)
{
	flow_function(&flow,
		      &(struct faas_function_config){ .name = "echo", .handler = "echo.echo" });
	invoke_size(6291456, 0);
	invoke_size(0, 0);
	invoke_size(1, 0);
	invoke_size(1920, 0);
	invoke_size(1921, 0);
	invoke_size(6291457, FAAS_ETOOLARGE);
}

/* Of a dry run, which begins nothing. */
static int ask_dry(int wait_ms, size_t context, size_t trace, size_t tenant)
{
	static char text[4096];
	const char *end = text + sizeof(text) - 1;
	struct faas_result *result = NULL;
	int rc;

	memset(text, 'x', sizeof(text) - 1);
	rc = faas_invoke_wait(flow.rt,
			      FAAS_REQUEST(.function = "life", .mode = FAAS_DRY_RUN,
					   .capacity_wait_ms = wait_ms,
					   .client_context = end - context, .trace_id = end - trace,
					   .tenant_id = end - tenant),
			      &result, NULL);
	faas_free(result);
	return rc;
}

TEST(a_request_waits_at_most_a_quarter_of_an_hour)
{
	assert_int_equal(ask_dry(900000, 0, 0, 0), 0);
	assert_int_equal(ask_dry(900001, 0, 0, 0), FAAS_EINVAL);
	assert_int_equal(ask_dry(-1, 0, 0, 0), FAAS_EINVAL);
}

TEST(the_texts_of_a_request_have_longest_lengths)
{
	assert_int_equal(ask_dry(0, 3583, 1024, 256), 0);
	assert_int_equal(ask_dry(0, 3584, 0, 0), FAAS_EINVAL);
	assert_int_equal(ask_dry(0, 0, 1025, 0), FAAS_EINVAL);
	assert_int_equal(ask_dry(0, 0, 0, 257), FAAS_EINVAL);
}

TEST(a_response_may_be_a_hundred_bytes_larger_and_not_one_more)
{
	const struct faas_result *r;

	flow_function(&flow,
		      &(struct faas_function_config){ .name = "big", .handler = "echo.big" });
	assert_int_equal(flow_call(&flow, "big", "6291556")->payload.len, 6291556);
	r = flow_call(&flow, "big", "6291557");
	assert_int_equal(r->code, FAAS_EFUNCTION);
	assert_string_equal(r->error_type, "Function.ResponseSizeTooLarge");
	assert_true(flow_says(r,
			      "{\"errorMessage\":\"Response payload size exceeded maximum allowed "
			      "payload size (6291556 bytes).\","
			      "\"errorType\":\"Function.ResponseSizeTooLarge\"}"));
	assert_int_equal(flow_call(&flow, "big", "10")->payload.len, 10);
}

/* The loop hands over in slots that share one large place; who waits for it uses the same. */
/* Each the second half of its own, also with others handed over ahead. */
static void expect_halves(size_t half)
{
	char events[8][5001] = { "" };
	struct seen seen[8] = { 0 };

	for (int i = 0; i < 8; i++) {
		memset(events[i], 'a' + i, half);
		memset(events[i] + half, 'A' + i, half);
	}
	flow_expect(&flow, "half", events[7], events[7] + half);
	for (int i = 0; i < 8; i++)
		assert_int_equal(start("half", events[i], 60000, &seen[i], NULL), 0);
	for (int i = 0; i < 8; i++) {
		await(&seen[i], 1);
		assert_int_equal(seen[i].code, FAAS_OK);
		assert_memory_equal(seen[i].payload, events[i] + half, half < 63 ? half + 1 : 63);
	}
}

TEST(a_part_of_the_event_comes_back_by_both_doors)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "half", .max_concurrency = 1,
							     .handler = "echo.half" });
	expect_halves(2500);
	expect_halves(5);
}

TEST(large_answers_follow_each_other_on_the_callers_thread_after_the_loops)
{
	flow_function(&flow, &(struct faas_function_config){
				     .name = "big", .handler = "echo.big", .max_concurrency = 1 });
	assert_int_equal(flow_call_async(&flow, "big", "1000")->payload.len, 1000);
	assert_int_equal(flow_call(&flow, "big", "2000")->payload.len, 2000);
	assert_int_equal(flow_call(&flow, "big", "3000")->payload.len, 3000);
	assert_int_equal(flow_call_async(&flow, "big", "4000")->payload.len, 4000);
}

TEST(the_log_tail_holds_start_output_end_and_report)
{
	struct faas_result *r = NULL;
	char tail[4097];

	assert_int_equal(faas_invoke_wait(flow.rt,
					  FAAS_REQUEST(.function = "life",
						       .payload = { "say 2", 5 }, .log_tail = true),
					  &r, NULL),
			 0);
	memcpy(tail, r->log_tail.data, r->log_tail.len);
	tail[r->log_tail.len] = '\0';
	assert_memory_equal(tail, "START RequestId: ", 17);
	assert_non_null(strstr(tail, " Version: $LATEST\nline 0 of"));
	assert_non_null(strstr(tail, "to say\nline 1 of"));
	assert_non_null(strstr(tail, "\nEND RequestId: "));
	assert_non_null(strstr(tail, "\nREPORT RequestId: "));
	faas_free(r);
}

TEST(the_log_tail_is_the_last_four_kilobytes)
{
	struct faas_result *r = NULL;
	char tail[4097];

	assert_int_equal(faas_invoke_wait(flow.rt,
					  FAAS_REQUEST(.function = "life",
						       .payload = { "say 200", 7 },
						       .log_tail = true),
					  &r, NULL),
			 0);
	assert_int_equal(r->log_tail.len, 4096);
	memcpy(tail, r->log_tail.data, 4096);
	tail[4096] = '\0';
	assert_null(strstr(tail, "START RequestId: "));
	assert_null(strstr(tail, "\nline 0 of"));
	assert_non_null(strstr(tail, "\nline 199 of"));
	assert_non_null(strstr(tail, "\nREPORT RequestId: "));
	faas_free(r);
}

TEST(output_beyond_the_budget_is_dropped_and_counted)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	/* a sanitizer makes it slow */
	flow_function(&flow, &(struct faas_function_config){ .name = "talker",
							     .handler = "life.act",
							     .timeout_ms = 900000 });
	assert_int_equal(flow_call(&flow, "talker", "say 40000")->code, FAAS_OK);
	flow_await_log(&flow, "LOGS_DROPPED RequestId: ");
	faas_stats(flow.rt, &stats);
	assert_in_range(stats.log_bytes_dropped, 400000, 1100000);
}

TEST(an_update_makes_new_environments_and_running_ones_finish)
{
	struct seen seen = { 0 };

	start("life", "sleep 200", 0, &seen, NULL);
	flow_await_idle(&flow, 0, 1);
	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "life", .memory_mb = 256), NULL),
			 0);
	assert_int_equal(flow_call(&flow, "life", "count")->memory_mb, 256);
	await(&seen, 1);
	assert_int_equal(seen.code, FAAS_OK);
}

TEST(a_deleted_function_finishes_what_runs_and_is_gone)
{
	struct seen seen = { 0 };
	struct faas_error err;
	struct faas_result *r;

	start("life", "sleep 200", 0, &seen, NULL);
	flow_await_idle(&flow, 0, 1);
	assert_int_equal(faas_function_delete(flow.rt, "life", NULL), 0);
	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "life"), &r, &err),
			 FAAS_ENOTFOUND);
	await(&seen, 1);
	assert_int_equal(seen.code, FAAS_OK);
}

TEST(the_statistics_add_up)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	for (int i = 0; i < 3; i++)
		flow_call(&flow, "life", "count");
	flow_call(&flow, "life", "fail");
	faas_stats(flow.rt, &stats);
	assert_int_equal(stats.invocations, 4);
	assert_int_equal(stats.errors, 1);
	assert_int_equal(stats.cold_starts, 1);
	assert_int_equal(stats.environments_idle, 1);
	assert_true(stats.billed_ms >= 4);
	assert_true(stats.gb_seconds > 0 && stats.cost > 4 * 0.0000002);
}

TEST(metrics_carry_the_names_of_aws)
{
	flow_call(&flow, "life", "count");
	flow_call(&flow, "life", "fail");
	flow_await_log(&flow, "REPORT");
	flow_call(&flow, "life", "count");
	for (int i = 0; i < 1000 && flow_metric(&flow, "Invocations") < 3; i++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_true(flow_metric(&flow, "Invocations") == 3);
	assert_true(flow_metric(&flow, "Errors") == 1);
	assert_true(flow_metric(&flow, "Duration") > 0);
}

static _Atomic bool refused;

static void call_on_loop(struct fa_call *call)
{
	struct faas_result *result;

	(void)call;
	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "life"), &result, NULL),
			 FAAS_EDEADLK);
	assert_int_equal(faas_destroy(flow.rt), FAAS_EDEADLK);
	refused = true;
}

TEST(waiting_on_the_loops_own_thread_is_refused)
{
	struct fa_call call = { .run = call_on_loop };

	fa_loop_call(&flow.rt->loop, &call);
	for (int i = 0; i < 10000 && !refused; i++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_true(refused);
}

/*
 * On one CPU whoever wakes a worker stands still while that runs. What the loop then finds is an
 * answer to what it has only just asked, and yet it took its time.
 */
TEST(an_answer_that_is_there_before_the_loop_goes_on_has_its_duration)
{
	cpu_set_t all, one;

	CPU_ZERO(&one);
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
		if (CPU_ISSET(cpu, &all))
			CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	flow_close(&flow);
	open_it(NULL);
	flow_function(&flow, FAAS_FUNCTION(.name = "spin", .handler = "echo.spin_ms"));
	for (int i = 0; i < 50; i++)
		assert_true(flow_call_async(&flow, "spin", "2")->duration_ms >= 2);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
	const struct CMUnitTest tests[] = {
		CASE(a_callback_comes_once_on_the_loop_with_the_answer),
		CASE(a_function_at_its_limit_throttles_with_lambdas_reason),
		CASE(the_account_at_its_limit_throttles_with_its_own_reason),
		CASE(a_request_may_wait_for_capacity_instead),
		CASE(a_thread_may_wait_for_capacity_too),
		CASE(waiting_for_capacity_ends_in_a_throttle_when_its_time_is_over),
		CASE(a_running_invocation_can_be_canceled_and_the_next_one_runs),
		CASE(a_waiting_invocation_can_be_canceled),
		CASE(events_handed_over_ahead_run_one_at_a_time_and_in_order),
		CASE(events_behind_one_that_takes_long_after_all_run_elsewhere),
		CASE(what_a_crashed_environment_had_not_begun_runs_in_another),
		CASE(a_dry_run_runs_nothing),
		CASE(a_function_that_is_not_there_is_named_in_the_error),
		CASE(a_function_can_be_named_by_its_arn),
		CASE(a_request_id_of_the_hosts_own_is_the_one_that_handler_and_result_see),
		CASE(six_megabytes_go_both_ways_and_one_byte_more_is_refused),
		CASE(a_request_waits_at_most_a_quarter_of_an_hour),
		CASE(the_texts_of_a_request_have_longest_lengths),
		CASE(a_response_may_be_a_hundred_bytes_larger_and_not_one_more),
		CASE(a_part_of_the_event_comes_back_by_both_doors),
		CASE(large_answers_follow_each_other_on_the_callers_thread_after_the_loops),
		CASE(the_log_tail_holds_start_output_end_and_report),
		CASE(the_log_tail_is_the_last_four_kilobytes),
		CASE(output_beyond_the_budget_is_dropped_and_counted),
		CASE(an_update_makes_new_environments_and_running_ones_finish),
		CASE(a_deleted_function_finishes_what_runs_and_is_gone),
		CASE(the_statistics_add_up),
		CASE(metrics_carry_the_names_of_aws),
		CASE(waiting_on_the_loops_own_thread_is_refused),
		CASE(an_answer_that_is_there_before_the_loop_goes_on_has_its_duration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
