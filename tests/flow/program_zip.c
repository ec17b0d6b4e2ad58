/* SPDX-License-Identifier: MIT */
/* Programs that come as the API sends them: a ZIP with a `bootstrap`, or one in a layer. */
#include "upload.h"

static void add_bootstrap(const char *text, unsigned mode)
{
	zips_add(&zip, &(struct zips_entry){ .name = "bootstrap", .data = text, .mode = mode });
}

static void create(void)
{
	CREATE("", encoded());
	deploy("CreateFunction", "f");
}

static void cannot_start(const char *message)
{
	const struct faas_result *result = flow_call(&flow, "f", "{}");
	char expected[400];

	snprintf(expected, sizeof(expected),
		 "{\"errorType\":\"Runtime.InvalidEntrypoint\",\"errorMessage\":\"RequestId: %s "
		 "Error: %s\"}",
		 result->request_id, message);
	if (!flow_says(result, expected))
		fail_msg("%.*s", (int)result->payload.len, (const char *)result->payload.data);
	assert_string_equal(result->error_type, "Runtime.InvalidEntrypoint");
	assert_int_equal(result->code, FAAS_EFUNCTION);
}

TEST(a_bootstrap_in_a_zip_runs)
{
	zips_begin(&zip);
	zips_copy_program(&zip, "bootstrap", TEST_PROGRAMS "/bootstrap");
	create();
	has("\"Runtime\":\"provided.al2023\"");
	answers("f", "env _HANDLER", "package.content");
	answers("f", "count", "1");
	answers("f", "count", "2");
}

TEST(code_without_one_is_a_plugin_as_before)
{
	CREATE("", code("a text"));
	deploy("CreateFunction", "f");
	answers("f", "text", "a text");
	REQUEST("{\"FunctionName\":\"f\",\"Handler\":\"word\"}");
	refused("UpdateFunctionConfiguration", INVALID,
		"Bad handler 'word': the code has no bootstrap, so it is a plugin and no program, "
		"of which \"file.method\" is expected");
}

TEST(a_bootstrap_that_cannot_be_executed_is_no_valid_one)
{
	zips_begin(&zip);
	add_bootstrap("#!/bin/sh\nexit 0\n", 0100644);
	create();
	cannot_start("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]");
}

TEST(a_bootstrap_that_is_no_program_is_told_as_such)
{
	zips_begin(&zip);
	add_bootstrap("no program", 0100755);
	create();
	cannot_start("fork/exec /var/task/bootstrap: Exec format error");
}

TEST(a_script_whose_interpreter_is_not_there_is_told_as_such)
{
	zips_begin(&zip);
	add_bootstrap("#!/no/such/interpreter\n", 0100755);
	create();
	cannot_start("fork/exec /var/task/bootstrap: No such file or directory");
}

TEST(a_script_that_ends_is_a_runtime_that_ended)
{
	const struct faas_result *result;

	zips_begin(&zip);
	add_bootstrap("#!/bin/sh\nexit 3\n", 0100755);
	create();
	result = flow_call(&flow, "f", "{}");
	assert_string_equal(result->error_type, "Runtime.ExitError");
}

TEST(a_bootstrap_may_lie_in_a_layer)
{
	const char *layer;

	zips_begin(&zip);
	zips_copy_program(&zip, "bootstrap", TEST_PROGRAMS "/bootstrap");
	layer = encoded();
	REQUEST("{\"LayerName\":\"l\",\"Content\":{\"ZipFile\":\"%s\"}}", layer);
	perform("PublishLayerVersion");
	zips_begin(&zip);
	zips_file(&zip, "data", "of the function");
	CREATE(",\"Layers\":[\"arn:aws:lambda:local-1:000000000000:layer:l:1\"]", encoded());
	deploy("CreateFunction", "f");
	answers("f", "cwd x", "/var/task");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, open_real, close_it)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ROW(a_bootstrap_in_a_zip_runs),
		ROW(code_without_one_is_a_plugin_as_before),
		ROW(a_bootstrap_that_cannot_be_executed_is_no_valid_one),
		ROW(a_bootstrap_that_is_no_program_is_told_as_such),
		ROW(a_script_whose_interpreter_is_not_there_is_told_as_such),
		ROW(a_script_that_ends_is_a_runtime_that_ended),
		ROW(a_bootstrap_may_lie_in_a_layer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
