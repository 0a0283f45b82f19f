/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_break_glass.c - may this person act in an emergency?
 *
 * Trust:  the person is the kernel's word for a user id; the arguments are theirs.
 * Holds:  (1) it lifts gates, autonomy, playbook, policies and freezes, since those bind agents; a
 *             named person answers instead.
 *         (2) it lifts nothing else: a stop holds, whoever set it; the tool is pinned, its
 * arguments fit, its targets are the incident's and not on the never-list; a legal hold stands, and
 *             evidence comes first; calls are capped; time is short.
 *         (3) no agent gets here: the task is a person's, and a person is none of the bundle's
 *             agents.
 */
#include "core/decide_impl.h"

static enum reason check_session(const struct state *s, const struct bundle *b,
				 const struct call_request *r, struct str person,
				 const struct task **ret)
{
	const struct break_glass *x = state_break_glass_of(s, r->task);

	*ret = state_task(s, r->task);
	if (!*ret || !x || !str_eq(x->person, person) || bundle_agent(b, (*ret)->agent)) {
		return REASON_TASK_UNKNOWN; /* (3) */
	}
	if (!str_list_has(&b->break_glass.people, person) || !bundle_person(b, person)) {
		return REASON_APPROVER_AUTH;
	}
	if ((*ret)->state != TASK_RUNNING) {
		return REASON_TASK_ENDED;
	}
	if (r->now_unix_ms >= x->not_after_unix_ms) {
		return REASON_GRANT_EXPIRED;
	}
	return (*ret)->calls >= (*ret)->max_calls ? REASON_RATE_EXCEEDED : REASON_NONE;
}

static enum rc check_reach(const struct incident *i, struct arena *arena, struct decision *d,
			   struct err *e)
{
	for (size_t k = 0; k < d->targets.n; k++) {
		if (!str_list_has(&i->assets, d->targets.p[k])) {
			return decision_deny(d, REASON_TARGET_NOT_IN_INCIDENT, arena, e,
					     "the incident does not concern '" STR_FMT "'",
					     STR_ARG(d->targets.p[k]));
		}
	}
	return RC_OK;
}

enum rc decide_break_glass(const struct state *s, const struct bundle *b,
			   const struct call_request *r, struct str person, struct arena *arena,
			   struct decision *ret, struct err *e)
{
	struct decision d = {.reason = check_kill(s, b, r->agent, r->task, r->tool)};
	const struct incident *incident = NULL;
	const struct task *task;

	if (d.reason == REASON_NONE) {
		d.reason = check_session(s, b, r, person, &task);
	}
	if (d.reason == REASON_NONE) {
		incident = state_incident(s, task->incident);
		d.reason = incident && incident->status == INCIDENT_OPEN ? REASON_NONE
									 : REASON_INCIDENT_NOT_OPEN;
	}
	if (d.reason == REASON_NONE) {
		TRY(check_tool(s, b, bundle_tool(b, r->tool), r->args, arena, &d, e));
	}
	if (d.reason == REASON_NONE) {
		TRY(check_reach(incident, arena, &d, e));
	}
	if (d.reason == REASON_NONE) {
		struct deciding c = {.s = s,
				     .b = b,
				     .r = r,
				     .arena = arena,
				     .incident = incident,
				     .task = task,
				     .d = d};

		TRY(check_evidence(&c, e));
		d = c.d;
	}
	if (d.reason == REASON_NONE) {
		d.needs_capture = d.tool->capture.tool.n > 0 && !r->pre;
		d.verdict = VERDICT_ALLOW;
		d.reason = REASON_ALLOWED;
	} else {
		d.verdict = VERDICT_DENY;
	}
	*ret = d;
	return RC_OK;
}
