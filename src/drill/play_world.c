/* SPDX-License-Identifier: Apache-2.0 */
/* drill/play_world.c - what is neither agent nor person: incidents, targets, time, faults.
 *
 * A target is a set of fields. A tool that sets fields sets them on each target of its call, as the
 * decision resolved them; a tool that returns nothing of its own returns the fields of its first
 * target. A boolean field that some tool of the upstream sets and nobody has set yet is false.
 */
#include <string.h>

#include "api/api.h"
#include "base/limits.h"
#include "base/num.h"
#include "config/deployment.h"
#include "drill/play_impl.h"

/* ---- targets ---- */

struct json *play_world_fields(struct play *p, struct str target)
{
	struct play_target t = {.name = arena_str(p->a, target), .fields = node_object(p->a, NULL)};

	for (size_t i = 0; i < p->targets.n; i++) {
		if (str_eq(p->targets.p[i].name, target)) {
			return p->targets.p[i].fields;
		}
	}
	MUST(vec_push(&p->targets, t) == RC_OK);
	return t.fields;
}

static void set_fields(struct play *p, struct str target, const struct json *fields)
{
	struct json *into = play_world_fields(p, target);

	for (const struct json *f = fields->child; f; f = f->next) {
		node_put(p->a, into, f->key, node_copy(p->a, f));
	}
}

/* With false for what was never set. */
static struct json *whole_state(struct play *p, struct str upstream, struct str target)
{
	struct json *state = node_copy(p->a, play_world_fields(p, target));

	for (size_t i = 0; i < p->s->fixture.tools.n; i++) {
		const struct fixture_tool *t = &p->s->fixture.tools.p[i];

		if (!str_eq(t->upstream, upstream)) {
			continue;
		}
		for (const struct json *f = t->sets ? t->sets->child : NULL; f; f = f->next) {
			if (f->type == JSON_TRUE || f->type == JSON_FALSE) {
				node_default(p->a, state, f->key, node_bool(p->a, NULL, false));
			}
		}
	}
	return state;
}

/* What stands in the place of `returns` for this tool now. */
static const struct json *answer_of(const struct play *p, struct str public_name,
				    const struct fixture_tool *t)
{
	for (size_t i = p->answers.n; i > 0; i--) {
		if (str_eq(p->answers.p[i - 1].tool, public_name)) {
			return p->answers.p[i - 1].value;
		}
	}
	return t ? t->returns : NULL;
}

static bool write_answer(struct play *p, const struct json *answer, const struct json *args,
			 const struct json *state, struct buf *result)
{
	struct json_out w = json_out_to(result);
	const struct json *filled;

	if (json_type(answer) == JSON_STRING) {
		return buf_add(result, answer->text) == RC_OK;
	}
	if (derive_args(answer, args, state, p->a, &filled, NULL) != RC_OK) {
		return false;
	}
	json_out_node(&w, filled);
	return json_out_end(&w, NULL) == RC_OK;
}

bool play_world_tool(void *ctx, const struct sim_act *act, struct buf *result)
{
	struct play *p = ctx;
	const struct fixture_tool *t = fixture_tool_of(&p->s->fixture, act->upstream, act->tool);
	struct str name =
	    arena_strf(p->a, STR_FMT "___" STR_FMT, STR_ARG(act->upstream), STR_ARG(act->tool));
	const struct tool *tool = bundle_tool(sim_bundle(p->sim), name);
	const struct call *call = state_call(sim_state(p->sim), act->call);
	const struct json *answer = answer_of(p, name, t);
	struct json *done = node_object(p->a, NULL);
	const struct json *args = NULL;
	struct json *state = node_object(p->a, NULL);
	struct str first = STR("");

	node_put(p->a, done, act->tool, node_bool(p->a, NULL, true));
	for (size_t i = 0; call && i < call->targets.n; i++) {
		first = i == 0 ? arena_str(p->a, call->targets.p[0]) : first;
		if (tool && tool->effect != EFFECT_READ) {
			set_fields(p, call->targets.p[i], t && t->sets ? t->sets : done);
		}
	}
	if (first.n) {
		state = whole_state(p, act->upstream, first);
	}
	if (json_parse(p->a, arena_str(p->a, act->args), NULL, &args, NULL) != RC_OK) {
		return false;
	}
	if (answer) {
		return write_answer(p, answer, args, state, result);
	}
	return buf_add(result, play_json(p, state)) == RC_OK;
}

