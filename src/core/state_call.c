/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_call.c - decided calls and their outcomes.
 *
 * States: call.decided allow -> ALLOWED -completed-> SETTLED; an outcome that was unknown may still
 *         become known. Denials leave counters only.
 * Holds:  (1) s->unfinished holds exactly the calls in ALLOWED, in order.
 *         (2) an allowed agent's call stands under a running task, and destroys only with an
 *             approval or a pre-approval (state.c (4)).
 */
#include <inttypes.h>

#include "base/mem.h"
#include "core/state_impl.h"

enum { MAX_LABELS = 256, MAX_COMPLETED = 128 /* as many as a grant has */ };

static struct task_object *task_of(const struct state *s, uint64_t ix)
{
	return (void *)state_find(s, OBJECT_TASK, ix);
}

/* The same text in memory that outlives the leaf; p == NULL when it is no purpose. */
static struct str purpose_of(struct str text)
{
	static const struct str purposes[] = {
	    {"agent", 5},    {"capture", 7},  {"verify", 6},
	    {"rollback", 8}, {"preserve", 8}, {"rehearse", 8},
	};

	for (size_t i = 0; i < ARRAY_LEN(purposes); i++) {
		if (str_eq(purposes[i], text)) {
			return purposes[i];
		}
	}
	return STR_NULL;
}

static struct str outcome_of(struct str text)
{
	static const struct str outcomes[] = {
	    {"ok", 2},
	    {"tool_error", 10},
	    {"not_sent", 8},
	    {"unknown", 7},
	};

	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
		if (str_eq(outcomes[i], text)) {
			return outcomes[i];
		}
	}
	return STR_NULL;
}

static bool is_agents(const struct leaf_call_decided *c)
{
	return str_eq(c->purpose, STR("agent"));
}

static bool is_allowed(const struct leaf_call_decided *c)
{
	return str_eq(c->verdict, STR("allow"));
}

/* ---- call.decided ---- */

static enum rc check_texts(const struct leaf_call_decided *c, struct err *e)
{
	enum effect effect;
	enum reason reason;

	if (!is_allowed(c) && !str_eq(c->verdict, STR("deny")) && !str_eq(c->verdict, STR("ask"))) {
		FAIL(e, RC_BROKEN, "no verdict '" STR_FMT "'", STR_ARG(c->verdict));
	}
	if (!purpose_of(c->purpose).p) {
		FAIL(e, RC_BROKEN, "no purpose '" STR_FMT "'", STR_ARG(c->purpose));
	}
	if (!reason_from_code(c->reason, &reason)) {
		FAIL(e, RC_BROKEN, "no reason '" STR_FMT "'", STR_ARG(c->reason));
	}
	/* A call of an unknown tool has no effect to name. */
	if ((is_allowed(c) || c->effect.n) && !effect_from_name(c->effect, &effect)) {
		FAIL(e, RC_BROKEN, "no effect '" STR_FMT "'", STR_ARG(c->effect));
	}
	return RC_OK;
}

static enum rc check_lease(const struct state *s, const struct leaf_call_decided *c, struct err *e)
{
	const struct lease *lease = state_lease(s, c->lease);

	if (c->lease &&
	    (!lease || lease->state == LEASE_STATE_GONE || lease->state == LEASE_STATE_REVOKING)) {
		FAIL(e, RC_BROKEN, "lease l%" PRIu64 " is unknown or over", c->lease);
	}
	return RC_OK;
}

/* A call of Remit itself. */
static enum rc check_own(const struct state *s, const struct leaf_call_decided *c, struct err *e)
{
	if (!str_eq(c->purpose, STR("rollback")) && !str_eq(c->purpose, STR("rehearse")) &&
	    !str_eq(c->effect, STR("read"))) {
		FAIL(e, RC_BROKEN, "capture and verification only read");
	}
	if (c->approval || c->preapproval) {
		FAIL(e, RC_BROKEN, "a call of Remit itself uses no approval");
	}
	TRY(state_check_rehearsal(s, c, e));
	return state_check_undo(s, c, e);
}

/* (2) */
static enum rc check_agents(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_call_decided *c = &l->call_decided;
	const struct task *task = state_task(s, c->task);

	if (!task || task->state != TASK_RUNNING || !str_eq(task->agent, c->agent)) {
		FAIL(e, RC_BROKEN, "a call is allowed without a running task of its agent");
	}
	if (str_eq(c->effect, STR("destroy")) && !c->approval && !c->preapproval &&
	    !state_break_glass_of(s, c->task)) {
		FAIL(e, RC_BROKEN, "a destroy call is allowed without an approval");
	}
	TRY(state_check_approval_use(s, l, e));
	TRY(state_check_evidence_use(s, l, e));
	return state_reserve_preapproval_use(s, l, e);
}

static struct incident_object *incident_of(const struct state *s, const struct task_object *t)
{
	return (void *)state_find(s, OBJECT_INCIDENT, t->pub.incident);
}

