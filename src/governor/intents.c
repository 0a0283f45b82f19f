/* SPDX-License-Identifier: Apache-2.0 */
/* governor/intents.c - from what an agent declares to a running task.
 *
 * Trust: the arguments are an agent's; they are read strictly and decided by decide_intent.
 * Holds: (1) a task is opened only behind an intent.decided leaf with verdict allow.
 *        (2) a refused intent is on the record like a refused call; its goal is sealed either way.
 */
#include "governor/gov.h"

#include "base/limits.h"
#include "base/log.h"

/* As leaf.def has them: what was asked for stands in the leaf, whole. */
enum { MAX_TOOLS = 128, MAX_DATA = 64 };

static enum rc read_list(struct governor *g, const struct json *j, const char *name, size_t max,
			 struct str_list *ret, struct err *e)
{
	struct str *items;

	*ret = (struct str_list){0};
	if (!j) {
		return RC_OK;
	}
	if (json_type(j) != JSON_ARRAY || j->count > max) {
		FAIL(e, RC_INPUT, "'%s' must be a list of at most %zu strings", name, max);
	}
	items = arena_alloc_n(&g->round, j->count, sizeof(*items));
	if (!items) {
		FAIL(e, RC_NOMEM, "no memory for '%s'", name);
	}
	for (const struct json *c = j->child; c; c = c->next) {
		if (!json_str(c, &items[ret->n]) || items[ret->n].n > 256) {
			FAIL(e, RC_INPUT, "'%s' must hold strings of at most 256 bytes", name);
		}
		ret->n++;
	}
	ret->p = items;
	return RC_OK;
}

static enum rc read_intent(struct governor *g, const struct request *r, struct intent_request *q,
			   struct err *e)
{
	struct str incident;
	uint64_t seconds;

	*q =
	    (struct intent_request){.agent = r->agent, .key = r->key, .now_unix_ms = gov_now_ms(g)};
	for (const struct json *m = r->args->child; m; m = m->next) {
		static const char *const known[] = {"incident",	  "playbook",  "goal",
						    "tools",	  "targets",   "data",
						    "duration_s", "goal_class"};
		bool is_known = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++) {
			is_known |= str_eq(m->key, str_from(known[i]));
		}
		if (!is_known) {
			FAIL(e, RC_INPUT, "unknown argument '" STR_FMT "'", STR_ARG(m->key));
		}
	}
	if (!json_str(json_get(r->args, STR("incident")), &incident) ||
	    !id_parse(incident, 'i', &q->incident)) {
		FAIL(e, RC_INPUT, "'incident' must be an id such as \"i12\"");
	}
	if (!json_str(json_get(r->args, STR("playbook")), &q->playbook) ||
	    q->playbook.n > LIMIT_ID_BYTES) {
		FAIL(e, RC_INPUT, "'playbook' must be a name");
	}
	if (!json_str(json_get(r->args, STR("goal")), &q->goal) || q->goal.n == 0 ||
	    q->goal.n > LIMIT_TEXT_BYTES) {
		FAIL(e, RC_INPUT, "'goal' must be a text of 1 to %d bytes", LIMIT_TEXT_BYTES);
	}
	if (json_get(r->args, STR("goal_class")) &&
	    (!json_str(json_get(r->args, STR("goal_class")), &q->goal_class) ||
	     q->goal_class.n > 64)) {
		FAIL(e, RC_INPUT, "'goal_class' must be a name of at most 64 bytes");
	}
	TRY(read_list(g, json_get(r->args, STR("tools")), "tools", MAX_TOOLS, &q->tools, e));
	TRY(read_list(g, json_get(r->args, STR("targets")), "targets", LIMIT_TARGETS, &q->targets,
		      e));
	TRY(read_list(g, json_get(r->args, STR("data")), "data", MAX_DATA, &q->data, e));
	if (json_get(r->args, STR("duration_s"))) {
		if (!json_u64(json_get(r->args, STR("duration_s")), &seconds) || seconds == 0 ||
		    seconds > 30ull * 86400) {
			FAIL(e, RC_INPUT, "'duration_s' must be 1 to %d", 30 * 86400);
		}
		q->duration_ms = seconds * 1000;
	}
	return RC_OK;
}

