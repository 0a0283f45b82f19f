/* SPDX-License-Identifier: Apache-2.0 */
/* scene.h - a small deployment and a running task, for the tests of deciding.
 *
 * Everything is in mutable arrays, so that a test changes one thing and sees what it decides.
 */
#pragma once

#include <cedar.h>

#include "core/bundle.h"
#include "core/decide.h"
#include "fold.h"

enum { TOOL_DROP, TOOL_END, TOOL_LOCK, TOOL_ROLE, TOOL_SESSIONS, TOOL_UNLOCK, TOOL_BLOCK, TOOLS };

struct scene {
	struct arena arena; /* of the bundle and of decisions */
	struct agent agents[2];
	struct person people[5];
	struct group groups[3];
	struct upstream upstreams[2];
	struct tool tools[TOOLS];
	struct target_rule role;
	struct target_rule ip;
	struct phase phases[3];
	struct playbook playbooks[2];
	struct gate gates[3];
	struct bundle b;
	struct fold f;
	uint64_t incident;
	uint64_t task;
	struct call_request r;
	struct decision d; /* the last */
};

static const char scene_policies[] =
    "@id(\"responder-db\")\n"
    "permit(principal == Remit::Agent::\"responder\", action in Remit::Action::\"db\", resource);\n"
    "@id(\"responder-web\")\n"
    "permit(principal == Remit::Agent::\"responder\", action == Remit::Action::\"web___block\", "
    "resource is Remit::Asset);\n"
    "@id(\"responder-intent\")\n"
    "permit(principal, action == Remit::Action::\"remit___declare_intent\", resource) "
    "when { context.incident.severity <= 3 && resource is Remit::Incident };\n";

/* Replaces the policies: the scene's own and these. */
__attribute__((unused)) static void scene_set_policies(struct scene *w, const char *own,
						       const char *more)
{
	struct cedar_builder *builder;
	struct err e = ERR_INIT;

	cedar_policies_unref(w->b.policies);
	w->b.policies = NULL;
	assert_ok(cedar_builder_new(&builder, &e));
	if (cedar_builder_add(builder, STR("own.cedar"), str_from(own), &e) != RC_OK ||
	    cedar_builder_add(builder, STR("more.cedar"), str_from(more), &e) != RC_OK ||
	    cedar_builder_finish(builder, &w->b.policies, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	cedar_builder_free(builder);
}

__attribute__((unused)) static void scene_policies_add(struct scene *w, const char *more)
{
	scene_set_policies(w, scene_policies, more);
}

__attribute__((unused)) static const struct json *scene_json(struct scene *w, const char *text)
{
	const struct json *j;
	struct err e = ERR_INIT;

	if (json_parse(&w->arena, str_from(text), NULL, &j, &e) != RC_OK) {
		fail_msg("%s: %s", text, e.msg);
	}
	return j;
}

/* After a test gave a tool another schema. */
static void scene_read_inputs(struct scene *w)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < TOOLS; i++) {
		struct tool *t = &w->tools[i];

		if (input_of_schema(t->public_name, t->input_schema, &w->arena, &t->arguments,
				    &e) != RC_OK) {
			fail_msg("%s", e.msg);
		}
	}
}

static void scene_people(struct scene *w)
{
	static const struct str secops[] = {{"secops", 6}};
	static const struct str dba[] = {{"dba", 3}};
	static const struct str both[] = {{"secops", 6}, {"dba", 3}};
	static const struct str rota[] = {{"alice", 5}, {"olga", 4}};

	w->people[0] = (struct person){.name = STR("alice"), .groups = {secops, 1}};
	w->people[1] = (struct person){.name = STR("bob"), .groups = {secops, 1}};
	w->people[2] = (struct person){.name = STR("carol"), .groups = {both, 2}};
	w->people[3] = (struct person){.name = STR("dave"), .groups = {dba, 1}};
	w->people[4] = (struct person){.name = STR("olga"), .groups = {both, 2}};
	w->groups[0] = (struct group){.name = STR("secops"), .rota = {rota, 2}};
	w->groups[1] = (struct group){.name = STR("dba")};
	w->groups[2] = (struct group){.name = STR("oncall"), .rota = {rota, 2}};
	w->gates[0] = (struct gate){STR("secops"), STR("secops"), 1, 600000, 300000};
	w->gates[1] = (struct gate){STR("dba"), STR("dba"), 1, 300000, 900000};
	w->gates[2] = (struct gate){STR("two"), STR("secops"), 2, 700000, 300000};
}

