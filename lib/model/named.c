/* SPDX-License-Identifier: MIT */
/* Most programs name nothing: that there is nothing is seen without the lock. */
#include <model/named.h>

#include <string.h>

#include <faas/types.h>

void fa_named_init(struct fa_named *all, const struct fa_mem *mem, size_t size)
{
	all->mem = mem;
	all->size = size;
	pthread_mutex_init(&all->lock, NULL);
	fa_map_init(&all->map, mem);
}

void fa_named_finish(struct fa_named *all)
{
	uint32_t pos = 0;
	void *one;

	while ((one = fa_map_next(&all->map, &pos)))
		fa_free(one);
	fa_map_finish(&all->map);
	pthread_mutex_destroy(&all->lock);
}

bool fa_named_get(struct fa_named *all, const char *name, void *out)
{
	const void *found;

	if (!atomic_load(&all->count))
		return false;
	pthread_mutex_lock(&all->lock);
	found = fa_map_get(&all->map, name, strlen(name));
	if (found)
		memcpy(out, found, all->size);
	pthread_mutex_unlock(&all->lock);
	return found;
}

void *fa_named_draft(struct fa_named *all, const void *one)
{
	void *draft = fa_memdup(all->mem, one, all->size);
	int rc;

	pthread_mutex_lock(&all->lock);
	rc = draft ? fa_map_reserve(&all->map, 1) : 0;
	pthread_mutex_unlock(&all->lock);
	if (!rc)
		return draft;
	fa_free(draft);
	return NULL;
}

void fa_named_adopt(struct fa_named *all, void *draft)
{
	void *old;

	pthread_mutex_lock(&all->lock);
	old = fa_map_replace(&all->map, draft, draft);
	if (!old) {
		fa_map_add(&all->map, draft, draft); /* there is room */
		atomic_fetch_add(&all->count, 1);
	}
	pthread_mutex_unlock(&all->lock);
	fa_free(old);
}

void fa_named_discard(void *draft)
{
	fa_free(draft);
}

int fa_named_set(struct fa_named *all, const void *one)
{
	void *draft = fa_named_draft(all, one);

	if (draft)
		fa_named_adopt(all, draft);
	return draft ? 0 : FAAS_ENOMEM;
}

bool fa_named_remove(struct fa_named *all, const char *name)
{
	void *old;

	pthread_mutex_lock(&all->lock);
	old = fa_map_remove(&all->map, name);
	if (old)
		atomic_fetch_sub(&all->count, 1);
	pthread_mutex_unlock(&all->lock);
	fa_free(old);
	return old;
}
