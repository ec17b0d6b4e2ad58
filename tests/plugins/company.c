/* SPDX-License-Identifier: MIT */
/*
 * Who stays behind a handler: "thread" and "fork" start one that counts for ever,
 * "count" waits until it has gone on, anything else does nothing.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <faas/plugin.h>

#define PATIENCE 10000 /* pauses */

static _Atomic int *counter;

static void pause_a_little(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void *count_for_ever(void *data)
{
	for (;;) {
		atomic_fetch_add(counter, 1);
		pause_a_little();
	}
	return data;
}

static int start_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, count_for_ever, NULL);
}

static int start_child(void)
{
	pid_t child = fork();

	if (!child)
		count_for_ever(NULL);
	return child < 0;
}

static int wait_for_count(void)
{
	int before = atomic_load(counter), tries = PATIENCE;

	while (atomic_load(counter) == before && tries--)
		pause_a_little();
	return tries < 0;
}

static int init_nothing(struct faas_context *ctx)
{
	(void)ctx;
	counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return counter == MAP_FAILED;
}

static int init_thread(struct faas_context *ctx)
{
	return init_nothing(ctx) || start_thread();
}

static int act(struct faas_context *ctx, struct faas_bytes event)
{
	char what[16] = "";
	int rc = 0;

	memcpy(what, event.data, event.len < sizeof(what) ? event.len : sizeof(what) - 1);
	if (!strcmp(what, "thread"))
		rc = start_thread();
	else if (!strcmp(what, "fork"))
		rc = start_child();
	else if (!strcmp(what, "count"))
		rc = wait_for_count();
	return rc ? faas_fail(ctx, "Company.Failed", "it cannot, or it stands still") :
		    faas_puts(ctx, "ok");
}

static void say_goodbye(struct faas_context *ctx)
{
	faas_log(ctx, FAAS_INFO, wait_for_count() ? "stood still" : "went on");
}

FAAS_PLUGIN("company", "1",
	    &(const struct faas_handler){ .size = sizeof(struct faas_handler), .name = "act",
					  .invoke = act, .init = init_nothing,
					  .shutdown = say_goodbye },
	    &(const struct faas_handler){ .size = sizeof(struct faas_handler), .name = "early",
					  .invoke = act, .init = init_thread });
