/* SPDX-License-Identifier: Apache-2.0 */
/* extract.c - from arguments to targets: each attack beside the benign call that it resembles. */
#include "test.h"

#include "base/limits.h"
#include "core/target.h"

static const struct str web_labels[] = {{"app=shop", 8}, {"tier=web", 8}};
static const struct str db_labels[] = {{"app=shop", 8}, {"tier=db", 7}};
static const struct asset assets[] = {
    {.target = {"host:db1.example", 16}, .labels = {db_labels, 2}, .is_listed = true},
    {.target = {"pod:shop/web-1", 14}, .labels = {web_labels, 2}, .is_listed = true},
    {.target = {"pod:shop/web-2", 14}, .labels = {web_labels, 2}, .is_listed = true},
};
static const struct inventory inventory = {.assets = assets, .n_assets = ARRAY_LEN(assets)};

static const struct target_rule texts = {.kind = {"host", 4}, .pointer = {"/hosts/*/name", 13}};
static const struct target_rule list = {
    .kind = {"ip", 2}, .pointer = {"/ips", 4}, .form = TARGET_LIST};
static const struct target_rule chosen = {
    .kind = {"pod", 3}, .pointer = {"/selector", 9}, .form = TARGET_SELECTOR};
static const struct target_rule halves = {
    .kind = {"pod", 3}, .form = TARGET_TEMPLATE, .template = {"{namespace}/{name}", 18}};
static const struct target_rule each = {.kind = {"pod", 3},
					.pointer = {"/pods/*", 7},
					.form = TARGET_TEMPLATE,
					.template = {"{/meta/ns}/{/meta/name}", 23}};

static const struct target_rule known = {
    .kind = {"pod", 3}, .pointer = {"/pod", 4}, .must_be_listed = true};

/* The targets, separated by blanks, or the reason's code. */
static const char *extract(const struct target_rule *rule, const char *args)
{
	static char text[4096];
	const struct tool tool = {.targets = rule, .n_targets = 1};
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	const struct json *j = NULL;
	struct str_list found = {0};
	enum reason reason;
	int n = 0;

	if (json_parse(&arena, str_from(args), NULL, &j, NULL) != RC_OK) {
		fail_msg("%s is no JSON", args);
	}
	reason = target_resolve(&tool, j, &inventory, &arena, &found);
	if (reason != REASON_NONE) {
		(void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(reason_code(reason)));
		return text;
	}
	text[0] = '\0';
	for (size_t i = 0; i < found.n; i++) {
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s" STR_FMT, i ? " " : "",
			      STR_ARG(found.p[i]));
	}
	return text;
}

#define EMPTY	 "selector_empty_or_wildcard"
#define MISMATCH "target_type_mismatch"

