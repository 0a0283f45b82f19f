/* SPDX-License-Identifier: Apache-2.0 */
/* What must be known of a target before a call may change it. */
#include "scene.h"

static const struct signal_wanted down[] = {{{"health", 6}, {"down", 4}}};
static const struct signal_wanted down_and_idle[] = {{{"health", 6}, {"down", 4}},
						     {{"traffic", 7}, {"none", 4}}};

/* Two sources must say, within five minutes, that pg-role:app is down. */
static struct scene *demanding(void)
{
	struct scene *w = scene_new();

	w->tools[TOOL_END].corroboration =
	    (struct corroboration){.signals = down, .n = 1, .sources = 2, .max_age_ms = 300000};
	return w;
}

static struct leaf observed(struct str asset, struct str name, struct str value, struct str source,
			    uint64_t at)
{
	return LEAF_OF(SIGNAL_OBSERVED, signal_observed, .asset = asset, .name = name,
		       .value = value, .source = source, .observed_at = at);
}

static uint64_t say(struct scene *w, struct str source, struct str name, struct str value,
		    uint64_t at)
{
	return fold_add(&w->f, observed(STR("pg-role:app"), name, value, source, at));
}

#define SAY(w, source, value) say((w), STR(source), STR("health"), STR(value), (w)->f.t)

static void a_person_is_asked_until_enough_sources_agree(void **state)
{
	(void)state;
	struct scene *w = demanding();

	expect_ask(w, SIGNALS_INSUFFICIENT);
	assert_true(str_list_has(&w->d.gates, STR("secops")));
	SAY(w, "probe", "down");
	expect_ask(w, SIGNALS_INSUFFICIENT);
	SAY(w, "probe", "down"); /* the same one, once more */
	expect_ask(w, SIGNALS_INSUFFICIENT);
	fold_add(&w->f, observed(STR("pg-role:batch"), STR("health"), STR("down"), STR("lb"),
				 w->f.t)); /* of another asset */
	say(w, STR("lb"), STR("weather"), STR("down"), w->f.t);
	expect_ask(w, SIGNALS_INSUFFICIENT);
	SAY(w, "lb", "down");
	expect_allow(w);
	scene_free(w);
}

static void what_is_old_or_from_the_future_is_nothing(void **state)
{
	(void)state;
	struct scene *w = demanding();

	SAY(w, "probe", "down");
	SAY(w, "lb", "down");
	expect_allow(w);
	w->f.t += 300000;
	expect_allow(w);
	w->f.t += 1;
	expect_ask(w, SIGNALS_INSUFFICIENT);
	/* Fresh by a clock that is behind, and by one that is ahead. */
	SAY(w, "probe", "down");
	say(w, STR("slow"), STR("health"), STR("down"), w->f.t - 300001);
	expect_ask(w, SIGNALS_INSUFFICIENT);
	say(w, STR("fast"), STR("health"), STR("down"), w->f.t + SIGNAL_SKEW_MS + 1);
	expect_ask(w, SIGNALS_INSUFFICIENT);
	say(w, STR("fine"), STR("health"), STR("down"), w->f.t + SIGNAL_SKEW_MS);
	expect_allow(w); /* control */
	scene_free(w);
}

static void a_contradiction_is_never_outvoted(void **state)
{
	(void)state;
	struct scene *w = demanding();

	SAY(w, "probe", "down");
	SAY(w, "lb", "down");
	SAY(w, "third", "down");
	expect_allow(w);
	SAY(w, "netflow", "up");
	expect_ask(w, SIGNALS_CONFLICT);
	assert_true(str_contains(w->d.detail, STR("netflow")));
	w->f.t += 1000;
	SAY(w, "netflow", "down"); /* it has come round */
	expect_allow(w);
	SAY(w, "probe", "up"); /* a source contradicts itself of before */
	expect_ask(w, SIGNALS_CONFLICT);
	scene_free(w);
}

