/* SPDX-License-Identifier: Apache-2.0 */
/* What people did and what it cost or gave an agent: the true leaf passes, each false one beside
 * it is found. */
#include "core/recompute_people.h"

#include "core/autonomy.h"
#include "scene.h"

/* NULL: as it had to be. */
static const char *difference(struct scene *w, struct leaf l)
{
	struct str d;

	l.t = w->f.t;
	assert_true(recompute_is_of_people(&l));
	assert_ok(recompute_people(w->f.s, &w->b, &l, &w->arena, &d, NULL));
	return d.p;
}

#define EXPECT_TRUE(w, l)                                                                          \
	do {                                                                                       \
		const char *is = difference((w), (l));                                             \
		if (is) {                                                                          \
			fail_msg("%s", is);                                                        \
		}                                                                                  \
	} while (0)

#define EXPECT_FALSE(w, l, text)                                                                   \
	do {                                                                                       \
		const char *is = difference((w), (l));                                             \
		if (!is || !strstr(is, (text))) {                                                  \
			fail_msg("'%s' instead of '%s'", is ? is : "nothing", (text));             \
		}                                                                                  \
	} while (0)

/* ---- questions ---- */

static void a_question_is_granted_by_a_quorum_of_those_who_may(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t a = fold_approval(&w->f, w->task, 1);
	struct leaf vote = LEAF_OF(APPROVAL_VOTED, approval_voted, .approval = a,
				   .person = STR("bob"), .grants = true);
	struct leaf granted = fold_settled(a, STR("granted"), w->f.t + 1000);
	struct leaf denied = fold_settled(a, STR("denied"), 0);

	EXPECT_TRUE(w, vote);
	vote.approval_voted.person = STR("olga");
	EXPECT_FALSE(w, vote, "owner");
	vote.approval_voted.person = STR("alice");
	EXPECT_FALSE(w, vote, "accountable");
	vote.approval_voted.person = FOLD_AGENT;
	EXPECT_FALSE(w, vote, "approver_auth");
	vote.approval_voted.person = STR("bob");
	vote.approval_voted.shown.bytes[0] ^= 1;
	EXPECT_FALSE(w, vote, "another question");
	vote.approval_voted.shown.bytes[0] ^= 1;
	EXPECT_FALSE(w, granted, "without the quorum");
	denied.approval_settled.reason = reason_code(REASON_APPROVAL_DENIED);
	EXPECT_FALSE(w, denied, "nobody said no");
	denied.approval_settled.reason = reason_code(REASON_APPROVAL_NARROWED);
	EXPECT_FALSE(w, denied, "nothing narrows");
	fold_add(&w->f, vote);
	EXPECT_FALSE(w, vote, "voted already");
	EXPECT_TRUE(w, granted);
	granted.approval_settled.execute_by += 86400000;
	EXPECT_FALSE(w, granted, "execute_by");
	scene_free(w);
}

static void a_vote_counts_no_more_when_its_person_has_left_the_group(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t a = fold_approval(&w->f, w->task, 1);

	fold_add(&w->f, LEAF_OF(APPROVAL_VOTED, approval_voted, .approval = a, .person = STR("bob"),
				.grants = true));
	EXPECT_TRUE(w, fold_settled(a, STR("granted"), w->f.t + 1000));
	w->people[1].groups.n = 0;
	EXPECT_FALSE(w, fold_settled(a, STR("granted"), w->f.t + 1000), "without the quorum");
	scene_free(w);
}

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

	EXPECT_TRUE(w, l);
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
	    cmocka_unit_test(a_question_is_granted_by_a_quorum_of_those_who_may),
	    cmocka_unit_test(a_vote_counts_no_more_when_its_person_has_left_the_group),
	    cmocka_unit_test(a_stop_is_lifted_by_two_who_may),
	    cmocka_unit_test(a_breach_costs_what_the_rules_say),
	    cmocka_unit_test(a_promotion_rests_on_its_numbers_and_two_persons),
	    cmocka_unit_test(glass_is_broken_by_the_named_and_reviewed_by_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
