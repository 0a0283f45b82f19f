/* SPDX-License-Identifier: Apache-2.0 */
/* governor/people_act.c - what people do: open and close, undo, stop. Answers to questions are in
 * people_approve.c.
 *
 * Holds: (1) every answer is sent in the round whose commit makes its fact durable.
 */
#include "governor/people.h"

#include <openssl/sha.h>

#include "base/limits.h"
#include "base/log.h"
#include "core/accountable.h"

static void answer_id(struct asked *a, const char *what, char letter, uint64_t ix, struct str state)
{
	people_answer_id(a, what, letter, ix, state);
}

static struct str text_of(const struct asked *a, const char *name)
{
	return people_text(a, name);
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

/* In plain words in its leaf (leaf.def). */
enum { CLOSE_REASON_BYTES = 256 };

static enum rc incident_close(struct asked *a, struct err *e)
{
	const struct str reason = text_of(a, "reason");
	const struct incident *i;
	uint64_t ix;

	TRY(people_id(a, 'i', &ix, e));
	i = state_incident(a->g->state, ix);
	if (!i || i->status != INCIDENT_OPEN) {
		FAIL(e, RC_ABSENT, "no open incident 'i%llu'", (unsigned long long)ix);
	}
	if (reason.n > CLOSE_REASON_BYTES) {
		FAIL(e, RC_LIMIT, "'reason' is longer than %d bytes", CLOSE_REASON_BYTES);
	}
	incidents_close(a->g, ix, a->person->name, reason);
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
	enum reason reason;
	uint64_t ix;
	struct leaf l = {.kind = LEAF_TASK_RESUMED, .task_resumed = {.by = a->person->name}};

	TRY(task_of(a, &t, e));
	if (t->state != TASK_SUSPENDED) {
		FAIL(e, RC_DENIED, "the task is not suspended");
	}
	reason = accountable_may_resume(a->g->bundle, t, a->person);
	if (reason != REASON_NONE) {
		people_reply_reason(a->g, a->req, reason, STR_NULL);
		return RC_OK;
	}
	ix = t->ix;
	l.task_resumed.task = ix;
	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	answer_id(a, "task", 't', ix, STR("running"));
	return RC_OK;
}

/* ---- dispatch ---- */

void people_act(struct asked *a, enum command_verb verb)
{
	static people_act_fn *const acts[COMMANDS] = {
	    [COMMAND_INCIDENT_OPEN] = incident_open,
	    [COMMAND_INCIDENT_CLOSE] = incident_close,
	    [COMMAND_TASK_STOP] = task_stop,
	    [COMMAND_TASK_RESUME] = task_resume,
	    [COMMAND_APPROVE] = people_approve,
	    [COMMAND_DENY] = people_deny,
	    [COMMAND_ROTA_SET] = people_rota_set,
	    [COMMAND_BREAK_GLASS_OPEN] = people_break_glass_open,
	    [COMMAND_BREAK_GLASS_ACT] = people_break_glass_act,
	    [COMMAND_BREAK_GLASS_CLOSE] = people_break_glass_close,
	    [COMMAND_REVIEW_CLOSE] = people_review_close,
	    [COMMAND_PREAPPROVE] = people_preapprove,
	    [COMMAND_PREAPPROVAL_END] = people_preapproval_end,
	    [COMMAND_ROLLBACK] = people_rollback,
	    [COMMAND_TERM_KEEP] = people_term_keep,
	    [COMMAND_REHEARSE] = people_rehearse,
	    [COMMAND_CLOCK_CONFIRM] = people_clock_confirm,
	    [COMMAND_KILL] = people_kill,
	    [COMMAND_RESUME] = people_resume,
	    [COMMAND_PRUNE] = people_prune,
	    [COMMAND_TASK_ERASE] = people_erase,
	    [COMMAND_EVIDENCE_VERIFY] = evidence_verify,
	    [COMMAND_EVIDENCE_READ] = evidence_read,
	    [COMMAND_EVIDENCE_EXPORTED] = evidence_exported,
	    [COMMAND_EVIDENCE_KEEP] = evidence_keep,
	    [COMMAND_EVIDENCE_DESTROY] = evidence_destroy,
	    [COMMAND_HOLD_PLACE] = evidence_hold,
	    [COMMAND_HOLD_RELEASE] = evidence_release,
	    [COMMAND_WAIVE] = evidence_waive,
	    [COMMAND_PROMOTE] = people_promote,
	    [COMMAND_DEMOTE] = people_demote,
	    [COMMAND_PROPOSAL_JUDGE] = people_judge,
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
