/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_note.c - claims of agents: where they stand, never what they say. */
#include <inttypes.h>

#include "core/state_impl.h"

enum rc state_reserve_note_recorded(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_note_recorded *n = &l->note_recorded;
	struct task_object *t;
	struct object *o;

	TRY(state_need(s, OBJECT_TASK, n->task, &o, e));
	t = (struct task_object *)o;
	if (!str_eq(t->pub.agent, n->agent)) {
		FAIL(e, RC_BROKEN, "a note on t%" PRIu64 " by another agent", n->task);
	}
	if (t->notes.n >= TASK_NOTES) {
		FAIL(e, RC_LIMIT, "more than %d notes on a task", TASK_NOTES);
	}
	if (vec_reserve(&t->notes, 1) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a note");
	}
	t->pub.notes = t->notes.p; /* the vector may have moved */
	return RC_OK;
}

void state_apply_note_recorded(struct state *s, const struct leaf *l)
{
	struct task_object *t = (void *)state_find(s, OBJECT_TASK, l->note_recorded.task);

	MUST(t->notes.n < t->notes.cap);
	t->notes.p[t->notes.n++] =
	    (struct task_note){.ix = s->size, .about = l->note_recorded.about, .unix_ms = l->t};
	t->pub.n_notes = t->notes.n;
}
