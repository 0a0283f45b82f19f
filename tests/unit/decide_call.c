/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "scene.h"

/* ---- 1 to 3 ---- */

static void stop(struct scene *w, const char *scope, const char *name)
{
	fold_add(&w->f,
		 LEAF_OF(KILL_SET, kill_set, .scope = str_from(scope), .name = str_from(name)));
	expect_deny(w, KILL_ACTIVE);
	fold_lift(&w->f, str_from(scope), str_from(name));
	expect_allow(w);
}

static void a_stop_of_any_scope_denies_and_lifting_it_allows(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	char id[24];

	expect_allow(w);
	stop(w, "all", "");
	stop(w, "agent", "spiffe://example.org/responder");
	stop(w, "agent", "responder");
	stop(w, "task", id_text('t', w->task, id).p);
	stop(w, "tool", "db___end");
	stop(w, "upstream", "db");
	fold_add(&w->f, LEAF_OF(KILL_SET, kill_set, .scope = STR("upstream"), .name = STR("web")));
	fold_add(&w->f,
		 LEAF_OF(KILL_SET, kill_set, .scope = STR("tool"), .name = STR("db___drop")));
	expect_allow(w); /* stops of others are none of its business */
	scene_free(w);
}

static void only_a_registered_agent_within_its_review_acts(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->agents[0].review_by_unix_ms = w->f.t + 1;
	expect_allow(w);
	w->agents[0].review_by_unix_ms = w->f.t;
	expect_deny(w, AGENT_EXPIRED);
	w->r.agent = STR("spiffe://example.org/nobody");
	expect_deny(w, AGENT_UNREGISTERED);
	scene_free(w);
}

static void a_call_needs_a_running_task_of_its_own(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->r.task = 0;
	expect_deny(w, TASK_REQUIRED);
	w->r.task = 999;
	expect_deny(w, TASK_UNKNOWN);
	w->r.task = w->task;
	w->r.agent = w->agents[1].id;
	expect_deny(w, TASK_UNKNOWN); /* another agent's */
	w->r.agent = w->agents[0].id;
	expect_allow(w);
	fold_add(&w->f, LEAF_OF(TASK_SUSPENDED, task_suspended, .task = w->task));
	expect_deny(w, TASK_SUSPENDED);
	fold_add(&w->f, LEAF_OF(TASK_RESUMED, task_resumed, .task = w->task));
	w->f.t += 3600 * 1000 - 1;
	expect_allow(w);
	w->f.t += 1;
	expect_deny(w, GRANT_EXPIRED);
	fold_add(&w->f, LEAF_OF(TASK_ENDED, task_ended, .task = w->task, .why = STR("done")));
	expect_deny(w, TASK_ENDED);
	fold_add(&w->f, LEAF_OF(TASK_CLOSED, task_closed, .task = w->task));
	expect_deny(w, TASK_ENDED);
	scene_free(w);
}

static void the_incident_is_the_ground_of_every_call(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	static const struct str none[] = {{"network-outage", 14}};
	struct str_list classes = w->agents[0].classes;

	w->agents[0].environment = STR("staging");
	expect_deny(w, ENV_MISMATCH);
	w->agents[0].environment = STR("production");
	w->agents[0].classes = (struct str_list){none, 1};
	expect_deny(w, INCIDENT_CLASS_NOT_ALLOWED);
	w->agents[0].classes = classes;
	w->agents[0].severity_from = 3;
	expect_deny(w, INCIDENT_CLASS_NOT_ALLOWED);
	w->agents[0].severity_from = 2;
	w->agents[0].severity_to = 2;
	expect_allow(w);
	w->agents[0].severity_to = 1;
	expect_deny(w, INCIDENT_CLASS_NOT_ALLOWED);
	w->agents[0].severity_to = 5;
	w->playbooks[0].classes = (struct str_list){none, 1};
	expect_deny(w, INCIDENT_CLASS_NOT_ALLOWED);
	w->playbooks[0].classes = classes;
	w->playbooks[0].name = STR("renamed");
	expect_deny(w, PLAYBOOK_UNKNOWN);
	w->playbooks[0].name = STR("db-saturation");
	expect_allow(w);
	fold_add(&w->f, LEAF_OF(INCIDENT_CLOSED, incident_closed, .incident = w->incident));
	expect_deny(w, INCIDENT_NOT_OPEN);
	scene_free(w);
}

/* ---- 4 and 5 ---- */

static void arguments_fit_the_tool_and_name_its_targets(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->r.tool = STR("db___nuke");
	expect_deny(w, TOOL_UNKNOWN);
	w->r.tool = STR("db___end");
	w->r.args = scene_json(w, "{\"role\":7}");
	expect_deny(w, ARG_SCHEMA);
	assert_true(str_contains(w->d.detail, STR("/role")));
	w->r.args = scene_json(w, "{\"role\":\"app\",\"x\":1}");
	expect_deny(w, ARG_SCHEMA);
	w->r.args = scene_json(w, "[\"app\"]");
	expect_deny(w, ARG_SCHEMA);
	w->r.args = NULL;
	expect_deny(w, ARG_SCHEMA);
	w->r.args = scene_json(w, "{\"role\":\"*\"}");
	expect_deny(w, SELECTOR_EMPTY_OR_WILDCARD);
	w->r.args = scene_json(w, "{\"role\":\"\"}");
	expect_deny(w, SELECTOR_EMPTY_OR_WILDCARD);
	w->tools[TOOL_END].n_targets = 0;
	w->r.args = scene_json(w, "{\"role\":\"app\"}");
	expect_deny(w, SELECTOR_EMPTY_OR_WILDCARD); /* what is no read acts on something */
	w->tools[TOOL_END].n_targets = 1;
	expect_allow(w);
	assert_int_equal(w->d.targets.n, 1);
	assert_str(w->d.targets.p[0], "pg-role:app");
	assert_int_equal(w->d.effect, EFFECT_CONTAIN);
	scene_free(w);
}

