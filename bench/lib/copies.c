/* SPDX-License-Identifier: MIT */

/*
 * A payload must be copied where the other side cannot change it any more:
 * once on the way in, once on the way out. Nothing else is in this floor. A
 * function that echoes makes a third copy, from one area to the other.
 */

#include "raw.h"
#include "word.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void copies(size_t bytes, size_t n, bool echo, struct samples *s)
{
	unsigned char *in = shared_pages(bytes), *out = echo ? shared_pages(bytes) : in;
	unsigned char *from = malloc(bytes), *to = malloc(bytes);

	if (!from || !to)
		bench_die("no memory");
	memset(from, 'x', bytes);
	memset(to, 0, bytes);
	for (size_t i = 0; i < n; i++) {
		uint64_t start = bench_now();

		memcpy(in, from, bytes);
		__asm__ volatile("" ::: "memory");
		if (echo)
			memcpy(out, in, bytes);
		__asm__ volatile("" ::: "memory");
		memcpy(to, out, bytes);
		__asm__ volatile("" ::: "memory");
		samples_add(s, bench_now() - start);
	}
	free(from);
	free(to);
	munmap(in, bytes);
	if (echo)
		munmap(out, bytes);
}

void two_copies(size_t bytes, size_t n, struct samples *s)
{
	copies(bytes, n, false, s);
}

void echo_copies(size_t bytes, size_t n, struct samples *s)
{
	copies(bytes, n, true, s);
}
