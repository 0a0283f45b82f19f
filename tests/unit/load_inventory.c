/* SPDX-License-Identifier: Apache-2.0 */
/* load_inventory.c - inventory/: what it says, and what it must not say twice. */
#include "test.h"

#include "config/load.h"

static const uint64_t NOW = 1795392000000; /* 2026-11-23 */

static const char hosts[] = "environment: staging\n"
			    "assets:\n"
			    "  host:WEB2.Example.: {team: web, labels: {role: web}}\n"
			    "  host:web1.example:\n"
			    "    environment: production\n"
			    "    service: shop\n"
			    "    owner: alice\n"
			    "    criticality: crown-jewel\n"
			    "    health: down\n"
			    "    labels: {role: web, tier: front}\n"
			    "  host:db1.example: {}\n"
			    "kinds:\n"
			    "  ip: {environment: any}\n";
static const char fleets[] = "groups:\n"
			     "  web: {labels: role=web}\n"
			     "  named: {members: [host:db1.example], prefix: [\"host:web1\"]}\n";

/* The deployment of tests/data with these two files. */
static enum rc build(const char *first, const char *second, struct deployment **ret,
		     struct findings *f)
{
	AUTO_TREE tree = TREE_INIT;
	struct err e = ERR_INIT;

	assert_ok(tree_read(&tree, TEST_DATA "/deployment", f, &e));
	assert_ok(tree_add(&tree, STR("inventory/hosts.yaml"), str_from(first), &e));
	assert_ok(tree_add(&tree, STR("inventory/fleets.yaml"), str_from(second), &e));
	return deployment_build(&tree, NULL, NOW, ret, f, &e);
}

static void assets_are_listed_under_their_canonical_names(void **state)
{
	(void)state;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	const struct inventory *i;
	const struct asset *a;

	assert_ok(build(hosts, fleets, &d, &f));
	i = &d->bundle->inventory;
	assert_int_equal(i->n_assets, 3);
	a = inventory_find(i, STR("host:web2.example"));
	assert_non_null(a);
	assert_str(a->environment, "staging");
	assert_str(a->team, "web");
	assert_int_equal(a->groups.n, 1);
	assert_str(a->groups.p[0], "web");
	a = inventory_find(i, STR("host:web1.example"));
	assert_non_null(a);
	assert_str(a->environment, "production");
	assert_str(a->owner, "alice");
	assert_true(a->is_crown_jewel);
	assert_true(a->is_down);
	assert_int_equal(a->groups.n, 2);
	assert_int_equal(inventory_group(i, STR("named"))->n_members, 2);
	assert_true(asset_group_has(inventory_group(i, STR("named")), STR("host:web1.example")));
	assert_str(inventory_asset(i, STR("ip:192.0.2.9")).environment, "any");
}

static void what_an_inventory_must_not_say_is_an_error(void **state)
{
	(void)state;
	static const struct {
		const char *assets;
		const char *groups;
		const char *expected;
	} cases[] = {
	    {"assets:\n  host:a.example: {}\n  host:A.example.: {}\n", "groups: {}\n",
	     "inventory/hosts.yaml:3:20: error: 'host:A.example.' is asset 'host:a.example' again"},
	    {"assets:\n  host:*: {}\n", "groups: {}\n", "is no single target"},
	    {"assets:\n  host:a.example: {owner: nobody}\n", "groups: {}\n", "no person 'nobody'"},
	    {"assets:\n  host:a.example: {criticality: high}\n", "groups: {}\n",
	     "expected standard or crown-jewel"},
	    {"assets:\n  host:a.example: {health: sick}\n", "groups: {}\n", "expected up or down"},
	    {"assets:\n  host:a.example: {labels: {\"a b\": c}}\n", "groups: {}\n",
	     "a label's name and value"},
	    {"assets:\n  host:a.example: {enviroment: x}\n", "groups: {}\n",
	     "did you mean 'environment'"},
	    {"assets: {}\n", "groups:\n  web: {members: [host:a.example]}\n",
	     "no asset of an inventory is called 'host:a.example'"},
	    {"assets: {}\n", "groups:\n  web: {labels: role=web}\n", "group 'web' has no member"},
	    {"assets:\n  host:a.example: {}\n", "groups:\n  web: {labels: \"role in\"}\n",
	     "'labels': a selector's list of values begins with '('"},
	    {"kinds: {\"IP\": {}}\n", "groups: {}\n", "is no kind"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FINDINGS f = FINDINGS_INIT;
		AUTO_DEPLOYMENT d = NULL;
		AUTO_BUF out = BUF_INIT(1 << 20);

		assert_int_equal(build(cases[i].assets, cases[i].groups, &d, &f), RC_INPUT);
		assert_ok(findings_print(&f, &out));
		assert_ok(buf_add_char(&out, '\0'));
		if (!strstr(out.p, cases[i].expected)) {
			fail_msg("wanted: %s\ngot: %s", cases[i].expected, out.p);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(assets_are_listed_under_their_canonical_names),
	    cmocka_unit_test(what_an_inventory_must_not_say_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
