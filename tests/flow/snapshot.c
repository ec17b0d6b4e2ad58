/* SPDX-License-Identifier: MIT */
/*
 * Snapshots: init() runs once for a function, and each of its environments
 * begins with what that left, and with nothing that must be its own.
 */
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "support/flow.h"

#include <faas/faas.h>
#include <runtime.h>
#include <testing.h>

#define CROWD 20

static struct flow flow;

static void open_flow(const char *handler)
{
	flow_open(&flow, NULL, false);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = handler, .snapshot = true));
}

static void renew(void)
{
	assert_int_equal(faas_recycle(flow.rt, "f", NULL), 0);
}

static const char *text_of(const struct faas_result *result)
{
	static char text[8][400];
	static int next;
	char *to = text[next++ % 8];

	snprintf(to, sizeof(*text), "%.*s", (int)result->payload.len,
		 (const char *)result->payload.data);
	return to;
}

static void expect(const struct faas_result *result, const char *text)
{
	if (!flow_says(result, text))
		fail_msg("'%s' instead of '%s' (%s)", text_of(result), text, result->error_type);
}

static void expect_error(const struct faas_result *result, const char *type, const char *words)
{
	if (strcmp(result->error_type, type) != 0 || !strstr(text_of(result), words))
		fail_msg("%s: '%s' instead of %s: '%s'", result->error_type, text_of(result), type,
			 words);
}

/* Lines come after results. */
static void await_reports(int count)
{
	for (int ms = 0; flow_log_count(&flow, "REPORT RequestId") < count; ms++) {
		if (ms == 10000)
			fail_msg("the log says no more than:\n%s", flow.log);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

/* ---- once, and in each ------------------------------------------------- */

TEST(init_runs_once_and_after_restore_in_each_environment)
{
	open_flow("snapshot.tell");
	for (int i = 0; i < 4; i++, renew()) {
		expect(flow_call(&flow, "f", ""), "111 1 h");
		expect(flow_call_async(&flow, "f", ""), "111 2 h");
	}
	await_reports(8);
	assert_int_equal(flow_log_count(&flow, "init ran"), 1);
	assert_int_equal(flow_log_count(&flow, "before_snapshot ran"), 1);
	assert_int_equal(flow_log_count(&flow, "after_restore ran"), 4);
	flow_close(&flow);
}

TEST(a_function_without_hooks_has_a_snapshot_too)
{
	flow_open(&flow, NULL, false);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "echo.echo",
					   .snapshot = true));
	for (int i = 0; i < 3; i++, renew())
		expect(flow_call(&flow, "f", "hello"), "hello");
	flow_close(&flow);
}

TEST(a_c_function_has_a_snapshot_too)
{
	flow_open(&flow, NULL, false);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .code = "/usr/lib/x86_64-linux-gnu",
					   .handler = "libm.so.6.pow", .snapshot = true,
					   .prototype = "double pow(double x, double y)"));
	for (int i = 0; i < 3; i++, renew())
		expect(flow_call(&flow, "f", "[2, 10]"), "1024");
	flow_close(&flow);
}

TEST(pristine_and_snapshot_go_together)
{
	flow_open(&flow, NULL, false);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "snapshot.tell",
					   .snapshot = true, .pristine = true));
	for (int i = 0; i < 6; i++)
		expect(flow_call(&flow, "f", ""), "111 1 h");
	flow_close(&flow);
}

/* ---- SnapStart: of published versions alone ----------------------------- */

static void publish(void)
{
	struct faas_error err;

	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, NULL, &err), 0);
}

TEST(with_snap_start_versions_have_a_snapshot_and_latest_has_none)
{
	flow_open(&flow, NULL, false);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "snapshot.tell",
					   .snap_start = "PublishedVersions"));
	publish();
	expect(flow_call(&flow, "f", ""), "1 1 h");
	for (int i = 0; i < 2; i++) {
		expect(flow_call(&flow, "f:1", ""), "111 1 h");
		assert_int_equal(faas_recycle(flow.rt, "f:1", NULL), 0);
	}
	flow_close(&flow);
}

