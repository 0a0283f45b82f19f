/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_log.c - leaves about the log itself, its bundle, and what upstreams show. */
#include <inttypes.h>

#include "base/mem.h"
#include "core/state_impl.h"

enum { MAX_TOOLS = 1 << 16 };

enum rc state_reserve_log_opened(struct state *s, const struct leaf *l, struct err *e)
{
	(void)s;
	(void)l;
	(void)e;
	return RC_OK;
}

void state_apply_log_opened(struct state *s, const struct leaf *l)
{
	/* Forgetting counts from the log's first moment. */
	s->swept_unix_ms = l->t;
	s->now_unix_ms = l->t;
	s->shard_unix_ms = l->t;
}

enum rc state_reserve_started(struct state *s, const struct leaf *l, struct err *e)
{
	if (l->started.generation <= s->generation) {
		FAIL(e, RC_BROKEN, "generation %" PRIu64 " after generation %" PRIu64,
		     l->started.generation, s->generation);
	}
	return RC_OK;
}

void state_apply_started(struct state *s, const struct leaf *l)
{
	s->generation = l->started.generation;
	s->boot = l->started.boot;
	s->booted_unix_ms = l->started.booted;
	s->loaded_unix_ms = l->started.loaded;
}

/* ---- the clock ---- */

enum rc state_reserve_clock_jumped(struct state *s, const struct leaf *l, struct err *e)
{
	(void)l;
	if (s->clock_jump) {
		FAIL(e, RC_BROKEN, "the clock has jumped already");
	}
	return RC_OK;
}

void state_apply_clock_jumped(struct state *s, const struct leaf *l)
{
	(void)l;
	s->clock_jump = s->size;
}

enum rc state_reserve_clock_confirmed(struct state *s, const struct leaf *l, struct err *e)
{
	if (!s->clock_jump || l->clock_confirmed.jump != s->clock_jump) {
		FAIL(e, RC_BROKEN, "no such jump of the clock waits to be confirmed");
	}
	return RC_OK;
}

void state_apply_clock_confirmed(struct state *s, const struct leaf *l)
{
	s->clock_jump = 0;
	s->booted_unix_ms = l->clock_confirmed.booted;
}

uint64_t state_clock_jump(const struct state *s)
{
	return s->clock_jump;
}

uint64_t state_loaded_unix_ms(const struct state *s)
{
	return s->loaded_unix_ms;
}

uint64_t state_booted_unix_ms(const struct state *s)
{
	return s->booted_unix_ms;
}

const struct digest *state_boot(const struct state *s)
{
	return &s->boot;
}

enum rc state_reserve_bundle_activated(struct state *s, const struct leaf *l, struct err *e)
{
	(void)s;
	if (digest_is_zero(&l->bundle_activated.digest)) {
		FAIL(e, RC_BROKEN, "a bundle without a digest");
	}
	return RC_OK;
}

void state_apply_bundle_activated(struct state *s, const struct leaf *l)
{
	s->bundle = l->bundle_activated.digest;
}

/* ---- snapshots ---- */

enum rc state_reserve_snapshot_taken(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_snapshot_taken *t = &l->snapshot_taken;

	if (t->size == 0 || t->size > s->size || digest_is_zero(&t->digest)) {
		FAIL(e, RC_BROKEN, "a snapshot of %" PRIu64 " leaves, of which there are %" PRIu64,
		     t->size, s->size);
	}
	return RC_OK;
}

void state_apply_snapshot_taken(struct state *s, const struct leaf *l)
{
	(void)s; /* that it was written down changes nothing */
	(void)l;
}

/* ---- room ---- */
/* ---- what is wrong with the log ---- */

struct str degraded_name(enum degraded d)
{
	static const struct str names[DEGRADED_KINDS] = {
	    [DEGRADED_NOT] = {"", 0},
	    [DEGRADED_ROOM] = {"room", 4},
	    [DEGRADED_PUBLISHING] = {"publishing", 10},
	    [DEGRADED_KEEPER] = {"keeper", 6},
	    [DEGRADED_EMERGENCY] = {"emergency", 9},
	};

	return names[d];
}

static enum degraded degraded_of(struct str why)
{
	for (unsigned d = DEGRADED_NOT + 1; d < DEGRADED_KINDS; d++) {
		if (str_eq(why, degraded_name((enum degraded)d))) {
			return (enum degraded)d;
		}
	}
	return DEGRADED_NOT;
}

