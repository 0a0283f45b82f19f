/* SPDX-License-Identifier: Apache-2.0 */
/* The governor's tasks: phases, how they close, what suspends them. */
#include "gov_scene.h"

static struct scene s;
static struct scene_log disk;

/* Look first; then, when asked for, contain; leave nothing unverified. */
static const char staged[] = "classes: [abuse]\n"
			     "accountable: secops\n"
			     "phases:\n"
			     "  - name: look\n"
			     "    effect: read\n"
			     "    tools: [db___look]\n"
			     "    next: [contain]\n"
			     "  - name: contain\n"
			     "    effect: contain\n"
			     "    advance: explicit\n"
			     "    requires: {tools: [db___look]}\n"
			     "    exit: {verified: true}\n"
			     "    tools: [db___look, db___mute]\n"
			     "limits: {calls: 60, targets: 8, duration: 2h, deviations: 3}\n"
			     "data: [accounts]\n";

static void open_staged(void)
{
	char args[256];

	scene_write("deployment/playbooks/staged.yaml", str_from(staged));
	scene_open(&s);
	(void)snprintf(args, sizeof(args),
		       "{\"incident\":\"i%llu\",\"playbook\":\"staged\",\"goal\":\"contain it\","
		       "\"targets\":[\"pg-role:app\"]}",
		       (unsigned long long)s.incident);
	s.task =
	    scene_id(scene_wait(&s, scene_ask(&s, RESPONDER, 0, "remit___declare_intent", args, 0)),
		     "task", 't');
}

static void enter_contain(void)
{
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	assert_says(scene_call(&s, "remit___advance", "{\"phase\":\"contain\"}", 0),
		    "\\\"phase\\\":\\\"contain\\\"");
}

static void close_task(void)
{
	(void)scene_call(&s, "remit___close_task", "{}", 0);
	scene_settle(&s);
	scene_close(&s);
	scene_read_log(&disk);
}

static void a_task_steps_up_only_when_it_asks_and_may(void **state)
{
	(void)state;
	const struct leaf *l;

	open_staged();
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "needs_step_up");
	assert_says(scene_call(&s, "remit___advance", "{\"phase\":\"contain\"}", 0),
		    "'db___look' has not been completed");
	assert_says(scene_call(&s, "remit___advance", "{\"phase\":\"recover\"}", 0), "(phase)");
	assert_says(scene_call(&s, "remit___advance", "{}", 0), "arg_schema");
	/* another agent does not move it */
	assert_says(scene_wait(&s, scene_ask(&s, WATCHER, s.task, "remit___advance",
					     "{\"phase\":\"contain\"}", 0)),
		    "task_unknown");
	assert_int_equal(scene_admitted(&s, "mute"), 0);
	enter_contain();
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "\\\"muted\\\":true");
	scene_settle(&s); /* it is verified */
	close_task();
	l = scene_last(&disk, LEAF_TASK_PHASE);
	assert_str(l->task_phase.how, "advanced");
	assert_int_equal(scene_count(&disk, LEAF_TASK_PHASE), 1);
	assert_str(scene_last(&disk, LEAF_TASK_CLOSED)->task_closed.closure, "closed");
	scene_free_log(&disk);
}

static void a_task_with_something_unverified_closes_as_partial(void **state)
{
	(void)state;
	struct heard_admission *a;
	uint64_t req;
	const struct leaf *l;

	open_staged();
	enter_contain();
	s.held_tool = "mute";
	req = scene_ask(&s, RESPONDER, s.task, "db___mute", LOGIN, 0);
	a = scene_wait_admission(&s, "mute", 1);
	/* it says it did, and did not */
	scene_outcome(&s, a, OUTCOME_OK, "{\"content\":[{\"type\":\"text\",\"text\":\"{}\"}]}");
	(void)scene_wait(&s, req);
	scene_pass(31000); /* it had 30 seconds to show */
	scene_settle(&s);
	assert_says(scene_call(&s, "remit___close_task", "{}", 0), "is not verified");
	close_task();
	l = scene_last(&disk, LEAF_TASK_CLOSED);
	assert_str(l->task_closed.closure, "partial");
	/* the phase's condition, the effect, the term */
	assert_int_equal(l->task_closed.left.n, 3);
	scene_free_log(&disk);
}

