/* SPDX-License-Identifier: Apache-2.0 */
/* The governor while something is wrong with its log: nothing is sent, agents and people are told
 * so at once, and what stops and takes away goes on. Failing disks are in tests/fault and in the
 * simulator (drill.c). */
#include "gov_scene.h"

#include <stdio.h>

static struct scene s;
static struct scene_log disk;

enum { TRIES = 100 };

/* Until the status and the people's front say so; each try is a tick or more. */
static void wait_for_health(const char *health, uint64_t pass_ms)
{
	char want[64];

	(void)snprintf(want, sizeof(want), "\"health\":\"%s\"", health);
	for (int i = 0; i < TRIES; i++) {
		bool is = strstr(scene_command(&s, ALICE, COMMAND_STATUS, "{}")->text, want);

		/* And what /healthz says. */
		if (is && strcmp(s.log_health, strcmp(health, "good") ? health : "") == 0) {
			return;
		}
		s.n_answers = 0; /* the scene keeps so many */
		scene_pass(pass_ms);
		for (int k = 0; k < 6; k++) {
			scene_step(&s, 10);
		}
	}
	fail_msg("the health never is '%s'", health);
}

static void nothing_is_sent_but_stops_are_taken(void)
{
	size_t n = s.n_admissions;

	assert_says(scene_call(&s, "db___look", LOGIN, 0), "audit_unavailable");
	assert_int_equal(s.n_admissions, n);
	assert_int_equal(scene_command(&s, ERIN, COMMAND_RESUME, "{\"scope\":\"all\"}")->code, 503);
	assert_int_equal(
	    scene_command(&s, ALICE, COMMAND_KILL, "{\"scope\":\"tool\",\"name\":\"db___lock\"}")
		->code,
	    200);
}

static void what_was_told_is_on_disk(const char *why)
{
	const struct leaf *first = NULL;
	size_t denied = 0;

	scene_read_log(&disk);
	assert_true(scene_count(&disk, LEAF_LOG_RECOVERED) >= 1);
	assert_int_equal(scene_count(&disk, LEAF_KILL_SET), 1);
	for (size_t i = 0; i < disk.n; i++) {
		if (!first && disk.leaves[i].kind == LEAF_LOG_DEGRADED) {
			first = &disk.leaves[i];
		}
		denied += disk.leaves[i].kind == LEAF_CALL_DECIDED &&
			  str_eq(disk.leaves[i].call_decided.reason, STR("audit_unavailable"));
	}
	assert_true(denied > 0);
	assert_non_null(first);
	assert_str(first->log_degraded.why, why);
	scene_free_log(&disk);
}

static void a_log_whose_file_was_moved_away_sends_nothing_until_it_is_back(void **state)
{
	char name[256];
	char away[256];

	(void)state;
	scene_open(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login"); /* control */
	scene_path(name, "state/segments/00000000000000000000.seg");
	scene_path(away, "state/segments/away");
	assert_int_equal(rename(name, away), 0);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "audit_unavailable");
	wait_for_health("emergency", 0);
	nothing_is_sent_but_stops_are_taken();
	assert_int_equal(rename(away, name), 0);
	wait_for_health("good", 1100);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	scene_close(&s);
	what_was_told_is_on_disk("emergency");
}

static void a_keeper_that_does_not_sign_stops_all_that_is_sent(void **state)
{
	(void)state;
	scene_open(&s);
	s.holds_signatures = true;
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login"); /* control */
	for (int i = 0; i < TRIES && !s.held_size; i++) {
		scene_step(&s, 20);
	}
	wait_for_health("keeper", 500);
	nothing_is_sent_but_stops_are_taken();
	scene_sign_held(&s);
	wait_for_health("good", 0);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	scene_close(&s);
	what_was_told_is_on_disk("keeper");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)
	const struct CMUnitTest tests[] = {
	    TEST(a_log_whose_file_was_moved_away_sends_nothing_until_it_is_back),
	    TEST(a_keeper_that_does_not_sign_stops_all_that_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
