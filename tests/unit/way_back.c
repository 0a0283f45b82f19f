/* SPDX-License-Identifier: Apache-2.0 */
/* Verification, terms and rollback: that a containment ends, and that nobody's change is lost. */
#include "gov_scene.h"

static struct scene s;
static struct scene_log disk;

enum { TERM_MS = 10 * 60000, MINUTE_MS = 60000 };

static void later(uint64_t ms)
{
	scene_pass(ms);
	scene_settle(&s);
}

/* The log with the governor gone. */
static void read_log(void)
{
	scene_close(&s);
	scene_read_log(&disk);
}

static const char *last_how(void)
{
	static char how[32];
	struct str text = scene_last(&disk, LEAF_TERM_CHANGED)->term_changed.how;

	(void)snprintf(how, sizeof(how), "%.*s", STR_ARG(text));
	return how;
}

static size_t changes(const char *how)
{
	size_t n = 0;

	for (size_t i = 0; i < disk.n; i++) {
		n += disk.leaves[i].kind == LEAF_TERM_CHANGED &&
		     str_eq(disk.leaves[i].term_changed.how, str_from(how));
	}
	return n;
}

static void mute(void)
{
	scene_open(&s);
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "\\\"muted\\\":true");
	scene_settle(&s);
	assert_true(s.is_muted);
}

static uint64_t the_term(void)
{
	return scene_id(scene_command(&s, ALICE, COMMAND_TERM_LIST, "{}")->text, "id", 'm');
}

static const struct heard_reply *with_term(enum command_verb verb, uint64_t term, const char *more)
{
	char body[96];

	(void)snprintf(body, sizeof(body), "{\"id\":\"m%llu\"%s}", (unsigned long long)term, more);
	return scene_command(&s, ALICE, verb, body);
}

/* ---- ends ---- */

static void a_term_ends_after_the_governor_died(void **state)
{
	(void)state;

	mute();
	scene_kill(&s);
	scene_pass(TERM_MS + 1);
	scene_start(&s);
	scene_settle(&s);
	(void)scene_wait_admission(&s, "unmute", 1);
	scene_settle(&s);
	assert_false(s.is_muted);
	read_log();
	assert_string_equal(last_how(), "reverted");
	scene_free_log(&disk);
}

static void a_call_of_a_life_that_ended_is_looked_at_and_ends_all_the_same(void **state)
{
	(void)state;

	scene_open(&s);
	s.held_tool = "mute";
	(void)scene_ask(&s, RESPONDER, s.task, "db___mute", LOGIN, 0);
	(void)scene_wait_admission(&s, "mute", 1);
	s.is_muted = true; /* it was done, and nobody heard of it */
	scene_kill(&s);
	s.held_tool = NULL;
	scene_start(&s);
	scene_settle(&s);
	later(TERM_MS + 1);
	(void)scene_wait_admission(&s, "unmute", 1);
	scene_settle(&s);
	assert_false(s.is_muted);
	assert_int_equal(scene_admitted(&s, "mute"), 1);
	read_log();
	assert_int_equal(scene_count(&disk, LEAF_TERM_STARTED), 1);
	assert_true(scene_last(&disk, LEAF_CALL_VERIFIED)->call_verified.holds);
	assert_string_equal(last_how(), "reverted");
	scene_free_log(&disk);
}

static void a_tool_that_failed_but_did_it_has_a_term(void **state)
{
	(void)state;
	struct heard_admission *a;
	uint64_t req;

	scene_open(&s);
	s.held_tool = "mute";
	req = scene_ask(&s, RESPONDER, s.task, "db___mute", LOGIN, 0);
	a = scene_wait_admission(&s, "mute", 1);
	s.is_muted = true;
	scene_outcome(&s, a, OUTCOME_TOOL_ERROR, "{\"content\":[],\"isError\":true}");
	assert_says(scene_wait(&s, req), "isError");
	scene_settle(&s);
	/* control: one that failed and did nothing has none */
	s.held_tool = NULL;
	s.broken_tool = "unmute";
	s.broken_kind = OUTCOME_TOOL_ERROR;
	(void)scene_call(&s, "db___unmute", LOGIN, 0);
	later(31000);
	read_log();
	assert_int_equal(scene_count(&disk, LEAF_TERM_STARTED), 1);
	assert_int_equal(scene_count(&disk, LEAF_CALL_VERIFIED), 2);
	scene_free_log(&disk);
}

