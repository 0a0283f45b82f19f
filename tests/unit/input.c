/* SPDX-License-Identifier: Apache-2.0 */
/* What policies see of arguments: types by the public generator's rules, names that are none made
 * into identifiers, and values that mean the same however they are spelled.
 */
#include "core/input.h"

#include <cedar.h>

#include "test.h"

static struct arena arena = ARENA_INIT(64 << 20);

static const struct json *json(const char *text)
{
	const struct json *j;
	struct err e = ERR_INIT;

	if (json_parse(&arena, str_from(text), NULL, &j, &e) != RC_OK) {
		fail_msg("%s: %s", text, e.msg);
	}
	return j;
}

static const struct input *input(const char *schema)
{
	const struct input *in;
	struct err e = ERR_INIT;

	if (input_of_schema(STR("up___do"), json(schema), &arena, &in, &e) != RC_OK) {
		fail_msg("%s: %s", schema, e.msg);
	}
	return in;
}

/* The schema in one line, without the parts that are always there. */
static const char *printed(const struct input *in)
{
	static char out[8192];
	AUTO_BUF b = BUF_INIT(1 << 20);
	size_t n = 0;

	assert_ok(input_print(&b, in));
	assert_ok(input_print_spaces(&b, in));
	for (size_t i = 0; i < b.n && n + 1 < sizeof(out); i++) {
		char c = b.p[i] == '\n' ? ' ' : b.p[i];

		if (c != ' ' || (n > 0 && out[n - 1] != ' ')) {
			out[n++] = c;
		}
	}
	out[n] = '\0';
	return out;
}

static void expect_print(const char *properties, const char *expected)
{
	AUTO_BUF b = BUF_INIT(65536);

	assert_ok(buf_addf(&b, "{\"type\":\"object\",\"properties\":{%s}}%c", properties, 0));
	if (strcmp(printed(input(b.p)), expected) != 0) {
		fail_msg("%s:\n%s\nnot\n%s", properties, printed(input(b.p)), expected);
	}
}

static void a_schema_becomes_types(void **state)
{
	(void)state;
	expect_print("\"a\":{\"type\":\"boolean\"},\"b\":{\"type\":\"integer\"},\"c\":{\"type\":"
		     "\"number\"},\"d\":{\"type\":\"string\"}",
		     "type up___doInput = { \"a\"?: Bool, \"b\"?: Long, \"c\"?: decimal, \"d\"?: "
		     "String, };");
	expect_print("\"a\":{\"type\":\"string\",\"format\":\"date-time\"},\"b\":{\"type\":"
		     "\"string\",\"format\":\"duration\"},\"c\":{\"type\":\"string\",\"format\":"
		     "\"ipv6\"},\"d\":{\"type\":\"string\",\"format\":\"uri\"}",
		     "type up___doInput = { \"a\"?: datetime, \"b\"?: duration, \"c\"?: ipaddr, "
		     "\"d\"?: String, };");
	expect_print("\"m\":{\"type\":\"string\",\"enum\":[\"x\",\"y\"]}",
		     "type up___doInput = { \"m\"?: Remit::up___do::Input::m, }; namespace "
		     "Remit::up___do::Input { entity m enum [\"x\", \"y\"]; } ");
	expect_print("\"o\":{\"type\":\"object\",\"properties\":{\"k\":{\"type\":\"string\"}},"
		     "\"required\":[\"k\"]}",
		     "type up___doInput = { \"o\"?: Remit::up___do::Input::o, }; namespace "
		     "Remit::up___do::Input { type o = { \"k\": String, }; } ");
	expect_print("\"o\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}",
		     "type up___doInput = { \"o\"?: Remit::up___do::Input::o, }; namespace "
		     "Remit::up___do::Input { entity o {} tags Long; } ");
	expect_print("\"u\":{\"type\":[\"string\",\"null\"]}",
		     "type up___doInput = { \"u\"?: { \"typeChoice0\"?: String, \"typeChoice1\"?: "
		     "Remit::Null, }, };");
	expect_print("\"t\":{\"type\":\"array\",\"prefixItems\":[{\"type\":\"string\"},{\"type\":"
		     "\"integer\"}],\"items\":false},\"s\":{\"type\":\"array\"}",
		     "type up___doInput = { \"t\"?: { \"proj0\": String, \"proj1\": Long, }, "
		     "\"s\"?: Set<Remit::Unknown>, };");
	expect_print("\"x\":{},\"y\":{\"const\":1},\"z\":{\"allOf\":[]},\"w\":true",
		     "type up___doInput = { \"x\"?: Remit::Unknown, \"y\"?: Remit::Unknown, "
		     "\"z\"?: Remit::Unknown, \"w\"?: Remit::Unknown, };");
}

