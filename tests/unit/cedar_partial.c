/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <cedar.h>

static struct arena arena;

static struct cedar_policies *set_of(const char *text)
{
	struct cedar_policies *set = NULL;
	struct cedar_builder *b;
	struct err e = ERR_INIT;

	assert_ok(cedar_builder_new(&b, NULL));
	if (cedar_builder_add(b, STR("p"), str_from(text), &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	assert_ok(cedar_builder_finish(b, &set, NULL));
	cedar_builder_free(b);
	return set;
}

static const struct cedar_uid *uid(const char *text)
{
	const struct cedar_uid *u = NULL;

	assert_ok(cedar_uid_parse(&arena, str_from(text), &u, NULL));
	return u;
}

/* An agent and a tool are known, the resource's type, and one field of the context. */
static struct cedar_partial_request request(void)
{
	static struct cedar_field field = {.name = STR("effect")};
	struct cedar_partial_request r = {.principal = uid("Agent::\"a\""),
					  .action = uid("Action::\"t\""),
					  .resource_type = STR("Asset")};

	assert_ok(cedar_value_string(&arena, STR("read"), &field.value, NULL));
	assert_ok(cedar_value_record(&arena, &field, 1, &r.context, NULL));
	return r;
}

static void foretells(const char *condition, enum cedar_prospect want, const char *left)
{
	AUTO_BUF text = BUF_INIT(4096);
	AUTO_BUF out = BUF_INIT(4096);
	struct cedar_partial_request r = request();
	struct cedar_partial_response got;
	struct cedar_policies *set;
	struct err e = ERR_INIT;

	assert_ok(
	    buf_addf(&text, "permit(principal, action, resource) when { %s };%c", condition, 0));
	set = set_of(text.p);
	assert_ok(cedar_authorize_partial(set, NULL, &r, &arena, &got, &e));
	if (got.residuals[0].prospect != want) {
		fail_msg("%s: %d", condition, got.residuals[0].prospect);
	}
	if (left) {
		assert_ok(cedar_residual_print(&out, &got.residuals[0], &e));
		assert_ok(buf_add_char(&out, '\0'));
		if (!strstr(out.p, left)) {
			fail_msg("%s\nleft: %s", condition, out.p);
		}
	}
	cedar_policies_unref(set);
}

static void what_is_known_is_evaluated_and_the_rest_is_left(void **state)
{
	(void)state;
	foretells("context.effect == \"read\"", CEDAR_ALWAYS, NULL);
	foretells("context.effect == \"write\"", CEDAR_NEVER, NULL);
	foretells("principal == Agent::\"a\" && context.n > 1 + 1", CEDAR_MAYBE,
		  "when { context.n > 2 };");
	foretells("context.n > 1 && context.effect == \"write\"", CEDAR_NEVER, NULL);
	foretells("context.n > 1 || context.effect == \"read\"", CEDAR_MAYBE,
		  "context.n > 1 || true");
	foretells("context.effect == \"read\" || context.n > 1", CEDAR_ALWAYS, NULL);
	foretells("!(context.n > 1) && [1, context.m].contains(2)", CEDAR_MAYBE,
		  "!(context.n > 1) && [1, context.m].contains(2)");
	foretells("if context.n > 1 then context.effect == \"a\" else context.effect == \"b\"",
		  CEDAR_NEVER, NULL);
	foretells("context has effect && context has other", CEDAR_MAYBE,
		  "when { context has other };");
	foretells("context.effect + 1 == 2", CEDAR_NEVER, NULL); /* it fails */
	foretells("ip(context.effect).isIpv4()", CEDAR_NEVER, NULL);
	foretells("context.ip == ip(\"10.0.0.1\") && context.d > duration(\"1h\") && "
		  "context.t < datetime(\"2020-01-01\")",
		  CEDAR_MAYBE, "datetime(\"1970-01-01\").offset(duration(\"1577836800000ms\"))");
}

static void a_type_that_is_known_decides(void **state)
{
	(void)state;
	foretells("resource is Asset", CEDAR_ALWAYS, NULL);
	foretells("resource is Incident", CEDAR_NEVER, NULL);
	foretells("resource == Incident::\"i\"", CEDAR_NEVER, NULL);
	foretells("resource == Asset::\"i\"", CEDAR_MAYBE, NULL);
	foretells("resource != Incident::\"i\"", CEDAR_ALWAYS, NULL);
	foretells("resource in Service::\"s\"", CEDAR_MAYBE, NULL); /* it may be below one */
}

static void a_scope_counts_as_far_as_it_is_known(void **state)
{
	struct cedar_policies *set =
	    set_of("permit(principal == Agent::\"b\", action, resource);"
		   "permit(principal, action == Action::\"t\", resource is Incident);"
		   "forbid(principal, action in [Action::\"u\"], resource);"
		   "permit(principal == Agent::\"a\", action, resource == Asset::\"x\");");
	struct cedar_partial_request r = request();
	struct cedar_partial_response got;

	(void)state;
	assert_ok(cedar_authorize_partial(set, NULL, &r, &arena, &got, NULL));
	assert_int_equal(got.residuals[0].prospect, CEDAR_NEVER);
	assert_int_equal(got.residuals[1].prospect, CEDAR_NEVER);
	assert_int_equal(got.residuals[2].prospect, CEDAR_NEVER);
	assert_int_equal(got.residuals[3].prospect, CEDAR_MAYBE);
	assert_int_equal(got.decision, CEDAR_PARTIAL_UNKNOWN);
	r.resource = uid("Asset::\"y\"");
	assert_ok(cedar_authorize_partial(set, NULL, &r, &arena, &got, NULL));
	assert_int_equal(got.decision, CEDAR_PARTIAL_DENY);
	r.resource = uid("Asset::\"x\"");
	assert_ok(cedar_authorize_partial(set, NULL, &r, &arena, &got, NULL));
	assert_int_equal(got.decision, CEDAR_PARTIAL_ALLOW);
	cedar_policies_unref(set);
}

static int set_up(void **state)
{
	(void)state;
	arena = (struct arena)ARENA_INIT(64 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_known_is_evaluated_and_the_rest_is_left),
	    TEST(a_type_that_is_known_decides),
	    TEST(a_scope_counts_as_far_as_it_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
