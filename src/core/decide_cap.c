/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_cap.c - how much an agent may do: budget of the task, caps, one actor per target.
 *
 * The counters are what the leaves took; this looks at them and writes down what the call would
 * take. What is written down is taken when the leaf is applied, before any other decision.
 *
 * Holds:  (1) a call is allowed only if no bound of any cap that concerns it would be exceeded, or
 * a person approved this very call; then it is counted beyond the bound. (2) a change of more than
 * a share of a group counts what stands, not what was done: a target that was rolled back is free
 * again.
 */
#include <inttypes.h>

#include "base/limits.h"
#include "core/decide_impl.h"

/* ---- the task's own budget ---- */

static uint64_t calls_of_tool(const struct deciding *c)
{
	for (size_t i = 0; i < c->task->n_uses; i++) {
		if (str_eq(c->task->uses[i].tool, c->d.tool->public_name)) {
			return c->task->uses[i].allowed;
		}
	}
	return 0;
}

static uint64_t newly_touched(const struct deciding *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->d.targets.n; i++) {
		n += !state_task_has_touched(c->s, c->task, c->d.targets.p[i]);
	}
	return n;
}

static enum rc check_budget(struct deciding *c, struct err *e)
{
	const struct tool *t = c->d.tool;

	if (c->task->calls >= c->task->max_calls) {
		c->d.reason = REASON_RATE_EXCEEDED;
		return RC_OK;
	}
	if (t->max_calls_per_task && calls_of_tool(c) >= t->max_calls_per_task) {
		return deciding_deny(c, REASON_RATE_EXCEEDED, e,
				     "the task has used up its calls of", t->public_name);
	}
	if (c->d.effect != EFFECT_READ &&
	    c->task->n_touched + newly_touched(c) > c->task->max_targets) {
		c->d.reason = REASON_BLAST_RADIUS;
	}
	return RC_OK;
}

/* ---- one actor at a time ---- */

/* Does the call rest on what was there before somebody else acted: an approval that was asked for
 * earlier, or else the task's own last look or act? Who has done neither has no old plan. */
static bool is_stale(const struct deciding *c, const struct fence *f, struct str target)
{
	const struct approval *a = state_approval_of(c->s, c->r->task, &c->r->tag);
	uint64_t seen = state_task_token(c->s, c->task, target);

	return f->token && f->holder != c->task->ix &&
	       ((seen && seen < f->token) ||
		(a && a->state == APPROVAL_GRANTED && a->ix < f->token));
}

static enum rc check_fences(struct deciding *c, struct err *e)
{
	for (size_t i = 0; i < c->d.targets.n && c->d.effect != EFFECT_READ; i++) {
		struct fence f = state_fence(c->s, c->d.targets.p[i]);

		if (f.holder != c->task->ix && c->r->now_unix_ms < f.held_until_unix_ms) {
			return deciding_deny(c, REASON_TARGET_LEASED, e,
					     f.holder ? "another task is acting on"
						      : "Remit is rolling back",
					     c->d.targets.p[i]);
		}
		if (is_stale(c, &f, c->d.targets.p[i])) {
			return deciding_deny(c, REASON_STALE_GENERATION, e,
					     "read it again: somebody else has acted since on",
					     c->d.targets.p[i]);
		}
	}
	return RC_OK;
}

/* ---- caps ---- */

static bool names_it(const struct str_list *l, struct str name)
{
	return l->n == 0 || str_list_has(l, name);
}

static bool cap_fits_tool(const struct cap *cap, const struct tool *t, enum effect effect)
{
	return cap->effects[effect] && names_it(&cap->tools, t->public_name) &&
	       names_it(&cap->upstreams, t->upstream->name);
}

static bool concerns(const struct deciding *c, const struct cap *cap)
{
	return cap_fits_tool(cap, c->d.tool, c->d.effect) &&
	       (cap->playbook.n == 0 || str_eq(cap->playbook, c->task->playbook)) &&
	       names_it(&cap->classes, c->incident->class) &&
	       names_it(&cap->environments, c->incident->environment);
}

