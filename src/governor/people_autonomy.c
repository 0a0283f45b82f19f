/* SPDX-License-Identifier: Apache-2.0 */
/* governor/people_autonomy.c - what people say about how much an agent may do by itself.
 *
 * Holds: (1) nobody who owns or deputises the agent promotes it or judges its proposals.
 *        (2) a promotion takes two persons within a day, and numbers that hold at both times.
 *        (3) anybody may demote, at once.
 */
#include "governor/people.h"

#include "base/limits.h"
#include "base/log.h"

static struct str text_of(const struct asked *a, const char *name)
{
	struct str s;

	return json_str(json_get(a->body, str_from(name)), &s) ? s : STR("");
}

struct change {
	const struct agent *agent;
	enum effect effect;
	enum autonomy level;
	struct str note;
};

static enum rc read_change(const struct asked *a, struct change *c, struct err *e)
{
	struct str name = text_of(a, "name");

	c->agent = bundle_agent_named(a->g->bundle, name);
	c->note = str_slice(text_of(a, "note"), 0, LIMIT_TEXT_BYTES);
	if (!c->agent) {
		FAIL(e, RC_ABSENT, "no agent '" STR_FMT "'", STR_ARG(name));
	}
	if (!effect_from_name(text_of(a, "effect"), &c->effect)) {
		FAIL(e, RC_INPUT, "'effect' must be read, contain or destroy");
	}
	if (!autonomy_from_name(text_of(a, "level"), &c->level)) {
		FAIL(e, RC_INPUT, "'level' must be observe, propose, approve, notify or act");
	}
	return RC_OK;
}

static void answer_level(struct asked *a, const struct change *c, struct str state)
{
	AUTO_BUF out = BUF_INIT(2048);
	struct json_out w = json_out_to(&out);

	json_out_object(&w);
	json_out_key_str(&w, "agent", c->agent->name);
	json_out_key_str(&w, "effect", effect_name(c->effect));
	json_out_key_str(
	    &w, "level",
	    autonomy_name(autonomy_in_force(a->g->state, a->g->bundle, c->agent, c->effect)));
	json_out_key_str(&w, "state", state);
	json_out_close(&w);
	people_reply_json(a, &w);
}

static enum rc record_change(struct asked *a, const struct change *c, const char *why,
			     const struct str_list *by, struct err *e)
{
	struct governor *g = a->g;
	const struct agent_record *r = state_agent_record(g->state, c->agent->id);
	uint64_t ix;
	struct leaf l = {
	    .kind = LEAF_AUTONOMY_CHANGED,
	    .autonomy_changed =
		{
		    .agent = c->agent->id,
		    .effect = effect_name(c->effect),
		    .level = autonomy_name(c->level),
		    .base = autonomy_name(autonomy_base(g->bundle, c->agent, c->effect)),
		    .why = str_from(why),
		    .by = *by,
		    .judged = r ? r->tallies[c->effect].judged : 0,
		    .agreed = r ? r->tallies[c->effect].agreed : 0,
		},
	};
	struct book_value values[] = {
	    {.bytes = c->note, .commit = &l.autonomy_changed.note, .slot = 0}};

	TRY(book_record(g->book, &l, VAULT_LIFE_KEY, values, 1, &ix, e));
	autonomy_tell_owner(g, c->agent, ix, "autonomy.changed",
			    arena_strf(&g->round, "agent " STR_FMT ": %.*s is now %.*s, %s",
				       STR_ARG(c->agent->name), STR_ARG(effect_name(c->effect)),
				       STR_ARG(autonomy_name(c->level)), why));
	return RC_OK;
}

/* ---- promotion ---- */

/* Whoever has endorsed this very change already, and still may, but for `person`; p == NULL = none.
 */
static struct str other_endorser(struct asked *a, const struct change *c)
{
	const struct governor *g = a->g;
	const struct agent_record *r = state_agent_record(g->state, c->agent->id);

