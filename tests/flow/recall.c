/* SPDX-License-Identifier: MIT */
/* Which functions there are outlives the program in a state_dir. */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/control.h"
#include "support/stores.h"

static _Atomic int calls;

static struct faas_function_info *info_of(const char *function)
{
	struct faas_function_info *info = NULL;

	if (faas_function_get(flow.rt, function, &info, &err))
		fail_msg("%s", err.message);
	return info;
}

static void is_not_there(const char *function)
{
	struct faas_function_info *info;

	assert_int_equal(faas_function_get(flow.rt, function, &info, NULL), FAAS_ENOTFOUND);
}

static const char *const variables[] = { "NAME=value", "OTHER=", NULL };

TEST(a_function_is_back_with_all_that_was_said_of_it)
{
	char before[4096];

	assert_int_equal(faas_function_update(flow.rt,
					      FAAS_FUNCTION(.name = "f", .memory_mb = 256,
							    .timeout_ms = 7000, .tmp_mb = 600,
							    .environment = variables,
							    .description = "words",
							    .dead_letter = "queue:dead",
							    .log_format = "JSON"),
					      NULL),
			 0);
	snprintf(before, sizeof(before), "%s",
		 perform("GetFunction", "{\"FunctionName\":\"f\"}"));
	control_restart();
	assert_string_equal(perform("GetFunction", "{\"FunctionName\":\"f\"}"), before);
	flow_call(&flow, "f", "{}");
}

TEST(versions_aliases_tags_and_limits_are_back)
{
	struct faas_function_info *info;
	char alias[1024];
	int number;

	perform("PublishVersion", "{\"FunctionName\":\"f\",\"Description\":\"first\"}");
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"f\",\"MemorySize\":256}");
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	perform("DeleteFunction", "{\"FunctionName\":\"f\",\"Qualifier\":\"2\"}");
	snprintf(alias, sizeof(alias), "%s",
		 perform("CreateAlias", "{\"FunctionName\":\"f\",\"Name\":\"live\","
					"\"FunctionVersion\":\"1\"}"));
	perform("TagResource",
		"{\"Resource\":\"arn:aws:lambda:local-1:000000000000:function:f\","
		"\"Tags\":{\"team\":\"blue\"}}");
	perform("PutFunctionConcurrency",
		"{\"FunctionName\":\"f\",\"ReservedConcurrentExecutions\":7}");
	control_restart();
	assert_string_equal(perform("GetAlias", "{\"FunctionName\":\"f\",\"Name\":\"live\"}"),
			    alias);
	perform("GetFunction", "{\"FunctionName\":\"f\"}");
	has("\"Tags\":{\"team\":\"blue\"}");
	has("\"ReservedConcurrentExecutions\":7");
	info = info_of("f:1");
	assert_int_equal(info->memory_mb, 128);
	assert_string_equal(info->description, "first");
	faas_free(info);
	is_not_there("f:2");
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"f\",\"MemorySize\":512}");
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, &number, NULL), 0);
	assert_int_equal(number, 3); /* given twice never */
}

TEST(publishing_after_a_restart_gives_no_number_to_what_is_published)
{
	int number;

	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, &number, NULL), 0);
	control_restart();
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, &number, NULL), 0);
	assert_int_equal(number, 1);
}

TEST(what_becomes_of_events_is_back)
{
	char before[2048];

	perform("PutFunctionEventInvokeConfig",
		"{\"FunctionName\":\"f\",\"MaximumRetryAttempts\":1,\"DestinationConfig\":"
		"{\"OnFailure\":{\"Destination\":\"queue:dead\"}}}");
	snprintf(before, sizeof(before), "%s",
		 perform("ListFunctionEventInvokeConfigs", "{\"FunctionName\":\"f\"}"));
	control_restart();
	assert_string_equal(perform("ListFunctionEventInvokeConfigs", "{\"FunctionName\":\"f\"}"),
			    before);
}

TEST(a_deleted_function_stays_deleted_and_its_numbers_given)
{
	int number;

	flow_function(&flow, &(struct faas_function_config){ .name = "g",
							     .handler = "echo.context" });
	assert_int_equal(faas_version_publish(flow.rt, "g", NULL, &number, NULL), 0);
	assert_int_equal(faas_function_delete(flow.rt, "g", NULL), 0);
	assert_int_equal(faas_function_delete(flow.rt, "f", NULL), 0);
	control_restart();
	is_not_there("f");
	is_not_there("g");
	flow_function(&flow, &(struct faas_function_config){ .name = "g",
							     .handler = "echo.context" });
	assert_int_equal(faas_version_publish(flow.rt, "g", NULL, &number, NULL), 0);
	assert_int_equal(number, 2);
}

