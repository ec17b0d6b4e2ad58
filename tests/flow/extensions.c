/* SPDX-License-Identifier: MIT */
/* Extensions of a program: started from the layers before it, and told of events and the end. */
#include "upload.h"

#define LAYER "arn:aws:lambda:local-1:000000000000:layer:l:1"

/* A function with the layer that was begun. */
static void create_with_layer(void)
{
	REQUEST("{\"LayerName\":\"l\",\"Content\":{\"ZipFile\":\"%s\"}}", encoded());
	perform("PublishLayerVersion");
	zips_begin(&zip);
	zips_copy_program(&zip, "bootstrap", TEST_PROGRAMS "/bootstrap");
	CREATE(",\"Layers\":[\"" LAYER "\"]", encoded());
	deploy("CreateFunction", "f");
}

static void create(const char *first, const char *second)
{
	char path[64];

	zips_begin(&zip);
	snprintf(path, sizeof(path), "extensions/%s", first);
	zips_copy_program(&zip, path, TEST_PROGRAMS "/extension");
	if (second) {
		snprintf(path, sizeof(path), "extensions/%s", second);
		zips_copy_program(&zip, path, TEST_PROGRAMS "/extension");
	}
	create_with_layer();
}

static void fails(const char *type, const char *why)
{
	const struct faas_result *result = flow_call(&flow, "f", "count");
	char expected[256];

	snprintf(expected, sizeof(expected),
		 "{\"errorType\":\"%s\",\"errorMessage\":\"RequestId: %s Error: %s\"}", type,
		 result->request_id, why);
	if (!flow_says(result, expected))
		fail_msg("%.*s", (int)result->payload.len, (const char *)result->payload.data);
	assert_string_equal(result->error_type, type);
}

TEST(extensions_register_before_the_runtime_starts_and_hear_of_each_event)
{
	create("one", "two");
	answers("f", "count", "1");
	answers("f", "count", "2");
	flow_await_log(&flow, "one has no handler f");
	flow_await_log(&flow, "two is told {\"functionName\":\"f\",\"functionVersion\":"
			      "\"$LATEST\",\"handler\":\"package.content\"}");
	flow_await_log(&flow, "one hears {\"eventType\":\"INVOKE\"");
	flow_await_log(&flow, "two hears {\"eventType\":\"INVOKE\"");
}

TEST(they_hear_of_the_end)
{
	create("one", NULL);
	answers("f", "count", "1");
	assert_int_equal(faas_recycle(flow.rt, "f", &err), 0);
	flow_await_log(&flow, "one hears {\"eventType\":\"SHUTDOWN\",\"deadlineMs\":");
	flow_await_log(&flow, ",\"shutdownReason\":\"spindown\"}");
}

/* On a busy machine the witness may not get to look within its own time: then once more. */
TEST(a_program_that_stays_in_spite_of_sigterm_is_killed_before_its_extensions)
{
	create("witness", NULL);
	REQUEST("{\"FunctionName\":\"f\",\"Environment\":{\"Variables\":{\"INIT\":\"%s\"}}}",
		"stubborn");
	perform("UpdateFunctionConfiguration");
	for (int i = 1; i <= 5 && !flow_log_count(&flow, "witness outlives the program"); i++) {
		answers("f", "count", "1");
		assert_int_equal(faas_recycle(flow.rt, "f", &err), 0);
		flow_await_logs(&flow, "witness sees the program", i);
		flow_await_logs(&flow, "hears SIGTERM, and stays", i);
		flow_await_idle(&flow, 0, 0);
	}
	flow_await_log(&flow, "witness outlives the program");
}

TEST(one_that_ends_before_it_registers_is_the_end_of_init)
{
	create("early", NULL);
	fails("Extension.Crash", "exit status 3");
	flow_await_log(&flow, "Phase: init\tStatus: error\tError Type: Extension.Crash");
}

TEST(one_that_ends_later_ends_its_environment)
{
	const struct faas_result *result;

	create("late", NULL);
	result = flow_call(&flow, "f", "sleep 2000");
	assert_string_equal(result->error_type, "Extension.Crash");
	assert_int_equal(result->code, FAAS_EFUNCTION);
}

TEST(the_next_event_waits_for_an_extension_until_its_timeout_and_then_all_is_new)
{
	create("deaf", NULL);
	answers("f", "count", "1");
	assert_string_equal(flow_call(&flow, "f", "count")->error_type, "Sandbox.Timedout");
	answers("f", "count", "1");
}

TEST(a_file_that_cannot_be_executed_is_no_extension_and_that_is_told)
{
	const struct faas_result *result;

	zips_begin(&zip);
	zips_file(&zip, "extensions/text", "no program");
	create_with_layer();
	result = flow_call(&flow, "f", "count");
	assert_string_equal(result->error_type, "Extension.LaunchError");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, open_real, close_it)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(extensions_register_before_the_runtime_starts_and_hear_of_each_event),
		ROW(they_hear_of_the_end),
		ROW(a_program_that_stays_in_spite_of_sigterm_is_killed_before_its_extensions),
		ROW(one_that_ends_before_it_registers_is_the_end_of_init),
		ROW(one_that_ends_later_ends_its_environment),
		ROW(the_next_event_waits_for_an_extension_until_its_timeout_and_then_all_is_new),
		ROW(a_file_that_cannot_be_executed_is_no_extension_and_that_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