/* ---- deviations ---- */

#define ROOT "{\"login\":\"root\"}"

static void resume(uint32_t uid, unsigned code)
{
	char body[64];

	(void)snprintf(body, sizeof(body), "{\"id\":\"t%llu\"}", (unsigned long long)s.task);
	assert_int_equal(scene_command(&s, uid, COMMAND_TASK_RESUME, body)->code, code);
}

static void a_suspension_shows_expected_beside_attempted_and_costs_autonomy(void **state)
{
	(void)state;
	char body[64];
	const char *text;
	const struct leaf *l;
	size_t notes;

	scene_open(&s);
	for (int i = 0; i < 2; i++) {
		assert_says(scene_call(&s, "db___look", ROOT, 0), "intent_mismatch");
	}
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "muted"); /* it still may */
	notes = s.n_notes;
	assert_says(scene_call(&s, "db___look", ROOT, 0), "intent_mismatch");
	scene_settle(&s);
	assert_true(s.n_notes > notes);
	(void)snprintf(body, sizeof(body), "{\"id\":\"t%llu\"}", (unsigned long long)s.task);
	text = scene_command(&s, ALICE, COMMAND_TASK_SHOW, body)->text;
	assert_says(text, "\"state\":\"suspended\"");
	assert_says(text, "\"deviations\":{\"expected\":{\"playbook\":\"abuse\"");
	assert_says(text, "\"attempted\":[{\"call\":\"c");
	assert_says(text, "\"targets\":[\"pg-role:root\"],\"reason\":\"intent_mismatch\"");
	resume(CAROL, 403); /* owns the agent */
	resume(DAVE, 403);  /* deputises it */
	resume(ERIN, 403);  /* answers for nothing here */
	resume(BOB, 200);
	/* the task runs again, but the agent has lost what it may do by itself */
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	assert_says(scene_call(&s, "db___unmute", LOGIN, 0), "recorded as proposal d");
	scene_close(&s);
	scene_read_log(&disk);
	l = scene_last(&disk, LEAF_AGENT_BREACHED);
	assert_str(l->agent_breached.why, "suspended");
	assert_str(l->agent_breached.contain, "propose");
	/* in the same round as the suspension, and that in the round of the refusal */
	assert_true(l->agent_breached.cause + 4 >
		    (uint64_t)(l - disk.leaves)); /* call, suspended, then this */
	assert_int_equal(scene_count(&disk, LEAF_INCIDENT_OPENED), 1);
	scene_free_log(&disk);
}

static void one_attack_suspends_and_opens_an_incident_on_the_agent(void **state)
{
	(void)state;
	const struct leaf *l;
	const char *text;

	scene_write("deployment/playbooks/abuse.yaml",
		    STR("classes: [abuse]\naccountable: secops\n"
			"phases: [{name: all, tools: [db___look, db___mute]}]\n"
			"limits: {calls: 60, targets: 8, duration: 2h}\n"
			"deviations: {count: 3, severity: {never_list: severe}}\n"
			"data: [accounts]\n"));
	scene_open(&s);
	assert_says(scene_call(&s, "db___look", "{\"login\":\"broker\"}", 0), "never_list");
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "task_suspended");
	/* its own case is none of its business, nor may it declare anything on it */
	text = scene_wait(&s, scene_ask(&s, RESPONDER, 0, "remit___incidents", "{}", 0));
	assert_null(strstr(text, "agent-deviation"));
	scene_settle(&s);
	text = scene_command(&s, ALICE, COMMAND_INCIDENT_LIST, "{}")->text;
	assert_says(text, "\"class\":\"agent-deviation\"");
	assert_says(text, "agent:responder");
	text = scene_command(&s, ALICE, COMMAND_AGENT_SHOW, "{\"name\":\"responder\"}")->text;
	assert_says(text, "\"contain\":\"observe\"");
	assert_says(text, "\"last_breach\":\"suspended\"");
	scene_close(&s);
	scene_read_log(&disk);
	l = scene_last(&disk, LEAF_INCIDENT_OPENED);
	assert_str(l->incident_opened.source, "remit");
	assert_int_equal(scene_count(&disk, LEAF_INCIDENT_OPENED), 2);
	assert_int_equal(scene_count(&disk, LEAF_TASK_SUSPENDED), 1);
	scene_free_log(&disk);
}