static void an_old_contradiction_is_nothing_either(void **state)
{
	(void)state;
	struct scene *w = demanding();

	SAY(w, "netflow", "up");
	w->f.t += 300001;
	SAY(w, "probe", "down");
	SAY(w, "lb", "down");
	expect_allow(w);
	scene_free(w);
}

static void several_signals_must_all_hold(void **state)
{
	(void)state;
	struct scene *w = demanding();

	w->tools[TOOL_END].corroboration.signals = down_and_idle;
	w->tools[TOOL_END].corroboration.n = 2;
	SAY(w, "probe", "down");
	SAY(w, "lb", "down");
	expect_ask(w, SIGNALS_INSUFFICIENT);
	say(w, STR("netflow"), STR("traffic"), STR("some"), w->f.t);
	expect_ask(w, SIGNALS_CONFLICT); /* it is called dead, and alive */
	say(w, STR("netflow"), STR("traffic"), STR("none"), w->f.t);
	expect_allow(w);
	scene_free(w);
}

static void every_target_must_be_corroborated(void **state)
{
	(void)state;
	static const struct str touched[] = {{"pg-role:app", 11}, {"pg-role:batch", 13}};
	struct scene *w = demanding();
	struct signal_verdict v;
	struct str_list targets = {touched, 2};

	SAY(w, "probe", "down");
	SAY(w, "lb", "down");
	assert_ok(signals_judge(w->f.s, &w->tools[TOOL_END].corroboration, &targets, w->f.t,
				&w->arena, &v, NULL));
	assert_int_equal(v.reason, REASON_SIGNALS_INSUFFICIENT);
	assert_true(str_contains(v.detail, STR("pg-role:batch")));
	fold_add(&w->f, observed(touched[1], STR("health"), STR("up"), STR("lb"), w->f.t));
	assert_ok(signals_judge(w->f.s, &w->tools[TOOL_END].corroboration, &targets, w->f.t,
				&w->arena, &v, NULL));
	assert_int_equal(v.reason, REASON_SIGNALS_CONFLICT);
	targets.n = 1;
	assert_ok(signals_judge(w->f.s, &w->tools[TOOL_END].corroboration, &targets, w->f.t,
				&w->arena, &v, NULL));
	assert_int_equal(v.reason, REASON_NONE); /* control */
	scene_free(w);
}

static void a_tool_may_deny_instead(void **state)
{
	(void)state;
	struct scene *w = demanding();

	w->tools[TOOL_END].corroboration.denies = true;
	expect_deny(w, SIGNALS_INSUFFICIENT);
	SAY(w, "probe", "up");
	expect_deny(w, SIGNALS_CONFLICT);
	fold_granted(&w->f, w->task, 1); /* no approval lifts it */
	expect_deny(w, SIGNALS_CONFLICT);
	scene_free(w);
}

static void an_approval_of_the_call_lifts_the_doubt(void **state)
{
	(void)state;
	struct scene *w = demanding();
	uint64_t approval;

	SAY(w, "netflow", "up");
	expect_ask(w, SIGNALS_CONFLICT);
	w->f.t += 1;
	approval = fold_approval(&w->f, w->task, 1);
	w->r.tag = fold_tag(1);
	fold_vote(&w->f, approval, STR("bob"), true);
	fold_add(&w->f, fold_settled(approval, STR("granted"), w->f.t + 300000));
	w->tools[TOOL_END].effect = EFFECT_DESTROY; /* as fold_approval asks */
	expect_allow(w);
	assert_int_equal(w->d.approval, approval);
	/* What the person has not seen. */
	SAY(w, "probe", "up");
	expect_deny(w, APPROVAL_VOID);
	SAY(w, "probe", "down");
	expect_allow(w); /* control: netflow's word was there before */
	scene_free(w);
}

