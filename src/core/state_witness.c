/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_witness.c - have witnesses seen the log lately? */
#include <inttypes.h>

#include "core/state_impl.h"

enum rc state_reserve_witness_away(struct state *s, const struct leaf *l, struct err *e)
{
	bool is_dispute = str_eq(l->witness_away.why, STR("disputed"));

	if (!is_dispute && !str_eq(l->witness_away.why, STR("start")) &&
	    !str_eq(l->witness_away.why, STR("silent"))) {
		FAIL(e, RC_BROKEN, "witnesses are away for no known reason");
	}
	if (s->witness_away && (s->is_disputed || !is_dispute)) {
		FAIL(e, RC_BROKEN, "the witnesses are away already");
	}
	return RC_OK;
}

void state_apply_witness_away(struct state *s, const struct leaf *l)
{
	s->witness_away = s->size;
	s->is_disputed = str_eq(l->witness_away.why, STR("disputed"));
}

enum rc state_reserve_witness_back(struct state *s, const struct leaf *l, struct err *e)
{
	if (!s->witness_away || s->witness_away != l->witness_back.away) {
		FAIL(e, RC_BROKEN, "no witnesses are away since leaf %" PRIu64,
		     l->witness_back.away);
	}
	return RC_OK;
}

void state_apply_witness_back(struct state *s, const struct leaf *l)
{
	(void)l; /* how much they have seen decides nothing */
	s->witness_away = 0;
	s->is_disputed = false;
}

uint64_t state_witness_away(const struct state *s)
{
	return s->witness_away;
}

bool state_log_disputed(const struct state *s)
{
	return s->is_disputed;
}
