/* SPDX-License-Identifier: Apache-2.0 */
/* inventory.c - what is known of assets decides where an agent may act, and what policies see. */
#include "scene.h"

static const struct str web_groups[] = {{"web", 3}, {"shop-fleet", 10}};
static const struct str labels[] = {{"role=web", 8}};

static const struct asset assets[] = {
    {.target = {"host:db1", 8}, .environment = {"staging", 7}, .is_listed = true},
    {.target = {"host:web1", 9},
     .environment = {"production", 10},
     .service = {"shop", 4},
     .owner = {"olga", 4},
     .team = {"web", 3},
     .is_crown_jewel = true,
     .labels = {labels, 1},
     .groups = {web_groups, 2},
     .is_listed = true},
    {.target = {"pg-role:app", 11},
     .environment = {"production", 10},
     .team = {"sre", 3},
     .is_listed = true},
    {.target = {"pg-role:batch", 13},
     .environment = {"production", 10},
     .owner = {"vera", 4},
     .is_listed = true,
     .is_down = true},
};
static const struct asset *const members[] = {&assets[2], &assets[3]};
static const struct asset_group groups[] = {
    {.name = {"logins", 6}, .members = members, .n_members = 2}};
static const struct asset_kind kinds[] = {
    {.kind = {"ip", 2}, .environment = {"any", 3}},
    {.kind = {"vault", 5}, .environment = {"production", 10}, .is_control_plane = true}};
static const struct inventory inventory = {.assets = assets,
					   .n_assets = ARRAY_LEN(assets),
					   .groups = groups,
					   .n_groups = 1,
					   .kinds = kinds,
					   .n_kinds = 2};

static struct scene *scene_with_inventory(void)
{
	struct scene *w = scene_new();

	w->b.inventory = inventory;
	return w;
}

static void an_asset_is_found_by_its_name_and_the_unknown_is_production(void **state)
{
	(void)state;
	struct asset a;

	for (size_t i = 0; i < ARRAY_LEN(assets); i++) {
		assert_ptr_equal(inventory_find(&inventory, assets[i].target), &assets[i]);
	}
	assert_null(inventory_find(&inventory, STR("host:web")));
	a = inventory_asset(&inventory, STR("host:other"));
	assert_str(a.environment, "production");
	assert_false(a.is_listed);
	assert_false(a.is_control_plane);
	assert_str(inventory_asset(&inventory, STR("ip:192.0.2.1")).environment, "any");
	assert_true(inventory_asset(&inventory, STR("vault:main")).is_control_plane);
	assert_true(inventory_asset(&inventory, STR("backup:nightly")).is_control_plane);
	assert_true(asset_group_has(&groups[0], STR("pg-role:batch")));
	assert_false(asset_group_has(&groups[0], STR("pg-role:other")));
	assert_ptr_equal(inventory_group(&inventory, STR("logins")), &groups[0]);
	assert_null(inventory_group(&inventory, STR("login")));
}

static void a_target_in_another_environment_is_denied(void **state)
{
	(void)state;
	static struct asset moved[ARRAY_LEN(assets)];
	struct scene *w = scene_with_inventory();

	expect_allow(w); /* pg-role:app is production, as the agent */
	memcpy(moved, assets, sizeof(assets));
	moved[2].environment = STR("staging");
	w->b.inventory.assets = moved;
	expect_deny(w, ENV_MISMATCH);
	scene_free(w);
}

static void an_asset_that_is_not_listed_is_out_of_reach_of_staging(void **state)
{
	(void)state;
	static struct asset moved[ARRAY_LEN(assets)];
	struct scene *w = scene_with_inventory();

	/* the same agent, task and incident, all in staging */
	w->agents[0].environment = STR("staging");
	state_free(w->f.s);
	w->f = fold_new();
	w->incident = fold_add(&w->f, LEAF_OF(INCIDENT_OPENED, incident_opened,
					      .source = STR("pager"), .class = STR("db-saturation"),
					      .severity = 2, .environment = STR("staging"),
					      .assets = LIST(STR("pg-role:app"))));
	w->task = fold_task(&w->f, w->incident);
	fold_add(&w->f, LEAF_OF(TASK_PHASE, task_phase, .task = w->task, .phase = STR("contain")));
	w->r.task = w->task;
	memcpy(moved, assets, sizeof(assets));
	moved[2].environment = STR("staging");
	w->b.inventory.assets = moved;
	expect_allow(w);
	w->b.inventory = (struct inventory){0};
	expect_deny(w, ENV_MISMATCH);
	scene_free(w);
}

static void an_attackers_address_is_in_no_environment(void **state)
{
	(void)state;
	struct scene *w = scene_with_inventory();

	w->r.tool = STR("web___block");
	w->r.args = scene_json(w, "{\"ip\":\"192.0.2.1\"}");
	w->b.tools = w->tools;
	fold_add(&w->f, LEAF_OF(TOOL_OBSERVED, tool_observed, .tool = STR("web___block"),
				.digest = {{TOOL_BLOCK + 1}}, .pinned = true));
	expect_allow(w);
	scene_free(w);
}

