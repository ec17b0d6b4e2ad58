/* SPDX-License-Identifier: MIT */
/*
 * Provisioned environments: initialised ahead of any event, kept while idle,
 * started again when they end, preferred by events, and no burden on anybody when
 * they cannot be started.
 */
#include "support/test.h"

#include <signal.h>
#include <time.h>

#include "support/flow.h"

#include <invoke.h>

#define WARM "\"initialised\""
#define TYPE "AWS_LAMBDA_INITIALIZATION_TYPE"

static struct flow flow;

static int open_real(void **state)
{
	(void)state;
	flow_open(&flow, NULL, false);
	return 0;
}

static int open_virtual(void **state)
{
	(void)state;
	flow_open(&flow, &(struct faas_config){ .idle_ms = 60000, .max_memory_mb = 512 }, true);
	return 0;
}

static int open_small(void **state)
{
	(void)state;
	flow_open(&flow, &(struct faas_config){ .max_memory_mb = 256, .max_concurrency = 4 }, true);
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	return 0;
}

static void function(const char *name, const char *handler, int provisioned)
{
	flow_function(&flow, &(struct faas_function_config){ .name = name,
							     .handler = handler,
							     .provisioned = provisioned });
}

static void update(const struct faas_function_config *config)
{
	struct faas_error err = { 0 };

	if (faas_function_update(flow.rt, config, &err))
		fail_msg("%s", err.message);
}

static void pause_a_little(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static bool is(const char *status, int available)
{
	struct faas_function_info *info = NULL;
	bool so;

	assert_int_equal(faas_function_get(flow.rt, "f", &info, NULL), 0);
	so = !strcmp(info->provisioned_status, status) && info->provisioned_available == available;
	faas_free(info);
	return so;
}

static void await(const char *status, int available)
{
	struct faas_function_info *info = NULL;

	for (int ms = 0; ms < 10000; ms++) {
		if (is(status, available))
			return;
		pause_a_little();
	}
	assert_int_equal(faas_function_get(flow.rt, "f", &info, NULL), 0);
	fail_msg("%s, %d of %d: %s; expected %s, %d", info->provisioned_status,
		 info->provisioned_available, info->provisioned_requested, info->provisioned_reason,
		 status, available);
}

static void expect_reason(const char *reason)
{
	struct faas_function_info *info = NULL;

	assert_int_equal(faas_function_get(flow.rt, "f", &info, NULL), 0);
	assert_string_equal(info->provisioned_reason, reason);
	faas_free(info);
}

static uint64_t cold_starts(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_stats(flow.rt, &stats), 0);
	return stats.cold_starts;
}

/* Of the function f, which outlives its use. */
static struct fa_pool *pool_of_f(void)
{
	struct fa_version *version = fa_registry_find(&flow.rt->registry, "f", NULL);
	struct fa_pool *pool = ((struct fa_runner *)version->runner)->pool;

	fa_version_unref(version);
	return pool;
}

static int alive(void)
{
	struct fa_pool *pool = pool_of_f();
	int n;

	pthread_mutex_lock(&pool->lock);
	n = pool->alive;
	pthread_mutex_unlock(&pool->lock);
	return n;
}

static void await_alive(int n)
{
	for (int ms = 0; ms < 10000 && alive() != n; ms++)
		pause_a_little();
	assert_int_equal(alive(), n);
}

/* ---- ahead of any event ---------------------------------------------- */

TEST(they_are_ready_before_the_first_event)
{
	const struct faas_result *first;

	function("f", "init.good", 2);
	await("READY", 2);
	first = flow_call(&flow, "f", "x");
	assert_true(flow_says(first, WARM));
	assert_true(first->init_ms == 0);
	assert_int_equal(cold_starts(), 0);
	flow_await_log(&flow, "REPORT RequestId");
	assert_int_equal(flow_log_count(&flow, "INIT_REPORT Init Duration: "), 2);
	assert_int_equal(flow_log_count(&flow, "\tInit Duration: "), 0);
}

TEST(others_are_not)
{
	function("f", "init.good", 0);
	assert_true(is("", 0));
	assert_true(flow_call(&flow, "f", "x")->init_ms > 0);
	assert_int_equal(cold_starts(), 1);
	flow_await_log(&flow, "REPORT RequestId");
	assert_int_equal(flow_log_count(&flow, "INIT_REPORT"), 0);
	assert_int_equal(flow_log_count(&flow, "\tInit Duration: "), 1);
}

