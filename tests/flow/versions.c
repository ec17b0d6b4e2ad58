/* SPDX-License-Identifier: MIT */
/* Versions and aliases, from publishing to the environment that serves them. */
#include "support/test.h"

#include <stdio.h>

#include "support/flow.h"

#include <runtime.h>

#define ARN "arn:aws:lambda:local-1:000000000000:function:f"

static struct flow flow;
static struct faas_error err;

static int open_real(void **state)
{
	(void)state;
	memset(&err, 0, sizeof(err));
	flow_open(&flow, NULL, false);
	flow_function(&flow, &(struct faas_function_config){ .name = "f",
							     .handler = "echo.context" });
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	return 0;
}

static int publish(void)
{
	int version = 0;

	if (faas_version_publish(flow.rt, "f", NULL, &version, &err))
		fail_msg("%s", err.message);
	return version;
}

static void update(int memory_mb)
{
	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "f", .memory_mb = memory_mb), &err),
			 0);
}

/* What the handler was told: the version, and the function as its caller wrote it. */
static void expect(const struct faas_result *result, const char *version, const char *arn)
{
	char text[256];

	snprintf(text, sizeof(text), " f %s %s null", version, arn);
	assert_int_equal(result->code, 0);
	assert_string_equal(result->version, version);
	if (!memmem(result->payload.data, result->payload.len, text, strlen(text)))
		fail_msg("'%.*s' does not say '%s'", (int)result->payload.len,
			 (const char *)result->payload.data, text);
}

/* ---- asked for on the loop, as a callback does ------------------------- */

static struct asked {
	struct fa_call call; /* first */
	int rc, memory_mb;
	_Atomic int answers;
} asked;

static void on_answer(void *data, const struct faas_result *result)
{
	(void)data;
	asked.memory_mb = result->memory_mb;
	asked.answers++;
}

static void ask(struct fa_call *call)
{
	(void)call;
	asked.rc = faas_invoke(flow.rt,
			       FAAS_REQUEST(.function = "f", .capacity_wait_ms = 10000,
					    .on_done = on_answer),
			       NULL, NULL);
	if (asked.rc)
		asked.answers++;
}

/* The memory that what "f" means there has, or a code. */
static int memory_on_the_loop(void)
{
	int before = asked.answers;

	asked.call.run = ask;
	fa_loop_call(&flow.rt->loop, &asked.call);
	flow_await_count(&flow, &asked.answers, before + 1);
	return asked.rc ? asked.rc : asked.memory_mb;
}

TEST(on_the_loop_a_name_means_what_it_means_by_now)
{
	struct faas_function_config again = { .name = "f", .handler = "echo.context",
					      .memory_mb = 320 };

	update(256);
	assert_int_equal(memory_on_the_loop(), 256);
	assert_int_equal(memory_on_the_loop(), 256);
	update(512);
	assert_int_equal(memory_on_the_loop(), 512);
	publish();
	assert_int_equal(memory_on_the_loop(), 512);
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	assert_int_equal(memory_on_the_loop(), FAAS_ENOTFOUND);
	flow_function(&flow, &again);
	assert_int_equal(memory_on_the_loop(), 320);
}

TEST(a_published_version_runs_as_it_was_when_it_was_published)
{
	const struct faas_result *result;

	update(256);
	assert_int_equal(publish(), 1);
	update(512);
	result = flow_call(&flow, "f:1", "");
	expect(result, "1", ARN ":1");
	assert_int_equal(result->memory_mb, 256);
	result = flow_call(&flow, "f", "");
	expect(result, "$LATEST", ARN);
	assert_int_equal(result->memory_mb, 512);
}

TEST(a_version_is_called_by_any_form_of_its_name_and_through_the_loop)
{
	publish();
	expect(flow_call(&flow, ARN ":1", ""), "1", ARN ":1");
	expect(flow_call(&flow, "000000000000:function:f:1", ""), "1", ARN ":1");
	expect(flow_call_async(&flow, "f:1", ""), "1", ARN ":1");
	expect(flow_call(&flow, "f:$LATEST", ""), "$LATEST", ARN ":$LATEST");
	expect(flow_call(&flow, "000000000000:function:f", ""), "$LATEST", ARN);
}

