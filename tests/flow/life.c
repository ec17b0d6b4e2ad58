/* SPDX-License-Identifier: MIT */
/* The life of an environment: init, warm, reset, idle, end. */
#include "support/test.h"

#include <signal.h>
#include <unistd.h>

#include "support/flow.h"
#include "support/processes.h"

#include <conduct.h>
#include <runtime.h>

static struct flow flow;

static int open_real(void **state)
{
	(void)state;
	flow_open(&flow, NULL, false);
	flow_function(&flow,
		      &(struct faas_function_config){ .name = "life", .handler = "life.act" });
	return 0;
}

static void open_with(int idle_ms, int max_age_ms)
{
	flow_open(&flow, &(struct faas_config){ .idle_ms = idle_ms, .max_age_ms = max_age_ms },
		  true);
	flow_function(&flow,
		      &(struct faas_function_config){ .name = "life", .handler = "life.act" });
}

static int open_virtual(void **state)
{
	(void)state;
	open_with(60000, 0);
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	return 0;
}

TEST(only_the_first_invocation_of_an_environment_has_an_init)
{
	const struct faas_result *first = flow_call(&flow, "life", "count");
	const struct faas_result *second = flow_call(&flow, "life", "count");

	assert_true(flow_says(first, "1"));
	assert_true(first->init_ms > 0);
	assert_true(flow_says(second, "2"));
	assert_true(second->init_ms == 0);
}

TEST(an_error_of_the_handler_keeps_the_environment_warm)
{
	const struct faas_result *error;

	flow_call(&flow, "life", "count");
	error = flow_call(&flow, "life", "fail");
	assert_int_equal(error->code, FAAS_EFUNCTION);
	assert_string_equal(error->error_type, "Life.Failed");
	assert_true(flow_says(error, "{\"errorType\":\"Life.Failed\","
				     "\"errorMessage\":\"as it was told to\"}"));
	assert_true(flow_says(flow_call(&flow, "life", "count"), "2"));
}

/* What a timeout leaves: /tmp yes, static state no, and an init that costs no extra time. */
static void expect_reset(void)
{
	const struct faas_result *after = flow_call(&flow, "life", "count");

	assert_true(flow_says(after, "1"));
	assert_true(after->init_ms == 0);
	assert_true(flow_says(flow_call(&flow, "life", "get"), "kept"));
}

TEST(a_timeout_resets_the_process_and_keeps_tmp)
{
	const struct faas_result *timeout;

	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "life", .timeout_ms = 200), NULL),
			 0);
	flow_call(&flow, "life", "put kept");
	timeout = flow_call(&flow, "life", "sleep 5000");
	assert_int_equal(timeout->code, FAAS_ETIMEOUT);
	assert_string_equal(timeout->error_type, "Sandbox.Timedout");
	expect_reset();
}

TEST(a_crash_resets_the_process_and_keeps_tmp)
{
	flow_call(&flow, "life", "put kept");
	assert_int_equal(flow_call(&flow, "life", "segv")->code, FAAS_EFUNCTION);
	expect_reset();
}

static void expect_counts(int idle, int cold)
{
	struct faas_function_info *info;

	assert_int_equal(faas_function_get(flow.rt, "life", &info, NULL), 0);
	assert_int_equal(info->environments_idle, idle);
	assert_int_equal(info->environments_cold, cold);
	assert_int_equal(info->environments_starting, 0);
	faas_free(info);
}

TEST(a_call_that_crashes_tells_what_cpu_time_it_used)
{
	assert_true(flow_call(&flow, "life", "segv")->cpu_ms > 0);
	flow_call(&flow, "life", "count");
	assert_true(flow_call(&flow, "life", "segv")->cpu_ms > 0);
}

TEST(an_environment_without_a_process_is_counted_as_cold)
{
	expect_counts(0, 0);
	flow_call(&flow, "life", "put kept");
	expect_counts(1, 0);
	flow_call(&flow, "life", "segv");
	flow_await_idle(&flow, 1, 0);
	expect_counts(1, 1);
	flow_call(&flow, "life", "get");
	expect_counts(1, 0);
}