static void scene_tool(struct scene *w, unsigned at, const char *name, const char *public_name,
		       enum effect effect)
{
	static const struct str data[] = {{"operational", 11}};

	w->tools[at] = (struct tool){
	    .upstream = &w->upstreams[0],
	    .name = str_from(name),
	    .public_name = str_from(public_name),
	    .effect = effect,
	    .targets = &w->role,
	    .n_targets = 1,
	    .data = {data, 1},
	    .input_schema = scene_json(w, "{\"type\":\"object\",\"properties\":{\"role\":{\"type\":"
					  "\"string\"},\"n\":{\"type\":\"number\"}},\"required\":"
					  "[\"role\"],\"additionalProperties\":false}"),
	    .digest = {(uint8_t)(at + 1)},
	};
}

static void scene_catalog(struct scene *w)
{
	w->upstreams[0] = (struct upstream){.name = STR("db"), .transport = TRANSPORT_COMMAND};
	w->upstreams[1] = (struct upstream){.name = STR("web"), .transport = TRANSPORT_HTTP};
	w->role = (struct target_rule){.kind = STR("pg-role"), .pointer = STR("/role")};
	w->ip = (struct target_rule){.kind = STR("ip"), .pointer = STR("/ip")};
	scene_tool(w, TOOL_DROP, "drop", "db___drop", EFFECT_DESTROY);
	scene_tool(w, TOOL_END, "end", "db___end", EFFECT_CONTAIN);
	scene_tool(w, TOOL_LOCK, "lock", "db___lock", EFFECT_CONTAIN);
	scene_tool(w, TOOL_ROLE, "role", "db___role", EFFECT_READ);
	scene_tool(w, TOOL_SESSIONS, "sessions", "db___sessions", EFFECT_READ);
	scene_tool(w, TOOL_UNLOCK, "unlock", "db___unlock", EFFECT_CONTAIN);
	scene_tool(w, TOOL_BLOCK, "block", "web___block", EFFECT_CONTAIN);
	w->tools[TOOL_END].inverse_not_needed = true;
	w->tools[TOOL_UNLOCK].inverse_not_needed = true;
	w->tools[TOOL_LOCK].capture = (struct derived_call){
	    .tool = STR("role"), .args = scene_json(w, "{\"role\":{\"$args\":\"/role\"}}")};
	w->tools[TOOL_LOCK].inverse = (struct derived_call){
	    .tool = STR("unlock"),
	    .args = scene_json(w, "{\"role\":{\"$args\":\"/role\"},\"n\":{\"$pre\":\"/n\"}}")};
	w->tools[TOOL_LOCK].rehearsed_unix_ms = FOLD_START_MS;
	w->tools[TOOL_BLOCK].upstream = &w->upstreams[1];
	w->tools[TOOL_BLOCK].targets = &w->ip;
	w->tools[TOOL_BLOCK].input_schema = NULL;
	w->tools[TOOL_BLOCK].inverse_not_needed = true;
	scene_read_inputs(w);
}

static void scene_bundle(struct scene *w)
{
	static const struct str classes[] = {{"db-saturation", 13}};
	static const struct str look[] = {{"db___sessions", 13}, {"db___role", 9}};
	static const struct str contain[] = {
	    {"db___end", 8}, {"db___lock", 9}, {"web___block", 11}};
	static const struct str destroy[] = {{"db___drop", 9}};
	static const struct str to_contain[] = {{"contain", 7}};
	static const struct str to_destroy[] = {{"destroy", 7}, {"diagnose", 8}};
	static const struct str data[] = {{"operational", 11}, {"personal", 8}};
	static const struct str never[] = {{"pg-role:postgres", 16}, {"backup:*", 8}};

	w->phases[0] = (struct phase){STR("diagnose"), {look, 2}, {to_contain, 1}};
	w->phases[1] = (struct phase){STR("contain"), {contain, 3}, {to_destroy, 2}};
	w->phases[2] = (struct phase){STR("destroy"), {destroy, 1}, {0}};
	w->playbooks[0] = (struct playbook){
	    .name = STR("db-saturation"),
	    .classes = {classes, 1},
	    .severity_from = 1,
	    .severity_to = 5,
	    .accountable = STR("oncall"),
	    .phases = w->phases,
	    .n_phases = 3,
	    .max_calls = 20,
	    .max_targets = 2,
	    .max_duration_ms = 3600 * 1000,
	    .max_deviations = 3,
	    .data = {data, 2},
	};
	w->playbooks[1] = (struct playbook){.name = STR("other")};
	w->agents[0] = (struct agent){
	    .name = STR("responder"),
	    .id = FOLD_AGENT,
	    .owner = STR("olga"),
	    .deputy = STR("otto"),
	    .team = STR("sre"),
	    .environment = STR("production"),
	    .review_by_unix_ms = FOLD_START_MS + 1000 * UINT64_C(86400000),
	    .autonomy = {AUTONOMY_ACT, AUTONOMY_ACT, AUTONOMY_ACT},
	    .classes = {classes, 1},
	    .severity_from = 1,
	    .severity_to = 3,
	};
	w->agents[1] = w->agents[0];
	w->agents[1].name = STR("other");
	w->agents[1].id = STR("spiffe://example.org/other");
	w->b = (struct bundle){
	    .agents = w->agents,
	    .n_agents = 2,
	    .people = w->people,
	    .n_people = 5,
	    .groups = w->groups,
	    .n_groups = 3,
	    .upstreams = w->upstreams,
	    .n_upstreams = 2,
	    .tools = w->tools,
	    .n_tools = TOOLS,
	    .playbooks = w->playbooks,
	    .n_playbooks = 2,
	    .gates = w->gates,
	    .n_gates = 3,
	    .never = {never, 2},
	    .default_gate = STR("secops"),
	    .autonomy = autonomy_rules_default(),
	    .rehearsal_ms = UINT64_C(90) * 86400000,
	};
}

