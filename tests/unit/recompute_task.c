/* SPDX-License-Identifier: Apache-2.0 */
/* How a task moved on, was suspended, let go on and ended, and what its calls left: the true leaf
 * passes, each false one beside it is found. */
#include "look.h"

#include "core/deviation.h"

static void a_task_advances_as_its_playbook_leads(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf l = LEAF_OF(TASK_PHASE, task_phase, .task = w->task, .phase = STR("destroy"),
				.how = STR("advanced"), .at = w->f.t);

	EXPECT_TRUE(w, l);
	l.task_phase.phase = STR("contain"); /* it is there */
	EXPECT_FALSE(w, l, "advanced in the log, phase now");
	l.task_phase.phase = STR("made-up");
	EXPECT_FALSE(w, l, "the playbook has no 'made-up'");
	l.task_phase.phase = STR("destroy");
	l.task_phase.at += 3600000;
	EXPECT_FALSE(w, l, "at another time");
	l.task_phase.at = w->f.t;
	l.task_phase.how = STR("somehow");
	EXPECT_FALSE(w, l, "how");
	l.task_phase.how = STR("used"); /* the call behind it is looked at */
	EXPECT_TRUE(w, l);
	l.task_phase.how = STR("advanced");
	fold_add(&w->f, LEAF_OF(KILL_SET, kill_set, .scope = STR("all"), .by = STR("bob")));
	EXPECT_FALSE(w, l, "advanced in the log, kill_active now");
	scene_free(w);
}

static void deviate(struct scene *w)
{
	struct leaf l = fold_call(w->task, STR("contain"), 1);

	l.call_decided.verdict = STR("deny");
	l.call_decided.reason = STR("tool_unknown");
	l.call_decided.deviation = 1;
	fold_add(&w->f, l);
}

static void a_task_is_suspended_for_as_many_deviations_as_it_may(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf l = LEAF_OF(TASK_SUSPENDED, task_suspended, .task = w->task, .deviations = 3,
				.reason = STR("tool_unknown"));
	struct leaf b =
	    LEAF_OF(AGENT_BREACHED, agent_breached, .agent = FOLD_AGENT, .why = STR("suspended"),
		    .task = w->task, .contain = STR("propose"), .destroy = STR("propose"));

	deviate(w);
	deviate(w);
	EXPECT_FALSE(w, l, "as often");
	deviate(w);
	l.task_suspended.deviations = 2;
	EXPECT_FALSE(w, l, "deviations: 2 in the log, 3 now");
	l.task_suspended.deviations = 3;
	EXPECT_TRUE(w, l);
	EXPECT_FALSE(w, b, "which nothing shows");
	fold_add(&w->f, l);
	EXPECT_TRUE(w, b);
	scene_free(w);
}

static void a_task_goes_on_by_who_answers_for_it(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf l = LEAF_OF(TASK_RESUMED, task_resumed, .task = w->task, .by = STR("alice"));

	EXPECT_TRUE(w, l);
	l.task_resumed.by = STR("olga"); /* owns the agent */
	EXPECT_FALSE(w, l, "approver_conflict");
	l.task_resumed.by = STR("dave"); /* has nothing to do with it */
	EXPECT_FALSE(w, l, "approver_auth");
	l.task_resumed.by = STR("mallory");
	EXPECT_FALSE(w, l, "approver_auth");
	scene_free(w);
}

static void a_task_ends_for_what_has_happened(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf l =
	    LEAF_OF(TASK_ENDED, task_ended, .task = w->task, .why = STR("done"), .by = FOLD_AGENT);

	EXPECT_TRUE(w, l);
	l.task_ended.by = STR("bob");
	EXPECT_FALSE(w, l, "'done' by 'bob'");
	l.task_ended.why = STR("stopped");
	EXPECT_TRUE(w, l);
	l.task_ended.by = FOLD_AGENT;
	EXPECT_FALSE(w, l, "'stopped'");
	l.task_ended.why = STR("expired");
	EXPECT_FALSE(w, l, "'expired'");
	w->f.t += 3600 * 1000;
	EXPECT_TRUE(w, l);
	w->f.t -= 3600 * 1000;
	l.task_ended.why = STR("killed");
	EXPECT_FALSE(w, l, "'killed'");
	fold_add(&w->f, LEAF_OF(KILL_SET, kill_set, .scope = STR("agent"), .name = FOLD_AGENT,
				.by = STR("bob")));
	EXPECT_TRUE(w, l);
	l.task_ended.why = STR("incident_closed");
	EXPECT_FALSE(w, l, "'incident_closed'");
	fold_add(&w->f, LEAF_OF(INCIDENT_CLOSED, incident_closed, .incident = w->incident));
	EXPECT_TRUE(w, l);
	scene_free(w);
}

