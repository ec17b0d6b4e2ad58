/* SPDX-License-Identifier: MIT */
/*
 * Takes memory in every way there is: by handlers, and for the test of the
 * counting itself by a table of small functions that each make one call.
 */
#include <faas/plugin.h>

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "thread_memory.h"

static char *constructed;
static void *kept[256];
static size_t kept_count;

__attribute__((constructor)) static void construct(void)
{
	constructed = malloc(10000);
	if (constructed)
		constructed[0] = 'c';
}

static void *call_malloc(size_t size)
{
	return malloc(size);
}

static void *call_calloc(size_t n, size_t size)
{
	return calloc(n, size);
}

static void *call_realloc(void *ptr, size_t size)
{
	return realloc(ptr, size);
}

static void *call_reallocarray(void *ptr, size_t n, size_t size)
{
	return reallocarray(ptr, n, size);
}

static void call_free(void *ptr)
{
	free(ptr);
}

static int call_posix_memalign(void **out, size_t alignment, size_t size)
{
	return posix_memalign(out, alignment, size);
}

static void *call_aligned_alloc(size_t alignment, size_t size)
{
	return aligned_alloc(alignment, size);
}

static void *call_memalign(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

static char *call_strdup(const char *text)
{
	return strdup(text);
}

static char *call_strndup(const char *text, size_t max)
{
	return strndup(text, max);
}

static void *take_constructed(void)
{
	return constructed;
}

FAAS_EXPORT const struct thread_memory thread_memory = {
	call_malloc, call_calloc, call_realloc, call_reallocarray, call_free,
	call_posix_memalign, call_aligned_alloc, call_memalign, call_strdup, call_strndup,
	take_constructed, malloc, free,
};

static size_t number(struct faas_bytes event)
{
	const char *text = event.data;
	size_t value = 0;

	for (size_t i = 0; i < event.len && text[i] >= '0' && text[i] <= '9'; i++)
		value = value * 10 + (size_t)(text[i] - '0');
	return value;
}

/* The event is a number of bytes: take them and keep them. */
static int keep(struct faas_context *ctx, struct faas_bytes event)
{
	void *ptr;

	errno = 0;
	ptr = malloc(number(event));
	if (!ptr)
		return faas_fail(ctx, errno == ENOMEM ? "Keep.NoMemory" : "Keep.Odd",
				 "malloc() said no");
	if (kept_count < sizeof(kept) / sizeof(*kept))
		kept[kept_count++] = ptr;
	return faas_puts(ctx, "\"kept\"");
}

static int drop(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	while (kept_count)
		free(kept[--kept_count]);
	return faas_puts(ctx, "\"dropped\"");
}

/* The event is a number of bytes, of faas_alloc(). */
static int arena(struct faas_context *ctx, struct faas_bytes event)
{
	char *ptr = faas_alloc(ctx, number(event));

	if (!ptr)
		return faas_fail(ctx, "Arena.NoMemory", "faas_alloc() said no");
	ptr[0] = 'x';
	ptr[number(event) - 1] = 'x';
	return faas_puts(ctx, "\"used\"");
}

FAAS_PLUGIN("thread_memory", "1", FAAS_HANDLER(keep), FAAS_HANDLER(drop), FAAS_HANDLER(arena));