/* ---- the inverse ---- */

static void an_inverse_whose_outcome_is_unknown_is_read_back(void **state)
{
	(void)state;
	struct heard_admission *a;

	mute();
	s.held_tool = "unmute";
	scene_pass(TERM_MS + 1);
	a = scene_wait_admission(&s, "unmute", 1);
	s.is_muted = false; /* it was done */
	scene_outcome(&s, a, OUTCOME_UNKNOWN, "");
	scene_settle(&s);
	assert_int_equal(scene_admitted(&s, "unmute"), 1);
	read_log();
	assert_string_equal(last_how(), "reverted");
	scene_free_log(&disk);
}

static void an_inverse_whose_outcome_is_unknown_is_never_sent_again(void **state)
{
	(void)state;
	size_t notes;

	mute();
	s.broken_tool = "unmute";
	s.broken_kind = OUTCOME_UNKNOWN;
	notes = s.n_notes;
	later(TERM_MS + 1);
	for (int i = 0; i < 4; i++) {
		later(MINUTE_MS);
	}
	assert_int_equal(scene_admitted(&s, "unmute"), 1);
	assert_true(s.is_muted);
	assert_true(s.n_notes > notes);
	assert_says(scene_command(&s, ALICE, COMMAND_TERM_LIST, "{}")->text,
		    "\"difference\":{\"expected\":false,\"found\":true}");
	read_log();
	assert_string_equal(last_how(), "failed");
	scene_free_log(&disk);
}

static void a_death_in_the_middle_of_the_inverse_sends_it_once(void **state)
{
	(void)state;

	mute();
	s.held_tool = "unmute";
	scene_pass(TERM_MS + 1);
	(void)scene_wait_admission(&s, "unmute", 1);
	s.is_muted = false; /* it was done, and nobody heard of it */
	scene_kill(&s);
	s.held_tool = NULL;
	scene_start(&s);
	scene_settle(&s);
	later(MINUTE_MS);
	assert_int_equal(scene_admitted(&s, "unmute"), 1);
	read_log();
	assert_string_equal(last_how(), "reverted");
	scene_free_log(&disk);
}

static void an_upstream_that_is_away_for_a_while_is_tried_again(void **state)
{
	(void)state;
	int i;

	mute();
	s.broken_tool = "unmute";
	s.broken_kind = OUTCOME_NOT_SENT;
	later(TERM_MS + 1);
	for (i = 0; i < 5; i++) {
		later(MINUTE_MS);
	}
	assert_true(scene_admitted(&s, "unmute") > 2);
	assert_true(s.is_muted);
	s.broken_kind = OUTCOME_TOOL_ERROR; /* there again, and not well */
	later(MINUTE_MS);
	later(MINUTE_MS);
	s.broken_tool = NULL;
	for (i = 0; i < 5 && s.is_muted; i++) {
		later(MINUTE_MS);
	}
	assert_false(s.is_muted);
	read_log();
	assert_string_equal(last_how(), "reverted");
	assert_true(changes("again") > 0);
	assert_int_equal(changes("rolling_back"), 1);
	scene_free_log(&disk);
}

static void an_upstream_that_stays_away_is_escalated_and_a_person_tries_again(void **state)
{
	(void)state;
	uint64_t term;
	size_t notes;

	mute();
	term = the_term();
	s.broken_tool = "look";
	s.broken_kind = OUTCOME_TOOL_ERROR;
	later(TERM_MS + 1);
	notes = s.n_notes;
	for (int i = 0; i < 34; i++) {
		scene_pass(MINUTE_MS);
		(void)scene_command(&s, ALICE, COMMAND_STATUS, "{}");
		scene_step(&s, 60);
	}
	scene_settle(&s);
	assert_true(s.n_notes > notes);
	assert_int_equal(scene_admitted(&s, "unmute"), 0);
	s.broken_tool = NULL;
	later(MINUTE_MS);
	assert_true(s.is_muted); /* nothing happens by itself any more */
	assert_int_equal(with_term(COMMAND_ROLLBACK, term, "")->code, 200);
	scene_settle(&s);
	assert_false(s.is_muted);
	read_log();
	assert_int_equal(changes("failed"), 1);
	assert_string_equal(last_how(), "reverted");
	scene_free_log(&disk);
}

