/* SPDX-License-Identifier: Apache-2.0 */
/* Who answers, who is told when nobody does, and who acts when nothing else helps. */
#include "gov_scene.h"

static struct scene s;
static struct scene_log disk;

static size_t notes_with(const char *part)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n_notes; i++) {
		n += strstr(s.notes[i], part) != NULL;
	}
	return n;
}

static uint64_t ask_for_lock(void)
{
	return scene_id(scene_call(&s, "db___lock", LOGIN, 0), "id", 'a');
}

static void set_people(const char *secops)
{
	char text[2048];

	(void)snprintf(text, sizeof(text),
		       "people:\n"
		       "  alice: {uid: 64001, groups: [secops]}\n"
		       "  bob: {uid: 64002, groups: [secops]}\n"
		       "  carol: {uid: 64003, groups: [secops]}\n"
		       "  dave: {uid: 64004, groups: [secops]}\n"
		       "  erin: {uid: 64005, groups: [others]}\n"
		       "groups:\n"
		       "  secops: {%s, notifiers: [pager]}\n"
		       "  others: {rota: [erin]}\n",
		       secops);
	scene_write("deployment/people.yaml", str_from(text));
}

/* ---- who answers ---- */

static void a_task_and_what_it_left_follow_the_rota(void **state)
{
	(void)state;

	scene_open(&s);
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "muted"); /* a term of alice's */
	assert_int_equal(
	    scene_command(&s, BOB, COMMAND_ROTA_SET, "{\"group\":\"secops\",\"person\":\"bob\"}")
		->code,
	    200);
	scene_pass(1000);
	scene_settle(&s);
	assert_says(scene_command(&s, ALICE, COMMAND_ROTA_LIST, "{}")->text, "\"on_duty\":\"bob\"");
	assert_says(scene_command(&s, ALICE, COMMAND_TASK_LIST, "{}")->text,
		    "\"accountable\":\"bob\"");
	assert_says(scene_command(&s, ALICE, COMMAND_TERM_LIST, "{}")->text, "\"owner\":\"bob\"");
	assert_int_equal(notes_with("task.yours"), 1);
	assert_int_equal(notes_with("term.yours"), 1);
	/* Only members say so, and only of members. */
	assert_says(
	    scene_command(&s, ERIN, COMMAND_ROTA_SET, "{\"group\":\"secops\",\"person\":\"alice\"}")
		->text,
	    "approver_auth");
	assert_int_equal(
	    scene_command(&s, BOB, COMMAND_ROTA_SET, "{\"group\":\"secops\",\"person\":\"erin\"}")
		->code,
	    400);
	scene_pass(12 * 3600 * 1000);
	scene_settle(&s);
	assert_says(scene_command(&s, BOB, COMMAND_ROTA_LIST, "{}")->text, "\"on_duty\":\"alice\"");
	scene_close(&s);
}

/* ---- who is told ---- */

static void a_question_climbs_the_ladder_and_ends_in_a_safe_state(void **state)
{
	(void)state;
	const struct leaf_escalation_moved *moved;
	uint64_t held;

	set_people("rota: [alice, bob], ladder: [{after: 0s, who: on-call}, {after: 30s, who: "
		   "group}, {after: 60s, who: owner}, {after: 90s, safe: observe}]");
	scene_open(&s);
	(void)ask_for_lock();
	held = scene_ask(&s, RESPONDER, s.task, "db___lock", LOGIN, 600000);
	scene_settle(&s);
	assert_int_equal(notes_with("\"escalation\""), 0);
	scene_pass(31000);
	scene_settle(&s);
	assert_int_equal(notes_with("rung 2"), 4); /* each of the group */
	scene_kill(&s);				   /* a rung is reached once */
	scene_start(&s);
	(void)ask_for_lock();
	held = scene_ask(&s, RESPONDER, s.task, "db___lock", LOGIN, 600000);
	scene_settle(&s);
	assert_int_equal(notes_with("rung 2"), 4);
	scene_pass(30000);
	scene_settle(&s);
	assert_int_equal(notes_with("rung 3"), 1);
	assert_null(scene_reply(&s, held));
	scene_pass(30000);
	assert_says(scene_wait(&s, held), "approval_expired");
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "only reads until");
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	scene_pass(1000);
	scene_settle(&s);
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_ESCALATION_OPENED), 1);
	assert_int_equal(scene_count(&disk, LEAF_ESCALATION_MOVED), 4);
	assert_int_equal(scene_count(&disk, LEAF_ESCALATION_ENDED), 1);
	moved = &scene_last(&disk, LEAF_ESCALATION_MOVED)->escalation_moved;
	assert_str(moved->safe, "observe");
	assert_int_equal(moved->level, 4);
	scene_free_log(&disk);
}

