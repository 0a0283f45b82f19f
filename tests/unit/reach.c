/* SPDX-License-Identifier: Apache-2.0 */
/* Examples of calls: the schema takes them, they name the target, and what cannot be made is not.
 */
#include "core/reach.h"

#include "core/schema.h"
#include "scene.h"

static const struct json *example(struct scene *w, const struct tool *t, const char *target,
				  bool *whole)
{
	const struct json *ret;
	struct err e = ERR_INIT;

	assert_ok(reach_example(t, str_from(target), &w->arena, &ret, whole, &e));
	return ret;
}

static void an_example_names_the_target_and_fits_the_schema(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct tool t = w->tools[TOOL_END];
	const struct json *args;
	struct str role;
	struct err e = ERR_INIT;
	bool whole;

	args = example(w, &t, "pg-role:app", &whole);
	assert_non_null(args);
	assert_true(json_str(json_get(args, STR("role")), &role));
	assert_str(role, "app");
	assert_false(whole); /* it also takes n, which may decide otherwise */
	t.input_schema = scene_json(
	    w,
	    "{\"type\":\"object\",\"properties\":{\"role\":{\"type\":\"array\",\"items\":{\"type\":"
	    "\"string\"}},\"why\":{\"type\":\"string\",\"minLength\":3},\"how\":{\"enum\":["
	    "\"fast\"]},"
	    "\"n\":{\"type\":\"integer\",\"minimum\":7},\"b\":{\"type\":\"boolean\"}},"
	    "\"required\":[\"role\",\"why\",\"how\",\"n\",\"b\"],\"additionalProperties\":false}");
	args = example(w, &t, "pg-role:app", &whole);
	assert_non_null(args);
	assert_ok(schema_validate(t.input_schema, args, &e));
	assert_null(example(w, &t, "host:db1", &whole)); /* not of its kind */
	w->role.pointer = STR("/deep/role");
	assert_null(example(w, &t, "pg-role:app", &whole));
	scene_free(w);
}

static void a_target_that_the_tool_has_by_itself_needs_no_argument(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct tool t = w->tools[TOOL_END];
	struct target_rule own = {.kind = STR("host"), .constant = STR("localhost")};
	bool whole;

	t.targets = &own;
	t.input_schema = scene_json(w, "{\"type\":\"object\",\"properties\":{}}");
	assert_non_null(example(w, &t, "host:localhost", &whole));
	assert_true(whole);
	assert_null(example(w, &t, "host:other", &whole));
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_example_names_the_target_and_fits_the_schema),
	    cmocka_unit_test(a_target_that_the_tool_has_by_itself_needs_no_argument),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