/* Ten intents on what is not there for it: nothing is suspended, there is no task. */
static void probing_over_and_over_opens_one_incident(void **state)
{
	(void)state;
	uint64_t other;
	char args[256];

	scene_open(&s);
	other = scene_id(scene_command(&s, ERIN, COMMAND_INCIDENT_OPEN,
				       "{\"class\":\"abuse\",\"severity\":3,\"environment\":"
				       "\"staging\",\"assets\":[\"pg-role:app\"]}")
			     ->text,
			 "incident", 'i');
	(void)snprintf(args, sizeof(args),
		       "{\"incident\":\"i%llu\",\"playbook\":\"abuse\",\"goal\":\"x\","
		       "\"targets\":[\"pg-role:app\"]}",
		       (unsigned long long)other);
	for (int i = 0; i < 22; i++) {
		assert_says(
		    scene_wait(&s, scene_ask(&s, WATCHER, 0, "remit___declare_intent", args, 0)),
		    "env_mismatch");
		if (i == 8) {
			scene_kill(&s); /* the count outlives the process */
			scene_start(&s);
		}
	}
	/* the other agent is as free as before */
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "muted");
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_AGENT_BREACHED), 2);
	assert_str(scene_last(&disk, LEAF_AGENT_BREACHED)->agent_breached.why, "attempts");
	assert_int_equal(scene_count(&disk, LEAF_INCIDENT_OPENED), 3);
	assert_str(scene_last(&disk, LEAF_INCIDENT_OPENED)->incident_opened.assets.p[0],
		   "agent:watcher");
	scene_free_log(&disk);
}

/* ---- intents that people are asked about ---- */

