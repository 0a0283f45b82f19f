/* SPDX-License-Identifier: Apache-2.0 */
/* deployment.c - each rule of the deployment directory, by a fixture that breaks exactly one
 * thing of tests/data/deployment. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#include <cedar.h>

#include "base/file.h"
#include "config/load.h"

static const uint64_t NOW = 1795392000000; /* 2026-11-23 */

static struct tree good = TREE_INIT;

static int read_good(void **state)
{
	(void)state;
	AUTO_FINDINGS f = FINDINGS_INIT;
	struct err e = ERR_INIT;

	if (tree_read(&good, TEST_DATA "/deployment", &f, &e) != RC_OK || f.n_errors > 0) {
		print_error("%s\n", e.msg);
		return -1;
	}
	return 0;
}

static int drop_good(void **state)
{
	(void)state;
	tree_fini(&good);
	return 0;
}

static enum rc build(const struct tree *tree, struct deployment **ret, struct findings *f,
		     struct err *e)
{
	return deployment_build(tree, NULL, NOW, ret, f, e);
}

/* The good tree with the first `was` in `path` replaced; was == NULL: the file is added or
 * replaced as a whole; is == NULL: it is left out. */
static void changed(struct tree *out, const char *path, const char *was, const char *is)
{
	bool found = false;

	for (size_t i = 0; i < good.files.n; i++) {
		const struct tree_file *file = &good.files.p[i];
		AUTO_BUF bytes = BUF_INIT(1 << 20);
		const char *at;

		if (!str_eq(file->path, str_from(path))) {
			assert_ok(tree_add(out, file->path, file->bytes, NULL));
			continue;
		}
		found = true;
		if (!is) {
			continue;
		}
		if (was) {
			at = strstr(file->bytes.p, was);
			if (!at) {
				fail_msg("'%s' is not in %s", was, path);
			}
			assert_ok(
			    buf_add(&bytes, str_of(file->bytes.p, (size_t)(at - file->bytes.p))));
			assert_ok(buf_add(&bytes, str_from(is)));
			assert_ok(buf_add(&bytes, str_from(at + strlen(was))));
		} else {
			assert_ok(buf_add(&bytes, str_from(is)));
		}
		assert_ok(tree_add(out, file->path, buf_view(&bytes), NULL));
	}
	if (!found && !was && is) {
		assert_ok(tree_add(out, str_from(path), str_from(is), NULL));
	} else if (!found) {
		fail_msg("no file %s", path);
	}
}

struct breaking {
	const char *path;
	const char *was;
	const char *is;
	const char *expected; /* in one finding, "file:line:column: level: text" */
};

static void run(const struct breaking *cases, size_t n, enum finding_level level)
{
	for (size_t i = 0; i < n; i++) {
		AUTO_TREE tree = TREE_INIT;
		AUTO_FINDINGS f = FINDINGS_INIT;
		AUTO_DEPLOYMENT d = NULL;
		AUTO_BUF out = BUF_INIT(1 << 20);
		struct err e = ERR_INIT;
		enum rc rc;

		changed(&tree, cases[i].path, cases[i].was, cases[i].is);
		rc = build(&tree, &d, &f, &e);
		assert_ok(findings_print(&f, &out));
		assert_ok(buf_add_char(&out, '\0'));
		if (rc != (level == FINDING_ERROR ? RC_INPUT : RC_OK) ||
		    !strstr(out.p, cases[i].expected)) {
			fail_msg("%s: '%s' -> '%s'\nwanted: %s\ngot: %s", cases[i].path,
				 cases[i].was ? cases[i].was : "", cases[i].is ? cases[i].is : "",
				 cases[i].expected, out.p);
		}
	}
}

static void errors(const struct breaking *cases, size_t n)
{
	run(cases, n, FINDING_ERROR);
}

static void warnings(const struct breaking *cases, size_t n)
{
	run(cases, n, FINDING_WARNING);
}

