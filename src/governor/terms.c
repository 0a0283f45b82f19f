/* SPDX-License-Identifier: Apache-2.0 */
/* governor/terms.c - the way back: verification, terms, rollback.
 *
 * A contain or destroy call that was sent is verified by reading back. If it has an inverse, a term
 * starts: at its end Remit itself rolls back (revert) or asks its owner again (reask). Rolling back
 * is three calls of Remit's own, each on the record: CHECK that the target is still as we set it,
 * UNDO with the inverse, CONFIRM that the inverse holds. A target that somebody else changed is not
 * overwritten: the term fails and its owner is told.
 * Holds: (1) the inverse's arguments were fixed and sealed when the term started.
 *        (2) a rollback runs with a lease of its own (task 0), never the agent's.
 */
#include "governor/gov.h"

#include "base/limits.h"
#include "base/log.h"

static const struct json *sealed_json(struct governor *g, uint64_t ix, uint8_t slot)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *j = NULL;
	struct str text;

	if (book_value_of(g->book, ix, slot, &g->round, &text, NULL) != RC_OK ||
	    json_parse(&g->round, text, &limits, &j, NULL) != RC_OK) {
		return NULL;
	}
	return j;
}

/* ---- beginning ---- */

/* The batch may hold the call's own leaf still: values are read only from durable leaves. */
static void make_durable(struct governor *g)
{
	struct err e = ERR_INIT;

	if (book_commit(g->book, &e) != RC_OK) {
		log_err("the log cannot be written: %s", e.msg);
		g->is_broken = true;
	}
}

/* Was there anything to undo? The inverse may depend on what was captured. */
static bool is_wanted(struct governor *g, const struct derived_call *inverse,
		      const struct json *args, const struct json *pre)
{
	const struct json *want;
	struct err e = ERR_INIT;

	if (!inverse->equals) {
		return true;
	}
	if (derive_args(inverse->equals, args, pre, &g->round, &want, &e) != RC_OK) {
		return true; /* in doubt there is something to undo */
	}
	return json_equal(json_pointer(pre, inverse->pointer), want);
}

void terms_start(struct governor *g, const struct flight *f, uint64_t completed)
{
	const struct tool *t = bundle_tool(g->bundle, f->tool);
	const struct task *task = state_task(g->state, f->task);
	const struct tool *undo;
	const struct json *args;
	const struct json *pre;
	const struct json *undo_args;
	const struct call *c;
	AUTO_BUF text = BUF_INIT(LIMIT_ARGS_BYTES);
	struct err e = ERR_INIT;
	struct leaf l = {.kind = LEAF_TERM_STARTED,
			 .term_started = {.call = f->call, .task = f->task}};
	struct book_value values[] = {{.commit = &l.term_started.args, .slot = 0}};

	(void)completed; /* the cause is the call; its completion cites it too */
	if (!t || !t->inverse.tool.n || !task) {
		return;
	}
	make_durable(g);
	args = sealed_json(g, f->call, 0);
	pre = sealed_json(g, f->call, 1);
	undo = bundle_tool_of(g->bundle, t->upstream, t->inverse.tool);
	if (!undo || !is_wanted(g, &t->inverse, args, pre)) {
		return;
	}
	if (derive_args(t->inverse.args, args, pre, &g->round, &undo_args, &e) != RC_OK ||
	    json_canonical(&text, undo_args, &e) != RC_OK) {
		log_err("c%llu has no way back: %s", (unsigned long long)f->call, e.msg);
		notify_person(g, task->accountable, f->call, "term.failed", str_from(e.msg));
		return;
	}
	c = state_call(g->state, f->call);
	values[0].bytes = buf_view(&text);
	l.term_started.tool = undo->public_name;
	l.term_started.targets = c ? c->targets : (struct str_list){0};
	l.term_started.ends_at = t->term_ms ? gov_now_ms(g) + t->term_ms : 0;
	l.term_started.end = t->term_end == TERM_REVERT ? STR("revert") : STR("reask");
	l.term_started.owner = task->accountable;
	if (book_record(g->book, &l, vault_key_of(g->vault, f->task), values, 1, NULL, &e) !=
	    RC_OK) {
		log_err("a term could not be recorded: %s", e.msg);
	}
}

