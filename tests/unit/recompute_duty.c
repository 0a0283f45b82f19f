/* SPDX-License-Identifier: Apache-2.0 */
/* Who was on duty, who answers and who was told: the true leaf passes, each false one beside it is
 * found. */
#include "look.h"

#include "core/escalation.h"

static void duty_is_given_within_a_group(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf l = LEAF_OF(ROTA_SET, rota_set, .group = STR("secops"), .person = STR("bob"),
				.by = STR("alice"), .until = w->f.t + 3600000);

	EXPECT_TRUE(w, l);
	l.rota_set.by = STR("dave"); /* of another group */
	EXPECT_FALSE(w, l, "not both of 'secops'");
	l.rota_set.by = STR("alice");
	l.rota_set.person = STR("dave");
	EXPECT_FALSE(w, l, "not both of 'secops'");
	l.rota_set.person = STR("bob");
	l.rota_set.group = STR("nobodies");
	EXPECT_FALSE(w, l, "not both of 'nobodies'");
	l.rota_set.group = STR("secops");
	l.rota_set.until = w->f.t + UINT64_C(8) * 86400000;
	EXPECT_FALSE(w, l, "longer than a duty may");
	scene_free(w);
}

static void a_task_and_its_terms_go_to_who_is_on_duty(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t call = fold_add(&w->f, fold_call(w->task, STR("contain"), 1));
	uint64_t term =
	    fold_add(&w->f, LEAF_OF(TERM_STARTED, term_started, .call = call, .task = w->task,
				    .tool = STR("db___unlock"), .targets = LIST(STR("pg-role:app")),
				    .owner = STR("alice"), .end = STR("reask")));
	struct leaf l = LEAF_OF(TASK_ACCOUNTABLE, task_accountable, .task = w->task,
				.person = STR("olga"), .why = STR("rota"), .at = w->f.t);
	struct leaf o = LEAF_OF(TERM_OWNER, term_owner, .term = term, .owner = STR("olga"));

	EXPECT_FALSE(w, l, "'olga' in the log, 'alice' now");
	fold_add(&w->f, LEAF_OF(ROTA_SET, rota_set, .group = STR("oncall"), .person = STR("olga"),
				.by = STR("alice"), .until = w->f.t + 3600000));
	EXPECT_FALSE(w, l, "'olga' in the log, 'alice' now"); /* who is no member of it */
	w->people[4].groups = LIST(STR("oncall"));
	EXPECT_TRUE(w, l);
	w->f.t++; /* time does not stand still */
	l.task_accountable.at -= 3600000; /* as if it had been then */
	EXPECT_FALSE(w, l, "at another time");
	l.task_accountable.at += 2 * 3600000;
	EXPECT_FALSE(w, l, "at another time");
	l.task_accountable.at = 0;
	EXPECT_FALSE(w, l, "at another time");
	l.task_accountable.at = w->f.t;
	EXPECT_FALSE(w, o, "'olga' in the log, 'alice' now");
	fold_add(&w->f, l);
	EXPECT_TRUE(w, o);
	o.term_owner.owner = STR("bob");
	EXPECT_FALSE(w, o, "'bob' in the log, 'olga' now");

	fold_add(&w->f, LEAF_OF(TASK_ENDED, task_ended, .task = w->task, .why = STR("done")));
	EXPECT_TRUE(w, l); /* something of it stands */
	fold_add(&w->f, LEAF_OF(TERM_CHANGED, term_changed, .term = term, .how = STR("kept")));
	EXPECT_FALSE(w, l, "nobody has to answer");
	EXPECT_FALSE(w, o, "nothing that stands");
	scene_free(w);
}

/* ---- escalations ---- */

