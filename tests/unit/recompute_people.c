/* SPDX-License-Identifier: Apache-2.0 */
/* What people did and what it cost or gave an agent: the true leaf passes, each false one beside
 * it is found. */
#include "look.h"

#include "core/autonomy.h"
#include "core/deviation.h"

/* ---- stops ---- */

static void a_stop_is_lifted_by_two_who_may(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t k = fold_add(&w->f, LEAF_OF(KILL_SET, kill_set, .scope = STR("agent"),
					     .name = FOLD_AGENT, .by = STR("bob")));
	struct leaf lifted =
	    LEAF_OF(KILL_CLEARED, kill_cleared, .scope = STR("agent"), .name = FOLD_AGENT,
		    .by = STR("bob"), .proposed_by = STR("olga"));
	struct leaf proposed =
	    LEAF_OF(KILL_LIFT_PROPOSED, kill_lift_proposed, .kill = k, .by = STR("olga"));

	w->agents[0].deputy = STR("carol");
	EXPECT_FALSE(w, lifted, "a proposal now"); /* nobody has proposed it */
	EXPECT_TRUE(w, proposed);
	proposed.kill_lift_proposed.by = STR("mallory");
	EXPECT_FALSE(w, proposed, "no person");
	proposed.kill_lift_proposed.by = STR("olga");
	fold_add(&w->f, proposed);
	EXPECT_TRUE(w, lifted);
	lifted.kill_cleared.by = STR("carol"); /* owner and deputy together */
	EXPECT_FALSE(w, lifted, "refused now");
	lifted.kill_cleared.by = STR("olga");
	EXPECT_FALSE(w, lifted, "a proposal now");
	lifted.kill_cleared.name = STR("spiffe://example.org/other");
	EXPECT_FALSE(w, lifted, "no such stop");
	proposed.kill_lift_proposed.by = STR("bob");
	EXPECT_FALSE(w, proposed, "a confirmation now");
	scene_free(w);
}

/* ---- autonomy ---- */

static void attempt(struct scene *w, uint64_t weight)
{
	struct leaf l = fold_call(w->task, STR("contain"), 1);

	l.call_decided.verdict = STR("deny");
	l.call_decided.reason = STR("target_not_in_incident");
	l.call_decided.attempt = weight;
	fold_add(&w->f, l);
}

static void a_breach_costs_what_the_rules_say(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	const struct agent *a = &w->agents[0];
	enum autonomy contain = autonomy_after(w->f.s, &w->b, a, EFFECT_CONTAIN, BREACH_SEVERE);
	enum autonomy destroy = autonomy_after(w->f.s, &w->b, a, EFFECT_DESTROY, BREACH_SEVERE);
	struct leaf l = LEAF_OF(
	    AGENT_BREACHED, agent_breached, .agent = FOLD_AGENT, .why = STR("severe"),
	    .cause = w->task, .contain = autonomy_name(contain), .destroy = autonomy_name(destroy));

	EXPECT_FALSE(w, l, "which nothing shows");
	attempt(w, 3);
	EXPECT_FALSE(w, l, "which nothing shows"); /* too little */
	attempt(w, DEVIATION_SEVERE);
	EXPECT_TRUE(w, l);
	l.agent_breached.why = STR("attempts");
	EXPECT_FALSE(w, l, "which nothing shows"); /* the last one is severe */
	l.agent_breached.why = STR("suspended");
	EXPECT_FALSE(w, l, "which nothing shows");
	l.agent_breached.why = STR("unverified");
	EXPECT_FALSE(w, l, "which nothing shows");
	l.agent_breached.why = STR("severe");
	l.agent_breached.destroy = STR("");
	EXPECT_FALSE(w, l, "destroy: '' in the log");
	l.agent_breached.destroy = autonomy_name(destroy);
	l.agent_breached.contain = STR("act");
	EXPECT_FALSE(w, l, "contain: 'act' in the log");
	l.agent_breached.agent = STR("spiffe://example.org/nobody");
	EXPECT_FALSE(w, l, "no agent");
	scene_free(w);
}

