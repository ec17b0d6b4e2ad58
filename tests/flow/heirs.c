/* SPDX-License-Identifier: MIT */
/*
 * An environment past half of its time gets an heir, initialised in the same
 * /tmp. What may happen to the heir, and to the late one, meanwhile.
 */
#include "support/test.h"

#include <stdio.h>
#include <time.h>

#include "support/flow.h"

#define WARM "\"initialised\""

static struct flow flow;

static int open_it(void **state)
{
	(void)state;
	flow_open(&flow, NULL, false);
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	flow_close(&flow);
	return 0;
}

static void function(const char *handler, int timeout_ms)
{
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .handler = handler,
							     .timeout_ms = timeout_ms });
}

static uint64_t cold_starts(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_stats(flow.rt, &stats), 0);
	return (uint64_t)stats.cold_starts;
}

static void await_cold_starts(uint64_t n)
{
	struct timespec ms = { 0, 1000000 };

	for (int i = 0; i < 10000 && cold_starts() < n; i++)
		nanosleep(&ms, NULL);
	assert_int_equal(cold_starts(), n);
}

TEST(after_a_timeout_the_heir_is_warm)
{
	function("init.nap_slow", 1000);
	assert_int_equal(flow_call(&flow, "f", "30000")->code, FAAS_ETIMEOUT);
	await_cold_starts(2);
	assert_true(flow_call(&flow, "f", "0")->init_ms == 0);
	assert_int_equal(cold_starts(), 2);
}

/* More than half of its time, and two seconds to be in time on a machine that is busy. */
TEST(an_heir_that_crashes_in_its_init_harms_nobody)
{
	function("init.nap_first_only", 5000);
	assert_true(flow_says(flow_call(&flow, "f", "2800"), WARM));
	await_cold_starts(2);
	assert_true(flow_says(flow_call(&flow, "f", "0"), WARM));
	assert_true(flow_says(flow_call_async(&flow, "f", "2800"), WARM));
	assert_true(flow_says(flow_call_async(&flow, "f", "0"), WARM));
}

/*
 * Its init began half of the timeout ago and takes longer. The event that comes at once runs in
 * the same environment, behind that init, by either way to call; another one would say 1.
 */
static void expect_the_heir(const struct faas_result *(*call)(struct flow *, const char *,
							      const char *))
{
	function("init.nap_which", 800);
	assert_true(flow_says(call(&flow, "f", ""), "1"));
	assert_int_equal(call(&flow, "f", "30000")->code, FAAS_ETIMEOUT);
	assert_true(flow_says(call(&flow, "f", ""), "2"));
	assert_int_equal(cold_starts(), 2);
}

TEST(the_next_event_waits_for_the_init_of_the_heir)
{
	expect_the_heir(flow_call_async);
}

TEST(who_waits_on_a_thread_of_its_own_waits_for_the_init_of_the_heir)
{
	expect_the_heir(flow_call);
}

enum { MANY = 4 };

struct answers {
	_Atomic int all, first, second, canceled;
};

static void count_answer(void *data, const struct faas_result *result)
{
	struct answers *answers = data;

	answers->first += flow_says(result, "1");
	answers->second += flow_says(result, "2");
	answers->canceled += result->code == FAAS_ECANCELED;
	answers->all++;
}

/* One of them is the next one, and the others do not stand behind it. */
TEST(of_many_events_one_waits_for_the_heir)
{
	struct timespec ms = { 0, 1000000 };
	struct answers answers = { 0 };
	uint64_t id = 0;

	function("init.nap_which", 800);
	assert_int_equal(flow_call_async(&flow, "f", "30000")->code, FAAS_ETIMEOUT);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(faas_invoke(flow.rt,
					     FAAS_REQUEST(.function = "f", .on_done = count_answer,
							  .data = &answers),
					     &id, NULL),
				 0);
	for (int i = 0; i < 10000 && answers.all < MANY; i++)
		nanosleep(&ms, NULL);
	assert_int_equal(answers.all, MANY);
	assert_int_equal(answers.second, 1);
	assert_int_equal(answers.first, MANY - 1);
}

TEST(who_waits_for_the_init_of_the_heir_can_be_called_off)
{
	struct timespec ms = { 0, 1000000 };
	struct answers answers = { 0 };
	uint64_t id = 0;

	function("init.nap_which", 800);
	assert_int_equal(flow_call_async(&flow, "f", "30000")->code, FAAS_ETIMEOUT);
	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = "f", .on_done = count_answer,
						  .data = &answers),
				     &id, NULL),
			 0);
	faas_cancel(flow.rt, id);
	for (int i = 0; i < 10000 && !answers.all; i++)
		nanosleep(&ms, NULL);
	assert_int_equal(answers.canceled, 1);
	assert_true(flow_says(flow_call(&flow, "f", ""), "2"));
}