/* ---- incidents ---- */

/* An event in normal form; name is what the scenario calls the incident from then on. */
static void send_event(struct play *p, struct str name, struct str source, struct str event,
		       struct step_result *r)
{
	uint64_t req = sim_incident(p->sim, source, event);
	const struct sim_reply *reply;
	const struct json *answer;
	struct str id;
	uint64_t ix = 0;

	sim_settle(p->sim);
	reply = sim_reply_of(p->sim, req);
	p->reply = reply ? reply->text : STR("");
	r->answer = reply && reply->code == 200 ? ANSWER_OK : ANSWER_DENY;
	if (r->answer == ANSWER_OK && json_parse(p->a, reply->text, NULL, &answer, NULL) == RC_OK &&
	    json_str(json_get(answer, STR("incident")), &id) && id_parse(id, 'i', &ix) &&
	    play_name(p, 'i', name, ix) != RC_OK) {
		play_problem(p, r, "no memory for a name");
	}
	if (r->answer != ANSWER_OK && !r->step) {
		play_problem(p, r, STR_FMT, STR_ARG(p->reply));
	}
}

void play_world_incident(struct play *p, struct str name, const struct json *incident,
			 struct str from, struct step_result *r)
{
	struct json *body = node_copy(p->a, play_fill(p, incident, 1));

	(void)node_remove(body, json_get(body, STR("from")));
	node_put(p->a, body, STR("source_id"), node_text(p->a, NULL, name));
	node_default(p->a, body, STR("class"), node_text(p->a, NULL, STR("incident")));
	node_default(p->a, body, STR("severity"), node_number(p->a, NULL, 2));
	node_default(p->a, body, STR("status"), node_text(p->a, NULL, STR("open")));
	node_default(p->a, body, STR("service"), node_text(p->a, NULL, STR("service")));
	node_default(p->a, body, STR("environment"),
		     node_text(p->a, NULL, p->s->fixture.environment));
	send_event(p, name, from.n ? from : STR("drill"), play_json(p, body), r);
}

/* ---- faults ---- */

enum rc play_world_start(struct play *p, struct err *e)
{
	p->is_held_down = false;
	return sim_is_up(p->sim) ? RC_OK : sim_start(p->sim, e);
}

static void take_down(struct play *p)
{
	sim_crash(p->sim, SIM_END_PROCESS);
	p->is_held_down = true;
}

/* Without its policies the deployment does not load, so no role comes up. */
static void lose_policies(struct play *p, struct step_result *r)
{
	AUTO_TREE tree = TREE_INIT;
	struct deployment *d = NULL;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < p->tree->files.n; i++) {
		const struct tree_file *f = &p->tree->files.p[i];
		enum rc rc = RC_OK;

		if (!str_has_prefix(f->path, STR("policies/"))) {
			rc = f->parsed ? tree_put_document(&tree, f->path, f->parsed, &e)
				       : tree_add(&tree, f->path, f->bytes, &e);
		}
		if (rc != RC_OK) {
			play_problem(p, r, "%s", e.msg);
			return;
		}
	}
	take_down(p);
	if (scenario_deployment(p->s, &tree, &d, NULL, &e) == RC_OK) {
		deployment_free(p->deployment);
		p->deployment = d;
		sim_use(p->sim, d);
		p->is_held_down = false;
	}
}

static bool disk_fault(struct disk *d, struct str word)
{
	static const char *const words[] = {"good", "full", "failing", "read-only"};

	for (int i = 0; i < (int)ARRAY_LEN(words); i++) {
		if (str_eq(word, str_from(words[i]))) {
			disk_set_mood(d, (enum disk_mood)i);
			return true;
		}
	}
	return false;
}

