/* SPDX-License-Identifier: Apache-2.0 */
/* core/pruned.c - two numbers in a file. */
#include "core/pruned.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/num.h"
#include "core/leaf.h"

size_t pruned_print(const struct pruned *p, char ret[PRUNED_TEXT_BYTES])
{
	int n = snprintf(ret, PRUNED_TEXT_BYTES, "%" PRIu64 "\n%" PRIu64 "\n", p->first, p->leaf);

	return (size_t)n; /* two numbers fit */
}

enum rc pruned_parse(struct str text, struct pruned *ret, struct err *e)
{
	struct str rest = text;
	struct str first = str_cut(&rest, '\n');
	struct str leaf = str_cut(&rest, '\n');

	if (!num_u64(first, INT64_MAX, &ret->first) || !num_u64(leaf, INT64_MAX, &ret->leaf) ||
	    rest.n || ret->first == 0 || ret->leaf < ret->first) {
		FAIL(e, RC_INPUT, "the file 'pruned' does not say what was pruned");
	}
	return RC_OK;
}

enum rc pruned_check(const struct pruned *p, const struct leaf *leaf, struct err *e)
{
	if (leaf->kind != LEAF_LOG_PRUNED || leaf->log_pruned.first != p->first) {
		FAIL(e, RC_BROKEN,
		     "the file 'pruned' says that leaves before %" PRIu64
		     " are gone, and leaf %" PRIu64 " does not",
		     p->first, p->leaf);
	}
	return RC_OK;
}
