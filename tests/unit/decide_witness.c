/* SPDX-License-Identifier: Apache-2.0 */
/* What witnesses are needed for, and what they stop. The scene's call is a containment. */
#include "scene.h"

static uint64_t away(struct scene *w, struct str why)
{
	return fold_add(&w->f, LEAF_OF(WITNESS_AWAY, witness_away, .why = why));
}

static void only_what_requires_witnesses_is_denied_without_them(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t leaf;

	w->b.witness.is_used = true;
	w->b.witness.effects[EFFECT_CONTAIN] = true;
	expect_allow(w); /* control: they are there */
	leaf = away(w, STR("silent"));
	expect_deny(w, NOT_WITNESSED);
	w->b.witness.effects[EFFECT_CONTAIN] = false;
	w->b.witness.effects[EFFECT_DESTROY] = true;
	expect_allow(w);
	w->r.tool = STR("db___sessions");
	expect_allow(w);
	w->b.witness.effects[EFFECT_READ] = true;
	expect_deny(w, NOT_WITNESSED);
	fold_add(&w->f, LEAF_OF(WITNESS_BACK, witness_back, .away = leaf, .size = leaf));
	expect_allow(w);
	scene_free(w);
}

static void a_tool_may_require_them_by_itself(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->b.witness.is_used = true;
	away(w, STR("start"));
	expect_allow(w);
	for (size_t i = 0; i < w->b.n_tools; i++) {
		w->tools[i].requires_witness = str_eq(w->tools[i].public_name, w->r.tool);
	}
	expect_deny(w, NOT_WITNESSED);
	scene_free(w);
}

static void a_disputed_log_changes_nothing_whatever_is_required(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct str changes = w->r.tool;

	w->b.witness.is_used = true;
	away(w, STR("silent"));
	expect_allow(w);
	away(w, STR("disputed")); /* on top of it */
	expect_deny(w, NOT_WITNESSED);
	w->r.tool = STR("db___sessions");
	expect_allow(w);
	w->r.tool = changes;
	expect_deny(w, NOT_WITNESSED);
	w->b.witness.is_used = false; /* people took the policy away */
	expect_allow(w);
	scene_free(w);
}

static void going_away_and_coming_back_alternate(void **state)
{
	(void)state;
	struct fold f = fold_new();
	uint64_t first;

	fold_refuse(&f, LEAF_OF(WITNESS_BACK, witness_back, .away = 1));
	fold_refuse(&f, LEAF_OF(WITNESS_AWAY, witness_away, .why = STR("holiday")));
	first = fold_add(&f, LEAF_OF(WITNESS_AWAY, witness_away, .why = STR("silent")));
	assert_int_equal(state_witness_away(f.s), first);
	fold_refuse(&f, LEAF_OF(WITNESS_AWAY, witness_away, .why = STR("silent")));
	assert_false(state_log_disputed(f.s));
	fold_add(&f, LEAF_OF(WITNESS_AWAY, witness_away, .why = STR("disputed")));
	assert_true(state_log_disputed(f.s));
	fold_refuse(&f, LEAF_OF(WITNESS_AWAY, witness_away, .why = STR("disputed")));
	fold_refuse(&f, LEAF_OF(WITNESS_BACK, witness_back, .away = first));
	fold_add(&f, LEAF_OF(WITNESS_BACK, witness_back, .away = state_witness_away(f.s)));
	assert_int_equal(state_witness_away(f.s), 0);
	assert_false(state_log_disputed(f.s));
	state_free(f.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_what_requires_witnesses_is_denied_without_them),
	    cmocka_unit_test(a_tool_may_require_them_by_itself),
	    cmocka_unit_test(a_disputed_log_changes_nothing_whatever_is_required),
	    cmocka_unit_test(going_away_and_coming_back_alternate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
