/* SPDX-License-Identifier: Apache-2.0 */
/* governor/senders.c - a sender that ends: what it had in hand, and what it held.
 *
 * What the agents' front or the runner had said before its end was heard (net/role.h). Of every
 * other call that was on its way through it nobody knows whether it was sent: it ends as unknown,
 * is verified by reading back, and is never sent again. Its secrets died with it; the leases are
 * revoked, and whoever goes on gets new ones. Holds: (1) every flight of a sender that ended is
 * over before the next process of that role is talked to. (2) nothing is admitted, and no lease
 * wanted, for a sender that is away. (3) of a call that ended as unknown only a sender that may
 * have it in hand still may say more, once: one that outlived the governor that admitted the call,
 * and only until the answer would have been given up.
 */
#include "governor/gov.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/num.h"
#include "base/reader.h"

static struct channel *channel_of(const struct governor *g, bool is_runner)
{
	return is_runner ? g->runner : g->agents;
}

bool senders_is_away(const struct governor *g, bool is_runner)
{
	return (is_runner ? g->has_runner : g->has_agents) && !channel_of(g, is_runner);
}

uint64_t senders_generation(const struct governor *g, bool is_runner)
{
	return role_generation(g->env, is_runner ? R_RUNNER : R_AGENTS, NULL);
}

uint64_t senders_born(const struct governor *g, bool is_runner)
{
	return role_born(g->env, is_runner ? R_RUNNER : R_AGENTS, NULL);
}

struct calls {
	VEC(uint64_t) list;
};

/* In the order of their admission, which the map does not have. */
static enum rc flights_of(const struct governor *g, bool is_runner, bool unclaimed_only,
			  struct calls *ret)
{
	const struct map_entry *entry;
	size_t i = 0;

	while ((entry = map_next(&g->flights, &i))) {
		const struct flight *f = entry->value;

		if (f->is_runner == is_runner && (f->is_unclaimed || !unclaimed_only)) {
			TRY(vec_push(&ret->list, f->call));
		}
	}
	if (ret->list.n) {
		qsort(ret->list.p, ret->list.n, sizeof(ret->list.p[0]), num_order_u64);
	}
	return RC_OK;
}

/* Nobody hears what the front would be told. A flight goes on, as when its agent had gone away. */
static void forget_agents_requests(struct governor *g)
{
	struct request *next;

	for (struct request *r = g->requests; r; r = next) {
		next = r->next;
		if (!r->person.n) {
			request_free(g, r);
		}
	}
}

/* A look that failed with its sender says nothing about the target. */
static void refuse_looking(struct governor *g, const struct flight *f)
{
	struct request *r =
	    f->purpose == PURPOSE_CAPTURE ? calls_find_request(g, f->request) : NULL;

	if (r) {
		reply_refusal(g, r, REASON_UPSTREAM_UNAVAILABLE,
			      STR("what would send it is being restarted"), 0);
	}
}

static void end_flight(struct governor *g, uint64_t call, bool is_runner, struct str why)
{
	const struct flight *f = calls_flight(g, call);
	const struct msg_outcome unknown = {.call = call, .kind = OUTCOME_UNKNOWN, .detail = why};

	if (f) {
		refuse_looking(g, f);
		calls_on_outcome(g, &unknown, is_runner);
	}
}

/* All of its flights, or those that it did not claim. */
static void end_flights(struct governor *g, bool is_runner, bool unclaimed_only, struct str why)
{
	struct calls calls = {0};

	if (flights_of(g, is_runner, unclaimed_only, &calls) != RC_OK) {
		log_err("no memory to end the calls of a sender");
		g->is_broken = true; /* (1): the next life closes them */
		loop_stop(g->loop);
	}
	for (size_t i = 0; i < calls.list.n && !g->is_broken; i++) {
		stop_note_unknown(g, calls.list.p[i], is_runner);
		end_flight(g, calls.list.p[i], is_runner, why);
	}
	vec_fini(&calls.list);
}

void senders_lost(struct governor *g, bool is_runner)
{
	clock_watch(g);
	if (g->is_broken) {
		return;
	}
	if (!is_runner) {
		forget_agents_requests(g);
	}
	g->waits_in_flight[is_runner] = false;
	end_flights(g, is_runner, false,
		    is_runner ? STR("the runner ended: it may have been sent")
			      : STR("the agents' front ended: it may have been sent"));
	leases_sender_lost(g, is_runner);
}