/* A task in the phase `contain`, and a request to end the sessions of pg-role:app: allowed. */
__attribute__((unused)) static struct scene *scene_new(void)
{
	struct scene *w = mem_calloc(1, sizeof(*w));

	assert_non_null(w);
	w->arena = (struct arena)ARENA_INIT(64 << 20);
	scene_people(w);
	scene_catalog(w);
	scene_bundle(w);
	scene_policies_add(w, "");
	w->f = fold_new();
	w->incident = fold_add(
	    &w->f, LEAF_OF(INCIDENT_OPENED, incident_opened, .source = STR("pager"),
			   .class = STR("db-saturation"), .severity = 2, .service = STR("shop"),
			   .environment = STR("production"),
			   .assets = LIST(STR("pg-role:app"), STR("pg-role:batch"), STR("host:db1"),
					  STR("ip:192.0.2.1"), STR("pg-role:postgres"))));
	w->task = fold_add(
	    &w->f, LEAF_OF(TASK_OPENED, task_opened, .incident = w->incident, .agent = FOLD_AGENT,
			   .playbook = STR("db-saturation"),
			   .tools = LIST(STR("db___sessions"), STR("db___end"), STR("db___lock"),
					 STR("db___drop"), STR("web___block")),
			   .targets = LIST(STR("pg-role:app"), STR("ip:192.0.2.1")),
			   .data = LIST(STR("operational")), .phase = STR("contain"),
			   .not_after = w->f.t + 3600 * 1000, .max_calls = 20, .max_targets = 2,
			   .max_deviations = 3, .accountable = STR("alice")));
	w->r = (struct call_request){
	    .agent = FOLD_AGENT,
	    .task = w->task,
	    .tool = STR("db___end"),
	    .args = scene_json(w, "{\"role\":\"app\"}"),
	    .tag = fold_tag(1),
	    .now_unix_ms = w->f.t,
	};
	return w;
}

__attribute__((unused)) static void scene_free(struct scene *w)
{
	cedar_policies_unref(w->b.policies);
	state_free(w->f.s);
	arena_fini(&w->arena);
	mem_free(w);
}

__attribute__((unused)) static void scene_expect(struct scene *w, enum verdict verdict,
						 enum reason reason, int line)
{
	struct err e = ERR_INIT;

	w->r.now_unix_ms = w->f.t;
	if (decide_call(w->f.s, &w->b, &w->r, &w->arena, &w->d, &e) != RC_OK) {
		fail_msg("line %d: %s", line, e.msg);
	}
	if (w->d.verdict != verdict || w->d.reason != reason) {
		fail_msg("line %d: %.*s %.*s (%.*s), not %.*s %.*s", line,
			 STR_ARG(verdict_name(w->d.verdict)), STR_ARG(reason_code(w->d.reason)),
			 STR_ARG(w->d.detail), STR_ARG(verdict_name(verdict)),
			 STR_ARG(reason_code(reason)));
	}
}
#define expect_allow(w)	       scene_expect((w), VERDICT_ALLOW, REASON_ALLOWED, __LINE__)
#define expect_deny(w, reason) scene_expect((w), VERDICT_DENY, REASON_##reason, __LINE__)
#define expect_ask(w, reason)  scene_expect((w), VERDICT_ASK, REASON_##reason, __LINE__)
