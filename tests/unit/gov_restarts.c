/* SPDX-License-Identifier: Apache-2.0 */
/* The governor while its peers are restarted alone: nothing ends that need not, nothing is lost,
 * and nothing is said about what is not known. */
#include "gov_scene.h"

static struct scene s;
static struct scene_log disk;

static void read_log(void)
{
	scene_close(&s);
	scene_read_log(&disk);
}

static size_t count_objects(void)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n_objects; i++) {
		n += s.objects[i].is_there;
	}
	return n;
}

static void what_the_courier_had_is_told_by_the_next_one(void **state)
{
	size_t n;

	(void)state;
	scene_open(&s);
	s.holds_notes = true;
	(void)scene_ask(&s, RESPONDER, s.task, "db___lock", LOGIN, 20000); /* asks people */
	scene_settle(&s);
	n = s.n_notes;
	assert_true(n > 0);
	scene_lose(&s, COURIER);
	scene_settle(&s);
	scene_pass(600);
	scene_settle(&s); /* nobody to tell, and nothing ends by it */
	assert_int_equal(s.n_notes, n);
	s.holds_notes = false;
	scene_replug(&s, COURIER);
	scene_pass(600);
	scene_settle(&s);
	assert_int_equal(s.n_notes, 2 * n); /* again, all of it */
	read_log();
	assert_int_equal(scene_count(&disk, LEAF_NOTIFIED), n); /* and each is on the record once */
	assert_true(scene_last(&disk, LEAF_NOTIFIED)->notified.delivered);
	scene_free_log(&disk);
}

static void evidence_on_its_way_to_a_store_that_ends_is_kept_by_the_next(void **state)
{
	uint64_t req;

	(void)state;
	scene_open(&s);
	s.holds_stored = true;
	assert_says(scene_call(&s, "db___dump", LOGIN, 0), "can_login");
	req = scene_ask(&s, RESPONDER, s.task, "db___scrub", LOGIN, 0);
	scene_settle(&s);
	assert_null(scene_reply(&s, req));    /* it waits for its evidence */
	assert_int_equal(count_objects(), 1); /* which is there; but nobody was told */
	scene_lose(&s, STORE);
	scene_settle(&s);
	assert_null(scene_reply(&s, req)); /* still: neither denied nor sent */
	assert_int_equal(scene_admitted(&s, "scrub"), 0);
	s.holds_stored = false;
	scene_replug(&s, STORE);
	assert_says(scene_wait(&s, req), "can_login");
	scene_settle(&s);
	assert_int_equal(count_objects(), 1); /* the first one was swept */
	read_log();
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_CAPTURED), 1);
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_FAILED), 0);
	scene_free_log(&disk);
}

static void evidence_that_comes_while_there_is_no_store_waits_for_one_but_not_for_ever(void **state)
{
	uint64_t req;

	(void)state;
	scene_open(&s);
	scene_lose(&s, STORE);
	scene_settle(&s);
	assert_says(scene_call(&s, "db___dump", LOGIN, 0), "can_login");
	scene_replug(&s, STORE);
	assert_says(scene_call(&s, "db___scrub", LOGIN, 0), "can_login");
	scene_pass(3600 * 1000 + 1); /* too old from here on */
	scene_lose(&s, STORE);
	scene_settle(&s);
	assert_says(scene_call(&s, "db___dump", LOGIN, 0), "can_login");
	req = scene_ask(&s, RESPONDER, s.task, "db___scrub", LOGIN, 0);
	scene_settle(&s);
	assert_null(scene_reply(&s, req));
	scene_pass(30001);
	assert_says(scene_wait(&s, req), "evidence_required");
	read_log();
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_CAPTURED), 1);
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_FAILED), 1);
	scene_free_log(&disk);
}

/* How that call ended, by the log; "" = not. */
static struct str outcome_of(uint64_t call)
{
	struct str kind = STR("");

	for (size_t i = 0; i < disk.n; i++) {
		const struct leaf_call_completed *f = &disk.leaves[i].call_completed;

		if (disk.leaves[i].kind == LEAF_CALL_COMPLETED && f->call == call) {
			/* Once; but what was unknown may become known. */
			assert_true(kind.n == 0 || (str_eq(kind, STR("unknown")) &&
						    !str_eq(f->kind, STR("unknown"))));
			kind = f->kind;
		}
	}
	return kind;
}

