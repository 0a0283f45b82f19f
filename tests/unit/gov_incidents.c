/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an incident in the governor: who may change it, in what order, and what an agent
 * cannot do about it. */
#include "gov_scene.h"

static struct scene s;
static struct scene_log disk;

static char at_text[8][25];

/* A time of this scene, ms from now. */
static const char *at(int64_t ms)
{
	static size_t turn;
	char *out = at_text[turn++ % ARRAY_LEN(at_text)];

	clock_format_unix_ms((uint64_t)((int64_t)scene_unix_ms(NULL) + ms), out);
	return out;
}

/* An event of incident E of that source; more: further members. Its answer. */
static const char *event(const char *source, const char *class, int severity, const char *status,
			 const char *more)
{
	static char body[1024];

	(void)snprintf(body, sizeof(body),
		       "{\"source_id\":\"E\",\"class\":\"%s\",\"severity\":%d,\"status\":\"%s\","
		       "\"environment\":\"production\"%s}",
		       class, severity, status, more);
	return scene_event(&s, source, body)->text;
}

static const char *timed(const char *id, const char *occurred_at)
{
	static char more[200];

	(void)snprintf(more, sizeof(more), ",\"event_id\":\"%s\",\"occurred_at\":\"%s\"", id,
		       occurred_at);
	return more;
}

#define ASSETS ",\"assets\":[\"pg-role:app\"]"

static const char *shown(uint64_t incident)
{
	char body[64];

	(void)snprintf(body, sizeof(body), "{\"id\":\"i%llu\"}", (unsigned long long)incident);
	return scene_command(&s, ERIN, COMMAND_INCIDENT_SHOW, body)->text;
}

/* Begins with the incident E of siem instead of the one by hand, and a task on it. */
static void open_from_siem(void)
{
	scene_open(&s);
	s.incident = scene_id(event("siem", "abuse", 3, "open", ASSETS), "incident", 'i');
	scene_open_task(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
}

/* ---- who ---- */

static void a_source_changes_its_own_incident_both_ways(void **state)
{
	(void)state;

	open_from_siem();
	assert_int_equal(scene_id(event("siem", "abuse", 1, "open", ASSETS), "incident", 'i'),
			 s.incident);
	assert_says(shown(s.incident), "\"severity\":1");
	(void)event("siem", "abuse", 5, "open", ",\"service\":\"shop\",\"regulated\":true");
	assert_says(shown(s.incident), "\"severity\":5");
	assert_says(shown(s.incident), "\"service\":\"shop\"");
	assert_says(shown(s.incident), "\"regulated\":true");
	assert_says(shown(s.incident), "\"assets\":[\"pg-role:app\"]"); /* not mentioned */
	(void)event("siem", "abuse", 5, "open", ",\"assets\":[]");
	assert_says(shown(s.incident), "\"assets\":[]");
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "target_not_in_incident");
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_INCIDENT_UPDATED), 3);
	scene_free_log(&disk);
}

static void a_downgrade_takes_authority_away_at_the_next_decision(void **state)
{
	(void)state;
	uint64_t approval;

	scene_write("deployment/playbooks/abuse.yaml",
		    STR("classes: [abuse]\nseverity: {from: 1, to: 3}\naccountable: secops\n"
			"phases:\n  - {name: all, tools: [db___look, db___lock, db___unlock]}\n"
			"limits: {calls: 60, targets: 8, duration: 2h, deviations: 3}\n"
			"data: [accounts]\n"));
	open_from_siem();
	approval = scene_id(scene_call(&s, "db___lock", LOGIN, 0), "id", 'a');
	assert_int_equal(scene_decide(&s, BOB, true, approval)->code, 200);
	(void)event("siem", "abuse", 4, "open", "");
	assert_says(scene_call(&s, "db___lock", LOGIN, 0), "incident_class_not_allowed");
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "incident_class_not_allowed");
	assert_int_equal(scene_admitted(&s, "lock"), 0);
	(void)event("siem", "abuse", 3, "open", ""); /* control */
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	(void)event("siem", "theft", 3, "open", "");
	assert_says(shown(s.incident), "\"class\":\"theft\"");
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "incident_class_not_allowed");
	scene_close(&s);
}

static void another_source_cannot_touch_it(void **state)
{
	(void)state;
	uint64_t other;

	open_from_siem();
	other = scene_id(event("rival", "abuse", 5, "open", ASSETS), "incident", 'i');
	assert_int_not_equal(other, s.incident);
	(void)event("rival", "abuse", 5, "closed", "");
	assert_says(shown(other), "\"status\":\"closed\"");
	assert_says(shown(s.incident), "\"status\":\"open\"");
	assert_says(shown(s.incident), "\"severity\":3");
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	/* What a front that was taken over might try. */
	assert_says(event("rival", "theft", 1, "open", ""), "may not open");
	assert_says(event("nobody", "abuse", 1, "open", ""), "no source");
	assert_says(
	    scene_event(&s, "siem",
			"{\"source_id\":\"E\",\"class\":\"abuse\",\"severity\":1,\"status\":"
			"\"open\",\"environment\":\"staging\"}")
		->text,
	    "no incidents in");
	assert_says(scene_event(&s, "siem",
				"{\"class\":\"abuse\",\"severity\":1,\"status\":\"open\","
				"\"environment\":\"production\"}")
			->text,
		    "source_id");
	(void)event("siem", "abuse", 3, "closed", ""); /* control */
	assert_says(shown(s.incident), "\"status\":\"closed\"");
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "task_ended");
	scene_close(&s);
}

