/* SPDX-License-Identifier: Apache-2.0 */
/* core/recompute_duty.c - who was on duty, who answers, and who was told next.
 *
 * Trust:  as core/recompute_people.c.
 * Holds:  (1) whom a rung means, and who answers, is computed for the time that the leaf names,
 *             which is that of its recording but for the slack.
 */
#include "core/escalation.h"
#include "core/recompute_impl.h"

/* Within a group: one of its members says it of one of its members. */
enum rc look_at_duty(struct look *k, struct err *e)
{
	const struct leaf_rota_set *x = &k->l->rota_set;
	const struct person *who = bundle_person(k->b, x->person);
	const struct person *by = bundle_person(k->b, x->by);

	if (!bundle_group(k->b, x->group) || !who || !by || !str_list_has(&who->groups, x->group) ||
	    !str_list_has(&by->groups, x->group)) {
		return look_differs(k, e,
				    "'" STR_FMT "' and '" STR_FMT "' are not both of '" STR_FMT "'",
				    STR_ARG(x->person), STR_ARG(x->by), STR_ARG(x->group));
	}
	return !state_clock_jump(k->s) &&
		       x->until > k->l->t + UINT64_C(1000) * DUTY_MAX_S + RECOMPUTE_SLACK_MS
		   ? look_differs(k, e, "until: it lasts longer than a duty may")
		   : RC_OK;
}

/* Does something of this task still stand? */
static bool has_standing_term(const struct state *s, uint64_t task)
{
	const struct term *m;
	uint64_t from = task;

	while ((m = state_next_term(s, from))) {
		from = m->ix + 1;
		if (m->task == task && m->state != TERM_OVER) {
			return true;
		}
	}
	return false;
}

enum rc look_at_accountable(struct look *k, struct err *e)
{
	const struct leaf_task_accountable *x = &k->l->task_accountable;
	const struct task *t = state_task(k->s, x->task);
	const struct playbook *p = t ? bundle_playbook(k->b, t->playbook) : NULL;
	struct str now;

	if (!p || (t->state != TASK_RUNNING && t->state != TASK_SUSPENDED &&
		   !has_standing_term(k->s, x->task))) {
		return look_differs(k, e, "of a task that nobody has to answer for");
	}
	if (!look_is_at(k, x->at)) {
		return look_differs(k, e, "at: it was recorded at another time");
	}
	now = accountable_now(k->s, k->b, p->accountable, x->at);
	return str_eq(now, x->person)
		   ? RC_OK
		   : look_differs(k, e, "person: '" STR_FMT "' in the log, '" STR_FMT "' now",
				  STR_ARG(x->person), STR_ARG(now));
}

/* A term goes to whoever answers for its task. */
enum rc look_at_term_owner(struct look *k, struct err *e)
{
	const struct leaf_term_owner *x = &k->l->term_owner;
	const struct term *m = state_term(k->s, x->term);
	const struct task *t = m ? state_task(k->s, m->task) : NULL;

	if (!t || m->state == TERM_OVER) {
		return look_differs(k, e, "of nothing that stands");
	}
	return str_eq(t->accountable, x->owner)
		   ? RC_OK
		   : look_differs(k, e, "owner: '" STR_FMT "' in the log, '" STR_FMT "' now",
				  STR_ARG(x->owner), STR_ARG(t->accountable));
}

/* ---- escalations ---- */

static bool ladder_for(const struct look *k, const struct waiting_for *w, struct ladder *ret)
{
	const struct group *g = bundle_group(k->b, w->group);

	if (!g) {
		return false;
	}
	*ret = ladder_of(g);
	return true;
}

enum rc look_at_escalated(struct look *k, struct err *e)
{
	const struct leaf_escalation_opened *x = &k->l->escalation_opened;
	struct waiting_for w;
	struct ladder ladder;

	if (!escalation_waits(k->s, k->b, x->what, x->about, &w) || !ladder_for(k, &w, &ladder)) {
		return look_differs(k, e, "'" STR_FMT "': it waits for nobody", STR_ARG(x->what));
	}
	if (!str_eq(x->group, w.group)) {
		return look_differs(k, e, "group: '" STR_FMT "' in the log, '" STR_FMT "' now",
				    STR_ARG(x->group), STR_ARG(w.group));
	}
	if (x->since != w.since_unix_ms) {
		return look_differs(k, e, "since: another time than it began to wait");
	}
	return look_is_early(k, w.since_unix_ms + escalation_begins_ms(&ladder, &w))
		   ? look_differs(k, e, "before anybody else was to be told")
		   : RC_OK;
}

static enum rc look_at_told(struct look *k, const struct waiting_for *w, const struct rung *r,
			    struct err *e)
{
	const struct leaf_escalation_moved *x = &k->l->escalation_moved;
	struct str_list who;

	if (!str_eq(x->safe, escalation_safe_name(r->safe))) {
		return look_differs(k, e, "safe: '" STR_FMT "' in the log, '" STR_FMT "' now",
				    STR_ARG(x->safe), STR_ARG(escalation_safe_name(r->safe)));
	}
	TRY(rung_persons(k->s, k->b, bundle_group(k->b, w->group), r, bundle_agent(k->b, w->agent),
			 x->at, k->arena, &who, e));
	return str_list_eq(&x->who, &who)
		   ? RC_OK
		   : look_differs(k, e, "who: others than rung %ju of group '" STR_FMT "' means",
				  (uintmax_t)x->level, STR_ARG(w->group));
}

enum rc look_at_rung(struct look *k, struct err *e)
{
	const struct leaf_escalation_moved *x = &k->l->escalation_moved;
	const struct escalation *up = state_escalation(k->s, x->escalation);
	struct waiting_for w;
	struct ladder ladder;
	const struct rung *r;

	if (!up || up->about != x->about ||
	    !escalation_waits(k->s, k->b, up->what, up->about, &w) || !ladder_for(k, &w, &ladder)) {
		return look_differs(k, e, "about: it waits for nobody");
	}
	if (!look_is_at(k, x->at)) {
		return look_differs(k, e, "at: it was recorded at another time");
	}
	r = escalation_due(&ladder, up->level, up->since_unix_ms, x->at);
	if (!r || x->level != up->level + 1) {
		return look_differs(k, e, "level: rung %ju is not due", (uintmax_t)x->level);
	}
	return look_at_told(k, &w, r, e);
}

enum rc look_at_escalation_end(struct look *k, struct err *e)
{
	const struct escalation *x = state_escalation(k->s, k->l->escalation_ended.escalation);
	struct waiting_for w;

	return x && !escalation_waits(k->s, k->b, x->what, x->about, &w)
		   ? RC_OK
		   : look_differs(k, e, "ended, and it still waits");
}