TEST(the_function_sees_how_it_was_initialised)
{
	function("f", "echo.env", 1);
	await("READY", 1);
	assert_true(flow_says(flow_call(&flow, "f", TYPE),
			      "provisioned-concurrency|provisioned-concurrency"));
	update(FAAS_FUNCTION(.name = "f", .provisioned = FAAS_NONE));
	assert_true(flow_says(flow_call(&flow, "f", TYPE), "on-demand|on-demand"));
}

TEST(the_report_of_a_failed_one_names_the_error)
{
	function("f", "init.init_abort", 1);
	flow_await_log(&flow, "\tPhase: init\tStatus: error\tError Type: Runtime.ExitError");
}

TEST(in_a_thread_they_are_ready_too)
{
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "echo.env",
					   .isolation = FAAS_THREAD, .provisioned = 2));
	await("READY", 2);
	assert_true(flow_says(flow_call(&flow, "f", TYPE), "provisioned-concurrency|(none)"));
	assert_true(flow_says(flow_call_async(&flow, "f", TYPE), "provisioned-concurrency|(none)"));
	assert_int_equal(cold_starts(), 0);
}

/* ---- kept ------------------------------------------------------------ */

TEST(idle_time_does_not_end_them)
{
	function("f", "life.act", 1);
	function("g", "life.act", 0);
	await("READY", 1);
	assert_true(flow_says(flow_call(&flow, "f", "count"), "1"));
	assert_true(flow_says(flow_call(&flow, "g", "count"), "1"));
	flow_await_idle(&flow, 2, 0);
	flow_advance(&flow, 60001);
	flow_await_idle(&flow, 1, 0);
	assert_true(flow_says(flow_call(&flow, "f", "count"), "2"));
	assert_true(flow_says(flow_call(&flow, "g", "count"), "1"));
}

TEST(one_that_crashed_is_started_again_in_its_tmp)
{
	const struct faas_result *after;

	function("f", "life.act", 1);
	await("READY", 1);
	flow_call(&flow, "f", "put kept");
	assert_int_equal(flow_call(&flow, "f", "segv")->code, FAAS_EFUNCTION);
	await("READY", 1);
	after = flow_call(&flow, "f", "count");
	assert_true(flow_says(after, "1"));
	assert_true(after->init_ms == 0);
	assert_true(flow_says(flow_call(&flow, "f", "get"), "kept"));
	assert_int_equal(cold_starts(), 0);
	assert_int_equal(alive(), 1);
}

TEST(one_that_was_killed_while_idle_is_started_again)
{
	struct fa_pool *pool;
	int pid;

	function("f", "life.act", 1);
	await("READY", 1);
	pool = pool_of_f();
	pthread_mutex_lock(&pool->lock);
	pid = fa_container(pool->ready.next, struct fa_env, link)->pid;
	pthread_mutex_unlock(&pool->lock);
	assert_true(pid > 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	while (is("READY", 1))
		pause_a_little();
	await("READY", 1);
	assert_true(flow_says(flow_call(&flow, "f", "count"), "1"));
	assert_int_equal(cold_starts(), 0);
}

/* The supervisor's end is the end of all; nobody is told but those who wait. */
TEST(all_are_started_again_when_the_worker_was_lost)
{
	function("f", "life.act", 3);
	await("READY", 3);
	pthread_mutex_lock(&flow.rt->envs.lock);
	kill(flow.rt->envs.supervisor.pid, SIGKILL);
	pthread_mutex_unlock(&flow.rt->envs.lock);
	while (is("READY", 3))
		pause_a_little();
	await("READY", 3);
	assert_true(flow_says(flow_call(&flow, "f", "count"), "1"));
}

TEST(the_heir_of_a_late_one_takes_its_place)
{
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "init.nap_slow",
					   .timeout_ms = 1000, .provisioned = 1));
	await("READY", 1);
	assert_int_equal(flow_call(&flow, "f", "30000")->code, FAAS_ETIMEOUT);
	await("READY", 1);
	await_alive(1);
	assert_true(flow_call(&flow, "f", "0")->init_ms == 0);
}

/* ---- preferred, and spilled over ------------------------------------- */

static void *sleep_there(void *data)
{
	struct faas_result *result = NULL;
	const char *event = data;

	faas_invoke_wait(flow.rt,
			 FAAS_REQUEST(.function = "f", .payload = { event, strlen(event) }),
			 &result, NULL);
	assert_int_equal(result->code, FAAS_OK);
	faas_free(result);
	return NULL;
}