static void what_is_answered_in_time_is_not_escalated(void **state)
{
	(void)state;

	scene_open(&s);
	assert_int_equal(scene_decide(&s, BOB, false, ask_for_lock())->code, 200);
	scene_pass(120000);
	scene_settle(&s);
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_ESCALATION_OPENED), 0);
	scene_free_log(&disk);
}

static void what_failed_to_arrive_is_sent_again_a_few_times(void **state)
{
	(void)state;
	const struct leaf_notified *n;

	scene_open(&s);
	s.refuses_notes = true;
	(void)ask_for_lock();
	scene_settle(&s);
	assert_int_equal(notes_with("approval.opened"), 1);
	scene_pass(5000);
	scene_settle(&s);
	assert_int_equal(notes_with("approval.opened"), 2);
	scene_pass(20000);
	scene_settle(&s);
	assert_int_equal(notes_with("approval.opened"), 3);
	scene_pass(30000);
	scene_settle(&s);
	assert_int_equal(notes_with("approval.opened"), 3);
	scene_pass(50000);
	scene_settle(&s);
	assert_int_equal(notes_with("approval.opened"), 4);
	scene_close(&s);
	scene_read_log(&disk);
	n = &scene_last(&disk, LEAF_NOTIFIED)->notified;
	assert_false(n->delivered);
	assert_int_equal(n->tries, 4);
	assert_str(n->notifier, "pager");
	scene_free_log(&disk);
}

/* ---- who acts when nothing else helps ---- */

static void set_break_glass(void)
{
	scene_write("deployment/gates.yaml",
		    STR("gates:\n  on-call: {group: secops, decide_by: 5m}\ndefault_gate: on-call\n"
			"never: [\"pg-role:broker\"]\n"
			"break_glass: {people: [bob, carol], duration: 10m}\n"));
	scene_write("deployment/freezes.yaml", STR("freezes:\n  all: {weekly: always}\n"));
}

static uint64_t open_session(uint32_t uid)
{
	char body[128];

	(void)snprintf(body, sizeof(body), "{\"incident\":\"i%llu\",\"reason\":\"all is down\"}",
		       (unsigned long long)s.incident);
	return scene_id(scene_command(&s, uid, COMMAND_BREAK_GLASS_OPEN, body)->text, "break_glass",
			'g');
}

static const struct heard_reply *act(uint64_t session, const char *tool, const char *args)
{
	char body[512];

	(void)snprintf(body, sizeof(body), "{\"id\":\"g%llu\",\"tool\":\"%s\",\"args\":%s}",
		       (unsigned long long)session, tool, args);
	return scene_command(&s, BOB, COMMAND_BREAK_GLASS_ACT, body);
}

static void a_named_person_acts_loudly_and_somebody_else_reviews_it(void **state)
{
	(void)state;
	char body[128];
	uint64_t b;

	set_break_glass();
	scene_open(&s);
	/* The freeze stops the agent, and nobody could lift it. */
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "freeze_active");
	b = open_session(BOB);
	scene_settle(&s);
	assert_int_equal(notes_with("break_glass.opened"), 2); /* owner and deputy */
	assert_says(act(b, "db___lock", LOGIN)->text, "can_login");
	assert_false(s.can_login);
	assert_says(scene_command(&s, ALICE, COMMAND_STATUS, "{}")->text, "\"state\":\"acting\"");
	/* Its effect is verified and has a way back, like any other. */
	scene_settle(&s);
	assert_says(scene_command(&s, ALICE, COMMAND_TERM_LIST, "{}")->text, "db___unlock");
	(void)snprintf(body, sizeof(body), "{\"id\":\"g%llu\"}", (unsigned long long)b);
	assert_int_equal(scene_command(&s, ALICE, COMMAND_REVIEW_CLOSE, body)->code, 403);
	assert_int_equal(scene_command(&s, BOB, COMMAND_BREAK_GLASS_CLOSE, body)->code, 200);
	scene_settle(&s);
	assert_says(act(b, "db___unlock", LOGIN)->text, "task_ended");
	scene_pass(72ull * 3600 * 1000);
	scene_settle(&s);
	assert_int_equal(notes_with("review.overdue"), 2);
	assert_says(scene_command(&s, ALICE, COMMAND_REVIEW_LIST, "{}")->text, "overdue");
	assert_says(scene_command(&s, BOB, COMMAND_REVIEW_CLOSE, body)->text, "approver_conflict");
	assert_int_equal(scene_command(&s, ALICE, COMMAND_REVIEW_CLOSE, body)->code, 200);
	scene_pass(48ull * 3600 * 1000);
	scene_settle(&s);
	assert_int_equal(notes_with("review.overdue"), 2);
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_BREAK_GLASS_OPENED), 1);
	assert_str(scene_last(&disk, LEAF_BREAK_GLASS_REVIEWED)->break_glass_reviewed.by, "alice");
	scene_free_log(&disk);
}

