/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "core/tool.h"

static bool digest_of(const char *text, uint8_t out[32])
{
	AUTO_ARENA arena = ARENA_INIT(65536);
	const struct json *j = NULL;

	assert_ok(json_parse(&arena, str_from(text), &JSON_LIMITS_DEFAULT, &j, NULL));
	return tool_definition_digest(j, out, NULL) == RC_OK;
}

static bool same(const char *a, const char *b)
{
	uint8_t of_a[32];
	uint8_t of_b[32];

	assert_true(digest_of(a, of_a));
	assert_true(digest_of(b, of_b));
	return memcmp(of_a, of_b, sizeof(of_a)) == 0;
}

static void a_digest_depends_on_what_an_agent_is_told_and_on_nothing_else(void **state)
{
	(void)state;
	const char *was =
	    "{\"name\":\"block\",\"description\":\"d\",\"inputSchema\":{\"a\":1,\"b\":2}}";

	assert_true(same(was, "{ \"inputSchema\" : {\"b\":2,\"a\":1.0}, \"description\" : \"d\","
			      "\"name\" : \"block\", \"_meta\" : {\"seen\":1} }"));
	assert_false(same(
	    was, "{\"name\":\"block\",\"description\":\"D\",\"inputSchema\":{\"a\":1,\"b\":2}}"));
	assert_false(same(
	    was, "{\"name\":\"block\",\"description\":\"d\",\"inputSchema\":{\"a\":1,\"b\":3}}"));
	assert_false(same(was, "{\"name\":\"block\",\"description\":\"d\",\"title\":\"t\","
			       "\"inputSchema\":{\"a\":1,\"b\":2}}"));
	assert_false(same(
	    was, "{\"name\":\"unblock\",\"description\":\"d\",\"inputSchema\":{\"a\":1,\"b\":2}}"));
	assert_false(same(was, "{\"name\":\"block\",\"description\":\"d\",\"annotations\":{},"
			       "\"inputSchema\":{\"a\":1,\"b\":2}}"));
}

static void the_digest_is_sha256_of_canonical_json(void **state)
{
	(void)state;
	/* printf '{"description":"d","name":"n"}' | sha256sum */
	static const uint8_t want[] = {0xa2, 0x03, 0xdf, 0x6e, 0xbb, 0x56, 0xaa, 0x81,
				       0x17, 0x91, 0x11, 0xb7, 0x72, 0xe3, 0x1d, 0x7c,
				       0xff, 0x0c, 0x1e, 0xbe, 0xd1, 0xb8, 0xc8, 0x9a,
				       0x54, 0x06, 0x1d, 0xb3, 0xbf, 0xbd, 0x2e, 0xfd};
	uint8_t got[32];

	assert_true(digest_of("{\"name\":\"n\",\"description\":\"d\"}", got));
	assert_memory_equal(got, want, 32);
}

static void a_definition_without_a_name_has_no_digest(void **state)
{
	(void)state;
	uint8_t out[32];

	assert_false(digest_of("{\"description\":\"d\"}", out));
	assert_false(digest_of("{\"name\":7}", out));
	assert_false(digest_of("[]", out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_digest_depends_on_what_an_agent_is_told_and_on_nothing_else),
	    cmocka_unit_test(the_digest_is_sha256_of_canonical_json),
	    cmocka_unit_test(a_definition_without_a_name_has_no_digest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
