/* SPDX-License-Identifier: MIT */
/* A plugin that exports names of the C library and of its keepers. */
#include "hostile.h"

static int invoke(struct faas_context *ctx, UNUSED struct faas_bytes event)
{
	return faas_puts(ctx, "\"fine\"");
}

FAAS_EXPORT void *malloc(size_t size);
FAAS_EXPORT void free(void *ptr);
FAAS_EXPORT ssize_t send(int fd, const void *data, size_t len, int flags);

void *malloc(UNUSED size_t size)
{
	return (void *)16;
}

void free(UNUSED void *ptr)
{
	_exit(77);
}

ssize_t send(UNUSED int fd, UNUSED const void *data, UNUSED size_t len, UNUSED int flags)
{
	_exit(78);
}

FAAS_PLUGIN("own_malloc", "1", FAAS_HANDLER(invoke));
