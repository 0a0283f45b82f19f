/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_vote.c - who may answer a question, and whether the answers suffice.
 *
 * Holds:  (1) nobody votes on a call of an agent they own, deputise or answer for, under an
 *             incident they opened by hand, or by a rule they wrote themselves.
 *         (2) an approval holds only while every gate has its quorum of persons who are still in
 *             its group and without a conflict: leaving the group takes the vote along.
 *         (3) a voter is a person of the bundle: an agent is none, under whatever name.
 */
#include "base/limits.h"
#include "core/decide_impl.h"

enum { MAX_APPROVERS = 64 }; /* as in leaf.def */

struct str conflict_name(enum conflict c)
{
	switch (c) {
	case CONFLICT_OWNER:
		return STR("owner");
	case CONFLICT_DEPUTY:
		return STR("deputy");
	case CONFLICT_ACCOUNTABLE:
		return STR("accountable");
	case CONFLICT_REQUESTER:
		return STR("requester");
	case CONFLICT_AUTHOR:
		return STR("author");
	case CONFLICT_NONE:
		break;
	}
	return STR("");
}

static bool is_author(const struct bundle *b, const struct question *q, struct str person)
{
	for (size_t i = 0; i < q->policies->n; i++) {
		if (bundle_is_policy_of(b, q->policies->p[i], person)) {
			return true;
		}
	}
	for (size_t i = 0; i < q->gates->n; i++) {
		if (bundle_is_gate_of(b, q->gates->p[i], person)) {
			return true;
		}
	}
	return false;
}

/* (1) */
enum conflict decide_conflict(const struct state *s, const struct bundle *b,
			      const struct question *q, struct str person)
{
	const struct agent *agent = bundle_agent(b, q->agent);
	const struct task *task = state_task(s, q->task);
	const struct incident *incident = state_incident(s, q->incident);

	if (!agent || str_eq(agent->owner, person)) {
		return CONFLICT_OWNER; /* an unknown agent is nobody's to approve */
	}
	if (str_eq(agent->deputy, person)) {
		return CONFLICT_DEPUTY;
	}
	if (str_eq(task ? task->accountable : q->accountable, person)) {
		return CONFLICT_ACCOUNTABLE;
	}
	if (incident && str_eq(incident->opened_by, person)) {
		return CONFLICT_REQUESTER;
	}
	return is_author(b, q, person) ? CONFLICT_AUTHOR : CONFLICT_NONE;
}

static struct question question_of(const struct approval *a)
{
	return (struct question){
	    .agent = a->agent,
	    .task = a->task,
	    .incident = a->incident,
	    .accountable = a->accountable,
	    .policies = &a->policies,
	    .gates = &a->gates,
	};
}

static bool is_in_some_gate(const struct bundle *b, const struct str_list *gates,
			    const struct person *p)
{
	for (size_t i = 0; i < gates->n; i++) {
		const struct gate *g = bundle_gate(b, gates->p[i]);

		if (g && str_list_has(&p->groups, g->group)) {
			return true;
		}
	}
	return false;
}

/* ---- before it is asked ---- */

static size_t eligible_for(const struct bundle *b, const struct approvers *a, const struct gate *g)
{
	size_t n = 0;

	for (size_t i = 0; i < a->eligible.n; i++) {
		const struct person *p = bundle_person(b, a->eligible.p[i]);

		n += p && str_list_has(&p->groups, g->group);
	}
	return n;
}

static enum rc find_missing(const struct bundle *b, const struct str_list *gates,
			    struct arena *arena, struct approvers *a, struct err *e)
{
	for (size_t i = 0; i < gates->n && !a->missing.p; i++) {
		const struct gate *g = bundle_gate(b, gates->p[i]);
		size_t have = g ? eligible_for(b, a, g) : 0;

		if (g && have >= g->quorum && have > 0) {
			continue;
		}
		a->missing = arena_strf(
		    arena, "gate '" STR_FMT "' wants %u of group '" STR_FMT "', and %zu may answer",
		    STR_ARG(gates->p[i]), g ? g->quorum : 1, STR_ARG(g ? g->group : STR("")), have);
		if (!a->missing.p) {
			FAIL(e, RC_NOMEM, "no memory for a decision");
		}
	}
	return RC_OK;
}

