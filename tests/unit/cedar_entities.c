/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "cedar.h"

static enum rc load(struct arena *arena, const struct cedar_entities *base, const char *text,
		    struct cedar_entities **ret, struct err *e)
{
	TRY(cedar_entities_new(arena, base, ret, e));
	TRY(cedar_entities_add_text(*ret, str_from(text), e));
	return cedar_entities_seal(*ret, e);
}

static struct cedar_entities *loaded(struct arena *arena, const struct cedar_entities *base,
				     const char *text)
{
	struct cedar_entities *s = NULL;
	struct err e = ERR_INIT;

	if (load(arena, base, text, &s, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	return s;
}

static const struct cedar_uid *uid(struct arena *arena, const char *text)
{
	const struct cedar_uid *u = NULL;

	assert_ok(cedar_uid_parse(arena, str_from(text), &u, NULL));
	return u;
}

#define ENTITY(id, parents)                                                                        \
	"{\"uid\":{\"type\":\"U\",\"id\":\"" id "\"},\"attrs\":{},\"parents\":[" parents "]}"
#define PARENT(id) "{\"type\":\"U\",\"id\":\"" id "\"}"

static void ancestors_are_followed_through_all_levels(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	const struct cedar_entities *s = loaded(
	    &arena, NULL,
	    "[" ENTITY("a", PARENT("b") "," PARENT("c")) "," ENTITY("b", PARENT("d")) "," ENTITY(
		"c", PARENT("d")) "," ENTITY("d", PARENT("e")) "," ENTITY("z", "") "]");

	assert_true(cedar_entities_in(s, uid(&arena, "U::\"a\""), uid(&arena, "U::\"e\"")));
	assert_true(cedar_entities_in(s, uid(&arena, "U::\"a\""), uid(&arena, "U::\"d\"")));
	assert_true(cedar_entities_in(s, uid(&arena, "U::\"z\""), uid(&arena, "U::\"z\"")));
	assert_true(cedar_entities_in(s, uid(&arena, "U::\"no\""), uid(&arena, "U::\"no\"")));
	assert_false(cedar_entities_in(s, uid(&arena, "U::\"e\""), uid(&arena, "U::\"a\"")));
	assert_false(cedar_entities_in(s, uid(&arena, "U::\"b\""), uid(&arena, "U::\"c\"")));
	assert_false(cedar_entities_in(s, uid(&arena, "U::\"a\""), uid(&arena, "U::\"z\"")));
}

static void malformed_entities_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "{}",
	    "[1]",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"parents\":[]}]",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{}}]",
	    "[{\"attrs\":{},\"parents\":[]}]",
	    "[{\"uid\":\"U::\\\"a\\\"\",\"attrs\":{},\"parents\":[]}]",
	    "[{\"uid\":{\"__expr\":\"U\"},\"attrs\":{},\"parents\":[]}]",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"x\":1.5},\"parents\":[]}]",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"x\":null},\"parents\":[]}]",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":[],\"parents\":[]}]",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{},\"parents\":[\"U\"]}]",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{},\"parents\":[],\"tags\":1}]",
	    "[" ENTITY("a", PARENT("a")) "]",
	    "[" ENTITY("a", PARENT("b")) "," ENTITY("b", PARENT("c")) "," ENTITY("c",
										 PARENT("a")) "]",
	    "[" ENTITY("a", PARENT("b")) "," ENTITY("a", "") "]",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_ARENA arena = ARENA_INIT(1 << 20);
		struct cedar_entities *s;

		if (load(&arena, NULL, bad[i], &s, NULL) != RC_INPUT) {
			fail_msg("%s was accepted", bad[i]);
		}
	}
}

static void identical_duplicates_and_unknown_members_are_fine(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	const struct cedar_entities *s =
	    loaded(&arena, NULL,
		   "[{\"uid\":{\"__entity\":{\"type\":\"U\",\"id\":\"a\"}},\"attrs\":{\"x\":[1,2]},"
		   "\"parents\":[" PARENT("b") "," PARENT(
		       "c") "],\"more\":1},"
			    "{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"x\":[2,1]},"
			    "\"parents\":[" PARENT("c") "," PARENT("b") "]}]");
	struct cedar_entity got;

	assert_int_equal(cedar_entities_count(s), 1);
	assert_true(cedar_entities_get(s, uid(&arena, "U::\"a\""), &got));
	assert_int_equal(got.n_parents, 2);
	assert_int_equal(cedar_value_count(cedar_value_get(got.attrs, STR("x"))), 2);
	assert_int_equal(cedar_value_count(got.tags), 0);
	assert_false(cedar_entities_get(s, uid(&arena, "U::\"b\""), &got));
}

