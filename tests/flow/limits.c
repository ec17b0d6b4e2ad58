/* SPDX-License-Identifier: MIT */
/* Limits of concurrency: the account's, what functions reserve of it, and changes of both. */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */

#include "support/test.h"

#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include "support/control.h"

#include <runtime.h>

#define INVALID "InvalidParameterValueException"
#define SHARED "ConcurrentInvocationLimitExceeded"
#define RESERVED "ReservedFunctionConcurrentInvocationLimitExceeded"

static sem_t go;             /* lets one handler return */
static _Atomic int began;    /* handlers */
static _Atomic int answered; /* callbacks: results, and of the rest */
static _Atomic int throttled;
static char last_reason[64];

static int handler(struct faas_context *ctx, struct faas_bytes event)
{
	began++;
	if (event.len)
		sem_wait(&go);
	return faas_puts(ctx, "done");
}

static void add(const char *name, int max_concurrency)
{
	flow_function(&flow, &(struct faas_function_config){ .name = name,
							     .native = handler,
							     .timeout_ms = 900000,
							     .max_concurrency = max_concurrency });
}

static int open_it(void **state)
{
	(void)state;
	began = answered = throttled = 0;
	last_reason[0] = '\0';
	memset(&err, 0, sizeof(err));
	sem_init(&go, 0, 0);
	flow_open(&flow, FAAS_CONFIG(.max_concurrency = 10), true);
	return 0;
}

static int close_it(void **state)
{
	for (int i = 0; i < 100; i++) /* a thread cannot be killed: it must come back by itself */
		sem_post(&go);
	control_close(state);
	sem_destroy(&go);
	return 0;
}

static void on_done(void *data, const struct faas_result *result)
{
	(void)data;
	if (result->code == FAAS_ETHROTTLED) {
		strncpy(last_reason, result->reason, sizeof(last_reason) - 1);
		throttled++;
	} else {
		answered++;
	}
}

/* An event that runs until it is let go. */
static void start(const char *function, int wait_ms)
{
	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = function, .payload = { "x", 1 },
						  .capacity_wait_ms = wait_ms, .on_done = on_done),
				     NULL, NULL),
			 0);
}

static void start_many(const char *function, int n)
{
	while (n--)
		start(function, 0);
}

static void let_go(int n)
{
	while (n--)
		sem_post(&go);
}

static void await(_Atomic int *counter, int n)
{
	for (int ms = 0; *counter < n && ms < 10000; ms++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_int_equal(*counter, n);
}

/* By both ways in. */
static void is_throttled(const char *function, const char *reason)
{
	struct faas_result *result = NULL;
	int before = throttled;

	assert_int_equal(faas_invoke_wait(flow.rt, FAAS_REQUEST(.function = function), &result,
					  &err),
			 FAAS_ETHROTTLED);
	assert_non_null(strstr(err.message, reason));
	start(function, 0);
	await(&throttled, before + 1);
	assert_string_equal(last_reason, reason);
}

static void runs(const char *function)
{
	assert_true(flow_says(flow_call(&flow, function, ""), "done"));
}

static void send_event(const char *payload)
{
	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = "f", .mode = FAAS_EVENT,
						  .payload = { payload, strlen(payload) },
						  .on_done = on_done),
				     NULL, &err),
			 0);
}

static void put(const char *function, int reserved)
{
	char request[128];

	snprintf(request, sizeof(request),
		 "{\"FunctionName\":\"%s\",\"ReservedConcurrentExecutions\":%d}", function,
		 reserved);
	perform("PutFunctionConcurrency", request);
}

static void unreserved_is(const char *number)
{
	char text[64];

	snprintf(text, sizeof(text), "\"UnreservedConcurrentExecutions\":%s,", number);
	perform("GetAccountSettings", "{}");
	has(text);
}

/* ---- what is reserved ------------------------------------------------- */

TEST(what_a_function_reserves_is_taken_out_of_what_the_others_share)
{
	add("f", 6);
	add("g", 0);
	unreserved_is("4");
	start_many("g", 4);
	await(&began, 4);
	is_throttled("g", SHARED);
	start_many("f", 6);
	await(&began, 10);
	is_throttled("f", RESERVED);
	let_go(10);
	await(&answered, 10);
	runs("f");
	runs("g");
}

