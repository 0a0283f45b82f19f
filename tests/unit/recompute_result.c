/* SPDX-License-Identifier: Apache-2.0 */
/* What was read and whether an effect is there: the true leaf passes, each false one beside it is
 * found. */
#include "core/recompute.h"
#include "core/recompute_result.h"
#include "scene.h"

static const char *difference(struct scene *w, const struct leaf *l, const struct result_values *v)
{
	struct str d;

	assert_true(recompute_is_of_result(l));
	assert_ok(recompute_result(w->f.s, &w->b, l, v, &w->arena, &d, NULL));
	return d.p;
}

#define EXPECT_TRUE(w, l, v)                                                                       \
	do {                                                                                       \
		const char *is = difference((w), &(l), &(v));                                      \
		if (is) {                                                                          \
			fail_msg("%s", is);                                                        \
		}                                                                                  \
	} while (0)

#define EXPECT_FALSE(w, l, v, text)                                                                \
	do {                                                                                       \
		const char *is = difference((w), &(l), &(v));                                      \
		if (!is || !strstr(is, (text))) {                                                  \
			fail_msg("'%s' instead of '%s'", is ? is : "nothing", (text));             \
		}                                                                                  \
	} while (0)

/* ---- what was read ---- */

static const char rows[] =
    "{\"structuredContent\":{\"rows\":[{\"id\":\"7\"},{\"id\":\"8\"},{\"id\":\"7\"}]}}";

static uint64_t read_call(struct scene *w, const char *kind)
{
	struct leaf l = fold_call(w->task, STR("read"), 2);
	uint64_t c;

	l.call_decided.tool = STR("db___sessions");
	c = fold_add(&w->f, l);
	fold_add(&w->f, LEAF_OF(CALL_COMPLETED, call_completed, .call = c, .kind = str_from(kind)));
	return c;
}

static void what_was_read_is_counted_again(void **state)
{
	static const struct read_rule rule = {
	    {"/rows", 5}, {"customer", 8}, {"/id", 3}, {"personal", 8}};
	static const struct read_budget budget = {{"personal", 8}, false, {9, 1, 100000}};
	struct scene *w = scene_new();
	struct result_values v = {.result = str_from(rows),
				  .own = STR("{\"personal\":[\"customer:7\",\"customer:8\"]}")};
	struct leaf l =
	    LEAF_OF(READ_ACCOUNTED, read_accounted, .described = true,
		    .counts = LIST(STR("personal=2")), .bytes = v.result.n, .objects = fold_tag(1));
	struct result_wanted want;

	(void)state;
	w->tools[TOOL_SESSIONS].reads = &rule;
	w->tools[TOOL_SESSIONS].n_reads = 1;
	v.value = reads_value_of(v.result, &w->arena, &w->arena);
	l.read_accounted.call = read_call(w, "ok");
	want = recompute_result_wants(w->f.s, &l);
	assert_int_equal(want.result, l.read_accounted.call + 1);
	assert_int_equal(want.call, 0);
	assert_ptr_equal(want.own, &l.read_accounted.objects);
	EXPECT_TRUE(w, l, v);
	l.read_accounted.counts = LIST(STR("personal=1"));
	EXPECT_FALSE(w, l, v, "counts");
	l.read_accounted.counts = (struct str_list){0};
	EXPECT_FALSE(w, l, v, "counts");
	l.read_accounted.counts = LIST(STR("personal=2"));
	l.read_accounted.described = false;
	EXPECT_FALSE(w, l, v, "described");
	l.read_accounted.described = true;
	l.read_accounted.bytes++;
	EXPECT_FALSE(w, l, v, "bytes");
	l.read_accounted.bytes--;
	v.own = STR("{\"personal\":[\"customer:7\",\"customer:9\"]}");
	EXPECT_FALSE(w, l, v, "objects");
	v.own = STR("{\"personal\":[\"customer:7\",\"customer:8\"]}");
	l.read_accounted.withheld = true;
	EXPECT_FALSE(w, l, v, "withheld: yes in the log, no now");
	w->playbooks[0].budgets = &budget; /* one object */
	w->playbooks[0].n_budgets = 1;
	EXPECT_TRUE(w, l, v);
	l.read_accounted.withheld = false;
	EXPECT_FALSE(w, l, v, "withheld: no in the log, yes now");
	scene_free(w);
}

static void only_reads_that_answered_are_accounted_for(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	const struct result_values v = {.result = STR(""), .own = STR("")};
	struct leaf l = LEAF_OF(READ_ACCOUNTED, read_accounted);

	l.read_accounted.call = read_call(w, "tool_error");
	EXPECT_TRUE(w, l, v);
	l.read_accounted.call = read_call(w, "not_sent");
	EXPECT_FALSE(w, l, v, "of no read that gave anything");
	l.read_accounted.call = fold_add(&w->f, fold_call(w->task, STR("contain"), 3));
	EXPECT_FALSE(w, l, v, "of no read that gave anything");
	l.read_accounted.call = w->task;
	EXPECT_FALSE(w, l, v, "of no read that gave anything");
	scene_free(w);
}

