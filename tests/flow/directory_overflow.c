/* SPDX-License-Identifier: MIT */
/*
 * A directory of which more is told than inotify keeps, because the loop does not listen: it
 * is held up by a source of the test's.
 */
#include <faas/plugin.h> /* before cmocka, which makes a macro of fail() */
#include <faas/source.h>

#include "support/test.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "support/flow.h"
#include "support/stores.h"

static struct flow flow;
static struct faas_error err;
static char folder[64], inbox[64], source[80], id[37];
static _Atomic int puts_of_a, puts_of_goes, deletes_of_goes, others;

static void tick(void)
{
	nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}

static bool names(struct faas_bytes event, const char *text)
{
	return memmem(event.data, event.len, text, strlen(text));
}

static int handler(struct faas_context *ctx, struct faas_bytes event)
{
	bool deleted = names(event, "ObjectRemoved:Delete");

	if (names(event, "\"key\":\"goes.jpg\""))
		*(deleted ? &deletes_of_goes : &puts_of_goes) += 1;
	else
		*(names(event, "\"key\":\"a.jpg\"") && !deleted ? &puts_of_a : &others) += 1;
	return faas_puts(ctx, "");
}

static const char *path(const char *name)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s/%s", inbox, name);
	return text;
}

static void put(const char *name)
{
	int fd = open(path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	close(fd);
}

static int open_it(void **state)
{
	(void)state;
	stores_folder(folder);
	stores_folder(inbox);
	snprintf(source, sizeof(source), "dir:%s", inbox);
	flow_open(&flow, &(struct faas_config){ .state_dir = folder }, false);
	flow_function(&flow, &(struct faas_function_config){ .name = "f", .native = handler });
	return 0;
}

static int close_it(void **state)
{
	char command[100];

	(void)state;
	flow_close(&flow);
	stores_remove(folder);
	snprintf(command, sizeof(command), "rm -rf %s", inbox);
	return system(command);
}

static void map(const char *from)
{
	if (faas_mapping_create(flow.rt,
				FAAS_MAPPING(.source = from, .function = "f",
					     .removals = from == source,
					     .suffix = from == source ? "jpg" : NULL),
				id, &err))
		fail_msg("%s", err.message);
}

static void await(_Atomic int *count)
{
	for (int i = 0; !*count && i < 20000; i++)
		tick();
	assert_int_equal(*count, 1);
}

/* ---- a loop that hears nothing ------------------------------------------ */

static atomic_bool stalled, go;

static int open_stall(struct faas_source *of, const char *address, void **own,
		      struct faas_error *error)
{
	(void)of;
	(void)address;
	(void)error;
	*own = NULL;
	return 0;
}

/* On the loop, which then hears nothing. */
static void stall(void *own, int n)
{
	(void)own;
	(void)n;
	stalled = true;
	while (!go)
		tick();
}

static void settle_stall(void *own, const struct faas_settled *settled, int n)
{
	(void)own;
	(void)settled;
	(void)n;
}

static void close_stall(void *own)
{
	(void)own;
}

static int queue_limit(void)
{
	FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	int n = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &n), 1);
	fclose(file);
	return n;
}

/* More than inotify keeps. Two in turn: of one alone it would keep the last. */
static void make_noise(void)
{
	for (int i = queue_limit() / 2 + 2; i > 0; i--) {
		put("noise0");
		put("noise1");
	}
}

static bool has_overflown(int fd)
{
	static char buffer[1 << 22];
	ssize_t len = read(fd, buffer, sizeof(buffer));
	bool found = false;

	for (ssize_t at = 0; at < len;) {
		const struct inotify_event *e = (const void *)(buffer + at);

		found |= (e->mask & IN_Q_OVERFLOW) != 0;
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	return found;
}

TEST(what_overflows_is_found)
{
	struct faas_source_impl impl = { .size = sizeof(impl),	   .scheme = "stall",
					 .open = open_stall,	   .want = stall,
					 .settle = settle_stall,   .close = close_stall };
	int control = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	map(source);
	put("goes.jpg");
	await(&puts_of_goes);
	assert_true(inotify_add_watch(control, inbox, IN_CLOSE_WRITE) >= 0);
	assert_int_equal(faas_source_register(flow.rt, &impl, &err), 0);
	map("stall:x");
	while (!stalled)
		tick();
	make_noise();
	put("a.jpg");
	unlink(path("goes.jpg"));
	assert_true(has_overflown(control));
	close(control);
	go = true;
	await(&puts_of_a);
	await(&deletes_of_goes);
	assert_int_equal(others, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_overflows_is_found, open_it, close_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
