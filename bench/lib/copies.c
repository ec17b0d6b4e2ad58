/* SPDX-License-Identifier: MIT */

/*
 * A payload must be copied where the other side cannot change it any more:
 * once on the way in, once on the way out. Nothing else is in this floor.
 */

#include "raw.h"
#include "word.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void two_copies(size_t bytes, size_t n, struct samples *s)
{
	unsigned char *shared = shared_pages(bytes);
	unsigned char *from = malloc(bytes), *to = malloc(bytes);

	if (!from || !to)
		bench_die("no memory");
	memset(from, 'x', bytes);
	memset(to, 0, bytes);
	for (size_t i = 0; i < n; i++) {
		uint64_t start = bench_now();

		memcpy(shared, from, bytes);
		__asm__ volatile("" ::: "memory");
		memcpy(to, shared, bytes);
		__asm__ volatile("" ::: "memory");
		samples_add(s, bench_now() - start);
	}
	free(from);
	free(to);
	munmap(shared, bytes);
}
