/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

/* Opens a question about the call with that tag, as it was decided. */
static uint64_t open_question(struct scene *w)
{
	return fold_add(&w->f, LEAF_OF(APPROVAL_OPENED, approval_opened, .kind = STR("call"),
				       .task = w->task, .incident = w->incident,
				       .group = w->d.group, .agent = w->r.agent, .tool = w->r.tool,
				       .effect = effect_name(w->d.effect), .targets = w->d.targets,
				       .tag = w->r.tag, .gates = w->d.gates,
				       .eligible = w->d.approvers.eligible, .quorum = w->d.quorum,
				       .decide_by = w->f.t + w->d.decide_by_ms,
				       .execute_by_ms = w->d.execute_by_ms));
}

static struct scene *asking_scene(void)
{
	struct scene *w = scene_new();

	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_APPROVE;
	return w;
}

static void pause_agent(struct scene *w)
{
	fold_add(&w->f, LEAF_OF(AGENT_PAUSED, agent_paused, .agent = w->r.agent,
				.until = w->f.t + 900000));
}

/* Forty questions in the night: three stand, in one group, and then the agent only reads. */
static void whoever_bombs_people_with_questions_is_paused(void **state)
{
	(void)state;
	struct scene *w = asking_scene();
	uint64_t first = 0;
	uint64_t a;

	for (uint8_t i = 1; i <= 3; i++) {
		w->r.tag = fold_tag(i);
		expect_ask(w, NEEDS_APPROVAL);
		assert_true(w->d.group == first);
		a = open_question(w);
		first = first ? first : a;
		assert_true(state_approval(w->f.s, a)->group == first);
	}
	for (uint8_t i = 4; i <= 40; i++) {
		w->r.tag = fold_tag(i);
		expect_deny(w, NEEDS_APPROVAL);
		assert_true(w->d.wants_pause);
		assert_str(w->d.detail, "3 questions of this agent wait already");
	}
	w->r.tag = fold_tag(2);
	expect_ask(w, NEEDS_APPROVAL); /* what was asked may be asked for again */
	w->r.agent = w->agents[1].id;  /* and another agent is another matter */
	w->r.task = fold_add(
	    &w->f,
	    LEAF_OF(TASK_OPENED, task_opened, .incident = w->incident, .agent = w->r.agent,
		    .playbook = STR("db-saturation"), .tools = LIST(STR("db___end")),
		    .targets = LIST(STR("pg-role:app")), .data = LIST(STR("operational")),
		    .phase = STR("contain"), .not_after = w->f.t + 3600 * 1000, .max_calls = 20,
		    .max_targets = 2, .max_deviations = 3, .accountable = STR("alice")));
	expect_deny(w, NO_RULE); /* control: it is not the questions that stop it */
	scene_free(w);
}

static void a_paused_agent_reads_and_uses_what_it_was_granted(void **state)
{
	(void)state;
	struct scene *w = asking_scene();
	uint64_t a;

	expect_ask(w, NEEDS_APPROVAL);
	a = open_question(w);
	pause_agent(w);
	expect_ask(w, NEEDS_APPROVAL); /* on the table already */
	w->r.tag = fold_tag(2);
	expect_deny(w, NEEDS_APPROVAL);
	assert_false(w->d.wants_pause); /* once is enough */
	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_ACT;
	expect_deny(w, NEEDS_APPROVAL); /* also what it could do alone */
	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_APPROVE;
	fold_vote(&w->f, a, STR("bob"), true);
	fold_add(&w->f, fold_settled(a, STR("granted"), w->f.t + 1000));
	w->r.tag = fold_tag(1);
	expect_allow(w);
	w->r.tool = STR("db___sessions");
	w->r.tag = fold_tag(3);
	expect_allow(w);
	w->r.tool = STR("db___end");
	w->f.t += 900000;
	expect_ask(w, NEEDS_APPROVAL); /* its time is over */
	scene_free(w);
}

