/* SPDX-License-Identifier: Apache-2.0 */
/* core/breaker.h - circuit breakers: what runs away is cut off before a cap would notice.
 *
 * Five kinds, each over a counter of core/cap.h whose cap's name begins with '~':
 *
 *   loop		the same call (tool and arguments) again and again in a task
 *   burst		so many calls of a task in a while
 *   errors		so many calls of a task that ended in an error, or nobody knows how
 *   oscillation	a target changed and changed back and forth, by whomever
 *   upstream		so many calls to an upstream that were not sent, or nobody knows how they
 * ended
 *
 * A breaker trips when the next call is decided: it is denied (breaker_open), and breaker.tripped
 * is a leaf. While it is open, `loop`, `errors` and `oscillation` leave reads alone, the others
 * nothing. When its time is over it is half open: one call is let through, whose good outcome
 * closes it and clears its counter, and whose bad one opens it again. A person closes it at any
 * time.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "core/effect.h"
#include "core/list.h"

struct bundle;
struct call;

enum breaker_kind {
	BREAKER_LOOP = 0,
	BREAKER_BURST,
	BREAKER_ERRORS,
	BREAKER_OSCILLATION,
	BREAKER_UPSTREAM,
	BREAKER_KINDS
};
struct str breaker_kind_name(enum breaker_kind k);
bool breaker_kind_from_name(struct str name, enum breaker_kind *ret) MUST_USE;
/* Does an open one stop reads too? */
bool breaker_stops_reads(enum breaker_kind k);

/* Of the bundle. */
struct breaker_rule {
	uint64_t most; /* 0 = there is no such breaker */
	uint64_t window_ms;
	uint64_t open_ms;
};

/* What the outcome of a call adds to counters of breakers, for call.completed's `used`. kind: of
 * call.completed. RC_NOMEM. */
enum rc breaker_counts(const struct bundle *b, const struct call *c, struct str kind,
		       struct arena *arena, struct str_list *ret, struct err *e);
/* The counter; p == NULL without memory. whom: "t12", "t12/<tag>", "target/<target>", "up/<name>".
 */
struct str breaker_key(const struct breaker_rule *r, enum breaker_kind k, struct str whom,
		       struct arena *arena);
