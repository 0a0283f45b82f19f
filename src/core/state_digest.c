/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_digest.c - one digest over all that is governed by.
 *
 * SHA-256 over every object in order of creation, kind by kind; numbers as 8 bytes big endian,
 * strings and lists with their length in front, so that no two states write the same bytes.
 */
#include <openssl/evp.h>

#include "core/state_impl.h"

struct sink {
	const struct state *s;
	EVP_MD_CTX *ctx;
	bool failed;
};

static void sink_cleanup(struct sink *k)
{
	EVP_MD_CTX_free(k->ctx);
}

static void put(struct sink *k, const void *p, size_t n)
{
	if (n && EVP_DigestUpdate(k->ctx, p, n) != 1) {
		k->failed = true;
	}
}

static void put_u64(struct sink *k, uint64_t v)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < 8; i++) {
		bytes[i] = (uint8_t)(v >> (56 - 8 * i));
	}
	put(k, bytes, sizeof(bytes));
}

static void put_str(struct sink *k, struct str s)
{
	put_u64(k, s.n);
	put(k, s.p, s.n);
}

static void put_list(struct sink *k, const struct str_list *l)
{
	put_u64(k, l->n);
	for (size_t i = 0; i < l->n; i++) {
		put_str(k, l->p[i]);
	}
}

static void put_digest(struct sink *k, const struct digest *d)
{
	put(k, d->bytes, sizeof(d->bytes));
}

static void put_reads(struct sink *k, const struct str_list *classes,
		      const struct read_total *totals)
{
	put_list(k, classes);
	for (size_t i = 0; i < classes->n; i++) {
		put_u64(k, totals[i].results);
		put_u64(k, totals[i].objects);
		put_u64(k, totals[i].bytes);
	}
}

static void put_set(struct sink *k, const struct tally_set *set)
{
	put_u64(k, set->n);
	for (const struct tally_node *n = tally_set_next(set, NULL); n;
	     n = tally_set_next(set, n)) {
		put_str(k, intern_text(&k->s->words, n->value));
		put_u64(k, n->until_unix_ms);
		put_u64(k, n->takings);
		put_u64(k, tally_set_marks(set, n->value));
	}
}

/* Of a target of a call: there is one for as long as the call is there. */
static void put_fence(struct sink *k, struct str target)
{
	struct fence f = state_fence(k->s, target);

	put_u64(k, f.token);
	put_u64(k, f.holder);
	put_u64(k, f.held_until_unix_ms);
	put_str(k, f.last_tool);
}

static enum rc put_counters(struct sink *k, struct err *e)
{
	AUTO_MEM const struct map_entry **list = NULL;
	size_t n;

	TRY(state_list_counters(k->s, &list, &n, e));
	put_u64(k, n);
	for (size_t i = 0; i < n; i++) {
		const struct counter *c = list[i]->value;

		put_str(k, list[i]->key);
		put_u64(k, c->sum.n);
		for (size_t j = 0; j < c->sum.n; j++) {
			put_u64(k, c->sum.p[j].until_unix_ms);
			put_u64(k, c->sum.p[j].amount);
		}
		put_set(k, &c->set);
	}
	return RC_OK;
}

static void put_strings(struct sink *k, const struct owned_strings *v)
{
	const struct str_list list = {v->p, v->n};

	put_list(k, &list);
}

static void put_marks(struct sink *k, const struct mark_set *m)
{
	put_u64(k, m->n);
	put_u64(k, m->is_full);
	for (size_t i = 0; i < m->n; i++) {
		put_u64(k, m->p[i].mark);
		put_u64(k, m->p[i].by);
	}
}

