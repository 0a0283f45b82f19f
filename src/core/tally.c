/* SPDX-License-Identifier: Apache-2.0 */
/* core/tally.c - sums and sets within a window.
 *
 * Holds:  (1) slots of a sum and nodes of a set are in the order of their `until`.
 *         (2) a set's slots hold each node in use once, reachable from its value without a gap.
 *         (3) a set holds each of its values once.
 */
#include "core/tally.h"

#include <string.h>

#include "base/mem.h"
#include "base/vec.h"

enum { FIRST_NODES = 8 };

uint64_t tally_until(uint64_t window_ms, uint64_t at_unix_ms)
{
	uint64_t step = window_ms > TALLY_SLOTS ? window_ms / TALLY_SLOTS : 1;
	uint64_t end;

	if (window_ms == 0 || __builtin_add_overflow(window_ms, at_unix_ms, &end) ||
	    end > UINT64_MAX - step) {
		return UINT64_MAX;
	}
	return (end + step - 1) / step * step;
}

/* ---- sums ---- */

void tally_sum_fini(struct tally_sum *t)
{
	if (t) {
		mem_free(t->p);
		*t = (struct tally_sum){0};
	}
}

enum rc tally_sum_reserve(struct tally_sum *t)
{
	return vec_reserve(t, 1);
}

void tally_sum_add(struct tally_sum *t, uint64_t until_unix_ms, uint64_t amount)
{
	size_t at = t->n;

	while (at > 0 && t->p[at - 1].until_unix_ms > until_unix_ms) {
		at--; /* hardly ever: time does not run backwards */
	}
	if (at > 0 && t->p[at - 1].until_unix_ms == until_unix_ms) {
		if (__builtin_add_overflow(t->p[at - 1].amount, amount, &t->p[at - 1].amount)) {
			t->p[at - 1].amount = UINT64_MAX;
		}
		return;
	}
	MUST(t->n < t->cap);
	memmove(&t->p[at + 1], &t->p[at], (t->n - at) * sizeof(*t->p));
	t->p[at] = (struct tally_slot){until_unix_ms, amount};
	t->n++;
}

void tally_sum_remove(struct tally_sum *t, uint64_t until_unix_ms, uint64_t amount)
{
	for (size_t i = t->n; i > 0; i--) {
		struct tally_slot *slot = &t->p[i - 1];

		if (slot->until_unix_ms == until_unix_ms) {
			slot->amount = slot->amount > amount ? slot->amount - amount : 0;
			if (slot->amount == 0) {
				vec_remove(t, i - 1);
			}
			return;
		}
	}
}

uint64_t tally_sum_at(const struct tally_sum *t, uint64_t now_unix_ms)
{
	uint64_t sum = 0;

	for (size_t i = t->n; i > 0 && t->p[i - 1].until_unix_ms > now_unix_ms; i--) {
		if (__builtin_add_overflow(sum, t->p[i - 1].amount, &sum)) {
			return UINT64_MAX;
		}
	}
	return sum;
}

void tally_sum_prune(struct tally_sum *t, uint64_t now_unix_ms)
{
	size_t over = 0;

	while (over < t->n && t->p[over].until_unix_ms <= now_unix_ms) {
		over++;
	}
	if (over) {
		memmove(t->p, &t->p[over], (t->n - over) * sizeof(*t->p));
		t->n -= over;
	}
}

/* ---- sets ---- */

void tally_set_fini(struct tally_set *t, struct intern *values)
{
	if (!t) {
		return;
	}
	for (size_t i = 1; i < t->n_nodes; i++) {
		if (t->nodes[i].value) {
			intern_drop(values, t->nodes[i].value);
		}
	}
	mem_free(t->nodes);
	mem_free(t->slots);
	mem_free(t->marks);
	*t = (struct tally_set){0};
}

static size_t home_of(const struct tally_set *t, uint32_t value)
{
	return (value * UINT32_C(2654435761)) & (uint32_t)(t->n_slots - 1);
}

/* The slot that holds value's node, or the free one where it belongs. */
static size_t slot_of(const struct tally_set *t, uint32_t value)
{
	size_t at = home_of(t, value);

	while (t->slots[at] && t->nodes[t->slots[at]].value != value) {
		at = (at + 1) & (t->n_slots - 1);
	}
	return at;
}

