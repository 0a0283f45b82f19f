/* SPDX-License-Identifier: Apache-2.0 */
/* Phases: what a task may use now, what moves it on, and what must have happened before. */
#include "scene.h"

/* The tool that everything below is about; TOOL_END contains, TOOL_DROP destroys. */
static void use(struct scene *w, const char *tool)
{
	w->r.tool = str_from(tool);
	w->r.args = scene_json(w, "{\"role\":\"app\"}");
}

static void enter(struct scene *w, const char *phase)
{
	fold_add(&w->f, LEAF_OF(TASK_PHASE, task_phase, .task = w->task, .phase = str_from(phase)));
}

static uint64_t made(struct scene *w, const char *tool, const char *effect, const char *target)
{
	const struct str targets[] = {str_from(target)};
	struct leaf l = fold_call(w->task, str_from(effect), 7);

	l.call_decided.tool = str_from(tool);
	l.call_decided.targets = (struct str_list){targets, 1};
	return fold_add(&w->f, l);
}

static void completed(struct scene *w, uint64_t call, const char *kind)
{
	fold_add(&w->f,
		 LEAF_OF(CALL_COMPLETED, call_completed, .call = call, .kind = str_from(kind)));
}

static void verified(struct scene *w, uint64_t call, bool holds)
{
	fold_add(&w->f, LEAF_OF(CALL_VERIFIED, call_verified, .call = call, .holds = holds));
}

static void expect_advance(struct scene *w, const char *phase, enum reason reason, int line)
{
	struct decision d;
	struct err e = ERR_INIT;

	w->r.now_unix_ms = w->f.t;
	assert_ok(decide_advance(w->f.s, &w->b, &w->r, str_from(phase), &w->arena, &d, &e));
	if (d.reason != reason || (d.verdict == VERDICT_ALLOW) != (reason == REASON_ALLOWED)) {
		fail_msg("line %d: %.*s (%.*s)", line, STR_ARG(reason_code(d.reason)),
			 STR_ARG(d.detail));
	}
	if (reason == REASON_ALLOWED) {
		assert_true(str_eq(d.phase, str_from(phase)));
	}
}
#define advance(w, phase, reason) expect_advance((w), (phase), REASON_##reason, __LINE__)

static void a_phase_bounds_the_effect_of_calls_in_it(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	static const struct str both[] = {{"db___end", 8}, {"db___drop", 9}};

	use(w, "db___end");
	w->phases[1].effect = EFFECT_CONTAIN;
	expect_allow(w);
	w->phases[1].effect = EFFECT_READ;
	expect_deny(w, NEEDS_STEP_UP);
	assert_false(reason_is_deviation(w->d.reason)); /* the grant has the tool */
	/* a grant to contain does not destroy, though the phase names the tool */
	w->phases[1].effect = EFFECT_CONTAIN;
	w->phases[1].tools = (struct str_list){both, 2};
	w->phases[1].next = (struct str_list){0};
	use(w, "db___drop");
	expect_deny(w, NEEDS_STEP_UP);
	/* the step up is judged anew: a phase that destroys, and then a person */
	w->phases[1].next = LIST(STR("destroy"));
	expect_ask(w, NEEDS_APPROVAL);
	assert_str(w->d.phase, "destroy");
	scene_free(w);
}

static void an_explicit_phase_is_not_slipped_into(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	enter(w, "diagnose");
	use(w, "db___end");
	expect_allow(w);
	assert_str(w->d.phase, "contain");
	w->phases[1].is_explicit = true;
	expect_deny(w, NEEDS_STEP_UP);
	advance(w, "destroy", PHASE); /* two steps away */
	advance(w, "nowhere", PHASE);
	advance(w, "contain", ALLOWED);
	enter(w, "contain");
	expect_allow(w);
	assert_null(w->d.phase.p);
	scene_free(w);
}

static void advancing_needs_all_that_a_call_needs_before_it(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	enter(w, "diagnose");
	advance(w, "contain", ALLOWED);
	w->r.agent = STR("spiffe://example.org/other");
	advance(w, "contain", TASK_UNKNOWN);
	w->r.agent = FOLD_AGENT;
	fold_add(&w->f, LEAF_OF(KILL_SET, kill_set, .scope = STR("agent"), .name = FOLD_AGENT,
				.by = STR("alice")));
	advance(w, "contain", KILL_ACTIVE);
	fold_lift(&w->f, STR("agent"), FOLD_AGENT);
	fold_add(&w->f, LEAF_OF(INCIDENT_CLOSED, incident_closed, .incident = w->incident));
	advance(w, "contain", INCIDENT_NOT_OPEN);
	scene_free(w);
}

static void a_phase_is_entered_when_what_it_requires_is_completed(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t call;

	enter(w, "diagnose");
	w->phases[1].entry.tools = LIST(STR("db___sessions"));
	use(w, "db___end");
	expect_deny(w, NEEDS_STEP_UP);
	advance(w, "contain", NEEDS_STEP_UP);
	call = made(w, "db___sessions", "read", "pg-role:app");
	expect_deny(w, NEEDS_STEP_UP); /* under way is not completed */
	completed(w, call, "tool_error");
	expect_deny(w, NEEDS_STEP_UP); /* nor is an error */
	call = made(w, "db___sessions", "read", "pg-role:app");
	completed(w, call, "ok");
	expect_allow(w);
	advance(w, "contain", ALLOWED);
	scene_free(w);
}

