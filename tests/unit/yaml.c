/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/arena.h"
#include "base/limits.h"
#include "codec/yaml.h"

static struct arena arena = ARENA_INIT(64 << 20);

static int empty_arena(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static const struct json *parsed(const char *text)
{
	struct err e = ERR_INIT;
	const struct json *j = NULL;

	if (yaml_parse(&arena, str_from(text), NULL, &j, &e) != RC_OK) {
		fail_msg("'%s': %s", text, e.msg);
	}
	return j;
}

static void assert_json(const struct json *j, const char *want)
{
	AUTO_BUF b = BUF_INIT(1 << 16);
	struct json_out w = json_out_to(&b);

	json_out_node(&w, j);
	assert_ok(json_out_end(&w, NULL));
	assert_str(buf_view(&b), want);
}

static void configuration_becomes_the_tree_of_the_same_json(void **state)
{
	(void)state;
	assert_json(parsed("# a comment\n"
			   "name: payments # another\n"
			   "severity: 2\n"
			   "ratio: -0.5e3\n"
			   "on: yes\n"
			   "off: [true, false, null, ~, ]\n"
			   "quoted: \"1\"\n"
			   "single: 'true'\n"
			   "empty:\n"
			   "block: |\n"
			   "  two\n"
			   "  lines\n"
			   "folded: >-\n"
			   "  one\n"
			   "  line\n"
			   "list:\n"
			   "  - a: 1\n"
			   "    b: {}\n"
			   "  - []\n"
			   "date: 2026-11-22\n"
			   "time: 12:30:45\n"
			   "version: 1.2.3\n"
			   "grouped: 1_000\n"
			   "? long\n"
			   ": form\n"),
		    "{\"name\":\"payments\",\"severity\":2,\"ratio\":-0.5e3,\"on\":\"yes\","
		    "\"off\":[true,false,null,null],\"quoted\":\"1\",\"single\":\"true\","
		    "\"empty\":null,\"block\":\"two\\nlines\\n\",\"folded\":\"one line\","
		    "\"list\":[{\"a\":1,\"b\":{}},[]],\"date\":\"2026-11-22\","
		    "\"time\":\"12:30:45\",\"version\":\"1.2.3\",\"grouped\":\"1_000\","
		    "\"long\":\"form\"}");
}

static void an_empty_document_is_null(void **state)
{
	(void)state;
	static const char *const texts[] = {"",	     "\n\n",	   "# only a comment\n",
					    "---\n", "---\n...\n", "~"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(parsed(texts[i])->type, JSON_NULL);
	}
}

static void json_is_yaml(void **state)
{
	(void)state;
	static const char text[] = "{\"a\":[1,-2.5,\"x\\u00e9\\n\",null,true],\"b\":{\"c\":\"\"}}";

	assert_json(parsed(text), "{\"a\":[1,-2.5,\"x\xc3\xa9\\n\",null,true],\"b\":{\"c\":\"\"}}");
}

static void every_node_has_its_position(void **state)
{
	(void)state;
	const struct json *j = parsed("a: 1\nb:\n  - x\n  -   y\n\xc3\xa9: {z: 2}\n");

	assert_int_equal(j->line, 1);
	assert_int_equal(j->column, 1);
	assert_int_equal(json_get(j, STR("a"))->column, 4);
	assert_int_equal(json_pointer(j, STR("/b"))->line, 3);
	assert_int_equal(json_pointer(j, STR("/b/1"))->line, 4);
	assert_int_equal(json_pointer(j, STR("/b/1"))->column, 7);
	assert_int_equal(json_pointer(j, STR("/\xc3\xa9/z"))->line, 5);
	assert_int_equal(json_pointer(j, STR("/\xc3\xa9/z"))->column, 8);
}

static void what_can_mean_something_else_is_refused_with_its_position(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *message; /* begins with */
	} cases[] = {
	    {"a: 1\nb: 2\na: 3\n", "3:1: 'a' is a key of this mapping already"},
	    {"a: 1\n\"a\": 3\n", "2:1: 'a' is a key"},
	    {"x: {a: 1, 'a': 2}\n", "1:11: 'a' is a key"},
	    {"a: &x 1\nb: 2\n", "1:4: anchors"},
	    {"a: &x [1]\n", "1:4: anchors"},
	    {"a: &x {b: 1}\n", "1:4: anchors"},
	    {"&x a: 1\n", "1:1: anchors"},
	    {"a: *x\n", "1:4: "},
	    {"*x : 1\n", "1:1: "},
	    {"a: !!str 1\n", "1:4: tags"},
	    {"a: ! 1\n", "1:4: tags"},
	    {"a: !custom {b: 1}\n", "1:4: tags"},
	    {"a: !!set {b}\n", "1:4: tags"},
	    {"!!str a: 1\n", "1:1: tags"},
	    {"a: 1\n---\nb: 2\n", "2:1: more than one document"},
	    {"a: 1\n...\nb: 2\n", "3:1: "},
	    {"%YAML 1.1\n---\na: 1\n", "1:1: directives"},
	    {"%TAG ! tag:x,2026:\n---\na: 1\n", "1:1: directives"},
	    {"1: a\n", "1:1: '1' as a key is not a string"},
	    {"true: a\n", "1:1: 'true' as a key"},
	    {"~: a\n", "1:1: '~' as a key"},
	    {": a\n", "1:1: "},
	    {"[a]: b\n", "1:1: a key must be a string"},
	    {"? {a: 1}\n: b\n", "1:3: a key must be a string"},
	    {"<<: {a: 1}\n", "1:1: merge keys"},
	    {"a: b: c\n", "1:5: "},
	    {"a: [1\n", "2:1: "},
	    {"a: {x: 1\n", "2:1: "},
	    {"a: \"x\n", "2:1: "},
	    {"a:\n\t- b\n", "2:1: "},
	    {"a: @x\n", "1:4: "},
	    {"a: `x\n", "1:4: "},
	    {"a\nb: 1\n", "2:2: "},
	    {"a: 1\n b: 2\n", "2:3: "},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;
		const struct json *j = NULL;

		if (yaml_parse(&arena, str_from(cases[i].text), NULL, &j, &e) != RC_INPUT) {
			fail_msg("'%s' was not refused as bad input", cases[i].text);
		}
		assert_null(j);
		if (!str_has_prefix(str_from(e.msg), str_from(cases[i].message))) {
			fail_msg("'%s': '%s'", cases[i].text, e.msg);
		}
	}
}

