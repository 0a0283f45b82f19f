/* SPDX-License-Identifier: Apache-2.0 */
/* drill/play_agent.c - what agents do: call, call again, declare, claim.
 *
 * An agent that calls a tool without having a task declares an intent first, as a real one would:
 * on the first incident, by the first playbook, for all its assets.
 */
#include <openssl/sha.h>
#include <string.h>

#include "base/num.h"
#include "core/bundle.h"
#include "core/target.h"
#include "drill/play_impl.h"

/* ---- what an answer says ---- */

static void classify_json(struct play *p, const struct json *whole, struct step_result *r)
{
	const struct json *decision = json_pointer(whole, STR("/_meta/io.remit~1decision"));
	const struct json *approval = json_pointer(whole, STR("/_meta/io.remit~1approval"));
	struct str verdict = node_word(json_get(decision, STR("verdict")), STR(""));

	(void)p; /* its texts live in the arena of the answer */
	if (decision) {
		r->answer = str_eq(verdict, STR("deny"))  ? ANSWER_DENY
			    : str_eq(verdict, STR("ask")) ? ANSWER_ASK
							  : ANSWER_ALLOW;
		r->reason = node_word(json_get(decision, STR("reason")), STR(""));
	} else if (approval) {
		r->answer = ANSWER_ASK;
		r->reason = node_word(json_get(approval, STR("reason")), STR(""));
	} else {
		r->answer = ANSWER_ALLOW;
	}
}

/* Nobody answered yet: what was decided stands in the log. */
static enum rc note_decided(void *ctx, uint64_t index, struct str bytes, struct err *e)
{
	struct step_result *r = ctx;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	struct leaf l;

	(void)index; /* the last one counts */
	TRY(leaf_decode(&arena, bytes, &l, e));
	if (l.kind == LEAF_CALL_DECIDED && str_eq(l.call_decided.purpose, STR("agent"))) {
		r->answer =
		    str_eq(l.call_decided.verdict, STR("allow")) ? ANSWER_ALLOW : ANSWER_DENY;
	} else if (l.kind == LEAF_APPROVAL_OPENED) {
		r->answer = ANSWER_ASK;
	}
	return RC_OK;
}

static void classify(struct play *p, uint64_t req, struct step_result *r)
{
	const struct sim_reply *reply = sim_reply_of(p->sim, req);
	const struct json *whole;

	r->answer = ANSWER_ANY;
	r->reason = STR("");
	if (!reply) {
		if (sim_leaves(p->sim, p->log_before, note_decided, r, NULL) != RC_OK) {
			play_problem(p, r, "the log cannot be read");
		}
		return;
	}
	p->reply = reply->text;
	if (reply->code != 0) {
		r->answer = ANSWER_DENY;
		r->reason =
		    str_eq(reply->text, STR("unknown tool")) ? STR("tool_unknown") : STR("");
	} else if (json_parse(p->a, reply->text, NULL, &whole, NULL) == RC_OK) {
		classify_json(p, whole, r);
	}
}

/* ---- calling ---- */

static void key_of(struct str text, uint8_t key[32])
{
	SHA256((const unsigned char *)text.p, text.n, key);
}

/* Why would it be asked? The answer to an agent does not say it. */
static void find_why(struct play *p, const struct play_call *c, struct step_result *r)
{
	struct json *body = node_object(p->a, NULL);
	const struct json *answer;
	struct str text;

	if (r->answer != ANSWER_ASK || r->reason.n || sim_bundle(p->sim)->n_people == 0) {
		return;
	}
	node_put(p->a, body, STR("agent"), node_text(p->a, NULL, c->agent));
	node_put(p->a, body, STR("tool"), node_text(p->a, NULL, c->tool));
	node_put(p->a, body, STR("args"), node_copy(p->a, c->args));
	node_put(p->a, body, STR("task"), node_text(p->a, NULL, c->task));
	text = play_people_ask(p, sim_bundle(p->sim)->people[0].name, COMMAND_TRY,
			       play_json(p, body), NULL);
	if (json_parse(p->a, text, NULL, &answer, NULL) == RC_OK) {
		r->reason = node_word(json_pointer(answer, STR("/decision/reason")), STR(""));
	}
}

static void make_call(struct play *p, const struct play_call *c, struct step_result *r)
{
	uint64_t req =
	    sim_call(p->sim, c->id, c->key, c->task, c->tool, play_json(p, c->args), c->hold_ms);

	sim_settle(p->sim);
	classify(p, req, r);
	find_why(p, c, r);
}

