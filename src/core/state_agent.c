/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_agent.c - what is known of each agent over all its tasks, and of what it proposes.
 *
 * States of a proposal: made -judged-> judged. Records are of registered agents only, since only
 * their calls get as far as being weighed; they are never forgotten.
 * Holds:  (1) a level is raised only by two distinct persons.
 *         (2) a breach and what it costs are one leaf.
 *         (3) a proposal is judged once.
 */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "core/state_impl.h"

enum { MAX_RECORDS = 1 << 16, ATTEMPT_TARGETS = 4, ENDORSEMENT_MS = 24 * 3600 * 1000 };

/* ---- records ---- */

/* The first whose agent is not before this one. */
static size_t place_of(const struct state *s, struct str agent)
{
	size_t from = 0;
	size_t to = s->records.n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (str_cmp(s->records.p[middle]->agent, agent) < 0) {
			from = middle + 1;
		} else {
			to = middle;
		}
	}
	return from;
}

static struct agent_record *record_of(const struct state *s, struct str agent)
{
	size_t at = place_of(s, agent);

	return at < s->records.n && str_eq(s->records.p[at]->agent, agent) ? s->records.p[at]
									   : NULL;
}

const struct agent_record *state_agent_record(const struct state *s, struct str agent)
{
	return record_of(s, agent);
}

const struct agent_record *state_record_at(const struct state *s, size_t i)
{
	return i < s->records.n ? s->records.p[i] : NULL;
}

void state_free_record(struct agent_record *r)
{
	if (!r) {
		return;
	}
	state_free_string(r->agent);
	for (size_t i = 0; i < r->n_endorsers; i++) {
		state_free_string(r->endorsers[i]);
	}
	mem_free(r);
}

/* For reserve: there will be a record of this agent. */
static enum rc reserve_record(struct state *s, struct str agent, struct err *e)
{
	if (record_of(s, agent)) {
		return RC_OK;
	}
	if (s->records.n >= MAX_RECORDS) {
		FAIL(e, RC_LIMIT, "more than %d agents in the state", MAX_RECORDS);
	}
	if (vec_reserve(&s->records, 1) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for an agent's record");
	}
	s->pending.record = mem_calloc(1, sizeof(*s->pending.record));
	if (!s->pending.record) {
		FAIL(e, RC_NOMEM, "no memory for an agent's record");
	}
	return state_copy_string(agent, &s->pending.record->agent, e);
}

/* For apply. */
static struct agent_record *take_record(struct state *s, struct str agent)
{
	struct agent_record *r = record_of(s, agent);
	size_t at;

	if (r) {
		return r;
	}
	r = TAKE(s->pending.record);
	MUST(r && s->records.n < s->records.cap);
	at = place_of(s, agent);
	for (size_t i = s->records.n; i > at; i--) {
		s->records.p[i] = s->records.p[i - 1];
	}
	s->records.p[at] = r;
	s->records.n++;
	return r;
}

/* ---- attempts ---- */

enum rc state_reserve_attempt(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_call_decided *c = &l->call_decided;
	struct leaf kept = {.kind = l->kind, .t = l->t};

	if (c->attempt) {
		TRY(reserve_record(s, c->agent, e));
	}
	if (!c->deviation || !state_task(s, c->task)) {
		return RC_OK;
	}
	kept.call_decided.tool = c->tool;
	kept.call_decided.targets = c->targets;
	if (kept.call_decided.targets.n > ATTEMPT_TARGETS) {
		kept.call_decided.targets.n = ATTEMPT_TARGETS;
	}
	return state_reserve_text(s, &kept, e);
}

static void add_attempt(struct state *s, struct str agent, uint64_t unix_ms, uint64_t weight)
{
	struct agent_record *r = take_record(s, agent);

	if (r->n_attempts == ATTEMPTS_KEPT) {
		memmove(r->attempts, r->attempts + 1, (ATTEMPTS_KEPT - 1) * sizeof(*r->attempts));
		r->n_attempts--;
	}
	r->attempts[r->n_attempts++] = (struct attempt_made){.unix_ms = unix_ms, .weight = weight};
}

void state_apply_attempt(struct state *s, const struct leaf *l, struct task_object *t,
			 enum reason reason)
{
	const struct leaf_call_decided *c = &l->call_decided;
	struct deviation *d;

	if (c->attempt) {
		add_attempt(s, c->agent, l->t, c->attempt);
	}
	if (!t || !c->deviation) {
		return;
	}
	t->pub.deviations++;
	t->pub.deviation_weight += c->deviation;
	if (t->pub.n_tried == TASK_TRIED) {
		mem_free(t->tried_text[0]);
		memmove(t->tried, t->tried + 1, (TASK_TRIED - 1) * sizeof(*t->tried));
		memmove(t->tried_text, t->tried_text + 1,
			(TASK_TRIED - 1) * sizeof(*t->tried_text));
		t->pub.n_tried--;
	}
	t->tried_text[t->pub.n_tried] = TAKE(s->pending.text);
	d = &t->tried[t->pub.n_tried++];
	*d = (struct deviation){
	    .call = s->size,
	    .unix_ms = l->t,
	    .tool = s->pending.own.call_decided.tool,
	    .targets = s->pending.own.call_decided.targets,
	    .reason = reason,
	    .weight = c->deviation,
	};
	t->pub.tried = t->tried;
}

