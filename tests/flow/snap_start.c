/* SPDX-License-Identifier: MIT */
/* SnapStart: the snapshot of a version is made when that is published, ahead of its events. */
#include "snap_start.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include <openssl/evp.h>

#include "support/processes.h"
#include "support/zips.h"

static int inits(void)
{
	return flow_log_count(&flow, "init ran");
}

/* So often; lines come after answers. */
static void init_ran(int times)
{
	flow_await_logs(&flow, "init ran", times);
	assert_int_equal(inits(), times);
}

/* ---- made when it is published -------------------------------------------- */

TEST(a_version_is_pending_until_its_snapshot_is_made)
{
	create("snapshot.held");
	publish();
	has(PENDING);
	get();
	has(PENDING);
	has("\"SnapStart\":{\"ApplyOn\":\"PublishedVersions\",\"OptimizationStatus\":\"On\"}");
	cannot_be_invoked(IN_STATE("Pending"));
	go();
	await_state("Active", 0);
	has("\"SnapStart\":{\"ApplyOn\":\"PublishedVersions\",\"OptimizationStatus\":\"On\"}");
	flow_await_log(&flow, "before_snapshot ran");
	flow_await_log(&flow, "INIT_REPORT Init Duration: ");
	assert_int_equal(flow_log_count(&flow, "after_restore ran"), 0);
	flow_expect(&flow, "f:1", "", "111 1 h");
	init_ran(1);
}

/* What is not held up is the loop, and what serves the control doors. */
TEST(while_snapshots_are_made_all_else_goes_on)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	char request[64];

	create("snapshot.tell");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		flow_function(&flow, FAAS_FUNCTION(.name = names[i], .code = code,
						   .handler = "snapshot.held",
						   .snap_start = "PublishedVersions"));
		snprintf(request, sizeof(request), "{\"FunctionName\":\"%s\"}", names[i]);
		perform("PublishVersion", request);
		has(PENDING);
	}
	publish();
	await_state("Active", 0);
	flow_expect(&flow, "f", "", "1 1 h");
	flow_expect(&flow, "f:1", "", "111 1 h");
	go();
}

TEST(who_publishes_by_the_typed_door_has_waited)
{
	int version = 0;

	create("snapshot.tell");
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, &version, &err), 0);
	assert_int_equal(version, 1);
	get();
	has("\"State\":\"Active\"");
	flow_expect(&flow, "f:1", "", "111 1 h");
	flow_await_log(&flow, "after_restore ran");
	init_ran(1);
}

TEST(to_publish_what_is_published_waits_for_the_same_snapshot)
{
	int version = 0;

	create("snapshot.held");
	publish();
	go();
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, &version, &err), 0);
	assert_int_equal(version, 1);
	flow_expect(&flow, "f:1", "", "111 1 h");
	init_ran(1);
}

TEST(without_snap_start_a_version_is_active_at_once)
{
	create("snapshot.tell");
	perform("UpdateFunctionConfiguration",
		"{\"FunctionName\":\"f\",\"SnapStart\":{\"ApplyOn\":\"None\"}}");
	publish();
	has("\"State\":\"Active\"");
	flow_expect(&flow, "f:1", "", "1 1 h");
}

/* ---- with the code, in one request ----------------------------------------- */

/* A ZIP with the plugin, between these two parts of a request. */
static const char *with_zip(const char *before, const char *text, const char *after)
{
	static char base64[1 << 20], request[(1 << 20) + 1024];
	struct zips zip;

	zips_begin(&zip);
	zips_copy(&zip, "snapshot.so", TEST_PLUGINS "/snapshot.so");
	zips_file(&zip, "text", text);
	zips_end(&zip, NULL);
	assert_true(zip.len * 4 / 3 + 8 < sizeof(base64));
	EVP_EncodeBlock((unsigned char *)base64, zip.data, (int)zip.len);
	snprintf(request, sizeof(request), "%s\"%s\"%s", before, base64, after);
	return request;
}