static void a_tool_of_an_upstream_is_pinned_to_what_was_seen(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct digest seen = {.bytes = {TOOL_BLOCK + 1}};

	w->r.tool = STR("web___block");
	w->r.args = scene_json(w, "{\"ip\":\"192.0.2.1\"}");
	expect_deny(w, TOOL_UNPINNED);
	fold_add(&w->f,
		 LEAF_OF(TOOL_OBSERVED, tool_observed, .tool = STR("web___block"), .digest = seen));
	expect_allow(w);
	seen.bytes[31] = 1;
	fold_add(&w->f,
		 LEAF_OF(TOOL_OBSERVED, tool_observed, .tool = STR("web___block"), .digest = seen));
	expect_deny(w, TOOL_UNPINNED);
	scene_free(w);
}

static void nobody_touches_what_is_on_the_never_list(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	static const struct str only_host[] = {{"host:*", 6}};

	w->r.args = scene_json(w, "{\"role\":\"postgres\"}");
	expect_deny(w, NEVER_LIST);
	w->b.never = (struct str_list){only_host, 1};
	expect_deny(w, INTENT_MISMATCH); /* now the grant says no */
	w->role.kind = STR("host");
	w->r.args = scene_json(w, "{\"role\":\"db1\"}");
	expect_deny(w, NEVER_LIST);
	scene_free(w);
}

/* ---- 6 ---- */

static void a_call_stays_within_the_grant(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	static const struct str personal[] = {{"personal", 8}};
	struct str_list data = w->tools[TOOL_END].data;

	expect_allow(w);
	w->r.tool = STR("db___unlock");
	expect_deny(w, INTENT_MISMATCH);
	w->r.tool = STR("db___end");
	w->r.args = scene_json(w, "{\"role\":\"batch\"}"); /* of the incident, not of the task */
	expect_deny(w, INTENT_MISMATCH);
	w->r.args = scene_json(w, "{\"role\":\"payroll\"}");
	expect_deny(w, TARGET_NOT_IN_INCIDENT);
	assert_true(reason_is_deviation(w->d.reason));
	w->r.args = scene_json(w, "{\"role\":\"app\"}");
	w->tools[TOOL_END].data = (struct str_list){personal, 1};
	expect_deny(w, DATA_SCOPE);
	w->tools[TOOL_END].data = data;
	expect_allow(w);
	assert_null(w->d.phase.p);
	scene_free(w);
}

static void a_tool_of_the_next_phase_moves_the_task_and_no_other_does(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->r.tool = STR("db___sessions"); /* contain -> diagnose is allowed */
	expect_allow(w);
	assert_str(w->d.phase, "diagnose");
	fold_add(&w->f, LEAF_OF(TASK_PHASE, task_phase, .task = w->task, .phase = STR("diagnose")));
	expect_allow(w);
	assert_null(w->d.phase.p);
	w->r.tool = STR("db___drop"); /* two steps away */
	expect_deny(w, PHASE);
	w->r.tool = STR("db___end");
	expect_allow(w);
	assert_str(w->d.phase, "contain");
	fold_add(&w->f, LEAF_OF(TASK_PHASE, task_phase, .task = w->task, .phase = STR("gone")));
	expect_deny(w, PHASE);
	scene_free(w);
}

/* ---- 7 ---- */

static uint64_t other_task(struct scene *w)
{
	return fold_add(
	    &w->f,
	    LEAF_OF(TASK_OPENED, task_opened, .incident = w->incident, .agent = FOLD_AGENT,
		    .playbook = STR("db-saturation"), .tools = LIST(STR("db___end")),
		    .targets = LIST(STR("pg-role:app"), STR("pg-role:batch"), STR("ip:192.0.2.1")),
		    .data = LIST(STR("operational")), .phase = STR("contain"),
		    .not_after = w->f.t + 1000, .max_calls = 2, .max_targets = 1));
}

static void caps_hold_at_their_edge(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf call;
	uint64_t c;

	w->r.task = other_task(w);
	call = fold_call(w->r.task, STR("contain"), 5);
	expect_allow(w);
	w->tools[TOOL_END].max_calls_per_task = 1;
	expect_allow(w);
	c = fold_add(&w->f, call);
	fold_add(&w->f, LEAF_OF(CALL_COMPLETED, call_completed, .call = c, .kind = STR("ok")));
	expect_deny(w, RATE_EXCEEDED); /* of the tool */
	w->tools[TOOL_END].max_calls_per_task = 2;
	expect_allow(w);
	w->r.args = scene_json(w, "{\"role\":\"batch\"}");
	expect_deny(w, BLAST_RADIUS); /* a second target */
	w->r.args = scene_json(w, "{\"role\":\"app\"}");
	expect_allow(w); /* the same again */
	w->tools[TOOL_END].max_calls_per_task = 0;
	fold_add(&w->f, call);
	expect_deny(w, RATE_EXCEEDED); /* of the task */
	scene_free(w);
}

static void two_tasks_do_not_act_on_one_target_at_once(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t other = other_task(w);
	struct leaf call = fold_call(other, STR("read"), 5);
	uint64_t c;

	fold_add(&w->f, call);
	expect_allow(w); /* reading disturbs nobody */
	c = fold_add(&w->f, fold_call(other, STR("contain"), 6));
	expect_deny(w, TARGET_LEASED);
	w->r.tool = STR("db___sessions");
	expect_allow(w);
	w->r.tool = STR("db___end");
	fold_add(&w->f, LEAF_OF(CALL_COMPLETED, call_completed, .call = c, .kind = STR("ok")));
	expect_allow(w);
	fold_add(&w->f, fold_call(w->task, STR("contain"), 7));
	expect_allow(w); /* its own */
	scene_free(w);
}