TEST(a_reservation_is_put_shown_and_deleted)
{
	add("f", 0);
	assert_string_equal(perform("GetFunctionConcurrency", "{\"FunctionName\":\"f\"}"), "{}");
	put("f", 3);
	assert_string_equal(reply, "{\"ReservedConcurrentExecutions\":3}");
	assert_string_equal(perform("GetFunctionConcurrency", "{\"FunctionName\":\"f\"}"),
			    "{\"ReservedConcurrentExecutions\":3}");
	perform("GetFunction", "{\"FunctionName\":\"f\"}");
	has("\"Concurrency\":{\"ReservedConcurrentExecutions\":3}");
	unreserved_is("7");
	assert_string_equal(perform("DeleteFunctionConcurrency", "{\"FunctionName\":\"f\"}"), "{}");
	assert_string_equal(perform("GetFunctionConcurrency", "{\"FunctionName\":\"f\"}"), "{}");
	unreserved_is("10");
}

TEST(a_reservation_ends_with_its_function)
{
	add("f", 5);
	start_many("f", 1);
	await(&began, 1);
	unreserved_is("5");
	assert_int_equal(faas_function_delete(flow.rt, "f", &err), 0);
	unreserved_is("10");
	let_go(1);
	await(&answered, 1);
	add("f", 9);
	unreserved_is("1");
}

TEST(a_function_that_is_refused_reserves_nothing)
{
	add("f", 2);
	assert_int_equal(faas_function_create(flow.rt,
					      FAAS_FUNCTION(.name = "f", .native = handler,
							    .max_concurrency = 3),
					      &err),
			 FAAS_EEXIST);
	unreserved_is("8");
	assert_int_equal(faas_function_create(flow.rt,
					      FAAS_FUNCTION(.name = "g", .native = handler,
							    .max_concurrency = 3,
							    .on_failure = "nowhere"),
					      &err),
			 FAAS_EINVAL);
	unreserved_is("8");
}

TEST(some_must_be_left_for_functions_that_reserve_nothing)
{
	add("f", 0);
	put("f", 9);
	refused("PutFunctionConcurrency",
		"{\"FunctionName\":\"f\",\"ReservedConcurrentExecutions\":10}", INVALID,
		"Specified ReservedConcurrentExecutions for function decreases account's "
		"UnreservedConcurrentExecution below its minimum value of [1].");
	assert_string_equal(perform("GetFunctionConcurrency", "{\"FunctionName\":\"f\"}"),
			    "{\"ReservedConcurrentExecutions\":9}");
	assert_int_equal(faas_function_create(flow.rt,
					      FAAS_FUNCTION(.name = "g", .native = handler,
							    .max_concurrency = 1),
					      &err),
			 FAAS_EINVAL);
	put("f", 8);
	add("g", 1);
}

TEST(only_a_function_as_a_whole_reserves)
{
	add("f", 0);
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	refused("PutFunctionConcurrency",
		"{\"FunctionName\":\"f:1\",\"ReservedConcurrentExecutions\":1}", INVALID,
		"This operation is permitted on Lambda functions only. Aliases and versions do "
		"not support this operation. Please specify either a function name or an "
		"unqualified function ARN.");
	assert_int_equal(faas_function_reserve(flow.rt, "g", 1, &err), FAAS_ENOTFOUND);
	assert_int_equal(faas_function_reserve(flow.rt, "f", -2, &err), FAAS_EINVAL);
	assert_int_equal(faas_function_reserve(NULL, "f", 1, &err), FAAS_EINVAL);
}

/* ---- changes while functions run --------------------------------------- */

TEST(a_changed_limit_reaches_the_versions_that_were_published_before)
{
	add("f", 5);
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "f", .max_concurrency = 1), &err),
			 0);
	start("f", 0);
	await(&began, 1);
	is_throttled("f:1", RESERVED);
	put("f", 2);
	start("f:1", 0);
	await(&began, 2);
	is_throttled("f", RESERVED);
	let_go(2);
	await(&answered, 2);
}

TEST(an_update_of_something_else_leaves_the_reservation_as_it_was_changed)
{
	struct faas_function_info *info;

	add("f", 2);
	put("f", 3);
	perform("UpdateFunctionConfiguration", "{\"FunctionName\":\"f\",\"Timeout\":9}");
	assert_string_equal(perform("GetFunctionConcurrency", "{\"FunctionName\":\"f\"}"),
			    "{\"ReservedConcurrentExecutions\":3}");
	assert_int_equal(faas_function_get(flow.rt, "f", &info, &err), 0);
	assert_int_equal(info->max_concurrency, 3);
	faas_free(info);
	assert_int_equal(faas_function_reserve(flow.rt, "f", 0, &err), 0);
	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "f", .memory_mb = 256), &err),
			 0);
	unreserved_is("10");
}

