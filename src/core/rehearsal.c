/* SPDX-License-Identifier: Apache-2.0 */
/* core/rehearsal.c - how reversible a containment is at this moment.
 *
 * Holds:  (1) a containment whose inverse was not tried within the bundle's time is destroy, by the
 *             clock of the decision, not of the load.
 */
#include "core/rehearsal.h"

#include "core/decide_impl.h"

uint64_t rehearsal_of(const struct state *s, const struct tool *t)
{
	uint64_t logged = state_rehearsed_unix_ms(s, t->public_name, &t->entry);

	return logged > t->rehearsed_unix_ms ? logged : t->rehearsed_unix_ms;
}

bool rehearsal_is_wanted(const struct tool *t)
{
	return t->effect != EFFECT_READ && !t->changes_access && !t->deletes_data &&
	       !t->touches_secrets && !t->inverse_not_needed && t->inverse.tool.n > 0;
}

bool rehearsal_is_fresh(const struct state *s, const struct bundle *b, const struct tool *t,
			uint64_t now_unix_ms)
{
	uint64_t at = rehearsal_of(s, t);

	return at > 0 && now_unix_ms < at + b->rehearsal_ms;
}

/* (1) */
enum rc check_rehearsed(struct deciding *c, struct err *e)
{
	const struct tool *t = c->d.tool;

	(void)e;
	if (c->d.effect == EFFECT_CONTAIN && !t->inverse_not_needed && t->inverse.tool.n > 0 &&
	    !rehearsal_is_fresh(c->s, c->b, t, c->r->now_unix_ms)) {
		c->d.effect = EFFECT_DESTROY;
		c->d.what.effect = EFFECT_DESTROY;
		c->has_lapsed = true;
	}
	return RC_OK;
}

enum rc decide_rehearsal(const struct state *s, const struct bundle *b, const struct tool *t,
			 const struct json *args, struct arena *arena, struct decision *ret,
			 struct err *e)
{
	struct decision d = {0};

	d.reason = check_kill(s, b, STR(""), 0, t->public_name);
	if (d.reason == REASON_NONE && state_clock_jump(s)) {
		d.reason = REASON_CLOCK_UNVERIFIED;
	}
	if (d.reason == REASON_NONE) {
		TRY(check_tool(s, b, t, args, arena, &d, e));
	}
	if (d.reason == REASON_NONE && d.effect != EFFECT_READ &&
	    !str_list_within(&d.targets, &t->rehearsal_targets)) {
		TRY(decision_deny(
		    &d, REASON_INTENT_MISMATCH, arena, e,
		    "a rehearsal reaches nothing but the catalog's rehearsal targets"));
	}
	d.verdict = d.reason == REASON_NONE ? VERDICT_ALLOW : VERDICT_DENY;
	d.reason = d.reason == REASON_NONE ? REASON_ALLOWED : d.reason;
	*ret = d;
	return RC_OK;
}