static const char *control(const char *operation, const char *request)
{
	static char *reply;
	struct faas_error err;

	faas_free(reply);
	if (faas_control(flow.rt, operation, request, &reply, &err))
		fail_msg("%s: %s", operation, err.message);
	return reply;
}

static void shows(const char *reply, const char *apply_on, const char *status)
{
	char text[100];

	snprintf(text, sizeof(text),
		 "\"SnapStart\":{\"ApplyOn\":\"%s\",\"OptimizationStatus\":\"%s\"}", apply_on,
		 status);
	if (!strstr(reply, text))
		fail_msg("no %s in %s", text, reply);
}

TEST(snap_start_is_changed_and_shown_by_control)
{
	flow_open(&flow, NULL, false);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "snapshot.tell"));
	shows(control("GetFunctionConfiguration", "{\"FunctionName\":\"f\"}"), "None", "Off");
	shows(control("UpdateFunctionConfiguration",
		      "{\"FunctionName\":\"f\",\"SnapStart\":{\"ApplyOn\":\"PublishedVersions\"}}"),
	      "PublishedVersions", "Off");
	shows(control("PublishVersion", "{\"FunctionName\":\"f\"}"), "PublishedVersions", "On");
	publish(); /* again, to wait for it */
	shows(control("UpdateFunctionConfiguration",
		      "{\"FunctionName\":\"f\",\"SnapStart\":{\"ApplyOn\":\"None\"}}"),
	      "None", "Off");
	shows(control("PublishVersion", "{\"FunctionName\":\"f\"}"), "None", "Off");
	expect(flow_call(&flow, "f:1", ""), "111 1 h");
	expect(flow_call(&flow, "f:2", ""), "1 1 h");
	flow_close(&flow);
}

struct many {
	_Atomic int done, good;
};

static void count_good(void *data, const struct faas_result *result)
{
	struct many *many = data;

	many->good += result->code == FAAS_OK;
	many->done++;
}

/* How many of a crowd, all asked at once, were served. */
static int serve_crowd(void)
{
	struct many many = { 0 };

	for (int i = 0; i < CROWD; i++)
		assert_int_equal(faas_invoke(flow.rt,
					     FAAS_REQUEST(.function = "f", .on_done = count_good,
							  .data = &many),
					     NULL, NULL),
				 0);
	while (many.done < CROWD)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	return many.good;
}

/* Those that are asked for while the template is made wait for it. */
TEST(many_at_once_share_one_init)
{
	open_flow("snapshot.tell");
	assert_int_equal(serve_crowd(), CROWD);
	await_reports(CROWD);
	assert_int_equal(flow_log_count(&flow, "init ran"), 1);
	flow_close(&flow);
}

/* ---- what is an environment's own -------------------------------------- */

TEST(what_init_drew_is_shared_and_what_after_restore_drew_is_not)
{
	char first[64], second[64];

	open_flow("snapshot.draw");
	snprintf(first, sizeof(first), "%s", text_of(flow_call(&flow, "f", "")));
	renew();
	snprintf(second, sizeof(second), "%s", text_of(flow_call(&flow, "f", "")));
	assert_memory_equal(first, second, 17);
	assert_string_not_equal(first, second);
	flow_close(&flow);
}

TEST(signals_limits_and_the_directory_are_kept_and_wiped_memory_is_wiped)
{
	open_flow("snapshot.look");
	for (int i = 0; i < 2; i++, renew())
		expect(flow_call(&flow, "f", ""), "1 77 100 /usr 0 snap-start");
	flow_close(&flow);
}

/* Neither the ids nor the places of a file in memory are everywhere the same. */
TEST(it_works_with_fewer_layers)
{
	static const unsigned weak[] = { 0, FAAS_LAYER_OWN_UID, FAAS_LAYER_CGROUP_MEMORY,
					 FAAS_LAYER_LANDLOCK | FAAS_LAYER_SECCOMP,
					 FAAS_LAYER_LANDLOCK | FAAS_LAYER_MOUNT_NS };

	for (size_t i = 0; i < sizeof(weak) / sizeof(*weak); i++) {
		flow_open(&flow, NULL, false);
		fa_testing_weaken(flow.rt, weak[i], 0);
		flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "snapshot.tell",
						   .snapshot = true));
		for (int k = 0; k < 3; k++, renew())
			expect(flow_call(&flow, "f", ""), "111 1 h");
		flow_close(&flow);
	}
}