enum rc state_reserve_intent_attempt(struct state *s, const struct leaf *l, struct err *e)
{
	return l->intent_decided.attempt ? reserve_record(s, l->intent_decided.agent, e) : RC_OK;
}

void state_apply_intent_attempt(struct state *s, const struct leaf *l)
{
	if (l->intent_decided.attempt) {
		add_attempt(s, l->intent_decided.agent, l->t, l->intent_decided.attempt);
	}
}

/* ---- breaches and changes ---- */

static bool level_or_none(struct str name)
{
	enum autonomy level;

	return name.n == 0 || autonomy_from_name(name, &level);
}

enum rc state_reserve_agent_breached(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_agent_breached *b = &l->agent_breached;
	enum breach why;

	if (b->agent.n == 0 || !breach_from_name(b->why, &why) || !level_or_none(b->contain) ||
	    !level_or_none(b->destroy)) {
		FAIL(e, RC_BROKEN, "a breach of nobody, of no kind, or to no level");
	}
	return reserve_record(s, b->agent, e);
}

/* A lowering keeps the base of a promotion before it; without one there is nothing above it. */
static void lower(struct agent_record *r, enum effect e, struct str name)
{
	enum autonomy level;

	if (!autonomy_from_name(name, &level)) {
		return;
	}
	if (!r->levels[e].is_set) {
		r->levels[e].base = AUTONOMY_ACT;
	}
	r->levels[e].is_set = true;
	r->levels[e].level = level;
}

/* (2) */
void state_apply_agent_breached(struct state *s, const struct leaf *l)
{
	const struct leaf_agent_breached *b = &l->agent_breached;
	struct agent_record *r = take_record(s, b->agent);

	MUST(breach_from_name(b->why, &r->breach));
	r->breached_unix_ms = l->t ? l->t : 1;
	if (r->breach == BREACH_ATTEMPTS || r->breach == BREACH_SEVERE) {
		r->n_attempts = 0; /* they have had their effect */
	}
	lower(r, EFFECT_CONTAIN, b->contain);
	lower(r, EFFECT_DESTROY, b->destroy);
}

enum rc state_reserve_autonomy_changed(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_autonomy_changed *c = &l->autonomy_changed;
	bool is_promoted = str_eq(c->why, STR("promoted"));
	enum effect effect;
	enum autonomy level;
	enum autonomy base;

	if (c->agent.n == 0 || !effect_from_name(c->effect, &effect) ||
	    !autonomy_from_name(c->level, &level) || !autonomy_from_name(c->base, &base) ||
	    (!is_promoted && !str_eq(c->why, STR("demoted")))) {
		FAIL(e, RC_BROKEN, "a level of nobody, for no effect, or changed for nothing");
	}
	/* (1) */
	if (is_promoted && (c->by.n < 2 || str_eq(c->by.p[0], c->by.p[1]))) {
		FAIL(e, RC_BROKEN, "a promotion by fewer than two persons");
	}
	if (!is_promoted && (c->by.n == 0 || level > base)) {
		FAIL(e, RC_BROKEN, "a demotion by nobody, or above what the deployment gives");
	}
	return reserve_record(s, c->agent, e);
}

static void drop_endorsers(struct agent_record *r)
{
	for (size_t i = 0; i < r->n_endorsers; i++) {
		state_free_string(r->endorsers[i]);
	}
	r->n_endorsers = 0;
}

void state_apply_autonomy_changed(struct state *s, const struct leaf *l)
{
	const struct leaf_autonomy_changed *c = &l->autonomy_changed;
	struct agent_record *r = take_record(s, c->agent);
	enum effect effect;

	MUST(effect_from_name(c->effect, &effect));
	MUST(autonomy_from_name(c->level, &r->levels[effect].level));
	MUST(autonomy_from_name(c->base, &r->levels[effect].base));
	r->levels[effect].is_set = true;
	r->tallies[effect] = (struct agreement){0};
	drop_endorsers(r);
}

/* ---- two persons ---- */

bool state_endorsement_stands(const struct agent_record *r, enum effect effect, enum autonomy level,
			      uint64_t now_unix_ms)
{
	return r && r->n_endorsers && r->endorsed_effect == effect && r->endorsed_level == level &&
	       now_unix_ms >= r->endorsed_unix_ms &&
	       now_unix_ms - r->endorsed_unix_ms < ENDORSEMENT_MS;
}