TEST(an_exit_resets_the_process_and_keeps_tmp)
{
	flow_call(&flow, "life", "put kept");
	assert_int_equal(flow_call(&flow, "life", "exit 0")->code, FAAS_EFUNCTION);
	expect_reset();
}

static bool has_nest(const char *function)
{
	struct fa_version *v = fa_registry_find(&flow.rt->registry, function, NULL);
	struct fa_pool *pool = ((struct fa_runner *)v->runner)->pool;
	bool has;

	pthread_mutex_lock(&pool->lock);
	has = pool->nested;
	pthread_mutex_unlock(&pool->lock);
	fa_version_unref(v);
	return has;
}

/* Its /tmp is lost with the nest, and nothing else. */
TEST(an_environment_without_a_process_outlives_its_nest)
{
	struct process environment;

	flow_call(&flow, "life", "put mine");
	assert_int_equal(processes_of_environments(getpid(), &environment, 1), 1);
	flow_call(&flow, "life", "segv");
	flow_await_idle(&flow, 1, 0);
	expect_counts(1, 1);
	if (kill(environment.parent, SIGKILL) < 0) {
		print_message("# skipped: only root may kill another user's process\n");
		skip();
	}
	for (int ms = 0; has_nest("life") && ms < 10000; ms++)
		usleep(1000);
	assert_false(has_nest("life"));
	assert_true(flow_says(flow_call(&flow, "life", "get"), "none"));
}

TEST(two_environments_do_not_share_tmp)
{
	flow_call(&flow, "life", "put mine");
	assert_int_equal(faas_recycle(flow.rt, "life", NULL), 0);
	assert_true(flow_says(flow_call(&flow, "life", "get"), "none"));
}

TEST(a_recycled_function_gets_a_new_environment)
{
	flow_call(&flow, "life", "count");
	assert_int_equal(faas_recycle(flow.rt, "life", NULL), 0);
	assert_true(flow_says(flow_call(&flow, "life", "count"), "1"));
}

static const char *body(const struct faas_result *result)
{
	const char *text = strstr(result->payload.data, "Error: ");

	return text ? text + 7 : result->payload.data;
}

