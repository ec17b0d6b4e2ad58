/* SPDX-License-Identifier: MIT */
/* Code that runs before anybody has looked at the plugin: it holds the loader for ever. */
#include "hostile.h"

static int invoke(struct faas_context *ctx, UNUSED struct faas_bytes event)
{
	return faas_puts(ctx, "\"fine\"");
}

__attribute__((constructor)) static void hang(void)
{
	wait_for_ever();
}

FAAS_PLUGIN("constructor_hang", "1", FAAS_HANDLER(invoke));
