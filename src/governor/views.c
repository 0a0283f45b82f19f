/* SPDX-License-Identifier: Apache-2.0 */
/* governor/views.c - the state as JSON, for people and for agents. */
#include "governor/gov.h"

#include "base/limits.h"

void view_time(struct json_out *w, const char *name, uint64_t unix_ms)
{
	char text[25];

	if (unix_ms) {
		clock_format_unix_ms(unix_ms, text);
		json_out_key_str(w, name, str_from(text));
	}
}

void view_id(struct json_out *w, const char *name, char letter, uint64_t ix)
{
	char id[24];

	if (ix) {
		json_out_key_str(w, name, id_text(letter, ix, id));
	}
}

void view_list(struct json_out *w, const char *name, const struct str_list *l)
{
	json_out_key(w, str_from(name));
	json_out_array(w);
	for (size_t i = 0; i < l->n; i++) {
		json_out_str(w, l->p[i]);
	}
	json_out_close(w);
}

static struct str agent_name(const struct governor *g, struct str id)
{
	const struct agent *a = bundle_agent(g->bundle, id);

	return a ? a->name : id;
}

void view_incident(const struct governor *g, const struct incident *i, struct json_out *w)
{
	json_out_object(w);
	view_incident_members(g, i, w);
	json_out_close(w);
}

void view_incident_members(const struct governor *g, const struct incident *i, struct json_out *w)
{
	(void)g; /* like the other views */
	view_id(w, "id", 'i', i->ix);
	json_out_key_str(w, "source", i->source);
	json_out_key_str(w, "source_id", i->source_id);
	json_out_key_str(w, "class", i->class);
	json_out_key_u64(w, "severity", i->severity);
	json_out_key_str(w, "status", i->status == INCIDENT_OPEN ? STR("open") : STR("closed"));
	json_out_key_str(w, "service", i->service);
	json_out_key_str(w, "environment", i->environment);
	view_list(w, "assets", &i->assets);
	json_out_key_bool(w, "regulated", i->is_regulated);
	view_time(w, "opened", i->opened_unix_ms);
	view_time(w, "closed", i->closed_unix_ms);
}

static struct str task_state_text(enum task_state s)
{
	switch (s) {
	case TASK_CLOSED:
		return STR("closed");
	case TASK_ENDED:
		return STR("ending");
	case TASK_SUSPENDED:
		return STR("suspended");
	case TASK_RUNNING:
		return STR("running");
	}
	return STR("?");
}

static void view_touched(const struct governor *g, const struct task *t, struct json_out *w)
{
	struct str target;
	size_t i = 0;

	json_out_key(w, STR("touched"));
	json_out_array(w);
	while ((target = state_next_touched(g->state, t, &i)).p) {
		json_out_str(w, target);
	}
	json_out_close(w);
}

void view_task(const struct governor *g, const struct task *t, struct json_out *w)
{
	json_out_object(w);
	view_id(w, "id", 't', t->ix);
	json_out_key_str(w, "state", task_state_text(t->state));
	json_out_key_str(w, "agent", agent_name(g, t->agent));
	json_out_key_str(w, "agent_id", t->agent);
	view_id(w, "incident", 'i', t->incident);
	json_out_key_u64(w, "intent_leaf", t->intent);
	json_out_key_str(w, "playbook", t->playbook);
	json_out_key_str(w, "phase", t->phase);
	json_out_key_str(w, "accountable", t->accountable);
	json_out_key_str(w, "opened_by", t->by);
	view_list(w, "tools", &t->tools);
	view_list(w, "targets", &t->targets);
	view_list(w, "data", &t->data);
	view_list(w, "labels", &t->labels);
	view_touched(g, t, w);
	json_out_key_u64(w, "calls", t->calls);
	json_out_key_u64(w, "max_calls", t->max_calls);
	json_out_key_u64(w, "deviations", t->deviations);
	json_out_key_u64(w, "max_deviations", t->max_deviations);
	view_time(w, "opened", t->opened_unix_ms);
	view_time(w, "not_after", t->not_after_unix_ms);
	view_time(w, "closed", t->closed_unix_ms);
	if (t->ended_why.n) {
		json_out_key_str(w, "ended", t->ended_why);
	}
	json_out_close(w);
}

