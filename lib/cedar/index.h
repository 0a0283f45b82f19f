/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/index.h - a policy set made ready for asking.
 *
 * Built once, when the set is finished, in the set's arena; only read afterwards. Policies with the
 * same scope, the same conditions and the same effect are one rule: what holds for one of them
 * holds for all. A rule stands in the bucket of the rarest uid that its scope names, or in the
 * residual when it names none; with `action in [...]` in the bucket of each element. A request
 * visits the buckets of its own three uids and of their ancestors, and the residual: every rule
 * that is not there has a scope that does not hold. That leaves nothing out, since a scope test
 * never fails.
 *
 * uids and types are numbers here (cedar/intern.h). Groups, the uids that something is tested to
 * be `in`, come first: 1 .. n_groups; so the groups of a request are a short row of bits.
 */
#pragma once

#include "cedar/ast.h"
#include "cedar/intern.h"

struct cedar_code; /* cedar/code.h */

/* What an entry asks of one variable; the rest of the word is the operand. */
enum cedar_test {
	CEDAR_TEST_ANY = 0, /* nothing, or settled by the bucket */
	CEDAR_TEST_EQ,	    /* is it this uid? */
	CEDAR_TEST_IN,	    /* is it in this group? */
	CEDAR_TEST_ANY_OF,  /* is it in one of the groups lists[operand], ... up to a 0? */
	CEDAR_TEST_NONE_OF, /* is it in none of lists[operand - 1], lists[operand - 2], ... up to a
			       0? Then this is the first bucket that has the rule. */
};
enum { CEDAR_TEST_SHIFT = 29 };
static const uint32_t cedar_test_operand = (UINT32_C(1) << CEDAR_TEST_SHIFT) - 1;

/* A rule in a bucket: 32 bytes, so that two share a cache line. */
struct cedar_entry {
	uint32_t tests[3];  /* by enum cedar_variable */
	uint32_t types[2];  /* of principal and resource; 0 = any */
	uint32_t condition; /* index into conditions plus one; 0 = none */
	uint32_t first;	    /* its policies: fans[first] .. , ascending */
	uint32_t n;	    /* how many; the top bit says permit */
};
static const uint32_t cedar_entry_permit = UINT32_C(1) << 31;

/* The conditions of one or more rules. */
struct cedar_shared {
	const struct cedar_policy *policy; /* one of those that have them */
	uint32_t memo;			   /* place among those with more than one rule, or 0 */
	uint32_t n_rules;
	uint32_t start; /* of its code, or one of its ends; see cedar/code.h */
	uint32_t cost;	/* steps that it takes whatever the values */
	bool is_order;	/* one comparison of a slot with a number and nothing else */
	uint32_t next; /* while building: another of the same hash, plus one */
};

struct cedar_index {
	struct cedar_uids uids;
	struct cedar_types types;
	uint32_t n_groups;
	uint32_t n_memos; /* with the unused place 0 */
	/* By variable: does anything ask for its number, its groups, its type? What nobody asks for
	 * need not be found out. */
	bool has_uids[3];
	bool has_groups[3];
	bool has_types[2];
	/* Bucket of (variable, id, how): entries from starts[k] to starts[k + 1], where
	 * k = cedar_bucket(index, variable, id) for == and one more for `in`. */
	const uint32_t *starts;
	const struct cedar_entry *entries; /* bucket by bucket; the residual last */
	uint32_t residual;
	uint32_t n_entries;
	const uint32_t *lists; /* uids of `action in [...]`, a 0 before and after each list */
	const uint32_t *fans;
	const struct cedar_shared *conditions;
	uint32_t n_conditions;
	const struct cedar_code *code;
};

/* Words of 64 bits that have one for each group; bit 0 is of none. */
static inline size_t cedar_row_words(const struct cedar_index *x)
{
	return x->n_groups / 64 + 1;
}

static inline size_t cedar_bucket(const struct cedar_index *x, unsigned variable, uint32_t id)
{
	return ((size_t)variable * x->uids.n + id - 1) * 2;
}

/* The index of n policies, in arena. RC_NOMEM: cedar_arena_rc() explains, or the heap is empty. */
enum rc cedar_index_new(struct arena *arena, const struct cedar_policy *const *policies, size_t n,
			const struct cedar_index **ret);