static void an_intent_is_approved_whole_and_once(void **state)
{
	(void)state;
	char args[256];
	char more[256];
	const char *text;
	uint64_t approval;
	uint64_t task;

	scene_write("deployment/policies/base/intents.cedar",
		    STR("@id(\"whole\") @gate(\"on-call\")\nforbid (principal, action == "
			"Remit::Action::\"remit___declare_intent\", resource) when { "
			"context.intent.duration_s <= 600 };\n"));
	scene_open(&s);
	(void)snprintf(
	    args, sizeof(args),
	    "{\"incident\":\"i%llu\",\"playbook\":\"abuse\",\"goal\":\"trust me\","
	    "\"tools\":[\"db___look\"],\"targets\":[\"pg-role:app\"],\"duration_s\":300}",
	    (unsigned long long)s.incident);
	(void)snprintf(more, sizeof(more),
		       "{\"incident\":\"i%llu\",\"playbook\":\"abuse\",\"goal\":\"trust me\","
		       "\"tools\":[\"db___look\",\"db___mute\"],\"targets\":[\"pg-role:app\"],"
		       "\"duration_s\":300}",
		       (unsigned long long)s.incident);
	text = scene_wait(&s, scene_ask(&s, RESPONDER, 0, "remit___declare_intent", args, 0));
	assert_says(text, "Pending");
	approval = scene_id(text, "id", 'a');
	text = scene_wait(&s, scene_ask(&s, RESPONDER, 0, "remit___declare_intent", args, 0));
	assert_true(scene_id(text, "id", 'a') == approval);		      /* one question */
	assert_int_equal(scene_decide(&s, CAROL, true, approval)->code, 403); /* owns it */
	assert_int_equal(scene_decide(&s, ALICE, true, approval)->code,
			 403); /* would answer for it */
	assert_int_equal(scene_decide(&s, BOB, true, approval)->code, 200);
	/* more than was approved is another question, another agent's intent too */
	text = scene_wait(&s, scene_ask(&s, RESPONDER, 0, "remit___declare_intent", more, 0));
	assert_true(scene_id(text, "id", 'a') != approval);
	text = scene_wait(&s, scene_ask(&s, WATCHER, 0, "remit___declare_intent", args, 0));
	assert_true(scene_id(text, "id", 'a') != approval);
	text = scene_wait(&s, scene_ask(&s, RESPONDER, 0, "remit___declare_intent", args, 0));
	task = scene_id(text, "task", 't');
	assert_says(scene_wait(&s, scene_ask(&s, RESPONDER, task, "db___look", LOGIN, 0)), "muted");
	assert_says(scene_wait(&s, scene_ask(&s, RESPONDER, task, "db___mute", LOGIN, 0)),
		    "intent_mismatch");
	/* single use: the same again is asked again */
	text = scene_wait(&s, scene_ask(&s, RESPONDER, 0, "remit___declare_intent", args, 0));
	assert_says(text, "Pending");
	assert_true(scene_id(text, "id", 'a') != approval);
	scene_close(&s);
	scene_read_log(&disk);
	for (size_t i = 0; i < disk.n; i++) {
		if (disk.leaves[i].kind == LEAF_INTENT_DECIDED &&
		    disk.leaves[i].intent_decided.duration_ms == 300000) {
			assert_true(disk.leaves[i].intent_decided.approval == approval);
		}
	}
	scene_free_log(&disk);
}

/* ---- reach ---- */

/* The object of the list that is about this tool and target, as text. */
static void row_of(const char *text, const char *tool, const char *target, char out[1024])
{
	char pattern[128];
	const char *at;
	const char *end;

	(void)snprintf(pattern, sizeof(pattern), "\"tool\":\"%s\",\"target\":\"%s\"", tool, target);
	at = strstr(text, pattern);
	if (!at) {
		fail_msg("no %s in %s", pattern, text);
	}
	end = strstr(at, "\"example\"");
	(void)snprintf(out, 1024, "%.*s", end ? (int)(end - at) : 1000, at);
}

/* What is shown is what happens: the same calls, made. */
static void reach_says_what_the_calls_themselves_are_told(void **state)
{
	(void)state;
	char args[256];
	char row[1024];
	const char *text;

	scene_open(&s);
	(void)snprintf(args, sizeof(args),
		       "{\"incident\":\"i%llu\",\"playbook\":\"abuse\",\"goal\":\"x\","
		       "\"tools\":[\"db___look\",\"db___lock\"],"
		       "\"targets\":[\"pg-role:app\",\"pg-role:root\"]}",
		       (unsigned long long)s.incident);
	s.task =
	    scene_id(scene_wait(&s, scene_ask(&s, RESPONDER, 0, "remit___declare_intent", args, 0)),
		     "task", 't');
	(void)snprintf(args, sizeof(args), "{\"name\":\"responder\",\"task\":\"t%llu\"}",
		       (unsigned long long)s.task);
	text = scene_command(&s, ALICE, COMMAND_REACH, args)->text;
	assert_says(text, "\"stopped_by_kill\":false");
	row_of(text, "db___look", "pg-role:app", row);
	assert_says(row, "\"verdict\":\"allow\"");
	assert_says(row, "\"policies\":[\"all\"]");
	row_of(text, "db___look", "pg-role:root", row);
	assert_says(row, "\"reason\":\"forbidden\"");
	row_of(text, "db___lock", "pg-role:app", row);
	assert_says(row, "\"verdict\":\"ask\"");
	assert_says(row, "\"gates\":[\"on-call\"]");
	assert_null(strstr(text, "db___mute")); /* not granted */
	assert_int_equal(s.n_admissions, 0);	/* nothing was made */
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	assert_says(scene_call(&s, "db___look", ROOT, 0), "forbidden");
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "Pending");
	assert_int_equal(scene_command(&s, ALICE, COMMAND_REACH, "{\"name\":\"nobody\"}")->code,
			 404);
	scene_close(&s);
}

