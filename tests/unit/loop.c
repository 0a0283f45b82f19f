/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

#include "net/loop.h"

#include "fake_clock.h"

static struct loop *new_fake_loop(void)
{
	struct loop *l = NULL;
	struct err e = ERR_INIT;

	fake_now_ns = 1000000000;
	assert_ok(loop_new(&fake_clock, &l, &e));
	return l;
}

static struct loop *new_loop(void)
{
	struct clock clock = clock_system();
	struct loop *l = NULL;
	struct err e = ERR_INIT;

	assert_ok(loop_new(&clock, &l, &e));
	return l;
}

static char trace[256];

static void note(const char *what)
{
	strncat(trace, what, sizeof(trace) - strlen(trace) - 1);
}

static void fire_note(struct loop_timer *t)
{
	note(t->ctx);
}

static void timers_fire_in_order_and_only_when_due(void **state)
{
	(void)state;
	struct loop *l = new_fake_loop();
	struct loop_timer t[5] = {0};
	static const uint64_t after_ms[5] = {30, 10, 50, 20, 40};
	char names[5][2] = {"3", "1", "5", "2", "4"};

	trace[0] = '\0';
	for (size_t i = 0; i < 5; i++) {
		t[i].fire = fire_note;
		t[i].ctx = names[i];
		assert_ok(loop_timer_in(l, &t[i], after_ms[i]));
	}
	assert_ok(loop_step(l, 0, NULL));
	assert_string_equal(trace, "");
	loop_timer_clear(l, &t[3]);
	fake_now_ns += 30000000;
	assert_ok(loop_step(l, 0, NULL));
	assert_string_equal(trace, "13");
	assert_ok(loop_timer_in(l, &t[2], 5)); /* moved before the fourth */
	fake_now_ns += 10000000;
	assert_ok(loop_step(l, 0, NULL));
	assert_string_equal(trace, "1354");
	loop_free(l);
}

static struct loop *repeat_loop;
static unsigned repeats;

static void fire_again(struct loop_timer *t)
{
	repeats++;
	assert_ok(loop_timer_set(repeat_loop, t, 0));
}

static void a_timer_set_in_the_past_by_its_handler_does_not_hold_the_round(void **state)
{
	(void)state;
	struct loop *l = new_loop();
	struct loop_timer t = {.fire = fire_again};

	repeat_loop = l;
	repeats = 0;
	assert_ok(loop_timer_in(l, &t, 0));
	for (unsigned i = 1; i <= 3; i++) {
		assert_ok(loop_step(l, 1000, NULL));
		assert_int_equal(repeats, i);
	}
	loop_free(l);
}

/* Against a naive twin: a thousand timers set, moved and cleared at random. */
static uint64_t last_fired_ns;
static size_t n_fired;

static void fire_ordered(struct loop_timer *t)
{
	assert_true(t->at_boot_ns >= last_fired_ns);
	assert_true(t->at_boot_ns <= fake_now_ns);
	last_fired_ns = t->at_boot_ns;
	n_fired++;
}

static void many_timers_fire_in_order(void **state)
{
	(void)state;
	enum { N = 1000 };
	struct loop *l = new_fake_loop();
	static struct loop_timer t[N];
	size_t n_set = 0;
	unsigned seed = 42;

	memset(t, 0, sizeof(t));
	last_fired_ns = 0;
	n_fired = 0;
	for (size_t i = 0; i < N; i++) {
		t[i].fire = fire_ordered;
		assert_ok(loop_timer_in(l, &t[i], (uint64_t)(rand_r(&seed) % 5000)));
	}
	for (size_t i = 0; i < N; i++) {
		if (i % 3 == 0) {
			loop_timer_clear(l, &t[i]);
		} else if (i % 3 == 1) {
			assert_ok(loop_timer_in(l, &t[i], (uint64_t)(rand_r(&seed) % 5000)));
		}
	}
	for (size_t i = 0; i < N; i++) {
		n_set += t[i].heap_place != 0;
	}
	for (int i = 0; i < 60; i++) {
		fake_now_ns += 100000000;
		assert_ok(loop_step(l, 0, NULL));
	}
	assert_int_equal(n_fired, n_set);
	loop_free(l);
}

struct pair {
	struct loop *l;
	struct loop_io io;
	struct pair *other;
	int write_fd;
	int seen;
};

static void remove_the_other(struct loop_io *io, uint32_t events)
{
	struct pair *p = io->ctx;

	(void)events;
	p->seen++;
	loop_remove(p->l, &p->other->io);
	close(p->other->io.fd);
	memset(&p->other->io, 0xff, sizeof(p->other->io)); /* as if it had been freed */
}

