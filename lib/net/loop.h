/* SPDX-License-Identifier: Apache-2.0 */
/* net/loop.h - one epoll loop per role: descriptors, timers, and a hook after each round.
 *
 * Single-threaded. Handlers may add, change and remove any watch or timer, their own included.
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

/* Embedded by value in what owns the descriptor. Zero it first. */
struct loop_io {
	int fd;
	loop_io_fn *ready;
	void *ctx;
	bool is_added;
	bool is_dead; /* removed during the current round: its pending event is dropped */
};

/* Embedded by value. Zero it first. One shot; set again from the handler to repeat. */
struct loop_timer {
	uint64_t at_boot_ns;
	loop_timer_fn *fire;
	void *ctx;
	size_t heap_place; /* 0 = not set */
};

enum rc loop_new(const struct clock *clock, struct loop **ret, struct err *e);
void loop_free(struct loop *l);

enum rc loop_add(struct loop *l, struct loop_io *io, uint32_t events, struct err *e);
enum rc loop_change(struct loop *l, struct loop_io *io, uint32_t events, struct err *e);
void loop_remove(struct loop *l, struct loop_io *io); /* does not close the descriptor */

/* Sets or moves a timer; a time in the past fires in the next round. */
enum rc loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t at_boot_ns);
enum rc loop_timer_in(struct loop *l, struct loop_timer *t, uint64_t after_ms);
void loop_timer_clear(struct loop *l, struct loop_timer *t);

/* Called at the end of each round, after all events and timers of it: the governor commits its
 * batch here. */
void loop_after_round(struct loop *l, loop_hook_fn *fn, void *ctx);
uint64_t loop_now_ns(const struct loop *l); /* boot clock, read once per round */
const struct clock *loop_clock(const struct loop *l);

/* Runs until loop_stop, which may be called from handlers and from signal handlers. */
enum rc loop_run(struct loop *l, struct err *e);
/* One round, waiting at most timeout_ms: for tests. */
enum rc loop_step(struct loop *l, int timeout_ms, struct err *e);
void loop_stop(struct loop *l);
