/* SPDX-License-Identifier: Apache-2.0 */
/* core/autonomy.h - how much an agent may do by itself: what is written, earned and lost.
 *
 * agents/<agent>.yaml says a level per effect, `initial` of autonomy.yaml caps it for agents that
 * have earned nothing: that is the base. What is in force may be above or below it, and is state:
 *
 *	raised	by a promotion: two persons, neither of whom owns the agent, when the numbers are
 *good enough (autonomy_may_promote). It holds as long as the base is the one it was given on: a
 *		deployment that says something else is another decision, and wins.
 *	lowered	by a breach, in the same leaf that records it (agent.breached), or by a person. It
 *		stays below whatever the deployment says until the agent is promoted again.
 *
 * A tally counts, per effect, what people decided about what the agent wanted: approvals granted or
 * denied, proposals agreed with or not. It begins anew with every promotion.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "core/agent.h"
#include "core/effect.h"
#include "core/list.h"
#include "core/reason.h"

struct state;
struct bundle;
struct person;
struct agent_record;

/* What costs an agent autonomy. */
enum breach {
	BREACH_ATTEMPTS = 0, /* repeatedly out of scope, over tasks */
	BREACH_SEVERE,	     /* once, but an attack */
	BREACH_SUSPENDED,    /* deviations suspended a task of it */
	BREACH_UNVERIFIED,   /* a change of it did not hold when read back */
	BREACHES
};
struct str breach_name(enum breach b); /* "attempts", ... */
bool breach_from_name(struct str name, enum breach *ret) MUST_USE;

enum { ATTEMPTS_KEPT = 64 }; /* of an agent; `count` is at most as many */

/* autonomy.yaml. Zero is the strictest but for attempts_count, where 0 = nothing is counted. */
struct autonomy_rules {
	enum autonomy initial[EFFECTS];
	/* promotion */
	uint64_t decisions; /* judged by people, at least */
	uint64_t agreement; /* of them in percent, at least */
	uint64_t quiet_ms;  /* since the last breach */
	/* demotion: contain and destroy keep at most this */
	enum autonomy after[BREACHES];
	/* an incident on the agent itself */
	uint64_t attempts_count;
	uint64_t attempts_window_ms;
	uint8_t attempts_severity;
};
/* What holds without the file. */
struct autonomy_rules autonomy_rules_default(void);

/* What the deployment gives: the agent's level, as far as `initial` lets it. */
enum autonomy autonomy_base(const struct bundle *b, const struct agent *a, enum effect e);
enum autonomy autonomy_in_force(const struct state *s, const struct bundle *b,
				const struct agent *a, enum effect e);
/* What a breach leaves of it; the level in force when that is lower. */
enum autonomy autonomy_after(const struct state *s, const struct bundle *b, const struct agent *a,
			     enum effect e, enum breach why);
/* Attempts of the last window together, with the weights their leaves gave them. */
uint64_t autonomy_attempts(const struct agent_record *r, const struct bundle *b,
			   uint64_t now_unix_ms);

/* May this person endorse the agent's promotion to that level now? REASON_NONE, or approver_auth
 * (in no gate's group), approver_conflict (owns or deputises the agent), not_earned; detail in
 * arena. */
enum rc autonomy_may_promote(const struct state *s, const struct bundle *b, const struct agent *a,
			     enum effect effect, enum autonomy level, const struct person *p,
			     uint64_t now_unix_ms, struct arena *arena, enum reason *ret,
			     struct str *ret_detail, struct err *e);
/* May this person judge what the agent proposes? As above, without the numbers. */
enum reason autonomy_may_judge(const struct bundle *b, const struct agent *a,
			       const struct person *p);
