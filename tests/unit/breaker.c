/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "yard.h"

static const struct breaker_rule THREE = {.most = 3, .window_ms = 60000, .open_ms = 30000};

/* What the governor does with a trip. */
static uint64_t trip(struct yard *y)
{
	const struct breaker_trip *t = &y->w->d.trip;

	assert_true(t->is_tripped);
	return fold_add(&y->w->f,
			LEAF_OF(BREAKER_TRIPPED, breaker_tripped,
				.kind = breaker_kind_name(t->kind), .whom = t->whom, .key = t->key,
				.task = y->w->r.task, .count = t->count, .open_ms = t->open_ms));
}

static void finish(struct yard *y, uint64_t call, struct str kind)
{
	struct str_list used;
	struct err e = ERR_INIT;

	assert_ok(
	    breaker_counts(&y->w->b, state_call(y->w->f.s, call), kind, &y->w->arena, &used, &e));
	fold_add(&y->w->f,
		 LEAF_OF(CALL_COMPLETED, call_completed, .call = call, .kind = kind, .used = used));
}

static uint64_t once(struct yard *y, uint64_t task, unsigned machine, struct str kind)
{
	uint64_t call;

	ask_for(y, task, machine);
	expect_allow(y->w);
	call = admit(y);
	finish(y, call, kind);
	return call;
}

static void the_same_call_again_and_again_is_cut_off(void **state)
{
	(void)state;
	struct yard *y = yard_new();
	uint64_t b;

	y->w->b.breakers[BREAKER_LOOP] = THREE;
	for (unsigned i = 0; i < 3; i++) {
		once(y, y->w->task, 0, STR("ok"));
	}
	y->w->r.tag = fold_tag(9);
	once(y, y->w->task, 1, STR("ok")); /* another call is no loop */
	y->w->r.tag = fold_tag(1);
	ask_for(y, y->w->task, 0);
	expect_deny(y->w, BREAKER_OPEN);
	b = trip(y);
	y->w->r.tag = fold_tag(9);
	expect_deny(y->w, BREAKER_OPEN); /* now nothing is changed by this task */
	assert_false(y->w->d.trip.is_tripped);
	once(y, y->other_task, 0, STR("ok")); /* by others it is */
	y->w->r.tool = STR("db___sessions");
	y->w->f.t += 1;
	fold_add(&y->w->f, LEAF_OF(BREAKER_RESET, breaker_reset, .breaker = b, .by = STR("bob")));
	fold_refuse(&y->w->f,
		    LEAF_OF(BREAKER_RESET, breaker_reset, .breaker = b, .by = STR("bob")));
	y->w->r.tool = STR("db___end");
	y->w->r.tag = fold_tag(1);
	ask_for(y, y->w->task, 1);
	expect_allow(y->w);
	yard_free(y);
}

static void errors_of_a_task_cut_it_off_from_changes_until_one_succeeds(void **state)
{
	(void)state;
	struct yard *y = yard_new();
	uint64_t b;
	uint64_t probe;

	y->w->b.breakers[BREAKER_ERRORS] = THREE;
	once(y, y->w->task, 0, STR("tool_error"));
	once(y, y->w->task, 0, STR("tool_error"));
	once(y, y->w->task, 0, STR("ok"));
	once(y, y->w->task, 0, STR("tool_error"));
	ask_for(y, y->w->task, 1);
	expect_deny(y->w, BREAKER_OPEN);
	b = trip(y);
	y->w->f.t += 29999;
	expect_deny(y->w, BREAKER_OPEN);
	y->w->f.t += 1;
	expect_allow(y->w); /* half open: one call */
	probe = admit(y);
	assert_true(state_breaker(y->w->f.s, b)->probe == probe);
	expect_deny(y->w, BREAKER_OPEN);
	finish(y, probe, STR("tool_error"));
	expect_deny(y->w, BREAKER_OPEN); /* open again, as long as before */
	y->w->f.t += 30000;
	once(y, y->w->task, 1, STR("ok"));
	assert_true(state_breaker(y->w->f.s, b)->is_closed);
	once(y, y->w->task, 1, STR("ok"));
	assert_null(state_next_open_breaker(y->w->f.s, 0));
	yard_free(y);
}

static void reads_go_on_while_changes_are_cut_off(void **state)
{
	(void)state;
	static const struct str look[] = {{"db___sessions", 13}, {"db___end", 8}};
	struct yard *y = yard_new();

	y->w->phases[1].tools = (struct str_list){look, 2};
	y->w->b.breakers[BREAKER_ERRORS] = THREE;
	for (unsigned i = 0; i < 3; i++) {
		once(y, y->w->task, 0, STR("unknown"));
		y->w->f.t += 1;
	}
	ask_for(y, y->w->task, 1);
	expect_deny(y->w, BREAKER_OPEN);
	trip(y);
	y->w->r.tool = STR("db___sessions");
	expect_allow(y->w);
	y->w->r.tool = STR("db___end");
	expect_deny(y->w, BREAKER_OPEN);
	yard_free(y);
}

