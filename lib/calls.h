/* SPDX-License-Identifier: MIT */
#ifndef FA_CALLS_H
#define FA_CALLS_H

#include <stddef.h>

struct faas;

/* What handlers call others with, see calls.c. All of it is the loop's. */
struct fa_calls {
	int count;    /* open */
	size_t bytes; /* that they were made with */
};

void fa_calls_init(struct faas *rt);

#endif