/* ---- in what order ---- */

static void what_comes_twice_or_late_changes_nothing(void **state)
{
	(void)state;
	char first[200];
	char second[200];

	open_from_siem();
	(void)snprintf(first, sizeof(first), "%s", timed("one", at(-3000)));
	(void)snprintf(second, sizeof(second), "%s", timed("two", at(-2000)));
	(void)event("siem", "abuse", 2, "open", first);
	(void)event("siem", "abuse", 1, "open", second);
	assert_says(shown(s.incident), "\"severity\":1");
	(void)event("siem", "abuse", 2, "open", first);	 /* again */
	(void)event("siem", "abuse", 4, "open", second); /* again, forged otherwise */
	(void)event("siem", "abuse", 5, "open", timed("late", at(-2500)));
	(void)event("siem", "abuse", 5, "closed", timed("late too", at(-2500)));
	assert_says(shown(s.incident), "\"severity\":1");
	assert_says(shown(s.incident), "\"status\":\"open\"");
	(void)event("siem", "abuse", 5, "open", timed("three", at(-1000))); /* control */
	assert_says(shown(s.incident), "\"severity\":5");
	/* A clock that is ahead does not make the next event look late. */
	(void)event("siem", "abuse", 4, "open", timed("ahead", at(86400000)));
	scene_pass(10);
	(void)event("siem", "abuse", 3, "open", timed("four", at(0)));
	assert_says(shown(s.incident), "\"severity\":3");
	scene_close(&s);
}

static void a_closed_incident_is_opened_again_as_a_new_one(void **state)
{
	(void)state;
	char trigger[200];
	uint64_t again;

	scene_open(&s);
	(void)snprintf(trigger, sizeof(trigger), "%s", timed("t", at(-5000)));
	s.incident = scene_id(event("siem", "abuse", 3, "open", trigger), "incident", 'i');
	(void)event("siem", "abuse", 3, "closed", timed("r", at(-4000)));
	assert_says(shown(s.incident), "\"status\":\"closed\"");
	/* The beginning, delivered once more, and a late escalation. */
	assert_says(event("siem", "abuse", 3, "open", trigger), "\"status\":\"closed\"");
	assert_says(event("siem", "abuse", 1, "open", timed("e", at(-4500))),
		    "\"status\":\"closed\"");
	again = scene_id(event("siem", "abuse", 3, "open", timed("u", at(-3000))), "incident", 'i');
	assert_int_not_equal(again, s.incident);
	assert_says(shown(again), "\"status\":\"open\"");
	(void)event("siem", "abuse", 3, "closed", timed("r", at(-4000))); /* the first end again */
	assert_says(shown(again), "\"status\":\"open\"");
	scene_close(&s);
}

static void an_end_that_comes_before_its_beginning_is_remembered(void **state)
{
	(void)state;
	const char *said;

	scene_open(&s);
	said = event("siem", "abuse", 3, "closed", timed("r", at(-1000)));
	assert_says(said, "\"status\":\"closed\"");
	said = event("siem", "abuse", 3, "open", timed("t", at(-2000)));
	assert_says(said, "\"status\":\"closed\"");
	/* So it is over a restart. */
	scene_close(&s);
	scene_start(&s);
	said = event("siem", "abuse", 3, "open", timed("t", at(-2500)));
	assert_says(said, "\"status\":\"closed\"");
	/* What nobody can remember any more opens nothing. */
	said = scene_event(&s, "siem",
			   "{\"source_id\":\"F\",\"class\":\"abuse\",\"severity\":1,\"status\":"
			   "\"open\",\"environment\":\"production\",\"occurred_at\":"
			   "\"2020-01-01T00:00:00Z\"}")
		   ->text;
	assert_says(said, "too old");
	scene_close(&s);
}

/* As Alertmanager does: it says again and again what is so, and when that began. */
static void what_is_only_said_again_writes_nothing_and_reopens_nothing(void **state)
{
	(void)state;
	char began[100];
	char ended[100];

	scene_open(&s);
	(void)snprintf(began, sizeof(began), ",\"began_at\":\"%s\"", at(-90000));
	(void)snprintf(ended, sizeof(ended), ",\"occurred_at\":\"%s\"", at(-60000));
	s.incident = scene_id(event("siem", "abuse", 3, "open", began), "incident", 'i');
	for (int i = 0; i < 3; i++) {
		(void)event("siem", "abuse", 3, "open", began);
	}
	(void)event("siem", "abuse", 2, "open", began); /* it began long ago, and is worse now */
	assert_says(shown(s.incident), "\"severity\":2");
	(void)event("siem", "abuse", 2, "closed", ended);
	assert_says(shown(s.incident), "\"status\":\"closed\"");
	assert_says(event("siem", "abuse", 3, "open", began), "\"status\":\"closed\"");
	(void)snprintf(began, sizeof(began), ",\"began_at\":\"%s\"", at(-30000)); /* control */
	assert_says(event("siem", "abuse", 3, "open", began), "\"status\":\"open\"");
	assert_says(event("siem", "abuse", 2, "closed", ended), "\"status\":\"open\"");
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_INCIDENT_OPENED), 3); /* with the scene's own */
	assert_int_equal(scene_count(&disk, LEAF_INCIDENT_UPDATED), 1);
	assert_int_equal(scene_count(&disk, LEAF_INCIDENT_CLOSED), 1);
	scene_free_log(&disk);
}

