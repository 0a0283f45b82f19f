/* SPDX-License-Identifier: Apache-2.0 */
#include "core/narrow.h"

#include "test.h"

static struct arena arena = ARENA_INIT(1 << 20);

static const struct json *parse(const char *text)
{
	const struct json *j;

	assert_ok(json_parse(&arena, str_from(text), NULL, &j, NULL));
	return j;
}

static void becomes(const char *args, const char *patch, const char *expected)
{
	struct err e = ERR_INIT;
	struct str got;

	if (narrow_args(parse(args), parse(patch), &arena, &got, &e) != RC_OK) {
		fail_msg("%s: %s", patch, e.msg);
	}
	assert_str(got, expected);
}

static void refused(const char *args, const char *patch, const char *why)
{
	struct err e = ERR_INIT;
	struct str got;

	assert_rc(narrow_args(parse(args), parse(patch), &arena, &got, &e), RC_INPUT);
	if (!strstr(e.msg, why)) {
		fail_msg("%s: %s, not %s", patch, e.msg, why);
	}
}

static const char call[] = "{\"hosts\":[\"a\",\"b\",\"c\"],\"limit\":10,\"force\":false,"
			   "\"how\":\"soft\",\"opt\":{\"n\":3,\"tags\":[1,2]},\"rate\":1.5}";

static void less_is_fewer_elements_and_smaller_numbers(void **state)
{
	(void)state;
	becomes("{\"b\":[1,2],\"a\":5}", "{\"b\":[2]}", "{\"a\":5,\"b\":[2]}");
	becomes("{\"b\":[1,2],\"a\":5}", "{\"a\":0,\"b\":[1,2]}", "{\"a\":0,\"b\":[1,2]}");
	becomes("{\"o\":{\"n\":3,\"m\":4}}", "{\"o\":{\"n\":1}}", "{\"o\":{\"m\":4,\"n\":1}}");
	becomes("{\"l\":[{\"h\":1},{\"h\":2}]}", "{\"l\":[{\"h\":2}]}", "{\"l\":[{\"h\":2}]}");
	arena_fini(&arena);
}

static void more_and_other_is_refused(void **state)
{
	(void)state;
	refused(call, "{\"hosts\":[\"a\",\"d\"]}", "not get others");
	refused(call, "{\"hosts\":[\"a\",\"a\",\"b\",\"c\"]}", "get no others");
	refused(call, "{\"hosts\":[]}", "must keep some");
	refused(call, "{\"hosts\":\"a\"}", "must keep some");
	refused(call, "{\"hosts\":null}", "must keep some");
	refused(call, "{\"limit\":11}", "only fall");
	refused(call, "{\"limit\":-1}", "only fall");
	refused(call, "{\"limit\":1e0}", "only fall");
	refused(call, "{\"limit\":\"1\"}", "only fall");
	refused(call, "{\"limit\":null}", "only fall");
	refused(call, "{\"rate\":1.0}", "stay as it is");
	refused(call, "{\"force\":true}", "stay as it is");
	refused(call, "{\"how\":\"hard\"}", "stay as it is");
	refused(call, "{\"opt\":{\"x\":1}}", "no argument");
	refused(call, "{\"opt\":1}", "stay as it is");
	refused(call, "{\"opt\":{\"tags\":[3]}}", "not get others");
	refused(call, "{\"more\":1}", "no argument");
	refused(call, "{}", "nothing would change");
	refused(call, "{\"limit\":10}", "nothing would change");
	refused(call, "[]", "are objects");
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(less_is_fewer_elements_and_smaller_numbers),
	    cmocka_unit_test(more_and_other_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