TEST(each_way_to_die_has_the_words_of_lambda)
{
	static const char *const ways[][2] = {
		{ "exit 0", "Runtime exited without providing a reason\"}" },
		{ "exit 127", "Runtime exited with error: exit status 127\"}" },
		{ "segv", "Runtime exited with error: signal: segmentation fault\"}" },
		{ "abort", "Runtime exited with error: signal: aborted\"}" },
		{ "kill", "Runtime exited with error: signal: killed\"}" },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const struct faas_result *r = flow_call(&flow, "life", ways[i][0]);
		char begin[128];

		assert_int_equal(r->code, FAAS_EFUNCTION);
		assert_string_equal(r->error_type, "Runtime.ExitError");
		assert_string_equal(body(r), ways[i][1]);
		snprintf(begin, sizeof(begin),
			 "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: %s ",
			 r->request_id);
		assert_memory_equal(r->payload.data, begin, strlen(begin));
	}
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(a_function_that_eats_its_memory_is_out_of_memory)
{
	const struct faas_result *r = flow_call(&flow, "life", "eat");

	assert_int_equal(r->code, FAAS_EFUNCTION);
	assert_string_equal(r->error_type, "Runtime.OutOfMemory");
	assert_string_equal(body(r), "Runtime exited with error: signal: killed\"}");
	assert_in_range(r->memory_used_mb, 100, 136);
	flow_await_log(&flow, "Error Type: Runtime.OutOfMemory");
}
#endif

/* Whether its birth has been told of by then or not. */
TEST(the_first_event_of_every_process_is_metered)
{
	for (int i = 0; i < 20; i++) {
		const struct faas_result *r = flow_call(&flow, "life", "count");

		assert_string_equal(body(r), "1");
		assert_true(r->cpu_ms > 0);
		assert_true(r->memory_used_mb > 0);
		assert_int_equal(faas_recycle(flow.rt, "life", NULL), 0);
	}
}

/* Fifty milliseconds of CPU time: they are one event's, and no average of those that follow. */
TEST(what_an_init_takes_is_charged_once)
{
	double sum = 0;

	flow_function(&flow, &(struct faas_function_config){ .name = "f",
							     .handler = "init.init_burn" });
	assert_true(flow_call(&flow, "f", "")->cpu_ms >= 50);
	for (int i = 0; i < 40; i++)
		sum += flow_call(&flow, "f", "")->cpu_ms;
	assert_true(sum < 50);
}

/* Which part of a CPU an endless loop gets within half a second. */
static double burn(bool cap)
{
	const struct faas_result *r;

	flow_close(&flow);
	flow_open(&flow, &(struct faas_config){ .cpu_cap = cap }, false);
	flow_function(&flow, &(struct faas_function_config){
				     .name = "burn", .handler = "life.act", .timeout_ms = 500 });
	flow_call(&flow, "burn", "count");
	r = flow_call(&flow, "burn", "loop");
	return r->cpu_ms / r->duration_ms;
}

/*
 * 128 of 1769 MB are 7 % of a core, and each 100 ms begin with it. What other guests of the
 * machine take away meanwhile counts as used, so that one look may see more.
 */
TEST(with_a_cap_a_small_function_gets_a_small_part_of_a_cpu)
{
	struct faas_isolation *report;
	bool groups, less = false, more = false;

	assert_int_equal(faas_isolation_report(flow.rt, &report, NULL), 0);
	groups = report->applied & FAAS_LAYER_CGROUP_CPU;
	faas_free(report);
	if (!groups)
		skip();
	for (int i = 0; i < 5 && !less; i++)
		less = burn(true) < 0.15;
	assert_true(less);
	for (int i = 0; i < 20 && !more; i++)
		more = burn(false) > 0.3;
	if (!more) {
		print_message("# skipped: others leave no CPU to show what it would get\n");
		skip();
	}
}

TEST(an_idle_environment_ends_after_its_time_and_not_before)
{
	flow_call(&flow, "life", "count");
	flow_advance(&flow, 59000);
	assert_true(flow_says(flow_call(&flow, "life", "count"), "2"));
	flow_advance(&flow, 59000);
	assert_true(flow_says(flow_call(&flow, "life", "count"), "3"));
	flow_advance(&flow, 60000);
	flow_await_idle(&flow, 0, 0);
	assert_true(flow_says(flow_call(&flow, "life", "count"), "1"));
}

#define MINUTE_MS 60000
#define HOURS_MS(n) ((n) * 60 * MINUTE_MS)

/* Its age counts behind an event, not before it: a process answers once more. */
static void expect_an_end_at(int age_ms)
{
	flow_expect(&flow, "life", "count", "1");
	flow_advance(&flow, age_ms - MINUTE_MS);
	flow_expect(&flow, "life", "count", "2");
	flow_advance(&flow, 2 * MINUTE_MS);
	flow_expect(&flow, "life", "count", "3");
	flow_expect(&flow, "life", "count", "1");
}

TEST(one_that_is_never_idle_ends_behind_an_event_when_it_is_old)
{
	flow_close(&flow);
	open_with(HOURS_MS(24), HOURS_MS(1));
	expect_an_end_at(HOURS_MS(1));
}

TEST(it_may_be_four_hours_old_if_nothing_else_is_said)
{
	flow_close(&flow);
	open_with(HOURS_MS(24), 0);
	expect_an_end_at(HOURS_MS(4));
}

TEST(without_a_limit_it_may_be_any_age)
{
	flow_close(&flow);
	open_with(HOURS_MS(24), FAAS_NONE);
	flow_expect(&flow, "life", "count", "1");
	flow_advance(&flow, HOURS_MS(23));
	flow_expect(&flow, "life", "count", "2");
	flow_advance(&flow, HOURS_MS(23));
	flow_expect(&flow, "life", "count", "3");
	flow_expect(&flow, "life", "count", "4");
}

TEST(what_is_provisioned_is_started_again_when_it_has_aged)
{
	flow_close(&flow);
	open_with(HOURS_MS(24), MINUTE_MS);
	flow_function(&flow, &(struct faas_function_config){
				     .name = "kept", .handler = "life.act", .provisioned = 1 });
	flow_await_idle(&flow, 1, 0);
	flow_expect(&flow, "kept", "count", "1");
	flow_advance(&flow, 2 * MINUTE_MS);
	flow_expect(&flow, "kept", "count", "2");
	flow_await_idle(&flow, 1, 0);
	flow_expect(&flow, "kept", "count", "1");
}

TEST(a_failed_init_is_the_answer_of_the_first_invocation_and_is_tried_again)
{
	const struct faas_result *r;

	flow_function(&flow,
		      &(struct faas_function_config){ .name = "bad", .handler = "init.init_fail" });
	for (int i = 0; i < 2; i++) {
		r = flow_call(&flow, "bad", "{}");
		assert_int_equal(r->code, FAAS_EFUNCTION);
		assert_string_equal(r->error_type, "Init.Refused");
		assert_true(flow_says(r, "{\"errorType\":\"Init.Refused\","
					 "\"errorMessage\":\"no \\\"licence\\\"\"}"));
	}
	flow_await_logs(&flow, "REPORT RequestId", 2);
	/* the reset environment has no init of its own any more */
	assert_int_equal(flow_log_count(&flow, "\tPhase: init\tStatus: error\tError Type: "), 1);
	assert_int_equal(flow_log_count(&flow, "\tPhase: invoke\tStatus: error\tError Type: "), 2);
}

/* What the test wants to be told in order. */
static void expect_in_order(const char *const *lines)
{
	const char *at;

	pthread_mutex_lock(&flow.lock);
	at = flow.log;
	for (; *lines && at; lines++)
		at = strstr(at, *lines);
	pthread_mutex_unlock(&flow.lock);
	if (!at)
		fail_msg("not behind the line before it: %s", lines[-1]);
}

static const struct faas_result *call_by(int way, const char *function)
{
	return way ? flow_call_async(&flow, function, "") : flow_call(&flow, function, "");
}

TEST(a_failed_init_is_repeated_inside_the_first_invocation)
{
	static const char *const lines[] = { "START ", "init number 1\n",
					     "\tPhase: init\tStatus: error\tError Type: ",
					     "init number 2\n", "END ", "REPORT ", NULL };

	for (int way = 0; way < 2; way++) {
		const struct faas_result *r;

		flow_close(&flow);
		flow_open(&flow, NULL, false);
		flow_function(&flow, &(struct faas_function_config){
					     .name = "f", .handler = "init.nap_fail_first" });
		r = call_by(way, "f");
		assert_int_equal(r->code, FAAS_OK);
		assert_true(flow_says(r, "2"));
		assert_true(r->init_ms == 0 && r->duration_ms > 0);
		assert_true((double)r->billed_ms >= r->duration_ms &&
			    (double)r->billed_ms < r->duration_ms + 1);
		flow_await_log(&flow, "REPORT RequestId");
		expect_in_order(lines);
		assert_int_equal(flow_log_count(&flow, "START "), 1);
		assert_int_equal(flow_log_count(&flow, "INIT_REPORT "), 1);
		assert_int_equal(flow_log_count(&flow, "Error Type: Init."), 0);
		assert_true(flow_says(call_by(way, "f"), "2")); /* and it is warm */
	}
}

TEST(an_init_that_ends_its_process_is_repeated_as_well)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "f",
							     .handler = "init.nap_exit_first" });
	for (int way = 0; way < 2; way++) {
		const struct faas_result *r = call_by(way, "f");

		assert_true(flow_says(r, "2"));
		assert_true(r->init_ms == 0);
		assert_int_equal(faas_recycle(flow.rt, "f", NULL), 0);
	}
	flow_await_log(&flow, "\tPhase: init\tStatus: error\tError Type: Runtime.ExitError");
}

