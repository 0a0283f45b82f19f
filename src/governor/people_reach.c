/* SPDX-License-Identifier: Apache-2.0 */
/* governor/people_reach.c - remit reach: everything an agent could do now.
 *
 * Holds: (1) every answer is that of decide_call for the call that is shown, or of decide_intent
 * for the intent; nothing here has an opinion of its own. (2) what no example could be made for is
 * listed as unknown, never left out.
 */
#include "governor/people.h"

#include "base/limits.h"
#include "base/log.h"
#include "core/reach.h"

enum { REACH_DECISIONS = 2000 }; /* tens of milliseconds: nobody else is decided about meanwhile */

struct reaching {
	struct asked *a;
	const struct agent *agent;
	struct json_out *w;
	size_t n;
};

static void write_way(struct reaching *r, const struct decision *d, const struct json *args,
		      bool is_whole)
{
	struct json_out *w = r->w;

	json_out_key_str(w, "verdict", verdict_name(d->verdict));
	json_out_key_str(w, "reason", reason_code(d->reason));
	json_out_key_str(w, "detail", d->detail);
	json_out_key_str(w, "effect", effect_name(d->effect));
	view_list(w, "targets", &d->targets);
	view_list(w, "policies", &d->policies);
	view_list(w, "gates", &d->gates);
	json_out_key_bool(w, "captures_first", d->needs_capture);
	if (d->phase.p) {
		json_out_key_str(w, "enters_phase", d->phase);
	}
	json_out_key(w, STR("example"));
	json_out_node(w, args);
	json_out_key_bool(w, "other_arguments_may_differ", !is_whole);
}

/* (1), (2) */
static enum rc one_call(struct reaching *r, const struct task *t, const struct tool *tool,
			struct str target, struct err *e)
{
	struct governor *g = r->a->g;
	struct call_request q = {.agent = r->agent->id,
				 .task = t->ix,
				 .tool = tool->public_name,
				 .now_unix_ms = gov_now_ms(g)};
	AUTO_BUF canonical = BUF_INIT(LIMIT_ARGS_BYTES);
	struct decision d;
	bool is_whole;

	TRY(reach_example(tool, target, &g->round, &q.args, &is_whole, e));
	if (!q.args && target.n && tool->n_targets) {
		bool is_of_kind = false;

		for (size_t i = 0; i < tool->n_targets; i++) {
			is_of_kind |= str_eq(tool->targets[i].kind,
					     str_slice(target, 0, str_find(target, ':')));
		}
		if (!is_of_kind) {
			return RC_OK; /* the tool does not act on such a thing */
		}
	}
	if (++r->n > REACH_DECISIONS) {
		FAIL(e, RC_LIMIT, "more than %d calls to look at: name a task with --task",
		     REACH_DECISIONS);
	}
	json_out_object(r->w);
	view_id(r->w, "task", 't', t->ix);
	json_out_key_str(r->w, "tool", tool->public_name);
	json_out_key_str(r->w, "target", target);
	if (q.args) {
		TRY(json_canonical(&canonical, q.args, e));
		TRY(vault_tag(g->vault, q.tool, buf_view(&canonical), q.tag.bytes, e));
		TRY(taints_of_call(g, &q, e));
		TRY(decide_call(g->state, g->bundle, &q, &g->round, &d, e));
	}
	if (!q.args || d.reason == REASON_ARG_SCHEMA) {
		json_out_key_str(r->w, "verdict", STR("unknown"));
		json_out_key_str(r->w, "detail",
				 STR("no example of its arguments could be made; remit try decides "
				     "a given one"));
	} else {
		write_way(r, &d, q.args, is_whole);
	}
	json_out_close(r->w);
	return RC_OK;
}

static enum rc calls_of_task(struct reaching *r, const struct task *t, struct err *e)
{
	for (size_t i = 0; i < t->tools.n; i++) {
		const struct tool *tool = bundle_tool(r->a->g->bundle, t->tools.p[i]);

		if (!tool) {
			continue; /* gone from the catalog: it can do nothing with it */
		}
		if (tool->n_targets == 0) {
			TRY(one_call(r, t, tool, STR(""), e));
		}
		for (size_t k = 0; tool->n_targets && k < t->targets.n; k++) {
			TRY(one_call(r, t, tool, t->targets.p[k], e));
		}
		/* A target that the tool has by itself needs no asset of the task's. */
		for (size_t k = 0; k < tool->n_targets; k++) {
			if (tool->targets[k].constant.n) {
				struct str own = arena_strf(&r->a->g->round, STR_FMT ":" STR_FMT,
							    STR_ARG(tool->targets[k].kind),
							    STR_ARG(tool->targets[k].constant));

				if (own.p && !str_list_has(&t->targets, own)) {
					TRY(one_call(r, t, tool, own, e));
				}
			}
		}
	}
	return RC_OK;
}