	if (!state_endorsement_stands(r, c->effect, c->level, gov_now_ms(g))) {
		return STR_NULL;
	}
	for (size_t i = 0; i < r->n_endorsers; i++) {
		const struct person *p = bundle_person(g->bundle, r->endorsers[i]);

		if (!str_eq(r->endorsers[i], a->person->name) &&
		    autonomy_may_judge(g->bundle, c->agent, p) == REASON_NONE) {
			return r->endorsers[i];
		}
	}
	return STR_NULL;
}

static enum rc endorse(struct asked *a, const struct change *c, struct err *e)
{
	struct leaf l = {
	    .kind = LEAF_AUTONOMY_ENDORSED,
	    .autonomy_endorsed =
		{
		    .agent = c->agent->id,
		    .effect = effect_name(c->effect),
		    .level = autonomy_name(c->level),
		    .person = a->person->name,
		},
	};
	struct book_value values[] = {
	    {.bytes = c->note, .commit = &l.autonomy_endorsed.note, .slot = 0}};

	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, values, 1, NULL, e));
	answer_level(a, c, STR("waits for a second person"));
	return RC_OK;
}

enum rc people_promote(struct asked *a, struct err *e)
{
	struct governor *g = a->g;
	struct change c;
	enum reason reason;
	struct str detail;
	struct str by[2];

	TRY(read_change(a, &c, e));
	TRY(autonomy_may_promote(g->state, g->bundle, c.agent, c.effect, c.level, a->person,
				 gov_now_ms(g), &g->round, &reason, &detail, e));
	if (reason != REASON_NONE) {
		people_reply_reason(g, a->req, reason, detail);
		return RC_OK;
	}
	by[0] = other_endorser(a, &c);
	if (!by[0].p) {
		return endorse(a, &c, e);
	}
	by[0] = arena_str(&g->round, by[0]);
	by[1] = a->person->name;
	TRY(record_change(a, &c, "promoted", &(struct str_list){by, 2}, e));
	answer_level(a, &c, STR("promoted"));
	return RC_OK;
}

enum rc people_demote(struct asked *a, struct err *e)
{
	const struct governor *g = a->g;
	struct change c;

	TRY(read_change(a, &c, e));
	if (c.level >= autonomy_in_force(g->state, g->bundle, c.agent, c.effect)) {
		FAIL(e, RC_DENIED, "the level in force is not above '%.*s'",
		     STR_ARG(autonomy_name(c.level)));
	}
	/* What is still above the base after it stays a promotion that people made. */
	if (c.level > autonomy_base(g->bundle, c.agent, c.effect)) {
		FAIL(e, RC_DENIED, "demote it to what the deployment gives, or below: %.*s",
		     STR_ARG(autonomy_name(autonomy_base(g->bundle, c.agent, c.effect))));
	}
	TRY(record_change(a, &c, "demoted", &(struct str_list){&a->person->name, 1}, e));
	answer_level(a, &c, STR("demoted"));
	return RC_OK;
}

/* ---- proposals ---- */

enum rc people_list_proposals(struct asked *a, struct json_out *w, struct err *e)
{
	const struct proposal *p;
	uint64_t from = 0;

	(void)e; /* a list cannot fail but by its length */
	json_out_object(w);
	json_out_key(w, STR("proposals"));
	json_out_array(w);
	while ((p = state_next_proposal(a->g->state, from))) {
		from = p->ix + 1;
		view_proposal(a->g, p, w);
	}
	json_out_close(w);
	json_out_close(w);
	return RC_OK;
}

enum rc people_judge(struct asked *a, struct err *e)
{
	struct governor *g = a->g;
	struct str word = text_of(a, "verdict");
	struct str note = str_slice(text_of(a, "note"), 0, LIMIT_TEXT_BYTES);
	const struct proposal *p;
	const struct agent *agent;
	enum reason reason;
	uint64_t ix;
	struct leaf l = {.kind = LEAF_PROPOSAL_JUDGED,
			 .proposal_judged = {.person = a->person->name}};
	struct book_value values[] = {
	    {.bytes = note, .commit = &l.proposal_judged.note, .slot = 0}};
	AUTO_BUF out = BUF_INIT(1024);
	struct json_out w = json_out_to(&out);

