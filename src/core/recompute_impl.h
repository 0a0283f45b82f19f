/* SPDX-License-Identifier: Apache-2.0 */
/* core/recompute_impl.h - what the files of core/recompute_people.h share; for nobody else.
 *
 * Each look_at_* compares one kind of leaf with what it had to be, and says a difference with
 * look_differs. Only memory is an error.
 */
#pragma once

#include "core/recompute_people.h"

struct look {
	const struct state *s;
	const struct bundle *b;
	const struct leaf *l;
	uint64_t pinned_unix_ms;
	struct arena *arena;
	struct str difference; /* p == NULL: none */
};

PRINTF_LIKE(3, 4)
enum rc look_differs(struct look *k, struct err *e, const char *fmt, ...);

/* Was the leaf recorded after, or before that time, by more than RECOMPUTE_SLACK_MS? Nobody knows
 * while the clock is not believed. */
bool look_is_past(const struct look *k, uint64_t unix_ms);
bool look_is_early(const struct look *k, uint64_t unix_ms);
/* Is it the time of its recording, as a leaf says of what it was decided by? */
bool look_is_at(const struct look *k, uint64_t unix_ms);

/* recompute_question.c */
enum rc look_at_vote(struct look *k, struct err *e);
enum rc look_at_settled(struct look *k, struct err *e);

/* recompute_duty.c */
enum rc look_at_duty(struct look *k, struct err *e);
enum rc look_at_accountable(struct look *k, struct err *e);
enum rc look_at_term_owner(struct look *k, struct err *e);
enum rc look_at_escalated(struct look *k, struct err *e);
enum rc look_at_rung(struct look *k, struct err *e);
enum rc look_at_escalation_end(struct look *k, struct err *e);

/* recompute_task.c */
enum rc look_at_phase(struct look *k, struct err *e);
enum rc look_at_suspended(struct look *k, struct err *e);
enum rc look_at_resumed(struct look *k, struct err *e);
enum rc look_at_ended(struct look *k, struct err *e);
enum rc look_at_outcome(struct look *k, struct err *e);
enum rc look_at_definition(struct look *k, struct err *e);
enum rc look_at_pause(struct look *k, struct err *e);

/* recompute_act.c: what else people do, by kind */
enum rc look_at_act(struct look *k, struct err *e);
