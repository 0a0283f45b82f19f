/* SPDX-License-Identifier: Apache-2.0 */
/* governor/approvals.c - asking people.
 *
 * The question is written by Remit from what it knows (effect, resolved targets, what was captured,
 * what undoes it); the agent's words are quoted as a claim. Silence is no: the deadline settles it.
 */
#include "governor/gov.h"

#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "core/narrow.h"
#include "governor/readback.h"

static const struct group *group_of_gate(const struct governor *g, struct str gate)
{
	const struct gate *found = bundle_gate(g->bundle, gate);

	return found ? bundle_group(g->bundle, found->group) : NULL;
}

static struct str goal_of(struct governor *g, const struct task *t)
{
	struct str goal = STR("");

	if (!t || book_value_of(g->book, t->intent, 0, &g->round, &goal, NULL) != RC_OK) {
		return STR("");
	}
	return goal;
}

enum { SIGNALS_SHOWN = 16 }; /* in a question */

static struct str inverse_of(struct governor *g, const struct tool *t)
{
	const struct tool *inverse =
	    t->inverse.tool.n ? bundle_tool_of(g->bundle, t->upstream, t->inverse.tool) : NULL;

	return inverse ? inverse->public_name : STR("");
}

static struct str undo_text(struct governor *g, const struct tool *t)
{
	if (inverse_of(g, t).n) {
		return arena_strf(&g->round, "%.*s, run by Remit with the captured state",
				  STR_ARG(inverse_of(g, t)));
	}
	if (t->inverse_not_needed) {
		return arena_strf(&g->round, "not needed, as %.*s has signed off",
				  STR_ARG(t->not_needed_by));
	}
	return STR("cannot be undone");
}

/* One sentence, from facts alone: whatever the agent claims, this is what happens. */
static struct str effect_text(struct governor *g, const struct tool *t, const struct decision *d)
{
	static const char *const verbs[EFFECTS] = {
	    [EFFECT_DESTROY] = "destroys or changes for good",
	    [EFFECT_CONTAIN] = "contains",
	    [EFFECT_READ] = "reads",
	};

	return arena_strf(&g->round, "%.*s %s %zu target%s%s%s%s", STR_ARG(t->public_name),
			  verbs[d->effect], d->targets.n, d->targets.n == 1 ? "" : "s",
			  t->changes_access ? "; it changes access" : "",
			  t->deletes_data ? "; it deletes data" : "",
			  t->touches_secrets ? "; it touches production secrets" : "");
}

static void write_instead(struct json_out *w, const struct decision *d)
{
	if (!d->instead.tool.n && !d->instead.text.n) {
		json_out_key_str(w, "if_nobody_decides", STR("the call is denied"));
		return;
	}
	json_out_key_str(w, "if_nobody_decides",
			 STR("the call is denied and the agent is told the safe alternative"));
	json_out_key(w, STR("safe_alternative"));
	json_out_object(w);
	json_out_key_str(w, "tool", d->instead.tool);
	json_out_key_str(w, "text", d->instead.text);
	json_out_close(w);
}

static void write_incident(struct json_out *w, const struct incident *i)
{
	if (!i) {
		return;
	}
	view_id(w, "incident", 'i', i->ix);
	json_out_key_str(w, "class", i->class);
	json_out_key_u64(w, "severity", i->severity);
	json_out_key_str(w, "service", i->service);
	json_out_key_str(w, "environment", i->environment);
	json_out_key_bool(w, "regulated", i->is_regulated);
}

enum { BLAST_GROUPS = 16 };

/* How much of each group it reaches, and which crown jewels. */
static void write_blast(const struct governor *g, const struct str_list *targets,
			struct json_out *w)
{
	const struct inventory *inv = &g->bundle->inventory;
	size_t written = 0;

