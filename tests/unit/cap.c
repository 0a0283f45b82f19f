/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "yard.h"

static void bound(struct yard *y, enum cap_measure m, uint64_t most)
{
	y->caps[0].is_bound[m] = true;
	y->caps[0].most[m] = most;
}

static void calls_are_counted_within_a_sliding_window(void **state)
{
	(void)state;
	struct yard *y = yard_new();

	bound(y, CAP_CALLS, 2);
	act(y, y->w->task, 0);
	y->w->f.t += 1800 * 1000;
	act(y, y->w->task, 0);
	expect_deny(y->w, RATE_EXCEEDED);
	assert_int_equal(y->w->d.takings.n, 0);
	y->w->f.t += 1799 * 1000; /* the first is a second too young to be over */
	expect_deny(y->w, RATE_EXCEEDED);
	y->w->f.t += 20 * 1000; /* the second still counts */
	expect_allow(y->w);
	admit(y);
	expect_deny(y->w, RATE_EXCEEDED);
	yard_free(y);
}

static void what_was_not_sent_is_given_back_and_what_is_unknown_is_not(void **state)
{
	(void)state;
	struct yard *y = yard_new();
	uint64_t call;

	bound(y, CAP_CALLS, 1);
	bound(y, CAP_TARGETS, 1);
	ask_for(y, y->w->task, 0);
	expect_allow(y->w);
	call = admit(y);
	expect_deny(y->w, RATE_EXCEEDED); /* under way, it counts already */
	complete(y, call, STR("not_sent"));
	assert_true(state_task(y->w->f.s, y->w->task)->calls == 0);
	assert_true(state_task(y->w->f.s, y->w->task)->n_touched == 0);
	ask_for(y, y->w->task, 1);
	expect_allow(y->w);
	call = admit(y);
	complete(y, call, STR("unknown"));
	expect_deny(y->w, RATE_EXCEEDED);
	y->w->b.target_hold_ms = 0;
	complete(y, call, STR("tool_error"));
	expect_deny(y->w, RATE_EXCEEDED); /* it was sent, and may have done something */
	yard_free(y);
}

static void a_target_counts_once_whoever_acts_on_it(void **state)
{
	(void)state;
	struct yard *y = yard_new();

	bound(y, CAP_TARGETS, 2);
	act(y, y->w->task, 0);
	act(y, y->w->task, 0);
	act(y, y->other_task, 0);
	act(y, y->other_task, 1);
	ask_for(y, y->w->task, 2);
	expect_deny(y->w, BLAST_RADIUS);
	act(y, y->w->task, 1);
	yard_free(y);
}

/* Five agents isolate two hosts each: the seventh is one too many, though nobody did three. */
static void a_cap_of_an_incident_is_of_all_its_agents_together(void **state)
{
	(void)state;
	struct yard *y = yard_new();

	y->caps[0].scope = CAP_OF_INCIDENT;
	bound(y, CAP_TARGETS, 3);
	act(y, y->w->task, 0);
	act(y, y->w->task, 1);
	act(y, y->other_task, 2);
	ask_for(y, y->other_task, 3);
	expect_deny(y->w, BLAST_RADIUS);
	y->caps[0].is_per_agent = true; /* the control: each for itself has room */
	expect_allow(y->w);
	yard_free(y);
}

static void a_cap_of_an_agent_or_task_leaves_others_alone(void **state)
{
	(void)state;
	struct yard *y = yard_new();

	y->caps[0].scope = CAP_OF_AGENT;
	bound(y, CAP_CALLS, 1);
	act(y, y->w->task, 0);
	ask_for(y, open_task(y, FOLD_AGENT), 1);
	expect_deny(y->w, RATE_EXCEEDED);
	act(y, y->other_task, 1);
	y->caps[0].scope = CAP_OF_TASK;
	ask_for(y, y->w->task, 1);
	expect_allow(y->w);
	yard_free(y);
}

