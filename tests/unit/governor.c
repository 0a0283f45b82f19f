/* SPDX-License-Identifier: Apache-2.0 */
/* The governor's promises, seen from the other ends of its channels and in its log. */
#include "gov_scene.h"

#include <fcntl.h>

static struct scene s;
static struct scene_log disk;

static const struct leaf *decided(uint64_t call)
{
	assert_true(call < disk.n);
	assert_int_equal(disk.leaves[call].kind, LEAF_CALL_DECIDED);
	return &disk.leaves[call];
}

static uint64_t ask_for_lock(void)
{
	return scene_id(scene_call(&s, "db___lock", LOGIN, 0), "id", 'a');
}

/* ---- calls ---- */

static void an_allowed_read_is_on_disk_when_it_is_sent(void **state)
{
	(void)state;
	struct heard_admission *a;
	const struct leaf *l;

	scene_open(&s);
	s.held_tool = "look";
	(void)scene_ask(&s, RESPONDER, s.task, "db___look", LOGIN, 0); /* nobody lives to answer */
	a = scene_wait_admission(&s, "look", 1);
	assert_int_equal(a->party, RUNNER);
	scene_kill(&s);
	scene_read_log(&disk);
	l = decided(a->call);
	assert_str(l->call_decided.verdict, "allow");
	assert_str(l->call_decided.agent, RESPONDER);
	assert_str(l->call_decided.tool, "db___look");
	assert_int_equal(l->call_decided.task, s.task);
	scene_free_log(&disk);
}

/* "hash":"..." as the answer has it, and the leaf as the disk has it. */
static void assert_says_hash_of(const char *hash, uint64_t ix)
{
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	AUTO_BUF leaf = BUF_INIT(LIMIT_LEAF_BYTES);
	AUTO_BUF want = BUF_INIT(128);
	struct tlog_hash of;
	struct err e = ERR_INIT;

	assert_ok(leaf_encode(&leaf, &disk.leaves[ix], &e));
	of = tlog_leaf_hash(h, buf_view(&leaf));
	assert_ok(buf_addf(&want, "\"hash\":\""));
	assert_ok(buf_add_hex(&want, of.bytes, sizeof(of.bytes)));
	assert_ok(buf_add_char(&want, '\0'));
	assert_int_equal(strncmp(hash, want.p, want.n - 1), 0);
}

static void a_result_comes_back_with_the_id_and_leaf_of_its_call(void **state)
{
	(void)state;
	char id[64];
	char hash[128] = "";
	char denied[128] = "";
	const char *text;
	uint64_t call;

	scene_open(&s);
	text = scene_call(&s, "db___look", LOGIN, 0);
	call = s.admissions[0].call;
	(void)snprintf(id, sizeof(id), "\"io.remit/call\":{\"id\":\"c%llu\"",
		       (unsigned long long)call);
	assert_says(text, "can_login");
	assert_says(text, id);
	assert_says(text, "\"hash\":\"");
	memcpy(hash, strstr(text, "\"hash\":\""), 80);
	text = scene_call(&s, "db___look", "{\"login\":\"root\"}", 0);
	assert_says(text, "\"hash\":\"");
	memcpy(denied, strstr(text, "\"hash\":\""), 80);
	scene_close(&s);
	scene_read_log(&disk);
	assert_says_hash_of(hash, call);
	assert_says_hash_of(denied, (uint64_t)(scene_last(&disk, LEAF_CALL_DECIDED) - disk.leaves));
	assert_str(scene_last(&disk, LEAF_CALL_COMPLETED)->call_completed.kind, "ok");
	scene_free_log(&disk);
}

static void a_denied_call_is_recorded_and_never_sent(void **state)
{
	(void)state;

	scene_open(&s);
	assert_says(scene_call(&s, "db___look", "{\"login\":\"root\"}", 0), "intent_mismatch");
	assert_says(scene_call(&s, "db___look", "{\"nonsense\":1}", 0), "\"verdict\":\"deny\"");
	assert_says(scene_wait(&s, scene_ask(&s, "spiffe://scene.example/agent/nobody", s.task,
					     "db___look", LOGIN, 0)),
		    "agent_unregistered");
	assert_says(scene_wait(&s, scene_ask(&s, WATCHER, s.task, "db___look", LOGIN, 0)),
		    "task_unknown");
	scene_settle(&s);
	assert_int_equal(s.n_admissions, 0);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login"); /* control */
	assert_int_equal(s.n_admissions, 1);
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_CALL_DECIDED), 5);
	scene_free_log(&disk);
}

