/* SPDX-License-Identifier: Apache-2.0 */
/* policy_schema.c - the schema for policies and the requests that are made of calls say the same.
 *
 * Requests of many kinds, in tasks that have done much, must conform to the schema of their bundle;
 * and each thing that a request has must be missing to the schema when it is taken out there.
 */
#include "config/policy_schema.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/init.h"
#include "config/load.h"
#include "core/policy.h"
#include "core/reach.h"
#include "scene.h"

static const uint64_t NOW = 1801440000000; /* 2027-02-01: after whatever was rehearsed */

static const struct source_signal reported[] = {{.name = {"traffic", 7}}};
static const struct source reporting[] = {{.signals = reported, .n_signals = 1}};

static struct cedar_schema *schema_of(const struct bundle *b, struct arena *arena)
{
	AUTO_BUF text = BUF_INIT(POLICY_SCHEMA_BYTES);
	struct cedar_schema *schema;
	struct policy_names names;
	struct err e = ERR_INIT;

	assert_ok(policy_names_of(b, reporting, 1, arena, &names, &e));
	assert_ok(policy_schema_print(&text, b, &names, &e));
	if (cedar_schema_parse(STR("Remit"), buf_view(&text), &schema, &e) != RC_OK) {
		fail_msg("%s\n" STR_FMT, e.msg, STR_ARG(buf_view(&text)));
	}
	return schema;
}

static bool does_conform(const struct policy_case *what, const struct cedar_schema *schema,
			 struct err *e)
{
	for (size_t i = 0; i < what->n_resources; i++) {
		const struct cedar_request r = {what->principal, what->action, what->resources[i],
						what->context};

		if (cedar_request_check(&r, schema, e) != RC_OK) {
			return false;
		}
	}
	return cedar_entities_check(what->entities, schema, e) == RC_OK;
}

static void expect_conform(const struct policy_case *what, const struct cedar_schema *schema)
{
	struct err e = ERR_INIT;

	if (!does_conform(what, schema, &e)) {
		AUTO_BUF b = BUF_INIT(1 << 20);

		assert_ok(cedar_value_print(&b, what->context));
		fail_msg("%s\n" STR_FMT, e.msg, STR_ARG(buf_view(&b)));
	}
}

static void expect_call(struct scene *w, const struct cedar_schema *schema, unsigned tool,
			const char *args, const struct str_list *targets)
{
	const struct classification kind = {w->tools[tool].effect, true, false, true};
	const struct policy_call call = {.agent = &w->agents[0],
					 .incident = state_incident(w->f.s, w->incident),
					 .task = state_task(w->f.s, w->task),
					 .state = w->f.s,
					 .tool = &w->tools[tool],
					 .args = scene_json(w, args),
					 .what = &kind,
					 .targets = targets,
					 .inventory = &w->b.inventory,
					 .is_tainted = true,
					 .now_unix_ms = w->f.t + 1500};
	struct policy_case what = {0};
	struct err e = ERR_INIT;

	assert_ok(policy_case_of_call(&call, &w->arena, &what, &e));
	expect_conform(&what, schema);
}

static uint64_t call(struct scene *w, const char *tool, const char *effect)
{
	uint64_t at = fold_add(&w->f, LEAF_OF(CALL_DECIDED, call_decided, .task = w->task,
					      .purpose = STR("agent"), .agent = FOLD_AGENT,
					      .tool = str_from(tool), .effect = str_from(effect),
					      .verdict = STR("allow"), .reason = STR("allowed"),
					      .targets = LIST(STR("pg-role:app"))));

	w->f.t += 1000;
	(void)fold_add(&w->f, LEAF_OF(CALL_COMPLETED, call_completed, .call = at, .kind = STR("ok"),
				      .labels = LIST(STR("untrusted"), STR("operational"))));
	return at;
}

/* All that shows in a request has happened in the task, and is known of its targets. */
static void happen(struct scene *w)
{
	static const char *const targets[] = {"pg-role:app", "pg-role:batch"};
	uint64_t read = call(w, "db___sessions", "read");

	(void)fold_add(&w->f,
		       LEAF_OF(READ_ACCOUNTED, read_accounted, .call = read, .described = true,
			       .counts = LIST(STR("operational=3")), .bytes = 100));
	read = call(w, "db___sessions", "read");
	(void)fold_add(&w->f, LEAF_OF(READ_ACCOUNTED, read_accounted, .call = read, .bytes = 9));
	(void)call(w, "db___end", "contain");
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		(void)fold_add(&w->f, LEAF_OF(SIGNAL_OBSERVED, signal_observed,
					      .asset = str_from(targets[i]), .name = STR("traffic"),
					      .value = STR("none"), .source = STR("probe"),
					      .observed_at = w->f.t));
	}
}

