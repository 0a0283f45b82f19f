/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "cedar.h"
#include "codec/json.h"

static const char world[] =
    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"x\":1,\"r\":{\"k\":1},"
    "\"boss\":{\"__entity\":{\"type\":\"U\",\"id\":\"b\"}}},"
    "\"parents\":[{\"type\":\"G\",\"id\":\"g\"}],\"tags\":{\"t\":\"v\"}},"
    "{\"uid\":{\"type\":\"U\",\"id\":\"b\"},\"attrs\":{\"x\":2},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Action\",\"id\":\"do\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Action\",\"id\":\"all\"}]}]";

struct fixture {
	struct arena arena;
	struct cedar_entities *entities;
	struct cedar_policies *set;
	struct cedar_request request;
	struct cedar_response response;
};

static enum rc set_up(struct fixture *f, const char *policies, const char *context, struct err *e)
{
	struct cedar_builder *b = NULL;
	const struct json *j;
	enum rc rc;

	f->arena = (struct arena)ARENA_INIT(1 << 22);
	TRY(cedar_builder_new(&b, e));
	rc = cedar_builder_add(b, STR("t.cedar"), str_from(policies), e);
	rc = rc == RC_OK ? cedar_builder_finish(b, &f->set, e) : rc;
	cedar_builder_free(b);
	TRY(rc);
	TRY(cedar_entities_new(&f->arena, NULL, &f->entities, e));
	TRY(cedar_entities_add_text(f->entities, str_from(world), e));
	TRY(cedar_entities_seal(f->entities, e));
	TRY(json_parse(&f->arena, str_from(context), &JSON_LIMITS_DEFAULT, &j, e));
	TRY(cedar_value_from_json(&f->arena, j, &f->request.context, e));
	TRY(cedar_uid_parse(&f->arena, STR("U::\"a\""), &f->request.principal, e));
	TRY(cedar_uid_parse(&f->arena, STR("Action::\"do\""), &f->request.action, e));
	return cedar_uid_parse(&f->arena, STR("R::\"missing\""), &f->request.resource, e);
}

static void tear_down(struct fixture *f)
{
	cedar_policies_unref(f->set);
	arena_fini(&f->arena);
}

static struct fixture ask(const char *policies)
{
	struct fixture f = {0};
	struct err e = ERR_INIT;