/* ---- verification ---- */

static void an_effect_may_take_its_time_to_show(void **state)
{
	(void)state;

	scene_open(&s);
	s.held_tool = "mute";
	(void)scene_ask(&s, RESPONDER, s.task, "db___mute", LOGIN, 0);
	(void)scene_wait_admission(&s, "mute", 1);
	s.stale_reads = 3;
	scene_do(&s, scene_wait_admission(&s, "mute", 1));
	for (int i = 0; i < 4; i++) {
		later(600);
	}
	assert_int_equal(s.stale_reads, 0);
	read_log();
	assert_true(scene_last(&disk, LEAF_CALL_VERIFIED)->call_verified.holds);
	assert_int_equal(changes("failed"), 0);
	scene_free_log(&disk);
}

static void an_effect_that_is_not_there_fails_its_term_and_marks_its_task(void **state)
{
	(void)state;
	struct heard_admission *a;
	char id[32];
	size_t notes;

	scene_open(&s);
	s.held_tool = "mute";
	(void)scene_ask(&s, RESPONDER, s.task, "db___mute", LOGIN, 0);
	a = scene_wait_admission(&s, "mute", 1);
	notes = s.n_notes;
	scene_outcome(&s, a, OUTCOME_OK, "{\"content\":[],\"isError\":false}"); /* it says */
	scene_settle(&s);
	later(31000);
	assert_true(s.n_notes > notes);
	(void)snprintf(id, sizeof(id), "{\"id\":\"t%llu\"}", (unsigned long long)s.task);
	assert_says(scene_command(&s, ALICE, COMMAND_TASK_SHOW, id)->text, "\"unverified\"");
	assert_says(scene_command(&s, ALICE, COMMAND_TASK_SHOW, id)->text,
		    "\"difference\":{\"expected\":true,\"found\":false}");
	read_log();
	assert_false(scene_last(&disk, LEAF_CALL_VERIFIED)->call_verified.holds);
	assert_string_equal(last_how(), "failed");
	scene_free_log(&disk);
}

/* ---- asking again ---- */

static void silence_keeps_a_containment_and_it_is_asked_about_again(void **state)
{
	(void)state;
	uint64_t approval;
	uint64_t term;
	size_t notes;

	scene_open(&s);
	approval = scene_id(scene_call(&s, "db___lock", LOGIN, 0), "id", 'a');
	assert_int_equal(scene_decide(&s, BOB, true, approval)->code, 200);
	(void)scene_call(&s, "db___lock", LOGIN, 0);
	scene_settle(&s);
	assert_false(s.can_login);
	term = the_term();
	notes = s.n_notes;
	later(4 * 60 * MINUTE_MS + 1); /* the default term of what has none; its task is over too */
	assert_true(s.n_notes > notes);
	later(30 * MINUTE_MS);
	later(30 * MINUTE_MS + 1);
	later(60 * MINUTE_MS + 1);
	assert_says(scene_command(&s, ALICE, COMMAND_TERM_LIST, "{}")->text, "\"asked\":3");
	assert_int_equal(with_term(COMMAND_TERM_KEEP, term, ",\"for_s\":7200")->code, 200);
	later(119 * MINUTE_MS);
	assert_says(scene_command(&s, ALICE, COMMAND_TERM_LIST, "{}")->text, "\"asked\":0");
	later(MINUTE_MS + 1);
	assert_says(scene_command(&s, ALICE, COMMAND_TERM_LIST, "{}")->text, "\"asked\":1");
	assert_false(s.can_login);
	assert_int_equal(scene_admitted(&s, "unlock"), 0);
	assert_int_equal(with_term(COMMAND_TERM_KEEP, term, "")->code, 200); /* for good */
	later(24 * 60 * MINUTE_MS);
	read_log();
	assert_int_equal(changes("asked"), 4);
	scene_free_log(&disk);
}

