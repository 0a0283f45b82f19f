/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_evidence.c - evidence and its custody.
 *
 * States: KEPT -damaged-> DAMAGED -verified-> KEPT;  KEPT, DAMAGED -destroyed-> DESTROYED
 * -key_gone-> KEY_GONE -removed-> REMOVED, which is forgotten after the horizon. Holds:  (1) each
 * leaf of an item cites the item's last leaf and counts one more. (2) nothing under a legal hold is
 * destroyed; nothing is destroyed before its time but on the word of two persons, and in mode
 * compliance not at all. (3) time is shortened on the word of two persons only, in mode compliance
 * not at all. (4) an allowed call that requires evidence cites items that cover it, or a waiver.
 */
#include <inttypes.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/state_impl.h"

static struct evidence_object *evidence_of(const struct state *s, uint64_t ix)
{
	return (void *)state_find(s, OBJECT_EVIDENCE, ix);
}

const struct evidence *state_evidence(const struct state *s, uint64_t ix)
{
	const struct evidence_object *o = evidence_of(s, ix);

	return o ? &o->pub : NULL;
}

const struct evidence *state_next_evidence(const struct state *s, uint64_t from)
{
	const struct object *o = state_find_next(s, OBJECT_EVIDENCE, from);

	return o ? &((const struct evidence_object *)o)->pub : NULL;
}

const struct evidence *state_evidence_of(const struct state *s, uint64_t incident, size_t at)
{
	const struct incident_object *i = (void *)state_find(s, OBJECT_INCIDENT, incident);

	while (i && at < i->evidence.n) {
		const struct evidence *ev =
		    state_evidence(s, i->evidence.p[i->evidence.n - 1 - at]);

		if (ev) {
			return ev;
		}
		at++; /* forgotten */
	}
	return NULL;
}

/* ---- captured ---- */

static enum rc check_read(const struct state *s, const struct leaf_evidence_captured *c,
			  struct err *e)
{
	const struct call *call = state_call(s, c->call);
	const struct task *task = state_task(s, c->task);

	if (!call || call->effect != EFFECT_READ || !str_eq(call->outcome, STR("ok")) ||
	    call->task != c->task || !str_list_within(&c->targets, &call->targets)) {
		FAIL(e, RC_BROKEN, "evidence that no read of this task gave");
	}
	if (!task || task->incident != c->incident) {
		FAIL(e, RC_BROKEN, "evidence of another incident than its task's");
	}
	return RC_OK;
}

enum rc state_reserve_evidence_captured(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_evidence_captured *c = &l->evidence_captured;
	struct incident_object *incident;
	struct object *o;

	TRY(state_need(s, OBJECT_INCIDENT, c->incident, &o, e));
	incident = (struct incident_object *)o;
	TRY(check_read(s, c, e));
	if (c->kind.n == 0 || c->targets.n == 0 || digest_is_zero(&c->object) || c->key == 0 ||
	    c->stored_size == 0) {
		FAIL(e, RC_BROKEN, "evidence without a kind, a target, an object or a key");
	}
	if (!str_eq(c->mode, STR("governance")) && !str_eq(c->mode, STR("compliance"))) {
		FAIL(e, RC_BROKEN, "no mode of retention '" STR_FMT "'", STR_ARG(c->mode));
	}
	if (s->tables[OBJECT_EVIDENCE].n >= LIMIT_EVIDENCE) {
		FAIL(e, RC_LIMIT, "more than %d items of evidence", LIMIT_EVIDENCE);
	}
	if (incident->evidence.n >= LIMIT_EVIDENCE_OF_INCIDENT) {
		FAIL(e, RC_LIMIT, "more than %d items of evidence in one incident",
		     LIMIT_EVIDENCE_OF_INCIDENT);
	}
	if (vec_reserve(&incident->evidence, 1) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for evidence");
	}
	return state_reserve_object(s, OBJECT_EVIDENCE, sizeof(struct evidence_object), l, e);
}

