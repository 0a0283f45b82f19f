/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdlib.h>

#include "base/arena.h"
#include "codec/json_tree.h"

static struct arena arena = ARENA_INIT(64 << 20);

static int empty_arena(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static enum rc canonical(struct buf *b, const char *text, struct err *e)
{
	const struct json *j;

	assert_ok(json_parse(&arena, str_from(text), NULL, &j, e));
	return json_canonical(b, j, e);
}

static void doubles_print_as_in_rfc_8785_appendix_b(void **state)
{
	(void)state;
	static const struct {
		uint64_t bits;
		const char *text;
	} cases[] = {
	    {0x0000000000000000, "0"},
	    {0x8000000000000000, "0"},
	    {0x0000000000000001, "5e-324"},
	    {0x8000000000000001, "-5e-324"},
	    {0x7fefffffffffffff, "1.7976931348623157e+308"},
	    {0xffefffffffffffff, "-1.7976931348623157e+308"},
	    {0x4340000000000000, "9007199254740992"},
	    {0xc340000000000000, "-9007199254740992"},
	    {0x4430000000000000, "295147905179352830000"},
	    {0x44b52d02c7e14af5, "9.999999999999997e+22"},
	    {0x44b52d02c7e14af6, "1e+23"},
	    {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
	    {0x444b1ae4d6e2ef4e, "999999999999999700000"},
	    {0x444b1ae4d6e2ef4f, "999999999999999900000"},
	    {0x444b1ae4d6e2ef50, "1e+21"},
	    {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
	    {0x3eb0c6f7a0b5ed8d, "0.000001"},
	    {0x41b3de4355555553, "333333333.3333332"},
	    {0x41b3de4355555554, "333333333.33333325"},
	    {0x41b3de4355555555, "333333333.3333333"},
	    {0x41b3de4355555556, "333333333.3333334"},
	    {0x41b3de4355555557, "333333333.33333343"},
	    {0xbecbf647612f3696, "-0.0000033333333333333333"},
	    {0x43143ff3c1cb0959, "1424953923781206.2"},
	    /* 2^-44: the shortest is not the nearest of its length. */
	    {0x3d30000000000000, "5.684341886080802e-14"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_BUF b = BUF_INIT(100);
		double v;

		memcpy(&v, &cases[i].bits, sizeof(v));
		assert_ok(json_canonical_double(&b, v));
		assert_str(buf_view(&b), cases[i].text);
	}
}

static void nan_and_infinity_are_no_numbers(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(100);

	assert_rc(json_canonical_double(&b, __builtin_nan("")), RC_INPUT);
	assert_rc(json_canonical_double(&b, __builtin_inf()), RC_INPUT);
	assert_rc(json_canonical_double(&b, -__builtin_inf()), RC_INPUT);
}

static void the_sample_of_rfc_8785_section_3_2_2_comes_out_right(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(1000);
	struct err e = ERR_INIT;

	/* Of the numbers, 333333333.33333329 became 333333333.3333333: the double next to what is
	 * written is ...31, so we refuse it, and use the spelling that the RFC prints. */
	assert_rc(canonical(&b, "333333333.33333329", &e), RC_INPUT);
	assert_ok(canonical(
	    &b,
	    "{\n"
	    "  \"numbers\": [333333333.3333333, 1E30, 4.50,\n"
	    "              2e-3, 0.000000000000000000000000001],\n"
	    "  \"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\n"
	    "  \"literals\": [null, true, false]\n"
	    "}",
	    &e));
	assert_str(buf_view(&b), "{\"literals\":[null,true,false],"
				 "\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
				 "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

static void members_are_ordered_by_utf16_code_units(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(1000);
	struct err e = ERR_INIT;

	/* The borders: surrogates stand before the last block of the basic plane. */
	assert_ok(canonical(&b,
			    "{\"\xf4\x8f\xbf\xbf\":1,\"\xef\xbf\xbf\":2,\"\xee\x80\x80\":3,"
			    "\"\xf0\x90\x80\x80\":4,\"\xed\x9f\xbf\":5}",
			    &e));
	assert_str(buf_view(&b), "{\"\xed\x9f\xbf\":5,\"\xf0\x90\x80\x80\":4,"
				 "\"\xf4\x8f\xbf\xbf\":1,\"\xee\x80\x80\":3,\"\xef\xbf\xbf\":2}");
	buf_reset(&b);
	/* RFC 8785 section 3.2.3. */
	assert_ok(canonical(&b,
			    "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\","
			    "\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\",\"1\":\"One\","
			    "\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\","
			    "\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}",
			    &e));
	assert_str(buf_view(&b),
		   "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
		   "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\","
		   "\"\xe2\x82\xac\":\"Euro Sign\","
		   "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
		   "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

static void names_in_other_scripts_are_ordered_and_nested_objects_too(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(1000);
	struct err e = ERR_INIT;

	/* The shapes of the scheme's published "french", "weird" and "structures" examples. */
	assert_ok(
	    canonical(&b,
		      "{\"p\\u00eache\":\"1\",\"p\\u00e9ch\\u00e9\":\"2\",\"peach\":\"3\","
		      "\"sin\":\"4\",\"1\":{\"f\":{\"f\":\"hi\",\"F\":5},\"\\n\":56.0},"
		      "\"10\":{},\"\":\"empty\",\"a\":{},\"111\":[{\"e\":\"yes\",\"E\":\"no\"}],"
		      "\"A\":{},\"\\u0627\":1}",
		      &e));
	assert_str(buf_view(&b),
		   "{\"\":\"empty\",\"1\":{\"\\n\":56,\"f\":{\"F\":5,\"f\":\"hi\"}},"
		   "\"10\":{},\"111\":[{\"E\":\"no\",\"e\":\"yes\"}],\"A\":{},\"a\":{},"
		   "\"peach\":\"3\",\"p\xc3\xa9"
		   "ch\xc3\xa9\":\"2\","
		   "\"p\xc3\xaa"
		   "che\":\"1\",\"sin\":\"4\",\"\xd8\xa7\":1}");
}

static void large_objects_are_ordered_too(void **state)
{
	(void)state;
	static char text[1 << 14];
	AUTO_BUF b = BUF_INIT(1 << 14);
	struct err e = ERR_INIT;
	size_t n = 0;

	for (unsigned i = 999; i >= 900; i--) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%c\"%u\":%u", n ? ',' : '{', i,
				      i);
	}
	(void)snprintf(text + n, sizeof(text) - n, "}");
	assert_ok(canonical(&b, text, &e));
	assert_true(str_has_prefix(buf_view(&b), STR("{\"900\":900,\"901\":901,")));
	assert_true(str_has_suffix(buf_view(&b), STR(",\"999\":999}")));
}

static void numbers_have_one_spelling(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		const char *out;
	} cases[] = {
	    {"0", "0"},
	    {"-0", "0"},
	    {"0.0", "0"},
	    {"-0e99", "0"},
	    {"0e999999999999999999999", "0"},
	    {"-1", "-1"},
	    {"10", "10"},
	    {"1e1", "10"},
	    {"100e-1", "10"},
	    {"0.1", "0.1"},
	    {"1.0", "1"},
	    {"9007199254740991", "9007199254740991"},
	    {"-9007199254740991", "-9007199254740991"},
	    {"9007199254740992", "9007199254740992"},
	    {"123456789012345678", NULL},
	    {"123456789012345680", "123456789012345680"},
	    {"1e21", "1e+21"},
	    {"1000000000000000000000", "1e+21"},
	    {"0.000001", "0.000001"},
	    {"0.0000001", "1e-7"},
	    {"1.5E-7", "1.5e-7"},
	    {"1.7976931348623157e308", "1.7976931348623157e+308"},
	    {"5e-324", "5e-324"},
	    /* 2^-1017: the shortest, but not the nearest of sixteen digits. */
	    {"7.120236347223045e-307", "7.120236347223045e-307"},
	    {"0.30000000000000004", "0.30000000000000004"},
	    /* What a double does not hold as written. */
	    {"9007199254740993", NULL},
	    {"9007199254740993.0", NULL},
	    {"9007199254740993e0", NULL},
	    {"-9007199254740993", NULL},
	    {"1e400", NULL},
	    {"-1e400", NULL},
	    {"1e999999999999999999999", NULL},
	    {"1e-400", NULL},
	    {"3e-324", NULL},
	    {"1.8e308", NULL},
	    {"0.1000000000000000055", NULL},
	    {"18446744073709551615", NULL},
	    {"9223372036854775807", NULL},
	    {"3.14159265358979323846", NULL},
	    {"1.00000000000000000001", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_BUF b = BUF_INIT(100);
		struct err e = ERR_INIT;
		enum rc rc = canonical(&b, cases[i].in, &e);

		if ((rc == RC_OK) != (cases[i].out != NULL)) {
			fail_msg("%s: %s", cases[i].in, rc_text(rc));
		}
		if (cases[i].out) {
			assert_str(buf_view(&b), cases[i].out);
		} else {
			assert_rc(rc, RC_INPUT);
			assert_int_equal(b.n, 0);
			assert_non_null(strstr(e.msg, "number '"));
		}
	}
}

static void zeros_and_exponents_may_cancel_out_but_not_lie(void **state)
{
	(void)state;
	enum { ZEROS = 2000 };
	static char text[ZEROS + 32];
	AUTO_BUF b = BUF_INIT(100);
	struct err e = ERR_INIT;

	memset(text, '0', sizeof(text));
	text[1] = '.';
	(void)snprintf(text + ZEROS, sizeof(text) - ZEROS, "1e%d", ZEROS - 1);
	assert_ok(canonical(&b, text, &e));
	assert_str(buf_view(&b), "1");
}

static void random_doubles_read_back(void **state)
{
	(void)state;
	uint64_t x = UINT64_C(0x9E3779B97F4A7C15);

	for (int i = 0; i < 20000; i++) {
		AUTO_BUF b = BUF_INIT(100);
		char text[100];
		double v;
		double back;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(&v, &x, sizeof(v));
		if (v - v != 0) {
			continue;
		}
		assert_ok(json_canonical_double(&b, v));
		(void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(buf_view(&b)));
		back = strtod(text, NULL);
		assert_true(back == v);
	}
}

static void a_full_buffer_is_a_limit_and_stays_as_it_was(void **state)
{
	(void)state;
	AUTO_BUF b = BUF_INIT(8);
	struct err e = ERR_INIT;

	assert_ok(buf_add(&b, STR("ab")));
	assert_rc(canonical(&b, "[1,2,3,4]", &e), RC_LIMIT);
	assert_str(buf_view(&b), "ab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(doubles_print_as_in_rfc_8785_appendix_b),
	    cmocka_unit_test(nan_and_infinity_are_no_numbers),
	    cmocka_unit_test_teardown(the_sample_of_rfc_8785_section_3_2_2_comes_out_right,
				      empty_arena),
	    cmocka_unit_test_teardown(members_are_ordered_by_utf16_code_units, empty_arena),
	    cmocka_unit_test_teardown(names_in_other_scripts_are_ordered_and_nested_objects_too,
				      empty_arena),
	    cmocka_unit_test_teardown(large_objects_are_ordered_too, empty_arena),
	    cmocka_unit_test_teardown(numbers_have_one_spelling, empty_arena),
	    cmocka_unit_test_teardown(zeros_and_exponents_may_cancel_out_but_not_lie, empty_arena),
	    cmocka_unit_test(random_doubles_read_back),
	    cmocka_unit_test_teardown(a_full_buffer_is_a_limit_and_stays_as_it_was, empty_arena),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