static void nobody_is_asked_more_often_than_they_can_answer(void **state)
{
	(void)state;
	struct scene *w = asking_scene();

	w->task = fold_add(
	    &w->f,
	    LEAF_OF(TASK_OPENED, task_opened, .incident = w->incident, .agent = w->r.agent,
		    .playbook = STR("db-saturation"), .tools = LIST(STR("db___end")),
		    .targets = LIST(STR("pg-role:app")), .data = LIST(STR("operational")),
		    .phase = STR("contain"), .not_after = w->f.t + 2 * 3600 * 1000, .max_calls = 20,
		    .max_targets = 2, .max_deviations = 3, .accountable = STR("alice")));
	w->r.task = w->task;
	w->b.questions = (struct question_limits){.pending = 100, .per_hour = 2};
	for (uint8_t i = 1; i <= 2; i++) {
		w->r.tag = fold_tag(i);
		expect_ask(w, NEEDS_APPROVAL);
		/* Answered at once: what counts is how often somebody is asked. */
		fold_add(&w->f, fold_settled(open_question(w), STR("denied"), 0));
		w->f.t += 1000;
	}
	w->r.tag = fold_tag(3);
	expect_deny(w, NEEDS_APPROVAL);
	assert_true(w->d.wants_pause);
	w->agents[0].owner = STR("otto"); /* olga is of the group too, and was not asked */
	expect_ask(w, NEEDS_APPROVAL);
	w->agents[0].owner = STR("olga");
	w->f.t += 3600000 - 2000;
	expect_deny(w, NEEDS_APPROVAL);
	w->f.t += 1001; /* the first was more than an hour ago */
	expect_ask(w, NEEDS_APPROVAL);
	scene_free(w);
}

static void what_joins_an_open_group_costs_nobody_anything(void **state)
{
	(void)state;
	struct scene *w = asking_scene();

	w->b.questions = (struct question_limits){.pending = 100, .per_hour = 1};
	expect_ask(w, NEEDS_APPROVAL);
	open_question(w);
	for (uint8_t i = 2; i < 20; i++) {
		w->r.tag = fold_tag(i);
		expect_ask(w, NEEDS_APPROVAL);
		open_question(w);
	}
	w->r.tool = STR("db___drop"); /* another tool is another question */
	w->r.tag = fold_tag(20);
	fold_add(&w->f, LEAF_OF(TASK_PHASE, task_phase, .task = w->task, .phase = STR("destroy")));
	expect_deny(w, NEEDS_APPROVAL);
	scene_free(w);
}

static void the_first_surprise_ends_a_preapproval(void **state)
{
	(void)state;
	struct scene *w = asking_scene();
	uint64_t p;
	uint64_t call;

	p = fold_add(&w->f, LEAF_OF(PREAPPROVAL_OPENED, preapproval_opened, .person = STR("bob"),
				    .agent = FOLD_AGENT, .tool = STR("db___end"), .max_uses = 9,
				    .window_ms = 3600000, .not_after = w->f.t + 3600000));
	for (int holds = 1; holds >= 0; holds--) {
		struct leaf l = fold_call(w->task, STR("contain"), 1);

		expect_allow(w);
		assert_true(w->d.preapproval == p);
		l.call_decided.preapproval = p;
		call = fold_add(&w->f, l);
		fold_add(&w->f,
			 LEAF_OF(CALL_COMPLETED, call_completed, .call = call, .kind = STR("ok")));
		fold_add(&w->f,
			 LEAF_OF(CALL_VERIFIED, call_verified, .call = call, .holds = holds == 1));
	}
	assert_false(state_preapproval(w->f.s, p)->is_open);
	expect_ask(w, NEEDS_APPROVAL);
	scene_free(w);
}

static void an_approval_that_is_cited_is_for_this_call(void **state)
{
	(void)state;
	struct scene *w = asking_scene();
	uint64_t a;
	char id[24];

	expect_ask(w, NEEDS_APPROVAL);
	a = open_question(w);
	fold_vote(&w->f, a, STR("bob"), true);
	fold_add(&w->f, fold_settled(a, STR("granted"), w->f.t + 1000));
	w->r.cited = id_text('a', a, id);
	expect_allow(w);	/* control */
	w->r.tag = fold_tag(2); /* one byte of the arguments */
	expect_deny(w, APPROVAL_MISMATCH);
	w->r.tag = fold_tag(1);
	w->r.cited = STR("a99");
	expect_deny(w, APPROVAL_UNKNOWN);
	w->r.cited = STR("99");
	expect_deny(w, APPROVAL_UNKNOWN);
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whoever_bombs_people_with_questions_is_paused),
	    cmocka_unit_test(a_paused_agent_reads_and_uses_what_it_was_granted),
	    cmocka_unit_test(nobody_is_asked_more_often_than_they_can_answer),
	    cmocka_unit_test(what_joins_an_open_group_costs_nobody_anything),
	    cmocka_unit_test(the_first_surprise_ends_a_preapproval),
	    cmocka_unit_test(an_approval_that_is_cited_is_for_this_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
