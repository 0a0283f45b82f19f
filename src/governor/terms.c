/* SPDX-License-Identifier: Apache-2.0 */
/* governor/terms.c - how long containments stand.
 *
 * A contain or destroy call that was sent and has an inverse starts a term. At its end Remit itself
 * rolls back (revert; rollback.c), or asks the owner whether it may stand (reask) and asks again at
 * the tool's cadence: silence keeps the containment. Nothing of this needs the agent, its task or
 * the process that started it.
 * Holds:  (1) the inverse's arguments were fixed and sealed when the term started.
 *         (2) a call that was sent has its term, also when the governor died in between
 *             (terms_recover).
 *         (3) the end of a term is handled within a tick of its time, unless the clock is not to
 *             be believed (clock_watch.c).
 */
#include "base/limits.h"
#include "base/log.h"
#include "core/rehearsal.h"
#include "governor/readback.h"

enum { REASK_MS = 3600 * 1000, ESCALATE_AT_ASK = 3 };

/* ---- beginning ---- */

static void no_way_back(struct governor *g, const struct task *task, uint64_t call, struct str why)
{
	log_err("c%llu has no way back: %.*s", (unsigned long long)call, STR_ARG(why));
	if (task) {
		notify_person(g, task->accountable, call, "term.failed", why);
	}
}

/* What a rehearsal did stands until it is undone, at once; and not longer if that is forgotten. */
static bool of_rehearsal(struct governor *g, const struct call *c, struct leaf_term_started *l)
{
	const struct rehearsal *r = state_rehearsal(g->state, c->parent);

	if (!r || !str_eq(c->purpose, STR("rehearse"))) {
		return false;
	}
	l->ends_at = gov_now_ms(g) + REHEARSAL_STANDS_MS;
	l->end = STR("revert");
	l->owner = r->by;
	return true;
}

static bool of_task(struct governor *g, const struct task *task, const struct tool *t,
		    struct leaf_term_started *l)
{
	if (!task) {
		return false;
	}
	l->task = task->ix;
	l->ends_at = t->term_ms ? gov_now_ms(g) + t->term_ms : 0;
	l->end = t->term_end == TERM_REVERT ? STR("revert") : STR("reask");
	l->owner = task->accountable;
	return true;
}

void terms_start(struct governor *g, uint64_t call)
{
	const struct call *c = state_call(g->state, call);
	const struct tool *t = c ? bundle_tool(g->bundle, c->tool) : NULL;
	const struct task *task = c ? state_task(g->state, c->task) : NULL;
	const struct tool *undo;
	const struct json *args;
	const struct json *pre;
	const struct json *undo_args;
	AUTO_BUF text = BUF_INIT(LIMIT_ARGS_BYTES);
	struct err e = ERR_INIT;
	struct leaf l = {.kind = LEAF_TERM_STARTED, .term_started = {.call = call}};
	struct book_value values[] = {{.commit = &l.term_started.args, .slot = 0}};

	if (!t || !t->inverse.tool.n || c->term ||
	    (!of_task(g, task, t, &l.term_started) && !of_rehearsal(g, c, &l.term_started))) {
		return;
	}
	readback_make_durable(g); /* the batch may hold the call's own leaf still */
	args = readback_sealed(g, call, 0);
	pre = readback_sealed(g, call, 1);
	undo = bundle_tool_of(g->bundle, t->upstream, t->inverse.tool);
	if (!undo || !inverse_is_wanted(&t->inverse, args, pre, &g->round)) {
		return;
	}
	if (derive_args(t->inverse.args, args, pre, &g->round, &undo_args, &e) != RC_OK ||
	    json_canonical(&text, undo_args, &e) != RC_OK) {
		no_way_back(g, task, call, str_from(e.msg));
		return;
	}
	values[0].bytes = buf_view(&text); /* (1) */
	l.term_started.tool = undo->public_name;
	l.term_started.targets = c->targets;
	if (book_record(g->book, &l, gov_key_of(g, task ? task->ix : 0), values, 1, NULL, &e) !=
	    RC_OK) {
		log_err("a term could not be recorded: %s", e.msg);
	}
}

/* (2) */
void terms_recover(struct governor *g)
{
	const struct call *c;
	uint64_t from = 0;

	while ((c = state_next_call(g->state, from))) {
		from = c->ix + 1;
		if (str_eq(c->purpose, STR("agent")) && c->effect != EFFECT_READ &&
		    (str_eq(c->outcome, STR("ok")) || str_eq(c->outcome, STR("unknown")))) {
			terms_start(g, c->ix);
		}
	}
}

/* ---- changes ---- */