void state_apply_evidence_captured(struct state *s, const struct leaf *l)
{
	const struct leaf_evidence_captured *c = &s->pending.own.evidence_captured;
	struct incident_object *incident = (void *)state_find(s, OBJECT_INCIDENT, c->incident);
	struct evidence_object *o = state_take_object(s);

	o->pub = (struct evidence){
	    .ix = o->o.ix,
	    .state = EVIDENCE_KEPT,
	    .incident = c->incident,
	    .task = c->task,
	    .call = c->call,
	    .kind = c->kind,
	    .targets = c->targets,
	    .object = c->object,
	    .size = c->size,
	    .stored_size = c->stored_size,
	    .key = c->key,
	    .is_compliance = str_eq(c->mode, STR("compliance")),
	    .captured_unix_ms = l->t,
	    .keep_until_unix_ms = c->keep_until,
	    .checked_unix_ms = l->t,
	    .last = o->o.ix,
	    .nth = 1,
	};
	MUST(incident->evidence.n < incident->evidence.cap);
	incident->evidence.p[incident->evidence.n++] = o->o.ix;
}

enum rc state_reserve_evidence_failed(struct state *s, const struct leaf *l, struct err *e)
{
	struct object *o;

	return state_need(s, OBJECT_CALL, l->evidence_failed.call, &o, e);
}

void state_apply_evidence_failed(struct state *s, const struct leaf *l)
{
	(void)s; /* nothing is there: nothing governs by it */
	(void)l;
}

/* ---- custody ---- */

/* (1) */
static enum rc need_link(const struct state *s, uint64_t ix, uint64_t prior, uint64_t nth,
			 const struct evidence **ret, struct err *e)
{
	struct object *o;

	TRY(state_need(s, OBJECT_EVIDENCE, ix, &o, e));
	*ret = &((const struct evidence_object *)o)->pub;
	if (prior != (*ret)->last || nth != (*ret)->nth + 1) {
		FAIL(e, RC_BROKEN, "custody of e%" PRIu64 " goes on from leaf %" PRIu64, ix,
		     (*ret)->last);
	}
	return RC_OK;
}

static struct evidence_object *link_to(struct state *s, uint64_t ix)
{
	struct evidence_object *o = evidence_of(s, ix);

	o->pub.last = s->size;
	o->pub.nth++;
	return o;
}

static bool is_there(const struct evidence *ev)
{
	return ev->state == EVIDENCE_KEPT || ev->state == EVIDENCE_DAMAGED;
}

enum rc state_reserve_evidence_custody(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_evidence_custody *c = &l->evidence_custody;
	bool is_removal = str_eq(c->event, STR("removed"));
	const struct evidence *ev;

	TRY(need_link(s, c->evidence, c->prior, c->nth, &ev, e));
	if (!str_eq(c->event, STR("verified")) && !str_eq(c->event, STR("damaged")) &&
	    !str_eq(c->event, STR("read")) && !str_eq(c->event, STR("exported")) &&
	    !str_eq(c->event, STR("held")) && !str_eq(c->event, STR("released")) && !is_removal) {
		FAIL(e, RC_BROKEN, "no event of custody '" STR_FMT "'", STR_ARG(c->event));
	}
	if (is_removal ? ev->state != EVIDENCE_KEY_GONE : !is_there(ev)) {
		FAIL(e, RC_BROKEN, "e%" PRIu64 " is " STR_FMT " and cannot be " STR_FMT, ev->ix,
		     STR_ARG(evidence_state_name(ev->state)), STR_ARG(c->event));
	}
	return RC_OK;
}

void state_apply_evidence_custody(struct state *s, const struct leaf *l)
{
	const struct leaf_evidence_custody *c = &l->evidence_custody;
	struct evidence_object *o = link_to(s, c->evidence);

	if (str_eq(c->event, STR("verified"))) {
		o->pub.state = EVIDENCE_KEPT;
		o->pub.checked_unix_ms = l->t;
	} else if (str_eq(c->event, STR("damaged"))) {
		o->pub.state = EVIDENCE_DAMAGED;
	} else if (str_eq(c->event, STR("removed"))) {
		o->pub.state = EVIDENCE_REMOVED;
		state_set_over(&o->o, l->t);
	}
}

