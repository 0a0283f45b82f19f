/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/intern.c - small numbers for uids and types.
 *
 * Trust:  what is looked up is hostile; what is added comes from accepted policies.
 * Holds:  (1) a number stands for one uid or type: hashes only narrow the search.
 *         (2) lookups cannot make a chain longer, so a cheap hash does for types.
 */
#include "cedar/intern.h"

enum { FIRST_CAP = 8, FEW_TYPES = 4 };

/* ---- uids ---- */

static void place(struct cedar_intern_slot *slots, uint32_t n_slots, uint64_t hash, uint32_t id)
{
	size_t at = (size_t)hash & (n_slots - 1);

	while (slots[at].id) {
		at = (at + 1) & (n_slots - 1);
	}
	slots[at] = (struct cedar_intern_slot){.tag = (uint32_t)(hash >> 32), .id = id};
}

uint32_t cedar_uids_find(const struct cedar_uids *t, const struct cedar_uid *u)
{
	const uint32_t tag = (uint32_t)(u->hash >> 32);

	if (t->n == 0) {
		return 0;
	}
	for (size_t at = (size_t)u->hash & (t->n_slots - 1);; at = (at + 1) & (t->n_slots - 1)) {
		const struct cedar_intern_slot *s = &t->slots[at];

		if (s->id == 0) {
			return 0;
		}
		if (s->tag == tag && cedar_same_uid(t->list[s->id - 1], u)) {
			return s->id;
		}
	}
}

static enum rc grow_uids(struct arena *arena, struct cedar_uids *t)
{
	uint32_t cap = t->cap ? t->cap * 2 : FIRST_CAP;
	const struct cedar_uid **list = arena_alloc_n(arena, cap, sizeof(struct cedar_uid *));
	struct cedar_intern_slot *slots = arena_alloc_n(arena, (size_t)cap * 2, sizeof(*slots));

	if (!list || !slots) {
		return RC_NOMEM;
	}
	for (uint32_t i = 0; i < t->n; i++) {
		list[i] = t->list[i];
		place(slots, cap * 2, list[i]->hash, i + 1);
	}
	t->list = list;
	t->slots = slots;
	t->cap = cap;
	t->n_slots = cap * 2;
	return RC_OK;
}

enum rc cedar_uids_add(struct arena *arena, struct cedar_uids *t, const struct cedar_uid *u,
		       uint32_t *ret)
{
	*ret = cedar_uids_find(t, u);
	if (*ret) {
		return RC_OK;
	}
	if (t->n == t->cap) {
		TRY(grow_uids(arena, t));
	}
	t->list[t->n++] = u;
	place(t->slots, t->n_slots, u->hash, t->n);
	*ret = t->n;
	return RC_OK;
}

/* ---- types ---- */

/* FNV-1a: see invariant 2. */
static uint64_t mix(struct str s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < s.n; i++) {
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	}
	return h;
}

uint32_t cedar_types_find(const struct cedar_types *t, struct str type)
{
	uint64_t hash;

	if (t->n <= FEW_TYPES) {
		for (uint32_t i = 0; i < t->n; i++) {
			if (t->list[i].n == type.n &&
			    cedar_same_bytes(t->list[i].p, type.p, type.n)) {
				return i + 1;
			}
		}
		return 0;
	}
	hash = mix(type);
	for (size_t at = (size_t)hash & (t->n_slots - 1);; at = (at + 1) & (t->n_slots - 1)) {
		const struct cedar_intern_slot *s = &t->slots[at];

		if (s->id == 0) {
			return 0;
		}
		if (s->tag == (uint32_t)(hash >> 32) && str_eq(t->list[s->id - 1], type)) {
			return s->id;
		}
	}
}

static enum rc grow_types(struct arena *arena, struct cedar_types *t)
{
	uint32_t cap = t->cap ? t->cap * 2 : FIRST_CAP;
	struct str *list = arena_alloc_n(arena, cap, sizeof(*list));
	struct cedar_intern_slot *slots = arena_alloc_n(arena, (size_t)cap * 2, sizeof(*slots));

	if (!list || !slots) {
		return RC_NOMEM;
	}
	for (uint32_t i = 0; i < t->n; i++) {
		list[i] = t->list[i];
		place(slots, cap * 2, mix(list[i]), i + 1);
	}
	t->list = list;
	t->slots = slots;
	t->cap = cap;
	t->n_slots = cap * 2;
	return RC_OK;
}

enum rc cedar_types_add(struct arena *arena, struct cedar_types *t, struct str type, uint32_t *ret)
{
	*ret = cedar_types_find(t, type);
	if (*ret) {
		return RC_OK;
	}
	if (t->n == t->cap) {
		TRY(grow_types(arena, t));
	}
	t->list[t->n++] = type;
	place(t->slots, t->n_slots, mix(type), t->n);
	*ret = t->n;
	return RC_OK;
}
