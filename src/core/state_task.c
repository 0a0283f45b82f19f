/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_task.c - intents and tasks.
 *
 * States: RUNNING -suspended-> SUSPENDED -resumed-> RUNNING;  either -ended-> ENDED -closed->
 * CLOSED.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "core/state_impl.h"

static struct task_object *task_of(const struct state *s, uint64_t ix)
{
	return (void *)state_find(s, OBJECT_TASK, ix);
}

/* A task in one of two states (the same twice for one). */
static enum rc need_task(const struct state *s, uint64_t ix, enum task_state one,
			 enum task_state other, struct err *e)
{
	struct object *o;
	const struct task *t;

	TRY(state_need(s, OBJECT_TASK, ix, &o, e));
	t = &((const struct task_object *)o)->pub;
	if (t->state != one && t->state != other) {
		FAIL(e, RC_BROKEN, "task t%" PRIu64 " is in a state that does not allow it", ix);
	}
	return RC_OK;
}

/* ---- intents ---- */

enum rc state_reserve_intent_decided(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_intent_decided *i = &l->intent_decided;
	struct leaf kept = {.kind = l->kind, .t = l->t};
	struct object *incident;

	if (!str_eq(i->verdict, STR("allow"))) {
		if (!str_eq(i->verdict, STR("deny"))) {
			FAIL(e, RC_BROKEN, "an intent is allowed or denied");
		}
		return state_reserve_intent_attempt(s, l, e); /* beside that it is history */
	}
	TRY(state_need(s, OBJECT_INCIDENT, i->incident, &incident, e));
	TRY(state_check_intent_approval(s, l, e));
	kept.intent_decided.agent = i->agent;
	return state_reserve_object(s, OBJECT_INTENT, sizeof(struct intent_object), &kept, e);
}

void state_apply_intent_decided(struct state *s, const struct leaf *l)
{
	struct intent_object *o;

	if (!s->pending.fresh) {
		state_apply_intent_attempt(s, l);
		return;
	}
	o = state_take_object(s);
	o->agent = s->pending.own.intent_decided.agent;
	o->incident = l->intent_decided.incident;
	state_apply_intent_approval(s, l);
	state_set_over(&o->o, l->t);
}

/* ---- tasks ---- */

static enum rc check_intent(const struct state *s, const struct leaf_task_opened *t, struct err *e)
{
	const struct intent_object *intent;
	struct object *o;

	if (t->intent == 0) {
		return RC_OK; /* opened by a person or a routing rule */
	}
	TRY(state_need(s, OBJECT_INTENT, t->intent, &o, e));
	intent = (const struct intent_object *)o;
	if (intent->task || !str_eq(intent->agent, t->agent) || intent->incident != t->incident) {
		FAIL(e, RC_BROKEN, "intent %" PRIu64 " is used, or another agent's or incident's",
		     t->intent);
	}
	return RC_OK;
}

enum rc state_reserve_task_opened(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_task_opened *t = &l->task_opened;
	const struct incident *incident = state_incident(s, t->incident);
	struct leaf kept = *l;

	if (!incident || incident->status != INCIDENT_OPEN) {
		FAIL(e, RC_BROKEN, "no open incident i%" PRIu64, t->incident);
	}
	TRY(check_intent(s, t, e));
	TRY(state_reserve_words(s, &t->targets, e));
	kept.task_opened.targets = (struct str_list){0};
	return state_reserve_object(s, OBJECT_TASK, sizeof(struct task_object), &kept, e);
}