static void different_tools_and_upstreams_are_counted(void **state)
{
	(void)state;
	struct yard *y = yard_new();

	y->caps[0].scope = CAP_OF_TASK;
	y->caps[0].window_ms = 0;
	bound(y, CAP_TOOLS, 1);
	act(y, y->w->task, 0);
	act(y, y->w->task, 1);
	y->w->r.tool = STR("db___lock");
	y->w->r.pre = scene_json(y->w, "{\"n\":1}");
	expect_deny(y->w, RATE_EXCEEDED);
	y->caps[0].is_bound[CAP_TOOLS] = false;
	bound(y, CAP_HOPS, 1);
	expect_allow(y->w);
	admit(y);
	y->w->upstreams[1].transport = TRANSPORT_COMMAND;
	y->w->tools[TOOL_LOCK].upstream = &y->w->upstreams[1];
	expect_deny(y->w, RATE_EXCEEDED);
	yard_free(y);
}

static void a_cap_counts_only_what_it_selects(void **state)
{
	(void)state;
	static const struct str tools[] = {{"db___lock", 9}};
	static const struct str classes[] = {{"other", 5}};
	struct yard *y = yard_new();

	bound(y, CAP_CALLS, 0);
	ask_for(y, y->w->task, 0);
	expect_deny(y->w, RATE_EXCEEDED);
	y->caps[0].tools = (struct str_list){tools, 1};
	expect_allow(y->w);
	assert_int_equal(y->w->d.takings.n, 0);
	y->caps[0].tools = (struct str_list){0};
	y->caps[0].classes = (struct str_list){classes, 1};
	expect_allow(y->w);
	y->caps[0].classes = (struct str_list){0};
	y->caps[0].effects[EFFECT_CONTAIN] = false;
	expect_allow(y->w);
	y->caps[0].effects[EFFECT_CONTAIN] = true;
	y->caps[0].playbook = STR("other");
	expect_allow(y->w);
	y->caps[0].playbook = STR("");
	expect_deny(y->w, RATE_EXCEEDED);
	yard_free(y);
}

static void a_share_of_a_group_counts_what_stands_not_what_was_done(void **state)
{
	(void)state;
	struct yard *y = yard_new();
	uint64_t first;

	y->caps[0].group = STR("fleet-db");
	y->caps[0].percent = 34; /* two of six */
	first = act(y, y->w->task, 0);
	act(y, y->other_task, 1);
	ask_for(y, y->w->task, 2);
	expect_deny(y->w, BLAST_RADIUS);
	act(y, y->w->task, 1); /* what is changed already changes no more */
	revert(y, first);
	act(y, y->w->task, 2);
	ask_for(y, y->w->task, 0);
	expect_deny(y->w, BLAST_RADIUS);
	y->caps[0].group = STR("nobody's");
	expect_allow(y->w);
	yard_free(y);
}

static void a_rolled_back_target_still_counts_in_its_window(void **state)
{
	(void)state;
	struct yard *y = yard_new();

	bound(y, CAP_TARGETS, 1);
	revert(y, act(y, y->w->task, 0));
	ask_for(y, y->w->task, 1);
	expect_deny(y->w, BLAST_RADIUS);
	yard_free(y);
}

static void a_floor_of_healthy_members_remains(void **state)
{
	(void)state;
	struct yard *y = yard_new();

	y->caps[0].group = STR("fleet-db");
	y->caps[0].floor = 4;
	act(y, y->w->task, 0);
	act(y, y->w->task, 1);
	ask_for(y, y->w->task, 2);
	expect_deny(y->w, BLAST_RADIUS);
	y->caps[0].floor = 3;
	expect_allow(y->w);
	/* One falls ill by itself: the floor is nearer. */
	fold_add(&y->w->f, LEAF_OF(INVENTORY_CHANGED, inventory_changed, .target = machines[5],
				   .health = STR("down"), .by = STR("alice")));
	expect_deny(y->w, BLAST_RADIUS);
	/* To act on the sick one takes no healthy one away. */
	ask_for(y, y->w->task, 5);
	expect_allow(y->w);
	yard_free(y);
}

