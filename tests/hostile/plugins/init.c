/* SPDX-License-Identifier: MIT */
/* Handlers whose init goes wrong, and one whose shutdown never ends. */
#include "hostile.h"

static int invoke(struct faas_context *ctx, UNUSED struct faas_bytes event)
{
	return faas_puts(ctx, "\"fine\"");
}

static int hang(UNUSED struct faas_context *ctx)
{
	wait_for_ever();
}

static int lock_up(UNUSED struct faas_context *ctx)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&lock);
	pthread_mutex_lock(&lock);
	return 0;
}

static int crash(UNUSED struct faas_context *ctx)
{
	static volatile int *volatile nowhere;

	*nowhere = 1;
	return 0;
}

static int give_up(UNUSED struct faas_context *ctx)
{
	exit(0);
}

static int leave(UNUSED struct faas_context *ctx)
{
	exit(11);
}

static int fail(struct faas_context *ctx)
{
	return faas_fail(ctx, "Test.NotToday", "init says no");
}

static int fail_silently(UNUSED struct faas_context *ctx)
{
	return -1;
}

static int answer(struct faas_context *ctx)
{
	/* There is no event yet to answer. */
	faas_puts(ctx, "\"too early\"");
	return 0;
}

static int bomb(UNUSED struct faas_context *ctx)
{
	for (;;) {
		char *block = malloc(1 << 20);

		if (!block)
			abort();
		memset(block, 1, 1 << 20);
	}
}

static void never_end(UNUSED struct faas_context *ctx)
{
	for (int i = 1; i <= 64; i++)
		signal(i, SIG_IGN);
	wait_for_ever();
}

static void crash_at_the_end(UNUSED struct faas_context *ctx)
{
	abort();
}

#define AT_INIT(hook) &(const struct faas_handler){ .size = sizeof(struct faas_handler), \
	.name = #hook, .invoke = invoke, .init = hook }
#define AT_SHUTDOWN(hook) &(const struct faas_handler){ .size = sizeof(struct faas_handler), \
	.name = #hook, .invoke = invoke, .shutdown = hook }

FAAS_PLUGIN("init", "1", AT_INIT(hang), AT_INIT(lock_up), AT_INIT(crash), AT_INIT(give_up),
	    AT_INIT(leave), AT_INIT(fail), AT_INIT(fail_silently), AT_INIT(answer), AT_INIT(bomb),
	    AT_SHUTDOWN(never_end), AT_SHUTDOWN(crash_at_the_end));
