/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "cedar/ext.h"

static int64_t datetime(const char *s)
{
	int64_t v = -1;

	assert_null(cedar_datetime_parse(str_from(s), &v));
	return v;
}

static void datetimes_are_milliseconds_since_the_epoch(void **state)
{
	(void)state;
	assert_int_equal(datetime("1970-01-01"), 0);
	assert_int_equal(datetime("1970-01-01T00:00:00.001Z"), 1);
	assert_int_equal(datetime("1969-12-31T23:59:59.999Z"), -1);
	assert_int_equal(datetime("2024-10-15T11:38:02.101+1134"),
			 datetime("2024-10-15T00:04:02.101Z"));
	assert_int_equal(datetime("2024-10-15T11:38:02-1134"), datetime("2024-10-15T23:12:02Z"));
	assert_int_equal(datetime("2000-02-29"), 951782400000);
	assert_int_equal(datetime("0000-01-01"), -62167219200000);
	assert_int_equal(datetime("9999-12-31T23:59:59.999Z"), 253402300799999);
}

static void any_other_shape_of_datetime_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "a",
	    "-",
	    "11-12-13",
	    "10000-01-01",
	    "+2024-01-01",
	    "2024-1-01",
	    "2024-00-01",
	    "2024-13-01",
	    "2024-01-00",
	    "2024-02-30",
	    "2025-02-29",
	    "1900-02-29",
	    "2024-01-01Z",
	    "2024-01-01T",
	    "2024-01-01T01:02",
	    "2024-01-01T01:02:03",
	    "2024-01-01T01:02:03ZZ",
	    "2024-01-01T24:00:00Z",
	    "2024-01-01T01:60:00Z",
	    "2024-01-01T01:02:60Z",
	    "2024-01-01T01:02:03.5Z",
	    "2024-01-01T01:02:03.Z",
	    "2024-01-01T01:02:03.1234Z",
	    "2024-01-01T01:02:03+01:00",
	    "2024-01-01T01:02:03+2400",
	    "2024-01-01T01:02:03+0060",
	    "2024-01-01t01:02:03Z",
	    " 2024-01-01",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t v;

		if (!cedar_datetime_parse(str_from(bad[i]), &v)) {
			fail_msg("'%s' was accepted", bad[i]);
		}
	}
}

static void dates_and_times_of_day_are_floored(void **state)
{
	(void)state;
	int64_t v;

	assert_true(cedar_datetime_date(datetime("1969-12-31T23:00:00Z"), &v));
	assert_int_equal(v, datetime("1969-12-31"));
	assert_int_equal(cedar_datetime_time(datetime("1969-12-31T23:00:00Z")), 23 * 3600 * 1000);
	assert_int_equal(cedar_datetime_time(datetime("1969-12-31")), 0);
	assert_false(cedar_datetime_date(INT64_MIN, &v));
}

static void durations_are_units_in_order(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
	    {"1d2h3m4s5ms", 93784005},
	    {"-1h", -3600000},
	    {"0ms", 0},
	    {"-0ms", 0},
	    {"007s", 7000},
	    {"9223372036854775807ms", INT64_MAX},
	    {"-9223372036854775808ms", INT64_MIN},
	};
	static const char *const bad[] = {
	    "",
	    "-",
	    "1",
	    "h",
	    "1h1d",
	    "1h1h",
	    "+1h",
	    "1 h",
	    "--1h",
	    "1d-1h",
	    "1H",
	    "1hms",
	    "1.5h",
	    "9223372036854775808ms",
	    "-9223372036854775809ms",
	    "106751991168d",
	    "5mms",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		int64_t v;

		assert_null(cedar_duration_parse(str_from(good[i].text), &v));
		assert_true(v == good[i].ms);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t v;

		if (!cedar_duration_parse(str_from(bad[i]), &v)) {
			fail_msg("'%s' was accepted", bad[i]);
		}
	}
}

static void decimals_keep_their_sign_and_their_range(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t units;
	} good[] = {
	    {"1.23", 12300},
	    {"-0.0001", -1},
	    {"01.0", 10000},
	    {"-1.5", -15000},
	    {"922337203685477.5807", INT64_MAX},
	    {"-922337203685477.5808", INT64_MIN},
	};
	static const char *const bad[] = {
	    "",
	    "1",
	    "1.",
	    ".1",
	    "+1.0",
	    "1.12345",
	    "--1.0",
	    "1.0.0",
	    "1e1.0",
	    " 1.0",
	    "922337203685477.5808",
	    "-922337203685477.5809",
	    "99999999999999999999.0",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		AUTO_BUF b = BUF_INIT(64);
		int64_t v;
		int64_t again;

		assert_null(cedar_decimal_parse(str_from(good[i].text), &v));
		assert_true(v == good[i].units);
		assert_ok(cedar_decimal_print(&b, v));
		assert_null(cedar_decimal_parse(buf_view(&b), &again));
		assert_true(again == v);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t v;

		if (!cedar_decimal_parse(str_from(bad[i]), &v)) {
			fail_msg("'%s' was accepted", bad[i]);
		}
	}
}

