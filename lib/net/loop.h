/* SPDX-License-Identifier: Apache-2.0 */
/* net/loop.h - one epoll loop per role: descriptors, timers, and hooks after each round.
 *
 * A round is: wait, read the clock once, run the handlers of ready descriptors, fire due timers,
 * then run the hooks, phase by phase. Single-threaded. Handlers may add, change and remove any
 * watch, timer or hook, their own included, and may free what embeds it once it is removed.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"

struct loop;
struct loop_io;
struct loop_timer;

typedef void loop_io_fn(struct loop_io *io, uint32_t events); /* EPOLLIN, EPOLLOUT, EPOLLHUP... */
typedef void loop_timer_fn(struct loop_timer *t);
typedef void loop_hook_fn(void *ctx);

/* Embedded by value in what owns the descriptor. Zero it first. Level-triggered. */
struct loop_io {
	int fd;
	loop_io_fn *ready;
	void *ctx;
	bool is_added;
};

/* Embedded by value. Zero it first. One shot; set again from the handler to repeat. */
struct loop_timer {
	uint64_t at_boot_ns;
	loop_timer_fn *fire;
	void *ctx;
	size_t heap_place; /* 0 = not set */
};

/* When in the end of a round a hook runs: first everyone who turns the round's work into bytes
 * (the governor commits its batch and queues the answers), then everyone who sends queued bytes
 * (channels). Within a phase, in the order of registration. */
enum loop_phase { LOOP_COMMIT, LOOP_FLUSH, LOOP_PHASES };

/* Embedded by value. Zero it first. */
struct loop_hook {
	loop_hook_fn *run;
	void *ctx;
	enum loop_phase phase;
	bool is_added;
	struct loop_hook *prev;
	struct loop_hook *next;
};

/* clock is copied; what its ctx points at must outlive the loop. Also makes the process ignore
 * SIGPIPE: a peer that goes away is an error of that write, not the end of the role. */
enum rc loop_new(const struct clock *clock, struct loop **ret, struct err *e);
/* Forgets what is still added; owners close their own descriptors. */
void loop_free(struct loop *l);

enum rc loop_add(struct loop *l, struct loop_io *io, uint32_t events, struct err *e);
enum rc loop_change(struct loop *l, struct loop_io *io, uint32_t events, struct err *e);
/* Drops its pending event too. Does not close the descriptor; fine when it was not added. */
void loop_remove(struct loop *l, struct loop_io *io);

/* Sets or moves a timer; a time in the past fires in the next round. RC_NOMEM only for a timer
 * that was not set before. */
enum rc loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t at_boot_ns);
enum rc loop_timer_in(struct loop *l, struct loop_timer *t, uint64_t after_ms);
void loop_timer_clear(struct loop *l, struct loop_timer *t);

/* Runs h->run(h->ctx) at the end of each round, in h->phase. */
void loop_hook_add(struct loop *l, struct loop_hook *h);
void loop_hook_remove(struct loop *l, struct loop_hook *h); /* fine when it was not added */
/* The next round does not wait. For whoever queued bytes when its flush may be over already; a
 * call before the flush phase of the current round is taken back by that phase. */
void loop_wake(struct loop *l);

uint64_t loop_now_ns(const struct loop *l); /* boot clock, read once per round */
const struct clock *loop_clock(const struct loop *l);

/* Runs until loop_stop, which may be called from handlers and from signal handlers; the round in
 * which it is seen is finished first. */
enum rc loop_run(struct loop *l, struct err *e);
/* One round, waiting at most timeout_ms (-1 = for ever): for tests. */
enum rc loop_step(struct loop *l, int timeout_ms, struct err *e);
void loop_stop(struct loop *l);