/* ---- all of a task ---- */

static void lock(void)
{
	uint64_t approval = scene_id(scene_call(&s, "db___lock", LOGIN, 0), "id", 'a');

	assert_int_equal(scene_decide(&s, BOB, true, approval)->code, 200);
	(void)scene_call(&s, "db___lock", LOGIN, 0);
	scene_settle(&s);
	assert_false(s.can_login);
}

static const struct heard_reply *roll_back_all(char letter, uint64_t ix)
{
	char body[64];

	(void)snprintf(body, sizeof(body), "{\"id\":\"%c%llu\"}", letter, (unsigned long long)ix);
	return scene_command(&s, ALICE, COMMAND_ROLLBACK, body);
}

static const struct leaf *last_of_task(enum leaf_kind kind)
{
	return scene_last(&disk, kind);
}

static void a_task_is_undone_the_newest_change_first(void **state)
{
	(void)state;
	size_t first;

	mute();
	lock();
	first = s.n_admissions;
	assert_says(roll_back_all('t', s.task)->text, "rolling_back");
	assert_says(scene_call(&s, "db___look", LOGIN, 0),
		    "task_ended"); /* nobody works against it */
	for (int i = 0; i < 20 && s.is_muted; i++) {
		scene_settle(&s);
	}
	assert_true(s.can_login && !s.is_muted);
	while (strcmp(s.admissions[first].tool, "look") == 0) {
		first++;
	}
	assert_string_equal(s.admissions[first].tool, "unlock");
	assert_int_equal(scene_admitted(&s, "unmute"), 1);
	scene_settle(&s);
	assert_says(scene_command(&s, ALICE, COMMAND_ROLLBACK_LIST, "{}")->text,
		    "\"state\":\"done\"");
	read_log();
	assert_str(last_of_task(LEAF_ROLLBACK_ENDED)->rollback_ended.result, "done");
	assert_str(last_of_task(LEAF_TASK_CLOSED)->task_closed.closure, "closed");
	scene_free_log(&disk);
}

static void a_death_in_the_middle_of_a_tasks_rollback_is_gone_on_from(void **state)
{
	(void)state;

	mute();
	lock();
	s.held_tool = "unlock";
	(void)roll_back_all('i', s.incident);
	(void)scene_wait_admission(&s, "unlock", 1);
	s.can_login = true; /* it was done, and nobody heard of it */
	scene_kill(&s);
	s.held_tool = NULL;
	scene_start(&s);
	for (int i = 0; i < 20 && s.is_muted; i++) {
		scene_settle(&s);
	}
	assert_false(s.is_muted);
	assert_int_equal(scene_admitted(&s, "unlock"), 1);
	assert_int_equal(scene_admitted(&s, "unmute"), 1);
	scene_settle(&s);
	read_log();
	assert_str(last_of_task(LEAF_ROLLBACK_ENDED)->rollback_ended.result, "done");
	scene_free_log(&disk);
}

static void what_cannot_be_undone_is_listed_and_holds_what_came_before_it(void **state)
{
	(void)state;
	const struct leaf *l;
	size_t notes;

	mute();
	lock();
	s.can_login = true; /* by somebody else */
	notes = s.n_notes;
	assert_says(roll_back_all('t', s.task)->text, "rolling_back");
	assert_int_equal(roll_back_all('t', s.task)->code, 403); /* one at a time */
	for (int i = 0; i < 4; i++) {
		scene_settle(&s);
	}
	assert_true(s.is_muted); /* an older change of the same target */
	assert_true(s.n_notes > notes);
	read_log();
	l = last_of_task(LEAF_ROLLBACK_ENDED);
	assert_str(l->rollback_ended.result, "partial");
	assert_int_equal(l->rollback_ended.left.n, 2);
	assert_true(str_contains(l->rollback_ended.left.p[0], STR("db___unlock: it could not")));
	assert_true(str_contains(l->rollback_ended.left.p[1], STR("db___unmute: a newer change")));
	l = last_of_task(LEAF_TASK_CLOSED);
	assert_str(l->task_closed.closure, "partial");
	assert_true(str_contains(l->task_closed.left.p[0], STR("db___unmute: stands, handed to")));
	assert_true(str_contains(l->task_closed.left.p[1], STR("db___unlock: failed")));
	scene_free_log(&disk);
}

