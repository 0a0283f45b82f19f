/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_pause.c - agents that have asked too much. A pause ends by its time alone. */
#include "core/state_impl.h"

enum rc state_reserve_agent_paused(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_agent_paused *p = &l->agent_paused;

	if (p->agent.n == 0 || p->until == 0) {
		FAIL(e, RC_BROKEN, "a pause of nobody, or without an end");
	}
	return state_reserve_object(s, OBJECT_PAUSE, sizeof(struct pause_object), l, e);
}

void state_apply_agent_paused(struct state *s, const struct leaf *l)
{
	const struct leaf_agent_paused *p = &s->pending.own.agent_paused;
	struct pause_object *o = state_take_object(s);

	(void)l; /* its end counts, not its begin */
	o->pub = (struct pause){.ix = o->o.ix, .agent = p->agent, .until_unix_ms = p->until};
	state_set_over(&o->o, p->until);
}

const struct pause *state_pause_of(const struct state *s, struct str agent, uint64_t now_unix_ms)
{
	for (size_t i = s->tables[OBJECT_PAUSE].n; i > 0; i--) {
		const struct pause_object *o = (const void *)s->tables[OBJECT_PAUSE].p[i - 1];

		if (str_eq(o->pub.agent, agent) && now_unix_ms < o->pub.until_unix_ms) {
			return &o->pub;
		}
	}
	return NULL;
}