/* ---- retention ---- */

enum rc state_reserve_evidence_proposed(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_evidence_proposed *p = &l->evidence_proposed;
	bool destroys = str_eq(p->what, STR("destroy"));
	const struct evidence *ev;

	TRY(need_link(s, p->evidence, p->prior, p->nth, &ev, e));
	if ((!destroys && !str_eq(p->what, STR("shorten"))) || p->by.n == 0 || p->not_after == 0) {
		FAIL(e, RC_BROKEN, "no proposal '" STR_FMT "' of nobody", STR_ARG(p->what));
	}
	if (!is_there(ev) || evidence_may_override(s, ev, destroys) != REASON_NONE) {
		FAIL(e, RC_BROKEN, "what is proposed for e%" PRIu64 " may not be done", ev->ix);
	}
	return state_reserve_text(s, l, e);
}

void state_apply_evidence_proposed(struct state *s, const struct leaf *l)
{
	const struct leaf_evidence_proposed *p = &s->pending.own.evidence_proposed;
	struct evidence_object *o = link_to(s, l->evidence_proposed.evidence);

	o->pub.proposal = (struct evidence_proposal){
	    .ix = s->size,
	    .destroys = str_eq(p->what, STR("destroy")),
	    .keep_until_unix_ms = p->keep_until,
	    .not_after_unix_ms = p->not_after,
	    .by = p->by,
	};
	state_take_changed(s, &o->o);
}

/* Does another person confirm what was proposed? */
static enum rc check_second(const struct evidence *ev, uint64_t proposal, struct str by,
			    bool destroys, uint64_t t, struct err *e)
{
	const struct evidence_proposal *p = &ev->proposal;

	if (proposal == 0 || proposal != p->ix || destroys != p->destroys ||
	    t > p->not_after_unix_ms || by.n == 0 || str_eq(by, p->by)) {
		FAIL(e, RC_BROKEN, "e%" PRIu64 ": two persons did not agree on this", ev->ix);
	}
	return RC_OK;
}

/* (3) */
enum rc state_reserve_evidence_keep(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_evidence_keep *k = &l->evidence_keep;
	const struct evidence *ev;

	TRY(need_link(s, k->evidence, k->prior, k->nth, &ev, e));
	if (!is_there(ev)) {
		FAIL(e, RC_BROKEN, "e%" PRIu64 " is destroyed", ev->ix);
	}
	if (k->keep_until >= ev->keep_until_unix_ms) {
		return RC_OK;
	}
	if (evidence_may_override(s, ev, false) != REASON_NONE ||
	    k->keep_until != ev->proposal.keep_until_unix_ms) {
		FAIL(e, RC_BROKEN, "the time of e%" PRIu64 " may not be shortened so", ev->ix);
	}
	return check_second(ev, k->proposal, k->by, false, l->t, e);
}

void state_apply_evidence_keep(struct state *s, const struct leaf *l)
{
	struct evidence_object *o = link_to(s, l->evidence_keep.evidence);

	o->pub.keep_until_unix_ms = l->evidence_keep.keep_until;
	o->pub.proposal = (struct evidence_proposal){0};
}

/* ---- destroying ---- */

/* (2) */
enum rc state_reserve_evidence_destroyed(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_evidence_destroyed *d = &l->evidence_destroyed;
	const struct evidence *ev;

	TRY(need_link(s, d->evidence, d->prior, d->nth, &ev, e));
	if (!is_there(ev)) {
		FAIL(e, RC_BROKEN, "e%" PRIu64 " is destroyed already", ev->ix);
	}
	if (d->by.n == 0) {
		FAIL(e, RC_BROKEN, "e%" PRIu64 " is destroyed by nobody", ev->ix);
	}
	if (str_eq(d->authority, STR("expired"))) {
		if (evidence_may_expire(s, ev, l->t) != REASON_NONE) {
			FAIL(e, RC_BROKEN, "e%" PRIu64 " is held or its time is not over", ev->ix);
		}
		return RC_OK;
	}
	if (!str_eq(d->authority, STR("people")) ||
	    evidence_may_override(s, ev, true) != REASON_NONE) {
		FAIL(e, RC_BROKEN, "e%" PRIu64 " may not be destroyed by '" STR_FMT "'", ev->ix,
		     STR_ARG(d->authority));
	}
	return check_second(ev, d->proposal, d->by, true, l->t, e);
}