/* asked: the arguments as they came. */
static enum rc record_intent(struct governor *g, const struct intent_request *q, struct str asked,
			     const struct intent_decision *d, uint64_t key, uint64_t *ret_ix,
			     struct err *e)
{
	struct intent_request known;
	bool is_all = false;
	struct leaf l = {
	    .kind = LEAF_INTENT_DECIDED,
	    .intent_decided =
		{
		    .agent = q->agent,
		    .incident = state_incident(g->state, q->incident) ? q->incident : 0,
		    .duration_ms = q->duration_ms,
		    .verdict = verdict_name(d->verdict),
		    .reason = reason_code(d->reason),
		    .attempt = d->attempt,
		    .at = q->now_unix_ms,
		    .policies = d->policies,
		    .bundle = *state_bundle(g->state),
		    .approval = d->verdict == VERDICT_ALLOW ? d->approval : 0,
		    .tag = d->tag,
		},
	};
	struct book_value values[] = {
	    {.bytes = q->goal, .commit = &l.intent_decided.goal, .slot = 0},
	    {.commit = &l.intent_decided.asked, .slot = 1},
	};

	if (!l.intent_decided.incident) {
		l.intent_decided.named = recompute_number(q->incident);
	}
	TRY(known_intent(g->bundle, q, &g->round, &known, &is_all, e));
	l.intent_decided.playbook = known.playbook;
	l.intent_decided.tools = known.tools;
	l.intent_decided.targets = known.targets;
	l.intent_decided.data = known.data;
	l.intent_decided.goal_class = known.goal_class;
	values[1].bytes = is_all ? STR_NULL : asked;
	return book_record(g->book, &l, key, values, ARRAY_LEN(values), ret_ix, e);
}

enum rc intents_open_task(struct governor *g, const struct intent_request *q, struct str asked,
			  const struct intent_decision *d, struct str by, uint64_t *ret_task,
			  struct err *e)
{
	uint64_t serial;
	struct leaf l = {
	    .kind = LEAF_TASK_OPENED,
	    .task_opened =
		{
		    .incident = q->incident,
		    .agent = q->agent,
		    .playbook = q->playbook,
		    .tools = d->tools,
		    .targets = d->targets,
		    .data = d->data,
		    .phase = d->phase,
		    .goal_class = q->goal_class,
		    .not_after = d->not_after_unix_ms,
		    .max_calls = d->max_calls,
		    .max_targets = d->max_targets,
		    .max_deviations = d->max_deviations,
		    .accountable = d->accountable,
		    .by = by,
		    .key = q->key,
		},
	};

	TRY(vault_take(g->vault, g->keeper, &serial, e));
	/* Before its leaf, which comes behind the intent's: no task is without a key of its own. */
	TRY(vault_bind(g->vault, serial, book_next_ix(g->book) + 1, e));
	TRY(record_intent(g, q, asked, d, serial, &l.task_opened.intent, e));
	return book_record(g->book, &l, serial, NULL, 0, ret_task, e);
}

static void answer_task(struct governor *g, struct request *r, uint64_t task)
{
	const struct task *t = state_task(g->state, task);
	AUTO_BUF out = BUF_INIT(LIMIT_RESULT_BYTES / 2);
	struct json_out w = json_out_to(&out);
	char id[24];

	json_out_object(&w);
	json_out_key_str(&w, "task", id_text('t', task, id));
	json_out_key(&w, STR("connect"));
	json_out_strf(&w, "/mcp/t/%.*s", STR_ARG(str_from(id)));
	json_out_key_str(&w, "accountable", t->accountable);
	json_out_key_str(&w, "phase", t->phase);
	view_list(&w, "tools", &t->tools);
	view_list(&w, "targets", &t->targets);
	view_time(&w, "not_after", t->not_after_unix_ms);
	json_out_key_u64(&w, "max_calls", t->max_calls);
	json_out_close(&w);
	if (json_out_end(&w, NULL) != RC_OK) {
		reply_refusal(g, r, REASON_LIMIT, STR("the grant is too long to show"), 0);
		return;
	}
	reply_own(g, r, false, buf_view(&out));
}

