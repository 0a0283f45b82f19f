/* SPDX-License-Identifier: Apache-2.0 */
/* What the governor asks people, and what follows from their answers. */
#include "gov_scene.h"

static struct scene s;
static struct scene_log disk;

static void set_gates(const char *text)
{
	scene_write("deployment/gates.yaml", str_from(text));
}

/* How many notifications had this in them. */
static size_t notes_with(const char *part)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n_notes; i++) {
		n += strstr(s.notes[i], part) != NULL;
	}
	return n;
}

static uint64_t ask_for(const char *tool)
{
	return scene_id(scene_call(&s, tool, LOGIN, 0), "id", 'a');
}

static const char *show(uint64_t approval)
{
	char body[64];

	(void)snprintf(body, sizeof(body), "{\"id\":\"a%llu\"}", (unsigned long long)approval);
	return scene_command(&s, BOB, COMMAND_APPROVAL_SHOW, body)->text;
}

static void a_question_says_what_remit_knows_and_quotes_the_agent(void **state)
{
	(void)state;
	const struct leaf_approval_opened *o;
	const char *text;
	uint64_t a;

	scene_open(&s);
	a = ask_for("db___lock");
	text = show(a);
	assert_says(text, "\"what_happens\":\"db___lock destroys or changes for good 1 target\"");
	assert_says(text, "\"targets\":[\"pg-role:app\"]");
	assert_says(text, "\"undo\":\"db___unlock, run by Remit");
	assert_says(text, "\"agent_claims_unverified\":\"contain it\"");
	assert_says(text, "\"may_answer\":[\"bob\"]");
	assert_says(text, "carol: owner");
	assert_int_equal(scene_decide(&s, BOB, true, a)->code, 200);
	scene_close(&s);
	scene_read_log(&disk);
	o = &scene_last(&disk, LEAF_APPROVAL_OPENED)->approval_opened;
	assert_str(o->kind, "call");
	assert_int_equal(o->incident, s.incident);
	assert_str(o->inverse, "db___unlock");
	assert_str(o->accountable, "alice");
	assert_int_equal(o->eligible.n, 1);
	assert_int_equal(o->conflicts.n, 3);
	assert_false(digest_is_zero(&o->pre_tag));
	assert_false(digest_is_zero(&o->definition));
	assert_false(digest_is_zero(&o->claim));
	assert_true(
	    digest_eq(&o->question, &scene_last(&disk, LEAF_APPROVAL_VOTED)->approval_voted.shown));
	scene_free_log(&disk);
}

static void who_says_what_they_have_read_answers_that_or_nothing(void **state)
{
	(void)state;
	char body[256];
	const char *at;
	uint64_t a;

	scene_open(&s);
	a = ask_for("db___lock");
	at = strstr(show(a), "\"shown\":\"");
	assert_non_null(at);
	(void)snprintf(body, sizeof(body), "{\"id\":\"a%llu\",\"shown\":\"%064d\"}",
		       (unsigned long long)a, 7);
	assert_says(scene_command(&s, BOB, COMMAND_APPROVE, body)->text, "approval_mismatch");
	(void)snprintf(body, sizeof(body), "{\"id\":\"a%llu\",\"shown\":\"%.64s\"}",
		       (unsigned long long)a, at + 9);
	assert_int_equal(scene_command(&s, BOB, COMMAND_APPROVE, body)->code, 200);
	scene_close(&s);
}

static void no_is_told_with_the_safe_alternative(void **state)
{
	(void)state;
	uint64_t held;
	uint64_t a;

	set_gates("gates:\n  on-call: {group: secops, decide_by: 5m, safe_alternative: {tool: "
		  "db___look, text: watch it}}\ndefault_gate: on-call\n");
	scene_open(&s);
	a = ask_for("db___lock");
	assert_says(show(a), "\"text\":\"watch it\"");
	assert_int_equal(scene_decide(&s, BOB, false, a)->code, 200);
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "instead: db___look (watch it)");
	held = scene_ask(&s, RESPONDER, s.task, "db___unlock", LOGIN, 3600000);
	scene_settle(&s);
	scene_pass(5 * 60000 + 1);
	assert_says(scene_wait(&s, held), "instead: db___look (watch it)");
	scene_close(&s);
}