static void put_incident(struct sink *k, const struct object *o)
{
	const struct incident *i = &((const struct incident_object *)o)->pub;

	put_u64(k, i->status);
	put_str(k, i->source);
	put_str(k, i->source_id);
	put_str(k, i->class);
	put_u64(k, i->severity);
	put_str(k, i->service);
	put_str(k, i->environment);
	put_list(k, &i->assets);
	put_u64(k, i->is_regulated);
	put_str(k, i->opened_by);
	put_u64(k, i->opened_unix_ms);
	put_u64(k, i->closed_unix_ms);
	put_marks(k, &((const struct incident_object *)o)->marks);
	put_reads(k, &i->read_classes, i->read_totals);
	put_u64(k, i->occurred_unix_ms);
	put_u64(k, i->n_deliveries);
	for (size_t n = 0; n < INCIDENT_DELIVERIES; n++) {
		put_digest(k, &i->deliveries[n]);
	}
	put_strings(k, &((const struct incident_object *)o)->routed);
	put_u64(k, i->text_ix);
	put_u64(k, i->n_steps);
	for (size_t n = 0; n < INCIDENT_STEPS; n++) {
		put_u64(k, i->steps[n]);
	}
	put_u64(k, ((const struct incident_object *)o)->evidence.n);
	for (size_t n = 0; n < ((const struct incident_object *)o)->evidence.n; n++) {
		put_u64(k, ((const struct incident_object *)o)->evidence.p[n]);
	}
}

static void put_intent(struct sink *k, const struct object *o)
{
	const struct intent_object *i = (const struct intent_object *)o;

	put_str(k, i->agent);
	put_u64(k, i->incident);
	put_u64(k, i->task);
}

static void put_tried(struct sink *k, const struct task *t)
{
	put_u64(k, t->n_notes);
	for (size_t i = 0; i < t->n_notes; i++) {
		put_u64(k, t->notes[i].ix);
		put_u64(k, t->notes[i].about);
		put_u64(k, t->notes[i].unix_ms);
	}
	put_u64(k, t->deviation_weight);
	put_u64(k, t->n_tried);
	for (size_t i = 0; i < t->n_tried; i++) {
		put_u64(k, t->tried[i].call);
		put_u64(k, t->tried[i].unix_ms);
		put_str(k, t->tried[i].tool);
		put_list(k, &t->tried[i].targets);
		put_u64(k, t->tried[i].reason);
		put_u64(k, t->tried[i].weight);
	}
}

static void put_task(struct sink *k, const struct object *o)
{
	const struct task *t = &((const struct task_object *)o)->pub;

	put_u64(k, t->state);
	put_u64(k, t->intent);
	put_u64(k, t->incident);
	put_str(k, t->agent);
	put_str(k, t->playbook);
	put_str(k, t->goal_class);
	put_list(k, &t->tools);
	put_list(k, &t->targets);
	put_list(k, &t->data);
	put_str(k, t->phase);
	put_u64(k, t->opened_unix_ms);
	put_u64(k, t->not_after_unix_ms);
	put_u64(k, t->max_calls);
	put_u64(k, t->max_targets);
	put_u64(k, t->max_deviations);
	put_str(k, t->accountable);
	put_digest(k, &t->key);
	put_str(k, t->by);
	put_u64(k, t->calls);
	put_u64(k, t->deviations);
	put_set(k, &((const struct task_object *)o)->touched);
	put_tried(k, t);
	put_list(k, &t->labels);
	put_reads(k, &t->read_classes, t->read_totals);
	put_list(k, &t->completed);
	put_u64(k, t->phase_since_unix_ms);
	put_u64(k, t->n_phases);
	for (size_t i = 0; i < t->n_phases; i++) {
		put_str(k, t->phases[i].phase);
		put_u64(k, t->phases[i].calls);
		put_u64(k, t->phases[i].targets);
		put_u64(k, t->phases[i].spent_ms);
	}
	for (size_t i = 0; i < t->n_label_uses; i++) {
		put_u64(k, t->label_uses[i].results);
		put_u64(k, t->label_uses[i].last_unix_ms);
	}
	put_marks(k, &((const struct task_object *)o)->marks);
	put_u64(k, ((const struct task_object *)o)->last_call);
	put_u64(k, t->n_uses);
	for (size_t i = 0; i < t->n_uses; i++) {
		put_str(k, t->uses[i].tool);
		put_u64(k, t->uses[i].allowed);
		put_u64(k, t->uses[i].ok);
		for (unsigned j = 0; j < EFFECTS; j++) {
			put_u64(k, t->uses[i].allowed_as[j]);
			put_u64(k, t->uses[i].last_ok_unix_ms[j]);
		}
	}
	put_str(k, t->ended_why);
	put_u64(k, t->ended_by_leaf);
	put_u64(k, t->ended_unix_ms);
	put_u64(k, t->closed_unix_ms);
}

