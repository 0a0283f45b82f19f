/* SPDX-License-Identifier: Apache-2.0 */
/* core/recompute_people.h - was it theirs to say? What people did, looked at once more.
 *
 * That a vote was cast, a question settled, a stop lifted, autonomy given or lost, glass broken
 * is a leaf that is no decision of core/recompute.h, but rests on one: who may answer, whether the
 * quorum of every gate is there, whose proposal another person confirms, what a breach costs. These
 * follow from the state (the leaves before it) and the bundle alone; nothing sealed is needed. What
 * the state itself refuses (state_reserve) is not looked at twice.
 *
 * docs/formats/lint.md lists every kind of leaf and what is checked of it.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "core/bundle.h"
#include "core/leaf.h"
#include "core/state.h"

/* A person's clock and the log's may be so far apart (a wall clock that was set back a little):
 * what was done in time stays in time. */
enum { RECOMPUTE_SLACK_MS = 60000 };

bool recompute_is_of_people(const struct leaf *l);

/* pinned_unix_ms: a clock that was ahead was confirmed where it is now, and until it has caught up
 * the log's time stands still there; 0 = it does not.
 * s must be made of all leaves before l, and b be the bundle that was active. *ret_difference (p ==
 * NULL: none) says what is not as it had to be; it lives in arena. Only memory is an error. */
enum rc recompute_people(const struct state *s, const struct bundle *b, const struct leaf *l,
			 uint64_t pinned_unix_ms, struct arena *arena, struct str *ret_difference,
			 struct err *e);
