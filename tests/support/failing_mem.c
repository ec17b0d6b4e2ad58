/* SPDX-License-Identifier: MIT */
/*
 * Each block carries its true size in front, so that a caller who misremembers
 * it is found out; the sixteen bytes keep the alignment malloc() promises.
 */
#include <support/failing_mem.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 16

static size_t *true_size(void *ptr)
{
	return (size_t *)((char *)ptr - HEAD);
}

static bool refuse(struct failing_mem *fm)
{
	fm->calls++;
	if (!fm->fail_at || fm->calls < fm->fail_at)
		return false;
	if (fm->calls > fm->fail_at && !fm->and_all_after)
		return false;
	fm->failed++;
	return true;
}

static void release(struct failing_mem *fm, void *ptr, size_t size)
{
	if (!ptr)
		return;
	if (*true_size(ptr) != size)
		fm->wrong_size = true;
	fm->blocks--;
	fm->bytes -= *true_size(ptr);
	memset(ptr, 0xdd, *true_size(ptr)); /* so that use after free shows without a sanitizer */
	free(true_size(ptr));
}

static void *obtain(struct failing_mem *fm, size_t size)
{
	char *block;

	if (refuse(fm) || size > SIZE_MAX - HEAD)
		return NULL;
	block = malloc(HEAD + size);
	if (!block)
		return NULL;
	*(size_t *)block = size;
	memset(block + HEAD, 0xaa, size);
	fm->blocks++;
	fm->bytes += size;
	return block + HEAD;
}

static void *exchange(struct failing_mem *fm, void *ptr, size_t old_size, size_t new_size)
{
	void *fresh = NULL;

	if (new_size) {
		fresh = obtain(fm, new_size);
		if (!fresh)
			return NULL;
		if (ptr)
			memcpy(fresh, ptr, old_size < new_size ? old_size : new_size);
	}
	release(fm, ptr, old_size);
	return fresh;
}

void *failing_realloc(void *data, void *ptr, size_t old_size, size_t new_size)
{
	struct failing_mem *fm = data;
	void *fresh;

	pthread_mutex_lock(&fm->lock);
	fresh = exchange(fm, ptr, old_size, new_size);
	pthread_mutex_unlock(&fm->lock);
	return fresh;
}

void failing_mem_init(struct failing_mem *fm)
{
	*fm = (struct failing_mem){
		.mem = { .realloc = failing_realloc, .data = fm },
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
}

void failing_mem_fail_at(struct failing_mem *fm, size_t n, bool and_all_after)
{
	pthread_mutex_lock(&fm->lock);
	fm->calls = fm->failed = 0;
	fm->and_all_after = and_all_after;
	fm->fail_at = n;
	pthread_mutex_unlock(&fm->lock);
}

void failing_mem_recover(struct failing_mem *fm)
{
	pthread_mutex_lock(&fm->lock);
	fm->fail_at = 0;
	pthread_mutex_unlock(&fm->lock);
}

bool failing_mem_has_failed(struct failing_mem *fm)
{
	bool failed;

	pthread_mutex_lock(&fm->lock);
	failed = fm->failed > 0;
	pthread_mutex_unlock(&fm->lock);
	return failed;
}

bool failing_mem_clean(const struct failing_mem *fm)
{
	return !fm->blocks && !fm->bytes && !fm->wrong_size;
}
