/* SPDX-License-Identifier: Apache-2.0 */
/* governor/verify.c - is the effect of a call there?
 *
 * Every contain and destroy call that was sent is verified by reading its target back, also one
 * whose outcome is not known, which is never sent again. The effect may take verify.within to show;
 * a target that cannot be read is tried again for GOVERNOR_READ_BACK_MS. What comes of it is one
 * leaf, call.verified.
 * Holds:  (1) a call is in g->checks from its outcome to its call.verified, also across a restart
 *             (verify_recover).
 * States: LOOKING -holds-> verified;  LOOKING -differs, time is left-> waits -> LOOKING;
 *         -differs, no time left-> not verified: the task is marked, the term has failed, the
 *         accountable person is told what was expected and what is there.
 */
#include "base/limits.h"
#include "base/log.h"
#include "governor/readback.h"

static const struct tool *tool_to_verify(const struct governor *g, const struct call *c)
{
	const struct tool *t = c ? bundle_tool(g->bundle, c->tool) : NULL;

	return t && t->verify.tool.n ? t : NULL;
}

static size_t place_of(const struct governor *g, uint64_t call)
{
	size_t i = 0;

	while (i < g->checks.n && g->checks.p[i].call != call) {
		i++;
	}
	return i;
}

static void tell(struct governor *g, uint64_t call, const struct readback *r)
{
	const struct call *c = state_call(g->state, call);
	const struct task *task = c ? state_task(g->state, c->task) : NULL;

	if (task) {
		notify_person(g, task->accountable, call, "call.not_verified",
			      arena_strf(&g->round, "c%llu (" STR_FMT "): " STR_FMT,
					 (unsigned long long)call, STR_ARG(c->tool),
					 STR_ARG(readback_text(g, r))));
	}
}

/* What an agent changed is not as it should be: in the round that says so it may do less. */
static void cost_autonomy(struct governor *g, uint64_t call)
{
	const struct call *c = state_call(g->state, call);
	const struct task *t = c ? state_task(g->state, c->task) : NULL;
	const struct agent *a = t ? bundle_agent(g->bundle, t->agent) : NULL;

	if (a && str_eq(c->purpose, STR("agent"))) {
		autonomy_breach(g, a, BREACH_UNVERIFIED, c->task, call);
	}
}

/* The end of a check: on the record, and told. */
static void conclude(struct governor *g, uint64_t call, uint64_t by, const struct readback *r)
{
	const struct call *c = state_call(g->state, call);
	/* Not sent: it was unknown, and its sender said so later (senders.c). */
	bool had_failed =
	    c && (str_eq(c->outcome, STR("tool_error")) || str_eq(c->outcome, STR("not_sent")));
	uint64_t key = gov_key_of(g, c ? c->task : 0);
	const struct term *m = c ? state_term(g->state, c->term) : NULL;
	struct err e = ERR_INIT;
	struct leaf l = {
	    .kind = LEAF_CALL_VERIFIED,
	    .call_verified =
		{
		    .call = call,
		    .by = by,
		    .holds = r->verdict == READBACK_HOLDS,
		    .detail = r->detail,
		},
	};
	struct book_value values[] = {
	    {.bytes = r->difference, .commit = &l.call_verified.found, .slot = 0}};

	if (book_record(g->book, &l, key, values, ARRAY_LEN(values), NULL, &e) != RC_OK) {
		log_err("a verification could not be recorded: %s", e.msg);
		return;
	}
	if (r->verdict == READBACK_DIFFERS && !had_failed) {
		cost_autonomy(g, call);
	}
	if (had_failed) {
		if (r->verdict == READBACK_HOLDS) {
			terms_start(g, call); /* it said it failed, and did it all the same */
		}
	} else if (r->verdict == READBACK_DIFFERS && m && m->state == TERM_STANDING) {
		terms_fail(g, m->ix, by, r->detail, r->difference);
	} else if (r->verdict != READBACK_HOLDS) {
		tell(g, call, r);
	}
}

static void finish(struct governor *g, size_t at, uint64_t by, const struct readback *r)
{
	uint64_t call = g->checks.p[at].call;

	vec_remove(&g->checks, at);
	conclude(g, call, by, r);
	readback_give_back(g);
}

