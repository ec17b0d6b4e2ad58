/* SPDX-License-Identifier: MIT */
/*
 * Files are dropped into a directory while the program that watches it is killed again and
 * again. At the end each of them was told of. FAAS_KILLS and FAAS_FILES say how often and how
 * many.
 */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/flow.h"
#include "support/kills.h"
#include "support/stores.h"

#define MOST 1000000

/* Of all programs that are killed. */
struct seen {
	_Atomic int told;
	_Atomic unsigned char times[MOST];
};

static struct flow flow;
static struct seen *seen;
static char inbox[64], source[80];

static int files(void)
{
	return kills_setting("FAAS_FILES", 2000);
}

static int work(struct faas_context *ctx, struct faas_bytes event)
{
	const char *key = memmem(event.data, event.len, "\"key\":\"", 7);

	seen->times[atoi(key + 7)]++;
	seen->told++;
	return faas_puts(ctx, "");
}

/* ---- who drops files ---------------------------------------------------- */

/* Half of them are written there, the others are moved there. */
static bool drop(int n)
{
	char path[100], other[200];
	bool written;
	int fd;

	snprintf(path, sizeof(path), "%s/%d.jpg", inbox, n);
	snprintf(other, sizeof(other), "%s.%d", inbox, n);
	fd = open(n % 2 ? path : other, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	written = fd >= 0 && write(fd, "x", 1) == 1;
	close(fd);
	return written && (n % 2 || !rename(other, path));
}

/* In a process of its own: those that are killed are forked while it works. */
static pid_t drop_all(void)
{
	pid_t pid;
	bool all = true;

	fflush(NULL);
	pid = fork();
	if (pid)
		return pid;
	for (int n = 0; n < files() && all; n++) {
		all = drop(n);
		if (n % 20 == 0)
			kills_tick();
	}
	_exit(!all);
}

/* ---- the program ---------------------------------------------------------- */

static void open_runtime(void)
{
	struct faas_error err;
	char id[37];

	flow_open(&flow, &(struct faas_config){ .state_dir = kills_folder }, false);
	flow_function(&flow, &(struct faas_function_config){ .name = "work", .native = work });
	if (!seen->told && faas_mapping_create(flow.rt,
					       FAAS_MAPPING(.source = source, .function = "work",
							    .existing = true),
					       id, &err))
		fail_msg("%s", err.message);
}

static int missing(void)
{
	int n = 0;

	for (int i = 0; i < files(); i++)
		n += !seen->times[i];
	return n;
}

TEST(each_file_is_told_of_in_spite_of_kills)
{
	int kills = kills_setting("FAAS_KILLS", 5), twice = 0, status;
	pid_t dropper;

	assert_true(files() <= MOST);
	dropper = drop_all();
	assert_true(dropper > 0);
	for (int i = 0; i < kills; i++)
		kills_one(open_runtime, &seen->told, 50, (unsigned)(i + 1) * 37 % 100);
	open_runtime();
	assert_int_equal(waitpid(dropper, &status, 0), dropper);
	assert_int_equal(status, 0);
	for (int i = 0; missing() && i < 60000; i++)
		kills_tick();
	assert_int_equal(missing(), 0);
	flow_close(&flow);
	for (int i = 0; i < files(); i++)
		twice += seen->times[i] > 1;
	print_message("# %d programs killed, %d files, %d told of more than once\n", kills, files(),
		      twice);
}

static int open_it(void **state)
{
	(void)state;
	seen = kills_begin(sizeof(*seen));
	stores_folder(inbox);
	snprintf(source, sizeof(source), "dir:%s", inbox);
	return seen ? 0 : -1;
}

static int close_it(void **state)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s", inbox);
	return kills_end(state) | system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_file_is_told_of_in_spite_of_kills, open_it,
						close_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
