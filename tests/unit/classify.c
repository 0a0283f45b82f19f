/* SPDX-License-Identifier: Apache-2.0 */
/* classify.c - effects, gates and credentials by arguments. */
#include "scene.h"

#include "core/argument.h"

static struct condition compare(struct scene *w, const char *pointer, const char *schema,
				uint32_t types)
{
	return (struct condition){
	    .pointer = str_from(pointer), .schema = scene_json(w, schema), .types = types};
}

static void a_condition_is_true_false_or_cannot_be_told(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	const uint32_t numbers = 1u << JSON_NUMBER;
	const struct condition zero = compare(w, "/n", "{\"const\":0}", numbers);
	const struct condition any = compare(w, "/list/*/n", "{\"exclusiveMinimum\":5}", numbers);
	const struct condition there = {
	    .pointer = STR("/force"), .asks_presence = true, .is_present = true};
	const struct condition absent = {.pointer = STR("/dry_run"), .asks_presence = true};
	const struct condition empty = {.pointer = STR("/n")};
	const struct {
		const struct condition *c;
		const char *args;
		enum truth truth;
	} cases[] = {
	    {&zero, "{\"n\":0}", TRUTH_YES},
	    {&zero, "{\"n\":0.0}", TRUTH_YES}, /* by value, as the schema does */
	    {&zero, "{\"n\":3}", TRUTH_NO},
	    {&zero, "{}", TRUTH_NO},
	    {&zero, "{\"n\":\"0\"}", TRUTH_UNKNOWN}, /* some tools read it as 0 */
	    {&zero, "{\"n\":null}", TRUTH_UNKNOWN},
	    {&zero, "{\"n\":[0]}", TRUTH_UNKNOWN},
	    {&any, "{\"list\":[{\"n\":1},{\"n\":6}]}", TRUTH_YES},
	    {&any, "{\"list\":[{\"n\":1},{\"n\":5}]}", TRUTH_NO},
	    {&any, "{\"list\":[{\"n\":1},{\"n\":\"6\"}]}", TRUTH_UNKNOWN},
	    {&any, "{\"list\":{\"n\":6}}", TRUTH_UNKNOWN},
	    {&any, "{\"list\":[]}", TRUTH_NO},
	    {&there, "{\"force\":false}", TRUTH_YES},
	    {&there, "{}", TRUTH_NO},
	    {&absent, "{}", TRUTH_YES},
	    {&absent, "{\"dry_run\":true}", TRUTH_NO},
	    {&empty, "{\"n\":0}", TRUTH_UNKNOWN},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (condition_truth(cases[i].c, scene_json(w, cases[i].args)) != cases[i].truth) {
			fail_msg("case %zu: %s", i, cases[i].args);
		}
	}
	scene_free(w);
}

/* `end` contains; with /n 0 or /all it destroys. */
static struct scene *scene_with_cases(struct effect_case cases[2], struct condition conditions[2])
{
	struct scene *w = scene_new();
	struct tool *t = &w->tools[TOOL_END];

	conditions[0] = compare(w, "/n", "{\"const\":0}", 1u << JSON_NUMBER);
	conditions[1] =
	    (struct condition){.pointer = STR("/all"), .asks_presence = true, .is_present = true};
	cases[0] = (struct effect_case){.when = {&conditions[0], 1}, .effect = EFFECT_DESTROY};
	cases[1] = (struct effect_case){
	    .when = {&conditions[1], 1}, .effect = EFFECT_DESTROY, .deletes_data = true};
	t->cases = cases;
	t->n_cases = 2;
	t->default_effect = EFFECT_CONTAIN;
	t->effect = EFFECT_DESTROY;
	t->input_schema = NULL;
	t->arguments = NULL;
	return w;
}