/* ---- calls of an earlier life ---- */

static bool may_be_claimed(const struct governor *g, const struct call *c, bool *ret_is_runner)
{
	const struct tool *t = bundle_tool(g->bundle, c->tool);

	if (!t || !str_eq(c->purpose, STR("agent"))) {
		return false;
	}
	*ret_is_runner = definitions_sender_is_runner(t->upstream);
	return role_is_elder(g->env, *ret_is_runner ? R_RUNNER : R_AGENTS);
}

enum rc senders_recover(struct governor *g, struct err *e)
{
	const struct call *c;
	uint64_t from = 0;

	while ((c = state_next_call(g->state, from))) {
		bool is_runner;
		struct leaf l = {
		    .kind = LEAF_CALL_COMPLETED,
		    .call_completed =
			{
			    .call = c->ix,
			    .kind = STR("unknown"),
			    .reason = reason_code(REASON_STALE_GENERATION),
			},
		};

		from = c->ix + 1;
		if (c->state != CALL_ALLOWED) {
			continue;
		}
		if (may_be_claimed(g, c, &is_runner)) {
			TRY(calls_adopt(g, c, is_runner, e));
		} else {
			TRY(book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
		}
	}
	g->waits_in_flight[false] = role_is_elder(g->env, R_AGENTS);
	g->waits_in_flight[true] = role_is_elder(g->env, R_RUNNER);
	g->handover_until_ns = gov_now_ns(g) + (uint64_t)GOVERNOR_HANDOVER_MS * 1000000;
	return RC_OK;
}

static void handover_is_over(struct governor *g, bool is_runner)
{
	g->waits_in_flight[is_runner] = false;
	end_flights(g, is_runner, true,
		    STR("the governor ended, and no sender has it: it may have been sent"));
}

void senders_on_in_flight(struct governor *g, const struct msg_in_flight *m, bool is_runner)
{
	struct reader r = reader_of(m->calls);
	uint64_t call;

	if (!g->waits_in_flight[is_runner]) {
		return; /* too late, or nobody asked: what has ended has ended */
	}
	while (rd_u64(&r, &call)) {
		struct flight *f = calls_flight(g, call);

		if (f && f->is_runner == is_runner) {
			f->is_unclaimed = false;
		}
	}
	handover_is_over(g, is_runner);
}

/* (3) */
static bool may_have(const struct governor *g, const struct call *c, const struct tool *t,
		     bool is_runner)
{
	uint64_t answered_by_ns =
	    g->handover_until_ns + (uint64_t)t->upstream->timeout_ms * 1000000;

	return definitions_sender_is_runner(t->upstream) == is_runner &&
	       role_is_elder(g->env, is_runner ? R_RUNNER : R_AGENTS) && c->ix < g->began_ix &&
	       gov_now_ns(g) < answered_by_ns;
}

struct flight *senders_late(struct governor *g, const struct msg_outcome *m, bool is_runner)
{
	const struct call *c = state_call(g->state, m->call);
	const struct tool *t = c ? bundle_tool(g->bundle, c->tool) : NULL;
	struct err e = ERR_INIT;
	struct flight *f;

	if (!t || m->kind == OUTCOME_UNKNOWN || !str_eq(c->outcome, STR("unknown")) ||
	    !str_eq(c->purpose, STR("agent")) || !may_have(g, c, t, is_runner) ||
	    calls_adopt(g, c, is_runner, &e) != RC_OK) {
		return NULL;
	}
	f = calls_flight(g, m->call);
	f->is_late = true;
	f->is_unclaimed = false;
	return f;
}

void senders_tick(struct governor *g)
{
	for (int i = 0; i < 2; i++) {
		if (g->waits_in_flight[i] && gov_now_ns(g) >= g->handover_until_ns) {
			log_warn("the %s did not say which calls it has",
				 role_name(i ? R_RUNNER : R_AGENTS));
			handover_is_over(g, i);
		}
	}
}

void senders_found(struct governor *g, bool is_runner)
{
	if (g->is_broken) {
		return;
	}
	stop_sender_is_new(g, is_runner);
	definitions_refresh(g);
}
