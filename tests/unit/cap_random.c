/* SPDX-License-Identifier: Apache-2.0 */
/* cap_random.c - caps under random schedules of calls, outcomes and rollbacks.
 *
 * Three tasks of two agents act on six machines while time goes on; calls stay under way, are not
 * sent, succeed, fail, become unknown and known later, are rolled back. After each step no cap is
 * exceeded, and every counter is what a recount over the list of all calls says. In the end the
 * same leaves, read back from their bytes, give the same state. The seed of a failure is printed.
 */
#include <stdlib.h>

#include "test.h"

#include "base/limits.h"
#include "core/tally.h"

#include "yard.h"

enum { STEPS = 1200, SCHEDULES = 6, WINDOW_MS = 600000, MOST_TARGETS = 4, MOST_CALLS = 9 };

enum fate { UNDER_WAY, OK, NOT_SENT, FAILED, UNKNOWN };

struct taken {
	uint64_t call;
	uint64_t task;
	uint64_t until;
	unsigned machine;
	enum fate fate;
	bool is_undone;
	bool is_forgotten; /* its machine counted no more when it was taken the next time */
};

struct schedule {
	struct yard *y;
	uint64_t seed;
	uint64_t tasks[3];
	struct taken taken[STEPS];
	size_t n;
	struct arena round;
	struct buf leaves; /* each with its length before it */
	unsigned allowed;
	unsigned denied;
};

static uint64_t next_random(struct schedule *s, uint64_t below)
{
	s->seed = s->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (s->seed >> 33) % below;
}

/* Applies a leaf and keeps its bytes for the replay. */
static uint64_t apply(struct schedule *s, struct leaf l)
{
	AUTO_BUF bytes = BUF_INIT(LIMIT_LEAF_BYTES);
	struct err e = ERR_INIT;
	char length[16];

	l.t = s->y->w->f.t;
	assert_ok(leaf_encode(&bytes, &l, &e));
	(void)snprintf(length, sizeof(length), "%08zu", bytes.n);
	assert_ok(buf_add(&s->leaves, str_of(length, 8)));
	assert_ok(buf_add(&s->leaves, buf_view(&bytes)));
	return fold_add(&s->y->w->f, l);
}

static bool is_live(const struct schedule *s, const struct taken *t)
{
	return t->fate != NOT_SENT && t->until > s->y->w->f.t;
}

/* It counts until its last taking is over, given back or not, while one was not given back. */
static bool is_counted(const struct schedule *s, unsigned machine)
{
	uint64_t until = 0;
	bool is_kept = false;

	for (size_t i = 0; i < s->n; i++) {
		const struct taken *t = &s->taken[i];

		if (t->machine == machine && !t->is_forgotten) {
			is_kept |= t->fate != NOT_SENT;
			until = t->until > until ? t->until : until;
		}
	}
	return is_kept && until > s->y->w->f.t;
}

static uint64_t recount_targets(const struct schedule *s)
{
	uint64_t n = 0;

	for (unsigned m = 0; m < MACHINES; m++) {
		n += is_counted(s, m);
	}
	return n;
}

static uint64_t recount_calls(const struct schedule *s, uint64_t task)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		n += s->taken[i].task == task && is_live(s, &s->taken[i]);
	}
	return n;
}

/* Distinct machines on which something stands. */
static uint64_t recount_standing(const struct schedule *s)
{
	uint64_t n = 0;

	for (unsigned m = 0; m < MACHINES; m++) {
		const struct call *call = NULL;
		bool stands = false;

		for (size_t i = s->n; i-- > 0;) {
			if (s->taken[i].machine == m && s->taken[i].fate != NOT_SENT &&
			    !s->taken[i].is_undone) {
				call = state_next_standing(s->y->w->f.s, machines[m], call);
				assert_non_null(call);
				assert_int_equal(call->ix, s->taken[i].call);
				stands = true;
			}
		}
		assert_null(state_next_standing(s->y->w->f.s, machines[m], call));
		n += stands;
	}
	return n;
}

static void check(struct schedule *s)
{
	const struct state *state = s->y->w->f.s;
	uint64_t now = s->y->w->f.t;
	uint64_t targets = state_counted(state, STR("targets:600000:fleet-targets:fleet"), now);
	uint64_t standing = 0;

	assert_int_equal(targets, recount_targets(s));
	assert_true(targets <= MOST_TARGETS);
	for (size_t i = 0; i < ARRAY_LEN(s->tasks); i++) {
		char key[64];
		uint64_t calls;

		(void)snprintf(key, sizeof(key), "calls:600000:task-calls:t%llu",
			       (unsigned long long)s->tasks[i]);
		calls = state_counted(state, str_from(key), now);
		assert_int_equal(calls, recount_calls(s, s->tasks[i]));
		assert_true(calls <= MOST_CALLS);
	}
	for (unsigned m = 0; m < MACHINES; m++) {
		standing += state_next_standing(state, machines[m], NULL) != NULL;
	}
	assert_int_equal(standing, recount_standing(s));
	assert_true(standing <= 3); /* half of six */
}

