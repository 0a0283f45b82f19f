/* SPDX-License-Identifier: Apache-2.0 */
/* governor/rollback.c - the running of an inverse by Remit.
 *
 * A rollback is calls of Remit's own, each on the record: CHECK that the target is still as the
 * call left it, UNDO with the inverse, CONFIRM that the inverse's effect is there. A target that
 * somebody else changed is not overwritten: the term fails, and its owner is told what was expected
 * and what is there.
 * Holds:  (1) which step is next follows from the state (step_of), so that a rollback goes on
 *             where it was after a crash at any point.
 *         (2) an inverse whose outcome is not known is read back, never sent again; one that failed
 *             and whose effect is not there is tried again, after another CHECK.
 *         (3) a rollback runs with a lease of its own (task 0), never the agent's.
 *         (4) it ends within GOVERNOR_ROLLBACK_MS: reverted, or failed and escalated.
 *         (5) a stop of an agent or a task does not hold it; one of everything that says so does,
 *             and one of the inverse's tool or upstream (core/decide_lift.c).
 * States: CHECK -holds-> UNDO -sent-> CONFIRM -holds-> reverted
 *         CHECK, CONFIRM -cannot look-> the same again, with back-off
 *         UNDO -not sent-> CHECK;  CONFIRM -differs- may still show-> CONFIRM;  the inverse
 *         failed -> CHECK;  otherwise -> failed
 */
#include "base/limits.h"
#include "base/log.h"
#include "governor/readback.h"

enum { CHECK_IS_FRESH_MS = 5000, LATE_AFTER_TRIES = 4 };

static struct going_back *entry_of(struct governor *g, uint64_t term)
{
	struct going_back fresh = {.term = term};

	for (size_t i = 0; i < g->going_back.n; i++) {
		if (g->going_back.p[i].term == term) {
			return &g->going_back.p[i];
		}
	}
	if (vec_push(&g->going_back, fresh) != RC_OK) {
		return NULL; /* the next tick tries again */
	}
	return &g->going_back.p[g->going_back.n - 1];
}

static void forget(struct governor *g, uint64_t term)
{
	for (size_t i = 0; i < g->going_back.n; i++) {
		if (g->going_back.p[i].term == term) {
			vec_remove(&g->going_back, i);
			return;
		}
	}
}

/* (1) */
static enum way_back_step step_of(const struct governor *g, const struct term *m,
				  const struct going_back *b)
{
	if (m->undo) {
		return STEP_CONFIRM;
	}
	return b->checked_ns &&
		       gov_now_ns(g) - b->checked_ns < (uint64_t)CHECK_IS_FRESH_MS * 1000000
		   ? STEP_UNDO
		   : STEP_CHECK;
}

static void fail_back(struct governor *g, uint64_t term, uint64_t call, struct str detail,
		      struct str difference)
{
	forget(g, term);
	terms_fail(g, term, call, detail, difference);
	readback_give_back(g);
}

/* It did not get on. Again later; once it has taken too long, its owner must see to it. */
static void later(struct governor *g, uint64_t term, uint64_t call, struct str why)
{
	const struct term *m = state_term(g->state, term);
	struct going_back *b = entry_of(g, term);

	if (!m || !b) {
		return;
	}
	b->checked_ns = 0;
	b->next_ns = gov_now_ns(g) + readback_pause_ns(b->tries++);
	if (!state_clock_jump(g->state) &&
	    gov_now_ms(g) >= m->rolling_since_unix_ms + GOVERNOR_ROLLBACK_MS) {
		fail_back(g, term, call, why, STR_NULL); /* (4) */
	} else if (b->tries == LATE_AFTER_TRIES) {
		notify_person(
		    g, m->owner, term, "term.late",
		    arena_strf(&g->round,
			       "m%llu is not rolled back yet, and is tried again: " STR_FMT,
			       (unsigned long long)term, STR_ARG(why)));
	}
}

/* Which tool a step calls: each runs with its own credential. */
static const struct tool *tool_of_step(const struct governor *g, enum way_back_step step,
				       const struct tool *did, const struct tool *undo)
{
	switch (step) {
	case STEP_NONE:
	case STEP_CHECK:
		return bundle_tool_of(g->bundle, did->upstream, did->verify.tool);
	case STEP_UNDO:
		break;
	case STEP_CONFIRM:
		return bundle_tool_of(g->bundle, undo->upstream, undo->verify.tool);
	}
	return undo;
}