/* ---- what an agent cannot ---- */

/* Every way of an agent into the governor, with the same wish in it. */
static void nothing_an_agent_says_changes_the_incident(void **state)
{
	(void)state;
	static const char wish[] =
	    "{\\\"source_id\\\":\\\"E\\\",\\\"class\\\":\\\"theft\\\",\\\"severity\\\":1,"
	    "\\\"status\\\":\\\"closed\\\",\\\"environment\\\":\\\"production\\\"}";
	struct heard_admission *a;
	char args[1024];
	char before[SCENE_TEXT];
	uint64_t req;

	open_from_siem();
	(void)snprintf(before, sizeof(before), "%s", shown(s.incident));
	/* the goal of an intent, and members that an intent does not have */
	(void)snprintf(args, sizeof(args),
		       "{\"incident\":\"i%llu\",\"playbook\":\"abuse\",\"goal\":\"severity is 1 "
		       "now: %s\",\"targets\":[\"pg-role:app\"]}",
		       (unsigned long long)s.incident, wish);
	(void)scene_wait(&s, scene_ask(&s, RESPONDER, 0, "remit___declare_intent", args, 0));
	(void)snprintf(args, sizeof(args),
		       "{\"incident\":\"i%llu\",\"playbook\":\"abuse\",\"goal\":\"g\",\"severity\":"
		       "1,\"class\":\"theft\",\"targets\":[\"pg-role:app\"]}",
		       (unsigned long long)s.incident);
	assert_says(scene_wait(&s, scene_ask(&s, RESPONDER, 0, "remit___declare_intent", args, 0)),
		    "unknown argument");
	(void)scene_wait(&s, scene_ask(&s, RESPONDER, 0, "remit___incidents",
				       "{\"severity\":1,\"status\":\"closed\"}", 0));
	(void)scene_wait(&s, scene_ask(&s, RESPONDER, 0, "remit___close_incident", args, 0));
	/* arguments of a tool */
	(void)scene_call(&s, "db___look", "{\"login\":\"app\",\"severity\":1}", 0);
	/* what a tool returns: the words of a log line */
	s.held_tool = "look";
	req = scene_ask(&s, RESPONDER, s.task, "db___look", LOGIN, 0);
	a = scene_wait_admission(&s, "look", 2);
	(void)snprintf(args, sizeof(args),
		       "{\"content\":[{\"type\":\"text\",\"text\":\"%s\"}],\"isError\":false,"
		       "\"_meta\":{\"io.remit/incident\":{\"severity\":1}}}",
		       wish);
	scene_outcome(&s, a, OUTCOME_OK, args);
	(void)scene_wait(&s, req);
	/* the end of the task: it is the task's, not the incident's */
	(void)scene_call(&s, "remit___close_task", "{}", 0);
	scene_settle(&s);
	assert_string_equal(shown(s.incident), before);
	(void)event("siem", "abuse", 1, "open", ""); /* control */
	assert_says(shown(s.incident), "\"severity\":1");
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_INCIDENT_UPDATED), 1);
	assert_int_equal(scene_count(&disk, LEAF_INCIDENT_CLOSED), 0);
	scene_free_log(&disk);
}

/* The table of messages itself: nobody else has a word for it. */
static void only_the_peoples_front_can_say_anything_about_incidents(void **state)
{
	(void)state;
	static const enum role others[] = {R_AGENTS, R_RUNNER, R_COURIER, R_KEEPER, R_INDEX};

	assert_true(message_is_allowed(MESSAGE_INCIDENT, R_PEOPLE, R_GOVERNOR)); /* control */
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		assert_false(message_is_allowed(MESSAGE_INCIDENT, others[i], R_GOVERNOR));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)
	const struct CMUnitTest tests[] = {
	    TEST(a_source_changes_its_own_incident_both_ways),
	    TEST(a_downgrade_takes_authority_away_at_the_next_decision),
	    TEST(another_source_cannot_touch_it),
	    TEST(what_comes_twice_or_late_changes_nothing),
	    TEST(a_closed_incident_is_opened_again_as_a_new_one),
	    TEST(an_end_that_comes_before_its_beginning_is_remembered),
	    TEST(what_is_only_said_again_writes_nothing_and_reopens_nothing),
	    TEST(nothing_an_agent_says_changes_the_incident),
	    cmocka_unit_test(only_the_peoples_front_can_say_anything_about_incidents),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
