/* SPDX-License-Identifier: MIT */
/*
 * What a warm call costs, counted: system calls and heap allocations. Both are
 * exact and the same on every machine, which times are not. Everything is on one
 * CPU, as the scheduler could spare a wake-up otherwise, and on a clock that stands
 * still, as what is measured of an event depends on how long it takes.
 */
#include "support/test.h"

#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "support/processes.h"
#include "support/tracer.h"

#include <faas/faas.h>
#include <runtime.h>

#define CALLS 200 /* the peak of memory is read at every 256th */
#define WARM 20
#define DEPTH 16

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/* ---- the heap -------------------------------------------------------- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *ptr, size_t size);

static _Atomic int allocations, from_library;

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *ptr, size_t size)
{
	allocations++;
	return __libc_realloc(ptr, size);
}

static void *host_realloc(void *data, void *ptr, size_t old_size, size_t new_size)
{
	(void)data;
	(void)old_size;
	if (!new_size) {
		free(ptr);
		return NULL;
	}
	from_library++;
	return realloc(ptr, new_size);
}

/* ---- a runtime on one CPU -------------------------------------------- */

static struct fa_clock_virtual standing;
static struct faas *rt;

static enum faas_isolation_kind isolation = FAAS_PROCESS;
static bool heard;
/* As with a clock that goes, things are told together; but it does not come to that time. */
#define TOGETHER_NS (INT64_C(3600) * 1000000000)
static _Atomic int lines, points;

static void on_log(void *data, const struct faas_log *log)
{
	(void)data;
	(void)log;
	lines++;
}

static void on_metric(void *data, const struct faas_metric *metric)
{
	(void)data;
	(void)metric;
	points++;
}

static void open_runtime(const char *handler)
{
	struct faas_config c = { .size = sizeof(c), .realloc = host_realloc };
	struct faas_error err = { .message = "" };

	if (heard) {
		c.on_log = on_log;
		c.on_metric = on_metric;
	}

	c.worker = getenv("FAAS_TEST_WORKER") ? getenv("FAAS_TEST_WORKER") : TEST_WORKER;
	fa_clock_virtual_init(&standing, 1700000000000);
	standing.ns = fa_now(&fa_clock_real);
	rt = fa_create(&c, &standing.clock, &err);
	tracer_must(rt, err.message);
	rt->tell.period_ns = heard ? TOGETHER_NS : 0;
	tracer_must(!faas_function_create(rt,
					  FAAS_FUNCTION(.name = "f", .code = TEST_PLUGINS,
							.handler = handler, .timeout_ms = 600000,
							.isolation = isolation,
							.max_concurrency = 1),
					  &err),
		    err.message);
}

/* What is still to be told is told now. */
static int close_runtime(void)
{
	if (heard) {
		standing.ns += TOGETHER_NS;
		fa_loop_wake(&rt->loop);
	}
	return faas_destroy(rt);
}

static void call_with(const char *function, size_t len)
{
	static const char event[1 << 20] = "event";
	struct faas_result *result = NULL;
	struct faas_error err = { .message = "" };

	tracer_must(!faas_invoke_wait(rt,
				      FAAS_REQUEST(.function = function,
						   .payload = { event, len }),
				      &result, &err),
		    err.message);
	tracer_must(result->code == FAAS_OK, result->error_type);
	faas_free(result);
}

static void call(void)
{
	call_with("f", 5);
}

static void call_warm(int n)
{
	for (int i = 0; i < n; i++)
		call();
}

/* ---- with callbacks -------------------------------------------------- */

static int left, under_way; /* [loop] but for the first */
static sem_t all_done;

static void submit(void);

/* The first one makes DEPTH of it, and so many are under way until the last have begun. */
static void on_done(void *data, const struct faas_result *result)
{
	(void)data;
	tracer_must(result->code == FAAS_OK, result->error_type);
	under_way--;
	while (left && under_way < DEPTH)
		submit();
	if (!under_way)
		sem_post(&all_done);
}

