/* SPDX-License-Identifier: MIT */
/*
 * A busy program is killed again and again while it accepts, runs and ends events, on a
 * real disk. At the end every event that it said was accepted has run, and every one that
 * died is one dead letter. FAAS_KILLS says how often: see tests/crash.
 */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/flow.h"
#include "support/kills.h"
#include "support/stores.h"

#define EVENTS 1000000
#define AHEAD 64        /* not answered yet */
#define ACCEPTED 200    /* by each program, before its time comes */
#define DIES(n) ((n) % 7 == 0)

/* Of all programs that are killed. */
struct seen {
	_Atomic int next, accepted_count;
	_Atomic bool accepted[EVENTS];
	_Atomic unsigned char runs[EVENTS];
};

static struct flow flow;
static struct seen *seen;
static _Atomic int answered;

/* The event is its own number. */
static int handler(struct faas_context *ctx, struct faas_bytes event)
{
	int n = atoi((const char *)event.data);

	seen->runs[n]++;
	if (DIES(n))
		return faas_fail(ctx, "Test.Failed", "as planned");
	return faas_puts(ctx, "\"done\"");
}

static void open_runtime(void)
{
	flow_open(&flow, &(struct faas_config){ .state_dir = kills_folder, .max_concurrency = 2 },
		  false);
	flow_function(&flow, &(struct faas_function_config){ .name = "f",
							     .native = handler,
							     .max_retries = FAAS_NONE,
							     .dead_letter = "queue:dead" });
}

static void on_accepted(void *data, const struct faas_result *result)
{
	int n = (int)(intptr_t)data;

	answered++;
	if (result->code)
		return;
	seen->accepted[n] = true;
	seen->accepted_count++;
}

static void submit(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n) + 1;

	if (faas_invoke(flow.rt,
			FAAS_REQUEST(.function = "f", .mode = FAAS_EVENT,
				     .payload = { text, (size_t)len }, .on_done = on_accepted,
				     .data = (void *)(intptr_t)n),
			NULL, NULL))
		_exit(1);
}

static void be_killed(void)
{
	open_runtime();
	for (int sent = 0;; sent++) {
		while (sent - answered >= AHEAD)
			kills_tick();
		if (seen->next == EVENTS)
			_exit(2);
		submit(seen->next++);
	}
}

static int kills(void)
{
	return kills_setting("FAAS_KILLS", 3);
}

static struct faas_stats stats(void)
{
	struct faas_stats s = { .size = sizeof(s) };

	assert_int_equal(faas_stats(flow.rt, &s), 0);
	assert_int_equal(s.events_accepted,
			 s.events_succeeded + s.events_dead + s.events_expired +
				 (uint64_t)s.events_queued + (uint64_t)s.events_in_flight);
	assert_int_equal(s.messages_sent, s.messages_waiting);
	assert_int_equal(s.messages_sent, s.events_dead);
	return s;
}

static void await_end(void)
{
	for (int i = 0; stats().queued && i < 60000; i++)
		kills_tick();
	assert_int_equal(stats().queued, 0);
}

static bool count_letter(void *data, const struct faas_message *m)
{
	unsigned char *letters = data;

	letters[atoi(m->body.data)]++;
	return true;
}

static void check_events(const unsigned char *letters)
{
	int again = 0;

	for (int n = 0; n < seen->next; n++) {
		again += seen->runs[n] > 1;
		if (seen->accepted[n] && !seen->runs[n])
			fail_msg("event %d was lost", n);
		if (letters[n] > 1 || (letters[n] && !(DIES(n) && seen->runs[n])))
			fail_msg("event %d left %d letters", n, letters[n]);
		if (seen->accepted[n] && DIES(n) && !letters[n])
			fail_msg("event %d died untold", n);
	}
	print_message("# %d programs killed, %d events accepted, %d ran more than once\n", kills(),
		      seen->accepted_count, again);
}

TEST(nothing_that_was_accepted_is_lost_or_told_twice_by_programs_that_are_killed)
{
	unsigned char *letters = calloc(EVENTS, 1);
	uint64_t dead;

	for (int i = 0; i < kills(); i++)
		kills_one(be_killed, &seen->accepted_count, ACCEPTED, (unsigned)i * 37 % 60);
	open_runtime();
	await_end();
	assert_true((int)stats().events_accepted >= seen->accepted_count);
	assert_int_equal(faas_peek(flow.rt, "queue:dead", count_letter, letters, NULL), 0);
	check_events(letters);
	dead = stats().events_dead;
	flow_close(&flow);
	assert_int_equal(stores_rows(kills_folder, "event"), 0);
	assert_int_equal(stores_rows(kills_folder, "message"), dead);
	free(letters);
}

static int open_it(void **state)
{
	(void)state;
	seen = kills_begin(sizeof(*seen));
	return seen ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			nothing_that_was_accepted_is_lost_or_told_twice_by_programs_that_are_killed,
			open_it, kills_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
