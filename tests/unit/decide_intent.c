/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "scene.h"

static void expect(struct scene *w, const struct intent_request *r, enum reason reason,
		   struct intent_decision *ret, int line)
{
	struct err e = ERR_INIT;

	if (decide_intent(w->f.s, &w->b, r, &w->arena, ret, &e) != RC_OK) {
		fail_msg("line %d: %s", line, e.msg);
	}
	if (ret->reason != reason) {
		fail_msg("line %d: %.*s (%.*s), not %.*s", line, STR_ARG(reason_code(ret->reason)),
			 STR_ARG(ret->detail), STR_ARG(reason_code(reason)));
	}
	assert_int_equal(ret->verdict, reason == REASON_ALLOWED ? VERDICT_ALLOW : VERDICT_DENY);
	if (reason != REASON_ALLOWED) {
		assert_int_equal(ret->tools.n + ret->targets.n + ret->data.n, 0);
	}
}
#define expect(w, r, reason) expect((w), (r), REASON_##reason, &d, __LINE__)

static struct intent_request request(const struct scene *w)
{
	static const struct str tools[] = {{"db___sessions", 13}, {"db___end", 8}};
	static const struct str targets[] = {{"pg-role:app", 11}};
	static const struct str data[] = {{"operational", 11}};

	return (struct intent_request){
	    .agent = FOLD_AGENT,
	    .incident = w->incident,
	    .playbook = STR("db-saturation"),
	    .goal = STR("end what blocks"),
	    .tools = {tools, 2},
	    .targets = {targets, 1},
	    .data = {data, 1},
	    .duration_ms = 60000,
	    .now_unix_ms = w->f.t,
	};
}

static void a_grant_is_what_was_asked_for(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct intent_request r = request(w);
	struct intent_decision d;

	expect(w, &r, ALLOWED);
	assert_int_equal(d.tools.n, 2);
	assert_str(d.tools.p[1], "db___end");
	assert_int_equal(d.targets.n, 1);
	assert_int_equal(d.data.n, 1);
	assert_str(d.phase, "diagnose");
	assert_true(d.not_after_unix_ms == w->f.t + 60000);
	assert_true(d.max_calls == 20 && d.max_targets == 2 && d.max_deviations == 3);
	assert_str(d.accountable, "alice");
	assert_str(d.policies.p[0], "responder-intent");
	scene_free(w);
}

static void what_is_left_open_is_filled_with_no_more_than_the_playbook(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct intent_request r = request(w);
	struct intent_decision d;

	r.tools = r.data = (struct str_list){0};
	r.duration_ms = 0;
	expect(w, &r, ALLOWED);
	assert_int_equal(d.tools.n, 6);
	assert_int_equal(d.data.n, 1); /* `personal` is in the playbook, but no tool returns it */
	assert_true(d.not_after_unix_ms == w->f.t + 3600 * 1000);
	r.targets = (struct str_list){0};
	expect(w, &r, SELECTOR_EMPTY_OR_WILDCARD); /* targets are never guessed */
	scene_free(w);
}

static void an_intent_stays_within_playbook_and_incident(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct intent_request r = request(w);
	struct intent_decision d;
	struct str name = STR("db___unlock");

	r.tools = (struct str_list){&name, 1};
	expect(w, &r, INTENT_MISMATCH);
	r = request(w);
	r.targets = (struct str_list){&name, 1};
	name = STR("pg-role:payroll");
	expect(w, &r, TARGET_NOT_IN_INCIDENT);
	name = STR("pg-role:*");
	expect(w, &r, SELECTOR_EMPTY_OR_WILDCARD);
	name = STR("pg-role:postgres"); /* an asset of the incident, but nobody's to touch */
	expect(w, &r, NEVER_LIST);
	name = STR("host:DB1.");
	expect(w, &r, ALLOWED);
	assert_str(d.targets.p[0], "host:db1");
	r = request(w);
	r.data = (struct str_list){&name, 1};
	name = STR("secret");
	expect(w, &r, DATA_SCOPE);
	r = request(w);
	r.duration_ms = 3600 * 1000 + 1;
	expect(w, &r, LIMIT);
	r.duration_ms -= 1;
	expect(w, &r, ALLOWED);
	r.playbook = STR("nothing");
	expect(w, &r, PLAYBOOK_UNKNOWN);
	r.playbook = STR("other");
	expect(w, &r, INCIDENT_CLASS_NOT_ALLOWED);
	scene_free(w);
}

