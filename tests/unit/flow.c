/* SPDX-License-Identifier: Apache-2.0 */
/* flow.c - what must have happened before a call, what must hold of it, and who acted since. */
#include "test.h"

#include "scene.h"

static uint64_t called(struct scene *w, uint64_t task, const char *tool, const char *effect,
		       const char *target, const char *outcome)
{
	struct leaf l = fold_call(task, str_from(effect), 7);
	const struct str targets[] = {str_from(target)};
	uint64_t ix;

	l.call_decided.tool = str_from(tool);
	l.call_decided.agent = state_task(w->f.s, task)->agent;
	l.call_decided.targets = (struct str_list){targets, 1};
	ix = fold_add(&w->f, l);
	fold_add(&w->f, LEAF_OF(CALL_COMPLETED, call_completed, .call = ix,
				.kind = str_from(outcome), .labels = LIST(STR("operational"))));
	return ix;
}

static void a_tool_waits_for_what_it_requires_of_the_task(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	const struct prerequisite p = {.tool = STR("db___sessions"), .label = STR("")};

	w->tools[TOOL_END].prerequisites = &p;
	w->tools[TOOL_END].n_prerequisites = 1;
	expect_deny(w, CHAIN_FORBIDDEN);
	called(w, w->task, "db___sessions", "read", "pg-role:batch", "tool_error");
	expect_deny(w, CHAIN_FORBIDDEN);
	called(w, w->task, "db___sessions", "read", "pg-role:batch", "ok");
	expect_allow(w);
	scene_free(w);
}

static void a_tool_waits_for_what_it_requires_of_each_target(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	const struct prerequisite p = {
	    .tool = STR("db___sessions"), .label = STR(""), .is_for_target = true};

	w->tools[TOOL_END].prerequisites = &p;
	w->tools[TOOL_END].n_prerequisites = 1;
	called(w, w->task, "db___sessions", "read", "pg-role:batch", "ok");
	expect_deny(w, CHAIN_FORBIDDEN);
	called(w, w->task, "db___sessions", "read", "pg-role:app", "ok");
	called(w, w->task, "db___role", "read", "pg-role:app", "ok");
	expect_allow(w);
	scene_free(w);
}

static void a_tool_waits_for_a_label(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	const struct prerequisite p = {.tool = STR(""), .label = STR("operational")};

	w->tools[TOOL_END].prerequisites = &p;
	w->tools[TOOL_END].n_prerequisites = 1;
	expect_deny(w, CHAIN_FORBIDDEN);
	called(w, w->task, "db___sessions", "read", "pg-role:batch", "ok");
	expect_allow(w);
	scene_free(w);
}

static void an_argument_keeps_what_must_always_hold(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct invariant i = {.pointer = STR("/records"), .not_empty = true};

	w->tools[TOOL_END].input_schema = NULL;

	w->tools[TOOL_END].arguments = NULL;
	w->tools[TOOL_END].invariants = &i;
	w->tools[TOOL_END].n_invariants = 1;
	for (unsigned k = 0; k < 5; k++) {
		static const char *const empty[] = {
		    "{\"role\":\"app\"}", "{\"role\":\"app\",\"records\":[]}",
		    "{\"role\":\"app\",\"records\":{}}", "{\"role\":\"app\",\"records\":\" \"}",
		    "{\"role\":\"app\",\"records\":null}"};

		w->r.args = scene_json(w, empty[k]);
		expect_deny(w, INVARIANT_VIOLATED);
	}
	w->r.args = scene_json(w, "{\"role\":\"app\",\"records\":[1,2]}");
	expect_allow(w);
	i.has_max = true;
	i.max = 1; /* of a list: so many */
	expect_deny(w, INVARIANT_VIOLATED);
	i = (struct invariant){.pointer = STR("/n"), .has_min = true, .min = 2};
	w->r.args = scene_json(w, "{\"role\":\"app\",\"n\":1}");
	expect_deny(w, INVARIANT_VIOLATED);
	w->r.args = scene_json(w, "{\"role\":\"app\"}");
	expect_deny(w, INVARIANT_VIOLATED); /* what is not there is not at least two */
	w->r.args = scene_json(w, "{\"role\":\"app\",\"n\":2}");
	expect_allow(w);
	i = (struct invariant){.pointer = STR("/n"), .equals = scene_json(w, "3")};
	expect_deny(w, INVARIANT_VIOLATED);
	scene_free(w);
}

