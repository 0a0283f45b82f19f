/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/limits.h"
#include "core/target.h"

static struct str canonical(struct arena *arena, const char *kind, const char *value)
{
	struct str ret = STR("(refused)");

	if (target_canonical(str_from(kind), str_from(value), arena, &ret) != REASON_NONE) {
		return STR("(refused)");
	}
	return ret;
}

static void one_host_under_five_spellings_is_one_target(void **state)
{
	(void)state;
	static const char *const spellings[][12] = {
	    {"host", "ip:127.0.0.2", "127.0.0.2", "2130706434", "0x7f000002", "017700000002",
	     "127.2", "0x7f.0.2", "0177.0.0.02", "::ffff:127.0.0.2", "[::ffff:7f00:2]:443",
	     "http://127.0.0.2:8080/x"},
	    {"ip", "ip:2001:db8::a", "2001:db8::a", "[2001:DB8::A]", "[2001:db8::a]:443",
	     "https://[2001:db8:0::a]/x?y#z", "2001:0db8:0:0:0:0:0:000a"},
	    {"host", "host:xn--bcher-kva.example",
	     "b\xc3\xbc"
	     "cher.example",
	     "B\xc3\x9c"
	     "CHER.Example.",
	     "bu\xcc\x88"
	     "cher.example",
	     "XN--BCHER-KVA.example", "xn--bcher-kva.example.",
	     "https://b\xc3\xbc"
	     "cher.example:443/"},
	    {"host", "host:web1.example", "web1.example", "WEB1.EXAMPLE", "web1.example.",
	     "web1.example:8080", "https://Web1.example./path?q=1#x", "ssh://web1.example:22"},
	    {"user", "user:alice@corp", "CORP\\alice", "corp\\ALICE", "alice@corp", "Alice@CORP.",
	     "alice@corp."},
	    {"file", "file:/etc/passwd", "/etc/passwd", "//etc///passwd", "/etc/./passwd",
	     "/etc/passwd/", "/./etc/passwd/."},
	    {"ip", "ip:::1", "::1", "0:0:0:0:0:0:0:1", "::0001", "0::1", "::1/128"},
	    {"ip", "ip:192.0.2.7", "192.0.2.7", "192.0.2.7/32", "::ffff:192.0.2.7",
	     "::FFFF:c000:207", "0:0:0:0:0:ffff:192.0.2.7/128"},
	    {"ip", "ip:10.1.0.0/16", "10.1.0.0/16", "10.1.2.3/16", "10.1.255.255/16",
	     "::ffff:10.1.2.3/112", "::ffff:10.1.0.0/112"},
	    {"ip", "ip:2001:db8::a", "2001:db8::a", "2001:DB8::A", "2001:0db8:0::a",
	     "2001:db8:0:0:0:0:0:a", "2001:db8::000a"},
	    {"host", "host:db1.example.com", "db1.example.com", "DB1.example.com",
	     "db1.example.com.", "Db1.Example.COM.", "db1.EXAMPLE.com"},
	};

	for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
		for (size_t k = 2; k < 12 && spellings[i][k]; k++) {
			AUTO_ARENA arena = ARENA_INIT(4096);

			assert_str(canonical(&arena, spellings[i][0], spellings[i][k]),
				   spellings[i][1]);
		}
	}
}

