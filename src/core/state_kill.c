/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_kill.c - stops: set -cleared-> cleared. Several may stand for one thing; clearing
 * lifts them all.
 *
 * Holds:  (1) a stop is lifted by two persons: one proposed it for the newest of them, not long
 *             ago, and another one confirms. A stop that is set meanwhile needs a new proposal.
 */
#include "base/mem.h"
#include "core/state_impl.h"

static bool is_scope(struct str scope)
{
	return str_eq(scope, STR("all")) || str_eq(scope, STR("agent")) ||
	       str_eq(scope, STR("task")) || str_eq(scope, STR("tool")) ||
	       str_eq(scope, STR("upstream"));
}

const struct kill *state_kill(const struct state *s, struct str scope, struct str name)
{
	for (const struct kill *k = state_next_kill(s, 0); k; k = state_next_kill(s, k->ix + 1)) {
		if (str_eq(k->scope, scope) && str_eq(k->name, name)) {
			return k;
		}
	}
	return NULL;
}

const struct kill *state_newest_kill(const struct state *s, struct str scope, struct str name)
{
	const struct kill *newest = NULL;

	for (const struct kill *k = state_next_kill(s, 0); k; k = state_next_kill(s, k->ix + 1)) {
		if (str_eq(k->scope, scope) && str_eq(k->name, name)) {
			newest = k;
		}
	}
	return newest;
}

enum rc state_reserve_kill_set(struct state *s, const struct leaf *l, struct err *e)
{
	bool is_all = str_eq(l->kill_set.scope, STR("all"));

	if (!is_scope(l->kill_set.scope) || is_all != (l->kill_set.name.n == 0)) {
		FAIL(e, RC_BROKEN, "no stop of scope '" STR_FMT "' with this name",
		     STR_ARG(l->kill_set.scope));
	}
	return state_reserve_object(s, OBJECT_KILL, sizeof(struct kill_object), l, e);
}

void state_apply_kill_set(struct state *s, const struct leaf *l)
{
	const struct leaf_kill_set *k = &s->pending.own.kill_set;
	struct kill_object *o = state_take_object(s);

	(void)l;
	o->pub = (struct kill){
	    .ix = o->o.ix,
	    .scope = k->scope,
	    .name = k->name,
	    .by = k->by,
	    .stops_rollbacks = k->rollbacks && str_eq(k->scope, STR("all")),
	    .lift_by = STR(""),
	};
}

enum rc state_reserve_kill_acknowledged(struct state *s, const struct leaf *l, struct err *e)
{
	struct object *o;

	return state_need(s, OBJECT_KILL, l->kill_acknowledged.kill, &o, e);
}

void state_apply_kill_acknowledged(struct state *s, const struct leaf *l)
{
	struct kill_object *o = (void *)state_find(s, OBJECT_KILL, l->kill_acknowledged.kill);

	o->pub.is_acknowledged = true; /* which calls had been sent is history */
}

enum rc state_reserve_kill_lift_proposed(struct state *s, const struct leaf *l, struct err *e)
{
	struct object *o;

	TRY(state_need(s, OBJECT_KILL, l->kill_lift_proposed.kill, &o, e));
	if (((const struct kill_object *)o)->is_cleared || !l->kill_lift_proposed.by.n) {
		FAIL(e, RC_BROKEN, "nobody proposes to lift a stop, or it is lifted already");
	}
	return state_reserve_text(s, l, e);
}

void state_apply_kill_lift_proposed(struct state *s, const struct leaf *l)
{
	struct kill_object *o = (void *)state_find(s, OBJECT_KILL, l->kill_lift_proposed.kill);

	o->pub.lift_by = s->pending.own.kill_lift_proposed.by;
	o->pub.lift_unix_ms = l->t;
	state_take_changed(s, &o->o);
}

enum rc state_reserve_kill_cleared(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_kill_cleared *c = &l->kill_cleared;
	const struct kill *k = state_newest_kill(s, c->scope, c->name);

	if (!k) {
		FAIL(e, RC_BROKEN, "no such stop is in force");
	}
	/* (1) */
	if (!c->proposed_by.n || !str_eq(c->proposed_by, k->lift_by) ||
	    str_eq(c->proposed_by, c->by) || l->t > k->lift_unix_ms + KILL_LIFT_MS) {
		FAIL(e, RC_BROKEN, "a stop is lifted by two persons");
	}
	return RC_OK;
}

void state_apply_kill_cleared(struct state *s, const struct leaf *l)
{
	for (size_t i = 0; i < s->tables[OBJECT_KILL].n; i++) {
		struct kill_object *o = (void *)s->tables[OBJECT_KILL].p[i];

		if (!o->is_cleared && str_eq(o->pub.scope, l->kill_cleared.scope) &&
		    str_eq(o->pub.name, l->kill_cleared.name)) {
			o->is_cleared = true;
			state_set_over(&o->o, l->t);
		}
	}
}
