/* SPDX-License-Identifier: MIT */
/*
 * A program that sends to queues and works on what it takes from them is killed again and
 * again, and so are its workers. At the end every message that was accepted was processed, or
 * is a dead letter; in a FIFO queue none was processed before those ahead of it in its group,
 * and never two of a group at once. FAAS_KILLS and FAAS_MESSAGES say how often and how many: see
 * tests/crash.
 */
#include <faas/source.h>

#include "support/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "support/flow.h"
#include "support/kills.h"
#include "support/workers.h"

static struct flow flow;
static struct killed_messages *seen;

static bool is_ordered(int k)
{
	return k % 3 == 0;
}

static void *send_all(void *data)
{
	struct killed_sender *s = data;
	int number = (int)(s - seen->senders), k;
	char body[16], group[16];

	for (; (k = s->next) < seen->share; s->next++) {
		snprintf(body, sizeof(body), "%d", number * seen->share + k);
		snprintf(group, sizeof(group), "%d", number);
		seen->sent[number * seen->share + k]++;
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
	workers_open(&flow, &seen->workers);
	workers_function(&flow, "standard");
	workers_function(&flow, "fifo");
	assert_int_equal(faas_resource_create(flow.rt, "queue:s",
					      "{\"VisibilityTimeout\":2,\"RedrivePolicy\":{"
					      "\"deadLetterTargetArn\":\"queue:dead\","
					      "\"maxReceiveCount\":3}}",
					      NULL), 0);
	/* Who is out of time is gone, with what he locked, before his messages come again. */
	assert_int_equal(faas_resource_create(flow.rt, "queue:o.fifo",
					      "{\"VisibilityTimeout\":2}", NULL), 0);
	map("queue:s", "standard", 100);
	map("queue:o.fifo", "fifo", 10);
}

static void start_senders(pthread_t threads[KILLED_SENDERS])
{
	for (int i = 0; i < KILLED_SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, send_all, &seen->senders[i]), 0);
}

static void be_killed(void)
{
	pthread_t threads[KILLED_SENDERS];

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
	pthread_t threads[KILLED_SENDERS];

	open_runtime();
	start_senders(threads);
	for (int i = 0; i < KILLED_SENDERS; i++)
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

	for (int n = 0; n < KILLED_SENDERS * seen->share; n++) {
		bool ordered = is_ordered(n % seen->share);

		dead += seen->letters[n];
		if (!seen->runs[n] && !seen->letters[n])
			fail_msg("message %d was lost", n);
		if (seen->letters[n] > seen->sent[n])
			fail_msg("message %d, sent %d times, left %d letters", n, seen->sent[n],
				 seen->letters[n]);
		if (KILLED_DIES(n) && !ordered && !seen->letters[n])
			fail_msg("message %d died untold", n);
	}
	workers_check(&seen->workers, kills, "messages", KILLED_SENDERS * seen->share);
	print_message("# %d dead letters\n", dead);
}

TEST(each_message_is_processed_or_told_and_groups_stay_in_order_in_spite_of_kills)
{
	int kills = kills_setting("FAAS_KILLS", 3), all = KILLED_SENDERS * seen->share;

	assert_true(all <= KILLED_MOST);
	workers_kill_programs(be_killed, kills, &seen->accepted, all);
	work_to_the_end();
	assert_int_equal(faas_peek(flow.rt, "queue:dead", count_letter, NULL, NULL), 0);
	workers_close(&flow);
	check_all(kills);
}

/* The n-th message, as the function finds it among its event. */
static void hand_over(int n)
{
	char event[64];

	snprintf(event, sizeof(event), "{\"messageId\":\"\",\"body\":\"%d\"}", n);
	flow_call(&flow, "fifo", event);
}

static void lock_group(int group, short type)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = group, .l_len = 1 };
	char path[96];
	static int file;

	snprintf(path, sizeof(path), "%s/" KILLED_FILE, kills_memory);
	if (type == F_WRLCK)
		file = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(fcntl(file, F_SETLK, &l), 0);
	if (type == F_UNLCK)
		close(file);
}

TEST(it_would_be_seen_that_two_had_a_group_at_once_or_that_one_was_left_out)
{
	workers_open(&flow, &seen->workers);
	workers_function(&flow, "fifo");
	hand_over(0);
	hand_over(3);
	assert_int_equal(seen->workers.at_once + seen->workers.out_of_order, 0);
	lock_group(0, F_WRLCK);
	hand_over(6);
	lock_group(0, F_UNLCK);
	assert_int_equal(seen->workers.at_once, 1);
	assert_int_equal(seen->workers.out_of_order, 0);
	hand_over(12);
	assert_int_equal(seen->workers.at_once, 1);
	assert_int_equal(seen->workers.out_of_order, 1);
	workers_close(&flow);
}

static int open_it(void **state)
{
	(void)state;
	seen = kills_begin(sizeof(*seen));
	if (!seen)
		return -1;
	seen->share = kills_setting("FAAS_MESSAGES", 20000) / KILLED_SENDERS;
	seen->workers.each = seen->share < 4800 ? 20 : seen->share / 100;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_message_is_processed_or_told_and_groups_stay_in_order_in_spite_of_kills,
			open_it, kills_end),
		cmocka_unit_test_setup_teardown(
			it_would_be_seen_that_two_had_a_group_at_once_or_that_one_was_left_out,
			open_it, kills_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
