/* SPDX-License-Identifier: MIT */
#include <base/arena.h>

#include <stdint.h>
#include <string.h>

#define BLOCK 4000
#define ALIGN 16

struct fa_arena_block {
	_Alignas(ALIGN) struct fa_arena_block *next;
};

void *fa_arena_alloc(struct fa_arena *arena, size_t size)
{
	struct fa_arena_block *block;
	void *out;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = size / ALIGN * ALIGN + ALIGN; /* and never nothing */
	if (size > arena->left) {
		arena->left = size > BLOCK ? size : BLOCK;
		block = fa_alloc(arena->mem, sizeof(*block) + arena->left);
		if (!block) {
			arena->left = 0;
			return NULL;
		}
		block->next = arena->blocks;
		arena->blocks = block;
		arena->at = (char *)(block + 1);
	}
	out = arena->at;
	arena->at += size;
	arena->left -= size;
	return out;
}

char *fa_arena_text(struct fa_arena *arena, const char *text, size_t len)
{
	char *copy = fa_arena_alloc(arena, len + 1);

	if (copy && len)
		memcpy(copy, text, len);
	return copy;
}

void fa_arena_finish(struct fa_arena *arena)
{
	while (arena->blocks) {
		struct fa_arena_block *block = arena->blocks;

		arena->blocks = block->next;
		fa_free(block);
	}
	arena->at = NULL;
	arena->left = 0;
}