static bool clock_fault(struct play *p, struct str word)
{
	bool is_back = str_has_prefix(word, STR("-"));
	uint64_t ms;

	if (word.n < 2 || (!is_back && word.p[0] != '+') ||
	    !num_duration_ms(str_slice(word, 1, word.n), &ms)) {
		return false;
	}
	sim_jump(p->sim, is_back ? -(int64_t)ms : (int64_t)ms);
	return true;
}

static bool upstream_fault(struct play *p, struct str rest)
{
	struct str name = str_cut(&rest, ' ');
	enum sim_mood mood;

	if (!rest.p || !sim_mood_parse(rest, &mood) || !bundle_upstream(sim_bundle(p->sim), name)) {
		return false;
	}
	sim_set_mood(p->sim, name, mood);
	return true;
}

static void do_fault(struct play *p, struct str text, struct step_result *r)
{
	struct str rest = text;
	struct str what = str_cut(&rest, ' ');
	struct err e = ERR_INIT;
	bool ok = false;

	r->what = arena_strf(p->a, "fault: " STR_FMT, STR_ARG(text));
	if (str_eq(what, STR("disk"))) {
		ok = disk_fault(sim_disk(p->sim), rest);
	} else if (str_eq(what, STR("emergency"))) {
		ok = disk_fault(sim_emergency_disk(p->sim), rest);
	} else if (str_eq(what, STR("keys"))) {
		ok = disk_fault(sim_keys_disk(p->sim), rest);
	} else if (str_eq(what, STR("clock"))) {
		ok = clock_fault(p, rest);
	} else if (str_eq(what, STR("upstream"))) {
		ok = upstream_fault(p, rest);
	} else if (str_eq(text, STR("policies missing"))) {
		ok = true;
		lose_policies(p, r);
	} else if (str_eq(text, STR("leases refused"))) {
		ok = true;
		sim_set_keeper(p->sim, false, true);
	} else if (str_eq(text, STR("revocation refused"))) {
		ok = true;
		sim_set_keeper(p->sim, true, false);
	} else if (str_eq(text, STR("leases good"))) {
		ok = true;
		sim_set_keeper(p->sim, true, true);
	} else if (str_eq(text, STR("signing failing")) || str_eq(text, STR("signing good"))) {
		ok = true;
		sim_set_signing(p->sim, str_eq(text, STR("signing good")));
	} else if (str_eq(text, STR("governor down")) || str_eq(text, STR("keeper gone"))) {
		ok = true; /* one role that ends takes all with it */
		take_down(p);
	} else if (str_eq(text, STR("governor up")) || str_eq(text, STR("keeper back"))) {
		ok = true;
		if (play_world_start(p, &e) != RC_OK) {
			play_problem(p, r, "the governor does not come up: %s", e.msg);
		}
	}
	if (!ok) {
		play_problem(p, r, "'fault': '" STR_FMT "' is none that is known", STR_ARG(text));
	}
}

/* Of the governor alone, a while without one, and one that its senders keep waiting for their word
 * for longer than it waits. */
enum { WITHOUT_GOVERNOR_MS = 3000, SILENT_SENDERS_MS = 3000 };

static const struct {
	const char *word;
	const char *what;
	enum sim_end end;
	uint64_t without_ms;
	uint64_t silent_ms;
} crashes[] = {
    {"power", "the power is cut", SIM_END_POWER, 0, 0},
    {"process", "the process is killed", SIM_END_PROCESS, 0, 0},
    {"governor", "the governor is killed", SIM_END_GOVERNOR, 0, 0},
    {"governor slow", "the governor is killed, and takes its time", SIM_END_GOVERNOR,
     WITHOUT_GOVERNOR_MS, 0},
    {"governor unheard", "the governor is killed, and its senders are silent", SIM_END_GOVERNOR, 0,
     SILENT_SENDERS_MS},
};