static void addresses_have_one_writing_and_print_back(void **state)
{
	(void)state;
	static const char *const good[] = {
	    "0.0.0.0",
	    "10.0.0.1/8",
	    "255.255.255.255/32",
	    "::",
	    "::1",
	    "1::",
	    "1:2:3:4:5:6:7:8",
	    "1:2:3:4:5:6:7::",
	    "::2:3:4:5:6:7:8",
	    "ABCD::ef/0",
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
	};
	static const char *const bad[] = {
	    "",
	    "1.2.3",
	    "1.2.3.4.5",
	    "010.0.0.1",
	    "1.2.3.256",
	    "1.2.3.4/33",
	    "1.2.3.4/08",
	    "1.2.3.4/",
	    "1.2.3.4/1/2",
	    "1.2.3.4 ",
	    ":",
	    ":::",
	    "1:2:3:4:5:6:7",
	    "1::2::3",
	    "12345::",
	    "::ffff:1.2.3.4",
	    "fe80::1%eth0",
	    "::1/129",
	    "::1/0128",
	    "1:2:3:4:5:6:7:8::",
	    "1:2:3:4:5:6:7:8:9",
	    "::g",
	    "[::1]",
	    "1.2.3.4/-1",
	    "0x1.2.3.4",
	    "1.2.3.0004",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		AUTO_BUF b = BUF_INIT(64);
		struct cedar_ip ip;
		struct cedar_ip again;

		if (cedar_ip_parse(str_from(good[i]), &ip)) {
			fail_msg("'%s' was refused", good[i]);
		}
		assert_ok(cedar_ip_print(&b, &ip));
		assert_null(cedar_ip_parse(buf_view(&b), &again));
		assert_memory_equal(again.addr, ip.addr, 16);
		assert_int_equal(again.prefix, ip.prefix);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct cedar_ip ip;

		if (!cedar_ip_parse(str_from(bad[i]), &ip)) {
			fail_msg("'%s' was accepted", bad[i]);
		}
	}
}

static struct cedar_ip ip(const char *s)
{
	struct cedar_ip v;

	assert_null(cedar_ip_parse(str_from(s), &v));
	return v;
}

static void ranges_look_at_the_prefix(void **state)
{
	(void)state;
	static const struct {
		const char *a;
		const char *b;
		bool in;
	} cases[] = {
	    {"10.0.0.1", "10.0.0.0/8", true},	   {"10.0.0.1/8", "10.0.0.0/8", true},
	    {"10.0.0.0/7", "10.0.0.0/8", false},   {"11.0.0.1", "10.0.0.0/8", false},
	    {"1.2.3.4", "0.0.0.0/0", true},	   {"1.2.3.4", "::/0", false},
	    {"::1", "0.0.0.0/0", false},	   {"10.127.0.0", "10.64.0.0/10", true},
	    {"10.128.0.0", "10.64.0.0/10", false}, {"::1", "::1", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cedar_ip a = ip(cases[i].a);
		struct cedar_ip b = ip(cases[i].b);

		assert_int_equal(cedar_ip_in_range(&a, &b), cases[i].in);
	}
	assert_true(cedar_ip_is_loopback(&(struct cedar_ip){.addr = {127}, .prefix = 8}));
	assert_false(cedar_ip_is_loopback(&(struct cedar_ip){.addr = {127}, .prefix = 7}));
	assert_true(cedar_ip_is_multicast(&(struct cedar_ip){.addr = {239}, .prefix = 4}));
	assert_false(cedar_ip_is_multicast(&(struct cedar_ip){.addr = {239}, .prefix = 3}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(datetimes_are_milliseconds_since_the_epoch),
	    cmocka_unit_test(any_other_shape_of_datetime_is_refused),
	    cmocka_unit_test(dates_and_times_of_day_are_floored),
	    cmocka_unit_test(durations_are_units_in_order),
	    cmocka_unit_test(decimals_keep_their_sign_and_their_range),
	    cmocka_unit_test(addresses_have_one_writing_and_print_back),
	    cmocka_unit_test(ranges_look_at_the_prefix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