static void submit(void)
{
	struct faas_error err = { .message = "" };

	left--;
	under_way++;
	tracer_must(!faas_invoke(rt,
				 FAAS_REQUEST(.function = "f", .payload = { "event", 5 },
					      .capacity_wait_ms = 600000, .on_done = on_done),
				 NULL, &err),
		    err.message);
}

static void submit_warm(int n)
{
	left = n;
	sem_init(&all_done, 0, 0);
	submit();
	while (sem_wait(&all_done))
		;
}

/* ---- system calls: the scenarios run in a child ----------------------- */

/* What happens once, or in the background of a birth, is over when the counting begins. */
static void trace_calls(const char *handler, void (*run)(int n))
{
	tracer_stay_here();
	open_runtime(handler);
	run(WARM);
	tracer_settle();
	run(WARM);
	tracer_settle();
	tracer_begin();
	run(CALLS);
	tracer_end();
	close_runtime();
}

static void wait_for_each(void)
{
	trace_calls("echo.echo", call_warm);
}

static void wait_for_each_that_logs(void)
{
	trace_calls("echo.log", call_warm);
}

static void submit_sixteen(void)
{
	tracer_let_the_woken_go_first();
	trace_calls("echo.echo", submit_warm);
}

static void submit_sixteen_to_a_thread(void)
{
	isolation = FAAS_THREAD;
	submit_sixteen();
}

static void submit_sixteen_heard(void)
{
	heard = true;
	submit_sixteen();
}

static struct trace trace;

static void run(void (*scenario)(void))
{
	tracer_test(scenario, &trace);
}

static void at_most(uint32_t count, uint32_t most, enum tracee who, const char *what)
{
	if (count > most)
		fail_msg("%u %s in %d calls, at most %u expected; all: %s", count, what, CALLS,
			 most, tracer_text(&trace, who));
}

static void nothing_but(enum tracee who, const int *numbers)
{
	at_most(tracer_others(&trace, who, numbers), 0, who, "other system calls");
}

/* Others beside us only add to a count, as a late wake-up ends one wait more: one run of three. */
#define RUN_UNTIL(scenario, holds) for (int i = 0; i < 3 && (!i || !(holds)); i++) run(scenario)

static uint32_t waits(enum tracee who)
{
	return trace.waits[who] + trace.calls[who][SYS_futex_waitv];
}

/* One wake-up and one wait, and the CPU clock for one in 32. */
static void expect_of_the_caller(uint32_t late)
{
	const int allowed[] = { SYS_futex, SYS_futex_waitv, SYS_clock_gettime, -1 };
	enum tracee who = TRACEE_CALLER;

	at_most(trace.wakes[who], CALLS, who, "wake-ups");
	at_most(waits(who), CALLS + late, who, "waits");
	at_most(trace.calls[who][SYS_clock_gettime], CALLS / 32 + 1, who, "looks at a clock");
	nothing_but(who, allowed);
}

TEST(the_caller_of_a_warm_call_wakes_waits_and_does_nothing_else)
{
	RUN_UNTIL(wait_for_each, waits(TRACEE_CALLER) <= CALLS);
	expect_of_the_caller(0);
}

TEST(the_worker_of_a_warm_call_waits_wakes_and_does_nothing_else)
{
	const int allowed[] = { SYS_futex, SYS_futex_waitv, -1 };
	enum tracee who = TRACEE_BELOW;

	RUN_UNTIL(wait_for_each, waits(who) <= CALLS);
	at_most(trace.wakes[who], CALLS, who, "wake-ups");
	at_most(waits(who), CALLS, who, "waits");
	nothing_but(who, allowed);
	assert_true(trace.total[who] > 0); /* else we looked at somebody else */
}

TEST(the_loop_sleeps_through_warm_calls)
{
	run(wait_for_each);
	at_most(trace.total[TRACEE_HOST], 0, TRACEE_HOST, "system calls");
}

/* The positive control: one more would be seen. */
TEST(one_line_of_log_is_one_more_system_call)
{
	run(wait_for_each_that_logs);
	assert_int_equal(trace.calls[TRACEE_BELOW][SYS_write], CALLS);
	assert_true(trace.total[TRACEE_HOST] > 0);
	/* while it writes, its wake-up for the call before may come late and end one wait more */
	expect_of_the_caller(CALLS / 10);
}

