/* SPDX-License-Identifier: MIT */
/*
 * One handler that does what the event says, so that one environment can be
 * led through a life: count, put TEXT, get, sleep MS, fail, say N, exit N,
 * abort, segv, kill, loop, eat.
 */
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <faas/plugin.h>

#define MARK "/tmp/mark"

static int calls;

static int put(struct faas_context *ctx, const char *text)
{
	FILE *file = fopen(MARK, "w");

	if (!file)
		return faas_fail(ctx, "Life.NoTmp", "cannot write to /tmp");
	fputs(text, file);
	fclose(file);
	return faas_puts(ctx, "ok");
}

static int get(struct faas_context *ctx)
{
	char text[64] = "";
	FILE *file = fopen(MARK, "r");

	if (!file)
		return faas_puts(ctx, "none");
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	return faas_puts(ctx, text);
}

static int nap(struct faas_context *ctx, long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
	return faas_puts(ctx, "slept");
}

static int say(struct faas_context *ctx, long lines)
{
	for (long i = 0; i < lines; i++)
		printf("line %ld of a function that has much to say\n", i);
	return faas_puts(ctx, "said");
}

static int count(struct faas_context *ctx)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", ++calls);
	return faas_puts(ctx, text);
}

static void eat(void)
{
	for (;;) {
		char *food = malloc(1 << 20);

		memset(food, 1, 1 << 20); /* NULL is what it dies of */
	}
}

static void end(const char *how, long number)
{
	if (!strcmp(how, "exit"))
		exit((int)number);
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "segv"))
		raise(SIGSEGV);
	if (!strcmp(how, "kill"))
		kill(getpid(), SIGKILL);
	if (!strcmp(how, "eat"))
		eat();
	if (!strcmp(how, "loop"))
		for (;;)
			__asm__ volatile("");
}

static int act(struct faas_context *ctx, struct faas_bytes event)
{
	char text[128] = "", *rest;
	long number;

	memcpy(text, event.data, event.len < sizeof(text) ? event.len : sizeof(text) - 1);
	rest = strchr(text, ' ');
	if (rest)
		*rest++ = '\0';
	number = rest ? strtol(rest, NULL, 10) : 0;
	if (!strcmp(text, "count"))
		return count(ctx);
	if (!strcmp(text, "put"))
		return put(ctx, rest ? rest : "");
	if (!strcmp(text, "get"))
		return get(ctx);
	if (!strcmp(text, "sleep"))
		return nap(ctx, number);
	if (!strcmp(text, "say"))
		return say(ctx, number);
	if (!strcmp(text, "fail"))
		return faas_fail(ctx, "Life.Failed", "as it was told to");
	end(text, number);
	return faas_fail(ctx, "Life.Unknown", text);
}

/* A handler that wants to be told of its end, and leaves a trace in its log. */
static void goodbye(struct faas_context *ctx)
{
	faas_log(ctx, FAAS_INFO, "goodbye after %d", calls);
}

static void never_returns(struct faas_context *ctx)
{
	(void)ctx;
	for (;;)
		pause();
}

static int polite(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	return count(ctx);
}

FAAS_PLUGIN("life", "1", FAAS_HANDLER(act), FAAS_HANDLER(polite, .shutdown = goodbye),
	    &(const struct faas_handler){ .size = sizeof(struct faas_handler), .name = "stubborn",
					  .invoke = polite, .shutdown = never_returns });
