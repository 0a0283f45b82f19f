/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "cedar.h"

static struct cedar_policies *build(const char *text)
{
	struct cedar_builder *b = NULL;
	struct cedar_policies *set = NULL;
	struct err e = ERR_INIT;

	assert_ok(cedar_builder_new(&b, &e));
	if (cedar_builder_add(b, STR("t.cedar"), str_from(text), &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	assert_ok(cedar_builder_finish(b, &set, &e));
	cedar_builder_free(b);
	return set;
}

static void assert_refused(const char *text, const char *message)
{
	struct cedar_builder *b = NULL;
	struct err e = ERR_INIT;

	assert_ok(cedar_builder_new(&b, &e));
	assert_rc(cedar_builder_add(b, STR("t.cedar"), str_from(text), &e), RC_INPUT);
	assert_int_equal(cedar_builder_error(b)->class, CEDAR_ERROR_PARSE);
	assert_string_equal(e.msg, message);
	cedar_builder_free(b);
}

static void annotations_are_kept_in_order(void **state)
{
	(void)state;
	struct cedar_policies *set = build("@id(\"x\") @if(\"a\\n\")\n@gate\n"
					   "forbid(principal, action, resource);\n");
	const struct cedar_policy *p = cedar_policies_at(set, 0);
	size_t n;
	const struct cedar_annotation *a = cedar_policy_annotations(p, &n);

	assert_int_equal(n, 3);
	assert_str(a[0].name, "id");
	assert_str(a[1].name, "if");
	assert_str(a[1].value, "a\n");
	assert_str(a[2].name, "gate");
	assert_int_equal(a[2].pos.line, 2);
	assert_str(cedar_policy_annotation(p, "id"), "x");
	assert_non_null(cedar_policy_annotation(p, "gate").p);
	assert_null(cedar_policy_annotation(p, "shadow").p);
	assert_int_equal(cedar_policy_effect(p), CEDAR_FORBID);
	cedar_policies_unref(set);
}

static void policies_are_numbered_through_all_texts(void **state)
{
	(void)state;
	struct cedar_builder *b = NULL;
	struct cedar_policies *set = NULL;
	struct err e = ERR_INIT;

	assert_ok(cedar_builder_new(&b, &e));
	assert_ok(cedar_builder_add(b, STR("a.cedar"),
				    STR("permit(principal,action,resource);"
					"\n\n  permit(principal,action,resource);"),
				    &e));
	assert_ok(cedar_builder_add(b, STR("empty.cedar"), STR("// nothing\n"), &e));
	/* The second policy is bad: neither stays. */
	assert_rc(cedar_builder_add(b, STR("bad.cedar"),
				    STR("permit(principal,action,resource);permit();"), &e),
		  RC_INPUT);
	assert_string_equal(e.msg, "bad.cedar:1:42: expected principal, found ')'");
	assert_ok(
	    cedar_builder_add(b, STR("b.cedar"), STR("forbid(principal,action,resource);"), &e));
	assert_ok(cedar_builder_finish(b, &set, &e));
	cedar_builder_free(b);
	assert_int_equal(cedar_policies_count(set), 3);
	assert_str(cedar_policy_id(cedar_policies_at(set, 2)), "policy2");
	assert_str(cedar_policy_source(cedar_policies_at(set, 2)), "b.cedar");
	assert_int_equal(cedar_policy_pos(cedar_policies_at(set, 1)).line, 3);
	assert_int_equal(cedar_policy_pos(cedar_policies_at(set, 1)).column, 3);
	assert_ptr_equal(cedar_policies_find(set, STR("policy1")), cedar_policies_at(set, 1));
	assert_null(cedar_policies_find(set, STR("policy3")));
	assert_str(cedar_policy_text(cedar_policies_at(set, 2)),
		   "forbid(principal,action,resource);");
	cedar_policies_unref(set);
}

static void every_form_of_scope_can_be_read(void **state)
{
	(void)state;
	struct cedar_policies *set =
	    build("permit(principal == A :: B::\"x\", action in [Action::\"a\", N::Action::\"b\",],"
		  " resource is R in G::\"g\",);"
		  "permit(principal is U, action == Action::\"a\", resource in G::\"g\");"
		  "permit(principal in G::\"g\", action in [], resource);");
	const struct cedar_policy *p = cedar_policies_at(set, 0);
	const struct cedar_scope *s = cedar_policy_scope(p, CEDAR_PRINCIPAL);

	assert_int_equal(s->op, CEDAR_SCOPE_EQ);
	assert_str(cedar_uid_type(s->uids[0]), "A::B");
	assert_str(cedar_uid_id(s->uids[0]), "x");
	s = cedar_policy_scope(p, CEDAR_ACTION);
	assert_int_equal(s->op, CEDAR_SCOPE_IN_LIST);
	assert_int_equal(s->n_uids, 2);
	assert_str(cedar_uid_type(s->uids[1]), "N::Action");
	s = cedar_policy_scope(p, CEDAR_RESOURCE);
	assert_int_equal(s->op, CEDAR_SCOPE_IS_IN);
	assert_str(s->type, "R");
	assert_str(cedar_uid_id(s->uids[0]), "g");
	p = cedar_policies_at(set, 1);
	assert_int_equal(cedar_policy_scope(p, CEDAR_PRINCIPAL)->op, CEDAR_SCOPE_IS);
	assert_int_equal(cedar_policy_scope(p, CEDAR_ACTION)->op, CEDAR_SCOPE_EQ);
	assert_int_equal(cedar_policy_scope(p, CEDAR_RESOURCE)->op, CEDAR_SCOPE_IN);
	p = cedar_policies_at(set, 2);
	assert_int_equal(cedar_policy_scope(p, CEDAR_ACTION)->n_uids, 0);
	assert_int_equal(cedar_policy_scope(p, CEDAR_RESOURCE)->op, CEDAR_SCOPE_ANY);
	assert_false(cedar_policy_has_conditions(p));
	cedar_policies_unref(set);
}

static void errors_say_where_and_what(void **state)
{
	(void)state;
	assert_refused("permit(principal, action, resource)\n  when { principal.x == };",
		       "t.cedar:2:25: expected an expression, found '}'");
	assert_refused("allow(principal, action, resource);",
		       "t.cedar:1:1: expected 'permit' or 'forbid', found 'allow'");
	assert_refused("permit(principal, action, resource)",
		       "t.cedar:1:36: expected 'when', 'unless' or ';', found the end");
	assert_refused("permit(principal, action, resource) when { \"a };",
		       "t.cedar:1:44: expected an expression, found a string that does not end");
	assert_refused("permit(principal, action, resource) when { \"\\q\" == \"q\" };",
		       "t.cedar:1:44: '\\q' is not an escape");
	assert_refused("permit(principal, action, resource) when { 9223372036854775808 > 0 };",
		       "t.cedar:1:44: integer literal '9223372036854775808' is above "
		       "9223372036854775807");
	assert_refused("permit(principal == ?principal, action, resource);",
		       "t.cedar:1:1: expected a policy, found a template: its scope has a slot");
	assert_refused("permit(principal, action == U::\"x\", resource);",
		       "t.cedar:1:29: expected an entity of type Action, found one of 'U'");
	assert_refused("\xef\xbb\xbfpermit(principal, action, resource);",
		       "t.cedar:1:1: expected 'permit' or 'forbid', found '\xef\xbb\xbf'");
	assert_refused("// a\npermit(principal, action, resource) when { \"\xff\" };",
		       "t.cedar:2:1: expected UTF-8, found other bytes in this line");
}

static enum rc try_text(const char *text)
{
	struct cedar_builder *b = NULL;
	enum rc rc;

	assert_ok(cedar_builder_new(&b, NULL));
	rc = cedar_builder_add(b, STR("t"), str_from(text), NULL);
	cedar_builder_free(b);
	return rc;
}

static void every_unicode_blank_separates_and_nothing_else(void **state)
{
	(void)state;
	static const struct {
		const char *blank;
		enum rc want;
	} cases[] = {
	    {" ", RC_OK},
	    {"\t\v\f\r\n", RC_OK},
	    {"\xc2\x85", RC_OK},
	    {"\xc2\xa0", RC_OK},
	    {"\xe1\x9a\x80", RC_OK},
	    {"\xe2\x80\x80", RC_OK},
	    {"\xe2\x80\x8a", RC_OK},
	    {"\xe2\x80\xa9", RC_OK},
	    {"\xe2\x80\xaf", RC_OK},
	    {"\xe2\x81\x9f", RC_OK},
	    {"\xe3\x80\x80", RC_OK},
	    {"//x\r", RC_OK},
	    {"\xe2\x80\x8b", RC_INPUT}, /* zero width space */
	    {"\xef\xbb\xbf", RC_INPUT}, /* byte-order mark */
	    {"\x1f", RC_INPUT},
	    {"\xc2\xa1", RC_INPUT},
	    {"\xf0\x9f\x98\x80", RC_INPUT},
	    {"/**/", RC_INPUT},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[128];

		(void)snprintf(text, sizeof(text), "permit%s(principal, action, resource);",
			       cases[i].blank); /* fits */
		assert_rc(try_text(text), cases[i].want);
	}
}

static char *repeat(const char *left, const char *middle, const char *right, size_t n)
{
	size_t l = strlen(left);
	size_t r = strlen(right);
	char *text = mem_calloc(128 + n * (l + r) + strlen(middle), 1);
	char *at = text;

	assert_non_null(text);
	at = stpcpy(at, "permit(principal, action, resource) when { ");
	for (size_t i = 0; i < n; i++) {
		at = stpcpy(at, left);
	}
	at = stpcpy(at, middle);
	for (size_t i = 0; i < n; i++) {
		at = stpcpy(at, right);
	}
	(void)stpcpy(at, " };"); /* the end is not needed */
	return text;
}

static void nesting_and_depth_are_bounded_but_long_chains_are_not(void **state)
{
	(void)state;
	static const struct {
		const char *left;
		const char *middle;
		const char *right;
		size_t n;
		enum rc want;
	} cases[] = {
	    {"(", "true", ")", 150, RC_OK},
	    {"(", "true", ")", 100000, RC_LIMIT},
	    {"[", "1", "]", 100000, RC_LIMIT},
	    {"{a:", "1", "}", 100000, RC_LIMIT},
	    {"if ", "true", " then 1 else 2", 100000, RC_LIMIT},
	    {"ip(", "1", ")", 100000, RC_LIMIT},
	    {"", "context", ".a", 900, RC_OK},
	    {"", "context", ".a", 100000, RC_LIMIT},
	    {"1 + ", "1", "", 100000, RC_LIMIT},
	    {"true && ", "true", "", 100000, RC_OK},
	    {"true || ", "true", "", 100000, RC_OK},
	    {"context has a", "", ".a", 100000, RC_INPUT},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = repeat(cases[i].left, cases[i].middle, cases[i].right, cases[i].n);

		assert_rc(try_text(text), cases[i].want);
		mem_free(text);
	}
}

static void a_template_is_linked_with_exactly_its_slots(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 16);
	struct cedar_builder *b = NULL;
	struct cedar_policies *set = NULL;
	const struct cedar_uid *u;
	struct err e = ERR_INIT;

	assert_ok(cedar_uid_new(&arena, STR("U"), STR("a"), &u, &e));
	assert_ok(cedar_builder_new(&b, &e));
	assert_ok(cedar_builder_add_template(
	    b, STR("t0"), STR("t.cedar"),
	    STR("@id(\"x\") permit(principal is U in ?principal, action, resource);"), &e));
	assert_rc(cedar_builder_link(b, STR("t0"), STR("l0"), NULL, NULL, &e), RC_INPUT);
	assert_rc(cedar_builder_link(b, STR("t0"), STR("l0"), u, u, &e), RC_INPUT);
	assert_rc(cedar_builder_link(b, STR("t1"), STR("l0"), u, NULL, &e), RC_INPUT);
	assert_rc(cedar_builder_link(b, STR("t0"), STR("t0"), u, NULL, &e), RC_INPUT);
	assert_ok(cedar_builder_link(b, STR("t0"), STR("l0"), u, NULL, &e));
	assert_rc(cedar_builder_link(b, STR("t0"), STR("l0"), u, NULL, &e), RC_INPUT);
	assert_ok(cedar_builder_finish(b, &set, &e));
	cedar_builder_free(b);
	assert_int_equal(cedar_policies_count(set), 1);
	assert_str(cedar_policy_annotation(cedar_policies_at(set, 0), "id"), "x");
	assert_true(cedar_uid_equal(
	    cedar_policy_scope(cedar_policies_at(set, 0), CEDAR_PRINCIPAL)->uids[0], u));
	cedar_policies_unref(set);
}

static void running_out_of_memory_is_an_error_at_every_point(void **state)
{
	(void)state;
	size_t before = mem_blocks();
	enum rc rc = RC_NOMEM;

	for (size_t nth = 1; rc != RC_OK; nth++) {
		struct cedar_builder *b = NULL;
		struct cedar_policies *set = NULL;

		mem_fail_after(nth);
		rc = cedar_builder_new(&b, NULL);
		if (rc == RC_OK) {
			rc = cedar_builder_add(
			    b, STR("t"),
			    STR("@a(\"b\") permit(principal, action in [Action::\"x\"],"
				" resource) when { {a: [1, ip(\"::1\")]} has a };"),
			    NULL);
		}
		if (rc == RC_OK) {
			rc = cedar_builder_finish(b, &set, NULL);
		}
		mem_fail_after(0);
		cedar_builder_free(b);
		cedar_policies_unref(set);
		assert_true(rc == RC_OK || rc == RC_NOMEM);
		assert_int_equal(mem_blocks(), before);
		assert_true(nth < 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(annotations_are_kept_in_order),
	    cmocka_unit_test(policies_are_numbered_through_all_texts),
	    cmocka_unit_test(every_form_of_scope_can_be_read),
	    cmocka_unit_test(errors_say_where_and_what),
	    cmocka_unit_test(every_unicode_blank_separates_and_nothing_else),
	    cmocka_unit_test(nesting_and_depth_are_bounded_but_long_chains_are_not),
	    cmocka_unit_test(a_template_is_linked_with_exactly_its_slots),
	    cmocka_unit_test(running_out_of_memory_is_an_error_at_every_point),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
