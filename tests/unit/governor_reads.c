/* SPDX-License-Identifier: Apache-2.0 */
/* What comes back from tools, on its way through the governor. */
#include "gov_scene.h"

static struct scene s;
static struct scene_log disk;

#define SECRET "hunter2-correct-horse"

/* The answer to a look that the target answers so. */
static const char *look_with(enum outcome_kind kind, const char *result)
{
	uint64_t req = scene_ask(&s, RESPONDER, s.task, "db___look", LOGIN, 0);

	scene_outcome(&s, scene_wait_admission(&s, "look", scene_admitted(&s, "look") + 1), kind,
		      result);
	return scene_wait(&s, req);
}

static void no_agent_sees_a_secret_of_a_result(void **state)
{
	const char *text;

	(void)state;
	scene_open(&s);
	s.held_tool = "look";
	text =
	    look_with(OUTCOME_OK, "{\"content\":[{\"type\":\"text\",\"text\":\"{\\\"password\\\":"
				  "\\\"" SECRET "\\\",\\\"can_login\\\":true}\"}]}");
	assert_null(strstr(text, SECRET));
	assert_says(text, "[redacted: secret]");
	assert_says(text, "can_login"); /* control: the rest is there */
	text =
	    look_with(OUTCOME_TOOL_ERROR, "{\"content\":[{\"type\":\"text\",\"text\":\"cannot "
					  "open postgres://a:" SECRET "@db/\"}],\"isError\":true}");
	assert_null(strstr(text, SECRET));
	assert_says(text, "cannot open postgres://a:[redacted: password]@db/");
	text = look_with(OUTCOME_OK, "no JSON, password=" SECRET);
	assert_null(strstr(text, SECRET));
	assert_says(text, "withheld");
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_READ_ACCOUNTED), 3);
	for (size_t i = 0; i < disk.n; i++) {
		if (disk.leaves[i].kind == LEAF_READ_ACCOUNTED) {
			assert_int_equal(disk.leaves[i].read_accounted.redacted, 1);
		}
	}
	scene_free_log(&disk);
}

static void a_secret_that_was_seen_marks_the_task(void **state)
{
	char body[64];

	(void)state;
	scene_open(&s);
	s.held_tool = "look";
	(void)snprintf(body, sizeof(body), "{\"id\":\"t%llu\"}", (unsigned long long)s.task);
	(void)look_with(OUTCOME_OK, "{\"content\":[]}");
	assert_null(strstr(scene_command(&s, ALICE, COMMAND_TASK_SHOW, body)->text, "\"secret\""));
	(void)look_with(OUTCOME_OK, "{\"structuredContent\":{\"token\":\"" SECRET "\"}}");
	assert_says(scene_command(&s, ALICE, COMMAND_TASK_SHOW, body)->text, "\"secret\"");
	scene_close(&s);
}

static void a_result_over_its_budget_is_withheld(void **state)
{
	static char big[19000];
	const char *text;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	memcpy(big, "{\"content\":[],\"x\":\"", 19);
	memcpy(big + sizeof(big) - 3, "\"}", 3);
	scene_open(&s);
	s.held_tool = "look";
	text = look_with(OUTCOME_OK, big);
	assert_null(strstr(text, "read_budget")); /* 18,999 bytes of 20,000 */
	text = look_with(OUTCOME_OK, big);
	assert_says(text, "read_budget");
	assert_null(strstr(text, "xxxx"));
	text = look_with(OUTCOME_OK, "{\"content\":[]}"); /* what is left is still given */
	assert_null(strstr(text, "read_budget"));
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_READ_ACCOUNTED), 3);
	assert_false(scene_last(&disk, LEAF_READ_ACCOUNTED)->read_accounted.withheld);
	scene_free_log(&disk);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SCENE_TEST(no_agent_sees_a_secret_of_a_result),
	    SCENE_TEST(a_secret_that_was_seen_marks_the_task),
	    SCENE_TEST(a_result_over_its_budget_is_withheld),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
