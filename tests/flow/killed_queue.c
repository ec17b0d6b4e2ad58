/* SPDX-License-Identifier: MIT */
/*
 * A program that sends to queues and works on what it takes from them is killed again and
 * again. At the end every message that was accepted was processed, or is a dead letter; in a
 * FIFO queue none was processed before those ahead of it in its group, and never two of a
 * group at once. FAAS_KILLS and FAAS_MESSAGES say how often and how many: see tests/crash.
 */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/flow.h"
#include "support/kills.h"

#define SENDERS 48      /* each has a group, and every third message goes to it */
#define MOST 1200000
#define DIES(n) ((n) % 1000 == 7)

/* Of all programs that are killed. */
struct seen {
	_Atomic int accepted, twice, out_of_order, at_once, batches;
	struct sender {
		_Atomic int next;       /* what it sends next */
		_Atomic int done;       /* of its group: processed in order up to here */
	} senders[SENDERS];
	_Atomic unsigned char sent[MOST]; /* once more where a program was killed */
	_Atomic unsigned char runs[MOST], letters[MOST];
};

static struct flow flow;
static struct seen *seen;
static _Atomic bool busy_groups[SENDERS];

static int share(void)
{
	return kills_setting("FAAS_MESSAGES", 20000) / SENDERS;
}

static bool is_ordered(int k)
{
	return k % 3 == 0;
}

/* ---- the work ------------------------------------------------------------ */

/* The k-th message of sender s is known by the number s * share() + k. */
static const char *next_number(const char *at, const char *end, int *n)
{
	at = memmem(at, (size_t)(end - at), "\"body\":\"", 8);
	if (at)
		*n = atoi(at + 8);
	return at ? at + 8 : NULL;
}

static int work(struct faas_context *ctx, struct faas_bytes event)
{
	const char *end = (const char *)event.data + event.len, *at = event.data, *id;
	char failures[1 << 14] = "{\"batchItemFailures\":[";
	bool any = false;
	int n;

	if (++seen->batches % 100 == 0)
		return faas_fail(ctx, "Test.Failed", "now and then");
	while ((at = next_number(at, end, &n))) {
		if (!DIES(n)) {
			seen->twice += seen->runs[n]++ > 0;
			continue;
		}
		for (id = at - 8; strncmp(id, "\"messageId\":\"", 13) != 0;)
			id--;
		snprintf(failures + strlen(failures), 128, "%s{\"itemIdentifier\":\"%.36s\"}",
			 any ? "," : "", id + 13);
		any = true;
	}
	return faas_puts(ctx, strcat(failures, "]}"));
}

static int work_in_order(struct faas_context *ctx, struct faas_bytes event)
{
	const char *end = (const char *)event.data + event.len, *at = event.data;
	bool mine[SENDERS] = { false };
	int n;

	if (++seen->batches % 100 == 0)
		return faas_fail(ctx, "Test.Failed", "now and then");
	while ((at = next_number(at, end, &n))) {
		struct sender *s = &seen->senders[n / share()];
		int k = n % share() + 1;

		if (!mine[n / share()])
			seen->at_once += atomic_exchange(&busy_groups[n / share()], true);
		mine[n / share()] = true;
		seen->twice += seen->runs[n]++ > 0;
		if (k <= s->done)
			continue; /* once more */
		seen->out_of_order += s->done && k != s->done + 3;
		s->done = k;
	}
	for (int i = 0; i < SENDERS; i++)
		if (mine[i])
			busy_groups[i] = false;
	return faas_puts(ctx, "");
}

static void *send_all(void *data)
{
	struct sender *s = data;
	int number = (int)(s - seen->senders), k;
	char body[16], group[16];

	for (; (k = s->next) < share(); s->next++) {
		snprintf(body, sizeof(body), "%d", number * share() + k);
		snprintf(group, sizeof(group), "%d", number);
		seen->sent[number * share() + k]++;
		if (faas_put(flow.rt, is_ordered(k) ? "queue:o.fifo" : "queue:s",
			     FAAS_MESSAGE(.body = { body, strlen(body) }, .group = group,
					  .dedup = body),
			     NULL, NULL))
			return NULL; /* it is closing */
		seen->accepted++;
	}
	return NULL;
}