/* ---- 8 ---- */

static void what_wants_a_capture_says_so_and_has_a_way_back(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct derived_call inverse = w->tools[TOOL_LOCK].inverse;

	w->r.tool = STR("db___lock");
	expect_allow(w);
	assert_true(w->d.needs_capture);
	w->r.pre = scene_json(w, "{\"n\":5}");
	expect_allow(w);
	assert_false(w->d.needs_capture);
	w->r.pre = scene_json(w, "{\"m\":5}"); /* the way back cannot be written down */
	expect_deny(w, NO_ROLLBACK);
	w->r.pre = scene_json(w, "{\"n\":5}");
	w->tools[TOOL_LOCK].inverse = (struct derived_call){0};
	expect_deny(w, NO_ROLLBACK);
	w->r.pre = NULL;
	expect_deny(w, NO_ROLLBACK);
	assert_false(w->d.needs_capture);
	w->tools[TOOL_LOCK].inverse_not_needed = true;
	expect_allow(w);
	w->tools[TOOL_LOCK].inverse_not_needed = false;
	w->tools[TOOL_LOCK].inverse = inverse;
	w->tools[TOOL_LOCK].inverse.tool = STR("gone");
	expect_deny(w, NO_ROLLBACK);
	scene_free(w);
}

/* ---- 9 ---- */

static void cedar_permits_or_nothing_does(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	expect_allow(w);
	assert_int_equal(w->d.policies.n, 1);
	assert_str(w->d.policies.p[0], "responder-db");
	scene_set_policies(w, "permit(principal == Remit::Agent::\"other\", action, resource);",
			   "");
	expect_deny(w, NO_RULE);
	scene_set_policies(w, "permit(principal, action, resource) when { context.nothing };", "");
	expect_deny(w, NO_RULE); /* a permit that fails does not permit */
	scene_policies_add(w,
			   "@id(\"no-end\") @reason(\"sessions end themselves\") forbid(principal, "
			   "action == Remit::Action::\"db___end\", resource);");
	expect_deny(w, FORBIDDEN);
	assert_str(w->d.detail, "sessions end themselves");
	assert_str(w->d.policies.p[0], "no-end");
	scene_policies_add(w, "forbid(principal, action, resource) when { "
			      "context.input.n.greaterThan(decimal(\"3.0\")) };");
	expect_deny(w, POLICY_ERROR);
	w->r.args = scene_json(w, "{\"role\":\"app\",\"n\":3}");
	expect_allow(w);
	w->r.args = scene_json(w, "{\"role\":\"app\",\"n\":4}");
	expect_deny(w, FORBIDDEN);
	cedar_policies_unref(w->b.policies);
	w->b.policies = NULL;
	expect_deny(w, POLICY_UNVERIFIED);
	scene_free(w);
}

static void a_shadow_policy_is_reported_and_not_enforced(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	scene_policies_add(
	    w, "@id(\"s1\") @shadow(\"trial\") forbid(principal, action, resource);"
	       "@id(\"s2\") @shadow(\"trial\") forbid(principal, action, resource) when "
	       "{ context.nothing };"
	       "@id(\"s3\") @shadow(\"trial\") @gate(\"dba\") forbid(principal, action, "
	       "resource);");
	expect_allow(w);
	assert_int_equal(w->d.shadow.n, 3);
	assert_int_equal(w->d.gates.n, 0);
	scene_set_policies(w, "@shadow(\"x\") permit(principal, action, resource);", "");
	expect_deny(w, NO_RULE);
	scene_free(w);
}

static void policies_see_what_the_request_page_promises(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t c;

	scene_set_policies(
	    w,
	    "permit(principal in Remit::Team::\"sre\", action in Remit::Action::\"db\", "
	    "resource == Remit::Asset::\"pg-role:app\") when {"
	    " principal.environment == \"production\" && principal.owner == \"olga\" &&"
	    " resource.kind == \"pg-role\" && resource.value == \"app\" &&"
	    " context.effect == \"contain\" && !context.changes_access && !context.deletes_data &&"
	    " !context.touches_secrets && context.reversible &&"
	    " context.input.role == \"app\" && context.input.n == decimal(\"1.5\") &&"
	    " context.intent.playbook == \"db-saturation\" &&"
	    " context.intent.tools.contains(\"db___end\") &&"
	    " context.intent.targets == [\"ip:192.0.2.1\", \"pg-role:app\"] &&"
	    " context.intent.data == [\"operational\"] &&"
	    " context.incident.class == \"db-saturation\" && context.incident.severity == 2 &&"
	    " context.incident.status == \"open\" && context.incident.service == \"shop\" &&"
	    " context.incident.environment == \"production\" && !context.incident.regulated &&"
	    " context.incident.id like \"i*\" && context.task.id like \"t*\" &&"
	    " context.task.phase == \"contain\" && context.task.calls == 1 &&"
	    " context.task.deviations == 0 && context.task.targets == 1 &&"
	    " context.task.labels == [\"untrusted\"] && context.task.age_s == 90 &&"
	    " context.data == [\"operational\"] && context.evidence.captured &&"
	    " context.system.now > datetime(\"2025-01-01\") };",
	    "");
	c = fold_add(&w->f, fold_call(w->task, STR("contain"), 9));
	fold_add(&w->f, LEAF_OF(CALL_COMPLETED, call_completed, .call = c, .kind = STR("ok"),
				.labels = LIST(STR("untrusted"))));
	w->f.t += 90999;
	w->r.pre = scene_json(w, "{}");
	w->r.args = scene_json(w, "{\"role\":\"app\",\"n\":1.5}");
	expect_allow(w);
	w->r.args = scene_json(w, "{\"role\":\"app\",\"n\":1.50001}");
	expect_deny(w, NO_RULE); /* no decimal: text, which equals no number */
	w->r.pre = NULL;
	w->r.args = scene_json(w, "{\"role\":\"app\",\"n\":1.5}");
	expect_deny(w, NO_RULE);
	scene_free(w);
}

