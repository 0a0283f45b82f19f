/* SPDX-License-Identifier: Apache-2.0 */
/* governor/rollback_all.c - undoing all that a task, or every task of an incident, has changed.
 *
 * One act after another, the newest first, each as rollback.c does it, with a lease of its own. An
 * act that cannot be undone holds those before it that reach the same target; others go on. At the
 * end it is on the record what is left and why, and whoever answers for it is told.
 * Holds:  (1) where it is follows from the state: terms that are over, and terms that changed
 *             since the plan. So it goes on after a crash, and takes in what was still under way.
 */
#include <stdio.h>

#include "base/limits.h"
#include "base/log.h"
#include "governor/readback.h"

enum { LEFT_MAX = 256, LEFT_TEXT = 200 };

struct left {
	struct str p[LEFT_MAX];
	size_t n;
	bool is_more;
};

static bool concerns(const struct rollback *r, uint64_t task, uint64_t incident)
{
	return r->task ? r->task == task : r->incident == incident;
}

static bool concerns_term(const struct rollback *r, const struct term *m)
{
	return concerns(r, m->task, m->incident);
}

static bool concerns_call(const struct governor *g, const struct rollback *r, uint64_t task)
{
	const struct task *t = state_task(g->state, task);

	return t && concerns(r, task, t->incident);
}

/* The terms in question, the newest first; scratch of the round. */
static const struct term **terms_of(struct governor *g, const struct rollback *r, size_t *ret_n)
{
	const struct term **list;
	const struct term *m;
	uint64_t from = 0;
	size_t n = 0;

	while ((m = state_next_term(g->state, from))) {
		from = m->ix + 1;
		n += concerns_term(r, m);
	}
	list = arena_alloc_n(&g->round, n + 1, sizeof(const struct term *));
	*ret_n = list ? n : 0;
	for (from = 0; list && (m = state_next_term(g->state, from)); from = m->ix + 1) {
		if (concerns_term(r, m)) {
			list[--n] = m;
		}
	}
	return list;
}

/* ---- beginning ---- */

static const struct rollback *running_for(const struct governor *g, uint64_t task,
					  uint64_t incident)
{
	const struct rollback *r;
	uint64_t from = 0;

	while ((r = state_next_rollback(g->state, from))) {
		from = r->ix + 1;
		if (!r->is_over && r->task == task && r->incident == incident) {
			return r;
		}
	}
	return NULL;
}

enum rc rollback_all_start(struct governor *g, uint64_t task, uint64_t incident, struct str by,
			   uint64_t *ret, struct err *e)
{
	struct rollback scope = {.task = task, .incident = incident};
	const struct rollback *other = running_for(g, task, incident);
	struct leaf l = {
	    .kind = LEAF_ROLLBACK_PLANNED,
	    .rollback_planned = {.task = task, .incident = incident, .by = by},
	};
	const struct term **terms;
	struct str *ids;
	size_t n;

	if (other) {
		FAIL(e, RC_DENIED, "it is being rolled back already: r%llu",
		     (unsigned long long)other->ix);
	}
	terms = terms_of(g, &scope, &n);
	n = n < LEFT_MAX ? n : LEFT_MAX;
	ids = arena_alloc_n(&g->round, n + 1, sizeof(*ids));
	for (size_t i = 0; terms && ids && i < n; i++) {
		char id[24];
		struct str copy = arena_str(&g->round, id_text('m', terms[i]->ix, id));

		if (terms[i]->state != TERM_OVER && copy.p) {
			ids[l.rollback_planned.terms.n++] = copy;
		}
	}
	l.rollback_planned.terms.p = ids;
	return book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, ret, e);
}

bool rollback_all_is_running(const struct governor *g, uint64_t task)
{
	const struct rollback *r;
	uint64_t from = 0;

	while ((r = state_next_rollback(g->state, from))) {
		from = r->ix + 1;
		if (!r->is_over && concerns_call(g, r, task)) {
			return true;
		}
	}
	return false;
}

/* ---- going on ---- */

static void add_left(struct governor *g, struct left *left, char letter, uint64_t ix,
		     struct str tool, const char *why)
{
	char id[24];
	struct str text = arena_strf(&g->round, STR_FMT " " STR_FMT ": %s",
				     STR_ARG(id_text(letter, ix, id)), STR_ARG(tool), why);

	if (left->n < LEFT_MAX - 1 && text.p) {
		left->p[left->n++] = str_slice(text, 0, LEFT_TEXT);
	} else {
		left->is_more = true;
	}
}

static bool share_a_target(const struct term *a, const struct term *b)
{
	for (size_t i = 0; i < a->targets.n; i++) {
		if (str_list_has(&b->targets, a->targets.p[i])) {
			return true;
		}
	}
	return false;
}

/* Has somebody, or a failure, ended the attempt of this plan? */
static const char *given_up(const struct rollback *r, const struct term *m)
{
	if (m->changed_ix < r->ix) {
		return NULL;
	}
	if (m->state == TERM_FAILED) {
		return "it could not be undone";
	}
	return str_eq(m->how, STR("kept")) ? "a person lets it stand" : NULL;
}

/* Does a newer act that stays stand in its way? */
static bool is_in_the_way(const struct term *const *terms, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (terms[k]->state != TERM_OVER && share_a_target(terms[k], terms[i])) {
			return true;
		}
	}
	return false;
}

