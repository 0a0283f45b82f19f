/* SPDX-License-Identifier: Apache-2.0 */
/* core/recompute_people.c - lifts of stops, autonomy, broken glass; what of people is looked at.
 *
 * Trust:  the leaf is what somebody recorded; names in it may be of nobody.
 * Holds:  (1) the very functions that let people act say whether they might.
 *         (2) while the clock is not believed, the log's time says nothing about when it was too
 *             late, and is not compared.
 */
#include "core/recompute_people.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/agent_record.h"
#include "core/autonomy.h"
#include "core/decide.h"
#include "core/deviation.h"
#include "core/recompute_impl.h"

bool recompute_is_of_people(const struct leaf *l)
{
	switch ((int)l->kind) {
	case LEAF_APPROVAL_VOTED:
	case LEAF_APPROVAL_SETTLED:
	case LEAF_KILL_LIFT_PROPOSED:
	case LEAF_KILL_CLEARED:
	case LEAF_AGENT_BREACHED:
	case LEAF_AUTONOMY_ENDORSED:
	case LEAF_AUTONOMY_CHANGED:
	case LEAF_PROPOSAL_JUDGED:
	case LEAF_BREAK_GLASS_OPENED:
	case LEAF_BREAK_GLASS_REVIEWED:
	case LEAF_ROTA_SET:
	case LEAF_TASK_ACCOUNTABLE:
	case LEAF_TERM_OWNER:
	case LEAF_ESCALATION_OPENED:
	case LEAF_ESCALATION_MOVED:
	case LEAF_ESCALATION_ENDED:
	case LEAF_TASK_PHASE:
	case LEAF_TASK_SUSPENDED:
	case LEAF_TASK_RESUMED:
	case LEAF_TASK_ENDED:
	case LEAF_CALL_COMPLETED:
	case LEAF_TOOL_OBSERVED:
	case LEAF_AGENT_PAUSED:
	case LEAF_PREAPPROVAL_OPENED:
	case LEAF_PREAPPROVAL_ENDED:
	case LEAF_EVIDENCE_CUSTODY:
	case LEAF_EVIDENCE_PROPOSED:
	case LEAF_EVIDENCE_KEEP:
	case LEAF_EVIDENCE_DESTROYED:
	case LEAF_HOLD_PLACED:
	case LEAF_HOLD_RELEASED:
	case LEAF_WAIVER_PROPOSED:
	case LEAF_WAIVER_GRANTED:
	case LEAF_ERASE_PROPOSED:
	case LEAF_ERASE_DECIDED:
	case LEAF_PRUNE_PROPOSED:
	case LEAF_LOG_PRUNED:
	case LEAF_BREAKER_RESET:
	case LEAF_REHEARSAL_STARTED:
	case LEAF_TERM_CHANGED:
	case LEAF_CLOCK_CONFIRMED:
	case LEAF_LEASE_INTENDED:
		return true;
	default:
		return false;
	}
}

enum rc look_differs(struct look *k, struct err *e, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut when names are long */
	va_end(ap);
	k->difference = arena_str(k->arena, str_from(text));
	if (!k->difference.p) {
		FAIL(e, RC_NOMEM, "no memory for a difference");
	}
	return RC_OK;
}

bool look_is_past(const struct look *k, uint64_t unix_ms)
{
	return !state_clock_jump(k->s) && k->l->t != k->pinned_unix_ms &&
	       k->l->t > unix_ms + RECOMPUTE_SLACK_MS;
}

bool look_is_early(const struct look *k, uint64_t unix_ms)
{
	return !state_clock_jump(k->s) && k->l->t + RECOMPUTE_SLACK_MS < unix_ms;
}

bool look_is_at(const struct look *k, uint64_t unix_ms)
{
	/* A clock that was set back a moment ago shows as time that stands still. */
	bool may_be_back = k->l->t == state_last_unix_ms(k->s);

	return unix_ms != 0 && !look_is_early(k, unix_ms) &&
	       (may_be_back || !look_is_past(k, unix_ms));
}

/* ---- stops ---- */

static enum rc look_at_lift(struct look *k, const struct kill *kill, struct str person,
			    enum lift said, struct err *e)
{
	static const char *const names[] = {[LIFT_REFUSED] = "refused",
					    [LIFT_PROPOSES] = "a proposal",
					    [LIFT_CONFIRMS] = "a confirmation"};
	enum lift now;

