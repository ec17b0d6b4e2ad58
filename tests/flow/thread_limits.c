/* SPDX-License-Identifier: MIT */
/* Functions inside this program: time, memory, and ends that come too early. */
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include <faas/plugin.h>
#include <support/failing_mem.h>
#include <support/test.h>
#include <support/thread_host.h>

static int open_host(void **state)
{
	(void)state;
	host_open(NULL);
	return 0;
}

static int close_host(void **state)
{
	(void)state;
	host_close();
	return 0;
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

/* ---- memory ----------------------------------------------------------- */

TEST(a_plugin_s_own_memory_is_counted_and_limited)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "keep", .handler = "thread_memory.keep",
				    .memory_mb = 128));
	host_call(WAITING, "keep", "1000", &answer);
	assert_int_equal(answer.code, FAAS_OK);
	assert_in_range(answer.memory_used_mb, 0, 2);
	host_call(WAITING, "keep", "50000000", &answer);
	assert_int_equal(answer.code, FAAS_OK);
	assert_in_range(answer.memory_used_mb, 47, 50);
	host_call(WAITING, "keep", "50000000", &answer);
	assert_int_equal(answer.code, FAAS_OK);
	host_call(WAITING, "keep", "50000000", &answer);
	assert_int_equal(answer.code, FAAS_EFUNCTION);
	assert_string_equal(answer.type, "Keep.NoMemory");
	assert_in_range(answer.memory_used_mb, 95, 100);
	host_call(BY_CALLBACK, "keep", "50000000", &answer);
	assert_string_equal(answer.type, "Keep.NoMemory");
	host_call(BY_CALLBACK, "keep", "5000000", &answer);
	assert_int_equal(answer.code, FAAS_OK);
}

TEST(faas_alloc_draws_on_the_same_limit)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "arena", .handler = "thread_memory.arena",
				    .memory_mb = 128));
	for (enum way way = 0; way < WAYS; way++) {
		/* it is given back each time, so that twice does not add up */
		for (int i = 0; i < 2; i++) {
			host_call(way, "arena", "100000000", &answer);
			assert_int_equal(answer.code, FAAS_OK);
		}
		host_call(way, "arena", "140000000", &answer);
		assert_string_equal(answer.type, "Arena.NoMemory");
	}
	assert_in_range(answer.memory_used_mb, 95, 97);
}

/* ---- time ------------------------------------------------------------- */

static int pause_ms(struct faas_context *ctx, struct faas_bytes event)
{
	struct timespec time = { 0, 120000000 };

	(void)event;
	nanosleep(&time, NULL);
	return faas_puts(ctx, "\"too late\"");
}

TEST(who_waits_is_told_of_the_timeout_when_the_handler_is_back)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "late", .native = pause_ms, .timeout_ms = 20));
	for (int i = 0; i < 2; i++) {
		host_call(WAITING, "late", "1", &answer);
		assert_int_equal(answer.refused, 0);
		assert_int_equal(answer.code, FAAS_ETIMEOUT);
		assert_string_equal(answer.type, "Sandbox.Timedout");
		assert_true(answer.duration_ms >= 120);
		assert_non_null(strstr(answer.payload, "Task timed out after 0.02 seconds"));
	}
}

static _Atomic int wrong_events, passed;

/* Stands at the gate, and then looks whether its event is still what it was. */
static int hold(struct faas_context *ctx, struct faas_bytes event)
{
	if (event.len && ((const char *)event.data)[0] == 'p') {
		atomic_fetch_add(&passed, 1);
		return faas_puts(ctx, "\"passed\"");
	}
	gate_pass();
	if (event.len != 5 || memcmp(event.data, "stay!", 5) || strlen(ctx->request_id) != 36)
		atomic_fetch_add(&wrong_events, 1);
	faas_log(ctx, FAAS_INFO, "after the gate");
	return faas_puts(ctx, "\"held\"");
}

#define STAY { "stay!", 5 }