void state_apply_task_opened(struct state *s, const struct leaf *l)
{
	const struct leaf_task_opened *t = &s->pending.own.task_opened;
	struct intent_object *intent = (void *)state_find(s, OBJECT_INTENT, t->intent);
	struct task_object *o = state_take_object(s);

	if (intent) {
		intent->task = o->o.ix;
	}
	o->pub = (struct task){
	    .ix = o->o.ix,
	    .state = TASK_RUNNING,
	    .intent = t->intent,
	    .incident = t->incident,
	    .agent = t->agent,
	    .playbook = t->playbook,
	    .goal_class = t->goal_class,
	    .tools = t->tools,
	    .targets = state_take_words(s, &o->granted),
	    .data = t->data,
	    .phase = t->phase,
	    .phase_since_unix_ms = l->t,
	    .opened_unix_ms = l->t,
	    .not_after_unix_ms = t->not_after,
	    .max_calls = t->max_calls,
	    .max_targets = t->max_targets,
	    .max_deviations = t->max_deviations,
	    .accountable = t->accountable,
	    .key = t->key,
	    .by = t->by,
	};
	o->touched.has_marks = true; /* for its phases */
}

enum rc state_reserve_task_phase(struct state *s, const struct leaf *l, struct err *e)
{
	TRY(need_task(s, l->task_phase.task, TASK_RUNNING, TASK_SUSPENDED, e));
	TRY(state_reserve_phase_use(s, task_of(s, l->task_phase.task), e));
	return state_reserve_text(s, l, e);
}

void state_apply_task_phase(struct state *s, const struct leaf *l)
{
	struct task_object *o = task_of(s, l->task_phase.task);

	state_leave_phase(s, o, l->t);
	o->pub.phase = s->pending.own.task_phase.phase;
	state_take_changed(s, &o->o);
}

enum rc state_reserve_task_suspended(struct state *s, const struct leaf *l, struct err *e)
{
	return need_task(s, l->task_suspended.task, TASK_RUNNING, TASK_RUNNING, e);
}

void state_apply_task_suspended(struct state *s, const struct leaf *l)
{
	task_of(s, l->task_suspended.task)->pub.state = TASK_SUSPENDED;
}

enum rc state_reserve_task_resumed(struct state *s, const struct leaf *l, struct err *e)
{
	return need_task(s, l->task_resumed.task, TASK_SUSPENDED, TASK_SUSPENDED, e);
}

void state_apply_task_resumed(struct state *s, const struct leaf *l)
{
	struct task_object *o = task_of(s, l->task_resumed.task);

	o->pub.state = TASK_RUNNING;
	o->pub.deviations = 0;
	o->pub.deviation_weight = 0;
}

/* why, as a text that outlives the leaf; p == NULL when it is none. */
static struct str end_reason(struct str why)
{
	static const struct str reasons[] = {
	    {"done", 4}, {"incident_closed", 15}, {"expired", 7}, {"stopped", 7}, {"killed", 6},
	};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (str_eq(reasons[i], why)) {
			return reasons[i];
		}
	}
	return STR_NULL;
}

enum rc state_reserve_task_ended(struct state *s, const struct leaf *l, struct err *e)
{
	if (!end_reason(l->task_ended.why).p) {
		FAIL(e, RC_BROKEN, "no task ends for '" STR_FMT "'", STR_ARG(l->task_ended.why));
	}
	return need_task(s, l->task_ended.task, TASK_RUNNING, TASK_SUSPENDED, e);
}

void state_apply_task_ended(struct state *s, const struct leaf *l)
{
	struct task_object *o = task_of(s, l->task_ended.task);

	o->pub.state = TASK_ENDED;
	o->pub.ended_why = end_reason(l->task_ended.why);
	o->pub.ended_by_leaf = s->size;
	o->pub.ended_unix_ms = l->t;
}

enum rc state_reserve_task_closed(struct state *s, const struct leaf *l, struct err *e)
{
	return need_task(s, l->task_closed.task, TASK_ENDED, TASK_ENDED, e);
}

void state_apply_task_closed(struct state *s, const struct leaf *l)
{
	struct task_object *o = task_of(s, l->task_closed.task);

	o->pub.state = TASK_CLOSED;
	o->pub.closed_unix_ms = l->t;
	state_set_over(&o->o, l->t);
}
