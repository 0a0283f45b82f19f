/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_taint.c - marks of words: of untrusted results, per task; of arguments, per incident.
 *
 * Holds:  (1) marks stand in ascending order.
 *         (2) what there is no room for any more makes the set full, which counts as having all.
 *         (3) of an incident's marks the agent that came first is kept.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "core/state_impl.h"
#include "core/taint.h"

static size_t place_of(const struct mark_set *m, uint64_t mark)
{
	size_t from = 0;
	size_t to = m->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (m->p[middle].mark < mark) {
			from = middle + 1;
		} else {
			to = middle;
		}
	}
	return from;
}

static size_t count_of(struct str text)
{
	return text.n / 16;
}

static enum rc reserve(struct mark_set *m, struct str text, size_t most, struct err *e)
{
	size_t more = count_of(text);

	if (!marks_are_valid(text)) {
		FAIL(e, RC_BROKEN, "marks that are none");
	}
	more = m->n + more > most ? most - m->n : more;
	if (vec_reserve(m, more) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for marks");
	}
	return RC_OK;
}

/* From behind, so that each mark moves once. (1), (2), (3) */
static void merge(struct mark_set *m, struct str text, uint64_t by, size_t most)
{
	size_t fresh = 0;
	size_t have = m->n;
	size_t out;
	uint64_t mark;

	for (size_t i = 0; i < count_of(text); i++) {
		size_t at;

		MUST(marks_at(text, i, &mark));
		at = place_of(m, mark);
		fresh += at == m->n || m->p[at].mark != mark;
	}
	if (m->n + fresh > most) {
		m->is_full = true;
		return;
	}
	out = m->n + fresh;
	MUST(out <= m->cap);
	m->n = out;
	for (size_t i = count_of(text); i > 0;) {
		MUST(marks_at(text, i - 1, &mark));
		if (have > 0 && m->p[have - 1].mark >= mark) {
			i -= m->p[have - 1].mark == mark;
			m->p[--out] = m->p[--have];
		} else {
			m->p[--out] = (struct mark_by){mark, by};
			i--;
		}
	}
	MUST(out == have);
}

enum rc state_reserve_result_marks(struct task_object *t, struct str marks, struct err *e)
{
	return reserve(&t->marks, marks, LIMIT_MARKS_PER_TASK, e);
}

void state_apply_result_marks(struct task_object *t, struct str marks, bool is_over)
{
	merge(&t->marks, marks, 0, LIMIT_MARKS_PER_TASK);
	t->marks.is_full |= is_over;
}

enum rc state_reserve_call_marks(struct incident_object *i, struct str marks, struct err *e)
{
	return reserve(&i->marks, marks, LIMIT_MARKS_PER_INCIDENT, e);
}

void state_apply_call_marks(struct incident_object *i, struct str marks, uint64_t task)
{
	merge(&i->marks, marks, task, LIMIT_MARKS_PER_INCIDENT);
}

static bool has(const struct mark_set *m, uint64_t mark, uint64_t *ret_by)
{
	size_t at = place_of(m, mark);

	if (at < m->n && m->p[at].mark == mark) {
		*ret_by = m->p[at].by;
		return true;
	}
	return false;
}

bool state_taints_arguments(const struct state *s, const struct task *t, const struct marks *marks)
{
	const struct task_object *o = (const void *)state_find(s, OBJECT_TASK, t->ix);
	uint64_t by;

	if (!o || (o->marks.n == 0 && !o->marks.is_full)) {
		return false;
	}
	if (marks->is_over || (o->marks.is_full && marks->n > 0)) {
		return true; /* (2) */
	}
	for (size_t i = 0; i < marks->n; i++) {
		if (has(&o->marks, marks->p[i], &by)) {
			return true;
		}
	}
	return false;
}

bool state_taints_from_other(const struct state *s, const struct task *t, const struct marks *marks)
{
	const struct incident_object *i = (const void *)state_find(s, OBJECT_INCIDENT, t->incident);
	uint64_t by;

	for (size_t k = 0; i && k < marks->n; k++) {
		const struct task *first =
		    has(&i->marks, marks->p[k], &by) ? state_task(s, by) : NULL;

		if (first && !str_eq(first->agent, t->agent)) {
			return true;
		}
	}
	return false;
}
