/* SPDX-License-Identifier: Apache-2.0 */
/* governor/wake.c - calls that wait, when what they wait for is there or will never be.
 *
 * Holds: (1) whoever is woken is judged again from scratch, with what is true then.
 */
#include "core/classify.h"
#include "governor/gov.h"

/* Silence is no: whoever still waits when the time to decide is over is denied, not asked about
 * again. True when r was dealt with. */
static bool deny_expired(struct governor *g, struct request *r)
{
	const struct approval *a = state_approval(g->state, r->approval);
	struct decision d = {
	    .verdict = VERDICT_DENY,
	    .reason = REASON_APPROVAL_EXPIRED,
	    .tool = bundle_tool(g->bundle, r->tool),
	};
	struct safe_alternative instead;

	if (!a || a->state != APPROVAL_EXPIRED) {
		return false;
	}
	(void)decided_begin(g, r); /* the time is in r */
	d.approval = a->ix;
	d.effect = d.tool ? classify_call(d.tool, r->args).effect : EFFECT_DESTROY;
	d.targets = a->targets;
	instead = decide_instead(g->bundle, d.tool, &a->gates);
	d.detail = instead_text(&instead, &g->round);
	calls_refuse(g, r, &d);
	return true;
}

/* The next older request that waits for it. Judging may free any request and may park this one
 * again, so each pass starts over, below the last: newer ones come first in the list. */
static struct request *next_waiting(const struct governor *g, uint64_t below, enum waiting waiting,
				    uint64_t ix)
{
	struct request *r = g->requests;

	while (r && !(r->id < below && r->waiting == waiting &&
		      ix == (waiting == WAITING_LEASE ? r->lease : r->approval))) {
		r = r->next;
	}
	return r;
}

static void wake(struct governor *g, enum waiting waiting, uint64_t ix)
{
	uint64_t below = UINT64_MAX;
	struct request *r;

	while ((r = next_waiting(g, below, waiting, ix))) {
		below = r->id;
		if (waiting == WAITING_APPROVAL) {
			/* What was captured for the question is old: look again. */
			r->pre = NULL;
			r->use = NULL;
			r->use_call = 0;
			r->pre_text = STR_NULL;
			r->evidence = 0;
			r->is_preserved = false;
			if (deny_expired(g, r)) {
				continue;
			}
		}
		calls_judge(g, r);
	}
}

void calls_wake_approval(struct governor *g, uint64_t approval)
{
	wake(g, WAITING_APPROVAL, approval);
}

void calls_wake_lease(struct governor *g, uint64_t lease)
{
	wake(g, WAITING_LEASE, lease);
}

static bool is_parked(const struct request *r)
{
	return r->waiting == WAITING_APPROVAL || r->waiting == WAITING_LEASE ||
	       r->waiting == WAITING_EVIDENCE;
}

void calls_wake_all(struct governor *g)
{
	uint64_t below = UINT64_MAX;

	for (;;) {
		struct request *r = g->requests;

		while (r && !(r->id < below && is_parked(r))) {
			r = r->next;
		}
		if (!r) {
			return;
		}
		below = r->id;
		calls_judge(g, r);
	}
}

void calls_wake_task(struct governor *g, uint64_t task)
{
	uint64_t below = UINT64_MAX;

	for (;;) {
		struct request *r = g->requests;

		while (r && !(r->id < below && r->task == task && is_parked(r))) {
			r = r->next;
		}
		if (!r) {
			return;
		}
		below = r->id;
		calls_judge(g, r); /* the task is over: this denies and frees it */
	}
}