static void a_playbook_may_want_all_undone_at_the_end(void **state)
{
	(void)state;

	scene_write("deployment/playbooks/abuse.yaml",
		    STR("classes: [abuse]\naccountable: secops\nat_end: rollback\nphases:\n"
			"  - name: all\n    tools: [db___look, db___mute, db___unmute]\n"
			"limits: {calls: 60, targets: 8, duration: 2m}\ndata: [accounts]\n"));
	mute();
	later(2 * MINUTE_MS + 1);
	for (int i = 0; i < 20 && s.is_muted; i++) {
		scene_settle(&s);
	}
	assert_false(s.is_muted);
	scene_settle(&s);
	read_log();
	assert_str(last_of_task(LEAF_ROLLBACK_PLANNED)->rollback_planned.by, "remit");
	assert_str(last_of_task(LEAF_TASK_CLOSED)->task_closed.closure, "closed");
	scene_free_log(&disk);
}

/* ---- rehearsals ---- */

enum { DAYS = 24 * 60 };

static const char mute_tool[] = "{\"tool\":\"db___mute\"}";

/* Lets this much time go by again and again, for what reads back after a pause. */
static void wait_for_rehearsal(uint64_t pass_ms)
{
	for (int i = 0; i < 20; i++) {
		later(pass_ms);
		if (!strstr(scene_command(&s, ALICE, COMMAND_REHEARSAL_LIST, "{}")->text,
			    "running")) {
			return;
		}
	}
	fail_msg("a rehearsal does not end");
}

static void an_inverse_that_was_not_tried_lately_makes_its_tool_destroy(void **state)
{
	(void)state;

	scene_open(&s);
	scene_pass((uint64_t)200 * DAYS * MINUTE_MS);
	scene_settle(&s);
	assert_says(scene_command(&s, ALICE, COMMAND_REHEARSAL_LIST, "{}")->text,
		    "\"state\":\"due\",\"counts_as\":\"destroy\"");
	scene_open_task(&s);
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "Pending"); /* a person must approve */
	assert_int_equal(s.n_changes, 0);
	assert_says(scene_command(&s, ALICE, COMMAND_REHEARSE, mute_tool)->text, "db___mute");
	wait_for_rehearsal(0);
	assert_int_equal(scene_admitted(&s, "mute"), 1);
	assert_int_equal(scene_admitted(&s, "unmute"), 1);
	assert_false(s.is_muted);
	assert_says(scene_command(&s, ALICE, COMMAND_REHEARSAL_LIST, "{}")->text,
		    "\"state\":\"fresh\",\"counts_as\":\"contain\"");
	(void)scene_call(&s, "db___look", LOGIN, 0);
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "\\\"muted\\\":true");
	scene_close(&s);
	scene_read_log(&disk);
	assert_true(scene_last(&disk, LEAF_TOOL_REHEARSED)->tool_rehearsed.ok);
	assert_str(scene_last(&disk, LEAF_TOOL_REHEARSED)->tool_rehearsed.by, "alice");
	scene_free_log(&disk);
}

static void a_rehearsal_reaches_its_own_targets_only(void **state)
{
	(void)state;

	scene_open(&s);
	assert_int_equal(scene_command(&s, ALICE, COMMAND_REHEARSE,
				       "{\"tool\":\"db___mute\",\"target\":\"pg-role:app\"}")
			     ->code,
			 400);
	assert_int_equal(
	    scene_command(&s, ALICE, COMMAND_REHEARSE, "{\"tool\":\"db___lock\"}")->code, 400);
	scene_settle(&s);
	assert_int_equal(s.n_admissions, 0);
	scene_close(&s);
}

static void an_inverse_that_does_not_work_is_found_out(void **state)
{
	(void)state;

	scene_open(&s);
	s.broken_tool = "unmute";
	s.broken_kind = OUTCOME_UNKNOWN;
	assert_says(scene_command(&s, ALICE, COMMAND_REHEARSE, mute_tool)->text, "db___mute");
	wait_for_rehearsal(31000);
	scene_close(&s);
	scene_read_log(&disk);
	assert_false(scene_last(&disk, LEAF_TOOL_REHEARSED)->tool_rehearsed.ok);
	scene_free_log(&disk);
}

