/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/decide.c - one request by the index of a set.
 *
 * Trust:  the request and the entities are hostile; the index is ours.
 * Holds:  (1) each rule whose scope holds is looked at once, no other counts.
 *         (2) a condition that many rules share is evaluated once.
 *         (3) conditions say true or false here; where one fails, each of its policies is evaluated
 *             by its own tree, so that what is reported is that policy's own failure.
 *         (4) lists come out ascending.
 */
#include "cedar/authorize.h"
#include "cedar/code.h"
#include "cedar/index.h"

/* The request in the index's numbers. */
struct asked {
	const struct cedar_index *x;
	struct cedar_eval *v;
	struct cedar_gathering *g;
	struct cedar_indexes unclear; /* policies for the tree */
	struct cedar_machine m;	      /* groups, memos and what conditions need */
	uint32_t own[3];	      /* number of its uid, 0 = not named */
	uint32_t types[2];	      /* of principal and resource */
};

enum { BITS = 64 };

static bool has_group(const uint64_t *row, uint32_t id)
{
	return row[id / BITS] >> id % BITS & 1;
}

/* ---- the request in numbers ---- */

static void mark(struct asked *a, unsigned variable, const struct cedar_uid *uid)
{
	const struct cedar_index *x = a->x;
	const struct cedar_node *node = a->v->nodes[variable];
	uint64_t *row = a->m.groups[variable];

	if (!x->has_uids[variable]) {
		return;
	}
	a->own[variable] = cedar_uids_find(&x->uids, uid);
	if (a->own[variable] && a->own[variable] <= x->n_groups) {
		row[a->own[variable] / BITS] |= UINT64_C(1) << a->own[variable] % BITS;
	}
	for (uint32_t i = 0; node && x->has_groups[variable] && i < node->n_ancestors; i++) {
		uint32_t id = cedar_uids_find(&x->uids, node->ancestors[i]);

		if (id && id <= x->n_groups) {
			row[id / BITS] |= UINT64_C(1) << id % BITS;
		}
	}
}

static void number(struct asked *a)
{
	const struct cedar_request *r = a->v->request;
	const struct cedar_index *x = a->x;

	mark(a, CEDAR_PRINCIPAL, r->principal);
	mark(a, CEDAR_ACTION, r->action);
	mark(a, CEDAR_RESOURCE, r->resource);
	if (x->has_types[0]) {
		a->types[0] = cedar_types_find(&x->types, r->principal->type);
	}
	if (x->has_types[1]) {
		a->types[1] = cedar_types_find(&x->types, r->resource->type);
	}
}

/* ---- one rule ---- */

static bool any_of(const uint64_t *row, const uint32_t *list)
{
	for (; *list; list++) {
		if (has_group(row, *list)) {
			return true;
		}
	}
	return false;
}

static bool none_before(const uint64_t *row, const uint32_t *list)
{
	for (list--; *list; list--) {
		if (has_group(row, *list)) {
			return false;
		}
	}
	return true;
}

__attribute__((noinline)) static bool passes_some(const struct asked *a, unsigned variable,
						  uint32_t test)
{
	const uint64_t *row = a->m.groups[variable];
	uint32_t operand = test & cedar_test_operand;

	switch ((enum cedar_test)(test >> CEDAR_TEST_SHIFT)) {
	case CEDAR_TEST_ANY:
		return true;
	case CEDAR_TEST_EQ:
		return a->own[variable] == operand;
	case CEDAR_TEST_IN:
		return has_group(row, operand);
	case CEDAR_TEST_ANY_OF:
		return any_of(row, a->x->lists + operand);
	case CEDAR_TEST_NONE_OF:
		return none_before(row, a->x->lists + operand);
	}
	return false;
}

static inline bool passes(const struct asked *a, unsigned variable, uint32_t test)
{
	return test == 0 || passes_some(a, variable, test);
}

static inline bool is_in_scope(const struct asked *a, const struct cedar_entry *entry)
{
	if ((entry->types[0] && entry->types[0] != a->types[0]) ||
	    (entry->types[1] && entry->types[1] != a->types[1])) {
		return false;
	}
	return passes(a, CEDAR_PRINCIPAL, entry->tests[CEDAR_PRINCIPAL]) &&
	       passes(a, CEDAR_ACTION, entry->tests[CEDAR_ACTION]) &&
	       passes(a, CEDAR_RESOURCE, entry->tests[CEDAR_RESOURCE]);
}

/* What is too deep for code. RC_NOMEM only. */
COLD static enum rc evaluate_tree(struct asked *a, const struct cedar_shared *c,
				  enum cedar_outcome *ret)
{
	bool is_satisfied = false;
	enum rc rc = cedar_conditions_hold(a->v, c->policy, &is_satisfied);

	if (rc == RC_INPUT) {
		*ret = CEDAR_UNCLEAR;
		return RC_OK;
	}
	*ret = is_satisfied ? CEDAR_TRUE : CEDAR_FALSE;
	return rc;
}