	json_out_key(w, STR("groups"));
	json_out_array(w);
	for (size_t i = 0; i < inv->n_groups && written < BLAST_GROUPS; i++) {
		size_t n = 0;

		for (size_t k = 0; k < targets->n; k++) {
			n += asset_group_has(&inv->groups[i], targets->p[k]);
		}
		if (n) {
			written++;
			json_out_strf(w, "%zu of %zu in %.*s", n, inv->groups[i].n_members,
				      STR_ARG(inv->groups[i].name));
		}
	}
	json_out_close(w);
	json_out_key(w, STR("crown_jewels"));
	json_out_array(w);
	for (size_t k = 0; k < targets->n; k++) {
		if (inventory_asset(inv, targets->p[k]).is_crown_jewel) {
			json_out_str(w, targets->p[k]);
		}
	}
	json_out_close(w);
}

static enum rc write_question(struct governor *g, const struct request *r, const struct decision *d,
			      struct buf *out, struct err *e)
{
	const struct task *t = state_task(g->state, r->task);
	const struct incident *i = t ? state_incident(g->state, t->incident) : NULL;
	const struct agent *agent = bundle_agent(g->bundle, r->agent);
	struct json_out w = json_out_to(out);

	json_out_object(&w);
	json_out_key_str(&w, "what_happens", effect_text(g, d->tool, d));
	json_out_key_str(&w, "agent", agent ? agent->name : r->agent);
	view_id(&w, "task", 't', r->task);
	write_incident(&w, i);
	json_out_key_str(&w, "phase", t ? t->phase : STR(""));
	json_out_key_str(&w, "tool", r->tool);
	json_out_key_str(&w, "effect", effect_name(d->effect));
	view_list(&w, "targets", &d->targets);
	json_out_key(&w, STR("arguments"));
	json_out_raw(&w, r->args_text);
	json_out_key(&w, STR("blast"));
	json_out_object(&w);
	json_out_key_u64(&w, "targets", d->targets.n);
	json_out_key_u64(&w, "touched_by_this_task_before", t ? t->n_touched : 0);
	write_blast(g, &d->targets, &w);
	json_out_close(&w);
	json_out_key_str(&w, "undo", undo_text(g, d->tool));
	if (r->pre_text.n) {
		json_out_key(&w, STR("captured"));
		json_out_raw(&w, r->pre_text);
		view_id(&w, "captured_by", 'c', r->evidence);
	}
	if (d->tool->evidence.n) {
		json_out_key_str(&w, "evidence", d->tool->evidence);
	}
	json_out_key(&w, STR("signals"));
	signals_view(g, &d->targets, SIGNALS_SHOWN, &w);
	view_list(&w, "policies", &d->policies);
	view_list(&w, "gates", &d->gates);
	json_out_key_u64(&w, "quorum", d->quorum);
	view_list(&w, "may_answer", &d->approvers.eligible);
	view_list(&w, "may_not_answer", &d->approvers.conflicts);
	json_out_key_str(&w, "why", d->detail.n ? d->detail : reason_text(d->reason));
	write_instead(&w, d);
	json_out_key_str(&w, "agent_claims_unverified", goal_of(g, t));
	json_out_close(&w);
	return json_out_end(&w, e);
}

/* Everybody who may answer is told, once per group. */
void approvals_tell(struct governor *g, uint64_t approval, const struct str_list *gates,
		    uint64_t decide_by_unix_ms, struct str question)
{
	AUTO_BUF out = BUF_INIT(65536);
	struct json_out w = json_out_to(&out);
	char id[24];

	json_out_object(&w);
	json_out_key_str(&w, "type", STR("approval.opened"));
	json_out_key_str(&w, "approval", id_text('a', approval, id));
	view_time(&w, "decide_by", decide_by_unix_ms);
	json_out_key(&w, STR("question"));
	json_out_raw(&w, question);
	json_out_key(&w, STR("how"));
	json_out_strf(&w, "remit approve %.*s | remit deny %.*s", STR_ARG(str_from(id)),
		      STR_ARG(str_from(id)));
	json_out_close(&w);
	if (json_out_end(&w, NULL) != RC_OK) {
		return;
	}
	for (size_t i = 0; i < gates->n; i++) {
		const struct group *group = group_of_gate(g, gates->p[i]);
		bool is_told = false;

		for (size_t k = 0; group && k < i; k++) {
			is_told |= group_of_gate(g, gates->p[k]) == group;
		}
		if (group && !is_told) {
			notify_group(g, group->name, approval, buf_view(&out));
		}
	}
}

