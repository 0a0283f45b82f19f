/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/arena.h"
#include "base/limits.h"
#include "codec/json.h"

static struct arena arena = ARENA_INIT(64 << 20);

static int empty_arena(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static const struct json *parsed(struct str text)
{
	struct err e = ERR_INIT;
	const struct json *j = NULL;

	if (json_parse(&arena, text, &JSON_LIMITS_DEFAULT, &j, &e) != RC_OK) {
		fail_msg("'" STR_FMT "': %s", STR_ARG(text), e.msg);
	}
	return j;
}

static enum rc parse_error(struct str text, struct err *e)
{
	const struct json *j = NULL;
	enum rc rc = json_parse(&arena, text, &JSON_LIMITS_DEFAULT, &j, e);

	assert_null(j);
	return rc;
}

static void documents_become_trees(void **state)
{
	(void)state;
	const struct json *j = parsed(STR(" {\"a\": [1, -2.5e+3, true, false, null], \"b\": {}, "
					  "\"c\": \"x\\n\\u00e9\\ud83d\\ude00\"} "));
	struct str s;
	int64_t i;
	bool b;

	assert_int_equal(j->type, JSON_OBJECT);
	assert_int_equal(j->count, 3);
	assert_int_equal(json_get(j, STR("a"))->count, 5);
	assert_str(json_get(j, STR("a"))->raw, "[1, -2.5e+3, true, false, null]");
	assert_true(json_i64(json_pointer(j, STR("/a/0")), &i));
	assert_int_equal(i, 1);
	assert_str(json_pointer(j, STR("/a/1"))->text, "-2.5e+3");
	assert_false(json_i64(json_pointer(j, STR("/a/1")), &i));
	assert_true(json_bool(json_pointer(j, STR("/a/2")), &b));
	assert_true(b);
	assert_true(json_bool(json_pointer(j, STR("/a/3")), &b));
	assert_false(b);
	assert_int_equal(json_pointer(j, STR("/a/4"))->type, JSON_NULL);
	assert_int_equal(json_get(j, STR("b"))->count, 0);
	assert_true(json_str(json_get(j, STR("c")), &s));
	assert_str(s, "x\n\xc3\xa9\xf0\x9f\x98\x80");
	assert_str(json_get(j, STR("c"))->raw, "\"x\\n\\u00e9\\ud83d\\ude00\"");
	assert_null(json_get(j, STR("d")));
}

static void scalars_are_documents(void **state)
{
	(void)state;
	assert_int_equal(parsed(STR("null"))->type, JSON_NULL);
	assert_int_equal(parsed(STR("\"\""))->type, JSON_STRING);
	assert_int_equal(parsed(STR("\t-0\r\n"))->type, JSON_NUMBER);
	assert_int_equal(parsed(STR("[]"))->count, 0);
}

static void strings_without_escapes_point_into_the_input(void **state)
{
	(void)state;
	struct str text = STR("{\"key\":\"value that is longer than a word\"}");
	const struct json *j = parsed(text);

	assert_ptr_equal(j->child->key.p, text.p + 2);
	assert_ptr_equal(j->child->text.p, text.p + 8);
	assert_str(j->child->text, "value that is longer than a word");
}

static void what_two_readers_could_read_differently_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		struct str text;
	} cases[] = {
	    {"duplicate name", {"{\"a\":1,\"a\":2}", 13}},
	    {"duplicate decoded name", {"{\"a\":1,\"\\u0061\":2}", 18}},
	    {"duplicate empty name", {"{\"\":1,\"\":2}", 11}},
	    {"invalid UTF-8", {"\"\xff\xfe\"", 4}},
	    {"overlong slash", {"\"\xc0\xaf\"", 4}},
	    {"surrogate in UTF-8", {"\"\xed\xa0\x80\"", 5}},
	    {"sequence cut by the quote", {"\"\xc3\"", 3}},
	    {"invalid UTF-8 in a name", {"{\"\xff\":1}", 7}},
	    {"lone high surrogate", {"\"\\ud800\"", 8}},
	    {"lone low surrogate", {"\"\\udc00\"", 8}},
	    {"two high surrogates", {"\"\\ud800\\ud800\"", 14}},
	    {"high surrogate and text", {"\"\\ud800abcdef\"", 14}},
	    {"half a pair at the end", {"\"\\ud83d\\u\"", 10}},
	    {"raw NUL in a string", {"\"a\0b\"", 5}},
	    {"raw NUL after the value", {"1\0", 2}},
	    {"control character", {"\"a\tb\"", 5}},
	    {"line feed in a string", {"\"a\nb\"", 5}},
	    {"trailing garbage", {"{} x", 4}},
	    {"second document", {"{}{}", 4}},
	    {"leading zero", {"01", 2}},
	    {"leading zero after minus", {"-01", 3}},
	    {"plus sign", {"+1", 2}},
	    {"no digit before the point", {".5", 2}},
	    {"no digit after the point", {"1.", 2}},
	    {"no digit in the exponent", {"1e", 2}},
	    {"no digit after the exponent's sign", {"1e+", 3}},
	    {"bare minus", {"-", 1}},
	    {"two points", {"1.2.3", 5}},
	    {"hexadecimal", {"0x10", 4}},
	    {"NaN", {"NaN", 3}},
	    {"Infinity", {"Infinity", 8}},
	    {"-Infinity", {"-Infinity", 9}},
	    {"byte-order mark", {"\xef\xbb\xbf{}", 5}},
	    {"single quotes", {"{'a':1}", 7}},
	    {"unquoted name", {"{a:1}", 5}},
	    {"comment", {"1 /* x */", 9}},
	    {"line comment", {"// x\n1", 6}},
	    {"trailing comma in an array", {"[1,]", 4}},
	    {"trailing comma in an object", {"{\"a\":1,}", 8}},
	    {"leading comma", {"[,1]", 4}},
	    {"missing comma", {"[1 2]", 5}},
	    {"missing colon", {"{\"a\" 1}", 7}},
	    {"missing value", {"{\"a\":}", 6}},
	    {"name that is no string", {"{1:1}", 5}},
	    {"wrong bracket", {"[1}", 3}},
	    {"word in capitals", {"True", 4}},
	    {"half a word", {"nul", 3}},
	    {"word with a tail", {"nulll", 5}},
	    {"unknown escape", {"\"\\x41\"", 6}},
	    {"short unicode escape", {"\"\\u12\"", 6}},
	    {"no hexadecimal digits", {"\"\\u12g4\"", 8}},
	    {"escape at the end", {"\"\\", 2}},
	    {"quote escaped at the end", {"\"\\\"", 3}},
	    {"string without an end", {"\"abc", 4}},
	    {"array without an end", {"[1", 2}},
	    {"object without an end", {"{\"a\":1", 6}},
	    {"nothing", {"", 0}},
	    {"blanks only", {" \n", 2}},
	    {"form feed as a blank", {"\f1", 2}},
	    {"no-break space as a blank",
	     {"\xc2\xa0"
	      "1",
	      3}},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;

		if (parse_error(cases[i].text, &e) != RC_INPUT) {
			fail_msg("%s was not refused as bad input", cases[i].what);
		}
		if (!strchr(e.msg, ':')) {
			fail_msg("%s: no position in '%s'", cases[i].what, e.msg);
		}
	}
}