/* The other open questions of its group. */
static void view_similar(const struct governor *g, const struct approval *a, struct json_out *w)
{
	const struct approval *other;
	uint64_t from = a->group;
	char id[24];

	json_out_key(w, STR("similar"));
	json_out_array(w);
	while ((other = state_next_approval(g->state, from))) {
		from = other->ix + 1;
		if (other->group == a->group && other->ix != a->ix &&
		    other->state == APPROVAL_OPEN) {
			json_out_str(w, id_text('a', other->ix, id));
		}
	}
	json_out_close(w);
}

void view_approval(struct governor *g, const struct approval *a, struct json_out *w)
{
	AUTO_BUF shown = BUF_INIT(128);
	struct str question;

	json_out_object(w);
	view_id(w, "id", 'a', a->ix);
	json_out_key_str(w, "state", approval_state_name(a->state));
	if (a->state != APPROVAL_OPEN && a->reason != REASON_NONE) {
		json_out_key_str(w, "reason", reason_code(a->reason));
	}
	json_out_key_str(w, "kind", a->kind == APPROVAL_INTENT ? STR("intent") : STR("call"));
	view_id(w, "group", 'a', a->group);
	view_similar(g, a, w);
	view_id(w, "narrows", 'a', a->narrows);
	view_id(w, "narrowed_to", 'a', a->narrowed_to);
	json_out_key_str(w, "agent", agent_name(g, a->agent));
	view_id(w, "task", 't', a->task);
	view_id(w, "incident", 'i', a->incident);
	json_out_key_str(w, "accountable", a->accountable);
	json_out_key_str(w, "tool", a->tool);
	json_out_key_str(w, "effect", effect_name(a->effect));
	view_list(w, "targets", &a->targets);
	view_list(w, "policies", &a->policies);
	view_list(w, "gates", &a->gates);
	view_list(w, "may_answer", &a->eligible);
	if (buf_add_hex(&shown, a->shown.bytes, sizeof(a->shown.bytes)) == RC_OK) {
		json_out_key_str(w, "shown", buf_view(&shown));
	}
	json_out_key_u64(w, "quorum", a->quorum);
	json_out_key(w, STR("votes"));
	json_out_array(w);
	for (size_t i = 0; i < a->n_votes; i++) {
		json_out_object(w);
		json_out_key_str(w, "person", a->votes[i].person);
		json_out_key_bool(w, "grants", a->votes[i].grants);
		view_time(w, "at", a->votes[i].at_unix_ms);
		json_out_close(w);
	}
	json_out_close(w);
	view_time(w, "opened", a->opened_unix_ms);
	view_time(w, "decide_by", a->decide_by_unix_ms);
	view_time(w, "execute_by", a->execute_by_unix_ms);
	view_id(w, "used_by", 'c', a->used_by);
	if (book_value_of(g->book, a->ix, 1, &g->round, &question, NULL) == RC_OK) {
		json_out_key(w, STR("question"));
		json_out_raw(w, question);
	}
	json_out_close(w);
}

void view_preapproval(const struct governor *g, const struct preapproval *p, struct json_out *w)
{
	json_out_object(w);
	view_id(w, "id", 'p', p->ix);
	json_out_key_str(w, "state", p->is_open ? STR("open") : STR("ended"));
	json_out_key_str(w, "person", p->person);
	json_out_key_str(w, "agent", p->agent.n ? agent_name(g, p->agent) : STR("any"));
	json_out_key_str(w, "tool", p->tool);
	view_list(w, "targets", &p->targets);
	json_out_key_str(w, "class", p->class);
	json_out_key_u64(w, "max_uses", p->max_uses);
	json_out_key_u64(w, "window_s", p->window_ms / 1000);
	json_out_key_u64(w, "uses_in_window", p->n_uses);
	view_time(w, "not_after", p->not_after_unix_ms);
	json_out_close(w);
}

void view_term(struct governor *g, const struct term *t, struct json_out *w)
{
	struct str found;

	json_out_object(w);
	view_id(w, "id", 'm', t->ix);
	json_out_key_str(w, "state", term_state_name(t->state));
	json_out_key_str(w, "how", t->how);
	view_id(w, "call", 'c', t->call);
	view_id(w, "task", 't', t->task);
	json_out_key_str(w, "undone_by", t->tool);
	view_list(w, "targets", &t->targets);
	json_out_key_str(w, "at_its_end", t->reverts ? STR("revert") : STR("reask"));
	view_time(w, "started", t->started_unix_ms);
	view_time(w, "ends", t->ends_at_unix_ms);
	json_out_key_u64(w, "asked", t->asked);
	view_id(w, "undo_call", 'c', t->undo);
	json_out_key_str(w, "owner", t->owner);
	if (t->changed_ix &&
	    book_value_of(g->book, t->changed_ix, 0, &g->round, &found, NULL) == RC_OK) {
		json_out_key(w, STR("difference"));
		json_out_raw(w, found);
	}
	json_out_close(w);
}

