/* SPDX-License-Identifier: Apache-2.0 */
/* governor/looks.c - what is read before a call: the state it changes, whether its target is in
 * use.
 *
 * A look is a read of Remit's own, with a call.decided of its own; the call that wants it waits and
 * is judged again from scratch with what was seen. A look that fails denies: what could not be seen
 * is not taken for harmless.
 */
#include "base/log.h"
#include "governor/gov.h"

/* The state first; then, nearest to the call, whether anybody uses the target. */
static const struct derived_call *wanted(const struct decision *d)
{
	return d->needs_capture ? &d->tool->capture : &d->tool->in_use;
}

static enum rc start(struct governor *g, struct request *r, const struct decision *d,
		     uint64_t lease, struct err *e)
{
	const struct json *args;
	struct decision derived;
	struct flight *f;

	TRY(derive_args(wanted(d)->args, r->args, NULL, &g->round, &args, e));
	TRY(decide_derived(g->state, g->bundle, d->tool, wanted(d), args, gov_now_ms(g), &g->round,
			   &derived, e));
	if (derived.verdict != VERDICT_ALLOW) {
		FAIL(e, RC_DENIED, "%.*s", STR_ARG(reason_text(derived.reason)));
	}
	TRY(calls_run_own(g, PURPOSE_CAPTURE, &derived, args, r->task, 0, lease, &f, e));
	f->request = r->id;
	f->is_use_look = !d->needs_capture;
	r->waiting = WAITING_CAPTURE;
	return RC_OK;
}

static void refuse(struct governor *g, struct request *r, bool is_use_look, struct str detail)
{
	struct decision d = {
	    .verdict = VERDICT_DENY,
	    .reason = is_use_look ? REASON_TARGET_IN_USE : REASON_EVIDENCE_REQUIRED,
	    .detail = detail,
	    .tool = bundle_tool(g->bundle, r->tool),
	};

	if (state_sends_nothing(g->state)) {
		calls_judge(g, r); /* the look was held back: so it says */
		return;
	}
	d.effect = d.tool ? classify_call(d.tool, r->args).effect : EFFECT_DESTROY;
	calls_refuse(g, r, &d);
}

void looks_first(struct governor *g, struct request *r, const struct decision *d)
{
	const struct tool *look = bundle_tool_of(g->bundle, d->tool->upstream, wanted(d)->tool);
	struct err e = ERR_INIT;
	uint64_t lease = 0;

	if (look && !calls_has_lease(g, r, look, &lease)) {
		return;
	}
	if (start(g, r, d, lease, &e) != RC_OK) {
		refuse(g, r, !d->needs_capture, str_from(e.msg));
	}
}

static bool take_state(struct request *r, const struct json *value)
{
	AUTO_BUF canonical = BUF_INIT(BOOK_PIECE_BYTES);

	r->pre = value;
	if (r->pre && json_canonical(&canonical, r->pre, NULL) == RC_OK) {
		r->pre_text = arena_str(&r->arena, buf_view(&canonical));
	}
	return r->pre && r->pre_text.p;
}

void looks_on_outcome(struct governor *g, const struct flight *f, const struct msg_outcome *m)
{
	struct request *r = calls_find_request(g, f->request);
	const struct json *value;
	bool is_seen;

	if (!r) {
		return;
	}
	value = m->kind == OUTCOME_OK ? reads_value(g, &r->arena, m->result) : NULL;
	if (f->is_use_look) {
		r->use_call = f->call;
		r->use = value;
		is_seen = value != NULL;
	} else {
		r->evidence = f->call;
		is_seen = take_state(r, value);
	}
	if (!is_seen) {
		(void)decided_begin(g, r); /* the time is in r */
		refuse(g, r, f->is_use_look,
		       m->detail.n ? m->detail : STR("looking at the target gave no JSON"));
		return;
	}
	calls_judge(g, r);
}
