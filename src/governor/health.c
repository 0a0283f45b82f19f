/* SPDX-License-Identifier: Apache-2.0 */
/* governor/health.c - what is wrong with the log: noticed, said once, and mended.
 *
 * Of all that is wrong the worst stands in the log (log.degraded); decisions follow from that fact
 * alone (core/decide_room.c).
 * Holds:  (1) in the round in which the log leaves its place, and as long as it is away, nothing is
 *             sent: an admission that is queued is taken back, and its call ends as not sent.
 *         (2) nothing is judged before what is wrong is on the record.
 * States: WELL -worse-> DEGRADED (why) -better or worse-> WELL or DEGRADED for another reason.
 */
#include "governor/gov.h"

#include <string.h>

#include "base/log.h"
#include "core/command.h"
#include "governor/checkpoint.h"
#include "governor/segment.h"
#include "governor/vault.h"

enum {
	WAY_HOME_EVERY_MS = 1000,
	MEND_EVERY_MS = 1000,  /* keys that could not be stored */
	SPARE_WITHIN_MS = 5000 /* the helper makes the next segment meanwhile */
};

static enum degraded worst(const struct governor *g)
{
	if (g->is_away) {
		return DEGRADED_EMERGENCY;
	}
	if (g->is_unsigned) {
		return DEGRADED_KEEPER;
	}
	if (g->checkpointer && checkpointer_is_failing(g->checkpointer)) {
		return DEGRADED_PUBLISHING;
	}
	return g->is_short ? DEGRADED_ROOM : DEGRADED_NOT;
}

static void say(const struct governor *g, enum degraded now)
{
	static const char *const texts[DEGRADED_KINDS] = {
	    [DEGRADED_NOT] = "the log is well again",
	    [DEGRADED_ROOM] = "the log's disk is full: only reads are allowed now",
	    [DEGRADED_PUBLISHING] = "the log cannot be published: only reads are allowed now",
	    [DEGRADED_KEEPER] = "the keeper does not answer: nothing is sent now",
	    [DEGRADED_EMERGENCY] = "the log cannot be written in its place: nothing is sent now",
	};

	if (now == DEGRADED_NOT) {
		log_warn("%s", texts[now]);
	} else if (now == DEGRADED_EMERGENCY) {
		log_err("%s: %s", texts[now], segment_emergency_why(book_log(g->book)));
	} else {
		log_err("%s", texts[now]);
	}
}

void health_tell(struct governor *g)
{
	struct message m = {.kind = MESSAGE_LOG_HEALTH,
			    .log_health = {.why = degraded_name(state_degraded(g->state)),
					   .witnesses = witness_quorum(g),
					   .clock_jumped = state_clock_jump(g->state) != 0}};

	if (g->people && channel_send(g->people, &m) != RC_OK) {
		log_warn("the people's front cannot be told how the log is");
	}
	witness_tell(g);
}

static void follow(struct governor *g)
{
	enum degraded now = worst(g);
	enum degraded was = state_degraded(g->state);
	uint64_t room = segment_room(book_log(g->book));
	struct leaf recovered = {
	    .kind = LEAF_LOG_RECOVERED,
	    .log_recovered = {.since = state_degraded_since(g->state), .room = room}};
	struct leaf degraded = {.kind = LEAF_LOG_DEGRADED,
				.log_degraded = {.room = room, .why = degraded_name(now)}};

	if (now == was) {
		return;
	}
	say(g, now);
	if (was != DEGRADED_NOT) {
		(void)gov_record(g, &recovered); /* it logs */
	}
	if (now != DEGRADED_NOT) {
		(void)gov_record(g, &degraded); /* it logs */
	}
	health_tell(g);
	if (state_sends_nothing(g->state)) {
		calls_wake_all(g); /* each is told so */
	}
}

/* ---- away ---- */

struct withheld {
	uint64_t calls[GOVERNOR_MAX_FLIGHTS];
	size_t n;
};

static void note_withheld(void *ctx, const struct message *m)
{
	struct withheld *w = ctx;

	MUST(w->n < GOVERNOR_MAX_FLIGHTS);
	w->calls[w->n++] = m->admission.call;
}

static void forget_order(void *ctx, const struct message *m)
{
	(void)ctx; /* the lease is in the log, and will be revoked when nobody gets it */
	(void)m;
}