static void a_burst_of_a_task_is_cut_off_whatever_it_does(void **state)
{
	(void)state;
	struct yard *y = yard_new();

	y->w->b.breakers[BREAKER_BURST] = (struct breaker_rule){300, 60000, 300000};
	for (unsigned i = 0; i < 300; i++) {
		y->w->f.t += 200; /* five in a second */
		y->w->r.tag = fold_tag((uint8_t)i);
		once(y, y->w->task, i % MACHINES, STR("ok"));
	}
	expect_deny(y->w, BREAKER_OPEN);
	trip(y);
	ask_for(y, y->other_task, 0);
	expect_allow(y->w);
	yard_free(y);
}

static void an_upstream_that_fails_is_left_alone_by_everybody(void **state)
{
	(void)state;
	struct yard *y = yard_new();

	y->w->b.breakers[BREAKER_UPSTREAM] = THREE;
	once(y, y->w->task, 0, STR("not_sent"));
	once(y, y->other_task, 0, STR("not_sent"));
	once(y, y->w->task, 0, STR("tool_error")); /* it answers: no failure of the upstream */
	once(y, y->w->task, 0, STR("not_sent"));
	ask_for(y, y->other_task, 1);
	expect_deny(y->w, BREAKER_OPEN);
	trip(y);
	ask_for(y, y->w->task, 1);
	expect_deny(y->w, BREAKER_OPEN);
	y->w->f.t += 30000;
	once(y, y->w->task, 1, STR("not_sent"));
	expect_deny(y->w, BREAKER_OPEN);
	y->w->f.t += 30000;
	once(y, y->w->task, 1, STR("ok"));
	once(y, y->other_task, 1, STR("ok"));
	yard_free(y);
}

/* act, undo, act, undo: by two agents in turn, or one. */
static void a_target_changed_back_and_forth_is_left_alone_by_everybody(void **state)
{
	(void)state;
	static const struct str both[] = {{"db___lock", 9}, {"db___unlock", 11}};
	struct yard *y = yard_new();

	y->w->phases[1].tools = (struct str_list){both, 2};
	y->w->b.breakers[BREAKER_OSCILLATION] = (struct breaker_rule){3, 3600000, 900000};
	y->w->r.pre = scene_json(y->w, "{\"n\":1}");
	for (unsigned i = 0; i < 4; i++) {
		y->w->r.tool = both[i % 2];
		once(y, y->w->task, 0, STR("ok"));
		once(y, y->w->task, 1 + i, STR("ok")); /* elsewhere it is no flip */
	}
	y->w->r.tool = both[0];
	ask_for(y, y->other_task, 0);
	y->w->b.target_hold_ms = 0;
	expect_deny(y->w, BREAKER_OPEN);
	trip(y);
	ask_for(y, y->w->task, 0);
	expect_deny(y->w, BREAKER_OPEN);
	ask_for(y, y->other_task, 5);
	expect_allow(y->w);
	yard_free(y);
}

static void a_breaker_leaf_that_makes_no_sense_is_refused(void **state)
{
	(void)state;
	struct yard *y = yard_new();

	fold_refuse(&y->w->f, LEAF_OF(BREAKER_TRIPPED, breaker_tripped, .kind = STR("fuse"),
				      .whom = STR("t1"), .open_ms = 1));
	fold_refuse(&y->w->f, LEAF_OF(BREAKER_TRIPPED, breaker_tripped, .kind = STR("loop"),
				      .whom = STR("t1")));
	fold_refuse(&y->w->f, LEAF_OF(BREAKER_RESET, breaker_reset, .breaker = 1));
	yard_free(y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_same_call_again_and_again_is_cut_off),
	    cmocka_unit_test(errors_of_a_task_cut_it_off_from_changes_until_one_succeeds),
	    cmocka_unit_test(reads_go_on_while_changes_are_cut_off),
	    cmocka_unit_test(a_burst_of_a_task_is_cut_off_whatever_it_does),
	    cmocka_unit_test(an_upstream_that_fails_is_left_alone_by_everybody),
	    cmocka_unit_test(a_target_changed_back_and_forth_is_left_alone_by_everybody),
	    cmocka_unit_test(a_breaker_leaf_that_makes_no_sense_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
