/* SPDX-License-Identifier: Apache-2.0 */
/* What refusals weigh, what a breach costs an agent, and what it takes to earn more. */
#include "core/autonomy.h"

#include "core/deviation.h"
#include "scene.h"

static enum autonomy level(struct scene *w, enum effect e)
{
	return autonomy_in_force(w->f.s, &w->b, &w->agents[0], e);
}

static void breach(struct scene *w, enum breach why)
{
	const struct agent *a = &w->agents[0];
	enum autonomy contain = autonomy_after(w->f.s, &w->b, a, EFFECT_CONTAIN, why);
	enum autonomy destroy = autonomy_after(w->f.s, &w->b, a, EFFECT_DESTROY, why);

	fold_add(&w->f,
		 LEAF_OF(AGENT_BREACHED, agent_breached, .agent = FOLD_AGENT,
			 .why = breach_name(why), .cause = w->task,
			 .contain = autonomy_name(contain), .destroy = autonomy_name(destroy)));
}

static struct leaf changed(const char *effect, const char *to, const char *base, const char *why)
{
	static const struct str two[] = {{"bob", 3}, {"carol", 5}};

	return LEAF_OF(AUTONOMY_CHANGED, autonomy_changed, .agent = FOLD_AGENT,
		       .effect = str_from(effect), .level = str_from(to), .base = str_from(base),
		       .why = str_from(why), .by = {two, 2});
}

/* ---- weights ---- */

static void refusals_are_told_apart(void **state)
{
	(void)state;
	static const struct deviation_weight given[] = {{REASON_PHASE, 0}, {REASON_ARG_SCHEMA, 5}};

	assert_int_equal(attempt_of(REASON_NEVER_LIST), ATTEMPT_ATTACK);
	assert_int_equal(attempt_of(REASON_ENV_MISMATCH), ATTEMPT_PROBE);
	assert_int_equal(attempt_of(REASON_INTENT_MISMATCH), ATTEMPT_DRIFT);
	assert_int_equal(attempt_of(REASON_ARG_SCHEMA), ATTEMPT_MISTAKE);
	assert_int_equal(attempt_of(REASON_UPSTREAM_UNAVAILABLE), ATTEMPT_NONE);
	/* every deviation says something about the agent, and nothing that waits does */
	for (unsigned r = 0; r < REASONS; r++) {
		assert_true(!reason_is_deviation((enum reason)r) ||
			    attempt_of((enum reason)r) != ATTEMPT_NONE);
	}
	assert_int_equal(attempt_of(REASON_NEEDS_APPROVAL), ATTEMPT_NONE);
	assert_int_equal(deviation_weight(NULL, 0, REASON_NEVER_LIST), 1);
	assert_int_equal(deviation_weight(NULL, 0, REASON_PHASE), 1);
	assert_int_equal(deviation_weight(NULL, 0, REASON_ARG_SCHEMA), 0);
	assert_int_equal(deviation_weight(given, 2, REASON_PHASE), 0);
	assert_int_equal(deviation_weight(given, 2, REASON_ARG_SCHEMA), 5);
	assert_int_equal(attempt_weight(REASON_CONTROL_PLANE, 1), 3);
	assert_int_equal(attempt_weight(REASON_PHASE, 1), 1);
	assert_int_equal(attempt_weight(REASON_PHASE, DEVIATION_SEVERE), DEVIATION_SEVERE);
	assert_int_equal(attempt_weight(REASON_ARG_SCHEMA, 0), 0);
}

