/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_hold.c - legal holds, and waivers of evidence.
 *
 * States: hold: placed -released-> released. Each is released by its own name.
 *         waiver: PROPOSED -granted by another person-> GRANTED -call.decided-> USED; its time ends
 *         it without a leaf.
 */
#include <inttypes.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/state_impl.h"

/* ---- holds ---- */

const struct hold *state_hold(const struct state *s, uint64_t ix)
{
	const struct object *o = state_find(s, OBJECT_HOLD, ix);

	return o ? &((const struct hold_object *)o)->pub : NULL;
}

const struct hold *state_next_hold(const struct state *s, uint64_t from)
{
	const struct object *o = state_find_next(s, OBJECT_HOLD, from);

	while (o && ((const struct hold_object *)o)->pub.is_released) {
		o = state_find_next(s, OBJECT_HOLD, o->ix + 1);
	}
	return o ? &((const struct hold_object *)o)->pub : NULL;
}

const struct hold *state_hold_named(const struct state *s, struct str name)
{
	const struct hold *h = state_next_hold(s, 0);

	while (h && !str_eq(h->name, name)) {
		h = state_next_hold(s, h->ix + 1);
	}
	return h;
}

static enum hold_scope scope_of(struct str text)
{
	static const enum hold_scope scopes[] = {HOLD_EVIDENCE, HOLD_INCIDENT, HOLD_TARGET};

	for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
		if (str_eq(hold_scope_name(scopes[i]), text)) {
			return scopes[i];
		}
	}
	return HOLD_NONE;
}

enum rc state_reserve_hold_placed(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_hold_placed *h = &l->hold_placed;
	size_t n = 0;

	if (h->name.n == 0 || h->subject.n == 0 || scope_of(h->scope) == HOLD_NONE) {
		FAIL(e, RC_BROKEN, "a legal hold without a name, or on nothing");
	}
	if (state_hold_named(s, h->name)) {
		FAIL(e, RC_BROKEN, "legal hold '" STR_FMT "' is in force", STR_ARG(h->name));
	}
	for (const struct hold *x = state_next_hold(s, 0); x; x = state_next_hold(s, x->ix + 1)) {
		n++;
	}
	if (n >= LIMIT_HOLDS) {
		FAIL(e, RC_LIMIT, "more than %d legal holds", LIMIT_HOLDS);
	}
	return state_reserve_object(s, OBJECT_HOLD, sizeof(struct hold_object), l, e);
}

void state_apply_hold_placed(struct state *s, const struct leaf *l)
{
	const struct leaf_hold_placed *h = &s->pending.own.hold_placed;
	struct hold_object *o = state_take_object(s);

	o->pub = (struct hold){
	    .ix = o->o.ix,
	    .name = h->name,
	    .scope = scope_of(h->scope),
	    .subject = h->subject,
	    .by = h->by,
	    .placed_unix_ms = l->t,
	};
}

enum rc state_reserve_hold_released(struct state *s, const struct leaf *l, struct err *e)
{
	struct object *o;

	TRY(state_need(s, OBJECT_HOLD, l->hold_released.hold, &o, e));
	if (((const struct hold_object *)o)->pub.is_released) {
		FAIL(e, RC_BROKEN, "legal hold h%" PRIu64 " is released already", o->ix);
	}
	return RC_OK;
}

void state_apply_hold_released(struct state *s, const struct leaf *l)
{
	struct hold_object *o = (void *)state_find(s, OBJECT_HOLD, l->hold_released.hold);

	o->pub.is_released = true;
	state_set_over(&o->o, l->t);
}

/* ---- waivers ---- */

static struct waiver_object *waiver_of(const struct state *s, uint64_t ix)
{
	return (void *)state_find(s, OBJECT_WAIVER, ix);
}

const struct waiver *state_waiver(const struct state *s, uint64_t ix)
{
	const struct waiver_object *o = waiver_of(s, ix);

	return o ? &o->pub : NULL;
}

const struct waiver *state_next_waiver(const struct state *s, uint64_t from)
{
	const struct object *o = state_find_next(s, OBJECT_WAIVER, from);

	return o ? &((const struct waiver_object *)o)->pub : NULL;
}

enum rc state_reserve_waiver_proposed(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_waiver_proposed *w = &l->waiver_proposed;
	struct object *o;

	TRY(state_need(s, OBJECT_TASK, w->task, &o, e));
	if (w->tool.n == 0 || w->targets.n == 0 || w->kinds.n == 0 || w->by.n == 0 ||
	    w->not_after == 0) {
		FAIL(e, RC_BROKEN, "a waiver without a tool, a target, a kind, a person or an end");
	}
	return state_reserve_object(s, OBJECT_WAIVER, sizeof(struct waiver_object), l, e);
}

void state_apply_waiver_proposed(struct state *s, const struct leaf *l)
{
	const struct leaf_waiver_proposed *w = &s->pending.own.waiver_proposed;
	struct waiver_object *o = state_take_object(s);

	(void)l;
	o->pub = (struct waiver){
	    .ix = o->o.ix,
	    .state = WAIVER_PROPOSED,
	    .task = w->task,
	    .tool = w->tool,
	    .targets = w->targets,
	    .kinds = w->kinds,
	    .not_after_unix_ms = w->not_after,
	    .by = w->by,
	};
	state_set_over(&o->o, w->not_after);
}

enum rc state_reserve_waiver_granted(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_waiver_granted *g = &l->waiver_granted;
	const struct waiver *w;
	struct object *o;

	TRY(state_need(s, OBJECT_WAIVER, g->waiver, &o, e));
	w = &((const struct waiver_object *)o)->pub;
	if (w->state != WAIVER_PROPOSED || l->t > w->not_after_unix_ms) {
		FAIL(e, RC_BROKEN, "waiver w%" PRIu64 " is over", o->ix);
	}
	if (g->by.n == 0 || str_eq(g->by, w->by)) {
		FAIL(e, RC_BROKEN, "waiver w%" PRIu64 " needs a second person", o->ix);
	}
	return state_reserve_text(s, l, e);
}

void state_apply_waiver_granted(struct state *s, const struct leaf *l)
{
	struct waiver_object *o = waiver_of(s, l->waiver_granted.waiver);

	o->pub.state = WAIVER_GRANTED;
	o->pub.second = s->pending.own.waiver_granted.by;
	state_take_changed(s, &o->o);
}

void state_apply_waiver_use(struct state *s, const struct leaf *l)
{
	struct waiver_object *o = waiver_of(s, l->call_decided.waiver);

	if (o) {
		o->pub.state = WAIVER_USED;
		o->pub.used_by = s->size;
	}
}
