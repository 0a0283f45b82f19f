/* SPDX-License-Identifier: Apache-2.0 */
/* core/escalation.h - what waits for people, and which rung of a ladder it has reached.
 *
 * An open question, a suspended task and a containment that was asked about or could not be undone
 * wait for a group. Similar questions climb together: the first of those that are open waits for
 * all of them. The group's ladder (core/accountable.h) says who is told when, in time since it
 * began to wait; its last rung may be a safe state.
 */
#pragma once

#include "core/accountable.h"

struct waiting_for {
	uint64_t about;	 /* the leaf that created it */
	struct str what; /* approval, task, term */
	struct str group;
	struct str agent;
	uint64_t since_unix_ms; /* 0 = from when it is escalated */
};

/* Does that still wait for somebody? Strings are the state's and the bundle's. */
bool escalation_waits(const struct state *s, const struct bundle *b, struct str what,
		      uint64_t about, struct waiting_for *ret);
/* How long it waits before it is escalated at all: what is answered before there is anybody else to
 * be told leaves no escalation. */
uint64_t escalation_begins_ms(const struct ladder *l, const struct waiting_for *w);
/* The rung after so many that is due now, NULL = none yet. Rungs count from 1. */
const struct rung *escalation_due(const struct ladder *l, uint64_t level, uint64_t since_unix_ms,
				  uint64_t now_unix_ms);
struct str escalation_safe_name(enum safe_step s); /* "" for none */

/* Is this the question that stands for those like it? Any that is not open stands for itself. */
bool approval_leads(const struct state *s, const struct approval *a);
