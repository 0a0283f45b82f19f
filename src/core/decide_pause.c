/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_pause.c - people can answer only so much.
 *
 * Holds:  (1) of one agent at most `pending` questions wait, and a person is asked at most
 * `per_hour` groups of similar ones within an hour: what is more is denied, not queued. (2) an
 * agent that asked more only reads for a while, beside what was granted or is being asked already.
 * It cannot tire people out until somebody says yes.
 */
#include "base/clock.h"
#include "core/decide_impl.h"

enum { HOUR_MS = 3600 * 1000 };

/* (2) */
enum rc check_pause(struct deciding *c, struct err *e)
{
	const struct pause *p = state_pause_of(c->s, c->r->agent, c->r->now_unix_ms);
	const struct approval *a;
	char until[25];

	if (!p || c->d.effect == EFFECT_READ) {
		return RC_OK;
	}
	a = state_approval_of(c->s, c->r->task, &c->r->tag);
	if (a && (a->state == APPROVAL_OPEN || a->state == APPROVAL_GRANTED)) {
		return RC_OK;
	}
	clock_format_unix_ms(p->until_unix_ms, until);
	return decision_deny(&c->d, REASON_NEEDS_APPROVAL, c->arena, e,
			     "the agent has asked more than people can answer and only reads "
			     "until %s",
			     until);
}

static size_t open_questions_of(const struct state *s, struct str agent)
{
	const struct approval *a;
	uint64_t from = 0;
	size_t n = 0;

	while ((a = state_next_approval(s, from))) {
		from = a->ix + 1;
		n += a->state == APPROVAL_OPEN && str_eq(a->agent, agent);
	}
	return n;
}

/* Those who may open the gate and were not asked too often yet. */
static size_t rested(const struct state *s, const struct bundle *b, const struct gate *g,
		     const struct approvers *a, uint32_t per_hour, uint64_t now_unix_ms)
{
	uint64_t since = now_unix_ms > HOUR_MS ? now_unix_ms - HOUR_MS : 0;
	size_t n = 0;

	for (size_t i = 0; i < a->eligible.n; i++) {
		const struct person *p = bundle_person(b, a->eligible.p[i]);

		n += p && str_list_has(&p->groups, g->group) &&
		     state_questions_to(s, p->name, since) < per_hour;
	}
	return n;
}

enum rc check_questions(const struct state *s, const struct bundle *b, struct str agent,
			const struct str_list *gates, const struct approvers *a, bool is_grouped,
			uint64_t now_unix_ms, struct arena *arena, struct str *ret_why,
			struct err *e)
{
	uint32_t pending = b->questions.pending ? b->questions.pending : QUESTIONS_PENDING;
	uint32_t per_hour = b->questions.per_hour ? b->questions.per_hour : QUESTIONS_PER_HOUR;
	struct str why = STR_NULL;
	bool is_too_much = false;

	if (open_questions_of(s, agent) >= pending) {
		is_too_much = true;
		why = arena_strf(arena, "%u questions of this agent wait already", pending);
	}
	for (size_t i = 0; !is_grouped && !is_too_much && i < gates->n; i++) {
		const struct gate *g = bundle_gate(b, gates->p[i]);

		if (!g || rested(s, b, g, a, per_hour, now_unix_ms) < g->quorum) {
			is_too_much = true;
			why = arena_strf(arena,
					 "those who may answer for gate '" STR_FMT
					 "' have been asked %u times within the hour",
					 STR_ARG(gates->p[i]), per_hour);
		}
	}
	if (is_too_much && !why.p) {
		FAIL(e, RC_NOMEM, "no memory for a decision");
	}
	*ret_why = why;
	return RC_OK;
}
