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

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SCENE_TEST(a_question_says_what_remit_knows_and_quotes_the_agent),
	    SCENE_TEST(who_says_what_they_have_read_answers_that_or_nothing),
	    SCENE_TEST(no_is_told_with_the_safe_alternative),
	    SCENE_TEST(an_agent_that_asks_too_much_only_reads),
	    SCENE_TEST(similar_questions_are_one_item),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
