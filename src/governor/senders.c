/* SPDX-License-Identifier: Apache-2.0 */
/* governor/senders.c - a sender that ends: what it had in hand, and what it held.
 *
 * What the agents' front or the runner had said before its end was heard (net/role.h). Of every
 * other call that was on its way through it nobody knows whether it was sent: it ends as unknown,
 * is verified by reading back, and is never sent again. Its secrets died with it; the leases are
 * revoked, and whoever goes on gets new ones. Holds: (1) every flight of a sender that ended is
 * over before the next process of that role is talked to. (2) nothing is admitted, and no lease
 * wanted, for a sender that is away.
 */
#include "governor/gov.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"

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

static int compare_calls(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

struct calls {
	VEC(uint64_t) list;
};

/* In the order of their admission, which the map does not have. */
static enum rc flights_of(const struct governor *g, bool is_runner, struct calls *ret)
{
	const struct map_entry *entry;
	size_t i = 0;

	while ((entry = map_next(&g->flights, &i))) {
		const struct flight *f = entry->value;

		if (f->is_runner == is_runner) {
			TRY(vec_push(&ret->list, f->call));
		}
	}
	if (ret->list.n) {
		qsort(ret->list.p, ret->list.n, sizeof(ret->list.p[0]), compare_calls);
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

static void end_flight(struct governor *g, uint64_t call, bool is_runner)
{
	const struct flight *f = calls_flight(g, call);
	const struct msg_outcome unknown = {
	    .call = call,
	    .kind = OUTCOME_UNKNOWN,
	    .detail = is_runner ? STR("the runner ended: it may have been sent")
				: STR("the agents' front ended: it may have been sent"),
	};

	if (f) {
		refuse_looking(g, f);
		calls_on_outcome(g, &unknown, is_runner);
	}
}

void senders_lost(struct governor *g, bool is_runner)
{
	struct calls calls = {0};

	clock_watch(g);
	if (g->is_broken) {
		return;
	}
	if (!is_runner) {
		forget_agents_requests(g);
	}
	if (flights_of(g, is_runner, &calls) != RC_OK) {
		log_err("no memory to end the calls of a sender that ended");
		g->is_broken = true; /* (1): the next life closes them */
		loop_stop(g->loop);
	}
	for (size_t i = 0; i < calls.list.n && !g->is_broken; i++) {
		stop_note_unknown(g, calls.list.p[i], is_runner);
		end_flight(g, calls.list.p[i], is_runner);
	}
	vec_fini(&calls.list);
	leases_sender_lost(g, is_runner);
}

void senders_found(struct governor *g, bool is_runner)
{
	if (g->is_broken) {
		return;
	}
	stop_sender_is_new(g, is_runner);
	definitions_refresh(g);
}
