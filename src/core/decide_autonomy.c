/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_autonomy.c - the level in force, what it lets a call do, what would raise or lower
 * it.
 *
 * Holds:  (1) nothing raises a level but autonomy.changed by two persons (state_agent.c checks it
 *             again), and no raise outlives the base it was given on.
 *         (2) whoever owns or deputises an agent has no part in what raises it.
 */
#include "core/autonomy.h"

#include <inttypes.h>

#include "core/decide_impl.h"

static const struct str breach_names[BREACHES] = {
    [BREACH_ATTEMPTS] = {"attempts", 8},
    [BREACH_SEVERE] = {"severe", 6},
    [BREACH_SUSPENDED] = {"suspended", 9},
    [BREACH_UNVERIFIED] = {"unverified", 10},
};

struct str breach_name(enum breach b)
{
	return breach_names[b < BREACHES ? b : BREACH_ATTEMPTS];
}

bool breach_from_name(struct str name, enum breach *ret)
{
	for (unsigned i = 0; i < BREACHES; i++) {
		if (str_eq(breach_names[i], name)) {
			*ret = (enum breach)i;
			return true;
		}
	}
	return false;
}

struct autonomy_rules autonomy_rules_default(void)
{
	return (struct autonomy_rules){
	    .initial = {AUTONOMY_ACT, AUTONOMY_ACT, AUTONOMY_ACT},
	    .decisions = 50,
	    .agreement = 95,
	    .quiet_ms = UINT64_C(30) * 24 * 3600 * 1000,
	    .after = {[BREACH_ATTEMPTS] = AUTONOMY_OBSERVE,
		      [BREACH_SEVERE] = AUTONOMY_OBSERVE,
		      [BREACH_SUSPENDED] = AUTONOMY_PROPOSE,
		      [BREACH_UNVERIFIED] = AUTONOMY_APPROVE},
	    .attempts_count = 10,
	    .attempts_window_ms = UINT64_C(10) * 60 * 1000,
	    .attempts_severity = 2,
	};
}

static enum autonomy lower_of(enum autonomy a, enum autonomy b)
{
	return a < b ? a : b;
}

enum autonomy autonomy_base(const struct bundle *b, const struct agent *a, enum effect e)
{
	return lower_of(a->autonomy[e], b->autonomy.initial[e]);
}

/* (1) */
enum autonomy autonomy_in_force(const struct state *s, const struct bundle *b,
				const struct agent *a, enum effect e)
{
	const struct agent_record *r = state_agent_record(s, a->id);
	enum autonomy base = autonomy_base(b, a, e);

	if (!r || !r->levels[e].is_set) {
		return base;
	}
	if (r->levels[e].level > r->levels[e].base) {
		return base == r->levels[e].base ? r->levels[e].level : base;
	}
	return lower_of(r->levels[e].level, base);
}

enum autonomy autonomy_after(const struct state *s, const struct bundle *b, const struct agent *a,
			     enum effect e, enum breach why)
{
	enum autonomy now = autonomy_in_force(s, b, a, e);

	return e == EFFECT_READ ? now : lower_of(now, b->autonomy.after[why]);
}

uint64_t autonomy_attempts(const struct agent_record *r, const struct bundle *b,
			   uint64_t now_unix_ms)
{
	uint64_t sum = 0;

	for (size_t i = 0; r && i < r->n_attempts; i++) {
		const struct attempt_made *made = &r->attempts[i];

		if (now_unix_ms < made->unix_ms ||
		    now_unix_ms - made->unix_ms < b->autonomy.attempts_window_ms) {
			sum += made->weight;
		}
	}
	return sum;
}

/* ---- promotion ---- */

/* (2) */
enum reason autonomy_may_judge(const struct bundle *b, const struct agent *a,
			       const struct person *p)
{
	const struct person *known = p ? bundle_person(b, p->name) : NULL;
	const struct gate *gate = bundle_gate(b, b->default_gate);

	if (!known || !gate || !str_list_has(&known->groups, gate->group)) {
		return REASON_APPROVER_AUTH;
	}
	return str_eq(a->owner, known->name) || str_eq(a->deputy, known->name)
		   ? REASON_APPROVER_CONFLICT
		   : REASON_NONE;
}

static uint64_t days(uint64_t ms)
{
	return ms / (UINT64_C(24) * 3600 * 1000);
}

enum rc autonomy_may_promote(const struct state *s, const struct bundle *b, const struct agent *a,
			     enum effect effect, enum autonomy level, const struct person *p,
			     uint64_t now_unix_ms, struct arena *arena, enum reason *ret,
			     struct str *ret_detail, struct err *e)
{
	const struct autonomy_rules *rules = &b->autonomy;
	const struct agent_record *r = state_agent_record(s, a->id);
	struct agreement t = r ? r->tallies[effect] : (struct agreement){0};

	*ret_detail = STR_NULL;
	*ret = autonomy_may_judge(b, a, p);
	if (*ret != REASON_NONE) {
		return RC_OK;
	}
	*ret = REASON_NOT_EARNED;
	if (level <= autonomy_in_force(s, b, a, effect)) {
		*ret_detail = STR("the level in force is not below this one");
		return RC_OK;
	}
	if (t.judged < rules->decisions) {
		*ret_detail = arena_strf(
		    arena, "%" PRIu64 " decisions were judged by people, %" PRIu64 " are needed",
		    t.judged, rules->decisions);
	} else if (t.agreed * 100 < t.judged * rules->agreement) {
		*ret_detail = arena_strf(arena,
					 "people agreed with %" PRIu64 " of %" PRIu64
					 " decisions, %" PRIu64 " %% are needed",
					 t.agreed, t.judged, rules->agreement);
	} else if (r && r->breached_unix_ms &&
		   (now_unix_ms < r->breached_unix_ms ||
		    now_unix_ms - r->breached_unix_ms < rules->quiet_ms)) {
		*ret_detail =
		    arena_strf(arena, "the last breach was less than %" PRIu64 " days ago",
			       days(rules->quiet_ms));
	} else {
		*ret = REASON_NONE;
		return RC_OK;
	}
	if (!ret_detail->p) {
		FAIL(e, RC_NOMEM, "no memory for a reason");
	}
	return RC_OK;
}

/* ---- 10: the step ---- */

enum rc check_autonomy(struct deciding *c, struct err *e)
{
	(void)e; /* nothing here can fail */
	switch (autonomy_in_force(c->s, c->b, c->agent, c->d.effect)) {
	case AUTONOMY_OBSERVE:
		c->d.reason = REASON_AUTONOMY;
		return RC_OK;
	case AUTONOMY_PROPOSE:
		c->d.is_proposal = !c->r->is_dry;
		c->d.reason = c->r->is_dry ? REASON_NONE : REASON_AUTONOMY;
		return RC_OK;
	case AUTONOMY_APPROVE:
		c->wants_default_gate = true;
		return RC_OK;
	case AUTONOMY_NOTIFY:
		c->d.tells_person = true;
		return RC_OK;
	case AUTONOMY_ACT:
		return RC_OK;
	}
	c->d.reason = REASON_AUTONOMY;
	return RC_OK;
}
