/* SPDX-License-Identifier: MIT */
/* Handlers that differ in their hooks. */
#include <stdlib.h>
#include <time.h>

#include <faas/plugin.h>

static int answer(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	return faas_puts(ctx, ctx->state ? ctx->state : "null");
}

/* The milliseconds left. */
static int remaining(struct faas_context *ctx, struct faas_bytes event)
{
	char text[24];

	(void)event;
	snprintf(text, sizeof(text), "%lld", (long long)faas_remaining_ms(ctx));
	return faas_puts(ctx, text);
}

static int remember(struct faas_context *ctx)
{
	static char state[] = "\"initialised\"";

	ctx->state = state;
	return 0;
}

static int fails(struct faas_context *ctx)
{
	return faas_fail(ctx, "Init.Refused", "no \"licence\"");
}

static int fails_with_body(struct faas_context *ctx)
{
	static const char body[] = "{\"any\":\"thing\"}";

	return faas_fail_body(ctx, "Init.Body", (struct faas_bytes){ body, sizeof(body) - 1 });
}

static int returns_seven(struct faas_context *ctx)
{
	(void)ctx;
	return 7;
}

/* A quarter of a second. */
static int is_slow(struct faas_context *ctx)
{
	struct timespec time = { 0, 250000000 };

	nanosleep(&time, NULL);
	return remember(ctx);
}

static int loops(struct faas_context *ctx)
{
	(void)ctx;
	for (volatile int forever = 1; forever;)
		;
	return 0;
}

static int crashes(struct faas_context *ctx)
{
	(void)ctx;
	abort();
}

static int exits(struct faas_context *ctx)
{
	(void)ctx;
	exit(3);
}

/* Whether faas_write() is refused, outside of an invocation. */
static int writes(struct faas_context *ctx)
{
	printf("in init\n");
	return faas_puts(ctx, "x") == 0;
}

static void sleep_for(struct faas_bytes event)
{
	char text[16] = "";
	long ms;

	memcpy(text, event.data, event.len < sizeof(text) ? event.len : sizeof(text) - 1);
	ms = strtol(text, NULL, 10);
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* Sleeps so many milliseconds. */
static int nap(struct faas_context *ctx, struct faas_bytes event)
{
	sleep_for(event);
	return faas_puts(ctx, ctx->state);
}

/* Only one environment of a /tmp gets through this. */
static int first_only(struct faas_context *ctx)
{
	FILE *file = fopen("/tmp/first", "wx");

	if (!file)
		abort();
	fclose(file);
	return remember(ctx);
}

/* Answers which process of its /tmp this is. */
static int which(struct faas_context *ctx, struct faas_bytes event)
{
	FILE *file = fopen("/tmp/processes", "r");
	char bytes[16];
	size_t n = file ? fread(bytes, 1, sizeof(bytes), file) : 0;

	if (file)
		fclose(file);
	snprintf(bytes, sizeof(bytes), "%zu", n);
	sleep_for(event);
	return faas_puts(ctx, bytes);
}

static int note_process(void)
{
	FILE *file = fopen("/tmp/processes", "a");
	int n;

	if (!file)
		abort();
	fputc('p', file);
	n = (int)ftell(file);
	fclose(file);
	return n;
}

/* Longer than half of eight hundred: an heir has as much to begin on a machine that is busy. */
static int note_slowly(struct faas_context *ctx)
{
	struct timespec time = { 0, 600000000 };

	note_process();
	nanosleep(&time, NULL);
	return remember(ctx);
}

static int note_quickly(struct faas_context *ctx)
{
	(void)ctx;
	note_process();
	return 0;
}

/* The second one of a /tmp fails, late. */
static int fail_second(struct faas_context *ctx)
{
	int n = note_process();

	if (n == 2)
		is_slow(ctx);
	return n == 2 ? fails(ctx) : 0;
}

/* The first one of a /tmp fails; each says so. */
static int fail_first(struct faas_context *ctx)
{
	int n = note_process();

	printf("init number %d\n", n);
	return n == 1 ? fails(ctx) : 0;
}

/* Of one program every second one, whatever is in /tmp. */
static int fail_each_second(struct faas_context *ctx)
{
	static int n;

	return n++ % 2 ? remember(ctx) : fails(ctx);
}

static int exit_first(struct faas_context *ctx)
{
	(void)ctx;
	if (note_process() == 1)
		exit(3);
	return 0;
}

/* Fifty milliseconds of CPU time. */
static int burns(struct faas_context *ctx)
{
	while (clock() < CLOCKS_PER_SEC / 20)
		;
	return remember(ctx);
}

static void say_goodbye(struct faas_context *ctx)
{
	faas_log(ctx, FAAS_INFO, "goodbye");
}

/* For names that C, or another handler, already uses for something else. */
#define NAMED(name_, ...) \
	&(const struct faas_handler){ .size = sizeof(struct faas_handler), .name = name_, \
				      .invoke = __VA_ARGS__ }

FAAS_PLUGIN("init", "1", NAMED("good", answer, .init = remember),
	    NAMED("init_fail", answer, .init = fails),
	    NAMED("init_fail_body", answer, .init = fails_with_body),
	    NAMED("init_seven", answer, .init = returns_seven),
	    NAMED("init_slow", answer, .init = is_slow),
	    NAMED("slow_remaining", remaining, .init = is_slow),
	    NAMED("init_loop", answer, .init = loops),
	    NAMED("init_burn", answer, .init = burns),
	    NAMED("init_abort", answer, .init = crashes),
	    NAMED("init_exit", answer, .init = exits),
	    NAMED("nap_first_only", nap, .init = first_only),
	    NAMED("nap_slow", nap, .init = is_slow),
	    NAMED("nap_which", which, .init = note_slowly),
	    NAMED("nap_which_quickly", which, .init = note_quickly),
	    NAMED("nap_once_more", which, .init = fail_second),
	    NAMED("nap_fail_first", which, .init = fail_first),
	    NAMED("nap_exit_first", which, .init = exit_first),
	    NAMED("init_every_other", answer, .init = fail_each_second),
	    NAMED("init_write", answer, .init = writes),
	    NAMED("polite", answer, .init = remember, .shutdown = say_goodbye));
