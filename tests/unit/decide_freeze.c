/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

/* A freeze from now on for ten minutes, of what changes anything. */
static struct freeze *freeze(struct scene *w)
{
	static struct freeze f;

	f = (struct freeze){
	    .name = STR("year-end"),
	    .from_unix_ms = FOLD_START_MS,
	    .to_unix_ms = FOLD_START_MS + 600000,
	    .effects = {[EFFECT_DESTROY] = true, [EFFECT_CONTAIN] = true},
	    .reason = STR("the books are closed"),
	};
	w->b.freezes = &f;
	w->b.n_freezes = 1;
	return &f;
}

static void a_freeze_holds_for_its_time_place_and_effect(void **state)
{
	(void)state;
	static const struct str staging[] = {{"staging", 7}};
	static const struct str production[] = {{"production", 10}};
	static const struct str shop[] = {{"shop", 4}};
	static const struct str db[] = {{"db", 2}};
	static const struct str other[] = {{"web___block", 11}};
	struct scene *w = scene_new();
	struct freeze *f;

	expect_allow(w); /* control */
	f = freeze(w);
	expect_deny(w, FREEZE_ACTIVE);
	assert_str(w->d.detail, "freeze 'year-end': the books are closed");
	w->f.t = f->to_unix_ms - 1;
	expect_deny(w, FREEZE_ACTIVE);
	w->f.t = f->to_unix_ms;
	expect_allow(w);
	w->f.t = FOLD_START_MS;
	f->environments = (struct str_list){staging, 1};
	expect_allow(w);
	f->environments = (struct str_list){production, 1};
	f->services = (struct str_list){shop, 1};
	expect_deny(w, FREEZE_ACTIVE);
	f->tools = (struct str_list){other, 1};
	expect_allow(w);
	f->tools = (struct str_list){db, 1}; /* the whole upstream */
	expect_deny(w, FREEZE_ACTIVE);
	f->effects[EFFECT_CONTAIN] = false;
	expect_allow(w);
	f->effects[EFFECT_CONTAIN] = true;
	w->r.tool = STR("db___sessions"); /* reading goes on */
	expect_allow(w);
	scene_free(w);
}

static void a_weekly_freeze_comes_and_goes(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct freeze *f = freeze(w);
	struct week_window weekend;

	assert_true(week_window_parse(STR("fri 16:00-mon 16:01"), &weekend));
	f->from_unix_ms = 0;
	f->to_unix_ms = 0;
	f->windows = &weekend;
	f->n_windows = 1;
	expect_deny(w, FREEZE_ACTIVE); /* it is Monday, 16:00 */
	w->f.t += 60000;
	expect_allow(w);
	scene_free(w);
}

static void a_freeze_beats_approvals_and_preapprovals(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct freeze *f;
	uint64_t a;

	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_APPROVE;
	expect_ask(w, NEEDS_APPROVAL);
	a = fold_granted(&w->f, w->task, 1);
	fold_add(&w->f, fold_settled(a, STR("void"), 0));
	a = fold_add(&w->f,
		     LEAF_OF(APPROVAL_OPENED, approval_opened, .kind = STR("call"), .task = w->task,
			     .incident = w->incident, .agent = FOLD_AGENT, .tool = STR("db___end"),
			     .effect = STR("contain"), .targets = w->d.targets, .tag = fold_tag(1),
			     .gates = w->d.gates, .quorum = 1));
	fold_vote(&w->f, a, STR("bob"), true);
	fold_add(&w->f, fold_settled(a, STR("granted"), w->f.t + 300000));
	expect_allow(w); /* control: it is approved */
	f = freeze(w);
	expect_deny(w, FREEZE_ACTIVE);
	f->effects[EFFECT_CONTAIN] = false;
	expect_allow(w);
	fold_add(&w->f, fold_settled(a, STR("void"), 0));
	fold_add(&w->f, LEAF_OF(PREAPPROVAL_OPENED, preapproval_opened, .person = STR("bob"),
				.agent = FOLD_AGENT, .tool = STR("db___end"), .max_uses = 3,
				.window_ms = 3600000, .not_after = w->f.t + 3600000));
	expect_allow(w); /* control: it is pre-approved */
	assert_true(w->d.preapproval != 0);
	f->effects[EFFECT_CONTAIN] = true;
	expect_deny(w, FREEZE_ACTIVE);
	/* With a gate of its own a person can let this very call pass; what was said before the
	 * freeze cannot. */
	f->gate = STR("secops");
	expect_ask(w, NEEDS_APPROVAL);
	scene_free(w);
}

static void a_freeze_asks_its_own_gate_beside_the_others(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	freeze(w)->gate = STR("two");
	expect_ask(w, NEEDS_QUORUM);
	assert_int_equal(w->d.gates.n, 1);
	w->agents[0].autonomy[EFFECT_CONTAIN] = AUTONOMY_APPROVE;
	expect_ask(w, NEEDS_QUORUM);
	assert_int_equal(w->d.gates.n, 2);
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_freeze_holds_for_its_time_place_and_effect),
	    cmocka_unit_test(a_weekly_freeze_comes_and_goes),
	    cmocka_unit_test(a_freeze_beats_approvals_and_preapprovals),
	    cmocka_unit_test(a_freeze_asks_its_own_gate_beside_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
