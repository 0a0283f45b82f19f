/* SPDX-License-Identifier: Apache-2.0 */
#include "core/accountable.h"

#include "scene.h"

static struct week_window day;	 /* mon-fri 08:00-20:00; the scene begins on Monday at 16:00 */
static struct week_window night; /* the rest of the working days */

static void set_turns(struct scene *w)
{
	static struct turn turns[2];

	assert_true(week_window_parse(STR("mon-fri 08:00-20:00"), &day));
	assert_true(week_window_parse(STR("mon-fri 20:00-08:00"), &night));
	turns[0] = (struct turn){STR("alice"), &day, 1};
	turns[1] = (struct turn){STR("bob"), &night, 1};
	w->groups[0].turns = turns;
	w->groups[0].n_turns = 2;
}

#define assert_on_duty(w, t, person)                                                               \
	assert_str(accountable_now((w)->f.s, &(w)->b, STR("secops"), (t)), person)

static void duty_follows_the_hours_and_a_gap_falls_to_the_deputy(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t t = FOLD_START_MS;

	assert_on_duty(w, t, "alice"); /* the first on the rota, for ever */
	assert_on_duty(w, t + 6 * 3600000, "alice");
	set_turns(w);
	assert_on_duty(w, t, "alice");
	assert_on_duty(w, t + 4 * 3600000 - 1, "alice");
	assert_on_duty(w, t + 4 * 3600000, "bob");
	w->groups[0].deputy = STR("carol");
	assert_on_duty(w, t + 5 * 86400000, "carol"); /* on Saturday nobody has a turn */
	assert_on_duty(w, t + 4 * 3600000, "bob");
	assert_str(accountable_now(w->f.s, &w->b, STR("nobody"), t), "");
	scene_free(w);
}

static void who_is_set_is_on_duty_while_that_lasts(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t t = w->f.t;

	fold_add(&w->f, LEAF_OF(ROTA_SET, rota_set, .group = STR("secops"), .person = STR("carol"),
				.until = t + 1000, .by = STR("bob")));
	assert_on_duty(w, t, "carol");
	assert_on_duty(w, t + 1000, "alice");
	fold_add(&w->f, LEAF_OF(ROTA_SET, rota_set, .group = STR("secops"), .person = STR("bob"),
				.until = t + 500, .by = STR("bob")));
	assert_on_duty(w, t + 499, "bob");
	assert_on_duty(w, t + 600, "alice"); /* the newest word counts, not an older longer one */
	fold_add(&w->f, LEAF_OF(ROTA_SET, rota_set, .group = STR("secops"), .person = STR("dave"),
				.until = t + 9000, .by = STR("bob")));
	assert_on_duty(w, t, "alice"); /* dave is no member */
	fold_refuse(&w->f, LEAF_OF(ROTA_SET, rota_set, .group = STR("secops"), .until = t + 1));
	fold_refuse(&w->f,
		    LEAF_OF(ROTA_SET, rota_set, .group = STR("secops"), .person = STR("bob")));
	scene_free(w);
}

static void an_escalation_only_climbs_and_only_once(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t a = fold_approval(&w->f, w->task, 1);
	struct leaf open =
	    LEAF_OF(ESCALATION_OPENED, escalation_opened, .about = a, .what = STR("approval"),
		    .group = STR("secops"), .since = w->f.t);
	struct leaf moved;
	uint64_t x;

	x = fold_add(&w->f, open);
	fold_refuse(&w->f, open);
	moved = LEAF_OF(ESCALATION_MOVED, escalation_moved, .escalation = x, .about = a, .level = 1,
			.who = LIST(STR("alice")));
	fold_add(&w->f, moved);
	fold_refuse(&w->f, moved);
	moved.escalation_moved.level = 3;
	fold_add(&w->f, moved);
	moved.escalation_moved.level = 2;
	fold_refuse(&w->f, moved);
	assert_true(state_escalation_of(w->f.s, a)->level == 3);
	fold_add(&w->f, LEAF_OF(ESCALATION_ENDED, escalation_ended, .escalation = x,
				.why = STR("settled")));
	fold_refuse(&w->f, LEAF_OF(ESCALATION_ENDED, escalation_ended, .escalation = x));
	moved.escalation_moved.level = 9;
	fold_refuse(&w->f, moved);
	assert_null(state_escalation_of(w->f.s, a));
	fold_add(&w->f, open); /* it waits again */
	scene_free(w);
}

static void a_task_has_one_accountable_person_at_a_time(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	fold_add(&w->f, LEAF_OF(TASK_ACCOUNTABLE, task_accountable, .task = w->task,
				.person = STR("bob"), .why = STR("rota")));
	fold_add(&w->f, LEAF_OF(TASK_PHASE, task_phase, .task = w->task, .phase = STR("destroy")));
	assert_str(state_task(w->f.s, w->task)->accountable, "bob");
	fold_add(&w->f, LEAF_OF(TASK_ACCOUNTABLE, task_accountable, .task = w->task,
				.person = STR("carol"), .why = STR("rota")));
	assert_str(state_task(w->f.s, w->task)->accountable, "carol");
	assert_str(state_task(w->f.s, w->task)->phase, "destroy");
	fold_refuse(&w->f, LEAF_OF(TASK_ACCOUNTABLE, task_accountable, .task = w->task));
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(duty_follows_the_hours_and_a_gap_falls_to_the_deputy),
	    cmocka_unit_test(who_is_set_is_on_duty_while_that_lasts),
	    cmocka_unit_test(an_escalation_only_climbs_and_only_once),
	    cmocka_unit_test(a_task_has_one_accountable_person_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