TEST(more_events_than_that_get_other_environments)
{
	pthread_t thread;

	function("f", "life.act", 1);
	await("READY", 1);
	pthread_create(&thread, NULL, sleep_there, "sleep 300");
	flow_await_idle(&flow, 0, 1);
	assert_true(flow_call(&flow, "f", "count")->init_ms > 0);
	pthread_join(thread, NULL);
	flow_await_idle(&flow, 2, 0);
	assert_true(flow_says(flow_call(&flow, "f", "count"), "1")); /* the other has 2 next */
	assert_int_equal(cold_starts(), 1);
	assert_true(is("READY", 1));
}

static void await_metric(const char *name, double value)
{
	for (int ms = 0; ms < 10000 && flow_metric(&flow, name) < value; ms++)
		pause_a_little();
	if (flow_metric(&flow, name) != value)
		fail_msg("%s is %f, not %f", name, flow_metric(&flow, name), value);
}

TEST(metrics_tell_who_got_which)
{
	pthread_t thread;

	function("f", "life.act", 2);
	await("READY", 2);
	pthread_create(&thread, NULL, sleep_there, "sleep 300");
	flow_await_idle(&flow, 1, 1);
	flow_call(&flow, "f", "count");
	await_metric("ProvisionedConcurrencyUtilization", 1); /* 2 of 2 */
	pthread_join(thread, NULL);
	await_metric("ProvisionedConcurrencyUtilization", 1.5);
	assert_true(flow_metric(&flow, "ProvisionedConcurrencyInvocations") == 2);
	assert_true(flow_metric(&flow, "ProvisionedConcurrencySpilloverInvocations") == 0);
}

TEST(metrics_tell_who_got_none)
{
	pthread_t thread;

	function("f", "life.act", 1);
	await("READY", 1);
	pthread_create(&thread, NULL, sleep_there, "sleep 300");
	flow_await_idle(&flow, 0, 1);
	flow_call(&flow, "f", "count");
	await_metric("ProvisionedConcurrencySpilloverInvocations", 1);
	pthread_join(thread, NULL);
	await_metric("ProvisionedConcurrencyInvocations", 1);
}

TEST(functions_without_them_have_no_such_metrics)
{
	function("f", "life.act", 0);
	flow_call(&flow, "f", "count");
	await_metric("Invocations", 1);
	assert_true(flow_metric(&flow, "ProvisionedConcurrencySpilloverInvocations") == 0);
	assert_true(flow_metric(&flow, "ProvisionedConcurrencyUtilization") == 0);
}

/* ---- failures -------------------------------------------------------- */

static void await_failures(int n)
{
	struct fa_pool *pool = pool_of_f();

	for (int ms = 0; ms < 10000; ms++) {
		pthread_mutex_lock(&pool->lock);
		if (pool->provision.failures == n && !pool->alive)
			n = 0;
		pthread_mutex_unlock(&pool->lock);
		if (!n)
			return;
		pause_a_little();
	}
	fail_msg("%d failures were seen, expected %d; %d are alive", pool->provision.failures, n,
		 pool->alive);
}

/* A turn of the loop after time has moved: what is due has begun. */
static void advance(int64_t ms)
{
	flow_advance(&flow, ms);
	flow_advance(&flow, 0);
	flow_advance(&flow, 0);
}

TEST(a_failing_init_is_tried_again_after_pauses_that_double)
{
	int pause_ms = 100;

	function("f", "init.init_fail", 3);
	for (int n = 1; n < 13; n++) {
		await_failures(n);
		assert_true(is("FAILED", 0));
		advance(pause_ms - 1);
		assert_int_equal(alive(), 0);
		advance(1);
		pause_ms = pause_ms < 30000 ? 2 * pause_ms : 60000;
	}
	expect_reason("FUNCTION_ERROR_INIT_FAILURE: Init.Refused");
}

TEST(after_a_failure_one_at_a_time_has_to_show_that_it_can_be_done)
{
	function("f", "init.init_fail", 3);
	await_failures(1);
	assert_int_equal(flow_log_count(&flow, "INIT_REPORT"), 3);
	advance(100);
	await_failures(2);
	assert_int_equal(flow_log_count(&flow, "INIT_REPORT"), 4);
}

TEST(events_are_served_all_the_same)
{
	function("f", "init.init_fail", 1);
	await_failures(1);
	assert_string_equal(flow_call(&flow, "f", "x")->error_type, "Init.Refused");
}

