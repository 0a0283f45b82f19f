/* SPDX-License-Identifier: Apache-2.0 */
/* core/accountable.h - who answers at this moment, and who is told next.
 *
 * A group has a rota: who is on duty when. Somebody may be set by hand for a while (rota.set). So a
 * group has exactly one accountable person at every moment; the loader refuses a rota with a gap
 * that no deputy fills.
 */
#pragma once

#include "core/bundle.h"
#include "core/state.h"

/* The longest that somebody is set on duty for: an exception that lasts belongs into the rota. */
enum { DUTY_MAX_S = 7 * 86400 };

/* Who of this group answers now: who was set, else whose turn it is, else the group's deputy, else
 * the first on the rota. Empty only for an unknown group or one without anybody. */
struct str accountable_now(const struct state *s, const struct bundle *b, struct str group,
			   uint64_t now_unix_ms);

/* May this person let a suspended task go on? Whoever answers for such tasks may, but not who owns
 * the agent that left its grant. */
enum reason accountable_may_resume(const struct bundle *b, const struct task *t,
				   const struct person *p);

/* The ladder of a group: its own, or whoever is on call at once and the whole group after a minute.
 */
struct ladder {
	const struct rung *rungs;
	size_t n;
};
struct ladder ladder_of(const struct group *g);

/* Whom a rung means now, for something of this agent (NULL = none). Persons of the bundle. */
enum rc rung_persons(const struct state *s, const struct bundle *b, const struct group *g,
		     const struct rung *r, const struct agent *agent, uint64_t now_unix_ms,
		     struct arena *arena, struct str_list *ret, struct err *e);
