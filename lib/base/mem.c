/* SPDX-License-Identifier: MIT */
/*
 * A small head in front of each block remembers who gave it and how large it
 * was, so that fa_free() needs neither: what the host is handed may outlive
 * the runtime that allocated it.
 */
#include <base/mem.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct head {
	_Alignas(16) struct fa_mem mem;
	size_t size; /* of the whole block, this head included */
};

static void *libc_realloc(void *data, void *ptr, size_t old_size, size_t new_size)
{
	(void)data;
	(void)old_size;
	if (!ptr)
		return malloc(new_size);
	if (new_size)
		return realloc(ptr, new_size);
	free(ptr);
	return NULL;
}

const struct fa_mem fa_mem_libc = { .realloc = libc_realloc };

void *fa_alloc_dirty(const struct fa_mem *mem, size_t size)
{
	struct head *head;

	if (size > SIZE_MAX - sizeof(*head))
		return NULL;
	head = mem->realloc(mem->data, NULL, 0, sizeof(*head) + size);
	if (!head) {
		if (mem->ran_out)
			atomic_store(mem->ran_out, true);
		return NULL;
	}
	head->mem = *mem;
	head->size = sizeof(*head) + size;
	return head + 1;
}

void *fa_alloc(const struct fa_mem *mem, size_t size)
{
	void *ptr = fa_alloc_dirty(mem, size);

	return ptr ? memset(ptr, 0, size) : NULL;
}

void *fa_memdup(const struct fa_mem *mem, const void *data, size_t len)
{
	char *copy = len < SIZE_MAX ? fa_alloc_dirty(mem, len + 1) : NULL;

	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, data, len);
	copy[len] = '\0';
	return copy;
}

char *fa_strdup(const struct fa_mem *mem, const char *text)
{
	return text ? fa_memdup(mem, text, strlen(text)) : NULL;
}

void fa_free(void *ptr)
{
	struct head *head = ptr;

	if (!head)
		return;
	head--;
	/* The callback overwrites what it frees: call through a copy. */
	const struct fa_mem mem = head->mem;

	mem.realloc(mem.data, head, head->size, 0);
}