enum rc state_reserve_autonomy_endorsed(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_autonomy_endorsed *a = &l->autonomy_endorsed;
	enum effect effect;
	enum autonomy level;

	if (a->agent.n == 0 || a->person.n == 0 || !effect_from_name(a->effect, &effect) ||
	    !autonomy_from_name(a->level, &level)) {
		FAIL(e, RC_BROKEN, "an endorsement of nobody, by nobody, or of no level");
	}
	TRY(reserve_record(s, a->agent, e));
	return state_copy_string(a->person, &s->pending.name, e);
}

void state_apply_autonomy_endorsed(struct state *s, const struct leaf *l)
{
	const struct leaf_autonomy_endorsed *a = &l->autonomy_endorsed;
	struct agent_record *r = take_record(s, a->agent);
	enum effect effect;
	enum autonomy level;

	MUST(effect_from_name(a->effect, &effect) && autonomy_from_name(a->level, &level));
	if (!state_endorsement_stands(r, effect, level, l->t)) {
		drop_endorsers(r);
		r->endorsed_effect = effect;
		r->endorsed_level = level;
		r->endorsed_unix_ms = l->t;
	}
	for (size_t i = 0; i < r->n_endorsers; i++) {
		if (str_eq(r->endorsers[i], a->person)) {
			return; /* saying it twice is saying it once */
		}
	}
	if (r->n_endorsers < AGENT_ENDORSERS) {
		r->endorsers[r->n_endorsers++] = s->pending.name;
		s->pending.name = STR_NULL;
	}
}

/* ---- tallies ---- */

enum rc state_reserve_tally(struct state *s, struct str agent, struct err *e)
{
	return reserve_record(s, agent, e);
}

void state_apply_tally(struct state *s, struct str agent, enum effect effect, bool agreed)
{
	struct agent_record *r = take_record(s, agent);

	r->tallies[effect].judged++;
	r->tallies[effect].agreed += agreed;
}

/* ---- proposals ---- */

enum rc state_reserve_proposal_made(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_proposal_made *p = &l->proposal_made;
	struct leaf kept = *l;
	enum effect effect;
	struct object *o;

	TRY(state_need(s, OBJECT_TASK, p->task, &o, e));
	if (!effect_from_name(p->effect, &effect) || p->would.n == 0) {
		FAIL(e, RC_BROKEN, "a proposal without effect or decision");
	}
	kept.proposal_made.marks = STR_NULL; /* of the request: nothing looks at them again */
	return state_reserve_object(s, OBJECT_PROPOSAL, sizeof(struct proposal_object), &kept, e);
}

void state_apply_proposal_made(struct state *s, const struct leaf *l)
{
	const struct leaf_proposal_made *p = &s->pending.own.proposal_made;
	struct proposal_object *o = state_take_object(s);

	o->pub = (struct proposal){
	    .ix = o->o.ix,
	    .is_open = true,
	    .task = p->task,
	    .agent = p->agent,
	    .tool = p->tool,
	    .targets = p->targets,
	    .tag = p->tag,
	    .would = p->would,
	    .reason = p->reason,
	    .made_unix_ms = l->t,
	};
	MUST(effect_from_name(p->effect, &o->pub.effect));
	state_set_over(&o->o, l->t); /* nobody judges it within the horizon: it is forgotten */
}

enum rc state_reserve_proposal_judged(struct state *s, const struct leaf *l, struct err *e)
{
	const struct proposal *p;
	struct object *o;

	TRY(state_need(s, OBJECT_PROPOSAL, l->proposal_judged.proposal, &o, e));
	p = &((const struct proposal_object *)o)->pub;
	if (!p->is_open || l->proposal_judged.person.n == 0) {
		FAIL(e, RC_BROKEN, "proposal d%" PRIu64 " is judged already, or by nobody", p->ix);
	}
	TRY(reserve_record(s, p->agent, e));
	return state_reserve_text(s, l, e);
}

/* (3) */
void state_apply_proposal_judged(struct state *s, const struct leaf *l)
{
	struct proposal_object *o =
	    (void *)state_find(s, OBJECT_PROPOSAL, l->proposal_judged.proposal);

	o->pub.is_open = false;
	o->pub.agrees = l->proposal_judged.agrees;
	o->pub.judged_by = s->pending.own.proposal_judged.person;
	state_take_changed(s, &o->o);
	state_apply_tally(s, o->pub.agent, o->pub.effect, o->pub.agrees);
}

const struct proposal *state_proposal_of(const struct state *s, uint64_t task,
					 const struct digest *tag)
{
	for (size_t i = s->tables[OBJECT_PROPOSAL].n; i > 0; i--) {
		const struct proposal_object *o = (const void *)s->tables[OBJECT_PROPOSAL].p[i - 1];

		if (o->o.ix < task) {
			break; /* older than the task itself */
		}
		if (o->pub.task == task && o->pub.is_open && digest_eq(&o->pub.tag, tag)) {
			return &o->pub;
		}
	}
	return NULL;
}