static struct tally_node *node_of(const struct tally_set *t, uint32_t value)
{
	uint32_t at = t->n_slots ? t->slots[slot_of(t, value)] : 0;

	return at ? &t->nodes[at] : NULL;
}

static enum rc reserve_slots(struct tally_set *t, size_t need)
{
	uint32_t *old = t->slots;
	size_t n_old = t->n_slots;
	size_t n = n_old ? n_old : FIRST_NODES;

	while (n / 8 * 7 < need) {
		n *= 2;
	}
	if (n == n_old) {
		return RC_OK;
	}
	t->slots = mem_calloc(n, sizeof(*t->slots));
	if (!t->slots) {
		t->slots = old;
		return RC_NOMEM;
	}
	t->n_slots = n;
	for (size_t i = 0; i < n_old; i++) {
		if (old[i]) {
			t->slots[slot_of(t, t->nodes[old[i]].value)] = old[i];
		}
	}
	mem_free(old);
	return RC_OK;
}

enum rc tally_set_reserve(struct tally_set *t, size_t more)
{
	size_t need = t->n + more;
	size_t cap = t->cap ? t->cap : FIRST_NODES;
	struct tally_node *p;
	uint32_t *marks;

	while (cap < need + 1) {
		cap *= 2;
	}
	if (cap != t->cap && t->has_marks) {
		marks = mem_realloc(t->marks, cap, sizeof(*marks));
		if (!marks) {
			return RC_NOMEM;
		}
		t->marks = marks;
	}
	if (cap != t->cap) {
		p = mem_realloc(t->nodes, cap, sizeof(*p));
		if (!p) {
			return RC_NOMEM;
		}
		t->nodes = p;
		t->cap = cap;
		if (t->n_nodes == 0) {
			t->nodes[t->n_nodes++] = (struct tally_node){0};
		}
	}
	return reserve_slots(t, need);
}

static void unlink_node(struct tally_set *t, const struct tally_node *n)
{
	*(n->older ? &t->nodes[n->older].newer : &t->oldest) = n->newer;
	*(n->newer ? &t->nodes[n->newer].older : &t->newest) = n->older;
}

/* (1) */
static void link_node(struct tally_set *t, uint32_t at)
{
	struct tally_node *n = &t->nodes[at];

	n->newer = 0;
	n->older = t->newest;
	while (n->older && t->nodes[n->older].until_unix_ms > n->until_unix_ms) {
		n->newer = n->older; /* hardly ever */
		n->older = t->nodes[n->older].older;
	}
	*(n->older ? &t->nodes[n->older].newer : &t->oldest) = at;
	*(n->newer ? &t->nodes[n->newer].older : &t->newest) = at;
}

static uint32_t take_node(struct tally_set *t)
{
	uint32_t at = t->unused;

	if (at) {
		t->unused = t->nodes[at].newer;
		return at;
	}
	MUST(t->n_nodes < t->cap);
	return (uint32_t)t->n_nodes++;
}

static void renew(struct tally_set *t, uint32_t at, uint64_t until_unix_ms)
{
	struct tally_node *n = &t->nodes[at];

	if (until_unix_ms > n->until_unix_ms) {
		unlink_node(t, n);
		n->until_unix_ms = until_unix_ms;
		link_node(t, at);
	}
}

void tally_set_note(struct tally_set *t, struct intern *values, uint32_t value,
		    uint64_t until_unix_ms)
{
	size_t slot = slot_of(t, value);
	uint32_t at = t->slots[slot];

	if (at) {
		renew(t, at, until_unix_ms);
		return;
	}
	at = take_node(t);
	t->nodes[at] = (struct tally_node){.value = value, .until_unix_ms = until_unix_ms};
	if (t->has_marks) {
		t->marks[at] = 0;
	}
	t->slots[slot] = at;
	t->n++;
	link_node(t, at);
	intern_hold(values, value); /* (3) */
}

void tally_set_add(struct tally_set *t, struct intern *values, uint32_t value,
		   uint64_t until_unix_ms)
{
	struct tally_node *n;

	tally_set_note(t, values, value, until_unix_ms);
	n = node_of(t, value);
	n->takings += n->takings < UINT32_MAX;
}

