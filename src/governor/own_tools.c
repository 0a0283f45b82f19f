/* SPDX-License-Identifier: Apache-2.0 */
/* governor/own_tools.c - the tools of Remit itself: incidents, declare_intent, close_task,
 * approval_status.
 *
 * An agent that is bound to no task sees the first three; within a task it sees the last two beside
 * what its grant allows.
 */
#include "governor/gov.h"

#include "base/limits.h"
#include "base/log.h"

typedef void own_fn(struct governor *g, struct request *r);

static own_fn list_incidents;
static own_fn declare_intent;
static own_fn close_task;
static own_fn approval_status;

static const struct own_tool {
	struct str name;
	own_fn *run;
	bool without_task;
	bool within_task;
	const char *definition; /* members of the MCP definition after the name */
} tools[] = {
    {{"remit___incidents", 17},
     list_incidents,
     true,
     false,
     "\"description\":\"Open incidents you may work on, with their assets: the only targets an "
     "intent may name.\",\"inputSchema\":{\"type\":\"object\",\"properties\":{},"
     "\"additionalProperties\":false},\"annotations\":{\"readOnlyHint\":true}"},
    {{"remit___declare_intent", 22},
     declare_intent,
     true,
     false,
     "\"description\":\"Declare what you will do on an incident. When policy approves it a task "
     "is opened; connect to its address to call the granted tools. Name only what you need: "
     "calls outside the intent are denied and counted.\",\"inputSchema\":{\"type\":\"object\","
     "\"properties\":{\"incident\":{\"type\":\"string\",\"description\":\"id from "
     "remit___incidents\"},\"playbook\":{\"type\":\"string\"},\"goal\":{\"type\":\"string\","
     "\"maxLength\":4000},\"tools\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
     "\"description\":\"names as in the playbook; empty: all of it\"},\"targets\":{\"type\":"
     "\"array\",\"items\":{\"type\":\"string\"},\"description\":\"kind:value, from the "
     "incident's assets\"},\"data\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
     "\"duration_s\":{\"type\":\"integer\",\"minimum\":1}},\"required\":[\"incident\","
     "\"playbook\",\"goal\",\"targets\"],\"additionalProperties\":false}"},
    {{"remit___close_task", 18},
     close_task,
     true,
     true,
     "\"description\":\"End a task: its credentials are revoked and what still stands goes to "
     "its owner.\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\"task\":{\"type\":"
     "\"string\"}},\"additionalProperties\":false}"},
    {{"remit___approval_status", 23},
     approval_status,
     false,
     true,
     "\"description\":\"How an approval stands: pending, granted, denied, expired, used or "
     "void.\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\"approval\":{\"type\":"
     "\"string\"}},\"required\":[\"approval\"],\"additionalProperties\":false},"
     "\"annotations\":{\"readOnlyHint\":true}"},
};

static const struct own_tool *find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
		if (str_eq(tools[i].name, name)) {
			return &tools[i];
		}
	}
	return NULL;
}

bool own_tool_is(struct str public_name)
{
	return find(public_name) != NULL;
}

void own_tools_list(const struct governor *g, struct str agent, uint64_t task, struct json_out *w)
{
	const struct task *t = task ? state_task(g->state, task) : NULL;
	bool is_bound = t && str_eq(t->agent, agent);

	for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
		if (!(is_bound ? tools[i].within_task : tools[i].without_task)) {
			continue;
		}
		json_out_raw(w, arena_strf((struct arena *)(uintptr_t)&g->round,
					   "{\"name\":\"" STR_FMT "\",%s}", STR_ARG(tools[i].name),
					   tools[i].definition));
	}
}

void own_tool_call(struct governor *g, struct request *r)
{
	const struct own_tool *t = find(r->tool);
	const struct agent *agent = bundle_agent(g->bundle, r->agent);

	MUST(t != NULL);
	if (!agent) {
		reply_refusal(g, r, REASON_AGENT_UNREGISTERED, STR_NULL, 0);
	} else if (agent->review_by_unix_ms < gov_now_ms(g)) {
		reply_refusal(g, r, REASON_AGENT_EXPIRED, STR_NULL, 0);
	} else if (state_kill(g->state, STR("all"), STR("")) ||
		   state_kill(g->state, STR("agent"), r->agent)) {
		reply_refusal(g, r, REASON_KILL_ACTIVE, STR_NULL, 0);
	} else {
		t->run(g, r);
	}
}