static void what_a_runner_had_in_hand_is_unknown_and_never_sent_again(void **state)
{
	uint64_t lost;
	uint64_t heard;
	uint64_t calls[2];

	(void)state;
	scene_open(&s);
	s.held_tool = "mute";
	lost = scene_ask(&s, RESPONDER, s.task, "db___mute", LOGIN, 0);
	calls[0] = scene_wait_admission(&s, "mute", 1)->call;
	s.held_tool = "peek";
	heard = scene_ask(&s, RESPONDER, s.task, "db___peek", LOGIN, 0);
	calls[1] = scene_wait_admission(&s, "peek", 1)->call;
	scene_do(&s, &s.admissions[s.n_admissions - 1]); /* its last word */
	scene_lose(&s, RUNNER);
	assert_says(scene_wait(&s, heard), "can_login");
	assert_says(scene_wait(&s, lost), "outcome_unknown");
	/* Nothing is sent meanwhile; agents are told so and may ask again. */
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "upstream_unavailable");
	s.held_tool = NULL;
	scene_replug(&s, RUNNER);
	scene_settle(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	scene_pass(31000); /* verify.within */
	scene_settle(&s);
	assert_int_equal(scene_admitted(&s, "mute"), 1); /* read back, not sent again */
	assert_int_equal(s.n_changes, 0);
	read_log();
	assert_str(outcome_of(calls[0]), "unknown");
	assert_str(outcome_of(calls[1]), "ok");
	assert_true(scene_count(&disk, LEAF_CALL_VERIFIED) >= 1);
	scene_free_log(&disk);
}

static void leases_of_a_runner_that_ended_are_revoked_and_new_ones_lent(void **state)
{
	uint64_t lease;

	(void)state;
	scene_open(&s);
	assert_says(scene_call(&s, "db___peek", LOGIN, 0), "can_login");
	lease = s.admissions[s.n_admissions - 1].lease;
	assert_int_equal(s.n_issued, 1);
	scene_lose(&s, RUNNER);
	scene_settle(&s);
	assert_int_equal(s.n_revoked, 1);
	assert_int_equal(s.last_revoked, lease);
	scene_replug(&s, RUNNER);
	scene_settle(&s);
	assert_says(scene_call(&s, "db___peek", LOGIN, 0), "can_login");
	assert_int_equal(s.n_issued, 2);
	assert_int_not_equal(s.admissions[s.n_admissions - 1].lease, lease);
	assert_int_equal(s.delivered_generation, s.born[RUNNER]);
	read_log();
	assert_str(scene_last(&disk, LEAF_LEASE_REVOKING)->lease_revoking.why, "sender_ended");
	assert_int_equal(scene_last(&disk, LEAF_LEASE_GONE)->lease_gone.lease, lease);
	scene_free_log(&disk);
}

static void an_approval_is_not_spent_while_the_runner_is_away(void **state)
{
	uint64_t approval;
	const char *text;

	(void)state;
	scene_open(&s);
	text = scene_call(&s, "db___lock", LOGIN, 0);
	assert_says(text, "pending");
	approval = scene_id(text, "id", 'a');
	scene_lose(&s, RUNNER);
	scene_settle(&s);
	assert_int_equal(scene_decide(&s, BOB, true, approval)->code, 200);
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "upstream_unavailable");
	scene_replug(&s, RUNNER);
	scene_settle(&s);
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "can_login");
	assert_int_equal(scene_admitted(&s, "lock"), 1);
	scene_close(&s);
}

