/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "core/schema.h"

static const struct json *parse(struct arena *arena, const char *text)
{
	const struct json *j = NULL;
	struct err e = ERR_INIT;

	if (json_parse(arena, str_from(text), &JSON_LIMITS_DEFAULT, &j, &e) != RC_OK) {
		fail_msg("%s: %s", text, e.msg);
	}
	return j;
}

static enum rc validate(const char *schema, const char *value, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(1 << 20);

	return schema_validate(parse(&arena, schema), parse(&arena, value), e);
}

static void every_word_accepts_what_fits_and_refuses_what_does_not(void **state)
{
	(void)state;
	static const struct {
		const char *schema;
		const char *fits;
		const char *misfit;
	} cases[] = {
	    {"{\"type\":\"string\"}", "\"a\"", "1"},
	    {"{\"type\":\"integer\"}", "1.0", "1.5"},
	    {"{\"type\":\"integer\"}", "-3", "\"3\""},
	    {"{\"type\":\"number\"}", "1e2", "true"},
	    {"{\"type\":\"boolean\"}", "false", "null"},
	    {"{\"type\":[\"null\",\"array\"]}", "[]", "{}"},
	    {"{\"enum\":[1,\"a\",{\"x\":[1.0]}]}", "{\"x\":[1]}", "{\"x\":[2]}"},
	    {"{\"const\":1.0}", "1", "2"},
	    {"{\"not\":{\"const\":1}}", "2", "1.0"},
	    {"{\"minimum\":2}", "2", "1.9"},
	    {"{\"maximum\":2}", "2", "2.1"},
	    {"{\"exclusiveMinimum\":2}", "3", "2"},
	    {"{\"exclusiveMaximum\":2}", "1.5", "2.0"},
	    {"{\"maximum\":9007199254740993}", "9007199254740993", "9007199254740994"},
	    {"{\"multipleOf\":5}", "-10", "7"},
	    {"{\"minLength\":2}", "\"\xc3\xa9\xc3\xa9\"", "\"\xc3\xa9\""},
	    {"{\"maxLength\":1}", "\"\xc3\xa9\"", "\"ab\""},
	    {"{\"pattern\":\"^[a-z]+$\"}", "\"abc\"", "\"abC\""},
	    {"{\"items\":{\"type\":\"string\"}}", "[\"a\"]", "[\"a\",1]"},
	    {"{\"items\":false}", "[]", "[1]"},
	    {"{\"prefixItems\":[{\"const\":1}],\"items\":{\"const\":2}}", "[1,2,2]", "[1,1]"},
	    {"{\"minItems\":1}", "[1]", "[]"},
	    {"{\"maxItems\":1}", "[1]", "[1,2]"},
	    {"{\"uniqueItems\":true}", "[1,\"1\",[1]]", "[{\"a\":1,\"b\":2},{\"b\":2.0,\"a\":1}]"},
	    {"{\"properties\":{\"a\":{\"type\":\"string\"}}}", "{\"b\":1}", "{\"a\":1}"},
	    {"{\"required\":[\"a\"]}", "{\"a\":null}", "{\"A\":1}"},
	    {"{\"properties\":{\"a\":true},\"additionalProperties\":false}", "{\"a\":1}",
	     "{\"b\":1}"},
	    {"{\"additionalProperties\":{\"type\":\"number\"}}", "{\"b\":1}", "{\"b\":\"1\"}"},
	    {"{\"minProperties\":1}", "{\"a\":1}", "{}"},
	    {"{\"maxProperties\":1}", "{\"a\":1}", "{\"a\":1,\"b\":2}"},
	    {"{\"anyOf\":[{\"const\":1},{\"minimum\":5}]}", "7", "2"},
	    {"{\"oneOf\":[{\"minimum\":1},{\"maximum\":3}]}", "9", "2"},
	    {"{\"allOf\":[{\"minimum\":1},{\"maximum\":3}]}", "2", "4"},
	    {"{\"not\":{\"type\":\"string\"}}", "1", "\"a\""},
	    {"{\"$ref\":\"#/$defs/ip\",\"$defs\":{\"ip\":{\"type\":\"string\"}}}", "\"a\"", "1"},
	    {"{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#/definitions/n\"}},"
	     "\"definitions\":{\"n\":{\"type\":\"object\",\"required\":[\"v\"],"
	     "\"properties\":{\"next\":{\"$ref\":\"#/definitions/n\"}}}}}",
	     "{\"next\":{\"v\":1,\"next\":{\"v\":2}}}", "{\"next\":{\"v\":1,\"next\":{}}}"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = ERR_INIT;

		if (validate(cases[i].schema, cases[i].fits, &e) != RC_OK) {
			fail_msg("%s refused %s: %s", cases[i].schema, cases[i].fits, e.msg);
		}
		if (validate(cases[i].schema, cases[i].misfit, &e) != RC_INPUT) {
			fail_msg("%s accepted %s", cases[i].schema, cases[i].misfit);
		}
	}
}

static void words_say_nothing_about_values_of_other_types(void **state)
{
	(void)state;
	assert_ok(validate("{\"minLength\":5,\"minimum\":9,\"minItems\":3,\"required\":[\"a\"],"
			   "\"pattern\":\"x\"}",
			   "true", NULL));
	assert_ok(validate("{\"minLength\":5}", "1", NULL));
	assert_ok(validate("true", "1", NULL));
	assert_rc(validate("false", "1", NULL), RC_INPUT);
}

static void an_error_names_the_argument(void **state)
{
	(void)state;
	static const char schema[] =
	    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"ip\"],"
	    "\"properties\":{\"ip\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}";
	struct err e = ERR_INIT;

	assert_rc(validate(schema, "{\"ip\":[\"a\",7]}", &e), RC_INPUT);
	assert_string_equal(e.msg, "'/ip/1': expected string, found number");
	assert_rc(validate(schema, "{\"ip\":[],\"force\":true}", &e), RC_INPUT);
	assert_string_equal(e.msg, "'/force': the tool has no such argument");
	assert_rc(validate(schema, "{}", &e), RC_INPUT);
	assert_string_equal(e.msg, "'': 'ip' is missing");
}

static void a_schema_that_refers_to_itself_ends(void **state)
{
	(void)state;
	static const char loop[] =
	    "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"$ref\":\"#/$defs/a\"}}}";
	static const char negated[] =
	    "{\"not\":{\"$ref\":\"#/$defs/a\"},\"$defs\":{\"a\":{\"$ref\":\"#/$defs/a\"}}}";
	static const char blowup[] =
	    "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"anyOf\":[{\"$ref\":\"#/$defs/a\"},"
	    "{\"$ref\":\"#/$defs/a\"}]}}}";

	assert_rc(validate(loop, "1", NULL), RC_LIMIT);
	assert_rc(validate(negated, "1", NULL), RC_LIMIT); /* not success by failing */
	assert_rc(validate(blowup, "1", NULL), RC_LIMIT);
}

static void a_schema_that_was_not_checked_denies(void **state)
{
	(void)state;
	assert_rc(validate("{\"pattern\":\"(?=a)\"}", "\"a\"", NULL), RC_BROKEN);
	assert_rc(validate("{\"$ref\":\"http://x/\"}", "\"a\"", NULL), RC_BROKEN);
	assert_rc(validate("{\"not\":{\"$ref\":\"#\"}}", "\"a\"", NULL), RC_BROKEN);
	assert_rc(validate("{\"anyOf\":[7]}", "\"a\"", NULL), RC_BROKEN);
}

static void check_accepts_the_subset_and_names_what_is_outside(void **state)
{
	(void)state;
	static const char *const good[] = {
	    ("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":[\"string\",\"null\"],"
	     "\"description\":\"d\",\"format\":\"ipv4\",\"x-note\":1}},\"$schema\":\"s\"}"),
	    "{\"properties\":{\"if\":{\"type\":\"string\"}}}", /* a name is no word */
	    "true",
	};
	static const char *const bad[] = {
	    "7",
	    "{\"type\":\"str\"}",
	    "{\"type\":[]}",
	    "{\"type\":7}",
	    "{\"enum\":1}",
	    "{\"properties\":[]}",
	    "{\"properties\":{\"a\":7}}",
	    "{\"required\":\"a\"}",
	    "{\"required\":[1]}",
	    "{\"items\":[{}]}",
	    "{\"anyOf\":[]}",
	    "{\"not\":1}",
	    "{\"minimum\":\"1\"}",
	    "{\"exclusiveMinimum\":true}",
	    "{\"minLength\":-1}",
	    "{\"multipleOf\":0}",
	    "{\"multipleOf\":0.1}",
	    "{\"uniqueItems\":1}",
	    "{\"pattern\":\"(?=a)\"}",
	    "{\"pattern\":7}",
	    "{\"$ref\":\"#/$defs/none\"}",
	    "{\"$ref\":\"http://example.com/\"}",
	    "{\"$ref\":\"#\"}",
	    "{\"$defs\":{\"a\":1}}",
	};
	static const char *const strict_only[] = {
	    "{\"if\":{}}",	 "{\"patternProperties\":{}}",
	    "{\"contains\":{}}", "{\"properties\":{\"a\":{\"dependentRequired\":{}}}}",
	    "{\"made_up\":1}",
	};
	AUTO_ARENA arena = ARENA_INIT(1 << 20);

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err e = ERR_INIT;

		if (schema_check(parse(&arena, good[i]), true, NULL, &e) != RC_OK) {
			fail_msg("%s: %s", good[i], e.msg);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct json *at = NULL;

		if (schema_check(parse(&arena, bad[i]), false, &at, NULL) != RC_INPUT || !at) {
			fail_msg("%s was accepted", bad[i]);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(strict_only); i++) {
		const struct json *j = parse(&arena, strict_only[i]);

		assert_ok(schema_check(j, false, NULL, NULL));
		if (schema_check(j, true, NULL, NULL) != RC_INPUT) {
			fail_msg("%s was accepted", strict_only[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_word_accepts_what_fits_and_refuses_what_does_not),
	    cmocka_unit_test(words_say_nothing_about_values_of_other_types),
	    cmocka_unit_test(an_error_names_the_argument),
	    cmocka_unit_test(a_schema_that_refers_to_itself_ends),
	    cmocka_unit_test(a_schema_that_was_not_checked_denies),
	    cmocka_unit_test(check_accepts_the_subset_and_names_what_is_outside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
