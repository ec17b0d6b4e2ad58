/* SPDX-License-Identifier: MIT */
#ifndef TEST_THREAD_MEMORY_H
#define TEST_THREAD_MEMORY_H

#include <stddef.h>

/* The symbol `thread_memory` of the plugin thread_memory.so. */
struct thread_memory {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t n, size_t size);
	void *(*realloc)(void *ptr, size_t size);
	void *(*reallocarray)(void *ptr, size_t n, size_t size);
	void (*free)(void *ptr);
	int (*posix_memalign)(void **out, size_t alignment, size_t size);
	void *(*aligned_alloc)(size_t alignment, size_t size);
	void *(*memalign)(size_t alignment, size_t size);
	char *(*strdup)(const char *text);
	char *(*strndup)(const char *text, size_t max);
	void *(*constructed)(void); /* what its constructor took */
	/* not called but pointed at */
	void *(*malloc_itself)(size_t size);
	void (*free_itself)(void *ptr);
};

#endif
