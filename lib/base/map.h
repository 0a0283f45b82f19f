/* SPDX-License-Identifier: Apache-2.0 */
/* base/map.h - byte-string keys to pointers, keyed SipHash, iterated in insertion order.
 *
 * Order never depends on memory addresses or on the hash key, so a fold over a map is
 * deterministic. Keys are copied by the map; values are the caller's. A removed entry keeps its
 * place in the order until the map next grows.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct map_entry {
	struct str key; /* p == NULL: removed */
	void *value;
	uint64_t hash;
};

struct map {
	struct map_entry *entries; /* insertion order, with holes */
	uint32_t *slots;	   /* index into entries plus one; 0 = free; UINT32_MAX = removed */
	size_t n_entries;	   /* used places in entries, holes included */
	size_t n;		   /* live entries */
	size_t cap;		   /* places in entries */
	size_t n_slots;
};

#define MAP_INIT                                                                                   \
	{                                                                                          \
		0                                                                                  \
	}
#define AUTO_MAP CLEANUP(map_fini) struct map

void map_fini(struct map *m);
/* The value, or NULL when absent. Values stored are never NULL. */
void *map_get(const struct map *m, struct str key);
/* Adds or replaces. RC_NOMEM leaves the map as it was. */
enum rc map_put(struct map *m, struct str key, void *value);
/* Removes key; returns the value that was there, or NULL. */
void *map_remove(struct map *m, struct str key);
/* Iteration: size_t i = 0; while ((e = map_next(m, &i))) ... Removing during it is allowed. */
const struct map_entry *map_next(const struct map *m, size_t *i);
/* Keyed SipHash-1-3 with the process's random key. Not for anything that is stored. */
uint64_t map_hash(struct str key);
