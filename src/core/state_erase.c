/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_erase.c - tasks whose sealed values are erased.
 *
 * Holds:  (1) two persons decide it, and nothing that runs or would be undone loses what it needs.
 *         (2) what was decided stays in the state until its key is gone: a later life finishes it.
 * States: -proposed-> PROPOSED -another person, in time-> DECIDED -key destroyed-> (forgotten)
 */
#include <inttypes.h>

#include "base/limits.h"
#include "core/state_impl.h"

static bool is_being_erased(const struct state *s, uint64_t task)
{
	for (size_t i = 0; i < s->erasing.n; i++) {
		if (s->erasing.p[i].task == task) {
			return true;
		}
	}
	return false;
}

/* A containment of the task that would be undone by what is sealed. */
static bool has_standing(const struct state *s, uint64_t task)
{
	for (const struct term *t = state_next_term(s, 0); t; t = state_next_term(s, t->ix + 1)) {
		const struct call *c = state_call(s, t->call);

		if (t->state != TERM_OVER && (!c || c->task == task)) {
			return true;
		}
	}
	return false;
}

/* Its outcome would be sealed after the key is gone. */
static bool has_open_call(const struct state *s, uint64_t task)
{
	for (const struct call *c = state_next_call(s, 0); c; c = state_next_call(s, c->ix + 1)) {
		if (c->task == task &&
		    (c->state == CALL_ALLOWED || str_eq(c->outcome, STR("unknown")))) {
			return true;
		}
	}
	return false;
}

const char *state_needs_values(const struct state *s, uint64_t task)
{
	const struct task *t = state_task(s, task);

	if (t && t->state != TASK_CLOSED) {
		return "the task is not closed";
	}
	if (has_standing(s, task)) {
		return "a containment of the task stands, or was not undone";
	}
	if (has_open_call(s, task)) {
		return "the outcome of a call of the task is not known, and may come for a day";
	}
	return is_being_erased(s, task) ? "it is being erased" : NULL;
}

static enum rc check(const struct state *s, uint64_t task, struct err *e)
{
	const char *why = state_needs_values(s, task);

	if (why) {
		FAIL(e, RC_BROKEN, "t%" PRIu64 " cannot be erased: %s", task, why);
	}
	return RC_OK;
}

enum rc state_reserve_erase_proposed(struct state *s, const struct leaf *l, struct err *e)
{
	TRY(check(s, l->erase_proposed.task, e));
	if (!l->erase_proposed.task || !l->erase_proposed.by.n) {
		FAIL(e, RC_BROKEN, "nobody erases nothing");
	}
	return state_copy_string(l->erase_proposed.by, &s->pending.name, e);
}

void state_apply_erase_proposed(struct state *s, const struct leaf *l)
{
	state_take_motion(s, &s->erase, l->erase_proposed.task, l->t);
}

enum rc state_reserve_erase_decided(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_erase_decided *d = &l->erase_decided;

	TRY(check(s, d->task, e));
	if (!str_eq(s->erase.by, d->proposed_by) ||
	    !motion_may_confirm(&s->erase, d->task, d->by, l->t)) {
		FAIL(e, RC_BROKEN, "two persons must want t%" PRIu64 " to be erased", d->task);
	}
	if (s->erasing.n >= LIMIT_ERASING) {
		FAIL(e, RC_LIMIT, "%d tasks are being erased", LIMIT_ERASING);
	}
	return vec_reserve(&s->erasing, 1);
}

void state_apply_erase_decided(struct state *s, const struct leaf *l)
{
	MUST(s->erasing.n < s->erasing.cap);
	s->erasing.p[s->erasing.n++] = (struct erasing){
	    .ix = s->size, .task = l->erase_decided.task, .key = l->erase_decided.key};
	state_drop_motion(&s->erase);
}

static size_t place_of(const struct state *s, uint64_t decided)
{
	size_t i = 0;

	while (i < s->erasing.n && s->erasing.p[i].ix != decided) {
		i++;
	}
	return i;
}

enum rc state_reserve_task_erased(struct state *s, const struct leaf *l, struct err *e)
{
	size_t at = place_of(s, l->task_erased.decided);

	if (at == s->erasing.n || s->erasing.p[at].task != l->task_erased.task) {
		FAIL(e, RC_BROKEN, "nobody decided that t%" PRIu64 " is erased",
		     l->task_erased.task);
	}
	return RC_OK;
}

void state_apply_task_erased(struct state *s, const struct leaf *l)
{
	vec_remove(&s->erasing, place_of(s, l->task_erased.decided));
}

/* ---- reading ---- */

const struct motion *state_erase_motion(const struct state *s)
{
	return &s->erase;
}

const struct erasing *state_erasing(const struct state *s, size_t at)
{
	return at < s->erasing.n ? &s->erasing.p[at] : NULL;
}