void view_lease(const struct governor *g, const struct lease *l, struct json_out *w)
{
	(void)g; /* like the other views */
	json_out_object(w);
	view_id(w, "id", 'l', l->ix);
	json_out_key_str(w, "state", lease_state_name(l->state));
	view_id(w, "task", 't', l->task);
	json_out_key_str(w, "backend", l->backend);
	json_out_key_str(w, "scope", l->scope);
	view_time(w, "not_after", l->not_after_unix_ms);
	if (l->read_back.n) {
		json_out_key_str(w, "read_back", l->read_back);
	}
	json_out_close(w);
}

void view_agent(const struct governor *g, const struct agent *a, struct json_out *w)
{
	json_out_object(w);
	json_out_key_str(w, "name", a->name);
	json_out_key_str(w, "id", a->id);
	json_out_key_str(w, "owner", a->owner);
	json_out_key_str(w, "deputy", a->deputy);
	json_out_key_str(w, "purpose", a->purpose);
	json_out_key_str(w, "environment", a->environment);
	view_time(w, "review_by", a->review_by_unix_ms);
	view_autonomy(g, a, w);
	view_list(w, "classes", &a->classes);
	json_out_key_u64(w, "severity_from", a->severity_from);
	json_out_key_u64(w, "severity_to", a->severity_to);
	json_out_key_bool(w, "killed", state_kill(g->state, STR("agent"), a->id) != NULL);
	json_out_close(w);
}

void view_kill(const struct governor *g, const struct kill *k, struct json_out *w)
{
	(void)g; /* like the other views */
	json_out_object(w);
	view_id(w, "id", 'k', k->ix);
	json_out_key_str(w, "scope", k->scope);
	json_out_key_str(w, "name", k->name);
	json_out_key_str(w, "by", k->by);
	json_out_key_bool(w, "acknowledged", k->is_acknowledged);
	json_out_key_bool(w, "holds_rollbacks", k->stops_rollbacks);
	if (k->lift_by.n) {
		json_out_key_str(w, "lift_proposed_by", k->lift_by);
	}
	json_out_close(w);
}

void view_decision(const struct governor *g, const struct decision *d, struct json_out *w)
{
	(void)g; /* like the other views */
	json_out_object(w);
	json_out_key_str(w, "verdict", verdict_name(d->verdict));
	json_out_key_str(w, "reason", reason_code(d->reason));
	json_out_key_str(w, "text", reason_text(d->reason));
	json_out_key_str(w, "detail", d->detail);
	if (d->tool) {
		json_out_key_str(w, "tool", d->tool->public_name);
		json_out_key_str(w, "effect", effect_name(d->effect));
	}
	view_list(w, "targets", &d->targets);
	view_list(w, "policies", &d->policies);
	view_list(w, "shadow", &d->shadow);
	view_list(w, "gates", &d->gates);
	json_out_key_bool(w, "captures_first", d->needs_capture);
	json_out_key_bool(w, "looks_for_use_first", d->needs_use);
	view_id(w, "approval", 'a', d->approval);
	view_id(w, "preapproval", 'p', d->preapproval);
	json_out_close(w);
}

void view_call(struct governor *g, const struct call *c, struct json_out *w)
{
	struct str found;

	json_out_object(w);
	view_id(w, "id", 'c', c->ix);
	view_id(w, "task", 't', c->task);
	json_out_key_str(w, "purpose", c->purpose);
	json_out_key_str(w, "tool", c->tool);
	json_out_key_str(w, "effect", effect_name(c->effect));
	view_list(w, "targets", &c->targets);
	view_time(w, "decided", c->decided_unix_ms);
	json_out_key_str(w, "outcome", c->outcome.n ? c->outcome : STR("under way"));
	view_id(w, "approval", 'a', c->approval);
	view_id(w, "lease", 'l', c->lease);
	if (c->is_verified) {
		json_out_key_bool(w, "verified", c->verified_holds);
		if (book_value_of(g->book, c->verified_ix, 0, &g->round, &found, NULL) == RC_OK) {
			json_out_key(w, STR("difference"));
			json_out_raw(w, found);
		}
	}
	json_out_close(w);
}