static void whatever_is_not_one_asset_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *kind;
		const char *value;
		enum reason reason;
	} cases[] = {
	    {"ip", "", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "   ", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "*", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "any", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "0.0.0.0", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "0.0.0.0/0", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "10.0.0.0/8", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "0.3.0.0/9", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "255.255.255.255", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "::", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "::/0", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "::ffff:0.0.0.0", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "::ffff:0:0/96", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "::ffff:1.2.3.4/90", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "2001:db8::/32", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "fe80::1%eth0", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "10.0.0.1-10.0.0.9", REASON_TARGET_TYPE_MISMATCH},
	    {"ip", "08.0.0.1", REASON_TARGET_TYPE_MISMATCH},
	    {"ip", "256.0.0.1", REASON_TARGET_TYPE_MISMATCH},
	    {"ip", "10.1.2.3.4", REASON_TARGET_TYPE_MISMATCH},
	    {"ip", "4294967296", REASON_TARGET_TYPE_MISMATCH},
	    {"ip", "0x", REASON_TARGET_TYPE_MISMATCH},
	    {"ip", "0", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"ip", "10.1/16", REASON_TARGET_TYPE_MISMATCH},
	    {"ip", "10.0.0.1/33", REASON_TARGET_TYPE_MISMATCH},
	    {"ip", "10.0.0.1/", REASON_TARGET_TYPE_MISMATCH},
	    {"ip", "10.0.0.1/08", REASON_TARGET_TYPE_MISMATCH},
	    {"ip", "10.0.0.1 ", REASON_TARGET_TYPE_MISMATCH},
	    {"ip", "example.com", REASON_TARGET_TYPE_MISMATCH},
	    {"host", "*.example.com", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"host", ".", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"host", "a..b", REASON_TARGET_TYPE_MISMATCH},
	    {"host", "-a.b", REASON_TARGET_TYPE_MISMATCH},
	    {"host", "a_b-.c", REASON_TARGET_TYPE_MISMATCH},
	    {"host", "10.0.0.0/24", REASON_TARGET_TYPE_MISMATCH},
	    {"host", "0.0.0.0", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"host", "https://a@b.example/", REASON_TARGET_TYPE_MISMATCH},
	    {"host", "https://b.example\\@a.example/", REASON_TARGET_TYPE_MISMATCH},
	    {"host", "https://", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"host", "https:///x", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"host", "a.example:0", REASON_TARGET_TYPE_MISMATCH},
	    {"host", "a.example:65536", REASON_TARGET_TYPE_MISMATCH},
	    {"host", "a.example:", REASON_TARGET_TYPE_MISMATCH},
	    {"host", "[a.example]", REASON_TARGET_TYPE_MISMATCH},
	    {"host", "[::1", REASON_TARGET_TYPE_MISMATCH},
	    {"host", "xn--a", REASON_TARGET_TYPE_MISMATCH},
	    {"host", "\xef\xbd\x81.example", REASON_TARGET_TYPE_MISMATCH}, /* wide a */
	    {"user", "default", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"user", "~", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"user", "*@example.org", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"user", "all@example.org", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"user", "@example.org", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"user", "alice@", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"user", "CORP\\", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"user", "a@b@c", REASON_TARGET_TYPE_MISMATCH},
	    {"user", "CORP\\a@b", REASON_TARGET_TYPE_MISMATCH},
	    {"user", "\xc3\xa4lice", REASON_TARGET_TYPE_MISMATCH},
	    {"file", "//", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"file", "/./", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"file", "/a/../..", REASON_TARGET_TYPE_MISMATCH},
	    {"file", "etc/passwd", REASON_TARGET_TYPE_MISMATCH},
	    {"file", "~/x", REASON_TARGET_TYPE_MISMATCH},
	    {"file", "/home/$USER", REASON_TARGET_TYPE_MISMATCH},
	    {"app", "C:\\", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"app", "\xef\xbc\x8a", REASON_TARGET_TYPE_MISMATCH}, /* wide asterisk */
	    {"host", "db1 ", REASON_TARGET_TYPE_MISMATCH},
	    {"user", "ALL", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"user", "a?c", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"user", "a%", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"file", "/", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"file", "..", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"user", "app\n", REASON_TARGET_TYPE_MISMATCH},
	    {"user", "\tapp", REASON_TARGET_TYPE_MISMATCH},
	    {"user", "app\xe2\x80\x8b", REASON_TARGET_TYPE_MISMATCH}, /* zero-width space */
	    {"user", "app\xc2\xa0", REASON_TARGET_TYPE_MISMATCH},
	    {"user", "app\xf3\xa0\x81\x81", REASON_TARGET_TYPE_MISMATCH}, /* U+E0041 */
	    {"user", "app\xff", REASON_TARGET_TYPE_MISMATCH},
	    {"User", "app", REASON_TARGET_TYPE_MISMATCH},
	    {"", "app", REASON_TARGET_TYPE_MISMATCH},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_ARENA arena = ARENA_INIT(4096);
		struct str ret = STR_NULL;
		enum reason got = target_canonical(str_from(cases[i].kind),
						   str_from(cases[i].value), &arena, &ret);

		if (got != cases[i].reason) {
			fail_msg("%s '%s': " STR_FMT, cases[i].kind, cases[i].value,
				 STR_ARG(reason_code(got)));
		}
	}
}

static void canonical_text_gives_itself_again(void **state)
{
	(void)state;
	static const char *const texts[] = {
	    "ip:192.0.2.7",	    "ip:10.1.0.0/16", "ip:2001:db8::/48",
	    "host:db1.example.com", "user:app user",  "pg-role:App User",
	    "user:a@example.org",   "file:/a/b",      "host:xn--bcher-kva.example"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO_ARENA arena = ARENA_INIT(4096);
		struct str ret = STR_NULL;

		assert_int_equal(target_parse(str_from(texts[i]), &arena, &ret), REASON_NONE);
		assert_str(ret, texts[i]);
	}
}

