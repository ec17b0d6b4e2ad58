/* SPDX-License-Identifier: MIT */
/*
 * Shells: a function that was started on demand twice has a process waiting for its
 * next cold start. It has nothing of the function, counts for nothing, and goes when
 * it is in the way. Seen from outside, by the processes that there are.
 */
#include "support/test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/flow.h"
#include "support/processes.h"

#include <faas/faas.h>
#include <runtime.h>

#define MOST 64
#define MANY 27 /* functions */
#define KEPT 24 /* shells at once */
#define BURST 9 /* events at once: as many unborn, but for one, are a burst */
#define KEPT_BURST 12

static struct flow flow;

/* ---- words ------------------------------------------------------------- */

static struct process list[MOST];

/* Those that are no longer dying. */
static int environments(void)
{
	int n = processes_of_environments(getpid(), list, MOST), alive = 0;

	for (int i = 0; i < n; i++)
		if (list[i].state != 'Z')
			list[alive++] = list[i];
	return alive;
}

static void await_environments(int wanted)
{
	int n;

	for (int ms = 0; (n = environments()) != wanted; ms++) {
		if (ms == 10000)
			fail_msg("%d environments instead of %d", n, wanted);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

static bool lives(pid_t pid)
{
	int n = environments();

	for (int i = 0; i < n; i++)
		if (list[i].pid == pid)
			return true;
	return false;
}

static void recycle(const char *function)
{
	assert_int_equal(faas_recycle(flow.rt, function, NULL), 0);
}

/* On demand both times: its first environment is gone before. */
static void start_twice(const char *function, int others)
{
	assert_true(flow_says(flow_call(&flow, function, "count"), "1"));
	recycle(function);
	await_environments(others);
	assert_true(flow_says(flow_call(&flow, function, "count"), "1"));
}

static void open_with(const struct faas_function_config *function)
{
	flow_open(&flow, NULL, false);
	flow_function(&flow, function);
}

static void open_life(void)
{
	open_with(FAAS_FUNCTION(.name = "f", .handler = "life.act"));
}

/* Waits for both; returns the shell, which is the one that survives. */
static pid_t shell_of_f(void)
{
	start_twice("f", 0);
	await_environments(2);
	recycle("f");
	await_environments(1);
	return list[0].pid;
}

static uint64_t cold_starts(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	faas_stats(flow.rt, &stats);
	return stats.cold_starts;
}

/* A process that is gone is charged for until the host has heard of it. */
static void await_memory(void)
{
	int64_t charged = 1;

	for (int ms = 0; charged && ms < 10000; ms++) {
		pthread_mutex_lock(&flow.rt->envs.lock);
		charged = flow.rt->envs.memory_mb;
		pthread_mutex_unlock(&flow.rt->envs.lock);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	assert_int_equal(charged, 0);
}

/* ---- when there is one ------------------------------------------------- */

TEST(a_function_that_was_started_once_has_none)
{
	open_life();
	flow_call(&flow, "f", "count");
	flow_call(&flow, "f", "count");
	nanosleep(&(struct timespec){ .tv_nsec = 30000000 }, NULL);
	assert_int_equal(environments(), 1);
	flow_close(&flow);
}

TEST(a_function_that_was_started_twice_has_one)
{
	open_life();
	start_twice("f", 0);
	await_environments(2);
	flow_close(&flow);
}

TEST(the_next_cold_start_is_in_the_shell_and_is_a_cold_start)
{
	const struct faas_result *result;
	uint64_t before;
	pid_t shell;

	open_life();
	shell = shell_of_f();
	before = cold_starts();
	result = flow_call(&flow, "f", "count");
	assert_true(flow_says(result, "1"));
	assert_true(result->init_ms > 0);
	assert_int_equal(cold_starts(), before + 1);
	await_environments(2); /* it, and the next shell */
	assert_true(lives(shell));
	assert_true(flow_says(flow_call(&flow, "f", "count"), "2"));
	recycle("f");
	await_environments(1);
	assert_false(lives(shell));
	await_memory();
	flow_close(&flow);
}

TEST(an_event_with_a_callback_may_be_the_first_of_a_shell)
{
	pid_t shell;

	open_life();
	shell = shell_of_f();
	assert_true(flow_says(flow_call_async(&flow, "f", "count"), "1"));
	assert_true(lives(shell));
	flow_close(&flow);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SNAPSHOTS 1 /* a sanitizer's memory cannot be put back */

TEST(a_shell_restores_a_snapshot)
{
	pid_t shell;

	open_with(FAAS_FUNCTION(.name = "f", .handler = "life.act", .snapshot = true));
	shell = shell_of_f();
	for (int i = 1; i < 4; i++) {
		char text[8];

		snprintf(text, sizeof(text), "%d", i);
		assert_true(flow_says(flow_call(&flow, "f", "count"), text));
	}
	assert_true(lives(shell));
	flow_close(&flow);
}

/* Without a snapshot there is nothing to wait for: the shell would become the template. */
TEST(a_shell_that_comes_before_the_snapshot_is_refused)
{
	open_with(FAAS_FUNCTION(.name = "f", .handler = "init.init_fail", .snapshot = true));
	for (int i = 0; i < 4; i++) {
		const struct faas_result *result = flow_call(&flow, "f", "");

		assert_string_equal(result->error_type, "Init.Refused");
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	await_environments(0);
	flow_close(&flow);
}
#endif

/* ---- what it is not ---------------------------------------------------- */

static bool has_mapped(pid_t pid, const char *name)
{
	int found = processes_map(pid, name);

	if (found < 0) {
		print_message("# skipped: only root may look\n");
		skip();
	}
	return found;
}

TEST(a_shell_has_not_opened_the_function)
{
	pid_t shell;

	open_life();
	shell = shell_of_f();
	assert_false(has_mapped(shell, "life.so"));
	flow_call(&flow, "f", "count");
	assert_true(has_mapped(shell, "life.so")); /* the positive control */
	flow_close(&flow);
}

TEST(a_shell_is_no_environment_of_the_statistics)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	open_life();
	shell_of_f();
	faas_stats(flow.rt, &stats);
	assert_int_equal(stats.environments_idle, 0);
	assert_int_equal(stats.environments_busy, 0);
	flow_close(&flow);
}

/* The limit of init() is ten seconds, and the shell has waited for longer. */
TEST(waiting_is_no_part_of_init)
{
	const struct faas_result *result;

	flow_open(&flow, &(struct faas_config){ .idle_ms = 3600000 }, true);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "life.act"));
	start_twice("f", 0);
	flow_advance(&flow, 1);
	flow_advance(&flow, 1);
	await_environments(2);
	recycle("f");
	await_environments(1);
	flow_advance(&flow, 60000);
	result = flow_call(&flow, "f", "count");
	assert_int_equal(result->code, FAAS_OK);
	assert_true(result->init_ms < 10000);
	flow_close(&flow);
}

/* ---- many at once -------------------------------------------------------- */

static _Atomic int answered, failed;

static void on_answer(void *data, const struct faas_result *result)
{
	(void)data;
	failed += result->code != FAAS_OK;
	answered++;
}

static int children(pid_t nest)
{
	int n = environments(), of_nest = 0;

	for (int i = 0; i < n; i++)
		of_nest += list[i].parent == nest;
	return of_nest;
}

static void await_children(pid_t nest, int wanted)
{
	for (int ms = 0; children(nest) != wanted; ms++) {
		if (ms == 10000)
			fail_msg("%d environments of a nest instead of %d", children(nest), wanted);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

/* The nest of the function that has but one; others have their shells. */
static pid_t nest_of_one(void)
{
	int n = environments();

	for (int i = 0; i < n; i++) {
		int siblings = 0;

		for (int k = 0; k < n; k++)
			siblings += list[k].parent == list[i].parent;
		if (siblings == 1)
			return list[i].parent;
	}
	fail_msg("no environment is alone in its nest");
	return 0;
}

/* While their nest stands still none can be born, so all of them are needed at the same time. */
static pid_t start_at_once(const char *function, int others)
{
	pid_t nest;

	assert_true(flow_says(flow_call(&flow, function, "count"), "1"));
	await_environments(others + 1);
	nest = nest_of_one();
	recycle(function);
	await_environments(others);
	await_memory();
	if (kill(nest, SIGSTOP) < 0) {
		print_message("# skipped: only root may stop another user's process\n");
		flow_close(&flow);
		skip();
	}
	answered = failed = 0;
	for (int i = 0; i < BURST; i++)
		assert_int_equal(faas_invoke(flow.rt,
					     FAAS_REQUEST(.function = function,
							  .payload = { "count", 5 },
							  .on_done = on_answer),
					     NULL, NULL),
				 0);
	flow_await_idle(&flow, 0, BURST);
	assert_int_equal(kill(nest, SIGCONT), 0);
	flow_await_count(&flow, &answered, BURST);
	assert_int_equal(failed, 0);
	return nest;
}

/* Until only the shells are left. */
static void burst(const char *function, int others, int shells)
{
	pid_t nest = start_at_once(function, others);

	await_children(nest, BURST + KEPT_BURST);
	recycle(function);
	await_children(nest, KEPT_BURST);
	await_environments(shells);
}

TEST(a_function_that_was_needed_many_times_at_once_has_twelve)
{
	open_life();
	burst("f", 0, KEPT_BURST);
	flow_close(&flow);
}

TEST(each_of_the_twelve_is_the_place_of_a_cold_start)
{
	pid_t shells[KEPT_BURST], nest;

	open_life();
	nest = start_at_once("f", 0);
	await_environments(BURST + KEPT_BURST);
	recycle("f");
	await_environments(KEPT_BURST);
	for (int i = 0; i < KEPT_BURST; i++)
		shells[i] = list[i].pid;
	assert_int_equal(kill(nest, SIGSTOP), 0); /* whoever is served now had a process before */
	for (int i = 0; i < KEPT_BURST; i++) {
		assert_true(flow_says(flow_call(&flow, "f", "count"), "1"));
		recycle("f");
	}
	assert_int_equal(kill(nest, SIGCONT), 0);
	for (int i = 0; i < KEPT_BURST; i++)
		for (int ms = 0; lives(shells[i]); ms++) {
			assert_true(ms < 10000);
			usleep(1000);
		}
	flow_close(&flow);
}

TEST(of_all_functions_together_there_are_twenty_four)
{
	open_life();
	flow_function(&flow, FAAS_FUNCTION(.name = "g", .handler = "life.act"));
	flow_function(&flow, FAAS_FUNCTION(.name = "h", .handler = "life.act"));
	burst("f", 0, KEPT_BURST);
	burst("g", KEPT_BURST, 2 * KEPT_BURST);
	burst("h", 2 * KEPT_BURST, 2 * KEPT_BURST);
	flow_close(&flow);
}

TEST(all_of_them_end_with_their_function)
{
	open_life();
	burst("f", 0, KEPT_BURST);
	assert_int_equal(faas_function_delete(flow.rt, "f", NULL), 0);
	await_environments(0);
	flow_close(&flow);
}

TEST(all_of_them_go_when_memory_is_short)
{
	flow_open(&flow, &(struct faas_config){ .max_memory_mb = BURST * 128 }, false);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "life.act"));
	flow_function(&flow, FAAS_FUNCTION(.name = "g", .handler = "life.act"));
	start_at_once("f", 0);
	await_environments(BURST + KEPT_BURST);
	assert_true(flow_says(flow_call(&flow, "g", "count"), "1"));
	await_environments(BURST); /* one of them is g's */
	flow_close(&flow);
}

TEST(all_of_them_die_with_their_nest_and_are_not_missed)
{
	pid_t nest;

	open_life();
	nest = start_at_once("f", 0);
	await_environments(BURST + KEPT_BURST);
	assert_int_equal(kill(nest, SIGKILL), 0);
	await_environments(0);
	recycle("f");
	/* until the host hears of it, who is asked for a process is a nest that is no more */
	for (int ms = 0; !flow_says(flow_call(&flow, "f", "count"), "1"); ms++) {
		assert_true(ms < 10000);
		usleep(1000);
	}
	flow_close(&flow);
}

/* ---- when it goes ------------------------------------------------------ */

TEST(a_shell_that_is_killed_is_not_missed)
{
	pid_t shell;

	open_life();
	shell = shell_of_f();
	if (kill(shell, SIGKILL) < 0) {
		print_message("# skipped: only root may kill another user's process\n");
		flow_close(&flow);
		skip();
	}
	await_environments(0);
	assert_true(flow_says(flow_call(&flow, "f", "count"), "1"));
	await_environments(2);
	flow_close(&flow);
}

static _Atomic int held; /* 1: the loop is held up, 2: no longer, 3: it was for too long */

static void hold_up(void *data, const struct faas_result *result)
{
	(void)data;
	(void)result;
	held = 1;
	for (int i = 0; held == 1 && i < 10000; i++)
		usleep(1000);
	held = held == 1 ? 3 : held;
}

/* The loop, which would hear of it, is busy; the event must not go to a dead one. */
TEST(a_shell_that_is_dead_and_not_yet_missed_gets_no_event)
{
	pid_t shell;

	open_life();
	shell = shell_of_f();
	if (kill(shell, 0) < 0) {
		print_message("# skipped: only root may kill another user's process\n");
		flow_close(&flow);
		skip();
	}
	held = 0;
	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = "f", .mode = FAAS_DRY_RUN,
						  .on_done = hold_up),
				     NULL, NULL),
			 0);
	while (!held)
		usleep(1000);
	assert_int_equal(kill(shell, SIGKILL), 0);
	await_environments(0);
	assert_true(flow_says(flow_call(&flow, "f", "count"), "1"));
	assert_int_equal(held, 1);
	held = 2;
	flow_close(&flow);
}