/* Everything but the values. */
static enum rc describe(struct governor *g, const struct request *r, const struct decision *d,
			struct leaf_approval_opened *o, struct err *e)
{
	const struct task *t = state_task(g->state, r->task);

	MUST(t != NULL); /* decide_call has asked under it */
	*o = (struct leaf_approval_opened){
	    .kind = STR("call"),
	    .task = r->task,
	    .incident = t->incident,
	    .group = d->group,
	    .agent = r->agent,
	    .phase = t->phase,
	    .tool = r->tool,
	    .effect = effect_name(d->effect),
	    .targets = d->targets,
	    .tag = r->tag,
	    .policies = d->policies,
	    .gates = d->gates,
	    .bundle = *state_bundle(g->state),
	    .quorum = d->quorum,
	    .decide_by = r->judged_unix_ms + d->decide_by_ms,
	    .execute_by_ms = d->execute_by_ms,
	    .accountable = t->accountable,
	    .eligible = d->approvers.eligible,
	    .conflicts = d->approvers.conflicts,
	    .inverse = inverse_of(g, d->tool),
	    .safe_tool = d->instead.tool,
	    .evidence = r->evidence,
	    .at = r->judged_unix_ms,
	    .marks = marks_print(&g->round, &d->marks),
	    .marks_over = d->marks.is_over,
	    .use = r->use_call,
	    .preserved_first = r->is_preserved,
	};
	if (!o->marks.p) {
		FAIL(e, RC_NOMEM, "no memory for marks");
	}
	memcpy(o->definition.bytes, d->tool->digest, sizeof(o->definition.bytes));
	return r->pre_text.n
		   ? vault_tag(g->vault, STR("captured state"), r->pre_text, o->pre_tag.bytes, e)
		   : RC_OK;
}

/* narrows: the question whose place it takes, 0 = none. */
static uint64_t open_question(struct governor *g, const struct request *r, const struct decision *d,
			      uint64_t narrows, struct err *e)
{
	AUTO_BUF question = BUF_INIT(32000);
	uint64_t ix = 0;
	struct leaf l = {.kind = LEAF_APPROVAL_OPENED};
	struct leaf_approval_opened *o = &l.approval_opened;
	struct book_value values[] = {
	    {.bytes = r->args_text, .commit = &o->args, .slot = 0},
	    {.commit = &o->question, .slot = 1},
	    {.bytes = r->pre_text, .commit = &o->pre, .slot = 2},
	    {.commit = &o->claim, .slot = 3},
	};

	if (describe(g, r, d, o, e) != RC_OK || write_question(g, r, d, &question, e) != RC_OK) {
		return 0;
	}
	o->narrows = narrows;
	o->group = narrows ? 0 : o->group;
	values[1].bytes = buf_view(&question);
	values[3].bytes = goal_of(g, state_task(g->state, r->task));
	if (book_record(g->book, &l, gov_key_of(g, r->task), values, ARRAY_LEN(values),
			&ix, e) != RC_OK) {
		return 0;
	}
	if (!o->group) {
		approvals_tell(g, ix, &d->gates, o->decide_by, values[1].bytes); /* similar ones are
										    one item */
	}
	return ix;
}

uint64_t approvals_open(struct governor *g, const struct request *r, const struct decision *d,
			struct err *e)
{
	return open_question(g, r, d, 0, e);
}

/* ---- less than what was asked ---- */

/* Does what was captured for the question also tell about the narrowed call? */
static bool is_same_picture(struct governor *g, const struct tool *t, const struct json *was,
			    const struct json *is)
{
	const struct json *before;
	const struct json *after;

	return t && t->capture.tool.n &&
	       (t->inverse.equals ||
		(derive_args(t->capture.args, was, NULL, &g->round, &before, NULL) == RC_OK &&
		 derive_args(t->capture.args, is, NULL, &g->round, &after, NULL) == RC_OK &&
		 json_equal(before, after)));
}

bool approvals_has_no_picture(struct governor *g, uint64_t approval)
{
	const struct approval *a = state_approval(g->state, approval);
	struct str unused;

	return a && a->narrows &&
	       book_value_of(g->book, approval, 2, &g->round, &unused, NULL) == RC_ABSENT;
}

