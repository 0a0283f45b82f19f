/* SPDX-License-Identifier: Apache-2.0 */
/* governor/people_act.c - what people do: open and close, approve and deny, undo, stop.
 *
 * Holds: (1) nobody who owns the agent, answers for its task or is in no gate's group can approve.
 *        (2) every answer is sent in the round whose commit makes its fact durable.
 */
#include "governor/people.h"

#include <openssl/sha.h>

#include "base/limits.h"
#include "base/log.h"

typedef enum rc act_fn(struct asked *a, struct err *e);

static void answer_id(struct asked *a, const char *what, char letter, uint64_t ix, struct str state)
{
	AUTO_BUF out = BUF_INIT(1024);
	struct json_out w = json_out_to(&out);

	json_out_object(&w);
	view_id(&w, what, letter, ix);
	if (state.n) {
		json_out_key_str(&w, "state", state);
	}
	json_out_close(&w);
	people_reply_json(a, &w);
}

static struct str text_of(const struct asked *a, const char *name)
{
	struct str s;

	return json_str(json_get(a->body, str_from(name)), &s) ? s : STR("");
}

/* ---- incidents ---- */

static enum rc incident_open(struct asked *a, struct err *e)
{
	struct governor *g = a->g;
	AUTO_BUF text = BUF_INIT(262144);
	struct json_out w = json_out_to(&text);
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct incident_event ev;
	const struct json *event;
	struct digest raw;
	uint64_t ix;

	/* A hand-opened incident is open and needs no id of a source: it gets one. */
	json_out_object(&w);
	for (const struct json *m = a->body->child; m; m = m->next) {
		if (!str_eq(m->key, STR("source_id")) && !str_eq(m->key, STR("status"))) {
			json_out_key(&w, m->key);
			json_out_raw(&w, m->raw);
		}
	}
	json_out_key_str(&w, "status", STR("open"));
	json_out_key(&w, STR("source_id"));
	if (text_of(a, "source_id").n) {
		json_out_str(&w, text_of(a, "source_id"));
	} else {
		json_out_strf(&w, "by-hand-%llu", (unsigned long long)book_next_ix(g->book));
	}
	json_out_close(&w);
	TRY(json_out_end(&w, e));
	TRY(json_parse(&g->round, buf_view(&text), &limits, &event, e));
	TRY(incident_event_read(event, &g->round, &ev, e));
	SHA256((const unsigned char *)text.p, text.n, raw.bytes);
	ix = incidents_take(g, STR("person"), &ev, &raw, a->person->name, e);
	if (ix == 0) {
		return e->code;
	}
	answer_id(a, "incident", 'i', ix, STR("open"));
	return RC_OK;
}

static enum rc incident_close(struct asked *a, struct err *e)
{
	const struct incident *i;
	uint64_t ix;

	TRY(people_id(a, 'i', &ix, e));
	i = state_incident(a->g->state, ix);
	if (!i || i->status != INCIDENT_OPEN) {
		FAIL(e, RC_ABSENT, "no open incident 'i%llu'", (unsigned long long)ix);
	}
	incidents_close(a->g, ix, a->person->name, str_slice(text_of(a, "reason"), 0, 256));
	answer_id(a, "incident", 'i', ix, STR("closed"));
	return RC_OK;
}

/* ---- tasks ---- */

static enum rc task_of(struct asked *a, const struct task **ret, struct err *e)
{
	uint64_t ix;

	TRY(people_id(a, 't', &ix, e));
	*ret = state_task(a->g->state, ix);
	if (!*ret) {
		FAIL(e, RC_ABSENT, "no task 't%llu'", (unsigned long long)ix);
	}
	return RC_OK;
}

static enum rc task_stop(struct asked *a, struct err *e)
{
	const struct task *t;
	uint64_t ix;

	TRY(task_of(a, &t, e));
	if (t->state == TASK_CLOSED || t->state == TASK_ENDED) {
		FAIL(e, RC_DENIED, "the task has ended already");
	}
	ix = t->ix;
	tasks_end(a->g, ix, "stopped", a->person->name, 0);
	answer_id(a, "task", 't', ix, STR("ending"));
	return RC_OK;
}

static enum rc task_resume(struct asked *a, struct err *e)
{
	const struct task *t;
	uint64_t ix;
	struct leaf l = {.kind = LEAF_TASK_RESUMED, .task_resumed = {.by = a->person->name}};

