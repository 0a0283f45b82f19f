/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_breaker.c - is a breaker open, or does this call trip one?
 *
 * Holds:  (1) an open breaker lets nothing through that it stops; a half open one lets one call
 *             through at a time.
 *         (2) a trip is decided here and becomes a fact by its leaf: nothing opens by itself.
 */
#include <inttypes.h>

#include "core/breaker.h"
#include "core/decide_impl.h"

/* (1) */
static bool stops(const struct deciding *c, const struct breaker *b)
{
	if (c->d.effect == EFFECT_READ && !breaker_stops_reads(b->kind)) {
		return false;
	}
	return c->r->now_unix_ms < b->open_until_unix_ms || b->probe;
}

static enum rc check_open(struct deciding *c, struct err *e)
{
	for (const struct breaker *b = state_next_open_breaker(c->s, 0); b;
	     b = state_next_open_breaker(c->s, b->ix + 1)) {
		if (breaker_concerns(b, c->task->ix, c->d.tool->upstream->name, &c->d.targets) &&
		    stops(c, b)) {
			return decision_deny(&c->d, REASON_BREAKER_OPEN, c->arena, e,
					     "breaker b%" PRIu64 " ('" STR_FMT "') is open", b->ix,
					     STR_ARG(breaker_kind_name(b->kind)));
		}
	}
	return RC_OK;
}

/* Half open: this call is the one that is let through, so that its counter does not matter now. */
static bool is_probe(const struct deciding *c, enum breaker_kind k)
{
	for (const struct breaker *b = state_next_open_breaker(c->s, 0); b;
	     b = state_next_open_breaker(c->s, b->ix + 1)) {
		if (b->kind == k &&
		    breaker_concerns(b, c->task->ix, c->d.tool->upstream->name, &c->d.targets)) {
			return true;
		}
	}
	return false;
}

/* (2) takes: the call itself counts, beyond what outcomes count. */
static enum rc check_one(struct deciding *c, enum breaker_kind k, struct str whom, bool takes,
			 struct err *e)
{
	const struct breaker_rule *rule = &c->b->breakers[k];
	struct str key = whom.p ? breaker_key(rule, k, whom, c->arena) : STR_NULL;
	uint64_t n;

	if (!key.p) {
		FAIL(e, RC_NOMEM, "no memory for a breaker");
	}
	n = state_counted(c->s, key, c->r->now_unix_ms) + takes;
	if ((takes ? n > rule->most : n >= rule->most) && !is_probe(c, k)) {
		c->d.trip = (struct breaker_trip){
		    .is_tripped = true,
		    .kind = k,
		    .whom = whom,
		    .key = key,
		    .count = n,
		    .open_ms = rule->open_ms,
		};
		if (c->d.effect == EFFECT_READ && !breaker_stops_reads(k) && k != BREAKER_LOOP) {
			return RC_OK; /* it trips, and reads go on */
		}
		return decision_deny(&c->d, REASON_BREAKER_OPEN, c->arena, e,
				     "breaker '" STR_FMT "': %" PRIu64 ", at most %" PRIu64,
				     STR_ARG(breaker_kind_name(k)), n, rule->most);
	}
	return takes ? deciding_take(c, taking_text(c->arena, 1, NULL, CAP_CALLS, key), e) : RC_OK;
}

static struct str tag_of(const struct deciding *c)
{
	const uint8_t *t = c->r->tag.bytes;

	return arena_strf(c->arena, "t%" PRIu64 "/%02x%02x%02x%02x%02x%02x%02x%02x", c->task->ix,
			  t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]);
}

/* Does this call undo what was done last to the target, or do again what was undone? */
static bool flips(const struct deciding *c, struct str target)
{
	struct fence f = state_fence(c->s, target);
	const struct tool *last = f.last_tool.n ? bundle_tool(c->b, f.last_tool) : NULL;
	const struct tool *t = c->d.tool;

	return last && last->upstream == t->upstream && last != t &&
	       (str_eq(last->inverse.tool, t->name) || str_eq(t->inverse.tool, last->name));
}

static enum rc check_oscillation(struct deciding *c, struct err *e)
{
	for (size_t i = 0;
	     i < c->d.targets.n && c->d.effect != EFFECT_READ && c->d.reason == REASON_NONE; i++) {
		if (flips(c, c->d.targets.p[i])) {
			TRY(check_one(
			    c, BREAKER_OSCILLATION,
			    arena_strf(c->arena, "target/" STR_FMT, STR_ARG(c->d.targets.p[i])),
			    true, e));
		}
	}
	return RC_OK;
}

enum rc check_breakers(struct deciding *c, struct err *e)
{
	const struct breaker_rule *rules = c->b->breakers;

	TRY(check_open(c, e));
	if (c->d.reason == REASON_NONE && rules[BREAKER_UPSTREAM].most) {
		TRY(check_one(
		    c, BREAKER_UPSTREAM,
		    arena_strf(c->arena, "up/" STR_FMT, STR_ARG(c->d.tool->upstream->name)), false,
		    e));
	}
	if (c->d.reason == REASON_NONE && rules[BREAKER_ERRORS].most) {
		TRY(check_one(c, BREAKER_ERRORS, arena_strf(c->arena, "t%" PRIu64, c->task->ix),
			      false, e));
	}
	if (c->d.reason == REASON_NONE && rules[BREAKER_BURST].most) {
		TRY(check_one(c, BREAKER_BURST, arena_strf(c->arena, "t%" PRIu64, c->task->ix),
			      true, e));
	}
	if (c->d.reason == REASON_NONE && rules[BREAKER_LOOP].most) {
		TRY(check_one(c, BREAKER_LOOP, tag_of(c), true, e));
	}
	if (c->d.reason == REASON_NONE && rules[BREAKER_OSCILLATION].most) {
		TRY(check_oscillation(c, e));
	}
	return RC_OK;
}