	TRY(people_id(a, 'd', &ix, e));
	p = state_proposal(g->state, ix);
	agent = p ? bundle_agent(g->bundle, p->agent) : NULL;
	if (!p || !agent || !p->is_open) {
		FAIL(e, RC_ABSENT, "no proposal 'd%llu' that waits to be judged",
		     (unsigned long long)ix);
	}
	l.proposal_judged.proposal = ix;
	l.proposal_judged.agrees = str_eq(word, STR("agree"));
	if (!l.proposal_judged.agrees && !str_eq(word, STR("disagree"))) {
		FAIL(e, RC_INPUT, "'verdict' must be agree or disagree");
	}
	reason = autonomy_may_judge(g->bundle, agent, a->person);
	if (reason != REASON_NONE) {
		people_reply_reason(g, a->req, reason, STR_NULL);
		return RC_OK;
	}
	TRY(book_record(g->book, &l, VAULT_LIFE_KEY, values, 1, NULL, e));
	json_out_object(&w);
	view_id(&w, "proposal", 'd', ix);
	json_out_key_str(&w, "state", l.proposal_judged.agrees ? STR("agreed") : STR("disagreed"));
	json_out_close(&w);
	people_reply_json(a, &w);
	return RC_OK;
}

/* ---- views ---- */

void view_proposal(struct governor *g, const struct proposal *p, struct json_out *w)
{
	const struct agent *agent = bundle_agent(g->bundle, p->agent);
	struct str args;

	json_out_object(w);
	view_id(w, "id", 'd', p->ix);
	json_out_key_str(w, "state",
			 p->is_open  ? STR("open")
			 : p->agrees ? STR("agreed")
				     : STR("disagreed"));
	json_out_key_str(w, "agent", agent ? agent->name : p->agent);
	view_id(w, "task", 't', p->task);
	json_out_key_str(w, "tool", p->tool);
	json_out_key_str(w, "effect", effect_name(p->effect));
	view_list(w, "targets", &p->targets);
	json_out_key_str(w, "would", p->would);
	json_out_key_str(w, "reason", p->reason);
	view_time(w, "made", p->made_unix_ms);
	json_out_key_str(w, "judged_by", p->judged_by);
	if (book_value_of(g->book, p->ix, 0, &g->round, &args, NULL) == RC_OK) {
		json_out_key(w, STR("arguments"));
		json_out_raw(w, args);
	}
	json_out_close(w);
}

/* Levels: in force, what the deployment gives, and what the agent has earned or lost. */
void view_autonomy(const struct governor *g, const struct agent *a, struct json_out *w)
{
	const struct agent_record *r = state_agent_record(g->state, a->id);

	json_out_key(w, STR("autonomy"));
	json_out_object(w);
	for (enum effect e = EFFECTS; e-- > 0;) {
		json_out_key(w, effect_name(e));
		json_out_str(w, autonomy_name(autonomy_in_force(g->state, g->bundle, a, e)));
	}
	json_out_close(w);
	json_out_key(w, STR("earned"));
	json_out_array(w);
	for (enum effect e = EFFECTS; e-- > 0;) {
		json_out_object(w);
		json_out_key_str(w, "effect", effect_name(e));
		json_out_key_str(w, "in_force",
				 autonomy_name(autonomy_in_force(g->state, g->bundle, a, e)));
		json_out_key_str(w, "deployment", autonomy_name(autonomy_base(g->bundle, a, e)));
		json_out_key_u64(w, "judged", r ? r->tallies[e].judged : 0);
		json_out_key_u64(w, "agreed", r ? r->tallies[e].agreed : 0);
		json_out_close(w);
	}
	json_out_close(w);
	if (r && r->breached_unix_ms) {
		json_out_key_str(w, "last_breach", breach_name(r->breach));
		view_time(w, "breached", r->breached_unix_ms);
	}
	if (r && r->n_endorsers) {
		json_out_key_str(w, "endorsed_effect", effect_name(r->endorsed_effect));
		json_out_key_str(w, "endorsed_level", autonomy_name(r->endorsed_level));
		view_list(w, "endorsed_by", &(struct str_list){r->endorsers, r->n_endorsers});
	}
	json_out_key_u64(w, "attempts_in_window", autonomy_attempts(r, g->bundle, gov_now_ms(g)));
}
