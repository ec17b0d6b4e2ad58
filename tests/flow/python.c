/* SPDX-License-Identifier: MIT */
/* Python in the worker: what starts once, what starts in each environment, and how it ends. */
#include "support/test.h"

#include "support/flow.h"

#include <stdio.h>
#include <unistd.h>

#define PYTHON(...) \
	FAAS_FUNCTION(.name = "f", .code = TEST_LANGUAGES "/python", .runtime = TEST_PYTHON, \
		      .timeout_ms = 10000, __VA_ARGS__)

#define ROW(test) cmocka_unit_test_setup_teardown(test, open_it, close_it)

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

static void says(const char *event, const char *expected)
{
	flow_expect(&flow, "f", event, expected);
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
		ROW(hooks_of_one_that_is_a_process_are_run_around_its_restore),
	};

	if (access("/usr/bin/" TEST_PYTHON, X_OK) < 0) {
		printf("1..0 # SKIP there is no /usr/bin/" TEST_PYTHON "\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