/* The call of a question, as a request without anybody behind it; strings in g->round. */
static enum rc request_of(struct governor *g, const struct approval *a, const struct json *patch,
			  struct request *ret, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *args;
	struct str text;

	*ret = (struct request){.g = g,
				.agent = arena_str(&g->round, a->agent),
				.task = a->task,
				.tool = arena_str(&g->round, a->tool),
				.evidence = a->evidence};
	readback_make_durable(g);
	TRY(book_value_of(g->book, a->ix, 0, &g->round, &text, e));
	TRY(json_parse(&g->round, text, &limits, &args, e));
	TRY(narrow_args(args, patch, &g->round, &ret->args_text, e));
	TRY(json_parse(&g->round, ret->args_text, &limits, &ret->args, e));
	if (is_same_picture(g, bundle_tool(g->bundle, ret->tool), args, ret->args) &&
	    book_value_of(g->book, a->ix, 2, &g->round, &ret->pre_text, NULL) == RC_OK) {
		TRY(json_parse(&g->round, ret->pre_text, &limits, &ret->pre, e));
	} else {
		ret->pre_text = STR_NULL;
	}
	return vault_tag(g->vault, ret->tool, ret->args_text, ret->tag.bytes, e);
}

uint64_t approvals_narrow(struct governor *g, const struct approval *a, const struct json *patch,
			  struct err *e)
{
	const struct approval *same;
	struct request r;
	struct decision d;
	struct call_request q = {.is_narrower = true};

	if (a->kind != APPROVAL_CALL) {
		(void)err_set(e, RC_DENIED, __func__, "only calls are narrowed"); /* 0 says it */
		return 0;
	}
	if (request_of(g, a, patch, &r, e) != RC_OK) {
		return 0;
	}
	same = state_approval_of(g->state, r.task, &r.tag);
	if (same && (same->state == APPROVAL_OPEN || same->state == APPROVAL_GRANTED)) {
		(void)err_set(e, RC_DENIED, __func__, "a%llu is about that call already",
			      (unsigned long long)same->ix); /* 0 says it */
		return 0;
	}
	q.now_unix_ms = decided_begin(g, &r);
	q.agent = r.agent;
	q.task = r.task;
	q.tool = r.tool;
	q.args = r.args;
	q.tag = r.tag;
	q.pre = r.pre;
	q.evidence = r.evidence;
	if (taints_of_call(g, &q, e) != RC_OK) {
		return 0;
	}
	if (decide_call(g->state, g->bundle, &q, &g->round, &d, e) != RC_OK) {
		return 0;
	}
	if (d.verdict != VERDICT_ASK) {
		(void)err_set(e, RC_DENIED, __func__,
			      "the narrowed call needs no approval or cannot have one: %.*s %.*s",
			      STR_ARG(reason_code(d.reason)), STR_ARG(d.detail)); /* 0 says it */
		return 0;
	}
	if (!str_list_within(&d.targets, &a->targets)) {
		(void)err_set(e, RC_DENIED, __func__,
			      "the narrowed call would reach other targets"); /* 0 says it */
		return 0;
	}
	return open_question(g, &r, &d, a->ix, e);
}

struct str approvals_narrowed_text(struct governor *g, uint64_t approval)
{
	struct str args;
	struct err e = ERR_INIT;

	readback_make_durable(g);
	if (book_value_of(g->book, approval, 0, &g->round, &args, &e) != RC_OK) {
		log_err("what a%llu allows cannot be told: %s", (unsigned long long)approval,
			e.msg);
		return STR_NULL;
	}
	return arena_strf(&g->round, "approval a%llu is for exactly these arguments: %.*s",
			  (unsigned long long)approval, STR_ARG(args));
}