static void a_denial_carries_what_it_weighs(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	static const struct deviation_weight given[] = {{REASON_INTENT_MISMATCH, 2},
							{REASON_DATA_SCOPE, DEVIATION_SEVERE}};

	expect_allow(w);
	assert_true(w->d.deviation == 0 && w->d.attempt == 0);
	w->r.args = scene_json(w, "{\"role\":\"batch\"}");
	expect_deny(w, INTENT_MISMATCH);
	assert_true(w->d.deviation == 1 && w->d.attempt == 1);
	w->playbooks[0].weights = given;
	w->playbooks[0].n_weights = 2;
	expect_deny(w, INTENT_MISMATCH);
	assert_true(w->d.deviation == 2 && w->d.attempt == 1);
	w->r.args = scene_json(w, "{\"role\":\"postgres\"}");
	expect_deny(w, NEVER_LIST);
	assert_true(w->d.deviation == 1 && w->d.attempt == 3);
	w->r.agent = STR("spiffe://example.org/other"); /* its task is none of that agent's */
	expect_deny(w, TASK_UNKNOWN);
	assert_true(w->d.deviation == 0 && w->d.attempt == 1);
	w->r.agent = STR("spiffe://example.org/nobody");
	expect_deny(w, AGENT_UNREGISTERED);
	assert_true(w->d.deviation == 0 && w->d.attempt == 0);
	scene_free(w);
}

static void what_was_tried_is_kept_newest_last(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf l = fold_call(w->task, STR("contain"), 1);
	const struct task *t;
	uint64_t first = 0;

	l.call_decided.verdict = STR("deny");
	l.call_decided.reason = STR("intent_mismatch");
	l.call_decided.targets = LIST(STR("a:1"), STR("a:2"), STR("a:3"), STR("a:4"), STR("a:5"));
	for (unsigned i = 0; i < TASK_TRIED + 2; i++) {
		l.call_decided.deviation = i + 1;
		first = fold_add(&w->f, l) - TASK_TRIED + 1;
	}
	t = state_task(w->f.s, w->task);
	assert_int_equal(t->n_tried, TASK_TRIED);
	assert_int_equal(t->tried[0].call, first);
	assert_true(t->tried[0].weight == 3 && t->tried[TASK_TRIED - 1].weight == TASK_TRIED + 2);
	assert_int_equal(t->tried[0].targets.n, 4);
	assert_str(t->tried[0].targets.p[3], "a:4");
	assert_int_equal(t->deviations, TASK_TRIED + 2);
	assert_true(t->deviation_weight == 55);
	l.call_decided.deviation = 0; /* what weighs nothing is no deviation */
	fold_add(&w->f, l);
	assert_int_equal(state_task(w->f.s, w->task)->deviations, TASK_TRIED + 2);
	scene_free(w);
}

static void attempts_are_counted_over_tasks_within_the_window(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf l = fold_call(0, STR("read"), 1);
	const struct agent_record *r;

	l.call_decided.verdict = STR("deny");
	l.call_decided.reason = STR("env_mismatch");
	l.call_decided.attempt = 1;
	assert_null(state_agent_record(w->f.s, FOLD_AGENT));
	for (unsigned i = 0; i < ATTEMPTS_KEPT + 5; i++) {
		w->f.t += 1000;
		fold_add(&w->f, l);
	}
	r = state_agent_record(w->f.s, FOLD_AGENT);
	assert_int_equal(r->n_attempts, ATTEMPTS_KEPT);
	assert_true(autonomy_attempts(r, &w->b, w->f.t) == ATTEMPTS_KEPT);
	w->b.autonomy.attempts_window_ms = 10000;
	assert_true(autonomy_attempts(r, &w->b, w->f.t) == 10);
	assert_true(autonomy_attempts(r, &w->b, w->f.t + 100000) == 0);
	/* an intent counts too */
	fold_add(&w->f, LEAF_OF(INTENT_DECIDED, intent_decided, .agent = FOLD_AGENT,
				.verdict = STR("deny"), .reason = STR("never_list"),
				.attempt = DEVIATION_SEVERE));
	assert_true(autonomy_attempts(r, &w->b, w->f.t) == 10 + DEVIATION_SEVERE);
	breach(w, BREACH_SUSPENDED);
	assert_true(r->n_attempts > 0); /* another matter */
	breach(w, BREACH_ATTEMPTS);
	assert_true(r->n_attempts == 0); /* they have had their effect */
	scene_free(w);
}

/* ---- levels ---- */

