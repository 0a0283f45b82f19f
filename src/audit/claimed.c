/* SPDX-License-Identifier: Apache-2.0 */
/* audit/claimed.c - digests of states, by size.
 *
 * Trust:  the leaves are whoever wrote the log's; a claim about a state that never comes is the
 *         fold's to refuse.
 */
#include "audit/claimed.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/vec.h"

struct claim {
	uint64_t leaf;
	uint64_t size;
	struct digest state;
};

struct claimed {
	VEC(struct claim) list;
	size_t next; /* the first whose size was not reached */
	bool is_sorted;
	uint64_t n_checked;
};

enum rc claimed_new(struct claimed **ret, struct err *e)
{
	*ret = mem_calloc(1, sizeof(**ret));
	if (!*ret) {
		FAIL(e, RC_NOMEM, "no memory to look at snapshots");
	}
	return RC_OK;
}

void claimed_free(struct claimed *c)
{
	if (c) {
		vec_fini(&c->list);
		mem_free(c);
	}
}

enum rc claimed_take(struct claimed *c, uint64_t ix, const struct leaf *l, struct err *e)
{
	struct claim x = {
	    .leaf = ix, .size = l->snapshot_taken.size, .state = l->snapshot_taken.state};

	if (l->kind != LEAF_SNAPSHOT_TAKEN) {
		return RC_OK;
	}
	if (vec_push(&c->list, x) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory to look at snapshots");
	}
	return RC_OK;
}

static int by_size(const void *a, const void *b)
{
	const struct claim *x = a;
	const struct claim *y = b;

	return (x->size > y->size) - (x->size < y->size);
}

enum rc claimed_check(struct claimed *c, const struct state *s, uint64_t *ret_leaf, struct err *e)
{
	struct digest is;
	bool is_known = false;

	*ret_leaf = 0;
	if (!c->is_sorted && c->list.n > 1) {
		qsort(c->list.p, c->list.n, sizeof(c->list.p[0]), by_size);
	}
	c->is_sorted = true;
	for (; c->next < c->list.n && c->list.p[c->next].size <= state_size(s); c->next++) {
		const struct claim *x = &c->list.p[c->next];

		if (x->size != state_size(s)) {
			continue; /* of leaves before the first that there is */
		}
		if (!is_known) {
			TRY(state_digest(s, &is, e));
			is_known = true;
		}
		c->n_checked++;
		if (!digest_eq(&is, &x->state)) {
			*ret_leaf = x->leaf;
		}
	}
	return RC_OK;
}

uint64_t claimed_checked(const struct claimed *c)
{
	return c->n_checked;
}
