/* SPDX-License-Identifier: Apache-2.0 */
/* core/intern.c - open addressing over numbered texts.
 *
 * Holds:  (1) slots holds each number in use once, reachable from its hash without a gap.
 *         (2) n_slots is 0 or a power of two and more than the live texts by a third.
 */
#include "core/intern.h"

#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"

enum { FIRST_SLOTS = 64 };

void intern_fini(struct intern *t)
{
	if (!t) {
		return;
	}
	for (size_t i = 1; i < t->n; i++) {
		mem_free(t->texts[i].p);
	}
	mem_free(t->texts);
	mem_free(t->slots);
	*t = (struct intern){0};
}

struct str intern_text(const struct intern *t, uint32_t id)
{
	MUST(id > 0 && id < t->n && t->texts[id].p);
	return str_of(t->texts[id].p, t->texts[id].n);
}

static size_t home_of(const struct intern *t, uint32_t id)
{
	return (size_t)map_hash(intern_text(t, id)) & (t->n_slots - 1);
}

/* The slot that holds text, or the free one where it belongs. */
static size_t slot_of(const struct intern *t, struct str text)
{
	size_t at = (size_t)map_hash(text) & (t->n_slots - 1);

	while (t->slots[at] && !str_eq(intern_text(t, t->slots[at]), text)) {
		at = (at + 1) & (t->n_slots - 1);
	}
	return at;
}

uint32_t intern_find(const struct intern *t, struct str text)
{
	return t->n_slots ? t->slots[slot_of(t, text)] : INTERN_NONE;
}

/* (2) */
static enum rc grow_slots(struct intern *t)
{
	size_t n = t->n_slots ? t->n_slots : FIRST_SLOTS;
	uint32_t *old = t->slots;
	size_t n_old = t->n_slots;

	if (t->n_slots && (t->n_live + 1) * 4 <= t->n_slots * 3) {
		return RC_OK;
	}
	n = t->n_slots ? n * 2 : n;
	t->slots = mem_calloc(n, sizeof(*t->slots));
	if (!t->slots) {
		t->slots = old;
		return RC_NOMEM;
	}
	t->n_slots = n;
	for (size_t i = 0; i < n_old; i++) {
		if (old[i]) {
			t->slots[slot_of(t, intern_text(t, old[i]))] = old[i];
		}
	}
	mem_free(old);
	return RC_OK;
}

static enum rc grow_texts(struct intern *t)
{
	size_t cap = t->cap ? t->cap * 2 : FIRST_SLOTS;
	struct interned *p;

	if (t->unused || t->n < t->cap) {
		return RC_OK;
	}
	p = mem_realloc(t->texts, cap, sizeof(*p));
	if (!p) {
		return RC_NOMEM;
	}
	t->texts = p;
	t->cap = cap;
	if (t->n == 0) {
		t->texts[t->n++] = (struct interned){0}; /* INTERN_NONE */
	}
	return RC_OK;
}

static uint32_t take_number(struct intern *t)
{
	uint32_t id = t->unused;

	if (id) {
		t->unused = t->texts[id].held;
		return id;
	}
	return (uint32_t)t->n++;
}

enum rc intern_add(struct intern *t, struct str text, uint32_t *ret, struct err *e)
{
	uint32_t id = intern_find(t, text);
	char *p;

	if (id) {
		intern_hold(t, id);
		*ret = id;
		return RC_OK;
	}
	if (t->n_live >= LIMIT_INTERNED || text.n > UINT32_MAX) {
		FAIL(e, RC_LIMIT, "more than %d different targets in the state", LIMIT_INTERNED);
	}
	p = mem_calloc(text.n + 1, 1);
	if (!p || grow_texts(t) != RC_OK || grow_slots(t) != RC_OK) {
		mem_free(p);
		FAIL(e, RC_NOMEM, "no memory for a target in the state");
	}
	if (text.n) {
		memcpy(p, text.p, text.n);
	}
	id = take_number(t);
	t->texts[id] = (struct interned){.p = p, .n = (uint32_t)text.n, .held = 1};
	t->slots[slot_of(t, text)] = id;
	t->n_live++;
	*ret = id;
	return RC_OK;
}

void intern_hold(struct intern *t, uint32_t id)
{
	MUST(id > 0 && id < t->n && t->texts[id].p && t->texts[id].held < UINT32_MAX);
	t->texts[id].held++;
}

/* (1): those after it that would become unreachable move up. */
static void remove_slot(struct intern *t, size_t hole)
{
	size_t mask = t->n_slots - 1;

	for (size_t at = (hole + 1) & mask; t->slots[at]; at = (at + 1) & mask) {
		size_t home = home_of(t, t->slots[at]);

		if (((at - home) & mask) >= ((at - hole) & mask)) {
			t->slots[hole] = t->slots[at];
			hole = at;
		}
	}
	t->slots[hole] = INTERN_NONE;
}

void intern_drop(struct intern *t, uint32_t id)
{
	MUST(id > 0 && id < t->n && t->texts[id].p && t->texts[id].held > 0);
	if (--t->texts[id].held) {
		return;
	}
	remove_slot(t, slot_of(t, intern_text(t, id)));
	mem_free(t->texts[id].p);
	t->texts[id] = (struct interned){.held = t->unused};
	t->unused = id;
	t->n_live--;
}
