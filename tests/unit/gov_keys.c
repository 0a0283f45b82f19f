/* SPDX-License-Identifier: Apache-2.0 */
/* Which data keys a life of the governor opens, and what it does without one. */
#include "gov_scene.h"

#include <dirent.h>

#include "base/num.h"

static struct scene s;
static struct scene_log disk;

enum { DAY_MS = 24 * 3600 * 1000 };

/* How many keys are bound to that leaf; the largest serial of them. */
static size_t bound(uint64_t leaf, uint64_t *ret_serial)
{
	char path[256];
	char suffix[64];
	struct dirent *entry;
	size_t n = 0;
	DIR *d;

	*ret_serial = 0;
	scene_path(path, "state/keys");
	(void)snprintf(suffix, sizeof(suffix), "-%llu.key", (unsigned long long)leaf);
	d = opendir(path);
	assert_non_null(d);
	while ((entry = readdir(d))) {
		struct str name = str_from(entry->d_name);
		uint64_t serial;

		if (str_has_suffix(name, str_from(suffix))) {
			assert_true(num_u64(str_cut(&name, '-'), UINT64_MAX, &serial));
			*ret_serial = serial > *ret_serial ? serial : *ret_serial;
			n++;
		}
	}
	(void)closedir(d);
	return n;
}

static const struct heard_reply *about_task(unsigned uid, enum command_verb verb)
{
	char body[64];

	(void)snprintf(body, sizeof(body), "{\"id\":\"t%llu\"}", (unsigned long long)s.task);
	return scene_command(&s, uid, verb, body);
}

static void restart(void)
{
	scene_kill(&s);
	s.n_opened = 0;
	scene_start(&s);
	scene_settle(&s);
}

/* The look says which rows it found. */
static void describe_look(void)
{
	static const char at[] = "  look:\n";
	AUTO_BUF out = BUF_INIT(65536);

	for (size_t i = 0; i < ARRAY_LEN(scene_files); i++) {
		const char *text = scene_files[i].text;
		const char *look = strstr(text, at);

		if (strcmp(scene_files[i].path, "upstreams/db.yaml") == 0) {
			assert_non_null(look);
			look += strlen(at);
			assert_ok(buf_add(&out, str_of(text, (size_t)(look - text))));
			assert_ok(buf_add(
			    &out, STR("    reads: [{objects: /rows, kind: row, id: /id}]\n")));
			assert_ok(buf_add(&out, str_from(look)));
			assert_ok(buf_add_char(&out, '\0'));
			scene_write_dated("deployment/upstreams/db.yaml", out.p);
		}
	}
}

static const char *show_read(uint64_t leaf)
{
	char body[64];

	(void)snprintf(body, sizeof(body), "{\"id\":\"%llu\"}", (unsigned long long)leaf);
	return scene_command(&s, ALICE, COMMAND_READ_SHOW, body)->text;
}

static uint64_t find_read(void)
{
	for (uint64_t leaf = s.task; leaf < s.task + 20; leaf++) {
		if (strstr(show_read(leaf), "row-7")) {
			return leaf;
		}
	}
	fail_msg("nothing was accounted for");
	return 0;
}

static void what_is_over_stays_shut_until_somebody_reads_it(void **state)
{
	(void)state;
	uint64_t leaf;
	size_t opened;

	describe_look();
	scene_open(&s);
	s.held_tool = "look";
	(void)scene_ask(&s, RESPONDER, s.task, "db___look", LOGIN, 0);
	scene_outcome(&s, scene_wait_admission(&s, "look", 1), OUTCOME_OK,
		      "{\"content\":[{\"type\":\"text\",\"text\":\"{\\\"rows\\\":[{\\\"id\\\":"
		      "\\\"row-7\\\"}]}\"}],\"isError\":false}");
	scene_settle(&s);
	leaf = find_read();
	restart();
	opened = s.n_opened;
	assert_true(opened > 0);
	assert_says(show_read(leaf), "row-7");
	assert_int_equal(s.n_opened, opened); /* it was open */
	(void)scene_call(&s, "remit___close_task", "{}", 0);
	scene_settle(&s);
	scene_pass(2 * DAY_MS);
	scene_settle(&s);
	assert_says(about_task(ALICE, COMMAND_TASK_ERASE)->text, "proposed"); /* time in the log */
	scene_pass(DAY_MS / 24);
	scene_settle(&s);
	assert_int_equal(about_task(ALICE, COMMAND_TASK_SHOW)->code, 404);
	opened = s.n_opened;
	assert_says(show_read(leaf), "row-7");
	assert_int_equal(s.n_opened, opened + 1); /* this life has shut it */
	restart();
	opened = s.n_opened;
	assert_says(show_read(leaf), "row-7");
	assert_int_equal(s.n_opened, opened + 1);
	assert_says(show_read(leaf), "row-7");
	assert_int_equal(s.n_opened, opened + 2); /* it was shut again */
	scene_close(&s);
}

