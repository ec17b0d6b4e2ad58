/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_ARENA_H
#define FA_BASE_ARENA_H

#include <base/mem.h>

/* Many small things that end together. A zeroed one with `mem` set is empty. Not thread-safe. */
struct fa_arena {
	const struct fa_mem *mem;
	struct fa_arena_block *blocks;
	char *at;
	size_t left;
};

/* Zeroed, aligned for anything; lives as long as the arena. NULL: out of memory. */
void *fa_arena_alloc(struct fa_arena *arena, size_t size);
/* The bytes and a NUL. */
char *fa_arena_text(struct fa_arena *arena, const char *text, size_t len);
void fa_arena_finish(struct fa_arena *arena);

#endif
