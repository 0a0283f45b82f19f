/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/num.h"

static void only_plain_decimals_are_numbers(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "", "01", "+1", "-1", " 1", "1 ", "0x1", "1e3", "18446744073709551616"};
	uint64_t v;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(num_u64(str_from(bad[i]), UINT64_MAX, &v));
	}
	assert_true(num_u64(STR("0"), 0, &v));
	assert_true(num_u64(STR("18446744073709551615"), UINT64_MAX, &v));
	assert_false(num_u64(STR("11"), 10, &v));
}

static void the_smallest_integer_is_read(void **state)
{
	(void)state;
	int64_t v;

	assert_true(num_i64(STR("-9223372036854775808"), &v));
	assert_true(v == INT64_MIN);
	assert_false(num_i64(STR("9223372036854775808"), &v));
	assert_false(num_i64(STR("-0"), &v));
}

static void durations_need_one_unit(void **state)
{
	(void)state;
	uint64_t v;

	assert_true(num_duration_ms(STR("90s"), &v));
	assert_int_equal(v, 90000);
	assert_true(num_duration_ms(STR("250ms"), &v));
	assert_int_equal(v, 250);
	assert_false(num_duration_ms(STR("90"), &v));
	assert_false(num_duration_ms(STR("1h30m"), &v));
	assert_false(num_duration_ms(STR("s"), &v));
	assert_false(num_duration_ms(STR("999999999999999999d"), &v));
}

static void hex_wants_the_exact_length(void **state)
{
	(void)state;
	uint8_t out[2];

	assert_true(num_hex(STR("a0Ff"), out, 2));
	assert_int_equal(out[0], 0xa0);
	assert_int_equal(out[1], 0xff);
	assert_false(num_hex(STR("a0F"), out, 2));
	assert_false(num_hex(STR("a0Fg"), out, 2));
}

static void times_are_read_in_any_zone(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "2026-11-22",
	    "2026-11-22T08:15:30",
	    "2026-11-22 08:15:30Z",
	    "2026-11-22T8:15:30Z",
	    "2026-11-22T24:15:30Z",
	    "2026-11-22T08:60:30Z",
	    "2026-11-22T08:15:61Z",
	    "2026-13-22T08:15:30Z",
	    "2026-02-29T08:15:30Z",
	    "1969-12-31T23:59:59Z",
	    "1970-01-01T00:30:00+01:00",
	    "2026-11-22T08:15:30.Z",
	    "2026-11-22T08:15:30+0100",
	    "2026-11-22T08:15:30+24:00",
	    "2026-11-22T08:15:30ZZ",
	};
	uint64_t ms;

	assert_true(num_time_unix_ms(STR("1970-01-01T00:00:00Z"), &ms));
	assert_int_equal(ms, 0);
	assert_true(num_time_unix_ms(STR("2026-11-22T08:15:30.123Z"), &ms));
	assert_int_equal(ms, 1795335330123);
	assert_true(num_time_unix_ms(STR("2026-11-22T09:15:30.123999+01:00"), &ms));
	assert_int_equal(ms, 1795335330123);
	assert_true(num_time_unix_ms(STR("2026-11-21t20:15:30.5-12:00"), &ms));
	assert_int_equal(ms, 1795335330500);
	assert_true(num_time_unix_ms(STR("2016-12-31T23:59:60Z"), &ms));
	assert_int_equal(ms, 1483228799000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (num_time_unix_ms(str_from(bad[i]), &ms)) {
			fail_msg("'%s' was read", bad[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_plain_decimals_are_numbers),
	    cmocka_unit_test(the_smallest_integer_is_read),
	    cmocka_unit_test(durations_need_one_unit),
	    cmocka_unit_test(hex_wants_the_exact_length),
	    cmocka_unit_test(times_are_read_in_any_zone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