void approvals_pause(struct governor *g, struct str agent, uint64_t task, struct str why)
{
	const struct agent *a = bundle_agent(g->bundle, agent);
	uint64_t pause_ms =
	    g->bundle->questions.pause_ms ? g->bundle->questions.pause_ms : QUESTIONS_PAUSE_MS;
	uint64_t ix = book_next_ix(g->book);
	char until[25];
	struct leaf l = {
	    .kind = LEAF_AGENT_PAUSED,
	    .agent_paused = {.agent = agent,
			     .task = task,
			     .why = str_slice(why, 0, 256),
			     .until = gov_now_ms(g) + pause_ms},
	};

	if (!a || state_pause_of(g->state, agent, gov_now_ms(g)) || !gov_record(g, &l)) {
		return;
	}
	clock_format_unix_ms(l.agent_paused.until, until);
	notify_person(g, a->owner, ix, "agent.paused",
		      arena_strf(&g->round, "agent %.*s only reads until %s: %.*s",
				 STR_ARG(a->name), until, STR_ARG(why)));
}

static void settle(struct governor *g, uint64_t approval, struct str state, enum reason reason)
{
	struct err e = ERR_INIT;
	struct leaf l = {
	    .kind = LEAF_APPROVAL_SETTLED,
	    .approval_settled = {.approval = approval,
				 .state = state,
				 .reason = reason_code(reason)},
	};

	if (book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, &e) != RC_OK) {
		log_err("an approval could not be settled: %s", e.msg);
		return;
	}
	calls_wake_approval(g, approval);
}

void approvals_expire(struct governor *g, uint64_t approval)
{
	settle(g, approval, STR("expired"), REASON_APPROVAL_EXPIRED);
}

void approvals_void_task(struct governor *g, uint64_t task, enum reason why)
{
	const struct approval *a;
	uint64_t from = 0;

	while ((a = state_next_approval(g->state, from))) {
		from = a->ix + 1;
		if (a->task == task &&
		    (a->state == APPROVAL_OPEN || a->state == APPROVAL_GRANTED)) {
			settle(g, a->ix, STR("void"), why);
		}
	}
}

void approvals_void_incident(struct governor *g, uint64_t incident)
{
	const struct approval *a;
	uint64_t from = incident;

	while ((a = state_next_approval(g->state, from))) {
		from = a->ix + 1;
		if (a->incident == incident &&
		    (a->state == APPROVAL_OPEN || a->state == APPROVAL_GRANTED)) {
			settle(g, a->ix, STR("void"), REASON_INCIDENT_NOT_OPEN);
		}
	}
}

static bool is_stopped(const struct governor *g, const struct approval *a)
{
	const struct tool *t = bundle_tool(g->bundle, a->tool);

	return state_kill(g->state, STR("all"), STR("")) ||
	       state_kill(g->state, STR("agent"), a->agent) ||
	       (a->tool.n && state_kill(g->state, STR("tool"), a->tool)) ||
	       (t && state_kill(g->state, STR("upstream"), t->upstream->name));
}

/* What a stop ends does not come back with its lifting: whoever still wants it asks again. */
void approvals_void_stopped(struct governor *g)
{
	const struct approval *a;
	uint64_t from = 0;

	while ((a = state_next_approval(g->state, from))) {
		from = a->ix + 1;
		if ((a->state == APPROVAL_OPEN || a->state == APPROVAL_GRANTED) &&
		    is_stopped(g, a)) {
			settle(g, a->ix, STR("void"), REASON_KILL_ACTIVE);
		}
	}
}

void approvals_void_all(struct governor *g)
{
	const struct approval *a;
	uint64_t from = 0;

	while ((a = state_next_approval(g->state, from))) {
		from = a->ix + 1;
		if (a->state == APPROVAL_OPEN || a->state == APPROVAL_GRANTED) {
			settle(g, a->ix, STR("void"), REASON_APPROVAL_VOID);
		}
	}
}

void approvals_tick(struct governor *g)
{
	uint64_t now = gov_now_ms(g);
	const struct approval *a;
	uint64_t from = 0;

	while ((a = state_next_approval(g->state, from))) {
		bool is_late = (a->state == APPROVAL_OPEN && now >= a->decide_by_unix_ms) ||
			       (a->state == APPROVAL_GRANTED && now >= a->execute_by_unix_ms);

		from = a->ix + 1;
		if (is_late) {
			settle(g, a->ix, STR("expired"), REASON_APPROVAL_EXPIRED);
		}
	}
}
