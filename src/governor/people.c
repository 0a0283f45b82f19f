/* SPDX-License-Identifier: Apache-2.0 */
/* governor/people.c - what people ask: who they are, and what they may see.
 *
 * Trust: the people's front took the uid from the kernel (SO_PEERCRED); the body is hostile. A uid
 *        that is mapped to no person may do and see nothing; root only if it is mapped.
 * What changes something is in people_act.c.
 */
#include "governor/people.h"

#include "base/limits.h"
#include "base/log.h"
#include "core/escalation.h"

void people_reply(struct governor *g, uint64_t req, unsigned status, struct str json)
{
	struct message m = {
	    .kind = MESSAGE_COMMAND_REPLY,
	    .command_reply = {.req = req, .status = status, .body = json},
	};

	if (!g->people || channel_send(g->people, &m) != RC_OK) {
		log_warn("the people's front cannot be answered");
	}
}

static void reply_error(struct governor *g, uint64_t req, unsigned status, struct str code,
			struct str text)
{
	AUTO_BUF out = BUF_INIT(8192);
	struct json_out w = json_out_to(&out);

	json_out_object(&w);
	json_out_key(&w, STR("error"));
	json_out_object(&w);
	json_out_key_str(&w, "code", code);
	json_out_key_str(&w, "message", text);
	json_out_close(&w);
	json_out_close(&w);
	if (json_out_end(&w, NULL) == RC_OK) {
		people_reply(g, req, status, buf_view(&out));
	} else {
		people_reply(g, req, 500, STR("{}"));
	}
}

static struct str rc_code(enum rc code)
{
	switch (code) {
	case RC_OK:
		return STR("ok");
	case RC_INPUT:
		return STR("bad_input");
	case RC_DENIED:
		return STR("denied");
	case RC_LIMIT:
		return STR("limit");
	case RC_AGAIN:
		return STR("try_again");
	case RC_ABSENT:
		return STR("not_found");
	case RC_IO:
	case RC_NOMEM:
	case RC_BROKEN:
		return STR("audit_unavailable");
	}
	return STR("broken");
}

void people_reply_err(struct governor *g, uint64_t req, const struct err *e)
{
	reply_error(g, req, (unsigned)rc_http_status(e->code), rc_code(e->code), str_from(e->msg));
}

void people_reply_unavailable(struct governor *g, uint64_t req)
{
	reply_error(
	    g, req, 503, reason_code(REASON_AUDIT_UNAVAILABLE),
	    STR("something is wrong with the log: 'remit status' says what. Until then only "
		"what stops and takes away can be done"));
}

void people_reply_reason(struct governor *g, uint64_t req, enum reason reason, struct str detail)
{
	reply_error(g, req, 403, reason_code(reason), detail.n ? detail : reason_text(reason));
}

void people_reply_json(struct asked *a, struct json_out *w)
{
	struct err e = ERR_INIT;

	if (json_out_end(w, &e) != RC_OK) {
		people_reply_err(a->g, a->req, &e);
	} else {
		people_reply(a->g, a->req, 200, buf_view(w->b));
	}
}

enum rc people_id(const struct asked *a, char letter, uint64_t *ret, struct err *e)
{
	struct str text = STR("");

	if (!json_str(json_get(a->body, STR("id")), &text) || !id_parse(text, letter, ret)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is no id of the form '%c123'", STR_ARG(text),
		     letter);
	}
	return RC_OK;
}

void people_answer_id(struct asked *a, const char *what, char letter, uint64_t ix, struct str state)
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

struct str people_text(const struct asked *a, const char *name)
{
	struct str s;

	return json_str(json_get(a->body, str_from(name)), &s) ? s : STR("");
}

enum rc people_number(const struct asked *a, const char *name, uint64_t otherwise, uint64_t max,
		      uint64_t *ret, struct err *e)
{
	const struct json *j = json_get(a->body, str_from(name));

	*ret = otherwise;
	if (j && (!json_u64(j, ret) || *ret == 0 || *ret > max)) {
		FAIL(e, RC_INPUT, "'%s' must be 1 to %llu", name, (unsigned long long)max);
	}
	return RC_OK;
}

