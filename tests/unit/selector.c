/* SPDX-License-Identifier: Apache-2.0 */
/* selector.c - label selectors: what they match, and what is none. */
#include "test.h"

#include "base/buf.h"
#include "core/selector.h"

static bool matches(const char *text, bool *ret_narrow)
{
	static const struct str labels[] = {{"app=shop", 8}, {"tier=web", 8}};
	const struct str_list list = {.p = labels, .n = 2};
	AUTO_ARENA arena = ARENA_INIT(65536);
	struct selector s;
	struct err e = ERR_INIT;

	if (selector_parse(str_from(text), &arena, &s, &e) != RC_OK) {
		fail_msg("%s: %s", text, e.msg);
	}
	*ret_narrow = selector_is_narrow(&s);
	return selector_matches(&s, &list);
}

static void a_selector_means_what_kubernetes_means_by_it(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool matches;
		bool is_narrow;
	} cases[] = {
	    {"app=shop", true, true},
	    {" app == shop , tier=web ", true, true},
	    {"app=shop,tier=db", false, true},
	    {"app in (bank, shop)", true, true},
	    {"app in(bank)", false, true},
	    {"app notin (bank),tier=web", true, true},
	    {"app!=shop", false, false},
	    {"zone!=a", true, false}, /* a label that is not there is not a */
	    {"zone notin (a)", true, false},
	    {"app", true, false},
	    {"!zone", true, false},
	    {"!app", false, false},
	    {"example.org/app=shop", false, true},
	    {"in in (in)", false, true}, /* words are not reserved */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool is_narrow;

		if (matches(cases[i].text, &is_narrow) != cases[i].matches ||
		    is_narrow != cases[i].is_narrow) {
			fail_msg("%s", cases[i].text);
		}
	}
}

static void what_is_no_selector_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",	     " ",	  ",",	      "app=",	     "app=shop,", "=shop",   "app in ()",
	    "app=*", "app in (a", "app in a", "app inn (a)", "app=a b",	  "a;b=c",   "app in (a,)",
	    "!",     "!!app",	  "app=>a",   "app=\"a\"",   "app~=a",	  "a==b==c",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_ARENA arena = ARENA_INIT(65536);
		struct selector s;

		if (selector_parse(str_from(bad[i]), &arena, &s, NULL) == RC_OK) {
			fail_msg("'%s' was taken", bad[i]);
		}
	}
}

static void nothing_matches_an_empty_selector(void **state)
{
	(void)state;
	const struct selector none = {0};
	const struct selector_requirement nothing = {.op = SELECTOR_NONE};
	const struct selector zero = {.p = &nothing, .n = 1};
	const struct str_list labels = {0};

	assert_false(selector_matches(&none, &labels));
	assert_false(selector_matches(&zero, &labels));
	assert_false(selector_is_narrow(&none));
}

static void a_selector_has_limits(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	AUTO_BUF text = BUF_INIT(65536);
	struct selector s;

	for (int i = 0; i < SELECTOR_REQUIREMENTS; i++) {
		assert_ok(buf_addf(&text, "%sk%d=v", i ? "," : "", i));
	}
	assert_ok(selector_parse(buf_view(&text), &arena, &s, NULL));
	assert_ok(buf_addf(&text, ",one=more"));
	assert_int_equal(selector_parse(buf_view(&text), &arena, &s, NULL), RC_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_selector_means_what_kubernetes_means_by_it),
	    cmocka_unit_test(what_is_no_selector_is_refused),
	    cmocka_unit_test(nothing_matches_an_empty_selector),
	    cmocka_unit_test(a_selector_has_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