static void remember(struct play *p, const struct play_call *c)
{
	p->last_agent = c->agent;
	for (size_t i = 0; i < p->last.n; i++) {
		if (str_eq(p->last.p[i].agent, c->agent)) {
			p->last.p[i] = *c;
			return;
		}
	}
	MUST(vec_push(&p->last, *c) == RC_OK);
}

/* ---- tasks ---- */

static uint64_t task_of(const struct play *p, struct str id)
{
	const struct state *s = sim_state(p->sim);
	const struct task *t;
	uint64_t from = 0;
	uint64_t ix = 0;

	while (s && (t = state_next_task(s, from))) {
		from = t->ix + 1;
		if (str_eq(t->agent, id)) {
			ix = t->ix;
		}
	}
	return ix;
}

/* An intent that names what no agent may touch would be refused whole. */
static bool may_be_named(const struct play *p, const struct play_call *c, struct str target)
{
	const struct bundle *b = sim_bundle(p->sim);
	const struct agent *agent = bundle_agent(b, c->id);
	struct asset asset = inventory_asset(&b->inventory, target);
	bool is_elsewhere = agent && !str_eq(asset.environment, INVENTORY_ANY_ENVIRONMENT) &&
			    !str_eq(asset.environment, agent->environment);

	return !target_in_list(&b->never, target) && !asset.is_control_plane && !is_elsewhere;
}

static void declare(struct play *p, const struct play_call *who, const struct json *intent,
		    struct str name, struct step_result *r)
{
	struct play_call c = *who;
	struct json *args =
	    intent ? node_copy(p->a, play_fill(p, intent, 1)) : node_object(p->a, NULL);
	const struct bundle *b = sim_bundle(p->sim);
	struct str incident = node_word(json_get(args, STR("incident")), STR(""));
	uint64_t before = task_of(p, c.id);
	uint64_t ix = incident.n ? play_named_ix(p, 'i', incident) : 0;
	const struct incident *i;

	if (!ix && p->named.n > 0 && !incident.n) {
		ix = p->named.p[0].ix;
	}
	i = sim_state(p->sim) ? state_incident(sim_state(p->sim), ix) : NULL;
	if (ix || !incident.n) {
		node_put(p->a, args, STR("incident"),
			 node_textf(p->a, NULL, "i%llu", (unsigned long long)ix));
	}
	node_default(p->a, args, STR("goal"), node_text(p->a, NULL, STR("a drill")));
	for (size_t k = 0; k < b->n_playbooks; k++) {
		if (!i || str_list_has(&b->playbooks[k].classes, i->class)) {
			node_default(p->a, args, STR("playbook"),
				     node_text(p->a, NULL, b->playbooks[k].name));
		}
	}
	if (!json_get(args, STR("targets"))) {
		struct json *targets = node_array(p->a, NULL);

		for (size_t k = 0; i && k < i->assets.n; k++) {
			if (may_be_named(p, &c, i->assets.p[k])) {
				node_push(targets, node_text(p->a, NULL, i->assets.p[k]));
			}
		}
		node_put(p->a, args, STR("targets"), targets);
	}
	c.task = STR("");
	c.tool = STR("remit___declare_intent");
	c.args = args;
	make_call(p, &c, r);
	ix = task_of(p, c.id);
	if (ix != before && name.n && play_name(p, 't', name, ix) != RC_OK) {
		play_problem(p, r, "no memory for a name");
	}
	if (ix != before && r->answer == ANSWER_ANY) {
		r->answer = ANSWER_ALLOW;
	}
}

/* Whom the step is about. */
static bool find_agent(struct play *p, const struct step *st, struct play_call *c,
		       struct step_result *r)
{
	struct str name = st->by.n				      ? st->by
			  : p->last_agent.n && st->kind == STEP_AGAIN ? p->last_agent
								      : p->s->fixture.first_agent;
	const struct agent *agent = bundle_agent_named(sim_bundle(p->sim), name);
	struct str as = node_word(json_get(st->node, STR("as")), STR(""));

	if (!name.n && sim_bundle(p->sim)->n_agents > 0) {
		agent = &sim_bundle(p->sim)->agents[0];
		name = agent->name;
	}
	if (!agent && !as.n) {
		play_problem(p, r, "there is no agent '" STR_FMT "'", STR_ARG(name));
		return false;
	}
	c->agent = name;
	c->id = as.n ? as : agent->id;
	key_of(node_word(json_get(st->node, STR("key")), c->id), c->key);
	return true;
}

/* False: there is none and none could be had; r says why. */
static bool find_task(struct play *p, const struct step *st, struct play_call *c,
		      struct step_result *r)
{
	struct str name = node_word(json_get(st->node, STR("task")), STR(""));
	uint64_t ix = name.n ? play_named_ix(p, 't', name) : task_of(p, c->id);

