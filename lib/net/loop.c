/* SPDX-License-Identifier: Apache-2.0 */
/* net/loop.c - epoll, a binary heap of timers, two lists of hooks.
 *
 * Holds: (1) heap[1..n_timers] is a min-heap by at_boot_ns and heap[t->heap_place] == t.
 *        (2) no entry of the current batch of events points at a removed watch.
 *        (3) a timer set by a handler never fires in the same round, so a round ends.
 */
#include "net/loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.h"
#include "base/vec.h"

enum { EVENTS_PER_ROUND = 128 };

struct loop {
	struct clock clock;
	int epoll_fd;
	uint64_t now_ns;
	VEC(struct loop_timer *) heap; /* place 0 is unused */
	struct epoll_event events[EVENTS_PER_ROUND];
	int n_events; /* of the round that is running */
	struct loop_hook *first_hook[LOOP_PHASES];
	struct loop_hook *last_hook[LOOP_PHASES];
	struct loop_hook *next_hook; /* while hooks run: the one after the current */
	bool is_woken;
	volatile sig_atomic_t is_stopping;
	struct loop_io stop_io; /* an eventfd: wakes epoll_wait from a signal handler */
};

static void stop_seen(struct loop_io *io, uint32_t events)
{
	uint64_t count;

	(void)events;
	(void)!read(io->fd, &count, sizeof(count)); /* it only has to stop being readable */
}

enum rc loop_new(const struct clock *clock, struct loop **ret, struct err *e)
{
	struct loop *l = mem_calloc(1, sizeof(*l));
	enum rc rc;

	if (!l) {
		FAIL(e, RC_NOMEM, "no memory for an event loop");
	}
	(void)signal(SIGPIPE, SIG_IGN); /* cannot fail for a valid signal */
	l->clock = *clock;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->stop_io.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->stop_io.ready = stop_seen;
	l->now_ns = clock_boot_ns(&l->clock);
	if (l->epoll_fd < 0 || l->stop_io.fd < 0) {
		rc = err_set_sys(e, RC_IO, __func__, "cannot create an event loop");
	} else {
		rc = vec_push(&l->heap, NULL);
	}
	if (rc == RC_OK) {
		rc = loop_add(l, &l->stop_io, EPOLLIN, e);
	}
	if (rc != RC_OK) {
		loop_free(l);
		return rc;
	}
	*ret = l;
	return RC_OK;
}

void loop_free(struct loop *l)
{
	if (!l) {
		return;
	}
	file_close(l->epoll_fd);
	file_close(l->stop_io.fd);
	vec_fini(&l->heap);
	mem_free(l);
}

static enum rc control(struct loop *l, int op, struct loop_io *io, uint32_t events, struct err *e)
{
	struct epoll_event ev = {.events = events, .data.ptr = io};

	if (epoll_ctl(l->epoll_fd, op, io->fd, &ev) != 0) {
		return err_set_sys(e, errno == ENOMEM ? RC_NOMEM : RC_IO, __func__,
				   "cannot watch descriptor %d", io->fd);
	}
	return RC_OK;
}

enum rc loop_add(struct loop *l, struct loop_io *io, uint32_t events, struct err *e)
{
	MUST(!io->is_added && io->ready);
	TRY(control(l, EPOLL_CTL_ADD, io, events, e));
	io->is_added = true;
	return RC_OK;
}

enum rc loop_change(struct loop *l, struct loop_io *io, uint32_t events, struct err *e)
{
	MUST(io->is_added);
	return control(l, EPOLL_CTL_MOD, io, events, e);
}

void loop_remove(struct loop *l, struct loop_io *io)
{
	if (!io->is_added) {
		return;
	}
	io->is_added = false;
	(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL); /* gone is what we want */
	for (int i = 0; i < l->n_events; i++) {
		if (l->events[i].data.ptr == io) {
			l->events[i].data.ptr = NULL; /* (2) */
		}
	}
}

/* Timers. */

static void heap_put(struct loop *l, size_t place, struct loop_timer *t)
{
	l->heap.p[place] = t;
	t->heap_place = place;
}

static void heap_up(struct loop *l, size_t place)
{
	struct loop_timer *t = l->heap.p[place];

	while (place > 1 && l->heap.p[place / 2]->at_boot_ns > t->at_boot_ns) {
		heap_put(l, place, l->heap.p[place / 2]);
		place /= 2;
	}
	heap_put(l, place, t);
}

static void heap_down(struct loop *l, size_t place)
{
	struct loop_timer *t = l->heap.p[place];

	for (;;) {
		size_t child = place * 2;

		if (child + 1 < l->heap.n &&
		    l->heap.p[child + 1]->at_boot_ns < l->heap.p[child]->at_boot_ns) {
			child++;
		}
		if (child >= l->heap.n || l->heap.p[child]->at_boot_ns >= t->at_boot_ns) {
			break;
		}
		heap_put(l, place, l->heap.p[child]);
		place = child;
	}
	heap_put(l, place, t);
}

