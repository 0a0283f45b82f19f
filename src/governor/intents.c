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

	*q =
	    (struct intent_request){.agent = r->agent, .key = r->key, .now_unix_ms = gov_now_ms(g)};
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
		    .attempt = d->attempt,
		    .policies = d->policies,
		    .bundle = *state_bundle(g->state),
		},
	};
	struct book_value values[] = {
	    {.bytes = q->goal, .commit = &l.intent_decided.goal, .slot = 0}};

	return book_record(g->book, &l, key, values, 1, ret_ix, e);
}

enum rc intents_open_task(struct governor *g, const struct intent_request *q,
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

void intents_declare(struct governor *g, struct request *r)
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
		if (intents_open_task(g, &q, &d, STR("policy"), &ix, &e) != RC_OK) {
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
	q.agent = arena_str(&g->round, q.agent); /* answering frees r */
	reply_refusal(g, r, d.reason, d.detail, 0);
	deviations_follow(g, q.agent, 0, d.reason, d.attempt, ix);
}