/* Whose counter it is. */
static struct str whom_of(const struct deciding *c, const struct cap *cap)
{
	switch (cap->scope) {
	case CAP_OF_TASK:
		return arena_strf(c->arena, "t%" PRIu64, c->task->ix);
	case CAP_OF_INCIDENT:
		return cap->is_per_agent ? arena_strf(c->arena, "i%" PRIu64 "/" STR_FMT,
						      c->incident->ix, STR_ARG(c->agent->name))
					 : arena_strf(c->arena, "i%" PRIu64, c->incident->ix);
	case CAP_OF_AGENT:
		return arena_strf(c->arena, "agent/" STR_FMT, STR_ARG(c->agent->name));
	case CAP_OF_FLEET:
		break;
	}
	return STR("fleet");
}

/* Bit i: the i-th target is in the cap's group. */
struct selected {
	const struct asset_group *group; /* NULL: all are */
	uint8_t bits[LIMIT_TARGETS / 8];
	size_t n;
};

static bool is_selected(const struct selected *sel, size_t i)
{
	return !sel->group || (sel->bits[i / 8] >> i % 8 & 1) != 0;
}

/* False when the call has none of the group's. */
static bool select_targets(const struct deciding *c, const struct cap *cap, struct selected *ret)
{
	*ret = (struct selected){.n = c->d.targets.n};
	if (cap->group.n == 0) {
		return true;
	}
	ret->n = 0;
	ret->group = inventory_group(&c->b->inventory, cap->group);
	for (size_t i = 0; i < c->d.targets.n && ret->group; i++) {
		if (asset_group_has(ret->group, c->d.targets.p[i])) {
			ret->bits[i / 8] = (uint8_t)(ret->bits[i / 8] | 1u << i % 8);
			ret->n++;
		}
	}
	return ret->n > 0;
}

/* (1): denies, or wants a person. */
static enum rc exceed(struct deciding *c, const struct cap *cap, enum reason reason, struct err *e,
		      const char *what, uint64_t would_be, uint64_t most)
{
	struct decision said = {0};

	TRY(decision_deny(&said, reason, c->arena, e,
			  "cap '" STR_FMT "': %" PRIu64 " %s, at most %" PRIu64, STR_ARG(cap->name),
			  would_be, what, most));
	if (!cap->asks) {
		c->d.reason = said.reason;
		c->d.detail = said.detail;
		return RC_OK;
	}
	deciding_hold(c, said.reason, said.detail);
	return RC_OK;
}

enum rc deciding_take(struct deciding *c, struct str text, struct err *e)
{
	if (!text.p) {
		FAIL(e, RC_NOMEM, "no memory for a taking");
	}
	if (!c->takings) {
		c->takings = arena_alloc_n(c->arena, LIMIT_TAKINGS, sizeof(*c->takings));
		if (!c->takings) {
			FAIL(e, RC_NOMEM, "no memory for takings");
		}
	}
	if (c->d.takings.n == LIMIT_TAKINGS) {
		c->d.reason = REASON_LIMIT;
		c->d.detail = STR("more caps bear on this than a decision records");
		return RC_OK;
	}
	c->takings[c->d.takings.n++] = text;
	c->d.takings.p = c->takings;
	return RC_OK;
}

/* What the counter would show after this call. */
static uint64_t would_be(const struct deciding *c, enum cap_measure m, struct str key,
			 const struct selected *sel)
{
	uint64_t now = c->r->now_unix_ms;
	uint64_t n = state_counted(c->s, key, now);
	const struct tool *t = c->d.tool;

	switch (m) {
	case CAP_CALLS:
		return n + 1;
	case CAP_TARGETS:
		for (size_t i = 0; i < c->d.targets.n; i++) {
			n += is_selected(sel, i) &&
			     !state_counted_has(c->s, key, c->d.targets.p[i], now);
		}
		return n;
	case CAP_TOOLS:
		return n + !state_counted_has(c->s, key, t->public_name, now);
	case CAP_HOPS:
		return n + !state_counted_has(c->s, key, t->upstream->name, now);
	case CAP_MEASURES:
		break;
	}
	return n;
}