static void every_request_conforms_to_its_schema(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	static const struct str_list none = {0};
	const struct str_list role = LIST(STR("pg-role:app"), STR("pg-role:batch"));
	struct cedar_schema *schema;

	w->tools[TOOL_SESSIONS].n_targets = 0;
	w->tools[TOOL_END].input_schema = scene_json(
	    w,
	    "{\"properties\":{\"role\":{\"type\":\"string\"},\"how\":{\"type\":\"string\",\"enum\":"
	    "["
	    "\"fast\",\"slow\"]},\"in\":{\"type\":\"object\",\"properties\":{\"a-b\":{\"type\":"
	    "\"integer\"}}},\"tags\":{\"type\":\"object\",\"additionalProperties\":{\"type\":"
	    "\"string\"}},\"any\":{},\"from\":{\"type\":\"string\",\"format\":\"ipv4\"},\"when\":{"
	    "\"type\":[\"null\",\"integer\",\"array\"],\"items\":{\"type\":\"boolean\"}}}}");
	scene_read_inputs(w);
	schema = schema_of(&w->b, &w->arena);
	happen(w);
	expect_call(w, schema, TOOL_END, "{\"role\":\"app\"}", &role);
	expect_call(
	    w, schema, TOOL_END,
	    "{\"role\":\"app\",\"how\":\"slow\",\"in\":{\"a-b\":3,\"more\":1},\"tags\":{"
	    "\"a\":\"b\",\"in\":\"c\"},\"any\":{\"z\":[1,null]},\"from\":\"10.1\",\"when\":["
	    "true,false]}",
	    &role);
	expect_call(w, schema, TOOL_END, "{\"when\":null}", &role);
	expect_call(w, schema, TOOL_DROP, "{\"role\":\"app\",\"n\":2.5}", &role);
	expect_call(w, schema, TOOL_SESSIONS, "{\"role\":\"app\"}", &none);
	expect_call(w, schema, TOOL_BLOCK, "{\"ip\":\"192.0.2.1\"}", &role);
	cedar_schema_unref(schema);
	scene_free(w);
}

/* The control of the test above: a schema that lacks one thing, or has it otherwise, is noticed. */
static void a_schema_that_says_otherwise_is_noticed(void **state)
{
	static const struct {
		const char *from;
		const char *to;
	} changes[] = {
	    {"undeclared: Bool,", ""},
	    {"egress: String", "egress: Long"},
	    {"captured: Bool", "captured: Bool, more: Bool"},
	    {"other_agent: Bool", "other: Bool"},
	    {"untrusted?: Long", "untrusted?: String"},
	    {"\"operational\"?: ReadTotals", "\"personal\"?: ReadTotals"},
	    {"\"db___end\"?: Long", "\"db___and\"?: Long"},
	    {"value?: String", "value?: Bool"},
	    {"now: datetime", "now: Long"},
	    {"\"role\": String", "\"rule\": String"},
	    {"control_plane: Bool,", ""},
	    {"entity Agent in [Team]", "entity Agent"},
	};

	(void)state;
	struct scene *w = scene_new();
	const struct str_list role = LIST(STR("pg-role:app"));
	const struct policy_call c = {.agent = &w->agents[0],
				      .incident = state_incident(w->f.s, w->incident),
				      .state = w->f.s,
				      .tool = &w->tools[TOOL_END],
				      .args = w->r.args,
				      .what = &(struct classification){EFFECT_CONTAIN},
				      .targets = &role,
				      .inventory = &w->b.inventory};
	struct policy_call asked = c;
	struct policy_case what = {0};
	struct policy_names names;
	AUTO_BUF text = BUF_INIT(POLICY_SCHEMA_BYTES);

	happen(w);
	asked.task = state_task(w->f.s, w->task);
	asked.now_unix_ms = w->f.t + 1000;
	assert_ok(policy_case_of_call(&asked, &w->arena, &what, NULL));
	assert_ok(policy_names_of(&w->b, reporting, 1, &w->arena, &names, NULL));
	assert_ok(policy_schema_print(&text, &w->b, &names, NULL));
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		char *whole = arena_cstr(&w->arena, buf_view(&text));
		char *at = strstr(whole, changes[i].from);
		struct cedar_schema *schema;
		AUTO_BUF changed = BUF_INIT(POLICY_SCHEMA_BYTES);

		assert_non_null(at);
		for (const char *rest = whole; rest; rest = at) {
			size_t n;

			at = strstr(rest, changes[i].from);
			n = at ? (size_t)(at - rest) : strlen(rest);
			assert_ok(buf_add(&changed, str_of(rest, n)));
			if (at) {
				assert_ok(buf_add(&changed, str_from(changes[i].to)));
				at += strlen(changes[i].from);
			}
		}
		assert_ok(cedar_schema_parse(STR("Remit"), buf_view(&changed), &schema, NULL));
		if (does_conform(&what, schema, NULL)) {
			fail_msg("nobody noticed '%s'", changes[i].to);
		}
		cedar_schema_unref(schema);
	}
	scene_free(w);
}

