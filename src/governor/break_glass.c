/* SPDX-License-Identifier: Apache-2.0 */
/* governor/break_glass.c - a named person acts through Remit in an emergency, loudly.
 *
 * A session is a task of its own, of "person:<name>", under an open incident: so it has an end, a
 * key, a budget, leases that go with it, captured state, verification and a way back like any
 * other. Everybody who owns an agent is told at once; somebody else reviews it within days, or all
 * are reminded daily.
 *
 * Holds: (1) only those that gates.yaml names open one; the same person acts in it.
 *        (2) every call is decided (core/decide_break_glass.c), on the record, and sent like any
 * other. (3) a session ends by itself; its review is open until another person closes it, and
 * blocks nothing.
 */
#include "governor/people.h"

#include "base/limits.h"
#include "base/log.h"

enum { BREAK_GLASS_CALLS = 20, REMIND_MS = 24 * 3600 * 1000 };

/* Everybody who owns or deputises an agent, once. */
static void tell_owners(struct governor *g, uint64_t about, const char *what, struct str text)
{
	const struct bundle *b = g->bundle;

	for (size_t i = 0; i < b->n_people; i++) {
		bool is_owner = false;

		for (size_t k = 0; k < b->n_agents && !is_owner; k++) {
			is_owner = str_eq(b->agents[k].owner, b->people[i].name) ||
				   str_eq(b->agents[k].deputy, b->people[i].name);
		}
		if (is_owner) {
			notify_person(g, b->people[i].name, about, what, text);
		}
	}
}

static struct str principal_of(struct governor *g, struct str person)
{
	return arena_strf(&g->round, "person:%.*s", STR_ARG(person));
}

/* ---- open ---- */

static enum rc open_task(struct governor *g, const struct incident *i, struct str person,
			 uint64_t not_after, uint64_t serial, uint64_t *ret, struct err *e)
{
	struct leaf l = {
	    .kind = LEAF_TASK_OPENED,
	    .task_opened =
		{
		    .incident = i->ix,
		    .agent = principal_of(g, person),
		    .targets = i->assets,
		    .not_after = not_after,
		    .max_calls = BREAK_GLASS_CALLS,
		    .max_targets = LIMIT_TARGETS,
		    .max_deviations = BREAK_GLASS_CALLS,
		    .accountable = person,
		    .by = person,
		},
	};

	/* Before its leaf: no task is without a key of its own. */
	TRY(vault_bind(g->vault, serial, book_next_ix(g->book), e));
	return book_record(g->book, &l, serial, NULL, 0, ret, e);
}

static enum rc read_open(struct asked *a, uint64_t *ret_incident, uint64_t *ret_duration_s,
			 struct err *e)
{
	const struct break_glass_rules *rules = &a->g->bundle->break_glass;
	struct str incident = people_text(a, "incident");

	if (!id_parse(incident, 'i', ret_incident) || !state_incident(a->g->state, *ret_incident) ||
	    state_incident(a->g->state, *ret_incident)->status != INCIDENT_OPEN) {
		FAIL(e, RC_ABSENT, "no open incident '" STR_FMT "'", STR_ARG(incident));
	}
	if (people_text(a, "reason").n == 0 || people_text(a, "reason").n > LIMIT_TEXT_BYTES) {
		FAIL(e, RC_INPUT, "'reason' must be a text of 1 to %d bytes", LIMIT_TEXT_BYTES);
	}
	return people_number(a, "duration_s", rules->duration_ms / 1000, rules->max_ms / 1000,
			     ret_duration_s, e);
}

enum rc people_break_glass_open(struct asked *a, struct err *e)
{
	struct governor *g = a->g;
	struct str person = a->person->name;
	uint64_t now = gov_now_ms(g);
	uint64_t duration_s;
	uint64_t serial;
	uint64_t ix;
	struct leaf l = {.kind = LEAF_BREAK_GLASS_OPENED};
	struct leaf_break_glass_opened *o = &l.break_glass_opened;
	struct book_value values[] = {
	    {.bytes = people_text(a, "reason"), .commit = &o->reason, .slot = 0}};

	if (!str_list_has(&g->bundle->break_glass.people, person)) { /* (1) */
		people_reply_reason(g, a->req, REASON_APPROVER_AUTH,
				    STR("gates.yaml, break_glass, does not name this person"));
		return RC_OK;
	}
	TRY(read_open(a, &o->incident, &duration_s, e));
	o->person = person;
	o->not_after = now + duration_s * 1000;
	o->review_by = now + g->bundle->break_glass.review_ms;
	TRY(vault_take(g->vault, g->keeper, &serial, e));
	TRY(open_task(g, state_incident(g->state, o->incident), person, o->not_after, serial,
		      &o->task, e));
	TRY(book_record(g->book, &l, gov_key_of(g, o->task), values, 1, &ix, e));
	tell_owners(
	    g, ix, "break_glass.opened",
	    arena_strf(&g->round, "%.*s acts by break-glass g%llu on i%llu for %llu minutes: %.*s",
		       STR_ARG(person), (unsigned long long)ix, (unsigned long long)o->incident,
		       (unsigned long long)duration_s / 60, STR_ARG(people_text(a, "reason"))));
	people_answer_id(a, "break_glass", 'g', ix, STR("open"));
	return RC_OK;
}

/* The session that the body names; its task may be over. */
static enum rc session_of(const struct asked *a, const struct break_glass **ret, struct err *e)
{
	uint64_t ix;

	TRY(people_id(a, 'g', &ix, e));
	*ret = state_break_glass(a->g->state, ix);
	if (!*ret) {
		FAIL(e, RC_ABSENT, "no break-glass 'g%llu'", (unsigned long long)ix);
	}
	return RC_OK;
}