static void a_target_in_use_is_looked_for_last_and_left_alone(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->tools[TOOL_END].in_use = (struct derived_call){
	    .tool = STR("sessions"),
	    .args = scene_json(w, "{}"),
	    .pointer = STR("/plan"),
	    .equals = scene_json(w, "{\"$args\":\"/role\"}"),
	};
	expect_allow(w);
	assert_true(w->d.needs_use);
	w->r.use = scene_json(w, "{\"plan\":\"other\"}");
	expect_allow(w);
	assert_false(w->d.needs_use);
	w->r.use = scene_json(w, "{\"plan\":\"app\"}");
	expect_deny(w, TARGET_IN_USE);
	w->r.use = scene_json(w, "{\"error\":\"no such plan\"}");
	expect_deny(w, TARGET_IN_USE);
	w->r.use = NULL;
	scene_policies_add(w, "forbid(principal, action, resource);");
	expect_deny(w, FORBIDDEN); /* nobody is asked about what is denied anyway */
	assert_false(w->d.needs_use);
	scene_free(w);
}

static void the_fencing_token_is_not_the_agents_to_give(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->tools[TOOL_END].fence = STR("/n");
	expect_allow(w);
	w->r.args = scene_json(w, "{\"role\":\"app\",\"n\":99}");
	expect_deny(w, ARG_SCHEMA);
	scene_free(w);
}

static uint64_t second_task(struct scene *w)
{
	return fold_add(
	    &w->f,
	    LEAF_OF(TASK_OPENED, task_opened, .incident = w->incident,
		    .agent = STR("spiffe://example.org/other"), .playbook = STR("db-saturation"),
		    .tools = LIST(STR("db___end")), .targets = LIST(STR("pg-role:app")),
		    .phase = STR("contain"), .not_after = w->f.t + 3600 * 1000, .max_calls = 20,
		    .max_targets = 2, .max_deviations = 3, .accountable = STR("alice")));
}

/* A reads plan 105, B applies 112, A applies 105: A is stale until it reads again. */
static void who_planned_before_somebody_else_acted_must_read_again(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t other = second_task(w);

	called(w, w->task, "db___sessions", "read", "pg-role:app", "ok");
	expect_allow(w);
	called(w, other, "db___end", "contain", "pg-role:app", "ok");
	expect_deny(w, STALE_GENERATION);
	called(w, w->task, "db___sessions", "read", "pg-role:app", "tool_error");
	expect_deny(w, STALE_GENERATION);
	called(w, w->task, "db___sessions", "read", "pg-role:app", "ok");
	expect_allow(w);
	called(w, w->task, "db___end", "contain", "pg-role:app", "ok");
	expect_allow(w); /* its own acts are no news to it */
	called(w, other, "db___end", "contain", "pg-role:app", "ok");
	expect_deny(w, STALE_GENERATION);
	scene_free(w);
}

static void who_has_no_plan_yet_may_act_after_somebody_else(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	called(w, second_task(w), "db___end", "contain", "pg-role:app", "ok");
	expect_allow(w);
	scene_free(w);
}

static void an_approval_does_not_outlive_somebody_elses_act_on_the_target(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t other = second_task(w);

	w->r.tag = fold_tag(3);
	scene_policies_add(w, "@gate(\"secops\") forbid(principal, action, resource);");
	expect_ask(w, NEEDS_APPROVAL);
	fold_granted(&w->f, w->task, 3);
	called(w, other, "db___end", "contain", "pg-role:app", "ok");
	expect_deny(w, STALE_GENERATION);
	scene_free(w);
}

