/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_term.c - how long containments stand.
 *
 * States, by term.changed's how (S standing, A asked, R rolling back, F failed, O over):
 *   due		S A F	stays: its time came, what follows is a leaf of its own
 *   rolling_back	S A F	R, no inverse sent yet
 *   again		R	R: the inverse was sent and did not work; it may be sent anew
 *   reverted		R F A S	O	(found reverted, by whomever)
 *   kept		S A F	S until ends_at; O when ends_at is 0: for good
 *   asked		S A F	A, asked again at ends_at
 *   failed		R S A F	F	(also when the rollback itself was denied)
 *
 * Holds:  (1) a rollback sends the inverse once: another one needs `again`, or the word of the
 *             sender that not a byte of it left.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "core/state_impl.h"

struct str term_state_name(enum term_state st)
{
	switch (st) {
	case TERM_ROLLING_BACK:
		return STR("rolling_back");
	case TERM_ASKED:
		return STR("asked");
	case TERM_FAILED:
		return STR("failed");
	case TERM_STANDING:
		return STR("standing");
	case TERM_OVER:
		break;
	}
	return STR("over");
}

enum how {
	HOW_NONE = 0,
	HOW_DUE,
	HOW_ROLLING_BACK,
	HOW_AGAIN,
	HOW_REVERTED,
	HOW_KEPT,
	HOW_ASKED,
	HOW_FAILED,
};

static const struct str hows[] = {
    [HOW_NONE] = {"", 0},
    [HOW_DUE] = {"due", 3},
    [HOW_ROLLING_BACK] = {"rolling_back", 12},
    [HOW_AGAIN] = {"again", 5},
    [HOW_REVERTED] = {"reverted", 8},
    [HOW_KEPT] = {"kept", 4},
    [HOW_ASKED] = {"asked", 5},
    [HOW_FAILED] = {"failed", 6},
};

static enum how how_of(struct str text)
{
	for (unsigned i = HOW_NONE + 1; i < ARRAY_LEN(hows); i++) {
		if (str_eq(hows[i], text)) {
			return (enum how)i;
		}
	}
	return HOW_NONE;
}

static struct term_object *term_of(const struct state *s, uint64_t ix)
{
	return (void *)state_find(s, OBJECT_TERM, ix);
}

enum rc state_reserve_term_started(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_term_started *t = &l->term_started;
	struct object *o;

	TRY(state_need(s, OBJECT_CALL, t->call, &o, e));
	if (!str_eq(t->end, STR("revert")) && !str_eq(t->end, STR("reask"))) {
		FAIL(e, RC_BROKEN, "no term ends with '" STR_FMT "'", STR_ARG(t->end));
	}
	return state_reserve_object(s, OBJECT_TERM, sizeof(struct term_object), l, e);
}

void state_apply_term_started(struct state *s, const struct leaf *l)
{
	const struct leaf_term_started *t = &s->pending.own.term_started;
	struct term_object *o = state_take_object(s);

	struct call_object *call = (void *)state_find(s, OBJECT_CALL, l->term_started.call);
	const struct task *task = state_task(s, t->task);

	call->terms++;
	call->pub.term = o->o.ix;
	o->pub = (struct term){
	    .ix = o->o.ix,
	    .state = TERM_STANDING,
	    .call = t->call,
	    .task = t->task,
	    .incident = task ? task->incident : 0,
	    .tool = t->tool,
	    .targets = t->targets,
	    .ends_at_unix_ms = t->ends_at,
	    .reverts = str_eq(t->end, STR("revert")),
	    .owner = t->owner,
	    .how = hows[HOW_NONE],
	    .started_unix_ms = l->t,
	};
}

static enum rc need_term(const struct state *s, uint64_t ix, const struct term **ret, struct err *e)
{
	struct object *o;

	TRY(state_need(s, OBJECT_TERM, ix, &o, e));
	*ret = &((const struct term_object *)o)->pub;
	if ((*ret)->state == TERM_OVER) {
		FAIL(e, RC_BROKEN, "term m%" PRIu64 " is over", ix);
	}
	return RC_OK;
}

enum rc state_reserve_term_owner(struct state *s, const struct leaf *l, struct err *e)
{
	const struct term *t;

	TRY(need_term(s, l->term_owner.term, &t, e));
	return state_reserve_text(s, l, e);
}

