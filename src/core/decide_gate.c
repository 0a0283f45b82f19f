/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_gate.c - who must be asked before this call, and whether they have said yes.
 *
 * Holds:  (1) a destroy call has a gate, whatever the policies say.
 *         (2) an approval lifts exactly the gates it was asked for, for exactly this call.
 *         (3) doubt about signals is lifted by such an approval only, and not by one that was asked
 *             for before the signal that contradicts.
 */
#include "core/decide_impl.h"
#include "core/rehearsal.h"
#include "core/policy.h"

enum rc deciding_add_gate(struct deciding *c, struct str gate, struct err *e)
{
	struct str *gates;

	if (str_list_has(&c->d.gates, gate)) {
		return RC_OK;
	}
	gates = arena_alloc_n(c->arena, c->d.gates.n + 1, sizeof(*gates));
	if (!gates) {
		FAIL(e, RC_NOMEM, "no memory for a gate");
	}
	for (size_t i = 0; i < c->d.gates.n; i++) {
		gates[i] = c->d.gates.p[i];
	}
	gates[c->d.gates.n] = gate;
	c->d.gates = (struct str_list){.p = gates, .n = c->d.gates.n + 1};
	return RC_OK;
}

struct safe_alternative decide_instead(const struct bundle *b, const struct tool *t,
				       const struct str_list *gates)
{
	if (t && (t->instead.tool.n || t->instead.text.n)) {
		return t->instead;
	}
	for (size_t i = 0; i < gates->n; i++) {
		const struct gate *g = bundle_gate(b, gates->p[i]);

		if (g && (g->instead.tool.n || g->instead.text.n)) {
			return g->instead;
		}
	}
	return (struct safe_alternative){0};
}

struct str instead_text(const struct safe_alternative *s, struct arena *arena)
{
	if (!s->tool.n && !s->text.n) {
		return STR_NULL;
	}
	return arena_strf(arena, "instead: " STR_FMT "%s" STR_FMT "%s", STR_ARG(s->tool),
			  s->tool.n && s->text.n ? " (" : "", STR_ARG(s->text),
			  s->tool.n && s->text.n ? ")" : "");
}

/* An agent that says it has an approval has it, for this very call, or something is wrong: what was
 * approved is not what it is about to do. */
enum rc check_cited(struct deciding *c, struct err *e)
{
	const struct approval *a = NULL;
	uint64_t ix;

	(void)e; /* nothing here needs memory */
	if (c->r->cited.n == 0) {
		return RC_OK;
	}
	if (id_parse(c->r->cited, 'a', &ix)) {
		a = state_approval(c->s, ix);
	}
	if (!a || !str_eq(a->agent, c->r->agent)) {
		c->d.reason = REASON_APPROVAL_UNKNOWN;
	} else if (a->task != c->r->task || !digest_eq(&a->tag, &c->r->tag) ||
		   !str_eq(a->tool, c->d.tool->public_name)) {
		c->d.reason = REASON_APPROVAL_MISMATCH;
	}
	return RC_OK;
}

/* What the gates ask together. */
static enum rc sum_up_gates(struct deciding *c, struct err *e)
{
	c->d.instead = decide_instead(c->b, c->d.tool, &c->d.gates);
	c->d.quorum = 1;
	c->d.decide_by_ms = UINT64_MAX;
	c->d.execute_by_ms = UINT64_MAX;
	if (c->d.gates.n > POLICY_GATES) {
		c->d.reason = REASON_LIMIT;
		return RC_OK;
	}
	for (size_t i = 0; i < c->d.gates.n; i++) {
		const struct gate *g = bundle_gate(c->b, c->d.gates.p[i]);

		if (!g) {
			return deciding_deny(c, REASON_POLICY_ERROR, e, "there is no gate",
					     c->d.gates.p[i]);
		}
		c->d.quorum = g->quorum > c->d.quorum ? g->quorum : c->d.quorum;
		if (gate_decide_by_ms(g, c->incident->severity) < c->d.decide_by_ms) {
			c->d.decide_by_ms = gate_decide_by_ms(g, c->incident->severity);
		}
		if (g->execute_by_ms < c->d.execute_by_ms) {
			c->d.execute_by_ms = g->execute_by_ms;
		}
	}
	return RC_OK;
}

