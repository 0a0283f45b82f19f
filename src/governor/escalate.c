/* SPDX-License-Identifier: Apache-2.0 */
/* governor/escalate.c - who answers now, and who is told next when nobody does.
 *
 * Every tick: tasks follow the rota, and terms their task. Whatever waits for people (an open
 * question, a suspended task, a containment that was asked about or could not be undone) climbs the
 * ladder of its group, in seconds; each rung is a leaf before anybody is told, and the last is a
 * safe state.
 *
 * Holds: (1) a rung is reached once, whatever restarts in between: the state knows the level.
 *        (2) what was settled is not escalated further.
 */
#include "governor/gov.h"

#include "base/log.h"
#include "core/accountable.h"

/* ---- who answers ---- */

/* Terms that were the former's to watch are now the new one's. */
static void hand_terms(struct governor *g, uint64_t task, struct str from_person, struct str to)
{
	const struct term *m;
	uint64_t from = task;

	while ((m = state_next_term(g->state, from))) {
		uint64_t ix = m->ix;
		struct leaf l = {
		    .kind = LEAF_TERM_OWNER,
		    .term_owner = {.term = ix, .owner = to, .why = STR("rota")},
		};

		from = ix + 1;
		if (m->task != task || m->state == TERM_OVER || !str_eq(m->owner, from_person) ||
		    !gov_record(g, &l)) {
			continue;
		}
		notify_person(
		    g, to, ix, "term.yours",
		    arena_strf(&g->round, "m%llu stands and is yours now", (unsigned long long)ix));
	}
}

static void follow(struct governor *g, const struct task *t, uint64_t now)
{
	const struct playbook *p = bundle_playbook(g->bundle, t->playbook);
	struct str former = arena_str(&g->round, t->accountable);
	uint64_t ix = t->ix;
	struct leaf l = {.kind = LEAF_TASK_ACCOUNTABLE,
			 .task_accountable = {.task = ix, .why = STR("rota")}};

	if (p) {
		l.task_accountable.person =
		    accountable_now(g->state, g->bundle, p->accountable, now);
	}
	if (!former.p || !l.task_accountable.person.n ||
	    str_eq(l.task_accountable.person, t->accountable) || !gov_record(g, &l)) {
		return;
	}
	notify_person(g, l.task_accountable.person, ix, "task.yours",
		      arena_strf(&g->round, "t%llu is yours now, %.*s had it",
				 (unsigned long long)ix, STR_ARG(former)));
	hand_terms(g, ix, former, l.task_accountable.person);
}

static void follow_rota(struct governor *g, uint64_t now)
{
	const struct task *t;
	const struct term *m;
	uint64_t from;
	uint64_t ix;

	for (from = 0; (t = state_next_task(g->state, from)); from = ix + 1) {
		ix = t->ix;
		if (t->state == TASK_RUNNING || t->state == TASK_SUSPENDED) {
			follow(g, t, now);
		}
	}
	/* And those that are over, of which something still stands. */
	for (from = 0; (m = state_next_term(g->state, from)); from = ix + 1) {
		ix = m->ix;
		t = m->state == TERM_OVER ? NULL : state_task(g->state, m->task);
		if (t && t->state != TASK_RUNNING && t->state != TASK_SUSPENDED) {
			follow(g, t, now);
		}
	}
}

/* ---- what waits for people ---- */

struct waiting_for {
	uint64_t about;
	const char *what; /* approval, task, term */
	struct str group;
	struct str agent;
	uint64_t since_unix_ms; /* 0 = from now on */
};

static struct str group_of_playbook(const struct governor *g, const struct task *t)
{
	const struct playbook *p = t ? bundle_playbook(g->bundle, t->playbook) : NULL;

	return p ? p->accountable : STR("");
}

static bool approval_waits(const struct governor *g, uint64_t ix, struct waiting_for *ret)
{
	const struct approval *a = state_approval(g->state, ix);
	const struct gate *gate = a ? bundle_gate(g->bundle, a->gates.p[0]) : NULL;

	if (!a || a->state != APPROVAL_OPEN || !approvals_leads(g, a) || !gate) {
		return false; /* similar ones climb with the first */
	}
	*ret = (struct waiting_for){ix, "approval", gate->group, a->agent, a->opened_unix_ms};
	return true;
}

static bool task_waits(const struct governor *g, uint64_t ix, struct waiting_for *ret)
{
	const struct task *t = state_task(g->state, ix);

	if (!t || t->state != TASK_SUSPENDED) {
		return false;
	}
	*ret = (struct waiting_for){ix, "task", group_of_playbook(g, t), t->agent, 0};
	return true;
}

