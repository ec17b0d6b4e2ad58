/* SPDX-License-Identifier: MIT */
/* Python in the worker: what starts once, what starts in each environment, and how it ends. */
#include "upload.h"

#include <unistd.h>

#define PYTHON(...) \
	FAAS_FUNCTION(.name = "f", .code = TEST_LANGUAGES "/python", .runtime = TEST_PYTHON, \
		      .timeout_ms = 10000, __VA_ARGS__)

#define LAYER "arn:aws:lambda:local-1:000000000000:layer:l:1"
#define ROW(test) cmocka_unit_test_setup_teardown(test, open_real, close_it)

static void says(const char *event, const char *expected)
{
	answers("f", event, expected);
}

/* In two environments that begin with the same interpreter. */
static void draws_anew(const struct faas_function_config *config)
{
	char texts[2][32];

	flow_function(&flow, config);
	for (int i = 0; i < 2; i++) {
		const struct faas_result *result = flow_call(&flow, "f", "{}");

		assert_true(result->init_ms > 0);
		assert_int_equal(result->payload.len, 18);
		memcpy(texts[i], result->payload.data, 18);
		assert_int_equal(faas_recycle(flow.rt, "f", NULL), 0);
	}
	assert_int_not_equal(memcmp(texts[0], texts[1], 18), 0);
}

TEST(a_module_is_imported_in_each_environment)
{
	draws_anew(PYTHON(.handler = "once.drawn"));
}

TEST(what_is_random_is_so_in_each_environment)
{
	draws_anew(PYTHON(.handler = "once.random_bits"));
}

/* Its module, and random with it, is in the snapshot that both begin with. */
TEST(what_is_random_is_so_behind_a_snapshot_too)
{
	draws_anew(PYTHON(.handler = "once.random_bits", .snapshot = true));
}

TEST(the_start_of_the_interpreter_is_no_part_of_what_a_function_sees)
{
	flow_function(&flow, PYTHON(.handler = "once.kinds"));
	says("{}", "\"on-demand\"");
}

TEST(a_snapshot_of_a_function_holds_what_its_module_did_and_its_hooks_are_run)
{
	flow_function(&flow, PYTHON(.handler = "once.kinds", .snapshot = true));
	says("{}", "\"snap-start before after\"");
}

TEST(a_function_that_is_put_back_forgets)
{
	flow_function(&flow, PYTHON(.handler = "handlers.lambda_handler", .pristine = true));
	for (int i = 0; i < 3; i++)
		says("{\"do\":\"count\"}", "1");
}

TEST(sys_exit_ends_it_with_that_status)
{
	const struct faas_result *result;

	flow_function(&flow, PYTHON(.handler = "handlers.lambda_handler"));
	result = flow_call(&flow, "f", "{\"do\":\"leave\",\"status\":3}");
	assert_string_equal(result->error_type, "Runtime.ExitError");
	says("{\"do\":\"count\"}", "1");
}

TEST(many_threads_have_room_in_little_memory)
{
	flow_function(&flow, PYTHON(.handler = "handlers.lambda_handler", .memory_mb = 128));
	says("{\"do\":\"thread_count\",\"count\":64}", "64");
}

TEST(a_wrapper_gets_an_interpreter_of_its_own_to_execute)
{
	static const char *const variables[] = { "AWS_LAMBDA_EXEC_WRAPPER=/usr/bin/env", NULL };
	const struct faas_result *result;

	flow_function(&flow, PYTHON(.handler = "handlers.lambda_handler",
				    .environment = variables));
	says("{\"do\":\"variable\",\"name\":\"AWS_LAMBDA_RUNTIME_API\"}", "\"127.0.0.1:9001\"");
	result = flow_call(&flow, "f", "{\"do\":\"fail\"}");
	assert_string_equal(result->error_type, "Runtime.Unknown");
}

TEST(an_extension_is_started_before_an_interpreter_of_its_own)
{
	zips_begin(&zip);
	zips_copy_program(&zip, "extensions/one", TEST_PROGRAMS "/extension");
	REQUEST("{\"LayerName\":\"l\",\"Content\":{\"ZipFile\":\"%s\"}}", encoded());
	perform("PublishLayerVersion");
	zips_begin(&zip);
	zips_copy(&zip, "handlers.py", TEST_LANGUAGES "/python/handlers.py");
	REQUEST("{\"FunctionName\":\"f\",\"Role\":\"" ROLE "\",\"Runtime\":\"" TEST_PYTHON
		"\",\"Handler\":\"handlers.lambda_handler\",\"Layers\":[\"" LAYER
		"\"],\"Timeout\":10,\"Code\":{\"ZipFile\":\"%s\"}}",
		encoded());
	deploy("CreateFunction", "f");
	says("{\"do\":\"variable\",\"name\":\"AWS_LAMBDA_RUNTIME_API\"}", "\"127.0.0.1:9001\"");
	flow_await_log(&flow, "one hears {\"eventType\":\"INVOKE\"");
}

TEST(hooks_of_one_that_is_a_process_are_run_around_its_restore)
{
	static const char *const variables[] = { "AWS_LAMBDA_EXEC_WRAPPER=/usr/bin/env", NULL };

	flow_function(&flow, PYTHON(.handler = "once.kinds", .environment = variables,
				    .snapshot = true));
	says("{}", "\"snap-start before after\"");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(a_module_is_imported_in_each_environment),
		ROW(what_is_random_is_so_in_each_environment),
		ROW(what_is_random_is_so_behind_a_snapshot_too),
		ROW(the_start_of_the_interpreter_is_no_part_of_what_a_function_sees),
		ROW(a_snapshot_of_a_function_holds_what_its_module_did_and_its_hooks_are_run),
		ROW(a_function_that_is_put_back_forgets),
		ROW(sys_exit_ends_it_with_that_status),
		ROW(many_threads_have_room_in_little_memory),
		ROW(a_wrapper_gets_an_interpreter_of_its_own_to_execute),
		ROW(an_extension_is_started_before_an_interpreter_of_its_own),
		ROW(hooks_of_one_that_is_a_process_are_run_around_its_restore),
	};

	if (access("/usr/bin/" TEST_PYTHON, X_OK) < 0) {
		printf("1..0 # SKIP there is no /usr/bin/" TEST_PYTHON "\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
