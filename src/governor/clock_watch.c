/* SPDX-License-Identifier: Apache-2.0 */
/* governor/clock_watch.c - does the wall clock go as the boot clock does?
 *
 * The wall clock says when terms end and grants expire, and whoever can set it could end them. The
 * boot clock cannot be set. Their difference, the moment the machine was started, is watched: a
 * slow drift is followed, a jump is recorded. From then on, until a person confirms the wall clock
 * or it comes back by itself, ends of terms wait, nothing but reads is allowed
 * (core/decide_clock.c), and the time that grants expire by is the later of the two (gov_now_ms).
 * Holds:  (1) no step of more than CLOCK_JUMP_MS is followed, nor a drift of more than
 *             CLOCK_DRIFT_PPM, which no honest clock needs.
 *         (2) a jump outlives the process: the state has it, and what was believed before.
 */
#include "governor/gov.h"

#include <string.h>

#include "base/log.h"

enum {
	CLOCK_JUMP_MS = 10000,
	CLOCK_DRIFT_PPM = 1000, /* adjtime() and NTP daemons slew by half of this */
};

static uint64_t booted_now(const struct governor *g)
{
	uint64_t wall = clock_unix_ms(g->clock);
	uint64_t boot = clock_boot_ns(g->clock) / 1000000;

	return wall > boot ? wall - boot : 0;
}

static bool is_far(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) > CLOCK_JUMP_MS;
}

uint64_t clock_watch_expected_ms(const struct governor *g)
{
	return g->booted_ms + clock_boot_ns(g->clock) / 1000000;
}

static void jumped(struct governor *g, const char *seen)
{
	struct leaf l = {
	    .kind = LEAF_CLOCK_JUMPED,
	    .clock_jumped = {.expected = clock_watch_expected_ms(g),
			     .found = clock_unix_ms(g->clock),
			     .seen = str_from(seen)},
	};
	const struct gate *gate = bundle_gate(g->bundle, g->bundle->default_gate);
	const struct group *group = gate ? bundle_group(g->bundle, gate->group) : NULL;
	char expected[25];
	char found[25];

	if (!gov_record(g, &l)) {
		g->is_broken = true; /* a clock that is not believed must not go on */
		return;
	}
	health_tell(g);
	clock_format_unix_ms(l.clock_jumped.expected, expected);
	clock_format_unix_ms(l.clock_jumped.found, found);
	log_err("the clock jumped from %s to %s: ends of terms wait for remit clock confirm",
		expected, found);
	for (size_t i = 0; group && i < group->rota.n; i++) {
		notify_person(g, group->rota.p[i], state_clock_jump(g->state), "clock.jumped",
			      arena_strf(&g->round,
					 "the clock should be at %s and is at %s; until somebody "
					 "confirms it (remit clock confirm) only reads are allowed",
					 expected, found));
	}
}

enum rc clock_watch_start(struct governor *g, struct leaf_started *l)
{
	const struct digest *boot = &g->world.boot;
	uint64_t now = booted_now(g);

	g->booted_ms = now;
	if (!digest_is_zero(boot) && digest_eq(boot, state_boot(g->state))) {
		g->booted_ms = state_booted_unix_ms(g->state); /* the same start of the machine */
	} else if (clock_unix_ms(g->clock) + CLOCK_JUMP_MS < state_last_unix_ms(g->state)) {
		g->booted_ms = now + (state_last_unix_ms(g->state) - clock_unix_ms(g->clock));
	}
	l->boot = *boot;
	l->booted = g->booted_ms;
	g->clock_followed_ns = clock_boot_ns(g->clock);
	return RC_OK;
}

void clock_watch_recover(struct governor *g)
{
	if (!state_clock_jump(g->state) && is_far(booted_now(g), g->booted_ms)) {
		jumped(g, "start");
	}
}

/* (1) */
static void follow(struct governor *g, uint64_t now)
{
	uint64_t passed = clock_boot_ns(g->clock) - g->clock_followed_ns;
	uint64_t most = passed / 1000000 * CLOCK_DRIFT_PPM / 1000000;

	if (most == 0) {
		return;
	}
	g->clock_followed_ns = clock_boot_ns(g->clock);
	if (now > g->booted_ms) {
		g->booted_ms += now - g->booted_ms < most ? now - g->booted_ms : most;
	} else {
		g->booted_ms -= g->booted_ms - now < most ? g->booted_ms - now : most;
	}
}

static enum rc confirm(struct governor *g, struct str by, uint64_t booted, struct err *e)
{
	struct leaf l = {
	    .kind = LEAF_CLOCK_CONFIRMED,
	    .clock_confirmed = {.jump = state_clock_jump(g->state), .by = by, .booted = booted},
	};

	TRY(book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e));
	g->booted_ms = booted;
	health_tell(g);
	return RC_OK;
}

enum rc clock_watch_confirm(struct governor *g, struct str by, struct err *e)
{
	if (!state_clock_jump(g->state)) {
		FAIL(e, RC_ABSENT, "the clock has not jumped");
	}
	return confirm(g, by, booted_now(g), e);
}

void clock_watch(struct governor *g)
{
	uint64_t now = booted_now(g);
	struct err e = ERR_INIT;

	if (!g->is_ready) {
		return;
	}
	if (!state_clock_jump(g->state)) {
		if (is_far(now, g->booted_ms)) {
			jumped(g, "running");
		} else {
			follow(g, now);
		}
	} else if (!is_far(now, g->booted_ms) &&
		   confirm(g, STR("clock"), g->booted_ms, &e) != RC_OK) {
		log_err("the clock came back, which could not be recorded: %s", e.msg);
	}
}
