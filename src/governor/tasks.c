/* SPDX-License-Identifier: Apache-2.0 */
/* governor/tasks.c - how tasks end.
 *
 * task.ended is the line: nothing new is dispatched after it. Then questions are void, calls under
 * way are drained for a bounded time, leases are revoked with read-back, terms go to their owner
 * or, where the playbook says so, are rolled back; effects are verified. When nothing is left to do
 * task.closed says how well that went: closed, partial with the list of what is left, or unknown.
 * Holds:  (1) a task is closed at the latest SETTLE_MS after its end, with the list of what was
 *             not settled by then; that goes on being revoked and rolled back all the same.
 */
#include "governor/gov.h"

#include "base/limits.h"
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

/* The playbook may want all undone; what is still under way is waited for. */
static void roll_back_at_end(struct governor *g, uint64_t task)
{
	const struct task *t = state_task(g->state, task);
	const struct playbook *p = t ? bundle_playbook(g->bundle, t->playbook) : NULL;
	struct err e = ERR_INIT;
	uint64_t ix;

	if (p && p->rolls_back && !rollback_all_is_running(g, task) &&
	    rollback_all_start(g, task, 0, STR("remit"), &ix, &e) != RC_OK) {
		log_err("t%llu is not rolled back at its end: %s", (unsigned long long)task, e.msg);
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
	roll_back_at_end(g, task);
	if (is_calm && calls_task_has_flights(g, task) && vec_push(&g->draining, d) == RC_OK) {
		return; /* tasks_tick goes on */
	}
	leases_revoke_task(g, task, why);
	stop_fence_task(g, task);
}

enum rc tasks_move_on(struct governor *g, uint64_t task, struct str phase, const char *how,
		      uint64_t at, struct err *e)
{
	struct leaf l = {
	    .kind = LEAF_TASK_PHASE,
	    .task_phase = {.task = task, .phase = phase, .how = str_from(how), .at = at},
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

/* ---- the end of the end ---- */

enum { LEFT_MAX = 256, SETTLE_MS = 15 * 60 * 1000 };
enum closure { CLOSURE_CLOSED = 0, CLOSURE_PARTIAL, CLOSURE_UNKNOWN };

struct summing_up {
	struct governor *g;
	const struct task *t;
	enum closure closure;
	struct str left[LEFT_MAX];
	size_t n;
};

static void add_left(struct summing_up *u, enum closure closure, struct str text)
{
	u->closure = closure > u->closure ? closure : u->closure;
	if (u->n < LEFT_MAX && text.p) {
		u->left[u->n++] = str_slice(text, 0, LIMIT_ID_BYTES * 2);
	}
}

static void add_calls(struct summing_up *u)
{
	struct arena *arena = &u->g->round;
	const struct call *c;
	uint64_t from = u->t->ix;

	while ((c = state_next_call(u->g->state, from))) {
		unsigned long long ix = c->ix;

		from = c->ix + 1;
		if (c->task != u->t->ix || c->effect == EFFECT_READ ||
		    !str_eq(c->purpose, STR("agent"))) {
			continue;
		}
		if (c->state == CALL_ALLOWED ||
		    (str_eq(c->outcome, STR("unknown")) && !c->is_verified)) {
			add_left(u, CLOSURE_UNKNOWN,
				 arena_strf(arena, "c%llu " STR_FMT ": its outcome is not known",
					    ix, STR_ARG(c->tool)));
		} else if (c->is_verified && !c->verified_holds &&
			   !str_eq(c->outcome, STR("tool_error"))) {
			add_left(u, CLOSURE_PARTIAL,
				 arena_strf(arena, "c%llu " STR_FMT ": its effect is not verified",
					    ix, STR_ARG(c->tool)));
		}
	}
}

static void add_terms(struct summing_up *u)
{
	struct arena *arena = &u->g->round;
	const struct term *m;
	uint64_t from = u->t->ix;

	while ((m = state_next_term(u->g->state, from))) {
		unsigned long long ix = m->ix;

		from = m->ix + 1;
		if (m->task != u->t->ix || m->state == TERM_OVER) {
			continue;
		}
		if (m->state == TERM_FAILED || m->state == TERM_ROLLING_BACK) {
			add_left(u, CLOSURE_PARTIAL,
				 arena_strf(arena, "m%llu " STR_FMT ": " STR_FMT, ix,
					    STR_ARG(m->tool), STR_ARG(term_state_name(m->state))));
		} else { /* as it should be: it has its owner and its end */
			add_left(u, CLOSURE_CLOSED,
				 arena_strf(arena, "m%llu " STR_FMT ": stands, handed to " STR_FMT,
					    ix, STR_ARG(m->tool), STR_ARG(m->owner)));
		}
	}
}

static void add_leases(struct summing_up *u)
{
	const struct lease *l;
	uint64_t from = u->t->ix;

	while ((l = state_next_lease(u->g->state, from))) {
		from = l->ix + 1;
		if (l->task == u->t->ix && l->state != LEASE_STATE_GONE) {
			add_left(u, CLOSURE_PARTIAL,
				 arena_strf(&u->g->round,
					    "l%llu " STR_FMT ": not read back as gone",
					    (unsigned long long)l->ix, STR_ARG(l->backend)));
		}
	}
}

/* How well it went, and what is left of it. */
static void sum_up(struct summing_up *u)
{
	struct str_list unmet = {0};
	struct err e = ERR_INIT;

	if (str_eq(u->t->ended_why, STR("done")) && tasks_unmet(u->g, u->t, &unmet, &e) != RC_OK) {
		log_err("what t%llu leaves could not be summed up: %s",
			(unsigned long long)u->t->ix, e.msg);
		u->closure = CLOSURE_UNKNOWN;
	}
	for (size_t i = 0; i < unmet.n; i++) {
		add_left(u, CLOSURE_PARTIAL, unmet.p[i]);
	}
	add_calls(u);
	add_terms(u);
	add_leases(u);
}

static bool is_settled(const struct governor *g, const struct task *t)
{
	return !calls_task_has_flights(g, t->ix) && leases_task_settled(g, t->ix) &&
	       !verify_task_is_pending(g, t->ix) && !rollback_all_is_running(g, t->ix);
}

static void close_if_settled(struct governor *g, const struct task *t)
{
	static const struct str names[] = {
	    [CLOSURE_CLOSED] = {"closed", 6},
	    [CLOSURE_PARTIAL] = {"partial", 7},
	    [CLOSURE_UNKNOWN] = {"unknown", 7},
	};
	struct summing_up u = {.g = g, .t = t};
	struct leaf l = {.kind = LEAF_TASK_CLOSED, .task_closed = {.task = t->ix}};
	struct str text;
	const char *who;

	if (!is_settled(g, t) && gov_now_ms(g) < t->ended_unix_ms + SETTLE_MS) {
		return;
	}
	sum_up(&u);
	l.task_closed.closure = names[u.closure];
	l.task_closed.left = (struct str_list){.p = u.left, .n = u.n};
	if (!gov_record(g, &l) || u.closure == CLOSURE_CLOSED) {
		return; /* when it failed: logged, and the next tick tries again */
	}
	who = u.closure == CLOSURE_UNKNOWN ? "with effects that nobody knows" : "in part only";
	text = arena_strf(&g->round, "t%llu is closed, %s; left are %zu: the first " STR_FMT,
			  (unsigned long long)t->ix, who, u.n,
			  STR_ARG(u.n ? u.left[0] : STR("nothing")));
	notify_person(g, t->accountable, t->ix, "task.closed", text);
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