/* Looks now, or says when to look again. */
static void look(struct governor *g, size_t at)
{
	struct effect_check *k = &g->checks.p[at];
	const struct call *c = state_call(g->state, k->call);
	const struct tool *t = tool_to_verify(g, c);
	const struct tool *check =
	    t ? bundle_tool_of(g->bundle, t->upstream, t->verify.tool) : NULL;
	const struct task *task = c ? state_task(g->state, c->task) : NULL;
	struct readback gone = {.detail = STR("the tool that reads it back is gone")};
	struct readback failed = {.detail = STR("reading back is refused")};
	struct err e = ERR_INIT;
	struct flight *f;
	uint64_t lease;
	bool waits;

	if (!check) {
		finish(g, at, 0, &gone);
		return;
	}
	/* The agent's lease while it has one; Remit's own after that. */
	lease =
	    readback_lease(g, task && task->state == TASK_RUNNING ? task->ix : 0, check, &waits);
	if (waits) {
		k->waits_lease = true;
		k->next_ns = gov_now_ns(g) + readback_pause_ns(k->tries++);
	} else if (readback_start(g, t, readback_sealed(g, c->ix, 0), readback_sealed(g, c->ix, 1),
				  c->task, c->ix, lease, PURPOSE_VERIFY, &f, &e) == RC_OK) {
		f->about = c->ix;
		k->flight = f->call;
		k->waits_lease = false;
		return;
	} else {
		log_warn("c%llu cannot be verified now: %s", (unsigned long long)c->ix, e.msg);
		k->next_ns = gov_now_ns(g) + readback_pause_ns(k->tries++);
	}
	if (gov_now_ns(g) >= k->give_up_ns) {
		finish(g, at, 0, &failed);
	}
}

void verify_start(struct governor *g, uint64_t call)
{
	const struct tool *t = tool_to_verify(g, state_call(g->state, call));
	uint64_t now = gov_now_ns(g);
	struct effect_check k = {.call = call, .next_ns = now};
	struct readback full = {.detail = STR("too many effects wait to be verified")};

	if (!t || place_of(g, call) < g->checks.n) {
		return;
	}
	readback_make_durable(g);
	k.settle_until_ns = now + t->verify.within_ms * 1000000;
	k.give_up_ns =
	    now + (uint64_t)GOVERNOR_READ_BACK_MS * 1000000 + t->verify.within_ms * 1000000;
	if (g->checks.n >= GOVERNOR_MAX_FLIGHTS || vec_push(&g->checks, k) != RC_OK) {
		conclude(g, call, 0, &full);
		return;
	}
	look(g, g->checks.n - 1);
}

void verify_on_outcome(struct governor *g, const struct flight *f, const struct msg_outcome *m,
		       const struct json *result)
{
	size_t at = place_of(g, f->about);
	const struct call *c = state_call(g->state, f->about);
	const struct tool *t = tool_to_verify(g, c);
	struct effect_check *k;
	struct readback r = {.detail = STR("the tool is gone")};
	uint64_t now = gov_now_ns(g);

	if (at == g->checks.n) {
		return;
	}
	k = &g->checks.p[at];
	k->flight = 0;
	if (t) {
		r = readback_judge(g, t, readback_sealed(g, c->ix, 0), readback_sealed(g, c->ix, 1),
				   m, result);
	}
	switch (r.verdict) {
	case READBACK_HOLDS:
		break;
	case READBACK_DIFFERS:
		if (now < k->settle_until_ns) {
			k->next_ns = now + (uint64_t)GOVERNOR_SETTLE_MS * 1000000;
			return;
		}
		break;
	case READBACK_UNKNOWN:
		if (t && now < k->give_up_ns) {
			k->next_ns = now + readback_pause_ns(k->tries++);
			return;
		}
		break;
	}
	finish(g, at, f->call, &r);
}

bool verify_task_is_pending(const struct governor *g, uint64_t task)
{
	for (size_t i = 0; i < g->checks.n; i++) {
		const struct call *c = state_call(g->state, g->checks.p[i].call);

		if (c && c->task == task) {
			return true;
		}
	}
	return false;
}

void verify_tick(struct governor *g)
{
	for (size_t i = g->checks.n; i > 0; i--) {
		if (g->checks.p[i - 1].flight == 0 && gov_now_ns(g) >= g->checks.p[i - 1].next_ns) {
			look(g, i - 1); /* may remove it, and nothing before it */
		}
	}
}

void verify_lease_ready(struct governor *g)
{
	for (size_t i = 0; i < g->checks.n; i++) {
		if (g->checks.p[i].waits_lease) {
			g->checks.p[i].next_ns = 0;
		}
	}
}

void verify_recover(struct governor *g)
{
	const struct call *c;
	uint64_t from = 0;

	while ((c = state_next_call(g->state, from))) {
		from = c->ix + 1;
		if (str_eq(c->purpose, STR("agent")) && c->effect != EFFECT_READ &&
		    c->state == CALL_SETTLED && !str_eq(c->outcome, STR("not_sent")) &&
		    !c->is_verified) {
			verify_start(g, c->ix);
		}
	}
}
