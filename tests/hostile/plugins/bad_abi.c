/* SPDX-License-Identifier: MIT */
/* A plugin for an ABI of the far future. */
#include "hostile.h"

static int invoke(struct faas_context *ctx, UNUSED struct faas_bytes event)
{
	return faas_puts(ctx, "\"fine\"");
}

FAAS_EXPORT const struct faas_plugin faas_plugin = {
	.magic = FAAS_PLUGIN_MAGIC, .abi = 4711, .size = sizeof(struct faas_plugin),
	.name = "bad_abi", .version = "1",
	.handlers = (const struct faas_handler *const[]){ FAAS_HANDLER(invoke), NULL },
};
