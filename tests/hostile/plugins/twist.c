/* SPDX-License-Identifier: MIT */
/* Comes in the place of another plugin of the same method. */
#include <faas/plugin.h>

static int echo(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	return faas_puts(ctx, "\"twisted\"");
}

FAAS_PLUGIN("twist", "1", FAAS_HANDLER(echo));