/* ---- whether an effect is there ---- */

struct checked {
	struct scene *w;
	uint64_t call;
	uint64_t look;
	struct result_values v;
};

static void look_of(struct checked *c, const char *purpose, const char *outcome)
{
	struct leaf l = fold_call(c->w->task, STR("read"), 5);

	l.call_decided.purpose = str_from(purpose);
	l.call_decided.tool = STR("db___role");
	l.call_decided.parent = c->call;
	c->look = fold_add(&c->w->f, l);
	fold_add(&c->w->f, LEAF_OF(CALL_COMPLETED, call_completed, .call = c->look,
				   .kind = str_from(outcome)));
}

/* A role was locked, and looked at since. */
static struct checked checked_new(void)
{
	struct checked c = {.w = scene_new()};
	struct leaf l = fold_call(c.w->task, STR("contain"), 4);

	c.w->tools[TOOL_LOCK].verify = (struct derived_call){
	    .tool = STR("role"),
	    .args = scene_json(c.w, "{\"role\":{\"$args\":\"/role\"}}"),
	    .pointer = STR("/locked"),
	    .equals = scene_json(c.w, "{\"$args\":\"/role\"}"),
	};
	l.call_decided.tool = STR("db___lock");
	c.call = fold_add(&c.w->f, l);
	fold_add(&c.w->f,
		 LEAF_OF(CALL_COMPLETED, call_completed, .call = c.call, .kind = STR("ok")));
	look_of(&c, "verify", "ok");
	c.v = (struct result_values){.result = STR("x"),
				     .value = scene_json(c.w, "{\"locked\":\"app\"}"),
				     .args = scene_json(c.w, "{\"role\":\"app\"}"),
				     .own = STR("")};
	return c;
}

static void what_holds_is_compared_again(void **state)
{
	(void)state;
	struct checked c = checked_new();
	struct leaf l =
	    LEAF_OF(CALL_VERIFIED, call_verified, .call = c.call, .by = c.look, .holds = true);
	struct result_wanted want = recompute_result_wants(c.w->f.s, &l);

	assert_int_equal(want.result, c.look + 1);
	assert_int_equal(want.call, c.call);
	assert_null(want.own);
	EXPECT_TRUE(c.w, l, c.v);
	l.call_verified.holds = false;
	EXPECT_FALSE(c.w, l, c.v, "holds: no in the log, yes now");

	c.v.value = scene_json(c.w, "{\"locked\":\"other\"}");
	l.call_verified.detail = STR("the target is not as it should be");
	c.v.own = STR("{\"expected\":\"app\",\"found\":\"other\"}");
	EXPECT_TRUE(c.w, l, c.v);
	c.v.own = STR("{\"expected\":\"app\",\"found\":\"app\"}");
	EXPECT_FALSE(c.w, l, c.v, "found");
	c.v.own = STR("{\"expected\":\"app\",\"found\":\"other\"}");
	l.call_verified.detail = STR("reading back failed");
	EXPECT_FALSE(c.w, l, c.v, "detail");
	l.call_verified.holds = true;
	EXPECT_FALSE(c.w, l, c.v, "holds: yes in the log, no now");
	scene_free(c.w);
}

static void what_holds_rests_on_a_look_at_that_call(void **state)
{
	(void)state;
	struct checked c = checked_new();
	struct leaf l =
	    LEAF_OF(CALL_VERIFIED, call_verified, .call = c.call, .by = c.look, .holds = true);

	l.call_verified.by = c.call;
	EXPECT_FALSE(c.w, l, c.v, "no look at");
	look_of(&c, "capture", "ok");
	l.call_verified.by = c.look;
	EXPECT_FALSE(c.w, l, c.v, "no look at");
	l.call_verified.by = 0; /* nobody could look */
	EXPECT_FALSE(c.w, l, c.v, "nobody could look");
	l.call_verified.holds = false;
	EXPECT_TRUE(c.w, l, c.v);

	look_of(&c, "verify", "unknown");
	l.call_verified.by = c.look;
	assert_int_equal(recompute_result_wants(c.w->f.s, &l).result, 0);
	l.call_verified.detail = STR("reading back failed");
	EXPECT_TRUE(c.w, l, c.v);
	l.call_verified.holds = true;
	EXPECT_FALSE(c.w, l, c.v, "holds: yes in the log, no now");
	scene_free(c.w);
}

/* ---- what undoes it ---- */

