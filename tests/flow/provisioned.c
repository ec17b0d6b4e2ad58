/* SPDX-License-Identifier: MIT */
/*
 * Provisioned environments: initialised ahead of any event, kept while idle,
 * started again when they end, and preferred by events.
 */
#include "provisioned.h"

#include <signal.h>

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

/* Fifty milliseconds of CPU time. What they do themselves is, and so is the memory. */
TEST(their_init_is_charged_to_no_event)
{
	double sum = 0;

	function("f", "init.init_burn", 1);
	await("READY", 1);
	assert_true(flow_call(&flow, "f", "x")->memory_used_mb > 0);
	for (int i = 0; i < 40; i++)
		sum += flow_call(&flow, "f", "x")->cpu_ms;
	assert_true(sum > 0 && sum < 50);
}

/* 1: its meters were read; 0: they were not; -1: its birth was not told of yet. */
static int look_at_meters(void)
{
	struct fa_pool *pool = pool_of_f();
	const struct fa_list *pos;
	int found = -1;

	pthread_mutex_lock(&pool->lock);
	fa_list_for(pos, &pool->ready)
	{
		const struct fa_env *env = fa_container(pos, struct fa_env, link);

		if (atomic_load(&env->pid))
			found = env->cpu_seen_ns > 0 && env->peak_kb > 0;
	}
	pthread_mutex_unlock(&pool->lock);
	return found;
}

/* Whether that they are ready or that they were born comes first. A clock may stand at 0 then. */
TEST(their_meters_are_read_before_the_first_event)
{
	int looks = 0, found;

	function("f", "init.good", 1);
	for (int i = 0; i < 20; i++) {
		await("READY", 1);
		while ((found = look_at_meters()) < 0)
			pause_a_little();
		looks += found;
		assert_int_equal(faas_recycle(flow.rt, "f", NULL), 0);
	}
	assert_true(looks >= 15);
}

TEST(the_report_of_a_failed_one_names_the_error)
{
	function("f", "init.init_abort", 1);
	flow_await_log(&flow, "\tPhase: init\tStatus: error\tError Type: Runtime.ExitError");
}

static int starting(void)
{
	struct faas_function_info *info = NULL;
	int count;

	assert_int_equal(faas_function_get(flow.rt, "f", &info, NULL), 0);
	count = info->environments_starting;
	assert_int_equal(info->environments_idle + info->environments_busy, 0);
	faas_free(info);
	return count;
}

TEST(while_they_are_initialised_they_are_counted_as_starting)
{
	function("f", "init.init_loop", 2);
	for (int i = 0; i < 20000 && starting() != 2; i++)
		pause_a_little();
	assert_int_equal(starting(), 2);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		REAL(they_are_ready_before_the_first_event),
		REAL(others_are_not),
		REAL(the_function_sees_how_it_was_initialised),
		REAL(their_init_is_charged_to_no_event),
		REAL(their_meters_are_read_before_the_first_event),
		REAL(the_report_of_a_failed_one_names_the_error),
		REAL(while_they_are_initialised_they_are_counted_as_starting),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
