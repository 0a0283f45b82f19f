/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

static const char two_gate[] =
    "@id(\"g1\") @gate(\"two\") forbid(principal, action == Remit::Action::\"db___end\", "
    "resource);";

static uint64_t open_question(struct scene *w)
{
	return fold_add(
	    &w->f,
	    LEAF_OF(APPROVAL_OPENED, approval_opened, .kind = STR("call"), .task = w->task,
		    .incident = w->incident, .agent = w->r.agent, .tool = w->r.tool,
		    .effect = effect_name(w->d.effect), .targets = w->d.targets, .tag = w->r.tag,
		    .policies = w->d.policies, .gates = w->d.gates, .quorum = w->d.quorum,
		    .decide_by = w->f.t + w->d.decide_by_ms, .execute_by_ms = w->d.execute_by_ms));
}

static const char *says(const struct scene *w, uint64_t approval, const char *person)
{
	static char text[64];
	const struct person *p = bundle_person(&w->b, str_from(person));
	const struct person unknown = {.name = str_from(person)};
	struct str why;
	enum reason r =
	    decide_vote(w->f.s, &w->b, state_approval(w->f.s, approval), p ? p : &unknown, &why);

	(void)snprintf(text, sizeof(text), "%.*s%s%.*s", STR_ARG(reason_code(r)), why.n ? " " : "",
		       STR_ARG(why));
	return text;
}

static void duties_are_separate(void **state)
{
	(void)state;
	static const struct authored authored[] = {{{"responder-db", 12}, {"bob", 3}},
						   {{"gate:two", 8}, {"carol", 5}},
						   {{"other", 5}, {"dave", 4}}};
	struct scene *w = scene_new();
	uint64_t a;

	scene_policies_add(w, two_gate);
	expect_ask(w, NEEDS_QUORUM);
	a = open_question(w);
	assert_string_equal(says(w, a, "bob"), ""); /* controls */
	assert_string_equal(says(w, a, "carol"), "");
	assert_string_equal(says(w, a, "olga"), "approver_conflict owner");
	assert_string_equal(says(w, a, "alice"), "approver_conflict accountable");
	assert_string_equal(says(w, a, "dave"), "approver_auth"); /* not of the group */
	w->agents[0].deputy = STR("bob");
	assert_string_equal(says(w, a, "bob"), "approver_conflict deputy");
	w->agents[0].deputy = STR("otto");
	w->b.authored = authored;
	w->b.n_authored = 2;
	assert_string_equal(says(w, a, "bob"), "approver_conflict author");
	assert_string_equal(says(w, a, "carol"), "approver_conflict author");
	w->b.authored = &authored[2]; /* of a rule that has nothing to do with it */
	w->b.n_authored = 1;
	assert_string_equal(says(w, a, "bob"), "");
	scene_free(w);
}

static void who_opened_the_incident_by_hand_does_not_approve_under_it(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t a;

	w->incident =
	    fold_add(&w->f, LEAF_OF(INCIDENT_OPENED, incident_opened, .source = STR("person"),
				    .class = STR("db-saturation"), .severity = 2,
				    .service = STR("shop"), .environment = STR("production"),
				    .assets = LIST(STR("pg-role:app")), .by = STR("bob")));
	w->task = fold_task(&w->f, w->incident);
	w->r.task = w->task;
	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_APPROVE;
	expect_ask(w, NEEDS_APPROVAL);
	a = open_question(w);
	assert_string_equal(says(w, a, "bob"), "approver_conflict requester");
	assert_string_equal(says(w, a, "carol"), "");
	scene_free(w);
}

/* By whatever name it speaks: an approver is a person of the bundle. */
static void an_agent_never_approves(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t a;

	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_APPROVE;
	expect_ask(w, NEEDS_APPROVAL);
	a = open_question(w);
	assert_string_equal(says(w, a, "responder"), "approver_auth");
	assert_string_equal(says(w, a, "spiffe://example.org/responder"), "approver_auth");
	assert_string_equal(says(w, a, "other"), "approver_auth");
	assert_string_equal(says(w, a, "remit"), "approver_auth");
	assert_string_equal(says(w, a, ""), "approver_auth");
	/* And a vote that stood in a forged log would not count. */
	fold_vote(&w->f, a, STR("responder"), true);
	fold_add(&w->f, fold_settled(a, STR("granted"), w->f.t + 1000));
	expect_deny(w, APPROVAL_VOID);
	scene_free(w);
}

static void a_question_without_enough_people_is_not_asked(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	scene_policies_add(w, two_gate);
	expect_ask(w, NEEDS_QUORUM); /* control: bob and carol may */
	assert_int_equal(w->d.approvers.eligible.n, 2);
	assert_int_equal(w->d.approvers.conflicts.n, 2);
	assert_str(w->d.approvers.conflicts.p[0], "alice: accountable");
	assert_str(w->d.approvers.conflicts.p[1], "olga: owner");
	w->agents[0].deputy = STR("carol");
	expect_deny(w, NEEDS_QUORUM);
	assert_str(w->d.detail, "gate 'two' wants 2 of group 'secops', and 1 may answer");
	scene_free(w);
}

static void the_worst_incidents_are_decided_first(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_APPROVE;
	w->gates[0].severity_ms[1] = 180000;
	expect_ask(w, NEEDS_APPROVAL); /* severity 2 */
	assert_true(w->d.decide_by_ms == 180000);
	fold_add(&w->f, LEAF_OF(INCIDENT_UPDATED, incident_updated, .incident = w->incident,
				.class = STR("db-saturation"), .severity = 3,
				.service = STR("shop"), .assets = LIST(STR("pg-role:app"))));
	expect_ask(w, NEEDS_APPROVAL);
	assert_true(w->d.decide_by_ms == 600000);
	scene_free(w);
}

static void a_tool_names_what_to_do_instead_before_its_gate_does(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_APPROVE;
	w->gates[0].instead = (struct safe_alternative){.text = STR("watch it")};
	expect_ask(w, NEEDS_APPROVAL);
	assert_str(w->d.instead.text, "watch it");
	w->tools[TOOL_END].instead = (struct safe_alternative){.tool = STR("db___sessions")};
	expect_ask(w, NEEDS_APPROVAL);
	assert_str(w->d.instead.tool, "db___sessions");
	assert_int_equal(w->d.instead.text.n, 0);
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(duties_are_separate),
	    cmocka_unit_test(who_opened_the_incident_by_hand_does_not_approve_under_it),
	    cmocka_unit_test(an_agent_never_approves),
	    cmocka_unit_test(a_question_without_enough_people_is_not_asked),
	    cmocka_unit_test(the_worst_incidents_are_decided_first),
	    cmocka_unit_test(a_tool_names_what_to_do_instead_before_its_gate_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
