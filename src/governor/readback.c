/* SPDX-License-Identifier: Apache-2.0 */
/* governor/readback.c - looking at a target.
 *
 * Trust:  results are an upstream's words; what is in them goes into sealed values, never leaves.
 */
#include "governor/readback.h"

#include "base/limits.h"
#include "base/log.h"

enum { SHOWN_BYTES = 200, FIRST_PAUSE_MS = 500, PAUSE_DOUBLINGS = 8 };

const struct json *readback_sealed(struct governor *g, uint64_t ix, uint8_t slot)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *j = NULL;
	struct str text;

	if (book_value_of(g->book, ix, slot, &g->round, &text, NULL) != RC_OK ||
	    json_parse(&g->round, text, &limits, &j, NULL) != RC_OK) {
		return NULL;
	}
	return j;
}

void readback_make_durable(struct governor *g)
{
	struct err e = ERR_INIT;

	if (book_commit(g->book, &e) != RC_OK) {
		log_err("the log cannot be written: %s", e.msg);
		g->is_broken = true;
	}
}

uint64_t readback_lease(struct governor *g, uint64_t task, const struct tool *t, bool *ret_waits)
{
	const struct credential *c =
	    t->credential.backend.n ? &t->credential : &t->upstream->credential;
	const struct lease *l;
	struct err e = ERR_INIT;
	uint64_t ix;

	*ret_waits = false;
	if (!c->backend.n) {
		return 0;
	}
	ix = leases_want(g, task, c, gov_now_ms(g) + LEASE_LOOK_MS,
			 definitions_sender_is_runner(t->upstream), &e);
	l = ix ? state_lease(g->state, ix) : NULL;
	*ret_waits = !l || l->state != LEASE_STATE_DELIVERED;
	return ix;
}

enum rc readback_start(struct governor *g, const struct tool *of, const struct json *args,
		       const struct json *pre, uint64_t task, uint64_t parent, uint64_t lease,
		       enum purpose purpose, struct flight **ret, struct err *e)
{
	struct decision d;
	const struct json *check_args;

	TRY(derive_args(of->verify.args, args, pre, &g->round, &check_args, e));
	TRY(decide_derived(g->state, g->bundle, of, &of->verify, check_args, gov_now_ms(g),
			   &g->round, &d, e));
	if (d.verdict != VERDICT_ALLOW) {
		FAIL(e, RC_DENIED, STR_FMT, STR_ARG(reason_text(d.reason)));
	}
	return calls_run_own(g, purpose, &d, check_args, task, parent, lease, ret, e);
}

struct readback readback_judge(struct governor *g, const struct tool *of, const struct json *args,
			       const struct json *pre, const struct msg_outcome *m,
			       const struct json *result)
{
	return verify_judge(of, args, pre, m->kind == OUTCOME_OK, result, &g->round);
}

struct str readback_text(struct governor *g, const struct readback *r)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	const struct json *j = NULL;

	if (!r->difference.n || json_parse(&g->round, r->difference, &limits, &j, NULL) != RC_OK) {
		return r->detail;
	}
	return arena_strf(&g->round, STR_FMT ": expected " STR_FMT ", found " STR_FMT,
			  STR_ARG(r->detail),
			  STR_ARG(str_slice(json_get(j, STR("expected"))->raw, 0, SHOWN_BYTES)),
			  STR_ARG(str_slice(json_get(j, STR("found"))->raw, 0, SHOWN_BYTES)));
}

/* Is anybody still looking at something with a lease of Remit's own? */
static bool are_used(const struct governor *g)
{
	const struct term *t;
	uint64_t from = 0;

	while ((t = state_next_term(g->state, from))) {
		from = t->ix + 1;
		if (t->state == TERM_ROLLING_BACK) {
			return true;
		}
	}
	return g->checks.n > 0 || rehearsals_are_running(g);
}

void readback_give_back(struct governor *g)
{
	const struct lease *l;
	uint64_t from = 0;

	if (are_used(g)) {
		return;
	}
	while ((l = state_next_lease(g->state, from))) {
		from = l->ix + 1;
		if (l->task == 0 && !calls_lease_has_flights(g, l->ix)) {
			leases_revoke(g, l->ix, "rolled_back");
		}
	}
}

uint64_t readback_pause_ns(uint32_t tries)
{
	uint64_t ms = (uint64_t)FIRST_PAUSE_MS
		      << (tries < PAUSE_DOUBLINGS ? tries : PAUSE_DOUBLINGS);

	return (ms < GOVERNOR_RETRY_MOST_MS ? ms : GOVERNOR_RETRY_MOST_MS) * 1000000;
}
