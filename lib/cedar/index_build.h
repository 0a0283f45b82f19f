/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/index_build.h - what only lives while an index is built.
 *
 * index_rules.c turns policies into rules, index.c puts rules into buckets.
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "cedar/index.h"

/* Scope, conditions and effect as numbers, without holes: its bytes are its identity. */
struct cedar_rule_key {
	uint32_t tests[3];
	uint32_t types[2];
	uint32_t condition;
	uint32_t is_permit;
};

struct cedar_rule {
	struct cedar_rule_key key;
	uint32_t first; /* policy index plus one; the rest follow through build.next */
	uint32_t last;
	uint32_t n;
	unsigned pivot; /* the variable whose buckets hold it; 3 = the residual */
};

enum { CEDAR_NO_PIVOT = 3 };

/* What only lives while the index is built. */
struct cedar_index_build {
	struct arena *arena;
	const struct cedar_policy *const *policies;
	size_t n;
	struct cedar_index *index;
	struct map rules_by_key;
	struct map lists_by_ids;
	struct map conditions_by_hash;
	VEC(struct cedar_rule) rules;
	VEC(uint32_t) lists;
	VEC(uint32_t) ids; /* of the list at hand */
	VEC(struct cedar_shared) conditions;
	uint32_t *next;	  /* by policy: the next of its rule, plus one */
	uint32_t *counts; /* by bucket: how many rules name it; then where it begins */
	size_t n_buckets;
};

/* Numbers for all uids of the policies' scopes, groups first. */
enum rc cedar_index_number(struct cedar_index_build *b);
/* Fills rules, lists and conditions. */
enum rc cedar_index_rules(struct cedar_index_build *b);

static inline uint32_t cedar_test_of(enum cedar_test op, uint32_t operand)
{
	return (uint32_t)op << CEDAR_TEST_SHIFT | operand;
}