static void every_target_must_pass(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	static const struct str all[] = {{"pg-role:app", 11}, {"pg-role:batch", 13}};

	w->role.pointer = STR("/roles");
	w->tools[TOOL_END].input_schema = NULL;
	w->tools[TOOL_END].arguments = NULL;
	w->r.args = scene_json(w, "{\"roles\":[\"batch\",\"app\"]}");
	w->r.task = other_task(w);
	fold_add(&w->f, LEAF_OF(TASK_ENDED, task_ended, .task = w->task, .why = STR("done")));
	w->r.task =
	    fold_add(&w->f, LEAF_OF(TASK_OPENED, task_opened, .incident = w->incident,
				    .agent = FOLD_AGENT, .playbook = STR("db-saturation"),
				    .tools = LIST(STR("db___end")), .targets = {all, 2},
				    .data = LIST(STR("operational")), .phase = STR("contain"),
				    .not_after = w->f.t + 1000, .max_calls = 2, .max_targets = 2));
	expect_allow(w);
	assert_int_equal(w->d.targets.n, 2);
	scene_policies_add(
	    w, "forbid(principal, action, resource == Remit::Asset::\"pg-role:batch\");");
	expect_deny(w, FORBIDDEN);
	scene_set_policies(
	    w, "permit(principal, action, resource == Remit::Asset::\"pg-role:app\");", "");
	expect_deny(w, NO_RULE);
	scene_free(w);
}

static void a_read_without_targets_is_about_the_incident(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->r.tool = STR("db___sessions");
	w->tools[TOOL_SESSIONS].n_targets = 0;
	expect_allow(w);
	scene_set_policies(w, "permit(principal, action, resource is Remit::Asset);", "");
	expect_deny(w, NO_RULE);
	scene_set_policies(w,
			   "permit(principal, action, resource is Remit::Incident) when "
			   "{ resource.class == \"db-saturation\" };",
			   "");
	expect_allow(w);
	scene_free(w);
}

/* ---- 10 ---- */

static void autonomy_is_per_effect(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	enum autonomy *level = &w->agents[0].autonomy[EFFECT_CONTAIN];

	*level = AUTONOMY_OBSERVE;
	expect_deny(w, AUTONOMY);
	w->r.is_dry = true;
	expect_deny(w, AUTONOMY);
	*level = AUTONOMY_PROPOSE;
	expect_allow(w);
	w->r.is_dry = false;
	expect_deny(w, AUTONOMY);
	*level = AUTONOMY_APPROVE;
	expect_ask(w, NEEDS_APPROVAL);
	assert_int_equal(w->d.gates.n, 1);
	assert_str(w->d.gates.p[0], "secops");
	*level = AUTONOMY_NOTIFY;
	expect_allow(w);
	*level = AUTONOMY_ACT;
	w->agents[0].autonomy[EFFECT_READ] = AUTONOMY_OBSERVE;
	expect_allow(w);
	w->r.tool = STR("db___sessions");
	expect_deny(w, AUTONOMY);
	scene_free(w);
}

/* ---- 11 ---- */

static const char gated[] =
    "@id(\"g1\") @gate(\"two\") forbid(principal, action == Remit::Action::\"db___end\", resource);"
    "@id(\"g2\") @gate(\"dba\") forbid(principal, action == Remit::Action::\"db___end\", "
    "resource);";

static uint64_t open_approval(struct scene *w)
{
	return fold_add(&w->f,
			LEAF_OF(APPROVAL_OPENED, approval_opened, .kind = STR("call"),
				.task = w->r.task, .incident = w->incident, .agent = w->r.agent,
				.tool = w->r.tool, .effect = effect_name(w->d.effect),
				.targets = w->d.targets, .tag = w->r.tag, .gates = w->d.gates,
				.quorum = w->d.quorum, .decide_by = w->f.t + w->d.decide_by_ms,
				.execute_by_ms = w->d.execute_by_ms));
}

static struct leaf admission(const struct scene *w)
{
	return LEAF_OF(CALL_DECIDED, call_decided, .task = w->r.task, .purpose = STR("agent"),
		       .agent = w->r.agent, .tool = w->r.tool, .effect = effect_name(w->d.effect),
		       .targets = w->d.targets, .tag = w->r.tag, .verdict = STR("allow"),
		       .reason = STR("allowed"), .approval = w->d.approval,
		       .preapproval = w->d.preapproval);
}

static void gates_ask_together_and_open_one_by_one(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t a;

	scene_policies_add(w, gated);
	expect_ask(w, NEEDS_QUORUM);
	assert_int_equal(w->d.gates.n, 2);
	assert_true(w->d.quorum == 2);
	assert_true(w->d.decide_by_ms == 300000);
	assert_true(w->d.execute_by_ms == 300000);
	a = open_approval(w);
	expect_ask(w, NEEDS_QUORUM); /* the same question */
	fold_vote(&w->f, a, STR("bob"), true);
	fold_vote(&w->f, a, STR("carol"), true);
	fold_add(&w->f, fold_settled(a, STR("granted"), w->f.t + 1000));
	expect_allow(w);
	assert_true(w->d.approval == a);
	w->people[2].groups = w->people[1].groups; /* carol leaves dba: its gate closes */
	expect_deny(w, APPROVAL_VOID);
	w->people[2].groups = w->people[4].groups;
	w->agents[0].deputy = STR("bob"); /* bob becomes involved */
	expect_deny(w, APPROVAL_VOID);
	w->agents[0].deputy = STR("otto");
	w->f.t += 1000;
	expect_allow(w);
	w->f.t += 1;
	expect_deny(w, APPROVAL_EXPIRED);
	w->f.t -= 1;
	w->r.tag = fold_tag(2); /* another call */
	expect_ask(w, NEEDS_QUORUM);
	scene_free(w);
}

