/* SPDX-License-Identifier: MIT */
/*
 * Topics and buses in spite of kills: programs publish and put events, and are killed with
 * SIGKILL in the middle of it. What was accepted reached each of those who subscribed, at
 * least once; in queues, which are written by the same commit, once.
 *
 *   FAAS_KILLS     programs that are killed (3)
 *   FAAS_MESSAGES  messages (2000)
 */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/flow.h"
#include "support/kills.h"

#define MOST 100000

/* Of all programs that are killed. Every other message goes onto the bus. */
static struct seen {
	_Atomic int programs, next, accepted;
	_Atomic unsigned char sent[MOST], ran[MOST], called[MOST];
	unsigned char lay[MOST];
} * seen;

static struct flow flow;

static int messages(void)
{
	return kills_setting("FAAS_MESSAGES", 2000);
}

/* A message is "#N" wherever it stands in what is made of it. */
static int number_in(struct faas_bytes body)
{
	const char *at = memchr(body.data, '#', body.len);
	int n = at ? atoi(at + 1) : -1;

	return n >= 0 && n < MOST ? n : MOST - 1;
}

static int work(struct faas_context *ctx, struct faas_bytes event)
{
	seen->ran[number_in(event)]++;
	return faas_puts(ctx, "");
}

static bool on_message(void *data, const struct faas_message *m)
{
	(void)data;
	seen->called[number_in(m->body)]++;
	return true;
}

static void map(const char *source, const char *function, const char *target)
{
	struct faas_error err;
	int rc = faas_mapping_create(
		flow.rt,
		FAAS_MAPPING(.source = source, .function = function, .target = target,
			     .filter = !strcmp(source, "bus:b") ? "[{\"source\":[\"s\"]}]" : NULL),
		NULL, &err);

	if (rc && rc != FAAS_EEXIST)
		fail_msg("%s", err.message);
}

/* The mappings are made by the first program, and there in all others. */
static void open_runtime(void)
{
	flow_open(&flow,
		  &(struct faas_config){ .state_dir = kills_folder, .on_message = on_message },
		  false);
	flow_function(&flow, &(struct faas_function_config){ .name = "work", .native = work });
	if (seen->programs++)
		return;
	map("topic:t", "work", NULL);
	map("topic:t", NULL, "queue:q");
	map("topic:t", NULL, "callback:c");
	map("bus:b", "work", NULL);
	map("bus:b", NULL, "queue:q");
	map("bus:b", NULL, "callback:c");
}

static bool send_one(int n)
{
	char body[128];

	if (n % 2)
		snprintf(body, sizeof(body), "#%d", n);
	else
		snprintf(body, sizeof(body),
			 "{\"Source\":\"s\",\"DetailType\":\"t\",\"Detail\":{\"n\":\"#%d\"}}", n);
	seen->sent[n]++;
	return !faas_send(flow.rt, n % 2 ? "topic:t" : "bus:b",
			  (struct faas_bytes){ body, strlen(body) }, NULL);
}

/* One that was being sent when the program was killed is sent again: it may be there twice. */
static void send_all(int until)
{
	for (; seen->next < until; seen->next++) {
		if (!send_one(seen->next))
			fail_msg("message %d was refused", seen->next);
		seen->accepted++;
	}
}

static void be_killed(void)
{
	open_runtime();
	send_all(messages());
}

static bool count(void *data, const struct faas_message *m)
{
	(void)data;
	seen->lay[number_in(m->body)]++;
	return true;
}

/* But what lies in the queue. */
static void await_delivered(void)
{
	struct faas_queue_stats q = { .size = sizeof(q) };
	struct faas_stats s = { .size = sizeof(s) };

	for (int i = 0; i < 60000; i++) {
		faas_stats(flow.rt, &s);
		assert_int_equal(faas_queue_stats(flow.rt, "queue:q", &q, NULL), 0);
		if (s.messages_waiting == q.visible && !s.queued)
			break;
		kills_tick();
	}
	assert_int_equal(s.messages_waiting, q.visible);
	assert_int_equal(s.messages_sent, s.messages_delivered + s.messages_waiting);
	assert_int_equal(s.events_dead + s.events_expired, 0);
}

static void check_all(int kills)
{
	int twice = 0;

	for (int n = 0; n < messages(); n++) {
		if (!seen->ran[n] || !seen->called[n] || !seen->lay[n])
			fail_msg("message %d was lost: %d %d %d", n, seen->ran[n], seen->called[n],
				 seen->lay[n]);
		if (seen->lay[n] > seen->sent[n])
			fail_msg("message %d was sent %d times and lay there %d times", n,
				 seen->sent[n], seen->lay[n]);
		twice += seen->ran[n] > 1;
		twice += seen->called[n] > 1;
	}
	print_message("# %d programs killed, %d messages, %d deliveries made more than once\n",
		      kills, messages(), twice);
}

TEST(what_was_published_reaches_all_who_subscribed_in_spite_of_kills)
{
	int kills = kills_setting("FAAS_KILLS", 3);

	assert_true(messages() < MOST - 1);
	for (int i = 0; i < kills; i++) {
		int before = seen->accepted;

		kills_one(be_killed, &seen->accepted, 100 * (i + 1), 0);
		assert_true(seen->accepted > before);
	}
	open_runtime();
	send_all(messages());
	await_delivered();
	assert_int_equal(faas_peek(flow.rt, "queue:q", count, NULL, NULL), 0);
	flow_close(&flow);
	check_all(kills);
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
			what_was_published_reaches_all_who_subscribed_in_spite_of_kills, open_it,
			kills_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
