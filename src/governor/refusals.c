/* SPDX-License-Identifier: Apache-2.0 */
/* governor/refusals.c - failed authentications, counted so that nobody can fill the log.
 *
 * The first refusals of a window get a leaf each, later ones are counted into one leaf per second.
 */
#include "governor/gov.h"

#include "base/log.h"

enum { BUCKET = 20, WINDOW_MS = 1000 };

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

void refusals_on_refused(struct governor *g, const struct msg_refused *m)
{
	g->refused_in_window++;
	if (g->refused_in_window <= BUCKET) {
		record(g, m->source, m->reason, 1, gov_now_ms(g));
	}
}

void refusals_tick(struct governor *g)
{
	uint64_t now = gov_now_ms(g);

	if (now < g->refused_since + WINDOW_MS) {
		return;
	}
	if (g->refused_in_window > BUCKET) {
		record(g, STR("many sources"), STR("beyond the bucket"),
		       g->refused_in_window - BUCKET, g->refused_since);
	}
	g->refused_in_window = 0;
	g->refused_since = now;
}