/* ---- reading back ---- */

/* Starts the read that checks `of` (called with args and pre). lease 0 when none is needed. */
static enum rc start_check(struct governor *g, const struct tool *of, const struct json *args,
			   const struct json *pre, uint64_t task, uint64_t parent, uint64_t lease,
			   enum purpose purpose, struct flight **ret, struct err *e)
{
	struct decision d;
	const struct json *check_args;

	TRY(derive_args(of->verify.args, args, pre, &g->round, &check_args, e));
	TRY(decide_derived(g->state, g->bundle, of, &of->verify, check_args, gov_now_ms(g),
			   &g->round, &d, e));
	if (d.verdict != VERDICT_ALLOW) {
		FAIL(e, RC_DENIED, STR_FMT, STR_ARG(reason_text(d.reason)));
	}
	return calls_run_own(g, purpose, &d, check_args, task, parent, lease, ret, e);
}

/* Does the answer of a check say what `of` promises? */
static bool check_holds(struct governor *g, const struct tool *of, const struct json *args,
			const struct json *pre, const struct json *result)
{
	const struct json *want;
	const struct json *got = json_pointer(result, of->verify.pointer);
	struct err e = ERR_INIT;

	if (!result || !of->verify.equals ||
	    derive_args(of->verify.equals, args, pre, &g->round, &want, &e) != RC_OK) {
		return false;
	}
	return json_equal(got, want);
}

static uint64_t ready_lease(struct governor *g, uint64_t task, const struct tool *t,
			    bool *ret_waits, struct err *e)
{
	const struct credential *c =
	    t->credential.backend.n ? &t->credential : &t->upstream->credential;
	const struct lease *l;
	uint64_t ix;

	*ret_waits = false;
	if (!c->backend.n) {
		return 0;
	}
	ix = leases_want(g, task, c, gov_now_ms(g) + 5ull * 60 * 1000,
			 definitions_sender_is_runner(t->upstream), e);
	l = ix ? state_lease(g->state, ix) : NULL;
	*ret_waits = !l || l->state != LEASE_STATE_DELIVERED;
	return ix;
}

void terms_verify(struct governor *g, uint64_t call)
{
	const struct call *c = state_call(g->state, call);
	const struct tool *t = c ? bundle_tool(g->bundle, c->tool) : NULL;
	const struct tool *check;
	struct flight *f;
	struct err e = ERR_INIT;
	uint64_t lease;
	bool waits;

	if (!t || !t->verify.tool.n) {
		return;
	}
	make_durable(g);
	check = bundle_tool_of(g->bundle, t->upstream, t->verify.tool);
	lease = check ? ready_lease(g, c->task, check, &waits, &e) : 0;
	if (!check || waits) {
		log_warn("c%llu cannot be verified now", (unsigned long long)call);
		return;
	}
	if (start_check(g, t, sealed_json(g, call, 0), sealed_json(g, call, 1), c->task, call,
			lease, PURPOSE_VERIFY, &f, &e) != RC_OK) {
		log_warn("c%llu cannot be verified: %s", (unsigned long long)call, e.msg);
		return;
	}
	f->about = call;
}

static void finish_verify(struct governor *g, const struct flight *f, const struct json *result)
{
	const struct call *c = state_call(g->state, f->about);
	const struct tool *t = c ? bundle_tool(g->bundle, c->tool) : NULL;
	const struct task *task;
	bool holds = t && check_holds(g, t, sealed_json(g, f->about, 0),
				      sealed_json(g, f->about, 1), result);
	struct leaf l = {
	    .kind = LEAF_CALL_VERIFIED,
	    .call_verified =
		{
		    .call = f->about,
		    .by = f->call,
		    .holds = holds,
		    .detail =
			holds ? STR("") : STR("the target is not as the call should have left it"),
		},
	};

	if (!gov_record(g, &l)) {
		return;
	}
	c = state_call(g->state, f->about);
	task = c ? state_task(g->state, c->task) : NULL;
	if (!holds && task) {
		notify_person(g, task->accountable, f->about, "call.not_verified",
			      l.call_verified.detail);
	}
}