static void numbers_keep_their_exact_text(void **state)
{
	(void)state;
	static const char *const texts[] = {
	    "9223372036854775808",
	    "1e400",
	    "9007199254740993",
	    "-0",
	    "0.10",
	    "1E+2",
	    "0e0",
	    "0.0000",
	    "-1.5e-7",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct json *j = parsed(str_from(texts[i]));

		assert_int_equal(j->type, JSON_NUMBER);
		assert_str(j->text, texts[i]);
		assert_str(j->raw, texts[i]);
	}
}

static void integers_are_read_only_when_they_are_exact(void **state)
{
	(void)state;
	uint64_t u;
	int64_t i;

	assert_true(json_u64(parsed(STR("18446744073709551615")), &u));
	assert_true(u == UINT64_MAX);
	assert_false(json_u64(parsed(STR("18446744073709551616")), &u));
	assert_false(json_u64(parsed(STR("-1")), &u));
	assert_true(json_i64(parsed(STR("-9223372036854775808")), &i));
	assert_true(i == INT64_MIN);
	assert_false(json_i64(parsed(STR("9223372036854775808")), &i));
	assert_false(json_i64(parsed(STR("1.0")), &i));
	assert_false(json_i64(parsed(STR("1e2")), &i));
	assert_false(json_i64(parsed(STR("\"1\"")), &i));
}

