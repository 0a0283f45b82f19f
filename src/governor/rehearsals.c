/* SPDX-License-Identifier: Apache-2.0 */
/* governor/rehearsals.c - a tool and its inverse being tried on a target that is there for that.
 *
 * A rehearsal is what a real containment is, but for the agent: capture, act, verification, and a
 * rollback by Remit itself, which checks, undoes and reads back. Only if all of it holds has the
 * tool been rehearsed, in the form its entry and its inverse's have now.
 * Holds:  (1) one at a time, in the order in which they were asked for.
 *         (2) what was acted has a term, so that it is undone even if the rehearsal is forgotten.
 *         (3) where it is follows from the state: it goes on after a crash.
 */
#include "core/rehearsal.h"

#include "base/limits.h"
#include "base/log.h"
#include "governor/readback.h"

enum { BEGIN_WITHIN_MS = 5 * 60 * 1000, PRE_BYTES = 32000 };

static const struct rehearsal *running(const struct governor *g)
{
	const struct rehearsal *r;
	uint64_t from = 0;

	while ((r = state_next_rehearsal(g->state, from))) {
		if (!r->is_over) {
			return r;
		}
		from = r->ix + 1;
	}
	return NULL;
}

bool rehearsals_are_running(const struct governor *g)
{
	return running(g) != NULL;
}

static enum rc args_of(struct governor *g, const struct tool *t, struct str target, struct buf *ret,
		       struct err *e)
{
	struct str value = target;
	struct json members[2] = {
	    {.type = JSON_STRING, .key = STR("target"), .text = target, .next = &members[1]},
	    {.type = JSON_STRING, .key = STR("value")},
	};
	struct json about = {.type = JSON_OBJECT, .child = members, .count = 2};
	const struct json *args;

	(void)str_cut(&value, ':'); /* leaves what follows the kind */
	members[1].text = value;
	TRY(derive_args(t->rehearsal_args, &about, NULL, &g->round, &args, e));
	return json_canonical(ret, args, e);
}

enum rc rehearsals_start(struct governor *g, const struct tool *t, struct str target, struct str by,
			 uint64_t *ret, struct err *e)
{
	AUTO_BUF args = BUF_INIT(LIMIT_ARGS_BYTES);
	struct leaf l = {
	    .kind = LEAF_REHEARSAL_STARTED,
	    .rehearsal_started = {.tool = t->public_name, .entry = t->entry, .by = by},
	};
	struct book_value values[] = {{.commit = &l.rehearsal_started.args, .slot = 0}};

	if (t->rehearsal_targets.n == 0) {
		FAIL(e, RC_INPUT, "the catalog names no 'rehearsal' target for '" STR_FMT "'",
		     STR_ARG(t->public_name));
	}
	target = target.n ? target : t->rehearsal_targets.p[0];
	if (!str_list_has(&t->rehearsal_targets, target)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is no rehearsal target of '" STR_FMT "'",
		     STR_ARG(target), STR_ARG(t->public_name));
	}
	TRY(args_of(g, t, target, &args, e));
	values[0].bytes = buf_view(&args);
	l.rehearsal_started.targets = (struct str_list){.p = &target, .n = 1};
	return book_record(g->book, &l, VAULT_LIFE_KEY, values, 1, ret, e);
}

static void finish(struct governor *g, const struct rehearsal *r, bool ok, struct str detail)
{
	struct leaf l = {
	    .kind = LEAF_TOOL_REHEARSED,
	    .tool_rehearsed =
		{
		    .rehearsal = r->ix,
		    .tool = r->tool,
		    .entry = r->entry,
		    .ok = ok,
		    .by = r->by,
		    .detail = str_slice(detail, 0, 256),
		},
	};
	uint64_t ix = r->ix;

	if (!gov_record(g, &l)) {
		return;
	}
	g->rehearsing.ix = 0;
	r = state_rehearsal(g->state, ix);
	if (r && !ok) {
		notify_person(
		    g, r->by, ix, "rehearsal.failed",
		    arena_strf(&g->round, STR_FMT ": " STR_FMT, STR_ARG(r->tool), STR_ARG(detail)));
	}
	readback_give_back(g);
}

static void later(struct governor *g, const struct rehearsal *r, struct str why)
{
	g->rehearsing.next_ns = gov_now_ns(g) + readback_pause_ns(g->rehearsing.tries++);
	if (gov_now_ms(g) >= r->started_unix_ms + BEGIN_WITHIN_MS) {
		finish(g, r, false, why);
	}
}

static void act(struct governor *g, const struct rehearsal *r, const struct tool *t,
		const struct json *args, struct str pre)
{
	struct err e = ERR_INIT;
	struct decision d;
	struct flight *f;
	bool waits;
	uint64_t lease = readback_lease(g, 0, t, &waits);

	if (waits) {
		later(g, r, STR("no credential can be leased for it"));
		return;
	}
	if (decide_rehearsal(g->state, g->bundle, t, args, &g->round, &d, &e) != RC_OK) {
		later(g, r, str_from(e.msg));
	} else if (d.verdict != VERDICT_ALLOW) {
		finish(g, r, false, d.detail.n ? d.detail : reason_text(d.reason));
	} else if (calls_run_act(g, PURPOSE_REHEARSE, &d, args, pre, 0, r->ix, lease, &f, &e) !=
		   RC_OK) {
		later(g, r, str_from(e.msg));
	} else {
		f->about = g->rehearsing.ix;
		g->rehearsing.flight = f->call;
	}
}