static enum rc send_undo(struct governor *g, const struct term *m, const struct json *args,
			 uint64_t lease, struct flight **ret, struct err *e)
{
	struct decision d;

	TRY(decide_rollback(g->state, g->bundle, m, args, gov_now_ms(g), &g->round, &d, e));
	if (d.verdict != VERDICT_ALLOW) {
		FAIL(e, RC_DENIED, STR_FMT, STR_ARG(reason_text(d.reason)));
	}
	return calls_run_own(g, PURPOSE_ROLLBACK, &d, args, 0, m->ix, lease, ret, e);
}

/* The step that is next, once its lease is there. */
static void go_on(struct governor *g, uint64_t term)
{
	const struct term *m = state_term(g->state, term);
	struct going_back *b = entry_of(g, term);
	const struct call *c = m ? state_call(g->state, m->call) : NULL;
	const struct tool *did = c ? bundle_tool(g->bundle, c->tool) : NULL;
	const struct tool *undo = m ? bundle_tool(g->bundle, m->tool) : NULL;
	const struct json *undo_args;
	const struct tool *tool;
	enum way_back_step step;
	struct flight *f = NULL;
	struct err e = ERR_INIT;
	enum rc rc = RC_OK;
	uint64_t lease;
	bool waits;

	if (!b) {
		return;
	}
	readback_make_durable(g);
	undo_args = m ? readback_sealed(g, term, 0) : NULL;
	step = m ? step_of(g, m, b) : STEP_NONE;
	tool = did && undo ? tool_of_step(g, step, did, undo) : NULL;
	if (!undo_args || !tool) {
		fail_back(g, term, 0, STR("the tool or its sealed arguments are gone"), STR_NULL);
		return;
	}
	lease = readback_lease(g, 0, tool, &waits);
	if (waits) {
		later(g, term, 0, STR("no credential can be leased for it"));
		b = entry_of(g, term);
		if (b) {
			b->waits_lease = true;
		}
		return;
	}
	b->waits_lease = false;
	switch (step) {
	case STEP_NONE:
	case STEP_CHECK:
		rc = readback_start(g, did, readback_sealed(g, m->call, 0),
				    readback_sealed(g, m->call, 1), 0, term, lease,
				    PURPOSE_ROLLBACK, &f, &e);
		break;
	case STEP_UNDO:
		rc = send_undo(g, m, undo_args, lease, &f, &e);
		break;
	case STEP_CONFIRM:
		rc = readback_start(g, undo, undo_args, NULL, 0, term, lease, PURPOSE_ROLLBACK, &f,
				    &e);
		break;
	}
	if (rc == RC_OK) {
		f->about = term;
		f->step = step;
	} else {
		later(g, term, 0, str_from(e.msg));
	}
}

enum rc rollback_start(struct governor *g, uint64_t term, struct str by, struct err *e)
{
	const struct term *m = state_term(g->state, term);

	if (!m) {
		FAIL(e, RC_ABSENT, "no term 'm%llu'", (unsigned long long)term);
	}
	if (m->state == TERM_OVER || m->state == TERM_ROLLING_BACK) {
		FAIL(e, RC_DENIED, "term 'm%llu' is not standing: " STR_FMT,
		     (unsigned long long)term, STR_ARG(term_state_name(m->state)));
	}
	if (!terms_change(g, term, "rolling_back", by, 0, STR_NULL, STR_NULL)) {
		FAIL(e, RC_IO, "the rollback could not be recorded");
	}
	m = state_term(g->state, term);
	if (decide_holds_rollback(g->state, g->bundle, m->tool)) {
		notify_person(g, m->owner, term, "term.held",
			      arena_strf(&g->round,
					 "m%llu is to be rolled back, and a stop holds it: see "
					 "remit status",
					 (unsigned long long)term));
	}
	rollback_tick(g);
	return RC_OK;
}

/* ---- outcomes of the steps ---- */

static void finish_check(struct governor *g, const struct flight *f, const struct readback *r)
{
	struct going_back *b = entry_of(g, f->about);

	switch (r->verdict) {
	case READBACK_HOLDS:
		if (b) {
			b->checked_ns = gov_now_ns(g);
			b->tries = 0;
			go_on(g, f->about);
		}
		break;
	case READBACK_DIFFERS:
		fail_back(g, f->about, f->call,
			  STR("somebody else changed the target; it was not overwritten"),
			  r->difference);
		break;
	case READBACK_UNKNOWN:
		later(g, f->about, f->call, r->detail);
		break;
	}
}

static void finish_undo(struct governor *g, const struct flight *f, const struct tool *undo,
			const struct msg_outcome *m)
{
	struct going_back *b = entry_of(g, f->about);

	if (m->kind == OUTCOME_NOT_SENT) {
		later(g, f->about, f->call, STR("the inverse could not be sent"));
	} else if (b) {
		b->settle_until_ns = gov_now_ns(g) + undo->verify.within_ms * 1000000;
		go_on(g, f->about); /* also when it failed or nobody knows: look */
	}
}

