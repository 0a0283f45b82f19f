/* SPDX-License-Identifier: Apache-2.0 */
/* Entities, contexts and requests against a schema. */
#include "cedar.h"
#include "codec/json.h"

#include "test.h"

static const char schema_text[] =
    "entity G;\n"
    "entity U in [G] = { name: String, ip?: ipaddr, boss?: U, tried?: Set<datetime>,\n"
    "  more: { d?: decimal } } tags String;\n"
    "entity E enum [\"on\", \"off\"];\n"
    "entity R = { e?: E };\n"
    "action all; action read in all appliesTo { principal: U, resource: R,\n"
    "  context: { n: Long, who?: U } };\n"
    "action idle;\n";

struct world {
	struct arena arena;
	struct cedar_schema *schema;
};

static int set_up(void **state)
{
	struct world *w = mem_calloc(1, sizeof(*w));

	assert_non_null(w);
	w->arena = (struct arena)ARENA_INIT(1 << 24);
	assert_ok(cedar_schema_parse(STR("s"), str_from(schema_text), &w->schema, NULL));
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	cedar_schema_unref(w->schema);
	arena_fini(&w->arena);
	mem_free(w);
	return 0;
}

static const struct json *json(struct world *w, const char *text)
{
	struct err e = ERR_INIT;
	const struct json *j;

	if (json_parse(&w->arena, str_from(text), NULL, &j, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	return j;
}

static const struct cedar_uid *uid(struct world *w, const char *text)
{
	const struct cedar_uid *u;

	assert_ok(cedar_uid_parse(&w->arena, str_from(text), &u, NULL));
	return u;
}

static enum rc load(struct world *w, const char *text, struct cedar_entities **ret, struct err *e)
{
	TRY(cedar_entities_new(&w->arena, NULL, ret, e));
	TRY(cedar_entities_add_json_as(*ret, w->schema, json(w, text), e));
	TRY(cedar_entities_seal(*ret, e));
	return cedar_entities_check(*ret, w->schema, e);
}

static void accepts(struct world *w, const char *text)
{
	struct cedar_entities *s;
	struct err e = ERR_INIT;

	if (load(w, text, &s, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
}

static void refuses(struct world *w, const char *text, const char *words)
{
	struct cedar_entities *s;
	struct err e = ERR_INIT;

	assert_rc(load(w, text, &s, &e), RC_INPUT);
	if (!str_contains(str_from(e.msg), str_from(words))) {
		fail_msg("'%s' is not in '%s'", words, e.msg);
	}
}

#define USER(attrs, parents, more)                                                                 \
	"[{\"uid\": {\"type\": \"U\", \"id\": \"a\"}, \"attrs\": {" attrs                          \
	"}, \"parents\": [" parents "]" more "}]"

static void strings_become_what_the_schema_expects(void **state)
{
	struct world *w = *state;
	struct cedar_entities *s;
	struct cedar_entity u;

	assert_ok(
	    load(w,
		 USER("\"name\": \"1.1.1.1\", \"ip\": \"1.1.1.1\", \"boss\": {\"type\": \"U\", "
		      "\"id\": \"b\"}, \"tried\": [\"2024-01-01\", {\"__extn\": {\"fn\": "
		      "\"datetime\", \"arg\": \"2025-01-01\"}}, {\"fn\": \"datetime\", "
		      "\"arg\": \"2026-01-01\"}], \"more\": {\"d\": \"1.5\"}",
		      "", ""),
		 &s, NULL));
	assert_true(cedar_entities_get(s, uid(w, "U::\"a\""), &u));
	assert_int_equal(cedar_value_type(cedar_value_get(u.attrs, STR("name"))), CEDAR_STRING);
	assert_int_equal(cedar_value_type(cedar_value_get(u.attrs, STR("ip"))), CEDAR_IPADDR);
	assert_int_equal(cedar_value_type(cedar_value_get(u.attrs, STR("boss"))), CEDAR_ENTITY);
	assert_int_equal(cedar_value_count(cedar_value_get(u.attrs, STR("tried"))), 3);
	assert_int_equal(
	    cedar_value_type(cedar_value_get(cedar_value_get(u.attrs, STR("more")), STR("d"))),
	    CEDAR_DECIMAL);
}

static void attributes_are_as_declared(void **state)
{
	struct world *w = *state;

	accepts(w, USER("\"name\": \"x\", \"more\": {}", "", ""));
	refuses(w, USER("\"more\": {}", "", ""), "expected attribute 'name', found none");
	refuses(w, USER("\"name\": \"x\", \"more\": {}, \"nam\": 1", "", ""),
		"attribute 'nam' is not in the schema; did you mean 'name'?");
	refuses(w, USER("\"name\": 1, \"more\": {}", "", ""), "expected String, found 1");
	refuses(w, USER("\"name\": \"x\", \"more\": {\"z\": 1}", "", ""),
		"attribute 'z' is not in the schema");
	refuses(w, USER("\"name\": \"x\", \"more\": {}, \"ip\": \"1.1.1\"", "", ""), "ip");
	refuses(w,
		USER("\"name\": \"x\", \"more\": {}, \"boss\": {\"type\": \"G\", \"id\": \"b\"}",
		     "", ""),
		"expected U, found G::\"b\"");
}

static void tags_are_of_their_type(void **state)
{
	struct world *w = *state;

	accepts(w, USER("\"name\": \"x\", \"more\": {}", "", ", \"tags\": {\"t\": \"v\"}"));
	refuses(w, USER("\"name\": \"x\", \"more\": {}", "", ", \"tags\": {\"t\": 1}"),
		"tag 't': expected String, found 1");
	refuses(w,
		"[{\"uid\": {\"type\": \"G\", \"id\": \"g\"}, \"attrs\": {}, \"parents\": [], "
		"\"tags\": {\"t\": \"v\"}}]",
		"expected no tags, found 't'");
}

static void ancestors_are_of_allowed_types(void **state)
{
	struct world *w = *state;

	accepts(w, USER("\"name\": \"x\", \"more\": {}", "{\"type\": \"G\", \"id\": \"g\"}", ""));
	refuses(w, USER("\"name\": \"x\", \"more\": {}", "{\"type\": \"R\", \"id\": \"r\"}", ""),
		"an entity of type 'U' cannot be in one of type 'R'");
	refuses(w, USER("\"name\": \"x\", \"more\": {}", "{\"type\": \"U\", \"id\": \"z\"}", ""),
		"cannot be in one of type 'U'");
}

static void types_and_ids_must_be_known(void **state)
{
	struct world *w = *state;

	accepts(w,
		"[{\"uid\": {\"type\": \"E\", \"id\": \"on\"}, \"attrs\": {}, \"parents\": []}]");
	refuses(w, "[{\"uid\": {\"type\": \"E\", \"id\": \"of\"}, \"attrs\": {}, \"parents\": []}]",
		"enumerated type 'E' has no id \"of\"; did you mean");
	refuses(w, "[{\"uid\": {\"type\": \"Z\", \"id\": \"x\"}, \"attrs\": {}, \"parents\": []}]",
		"entity type 'Z' is not in the schema");
	refuses(w,
		"[{\"uid\": {\"type\": \"R\", \"id\": \"x\"}, \"attrs\": {\"e\": {\"type\": \"E\", "
		"\"id\": \"no\"}}, \"parents\": []}]",
		"enumerated type 'E' has no id \"no\"");
}

#define ACTION(id, parents)                                                                        \
	"[{\"uid\": {\"type\": \"Action\", \"id\": \"" id                                          \
	"\"}, \"attrs\": {}, \"parents\": [" parents "]}]"

static void actions_come_from_the_schema(void **state)
{
	struct world *w = *state;
	struct cedar_entities *s;

	assert_ok(load(w, "[]", &s, NULL));
	assert_true(cedar_entities_in(s, uid(w, "Action::\"read\""), uid(w, "Action::\"all\"")));
	accepts(w, ACTION("read", "{\"type\": \"Action\", \"id\": \"all\"}"));
	refuses(w, ACTION("read", ""), "differs from the schema's");
	refuses(w, ACTION("all", "{\"type\": \"Action\", \"id\": \"read\"}"),
		"differs from the schema's");
	refuses(w, ACTION("rea", ""), "did you mean 'read'?");
}

static enum rc ask(struct world *w, const char *principal, const char *action, const char *resource,
		   const char *context, struct err *e)
{
	struct cedar_request r = {
	    .principal = uid(w, principal),
	    .action = uid(w, action),
	    .resource = uid(w, resource),
	};

	TRY(cedar_context_from_json(&w->arena, w->schema, r.action, json(w, context), &r.context,
				    e));
	return cedar_request_check(&r, w->schema, e);
}

static void a_request_is_one_that_an_action_applies_to(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;

	assert_ok(ask(w, "U::\"a\"", "Action::\"read\"", "R::\"r\"", "{\"n\": 1}", &e));
	assert_rc(ask(w, "R::\"a\"", "Action::\"read\"", "R::\"r\"", "{\"n\": 1}", &e), RC_INPUT);
	assert_true(str_contains(str_from(e.msg), STR("expected a principal of type 'U'")));
	assert_rc(ask(w, "U::\"a\"", "Action::\"idle\"", "R::\"r\"", "{}", &e), RC_INPUT);
	assert_true(str_contains(str_from(e.msg), STR("applies to nothing")));
	assert_rc(ask(w, "U::\"a\"", "Action::\"raed\"", "R::\"r\"", "{}", &e), RC_INPUT);
	assert_rc(ask(w, "X::\"a\"", "Action::\"read\"", "R::\"r\"", "{\"n\": 1}", &e), RC_INPUT);
	assert_rc(ask(w, "Action::\"read\"", "Action::\"read\"", "R::\"r\"", "{\"n\": 1}", &e),
		  RC_INPUT);
}

static void a_context_is_of_its_type(void **state)
{
	struct world *w = *state;
	struct err e = ERR_INIT;

	assert_ok(ask(w, "U::\"a\"", "Action::\"read\"", "R::\"r\"",
		      "{\"n\": 1, \"who\": {\"type\": \"U\", \"id\": \"x\"}}", &e));
	assert_rc(ask(w, "U::\"a\"", "Action::\"read\"", "R::\"r\"", "{\"n\": \"1\"}", &e),
		  RC_INPUT);
	assert_rc(ask(w, "U::\"a\"", "Action::\"read\"", "R::\"r\"", "{}", &e), RC_INPUT);
	assert_rc(ask(w, "U::\"a\"", "Action::\"read\"", "R::\"r\"", "{\"n\": 1, \"m\": 1}", &e),
		  RC_INPUT);
	assert_true(str_contains(str_from(e.msg), STR("attribute 'm' is not in the schema")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strings_become_what_the_schema_expects),
	    cmocka_unit_test(attributes_are_as_declared),
	    cmocka_unit_test(tags_are_of_their_type),
	    cmocka_unit_test(ancestors_are_of_allowed_types),
	    cmocka_unit_test(types_and_ids_must_be_known),
	    cmocka_unit_test(actions_come_from_the_schema),
	    cmocka_unit_test(a_request_is_one_that_an_action_applies_to),
	    cmocka_unit_test(a_context_is_of_its_type),
	};

	return cmocka_run_group_tests_name("cedar_conform", tests, set_up, tear_down);
}