static void scalars_on_which_readers_disagree_must_be_quoted(void **state)
{
	(void)state;
	static const char *const ambiguous[] = {
	    "True", "TRUE", "False", "FALSE", "Null", "NULL", "0x1f",  "0o17",	"012",	"+1",
	    ".5",   "5.",   "+.5e3", "-.5",   "-01",  ".inf", "-.Inf", "+.INF", ".nan", "00",
	};
	static const char *const strings[] = {
	    "yes", "no", "on",	  "off", "0xzz", "0o9",	      "1_000", "tRUE", ".", "+",  "-x",
	    "1e",  "e1", "1.2.3", "nan", "inf",	 ".infinity", "0b1",   "1:20", "-", "x1",
	};

	for (size_t i = 0; i < ARRAY_LEN(ambiguous); i++) {
		const struct json *j = NULL;
		struct err e = ERR_INIT;
		char text[64];

		(void)snprintf(text, sizeof(text), "a: %s\n", ambiguous[i]);
		if (yaml_parse(&arena, str_from(text), NULL, &j, &e) != RC_INPUT) {
			fail_msg("'%s' was not refused", ambiguous[i]);
		}
		assert_non_null(strstr(e.msg, "quote it"));
		(void)snprintf(text, sizeof(text), "a: '%s'\n", ambiguous[i]);
		assert_int_equal(parsed(text)->child->type, JSON_STRING);
	}
	for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
		char text[64];

		if (strcmp(strings[i], "-") == 0) {
			continue; /* a block entry */
		}
		(void)snprintf(text, sizeof(text), "a: %s\n", strings[i]);
		assert_int_equal(parsed(text)->child->type, JSON_STRING);
		assert_str(parsed(text)->child->text, strings[i]);
	}
}