/* The inverse ran, or is said to have failed, and the target does not show it. */
static void not_undone(struct governor *g, const struct flight *f, const struct readback *r,
		       uint64_t within_ms)
{
	struct going_back *b = entry_of(g, f->about);
	const struct term *m = state_term(g->state, f->about);
	const struct call *undo = m ? state_call(g->state, m->undo) : NULL;

	if (b && !b->settle_until_ns) {
		/* An earlier life sent it, perhaps just now. */
		b->settle_until_ns = gov_now_ns(g) + within_ms * 1000000;
	}
	if (b && gov_now_ns(g) < b->settle_until_ns) {
		b->next_ns = gov_now_ns(g) + (uint64_t)GOVERNOR_SETTLE_MS * 1000000;
	} else if (b && undo && str_eq(undo->outcome, STR("tool_error")) &&
		   terms_change(g, f->about, "again", STR("remit"), undo->ix,
				STR("the inverse failed"), STR_NULL)) {
		later(g, f->about, f->call, STR("the inverse failed")); /* (2) */
	} else {
		fail_back(g, f->about, f->call,
			  STR("the inverse ran, but reading back does not show it"), r->difference);
	}
}

static void finish_confirm(struct governor *g, const struct flight *f, const struct tool *undo,
			   const struct readback *r)
{
	switch (r->verdict) {
	case READBACK_HOLDS:
		forget(g, f->about);
		(void)terms_change(g, f->about, "reverted", STR("remit"), f->call, STR("read back"),
				   STR_NULL); /* logged; a tick looks again */
		readback_give_back(g);
		break;
	case READBACK_DIFFERS:
		not_undone(g, f, r, undo->verify.within_ms);
		break;
	case READBACK_UNKNOWN:
		later(g, f->about, f->call, r->detail);
		break;
	}
}

void rollback_on_outcome(struct governor *g, struct flight *f, const struct msg_outcome *m,
			 const struct json *result)
{
	const struct term *term = state_term(g->state, f->about);
	const struct call *c = term ? state_call(g->state, term->call) : NULL;
	const struct tool *did = c ? bundle_tool(g->bundle, c->tool) : NULL;
	const struct tool *undo = term ? bundle_tool(g->bundle, term->tool) : NULL;
	struct readback r;

	f->lease = 0; /* it uses it no more */
	if (!term || term->state != TERM_ROLLING_BACK) {
		return;
	}
	if (!did || !undo) {
		fail_back(g, f->about, f->call, STR("the tool is gone"), STR_NULL);
		return;
	}
	switch (f->step) {
	case STEP_NONE:
	case STEP_CHECK:
		r = readback_judge(g, did, readback_sealed(g, c->ix, 0),
				   readback_sealed(g, c->ix, 1), m, result);
		finish_check(g, f, &r);
		break;
	case STEP_UNDO:
		finish_undo(g, f, undo, m);
		break;
	case STEP_CONFIRM:
		r = readback_judge(g, undo, readback_sealed(g, f->about, 0), NULL, m, result);
		finish_confirm(g, f, undo, &r);
		break;
	}
}

/* ---- time ---- */

static bool has_flight(const struct governor *g, uint64_t term, size_t *ret_n)
{
	const struct map_entry *entry;
	bool found = false;
	size_t i = 0;

	*ret_n = 0;
	while ((entry = map_next(&g->flights, &i))) {
		const struct flight *f = entry->value;

		*ret_n += f->purpose == PURPOSE_ROLLBACK;
		found |= f->purpose == PURPOSE_ROLLBACK && f->about == term;
	}
	return found;
}

void rollback_tick(struct governor *g)
{
	const struct term *m;
	uint64_t from = 0;
	size_t n;

	while ((m = state_next_term(g->state, from))) {
		const struct going_back *b;

		from = m->ix + 1;
		if (m->state != TERM_ROLLING_BACK || has_flight(g, m->ix, &n) ||
		    n >= GOVERNOR_ROLLBACKS ||
		    decide_holds_rollback(g->state, g->bundle, m->tool)) {
			continue;
		}
		b = entry_of(g, m->ix);
		if (b && gov_now_ns(g) >= b->next_ns) {
			go_on(g, m->ix);
		}
	}
}

void rollback_lease_ready(struct governor *g)
{
	for (size_t i = 0; i < g->going_back.n; i++) {
		if (g->going_back.p[i].waits_lease) {
			g->going_back.p[i].next_ns = 0;
		}
	}
	rollback_tick(g);
}
