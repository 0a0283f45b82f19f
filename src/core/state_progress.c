/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_progress.c - how far a task has come: what it did in each phase, what is completed.
 *
 * Holds:  (1) an allowed call counts in the phase its task stands in when call.decided is applied;
 *             a call that moves the task on follows the task.phase leaf that does.
 *         (2) counts of a phase are of all visits together: going round starts nothing anew.
 */
#include "base/limits.h"
#include "core/state_impl.h"

static struct phase_use *use_of(const struct task_object *t, struct str phase)
{
	for (size_t i = 0; i < t->phases.n; i++) {
		if (str_eq(t->phases.p[i].phase, phase)) {
			return &t->phases.p[i];
		}
	}
	return NULL;
}

const struct phase_use *task_phase_use(const struct task *t, struct str phase)
{
	for (size_t i = 0; i < t->n_phases; i++) {
		if (str_eq(t->phases[i].phase, phase)) {
			return &t->phases[i];
		}
	}
	return NULL;
}

bool state_task_has_touched_in(const struct state *s, const struct task *t, struct str phase,
			       struct str target)
{
	const struct task_object *o = (const void *)state_find(s, OBJECT_TASK, t->ix);
	const struct phase_use *use = task_phase_use(t, phase);

	return o && use &&
	       tally_set_marks(&o->touched, intern_find(&s->words, target)) >> (use - t->phases) &
		   1;
}

/* Room to count in the phase that the task stands in. */
enum rc state_reserve_phase_use(struct state *s, struct task_object *t, struct err *e)
{
	if (use_of(t, t->pub.phase)) {
		return RC_OK;
	}
	if (t->phases.n >= LIMIT_PHASES) {
		FAIL(e, RC_LIMIT, "a task in more than %d phases", LIMIT_PHASES);
	}
	if (vec_reserve(&t->phases, 1) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a task's phase");
	}
	t->pub.phases = t->phases.p; /* the vector may have moved */
	return state_copy_string(t->pub.phase, &s->pending.name, e);
}

static struct phase_use *take_phase_use(struct state *s, struct task_object *t)
{
	struct phase_use *use = use_of(t, t->pub.phase);

	if (!use) {
		MUST(t->phases.n < t->phases.cap && s->pending.name.p);
		use = &t->phases.p[t->phases.n++];
		*use = (struct phase_use){.phase = s->pending.name};
		s->pending.name = STR_NULL;
		t->pub.n_phases = t->phases.n;
	}
	return use;
}

/* The task leaves its phase. */
void state_leave_phase(struct state *s, struct task_object *t, uint64_t unix_ms)
{
	uint64_t since = t->pub.phase_since_unix_ms;

	take_phase_use(s, t)->spent_ms += unix_ms > since ? unix_ms - since : 0;
	t->pub.phase_since_unix_ms = unix_ms;
}

/* (1) After state_apply_use. */
void state_apply_progress(struct state *s, struct task_object *t, const struct call_object *call)
{
	struct phase_use *use = take_phase_use(s, t);
	uint32_t bit = UINT32_C(1) << (use - t->phases.p);

	use->calls++;
	for (size_t i = 0; i < call->pub.targets.n && call->pub.effect != EFFECT_READ; i++) {
		use->targets += !(tally_set_mark(&t->touched, call->targets[i], bit) & bit);
	}
}

void state_free_progress(struct task_object *t)
{
	for (size_t i = 0; i < t->phases.n; i++) {
		state_free_string(t->phases.p[i].phase);
	}
	vec_fini(&t->phases);
	state_free_strings(&t->completed);
}