static void bytes_that_are_no_text_are_refused(void **state)
{
	(void)state;
	static const struct str cases[] = {
	    {"\xef\xbb\xbf"
	     "a: 1\n",
	     8},
	    {"a: \xff\n", 5},
	    {"a: \xc0\xaf\n", 6},
	    {"a: b\0c\n", 7},
	    {"a: \x01\n", 5},
	    {"\xff\xfe"
	     "a\0:\0 \0",
	     8},
	    {"\xfe\xff\0a", 4},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct json *j = NULL;
		struct err e = ERR_INIT;

		assert_rc(yaml_parse(&arena, cases[i], NULL, &j, &e), RC_INPUT);
		assert_non_null(strchr(e.msg, ':'));
	}
}

static void size_depth_and_number_of_values_are_bounded(void **state)
{
	(void)state;
	struct json_limits l = {.max_bytes = 20, .max_depth = 2, .max_nodes = 4};
	char deep[2 * LIMIT_JSON_DEPTH + 3];
	const struct json *j = NULL;
	struct err e = ERR_INIT;

	assert_ok(yaml_parse(&arena, STR("a: [1, 2]\n"), &l, &j, &e));
	assert_rc(yaml_parse(&arena, STR("a: [1, 2, 3]\n"), &l, &j, &e), RC_LIMIT);
	assert_rc(yaml_parse(&arena, STR("a: [[1]]\n"), &l, &j, &e), RC_LIMIT);
	assert_rc(yaml_parse(&arena, STR("a: 12345678901234567890\n"), &l, &j, &e), RC_LIMIT);
	memset(deep, '[', LIMIT_JSON_DEPTH + 1);
	memset(deep + LIMIT_JSON_DEPTH + 1, ']', LIMIT_JSON_DEPTH + 1);
	assert_rc(yaml_parse(&arena, str_of(deep, 2 * LIMIT_JSON_DEPTH + 2), NULL, &j, &e),
		  RC_LIMIT);
}

static void running_out_of_memory_is_an_error_and_leaks_nothing(void **state)
{
	(void)state;
	size_t before;
	enum rc rc = RC_NOMEM;

	arena_fini(&arena);
	before = mem_blocks();
	for (size_t nth = 1; rc != RC_OK; nth++) {
		const struct json *j = NULL;

		assert_true(nth < 1000);
		mem_fail_after(nth);
		rc = yaml_parse(&arena, STR("a: {b: [1, 2], c: x}\nd: {e: f}\n"), NULL, &j, NULL);
		mem_fail_after(0);
		assert_true(rc == RC_OK || rc == RC_NOMEM);
		arena_fini(&arena);
		assert_int_equal(mem_blocks(), before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(configuration_becomes_the_tree_of_the_same_json, empty_arena),
	    cmocka_unit_test_teardown(an_empty_document_is_null, empty_arena),
	    cmocka_unit_test_teardown(json_is_yaml, empty_arena),
	    cmocka_unit_test_teardown(every_node_has_its_position, empty_arena),
	    cmocka_unit_test_teardown(what_can_mean_something_else_is_refused_with_its_position,
				      empty_arena),
	    cmocka_unit_test_teardown(scalars_on_which_readers_disagree_must_be_quoted,
				      empty_arena),
	    cmocka_unit_test_teardown(bytes_that_are_no_text_are_refused, empty_arena),
	    cmocka_unit_test_teardown(size_depth_and_number_of_values_are_bounded, empty_arena),
	    cmocka_unit_test_teardown(running_out_of_memory_is_an_error_and_leaks_nothing,
				      empty_arena),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
