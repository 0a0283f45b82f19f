/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas: what is accepted in both syntaxes, and what is refused with which words. */
#include "cedar.h"
#include "cedar/schema.h"

#include "test.h"

static struct cedar_schema *read(const char *text)
{
	struct cedar_schema *s = NULL;
	struct err e = ERR_INIT;

	if (cedar_schema_parse(STR("s"), str_from(text), &s, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	return s;
}

static struct cedar_schema *read_json(const char *text)
{
	struct cedar_schema *s = NULL;
	struct err e = ERR_INIT;

	if (cedar_schema_parse_json(STR("s"), str_from(text), &s, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	return s;
}

static void accepts(const char *text)
{
	cedar_schema_unref(read(text));
}

/* Refused, with a message that has these words. */
static void refuses(const char *text, const char *words)
{
	struct cedar_schema *s = NULL;
	struct err e = ERR_INIT;

	assert_rc(cedar_schema_parse(STR("s"), str_from(text), &s, &e), RC_INPUT);
	assert_null(s);
	if (!str_contains(str_from(e.msg), str_from(words))) {
		fail_msg("'%s' is not in '%s'", words, e.msg);
	}
}

static void refuses_json(const char *text, const char *words)
{
	struct cedar_schema *s = NULL;
	struct err e = ERR_INIT;

	assert_rc(cedar_schema_parse_json(STR("s"), str_from(text), &s, &e), RC_INPUT);
	if (!str_contains(str_from(e.msg), str_from(words))) {
		fail_msg("'%s' is not in '%s'", words, e.msg);
	}
}

static void an_entity_type_has_attributes_parents_and_tags(void **state)
{
	struct cedar_schema *s = read("entity Team;\n"
				      "entity User in [Team] = { name: String, age?: Long, } "
				      "tags Set<String>;");
	const struct cedar_etype *user = cedar_schema_type(s, STR("User"));
	const struct cedar_etype *team = cedar_schema_type(s, STR("Team"));

	(void)state;
	assert_non_null(user);
	assert_true(cedar_schema_may_be_in(user, team));
	assert_false(cedar_schema_may_be_in(team, user));
	assert_true(cedar_ty_find(user->attrs, STR("name"))->is_required);
	assert_false(cedar_ty_find(user->attrs, STR("age"))->is_required);
	assert_int_equal(user->tags->kind, CEDAR_TY_SET);
	assert_null(team->tags);
	cedar_schema_unref(s);
}

static void ancestors_are_transitive(void **state)
{
	struct cedar_schema *s = read("entity A in [B]; entity B in [C]; entity C in C;");
	const struct cedar_etype *a = cedar_schema_type(s, STR("A"));
	const struct cedar_etype *c = cedar_schema_type(s, STR("C"));

	(void)state;
	assert_true(cedar_etype_is_below(a, c));
	assert_true(cedar_etype_is_below(c, c));
	assert_false(cedar_etype_is_below(a, a));
	cedar_schema_unref(s);
}

static void an_enumerated_type_has_its_ids_only(void **state)
{
	struct cedar_schema *s = read("entity E, F enum [\"a\", \"b\"]; entity G;");
	const struct cedar_etype *e = cedar_schema_type(s, STR("E"));

	(void)state;
	assert_true(cedar_etype_has_id(e, STR("a")));
	assert_false(cedar_etype_has_id(e, STR("c")));
	assert_true(cedar_etype_has_id(cedar_schema_type(s, STR("F")), STR("b")));
	assert_true(cedar_etype_has_id(cedar_schema_type(s, STR("G")), STR("c")));
	cedar_schema_unref(s);
	refuses("entity E enum [];", "1:16: expected a string");
}

static void an_action_applies_to_types_and_has_groups(void **state)
{
	struct cedar_schema *s = read("namespace N { entity U, R;\n"
				      "action all;\n"
				      "action \"read it\" in [all] appliesTo { principal: U, "
				      "resource: [R], context: { n: Long } };\n }");
	AUTO_ARENA arena = ARENA_INIT(1 << 16);
	const struct cedar_uid *uid;
	const struct cedar_uid *group;
	const struct cedar_action *a;

	(void)state;
	assert_ok(cedar_uid_parse(&arena, STR("N::Action::\"read it\""), &uid, NULL));
	assert_ok(cedar_uid_parse(&arena, STR("N::Action::\"all\""), &group, NULL));
	a = cedar_schema_action(s, uid);
	assert_non_null(a);
	assert_int_equal(a->n_principals, 1);
	assert_str(a->resources[0]->name, "N::R");
	assert_non_null(cedar_ty_find(a->context, STR("n")));
	assert_true(cedar_entities_in(cedar_schema_actions(s), uid, group));
	assert_false(cedar_entities_in(cedar_schema_actions(s), group, uid));
	cedar_schema_unref(s);
}

static void a_name_is_looked_for_nearby_first_and_as_common_type_first(void **state)
{
	struct cedar_schema *s =
	    read("namespace N { type T = Long; entity T = { a: T, b: ipaddr };\n"
		 "entity ipaddr; }");
	const struct cedar_etype *t = cedar_schema_type(s, STR("N::T"));

	(void)state;
	assert_int_equal(cedar_ty_find(t->attrs, STR("a"))->type->kind, CEDAR_TY_LONG);
	assert_int_equal(cedar_ty_find(t->attrs, STR("b"))->type->kind, CEDAR_TY_ENTITY);
	cedar_schema_unref(s);
	s = read("entity Long = { a: Long, b: __cedar::Long };");
	t = cedar_schema_type(s, STR("Long"));
	assert_int_equal(cedar_ty_find(t->attrs, STR("a"))->type->kind, CEDAR_TY_ENTITY);
	assert_int_equal(cedar_ty_find(t->attrs, STR("b"))->type->kind, CEDAR_TY_LONG);
	cedar_schema_unref(s);
}

static void an_unknown_name_is_refused_with_the_nearest(void **state)
{
	(void)state;
	accepts("entity User; entity R = { u: User };");
	refuses("entity User;\nentity R = { u: Usr };",
		"s:2:17: unknown type 'Usr'; did you mean 'User'?");
	refuses("entity User in [Tem]; entity Team;",
		"unknown entity type 'Tem'; did you mean 'Team'?");
	refuses("namespace N { entity User; } entity R = { u: User };", "did you mean 'N::User'?");
	refuses("action view; action read in [veiw];",
		"unknown action 'veiw'; did you mean 'view'?");
}

static void declarations_must_differ(void **state)
{
	(void)state;
	accepts("namespace A { entity U; } namespace B { entity U; }");
	refuses("entity U; entity U;", "1:18: entity type 'U' is declared twice");
	refuses("type T = Long; type T = Long;", "type 'T' is declared twice");
	refuses("action a; action a;", "action 'a' is declared twice");
	refuses("namespace A {} namespace A {}", "namespace 'A' is there twice");
	refuses("entity U = { a: Long, \"a\": Long };", "attribute 'a' is there twice");
	refuses("@x @x entity U;", "annotation @x is there twice");
}

static void nothing_shadows_the_empty_namespace(void **state)
{
	(void)state;
	accepts("namespace A { entity U; action a; } entity V; action b;");
	refuses("entity U; namespace A { entity U; }", "shadows");
	refuses("type U = Long; namespace A { entity U; }", "shadows");
	refuses("action a; namespace A { action a; }", "shadows");
}

static void cycles_are_refused(void **state)
{
	(void)state;
	accepts("type A = { b: B }; type B = Long;");
	refuses("type A = { b: B }; type B = Set<A>;", "contains itself");
	accepts("action a; action b in a;");
	refuses("action a in [b]; action b in [a];", "is its own ancestor");
}

static void reserved_names_cannot_be_declared(void **state)
{
	(void)state;
	accepts("entity principal, entity, type, Set, namespace;");
	refuses("entity in;", "'in' is reserved");
	refuses("entity __cedar;", "cannot be declared");
	refuses("namespace __cedar::A {}", "cannot be declared");
	refuses("entity Action;", "cannot be declared");
	refuses("type Long = String;", "which is reserved");
}

static void shapes_and_contexts_are_records(void **state)
{
	(void)state;
	accepts("type C = {}; entity U; action a appliesTo { principal: U, resource: U, "
		"context: C };");
	refuses("type C = Long; entity U; action a appliesTo { principal: U, resource: U, "
		"context: C };",
		"expected a record as context, found Long");
	refuses("entity U; action a appliesTo { principal: U };", "expected 'resource'");
	refuses("entity U; action a appliesTo { principal: [], resource: U };",
		"expected at least one type of principal");
	refuses("entity U; action a appliesTo { principal: U, principal: U, resource: U };",
		"'principal' is there twice");
	refuses("entity U; action a appliesTo { principal: Action, resource: U };",
		"unknown entity type 'Action'");
}

static void syntax_errors_say_where_and_what(void **state)
{
	(void)state;
	refuses("entity U", "s:1:9: expected ';', found the end");
	refuses("entity U = { a Long };", "1:16: expected '?' or ':', found 'Long'");
	refuses("thing U;", "1:1: expected 'entity', 'action' or 'type', found 'thing'");
	refuses("namespace A { entity U;", "expected a declaration or '}', found the end");
	refuses("entity U = { a: Set<Long };", "expected '>', found '}'");
	refuses("entity U = { a: \"x\" };", "expected a type");
}

static void nesting_is_bounded(void **state)
{
	char text[8192] = "type T = ";
	struct cedar_schema *s = NULL;
	struct err e = ERR_INIT;

	(void)state;
	for (int i = 0; i < CEDAR_LIMIT_NESTING + 1; i++) {
		strncat(text, "Set<", sizeof(text) - strlen(text) - 1);
	}
	assert_rc(cedar_schema_parse(STR("s"), str_from(text), &s, &e), RC_LIMIT);
	assert_true(str_contains(str_from(e.msg), STR("nested too deeply")));
}

/* Twenty types, each twice the one before. */
static void types_that_are_too_large_written_out_are_refused(void **state)
{
	char text[8192] = "type T0 = Long;";
	struct cedar_schema *s = NULL;
	size_t n = strlen(text);

	(void)state;
	for (int i = 1; i <= 24; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "type T%d = { a: T%d, b: T%d };",
				      i, i - 1, i - 1);
	}
	assert_rc(cedar_schema_parse(STR("s"), str_from(text), &s, NULL), RC_LIMIT);
}

static void json_says_the_same(void **state)
{
	struct cedar_schema *s = read_json(
	    "{\"N\": {\"commonTypes\": {\"T\": {\"type\": \"Set\", \"element\": "
	    "{\"type\": \"Extension\", \"name\": \"ipaddr\"}}},"
	    "\"entityTypes\": {\"U\": {\"memberOfTypes\": [\"U\"], \"shape\": {\"type\": "
	    "\"Record\", \"attributes\": {\"a\": {\"type\": \"T\", \"required\": false}, \"b\": "
	    "{\"type\": \"Boolean\"}, \"c\": {\"type\": \"Entity\", \"name\": \"U\"}}}},"
	    "\"E\": {\"enum\": [\"x\"]}},"
	    "\"actions\": {\"all\": {}, \"act\": {\"memberOf\": [{\"id\": \"all\"}],"
	    "\"appliesTo\": {\"principalTypes\": [\"U\"], \"resourceTypes\": [\"E\"]}}}}}");
	const struct cedar_etype *u = cedar_schema_type(s, STR("N::U"));

	(void)state;
	assert_int_equal(cedar_ty_find(u->attrs, STR("a"))->type->kind, CEDAR_TY_SET);
	assert_false(cedar_ty_find(u->attrs, STR("a"))->is_required);
	assert_int_equal(cedar_ty_find(u->attrs, STR("b"))->type->kind, CEDAR_TY_BOOL);
	assert_ptr_equal(cedar_ty_find(u->attrs, STR("c"))->type->entities[0], u);
	assert_true(cedar_etype_is_below(u, u));
	assert_int_equal(cedar_entities_count(cedar_schema_actions(s)), 2);
	cedar_schema_unref(s);
}

static void json_that_is_no_schema_is_refused_with_its_place(void **state)
{
	(void)state;
	cedar_schema_unref(read_json("{}"));
	refuses_json("[]", "s:1:1: expected object as a schema, found array");
	refuses_json("{\"\": {\"entityTypes\": {}}}", "expected member 'actions', found none");
	refuses_json("{\"\": {\"entityTypes\": {}, \"actions\": {}, \"x\": 1}}",
		     "expected one of commonTypes entityTypes actions annotations in a namespace, "
		     "found 'x'");
	refuses_json("{\"\": {\"entityTypes\": {\"A\": {\"shape\": {\"type\": \"Record\", "
		     "\"attributes\": {}, \"additionalAttributes\": true}}}, \"actions\": {}}}",
		     "records are closed");
	refuses_json("{\"\": {\"entityTypes\": {\"A\": {\"shape\": {\"type\": \"Nope\"}}}, "
		     "\"actions\": {}}}",
		     "unknown type 'Nope'");
	refuses_json("{\"\": {\"entityTypes\": {\"a-b\": {}}, \"actions\": {}}}",
		     "cannot be declared");
}

static void what_is_printed_reads_back(void **state)
{
	static const char text[] = "@note(\"x\")\n"
				   "namespace N {\n"
				   "  type T = Set<Long>;\n"
				   "  entity E enum [\"a b\", \"c\"];\n"
				   "  entity U in [U] = {\n"
				   "    @why\n"
				   "    \"a b\"?: T,\n"
				   "    c: {}\n"
				   "  } tags String;\n"
				   "  action \"in\";\n"
				   "  action go in [\"in\"] appliesTo {\n"
				   "    principal: [U],\n"
				   "    resource: [E],\n"
				   "    context: {\n"
				   "      n: Long\n"
				   "    }\n"
				   "  };\n"
				   "}\n";
	struct cedar_schema *s = read(text);
	AUTO_BUF b = BUF_INIT(4096);

	(void)state;
	assert_ok(cedar_schema_print(&b, s, NULL));
	assert_str(buf_view(&b), text);
	cedar_schema_unref(s);
}

static void both_syntaxes_translate_into_each_other(void **state)
{
	static const char json[] =
	    "{\"\":{\"commonTypes\":{\"T\":{\"type\":\"Set\",\"element\":{\"type\":"
	    "\"EntityOrCommon\",\"name\":\"Long\"}}},\"entityTypes\":{\"U\":{\"shape\":{"
	    "\"type\":\"Record\",\"attributes\":{\"a\":{\"type\":\"EntityOrCommon\",\"name\":"
	    "\"T\",\"required\":false}}}}},\"actions\":{\"go\":{\"appliesTo\":{"
	    "\"resourceTypes\":[\"U\"],\"principalTypes\":[\"U\"]}}}}}";
	struct cedar_schema *s = read_json(json);
	AUTO_BUF text = BUF_INIT(4096);
	AUTO_BUF back = BUF_INIT(4096);

	(void)state;
	assert_ok(cedar_schema_print(&text, s, NULL));
	cedar_schema_unref(s);
	assert_ok(cedar_schema_parse(STR("t"), buf_view(&text), &s, NULL));
	assert_ok(cedar_schema_print_json(&back, s, NULL));
	assert_str(buf_view(&back), json);
	cedar_schema_unref(s);
}

/* In JSON a reference can say that it means the entity type. */
static void what_the_syntax_cannot_say_is_not_printed(void **state)
{
	struct cedar_schema *s = read_json(
	    "{\"\":{\"commonTypes\":{\"T\":{\"type\":\"Long\"}},\"entityTypes\":{\"T\":{},"
	    "\"U\":{\"tags\":{\"type\":\"Entity\",\"name\":\"T\"}}},\"actions\":{}}}");
	AUTO_BUF b = BUF_INIT(4096);
	struct err e = ERR_INIT;

	(void)state;
	assert_rc(cedar_schema_print(&b, s, &e), RC_INPUT);
	assert_int_equal(b.n, 0);
	assert_true(str_contains(str_from(e.msg), STR("'T' is both")));
	assert_ok(cedar_schema_print_json(&b, s, NULL));
	cedar_schema_unref(s);
}

/* Whatever allocation fails, nothing leaks and nothing half made comes back. */
static void want_of_memory_is_an_answer(void **state)
{
	const size_t before = mem_blocks();
	enum rc rc = RC_NOMEM;

	(void)state;
	for (size_t nth = 1; rc == RC_NOMEM; nth++) {
		struct cedar_schema *s = NULL;

		mem_fail_after(nth);
		rc = cedar_schema_parse(STR("s"),
					STR("entity U in U = { a: Long }; action a in b; "
					    "action b appliesTo { principal: U, resource: U };"),
					&s, NULL);
		mem_fail_after(0);
		cedar_schema_unref(s);
		assert_int_equal(mem_blocks(), before);
	}
	assert_rc(rc, RC_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_entity_type_has_attributes_parents_and_tags),
	    cmocka_unit_test(ancestors_are_transitive),
	    cmocka_unit_test(an_enumerated_type_has_its_ids_only),
	    cmocka_unit_test(an_action_applies_to_types_and_has_groups),
	    cmocka_unit_test(a_name_is_looked_for_nearby_first_and_as_common_type_first),
	    cmocka_unit_test(an_unknown_name_is_refused_with_the_nearest),
	    cmocka_unit_test(declarations_must_differ),
	    cmocka_unit_test(nothing_shadows_the_empty_namespace),
	    cmocka_unit_test(cycles_are_refused),
	    cmocka_unit_test(reserved_names_cannot_be_declared),
	    cmocka_unit_test(shapes_and_contexts_are_records),
	    cmocka_unit_test(syntax_errors_say_where_and_what),
	    cmocka_unit_test(nesting_is_bounded),
	    cmocka_unit_test(types_that_are_too_large_written_out_are_refused),
	    cmocka_unit_test(json_says_the_same),
	    cmocka_unit_test(json_that_is_no_schema_is_refused_with_its_place),
	    cmocka_unit_test(what_is_printed_reads_back),
	    cmocka_unit_test(both_syntaxes_translate_into_each_other),
	    cmocka_unit_test(what_the_syntax_cannot_say_is_not_printed),
	    cmocka_unit_test(want_of_memory_is_an_answer),
	};

	return cmocka_run_group_tests_name("cedar_schema", tests, NULL, NULL);
}
