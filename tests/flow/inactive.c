/* SPDX-License-Identifier: MIT */
/*
 * Versions whose snapshot nobody has used for long: Inactive, Pending while it is made again,
 * and Active once more. What is kept for them goes, and no event does.
 */
#include "snap_start.h"

#include <pthread.h>

#include <model/change.h>
#include <runtime.h>

#include "support/processes.h"

#define AFTER_MS 600000
#define IDLE \
	"\"State\":\"Inactive\",\"StateReason\":\"The function is currently idle.\"," \
	"\"StateReasonCode\":\"Idle\""
#define RESTORING \
	"\"State\":\"Pending\",\"StateReason\":\"The function is being restored.\"," \
	"\"StateReasonCode\":\"Restoring\""
#define NOT_READY \
	"Lambda is initializing your function. It will be ready to invoke once your function " \
	"state becomes ACTIVE."

static int open_short(void **state)
{
	(void)state;
	return open_with(&(struct faas_config){ .inactive_after_ms = AFTER_MS }, true);
}

static int open_default(void **state)
{
	(void)state;
	return open_with(NULL, true);
}

static int open_never(void **state)
{
	(void)state;
	return open_with(&(struct faas_config){ .inactive_after_ms = FAAS_NONE }, true);
}

static int open_kept(void **state)
{
	(void)state;
	stores_folder(folder);
	return open_with(&(struct faas_config){ .inactive_after_ms = AFTER_MS,
						.state_dir = folder }, true);
}

/* f:1 is there, and its snapshot. */
static void begin(const char *handler)
{
	create(handler);
	go();
	if (faas_version_publish(flow.rt, "f", NULL, NULL, &err))
		fail_msg("%s", err.message);
}

static void await_inactive(void)
{
	flow_advance(&flow, AFTER_MS);
	await_state("Inactive", 1000);
}

static void begin_inactive(const char *handler)
{
	begin(handler);
	await_inactive();
}

static void is_state(const char *text)
{
	get();
	has(text);
}

static bool is_inactive(const char *function)
{
	struct faas_function_info *info;
	bool inactive;

	assert_int_equal(faas_function_get(flow.rt, function, &info, &err), 0);
	inactive = !strcmp(info->state, "Inactive");
	faas_free(info);
	return inactive;
}

/* Four seconds, in which whoever was found to be idle would end and be given up. */
static void stays_active(const char *function)
{
	for (int i = 0; i < 8; i++) {
		flow_pass(&flow, 500);
		assert_false(is_inactive(function));
		for (int ms = 0; ms < 5; ms++)
			nap();
	}
}

static void begin_another(const char *name)
{
	flow_function(&flow, FAAS_FUNCTION(.name = name, .code = code, .handler = "snapshot.tell",
					   .snap_start = "PublishedVersions"));
	assert_int_equal(faas_version_publish(flow.rt, name, NULL, NULL, &err), 0);
}

static int call(const char *function)
{
	struct faas_result *result = NULL;
	int rc = faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = function), &result, &err);

	faas_free(result);
	return rc;
}

static void is_not_ready(void)
{
	assert_int_equal(call("f:1"), FAAS_EEXIST);
	assert_string_equal(err.type, "SnapStartNotReadyException");
	assert_string_equal(err.message, NOT_READY);
}

static void send_to(const char *function)
{
	if (faas_invoke(flow.rt, FAAS_REQUEST(.function = function, .mode = FAAS_EVENT), NULL,
			&err))
		fail_msg("%s", err.message);
}

static void want_messages(void)
{
	perform("PutFunctionEventInvokeConfig",
		"{\"FunctionName\":\"f\",\"Qualifier\":\"1\",\"MaximumEventAgeInSeconds\":60,"
		"\"DestinationConfig\":{\"OnSuccess\":{\"Destination\":\"queue:done\"},"
		"\"OnFailure\":{\"Destination\":\"queue:bad\"}}}");
}

/* The clock goes on until there is a message; the test's to free. */
static struct faas_message *await_message(const char *queue)
{
	struct faas_message *message = NULL;