static void a_breach_lowers_and_never_raises(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	assert_int_equal(level(w, EFFECT_CONTAIN), AUTONOMY_ACT);
	expect_allow(w);
	breach(w, BREACH_UNVERIFIED);
	assert_int_equal(level(w, EFFECT_CONTAIN), AUTONOMY_APPROVE);
	expect_ask(w, NEEDS_APPROVAL);
	breach(w, BREACH_SUSPENDED);
	assert_int_equal(level(w, EFFECT_CONTAIN), AUTONOMY_PROPOSE);
	expect_deny(w, AUTONOMY);
	assert_true(w->d.is_proposal);
	breach(w, BREACH_SEVERE);
	expect_deny(w, AUTONOMY);
	assert_false(w->d.is_proposal);
	breach(w, BREACH_UNVERIFIED);
	assert_int_equal(level(w, EFFECT_CONTAIN), AUTONOMY_OBSERVE);
	assert_int_equal(level(w, EFFECT_READ), AUTONOMY_ACT); /* it may still look */
	scene_free(w);
}

static void what_was_lost_is_not_given_back_by_the_deployment(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_NOTIFY;
	breach(w, BREACH_UNVERIFIED);
	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_ACT;
	assert_int_equal(level(w, EFFECT_CONTAIN), AUTONOMY_APPROVE);
	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_OBSERVE;
	assert_int_equal(level(w, EFFECT_CONTAIN), AUTONOMY_OBSERVE);
	scene_free(w);
}

static void a_promotion_holds_on_the_base_it_was_given_on(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_PROPOSE;
	assert_int_equal(level(w, EFFECT_CONTAIN), AUTONOMY_PROPOSE);
	fold_add(&w->f, changed("contain", "notify", "propose", "promoted"));
	assert_int_equal(level(w, EFFECT_CONTAIN), AUTONOMY_NOTIFY);
	expect_allow(w);
	assert_true(w->d.tells_person);
	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_OBSERVE; /* another decision: it wins */
	assert_int_equal(level(w, EFFECT_CONTAIN), AUTONOMY_OBSERVE);
	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_PROPOSE;
	assert_int_equal(level(w, EFFECT_CONTAIN), AUTONOMY_NOTIFY);
	breach(w, BREACH_UNVERIFIED); /* to approve: still above the base, by the same promotion */
	assert_int_equal(level(w, EFFECT_CONTAIN), AUTONOMY_APPROVE);
	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_OBSERVE;
	assert_int_equal(level(w, EFFECT_CONTAIN), AUTONOMY_OBSERVE);
	scene_free(w);
}

static void what_is_initial_caps_the_unproven_only(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->b.autonomy.initial[EFFECT_CONTAIN] = AUTONOMY_APPROVE;
	expect_ask(w, NEEDS_APPROVAL);
	fold_add(&w->f, changed("contain", "act", "approve", "promoted"));
	expect_allow(w);
	scene_free(w);
}

static void the_state_refuses_a_raise_by_one_person(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf l = changed("contain", "act", "propose", "promoted");

	l.autonomy_changed.by = LIST(STR("bob"));
	fold_refuse(&w->f, l);
	l.autonomy_changed.by = LIST(STR("bob"), STR("bob"));
	fold_refuse(&w->f, l);
	l.autonomy_changed.by = LIST(STR("bob"), STR("carol"));
	l.autonomy_changed.why = STR("demoted"); /* a raise by another name */
	fold_refuse(&w->f, l);
	l.autonomy_changed.why = STR("because");
	fold_refuse(&w->f, l);
	l.autonomy_changed.why = STR("promoted");
	fold_add(&w->f, l);
	l.autonomy_changed.why = STR("demoted");
	l.autonomy_changed.level = STR("observe");
	l.autonomy_changed.by = LIST(STR("olga")); /* anybody may */
	fold_add(&w->f, l);
	assert_int_equal(level(w, EFFECT_CONTAIN), AUTONOMY_OBSERVE);
	scene_free(w);
}

/* ---- earning it ---- */

static enum reason may(struct scene *w, const char *person, enum autonomy to)
{
	const struct person *p = bundle_person(&w->b, str_from(person));
	enum reason reason;
	struct str detail;
	struct err e = ERR_INIT;

