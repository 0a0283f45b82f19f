/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "drill/disk.h"
#include "governor/life_keys.h"

struct scene {
	struct disk *disk;
	struct log_io io;
	struct life_key keys[LIFE_KEYS];
	size_t n;
};

static void open_scene(struct scene *s)
{
	*s = (struct scene){.disk = disk_new(1)};
	assert_non_null(s->disk);
	s->io = disk_io(s->disk);
}

static void load(struct scene *s)
{
	assert_ok(life_keys_load(&s->io, s->keys, &s->n, NULL));
}

static void a_key_is_there_after_a_power_cut_though_the_disk_was_full(void **state)
{
	(void)state;
	struct scene s;

	open_scene(&s);
	assert_ok(life_keys_prepare(&s.io, NULL));
	disk_set_mood(s.disk, DISK_FULL);
	assert_true(log_io_replace_file(&s.io, "7.key", STR("wrapped"), NULL) != RC_OK);
	assert_ok(life_keys_add(&s.io, 7, STR("wrapped"), NULL));
	assert_ok(life_keys_add(&s.io, 9, STR("another"), NULL));
	assert_ok(life_keys_prepare(&s.io, NULL)); /* it is there, and left as it is */
	disk_power_cut(s.disk);
	load(&s);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.keys[0].serial, 7);
	assert_true(str_eq(str_of(s.keys[0].wrapped, s.keys[0].n), STR("wrapped")));
	assert_int_equal(s.keys[1].serial, 9);
	assert_ok(life_keys_clear(&s.io, NULL));
	load(&s);
	assert_int_equal(s.n, 0);
	disk_free(s.disk);
}

static void without_room_set_aside_there_is_none(void **state)
{
	(void)state;
	struct scene s;

	open_scene(&s);
	load(&s);
	assert_int_equal(s.n, 0);
	assert_rc(life_keys_add(&s.io, 1, STR("wrapped"), NULL), RC_ABSENT);
	disk_set_mood(s.disk, DISK_FULL);
	assert_rc(life_keys_prepare(&s.io, NULL), RC_IO);
	disk_set_mood(s.disk, DISK_GOOD);
	assert_ok(life_keys_prepare(&s.io, NULL)); /* nothing half-made was left in the way */
	assert_ok(life_keys_add(&s.io, 1, STR("wrapped"), NULL));
	disk_free(s.disk);
}

static void a_slot_is_written_once(void **state)
{
	(void)state;
	struct scene s;
	uint64_t serial = 1;
	char long_key[LIFE_KEY_WRAPPED_MAX + 1] = {0};

	open_scene(&s);
	assert_ok(life_keys_prepare(&s.io, NULL));
	assert_rc(life_keys_add(&s.io, 1, str_of(long_key, sizeof(long_key)), NULL), RC_LIMIT);
	while (serial <= LIFE_KEYS) {
		assert_ok(life_keys_add(&s.io, serial++, STR("wrapped"), NULL));
	}
	assert_rc(life_keys_add(&s.io, serial, STR("wrapped"), NULL), RC_LIMIT);
	load(&s);
	assert_int_equal(s.n, LIFE_KEYS);
	for (size_t i = 0; i < LIFE_KEYS; i++) {
		assert_int_equal(s.keys[i].serial, i + 1);
	}
	disk_free(s.disk);
}

static void a_damaged_slot_does_not_count_and_is_not_written_over(void **state)
{
	(void)state;

	for (uint64_t at = 0; at < 128; at++) {
		struct scene s;

		open_scene(&s);
		assert_ok(life_keys_prepare(&s.io, NULL));
		assert_ok(life_keys_add(&s.io, 3, STR("wrapped"), NULL));
		assert_ok(life_keys_add(&s.io, 4, STR("wrapped"), NULL));
		assert_true(disk_flip(s.disk, "life.keys", at, 0x10));
		load(&s);
		assert_int_equal(s.n, 1);
		assert_int_equal(s.keys[0].serial, 4);
		assert_ok(life_keys_add(&s.io, 5, STR("wrapped"), NULL));
		load(&s);
		assert_int_equal(s.n, 2);
		assert_int_equal(s.keys[1].serial, 5);
		disk_free(s.disk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_is_there_after_a_power_cut_though_the_disk_was_full),
	    cmocka_unit_test(without_room_set_aside_there_is_none),
	    cmocka_unit_test(a_slot_is_written_once),
	    cmocka_unit_test(a_damaged_slot_does_not_count_and_is_not_written_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
