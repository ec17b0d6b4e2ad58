/* SPDX-License-Identifier: MIT */
/*
 * A program that sends messages to a directory is killed again and again. At the end there is
 * a file for each that was accepted, every file is whole, and no message has two: one that is
 * written once more has the same name. FAAS_KILLS says how often.
 */
#include <faas/source.h>

#include "support/test.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/flow.h"
#include "support/kills.h"
#include "support/stores.h"

#define MOST 4096
#define EACH 150 /* accepted by each program, at least */
#define SIZE 5000

/* Of all programs that are killed. */
struct seen {
	_Atomic int next, accepted;
	_Atomic bool sure[MOST]; /* the n-th was accepted, as far as anybody heard */
};

static struct flow flow;
static struct seen *seen;
static char out[64], to[80];
static int files[MOST], total;

/* The number of a message, and so often that a part of it would show. */
static void write_body(char body[SIZE], int n)
{
	for (int at = 0; at < SIZE; at += 5)
		snprintf(body + at, 6, "%04u,", (unsigned)n % MOST);
}

static void *send_all(void *data)
{
	char body[SIZE + 1];
	int n;

	(void)data;
	while ((n = seen->next++) < MOST) {
		write_body(body, n);
		if (faas_send(flow.rt, to, (struct faas_bytes){ body, SIZE }, NULL))
			return NULL;
		seen->sure[n] = true;
		seen->accepted++;
	}
	return NULL;
}

static void be_killed(void)
{
	pthread_t thread;

	flow_open(&flow, &(struct faas_config){ .state_dir = kills_folder }, false);
	assert_int_equal(pthread_create(&thread, NULL, send_all, NULL), 0);
}

static int check_file(const char *path, const struct stat *st, int type, struct FTW *at)
{
	char body[SIZE + 1] = "", want[SIZE + 1];
	FILE *file;
	int n;

	if (type != FTW_F)
		return 0;
	if (path[at->base] == '.')
		fail_msg("%s was left behind", path);
	assert_int_equal(st->st_size, SIZE);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fread(body, 1, SIZE, file), SIZE);
	fclose(file);
	n = atoi(body);
	write_body(want, n);
	assert_string_equal(body, want);
	files[n]++;
	total++;
	return 0;
}

static void await_nothing_waiting(void)
{
	struct faas_stats stats = { .size = sizeof(stats) };

	flow_open(&flow, &(struct faas_config){ .state_dir = kills_folder }, false);
	for (int i = 0; i < 60000; i++) {
		assert_int_equal(faas_stats(flow.rt, &stats), 0);
		if (!stats.messages_waiting)
			break;
		kills_tick();
	}
	assert_int_equal(stats.messages_waiting, 0);
	flow_close(&flow);
}

TEST(each_message_is_one_whole_file_in_spite_of_kills)
{
	int kills = kills_setting("FAAS_KILLS", 4);

	for (int i = 0; i < kills; i++)
		kills_one(be_killed, &seen->accepted, EACH, (unsigned)(i + 1) * 37 % 50);
	await_nothing_waiting();
	assert_int_equal(nftw(out, check_file, 8, FTW_PHYS), 0);
	for (int n = 0; n < MOST; n++) {
		if (seen->sure[n] && !files[n])
			fail_msg("message %d was lost", n);
		if (files[n] > 1)
			fail_msg("message %d has %d files", n, files[n]);
	}
	print_message("# %d programs killed, %d messages accepted, %d files\n", kills,
		      seen->accepted, total);
}

static int open_it(void **state)
{
	(void)state;
	seen = kills_begin(sizeof(*seen));
	stores_folder(out);
	snprintf(to, sizeof(to), "dir:%s", out);
	return seen ? 0 : -1;
}

static int close_it(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", out);
	assert_int_equal(system(command), 0);
	return kills_end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_message_is_one_whole_file_in_spite_of_kills,
						open_it, close_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