	if (!kill) {
		return look_differs(k, e, "no such stop is in force");
	}
	if (!bundle_person(k->b, person)) {
		return look_differs(k, e, "'" STR_FMT "' is no person of the deployment",
				    STR_ARG(person));
	}
	now = decide_lift(k->s, k->b, kill, person, k->l->t);
	if (now != said && !state_clock_jump(k->s)) {
		return look_differs(k, e, "lift by '" STR_FMT "': %s in the log, %s now",
				    STR_ARG(person), names[said], names[now]);
	}
	return RC_OK;
}

static enum rc look_at_proposed_lift(struct look *k, struct err *e)
{
	const struct leaf_kill_lift_proposed *p = &k->l->kill_lift_proposed;
	const struct kill *kill = state_next_kill(k->s, p->kill);

	if (!kill || kill->ix != p->kill ||
	    state_newest_kill(k->s, kill->scope, kill->name) != kill) {
		return look_differs(k, e, "it is not the newest stop of its scope and name");
	}
	return look_at_lift(k, kill, p->by, LIFT_PROPOSES, e);
}

static enum rc look_at_lifted(struct look *k, struct err *e)
{
	const struct leaf_kill_cleared *c = &k->l->kill_cleared;

	if (!bundle_person(k->b, c->proposed_by)) {
		return look_differs(k, e, "'" STR_FMT "' is no person of the deployment",
				    STR_ARG(c->proposed_by));
	}
	return look_at_lift(k, state_newest_kill(k->s, c->scope, c->name), c->by, LIFT_CONFIRMS, e);
}

/* ---- autonomy ---- */

static enum rc look_at_fallen(struct look *k, const struct agent *a, enum effect effect,
			      enum breach why, struct str said, struct err *e)
{
	enum autonomy after = autonomy_after(k->s, k->b, a, effect, why);
	bool changes = after != autonomy_in_force(k->s, k->b, a, effect);
	struct str now = changes ? autonomy_name(after) : STR("");

	return k->difference.p || str_eq(said, now)
		   ? RC_OK
		   : look_differs(k, e, STR_FMT ": '" STR_FMT "' in the log, '" STR_FMT "' now",
				  STR_ARG(effect_name(effect)), STR_ARG(said), STR_ARG(now));
}

/* Does what it is about show it? */
static bool is_due(const struct look *k, const struct agent *a, enum breach why)
{
	const struct leaf_agent_breached *x = &k->l->agent_breached;
	const struct agent_record *r = state_agent_record(k->s, a->id);
	const struct call *c = state_call(k->s, x->cause);
	const struct task *t = state_task(k->s, x->task);
	uint64_t limit = k->b->autonomy.attempts_count;
	uint64_t attempts = autonomy_attempts(r, k->b, k->l->t - RECOMPUTE_SLACK_MS);

	switch (why) {
	case BREACH_ATTEMPTS:
	case BREACH_SEVERE:
		return limit && r && r->n_attempts && attempts >= limit &&
		       (why == BREACH_SEVERE) ==
			   (r->attempts[r->n_attempts - 1].weight >= DEVIATION_SEVERE);
	case BREACH_SUSPENDED:
		return t && t->state == TASK_SUSPENDED && str_eq(t->agent, a->id);
	case BREACH_UNVERIFIED:
		return c && t && c->task == t->ix && str_eq(t->agent, a->id) && c->is_verified &&
		       !c->verified_holds;
	case BREACHES:
		break;
	}
	return false;
}

static enum rc look_at_breach(struct look *k, struct err *e)
{
	const struct leaf_agent_breached *x = &k->l->agent_breached;
	const struct agent *a = bundle_agent(k->b, x->agent);
	enum breach why;

	if (!a || !breach_from_name(x->why, &why)) {
		return look_differs(k, e, "a breach of no agent of the deployment");
	}
	if (!is_due(k, a, why)) {
		return look_differs(k, e, "why: '" STR_FMT "', which nothing shows",
				    STR_ARG(x->why));
	}
	TRY(look_at_fallen(k, a, EFFECT_CONTAIN, why, x->contain, e));
	return look_at_fallen(k, a, EFFECT_DESTROY, why, x->destroy, e);
}

static enum rc look_at_promoter(struct look *k, const struct agent *a, enum effect effect,
				enum autonomy level, struct str person, struct err *e)
{
	const struct person *p = bundle_person(k->b, person);
	enum reason reason = REASON_APPROVER_AUTH;
	struct str detail = STR_NULL;