/* ---- claims ---- */

static void a_claim_is_shown_beside_what_is_known_and_decides_nothing(void **state)
{
	(void)state;
	char body[64];
	const char *text;

	scene_open(&s);
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "muted");
	text = scene_call(&s, "remit___note", "{\"text\":\"rollback is impossible\"}", 0);
	assert_says(text, "\"reason\":\"untrusted_claim\"");
	assert_says(text, "\\\"registered_inverse\\\":\\\"unmute\\\"");
	assert_says(scene_call(&s, "remit___note", "{\"text\":\"\"}", 0), "arg_schema");
	assert_says(scene_call(&s, "remit___note", "{\"text\":\"x\",\"about\":\"c1\"}", 0),
		    "arg_schema"); /* no call of this task */
	assert_says(scene_wait(&s, scene_ask(&s, WATCHER, s.task, "remit___note",
					     "{\"text\":\"let me\"}", 0)),
		    "task_unknown");
	/* it approves nothing */
	assert_says(scene_call(&s, "remit___note", "{\"text\":\"alice approved the lock\"}", 0),
		    "untrusted_claim");
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "Pending");
	(void)snprintf(body, sizeof(body), "{\"id\":\"t%llu\"}", (unsigned long long)s.task);
	text = scene_command(&s, ALICE, COMMAND_TASK_SHOW, body)->text;
	assert_says(text, "\"notes\":{\"label\":\"untrusted_claim\"");
	assert_says(text, "\"text\":\"rollback is impossible\"");
	for (int i = 2; i < 32; i++) {
		assert_says(scene_call(&s, "remit___note", "{\"text\":\"more\"}", 0), "untrusted");
	}
	assert_says(scene_call(&s, "remit___note", "{\"text\":\"more\"}", 0), "(limit)");
	scene_close(&s);
}

/* ---- autonomy ---- */

static void promote(uint32_t uid, unsigned code, const char *says)
{
	const struct heard_reply *r =
	    scene_command(&s, uid, COMMAND_PROMOTE,
			  "{\"name\":\"responder\",\"effect\":\"contain\",\"level\":\"notify\"}");

	assert_says(r->text, says);
	assert_int_equal(r->code, code);
}

static void judge(const char *text, uint32_t uid, const char *verdict, unsigned code)
{
	char body[128];
	const char *at = strstr(text, "proposal d");

	assert_non_null(at);
	(void)snprintf(body, sizeof(body), "{\"id\":\"d%d\",\"verdict\":\"%s\"}",
		       atoi(at + strlen("proposal d")), verdict);
	assert_int_equal(scene_command(&s, uid, COMMAND_PROPOSAL_JUDGE, body)->code, code);
}

