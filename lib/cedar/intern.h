/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/intern.h - small numbers for the uids and types that a policy set names.
 *
 * Numbers are given in the order of adding and begin with 1; 0 means "not named by the set". Tables
 * live in an arena and grow while the set is built; after that they are only read.
 */
#pragma once

#include "base/map.h"
#include "cedar/value.h"

struct cedar_intern_slot {
	uint32_t tag; /* upper half of the hash */
	uint32_t id;  /* 0 = free */
};

struct cedar_uids {
	const struct cedar_uid **list; /* list[id - 1] */
	struct cedar_intern_slot *slots;
	uint32_t n;
	uint32_t cap;
	uint32_t n_slots; /* a power of two, at least twice cap; or 0 */
};

struct cedar_types {
	struct str *list;
	struct cedar_intern_slot *slots;
	uint32_t n;
	uint32_t cap;
	uint32_t n_slots;
};

/* The number of u, new or not. RC_NOMEM: cedar_arena_rc() explains. */
enum rc cedar_uids_add(struct arena *arena, struct cedar_uids *t, const struct cedar_uid *u,
		       uint32_t *ret);
enum rc cedar_types_add(struct arena *arena, struct cedar_types *t, struct str type, uint32_t *ret);
/* The number, or 0. */
uint32_t cedar_uids_find(const struct cedar_uids *t, const struct cedar_uid *u);
uint32_t cedar_types_find(const struct cedar_types *t, struct str type);

/* Maps hold pointers; numbers from 1 go in as such. */
static inline uint32_t cedar_number_get(const struct map *m, struct str key)
{
	return (uint32_t)(uintptr_t)map_get(m, key);
}

static inline enum rc cedar_number_put(struct map *m, struct str key, uint32_t n)
{
	return map_put(m, key, (void *)(uintptr_t)n);
}