	for (int ms = 0; !message && ms < 20000; ms++) {
		flow_pass(&flow, 200);
		assert_int_equal(faas_take(flow.rt, queue, 0, &message, &err), 0);
	}
	assert_non_null(message);
	return message;
}

static void tells(const char *queue, const char *text, const char *more)
{
	struct faas_message *message = await_message(queue);

	if (!strstr(message->body.data, text) || !strstr(message->body.data, more))
		fail_msg("%s", (const char *)message->body.data);
	faas_free(message);
}

static int processes(void)
{
	struct process below[64];

	return processes_below(getpid(), below, 64);
}

static int nests(void)
{
	struct process below[64];
	int count = processes_below(getpid(), below, 64), nests = 0;

	for (int i = 0; i < count; i++)
		nests += below[i].parent == below[0].pid; /* the supervisor */
	return nests;
}

static void await_nests(int n)
{
	for (int ms = 0; nests() != n; ms++, nap())
		if (ms > 10000)
			fail_msg("%d nests and not %d", nests(), n);
}

static void await_processes(int n)
{
	for (int ms = 0; processes() != n; ms++, nap())
		if (ms > 10000)
			fail_msg("%d processes and not %d", processes(), n);
}

/* ---- who becomes inactive ------------------------------------------------------ */

TEST(a_version_that_nobody_uses_becomes_inactive_and_not_too_soon)
{
	begin("snapshot.tell");
	flow_advance(&flow, AFTER_MS - 1000);
	is_state("\"State\":\"Active\"");
	flow_advance(&flow, 1000);
	await_state("Inactive", 1000);
	has(IDLE);
	has("\"LastUpdateStatus\":\"Successful\"");
}

TEST(what_was_kept_for_an_inactive_version_is_gone)
{
	struct faas_function_info *info;
	int without;

	create("snapshot.tell");
	flow_expect(&flow, "f", "", "1 1 h");
	flow_await_idle(&flow, 1, 0);
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, NULL, &err), 0);
	flow_expect(&flow, "f:1", "", "111 1 h");
	flow_await_idle(&flow, 2, 0);
	await_nests(3); /* the one that is made ahead, too */
	without = processes() - 2; /* a nest and its environment */
	await_inactive();
	await_processes(without);
	assert_int_equal(faas_function_get(flow.rt, "f:1", &info, &err), 0);
	assert_int_equal(info->environments_idle, 0);
	assert_string_equal(info->state, "Inactive");
	assert_string_equal(info->state_reason, "The function is currently idle.");
	faas_free(info);
}

TEST(who_is_used_now_and_then_stays_active)
{
	begin("snapshot.tell");
	for (int i = 0; i < 4; i++) {
		flow_advance(&flow, AFTER_MS - 5000);
		stays_active("f:1");
		assert_int_equal(call("f:1"), 0);
	}
}

TEST(who_is_never_used_is_idle_from_when_its_snapshot_was_made)
{
	begin_another("g");
	flow_advance(&flow, AFTER_MS - 60000);
	begin("snapshot.tell");
	flow_advance(&flow, 60000);
	stays_active("f:1");
	assert_true(is_inactive("g:1"));
}

TEST(each_version_has_a_time_of_its_own)
{
	begin("snapshot.tell");
	begin_another("g");
	flow_advance(&flow, 100000);
	assert_int_equal(call("f:1"), 0);
	flow_advance(&flow, 200000);
	assert_int_equal(call("g:1"), 0);
	flow_advance(&flow, AFTER_MS - 300000);
	stays_active("f:1");
	flow_advance(&flow, 95000);
	await_state("Inactive", 1000);
	assert_false(is_inactive("g:1"));
}

static void *call_it(void *data)
{
	*(_Atomic int *)data = call("f:1");
	return NULL;
}

TEST(who_is_at_work_for_longer_is_not_idle_meanwhile)
{
	_Atomic int rc = 1;
	pthread_t thread;

	flow_function(&flow, FAAS_FUNCTION(.name = "f", .code = code, .handler = "snapshot.busy",
					   .timeout_ms = 900000,
					   .snap_start = "PublishedVersions"));
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, NULL, &err), 0);
	pthread_create(&thread, NULL, call_it, (void *)&rc);
	flow_await_idle(&flow, 0, 1);
	flow_advance(&flow, AFTER_MS);
	flow_advance(&flow, 60000);
	is_state("\"State\":\"Active\"");
	go();
	pthread_join(thread, NULL);
	assert_int_equal(rc, 0);
	flow_advance(&flow, AFTER_MS - 1000);
	is_state("\"State\":\"Active\"");
	await_state("Inactive", 1000);
}

