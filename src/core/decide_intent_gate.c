/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_intent_gate.c - an intent that policy lets through a gate only: what people say of
 * it.
 *
 * Trust:  the decision is decide_intent's; the tag is of the whole grant (governor/intents.c).
 * Holds:  (1) an approval opens the gates it was asked for, for an intent with exactly this grant:
 * its tools, targets, data, limits, duration and phases in their order. Another grant has another
 * tag and so no approval. (2) what can never be answered is refused at once.
 */
#include "core/decide_impl.h"
#include "core/policy.h"

static enum rc sum_up(const struct bundle *b, uint8_t severity, struct intent_decision *d)
{
	d->quorum = 1;
	d->decide_by_ms = UINT64_MAX;
	d->execute_by_ms = UINT64_MAX;
	for (size_t i = 0; i < d->gates.n; i++) {
		const struct gate *g = bundle_gate(b, d->gates.p[i]);

		if (!g) {
			d->reason = REASON_POLICY_ERROR;
			return RC_OK;
		}
		d->quorum = g->quorum > d->quorum ? g->quorum : d->quorum;
		if (gate_decide_by_ms(g, severity) < d->decide_by_ms) {
			d->decide_by_ms = gate_decide_by_ms(g, severity);
		}
		if (g->execute_by_ms < d->execute_by_ms) {
			d->execute_by_ms = g->execute_by_ms;
		}
	}
	return RC_OK;
}

/* (2) */
static enum rc find_approvers(const struct state *s, const struct bundle *b,
			      const struct intent_request *r, struct arena *arena,
			      struct intent_decision *d, struct err *e)
{
	const struct question q = {
	    .agent = r->agent,
	    .incident = r->incident,
	    .accountable = d->accountable,
	    .policies = &d->policies,
	    .gates = &d->gates,
	};
	enum rc rc = decide_approvers(s, b, &q, arena, &d->approvers, e);

	if (rc == RC_LIMIT) {
		d->reason = REASON_LIMIT;
		return RC_OK;
	}
	if (rc == RC_OK && d->approvers.missing.p) {
		d->verdict = VERDICT_DENY;
		d->detail = d->approvers.missing;
	}
	return rc;
}

static void refuse(struct intent_decision *d, enum reason reason)
{
	d->verdict = VERDICT_DENY;
	d->reason = reason;
}

enum rc decide_intent_gate(const struct state *s, const struct bundle *b,
			   const struct intent_request *r, const struct digest *tag,
			   struct arena *arena, struct intent_decision *d, struct err *e)
{
	const struct incident *i = state_incident(s, r->incident);
	const struct approval *a;

	if (d->verdict != VERDICT_ASK || !i) {
		return RC_OK;
	}
	d->reason = REASON_NONE;
	TRY(sum_up(b, i->severity, d));
	if (d->reason != REASON_NONE || d->gates.n > POLICY_GATES) {
		refuse(d, d->reason != REASON_NONE ? d->reason : REASON_LIMIT);
		return RC_OK;
	}
	a = state_approval_of_intent(s, r->incident, r->agent, tag);
	if (a && a->state == APPROVAL_GRANTED) {
		/* (1) */
		if (r->now_unix_ms > a->execute_by_unix_ms) {
			refuse(d, REASON_APPROVAL_EXPIRED);
		} else if (!approval_covers(s, b, a, &d->gates)) {
			refuse(d, REASON_APPROVAL_VOID);
		} else {
			d->verdict = VERDICT_ALLOW;
			d->reason = REASON_ALLOWED;
			d->approval = a->ix;
		}
		return RC_OK;
	}
	if (a && a->state == APPROVAL_DENIED) {
		refuse(d, REASON_APPROVAL_DENIED);
		return RC_OK;
	}
	d->reason = d->quorum > 1 ? REASON_NEEDS_QUORUM : REASON_NEEDS_APPROVAL;
	d->approval = a && a->state == APPROVAL_OPEN ? a->ix : 0;
	return d->approval ? RC_OK : find_approvers(s, b, r, arena, d, e);
}