/* ---- an intent that people are asked about ---- */

/* All that would be granted, the phases in their order: another grant is another text. */
static enum rc write_grant(const struct governor *g, const struct intent_request *q,
			   const struct intent_decision *d, struct json_out *w, struct err *e)
{
	const struct playbook *p = bundle_playbook(g->bundle, q->playbook);

	json_out_object(w);
	view_id(w, "incident", 'i', q->incident);
	json_out_key_str(w, "playbook", q->playbook);
	json_out_key_str(w, "goal_class", q->goal_class);
	view_list(w, "tools", &d->tools);
	view_list(w, "targets", &d->targets);
	view_list(w, "data", &d->data);
	json_out_key_u64(w, "duration_s", (d->not_after_unix_ms - q->now_unix_ms) / 1000);
	json_out_key_u64(w, "max_calls", d->max_calls);
	json_out_key_u64(w, "max_targets", d->max_targets);
	json_out_key_u64(w, "max_deviations", d->max_deviations);
	json_out_key(w, STR("phases"));
	json_out_array(w);
	for (size_t i = 0; p && i < p->n_phases; i++) {
		json_out_object(w);
		json_out_key_str(w, "name", p->phases[i].name);
		json_out_key_str(w, "effect", effect_name(p->phases[i].effect));
		view_list(w, "tools", &p->phases[i].tools);
		view_list(w, "next", &p->phases[i].next);
		json_out_close(w);
	}
	json_out_close(w);
	json_out_close(w);
	return json_out_end(w, e);
}

/* The furthest that the granted tools go. */
static enum effect furthest(const struct governor *g, const struct str_list *tools)
{
	enum effect ret = EFFECT_READ;

	for (size_t i = 0; i < tools->n; i++) {
		const struct tool *t = bundle_tool(g->bundle, tools->p[i]);

		ret = t && t->effect < ret ? t->effect : ret;
	}
	return ret;
}

static enum rc open_question(struct governor *g, const struct request *r,
			     const struct intent_request *q, const struct intent_decision *d,
			     struct str grant, uint64_t *ret, struct err *e)
{
	const struct agent *agent = bundle_agent(g->bundle, q->agent);
	AUTO_BUF question = BUF_INIT(32000);
	struct json_out w = json_out_to(&question);
	struct leaf l = {
	    .kind = LEAF_APPROVAL_OPENED,
	    .approval_opened =
		{
		    .kind = STR("intent"),
		    .incident = q->incident,
		    .agent = q->agent,
		    .phase = d->phase,
		    .tool = r->tool,
		    .effect = effect_name(furthest(g, &d->tools)),
		    .targets = d->targets,
		    .tag = d->tag,
		    .policies = d->policies,
		    .gates = d->gates,
		    .bundle = *state_bundle(g->state),
		    .quorum = d->quorum,
		    .decide_by = q->now_unix_ms + d->decide_by_ms,
		    .execute_by_ms = d->execute_by_ms,
		    .accountable = d->accountable,
		    .eligible = d->approvers.eligible,
		    .conflicts = d->approvers.conflicts,
		},
	};
	struct book_value values[] = {
	    {.bytes = grant, .commit = &l.approval_opened.args, .slot = 0},
	    {.commit = &l.approval_opened.question, .slot = 1},
	    {.commit = &l.approval_opened.pre, .slot = 2},
	    {.bytes = q->goal, .commit = &l.approval_opened.claim, .slot = 3},
	};

