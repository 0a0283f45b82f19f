/* SPDX-License-Identifier: Apache-2.0 */
/* governor/breakers.c - breakers that trip, and people who look at them and close them. */
#include <inttypes.h>

#include "base/log.h"
#include "core/breaker.h"
#include "governor/people.h"

void breakers_trip(struct governor *g, uint64_t task, const struct breaker_trip *trip)
{
	const struct task *t = state_task(g->state, task);
	struct leaf l = {
	    .kind = LEAF_BREAKER_TRIPPED,
	    .breaker_tripped =
		{
		    .kind = breaker_kind_name(trip->kind),
		    .whom = trip->whom,
		    .key = trip->key,
		    .task = task,
		    .count = trip->count,
		    .open_ms = trip->open_ms,
		},
	};
	uint64_t ix = book_next_ix(g->book);
	struct str text;

	if (!gov_record(g, &l)) {
		return; /* the call that tripped it is denied all the same */
	}
	log_warn("breaker b%" PRIu64 " (" STR_FMT ") tripped: " STR_FMT, ix,
		 STR_ARG(l.breaker_tripped.kind), STR_ARG(trip->whom));
	text =
	    arena_strf(&g->round, "b%" PRIu64 ": " STR_FMT " of " STR_FMT ", %" PRIu64 " counted",
		       ix, STR_ARG(l.breaker_tripped.kind), STR_ARG(trip->whom), trip->count);
	if (t && text.p) {
		notify_person(g, t->accountable, ix, "breaker.tripped", text);
	}
}

static struct str state_of(const struct governor *g, const struct breaker *b)
{
	if (b->is_closed) {
		return STR("closed");
	}
	if (b->probe) {
		return STR("probing");
	}
	return gov_now_ms(g) < b->open_until_unix_ms ? STR("open") : STR("half_open");
}

static void view_breaker(const struct governor *g, const struct breaker *b, struct json_out *w)
{
	json_out_object(w);
	view_id(w, "id", 'b', b->ix);
	json_out_key_str(w, "state", state_of(g, b));
	json_out_key_str(w, "kind", breaker_kind_name(b->kind));
	json_out_key_str(w, "whom", b->whom);
	view_id(w, "task", 't', b->task);
	json_out_key_u64(w, "counted", b->count);
	view_time(w, "tripped", b->tripped_unix_ms);
	view_time(w, "open_until", b->open_until_unix_ms);
	json_out_close(w);
}

void breakers_view_open(const struct governor *g, struct json_out *w)
{
	json_out_key(w, STR("breakers"));
	json_out_array(w);
	for (const struct breaker *b = state_next_open_breaker(g->state, 0); b;
	     b = state_next_open_breaker(g->state, b->ix + 1)) {
		view_breaker(g, b, w);
	}
	json_out_close(w);
}

enum rc breaker_list(struct asked *a, struct json_out *w, struct err *e)
{
	(void)e; /* writing sticks its own */
	json_out_object(w);
	json_out_key(w, STR("breakers"));
	json_out_array(w);
	for (const struct breaker *b = state_next_breaker(a->g->state, 0); b;
	     b = state_next_breaker(a->g->state, b->ix + 1)) {
		view_breaker(a->g, b, w);
	}
	json_out_close(w);
	json_out_close(w);
	return RC_OK;
}

enum rc breaker_reset(struct asked *a, struct json_out *w, struct err *e)
{
	struct leaf l = {.kind = LEAF_BREAKER_RESET, .breaker_reset = {.by = a->person->name}};
	const struct breaker *b;
	uint64_t ix;

	TRY(people_id(a, 'b', &ix, e));
	b = state_breaker(a->g->state, ix);
	if (!b) {
		FAIL(e, RC_ABSENT, "no breaker 'b%" PRIu64 "'", ix);
	}
	if (b->is_closed) {
		FAIL(e, RC_DENIED, "breaker 'b%" PRIu64 "' is closed", ix);
	}
	l.breaker_reset.breaker = ix;
	TRY(book_record(a->g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	view_breaker(a->g, state_breaker(a->g->state, ix), w);
	return RC_OK;
}