static void beyond_a_cap_that_asks_a_person_may_approve_this_call_and_no_preapproval(void **state)
{
	(void)state;
	struct yard *y = yard_new();
	uint64_t a;

	y->caps[0].asks = true;
	bound(y, CAP_TARGETS, 1);
	act(y, y->w->task, 0);
	fold_add(&y->w->f, LEAF_OF(PREAPPROVAL_OPENED, preapproval_opened, .person = STR("bob"),
				   .tool = STR("db___end"), .max_uses = 9, .window_ms = 3600 * 1000,
				   .not_after = y->w->f.t + 3600 * 1000));
	ask_for(y, y->w->task, 1);
	expect_ask(y->w, BLAST_RADIUS);
	assert_non_null(strstr(y->w->d.detail.p, "cap 'cap'"));
	a = fold_add(&y->w->f,
		     LEAF_OF(APPROVAL_OPENED, approval_opened, .kind = STR("call"),
			     .task = y->w->task, .incident = y->w->incident, .agent = FOLD_AGENT,
			     .tool = STR("db___end"), .effect = STR("contain"),
			     .targets = LIST(machines[1]), .tag = y->w->r.tag,
			     .gates = LIST(STR("secops")), .quorum = 1,
			     .decide_by = y->w->f.t + 600 * 1000, .execute_by_ms = 300 * 1000));
	fold_vote(&y->w->f, a, STR("bob"), true);
	fold_add(&y->w->f, fold_settled(a, STR("granted"), y->w->f.t + 300 * 1000));
	expect_allow(y->w);
	assert_true(y->w->d.approval == a);
	complete(y, admit(y), STR("ok")); /* and counts beyond the cap */
	y->caps[0].asks = false;
	y->caps[0].most[CAP_TARGETS] = 2;
	y->w->r.tag = fold_tag(9);
	ask_for(y, y->w->task, 2);
	expect_deny(y->w, BLAST_RADIUS);
	/* What denies later still denies. */
	y->caps[0].asks = true;
	scene_policies_add(y->w, "forbid(principal, action, resource);");
	expect_deny(y->w, FORBIDDEN);
	yard_free(y);
}

static void a_target_under_way_is_nobody_elses_until_its_outcome_is_known(void **state)
{
	(void)state;
	struct yard *y = yard_new();
	uint64_t call;

	ask_for(y, y->w->task, 0);
	expect_allow(y->w);
	call = admit(y);
	ask_for(y, y->other_task, 0);
	expect_deny(y->w, TARGET_LEASED);
	ask_for(y, y->other_task, 1);
	expect_allow(y->w);
	complete(y, call, STR("unknown"));
	ask_for(y, y->other_task, 0);
	expect_deny(y->w, TARGET_LEASED);
	y->w->f.t += 900 * 1000; /* the hold expires */
	expect_allow(y->w);
	yard_free(y);
}

static void reading_back_an_unknown_outcome_frees_its_target(void **state)
{
	(void)state;
	struct yard *y = yard_new();
	uint64_t call;

	ask_for(y, y->w->task, 0);
	expect_allow(y->w);
	call = admit(y);
	complete(y, call, STR("unknown"));
	ask_for(y, y->other_task, 0);
	expect_deny(y->w, TARGET_LEASED);
	fold_add(&y->w->f, LEAF_OF(CALL_VERIFIED, call_verified, .call = call, .holds = true));
	expect_allow(y->w);
	yard_free(y);
}

static void a_leaf_that_takes_from_no_cap_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "1",
	    "1:calls:0:cap",
	    "1:calls:0:cap:",
	    "x:calls:0:cap:t1",
	    "1:call:0:cap:t1",
	    "-1:calls:0:cap:t1",
	    "*:calls:0:cap:t1",
	    "1:targets:0:cap:t1",
	    "x:targets:0:cap:t1",
	    "xg:targets:0:cap:t1",
	    "1:calls:01:cap:t1",
	    "1:calls:0::t1",
	};
	struct yard *y = yard_new();
	struct leaf l = fold_call(y->w->task, STR("contain"), 1);

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		l.call_decided.takings = LIST(str_from(bad[i]));
		fold_refuse(&y->w->f, l);
	}
	l.call_decided.takings = LIST(STR("x1:targets:0:cap:t1"), STR("1:calls:0:cap:t1"));
	fold_add(&y->w->f, l);
	assert_true(state_counted(y->w->f.s, STR("targets:0:cap:t1"), y->w->f.t) == 1);
	assert_true(
	    state_counted_has(y->w->f.s, STR("targets:0:cap:t1"), STR("pg-role:app"), y->w->f.t));
	l.call_decided.purpose = STR("capture");
	l.call_decided.effect = STR("read");
	fold_refuse(&y->w->f, l);
	yard_free(y);
}

