/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <cedar.h>

static void assert_text(const struct buf *b, const char *want)
{
	if (!str_eq(buf_view(b), str_from(want))) {
		fail_msg("wanted: %s\ngot: " STR_FMT, want, STR_ARG(buf_view(b)));
	}
}

static void to_json(const char *text, enum cedar_release release, const char *body)
{
	AUTO_BUF out = BUF_INIT(65536);
	AUTO_BUF want = BUF_INIT(65536);
	struct err e = ERR_INIT;

	if (cedar_text_to_json(&out, STR("t"), str_from(text), release, &e) != RC_OK) {
		fail_msg("%s: %s", text, e.msg);
	}
	assert_ok(buf_addf(
	    &want,
	    "{\"staticPolicies\":{\"policy0\":{\"effect\":\"permit\",\"principal\":{\"op\":"
	    "\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"All\"},\"conditions\":[{"
	    "\"kind\":\"when\",\"body\":%s}]}},\"templates\":{},\"templateLinks\":[]}",
	    body));
	assert_ok(buf_add_char(&want, '\0'));
	assert_text(&out, want.p);
}

#define WHEN(x) "permit(principal, action, resource) when { " x " };"

static void expressions_become_json(void **state)
{
	(void)state;
	to_json(WHEN("-5 == 1 && true && false"), CEDAR_RELEASE_4_12,
		"{\"&&\":{\"left\":{\"&&\":{\"left\":{\"==\":{\"left\":{\"Value\":-5},\"right\":{"
		"\"Value\":1}}},"
		"\"right\":{\"Value\":true}}},\"right\":{\"Value\":false}}}");
	to_json(WHEN("\"x\" like \"a*\\*\""), CEDAR_RELEASE_4_12,
		"{\"like\":{\"left\":{\"Value\":\"x\"},\"pattern\":[{\"Literal\":\"a\"},"
		"\"Wildcard\",{\"Literal\":"
		"\"*\"}]}}");
	to_json(WHEN("ip(\"::1\").isLoopback()"), CEDAR_RELEASE_4_12,
		"{\"isLoopback\":[{\"ip\":[{\"Value\":\"::1\"}]}]}");
}

static void a_path_of_has_is_written_as_the_release_has_it(void **state)
{
	(void)state;
	to_json(
	    WHEN("context has a.b"), CEDAR_RELEASE_4_12,
	    "{\"&&\":{\"left\":{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":\"a\"}},\"right\":"
	    "{\"has\":{"
	    "\"left\":{\".\":{\"left\":{\"Var\":\"context\"},\"attr\":\"a\"}},\"attr\":\"b\"}}}}");
	to_json(WHEN("context has a.b"), CEDAR_RELEASE_4_13,
		"{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":[\"a\",\"b\"]}}");
	to_json(WHEN("context has a"), CEDAR_RELEASE_4_13,
		"{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":\"a\"}}");
}

/* As a condition's body. */
static void to_text(const char *body, const char *want)
{
	AUTO_BUF json = BUF_INIT(65536);
	AUTO_BUF out = BUF_INIT(65536);
	AUTO_BUF all = BUF_INIT(65536);
	struct err e = ERR_INIT;

	assert_ok(buf_addf(
	    &json,
	    "{\"effect\":\"forbid\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},"
	    "\"resource\":{\"op\":\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":%s}]}",
	    body));
	if (cedar_json_to_text(&out, STR("j"), buf_view(&json), &e) != RC_OK) {
		fail_msg("%s: %s", body, e.msg);
	}
	assert_ok(buf_addf(&all, "forbid (principal, action, resource)\nwhen { %s };\n", want));
	assert_ok(buf_add_char(&all, '\0'));
	assert_text(&out, all.p);
}

#define N(v)	     "{\"Value\":" v "}"
#define OP(op, a, b) "{\"" op "\":{\"left\":" a ",\"right\":" b "}}"