static void without_a_permit_no_gate_is_asked(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	scene_set_policies(w, gated, "");
	expect_deny(w, NO_RULE);
	scene_policies_add(w, "@gate(\"dba\") forbid(principal, action, resource);"
			      "@id(\"wall\") forbid(principal, action, resource);");
	expect_deny(w, FORBIDDEN);
	scene_policies_add(w, "@gate(\"\") forbid(principal, action, resource);");
	expect_deny(w, FORBIDDEN); /* a gate without a name is a wall */
	scene_policies_add(w, "@gate(\"unknown\") forbid(principal, action, resource);");
	expect_deny(w, POLICY_ERROR);
	scene_policies_add(
	    w, "@gate(\"dba\") forbid(principal, action, resource) when { context.x };");
	expect_deny(w, POLICY_ERROR);
	scene_free(w);
}

static void a_destroy_call_always_needs_somebody(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t a;

	w->r.tool = STR("db___drop");
	expect_ask(w, NEEDS_APPROVAL);
	assert_str(w->d.gates.p[0], "secops");
	assert_str(w->d.phase, "destroy");
	w->b.default_gate = STR("");
	expect_deny(w, POLICY_ERROR);
	w->b.default_gate = STR("secops");
	expect_ask(w, NEEDS_APPROVAL);
	a = open_approval(w);
	expect_ask(w, NEEDS_APPROVAL);
	fold_vote(&w->f, a, STR("bob"), true);
	fold_add(&w->f, fold_settled(a, STR("granted"), w->f.t + 1000));
	expect_allow(w);
	fold_add(&w->f, admission(w));
	expect_deny(w, APPROVAL_USED);
	scene_free(w);
}

static void answers_other_than_yes(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t a;

	w->r.tool = STR("db___drop");
	expect_ask(w, NEEDS_APPROVAL);
	a = open_approval(w);
	fold_add(&w->f, fold_settled(a, STR("expired"), 0));
	expect_ask(w, NEEDS_APPROVAL); /* may be asked anew */
	a = open_approval(w);
	fold_add(&w->f, fold_settled(a, STR("void"), 0));
	expect_ask(w, NEEDS_APPROVAL);
	a = open_approval(w);
	fold_vote(&w->f, a, STR("bob"), false);
	fold_add(&w->f, fold_settled(a, STR("denied"), 0));
	expect_deny(w, APPROVAL_DENIED); /* no is no */
	w->r.tag = fold_tag(2);
	expect_ask(w, NEEDS_APPROVAL);
	scene_free(w);
}

static void a_gated_read_may_be_asked_again_after_its_approval_was_used(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t a;

	w->r.tool = STR("db___sessions");
	w->agents[0].autonomy[EFFECT_READ] = AUTONOMY_APPROVE;
	expect_ask(w, NEEDS_APPROVAL);
	a = open_approval(w);
	fold_vote(&w->f, a, STR("bob"), true);
	fold_add(&w->f, fold_settled(a, STR("granted"), w->f.t + 1000));
	expect_allow(w);
	fold_add(&w->f, admission(w));
	expect_ask(w, NEEDS_APPROVAL);
	scene_free(w);
}

static struct leaf preapproval(const struct scene *w, struct str person)
{
	static const struct str targets[] = {{"pg-role:app", 11}};

	return LEAF_OF(PREAPPROVAL_OPENED, preapproval_opened, .person = person,
		       .agent = FOLD_AGENT, .tool = STR("db___drop"), .targets = {targets, 1},
		       .max_uses = 1, .window_ms = 1000, .not_after = w->f.t + 5000,
		       .class = STR("db-saturation"));
}

/* Drop is destroy, but could be approved in advance. */
static void only_changes_access(struct scene *w)
{
	w->tools[TOOL_DROP].changes_access = true;
	w->tools[TOOL_DROP].only_changes_access = true;
	w->tools[TOOL_DROP].inverse_not_needed = true;
}

static void preapprove_and_expect_ask(struct scene *w, struct leaf l)
{
	uint64_t p = fold_add(&w->f, l);

	expect_ask(w, NEEDS_APPROVAL);
	fold_add(&w->f, LEAF_OF(PREAPPROVAL_ENDED, preapproval_ended, .preapproval = p));
}

static void a_pre_approval_opens_what_it_covers(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf l = preapproval(w, STR("bob"));
	uint64_t p;

	w->r.tool = STR("db___drop");
	only_changes_access(w);
	expect_ask(w, NEEDS_APPROVAL);
	p = fold_add(&w->f, l);
	expect_allow(w);
	assert_true(w->d.preapproval == p);
	assert_true(w->d.approval == 0);
	fold_add(&w->f, admission(w));
	fold_add(&w->f, LEAF_OF(CALL_COMPLETED, call_completed, .call = state_size(w->f.s) - 1,
				.kind = STR("ok")));
	expect_ask(w, PREAPPROVAL_EXHAUSTED);
	assert_true(str_contains(w->d.detail, STR("used up")));
	w->f.t += 1000;
	expect_allow(w);
	w->f.t += 4000;
	expect_allow(w);
	w->f.t += 1;
	expect_ask(w, NEEDS_APPROVAL); /* past its end */
	scene_free(w);
}

