/* SPDX-License-Identifier: Apache-2.0 */
/* yard.h - six machines and two agents on one incident, for the tests of what is counted.
 *
 * The scene's deployment with a group of assets, a cap without a bound, and what the governor does
 * with decisions: admit, complete, revert.
 */
#pragma once

#include "scene.h"

enum { MACHINES = 6 };

/* Six machines in a group, two agents with a task each on the same incident, and room in the
 * playbook, so that what bounds is the caps. */
struct yard {
	struct scene *w;
	struct asset assets[MACHINES];
	const struct asset *members[MACHINES];
	struct asset_group group;
	struct cap caps[4];
	uint64_t other_task;
	char args[MACHINES][32];
};

static const struct str machines[MACHINES] = {
    {"pg-role:m0", 10}, {"pg-role:m1", 10}, {"pg-role:m2", 10},
    {"pg-role:m3", 10}, {"pg-role:m4", 10}, {"pg-role:m5", 10},
};

__attribute__((unused)) static uint64_t open_task(struct yard *y, struct str agent)
{
	return fold_add(
	    &y->w->f, LEAF_OF(TASK_OPENED, task_opened, .incident = y->w->incident, .agent = agent,
			      .playbook = STR("db-saturation"),
			      .tools = LIST(STR("db___sessions"), STR("db___end"), STR("db___lock"),
					    STR("db___unlock"), STR("web___block")),
			      .targets = {machines, MACHINES}, .data = LIST(STR("operational")),
			      .phase = STR("contain"), .not_after = y->w->f.t + 48 * 3600 * 1000,
			      .max_calls = 1000, .max_targets = 100, .max_deviations = 3,
			      .accountable = STR("alice")));
}

__attribute__((unused)) static struct yard *yard_new(void)
{
	struct yard *y = mem_calloc(1, sizeof(*y));

	assert_non_null(y);
	y->w = scene_new();
	fold_add(&y->w->f, LEAF_OF(INCIDENT_UPDATED, incident_updated, .incident = y->w->incident,
				   .severity = 2, .class = STR("db-saturation"),
				   .assets = {machines, MACHINES}));
	for (unsigned i = 0; i < MACHINES; i++) {
		y->assets[i] = (struct asset){
		    .target = machines[i],
		    .environment = STR("production"),
		    .is_listed = true,
		};
		y->members[i] = &y->assets[i];
		(void)snprintf(y->args[i], sizeof(y->args[i]), "{\"role\":\"m%u\"}", i);
	}
	y->group = (struct asset_group){STR("fleet-db"), y->members, MACHINES};
	y->w->b.inventory = (struct inventory){
	    .assets = y->assets, .n_assets = MACHINES, .groups = &y->group, .n_groups = 1};
	y->w->b.caps = y->caps;
	y->caps[0] = (struct cap){
	    .name = STR("cap"), .effects = {true, true, true}, .window_ms = 3600 * 1000};
	y->w->b.n_caps = 1;
	y->w->task = open_task(y, FOLD_AGENT);
	y->other_task = open_task(y, STR("spiffe://example.org/other"));
	scene_policies_add(y->w, "permit(principal == Remit::Agent::\"other\", action, resource);");
	return y;
}

__attribute__((unused)) static void yard_free(struct yard *y)
{
	scene_free(y->w);
	mem_free(y);
}

__attribute__((unused)) static void ask_for(struct yard *y, uint64_t task, unsigned machine)
{
	y->w->r.task = task;
	y->w->r.agent = state_task(y->w->f.s, task)->agent;
	y->w->r.args = scene_json(y->w, y->args[machine]);
}

/* What the governor does with a decision that allows. */
__attribute__((unused)) static uint64_t admit(struct yard *y)
{
	const struct decision *d = &y->w->d;
	uint64_t ix;
	struct leaf l =
	    LEAF_OF(CALL_DECIDED, call_decided, .task = y->w->r.task, .purpose = STR("agent"),
		    .agent = y->w->r.agent, .tool = y->w->r.tool, .effect = effect_name(d->effect),
		    .targets = d->targets, .tag = y->w->r.tag, .verdict = STR("allow"),
		    .reason = STR("allowed"), .approval = d->approval, .takings = d->takings,
		    .held_until = y->w->f.t + 900 * 1000);

	assert_int_equal(d->verdict, VERDICT_ALLOW);
	ix = fold_add(&y->w->f, l);
	return ix;
}

__attribute__((unused)) static void complete(struct yard *y, uint64_t call, struct str kind)
{
	fold_add(&y->w->f, LEAF_OF(CALL_COMPLETED, call_completed, .call = call, .kind = kind));
}

__attribute__((unused)) static uint64_t act(struct yard *y, uint64_t task, unsigned machine)
{
	uint64_t call;

	ask_for(y, task, machine);
	expect_allow(y->w);
	call = admit(y);
	complete(y, call, STR("ok"));
	return call;
}

__attribute__((unused)) static void revert(struct yard *y, uint64_t call)
{
	uint64_t m =
	    fold_add(&y->w->f, LEAF_OF(TERM_STARTED, term_started, .call = call, .task = y->w->task,
				       .tool = STR("db___unlock"), .end = STR("revert")));

	fold_add(&y->w->f,
		 LEAF_OF(TERM_CHANGED, term_changed, .term = m, .how = STR("rolling_back")));
	fold_add(&y->w->f, LEAF_OF(TERM_CHANGED, term_changed, .term = m, .how = STR("reverted")));
}
