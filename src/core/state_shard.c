/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_shard.c - the log's shards, and which of them were given up.
 *
 * Holds:  (1) shards follow each other: numbers by one, first leaves growing, each on a snapshot.
 *         (2) leaves go by the word of two persons, and never those that the state still cites.
 */
#include <inttypes.h>

#include "base/limits.h"
#include "core/state_impl.h"

static const struct shard *newest(const struct state *s)
{
	return s->shards.n ? &s->shards.p[s->shards.n - 1] : NULL;
}

static const struct shard *find(const struct state *s, uint64_t ix)
{
	for (size_t i = 0; i < s->shards.n; i++) {
		if (s->shards.p[i].ix == ix) {
			return &s->shards.p[i];
		}
	}
	return NULL;
}

enum rc state_reserve_shard_began(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_shard_began *b = &l->shard_began;
	const struct shard *last = newest(s);
	uint64_t number = s->shard_number + 1;

	if (b->number != number || b->first <= (last ? last->first : s->pruned) ||
	    b->first > b->snapshot || b->snapshot >= s->size || digest_is_zero(&b->digest)) {
		FAIL(e, RC_BROKEN, "shard %" PRIu64 " from leaf %" PRIu64 " does not follow",
		     b->number, b->first);
	}
	if (s->shards.n >= LIMIT_SHARDS) {
		FAIL(e, RC_LIMIT, "there are %d shards: prune the log, or make them longer",
		     LIMIT_SHARDS);
	}
	return vec_reserve(&s->shards, 1);
}

void state_apply_shard_began(struct state *s, const struct leaf *l)
{
	const struct leaf_shard_began *b = &l->shard_began;

	MUST(s->shards.n < s->shards.cap);
	s->shards.p[s->shards.n++] = (struct shard){.ix = s->size,
						    .number = b->number,
						    .first = b->first,
						    .snapshot = b->snapshot,
						    .began_unix_ms = l->t};
	s->shard_number = b->number;
	s->shard_unix_ms = l->t;
}

enum rc state_reserve_prune_proposed(struct state *s, const struct leaf *l, struct err *e)
{
	if (!find(s, l->prune_proposed.shard) || !l->prune_proposed.by.n) {
		FAIL(e, RC_BROKEN, "no shard began with leaf %" PRIu64, l->prune_proposed.shard);
	}
	return state_copy_string(l->prune_proposed.by, &s->pending.name, e);
}

void state_apply_prune_proposed(struct state *s, const struct leaf *l)
{
	state_take_motion(s, &s->prune, l->prune_proposed.shard, l->t);
}

/* (2) */
enum rc state_reserve_log_pruned(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_log_pruned *p = &l->log_pruned;
	const struct shard *shard = find(s, p->shard);
	const char *what;
	uint64_t oldest = state_oldest(s, &what);

	if (!shard || shard->first != p->first || !str_eq(s->prune.by, p->proposed_by) ||
	    !motion_may_confirm(&s->prune, p->shard, p->by, l->t)) {
		FAIL(e, RC_BROKEN, "two persons must want the leaves before %" PRIu64 " to go",
		     p->first);
	}
	if (oldest < p->first) {
		FAIL(e, RC_BROKEN, "%s, from leaf %" PRIu64 ", is still needed", what, oldest);
	}
	return RC_OK;
}

void state_apply_log_pruned(struct state *s, const struct leaf *l)
{
	size_t gone = 0;

	while (s->shards.p[gone].ix != l->log_pruned.shard) {
		gone++;
	}
	gone++; /* what it begins with is the first there is now */
	for (size_t i = gone; i < s->shards.n; i++) {
		s->shards.p[i - gone] = s->shards.p[i];
	}
	s->shards.n -= gone;
	s->pruned_from = s->pruned;
	s->pruned = l->log_pruned.first;
	s->pruned_ix = s->size;
	state_drop_motion(&s->prune);
}

/* ---- reading ---- */

const struct shard *state_shard(const struct state *s, size_t at)
{
	return at < s->shards.n ? &s->shards.p[at] : NULL;
}

uint64_t state_shard_number(const struct state *s)
{
	return s->shard_number;
}

uint64_t state_shard_unix_ms(const struct state *s)
{
	return s->shard_unix_ms;
}

uint64_t state_pruned(const struct state *s, uint64_t *ret_from, uint64_t *ret_ix)
{
	if (ret_from) {
		*ret_from = s->pruned_from;
	}
	if (ret_ix) {
		*ret_ix = s->pruned_ix;
	}
	return s->pruned;
}

const struct motion *state_prune_motion(const struct state *s)
{
	return &s->prune;
}

/* What a hold is on may be long gone from the state. One on a target is on leaves of any age. */
static uint64_t held_from(const struct hold *h)
{
	uint64_t ix = 0;

	return h->scope != HOLD_TARGET &&
		       (id_parse(h->subject, 'e', &ix) || id_parse(h->subject, 'i', &ix))
		   ? ix
		   : 0;
}

uint64_t state_oldest(const struct state *s, const char **ret_what)
{
	static const char *const words[OBJECT_KINDS] = {
	    [OBJECT_INCIDENT] = "an incident", [OBJECT_INTENT] = "an intent",
	    [OBJECT_TASK] = "a task",	       [OBJECT_CALL] = "a call",
	    [OBJECT_APPROVAL] = "an approval", [OBJECT_PREAPPROVAL] = "a pre-approval",
	    [OBJECT_LEASE] = "a lease",	       [OBJECT_TERM] = "a term",
	    [OBJECT_ROLLBACK] = "a rollback",  [OBJECT_REHEARSAL] = "a rehearsal",
	    [OBJECT_KILL] = "a stop",	       [OBJECT_EVIDENCE] = "an item of evidence",
	    [OBJECT_HOLD] = "a legal hold",    [OBJECT_WAIVER] = "a waiver",
	};
	uint64_t oldest = UINT64_MAX;

	*ret_what = "nothing";
	for (unsigned kind = 0; kind < OBJECT_KINDS; kind++) {
		const struct object *o = s->tables[kind].n ? s->tables[kind].p[0] : NULL;

		if (o && o->ix < oldest) {
			oldest = o->ix;
			*ret_what = words[kind] ? words[kind] : "something";
		}
	}
	for (const struct hold *h = state_next_hold(s, 0); h; h = state_next_hold(s, h->ix + 1)) {
		if (held_from(h) < oldest) {
			oldest = held_from(h);
			*ret_what = "what a legal hold is on";
		}
	}
	return oldest;
}
