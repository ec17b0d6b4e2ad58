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

int fa_named_set(struct fa_named *all, const void *one)
{
	char *copy = fa_memdup(all->mem, one, all->size), *old;
	int rc = 0;

	if (!copy)
		return FAAS_ENOMEM;
	pthread_mutex_lock(&all->lock);
	old = fa_map_replace(&all->map, copy, copy);
	if (!old)
		rc = fa_map_add(&all->map, copy, copy);
	if (!old && !rc)
		atomic_fetch_add(&all->count, 1);
	pthread_mutex_unlock(&all->lock);
	fa_free(rc ? copy : old);
	return rc;
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