bool terms_change(struct governor *g, uint64_t term, const char *how, struct str by, uint64_t call,
		  struct str detail, struct str difference)
{
	struct err e = ERR_INIT;
	struct leaf l = {
	    .kind = LEAF_TERM_CHANGED,
	    .term_changed = {.term = term,
			     .how = str_from(how),
			     .by = by,
			     .call = call,
			     .detail = str_slice(detail, 0, 256)},
	};
	struct book_value values[] = {
	    {.bytes = difference, .commit = &l.term_changed.found, .slot = 0}};
	const struct term *m = state_term(g->state, term);
	uint64_t key = gov_key_of(g, m ? m->task : 0);

	if (book_record(g->book, &l, key, values, ARRAY_LEN(values), NULL, &e) != RC_OK) {
		log_err("a change of m%llu could not be recorded: %s", (unsigned long long)term,
			e.msg);
		return false;
	}
	return true;
}

void terms_fail(struct governor *g, uint64_t term, uint64_t call, struct str detail,
		struct str difference)
{
	const struct readback r = {.detail = detail, .difference = difference};
	const struct term *m;

	if (!terms_change(g, term, "failed", STR("remit"), call, detail, difference)) {
		return;
	}
	log_warn("m%llu has failed: %.*s", (unsigned long long)term, STR_ARG(detail));
	m = state_term(g->state, term);
	if (m) {
		notify_person(g, m->owner, term, "term.failed",
			      arena_strf(&g->round, "m%llu (" STR_FMT "): " STR_FMT,
					 (unsigned long long)term, STR_ARG(m->tool),
					 STR_ARG(readback_text(g, &r))));
	}
}

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

/* ---- ends ---- */

static struct str since_text(struct governor *g, uint64_t unix_ms)
{
	char text[25];

	clock_format_unix_ms(unix_ms, text);
	return arena_str(&g->round, str_from(text));
}

/* The question: what was done to what, since when, and what undoes it. */
static struct str question(struct governor *g, const struct term *m)
{
	const struct call *c = state_call(g->state, m->call);
	unsigned long long ix = m->ix;

	return arena_strf(&g->round,
			  "m%llu: " STR_FMT " on " STR_FMT "%s has stood since " STR_FMT
			  ", and its time is over (asked %llu times). It stands until somebody "
			  "decides: remit rollback m%llu undoes it with " STR_FMT
			  ", remit term keep m%llu --for 4h lets it stand",
			  ix, STR_ARG(c ? c->tool : STR("a call")),
			  STR_ARG(m->targets.n ? m->targets.p[0] : STR("its target")),
			  m->targets.n > 1 ? " and others" : "",
			  STR_ARG(since_text(g, m->started_unix_ms)), (unsigned long long)m->asked,
			  ix, STR_ARG(m->tool), ix);
}

static uint64_t cadence_ms(const struct governor *g, const struct term *m)
{
	const struct call *c = state_call(g->state, m->call);
	const struct tool *t = c ? bundle_tool(g->bundle, c->tool) : NULL;

	return t && t->reask_ms ? t->reask_ms : REASK_MS;
}

/* Silence keeps the containment, and is asked about again. */
static void ask(struct governor *g, uint64_t term)
{
	const struct term *m = state_term(g->state, term);
	const struct task *task;
	const struct agent *agent;
	struct str text;
	struct leaf l = {
	    .kind = LEAF_TERM_CHANGED,
	    .term_changed = {.term = term,
			     .how = STR("asked"),
			     .by = STR("remit"),
			     .ends_at = gov_now_ms(g) + cadence_ms(g, m)},
	};

	if (!gov_record(g, &l)) {
		return;
	}
	m = state_term(g->state, term);
	text = question(g, m);
	notify_person(g, m->owner, term, "term.reask", text);
	task = state_task(g->state, m->task);
	agent = task && m->asked >= ESCALATE_AT_ASK ? bundle_agent(g->bundle, task->agent) : NULL;
	if (agent) {
		notify_person(g, agent->owner, term, "term.reask", text);
		notify_person(g, agent->deputy, term, "term.reask", text);
	}
}

void terms_tick(struct governor *g)
{
	uint64_t now = gov_now_ms(g);
	const struct term *m;
	uint64_t from = 0;
	struct err e = ERR_INIT;

	if (state_clock_jump(g->state)) {
		return; /* whoever sets the clock does not end containments */
	}
	while ((m = state_next_term(g->state, from))) {
		uint64_t ix = m->ix;

		from = ix + 1;
		if ((m->state != TERM_STANDING && m->state != TERM_ASKED) ||
		    m->ends_at_unix_ms == 0 || now < m->ends_at_unix_ms) {
			continue;
		}
		if (!m->reverts) {
			ask(g, ix);
		} else if (rollback_start(g, ix, STR("remit"), &e) != RC_OK) {
			log_err("m%llu: %s", (unsigned long long)ix, e.msg);
		}
	}
}