enum rc loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t at_boot_ns)
{
	MUST(t->fire);
	if (at_boot_ns <= l->now_ns) {
		at_boot_ns = l->now_ns + 1; /* (3) */
	}
	t->at_boot_ns = at_boot_ns;
	if (t->heap_place == 0) {
		TRY(vec_push(&l->heap, t));
		t->heap_place = l->heap.n - 1;
	}
	heap_up(l, t->heap_place);
	heap_down(l, t->heap_place);
	return RC_OK;
}

enum rc loop_timer_in(struct loop *l, struct loop_timer *t, uint64_t after_ms)
{
	uint64_t at_ns;

	if (__builtin_mul_overflow(after_ms, (uint64_t)1000000, &at_ns) ||
	    __builtin_add_overflow(at_ns, l->now_ns, &at_ns)) {
		at_ns = UINT64_MAX;
	}
	return loop_timer_set(l, t, at_ns);
}

void loop_timer_clear(struct loop *l, struct loop_timer *t)
{
	size_t place = t->heap_place;
	struct loop_timer *last;

	if (place == 0) {
		return;
	}
	t->heap_place = 0;
	last = l->heap.p[--l->heap.n];
	if (last != t) {
		heap_put(l, place, last);
		heap_up(l, place);
		heap_down(l, last->heap_place);
	}
}

static void fire_timers(struct loop *l)
{
	while (l->heap.n > 1 && l->heap.p[1]->at_boot_ns <= l->now_ns) {
		struct loop_timer *t = l->heap.p[1];

		loop_timer_clear(l, t);
		t->fire(t);
	}
}

/* Milliseconds that epoll may wait: until the next timer, rounded up, at most timeout_ms. */
static int wait_ms(const struct loop *l, int timeout_ms)
{
	uint64_t now_ns;
	uint64_t left_ms;

	if (l->is_woken || l->is_stopping) {
		return 0;
	}
	if (l->heap.n <= 1) {
		return timeout_ms;
	}
	now_ns = clock_boot_ns(&l->clock);
	if (l->heap.p[1]->at_boot_ns <= now_ns) {
		return 0;
	}
	left_ms = (l->heap.p[1]->at_boot_ns - now_ns - 1) / 1000000 + 1;
	if (timeout_ms >= 0 && left_ms > (uint64_t)timeout_ms) {
		return timeout_ms;
	}
	return left_ms > 3600000 ? 3600000 : (int)left_ms;
}

/* Hooks. */

void loop_hook_add(struct loop *l, struct loop_hook *h)
{
	MUST(!h->is_added && h->run);
	h->is_added = true;
	h->next = NULL;
	h->prev = l->last_hook[h->phase];
	if (h->prev) {
		h->prev->next = h;
	} else {
		l->first_hook[h->phase] = h;
	}
	l->last_hook[h->phase] = h;
}

void loop_hook_remove(struct loop *l, struct loop_hook *h)
{
	if (!h->is_added) {
		return;
	}
	if (l->next_hook == h) {
		l->next_hook = h->next;
	}
	if (h->prev) {
		h->prev->next = h->next;
	} else {
		l->first_hook[h->phase] = h->next;
	}
	if (h->next) {
		h->next->prev = h->prev;
	} else {
		l->last_hook[h->phase] = h->prev;
	}
	h->is_added = false;
	h->prev = NULL;
	h->next = NULL;
}

static void run_hooks(struct loop *l, enum loop_phase phase)
{
	for (struct loop_hook *h = l->first_hook[phase]; h; h = l->next_hook) {
		l->next_hook = h->next;
		h->run(h->ctx);
	}
	l->next_hook = NULL;
}

void loop_wake(struct loop *l)
{
	l->is_woken = true;
}

/* Rounds. */

enum rc loop_step(struct loop *l, int timeout_ms, struct err *e)
{
	int n = epoll_wait(l->epoll_fd, l->events, EVENTS_PER_ROUND, wait_ms(l, timeout_ms));

	if (n < 0 && errno != EINTR) {
		return err_set_sys(e, RC_IO, __func__, "cannot wait for events");
	}
	l->now_ns = clock_boot_ns(&l->clock);
	l->n_events = n < 0 ? 0 : n;
	for (int i = 0; i < l->n_events; i++) {
		struct loop_io *io = l->events[i].data.ptr;

		if (io) {
			io->ready(io, l->events[i].events);
		}
	}
	l->n_events = 0;
	fire_timers(l);
	run_hooks(l, LOOP_COMMIT);
	l->is_woken = false; /* before the flush: whoever queues during it wakes us again */
	run_hooks(l, LOOP_FLUSH);
	return RC_OK;
}

enum rc loop_run(struct loop *l, struct err *e)
{
	while (!l->is_stopping) {
		TRY(loop_step(l, -1, e));
	}
	l->is_stopping = 0;
	return RC_OK;
}

void loop_stop(struct loop *l)
{
	static const uint64_t one = 1;
	int saved = errno; /* may run in a signal handler */

	l->is_stopping = 1;
	(void)!write(l->stop_io.fd, &one, sizeof(one)); /* a full counter wakes just as well */
	errno = saved;
}

uint64_t loop_now_ns(const struct loop *l)
{
	return l->now_ns;
}

const struct clock *loop_clock(const struct loop *l)
{
	return &l->clock;
}