static void what_was_approved_in_advance_does_not_lift_it(void **state)
{
	(void)state;
	struct scene *w = demanding();

	fold_add(&w->f, LEAF_OF(PREAPPROVAL_OPENED, preapproval_opened, .person = STR("bob"),
				.agent = FOLD_AGENT, .tool = STR("db___end"), .max_uses = 9,
				.window_ms = 60000, .not_after = w->f.t + 3600000));
	expect_ask(w, SIGNALS_INSUFFICIENT);
	scene_policies_add(w, "@id(\"g\") @gate(\"secops\") forbid(principal, action, resource);");
	expect_ask(w, SIGNALS_INSUFFICIENT);
	SAY(w, "probe", "down");
	SAY(w, "lb", "down");
	expect_allow(w); /* control: the gate alone it lifts */
	assert_int_not_equal(w->d.preapproval, 0);
	scene_free(w);
}

static void policies_still_forbid_and_doubt_is_no_permit(void **state)
{
	(void)state;
	struct scene *w = demanding();

	expect_ask(w, SIGNALS_INSUFFICIENT);
	scene_policies_add(w, "@id(\"never\") forbid(principal, action, resource);");
	expect_deny(w, FORBIDDEN);
	scene_set_policies(w, "", "");
	expect_deny(w, NO_RULE);
	scene_free(w);
}

static void policies_see_what_is_known(void **state)
{
	(void)state;
	static const char rule[] =
	    "@id(\"dead\") forbid(principal, action, resource) unless { context.signals has health "
	    "&& context.signals.health.agree && context.signals.health.value == \"down\" && "
	    "context.signals.health.sources >= 2 && context.signals.health.age_s < 60 };";
	struct scene *w = scene_new();

	scene_policies_add(w, rule);
	expect_deny(w, FORBIDDEN);
	SAY(w, "probe", "down");
	expect_deny(w, FORBIDDEN);
	SAY(w, "lb", "down");
	expect_allow(w);
	SAY(w, "third", "up");
	expect_deny(w, FORBIDDEN);
	SAY(w, "third", "down");
	expect_allow(w);
	w->f.t += 60000;
	expect_deny(w, FORBIDDEN);
	scene_policies_add(w, "@id(\"v\") forbid(principal, action, resource) when { "
			      "context.signals.health has value };");
	expect_deny(w, FORBIDDEN);
	SAY(w, "third", "up");
	expect_allow(w); /* they do not agree: there is no value */
	scene_free(w);
}

/* ---- the state ---- */

static void the_latest_word_of_a_source_stands(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	const struct signal *x;
	uint64_t t = w->f.t;

	say(w, STR("probe"), STR("health"), STR("up"), t);
	fold_refuse(&w->f,
		    observed(STR("pg-role:app"), STR("health"), STR("down"), STR("probe"), t - 1));
	say(w, STR("probe"), STR("health"), STR("down"), t);
	x = state_signal(w->f.s, STR("pg-role:app"), STR("health"), STR("probe"));
	assert_non_null(x);
	assert_str(x->value, "down");
	assert_null(state_signal(w->f.s, STR("pg-role:app"), STR("health"), STR("lb")));
	/* A clock that was far ahead and is set right is believed again. */
	say(w, STR("probe"), STR("health"), STR("odd"), t + 86400000);
	say(w, STR("probe"), STR("health"), STR("even"), t);
	x = state_signal(w->f.s, STR("pg-role:app"), STR("health"), STR("probe"));
	assert_str(x->value, "even");
	fold_refuse(&w->f, observed(STR(""), STR("health"), STR("x"), STR("probe"), t));
	scene_free(w);
}