	TRY(task_of(a, &t, e));
	if (t->state != TASK_SUSPENDED) {
		FAIL(e, RC_DENIED, "the task is not suspended");
	}
	ix = t->ix;
	l.task_resumed.task = ix;
	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	answer_id(a, "task", 't', ix, STR("running"));
	return RC_OK;
}

/* ---- approvals ---- */

/* Has every gate its quorum of distinct persons of its group? */
static bool gates_are_satisfied(const struct governor *g, const struct approval *ap)
{
	for (size_t i = 0; i < ap->gates.n; i++) {
		const struct gate *gate = bundle_gate(g->bundle, ap->gates.p[i]);
		size_t n = 0;

		if (!gate) {
			return false;
		}
		for (size_t k = 0; k < ap->n_votes; k++) {
			const struct person *p = bundle_person(g->bundle, ap->votes[k].person);

			n += ap->votes[k].grants && p && str_list_has(&p->groups, gate->group);
		}
		if (n < gate->quorum) {
			return false;
		}
	}
	return ap->gates.n > 0;
}

static enum rc settle_vote(struct governor *g, uint64_t ix, bool grants, struct err *e)
{
	const struct approval *ap = state_approval(g->state, ix);
	struct leaf l = {.kind = LEAF_APPROVAL_SETTLED, .approval_settled = {.approval = ix}};

	MUST(ap != NULL);
	if (grants && !gates_are_satisfied(g, ap)) {
		return RC_OK; /* more votes are needed */
	}
	l.approval_settled.state = grants ? STR("granted") : STR("denied");
	l.approval_settled.reason = grants ? STR("") : reason_code(REASON_APPROVAL_DENIED);
	l.approval_settled.execute_by = grants ? gov_now_ms(g) + ap->execute_by_ms : 0;
	TRY(book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	calls_wake_approval(g, ix);
	return RC_OK;
}

static enum rc vote(struct asked *a, bool grants, struct err *e)
{
	struct governor *g = a->g;
	const struct approval *ap;
	enum reason reason;
	uint64_t ix;
	struct str note = text_of(a, "note");
	struct leaf l = {
	    .kind = LEAF_APPROVAL_VOTED,
	    .approval_voted = {.person = a->person->name, .grants = grants, .via = STR("cli")},
	};
	struct book_value values[] = {
	    {.bytes = str_slice(note, 0, LIMIT_TEXT_BYTES),
	     .commit = &l.approval_voted.note,
	     .slot = 0},
	};

	TRY(people_id(a, 'a', &ix, e));
	ap = state_approval(g->state, ix);
	if (!ap) {
		FAIL(e, RC_ABSENT, "no approval 'a%llu'", (unsigned long long)ix);
	}
	reason = decide_vote(g->state, g->bundle, ap, a->person);
	if (reason != REASON_NONE) {
		people_reply_reason(g, a->req, reason, STR_NULL);
		return RC_OK;
	}
	if (ap->state != APPROVAL_OPEN) {
		FAIL(e, RC_DENIED, "the approval is " STR_FMT " already",
		     STR_ARG(approval_state_name(ap->state)));
	}
	l.approval_voted.approval = ix;
	TRY(book_record(g->book, &l, vault_key_of(g->vault, ap->task), values, 1, NULL, e));
	TRY(settle_vote(g, ix, grants, e));
	ap = state_approval(g->state, ix);
	answer_id(a, "approval", 'a', ix, approval_state_name(ap->state));
	return RC_OK;
}

static enum rc approve(struct asked *a, struct err *e)
{
	return vote(a, true, e);
}

static enum rc deny(struct asked *a, struct err *e)
{
	return vote(a, false, e);
}

/* ---- pre-approvals ---- */

enum { PREAPPROVAL_MAX_DAYS = 30, PREAPPROVAL_MAX_USES = 100 };

static enum rc number_of(const struct asked *a, const char *name, uint64_t otherwise, uint64_t max,
			 uint64_t *ret, struct err *e)
{
	const struct json *j = json_get(a->body, str_from(name));

	*ret = otherwise;
	if (j && (!json_u64(j, ret) || *ret == 0 || *ret > max)) {
		FAIL(e, RC_INPUT, "'%s' must be 1 to %llu", name, (unsigned long long)max);
	}
	return RC_OK;
}

static enum rc targets_of(struct asked *a, struct str_list *ret, struct err *e)
{
	const struct json *j = json_get(a->body, STR("targets"));
	struct str *items;