static void break_glass_lifts_no_stop_no_never_list_and_no_bound(void **state)
{
	(void)state;
	char body[128];
	uint64_t b;

	set_break_glass();
	scene_open(&s);
	(void)snprintf(body, sizeof(body), "{\"incident\":\"i%llu\",\"reason\":\"x\"}",
		       (unsigned long long)s.incident);
	assert_says(scene_command(&s, ALICE, COMMAND_BREAK_GLASS_OPEN, body)->text,
		    "approver_auth");
	assert_says(scene_command(&s, 65534, COMMAND_BREAK_GLASS_OPEN, body)->text,
		    "approver_auth");
	(void)snprintf(body, sizeof(body), "{\"incident\":\"i%llu\"}",
		       (unsigned long long)s.incident);
	assert_int_equal(scene_command(&s, BOB, COMMAND_BREAK_GLASS_OPEN, body)->code, 400);
	(void)snprintf(body, sizeof(body),
		       "{\"incident\":\"i%llu\",\"reason\":\"x\",\"duration_s\":3601}",
		       (unsigned long long)s.incident);
	assert_int_equal(scene_command(&s, BOB, COMMAND_BREAK_GLASS_OPEN, body)->code, 400);
	b = open_session(BOB);
	assert_says(act(b, "db___lock", "{\"login\":\"broker\"}")->text, "never_list");
	assert_says(act(b, "db___lock", "{\"login\":\"other\"}")->text, "target_not_in_incident");
	assert_says(act(b, "db___lock", "{\"login\":5}")->text, "arg_schema");
	assert_says(act(b, "db___none", LOGIN)->text, "tool_unknown");
	assert_int_equal(scene_command(&s, ALICE, COMMAND_KILL,
				       "{\"scope\":\"tool\",\"name\":"
				       "\"db___lock\"}")
			     ->code,
			 200);
	assert_says(act(b, "db___lock", LOGIN)->text, "kill_active");
	assert_true(s.can_login);
	assert_says(act(b, "db___mute", LOGIN)->text, "muted"); /* control */
	scene_pass(10 * 60000 + 1);
	scene_settle(&s);
	assert_says(act(b, "db___mute", LOGIN)->text, "task_ended"); /* by itself */
	scene_close(&s);
}

static void an_agent_has_no_part_in_break_glass(void **state)
{
	(void)state;
	const struct heard_reply *r;
	char id[32];
	uint64_t req;
	uint64_t b;

	set_break_glass();
	scene_open(&s);
	assert_says(scene_call(&s, "remit___break_glass", "{\"reason\":\"please\"}", 0),
		    "break_glass_agent");
	b = open_session(BOB);
	/* The session's task is not an agent's to use, whatever it calls itself. */
	for (uint64_t t = b - 3; t < b; t++) {
		(void)snprintf(id, sizeof(id), "t%llu", (unsigned long long)t);
		req = scene_ask(&s, RESPONDER, t, "db___mute", LOGIN, 0);
		assert_says(scene_wait(&s, req), "Denied");
		req = scene_ask(&s, "person:bob", t, "db___mute", LOGIN, 0);
		assert_says(scene_wait(&s, req), "agent_unregistered");
	}
	assert_false(s.is_muted);
	r = act(b, "db___mute", LOGIN); /* control */
	assert_says(r->text, "muted");
	scene_close(&s);
	scene_read_log(&disk);
	for (size_t i = 0; i < disk.n; i++) {
		if (disk.leaves[i].kind == LEAF_CALL_DECIDED &&
		    str_eq(disk.leaves[i].call_decided.reason, STR("break_glass_agent"))) {
			assert_str(disk.leaves[i].call_decided.agent, RESPONDER);
			b = 0;
		}
	}
	assert_int_equal(b, 0);
	scene_free_log(&disk);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SCENE_TEST(a_task_and_what_it_left_follow_the_rota),
	    SCENE_TEST(a_question_climbs_the_ladder_and_ends_in_a_safe_state),
	    SCENE_TEST(what_is_answered_in_time_is_not_escalated),
	    SCENE_TEST(what_failed_to_arrive_is_sent_again_a_few_times),
	    SCENE_TEST(a_named_person_acts_loudly_and_somebody_else_reviews_it),
	    SCENE_TEST(break_glass_lifts_no_stop_no_never_list_and_no_bound),
	    SCENE_TEST(an_agent_has_no_part_in_break_glass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