static void an_intent_conforms_too(void **state)
{
	(void)state;
	struct scene *w = scene_new();
	struct cedar_schema *schema = schema_of(&w->b, &w->arena);
	const struct str_list some = LIST(STR("x"));
	const struct policy_intent intent = {.agent = &w->agents[0],
					     .incident = state_incident(w->f.s, w->incident),
					     .playbook = STR("db-saturation"),
					     .tools = &some,
					     .targets = &some,
					     .data = &some,
					     .duration_ms = 1000,
					     .now_unix_ms = w->f.t};
	struct policy_case what = {0};

	assert_ok(policy_case_of_intent(&intent, &w->arena, &what, NULL));
	expect_conform(&what, schema);
	cedar_schema_unref(schema);
	scene_free(w);
}

/* ---- the packs ---- */

static struct deployment *all_packs(void)
{
	static const struct str packs[] = {{"postgresql", 10}, {"nginx", 5},
					   {"kubernetes", 10}, {"linux", 5},
					   {"okta", 4},	       {"crowdstrike-falcon", 18},
					   {"pagerduty", 9},   {"github", 6},
					   {"aws", 3},	       {"slack", 5}};
	const struct init_options o = {
	    .packs = packs, .n_packs = ARRAY_LEN(packs), .now_unix_ms = NOW};
	char root[] = "/tmp/remit-schema-XXXXXX";
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_TREE tree = TREE_INIT;
	struct deployment *d = NULL;
	struct err e = ERR_INIT;
	char command[100];

	assert_non_null(mkdtemp(root));
	assert_ok(config_init(root, &o, &e));
	assert_ok(tree_read(&tree, root, &f, &e));
	(void)snprintf(command, sizeof(command), "rm -rf %s", root);
	assert_int_equal(system(command), 0);
	if (deployment_build(&tree, NULL, NOW, &d, &f, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	return d;
}

/* A target of the kind, as a tool may be asked about. */
static struct str a_target(const struct tool *t, struct arena *arena)
{
	static const struct {
		struct str kind;
		struct str target;
	} known[] = {{{"ip", 2}, {"ip:192.0.2.9", 12}},
		     {{"user", 4}, {"user:someone@example.org", 24}},
		     {{"file", 4}, {"file:/srv/a", 11}}};

	if (t->n_targets == 0) {
		return STR("");
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (str_eq(t->targets[0].kind, known[i].kind)) {
			return known[i].target;
		}
	}
	return arena_strf(arena, STR_FMT ":%s", STR_ARG(t->targets[0].kind),
			  t->targets[0].form == TARGET_TEMPLATE ? "a/b" : "a1");
}

/* Is the example of a call of this tool, if one can be made, as the schema says? */
static bool conforms(const struct deployment *d, const struct cedar_schema *schema,
		     const struct tool *t)
{
	AUTO_ARENA arena = ARENA_INIT(16 << 20);
	const struct incident incident = {.class = STR("x"), .severity = 1};
	const struct task task = {.playbook = STR("x")};
	struct str target = a_target(t, &arena);
	const struct str_list targets = {.p = &target, .n = target.n ? 1 : 0};
	struct policy_case what = {0};
	const struct json *args;
	struct classification kind;
	struct policy_call call = {.agent = &d->bundle->agents[0],
				   .incident = &incident,
				   .task = &task,
				   .tool = t,
				   .what = &kind,
				   .targets = &targets,
				   .inventory = &d->bundle->inventory,
				   .now_unix_ms = NOW};
	bool is_whole;

	assert_ok(reach_example(t, target, &arena, &args, &is_whole, NULL));
	if (!args) {
		return false;
	}
	kind = classify_call(t, args);
	call.args = args;
	assert_ok(input_check(t->arguments, args, &arena, NULL));
	assert_ok(policy_case_of_call(&call, &arena, &what, NULL));
	expect_conform(&what, schema);
	return true;
}

static void calls_of_every_pack_conform(void **state)
{
	(void)state;
	struct deployment *d = all_packs();
	struct cedar_schema *schema;
	struct err e = ERR_INIT;
	size_t n = 0;

	assert_ok(cedar_schema_parse(STR("packs"), d->policy_schema, &schema, &e));
	for (size_t i = 0; i < d->bundle->n_tools; i++) {
		n += conforms(d, schema, &d->bundle->tools[i]);
	}
	if (n < d->bundle->n_tools / 2) {
		fail_msg("examples of %zu of %zu tools only", n, d->bundle->n_tools);
	}
	cedar_schema_unref(schema);
	deployment_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_request_conforms_to_its_schema),
	    cmocka_unit_test(a_schema_that_says_otherwise_is_noticed),
	    cmocka_unit_test(an_intent_conforms_too),
	    cmocka_unit_test(calls_of_every_pack_conform),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
