/* SPDX-License-Identifier: Apache-2.0 */
/* core/recompute_act.c - what people gave in advance, waived, kept, destroyed, tried and let stand.
 *
 * Trust:  as core/recompute_people.c.
 * Holds:  (1) the very functions that let people act say whether they might; whoever acts is a
 *             person of the deployment.
 */
#include "core/evidence.h"
#include "core/recompute_impl.h"
#include "core/rehearsal.h"

/* (1) */
static enum rc look_at_person(struct look *k, struct str name, struct err *e)
{
	return bundle_person(k->b, name)
		   ? RC_OK
		   : look_differs(k, e, "'" STR_FMT "' is no person of the deployment",
				  STR_ARG(name));
}

/* ---- given in advance ---- */

static bool is_preapproval_bounded(const struct look *k, const struct leaf_preapproval_opened *x)
{
	uint64_t most = UINT64_C(86400000) * PREAPPROVAL_MAX_DAYS + RECOMPUTE_SLACK_MS;

	return x->max_uses <= PREAPPROVAL_MAX_USES &&
	       x->window_ms <= UINT64_C(1000) * PREAPPROVAL_MAX_WINDOW_S &&
	       (state_clock_jump(k->s) || x->not_after <= k->l->t + most);
}

static enum rc look_at_preapproval(struct look *k, struct err *e)
{
	const struct leaf_preapproval_opened *x = &k->l->preapproval_opened;
	const struct person *p = bundle_person(k->b, x->person);
	const struct agent *a = bundle_agent(k->b, x->agent);
	const struct tool *t = bundle_tool(k->b, x->tool);
	enum reason reason;

	if (!p || !a || !t) {
		return look_differs(k, e, "no person, agent or tool of the deployment");
	}
	if (!decide_is_preapprovable(t)) {
		return look_differs(k, e, "'" STR_FMT "' wants an approval for each call",
				    STR_ARG(x->tool));
	}
	reason = decide_may_preapprove(k->b, p, a);
	if (reason != REASON_NONE) {
		return look_differs(k, e, "'" STR_FMT "' may not say it in advance: " STR_FMT,
				    STR_ARG(x->person), STR_ARG(reason_code(reason)));
	}
	return is_preapproval_bounded(k, x)
		   ? RC_OK
		   : look_differs(k, e, "more uses, or for longer, than may be given in advance");
}

/* ---- evidence ---- */

static enum rc look_at_custodian(struct look *k, struct str name, struct err *e)
{
	const struct person *p = bundle_person(k->b, name);

	return p && evidence_is_custodian(k->b, p)
		   ? RC_OK
		   : look_differs(k, e, "'" STR_FMT "' is no custodian of evidence", STR_ARG(name));
}

/* Remit itself checks, and removes what was destroyed. */
static enum rc look_at_custody(struct look *k, struct err *e)
{
	const struct leaf_evidence_custody *x = &k->l->evidence_custody;

	if (str_eq(x->event, STR("read")) || str_eq(x->event, STR("exported")) ||
	    str_eq(x->event, STR("released"))) {
		return look_at_custodian(k, x->by, e);
	}
	return str_eq(x->by, STR("remit")) ? RC_OK : look_at_person(k, x->by, e);
}

static enum rc look_at_waiver(struct look *k, struct err *e)
{
	const struct leaf_waiver_proposed *x = &k->l->waiver_proposed;
	const struct tool *t = bundle_tool(k->b, x->tool);

	if (!t || x->targets.n == 0 || x->kinds.n == 0 ||
	    !str_list_within(&x->kinds, &t->requires)) {
		return look_differs(k, e, "kinds: others than the tool requires, or of no target");
	}
	if (!state_clock_jump(k->s) &&
	    x->not_after > k->l->t + UINT64_C(1000) * WAIVER_MAX_S + RECOMPUTE_SLACK_MS) {
		return look_differs(k, e, "not_after: longer than a waiver lives");
	}
	return look_at_custodian(k, x->by, e);
}

static enum rc look_at_waived(struct look *k, struct err *e)
{
	const struct leaf_waiver_granted *x = &k->l->waiver_granted;
	const struct waiver *w = state_waiver(k->s, x->waiver);
	const struct task *t = w ? state_task(k->s, w->task) : NULL;
	const struct person *p = bundle_person(k->b, x->by);

	if (!t || !p || waiver_has_conflict(k->b, t, p)) {
		return look_differs(k, e, "'" STR_FMT "' may not waive it", STR_ARG(x->by));
	}
	return look_at_custodian(k, x->by, e);
}

/* ---- two persons, about what is sealed and logged ---- */

static enum rc look_at_two(struct look *k, struct str by, struct str proposed_by, struct err *e)
{
	TRY(look_at_person(k, by, e));
	return k->difference.p ? RC_OK : look_at_person(k, proposed_by, e);
}

/* ---- tried, let stand ---- */

static enum rc look_at_rehearsal(struct look *k, struct err *e)
{
	const struct leaf_rehearsal_started *x = &k->l->rehearsal_started;
	const struct tool *t = bundle_tool(k->b, x->tool);