static void an_outcome_counts_only_from_the_sender_that_has_the_call(void **state)
{
	(void)state;
	struct heard_admission *a;
	struct heard_admission forged;
	uint64_t req;

	scene_open(&s);
	s.held_tool = "look";
	req = scene_ask(&s, RESPONDER, s.task, "db___look", LOGIN, 0);
	a = scene_wait_admission(&s, "look", 1);
	forged = *a;
	forged.party = AGENTS;
	scene_outcome(&s, &forged, OUTCOME_OK, "{\"content\":[]}");
	scene_settle(&s);
	assert_null(scene_reply(&s, req));
	scene_do(&s, a); /* control */
	assert_says(scene_wait(&s, req), "can_login");
	scene_close(&s);
}

/* ---- approvals ---- */

static void a_granted_call_runs_exactly_once(void **state)
{
	(void)state;
	uint64_t approval;
	uint64_t held;

	scene_open(&s);
	approval = ask_for_lock();
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "Pending"); /* attaches to it */
	held = scene_ask(&s, RESPONDER, s.task, "db___lock", LOGIN, 60000);
	scene_settle(&s);
	assert_int_equal(s.n_changes, 0);
	assert_true(s.n_notes > 0);
	assert_int_equal(scene_decide(&s, BOB, true, approval)->code, 200);
	assert_says(scene_wait(&s, held), "\\\"can_login\\\":false");
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "approval_used");
	scene_settle(&s);
	assert_int_equal(scene_admitted(&s, "lock"), 1);
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_APPROVAL_OPENED), 1);
	assert_int_equal(decided(scene_last(&disk, LEAF_CALL_VERIFIED)->call_verified.call)
			     ->call_decided.approval,
			 approval);
	assert_true(scene_last(&disk, LEAF_CALL_VERIFIED)->call_verified.holds);
	scene_free_log(&disk);
}

static void a_call_is_pending_at_the_end_of_its_hold(void **state)
{
	(void)state;
	uint64_t held;

	scene_open(&s);
	held = scene_ask(&s, RESPONDER, s.task, "db___lock", LOGIN, 30000);
	scene_settle(&s);
	assert_null(scene_reply(&s, held));
	scene_pass(30000);
	assert_says(scene_wait(&s, held), "\"state\":\"pending\"");
	assert_int_equal(scene_admitted(&s, "lock"), 0);
	scene_close(&s);
}

static void a_person_says_no(void **state)
{
	(void)state;
	uint64_t approval;
	uint64_t held;

	scene_open(&s);
	approval = ask_for_lock();
	held = scene_ask(&s, RESPONDER, s.task, "db___lock", LOGIN, 60000);
	assert_int_equal(scene_decide(&s, BOB, false, approval)->code, 200);
	assert_says(scene_wait(&s, held), "approval_denied");
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "approval_denied");
	assert_int_equal(scene_decide(&s, BOB, true, approval)->code, 403);
	scene_settle(&s);
	assert_int_equal(s.n_changes, 0);
	scene_close(&s);
}

static void nobody_decides_about_what_is_theirs(void **state)
{
	(void)state;
	uint64_t approval;

	scene_open(&s);
	approval = ask_for_lock();
	assert_says(scene_decide(&s, ALICE, true, approval)->text, "approver_conflict");
	assert_says(scene_decide(&s, CAROL, true, approval)->text, "approver_conflict");
	assert_says(scene_decide(&s, DAVE, true, approval)->text, "approver_conflict");
	assert_says(scene_decide(&s, ERIN, true, approval)->text, "approver_auth");
	assert_says(scene_decide(&s, 0, true, approval)->text, "approver_auth");
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "Pending");
	assert_int_equal(s.n_changes, 0);
	assert_int_equal(scene_decide(&s, BOB, true, approval)->code, 200); /* control */
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "can_login");
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_APPROVAL_VOTED), 1);
	scene_free_log(&disk);
}

