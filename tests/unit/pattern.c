/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/buf.h"
#include "core/pattern.h"

static bool matches(const char *pattern, const char *text)
{
	static struct pattern p;

	assert_ok(pattern_compile(&p, str_from(pattern), NULL));
	return pattern_search(&p, str_from(text));
}

static void patterns_match_as_in_ecma_262(void **state)
{
	(void)state;
	static const struct {
		const char *pattern;
		const char *text;
		bool want;
	} cases[] = {
	    {"", "", true},
	    {"", "x", true},
	    {"b", "abc", true},
	    {"^b", "abc", false},
	    {"b$", "abc", false},
	    {"^abc$", "abc", true},
	    {"^abc$", "abc\n", false},
	    {"^a*$", "", true},
	    {"^a*$", "aaab", false},
	    {"^(a|bc)+d?$", "abcabcd", true},
	    {"^(a|bc)+d?$", "abd", false},
	    {"^(?:a|b|c)$", "c", true},
	    {"^(?:a|b|)$", "", true},
	    {"a|b|c", "xxb", true},
	    {"^[a-z_][a-z0-9_]{0,3}$", "ab12", true},
	    {"^[a-z_][a-z0-9_]{0,3}$", "ab123", false},
	    {"^[a-z_][a-z0-9_]{0,3}$", "", false},
	    {"^x{2}$", "xx", true},
	    {"^x{2}$", "xxx", false},
	    {"^x{2,}$", "xxxx", true},
	    {"^x{2,}$", "x", false},
	    {"^x{0,2}$", "", true},
	    {"^x{0,2}$", "xxx", false},
	    {"^x{0}y$", "y", true},
	    {"^(ab){2,3}$", "ababab", true},
	    {"^(ab){2,3}$", "ab", false},
	    {"^(a*)*$", "aaa", true},
	    {"^(a?){3}b$", "aab", true},
	    {"^[^a-c]$", "d", true},
	    {"^[^a-c]$", "b", false},
	    {"^[]$", "a", false},
	    {"^[^]$", "a", true},
	    {"^[a-]$", "-", true},
	    {"^[\\-\\]]+$", "-]", true},
	    {"^\\d+\\.\\d+$", "1.25", true},
	    {"^\\d+\\.\\d+$", "1x25", false},
	    {"^\\D\\W\\S$", "a-b", true},
	    {"^[\\d\\s]+$", "1 2", true},
	    {"^[\\D]$", "1", false},
	    {"^.$", "\n", false},
	    {"^.$", "\xc3\xa9", true}, /* one code point, two bytes */
	    {"^..$", "\xf0\x9f\x98\x80", false},
	    {"^[\xc3\xa0-\xc3\xbf]$", "\xc3\xa9", true},
	    {"^\\u00e9\\x41$",
	     "\xc3\xa9"
	     "A",
	     true},
	    {"^\\n\\t$", "\n\t", true},
	    {"^a+?$", "aaa", true},
	    {"^\\s$", "\xc2\xa0", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (matches(cases[i].pattern, cases[i].text) != cases[i].want) {
			fail_msg("'%s' on '%s'", cases[i].pattern, cases[i].text);
		}
	}
}

static void what_is_not_in_the_subset_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "(",       ")",	 "a)",	  "[a",	     "(?=a)", "(?!a)", "(?<n>a)", "(a)\\1",
	    "\\bword", "\\p{L}", "*a",	  "a**",     "{",     "a{",    "a{,3}",	  "a{3,2}",
	    "]",       "}",	 "[b-a]", "[a-\\d]", "\\",    "\\q",   "\\u12",	  "\\ud83d\\ude00",
	    "\\x4",    "\\-",	 "\xff",
	};
	static struct pattern p;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (pattern_compile(&p, str_from(bad[i]), NULL) != RC_INPUT) {
			fail_msg("'%s' was accepted", bad[i]);
		}
	}
}

static void a_pattern_that_grows_too_large_is_refused(void **state)
{
	(void)state;
	static struct pattern p;
	AUTO_BUF deep = BUF_INIT(4096);

	assert_rc(pattern_compile(&p, STR("(a{200}){200}"), NULL), RC_LIMIT);
	assert_rc(pattern_compile(&p, STR("a{99999999999}"), NULL), RC_LIMIT);
	for (int i = 0; i < 100; i++) {
		assert_ok(buf_add_char(&deep, '('));
	}
	assert_rc(pattern_compile(&p, buf_view(&deep), NULL), RC_LIMIT);
}

static void a_pattern_that_ruins_backtrackers_is_linear_here(void **state)
{
	(void)state;
	static struct pattern p;
	AUTO_BUF text = BUF_INIT(100000);

	assert_ok(pattern_compile(&p, STR("^(a+)+$"), NULL));
	for (int i = 0; i < 20000; i++) {
		assert_ok(buf_add_char(&text, 'a'));
	}
	assert_ok(buf_add_char(&text, '!'));
	assert_false(pattern_search(&p, buf_view(&text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(patterns_match_as_in_ecma_262),
	    cmocka_unit_test(what_is_not_in_the_subset_is_refused),
	    cmocka_unit_test(a_pattern_that_grows_too_large_is_refused),
	    cmocka_unit_test(a_pattern_that_ruins_backtrackers_is_linear_here),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