TEST(each_way_to_fail_has_its_reason)
{
	static const char *const ways[][2] = {
		{ "init.init_seven", "FUNCTION_ERROR_INIT_FAILURE: Runtime.InitError" },
		{ "init.init_abort", "FUNCTION_ERROR_INIT_FAILURE: Runtime.ExitError" },
		{ "init.init_exit", "FUNCTION_ERROR_INIT_FAILURE: Runtime.ExitError" },
		{ "init.no_such", "FUNCTION_ERROR_INIT_FAILURE: Runtime.HandlerNotFound" },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		function("f", ways[i][0], 1);
		await("FAILED", 0);
		expect_reason(ways[i][1]);
		assert_int_equal(faas_function_delete(flow.rt, "f", NULL), 0);
	}
}

TEST(an_init_may_take_longer_than_that_of_an_event_and_not_for_ever)
{
	function("f", "init.init_loop", 1);
	await_alive(1);
	flow_advance(&flow, 129000);
	assert_true(is("IN_PROGRESS", 0));
	flow_advance(&flow, 1001);
	await("FAILED", 0);
	expect_reason("FUNCTION_ERROR_INIT_FAILURE: Sandbox.Timedout");
}

TEST(an_update_may_mend_it)
{
	function("f", "init.init_fail", 2);
	await_failures(1);
	update(FAAS_FUNCTION(.name = "f", .handler = "init.good"));
	await("READY", 2);
	expect_reason("");
}

/* ---- update, recycle, delete, close ---------------------------------- */

TEST(an_update_starts_those_of_what_the_function_is_now)
{
	function("f", "life.act", 2);
	await("READY", 2);
	flow_call(&flow, "f", "count");
	update(FAAS_FUNCTION(.name = "f", .handler = "init.good"));
	assert_true(flow_says(flow_call(&flow, "f", "x"), WARM)); /* at once, ready or not */
	await("READY", 2);
	assert_true(flow_call(&flow, "f", "x")->init_ms == 0);
	update(FAAS_FUNCTION(.name = "f", .handler = "life.act", .provisioned = 1));
	await("READY", 1);
	flow_await_idle(&flow, 1, 0);
}

TEST(an_update_that_says_nothing_of_them_keeps_their_number)
{
	function("f", "life.act", 2);
	update(FAAS_FUNCTION(.name = "f", .timeout_ms = 500));
	await("READY", 2);
}

TEST(an_update_can_do_without_them)
{
	function("f", "life.act", 2);
	await("READY", 2);
	update(FAAS_FUNCTION(.name = "f", .provisioned = FAAS_NONE));
	assert_true(is("", 0));
	flow_await_idle(&flow, 0, 0);
}

TEST(a_recycle_replaces_them)
{
	function("f", "life.act", 1);
	await("READY", 1);
	assert_true(flow_says(flow_call(&flow, "f", "count"), "1"));
	assert_int_equal(faas_recycle(flow.rt, "f", NULL), 0);
	await("READY", 1);
	assert_true(flow_says(flow_call(&flow, "f", "count"), "1"));
	assert_int_equal(cold_starts(), 0);
}

TEST(a_deleted_function_leaves_none)
{
	function("f", "life.act", 3);
	await("READY", 3);
	assert_int_equal(faas_function_delete(flow.rt, "f", NULL), 0);
	flow_await_idle(&flow, 0, 0);
	function("f", "init.init_slow", 3);
	assert_int_equal(faas_function_delete(flow.rt, "f", NULL), 0);
	flow_await_idle(&flow, 0, 0);
}

/* Would hang if one of them stayed, or was started again. */
TEST(a_runtime_can_be_closed_while_they_are_in_their_init)
{
	function("f", "init.init_slow", 40);
	await_alive(16);
	flow_close(&flow);
	flow_open(&flow, NULL, false);
	function("f", "init.init_fail", 40);
	await("FAILED", 0);
}

TEST(a_name_that_is_taken_starts_none)
{
	struct faas_error err = { 0 };

	function("f", "life.act", 0);
	assert_int_equal(
		faas_function_create(flow.rt,
				     FAAS_FUNCTION(.name = "f", .code = TEST_PLUGINS,
						   .handler = "life.act", .provisioned = 2),
				     &err),
		FAAS_EEXIST);
	assert_true(is("", 0));
	assert_int_equal(alive(), 0);
}

/* ---- limits ---------------------------------------------------------- */