	if (!t || !digest_eq(&x->entry, &t->entry)) {
		return look_differs(k, e, "entry: not the catalog's of '" STR_FMT "'",
				    STR_ARG(x->tool));
	}
	if (x->targets.n != 1 || !str_list_within(&x->targets, &t->rehearsal_targets)) {
		return look_differs(k, e, "targets: none that is there for that");
	}
	return look_at_person(k, x->by, e);
}

static enum rc look_at_term(struct look *k, struct err *e)
{
	const struct leaf_term_changed *x = &k->l->term_changed;

	if (!str_eq(x->how, STR("kept"))) {
		return str_eq(x->by, STR("remit")) ? RC_OK : look_at_person(k, x->by, e);
	}
	if (!state_clock_jump(k->s) &&
	    x->ends_at > k->l->t + UINT64_C(1000) * TERM_KEEP_MAX_S + RECOMPUTE_SLACK_MS) {
		return look_differs(k, e, "ends_at: kept for longer than it may be");
	}
	return look_at_person(k, x->by, e);
}

/* ---- lent ---- */

static bool is_credential(const struct credential *c, const struct leaf_lease_intended *x)
{
	return c->backend.n && str_eq(c->backend, x->backend) && str_eq(c->scope, x->scope);
}

static bool is_in_catalog(const struct bundle *b, const struct leaf_lease_intended *x)
{
	for (size_t i = 0; i < b->n_tools; i++) {
		if (is_credential(&b->tools[i].credential, x) ||
		    is_credential(&b->tools[i].upstream->credential, x)) {
			return true;
		}
	}
	return false;
}

/* For a task as long as that may run; to look at a target or undo something some minutes. */
static enum rc look_at_lease(struct look *k, struct err *e)
{
	const struct leaf_lease_intended *x = &k->l->lease_intended;
	const struct task *t = state_task(k->s, x->task);
	uint64_t most = k->l->t + LEASE_LOOK_MS + RECOMPUTE_SLACK_MS;

	if (!is_in_catalog(k->b, x)) {
		return look_differs(
		    k, e, "scope: no tool of the catalog wants '" STR_FMT "' of '" STR_FMT "'",
		    STR_ARG(x->scope), STR_ARG(x->backend));
	}
	if (x->task && !t) {
		return look_differs(k, e, "task: it is lent to none");
	}
	most = t && t->not_after_unix_ms > most ? t->not_after_unix_ms : most;
	return !state_clock_jump(k->s) && x->not_after > most
		   ? look_differs(k, e, "not_after: longer than its task may run")
		   : RC_OK;
}

static enum rc look_at_clock(struct look *k, struct err *e)
{
	const struct leaf_clock_confirmed *x = &k->l->clock_confirmed;

	return str_eq(x->by, STR("clock")) ? RC_OK : look_at_person(k, x->by, e);
}

enum rc look_at_act(struct look *k, struct err *e)
{
	const struct leaf *l = k->l;

	switch ((int)l->kind) {
	case LEAF_PREAPPROVAL_OPENED:
		return look_at_preapproval(k, e);
	case LEAF_PREAPPROVAL_ENDED:
		return look_at_person(k, l->preapproval_ended.by, e);
	case LEAF_EVIDENCE_CUSTODY:
		return look_at_custody(k, e);
	case LEAF_EVIDENCE_PROPOSED:
		return look_at_custodian(k, l->evidence_proposed.by, e);
	case LEAF_EVIDENCE_KEEP:
		return look_at_custodian(k, l->evidence_keep.by, e);
	case LEAF_EVIDENCE_DESTROYED:
		return look_at_custodian(k, l->evidence_destroyed.by, e);
	case LEAF_HOLD_PLACED:
		return look_at_person(k, l->hold_placed.by, e);
	case LEAF_HOLD_RELEASED:
		return look_at_custodian(k, l->hold_released.by, e);
	case LEAF_WAIVER_PROPOSED:
		return look_at_waiver(k, e);
	case LEAF_WAIVER_GRANTED:
		return look_at_waived(k, e);
	case LEAF_ERASE_PROPOSED:
		return look_at_person(k, l->erase_proposed.by, e);
	case LEAF_ERASE_DECIDED:
		return look_at_two(k, l->erase_decided.by, l->erase_decided.proposed_by, e);
	case LEAF_PRUNE_PROPOSED:
		return look_at_person(k, l->prune_proposed.by, e);
	case LEAF_LOG_PRUNED:
		return look_at_two(k, l->log_pruned.by, l->log_pruned.proposed_by, e);
	case LEAF_BREAKER_RESET:
		return look_at_person(k, l->breaker_reset.by, e);
	case LEAF_REHEARSAL_STARTED:
		return look_at_rehearsal(k, e);
	case LEAF_TERM_CHANGED:
		return look_at_term(k, e);
	case LEAF_CLOCK_CONFIRMED:
		return look_at_clock(k, e);
	case LEAF_LEASE_INTENDED:
		return look_at_lease(k, e);
	default:
		return RC_OK;
	}
}