static void crash(struct play *p, const struct step *st, struct step_result *r)
{
	struct str word = node_word(st->value, STR("power"));
	struct err e = ERR_INIT;
	size_t i = 0;

	if (str_eq(word, STR("runner")) || str_eq(word, STR("front"))) {
		r->what = str_eq(word, STR("runner")) ? STR("the runner is killed")
						      : STR("the agents' front is killed");
		sim_restart_sender(p->sim, str_eq(word, STR("runner")));
		return;
	}
	while (i < ARRAY_LEN(crashes) && !str_eq(word, str_from(crashes[i].word))) {
		i++;
	}
	if (i == ARRAY_LEN(crashes)) {
		play_problem(p, r, "'crash': '" STR_FMT "' is none that is known", STR_ARG(word));
		return;
	}
	r->what = str_from(crashes[i].what);
	sim_crash(p->sim, crashes[i].end);
	if (crashes[i].without_ms) {
		sim_pass(p->sim, crashes[i].without_ms);
	}
	sim_set_handover(p->sim, crashes[i].silent_ms);
	if (sim_start(p->sim, &e) != RC_OK) {
		play_problem(p, r, "the governor does not come back: %s", e.msg);
	}
}

/* ---- tools ---- */

/* Goes through {upstream.tool: value}. */
static struct str public_name(struct play *p, struct str text)
{
	struct str rest = text;
	struct str upstream = str_cut(&rest, '.');

	return rest.p ? arena_strf(p->a, STR_FMT "___" STR_FMT, STR_ARG(upstream), STR_ARG(rest))
		      : text;
}

static void set_replies(struct play *p, const struct step *st, struct step_result *r)
{
	for (const struct json *t = st->value ? st->value->child : NULL; t; t = t->next) {
		struct play_answer answer = {.tool = public_name(p, t->key), .value = t};

		r->what = arena_strf(p->a, STR_FMT " answers otherwise", STR_ARG(answer.tool));
		if (!bundle_tool(sim_bundle(p->sim), answer.tool) ||
		    vec_push(&p->answers, answer) != RC_OK) {
			play_problem(p, r, "there is no tool '" STR_FMT "'", STR_ARG(t->key));
		}
	}
}

static void redefine(struct play *p, const struct json *change, struct step_result *r)
{
	struct str name = public_name(p, change->key);
	const struct tool *t = bundle_tool(sim_bundle(p->sim), name);
	struct json *definition;

	r->what = arena_strf(p->a, STR_FMT " is redefined upstream", STR_ARG(name));
	if (!t) {
		play_problem(p, r, "there is no tool '" STR_FMT "'", STR_ARG(change->key));
		return;
	}
	definition = node_copy(p->a, t->definition);
	for (const struct json *m = change->child; m; m = m->next) {
		node_put(p->a, definition, m->key, node_copy(p->a, m));
	}
	node_default(p->a, definition, STR("name"), node_text(p->a, NULL, t->name));
	if (sim_redefine(p->sim, t->upstream->name, t->name, play_json(p, definition)) != RC_OK) {
		play_problem(p, r, "no memory for a definition");
	}
	enum { REFRESHED_MS = 61000 }; /* the longest time until it is read again, and a bit */
	sim_pass(p->sim, REFRESHED_MS);
}

/* ---- steps ---- */

static void change_targets(struct play *p, const struct step *st, struct step_result *r)
{
	for (const struct json *t = st->value ? st->value->child : NULL; t; t = t->next) {
		r->what = arena_strf(p->a, "somebody changes " STR_FMT, STR_ARG(t->key));
		set_fields(p, t->key, t);
	}
}

static void take_incident(struct play *p, const struct step *st, struct step_result *r)
{
	struct str name = node_word(json_get(st->node, STR("name")), STR("main"));

	r->what = arena_strf(p->a, "incident " STR_FMT, STR_ARG(name));
	play_world_incident(p, name, st->value, node_word(json_get(st->node, STR("from")), STR("")),
			    r);
}

/* ---- what sources post, as the people's front reads it after it knows who they are ---- */