static void an_agent_that_asks_too_much_only_reads(void **state)
{
	(void)state;
	uint64_t a;

	set_gates("gates:\n  on-call: {group: secops, decide_by: 5m}\ndefault_gate: on-call\n"
		  "questions: {pending: 1, pause: 10m}\n");
	scene_open(&s);
	a = ask_for("db___lock");
	assert_says(scene_call(&s, "db___unlock", LOGIN, 0),
		    "questions of this agent wait already");
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "only reads until"); /* it may alone */
	assert_says(scene_call(&s, "db___unlock", LOGIN, 0), "needs_approval");
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	scene_settle(&s);
	assert_int_equal(notes_with("agent.paused"), 1);
	assert_int_equal(scene_decide(&s, BOB, true, a)->code, 200);
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "can_login"); /* what was granted */
	scene_pass(10 * 60000);
	assert_says(scene_call(&s, "db___mute", LOGIN, 0),
		    "muted"); /* control: the pause is over */
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_AGENT_PAUSED), 1);
	assert_int_equal(scene_count(&disk, LEAF_APPROVAL_OPENED), 1);
	scene_free_log(&disk);
}

static void similar_questions_are_one_item(void **state)
{
	(void)state;
	const char *list;
	uint64_t first;

	scene_open(&s);
	first = ask_for("db___lock");
	(void)ask_for("db___unlock"); /* another tool: an item of its own */
	list = scene_command(&s, BOB, COMMAND_APPROVAL_LIST, "{}")->text;
	assert_says(list, "\"db___lock\"");
	assert_says(list, "\"db___unlock\"");
	assert_says(show(first), "\"similar\":[]");
	scene_settle(&s);
	assert_int_equal(notes_with("approval.opened"), 2);
	scene_close(&s);
}

/* A tool that mutes many logins at once, with a captured state that depends on all of them. */
static const char many[] =
    "transport: command\n"
    "tools:\n"
    "  look:\n    effect: read\n    targets: [{kind: pg-role, pointer: /logins}]\n    data: "
    "[accounts]\n    command: [/bin/true]\n    output: json\n    definition:\n      description: "
    "looks\n      inputSchema: {type: object, required: [logins], properties: {logins: {type: "
    "array, items: {type: string}}, n: {type: integer}}}\n"
    "  drop:\n    effect: destroy\n    targets: [{kind: pg-role, pointer: /logins}]\n    data: "
    "[accounts]\n    capture: {tool: look, arguments: {logins: {$args: /logins}}}\n"
    "    inverse: {not_needed_by: alice, reason: they make new ones}\n"
    "    verify: {tool: look, arguments: {logins: {$args: /logins}}, pointer: /muted, equals: "
    "true}\n    evidence: {what: the logins, keep: 90d}\n    command: [/bin/true]\n    output: "
    "json\n    definition:\n      description: drops\n      inputSchema: {type: object, required: "
    "[logins, n], properties: {logins: {type: array, items: {type: string}}, n: {type: "
    "integer}}}\n";

static const char drop_two[] = "{\"logins\":[\"app\",\"batch\"],\"n\":5}";

