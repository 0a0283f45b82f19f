/* SPDX-License-Identifier: Apache-2.0 */
/* governor/refusals.c - what was refused, counted so that nobody can fill the log
 * (governor/refusal_pace.h). */
#include "governor/gov.h"

#include "base/log.h"

static void record(struct governor *g, struct str who, struct str reason, uint64_t count,
		   uint64_t since)
{
	struct err e = ERR_INIT;
	struct leaf l = {
	    .kind = LEAF_REFUSALS_COUNTED,
	    .refusals_counted = {.who = who, .reason = reason, .count = count, .since = since},
	};

	if (book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, &e) != RC_OK) {
		log_err("refusals could not be recorded: %s", e.msg);
	}
}

bool refusals_take(struct governor *g, struct str agent)
{
	const struct agent *a = bundle_agent(g->bundle, agent);

	return refusal_pace_agent(&g->refusals, a ? a->id : STR(""), gov_now_ns(g));
}

void refusals_on_refused(struct governor *g, const struct msg_refused *m)
{
	if (refusal_pace_address(&g->refusals, m->source, gov_now_ns(g)) && !g->has_no_room) {
		record(g, m->source, m->reason, 1, gov_now_ms(g));
	}
}

void refusals_tick(struct governor *g)
{
	uint64_t now_ms = gov_now_ms(g);
	struct refusal_count c;

	while (!g->has_no_room && refusal_pace_next(&g->refusals, gov_now_ns(g), &c)) {
		uint64_t for_ms = c.for_ns / 1000000;

		record(g, c.who, STR("beyond the bucket"), c.count,
		       now_ms > for_ms ? now_ms - for_ms : 0);
	}
}
