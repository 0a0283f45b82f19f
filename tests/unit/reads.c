/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

static const struct read_rule customers = {
    .objects = STR("/rows"), .kind = STR("customer"), .id = STR("/id"), .class = STR("pii")};
static const struct read_rule both[] = {
    {.objects = STR("/rows"), .kind = STR("customer"), .id = STR("/id"), .class = STR("pii")},
    {.objects = STR("/rows"), .kind = STR("order"), .id = STR("/order/no"), .class = STR("sales")},
};

static struct read_account account(struct scene *w, const struct read_rule *rules, size_t n,
				   const char *value)
{
	struct read_account a;
	struct err e = ERR_INIT;

	assert_ok(reads_account(rules, n, value ? scene_json(w, value) : NULL, &w->arena, &a, &e));
	return a;
}

static void assert_items(const struct read_account *a, const char *items)
{
	assert_true(a->is_described);
	assert_true(str_eq(a->items, str_from(items)));
}

static void an_object_counts_once_per_result_by_class(void **state)
{
	struct scene *w = scene_new();
	struct read_account a;

	(void)state;
	a = account(w, &customers, 1, "{\"rows\":[{\"id\":7},{\"id\":\"x\"},{\"id\":7}]}");
	assert_items(&a, "{\"pii\":[\"customer:7\",\"customer:x\"]}");
	assert_int_equal(reads_count_of(&a.counts, STR("pii")), 2);
	assert_int_equal(reads_count_of(&a.counts, STR("sales")), 0);
	a = account(w, both, 2,
		    "{\"rows\":[{\"id\":1,\"order\":{\"no\":5}},{\"id\":1,\"order\":{\"no\":6}}]}");
	assert_items(&a, "{\"pii\":[\"customer:1\"],\"sales\":[\"order:5\",\"order:6\"]}");
	assert_int_equal(reads_count_of(&a.counts, STR("pii")), 1);
	assert_int_equal(reads_count_of(&a.counts, STR("sales")), 2);
	a = account(w, &customers, 1, "{\"rows\":{\"id\":1}}");
	assert_items(&a, "{\"pii\":[\"customer:1\"]}");
	scene_free(w);
}

static void nothing_found_is_nothing_and_not_unknown(void **state)
{
	struct scene *w = scene_new();
	struct read_account a = account(w, &customers, 1, "{\"rows\":[]}");

	(void)state;
	assert_true(a.is_described);
	assert_int_equal(a.items.n, 0);
	assert_int_equal(a.counts.n, 0);
	scene_free(w);
}

static void what_does_not_look_as_described_is_unknown(void **state)
{
	static const char *const values[] = {
	    NULL,
	    "{}",
	    "{\"rows\":3}",
	    "{\"rows\":[{\"id\":1},{}]}",
	    "{\"rows\":[{\"id\":\"\"}]}",
	    "{\"rows\":[{\"id\":[1]}]}",
	    "[]",
	};
	struct scene *w = scene_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		assert_false(account(w, &customers, 1, values[i]).is_described);
	}
	assert_false(account(w, NULL, 0, "{\"rows\":[]}").is_described);
	assert_false(account(w, both, 2, "{\"rows\":[{\"id\":1}]}").is_described);
	scene_free(w);
}

/* ---- budgets ---- */

/* A task that reads: sessions, of class `operational`. */
static struct scene *reader(struct read_budget *budget)
{
	struct scene *w = scene_new();

	(void)fold_add(&w->f,
		       LEAF_OF(TASK_PHASE, task_phase, .task = w->task, .phase = STR("diagnose")));
	w->r.tool = STR("db___sessions");
	w->playbooks[0].budgets = budget;
	w->playbooks[0].n_budgets = 1;
	return w;
}

/* A read that was allowed, came back and was accounted for. */
static uint64_t read_and_account(struct scene *w, bool described, const char *count, uint64_t bytes,
				 bool withheld)
{
	uint64_t call = fold_add(&w->f, LEAF_OF(CALL_DECIDED, call_decided, .task = w->task,
						.purpose = STR("agent"), .agent = FOLD_AGENT,
						.tool = STR("db___sessions"), .effect = STR("read"),
						.verdict = STR("allow"), .reason = STR("allowed")));
	struct str counts = str_from(count);

	(void)fold_add(&w->f,
		       LEAF_OF(CALL_COMPLETED, call_completed, .call = call, .kind = STR("ok")));
	(void)fold_add(&w->f, LEAF_OF(READ_ACCOUNTED, read_accounted, .call = call,
				      .described = described, .counts = {&counts, counts.n ? 1 : 0},
				      .bytes = bytes, .withheld = withheld));
	return call;
}

static void a_budget_ends_reading_at_its_last_object(void **state)
{
	struct read_budget b = {.class = STR("operational"), .most = {UINT64_MAX, 10, UINT64_MAX}};
	struct scene *w = reader(&b);

	(void)state;
	expect_allow(w);
	(void)read_and_account(w, true, "operational=9", 100, false);
	expect_allow(w);
	w->tools[TOOL_SESSIONS].reads_objects = 2; /* declared: may bring two */
	expect_deny(w, READ_BUDGET);
	w->tools[TOOL_SESSIONS].reads_objects = 1;
	expect_allow(w);
	(void)read_and_account(w, true, "operational=1", 100, false);
	expect_deny(w, READ_BUDGET);
	b.class = STR("personal"); /* control: another class is not used up */
	expect_allow(w);
	scene_free(w);
}