/* May this person alone open all the gates in advance? */
static bool may_open_alone(const struct deciding *c, struct str person)
{
	const struct person *p = bundle_person(c->b, person);
	const struct question q = {
	    .agent = c->r->agent, .policies = &c->d.policies, .gates = &c->d.gates};

	/* Accountable and requester are of a task, and this was said before there was one. */
	if (!p || decide_conflict(c->s, c->b, &q, person) != CONFLICT_NONE) {
		return false;
	}
	for (size_t i = 0; i < c->d.gates.n; i++) {
		const struct gate *g = bundle_gate(c->b, c->d.gates.p[i]);

		if (!g || g->quorum > 1 || !str_list_has(&p->groups, g->group)) {
			return false;
		}
	}
	return true;
}

/* The most valuable assets are asked about each time. */
static bool touches_crown_jewel(const struct deciding *c)
{
	for (size_t i = 0; i < c->d.targets.n; i++) {
		if (inventory_asset(&c->b->inventory, c->d.targets.p[i]).is_crown_jewel) {
			return true;
		}
	}
	return false;
}

/* Whoever approved in advance approved of something that can be undone: a containment, or a change
 * of access that would be one, as long as its way back was tried lately. */
static bool can_be_undone(const struct deciding *c)
{
	const struct tool *t = c->d.tool;

	if (c->d.effect != EFFECT_DESTROY) {
		return true;
	}
	return !c->has_lapsed && t->only_changes_access && !c->d.what.deletes_data &&
	       !c->d.what.touches_secrets &&
	       (t->inverse_not_needed || rehearsal_is_fresh(c->s, c->b, t, c->r->now_unix_ms));
}

static bool preapproval_covers(const struct deciding *c, const struct preapproval *p)
{
	return p->is_open && can_be_undone(c) && c->r->now_unix_ms <= p->not_after_unix_ms &&
	       str_eq(p->tool, c->d.tool->public_name) &&
	       (p->agent.n == 0 || str_eq(p->agent, c->r->agent)) &&
	       (p->class.n == 0 || str_eq(p->class, c->incident->class)) &&
	       (p->targets.n == 0 || str_list_within(&c->d.targets, &p->targets)) &&
	       may_open_alone(c, p->person);
}

/* 0 when none covers it; *ret_used_up is one that would have. */
static uint64_t find_preapproval(const struct deciding *c, uint64_t *ret_used_up)
{
	*ret_used_up = 0;
	for (const struct preapproval *p = state_next_preapproval(c->s, 0); p;
	     p = state_next_preapproval(c->s, p->ix + 1)) {
		if (!preapproval_covers(c, p)) {
			continue;
		}
		if (state_preapproval_uses(p, c->r->now_unix_ms) < p->max_uses) {
			return p->ix;
		}
		*ret_used_up = p->ix;
	}
	return 0;
}

/* A question that can never be answered with yes is not asked. */
static enum rc find_approvers(struct deciding *c, struct err *e)
{
	const struct question q = {
	    .agent = c->r->agent,
	    .task = c->r->task,
	    .incident = c->incident->ix,
	    .policies = &c->d.policies,
	    .gates = &c->d.gates,
	};
	enum rc rc = decide_approvers(c->s, c->b, &q, c->arena, &c->d.approvers, e);

	if (rc == RC_LIMIT) {
		c->d.reason = REASON_LIMIT;
		return RC_OK;
	}
	return rc;
}

/* The open question that people see this one with: same task, tool and gates. */
static uint64_t find_group(const struct deciding *c)
{
	const struct approval *a;
	uint64_t from = c->task->ix;

	while ((a = state_next_approval(c->s, from))) {
		from = a->ix + 1;
		if (a->state == APPROVAL_OPEN && a->task == c->task->ix &&
		    str_eq(a->tool, c->d.tool->public_name) &&
		    str_list_within(&a->gates, &c->d.gates) &&
		    str_list_within(&c->d.gates, &a->gates)) {
			return a->group;
		}
	}
	return 0;
}

/* same: the newest approval of this call, or NULL. */
static enum rc ask(struct deciding *c, const struct approval *same, uint64_t used_up, struct err *e)
{
	enum reason reason = c->d.quorum > 1 ? REASON_NEEDS_QUORUM : REASON_NEEDS_APPROVAL;
	struct str too_many = STR_NULL;
	char id[24];

