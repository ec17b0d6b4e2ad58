/* SPDX-License-Identifier: MIT */

/* The handlers that are measured. One has an init hook, which a snapshot spares it. */

#include <stdlib.h>
#include <time.h>

#include <faas/plugin.h>

static int echo(struct faas_context *ctx, struct faas_bytes event)
{
	return faas_write(ctx, event.data, event.len);
}

/* An answer of its own that happens to be the event: in two pieces, it is copied. */
static int copy(struct faas_context *ctx, struct faas_bytes event)
{
	size_t half = event.len / 2;

	return faas_write(ctx, event.data, half) < 0 ?
		       -1 : faas_write(ctx, (const char *)event.data + half, event.len - half);
}

/* Four bytes: how many events this environment had before; then the event. */
static int fresh(struct faas_context *ctx, struct faas_bytes event)
{
	static uint32_t before;

	faas_write(ctx, &before, sizeof(before));
	before++;
	return faas_write(ctx, event.data, event.len);
}

/* 64 MB, filled once; each first event of an environment writes to 64 pages of them. */
static char *pages;

static int fill(struct faas_context *ctx)
{
	const size_t size = 64 << 20;

	(void)ctx;
	pages = malloc(size);
	if (!pages)
		return -1;
	memset(pages, 1, size);
	return 0;
}

static int heap(struct faas_context *ctx, struct faas_bytes event)
{
	for (size_t i = 0; i < 64; i++)
		pages[i * 4096] = 2;
	return fresh(ctx, event);
}

static uint32_t number(struct faas_bytes event)
{
	uint32_t n = 0;

	memcpy(&n, event.data, event.len < sizeof(n) ? event.len : sizeof(n));
	return n;
}

/* Sleep for so many milliseconds. */
static int nap(struct faas_context *ctx, struct faas_bytes event)
{
	uint32_t ms = number(event);
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	(void)ctx;
	return nanosleep(&ts, NULL);
}

static void spin_for_ever(void)
{
	for (volatile unsigned i = 0;; i++)
		;
}

/* 's' never returns; anything else is echoed. */
static int stall(struct faas_context *ctx, struct faas_bytes event)
{
	if (event.len && *(const char *)event.data == 's')
		spin_for_ever();
	return faas_write(ctx, event.data, event.len);
}

/* The neighbours nobody wants. */
static int flood(struct faas_context *ctx, struct faas_bytes event)
{
	for (int i = 0; i < 2000; i++)
		faas_log(ctx, FAAS_INFO, "line %d of a handler that will not stop talking", i);
	return faas_write(ctx, event.data, event.len);
}

static int burn(struct faas_context *ctx, struct faas_bytes event)
{
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < 20);
	return faas_write(ctx, event.data, event.len);
}

static int die(struct faas_context *ctx, struct faas_bytes event)
{
	(void)ctx;
	(void)event;
	__builtin_trap();
}

FAAS_PLUGIN("bench", "1", FAAS_HANDLER(echo), FAAS_HANDLER(copy), FAAS_HANDLER(fresh),
	    FAAS_HANDLER(heap, .init = fill), FAAS_HANDLER(nap),
	    FAAS_HANDLER(stall), FAAS_HANDLER(flood), FAAS_HANDLER(burn), FAAS_HANDLER(die));