static void put_call(struct sink *k, const struct object *o)
{
	const struct call *c = &((const struct call_object *)o)->pub;

	put_u64(k, c->state);
	put_u64(k, c->task);
	put_u64(k, c->parent);
	put_str(k, c->purpose);
	put_str(k, c->tool);
	put_u64(k, c->effect);
	put_list(k, &c->targets);
	put_digest(k, &c->tag);
	put_u64(k, c->evidence);
	put_u64(k, c->approval);
	put_u64(k, c->preapproval);
	put_u64(k, c->lease);
	put_u64(k, c->decided_unix_ms);
	put_str(k, c->outcome);
	put_u64(k, c->completed_ix);
	put_u64(k, c->is_verified);
	put_u64(k, c->verified_holds);
	put_u64(k, c->verified_ix);
	put_u64(k, c->term);
	put_u64(k, ((const struct call_object *)o)->terms);
	put_u64(k, ((const struct call_object *)o)->is_accounted);
	put_u64(k, ((const struct call_object *)o)->previous);
	put_u64(k, ((const struct call_object *)o)->stands);
	put_u64(k, ((const struct call_object *)o)->taken_unix_ms);
	put_u64(k, ((const struct call_object *)o)->held_until_unix_ms);
	put_list(k, &((const struct call_object *)o)->takings);
	for (size_t i = 0; i < c->targets.n; i++) {
		put_fence(k, c->targets.p[i]);
	}
}

static void put_approval(struct sink *k, const struct object *o)
{
	const struct approval *a = &((const struct approval_object *)o)->pub;

	put_u64(k, a->kind);
	put_u64(k, a->state);
	put_u64(k, a->reason);
	put_u64(k, a->task);
	put_u64(k, a->incident);
	put_u64(k, a->group);
	put_u64(k, a->narrows);
	put_u64(k, a->narrowed_to);
	put_str(k, a->agent);
	put_str(k, a->tool);
	put_u64(k, a->effect);
	put_list(k, &a->targets);
	put_digest(k, &a->tag);
	put_list(k, &a->policies);
	put_list(k, &a->gates);
	put_str(k, a->accountable);
	put_list(k, &a->eligible);
	put_digest(k, &a->shown);
	put_str(k, a->safe_tool);
	put_u64(k, a->quorum);
	put_u64(k, a->opened_unix_ms);
	put_u64(k, a->decide_by_unix_ms);
	put_u64(k, a->execute_by_ms);
	put_u64(k, a->execute_by_unix_ms);
	put_u64(k, a->evidence);
	put_u64(k, a->n_votes);
	for (size_t i = 0; i < a->n_votes; i++) {
		put_str(k, a->votes[i].person);
		put_u64(k, a->votes[i].grants);
		put_u64(k, a->votes[i].at_unix_ms);
	}
	put_u64(k, a->used_by);
}

static void put_preapproval(struct sink *k, const struct object *o)
{
	const struct preapproval *p = &((const struct preapproval_object *)o)->pub;

	put_u64(k, p->is_open);
	put_str(k, p->person);
	put_str(k, p->agent);
	put_str(k, p->tool);
	put_list(k, &p->targets);
	put_str(k, p->class);
	put_u64(k, p->max_uses);
	put_u64(k, p->window_ms);
	put_u64(k, p->not_after_unix_ms);
	put_u64(k, p->n_uses);
	for (size_t i = 0; i < p->n_uses; i++) {
		put_u64(k, p->uses_unix_ms[i]);
	}
}