static void an_escaped_nul_is_a_byte_like_any_other(void **state)
{
	(void)state;
	const struct json *j = parsed(STR("{\"x\":1,\"x\\u0000y\":\"a\\u0000b\"}"));
	struct str s;

	assert_int_equal(j->count, 2);
	assert_true(json_str(json_get(j, STR("x\0y")), &s));
	assert_int_equal(s.n, 3);
	assert_memory_equal(s.p, "a\0b", 3);
}

static struct str nested(char *text, size_t depth)
{
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	return str_of(text, 2 * depth);
}

static void depth_is_bounded(void **state)
{
	(void)state;
	static char text[200000];
	struct json_limits generous = {
	    .max_bytes = sizeof(text), .max_depth = 100000, .max_nodes = 200000};
	struct json_limits two = {.max_bytes = 100, .max_depth = 2, .max_nodes = 100};
	const struct json *j;
	struct err e = ERR_INIT;

	(void)parsed(nested(text, LIMIT_JSON_DEPTH));
	assert_rc(parse_error(nested(text, LIMIT_JSON_DEPTH + 1), &e), RC_LIMIT);
	assert_rc(parse_error(nested(text, 1000), &e), RC_LIMIT);
	assert_rc(json_parse(&arena, nested(text, 100000), &generous, &j, &e), RC_LIMIT);
	assert_ok(json_parse(&arena, STR("[[],{}]"), &two, &j, &e));
	assert_rc(json_parse(&arena, STR("[[[]]]"), &two, &j, &e), RC_LIMIT);
	assert_rc(json_parse(&arena, STR("[{\"a\":{}}]"), &two, &j, &e), RC_LIMIT);
	assert_string_equal(e.msg, "1:7: nested too deeply");
}

static void size_and_number_of_values_are_bounded(void **state)
{
	(void)state;
	struct json_limits l = {.max_bytes = 9, .max_depth = 9, .max_nodes = 4};
	struct json_limits none = {0};
	const struct json *j;

	assert_ok(json_parse(&arena, STR("[1,2,3]  "), &l, &j, NULL));
	assert_rc(json_parse(&arena, STR("[1,2,3,4]"), &l, &j, NULL), RC_LIMIT);
	assert_rc(json_parse(&arena, STR("[1,2,3]   "), &l, &j, NULL), RC_LIMIT);
	assert_rc(json_parse(&arena, STR("1"), &none, &j, NULL), RC_LIMIT);
	assert_ok(json_parse(&arena, STR("1"), NULL, &j, NULL));
}

static struct str object_of(char *text, size_t room, unsigned members, unsigned last_name)
{
	size_t n = 0;

	for (unsigned i = 0; i < members; i++) {
		unsigned name = i + 1 == members ? last_name : i;

		n += (size_t)snprintf(text + n, room - n, "%c\"k%u\":%u", i ? ',' : '{', name, i);
	}
	text[n++] = '}';
	return str_of(text, n);
}

static void large_objects_are_checked_for_duplicates_too(void **state)
{
	(void)state;
	static char text[1 << 20];
	struct err e = ERR_INIT;
	static const unsigned sizes[] = {2, 3, 15, 16, 17, 18, 33, 100, 1000, 50000};

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		unsigned n = sizes[i];

		assert_int_equal(parsed(object_of(text, sizeof(text), n, n))->count, n);
		assert_rc(parse_error(object_of(text, sizeof(text), n, 0), &e), RC_INPUT);
		assert_rc(parse_error(object_of(text, sizeof(text), n, n - 2), &e), RC_INPUT);
		assert_non_null(strstr(e.msg, "used twice"));
		arena_fini(&arena);
	}
}