static void open_with_many(void)
{
	char args[256];

	scene_write("deployment/upstreams/many.yaml", str_from(many));
	scene_write("deployment/playbooks/many.yaml",
		    STR("classes: [abuse]\naccountable: secops\nphases:\n  - name: all\n    tools: "
			"[many___look, many___drop]\nlimits: {calls: 60, targets: 8, duration: 2h, "
			"deviations: 3}\ndata: [accounts]\n"));
	scene_open(&s);
	s.incident =
	    scene_id(scene_command(&s, ERIN, COMMAND_INCIDENT_OPEN,
				   "{\"class\":\"abuse\",\"severity\":3,\"service\":\"shop\","
				   "\"environment\":\"production\",\"assets\":[\"pg-role:app\","
				   "\"pg-role:batch\"]}")
			 ->text,
		     "incident", 'i');
	(void)snprintf(args, sizeof(args),
		       "{\"incident\":\"i%llu\",\"playbook\":\"many\",\"goal\":\"drop them\","
		       "\"targets\":[\"pg-role:app\",\"pg-role:batch\"]}",
		       (unsigned long long)s.incident);
	s.task =
	    scene_id(scene_wait(&s, scene_ask(&s, RESPONDER, 0, "remit___declare_intent", args, 0)),
		     "task", 't');
}

static const struct heard_reply *narrow(uint64_t approval, uint32_t uid, const char *patch)
{
	char body[256];

	(void)snprintf(body, sizeof(body), "{\"id\":\"a%llu\",\"narrow\":%s}",
		       (unsigned long long)approval, patch);
	return scene_command(&s, uid, COMMAND_APPROVE, body);
}

static void a_person_grants_less_and_the_agent_calls_that(void **state)
{
	(void)state;
	const struct heard_reply *answer;
	uint64_t held;
	uint64_t a;
	uint64_t less;

	open_with_many();
	a = scene_id(scene_call(&s, "many___drop", drop_two, 0), "id", 'a');
	held = scene_ask(&s, RESPONDER, s.task, "many___drop", drop_two, 60000);
	scene_settle(&s);
	/* never more, never other, and not by those who may not answer */
	assert_says(narrow(a, BOB, "{\"logins\":[\"app\",\"root\"]}")->text, "not get others");
	assert_says(narrow(a, BOB, "{\"n\":6}")->text, "only fall");
	assert_says(narrow(a, BOB, "{}")->text, "nothing would change");
	assert_says(narrow(a, CAROL, "{\"n\":1}")->text, "approver_conflict");
	assert_says(narrow(a, ERIN, "{\"n\":1}")->text, "approver_auth");
	answer = narrow(a, BOB, "{\"logins\":[\"batch\"],\"n\":2}");
	assert_int_equal(answer->code, 200);
	assert_says(answer->text, "granted");
	less = scene_id(answer->text, "approval", 'a');
	assert_int_not_equal(less, a);
	assert_says(scene_wait(&s, held), "approval_narrowed");
	assert_says(scene_wait(&s, held), "{\\\"logins\\\":[\\\"batch\\\"],\\\"n\\\":2}");
	assert_says(scene_call(&s, "many___drop", drop_two, 0), "approval_narrowed");
	assert_int_equal(scene_admitted(&s, "drop"), 0);
	/* another call than the narrowed one is asked about */
	assert_says(scene_call(&s, "many___drop", "{\"logins\":[\"batch\"],\"n\":3}", 0),
		    "Pending");
	assert_says(scene_call(&s, "many___drop", "{\"logins\":[\"batch\"],\"n\":2}", 0), "muted");
	assert_int_equal(scene_admitted(&s, "drop"), 1);
	scene_close(&s);
	scene_read_log(&disk);
	for (size_t i = 0; i < disk.n; i++) {
		const struct leaf_approval_opened *o = &disk.leaves[i].approval_opened;

		if (disk.leaves[i].kind == LEAF_APPROVAL_OPENED && i == less) {
			assert_int_equal(o->narrows, a);
			assert_int_equal(o->targets.n, 1);
			assert_str(o->targets.p[0], "pg-role:batch");
		}
	}
	scene_free_log(&disk);
}

/* Wherever an agent can speak: its own tools, the cited approval, a webhook's name, a person's
 * command with a uid that is nobody's. */
