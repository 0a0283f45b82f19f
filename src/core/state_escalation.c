/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_escalation.c - who was set on duty, who answers for a task, and who was told what.
 *
 * States of an escalation: open -moved-> open, a rung further -ended-> ended.
 * Holds: (1) of one thing at most one escalation is open, and it only climbs.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "core/state_impl.h"

/* ---- rota.set ---- */

enum rc state_reserve_rota_set(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_rota_set *r = &l->rota_set;

	if (r->group.n == 0 || r->person.n == 0 || r->until == 0) {
		FAIL(e, RC_BROKEN, "a duty of nobody, or without an end");
	}
	return state_reserve_object(s, OBJECT_DUTY, sizeof(struct duty_object), l, e);
}

void state_apply_rota_set(struct state *s, const struct leaf *l)
{
	const struct leaf_rota_set *r = &s->pending.own.rota_set;
	struct duty_object *o = state_take_object(s);

	(void)l; /* its end counts, not its begin */
	o->pub = (struct duty){
	    .ix = o->o.ix,
	    .group = r->group,
	    .person = r->person,
	    .by = r->by,
	    .until_unix_ms = r->until,
	};
	state_set_over(&o->o, r->until);
}

const struct duty *state_duty_of(const struct state *s, struct str group, uint64_t now_unix_ms)
{
	for (size_t i = s->tables[OBJECT_DUTY].n; i > 0; i--) {
		const struct duty_object *o = (const void *)s->tables[OBJECT_DUTY].p[i - 1];

		if (str_eq(o->pub.group, group)) { /* the newest word counts */
			return now_unix_ms < o->pub.until_unix_ms ? &o->pub : NULL;
		}
	}
	return NULL;
}

/* ---- task.accountable ---- */

enum rc state_reserve_task_accountable(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_task_accountable *t = &l->task_accountable;
	struct object *o;

	TRY(state_need(s, OBJECT_TASK, t->task, &o, e));
	if (t->person.n == 0) {
		FAIL(e, RC_BROKEN, "nobody answers for task t%" PRIu64, t->task);
	}
	return state_copy_string(t->person, &s->pending.name, e);
}

void state_apply_task_accountable(struct state *s, const struct leaf *l)
{
	struct task_object *o = (void *)state_find(s, OBJECT_TASK, l->task_accountable.task);

	state_free_string(o->accountable);
	o->accountable = s->pending.name;
	s->pending.name = STR_NULL;
	o->pub.accountable = o->accountable;
}

/* ---- escalations ---- */

enum rc state_reserve_escalation_opened(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_escalation_opened *x = &l->escalation_opened;

	if (x->about == 0 || x->group.n == 0) {
		FAIL(e, RC_BROKEN, "an escalation about nothing, or to nobody");
	}
	if (state_escalation_of(s, x->about)) {
		FAIL(e, RC_BROKEN, "leaf %" PRIu64 " is being escalated already", x->about);
	}
	return state_reserve_object(s, OBJECT_ESCALATION, sizeof(struct escalation_object), l, e);
}

void state_apply_escalation_opened(struct state *s, const struct leaf *l)
{
	const struct leaf_escalation_opened *x = &s->pending.own.escalation_opened;
	struct escalation_object *o = state_take_object(s);

	o->pub = (struct escalation){
	    .ix = o->o.ix,
	    .is_open = true,
	    .about = x->about,
	    .what = x->what,
	    .group = x->group,
	    .since_unix_ms = x->since ? x->since : l->t,
	};
}

static enum rc need_open(const struct state *s, uint64_t ix, struct escalation **ret, struct err *e)
{
	struct object *o;

	TRY(state_need(s, OBJECT_ESCALATION, ix, &o, e));
	*ret = &((struct escalation_object *)o)->pub;
	if (!(*ret)->is_open) {
		FAIL(e, RC_BROKEN, "escalation %" PRIu64 " has ended", ix);
	}
	return RC_OK;
}

/* (1) */
enum rc state_reserve_escalation_moved(struct state *s, const struct leaf *l, struct err *e)
{
	struct escalation *x;

	TRY(need_open(s, l->escalation_moved.escalation, &x, e));
	if (l->escalation_moved.level <= x->level) {
		FAIL(e, RC_BROKEN, "escalation %" PRIu64 " does not climb", x->ix);
	}
	return RC_OK;
}

void state_apply_escalation_moved(struct state *s, const struct leaf *l)
{
	struct escalation_object *o =
	    (void *)state_find(s, OBJECT_ESCALATION, l->escalation_moved.escalation);

	o->pub.level = l->escalation_moved.level;
	o->pub.moved_unix_ms = l->t;
}

enum rc state_reserve_escalation_ended(struct state *s, const struct leaf *l, struct err *e)
{
	struct escalation *x;

	return need_open(s, l->escalation_ended.escalation, &x, e);
}

void state_apply_escalation_ended(struct state *s, const struct leaf *l)
{
	struct escalation_object *o =
	    (void *)state_find(s, OBJECT_ESCALATION, l->escalation_ended.escalation);

	o->pub.is_open = false;
	state_set_over(&o->o, l->t);
}

const struct escalation *state_escalation_of(const struct state *s, uint64_t about)
{
	for (size_t i = s->tables[OBJECT_ESCALATION].n; i > 0; i--) {
		const struct escalation *x =
		    &((const struct escalation_object *)s->tables[OBJECT_ESCALATION].p[i - 1])->pub;

		if (x->ix < about) {
			break; /* older than what it would be about */
		}
		if (x->about == about && x->is_open) {
			return x;
		}
	}
	return NULL;
}
