/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of people, and each way in which a question ends: the true leaf passes, each false one
 * beside it is found. */
#include "look.h"

#include "core/escalation.h"

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

/* A clock that was an hour ahead was set right and confirmed; the log's time stands still. */
static void a_vote_is_not_late_by_a_time_that_stands_still(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t a = fold_approval(&w->f, w->task, 1);
	struct leaf l = LEAF_OF(APPROVAL_VOTED, approval_voted, .approval = a, .person = STR("bob"),
				.grants = true);
	struct str d;

	w->f.t += 3600000;
	EXPECT_FALSE(w, l, "after the time to decide");
	l.t = w->f.t;
	assert_ok(recompute_people(w->f.s, &w->b, &l, l.t, &w->arena, &d, NULL));
	assert_null(d.p);
	assert_ok(recompute_people(w->f.s, &w->b, &l, l.t - 1, &w->arena, &d, NULL));
	assert_non_null(d.p); /* it went on since */
	scene_free(w);
}

/* ---- ends without an answer ---- */

static struct leaf ended(uint64_t a, const char *state, enum reason reason)
{
	return LEAF_OF(APPROVAL_SETTLED, approval_settled, .approval = a, .state = str_from(state),
		       .reason = reason_code(reason));
}

static void a_question_expires_when_its_time_is_over(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t a = fold_approval(&w->f, w->task, 1);
	struct leaf l = ended(a, "expired", REASON_APPROVAL_EXPIRED);

	EXPECT_FALSE(w, l, "before its time");
	w->f.t += 600000;
	EXPECT_TRUE(w, l);
	l.approval_settled.reason = reason_code(REASON_APPROVAL_DENIED);
	EXPECT_FALSE(w, l, "another reason");
	l.approval_settled.reason = reason_code(REASON_APPROVAL_EXPIRED);
	w->f.t -= 600000;
	fold_vote(&w->f, a, STR("bob"), true);
	fold_add(&w->f, fold_settled(a, STR("granted"), w->f.t + 300000));
	w->f.t += 200000;
	EXPECT_FALSE(w, l, "before its time"); /* it is there to be used */
	w->f.t += 100000;
	EXPECT_TRUE(w, l);
	scene_free(w);
}

static void a_question_expires_early_when_its_ladder_has_come_to_its_safe_state(void **state)
{
	static const struct rung ladder[] = {
	    {.after_ms = 0, .who = RUNG_ON_CALL},
	    {.after_ms = 60000, .who = RUNG_GROUP},
	    {.after_ms = 120000, .safe = SAFE_DENY},
	};
	struct scene *w = scene_new();
	uint64_t a = fold_approval(&w->f, w->task, 1);
	uint64_t opened = w->f.t;
	uint64_t x;
	struct leaf l = ended(a, "expired", REASON_APPROVAL_EXPIRED);

	(void)state;
	w->groups[0].ladder = ladder;
	w->groups[0].n_rungs = ARRAY_LEN(ladder);
	w->f.t += 120000;
	x = fold_add(&w->f,
		     LEAF_OF(ESCALATION_OPENED, escalation_opened, .about = a,
			     .what = STR("approval"), .group = STR("secops"), .since = opened));
	for (uint64_t level = 1; level <= 3; level++) {
		EXPECT_FALSE(w, l, "before its time");
		fold_add(&w->f, LEAF_OF(ESCALATION_MOVED, escalation_moved, .escalation = x,
					.about = a, .level = level));
	}
	EXPECT_TRUE(w, l);
	scene_free(w);
}

static void a_question_is_void_for_what_has_happened(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t a = fold_approval(&w->f, w->task, 1);

	EXPECT_FALSE(w, ended(a, "void", REASON_TASK_SUSPENDED), "which is not so");
	EXPECT_FALSE(w, ended(a, "void", REASON_TASK_ENDED), "which is not so");
	EXPECT_FALSE(w, ended(a, "void", REASON_INCIDENT_NOT_OPEN), "which is not so");
	EXPECT_FALSE(w, ended(a, "void", REASON_KILL_ACTIVE), "which is not so");
	EXPECT_FALSE(w, ended(a, "void", REASON_TARGET_IN_USE), "which is not so");
	EXPECT_FALSE(w, ended(a, "void", REASON_APPROVAL_DENIED), "which is not so");
	EXPECT_FALSE(w, ended(a, "void", REASON_NONE), "which is not so");
	EXPECT_TRUE(w, ended(a, "void", REASON_APPROVAL_VOID)); /* rule (10) of log_lint.h */

	fold_add(&w->f, LEAF_OF(KILL_SET, kill_set, .scope = STR("tool"), .name = STR("db___end"),
				.by = STR("bob")));
	EXPECT_TRUE(w, ended(a, "void", REASON_KILL_ACTIVE));
	fold_add(&w->f, LEAF_OF(TASK_SUSPENDED, task_suspended, .task = w->task,
				.reason = STR("tool_not_granted")));
	EXPECT_TRUE(w, ended(a, "void", REASON_TASK_SUSPENDED));
	fold_add(&w->f, LEAF_OF(TASK_ENDED, task_ended, .task = w->task, .why = STR("stopped")));
	EXPECT_TRUE(w, ended(a, "void", REASON_TASK_ENDED));
	EXPECT_FALSE(w, ended(a, "void", REASON_TASK_SUSPENDED), "which is not so");
	fold_add(&w->f, LEAF_OF(INCIDENT_CLOSED, incident_closed, .incident = w->incident));
	EXPECT_TRUE(w, ended(a, "void", REASON_INCIDENT_NOT_OPEN));
	scene_free(w);
}

static void an_answer_is_void_only_when_its_target_was_looked_at_again(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t a = fold_granted(&w->f, w->task, 1);
	struct leaf look = fold_call(w->task, STR("read"), 2);
	uint64_t c;

	look.call_decided.purpose = STR("capture");
	c = fold_add(&w->f, look);
	EXPECT_FALSE(w, ended(a, "void", REASON_TARGET_IN_USE), "which is not so");
	fold_add(&w->f, LEAF_OF(CALL_COMPLETED, call_completed, .call = c, .kind = STR("ok")));
	EXPECT_TRUE(w, ended(a, "void", REASON_TARGET_IN_USE));
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_question_is_granted_by_a_quorum_of_those_who_may),
	    cmocka_unit_test(a_vote_counts_no_more_when_its_person_has_left_the_group),
	    cmocka_unit_test(a_vote_is_not_late_by_a_time_that_stands_still),
	    cmocka_unit_test(a_question_expires_when_its_time_is_over),
	    cmocka_unit_test(a_question_expires_early_when_its_ladder_has_come_to_its_safe_state),
	    cmocka_unit_test(a_question_is_void_for_what_has_happened),
	    cmocka_unit_test(an_answer_is_void_only_when_its_target_was_looked_at_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
