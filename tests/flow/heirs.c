/* SPDX-License-Identifier: MIT */
/*
 * An environment past half of its time gets an heir, initialised in the same
 * /tmp. What may happen to the heir, and to the late one, meanwhile.
 */
#include "support/test.h"

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

TEST(an_heir_that_crashes_in_its_init_harms_nobody)
{
	function("init.nap_first_only", 400);
	assert_true(flow_says(flow_call(&flow, "f", "350"), WARM));
	await_cold_starts(2);
	assert_true(flow_says(flow_call(&flow, "f", "0"), WARM));
	assert_true(flow_says(flow_call_async(&flow, "f", "350"), WARM));
	assert_true(flow_says(flow_call_async(&flow, "f", "0"), WARM));
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
		HEIR(an_heir_that_crashes_in_its_init_harms_nobody),
		HEIR(a_recycle_ends_an_heir_that_is_being_born),
		HEIR(a_function_can_be_deleted_while_its_heir_is_being_born),
		HEIR(a_runtime_can_be_closed_while_an_heir_is_being_born),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