TEST(an_init_that_always_ends_its_process_does_so_twice)
{
	flow_function(&flow,
		      &(struct faas_function_config){ .name = "f", .handler = "init.init_exit" });
	for (int way = 0; way < 2; way++) {
		const struct faas_result *r = call_by(way, "f");

		assert_int_equal(r->code, FAAS_EFUNCTION);
		assert_string_equal(r->error_type, "Runtime.ExitError");
		assert_true(r->init_ms == 0);
		assert_int_equal(faas_recycle(flow.rt, "f", NULL), 0);
	}
	flow_await_logs(&flow, "REPORT RequestId", 2);
	assert_int_equal(flow_log_count(&flow, "\tPhase: init\tStatus: error\t"
					       "Error Type: Runtime.ExitError"), 2);
	assert_int_equal(flow_log_count(&flow, "\tPhase: invoke\tStatus: error\t"
					       "Error Type: Runtime.ExitError"), 2);
}

TEST(the_failed_init_of_a_snapshot_is_not_repeated)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "f",
							     .handler = "init.nap_exit_first",
							     .snapshot = true });
	for (int way = 0; way < 2; way++) {
		const struct faas_result *r = call_by(way, "f");

		if (r->code == FAAS_EFUNCTION && !strcmp(r->error_type, "Runtime.NoSnapshot")) {
			print_message("# skipped: %.*s\n", (int)r->payload.len,
				      (const char *)r->payload.data);
			skip();
		}
		assert_string_equal(r->error_type, "Runtime.ExitError");
	}
	assert_int_equal(flow_log_count(&flow, "Phase: invoke"), 0);
}