static void an_agent_has_no_way_to_approve(void **state)
{
	(void)state;
	char args[128];
	uint64_t a;

	scene_open(&s);
	a = ask_for("db___lock");
	(void)snprintf(args, sizeof(args), "{\"id\":\"a%llu\",\"approval\":\"a%llu\"}",
		       (unsigned long long)a, (unsigned long long)a);
	assert_says(scene_call(&s, "remit___approve", args, 0), "unknown tool");
	assert_says(scene_call(&s, "approve", args, 0), "unknown tool");
	assert_says(scene_call(&s, "remit___approval_status", args, 0), "pending");
	for (uint32_t uid = 0; uid < 3; uid++) {
		assert_says(scene_command(&s, uid == 2 ? 65534 : uid, COMMAND_APPROVE, args)->text,
			    "approver_auth");
	}
	scene_settle(&s);
	assert_int_equal(s.n_changes, 0);
	assert_int_equal(scene_decide(&s, BOB, true, a)->code, 200); /* control */
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "can_login");
	scene_close(&s);
}

static void one_person_with_two_accounts_has_one_vote(void **state)
{
	(void)state;
	uint64_t a;

	scene_write("deployment/people.yaml",
		    STR("people:\n"
			"  alice: {uid: 64001, groups: [secops]}\n"
			"  bob: {uid: [64002, 65002], groups: [secops]}\n"
			"  carol: {uid: 64003, groups: [secops]}\n"
			"  dave: {uid: 64004, groups: [secops]}\n"
			"  erin: {uid: 64005, groups: [others, secops]}\n"
			"  fay: {uid: 64006, groups: [secops]}\n"
			"groups:\n"
			"  secops: {rota: [alice, bob], notifiers: [pager]}\n"
			"  others: {rota: [erin]}\n"));
	set_gates("gates:\n  two: {group: secops, quorum: 2, decide_by: 5m}\ndefault_gate: two\n");
	scene_open(&s);
	a = ask_for("db___lock");
	assert_int_equal(scene_decide(&s, BOB, true, a)->code, 200);
	assert_says(scene_decide(&s, 65002, true, a)->text, "voted already");
	assert_says(scene_decide(&s, ERIN, true, a)->text,
		    "requester"); /* she opened the incident */
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "Pending");
	assert_says(scene_decide(&s, 64006, true, a)->text, "granted"); /* control */
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "can_login");
	scene_close(&s);
}

/* A stop voids what was approved, and so do other rules: lifting it, or a restart, brings nothing
 * back. */
static void what_was_approved_does_not_survive_a_stop_or_other_rules(void **state)
{
	(void)state;
	uint64_t a;

	scene_open(&s);
	a = ask_for("db___lock");
	assert_int_equal(scene_decide(&s, BOB, true, a)->code, 200);
	assert_int_equal(
	    scene_command(&s, ALICE, COMMAND_KILL, "{\"scope\":\"tool\",\"name\":\"db___lock\"}")
		->code,
	    200);
	assert_says(show(a), "\"state\":\"void\"");
	a = ask_for("db___unlock");
	assert_int_equal(scene_decide(&s, BOB, true, a)->code, 200);
	scene_kill(&s);
	scene_start(&s);
	assert_says(show(a), "\"state\":\"granted\""); /* control: the same rules */
	scene_kill(&s);
	set_gates("gates:\n  on-call: {group: secops, decide_by: 4m}\ndefault_gate: on-call\n");
	scene_start(&s);
	assert_says(show(a), "\"state\":\"void\"");
	assert_int_equal(s.n_changes, 0);
	scene_close(&s);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SCENE_TEST(a_question_says_what_remit_knows_and_quotes_the_agent),
	    SCENE_TEST(who_says_what_they_have_read_answers_that_or_nothing),
	    SCENE_TEST(no_is_told_with_the_safe_alternative),
	    SCENE_TEST(an_agent_that_asks_too_much_only_reads),
	    SCENE_TEST(similar_questions_are_one_item),
	    SCENE_TEST(a_person_grants_less_and_the_agent_calls_that),
	    SCENE_TEST(an_agent_has_no_way_to_approve),
	    SCENE_TEST(one_person_with_two_accounts_has_one_vote),
	    SCENE_TEST(what_was_approved_does_not_survive_a_stop_or_other_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