/* Nobody may see into a process of a namespace that is not its own, not even itself. */
TEST(where_there_is_no_proc_there_is_no_snapshot)
{
	flow_open(&flow, NULL, false);
	fa_testing_weaken(flow.rt, FAAS_LAYER_PID_NS, 0);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "snapshot.tell",
					   .snapshot = true));
	expect_error(flow_call(&flow, "f", ""), "Runtime.NoSnapshot", "no /proc");
	flow_close(&flow);
}

/* ---- what cannot be kept ----------------------------------------------- */

TEST(what_cannot_be_kept_is_refused_with_the_reason)
{
	static const char *const rows[][2] = {
		{ "snapshot.thread", "it has left a thread running" },
		{ "snapshot.child", "it has left a process running" },
		{ "snapshot.share", "it has shared memory that it can write" },
		{ "snapshot.file", "/dev/null" },
		{ "snapshot.tmp", "it has left files in /tmp" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		open_flow(rows[i][0]);
		expect_error(flow_call(&flow, "f", ""), "Runtime.NoSnapshot", rows[i][1]);
		expect_error(flow_call_async(&flow, "f", ""), "Runtime.NoSnapshot", rows[i][1]);
		flow_close(&flow);
	}
}

/* The positive control: the same are fine where nothing is kept. */
TEST(without_a_snapshot_none_of_it_is_refused)
{
	static const char *const handlers[] = { "snapshot.thread", "snapshot.child",
						"snapshot.share", "snapshot.file",
						"snapshot.tmp" };

	for (size_t i = 0; i < sizeof(handlers) / sizeof(*handlers); i++) {
		flow_open(&flow, NULL, false);
		flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = handlers[i]));
		expect(flow_call(&flow, "f", ""), "0 1 -");
		flow_close(&flow);
	}
}

TEST(only_processes_have_snapshots)
{
	struct faas_error err;

	flow_open(&flow, NULL, false);
	assert_int_equal(faas_function_create(flow.rt,
					      FAAS_FUNCTION(.name = "f", .code = TEST_PLUGINS,
							    .handler = "echo.handler",
							    .isolation = FAAS_THREAD,
							    .snapshot = true),
					      &err),
			 FAAS_EINVAL);
	assert_int_equal(faas_function_create(flow.rt,
					      FAAS_FUNCTION(.name = "f", .code = TEST_PLUGINS,
							    .handler = "echo.handler",
							    .isolation = FAAS_THREAD,
							    .snap_start = "PublishedVersions"),
					      &err),
			 FAAS_EINVAL);
	flow_close(&flow);
}

TEST(what_is_no_snap_start_is_refused)
{
	struct faas_error err;

	flow_open(&flow, NULL, false);
	assert_int_equal(faas_function_create(flow.rt,
					      FAAS_FUNCTION(.name = "f", .code = TEST_PLUGINS,
							    .handler = "echo.handler",
							    .snap_start = "Always"),
					      &err),
			 FAAS_EINVAL);
	assert_string_equal(err.message,
			    "snap_start is 'Always': must be PublishedVersions or None");
	flow_close(&flow);
}

/* ---- hooks that go wrong ----------------------------------------------- */

