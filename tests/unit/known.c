/* SPDX-License-Identifier: Apache-2.0 */
#include "core/known.h"

#include "test.h"

#include "scene.h"

static struct str_list one(const char *word)
{
	static struct str items[8];
	static size_t n;
	struct str *item = &items[n++ % 8];

	*item = str_from(word);
	return (struct str_list){item, 1};
}

static struct intent_request request(const struct scene *w)
{
	return (struct intent_request){
	    .agent = FOLD_AGENT,
	    .incident = w->incident,
	    .playbook = STR("db-saturation"),
	    .goal = STR("end what blocks"),
	    .tools = one("db___sessions"),
	    .targets = one("pg-role:app"),
	    .data = one("operational"),
	    .now_unix_ms = w->f.t,
	};
}

static struct intent_request known(struct scene *w, const struct intent_request *q, bool is_all)
{
	struct intent_request ret;
	bool got;

	assert_ok(known_intent(&w->b, q, &w->arena, &ret, &got, NULL));
	assert_int_equal(got, is_all);
	assert_int_equal(ret.goal.n, 0);
	return ret;
}

static void words_of_the_deployment_stay(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct intent_request q = request(w);
	struct intent_request k = known(w, &q, true);

	assert_str(known_tool(&w->b, STR("db___end")), "db___end");
	assert_str(k.playbook, "db-saturation");
	assert_str(k.tools.p[0], "db___sessions");
	assert_str(k.targets.p[0], "pg-role:app");
	assert_str(k.data.p[0], "operational");
	assert_int_equal(k.goal_class.n, 0);
	scene_free(w);
}

static void no_other_word_comes_through(void **state)
{
	(void)state;
	static const char secret[] = "db___sessions hunter2";
	struct scene *w = scene_new();

	assert_str(known_tool(&w->b, str_from(secret)), "?");
	assert_str(known_tool(&w->b, STR("")), "?");
	for (int which = 0; which < 5; which++) {
		struct intent_request q = request(w);
		struct intent_request k;

		q.playbook = which == 0 ? str_from(secret) : q.playbook;
		q.tools = which == 1 ? one(secret) : q.tools;
		q.targets = which == 2 ? one(secret) : q.targets;
		q.data = which == 3 ? one(secret) : q.data;
		q.goal_class = which == 4 ? str_from(secret) : q.goal_class;
		k = known(w, &q, false);
		for (size_t i = 0; i < 5; i++) {
			const struct str words[] = {k.playbook, k.tools.p[0], k.targets.p[0],
						    k.data.p[0], k.goal_class};

			assert_false(str_contains(words[i], STR("hunter2")));
		}
	}
	scene_free(w);
}

/* What the leaf says is refused as what was asked is. */
static void what_is_left_is_refused_alike(void **state)
{
	(void)state;
	static const struct {
		const char *field;
		const char *word;
	} cases[] = {
	    {"playbook", "none-such"}, {"tools", "none___such"},  {"tools", "db___never"},
	    {"targets", "no target"},  {"targets", "pg-role:*"},  {"targets", "PG-ROLE:app"},
	    {"targets", "host:"},      {"targets", "pg-role:xy"}, {"data", "secrets"},
	    {"goal", "none-such"},
	};
	struct scene *w = scene_new();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str field = str_from(cases[i].field);
		struct intent_request q = request(w);
		struct intent_decision asked;
		struct intent_decision left;
		struct intent_request k;
		bool is_all;

		q.playbook = str_eq(field, STR("playbook")) ? str_from(cases[i].word) : q.playbook;
		q.tools = str_eq(field, STR("tools")) ? one(cases[i].word) : q.tools;
		q.targets = str_eq(field, STR("targets")) ? one(cases[i].word) : q.targets;
		q.data = str_eq(field, STR("data")) ? one(cases[i].word) : q.data;
		q.goal_class = str_eq(field, STR("goal")) ? str_from(cases[i].word) : q.goal_class;
		assert_ok(known_intent(&w->b, &q, &w->arena, &k, &is_all, NULL));
		assert_ok(decide_intent(w->f.s, &w->b, &q, &w->arena, &asked, NULL));
		assert_ok(decide_intent(w->f.s, &w->b, &k, &w->arena, &left, NULL));
		if (asked.reason != left.reason) {
			fail_msg("%s '%s': %.*s, but from its leaf %.*s", cases[i].field,
				 cases[i].word, STR_ARG(reason_code(asked.reason)),
				 STR_ARG(reason_code(left.reason)));
		}
	}
	scene_free(w);
}

static void of_a_trace_only_its_id_is_known(void **state)
{
	(void)state;
	assert_str(known_trace_id(STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")),
		   "0af7651916cd43dd8448eb211c80319c");
	assert_str(known_trace_id(STR("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")),
		   "");
	assert_str(known_trace_id(STR("00-00000000000000000000000000000000-b7ad6b7169203331-01")),
		   "");
	assert_str(known_trace_id(STR("00-hello this is no trace, but text-b7ad6b7169203331-01")),
		   "");
	assert_str(known_trace_id(STR("00-0af7651916cd43dd8448eb211c80319c")), "");
	assert_str(known_trace_id(STR("")), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words_of_the_deployment_stay),
	    cmocka_unit_test(no_other_word_comes_through),
	    cmocka_unit_test(what_is_left_is_refused_alike),
	    cmocka_unit_test(of_a_trace_only_its_id_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