static void an_intent_needs_an_agent_an_incident_and_no_stop(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct intent_request r = request(w);
	struct intent_decision d;

	r.agent = STR("spiffe://example.org/nobody");
	expect(w, &r, AGENT_UNREGISTERED);
	r = request(w);
	r.now_unix_ms = w->agents[0].review_by_unix_ms;
	expect(w, &r, AGENT_EXPIRED);
	r = request(w);
	r.incident = 0;
	expect(w, &r, INCIDENT_NOT_OPEN);
	r = request(w);
	w->agents[0].environment = STR("staging");
	expect(w, &r, ENV_MISMATCH);
	w->agents[0].environment = STR("production");
	w->agents[0].severity_to = 1;
	expect(w, &r, INCIDENT_CLASS_NOT_ALLOWED);
	w->agents[0].severity_to = 3;
	expect(w, &r, ALLOWED);
	fold_add(&w->f, LEAF_OF(KILL_SET, kill_set, .scope = STR("agent"), .name = FOLD_AGENT));
	expect(w, &r, KILL_ACTIVE);
	fold_lift(&w->f, STR("agent"), FOLD_AGENT);
	fold_add(&w->f, LEAF_OF(INCIDENT_CLOSED, incident_closed, .incident = w->incident));
	expect(w, &r, INCIDENT_NOT_OPEN);
	scene_free(w);
}

static void policies_decide_about_intents(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct intent_request r = request(w);
	struct intent_decision d;

	fold_add(&w->f,
		 LEAF_OF(INCIDENT_UPDATED, incident_updated, .incident = w->incident, .severity = 3,
			 .class = STR("db-saturation"), .service = STR("shop"),
			 .assets = state_incident(w->f.s, w->incident)->assets));
	expect(w, &r, ALLOWED);
	scene_policies_add(w,
			   "forbid(principal, action == Remit::Action::\"remit___declare_intent\", "
			   "resource) when { context.intent.duration_s >= 60 && "
			   "context.intent.tools.contains(\"db___end\") && "
			   "context.intent.targets == [\"pg-role:app\"] && "
			   "context.intent.data.contains(\"operational\") && "
			   "context.intent.playbook == \"db-saturation\" };");
	expect(w, &r, FORBIDDEN);
	r.duration_ms -= 1000;
	expect(w, &r, ALLOWED);
	scene_set_policies(w, "permit(principal, action in Remit::Action::\"db\", resource);", "");
	expect(w, &r, NO_RULE);
	scene_free(w);
}

static enum verdict after_gate(struct scene *w, const struct intent_request *r, uint8_t tag,
			       enum reason reason)
{
	struct intent_decision d;
	struct digest whole = fold_tag(tag);
	struct err e = ERR_INIT;

	assert_ok(decide_intent(w->f.s, &w->b, r, &w->arena, &d, &e));
	assert_ok(decide_intent_gate(w->f.s, &w->b, r, &whole, &w->arena, &d, &e));
	if (d.reason != reason) {
		fail_msg("%.*s", STR_ARG(reason_code(d.reason)));
	}
	return d.verdict;
}

static void a_gate_on_an_intent_asks_about_the_whole_of_it(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct intent_request r = request(w);
	struct leaf l = LEAF_OF(
	    APPROVAL_OPENED, approval_opened, .kind = STR("intent"), .incident = w->incident,
	    .agent = FOLD_AGENT, .tool = STR("remit___declare_intent"), .effect = STR("destroy"),
	    .tag = fold_tag(7), .gates = LIST(STR("secops")), .quorum = 1,
	    .accountable = STR("alice"), .decide_by = w->f.t + 1000, .execute_by_ms = 1000);
	uint64_t a;

	assert_int_equal(after_gate(w, &r, 7, REASON_ALLOWED), VERDICT_ALLOW);
	scene_policies_add(w, "@gate(\"secops\") forbid(principal, action, resource);");
	assert_int_equal(after_gate(w, &r, 7, REASON_NEEDS_APPROVAL), VERDICT_ASK);
	a = fold_add(&w->f, l);
	assert_int_equal(after_gate(w, &r, 7, REASON_NEEDS_APPROVAL), VERDICT_ASK);
	fold_vote(&w->f, a, STR("bob"), true);
	fold_add(&w->f, fold_settled(a, STR("granted"), w->f.t + 1000));
	assert_int_equal(after_gate(w, &r, 7, REASON_ALLOWED), VERDICT_ALLOW);
	/* another grant is another intent, another agent's is another's */
	assert_int_equal(after_gate(w, &r, 8, REASON_NEEDS_APPROVAL), VERDICT_ASK);
	r.agent = w->agents[1].id;
	assert_int_equal(after_gate(w, &r, 7, REASON_NEEDS_APPROVAL), VERDICT_ASK);
	r.agent = FOLD_AGENT;
	r.now_unix_ms += 1001;
	assert_int_equal(after_gate(w, &r, 7, REASON_APPROVAL_EXPIRED), VERDICT_DENY);
	r.now_unix_ms -= 1001;
	w->agents[0].owner = STR("bob"); /* who owns it by now has no say in it */
	assert_int_equal(after_gate(w, &r, 7, REASON_APPROVAL_VOID), VERDICT_DENY);
	scene_free(w);
}

