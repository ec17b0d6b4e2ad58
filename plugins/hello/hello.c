/* SPDX-License-Identifier: MIT */

/* The smallest useful function: it greets whoever the event names. */

#include <faas/plugin.h>

static int handler(struct faas_context *ctx, struct faas_bytes event)
{
	faas_log(ctx, FAAS_INFO, "an event of %zu bytes", event.len);
	if (!event.len)
		return faas_fail(ctx, "Function.Nobody", "The event should be a name.");
	faas_puts(ctx, "Hello, ");
	faas_write(ctx, event.data, event.len);
	return faas_puts(ctx, "!");
}

FAAS_PLUGIN("hello", "1.0", FAAS_HANDLER(handler));