	json_out_object(&w);
	json_out_key_str(&w, "what_happens",
			 STR("a task opens with exactly this grant; calls within it are decided "
			     "one by one all the same"));
	json_out_key_str(&w, "agent", agent ? agent->name : q->agent);
	json_out_key(&w, STR("grant"));
	json_out_raw(&w, grant);
	view_list(&w, "policies", &d->policies);
	view_list(&w, "gates", &d->gates);
	json_out_key_u64(&w, "quorum", d->quorum);
	view_list(&w, "may_answer", &d->approvers.eligible);
	view_list(&w, "may_not_answer", &d->approvers.conflicts);
	json_out_key_str(&w, "if_nobody_decides", STR("no task is opened"));
	json_out_key_str(&w, "agent_claims_unverified", q->goal);
	json_out_close(&w);
	TRY(json_out_end(&w, e));
	values[1].bytes = buf_view(&question);
	TRY(book_record(g->book, &l, VAULT_LIFE_KEY, values, ARRAY_LEN(values), ret, e));
	approvals_tell(g, *ret, &d->gates, l.approval_opened.decide_by, values[1].bytes);
	return RC_OK;
}

/* Answers r with the question that waits, once it is asked. */
static void ask_people(struct governor *g, struct request *r, const struct intent_request *q,
		       const struct intent_decision *d, struct str grant)
{
	struct err e = ERR_INIT;
	uint64_t ix = d->approval;
	const struct approval *a;

	if (ix == 0 && open_question(g, r, q, d, grant, &ix, &e) != RC_OK) {
		log_err("an intent could not be asked about: %s", e.msg);
		reply_refusal(g, r, e.code == RC_LIMIT ? REASON_LIMIT : REASON_AUDIT_UNAVAILABLE,
			      STR_NULL, 0);
		return;
	}
	a = state_approval(g->state, ix);
	MUST(a != NULL);
	reply_pending(g, r, a);
}

void intents_declare(struct governor *g, struct request *r)
{
	struct intent_request q;
	struct intent_decision d = {0};
	AUTO_BUF grant = BUF_INIT(32000);
	struct json_out w = json_out_to(&grant);
	struct err e = ERR_INIT;
	uint64_t ix;

	if (read_intent(g, r, &q, &e) != RC_OK) {
		reply_refusal(g, r, REASON_ARG_SCHEMA, str_from(e.msg), 0);
		return;
	}
	if (decide_intent(g->state, g->bundle, &q, &g->round, &d, &e) != RC_OK) {
		log_err("cannot decide an intent: %s", e.msg);
		d = (struct intent_decision){.reason = REASON_POLICY_ERROR};
	}
	if (d.verdict == VERDICT_ASK &&
	    (write_grant(g, &q, &d, &w, &e) != RC_OK ||
	     vault_tag(g->vault, r->tool, buf_view(&grant), d.tag.bytes, &e) != RC_OK ||
	     decide_intent_gate(g->state, g->bundle, &q, &d.tag, &g->round, &d, &e) != RC_OK)) {
		log_err("cannot decide about the gates of an intent: %s", e.msg);
		d = (struct intent_decision){.reason = REASON_POLICY_ERROR};
	}
	if (d.verdict == VERDICT_ASK) {
		ask_people(g, r, &q, &d, buf_view(&grant));
		return;
	}
	if (d.verdict == VERDICT_ALLOW) {
		if (intents_open_task(g, &q, r->args_text, &d, STR("policy"), &ix, &e) != RC_OK) {
			log_err("a task could not be opened: %s", e.msg);
			reply_refusal(g, r, REASON_AUDIT_UNAVAILABLE, str_from(e.msg), 0);
			return;
		}
		answer_task(g, r, ix);
		return;
	}
	if (!refusals_take(g, r->agent)) {
		reply_refusal(g, r, d.reason, d.detail, 0);
		return;
	}
	if (record_intent(g, &q, r->args_text, &d, VAULT_LIFE_KEY, &ix, &e) != RC_OK) {
		reply_refusal(g, r, REASON_AUDIT_UNAVAILABLE, str_from(e.msg), 0);
		return;
	}
	q.agent = arena_str(&g->round, q.agent); /* answering frees r */
	reply_refusal(g, r, d.reason, d.detail, 0);
	deviations_follow(g, q.agent, 0, d.reason, d.attempt, ix);
}
