/* SPDX-License-Identifier: Apache-2.0 */
/* core/escalation.c - what waits for people, and which rung is due. */
#include "core/escalation.h"

bool approval_leads(const struct state *s, const struct approval *a)
{
	const struct approval *other;
	uint64_t from = a->group;

	if (a->state != APPROVAL_OPEN) {
		return true;
	}
	while ((other = state_next_approval(s, from)) && other->ix < a->ix) {
		from = other->ix + 1;
		if (other->group == a->group && other->state == APPROVAL_OPEN) {
			return false;
		}
	}
	return true;
}

static struct str group_of_playbook(const struct bundle *b, const struct task *t)
{
	const struct playbook *p = t ? bundle_playbook(b, t->playbook) : NULL;

	return p ? p->accountable : STR("");
}

static bool approval_waits(const struct state *s, const struct bundle *b, uint64_t ix,
			   struct waiting_for *ret)
{
	const struct approval *a = state_approval(s, ix);
	const struct gate *gate = a && a->gates.n ? bundle_gate(b, a->gates.p[0]) : NULL;

	if (!a || a->state != APPROVAL_OPEN || !gate || !approval_leads(s, a)) {
		return false;
	}
	*ret = (struct waiting_for){ix, STR("approval"), gate->group, a->agent, a->opened_unix_ms};
	return true;
}

static bool task_waits(const struct state *s, const struct bundle *b, uint64_t ix,
		       struct waiting_for *ret)
{
	const struct task *t = state_task(s, ix);

	if (!t || t->state != TASK_SUSPENDED) {
		return false;
	}
	*ret = (struct waiting_for){ix, STR("task"), group_of_playbook(b, t), t->agent, 0};
	return true;
}

static bool term_waits(const struct state *s, const struct bundle *b, uint64_t ix,
		       struct waiting_for *ret)
{
	const struct term *m = state_term(s, ix);
	const struct task *t = m ? state_task(s, m->task) : NULL;

	if (!m || (m->state != TERM_ASKED && m->state != TERM_FAILED)) {
		return false;
	}
	*ret = (struct waiting_for){ix, STR("term"), group_of_playbook(b, t),
				    t ? t->agent : STR(""), 0};
	return true;
}

bool escalation_waits(const struct state *s, const struct bundle *b, struct str what,
		      uint64_t about, struct waiting_for *ret)
{
	if (str_eq(what, STR("approval"))) {
		return approval_waits(s, b, about, ret);
	}
	if (str_eq(what, STR("task"))) {
		return task_waits(s, b, about, ret);
	}
	return str_eq(what, STR("term")) && term_waits(s, b, about, ret);
}

uint64_t escalation_begins_ms(const struct ladder *l, const struct waiting_for *w)
{
	bool is_second;

	if (w->since_unix_ms == 0) {
		return 0; /* nobody was told of it as of a question */
	}
	is_second = l->n > 1 && l->rungs[0].after_ms == 0 && l->rungs[0].safe == SAFE_NONE;
	return l->rungs[is_second ? 1 : 0].after_ms;
}

const struct rung *escalation_due(const struct ladder *l, uint64_t level, uint64_t since_unix_ms,
				  uint64_t now_unix_ms)
{
	if (level >= l->n || now_unix_ms < since_unix_ms ||
	    now_unix_ms - since_unix_ms < l->rungs[level].after_ms) {
		return NULL;
	}
	return &l->rungs[level];
}

struct str escalation_safe_name(enum safe_step s)
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
