/* SPDX-License-Identifier: MIT */
/* A list of handlers that leads nowhere. */
#include "hostile.h"

static int invoke(struct faas_context *ctx, UNUSED struct faas_bytes event)
{
	return faas_puts(ctx, "\"fine\"");
}

static int (*const keep)(struct faas_context *, struct faas_bytes) UNUSED = invoke;

FAAS_EXPORT const struct faas_plugin faas_plugin = {
	.magic = FAAS_PLUGIN_MAGIC, .abi = FAAS_PLUGIN_ABI, .size = sizeof(struct faas_plugin),
	.name = "wild_handlers", .version = "1",
	.handlers = (const struct faas_handler *const *)0x10000000,
};