/* ---- incidents ---- */

static bool may_work_on(const struct agent *a, const struct incident *i)
{
	return i->status == INCIDENT_OPEN && str_eq(a->environment, i->environment) &&
	       str_list_has(&a->classes, i->class) && i->severity >= a->severity_from &&
	       i->severity <= a->severity_to;
}

static void list_incidents(struct governor *g, struct request *r)
{
	const struct agent *a = bundle_agent(g->bundle, r->agent);
	AUTO_BUF out = BUF_INIT(LIMIT_RESULT_BYTES / 2);
	struct json_out w = json_out_to(&out);
	const struct incident *i;
	uint64_t from = 0;

	json_out_object(&w);
	json_out_key(&w, STR("incidents"));
	json_out_array(&w);
	while ((i = state_next_incident(g->state, from))) {
		from = i->ix + 1;
		if (may_work_on(a, i)) {
			json_out_object(&w);
			view_id(&w, "id", 'i', i->ix);
			json_out_key_str(&w, "class", i->class);
			json_out_key_u64(&w, "severity", i->severity);
			json_out_key_str(&w, "service", i->service);
			view_list(&w, "assets", &i->assets);
			json_out_key(&w, STR("playbooks"));
			json_out_array(&w);
			for (size_t k = 0; k < g->bundle->n_playbooks; k++) {
				if (str_list_has(&g->bundle->playbooks[k].classes, i->class)) {
					json_out_str(&w, g->bundle->playbooks[k].name);
				}
			}
			json_out_close(&w);
			json_out_close(&w);
		}
	}
	json_out_close(&w);
	json_out_close(&w);
	if (json_out_end(&w, NULL) != RC_OK) {
		reply_refusal(g, r, REASON_LIMIT, STR("too many incidents to list"), 0);
		return;
	}
	reply_own(g, r, false, buf_view(&out));
}

/* ---- declare_intent ---- */

static enum rc read_list(struct governor *g, const struct json *j, const char *name,
			 struct str_list *ret, struct err *e)
{
	struct str *items;

	*ret = (struct str_list){0};
	if (!j) {
		return RC_OK;
	}
	if (json_type(j) != JSON_ARRAY || j->count > LIMIT_TARGETS) {
		FAIL(e, RC_INPUT, "'%s' must be a list of at most %d strings", name, LIMIT_TARGETS);
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

	*q = (struct intent_request){.agent = r->agent, .now_unix_ms = gov_now_ms(g)};
	for (const struct json *m = r->args->child; m; m = m->next) {
		static const char *const known[] = {"incident", "playbook", "goal",	 "tools",
						    "targets",	"data",	    "duration_s"};
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
	if (!json_str(json_get(r->args, STR("playbook")), &q->playbook)) {
		FAIL(e, RC_INPUT, "'playbook' must be a name");
	}
	if (!json_str(json_get(r->args, STR("goal")), &q->goal) || q->goal.n == 0 ||
	    q->goal.n > LIMIT_TEXT_BYTES) {
		FAIL(e, RC_INPUT, "'goal' must be a text of 1 to %d bytes", LIMIT_TEXT_BYTES);
	}
	TRY(read_list(g, json_get(r->args, STR("tools")), "tools", &q->tools, e));
	TRY(read_list(g, json_get(r->args, STR("targets")), "targets", &q->targets, e));
	TRY(read_list(g, json_get(r->args, STR("data")), "data", &q->data, e));
	if (json_get(r->args, STR("duration_s"))) {
		if (!json_u64(json_get(r->args, STR("duration_s")), &seconds) || seconds == 0 ||
		    seconds > 30ull * 86400) {
			FAIL(e, RC_INPUT, "'duration_s' must be 1 to %d", 30 * 86400);
		}
		q->duration_ms = seconds * 1000;
	}
	return RC_OK;
}

static enum rc record_intent(struct governor *g, const struct intent_request *q,
			     const struct intent_decision *d, uint64_t key, uint64_t *ret_ix,
			     struct err *e)
{
	struct leaf l = {
	    .kind = LEAF_INTENT_DECIDED,
	    .intent_decided =
		{
		    .agent = q->agent,
		    .incident = state_incident(g->state, q->incident) ? q->incident : 0,
		    .playbook = str_slice(q->playbook, 0, 128),
		    .tools = q->tools.n <= 128 ? q->tools : (struct str_list){0},
		    .targets = q->targets,
		    .data = q->data.n <= 64 ? q->data : (struct str_list){0},
		    .duration_ms = q->duration_ms,
		    .verdict = verdict_name(d->verdict),
		    .reason = reason_code(d->reason),
		    .policies = d->policies,
		    .bundle = *state_bundle(g->state),
		},
	};
	struct book_value values[] = {
	    {.bytes = q->goal, .commit = &l.intent_decided.goal, .slot = 0}};

	return book_record(g->book, &l, key, values, 1, ret_ix, e);
}

static enum rc open_task(struct governor *g, const struct intent_request *q,
			 const struct intent_decision *d, uint64_t *ret_task, struct err *e)
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
		    .not_after = d->not_after_unix_ms,
		    .max_calls = d->max_calls,
		    .max_targets = d->max_targets,
		    .max_deviations = d->max_deviations,
		    .accountable = d->accountable,
		    .by = STR("policy"),
		},
	};

	TRY(vault_take(g->vault, g->keeper, &serial, e));
	TRY(record_intent(g, q, d, serial, &l.task_opened.intent, e));
	TRY(book_record(g->book, &l, serial, NULL, 0, ret_task, e));
	return vault_bind(g->vault, serial, *ret_task, e);
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

