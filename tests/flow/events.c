/* SPDX-License-Identifier: MIT */
/* Asynchronous events in memory: accepted, retried, throttled, dropped; on a virtual clock. */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/flow.h"
#include "support/stores.h"

static struct flow flow;
static _Atomic bool blocked;
static _Atomic int attempts, failures_left;
static char first_id[40], last_id[40];

static int handler(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	memcpy(attempts ? last_id : first_id, ctx->request_id, 37);
	attempts++;
	if (failures_left > 0) {
		failures_left--;
		return faas_fail(ctx, "Test.Failed", "as planned");
	}
	return faas_puts(ctx, "\"done\"");
}

static int open_it(void **state)
{
	(void)state;
	attempts = failures_left = 0;
	flow_open(&flow, &(struct faas_config){ .max_concurrency = 2 }, true);
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .native = handler });
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	blocked = false; /* a thread cannot be killed: it must come back by itself */
	flow_close(&flow);
	return 0;
}

static void tick(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static void await_attempts(int n)
{
	for (int i = 0; attempts < n && i < 10000; i++)
		tick();
	assert_int_equal(attempts, n);
}

/* The n-th attempt has ended, and the loop has decided what comes next. */
static void await_settled(int n)
{
	await_attempts(n);
	flow_await_idle(&flow, 1, 0);
}

static int queued(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	faas_stats(flow.rt, &stats);
	return stats.queued;
}

static void await_queued(int n)
{
	for (int i = 0; queued() != n && i < 10000; i++)
		tick();
	assert_int_equal(queued(), n);
}

static void on_accepted(void *data, const struct faas_result *result)
{
	assert_int_equal(result->code, FAAS_OK);
	assert_int_equal(strlen(result->request_id), 36);
	*(_Atomic int *)data += 1;
}

static void send(const char *function)
{
	_Atomic int accepted = 0;

	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = function, .mode = FAAS_EVENT,
						  .payload = { "{}", 2 }, .on_done = on_accepted,
						  .data = &accepted),
				     NULL, NULL),
			 0);
	for (int i = 0; !accepted && i < 10000; i++)
		tick();
	assert_int_equal(accepted, 1);
}

TEST(an_accepted_event_runs_once_and_leaves_the_queue)
{
	send("f");
	await_attempts(1);
	await_queued(0);
	flow_advance(&flow, 3600000);
	assert_int_equal(attempts, 1);
	assert_true(flow_metric(&flow, "AsyncEventsReceived") == 1);
	assert_true(flow_metric(&flow, "AsyncEventsDropped") == 0);
}

TEST(a_failed_event_comes_again_after_one_and_two_minutes_with_the_same_id)
{
	failures_left = 5;
	send("f");
	await_settled(1);
	assert_int_equal(queued(), 1);
	flow_advance(&flow, 59000);
	assert_int_equal(attempts, 1);
	flow_advance(&flow, 1000);
	await_settled(2);
	assert_string_equal(first_id, last_id);
	flow_advance(&flow, 119000);
	assert_int_equal(attempts, 2);
	flow_advance(&flow, 1000);
	await_attempts(3);
	await_queued(0);
	assert_true(flow_metric(&flow, "AsyncEventsDropped") == 1);
}

TEST(retries_can_be_switched_off)
{
	assert_int_equal(faas_function_update(flow.rt,
					      FAAS_FUNCTION(.name = "f", .max_retries = FAAS_NONE),
					      NULL),
			 0);
	failures_left = 5;
	send("f");
	await_attempts(1);
	await_queued(0);
}

TEST(an_event_that_would_be_too_old_at_its_next_turn_is_dropped_now)
{
	assert_int_equal(faas_function_update(flow.rt, FAAS_FUNCTION(.name = "f", .max_age_s = 90),
					      NULL),
			 0);
	failures_left = 5;
	send("f");
	await_settled(1);
	assert_int_equal(queued(), 1);
	flow_advance(&flow, 60000);
	await_attempts(2);
	await_queued(0); /* two more minutes would be too late */
}

static _Atomic int inside;

static int block(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	inside++;
	while (blocked)
		tick();
	inside--;
	return faas_puts(ctx, "");
}

static void await_inside(int n)
{
	for (int i = 0; inside < n && i < 10000; i++)
		tick();
	assert_int_equal(inside, n);
}

TEST(an_event_without_a_place_waits_and_uses_up_no_attempt)
{
	blocked = true;
	flow_function(&flow, &(struct faas_function_config){ .name = "b",
							     .native = block,
							     .timeout_ms = 900000 });
	send("b");
	send("b");
	await_inside(2); /* until then time would pass in their init */
	send("f");
	await_queued(3);
	for (int i = 0; i < 8; i++)
		flow_advance(&flow, 60000);
	assert_int_equal(attempts, 0);
	blocked = false;
	await_attempts(1); /* at once */
	await_queued(0);
}

static _Atomic int running, most, ended;

static int take_a_place(struct faas_context *ctx, struct faas_bytes event)
{
	int now = ++running, seen = most;

	(void)event;
	while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
		;
	nanosleep(&(struct timespec){ 0, 200000 }, NULL);
	running--;
	ended++;
	return faas_puts(ctx, "");
}

/* 1.4: code that is current when it is taken from the queue. */
TEST(an_event_that_waits_is_run_by_what_its_function_became_meanwhile)
{
	failures_left = 1;
	send("f");
	await_settled(1);
	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "f", .native = take_a_place), NULL),
			 0);
	ended = 0;
	for (int i = 0; !ended && i < 10000; i++)
		flow_pass(&flow, 60000);
	assert_int_equal(ended, 1);
	assert_int_equal(attempts, 1);
	await_queued(0);
}

