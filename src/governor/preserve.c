/* SPDX-License-Identifier: Apache-2.0 */
/* governor/preserve.c - evidence that Remit itself reads before a call.
 *
 * Holds: (1) such a read is a call of its own, decided and recorded like any other.
 *        (2) the call it serves is judged again from scratch when nothing for it is on its way any
 *            more; what is still missing then is a denial.
 */
#include "base/limits.h"
#include "base/log.h"
#include "governor/gov.h"

/* (1) */
static enum rc run(struct governor *g, struct request *r, const struct tool *of,
		   const struct derived_call *what, uint64_t lease, struct err *e)
{
	const struct json *args;
	struct decision derived;
	struct flight *f;

	TRY(derive_args(what->args, r->args, NULL, &g->round, &args, e));
	TRY(decide_derived(g->state, g->bundle, of, what, args, gov_now_ms(g), &g->round, &derived,
			   e));
	if (derived.verdict != VERDICT_ALLOW) {
		FAIL(e, RC_DENIED, "%.*s", STR_ARG(reason_text(derived.reason)));
	}
	TRY(calls_run_own(g, PURPOSE_PRESERVE, &derived, args, r->task, 0, lease, &f, e));
	f->request = r->id;
	return RC_OK;
}

static void refuse(struct governor *g, struct request *r, const struct decision *d,
		   const struct err *e)
{
	struct decision denied = *d;

	denied.verdict = VERDICT_DENY;
	denied.reason = REASON_EVIDENCE_REQUIRED;
	denied.detail = str_from(e->msg);
	denied.waiver = 0;
	denied.approval = 0;
	denied.preapproval = 0;
	calls_refuse(g, r, &denied);
}

/* True when r waits for it now; false when r was parked for a lease or answered. */
static bool get_one(struct governor *g, struct request *r, const struct decision *d,
		    const struct derived_call *what)
{
	const struct tool *t = bundle_tool_of(g->bundle, d->tool->upstream, what->tool);
	struct err e = ERR_INIT;
	uint64_t lease = 0;

	if (!t || !str_list_has(&d->missing, t->captures.kind)) {
		return true;
	}
	if (!calls_has_lease(g, r, t, &lease)) {
		return false;
	}
	if (run(g, r, d->tool, what, lease, &e) != RC_OK) {
		refuse(g, r, d, &e);
		return false;
	}
	return true;
}

/* Is everything that the tool's reads need lent already? Otherwise one read would be made twice:
 * r is judged from scratch when a lease comes. */
static bool has_all_leases(struct governor *g, struct request *r, const struct decision *d)
{
	for (size_t i = 0; i < d->tool->n_preserve; i++) {
		const struct tool *t =
		    bundle_tool_of(g->bundle, d->tool->upstream, d->tool->preserve[i].tool);
		uint64_t lease;

		if (t && str_list_has(&d->missing, t->captures.kind) &&
		    !calls_has_lease(g, r, t, &lease)) {
			return false;
		}
	}
	return true;
}

void preserve_first(struct governor *g, struct request *r, const struct decision *d)
{
	if (!has_all_leases(g, r, d)) {
		return;
	}
	r->waiting = WAITING_EVIDENCE;
	r->is_preserved = true;
	for (size_t i = 0; i < d->tool->n_preserve; i++) {
		if (!get_one(g, r, d, &d->tool->preserve[i])) {
			return;
		}
	}
}

static bool is_reading_for(const struct governor *g, const struct request *r)
{
	const struct map_entry *entry;
	size_t i = 0;

	while ((entry = map_next(&g->flights, &i))) {
		const struct flight *f = entry->value;

		if (f->purpose == PURPOSE_PRESERVE && f->request == r->id) {
			return true;
		}
	}
	return false;
}

bool preserve_is_waiting(struct governor *g, struct request *r, const struct decision *d)
{
	if (d->reason != REASON_EVIDENCE_REQUIRED || d->missing.n == 0 ||
	    !evidence_is_on_its_way(g, r->task)) {
		return false;
	}
	r->waiting = WAITING_EVIDENCE;
	return true;
}

/* (2). Judging may free any request and may park this one again: each pass starts over below the
 * last, newer ones come first in the list. */
void preserve_wake(struct governor *g, uint64_t task)
{
	uint64_t below = UINT64_MAX;

	while (!evidence_is_on_its_way(g, task)) {
		struct request *r = g->requests;

		while (r && !(r->id < below && r->task == task && r->waiting == WAITING_EVIDENCE &&
			      !is_reading_for(g, r))) {
			r = r->next;
		}
		if (!r) {
			return;
		}
		below = r->id;
		calls_judge(g, r);
	}
}
