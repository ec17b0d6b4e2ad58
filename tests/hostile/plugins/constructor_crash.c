/* SPDX-License-Identifier: MIT */
/* Code that runs before anybody has looked at the plugin: it crashes. */
#include "hostile.h"

static int invoke(struct faas_context *ctx, UNUSED struct faas_bytes event)
{
	return faas_puts(ctx, "\"fine\"");
}

__attribute__((constructor)) static void crash(void)
{
	abort();
}

FAAS_PLUGIN("constructor_crash", "1", FAAS_HANDLER(invoke));
