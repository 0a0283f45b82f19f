/* SPDX-License-Identifier: Apache-2.0 */
/* core/accountable.c - who answers at this moment, and who is told next. */
#include "core/accountable.h"

enum { MAX_TOLD = 64, GROUP_AFTER_MS = 60 * 1000 };

static bool is_member(const struct bundle *b, struct str person, struct str group)
{
	const struct person *p = bundle_person(b, person);

	return p && str_list_has(&p->groups, group);
}

struct str accountable_now(const struct state *s, const struct bundle *b, struct str group,
			   uint64_t now_unix_ms)
{
	const struct group *g = bundle_group(b, group);
	const struct duty *set = state_duty_of(s, group, now_unix_ms);

	if (!g) {
		return STR("");
	}
	if (set && is_member(b, set->person, group)) {
		return set->person;
	}
	for (size_t i = 0; i < g->n_turns; i++) {
		const struct turn *t = &g->turns[i];

		if (week_windows_have(t->windows, t->n_windows, now_unix_ms)) {
			return t->person;
		}
	}
	if (g->deputy.n && g->n_turns) {
		return g->deputy;
	}
	return g->rota.n ? g->rota.p[0] : STR("");
}

enum reason accountable_may_resume(const struct bundle *b, const struct task *t,
				   const struct person *p)
{
	const struct agent *agent = bundle_agent(b, t->agent);
	const struct playbook *playbook = bundle_playbook(b, t->playbook);

	if (!agent || str_eq(agent->owner, p->name) || str_eq(agent->deputy, p->name)) {
		return REASON_APPROVER_CONFLICT;
	}
	return str_eq(t->accountable, p->name) ||
		       (playbook && str_list_has(&p->groups, playbook->accountable))
		   ? REASON_NONE
		   : REASON_APPROVER_AUTH;
}

struct ladder ladder_of(const struct group *g)
{
	static const struct rung standard[] = {
	    {.after_ms = 0, .who = RUNG_ON_CALL},
	    {.after_ms = GROUP_AFTER_MS, .who = RUNG_GROUP},
	};

	return g->n_rungs ? (struct ladder){g->ladder, g->n_rungs}
			  : (struct ladder){standard, ARRAY_LEN(standard)};
}

static void add(struct str *items, struct str_list *l, struct str person)
{
	if (person.n && !str_list_has(l, person) && l->n < MAX_TOLD) {
		items[l->n++] = person;
	}
}

enum rc rung_persons(const struct state *s, const struct bundle *b, const struct group *g,
		     const struct rung *r, const struct agent *agent, uint64_t now_unix_ms,
		     struct arena *arena, struct str_list *ret, struct err *e)
{
	struct str *items = arena_alloc_n(arena, MAX_TOLD, sizeof(*items));
	struct str_list l = {.p = items};

	if (!items) {
		FAIL(e, RC_NOMEM, "no memory for those to be told");
	}
	switch (r->who) {
	case RUNG_NOBODY:
		break;
	case RUNG_ON_CALL:
		add(items, &l, accountable_now(s, b, g->name, now_unix_ms));
		break;
	case RUNG_GROUP:
		for (size_t i = 0; i < b->n_people; i++) {
			if (str_list_has(&b->people[i].groups, g->name)) {
				add(items, &l, b->people[i].name);
			}
		}
		break;
	case RUNG_OWNER:
		add(items, &l, agent ? agent->owner : STR(""));
		break;
	case RUNG_DEPUTY:
		add(items, &l, agent ? agent->deputy : STR(""));
		break;
	case RUNG_PERSON:
		add(items, &l, r->person);
		break;
	}
	*ret = l;
	return RC_OK;
}