static void a_question_is_asked_again_when_its_target_has_changed(void **state)
{
	(void)state;
	uint64_t first;
	uint64_t second;

	scene_open(&s);
	first = ask_for_lock();
	s.can_login = false; /* by somebody else */
	assert_int_equal(scene_decide(&s, BOB, true, first)->code, 200);
	second = ask_for_lock();
	assert_int_not_equal(first, second);
	assert_int_equal(s.n_changes, 0);
	assert_int_equal(scene_decide(&s, BOB, true, second)->code, 200);
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "can_login"); /* control */
	assert_int_equal(s.n_changes, 1);
	scene_close(&s);
	scene_read_log(&disk);
	for (size_t i = 0; i < disk.n; i++) {
		const struct leaf_approval_settled *f = &disk.leaves[i].approval_settled;

		if (disk.leaves[i].kind == LEAF_APPROVAL_SETTLED && f->approval == first &&
		    str_eq(f->state, STR("void"))) {
			assert_str(f->reason, "target_in_use");
			first = 0;
		}
	}
	assert_int_equal(first, 0);
	scene_free_log(&disk);
}

static void silence_is_no(void **state)
{
	(void)state;
	uint64_t approval;
	uint64_t held;

	scene_open(&s);
	approval = ask_for_lock();
	held = scene_ask(&s, RESPONDER, s.task, "db___lock", LOGIN, 3600000);
	scene_settle(&s);
	scene_pass(5 * 60000 + 1);
	assert_says(scene_wait(&s, held), "approval_expired");
	assert_int_equal(scene_decide(&s, BOB, true, approval)->code, 403);
	assert_int_equal(s.n_changes, 0);
	assert_int_not_equal(ask_for_lock(), approval); /* asking anew is possible */
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_APPROVAL_OPENED), 2);
	scene_free_log(&disk);
}

static void a_result_nobody_waited_for_is_kept_for_the_same_call(void **state)
{
	(void)state;
	struct message withdraw = {.kind = MESSAGE_WITHDRAW};
	struct heard_admission *a;
	uint64_t approval;

	scene_open(&s);
	approval = ask_for_lock();
	s.held_tool = "lock";
	withdraw.withdraw.req = scene_ask(&s, RESPONDER, s.task, "db___lock", LOGIN, 60000);
	assert_int_equal(scene_decide(&s, BOB, true, approval)->code, 200);
	a = scene_wait_admission(&s, "lock", 1);
	scene_send(&s, AGENTS, &withdraw);
	scene_settle(&s);
	scene_do(&s, a);
	scene_settle(&s);
	assert_null(scene_reply(&s, withdraw.withdraw.req));
	/* another agent that names the task does not get it */
	assert_says(scene_wait(&s, scene_ask(&s, WATCHER, s.task, "db___lock", LOGIN, 0)),
		    "task_unknown");
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "\\\"can_login\\\":false");
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "approval_used");
	assert_int_equal(scene_admitted(&s, "lock"), 1);
	scene_close(&s);
}

/* ---- tasks and stops ---- */

static void deviations_suspend_a_task_with_all_it_holds(void **state)
{
	(void)state;
	uint64_t approval;
	uint64_t lease;

	scene_open(&s);
	assert_says(scene_call(&s, "db___peek", LOGIN, 0), "can_login");
	lease = s.admissions[0].lease;
	assert_true(lease > 0);
	approval = ask_for_lock();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(s.n_revoked, 0);
		assert_says(scene_call(&s, "db___look", "{\"login\":\"root\"}", 0),
			    "intent_mismatch");
	}
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "task_suspended");
	assert_int_equal(scene_decide(&s, BOB, true, approval)->code, 403);
	scene_settle(&s);
	assert_int_equal(s.n_revoked, 1);
	assert_int_equal(s.last_revoked, lease);
	assert_true(s.n_fences[RUNNER] > 0 && s.n_fences[AGENTS] > 0);
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_TASK_SUSPENDED), 1);
	assert_int_equal(scene_last(&disk, LEAF_LEASE_GONE)->lease_gone.lease, lease);
	assert_str(scene_last(&disk, LEAF_APPROVAL_SETTLED)->approval_settled.state, "void");
	scene_free_log(&disk);
}