	if (p) {
		TRY(autonomy_may_promote(k->s, k->b, a, effect, level, p, k->l->t, k->arena,
					 &reason, &detail, e));
	}
	return reason == REASON_NONE || k->difference.p
		   ? RC_OK
		   : look_differs(k, e, "'" STR_FMT "' may not promote it: " STR_FMT " " STR_FMT,
				  STR_ARG(person), STR_ARG(reason_code(reason)), STR_ARG(detail));
}

static enum rc look_at_endorsed(struct look *k, struct err *e)
{
	const struct leaf_autonomy_endorsed *x = &k->l->autonomy_endorsed;
	const struct agent *a = bundle_agent(k->b, x->agent);
	enum autonomy level;
	enum effect effect;

	if (!a || !effect_from_name(x->effect, &effect) || !autonomy_from_name(x->level, &level)) {
		return look_differs(k, e, "no agent, effect or level of the deployment");
	}
	return look_at_promoter(k, a, effect, level, x->person, e);
}

static bool has_endorsed(const struct agent_record *r, struct str person)
{
	for (size_t i = 0; r && i < r->n_endorsers; i++) {
		if (str_eq(r->endorsers[i], person)) {
			return true;
		}
	}
	return false;
}

/* By the person that is last in the list, and another who had endorsed it. */
static enum rc look_at_promotion(struct look *k, const struct agent *a, enum effect effect,
				 enum autonomy level, struct err *e)
{
	const struct leaf_autonomy_changed *x = &k->l->autonomy_changed;
	const struct agent_record *r = state_agent_record(k->s, x->agent);

	for (size_t i = 0; i < x->by.n; i++) {
		TRY(look_at_promoter(k, a, effect, level, x->by.p[i], e));
	}
	if (k->difference.p) {
		return RC_OK;
	}
	if (!state_clock_jump(k->s) && !state_endorsement_stands(r, effect, level, k->l->t)) {
		return look_differs(k, e, "a promotion that nobody had endorsed");
	}
	return x->by.n < 1 || has_endorsed(r, x->by.p[0])
		   ? RC_OK
		   : look_differs(k, e, "'" STR_FMT "' had not endorsed it", STR_ARG(x->by.p[0]));
}

static enum rc look_at_changed(struct look *k, struct err *e)
{
	const struct leaf_autonomy_changed *x = &k->l->autonomy_changed;
	const struct agent *a = bundle_agent(k->b, x->agent);
	const struct agent_record *r = state_agent_record(k->s, x->agent);
	struct agreement tally = {0};
	enum autonomy level;
	enum effect effect;

	if (!a || !effect_from_name(x->effect, &effect) || !autonomy_from_name(x->level, &level)) {
		return look_differs(k, e, "no agent, effect or level of the deployment");
	}
	if (r) {
		tally = r->tallies[effect];
	}
	if (x->judged != tally.judged || x->agreed != tally.agreed) {
		return look_differs(k, e, "numbers: %ju of %ju in the log, %ju of %ju now",
				    (uintmax_t)x->agreed, (uintmax_t)x->judged,
				    (uintmax_t)tally.agreed, (uintmax_t)tally.judged);
	}
	if (!str_eq(x->base, autonomy_name(autonomy_base(k->b, a, effect)))) {
		return look_differs(k, e, "base: '" STR_FMT "' is not what the deployment gave",
				    STR_ARG(x->base));
	}
	if (str_eq(x->why, STR("promoted"))) {
		return look_at_promotion(k, a, effect, level, e);
	}
	if (!x->by.n || !bundle_person(k->b, x->by.p[0])) {
		return look_differs(k, e, "demoted by no person of the deployment");
	}
	return level < autonomy_in_force(k->s, k->b, a, effect)
		   ? RC_OK
		   : look_differs(k, e, "demoted to no less than it had");
}

static enum rc look_at_judged(struct look *k, struct err *e)
{
	const struct leaf_proposal_judged *x = &k->l->proposal_judged;
	const struct proposal *p = state_proposal(k->s, x->proposal);
	const struct agent *a = p ? bundle_agent(k->b, p->agent) : NULL;
	const struct person *person = bundle_person(k->b, x->person);

	return a && person && autonomy_may_judge(k->b, a, person) == REASON_NONE
		   ? RC_OK
		   : look_differs(k, e, "'" STR_FMT "' may not judge it", STR_ARG(x->person));
}

/* ---- broken glass ---- */

