/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_phase.c - may the task's phase use this tool, or may the task move on?
 *
 * Holds:  (1) a call goes no further than the effect of the phase it counts in.
 *         (2) a phase is entered only from one that names it, when that one's exit and its own
 * entry conditions hold, whether by using a tool of it or by asking to. (3) the bounds of a phase
 * are of all visits together.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/decide_impl.h"
#include "core/evidence.h"

enum { MAX_UNMET = 16 };

/* Zero is destroy, the furthest. */
static bool is_within(enum effect effect, enum effect bound)
{
	return effect >= bound;
}

/* ---- conditions ---- */

struct unmet {
	struct arena *arena;
	struct str texts[MAX_UNMET];
	size_t n;
};

static enum rc add_unmet(struct unmet *u, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);
static enum rc add_unmet(struct unmet *u, struct err *e, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (u->n == MAX_UNMET) {
		return RC_OK; /* sixteen things to do are enough to be told */
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* names are shorter */
	va_end(ap);
	u->texts[u->n] = arena_str(u->arena, str_from(text));
	if (!u->texts[u->n].p) {
		FAIL(e, RC_NOMEM, "no memory for a condition");
	}
	u->n++;
	return RC_OK;
}

/* A change that was sent, or may have been, and is not known to hold. */
static bool is_unverified(const struct call *c)
{
	return c->effect != EFFECT_READ && str_eq(c->purpose, STR("agent")) &&
	       !str_eq(c->outcome, STR("not_sent")) && !str_eq(c->outcome, STR("tool_error")) &&
	       !(c->is_verified && c->verified_holds);
}

static bool is_preserved(const struct state *s, uint64_t incident, struct str kind)
{
	for (const struct evidence *v = state_next_evidence(s, incident); v;
	     v = state_next_evidence(s, v->ix + 1)) {
		if (v->incident == incident && v->state == EVIDENCE_KEPT && str_eq(v->kind, kind)) {
			return true;
		}
	}
	return false;
}

static enum rc look_at(const struct state *s, const struct task *t,
		       const struct phase_condition *wanted, struct unmet *u, struct err *e)
{
	for (size_t i = 0; i < wanted->tools.n; i++) {
		if (!str_list_has(&t->completed, wanted->tools.p[i])) {
			TRY(add_unmet(u, e, "'" STR_FMT "' has not been completed",
				      STR_ARG(wanted->tools.p[i])));
		}
	}
	for (size_t i = 0; i < wanted->evidence.n; i++) {
		if (!is_preserved(s, t->incident, wanted->evidence.p[i])) {
			TRY(add_unmet(u, e, "there is no evidence of kind '" STR_FMT "'",
				      STR_ARG(wanted->evidence.p[i])));
		}
	}
	if (!wanted->is_verified) {
		return RC_OK;
	}
	for (const struct call *c = state_next_call(s, t->ix); c;
	     c = state_next_call(s, c->ix + 1)) {
		if (c->task == t->ix && is_unverified(c)) {
			TRY(add_unmet(u, e, "c%" PRIu64 " is not verified", c->ix));
		}
	}
	return RC_OK;
}

enum rc phase_unmet(const struct state *s, const struct task *t,
		    const struct phase_condition *wanted, struct arena *arena, struct str_list *ret,
		    struct err *e)
{
	struct unmet u = {.arena = arena};
	struct str_list texts;

	TRY(look_at(s, t, wanted, &u, e));
	texts = str_list_copy(arena, &(struct str_list){u.texts, u.n});
	if (u.n && !texts.p) {
		FAIL(e, RC_NOMEM, "no memory for conditions");
	}
	*ret = texts;
	return RC_OK;
}

/* (2) What stands between the task and that phase; p == NULL when nothing does. */
static enum rc in_the_way(const struct deciding *c, const struct phase *from,
			  const struct phase *to, struct str *ret, struct err *e)
{
	struct str_list unmet;
	const char *what = "left";
	const struct phase *of = from;

	*ret = STR_NULL;
	TRY(phase_unmet(c->s, c->task, &from->exit, c->arena, &unmet, e));
	if (unmet.n == 0) {
		what = "entered";
		of = to;
		TRY(phase_unmet(c->s, c->task, &to->entry, c->arena, &unmet, e));
	}
	if (unmet.n == 0) {
		return RC_OK;
	}
	*ret = arena_strf(c->arena, "phase '" STR_FMT "' cannot be %s yet: " STR_FMT,
			  STR_ARG(of->name), what, STR_ARG(unmet.p[0]));
	if (!ret->p) {
		FAIL(e, RC_NOMEM, "no memory for a decision");
	}
	return RC_OK;
}

/* ---- using a tool ---- */

/* Why no phase was found: the nearest miss, the last one tried. */
struct miss {
	enum reason reason;
	struct str detail;
};

static enum rc miss_is(const struct deciding *c, struct miss *m, struct err *e, const char *text,
		       struct str subject)
{
	m->reason = REASON_NEEDS_STEP_UP;
	m->detail = arena_strf(c->arena, "%s '" STR_FMT "'", text, STR_ARG(subject));
	if (!m->detail.p) {
		FAIL(e, RC_NOMEM, "no memory for a decision");
	}
	return RC_OK;
}

/* May the task move on to `to` by using this tool of it? */
static enum rc may_enter(const struct deciding *c, const struct phase *from, const struct phase *to,
			 enum effect effect, struct miss *m, bool *ret, struct err *e)
{
	struct str why;

	*ret = false;
	if (!is_within(effect, to->effect)) {
		return miss_is(c, m, e, "the call goes further than phase", to->name);
	}
	if (to->is_explicit) {
		return miss_is(c, m, e, "remit___advance first, to phase", to->name);
	}
	TRY(in_the_way(c, from, to, &why, e));
	if (why.p) {
		*m = (struct miss){REASON_NEEDS_STEP_UP, why};
		return RC_OK;
	}
	*ret = true;
	return RC_OK;
}

enum rc find_phase(struct deciding *c, const struct tool *t, enum effect effect,
		   const struct phase **ret, struct err *e)
{
	const struct phase *now = playbook_phase(c->playbook, c->task->phase);
	struct miss m = {.reason = REASON_PHASE};

	*ret = NULL;
	c->d.reason = REASON_NONE;
	c->d.phase = STR_NULL;
	if (now && str_list_has(&now->tools, t->public_name)) {
		if (is_within(effect, now->effect)) {
			*ret = now;
			return RC_OK;
		}
		TRY(miss_is(c, &m, e, "the call goes further than phase", now->name));
	}
	for (size_t i = 0; now && i < now->next.n; i++) {
		const struct phase *next = playbook_phase(c->playbook, now->next.p[i]);
		bool may = false;

		if (next && str_list_has(&next->tools, t->public_name)) {
			TRY(may_enter(c, now, next, effect, &m, &may, e));
		}
		if (may) {
			*ret = next;
			c->d.phase = next->name;
			return RC_OK;
		}
	}
	c->d.reason = m.reason;
	c->d.detail = m.detail;
	return RC_OK;
}

enum rc check_phase(struct deciding *c, struct err *e)
{
	return find_phase(c, c->d.tool, c->d.effect, &c->phase, e);
}

/* ---- the bounds of a phase ---- */

/* (3) */
static uint64_t time_in(const struct deciding *c, const struct phase_use *use)
{
	uint64_t spent = use ? use->spent_ms : 0;
	uint64_t since = c->task->phase_since_unix_ms;

	if (str_eq(c->task->phase, c->phase->name) && c->r->now_unix_ms > since) {
		spent += c->r->now_unix_ms - since;
	}
	return spent;
}

enum rc check_phase_bounds(struct deciding *c, struct err *e)
{
	const struct phase *p = c->phase;
	const struct phase_use *use = task_phase_use(c->task, p->name);
	uint64_t targets = use ? use->targets : 0;

	if (p->max_calls && use && use->calls >= p->max_calls) {
		return deciding_deny(c, REASON_RATE_EXCEEDED, e,
				     "the task has used up the calls of phase", p->name);
	}
	if (p->max_duration_ms && time_in(c, use) >= p->max_duration_ms) {
		return deciding_deny(c, REASON_GRANT_EXPIRED, e, "the time is up for phase",
				     p->name);
	}
	if (!p->max_targets || c->d.effect == EFFECT_READ) {
		return RC_OK;
	}
	for (size_t i = 0; i < c->d.targets.n; i++) {
		targets += !state_task_has_touched_in(c->s, c->task, p->name, c->d.targets.p[i]);
	}
	if (targets > p->max_targets) {
		return deciding_deny(c, REASON_BLAST_RADIUS, e,
				     "more targets than a task may touch in phase", p->name);
	}
	return RC_OK;
}

/* ---- remit___advance ---- */

enum rc decide_advance(const struct state *s, const struct bundle *b, const struct call_request *r,
		       struct str phase, struct arena *arena, struct decision *ret, struct err *e)
{
	struct deciding c = {.s = s, .b = b, .r = r, .arena = arena};
	const struct phase *now;
	const struct phase *to;
	struct str why = STR_NULL;

	c.d.effect = EFFECT_READ;
	TRY(check_stops(&c, e));
	if (c.d.reason == REASON_NONE) {
		TRY(check_identity(&c, e));
	}
	if (c.d.reason == REASON_NONE) {
		TRY(check_ground(&c, e));
	}
	if (c.d.reason == REASON_NONE) {
		now = playbook_phase(c.playbook, c.task->phase);
		to = playbook_phase(c.playbook, phase);
		if (!now || !to || !str_list_has(&now->next, phase)) {
			TRY(deciding_deny(&c, REASON_PHASE, e, "the playbook leads from here to no",
					  phase));
		} else {
			TRY(in_the_way(&c, now, to, &why, e));
		}
	}
	if (why.p) {
		c.d.reason = REASON_NEEDS_STEP_UP;
		c.d.detail = why;
	}
	c.d.verdict = c.d.reason == REASON_NONE ? VERDICT_ALLOW : VERDICT_DENY;
	if (c.d.reason == REASON_NONE) {
		c.d.reason = REASON_ALLOWED;
		c.d.phase = to->name;
	}
	if (c.d.verdict != VERDICT_ALLOW) {
		weigh_denial(&c);
	}
	*ret = c.d;
	return RC_OK;
}