static void errors_tell_line_and_column(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
	    {"{\n  \"a\": 1,\n  \"a\": 2\n}", "3:3: member name used twice in one object"},
	    {"{\n  \"a\": 1,\n  \"\\u0061\": 2\n}", "3:13: member name used twice in one object"},
	    {"[1,\n 01]", "2:2: malformed number"},
	    {"[1,\r\n\"a\\q\"]", "2:3: bad escape in a string"},
	    {"{\"a\" 1}", "1:6: expected ':', got '1'"},
	    {"[1", "1:3: expected ',' or ']', got the end"},
	    {"\n\x01", "2:1: expected a value, got byte 0x01"},
	    {"1 2", "1:3: expected the end of the document, got '2'"},
	    {"{1}", "1:2: expected a member name in quotes, got '1'"},
	    {"tru", "1:1: expected a value, got 't'"},
	    {" \"abc", "1:2: string without an end"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;

		assert_rc(parse_error(str_from(cases[i].text), &e), RC_INPUT);
		assert_string_equal(e.msg, cases[i].message);
	}
}

static void positions_are_given_when_asked_for(void **state)
{
	(void)state;
	struct json_limits l = JSON_LIMITS_DEFAULT;
	const struct json *j;

	assert_int_equal(parsed(STR(" 1"))->line, 0);
	l.want_positions = true;
	assert_ok(json_parse(&arena, STR("\n{\n  \"a\": [1,\n2],\n \"b\": \"x\"}"), &l, &j, NULL));
	assert_int_equal(j->line, 2);
	assert_int_equal(j->column, 1);
	assert_int_equal(json_get(j, STR("a"))->line, 3);
	assert_int_equal(json_get(j, STR("a"))->column, 8);
	assert_int_equal(json_pointer(j, STR("/a/1"))->line, 4);
	assert_int_equal(json_pointer(j, STR("/a/1"))->column, 1);
	assert_int_equal(json_get(j, STR("b"))->line, 5);
	assert_int_equal(json_get(j, STR("b"))->column, 7);
}

static void pointers_follow_rfc_6901(void **state)
{
	(void)state;
	/* The document of RFC 6901 section 5. */
	const struct json *j = parsed(STR("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,"
					  "\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,"
					  "\"m~n\":8}"));
	static const struct {
		const char *pointer;
		const char *text;
	} cases[] = {
	    {"/foo/0", "bar"}, {"/", "0"},     {"/a~1b", "1"}, {"/c%d", "2"}, {"/e^f", "3"},
	    {"/g|h", "4"},     {"/i\\j", "5"}, {"/k\"l", "6"}, {"/ ", "7"},   {"/m~0n", "8"},
	};
	static const char *const absent[] = {
	    "foo",  "/foo/2", "/foo/-", "/foo/00", "/foo/01",  "/foo/0/x",
	    "/m~n", "/m~2n",  "/m~",	"/foo/",   "/nothing", "/foo/18446744073709551616"};

	assert_ptr_equal(json_pointer(j, STR("")), j);
	assert_ptr_equal(json_pointer(j, STR("/foo")), j->child);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct json *hit = json_pointer(j, str_from(cases[i].pointer));

		assert_non_null(hit);
		assert_str(hit->text, cases[i].text);
	}
	for (size_t i = 0; i < ARRAY_LEN(absent); i++) {
		assert_null(json_pointer(j, str_from(absent[i])));
	}
}

static void missing_values_can_be_asked_everything(void **state)
{
	(void)state;
	struct str s;
	int64_t i;
	uint64_t u;
	bool b;

	assert_int_equal(json_type(NULL), JSON_NONE);
	assert_null(json_get(NULL, STR("a")));
	assert_null(json_at(NULL, 0));
	assert_null(json_pointer(NULL, STR("/a")));
	assert_false(json_str(NULL, &s));
	assert_false(json_i64(NULL, &i));
	assert_false(json_u64(NULL, &u));
	assert_false(json_bool(NULL, &b));
	assert_true(json_equal(NULL, NULL));
	assert_false(json_equal(NULL, parsed(STR("null"))));
	assert_null(json_get(parsed(STR("[1]")), STR("a")));
	assert_null(json_at(parsed(STR("{\"a\":1}")), 0));
}

