/* SPDX-License-Identifier: Apache-2.0 */
/* governor/gov.c - what every file of the governor does the same way. */
#include "governor/gov.h"

#include "base/log.h"

uint64_t gov_now_ms(const struct governor *g)
{
	uint64_t wall = clock_unix_ms(g->clock);
	uint64_t expected;

	if (!state_clock_jump(g->state)) {
		return wall;
	}
	expected = clock_watch_expected_ms(g);
	return wall > expected ? wall : expected;
}

uint64_t gov_now_ns(const struct governor *g)
{
	return loop_now_ns(g->loop);
}

bool gov_record(struct governor *g, struct leaf *l)
{
	struct err e = ERR_INIT;

	if (book_record(g->book, l, VAULT_LIFE_KEY, NULL, 0, NULL, &e) != RC_OK) {
		log_err("'%.*s' could not be recorded: %s", STR_ARG(leaf_kind_name(l->kind)),
			e.msg);
		return false;
	}
	return true;
}