/* ---- rolling back ---- */

static bool change(struct governor *g, uint64_t term, struct str how, struct str by, uint64_t call,
		   struct str detail)
{
	struct leaf l = {
	    .kind = LEAF_TERM_CHANGED,
	    .term_changed = {.term = term, .how = how, .by = by, .call = call, .detail = detail},
	};

	return gov_record(g, &l);
}

/* Leases of ours (task 0) are given back when no rollback is left to use them. */
static void give_back_leases(struct governor *g)
{
	const struct lease *l;
	const struct term *t;
	uint64_t from = 0;

	while ((t = state_next_term(g->state, from))) {
		from = t->ix + 1;
		if (t->state == TERM_ROLLING_BACK) {
			return;
		}
	}
	from = 0;
	while ((l = state_next_lease(g->state, from))) {
		from = l->ix + 1;
		if (l->task == 0 && !calls_lease_has_flights(g, l->ix)) {
			leases_revoke(g, l->ix, "rolled_back");
		}
	}
}

static void fail_back(struct governor *g, uint64_t term, uint64_t call, struct str detail)
{
	const struct term *t;

	if (!change(g, term, STR("failed"), STR("remit"), call, detail)) {
		return;
	}
	t = state_term(g->state, term);
	log_warn("m%llu could not be rolled back: %.*s", (unsigned long long)term, STR_ARG(detail));
	if (t) {
		notify_person(g, t->owner, term, "term.failed", detail);
	}
}

static void forget_paused(struct governor *g, uint64_t term)
{
	for (size_t i = 0; i < g->paused.n; i++) {
		if (g->paused.p[i].term == term) {
			vec_remove(&g->paused, i);
			return;
		}
	}
}

static void pause_at(struct governor *g, uint64_t term, enum way_back_step step)
{
	struct paused_rollback p = {.term = term, .step = step};

	if (vec_push(&g->paused, p) != RC_OK) {
		log_warn("m%llu begins its rollback again: no memory to remember where it was",
			 (unsigned long long)term);
	}
}

/* Where it stopped; a rollback nobody remembers begins at the beginning. */
static enum way_back_step paused_step(const struct governor *g, uint64_t term)
{
	for (size_t i = 0; i < g->paused.n; i++) {
		if (g->paused.p[i].term == term) {
			return g->paused.p[i].step;
		}
	}
	return STEP_CHECK;
}

/* Which tool a step calls: each runs with its own credential. */
static const struct tool *tool_of_step(const struct governor *g, enum way_back_step step,
				       const struct tool *did, const struct tool *undo)
{
	const struct tool *check = NULL;

	switch (step) {
	case STEP_NONE:
	case STEP_CHECK:
		check = bundle_tool_of(g->bundle, did->upstream, did->verify.tool);
		break;
	case STEP_UNDO:
		break;
	case STEP_CONFIRM:
		check = bundle_tool_of(g->bundle, undo->upstream, undo->verify.tool);
		break;
	}
	return check ? check : undo;
}

