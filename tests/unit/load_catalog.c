/* SPDX-License-Identifier: Apache-2.0 */
/* load_catalog.c - what a tool's entry says about effects, gates, credentials and targets. */
#include "test.h"

#include "config/load.h"
#include "core/classify.h"

static const uint64_t NOW = 1795392000000; /* 2026-11-23 */

/* An upstream `x` with one tool `t`, which has these lines, and the reads and inverses it needs. */
static enum rc build(const char *tool, const char *header, struct deployment **ret,
		     struct findings *f, struct buf *findings)
{
	static const char rest[] = "    targets: [{kind: thing, pointer: /name}]\n"
				   "    evidence: {what: it, keep: 7d}\n"
				   "    command: [/bin/true]\n"
				   "    definition:\n"
				   "      description: Does it.\n"
				   "      inputSchema: {type: object}\n";
	AUTO_TREE tree = TREE_INIT;
	AUTO_BUF text = BUF_INIT(65536);
	struct err e = ERR_INIT;
	enum rc rc;

	assert_ok(tree_read(&tree, TEST_DATA "/deployment", f, &e));
	assert_ok(buf_addf(&text, "transport: command\n%stools:\n", header));
	assert_ok(buf_addf(&text, "  look:\n    effect: read\n%s", rest));
	assert_ok(buf_addf(
	    &text, "  undo:\n    effect: destroy\n    inverse: none\n    verify: none\n%s", rest));
	assert_ok(buf_addf(&text, "  t:\n%s%s", tool, rest));
	assert_ok(tree_add(&tree, STR("upstreams/x.yaml"), buf_view(&text), &e));
	rc = deployment_build(&tree, NULL, NOW, ret, f, &e);
	assert_ok(findings_print(f, findings));
	assert_ok(buf_add_char(findings, '\0'));
	return rc;
}

#define WAY_BACK                                                                                   \
	"    inverse: {tool: undo}\n"                                                              \
	"    verify: {tool: look, pointer: /ok, equals: true}\n"