	assert_ok(autonomy_may_promote(w->f.s, &w->b, &w->agents[0], EFFECT_CONTAIN, to, p, w->f.t,
				       &w->arena, &reason, &detail, &e));
	return reason;
}

/* One call asked about, and a person's answer. */
static void judged(struct scene *w, uint8_t tag, bool grants)
{
	struct leaf l = LEAF_OF(
	    APPROVAL_OPENED, approval_opened, .kind = STR("call"), .incident = w->incident,
	    .task = w->task, .agent = FOLD_AGENT, .tool = STR("db___end"), .effect = STR("contain"),
	    .targets = LIST(STR("pg-role:app")), .tag = fold_tag(tag), .gates = LIST(STR("secops")),
	    .quorum = 1, .decide_by = w->f.t + 1000, .execute_by_ms = 1000);
	uint64_t a = fold_add(&w->f, l);

	fold_vote(&w->f, a, STR("bob"), grants);
	fold_add(&w->f,
		 fold_settled(a, grants ? STR("granted") : STR("denied"), grants ? w->f.t + 1 : 0));
}

static void promotion_takes_numbers_and_the_right_persons(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_APPROVE;
	w->b.autonomy.decisions = 10;
	w->b.autonomy.agreement = 90;
	assert_int_equal(may(w, "bob", AUTONOMY_ACT), REASON_NOT_EARNED);
	for (uint8_t i = 0; i < 9; i++) {
		judged(w, (uint8_t)(i + 1), true);
	}
	assert_int_equal(may(w, "bob", AUTONOMY_ACT), REASON_NOT_EARNED); /* nine */
	judged(w, 20, false);
	assert_int_equal(may(w, "bob", AUTONOMY_ACT), REASON_NONE); /* nine of ten */
	w->b.autonomy.agreement = 91;
	assert_int_equal(may(w, "bob", AUTONOMY_ACT), REASON_NOT_EARNED);
	w->b.autonomy.agreement = 90;
	assert_int_equal(may(w, "bob", AUTONOMY_APPROVE), REASON_NOT_EARNED);	  /* it has that */
	assert_int_equal(may(w, "olga", AUTONOMY_ACT), REASON_APPROVER_CONFLICT); /* owns it */
	assert_int_equal(may(w, "dave", AUTONOMY_ACT), REASON_APPROVER_AUTH);
	assert_int_equal(may(w, "mallory", AUTONOMY_ACT), REASON_APPROVER_AUTH);
	/* a breach starts the quiet time anew, and its end is exact */
	w->b.autonomy.quiet_ms = 5000;
	fold_add(&w->f, LEAF_OF(AGENT_BREACHED, agent_breached, .agent = FOLD_AGENT,
				.why = STR("suspended")));
	assert_int_equal(may(w, "bob", AUTONOMY_ACT), REASON_NOT_EARNED);
	w->f.t += 4999;
	assert_int_equal(may(w, "bob", AUTONOMY_ACT), REASON_NOT_EARNED);
	w->f.t += 1;
	assert_int_equal(may(w, "bob", AUTONOMY_ACT), REASON_NONE);
	/* what was earned is spent */
	fold_add(&w->f, changed("contain", "notify", "approve", "promoted"));
	assert_int_equal(may(w, "bob", AUTONOMY_ACT), REASON_NOT_EARNED);
	scene_free(w);
}

static void silence_is_no_agreement(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t a = fold_approval(&w->f, w->task, 3);

	fold_add(&w->f, fold_settled(a, STR("expired"), 0));
	assert_null(state_agent_record(w->f.s, FOLD_AGENT));
	scene_free(w);
}