static void declare_intent(struct governor *g, struct request *r)
{
	struct intent_request q;
	struct intent_decision d = {0};
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
	if (d.verdict == VERDICT_ALLOW) {
		if (open_task(g, &q, &d, &ix, &e) != RC_OK) {
			log_err("a task could not be opened: %s", e.msg);
			reply_refusal(g, r, REASON_AUDIT_UNAVAILABLE, str_from(e.msg), 0);
			return;
		}
		answer_task(g, r, ix);
		return;
	}
	if (record_intent(g, &q, &d, VAULT_LIFE_KEY, &ix, &e) != RC_OK) {
		reply_refusal(g, r, REASON_AUDIT_UNAVAILABLE, str_from(e.msg), 0);
		return;
	}
	reply_refusal(g, r, d.reason, d.detail, 0);
}

/* ---- close_task, approval_status ---- */

static void close_task(struct governor *g, struct request *r)
{
	const struct task *t;
	struct str text;
	uint64_t task = r->task;

	if (json_str(json_get(r->args, STR("task")), &text) && !id_parse(text, 't', &task)) {
		task = 0;
	}
	t = task ? state_task(g->state, task) : NULL;
	if (!t || !str_eq(t->agent, r->agent)) {
		reply_refusal(g, r, REASON_TASK_UNKNOWN, STR_NULL, 0);
		return;
	}
	if (t->state == TASK_ENDED || t->state == TASK_CLOSED) {
		reply_refusal(g, r, REASON_TASK_ENDED, STR_NULL, 0);
		return;
	}
	tasks_end(g, task, "done", r->agent, 0);
	reply_own(g, r, false,
		  arena_strf(&g->round, "{\"task\":\"t%llu\",\"state\":\"ending\"}",
			     (unsigned long long)task));
}

static void approval_status(struct governor *g, struct request *r)
{
	const struct approval *a = NULL;
	struct str text;
	uint64_t ix;
	AUTO_BUF out = BUF_INIT(4096);
	struct json_out w = json_out_to(&out);

	if (json_str(json_get(r->args, STR("approval")), &text) && id_parse(text, 'a', &ix)) {
		a = state_approval(g->state, ix);
	}
	if (!a || !str_eq(a->agent, r->agent)) {
		reply_refusal(g, r, REASON_APPROVAL_UNKNOWN, STR_NULL, 0);
		return;
	}
	json_out_object(&w);
	view_id(&w, "approval", 'a', a->ix);
	json_out_key_str(&w, "state",
			 a->state == APPROVAL_OPEN ? STR("pending")
						   : approval_state_name(a->state));
	if (a->reason != REASON_NONE) {
		json_out_key_str(&w, "reason", reason_code(a->reason));
	}
	json_out_key_str(&w, "tool", a->tool);
	view_time(&w, "decide_by", a->decide_by_unix_ms);
	view_time(&w, "execute_by", a->execute_by_unix_ms);
	json_out_close(&w);
	if (json_out_end(&w, NULL) == RC_OK) {
		reply_own(g, r, false, buf_view(&out));
	} else {
		reply_refusal(g, r, REASON_LIMIT, STR_NULL, 0);
	}
}