static enum rc reserve_marks(const struct state *s, const struct task_object *t,
			     const struct leaf_call_decided *c, struct err *e)
{
	struct incident_object *i = incident_of(s, t);

	return i ? state_reserve_call_marks(i, c->marks, e) : RC_OK;
}

static enum rc reserve_allowed(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_call_decided *c = &l->call_decided;
	struct task_object *task = task_of(s, c->task);
	struct leaf kept = {.kind = l->kind, .t = l->t};

	TRY(check_lease(s, c, e));
	TRY(is_agents(c) ? check_agents(s, l, e) : check_own(s, c, e));
	if (vec_reserve(&s->unfinished, 1) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for an unfinished call");
	}
	TRY(state_reserve_targets(s, c, e));
	if (is_agents(c)) {
		TRY(state_reserve_use(s, task, c, e));
		TRY(state_reserve_takings(s, &c->takings, c->targets.n, e));
		TRY(state_reserve_phase_use(s, task, e));
		TRY(reserve_marks(s, task, c, e));
	} else if (c->takings.n) {
		FAIL(e, RC_BROKEN, "a call of Remit itself takes from no cap");
	}
	kept.call_decided.takings = c->takings;
	kept.call_decided.tool = c->tool;
	return state_reserve_object(s, OBJECT_CALL, sizeof(struct call_object), &kept, e);
}

enum rc state_reserve_call_decided(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_call_decided *c = &l->call_decided;
	struct object *o;

	TRY(check_texts(c, e));
	if (c->task) {
		TRY(state_need(s, OBJECT_TASK, c->task, &o, e));
	}
	return is_allowed(c) ? reserve_allowed(s, l, e) : state_reserve_attempt(s, l, e);
}

static void apply_allowed(struct state *s, const struct leaf *l)
{
	const struct leaf_call_decided *c = &l->call_decided;
	struct task_object *task = task_of(s, c->task);
	struct call_object *o = state_take_object(s);

	o->pub = (struct call){
	    .ix = o->o.ix,
	    .state = CALL_ALLOWED,
	    .task = c->task,
	    .parent = c->parent,
	    .purpose = purpose_of(c->purpose),
	    .tool = s->pending.own.call_decided.tool,
	    .tag = c->tag,
	    .evidence = c->evidence,
	    .approval = c->approval,
	    .preapproval = c->preapproval,
	    .lease = c->lease,
	    .decided_unix_ms = l->t,
	};
	MUST(effect_from_name(c->effect, &o->pub.effect));
	o->is_agents = is_agents(c);
	o->takings = s->pending.own.call_decided.takings;
	o->taken_unix_ms = l->t > s->now_unix_ms ? l->t : s->now_unix_ms;
	o->held_until_unix_ms = c->held_until;
	state_apply_targets(s, o);
	MUST(s->unfinished.n < s->unfinished.cap);
	s->unfinished.p[s->unfinished.n++] = o;
	state_apply_undo(s, c, o->o.ix);
	state_apply_rehearsal_act(s, c, o->o.ix);
	if (!task || !is_agents(c)) {
		return;
	}
	if (digest_is_zero(&task->pub.key)) {
		task->pub.key = c->key;
	}
	state_apply_use(s, task, o);
	state_apply_progress(s, task, o);
	state_apply_takings(s, o);
	state_probe_breakers(s, o);
	if (incident_of(s, task)) {
		state_apply_call_marks(incident_of(s, task), c->marks, c->task);
	}
	state_apply_approval_use(s, l);
	state_apply_waiver_use(s, l);
	state_apply_preapproval_use(s, l);
}

void state_apply_call_decided(struct state *s, const struct leaf *l)
{
	const struct leaf_call_decided *c = &l->call_decided;
	struct task_object *task = task_of(s, c->task);
	enum reason reason;

	if (is_allowed(c)) {
		apply_allowed(s, l);
		return;
	}
	MUST(reason_from_code(c->reason, &reason));
	state_apply_attempt(s, l, task, reason);
}

/* ---- outcomes ---- */

/* The first unfinished call whose index is at least ix. */
static size_t unfinished_place(const struct state *s, uint64_t ix)
{
	size_t from = 0;
	size_t to = s->unfinished.n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (s->unfinished.p[middle]->o.ix < ix) {
			from = middle + 1;
		} else {
			to = middle;
		}
	}
	return from;
}

static bool is_completion(const struct call *call, const struct leaf_call_completed *c)
{
	return str_eq(call->purpose, STR("agent")) && str_eq(c->kind, STR("ok"));
}

