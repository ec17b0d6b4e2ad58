/* SPDX-License-Identifier: MIT */
/* It works only where the libraries are found that it is linked with. */
#include <faas/plugin.h>

const char *needed_text(void);

static int handler(struct faas_context *ctx, struct faas_bytes event)
{
	(void)event;
	return faas_puts(ctx, needed_text());
}

FAAS_PLUGIN("needing", "1", FAAS_HANDLER(handler));