enum rc decide_approvers(const struct state *s, const struct bundle *b, const struct question *q,
			 struct arena *arena, struct approvers *ret, struct err *e)
{
	struct str *eligible = arena_alloc_n(arena, MAX_APPROVERS, sizeof(*eligible));
	struct str *conflicts = arena_alloc_n(arena, MAX_APPROVERS, sizeof(*conflicts));
	struct approvers a = {.eligible.p = eligible, .conflicts.p = conflicts};

	if (!eligible || !conflicts) {
		FAIL(e, RC_NOMEM, "no memory for a decision");
	}
	for (size_t i = 0; i < b->n_people; i++) {
		const struct person *p = &b->people[i];
		enum conflict why;

		if (!is_in_some_gate(b, q->gates, p)) {
			continue;
		}
		if (a.eligible.n == MAX_APPROVERS || a.conflicts.n == MAX_APPROVERS) {
			FAIL(e, RC_LIMIT, "more than %d persons in a question's groups",
			     MAX_APPROVERS);
		}
		why = decide_conflict(s, b, q, p->name);
		if (why == CONFLICT_NONE) {
			eligible[a.eligible.n++] = p->name;
			continue;
		}
		conflicts[a.conflicts.n] = arena_strf(arena, STR_FMT ": " STR_FMT, STR_ARG(p->name),
						      STR_ARG(conflict_name(why)));
		if (!conflicts[a.conflicts.n++].p) {
			FAIL(e, RC_NOMEM, "no memory for a decision");
		}
	}
	TRY(find_missing(b, q->gates, arena, &a, e));
	*ret = a;
	return RC_OK;
}

/* ---- answers ---- */

enum reason decide_vote(const struct state *s, const struct bundle *b, const struct approval *a,
			const struct person *p, struct str *ret_why)
{
	const struct person *known = p ? bundle_person(b, p->name) : NULL; /* (3) */
	const struct question q = question_of(a);
	enum conflict why;

	*ret_why = STR_NULL;
	if (!known || !is_in_some_gate(b, &a->gates, known)) {
		return REASON_APPROVER_AUTH;
	}
	why = decide_conflict(s, b, &q, p->name);
	if (why != CONFLICT_NONE) {
		*ret_why = conflict_name(why);
		return REASON_APPROVER_CONFLICT; /* (1) */
	}
	for (size_t i = 0; i < a->n_votes; i++) {
		if (str_eq(a->votes[i].person, p->name)) {
			*ret_why = STR("voted already");
			return REASON_APPROVER_CONFLICT;
		}
	}
	return REASON_NONE;
}

/* (2) */
static uint64_t votes_for(const struct state *s, const struct bundle *b, const struct approval *a,
			  const struct gate *g)
{
	const struct question q = question_of(a);
	uint64_t n = 0;

	for (size_t i = 0; i < a->n_votes; i++) {
		const struct person *p = bundle_person(b, a->votes[i].person);

		n += a->votes[i].grants && p && str_list_has(&p->groups, g->group) &&
		     decide_conflict(s, b, &q, p->name) == CONFLICT_NONE;
	}
	return n;
}

bool approval_covers(const struct state *s, const struct bundle *b, const struct approval *a,
		     const struct str_list *gates)
{
	for (size_t i = 0; i < gates->n; i++) {
		const struct gate *g = bundle_gate(b, gates->p[i]);
		uint64_t quorum = g && g->quorum ? g->quorum : 1;

		if (!g || !str_list_has(&a->gates, g->name) || votes_for(s, b, a, g) < quorum) {
			return false;
		}
	}
	return gates->n > 0;
}

bool decide_is_granted(const struct state *s, const struct bundle *b, const struct approval *a)
{
	return approval_covers(s, b, a, &a->gates);
}

/* ---- in advance ---- */

bool decide_is_preapprovable(const struct tool *t)
{
	return t->effect != EFFECT_DESTROY || t->only_changes_access;
}

enum reason decide_may_preapprove(const struct bundle *b, const struct person *p,
				  const struct agent *agent)
{
	const struct gate *gate = bundle_gate(b, b->default_gate);

	if (!gate || !str_list_has(&p->groups, gate->group)) {
		return REASON_APPROVER_AUTH;
	}
	return str_eq(agent->owner, p->name) || str_eq(agent->deputy, p->name)
		   ? REASON_APPROVER_CONFLICT
		   : REASON_NONE;
}
