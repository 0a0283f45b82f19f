/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/index.c - rules into buckets.
 *
 * Trust:  policies were accepted by the parser; their number is bounded, so are all tables here.
 * Holds:  each rule is in at least one bucket that every request it can match visits, and no
 *         request takes it from two buckets: NONE_OF.
 */
#include "cedar/index.h"

#include "cedar/code.h"
#include "cedar/index_build.h"

static void build_fini(struct cedar_index_build *b)
{
	map_fini(&b->rules_by_key);
	map_fini(&b->lists_by_ids);
	map_fini(&b->conditions_by_hash);
	vec_fini(&b->rules);
	vec_fini(&b->lists);
	vec_fini(&b->ids);
	vec_fini(&b->conditions);
	mem_free(b->next);
	mem_free(b->counts);
}

/* ---- buckets ---- */

/* The buckets that a test would put its rule into, one after another: *step starts at 0. False when
 * there are no more. */
static bool next_bucket(const struct cedar_index_build *b, unsigned variable, uint32_t test,
			uint32_t *step, size_t *ret)
{
	uint32_t operand = test & cedar_test_operand;
	uint32_t i = (*step)++;

	switch ((enum cedar_test)(test >> CEDAR_TEST_SHIFT)) {
	case CEDAR_TEST_EQ:
		*ret = cedar_bucket(b->index, variable, operand);
		return i == 0;
	case CEDAR_TEST_IN:
		*ret = cedar_bucket(b->index, variable, operand) + 1;
		return i == 0;
	case CEDAR_TEST_ANY_OF:
		if (b->lists.p[operand + i] == 0) {
			return false;
		}
		*ret = cedar_bucket(b->index, variable, b->lists.p[operand + i]) + 1;
		return true;
	case CEDAR_TEST_ANY:
	case CEDAR_TEST_NONE_OF:
		break;
	}
	return false;
}

static void count_buckets(struct cedar_index_build *b)
{
	for (size_t i = 0; i < b->rules.n; i++) {
		for (unsigned v = 0; v < 3; v++) {
			uint32_t step = 0;
			size_t k;

			while (next_bucket(b, v, b->rules.p[i].key.tests[v], &step, &k)) {
				b->counts[k]++;
			}
		}
	}
}

/* A rule goes where fewest others could: the variable whose fullest bucket is emptiest. */
static void choose_pivots(struct cedar_index_build *b)
{
	for (size_t i = 0; i < b->rules.n; i++) {
		struct cedar_rule *r = &b->rules.p[i];
		uint32_t best = UINT32_MAX;

		for (unsigned v = 0; v < 3; v++) {
			uint32_t fullest = 0;
			uint32_t step = 0;
			size_t k;

			while (next_bucket(b, v, r->key.tests[v], &step, &k)) {
				fullest = b->counts[k] > fullest ? b->counts[k] : fullest;
			}
			if (fullest && fullest < best) {
				best = fullest;
				r->pivot = v;
			}
		}
	}
}

/* Where each bucket begins, from how many it holds. */
static enum rc lay_out(struct cedar_index_build *b, uint32_t **ret_starts)
{
	uint32_t *starts = arena_alloc_n(b->arena, b->n_buckets + 2, sizeof(*starts));
	size_t k;

	if (!starts) {
		return RC_NOMEM;
	}
	for (size_t i = 0; i < b->rules.n; i++) {
		const struct cedar_rule *r = &b->rules.p[i];
		uint32_t step = 0;

		if (r->pivot == CEDAR_NO_PIVOT) {
			starts[b->n_buckets + 1]++;
			continue;
		}
		while (next_bucket(b, r->pivot, r->key.tests[r->pivot], &step, &k)) {
			starts[k + 1]++;
		}
	}
	for (k = 0; k <= b->n_buckets; k++) {
		starts[k + 1] += starts[k];
	}
	*ret_starts = starts;
	return RC_OK;
}

static struct cedar_entry entry_of(const struct cedar_rule *r, uint32_t first)
{
	struct cedar_entry entry = {
	    .condition = r->key.condition,
	    .first = first,
	    .n = r->n | (r->key.is_permit ? cedar_entry_permit : 0),
	};

	for (unsigned v = 0; v < 3; v++) {
		entry.tests[v] = r->key.tests[v];
	}
	entry.types[0] = r->key.types[0];
	entry.types[1] = r->key.types[1];
	return entry;
}