static const struct source *source_of(struct play *p, const struct step *st, const char *what,
				      struct step_result *r)
{
	struct str from = node_word(json_get(st->node, STR("from")), STR(""));
	const struct source *s = deployment_source(p->deployment, from);

	r->what = arena_strf(p->a, "%s from " STR_FMT, what, STR_ARG(from));
	if (!s) {
		play_problem(p, r, "'from': there is no source '" STR_FMT "'", STR_ARG(from));
	}
	return s;
}

static void refuse(struct play *p, const struct step *st, struct step_result *r,
		   const struct err *e)
{
	r->answer = ANSWER_DENY;
	p->reply = arena_str(p->a, str_from(e->msg));
	if (st->answer == ANSWER_ANY) {
		play_problem(p, r, "refused: %s", e->msg);
	}
}

static void take_signal(struct play *p, const struct step *st, struct step_result *r)
{
	const struct source *source = source_of(p, st, "signal", r);
	AUTO_BUF report = BUF_INIT(LIMIT_HTTP_BODY_BYTES);
	const struct sim_reply *reply;
	struct err e = ERR_INIT;
	uint64_t req;

	if (!source) {
		return;
	}
	if (api_signals(source, play_json(p, play_fill(p, st->value, 1)), p->a, &report, &e) !=
	    RC_OK) {
		refuse(p, st, r, &e);
		return;
	}
	req = sim_signal(p->sim, source->name, buf_view(&report));
	sim_settle(p->sim);
	reply = sim_reply_of(p->sim, req);
	p->reply = reply ? reply->text : STR("");
	r->answer = reply && reply->code == 200 ? ANSWER_OK : ANSWER_DENY;
	if (r->answer != ANSWER_OK && st->answer == ANSWER_ANY) {
		play_problem(p, r, STR_FMT, STR_ARG(p->reply));
	}
}

static void take_webhook(struct play *p, const struct step *st, struct step_result *r)
{
	const struct source *source = source_of(p, st, "webhook", r);
	const struct http_head head = {0}; /* no source of a story needs headers */
	struct str name = node_word(json_get(st->node, STR("name")), STR("main"));
	struct str body = node_word(st->value, STR(""));
	AUTO_BUF event = BUF_INIT(LIMIT_HTTP_BODY_BYTES);
	struct err e = ERR_INIT;
	enum rc rc;

	if (!source) {
		return;
	}
	if (!body.n) {
		body = play_json(p, play_fill(p, st->value, 1));
	}
	rc = api_event(source, &head, body, p->a, &event, &e);
	if (rc == RC_ABSENT) {
		r->answer = ANSWER_OK; /* acknowledged, and about no incident */
	} else if (rc != RC_OK) {
		refuse(p, st, r, &e);
	} else {
		send_event(p, name, source->name, arena_str(p->a, buf_view(&event)), r);
	}
}

void play_world_step(struct play *p, const struct step *st, struct step_result *r)
{
	switch ((int)st->kind) {
	case STEP_INCIDENT:
		take_incident(p, st, r);
		break;
	case STEP_WEBHOOK:
		take_webhook(p, st, r);
		break;
	case STEP_SIGNAL:
		take_signal(p, st, r);
		break;
	case STEP_WAIT:
		r->what = arena_strf(p->a, "%llu s pass", (unsigned long long)(st->wait_ms / 1000));
		sim_pass(p->sim, st->wait_ms);
		break;
	case STEP_CRASH:
		crash(p, st, r);
		break;
	case STEP_FAULT:
		do_fault(p, node_word(st->value, STR("")), r);
		break;
	case STEP_REPLY:
		set_replies(p, st, r);
		break;
	case STEP_CHANGE:
		change_targets(p, st, r);
		break;
	case STEP_REDEFINE:
		for (const struct json *t = st->value ? st->value->child : NULL; t; t = t->next) {
			redefine(p, t, r);
		}
		break;
	default:
		play_problem(p, r, "no such step");
		break;
	}
}
