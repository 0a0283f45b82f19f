/* SPDX-License-Identifier: Apache-2.0 */
/* audit/audit.h - the whole log once more: the state leaf by leaf, every decision decided again.
 *
 * A walk over a log and what lies beside it. The state is folded from the first leaf that there is;
 * where a decision was made it is made again (core/recompute.h), from the stored bundle and the
 * sealed values. What cannot be opened is not guessed at: the decision is "not recomputable", and
 * why is said.
 *
 * Where leaves, values and bundles come from is the caller's (struct audit_source); audit/files.h
 * has the one over a state directory.
 */
#pragma once

#include "core/recompute.h"

struct audit_source {
	void *ctx;
	/* The state that the walk begins with, of all leaves before state_size; it becomes the
	 * walk's. NULL: it begins with leaf 0. */
	enum rc (*start)(void *ctx, struct state **ret, struct err *e);
	/* Leaf ix, whose exact bytes live in arena. Asked in order, once each. RC_ABSENT: the log
	 * has no more. */
	enum rc (*leaf)(void *ctx, uint64_t ix, struct arena *arena, struct str *ret,
			struct err *e);
	/* The sealed value beside leaf ix, opened, with its salt. RC_ABSENT: its key was destroyed,
	 * or there is no such value; RC_DENIED: there are no keys here to open it with; RC_BROKEN:
	 * it does not open with its own key. */
	enum rc (*value)(void *ctx, uint64_t ix, uint8_t slot, struct arena *arena,
			 uint8_t ret_salt[32], struct str *ret, struct err *e);
	/* The keyed digest of a call of that tool with these arguments (governor/crypt.h).
	 * RC_ABSENT, RC_DENIED: the key is not here. NULL: tags and marks are not compared. */
	enum rc (*tag)(void *ctx, struct str tool, struct str args, uint8_t ret[32], struct err *e);
	/* The bundle with this digest as it was read at that time; borrowed until the next call.
	 * RC_ABSENT: it is not stored; RC_BROKEN: what is stored is another; RC_INPUT: this version
	 * takes it no more. */
	enum rc (*bundle)(void *ctx, const struct digest *digest, uint64_t read_unix_ms,
			  const struct bundle **ret, struct err *e);
};

enum audit_outcome {
	AUDIT_DIFFERS = 0,
	AUDIT_EQUAL,
	AUDIT_ERASED,	 /* what it was decided by was erased or pruned */
	AUDIT_NO_KEYS,	 /* it is sealed, and there are no keys here */
	AUDIT_NO_BUNDLE, /* what governed is not stored, or not any more what this version reads */
	AUDIT_OUTCOMES
};
const char *audit_outcome_name(enum audit_outcome o); /* "differs", "equal", "erased", ... */

/* A decision as it was found, what people did (core/recompute_people.h) or what a result was
 * (core/recompute_result.h). Borrowed for the call. */
struct audit_decision {
	uint64_t ix;
	const struct leaf *leaf;
	enum audit_outcome outcome;
	struct str why;		      /* it differs, or is not recomputable */
	const struct recomputed *now; /* NULL when it is not recomputable, or is no decision */
	const struct state *state;    /* that it was made on */
	const struct bundle *bundle;  /* NULL when it is not there */
	struct recompute_values values;
	struct arena *arena;
};

struct audit_watch {
	void *ctx;
	/* Every state in order, before the leaf behind it, and the last; may be NULL. */
	enum rc (*state)(void *ctx, const struct state *s, struct err *e);
	/* Every leaf in order, before it is applied; may be NULL. */
	enum rc (*leaf)(void *ctx, uint64_t ix, const struct leaf *l, struct err *e);
	/* Every decision in the order in which they were made, and the others. */
	enum rc (*decision)(void *ctx, const struct audit_decision *d, struct err *e);
};

/* Walks up to leaf `last` (UINT64_MAX: to the end). RC_BROKEN: a leaf is none, or does not fit what
 * is before it; e says which, and nothing after it was looked at. Other errors are the source's and
 * the watcher's. *ret_n is the number of leaves that were applied, also on failure. */
enum rc audit_walk(const struct audit_source *source, uint64_t last,
		   const struct audit_watch *watch, uint64_t *ret_n, struct err *e);
