/* SPDX-License-Identifier: Apache-2.0 */
/* core/recompute_question.c - answers of people, and what settles a question.
 *
 * Trust:  as core/recompute_people.c.
 * Holds:  (1) the very functions that let people answer say whether they might.
 *         (2) a question ends without an answer only for what the state shows: its time was over,
 *             its ladder had come to a safe state, what it belongs to had ended or was stopped, its
 *             target had been looked at again. That a bundle came after it is for log_lint.c.
 */
#include "core/decide_impl.h"
#include "core/escalation.h"
#include "core/recompute_impl.h"

enum rc look_at_vote(struct look *k, struct err *e)
{
	const struct leaf_approval_voted *v = &k->l->approval_voted;
	const struct approval *a = state_approval(k->s, v->approval);
	struct str why;
	enum reason reason;

	if (!a) {
		return look_differs(k, e, "a vote on no question");
	}
	reason = decide_vote(k->s, k->b, a, bundle_person(k->b, v->person), &why); /* (1) */
	if (reason != REASON_NONE) {
		return look_differs(k, e, "'" STR_FMT "' may not vote: " STR_FMT " " STR_FMT,
				    STR_ARG(v->person), STR_ARG(reason_code(reason)), STR_ARG(why));
	}
	if (!digest_eq(&v->shown, &a->shown)) {
		return look_differs(k, e, "shown: the vote is on another question than was asked");
	}
	return look_is_past(k, a->decide_by_unix_ms)
		   ? look_differs(k, e, "the vote came after the time to decide")
		   : RC_OK;
}

static bool has_a_no(const struct approval *a)
{
	for (size_t i = 0; i < a->n_votes; i++) {
		if (!a->votes[i].grants) {
			return true;
		}
	}
	return false;
}

/* Did the ladder that the question climbs come to a safe state? Then nobody is waited for. */
static bool has_come_to_safe(const struct look *k, const struct approval *a)
{
	const struct escalation *x = state_escalation_of(k->s, a->ix);
	const struct gate *gate = a->gates.n ? bundle_gate(k->b, a->gates.p[0]) : NULL;
	const struct group *g = gate ? bundle_group(k->b, gate->group) : NULL;
	struct ladder ladder;

	if (!x || !g || x->level == 0) {
		return false;
	}
	ladder = ladder_of(g);
	return x->level <= ladder.n && ladder.rungs[x->level - 1].safe != SAFE_NONE;
}

static enum rc look_at_expired(struct look *k, const struct approval *a, struct err *e)
{
	const struct leaf_approval_settled *x = &k->l->approval_settled;
	bool is_granted = a->state == APPROVAL_GRANTED;
	uint64_t ends = is_granted ? a->execute_by_unix_ms : a->decide_by_unix_ms;

	if (!str_eq(x->reason, reason_code(REASON_APPROVAL_EXPIRED))) {
		return look_differs(k, e, "expired, and another reason is given");
	}
	return look_is_early(k, ends) && (is_granted || !has_come_to_safe(k, a))
		   ? look_differs(k, e, "expired before its time was over")
		   : RC_OK;
}

/* Was the target read again, beside what the question shows? */
static bool was_looked_at_again(const struct state *s, const struct approval *a)
{
	const struct call *c;
	uint64_t from = 0;

	while ((c = state_next_call(s, from))) {
		from = c->ix + 1;
		if (c->task == a->task && c->ix != a->evidence && str_eq(c->outcome, STR("ok")) &&
		    str_eq(c->purpose, STR("capture"))) {
			return true;
		}
	}
	return false;
}

/* (2) */
static bool is_void_for(const struct look *k, const struct approval *a, enum reason reason)
{
	const struct task *t = state_task(k->s, a->task);
	const struct incident *i = state_incident(k->s, a->incident);

	switch ((int)reason) {
	case REASON_TASK_SUSPENDED:
		return t && t->state == TASK_SUSPENDED;
	case REASON_TASK_ENDED:
		return t && (t->state == TASK_ENDED || t->state == TASK_CLOSED);
	case REASON_INCIDENT_NOT_OPEN:
		return i && i->status != INCIDENT_OPEN;
	case REASON_KILL_ACTIVE:
		return check_kill(k->s, k->b, a->agent, a->task, a->tool) != REASON_NONE;
	case REASON_TARGET_IN_USE:
		return a->state == APPROVAL_GRANTED && a->kind == APPROVAL_CALL &&
		       was_looked_at_again(k->s, a);
	case REASON_APPROVAL_VOID: /* another bundle: log_lint.c */
		return true;
	default:
		return false;
	}
}

static enum rc look_at_void(struct look *k, const struct approval *a, struct err *e)
{
	const struct leaf_approval_settled *x = &k->l->approval_settled;
	enum reason reason;

	return reason_from_code(x->reason, &reason) && is_void_for(k, a, reason)
		   ? RC_OK
		   : look_differs(k, e, "void for '" STR_FMT "', which is not so",
				  STR_ARG(x->reason));
}

static enum rc look_at_granted(struct look *k, const struct approval *a, struct err *e)
{
	if (!decide_is_granted(k->s, k->b, a)) {
		return look_differs(
		    k, e, "granted without the quorum of every gate by persons who may vote");
	}
	return !state_clock_jump(k->s) && k->l->approval_settled.execute_by >
					      k->l->t + a->execute_by_ms + RECOMPUTE_SLACK_MS
		   ? look_differs(k, e, "execute_by: later than its gate lets it be")
		   : RC_OK;
}

static enum rc look_at_denied(struct look *k, const struct approval *a, struct err *e)
{
	if (str_eq(k->l->approval_settled.reason, reason_code(REASON_APPROVAL_NARROWED))) {
		return a->narrowed_to
			   ? RC_OK
			   : look_differs(k, e, "denied as narrowed, and nothing narrows it");
	}
	return has_a_no(a) ? RC_OK : look_differs(k, e, "denied, and nobody said no");
}

enum rc look_at_settled(struct look *k, struct err *e)
{
	const struct leaf_approval_settled *x = &k->l->approval_settled;
	const struct approval *a = state_approval(k->s, x->approval);

	if (!a) {
		return look_differs(k, e, "no question is settled");
	}
	if (str_eq(x->state, STR("granted"))) {
		return look_at_granted(k, a, e);
	}
	if (x->execute_by) {
		return look_differs(k, e, "execute_by: of a question that is not granted");
	}
	if (str_eq(x->state, STR("denied"))) {
		return look_at_denied(k, a, e);
	}
	return str_eq(x->state, STR("expired")) ? look_at_expired(k, a, e) : look_at_void(k, a, e);
}