static bool term_waits(const struct governor *g, uint64_t ix, struct waiting_for *ret)
{
	const struct term *m = state_term(g->state, ix);
	const struct task *t = m ? state_task(g->state, m->task) : NULL;

	if (!m || (m->state != TERM_ASKED && m->state != TERM_FAILED)) {
		return false;
	}
	*ret = (struct waiting_for){ix, "term", group_of_playbook(g, t), t ? t->agent : STR(""), 0};
	return true;
}

static bool still_waits(const struct governor *g, const struct escalation *x,
			struct waiting_for *ret)
{
	if (str_eq(x->what, STR("approval"))) {
		return approval_waits(g, x->about, ret);
	}
	return str_eq(x->what, STR("task")) ? task_waits(g, x->about, ret)
					    : term_waits(g, x->about, ret);
}

/* ---- climbing ---- */

static uint64_t open_one(struct governor *g, const struct waiting_for *w)
{
	uint64_t ix = book_next_ix(g->book);
	struct leaf l = {
	    .kind = LEAF_ESCALATION_OPENED,
	    .escalation_opened = {.about = w->about,
				  .what = str_from(w->what),
				  .group = w->group,
				  .since = w->since_unix_ms},
	};

	return gov_record(g, &l) ? ix : 0;
}

static struct str safe_name(enum safe_step s)
{
	switch (s) {
	case SAFE_DENY:
		return STR("deny");
	case SAFE_ROLLBACK:
		return STR("rollback");
	case SAFE_OBSERVE:
		return STR("observe");
	case SAFE_NONE:
		break;
	}
	return STR("");
}

static void make_safe(struct governor *g, const struct waiting_for *w, enum safe_step safe)
{
	const struct agent *agent = bundle_agent(g->bundle, w->agent);
	struct err e = ERR_INIT;

	if (str_eq(str_from(w->what), STR("approval"))) {
		approvals_expire(g, w->about); /* whatever it is called: nobody said yes */
	}
	if (safe == SAFE_ROLLBACK && str_eq(str_from(w->what), STR("term")) &&
	    rollback_start(g, w->about, STR("remit"), &e) != RC_OK) {
		log_err("m%llu is not rolled back: %s", (unsigned long long)w->about, e.msg);
	}
	if (safe == SAFE_OBSERVE && agent) {
		approvals_pause(g, agent->id, 0, STR("nobody answered what was escalated"));
	}
}

/* The rung that is due, beyond the level reached; NULL = none yet. Levels count from 1. */
static const struct rung *due(const struct ladder *l, const struct escalation *x, uint64_t since,
			      uint64_t now, uint64_t *ret_level)
{
	uint64_t level = x ? x->level : 0;

	if (level >= l->n || now < since || now - since < l->rungs[level].after_ms) {
		return NULL;
	}
	*ret_level = level + 1;
	return &l->rungs[level];
}

static void tell(struct governor *g, const struct waiting_for *w, uint64_t level,
		 const struct str_list *who)
{
	for (size_t i = 0; i < who->n; i++) {
		notify_person(g, who->p[i], w->about, "escalation",
			      arena_strf(&g->round,
					 "%s %c%llu waits for people: rung %llu of the ladder of "
					 "group '%.*s'",
					 w->what,
					 w->what[0] == 'a'   ? 'a'
					 : w->what[1] == 'a' ? 't'
							     : 'm',
					 (unsigned long long)w->about, (unsigned long long)level,
					 STR_ARG(w->group)));
	}
}

static void climb(struct governor *g, uint64_t ix, const struct waiting_for *w, uint64_t now)
{
	const struct escalation *x = state_escalation(g->state, ix);
	const struct group *group = bundle_group(g->bundle, w->group);
	struct ladder ladder;
	const struct rung *r;
	uint64_t level;
	struct err e = ERR_INIT;

	if (!x || !group) {
		return;
	}
	ladder = ladder_of(group);
	while ((r = due(&ladder, state_escalation(g->state, ix), x->since_unix_ms, now, &level))) {
		struct leaf l = {
		    .kind = LEAF_ESCALATION_MOVED,
		    .escalation_moved = {.escalation = ix,
					 .about = w->about,
					 .level = level,
					 .safe = safe_name(r->safe)},
		};

		if (rung_persons(g->state, g->bundle, group, r, bundle_agent(g->bundle, w->agent),
				 now, &g->round, &l.escalation_moved.who, &e) != RC_OK ||
		    !gov_record(g, &l)) {
			return;
		}
		/* The first rung of a question is the question itself, which everybody was told. */
		if (level > 1 || w->what[0] != 'a') {
			tell(g, w, level, &l.escalation_moved.who);
		}
		if (r->safe != SAFE_NONE) {
			make_safe(g, w, r->safe);
			return;
		}
		x = state_escalation(g->state, ix);
		if (!x) {
			return;
		}
	}
}