static void a_layer_hides_its_base_and_inherits_its_ancestors(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	const struct cedar_entities *base =
	    loaded(&arena, NULL,
		   "[" ENTITY("a", PARENT("b")) "," ENTITY("b", PARENT("c")) "," ENTITY(
		       "k", PARENT("loose")) "]");
	const struct cedar_entities *layer =
	    loaded(&arena, base,
		   "[" ENTITY("new", PARENT("a")) ",{\"uid\":" PARENT(
		       "b") ",\"attrs\":{\"x\":1},\"parents\":[]}]");
	struct cedar_entity got;
	struct cedar_entities *looped;

	assert_true(cedar_entities_in(layer, uid(&arena, "U::\"new\""), uid(&arena, "U::\"a\"")));
	assert_true(cedar_entities_in(layer, uid(&arena, "U::\"new\""), uid(&arena, "U::\"c\"")));
	/* Ancestors of the base's entities stay as sealed; the layer's own are its own. */
	assert_true(cedar_entities_in(layer, uid(&arena, "U::\"a\""), uid(&arena, "U::\"c\"")));
	assert_false(cedar_entities_in(layer, uid(&arena, "U::\"b\""), uid(&arena, "U::\"c\"")));
	assert_true(cedar_entities_get(layer, uid(&arena, "U::\"b\""), &got));
	assert_int_equal(cedar_value_count(got.attrs), 1);
	assert_true(cedar_entities_get(base, uid(&arena, "U::\"b\""), &got));
	assert_int_equal(cedar_value_count(got.attrs), 0);
	/* k's loose parent, when the layer puts it below k, would be its own ancestor. */
	assert_rc(load(&arena, base, "[" ENTITY("loose", PARENT("k")) "]", &looped, NULL),
		  RC_INPUT);
}

static enum rc add_numbered(struct arena *arena, struct cedar_entities *s, unsigned i)
{
	const struct cedar_uid *parent;
	struct cedar_entity entity = {.parents = &parent, .n_parents = 1};

	TRY(cedar_uid_new(arena, STR("U"), arena_strf(arena, "%u", i), &entity.uid, NULL));
	TRY(cedar_uid_new(arena, STR("U"), arena_strf(arena, "%u", i + 1), &parent, NULL));
	return cedar_entities_add(s, &entity, NULL);
}

static void a_long_chain_is_closed_and_a_longer_one_refused(void **state)
{
	(void)state;
	static const struct {
		unsigned n;
		enum rc want;
	} cases[] = {{3000, RC_OK}, {20000, RC_LIMIT}};

	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		AUTO_ARENA arena = ARENA_INIT((size_t)1 << 30);
		struct cedar_entities *s;

		assert_ok(cedar_entities_new(&arena, NULL, &s, NULL));
		for (unsigned i = 0; i < cases[k].n; i++) {
			assert_ok(add_numbered(&arena, s, i));
		}
		assert_rc(cedar_entities_seal(s, NULL), cases[k].want);
		if (cases[k].want == RC_OK) {
			assert_true(cedar_entities_in(s, uid(&arena, "U::\"0\""),
						      uid(&arena, "U::\"3000\"")));
			assert_false(
			    cedar_entities_in(s, uid(&arena, "U::\"1\""), uid(&arena, "U::\"0\"")));
		}
	}
}

static void running_out_of_memory_is_an_error_at_every_point(void **state)
{
	(void)state;
	size_t before = mem_blocks();
	enum rc rc = RC_NOMEM;

	for (size_t nth = 1; rc != RC_OK; nth++) {
		AUTO_ARENA arena = ARENA_INIT(1 << 20);
		struct cedar_entities *s;

		mem_fail_after(nth);
		rc = load(&arena, NULL,
			  "[" ENTITY("a", PARENT("b")) "," ENTITY("b", PARENT("c")) "]", &s, NULL);
		mem_fail_after(0);
		assert_true(rc == RC_OK || rc == RC_NOMEM);
		assert_true(nth < 1000);
	}
	/* And with an arena that is too small, at any size. */
	for (size_t size = 0; size < 4096; size += 16) {
		AUTO_ARENA arena = ARENA_INIT(size);
		struct cedar_entities *s;

		rc = load(&arena, NULL,
			  "[" ENTITY("a", PARENT("b")) "," ENTITY("b", PARENT("c")) "]", &s, NULL);
		assert_true(rc == RC_OK || rc == RC_LIMIT || rc == RC_NOMEM);
	}
	assert_int_equal(mem_blocks(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ancestors_are_followed_through_all_levels),
	    cmocka_unit_test(malformed_entities_are_refused),
	    cmocka_unit_test(identical_duplicates_and_unknown_members_are_fine),
	    cmocka_unit_test(a_layer_hides_its_base_and_inherits_its_ancestors),
	    cmocka_unit_test(a_long_chain_is_closed_and_a_longer_one_refused),
	    cmocka_unit_test(running_out_of_memory_is_an_error_at_every_point),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