static void signals_are_bounded_and_forgotten(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct leaf more =
	    observed(STR("pg-role:app"), STR("one_more"), STR("x"), STR("p"), w->f.t);
	struct err e = ERR_INIT;
	struct digest before;
	struct digest after;
	size_t i = 0;
	char name[32];

	before = fold_digest(&w->f);
	for (unsigned n = 0; n < SIGNALS_PER_ASSET; n++) {
		(void)snprintf(name, sizeof(name), "n%02u", n);
		say(w, STR("p"), str_from(name), STR("x"), w->f.t);
	}
	more.t = w->f.t;
	assert_rc(state_reserve(w->f.s, &more, &e), RC_LIMIT);
	more.signal_observed.asset = STR("pg-role:batch");
	fold_add(&w->f, more); /* another asset has room */
	after = fold_digest(&w->f);
	assert_false(digest_eq(&before, &after));
	w->f.t += SIGNAL_HORIZON_MS + 60 * 1000 + 1;
	fold_add(&w->f,
		 observed(STR("pg-role:batch"), STR("one_more"), STR("x"), STR("p"), w->f.t));
	fold_add(&w->f, observed(STR("pg-role:app"), STR("new"), STR("x"), STR("p"), w->f.t));
	while (state_next_signal(w->f.s, STR(""), &i)) {
	}
	assert_int_equal(i, 2);
	scene_free(w);
}

/* ---- reports ---- */

static enum rc read(struct scene *w, const char *text, size_t *n)
{
	const struct signal_report *r;

	return signal_reports_read(scene_json(w, text), &w->arena, &r, n, NULL);
}

static void a_report_is_read_strictly(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "[]",
	    "{}",
	    "{\"signals\":[]}",
	    "{\"name\":\"health\",\"asset\":\"host:a\"}",
	    "{\"name\":\"health\",\"value\":\"x\"}",
	    "{\"name\":\"Health\",\"asset\":\"host:a\",\"value\":\"x\"}",
	    "{\"name\":\"health\",\"asset\":\"host:*\",\"value\":\"x\"}",
	    "{\"name\":\"health\",\"asset\":\"host:a\",\"value\":null}",
	    "{\"name\":\"health\",\"asset\":\"host:a\",\"value\":[1]}",
	    "{\"name\":\"health\",\"asset\":\"host:a\",\"value\":\"x\",\"observed_at\":\"now\"}",
	    "{\"name\":\"health\",\"asset\":\"host:a\",\"value\":\"x\",\"source\":\"lb\"}",
	    ("{\"name\":\"health\",\"asset\":\"host:a\",\"value\":\"0123456789012345678901234567890"
	     "1234567890123456789012345678901234\"}"),
	    "{\"signals\":[{\"name\":\"a\",\"asset\":\"host:a\",\"value\":\"x\"}],\"more\":1}",
	};
	struct scene *w = scene_new();
	size_t n;

	assert_ok(
	    read(w,
		 "{\"signals\":[{\"name\":\"a\",\"asset\":\"host:a\",\"value\":1.5},{\"name\":"
		 "\"b\",\"asset\":\"host:b\",\"value\":true,\"observed_at\":"
		 "\"2026-11-22T08:00:00Z\"}]}",
		 &n));
	assert_int_equal(n, 2);
	assert_ok(read(w, "{\"name\":\"a\",\"asset\":\"host:a\",\"value\":\"x\"}", &n));
	assert_int_equal(n, 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (read(w, bad[i], &n) != RC_INPUT) {
			fail_msg("%s was read", bad[i]);
		}
	}
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_person_is_asked_until_enough_sources_agree),
	    cmocka_unit_test(what_is_old_or_from_the_future_is_nothing),
	    cmocka_unit_test(a_contradiction_is_never_outvoted),
	    cmocka_unit_test(an_old_contradiction_is_nothing_either),
	    cmocka_unit_test(several_signals_must_all_hold),
	    cmocka_unit_test(every_target_must_be_corroborated),
	    cmocka_unit_test(a_tool_may_deny_instead),
	    cmocka_unit_test(an_approval_of_the_call_lifts_the_doubt),
	    cmocka_unit_test(what_was_approved_in_advance_does_not_lift_it),
	    cmocka_unit_test(policies_still_forbid_and_doubt_is_no_permit),
	    cmocka_unit_test(policies_see_what_is_known),
	    cmocka_unit_test(the_latest_word_of_a_source_stands),
	    cmocka_unit_test(signals_are_bounded_and_forgotten),
	    cmocka_unit_test(a_report_is_read_strictly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
