/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_reads.c - how much may still be read, and what no argument may hold.
 *
 * Holds:  (1) what was given to a task never exceeds a budget: a read that might is refused when
 *             the catalog declares its size, and a result that would is withheld.
 */
#include <inttypes.h>

#include "core/decide_impl.h"
#include "core/redact.h"

static struct read_total total_of(const struct str_list *classes, const struct read_total *totals,
				  struct str class)
{
	for (size_t i = 0; i < classes->n; i++) {
		if (str_eq(classes->p[i], class)) {
			return totals[i];
		}
	}
	return (struct read_total){0};
}

static struct read_total used(const struct state *s, const struct task *task,
			      const struct read_budget *b)
{
	const struct incident *i = b->is_of_incident ? state_incident(s, task->incident) : NULL;

	return i ? total_of(&i->read_classes, i->read_totals, b->class)
		 : total_of(&task->read_classes, task->read_totals, b->class);
}

/* May results of this tool be of the budget's class? */
static bool concerns(const struct read_budget *b, const struct tool *t)
{
	return str_eq(b->class, READ_CLASS_ANY) || str_list_has(&t->data, b->class) ||
	       (str_eq(b->class, READ_CLASS_UNKNOWN) && t->n_reads == 0);
}

static bool is_over(uint64_t used_up, uint64_t more, uint64_t most)
{
	return used_up > most || more > most - used_up;
}

enum rc check_read_budget(const struct state *s, const struct playbook *p, const struct task *task,
			  struct arena *arena, struct decision *ret, struct err *e)
{
	const struct tool *t = ret->tool;

	for (size_t i = 0; ret->effect == EFFECT_READ && i < p->n_budgets; i++) {
		const struct read_budget *b = &p->budgets[i];
		struct read_total u = used(s, task, b);

		if (!concerns(b, t)) {
			continue;
		}
		/* A class that is used up to the last object allows no further one. */
		if (is_over(u.results, 1, b->most.results) ||
		    is_over(u.objects, t->reads_objects ? t->reads_objects : 1, b->most.objects) ||
		    is_over(u.bytes, t->reads_bytes ? t->reads_bytes : 1, b->most.bytes)) {
			return decision_deny(ret, REASON_READ_BUDGET, arena, e,
					     "%s has read %" PRIu64 " objects and %" PRIu64
					     " bytes of class '" STR_FMT "' in %" PRIu64 " results",
					     b->is_of_incident ? "the incident" : "the task",
					     u.objects, u.bytes, STR_ARG(b->class), u.results);
		}
	}
	return RC_OK;
}

bool decide_may_give(const struct state *s, const struct playbook *p, const struct task *task,
		     const struct read_account *a, uint64_t bytes)
{
	uint64_t all = 0;

	for (size_t i = 0; i < a->counts.n; i++) {
		struct str rest = a->counts.p[i];
		struct str class = str_cut(&rest, '=');

		all += reads_count_of(&a->counts, class);
	}
	for (size_t i = 0; i < p->n_budgets; i++) {
		const struct read_budget *b = &p->budgets[i];
		struct read_total u = used(s, task, b);
		bool is_any = str_eq(b->class, READ_CLASS_ANY);
		bool is_unknown = str_eq(b->class, READ_CLASS_UNKNOWN) && !a->is_described;
		uint64_t objects = is_any ? all : reads_count_of(&a->counts, b->class);

		if ((is_any || is_unknown || objects > 0) &&
		    (is_over(u.objects, objects, b->most.objects) ||
		     is_over(u.bytes, bytes, b->most.bytes))) {
			return false;
		}
	}
	return true;
}

enum rc check_no_secrets(const struct json *args, struct arena *arena, struct decision *ret,
			 struct err *e)
{
	struct str kind;

	if (ret->tool->accepts_secrets || !redact_json_has_secret(args, &kind)) {
		return RC_OK;
	}
	return decision_deny(ret, REASON_SECRET_IN_ARGS, arena, e,
			     "there is a " STR_FMT
			     " in the arguments; Remit lends credentials itself",
			     STR_ARG(kind));
}
