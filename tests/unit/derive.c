/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/limits.h"
#include "codec/json.h"
#include "core/decide.h"

static const struct json *parse(struct arena *arena, const char *text)
{
	const struct json *j = NULL;
	struct err e = ERR_INIT;

	if (text && json_parse(arena, str_from(text), NULL, &j, &e) != RC_OK) {
		fail_msg("%s: %s", text, e.msg);
	}
	return j;
}

static void derives(const char *template, const char *args, const char *pre, const char *want)
{
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	AUTO_BUF b = BUF_INIT(1 << 16);
	const struct json *got;
	struct err e = ERR_INIT;
	enum rc rc = derive_args(parse(&arena, template), parse(&arena, args), parse(&arena, pre),
				 &arena, &got, &e);

	if (!want) {
		assert_rc(rc, RC_INPUT);
		return;
	}
	assert_ok(rc);
	assert_ok(json_canonical(&b, got, &e));
	assert_str(buf_view(&b), want);
}

static void references_become_the_values_they_point_at(void **state)
{
	(void)state;
	derives("{\"role\":{\"$args\":\"/role\"},\"limit\":{\"$pre\":\"/rows/0/"
		"n\"},\"x\":[1,{\"$args\":"
		"\"/role\"}]}",
		"{\"role\":\"app\"}", "{\"rows\":[{\"n\":100}]}",
		"{\"limit\":100,\"role\":\"app\",\"x\":[1,\"app\"]}");
	derives("{\"a\":{\"$args\":\"\"}}", "{\"b\":{\"c\":[]}}", NULL,
		"{\"a\":{\"b\":{\"c\":[]}}}");
	derives("{\"$args\":\"/list\"}", "{\"list\":[2,1]}", NULL, "[2,1]");
	derives("\"plain\"", NULL, NULL, "\"plain\"");
	derives(NULL, "{\"a\":1}", NULL, "{}");
}

static void what_an_argument_says_is_never_read_as_a_reference(void **state)
{
	(void)state;
	derives("{\"a\":{\"$args\":\"/x\"}}", "{\"x\":{\"$pre\":\"/secret\"}}", "{\"secret\":1}",
		"{\"a\":{\"$pre\":\"/secret\"}}");
}

static void a_reference_to_nothing_is_refused(void **state)
{
	(void)state;
	derives("{\"a\":{\"$args\":\"/missing\"}}", "{}", NULL, NULL);
	derives("{\"a\":{\"$pre\":\"/x\"}}", "{\"x\":1}", NULL, NULL);
	derives("{\"a\":{\"$args\":\"x\"}}", "{\"x\":1}", NULL, NULL);
	derives("{\"a\":{\"$args\":1}}", "{}", NULL, NULL);
	derives("{\"a\":{\"$args\":\"/x\",\"b\":1}}", "{\"x\":1}", NULL, NULL);
	derives("{\"a\":{\"$args\":\"/x\",\"$pre\":\"/x\"}}", "{\"x\":1}", "{\"x\":1}", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(references_become_the_values_they_point_at),
	    cmocka_unit_test(what_an_argument_says_is_never_read_as_a_reference),
	    cmocka_unit_test(a_reference_to_nothing_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
