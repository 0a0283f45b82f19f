/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_vote.c - who may answer a question, and whether the answers suffice.
 *
 * Holds:  (1) nobody votes on a call of an agent they own, deputise or answer for.
 *         (2) an approval holds only while every gate has its quorum of persons who are still in
 *             its group: leaving the group takes the vote along.
 */
#include "core/decide_impl.h"

static bool is_involved(const struct state *s, const struct bundle *b, const struct approval *a,
			struct str person)
{
	const struct agent *agent = bundle_agent(b, a->agent);
	const struct task *task = state_task(s, a->task);

	return !agent || str_eq(agent->owner, person) || str_eq(agent->deputy, person) ||
	       (task && str_eq(task->accountable, person));
}

static bool is_in_some_gate(const struct bundle *b, const struct approval *a,
			    const struct person *p)
{
	for (size_t i = 0; i < a->gates.n; i++) {
		const struct gate *g = bundle_gate(b, a->gates.p[i]);

		if (g && str_list_has(&p->groups, g->group)) {
			return true;
		}
	}
	return false;
}

enum reason decide_vote(const struct state *s, const struct bundle *b, const struct approval *a,
			const struct person *p)
{
	const struct person *known = p ? bundle_person(b, p->name) : NULL;

	if (!known || !is_in_some_gate(b, a, known)) {
		return REASON_APPROVER_AUTH;
	}
	if (is_involved(s, b, a, p->name)) {
		return REASON_APPROVER_CONFLICT; /* (1) */
	}
	for (size_t i = 0; i < a->n_votes; i++) {
		if (str_eq(a->votes[i].person, p->name)) {
			return REASON_APPROVER_CONFLICT;
		}
	}
	return REASON_NONE;
}

/* (2) */
static uint64_t votes_for(const struct state *s, const struct bundle *b, const struct approval *a,
			  const struct gate *g)
{
	uint64_t n = 0;

	for (size_t i = 0; i < a->n_votes; i++) {
		const struct person *p = bundle_person(b, a->votes[i].person);

		n += a->votes[i].grants && p && str_list_has(&p->groups, g->group) &&
		     !is_involved(s, b, a, p->name);
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
