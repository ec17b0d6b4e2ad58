/* SPDX-License-Identifier: MIT */
/* A plugin that needs what nobody has. */
#include "hostile.h"

static int invoke(struct faas_context *ctx, UNUSED struct faas_bytes event)
{
	return faas_puts(ctx, "\"fine\"");
}

extern int nobody_has_this_function(int);

int use_it(void);
int use_it(void)
{
	return nobody_has_this_function(1);
}

FAAS_PLUGIN("undefined_symbol", "1", FAAS_HANDLER(invoke));
