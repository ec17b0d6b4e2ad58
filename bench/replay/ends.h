/* SPDX-License-Identifier: MIT */
#ifndef BENCH_ENDS_H
#define BENCH_ENDS_H

#include <stdint.h>

#include <env/policy.h>

/* The work that goes on, by its end: a heap. */
struct work {
	int64_t end_ns, begin_ns;
	int function;
	struct fa_turn turn;
};

struct ends {
	struct work *heap;
	int count, room;
};

void ends_push(struct ends *ends, const struct work *work);
struct work ends_pop(struct ends *ends);

static inline int64_t ends_next(const struct ends *ends)
{
	return ends->count ? ends->heap[0].end_ns : INT64_MAX;
}

#endif
