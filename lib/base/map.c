/* SPDX-License-Identifier: MIT */
/*
 * Linear probing with the full hash in each slot, so a probe rarely touches a
 * key. Removal moves later members of the cluster back over the hole instead of
 * leaving a mark: a table that lives for months never gets slower.
 */
#include <base/map.h>

#include <stdbool.h>
#include <string.h>
#include <faas/types.h>

#define MIN_CAPACITY 16u
#define MAX_CAPACITY (1u << 30)

static uint32_t hash_of(const char *key, size_t len)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)key[i]) * 16777619u;
	return hash ^ hash >> 15;
}

/* The slot of the key, or the free slot where it would go. */
static struct fa_map_slot *probe(const struct fa_map *map, const char *key, size_t len,
				 uint32_t hash)
{
	uint32_t mask = map->capacity - 1;

	for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
		struct fa_map_slot *slot = &map->slots[i];

		if (!slot->key)
			return slot;
		if (slot->hash == hash && slot->len == len && !memcmp(slot->key, key, len))
			return slot;
	}
}

static struct fa_map_slot *find(const struct fa_map *map, const char *key, size_t len)
{
	struct fa_map_slot *slot;

	if (!map->count)
		return NULL;
	slot = probe(map, key, len, hash_of(key, len));
	return slot->key ? slot : NULL;
}

static bool grow(struct fa_map *map)
{
	struct fa_map_slot *old = map->slots;
	uint32_t old_capacity = map->capacity;
	uint32_t capacity = old_capacity ? old_capacity * 2 : MIN_CAPACITY;
	struct fa_map_slot *slots;

	if (capacity > MAX_CAPACITY)
		return false;
	slots = fa_alloc(map->mem, capacity * sizeof(*slots));
	if (!slots)
		return false;
	map->slots = slots;
	map->capacity = capacity;
	for (uint32_t i = 0; i < old_capacity; i++)
		if (old[i].key)
			*probe(map, old[i].key, old[i].len, old[i].hash) = old[i];
	fa_free(old);
	return true;
}

void fa_map_init(struct fa_map *map, const struct fa_mem *mem)
{
	*map = (struct fa_map){ .mem = mem };
}

void fa_map_finish(struct fa_map *map)
{
	fa_free(map->slots);
	*map = (struct fa_map){ .mem = map->mem };
}

void *fa_map_get(const struct fa_map *map, const char *key, size_t len)
{
	const struct fa_map_slot *slot = find(map, key, len);

	return slot ? slot->value : NULL;
}

/* A quarter stays free, or probing gets long. */
static bool is_full(const struct fa_map *map, uint32_t count)
{
	return count >= map->capacity / 4 * 3;
}

int fa_map_reserve(struct fa_map *map, uint32_t more)
{
	while (more && is_full(map, map->count + more - 1))
		if (!grow(map))
			return FAAS_ENOMEM;
	return 0;
}

int fa_map_add(struct fa_map *map, const char *key, void *value)
{
	size_t len = strlen(key);

	if (find(map, key, len))
		return FAAS_EEXIST;
	if (fa_map_reserve(map, 1) < 0)
		return FAAS_ENOMEM;

	uint32_t hash = hash_of(key, len);

	*probe(map, key, len, hash) = (struct fa_map_slot){
		.key = key, .hash = hash, .len = (uint32_t)len, .value = value
	};
	map->count++;
	return FAAS_OK;
}

void *fa_map_replace(struct fa_map *map, const char *key, void *value)
{
	struct fa_map_slot *slot = find(map, key, strlen(key));
	void *old;

	if (!slot)
		return NULL;
	old = slot->value;
	slot->key = key;
	slot->value = value;
	return old;
}

/*
 * A later member of the cluster may fill the hole unless its own home lies
 * behind the hole: then moving it there would hide it from probe().
 */
static void close_hole(struct fa_map *map, uint32_t hole)
{
	uint32_t mask = map->capacity - 1;

	for (uint32_t i = (hole + 1) & mask; map->slots[i].key; i = (i + 1) & mask) {
		uint32_t from_home = (i - map->slots[i].hash) & mask;

		if (from_home < ((i - hole) & mask))
			continue;
		map->slots[hole] = map->slots[i];
		hole = i;
	}
	map->slots[hole] = (struct fa_map_slot){ 0 };
}

void *fa_map_remove(struct fa_map *map, const char *key)
{
	struct fa_map_slot *slot = find(map, key, strlen(key));
	void *value;

	if (!slot)
		return NULL;
	value = slot->value;
	close_hole(map, (uint32_t)(slot - map->slots));
	map->count--;
	return value;
}

void *fa_map_next(const struct fa_map *map, uint32_t *pos)
{
	while (*pos < map->capacity) {
		const struct fa_map_slot *slot = &map->slots[(*pos)++];

		if (slot->key)
			return slot->value;
	}
	return NULL;
}