	if (set_up(&f, policies, "{\"n\":5,\"s\":\"a*b\",\"l\":[1,2]}", &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	assert_ok(cedar_authorize(f.set, f.entities, &f.request, &f.arena, &f.response, &e));
	return f;
}

static void nothing_is_denied_by_default(void **state)
{
	(void)state;
	struct fixture f = ask("");

	assert_int_equal(f.response.decision, CEDAR_DENY);
	assert_int_equal(f.response.n_determining, 0);
	tear_down(&f);
}

static void a_forbid_wins_and_everything_satisfied_is_listed(void **state)
{
	(void)state;
	struct fixture f =
	    ask("permit(principal, action, resource);"
		"forbid(principal, action, resource) when { context.n > 4 };"
		"forbid(principal, action, resource) when { context.n > 5 };"
		"permit(principal == U::\"a\", action in Action::\"all\", resource is R);"
		"forbid(principal in G::\"g\", action, resource) unless { false };"
		"forbid(principal, action, resource) when { context.no };");

	assert_int_equal(f.response.decision, CEDAR_DENY);
	assert_int_equal(f.response.n_permits, 2);
	assert_int_equal(f.response.permits[1], 3);
	assert_int_equal(f.response.n_forbids, 2);
	assert_int_equal(f.response.forbids[0], 1);
	assert_int_equal(f.response.forbids[1], 4);
	assert_int_equal(f.response.n_determining, 2);
	assert_ptr_equal(f.response.determining, f.response.forbids);
	assert_int_equal(f.response.n_errors, 1);
	assert_int_equal(f.response.errors[0].policy, 5);
	assert_int_equal(f.response.errors[0].error.class, CEDAR_ERROR_ATTR);
	tear_down(&f);
}

static void a_failing_policy_is_skipped_and_reported_in_words(void **state)
{
	(void)state;
	static const struct {
		const char *condition;
		const char *message;
	} cases[] = {
	    {"principal.x + \"a\" == 1", "t.cedar:1:58: expected long, found string"},
	    {"principal.x < \"a\"", "t.cedar:1:58: expected long, found string"},
	    {"\"a\" < 1", "t.cedar:1:44: expected long or datetime or duration, found string"},
	    {"principal.no", "t.cedar:1:54: U::\"a\" has no attribute 'no'"},
	    {"context.no", "t.cedar:1:52: the record has no attribute 'no'"},
	    {"resource.no", "t.cedar:1:53: entity R::\"missing\" does not exist"},
	    {"principal.getTag(\"no\") == 1", "t.cedar:1:54: U::\"a\" has no tag 'no'"},
	    {"9223372036854775807 + 1 > 0", "t.cedar:1:64: overflow of '+'"},
	    {"ip(\"x\").isIpv4()", "t.cedar:1:44: ip: invalid IP address: 'x'"},
	    {"ip(\"::\", 1).isIpv4()",
	     "t.cedar:1:44: ip: wrong number of arguments: expected 1, got 2"},
	    {"principal.x", "t.cedar:1:54: expected bool, found long"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_BUF text = BUF_INIT(1024);
		AUTO_BUF message = BUF_INIT(1024);
		struct fixture f;

		assert_ok(buf_addf(&text, "permit(principal, action, resource) when { %s };%c",
				   cases[i].condition, 0));
		f = ask(text.p);
		assert_int_equal(f.response.decision, CEDAR_DENY);
		assert_int_equal(f.response.n_errors, 1);
		assert_ok(cedar_error_print(&message, &f.response.errors[0].error));
		assert_str(buf_view(&message), cases[i].message);
		tear_down(&f);
	}
}

static bool holds(const char *condition)
{
	AUTO_BUF text = BUF_INIT(1 << 16);
	struct fixture f;
	bool b;

	assert_ok(
	    buf_addf(&text, "permit(principal, action, resource) when { %s };%c", condition, 0));
	f = ask(text.p);
	if (f.response.n_errors) {
		AUTO_BUF message = BUF_INIT(1024);

		assert_ok(cedar_error_print(&message, &f.response.errors[0].error));
		fail_msg("%s: " STR_FMT, condition, STR_ARG(buf_view(&message)));
	}
	b = f.response.decision == CEDAR_ALLOW;
	tear_down(&f);
	return b;
}

static void conditions_mean_what_the_language_says(void **state)
{
	(void)state;
	static const char *const yes[] = {
	    "1 + 2 * 3 - 4 == 3",
	    "-principal.x == 0 - 1",
	    "!(1 < 1) && 1 <= 1 && 2 > 1 && 2 >= 2 && 1 != 2",
	    "if principal has boss.x then principal.boss.x == 2 else false",
	    "principal has r.k && !(principal has r.z) && !(resource has a.b)",
	    "principal is U in G::\"g\" && !(principal is R in 1)",
	    "action in Action::\"all\" && action in [Action::\"no\", Action::\"all\"]",
	    "principal.hasTag(\"t\") && principal.getTag(\"t\") == \"v\"",
	    "!resource.hasTag(\"t\")",
	    "context.l.contains(1) && context.l.containsAll([2, 1, 1])",
	    "context.l.containsAny([7, 2]) && !context.l.containsAny([])",
	    "context.l == [2, 1] && context.l != [1] && {a: context.l} == {\"a\": [2, 1]}",
	    "context.s like \"a\\*b\" && context.s like \"*\" && context.s like \"a*b\"",
	    "!(context.s like \"a\\*\") && !(context.s like \"\") && \"\" like \"**\"",
	    "\"abcabc\" like \"*bc*bc\" && !(\"abc\" like \"*bc*bc\") && !(\"aa\" like \"aaa*\")",
	    "!(\"aba\" like \"ab*ba\") && \"abba\" like \"ab*ba\"",
	    "[principal, 1, \"a\"].contains(U::\"a\")",
	    "[{a: 1}, {a: 1}] == [{a: 1}]",
	    "context == {n: 5, s: \"a*b\", l: [1, 2]}",
	    "{a: {b: 1}} has a.b && !({} has a)",
	    "{\"if\": 1}[\"if\"] == 1",
	    "false || principal.x == 1",
	    "datetime(\"2024-01-01\").offset(duration(\"1d\")) > datetime(\"2024-01-01\")",
	    "decimal(\"1.0\").lessThan(decimal(\"1.0001\"))",
	};

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (!holds(yes[i])) {
			fail_msg("does not hold: %s", yes[i]);
		}
	}
}

static void a_policy_that_takes_too_many_steps_makes_it_a_denial(void **state)
{
	(void)state;
	AUTO_BUF text = BUF_INIT(1 << 22);
	struct fixture f;

	/* Each comparison looks at every element of a set of a thousand. */
	assert_ok(buf_addf(&text, "permit(principal, action, resource);\n"
				  "permit(principal, action, resource) when { "));
	for (int i = 0; i < 2000; i++) {
		assert_ok(buf_addf(&text, "[context.n,"));
		for (int k = 0; k < 100; k++) {
			assert_ok(buf_addf(&text, "%d,", k + 10));
		}
		assert_ok(buf_addf(&text, "] != [] && "));
	}
	assert_ok(buf_addf(&text, "true };%c", 0));
	f = ask(text.p);
	assert_int_equal(f.response.decision, CEDAR_DENY);
	assert_int_equal(f.response.n_permits, 1);
	assert_int_equal(f.response.n_errors, 1);
	assert_int_equal(f.response.errors[0].error.class, CEDAR_ERROR_LIMIT);
	tear_down(&f);
}

static void a_request_without_its_parts_is_refused(void **state)
{
	(void)state;
	struct fixture f = ask("permit(principal, action, resource);");
	struct cedar_request r = f.request;

	assert_int_equal(f.response.decision, CEDAR_ALLOW);
	r.action = NULL;
	assert_rc(cedar_authorize(f.set, f.entities, &r, &f.arena, &f.response, NULL), RC_INPUT);
	assert_int_equal(f.response.decision, CEDAR_DENY);
	r = f.request;
	assert_ok(cedar_value_long(&f.arena, 1, &r.context, NULL));
	assert_rc(cedar_authorize(f.set, f.entities, &r, &f.arena, &f.response, NULL), RC_INPUT);
	r.context = NULL;
	assert_ok(cedar_authorize(f.set, NULL, &r, &f.arena, &f.response, NULL));
	assert_int_equal(f.response.decision, CEDAR_ALLOW);
	tear_down(&f);
}

static void an_exhausted_arena_is_a_denial_never_a_smaller_answer(void **state)
{
	(void)state;
	struct fixture f =
	    ask("permit(principal, action, resource)"
		" when { [context.n, 1].contains(5) && {a: context.n}.a == 5 };"
		"forbid(principal, action, resource) when { [context.n].contains(6) };");
	bool was_enough = false;

	assert_int_equal(f.response.decision, CEDAR_ALLOW);
	for (size_t size = 0; !was_enough; size += 16) {
		AUTO_ARENA small = ARENA_INIT(size);
		enum rc rc =
		    cedar_authorize(f.set, f.entities, &f.request, &small, &f.response, NULL);

		was_enough = rc == RC_OK;
		assert_int_equal(f.response.decision, was_enough ? CEDAR_ALLOW : CEDAR_DENY);
		assert_int_equal(f.response.n_permits, was_enough ? 1 : 0);
		assert_true(size < 4096);
	}
	tear_down(&f);
}

static void templates_decide_only_when_linked(void **state)
{
	(void)state;
	struct fixture f = ask("");
	struct cedar_builder *b = NULL;
	struct cedar_policies *set = NULL;

	assert_ok(cedar_builder_new(&b, NULL));
	assert_ok(cedar_builder_add_template(
	    b, STR("t"), STR("t"),
	    STR("permit(principal in ?principal, action, resource == ?resource);"), NULL));
	assert_ok(cedar_builder_link(b, STR("t"), STR("l"), f.request.principal, f.request.resource,
				     NULL));
	assert_ok(cedar_builder_finish(b, &set, NULL));
	cedar_builder_free(b);
	assert_ok(cedar_authorize(set, f.entities, &f.request, &f.arena, &f.response, NULL));
	assert_int_equal(f.response.decision, CEDAR_ALLOW);
	cedar_policies_unref(set);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_denied_by_default),
	    cmocka_unit_test(a_forbid_wins_and_everything_satisfied_is_listed),
	    cmocka_unit_test(a_failing_policy_is_skipped_and_reported_in_words),
	    cmocka_unit_test(conditions_mean_what_the_language_says),
	    cmocka_unit_test(a_policy_that_takes_too_many_steps_makes_it_a_denial),
	    cmocka_unit_test(a_request_without_its_parts_is_refused),
	    cmocka_unit_test(an_exhausted_arena_is_a_denial_never_a_smaller_answer),
	    cmocka_unit_test(templates_decide_only_when_linked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
