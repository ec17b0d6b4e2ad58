/* SPDX-License-Identifier: MIT */
/* The neighbour: it only ever does what it is asked to. */
#include <faas/plugin.h>

static int echo(struct faas_context *ctx, struct faas_bytes event)
{
	return faas_write(ctx, event.data, event.len);
}

FAAS_PLUGIN("innocent", "1", FAAS_HANDLER(echo));