static void equality_is_structural_and_ignores_member_order(void **state)
{
	(void)state;
	static char text[1 << 16];
	static char reversed[1 << 16];
	size_t n = 0;

	assert_true(json_equal(parsed(STR("{\"a\":[1,\"x\"],\"b\":null}")),
			       parsed(STR("{ \"b\": null, \"\\u0061\": [1, \"\\u0078\"] }"))));
	assert_false(json_equal(parsed(STR("[1,2]")), parsed(STR("[2,1]"))));
	assert_false(json_equal(parsed(STR("1")), parsed(STR("1.0"))));
	assert_false(json_equal(parsed(STR("{\"a\":1}")), parsed(STR("{\"b\":1}"))));
	assert_false(json_equal(parsed(STR("true")), parsed(STR("false"))));
	assert_false(json_equal(parsed(STR("\"1\"")), parsed(STR("1"))));
	for (unsigned i = 1000; i-- > 0;) {
		n += (size_t)snprintf(reversed + n, sizeof(reversed) - n, "%c\"k%u\":%u",
				      n ? ',' : '{', i, i);
	}
	reversed[n++] = '}';
	assert_true(json_equal(parsed(object_of(text, sizeof(text), 1000, 999)),
			       parsed(str_of(reversed, n))));
	assert_false(json_equal(parsed(object_of(text, sizeof(text), 1000, 1000)),
				parsed(str_of(reversed, n))));
}

static void running_out_of_memory_is_an_error_and_leaks_nothing(void **state)
{
	(void)state;
	static char text[4096];
	struct str doc = object_of(text, sizeof(text), 100, 100);
	size_t before;
	enum rc rc = RC_NOMEM;

	arena_fini(&arena);
	before = mem_blocks();
	for (size_t nth = 1; rc != RC_OK; nth++) {
		const struct json *j = NULL;

		assert_true(nth < 1000);
		mem_fail_after(nth);
		rc = json_parse(&arena, doc, NULL, &j, NULL);
		mem_fail_after(0);
		assert_true(rc == RC_OK || rc == RC_NOMEM);
		arena_fini(&arena);
		assert_int_equal(mem_blocks(), before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(documents_become_trees, empty_arena),
	    cmocka_unit_test_teardown(scalars_are_documents, empty_arena),
	    cmocka_unit_test_teardown(strings_without_escapes_point_into_the_input, empty_arena),
	    cmocka_unit_test_teardown(what_two_readers_could_read_differently_is_refused,
				      empty_arena),
	    cmocka_unit_test_teardown(numbers_keep_their_exact_text, empty_arena),
	    cmocka_unit_test_teardown(integers_are_read_only_when_they_are_exact, empty_arena),
	    cmocka_unit_test_teardown(an_escaped_nul_is_a_byte_like_any_other, empty_arena),
	    cmocka_unit_test_teardown(depth_is_bounded, empty_arena),
	    cmocka_unit_test_teardown(size_and_number_of_values_are_bounded, empty_arena),
	    cmocka_unit_test_teardown(large_objects_are_checked_for_duplicates_too, empty_arena),
	    cmocka_unit_test_teardown(errors_tell_line_and_column, empty_arena),
	    cmocka_unit_test_teardown(positions_are_given_when_asked_for, empty_arena),
	    cmocka_unit_test_teardown(pointers_follow_rfc_6901, empty_arena),
	    cmocka_unit_test_teardown(missing_values_can_be_asked_everything, empty_arena),
	    cmocka_unit_test_teardown(equality_is_structural_and_ignores_member_order, empty_arena),
	    cmocka_unit_test_teardown(running_out_of_memory_is_an_error_and_leaks_nothing,
				      empty_arena),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