TEST(a_version_without_a_snapshot_and_latest_never_become_inactive)
{
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .code = code, .handler = "snapshot.tell"));
	flow_function(&flow, FAAS_FUNCTION(.name = "g", .code = code, .handler = "snapshot.tell",
					   .snapshot = true));
	publish();
	flow_expect(&flow, "f:1", "", "1 1 h");
	flow_expect(&flow, "g", "", "111 1 h");
	begin_another("h"); /* for which all are looked at */
	for (int i = 0; i < 5; i++) {
		flow_advance(&flow, AFTER_MS);
		stays_active("f:1");
	}
	assert_true(is_inactive("h:1"));
	flow_expect(&flow, "f:1", "", "1 2 h");
	flow_expect(&flow, "g", "", "111 2 h");
}

TEST(it_takes_fourteen_days_if_nothing_else_was_said)
{
	begin("snapshot.tell");
	for (int day = 0; day < 13; day++)
		flow_advance(&flow, 86400000);
	flow_advance(&flow, 86398000);
	is_state("\"State\":\"Active\"");
	await_state("Inactive", 1000);
}

TEST(it_never_happens_where_that_was_said)
{
	begin("snapshot.tell");
	for (int day = 0; day < 100; day++)
		flow_advance(&flow, 86400000);
	is_state("\"State\":\"Active\"");
	assert_int_equal(call("f:1"), 0);
}

/* ---- and active again ------------------------------------------------------------ */

TEST(the_first_call_is_refused_and_has_the_snapshot_made_again)
{
	begin_inactive("snapshot.held");
	stop_again();
	is_not_ready();
	is_state(RESTORING);
	is_not_ready(); /* and so is who comes meanwhile */
	is_state(RESTORING);
	go();
	await_state("Active", 0);
	flow_expect(&flow, "f:1", "", "111 1 h");
	flow_await_logs(&flow, "init ran", 2);
	assert_int_equal(flow_log_count(&flow, "init ran"), 2);
}

/* One that is open may be on its way to a disk that stands still, and the loop with it. */
TEST(a_restoration_waits_for_no_change)
{
	struct faas_function_info *info;
	bool active = false;

	begin_inactive("snapshot.tell");
	fa_change_begin(&flow.rt->registry);
	is_not_ready();
	for (int ms = 0; ms < 20000 && !active; ms++) {
		nap();
		assert_int_equal(faas_function_get(flow.rt, "f:1", &info, &err), 0);
		active = !strcmp(info->state, "Active");
		faas_free(info);
	}
	fa_change_end(&flow.rt->registry);
	assert_true(active);
}

TEST(an_active_version_becomes_inactive_as_often_as_it_is_idle)
{
	begin("snapshot.tell");
	for (int i = 0; i < 3; i++) {
		await_inactive();
		is_not_ready();
		await_state("Active", 0);
		flow_expect(&flow, "f:1", "", "111 1 h");
	}
}

TEST(a_restoration_that_fails_leaves_it_inactive_and_says_why)
{
	begin("snapshot.moody");
	await_inactive();
	stop_again();
	is_not_ready();
	await_state("Inactive", 0);
	has("\"StateReason\":\"Its initialization failed: Snapshot.Complaint\","
	    "\"StateReasonCode\":\"FunctionError.RuntimeInitError\"");
	go();
	is_not_ready();
	await_state("Active", 0);
	await_inactive();
	has(IDLE);
}

TEST(a_dry_run_says_that_it_is_not_ready_and_wakes_nobody)
{
	struct faas_result *result = NULL;

	begin_inactive("snapshot.tell");
	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "f:1",
								.mode = FAAS_DRY_RUN),
					  &result, &err), FAAS_EEXIST);
	assert_string_equal(err.type, "SnapStartNotReadyException");
	is_state(IDLE);
}