TEST(past_its_timeout_a_callback_is_told_and_another_thread_goes_on)
{
	struct answer first, second;
	double start = now_ms();

	host_function(FAAS_FUNCTION(.name = "held", .native = hold, .timeout_ms = 50));
	gate_close();
	host_start(FAAS_REQUEST(.function = "held", .payload = STAY), &first);
	gate_await(1);
	host_await(&first);
	assert_int_equal(first.code, FAAS_ETIMEOUT);
	assert_true(now_ms() - start >= 50);
	assert_true(now_ms() - start < 20000);
	host_call(BY_CALLBACK, "held", "pass", &second);
	assert_int_equal(second.code, FAAS_OK);
	assert_string_equal(second.payload, "\"passed\"");
	gate_open();
	host_call(WAITING, "held", "pass", &second);
	assert_string_equal(second.payload, "\"passed\"");
	assert_int_equal(first.count, 1);
}

TEST(what_an_abandoned_handler_logs_belongs_to_nobody)
{
	struct answer answer;

	host_function(FAAS_FUNCTION(.name = "muted", .native = hold, .timeout_ms = 20));
	gate_close();
	host_start(FAAS_REQUEST(.function = "muted", .payload = STAY), &answer);
	host_await(&answer);
	gate_open();
	host_close(); /* waits until it is back */
	assert_false(host_has_line("after the gate"));
	assert_int_equal(atomic_load(&wrong_events), 0);
	host_open(NULL);
}

TEST(a_cancel_is_answered_while_the_handler_still_runs)
{
	struct answer answer, next;
	uint64_t id;

	host_function(FAAS_FUNCTION(.name = "cancel", .native = hold, .timeout_ms = 60000));
	gate_close();
	id = host_start(FAAS_REQUEST(.function = "cancel", .payload = STAY), &answer);
	gate_await(1);
	faas_cancel(host_runtime(), id);
	host_await(&answer);
	assert_int_equal(answer.code, FAAS_ECANCELED);
	host_call(BY_CALLBACK, "cancel", "pass", &next);
	assert_int_equal(next.code, FAAS_OK);
	gate_open();
}

static void set_flag(void *data)
{
	atomic_store((_Atomic int *)data, 1);
}

TEST(closing_tells_at_once_and_is_done_when_the_handlers_are_back)
{
	struct answer answer;
	_Atomic int closed = 0;
	struct timespec moment = { 0, 30000000 };

	host_function(FAAS_FUNCTION(.name = "busy", .native = hold, .timeout_ms = 60000));
	gate_close();
	host_start(FAAS_REQUEST(.function = "busy", .payload = STAY), &answer);
	gate_await(1);
	faas_close(host_runtime(), 0, set_flag, &closed);
	host_await(&answer);
	assert_int_equal(answer.code, FAAS_ECANCELED);
	nanosleep(&moment, NULL); /* no proof of anything, but a chance to be wrong */
	assert_int_equal(atomic_load(&closed), 0);
	gate_open();
	while (!atomic_load(&closed))
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_int_equal(answer.count, 1);
	host_open(NULL);
}

#define BEHIND 8

/* One that stays, and others that may be handed over behind it. */
static uint64_t start_with_others_behind(struct answer answers[BEHIND])
{
	uint64_t id = 0;

	host_call(BY_CALLBACK, "queue", "pass", &answers[0]);
	atomic_store(&passed, 0);
	gate_close();
	for (int i = 0; i < BEHIND; i++) {
		uint64_t one = host_start(
			FAAS_REQUEST(.function = "queue", .capacity_wait_ms = 60000,
				     .payload = { i ? "pass" : "stay!", i ? 4 : 5 }),
			&answers[i]);

		id = i ? id : one;
	}
	return id;
}

static void others_ran_once(struct answer answers[BEHIND], int first_code)
{
	for (int i = 0; i < BEHIND; i++) {
		host_await(&answers[i]);
		assert_int_equal(answers[i].code, i ? FAAS_OK : first_code);
		assert_int_equal(answers[i].count, 1);
	}
	assert_int_equal(atomic_load(&passed), BEHIND - 1);
}

TEST(what_waits_behind_a_timeout_runs_elsewhere_and_once)
{
	static struct answer answers[BEHIND];

	host_close();
	host_open(FAAS_CONFIG(.worker = TEST_WORKER));
	host_function(FAAS_FUNCTION(.name = "queue", .native = hold, .timeout_ms = 100));
	start_with_others_behind(answers);
	others_ran_once(answers, FAAS_ETIMEOUT);
	gate_open();
}