enum rc people_list(struct asked *a, const char *name, struct str_list *ret, struct err *e)
{
	const struct json *j = json_get(a->body, str_from(name));
	struct str *items;

	*ret = (struct str_list){0};
	if (!j) {
		return RC_OK;
	}
	items = arena_alloc_n(&a->g->round, j->count, sizeof(*items));
	if (json_type(j) != JSON_ARRAY || j->count > LIMIT_TARGETS || !items) {
		FAIL(e, RC_INPUT, "'%s' must be a list of at most %d strings", name, LIMIT_TARGETS);
	}
	for (const struct json *c = j->child; c; c = c->next) {
		if (!json_str(c, &items[ret->n++])) {
			FAIL(e, RC_INPUT, "'%s' must hold strings", name);
		}
	}
	ret->p = items;
	return RC_OK;
}

/* ---- lists ---- */

#define LIST(name, type, next, view, key)                                                          \
	static enum rc name(struct asked *a, struct json_out *w, struct err *e)                    \
	{                                                                                          \
		const struct type *item;                                                           \
		uint64_t from = 0;                                                                 \
                                                                                                   \
		(void)e; /* a list cannot fail but by its length */                                \
		json_out_object(w);                                                                \
		json_out_key(w, STR(key));                                                         \
		json_out_array(w);                                                                 \
		while ((item = next(a->g->state, from))) {                                         \
			from = item->ix + 1;                                                       \
			view(a->g, item, w);                                                       \
		}                                                                                  \
		json_out_close(w);                                                                 \
		json_out_close(w);                                                                 \
		return RC_OK;                                                                      \
	}

LIST(list_incidents, incident, state_next_incident, view_incident, "incidents")
LIST(list_tasks, task, state_next_task, view_task, "tasks")
LIST(list_preapprovals, preapproval, state_next_preapproval, view_preapproval, "preapprovals")
LIST(list_terms, term, state_next_term, view_term, "terms")
LIST(list_rollbacks, rollback, state_next_rollback, view_rollback, "rollbacks")
LIST(list_leases, lease, state_next_lease, view_lease, "leases")

/* Similar questions that are open are one item, under the first of them. */
static enum rc list_approvals(struct asked *a, struct json_out *w, struct err *e)
{
	const struct approval *item;
	uint64_t from = 0;

	(void)e; /* a list cannot fail but by its length */
	json_out_object(w);
	json_out_key(w, STR("approvals"));
	json_out_array(w);
	while ((item = state_next_approval(a->g->state, from))) {
		from = item->ix + 1;
		if (approval_leads(a->g->state, item)) {
			view_approval(a->g, item, w);
		}
	}
	json_out_close(w);
	json_out_close(w);
	return RC_OK;
}

static enum rc list_agents(struct asked *a, struct json_out *w, struct err *e)
{
	(void)e; /* a list cannot fail but by its length */
	json_out_object(w);
	json_out_key(w, STR("agents"));
	json_out_array(w);
	for (size_t i = 0; i < a->g->bundle->n_agents; i++) {
		view_agent(a->g, &a->g->bundle->agents[i], w);
	}
	json_out_close(w);
	json_out_close(w);
	return RC_OK;
}

/* ---- single objects ---- */

static enum rc show_agent(struct asked *a, struct json_out *w, struct err *e)
{
	struct str name = STR("");
	const struct agent *agent;

	if (!json_str(json_get(a->body, STR("name")), &name)) {
		FAIL(e, RC_INPUT, "'name' is missing");
	}
	agent = bundle_agent_named(a->g->bundle, name);
	if (!agent) {
		FAIL(e, RC_ABSENT, "no agent '" STR_FMT "'", STR_ARG(name));
	}
	view_agent(a->g, agent, w);
	return RC_OK;
}

