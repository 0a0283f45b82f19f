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
#include "core/escalation.h"

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
			 .task_accountable = {.task = ix, .why = STR("rota"), .at = now}};

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

/* ---- climbing ---- */

static uint64_t open_one(struct governor *g, const struct waiting_for *w)
{
	uint64_t ix = book_next_ix(g->book);
	struct leaf l = {
	    .kind = LEAF_ESCALATION_OPENED,
	    .escalation_opened = {.about = w->about,
				  .what = w->what,
				  .group = w->group,
				  .since = w->since_unix_ms},
	};

	return gov_record(g, &l) ? ix : 0;
}

static void make_safe(struct governor *g, const struct waiting_for *w, enum safe_step safe)
{
	const struct agent *agent = bundle_agent(g->bundle, w->agent);
	struct err e = ERR_INIT;

	if (str_eq(w->what, STR("approval"))) {
		approvals_expire(g, w->about); /* whatever it is called: nobody said yes */
	}
	if (safe == SAFE_ROLLBACK && str_eq(w->what, STR("term")) &&
	    rollback_start(g, w->about, STR("remit"), &e) != RC_OK) {
		log_err("m%llu is not rolled back: %s", (unsigned long long)w->about, e.msg);
	}
	if (safe == SAFE_OBSERVE && agent) {
		approvals_pause(g, agent->id, 0, STR("nobody answered what was escalated"));
	}
}

static char letter_of(struct str what)
{
	return str_eq(what, STR("approval")) ? 'a' : str_eq(what, STR("task")) ? 't' : 'm';
}

static void tell(struct governor *g, const struct waiting_for *w, uint64_t level,
		 const struct str_list *who)
{
	for (size_t i = 0; i < who->n; i++) {
		notify_person(g, who->p[i], w->about, "escalation",
			      arena_strf(&g->round,
					 "%.*s %c%llu waits for people: rung %llu of the ladder of "
					 "group '%.*s'",
					 STR_ARG(w->what), letter_of(w->what),
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
	struct err e = ERR_INIT;

	if (!x || !group) {
		return;
	}
	ladder = ladder_of(group);
	while ((r = escalation_due(&ladder, x->level, x->since_unix_ms, now))) {
		uint64_t level = x->level + 1;
		struct leaf l = {
		    .kind = LEAF_ESCALATION_MOVED,
		    .escalation_moved = {.escalation = ix,
					 .about = w->about,
					 .level = level,
					 .safe = escalation_safe_name(r->safe),
					 .at = now},
		};

		if (rung_persons(g->state, g->bundle, group, r, bundle_agent(g->bundle, w->agent),
				 now, &g->round, &l.escalation_moved.who, &e) != RC_OK ||
		    !gov_record(g, &l)) {
			return;
		}
		/* The first rung of a question is the question itself, which everybody was told. */
		if (level > 1 || !str_eq(w->what, STR("approval"))) {
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
	if (now < w->since_unix_ms || now - w->since_unix_ms < escalation_begins_ms(&ladder, w)) {
		return;
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
		if (a->state == APPROVAL_OPEN &&
		    escalation_waits(g->state, g->bundle, STR("approval"), ix, &w)) {
			consider(g, &w, now);
		}
	}
	for (from = 0; (t = state_next_task(g->state, from)); from = ix + 1) {
		ix = t->ix;
		if (escalation_waits(g->state, g->bundle, STR("task"), ix, &w)) {
			consider(g, &w, now);
		}
	}
	for (from = 0; (m = state_next_term(g->state, from)); from = ix + 1) {
		ix = m->ix;
		if (escalation_waits(g->state, g->bundle, STR("term"), ix, &w)) {
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
		if (escalation_waits(g->state, g->bundle, x->what, x->about, &w)) {
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
				letter_of(x->what), x->about);
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