TEST(a_shell_ends_with_its_function)
{
	open_life();
	shell_of_f();
	assert_int_equal(faas_function_delete(flow.rt, "f", NULL), 0);
	await_environments(0);
	flow_close(&flow);
}

TEST(a_shell_ends_when_an_idle_environment_would)
{
	flow_open(&flow, &(struct faas_config){ .idle_ms = 5000 }, true);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "life.act"));
	start_twice("f", 0);
	flow_advance(&flow, 1);
	flow_advance(&flow, 1);
	await_environments(2);
	flow_advance(&flow, 4990);
	assert_int_equal(environments(), 2);
	flow_advance(&flow, 1000);
	await_environments(0);
	flow_close(&flow);
}

/* When that of g ends, all are looked at. */
TEST(a_shell_stays_though_another_environment_is_idle_for_longer)
{
	flow_open(&flow, &(struct faas_config){ .idle_ms = 5000 }, true);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "life.act"));
	flow_function(&flow, FAAS_FUNCTION(.name = "g", .handler = "life.act"));
	assert_true(flow_says(flow_call(&flow, "g", "count"), "1"));
	flow_advance(&flow, 3000);
	start_twice("f", 1);
	flow_advance(&flow, 1);
	flow_advance(&flow, 1);
	await_environments(3);
	flow_advance(&flow, 2000);
	await_environments(2); /* f's and its shell */
	flow_advance(&flow, 2990);
	assert_int_equal(environments(), 2);
	flow_advance(&flow, 1000);
	await_environments(0);
	flow_close(&flow);
}

