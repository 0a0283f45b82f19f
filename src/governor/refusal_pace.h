/* SPDX-License-Identifier: Apache-2.0 */
/* governor/refusal_pace.h - which refusals get a leaf of their own, so that nobody can fill the
 * log.
 *
 * A bucket per registered agent (those that are not registered share one), a bucket per address
 * that fails to authenticate, and one over all of these. While there is room in it a refusal is
 * written as what it is; beyond that it is counted, and at most one counting leaf a second says so,
 * per agent and for all addresses together. In memory only: a restart fills the buckets.
 *
 * Time comes in and never runs backwards.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

struct refuser {
	char *who; /* a block */
	uint64_t tokens;
	uint64_t filled_ns; /* when the last token came */
	uint64_t counted;   /* since_ns on, in no leaf yet */
	uint64_t since_ns;
	uint64_t told_ns; /* the last counting leaf */
};

struct refusal_pace {
	VEC(struct refuser) agents;
	VEC(struct refuser) addresses; /* the LIMIT_REFUSED_ADDRESSES that were refused last */
	struct refuser all_addresses;
};

/* What a counting leaf says. who is borrowed until the next call. */
struct refusal_count {
	struct str who;
	uint64_t count;
	uint64_t for_ns; /* they began so long ago */
};

void refusal_pace_fini(struct refusal_pace *p);
/* An agent's: true when it gets a leaf of its own. who: registered, or "" for all others. Without
 * memory it is counted with the others'. */
bool refusal_pace_agent(struct refusal_pace *p, struct str who, uint64_t now_ns);
/* A failed authentication from this address. */
bool refusal_pace_address(struct refusal_pace *p, struct str who, uint64_t now_ns);
/* The next counting leaf that is due; false when there is none. Call until then. */
bool refusal_pace_next(struct refusal_pace *p, uint64_t now_ns, struct refusal_count *ret);
