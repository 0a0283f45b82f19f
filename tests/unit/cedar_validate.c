/* SPDX-License-Identifier: Apache-2.0 */
/* The validator: beside every policy that is refused, one that is not. */
#include "cedar.h"

#include "test.h"

static const char schema_text[] =
    "entity G;\n"
    "entity U in [G] = { x: Long, y?: Long, name: String, boss?: U, r: { k: Long, o?: Long } }\n"
    "  tags Long;\n"
    "entity R in [R] = { owner: U };\n"
    "entity E enum [\"on\", \"off\"];\n"
    "action all;\n"
    "action read in all appliesTo { principal: U, resource: R, context: { n: Long, s?: String,\n"
    "  at: datetime, from: ipaddr } };\n"
    "action write appliesTo { principal: [U, G], resource: R };\n"
    "action never;\n";

struct result {
	struct arena arena;
	struct cedar_schema *schema;
	struct cedar_policies *set;
	struct cedar_validation v;
};

static void validate(struct result *r, const char *policies,
		     const struct cedar_validate_options *options)
{
	struct cedar_builder *b;
	struct err e = ERR_INIT;

	*r = (struct result){.arena = ARENA_INIT(1 << 24)};
	assert_ok(cedar_schema_parse(STR("s"), str_from(schema_text), &r->schema, NULL));
	assert_ok(cedar_builder_new(&b, NULL));
	if (cedar_builder_add(b, STR("p"), str_from(policies), &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	assert_ok(cedar_builder_finish(b, &r->set, NULL));
	cedar_builder_free(b);
	assert_ok(cedar_validate(r->set, r->schema, options, &r->arena, &r->v, NULL));
}

static void done(struct result *r)
{
	cedar_schema_unref(r->schema);
	cedar_policies_unref(r->set);
	arena_fini(&r->arena);
}

static void show(const struct result *r)
{
	for (size_t i = 0; i < r->v.n_findings; i++) {
		AUTO_BUF b = BUF_INIT(4096);

		assert_ok(cedar_finding_print(&b, r->set, &r->v.findings[i]));
		print_message(STR_FMT "\n", STR_ARG(buf_view(&b)));
	}
}

static bool has(const struct result *r, enum cedar_finding_class class)
{
	for (size_t i = 0; i < r->v.n_findings; i++) {
		if (r->v.findings[i].class == class) {
			return true;
		}
	}
	return false;
}

static void is_valid_for(const char *policy, const struct cedar_validate_options *options)
{
	struct result r;

	validate(&r, policy, options);
	if (!r.v.is_valid || r.v.n_findings) {
		show(&r);
		fail_msg("%s", policy);
	}
	done(&r);
}

static void is_invalid_for(const char *policy, enum cedar_finding_class class,
			   const struct cedar_validate_options *options)
{
	struct result r;

	validate(&r, policy, options);
	if (r.v.is_valid || !has(&r, class)) {
		show(&r);
		fail_msg("%s: %s", cedar_finding_class_name(class), policy);
	}
	done(&r);
}

#define WHEN(condition)                                                                            \
	"permit(principal is U, action == Action::\"read\", resource) when { " condition " };"

static void good(const char *policy)
{
	is_valid_for(policy, NULL);
}

static void bad(const char *policy, enum cedar_finding_class class)
{
	is_invalid_for(policy, class, NULL);
}

static void is_impossible(const char *policy)
{
	struct result r;

	validate(&r, policy, NULL);
	if (!r.v.is_valid || !has(&r, CEDAR_FINDING_IMPOSSIBLE)) {
		show(&r);
		fail_msg("%s", policy);
	}
	done(&r);
}

static void an_optional_attribute_needs_a_test(void **state)
{
	(void)state;
	good(WHEN("principal.x == 1"));
	good(WHEN("principal has y && principal.y == 1"));
	bad(WHEN("principal.y == 1"), CEDAR_FINDING_UNSAFE_ATTR);
	bad(WHEN("principal.y == 1 && principal has y"), CEDAR_FINDING_UNSAFE_ATTR);
	bad(WHEN("principal has y || principal.y == 1"), CEDAR_FINDING_UNSAFE_ATTR);
	bad(WHEN("!(principal has y) && principal.y == 1"), CEDAR_FINDING_UNSAFE_ATTR);
	good(WHEN("if principal has y then principal.y == 1 else false"));
	bad(WHEN("if principal has y then true else principal.y == 1"), CEDAR_FINDING_UNSAFE_ATTR);
	good(WHEN("principal has boss.y && principal.boss.y == 1"));
	bad(WHEN("principal has boss && principal.boss.y == 1"), CEDAR_FINDING_UNSAFE_ATTR);
	good(WHEN("principal.r has o && principal.r.o == 1"));
	bad(WHEN("context has s && resource.owner.y == 1"), CEDAR_FINDING_UNSAFE_ATTR);
	/* Every clause may rely on those before it. */
	good(
	    "permit(principal is U, action == Action::\"read\", resource) when { principal has y } "
	    "unless { principal.y == 2 };");
}

static void both_sides_of_or_must_promise_the_same(void **state)
{
	(void)state;
	good(WHEN("(principal has y && principal.x == 1 || principal has y) && principal.y == 1"));
	bad(WHEN("(principal has y || principal has boss) && principal.y == 1"),
	    CEDAR_FINDING_UNSAFE_ATTR);
}

static void an_unknown_attribute_is_refused(void **state)
{
	struct result r;

	(void)state;
	bad(WHEN("principal.nam == \"x\""), CEDAR_FINDING_NO_ATTR);
	bad(WHEN("context.q == 1"), CEDAR_FINDING_NO_ATTR);
	validate(&r, WHEN("principal.nam == \"x\""), NULL);
	assert_true(str_contains(r.v.findings[0].message, STR("did you mean 'name'?")));
	assert_int_equal(r.v.findings[0].pos.line, 1);
	assert_true(r.v.findings[0].pos.column > 70);
	done(&r);
	/* What is not there is not evaluated. */
	is_impossible(WHEN("principal has nam && principal.nam == \"x\""));
}

static void a_tag_needs_a_test(void **state)
{
	(void)state;
	good(WHEN("principal.hasTag(\"a\") && principal.getTag(\"a\") == 1"));
	good(WHEN("principal.hasTag(principal.name) && principal.getTag(principal.name) == 1"));
	bad(WHEN("principal.getTag(\"a\") == 1"), CEDAR_FINDING_UNSAFE_TAG);
	bad(WHEN("principal.hasTag(\"b\") && principal.getTag(\"a\") == 1"),
	    CEDAR_FINDING_UNSAFE_TAG);
	bad(WHEN("resource.getTag(\"a\") == 1"), CEDAR_FINDING_UNSAFE_TAG);
	is_impossible(WHEN("resource.hasTag(\"a\") && resource.getTag(\"a\") == 1"));
}

static void operators_want_their_types(void **state)
{
	(void)state;
	good(WHEN("principal.x + 1 < context.n * -2"));
	bad(WHEN("principal.name + 1 == 1"), CEDAR_FINDING_TYPE);
	good(WHEN("context.at < datetime(\"2024-01-01\")"));
	bad(WHEN("context.at < 5"), CEDAR_FINDING_TYPE);
	bad(WHEN("principal.name < \"a\""), CEDAR_FINDING_TYPE);
	good(WHEN("principal.name like \"a*\""));
	bad(WHEN("principal.x like \"a*\""), CEDAR_FINDING_TYPE);
	bad(WHEN("!principal.x"), CEDAR_FINDING_TYPE);
	bad(WHEN("principal.x && true"), CEDAR_FINDING_TYPE);
	bad(WHEN("principal.x"), CEDAR_FINDING_TYPE);
	good(WHEN("[1, 2].contains(principal.x)"));
	bad(WHEN("principal.x.contains(1)"), CEDAR_FINDING_TYPE);
	bad(WHEN("principal.x in principal"), CEDAR_FINDING_TYPE);
	bad(WHEN("principal.x has k"), CEDAR_FINDING_TYPE);
	bad(WHEN("principal.x is U"), CEDAR_FINDING_TYPE);
}

static void compared_things_are_of_one_type_in_strict_mode(void **state)
{
	const struct cedar_validate_options permissive = {.mode = CEDAR_PERMISSIVE};

	(void)state;
	bad(WHEN("principal.x == principal.name"), CEDAR_FINDING_INCOMPATIBLE);
	is_valid_for(WHEN("principal.x == principal.name"), &permissive);
	bad(WHEN("[1, \"a\"].contains(1)"), CEDAR_FINDING_INCOMPATIBLE);
	bad(WHEN("(if principal.x == 1 then 1 else \"a\") == 1"), CEDAR_FINDING_INCOMPATIBLE);
	bad(WHEN("[1].contains(\"a\")"), CEDAR_FINDING_INCOMPATIBLE);
	bad(WHEN("[1].containsAny([\"a\"])"), CEDAR_FINDING_INCOMPATIBLE);
	good(WHEN("{k: principal.x} == {k: 2}"));
	bad(WHEN("{k: 1} == {j: 2}"), CEDAR_FINDING_INCOMPATIBLE);
	bad(WHEN("[principal, resource].contains(principal)"), CEDAR_FINDING_INCOMPATIBLE);
	is_valid_for(WHEN("[principal, resource].contains(principal)"), &permissive);
}

static void an_empty_set_has_no_type_in_strict_mode(void **state)
{
	const struct cedar_validate_options permissive = {.mode = CEDAR_PERMISSIVE};

	(void)state;
	bad(WHEN("[].isEmpty()"), CEDAR_FINDING_EMPTY_SET);
	is_valid_for(WHEN("[].isEmpty()"), &permissive);
	good(WHEN("[1].isEmpty()"));
}

static void extension_constructors_take_good_literals(void **state)
{
	const struct cedar_validate_options permissive = {.mode = CEDAR_PERMISSIVE};

	(void)state;
	good(WHEN("context.from.isInRange(ip(\"10.0.0.0/8\"))"));
	bad(WHEN("context.from.isInRange(ip(\"10.0.0.0/99\"))"), CEDAR_FINDING_ARGUMENT);
	bad(WHEN("context.from == ip(principal.name)"), CEDAR_FINDING_NOT_LITERAL);
	is_valid_for(WHEN("context.from == ip(principal.name)"), &permissive);
	bad(WHEN("context.from == ip(\"1.1.1.1\", \"2.2.2.2\")"), CEDAR_FINDING_ARITY);
	bad(WHEN("context.from.isInRange(1)"), CEDAR_FINDING_TYPE);
	good(WHEN("context.at.offset(duration(\"1h\")).toDate() == datetime(\"2024-01-01\")"));
	bad(WHEN("context.at.offset(5) == context.at"), CEDAR_FINDING_TYPE);
}

static void what_is_named_is_in_the_schema(void **state)
{
	struct result r;

	(void)state;
	good("permit(principal == U::\"a\", action, resource);");
	bad("permit(principal == Us::\"a\", action, resource);", CEDAR_FINDING_UNKNOWN_TYPE);
	bad("permit(principal is Zz, action, resource);", CEDAR_FINDING_UNKNOWN_TYPE);
	bad("permit(principal, action == Action::\"raed\", resource);",
	    CEDAR_FINDING_UNKNOWN_ACTION);
	bad(WHEN("false && principal == Nope::\"a\""), CEDAR_FINDING_UNKNOWN_TYPE);
	bad(WHEN("principal.x == 1 || E::\"of\" == E::\"on\""), CEDAR_FINDING_UNKNOWN_ID);
	validate(&r, "permit(principal, action == Action::\"raed\", resource);", NULL);
	assert_true(str_contains(r.v.findings[0].message, STR("did you mean 'read'?")));
	done(&r);
}

static void some_action_must_apply(void **state)
{
	const struct cedar_validate_options later = {.no_action_is_warning = true};
	struct result r;

	(void)state;
	good("permit(principal in G::\"g\", action == Action::\"read\", resource in R::\"r\");");
	good("permit(principal, action in Action::\"all\", resource);");
	bad("permit(principal, action == Action::\"never\", resource);", CEDAR_FINDING_NO_ACTION);
	bad("permit(principal is G, action == Action::\"read\", resource);",
	    CEDAR_FINDING_NO_ACTION);
	bad("permit(principal is R, action, resource);", CEDAR_FINDING_NO_ACTION);
	validate(&r, "permit(principal is R, action, resource);", &later);
	assert_true(r.v.is_valid);
	assert_true(has(&r, CEDAR_FINDING_NO_ACTION));
	done(&r);
}

static void what_can_never_hold_is_a_warning(void **state)
{
	(void)state;
	is_impossible(WHEN("false"));
	is_impossible(WHEN("principal in R::\"r\""));
	is_impossible(WHEN("principal == resource"));
	is_impossible(WHEN("action == Action::\"write\""));
	is_impossible(WHEN("action in [Action::\"write\", Action::\"never\"]"));
	good(WHEN("action in [Action::\"write\", Action::\"all\"]"));
	is_impossible(WHEN("1 == 2"));
	good(WHEN("principal in [G::\"g\", G::\"h\"]"));
}

/* What a clause promises holds for those behind it, also when one before it is refused. */
/* How often it is found that an attribute is nowhere, and by whom that is asked. */
static size_t absent(const char *policy, bool finds_absent)
{
	const struct cedar_validate_options options = {.finds_absent = finds_absent};
	struct result r;
	size_t n = 0;

	validate(&r, policy, &options);
	assert_true(r.v.is_valid);
	for (size_t i = 0; i < r.v.n_findings; i++) {
		n += r.v.findings[i].class == CEDAR_FINDING_ABSENT;
	}
	done(&r);
	return n;
}

static void what_nothing_has_is_found_on_demand(void **state)
{
	(void)state;
	assert_int_equal(absent(WHEN("!(principal has nothing)"), true), 1);
	assert_int_equal(absent(WHEN("!(principal has nothing)"), false), 0);
	assert_int_equal(
	    absent(WHEN("!(principal has nothing.more) && !(context has other)"), true), 2);
	assert_int_equal(absent(WHEN("!(context has nothing && context.nothing has more)"), true),
			 1);
	/* What some requests have is nowhere absent; what is never looked at is not asked. */
	assert_int_equal(
	    absent("permit(principal, action, resource) when { principal has x || true };", true),
	    0);
	assert_int_equal(absent(WHEN("true || principal has nothing"), true), 0);
}

static void a_refused_clause_does_not_spoil_the_others(void **state)
{
	struct result r;

	(void)state;
	validate(
	    &r,
	    "permit(principal is U, action == Action::\"read\", resource) when { context.q == 1 } "
	    "when { principal has y } when { principal.y == 1 };",
	    NULL);
	assert_false(r.v.is_valid);
	assert_int_equal(r.v.n_findings, 1);
	assert_int_equal(r.v.findings[0].class, CEDAR_FINDING_NO_ATTR);
	done(&r);
}

static void each_policy_has_its_verdict(void **state)
{
	struct result r;

	(void)state;
	validate(&r, WHEN("true") WHEN("principal.y == 1") WHEN("principal.x == 1"), NULL);
	assert_false(r.v.is_valid);
	assert_true(r.v.policies[0]);
	assert_false(r.v.policies[1]);
	assert_true(r.v.policies[2]);
	assert_int_equal(r.v.findings[0].policy, 1);
	done(&r);
}

static void a_policy_must_be_right_for_every_type_it_applies_to(void **state)
{
	(void)state;
	good("permit(principal is U, action == Action::\"write\", resource) when { principal.x == "
	     "1 };");
	bad("permit(principal, action == Action::\"write\", resource) when { principal.x == 1 };",
	    CEDAR_FINDING_NO_ATTR);
	good("permit(principal, action == Action::\"write\", resource) when { principal is U && "
	     "principal.x == 1 };");
}

static void deep_expressions_are_within_the_stack(void **state)
{
	AUTO_BUF b = BUF_INIT(1 << 20);

	(void)state;
	assert_ok(buf_add(&b, STR("permit(principal is U, action == Action::\"read\", resource) "
				  "when { principal has boss")));
	for (int i = 0; i < 199; i++) {
		assert_ok(buf_add(&b, STR(".boss")));
	}
	assert_ok(buf_add(&b, STR(" && 1")));
	for (int i = 0; i < CEDAR_LIMIT_EXPR_DEPTH - 10; i++) {
		assert_ok(buf_add(&b, STR(" + 1")));
	}
	assert_ok(buf_add(&b, STR(" < context.n };")));
	assert_ok(buf_add_char(&b, '\0'));
	good(b.p);
	is_valid_for(b.p, &(struct cedar_validate_options){
			      .has_max_level = true,
			      .max_level = 200,
			  });
	b.n = 0;
	assert_ok(buf_add(&b, STR("permit(principal is U, action == Action::\"read\", resource) "
				  "when { principal has boss")));
	for (int i = 0; i < 200; i++) {
		assert_ok(buf_add(&b, STR(".boss")));
	}
	assert_ok(buf_add(&b, STR(" };")));
	assert_ok(buf_add_char(&b, '\0'));
	bad(b.p, CEDAR_FINDING_TYPE);
}

static void good_at(uint32_t level, const char *policy)
{
	is_valid_for(policy, &(struct cedar_validate_options){
				 .has_max_level = true,
				 .max_level = level,
			     });
}

static void bad_at(uint32_t level, const char *policy, enum cedar_finding_class class)
{
	is_invalid_for(policy, class,
		       &(struct cedar_validate_options){
			   .has_max_level = true,
			   .max_level = level,
		       });
}

/* Valid at this level and at none below. */
static void is_of_level(uint32_t level, const char *policy)
{
	good_at(level, policy);
	good_at(level + 1, policy);
	if (level > 0) {
		bad_at(level - 1, policy, CEDAR_FINDING_LEVEL);
	}
}

static void a_level_bounds_how_far_a_policy_reads(void **state)
{
	(void)state;
	is_of_level(0, WHEN("context.n == 1"));
	is_of_level(0, WHEN("principal == U::\"a\""));
	is_of_level(1, WHEN("principal.x == 1"));
	is_of_level(1, WHEN("principal.r.k == 1"));
	is_of_level(1, WHEN("principal in G::\"g\""));
	is_of_level(1, WHEN("principal has y"));
	is_of_level(1, WHEN("principal.hasTag(\"a\") && principal.getTag(\"a\") == 1"));
	is_of_level(1, WHEN("resource.owner == principal"));
	is_of_level(2, WHEN("resource.owner.x == 1"));
	is_of_level(2, WHEN("principal has boss.y"));
	is_of_level(3, WHEN("resource.owner has boss.y"));
	is_of_level(2, WHEN("{a: resource.owner, b: 1}.a.x == 1"));
	is_of_level(2, WHEN("(if context.n == 1 then principal else resource.owner).x == 1"));
	is_of_level(1, "permit(principal in G::\"g\", action == Action::\"read\", resource);");
	is_of_level(1,
		    "permit(principal is U in G::\"g\", action == Action::\"write\", resource);");
}

static void an_entity_that_is_named_is_not_read(void **state)
{
	(void)state;
	good_at(1, WHEN("principal == U::\"a\""));
	bad_at(9, WHEN("U::\"a\".x == 1"), CEDAR_FINDING_LEVEL_LITERAL);
	bad_at(9, WHEN("U::\"a\" in G::\"g\""), CEDAR_FINDING_LEVEL_LITERAL);
	/* What is never evaluated reads nothing. */
	good_at(1, WHEN("context.n == 1 || (false && resource.owner.x == 1)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_optional_attribute_needs_a_test),
	    cmocka_unit_test(both_sides_of_or_must_promise_the_same),
	    cmocka_unit_test(an_unknown_attribute_is_refused),
	    cmocka_unit_test(a_tag_needs_a_test),
	    cmocka_unit_test(operators_want_their_types),
	    cmocka_unit_test(compared_things_are_of_one_type_in_strict_mode),
	    cmocka_unit_test(an_empty_set_has_no_type_in_strict_mode),
	    cmocka_unit_test(extension_constructors_take_good_literals),
	    cmocka_unit_test(what_is_named_is_in_the_schema),
	    cmocka_unit_test(some_action_must_apply),
	    cmocka_unit_test(what_can_never_hold_is_a_warning),
	    cmocka_unit_test(what_nothing_has_is_found_on_demand),
	    cmocka_unit_test(a_refused_clause_does_not_spoil_the_others),
	    cmocka_unit_test(each_policy_has_its_verdict),
	    cmocka_unit_test(a_policy_must_be_right_for_every_type_it_applies_to),
	    cmocka_unit_test(deep_expressions_are_within_the_stack),
	    cmocka_unit_test(a_level_bounds_how_far_a_policy_reads),
	    cmocka_unit_test(an_entity_that_is_named_is_not_read),
	};

	return cmocka_run_group_tests_name("cedar_validate", tests, NULL, NULL);
}