static enum reason resolve(struct arena *arena, const struct target_rule *rules, size_t n,
			   const char *args, struct str_list *ret)
{
	const struct tool tool = {.targets = rules, .n_targets = n};
	const struct json *j = NULL;

	assert_ok(json_parse(arena, str_from(args), &JSON_LIMITS_DEFAULT, &j, NULL));
	return target_resolve(&tool, j, NULL, arena, ret);
}

static const struct target_rule ip_rule = {.kind = {"ip", 2}, .pointer = {"/ip", 3}};

static void targets_of_a_call_are_sorted_and_distinct(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(65536);
	const struct target_rule rules[] = {
	    ip_rule,
	    {.kind = STR("host"), .pointer = STR("/where/host")},
	    {.kind = STR("service"), .constant = STR("edge")},
	};
	struct str_list list = {0};

	assert_int_equal(resolve(&arena, rules, 3,
				 "{\"ip\":[\"::ffff:9.9.9.9\",\"1.1.1.1\",\"9.9.9.9\"],"
				 "\"where\":{\"host\":\"B.example.\"}}",
				 &list),
			 REASON_NONE);
	assert_int_equal(list.n, 4);
	assert_str(list.p[0], "host:b.example");
	assert_str(list.p[1], "ip:1.1.1.1");
	assert_str(list.p[2], "ip:9.9.9.9");
	assert_str(list.p[3], "service:edge");
}

static void a_call_that_names_no_target_or_the_wrong_type_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *args;
		enum reason reason;
	} cases[] = {
	    {"{}", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"{\"ip\":[]}", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"{\"ip\":\"\"}", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"{\"ip\":[\"1.1.1.1\",\"*\"]}", REASON_SELECTOR_EMPTY_OR_WILDCARD},
	    {"{\"ip\":null}", REASON_TARGET_TYPE_MISMATCH},
	    {"{\"ip\":7}", REASON_TARGET_TYPE_MISMATCH},
	    {"{\"ip\":{\"a\":\"1.1.1.1\"}}", REASON_TARGET_TYPE_MISMATCH},
	    {"{\"ip\":[\"1.1.1.1\",7]}", REASON_TARGET_TYPE_MISMATCH},
	    {"{\"ip\":[[\"1.1.1.1\"]]}", REASON_TARGET_TYPE_MISMATCH},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_ARENA arena = ARENA_INIT(65536);
		struct str_list list = {0};

		assert_int_equal(resolve(&arena, &ip_rule, 1, cases[i].args, &list),
				 cases[i].reason);
		assert_int_equal(list.n, 0);
	}
}

static void one_target_too_many_is_refused(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	AUTO_BUF args = BUF_INIT(65536);
	struct str_list list = {0};

	assert_ok(buf_add(&args, STR("{\"ip\":[\"10.9.9.9\"")));
	for (unsigned i = 1; i < LIMIT_TARGETS; i++) {
		assert_ok(buf_addf(&args, ",\"10.0.%u.%u\"", i / 256, i % 256));
	}
	assert_ok(buf_add(&args, STR("]}\0"))); /* NUL for the test's helper */
	assert_int_equal(resolve(&arena, &ip_rule, 1, args.p, &list), REASON_NONE);
	assert_int_equal(list.n, LIMIT_TARGETS);
	args.n -= 3;
	assert_ok(buf_add(&args, STR(",\"10.8.8.8\"]}\0")));
	assert_int_equal(resolve(&arena, &ip_rule, 1, args.p, &list), REASON_TARGET_LIMIT);
}

static void a_tool_without_rules_has_no_targets(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(4096);
	struct str_list list = {.n = 9};

	assert_int_equal(resolve(&arena, NULL, 0, "{}", &list), REASON_NONE);
	assert_int_equal(list.n, 0);
}

static void a_whole_kind_can_be_listed(void **state)
{
	(void)state;
	struct str items[] = {STR("backup:*"), STR("ip:10.0.0.1")};
	const struct str_list list = {.p = items, .n = 2};

	assert_true(target_in_list(&list, STR("backup:nightly")));
	assert_true(target_in_list(&list, STR("ip:10.0.0.1")));
	assert_false(target_in_list(&list, STR("ip:10.0.0.11")));
	assert_false(target_in_list(&list, STR("backups:nightly")));
	assert_false(target_in_list(&list, STR("backup")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_host_under_five_spellings_is_one_target),
	    cmocka_unit_test(whatever_is_not_one_asset_is_refused),
	    cmocka_unit_test(canonical_text_gives_itself_again),
	    cmocka_unit_test(targets_of_a_call_are_sorted_and_distinct),
	    cmocka_unit_test(a_call_that_names_no_target_or_the_wrong_type_is_refused),
	    cmocka_unit_test(one_target_too_many_is_refused),
	    cmocka_unit_test(a_tool_without_rules_has_no_targets),
	    cmocka_unit_test(a_whole_kind_can_be_listed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