TEST(who_waits_for_capacity_begins_when_the_limit_is_raised)
{
	add("f", 1);
	start("f", 0);
	await(&began, 1);
	start("f", 60000);
	start("f", 60000);
	put("f", 3);
	await(&began, 3);
	let_go(3);
	await(&answered, 3);
}

TEST(what_runs_goes_on_when_the_limit_is_lowered_and_nothing_begins)
{
	add("f", 3);
	start_many("f", 3);
	await(&began, 3);
	start("f", 60000);
	put("f", 1);
	let_go(2);
	await(&answered, 2);
	assert_int_equal(faas_function_reserve(flow.rt, "f", 1, &err), 0); /* all try again */
	flow_await_idle(&flow, 2, 1);
	assert_int_equal(began, 3);
	is_throttled("f", RESERVED);
	let_go(2);
	await(&answered, 4);
	assert_int_equal(began, 4);
}

TEST(what_began_before_a_reservation_does_not_hold_a_place_of_it)
{
	add("f", 0);
	add("g", 0);
	start_many("f", 2);
	await(&began, 2);
	put("f", 3);
	start_many("f", 1);
	await(&began, 3);
	is_throttled("f", RESERVED); /* all that run count */
	let_go(3);
	await(&answered, 3);
	start_many("g", 7); /* and none of them is left where it entered */
	await(&began, 10);
	is_throttled("g", SHARED);
	let_go(7);
	await(&answered, 10);
}

/* ---- what is provisioned ------------------------------------------------ */

