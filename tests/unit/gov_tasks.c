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
	scene_settle(&s);
	assert_says(scene_call(&s, "remit___close_task", "{}", 0), "is not verified");
	close_task();
	l = scene_last(&disk, LEAF_TASK_CLOSED);
	assert_str(l->task_closed.closure, "partial");
	assert_int_equal(l->task_closed.left.n, 1);
	scene_free_log(&disk);
}

#define TASK_TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TASK_TEST(a_task_steps_up_only_when_it_asks_and_may),
	    TASK_TEST(a_task_with_something_unverified_closes_as_partial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