/* The step of this term, once its lease is there. */
static void go_back(struct governor *g, uint64_t term, enum way_back_step step)
{
	const struct term *m = state_term(g->state, term);
	const struct call *c = m ? state_call(g->state, m->call) : NULL;
	const struct tool *did = c ? bundle_tool(g->bundle, c->tool) : NULL;
	const struct tool *undo = m ? bundle_tool(g->bundle, m->tool) : NULL;
	const struct json *undo_args = m ? sealed_json(g, term, 0) : NULL;
	struct flight *f = NULL;
	struct decision d;
	struct err e = ERR_INIT;
	enum rc rc = RC_OK;
	uint64_t lease;
	bool waits;

	if (!m || !did || !undo || !undo_args) {
		fail_back(g, term, 0, STR("the tool or its sealed arguments are gone"));
		return;
	}
	lease = ready_lease(g, 0, tool_of_step(g, step, did, undo), &waits, &e);
	forget_paused(g, term);
	if (waits) {
		pause_at(g, term, step); /* terms_lease_ready goes on */
		return;
	}
	switch (step) {
	case STEP_NONE:
	case STEP_CHECK:
		rc = start_check(g, did, sealed_json(g, m->call, 0), sealed_json(g, m->call, 1), 0,
				 term, lease, PURPOSE_ROLLBACK, &f, &e);
		step = STEP_CHECK;
		break;
	case STEP_UNDO:
		rc = decide_rollback(g->state, g->bundle, m, undo_args, gov_now_ms(g), &g->round,
				     &d, &e);
		if (rc == RC_OK && d.verdict != VERDICT_ALLOW) {
			rc = err_set(&e, RC_DENIED, __func__, STR_FMT,
				     STR_ARG(reason_text(d.reason)));
		}
		if (rc == RC_OK) {
			rc = calls_run_own(g, PURPOSE_ROLLBACK, &d, undo_args, 0, term, lease, &f,
					   &e);
		}
		break;
	case STEP_CONFIRM:
		rc =
		    start_check(g, undo, undo_args, NULL, 0, term, lease, PURPOSE_ROLLBACK, &f, &e);
		break;
	}
	if (rc != RC_OK) {
		fail_back(g, term, 0, str_from(e.msg));
		give_back_leases(g);
		return;
	}
	f->about = term;
	f->step = step;
}

enum rc terms_roll_back(struct governor *g, uint64_t term, struct str by, struct err *e)
{
	const struct term *m = state_term(g->state, term);

	if (!m) {
		FAIL(e, RC_ABSENT, "no term 'm%llu'", (unsigned long long)term);
	}
	if (m->state == TERM_OVER || m->state == TERM_ROLLING_BACK) {
		FAIL(e, RC_DENIED, "term 'm%llu' is not standing: " STR_FMT,
		     (unsigned long long)term, STR_ARG(term_state_name(m->state)));
	}
	if (!change(g, term, STR("rolling_back"), by, 0, STR(""))) {
		FAIL(e, RC_IO, "the rollback could not be recorded");
	}
	go_back(g, term, STEP_CHECK);
	return RC_OK;
}

static bool has_flight(const struct governor *g, uint64_t term)
{
	const struct map_entry *entry;
	size_t i = 0;

	while ((entry = map_next(&g->flights, &i))) {
		const struct flight *f = entry->value;

		if (f->purpose == PURPOSE_ROLLBACK && f->about == term) {
			return true;
		}
	}
	return false;
}

void terms_lease_ready(struct governor *g, uint64_t lease)
{
	const struct lease *l = state_lease(g->state, lease);
	const struct term *m;
	uint64_t from = 0;

	if (!l || l->task != 0) {
		return;
	}
	while ((m = state_next_term(g->state, from))) {
		from = m->ix + 1;
		if (m->state == TERM_ROLLING_BACK && !has_flight(g, m->ix)) {
			go_back(g, m->ix, paused_step(g, m->ix));
		}
	}
}

static void finish_step(struct governor *g, struct flight *f, const struct msg_outcome *m,
			const struct json *result)
{
	const struct term *term = state_term(g->state, f->about);
	const struct call *c = term ? state_call(g->state, term->call) : NULL;
	const struct tool *did = c ? bundle_tool(g->bundle, c->tool) : NULL;
	const struct tool *undo = term ? bundle_tool(g->bundle, term->tool) : NULL;
	uint64_t about = f->about;
	uint64_t call = f->call;

	f->lease = 0; /* it uses it no more */
	if (!term || !c || !did || !undo) {
		return;
	}
	switch (f->step) {
	case STEP_NONE:
	case STEP_CHECK:
		if (m->kind == OUTCOME_NOT_SENT || m->kind == OUTCOME_UNKNOWN) {
			return; /* nothing is known: resume_rollbacks looks again, paced */
		}
		if (!check_holds(g, did, sealed_json(g, c->ix, 0), sealed_json(g, c->ix, 1),
				 result)) {
			fail_back(
			    g, about, call,
			    STR("the target is no longer as the call left it; not overwritten"));
			give_back_leases(g);
			return;
		}
		go_back(g, about, STEP_UNDO);
		return;
	case STEP_UNDO:
		if (m->kind == OUTCOME_NOT_SENT) {
			pause_at(g, about, STEP_UNDO); /* not a byte left: tried again, paced */
			return;
		}
		if (m->kind == OUTCOME_TOOL_ERROR) {
			fail_back(g, about, call,
				  m->detail.n ? m->detail : STR("the inverse failed"));
			give_back_leases(g);
			return;
		}
		go_back(g, about, STEP_CONFIRM);
		return;
	case STEP_CONFIRM:
		if (m->kind == OUTCOME_NOT_SENT || m->kind == OUTCOME_UNKNOWN) {
			pause_at(g, about, STEP_CONFIRM);
			return;
		}
		if (check_holds(g, undo, sealed_json(g, about, 0), NULL, result)) {
			(void)change(g, about, STR("reverted"), STR("remit"), call,
				     STR("read back"));
		} else {
			fail_back(g, about, call,
				  STR("the inverse ran, but reading back does not show it"));
		}
		give_back_leases(g);
		return;
	}
}