static void a_death_in_the_middle_of_a_rehearsal_leaves_nothing_behind(void **state)
{
	(void)state;

	scene_open(&s);
	s.held_tool = "mute";
	assert_says(scene_command(&s, ALICE, COMMAND_REHEARSE, mute_tool)->text, "db___mute");
	(void)scene_wait_admission(&s, "mute", 1);
	s.is_muted = true;
	scene_kill(&s);
	s.held_tool = NULL;
	scene_start(&s);
	wait_for_rehearsal(0);
	assert_false(s.is_muted);
	assert_int_equal(scene_admitted(&s, "mute"), 1);
	scene_close(&s);
	scene_read_log(&disk);
	assert_true(scene_last(&disk, LEAF_TOOL_REHEARSED)->tool_rehearsed.ok);
	scene_free_log(&disk);
}

/* ---- the clock ---- */

static void whoever_sets_the_clock_ends_no_term(void **state)
{
	(void)state;
	size_t notes;

	mute();
	notes = s.n_notes;
	scene_jump(60 * MINUTE_MS);
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "clock_unverified"); /* at once */
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	scene_settle(&s);
	assert_true(s.n_notes > notes);
	assert_int_equal(scene_admitted(&s, "unmute"), 0);
	assert_says(scene_command(&s, ALICE, COMMAND_STATUS, "{}")->text, "clock_expected");
	scene_kill(&s); /* it is not forgotten */
	scene_start(&s);
	later(MINUTE_MS);
	assert_int_equal(scene_admitted(&s, "unmute"), 0);
	assert_int_equal(scene_command(&s, ALICE, COMMAND_CLOCK_CONFIRM, "{}")->code, 200);
	scene_settle(&s);
	assert_false(s.is_muted); /* its time is over, and that is believed */
	assert_int_equal(scene_command(&s, ALICE, COMMAND_CLOCK_CONFIRM, "{}")->code, 404);
	(void)scene_call(&s, "db___look", LOGIN, 0);
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "\\\"muted\\\":true"); /* control */
	read_log();
	assert_int_equal(scene_count(&disk, LEAF_CLOCK_JUMPED), 1);
	assert_str(scene_last(&disk, LEAF_CLOCK_CONFIRMED)->clock_confirmed.by, "alice");
	scene_free_log(&disk);
}

static void a_clock_set_back_lengthens_no_grant(void **state)
{
	(void)state;

	mute();
	scene_jump(-3 * 60 * MINUTE_MS);
	scene_settle(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	later(2 * 60 * MINUTE_MS + 1); /* the task's time, by the clock that cannot be set */
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "\"verdict\":\"deny\"");
	scene_close(&s);
}

static void a_clock_that_comes_back_is_believed_again(void **state)
{
	(void)state;

	mute();
	scene_jump(60 * MINUTE_MS);
	scene_settle(&s);
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "clock_unverified");
	scene_jump(-60 * MINUTE_MS);
	scene_settle(&s);
	assert_true(s.is_muted);
	later(TERM_MS + 1);
	assert_false(s.is_muted);
	read_log();
	assert_str(scene_last(&disk, LEAF_CLOCK_CONFIRMED)->clock_confirmed.by, "clock");
	scene_free_log(&disk);
}

static void a_jump_while_nobody_watched_is_noticed(void **state)
{
	(void)state;

	mute();
	scene_kill(&s);
	scene_jump(60 * MINUTE_MS);
	scene_start(&s);
	scene_settle(&s);
	assert_true(s.is_muted);
	read_log();
	assert_str(scene_last(&disk, LEAF_CLOCK_JUMPED)->clock_jumped.seen, "start");
	scene_free_log(&disk);
}

/* ---- stops ---- */

static void a_stop_of_its_agent_does_not_hold_a_rollback(void **state)
{
	(void)state;

	mute();
	assert_int_equal(
	    scene_command(&s, ERIN, COMMAND_KILL, "{\"scope\":\"agent\",\"name\":\"responder\"}")
		->code,
	    200);
	later(TERM_MS + 1);
	assert_false(s.is_muted);
	read_log();
	assert_string_equal(last_how(), "reverted");
	scene_free_log(&disk);
}