static void a_stop_is_acknowledged_when_both_senders_have_spoken(void **state)
{
	(void)state;
	struct message fenced = {.kind = MESSAGE_FENCED};
	const struct heard_reply *r;
	uint64_t req;

	scene_open(&s);
	s.is_silent[RUNNER] = true;
	req = scene_tell(&s, ERIN, COMMAND_KILL, "{\"scope\":\"all\"}");
	scene_settle(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "kill_active"); /* at once */
	for (size_t i = 0; i < s.n_answers; i++) {
		assert_int_not_equal(s.answers[i].req, req);
	}
	fenced.fenced.fence = s.last_fence[RUNNER];
	fenced.fenced.calls = str_of("\0\0\0\0\0\0\0\5", 8);
	scene_send(&s, RUNNER, &fenced);
	r = scene_answer(&s, req);
	assert_int_equal(r->code, 200);
	assert_says(r->text, "\"acknowledged\":true");
	assert_says(r->text, "\"c5\"");
	scene_settle(&s); /* the record of it follows the answer */
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_KILL_ACKNOWLEDGED), 1);
	scene_free_log(&disk);
}

static void a_stop_ends_the_sender_that_is_silent(void **state)
{
	(void)state;
	const struct heard_reply *r;
	uint64_t req;

	scene_open(&s);
	s.is_silent[RUNNER] = true;
	req = scene_tell(&s, ERIN, COMMAND_KILL, "{\"scope\":\"all\"}");
	scene_settle(&s);
	scene_pass(3000);
	r = scene_answer(&s, req);
	assert_int_equal(r->code, 202);
	assert_says(r->text, "\"acknowledged\":false");
	assert_says(r->text, "\"silent\":\"runner\"");
	scene_settle(&s);
	assert_int_equal(s.to_be_ended, R_RUNNER);
	/* the supervisor ends all roles; the next life acknowledges */
	scene_kill(&s);
	scene_start(&s);
	assert_says(scene_command(&s, ALICE, COMMAND_STATUS, "{}")->text, "\"acknowledged\":true");
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "kill_active");
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_KILL_SET), 1);
	assert_int_equal(scene_count(&disk, LEAF_KILL_ACKNOWLEDGED), 1);
	scene_free_log(&disk);
}

/* The tasks it ended stay ended; a new one shows whether it is lifted. */
static void going_on_takes_two_and_not_only_its_owners(void **state)
{
	(void)state;
	const char *const responder = "{\"scope\":\"agent\",\"name\":\"responder\"}";

	scene_open(&s);
	assert_int_equal(scene_command(&s, ERIN, COMMAND_KILL, responder)->code, 200);
	assert_says(scene_command(&s, CAROL, COMMAND_RESUME, responder)->text, "\"proposed\"");
	assert_says(scene_command(&s, CAROL, COMMAND_RESUME, responder)->text, "\"proposed\"");
	assert_says(scene_command(&s, DAVE, COMMAND_RESUME, responder)->text, "approver_conflict");
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "kill_active");
	scene_kill(&s); /* it stands, and so does the proposal */
	scene_start(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "kill_active");
	scene_pass(15 * 60000 + 1);
	assert_says(scene_command(&s, ERIN, COMMAND_RESUME, responder)->text, "\"proposed\"");
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "kill_active");
	assert_says(scene_command(&s, DAVE, COMMAND_RESUME, responder)->text, "\"lifted\"");
	scene_open_task(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	scene_close(&s);
}

/* ---- leases ---- */

static void a_lease_that_is_refused_ends_the_call(void **state)
{
	(void)state;

	scene_open(&s);
	s.refuses_leases = true;
	assert_says(scene_call(&s, "db___peek", LOGIN, 0), "credential_unavailable");
	scene_settle(&s);
	assert_int_equal(s.n_issued, 1);
	assert_int_equal(s.n_revoked, 1); /* what may have been made is removed */
	assert_int_equal(s.n_admissions, 0);
	s.refuses_leases = false;
	assert_says(scene_call(&s, "db___peek", LOGIN, 0), "can_login"); /* control */
	assert_int_equal(s.n_issued, 2);
	scene_close(&s);
}

/* ---- the way back ---- */