TEST(an_init_beyond_its_limit_is_repeated_inside_the_invocation)
{
	const struct faas_result *r;

	assert_true(flow.rt->envs.init_limit_ns == 10000000000); /* and a test has less time */
	flow.rt->envs.init_limit_ns = 100 * 1000000;
	flow_function(&flow, &(struct faas_function_config){ .name = "slow",
							     .handler = "init.init_loop",
							     .timeout_ms = 300 });
	r = flow_call(&flow, "slow", "{}");
	assert_int_equal(r->code, FAAS_ETIMEOUT);
	assert_true(r->init_ms == 0); /* the second one is part of the duration */
	assert_true(r->duration_ms >= 300 && r->duration_ms < 400);
	flow_await_log(&flow, "\tPhase: init\tStatus: timeout");
}

static const struct faas_result *repeated;

static void *call_repeated(void *data)
{
	repeated = flow_call(&flow, "f", data);
	return NULL;
}

static void reserve(const char *operation, const char *request)
{
	assert_int_equal(faas_control(flow.rt, operation, request, NULL, NULL), 0);
}

/* Its place and its environment are gone when it comes back for the second one. */
TEST(it_is_repeated_once_and_told_of_once_though_its_place_was_taken)
{
	pthread_t thread;

	flow.rt->envs.init_limit_ns = 1000 * 1000000;
	flow_function(&flow, &(struct faas_function_config){ .name = "f",
							     .handler = "init.init_loop",
							     .timeout_ms = 300 });
	assert_int_equal(pthread_create(&thread, NULL, call_repeated, (void *)""), 0);
	flow_await_idle(&flow, 0, 1);
	reserve("PutFunctionConcurrency",
		"{\"FunctionName\":\"f\",\"ReservedConcurrentExecutions\":0}");
	for (int ms = 0; !atomic_load(&flow.rt->waiting); ms++) {
		assert_true(ms < 10000);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	assert_int_equal(faas_recycle(flow.rt, "f", NULL), 0);
	reserve("DeleteFunctionConcurrency", "{\"FunctionName\":\"f\"}");
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(repeated->code, FAAS_ETIMEOUT);
	assert_true(repeated->init_ms == 0);
	flow_await_log(&flow, "REPORT RequestId");
	assert_int_equal(flow_log_count(&flow, "\tPhase: init\tStatus: timeout"), 1);
	assert_int_equal(flow_log_count(&flow, "INIT_REPORT "), 2);
	assert_int_equal(flow_log_count(&flow, "START "), 1);
	assert_int_equal(flow_log_count(&flow, repeated->request_id), 3); /* START END REPORT */
}

TEST(a_shutdown_hook_is_run_before_the_end)
{
	flow_function(&flow,
		      &(struct faas_function_config){ .name = "polite", .handler = "life.polite" });
	flow_call(&flow, "polite", "");
	flow_call(&flow, "polite", "");
	assert_int_equal(faas_recycle(flow.rt, "polite", NULL), 0);
	flow_await_log(&flow, "goodbye after 2");
}

/* The process of the one environment that is idle. */
static int idle_pid(void)
{
	struct fa_version *v = fa_registry_find(&flow.rt->registry, "stubborn", NULL);
	struct fa_pool *pool = ((struct fa_runner *)v->runner)->pool;
	int pid = 0;

	for (int ms = 0; pid <= 0 && ms < 10000; ms++) {
		pthread_mutex_lock(&pool->lock);
		if (!fa_list_empty(&pool->idle))
			pid = fa_container(pool->idle.next, struct fa_env, link)->pid;
		pthread_mutex_unlock(&pool->lock);
		usleep(1000);
	}
	fa_version_unref(v);
	assert_true(pid > 0);
	return pid;
}

TEST(a_shutdown_hook_that_never_returns_is_killed_after_its_grace)
{
	int pid;

	flow_function(&flow, &(struct faas_function_config){ .name = "stubborn",
							     .handler = "life.stubborn" });
	flow_call(&flow, "stubborn", "");
	pid = idle_pid();
	assert_int_equal(faas_recycle(flow.rt, "stubborn", NULL), 0);
	flow_advance(&flow, 1999);
	flow_advance(&flow, 0); /* the loop has seen that, and let it be */
	assert_int_equal(kill(pid, 0), 0);
	for (int ms = 0; !kill(pid, 0) && ms < 10000; ms++) {
		flow_advance(&flow, 1000);
		usleep(1000);
	}
	assert_int_equal(kill(pid, 0), -1);
}

int main(void)
{
	const struct CMUnitTest real[] = {
#define REAL(name) cmocka_unit_test_setup_teardown(name, open_real, close_it)
		REAL(only_the_first_invocation_of_an_environment_has_an_init),
		REAL(an_error_of_the_handler_keeps_the_environment_warm),
		REAL(a_timeout_resets_the_process_and_keeps_tmp),
		REAL(a_crash_resets_the_process_and_keeps_tmp),
		REAL(a_call_that_crashes_tells_what_cpu_time_it_used),
		REAL(an_environment_without_a_process_is_counted_as_cold),
		REAL(an_exit_resets_the_process_and_keeps_tmp),
		REAL(an_environment_without_a_process_outlives_its_nest),
		REAL(two_environments_do_not_share_tmp),
		REAL(a_recycled_function_gets_a_new_environment),
		REAL(the_first_event_of_every_process_is_metered),
		REAL(what_an_init_takes_is_charged_once),
		REAL(each_way_to_die_has_the_words_of_lambda),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
		REAL(a_function_that_eats_its_memory_is_out_of_memory),
#endif
		REAL(a_failed_init_is_the_answer_of_the_first_invocation_and_is_tried_again),
		REAL(a_failed_init_is_repeated_inside_the_first_invocation),
		REAL(an_init_that_ends_its_process_is_repeated_as_well),
		REAL(an_init_that_always_ends_its_process_does_so_twice),
		REAL(the_failed_init_of_a_snapshot_is_not_repeated),
		REAL(an_init_beyond_its_limit_is_repeated_inside_the_invocation),
		REAL(it_is_repeated_once_and_told_of_once_though_its_place_was_taken),
		REAL(a_shutdown_hook_is_run_before_the_end),
		REAL(with_a_cap_a_small_function_gets_a_small_part_of_a_cpu),
	};
	const struct CMUnitTest virtual[] = {
#define VIRTUAL(name) cmocka_unit_test_setup_teardown(name, open_virtual, close_it)
		VIRTUAL(an_idle_environment_ends_after_its_time_and_not_before),
		VIRTUAL(one_that_is_never_idle_ends_behind_an_event_when_it_is_old),
		VIRTUAL(it_may_be_four_hours_old_if_nothing_else_is_said),
		VIRTUAL(without_a_limit_it_may_be_any_age),
		VIRTUAL(what_is_provisioned_is_started_again_when_it_has_aged),
		VIRTUAL(a_shutdown_hook_that_never_returns_is_killed_after_its_grace),
	};
	int failed = cmocka_run_group_tests(real, NULL, NULL);

	return failed + cmocka_run_group_tests(virtual, NULL, NULL);
}