	if (str_eq(name, STR("none"))) {
		c->task = STR("");
		return true;
	}
	if (!ix && name.n) {
		c->task = name; /* an id, or one that does not exist */
		return true;
	}
	if (!ix) {
		declare(p, c, NULL, STR(""), r);
		ix = task_of(p, c->id);
		if (!ix) {
			return false;
		}
	}
	c->task = arena_strf(p->a, "t%llu", (unsigned long long)ix);
	return true;
}

/* ---- steps ---- */

/* "tool" or {tool: arguments}; upstream.tool or upstream___tool. */
static bool read_call(struct play *p, const struct json *value, struct play_call *c,
		      const struct json **ret_args, struct step_result *r)
{
	struct str text = STR("");
	struct str upstream;
	struct str rest;

	*ret_args = NULL;
	if (json_type(value) == JSON_OBJECT && value->count == 1) {
		text = value->child->key;
		*ret_args = json_type(value->child) == JSON_OBJECT ? value->child : NULL;
	} else if (!json_str(value, &text)) {
		play_problem(p, r, "'call': expected a tool, or {tool: {arguments}}");
		return false;
	}
	rest = text;
	upstream = str_cut(&rest, '.');
	c->tool = rest.p ? arena_strf(p->a, STR_FMT "___" STR_FMT, STR_ARG(upstream), STR_ARG(rest))
			 : text;
	return true;
}

static void make_calls(struct play *p, const struct step *st, struct play_call *c,
		       const struct json *args, struct step_result *r)
{
	for (uint64_t n = 1; n <= st->times; n++) {
		c->args = args ? play_fill(p, args, n) : node_object(p->a, NULL);
		make_call(p, c, r);
		if (st->every_ms && n < st->times) {
			sim_pass(p->sim, st->every_ms);
		}
	}
	remember(p, c);
}

static uint32_t hold_of(const struct step *st)
{
	struct str text = node_word(json_get(st->node, STR("hold")), STR(""));
	uint64_t ms = 0;

	return num_duration_ms(text, &ms) && ms < UINT32_MAX ? (uint32_t)ms : 0;
}

void play_agent_call(struct play *p, const struct step *st, struct step_result *r)
{
	struct play_call c = {.hold_ms = hold_of(st)};
	const struct json *args;

	if (!read_call(p, st->value, &c, &args, r) || !find_agent(p, st, &c, r)) {
		return;
	}
	r->what = arena_strf(p->a, STR_FMT " " STR_FMT, STR_ARG(c.agent), STR_ARG(c.tool));
	if (find_task(p, st, &c, r)) {
		make_calls(p, st, &c, args, r);
	}
}

void play_agent_again(struct play *p, const struct step *st, struct step_result *r)
{
	struct play_call c = {0};

	if (!find_agent(p, st, &c, r)) {
		return;
	}
	for (size_t i = 0; i < p->last.n; i++) {
		if (str_eq(p->last.p[i].agent, c.agent)) {
			c = p->last.p[i];
			r->what = arena_strf(p->a, STR_FMT " " STR_FMT " again", STR_ARG(c.agent),
					     STR_ARG(c.tool));
			make_calls(p, st, &c, c.args, r);
			return;
		}
	}
	play_problem(p, r, "'" STR_FMT "' has called nothing yet", STR_ARG(c.agent));
}

void play_agent_intent(struct play *p, const struct step *st, struct step_result *r)
{
	struct play_call c = {0};

	if (!find_agent(p, st, &c, r)) {
		return;
	}
	r->what = arena_strf(p->a, STR_FMT " declares an intent", STR_ARG(c.agent));
	declare(p, &c, json_type(st->value) == JSON_OBJECT ? st->value : NULL,
		node_word(json_get(st->node, STR("name")), STR("")), r);
}

void play_agent_note(struct play *p, const struct step *st, struct step_result *r)
{
	struct play_call c = {.tool = STR("remit___note")};
	struct json *args = node_object(p->a, st->value);

	if (!find_agent(p, st, &c, r)) {
		return;
	}
	r->what = arena_strf(p->a, STR_FMT " claims", STR_ARG(c.agent));
	if (json_type(st->value) == JSON_OBJECT) {
		args = node_copy(p->a, st->value);
	} else {
		node_put(p->a, args, STR("text"), node_copy(p->a, st->value));
	}
	if (find_task(p, st, &c, r)) {
		c.args = play_fill(p, args, 1);
		make_call(p, &c, r);
	}
}
