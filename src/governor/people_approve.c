/* SPDX-License-Identifier: Apache-2.0 */
/* governor/people_approve.c - answers to questions, and answers given in advance.
 *
 * Trust: the people's front took the uid from the kernel; the body is hostile.
 * Holds: (1) nobody with a conflict, and nobody who is in no gate's group, can answer
 *            (core/decide_vote.c).
 *        (2) who says which text they have read answers that text, or nothing.
 *        (3) every answer is sent in the round whose commit makes its fact durable.
 */
#include "governor/people.h"

#include "base/limits.h"
#include "base/num.h"

/* ---- answers ---- */

static enum rc settle_vote(struct governor *g, uint64_t ix, bool grants, struct err *e)
{
	const struct approval *ap = state_approval(g->state, ix);
	struct leaf l = {.kind = LEAF_APPROVAL_SETTLED, .approval_settled = {.approval = ix}};

	MUST(ap != NULL);
	if (grants && !decide_is_granted(g->state, g->bundle, ap)) {
		return RC_OK; /* more votes are needed */
	}
	l.approval_settled.state = grants ? STR("granted") : STR("denied");
	l.approval_settled.reason = grants ? STR("") : reason_code(REASON_APPROVAL_DENIED);
	l.approval_settled.execute_by = grants ? gov_now_ms(g) + ap->execute_by_ms : 0;
	TRY(book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	calls_wake_approval(g, ix);
	return RC_OK;
}

/* (2): the commitment to the question, as remit approval show gives it. True when it is that. */
static bool has_read_this(const struct asked *a, const struct approval *ap)
{
	struct str shown = people_text(a, "shown");
	struct digest d;

	return shown.n == 0 ||
	       (num_hex(shown, d.bytes, sizeof(d.bytes)) && digest_eq(&d, &ap->shown));
}

/* The open question that the body names and that this person may answer; NULL with the reason
 * already said, or with e. */
static enum rc open_question(struct asked *a, const struct approval **ret, struct err *e)
{
	const struct approval *ap;
	enum reason reason;
	struct str why;
	uint64_t ix;

	*ret = NULL;
	TRY(people_id(a, 'a', &ix, e));
	ap = state_approval(a->g->state, ix);
	if (!ap) {
		FAIL(e, RC_ABSENT, "no approval 'a%llu'", (unsigned long long)ix);
	}
	reason = decide_vote(a->g->state, a->g->bundle, ap, a->person, &why);
	if (reason != REASON_NONE) {
		people_reply_reason(a->g, a->req, reason,
				    why.n ? arena_strf(&a->g->round, "%.*s: %.*s",
						       STR_ARG(reason_text(reason)), STR_ARG(why))
					  : STR_NULL);
		return RC_OK;
	}
	if (ap->state != APPROVAL_OPEN) {
		FAIL(e, RC_DENIED, "the approval is " STR_FMT " already",
		     STR_ARG(approval_state_name(ap->state)));
	}
	if (gov_now_ms(a->g) >= ap->decide_by_unix_ms) {
		FAIL(e, RC_DENIED, "the time to decide is over");
	}
	if (!has_read_this(a, ap)) {
		people_reply_reason(a->g, a->req, REASON_APPROVAL_MISMATCH,
				    STR("the question is not the one that was read"));
		return RC_OK;
	}
	*ret = ap;
	return RC_OK;
}

/* The vote, and what follows from it. */
static enum rc record_vote(struct asked *a, const struct approval *ap, bool grants, struct err *e)
{
	struct governor *g = a->g;
	uint64_t ix = ap->ix;
	struct leaf l = {
	    .kind = LEAF_APPROVAL_VOTED,
	    .approval_voted = {.approval = ix,
			       .person = a->person->name,
			       .grants = grants,
			       .via = STR("cli"),
			       .shown = ap->shown},
	};
	struct book_value values[] = {
	    {.bytes = str_slice(people_text(a, "note"), 0, LIMIT_TEXT_BYTES),
	     .commit = &l.approval_voted.note,
	     .slot = 0},
	};

	TRY(book_record(g->book, &l, gov_key_of(g, ap->task ? ap->task : ap->incident), values,
			ARRAY_LEN(values), NULL, e));
	return settle_vote(g, ix, grants, e);
}

static enum rc vote(struct asked *a, bool grants, struct err *e)
{
	const struct approval *ap;
	uint64_t ix;

	TRY(open_question(a, &ap, e));
	if (!ap) {
		return RC_OK;
	}
	ix = ap->ix;
	TRY(record_vote(a, ap, grants, e));
	ap = state_approval(a->g->state, ix);
	people_answer_id(a, "approval", 'a', ix, approval_state_name(ap->state));
	return RC_OK;
}

/* Grants less than was asked: the question is denied, and what it was cut down to is granted, or
 * waits for more votes. The agent must call that itself. */
static enum rc narrow(struct asked *a, const struct json *patch, struct err *e)
{
	struct governor *g = a->g;
	const struct approval *ap;
	uint64_t asked_ix;
	uint64_t ix;
	struct leaf l = {
	    .kind = LEAF_APPROVAL_SETTLED,
	    .approval_settled = {.state = STR("denied"),
				 .reason = reason_code(REASON_APPROVAL_NARROWED)},
	};