static void a_pre_approval_opens_nothing_else(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf l = preapproval(w, STR("bob"));
	static const struct str other[] = {{"pg-role:batch", 13}};

	w->r.tool = STR("db___drop");
	only_changes_access(w);
	preapprove_and_expect_ask(w, preapproval(w, STR("olga")));   /* the agent's owner */
	preapprove_and_expect_ask(w, preapproval(w, STR("dave")));   /* not in the gate's group */
	preapprove_and_expect_ask(w, preapproval(w, STR("nobody"))); /* no person any more */
	l.preapproval_opened.agent = w->agents[1].id;
	preapprove_and_expect_ask(w, l);
	l = preapproval(w, STR("bob"));
	l.preapproval_opened.tool = STR("db___end");
	preapprove_and_expect_ask(w, l);
	l = preapproval(w, STR("bob"));
	l.preapproval_opened.targets = (struct str_list){other, 1};
	preapprove_and_expect_ask(w, l);
	l = preapproval(w, STR("bob"));
	l.preapproval_opened.class = STR("network-outage");
	preapprove_and_expect_ask(w, l);
	w->gates[0].quorum = 2; /* one person cannot say two persons' yes */
	fold_add(&w->f, preapproval(w, STR("bob")));
	expect_ask(w, NEEDS_QUORUM);
	w->gates[0].quorum = 1;
	expect_allow(w); /* the control */
	scene_free(w);
}

static void nothing_that_cannot_be_undone_is_approved_in_advance(void **state)
{
	struct scene *w = scene_new();
	struct tool *drop = &w->tools[TOOL_DROP];

	(void)state;
	w->r.tool = STR("db___drop");
	preapprove_and_expect_ask(w, preapproval(w, STR("bob"))); /* plainly destroy */
	only_changes_access(w);
	drop->deletes_data = true;
	preapprove_and_expect_ask(w, preapproval(w, STR("bob")));
	drop->deletes_data = false;
	drop->touches_secrets = true;
	preapprove_and_expect_ask(w, preapproval(w, STR("bob")));
	drop->touches_secrets = false;
	drop->inverse_not_needed = false;
	drop->inverse.tool = STR("unlock"); /* never tried */
	preapprove_and_expect_ask(w, preapproval(w, STR("bob")));
	w->b.rehearsal_ms = 1000;
	drop->rehearsed_unix_ms = w->f.t - 999;
	(void)fold_add(&w->f, preapproval(w, STR("bob")));
	expect_allow(w); /* the control */
	w->f.t += 1;
	expect_ask(w, NEEDS_APPROVAL); /* tried too long ago */
	scene_free(w);
}

/* ---- who votes ---- */

static enum reason vote_of(const struct scene *w, const struct approval *a, const struct person *p)
{
	struct str why;

	return decide_vote(w->f.s, &w->b, a, p, &why);
}

static void only_uninvolved_members_of_a_gate_vote_once(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	const struct approval *a;

	w->r.tool = STR("db___drop");
	expect_ask(w, NEEDS_APPROVAL);
	a = state_approval(w->f.s, open_approval(w));
	assert_int_equal(vote_of(w, a, &w->people[1]), REASON_NONE);
	assert_int_equal(vote_of(w, a, &w->people[2]), REASON_NONE);
	assert_int_equal(vote_of(w, a, NULL), REASON_APPROVER_AUTH);
	assert_int_equal(vote_of(w, a, &w->people[3]), REASON_APPROVER_AUTH);
	assert_int_equal(vote_of(w, a, &(struct person){.name = STR("eve")}), REASON_APPROVER_AUTH);
	/* alice answers for the task, olga owns the agent */
	assert_int_equal(vote_of(w, a, &w->people[0]), REASON_APPROVER_CONFLICT);
	assert_int_equal(vote_of(w, a, &w->people[4]), REASON_APPROVER_CONFLICT);
	fold_vote(&w->f, a->ix, STR("bob"), true);
	assert_int_equal(vote_of(w, a, &w->people[1]), REASON_APPROVER_CONFLICT);
	scene_free(w);
}

/* ---- calls of Remit itself ---- */

static void a_rollback_is_the_inverse_on_the_same_targets_whatever_the_agent_may(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct term m = {.ix = 1, .state = TERM_STANDING, .tool = STR("db___unlock")};
	static const struct str targets[] = {{"pg-role:app", 11}};
	struct decision d;
	struct err e = ERR_INIT;

	m.targets = (struct str_list){targets, 1};
	fold_add(&w->f, LEAF_OF(KILL_SET, kill_set, .scope = STR("all")));
	assert_ok(decide_rollback(w->f.s, &w->b, &m, w->r.args, w->f.t, &w->arena, &d, &e));
	assert_int_equal(d.verdict, VERDICT_ALLOW);
	assert_ok(decide_rollback(w->f.s, &w->b, &m, scene_json(w, "{\"role\":\"batch\"}"), w->f.t,
				  &w->arena, &d, &e));
	assert_int_equal(d.reason, REASON_INTENT_MISMATCH);
	assert_ok(decide_rollback(w->f.s, &w->b, &m, scene_json(w, "{\"role\":\"postgres\"}"),
				  w->f.t, &w->arena, &d, &e));
	assert_int_equal(d.reason, REASON_NEVER_LIST);
	m.state = TERM_OVER;
	assert_ok(decide_rollback(w->f.s, &w->b, &m, w->r.args, w->f.t, &w->arena, &d, &e));
	assert_int_equal(d.verdict, VERDICT_DENY);
	m.state = TERM_ROLLING_BACK;
	m.tool = STR("db___gone");
	assert_ok(decide_rollback(w->f.s, &w->b, &m, w->r.args, w->f.t, &w->arena, &d, &e));
	assert_int_equal(d.reason, REASON_TOOL_UNKNOWN);
	m.tool = STR("web___block"); /* never seen: not pinned */
	assert_ok(decide_rollback(w->f.s, &w->b, &m, w->r.args, w->f.t, &w->arena, &d, &e));
	assert_int_equal(d.reason, REASON_TOOL_UNPINNED);
	scene_free(w);
}