#define BACKLOG 300

/* The account is for two; events in a state_dir wait for a place. */
static void expect_a_backlog_to_end(const char *folder)
{
	static const char *const names[] = { "x", "y", "z" };

	flow_close(&flow);
	flow_open(&flow, FAAS_CONFIG(.max_concurrency = 2, .state_dir = folder), true);
	running = most = ended = 0;
	for (int i = 0; i < 3; i++)
		flow_function(&flow, FAAS_FUNCTION(.name = names[i], .native = take_a_place,
						   .timeout_ms = 900000));
	for (int i = 0; i < BACKLOG; i++)
		send(names[i % 3]);
	for (int i = 0; ended < BACKLOG && i < 20000; i++)
		flow_pass(&flow, 100);
	await_queued(0);
	assert_int_equal(ended, BACKLOG);
	assert_in_range(most, 1, 2);
}

TEST(a_backlog_runs_to_its_end_and_never_more_at_once_than_the_account_allows)
{
	char folder[64];

	stores_folder(folder);
	expect_a_backlog_to_end(folder);
	stores_remove(folder);
}

TEST(a_backlog_in_memory_does_so_too)
{
	expect_a_backlog_to_end(NULL);
}

static _Atomic int by_old, by_new;

static int count_old(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	by_old++;
	return faas_puts(ctx, "");
}

static int count_new(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	by_new++;
	return faas_puts(ctx, "");
}

/* An event of another function holds the only place, and all these wait behind it. */
static void make_a_backlog(const char *folder, const char *called)
{
	flow_close(&flow);
	flow_open(&flow, FAAS_CONFIG(.max_concurrency = 1, .state_dir = folder), true);
	flow_function(&flow, FAAS_FUNCTION(.name = "b", .native = block, .timeout_ms = 900000));
	flow_function(&flow, FAAS_FUNCTION(.name = "x", .native = count_old));
	assert_int_equal(faas_version_publish(flow.rt, "x", NULL, NULL, NULL), 0);
	assert_int_equal(faas_alias_set(flow.rt, "x", "live", 1, 0, 0, NULL), 0);
	blocked = true;
	by_old = by_new = 0;
	send("b");
	await_inside(1);
	for (int i = 0; i < BACKLOG; i++)
		send(called);
}

/* Without passing time: whoever comes again later does not come at all. */
static void expect_at_once(int old, int new)
{
	blocked = false;
	for (int i = 0; by_old + by_new < BACKLOG && i < 10000; i++)
		tick();
	await_queued(0);
	assert_int_equal(by_old, old);
	assert_int_equal(by_new, new);
}

static void become_new(void)
{
	assert_int_equal(faas_function_update(
				 flow.rt, FAAS_FUNCTION(.name = "x", .native = count_new), NULL),
			 0);
}

TEST(no_event_of_a_backlog_in_memory_is_sent_away_to_come_again)
{
	make_a_backlog(NULL, "x");
	expect_at_once(BACKLOG, 0);
}

TEST(a_backlog_is_run_by_what_its_function_became_meanwhile)
{
	char folder[64];

	make_a_backlog(NULL, "x");
	become_new();
	expect_at_once(0, BACKLOG);
	stores_folder(folder);
	make_a_backlog(folder, "x");
	become_new();
	blocked = false;
	for (int i = 0; by_new < BACKLOG && i < 20000; i++)
		flow_pass(&flow, 100);
	await_queued(0);
	assert_int_equal(by_old, 0);
	flow_close(&flow);
	stores_remove(folder);
	flow_open(&flow, NULL, true);
}

TEST(a_backlog_of_an_alias_follows_it_and_that_of_a_number_stays)
{
	make_a_backlog(NULL, "x:live");
	become_new();
	assert_int_equal(faas_version_publish(flow.rt, "x", NULL, NULL, NULL), 0);
	assert_int_equal(faas_alias_set(flow.rt, "x", "live", 2, 0, 0, NULL), 0);
	expect_at_once(0, BACKLOG);
	make_a_backlog(NULL, "x:1");
	become_new();
	expect_at_once(BACKLOG, 0);
}

TEST(an_event_over_a_megabyte_is_refused)
{
	char *payload = calloc(1, 1048577);
	struct faas_error err;

	assert_int_equal(faas_invoke(flow.rt,
				     FAAS_REQUEST(.function = "f", .mode = FAAS_EVENT,
						  .payload = { payload, 1048577 }),
				     NULL, &err),
			 FAAS_ETOOLARGE);
	assert_string_equal(err.message,
			    "Request must be smaller than 1048576 bytes for the InvokeFunction "
			    "operation");
	free(payload);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
	const struct CMUnitTest tests[] = {
		CASE(an_accepted_event_runs_once_and_leaves_the_queue),
		CASE(a_failed_event_comes_again_after_one_and_two_minutes_with_the_same_id),
		CASE(retries_can_be_switched_off),
		CASE(an_event_that_would_be_too_old_at_its_next_turn_is_dropped_now),
		CASE(an_event_without_a_place_waits_and_uses_up_no_attempt),
		CASE(an_event_that_waits_is_run_by_what_its_function_became_meanwhile),
		CASE(a_backlog_runs_to_its_end_and_never_more_at_once_than_the_account_allows),
		CASE(a_backlog_in_memory_does_so_too),
		CASE(no_event_of_a_backlog_in_memory_is_sent_away_to_come_again),
		CASE(a_backlog_is_run_by_what_its_function_became_meanwhile),
		CASE(a_backlog_of_an_alias_follows_it_and_that_of_a_number_stays),
		CASE(an_event_over_a_megabyte_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
