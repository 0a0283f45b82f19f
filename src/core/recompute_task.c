/* SPDX-License-Identifier: Apache-2.0 */
/* core/recompute_task.c - how a task moved on, was stopped and ended, and what its calls left.
 *
 * Trust:  as core/recompute_people.c.
 * Holds:  (1) the very functions that decide say what had to be.
 *         (2) a call's labels and counters follow from the catalog; whether a secret was taken out
 *             of its result nobody can say again.
 */
#include "core/accountable.h"
#include "core/breaker.h"
#include "core/decide_impl.h"
#include "core/recompute_impl.h"

/* ---- phases ---- */

/* The agent asked to. What a call uses is compared with that call (audit/). */
enum rc look_at_phase(struct look *k, struct err *e)
{
	const struct leaf_task_phase *x = &k->l->task_phase;
	const struct task *t = state_task(k->s, x->task);
	const struct playbook *p = t ? bundle_playbook(k->b, t->playbook) : NULL;
	struct call_request q = {.now_unix_ms = x->at, .task = x->task};
	struct decision d;

	if (!p || !playbook_phase(p, x->phase)) {
		return look_differs(k, e, "phase: the playbook has no '" STR_FMT "'",
				    STR_ARG(x->phase));
	}
	if (!look_is_at(k, x->at)) {
		return look_differs(k, e, "at: it was recorded at another time");
	}
	if (!str_eq(x->how, STR("advanced"))) {
		return str_eq(x->how, STR("used"))
			   ? RC_OK
			   : look_differs(k, e, "how: neither advanced nor used");
	}
	q.agent = t->agent;
	TRY(decide_advance(k->s, k->b, &q, x->phase, k->arena, &d, e)); /* (1) */
	return d.verdict == VERDICT_ALLOW
		   ? RC_OK
		   : look_differs(k, e, "phase '" STR_FMT "': advanced in the log, " STR_FMT " now",
				  STR_ARG(x->phase), STR_ARG(reason_code(d.reason)));
}

/* ---- stopped, let go on, ended ---- */

enum rc look_at_suspended(struct look *k, struct err *e)
{
	const struct leaf_task_suspended *x = &k->l->task_suspended;
	const struct task *t = state_task(k->s, x->task);

	if (!t || t->deviation_weight < t->max_deviations) {
		return look_differs(k, e, "it had not deviated as often as it may");
	}
	return x->deviations == t->deviations
		   ? RC_OK
		   : look_differs(k, e, "deviations: %ju in the log, %ju now",
				  (uintmax_t)x->deviations, (uintmax_t)t->deviations);
}

enum rc look_at_resumed(struct look *k, struct err *e)
{
	const struct leaf_task_resumed *x = &k->l->task_resumed;
	const struct task *t = state_task(k->s, x->task);
	const struct person *p = bundle_person(k->b, x->by);
	enum reason reason = REASON_APPROVER_AUTH;

	if (t && p) {
		reason = accountable_may_resume(k->b, t, p);
	}
	return reason == REASON_NONE
		   ? RC_OK
		   : look_differs(k, e, "'" STR_FMT "' may not resume it: " STR_FMT, STR_ARG(x->by),
				  STR_ARG(reason_code(reason)));
}

static bool has_ended_for(const struct look *k, const struct task *t)
{
	const struct leaf_task_ended *x = &k->l->task_ended;
	const struct incident *i = state_incident(k->s, t->incident);

	if (str_eq(x->why, STR("incident_closed"))) {
		return i && i->status != INCIDENT_OPEN;
	}
	if (str_eq(x->why, STR("expired"))) {
		return !look_is_early(k, t->not_after_unix_ms);
	}
	if (str_eq(x->why, STR("killed"))) {
		return check_kill(k->s, k->b, t->agent, t->ix, STR("")) != REASON_NONE;
	}
	if (str_eq(x->why, STR("done"))) {
		return str_eq(x->by, t->agent);
	}
	return bundle_person(k->b, x->by) != NULL; /* stopped */
}