	TRY(find_approvers(c, e));
	if (c->d.reason != REASON_NONE) {
		return RC_OK;
	}
	c->d.reason = reason;
	if (c->d.approvers.missing.p) {
		c->d.detail = c->d.approvers.missing;
		return RC_OK;
	}
	c->d.group = find_group(c);
	if (!c->r->is_narrower && (!same || same->state != APPROVAL_OPEN)) {
		TRY(check_questions(c->s, c->b, c->r->agent, &c->d.gates, &c->d.approvers,
				    c->d.group != 0, c->r->now_unix_ms, c->arena, &too_many, e));
	}
	if (too_many.p) {
		c->d.detail = too_many;
		c->d.wants_pause = true;
		return RC_OK;
	}
	c->d.verdict = VERDICT_ASK;
	if (c->hold_reason != REASON_NONE) {
		c->d.reason = c->hold_reason;
		c->d.detail = c->hold_detail;
	}
	if (used_up) {
		c->d.reason = REASON_PREAPPROVAL_EXHAUSTED;
		c->d.detail = arena_strf(c->arena, "pre-approval " STR_FMT " is used up for now",
					 STR_ARG(id_text('p', used_up, id)));
		if (!c->d.detail.p) {
			FAIL(e, RC_NOMEM, "no memory for a decision");
		}
	}
	return RC_OK;
}

/* (2): granted, but for this very call as it is judged now? */
static bool approval_fits(const struct deciding *c, const struct approval *a)
{
	return str_eq(a->agent, c->r->agent) && str_eq(a->tool, c->d.tool->public_name) &&
	       a->effect == c->d.effect && a->targets.n == c->d.targets.n &&
	       str_list_within(&c->d.targets, &a->targets) &&
	       approval_covers(c->s, c->b, a, &c->d.gates);
}

static enum rc use_approval(struct deciding *c, const struct approval *a, uint64_t used_up,
			    struct err *e)
{
	if (!a) {
		return ask(c, a, used_up, e);
	}
	switch (a->state) {
	case APPROVAL_GRANTED:
		if (c->r->now_unix_ms > a->execute_by_unix_ms) {
			c->d.reason = REASON_APPROVAL_EXPIRED;
		} else if (c->contrary_ix > a->ix) {
			/* (3) */
			c->d.reason = REASON_APPROVAL_VOID;
			c->d.detail = STR("a signal that came after the question contradicts");
		} else if (approval_fits(c, a)) {
			c->d.approval = a->ix;
		} else {
			c->d.reason = REASON_APPROVAL_VOID;
			c->d.detail = STR("what was approved is not what would happen now");
		}
		return RC_OK;
	case APPROVAL_DENIED:
		c->d.narrowed_to = a->narrowed_to;
		c->d.reason = a->narrowed_to ? REASON_APPROVAL_NARROWED : REASON_APPROVAL_DENIED;
		c->d.detail = a->narrowed_to ? STR_NULL : instead_text(&c->d.instead, c->arena);
		return RC_OK;
	case APPROVAL_USED:
		if (c->d.effect != EFFECT_READ) {
			c->d.reason = REASON_APPROVAL_USED;
			return RC_OK;
		}
		return ask(c, a, used_up, e);
	case APPROVAL_OPEN:
	case APPROVAL_EXPIRED:
	case APPROVAL_VOID:
		break;
	}
	return ask(c, a, used_up, e);
}

enum rc check_gates(struct deciding *c, struct err *e)
{
	uint64_t used_up = 0;

	/* (1) */
	if (c->wants_default_gate || (c->d.effect == EFFECT_DESTROY && c->d.gates.n == 0)) {
		TRY(deciding_add_gate(c, c->b->default_gate, e));
	}
	if (c->d.gates.n == 0) {
		return RC_OK;
	}
	TRY(sum_up_gates(c, e));
	if (c->d.reason != REASON_NONE) {
		return RC_OK;
	}
	/* Held: a person must have seen why. */
	if (!c->is_frozen && c->hold_reason == REASON_NONE && !touches_crown_jewel(c)) {
		c->d.preapproval = find_preapproval(c, &used_up);
	}
	if (c->d.preapproval) {
		return RC_OK;
	}
	return use_approval(c, state_approval_of(c->s, c->r->task, &c->r->tag), used_up, e);
}