static void a_goal_is_of_the_playbooks_own_words(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct intent_request r = request(w);
	struct intent_decision d;

	r.goal_class = STR("exfiltrate");
	expect(w, &r, INTENT_MISMATCH); /* the playbook has no goals */
	w->playbooks[0].goals = LIST(STR("diagnose"), STR("relieve"));
	expect(w, &r, INTENT_MISMATCH);
	r.goal_class = STR("");
	expect(w, &r, INTENT_MISMATCH); /* it must say one */
	r.goal_class = STR("relieve");
	expect(w, &r, ALLOWED);
	scene_policies_add(w,
			   "forbid(principal, action == Remit::Action::\"remit___declare_intent\", "
			   "resource) when { context.intent.goal == \"relieve\" };");
	expect(w, &r, FORBIDDEN);
	scene_free(w);
}

/* The same agent, tool, target and arguments, under two intents. */
static void two_intents_make_two_decisions_of_one_call(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t other = fold_add(
	    &w->f, LEAF_OF(TASK_OPENED, task_opened, .incident = w->incident, .agent = FOLD_AGENT,
			   .playbook = STR("db-saturation"), .goal_class = STR("relieve"),
			   .tools = LIST(STR("db___end")), .targets = LIST(STR("pg-role:app")),
			   .data = LIST(STR("operational")), .phase = STR("contain"),
			   .not_after = w->f.t + 3600 * 1000, .max_calls = 20, .max_targets = 2,
			   .max_deviations = 3, .accountable = STR("alice")));

	expect_allow(w);
	scene_policies_add(w, "forbid(principal, action == Remit::Action::\"db___end\", resource) "
			      "unless { context.intent.goal == \"relieve\" };");
	expect_deny(w, FORBIDDEN);
	w->r.task = other;
	expect_allow(w);
	scene_policies_add(w, "forbid(principal, action == Remit::Action::\"db___end\", resource) "
			      "when { !context.intent.tools.contains(\"db___lock\") };");
	expect_deny(w, FORBIDDEN);
	w->r.task = w->task;
	expect_allow(w);
	scene_free(w);
}

static void a_task_nobody_answers_for_is_an_error_not_a_grant(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct intent_request r = request(w);
	struct intent_decision d = {0};
	struct err e = ERR_INIT;

	w->groups[2].rota = (struct str_list){0};
	assert_rc(decide_intent(w->f.s, &w->b, &r, &w->arena, &d, &e), RC_BROKEN);
	assert_int_equal(d.verdict, VERDICT_DENY);
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_grant_is_what_was_asked_for),
	    cmocka_unit_test(what_is_left_open_is_filled_with_no_more_than_the_playbook),
	    cmocka_unit_test(an_intent_stays_within_playbook_and_incident),
	    cmocka_unit_test(an_intent_needs_an_agent_an_incident_and_no_stop),
	    cmocka_unit_test(policies_decide_about_intents),
	    cmocka_unit_test(a_gate_on_an_intent_asks_about_the_whole_of_it),
	    cmocka_unit_test(a_goal_is_of_the_playbooks_own_words),
	    cmocka_unit_test(two_intents_make_two_decisions_of_one_call),
	    cmocka_unit_test(a_task_nobody_answers_for_is_an_error_not_a_grant),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
