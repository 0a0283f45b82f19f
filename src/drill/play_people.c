/* SPDX-License-Identifier: Apache-2.0 */
/* drill/play_people.c - what people do: vote, stop, approve in advance, and every other command. */
#include <string.h>

#include "core/bundle.h"
#include "drill/play_impl.h"

struct str play_people_ask(struct play *p, struct str person, enum command_verb verb,
			   struct str body, uint32_t *ret_status)
{
	const struct person *who = bundle_person(sim_bundle(p->sim), person);
	/* A stranger is somebody whom nobody knows. */
	uint64_t req = sim_command(p->sim, who ? who->uid : UINT32_MAX - 1, verb, body);
	const struct sim_reply *reply;

	sim_settle(p->sim);
	reply = sim_reply_of(p->sim, req);
	if (!reply) {
		sim_pass(p->sim, 3000); /* a stop waits for senders that are silent */
		reply = sim_reply_of(p->sim, req);
	}
	if (ret_status) {
		*ret_status = reply ? (reply->code ? reply->code : 503) : 504;
	}
	return reply ? reply->text : STR("");
}

static void tell(struct play *p, struct str person, enum command_verb verb, const struct json *body,
		 struct step_result *r)
{
	const struct json *answer;
	uint32_t status = 0;

	p->reply = play_people_ask(p, person, verb, play_json(p, body), &status);
	if (status >= 200 && status < 300) {
		r->answer = ANSWER_OK;
		if (json_parse(p->a, arena_str(p->a, p->reply), NULL, &answer, NULL) == RC_OK) {
			p->answer = answer;
		}
		return;
	}
	r->answer = ANSWER_DENY;
	if (json_parse(p->a, p->reply, NULL, &answer, NULL) == RC_OK) {
		r->reason = node_word(json_pointer(answer, STR("/error/code")), STR(""));
	}
}

static void put_all(struct play *p, struct json *body, const struct json *from)
{
	const struct json *filled = from ? play_fill(p, from, 1) : NULL;

	for (const struct json *m = filled ? filled->child : NULL; m; m = m->next) {
		node_put(p->a, body, m->key, node_copy(p->a, m));
	}
}

/* Who does it when the step does not say. */
static struct str person_of(const struct play *p, struct str given)
{
	const struct bundle *b = sim_bundle(p->sim);

	return given.n ? given : b->n_people > 0 ? b->people[0].name : STR("");
}

/* The newest question that waits, or the newest at all. */
static struct str question_of(struct play *p)
{
	const struct state *s = sim_state(p->sim);
	const struct approval *a;
	uint64_t newest = 0;
	uint64_t open = 0;
	uint64_t from = 0;

	while (s && (a = state_next_approval(s, from))) {
		from = a->ix + 1;
		newest = a->ix;
		open = a->state == APPROVAL_OPEN ? a->ix : open;
	}
	return arena_strf(p->a, "a%llu", (unsigned long long)(open ? open : newest));
}

void play_people_vote(struct play *p, const struct step *st, struct step_result *r)
{
	struct json *body = node_object(p->a, st->value);
	struct str person = node_word(st->value, STR(""));
	const struct json *note = json_get(st->node, STR("note"));
	struct str which = node_word(json_get(st->node, STR("approval")), STR(""));
	bool is_yes = st->kind == STEP_APPROVE;

	if (!person.n) {
		play_problem(p, r, "'%s': expected the person who does it", step_word(st->kind));
		return;
	}
	r->what = arena_strf(p->a, STR_FMT " %s", STR_ARG(person), is_yes ? "approves" : "denies");
	node_put(p->a, body, STR("id"), node_text(p->a, NULL, which.n ? which : question_of(p)));
	if (note) {
		node_put(p->a, body, STR("note"), node_copy(p->a, note));
	}
	put_all(p, body, json_get(st->node, STR("with")));
	tell(p, person, is_yes ? COMMAND_APPROVE : COMMAND_DENY, body, r);
}

/* "all", "agent coder", "tool db.exec", "task main" */
static void put_scope(struct play *p, struct json *body, struct str text)
{
	struct str name = text;
	struct str scope = str_cut(&name, ' ');
	struct str rest = name;
	struct str upstream;
	uint64_t ix;

	node_put(p->a, body, STR("scope"), node_text(p->a, NULL, scope));
	if (!name.p) {
		return;
	}
	upstream = str_cut(&rest, '.');
	ix = str_eq(scope, STR("task")) ? play_named_ix(p, 't', name) : 0;
	if (str_eq(scope, STR("tool")) && rest.p) {
		name = arena_strf(p->a, STR_FMT "___" STR_FMT, STR_ARG(upstream), STR_ARG(rest));
	} else if (ix) {
		name = arena_strf(p->a, "t%llu", (unsigned long long)ix);
	}
	node_put(p->a, body, STR("name"), node_text(p->a, NULL, name));
}

void play_people_stop(struct play *p, const struct step *st, struct step_result *r)
{
	struct json *body = node_object(p->a, st->value);
	struct str person = person_of(p, st->by);
	struct str what = node_word(st->value, STR("all"));
	bool is_kill = st->kind == STEP_KILL;

	r->what = arena_strf(p->a, STR_FMT " %s " STR_FMT, STR_ARG(person),
			     is_kill ? "stops" : "resumes", STR_ARG(what));
	put_scope(p, body, what);
	if (is_kill) {
		node_put(p->a, body, STR("why"),
			 node_text(p->a, NULL,
				   node_word(json_get(st->node, STR("reason")), STR("a drill"))));
	}
	tell(p, person, is_kill ? COMMAND_KILL : COMMAND_RESUME, body, r);
	if (is_kill) {
		sim_pass(p->sim, 2); /* the record of it follows the answer */
	}
}

void play_people_preapprove(struct play *p, const struct step *st, struct step_result *r)
{
	struct json *body = node_object(p->a, st->value);
	struct str person = person_of(p, st->by);
	struct str tool = node_word(json_get(st->value, STR("tool")), STR(""));
	struct str rest = tool;
	struct str upstream = str_cut(&rest, '.');

	r->what = arena_strf(p->a, STR_FMT " approves in advance", STR_ARG(person));
	put_all(p, body, st->value);
	node_default(p->a, body, STR("agent"), node_text(p->a, NULL, p->s->fixture.first_agent));
	if (rest.p) {
		node_put(p->a, body, STR("tool"),
			 node_textf(p->a, NULL, "%.*s___%.*s", STR_ARG(upstream), STR_ARG(rest)));
	}
	tell(p, person, COMMAND_PREAPPROVE, body, r);
}

void play_people_do(struct play *p, const struct step *st, struct step_result *r)
{
	struct json *body = node_object(p->a, st->value);
	struct str word = node_word(st->value, STR(""));
	struct str person = person_of(p, st->by);
	enum command_verb verb;

	r->what = arena_strf(p->a, STR_FMT ": " STR_FMT, STR_ARG(person), STR_ARG(word));
	if (!scenario_command(word, &verb)) {
		play_problem(p, r, "'do': there is no command '" STR_FMT "'", STR_ARG(word));
		return; /* refused when it was read */
	}
	put_all(p, body, json_get(st->node, STR("with")));
	tell(p, person, verb, body, r);
}