/* A task with everything under it. */
static enum rc show_task(struct asked *a, struct json_out *w, struct err *e)
{
	const struct state *s = a->g->state;
	const struct task *t;
	const struct call *c;
	const struct approval *ap;
	const struct lease *l;
	const struct term *m;
	uint64_t ix;
	uint64_t from;

	TRY(people_id(a, 't', &ix, e));
	t = state_task(s, ix);
	if (!t) {
		FAIL(e, RC_ABSENT, "no task 't%llu'", (unsigned long long)ix);
	}
	json_out_object(w);
	json_out_key(w, STR("task"));
	view_task(a->g, t, w);
	if (t->n_notes) {
		json_out_key(w, STR("notes"));
		view_notes(a->g, t, w);
	}
	if (t->n_tried) {
		json_out_key(w, STR("deviations"));
		view_deviations(a->g, t, w);
	}
	json_out_key(w, STR("calls"));
	json_out_array(w);
	for (from = 0; (c = state_next_call(s, from)); from = c->ix + 1) {
		if (c->task == ix) {
			view_call(a->g, c, w);
		}
	}
	json_out_close(w);
	json_out_key(w, STR("approvals"));
	json_out_array(w);
	for (from = 0; (ap = state_next_approval(s, from)); from = ap->ix + 1) {
		if (ap->task == ix) {
			view_approval(a->g, ap, w);
		}
	}
	json_out_close(w);
	json_out_key(w, STR("leases"));
	json_out_array(w);
	for (from = 0; (l = state_next_lease(s, from)); from = l->ix + 1) {
		if (l->task == ix) {
			view_lease(a->g, l, w);
		}
	}
	json_out_close(w);
	json_out_key(w, STR("terms"));
	json_out_array(w);
	for (from = 0; (m = state_next_term(s, from)); from = m->ix + 1) {
		if (m->task == ix) {
			view_term(a->g, m, w);
		}
	}
	json_out_close(w);
	json_out_close(w);
	return RC_OK;
}

static enum rc show_approval(struct asked *a, struct json_out *w, struct err *e)
{
	const struct approval *ap;
	uint64_t ix;

	TRY(people_id(a, 'a', &ix, e));
	ap = state_approval(a->g->state, ix);
	if (!ap) {
		FAIL(e, RC_ABSENT, "no approval 'a%llu'", (unsigned long long)ix);
	}
	view_approval(a->g, ap, w);
	return RC_OK;
}

static enum rc show_rollback(struct asked *a, struct json_out *w, struct err *e)
{
	const struct rollback *r;
	uint64_t ix;

	TRY(people_id(a, 'r', &ix, e));
	r = state_rollback(a->g->state, ix);
	if (!r) {
		FAIL(e, RC_ABSENT, "no rollback 'r%llu'", (unsigned long long)ix);
	}
	view_rollback(a->g, r, w);
	return RC_OK;
}

static enum rc show_call(struct asked *a, struct json_out *w, struct err *e)
{
	const struct call *c;
	uint64_t ix;

	TRY(people_id(a, 'c', &ix, e));
	c = state_call(a->g->state, ix);
	if (!c) {
		FAIL(e, RC_ABSENT, "no allowed call 'c%llu' in memory; see remit log show %llu",
		     (unsigned long long)ix, (unsigned long long)ix);
	}
	view_call(a->g, c, w);
	return RC_OK;
}

static enum rc show_status(struct asked *a, struct json_out *w, struct err *e)
{
	const struct governor *g = a->g;
	const struct kill *k;
	uint64_t from = 0;