static void a_forgotten_task_can_be_erased(void **state)
{
	(void)state;
	uint64_t serial;

	scene_may_be_erased = true;
	scene_open(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	(void)scene_call(&s, "remit___close_task", "{}", 0);
	scene_settle(&s);
	scene_pass(2 * DAY_MS);
	scene_settle(&s);
	restart();
	assert_int_equal(bound(s.task, &serial), 1);
	assert_says(about_task(ALICE, COMMAND_TASK_ERASE)->text, "proposed");
	assert_says(about_task(BOB, COMMAND_TASK_ERASE)->text, "erasing");
	scene_settle(&s);
	assert_int_equal(bound(s.task, &serial), 0);
	assert_int_equal(about_task(ALICE, COMMAND_TASK_ERASE)->code, 404);
	assert_says(about_task(ALICE, COMMAND_TASK_ERASE)->text, "has no key");
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_TASK_ERASED), 1);
	scene_free_log(&disk);
}

static void a_task_whose_key_cannot_be_opened_goes_on_with_another(void **state)
{
	(void)state;
	uint64_t first;
	uint64_t serial;

	scene_may_be_erased = true;
	scene_open(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	scene_settle(&s);
	assert_int_equal(bound(s.task, &first), 1);
	s.refused_key = first;
	restart();
	assert_int_equal(bound(s.task, &serial), 2);
	assert_true(serial > first);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	/* The next life takes the later one, though the keeper has found its mind again. */
	s.refused_key = 0;
	restart();
	assert_int_equal(bound(s.task, &serial), 2);
	(void)scene_call(&s, "remit___close_task", "{}", 0);
	scene_settle(&s);
	assert_says(about_task(ALICE, COMMAND_TASK_ERASE)->text, "proposed");
	assert_says(about_task(BOB, COMMAND_TASK_ERASE)->text, "erasing");
	scene_settle(&s);
	assert_int_equal(bound(s.task, &serial), 0); /* and so all that was sealed for it */
	scene_close(&s);
	scene_read_log(&disk);
	scene_free_log(&disk);
}

static void fresh_keys_of_the_last_life_are_taken_first(void **state)
{
	(void)state;
	char path[256];
	struct dirent *entry;
	size_t n = 0;
	DIR *d;

	scene_open(&s);
	for (int i = 0; i < 5; i++) {
		restart();
	}
	scene_path(path, "state/keys");
	d = opendir(path);
	assert_non_null(d);
	while ((entry = readdir(d))) {
		struct str name = str_from(entry->d_name);

		n += str_has_suffix(name, STR(".key")) && !str_has_suffix(name, STR("tags.key")) &&
		     !memchr(name.p, '-', name.n);
	}
	(void)closedir(d);
	assert_int_equal(n, 4);
	scene_close(&s);
}

static int set_up(void **state)
{
	scene_may_be_erased = false;
	return scene_make_place(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_over_stays_shut_until_somebody_reads_it, set_up,
					    scene_remove_place),
	    cmocka_unit_test_setup_teardown(a_forgotten_task_can_be_erased, set_up,
					    scene_remove_place),
	    cmocka_unit_test_setup_teardown(a_task_whose_key_cannot_be_opened_goes_on_with_another,
					    set_up, scene_remove_place),
	    cmocka_unit_test_setup_teardown(fresh_keys_of_the_last_life_are_taken_first, set_up,
					    scene_remove_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