TEST(to_publish_it_again_gives_its_number_and_wakes_nobody)
{
	int version = 0;

	begin_inactive("snapshot.tell");
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, &version, &err), 0);
	assert_int_equal(version, 1);
	publish();
	has("\"Version\":\"1\"");
	is_state(IDLE);
}

/* ---- events ------------------------------------------------------------------------ */

static void one_event_waits(void)
{
	begin_inactive("snapshot.held");
	want_messages();
	stop_again();
	send_to("f:1");
	for (int i = 0; i < 5; i++)
		flow_pass(&flow, 1000);
	is_state(RESTORING);
	go();
	tells("queue:done", "\"approximateInvokeCount\":1", "\"111 1 h\"");
	is_state("\"State\":\"Active\"");
	assert_int_equal(flow_log_count(&flow, "START"), 1);
}

TEST(an_event_waits_until_it_is_active_and_that_is_no_attempt)
{
	one_event_waits();
}

TEST(so_does_one_that_lies_in_the_state_dir)
{
	one_event_waits();
}

TEST(of_many_events_none_is_lost_and_none_runs_twice)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	begin_inactive("snapshot.tell");
	for (int i = 0; i < 40; i++)
		send_to("f:1");
	for (int ms = 0; ms < 20000 && stats.events_succeeded < 40; ms++) {
		flow_pass(&flow, 200);
		assert_int_equal(faas_stats(flow.rt, &stats), 0);
	}
	assert_int_equal(stats.events_accepted, 40);
	assert_int_equal(stats.events_succeeded, 40);
	flow_await_logs(&flow, "START", 40);
	assert_int_equal(flow_log_count(&flow, "START"), 40);
}

/* Too old in the end, as one that was throttled for so long. */
TEST(an_event_whose_version_cannot_be_restored_is_told_as_too_old)
{
	begin_inactive("snapshot.moody");
	want_messages();
	stop_again();
	send_to("f:1");
	tells("queue:bad", "\"condition\":\"EventAgeExceeded\"", "\"approximateInvokeCount\":0");
	await_state("Inactive", 0);
}

/* ---- with other things that versions have -------------------------------------------- */

TEST(an_alias_leads_to_an_inactive_version_by_its_weight)
{
	int refused = 0, served = 0;

	begin("snapshot.held");
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"f\",\"MemorySize\":256}");
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, NULL, &err), 0);
	assert_int_equal(faas_alias_set(flow.rt, "f", "live", 2, 1, 0.5, &err), 0);
	flow_advance(&flow, AFTER_MS - 1000);
	assert_int_equal(call("f:2"), 0);
	flow_advance(&flow, 1000);
	await_state("Inactive", 1000);
	stop_again();
	for (int i = 0; i < 100; i++) {
		int rc = call("f:live");

		served += !rc;
		refused += rc && !strcmp(err.type, "SnapStartNotReadyException");
	}
	assert_int_equal(served + refused, 100);
	assert_true(served && refused);
	go();
	await_state("Active", 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(call("f:live"), 0);
}

TEST(an_inactive_version_can_be_deleted)
{
	begin_inactive("snapshot.tell");
	assert_int_equal(faas_function_delete(flow.rt, "f:1", &err), 0);
	assert_int_equal(call("f:1"), FAAS_ENOTFOUND);
	assert_int_equal(faas_version_publish(flow.rt, "f", NULL, NULL, &err), 0);
	flow_expect(&flow, "f:2", "", "111 1 h");
	flow_advance(&flow, AFTER_MS);
	for (int i = 0; i < 5; i++)
		flow_pass(&flow, 1000);
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	assert_int_equal(call("f:2"), FAAS_ENOTFOUND);
}

TEST(one_that_is_being_restored_can_be_deleted)
{
	begin_inactive("snapshot.held");
	stop_again();
	is_not_ready();
	assert_int_equal(faas_function_delete(flow.rt, "f:1", &err), 0);
	flow_await_idle(&flow, 0, 0);
}

static void provision(void)
{
	perform("PutProvisionedConcurrencyConfig",
		"{\"FunctionName\":\"f\",\"Qualifier\":\"1\","
		"\"ProvisionedConcurrentExecutions\":1}");
}