enum rc state_reserve_log_degraded(struct state *s, const struct leaf *l, struct err *e)
{
	if (s->degraded_since) {
		FAIL(e, RC_BROKEN, "the log is degraded already");
	}
	if (degraded_of(l->log_degraded.why) == DEGRADED_NOT) {
		FAIL(e, RC_BROKEN, "the log is degraded for no known reason");
	}
	return RC_OK;
}

void state_apply_log_degraded(struct state *s, const struct leaf *l)
{
	s->degraded_since = s->size;
	s->degraded = degraded_of(l->log_degraded.why);
}

enum rc state_reserve_log_recovered(struct state *s, const struct leaf *l, struct err *e)
{
	if (!s->degraded_since || s->degraded_since != l->log_recovered.since) {
		FAIL(e, RC_BROKEN, "the log is not degraded since leaf %" PRIu64,
		     l->log_recovered.since);
	}
	return RC_OK;
}

void state_apply_log_recovered(struct state *s, const struct leaf *l)
{
	(void)l; /* how much room there is decides nothing */
	s->degraded_since = 0;
	s->degraded = DEGRADED_NOT;
}

uint64_t state_degraded_since(const struct state *s)
{
	return s->degraded_since;
}

enum degraded state_degraded(const struct state *s)
{
	return s->degraded;
}

bool state_sends_nothing(const struct state *s)
{
	return s->degraded == DEGRADED_KEEPER || s->degraded == DEGRADED_EMERGENCY;
}

enum rc state_reserve_refusals_counted(struct state *s, const struct leaf *l, struct err *e)
{
	(void)s;
	(void)l;
	(void)e;
	return RC_OK;
}

void state_apply_refusals_counted(struct state *s, const struct leaf *l)
{
	(void)s; /* counts for reports, not for deciding */
	(void)l;
}

enum rc state_reserve_notified(struct state *s, const struct leaf *l, struct err *e)
{
	(void)s;
	(void)l;
	(void)e;
	return RC_OK;
}

void state_apply_notified(struct state *s, const struct leaf *l)
{
	(void)s; /* that somebody was told changes nothing that is decided */
	(void)l;
}

/* ---- tools as upstreams describe them ---- */

/* The first tool whose name is not before this one. */
static size_t tool_place(const struct state *s, struct str name)
{
	size_t from = 0;
	size_t to = s->tools.n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (str_cmp(s->tools.p[middle].name, name) < 0) {
			from = middle + 1;
		} else {
			to = middle;
		}
	}
	return from;
}

static bool tool_is_at(const struct state *s, size_t at, struct str name)
{
	return at < s->tools.n && str_eq(s->tools.p[at].name, name);
}

enum rc state_reserve_tool(struct state *s, struct str tool, struct err *e)
{
	if (tool_is_at(s, tool_place(s, tool), tool)) {
		return RC_OK;
	}
	if (s->tools.n >= MAX_TOOLS) {
		FAIL(e, RC_LIMIT, "more than %d tools were seen", MAX_TOOLS);
	}
	if (vec_reserve(&s->tools, 1) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a tool");
	}
	return state_copy_string(tool, &s->pending.name, e);
}

struct observed *state_take_tool(struct state *s, struct str tool)
{
	size_t at = tool_place(s, tool);

	if (!tool_is_at(s, at, tool)) {
		MUST(s->tools.n < s->tools.cap);
		for (size_t i = s->tools.n; i > at; i--) {
			s->tools.p[i] = s->tools.p[i - 1];
		}
		s->tools.n++;
		s->tools.p[at] = (struct observed){.name = s->pending.name};
		s->pending.name = STR_NULL;
	}
	return &s->tools.p[at];
}

const struct observed *state_find_tool(const struct state *s, struct str tool)
{
	size_t at = tool_place(s, tool);

	return tool_is_at(s, at, tool) ? &s->tools.p[at] : NULL;
}

enum rc state_reserve_tool_observed(struct state *s, const struct leaf *l, struct err *e)
{
	return state_reserve_tool(s, l->tool_observed.tool, e);
}

void state_apply_tool_observed(struct state *s, const struct leaf *l)
{
	state_take_tool(s, l->tool_observed.tool)->digest = l->tool_observed.digest;
}

bool state_tool_is_pinned(const struct state *s, struct str tool, const uint8_t digest[32])
{
	size_t at = tool_place(s, tool);

	return tool_is_at(s, at, tool) &&
	       str_eq(str_of(s->tools.p[at].digest.bytes, sizeof(struct digest)),
		      str_of(digest, sizeof(struct digest)));
}