static void a_stop_of_everything_holds_a_rollback_only_if_it_says_so(void **state)
{
	(void)state;

	mute();
	assert_int_equal(
	    scene_command(&s, ERIN, COMMAND_KILL,
			  "{\"scope\":\"tool\",\"name\":\"db___mute\",\"rollbacks\":true}")
		->code,
	    400);
	assert_int_equal(
	    scene_command(&s, ERIN, COMMAND_KILL, "{\"scope\":\"all\",\"rollbacks\":true}")->code,
	    200);
	later(TERM_MS + 1);
	assert_true(s.is_muted);
	assert_int_equal(scene_admitted(&s, "unmute"), 0);
	assert_says(scene_command(&s, ALICE, COMMAND_TERM_LIST, "{}")->text, "rolling_back");
	assert_int_equal(scene_command(&s, ERIN, COMMAND_RESUME, "{\"scope\":\"all\"}")->code, 200);
	assert_int_equal(scene_command(&s, BOB, COMMAND_RESUME, "{\"scope\":\"all\"}")->code, 200);
	scene_settle(&s);
	assert_false(s.is_muted);
	read_log();
	assert_string_equal(last_how(), "reverted");
	scene_free_log(&disk);
}

static void a_stop_of_everything_lets_rollbacks_go_on(void **state)
{
	(void)state;

	mute();
	assert_int_equal(scene_command(&s, ERIN, COMMAND_KILL, "{\"scope\":\"all\"}")->code, 200);
	later(TERM_MS + 1);
	assert_false(s.is_muted);
	scene_close(&s);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SCENE_TEST(a_term_ends_after_the_governor_died),
	    SCENE_TEST(a_call_of_a_life_that_ended_is_looked_at_and_ends_all_the_same),
	    SCENE_TEST(a_tool_that_failed_but_did_it_has_a_term),
	    SCENE_TEST(an_inverse_whose_outcome_is_unknown_is_read_back),
	    SCENE_TEST(an_inverse_whose_outcome_is_unknown_is_never_sent_again),
	    SCENE_TEST(a_death_in_the_middle_of_the_inverse_sends_it_once),
	    SCENE_TEST(an_upstream_that_is_away_for_a_while_is_tried_again),
	    SCENE_TEST(an_upstream_that_stays_away_is_escalated_and_a_person_tries_again),
	    SCENE_TEST(an_effect_may_take_its_time_to_show),
	    SCENE_TEST(an_effect_that_is_not_there_fails_its_term_and_marks_its_task),
	    SCENE_TEST(a_task_is_undone_the_newest_change_first),
	    SCENE_TEST(a_death_in_the_middle_of_a_tasks_rollback_is_gone_on_from),
	    SCENE_TEST(what_cannot_be_undone_is_listed_and_holds_what_came_before_it),
	    SCENE_TEST(a_playbook_may_want_all_undone_at_the_end),
	    SCENE_TEST(an_inverse_that_was_not_tried_lately_makes_its_tool_destroy),
	    SCENE_TEST(a_rehearsal_reaches_its_own_targets_only),
	    SCENE_TEST(an_inverse_that_does_not_work_is_found_out),
	    SCENE_TEST(a_death_in_the_middle_of_a_rehearsal_leaves_nothing_behind),
	    SCENE_TEST(whoever_sets_the_clock_ends_no_term),
	    SCENE_TEST(a_clock_set_back_lengthens_no_grant),
	    SCENE_TEST(a_clock_that_comes_back_is_believed_again),
	    SCENE_TEST(a_jump_while_nobody_watched_is_noticed),
	    SCENE_TEST(a_stop_of_its_agent_does_not_hold_a_rollback),
	    SCENE_TEST(a_stop_of_everything_holds_a_rollback_only_if_it_says_so),
	    SCENE_TEST(a_stop_of_everything_lets_rollbacks_go_on),
	    SCENE_TEST(silence_keeps_a_containment_and_it_is_asked_about_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
