/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/index_rules.c - from policies to rules: what is the same becomes one.
 *
 * Trust:  policies were accepted by the parser.
 * Holds:  each policy is in exactly one rule, except those whose scope never holds
 *         (`action in []`), which are in none.
 */
#include "cedar/index_build.h"
#include "cedar/same.h"

/* ---- numbers for uids ---- */

static bool is_group(const struct cedar_scope *s)
{
	return s->op == CEDAR_SCOPE_IN || s->op == CEDAR_SCOPE_IN_LIST ||
	       s->op == CEDAR_SCOPE_IS_IN;
}

static enum rc number_uids(struct cedar_index_build *b, bool are_groups)
{
	for (size_t i = 0; i < b->n; i++) {
		for (unsigned v = 0; v < 3; v++) {
			const struct cedar_scope *s = &b->policies[i]->scope[v];
			uint32_t id;

			for (size_t k = 0; k < s->n_uids && is_group(s) == are_groups; k++) {
				b->index->has_uids[v] = true;
				b->index->has_groups[v] |= are_groups;
				TRY(cedar_uids_add(b->arena, &b->index->uids, s->uids[k], &id));
			}
		}
	}
	return RC_OK;
}

/* `principal in Group::"g"` in conditions asks what scopes ask. */
static enum rc number_groups_of(struct cedar_index_build *b, const struct cedar_expr *x)
{
	bool is_in = x->kind == CEDAR_EXPR_IN || (x->kind == CEDAR_EXPR_IS && x->n_args == 2);
	uint32_t id;

	if (x->constant) {
		return RC_OK;
	}
	if (is_in && x->args[0]->kind == CEDAR_EXPR_VARIABLE && x->args[1]->constant &&
	    x->args[0]->variable != CEDAR_CONTEXT && x->args[1]->constant->type == CEDAR_ENTITY) {
		b->index->has_uids[x->args[0]->variable] = true;
		b->index->has_groups[x->args[0]->variable] = true;
		return cedar_uids_add(b->arena, &b->index->uids, x->args[1]->constant->uid, &id);
	}
	for (uint32_t i = 0; i < x->n_args; i++) {
		TRY(number_groups_of(b, x->args[i]));
	}
	return RC_OK;
}

static enum rc number_conditions(struct cedar_index_build *b)
{
	for (size_t i = 0; i < b->n; i++) {
		for (size_t k = 0; k < b->policies[i]->n_conditions; k++) {
			TRY(number_groups_of(b, b->policies[i]->conditions[k].body));
		}
	}
	return RC_OK;
}

enum rc cedar_index_number(struct cedar_index_build *b)
{
	TRY(number_uids(b, true));
	TRY(number_conditions(b));
	b->index->n_groups = b->index->uids.n;
	return number_uids(b, false);
}

/* ---- rules ---- */

static int by_number(const void *a, const void *b, void *context)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	(void)context; /* numbers need none */
	return (x > y) - (x < y);
}

/* Puts the list's numbers into b->ids, ascending and each once. */
static enum rc read_list(struct cedar_index_build *b, const struct cedar_scope *s)
{
	size_t kept = 0;

	b->ids.n = 0;
	for (size_t i = 0; i < s->n_uids; i++) {
		TRY(vec_push(&b->ids, cedar_uids_find(&b->index->uids, s->uids[i])));
	}
	cedar_sort(b->ids.p, b->ids.n, sizeof(*b->ids.p), by_number, NULL);
	for (size_t i = 0; i < b->ids.n; i++) {
		if (kept == 0 || b->ids.p[kept - 1] != b->ids.p[i]) {
			b->ids.p[kept++] = b->ids.p[i];
		}
	}
	b->ids.n = kept;
	return RC_OK;
}

/* Where lists has the numbers of b->ids. */
static enum rc keep_list(struct cedar_index_build *b, uint32_t *ret)
{
	struct str key = str_of(b->ids.p, b->ids.n * sizeof(*b->ids.p));

	*ret = cedar_number_get(&b->lists_by_ids, key);
	if (*ret) {
		return RC_OK;
	}
	TRY(vec_reserve(&b->lists, b->ids.n + 2));
	if (b->lists.n == 0) {
		b->lists.p[b->lists.n++] = 0;
	}
	*ret = (uint32_t)b->lists.n;
	for (size_t i = 0; i < b->ids.n; i++) {
		b->lists.p[b->lists.n++] = b->ids.p[i];
	}
	b->lists.p[b->lists.n++] = 0;
	return cedar_number_put(&b->lists_by_ids, key, *ret);
}