/* Acts that have no term because nothing undoes them. */
static void add_irreversible(struct governor *g, const struct rollback *r, struct left *left)
{
	const struct call *c;
	uint64_t from = 0;

	while ((c = state_next_call(g->state, from))) {
		const struct tool *t = bundle_tool(g->bundle, c->tool);

		from = c->ix + 1;
		if (c->effect != EFFECT_READ && str_eq(c->purpose, STR("agent")) && !c->term &&
		    (str_eq(c->outcome, STR("ok")) || str_eq(c->outcome, STR("unknown"))) &&
		    (!t || (!t->inverse.tool.n && !t->inverse_not_needed)) &&
		    concerns_call(g, r, c->task)) {
			add_left(g, left, 'c', c->ix, c->tool, "nothing undoes it");
		}
	}
}

static struct str owner_of(const struct governor *g, const struct rollback *r)
{
	const struct task *t = state_task(g->state, r->task);

	return t ? t->accountable : r->by;
}

static void tell(struct governor *g, const struct rollback *r, const struct left *left)
{
	AUTO_BUF text = BUF_INIT(16384);
	struct str by = r->by;
	struct str owner = owner_of(g, r);

	for (size_t i = 0; i < left->n; i++) {
		if (buf_addf(&text, "%s" STR_FMT, i ? "; " : "", STR_ARG(left->p[i])) != RC_OK) {
			break; /* the leaf has all of it */
		}
	}
	notify_person(g, owner, r->ix, "rollback.partial",
		      arena_strf(&g->round, "r%llu is over; left are: " STR_FMT,
				 (unsigned long long)r->ix, STR_ARG(buf_view(&text))));
	if (bundle_person(g->bundle, by) && !str_eq(by, owner)) {
		notify_person(g, by, r->ix, "rollback.partial",
			      arena_strf(&g->round, "r%llu is over; left are: " STR_FMT,
					 (unsigned long long)r->ix, STR_ARG(buf_view(&text))));
	}
}

static void finish(struct governor *g, uint64_t rollback, struct left *left)
{
	struct leaf l = {
	    .kind = LEAF_ROLLBACK_ENDED,
	    .rollback_ended = {.rollback = rollback},
	};
	const struct rollback *r = state_rollback(g->state, rollback);

	if (r) {
		add_irreversible(g, r, left);
	}
	if (left->is_more) {
		left->p[left->n++] = STR("and more: see remit terms");
	}
	l.rollback_ended.result = left->n ? STR("partial") : STR("done");
	l.rollback_ended.left = (struct str_list){.p = left->p, .n = left->n};
	if (gov_record(g, &l) && left->n && (r = state_rollback(g->state, rollback))) {
		tell(g, r, left);
	}
}

/* True when it is over. Starts at most one. */
static bool go_on(struct governor *g, const struct rollback *r, struct left *left)
{
	struct err e = ERR_INIT;
	size_t n;
	const struct term **terms = terms_of(g, r, &n);

	if (!terms) {
		return false; /* no memory in this round */
	}
	for (size_t i = 0; i < n; i++) {
		const struct term *m = terms[i];
		const char *why;

		if (m->state == TERM_OVER) {
			continue;
		}
		if (m->state == TERM_ROLLING_BACK) {
			return false;
		}
		why = given_up(r, m);
		if (!why && is_in_the_way(terms, i)) {
			why = "a newer change of its target is left";
		}
		if (why) {
			add_left(g, left, 'm', m->ix, m->tool, why);
			continue;
		}
		if (rollback_start(g, m->ix, r->by, &e) != RC_OK) {
			log_err("r%llu: %s", (unsigned long long)r->ix, e.msg);
		}
		return false;
	}
	return true;
}

/* Whatever is still under way may yet need undoing. */
static bool is_settled(const struct governor *g, const struct rollback *r)
{
	const struct call *c;
	uint64_t from = 0;

	while ((c = state_next_unfinished_call(g->state, from))) {
		from = c->ix + 1;
		if (str_eq(c->purpose, STR("agent")) && c->effect != EFFECT_READ &&
		    concerns_call(g, r, c->task)) {
			return false;
		}
	}
	return true;
}

void rollback_all_tick(struct governor *g)
{
	const struct rollback *r;
	uint64_t from = 0;

	while ((r = state_next_rollback(g->state, from))) {
		struct left left = {.n = 0};
		uint64_t ix = r->ix;

		from = ix + 1;
		if (!r->is_over && is_settled(g, r) && go_on(g, r, &left)) {
			finish(g, ix, &left);
		}
	}
}

/* ---- view ---- */

void view_rollback(struct governor *g, const struct rollback *r, struct json_out *w)
{
	size_t n;
	const struct term **terms = terms_of(g, r, &n);
	uint64_t over = 0;

	json_out_object(w);
	view_id(w, "id", 'r', r->ix);
	json_out_key_str(w, "state",
			 !r->is_over	 ? STR("rolling_back")
			 : r->is_partial ? STR("partial")
					 : STR("done"));
	view_id(w, "task", 't', r->task);
	view_id(w, "incident", 'i', r->incident);
	json_out_key_str(w, "by", r->by);
	view_time(w, "planned", r->planned_unix_ms);
	for (size_t i = 0; i < n; i++) {
		over += terms[i]->state == TERM_OVER;
	}
	json_out_key_u64(w, "undone", over);
	json_out_key_u64(w, "of", n);
	json_out_key(w, STR("steps"));
	json_out_array(w);
	for (size_t i = 0; i < n; i++) {
		json_out_object(w);
		view_id(w, "term", 'm', terms[i]->ix);
		json_out_key_str(w, "undone_by", terms[i]->tool);
		view_list(w, "targets", &terms[i]->targets);
		json_out_key_str(w, "state", term_state_name(terms[i]->state));
		json_out_close(w);
	}
	json_out_close(w);
	view_list(w, "left", &r->left);
	json_out_close(w);
}