static void a_front_that_ended_is_answered_nothing_and_its_calls_go_on(void **state)
{
	uint64_t old;
	uint64_t call;

	(void)state;
	scene_open(&s);
	s.held_tool = "mute";
	old = scene_ask(&s, RESPONDER, s.task, "db___mute", LOGIN, 0);
	call = scene_wait_admission(&s, "mute", 1)->call;
	(void)scene_ask(&s, RESPONDER, s.task, "db___lock", LOGIN, 60000); /* waits for people */
	scene_settle(&s);
	scene_lose(&s, AGENTS);
	scene_settle(&s);
	scene_replug(&s, AGENTS);
	scene_settle(&s);
	s.held_tool = NULL;
	/* The call was the runner's to send, and it answers. */
	for (size_t i = 0; i < s.n_admissions; i++) {
		if (s.admissions[i].call == call) {
			scene_do(&s, &s.admissions[i]);
		}
	}
	scene_settle(&s);
	assert_null(scene_reply(&s, old));
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	assert_says(scene_command(&s, ALICE, COMMAND_STATUS, "{}")->text, "\"requests_waiting\":0");
	/* The question is still open, and the agent finds it again. */
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "pending");
	read_log();
	assert_str(outcome_of(call), "ok");
	assert_int_equal(scene_count(&disk, LEAF_APPROVAL_OPENED), 1);
	scene_free_log(&disk);
}

static void a_stop_is_acknowledged_only_when_the_silent_sender_is_another(void **state)
{
	const struct heard_reply *r;
	uint64_t call;
	uint64_t req;
	char sent[32];

	(void)state;
	scene_open(&s);
	s.held_tool = "mute";
	(void)scene_ask(&s, RESPONDER, s.task, "db___mute", LOGIN, 0);
	call = scene_wait_admission(&s, "mute", 1)->call;
	s.is_silent[RUNNER] = true;
	req = scene_tell(&s, ERIN, COMMAND_KILL, "{\"scope\":\"all\"}");
	scene_settle(&s);
	scene_pass(3000);
	r = scene_answer(&s, req);
	assert_int_equal(r->code, 202);
	assert_says(r->text, "\"silent\":\"runner\"");
	scene_settle(&s);
	assert_int_equal(s.to_be_ended, R_RUNNER);
	assert_says(scene_command(&s, ALICE, COMMAND_STATUS, "{}")->text, "\"acknowledged\":false");
	scene_lose(&s, RUNNER); /* that its channel has ended is no proof */
	scene_settle(&s);
	assert_says(scene_command(&s, ALICE, COMMAND_STATUS, "{}")->text, "\"acknowledged\":false");
	scene_replug(&s, RUNNER);
	scene_settle(&s);
	assert_says(scene_command(&s, ALICE, COMMAND_STATUS, "{}")->text, "\"acknowledged\":true");
	read_log();
	assert_int_equal(scene_count(&disk, LEAF_KILL_ACKNOWLEDGED), 1);
	(void)snprintf(sent, sizeof(sent), "c%llu", (unsigned long long)call);
	assert_int_equal(scene_last(&disk, LEAF_KILL_ACKNOWLEDGED)->kill_acknowledged.sent.n, 1);
	assert_str(scene_last(&disk, LEAF_KILL_ACKNOWLEDGED)->kill_acknowledged.sent.p[0], sent);
	assert_str(outcome_of(call), "unknown");
	scene_free_log(&disk);
}

static void a_stop_while_a_sender_is_away_waits_for_its_successor(void **state)
{
	uint64_t req;

	(void)state;
	scene_open(&s);
	scene_lose(&s, RUNNER);
	scene_settle(&s);
	req = scene_tell(&s, ERIN, COMMAND_KILL, "{\"scope\":\"all\"}");
	scene_settle(&s);
	for (size_t i = 0; i < s.n_answers; i++) {
		assert_int_not_equal(s.answers[i].req, req);
	}
	scene_replug(&s, RUNNER);
	scene_settle(&s);
	assert_says(scene_answer(&s, req)->text, "\"acknowledged\":true");
	scene_settle(&s);
	read_log();
	assert_int_equal(scene_count(&disk, LEAF_KILL_ACKNOWLEDGED), 1);
	scene_free_log(&disk);
}