/* What it would be granted if it declared the whole playbook on all assets of the incident. */
static enum rc one_intent(struct reaching *r, const struct incident *i, const struct playbook *p,
			  struct err *e)
{
	struct governor *g = r->a->g;
	struct intent_request q = {
	    .agent = r->agent->id,
	    .incident = i->ix,
	    .playbook = p->name,
	    .goal = STR("reach"),
	    .goal_class = p->goals.n ? p->goals.p[0] : STR(""),
	    .targets = i->assets,
	    .now_unix_ms = gov_now_ms(g),
	};
	struct intent_decision d = {0};

	if (++r->n > REACH_DECISIONS) {
		FAIL(e, RC_LIMIT, "more than %d intents to look at", REACH_DECISIONS);
	}
	TRY(decide_intent(g->state, g->bundle, &q, &g->round, &d, e));
	json_out_object(r->w);
	view_id(r->w, "incident", 'i', i->ix);
	json_out_key_str(r->w, "playbook", p->name);
	json_out_key_str(r->w, "verdict", verdict_name(d.verdict));
	json_out_key_str(r->w, "reason", reason_code(d.reason));
	json_out_key_str(r->w, "detail", d.detail);
	view_list(r->w, "policies", &d.policies);
	view_list(r->w, "gates", &d.gates);
	view_list(r->w, "tools", &d.tools);
	view_list(r->w, "targets", &d.targets);
	json_out_close(r->w);
	return RC_OK;
}

static enum rc intents_of(struct reaching *r, struct err *e)
{
	const struct governor *g = r->a->g;
	const struct incident *i;
	uint64_t from = 0;

	while ((i = state_next_incident(g->state, from))) {
		from = i->ix + 1;
		if (!decide_may_work_on(i, r->agent)) {
			continue;
		}
		for (size_t k = 0; k < g->bundle->n_playbooks; k++) {
			if (str_list_has(&g->bundle->playbooks[k].classes, i->class)) {
				TRY(one_intent(r, i, &g->bundle->playbooks[k], e));
			}
		}
	}
	return RC_OK;
}

/* What stops all of it. */
static void write_stops(struct reaching *r)
{
	const struct governor *g = r->a->g;
	struct json_out *w = r->w;

	json_out_key_bool(w, "stopped_by_kill",
			  state_kill(g->state, STR("all"), STR("")) != NULL ||
			      state_kill(g->state, STR("agent"), r->agent->id) != NULL);
	json_out_key_bool(w, "review_is_overdue", gov_now_ms(g) >= r->agent->review_by_unix_ms);
	json_out_key_bool(w, "paused",
			  state_pause_of(g->state, r->agent->id, gov_now_ms(g)) != NULL);
	view_autonomy(g, r->agent, w);
	view_list(w, "classes", &r->agent->classes);
}

enum rc people_reach(struct asked *a, struct json_out *w, struct err *e)
{
	struct str name = STR("");
	struct str word;
	uint64_t only = 0;
	struct reaching r = {.a = a, .w = w};
	const struct task *t;
	uint64_t from = 0;

	if (!json_str(json_get(a->body, STR("name")), &name)) {
		FAIL(e, RC_INPUT, "'name' is missing");
	}
	if (json_str(json_get(a->body, STR("task")), &word) && !id_parse(word, 't', &only)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is no task id", STR_ARG(word));
	}
	r.agent = bundle_agent_named(a->g->bundle, name);
	if (!r.agent) {
		FAIL(e, RC_ABSENT, "no agent '" STR_FMT "'", STR_ARG(name));
	}
	json_out_object(w);
	json_out_key_str(w, "agent", name);
	write_stops(&r);
	json_out_key(w, STR("reach"));
	json_out_array(w);
	while ((t = state_next_task(a->g->state, from))) {
		from = t->ix + 1;
		if (str_eq(t->agent, r.agent->id) && (!only || t->ix == only) &&
		    (t->state == TASK_RUNNING || t->state == TASK_SUSPENDED)) {
			TRY(calls_of_task(&r, t, e));
		}
	}
	json_out_close(w);
	json_out_key(w, STR("intents"));
	json_out_array(w);
	if (!only) {
		TRY(intents_of(&r, e));
	}
	json_out_close(w);
	json_out_close(w);
	return RC_OK;
}