enum rc look_at_ended(struct look *k, struct err *e)
{
	const struct leaf_task_ended *x = &k->l->task_ended;
	const struct task *t = state_task(k->s, x->task);

	return t && has_ended_for(k, t)
		   ? RC_OK
		   : look_differs(k, e, "why: '" STR_FMT "' by '" STR_FMT "', which is not so",
				  STR_ARG(x->why), STR_ARG(x->by));
}

/* ---- what a call leaves ---- */

/* The labels that a result puts on its task. (2) */
static bool has_labels(const struct str_list *labels, const struct tool *t, bool is_ok)
{
	size_t n = 0;

	for (size_t i = 0; t && is_ok && i < t->data.n; i++) {
		if (n == labels->n || !str_eq(labels->p[n++], t->data.p[i])) {
			return false;
		}
	}
	if (t && is_ok && t->is_untrusted &&
	    (n == labels->n || !str_eq(labels->p[n++], STR("untrusted")))) {
		return false;
	}
	if (t && is_ok && n < labels->n && str_eq(labels->p[n], STR("secret"))) {
		n++;
	}
	return n == labels->n;
}

enum rc look_at_outcome(struct look *k, struct err *e)
{
	const struct leaf_call_completed *x = &k->l->call_completed;
	const struct call *c = state_call(k->s, x->call);
	const struct tool *t = c ? bundle_tool(k->b, c->tool) : NULL;
	struct str_list used = {0};

	if (!c) {
		return look_differs(k, e, "the outcome of no call");
	}
	if (!has_labels(&x->labels, t, str_eq(x->kind, STR("ok")))) {
		return look_differs(k, e, "labels: others than the catalog gives its result");
	}
	if ((x->marks.n || x->marks_over) && !(t && t->is_untrusted && x->result_bytes)) {
		return look_differs(k, e, "marks: of no untrusted result");
	}
	/* One that nobody claimed after a start takes nothing: whose it was is not known. */
	if (str_eq(c->purpose, STR("agent")) &&
	    !(str_eq(x->reason, reason_code(REASON_STALE_GENERATION)) &&
	      str_eq(x->kind, STR("unknown")))) {
		TRY(breaker_counts(k->b, c, x->kind, k->arena, &used, e));
	}
	return str_list_eq(&x->used, &used)
		   ? RC_OK
		   : look_differs(k, e, "used: others than its breakers count");
}

/* ---- what else the catalog says ---- */

enum rc look_at_definition(struct look *k, struct err *e)
{
	const struct leaf_tool_observed *x = &k->l->tool_observed;
	const struct tool *t = bundle_tool(k->b, x->tool);

	if (!t) {
		return look_differs(k, e, "'" STR_FMT "' is no tool of the catalog",
				    STR_ARG(x->tool));
	}
	return x->pinned == str_eq(str_of(t->digest, sizeof(t->digest)),
				   str_of(x->digest.bytes, sizeof(x->digest.bytes)))
		   ? RC_OK
		   : look_differs(k, e, "pinned: %s in the log, and the catalog has %s definition",
				  x->pinned ? "yes" : "no", x->pinned ? "another" : "this");
}

enum rc look_at_pause(struct look *k, struct err *e)
{
	const struct leaf_agent_paused *x = &k->l->agent_paused;
	uint64_t pause_ms =
	    k->b->questions.pause_ms ? k->b->questions.pause_ms : QUESTIONS_PAUSE_MS;

	if (!bundle_agent(k->b, x->agent)) {
		return look_differs(k, e, "'" STR_FMT "' is no agent of the deployment",
				    STR_ARG(x->agent));
	}
	return !state_clock_jump(k->s) && x->until > k->l->t + pause_ms + RECOMPUTE_SLACK_MS
		   ? look_differs(k, e, "until: longer than an agent is paused")
		   : RC_OK;
}
