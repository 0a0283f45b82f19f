/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_rollback.c - all of a task or an incident being undone: planned -ended-> over.
 *
 * What is undone is not listed here: it is whatever terms of the task or incident are not over.
 * Holds:  (1) one at a time for the same task or incident.
 */
#include <inttypes.h>

#include "core/state_impl.h"

static bool is_running_for(const struct state *s, uint64_t task, uint64_t incident)
{
	for (const struct rollback *r = state_next_rollback(s, 0); r;
	     r = state_next_rollback(s, r->ix + 1)) {
		if (!r->is_over && r->task == task && r->incident == incident) {
			return true;
		}
	}
	return false;
}

enum rc state_reserve_rollback_planned(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_rollback_planned *r = &l->rollback_planned;
	struct object *o;

	if (!r->task == !r->incident) {
		FAIL(e, RC_BROKEN, "a rollback is of a task or of an incident");
	}
	TRY(state_need(s, r->task ? OBJECT_TASK : OBJECT_INCIDENT, r->task ? r->task : r->incident,
		       &o, e));
	if (is_running_for(s, r->task, r->incident)) {
		FAIL(e, RC_BROKEN, "it is being rolled back already"); /* (1) */
	}
	return state_reserve_object(s, OBJECT_ROLLBACK, sizeof(struct rollback_object), l, e);
}

void state_apply_rollback_planned(struct state *s, const struct leaf *l)
{
	const struct leaf_rollback_planned *r = &s->pending.own.rollback_planned;
	struct rollback_object *o = state_take_object(s);

	o->pub = (struct rollback){
	    .ix = o->o.ix,
	    .task = r->task,
	    .incident = r->incident,
	    .by = r->by,
	    .planned_unix_ms = l->t,
	};
}

enum rc state_reserve_rollback_ended(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_rollback_ended *r = &l->rollback_ended;
	struct object *o;

	TRY(state_need(s, OBJECT_ROLLBACK, r->rollback, &o, e));
	if (((const struct rollback_object *)o)->pub.is_over) {
		FAIL(e, RC_BROKEN, "rollback r%" PRIu64 " is over", r->rollback);
	}
	if (!str_eq(r->result, STR("done")) && !str_eq(r->result, STR("partial"))) {
		FAIL(e, RC_BROKEN, "no rollback ends '" STR_FMT "'", STR_ARG(r->result));
	}
	return state_reserve_text(s, l, e);
}

void state_apply_rollback_ended(struct state *s, const struct leaf *l)
{
	struct rollback_object *o =
	    (void *)state_find(s, OBJECT_ROLLBACK, l->rollback_ended.rollback);

	o->pub.is_over = true;
	o->pub.is_partial = str_eq(l->rollback_ended.result, STR("partial"));
	o->pub.left = s->pending.own.rollback_ended.left;
	state_take_changed(s, &o->o);
	state_set_over(&o->o, l->t);
}