static void a_derived_call_only_reads(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct derived_call what = {.tool = STR("role")};
	struct decision d;
	struct err e = ERR_INIT;

	assert_ok(decide_derived(w->f.s, &w->b, &w->tools[TOOL_LOCK], &what, w->r.args, w->f.t,
				 &w->arena, &d, &e));
	assert_int_equal(d.verdict, VERDICT_ALLOW);
	assert_ptr_equal(d.tool, &w->tools[TOOL_ROLE]);
	what.tool = STR("end");
	assert_ok(decide_derived(w->f.s, &w->b, &w->tools[TOOL_LOCK], &what, w->r.args, w->f.t,
				 &w->arena, &d, &e));
	assert_int_equal(d.verdict, VERDICT_DENY);
	what.tool = STR("block"); /* another upstream's */
	assert_ok(decide_derived(w->f.s, &w->b, &w->tools[TOOL_LOCK], &what, w->r.args, w->f.t,
				 &w->arena, &d, &e));
	assert_int_equal(d.reason, REASON_TOOL_UNKNOWN);
	scene_free(w);
}

/* ---- what an agent sees ---- */

static size_t visible(struct scene *w, const size_t **ret)
{
	struct err e = ERR_INIT;
	size_t n;

	assert_ok(decide_visible_tools(w->f.s, &w->b, w->r.agent, w->r.task, w->f.t, &w->arena, ret,
				       &n, &e));
	return n;
}

static void an_agent_sees_what_its_task_may_use_now(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	const size_t *at;

	assert_int_equal(visible(w, &at), 4); /* drop, end, lock, sessions; block is not pinned */
	assert_int_equal(at[0], TOOL_DROP);
	assert_int_equal(at[3], TOOL_SESSIONS);
	fold_add(&w->f,
		 LEAF_OF(KILL_SET, kill_set, .scope = STR("tool"), .name = STR("db___lock")));
	assert_int_equal(visible(w, &at), 3);
	fold_add(&w->f, LEAF_OF(TASK_PHASE, task_phase, .task = w->task, .phase = STR("diagnose")));
	assert_int_equal(visible(w, &at), 2); /* drop is two phases away */
	w->r.task = 0;
	assert_int_equal(visible(w, &at), 0);
	w->r.task = w->task;
	w->r.agent = w->agents[1].id;
	assert_int_equal(visible(w, &at), 0);
	scene_free(w);
}

static void only_tools_that_some_call_could_be_permitted_are_visible(void **state)
{
	struct scene *w = scene_new();
	const size_t *at;

	(void)state;
	assert_int_equal(visible(w, &at), 4); /* drop, end, lock, sessions */
	scene_policies_add(w,
			   "forbid(principal, action == Remit::Action::\"db___end\", resource);");
	assert_int_equal(visible(w, &at), 3);
	/* What depends on the call, or a person may open, is visible. */
	scene_policies_add(
	    w, "forbid(principal, action == Remit::Action::\"db___end\", resource) when "
	       "{ context.input has why };"
	       "@gate(\"secops\") forbid(principal, action, resource);"
	       "@shadow(\"\") forbid(principal, action, resource);");
	assert_int_equal(visible(w, &at), 4);
	scene_policies_add(
	    w, "forbid(principal, action, resource) when { context.incident.severity <= 2 };");
	assert_int_equal(visible(w, &at), 0);
	scene_set_policies(
	    w,
	    "permit(principal == Remit::Agent::\"responder\", action == "
	    "Remit::Action::\"db___lock\", resource) when { context.effect == \"x\" };",
	    "permit(principal == Remit::Agent::\"other\", action, resource);");
	assert_int_equal(visible(w, &at), 1);
	assert_int_equal(at[0], TOOL_LOCK);
	scene_free(w);
}

/* ---- whatever the policies are ---- */

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return *seed >> 33;
}

static void add_random_policies(struct scene *w, uint64_t *seed)
{
	static const char *const heads[] = {
	    "permit(principal, action, resource)",
	    "permit(principal == Remit::Agent::\"responder\", action, resource)",
	    "forbid(principal, action == Remit::Action::\"db___end\", resource)",
	    "forbid(principal, action, resource is Remit::Asset)",
	};
	static const char *const notes[] = {"", "@gate(\"secops\") ", "@gate(\"two\") ",
					    "@shadow(\"x\") ", "@gate(\"dba\") "};
	static const char *const conditions[] = {
	    "", " when { context.effect == \"destroy\" }", " unless { context.evidence.captured }",
	    " when { context.task.calls > 0 }", " when { context.missing }"};
	char text[4096] = "";
	size_t n = 0;

	for (uint64_t i = next_random(seed) % 6; i < 6; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s;\n",
				      notes[next_random(seed) % ARRAY_LEN(notes)],
				      heads[next_random(seed) % ARRAY_LEN(heads)],
				      conditions[next_random(seed) % ARRAY_LEN(conditions)]);
	}
	scene_set_policies(w, text, "");
}