static void create_published(const char *handler)
{
	char after[200];

	snprintf(after, sizeof(after),
		 "},\"Handler\":\"%s\",\"SnapStart\":{\"ApplyOn\":\"PublishedVersions\"}}",
		 handler);
	perform("CreateFunction",
		with_zip("{\"FunctionName\":\"f\",\"Role\":\"arn:aws:iam::000000000000:role/r\","
			 "\"Runtime\":\"provided.al2023\",\"Publish\":true,\"Code\":{\"ZipFile\":",
			 "one", after));
	has("\"Version\":\"1\"");
	has(PENDING);
}

TEST(a_version_is_created_with_its_function_and_active_when_its_snapshot_is_made)
{
	create_published("snapshot.tell");
	await_state("Active", 0);
	init_ran(1);
	flow_expect(&flow, "f:1", "", "111 1 h");
}

TEST(a_version_that_is_created_with_its_function_fails_without_it)
{
	create_published("snapshot.bad_init");
	await_state("Failed", 0);
	perform("GetFunctionConfiguration", "{\"FunctionName\":\"f\"}");
	has("\"State\":\"Active\"");
}

TEST(a_version_is_published_with_a_change_of_its_code)
{
	create_published("snapshot.tell");
	await_state("Active", 0);
	perform("UpdateFunctionCode",
		with_zip("{\"FunctionName\":\"f\",\"Publish\":true,\"ZipFile\":", "two", "}"));
	has("\"Version\":\"2\"");
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, NULL, &err), 0);
	init_ran(2);
	flow_expect(&flow, "f:2", "", "111 1 h");
}

/* ---- init fails --------------------------------------------------------------- */

struct failure {
	const char *handler, *code, *reason;
};

static const struct failure failures[] = {
	{ "snapshot.bad_init", "FunctionError.RuntimeInitError", "Snapshot.Complaint" },
	{ "snapshot.bad_before", "FunctionError.RuntimeInitError", "Runtime.BeforeSnapshotError" },
	{ "snapshot.crash_init", "FunctionError.RuntimeInitError", "Runtime.ExitError" },
	{ "snapshot.thread", "FunctionError.RuntimeInitError", "Runtime.NoSnapshot" },
	/* ends with the status of a template that is done */
	{ "snapshot.lie", "FunctionError.RuntimeInitError", "Runtime.ExitError" },
};

static void delete(void)
{
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
}

TEST(a_version_whose_init_fails_has_failed_and_says_why)
{
	char text[200];

	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		create(failures[i].handler);
		publish();
		snprintf(text, sizeof(text), "\"Version\":\"%zu\"", i + 1);
		has(text);
		snprintf(text, sizeof(text),
			 "\"State\":\"Failed\",\"StateReason\":\"Its initialization failed: %s\","
			 "\"StateReasonCode\":\"%s\"",
			 failures[i].reason, failures[i].code);
		for (int ms = 0; !strstr(reply, text) && ms < 10000; ms++, nap()) {
			char request[80];

			snprintf(request, sizeof(request),
				 "{\"FunctionName\":\"f\",\"Qualifier\":\"%zu\"}", i + 1);
			perform("GetFunctionConfiguration", request);
		}
		has(text);
		delete();
	}
}

TEST(a_version_that_has_failed_is_not_invoked)
{
	create("snapshot.bad_init");
	publish();
	await_state("Failed", 0);
	cannot_be_invoked(IN_STATE("Failed"));
	flow_await_log(&flow, "INIT_REPORT Init Duration: ");
	flow_await_log(&flow, "\tStatus: error\tError Type: Runtime.Unknown");
	assert_int_equal(flow_log_count(&flow, "INIT_REPORT"), 1);
}

TEST(by_the_typed_door_there_is_no_version_that_failed)
{
	struct faas_function_info *info;
	int version = 77;

	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		create(failures[i].handler);
		assert_int_equal(faas_version_publish(flow.rt, "f", NULL, &version, &err),
				 FAAS_EFUNCTION);
		assert_string_equal(err.type, failures[i].code);
		assert_non_null(strstr(err.message, failures[i].reason));
		assert_int_equal(version, 77);
		assert_int_equal(faas_function_get(flow.rt, "f:1", &info, NULL), FAAS_ENOTFOUND);
		delete();
	}
	create("snapshot.tell");
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, &version, &err), 0);
	assert_int_equal(version, 6); /* no number is given twice */
}

