/* SPDX-License-Identifier: Apache-2.0 */
/* governor/tasks.c - how tasks end.
 *
 * task.ended is the line: nothing new is dispatched after it. Then questions are void, calls under
 * way are drained for a bounded time, leases are revoked with read-back, terms go to their owner;
 * when nothing is left task.closed says how well that went.
 */
#include "governor/gov.h"

#include "base/log.h"

void tasks_suspend(struct governor *g, uint64_t task, enum reason reason, uint64_t cause)
{
	const struct task *t = state_task(g->state, task);
	const struct agent *agent;
	struct leaf l = {
	    .kind = LEAF_TASK_SUSPENDED,
	    .task_suspended =
		{
		    .task = task,
		    .cause = cause,
		    .reason = reason_code(reason),
		    .deviations = t ? t->deviations : 0,
		},
	};

	if (!t || t->state != TASK_RUNNING || !gov_record(g, &l)) {
		return;
	}
	approvals_void_task(g, task, REASON_TASK_SUSPENDED);
	calls_wake_task(g, task);
	leases_revoke_task(g, task, "suspended");
	stop_fence_task(g, task);
	agent = bundle_agent(g->bundle, t->agent);
	if (agent) {
		autonomy_breach(g, agent, BREACH_SUSPENDED, task, cause);
	}
	t = state_task(g->state, task);
	if (t) {
		struct str text = deviations_text(g, t);

		notify_person(g, t->accountable, task, "task.suspended", text);
		if (agent && !str_eq(agent->owner, t->accountable)) {
			notify_person(g, agent->owner, task, "task.suspended", text);
		}
	}
}

void tasks_end(struct governor *g, uint64_t task, const char *why, struct str by, uint64_t cause)
{
	const struct task *t = state_task(g->state, task);
	bool is_calm = str_eq(str_from(why), STR("done"));
	struct draining d = {
	    .task = task,
	    .until_ns = gov_now_ns(g) + (uint64_t)GOVERNOR_DRAIN_MS * 1000000,
	};
	struct leaf l = {
	    .kind = LEAF_TASK_ENDED,
	    .task_ended = {.task = task, .cause = cause, .why = str_from(why), .by = by},
	};

	if (!t || t->state == TASK_ENDED || t->state == TASK_CLOSED || !gov_record(g, &l)) {
		return;
	}
	approvals_void_task(g, task, REASON_TASK_ENDED);
	calls_wake_task(g, task);
	terms_hand_over(g, task, why);
	if (is_calm && calls_task_has_flights(g, task) && vec_push(&g->draining, d) == RC_OK) {
		return; /* tasks_tick goes on */
	}
	leases_revoke_task(g, task, why);
	stop_fence_task(g, task);
}

enum rc tasks_move_on(struct governor *g, uint64_t task, struct str phase, const char *how,
		      struct err *e)
{
	struct leaf l = {
	    .kind = LEAF_TASK_PHASE,
	    .task_phase = {.task = task, .phase = phase, .how = str_from(how)},
	};

	return book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e);
}

enum rc tasks_unmet(struct governor *g, const struct task *t, struct str_list *ret, struct err *e)
{
	const struct playbook *p = bundle_playbook(g->bundle, t->playbook);
	const struct phase *now = p ? playbook_phase(p, t->phase) : NULL;

	*ret = (struct str_list){0};
	return now ? phase_unmet(g->state, t, &now->exit, &g->round, ret, e) : RC_OK;
}

/* How well it went, and what is left of it. */
static void sum_up(struct governor *g, const struct task *t, struct leaf_task_closed *l)
{
	struct err e = ERR_INIT;
	const struct call *c;
	uint64_t from = t->ix;

	l->closure = STR("closed");
	if (str_eq(t->ended_why, STR("done")) && tasks_unmet(g, t, &l->left, &e) != RC_OK) {
		log_err("what t%llu leaves could not be summed up: %s", (unsigned long long)t->ix,
			e.msg);
		l->closure = STR("unknown");
	}
	if (l->left.n) {
		l->closure = STR("partial");
	}
	while ((c = state_next_call(g->state, from))) {
		from = c->ix + 1;
		if (c->task == t->ix && str_eq(c->outcome, STR("unknown")) && !c->is_verified &&
		    c->effect != EFFECT_READ) {
			l->closure = STR("unknown");
		}
	}
}

static void close_if_settled(struct governor *g, const struct task *t)
{
	struct leaf l = {.kind = LEAF_TASK_CLOSED, .task_closed = {.task = t->ix}};

	if (calls_task_has_flights(g, t->ix) || !leases_task_settled(g, t->ix)) {
		return;
	}
	sum_up(g, t, &l.task_closed);
	(void)gov_record(g, &l); /* logged; the next tick tries again */
}

void tasks_tick(struct governor *g)
{
	uint64_t now_ms = gov_now_ms(g);
	const struct task *t;
	uint64_t from = 0;

	for (size_t i = 0; i < g->draining.n;) {
		struct draining d = g->draining.p[i];

		if (calls_task_has_flights(g, d.task) && gov_now_ns(g) < d.until_ns) {
			i++;
			continue;
		}
		vec_remove(&g->draining, i);
		leases_revoke_task(g, d.task, "done");
		stop_fence_task(g, d.task);
	}
	while ((t = state_next_task(g->state, from))) {
		from = t->ix + 1;
		if ((t->state == TASK_RUNNING || t->state == TASK_SUSPENDED) &&
		    now_ms >= t->not_after_unix_ms) {
			tasks_end(g, t->ix, "expired", STR("remit"), 0);
		} else if (t->state == TASK_ENDED) {
			close_if_settled(g, t);
		}
	}
}
