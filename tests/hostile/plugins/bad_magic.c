/* SPDX-License-Identifier: MIT */
/* A plugin symbol that is not one. */
#include "hostile.h"

static int invoke(struct faas_context *ctx, UNUSED struct faas_bytes event)
{
	return faas_puts(ctx, "\"fine\"");
}

FAAS_EXPORT const struct faas_plugin faas_plugin = {
	.magic = 0x12345678, .abi = FAAS_PLUGIN_ABI, .size = sizeof(struct faas_plugin),
	.name = "bad_magic", .version = "1",
	.handlers = (const struct faas_handler *const[]){ FAAS_HANDLER(invoke), NULL },
};
