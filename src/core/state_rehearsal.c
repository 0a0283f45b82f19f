/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_rehearsal.c - a tool and its inverse being tried: started -rehearsed-> over.
 *
 * Holds:  (1) a rehearsal acts once, with the tool it is about, on nothing but its targets.
 *         (2) what a tool was rehearsed as outlives the rehearsal; a failure takes it back.
 */
#include <inttypes.h>
#include <string.h>

#include "core/state_impl.h"

static bool is_act(const struct leaf_call_decided *c)
{
	return str_eq(c->purpose, STR("rehearse")) && !str_eq(c->effect, STR("read"));
}

enum rc state_check_rehearsal(const struct state *s, const struct leaf_call_decided *c,
			      struct err *e)
{
	const struct rehearsal *r = state_rehearsal(s, c->parent);

	if (!str_eq(c->purpose, STR("rehearse"))) {
		return RC_OK;
	}
	if (!r || r->is_over) {
		FAIL(e, RC_BROKEN, "no rehearsal %" PRIu64 " is under way", c->parent);
	}
	if (is_act(c) &&
	    (r->act || !str_eq(r->tool, c->tool) || !str_list_within(&c->targets, &r->targets))) {
		FAIL(e, RC_BROKEN, "rehearsal %" PRIu64 " is not about this call", c->parent);
	}
	return RC_OK;
}

void state_apply_rehearsal_act(struct state *s, const struct leaf_call_decided *c, uint64_t call)
{
	if (is_act(c)) {
		((struct rehearsal_object *)state_find(s, OBJECT_REHEARSAL, c->parent))->pub.act =
		    call;
	}
}

enum rc state_reserve_rehearsal_started(struct state *s, const struct leaf *l, struct err *e)
{
	return state_reserve_object(s, OBJECT_REHEARSAL, sizeof(struct rehearsal_object), l, e);
}

void state_apply_rehearsal_started(struct state *s, const struct leaf *l)
{
	const struct leaf_rehearsal_started *r = &s->pending.own.rehearsal_started;
	struct rehearsal_object *o = state_take_object(s);

	o->pub = (struct rehearsal){
	    .ix = o->o.ix,
	    .tool = r->tool,
	    .entry = r->entry,
	    .targets = r->targets,
	    .by = r->by,
	    .started_unix_ms = l->t,
	};
}

enum rc state_reserve_tool_rehearsed(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_tool_rehearsed *t = &l->tool_rehearsed;
	const struct rehearsal *r = state_rehearsal(s, t->rehearsal);

	if (!r || r->is_over || !str_eq(r->tool, t->tool) || !digest_eq(&r->entry, &t->entry)) {
		FAIL(e, RC_BROKEN, "no rehearsal of '" STR_FMT "' is under way", STR_ARG(t->tool));
	}
	return state_reserve_tool(s, t->tool, e);
}

void state_apply_tool_rehearsed(struct state *s, const struct leaf *l)
{
	const struct leaf_tool_rehearsed *t = &l->tool_rehearsed;
	struct rehearsal_object *o = (void *)state_find(s, OBJECT_REHEARSAL, t->rehearsal);
	struct observed *tool = state_take_tool(s, t->tool);

	/* (2) */
	tool->rehearsed = t->ok ? t->entry : (struct digest){0};
	tool->rehearsed_unix_ms = t->ok ? l->t : 0;
	o->pub.is_over = true;
	state_set_over(&o->o, l->t);
}

uint64_t state_rehearsed_unix_ms(const struct state *s, struct str tool, const struct digest *entry)
{
	const struct observed *t = state_find_tool(s, tool);

	return t && !digest_is_zero(entry) && digest_eq(&t->rehearsed, entry) ? t->rehearsed_unix_ms
									      : 0;
}