TEST(an_init_may_take_as_long_as_that_of_what_is_provisioned_and_no_longer)
{
	create("snapshot.hang_init");
	publish();
	flow_advance(&flow, 129000);
	get();
	has("\"State\":\"Pending\"");
	await_state("Failed", 1100);
	has("\"StateReasonCode\":\"FunctionError.InitTimeout\"");
}

/* ---- ends in between ------------------------------------------------------------ */

TEST(a_pending_version_can_be_deleted)
{
	create("snapshot.held");
	publish();
	assert_int_equal(faas_function_delete(flow.rt, "f:1", &err), 0);
	flow_await_idle(&flow, 0, 0);
	go();
	publish();
	has("\"Version\":\"2\"");
}

/* Whoever waits for it is told. */
TEST(a_function_that_is_deleted_takes_its_pending_version_with_it)
{
	_Atomic int code = 1;
	pthread_t thread;

	create("snapshot.held");
	pthread_create(&thread, NULL, publish_typed, (void *)&code);
	for (int ms = 0; faas_function_get(flow.rt, "f:1", &(struct faas_function_info *){ NULL },
					   NULL) && ms < 10000; ms++)
		nap();
	delete();
	pthread_join(thread, NULL);
	assert_int_equal(code, FAAS_ECANCELED);
}

TEST(a_runtime_that_closes_does_not_wait_for_an_init)
{
	create("snapshot.held");
	publish();
	flow_close(&flow);
	memset(&flow, 0, sizeof(flow));
}

/* ---- another program -------------------------------------------------------------- */

static void restart(void)
{
	flow_close(&flow);
	flow_open(&flow, &(struct faas_config){ .state_dir = folder }, false);
}

TEST(the_next_program_makes_the_snapshot_again_ahead_of_events)
{
	create("snapshot.held");
	go();
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, NULL, &err), 0);
	init_ran(1);
	restart();
	flow_await_log(&flow, "INIT_REPORT Init Duration: ");
	init_ran(1);
	assert_int_equal(flow_log_count(&flow, "START"), 0);
	flow_expect(&flow, "f:1", "", "111 1 h");
	init_ran(1);
}

TEST(an_event_that_comes_before_it_is_made_again_waits_for_it)
{
	create("snapshot.held");
	go();
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, NULL, &err), 0);
	stop_again();
	restart();
	get();
	has("\"State\":\"Active\"");
	go();
	flow_expect(&flow, "f:1", "", "111 1 h");
	flow_await_log(&flow, "before_snapshot ran");
	init_ran(1);
}

TEST(what_was_pending_is_made_by_the_next_program)
{
	create("snapshot.held");
	publish();
	restart();
	get();
	has("\"State\":\"Pending\"");
	go();
	await_state("Active", 0);
	flow_expect(&flow, "f:1", "", "111 1 h");
}

TEST(what_has_failed_has_failed_in_the_next_program)
{
	create("snapshot.bad_init");
	publish();
	await_state("Failed", 0);
	restart();
	for (int ms = 0; ms < 2000; ms++, nap()) { /* it is written behind the answer */
		get();
		if (strstr(reply, "Failed"))
			break;
	}
	has("\"State\":\"Failed\",\"StateReason\":\"Its initialization failed: "
	    "Snapshot.Complaint\",\"StateReasonCode\":\"FunctionError.RuntimeInitError\"");
}

/* ---- killed from outside, and no room ----------------------------------------------- */

/* The template that was born since `last`, killed; -1: only root may. */
static pid_t kill_next(pid_t last)
{
	struct process one = { .pid = last };

	for (int ms = 0; one.pid == last; ms++) {
		assert_true(ms < 10000);
		flow_pass(&flow, 100);
		nap();
		processes_of_environments(getpid(), &one, 1);
	}
	return kill(one.pid, SIGKILL) < 0 && errno == EPERM ? -1 : one.pid;
}

TEST(a_template_that_was_killed_is_made_again)
{
	pid_t last = 0;

	create("snapshot.held");
	publish();
	for (int i = 0; i < 3 && last >= 0; i++)
		last = kill_next(last);
	if (last < 0)
		print_message("# skipped: only root may kill another user's process\n");
	get();
	has("\"State\":\"Pending\"");
	go();
	await_state("Active", 100);
	flow_expect(&flow, "f:1", "", "111 1 h");
}