	*ret = (struct str_list){0};
	if (!j) {
		return RC_OK;
	}
	items = arena_alloc_n(&a->g->round, j->count, sizeof(*items));
	if (json_type(j) != JSON_ARRAY || j->count > LIMIT_TARGETS || !items) {
		FAIL(e, RC_INPUT, "'targets' must be a list of at most %d strings", LIMIT_TARGETS);
	}
	for (const struct json *c = j->child; c; c = c->next) {
		if (!json_str(c, &items[ret->n++])) {
			FAIL(e, RC_INPUT, "'targets' must hold strings");
		}
	}
	ret->p = items;
	return RC_OK;
}

/* May this person approve such calls at all? Never for an agent of their own. */
static enum reason may_preapprove(const struct asked *a, const struct agent *agent)
{
	const struct bundle *b = a->g->bundle;
	const struct gate *gate = bundle_gate(b, b->default_gate);

	if (!gate || !str_list_has(&a->person->groups, gate->group)) {
		return REASON_APPROVER_AUTH;
	}
	for (size_t i = 0; i < b->n_agents; i++) {
		const struct agent *x = &b->agents[i];

		if ((!agent || x == agent) &&
		    (str_eq(x->owner, a->person->name) || str_eq(x->deputy, a->person->name))) {
			return REASON_APPROVER_CONFLICT;
		}
	}
	return REASON_NONE;
}

static enum rc preapprove(struct asked *a, struct err *e)
{
	struct governor *g = a->g;
	const struct tool *t = bundle_tool(g->bundle, text_of(a, "tool"));
	const struct agent *agent = bundle_agent_named(g->bundle, text_of(a, "agent"));
	struct str note = str_slice(text_of(a, "note"), 0, LIMIT_TEXT_BYTES);
	enum reason reason;
	uint64_t window_s;
	uint64_t duration_s;
	uint64_t ix;
	struct leaf l = {
	    .kind = LEAF_PREAPPROVAL_OPENED,
	    .preapproval_opened = {.person = a->person->name, .class = text_of(a, "class")},
	};
	struct book_value values[] = {
	    {.bytes = note, .commit = &l.preapproval_opened.note, .slot = 0}};

	if (!t) {
		FAIL(e, RC_INPUT, "no tool '" STR_FMT "' in the catalog",
		     STR_ARG(text_of(a, "tool")));
	}
	if (!agent) {
		FAIL(e, RC_INPUT, "no agent '" STR_FMT "'", STR_ARG(text_of(a, "agent")));
	}
	if (t->effect == EFFECT_DESTROY) {
		FAIL(e, RC_DENIED,
		     "'" STR_FMT "' is a destroy tool: each call needs its own approval",
		     STR_ARG(t->public_name));
	}
	reason = may_preapprove(a, agent);
	if (reason != REASON_NONE) {
		people_reply_reason(g, a->req, reason, STR_NULL);
		return RC_OK;
	}
	TRY(number_of(a, "max_uses", 3, PREAPPROVAL_MAX_USES, &l.preapproval_opened.max_uses, e));
	TRY(number_of(a, "window_s", 3600, 86400, &window_s, e));
	TRY(number_of(a, "duration_s", 86400, (uint64_t)PREAPPROVAL_MAX_DAYS * 86400, &duration_s,
		      e));
	TRY(targets_of(a, &l.preapproval_opened.targets, e));
	l.preapproval_opened.agent = agent->id;
	l.preapproval_opened.tool = t->public_name;
	l.preapproval_opened.window_ms = window_s * 1000;
	l.preapproval_opened.not_after = gov_now_ms(g) + duration_s * 1000;
	TRY(book_record(g->book, &l, VAULT_LIFE_KEY, values, 1, &ix, e));
	answer_id(a, "preapproval", 'p', ix, STR("open"));
	return RC_OK;
}

static enum rc preapproval_end(struct asked *a, struct err *e)
{
	const struct preapproval *p;
	uint64_t ix;
	struct leaf l = {.kind = LEAF_PREAPPROVAL_ENDED,
			 .preapproval_ended = {.by = a->person->name}};

	TRY(people_id(a, 'p', &ix, e));
	p = state_preapproval(a->g->state, ix);
	if (!p || !p->is_open) {
		FAIL(e, RC_ABSENT, "no open pre-approval 'p%llu'", (unsigned long long)ix);
	}
	l.preapproval_ended.preapproval = ix;
	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	answer_id(a, "preapproval", 'p', ix, STR("ended"));
	return RC_OK;
}

/* ---- the way back ---- */

static enum rc rollback(struct asked *a, struct err *e)
{
	uint64_t ix;