/* Puts something that somebody said, or did not, into the state. */
static void add_random_word(struct scene *w, uint64_t *seed)
{
	static const char *const answers[] = {"granted", "denied", "expired", "void"};
	struct leaf l = preapproval(w, next_random(seed) % 2 ? STR("bob") : STR("olga"));
	uint64_t a;

	l.preapproval_opened.tool = w->r.tool;
	if (next_random(seed) % 4 == 0) {
		fold_add(&w->f, l);
	}
	if (w->d.verdict != VERDICT_ASK || state_approval_of(w->f.s, w->task, &w->r.tag)) {
		return;
	}
	a = open_approval(w);
	fold_vote(&w->f, a, STR("bob"), true);
	fold_vote(&w->f, a, STR("carol"), true);
	fold_add(&w->f, fold_settled(a, str_from(answers[next_random(seed) % 4]), w->f.t + 1000));
}

static void no_policy_whatsoever_lets_a_destroy_call_through_on_its_own(void **state)
{
	(void)state;
	uint64_t seed = 7;
	unsigned allowed = 0;
	unsigned destroyed = 0;

	for (unsigned round = 0; round < 800; round++) {
		struct scene *w = scene_new();
		struct err e = ERR_INIT;

		w->r.tool = next_random(&seed) % 2 ? STR("db___drop") : STR("db___end");
		w->r.pre = next_random(&seed) % 2 ? scene_json(w, "{}") : NULL;
		for (unsigned k = 0; k < EFFECTS; k++) {
			w->agents[0].autonomy[k] = (enum autonomy)(next_random(&seed) % 5);
		}
		add_random_policies(w, &seed);
		if (round % 4) {
			only_changes_access(w);
		}
		for (unsigned step = 0; step < 4; step++) {
			assert_ok(decide_call(w->f.s, &w->b, &w->r, &w->arena, &w->d, &e));
			if (w->d.verdict == VERDICT_ALLOW) {
				allowed++;
				if (w->d.effect == EFFECT_DESTROY) {
					destroyed++;
					assert_true(w->d.approval || w->d.preapproval);
				}
				fold_add(&w->f, admission(w)); /* the state agrees */
				fold_add(&w->f, LEAF_OF(CALL_COMPLETED, call_completed,
							.call = state_size(w->f.s) - 1,
							.kind = STR("ok")));
			}
			add_random_word(w, &seed);
		}
		scene_free(w);
	}
	assert_true(allowed > 50 && destroyed > 20); /* the rounds do reach what they are about */
}

static void without_memory_nothing_is_decided(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	size_t failed = 0;

	w->r.tool = STR("db___lock");
	for (size_t nth = 1;; nth++) {
		struct arena arena = ARENA_INIT(1 << 20);
		struct err e = ERR_INIT;
		struct decision d = {0};
		enum rc rc;

		mem_fail_after(nth);
		rc = decide_call(w->f.s, &w->b, &w->r, &arena, &d, &e);
		mem_fail_after(0);
		arena_fini(&arena);
		if (rc == RC_OK && d.verdict == VERDICT_ALLOW) {
			break;
		}
		assert_true(rc != RC_OK || d.verdict == VERDICT_DENY);
		failed++;
	}
	assert_true(failed > 0);
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_stop_of_any_scope_denies_and_lifting_it_allows),
	    cmocka_unit_test(only_a_registered_agent_within_its_review_acts),
	    cmocka_unit_test(a_call_needs_a_running_task_of_its_own),
	    cmocka_unit_test(the_incident_is_the_ground_of_every_call),
	    cmocka_unit_test(arguments_fit_the_tool_and_name_its_targets),
	    cmocka_unit_test(a_tool_of_an_upstream_is_pinned_to_what_was_seen),
	    cmocka_unit_test(nobody_touches_what_is_on_the_never_list),
	    cmocka_unit_test(a_call_stays_within_the_grant),
	    cmocka_unit_test(a_tool_of_the_next_phase_moves_the_task_and_no_other_does),
	    cmocka_unit_test(caps_hold_at_their_edge),
	    cmocka_unit_test(two_tasks_do_not_act_on_one_target_at_once),
	    cmocka_unit_test(what_wants_a_capture_says_so_and_has_a_way_back),
	    cmocka_unit_test(cedar_permits_or_nothing_does),
	    cmocka_unit_test(a_shadow_policy_is_reported_and_not_enforced),
	    cmocka_unit_test(policies_see_what_the_request_page_promises),
	    cmocka_unit_test(every_target_must_pass),
	    cmocka_unit_test(a_read_without_targets_is_about_the_incident),
	    cmocka_unit_test(autonomy_is_per_effect),
	    cmocka_unit_test(gates_ask_together_and_open_one_by_one),
	    cmocka_unit_test(without_a_permit_no_gate_is_asked),
	    cmocka_unit_test(a_destroy_call_always_needs_somebody),
	    cmocka_unit_test(answers_other_than_yes),
	    cmocka_unit_test(a_gated_read_may_be_asked_again_after_its_approval_was_used),
	    cmocka_unit_test(a_pre_approval_opens_what_it_covers),
	    cmocka_unit_test(a_pre_approval_opens_nothing_else),
	    cmocka_unit_test(nothing_that_cannot_be_undone_is_approved_in_advance),
	    cmocka_unit_test(only_uninvolved_members_of_a_gate_vote_once),
	    cmocka_unit_test(a_rollback_is_the_inverse_on_the_same_targets_whatever_the_agent_may),
	    cmocka_unit_test(a_derived_call_only_reads),
	    cmocka_unit_test(an_agent_sees_what_its_task_may_use_now),
	    cmocka_unit_test(only_tools_that_some_call_could_be_permitted_are_visible),
	    cmocka_unit_test(no_policy_whatsoever_lets_a_destroy_call_through_on_its_own),
	    cmocka_unit_test(without_memory_nothing_is_decided),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