static void try_call(struct schedule *s)
{
	struct scene *w = s->y->w;
	unsigned machine = (unsigned)next_random(s, MACHINES);
	uint64_t task = s->tasks[next_random(s, ARRAY_LEN(s->tasks))];
	struct err e = ERR_INIT;

	ask_for(s->y, task, machine);
	w->r.now_unix_ms = w->f.t;
	arena_reset(&s->round);
	assert_ok(decide_call(w->f.s, &w->b, &w->r, &s->round, &w->d, &e));
	if (w->d.verdict != VERDICT_ALLOW) {
		s->denied++;
		return;
	}
	s->allowed++;
	if (!is_counted(s, machine)) {
		for (size_t i = 0; i < s->n; i++) {
			s->taken[i].is_forgotten |= s->taken[i].machine == machine;
		}
	}
	s->taken[s->n] = (struct taken){
	    .task = task,
	    .until = tally_until(WINDOW_MS, w->f.t),
	    .machine = machine,
	    .call =
		apply(s, LEAF_OF(CALL_DECIDED, call_decided, .task = task, .purpose = STR("agent"),
				 .agent = w->r.agent, .tool = w->r.tool, .effect = STR("contain"),
				 .targets = w->d.targets, .tag = w->r.tag, .verdict = STR("allow"),
				 .reason = STR("allowed"), .takings = w->d.takings,
				 .held_until = w->f.t + 60000)),
	};
	s->n++;
}

static void settle_one(struct schedule *s)
{
	static const struct str kinds[] = {
	    {"", 0}, {"ok", 2}, {"not_sent", 8}, {"tool_error", 10}, {"unknown", 7}};
	struct taken *t = &s->taken[next_random(s, s->n)];
	enum fate fate = (enum fate)(1 + next_random(s, 4));

	if (t->fate != UNDER_WAY && !(t->fate == UNKNOWN && (fate == OK || fate == FAILED))) {
		return;
	}
	/* What was not sent is said within seconds, before its window is over. */
	if (fate == NOT_SENT && t->until <= s->y->w->f.t + 1000) {
		return;
	}
	apply(s, LEAF_OF(CALL_COMPLETED, call_completed, .call = t->call, .kind = kinds[fate]));
	t->fate = fate;
}

static void undo_one(struct schedule *s)
{
	struct taken *t = &s->taken[next_random(s, s->n)];
	uint64_t m;

	if (t->fate != OK || t->is_undone) {
		return;
	}
	m = apply(s, LEAF_OF(TERM_STARTED, term_started, .call = t->call, .task = t->task,
			     .tool = STR("db___unlock"), .end = STR("revert")));
	apply(s, LEAF_OF(TERM_CHANGED, term_changed, .term = m, .how = STR("rolling_back")));
	apply(s, LEAF_OF(TERM_CHANGED, term_changed, .term = m, .how = STR("reverted")));
	t->is_undone = true;
}

/* The same leaves, from their bytes, over the same beginning. */
static void replay(struct schedule *s)
{
	AUTO_ARENA arena = ARENA_INIT(64 << 20);
	struct yard *again = yard_new();
	struct digest want = fold_digest(&s->y->w->f);
	struct digest got;
	struct err e = ERR_INIT;

	assert_true(open_task(again, FOLD_AGENT) == s->tasks[2]);
	for (size_t at = 0; at < s->leaves.n;) {
		size_t n = strtoul(str_slice(buf_view(&s->leaves), at, at + 8).p, NULL, 10);
		struct leaf l;

		assert_ok(leaf_decode(&arena, str_of(s->leaves.p + at + 8, n), &l, &e));
		fold_add(&again->w->f, l);
		at += 8 + n;
	}
	got = fold_digest(&again->w->f);
	assert_true(digest_eq(&want, &got));
	yard_free(again);
}

static void run(uint64_t seed)
{
	struct schedule *s = mem_calloc(1, sizeof(*s));

	assert_non_null(s);
	print_message("seed %llu\n", (unsigned long long)seed);
	s->seed = seed;
	s->leaves = (struct buf)BUF_INIT(8 << 20);
	s->round = (struct arena)ARENA_INIT(8 << 20);
	s->y = yard_new();
	s->tasks[0] = s->y->w->task;
	s->tasks[1] = s->y->other_task;
	s->tasks[2] = open_task(s->y, FOLD_AGENT);
	s->y->caps[0].name = STR("fleet-targets");
	s->y->caps[0].window_ms = WINDOW_MS;
	s->y->caps[0].is_bound[CAP_TARGETS] = true;
	s->y->caps[0].most[CAP_TARGETS] = MOST_TARGETS;
	s->y->caps[1] = (struct cap){.name = STR("task-calls"),
				     .scope = CAP_OF_TASK,
				     .effects = {true, true, true},
				     .window_ms = WINDOW_MS};
	s->y->caps[1].is_bound[CAP_CALLS] = true;
	s->y->caps[1].most[CAP_CALLS] = MOST_CALLS;
	s->y->caps[2] = (struct cap){.name = STR("half"),
				     .effects = {true, true, true},
				     .group = STR("fleet-db"),
				     .percent = 50};
	s->y->w->b.n_caps = 3;
	for (unsigned step = 0; step < STEPS; step++) {
		uint64_t what = next_random(s, 10);

		s->y->w->f.t += next_random(s, 20000);
		if (what < 5 || s->n == 0) {
			try_call(s);
		} else if (what < 8) {
			settle_one(s);
		} else {
			undo_one(s);
		}
		check(s);
	}
	assert_true(s->allowed > 50 && s->denied > 50); /* the schedule meets the caps */
	replay(s);
	yard_free(s->y);
	buf_fini(&s->leaves);
	arena_fini(&s->round);
	mem_free(s);
}

static void no_cap_is_exceeded_and_counters_are_what_a_recount_says(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < SCHEDULES; i++) {
		run(20261128 + i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_cap_is_exceeded_and_counters_are_what_a_recount_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