static void the_peoples_front_may_end_at_any_time(void **state)
{
	uint64_t req;

	(void)state;
	scene_open(&s);
	s.is_silent[RUNNER] = true;
	req = scene_tell(&s, ERIN, COMMAND_KILL, "{\"scope\":\"all\"}"); /* answered later */
	scene_settle(&s);
	scene_lose(&s, PEOPLE);
	for (int i = 0; i < 10; i++) {
		scene_step(&s, 20);
	}
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "kill_active");
	scene_replug(&s, PEOPLE);
	assert_int_equal(scene_command(&s, ALICE, COMMAND_STATUS, "{}")->code, 200);
	scene_pass(3000);
	scene_settle(&s);
	(void)req; /* its answer goes to a number that the new front has not given out */
	assert_int_equal(s.to_be_ended, R_RUNNER);
	scene_close(&s);
}

/* ---- the governor itself ---- */

static void say_in_flight(size_t party, const uint64_t *calls, size_t n)
{
	AUTO_BUF b = BUF_INIT(1000);
	struct message m = {.kind = MESSAGE_IN_FLIGHT};

	for (size_t i = 0; i < n; i++) {
		assert_ok(buf_add_u64(&b, calls[i]));
	}
	m.in_flight.calls = buf_view(&b);
	scene_send(&s, party, &m);
}

static struct heard_admission *admission_of(uint64_t call)
{
	for (size_t i = 0; i < s.n_admissions; i++) {
		if (s.admissions[i].call == call) {
			return &s.admissions[i];
		}
	}
	fail_msg("no admission");
	return NULL;
}

static void what_a_sender_claims_goes_on_and_only_the_rest_is_unknown(void **state)
{
	uint64_t claimed;
	uint64_t lost;
	uint64_t not_sent;
	uint64_t list[2];

	(void)state;
	scene_open(&s);
	s.held_tool = "mute";
	(void)scene_ask(&s, RESPONDER, s.task, "db___mute", LOGIN, 0);
	claimed = scene_wait_admission(&s, "mute", 1)->call;
	s.held_tool = "look";
	(void)scene_ask(&s, RESPONDER, s.task, "db___look", LOGIN, 0);
	lost = scene_wait_admission(&s, "look", 2)->call; /* the first was its capture */
	(void)scene_ask(&s, RESPONDER, s.task, "db___look", LOGIN, 0);
	not_sent = scene_wait_admission(&s, "look", 3)->call;
	scene_kill(&s);
	s.held_tool = NULL;
	scene_start_alone(&s);
	list[0] = claimed;
	list[1] = not_sent;
	say_in_flight(RUNNER, list, 2);
	say_in_flight(AGENTS, NULL, 0);
	scene_outcome(&s, admission_of(not_sent), OUTCOME_NOT_SENT, "");
	scene_settle(&s);
	assert_int_equal(s.n_changes, 0);
	scene_do(&s, admission_of(claimed)); /* only now the tool answers */
	scene_settle(&s);
	assert_int_equal(s.n_changes, 1);
	assert_int_equal(scene_admitted(&s, "mute"), 1);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login"); /* the task goes on */
	read_log();
	assert_str(outcome_of(claimed), "ok");
	assert_str(outcome_of(lost), "unknown");
	assert_str(outcome_of(not_sent), "not_sent");
	/* What follows a containment follows this one too. */
	assert_int_equal(scene_count(&disk, LEAF_TERM_STARTED), 1);
	assert_int_equal(scene_count(&disk, LEAF_CALL_VERIFIED), 1);
	assert_true(scene_last(&disk, LEAF_CALL_VERIFIED)->call_verified.holds);
	scene_free_log(&disk);
}

