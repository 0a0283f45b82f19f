/* SPDX-License-Identifier: Apache-2.0 */
/* governor/people_back.c - people undo, or let stand. */
#include "base/limits.h"
#include "governor/people.h"

/* Whoever acts while it is undone would undo the undoing: running tasks end. */
static void end_tasks(struct governor *g, uint64_t task, uint64_t incident, struct str by)
{
	const struct task *t;
	uint64_t from = 0;

	while ((t = state_next_task(g->state, from))) {
		from = t->ix + 1;
		if ((t->ix == task || (incident && t->incident == incident)) &&
		    (t->state == TASK_RUNNING || t->state == TASK_SUSPENDED)) {
			tasks_end(g, t->ix, "stopped", by, 0);
		}
	}
}

static enum rc rollback_all(struct asked *a, uint64_t task, uint64_t incident, struct err *e)
{
	struct governor *g = a->g;
	uint64_t ix;

	if ((task && !state_task(g->state, task)) ||
	    (incident && !state_incident(g->state, incident))) {
		FAIL(e, RC_ABSENT,
		     "no such task or incident; its terms may be rolled back one by "
		     "one: see remit terms");
	}
	TRY(rollback_all_start(g, task, incident, a->person->name, &ix, e));
	end_tasks(g, task, incident, a->person->name);
	people_answer_id(a, "rollback", 'r', ix, STR("rolling_back"));
	return RC_OK;
}

enum rc people_rollback(struct asked *a, struct err *e)
{
	struct str id = people_text(a, "id");
	uint64_t ix;

	if (id_parse(id, 't', &ix) || id_parse(id, 'i', &ix)) {
		return rollback_all(a, id.p[0] == 't' ? ix : 0, id.p[0] == 'i' ? ix : 0, e);
	}
	TRY(people_id(a, 'm', &ix, e));
	TRY(rollback_start(a->g, ix, a->person->name, e));
	people_answer_id(a, "term", 'm', ix, STR("rolling_back"));
	return RC_OK;
}

enum rc people_term_keep(struct asked *a, struct err *e)
{
	const struct term *m;
	uint64_t for_s;
	uint64_t ix;
	struct leaf l = {
	    .kind = LEAF_TERM_CHANGED,
	    .term_changed = {.how = STR("kept"), .by = a->person->name},
	};

	TRY(people_id(a, 'm', &ix, e));
	m = state_term(a->g->state, ix);
	if (!m || m->state == TERM_OVER || m->state == TERM_ROLLING_BACK) {
		FAIL(e, RC_ABSENT, "no standing term 'm%llu'", (unsigned long long)ix);
	}
	TRY(people_number(a, "for_s", 0, TERM_KEEP_MAX_S, &for_s, e));
	l.term_changed.term = ix;
	l.term_changed.ends_at = for_s ? gov_now_ms(a->g) + for_s * 1000 : 0;
	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	people_answer_id(a, "term", 'm', ix, STR("kept"));
	return RC_OK;
}

enum rc people_clock_confirm(struct asked *a, struct err *e)
{
	uint64_t jump = state_clock_jump(a->g->state);

	TRY(clock_watch_confirm(a->g, a->person->name, e));
	people_answer_id(a, "clock_jump", 'j', jump, STR("confirmed"));
	return RC_OK;
}
