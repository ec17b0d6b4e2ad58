/* SPDX-License-Identifier: MIT */
/* A handler without its one required function. */
#include "hostile.h"

static int invoke(struct faas_context *ctx, UNUSED struct faas_bytes event)
{
	return faas_puts(ctx, "\"fine\"");
}

static int (*const keep)(struct faas_context *, struct faas_bytes) UNUSED = invoke;

FAAS_PLUGIN("no_invoke", "1", &(const struct faas_handler){
	.size = sizeof(struct faas_handler), .name = "invoke" });
