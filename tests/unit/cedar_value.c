/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "cedar/value.h"
#include "codec/json.h"

static const struct cedar_value *from_json(struct arena *arena, const char *text)
{
	const struct cedar_value *v = NULL;
	const struct json *j;
	struct err e = ERR_INIT;

	assert_ok(json_parse(arena, str_from(text), &JSON_LIMITS_DEFAULT, &j, &e));
	if (cedar_value_from_json(arena, j, &v, &e) != RC_OK) {
		fail_msg("%s: %s", text, e.msg);
	}
	return v;
}

static void assert_printed(const struct cedar_value *v, const char *want)
{
	AUTO_BUF b = BUF_INIT(1 << 16);

	assert_ok(cedar_value_print(&b, v));
	assert_str(buf_view(&b), want);
}

static void sets_have_no_order_and_no_duplicates(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	const struct cedar_value *a = from_json(&arena, "[3,1,2,1,[2,1],[1,2],\"x\",true]");
	const struct cedar_value *b = from_json(&arena, "[true,\"x\",[1,2],2,3,1]");

	assert_int_equal(cedar_value_count(a), 6);
	assert_true(cedar_value_equal(a, b));
	assert_false(cedar_value_equal(a, from_json(&arena, "[1,2,3]")));
	assert_printed(from_json(&arena, "[3,1,2,1]"), "[1, 2, 3]");
}

static void large_sets_are_sorted_too(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 24);
	enum { N = 5000 };
	const struct cedar_value *items[N];
	const struct cedar_value *set;
	const struct cedar_value *needle;

	for (size_t i = 0; i < N; i++) {
		/* Every value of 0..N/2-1 twice, in a stirred order. */
		assert_ok(cedar_value_long(&arena, (int64_t)(i * 7919 % (N / 2)), &items[i], NULL));
	}
	assert_ok(cedar_value_set(&arena, items, N, &set, NULL));
	assert_int_equal(cedar_value_count(set), N / 2);
	for (size_t i = 0; i < N / 2; i++) {
		assert_true(set->items[i].i == (int64_t)i);
	}
	assert_ok(cedar_value_long(&arena, N, &needle, NULL));
	assert_false(cedar_set_has(set, needle, NULL));
	assert_true(cedar_set_has(set, items[17], NULL));
}

static void records_are_equal_whatever_their_order(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	const struct cedar_value *a = from_json(&arena, "{\"a\":1,\"b\":{\"c\":[1]}}");
	const struct cedar_value *b = from_json(&arena, "{\"b\":{\"c\":[1,1]},\"a\":1}");
	const struct cedar_field twice[] = {{STR("x"), a}, {STR("x"), b}};
	const struct cedar_value *v;
	int64_t i = 0;

	assert_true(cedar_value_equal(a, b));
	assert_false(cedar_value_equal(a, from_json(&arena, "{\"a\":1}")));
	assert_true(cedar_value_get_long(cedar_value_get(a, STR("a")), &i));
	assert_int_equal(i, 1);
	assert_null(cedar_value_get(a, STR("z")));
	assert_rc(cedar_value_record(&arena, twice, 2, &v, NULL), RC_INPUT);
}

static void values_of_different_types_are_never_equal(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	static const char *const texts[] = {
	    "true",
	    "1",
	    "\"1\"",
	    "[]",
	    "{}",
	    "{\"__entity\":{\"type\":\"U\",\"id\":\"1\"}}",
	    "{\"__extn\":{\"fn\":\"ip\",\"arg\":\"1.1.1.1\"}}",
	    "{\"__extn\":{\"fn\":\"decimal\",\"arg\":\"0.0001\"}}",
	    "{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"1970-01-01\"}}",
	    "{\"__extn\":{\"fn\":\"duration\",\"arg\":\"1ms\"}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
			assert_int_equal(cedar_value_equal(from_json(&arena, texts[i]),
							   from_json(&arena, texts[k])),
					 i == k);
		}
	}
}

