/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_approval.c - questions to people and their answers.
 *
 * States: OPEN -settled-> GRANTED | DENIED | EXPIRED | VOID
 *         GRANTED -call.decided or intent.decided citing it-> USED;  GRANTED -settled-> EXPIRED |
 * VOID Holds:  (1) an approval is granted only with as many granting votes as its quorum. (2) it is
 * used once, by the call or intent it was asked for, and not after execute-by. (3) of the questions
 * of a task about one call, at most one is open or granted; nor of an agent about one intent. (4)
 * what narrows a question follows it while that is open, under the same task.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "core/state_impl.h"

enum { MAX_VOTES = 64 };

static const struct {
	struct str name;
	enum approval_state state;
} state_names[] = {
    {{"void", 4}, APPROVAL_VOID},	{{"denied", 6}, APPROVAL_DENIED},
    {{"expired", 7}, APPROVAL_EXPIRED}, {{"used", 4}, APPROVAL_USED},
    {{"granted", 7}, APPROVAL_GRANTED}, {{"open", 4}, APPROVAL_OPEN},
};

struct str approval_state_name(enum approval_state st)
{
	for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
		if (state_names[i].state == st) {
			return state_names[i].name;
		}
	}
	return STR("void");
}

static bool state_from_name(struct str name, enum approval_state *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
		if (str_eq(state_names[i].name, name)) {
			*ret = state_names[i].state;
			return true;
		}
	}
	return false;
}

static struct approval_object *approval_of(const struct state *s, uint64_t ix)
{
	return (void *)state_find(s, OBJECT_APPROVAL, ix);
}

const struct approval *state_approval_of(const struct state *s, uint64_t task,
					 const struct digest *tag)
{
	for (size_t i = s->tables[OBJECT_APPROVAL].n; i > 0; i--) {
		const struct approval_object *o = (const void *)s->tables[OBJECT_APPROVAL].p[i - 1];

		if (o->o.ix < task) {
			break; /* older than the task itself */
		}
		if (o->pub.task == task && digest_eq(&o->pub.tag, tag)) {
			return &o->pub;
		}
	}
	return NULL;
}

const struct approval *state_approval_of_intent(const struct state *s, uint64_t incident,
						struct str agent, const struct digest *tag)
{
	for (size_t i = s->tables[OBJECT_APPROVAL].n; i > 0; i--) {
		const struct approval_object *o = (const void *)s->tables[OBJECT_APPROVAL].p[i - 1];

		if (o->o.ix < incident) {
			break; /* older than the incident itself */
		}
		if (o->pub.kind == APPROVAL_INTENT && o->pub.incident == incident &&
		    str_eq(o->pub.agent, agent) && digest_eq(&o->pub.tag, tag)) {
			return &o->pub;
		}
	}
	return NULL;
}

size_t state_questions_to(const struct state *s, struct str person, uint64_t since_unix_ms)
{
	size_t n = 0;

	for (size_t i = s->tables[OBJECT_APPROVAL].n; i > 0; i--) {
		const struct approval *a =
		    &((const struct approval_object *)s->tables[OBJECT_APPROVAL].p[i - 1])->pub;

		if (a->opened_unix_ms < since_unix_ms) {
			break;
		}
		n += a->group == a->ix && str_list_has(&a->eligible, person);
	}
	return n;
}

/* ---- opened ---- */

static bool kind_from_name(struct str name, enum approval_kind *ret)
{
	*ret = str_eq(name, STR("intent")) ? APPROVAL_INTENT : APPROVAL_CALL;
	return *ret == APPROVAL_INTENT || str_eq(name, STR("call"));
}

/* Under what it is asked: a running task, or an open incident. */
static enum rc check_ground(const struct state *s, const struct leaf_approval_opened *a,
			    enum approval_kind kind, struct err *e)
{
	const struct task *task = state_task(s, a->task);
	const struct incident *incident = state_incident(s, a->incident);

	switch (kind) {
	case APPROVAL_CALL:
		if (!task || task->state != TASK_RUNNING || !str_eq(task->agent, a->agent) ||
		    task->incident != a->incident) {
			FAIL(e, RC_BROKEN,
			     "an approval for task t%" PRIu64
			     ", which does not run or is of another agent or incident",
			     a->task);
		}
		return RC_OK;
	case APPROVAL_INTENT:
		if (a->task || !incident || incident->status != INCIDENT_OPEN) {
			FAIL(e, RC_BROKEN, "an approval of an intent without an open incident");
		}
		return RC_OK;
	}
	FAIL(e, RC_BROKEN, "an approval of nothing");
}

static bool is_alive(const struct approval *a)
{
	return a && (a->state == APPROVAL_OPEN || a->state == APPROVAL_GRANTED);
}