TEST(a_hook_that_fails_is_told_by_its_name)
{
	static const char *const rows[][3] = {
		{ "snapshot.bad_init", "Snapshot.Complaint", "as it was told to" },
		{ "snapshot.bad_before", "Runtime.BeforeSnapshotError", "returned 7" },
		{ "snapshot.bad_after", "Runtime.AfterRestoreError", "returned 7" },
		{ "snapshot.crash_init", "Runtime.ExitError", "aborted" },
		{ "snapshot.crash_after", "Runtime.ExitError", "aborted" },
		{ "snapshot.lie", "Runtime.ExitError", "exit status" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		open_flow(rows[i][0]);
		for (int k = 0; k < 3; k++)
			expect_error(flow_call(&flow, "f", ""), rows[i][1], rows[i][2]);
		flow_close(&flow);
	}
}

/* Everybody who waits becomes the template in turn, and hears of its own failure. */
TEST(a_template_that_dies_is_made_anew_for_each_that_waits)
{
	open_flow("snapshot.crash_init");
	assert_int_equal(serve_crowd(), 0);
	flow_close(&flow);
}

TEST(a_restore_is_reported_as_one)
{
	open_flow("snapshot.tell");
	flow_call(&flow, "f", "");
	renew();
	assert_true(flow_call(&flow, "f", "")->init_ms > 0);
	await_reports(2);
	assert_int_equal(flow_log_count(&flow, "Restore Duration: "), 4); /* plain and billed */
	assert_int_equal(flow_log_count(&flow, "Init Duration: "), 0);
	flow_close(&flow);
}

TEST(a_restore_that_fails_is_reported_as_one)
{
	open_flow("snapshot.bad_after");
	flow_call(&flow, "f", "");
	flow_await_log(&flow, "RESTORE_REPORT Restore Duration: ");
	flow_await_log(&flow, "\tStatus: error\tError Type: Runtime.AfterRestoreError");
	flow_close(&flow);
}

TEST(an_after_restore_beyond_the_limit_is_ended)
{
	open_flow("snapshot.hang_after");
	flow.rt->envs.init_limit_ns = 100 * 1000000;
	for (int i = 0; i < 2; i++)
		expect_error(flow_call(&flow, "f", ""), "SnapStartTimeoutException",
			     "could not be restored in time");
	expect_error(flow_call_async(&flow, "f", ""), "SnapStartTimeoutException", "in time");
	flow_await_log(&flow, "RESTORE_REPORT Restore Duration: ");
	flow_close(&flow);
}

/* Once by its own limit, then by the function's timeout, as without a snapshot. */
TEST(an_init_beyond_the_limit_ends_with_the_invocation)
{
	flow_open(&flow, NULL, false);
	flow.rt->envs.init_limit_ns = 50 * 1000000;
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "snapshot.hang_init",
					   .snapshot = true, .timeout_ms = 200));
	expect_error(flow_call(&flow, "f", ""), "Sandbox.Timedout", "timed out after 0.20");
	assert_int_equal(serve_crowd(), 0);
	flow_close(&flow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_runs_once_and_after_restore_in_each_environment),
		cmocka_unit_test(a_function_without_hooks_has_a_snapshot_too),
		cmocka_unit_test(a_c_function_has_a_snapshot_too),
		cmocka_unit_test(pristine_and_snapshot_go_together),
		cmocka_unit_test(with_snap_start_versions_have_a_snapshot_and_latest_has_none),
		cmocka_unit_test(snap_start_is_changed_and_shown_by_control),
		cmocka_unit_test(many_at_once_share_one_init),
		cmocka_unit_test(what_init_drew_is_shared_and_what_after_restore_drew_is_not),
		cmocka_unit_test(
			signals_limits_and_the_directory_are_kept_and_wiped_memory_is_wiped),
		cmocka_unit_test(it_works_with_fewer_layers),
		cmocka_unit_test(where_there_is_no_proc_there_is_no_snapshot),
		cmocka_unit_test(what_cannot_be_kept_is_refused_with_the_reason),
		cmocka_unit_test(without_a_snapshot_none_of_it_is_refused),
		cmocka_unit_test(only_processes_have_snapshots),
		cmocka_unit_test(what_is_no_snap_start_is_refused),
		cmocka_unit_test(a_hook_that_fails_is_told_by_its_name),
		cmocka_unit_test(a_template_that_dies_is_made_anew_for_each_that_waits),
		cmocka_unit_test(a_restore_is_reported_as_one),
		cmocka_unit_test(a_restore_that_fails_is_reported_as_one),
		cmocka_unit_test(an_after_restore_beyond_the_limit_is_ended),
		cmocka_unit_test(an_init_beyond_the_limit_ends_with_the_invocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