static void a_good_directory_becomes_a_bundle_without_a_finding(void **state)
{
	(void)state;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	struct err e = ERR_INIT;
	const struct tool *t;

	if (build(&good, &d, &f, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	assert_int_equal(f.n_warnings, 0);
	assert_str(d->bundle->origin, "audit.example.org/remit");
	assert_str(d->agents.address.host, "127.0.0.1");
	assert_int_equal(d->agents.address.port, 8443);
	assert_int_equal(d->agents.fronts, 1);
	assert_str(d->people.http.host, "::1");
	assert_int_equal(d->people.socket_mode, 0660);
	assert_int_equal(deployment_source(d, STR("alerts"))->n_severities, 2);
	assert_int_equal(deployment_backend(d, STR("database"))->ttl_ms, 30 * 60 * 1000);
	assert_int_equal(deployment_backend(d, STR("database"))->port, 5432);
	assert_str(deployment_notifier(d, STR("pager"))->command.p[0], "/usr/bin/logger");
	assert_int_equal(bundle_person_with_uid(d->bundle, 1001)->groups.n, 1);
	assert_int_equal(bundle_gate(d->bundle, STR("quorum"))->quorum, 2);
	assert_str(d->bundle->never.p[1], "host:db1.example.org");
	assert_int_equal(bundle_agent_named(d->bundle, STR("responder"))->hold_ms, 15000);
	assert_int_equal(bundle_playbook(d->bundle, STR("credential-abuse"))->max_deviations, 4);
	assert_int_equal(cedar_policies_count(d->bundle->policies), 4);
	assert_int_equal(d->bundle->n_tools, 5);
	t = bundle_tool(d->bundle, STR("edge___block"));
	assert_int_equal(t->effect, EFFECT_CONTAIN);
	assert_int_equal(t->term_ms, 4 * 3600 * 1000);
	assert_int_equal(t->term_end, TERM_REVERT);
	assert_str(t->evidence, "the list of blocked addresses; kept 90d");
	assert_str(t->inverse.pointer, "/is_blocked");
	t = bundle_tool(d->bundle, STR("db___end_sessions"));
	assert_int_equal(t->effect, EFFECT_CONTAIN);
	assert_true(t->inverse_not_needed);
	assert_str(t->credential.scope, "remit_contain");
	t = bundle_tool(d->bundle, STR("db___sessions"));
	assert_str(t->variables.p[0], "login=/login");
	assert_str(t->upstream->secret_file, "{user}:{password}");
	for (size_t i = 1; i < d->bundle->n_tools; i++) {
		assert_true(str_cmp(d->bundle->tools[i - 1].public_name,
				    d->bundle->tools[i].public_name) < 0);
	}
}

static void a_catalog_entry_and_an_upstreams_listing_have_one_digest(void **state)
{
	(void)state;
	static const char listed[] =
	    "{\"inputSchema\":{\"type\":\"object\",\"required\":[\"ip\"],\"properties\":{\"ip\":"
	    "{\"maxLength\":45,\"type\":\"string\"}},\"additionalProperties\":false},"
	    "\"annotations\":{\"readOnlyHint\":true,\"destructiveHint\":false},\"name\":\"block\","
	    "\"description\":\"Refuses requests from an address.\",\"title\":\"Block an address\"}";
	AUTO_ARENA arena = ARENA_INIT(65536);
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	const struct json *j = NULL;
	uint8_t digest[32];

	assert_ok(build(&good, &d, &f, NULL));
	assert_ok(json_parse(&arena, str_from(listed), &JSON_LIMITS_DEFAULT, &j, NULL));
	assert_ok(tool_definition_digest(j, digest, NULL));
	assert_memory_equal(digest, bundle_tool(d->bundle, STR("edge___block"))->digest, 32);
}

static void conditions_of_a_tool_name_what_can_come_about(void **state)
{
	(void)state;
	static const char db[] = "upstreams/db.yaml";
	static const char was[] = "    evidence: {what: the sessions, keep: 90d}\n";
#define WITH(text) "    evidence: {what: the sessions, keep: 90d}\n    " text "\n"
	static const struct breaking cases[] = {
	    {db, was, WITH("egress: everywhere"), "expected none, external or public"},
	    {db, was, WITH("requires: [{tool: sesions}]"), "requires 'db___sesions', which is no"},
	    {db, was, WITH("requires: [{label: gossip}]"), "which no tool's results carry"},
	    {db, was, WITH("requires: [{}]"), "a requirement is a tool or a label"},
	    {db, was, WITH("requires: [{label: accounts, for: target}]"), "a label is of the task"},
	    {db, was, WITH("requires: [{tool: sessions, for: me}]"), "expected target or task"},
	    {db, was, WITH("invariant: [{pointer: /login}]"), "the invariant asks nothing"},
	    {db, was, WITH("invariant: [{pointer: /login, min: \"2\"}]"),
	     "expected a whole number"},
	    {db, was, WITH("in_use: {tool: end_sessions, pointer: /a, equals: 1}"), "end_sessions"},
	    {db, was, WITH("in_use: {tool: sessions, pointer: /a}"), "'equals' is missing"},
	    {db, was, WITH("fence: login"), "expected the pointer of one argument"},
	    {db, was, WITH("fence: /a/b"), "expected the pointer of one argument"},
	    {db, was, WITH("fence: /token"), "the schema has no property 'token'"},
	    {db, was, WITH("fence: /login"), "'login' is required"},
	    {"policies/base/matrix.cedar", NULL,
	     "@id(\"a\") @reason(\"kill_active: x\") forbid(principal, action, resource);",
	     "'kill_active' is no code that a policy may give"},
	    {"policies/base/matrix.cedar", NULL,
	     "@id(\"a\") @reason(\"chain_forbiden: x\") forbid(principal, action, resource);",
	     "'chain_forbiden' is no reason code"},
	};
	AUTO_TREE tree = TREE_INIT;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	const struct tool *t;

	errors(cases, ARRAY_LEN(cases));
	changed(&tree, db, was,
		WITH("requires: [{tool: sessions, for: target}, {label: accounts}]\n"
		     "    invariant: [{pointer: /login, not_empty: true}]\n    egress: external"));
	assert_ok(build(&tree, &d, &f, NULL));
	t = bundle_tool(d->bundle, STR("db___end_sessions"));
	assert_int_equal(t->n_prerequisites, 2);
	assert_str(t->prerequisites[0].tool, "db___sessions");
	assert_true(t->prerequisites[0].is_for_target && t->invariants[0].not_empty);
	assert_str(t->egress, "external");
#undef WITH
}

static void caps_are_read_and_must_bound_something(void **state)
{
	(void)state;
	static const char file[] = "limits.yaml";
#define CAP(text) "caps:\n- name: a\n  scope: fleet\n" text
	static const struct breaking cases[] = {
	    {file, NULL, "cap: []\n",
	     "limits.yaml:1:6: error: no key of limits.yaml is called 'cap'"},
	    {file, NULL, CAP("  per: 1h\n"), "limits.yaml:2:3: error: the cap bounds nothing"},
	    {file, NULL, CAP("  calls: 3\n"), "error: 'per' is missing"},
	    {file, NULL, CAP("  calls: 3\n  per: 25h\n"), "limits.yaml:5:8: error: 'per'"},
	    {file, NULL, CAP("  calls: 3\n  per: 1h\n  rate: 4/1h\n"), "says how many in that"},
	    {file, NULL, CAP("  rate: 4 per hour\n"), "expected calls/window"},
	    {file, NULL, CAP("  rate: 4/0s\n"), "expected calls/window"},
	    {file, NULL, CAP("  percent: 10\n"), "'group' is missing"},
	    {file, NULL, CAP("  group: web\n  floor: 1\n"), "no group of assets is called 'web'"},
	    {file, NULL, CAP("  calls: 3\n  per: 1h\n  tools: [db___sesions]\n"),
	     "did you mean 'db___sessions'?"},
	    {file, NULL, CAP("  calls: 3\n  per: 1h\n  upstreams: bd\n"), "no upstream is called"},
	    {file, NULL, CAP("  calls: 3\n  per: 1h\n  effect: [contian]\n"),
	     "expected read, contain or destroy, found 'contian'"},
	    {file, NULL, CAP("  calls: 3\n  per: 1h\n  across: none\n"), "is scope: agent"},
	    {file, NULL, CAP("  calls: 3\n  per: 1h\n  otherwise: maybe\n"),
	     "expected deny or ask"},
	    {file, NULL, CAP("  rate: 4/1m\n- name: a\n  scope: task\n  calls: 1\n"),
	     "limits.yaml:5:3: error: cap 'a' is there already"},
	    {file, NULL, "target_hold: 25h\n", "'target_hold'"},
	    {file, NULL, "breakers: {lop: {calls: 3}}\n", "did you mean 'loop'?"},
	    {file, NULL, "breakers: {loop: {per: 1m}}\n", "'calls' is missing"},
	    {file, NULL, "breakers: {loop: {calls: 0}}\n", "from 1 to"},
	};
	static const char good_caps[] =
	    CAP("  calls: 3\n  per: 1h\n  rate: 2/1m\n  effect: contain\n  otherwise: ask\n");
	AUTO_TREE tree = TREE_INIT;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	const struct cap *c;

	errors(cases, ARRAY_LEN(cases));
	changed(&tree, file, NULL, good_caps);
	assert_ok(build(&tree, &d, &f, NULL));
	assert_int_equal(d->bundle->n_caps, 2);
	c = d->bundle->caps;
	assert_true(c[0].asks && c[0].effects[EFFECT_CONTAIN] && !c[0].effects[EFFECT_READ]);
	assert_true(c[0].is_bound[CAP_CALLS] && c[0].most[CAP_CALLS] == 3);
	assert_true(c[0].window_ms == 3600 * 1000 && c[1].window_ms == 60 * 1000);
	assert_true(c[1].most[CAP_CALLS] == 2 && c[1].asks);
	assert_true(d->bundle->target_hold_ms == 15 * 60 * 1000);
#undef CAP
}

static void an_agent_must_be_complete_and_ours(void **state)
{
	(void)state;
	static const char file[] = "agents/responder.yaml";
	static const struct breaking cases[] = {
	    {file, "owner: alice\n", "", "responder.yaml:1:1: error: 'owner' is missing"},
	    {file, "deputy: bob\n", "", "'deputy' is missing"},
	    {file, "purpose: contains credential abuse\n", "", "'purpose' is missing"},
	    {file, "environment: production\n", "", "'environment' is missing"},
	    {file, "review_by: 2027-05-31\n", "", "'review_by' is missing"},
	    {file, "autonomy: {read: act, contain: act, destroy: approve}\n", "",
	     "'autonomy' is missing"},
	    {file, "classes: [credential-abuse]\n", "", "'classes' is missing"},
	    {file, "id: spiffe://example.org/agent/responder\n", "", "'id' is missing"},
	    {file, "owner: alice", "owner: alcie",
	     "responder.yaml:2:8: error: no person 'alcie'; did you mean 'alice'?"},
	    {file, "deputy: bob", "deputy: dave", "no person 'dave'"},
	    {file, "deputy: bob", "deputy: alice", "'alice' is the owner"},
	    {file, "spiffe://example.org/", "spiffe://example.com/",
	     "expected an identity of trust domain 'example.org'"},
	    {file, "spiffe://example.org/agent/responder", "spiffe://example.org",
	     "has no valid path"},
	    {file, "/agent/responder", "/agent//responder", "has no valid path"},
	    {file, "/agent/responder", "/agent/../responder", "has no valid path"},
	    {file, "spiffe:", "Spiffe:", "expected spiffe://example.org/path"},
	    {file, "2027-05-31", "2027-02-29", "expected a date"},
	    {file, "2027-05-31", "tomorrow", "expected a date"},
	    {file, "destroy: approve", "destroy: always", "expected observe, propose, approve"},
	    {file, "destroy: approve", "delete: approve", "no key of autonomy is called 'delete'"},
	    {file, "from: 1, to: 4", "from: 4, to: 1", "4 is above 1"},
	    {file, "from: 1", "from: 0", "expected a whole number from 1 to 5"},
	    {file, "team:", "taem:", "no key of an agent is called 'taem'; did you mean 'team'?"},
	    {file, "purpose:", "owner: bob\npurpose:", "error: 'owner'"},
	    {"agents/Bad Name.yaml", NULL, "id: spiffe://example.org/x\n",
	     "the file's name must be"},
	    {"agents/second.yaml", NULL,
	     "id: spiffe://example.org/agent/responder\nowner: alice\ndeputy: bob\npurpose: x\n"
	     "environment: x\nreview_by: 2027-01-01\nautonomy: {}\nclasses: [credential-abuse]\n",
	     "agent 'responder' has this identity already"},
	};

	errors(cases, ARRAY_LEN(cases));
}

static void people_groups_and_gates_must_fit_together(void **state)
{
	(void)state;
	static const struct breaking cases[] = {
	    {"people.yaml", NULL, NULL, "people.yaml: error: the file is missing"},
	    {"people.yaml", "uid: 1001", "uid: 1000", "1000 is 'alice' already"},
	    {"people.yaml", "uid: 1001", "uid: [1001, 1000]", "1000 is 'alice' already"},
	    {"people.yaml", "uid: 1001", "uid: [1001, 1001]", "1001 is 'bob' already"},
	    {"people.yaml", "uid: 1001", "uid: bob", "'uid': expected a number"},
	    {"people.yaml", "groups: [secops]}", "groups: [secop]}",
	     "no group 'secop'; did you mean 'secops'?"},
	    {"people.yaml", "rota: [alice, bob]", "rota: [alice, bbo]", "no person 'bbo'"},
	    {"people.yaml", "leads: {rota: [alice]}", "leads: {rota: [bob]}",
	     "but no member of it"},
	    {"people.yaml", "leads: {rota: [alice]}", "leads: {rota: []}", "'rota' is empty"},
	    {"people.yaml", "rota: [alice, bob]", "rota: [alice, alice]", "is there twice"},
	    {"people.yaml", "notifiers: [pager]", "notifiers: [pagre]",
	     "no notifier 'pagre'; did you mean 'pager'?"},
	    {"people.yaml", "full_name: Alice", "fullname: Alice",
	     "no key of a person is called 'fullname'; did you mean 'full_name'?"},
	    {"gates.yaml", "default_gate: on-call", "default_gate: oncall",
	     "no gate 'oncall'; did you mean 'on-call'?"},
	    {"gates.yaml", "default_gate: on-call\n", "", "'default_gate' is missing"},
	    {"gates.yaml", "on-call: {group: secops", "on-call: {group: nobody",
	     "no group 'nobody'"},
	    {"gates.yaml", "quorum: 2", "quorum: 6", "the gate can never open: it wants 6"},
	    {"gates.yaml", "quorum: 2", "quorum: 4",
	     "the gate can never open for agent 'responder': it wants 4"},
	    {"gates.yaml", "quorum: 2", "quorum: 2, decide_by: {sev0: 10s}", "did you mean"},
	    {"gates.yaml", "quorum: 2", "quorum: 2, decide_by: {sev1: 0s}", "more than nothing"},
	    {"gates.yaml", "quorum: 2", "quorum: 2, safe_alternative: {}", "says 'tool' or 'text'"},
	    {"gates.yaml", "quorum: 2", "quorum: 2, safe_alternative: {tool: db___nothing}",
	     "no tool"},
	    {"people.yaml", "groups:\n  secops",
	     "authors: {policies/base/none.cedar: [alice]}\ngroups:\n  secops",
	     "no policy's file, nor gates.yaml, is named"},
	    {"people.yaml", "groups:\n  secops",
	     "authors: {gates.yaml: [alise]}\ngroups:\n  secops", "did you mean 'alice'"},
	    {"people.yaml", "groups:\n  secops",
	     "authors: {gates.yaml: [carol, dora]}\ngroups:\n  secops",
	     "the gate can never open for agent 'responder'"},
	    {"gates.yaml", "decide_by: 10m", "decide_by: 10", "expected a duration"},
	    {"gates.yaml", "decide_by: 10m", "decide_by: 0s", "more than nothing"},
	    {"gates.yaml", "backup:*", "backup", "expected kind:value, kind:*, a pattern"},
	    {"gates.yaml", "backup:*", "Backup:*", "expected kind:value, kind:*, a pattern"},
	    {"gates.yaml", "backup:*", "ip:0.0.0.0", "expected kind:value, kind:*, a pattern"},
	};

	errors(cases, ARRAY_LEN(cases));
}

static const char freezes[] =
    "freezes:\n  year-end: {from: 2027-12-20, to: 2028-01-02T06:00:00Z, effects: [destroy], gate: "
    "quorum,\n"
    "    weekly: [fri 16:00-mon 08:00, daily 22:00-06:00], environments: [production]}\n";

static void freezes_are_a_file_that_may_be_absent(void **state)
{
	(void)state;
	static const struct breaking cases[] = {
	    {"freezes.yaml", NULL, "freezes:\n  a: {reason: x}\n", "would never end"},
	    {"freezes.yaml", NULL, "freezes:\n  a: {from: 2027-1-1}\n", "expected 2027-01-31"},
	    {"freezes.yaml", NULL, "freezes:\n  a: {to: 2027-01-01T24:00:00Z}\n",
	     "expected 2027-01-31"},
	    {"freezes.yaml", NULL, "freezes:\n  a: {from: 2027-02-01, to: 2027-01-01}\n",
	     "'to' is not after 'from'"},
	    {"freezes.yaml", NULL, "freezes:\n  a: {weekly: all day}\n", "hours of the week"},
	    {"freezes.yaml", NULL, "freezes:\n  a: {weekly: always, gate: no}\n", "no gate 'no'"},
	    {"freezes.yaml", NULL, "freezes:\n  a: {weekly: always, tools: [none]}\n", "no tool"},
	    {"freezes.yaml", NULL, "freezes:\n  a: {weekly: always, effects: [all]}\n",
	     "expected read, contain or destroy"},
	    {"freezes.yaml", NULL, "freezes:\n  a: {weekly: always, effect: [read]}\n",
	     "did you mean 'effects'"},
	};
	AUTO_TREE tree = TREE_INIT;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	const struct freeze *one;

	errors(cases, ARRAY_LEN(cases));
	changed(&tree, "freezes.yaml", NULL, freezes);
	assert_ok(build(&tree, &d, &f, NULL));
	assert_int_equal(d->bundle->n_freezes, 1);
	one = &d->bundle->freezes[0];
	assert_true(one->from_unix_ms == 1829260800000);
	assert_true(one->to_unix_ms == 1830405600000);
	assert_int_equal(one->n_windows, 2);
	assert_true(one->effects[EFFECT_DESTROY] && !one->effects[EFFECT_CONTAIN]);
	assert_str(one->gate, "quorum");
}

#define WITNESS_KEY "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"

static void witnesses_are_a_policy_and_what_waits_for_them(void **state)
{
	(void)state;
	static const struct breaking cases[] = {
	    {"witnesses.policy", NULL, "witness a\nquorum none\n", "1: expected"},
	    {"witnesses.policy", NULL, "witness a " WITNESS_KEY "\n", "no 'quorum'"},
	    {"witnesses.policy", NULL, "witness a " WITNESS_KEY " http://far.example/\nquorum a\n",
	     "expected https://"},
	    {"witnesses.policy", NULL,
	     "witness a " WITNESS_KEY " http://127.0.0.1.far.example/\nquorum a\n",
	     "expected https://"},
	    {"witnesses.policy", NULL, "witness a " WITNESS_KEY " https://a@b/\nquorum a\n",
	     "expected https://"},
	    {"witnesses.policy", NULL,
	     "log audit.example/gw1+a9d7d3ed+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4\n"
	     "quorum none\n",
	     "is about this log"},
	    {"remit.yaml", "state: state", "state: state\nwitnesses: {every: 1s}",
	     "needs a file 'witnesses.policy'"},
	    {"remit.yaml", "state: state", "state: state\nwitnesses: {required_for: [all]}",
	     "expected read, contain or destroy"},
	    {"remit.yaml", "state: state", "state: state\nwitnesses: {every: 10ms}", "at least"},
	    {"remit.yaml", "state: state", "state: state\nwitnesses: {every: 1m}",
	     "at least twice"},
	    {"remit.yaml", "state: state", "state: state\nwitnesses: {require_for: [read]}",
	     "did you mean 'required_for'"},
	};
	static const struct breaking dubious[] = {
	    {"witnesses.policy", NULL, "witness a " WITNESS_KEY "\nquorum a\n", "never asked"},
	};
	AUTO_TREE tree = TREE_INIT;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;

	errors(cases, ARRAY_LEN(cases));
	warnings(dubious, ARRAY_LEN(dubious));
	changed(&tree, "witnesses.policy", NULL,
		"witness a " WITNESS_KEY " https://a.example/w\nquorum a\n");
	assert_ok(build(&tree, &d, &f, NULL));
	assert_true(d->bundle->witness.is_used);
	assert_false(d->bundle->witness.effects[EFFECT_DESTROY]);
	assert_int_equal(d->witnesses.every_ms, 1000);
	assert_int_equal(d->witnesses.away_after_ms, 10000);
	assert_true(str_contains(d->canonical, STR(WITNESS_KEY))); /* it governs */
}

#define RULE(more) "rules:\n  a: {classes: [credential-abuse], " more "}\n"
#define ENTRY	   "agent: responder, playbook: credential-abuse"

static void routing_names_what_is_there_and_can_be_allowed(void **state)
{
	(void)state;
	static const char file[] = "routing.yaml";
	static const struct breaking cases[] = {
	    {file, NULL, "rules:\n  a: {open: [{" ENTRY "}]}\n", "'classes' is missing"},
	    {file, NULL, RULE("open: []"), "'open' is empty"},
	    {file, NULL, RULE("open: [{agent: respond, playbook: credential-abuse}]"),
	     "did you mean 'responder'"},
	    {file, NULL, RULE("open: [{agent: responder, playbook: credential}]"), "no playbook"},
	    {file, NULL, RULE("severity: {from: 5, to: 5}, open: [{" ENTRY "}]"),
	     "no severity of this rule"},
	    {file, NULL, RULE("environments: [staging], open: [{" ENTRY "}]"),
	     "acts in environment"},
	    {file, NULL, RULE("open: [{" ENTRY ", tools: [db___nothing]}]"), "has no tool"},
	    {file, NULL, RULE("open: [{" ENTRY ", data: [secrets]}]"), "reads no data of class"},
	    {file, NULL, RULE("open: [{" ENTRY ", duration: 3h}]"), "longer than playbook"},
	    {file, NULL, RULE("open: [{" ENTRY "}, {" ENTRY "}]"), "there twice"},
	    {file, NULL, "rules:\n  a: {classes: [theft], open: [{" ENTRY "}]}\n",
	     "not meant for class 'theft'"},
	};
	AUTO_TREE tree = TREE_INIT;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;

	errors(cases, ARRAY_LEN(cases));
	changed(&tree, file, NULL, RULE("services: [shop], open: [{" ENTRY ", duration: 1h}]"));
	assert_ok(build(&tree, &d, &f, NULL));
	assert_int_equal(d->bundle->n_routes, 1);
	assert_int_equal(d->bundle->routes[0].n_tasks, 1);
	assert_int_equal(d->bundle->routes[0].severity_to, 5);
	assert_int_equal(d->bundle->routes[0].tasks[0].duration_ms, 3600000);
}

static void signals_are_demanded_and_told_as_the_catalog_says(void **state)
{
	(void)state;
	static const char file[] = "upstreams/edge.yaml";
	static const struct breaking cases[] = {
	    {file, "  block:\n", "  block:\n    corroboration: {}\n", "'signals' is missing"},
	    {file, "  block:\n", "  block:\n    corroboration: {signals: []}\n", "expected 1 to"},
	    {file, "  block:\n",
	     "  block:\n    corroboration: {signals: [{name: Bad, equals: 1}]}\n", "'Bad'"},
	    {file, "  block:\n",
	     "  block:\n    corroboration: {signals: [{name: a, equals: 1}], max_age: 2h}\n",
	     "at most 3600s"},
	    {file, "  block:\n",
	     "  block:\n    corroboration: {signals: [{name: a, equals: 1}], otherwise: allow}\n",
	     "expected ask or deny"},
	    {file, "  block:\n", "  block:\n    signal: {name: a, value: /x}\n",
	     "comes from a read"},
	    {file, "  blocked:\n",
	     "  blocked:\n    corroboration: {signals: [{name: a, equals: 1}]}\n",
	     "is for contain and destroy"},
	    {file, "  blocked:\n", "  blocked:\n    signal: {name: a, value: x}\n", "JSON pointer"},
	};

	errors(cases, ARRAY_LEN(cases));
}

static void remit_yaml_is_held_to_its_keys(void **state)
{
	(void)state;
	static const char file[] = "remit.yaml";
	static const struct breaking cases[] = {
	    {file, NULL, NULL, "the file is missing"},
	    {file, NULL, "a: [", "remit.yaml:"},
	    {file, NULL, "- a", "expected keys and values"},
	    {file, "origin: audit.example.org/remit\n", "", "'origin' is missing"},
	    {file, "audit.example.org/remit", "audit example", "'origin': expected"},
	    {file, "trust_domain: example.org", "trust_domain: Example.org",
	     "'trust_domain': expected lower case"},
	    {file, "listen:", "lisen:", "no key of remit.yaml is called 'lisen'; did you mean"},
	    {file, "127.0.0.1:8443", "127.0.0.1", "expected host:port"},
	    {file, "127.0.0.1:8443", "::1:8443", "expected host:port"},
	    {file, "127.0.0.1:8443", "127.0.0.1:84430", "expected host:port"},
	    {file, "        example.org: secrets", "        example.net: secrets",
	     "no CA file for our own trust domain"},
	    {file, "    fronts: 1\n", "    fronts: 1\n    assume_agent: x\n",
	     "goes with 'tls: off' only"},
	    {file, "mode: \"0660\"", "mode: 660", "expected permission bits"},
	    {file, "mode: \"0660\"", "mode: \"0999\"", "expected permission bits"},
	    {file, "type: alertmanager", "type: alertmanger",
	     "expected alertmanager, pagerduty, cloudevents, generic or signals"},
	    {file, "critical: 1", "critical: 0", "expected a severity from 1"},
	    {file, "assets: assets}", "asset: assets}", "no key of labels is called 'asset'"},
	    {file, "    secret_file: secrets/alerts.token\n", "", "'secret_file' is missing"},
	    {file, "    classes: [credential-abuse]\n", "", "'classes' is missing"},
	    {file, "/usr/bin/logger", "logger", "the program must be an absolute path"},
	    {file, "https://chat", "http://chat", "would cross the network in clear"},
	    {file, "https://chat", "ftp://chat", "expected https://"},
	    {file, "type: postgresql", "type: mysql", "expected postgresql"},
	    {file, "host: 127.0.0.1\n", "host: db.example.org\n", "'ca_file' is missing"},
	    {file, "ttl: 30m", "ttl: forever", "expected a duration"},
	    {file, "hold: 15s", "hold: 15h", "at most 600s"},
	    {file, "deviations: 4", "deviations: four", "expected a whole number"},
	    {file, "  pager:", "  Pager One:", "a name is lower case"},
	};

	errors(cases, ARRAY_LEN(cases));
}

static void plain_listeners_are_for_loopback_and_say_so(void **state)
{
	(void)state;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	static const char plain[] =
	    "origin: o\ntrust_domain: example.org\nstate: s\nlisten:\n"
	    "  agents: {address: \"%s:8443\", tls: \"off\", assume_agent: %s}\n"
	    "  people: {socket: s}\n"
	    "backends: {database: {type: postgresql, host: /run, dbname: d, "
	    "user: u, password_file: p}}\n"
	    "notifiers: {pager: {command: [/bin/true]}}\n";
	static const struct {
		const char *host;
		const char *agent;
		const char *expected;
	} cases[] = {
	    {"127.0.0.1", "spiffe://example.org/agent/responder", NULL},
	    {"0.0.0.0", "spiffe://example.org/agent/responder", "must be a loopback address"},
	    {"127.0.0.1", "spiffe://example.org/agent/responde", "no agent has the identity"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_TREE tree = TREE_INIT;
		AUTO_BUF out = BUF_INIT(1 << 20);
		char text[1000];

		(void)snprintf(text, sizeof(text), plain, cases[i].host, cases[i].agent);
		changed(&tree, "remit.yaml", NULL, text);
		findings_fini(&f);
		f = (struct findings)FINDINGS_INIT;
		deployment_free(d);
		d = NULL;
		if ((build(&tree, &d, &f, NULL) == RC_OK) == (cases[i].expected != NULL)) {
			fail_msg("case %zu", i);
		}
		assert_ok(findings_print(&f, &out));
		assert_ok(buf_add_char(&out, '\0'));
		assert_non_null(strstr(out.p, "TLS IS OFF"));
		if (cases[i].expected && !strstr(out.p, cases[i].expected)) {
			fail_msg("%s", out.p);
		}
	}
}

static void upstreams_and_names_are_held_to_their_rules(void **state)
{
	(void)state;
	static const char edge[] = "upstreams/edge.yaml";
	static const char db[] = "upstreams/db.yaml";
	static const char empty[] = "transport: http\nurl: https://x.example/mcp\ntools: {}\n";
	static const struct breaking cases[] = {
	    {edge, "transport: stdio", "transport: pigeon", "expected command, stdio or http"},
	    {edge, "transport: stdio\n", "", "'transport' is missing"},
	    {edge, "[/usr/bin/edge,", "[edge,", "the program must be an absolute path"},
	    {edge, "command: [/usr/bin/edge, --serve]\n", "", "'command' is missing"},
	    {edge, "readable: [/var", "readable: [var", "is no absolute path"},
	    {edge, "timeout: 10s", "timeout: 1000h", "at most 900s"},
	    {edge, "timeout: 10s", "url: https://x/", "'url' goes with transport http"},
	    {edge, "timeout: 10s", "protocol: \"2024-01-01\"", "expected \"2025-11-25\""},
	    {db, "backend: database, scope: remit_read", "backend: databse, scope: remit_read",
	     "no backend 'databse'; did you mean 'database'?"},
	    {db, "scope: remit_contain", "scop: remit_contain", "'scope' is missing"},
	    {db, "[/usr/bin/psql, -X]", "[psql, -X]", "the program must be an absolute path"},
	    {db, "variables: {login: /login}", "variables: {login: /logn}",
	     "no argument of this tool is called 'logn'; did you mean 'login'?"},
	    {db, "output: json", "output: xml", "expected json or text"},
	    {"upstreams/remit.yaml", NULL, empty, "'remit' is reserved"},
	    {"upstreams/a___b.yaml", NULL, empty, "no '___'"},
	    {"upstreams/a_.yaml", NULL, empty, "no '_' at its end"},
	    {"upstreams/9a.yaml", NULL, empty, "begins with a letter"},
	    {edge, "  unblock:\n", "  un block:\n", "a tool's name is letters"},
	    {edge, "  unblock:\n", "  block:\n", "'block'"},
	    {edge, "  unblock:\n",
	     "  unblock_with_a_name_that_is_far_too_long_for_the_api_of_a_model:\n",
	     "model APIs take 64"},
	};

	errors(cases, ARRAY_LEN(cases));
}

static void what_results_are_is_described_in_known_words(void **state)
{
	static const char db[] = "upstreams/db.yaml";
	static const char playbook[] = "playbooks/credential-abuse.yaml";
	static const char at[] = "    untrusted: true\n";
	static const char end[] = "data: [accounts, edge-config]\n";
	static const struct breaking cases[] = {
	    {db, at, "    reads: [{objects: rows, kind: session, id: /pid}]\n",
	     "db.yaml:9:23: error: 'rows': expected a JSON pointer"},
	    {db, at, "    reads: [{objects: /rows, kind: session}]\n", "'id' is missing"},
	    {db, at, "    reads: [{objects: /rows, kind: session, id: /pid, class: pii}]\n",
	     "'pii' is no class of the tool's 'data'"},
	    {db, at, "    reads: [{objects: /rows, kind: session, id: /pid, class: any}]\n",
	     "'any' is no class of data"},
	    {db, "data: [accounts]", "data: [any]", "'any' is no class of data"},
	    {db, at, "    redact: [password]\n", "'password': expected a JSON pointer"},
	    {playbook, end, "reads: [{class: accounts}]\n", "expected one of objects, bytes and"},
	    {playbook, end, "reads: [{class: accounts, per: day, objects: 5}]\n",
	     "expected task or incident"},
	};

	(void)state;
	errors(cases, ARRAY_LEN(cases));
}

static void a_catalog_says_what_its_results_are(void **state)
{
	(void)state;
	AUTO_TREE tree = TREE_INIT;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	const struct tool *t;

	changed(&tree, "upstreams/db.yaml", "    untrusted: true\n",
		"    reads: [{objects: /rows, kind: session, id: /pid}]\n"
		"    at_most: {objects: 50}\n    redact: [/rows/*/query]\n");
	assert_ok(build(&tree, &d, &f, NULL));
	t = bundle_tool(d->bundle, STR("db___sessions"));
	assert_int_equal(t->n_reads, 1);
	assert_true(str_eq(t->reads[0].class, STR("accounts")));
	assert_int_equal(t->reads_objects, 50);
	assert_true(str_eq(t->redact.p[0], STR("/rows/*/query")));
}

static void a_tool_that_changes_something_must_be_undoable_verifiable_and_preserve(void **state)
{
	(void)state;
	static const char edge[] = "upstreams/edge.yaml";
	static const char db[] = "upstreams/db.yaml";
	static const struct breaking cases[] = {
	    {edge,
	     "    inverse:\n      tool: unblock\n      arguments: {ip: {$args: /ip}}\n"
	     "      when: {pointer: /is_blocked, equals: false}\n",
	     "", "expected 'inverse'"},
	    {db,
	     "    inverse: {not_needed_by: alice, reason: the login can begin a new session at "
	     "once}\n",
	     "", "expected 'inverse'"},
	    {db, "not_needed_by: alice, reason: the login can begin a new session at once",
	     "not_needed_by: alice", "'reason' is missing"},
	    {db, "not_needed_by: alice", "not_needed_by: mallory", "no person 'mallory'"},
	    {db,
	     "    verify: {tool: sessions, arguments: {login: {$args: /login}}, pointer: /count, "
	     "equals: 0}\n",
	     "", "'verify' is missing"},
	    {db, "    evidence: {what: the sessions, keep: 90d}\n", "", "is missing"},
	    {db, "keep: 90d", "kept: 90d", "'keep' is missing"},
	    {edge, "    targets: [{kind: ip, pointer: /ip}]\n    inverse", "    inverse",
	     "'targets' must say what"},
	    {edge, "{tool: blocked, arguments: {ip: {$args: /ip}}}",
	     "{tool: blokced, arguments: {ip: {$args: /ip}}}",
	     "no tool of this upstream is called 'blokced'; did you mean 'blocked'?"},
	    {edge, "capture: {tool: blocked", "capture: {tool: sessions",
	     "no tool of this upstream is called 'sessions'"},
	    {edge, "capture: {tool: blocked", "capture: {tool: unblock",
	     "'capture' must be a read tool; 'unblock' is contain"},
	    {edge, "verify: {tool: blocked", "verify: {tool: unblock",
	     "'verify' must be a read tool"},
	    {edge, "      tool: unblock", "      tool: block", "does not undo itself"},
	    {edge, "capture: {tool: blocked, arguments: {ip: {$args: /ip}}}",
	     "capture: {tool: blocked, arguments: {ip: {$args: /addr}}}",
	     "no argument of this tool is called 'addr'"},
	    {edge, "capture: {tool: blocked, arguments: {ip: {$args: /ip}}}",
	     "capture: {tool: blocked, arguments: {addr: {$args: /ip}}}",
	     "no argument of that tool is called 'addr'"},
	    {edge, "capture: {tool: blocked, arguments: {ip: {$args: /ip}}}",
	     "capture: {tool: blocked}", "'blocked' requires the argument 'ip'"},
	    {edge, "    inverse: {tool: block, arguments: {ip: {$args: /ip}}}",
	     "    inverse: {tool: block, arguments: {ip: {$pre: /ip}}}",
	     "no 'capture' says what the state before was"},
	    {edge, "      arguments: {ip: {$args: /ip}}\n",
	     "      arguments: {ip: {$args: /ip, x: 1}}\n", "expected {$args: /pointer}"},
	    {edge, "term: {length: 4h, end: revert}", "term: {length: 4h, end: never}",
	     "expected revert or reask"},
	    {edge, "rehearsed: 2026-11-01\n    term", "rehearsed: 2027-11-01\n    term",
	     "is in the future"},
	    {edge, "kind: ip, pointer: /ip}]\n    data: [edge-config]\n    capture",
	     "kind: IP, pointer: /ip}]\n    data: [edge-config]\n    capture",
	     "'kind': expected lower case"},
	    {edge, "kind: ip, pointer: /ip}]\n    data: [edge-config]\n    capture",
	     "kind: ip, pointer: /pi}]\n    data: [edge-config]\n    capture",
	     "no argument of this tool is called 'pi'; did you mean 'ip'?"},
	    {edge, "kind: ip, pointer: /ip}]\n    data: [edge-config]\n    capture",
	     "kind: ip}]\n    data: [edge-config]\n    capture",
	     "a target has one of pointer, list, selector"},
	    {edge, "kind: ip, pointer: /ip}]\n    data: [edge-config]\n    capture",
	     "kind: ip, constant: any}]\n    data: [edge-config]\n    capture",
	     "is no single target"},
	    {edge, "maxLength: 45", "if: {}", "'if' is not a word that arguments can be held to"},
	    {edge, "maxLength: 45", "pattern: \"(?=x)\"", "only (?: is supported"},
	    {edge, "maxLength: 45", "type: [string]", "'type'"},
	    {edge, "effect: contain", "effect: containment", "expected read, contain or destroy"},
	    {edge, "annotations: {", "anotations: {", "no key of a definition is called"},
	    {edge, "      description: Refuses requests from an address.\n", "",
	     "'description' is missing"},
	};

	errors(cases, ARRAY_LEN(cases));
}

/* The effect that a change of the entry leads to. */
static enum effect effect_after(const char *path, const char *was, const char *is, const char *tool)
{
	AUTO_TREE tree = TREE_INIT;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	struct err e = ERR_INIT;

	changed(&tree, path, was, is);
	if (build(&tree, &d, &f, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	return bundle_tool(d->bundle, str_from(tool))->effect;
}

static void what_is_preserved_first_is_something_that_a_read_captures(void **state)
{
	(void)state;
	static const char edge[] = "upstreams/edge.yaml";
	static const struct breaking cases[] = {
	    {edge, "requires: [blocklist]", "requires: [blokclist]",
	     "evidence of kind 'blokclist'; did you mean 'blocklist'?"},
	    {edge, "      requires: [blocklist]\n", "", "go with 'requires'"},
	    {edge, "max_age: 1h", "max_age: old", "'max_age'"},
	    {edge, "preserve: [{tool: blocked", "preserve: [{tool: unblock",
	     "'preserve' must be a read tool"},
	    {edge, "preserve: [{tool: blocked", "preserve: [{tool: bloked",
	     "no tool of this upstream is called 'bloked'"},
	    {edge, "    captures: {kind: blocklist, keep: 30d}\n", "", "captures nothing"},
	    {edge, "keep: 30d", "keep: 30d, mode: strict", "expected governance or compliance"},
	    {edge, "kind: blocklist", "kind: Block list", "is no name of a kind"},
	    {edge, "    targets: [{kind: ip, pointer: /ip}]\n    data: [edge-config]\n    captures",
	     "    data: [edge-config]\n    captures", "'targets' must say what it is evidence of"},
	    {edge, "    rehearsed: 2026-11-01\n",
	     "    rehearsed: 2026-11-01\n    captures: memory\n", "evidence comes from reads"},
	    {edge, "    rehearsed: 2026-11-01\n",
	     "    rehearsed: 2026-11-01\n    altering: false\n", "needs no evidence first"},
	    {edge, "    captures: {kind: blocklist, keep: 30d}\n",
	     "    captures: blocklist\n    altering: false\n", "a read alters nothing"},
	    {"people.yaml", "groups:\n  ", "custodians: nobody\ngroups:\n  ", "no group 'nobody'"},
	};
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	const struct tool *block;
	const struct tool *blocked;

	errors(cases, ARRAY_LEN(cases));
	assert_ok(build(&good, &d, &f, NULL));
	block = bundle_tool(d->bundle, STR("edge___block"));
	blocked = bundle_tool(d->bundle, STR("edge___blocked"));
	assert_int_equal(block->requires.n, 1);
	assert_str(block->requires.p[0], "blocklist");
	assert_true(block->requires_max_age_ms == 3600 * 1000);
	assert_int_equal(block->n_preserve, 1);
	assert_false(block->does_not_alter);
	assert_str(blocked->captures.kind, "blocklist");
	/* longer than it says itself: the tool that needs it wants it kept longer */
	assert_true(blocked->captures.keep_ms == 90 * UINT64_C(86400000));
	assert_false(blocked->captures.is_compliance);
	assert_true(d->bundle->custodians.n > 0);
}

static void an_effect_is_never_lower_than_what_the_entry_proves(void **state)
{
	(void)state;
	static const char edge[] = "upstreams/edge.yaml";
	static const char db[] = "upstreams/db.yaml";
	static const char block[] = "edge___block";
	static const char end[] = "db___end_sessions";
	static const char rehearsed[] = "rehearsed: 2026-11-01\n    term";

	assert_int_equal(effect_after(edge, "timeout: 10s", "timeout: 11s", block), EFFECT_CONTAIN);
	/* 90 days and no longer */
	assert_int_equal(effect_after(edge, rehearsed, "rehearsed: 2026-08-26\n    term", block),
			 EFFECT_CONTAIN);
	assert_int_equal(effect_after(edge, rehearsed, "rehearsed: 2026-08-20\n    term", block),
			 EFFECT_DESTROY);
	assert_int_equal(effect_after(edge, rehearsed, "term", block), EFFECT_DESTROY);
	/* hints of the definition (readOnlyHint above) lower nothing; no effect is the worst */
	assert_int_equal(effect_after(edge, "  block:\n    effect: contain\n", "  block:\n", block),
			 EFFECT_DESTROY);
	/* the three flags, whatever was signed off */
	assert_int_equal(effect_after(db, "    effect: contain\n",
				      "    effect: contain\n    deletes_data: true\n", end),
			 EFFECT_DESTROY);
	assert_int_equal(effect_after(db, "    effect: contain\n",
				      "    effect: contain\n    touches_secrets: true\n", end),
			 EFFECT_DESTROY);
	assert_int_equal(effect_after(db, "    effect: contain\n",
				      "    effect: contain\n    changes_access: true\n", end),
			 EFFECT_DESTROY);
	assert_int_equal(effect_after(db, "    effect: contain\n", "    effect: destroy\n", end),
			 EFFECT_DESTROY);
}

static void a_read_that_touches_secrets_is_held_to_the_rules_of_change(void **state)
{
	(void)state;
	static const struct breaking cases[] = {
	    {"upstreams/db.yaml", "    effect: read\n",
	     "    effect: read\n    touches_secrets: true\n", "changes something"},
	};

	errors(cases, ARRAY_LEN(cases));
}

static void playbooks_name_what_is_there(void **state)
{
	(void)state;
	static const char file[] = "playbooks/credential-abuse.yaml";
	static const struct breaking cases[] = {
	    {file, "edge___block,", "edge___blok,",
	     "no tool 'edge___blok'; did you mean 'edge___block'?"},
	    {file, "next: [contain]", "next: [contian]", "no phase 'contian'"},
	    {file, "name: contain", "name: triage", "phase 'triage' is there twice"},
	    {file, "    next: [contain]\n", "", "no phase leads to 'contain'"},
	    {file, "  - name: contain\n", "  - name: idle\n    tools: []\n  - name: contain\n",
	     "'tools' is empty"},
	    {file, "  - name: contain\n",
	     "  - name: a\n    tools: [db___role_state]\n    next: [b]\n"
	     "  - name: b\n    tools: [db___role_state]\n    next: [a]\n  - name: contain\n",
	     "no phase leads to 'b'"}, /* they lead to one another only */
	    {file, "  - name: contain\n", "  - name: contain\n    effect: contian\n",
	     "expected read, contain or destroy, found 'contian'"},
	    {file, "  - name: contain\n", "  - name: contain\n    advance: never\n",
	     "expected use or explicit, found 'never'"},
	    {file, "  - name: contain\n", "  - name: contain\n    limits: {calls: 0}\n",
	     "from 1 to 1000000"},
	    {file, "  - name: contain\n", "  - name: contain\n    requires: {tool: [x]}\n",
	     "no key of requires is called 'tool'"},
	    {file, "  - name: contain\n",
	     "  - name: contain\n    requires: {tools: [edge___nothing]}\n",
	     "'requires': no phase grants 'edge___nothing'"},
	    {file, "  - name: contain\n",
	     "  - name: contain\n    exit: {tools: [edge___nothing], verified: true}\n",
	     "'exit': no phase grants 'edge___nothing'"},
	    {file, "accountable: secops", "accountable: secop", "no group 'secop'"},
	    {file, "calls: 40, ", "", "'calls' is missing"},
	    {file, "targets: 3", "targets: 257", "from 1 to 256"},
	    {file, "duration: 2h", "duration: 2w", "expected a duration"},
	    {file, "classes: [credential-abuse]", "classes: []", "'classes' is empty"},
	    {file, "data:", "dta:", "no key of a playbook is called 'dta'"},
	};

	errors(cases, ARRAY_LEN(cases));
}

static void policies_keep_to_their_place_and_to_names_that_exist(void **state)
{
	(void)state;
	static const char base[] = "policies/base/guardrails.cedar";
	static const char own[] = "policies/agents/responder/envelope.cedar";
	static const struct breaking cases[] = {
	    {base, "@id(\"own-range\")",
	     "@id(\"x\") permit (principal, action, resource); @id(\"y\")", "guardrails forbid"},
	    {own, "principal == Remit::Agent::\"responder\"", "principal",
	     "envelope.cedar:1:1: error: every permit here must say principal =="},
	    {own, "principal == Remit::Agent::\"responder\"",
	     "principal in Remit::Agent::\"responder\"", "every permit here must say principal =="},
	    {own, "Remit::Agent::\"responder\"", "Remit::Agent::\"other\"", "every permit here"},
	    {own, "Remit::Agent::\"responder\"", "Remit::Agent::\"respondr\"",
	     "no agent 'respondr'; did you mean 'responder'?"},
	    {"policies/agents/other/envelope.cedar", NULL,
	     "@id(\"o\") permit (principal == Remit::Agent::\"responder\", action, resource);",
	     "no agent 'other'"},
	    {base, "@gate(\"quorum\")", "@gate(\"quorm\")",
	     "no gate 'quorm'; did you mean 'quorum'?"},
	    {base, "@control", "@contrl",
	     "no annotation is called 'contrl'; did you mean 'control'?"},
	    {own, "@id(\"responder-tools\")", "@id(\"responder-tools\") @gate(\"quorum\")",
	     "@gate is for forbid"},
	    {own, "@id(\"responder-tools\")", "@id(\"responder-intent\")", "is used already"},
	    {base, "edge___block\"", "edge___blok\"",
	     "no tool or upstream 'edge___blok'; did you mean 'edge___block'?"},
	    {own, "Remit::Action::\"edge\",", "Remit::Action::\"egde\",", "no tool or upstream"},
	    {base, "action == Remit::Action::\"edge___block\"", "action == Remit::Action::\"edge\"",
	     "is an upstream, so no call equals it"},
	    {base, "Remit::Asset::\"ip:192.0.2.1\"", "Remit::Asset::\"ip:192.0.2.256\"",
	     "is no single target"},
	    {base, "Remit::Asset::\"ip:192.0.2.1\"", "Remit::Asset::\"ip:::ffff:192.0.2.1\"",
	     "did you mean 'ip:192.0.2.1'?"},
	    {base, "Remit::Asset::", "Remit::Aset::", "resource is Remit::Asset"},
	    {base, "Remit::Action::\"edge___block\"", "Action::\"edge___block\"",
	     "action is Remit::Action here"},
	    {base, "context.effect ==", "context.effect =", "guardrails.cedar:7:"},
	    {base, "forbid (principal, action, resource)\n",
	     "forbid (principal == ?principal, action, resource)\n", "guardrails.cedar"},
	};

	errors(cases, ARRAY_LEN(cases));
}

static void what_is_allowed_but_probably_not_meant_is_a_warning(void **state)
{
	(void)state;
	static const struct breaking cases[] = {
	    {"policies/agents/responder/envelope.cedar", NULL, NULL,
	     "agents/responder.yaml: warning: no permit under policies/agents/responder/"},
	    {"agents/responder.yaml", "2027-05-31", "2026-05-31", "the review is overdue"},
	    {"agents/responder.yaml", "destroy: approve", "destroy: act", "still approves"},
	    {"agents/responder.yaml", "classes: [credential-abuse]",
	     "classes: [credential-abuse, outage]", "no playbook is for class 'outage'"},
	    {"playbooks/credential-abuse.yaml", "  - name: contain\n",
	     "  - name: contain\n    effect: read\n", "which goes further than this phase"},
	    {"remit.yaml", "classes: [credential-abuse]", "classes: [outage]",
	     "which no playbook is for"},
	    {"remit.yaml", "\"[::1]:8080\"", "0.0.0.0:8080", "cross the network in clear"},
	    {"upstreams/edge.yaml", "rehearsed: 2026-11-01\n    term", "term",
	     "'block' counts as destroy: its inverse was not rehearsed"},
	    {"policies/base/guardrails.cedar", "@id(\"own-range\")\n", "", "no @id"},
	    {"policies/agents/responder/more.cedar", NULL,
	     "@id(\"m\") forbid (principal, action, resource) when { false };",
	     "this forbid is for more than agent 'responder'"},
	};

	warnings(cases, ARRAY_LEN(cases));
}

static void all_errors_are_collected_and_bounded(void **state)
{
	(void)state;
	AUTO_TREE tree = TREE_INIT;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	AUTO_BUF text = BUF_INIT(1 << 20);
	struct err e = ERR_INIT;

	assert_ok(buf_add(&text, STR("people:\n")));
	for (int i = 0; i < 500; i++) {
		assert_ok(buf_addf(&text, "  p%d: {bad: 1}\n", i));
	}
	assert_ok(buf_add(&text, STR("groups: {}\n\0")));
	changed(&tree, "people.yaml", NULL, text.p);
	assert_rc(build(&tree, &d, &f, &e), RC_INPUT);
	assert_true(f.n_errors > 500);
	assert_int_equal(f.items.n, FINDINGS_MAX);
	assert_non_null(strstr(e.msg, "people.yaml:2:13: no key of a person is called 'bad'"));
	assert_null(d);
}

static void digest_of(const char *path, const char *was, const char *is, uint8_t out[32])
{
	AUTO_TREE tree = TREE_INIT;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;

	changed(&tree, path, was, is);
	assert_ok(build(&tree, &d, &f, NULL));
	memcpy(out, d->bundle->digest, 32);
}

static void the_digest_covers_what_governs_and_not_where_it_listens(void **state)
{
	(void)state;
	uint8_t was[32];
	uint8_t now[32];

	digest_of("remit.yaml", "state: state", "state: state", was);
	digest_of("remit.yaml", "127.0.0.1:8443", "127.0.0.1:9443", now);
	assert_memory_equal(was, now, 32);
	digest_of("remit.yaml", "state: state", "state: elsewhere # moved", now);
	assert_memory_equal(was, now, 32);
	digest_of("remit.yaml", "critical: 1", "critical: 2", now);
	assert_memory_not_equal(was, now, 32);
	digest_of("remit.yaml", "origin: audit", "origin: log", now);
	assert_memory_not_equal(was, now, 32);
	digest_of("gates.yaml", "decide_by: 10m", "decide_by: 11m", now);
	assert_memory_not_equal(was, now, 32);
	digest_of("policies/base/guardrails.cedar", "for every agent", "for all agents", now);
	assert_memory_not_equal(was, now, 32);
}

static void out_of_memory_anywhere_is_an_error_and_leaks_nothing(void **state)
{
	(void)state;
	for (size_t n = 1; n < 100000; n = n < 60 ? n + 1 : n + n / 8) {
		size_t before = mem_blocks();
		struct findings f = FINDINGS_INIT;
		struct deployment *d = NULL;
		enum rc rc;

		mem_fail_after(n);
		rc = build(&good, &d, &f, NULL);
		mem_fail_after(0);
		if (rc == RC_OK) {
			deployment_free(d);
			findings_fini(&f);
			assert_int_equal(mem_blocks(), before);
			return;
		}
		assert_null(d);
		findings_fini(&f);
		assert_int_equal(mem_blocks(), before);
	}
	fail_msg("never succeeded");
}

/* ---- On disk ---- */

static char disk[] = "/tmp/remit-test-XXXXXX";

static void put(const char *name, const char *text, unsigned mode)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/%s", disk, name);
	assert_ok(file_replace(path, str_from(text), mode, NULL));
	assert_int_equal(chmod(path, mode), 0);
}

static const char *load_disk(struct findings *f, struct buf *out)
{
	AUTO_DEPLOYMENT d = NULL;

	findings_fini(f);
	*f = (struct findings)FINDINGS_INIT;
	(void)deployment_load(disk, &d, f, NULL); /* the findings say it all */
	buf_reset(out);
	assert_ok(findings_print(f, out));
	assert_ok(buf_add_char(out, '\0'));
	return out->p;
}

static void secrets_must_exist_and_be_private(void **state)
{
	(void)state;
	static const char *const dirs[] = {"agents",  "upstreams",     "playbooks",
					   "secrets", "policies/base", "policies/agents/responder"};
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_BUF out = BUF_INIT(1 << 20);
	char path[300];

	assert_non_null(mkdtemp(disk));
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", disk, dirs[i]);
		assert_ok(file_mkdirs(path, 0700, NULL));
	}
	for (size_t i = 0; i < good.files.n; i++) {
		put(good.files.p[i].path.p, good.files.p[i].bytes.p, 0644);
	}
	assert_non_null(strstr(load_disk(&f, &out), "no file '"));
	put("secrets/agents.crt", "x", 0644);
	put("secrets/agents.key", "x", 0600);
	put("secrets/clients.crt", "x", 0644);
	put("secrets/alerts.token", "x", 0400);
	load_disk(&f, &out);
	assert_int_equal(f.n_errors, 0);
	put("secrets/agents.key", "x", 0640);
	assert_non_null(strstr(load_disk(&f, &out), "is a secret, but its mode is 0640"));
	put("secrets/agents.key", "x", 0600);
	put("gates.yaml.md", "x", 0644);
	put("agents/notes.txt", "x", 0644);
	put("agents/README.md", "x", 0644);
	assert_non_null(strstr(load_disk(&f, &out), "agents/notes.txt: warning: ignored"));
	assert_int_equal(f.n_warnings, 1);
	(void)snprintf(path, sizeof(path), "%s/gates.yaml", disk);
	assert_int_equal(chmod(path, 0666), 0);
	assert_non_null(strstr(load_disk(&f, &out), "everybody may write this file"));
	(void)snprintf(path, sizeof(path), "rm -rf %s", disk);
	assert_int_equal(system(path), 0);
}

static void a_directory_that_is_not_there_is_absent(void **state)
{
	(void)state;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;

	assert_rc(deployment_load("/nonexistent/remit", &d, &f, NULL), RC_ABSENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_directory_becomes_a_bundle_without_a_finding),
	    cmocka_unit_test(a_catalog_entry_and_an_upstreams_listing_have_one_digest),
	    cmocka_unit_test(conditions_of_a_tool_name_what_can_come_about),
	    cmocka_unit_test(caps_are_read_and_must_bound_something),
	    cmocka_unit_test(an_agent_must_be_complete_and_ours),
	    cmocka_unit_test(people_groups_and_gates_must_fit_together),
	    cmocka_unit_test(freezes_are_a_file_that_may_be_absent),
	    cmocka_unit_test(witnesses_are_a_policy_and_what_waits_for_them),
	    cmocka_unit_test(routing_names_what_is_there_and_can_be_allowed),
	    cmocka_unit_test(signals_are_demanded_and_told_as_the_catalog_says),
	    cmocka_unit_test(remit_yaml_is_held_to_its_keys),
	    cmocka_unit_test(plain_listeners_are_for_loopback_and_say_so),
	    cmocka_unit_test(upstreams_and_names_are_held_to_their_rules),
	    cmocka_unit_test(what_results_are_is_described_in_known_words),
	    cmocka_unit_test(a_catalog_says_what_its_results_are),
	    cmocka_unit_test(
		a_tool_that_changes_something_must_be_undoable_verifiable_and_preserve),
	    cmocka_unit_test(what_is_preserved_first_is_something_that_a_read_captures),
	    cmocka_unit_test(an_effect_is_never_lower_than_what_the_entry_proves),
	    cmocka_unit_test(a_read_that_touches_secrets_is_held_to_the_rules_of_change),
	    cmocka_unit_test(playbooks_name_what_is_there),
	    cmocka_unit_test(policies_keep_to_their_place_and_to_names_that_exist),
	    cmocka_unit_test(what_is_allowed_but_probably_not_meant_is_a_warning),
	    cmocka_unit_test(all_errors_are_collected_and_bounded),
	    cmocka_unit_test(the_digest_covers_what_governs_and_not_where_it_listens),
	    cmocka_unit_test(out_of_memory_anywhere_is_an_error_and_leaks_nothing),
	    cmocka_unit_test(secrets_must_exist_and_be_private),
	    cmocka_unit_test(a_directory_that_is_not_there_is_absent),
	};
	return cmocka_run_group_tests(tests, read_good, drop_good);
}
