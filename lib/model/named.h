/* SPDX-License-Identifier: MIT */
#ifndef FA_MODEL_NAMED_H
#define FA_MODEL_NAMED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <base/map.h>

/*
 * What was said of things of one kind: plain structs of one size, whose first member is an
 * array of characters with the name. They are copied in and out. Any thread.
 */
struct fa_named {
	const struct fa_mem *mem;
	size_t size;
	pthread_mutex_t lock;
	struct fa_map map;
	_Atomic int count;
};

void fa_named_init(struct fa_named *all, const struct fa_mem *mem, size_t size);
void fa_named_finish(struct fa_named *all);

/* False: nothing was said of it, and `out` is untouched. */
bool fa_named_get(struct fa_named *all, const char *name, void *out);
/* FAAS_ENOMEM. */
int fa_named_set(struct fa_named *all, const void *one);

/*
 * The same in two steps, for one who changes them at a time, with what may fail in the first: a
 * draft that nobody sees, NULL without memory. What is removed needs no draft.
 */
void *fa_named_draft(struct fa_named *all, const void *one);
void fa_named_adopt(struct fa_named *all, void *draft);
void fa_named_discard(void *draft); /* NULL is fine */
bool fa_named_remove(struct fa_named *all, const char *name); /* whether it was there */

#endif
