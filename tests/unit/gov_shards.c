/* SPDX-License-Identifier: Apache-2.0 */
/* gov_shards.c - what keeps leaves from being pruned although two persons want them gone. */
#include "shard_scene.h"

static struct scene s;
static struct scene_log disk;

static void open_scene(void)
{
	memset(&s, 0, sizeof(s));
	shard_set_up();
	scene_start(&s);
	shard_begin(&s, 1);
	shard_begin(&s, 2); /* so that two snapshots are newer than what is before the first */
}

static void two_persons_prune_what_is_old_enough(void **state)
{
	(void)state;

	open_scene();
	shard_wait(&s, 1, "\"prunable\":true");
	assert_int_equal(shard_prune(&s, 65000, 1)->code, 403);
	assert_says(shard_prune(&s, ALICE, 1)->text, "proposed");
	assert_says(shard_prune(&s, ALICE, 1)->text, "proposed"); /* one person is not two */
	assert_says(shard_prune(&s, BOB, 1)->text, "\"pruned\"");
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_LOG_PRUNED), 1);
	assert_str(scene_last(&disk, LEAF_LOG_PRUNED)->log_pruned.by, "bob");
	assert_str(scene_last(&disk, LEAF_LOG_PRUNED)->log_pruned.proposed_by, "alice");
	scene_free_log(&disk);
}

/* Whoever can set the clock could make everything old. */
static void a_clock_that_jumped_prunes_nothing(void **state)
{
	(void)state;
	const char *jumped = "the clock has jumped, and nobody has confirmed it";

	open_scene();
	shard_wait(&s, 2, "they are kept until");
	scene_jump(2 * SHARD_HOUR_MS);
	shard_wait(&s, 2, jumped);
	shard_wait(&s, 1, jumped); /* which could go before */
	assert_int_equal(shard_prune(&s, ALICE, 2)->code, 403);
	assert_says(shard_prune(&s, ALICE, 2)->text, jumped);
	shard_leaf(&s); /* with a time that the clock made up */
	scene_kill(&s); /* no other life believes it either */
	scene_start(&s);
	assert_says(shard_prune(&s, ALICE, 1)->text, jumped);
	assert_true(s.clock_jumped); /* as /healthz says */
	assert_int_equal(scene_command(&s, BOB, COMMAND_CLOCK_CONFIRM, "{}")->code, 200);
	shard_wait(&s, 1, "\"prunable\":true"); /* control */
	assert_false(s.clock_jumped);
	assert_says(shard_prune(&s, ALICE, 1)->text, "proposed");
	assert_says(shard_prune(&s, BOB, 1)->text, "\"pruned\"");
	scene_close(&s);
}

static void a_jump_between_two_persons_keeps_the_second_from_pruning(void **state)
{
	(void)state;

	open_scene();
	shard_wait(&s, 1, "\"prunable\":true");
	assert_says(shard_prune(&s, ALICE, 1)->text, "proposed");
	scene_jump(5 * 60 * 1000); /* less than the fifteen minutes that a proposal lasts */
	shard_wait(&s, 1, "the clock has jumped");
	assert_int_equal(shard_prune(&s, BOB, 1)->code, 403);
	assert_true(s.clock_jumped);
	scene_jump(-5 * 60 * 1000);
	shard_wait(&s, 1, "\"prunable\":true");
	assert_false(s.clock_jumped);
	assert_says(shard_prune(&s, BOB, 1)->text, "\"pruned\""); /* control */
	scene_close(&s);
}

static void a_clock_that_jumped_begins_no_shard(void **state)
{
	(void)state;

	memset(&s, 0, sizeof(s));
	shard_set_up();
	scene_start(&s);
	shard_begin(&s, 1);
	shard_leaf(&s);
	scene_jump(2 * SHARD_HOUR_MS);
	shard_wait(&s, 1, "the clock has jumped");
	shard_publish(&s, 8); /* as long as three shards take to begin */
	assert_null(shard_line(&s, 2));
	assert_int_equal(scene_command(&s, BOB, COMMAND_CLOCK_CONFIRM, "{}")->code, 200);
	shard_wait(&s, 2, "\"first\":"); /* control */
	scene_close(&s);
}

/* What cannot be removed is not forgotten, and nothing more goes meanwhile. */
static void what_cannot_be_removed_is_tried_again(void **state)
{
	(void)state;
	AUTO_BUF text = BUF_INIT(256);
	char path[256];

	open_scene();
	shard_begin(&s, 3);
	shard_wait(&s, 1, "\"prunable\":true");
	shard_wait(&s, 2, "\"prunable\":true");
	scene_path(path, "state/log/pruned");
	assert_int_equal(mkdir(path, 0700), 0); /* no file can take its place */
	assert_says(shard_prune(&s, ALICE, 1)->text, "proposed");
	assert_says(shard_prune(&s, BOB, 1)->text, "\"pruned\"");
	shard_publish(&s, 4); /* by then it was tried */
	shard_wait(&s, 2, "are still being removed");
	assert_int_equal(shard_prune(&s, ALICE, 2)->code, 403);
	scene_kill(&s);
	scene_start(&s);
	assert_says(shard_prune(&s, ALICE, 2)->text, "are still being removed");
	assert_int_equal(rmdir(path), 0);
	shard_wait(&s, 2, "\"prunable\":true"); /* control */
	assert_ok(file_read(path, &text, NULL));
	assert_true(text.n > 0);
	scene_close(&s);
}

/* What happened last in it may go all the same when it is old enough. */
static void a_log_in_which_nothing_happens_does_not_grow(void **state)
{
	(void)state;

	memset(&s, 0, sizeof(s));
	shard_set_up();
	scene_start(&s);
	shard_begin(&s, 1);
	for (int i = 0; i < 3; i++) {
		scene_pass(SHARD_HOUR_MS + 1000);
		shard_wait(&s, 1, "\"prunable\":true");
		scene_settle(&s);
	}
	assert_null(shard_line(&s, 2));
	shard_leaf(&s);
	shard_wait(&s, 2, "\"first\":"); /* control: something has happened */
	scene_close(&s);
	scene_read_log(&disk);
	assert_int_equal(scene_count(&disk, LEAF_SNAPSHOT_TAKEN), 2);
	assert_int_equal(scene_count(&disk, LEAF_SHARD_BEGAN), 2);
	scene_free_log(&disk);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SCENE_TEST(two_persons_prune_what_is_old_enough),
	    SCENE_TEST(a_clock_that_jumped_prunes_nothing),
	    SCENE_TEST(a_jump_between_two_persons_keeps_the_second_from_pruning),
	    SCENE_TEST(a_clock_that_jumped_begins_no_shard),
	    SCENE_TEST(a_log_in_which_nothing_happens_does_not_grow),
	    SCENE_TEST(what_cannot_be_removed_is_tried_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