static void put_lease(struct sink *k, const struct object *o)
{
	const struct lease *l = &((const struct lease_object *)o)->pub;

	put_u64(k, l->state);
	put_u64(k, l->task);
	put_str(k, l->backend);
	put_str(k, l->scope);
	put_u64(k, l->not_after_unix_ms);
	put_u64(k, l->create_by_unix_ms);
	put_str(k, l->read_back);
}

static void put_term(struct sink *k, const struct object *o)
{
	const struct term *t = &((const struct term_object *)o)->pub;

	put_u64(k, t->incident);
	put_u64(k, t->state);
	put_u64(k, t->call);
	put_u64(k, t->task);
	put_str(k, t->tool);
	put_list(k, &t->targets);
	put_u64(k, t->ends_at_unix_ms);
	put_u64(k, t->reverts);
	put_str(k, t->owner);
	put_str(k, t->how);
	put_u64(k, t->changed_ix);
	put_u64(k, t->started_unix_ms);
	put_u64(k, t->rolling_since_unix_ms);
	put_u64(k, t->undo);
	put_u64(k, t->asked);
}

static void put_breaker(struct sink *k, const struct object *o)
{
	const struct breaker *b = &((const struct breaker_object *)o)->pub;

	put_u64(k, b->is_closed);
	put_u64(k, b->kind);
	put_str(k, b->whom);
	put_str(k, b->key);
	put_u64(k, b->task);
	put_u64(k, b->count);
	put_u64(k, b->open_ms);
	put_u64(k, b->tripped_unix_ms);
	put_u64(k, b->open_until_unix_ms);
	put_u64(k, b->probe);
}

static void put_rollback(struct sink *k, const struct object *o)
{
	const struct rollback *r = &((const struct rollback_object *)o)->pub;

	put_u64(k, r->is_over);
	put_u64(k, r->task);
	put_u64(k, r->incident);
	put_str(k, r->by);
	put_u64(k, r->planned_unix_ms);
	put_u64(k, r->is_partial);
	put_list(k, &r->left);
}

static void put_rehearsal(struct sink *k, const struct object *o)
{
	const struct rehearsal *r = &((const struct rehearsal_object *)o)->pub;

	put_u64(k, r->is_over);
	put_str(k, r->tool);
	put_digest(k, &r->entry);
	put_list(k, &r->targets);
	put_str(k, r->by);
	put_u64(k, r->started_unix_ms);
	put_u64(k, r->act);
}

static void put_kill(struct sink *k, const struct object *o)
{
	const struct kill_object *kill = (const struct kill_object *)o;

	put_str(k, kill->pub.scope);
	put_str(k, kill->pub.name);
	put_str(k, kill->pub.by);
	put_u64(k, kill->pub.stops_rollbacks);
	put_u64(k, kill->pub.is_acknowledged);
	put_str(k, kill->pub.lift_by);
	put_u64(k, kill->pub.lift_unix_ms);
	put_u64(k, kill->is_cleared);
}

static void put_evidence(struct sink *k, const struct object *o)
{
	const struct evidence *ev = &((const struct evidence_object *)o)->pub;

	put_u64(k, ev->state);
	put_u64(k, ev->incident);
	put_u64(k, ev->task);
	put_u64(k, ev->call);
	put_str(k, ev->kind);
	put_list(k, &ev->targets);
	put_digest(k, &ev->object);
	put_u64(k, ev->size);
	put_u64(k, ev->stored_size);
	put_u64(k, ev->key);
	put_u64(k, ev->is_compliance);
	put_u64(k, ev->captured_unix_ms);
	put_u64(k, ev->keep_until_unix_ms);
	put_u64(k, ev->checked_unix_ms);
	put_u64(k, ev->last);
	put_u64(k, ev->nth);
	put_u64(k, ev->proposal.ix);
	put_u64(k, ev->proposal.destroys);
	put_u64(k, ev->proposal.keep_until_unix_ms);
	put_u64(k, ev->proposal.not_after_unix_ms);
	put_str(k, ev->proposal.by);
}

