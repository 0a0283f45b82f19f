/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_break_glass.c - emergencies in which a named person acted, until somebody else has
 * reviewed them.
 *
 * States: opened -reviewed-> over. That its time ended is its task's end; reminders change a
 * number. Holds: (1) it is one person's, under one task of that person and one open incident. (2)
 * nobody reviews their own.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "core/state_impl.h"

enum rc state_reserve_break_glass_opened(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_break_glass_opened *x = &l->break_glass_opened;
	const struct task *t = state_task(s, x->task);

	if (!t || t->state != TASK_RUNNING || t->incident != x->incident ||
	    !str_eq(t->accountable, x->person) || x->person.n == 0 || x->review_by == 0 ||
	    state_break_glass_of(s, x->task)) { /* (1) */
		FAIL(e, RC_BROKEN, "a break-glass without a task of its person");
	}
	return state_reserve_object(s, OBJECT_BREAK_GLASS, sizeof(struct break_glass_object), l, e);
}

void state_apply_break_glass_opened(struct state *s, const struct leaf *l)
{
	const struct leaf_break_glass_opened *x = &s->pending.own.break_glass_opened;
	struct break_glass_object *o = state_take_object(s);

	o->pub = (struct break_glass){
	    .ix = o->o.ix,
	    .task = x->task,
	    .incident = x->incident,
	    .person = x->person,
	    .opened_unix_ms = l->t,
	    .not_after_unix_ms = x->not_after,
	    .review_by_unix_ms = x->review_by,
	};
}

static enum rc need(const struct state *s, uint64_t ix, struct break_glass_object **ret,
		    struct err *e)
{
	struct object *o;

	TRY(state_need(s, OBJECT_BREAK_GLASS, ix, &o, e));
	*ret = (struct break_glass_object *)o;
	if ((*ret)->pub.reviewed_by.n) {
		FAIL(e, RC_BROKEN, "break-glass g%" PRIu64 " has been reviewed", ix);
	}
	return RC_OK;
}

enum rc state_reserve_break_glass_reminded(struct state *s, const struct leaf *l, struct err *e)
{
	struct break_glass_object *o;

	return need(s, l->break_glass_reminded.break_glass, &o, e);
}

void state_apply_break_glass_reminded(struct state *s, const struct leaf *l)
{
	struct break_glass_object *o =
	    (void *)state_find(s, OBJECT_BREAK_GLASS, l->break_glass_reminded.break_glass);

	o->pub.reminders++;
	o->pub.reminded_unix_ms = l->t;
}

/* (2) */
enum rc state_reserve_break_glass_reviewed(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_break_glass_reviewed *r = &l->break_glass_reviewed;
	struct break_glass_object *o;

	TRY(need(s, r->break_glass, &o, e));
	if (r->by.n == 0 || str_eq(r->by, o->pub.person)) {
		FAIL(e, RC_BROKEN, "nobody reviews their own break-glass");
	}
	return state_reserve_text(s, l, e);
}

void state_apply_break_glass_reviewed(struct state *s, const struct leaf *l)
{
	struct break_glass_object *o =
	    (void *)state_find(s, OBJECT_BREAK_GLASS, l->break_glass_reviewed.break_glass);

	o->pub.reviewed_by = s->pending.own.break_glass_reviewed.by;
	o->pub.is_justified = l->break_glass_reviewed.justified;
	state_take_changed(s, &o->o);
	state_set_over(&o->o, l->t);
}

const struct break_glass *state_break_glass_of(const struct state *s, uint64_t task)
{
	for (size_t i = s->tables[OBJECT_BREAK_GLASS].n; task && i > 0; i--) {
		const struct break_glass_object *o =
		    (const void *)s->tables[OBJECT_BREAK_GLASS].p[i - 1];

		if (o->o.ix < task) {
			break; /* older than the task itself */
		}
		if (o->pub.task == task) {
			return &o->pub;
		}
	}
	return NULL;
}