/* (3), (4) */
static enum rc check_relatives(const struct state *s, const struct leaf_approval_opened *a,
			       enum approval_kind kind, struct err *e)
{
	const struct approval *same =
	    kind == APPROVAL_CALL ? state_approval_of(s, a->task, &a->tag)
				  : state_approval_of_intent(s, a->incident, a->agent, &a->tag);
	const struct approval *first = state_approval(s, a->group);
	const struct approval *more = state_approval(s, a->narrows);

	if (is_alive(same)) {
		FAIL(e, RC_BROKEN, "approval a%" PRIu64 " asks the same question", same->ix);
	}
	if (a->group && (!first || first->task != a->task || first->group != first->ix)) {
		FAIL(e, RC_BROKEN, "approval a%" PRIu64 " is no first of a group", a->group);
	}
	if (a->narrows &&
	    (!more || more->state != APPROVAL_OPEN || more->task != a->task || more->kind != kind ||
	     !str_eq(more->tool, a->tool) || !str_list_within(&a->targets, &more->targets))) {
		FAIL(e, RC_BROKEN, "nothing can be narrowed from approval a%" PRIu64, a->narrows);
	}
	return RC_OK;
}

enum rc state_reserve_approval_opened(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_approval_opened *a = &l->approval_opened;
	enum approval_kind kind;
	enum effect effect;

	if (!kind_from_name(a->kind, &kind)) {
		FAIL(e, RC_BROKEN, "no approval of a '" STR_FMT "'", STR_ARG(a->kind));
	}
	TRY(check_ground(s, a, kind, e));
	if (a->quorum == 0 || a->gates.n == 0 || !effect_from_name(a->effect, &effect)) {
		FAIL(e, RC_BROKEN, "an approval without quorum, gates or effect");
	}
	TRY(check_relatives(s, a, kind, e));
	return state_reserve_object(s, OBJECT_APPROVAL, sizeof(struct approval_object), l, e);
}

void state_apply_approval_opened(struct state *s, const struct leaf *l)
{
	const struct leaf_approval_opened *a = &s->pending.own.approval_opened;
	struct approval_object *more = approval_of(s, a->narrows);
	struct approval_object *o = state_take_object(s);

	if (more) {
		more->pub.narrowed_to = o->o.ix;
	}
	o->pub = (struct approval){
	    .ix = o->o.ix,
	    .state = APPROVAL_OPEN,
	    .task = a->task,
	    .incident = a->incident,
	    .group = a->group ? a->group : o->o.ix,
	    .narrows = a->narrows,
	    .agent = a->agent,
	    .tool = a->tool,
	    .targets = a->targets,
	    .tag = a->tag,
	    .policies = a->policies,
	    .gates = a->gates,
	    .accountable = a->accountable,
	    .eligible = a->eligible,
	    .shown = a->question,
	    .safe_tool = a->safe_tool,
	    .quorum = a->quorum,
	    .opened_unix_ms = l->t,
	    .decide_by_unix_ms = a->decide_by,
	    .execute_by_ms = a->execute_by_ms,
	    .evidence = a->evidence,
	};
	MUST(kind_from_name(a->kind, &o->pub.kind));
	MUST(effect_from_name(a->effect, &o->pub.effect));
}

/* ---- votes ---- */

enum rc state_reserve_approval_voted(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_approval_voted *v = &l->approval_voted;
	struct approval_object *a;
	struct object *o;

	TRY(state_need(s, OBJECT_APPROVAL, v->approval, &o, e));
	a = (struct approval_object *)o;
	if (a->pub.state != APPROVAL_OPEN || v->person.n == 0) {
		FAIL(e, RC_BROKEN,
		     "a vote on approval a%" PRIu64 ", which is settled, or of nobody",
		     v->approval);
	}
	for (size_t i = 0; i < a->votes.n; i++) {
		if (str_eq(a->votes.p[i].person, v->person)) {
			FAIL(e, RC_BROKEN,
			     "'" STR_FMT "' has voted on approval a%" PRIu64 " already",
			     STR_ARG(v->person), v->approval);
		}
	}
	if (a->votes.n >= MAX_VOTES) {
		FAIL(e, RC_LIMIT, "more than %d votes on an approval", MAX_VOTES);
	}
	if (vec_reserve(&a->votes, 1) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a vote");
	}
	/* The vector may have moved. */
	a->pub.votes = a->votes.p;
	return state_copy_string(v->person, &s->pending.name, e);
}

void state_apply_approval_voted(struct state *s, const struct leaf *l)
{
	struct approval_object *a = approval_of(s, l->approval_voted.approval);

	MUST(a->votes.n < a->votes.cap);
	a->votes.p[a->votes.n++] = (struct vote){
	    .person = s->pending.name,
	    .grants = l->approval_voted.grants,
	    .at_unix_ms = l->t,
	};
	s->pending.name = STR_NULL;
	a->pub.votes = a->votes.p;
	a->pub.n_votes = a->votes.n;
}

/* ---- settled ---- */