	TRY(people_id(a, 'm', &ix, e));
	TRY(terms_roll_back(a->g, ix, a->person->name, e));
	answer_id(a, "term", 'm', ix, STR("rolling_back"));
	return RC_OK;
}

static enum rc term_keep(struct asked *a, struct err *e)
{
	const struct term *m;
	uint64_t ix;
	struct leaf l = {
	    .kind = LEAF_TERM_CHANGED,
	    .term_changed = {.how = STR("kept"), .by = a->person->name},
	};

	TRY(people_id(a, 'm', &ix, e));
	m = state_term(a->g->state, ix);
	if (!m || m->state == TERM_OVER || m->state == TERM_ROLLING_BACK) {
		FAIL(e, RC_ABSENT, "no standing term 'm%llu'", (unsigned long long)ix);
	}
	l.term_changed.term = ix;
	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	answer_id(a, "term", 'm', ix, STR("kept"));
	return RC_OK;
}

/* ---- stop ---- */

/* The name as the state keys it: an agent's SPIFFE ID, "" for all. */
static enum rc scope_of(const struct asked *a, struct str *scope, struct str *name, struct err *e)
{
	const struct bundle *b = a->g->bundle;
	const struct agent *agent;
	uint64_t ix;

	*scope = text_of(a, "scope");
	*name = text_of(a, "name");
	if (str_eq(*scope, STR("all"))) {
		*name = STR("");
		return RC_OK;
	}
	if (str_eq(*scope, STR("agent"))) {
		agent = bundle_agent_named(b, *name);
		if (!agent) {
			FAIL(e, RC_ABSENT, "no agent '" STR_FMT "'", STR_ARG(*name));
		}
		*name = agent->id;
		return RC_OK;
	}
	if (str_eq(*scope, STR("task")) && id_parse(*name, 't', &ix) &&
	    state_task(a->g->state, ix)) {
		return RC_OK;
	}
	if ((str_eq(*scope, STR("tool")) && bundle_tool(b, *name)) ||
	    (str_eq(*scope, STR("upstream")) && bundle_upstream(b, *name))) {
		return RC_OK;
	}
	FAIL(e, RC_INPUT,
	     "'scope' must be all, agent, task, tool or upstream, and 'name' one that exists");
}

static enum rc kill_it(struct asked *a, struct err *e)
{
	struct str scope;
	struct str name;

	TRY(scope_of(a, &scope, &name, e));
	stop_kill(a->g, a->req, scope, name, a->person->name, str_slice(text_of(a, "why"), 0, 256));
	return RC_OK;
}

static enum rc resume(struct asked *a, struct err *e)
{
	const struct kill *k;
	struct str scope;
	struct str name;
	uint64_t ix;
	struct leaf l = {.kind = LEAF_KILL_CLEARED, .kill_cleared = {.by = a->person->name}};

	TRY(scope_of(a, &scope, &name, e));
	k = state_kill(a->g->state, scope, name);
	if (!k) {
		FAIL(e, RC_ABSENT, "no stop is in force for this");
	}
	ix = k->ix;
	l.kill_cleared.scope = scope;
	l.kill_cleared.name = name;
	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	answer_id(a, "kill", 'k', ix, STR("lifted"));
	return RC_OK;
}

/* ---- dispatch ---- */

void people_act(struct asked *a, enum command_verb verb)
{
	static act_fn *const acts[COMMANDS] = {
	    [COMMAND_INCIDENT_OPEN] = incident_open,
	    [COMMAND_INCIDENT_CLOSE] = incident_close,
	    [COMMAND_TASK_STOP] = task_stop,
	    [COMMAND_TASK_RESUME] = task_resume,
	    [COMMAND_APPROVE] = approve,
	    [COMMAND_DENY] = deny,
	    [COMMAND_PREAPPROVE] = preapprove,
	    [COMMAND_PREAPPROVAL_END] = preapproval_end,
	    [COMMAND_ROLLBACK] = rollback,
	    [COMMAND_TERM_KEEP] = term_keep,
	    [COMMAND_KILL] = kill_it,
	    [COMMAND_RESUME] = resume,
	};
	struct err e = ERR_INIT;

	if (!acts[verb]) {
		(void)err_set(&e, RC_INPUT, __func__, "this cannot be asked of the governor");
		people_reply_err(a->g, a->req, &e);
		return;
	}
	if (acts[verb](a, &e) != RC_OK) {
		people_reply_err(a->g, a->req, &e);
	}
}
