/* SPDX-License-Identifier: MIT */
/* An indirect function: its resolver runs while the loader relocates. */
#include "hostile.h"

static int invoke(struct faas_context *ctx, UNUSED struct faas_bytes event)
{
	return faas_puts(ctx, "\"fine\"");
}

UNUSED static int (*resolve(void))(void)
{
	abort();
}

int chosen(void) __attribute__((ifunc("resolve")));
int (*volatile use_it)(void) = chosen;

FAAS_PLUGIN("resolver_crash", "1", FAAS_HANDLER(invoke));