static void capture(struct governor *g, const struct rehearsal *r, const struct tool *t,
		    const struct json *args)
{
	const struct tool *look = bundle_tool_of(g->bundle, t->upstream, t->capture.tool);
	const struct json *look_args;
	struct err e = ERR_INIT;
	struct decision d;
	struct flight *f;
	uint64_t lease;
	bool waits;

	if (!look || derive_args(t->capture.args, args, NULL, &g->round, &look_args, &e) != RC_OK) {
		finish(g, r, false, STR("the state before cannot be captured"));
		return;
	}
	lease = readback_lease(g, 0, look, &waits);
	if (waits) {
		later(g, r, STR("no credential can be leased for it"));
		return;
	}
	if (decide_derived(g->state, g->bundle, t, &t->capture, look_args, gov_now_ms(g), &g->round,
			   &d, &e) != RC_OK) {
		later(g, r, str_from(e.msg));
	} else if (d.verdict != VERDICT_ALLOW) {
		finish(g, r, false, reason_text(d.reason));
	} else if (calls_run_own(g, PURPOSE_REHEARSE, &d, look_args, 0, r->ix, lease, &f, &e) !=
		   RC_OK) {
		later(g, r, str_from(e.msg));
	} else {
		f->about = g->rehearsing.ix;
		g->rehearsing.flight = f->call;
	}
}

static const struct tool *tool_of(struct governor *g, const struct rehearsal *r)
{
	const struct tool *t = bundle_tool(g->bundle, r->tool);

	return t && digest_eq(&t->entry, &r->entry) ? t : NULL;
}

static void begin(struct governor *g, const struct rehearsal *r)
{
	const struct tool *t = tool_of(g, r);
	const struct json *args = readback_sealed(g, r->ix, 0);

	if (!t || !args) {
		finish(g, r, false, STR("the catalog has changed meanwhile"));
	} else if (t->capture.tool.n) {
		capture(g, r, t, args);
	} else {
		act(g, r, t, args, STR_NULL);
	}
}

void rehearsals_on_outcome(struct governor *g, const struct flight *f, const struct json *result)
{
	const struct rehearsal *r = state_rehearsal(g->state, f->about);
	const struct tool *t = r ? tool_of(g, r) : NULL;
	AUTO_BUF pre = BUF_INIT(PRE_BYTES);

	g->rehearsing.flight = 0;
	if (!r || r->is_over || r->act == f->call) {
		return; /* the tick goes on */
	}
	if (!t || !result || json_canonical(&pre, result, NULL) != RC_OK) {
		later(g, r, STR("the state before cannot be captured"));
		return;
	}
	readback_make_durable(g);
	act(g, r, t, readback_sealed(g, r->ix, 0), buf_view(&pre));
}

/* It acted: verified, and back. */
static void go_back(struct governor *g, const struct rehearsal *r)
{
	const struct call *c = state_call(g->state, r->act);
	const struct term *m;
	struct err e = ERR_INIT;
	uint64_t act_call = r->act;
	uint64_t ix = r->ix;

	if (!c || str_eq(c->outcome, STR("not_sent"))) {
		finish(g, r, false, STR("the call could not be sent"));
		return;
	}
	terms_start(g, act_call); /* (2); once */
	c = state_call(g->state, act_call);
	r = state_rehearsal(g->state, ix);
	m = state_term(g->state, c->term);
	if (!m) {
		finish(g, r, false, STR("the target was in that state already"));
		return;
	}
	if (!c->is_verified) {
		verify_start(g, act_call); /* unless it is under way */
		return;
	}
	switch (m->state) {
	case TERM_STANDING:
	case TERM_ASKED:
		if (rollback_start(g, m->ix, r->by, &e) != RC_OK) {
			log_err("a rehearsal is not rolled back: %s", e.msg);
		}
		break;
	case TERM_ROLLING_BACK:
		break;
	case TERM_FAILED:
		finish(g, r, false, STR("it was not undone: see remit terms"));
		break;
	case TERM_OVER:
		finish(g, r, c->verified_holds,
		       c->verified_holds ? STR("acted, verified, undone, read back")
					 : STR("its effect could not be verified"));
		break;
	}
}

void rehearsals_tick(struct governor *g)
{
	const struct rehearsal *r = running(g);
	const struct call *c;

	if (!r || (g->rehearsing.ix == r->ix &&
		   (g->rehearsing.flight != 0 || gov_now_ns(g) < g->rehearsing.next_ns))) {
		return;
	}
	if (g->rehearsing.ix != r->ix) {
		g->rehearsing.ix = r->ix;
		g->rehearsing.flight = 0;
		g->rehearsing.next_ns = 0;
		g->rehearsing.tries = 0;
	}
	readback_make_durable(g);
	c = r->act ? state_call(g->state, r->act) : NULL;
	if (!r->act) {
		begin(g, r);
	} else if (!c || c->state == CALL_SETTLED) {
		go_back(g, r);
	}
}

/* ---- view ---- */

void view_rehearsal(const struct governor *g, const struct tool *t, struct json_out *w)
{
	const struct rehearsal *r = running(g);
	uint64_t at = rehearsal_of(g->state, t);
	uint64_t now = gov_now_ms(g);
	bool is_fresh = rehearsal_is_fresh(g->state, g->bundle, t, now);

	json_out_object(w);
	json_out_key_str(w, "tool", t->public_name);
	json_out_key_str(w, "state",
			 r && str_eq(r->tool, t->public_name) ? STR("running")
			 : is_fresh			      ? STR("fresh")
			 : at				      ? STR("due")
							      : STR("never"));
	json_out_key_str(w, "counts_as", is_fresh ? effect_name(t->effect) : STR("destroy"));
	view_time(w, "rehearsed", at);
	if (at) {
		json_out_key_u64(w, "age_days", now > at ? (now - at) / 86400000 : 0);
		view_time(w, "good_until", at + g->bundle->rehearsal_ms);
	}
	view_list(w, "targets", &t->rehearsal_targets);
	json_out_close(w);
}