void terms_on_outcome(struct governor *g, struct flight *f, const struct msg_outcome *m,
		      uint64_t completed, const struct json *result)
{
	(void)completed; /* on the record already */
	if (f->purpose == PURPOSE_VERIFY) {
		finish_verify(g, f, result);
	} else {
		finish_step(g, f, m, result);
	}
}

/* ---- time and owners ---- */

void terms_hand_over(struct governor *g, uint64_t task, const char *why)
{
	const struct task *t;
	const struct term *m;
	uint64_t from = 0;

	while ((t = state_task(g->state, task)) && (m = state_next_term(g->state, from))) {
		uint64_t ix = m->ix;
		struct leaf l = {
		    .kind = LEAF_TERM_OWNER,
		    .term_owner = {.term = m->ix, .owner = t->accountable, .why = str_from(why)},
		};

		from = m->ix + 1;
		if (m->task != task || m->state == TERM_OVER || !gov_record(g, &l)) {
			continue;
		}
		m = state_term(g->state, ix);
		if (m) {
			notify_person(g, m->owner, ix, "term.yours",
				      arena_strf(&g->round,
						 "m%llu (%.*s undoes it) stands and is yours now",
						 (unsigned long long)ix, STR_ARG(m->tool)));
		}
	}
}

/* A rollback that lost its lease, its sender or its process is taken up again, paced. */
static void resume_rollbacks(struct governor *g)
{
	const struct term *m;
	uint64_t from = 0;

	if (gov_now_ns(g) < g->next_rollback_ns) {
		return;
	}
	g->next_rollback_ns = gov_now_ns(g) + (uint64_t)GOVERNOR_ROLLBACK_PACE_MS * 1000000;
	while ((m = state_next_term(g->state, from))) {
		from = m->ix + 1;
		if (m->state == TERM_ROLLING_BACK && !has_flight(g, m->ix)) {
			go_back(g, m->ix, paused_step(g, m->ix));
		}
	}
}

void terms_tick(struct governor *g)
{
	uint64_t now = gov_now_ms(g);
	const struct term *m;
	uint64_t from = 0;
	struct err e = ERR_INIT;

	resume_rollbacks(g);
	while ((m = state_next_term(g->state, from))) {
		uint64_t ix = m->ix;

		from = ix + 1;
		if (m->state != TERM_STANDING || m->ends_at_unix_ms == 0 ||
		    now < m->ends_at_unix_ms) {
			continue;
		}
		if (m->reverts) {
			if (terms_roll_back(g, ix, STR("remit"), &e) != RC_OK) {
				log_err("m%llu: %s", (unsigned long long)ix, e.msg);
			}
		} else if (change(g, ix, STR("asked"), STR("remit"), 0, STR(""))) {
			m = state_term(g->state, ix);
			notify_person(
			    g, m->owner, ix, "term.reask",
			    arena_strf(&g->round,
				       "m%llu has reached its end and still stands: remit "
				       "rollback m%llu undoes it, remit keep m%llu lets it stand",
				       (unsigned long long)ix, (unsigned long long)ix,
				       (unsigned long long)ix));
		}
	}
}