static void a_phase_is_entered_when_evidence_is_kept(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t call;

	enter(w, "diagnose");
	w->phases[1].entry.evidence = LIST(STR("sessions"));
	advance(w, "contain", NEEDS_STEP_UP);
	call = made(w, "db___sessions", "read", "pg-role:app");
	completed(w, call, "ok");
	advance(w, "contain", NEEDS_STEP_UP);
	for (unsigned i = 0; i < 2; i++) {
		static const struct str kinds[] = {{"memory", 6}, {"sessions", 8}};

		fold_add(&w->f, LEAF_OF(EVIDENCE_CAPTURED, evidence_captured,
					.incident = w->incident, .task = w->task, .call = call,
					.kind = kinds[i], .targets = LIST(STR("pg-role:app")),
					.object = {{(uint8_t)(i + 1)}}, .size = 10,
					.stored_size = 58, .key = 4, .mode = STR("governance"),
					.keep_until = w->f.t + 86400000));
		if (i == 0) {
			advance(w, "contain", NEEDS_STEP_UP); /* of another kind */
		}
	}
	advance(w, "contain", ALLOWED);
	scene_free(w);
}

static void a_phase_is_left_when_its_changes_are_verified(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	uint64_t first;
	uint64_t second;

	w->phases[1].exit.is_verified = true;
	advance(w, "destroy", ALLOWED); /* nothing was changed yet */
	first = made(w, "db___end", "contain", "pg-role:app");
	advance(w, "destroy", NEEDS_STEP_UP);
	completed(w, first, "ok");
	advance(w, "destroy", NEEDS_STEP_UP);
	use(w, "db___drop");
	expect_deny(w, NEEDS_STEP_UP);
	verified(w, first, false);
	advance(w, "destroy", NEEDS_STEP_UP);
	verified(w, first, true);
	advance(w, "destroy", ALLOWED);
	expect_ask(w, NEEDS_APPROVAL);
	/* what came to nothing needs no verification, what may have been done does */
	second = made(w, "db___end", "contain", "pg-role:app");
	completed(w, second, "not_sent");
	advance(w, "destroy", ALLOWED);
	second = made(w, "db___end", "contain", "pg-role:app");
	completed(w, second, "unknown");
	advance(w, "destroy", NEEDS_STEP_UP);
	scene_free(w);
}

static void the_bounds_of_a_phase_outlast_going_round(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->phases[1].max_calls = 2;
	use(w, "db___end");
	completed(w, made(w, "db___end", "contain", "pg-role:app"), "ok");
	expect_allow(w);
	completed(w, made(w, "db___end", "contain", "pg-role:app"), "ok");
	expect_deny(w, RATE_EXCEEDED);
	enter(w, "diagnose");
	expect_deny(w, RATE_EXCEEDED); /* it would count in `contain` again */
	use(w, "db___sessions");
	expect_allow(w);
	scene_free(w);
}

static void a_phase_has_targets_of_its_own(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->phases[1].max_targets = 1;
	fold_add(&w->f, LEAF_OF(TOOL_OBSERVED, tool_observed, .tool = STR("web___block"),
				.digest = {.bytes = {TOOL_BLOCK + 1}}));
	w->r.tool = STR("web___block");
	w->r.args = scene_json(w, "{\"ip\":\"192.0.2.1\"}");
	expect_allow(w);
	completed(w, made(w, "db___end", "contain", "pg-role:app"), "ok");
	expect_deny(w, BLAST_RADIUS);
	use(w, "db___end"); /* the same again is no further target */
	expect_allow(w);
	/* touched in another phase counts in this one all the same */
	w->phases[1].max_targets = 2;
	enter(w, "other");
	made(w, "web___block", "contain", "ip:192.0.2.1");
	enter(w, "contain");
	w->r.tool = STR("web___block");
	w->r.args = scene_json(w, "{\"ip\":\"192.0.2.1\"}");
	expect_allow(w);
	w->phases[1].max_targets = 1;
	expect_deny(w, BLAST_RADIUS);
	scene_free(w);
}

static void a_phase_has_its_time(void **state)
{
	(void)state;
	struct scene *w = scene_new();

	w->phases[1].max_duration_ms = 60000;
	use(w, "db___end");
	w->f.t += 59999;
	expect_allow(w);
	w->f.t += 1;
	expect_deny(w, GRANT_EXPIRED);
	enter(w, "diagnose");
	w->f.t += 1000000;
	expect_deny(w, GRANT_EXPIRED); /* its visits are over, and used up */
	w->phases[1].max_duration_ms = 60001;
	expect_allow(w);
	scene_free(w);
}

static void an_agent_sees_the_tools_it_can_use_now(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	const size_t *at;
	size_t n;
	struct err e = ERR_INIT;

	enter(w, "diagnose");
	assert_ok(decide_visible_tools(w->f.s, &w->b, FOLD_AGENT, w->task, w->f.t, &w->arena, &at,
				       &n, &e));
	assert_int_equal(n, 3); /* sessions, and end and lock of the next phase */
	w->phases[1].is_explicit = true;
	assert_ok(decide_visible_tools(w->f.s, &w->b, FOLD_AGENT, w->task, w->f.t, &w->arena, &at,
				       &n, &e));
	assert_int_equal(n, 1);
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_phase_bounds_the_effect_of_calls_in_it),
	    cmocka_unit_test(an_explicit_phase_is_not_slipped_into),
	    cmocka_unit_test(advancing_needs_all_that_a_call_needs_before_it),
	    cmocka_unit_test(a_phase_is_entered_when_what_it_requires_is_completed),
	    cmocka_unit_test(a_phase_is_entered_when_evidence_is_kept),
	    cmocka_unit_test(a_phase_is_left_when_its_changes_are_verified),
	    cmocka_unit_test(the_bounds_of_a_phase_outlast_going_round),
	    cmocka_unit_test(a_phase_has_targets_of_its_own),
	    cmocka_unit_test(a_phase_has_its_time),
	    cmocka_unit_test(an_agent_sees_the_tools_it_can_use_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