static void an_owned_tool_reaches_only_ones_own(void **state)
{
	(void)state;
	struct scene *w = scene_with_inventory();

	w->tools[TOOL_END].is_owned = true;
	expect_allow(w); /* the agent's team */
	w->agents[0].team = STR("web");
	expect_deny(w, TARGET_NOT_OWNED);
	w->tools[TOOL_END].is_owned = false;
	expect_allow(w);
	w->tools[TOOL_END].is_owned = true;
	w->b.inventory = (struct inventory){0};
	w->agents[0].team = STR("");
	expect_deny(w, TARGET_NOT_OWNED); /* nobody's is not everybody's */
	scene_free(w);
}

static void policies_see_what_the_inventory_knows(void **state)
{
	(void)state;
	static const struct {
		const char *condition;
		bool holds;
	} cases[] = {
	    {"resource.environment == \"production\"", true},
	    {"resource.team == \"sre\"", true},
	    {"resource.listed", true},
	    {"resource.criticality == \"standard\"", true},
	    {"resource.control_plane", false},
	    {"resource.owner == \"olga\"", false},
	    {"resource.service == \"\"", true},
	    {"resource in Remit::Group::\"web\"", true},
	    {"resource in Remit::Group::\"db\"", false},
	    {"resource.labels.contains(\"role=web\")", true},
	    {"resource in Remit::Service::\"shop\"", false},
	};
	static struct asset some[ARRAY_LEN(assets)];
	struct scene *w = scene_with_inventory();

	memcpy(some, assets, sizeof(assets));
	some[2].groups = (struct str_list){.p = web_groups, .n = 2};
	some[2].labels = (struct str_list){.p = labels, .n = 1};
	w->b.inventory.assets = some;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char policy[300];

		(void)snprintf(policy, sizeof(policy),
			       "@id(\"f\") forbid(principal, action, resource is Remit::Asset) "
			       "when { %s };",
			       cases[i].condition);
		scene_policies_add(w, policy);
		scene_expect(w, cases[i].holds ? VERDICT_DENY : VERDICT_ALLOW,
			     cases[i].holds ? REASON_FORBIDDEN : REASON_ALLOWED, (int)i);
	}
	some[2].service = STR("shop");
	scene_policies_add(w, "@id(\"f\") forbid(principal, action, resource in "
			      "Remit::Service::\"shop\");");
	expect_deny(w, FORBIDDEN);
	scene_free(w);
}

static struct leaf health_of(const char *target, const char *health)
{
	return LEAF_OF(INVENTORY_CHANGED, inventory_changed, .target = str_from(target),
		       .health = str_from(health), .by = STR("alice"));
}

static void the_health_in_force_is_the_last_word_else_the_files(void **state)
{
	(void)state;
	struct fold f = fold_new();
	struct digest before = fold_digest(&f);
	struct digest after;
	bool is_up;

	assert_true(state_asset_is_up(f.s, &assets[2]));
	assert_false(state_asset_is_up(f.s, &assets[3]));
	assert_int_equal(state_group_up(f.s, &groups[0]), 1);
	fold_add(&f, health_of("pg-role:batch", "up"));
	fold_add(&f, health_of("host:db1", "down"));
	assert_int_equal(state_group_up(f.s, &groups[0]), 2);
	fold_add(&f, health_of("pg-role:app", "down"));
	fold_add(&f, health_of("pg-role:app", "down"));
	assert_int_equal(state_group_up(f.s, &groups[0]), 1);
	assert_str(state_next_health(f.s, 0, &is_up), "host:db1");
	after = fold_digest(&f);
	assert_false(digest_eq(&before, &after));
	fold_add(&f, health_of("pg-role:app", "file"));
	fold_add(&f, health_of("pg-role:batch", "file"));
	fold_add(&f, health_of("host:db1", "file"));
	fold_add(&f, health_of("host:db1", "file"));
	assert_null(state_next_health(f.s, 0, &is_up).p);
	assert_int_equal(state_group_up(f.s, &groups[0]), 1);
	fold_refuse(&f, health_of("pg-role:app", "sideways"));
	fold_refuse(&f, health_of("", "up"));
	state_free(f.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_asset_is_found_by_its_name_and_the_unknown_is_production),
	    cmocka_unit_test(a_target_in_another_environment_is_denied),
	    cmocka_unit_test(an_asset_that_is_not_listed_is_out_of_reach_of_staging),
	    cmocka_unit_test(an_attackers_address_is_in_no_environment),
	    cmocka_unit_test(an_owned_tool_reaches_only_ones_own),
	    cmocka_unit_test(policies_see_what_the_inventory_knows),
	    cmocka_unit_test(the_health_in_force_is_the_last_word_else_the_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
