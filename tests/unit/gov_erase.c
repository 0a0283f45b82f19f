/* SPDX-License-Identifier: Apache-2.0 */
/* The governor destroys what is sealed for a task, when two persons say so. */
#include "gov_scene.h"

#include <dirent.h>

static struct scene s;
static struct scene_log disk;

static const struct heard_reply *about(unsigned uid, enum command_verb verb)
{
	char body[64];

	(void)snprintf(body, sizeof(body), "{\"id\":\"t%llu\"}", (unsigned long long)s.task);
	return scene_command(&s, uid, verb, body);
}

/* The file of the key that is bound to the task. */
static bool has_key_of_task(void)
{
	char path[256];
	char suffix[64];
	struct dirent *entry;
	bool has = false;
	DIR *d;

	scene_path(path, "state/keys");
	(void)snprintf(suffix, sizeof(suffix), "-%llu.key", (unsigned long long)s.task);
	d = opendir(path);
	assert_non_null(d);
	while ((entry = readdir(d))) {
		has |= str_has_suffix(str_from(entry->d_name), str_from(suffix));
	}
	(void)closedir(d);
	return has;
}

static void open_and_close(void)
{
	scene_may_be_erased = true;
	scene_open(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	assert_int_equal(about(ALICE, COMMAND_TASK_ERASE)->code, 403); /* it runs */
	(void)scene_call(&s, "remit___close_task", "{}", 0);
	scene_settle(&s);
	assert_true(has_key_of_task());
}

static void a_tasks_values_are_erased_by_two_persons(void **state)
{
	(void)state;
	char on[96];

	open_and_close();
	assert_says(about(ALICE, COMMAND_TASK_ERASE)->text, "proposed");
	assert_says(about(ALICE, COMMAND_TASK_ERASE)->text, "proposed"); /* one is not two */
	scene_settle(&s);
	assert_true(has_key_of_task());
	(void)snprintf(on, sizeof(on), "{\"name\":\"case-1\",\"on\":\"i%llu\"}",
		       (unsigned long long)s.incident);
	assert_int_equal(scene_command(&s, ERIN, COMMAND_HOLD_PLACE, on)->code, 200);
	assert_says(about(BOB, COMMAND_TASK_ERASE)->text, "legal hold 'case-1' is on it");
	assert_int_equal(
	    scene_command(&s, BOB, COMMAND_HOLD_RELEASE, "{\"name\":\"case-1\"}")->code, 200);
	assert_says(about(BOB, COMMAND_TASK_ERASE)->text, "erasing");
	scene_settle(&s);
	assert_false(has_key_of_task());
	/* It does not come back, and what is decided again is there already. */
	scene_kill(&s);
	scene_start(&s);
	scene_settle(&s);
	assert_false(has_key_of_task());
	assert_int_equal(scene_command(&s, ALICE, COMMAND_TASK_ERASE, "{\"id\":\"t999999\"}")->code,
			 404);
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_ERASE_PROPOSED), 2);
	assert_int_equal(scene_count(&disk, LEAF_ERASE_DECIDED), 1);
	assert_int_equal(scene_count(&disk, LEAF_TASK_ERASED), 1);
	assert_true(scene_last(&disk, LEAF_ERASE_DECIDED)->erase_decided.key > 0);
	assert_str(scene_last(&disk, LEAF_ERASE_DECIDED)->erase_decided.proposed_by, "alice");
	scene_free_log(&disk);
}

static void an_erasure_that_was_decided_is_finished_by_the_next_life(void **state)
{
	(void)state;

	open_and_close();
	assert_says(about(ALICE, COMMAND_TASK_ERASE)->text, "proposed");
	assert_says(about(BOB, COMMAND_TASK_ERASE)->text, "erasing");
	scene_kill(&s); /* in the round of the decision, or soon after */
	scene_start(&s);
	scene_settle(&s);
	assert_false(has_key_of_task());
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_TASK_ERASED), 1);
	scene_free_log(&disk);
}

/* As a life leaves it that ended between the binding of a key and the leaf that it is bound to. */
static void bind_one_more(void)
{
	char path[256];
	char name[64];
	FILE *f;

	(void)snprintf(name, sizeof(name), "state/keys/900-%llu.key", (unsigned long long)s.task);
	scene_path(path, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fputs("wrapped", f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
}

static void a_second_key_of_the_task_goes_too(void **state)
{
	(void)state;

	open_and_close();
	scene_kill(&s);
	bind_one_more();
	scene_start(&s);
	scene_settle(&s);
	assert_says(about(ALICE, COMMAND_TASK_ERASE)->text, "proposed");
	assert_says(about(BOB, COMMAND_TASK_ERASE)->text, "erasing");
	scene_settle(&s);
	assert_false(has_key_of_task());
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_TASK_ERASED), 1);
	scene_free_log(&disk);
}

static void a_proposal_does_not_wait_for_ever(void **state)
{
	(void)state;

	open_and_close();
	assert_says(about(ALICE, COMMAND_TASK_ERASE)->text, "proposed");
	scene_pass(MOTION_MS + 1000);
	scene_settle(&s);
	assert_says(about(BOB, COMMAND_TASK_ERASE)->text, "proposed"); /* it is his now */
	scene_settle(&s);
	assert_true(has_key_of_task());
	assert_says(about(ALICE, COMMAND_TASK_ERASE)->text, "erasing");
	scene_settle(&s);
	assert_false(has_key_of_task());
	scene_close(&s);
}

static void what_a_standing_containment_needs_is_not_erased(void **state)
{
	(void)state;

	scene_open(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	assert_says(scene_call(&s, "db___mute", LOGIN, 0), "muted");
	scene_settle(&s);
	(void)scene_call(&s, "remit___close_task", "{}", 0);
	scene_settle(&s);
	assert_int_equal(about(ALICE, COMMAND_TASK_ERASE)->code, 403);
	assert_true(has_key_of_task());
	scene_close(&s);
}

#define ERASE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ERASE_TEST(a_tasks_values_are_erased_by_two_persons),
	    ERASE_TEST(an_erasure_that_was_decided_is_finished_by_the_next_life),
	    ERASE_TEST(a_second_key_of_the_task_goes_too),
	    ERASE_TEST(a_proposal_does_not_wait_for_ever),
	    ERASE_TEST(what_a_standing_containment_needs_is_not_erased),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