static void put_hold(struct sink *k, const struct object *o)
{
	const struct hold *h = &((const struct hold_object *)o)->pub;

	put_u64(k, h->is_released);
	put_str(k, h->name);
	put_u64(k, h->scope);
	put_str(k, h->subject);
	put_str(k, h->by);
	put_u64(k, h->placed_unix_ms);
}

static void put_waiver(struct sink *k, const struct object *o)
{
	const struct waiver *w = &((const struct waiver_object *)o)->pub;

	put_u64(k, w->state);
	put_u64(k, w->task);
	put_str(k, w->tool);
	put_list(k, &w->targets);
	put_list(k, &w->kinds);
	put_u64(k, w->not_after_unix_ms);
	put_str(k, w->by);
	put_str(k, w->second);
	put_u64(k, w->used_by);
}

static void put_duty(struct sink *k, const struct object *o)
{
	const struct duty *d = &((const struct duty_object *)o)->pub;

	put_str(k, d->group);
	put_str(k, d->person);
	put_str(k, d->by);
	put_u64(k, d->until_unix_ms);
}

static void put_escalation(struct sink *k, const struct object *o)
{
	const struct escalation *x = &((const struct escalation_object *)o)->pub;

	put_u64(k, x->is_open);
	put_u64(k, x->about);
	put_str(k, x->what);
	put_str(k, x->group);
	put_u64(k, x->level);
	put_u64(k, x->since_unix_ms);
	put_u64(k, x->moved_unix_ms);
}

static void put_break_glass(struct sink *k, const struct object *o)
{
	const struct break_glass *x = &((const struct break_glass_object *)o)->pub;

	put_u64(k, x->task);
	put_u64(k, x->incident);
	put_str(k, x->person);
	put_u64(k, x->opened_unix_ms);
	put_u64(k, x->not_after_unix_ms);
	put_u64(k, x->review_by_unix_ms);
	put_u64(k, x->reminders);
	put_u64(k, x->reminded_unix_ms);
	put_str(k, x->reviewed_by);
	put_u64(k, x->is_justified);
}

static void put_pause(struct sink *k, const struct object *o)
{
	const struct pause *p = &((const struct pause_object *)o)->pub;

	put_str(k, p->agent);
	put_u64(k, p->until_unix_ms);
}

static void put_proposal(struct sink *k, const struct object *o)
{
	const struct proposal *p = &((const struct proposal_object *)o)->pub;

	put_u64(k, p->is_open);
	put_u64(k, p->task);
	put_str(k, p->agent);
	put_str(k, p->tool);
	put_u64(k, p->effect);
	put_list(k, &p->targets);
	put_digest(k, &p->tag);
	put_str(k, p->would);
	put_str(k, p->reason);
	put_u64(k, p->made_unix_ms);
	put_u64(k, p->agrees);
	put_str(k, p->judged_by);
}

static void put_record(struct sink *k, const struct agent_record *r)
{
	put_str(k, r->agent);
	for (unsigned e = 0; e < EFFECTS; e++) {
		put_u64(k, r->levels[e].is_set);
		put_u64(k, r->levels[e].level);
		put_u64(k, r->levels[e].base);
		put_u64(k, r->tallies[e].judged);
		put_u64(k, r->tallies[e].agreed);
	}
	put_u64(k, r->n_attempts);
	for (size_t i = 0; i < r->n_attempts; i++) {
		put_u64(k, r->attempts[i].unix_ms);
		put_u64(k, r->attempts[i].weight);
	}
	put_u64(k, r->breach);
	put_u64(k, r->breached_unix_ms);
	put_u64(k, r->n_endorsers);
	for (size_t i = 0; i < r->n_endorsers; i++) {
		put_str(k, r->endorsers[i]);
	}
	put_u64(k, r->endorsed_effect);
	put_u64(k, r->endorsed_level);
	put_u64(k, r->endorsed_unix_ms);
}

