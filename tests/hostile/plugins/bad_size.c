/* SPDX-License-Identifier: MIT */
/* A plugin whose struct ends in the middle. */
#include "hostile.h"

static int invoke(struct faas_context *ctx, UNUSED struct faas_bytes event)
{
	return faas_puts(ctx, "\"fine\"");
}

FAAS_EXPORT const struct faas_plugin faas_plugin = {
	.magic = FAAS_PLUGIN_MAGIC, .abi = FAAS_PLUGIN_ABI, .size = 12,
	.name = "bad_size", .version = "1",
	.handlers = (const struct faas_handler *const[]){ FAAS_HANDLER(invoke), NULL },
};