static void cases_are_judged_as_tools_of_their_own(void **state)
{
	(void)state;
	static const struct {
		const char *tool;
		const char *args;
		enum effect effect;
		enum effect worst;
		const char *finding; /* "" = any */
	} cases[] = {
	    {"    effect: {default: contain, cases: [{when: {pointer: /n, equals: 0}, effect: "
	     "destroy}]}\n    rehearsed: 2026-11-01\n" WAY_BACK,
	     "{\"n\":1}", EFFECT_CONTAIN, EFFECT_DESTROY, ""},
	    {"    effect: {default: contain, cases: [{when: {pointer: /n, equals: 0}, effect: "
	     "destroy}]}\n" WAY_BACK,
	     "{\"n\":1}", EFFECT_DESTROY, EFFECT_DESTROY, "'t' counts as destroy: its inverse"},
	    {"    effect: {default: destroy, cases: [{when: {pointer: /op, in: [get, list]}, "
	     "effect: read}]}\n" WAY_BACK,
	     "{\"op\":\"get\"}", EFFECT_READ, EFFECT_DESTROY, ""},
	    {"    effect: {default: destroy, cases: [{when: {pointer: /op, matches: \"^get\"}, "
	     "effect: read, touches_secrets: true}]}\n" WAY_BACK,
	     "{\"op\":\"get\"}", EFFECT_DESTROY, EFFECT_DESTROY,
	     "this case of 't' counts as destroy: it touches secrets"},
	    {"    effect: {default: read, cases: [{when: [{pointer: /n, greater: 10}, {pointer: "
	     "/force, present: true}], effect: destroy}]}\n" WAY_BACK,
	     "{\"n\":11}", EFFECT_READ, EFFECT_DESTROY, ""},
	    {"    effect: {default: read, cases: [{when: {pointer: /n, less: 1}, effect: "
	     "destroy}]}\n" WAY_BACK,
	     "{\"n\":0}", EFFECT_DESTROY, EFFECT_DESTROY, ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FINDINGS f = FINDINGS_INIT;
		AUTO_DEPLOYMENT d = NULL;
		AUTO_BUF out = BUF_INIT(1 << 20);
		AUTO_ARENA arena = ARENA_INIT(65536);
		const struct json *args = NULL;
		const struct tool *t;

		if (build(cases[i].tool, "", &d, &f, &out) != RC_OK ||
		    !strstr(out.p, cases[i].finding)) {
			fail_msg("case %zu: %s", i, out.p);
		}
		assert_ok(json_parse(&arena, str_from(cases[i].args), NULL, &args, NULL));
		t = bundle_tool(d->bundle, STR("x___t"));
		assert_int_equal(classify_call(t, args).effect, cases[i].effect);
		assert_int_equal(t->effect, cases[i].worst);
	}
}

static void what_an_entry_must_not_say_is_an_error(void **state)
{
	(void)state;
	static const struct {
		const char *tool;
		const char *expected;
	} cases[] = {
	    {"    effect: {default: read, cases: [{when: {pointer: /n}, effect: destroy}]}\n",
	     "a condition has one of equals"},
	    {"    effect: {default: read, cases: [{when: {pointer: /n, equals: 1, in: [2]}, "
	     "effect: destroy}]}\n",
	     "a condition has one of equals"},
	    {"    effect: {default: read, cases: [{when: {pointer: n, equals: 1}, effect: "
	     "destroy}]}\n",
	     "expected a JSON pointer"},
	    {"    effect: {default: read, cases: [{when: {pointer: /n, matches: \"(?=a)\"}, "
	     "effect: destroy}]}\n",
	     "'matches': "},
	    {"    effect: {default: read, cases: [{when: {pointer: /n, greater: many}, effect: "
	     "destroy}]}\n",
	     "'greater': expected a number"},
	    {"    effect: {default: some, cases: []}\n", "expected read, contain or destroy"},
	    {"    effect: {cases: []}\n", "'default' is missing"},
	    {"    effect: read\n    gate_when: [{pointer: /force, present: true}]\n",
	     "'reason' is missing"},
	    {"    effect: read\n    gate_when: [{pointer: /force, present: true, reason: x, gate: "
	     "no-such}]\n",
	     "no gate 'no-such'"},
	    {"    effect: read\n    credential_arguments: [token]\n", "expected a JSON pointer"},
	    {"    effect: contain\n    rehearsed: 2026-11-01\n    inverse: {tool: undo}\n    "
	     "verify: none\n",
	     "'verify: none' is for destroy"},
	    {"    effect: destroy\n    verify: none\n", "or 'inverse: none'"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FINDINGS f = FINDINGS_INIT;
		AUTO_DEPLOYMENT d = NULL;
		AUTO_BUF out = BUF_INIT(1 << 20);

		if (build(cases[i].tool, "", &d, &f, &out) != RC_INPUT ||
		    !strstr(out.p, cases[i].expected)) {
			fail_msg("wanted: %s\ngot: %s", cases[i].expected, out.p);
		}
	}
}

static void an_unverified_catalog_says_so_and_rehearses_nothing(void **state)
{
	(void)state;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_FINDINGS g = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	AUTO_BUF out = BUF_INIT(1 << 20);
	AUTO_BUF more = BUF_INIT(1 << 20);

	assert_ok(build("    effect: read\n", "verified: false\n", &d, &f, &out));
	assert_non_null(strstr(out.p, "nobody has run this catalog against the real 'x'"));
	assert_int_equal(build("    effect: contain\n    rehearsed: 2026-11-01\n" WAY_BACK,
			       "verified: false\n", &d, &g, &more),
			 RC_INPUT);
	assert_non_null(strstr(more.p, "'rehearsed' in a catalog with 'verified: false'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cases_are_judged_as_tools_of_their_own),
	    cmocka_unit_test(what_an_entry_must_not_say_is_an_error),
	    cmocka_unit_test(an_unverified_catalog_says_so_and_rehearses_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
