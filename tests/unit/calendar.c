/* SPDX-License-Identifier: Apache-2.0 */
#include "core/calendar.h"

#include "test.h"

enum { MON = 0, TUE = 1440, WED = 2880, FRI = 4 * 1440, SAT = 5 * 1440, SUN = 6 * 1440 };

static bool has(const char *window, unsigned minute)
{
	struct week_window w;

	if (!week_window_parse(str_from(window), &w)) {
		fail_msg("'%s' is not read", window);
	}
	return week_window_has(&w, minute);
}

static void windows_begin_and_end_to_the_minute(void **state)
{
	(void)state;
	assert_false(has("mon-fri 08:00-20:00", MON + 479));
	assert_true(has("mon-fri 08:00-20:00", MON + 480));
	assert_true(has("mon-fri 08:00-20:00", FRI + 1199));
	assert_false(has("mon-fri 08:00-20:00", FRI + 1200));
	assert_false(has("mon-fri 08:00-20:00", SAT + 600));
	assert_true(has("daily 20:00-08:00", SUN + 1439));
	assert_true(has("daily 20:00-08:00", MON + 0)); /* the night of Sunday */
	assert_true(has("daily 20:00-08:00", MON + 479));
	assert_false(has("daily 20:00-08:00", MON + 480));
	assert_true(has("sat-mon 00:00-24:00", MON + 1439));
	assert_false(has("sat-mon 00:00-24:00", TUE));
	assert_true(has("fri 16:00-mon 08:00", FRI + 960));
	assert_true(has("fri 16:00-mon 08:00", MON + 479));
	assert_false(has("fri 16:00-mon 08:00", MON + 480));
	assert_false(has("fri 16:00-mon 08:00", WED));
	for (unsigned m = 0; m < WEEK_MINUTES; m++) {
		assert_true(has("always", m));
		assert_true(has("daily 08:00-20:00", m) != has("daily 20:00-08:00", m));
	}
}

static void what_is_no_window_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "mon",
	    "mon 08:00",
	    "mon 8:00-9:00",
	    "mon 08:00-25:00",
	    "mon 08:60-09:00",
	    "mon 24:00-09:00",
	    "day 08:00-09:00",
	    "mon- 08:00-09:00",
	    "mon-fri-sat 08:00-09:00",
	    "mon 08:00-09:00 x",
	    "mon  08:00-09:00",
	    "mon 08:00 -09:00",
	    "MON 08:00-09:00",
	    "mon 08:00-tue",
	    "always ",
	};
	struct week_window w;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (week_window_parse(str_from(bad[i]), &w)) {
			fail_msg("'%s' is read", bad[i]);
		}
	}
}

static void the_week_begins_on_monday(void **state)
{
	(void)state;
	assert_int_equal(week_minute(0), 3 * 1440);		     /* Thursday */
	assert_int_equal(week_minute(1764000000000), MON + 16 * 60); /* 2025-11-24 */
	assert_int_equal(week_minute(1764000000000 - 16 * 3600000 - 1), SUN + 1439);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(windows_begin_and_end_to_the_minute),
	    cmocka_unit_test(what_is_no_window_is_refused),
	    cmocka_unit_test(the_week_begins_on_monday),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
