/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "api/api.h"

static enum rc route(const char *method, const char *path, const char *body, char out[512],
		     enum command_verb *verb)
{
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	AUTO_BUF merged = BUF_INIT(512);
	enum rc rc = api_route(str_from(method), str_from(path), str_from(body), &arena, verb,
			       &merged, NULL);

	(void)snprintf(out, 512, "%.*s", (int)merged.n, merged.p ? merged.p : "");
	return rc;
}

static void the_path_names_the_verb_and_the_id(void **state)
{
	(void)state;
	enum command_verb verb;
	char body[512];

	assert_ok(route("POST", "/v1/approvals/a12/approve", "{\"note\":\"yes\"}", body, &verb));
	assert_int_equal(verb, COMMAND_APPROVE);
	assert_string_equal(body, "{\"note\":\"yes\",\"id\":\"a12\"}");
	assert_ok(route("GET", "/v1/approvals", "", body, &verb));
	assert_int_equal(verb, COMMAND_APPROVAL_LIST);
	assert_string_equal(body, "{}");
	assert_ok(route("GET", "/v1/agents/resp%6fnder", "", body, &verb));
	assert_string_equal(body, "{\"name\":\"responder\"}");
}

static void what_is_not_in_the_table_is_refused(void **state)
{
	(void)state;
	enum command_verb verb;
	char body[512];

	assert_rc(route("GET", "/v1/nothing", "", body, &verb), RC_ABSENT);
	assert_rc(route("GET", "/v2/approvals", "", body, &verb), RC_ABSENT);
	assert_rc(route("GET", "/v1/approvals/", "", body, &verb), RC_ABSENT);
	assert_rc(route("GET", "/v1/approvals/a1/b", "", body, &verb), RC_ABSENT);
	assert_rc(route("DELETE", "/v1/approvals", "", body, &verb), RC_DENIED);
	assert_rc(route("POST", "/v1/approvals/a1/approve", "[]", body, &verb), RC_INPUT);
	assert_rc(route("POST", "/v1/approvals/a1/approve", "{\"id\":\"a2\"}", body, &verb),
		  RC_INPUT);
	assert_rc(route("GET", "/v1/agents/%00", "", body, &verb), RC_INPUT);
}

static void a_bearer_token_is_compared_whole(void **state)
{
	(void)state;
	assert_true(api_bearer_is(STR("Bearer abcdef"), STR("abcdef")));
	assert_true(api_bearer_is(STR("bearer abcdef"), STR("abcdef")));
	assert_false(api_bearer_is(STR("Bearer abcdeg"), STR("abcdef")));
	assert_false(api_bearer_is(STR("Bearer abcde"), STR("abcdef")));
	assert_false(api_bearer_is(STR("Basic abcdef"), STR("abcdef")));
	assert_false(api_bearer_is(STR("Bearer"), STR("abcdef")));
	assert_false(api_bearer_is(STR_NULL, STR("abcdef")));
	assert_false(api_bearer_is(STR("Bearer "), STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_path_names_the_verb_and_the_id),
	    cmocka_unit_test(what_is_not_in_the_table_is_refused),
	    cmocka_unit_test(a_bearer_token_is_compared_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
