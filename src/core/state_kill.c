/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_kill.c - stops: set -cleared-> cleared. Several may stand for one thing; clearing
 * lifts them all. */
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
	o->pub = (struct kill){.ix = o->o.ix, .scope = k->scope, .name = k->name, .by = k->by};
}

enum rc state_reserve_kill_acknowledged(struct state *s, const struct leaf *l, struct err *e)
{
	struct object *o;

	return state_need(s, OBJECT_KILL, l->kill_acknowledged.kill, &o, e);
}

void state_apply_kill_acknowledged(struct state *s, const struct leaf *l)
{
	(void)s; /* which calls had been sent is history; the stop stands either way */
	(void)l;
}

enum rc state_reserve_kill_cleared(struct state *s, const struct leaf *l, struct err *e)
{
	if (!state_kill(s, l->kill_cleared.scope, l->kill_cleared.name)) {
		FAIL(e, RC_BROKEN, "no such stop is in force");
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
