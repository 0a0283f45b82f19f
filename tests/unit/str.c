/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

static void malformed_utf8_is_refused(void **state)
{
	(void)state;
	static const struct {
		struct str bytes;
		bool ok;
	} cases[] = {
	    {{"plain", 5}, true},
	    {{"\xc3\xa9", 2}, true},
	    {{"\xf0\x9f\x98\x80", 4}, true},
	    {{"\xf4\x8f\xbf\xbf", 4}, true},
	    {{"\xff\xfe", 2}, false},
	    {{"\xc0\xaf", 2}, false},	      /* overlong */
	    {{"\xe0\x80\x80", 3}, false},     /* overlong */
	    {{"\xed\xa0\x80", 3}, false},     /* surrogate */
	    {{"\xf4\x90\x80\x80", 4}, false}, /* above U+10FFFF */
	    {{"\xc3", 1}, false},
	    {{"\x80", 1}, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(str_is_utf8(cases[i].bytes), cases[i].ok);
	}
}

static void code_points_of_every_length_are_taken_in_turn(void **state)
{
	(void)state;
	struct str s = STR("z\u00e9\u20ac\U0010ffff!");

	assert_int_equal(str_take_code_point(&s), 'z');
	assert_int_equal(str_take_code_point(&s), 0xe9);
	assert_int_equal(str_take_code_point(&s), 0x20ac);
	assert_int_equal(str_take_code_point(&s), 0x10ffff);
	assert_str(s, "!");
}

static void cut_tells_a_missing_separator_from_an_empty_rest(void **state)
{
	(void)state;
	struct str s = STR("a,b,");

	assert_str(str_cut(&s, ','), "a");
	assert_str(str_cut(&s, ','), "b");
	assert_non_null(s.p);
	assert_str(str_cut(&s, ','), "");
	assert_null(s.p);
}

static void secrets_compare_by_every_byte(void **state)
{
	(void)state;
	assert_true(secret_eq(STR("abc"), STR("abc")));
	assert_false(secret_eq(STR("abc"), STR("abd")));
	assert_false(secret_eq(STR("abc"), STR("ab")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(malformed_utf8_is_refused),
	    cmocka_unit_test(code_points_of_every_length_are_taken_in_turn),
	    cmocka_unit_test(cut_tells_a_missing_separator_from_an_empty_rest),
	    cmocka_unit_test(secrets_compare_by_every_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
