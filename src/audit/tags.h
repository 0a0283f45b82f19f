/* SPDX-License-Identifier: Apache-2.0 */
/* audit/tags.h - "the same call", and marks of words: keyed digests, worked out once more.
 *
 * What was approved is what is executed because both have one tag; what was read in an untrusted
 * result is known again by its mark. Both are digests under the log's own key of tags
 * (docs/formats/keeper.md), over what is sealed. Whoever may open that may open that key.
 */
#pragma once

#include "audit/audit.h"

struct tagging {
	const struct audit_source *source;
	const struct state
	    *s; /* that the decision was made on, or of all leaves before the result */
	const struct bundle *b;
	struct arena *arena;
};

/* Of a call.decided, approval.opened of a call or proposal.made; v has what it commits to. *ret is
 * NULL when all is as it has to be, or a constant that says what is not. RC_ABSENT, RC_DENIED: the
 * key of tags is not here. */
enum rc tags_of_decision(const struct tagging *t, const struct leaf *l,
			 const struct recompute_values *v, const char **ret, struct err *e);

/* Does a call.completed have marks, of a result that is sealed beside it? */
bool tags_are_of_result(const struct tagging *t, const struct leaf *l);
enum rc tags_of_result(const struct tagging *t, const struct leaf *l, struct str result,
		       const char **ret, struct err *e);