TEST(publishing_again_gives_the_same_number_until_something_changed)
{
	assert_int_equal(publish(), 1);
	assert_int_equal(publish(), 1);
	update(128); /* as it was */
	assert_int_equal(publish(), 1);
	update(256);
	assert_int_equal(publish(), 2);
	assert_int_equal(publish(), 2);
	assert_int_equal(faas_version_publish(flow.rt, "f", "words", NULL, &err), 0);
	assert_int_equal(publish(), 2);
}

TEST(an_update_does_not_touch_the_environments_of_a_version)
{
	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "f", .handler = "echo.counter"),
				 &err),
			 0);
	publish();
	assert_true(flow_says(flow_call(&flow, "f:1", ""), "0"));
	update(256);
	assert_true(flow_says(flow_call(&flow, "f", ""), "0"));
	assert_true(flow_says(flow_call(&flow, "f:1", ""), "1"));
}

TEST(an_alias_leads_to_its_version_and_the_handler_sees_the_alias)
{
	publish();
	assert_int_equal(faas_alias_set(flow.rt, "f", "live", 1, 0, 0, &err), 0);
	expect(flow_call(&flow, "f:live", ""), "1", ARN ":live");
	update(256);
	publish();
	assert_int_equal(faas_alias_set(flow.rt, "f", "live", 1, 2, 1, &err), 0);
	expect(flow_call(&flow, "f:live", ""), "2", ARN ":live");
	assert_int_equal(faas_alias_delete(flow.rt, "f", "live", &err), 0);
	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "f:live"),
					  &(struct faas_result *){ NULL }, &err),
			 FAAS_ENOTFOUND);
	assert_string_equal(err.message, "Function not found: " ARN ":live");
}

TEST(the_logs_and_the_report_are_of_the_number)
{
	publish();
	flow_call(&flow, "f:1", "");
	flow_await_log(&flow, "Version: 1");
}

TEST(a_version_can_be_deleted_alone_and_latest_cannot)
{
	publish();
	assert_int_equal(faas_function_delete(flow.rt, "f:$LATEST", &err), FAAS_EINVAL);
	assert_string_equal(err.message,
			    "$LATEST version cannot be deleted without deleting the function.");
	flow_call(&flow, "f:1", "");
	flow_call(&flow, "f", "");
	flow_await_idle(&flow, 2, 0);
	assert_int_equal(faas_function_delete(flow.rt, "f:1", &err), 0);
	flow_await_idle(&flow, 1, 0);
	assert_int_equal(faas_function_delete(flow.rt, "f:1", &err), FAAS_ENOTFOUND);
	expect(flow_call(&flow, "f", ""), "$LATEST", ARN);
}

TEST(a_version_that_an_alias_leads_to_is_not_deleted)
{
	publish();
	assert_int_equal(faas_alias_set(flow.rt, "f", "live", 1, 0, 0, &err), 0);
	assert_int_equal(faas_function_delete(flow.rt, "f:1", &err), FAAS_EEXIST);
	assert_int_equal(faas_function_delete(flow.rt, "f:live", &err), FAAS_EINVAL);
	expect(flow_call(&flow, "f:live", ""), "1", ARN ":live");
}

TEST(with_a_function_go_its_versions_and_their_environments)
{
	publish();
	assert_int_equal(faas_alias_set(flow.rt, "f", "live", 1, 0, 0, &err), 0);
	flow_call(&flow, "f:live", "");
	flow_call(&flow, "f", "");
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	flow_await_idle(&flow, 0, 0);
	assert_int_equal(faas_function_delete(flow.rt, "f:1", &err), FAAS_ENOTFOUND);
	flow_function(&flow, &(struct faas_function_config){ .name = "f",
							     .handler = "echo.context" });
	assert_int_equal(publish(), 2);
}

TEST(a_version_is_not_updated)
{
	publish();
	assert_int_equal(faas_function_update(flow.rt, FAAS_FUNCTION(.name = "f:1"), &err),
			 FAAS_EINVAL);
	assert_int_equal(faas_version_publish(flow.rt, "f:1", NULL, NULL, &err), FAAS_EINVAL);
}