static bool is_served_together(void)
{
	return trace.wakes[TRACEE_HOST] <= CALLS / 2 && waits(TRACEE_BELOW) <= CALLS / 2 &&
	       trace.calls[TRACEE_BELOW][SYS_sendto] <= CALLS / 2;
}

/*
 * Sixteen are under way: one wake-up is for all that were handed over, and the loop then
 * finds all answers. One by one they would need CALLS of each. That is how it goes where others
 * beside us make the handler stand still in its middle: it seems to take long, and behind
 * what takes long nothing is handed over.
 */
TEST(one_wake_up_serves_many_events_with_callbacks)
{
	RUN_UNTIL(submit_sixteen, is_served_together());
	at_most(trace.wakes[TRACEE_HOST], CALLS / 2, TRACEE_HOST, "wake-ups of the worker");
	at_most(waits(TRACEE_BELOW), CALLS / 2, TRACEE_BELOW, "waits");
	at_most(trace.calls[TRACEE_BELOW][SYS_sendto], CALLS / 2, TRACEE_BELOW,
		"wake-ups of the loop");
}

/*
 * What is told is told where the loop is anyway: nobody is woken for it and no timer is set. The
 * log is looked into where no other event is handed over already, as the last may have printed.
 */
TEST(listeners_cost_events_a_look_into_the_log_and_no_other_system_call)
{
	const int allowed[] = { SYS_read, SYS_futex, SYS_futex_waitv, SYS_clock_gettime,
				SYS_epoll_wait, SYS_epoll_pwait, SYS_recvfrom, -1 };
	const int below[] = { SYS_futex, SYS_futex_waitv, SYS_sendto, -1 };

	run(submit_sixteen_heard);
	at_most(trace.calls[TRACEE_HOST][SYS_read], CALLS, TRACEE_HOST, "looks");
	nothing_but(TRACEE_HOST, allowed);
	nothing_but(TRACEE_BELOW, below);
	assert_true(trace.total[TRACEE_HOST] > 0);
}

/* The thread is of the host, and it is woken by the loop alone. */
TEST(one_wake_up_serves_many_events_of_a_thread)
{
	RUN_UNTIL(submit_sixteen_to_a_thread, trace.wakes[TRACEE_HOST] <= CALLS / 2);
	at_most(trace.wakes[TRACEE_HOST], CALLS / 2, TRACEE_HOST, "wake-ups of the thread");
	assert_true(trace.wakes[TRACEE_HOST] > 0);
}

/* ---- the first event of a provisioned environment --------------------- */