static void a_term_has_what_undoes_its_call(void **state)
{
	(void)state;
	struct checked c = checked_new();
	struct leaf l = LEAF_OF(TERM_STARTED, term_started, .call = c.call, .task = c.w->task,
				.tool = STR("db___unlock"), .targets = LIST(STR("pg-role:app")),
				.end = STR("reask"), .owner = STR("alice"));

	l.t = c.w->f.t;
	c.w->tools[TOOL_LOCK].term_end = TERM_REASK;
	c.v.pre = scene_json(c.w, "{\"n\":5}");
	c.v.own = STR("{\"n\":5,\"role\":\"app\"}");
	EXPECT_TRUE(c.w, l, c.v);
	c.v.own = STR("{\"n\":6,\"role\":\"app\"}");
	EXPECT_FALSE(c.w, l, c.v, "args");
	c.v.own = STR("{\"n\":5,\"role\":\"app\"}");
	l.term_started.tool = STR("db___end");
	EXPECT_FALSE(c.w, l, c.v, "tool");
	l.term_started.tool = STR("db___unlock");
	l.term_started.targets = LIST(STR("pg-role:batch"));
	EXPECT_FALSE(c.w, l, c.v, "targets");
	l.term_started.targets = LIST(STR("pg-role:app"));
	l.term_started.owner = STR("bob");
	EXPECT_FALSE(c.w, l, c.v, "owner");
	l.term_started.owner = STR("alice");
	l.term_started.ends_at = c.w->f.t + 600000;
	EXPECT_FALSE(c.w, l, c.v, "ends_at");
	c.w->tools[TOOL_LOCK].term_ms = 600000;
	EXPECT_TRUE(c.w, l, c.v);
	l.term_started.ends_at += 3600000;
	EXPECT_FALSE(c.w, l, c.v, "ends_at");
	l.term_started.ends_at -= 3600000;
	c.w->tools[TOOL_LOCK].inverse.equals = scene_json(c.w, "7");
	c.w->tools[TOOL_LOCK].inverse.pointer = STR("/n");
	EXPECT_FALSE(c.w, l, c.v, "nothing to undo"); /* it was so before */
	scene_free(c.w);
}

static void a_rollback_is_with_the_arguments_of_its_term(void **state)
{
	(void)state;
	struct checked c = checked_new();
	struct scene *w = c.w;
	uint64_t term =
	    fold_add(&w->f, LEAF_OF(TERM_STARTED, term_started, .call = c.call, .task = w->task,
				    .tool = STR("db___unlock"), .targets = LIST(STR("pg-role:app")),
				    .end = STR("reask"), .owner = STR("alice")));
	struct leaf l = LEAF_OF(CALL_DECIDED, call_decided, .task = w->task, .parent = term,
				.purpose = STR("rollback"), .tool = STR("db___unlock"),
				.effect = STR("contain"), .targets = LIST(STR("pg-role:app")),
				.data = LIST(STR("operational")), .verdict = STR("allow"),
				.reason = STR("allowed"), .definition = {{TOOL_UNLOCK + 1}});
	struct recompute_values v = {.args = scene_json(w, "{\"n\":5,\"role\":\"app\"}"),
				     .undo = scene_json(w, "{\"n\":5,\"role\":\"app\"}")};
	struct recomputed now;

	assert_int_equal(recompute_wants(&l).undo, term);
	assert_ok(recompute_leaf(w->f.s, &w->b, &l, &v, &w->arena, &now, NULL));
	if (!now.is_equal) {
		fail_msg("%.*s", STR_ARG(now.difference));
	}
	v.undo = scene_json(w, "{\"n\":6,\"role\":\"app\"}");
	assert_ok(recompute_leaf(w->f.s, &w->b, &l, &v, &w->arena, &now, NULL));
	assert_false(now.is_equal);
	assert_non_null(strstr(now.difference.p, "arguments"));
	v.undo = v.args;
	w->tools[TOOL_UNLOCK].credential = (struct credential){STR("pg"), STR("undo")};
	l.call_decided.lease = fold_add(
	    &w->f, LEAF_OF(LEASE_INTENDED, lease_intended, .backend = STR("pg"),
			   .scope = STR("undo"), .not_after = w->f.t + 1, .create_by = w->f.t));
	assert_ok(recompute_leaf(w->f.s, &w->b, &l, &v, &w->arena, &now, NULL));
	if (!now.is_equal) {
		fail_msg("%.*s", STR_ARG(now.difference));
	}
	w->tools[TOOL_UNLOCK].credential.scope = STR("less");
	assert_ok(recompute_leaf(w->f.s, &w->b, &l, &v, &w->arena, &now, NULL));
	assert_non_null(strstr(now.difference.p, "lease: another"));
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_read_is_counted_again),
	    cmocka_unit_test(only_reads_that_answered_are_accounted_for),
	    cmocka_unit_test(what_holds_is_compared_again),
	    cmocka_unit_test(what_holds_rests_on_a_look_at_that_call),
	    cmocka_unit_test(a_term_has_what_undoes_its_call),
	    cmocka_unit_test(a_rollback_is_with_the_arguments_of_its_term),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
