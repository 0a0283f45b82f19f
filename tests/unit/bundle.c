/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "core/bundle.h"

static const struct upstream upstreams[] = {{.name = {"db", 2}}, {.name = {"web", 3}}};
static const struct tool tools[] = {
    {.upstream = &upstreams[0], .name = {"read", 4}, .public_name = {"db___read", 9}},
    {.upstream = &upstreams[0], .name = {"write", 5}, .public_name = {"db___write", 10}},
    {.upstream = &upstreams[1], .name = {"block", 5}, .public_name = {"web___block", 11}},
    {.upstream = &upstreams[1], .name = {"read", 4}, .public_name = {"web___read", 10}},
};
static const struct person people[] = {
    {.name = {"alice", 5}, .uid = 1000},
    {.name = {"bob", 3}, .uid = PERSON_NO_UID},
};
static const struct agent agents[] = {
    {.name = {"responder", 9}, .id = {"spiffe://example.org/responder", 30}},
};
static const struct bundle bundle = {
    .upstreams = upstreams,
    .n_upstreams = ARRAY_LEN(upstreams),
    .tools = tools,
    .n_tools = ARRAY_LEN(tools),
    .people = people,
    .n_people = ARRAY_LEN(people),
    .agents = agents,
    .n_agents = ARRAY_LEN(agents),
};

static void every_tool_is_found_by_its_public_name_and_by_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
		assert_ptr_equal(bundle_tool(&bundle, tools[i].public_name), &tools[i]);
		assert_ptr_equal(bundle_tool_of(&bundle, tools[i].upstream, tools[i].name),
				 &tools[i]);
	}
	assert_null(bundle_tool(&bundle, STR("db___rea")));
	assert_null(bundle_tool(&bundle, STR("zz")));
	assert_null(bundle_tool(&bundle, STR("")));
	assert_null(bundle_tool_of(&bundle, &upstreams[1], STR("write")));
}

static void an_agent_is_found_by_identity_and_by_name_but_not_across(void **state)
{
	(void)state;
	assert_ptr_equal(bundle_agent(&bundle, agents[0].id), &agents[0]);
	assert_ptr_equal(bundle_agent_named(&bundle, agents[0].name), &agents[0]);
	assert_null(bundle_agent(&bundle, agents[0].name));
	assert_null(bundle_agent_named(&bundle, agents[0].id));
}

static void a_person_without_a_unix_user_is_nobody_at_the_socket(void **state)
{
	(void)state;
	assert_ptr_equal(bundle_person_with_uid(&bundle, 1000), &people[0]);
	assert_null(bundle_person_with_uid(&bundle, PERSON_NO_UID));
	assert_null(bundle_person_with_uid(&bundle, 0));
}

static void an_empty_bundle_answers_every_question_with_nothing(void **state)
{
	(void)state;
	const struct bundle empty = {0};

	assert_null(bundle_agent(&empty, STR("a")));
	assert_null(bundle_agent_named(&empty, STR("a")));
	assert_null(bundle_person(&empty, STR("a")));
	assert_null(bundle_group(&empty, STR("a")));
	assert_null(bundle_upstream(&empty, STR("a")));
	assert_null(bundle_tool(&empty, STR("a")));
	assert_null(bundle_playbook(&empty, STR("a")));
	assert_null(bundle_gate(&empty, STR("a")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_tool_is_found_by_its_public_name_and_by_its_own),
	    cmocka_unit_test(an_agent_is_found_by_identity_and_by_name_but_not_across),
	    cmocka_unit_test(a_person_without_a_unix_user_is_nobody_at_the_socket),
	    cmocka_unit_test(an_empty_bundle_answers_every_question_with_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