TEST(what_is_provisioned_does_not_become_inactive)
{
	begin("snapshot.tell");
	provision();
	flow_await_idle(&flow, 1, 0);
	for (int i = 0; i < 5; i++)
		flow_advance(&flow, AFTER_MS);
	is_state("\"State\":\"Active\"");
	assert_int_equal(call("f:1"), 0);
}

TEST(an_inactive_version_that_is_provisioned_becomes_active)
{
	begin_inactive("snapshot.tell");
	provision();
	await_state("Active", 0);
	assert_int_equal(call("f:1"), 0);
}

/* What may not run is not made ready for it. */
TEST(without_any_concurrency_nobody_wakes_it)
{
	begin_inactive("snapshot.tell");
	want_messages();
	assert_int_equal(faas_function_reserve(flow.rt, "f", FAAS_NONE, &err), 0);
	assert_int_equal(call("f:1"), FAAS_ETHROTTLED);
	send_to("f:1");
	tells("queue:bad", "\"condition\":\"ZeroReservedConcurrency\"",
	      "\"approximateInvokeCount\":0");
	is_state(IDLE);
	assert_int_equal(faas_function_reserve(flow.rt, "f", 0, &err), 0);
	is_not_ready();
	await_state("Active", 0);
	assert_int_equal(call("f:1"), 0);
}

TEST(in_the_next_program_it_is_active)
{
	begin_inactive("snapshot.tell");
	flow_close(&flow);
	flow_open(&flow, &(struct faas_config){ .inactive_after_ms = AFTER_MS,
						.state_dir = folder }, true);
	is_state("\"State\":\"Active\"");
	flow_expect(&flow, "f:1", "", "111 1 h");
	await_inactive();
}

TEST(a_runtime_closes_while_a_version_becomes_active_again)
{
	begin_inactive("snapshot.held");
	stop_again();
	is_not_ready();
	send_to("f:1");
}

#define SHORT(f) cmocka_unit_test_setup_teardown(f, open_short, close_it)
#define KEPT(f) cmocka_unit_test_setup_teardown(f, open_kept, close_it)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHORT(a_version_that_nobody_uses_becomes_inactive_and_not_too_soon),
		SHORT(what_was_kept_for_an_inactive_version_is_gone),
		SHORT(who_is_used_now_and_then_stays_active),
		SHORT(who_is_never_used_is_idle_from_when_its_snapshot_was_made),
		SHORT(each_version_has_a_time_of_its_own),
		SHORT(who_is_at_work_for_longer_is_not_idle_meanwhile),
		SHORT(a_version_without_a_snapshot_and_latest_never_become_inactive),
		cmocka_unit_test_setup_teardown(it_takes_fourteen_days_if_nothing_else_was_said,
						open_default, close_it),
		cmocka_unit_test_setup_teardown(it_never_happens_where_that_was_said, open_never,
						close_it),
		SHORT(the_first_call_is_refused_and_has_the_snapshot_made_again),
		SHORT(a_restoration_waits_for_no_change),
		SHORT(an_active_version_becomes_inactive_as_often_as_it_is_idle),
		SHORT(a_restoration_that_fails_leaves_it_inactive_and_says_why),
		SHORT(a_dry_run_says_that_it_is_not_ready_and_wakes_nobody),
		SHORT(to_publish_it_again_gives_its_number_and_wakes_nobody),
		SHORT(an_event_waits_until_it_is_active_and_that_is_no_attempt),
		KEPT(so_does_one_that_lies_in_the_state_dir),
		KEPT(of_many_events_none_is_lost_and_none_runs_twice),
		SHORT(an_event_whose_version_cannot_be_restored_is_told_as_too_old),
		SHORT(an_alias_leads_to_an_inactive_version_by_its_weight),
		SHORT(an_inactive_version_can_be_deleted),
		SHORT(one_that_is_being_restored_can_be_deleted),
		SHORT(what_is_provisioned_does_not_become_inactive),
		SHORT(an_inactive_version_that_is_provisioned_becomes_active),
		SHORT(without_any_concurrency_nobody_wakes_it),
		KEPT(in_the_next_program_it_is_active),
		KEPT(a_runtime_closes_while_a_version_becomes_active_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