static enum rc check_measure(struct deciding *c, const struct cap *cap, enum cap_measure m,
			     struct str whom, const struct selected *sel, struct err *e)
{
	static const char *const what[CAP_MEASURES] = {[CAP_CALLS] = "calls",
						       [CAP_TARGETS] = "targets",
						       [CAP_TOOLS] = "different tools",
						       [CAP_HOPS] = "different upstreams"};
	struct str key = cap_key(c->arena, m, cap->window_ms, cap->name, whom);
	uint64_t after;

	if (!key.p) {
		FAIL(e, RC_NOMEM, "no memory for a cap");
	}
	after = would_be(c, m, key, sel);
	if (after > cap->most[m] && (m != CAP_TARGETS || sel->n > 0)) {
		TRY(exceed(c, cap, m == CAP_TARGETS ? REASON_BLAST_RADIUS : REASON_RATE_EXCEEDED, e,
			   what[m], after, cap->most[m]));
	}
	if (c->d.reason != REASON_NONE) {
		return RC_OK;
	}
	return deciding_take(c, taking_text(c->arena, 1, sel->group ? sel->bits : NULL, m, key), e);
}

/* ---- a share of a group ---- */

/* Does anything stand on the target that this cap counts? */
static bool is_changed(const struct deciding *c, const struct cap *cap, struct str target)
{
	for (const struct call *call = state_next_standing(c->s, target, NULL); call;
	     call = state_next_standing(c->s, target, call)) {
		const struct tool *t = bundle_tool(c->b, call->tool);

		/* What left the catalog meanwhile did something nevertheless. */
		if (!t || cap_fits_tool(cap, t, call->effect)) {
			return true;
		}
	}
	return false;
}

/* (2) */
static enum rc check_share(struct deciding *c, const struct cap *cap, const struct selected *sel,
			   struct err *e)
{
	uint64_t changed = 0;
	uint64_t left = 0;

	if (c->d.effect == EFFECT_READ || !sel->group) {
		return RC_OK;
	}
	for (size_t i = 0; i < sel->group->n_members; i++) {
		const struct asset *a = sel->group->members[i];
		bool is_hit =
		    str_list_has(&c->d.targets, a->target) || is_changed(c, cap, a->target);

		changed += is_hit;
		left += !is_hit && state_asset_is_up(c->s, a);
	}
	if (cap->percent && changed * 100 > cap->percent * sel->group->n_members) {
		TRY(exceed(c, cap, REASON_BLAST_RADIUS, e, "members of the group changed at a time",
			   changed, cap->percent * sel->group->n_members / 100));
	}
	if (cap->floor && left < cap->floor && c->d.reason == REASON_NONE) {
		TRY(exceed(c, cap, REASON_BLAST_RADIUS, e,
			   "healthy members of the group would be untouched: too few, or", left,
			   cap->floor));
	}
	return RC_OK;
}

static enum rc check_cap(struct deciding *c, const struct cap *cap, struct err *e)
{
	struct selected sel;
	struct str whom;

	if (!concerns(c, cap) || !select_targets(c, cap, &sel)) {
		return RC_OK;
	}
	whom = whom_of(c, cap);
	if (!whom.p) {
		FAIL(e, RC_NOMEM, "no memory for a cap");
	}
	for (unsigned m = 0; m < CAP_MEASURES && c->d.reason == REASON_NONE; m++) {
		if (cap->is_bound[m]) {
			TRY(check_measure(c, cap, (enum cap_measure)m, whom, &sel, e));
		}
	}
	if ((cap->percent || cap->floor) && c->d.reason == REASON_NONE) {
		TRY(check_share(c, cap, &sel, e));
	}
	return RC_OK;
}

enum rc check_caps(struct deciding *c, struct err *e)
{
	TRY(check_budget(c, e));
	for (size_t i = 0; i < c->b->n_caps && c->d.reason == REASON_NONE; i++) {
		TRY(check_cap(c, &c->b->caps[i], e));
	}
	if (c->d.reason == REASON_NONE) {
		TRY(check_fences(c, e));
	}
	return RC_OK;
}