/* ---- act ---- */

enum rc people_break_glass_act(struct asked *a, struct err *e)
{
	const struct break_glass *x;
	const struct json *args = json_get(a->body, STR("args"));

	TRY(session_of(a, &x, e));
	if (json_type(args) != JSON_OBJECT || people_text(a, "tool").n == 0 ||
	    people_text(a, "tool").n > LIMIT_ID_BYTES) {
		FAIL(e, RC_INPUT, "'tool' must be a name and 'args' an object");
	}
	return calls_by_person(a->g, a->req, a->person->name, x->task, people_text(a, "tool"),
			       args->raw, e);
}

enum rc people_break_glass_close(struct asked *a, struct err *e)
{
	const struct break_glass *x;
	const struct task *t;
	uint64_t ix;

	TRY(session_of(a, &x, e));
	ix = x->ix;
	t = state_task(a->g->state, x->task);
	if (!t || (t->state != TASK_RUNNING && t->state != TASK_SUSPENDED)) {
		FAIL(e, RC_DENIED, "the session has ended already");
	}
	tasks_end(a->g, t->ix, "stopped", a->person->name,
		  0); /* whoever it is: less is always allowed */
	people_answer_id(a, "break_glass", 'g', ix, STR("ending"));
	return RC_OK;
}

/* ---- review ---- */

static void view_review(const struct governor *g, const struct break_glass *x, struct json_out *w)
{
	const struct task *t = state_task(g->state, x->task);
	bool is_on = t && t->state == TASK_RUNNING;

	json_out_object(w);
	view_id(w, "id", 'g', x->ix);
	json_out_key_str(w, "state",
			 x->reviewed_by.n			 ? STR("reviewed")
			 : is_on				 ? STR("acting")
			 : gov_now_ms(g) >= x->review_by_unix_ms ? STR("overdue")
								 : STR("due"));
	json_out_key_str(w, "person", x->person);
	view_id(w, "incident", 'i', x->incident);
	view_id(w, "task", 't', x->task);
	json_out_key_u64(w, "calls", t ? t->calls : 0);
	view_time(w, "opened", x->opened_unix_ms);
	view_time(w, "review_by", x->review_by_unix_ms);
	json_out_key_u64(w, "reminders", x->reminders);
	if (x->reviewed_by.n) {
		json_out_key_str(w, "reviewed_by", x->reviewed_by);
		json_out_key_bool(w, "justified", x->is_justified);
	}
	json_out_close(w);
}

void break_glass_list(const struct governor *g, bool only_open, struct json_out *w)
{
	const struct break_glass *x;
	uint64_t from = 0;

	json_out_array(w);
	while ((x = state_next_break_glass(g->state, from))) {
		from = x->ix + 1;
		if (!only_open || !x->reviewed_by.n) {
			view_review(g, x, w);
		}
	}
	json_out_close(w);
}

enum rc people_review_list(struct asked *a, struct json_out *w, struct err *e)
{
	(void)e; /* a list cannot fail but by its length */
	json_out_object(w);
	json_out_key(w, STR("reviews"));
	break_glass_list(a->g, false, w);
	json_out_close(w);
	return RC_OK;
}

enum rc people_review_close(struct asked *a, struct err *e)
{
	const struct break_glass *x;
	const struct task *t;
	bool unjustified = false;
	struct leaf l = {.kind = LEAF_BREAK_GLASS_REVIEWED,
			 .break_glass_reviewed = {.by = a->person->name}};
	struct book_value values[] = {
	    {.bytes = str_slice(people_text(a, "note"), 0, LIMIT_TEXT_BYTES),
	     .commit = &l.break_glass_reviewed.note,
	     .slot = 0}};
	uint64_t ix;

	TRY(session_of(a, &x, e));
	ix = x->ix;
	t = state_task(a->g->state, x->task);
	if (str_eq(x->person, a->person->name)) {
		people_reply_reason(a->g, a->req, REASON_APPROVER_CONFLICT,
				    STR("nobody reviews what they did themselves"));
		return RC_OK;
	}
	if (x->reviewed_by.n || (t && t->state == TASK_RUNNING)) {
		FAIL(e, RC_DENIED, "it is reviewed already, or goes on still");
	}
	if (json_get(a->body, STR("unjustified")) &&
	    !json_bool(json_get(a->body, STR("unjustified")), &unjustified)) {
		FAIL(e, RC_INPUT, "'unjustified' must be true or false");
	}
	l.break_glass_reviewed.break_glass = ix;
	l.break_glass_reviewed.justified = !unjustified;
	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, values, 1, NULL, e));
	people_answer_id(a, "review", 'g', ix, STR("closed"));
	return RC_OK;
}

/* (3) */
void break_glass_tick(struct governor *g)
{
	uint64_t now = gov_now_ms(g);
	const struct break_glass *x;
	uint64_t from = 0;

	while ((x = state_next_break_glass(g->state, from))) {
		uint64_t ix = x->ix;
		struct leaf l = {.kind = LEAF_BREAK_GLASS_REMINDED,
				 .break_glass_reminded = {.break_glass = ix}};

		from = ix + 1;
		if (x->reviewed_by.n || now < x->review_by_unix_ms ||
		    (x->reminders && now - x->reminded_unix_ms < REMIND_MS) || !gov_record(g, &l)) {
			continue;
		}
		tell_owners(
		    g, ix, "review.overdue",
		    arena_strf(&g->round,
			       "nobody has reviewed break-glass g%llu in time: remit review "
			       "close g%llu",
			       (unsigned long long)ix, (unsigned long long)ix));
	}
}