	(void)e; /* always answers */
	json_out_object(w);
	json_out_key_str(w, "version", STR(REMIT_VERSION));
	json_out_key_str(w, "origin", g->bundle->origin);
	json_out_key_u64(w, "leaves", state_size(g->state));
	json_out_key_u64(w, "generation", state_generation(g->state));
	json_out_key_u64(w, "agents", g->bundle->n_agents);
	json_out_key_u64(w, "tools", g->bundle->n_tools);
	json_out_key_u64(w, "requests_waiting", g->n_requests);
	json_out_key_u64(w, "calls_under_way", g->flights.n);
	json_out_key_u64(w, "leases_to_revoke", g->revoking.n);
	json_out_key(w, STR("reviews"));
	break_glass_list(g, true, w);
	if (state_clock_jump(g->state)) {
		view_id(w, "clock_jump", 'j', state_clock_jump(g->state));
		view_time(w, "clock_expected", clock_watch_expected_ms(g));
		view_time(w, "clock_found", clock_unix_ms(g->clock));
	}
	witness_view(g, w);
	health_view(g, w);
	escalate_list(g, w);
	json_out_key(w, STR("stops"));
	json_out_array(w);
	while ((k = state_next_kill(g->state, from))) {
		from = k->ix + 1;
		view_kill(g, k, w);
	}
	json_out_close(w);
	breakers_view_open(g, w);
	roles_view(g, w);
	json_out_close(w);
	return RC_OK;
}

/* A dry decision: nothing is recorded, taken or sent. */
static enum rc try_call(struct asked *a, struct json_out *w, struct err *e)
{
	struct governor *g = a->g;
	struct call_request q = {.now_unix_ms = gov_now_ms(g), .is_dry = true};
	AUTO_BUF canonical = BUF_INIT(LIMIT_ARGS_BYTES);
	struct decision d;
	const struct agent *agent;
	struct str name;
	struct str task;

	if (!json_str(json_get(a->body, STR("agent")), &name)) {
		FAIL(e, RC_INPUT, "'agent' is missing");
	}
	agent = bundle_agent_named(g->bundle, name);
	if (!agent) {
		FAIL(e, RC_ABSENT, "no agent '" STR_FMT "'", STR_ARG(name));
	}
	q.agent = agent->id;
	q.args = json_get(a->body, STR("args"));
	if (!json_str(json_get(a->body, STR("tool")), &q.tool) ||
	    json_type(q.args) != JSON_OBJECT) {
		FAIL(e, RC_INPUT, "'tool' must be a name and 'args' an object");
	}
	if (json_str(json_get(a->body, STR("task")), &task)) {
		if (!id_parse(task, 't', &q.task)) {
			FAIL(e, RC_INPUT, "'" STR_FMT "' is no task id", STR_ARG(task));
		}
	} else {
		const struct task *t;
		uint64_t from = 0;

		while ((t = state_next_task(g->state, from))) { /* the agent's newest */
			from = t->ix + 1;
			q.task = str_eq(t->agent, agent->id) ? t->ix : q.task;
		}
	}
	TRY(json_canonical(&canonical, q.args, e));
	TRY(vault_tag(g->vault, q.tool, buf_view(&canonical), q.tag.bytes, e));
	TRY(taints_of_call(g, &q, e));
	TRY(decide_call(g->state, g->bundle, &q, &g->round, &d, e));
	json_out_object(w);
	view_id(w, "task", 't', q.task);
	json_out_key(w, STR("decision"));
	view_decision(g, &d, w);
	json_out_close(w);
	return RC_OK;
}

/* ---- dispatch ---- */