/* Enters r into its buckets; at says how far each is filled. */
static void enter(struct cedar_index_build *b, const struct cedar_rule *r, uint32_t first,
		  uint32_t *at, struct cedar_entry *entries)
{
	struct cedar_entry entry = entry_of(r, first);
	uint32_t test;
	uint32_t step = 0;
	size_t k;

	if (r->pivot == CEDAR_NO_PIVOT) {
		entries[at[b->n_buckets]++] = entry;
		return;
	}
	test = r->key.tests[r->pivot];
	while (next_bucket(b, r->pivot, test, &step, &k)) {
		entry.tests[r->pivot] = cedar_test_of(CEDAR_TEST_ANY, 0);
		if (step > 1) {
			entry.tests[r->pivot] = cedar_test_of(
			    CEDAR_TEST_NONE_OF, (test & cedar_test_operand) + step - 1);
		}
		entries[at[k]++] = entry;
	}
}

static enum rc fill_buckets(struct cedar_index_build *b)
{
	uint32_t *fans = arena_alloc_n(b->arena, b->n, sizeof(*fans));
	struct cedar_entry *entries;
	uint32_t *starts;
	uint32_t n_fans = 0;

	TRY(lay_out(b, &starts));
	entries = arena_alloc_n(b->arena, starts[b->n_buckets + 1], sizeof(*entries));
	if (!entries || !fans) {
		return RC_NOMEM;
	}
	for (size_t k = 0; k <= b->n_buckets; k++) {
		b->counts[k] = starts[k];
	}
	for (size_t i = 0; i < b->rules.n; i++) {
		const struct cedar_rule *r = &b->rules.p[i];
		uint32_t first = n_fans;

		for (uint32_t policy = r->first; policy; policy = b->next[policy - 1]) {
			fans[n_fans++] = policy - 1;
		}
		enter(b, r, first, b->counts, entries);
	}
	b->index->starts = starts;
	b->index->entries = entries;
	b->index->residual = starts[b->n_buckets];
	b->index->n_entries = starts[b->n_buckets + 1];
	b->index->fans = fans;
	return RC_OK;
}

/* ---- the whole ---- */

/* Conditions of one rule are asked once anyway; only the others need a place to be remembered. */
static enum rc keep_rest(struct cedar_index_build *b)
{
	struct cedar_index *index = b->index;
	struct cedar_shared *conditions =
	    arena_alloc_n(b->arena, b->conditions.n, sizeof(*conditions));
	uint32_t *lists = arena_alloc_n(b->arena, b->lists.n, sizeof(*lists));

	if (!conditions || !lists) {
		return RC_NOMEM;
	}
	index->n_memos = 1;
	for (size_t i = 0; i < b->conditions.n; i++) {
		conditions[i] = b->conditions.p[i];
		conditions[i].memo = conditions[i].n_rules > 1 ? index->n_memos++ : 0;
	}
	for (size_t i = 0; i < b->lists.n; i++) {
		lists[i] = b->lists.p[i];
	}
	index->conditions = conditions;
	index->n_conditions = (uint32_t)b->conditions.n;
	index->lists = lists;
	return cedar_code_new(b->arena, index, conditions, &index->code);
}

static enum rc build(struct cedar_index_build *b)
{
	TRY(cedar_index_number(b));
	b->n_buckets = (size_t)b->index->uids.n * 6;
	b->next = mem_calloc(b->n + 1, sizeof(*b->next));
	b->counts = mem_calloc(b->n_buckets + 1, sizeof(*b->counts));
	if (!b->next || !b->counts) {
		return RC_NOMEM;
	}
	TRY(cedar_index_rules(b));
	count_buckets(b);
	choose_pivots(b);
	TRY(fill_buckets(b));
	return keep_rest(b);
}

enum rc cedar_index_new(struct arena *arena, const struct cedar_policy *const *policies, size_t n,
			const struct cedar_index **ret)
{
	CLEANUP(build_fini)
	struct cedar_index_build b = {.arena = arena, .policies = policies, .n = n};

	b.index = arena_alloc(arena, sizeof(*b.index));
	if (!b.index) {
		return RC_NOMEM;
	}
	TRY(build(&b));
	*ret = b.index;
	return RC_OK;
}