static void names_that_are_no_identifiers_are_escaped_without_loss(void **state)
{
	static const struct {
		const char *text;
		const char *identifier;
	} cases[] = {
	    {"plain", "plain"},
	    {"_x1", "_x1"},
	    {"create-issue", "create_u002D_issue"},
	    {"files/read", "files_u002F_read"},
	    {"in", "_u0069_n"},
	    {"String", "_u0053_tring"},
	    {"__cedar", "_u005F__cedar"},
	    {"$ref", "_u0024_ref"},
	    {"1st", "_u0031_st"},
	    {"a_u002D_b", "a_u005F_u002D_b"},
	    {"caf\xc3\xa9", "caf_u00E9_"},
	    {"\xf0\x9f\x98\x80", "_u1F600_"},
	    {"", "_u110000_"},
	    {"rate_u10", "rate_u10"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str got;

		assert_ok(input_identifier(str_from(cases[i].text), &arena, &got, NULL));
		assert_str(got, cases[i].identifier);
	}
	expect_print(
	    "\"in\":{\"type\":\"string\",\"enum\":[\"x\"]},\"a-b\":{\"type\":\"string\"}",
	    "type up___doInput = { \"in\"?: Remit::up___do::Input::_u0069_n, \"a-b\"?: "
	    "String, }; namespace Remit::up___do::Input { entity _u0069_n enum [\"x\"]; } ");
}

static void definitions_keep_their_names_and_circles_are_cut(void **state)
{
	const struct input *in;

	(void)state;
	in = input(
	    "{\"properties\":{\"f\":{\"$ref\":\"#/$defs/f\"},\"g\":{\"type\":\"object\"}},"
	    "\"$defs\":{\"f\":{\"type\":\"string\"},\"g\":{\"type\":\"object\",\"properties\":"
	    "{\"again\":{\"$ref\":\"#/$defs/g\"}}}}}");
	assert_string_equal(
	    printed(in),
	    "type up___doInput = { \"f\"?: Remit::up___do::Input::f, \"g\"?: "
	    "Remit::up___do::Input::g_u110000_, }; namespace Remit::up___do::Input { type "
	    "g_u110000_ = {}; type g = { \"again\"?: Remit::Unknown, }; type f = String; } ");
	/* An entity may refer to itself. */
	in = input("{\"properties\":{},\"$defs\":{\"n\":{\"type\":\"object\",\"properties\":{\"c\":"
		   "{\"$ref\":\"#/$defs/n\"}},\"additionalProperties\":{\"type\":\"string\"}}}}");
	assert_non_null(strstr(printed(in), "\"c\"?: Remit::up___do::Input::n,"));
}

/* ---- values ---- */

static char shown[4096];

/* The arguments as Cedar prints them. */
static enum rc turn(const char *schema, const char *args, bool *undeclared, struct err *e)
{
	const struct input *in = input(schema);
	struct cedar_entities *store;
	const struct cedar_value *v;
	AUTO_BUF b = BUF_INIT(sizeof(shown) - 1);

	TRY(input_check(in, json(args), &arena, e));
	assert_ok(cedar_entities_new(&arena, NULL, &store, NULL));
	assert_ok(input_value(in, json(args), &arena, store, &v, undeclared, e));
	assert_ok(cedar_entities_seal(store, NULL));
	assert_ok(cedar_value_print(&b, v));
	memcpy(shown, b.p, b.n);
	shown[b.n] = '\0';
	return RC_OK;
}

static void expect_seen(const char *type, const char *value, const char *expected)
{
	AUTO_BUF schema = BUF_INIT(4096);
	AUTO_BUF args = BUF_INIT(4096);
	bool undeclared;
	struct err e = ERR_INIT;

	assert_ok(buf_addf(&schema, "{\"properties\":{\"x\":%s}}%c", type, 0));
	assert_ok(buf_addf(&args, "{\"x\":%s}%c", value, 0));
	if (turn(schema.p, args.p, &undeclared, &e) != RC_OK) {
		fail_msg("%s as %s: %s", value, type, e.msg);
	}
	if (strstr(shown, expected) == NULL) {
		fail_msg("%s as %s: %s, not %s", value, type, shown, expected);
	}
}

static void expect_refusal(const char *type, const char *value)
{
	AUTO_BUF schema = BUF_INIT(4096);
	AUTO_BUF args = BUF_INIT(4096);
	bool undeclared;
	struct err e = ERR_INIT;

	assert_ok(buf_addf(&schema, "{\"properties\":{\"x\":%s}}%c", type, 0));
	assert_ok(buf_addf(&args, "{\"x\":%s}%c", value, 0));
	if (turn(schema.p, args.p, &undeclared, &e) != RC_INPUT) {
		fail_msg("%s as %s was taken", value, type);
	}
	if (strncmp(e.msg, "'/x': expected", 14) != 0) {
		fail_msg("%s", e.msg);
	}
}

#define AS(format) "{\"type\":\"string\",\"format\":\"" format "\"}"

static void spellings_of_one_thing_are_one_value(void **state)
{
	(void)state;
	expect_seen("{\"type\":\"number\"}", "3", "decimal(\"3.0");
	expect_seen("{\"type\":\"number\"}", "1.50000", "decimal(\"1.5");
	expect_seen("{\"type\":\"number\"}", "0.00001", "\"0.00001\"");
	expect_seen("{\"type\":\"integer\"}", "-7", "-7");
	expect_seen(AS("ipv4"), "\"0177.0.0.1\"", "127.0.0.1");
	expect_seen(AS("ipv6"), "\"::ffff:10.0.0.1\"", "10.0.0.1");
	expect_seen(AS("ipv4"), "\"0.0.0.0\"", "0.0.0.0");
	expect_seen(AS("date"), "\"2026-11-22\"", "1795305600000ms");
	expect_seen(AS("date-time"), "\"2026-11-22T10:00:00.5+02:00\"", "1795334400500ms");
	expect_seen(AS("date-time"), "\"2026-11-22T08:00:00\"", "1795334400000ms");
	expect_seen(AS("duration"), "\"P1DT2H3M4.5S\"", "93784500ms");
	expect_seen(AS("duration"), "\"P1Y1M\"", "34128000000ms");
	expect_seen(AS("duration"), "\"P2W\"", "1209600000ms");
	expect_seen("{\"type\":[\"integer\",\"string\"]}", "\"x\"", "typeChoice1");
	expect_seen("{\"const\":{\"b\":1,\"a\":2}}", "{\"b\":1,\"a\":2}",
		    "Remit::Unknown::\"{\\\"a\\\":2,\\\"b\\\":1}\"");
	expect_seen("{\"type\":\"string\",\"enum\":[\"on\"]}", "\"on\"",
		    "Remit::up___do::Input::x::\"on\"");
}

static void what_is_not_of_its_format_is_refused(void **state)
{
	(void)state;
	expect_refusal(AS("ipv4"), "\"db1.example\"");
	expect_refusal(AS("ipv4"), "\"\"");
	expect_refusal(AS("date-time"), "\"yesterday\"");
	expect_refusal(AS("date-time"), "\"2026-13-01T00:00:00Z\"");
	expect_refusal(AS("date-time"), "\"2026-11-22T10:00:00+0200\"");
	expect_refusal(AS("duration"), "\"15 minutes\"");
	expect_refusal(AS("duration"), "\"P\"");
	expect_refusal(AS("duration"), "\"PT\"");
	expect_refusal(AS("duration"), "\"PT1M1H\"");
	expect_refusal(AS("duration"), "\"P999999999999999999D\"");
	expect_refusal(AS("decimal"), "\"1.00001\"");
	expect_refusal("{\"type\":\"integer\"}", "9223372036854775808");
	expect_refusal(
	    "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"string\"}],\"items\":false}", "[]");
}

static void what_the_schema_does_not_declare_is_left_out_and_told(void **state)
{
	static const char schema[] = "{\"properties\":{\"x\":{\"type\":\"object\",\"properties\":{"
				     "\"k\":{\"type\":\"string\"}}}}}";
	bool undeclared = true;

	(void)state;
	assert_ok(turn(schema, "{\"x\":{\"k\":\"v\"}}", &undeclared, NULL));
	assert_false(undeclared);
	assert_ok(turn(schema, "{\"x\":{\"k\":\"v\"},\"force\":true}", &undeclared, NULL));
	assert_true(undeclared);
	assert_null(strstr(shown, "force"));
	assert_ok(turn(schema, "{\"x\":{\"k\":\"v\",\"deep\":1}}", &undeclared, NULL));
	assert_true(undeclared);
}

/* Definitions that each offer the next one twice: without a bound, 2^30 ways. */
static void alternatives_are_tried_within_bounds(void **state)
{
	AUTO_BUF b = BUF_INIT(65536);
	struct err e = ERR_INIT;

	(void)state;
	assert_ok(buf_addf(&b, "{\"properties\":{\"x\":{\"$ref\":\"#/$defs/d0\"}},\"$defs\":{"));
	for (int i = 0; i < 30; i++) {
		assert_ok(buf_addf(&b,
				   "\"d%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/d%d\"},{\"$ref\":"
				   "\"#/$defs/d%d\"}]},",
				   i, i + 1, i + 1));
	}
	assert_ok(buf_addf(&b, "\"d30\":{\"type\":\"integer\"}}}%c", 0));
	assert_int_equal(input_check(input(b.p), json("{\"x\":\"no integer\"}"), &arena, &e),
			 RC_LIMIT);
	assert_ok(input_check(input(b.p), json("{\"x\":1}"), &arena, &e)); /* control */
}

static int drop(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_schema_becomes_types),
	    cmocka_unit_test(names_that_are_no_identifiers_are_escaped_without_loss),
	    cmocka_unit_test(definitions_keep_their_names_and_circles_are_cut),
	    cmocka_unit_test(spellings_of_one_thing_are_one_value),
	    cmocka_unit_test(what_is_not_of_its_format_is_refused),
	    cmocka_unit_test(what_the_schema_does_not_declare_is_left_out_and_told),
	    cmocka_unit_test(alternatives_are_tried_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, drop);
}