enum rc state_reserve_call_completed(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_call_completed *c = &l->call_completed;
	const struct call *call;
	struct task_object *task;
	struct object *o;

	TRY(state_need(s, OBJECT_CALL, c->call, &o, e));
	call = &((const struct call_object *)o)->pub;
	if (!outcome_of(c->kind).p) {
		FAIL(e, RC_BROKEN, "no outcome '" STR_FMT "'", STR_ARG(c->kind));
	}
	if (call->state != CALL_ALLOWED &&
	    (!str_eq(call->outcome, STR("unknown")) || str_eq(c->kind, STR("unknown")))) {
		FAIL(e, RC_BROKEN, "call c%" PRIu64 " has its outcome already", c->call);
	}
	TRY(state_reserve_used(s, (const struct call_object *)o, &c->used, e));
	task = task_of(s, call->task);
	if (!task) {
		return RC_OK;
	}
	TRY(state_reserve_strings(&s->pending.labels, &task->labels, &c->labels, MAX_LABELS, e));
	task->pub.labels.p = task->labels.p; /* the vector may have moved */
	if (is_completion(call, c)) {
		const struct str_list tool = {&call->tool, 1};

		TRY(state_reserve_strings(&s->pending.completed, &task->completed, &tool,
					  MAX_COMPLETED, e));
		task->pub.completed.p = task->completed.p;
	}
	if (vec_reserve(&task->label_uses,
			task->labels.n + s->pending.labels.n - task->label_uses.n) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a task's labels");
	}
	task->pub.label_uses = task->label_uses.p;
	return state_reserve_result_marks(task, c->marks, e);
}

void state_apply_call_completed(struct state *s, const struct leaf *l)
{
	struct call_object *o = (void *)state_find(s, OBJECT_CALL, l->call_completed.call);
	struct task_object *task = task_of(s, o->pub.task);

	bool is_unknown = str_eq(l->call_completed.kind, STR("unknown"));
	size_t at = unfinished_place(s, o->o.ix);

	if (at < s->unfinished.n && s->unfinished.p[at] == o) {
		vec_remove(&s->unfinished, at);
		state_settle_targets(s, o, !is_unknown);
	} else {
		state_free_targets(s, o);
	}
	o->pub.state = CALL_SETTLED;
	o->pub.outcome = outcome_of(l->call_completed.kind);
	o->pub.completed_ix = s->size;
	state_apply_undo_outcome(s, &o->pub);
	state_set_over(&o->o, l->t);
	if (task) {
		state_take_strings(&s->pending.labels, &task->labels);
		task->pub.labels = (struct str_list){task->labels.p, task->labels.n};
		state_take_strings(&s->pending.completed, &task->completed);
		task->pub.completed = (struct str_list){task->completed.p, task->completed.n};
	}
	if (task) {
		state_apply_result_marks(task, l->call_completed.marks,
					 l->call_completed.marks_over);
		state_settle_use(s, task, o, l);
	}
	if (str_eq(o->pub.outcome, STR("not_sent"))) {
		state_return_takings(s, o, l->t);
		state_stop_standing(s, o);
	}
	state_apply_used(s, o, &l->call_completed.used);
	state_settle_probes(s, o, l->t);
}

/* What a task is marked with when an effect of its is not what it should be. */
static const struct str unverified_label[] = {{"unverified", 10}};
static const struct str_list unverified = {unverified_label, 1};

enum rc state_reserve_call_verified(struct state *s, const struct leaf *l, struct err *e)
{
	const struct call *call;
	struct task_object *task;
	struct object *o;

	TRY(state_need(s, OBJECT_CALL, l->call_verified.call, &o, e));
	call = &((const struct call_object *)o)->pub;
	task = task_of(s, call->task);
	if (call->state != CALL_SETTLED) {
		FAIL(e, RC_BROKEN, "call c%" PRIu64 " is verified before its outcome",
		     l->call_verified.call);
	}
	/* Of a call that said it failed, or was not sent after all, nothing was expected. */
	if (!task || l->call_verified.holds || str_eq(call->outcome, STR("tool_error")) ||
	    str_eq(call->outcome, STR("not_sent"))) {
		return RC_OK;
	}
	TRY(state_reserve_strings(&s->pending.labels, &task->labels, &unverified, MAX_LABELS, e));
	task->pub.labels.p = task->labels.p; /* the vector may have moved */
	return RC_OK;
}

void state_apply_call_verified(struct state *s, const struct leaf *l)
{
	struct call_object *o = (void *)state_find(s, OBJECT_CALL, l->call_verified.call);
	struct task_object *task = task_of(s, o->pub.task);

	state_free_targets(s, o);
	o->pub.is_verified = true;
	o->pub.verified_holds = l->call_verified.holds;
	if (!l->call_verified.holds) {
		state_surprise_preapproval(s, o->pub.preapproval, l->t);
	}
	o->pub.verified_ix = s->size;
	if (task) {
		state_take_strings(&s->pending.labels, &task->labels);
		task->pub.labels = (struct str_list){task->labels.p, task->labels.n};
	}
}

const struct call *state_next_unfinished_call(const struct state *s, uint64_t from)
{
	size_t at = unfinished_place(s, from);

	return at < s->unfinished.n ? &s->unfinished.p[at]->pub : NULL;
}