static enum rc look_at_glass(struct look *k, struct err *e)
{
	const struct leaf_break_glass_opened *x = &k->l->break_glass_opened;
	const struct break_glass_rules *rules = &k->b->break_glass;
	const struct incident *i = state_incident(k->s, x->incident);
	const struct task *t = state_task(k->s, x->task);

	if (!str_list_has(&rules->people, x->person)) {
		return look_differs(k, e, "'" STR_FMT "' is not named for it", STR_ARG(x->person));
	}
	if (!i || i->status != INCIDENT_OPEN || !t || t->incident != x->incident ||
	    !str_eq(t->accountable, x->person)) {
		return look_differs(k, e,
				    "its task is not that person's, under that open incident");
	}
	if (!state_clock_jump(k->s) &&
	    (x->not_after > k->l->t + rules->max_ms + RECOMPUTE_SLACK_MS ||
	     x->review_by > k->l->t + rules->review_ms + RECOMPUTE_SLACK_MS)) {
		return look_differs(k, e, "it lasts, or its review waits, longer than it may");
	}
	return RC_OK;
}

static enum rc look_at_review(struct look *k, struct err *e)
{
	const struct leaf_break_glass_reviewed *x = &k->l->break_glass_reviewed;
	const struct break_glass *g = state_break_glass(k->s, x->break_glass);
	const struct task *t = g ? state_task(k->s, g->task) : NULL;

	if (!bundle_person(k->b, x->by)) {
		return look_differs(k, e, "'" STR_FMT "' is no person of the deployment",
				    STR_ARG(x->by));
	}
	return !g || g->reviewed_by.n || (t && t->state == TASK_RUNNING)
		   ? look_differs(k, e, "reviewed already, or while it goes on")
		   : RC_OK;
}

/* ---- all ---- */

static enum rc look(struct look *k, struct err *e)
{
	switch ((int)k->l->kind) {
	case LEAF_APPROVAL_VOTED:
		return look_at_vote(k, e);
	case LEAF_APPROVAL_SETTLED:
		return look_at_settled(k, e);
	case LEAF_KILL_LIFT_PROPOSED:
		return look_at_proposed_lift(k, e);
	case LEAF_KILL_CLEARED:
		return look_at_lifted(k, e);
	case LEAF_AGENT_BREACHED:
		return look_at_breach(k, e);
	case LEAF_AUTONOMY_ENDORSED:
		return look_at_endorsed(k, e);
	case LEAF_AUTONOMY_CHANGED:
		return look_at_changed(k, e);
	case LEAF_PROPOSAL_JUDGED:
		return look_at_judged(k, e);
	case LEAF_BREAK_GLASS_OPENED:
		return look_at_glass(k, e);
	case LEAF_BREAK_GLASS_REVIEWED:
		return look_at_review(k, e);
	case LEAF_ROTA_SET:
		return look_at_duty(k, e);
	case LEAF_TASK_ACCOUNTABLE:
		return look_at_accountable(k, e);
	case LEAF_TERM_OWNER:
		return look_at_term_owner(k, e);
	case LEAF_ESCALATION_OPENED:
		return look_at_escalated(k, e);
	case LEAF_ESCALATION_MOVED:
		return look_at_rung(k, e);
	case LEAF_ESCALATION_ENDED:
		return look_at_escalation_end(k, e);
	case LEAF_TASK_PHASE:
		return look_at_phase(k, e);
	case LEAF_TASK_SUSPENDED:
		return look_at_suspended(k, e);
	case LEAF_TASK_RESUMED:
		return look_at_resumed(k, e);
	case LEAF_TASK_ENDED:
		return look_at_ended(k, e);
	case LEAF_CALL_COMPLETED:
		return look_at_outcome(k, e);
	case LEAF_TOOL_OBSERVED:
		return look_at_definition(k, e);
	case LEAF_AGENT_PAUSED:
		return look_at_pause(k, e);
	default:
		return look_at_act(k, e);
	}
}

enum rc recompute_people(const struct state *s, const struct bundle *b, const struct leaf *l,
			 uint64_t pinned_unix_ms, struct arena *arena, struct str *ret_difference,
			 struct err *e)
{
	struct look k = {.s = s,
			 .b = b,
			 .l = l,
			 .pinned_unix_ms = pinned_unix_ms,
			 .arena = arena,
			 .difference = STR_NULL};

	TRY(look(&k, e));
	*ret_difference = k.difference;
	return RC_OK;
}
