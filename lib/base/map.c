/* SPDX-License-Identifier: Apache-2.0 */
/* base/map.c - open addressing over an insertion-ordered array.
 *
 * Holds: (1) slots holds, for each live entry, its index in entries plus one.
 *        (2) n_slots is a power of two and at least twice n_entries.
 */
#include "base/map.h"

#include <string.h>

#include "base/mem.h"
#include "base/rand.h"

enum { FREE = 0 };
static const uint32_t REMOVED = UINT32_MAX;

static uint64_t hash_key[2];
static bool has_hash_key;

static inline uint64_t rotl(uint64_t x, int b)
{
	return x << b | x >> (64 - b);
}

/* In registers, which a call would not leave them. */
__attribute__((always_inline)) static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

uint64_t map_hash(struct str key)
{
	uint64_t v[4];
	uint64_t m;
	size_t i = 0;

	if (!has_hash_key) {
		rand_bytes(hash_key, sizeof(hash_key));
		has_hash_key = true;
	}
	v[0] = hash_key[0] ^ 0x736f6d6570736575ULL;
	v[1] = hash_key[1] ^ 0x646f72616e646f6dULL;
	v[2] = hash_key[0] ^ 0x6c7967656e657261ULL;
	v[3] = hash_key[1] ^ 0x7465646279746573ULL;
	for (; i + 8 <= key.n; i += 8) {
		memcpy(&m, key.p + i, 8);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	m = (uint64_t)key.n << 56;
	for (size_t shift = 0; i < key.n; i++, shift += 8) {
		m |= (uint64_t)(unsigned char)key.p[i] << shift;
	}
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	for (int r = 0; r < 3; r++) {
		sip_round(v);
	}
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_fini(struct map *m)
{
	if (!m) {
		return;
	}
	for (size_t i = 0; i < m->n_entries; i++) {
		mem_free((void *)(uintptr_t)m->entries[i].key.p);
	}
	mem_free(m->entries);
	mem_free(m->slots);
	*m = (struct map)MAP_INIT;
}

/* The slot that holds key, or SIZE_MAX. */
static size_t find_slot(const struct map *m, struct str key, uint64_t hash)
{
	if (m->n_slots == 0) {
		return SIZE_MAX;
	}
	for (size_t at = (size_t)hash & (m->n_slots - 1);; at = (at + 1) & (m->n_slots - 1)) {
		uint32_t s = m->slots[at];

		if (s == FREE) {
			return SIZE_MAX;
		}
		if (s != REMOVED && m->entries[s - 1].hash == hash &&
		    str_eq(m->entries[s - 1].key, key)) {
			return at;
		}
	}
}

static void place(uint32_t *slots, size_t n_slots, uint64_t hash, size_t entry)
{
	size_t at = (size_t)hash & (n_slots - 1);

	while (slots[at] != FREE) {
		at = (at + 1) & (n_slots - 1);
	}
	slots[at] = (uint32_t)entry + 1;
}

/* Room for one more entry; squeezes out the holes on the way. */
static enum rc make_room(struct map *m)
{
	size_t cap = m->cap;
	struct map_entry *entries;
	uint32_t *slots;
	size_t live = 0;

	if (m->n_entries < m->cap) {
		return RC_OK;
	}
	if (m->n * 2 >= cap) {
		cap = cap ? cap * 2 : 16;
	}
	if (cap > UINT32_MAX / 4) {
		return RC_NOMEM;
	}
	entries = mem_calloc(cap, sizeof(*entries));
	slots = mem_calloc(cap * 2, sizeof(*slots));
	if (!entries || !slots) {
		mem_free(entries);
		mem_free(slots);
		return RC_NOMEM;
	}
	for (size_t i = 0; i < m->n_entries; i++) {
		if (m->entries[i].key.p) {
			entries[live] = m->entries[i];
			place(slots, cap * 2, entries[live].hash, live);
			live++;
		}
	}
	mem_free(m->entries);
	mem_free(m->slots);
	m->entries = entries;
	m->slots = slots;
	m->cap = cap;
	m->n_slots = cap * 2;
	m->n_entries = live;
	return RC_OK;
}

void *map_get(const struct map *m, struct str key)
{
	size_t at = m->n ? find_slot(m, key, map_hash(key)) : SIZE_MAX;

	return at == SIZE_MAX ? NULL : m->entries[m->slots[at] - 1].value;
}

enum rc map_put(struct map *m, struct str key, void *value)
{
	uint64_t hash = map_hash(key);
	size_t at = find_slot(m, key, hash);
	char *copy;

	MUST(value != NULL);
	if (at != SIZE_MAX) {
		m->entries[m->slots[at] - 1].value = value;
		return RC_OK;
	}
	TRY(make_room(m));
	copy = mem_calloc(key.n + 1, 1);
	if (!copy) {
		return RC_NOMEM;
	}
	if (key.n) {
		memcpy(copy, key.p, key.n);
	}
	m->entries[m->n_entries] = (struct map_entry){
	    .key = str_of(copy, key.n),
	    .value = value,
	    .hash = hash,
	};
	place(m->slots, m->n_slots, hash, m->n_entries);
	m->n_entries++;
	m->n++;
	return RC_OK;
}

void *map_remove(struct map *m, struct str key)
{
	size_t at = m->n ? find_slot(m, key, map_hash(key)) : SIZE_MAX;
	struct map_entry *e;
	void *value;

	if (at == SIZE_MAX) {
		return NULL;
	}
	e = &m->entries[m->slots[at] - 1];
	value = e->value;
	mem_free((void *)(uintptr_t)e->key.p);
	*e = (struct map_entry){0};
	m->slots[at] = REMOVED;
	m->n--;
	return value;
}

const struct map_entry *map_next(const struct map *m, size_t *i)
{
	while (*i < m->n_entries) {
		const struct map_entry *e = &m->entries[(*i)++];

		if (e->key.p) {
			return e;
		}
	}
	return NULL;
}