static void an_outcome_has_the_labels_and_counts_of_the_catalog(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t c = fold_add(&w->f, fold_call(w->task, STR("contain"), 1));
	struct leaf l = LEAF_OF(CALL_COMPLETED, call_completed, .call = c, .kind = STR("ok"),
				.labels = LIST(STR("operational")));

	EXPECT_TRUE(w, l);
	l.call_completed.labels = LIST(STR("operational"), STR("secret"));
	EXPECT_TRUE(w, l);
	l.call_completed.labels = (struct str_list){0};
	EXPECT_FALSE(w, l, "labels");
	l.call_completed.labels = LIST(STR("operational"), STR("made-up"));
	EXPECT_FALSE(w, l, "labels");
	w->tools[TOOL_END].is_untrusted = true;
	l.call_completed.labels = LIST(STR("operational"));
	EXPECT_FALSE(w, l, "labels"); /* a task that is not tainted by it */
	l.call_completed.labels = LIST(STR("operational"), STR("untrusted"));
	EXPECT_TRUE(w, l);
	l.call_completed.used = LIST(STR("made up"));
	EXPECT_FALSE(w, l, "used");
	l.call_completed.used = (struct str_list){0};
	l.call_completed.kind = STR("unknown");
	EXPECT_FALSE(w, l, "labels");
	l.call_completed.labels = (struct str_list){0};
	EXPECT_TRUE(w, l);
	w->b.breakers[BREAKER_UPSTREAM].most = 3;
	w->b.breakers[BREAKER_UPSTREAM].window_ms = 60000;
	EXPECT_FALSE(w, l, "used");
	l.call_completed.reason = reason_code(REASON_STALE_GENERATION);
	EXPECT_TRUE(w, l);
	l.call_completed.kind = STR("not_sent");
	EXPECT_FALSE(w, l, "used");
	scene_free(w);
}

static void a_definition_is_pinned_if_it_is_the_catalogs(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf l = LEAF_OF(TOOL_OBSERVED, tool_observed, .tool = STR("db___end"),
				.digest = {{TOOL_END + 1}}, .pinned = true);

	EXPECT_TRUE(w, l);
	l.tool_observed.pinned = false;
	EXPECT_FALSE(w, l, "pinned");
	l.tool_observed.digest.bytes[0]++;
	EXPECT_TRUE(w, l);
	l.tool_observed.pinned = true;
	EXPECT_FALSE(w, l, "pinned");
	l.tool_observed.tool = STR("db___made_up");
	EXPECT_FALSE(w, l, "no tool of the catalog");
	scene_free(w);
}

static void an_agent_is_paused_as_long_as_the_deployment_says(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf l =
	    LEAF_OF(AGENT_PAUSED, agent_paused, .agent = FOLD_AGENT, .until = w->f.t + 900000);

	w->b.questions.pause_ms = 900000;
	EXPECT_TRUE(w, l);
	l.agent_paused.until += 3600000;
	EXPECT_FALSE(w, l, "until");
	l.agent_paused.agent = STR("spiffe://example.org/nobody");
	EXPECT_FALSE(w, l, "no agent");
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_task_advances_as_its_playbook_leads),
	    cmocka_unit_test(a_task_is_suspended_for_as_many_deviations_as_it_may),
	    cmocka_unit_test(a_task_goes_on_by_who_answers_for_it),
	    cmocka_unit_test(a_task_ends_for_what_has_happened),
	    cmocka_unit_test(an_outcome_has_the_labels_and_counts_of_the_catalog),
	    cmocka_unit_test(a_definition_is_pinned_if_it_is_the_catalogs),
	    cmocka_unit_test(an_agent_is_paused_as_long_as_the_deployment_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