/* No heir was made, for there is no memory for two. */
TEST(the_next_event_finds_tmp_before_the_process_is_gone)
{
	flow_close(&flow);
	flow_open(&flow, &(struct faas_config){ .size = sizeof(struct faas_config),
						.max_memory_mb = 128 }, false);
	function("init.nap_which_quickly", 1000); /* an init and an event have to be in time */
	for (int i = 1; i <= 4; i++) {
		const struct faas_result *r = flow_call(&flow, "f", "");
		char which[16];

		snprintf(which, sizeof(which), "%d", i);
		assert_true(flow_says(r, which));
		assert_int_equal(r->init_ms > 0, i == 1); /* the others are part of the duration */
		assert_int_equal(flow_call(&flow, "f", "30000")->code, FAAS_ETIMEOUT);
	}
}

TEST(an_heir_whose_init_fails_leaves_tmp_to_the_next)
{
	function("init.nap_once_more", 200);
	assert_true(flow_says(flow_call(&flow, "f", ""), "1"));
	assert_int_equal(flow_call(&flow, "f", "30000")->code, FAAS_ETIMEOUT);
	assert_true(flow_says(flow_call(&flow, "f", ""), "3"));
}

/* Nobody came while it was in its init; it ends, and leaves one without a process. */
TEST(an_heir_whose_init_fails_unseen_leaves_tmp_to_the_next)
{
	function("init.nap_once_more", 200);
	assert_int_equal(flow_call(&flow, "f", "30000")->code, FAAS_ETIMEOUT);
	flow_await_idle(&flow, 1, 0);
	assert_true(flow_says(flow_call(&flow, "f", ""), "3"));
}

static void *nap_half(void *data)
{
	struct faas_result *result = NULL;

	faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = "f", .payload = { "600", 3 }), &result,
			 NULL);
	assert_non_null(result);
	assert_true(result->code == FAAS_OK || result->code == FAAS_ECANCELED);
	faas_free(result);
	return data;
}

static pthread_t begin_late(void)
{
	pthread_t thread;

	function("init.nap_slow", 1000);
	flow_call(&flow, "f", "0");
	assert_int_equal(pthread_create(&thread, NULL, nap_half, NULL), 0);
	await_cold_starts(2); /* the heir is in its init, for a quarter of a second */
	return thread;
}

TEST(a_recycle_ends_an_heir_that_is_being_born)
{
	pthread_t thread = begin_late();

	assert_int_equal(faas_recycle(flow.rt, "f", NULL), 0);
	pthread_join(thread, NULL);
	flow_await_idle(&flow, 0, 0);
	assert_true(flow_says(flow_call(&flow, "f", "0"), WARM));
}

TEST(a_function_can_be_deleted_while_its_heir_is_being_born)
{
	pthread_t thread = begin_late();

	assert_int_equal(faas_function_delete(flow.rt, "f", NULL), 0);
	pthread_join(thread, NULL);
}

/* close_it() would hang if anything of them stayed. */
TEST(a_runtime_can_be_closed_while_an_heir_is_being_born)
{
	pthread_t thread = begin_late();

	flow_close(&flow);
	pthread_join(thread, NULL);
	flow_open(&flow, NULL, false);
}

#define HEIR(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HEIR(after_a_timeout_the_heir_is_warm),
		HEIR(the_next_event_waits_for_the_init_of_the_heir),
		HEIR(who_waits_on_a_thread_of_its_own_waits_for_the_init_of_the_heir),
		HEIR(of_many_events_one_waits_for_the_heir),
		HEIR(who_waits_for_the_init_of_the_heir_can_be_called_off),
		HEIR(the_next_event_finds_tmp_before_the_process_is_gone),
		HEIR(an_heir_whose_init_fails_leaves_tmp_to_the_next),
		HEIR(an_heir_whose_init_fails_unseen_leaves_tmp_to_the_next),
		HEIR(an_heir_that_crashes_in_its_init_harms_nobody),
		HEIR(a_recycle_ends_an_heir_that_is_being_born),
		HEIR(a_function_can_be_deleted_while_its_heir_is_being_born),
		HEIR(a_runtime_can_be_closed_while_an_heir_is_being_born),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