void state_apply_term_owner(struct state *s, const struct leaf *l)
{
	struct term_object *o = term_of(s, l->term_owner.term);

	o->pub.owner = s->pending.own.term_owner.owner;
	state_take_changed(s, &o->o);
}

static bool may_become(enum term_state now, enum how how)
{
	if (now == TERM_ROLLING_BACK) {
		return how == HOW_AGAIN || how == HOW_REVERTED || how == HOW_FAILED;
	}
	return how != HOW_NONE && how != HOW_AGAIN;
}

enum rc state_reserve_term_changed(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_term_changed *c = &l->term_changed;
	enum how how = how_of(c->how);
	const struct term *t;

	TRY(need_term(s, c->term, &t, e));
	if (!may_become(t->state, how)) {
		FAIL(e, RC_BROKEN,
		     "term m%" PRIu64 " is " STR_FMT " and cannot become '" STR_FMT "'", c->term,
		     STR_ARG(term_state_name(t->state)), STR_ARG(c->how));
	}
	return RC_OK;
}

/* Undone by a person before its time: whoever approved such calls in advance may have been wrong.
 */
static void end_preapproval_of(struct state *s, uint64_t call, struct str by, uint64_t unix_ms)
{
	const struct call *c = state_call(s, call);

	if (c && !str_eq(by, STR("remit"))) {
		state_surprise_preapproval(s, c->preapproval, unix_ms);
	}
}

void state_apply_term_changed(struct state *s, const struct leaf *l)
{
	const struct leaf_term_changed *c = &l->term_changed;
	struct term_object *o = term_of(s, c->term);
	enum how how = how_of(c->how);

	o->pub.how = hows[how];
	o->pub.changed_ix = s->size;
	switch (how) {
	case HOW_ROLLING_BACK:
		o->pub.state = TERM_ROLLING_BACK;
		end_preapproval_of(s, o->pub.call, c->by, l->t);
		o->pub.rolling_since_unix_ms = l->t;
		o->pub.undo = 0;
		break;
	case HOW_AGAIN:
		o->pub.undo = 0;
		break;
	case HOW_REVERTED:
		o->pub.state = TERM_OVER;
		break;
	case HOW_KEPT:
		o->pub.state = c->ends_at ? TERM_STANDING : TERM_OVER;
		o->pub.ends_at_unix_ms = c->ends_at;
		o->pub.asked = 0;
		break;
	case HOW_ASKED:
		o->pub.state = TERM_ASKED;
		o->pub.asked++;
		o->pub.ends_at_unix_ms = c->ends_at;
		break;
	case HOW_FAILED:
		o->pub.state = TERM_FAILED;
		break;
	case HOW_DUE:
	case HOW_NONE:
		break;
	}
	if (o->pub.state == TERM_OVER) {
		struct call_object *call = (void *)state_find(s, OBJECT_CALL, o->pub.call);

		call->terms--;
		if (how == HOW_REVERTED) {
			state_stop_standing(s, call);
		}
		state_set_over(&o->o, l->t);
	}
}

/* ---- the inverse's own call ---- */

static bool is_undo(const struct leaf_call_decided *c)
{
	return str_eq(c->purpose, STR("rollback")) && !str_eq(c->effect, STR("read"));
}

/* (1) */
enum rc state_check_undo(const struct state *s, const struct leaf_call_decided *c, struct err *e)
{
	const struct term *t = state_term(s, c->parent);

	if (!is_undo(c)) {
		return RC_OK;
	}
	if (!t || t->state != TERM_ROLLING_BACK || !str_eq(t->tool, c->tool)) {
		FAIL(e, RC_BROKEN, "m%" PRIu64 " is not being rolled back with '" STR_FMT "'",
		     c->parent, STR_ARG(c->tool));
	}
	if (t->undo) {
		FAIL(e, RC_BROKEN, "m%" PRIu64 " has had its inverse sent already", c->parent);
	}
	return RC_OK;
}

void state_apply_undo(struct state *s, const struct leaf_call_decided *c, uint64_t call)
{
	if (is_undo(c)) {
		term_of(s, c->parent)->pub.undo = call;
	}
}

void state_apply_undo_outcome(struct state *s, const struct call *c)
{
	struct term_object *o = c->parent ? term_of(s, c->parent) : NULL;

	if (o && o->pub.undo == c->ix && str_eq(c->outcome, STR("not_sent"))) {
		o->pub.undo = 0;
	}
}