static people_read_fn *reader_of_verb(enum command_verb verb)
{
	static people_read_fn *const readers[COMMANDS] = {
	    [COMMAND_INCIDENT_LIST] = list_incidents,
	    [COMMAND_INCIDENT_SHOW] = incident_show,
	    [COMMAND_AGENT_LIST] = list_agents,
	    [COMMAND_AGENT_SHOW] = show_agent,
	    [COMMAND_TASK_LIST] = list_tasks,
	    [COMMAND_TASK_SHOW] = show_task,
	    [COMMAND_APPROVAL_LIST] = list_approvals,
	    [COMMAND_APPROVAL_SHOW] = show_approval,
	    [COMMAND_PREAPPROVAL_LIST] = list_preapprovals,
	    [COMMAND_TERM_LIST] = list_terms,
	    [COMMAND_REHEARSAL_LIST] = people_rehearsal_list,
	    [COMMAND_SHARD_LIST] = people_shard_list,
	    [COMMAND_ROLLBACK_LIST] = list_rollbacks,
	    [COMMAND_ROLLBACK_SHOW] = show_rollback,
	    [COMMAND_LEASE_LIST] = list_leases,
	    [COMMAND_PROPOSAL_LIST] = people_list_proposals,
	    [COMMAND_REACH] = people_reach,
	    [COMMAND_STATUS] = show_status,
	    [COMMAND_CALL_SHOW] = show_call,
	    [COMMAND_READ_SHOW] = reads_show,
	    [COMMAND_TRY] = try_call,
	    [COMMAND_ROTA_LIST] = people_rota_list,
	    [COMMAND_REVIEW_LIST] = people_review_list,
	    [COMMAND_SIGNAL_LIST] = signals_list,
	    [COMMAND_INVENTORY_LIST] = inventory_list,
	    [COMMAND_INVENTORY_SET] = inventory_set,
	    [COMMAND_EVIDENCE_LIST] = evidence_list,
	    [COMMAND_EVIDENCE_SHOW] = evidence_show,
	    [COMMAND_HOLD_LIST] = evidence_holds,
	    [COMMAND_BREAKER_LIST] = breaker_list,
	    [COMMAND_BREAKER_RESET] = breaker_reset,
	};

	return readers[verb];
}

/* What would be cut is refused; but a stop never waits for its words. */
static enum rc check_texts(const struct asked *a, enum command_verb verb, struct err *e)
{
	struct str text;

	for (const struct json *m = a->body->child; m && verb != COMMAND_KILL; m = m->next) {
		if (json_str(m, &text) && text.n > LIMIT_TEXT_BYTES) {
			FAIL(e, RC_LIMIT, "'" STR_FMT "' is longer than %d bytes",
			     STR_ARG(str_slice(m->key, 0, LIMIT_ID_BYTES)), LIMIT_TEXT_BYTES);
		}
	}
	return RC_OK;
}

static enum rc read_body(struct asked *a, const struct msg_command *m, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;

	if (json_parse(&a->g->round, m->body, &limits, &a->body, e) != RC_OK) {
		return err_wrap(e, RC_INPUT, "the body must be a JSON object");
	}
	if (!command_info(m->verb) || json_type(a->body) != JSON_OBJECT) {
		FAIL(e, RC_INPUT, "the body must be a JSON object, of a command that there is");
	}
	return check_texts(a, (enum command_verb)m->verb, e);
}

void people_on_command(struct governor *g, const struct msg_command *m)
{
	struct asked a = {.g = g, .req = m->req};
	AUTO_BUF out = BUF_INIT(LIMIT_RESULT_BYTES);
	struct json_out w = json_out_to(&out);
	struct err e = ERR_INIT;
	people_read_fn *read;
	enum rc rc;

	a.person = bundle_person_with_uid(g->bundle, m->uid);
	if (!a.person) {
		people_reply_reason(
		    g, m->req, REASON_APPROVER_AUTH,
		    arena_strf(&g->round, "user id %u is no person in people.yaml", m->uid));
		return;
	}
	if (read_body(&a, m, &e) != RC_OK) {
		people_reply_err(g, m->req, &e);
		return;
	}
	if (!health_allows(g, m->verb)) {
		people_reply_unavailable(g, m->req);
		return;
	}
	read = reader_of_verb((enum command_verb)m->verb);
	if (!read) {
		people_act(&a, (enum command_verb)m->verb);
		return;
	}
	vault_begin_reading(g->vault);
	rc = read(&a, &w, &e);
	if (keys_park(g, m)) {
		return;
	}
	if (rc != RC_OK) {
		people_reply_err(g, m->req, &e);
	} else {
		people_reply_json(&a, &w);
	}
}
