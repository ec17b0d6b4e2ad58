/* SPDX-License-Identifier: MIT */
/*
 * Pages within a block of the host's allocator, so that it is counted and may fail like any
 * other. What the kernel was told of them is taken back before the block is: whoever has it next
 * wants to find it in a core dump. Where there is no such advice, the memory is as any other.
 */
#include <base/hidden.h>

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct head {
	_Alignas(16) void *block;
	size_t size; /* of the pages, with this head */
};

void *fa_hidden_alloc(const struct fa_mem *mem, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), whole;
	struct head *head;
	char *block;

	if (size > SIZE_MAX / 2)
		return NULL;
	whole = (sizeof(*head) + size + page - 1) / page * page;
	block = fa_alloc_dirty(mem, whole + page - 1);
	if (!block)
		return NULL;
	head = (struct head *)(block + (page - (uintptr_t)block % page) % page);
	memset(head, 0, whole);
	head->block = block;
	head->size = whole;
	madvise(head, whole, MADV_DONTDUMP);
	madvise(head, whole, MADV_DONTFORK);
	return head + 1;
}

void fa_hidden_free(void *ptr)
{
	struct head *head = ptr;
	void *block;
	size_t size;

	if (!head)
		return;
	head--;
	block = head->block;
	size = head->size;
	explicit_bzero(head, size);
	madvise(head, size, MADV_DODUMP);
	madvise(head, size, MADV_DOFORK);
	fa_free(block);
}
