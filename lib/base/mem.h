/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_MEM_H
#define FA_BASE_MEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Every allocation of the host side goes through here, so that the host's own
 * realloc callback sees all of it and a test can make the N-th one fail. Each
 * block remembers its allocator: it may be freed after its runtime is gone.
 */
struct fa_mem {
	void *(*realloc)(void *data, void *ptr, size_t old_size, size_t new_size);
	void *data;
	_Atomic bool *ran_out; /* set when there was nothing left; NULL: nobody asks */
};

extern const struct fa_mem fa_mem_libc;

void *fa_alloc(const struct fa_mem *mem, size_t size);       /* zeroed; NULL: out of memory */
void *fa_alloc_dirty(const struct fa_mem *mem, size_t size); /* not zeroed */
char *fa_strdup(const struct fa_mem *mem, const char *text); /* NULL stays NULL */
void *fa_memdup(const struct fa_mem *mem, const void *data, size_t len); /* plus a NUL */
void fa_free(void *ptr);                                     /* NULL is fine */

#endif
