/* SPDX-License-Identifier: MIT */
/* Code that runs before anybody has looked at the plugin: it leaves. */
#include "hostile.h"

static int invoke(struct faas_context *ctx, UNUSED struct faas_bytes event)
{
	return faas_puts(ctx, "\"fine\"");
}

__attribute__((constructor)) static void leave(void)
{
	exit(0);
}

FAAS_PLUGIN("constructor_exit", "1", FAAS_HANDLER(invoke));
