/* SPDX-License-Identifier: Apache-2.0 */
/* core/recompute.h - was it decided as it had to be? The decision once more, from the record.
 *
 * A decision is a function of the state (the leaves before it), the bundle and the request. The
 * leaf that records it has the request, the time, and how much of the log the state was made of;
 * arguments and what was read before are sealed values beside it. So anybody who has these can
 * decide again, with the very code that decided, and compare. Pure like all of core: who opens
 * values and finds bundles is the caller's (audit/).
 *
 * Decisions are call.decided (of agents, of persons by break-glass, of Remit itself), the
 * approval.opened of a call (a decision to ask), intent.decided, and proposal.made (what would have
 * been decided).
 *
 * Some denials say that what had to come first could not be had: the state could not be captured,
 * evidence not preserved, nobody answered in time. These are no results of deciding; they are as
 * they should be when deciding wanted that first, or when the leaf cites the look or the question
 * that came to nothing.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"
#include "core/bundle.h"
#include "core/decide.h"
#include "core/leaf.h"
#include "core/state.h"

/* How far before its leaf a decision may have been made: what is recorded between the two (a phase
 * entered, a breaker that trips, a proposal) is a handful. */
enum { RECOMPUTE_REACH = 16 };

bool recompute_is_decision(const struct leaf *l);
/* The number of leaves that the decision in leaf ix was made on. UINT64_MAX: it says one that
 * cannot be. */
uint64_t recompute_basis(const struct leaf *l, uint64_t ix);
/* The bundle it was decided by. */
const struct digest *recompute_bundle(const struct leaf *l);

/* Which sealed values the leaf commits to that deciding needs, by slot; n values. */
struct recompute_wanted {
	bool wants_args;
	bool wants_pre;
	uint8_t args_slot;
	uint8_t pre_slot;
	uint64_t use;  /* the call whose result is needed too; 0 = none */
	uint64_t undo; /* the term that is rolled back: its arguments, slot 0; 0 = none */
};
struct recompute_wanted recompute_wants(const struct leaf *l);

struct recompute_values {
	const struct json *args;
	const struct json *pre;
	const struct json *use;
	const struct json *undo;
};

struct recomputed {
	bool is_equal;
	struct str difference; /* "verdict: allow in the log, deny now", ...; arena */
	/* What comes out now; d of calls and questions, i of intents. */
	enum verdict verdict;
	enum reason reason;
	struct str detail;
	struct decision d;
	struct intent_decision i;
};

/* s must have been made of exactly recompute_basis() leaves, and b be recompute_bundle(). Only
 * memory is an error. Results live in arena. */
enum rc recompute_leaf(const struct state *s, const struct bundle *b, const struct leaf *l,
		       const struct recompute_values *v, struct arena *arena,
		       struct recomputed *ret, struct err *e);

/* Is this the task that the intent of leaf `intent` opened? Then it is the leaf behind it. */
bool recompute_is_grant(const struct leaf *l, uint64_t intent);
/* now: of that intent. What the task may do is what was decided, and no more: *ret_difference (p ==
 * NULL: none) says what is not; it lives in arena. */
enum rc recompute_grant(const struct recomputed *now, const struct leaf *intent,
			const struct leaf *task, struct arena *arena, struct str *ret_difference,
			struct err *e);

/* The request of a call.decided of an agent, an approval.opened or a proposal.made, as it was.
 * RC_INPUT when its marks are none. Marks live in arena. */
enum rc recompute_request(const struct leaf *l, const struct recompute_values *v,
			  struct arena *arena, struct call_request *ret, struct err *e);

/* As numbers of leaves: what cannot stand in one stands for nothing that exists. */
uint64_t recompute_number(uint64_t n);
/* The approval that a request names, 0 = none. */
uint64_t recompute_cited(struct str id);
