/* SPDX-License-Identifier: MIT */
#ifndef TEST_FAILING_MEM_H
#define TEST_FAILING_MEM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <base/mem.h>

/*
 * An allocator that runs out on demand and keeps books. Give `mem` to the code
 * under test, or failing_realloc() and the struct itself to faas_create().
 * Any thread may use it.
 *
 *   struct failing_mem fm;
 *   for (size_t n = 1; ; n++) {
 *           failing_mem_init(&fm);
 *           fm.fail_at = n;
 *           ... run the scenario ...
 *           assert_true(failing_mem_clean(&fm));
 *           if (!fm.failed)
 *                   break;    the scenario needs fewer than n allocations
 *   }
 */
struct failing_mem {
	struct fa_mem mem;
	size_t fail_at;   /* the n-th allocation from now fails, from 1; 0: none */
	bool and_all_after;
	size_t calls;     /* allocations asked for */
	size_t failed;    /* of them refused */
	size_t blocks;    /* alive */
	size_t bytes;     /* in them */
	bool wrong_size;  /* something was freed with a size it never had */
	pthread_mutex_t lock;
};

void failing_mem_init(struct failing_mem *fm);
/* The n-th allocation from now fails, perhaps with all after it; 0: none does. Any time. */
void failing_mem_fail_at(struct failing_mem *fm, size_t n, bool and_all_after);
/* None fails from now on; those that did count. */
void failing_mem_recover(struct failing_mem *fm);
bool failing_mem_has_failed(struct failing_mem *fm); /* since fail_at() */
void *failing_realloc(void *data, void *ptr, size_t old_size, size_t new_size);
/* Everything was given back, with the right sizes. */
bool failing_mem_clean(const struct failing_mem *fm);

#endif