static void provide_one(const char *handler)
{
	struct faas_function_info *info = NULL;
	struct faas_error err = { .message = "" };
	bool ready = false;

	tracer_must(!faas_function_create(rt,
					  FAAS_FUNCTION(.name = "ready", .code = TEST_PLUGINS,
							.handler = handler, .timeout_ms = 600000,
							.provisioned = 1),
					  &err),
		    err.message);
	while (!ready) {
		tracer_must(!faas_function_get(rt, "ready", &info, &err), err.message);
		ready = info->provisioned_available == 1;
		faas_free(info);
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
}

static void wait_for_the_first(void)
{
	tracer_stay_here();
	open_runtime("echo.echo");
	call_warm(WARM);
	provide_one("echo.echo");
	tracer_settle();
	tracer_begin();
	call_with("ready", 5);
	tracer_end();
	faas_destroy(rt);
}

/* What is metered first was looked at when it was ready. */
TEST(a_provisioned_first_event_costs_the_system_calls_of_a_warm_one)
{
	const int allowed[] = { SYS_futex, SYS_futex_waitv, -1 };

	run(wait_for_the_first);
	for (enum tracee who = TRACEE_CALLER; who < TRACEES; who++) {
		nothing_but(who, allowed);
		at_most(trace.total[who], 2, who, "system calls");
	}
	assert_int_equal(trace.wakes[TRACEE_CALLER], 1);
}

/* ---- a cold start in a shell ------------------------------------------ */

/* Milliseconds pass, as a shell is made one after a birth. */
static void await_environments(int wanted)
{
	struct process list[8];

	while (processes_of_environments(getpid(), list, 8) != wanted) {
		standing.ns += 1000000;
		fa_loop_wake(&rt->loop);
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
}

static void end_environment(int others)
{
	tracer_must(!faas_recycle(rt, "f", NULL), "cannot be recycled");
	await_environments(others);
}

/* Time stands still by then: the next shell is not made yet. */
static void count_a_cold_start(bool shell)
{
	tracer_stay_here();
	open_runtime("echo.echo");
	call();
	end_environment(0);
	if (shell) {
		call();
		await_environments(2);
		end_environment(1);
	}
	tracer_settle();
	tracer_begin();
	call();
	tracer_end();
	faas_destroy(rt);
}

static void start_in_a_shell(void)
{
	count_a_cold_start(true);
}

static void start_without_one(void)
{
	count_a_cold_start(false);
}

static const int of_a_birth[] = { SYS_clone, SYS_setns, SYS_sendmsg, SYS_recvmsg, SYS_setresuid };
#define OF_A_BIRTH (sizeof(of_a_birth) / sizeof(*of_a_birth))

static uint32_t births(void)
{
	uint32_t all = 0;

	for (enum tracee who = TRACEE_CALLER; who < TRACEES; who++)
		for (size_t i = 0; i < OF_A_BIRTH; i++)
			all += trace.calls[who][of_a_birth[i]];
	return all;
}

TEST(a_cold_start_in_a_shell_makes_no_process_and_sends_no_message)
{
	RUN_UNTIL(start_in_a_shell, !births());
	assert_int_equal(births(), 0);
	assert_int_equal(trace.wakes[TRACEE_CALLER], 1);
	assert_true(trace.calls[TRACEE_BELOW][SYS_openat] > 0); /* it opened the function */
}

/* The positive control. */
TEST(a_cold_start_without_a_shell_does)
{
	run(start_without_one);
	assert_int_equal(trace.calls[TRACEE_CALLER][SYS_sendmsg], 1);
	assert_true(trace.calls[TRACEE_BELOW][SYS_clone] > 0);
	assert_true(trace.calls[TRACEE_BELOW][SYS_setns] > 0);
}

/* ---- page faults ------------------------------------------------------- */

/* Of the environments, and of this thread. */
struct faults {
	long below, here;
};

static struct faults faults_now(void)
{
	struct process list[16];
	int count = processes_of_environments(getpid(), list, 16);
	struct faults faults = { 0 };
	struct rusage usage;

	for (int i = 0; i < count; i++)
		faults.below += list[i].faults;
	assert_true(faults.below > 0);
	assert_int_equal(getrusage(RUSAGE_THREAD, &usage), 0);
	faults.here = usage.ru_minflt;
	return faults;
}

/* The one before warms the way, also through what asks for the counts. */
static struct faults faults_of_the_first(const char *handler, size_t len, int events)
{
	struct faults before, after;

	call_with("f", len);
	provide_one(handler);
	faults_now();
	call_with("f", len);
	before = faults_now();
	for (int i = 0; i < events; i++)
		call_with("ready", len);
	after = faults_now();
	return (struct faults){ after.below - before.below, after.here - before.here };
}

/* Its pages were touched before: by whoever made them, and by its init. */
TEST(a_provisioned_first_event_faults_on_no_page)
{
	struct faults faults = faults_of_the_first("echo.echo", 5, 1);

	assert_int_equal(faults.below, 0);
	assert_int_equal(faults.here, 0);
}

/* They lie where that lay, however it was begun ahead of them. */
TEST(nor_do_the_events_after_it)
{
	struct faults faults = faults_of_the_first("echo.echo", 5, 2 * FA_DEPTH);

	assert_int_equal(faults.below, 0);
	assert_int_equal(faults.here, 0);
}

/* The positive control: pages that nobody prepares are seen. */
TEST(a_large_first_event_does_fault)
{
	struct faults faults = faults_of_the_first("echo.more", 1 << 20, 1);

	assert_true(faults.below > 0);
	assert_true(faults.here > 0);
}

/* ---- allocations ----------------------------------------------------- */

struct use {
	int allocations, from_library;
};

/* What a birth leaves to do in the background allocates, too. */
static void settle(void)
{
	int seen;

	do {
		seen = allocations;
		nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
	} while (seen != allocations);
}

static struct use use_of(void (*run)(int n))
{
	struct use before, after;

	run(WARM);
	settle();
	before = (struct use){ allocations, from_library };
	run(CALLS);
	after = (struct use){ allocations, from_library };
	return (struct use){ after.allocations - before.allocations,
			     after.from_library - before.from_library };
}

static int open_echo(void **state)
{
	(void)state;
	open_runtime("echo.echo");
	call_warm(WARM);
	return 0;
}

static int close_echo(void **state)
{
	(void)state;
	return close_runtime();
}

TEST(a_warm_call_allocates_its_result_and_nothing_else)
{
	struct use use = use_of(call_warm);

	assert_int_equal(use.from_library, CALLS);
	assert_int_equal(use.allocations, use.from_library);
}

TEST(an_event_with_a_callback_allocates_itself_at_most)
{
	struct use use = use_of(submit_warm);

	assert_true(use.from_library <= CALLS);
	assert_int_equal(use.allocations, use.from_library);
}

static int open_heard(void **state)
{
	heard = true;
	open_echo(state);
	submit_warm(4 * CALLS);
	return 0;
}

static int close_heard(void **state)
{
	int rc = close_echo(state);

	heard = false;
	return rc;
}

/*
 * Records lie in memory that is used again, and their lines are written where the last were. What
 * is left is the place of one event, which the next one has after it.
 */
TEST(listeners_cost_an_event_with_a_callback_no_allocation)
{
	int before = lines;
	struct use use = use_of(submit_warm);

	for (int i = 0; i < 2 && use.from_library > 1; i++) /* beside others they fell behind */
		use = use_of(submit_warm);
	assert_true(use.from_library <= 1);
	assert_int_equal(use.allocations, use.from_library);
	assert_true(lines > before); /* they were told meanwhile */
	assert_true(points > 0);
}

/* The positive control: what goes past the host's allocator is counted, too. */
TEST(an_allocation_is_noticed)
{
	int before = allocations;
	void *volatile block = malloc(1);

	free(block);
	assert_int_equal(allocations, before + 1);
}

#define HEAP(name) cmocka_unit_test_setup_teardown(name, open_echo, close_echo)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_caller_of_a_warm_call_wakes_waits_and_does_nothing_else),
		cmocka_unit_test(the_worker_of_a_warm_call_waits_wakes_and_does_nothing_else),
		cmocka_unit_test(the_loop_sleeps_through_warm_calls),
		cmocka_unit_test(one_line_of_log_is_one_more_system_call),
		cmocka_unit_test(one_wake_up_serves_many_events_with_callbacks),
		cmocka_unit_test(
			listeners_cost_events_a_look_into_the_log_and_no_other_system_call),
		cmocka_unit_test(one_wake_up_serves_many_events_of_a_thread),
		cmocka_unit_test(a_provisioned_first_event_costs_the_system_calls_of_a_warm_one),
		cmocka_unit_test(a_cold_start_in_a_shell_makes_no_process_and_sends_no_message),
		cmocka_unit_test(a_cold_start_without_a_shell_does),
		HEAP(a_provisioned_first_event_faults_on_no_page),
		HEAP(nor_do_the_events_after_it),
		HEAP(a_large_first_event_does_fault),
		HEAP(a_warm_call_allocates_its_result_and_nothing_else),
		HEAP(an_event_with_a_callback_allocates_itself_at_most),
		cmocka_unit_test_setup_teardown(
			listeners_cost_an_event_with_a_callback_no_allocation, open_heard,
			close_heard),
		cmocka_unit_test(an_allocation_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