TEST(what_waits_behind_a_cancel_runs_elsewhere_and_once)
{
	static struct answer answers[BEHIND];
	uint64_t id;

	host_close();
	host_open(FAAS_CONFIG(.worker = TEST_WORKER));
	host_function(FAAS_FUNCTION(.name = "queue", .native = hold, .timeout_ms = 60000,
				    .max_concurrency = 2));
	id = start_with_others_behind(answers);
	gate_await(1);
	faas_cancel(host_runtime(), id);
	others_ran_once(answers, FAAS_ECANCELED);
	gate_open();
}

/* ---- CPU -------------------------------------------------------------- */

static double cpu_ms(void)
{
	struct timespec cpu;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	return (double)cpu.tv_sec * 1000 + (double)cpu.tv_nsec / 1e6;
}

static int burn(struct faas_context *ctx, struct faas_bytes event)
{
	double until = cpu_ms() + 20;

	(void)event;
	while (cpu_ms() < until)
		;
	return faas_puts(ctx, "null");
}

TEST(cpu_time_is_what_was_computed_and_not_what_was_slept)
{
	struct answer busy, idle;

	host_function(FAAS_FUNCTION(.name = "burn", .native = burn));
	host_function(FAAS_FUNCTION(.name = "pause", .native = pause_ms));
	for (enum way way = 0; way < WAYS; way++) {
		host_call(way, "burn", "1", &busy);
		host_call(way, "pause", "1", &idle);
		assert_true(busy.cpu_ms >= 20);
		assert_true(busy.cpu_ms <= busy.duration_ms + busy.init_ms + 1);
		assert_true(idle.cpu_ms < 30);
	}
}

/* ---- the host has no memory ------------------------------------------- */

static bool may_be(int code)
{
	return code == FAAS_OK || code == FAAS_ENOMEM || code == FAAS_ESYSTEM ||
	       code == FAAS_EFUNCTION;
}

static bool survives_failure(size_t n, enum way way)
{
	static struct failing_mem fm; /* a test that fails leaves the runtime behind */
	struct answer answer;
	bool failed;

	failing_mem_init(&fm);
	host_open(FAAS_CONFIG(.worker = TEST_WORKER, .realloc = failing_realloc, .data = &fm));
	host_function(FAAS_FUNCTION(.name = "sweep", .handler = "thread_memory.arena"));
	pthread_mutex_lock(&fm.lock);
	fm.fail_at = fm.calls + n;
	pthread_mutex_unlock(&fm.lock);
	if (way == WAITING) {
		host_call(WAITING, "sweep", "20000", &answer);
		assert_true(may_be(answer.refused));
		assert_true(may_be(answer.code));
	} else {
		struct faas_error err = { 0 };
		int rc = faas_invoke(host_runtime(), FAAS_REQUEST(.function = "sweep",
				     .payload = { "20000", 5 }), NULL, &err);

		assert_true(may_be(rc));
	}
	pthread_mutex_lock(&fm.lock);
	fm.fail_at = 0;
	pthread_mutex_unlock(&fm.lock);
	host_call(way, "sweep", "20000", &answer);
	assert_int_equal(answer.refused, 0);
	assert_int_equal(answer.code, FAAS_OK);
	host_close();
	failed = fm.failed;
	assert_true(failing_mem_clean(&fm));
	return failed;
}

TEST(the_host_survives_the_failure_of_each_allocation)
{
	host_close();
	for (enum way way = 0; way < WAYS; way++)
		for (size_t n = 1; survives_failure(n, way); n++)
			assert_true(n < 100);
	host_open(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plugin_s_own_memory_is_counted_and_limited),
		cmocka_unit_test(faas_alloc_draws_on_the_same_limit),
		cmocka_unit_test(who_waits_is_told_of_the_timeout_when_the_handler_is_back),
		cmocka_unit_test(past_its_timeout_a_callback_is_told_and_another_thread_goes_on),
		cmocka_unit_test(what_an_abandoned_handler_logs_belongs_to_nobody),
		cmocka_unit_test(a_cancel_is_answered_while_the_handler_still_runs),
		cmocka_unit_test(closing_tells_at_once_and_is_done_when_the_handlers_are_back),
		cmocka_unit_test(what_waits_behind_a_timeout_runs_elsewhere_and_once),
		cmocka_unit_test(what_waits_behind_a_cancel_runs_elsewhere_and_once),
		cmocka_unit_test(cpu_time_is_what_was_computed_and_not_what_was_slept),
		cmocka_unit_test(the_host_survives_the_failure_of_each_allocation),
	};

	return cmocka_run_group_tests(tests, open_host, close_host);
}