/* Opened when there is more to it than what its owner was told already. */
static void consider(struct governor *g, const struct waiting_for *w, uint64_t now)
{
	const struct group *group = bundle_group(g->bundle, w->group);
	struct ladder ladder;
	uint64_t ix;

	if (!group || state_escalation_of(g->state, w->about)) {
		return;
	}
	ladder = ladder_of(group);
	if (w->since_unix_ms) {
		/* A question that is answered before its second rung leaves no escalation. */
		uint64_t second = ladder.n > 1 && ladder.rungs[0].after_ms == 0 &&
					  ladder.rungs[0].safe == SAFE_NONE
				      ? ladder.rungs[1].after_ms
				      : ladder.rungs[0].after_ms;

		if (now < w->since_unix_ms || now - w->since_unix_ms < second) {
			return;
		}
	}
	ix = open_one(g, w);
	if (ix) {
		climb(g, ix, w, now);
	}
}

static void find_new(struct governor *g, uint64_t now)
{
	struct waiting_for w;
	const struct approval *a;
	const struct task *t;
	const struct term *m;
	uint64_t from;
	uint64_t ix;

	for (from = 0; (a = state_next_approval(g->state, from)); from = ix + 1) {
		ix = a->ix;
		if (a->state == APPROVAL_OPEN && approval_waits(g, ix, &w)) {
			consider(g, &w, now);
		}
	}
	for (from = 0; (t = state_next_task(g->state, from)); from = ix + 1) {
		ix = t->ix;
		if (task_waits(g, ix, &w)) {
			consider(g, &w, now);
		}
	}
	for (from = 0; (m = state_next_term(g->state, from)); from = ix + 1) {
		ix = m->ix;
		if (term_waits(g, ix, &w)) {
			consider(g, &w, now);
		}
	}
}

static void climb_all(struct governor *g, uint64_t now)
{
	const struct escalation *x;
	struct waiting_for w;
	uint64_t from = 0;

	while ((x = state_next_escalation(g->state, from))) {
		uint64_t ix = x->ix;

		from = ix + 1;
		if (!x->is_open) {
			continue;
		}
		if (still_waits(g, x, &w)) {
			climb(g, ix, &w, now);
		} else { /* (2) */
			struct leaf l = {
			    .kind = LEAF_ESCALATION_ENDED,
			    .escalation_ended = {.escalation = ix, .why = STR("settled")},
			};

			(void)gov_record(g, &l); /* logged; the next tick tries again */
		}
	}
}

void escalate_tick(struct governor *g)
{
	uint64_t now = gov_now_ms(g);

	if (gov_now_ns(g) < g->next_escalation_ns) {
		return; /* ladders are made of seconds */
	}
	g->next_escalation_ns = gov_now_ns(g) + (uint64_t)GOVERNOR_ESCALATION_MS * 1000000;
	follow_rota(g, now);
	climb_all(g, now);
	find_new(g, now);
}

void escalate_list(const struct governor *g, struct json_out *w)
{
	const struct escalation *x;
	uint64_t from = 0;

	json_out_key(w, STR("escalations"));
	json_out_array(w);
	while ((x = state_next_escalation(g->state, from))) {
		from = x->ix + 1;
		if (x->is_open) {
			json_out_object(w);
			view_id(w,
				str_eq(x->what, STR("approval")) ? "approval"
				: str_eq(x->what, STR("task"))	 ? "task"
								 : "term",
				str_eq(x->what, STR("approval")) ? 'a'
				: str_eq(x->what, STR("task"))	 ? 't'
								 : 'm',
				x->about);
			json_out_key_str(w, "group", x->group);
			json_out_key_u64(w, "rung", x->level);
			view_time(w, "since", x->since_unix_ms);
			json_out_close(w);
		}
	}
	json_out_close(w);
	json_out_key(w, STR("paused"));
	json_out_array(w);
	for (size_t i = 0; i < g->bundle->n_agents; i++) {
		const struct agent *a = &g->bundle->agents[i];
		const struct pause *p = state_pause_of(g->state, a->id, gov_now_ms(g));

		if (p) {
			json_out_object(w);
			json_out_key_str(w, "agent", a->name);
			view_time(w, "until", p->until_unix_ms);
			json_out_close(w);
		}
	}
	json_out_close(w);
}
