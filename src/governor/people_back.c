/* SPDX-License-Identifier: Apache-2.0 */
/* governor/people_back.c - people undo, or let stand. */
#include "base/limits.h"
#include "governor/people.h"

enum rc people_rollback(struct asked *a, struct err *e)
{
	uint64_t ix;

	TRY(people_id(a, 'm', &ix, e));
	TRY(rollback_start(a->g, ix, a->person->name, e));
	people_answer_id(a, "term", 'm', ix, STR("rolling_back"));
	return RC_OK;
}

enum { KEEP_MAX_S = 30 * 24 * 3600 }; /* as long as a catalog may say */

enum rc people_term_keep(struct asked *a, struct err *e)
{
	const struct term *m;
	uint64_t for_s;
	uint64_t ix;
	struct leaf l = {
	    .kind = LEAF_TERM_CHANGED,
	    .term_changed = {.how = STR("kept"), .by = a->person->name},
	};

	TRY(people_id(a, 'm', &ix, e));
	m = state_term(a->g->state, ix);
	if (!m || m->state == TERM_OVER || m->state == TERM_ROLLING_BACK) {
		FAIL(e, RC_ABSENT, "no standing term 'm%llu'", (unsigned long long)ix);
	}
	TRY(people_number(a, "for_s", 0, KEEP_MAX_S, &for_s, e));
	l.term_changed.term = ix;
	l.term_changed.ends_at = for_s ? gov_now_ms(a->g) + for_s * 1000 : 0;
	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	people_answer_id(a, "term", 'm', ix, STR("kept"));
	return RC_OK;
}
