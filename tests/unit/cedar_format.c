/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <cedar.h>

static void lays_out(uint32_t width, const char *text, const char *want)
{
	const struct cedar_format_options options = {.width = width};
	AUTO_BUF once = BUF_INIT(65536);
	AUTO_BUF twice = BUF_INIT(65536);
	struct err e = ERR_INIT;

	if (cedar_format(&once, STR("t"), str_from(text), &options, &e) != RC_OK) {
		fail_msg("%s: %s", text, e.msg);
	}
	if (!str_eq(buf_view(&once), str_from(want))) {
		fail_msg("wanted:\n%s\ngot:\n" STR_FMT, want, STR_ARG(buf_view(&once)));
	}
	assert_ok(cedar_format(&twice, STR("t"), buf_view(&once), &options, &e));
	assert_true(str_eq(buf_view(&once), buf_view(&twice)));
}

static void what_fits_stands_on_a_line(void **state)
{
	(void)state;
	lays_out(0,
		 "@id ( \"a\" )@b "
		 "permit(principal,action==Action::\"x\",resource)when{a::b::\"c\"in[1,2]};",
		 "@id(\"a\")\n@b\npermit (principal, action == Action::\"x\", resource)\n"
		 "when { a::b::\"c\" in [1, 2] };\n");
	lays_out(0, "permit(principal,action,resource)unless{-1- -2<3&&{a:1}has a&&!context.f.contains(1)};",
		 "permit (principal, action, resource)\n"
		 "unless { -1 - -2 < 3 && { a: 1 } has a && !context.f.contains(1) };\n");
	lays_out(0, "", "");
}

static void what_does_not_fit_is_broken_at_its_loosest(void **state)
{
	(void)state;
	lays_out(
	    30,
	    "permit(principal in G::\"abcdefghijk\",action,resource) when { context.aaaa == 1 && "
	    "context.bbbb == 2 || [\"aaaaaaaaaa\", \"bbbbbbbbbb\", \"c\"].contains(context.d) };",
	    "permit (\n  principal in G::\"abcdefghijk\",\n  action,\n  resource\n)\nwhen {\n"
	    "  context.aaaa == 1 &&\n  context.bbbb == 2 ||\n  [\"aaaaaaaaaa\", \"bbbbbbbbbb\", "
	    "\"c\"].contains(\n"
	    "    context.d\n  )\n};\n");
	lays_out(
	    30,
	    "permit(principal,action,resource) when { if context.aaaaaa then context.bbbbbb "
	    "else context.c };",
	    "permit (\n  principal,\n  action,\n  resource\n)\nwhen {\n  if context.aaaaaa\n  then "
	    "context.bbbbbb\n"
	    "  else context.c\n};\n");
}

static void comments_stay_with_their_tokens(void **state)
{
	(void)state;
	lays_out(0,
		 "// first\n\n// second\npermit( // scope\nprincipal, // who\n  // "
		 "what\naction,resource)\nwhen { // c\n"
		 "true && // left\nfalse\n// last\n}; // end\n\n\n\n// "
		 "next\nforbid(principal,action,resource);// x\n"
		 "// bye",
		 "// first\n// second\npermit ( // scope\n  principal, // who\n  // what\n  "
		 "action,\n  resource\n)\n"
		 "when { // c\n  true && // left\n  false\n// last\n}; // end\n\n// next\nforbid "
		 "(principal, action, resource); // x\n"
		 "\n// bye\n");
}

static void what_does_not_parse_is_not_touched(void **state)
{
	AUTO_BUF out = BUF_INIT(4096);
	struct err e = ERR_INIT;

	(void)state;
	assert_rc(cedar_format(&out, STR("t"), STR("permit(principal;"), NULL, &e), RC_INPUT);
	assert_true(strstr(e.msg, "t:1:17") != NULL);
	assert_int_equal(out.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_fits_stands_on_a_line),
	    cmocka_unit_test(what_does_not_fit_is_broken_at_its_loosest),
	    cmocka_unit_test(comments_stay_with_their_tokens),
	    cmocka_unit_test(what_does_not_parse_is_not_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
