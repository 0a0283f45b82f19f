/* SPDX-License-Identifier: Apache-2.0 */
/* propose.c - a proposed catalog passes the loader, believes nothing, and pins what was listed. */
#include "test.h"

#include "config/load.h"
#include "config/propose.h"

static const uint64_t NOW = 1795392000000; /* 2026-11-23 */

static const char listed[] =
    "[{\"name\":\"get_host\",\"description\":\"Shows \\\"a\\\" host\\u2028\\ud83d\\ude00: x\\n# "
    "y\","
    "\"annotations\":{\"readOnlyHint\":true},\"inputSchema\":{\"type\":\"object\",\"properties\":"
    "{\"hostname\":{\"type\":\"string\"},\"api_key\":{\"type\":\"string\"}},\"required\":"
    "[\"hostname\"]}},"
    "{\"name\":\"block_ip\",\"description\":\"Blocks.\",\"inputSchema\":{\"type\":\"object\","
    "\"properties\":{\"ip\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"n\":{\"type\":"
    "\"number\",\"maximum\":1.50}}}},"
    "{\"name\":\"unblock_ip\",\"description\":\"Unblocks.\",\"inputSchema\":{\"type\":\"object\"}},"
    "{\"name\":\"scale\",\"description\":\"Scales.\",\"inputSchema\":{\"type\":\"object\","
    "\"properties\":{\"namespace\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},"
    "\"policyIds\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}},"
    "{\"name\":\"true\",\"description\":\"yes\",\"inputSchema\":{\"type\":\"object\"}},"
    "{\"name\":\"silent\",\"inputSchema\":{\"type\":\"object\"}},"
    "{\"name\":\"scale\",\"description\":\"again\",\"inputSchema\":{\"type\":\"object\"}},"
    "{\"name\":\"odd\",\"description\":\"x\",\"inputSchema\":{\"type\":\"object\",\"if\":{}}},"
    "{\"name\":\"bad name\\n  evil:\",\"description\":\"x\",\"inputSchema\":{}},{}]";

static void propose(const char *tools, struct arena *arena, struct buf *out, size_t *n,
		    const struct json **ret)
{
	static const struct str command[] = {{"/bin/server", 11}, {"a \"b\": #c", 9}};
	struct proposal p = {.name = STR("x"), .command = {command, 2}};
	struct err e = ERR_INIT;

	assert_ok(json_parse(arena, str_from(tools), NULL, &p.tools, &e));
	assert_ok(propose_catalog(&p, out, n, &e));
	*ret = p.tools;
}

static void a_proposal_passes_the_check_and_pins_what_was_listed(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	AUTO_BUF out = BUF_INIT(1 << 20);
	AUTO_BUF text = BUF_INIT(1 << 20);
	AUTO_TREE tree = TREE_INIT;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	const struct json *tools;
	struct err e = ERR_INIT;
	size_t n = 0;

	propose(listed, &arena, &out, &n, &tools);
	assert_int_equal(n, 5);
	assert_ok(tree_read(&tree, TEST_DATA "/deployment", &f, &e));
	assert_ok(tree_add(&tree, STR("upstreams/x.yaml"), buf_view(&out), &e));
	if (deployment_build(&tree, NULL, NOW, &d, &f, &e) != RC_OK) {
		assert_ok(findings_print(&f, &text));
		fail_msg("%.*s\n%.*s", (int)text.n, text.p, (int)out.n, out.p);
	}
	for (const struct json *t = tools->child; t; t = t->next) {
		struct str name = STR("");
		uint8_t digest[32];
		const struct tool *tool;

		if (!json_str(json_get(t, STR("name")), &name)) {
			continue;
		}
		tool = bundle_tool_of(d->bundle, bundle_upstream(d->bundle, STR("x")), name);
		if (!tool || str_eq(json_get(t, STR("description"))->text, STR("again"))) {
			continue;
		}
		assert_ok(tool_definition_digest(t, digest, NULL));
		assert_memory_equal(digest, tool->digest, sizeof(digest));
		assert_int_equal(tool->effect, EFFECT_DESTROY);
		n--;
	}
	assert_int_equal(n, 0);
}

static void guesses_stand_in_comments(void **state)
{
	(void)state;
	static const char *const lines[] = {
	    "    effect: destroy # proposed: read, by its name and hint\n",
	    "    effect: destroy # proposed: contain, if something undoes it\n",
	    "    targets: [{kind: host, pointer: /hostname}] # proposed",
	    "    targets: [{kind: ip, pointer: /ip}] # proposed",
	    ("    targets: [{kind: object, template: \"{namespace}/{name}\"}, {kind: policy, "
	     "pointer: /policyIds}]"),
	    "    targets: [{kind: upstream, constant: x}] # proposed: nothing",
	    "    credential_arguments: [/api_key] # proposed",
	    "    inverse: none # proposed: unblock_ip\n",
	    "    inverse: none # proposed: block_ip\n",
	    "  # Left out: a tool whose name no catalog can hold.\n",
	    "  # Left out: silent has no description",
	    "  # Left out: scale is listed twice.\n",
	    "  # Left out: odd has a schema with words",
	};
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	AUTO_BUF out = BUF_INIT(1 << 20);
	const struct json *tools;
	size_t n;

	propose(listed, &arena, &out, &n, &tools);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		if (!str_contains(buf_view(&out), str_from(lines[i]))) {
			fail_msg("no '%s' in\n%.*s", lines[i], (int)out.n, out.p);
		}
	}
	assert_false(str_contains(buf_view(&out), STR("evil")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_proposal_passes_the_check_and_pins_what_was_listed),
	    cmocka_unit_test(guesses_stand_in_comments),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
