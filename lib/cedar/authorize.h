/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/authorize.h - between the two ways to decide.
 *
 * cedar_authorize() asks the index of the set (decide.c). cedar_authorize_linear() evaluates each
 * policy as it was written: the reference that tests compare with, and what tells the whole story
 * of a policy that fails.
 */
#pragma once

#include "cedar/eval.h"
#include "cedar/policies.h"

struct cedar_indexes {
	uint32_t *p;
	size_t n;
	size_t cap;
};

/* The lists of a response while they grow, in the arena of the evaluation. */
struct cedar_gathering {
	struct cedar_indexes permits;
	struct cedar_indexes forbids;
	struct cedar_policy_error *errors;
	size_t n_errors;
	size_t cap_errors;
	bool is_cut_short; /* a policy hit a bound of ours */
};

/* As cedar_authorize(), policy by policy. */
/* The request as an evaluator begins with it. RC_INPUT when it is incomplete. */
enum rc cedar_eval_begin(struct cedar_eval *v, struct err *e);
/* Is the request in the policy's scope? */
bool cedar_in_scope(const struct cedar_eval *v, const struct cedar_policy *p);
enum rc cedar_authorize_linear(const struct cedar_policies *set,
			       const struct cedar_entities *entities,
			       const struct cedar_request *request, struct arena *arena,
			       struct cedar_response *ret, struct err *e);

/* Do all when and no unless clauses of p hold? RC_INPUT: one failed, v->error says why. */
enum rc cedar_conditions_hold(struct cedar_eval *v, const struct cedar_policy *p, bool *ret);
/* Room for n more indexes. RC_NOMEM: cedar_arena_rc() explains. */
enum rc cedar_indexes_reserve(struct arena *arena, struct cedar_indexes *list, size_t n);
/* Evaluates the i-th policy by its tree and puts it where it belongs. */
enum rc cedar_gather_policy(const struct cedar_policies *set, struct cedar_eval *v, uint32_t i,
			    struct cedar_gathering *g);
/* Fills g by the set's index. */
enum rc cedar_gather_indexed(const struct cedar_policies *set, struct cedar_eval *v,
			     struct cedar_gathering *g);
