/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_lift.c - what lifts a stop, and which stops hold Remit's own rollbacks.
 *
 * Anybody stops; going on takes two. Whoever owns the stopped agent may be one of them, not both.
 */
#include "core/decide_impl.h"

/* Owner or deputy of the agent that the stop is about. */
static bool is_theirs(const struct state *s, const struct bundle *b, const struct kill *k,
		      struct str person)
{
	const struct agent *a = NULL;
	const struct task *t;
	uint64_t ix;

	if (str_eq(k->scope, STR("agent"))) {
		a = bundle_agent(b, k->name);
	} else if (str_eq(k->scope, STR("task")) && id_parse(k->name, 't', &ix)) {
		t = state_task(s, ix);
		a = t ? bundle_agent(b, t->agent) : NULL;
	}
	return a && (str_eq(a->owner, person) || str_eq(a->deputy, person));
}

enum lift decide_lift(const struct state *s, const struct bundle *b, const struct kill *k,
		      struct str person, uint64_t now_unix_ms)
{
	if (!k->lift_by.n || str_eq(k->lift_by, person) ||
	    now_unix_ms > k->lift_unix_ms + KILL_LIFT_MS) {
		return LIFT_PROPOSES;
	}
	return is_theirs(s, b, k, k->lift_by) && is_theirs(s, b, k, person) ? LIFT_REFUSED
									    : LIFT_CONFIRMS;
}

bool decide_holds_rollback(const struct state *s, const struct bundle *b, struct str tool)
{
	const struct tool *t = bundle_tool(b, tool);

	for (const struct kill *k = state_next_kill(s, 0); k; k = state_next_kill(s, k->ix + 1)) {
		if (k->stops_rollbacks ||
		    (str_eq(k->scope, STR("tool")) && str_eq(k->name, tool)) ||
		    (t && str_eq(k->scope, STR("upstream")) &&
		     str_eq(k->name, t->upstream->name))) {
			return true;
		}
	}
	return false;
}
