/* SPDX-License-Identifier: MIT */
/*
 * Provisioned environments that fail, are replaced by those of a new version, go
 * with their function, or find no room.
 */
#include "provisioned.h"

#include <stdatomic.h>

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
	assert_true(is("READY", 2));
	assert_true(flow_says(flow_call(&flow, "f", "x"), WARM));
	assert_int_equal(cold_starts(), 0);
	update(FAAS_FUNCTION(.name = "f", .handler = "life.act", .provisioned = 1));
	await("READY", 1);
	flow_await_idle(&flow, 1, 0);
}

static void *update_to_slow_remaining(void *data)
{
	update(FAAS_FUNCTION(.name = "f", .handler = "init.slow_remaining"));
	atomic_store((_Atomic bool *)data, true);
	return NULL;
}

TEST(events_go_to_the_old_ones_until_the_new_ones_are_ready)
{
	_Atomic bool updated = false;
	pthread_t thread;
	int old = 0;

	function("f", "init.init_slow", 2);
	await("READY", 2);
	pthread_create(&thread, NULL, update_to_slow_remaining, (void *)&updated);
	while (!updated && old < 200) {
		const struct faas_result *result = flow_call(&flow, "f", "x");

		assert_true(result->init_ms == 0);
		old += flow_says(result, WARM);
		pause_a_little();
	}
	pthread_join(thread, NULL);
	assert_true(old > 10); /* the new ones need a quarter of a second */
	assert_false(flow_says(flow_call(&flow, "f", "x"), WARM));
	assert_int_equal(cold_starts(), 0);
}

TEST(an_update_whose_init_fails_takes_effect)
{
	function("f", "init.good", 2);
	await("READY", 2);
	update(FAAS_FUNCTION(.name = "f", .handler = "init.init_fail"));
	assert_string_equal(flow_call(&flow, "f", "x")->error_type, "Init.Refused");
	await("FAILED", 0);
}

static void update_here(void *data, const struct faas_result *result)
{
	(void)result;
	update(FAAS_FUNCTION(.name = "f", .handler = "life.act"));
	atomic_store((_Atomic bool *)data, true);
}

TEST(an_update_on_the_loop_waits_for_nothing)
{
	_Atomic bool updated = false;

	function("f", "init.good", 1);
	await("READY", 1);
	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = "f", .on_done = update_here,
						  .data = (void *)&updated),
				     NULL, NULL),
			 0);
	while (!updated)
		pause_a_little();
	assert_true(flow_says(flow_call(&flow, "f", "count"), "1"));
	await("READY", 1);
}

static void *update_to_loop(void *data)
{
	int rc = faas_function_update(
		flow.rt, FAAS_FUNCTION(.name = "f", .handler = "init.init_loop"), NULL);

	assert_true(rc == 0 || rc == FAAS_ENOTFOUND || rc == FAAS_EEXIST);
	return data;
}

/* Would hang, or need the two minutes that init may take. */
TEST(an_update_that_waits_is_let_go_by_a_close)
{
	struct fa_pool *old;
	pthread_t thread;

	function("f", "init.good", 1);
	await("READY", 1);
	old = pool_of_f();
	pthread_create(&thread, NULL, update_to_loop, NULL);
	await_memory(256); /* an old and a new one */
	assert_ptr_equal(pool_of_f(), old);
	flow_close(&flow);
	pthread_join(thread, NULL);
	flow_open(&flow, NULL, false);
}

static void expect_in_progress(int rc, const struct faas_error *err)
{
	assert_int_equal(rc, FAAS_EEXIST);
	assert_string_equal(err->message,
			    "The operation cannot be performed at this time. An update is in "
			    "progress for resource: "
			    "arn:aws:lambda:local-1:000000000000:function:f");
}

TEST(an_update_that_waits_is_in_progress_and_no_other_change_begins)
{
	struct faas_error err;
	pthread_t thread;
	char *reply;

	function("f", "init.good", 1);
	await("READY", 1);
	pthread_create(&thread, NULL, update_to_loop, NULL);
	await_memory(256);
	expect_in_progress(faas_function_update(flow.rt, FAAS_FUNCTION(.name = "f"), &err), &err);
	expect_in_progress(faas_version_publish(flow.rt, "f", NULL, NULL, &err), &err);
	assert_int_equal(faas_control(flow.rt, "GetFunctionConfiguration",
				      "{\"FunctionName\":\"f\"}", &reply, &err),
			 0);
	assert_non_null(strstr(reply, "\"LastUpdateStatus\":\"InProgress\""));
	faas_free(reply);
	assert_true(flow_says(flow_call(&flow, "f", "x"), WARM));
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	function("f", "init.good", 1); /* which the waiting update must not touch */
	await("READY", 1);
	update(FAAS_FUNCTION(.name = "f", .timeout_ms = 500));
	flow_close(&flow);
	pthread_join(thread, NULL);
	flow_open(&flow, NULL, false);
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

TEST(an_update_without_room_for_both_takes_effect_all_the_same)
{
	function("f", "init.good", 2);
	await("READY", 2);
	update(FAAS_FUNCTION(.name = "f", .handler = "life.act"));
	await_memory(0);
	flow_advance(&flow, 1000);
	await("READY", 2);
	assert_true(flow_says(flow_call(&flow, "f", "count"), "1"));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIRTUAL(a_failing_init_is_tried_again_after_pauses_that_double),
		VIRTUAL(after_a_failure_one_at_a_time_has_to_show_that_it_can_be_done),
		VIRTUAL(events_are_served_all_the_same),
		REAL(each_way_to_fail_has_its_reason),
		VIRTUAL(an_init_may_take_longer_than_that_of_an_event_and_not_for_ever),
		VIRTUAL(an_update_may_mend_it),
		REAL(an_update_starts_those_of_what_the_function_is_now),
		REAL(events_go_to_the_old_ones_until_the_new_ones_are_ready),
		REAL(an_update_whose_init_fails_takes_effect),
		REAL(an_update_on_the_loop_waits_for_nothing),
		REAL(an_update_that_waits_is_let_go_by_a_close),
		REAL(an_update_that_waits_is_in_progress_and_no_other_change_begins),
		REAL(an_update_that_says_nothing_of_them_keeps_their_number),
		REAL(an_update_can_do_without_them),
		REAL(a_recycle_replaces_them),
		REAL(a_deleted_function_leaves_none),
		REAL(a_runtime_can_be_closed_while_they_are_in_their_init),
		REAL(a_name_that_is_taken_starts_none),
		SMALL(more_than_could_ever_be_there_are_refused),
		SMALL(idle_environments_of_others_make_room_for_them),
		SMALL(they_make_room_for_nobody),
		SMALL(an_update_without_room_for_both_takes_effect_all_the_same),
		SMALL(those_that_find_no_room_are_started_when_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