static void unknown_results_and_all_results_have_budgets(void **state)
{
	struct read_budget b = {.class = READ_CLASS_UNKNOWN, .most = {2, UINT64_MAX, UINT64_MAX}};
	struct scene *w = reader(&b);

	(void)state;
	(void)read_and_account(w, false, "", 100, false);
	expect_allow(w);
	(void)read_and_account(w, false, "", 100, false);
	expect_deny(w, READ_BUDGET);
	w->tools[TOOL_SESSIONS].reads = &customers;
	w->tools[TOOL_SESSIONS].n_reads = 1; /* described: no longer unknown */
	expect_allow(w);
	b = (struct read_budget){.class = READ_CLASS_ANY, .most = {UINT64_MAX, UINT64_MAX, 200}};
	expect_deny(w, READ_BUDGET);
	b.most.bytes = 201;
	expect_allow(w);
	scene_free(w);
}

static void a_withheld_result_was_not_read(void **state)
{
	struct read_budget b = {.class = STR("operational"), .most = {UINT64_MAX, 10, 1000}};
	struct scene *w = reader(&b);
	const struct task *t;

	(void)state;
	(void)read_and_account(w, true, "operational=50", 5000, true);
	expect_allow(w);
	t = state_task(w->f.s, w->task);
	assert_int_equal(t->read_classes.n, 2);
	assert_int_equal(t->read_totals[1].results, 1);
	assert_int_equal(t->read_totals[1].objects, 0);
	scene_free(w);
}

static void an_incidents_budget_counts_all_its_tasks(void **state)
{
	struct read_budget b = {.class = STR("operational"),
				.is_of_incident = true,
				.most = {UINT64_MAX, 10, UINT64_MAX}};
	struct scene *w = reader(&b);
	uint64_t first = w->task;

	(void)state;
	w->task = fold_add(
	    &w->f, LEAF_OF(TASK_OPENED, task_opened, .incident = w->incident, .agent = FOLD_AGENT,
			   .playbook = STR("db-saturation"), .tools = LIST(STR("db___sessions")),
			   .phase = STR("diagnose"), .not_after = w->f.t + 1000, .max_calls = 9,
			   .max_targets = 1, .max_deviations = 3, .accountable = STR("alice")));
	(void)read_and_account(w, true, "operational=10", 1, false);
	w->r.task = first;
	expect_deny(w, READ_BUDGET);
	b.is_of_incident = false; /* control: this task itself has read nothing */
	expect_allow(w);
	scene_free(w);
}

static void a_result_is_given_only_within_the_budget(void **state)
{
	struct read_budget b = {.class = STR("operational"), .most = {UINT64_MAX, 10, 1000}};
	struct scene *w = reader(&b);
	struct str count = STR("operational=4");
	struct read_account a = {.is_described = true, .counts = {&count, 1}};
	const struct task *t;

	(void)state;
	(void)read_and_account(w, true, "operational=6", 100, false);
	t = state_task(w->f.s, w->task);
	assert_true(decide_may_give(w->f.s, &w->playbooks[0], t, &a, 900));
	assert_false(decide_may_give(w->f.s, &w->playbooks[0], t, &a, 901));
	count = STR("operational=5");
	assert_false(decide_may_give(w->f.s, &w->playbooks[0], t, &a, 1));
	count = STR("sales=5");
	assert_true(decide_may_give(w->f.s, &w->playbooks[0], t, &a, 901));
	scene_free(w);
}

static void a_call_is_accounted_for_once_and_after_its_outcome(void **state)
{
	struct read_budget b = {.class = READ_CLASS_ANY};
	struct scene *w = reader(&b);
	uint64_t call = read_and_account(w, true, "operational=1", 1, false);

	(void)state;
	fold_refuse(&w->f, LEAF_OF(READ_ACCOUNTED, read_accounted, .call = call));
	call = fold_add(&w->f, LEAF_OF(CALL_DECIDED, call_decided, .task = w->task,
				       .purpose = STR("agent"), .agent = FOLD_AGENT,
				       .tool = STR("db___sessions"), .effect = STR("read"),
				       .verdict = STR("allow"), .reason = STR("allowed")));
	fold_refuse(&w->f, LEAF_OF(READ_ACCOUNTED, read_accounted, .call = call));
	scene_free(w);
}

/* ---- secrets ---- */

static void an_agent_that_passes_on_a_secret_is_denied(void **state)
{
	struct scene *w = scene_new();

	(void)state;
	w->tools[TOOL_END].input_schema = NULL;
	w->tools[TOOL_END].arguments = NULL;
	w->r.args = scene_json(w, "{\"role\":\"app\",\"why\":\"reset the password please\"}");
	expect_allow(w);
	w->r.args = scene_json(w, "{\"role\":\"app\",\"why\":\"use password=hunter2\"}");
	expect_deny(w, SECRET_IN_ARGS);
	w->r.args = scene_json(w, "{\"role\":\"app\",\"auth\":{\"api_token\":\"abc\"}}");
	expect_deny(w, SECRET_IN_ARGS);
	w->tools[TOOL_END].accepts_secrets = true;
	expect_allow(w);
	scene_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_object_counts_once_per_result_by_class),
	    cmocka_unit_test(nothing_found_is_nothing_and_not_unknown),
	    cmocka_unit_test(what_does_not_look_as_described_is_unknown),
	    cmocka_unit_test(a_budget_ends_reading_at_its_last_object),
	    cmocka_unit_test(unknown_results_and_all_results_have_budgets),
	    cmocka_unit_test(a_withheld_result_was_not_read),
	    cmocka_unit_test(an_incidents_budget_counts_all_its_tasks),
	    cmocka_unit_test(a_result_is_given_only_within_the_budget),
	    cmocka_unit_test(a_call_is_accounted_for_once_and_after_its_outcome),
	    cmocka_unit_test(an_agent_that_passes_on_a_secret_is_denied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