static void provision(const char *function, int n)
{
	struct faas_function_info *info;
	bool ready = false;

	assert_int_equal(faas_version_provision(flow.rt, function, n, &err), 0);
	for (int ms = 0; !ready && ms < 10000; ms++) {
		assert_int_equal(faas_function_get(flow.rt, function, &info, &err), 0);
		ready = info->provisioned_available == n;
		faas_free(info);
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
	assert_true(ready);
}

TEST(more_events_than_are_provisioned_spill_over_into_what_is_reserved)
{
	add("f", 3);
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	provision("f:1", 2);
	unreserved_is("7");
	start("f", 0);
	await(&began, 1);
	is_throttled("f", RESERVED); /* the rest is provisioned, and not for $LATEST */
	start_many("f:1", 2);
	await(&began, 3);
	is_throttled("f:1", RESERVED);
	let_go(3);
	await(&answered, 3);
	start_many("f:1", 3);
	await(&began, 6);
	is_throttled("f:1", RESERVED);
	is_throttled("f", RESERVED);
	let_go(3);
	await(&answered, 6);
	assert_true(flow_metric(&flow, "ProvisionedConcurrencySpilloverInvocations") == 1);
	assert_true(flow_metric(&flow, "ProvisionedConcurrencyInvocations") == 4);
}

TEST(what_is_provisioned_without_a_reservation_is_taken_from_all)
{
	add("f", 0);
	add("g", 0);
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	provision("f:1", 2);
	unreserved_is("8");
	start_many("g", 8);
	await(&began, 8);
	is_throttled("f", SHARED);
	start_many("f:1", 2);
	await(&began, 10);
	is_throttled("f:1", SHARED);
	let_go(10);
	await(&answered, 10);
	provision("f:1", 0);
	unreserved_is("10");
}

TEST(what_is_provisioned_and_what_is_reserved_must_fit)
{
	add("f", 2);
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	refused("PutProvisionedConcurrencyConfig",
		"{\"FunctionName\":\"f:1\",\"Qualifier\":\"1\","
		"\"ProvisionedConcurrentExecutions\":3}",
		INVALID,
		"Requested Provisioned Concurrency should not be greater than the "
		"reservedConcurrentExecution for function");
	provision("f:1", 2);
	refused("PutFunctionConcurrency",
		"{\"FunctionName\":\"f\",\"ReservedConcurrentExecutions\":1}", INVALID,
		" ReservedConcurrentExecutions  1 should not be lower than function's total "
		"provisioned concurrency [2].");
	is_throttled("f", RESERVED);
	runs("f:1");
}

/* ---- rates -------------------------------------------------------------- */

static void reopen(const struct faas_config *config)
{
	flow_close(&flow);
	flow_open(&flow, config, true);
}

TEST(a_function_gets_so_many_new_environments_in_ten_seconds_and_no_more)
{
	reopen(FAAS_CONFIG(.max_concurrency = 100, .max_new_per_10s = 2));
	add("f", 0);
	add("g", 5);
	start_many("f", 2);
	await(&began, 2);
	is_throttled("f", SHARED);
	start_many("g", 2); /* each function has its own */
	await(&began, 4);
	is_throttled("g", RESERVED);
	flow_advance(&flow, 5000); /* refilled continuously */
	start("f", 0);
	await(&began, 5);
	is_throttled("f", SHARED);
	let_go(5);
	await(&answered, 5);
	flow_await_idle(&flow, 5, 0);
	start_many("f", 3); /* what is there is no new one */
	await(&began, 8);
	flow_advance(&flow, 60000); /* what was not used does not add up */
	start_many("f", 2);
	await(&began, 10);
	is_throttled("f", SHARED);
	let_go(5);
	await(&answered, 10);
}

TEST(who_waits_begins_when_there_may_be_another_environment)
{
	reopen(FAAS_CONFIG(.max_concurrency = 100, .max_new_per_10s = 2));
	add("f", 0);
	start_many("f", 2);
	await(&began, 2);
	start("f", 60000);
	flow_advance(&flow, 4000);
	assert_int_equal(began, 2);
	flow_advance(&flow, 1000);
	await(&began, 3);
	let_go(3);
	await(&answered, 3);
}

TEST(the_rate_of_scaling_need_not_be_limited)
{
	reopen(FAAS_CONFIG(.max_concurrency = 1200, .max_new_per_10s = FAAS_NONE,
			   .max_memory_mb = 1 << 20));
	assert_int_equal(flow.rt->account.new_per_10s, 0);
	reopen(NULL);
	assert_int_equal(flow.rt->account.new_per_10s, 1000);
	assert_null(faas_create(FAAS_CONFIG(.max_new_per_10s = -2), &err));
	assert_int_equal(err.code, FAAS_EINVAL);
	assert_null(faas_create(FAAS_CONFIG(.max_requests_per_s = -1), &err));
	assert_int_equal(err.code, FAAS_EINVAL);
	assert_null(faas_create(FAAS_CONFIG(.min_unreserved = -2), &err));
	assert_int_equal(err.code, FAAS_EINVAL);
}

TEST(ten_times_its_concurrency_is_what_a_function_runs_in_a_second)
{
	reopen(FAAS_CONFIG(.max_concurrency = 3, .max_requests_per_s = 10));
	add("f", 1);
	add("g", 0);
	for (int i = 0; i < 10; i++)
		runs("f");
	is_throttled("f", "ReservedFunctionInvocationRateLimitExceeded");
	for (int i = 0; i < 20; i++) /* by either way in, and counted once */
		assert_true(flow_says(i % 2 ? flow_call(&flow, "g", "") :
					      flow_call_async(&flow, "g", ""),
				      "done"));
	is_throttled("g", "FunctionInvocationRateLimitExceeded");
	flow_advance(&flow, 100);
	runs("f");
	is_throttled("f", "ReservedFunctionInvocationRateLimitExceeded");
	flow_advance(&flow, 3600000);
	for (int i = 0; i < 10; i++)
		runs("f");
	is_throttled("f", "ReservedFunctionInvocationRateLimitExceeded");
}

TEST(one_that_waits_for_capacity_is_counted_once)
{
	struct faas_result *result = NULL;

	reopen(FAAS_CONFIG(.max_concurrency = 10, .max_requests_per_s = 2));
	add("f", 1);
	start("f", 0);
	await(&began, 1);
	let_go(1);
	assert_int_equal(faas_invoke_wait(flow.rt,
					  FAAS_REQUEST(.function = "f",
						       .capacity_wait_ms = 60000),
					  &result, &err),
			 0);
	faas_free(result);
	await(&answered, 1);
	is_throttled("f", "ReservedFunctionInvocationRateLimitExceeded");
}

TEST(asynchronous_events_have_no_rate)
{
	reopen(FAAS_CONFIG(.max_concurrency = 10, .max_requests_per_s = 1));
	add("f", 1);
	runs("f");
	is_throttled("f", "ReservedFunctionInvocationRateLimitExceeded");
	send_event("");
	await(&began, 2);
}

TEST(what_is_provisioned_has_its_own_rate_before_what_is_reserved)
{
	reopen(FAAS_CONFIG(.max_concurrency = 10, .max_requests_per_s = 2));
	add("f", 2);
	perform("PublishVersion", "{\"FunctionName\":\"f\"}");
	provision("f:1", 1);
	for (int i = 0; i < 4; i++)
		runs("f:1");
	is_throttled("f:1", "ReservedFunctionInvocationRateLimitExceeded");
	is_throttled("f", "ReservedFunctionInvocationRateLimitExceeded");
}

/* ---- switched off ------------------------------------------------------ */

TEST(a_function_that_is_switched_off_runs_nothing)
{
	add("f", FAAS_NONE);
	is_throttled("f", RESERVED);
	assert_string_equal(perform("GetFunctionConcurrency", "{\"FunctionName\":\"f\"}"),
			    "{\"ReservedConcurrentExecutions\":0}");
	assert_int_equal(faas_function_reserve(flow.rt, "f", 0, &err), 0);
	runs("f");
	assert_int_equal(faas_function_reserve(flow.rt, "f", FAAS_NONE, &err), 0);
	is_throttled("f", RESERVED);
	assert_int_equal(began, 1);
}

static int queued(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	faas_stats(flow.rt, &stats);
	return stats.queued;
}

static void await_empty_queue(void)
{
	for (int ms = 0; queued() && ms < 10000; ms++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_int_equal(queued(), 0);
}

TEST(an_event_of_a_function_that_is_switched_off_is_dropped_without_an_attempt)
{
	add("f", FAAS_NONE);
	send_event("");
	await(&answered, 1); /* it was accepted */
	await_empty_queue();
	assert_int_equal(began, 0);
	/* told a little later than it is counted no more */
	for (int ms = 0; flow_metric(&flow, "AsyncEventsDropped") < 1 && ms < 10000; ms++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_true(flow_metric(&flow, "AsyncEventsDropped") == 1);
	assert_true(flow_metric(&flow, "Throttles") == 0);
}

TEST(an_event_that_waits_is_dropped_when_its_function_is_off)
{
	add("f", 1);
	start("f", 0);
	await(&began, 1);
	send_event("");
	for (int ms = 0; queued() < 1 && ms < 10000; ms++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	put("f", 0);
	await_empty_queue();
	let_go(1);
	await(&answered, 2);
	assert_int_equal(began, 1);
}

/* ---- what is told ------------------------------------------------------ */

TEST(the_metrics_tell_of_the_function_and_of_the_account)
{
	add("f", 4);
	add("g", 0);
	start_many("g", 1);
	start_many("f", 1);
	await(&began, 2);
	runs("f"); /* counted as the second of f, with one of g beside it */
	for (int ms = 0; flow_metric(&flow, "ConcurrentExecutions") < 2 && ms < 10000; ms++)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	assert_true(flow_metric(&flow, "ConcurrentExecutions") == 2);
	assert_true(flow_metric(&flow, "UnreservedConcurrentExecutions") == 1);
	assert_true(flow_metric(&flow, "ClaimedAccountConcurrency") == 5);
	let_go(2);
	await(&answered, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
		CASE(what_a_function_reserves_is_taken_out_of_what_the_others_share),
		CASE(a_reservation_is_put_shown_and_deleted),
		CASE(a_reservation_ends_with_its_function),
		CASE(a_function_that_is_refused_reserves_nothing),
		CASE(some_must_be_left_for_functions_that_reserve_nothing),
		CASE(only_a_function_as_a_whole_reserves),
		CASE(a_changed_limit_reaches_the_versions_that_were_published_before),
		CASE(an_update_of_something_else_leaves_the_reservation_as_it_was_changed),
		CASE(who_waits_for_capacity_begins_when_the_limit_is_raised),
		CASE(what_runs_goes_on_when_the_limit_is_lowered_and_nothing_begins),
		CASE(what_began_before_a_reservation_does_not_hold_a_place_of_it),
		CASE(more_events_than_are_provisioned_spill_over_into_what_is_reserved),
		CASE(what_is_provisioned_without_a_reservation_is_taken_from_all),
		CASE(what_is_provisioned_and_what_is_reserved_must_fit),
		CASE(a_function_gets_so_many_new_environments_in_ten_seconds_and_no_more),
		CASE(who_waits_begins_when_there_may_be_another_environment),
		CASE(the_rate_of_scaling_need_not_be_limited),
		CASE(ten_times_its_concurrency_is_what_a_function_runs_in_a_second),
		CASE(one_that_waits_for_capacity_is_counted_once),
		CASE(asynchronous_events_have_no_rate),
		CASE(what_is_provisioned_has_its_own_rate_before_what_is_reserved),
		CASE(a_function_that_is_switched_off_runs_nothing),
		CASE(an_event_of_a_function_that_is_switched_off_is_dropped_without_an_attempt),
		CASE(an_event_that_waits_is_dropped_when_its_function_is_off),
		CASE(the_metrics_tell_of_the_function_and_of_the_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