	TRY(open_question(a, &ap, e));
	if (!ap) {
		return RC_OK;
	}
	asked_ix = ap->ix;
	ix = approvals_narrow(g, ap, patch, e);
	if (ix == 0) {
		return e->code;
	}
	TRY(record_vote(a, state_approval(g->state, ix), true, e));
	l.approval_settled.approval = asked_ix;
	TRY(book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	calls_wake_approval(g, asked_ix);
	people_answer_id(a, "approval", 'a', ix,
			 approval_state_name(state_approval(g->state, ix)->state));
	return RC_OK;
}

enum rc people_approve(struct asked *a, struct err *e)
{
	const struct json *patch = json_get(a->body, STR("narrow"));

	return patch ? narrow(a, patch, e) : vote(a, true, e);
}

/* The other open questions of its group, by the same no. Who may not answer one of them leaves it.
 */
static enum rc deny_similar(struct asked *a, uint64_t group, struct err *e)
{
	const struct approval *ap;
	uint64_t from = group;

	while ((ap = state_next_approval(a->g->state, from))) {
		struct str why;

		from = ap->ix + 1;
		if (ap->group == group && ap->state == APPROVAL_OPEN &&
		    decide_vote(a->g->state, a->g->bundle, ap, a->person, &why) == REASON_NONE) {
			TRY(record_vote(a, ap, false, e));
		}
	}
	return RC_OK;
}

enum rc people_deny(struct asked *a, struct err *e)
{
	const struct approval *ap;
	uint64_t ix;
	bool with_group;

	if (!json_bool(json_get(a->body, STR("similar")), &with_group) || !with_group) {
		return vote(a, false, e);
	}
	TRY(open_question(a, &ap, e));
	if (!ap) {
		return RC_OK;
	}
	ix = ap->ix;
	TRY(deny_similar(a, ap->group, e));
	people_answer_id(a, "approval", 'a', ix,
			 approval_state_name(state_approval(a->g->state, ix)->state));
	return RC_OK;
}

/* ---- pre-approvals ---- */

enum rc people_preapprove(struct asked *a, struct err *e)
{
	struct governor *g = a->g;
	const struct tool *t = bundle_tool(g->bundle, people_text(a, "tool"));
	const struct agent *agent = bundle_agent_named(g->bundle, people_text(a, "agent"));
	struct str note = str_slice(people_text(a, "note"), 0, LIMIT_TEXT_BYTES);
	enum reason reason;
	uint64_t window_s;
	uint64_t duration_s;
	uint64_t ix;
	struct leaf l = {
	    .kind = LEAF_PREAPPROVAL_OPENED,
	    .preapproval_opened = {.person = a->person->name, .class = people_text(a, "class")},
	};
	struct book_value values[] = {
	    {.bytes = note, .commit = &l.preapproval_opened.note, .slot = 0}};

	if (!t) {
		FAIL(e, RC_INPUT, "no tool '" STR_FMT "' in the catalog",
		     STR_ARG(people_text(a, "tool")));
	}
	if (!agent) {
		FAIL(e, RC_INPUT, "no agent '" STR_FMT "'", STR_ARG(people_text(a, "agent")));
	}
	if (!decide_is_preapprovable(t)) {
		FAIL(e, RC_DENIED,
		     "'" STR_FMT "' is a destroy tool: each call needs its own approval",
		     STR_ARG(t->public_name));
	}
	reason = decide_may_preapprove(g->bundle, a->person, agent);
	if (reason != REASON_NONE) {
		people_reply_reason(g, a->req, reason, STR_NULL);
		return RC_OK;
	}
	TRY(people_number(a, "max_uses", 3, PREAPPROVAL_MAX_USES, &l.preapproval_opened.max_uses,
			  e));
	TRY(people_number(a, "window_s", 3600, PREAPPROVAL_MAX_WINDOW_S, &window_s, e));
	TRY(people_number(a, "duration_s", 86400, (uint64_t)PREAPPROVAL_MAX_DAYS * 86400,
			  &duration_s, e));
	TRY(people_list(a, "targets", &l.preapproval_opened.targets, e));
	l.preapproval_opened.agent = agent->id;
	l.preapproval_opened.tool = t->public_name;
	l.preapproval_opened.window_ms = window_s * 1000;
	l.preapproval_opened.not_after = gov_now_ms(g) + duration_s * 1000;
	TRY(book_record(g->book, &l, VAULT_LIFE_KEY, values, 1, &ix, e));
	people_answer_id(a, "preapproval", 'p', ix, STR("open"));
	return RC_OK;
}

enum rc people_preapproval_end(struct asked *a, struct err *e)
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
	people_answer_id(a, "preapproval", 'p', ix, STR("ended"));
	return RC_OK;
}
