/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_HIDDEN_H
#define FA_BASE_HIDDEN_H

#include <base/mem.h>

/*
 * Memory for what nobody else may see: in no core dump of this process, not there in a child
 * that it forks, and wiped when it goes. It takes whole pages, so it is for few things. Any
 * thread.
 */
void *fa_hidden_alloc(const struct fa_mem *mem, size_t size); /* zeroed; NULL: out of memory */
void fa_hidden_free(void *ptr);                               /* NULL is fine */

#endif
