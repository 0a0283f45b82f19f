/* SPDX-License-Identifier: Apache-2.0 */
/* The governor while its peers are restarted alone: nothing ends that need not, nothing is lost,
 * and nothing is said about what is not known. */
#include "gov_scene.h"

static struct scene s;
static struct scene_log disk;

static void read_log(void)
{
	scene_close(&s);
	scene_read_log(&disk);
}

static size_t count_objects(void)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n_objects; i++) {
		n += s.objects[i].is_there;
	}
	return n;
}

static void what_the_courier_had_is_told_by_the_next_one(void **state)
{
	size_t n;

	(void)state;
	scene_open(&s);
	s.holds_notes = true;
	(void)scene_ask(&s, RESPONDER, s.task, "db___lock", LOGIN, 20000); /* asks people */
	scene_settle(&s);
	n = s.n_notes;
	assert_true(n > 0);
	scene_lose(&s, COURIER);
	scene_settle(&s);
	scene_pass(600);
	scene_settle(&s); /* nobody to tell, and nothing ends by it */
	assert_int_equal(s.n_notes, n);
	s.holds_notes = false;
	scene_replug(&s, COURIER);
	scene_pass(600);
	scene_settle(&s);
	assert_int_equal(s.n_notes, 2 * n); /* again, all of it */
	read_log();
	assert_int_equal(scene_count(&disk, LEAF_NOTIFIED), n); /* and each is on the record once */
	assert_true(scene_last(&disk, LEAF_NOTIFIED)->notified.delivered);
	scene_free_log(&disk);
}

static void evidence_on_its_way_to_a_store_that_ends_is_kept_by_the_next(void **state)
{
	uint64_t req;

	(void)state;
	scene_open(&s);
	s.holds_stored = true;
	assert_says(scene_call(&s, "db___dump", LOGIN, 0), "can_login");
	req = scene_ask(&s, RESPONDER, s.task, "db___scrub", LOGIN, 0);
	scene_settle(&s);
	assert_null(scene_reply(&s, req));    /* it waits for its evidence */
	assert_int_equal(count_objects(), 1); /* which is there; but nobody was told */
	scene_lose(&s, STORE);
	scene_settle(&s);
	assert_null(scene_reply(&s, req)); /* still: neither denied nor sent */
	assert_int_equal(scene_admitted(&s, "scrub"), 0);
	s.holds_stored = false;
	scene_replug(&s, STORE);
	assert_says(scene_wait(&s, req), "can_login");
	scene_settle(&s);
	assert_int_equal(count_objects(), 1); /* the first one was swept */
	read_log();
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_CAPTURED), 1);
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_FAILED), 0);
	scene_free_log(&disk);
}

static void evidence_that_comes_while_there_is_no_store_waits_for_one_but_not_for_ever(void **state)
{
	uint64_t req;

	(void)state;
	scene_open(&s);
	scene_lose(&s, STORE);
	scene_settle(&s);
	assert_says(scene_call(&s, "db___dump", LOGIN, 0), "can_login");
	scene_replug(&s, STORE);
	assert_says(scene_call(&s, "db___scrub", LOGIN, 0), "can_login");
	scene_pass(3600 * 1000 + 1); /* too old from here on */
	scene_lose(&s, STORE);
	scene_settle(&s);
	assert_says(scene_call(&s, "db___dump", LOGIN, 0), "can_login");
	req = scene_ask(&s, RESPONDER, s.task, "db___scrub", LOGIN, 0);
	scene_settle(&s);
	assert_null(scene_reply(&s, req));
	scene_pass(30001);
	assert_says(scene_wait(&s, req), "evidence_required");
	read_log();
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_CAPTURED), 1);
	assert_int_equal(scene_count(&disk, LEAF_EVIDENCE_FAILED), 1);
	scene_free_log(&disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_the_courier_had_is_told_by_the_next_one,
					    scene_make_place, scene_remove_place),
	    cmocka_unit_test_setup_teardown(
		evidence_on_its_way_to_a_store_that_ends_is_kept_by_the_next, scene_make_place,
		scene_remove_place),
	    cmocka_unit_test_setup_teardown(
		evidence_that_comes_while_there_is_no_store_waits_for_one_but_not_for_ever,
		scene_make_place, scene_remove_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