void state_apply_evidence_destroyed(struct state *s, const struct leaf *l)
{
	struct evidence_object *o = link_to(s, l->evidence_destroyed.evidence);

	o->pub.state = EVIDENCE_DESTROYED;
	o->pub.proposal = (struct evidence_proposal){0};
}

enum rc state_reserve_evidence_key_gone(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_evidence_key_gone *k = &l->evidence_key_gone;
	const struct evidence *ev;

	TRY(need_link(s, k->evidence, k->prior, k->nth, &ev, e));
	if (ev->state != EVIDENCE_DESTROYED || k->key != ev->key || k->read_back.n == 0) {
		FAIL(e, RC_BROKEN, "the key of e%" PRIu64 " goes without its proof", ev->ix);
	}
	return RC_OK;
}

void state_apply_evidence_key_gone(struct state *s, const struct leaf *l)
{
	link_to(s, l->evidence_key_gone.evidence)->pub.state = EVIDENCE_KEY_GONE;
}

/* ---- used by call.decided ---- */

/* Which of the kinds lacks an item among those cited? */
static enum rc find_uncovered(const struct state *s, const struct leaf_call_decided *c,
			      uint64_t incident, struct str *kinds, size_t *ret_n, struct err *e)
{
	*ret_n = 0;
	for (size_t k = 0; k < c->requires.n; k++) {
		size_t n_covered = 0;

		for (size_t t = 0; t < c->targets.n; t++) {
			bool is_covered = false;

			for (size_t i = 0; i < c->preserved.n && !is_covered; i++) {
				const struct evidence *ev;
				uint64_t ix;

				if (!id_parse(c->preserved.p[i], 'e', &ix) ||
				    !(ev = state_evidence(s, ix)) || ev->incident != incident ||
				    ev->state != EVIDENCE_KEPT) {
					FAIL(e, RC_BROKEN, "'" STR_FMT "' is no evidence here",
					     STR_ARG(c->preserved.p[i]));
				}
				is_covered = str_eq(ev->kind, c->requires.p[k]) &&
					     str_list_has(&ev->targets, c->targets.p[t]);
			}
			n_covered += is_covered;
		}
		if (n_covered < c->targets.n || c->targets.n == 0) {
			kinds[(*ret_n)++] = c->requires.p[k];
		}
	}
	return RC_OK;
}

/* (4) */
enum rc state_check_evidence_use(const struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_call_decided *c = &l->call_decided;
	const struct task *task = state_task(s, c->task);
	struct str kinds[LIMIT_EVIDENCE_KINDS];
	struct str_list missing = {.p = kinds};

	if (c->requires.n == 0) {
		if (c->waiver || c->preserved.n) {
			FAIL(e, RC_BROKEN, "evidence is cited and none is required");
		}
		return RC_OK;
	}
	if (!task || c->requires.n > LIMIT_EVIDENCE_KINDS) {
		FAIL(e, RC_BROKEN, "evidence is required without a task, or of too many kinds");
	}
	TRY(find_uncovered(s, c, task->incident, kinds, &missing.n, e));
	if (missing.n == 0 && c->waiver == 0) {
		return RC_OK;
	}
	if (missing.n == 0 || c->waiver == 0 ||
	    evidence_waiver(s, c->task, c->tool, &c->targets, &missing, l->t) != c->waiver) {
		FAIL(e, RC_BROKEN, "the call lacks evidence of kind '" STR_FMT "'",
		     STR_ARG(missing.n ? missing.p[0] : STR("")));
	}
	return RC_OK;
}