/* *ret_never: no request has such an action. */
static enum rc read_scope(struct cedar_index_build *b, const struct cedar_scope *s, uint32_t *ret,
			  bool *ret_never)
{
	uint32_t at;

	*ret = cedar_test_of(CEDAR_TEST_ANY, 0);
	switch (s->op) {
	case CEDAR_SCOPE_ANY:
	case CEDAR_SCOPE_IS:
		return RC_OK;
	case CEDAR_SCOPE_EQ:
		*ret = cedar_test_of(CEDAR_TEST_EQ, cedar_uids_find(&b->index->uids, s->uids[0]));
		return RC_OK;
	case CEDAR_SCOPE_IN:
	case CEDAR_SCOPE_IS_IN:
	case CEDAR_SCOPE_IN_LIST:
		break;
	}
	TRY(read_list(b, s));
	if (b->ids.n == 0) {
		*ret_never = true;
		return RC_OK;
	}
	if (b->ids.n == 1) {
		*ret = cedar_test_of(CEDAR_TEST_IN, b->ids.p[0]);
		return RC_OK;
	}
	TRY(keep_list(b, &at));
	*ret = cedar_test_of(CEDAR_TEST_ANY_OF, at);
	return RC_OK;
}

static enum rc read_type(struct cedar_index_build *b, const struct cedar_scope *s, bool *ret_has,
			 uint32_t *ret)
{
	if (s->op != CEDAR_SCOPE_IS && s->op != CEDAR_SCOPE_IS_IN) {
		return RC_OK;
	}
	*ret_has = true;
	return cedar_types_add(b->arena, &b->index->types, s->type, ret);
}

/* The number of the policy's conditions, shared with all that have the same. */
static enum rc read_conditions(struct cedar_index_build *b, const struct cedar_policy *p,
			       uint32_t *ret)
{
	uint64_t hash;
	uint32_t first;

	*ret = 0;
	if (p->n_conditions == 0) {
		return RC_OK;
	}
	hash = cedar_hash_conditions(p);
	first = cedar_number_get(&b->conditions_by_hash, str_of(&hash, sizeof(hash)));
	for (uint32_t at = first; at; at = b->conditions.p[at - 1].next) {
		if (cedar_same_conditions(b->conditions.p[at - 1].policy, p)) {
			*ret = at;
			return RC_OK;
		}
	}
	TRY(vec_push(&b->conditions, ((struct cedar_shared){.policy = p, .next = first})));
	*ret = (uint32_t)b->conditions.n;
	return cedar_number_put(&b->conditions_by_hash, str_of(&hash, sizeof(hash)), *ret);
}

static enum rc add_rule(struct cedar_index_build *b, const struct cedar_rule_key *key,
			uint32_t policy)
{
	struct str bytes = str_of(key, sizeof(*key));
	uint32_t at = cedar_number_get(&b->rules_by_key, bytes);

	if (at) {
		struct cedar_rule *r = &b->rules.p[at - 1];

		b->next[r->last - 1] = policy;
		r->last = policy;
		r->n++;
		return RC_OK;
	}
	TRY(vec_push(&b->rules, ((struct cedar_rule){
				    .key = *key,
				    .first = policy,
				    .last = policy,
				    .n = 1,
				    .pivot = CEDAR_NO_PIVOT,
				})));
	if (key->condition) {
		b->conditions.p[key->condition - 1].n_rules++;
	}
	return cedar_number_put(&b->rules_by_key, bytes, (uint32_t)b->rules.n);
}

enum rc cedar_index_rules(struct cedar_index_build *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct cedar_policy *p = b->policies[i];
		struct cedar_rule_key key = {.is_permit = p->effect == CEDAR_PERMIT};
		bool is_never = false;

		for (unsigned v = 0; v < 3; v++) {
			TRY(read_scope(b, &p->scope[v], &key.tests[v], &is_never));
		}
		if (is_never) {
			continue;
		}
		TRY(read_type(b, &p->scope[CEDAR_PRINCIPAL], &b->index->has_types[0],
			      &key.types[0]));
		TRY(read_type(b, &p->scope[CEDAR_RESOURCE], &b->index->has_types[1],
			      &key.types[1]));
		TRY(read_conditions(b, p, &key.condition));
		TRY(add_rule(b, &key, (uint32_t)i + 1));
	}
	return RC_OK;
}
