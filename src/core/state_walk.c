/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_walk.c - what of each object governs: the fields, in one order, for three uses.
 *
 * The digest of the state, a snapshot that is written and one that is read come from what stands
 * here (core/walk.h). A new field of an object gets a line in its walker; the assertions below make
 * sure that nobody forgets, and then STATE_FORMAT counts one more.
 *
 * Holds:  (1) what is not walked follows from what is: numbers of words, places of nodes, which
 *             calls are unfinished or stand on a target, how many breakers are open.
 *         (2) an object is in its table before its fields are read, so that state_free finds it.
 *         (3) the fact about a target comes with the first call that names it.
 */
#include <stddef.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/walk.h"

/* Change a size only after the field that changed it was walked, or follows from others (1). */
#define WALKED(type, size)                                                                         \
	_Static_assert(sizeof(struct type) == (size), "walk the new field of " #type)
/* What is pending comes last, and grows with any leaf. */
_Static_assert(offsetof(struct state, pending) == 1072, "walk the new field of the state");
WALKED(incident_object, 1152);
WALKED(intent_object, 72);
WALKED(task_object, 1416);
WALKED(call_object, 328);
WALKED(approval_object, 400);
WALKED(preapproval_object, 200);
WALKED(lease_object, 128);
WALKED(term_object, 200);
WALKED(rollback_object, 120);
WALKED(rehearsal_object, 152);
WALKED(kill_object, 136);
WALKED(evidence_object, 264);
WALKED(breaker_object, 136);
WALKED(hold_object, 120);
WALKED(waiver_object, 160);
WALKED(pause_object, 72);
WALKED(duty_object, 104);
WALKED(escalation_object, 120);
WALKED(break_glass_object, 144);
WALKED(proposal_object, 216);
WALKED(agent_record, 1304);
WALKED(observed, 88);
WALKED(health, 24);
WALKED(signal_object, 104);
WALKED(counter, 120);
WALKED(target_fact, 40);
WALKED(deviation, 64);
WALKED(task_note, 24);
WALKED(phase_use, 40);
WALKED(tool_use, 88);
WALKED(label_use, 32);
WALKED(vote, 32);
WALKED(read_total, 24);
WALKED(mark_by, 16);
WALKED(shard, 40);
WALKED(motion, 32);
WALKED(erasing, 24);
_Static_assert(OBJECT_KINDS == 20, "a kind of object more is another STATE_FORMAT");

/* Past the last value of enums that name none. */
enum {
	INCIDENT_STATUSES = INCIDENT_OPEN + 1,
	TASK_STATES = TASK_RUNNING + 1,
	CALL_STATES = CALL_ALLOWED + 1,
	APPROVAL_STATES = APPROVAL_OPEN + 1,
	APPROVAL_KINDS = APPROVAL_INTENT + 1,
	LEASE_STATES = LEASE_STATE_DELIVERED + 1,
	TERM_STATES = TERM_STANDING + 1,
	EVIDENCE_STATES = EVIDENCE_KEPT + 1,
	HOLD_SCOPES = HOLD_TARGET + 1,
	WAIVER_STATES = WAIVER_PROPOSED + 1,
	AUTONOMY_LEVELS = AUTONOMY_ACT + 1,
};

/* ---- what objects share ---- */

static void walk_reads(struct walk *w, struct read_totals *r)
{
	uint64_t n;

	walk_own_list(w, &r->classes);
	n = r->classes.n;
	for (uint64_t i = 0; i < n && walk_room(w, &r->totals, i); i++) {
		walk_u64(w, &r->totals.p[i].results);
		walk_u64(w, &r->totals.p[i].objects);
		walk_u64(w, &r->totals.p[i].bytes);
	}
}

static void walk_marks(struct walk *w, struct mark_set *m)
{
	uint64_t n = walk_n(w, m->n);

	walk_bool(w, &m->is_full);
	for (uint64_t i = 0; i < n && walk_room(w, m, i); i++) {
		walk_u64(w, &m->p[i].mark);
		walk_u64(w, &m->p[i].by);
	}
}

/* By its code: numbers of reasons change with the list. */
static void walk_reason(struct walk *w, enum reason *r)
{
	struct str code = reason_code(*r);

	walk_own(w, &code);
	if (w->direction != WALK_GET) {
		return;
	}
	if (walk_is_ok(w) && !reason_from_code(code, r)) {
		walk_fail(w, RC_BROKEN, "a reason that is none");
	}
	state_free_string(code);
}

static struct str_list list_of(const struct owned_strings *v)
{
	return (struct str_list){.p = v->p, .n = v->n};
}

/* ---- incidents, intents, tasks ---- */

static void walk_incident(struct walk *w, struct object *o)
{
	struct incident_object *x = (struct incident_object *)o;
	struct incident *i = &x->pub;
	uint64_t n;

	walk_enum(w, i->status, INCIDENT_STATUSES);
	walk_str(w, &i->source);
	walk_str(w, &i->source_id);
	walk_str(w, &i->class);
	walk_enum(w, i->severity, UINT8_MAX);
	walk_str(w, &i->service);
	walk_str(w, &i->environment);
	walk_list(w, &i->assets);
	walk_bool(w, &i->is_regulated);
	walk_str(w, &i->opened_by);
	walk_u64(w, &i->opened_unix_ms);
	walk_u64(w, &i->closed_unix_ms);
	walk_u64(w, &i->occurred_unix_ms);
	for (size_t k = 0; k < INCIDENT_DELIVERIES; k++) {
		walk_digest(w, &i->deliveries[k]);
	}
	walk_u64(w, &i->n_deliveries);
	walk_u64(w, &i->text_ix);
	for (size_t k = 0; k < INCIDENT_STEPS; k++) {
		walk_u64(w, &i->steps[k]);
	}
	walk_u64(w, &i->n_steps);
	walk_marks(w, &x->marks);
	walk_own_list(w, &x->routed);
	walk_reads(w, &x->reads);
	n = walk_n(w, x->evidence.n);
	for (uint64_t k = 0; k < n && walk_room(w, &x->evidence, k); k++) {
		walk_u64(w, &x->evidence.p[k]);
	}
	if (w->direction == WALK_GET) {
		i->read_classes = list_of(&x->reads.classes);
		i->read_totals = x->reads.totals.p;
	}
}

static void walk_intent(struct walk *w, struct object *o)
{
	struct intent_object *i = (struct intent_object *)o;

	walk_str(w, &i->agent);
	walk_u64(w, &i->incident);
	walk_u64(w, &i->task);
}

static void walk_tried(struct walk *w, struct task_object *x)
{
	uint64_t n = x->pub.n_tried;

	walk_below(w, &n, TASK_TRIED + 1);
	for (uint64_t i = 0; i < n && walk_is_ok(w); i++) {
		walk_u64(w, &x->tried[i].call);
		walk_u64(w, &x->tried[i].unix_ms);
		walk_str(w, &x->tried[i].tool);
		walk_list(w, &x->tried[i].targets);
		walk_reason(w, &x->tried[i].reason);
		walk_u64(w, &x->tried[i].weight);
	}
	if (w->direction == WALK_GET) {
		x->pub.tried = x->tried; /* their texts lie in the object's block */
		x->pub.n_tried = (size_t)n;
	}
}

static void walk_notes(struct walk *w, struct task_object *x)
{
	uint64_t n = walk_n(w, x->notes.n);

	for (uint64_t i = 0; i < n && walk_room(w, &x->notes, i); i++) {
		walk_u64(w, &x->notes.p[i].ix);
		walk_u64(w, &x->notes.p[i].about);
		walk_u64(w, &x->notes.p[i].unix_ms);
	}
}

static void walk_phases(struct walk *w, struct task_object *x)
{
	uint64_t n = x->phases.n;

	walk_below(w, &n, LIMIT_PHASES + 1);
	for (uint64_t i = 0; i < n && walk_room(w, &x->phases, i); i++) {
		walk_own(w, &x->phases.p[i].phase);
		walk_u64(w, &x->phases.p[i].calls);
		walk_u64(w, &x->phases.p[i].targets);
		walk_u64(w, &x->phases.p[i].spent_ms);
	}
}

static void walk_uses(struct walk *w, struct task_object *x)
{
	uint64_t n = walk_n(w, x->uses.n);

	for (uint64_t i = 0; i < n && walk_room(w, &x->uses, i); i++) {
		struct tool_use *use = &x->uses.p[i];

		walk_word(w, &use->tool_number);
		if (w->direction == WALK_GET && use->tool_number == INTERN_NONE) {
			walk_fail(w, RC_BROKEN, "a tool without a name");
			x->uses.n = (size_t)i;
			return;
		}
		if (w->direction == WALK_GET) {
			use->tool = intern_text(&w->s->words, use->tool_number);
		}
		walk_u64(w, &use->allowed);
		walk_u64(w, &use->ok);
		for (unsigned e = 0; e < EFFECTS; e++) {
			walk_u64(w, &use->allowed_as[e]);
			walk_u64(w, &use->last_ok_unix_ms[e]);
		}
	}
}

static void walk_labels(struct walk *w, struct task_object *x)
{
	uint64_t n;

	walk_own_list(w, &x->labels);
	n = walk_n(w, x->label_uses.n);
	if (n > x->labels.n) {
		walk_fail(w, RC_BROKEN, "more counts of labels than labels");
	}
	for (uint64_t i = 0; i < n && walk_room(w, &x->label_uses, i); i++) {
		if (w->direction == WALK_GET) {
			x->label_uses.p[i].label = x->labels.p[i];
		}
		walk_u64(w, &x->label_uses.p[i].results);
		walk_u64(w, &x->label_uses.p[i].last_unix_ms);
	}
}

static void show_task(struct task_object *x)
{
	struct task *t = &x->pub;

	t->notes = x->notes.p;
	t->n_notes = x->notes.n;
	t->phases = x->phases.p;
	t->n_phases = x->phases.n;
	t->completed = list_of(&x->completed);
	t->labels = list_of(&x->labels);
	t->label_uses = x->label_uses.p;
	t->n_label_uses = x->label_uses.n;
	t->uses = x->uses.p;
	t->n_uses = x->uses.n;
	t->read_classes = list_of(&x->reads.classes);
	t->read_totals = x->reads.totals.p;
}

static void walk_grant(struct walk *w, struct task *t)
{
	walk_enum(w, t->state, TASK_STATES);
	walk_u64(w, &t->intent);
	walk_u64(w, &t->incident);
	walk_str(w, &t->agent);
	walk_str(w, &t->playbook);
	walk_str(w, &t->goal_class);
	walk_list(w, &t->tools);
	walk_list(w, &t->data);
	walk_str(w, &t->phase);
	walk_u64(w, &t->phase_since_unix_ms);
	walk_u64(w, &t->opened_unix_ms);
	walk_u64(w, &t->not_after_unix_ms);
	walk_u64(w, &t->max_calls);
	walk_u64(w, &t->max_targets);
	walk_u64(w, &t->max_deviations);
	walk_digest(w, &t->key);
	walk_str(w, &t->by);
	walk_str(w, &t->accountable);
}

static void walk_task(struct walk *w, struct object *o)
{
	struct task_object *x = (struct task_object *)o;
	struct task *t = &x->pub;

	walk_grant(w, t);
	walk_words(w, &t->targets, &x->granted);
	walk_u64(w, &t->calls);
	walk_u64(w, &t->deviations);
	walk_u64(w, &t->deviation_weight);
	walk_u64(w, &t->n_touched);
	walk_str(w, &t->ended_why);
	walk_u64(w, &t->ended_by_leaf);
	walk_u64(w, &t->ended_unix_ms);
	walk_u64(w, &t->closed_unix_ms);
	walk_u64(w, &x->last_call);
	if (w->direction == WALK_GET) {
		x->touched.has_marks = true;
	}
	walk_set(w, &x->touched);
	walk_tried(w, x);
	walk_notes(w, x);
	walk_phases(w, x);
	walk_own_list(w, &x->completed);
	walk_labels(w, x);
	walk_uses(w, x);
	walk_reads(w, &x->reads);
	walk_marks(w, &x->marks);
	if (w->direction == WALK_GET) {
		show_task(x);
	}
}

/* ---- calls and their targets ---- */

static void walk_fact(struct walk *w, struct target_fact *f)
{
	walk_u64(w, &f->token);
	walk_u64(w, &f->holder);
	walk_u64(w, &f->held_until_unix_ms);
	walk_word(w, &f->last_tool);
}

/* (3) */
static void put_facts(struct walk *w, const struct call_object *x)
{
	for (size_t i = 0; i < x->pub.targets.n && w->direction == WALK_PUT; i++) {
		if (!w->seen[x->targets[i]]) {
			w->seen[x->targets[i]] = 1;
			walk_fact(w, &w->s->facts.p[x->targets[i]]);
		}
	}
}

static void get_facts(struct walk *w, struct call_object *x, struct str_list *texts, uint32_t *ids)
{
	AUTO_MEM uint8_t *is_first = mem_calloc(texts->n + 1, 1);

	if (walk_is_ok(w) && !is_first) {
		walk_fail(w, RC_NOMEM, "no memory for the state");
	}
	if (walk_is_ok(w)) {
		w->rc = state_restore_targets(w->s, x, texts, ids, is_first, w->e);
	}
	if (!walk_is_ok(w)) {
		for (size_t i = 0; i < texts->n; i++) {
			intern_drop(&w->s->words, ids[i]);
		}
		mem_free((void *)(uintptr_t)texts->p);
		mem_free(ids);
		return;
	}
	for (size_t i = 0; i < x->pub.targets.n; i++) {
		if (is_first[i]) {
			walk_fact(w, &w->s->facts.p[x->targets[i]]);
		}
	}
}

static void walk_hops(struct walk *w, struct call_object *x)
{
	uint32_t tool = x->tool;
	uint32_t hop = x->hop;

	walk_word(w, &tool);
	walk_word(w, &hop);
	if (w->direction == WALK_GET && tool != INTERN_NONE && hop != INTERN_NONE) {
		x->tool = tool;
		x->hop = hop;
	} else if (w->direction == WALK_GET) {
		if (tool != INTERN_NONE) {
			intern_drop(&w->s->words, tool);
		}
		if (hop != INTERN_NONE) {
			intern_drop(&w->s->words, hop);
		}
		walk_fail(w, RC_BROKEN, "a call of a tool without a name");
	}
}

static void walk_call(struct walk *w, struct object *o)
{
	struct call_object *x = (struct call_object *)o;
	struct call *c = &x->pub;
	struct str_list texts = c->targets;
	uint32_t *ids = x->targets;

	walk_enum(w, c->state, CALL_STATES);
	walk_u64(w, &c->task);
	walk_u64(w, &c->parent);
	walk_str(w, &c->purpose);
	walk_str(w, &c->tool);
	walk_enum(w, c->effect, EFFECTS);
	walk_digest(w, &c->tag);
	walk_u64(w, &c->evidence);
	walk_u64(w, &c->approval);
	walk_u64(w, &c->preapproval);
	walk_u64(w, &c->lease);
	walk_u64(w, &c->decided_unix_ms);
	walk_str(w, &c->outcome);
	walk_u64(w, &c->completed_ix);
	walk_bool(w, &c->is_verified);
	walk_bool(w, &c->verified_holds);
	walk_u64(w, &c->verified_ix);
	walk_u64(w, &c->term);
	walk_u64(w, &x->terms);
	walk_bool(w, &x->is_accounted);
	walk_u64(w, &x->previous);
	walk_bool(w, &x->is_agents);
	walk_bool(w, &x->stands);
	walk_list(w, &x->takings);
	walk_u64(w, &x->taken_unix_ms);
	walk_u64(w, &x->held_until_unix_ms);
	walk_hops(w, x);
	if (w->direction != WALK_GET) {
		walk_words(w, &texts, &ids);
		put_facts(w, x);
		return;
	}
	texts = (struct str_list){0};
	ids = NULL;
	walk_words(w, &texts, &ids);
	get_facts(w, x, &texts, ids);
	if (walk_is_ok(w) && c->state == CALL_ALLOWED && vec_push(&w->s->unfinished, x) != RC_OK) {
		walk_fail(w, RC_NOMEM, "no memory for the state");
	}
}

/* ---- authority ---- */

static void walk_votes(struct walk *w, struct approval_object *x)
{
	uint64_t n = walk_n(w, x->votes.n);

	for (uint64_t i = 0; i < n && walk_room(w, &x->votes, i); i++) {
		walk_own(w, &x->votes.p[i].person);
		walk_bool(w, &x->votes.p[i].grants);
		walk_u64(w, &x->votes.p[i].at_unix_ms);
	}
	if (w->direction == WALK_GET) {
		x->pub.votes = x->votes.p;
		x->pub.n_votes = x->votes.n;
	}
}

static void walk_approval(struct walk *w, struct object *o)
{
	struct approval_object *x = (struct approval_object *)o;
	struct approval *a = &x->pub;

	walk_enum(w, a->kind, APPROVAL_KINDS);
	walk_enum(w, a->state, APPROVAL_STATES);
	walk_reason(w, &a->reason);
	walk_u64(w, &a->task);
	walk_u64(w, &a->incident);
	walk_u64(w, &a->group);
	walk_u64(w, &a->narrows);
	walk_u64(w, &a->narrowed_to);
	walk_str(w, &a->agent);
	walk_str(w, &a->tool);
	walk_enum(w, a->effect, EFFECTS);
	walk_list(w, &a->targets);
	walk_digest(w, &a->tag);
	walk_list(w, &a->policies);
	walk_list(w, &a->gates);
	walk_str(w, &a->accountable);
	walk_list(w, &a->eligible);
	walk_digest(w, &a->shown);
	walk_str(w, &a->safe_tool);
	walk_u64(w, &a->quorum);
	walk_u64(w, &a->opened_unix_ms);
	walk_u64(w, &a->decide_by_unix_ms);
	walk_u64(w, &a->execute_by_ms);
	walk_u64(w, &a->execute_by_unix_ms);
	walk_u64(w, &a->evidence);
	walk_u64(w, &a->used_by);
	walk_votes(w, x);
}

static void walk_preapproval(struct walk *w, struct object *o)
{
	struct preapproval_object *x = (struct preapproval_object *)o;
	struct preapproval *p = &x->pub;
	uint64_t n;

	walk_bool(w, &p->is_open);
	walk_str(w, &p->person);
	walk_str(w, &p->agent);
	walk_str(w, &p->tool);
	walk_list(w, &p->targets);
	walk_str(w, &p->class);
	walk_u64(w, &p->max_uses);
	walk_u64(w, &p->window_ms);
	walk_u64(w, &p->not_after_unix_ms);
	n = walk_n(w, x->uses.n);
	for (uint64_t i = 0; i < n && walk_room(w, &x->uses, i); i++) {
		walk_u64(w, &x->uses.p[i]);
	}
	if (w->direction == WALK_GET) {
		p->uses_unix_ms = x->uses.p;
		p->n_uses = x->uses.n;
	}
}

static void walk_lease(struct walk *w, struct object *o)
{
	struct lease *l = &((struct lease_object *)o)->pub;

	walk_enum(w, l->state, LEASE_STATES);
	walk_u64(w, &l->task);
	walk_str(w, &l->backend);
	walk_str(w, &l->scope);
	walk_u64(w, &l->not_after_unix_ms);
	walk_u64(w, &l->create_by_unix_ms);
	walk_str(w, &l->read_back);
}

static void walk_kill(struct walk *w, struct object *o)
{
	struct kill_object *k = (struct kill_object *)o;

	walk_str(w, &k->pub.scope);
	walk_str(w, &k->pub.name);
	walk_str(w, &k->pub.by);
	walk_bool(w, &k->pub.stops_rollbacks);
	walk_bool(w, &k->pub.is_acknowledged);
	walk_str(w, &k->pub.lift_by);
	walk_u64(w, &k->pub.lift_unix_ms);
	walk_bool(w, &k->is_cleared);
}

static void walk_breaker(struct walk *w, struct object *o)
{
	struct breaker *b = &((struct breaker_object *)o)->pub;

	walk_bool(w, &b->is_closed);
	walk_enum(w, b->kind, BREAKER_KINDS);
	walk_str(w, &b->whom);
	walk_str(w, &b->key);
	walk_u64(w, &b->task);
	walk_u64(w, &b->count);
	walk_u64(w, &b->open_ms);
	walk_u64(w, &b->tripped_unix_ms);
	walk_u64(w, &b->open_until_unix_ms);
	walk_u64(w, &b->probe);
	if (w->direction == WALK_GET) {
		w->s->n_open_breakers += !b->is_closed;
	}
}

static void walk_proposal(struct walk *w, struct object *o)
{
	struct proposal *p = &((struct proposal_object *)o)->pub;

	walk_bool(w, &p->is_open);
	walk_u64(w, &p->task);
	walk_str(w, &p->agent);
	walk_str(w, &p->tool);
	walk_enum(w, p->effect, EFFECTS);
	walk_list(w, &p->targets);
	walk_digest(w, &p->tag);
	walk_str(w, &p->would);
	walk_str(w, &p->reason);
	walk_u64(w, &p->made_unix_ms);
	walk_bool(w, &p->agrees);
	walk_str(w, &p->judged_by);
}

/* ---- the way back ---- */

static void walk_term(struct walk *w, struct object *o)
{
	struct term *t = &((struct term_object *)o)->pub;

	walk_enum(w, t->state, TERM_STATES);
	walk_u64(w, &t->call);
	walk_u64(w, &t->task);
	walk_u64(w, &t->incident);
	walk_str(w, &t->tool);
	walk_list(w, &t->targets);
	walk_u64(w, &t->ends_at_unix_ms);
	walk_bool(w, &t->reverts);
	walk_str(w, &t->owner);
	walk_str(w, &t->how);
	walk_u64(w, &t->changed_ix);
	walk_u64(w, &t->started_unix_ms);
	walk_u64(w, &t->rolling_since_unix_ms);
	walk_u64(w, &t->undo);
	walk_u64(w, &t->asked);
}

static void walk_rollback(struct walk *w, struct object *o)
{
	struct rollback *r = &((struct rollback_object *)o)->pub;

	walk_bool(w, &r->is_over);
	walk_u64(w, &r->task);
	walk_u64(w, &r->incident);
	walk_str(w, &r->by);
	walk_u64(w, &r->planned_unix_ms);
	walk_bool(w, &r->is_partial);
	walk_list(w, &r->left);
}

static void walk_rehearsal(struct walk *w, struct object *o)
{
	struct rehearsal *r = &((struct rehearsal_object *)o)->pub;

	walk_bool(w, &r->is_over);
	walk_str(w, &r->tool);
	walk_digest(w, &r->entry);
	walk_list(w, &r->targets);
	walk_str(w, &r->by);
	walk_u64(w, &r->started_unix_ms);
	walk_u64(w, &r->act);
}

/* ---- evidence ---- */

static void walk_evidence(struct walk *w, struct object *o)
{
	struct evidence *ev = &((struct evidence_object *)o)->pub;

	walk_enum(w, ev->state, EVIDENCE_STATES);
	walk_u64(w, &ev->incident);
	walk_u64(w, &ev->task);
	walk_u64(w, &ev->call);
	walk_str(w, &ev->kind);
	walk_list(w, &ev->targets);
	walk_digest(w, &ev->object);
	walk_u64(w, &ev->size);
	walk_u64(w, &ev->stored_size);
	walk_u64(w, &ev->key);
	walk_bool(w, &ev->is_compliance);
	walk_u64(w, &ev->captured_unix_ms);
	walk_u64(w, &ev->keep_until_unix_ms);
	walk_u64(w, &ev->checked_unix_ms);
	walk_u64(w, &ev->last);
	walk_u64(w, &ev->nth);
	walk_u64(w, &ev->proposal.ix);
	walk_bool(w, &ev->proposal.destroys);
	walk_u64(w, &ev->proposal.keep_until_unix_ms);
	walk_u64(w, &ev->proposal.not_after_unix_ms);
	walk_str(w, &ev->proposal.by);
}

static void walk_hold(struct walk *w, struct object *o)
{
	struct hold *h = &((struct hold_object *)o)->pub;

	walk_bool(w, &h->is_released);
	walk_str(w, &h->name);
	walk_enum(w, h->scope, HOLD_SCOPES);
	walk_str(w, &h->subject);
	walk_str(w, &h->by);
	walk_u64(w, &h->placed_unix_ms);
}

static void walk_waiver(struct walk *w, struct object *o)
{
	struct waiver *x = &((struct waiver_object *)o)->pub;

	walk_enum(w, x->state, WAIVER_STATES);
	walk_u64(w, &x->task);
	walk_str(w, &x->tool);
	walk_list(w, &x->targets);
	walk_list(w, &x->kinds);
	walk_u64(w, &x->not_after_unix_ms);
	walk_str(w, &x->by);
	walk_str(w, &x->second);
	walk_u64(w, &x->used_by);
}

/* ---- people ---- */

static void walk_duty(struct walk *w, struct object *o)
{
	struct duty *d = &((struct duty_object *)o)->pub;

	walk_str(w, &d->group);
	walk_str(w, &d->person);
	walk_str(w, &d->by);
	walk_u64(w, &d->until_unix_ms);
}

static void walk_escalation(struct walk *w, struct object *o)
{
	struct escalation *x = &((struct escalation_object *)o)->pub;

	walk_bool(w, &x->is_open);
	walk_u64(w, &x->about);
	walk_str(w, &x->what);
	walk_str(w, &x->group);
	walk_u64(w, &x->level);
	walk_u64(w, &x->since_unix_ms);
	walk_u64(w, &x->moved_unix_ms);
}

static void walk_break_glass(struct walk *w, struct object *o)
{
	struct break_glass *x = &((struct break_glass_object *)o)->pub;

	walk_u64(w, &x->task);
	walk_u64(w, &x->incident);
	walk_str(w, &x->person);
	walk_u64(w, &x->opened_unix_ms);
	walk_u64(w, &x->not_after_unix_ms);
	walk_u64(w, &x->review_by_unix_ms);
	walk_u64(w, &x->reminders);
	walk_u64(w, &x->reminded_unix_ms);
	walk_str(w, &x->reviewed_by);
	walk_bool(w, &x->is_justified);
}

static void walk_pause(struct walk *w, struct object *o)
{
	struct pause *p = &((struct pause_object *)o)->pub;

	walk_str(w, &p->agent);
	walk_u64(w, &p->until_unix_ms);
}

/* ---- tables ---- */

static const struct {
	size_t size;
	size_t ix; /* of pub, 0 = it has none */
	void (*walk)(struct walk *w, struct object *o);
} kinds[OBJECT_KINDS] = {
#define KIND(NAME, name)                                                                           \
	[OBJECT_##NAME] = {sizeof(struct name##_object), offsetof(struct name##_object, pub.ix),   \
			   walk_##name}
    KIND(INCIDENT, incident),
    [OBJECT_INTENT] = {sizeof(struct intent_object), 0, walk_intent},
    KIND(TASK, task),
    KIND(CALL, call),
    KIND(APPROVAL, approval),
    KIND(PREAPPROVAL, preapproval),
    KIND(LEASE, lease),
    KIND(TERM, term),
    KIND(ROLLBACK, rollback),
    KIND(REHEARSAL, rehearsal),
    KIND(KILL, kill),
    KIND(EVIDENCE, evidence),
    KIND(BREAKER, breaker),
    KIND(HOLD, hold),
    KIND(WAIVER, waiver),
    KIND(PAUSE, pause),
    KIND(DUTY, duty),
    KIND(ESCALATION, escalation),
    KIND(BREAK_GLASS, break_glass),
    KIND(PROPOSAL, proposal),
#undef KIND
};

/* (2) */
static struct object *add_object(struct walk *w, enum object_kind kind)
{
	struct object *o = mem_calloc(1, kinds[kind].size);

	if (!o || vec_push(&w->s->tables[kind], o) != RC_OK) {
		mem_free(o);
		walk_fail(w, RC_NOMEM, "no memory for the state");
		return NULL;
	}
	o->kind = kind;
	return o;
}

static void walk_object(struct walk *w, enum object_kind kind, struct object *o)
{
	struct walk count = {.direction = WALK_COUNT, .s = w->s};

	walk_u64(w, &o->ix);
	walk_u64(w, &o->over_unix_ms);
	if (w->direction == WALK_PUT) {
		kinds[kind].walk(&count, o);
	}
	walk_block(w, &count, &o->text);
	kinds[kind].walk(w, o);
	walk_block_end(w);
	if (w->direction == WALK_GET && kinds[kind].ix) {
		*(uint64_t *)(void *)((char *)o + kinds[kind].ix) = o->ix;
	}
}

static void walk_table(struct walk *w, enum object_kind kind)
{
	uint64_t n = walk_n(w, w->s->tables[kind].n);
	uint64_t least = 0;

	for (uint64_t i = 0; i < n && walk_is_ok(w); i++) {
		struct object *o =
		    w->direction == WALK_GET ? add_object(w, kind) : w->s->tables[kind].p[i];

		if (!o) {
			return;
		}
		walk_object(w, kind, o);
		if (o->ix < least || o->ix >= w->s->size) {
			walk_fail(w, RC_BROKEN, "objects that are not in order");
		}
		least = o->ix + 1;
	}
}

/* ---- what has no index ---- */

static void walk_levels(struct walk *w, struct agent_record *r)
{
	for (unsigned e = 0; e < EFFECTS; e++) {
		walk_bool(w, &r->levels[e].is_set);
		walk_enum(w, r->levels[e].level, AUTONOMY_LEVELS);
		walk_enum(w, r->levels[e].base, AUTONOMY_LEVELS);
		walk_u64(w, &r->tallies[e].judged);
		walk_u64(w, &r->tallies[e].agreed);
	}
}

static void walk_record(struct walk *w, struct agent_record *r)
{
	uint64_t n;

	walk_own(w, &r->agent);
	walk_levels(w, r);
	n = r->n_attempts;
	walk_below(w, &n, ATTEMPTS_KEPT + 1);
	r->n_attempts = (size_t)n;
	for (size_t i = 0; i < n; i++) {
		walk_u64(w, &r->attempts[i].unix_ms);
		walk_u64(w, &r->attempts[i].weight);
	}
	walk_enum(w, r->breach, BREACHES);
	walk_u64(w, &r->breached_unix_ms);
	n = r->n_endorsers;
	walk_below(w, &n, AGENT_ENDORSERS + 1);
	r->n_endorsers = (size_t)n;
	for (size_t i = 0; i < n; i++) {
		walk_own(w, &r->endorsers[i]);
	}
	walk_enum(w, r->endorsed_effect, EFFECTS);
	walk_enum(w, r->endorsed_level, AUTONOMY_LEVELS);
	walk_u64(w, &r->endorsed_unix_ms);
}

static void walk_records(struct walk *w)
{
	uint64_t n = walk_n(w, w->s->records.n);

	for (uint64_t i = 0; i < n && walk_room(w, &w->s->records, i); i++) {
		if (w->direction == WALK_GET) {
			w->s->records.p[i] = mem_calloc(1, sizeof(struct agent_record));
		}
		if (!w->s->records.p[i]) {
			w->s->records.n = (size_t)i;
			walk_fail(w, RC_NOMEM, "no memory for the state");
			return;
		}
		walk_record(w, w->s->records.p[i]);
	}
}

static void walk_tools(struct walk *w)
{
	uint64_t n = walk_n(w, w->s->tools.n);

	for (uint64_t i = 0; i < n && walk_room(w, &w->s->tools, i); i++) {
		struct observed *t = &w->s->tools.p[i];

		walk_own(w, &t->name);
		walk_digest(w, &t->digest);
		walk_digest(w, &t->rehearsed);
		walk_u64(w, &t->rehearsed_unix_ms);
	}
}

static void walk_health(struct walk *w)
{
	uint64_t n = walk_n(w, w->s->health.n);

	for (uint64_t i = 0; i < n && walk_room(w, &w->s->health, i); i++) {
		walk_own(w, &w->s->health.p[i].target);
		walk_bool(w, &w->s->health.p[i].is_up);
	}
}

static void walk_signal(struct walk *w, struct signal *x)
{
	walk_u64(w, &x->ix);
	walk_str(w, &x->asset);
	walk_str(w, &x->name);
	walk_str(w, &x->value);
	walk_str(w, &x->source);
	walk_u64(w, &x->observed_unix_ms);
	walk_u64(w, &x->noted_unix_ms);
	walk_u64(w, &x->cause);
}

static void walk_signals(struct walk *w)
{
	uint64_t n = walk_n(w, w->s->signals.n);

	for (uint64_t i = 0; i < n && walk_room(w, &w->s->signals, i); i++) {
		struct walk count = {.direction = WALK_COUNT, .s = w->s};

		if (w->direction == WALK_GET) {
			w->s->signals.p[i] = mem_calloc(1, sizeof(struct signal_object));
		}
		if (!w->s->signals.p[i]) {
			w->s->signals.n = (size_t)i;
			walk_fail(w, RC_NOMEM, "no memory for the state");
			return;
		}
		if (w->direction == WALK_PUT) {
			walk_signal(&count, &w->s->signals.p[i]->pub);
		}
		walk_block(w, &count, &w->s->signals.p[i]->text);
		walk_signal(w, &w->s->signals.p[i]->pub);
		walk_block_end(w);
	}
}

/* ---- counters ---- */

static void walk_counter(struct walk *w, struct counter *c)
{
	uint64_t n = walk_n(w, c->sum.n);
	uint64_t least = 0;

	for (uint64_t i = 0; i < n && walk_room(w, &c->sum, i); i++) {
		walk_u64(w, &c->sum.p[i].until_unix_ms);
		walk_u64(w, &c->sum.p[i].amount);
		if (c->sum.p[i].until_unix_ms < least) {
			walk_fail(w, RC_BROKEN, "a sum that is not in order");
		}
		least = c->sum.p[i].until_unix_ms;
	}
	walk_set(w, &c->set);
}

static void get_counters(struct walk *w)
{
	uint64_t n = walk_n(w, 0);

	for (uint64_t i = 0; i < n && walk_is_ok(w); i++) {
		struct counter *c = NULL;
		struct str key = STR_NULL;
		bool is_set = false;

		walk_own(w, &key);
		walk_bool(w, &is_set);
		if (walk_is_ok(w)) {
			w->rc = state_restore_counter(w->s, key, is_set, &c, w->e);
		}
		if (walk_is_ok(w)) {
			walk_counter(w, c);
		}
		state_free_string(key);
	}
}

static void put_counters(struct walk *w)
{
	AUTO_MEM const struct map_entry **list = NULL;
	size_t n;

	w->rc = w->rc == RC_OK ? state_list_counters(w->s, &list, &n, w->e) : w->rc;
	if (!walk_is_ok(w)) {
		return;
	}
	(void)walk_n(w, n); /* as it is */
	for (size_t i = 0; i < n; i++) {
		struct counter *c = list[i]->value;
		struct str key = list[i]->key;

		walk_own(w, &key);
		walk_bool(w, &c->is_set);
		walk_counter(w, c);
	}
}

static void walk_motion(struct walk *w, struct motion *p)
{
	walk_u64(w, &p->of);
	walk_u64(w, &p->unix_ms);
	walk_own(w, &p->by);
}

static void walk_shards(struct walk *w)
{
	struct state *s = w->s;
	uint64_t n = walk_n(w, s->shards.n);

	walk_u64(w, &s->shard_number);
	walk_u64(w, &s->shard_unix_ms);
	for (uint64_t i = 0; i < n && walk_room(w, &s->shards, i); i++) {
		walk_u64(w, &s->shards.p[i].ix);
		walk_u64(w, &s->shards.p[i].number);
		walk_u64(w, &s->shards.p[i].first);
		walk_u64(w, &s->shards.p[i].snapshot);
		walk_u64(w, &s->shards.p[i].began_unix_ms);
	}
	walk_u64(w, &s->pruned);
	walk_u64(w, &s->pruned_from);
	walk_u64(w, &s->pruned_ix);
	walk_motion(w, &s->prune);
}

static void walk_erasing(struct walk *w)
{
	struct state *s = w->s;
	uint64_t n = walk_n(w, s->erasing.n);

	for (uint64_t i = 0; i < n && walk_room(w, &s->erasing, i); i++) {
		walk_u64(w, &s->erasing.p[i].ix);
		walk_u64(w, &s->erasing.p[i].task);
		walk_u64(w, &s->erasing.p[i].key);
	}
	walk_motion(w, &s->erase);
}

/* ---- all of it ---- */

static void walk_state(struct walk *w)
{
	struct state *s = w->s;
	uint64_t format = STATE_FORMAT;

	walk_u64(w, &format);
	if (format != STATE_FORMAT) {
		walk_fail(w, RC_ABSENT, "a state of another format");
	}
	walk_u64(w, &s->size);
	walk_u64(w, &s->generation);
	walk_u64(w, &s->clock_jump);
	walk_u64(w, &s->booted_unix_ms);
	walk_u64(w, &s->loaded_unix_ms);
	walk_digest(w, &s->boot);
	walk_u64(w, &s->last_unix_ms);
	walk_u64(w, &s->now_unix_ms);
	walk_u64(w, &s->swept_unix_ms);
	walk_digest(w, &s->bundle);
	walk_u64(w, &s->degraded_since);
	walk_u64(w, &s->witness_away);
	walk_bool(w, &s->is_disputed);
	walk_enum(w, s->degraded, DEGRADED_KINDS);
	walk_shards(w);
	walk_erasing(w);
	for (unsigned kind = 0; kind < OBJECT_KINDS; kind++) {
		walk_table(w, kind);
	}
	walk_records(w);
	walk_tools(w);
	walk_health(w);
	walk_signals(w);
	if (w->direction == WALK_GET) {
		get_counters(w);
	} else {
		put_counters(w);
	}
}

enum rc state_write(const struct state *s, state_put_fn *put, void *ctx, struct digest *ret,
		    struct err *e)
{
	struct walk w;
	enum rc rc;

	/* Nothing is changed in this direction. */
	TRY(walk_init(&w, WALK_PUT, (struct state *)(uintptr_t)s, e));
	w.put = put;
	w.ctx = ctx;
	walk_state(&w);
	rc = walk_end(&w, ret);
	walk_fini(&w);
	return rc;
}

enum rc state_digest(const struct state *s, struct digest *ret, struct err *e)
{
	return state_write(s, NULL, NULL, ret, e);
}

enum rc state_read(state_get_fn *get, void *ctx, struct state **ret, struct digest *ret_digest,
		   struct err *e)
{
	struct state *s;
	struct walk w;
	enum rc rc;

	TRY(state_new(&s, e));
	rc = walk_init(&w, WALK_GET, s, e);
	if (rc == RC_OK) {
		w.get = get;
		w.ctx = ctx;
		walk_state(&w);
		rc = walk_end(&w, ret_digest);
		walk_fini(&w);
	}
	if (rc != RC_OK) {
		state_free(s);
		return rc;
	}
	*ret = s;
	return RC_OK;
}