static void (*const put_object[OBJECT_KINDS])(struct sink *, const struct object *) = {
    [OBJECT_INCIDENT] = put_incident,
    [OBJECT_INTENT] = put_intent,
    [OBJECT_TASK] = put_task,
    [OBJECT_CALL] = put_call,
    [OBJECT_APPROVAL] = put_approval,
    [OBJECT_PREAPPROVAL] = put_preapproval,
    [OBJECT_LEASE] = put_lease,
    [OBJECT_TERM] = put_term,
    [OBJECT_REHEARSAL] = put_rehearsal,
    [OBJECT_ROLLBACK] = put_rollback,
    [OBJECT_KILL] = put_kill,
    [OBJECT_EVIDENCE] = put_evidence,
    [OBJECT_BREAKER] = put_breaker,
    [OBJECT_HOLD] = put_hold,
    [OBJECT_WAIVER] = put_waiver,
    [OBJECT_PAUSE] = put_pause,
    [OBJECT_DUTY] = put_duty,
    [OBJECT_ESCALATION] = put_escalation,
    [OBJECT_BREAK_GLASS] = put_break_glass,
    [OBJECT_PROPOSAL] = put_proposal,
};

static void put_signal(struct sink *k, const struct signal *x)
{
	put_u64(k, x->ix);
	put_str(k, x->asset);
	put_str(k, x->name);
	put_str(k, x->value);
	put_str(k, x->source);
	put_u64(k, x->observed_unix_ms);
	put_u64(k, x->noted_unix_ms);
	put_u64(k, x->cause);
}

static void put_state(struct sink *k, const struct state *s)
{
	put_u64(k, s->size);
	put_u64(k, s->generation);
	put_u64(k, s->clock_jump);
	put_u64(k, s->booted_unix_ms);
	put_digest(k, &s->boot);
	put_u64(k, s->last_unix_ms);
	put_u64(k, s->now_unix_ms);
	put_u64(k, s->swept_unix_ms);
	put_digest(k, &s->bundle);
	put_u64(k, s->degraded_since);
	for (unsigned kind = 0; kind < OBJECT_KINDS; kind++) {
		put_u64(k, s->tables[kind].n);
		for (size_t i = 0; i < s->tables[kind].n; i++) {
			put_u64(k, s->tables[kind].p[i]->ix);
			put_u64(k, s->tables[kind].p[i]->over_unix_ms);
			put_object[kind](k, s->tables[kind].p[i]);
		}
	}
	put_u64(k, s->unfinished.n);
	for (size_t i = 0; i < s->unfinished.n; i++) {
		put_u64(k, s->unfinished.p[i]->o.ix);
	}
	put_u64(k, s->records.n);
	for (size_t i = 0; i < s->records.n; i++) {
		put_record(k, s->records.p[i]);
	}
	put_u64(k, s->tools.n);
	for (size_t i = 0; i < s->tools.n; i++) {
		put_str(k, s->tools.p[i].name);
		put_digest(k, &s->tools.p[i].digest);
		put_digest(k, &s->tools.p[i].rehearsed);
		put_u64(k, s->tools.p[i].rehearsed_unix_ms);
	}
	put_u64(k, s->signals.n);
	for (size_t i = 0; i < s->signals.n; i++) {
		put_signal(k, &s->signals.p[i]->pub);
	}
	put_u64(k, s->health.n);
	for (size_t i = 0; i < s->health.n; i++) {
		put_str(k, s->health.p[i].target);
		put_u64(k, s->health.p[i].is_up);
	}
}

enum rc state_digest(const struct state *s, struct digest *ret, struct err *e)
{
	CLEANUP(sink_cleanup) struct sink k = {.s = s, .ctx = EVP_MD_CTX_new()};
	struct digest d;

	if (!k.ctx || EVP_DigestInit_ex(k.ctx, EVP_sha256(), NULL) != 1) {
		FAIL(e, RC_NOMEM, "no memory for a digest");
	}
	put_state(&k, s);
	TRY(put_counters(&k, e));
	if (k.failed || EVP_DigestFinal_ex(k.ctx, d.bytes, NULL) != 1) {
		FAIL(e, RC_BROKEN, "cannot compute a SHA-256 digest");
	}
	*ret = d;
	return RC_OK;
}