/* ---- the program ------------------------------------------------------------ */

static void map(const char *source, const char *function, int batch_size)
{
	struct faas_error err;
	char id[37];
	int rc = faas_mapping_create(flow.rt,
				     FAAS_MAPPING(.source = source, .function = function,
						  .batch_size = batch_size,
						  .batch_window_s = batch_size > 10,
						  .partial_failures = batch_size > 10),
				     id, &err);

	if (rc && rc != FAAS_EEXIST) /* then it is that of the last program */
		fail_msg("%s", err.message);
}

static void open_runtime(void)
{
	flow_open(&flow, &(struct faas_config){ .state_dir = kills_folder }, false);
	flow_function(&flow, &(struct faas_function_config){ .name = "work", .native = work,
							     .timeout_ms = 1000 });
	flow_function(&flow, &(struct faas_function_config){ .name = "order",
							     .native = work_in_order,
							     .timeout_ms = 1000 });
	assert_int_equal(faas_resource_create(flow.rt, "queue:s",
					      "{\"VisibilityTimeout\":2,\"RedrivePolicy\":{"
					      "\"deadLetterTargetArn\":\"queue:dead\","
					      "\"maxReceiveCount\":3}}",
					      NULL), 0);
	assert_int_equal(faas_resource_create(flow.rt, "queue:o.fifo",
					      "{\"VisibilityTimeout\":1}", NULL), 0);
	map("queue:s", "work", 100);
	map("queue:o.fifo", "order", 10);
}

static void start_senders(pthread_t threads[SENDERS])
{
	for (int i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, send_all, &seen->senders[i]), 0);
}

static void be_killed(void)
{
	pthread_t threads[SENDERS];

	open_runtime();
	start_senders(threads);
}

static uint64_t lying(const char *queue)
{
	struct faas_queue_stats stats = { .size = sizeof(stats) };

	assert_int_equal(faas_queue_stats(flow.rt, queue, &stats, NULL), 0);
	return stats.visible + stats.hidden;
}

static void work_to_the_end(void)
{
	pthread_t threads[SENDERS];

	open_runtime();
	start_senders(threads);
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; (lying("queue:s") || lying("queue:o.fifo")) && i < 10000; i++)
		nanosleep(&(struct timespec){ 0, 100000000 }, NULL); /* counting is work, too */
	assert_int_equal(lying("queue:s") + lying("queue:o.fifo"), 0);
}

static bool count_letter(void *data, const struct faas_message *m)
{
	(void)data;
	seen->letters[atoi(m->body.data)]++;
	return true;
}

static void check_all(int kills)
{
	int dead = 0;

	for (int n = 0; n < SENDERS * share(); n++) {
		bool ordered = is_ordered(n % share());

		dead += seen->letters[n];
		if (!seen->runs[n] && !seen->letters[n])
			fail_msg("message %d was lost", n);
		if (seen->letters[n] > seen->sent[n])
			fail_msg("message %d, sent %d times, left %d letters", n, seen->sent[n],
				 seen->letters[n]);
		if (DIES(n) && !ordered && !seen->letters[n])
			fail_msg("message %d died untold", n);
	}
	assert_int_equal(seen->out_of_order, 0);
	assert_int_equal(seen->at_once, 0);
	print_message("# %d programs killed, %d messages, %d processed more than once, %d dead "
		      "letters\n",
		      kills, SENDERS * share(), seen->twice, dead);
}

TEST(each_message_is_processed_or_told_and_groups_stay_in_order_in_spite_of_kills)
{
	int kills = kills_setting("FAAS_KILLS", 3);

	assert_true(SENDERS * share() <= MOST);
	for (int i = 0; i < kills; i++)
		kills_one(be_killed, &seen->accepted, 500, (unsigned)(i + 1) * 137 % 500);
	work_to_the_end();
	assert_int_equal(faas_peek(flow.rt, "queue:dead", count_letter, NULL, NULL), 0);
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
			each_message_is_processed_or_told_and_groups_stay_in_order_in_spite_of_kills,
			open_it, kills_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