TEST(a_shell_goes_when_memory_is_short)
{
	flow_open(&flow, &(struct faas_config){ .max_memory_mb = 256 }, false);
	flow_function(&flow, FAAS_FUNCTION(.name = "f", .handler = "life.act"));
	flow_function(&flow, FAAS_FUNCTION(.name = "g", .handler = "life.act", .memory_mb = 256));
	start_twice("f", 0);
	await_environments(2);
	assert_true(flow_says(flow_call(&flow, "g", "count"), "1"));
	await_environments(1);
	flow_close(&flow);
}

TEST(only_the_functions_that_needed_one_last_keep_theirs)
{
	char name[16];

	flow_open(&flow, NULL, false);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		flow_function(&flow, FAAS_FUNCTION(.name = name, .handler = "life.act"));
		start_twice(name, i + (i < KEPT ? i : KEPT));
		await_environments(i + 1 + (i < KEPT ? i + 1 : KEPT));
	}
	flow_close(&flow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_that_was_started_once_has_none),
		cmocka_unit_test(a_function_that_was_started_twice_has_one),
		cmocka_unit_test(the_next_cold_start_is_in_the_shell_and_is_a_cold_start),
		cmocka_unit_test(an_event_with_a_callback_may_be_the_first_of_a_shell),
		cmocka_unit_test(a_shell_has_not_opened_the_function),
		cmocka_unit_test(a_shell_is_no_environment_of_the_statistics),
		cmocka_unit_test(waiting_is_no_part_of_init),
		cmocka_unit_test(a_function_that_was_needed_many_times_at_once_has_twelve),
		cmocka_unit_test(each_of_the_twelve_is_the_place_of_a_cold_start),
		cmocka_unit_test(of_all_functions_together_there_are_twenty_four),
		cmocka_unit_test(all_of_them_end_with_their_function),
		cmocka_unit_test(all_of_them_go_when_memory_is_short),
		cmocka_unit_test(all_of_them_die_with_their_nest_and_are_not_missed),
		cmocka_unit_test(a_shell_that_is_killed_is_not_missed),
		cmocka_unit_test(a_shell_that_is_dead_and_not_yet_missed_gets_no_event),
		cmocka_unit_test(a_shell_ends_with_its_function),
		cmocka_unit_test(a_shell_ends_when_an_idle_environment_would),
		cmocka_unit_test(a_shell_stays_though_another_environment_is_idle_for_longer),
		cmocka_unit_test(a_shell_goes_when_memory_is_short),
		cmocka_unit_test(only_the_functions_that_needed_one_last_keep_theirs),
#ifdef SNAPSHOTS
		cmocka_unit_test(a_shell_restores_a_snapshot),
		cmocka_unit_test(a_shell_that_comes_before_the_snapshot_is_refused),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