static void the_effect_of_a_call_is_that_of_its_arguments(void **state)
{
	(void)state;
	struct effect_case cases[2];
	struct condition conditions[2];
	struct scene *w = scene_with_cases(cases, conditions);
	static const struct {
		const char *args;
		enum effect effect;
		bool deletes_data;
	} calls[] = {
	    {"{\"role\":\"app\",\"n\":3}", EFFECT_CONTAIN, false},
	    {"{\"role\":\"app\"}", EFFECT_CONTAIN, false},
	    {"{\"role\":\"app\",\"n\":0}", EFFECT_DESTROY, false},
	    {"{\"role\":\"app\",\"n\":\"3\"}", EFFECT_DESTROY, false},
	    {"{\"role\":\"app\",\"all\":true}", EFFECT_DESTROY, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		w->r.args = scene_json(w, calls[i].args);
		if (calls[i].effect == EFFECT_CONTAIN) {
			expect_allow(w);
		} else {
			expect_ask(w, NEEDS_APPROVAL);
		}
		assert_int_equal(w->d.effect, calls[i].effect);
		assert_int_equal(w->d.what.deletes_data, calls[i].deletes_data);
	}
	scene_free(w);
}

static void policies_see_the_effect_of_the_call(void **state)
{
	(void)state;
	struct effect_case cases[2];
	struct condition conditions[2];
	struct scene *w = scene_with_cases(cases, conditions);

	scene_policies_add(w, "@id(\"f\") forbid(principal, action, resource) when "
			      "{ context has deletes_data && context.deletes_data };");
	expect_allow(w);
	w->r.args = scene_json(w, "{\"role\":\"app\",\"all\":1}");
	expect_deny(w, FORBIDDEN);
	scene_free(w);
}

static void an_argument_that_lowers_safety_is_asked_about(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct condition when = compare(w, "/skip_verification", "{\"const\":true}",
					1u << JSON_TRUE | 1u << JSON_FALSE);
	const struct gate_rule rule = {
	    .when = {&when, 1}, .gate = STR("dba"), .reason = STR("it skips the check")};

	w->tools[TOOL_END].input_schema = NULL;

	w->tools[TOOL_END].arguments = NULL;
	w->tools[TOOL_END].gate_rules = &rule;
	w->tools[TOOL_END].n_gate_rules = 1;
	expect_allow(w);
	w->r.args = scene_json(w, "{\"role\":\"app\",\"skip_verification\":false}");
	expect_allow(w);
	w->r.args = scene_json(w, "{\"role\":\"app\",\"skip_verification\":true}");
	expect_ask(w, NEEDS_APPROVAL);
	assert_str(w->d.gates.p[0], "dba");
	assert_str(w->d.detail, "it skips the check");
	w->r.args = scene_json(w, "{\"role\":\"app\",\"skip_verification\":\"true\"}");
	expect_ask(w, NEEDS_APPROVAL);
	scene_policies_add(w, "@id(\"f\") forbid(principal, action, resource is Remit::Asset);");
	expect_deny(w, FORBIDDEN); /* a no is not turned into a question */
	scene_free(w);
}

static void no_agent_brings_a_credential(void **state)
{
	(void)state;
	static const struct str pointers[] = {{"/password", 9}, {"/headers/*/token", 16}};
	static const char *const brought[] = {
	    "{\"role\":\"app\",\"password\":\"x\"}",
	    "{\"role\":\"app\",\"password\":\"\"}",
	    "{\"role\":\"app\",\"password\":{}}",
	    "{\"role\":\"app\",\"headers\":[{},{\"token\":\"x\"}]}",
	};
	struct scene *w = scene_new();

	w->tools[TOOL_END].input_schema = NULL;

	w->tools[TOOL_END].arguments = NULL;
	w->tools[TOOL_END].credential_arguments = (struct str_list){pointers, 2};
	expect_allow(w);
	w->r.args = scene_json(w, "{\"role\":\"app\",\"password\":null,\"headers\":[{}]}");
	expect_allow(w);
	for (size_t i = 0; i < ARRAY_LEN(brought); i++) {
		w->r.args = scene_json(w, brought[i]);
		expect_deny(w, CREDENTIAL_FOREIGN);
	}
	scene_free(w);
}

static void a_walk_says_when_something_stood_in_its_way(void **state)
{
	(void)state;
	static const struct {
		const char *pointer;
		const char *args;
		size_t n;
		bool is_confused;
	} cases[] = {
	    {"", "{}", 1, false},
	    {"/a", "{\"a\":1}", 1, false},
	    {"/a/b", "{\"a\":{}}", 0, false},
	    {"/a/b", "{\"a\":\"b\"}", 0, true},
	    {"/a/b", "{\"a\":[{\"b\":1}]}", 0, true},
	    {"/a/0", "{\"a\":[7]}", 1, false},
	    {"/a/*", "{\"a\":[1,2,3]}", 3, false},
	    {"/a/*", "{\"a\":{\"*\":1}}", 0, true},
	    {"/a/*/b/*", "{\"a\":[{\"b\":[1,2]},{\"b\":[3]},{}]}", 3, false},
	    {"/a/*/b", "{\"a\":[{\"b\":1},5]}", 1, true},
	    {"a", "{\"a\":1}", 0, true},
	    {"/a~1b", "{\"a/b\":1}", 1, false},
	};
	struct scene *w = scene_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct argument_walk walk = argument_each(scene_json(w, cases[i].args),
							  str_from(cases[i].pointer), NULL, NULL);

		if (walk.n != cases[i].n || walk.is_confused != cases[i].is_confused) {
			fail_msg("'%s' in %s: %zu %d", cases[i].pointer, cases[i].args, walk.n,
				 walk.is_confused);
		}
	}
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_condition_is_true_false_or_cannot_be_told),
	    cmocka_unit_test(the_effect_of_a_call_is_that_of_its_arguments),
	    cmocka_unit_test(policies_see_the_effect_of_the_call),
	    cmocka_unit_test(an_argument_that_lowers_safety_is_asked_about),
	    cmocka_unit_test(no_agent_brings_a_credential),
	    cmocka_unit_test(a_walk_says_when_something_stood_in_its_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