static void what_waits_is_escalated_in_time_to_whom_the_ladder_means(void **state)
{
	static const struct rung ladder[] = {
	    {.after_ms = 0, .who = RUNG_OWNER},
	    {.after_ms = 120000, .who = RUNG_PERSON, .person = {"carol", 5}, .safe = SAFE_OBSERVE},
	};
	struct scene *w = scene_new();
	uint64_t a = fold_approval(&w->f, w->task, 1);
	uint64_t opened = w->f.t;
	uint64_t x;
	struct leaf l = LEAF_OF(ESCALATION_OPENED, escalation_opened, .about = a,
				.what = STR("approval"), .group = STR("secops"), .since = opened);
	struct leaf m;
	struct leaf end;

	(void)state;
	w->groups[0].ladder = ladder;
	w->groups[0].n_rungs = ARRAY_LEN(ladder);
	EXPECT_FALSE(w, l, "before anybody else was to be told");
	w->f.t += 120000;
	EXPECT_TRUE(w, l);
	l.escalation_opened.since += 1;
	EXPECT_FALSE(w, l, "since");
	l.escalation_opened.since -= 1;
	l.escalation_opened.group = STR("dba");
	EXPECT_FALSE(w, l, "group");
	l.escalation_opened.group = STR("secops");
	l.escalation_opened.what = STR("task");
	EXPECT_FALSE(w, l, "waits for nobody");
	l.escalation_opened.what = STR("approval");
	x = fold_add(&w->f, l);

	end = LEAF_OF(ESCALATION_ENDED, escalation_ended, .escalation = x, .why = STR("settled"));
	EXPECT_FALSE(w, end, "it still waits");
	m = LEAF_OF(ESCALATION_MOVED, escalation_moved, .escalation = x, .about = a, .level = 1,
		    .who = LIST(STR("olga")), .at = w->f.t);
	EXPECT_TRUE(w, m);
	m.escalation_moved.who = LIST(STR("bob"));
	EXPECT_FALSE(w, m, "who");
	m.escalation_moved.who = (struct str_list){0};
	EXPECT_FALSE(w, m, "who");
	m.escalation_moved.who = LIST(STR("olga"));
	m.escalation_moved.safe = STR("deny");
	EXPECT_FALSE(w, m, "safe");
	m.escalation_moved.safe = STR("");
	m.escalation_moved.level = 2;
	EXPECT_FALSE(w, m, "not due");
	m.escalation_moved.level = 1;
	m.escalation_moved.about = w->task;
	EXPECT_FALSE(w, m, "about");
	m.escalation_moved.about = a;
	m.escalation_moved.at += 3600000;
	EXPECT_FALSE(w, m, "at another time");
	m.escalation_moved.at -= 3600000;
	fold_add(&w->f, m);

	m.escalation_moved.level = 2;
	m.escalation_moved.who = LIST(STR("carol"));
	m.escalation_moved.safe = STR("observe");
	EXPECT_TRUE(w, m);
	m.escalation_moved.at -= 1; /* a moment before it is due */
	EXPECT_FALSE(w, m, "not due");
	m.escalation_moved.at += 1;
	fold_add(&w->f, m);
	m.escalation_moved.level = 3;
	EXPECT_FALSE(w, m, "not due"); /* the ladder has no more */

	fold_vote(&w->f, a, STR("bob"), false);
	fold_add(&w->f, fold_settled(a, STR("denied"), 0));
	EXPECT_TRUE(w, end);
	EXPECT_FALSE(w, m, "waits for nobody");
	scene_free(w);
}

static void a_suspended_task_waits_for_who_answers_for_its_playbook(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf l = LEAF_OF(ESCALATION_OPENED, escalation_opened, .about = w->task,
				.what = STR("task"), .group = STR("oncall"));

	EXPECT_FALSE(w, l, "waits for nobody");
	fold_add(&w->f, LEAF_OF(TASK_SUSPENDED, task_suspended, .task = w->task,
				.reason = STR("tool_not_granted")));
	EXPECT_TRUE(w, l);
	l.escalation_opened.group = STR("secops");
	EXPECT_FALSE(w, l, "group");
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(duty_is_given_within_a_group),
	    cmocka_unit_test(a_task_and_its_terms_go_to_who_is_on_duty),
	    cmocka_unit_test(what_waits_is_escalated_in_time_to_whom_the_ladder_means),
	    cmocka_unit_test(a_suspended_task_waits_for_who_answers_for_its_playbook),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