static void a_result_corrects_what_was_taken(void **state)
{
	(void)state;
	struct yard *y = yard_new();
	struct leaf l = fold_call(y->w->task, STR("read"), 1);
	uint64_t call;

	l.call_decided.takings = LIST(STR("1000:calls:3600000:x:t1"));
	call = fold_add(&y->w->f, l);
	assert_true(state_counted(y->w->f.s, STR("calls:3600000:x:t1"), y->w->f.t) == 1000);
	fold_add(&y->w->f, LEAF_OF(CALL_COMPLETED, call_completed, .call = call, .kind = STR("ok"),
				   .used = LIST(STR("12:calls:3600000:x:t1"),
						STR("345:calls:3600000:y:t1"))));
	assert_true(state_counted(y->w->f.s, STR("calls:3600000:x:t1"), y->w->f.t) == 12);
	assert_true(state_counted(y->w->f.s, STR("calls:3600000:y:t1"), y->w->f.t) == 345);
	yard_free(y);
}

static void counters_go_with_their_task_their_incident_and_their_window(void **state)
{
	(void)state;
	struct yard *y = yard_new();
	struct leaf l = fold_call(y->w->task, STR("read"), 1);
	char of_task[64];
	uint64_t call;

	(void)snprintf(of_task, sizeof(of_task), "1:calls:0:cap:t%llu",
		       (unsigned long long)y->w->task);
	l.call_decided.takings = LIST(str_from(of_task), STR("1:calls:60000:cap:fleet"));
	call = fold_add(&y->w->f, l);
	complete(y, call, STR("ok"));
	y->w->f.t += 61 * 1000;
	fold_add(&y->w->f, LEAF_OF(STARTED, started, .generation = 2)); /* a sweep */
	assert_true(state_counted(y->w->f.s, STR("calls:60000:cap:fleet"), 0) == 0);
	assert_true(state_counted(y->w->f.s, str_from(of_task + 2), y->w->f.t) == 1);
	fold_add(&y->w->f, LEAF_OF(TASK_ENDED, task_ended, .task = y->w->task, .why = STR("done")));
	fold_add(&y->w->f,
		 LEAF_OF(TASK_CLOSED, task_closed, .task = y->w->task, .closure = STR("closed")));
	y->w->f.t += 61 * 1000;
	fold_add(&y->w->f, LEAF_OF(STARTED, started, .generation = 3));
	assert_true(state_counted(y->w->f.s, str_from(of_task + 2), y->w->f.t) == 0);
	yard_free(y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(calls_are_counted_within_a_sliding_window),
	    cmocka_unit_test(what_was_not_sent_is_given_back_and_what_is_unknown_is_not),
	    cmocka_unit_test(a_target_counts_once_whoever_acts_on_it),
	    cmocka_unit_test(a_cap_of_an_incident_is_of_all_its_agents_together),
	    cmocka_unit_test(a_cap_of_an_agent_or_task_leaves_others_alone),
	    cmocka_unit_test(different_tools_and_upstreams_are_counted),
	    cmocka_unit_test(a_cap_counts_only_what_it_selects),
	    cmocka_unit_test(a_share_of_a_group_counts_what_stands_not_what_was_done),
	    cmocka_unit_test(a_rolled_back_target_still_counts_in_its_window),
	    cmocka_unit_test(a_floor_of_healthy_members_remains),
	    cmocka_unit_test(
		beyond_a_cap_that_asks_a_person_may_approve_this_call_and_no_preapproval),
	    cmocka_unit_test(a_target_under_way_is_nobody_elses_until_its_outcome_is_known),
	    cmocka_unit_test(reading_back_an_unknown_outcome_frees_its_target),
	    cmocka_unit_test(a_leaf_that_takes_from_no_cap_is_refused),
	    cmocka_unit_test(a_result_corrects_what_was_taken),
	    cmocka_unit_test(counters_go_with_their_task_their_incident_and_their_window),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
