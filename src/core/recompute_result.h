/* SPDX-License-Identifier: Apache-2.0 */
/* core/recompute_result.h - what a result was, worked out once more from the sealed result.
 *
 * read.accounted says which objects of which class an agent was given; call.verified says whether
 * an effect is there; term.started says what undoes one. They follow from sealed values (a result,
 * a call's arguments and the state before it), the catalog of the bundle and the state. Which
 * values they need is a question to recompute_result_wants; who opens them is the caller's
 * (audit/). Pure like all of core.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"
#include "core/bundle.h"
#include "core/leaf.h"
#include "core/state.h"

bool recompute_is_of_result(const struct leaf *l);

/* Leaves with values beside them; 0 = none is needed. */
struct result_wanted {
	uint64_t result;	  /* a call.completed: its result, whole */
	uint64_t call;		  /* a call.decided: its arguments, slot 0, and the state before it,
				     slot 1, if it has one */
	const struct digest *own; /* commitment to the leaf's own value; NULL = it has none */
};
struct result_wanted recompute_result_wants(const struct state *s, const struct leaf *l);

struct result_values {
	struct str result;	  /* its bytes, "" = none */
	const struct json *value; /* reads_value_of(result), NULL = none */
	const struct json *args;
	const struct json *pre;
	struct str own; /* "" = none */
};

/* s must be made of all leaves before l, and b be the bundle that was active. *ret_difference as
 * recompute_people's. Only memory is an error. */
enum rc recompute_result(const struct state *s, const struct bundle *b, const struct leaf *l,
			 const struct result_values *v, struct arena *arena,
			 struct str *ret_difference, struct err *e);