static void what_is_extracted_is_what_the_call_names(void **state)
{
	(void)state;
	static const struct {
		const struct target_rule *rule;
		const char *args;
		const char *expected;
	} cases[] = {
	    {&texts, "{\"hosts\":[{\"name\":\"A.example\"},{\"name\":\"b.example.\"}]}",
	     "host:a.example host:b.example"},
	    {&texts, "{\"hosts\":[{\"name\":\"a.example\"},{\"name\":\"*\"}]}", EMPTY},
	    {&texts, "{\"hosts\":[{\"name\":\"a.example\"},\"b.example\"]}", MISMATCH},
	    {&texts, "{\"hosts\":[{\"name\":\"a.example\"},{\"name\":7}]}", MISMATCH},
	    {&texts, "{\"hosts\":{\"name\":\"a.example\"}}", MISMATCH},
	    {&texts, "{\"hosts\":[]}", EMPTY},
	    {&texts, "{}", EMPTY},

	    {&list, "{\"ips\":\"192.0.2.1, 192.0.2.2\"}", "ip:192.0.2.1 ip:192.0.2.2"},
	    {&list, "{\"ips\":\"192.0.2.1\\n0xc0000202\\r\\n\"}", "ip:192.0.2.1 ip:192.0.2.2"},
	    {&list, "{\"ips\":\"192.0.2.0/24\"}", "ip:192.0.2.0/24"},
	    {&list, "{\"ips\":\"192.0.2.1,\"}", EMPTY},
	    {&list, "{\"ips\":\"192.0.2.1,,192.0.2.2\"}", EMPTY},
	    {&list, "{\"ips\":\"192.0.2.1,0.0.0.0/0\"}", EMPTY},
	    {&list, "{\"ips\":\"192.0.2.1\\n\\n::/0\"}", EMPTY},
	    {&list, "{\"ips\":\"\"}", EMPTY},
	    {&list, "{\"ips\":\"192.0.2.1;192.0.2.2\"}", MISMATCH},
	    {&list, "{\"ips\":[\"192.0.2.1\"]}", MISMATCH},

	    {&chosen, "{\"selector\":\"app=shop,tier=web\"}", "pod:shop/web-1 pod:shop/web-2"},
	    {&chosen, "{\"selector\":\"tier in (web, db)\"}", "pod:shop/web-1 pod:shop/web-2"},
	    {&chosen, "{\"selector\":\"app=other\"}", EMPTY},
	    {&chosen, "{\"selector\":\"app\"}", EMPTY},
	    {&chosen, "{\"selector\":\"app!=other\"}", EMPTY},
	    {&chosen, "{\"selector\":\"\"}", EMPTY},
	    {&chosen, "{\"selector\":\"app=*\"}", MISMATCH},
	    {&chosen, "{\"selector\":{\"app\":\"shop\"}}", MISMATCH},

	    {&halves, "{\"namespace\":\"shop\",\"name\":\"web-1\"}", "pod:shop/web-1"},
	    {&halves, "{\"namespace\":\"default\",\"name\":\"web\"}", "pod:default/web"},
	    {&halves, "{\"namespace\":\"shop\"}", EMPTY},
	    {&halves, "{\"namespace\":\"\",\"name\":\"web\"}", EMPTY},
	    {&halves, "{\"namespace\":\"shop\",\"name\":\"\"}", EMPTY},
	    {&halves, "{\"namespace\":\"*\",\"name\":\"web\"}", EMPTY},
	    {&halves, "{\"namespace\":\"shop\",\"name\":\"*\"}", EMPTY},
	    {&halves, "{\"namespace\":\"..\",\"name\":\"web\"}", EMPTY},
	    {&halves, "{\"namespace\":\"all\",\"name\":\"all\"}", EMPTY},
	    {&halves, "{\"namespace\":\"a/b\",\"name\":\"c\"}", MISMATCH},
	    {&halves, "{\"namespace\":\"a\",\"name\":\"/\"}", EMPTY},
	    {&halves, "{\"namespace\":\"shop\",\"name\":[\"web\"]}", MISMATCH},
	    {&halves, "{\"namespace\":\"shop\",\"name\":null}", EMPTY},
	    {&halves, "{\"namespace\":\"shop\",\"name\":\"web \"}", MISMATCH},
	    {&halves, "{\"namespace\":\"shop\",\"name\":\"we\\u200bb\"}", MISMATCH},

	    {&each,
	     "{\"pods\":[{\"meta\":{\"ns\":\"a\",\"name\":\"x\"}},{\"meta\":{\"ns\":\"b\","
	     "\"name\":\"y\"}}]}",
	     "pod:a/x pod:b/y"},
	    {&each, "{\"pods\":[{\"meta\":{\"ns\":\"a\",\"name\":\"x\"}},{}]}", EMPTY},
	    {&each, "{\"pods\":\"all\"}", MISMATCH},

	    {&known, "{\"pod\":\"shop/web-1\"}", "pod:shop/web-1"},
	    {&known, "{\"pod\":\"shop/web-3\"}", MISMATCH},
	    {&known, "{\"pod\":\"db1.example\"}", MISMATCH}, /* a host */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got = extract(cases[i].rule, cases[i].args);

		if (strcmp(got, cases[i].expected) != 0) {
			fail_msg("%s: %s, not %s", cases[i].args, got, cases[i].expected);
		}
	}
}