static void a_sender_that_hands_nothing_over_is_not_waited_for_for_ever(void **state)
{
	uint64_t silent;
	uint64_t ended;

	(void)state;
	scene_open(&s);
	s.held_tool = "look";
	(void)scene_ask(&s, RESPONDER, s.task, "db___look", LOGIN, 0);
	silent = scene_wait_admission(&s, "look", 1)->call;
	scene_kill(&s);
	scene_start_alone(&s);
	scene_settle(&s);
	assert_says(scene_command(&s, ALICE, COMMAND_STATUS, "{}")->text,
		    "\"calls_under_way\":1"); /* claimed by nobody yet */
	scene_pass(2001);
	scene_settle(&s);
	assert_says(scene_command(&s, ALICE, COMMAND_STATUS, "{}")->text, "\"calls_under_way\":0");
	/* It comes late, and is a leaf of its own; but once, and from nobody else. */
	scene_outcome(&s, admission_of(silent), OUTCOME_UNKNOWN, "{}");
	scene_settle(&s);
	scene_outcome(&s, admission_of(silent), OUTCOME_OK, "{}");
	scene_outcome(&s, admission_of(silent), OUTCOME_TOOL_ERROR, "{}");
	scene_settle(&s);
	/* One that dies before it has handed over has handed over nothing. */
	(void)scene_ask(&s, RESPONDER, s.task, "db___look", LOGIN, 0);
	ended = scene_wait_admission(&s, "look", 2)->call;
	scene_kill(&s);
	scene_start_alone(&s);
	scene_lose(&s, RUNNER);
	scene_settle(&s);
	assert_says(scene_command(&s, ALICE, COMMAND_STATUS, "{}")->text, "\"calls_under_way\":0");
	read_log();
	assert_str(outcome_of(silent), "ok");
	assert_str(outcome_of(ended), "unknown");
	scene_free_log(&disk);
}

static void leases_live_on_with_their_sender_and_are_proven_again(void **state)
{
	uint64_t lease;
	size_t delivered;

	(void)state;
	scene_open(&s);
	assert_says(scene_call(&s, "db___peek", LOGIN, 0), "can_login");
	lease = s.admissions[s.n_admissions - 1].lease;
	scene_kill(&s);
	delivered = s.n_delivered;
	s.n_proven = 0;
	scene_start_alone(&s);
	say_in_flight(RUNNER, NULL, 0);
	say_in_flight(AGENTS, NULL, 0);
	scene_settle(&s);
	assert_int_equal(s.n_revoked, 0);
	assert_int_equal(s.n_delivered, delivered + 1); /* for a keeper that holds it still */
	assert_says(scene_call(&s, "db___peek", LOGIN, 0), "can_login");
	assert_int_equal(s.admissions[s.n_admissions - 1].lease, lease);
	for (int i = 0; i < SCENE_PATIENCE && s.n_proven == 0; i++) {
		scene_step(&s, 20);
	}
	assert_int_equal(s.n_proven, 1);
	/* But not with one that is new. */
	scene_kill(&s);
	s.born[RUNNER] = s.generation + 1;
	scene_start_alone(&s);
	scene_settle(&s);
	assert_int_equal(s.last_revoked, lease);
	scene_close(&s);
}

static void stops_in_force_are_said_again_to_senders_that_live_on(void **state)
{
	size_t before;

	(void)state;
	scene_open(&s);
	assert_int_equal(scene_command(&s, ERIN, COMMAND_KILL, "{\"scope\":\"all\"}")->code, 200);
	scene_kill(&s);
	before = s.n_fences[RUNNER];
	scene_start_alone(&s);
	say_in_flight(RUNNER, NULL, 0);
	say_in_flight(AGENTS, NULL, 0);
	scene_settle(&s);
	assert_int_equal(s.n_fences[RUNNER], before + 1);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "kill_active");
	scene_close(&s);
}

/* ---- the keeper ---- */