static void autonomy_is_proposed_judged_earned_used_and_lost(void **state)
{
	(void)state;
	char first[SCENE_TEXT];
	char again[16];
	struct heard_admission *a;
	uint64_t req;
	size_t notes;

	scene_write("deployment/autonomy.yaml",
		    STR("initial: {contain: propose}\n"
			"promotion: {decisions: 2, agreement: 100, quiet: 1h}\n"
			"demotion: {unverified: observe}\n"));
	scene_open(&s);
	(void)snprintf(first, sizeof(first), "%s", scene_call(&s, "db___mute", LOGIN, 0));
	assert_says(first, "it would be allowed");
	(void)snprintf(again, sizeof(again), "%.*s", 12, strstr(first, "proposal d"));
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), again); /* the same one */
	assert_int_equal(scene_admitted(&s, "mute"), 0);
	/* what would be refused anyway is not a proposal */
	assert_says(scene_call(&s, "db___mute", ROOT, 0), "intent_mismatch");
	judge(first, CAROL, "agree", 403); /* owns it */
	judge(first, ERIN, "agree", 403);
	judge(first, BOB, "perhaps", 400);
	judge(first, BOB, "agree", 200);
	judge(first, BOB, "agree", 404); /* judged */
	promote(ALICE, 403, "1 decisions were judged by people, 2 are needed");
	judge(scene_call(&s, "db___unmute", LOGIN, 0), ALICE, "agree", 200);
	promote(CAROL, 403, "approver_conflict");
	promote(ALICE, 200, "waits for a second person");
	promote(ALICE, 200, "waits for a second person"); /* still one */
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "(autonomy)");
	promote(BOB, 200, "promoted");
	notes = s.n_notes;
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "\\\"muted\\\":true");
	scene_settle(&s);
	assert_true(s.n_notes > notes); /* level notify: a person is told */
	scene_kill(&s);
	scene_start(&s);
	assert_says(scene_command(&s, ALICE, COMMAND_AGENT_SHOW, "{\"name\":\"responder\"}")->text,
		    "\"contain\":\"notify\"");
	/* a change that does not hold takes it away again */
	s.held_tool = "unmute";
	req = scene_ask(&s, RESPONDER, s.task, "db___unmute", LOGIN, 0);
	a = scene_wait_admission(&s, "unmute", 1);
	scene_outcome(&s, a, OUTCOME_OK, "{\"content\":[{\"type\":\"text\",\"text\":\"{}\"}]}");
	(void)scene_wait(&s, req);
	scene_settle(&s);
	scene_pass(120000); /* it is looked at again until its time is over */
	scene_settle(&s);
	s.held_tool = NULL;
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "(autonomy)");
	promote(ALICE, 403, "not_earned");
	scene_close(&s);
	scene_read_log(&disk);
	assert_str(scene_last(&disk, LEAF_AGENT_BREACHED)->agent_breached.why, "unverified");
	assert_int_equal(scene_count(&disk, LEAF_AUTONOMY_CHANGED), 1);
	assert_int_equal(scene_count(&disk, LEAF_PROPOSAL_MADE), 3); /* once more when judged */
	scene_free_log(&disk);
}

static void anybody_may_demote_at_once(void **state)
{
	(void)state;

	scene_open(&s);
	assert_int_equal(scene_command(&s, ERIN, COMMAND_DEMOTE,
				       "{\"name\":\"responder\",\"effect\":\"contain\",\"level\":"
				       "\"approve\"}")
			     ->code,
			 200);
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "Pending");
	assert_int_equal(scene_command(&s, ERIN, COMMAND_DEMOTE,
				       "{\"name\":\"responder\",\"effect\":\"contain\",\"level\":"
				       "\"act\"}")
			     ->code,
			 403);
	scene_close(&s);
}

#define TASK_TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TASK_TEST(a_task_steps_up_only_when_it_asks_and_may),
	    TASK_TEST(a_task_with_something_unverified_closes_as_partial),
	    TASK_TEST(a_suspension_shows_expected_beside_attempted_and_costs_autonomy),
	    TASK_TEST(one_attack_suspends_and_opens_an_incident_on_the_agent),
	    TASK_TEST(probing_over_and_over_opens_one_incident),
	    TASK_TEST(autonomy_is_proposed_judged_earned_used_and_lost),
	    TASK_TEST(anybody_may_demote_at_once),
	    TASK_TEST(reach_says_what_the_calls_themselves_are_told),
	    TASK_TEST(an_intent_is_approved_whole_and_once),
	    TASK_TEST(a_claim_is_shown_beside_what_is_known_and_decides_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