static void a_term_rolls_back_by_itself(void **state)
{
	(void)state;

	scene_open(&s);
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "\\\"muted\\\":true");
	scene_settle(&s);
	assert_true(s.is_muted);
	assert_int_equal(scene_admitted(&s, "unmute"), 0);
	scene_pass(10 * 60000 + 1);
	(void)scene_wait_admission(&s, "unmute", 1);
	scene_settle(&s);
	assert_false(s.is_muted);
	/* captured, verified; then check, undo, confirm */
	assert_int_equal(scene_admitted(&s, "look"), 4);
	scene_pass(60000);
	scene_settle(&s);
	assert_int_equal(scene_admitted(&s, "unmute"), 1);
	scene_close(&s);
	scene_read_log(&disk);
	assert_str(scene_last(&disk, LEAF_TERM_CHANGED)->term_changed.how, "reverted");
	scene_free_log(&disk);
}

static void what_somebody_else_changed_is_not_overwritten(void **state)
{
	(void)state;
	size_t notes;

	scene_open(&s);
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "\\\"muted\\\":true");
	scene_settle(&s);
	s.is_muted = false; /* by somebody else */
	notes = s.n_notes;
	scene_pass(10 * 60000 + 1);
	scene_settle(&s);
	assert_int_equal(scene_admitted(&s, "unmute"), 0);
	assert_true(s.n_notes > notes);
	scene_close(&s);
	scene_read_log(&disk);
	assert_str(scene_last(&disk, LEAF_TERM_CHANGED)->term_changed.how, "failed");
	scene_free_log(&disk);
}

/* ---- ends ---- */

/* The sanitizers see whether all of it is freed. */
static void it_ends_in_the_middle_of_everything(void **state)
{
	(void)state;
	struct message withdraw = {.kind = MESSAGE_WITHDRAW};
	struct heard_admission *a;
	uint64_t approval;

	scene_open(&s);
	approval = ask_for_lock();
	s.held_tool = "lock";
	withdraw.withdraw.req = scene_ask(&s, RESPONDER, s.task, "db___lock", LOGIN, 60000);
	assert_int_equal(scene_decide(&s, BOB, true, approval)->code, 200);
	a = scene_wait_admission(&s, "lock", 1);
	scene_send(&s, AGENTS, &withdraw);
	scene_settle(&s);
	scene_do(&s, a); /* a result is kept */
	scene_settle(&s);
	(void)scene_ask(&s, RESPONDER, s.task, "db___unlock", LOGIN, 60000); /* held */
	s.held_tool = "look";
	(void)scene_ask(&s, RESPONDER, s.task, "db___look", LOGIN, 0); /* under way */
	s.is_silent[RUNNER] = true;
	(void)scene_tell(&s, ERIN, COMMAND_KILL, "{\"scope\":\"tool\",\"name\":\"db___mute\"}");
	scene_settle(&s);
	scene_close(&s);
}

static void a_restart_closes_what_the_last_life_left_open(void **state)
{
	(void)state;
	uint64_t call;
	uint64_t lease;

	scene_open(&s);
	assert_says(scene_call(&s, "db___peek", LOGIN, 0), "can_login");
	lease = s.admissions[0].lease;
	s.held_tool = "mute";
	(void)scene_ask(&s, RESPONDER, s.task, "db___mute", LOGIN, 0); /* never answered */
	call = scene_wait_admission(&s, "mute", 1)->call;
	assert_int_equal(s.n_revoked, 0);
	scene_kill(&s);
	s.held_tool = NULL;
	scene_start(&s);
	scene_settle(&s);
	assert_int_equal(s.n_revoked, 1);
	assert_int_equal(s.last_revoked, lease);
	assert_int_equal(scene_admitted(&s, "mute"), 1);		 /* never sent again */
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login"); /* the task goes on */
	scene_close(&s);
	scene_read_log(&disk);
	for (size_t i = 0; i < disk.n; i++) {
		const struct leaf_call_completed *f = &disk.leaves[i].call_completed;

		if (disk.leaves[i].kind == LEAF_CALL_COMPLETED && f->call == call) {
			assert_str(f->kind, "unknown");
			call = 0;
		}
	}
	assert_int_equal(call, 0);
	assert_int_equal(scene_last(&disk, LEAF_LEASE_GONE)->lease_gone.lease, lease);
	scene_free_log(&disk);
}

