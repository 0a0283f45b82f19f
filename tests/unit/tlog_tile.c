/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <tlog.h>

static void assert_tile(unsigned level, uint64_t n, unsigned width, const char *want)
{
	char path[TLOG_PATH_BYTES];
	struct tlog_resource r;

	tlog_tile_path(level, n, width, path);
	assert_string_equal(path, want);
	assert_true(tlog_path_parse(str_from(path), &r));
	assert_false(r.is_bundle);
	assert_int_equal(r.level, level);
	assert_int_equal(r.n, n);
	assert_int_equal(r.width, width);
}

static void paths_are_spelled_as_the_specification_has_them(void **state)
{
	(void)state;
	char path[TLOG_PATH_BYTES];
	struct tlog_resource r;

	assert_tile(0, 0, 256, "tile/0/000");
	assert_tile(0, 273, 112, "tile/0/273.p/112");
	assert_tile(1, 1234067, 256, "tile/1/x001/x234/067");
	assert_tile(63, UINT64_MAX, 255, "tile/63/x018/x446/x744/x073/x709/x551/615.p/255");
	tlog_bundle_path(1000, 3, path);
	assert_string_equal(path, "tile/entries/x001/000.p/3");
	assert_true(tlog_path_parse(str_from(path), &r));
	assert_true(r.is_bundle);
	assert_int_equal(r.n, 1000);
	assert_int_equal(r.width, 3);
}

static void other_spellings_of_paths_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "tile",
	    "tile/",
	    "tile/0",
	    "tile/0/",
	    "tile/00/000",
	    "tile/64/000",
	    "tile/0/0",
	    "tile/0/0000",
	    "tile/0/x000/001",
	    "tile/0/x001",
	    "tile/0/x001/",
	    "tile/0/001/002",
	    "tile/0/000.p",
	    "tile/0/000.p/",
	    "tile/0/000.p/0",
	    "tile/0/000.p/256",
	    "tile/0/000.p/01",
	    "tile/0/000/",
	    "tile/0/000x",
	    "tile/-1/000",
	    "tile/entrie/000",
	    "tiles/0/000",
	    "/tile/0/000",
	    "tile//000",
	    "tile/0/00a",
	    "checkpoint",
	    "tile/0/x018/x446/x744/x073/x709/x551/616",
	    "tile/0/x001/x018/x446/x744/x073/x709/x551/615",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct tlog_resource r;

		if (tlog_path_parse(str_from(bad[i]), &r)) {
			fail_msg("'%s' was accepted", bad[i]);
		}
	}
}

static void count(uint64_t size, unsigned level, uint64_t *full, unsigned *partial)
{
	*full = 0;
	*partial = 0;
	for (uint64_t n = 0;; n++) {
		unsigned width = tlog_tile_width(size, level, n);

		if (width < TLOG_TILE_WIDTH) {
			*partial = width;
			return;
		}
		(*full)++;
	}
}

static void a_log_of_70000_entries_has_the_tiles_of_the_specification(void **state)
{
	(void)state;
	uint64_t full;
	unsigned partial;

	count(70000, 0, &full, &partial);
	assert_int_equal(full, 273);
	assert_int_equal(partial, 112);
	count(70000, 1, &full, &partial);
	assert_int_equal(full, 1);
	assert_int_equal(partial, 17);
	count(70000, 2, &full, &partial);
	assert_int_equal(full, 0);
	assert_int_equal(partial, 1);
	count(70000, 3, &full, &partial);
	assert_int_equal(full + partial, 0);
}

static void a_full_tile_starts_a_partial_one_above(void **state)
{
	(void)state;
	assert_int_equal(tlog_tile_width(256, 0, 0), 256);
	assert_int_equal(tlog_tile_width(256, 0, 1), 0);
	assert_int_equal(tlog_tile_width(256, 1, 0), 1);
	assert_int_equal(tlog_tile_width(255, 1, 0), 0);
	assert_int_equal(tlog_tile_width(0, 0, 0), 0);
	assert_int_equal(tlog_tile_width(UINT64_MAX, 0, UINT64_MAX), 0);
	assert_int_equal(tlog_tile_width(UINT64_MAX, 63, 0), 0);
}

static void a_bundle_is_lengths_and_bytes(void **state)
{
	(void)state;
	static const char want[] = "\x00\x03"
				   "one"
				   "\x00\x03"
				   "two"
				   "\x00\x05"
				   "three";
	AUTO_BUF b = BUF_INIT(64);
	struct reader r;
	struct str leaf;

	assert_ok(tlog_bundle_add(&b, STR("one")));
	assert_ok(tlog_bundle_add(&b, STR("two")));
	assert_ok(tlog_bundle_add(&b, STR("three")));
	assert_int_equal(b.n, sizeof(want) - 1);
	assert_memory_equal(b.p, want, b.n);
	r = reader_of(buf_view(&b));
	assert_true(tlog_bundle_next(&r, &leaf));
	assert_str(leaf, "one");
	assert_true(tlog_bundle_next(&r, &leaf));
	assert_true(tlog_bundle_next(&r, &leaf));
	assert_str(leaf, "three");
	assert_false(tlog_bundle_next(&r, &leaf));
	assert_int_equal(r.n, 0);
}

static void a_cut_bundle_ends_in_a_malformed_entry(void **state)
{
	(void)state;
	struct reader r = reader_of(STR("\x00\x03one\x00\x04two"));
	struct str leaf;

	assert_true(tlog_bundle_next(&r, &leaf));
	assert_false(tlog_bundle_next(&r, &leaf));
	assert_int_equal(r.n, 5);
}

static void too_long_an_entry_is_refused_and_leaves_the_bundle_alone(void **state)
{
	(void)state;
	AUTO_BUF big = BUF_INIT(1 << 17);
	AUTO_BUF b = BUF_INIT(8);

	assert_ok(buf_reserve(&big, 65536));
	memset(big.p, 'x', 65536);
	assert_rc(tlog_bundle_add(&b, str_of(big.p, 65536)), RC_LIMIT);
	assert_rc(tlog_bundle_add(&b, STR("1234567")), RC_LIMIT);
	assert_int_equal(b.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(paths_are_spelled_as_the_specification_has_them),
	    cmocka_unit_test(other_spellings_of_paths_are_refused),
	    cmocka_unit_test(a_log_of_70000_entries_has_the_tiles_of_the_specification),
	    cmocka_unit_test(a_full_tile_starts_a_partial_one_above),
	    cmocka_unit_test(a_bundle_is_lengths_and_bytes),
	    cmocka_unit_test(a_cut_bundle_ends_in_a_malformed_entry),
	    cmocka_unit_test(too_long_an_entry_is_refused_and_leaves_the_bundle_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