/* (2): those after it that would become unreachable move up. */
static void remove_slot(struct tally_set *t, size_t hole)
{
	size_t mask = t->n_slots - 1;

	for (size_t at = (hole + 1) & mask; t->slots[at]; at = (at + 1) & mask) {
		size_t home = home_of(t, t->nodes[t->slots[at]].value);

		if (((at - home) & mask) >= ((at - hole) & mask)) {
			t->slots[hole] = t->slots[at];
			hole = at;
		}
	}
	t->slots[hole] = 0;
}

static void remove_node(struct tally_set *t, struct intern *values, struct tally_node *n)
{
	uint32_t value = n->value;

	remove_slot(t, slot_of(t, value));
	unlink_node(t, n);
	*n = (struct tally_node){.newer = t->unused};
	t->unused = (uint32_t)(n - t->nodes);
	t->n--;
	intern_drop(values, value);
}

void tally_set_remove(struct tally_set *t, struct intern *values, uint32_t value,
		      uint64_t until_unix_ms, uint64_t now_unix_ms)
{
	struct tally_node *n = node_of(t, value);

	if (!n || n->takings == 0 || until_unix_ms <= now_unix_ms) {
		return; /* that taking is over */
	}
	n->takings--;
	if (n->takings == 0) {
		remove_node(t, values, n);
	}
}

uint64_t tally_set_until(const struct tally_set *t, uint32_t value)
{
	const struct tally_node *n = value ? node_of(t, value) : NULL;

	return n ? n->until_unix_ms : 0;
}

uint32_t tally_set_takings(const struct tally_set *t, uint32_t value)
{
	const struct tally_node *n = value ? node_of(t, value) : NULL;

	return n ? n->takings : 0;
}

uint32_t tally_set_marks(const struct tally_set *t, uint32_t value)
{
	const struct tally_node *n = value && t->marks ? node_of(t, value) : NULL;

	return n ? t->marks[n - t->nodes] : 0;
}

uint32_t tally_set_mark(struct tally_set *t, uint32_t value, uint32_t marks)
{
	uint32_t had = tally_set_marks(t, value);

	MUST(t->has_marks);
	if (node_of(t, value)) {
		t->marks[node_of(t, value) - t->nodes] |= marks;
	}
	return had;
}

bool tally_set_has(const struct tally_set *t, uint32_t value, uint64_t now_unix_ms)
{
	return tally_set_until(t, value) > now_unix_ms;
}

size_t tally_set_at(const struct tally_set *t, uint64_t now_unix_ms)
{
	size_t n = t->n;

	/* (1): what is over is at the old end, and not much: adding prunes. */
	for (uint32_t at = t->oldest; at && t->nodes[at].until_unix_ms <= now_unix_ms;
	     at = t->nodes[at].newer) {
		n--;
	}
	return n;
}

void tally_set_prune(struct tally_set *t, struct intern *values, uint64_t now_unix_ms)
{
	while (t->oldest && t->nodes[t->oldest].until_unix_ms <= now_unix_ms) {
		remove_node(t, values, &t->nodes[t->oldest]);
	}
}

const struct tally_node *tally_set_next(const struct tally_set *t, const struct tally_node *n)
{
	uint32_t at = n ? n->newer : t->oldest;

	return at ? &t->nodes[at] : NULL;
}

enum rc tally_set_restore(struct tally_set *t, struct intern *values,
			  const struct tally_restored *x, struct err *e)
{
	struct tally_node *n;

	if (tally_set_reserve(t, 1) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a set");
	}
	if (node_of(t, x->value) || x->until_unix_ms == 0 || (x->marks && !t->has_marks) ||
	    (t->newest && t->nodes[t->newest].until_unix_ms > x->until_unix_ms)) {
		FAIL(e, RC_BROKEN, "a set that is not in order, or holds a value twice");
	}
	tally_set_note(t, values, x->value, x->until_unix_ms);
	n = node_of(t, x->value);
	n->takings = x->takings;
	if (t->has_marks) {
		t->marks[n - t->nodes] = x->marks;
	}
	return RC_OK;
}