static void parentheses_stand_where_the_tree_needs_them(void **state)
{
	(void)state;
	to_text(OP("*", OP("+", N("1"), N("2")), N("3")), "(1 + 2) * 3");
	to_text(OP("+", N("1"), OP("*", N("2"), N("3"))), "1 + 2 * 3");
	to_text(OP("-", N("1"), OP("-", N("2"), N("3"))), "1 - (2 - 3)");
	to_text(OP("-", OP("-", N("1"), N("2")), N("3")), "1 - 2 - 3");
	to_text(OP("==", OP("==", N("1"), N("1")), N("true")), "(1 == 1) == true");
	to_text(OP("||", N("true"), OP("&&", N("true"), OP("||", N("true"), N("false")))),
		"true || true && (true || false)");
	to_text("{\".\":{\"left\":" N("-5") ",\"attr\":\"a\"}}", "(-5).a");
	to_text("{\"neg\":{\"arg\":" N("5") "}}", "-(5)");
	to_text("{\"!\":{\"arg\":" OP("==", N("1"), N("2")) "}}", "!(1 == 2)");
	to_text(
	    OP("==",
	       "{\"if-then-else\":{\"if\":" N("true") ",\"then\":" N("1") ",\"else\":" N("2") "}}",
	       N("1")),
	    "(if true then 1 else 2) == 1");
	to_text("{\"contains\":{\"left\":{\"Set\":[" N("1") "]},\"right\":" N("1") "}}",
		"[1].contains(1)");
	to_text("{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":[\"a\",\"b\"]}}",
		"context has a.b");
	to_text(N("{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::1\"}}"), "ip(\"::1\")");
	to_text(N("[1,{\"a\":\"x\\u0000\"}]"), "[1, {\"a\": \"x\\0\"}]");
}

static void what_is_wrong_with_json_is_said_where_it_is(void **state)
{
	static const struct {
		const char *json;
		const char *says;
	} bad[] = {
	    {"[]", "j:1:1: expected a policy set or a policy"},
	    {"{\"effect\":\"allow\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},"
	     "\"resource\":{"
	     "\"op\":\"All\"}}",
	     "j:1:11: expected permit or forbid, found \"allow\""},
	    {"{\"effect\":\"permit\"}",
	     "expected a policy with effect, principal, action and resource"},
	    {"{\"effect\":\"permit\",\"colour\":1}", "a policy has no member 'colour'"},
	    {"{\"staticPolicies\":{},\"x\":{}}", "expected staticPolicies"},
	    {"{\"effect\":\"permit\",\"principal\":{\"op\":\"==\",\"entity\":{\"type\":\"U\","
	     "\"id\":\"a\"},"
	     "\"slot\":\"?principal\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"All\"}}",
	     "expected a scope"},
	    {"{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},"
	     "\"resource\":{"
	     "\"op\":\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"frob\":[]}}]}",
	     "expected an operator"},
	    {"{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},"
	     "\"resource\":{"
	     "\"op\":\"is\",\"entity_type\":\"a b\"}}",
	     "expected the name of a type"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_BUF out = BUF_INIT(65536);
		struct err e = ERR_INIT;

		assert_rc(cedar_json_to_text(&out, STR("j"), str_from(bad[i].json), &e), RC_INPUT);
		if (!strstr(e.msg, bad[i].says)) {
			fail_msg("%s\nsays: %s", bad[i].json, e.msg);
		}
		assert_int_equal(out.n, 0);
	}
}

static void a_set_with_templates_and_links_goes_in_and_comes_out(void **state)
{
	static const char json[] =
	    "{\"staticPolicies\":{\"s\":{\"effect\":\"forbid\",\"principal\":{\"op\":\"All\"},"
	    "\"action\":{\"op\":"
	    "\"All\"},\"resource\":{\"op\":\"All\"},\"conditions\":[]}},\"templates\":{\"t\":{"
	    "\"effect\":\"permit\","
	    "\"principal\":{\"op\":\"in\",\"slot\":\"?principal\"},\"action\":{\"op\":\"All\"},"
	    "\"resource\":{\"op\":"
	    "\"All\"},\"conditions\":[],\"annotations\":{\"a\":null,\"b\":\"\"}}},"
	    "\"templateLinks\":[{\"templateId\":"
	    "\"t\",\"newId\":\"l\",\"values\":{\"?principal\":{\"type\":\"U\",\"id\":\"x\"}}}]}";
	AUTO_BUF out = BUF_INIT(65536);
	struct cedar_policies *set = NULL;
	struct cedar_builder *b;
	struct err e = ERR_INIT;

	(void)state;
	assert_ok(cedar_builder_new(&b, NULL));
	if (cedar_builder_add_json(b, STR("j"), str_from(json), &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	assert_ok(cedar_builder_finish(b, &set, NULL));
	cedar_builder_free(b);
	assert_int_equal(cedar_policies_count(set), 2);
	assert_ok(cedar_policies_print_json(&out, set, CEDAR_RELEASE_4_12, &e));
	assert_text(&out, json);
	cedar_policies_unref(set);
}

static void deep_json_is_a_typed_error(void **state)
{
	AUTO_BUF json = BUF_INIT(1 << 20);
	AUTO_BUF out = BUF_INIT(1 << 20);

	(void)state;
	assert_ok(buf_add(
	    &json,
	    STR("{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},"
		"\"resource\":{\"op\":\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":")));
	for (int i = 0; i < 5000; i++) {
		assert_ok(buf_add(&json, STR("{\"!\":{\"arg\":")));
	}
	assert_rc(cedar_json_to_text(&out, STR("j"), buf_view(&json), NULL), RC_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(expressions_become_json),
	    cmocka_unit_test(a_path_of_has_is_written_as_the_release_has_it),
	    cmocka_unit_test(parentheses_stand_where_the_tree_needs_them),
	    cmocka_unit_test(what_is_wrong_with_json_is_said_where_it_is),
	    cmocka_unit_test(a_set_with_templates_and_links_goes_in_and_comes_out),
	    cmocka_unit_test(deep_json_is_a_typed_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