static bool may_settle(enum approval_state from, enum approval_state to)
{
	switch (to) {
	case APPROVAL_GRANTED:
	case APPROVAL_DENIED:
		return from == APPROVAL_OPEN;
	case APPROVAL_EXPIRED:
	case APPROVAL_VOID:
		return from == APPROVAL_OPEN || from == APPROVAL_GRANTED;
	case APPROVAL_USED: /* by call.decided only */
	case APPROVAL_OPEN:
		break;
	}
	return false;
}

/* (1) */
static enum rc check_granted(const struct approval *a, const struct leaf_approval_settled *l,
			     struct err *e)
{
	uint64_t grants = 0;

	for (size_t i = 0; i < a->n_votes; i++) {
		grants += a->votes[i].grants;
	}
	if (grants < a->quorum || l->execute_by == 0) {
		FAIL(e, RC_BROKEN,
		     "approval a%" PRIu64 " is granted with %" PRIu64 " of %" PRIu64
		     " votes, or without an end",
		     a->ix, grants, a->quorum);
	}
	return RC_OK;
}

/* A person said what they think of a call that an agent wanted to make. */
static bool is_judged(const struct approval *a, enum approval_state to)
{
	return a->kind == APPROVAL_CALL && (to == APPROVAL_GRANTED || to == APPROVAL_DENIED);
}

enum rc state_reserve_approval_settled(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_approval_settled *a = &l->approval_settled;
	const struct approval *approval;
	enum approval_state to;
	enum reason reason;
	struct object *o;

	TRY(state_need(s, OBJECT_APPROVAL, a->approval, &o, e));
	approval = &((const struct approval_object *)o)->pub;
	if (!state_from_name(a->state, &to) || !reason_from_code(a->reason, &reason)) {
		FAIL(e, RC_BROKEN, "no approval state '" STR_FMT "' or reason '" STR_FMT "'",
		     STR_ARG(a->state), STR_ARG(a->reason));
	}
	if (!may_settle(approval->state, to)) {
		FAIL(e, RC_BROKEN,
		     "approval a%" PRIu64 " is " STR_FMT " and cannot become " STR_FMT, a->approval,
		     STR_ARG(approval_state_name(approval->state)), STR_ARG(a->state));
	}
	if (is_judged(approval, to)) {
		TRY(state_reserve_tally(s, approval->agent, e));
	}
	return to == APPROVAL_GRANTED ? check_granted(approval, a, e) : RC_OK;
}

void state_apply_approval_settled(struct state *s, const struct leaf *l)
{
	const struct leaf_approval_settled *a = &l->approval_settled;
	struct approval_object *o = approval_of(s, a->approval);

	MUST(state_from_name(a->state, &o->pub.state));
	MUST(reason_from_code(a->reason, &o->pub.reason));
	if (is_judged(&o->pub, o->pub.state)) {
		state_apply_tally(s, o->pub.agent, o->pub.effect, o->pub.state == APPROVAL_GRANTED);
	}
	if (o->pub.state == APPROVAL_GRANTED) {
		o->pub.execute_by_unix_ms = a->execute_by;
	} else {
		state_set_over(&o->o, l->t);
	}
}

/* ---- used ---- */

static enum rc check_use(const struct approval *a, uint64_t ix, bool fits, uint64_t now,
			 struct err *e)
{
	if (!a || a->state != APPROVAL_GRANTED || !fits) {
		FAIL(e, RC_BROKEN, "approval a%" PRIu64 " is not granted for this", ix);
	}
	if (now > a->execute_by_unix_ms) {
		FAIL(e, RC_BROKEN, "approval a%" PRIu64 " is past its time", ix);
	}
	return RC_OK;
}

/* (2) */
enum rc state_check_approval_use(const struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_call_decided *c = &l->call_decided;
	const struct approval *a = state_approval(s, c->approval);

	if (c->approval == 0) {
		return RC_OK;
	}
	return check_use(a, c->approval,
			 a && a->kind == APPROVAL_CALL && a->task == c->task &&
			     digest_eq(&a->tag, &c->tag) && str_eq(a->tool, c->tool),
			 l->t, e);
}

enum rc state_check_intent_approval(const struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_intent_decided *i = &l->intent_decided;
	const struct approval *a = state_approval(s, i->approval);

	if (i->approval == 0) {
		return RC_OK;
	}
	return check_use(a, i->approval,
			 a && a->kind == APPROVAL_INTENT && a->incident == i->incident &&
			     digest_eq(&a->tag, &i->tag) && str_eq(a->agent, i->agent),
			 l->t, e);
}

static void use(struct state *s, uint64_t ix, uint64_t now)
{
	struct approval_object *a = approval_of(s, ix);

	if (a) {
		a->pub.state = APPROVAL_USED;
		a->pub.used_by = s->size;
		state_set_over(&a->o, now);
	}
}

void state_apply_approval_use(struct state *s, const struct leaf *l)
{
	use(s, l->call_decided.approval, l->t);
}

void state_apply_intent_approval(struct state *s, const struct leaf *l)
{
	use(s, l->intent_decided.approval, l->t);
}