static void a_policy_gives_its_denial_a_code_of_the_closed_list(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	scene_policies_add(w, "@reason(\"chain_forbidden: not after that\") "
			      "forbid(principal, action, resource);");
	expect_deny(w, CHAIN_FORBIDDEN);
	assert_str(w->d.detail, "not after that");
	scene_policies_add(w, "@reason(\"egress_denied: it stays here\") "
			      "forbid(principal, action, resource);");
	expect_deny(w, EGRESS_DENIED);
	scene_policies_add(w, "@reason(\"kill_active: a policy is no stop\") "
			      "forbid(principal, action, resource);");
	expect_deny(w, FORBIDDEN);
	assert_str(w->d.detail, "kill_active: a policy is no stop");
	scene_policies_add(w, "@reason(\"note: plain words\") "
			      "forbid(principal, action, resource);");
	expect_deny(w, FORBIDDEN);
	scene_free(w);
}

static void a_gate_with_a_code_asks_with_it_and_no_preapproval_is_enough(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	fold_add(&w->f, LEAF_OF(PREAPPROVAL_OPENED, preapproval_opened, .person = STR("bob"),
				.tool = STR("db___end"), .max_uses = 9, .window_ms = 3600 * 1000,
				.not_after = w->f.t + 3600 * 1000));
	scene_policies_add(w, "@gate(\"secops\") @reason(\"mind the step\") "
			      "forbid(principal, action, resource);");
	expect_allow(w);
	scene_policies_add(w, "@gate(\"secops\") @reason(\"tainted_input: whose words?\") "
			      "forbid(principal, action, resource);");
	expect_ask(w, TAINTED_INPUT);
	assert_str(w->d.detail, "whose words?");
	scene_free(w);
}

static void policies_see_what_the_task_did(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	static const char only[] =
	    "forbid(principal, action, resource) unless { "
	    "context.task.count.read == 2 && context.task.count.contain == 1 && "
	    "context.task.count.destroy == 0 && context.task.count.db___sessions == 2 && "
	    "context.task.count.web___block == 0 && "
	    "context.task.tools.contains(\"db___sessions\") && "
	    "!context.task.tools.contains(\"db___lock\") && "
	    "context.task.since_s.read == 7 && !(context.task.since_s has contain) && "
	    "context.egress == \"none\" };";

	scene_policies_add(w, only);
	expect_deny(w, FORBIDDEN);
	called(w, w->task, "db___sessions", "read", "pg-role:app", "ok");
	called(w, w->task, "db___lock", "contain", "pg-role:app", "tool_error");
	called(w, w->task, "db___sessions", "read", "pg-role:app", "ok");
	w->f.t += 7 * 1000;
	expect_allow(w);
	called(w, w->task, "db___sessions", "read", "pg-role:app", "ok");
	expect_deny(w, FORBIDDEN);
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_tool_waits_for_what_it_requires_of_the_task),
	    cmocka_unit_test(a_tool_waits_for_what_it_requires_of_each_target),
	    cmocka_unit_test(a_tool_waits_for_a_label),
	    cmocka_unit_test(an_argument_keeps_what_must_always_hold),
	    cmocka_unit_test(a_target_in_use_is_looked_for_last_and_left_alone),
	    cmocka_unit_test(the_fencing_token_is_not_the_agents_to_give),
	    cmocka_unit_test(who_planned_before_somebody_else_acted_must_read_again),
	    cmocka_unit_test(who_has_no_plan_yet_may_act_after_somebody_else),
	    cmocka_unit_test(an_approval_does_not_outlive_somebody_elses_act_on_the_target),
	    cmocka_unit_test(a_policy_gives_its_denial_a_code_of_the_closed_list),
	    cmocka_unit_test(a_gate_with_a_code_asks_with_it_and_no_preapproval_is_enough),
	    cmocka_unit_test(policies_see_what_the_task_did),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
