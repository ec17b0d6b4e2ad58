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

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/flow.h"
#include "support/stores.h"

#define MOST 100000

/* Of all programs that are killed. Every other message goes onto the bus. */
static struct seen {
	_Atomic int next, accepted;
	_Atomic unsigned char sent[MOST], ran[MOST], called[MOST];
	unsigned char lay[MOST];
} * seen;

static struct flow flow;
static char folder[64];

static int setting(const char *name, int otherwise)
{
	return getenv(name) ? atoi(getenv(name)) : otherwise;
}

static int messages(void)
{
	return setting("FAAS_MESSAGES", 2000);
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
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
static void open_runtime(bool first)
{
	flow_open(&flow, &(struct faas_config){ .state_dir = folder, .on_message = on_message },
		  false);
	flow_function(&flow, &(struct faas_function_config){ .name = "work", .native = work });
	if (!first)
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

static void kill_one(int k, bool first)
{
	int before = seen->accepted, status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		open_runtime(first);
		send_all(messages());
		for (;;)
			pause();
	}
	for (int i = 0; seen->accepted < before + 100 * (k + 1) && i < 10000; i++)
		pause_ms(1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(seen->accepted > before);
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

	for (int i = 0; i < 6000; i++) {
		faas_stats(flow.rt, &s);
		assert_int_equal(faas_queue_stats(flow.rt, "queue:q", &q, NULL), 0);
		if (s.messages_waiting == q.visible && !s.queued)
			break;
		pause_ms(10);
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
	int kills = setting("FAAS_KILLS", 3);

	assert_true(messages() < MOST - 1);
	for (int i = 0; i < kills; i++)
		kill_one(i, !i);
	open_runtime(!kills);
	send_all(messages());
	await_delivered();
	assert_int_equal(faas_peek(flow.rt, "queue:q", count, NULL, NULL), 0);
	flow_close(&flow);
	check_all(kills);
}

static int open_it(void **state)
{
	(void)state;
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	stores_folder(folder);
	return seen == MAP_FAILED ? -1 : 0;
}

static int close_it(void **state)
{
	(void)state;
	stores_remove(folder);
	return munmap(seen, sizeof(*seen));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_published_reaches_all_who_subscribed_in_spite_of_kills, open_it,
			close_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
