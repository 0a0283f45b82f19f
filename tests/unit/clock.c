/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/clock.h"

static void assert_time(const char *text, uint64_t ms)
{
	uint64_t got = 1;

	if (!clock_parse_rfc3339(str_from(text), &got) || got != ms) {
		fail_msg("%s: %llu, not %llu", text, (unsigned long long)got,
			 (unsigned long long)ms);
	}
}

static void times_are_read_with_fraction_and_offset(void **state)
{
	(void)state;
	assert_time("1970-01-01T00:00:00Z", 0);
	assert_time("2026-11-22T21:08:26.123Z", 1795381706123);
	assert_time("2026-11-22t21:08:26.1239999z", 1795381706123);
	assert_time("2026-11-22T23:08:26+02:00", 1795381706000);
	assert_time("2026-11-22 16:38:26.5-04:30", 1795381706500);
	assert_time("2024-02-29T00:00:00Z", 1709164800000);
	assert_time("2016-12-31T23:59:60Z", 1483228799000);
	assert_time("2026-11-22", 1795305600000);
}

static void what_was_printed_is_read_back(void **state)
{
	char text[25];

	(void)state;
	for (uint64_t ms = 0; ms < 250000000000000; ms += 86399999 * (uint64_t)977) {
		clock_format_unix_ms(ms, text);
		assert_time(text, ms);
	}
}

static void anything_else_is_refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    "2026",
	    "2026-11",
	    "2026-13-01",
	    "2026-02-29",
	    "2026-04-31",
	    "1969-12-31",
	    "2026-11-22T21:08:26",
	    "2026-11-22T21:08Z",
	    "2026-11-22T24:00:00Z",
	    "2026-11-22T21:08:61Z",
	    "2026-11-22T21:08:26.Z",
	    "2026-11-22T21:08:26Zx",
	    "2026-11-22T21:08:26+2",
	    "26-11-22T21:08:26Z",
	    "2026-11-22T21:08:26+24:00",
	    "1970-01-01T00:00:00+01:00",
	    "2026\r11\r22",
	    " 2026-11-22",
	    "now",
	};
	uint64_t ms = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_false(clock_parse_rfc3339(str_from(texts[i]), &ms));
		assert_int_equal(ms, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(times_are_read_with_fraction_and_offset),
	    cmocka_unit_test(what_was_printed_is_read_back),
	    cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
