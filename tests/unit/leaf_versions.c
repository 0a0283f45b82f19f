/* SPDX-License-Identifier: Apache-2.0 */
/* leaf.c over a table in which a kind has two versions. */
#define LEAF_TABLE "leaf_versions.def"
#include "core/leaf.c"

#include "test.h"

static struct arena arena = ARENA_INIT(1 << 20);

static enum rc decode(const char *text, struct leaf *ret, struct err *e)
{
	return leaf_decode(&arena, str_from(text), ret, e);
}

static void prints_back(const struct leaf *l, const char *text)
{
	AUTO_BUF b = BUF_INIT(LIMIT_LEAF_BYTES);

	assert_ok(leaf_encode(&b, l, NULL));
	assert_str(buf_view(&b), text);
}

static void a_leaf_of_an_older_version_is_what_it_was(void **state)
{
	(void)state;
	static const char text[] =
	    "{\"count\":3,\"t\":7,\"type\":\"thing.done\",\"v\":1,\"who\":\"alice\"}";
	struct leaf l;

	assert_ok(decode(text, &l, NULL));
	assert_int_equal(l.kind, LEAF_THING_DONE_1);
	assert_int_equal(l.thing_done_1.count, 3);
	assert_str(l.thing_done_1.who, "alice");
	prints_back(&l, text);
}

static void the_newest_version_is_read_beside_it(void **state)
{
	(void)state;
	static const char text[] =
	    "{\"by\":\"alice\",\"t\":7,\"twice\":true,\"type\":\"thing.done\",\"v\":2}";
	struct leaf l;

	assert_ok(decode(text, &l, NULL));
	assert_int_equal(l.kind, LEAF_THING_DONE);
	assert_true(l.thing_done.twice);
	prints_back(&l, text);
	assert_str(leaf_kind_name(LEAF_THING_DONE), "thing.done");
	assert_str(leaf_kind_name(LEAF_THING_DONE_1), "thing.done");
	assert_int_equal(leaf_kind_version(LEAF_THING_DONE_1), 1);
}

static void versions_do_not_mix(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    /* the fields of the other one */
	    "{\"by\":\"alice\",\"t\":7,\"type\":\"thing.done\",\"v\":1}",
	    "{\"t\":7,\"type\":\"thing.done\",\"v\":2,\"who\":\"alice\"}",
	    /* one that is not known, none, no number */
	    "{\"t\":7,\"type\":\"thing.done\",\"v\":3}",
	    "{\"t\":7,\"type\":\"thing.done\"}",
	    "{\"t\":7,\"type\":\"thing.done\",\"v\":\"1\"}",
	    "{\"t\":7,\"type\":\"log.opened\",\"v\":2}",
	};
	struct err e = ERR_INIT;
	struct leaf l;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(decode(bad[i], &l, &e), RC_INPUT);
	}
	assert_int_equal(decode(bad[2], &l, &e), RC_INPUT);
	assert_string_equal(e.msg, "unknown leaf type 'thing.done' of version 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_leaf_of_an_older_version_is_what_it_was),
	    cmocka_unit_test(the_newest_version_is_read_beside_it),
	    cmocka_unit_test(versions_do_not_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