static void a_log_that_cannot_be_written_says_nothing_to_anybody(void **state)
{
	(void)state;
	const struct rlimit full = {1, 1};
	uint64_t req;

	scene_open(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login"); /* control */
	assert_int_equal(prlimit(s.pid, RLIMIT_FSIZE, &full, NULL), 0);
	req = scene_ask(&s, RESPONDER, s.task, "db___look", LOGIN, 0);
	for (int i = 0; i < SCENE_PATIENCE && !s.is_gone; i++) {
		scene_step(&s, 20);
	}
	assert_true(s.is_gone);
	assert_int_equal(s.n_admissions, 1);
	assert_null(scene_reply(&s, req));
	assert_int_equal(scene_reap(&s), 1);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_CALL_DECIDED), 1);
	scene_free_log(&disk);
}

/* {<key>, "<member>": "xxx…"} */
static const char *with_text(const char *key, const char *member, size_t n)
{
	static char text[8192];
	static char words[8000];

	assert_true(n < sizeof(words));
	memset(words, 'x', n);
	words[n] = '\0';
	(void)snprintf(text, sizeof(text), "{%s,\"%s\":\"%s\"}", key, member, words);
	return text;
}

static void words_that_would_be_cut_are_refused_but_a_stop_never_is(void **state)
{
	char deep[300] = "{\"a\":";
	const struct heard_reply *r;
	char incident[64];

	(void)state;
	scene_open(&s);
	(void)snprintf(incident, sizeof(incident), "\"id\":\"i%llu\"",
		       (unsigned long long)s.incident);
	r = scene_command(&s, ALICE, COMMAND_DENY, with_text("\"id\":\"a1\"", "note", 4097));
	assert_int_equal(r->code, 413);
	assert_says(r->text, "'note' is longer than 4096 bytes");
	r = scene_command(&s, ALICE, COMMAND_INCIDENT_CLOSE, with_text(incident, "reason", 257));
	assert_int_equal(r->code, 413);
	assert_says(r->text, "'reason' is longer than 256 bytes");
	r = scene_command(&s, ALICE, COMMAND_INCIDENT_CLOSE, with_text(incident, "reason", 256));
	assert_int_equal(r->code, 200);
	for (size_t i = 0; i < 2 * 65; i++) {
		deep[5 + i] = i < 65 ? '[' : ']';
	}
	deep[5 + 2 * 65] = '}';
	r = scene_command(&s, ALICE, COMMAND_STATUS, deep);
	assert_says(r->text, "the body must be a JSON object: 1:69: nested too deeply");
	r = scene_command(&s, ERIN, COMMAND_KILL, with_text("\"scope\":\"all\"", "why", 7000));
	assert_says(r->text, "\"acknowledged\":true");
	scene_close(&s);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SCENE_TEST(an_allowed_read_is_on_disk_when_it_is_sent),
	    SCENE_TEST(a_result_comes_back_with_the_id_and_leaf_of_its_call),
	    SCENE_TEST(a_denied_call_is_recorded_and_never_sent),
	    SCENE_TEST(an_outcome_counts_only_from_the_sender_that_has_the_call),
	    SCENE_TEST(a_granted_call_runs_exactly_once),
	    SCENE_TEST(a_call_is_pending_at_the_end_of_its_hold),
	    SCENE_TEST(a_person_says_no),
	    SCENE_TEST(nobody_decides_about_what_is_theirs),
	    SCENE_TEST(a_question_is_asked_again_when_its_target_has_changed),
	    SCENE_TEST(silence_is_no),
	    SCENE_TEST(a_result_nobody_waited_for_is_kept_for_the_same_call),
	    SCENE_TEST(deviations_suspend_a_task_with_all_it_holds),
	    SCENE_TEST(a_stop_is_acknowledged_when_both_senders_have_spoken),
	    SCENE_TEST(a_stop_ends_the_sender_that_is_silent),
	    SCENE_TEST(going_on_takes_two_and_not_only_its_owners),
	    SCENE_TEST(a_lease_that_is_refused_ends_the_call),
	    SCENE_TEST(a_term_rolls_back_by_itself),
	    SCENE_TEST(what_somebody_else_changed_is_not_overwritten),
	    SCENE_TEST(it_ends_in_the_middle_of_everything),
	    SCENE_TEST(a_restart_closes_what_the_last_life_left_open),
	    SCENE_TEST(a_log_that_cannot_be_written_says_nothing_to_anybody),
	    SCENE_TEST(words_that_would_be_cut_are_refused_but_a_stop_never_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
