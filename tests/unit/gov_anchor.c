/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper signed last must be in the log that the governor finds. */
#include "gov_scene.h"

static struct scene s;
static struct scene_log disk;

/* A log with a few leaves, published, and no governor. */
static size_t make_log(void)
{
	char checkpoint[256];
	size_t n;

	scene_open(&s);
	scene_path(checkpoint, "state/log/checkpoint");
	for (int i = 0; i < SCENE_PATIENCE && access(checkpoint, F_OK) != 0; i++) {
		scene_step(&s, 20);
	}
	assert_int_equal(access(checkpoint, F_OK), 0);
	scene_kill(&s);
	scene_read_log(&disk);
	n = disk.n;
	scene_free_log(&disk);
	assert_true(n > 2);
	return n;
}

/* Starts a governor that is expected to end; how many leaves it has added. */
static size_t start_in_vain(size_t before)
{
	size_t after;

	scene_start(&s);
	for (int i = 0; i < SCENE_PATIENCE && !s.is_gone; i++) {
		scene_step(&s, 20);
	}
	assert_true(s.is_gone);
	assert_int_equal(scene_reap(&s), 1);
	scene_read_log(&disk);
	after = disk.n;
	scene_free_log(&disk);
	return after - before;
}

/* The root of the published log's first leaf. */
static void root_of_one(uint8_t ret[32])
{
	AUTO_TLOG_DIR d = NULL;
	AUTO_TLOG_HASHER h = tlog_hasher_new();
	AUTO_BUF note = BUF_INIT(65536);
	AUTO_BUF leaf = BUF_INIT(65536);
	struct tlog_vkey key;
	struct tlog_checkpoint c;
	struct tlog_hash hash;
	char path[256];

	scene_path(path, "state/log");
	assert_ok(tlog_dir_open(path, &d, NULL));
	assert_ok(tlog_dir_read_checkpoint(d, &note, NULL));
	scene_key(&key);
	assert_ok(tlog_checkpoint_open(buf_view(&note), &key, &c, NULL));
	tlog_dir_set_size(d, c.size);
	assert_ok(tlog_dir_read_leaf(d, 0, &leaf, NULL));
	hash = tlog_leaf_hash(h, buf_view(&leaf));
	memcpy(ret, hash.bytes, 32);
}

static void an_older_image_of_the_log_does_nothing_at_all(void **state)
{
	(void)state;
	size_t n = make_log();

	s.anchor_size = n + 1;
	assert_int_equal(start_in_vain(n), 0);
	s.anchor_size = 0; /* control: a keeper that signed nothing finds nothing missing */
	scene_start(&s);
	scene_settle(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	scene_close(&s);
}

static void another_log_than_the_one_that_was_signed_does_nothing_for_anybody(void **state)
{
	(void)state;
	size_t n = make_log();

	s.anchor_size = 1;
	root_of_one(s.anchor_root);
	s.anchor_root[0] ^= 1;
	/* It writes that it began, and then sees whose tree it is; nobody was listened to. */
	assert_true(start_in_vain(n) <= 4);
	s.anchor_root[0] ^= 1;
	scene_start(&s);
	scene_settle(&s);
	assert_says(scene_call(&s, "db___look", LOGIN, 0), "can_login");
	scene_close(&s);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_make_place, scene_remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SCENE_TEST(an_older_image_of_the_log_does_nothing_at_all),
	    SCENE_TEST(another_log_than_the_one_that_was_signed_does_nothing_for_anybody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