static enum rc ask_condition(struct asked *a, uint32_t condition, enum cedar_outcome *ret)
{
	const struct cedar_shared *c = &a->x->conditions[condition - 1];

	if (cedar_machine_order(&a->m, c, ret)) {
		return RC_OK;
	}
	if (c->memo && a->m.memos[c->memo] != CEDAR_UNKNOWN) {
		*ret = (enum cedar_outcome)a->m.memos[c->memo];
		return RC_OK;
	}
	TRY(c->start == cedar_code_tree ? evaluate_tree(a, c, ret)
					: cedar_machine_run(&a->m, c, ret));
	if (c->memo) {
		a->m.memos[c->memo] = (uint8_t)*ret;
	}
	return RC_OK;
}

__attribute__((noinline)) static enum rc add_fan(struct asked *a, const struct cedar_entry *entry,
						 struct cedar_indexes *list)
{
	const uint32_t *fan = a->x->fans + entry->first;
	uint32_t n = entry->n & ~cedar_entry_permit;

	TRY(cedar_indexes_reserve(a->v->arena, list, n));
	for (uint32_t i = 0; i < n; i++) {
		list->p[list->n++] = fan[i];
	}
	return RC_OK;
}

static enum rc visit(struct asked *a, uint32_t from, uint32_t to)
{
	for (const struct cedar_entry *entry = a->x->entries + from; from < to; from++, entry++) {
		bool is_permit = entry->n & cedar_entry_permit;
		enum cedar_outcome outcome = CEDAR_TRUE;

		if (!is_in_scope(a, entry)) {
			continue;
		}
		if (entry->condition) {
			TRY(ask_condition(a, entry->condition, &outcome));
		}
		if (outcome == CEDAR_TRUE) {
			TRY(add_fan(a, entry, is_permit ? &a->g->permits : &a->g->forbids));
		} else if (outcome == CEDAR_UNCLEAR) {
			TRY(add_fan(a, entry, &a->unclear));
		}
	}
	return RC_OK;
}

/* The buckets of one variable: == its uid, and `in` each of its groups. */
static enum rc visit_variable(struct asked *a, unsigned variable)
{
	const struct cedar_index *x = a->x;
	size_t words = cedar_row_words(x);

	if (a->own[variable]) {
		size_t k = cedar_bucket(x, variable, a->own[variable]);

		TRY(visit(a, x->starts[k], x->starts[k + 1]));
	}
	for (size_t w = 0; w < words; w++) {
		uint64_t bits = a->m.groups[variable][w];

		for (; bits; bits &= bits - 1) {
			uint32_t id = (uint32_t)(w * BITS) + (uint32_t)__builtin_ctzll(bits);
			size_t k = cedar_bucket(x, variable, id) + 1;

			TRY(visit(a, x->starts[k], x->starts[k + 1]));
		}
	}
	return RC_OK;
}

/* ---- in order ---- */

enum { FEW = 24 };

static void sort_few(struct cedar_indexes *list)
{
	for (size_t i = 1; i < list->n; i++) {
		uint32_t held = list->p[i];
		size_t j = i;

		for (; j > 0 && list->p[j - 1] > held; j--) {
			list->p[j] = list->p[j - 1];
		}
		list->p[j] = held;
	}
}

/* All indexes are different and below n: a row of bits sorts them in one pass. */
static enum rc sort(struct arena *arena, struct cedar_indexes *list, size_t n)
{
	size_t words = n / BITS + 1;
	size_t out = 0;
	uint64_t *row;

	if (list->n <= FEW) {
		sort_few(list);
		return RC_OK;
	}
	row = arena_alloc_n(arena, words, sizeof(*row));
	if (!row) {
		return RC_NOMEM;
	}
	for (size_t i = 0; i < list->n; i++) {
		row[list->p[i] / BITS] |= UINT64_C(1) << list->p[i] % BITS;
	}
	for (size_t w = 0; w < words; w++) {
		for (uint64_t bits = row[w]; bits; bits &= bits - 1) {
			list->p[out++] = (uint32_t)(w * BITS) + (uint32_t)__builtin_ctzll(bits);
		}
	}
	return RC_OK;
}

enum rc cedar_gather_indexed(const struct cedar_policies *set, struct cedar_eval *v,
			     struct cedar_gathering *g)
{
	struct asked a = {.x = set->index, .v = v, .g = g};

	TRY(cedar_machine_start(&a.m, a.x, v));
	number(&a);
	TRY(visit(&a, a.x->residual, a.x->n_entries));
	for (unsigned variable = 0; variable < 3; variable++) {
		TRY(visit_variable(&a, variable));
	}
	TRY(sort(v->arena, &a.unclear, set->n));
	for (size_t i = 0; i < a.unclear.n; i++) {
		TRY(cedar_gather_policy(set, v, a.unclear.p[i], g));
	}
	TRY(sort(v->arena, &g->permits, set->n));
	return sort(v->arena, &g->forbids, set->n);
}