static void an_endorsement_lapses_after_a_day(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	const struct agent_record *r;
	struct leaf l =
	    LEAF_OF(AUTONOMY_ENDORSED, autonomy_endorsed, .agent = FOLD_AGENT,
		    .effect = STR("contain"), .level = STR("act"), .person = STR("bob"));

	fold_add(&w->f, l);
	fold_add(&w->f, l);
	r = state_agent_record(w->f.s, FOLD_AGENT);
	assert_int_equal(r->n_endorsers, 1);
	assert_true(state_endorsement_stands(r, EFFECT_CONTAIN, AUTONOMY_ACT, w->f.t));
	assert_false(state_endorsement_stands(r, EFFECT_CONTAIN, AUTONOMY_NOTIFY, w->f.t));
	assert_false(state_endorsement_stands(r, EFFECT_DESTROY, AUTONOMY_ACT, w->f.t));
	assert_true(state_endorsement_stands(r, EFFECT_CONTAIN, AUTONOMY_ACT, w->f.t + 86399999));
	assert_false(state_endorsement_stands(r, EFFECT_CONTAIN, AUTONOMY_ACT, w->f.t + 86400000));
	l.autonomy_endorsed.level = STR("notify"); /* another question drops the first */
	l.autonomy_endorsed.person = STR("carol");
	fold_add(&w->f, l);
	assert_int_equal(r->n_endorsers, 1);
	assert_str(r->endorsers[0], "carol");
	scene_free(w);
}

static void a_proposal_is_judged_once_and_counts(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct digest tag = fold_tag(9);
	uint64_t p =
	    fold_add(&w->f, LEAF_OF(PROPOSAL_MADE, proposal_made, .task = w->task,
				    .agent = FOLD_AGENT, .tool = STR("db___end"),
				    .effect = STR("contain"), .targets = LIST(STR("pg-role:app")),
				    .tag = tag, .would = STR("allow"), .reason = STR("allowed")));
	struct leaf l = LEAF_OF(PROPOSAL_JUDGED, proposal_judged, .proposal = p,
				.person = STR("bob"), .agrees = true);

	assert_true(state_proposal_of(w->f.s, w->task, &tag)->ix == p);
	fold_add(&w->f, l);
	fold_refuse(&w->f, l);
	assert_null(state_proposal_of(w->f.s, w->task, &tag));
	assert_true(state_agent_record(w->f.s, FOLD_AGENT)->tallies[EFFECT_CONTAIN].judged == 1);
	assert_true(state_agent_record(w->f.s, FOLD_AGENT)->tallies[EFFECT_CONTAIN].agreed == 1);
	scene_free(w);
}

static void nobody_looks_into_their_own_case(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	static const struct str classes[] = {{"db-saturation", 13}, {"agent-deviation", 15}};
	uint64_t ix = fold_add(
	    &w->f, LEAF_OF(INCIDENT_OPENED, incident_opened, .source = STR("remit"),
			   .source_id = STR("agent:responder"), .class = STR("agent-deviation"),
			   .severity = 2, .environment = STR("production"),
			   .assets = LIST(STR("agent:responder"))));
	const struct incident *i = state_incident(w->f.s, ix);

	assert_false(decide_may_work_on(i, &w->agents[0])); /* not of its classes */
	w->agents[0].classes = (struct str_list){classes, 2};
	w->agents[1].classes = (struct str_list){classes, 2};
	assert_false(decide_may_work_on(i, &w->agents[0]));
	assert_true(decide_may_work_on(i, &w->agents[1]));
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refusals_are_told_apart),
	    cmocka_unit_test(a_denial_carries_what_it_weighs),
	    cmocka_unit_test(what_was_tried_is_kept_newest_last),
	    cmocka_unit_test(attempts_are_counted_over_tasks_within_the_window),
	    cmocka_unit_test(a_breach_lowers_and_never_raises),
	    cmocka_unit_test(what_was_lost_is_not_given_back_by_the_deployment),
	    cmocka_unit_test(a_promotion_holds_on_the_base_it_was_given_on),
	    cmocka_unit_test(what_is_initial_caps_the_unproven_only),
	    cmocka_unit_test(the_state_refuses_a_raise_by_one_person),
	    cmocka_unit_test(promotion_takes_numbers_and_the_right_persons),
	    cmocka_unit_test(silence_is_no_agreement),
	    cmocka_unit_test(an_endorsement_lapses_after_a_day),
	    cmocka_unit_test(a_proposal_is_judged_once_and_counts),
	    cmocka_unit_test(nobody_looks_into_their_own_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