static void json_without_one_reading_is_refused(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	static const char *const bad[] = {
	    "null",
	    "1.5",
	    "1e3",
	    "9223372036854775808",
	    "[null]",
	    "{\"a\":null}",
	    "{\"__expr\":\"1\"}",
	    "{\"__entity\":{\"type\":\"U\"}}",
	    "{\"__entity\":{\"type\":\"U V\",\"id\":\"\"}}",
	    "{\"__entity\":{\"type\":\"in\",\"id\":\"\"}}",
	    "{\"__entity\":{\"type\":\"U\",\"id\":\"a\"},\"x\":1}",
	    "{\"__entity\":1}",
	    "{\"__extn\":{\"fn\":\"ip\",\"arg\":\"zz\"}}",
	    "{\"__extn\":{\"fn\":\"foo\",\"arg\":\"zz\"}}",
	    "{\"__extn\":{\"fn\":\"ip\",\"arg\":1}}",
	    "{\"__extn\":{\"fn\":\"ip\"}}",
	    "{\"__extn\":{\"fn\":\"ip\",\"args\":[]}}",
	    "{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::\",\"args\":[\"::\"]}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct cedar_value *v;
		const struct json *j;

		assert_ok(json_parse(&arena, str_from(bad[i]), &JSON_LIMITS_DEFAULT, &j, NULL));
		if (cedar_value_from_json(&arena, j, &v, NULL) != RC_INPUT) {
			fail_msg("%s was accepted", bad[i]);
		}
	}
}

static void json_calls_extension_functions(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);

	assert_printed(from_json(&arena,
				 "{\"__extn\":{\"fn\":\"offset\",\"args\":["
				 "{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"1970-01-01\"}},"
				 "{\"__extn\":{\"fn\":\"duration\",\"arg\":\"-1s\"}}]}}"),
		       "datetime(\"1970-01-01\").offset(duration(\"-1000ms\"))");
	assert_printed(from_json(&arena, "9223372036854775807"), "9223372036854775807");
	assert_printed(from_json(&arena, "{\"a\\nb\":[true],\"c\":{\"__extn\":{\"fn\":\"decimal\","
					 "\"arg\":\"-1.5\"}}}"),
		       "{\"c\": decimal(\"-1.5000\"), \"a\\nb\": [true]}");
}

static void nesting_of_values_is_bounded(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	const struct cedar_value *v;
	unsigned depth = 0;
	enum rc rc;

	assert_ok(cedar_value_long(&arena, 1, &v, NULL));
	do {
		rc = cedar_value_set(&arena, &v, 1, &v, NULL);
		depth++;
	} while (rc == RC_OK && depth < 1000);
	assert_rc(rc, RC_LIMIT);
	assert_int_equal(depth, CEDAR_LIMIT_VALUE_DEPTH + 1);
}

static void uids_are_read_back_as_printed(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	static const struct str ids[] = {
	    {"", 0}, {"a", 1}, {"a\"b\\c", 5}, {"\0\n\t\x7f", 4}, {"\xf0\x9f\x98\x80*", 5},
	};

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		AUTO_BUF b = BUF_INIT(256);
		const struct cedar_uid *u;
		const struct cedar_uid *again;

		assert_ok(cedar_uid_new(&arena, STR("A::B"), ids[i], &u, NULL));
		assert_ok(cedar_uid_print(&b, u));
		assert_ok(cedar_uid_parse(&arena, buf_view(&b), &again, NULL));
		assert_true(cedar_uid_equal(u, again));
		assert_true(str_eq(cedar_uid_id(again), ids[i]));
	}
}

static void uids_of_another_form_are_refused(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	static const char *const bad[] = {
	    "",		  "U",	       "U::",	   "U::a",	  "U::\"a",
	    "U :: \"a\"", "\"a\"",     "::\"a\"",  "U::\"a\"b\"", "in::\"a\"",
	    "U::\"\\q\"", "U::\"a\" ", "1::\"a\"", "U:\"a\"",	  "__cedar::U::\"a\"",
	    "U::\"a\\\"",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct cedar_uid *u;

		if (cedar_uid_parse(&arena, str_from(bad[i]), &u, NULL) != RC_INPUT) {
			fail_msg("%s was accepted", bad[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sets_have_no_order_and_no_duplicates),
	    cmocka_unit_test(large_sets_are_sorted_too),
	    cmocka_unit_test(records_are_equal_whatever_their_order),
	    cmocka_unit_test(values_of_different_types_are_never_equal),
	    cmocka_unit_test(json_without_one_reading_is_refused),
	    cmocka_unit_test(json_calls_extension_functions),
	    cmocka_unit_test(nesting_of_values_is_bounded),
	    cmocka_unit_test(uids_are_read_back_as_printed),
	    cmocka_unit_test(uids_of_another_form_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