TEST(a_template_that_is_killed_for_ever_is_given_up)
{
	pid_t last = 0;

	create("snapshot.held");
	publish();
	for (int i = 0; i < 10 && last >= 0; i++)
		last = kill_next(last);
	if (last < 0) {
		print_message("# skipped: only root may kill another user's process\n");
		return;
	}
	await_state("Failed", 100);
	has("\"StateReason\":\"No snapshot could be made: its process was killed\","
	    "\"StateReasonCode\":\"InternalError\"");
}

/* The supervisor, and all below it. */
static void kill_supervisor(void)
{
	struct process below[64];
	int n = processes_below(getpid(), below, 64);

	for (int i = 0; i < n; i++)
		if (below[i].parent == getpid())
			processes_kill(&below[i]);
}

TEST(a_snapshot_that_went_with_its_nest_is_made_again_ahead_of_events)
{
	create("snapshot.tell");
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, NULL, &err), 0);
	init_ran(1);
	kill_supervisor();
	for (int ms = 0; inits() < 2; ms++) {
		assert_true(ms < 10000);
		flow_pass(&flow, 100);
		nap();
	}
	flow_await_logs(&flow, "INIT_REPORT Init Duration: ", 2);
	flow_expect(&flow, "f:1", "", "111 1 h");
	init_ran(2);
}

TEST(where_there_is_no_room_it_is_made_when_there_is)
{
	create("snapshot.tell");
	flow_function(&flow, FAAS_FUNCTION(.name = "g", .code = code, .handler = "snapshot.busy",
					   .timeout_ms = 900000));
	assert_int_equal(faas_invoke(flow.rt, FAAS_REQUEST(.function = "g"), NULL, NULL), 0);
	flow_await_idle(&flow, 0, 1);
	publish();
	flow_pass(&flow, 2000);
	get();
	has("\"State\":\"Pending\"");
	go();
	await_state("Active", 200);
	init_ran(1);
}

#define REAL(f) cmocka_unit_test_setup_teardown(f, open_it, close_it)
#define VIRTUAL(f) cmocka_unit_test_setup_teardown(f, open_virtual, close_it)
#define LASTING(f) cmocka_unit_test_setup_teardown(f, open_lasting, close_it)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REAL(a_version_is_pending_until_its_snapshot_is_made),
		REAL(while_snapshots_are_made_all_else_goes_on),
		REAL(who_publishes_by_the_typed_door_has_waited),
		REAL(to_publish_what_is_published_waits_for_the_same_snapshot),
		REAL(without_snap_start_a_version_is_active_at_once),
		REAL(a_version_is_created_with_its_function_and_active_when_its_snapshot_is_made),
		REAL(a_version_that_is_created_with_its_function_fails_without_it),
		REAL(a_version_is_published_with_a_change_of_its_code),
		REAL(a_version_whose_init_fails_has_failed_and_says_why),
		REAL(a_version_that_has_failed_is_not_invoked),
		REAL(by_the_typed_door_there_is_no_version_that_failed),
		VIRTUAL(an_init_may_take_as_long_as_that_of_what_is_provisioned_and_no_longer),
		REAL(a_pending_version_can_be_deleted),
		REAL(a_function_that_is_deleted_takes_its_pending_version_with_it),
		REAL(a_runtime_that_closes_does_not_wait_for_an_init),
		LASTING(the_next_program_makes_the_snapshot_again_ahead_of_events),
		LASTING(an_event_that_comes_before_it_is_made_again_waits_for_it),
		LASTING(what_was_pending_is_made_by_the_next_program),
		LASTING(what_has_failed_has_failed_in_the_next_program),
		VIRTUAL(a_template_that_was_killed_is_made_again),
		VIRTUAL(a_template_that_is_killed_for_ever_is_given_up),
		VIRTUAL(a_snapshot_that_went_with_its_nest_is_made_again_ahead_of_events),
		cmocka_unit_test_setup_teardown(where_there_is_no_room_it_is_made_when_there_is,
						open_small, close_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