TEST(all_versions_of_a_function_are_under_its_limit)
{
	static const char *const others[] = { "f", "f:2" };
	struct faas_result *result;
	uint64_t id;

	assert_int_equal(faas_function_update(flow.rt,
					      FAAS_FUNCTION(.name = "f", .max_concurrency = 1,
							    .handler = "echo.sleep_ms",
							    .timeout_ms = 60000),
					      &err),
			 0);
	publish();
	update(256);
	publish();
	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = "f:1", .payload = { "59000", 5 }),
				     &id, &err),
			 0);
	flow_await_idle(&flow, 0, 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(faas_invoke_wait(flow.rt,
						  FAAS_REQUEST(.function = others[i],
							       .payload = { "0", 1 }),
						  &result, &err),
				 FAAS_ETHROTTLED);
		assert_non_null(strstr(err.message, "ReservedFunctionConcurrentInvocation"));
	}
	faas_cancel(flow.rt, id);
	flow_await_idle(&flow, 1, 0); /* cold, its /tmp kept */
	assert_true(flow_says(flow_call(&flow, "f:2", "0"), "0"));
}

static bool count_them(void *data, const struct faas_function_info *info)
{
	assert_string_equal(info->version, "$LATEST");
	++*(int *)data;
	return true;
}

TEST(the_list_of_functions_names_each_once)
{
	int count = 0;

	publish();
	assert_int_equal(faas_function_list(flow.rt, count_them, &count), 0);
	assert_int_equal(count, 1);
}

static bool name_it(void *data, const struct faas_function_info *info)
{
	char *names = data;

	strcat(strcat(strcat(strcat(names, info->name), ":"), info->version), " ");
	return strcmp(info->version, "2") != 0;
}

TEST(the_list_of_versions_names_each_in_order_until_it_is_enough)
{
	char names[128] = "";

	flow_function(&flow,
		      &(struct faas_function_config){ .name = "e", .handler = "echo.echo" });
	publish();
	update(256);
	publish();
	update(512);
	publish();
	assert_int_equal(faas_version_list(flow.rt, name_it, names), 0);
	assert_string_equal(names, "e:$LATEST f:$LATEST f:1 f:2 ");
	assert_int_equal(faas_version_list(flow.rt, NULL, NULL), FAAS_EINVAL);
}

TEST(each_update_makes_a_new_revision_and_the_code_keeps_its_fingerprint)
{
	struct faas_function_info *before, *after, *version;

	assert_int_equal(faas_function_get(flow.rt, "f", &before, &err), 0);
	update(256);
	publish();
	assert_int_equal(faas_function_get(flow.rt, "f", &after, &err), 0);
	assert_int_equal(faas_function_get(flow.rt, "f:1", &version, &err), 0);
	assert_string_not_equal(before->revision, after->revision);
	assert_int_equal(strlen(after->code_sha256), 44);
	assert_string_equal(before->code_sha256, after->code_sha256);
	assert_string_equal(version->code_sha256, after->code_sha256);
	assert_string_equal(version->version, "1");
	faas_free(before);
	faas_free(after);
	faas_free(version);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define REAL(name) cmocka_unit_test_setup_teardown(name, open_real, close_it)
		REAL(on_the_loop_a_name_means_what_it_means_by_now),
		REAL(a_published_version_runs_as_it_was_when_it_was_published),
		REAL(a_version_is_called_by_any_form_of_its_name_and_through_the_loop),
		REAL(publishing_again_gives_the_same_number_until_something_changed),
		REAL(an_update_does_not_touch_the_environments_of_a_version),
		REAL(an_alias_leads_to_its_version_and_the_handler_sees_the_alias),
		REAL(the_logs_and_the_report_are_of_the_number),
		REAL(a_version_can_be_deleted_alone_and_latest_cannot),
		REAL(a_version_that_an_alias_leads_to_is_not_deleted),
		REAL(with_a_function_go_its_versions_and_their_environments),
		REAL(a_version_is_not_updated),
		REAL(all_versions_of_a_function_are_under_its_limit),
		REAL(the_list_of_functions_names_each_once),
		REAL(the_list_of_versions_names_each_in_order_until_it_is_enough),
		REAL(each_update_makes_a_new_revision_and_the_code_keeps_its_fingerprint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