TEST(a_program_may_create_once_more_what_came_back_and_what_it_says_counts)
{
	struct faas_function_info *info;
	struct faas_function_config same = { .size = sizeof(same),
					     .name = "f",
					     .code = TEST_PLUGINS,
					     .handler = "echo.context" };
	struct faas_function_config other = same;
	char revision[64];

	info = info_of("f");
	snprintf(revision, sizeof(revision), "%s", info->revision);
	faas_free(info);
	control_restart();
	assert_int_equal(faas_function_create(flow.rt, &same, NULL), 0);
	info = info_of("f");
	assert_string_equal(info->revision, revision); /* nothing changed */
	faas_free(info);
	assert_int_equal(faas_function_create(flow.rt, &same, NULL), FAAS_EEXIST);
	control_restart();
	other.memory_mb = 300;
	assert_int_equal(faas_function_create(flow.rt, &other, NULL), 0);
	info = info_of("f");
	assert_int_equal(info->memory_mb, 300);
	faas_free(info);
	control_restart();
	info = info_of("f");
	assert_int_equal(info->memory_mb, 300);
	faas_free(info);
}

static int native(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	calls++;
	return faas_puts(ctx, "\"here\"");
}

/* A handler inside the last program is nowhere in this one. */
TEST(a_function_of_the_programs_own_code_is_whole_when_it_is_created_again)
{
	struct faas_function_config own = { .size = sizeof(own), .name = "own", .native = native };

	assert_int_equal(faas_function_create(flow.rt, &own, NULL), 0);
	assert_int_equal(faas_version_publish(flow.rt, "own", NULL, NULL, NULL), 0);
	assert_int_equal(faas_alias_set(flow.rt, "own", "live", 1, 0, 0, NULL), 0);
	control_restart();
	is_not_there("own");
	assert_int_equal(faas_function_create(flow.rt, &own, NULL), 0);
	assert_true(flow_says(flow_call(&flow, "own:live", "{}"), "\"here\""));
}

TEST(a_function_whose_code_is_gone_is_whole_when_it_has_some_again)
{
	char code[128], command[512];
	struct faas_function_config g = { .size = sizeof(g),
					  .name = "g",
					  .code = code,
					  .handler = "echo.context" };

	snprintf(code, sizeof(code), "%s.code", control_folder);
	snprintf(command, sizeof(command), "mkdir -m 755 %s && cp %s/echo.so %s", code,
		 TEST_PLUGINS, code);
	assert_int_equal(system(command), 0);
	assert_int_equal(faas_function_create(flow.rt, &g, NULL), 0);
	assert_int_equal(faas_version_publish(flow.rt, "g", NULL, NULL, NULL), 0);
	snprintf(command, sizeof(command), "rm -r %s", code);
	assert_int_equal(system(command), 0);
	control_restart();
	is_not_there("g");
	control_restart(); /* it is not forgotten, however often */
	g.code = TEST_PLUGINS;
	assert_int_equal(faas_function_create(flow.rt, &g, NULL), 0);
	is_not_there("g:1"); /* that was of the code that is gone */
	g.memory_mb = 256;
	assert_int_equal(faas_function_update(flow.rt, &g, NULL), 0);
	perform("PublishVersion", "{\"FunctionName\":\"g\"}");
	has("\"Version\":\"2\"");
}

static bool is_on_the_disk(const char *text)
{
	char command[256];

	snprintf(command, sizeof(command), "grep -q '%s' %s/queue.db*", text, control_folder);
	return !system(command);
}

TEST(sealed_variables_are_written_sealed_and_open_again)
{
	static const char *const secret[] = { "NAME=rosebud", NULL };
	static const struct faas_key keys[] = { { "k", "0123456789abcdef0123456789abcdef", NULL },
						{ 0 } };
	struct faas_config config = { .state_dir = control_folder, .keys = keys };

	flow_close(&flow);
	flow_open(&flow, &config, true);
	flow_function(&flow, &(struct faas_function_config){ .name = "e",
							     .handler = "echo.env",
							     .environment = secret });
	assert_true(is_on_the_disk("echo.env"));
	assert_false(is_on_the_disk("rosebud"));
	flow_close(&flow);
	flow_open(&flow, &config, true);
	assert_true(flow_says(flow_call(&flow, "e", "NAME"), "rosebud|rosebud"));
	control_restart(); /* without the key */
	flow_function(&flow, &(struct faas_function_config){ .name = "e",
							     .handler = "echo.env",
							     .environment = variables });
	assert_true(flow_says(flow_call(&flow, "e", "NAME"), "value|value"));
}

TEST(without_a_state_dir_nothing_is_remembered)
{
	flow_close(&flow);
	flow_open(&flow, NULL, true);
	flow_function(&flow, &(struct faas_function_config){ .name = "f",
							     .handler = "echo.context" });
	flow_close(&flow);
	flow_open(&flow, NULL, true);
	is_not_there("f");
}

int main(void)
{
#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, control_open_lasting, control_close_lasting)
	const struct CMUnitTest tests[] = {
		CASE(a_function_is_back_with_all_that_was_said_of_it),
		CASE(versions_aliases_tags_and_limits_are_back),
		CASE(publishing_after_a_restart_gives_no_number_to_what_is_published),
		CASE(what_becomes_of_events_is_back),
		CASE(a_deleted_function_stays_deleted_and_its_numbers_given),
		CASE(a_program_may_create_once_more_what_came_back_and_what_it_says_counts),
		CASE(a_function_of_the_programs_own_code_is_whole_when_it_is_created_again),
		CASE(a_function_whose_code_is_gone_is_whole_when_it_has_some_again),
		CASE(sealed_variables_are_written_sealed_and_open_again),
		CASE(without_a_state_dir_nothing_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
