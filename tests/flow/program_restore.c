/* SPDX-License-Identifier: MIT */
/* Programs that know SnapStart: restored when their first event is there, and not before. */
#include "support/test.h"

#include "support/flow.h"

#include <time.h>

static struct flow flow;

static int open_it(void **state)
{
	(void)state;
	flow_open(&flow, NULL, false);
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	return 0;
}

static void create(const char *init, int provisioned, bool snapshot)
{
	flow_function(&flow, FAAS_FUNCTION(.name = "p", .code = TEST_PROGRAMS,
					   .runtime = "provided", .handler = "h",
					   .timeout_ms = 60000, .snapshot = snapshot,
					   .provisioned = provisioned,
					   .environment = (const char *[]){ init, NULL }));
}

static void await_provisioned(void)
{
	struct faas_function_info *info;
	bool ready = false;

	for (int ms = 0; !ready && ms < 20000; ms++) {
		assert_int_equal(faas_function_get(flow.rt, "p", &info, NULL), 0);
		ready = info->provisioned_available == 1;
		faas_free(info);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	assert_true(ready);
}

static void await_log_count(const char *text, int count)
{
	for (int ms = 0; flow_log_count(&flow, text) < count && ms < 20000; ms++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	assert_int_equal(flow_log_count(&flow, text), count);
}

static void fails(const char *type, const char *body)
{
	const struct faas_result *result = flow_call(&flow, "p", "count");

	if (!flow_says(result, body))
		fail_msg("%.*s", (int)result->payload.len, (const char *)result->payload.data);
	assert_string_equal(result->error_type, type);
}

TEST(it_is_told_that_it_is_restored_with_its_first_event)
{
	create("INIT=restore", 1, true);
	await_provisioned();
	flow_await_log(&flow, "asks to be restored");
	assert_int_equal(flow_log_count(&flow, "restored 200"), 0);
	flow_expect(&flow, "p", "count", "1");
	flow_await_log(&flow, "restored 200");
	flow_expect(&flow, "p", "count", "2");
	assert_int_equal(flow_log_count(&flow, "restored 200"), 1);
	flow_expect(&flow, "p", "env AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start");
}

/* Nothing of it can be copied: what is made is its first environment. */
TEST(a_published_one_has_its_first_environment_ahead_of_its_first_event)
{
	flow_function(&flow, FAAS_FUNCTION(.name = "p", .code = TEST_PROGRAMS,
					   .runtime = "provided", .handler = "h",
					   .timeout_ms = 60000, .snap_start = "PublishedVersions",
					   .environment = (const char *[]){ "INIT=restore",
									    NULL }));
	assert_int_equal(faas_version_publish(flow.rt, "p", NULL, NULL, NULL), 0);
	flow_await_log(&flow, "asks to be restored");
	flow_await_log(&flow, "INIT_REPORT Init Duration: ");
	assert_int_equal(flow_log_count(&flow, "restored 200"), 0);
	flow_expect(&flow, "p:1", "count", "1");
	flow_await_log(&flow, "restored 200");
	assert_int_equal(flow_log_count(&flow, "asks to be restored"), 1);
}

TEST(one_whose_init_fails_is_not_published)
{
	struct faas_error err;

	flow_function(&flow, FAAS_FUNCTION(.name = "p", .code = TEST_PROGRAMS,
					   .runtime = "provided", .handler = "h",
					   .snap_start = "PublishedVersions",
					   .environment = (const char *[]){ "INIT=exit", NULL }));
	assert_int_equal(faas_version_publish(flow.rt, "p", NULL, NULL, &err), FAAS_EFUNCTION);
	assert_string_equal(err.type, "FunctionError.RuntimeInitError");
}

TEST(on_demand_it_is_restored_at_once_and_serves_the_event)
{
	create("INIT=restore", 0, true);
	flow_expect(&flow, "p", "count", "1");
	flow_expect(&flow, "p", "count", "2");
	await_log_count("restored 200", 1);
}

TEST(one_that_does_not_ask_for_it_serves_as_ever)
{
	create("INIT=nothing", 0, true);
	flow_expect(&flow, "p", "count", "1");
	flow_expect(&flow, "p", "env AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start");
}

/* The control: it is .snapshot that makes the difference. */
TEST(without_a_snapshot_there_is_no_such_request)
{
	create("INIT=restore", 0, false);
	flow_expect(&flow, "p", "count", "1");
	flow_await_log(&flow, "restored 404");
	flow_expect(&flow, "p", "env AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
}

TEST(one_that_cannot_be_restored_says_why_and_the_next_event_has_another)
{
	create("INIT=restore fail Runtime.AfterRestoreError", 0, true);
	for (int i = 1; i < 3; i++) {
		fails("Runtime.AfterRestoreError", "{\"errorMessage\":\"not me\"}");
		await_log_count("restored 200", i);
	}
	assert_int_equal(flow_log_count(&flow, "asks to be restored"), 2);
}

TEST(one_that_ends_meanwhile_has_ended)
{
	const struct faas_result *result;

	create("INIT=restore exit 66", 0, true);
	result = flow_call(&flow, "p", "count");
	assert_string_equal(result->error_type, "Runtime.ExitError");
}

TEST(it_has_ten_seconds_for_it)
{
	const struct faas_result *result;

	create("INIT=restore sleep 600000", 0, true);
	result = flow_call(&flow, "p", "count");
	assert_string_equal(result->error_type, "SnapStartTimeoutException");
	assert_non_null(memmem(result->payload.data, result->payload.len,
			       "The runtime was not restored in time", 36));
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, open_it, close_it)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(it_is_told_that_it_is_restored_with_its_first_event),
		ROW(a_published_one_has_its_first_environment_ahead_of_its_first_event),
		ROW(one_whose_init_fails_is_not_published),
		ROW(on_demand_it_is_restored_at_once_and_serves_the_event),
		ROW(one_that_does_not_ask_for_it_serves_as_ever),
		ROW(without_a_snapshot_there_is_no_such_request),
		ROW(one_that_cannot_be_restored_says_why_and_the_next_event_has_another),
		ROW(one_that_ends_meanwhile_has_ended),
		ROW(it_has_ten_seconds_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