static void a_promotion_rests_on_its_numbers_and_two_persons(void **state)
{
	(void)state;
	static const struct str two[] = {{"bob", 3}, {"carol", 5}};
	struct scene *w = scene_new();
	struct leaf endorsed =
	    LEAF_OF(AUTONOMY_ENDORSED, autonomy_endorsed, .agent = FOLD_AGENT,
		    .effect = STR("contain"), .level = STR("act"), .person = STR("bob"));
	struct leaf promoted = LEAF_OF(
	    AUTONOMY_CHANGED, autonomy_changed, .agent = FOLD_AGENT, .effect = STR("contain"),
	    .level = STR("act"), .base = STR("approve"), .why = STR("promoted"), .by = {two, 2});

	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_APPROVE;
	EXPECT_FALSE(w, endorsed, "not_earned");
	w->b.autonomy.decisions = 0;
	w->b.autonomy.agreement = 0;
	EXPECT_TRUE(w, endorsed);
	endorsed.autonomy_endorsed.person = STR("olga");
	EXPECT_FALSE(w, endorsed, "approver_conflict");
	endorsed.autonomy_endorsed.person = STR("bob");
	EXPECT_FALSE(w, promoted, "nobody had endorsed");
	fold_add(&w->f, endorsed);
	EXPECT_TRUE(w, promoted);
	promoted.autonomy_changed.judged = 20;
	EXPECT_FALSE(w, promoted, "numbers");
	promoted.autonomy_changed.judged = 0;
	promoted.autonomy_changed.base = STR("act");
	EXPECT_FALSE(w, promoted, "base");
	promoted.autonomy_changed.base = STR("approve");
	promoted.autonomy_changed.by = LIST(STR("carol"), STR("bob"));
	EXPECT_FALSE(w, promoted, "'carol' had not endorsed");
	promoted.autonomy_changed.by = LIST(STR("bob"), STR("olga"));
	EXPECT_FALSE(w, promoted, "'olga' may not promote");
	promoted.autonomy_changed.why = STR("demoted");
	EXPECT_FALSE(w, promoted, "no less than it had");
	promoted.autonomy_changed.level = STR("observe");
	EXPECT_TRUE(w, promoted);
	scene_free(w);
}

static void a_proposal_is_judged_by_who_may_and_does_not_own_the_agent(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t p = fold_add(
	    &w->f, LEAF_OF(PROPOSAL_MADE, proposal_made, .task = w->task, .agent = FOLD_AGENT,
			   .tool = STR("db___end"), .effect = STR("contain"),
			   .targets = LIST(STR("pg-role:app")), .tag = fold_tag(1),
			   .would = STR("allow"), .reason = STR("allowed")));
	struct leaf l = LEAF_OF(PROPOSAL_JUDGED, proposal_judged, .proposal = p,
				.person = STR("bob"), .agrees = true);

	EXPECT_TRUE(w, l);
	l.proposal_judged.person = STR("olga"); /* owns the agent */
	EXPECT_FALSE(w, l, "'olga' may not judge it");
	l.proposal_judged.person = STR("dave"); /* is not of the default gate's group */
	EXPECT_FALSE(w, l, "'dave' may not judge it");
	l.proposal_judged.person = STR("mallory");
	EXPECT_FALSE(w, l, "'mallory' may not judge it");
	l.proposal_judged.person = STR("bob");
	l.proposal_judged.proposal = w->task;
	EXPECT_FALSE(w, l, "may not judge it");
	scene_free(w);
}

/* ---- broken glass ---- */

static void glass_is_broken_by_the_named_and_reviewed_by_another(void **state)
{
	(void)state;
	static const struct str named[] = {{"alice", 5}};
	struct scene *w = scene_new();
	struct leaf l = LEAF_OF(BREAK_GLASS_OPENED, break_glass_opened, .task = w->task,
				.incident = w->incident, .person = STR("alice"),
				.not_after = w->f.t + 600000, .review_by = w->f.t + 600000);
	struct leaf r = LEAF_OF(BREAK_GLASS_REVIEWED, break_glass_reviewed, .by = STR("bob"));

	EXPECT_FALSE(w, l, "not named");
	w->b.break_glass =
	    (struct break_glass_rules){.people = {named, 1}, .max_ms = 600000, .review_ms = 600000};
	EXPECT_TRUE(w, l);
	l.break_glass_opened.not_after += 3600000;
	EXPECT_FALSE(w, l, "longer than it may");
	l.break_glass_opened.not_after -= 3600000;
	l.break_glass_opened.task = 0;
	EXPECT_FALSE(w, l, "its task");
	l.break_glass_opened.task = w->task;
	r.break_glass_reviewed.break_glass = fold_add(&w->f, l);
	EXPECT_FALSE(w, r, "while it goes on");
	fold_add(&w->f, LEAF_OF(TASK_ENDED, task_ended, .task = w->task, .why = STR("done")));
	EXPECT_TRUE(w, r);
	r.break_glass_reviewed.by = STR("mallory");
	EXPECT_FALSE(w, r, "no person");
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_stop_is_lifted_by_two_who_may),
	    cmocka_unit_test(a_breach_costs_what_the_rules_say),
	    cmocka_unit_test(a_promotion_rests_on_its_numbers_and_two_persons),
	    cmocka_unit_test(a_proposal_is_judged_by_who_may_and_does_not_own_the_agent),
	    cmocka_unit_test(glass_is_broken_by_the_named_and_reviewed_by_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