static void expect_refused(const struct faas_function_config *config, const char *text)
{
	struct faas_function_config c = *config;
	struct faas_error err = { 0 };

	c.name = "g";
	c.code = TEST_PLUGINS;
	c.handler = "life.act";
	assert_int_equal(faas_function_create(flow.rt, &c, &err), FAAS_EINVAL);
	if (!strstr(err.message, text))
		fail_msg("%s", err.message);
}

TEST(more_than_could_ever_be_there_are_refused)
{
	expect_refused(FAAS_FUNCTION(.provisioned = 3, .max_concurrency = 2),
		       "provisioned is 3: must not be greater than the function's max_concurrency");
	expect_refused(FAAS_FUNCTION(.provisioned = 5),
		       "the runtime's max_concurrency, which is 4");
	expect_refused(FAAS_FUNCTION(.provisioned = 3), "384 MB, more than the runtime's "
							"max_memory_mb, which is 256");
	expect_refused(FAAS_FUNCTION(.provisioned = -2), "provisioned is -2");
	function("f", "life.act", 2);
	await("READY", 2);
	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "f", .max_concurrency = 1), NULL),
			 FAAS_EINVAL);
	assert_true(is("READY", 2));
}

TEST(idle_environments_of_others_make_room_for_them)
{
	function("g", "life.act", 0);
	flow_call(&flow, "g", "count");
	function("f", "life.act", 2);
	await("READY", 2);
	flow_await_idle(&flow, 2, 0);
}

TEST(they_make_room_for_nobody)
{
	struct faas_result *result = NULL;

	function("f", "life.act", 2);
	function("g", "life.act", 0);
	await("READY", 2);
	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "g"), &result, NULL),
			 FAAS_ETHROTTLED);
	assert_true(is("READY", 2));
}

static void *sleep_in_g(void *data)
{
	struct faas_result *result = NULL;

	faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "g", .payload = { "sleep 300", 9 }),
			 &result, NULL);
	faas_free(result);
	return data;
}

TEST(those_that_find_no_room_are_started_when_there_is)
{
	pthread_t thread;

	function("g", "life.act", 0);
	pthread_create(&thread, NULL, sleep_in_g, NULL);
	flow_await_idle(&flow, 0, 1);
	function("f", "life.act", 2);
	await("FAILED", 1);
	expect_reason("no room beside the others within max_memory_mb");
	pthread_join(thread, NULL);
	flow_advance(&flow, 1000);
	await("READY", 2);
}

#define REAL(name) cmocka_unit_test_setup_teardown(name, open_real, close_it)
#define VIRTUAL(name) cmocka_unit_test_setup_teardown(name, open_virtual, close_it)
#define SMALL(name) cmocka_unit_test_setup_teardown(name, open_small, close_it)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REAL(they_are_ready_before_the_first_event),
		REAL(others_are_not),
		REAL(the_function_sees_how_it_was_initialised),
		REAL(the_report_of_a_failed_one_names_the_error),
		REAL(in_a_thread_they_are_ready_too),
		VIRTUAL(idle_time_does_not_end_them),
		REAL(one_that_crashed_is_started_again_in_its_tmp),
		REAL(one_that_was_killed_while_idle_is_started_again),
		REAL(all_are_started_again_when_the_worker_was_lost),
		REAL(the_heir_of_a_late_one_takes_its_place),
		REAL(more_events_than_that_get_other_environments),
		REAL(metrics_tell_who_got_which),
		REAL(metrics_tell_who_got_none),
		REAL(functions_without_them_have_no_such_metrics),
		VIRTUAL(a_failing_init_is_tried_again_after_pauses_that_double),
		VIRTUAL(after_a_failure_one_at_a_time_has_to_show_that_it_can_be_done),
		VIRTUAL(events_are_served_all_the_same),
		REAL(each_way_to_fail_has_its_reason),
		VIRTUAL(an_init_may_take_longer_than_that_of_an_event_and_not_for_ever),
		VIRTUAL(an_update_may_mend_it),
		REAL(an_update_starts_those_of_what_the_function_is_now),
		REAL(an_update_that_says_nothing_of_them_keeps_their_number),
		REAL(an_update_can_do_without_them),
		REAL(a_recycle_replaces_them),
		REAL(a_deleted_function_leaves_none),
		REAL(a_runtime_can_be_closed_while_they_are_in_their_init),
		REAL(a_name_that_is_taken_starts_none),
		SMALL(more_than_could_ever_be_there_are_refused),
		SMALL(idle_environments_of_others_make_room_for_them),
		SMALL(they_make_room_for_nobody),
		SMALL(those_that_find_no_room_are_started_when_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
