/* SPDX-License-Identifier: MIT */
#ifndef FA_WORKER_WARM_H
#define FA_WORKER_WARM_H

#include <stddef.h>

/*
 * Who has slept while others ran has to find each page anew, and most of its memory is in no
 * cache. That is most of what its next event takes, so what every event needs is on few pages.
 */

/* What every event runs: such functions lie together, whatever file they are in. */
#define FA_WARM __attribute__((hot))

/* Asked for ahead, all of it is on its way at once; else each line is waited for by itself. */
static inline void fa_warm(const void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 64)
		__builtin_prefetch((const char *)from + i);
}

#endif