static void an_event_of_a_watch_removed_in_the_same_round_is_dropped(void **state)
{
	(void)state;
	struct loop *l = new_loop();
	struct pair a = {.l = l};
	struct pair b = {.l = l};

	for (int i = 0; i < 2; i++) {
		struct pair *p = i ? &b : &a;
		int fds[2];

		assert_int_equal(pipe(fds), 0);
		p->other = i ? &a : &b;
		p->io = (struct loop_io){.fd = fds[0], .ready = remove_the_other, .ctx = p};
		p->write_fd = fds[1];
		assert_ok(loop_add(l, &p->io, EPOLLIN, NULL));
		assert_int_equal(write(p->write_fd, "x", 1), 1);
	}
	assert_ok(loop_step(l, 1000, NULL));
	assert_int_equal(a.seen + b.seen, 1);
	close(a.seen ? a.io.fd : b.io.fd);
	close(a.write_fd);
	close(b.write_fd);
	loop_free(l);
}

struct named_hook {
	struct loop_hook h;
	const char *name;
	struct loop *remove_from;
	struct loop_hook *remove;
	bool wake;
};

static void hook_note(void *ctx)
{
	struct named_hook *n = ctx;

	note(n->name);
	if (n->remove) {
		loop_hook_remove(n->remove_from, n->remove);
	}
	if (n->wake) {
		loop_wake(n->remove_from);
	}
}

static void hooks_run_by_phase_then_by_order(void **state)
{
	(void)state;
	struct loop *l = new_loop();
	struct named_hook f1 = {.name = "f1 ", .h.phase = LOOP_FLUSH};
	struct named_hook f2 = {.name = "f2 ", .h.phase = LOOP_FLUSH};
	struct named_hook c1 = {.name = "c1 ", .h.phase = LOOP_COMMIT};
	struct named_hook c2 = {.name = "c2 ", .h.phase = LOOP_COMMIT};
	struct named_hook *all[] = {&f1, &c1, &f2, &c2};

	trace[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		all[i]->h.run = hook_note;
		all[i]->h.ctx = all[i];
		loop_hook_add(l, &all[i]->h);
	}
	assert_ok(loop_step(l, 0, NULL));
	assert_string_equal(trace, "c1 c2 f1 f2 ");

	c1.remove_from = l;
	c1.remove = &c2.h; /* the next one: must not run */
	f1.remove_from = l;
	f1.remove = &f1.h; /* itself */
	trace[0] = '\0';
	assert_ok(loop_step(l, 0, NULL));
	assert_ok(loop_step(l, 0, NULL));
	assert_string_equal(trace, "c1 f1 f2 c1 f2 ");
	loop_free(l);
}

static uint64_t step_ms(struct loop *l, int timeout_ms)
{
	struct clock clock = clock_system();
	uint64_t before_ns = clock_boot_ns(&clock);

	assert_ok(loop_step(l, timeout_ms, NULL));
	return (clock_boot_ns(&clock) - before_ns) / 1000000;
}

static void a_wake_during_the_flush_makes_the_next_round_immediate(void **state)
{
	(void)state;
	struct loop *l = new_loop();
	struct named_hook h = {.name = "x", .remove_from = l, .wake = true};

	h.h.run = hook_note;
	h.h.ctx = &h;
	h.h.phase = LOOP_COMMIT; /* control: the flush of the same round takes it back */
	loop_hook_add(l, &h.h);
	assert_ok(loop_step(l, 0, NULL));
	assert_true(step_ms(l, 30) >= 25);
	loop_hook_remove(l, &h.h);

	h.h.phase = LOOP_FLUSH;
	loop_hook_add(l, &h.h);
	assert_ok(loop_step(l, 0, NULL));
	assert_true(step_ms(l, 2000) < 1000);
	loop_free(l);
}

static struct loop *signal_loop;

static void on_alarm(int sig)
{
	(void)sig;
	loop_stop(signal_loop);
}

static void a_signal_handler_can_stop_the_loop(void **state)
{
	(void)state;
	struct loop *l = new_loop();
	struct itimerval in_20ms = {.it_value.tv_usec = 20000};

	signal_loop = l;
	assert_true(signal(SIGALRM, on_alarm) != SIG_ERR);
	assert_int_equal(setitimer(ITIMER_REAL, &in_20ms, NULL), 0);
	assert_ok(loop_run(l, NULL));
	loop_stop(l);
	assert_ok(loop_run(l, NULL)); /* a stop before the run counts */
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(timers_fire_in_order_and_only_when_due),
	    cmocka_unit_test(a_timer_set_in_the_past_by_its_handler_does_not_hold_the_round),
	    cmocka_unit_test(many_timers_fire_in_order),
	    cmocka_unit_test(an_event_of_a_watch_removed_in_the_same_round_is_dropped),
	    cmocka_unit_test(hooks_run_by_phase_then_by_order),
	    cmocka_unit_test(a_wake_during_the_flush_makes_the_next_round_immediate),
	    cmocka_unit_test(a_signal_handler_can_stop_the_loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