/* (1) */
static void withhold(struct governor *g)
{
	struct withheld *w = arena_alloc(&g->round, sizeof(*w));

	if (!w) {
		g->is_broken = true; /* then nothing of this round leaves */
		return;
	}
	w->n = 0;
	if (g->agents) {
		channel_take_back(g->agents, MESSAGE_ADMISSION, note_withheld, w);
	}
	if (g->runner) {
		channel_take_back(g->runner, MESSAGE_ADMISSION, note_withheld, w);
	}
	if (g->keeper) {
		channel_take_back(g->keeper, MESSAGE_LEASE_ISSUE, forget_order, NULL);
	}
	for (size_t i = 0; i < w->n; i++) {
		const struct flight *f = calls_flight(g, w->calls[i]);
		const struct msg_outcome m = {.call = w->calls[i], .kind = OUTCOME_NOT_SENT};

		if (f) {
			calls_on_outcome(g, &m, f->is_runner);
		}
	}
}

void health_after_commit(struct governor *g)
{
	struct err e = ERR_INIT;

	if (g->is_broken || g->is_away || !segment_is_emergency(book_log(g->book))) {
		return;
	}
	g->is_away = true;
	follow(g); /* first, so that nothing that ends below begins anything new */
	withhold(g);
	if (!g->is_broken && book_has_pending(g->book) && book_commit(g->book, &e) != RC_OK) {
		log_err("the log cannot be written, so nothing is done any more: %s", e.msg);
		g->is_broken = true;
	}
}

static void try_way_home(struct governor *g)
{
	struct err e = ERR_INIT;

	if (!g->is_away || gov_now_ns(g) < g->home_ns) {
		return;
	}
	g->home_ns = gov_now_ns(g) + (uint64_t)WAY_HOME_EVERY_MS * 1000000;
	if (segment_fold(book_log(g->book), &e) != RC_OK) {
		if (strcmp(e.msg, g->home_why.msg) != 0) {
			log_err("the log cannot come home yet: %s", e.msg);
		}
		g->home_why = e;
		return;
	}
	g->home_why = (struct err)ERR_INIT;
	g->is_away = false;
	g->home_ns = gov_now_ns(g) + (uint64_t)SPARE_WITHIN_MS * 1000000;
}

static void mend_vault(struct governor *g)
{
	if (gov_now_ns(g) >= g->mend_ns) {
		g->mend_ns = gov_now_ns(g) + (uint64_t)MEND_EVERY_MS * 1000000;
		vault_mend(g->vault, g->keeper);
	}
}

void health_tick(struct governor *g)
{
	try_way_home(g);
	mend_vault(g);
	g->is_unsigned = g->keeper_is_silent ||
			 (g->checkpointer && checkpointer_keeper_is_silent(g->checkpointer));
	follow(g);
}

void health_start(struct governor *g)
{
	g->is_away = segment_is_emergency(book_log(g->book));
	g->is_short = state_degraded(g->state) == DEGRADED_ROOM;
	/* The last life could not publish, or this one's key is not stored in its place: the disk
	 * takes nothing new, and what this life is told first must not be that all is well. */
	if (g->checkpointer &&
	    (state_degraded(g->state) == DEGRADED_PUBLISHING || vault_is_away(g->vault))) {
		checkpointer_doubt(g->checkpointer);
	}
	follow(g); /* (2) */
}

bool health_allows(const struct governor *g, unsigned verb)
{
	/* What people may still change: what takes away. */
	static const enum command_verb verbs[] = {
	    COMMAND_KILL,
	    COMMAND_TASK_STOP,
	    COMMAND_INCIDENT_CLOSE,
	    COMMAND_DENY,
	    COMMAND_PREAPPROVAL_END,
	    COMMAND_DEMOTE,
	    COMMAND_BREAK_GLASS_CLOSE,
	    COMMAND_HOLD_PLACE,
	};
	const struct command_info *info = command_info(verb);

	if (!state_sends_nothing(g->state) || !info || !info->changes) {
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (verbs[i] == (enum command_verb)verb) {
			return true;
		}
	}
	return false;
}

void health_view(const struct governor *g, struct json_out *w)
{
	const struct segment_log *log = book_log(g->book);
	enum degraded d = state_degraded(g->state);

	json_out_key(w, STR("log"));
	json_out_object(w);
	json_out_key_str(w, "health", d == DEGRADED_NOT ? STR("good") : degraded_name(d));
	if (d != DEGRADED_NOT) {
		json_out_key_u64(w, "since", state_degraded_since(g->state));
	}
	if (g->is_away) {
		json_out_key_str(w, "why", str_from(segment_emergency_why(log)));
		json_out_key_str(w, "not_home", str_from(g->home_why.msg));
	}
	json_out_key_bool(w, "emergency_ready", segment_has_emergency(log));
	json_out_key_u64(w, "room", segment_room(log));
	json_out_close(w);
}