static void without_a_keeper_nothing_is_sent_and_with_the_next_all_goes_on(void **state)
{
	uint64_t lease;

	(void)state;
	scene_open(&s);
	assert_says(scene_call(&s, "db___peek", LOGIN, 0), "can_login");
	lease = s.admissions[s.n_admissions - 1].lease;
	scene_lose(&s, KEEPER);
	scene_settle(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "audit_unavailable");
	assert_int_equal(scene_admitted(&s, "look"), 0);
	assert_int_equal(s.n_revoked, 0); /* by whom? */
	scene_replug(&s, KEEPER);
	scene_settle(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	/* Perhaps its secret had not left the keeper yet. */
	assert_int_equal(s.last_revoked, lease);
	assert_says(scene_call(&s, "db___peek", LOGIN, 0), "can_login");
	assert_int_not_equal(s.admissions[s.n_admissions - 1].lease, lease);
	/* What is used for longer is with its sender, and stays. */
	lease = s.admissions[s.n_admissions - 1].lease;
	scene_pass(16000);
	scene_settle(&s);
	scene_lose(&s, KEEPER);
	scene_replug(&s, KEEPER);
	scene_settle(&s);
	assert_says(scene_call(&s, "db___peek", LOGIN, 0), "can_login");
	assert_int_equal(s.admissions[s.n_admissions - 1].lease, lease);
	read_log();
	assert_int_equal(scene_count(&disk, LEAF_LEASE_GONE), 1);
	scene_free_log(&disk);
}

static void a_signature_that_no_keeper_gave_is_asked_of_the_next(void **state)
{
	size_t asked;

	(void)state;
	scene_open(&s);
	s.holds_signatures = true;
	asked = s.n_to_sign;
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	for (int i = 0; i < SCENE_PATIENCE && s.n_to_sign == asked; i++) {
		scene_step(&s, 20);
	}
	assert_int_equal(s.n_to_sign, asked + 1); /* one turn at a time */
	scene_lose(&s, KEEPER);
	s.holds_signatures = false;
	scene_replug(&s, KEEPER);
	for (int i = 0; i < SCENE_PATIENCE && s.n_to_sign < asked + 2; i++) {
		scene_step(&s, 20); /* the same again */
	}
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	for (int i = 0; i < SCENE_PATIENCE && s.n_to_sign < asked + 3; i++) {
		scene_step(&s, 20); /* then the turns go on */
	}
	assert_true(s.n_to_sign >= asked + 3);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_the_courier_had_is_told_by_the_next_one,
					    scene_make_place, scene_remove_place),
	    cmocka_unit_test_setup_teardown(
		evidence_on_its_way_to_a_store_that_ends_is_kept_by_the_next, scene_make_place,
		scene_remove_place),
	    cmocka_unit_test_setup_teardown(
		evidence_that_comes_while_there_is_no_store_waits_for_one_but_not_for_ever,
		scene_make_place, scene_remove_place),
	    cmocka_unit_test_setup_teardown(
		what_a_runner_had_in_hand_is_unknown_and_never_sent_again, scene_make_place,
		scene_remove_place),
	    cmocka_unit_test_setup_teardown(
		leases_of_a_runner_that_ended_are_revoked_and_new_ones_lent, scene_make_place,
		scene_remove_place),
	    cmocka_unit_test_setup_teardown(an_approval_is_not_spent_while_the_runner_is_away,
					    scene_make_place, scene_remove_place),
	    cmocka_unit_test_setup_teardown(
		a_front_that_ended_is_answered_nothing_and_its_calls_go_on, scene_make_place,
		scene_remove_place),
	    cmocka_unit_test_setup_teardown(
		a_stop_is_acknowledged_only_when_the_silent_sender_is_another, scene_make_place,
		scene_remove_place),
	    cmocka_unit_test_setup_teardown(a_stop_while_a_sender_is_away_waits_for_its_successor,
					    scene_make_place, scene_remove_place),
	    cmocka_unit_test_setup_teardown(
		what_a_sender_claims_goes_on_and_only_the_rest_is_unknown, scene_make_place,
		scene_remove_place),
	    cmocka_unit_test_setup_teardown(
		a_sender_that_hands_nothing_over_is_not_waited_for_for_ever, scene_make_place,
		scene_remove_place),
	    cmocka_unit_test_setup_teardown(leases_live_on_with_their_sender_and_are_proven_again,
					    scene_make_place, scene_remove_place),
	    cmocka_unit_test_setup_teardown(stops_in_force_are_said_again_to_senders_that_live_on,
					    scene_make_place, scene_remove_place),
	    cmocka_unit_test_setup_teardown(
		without_a_keeper_nothing_is_sent_and_with_the_next_all_goes_on, scene_make_place,
		scene_remove_place),
	    cmocka_unit_test_setup_teardown(a_signature_that_no_keeper_gave_is_asked_of_the_next,
					    scene_make_place, scene_remove_place),
	    cmocka_unit_test_setup_teardown(the_peoples_front_may_end_at_any_time, scene_make_place,
					    scene_remove_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
