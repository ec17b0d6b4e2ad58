/* SPDX-License-Identifier: MIT */
#ifndef FA_BASE_MAP_H
#define FA_BASE_MAP_H

#include <stdint.h>
#include <base/mem.h>

/*
 * Strings to pointers; open addressing, power-of-two table, tombstone-free
 * deletion by backward shift. Keys are borrowed from the values that own them.
 * Not thread-safe.
 */
struct fa_map_slot {
	const char *key;
	uint32_t hash, len;
	void *value;
};

struct fa_map {
	const struct fa_mem *mem;
	struct fa_map_slot *slots;
	uint32_t count, capacity;
};

void fa_map_init(struct fa_map *map, const struct fa_mem *mem);
void fa_map_finish(struct fa_map *map);
void *fa_map_get(const struct fa_map *map, const char *key, size_t len);
/* 0, FAAS_EEXIST or FAAS_ENOMEM. `key` lives as long as the entry. */
int fa_map_add(struct fa_map *map, const char *key, void *value);
/* Room for so many more: as many additions do not fail. FAAS_ENOMEM. */
int fa_map_reserve(struct fa_map *map, uint32_t more);
/* Exchange the value (and the borrowed key) of an entry; returns the old value, NULL if none. */
void *fa_map_replace(struct fa_map *map, const char *key, void *value);
void *fa_map_remove(struct fa_map *map, const char *key);

/* Iterate: start with *pos = 0; NULL at the end. The map must not change meanwhile. */
void *fa_map_next(const struct fa_map *map, uint32_t *pos);

#endif