static void a_list_has_its_limit(void **state)
{
	(void)state;
	AUTO_BUF args = BUF_INIT(65536);

	assert_ok(buf_add(&args, STR("{\"ips\":\"10.9.9.9")));
	for (unsigned i = 1; i <= LIMIT_TARGETS; i++) {
		assert_ok(buf_addf(&args, ",10.0.%u.%u", i / 250, i % 250));
	}
	assert_ok(buf_add(&args, STR("\"}\0")));
	assert_string_equal(extract(&list, args.p), "target_limit");
}

static void a_target_that_was_written_is_known_to_be(void **state)
{
	(void)state;
	static const struct {
		const struct target_rule *rule;
		const char *args;
		bool is_named;
	} cases[] = {
	    {&texts, "{}", false},
	    {&texts, "{\"hosts\":[{\"name\":\"*\"}]}", true},
	    {&texts, "{\"hosts\":\"*\"}", true},
	    {&halves, "{}", false},
	    {&halves, "{\"name\":\"*\"}", true},
	    {&chosen, "{\"selector\":\"\"}", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct tool tool = {.targets = cases[i].rule, .n_targets = 1};
		AUTO_ARENA arena = ARENA_INIT(65536);
		const struct json *j = NULL;

		assert_ok(json_parse(&arena, str_from(cases[i].args), NULL, &j, NULL));
		assert_int_equal(target_is_named(&tool, j), cases[i].is_named);
	}
}

/* A seeded walk over spellings: whatever is taken is stable, and decorating it changes nothing. */
static void spellings_of_an_address_are_one_target(void **state)
{
	(void)state;
	uint32_t seed = 20261128;

	for (int i = 0; i < 20000; i++) {
		AUTO_ARENA arena = ARENA_INIT(65536);
		struct str first = STR_NULL;
		uint32_t a;
		char forms[7][64];

		seed = seed * 1664525u + 1013904223u;
		a = seed | 0x01000000u; /* not this host */
		if (a == UINT32_MAX) {
			continue;
		}
		(void)snprintf(forms[0], 64, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255,
			       a & 255);
		(void)snprintf(forms[1], 64, "%u", a);
		(void)snprintf(forms[2], 64, "0x%X", a);
		(void)snprintf(forms[3], 64, "0%o.%u.0x%x", a >> 24, a >> 16 & 255, a & 0xffff);
		(void)snprintf(forms[4], 64, "[::ffff:%x:%x]:80", a >> 16, a & 0xffff);
		(void)snprintf(forms[5], 64, "http://%u.%u/", a >> 24, a & 0xffffff);
		(void)snprintf(forms[6], 64, "%u.%u.%u.%u.", a >> 24, a >> 16 & 255, a >> 8 & 255,
			       a & 255);
		for (size_t k = 0; k < ARRAY_LEN(forms); k++) {
			struct str got = STR("(refused)");
			enum reason reason = target_canonical(k % 2 ? STR("ip") : STR("host"),
							      str_from(forms[k]), &arena, &got);

			if (k == 0) {
				first = got;
			}
			if (reason != REASON_NONE || !str_eq(got, first)) {
				fail_msg("'%s': " STR_FMT ", not " STR_FMT, forms[k], STR_ARG(got),
					 STR_ARG(first));
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_extracted_is_what_the_call_names),
	    cmocka_unit_test(a_list_has_its_limit),
	    cmocka_unit_test(a_target_that_was_written_is_known_to_be),
	    cmocka_unit_test(spellings_of_an_address_are_one_target),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
