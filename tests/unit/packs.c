/* SPDX-License-Identifier: Apache-2.0 */
/* packs.c - what the starter policies say about the starter catalog: the default gating matrix. */
#include <stdlib.h>

#include "test.h"

#include "base/file.h"
#include "config/init.h"
#include "config/load.h"
#include "core/policy.h"

static const uint64_t NOW = 1795392000000; /* 2026-11-23: rehearsals are young */

static char root[] = "/tmp/remit-packs-XXXXXX";
static struct deployment *deployment;

static int load_all_packs(void **state)
{
	static const struct str packs[] = {{"postgresql", 10}, {"nginx", 5}};
	static const char *const certificates[] = {"server.pem", "server.key", "bundle.pem"};
	struct init_options o = {.packs = packs, .n_packs = 2, .now_unix_ms = NOW};
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_TREE tree = TREE_INIT;
	struct err e = ERR_INIT;
	char path[200];

	(void)state;
	if (!mkdtemp(root) || config_init(root, &o, &e) != RC_OK) {
		return -1;
	}
	for (size_t i = 0; i < ARRAY_LEN(certificates); i++) {
		(void)snprintf(path, sizeof(path), "%s/ca", root);
		assert_ok(file_mkdirs(path, 0755, NULL));
		(void)snprintf(path, sizeof(path), "%s/ca/%s", root, certificates[i]);
		assert_ok(file_replace(path, STR("x"), 0600, NULL));
	}
	assert_ok(tree_read(&tree, root, &f, &e));
	return deployment_build(&tree, root, NOW, &deployment, &f, &e) == RC_OK ? 0 : -1;
}

static int drop(void **state)
{
	char command[100];

	(void)state;
	deployment_free(deployment);
	(void)snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

struct question {
	const char *tool;
	const char *target;
	bool is_regulated;
	bool touches_secrets;
	bool deletes_data;
	const char *environment;
	const char *gating; /* NULL = the tool's own */
	const char *label;  /* of the target in the inventory; NULL = it is not listed */
	bool is_crown_jewel;
};

static struct policy_answer ask(const struct question *q, struct arena *arena)
{
	struct str target = str_from(q->target);
	const struct str_list targets = {.p = &target, .n = 1};
	const struct bundle *b = deployment->bundle;
	const struct incident incident = {.ix = 12,
					  .status = INCIDENT_OPEN,
					  .class = STR("credential-abuse"),
					  .severity = 2,
					  .service = STR("shop"),
					  .environment = str_from(q->environment),
					  .is_regulated = q->is_regulated};
	const struct task task = {.ix = 15, .playbook = STR("credential-abuse")};
	struct tool tool = *bundle_tool(b, str_from(q->tool));
	const struct classification kind = {tool.effect, tool.changes_access,
					    tool.deletes_data || q->deletes_data,
					    tool.touches_secrets || q->touches_secrets};
	const struct policy_call call = {.what = &kind,
					 .agent = bundle_agent_named(b, STR("responder")),
					 .incident = &incident,
					 .task = &task,
					 .tool = &tool,
					 .targets = &targets,
					 .now_unix_ms = NOW};
	struct str label = str_from(q->label);
	const struct asset asset = {.target = target,
				    .environment = STR("production"),
				    .is_crown_jewel = q->is_crown_jewel,
				    .labels = {&label, q->label ? 1 : 0},
				    .is_listed = true};
	const struct inventory listed = {.assets = &asset, .n_assets = 1};
	struct policy_call asked = call;
	struct policy_case what;
	struct policy_answer answer = {0};
	struct err e = ERR_INIT;

	tool.gating = q->gating ? str_from(q->gating) : tool.gating;
	asked.inventory = q->label || q->is_crown_jewel ? &listed : &b->inventory;

	assert_ok(policy_case_of_call(&asked, arena, &what, &e));
	assert_ok(policy_ask(b->policies, &what, arena, &answer, &e));
	return answer;
}

static void the_matrix_gates_by_effect_and_by_what_is_touched(void **state)
{
	(void)state;
	static const struct {
		struct question q;
		enum reason reason;
		const char *gates; /* sorted, each followed by a blank */
	} cases[] = {
	    {{"host___load", "host:localhost", .environment = "production"}, REASON_NONE, ""},
	    {{"pg___sessions", "pg-role:app", .environment = "production"}, REASON_NONE, ""},
	    {{"nginx___block", "ip:203.0.113.9", .environment = "production"}, REASON_NONE, ""},
	    {{"pg___session_terminate", "pg-role:app", .environment = "production"},
	     REASON_NONE,
	     "on-call "},
	    {{"pg___role_disable", "pg-role:app", .environment = "production"},
	     REASON_NONE,
	     "on-call "},
	    {{"pg___role_disable", "pg-role:app", .is_regulated = true,
	      .environment = "production"},
	     REASON_NONE,
	     "on-call quorum "},
	    {{"nginx___block", "ip:203.0.113.9", .deletes_data = true, .environment = "production"},
	     REASON_NONE,
	     "quorum "},
	    {{"nginx___block", "ip:203.0.113.9", .touches_secrets = true,
	      .environment = "production"},
	     REASON_FORBIDDEN,
	     ""},
	    {{"nginx___block", "backup:nightly", .environment = "production"},
	     REASON_FORBIDDEN,
	     ""},
	    {{"nginx___block", "ip:203.0.113.9", .environment = "staging"}, REASON_NO_RULE, ""},
	    /* the rows that effects do not tell */
	    {{"nginx___block", "workstation:ws17", .environment = "production",
	      .gating = "isolate"},
	     REASON_NONE,
	     "on-call "},
	    {{"nginx___block", "host:ws17", .environment = "production", .gating = "isolate",
	      .label = "class=workstation"},
	     REASON_NONE,
	     "on-call "},
	    {{"nginx___block", "host:db1", .environment = "production", .gating = "isolate"},
	     REASON_NONE,
	     "on-call quorum "},
	    {{"nginx___block", "host:db1", .environment = "production", .is_crown_jewel = true},
	     REASON_NONE,
	     "quorum "},
	    {{"host___load", "host:db1", .environment = "production", .is_crown_jewel = true},
	     REASON_NONE,
	     ""},
	    {{"nginx___block", "ip:203.0.113.9", .environment = "production",
	      .gating = "end-sessions"},
	     REASON_NONE,
	     "on-call "},
	    {{"nginx___block", "ip:203.0.113.9", .environment = "production",
	      .gating = "send-outside"},
	     REASON_NONE,
	     "on-call "},
	    {{"nginx___block", "ip:203.0.113.9", .environment = "production",
	      .touches_secrets = true, .gating = "change-secret"},
	     REASON_NONE,
	     ""},
	    {{"nginx___block", "ip:203.0.113.9", .environment = "production",
	      .touches_secrets = true, .gating = "read-secret"},
	     REASON_FORBIDDEN,
	     ""},
	    {{"nginx___block", "ip:203.0.113.9", .environment = "production", .gating = "suppress"},
	     REASON_FORBIDDEN,
	     ""},
	    {{"nginx___block", "user:root", .environment = "production", .label = "role=admin"},
	     REASON_FORBIDDEN,
	     ""},
	    {{"host___load", "user:root", .environment = "production", .label = "role=admin"},
	     REASON_NONE,
	     ""},
	    {{"nginx___block", "host:dc1", .environment = "production",
	      .label = "role=domain-controller"},
	     REASON_FORBIDDEN,
	     ""},
	    {{"nginx___block", "user:emergency", .environment = "production",
	      .label = "role=break-glass"},
	     REASON_FORBIDDEN,
	     ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_ARENA arena = ARENA_INIT(1 << 20);
		struct policy_answer a = ask(&cases[i].q, &arena);
		bool has_on_call = str_list_has(&a.gates, STR("on-call"));
		bool has_quorum = str_list_has(&a.gates, STR("quorum"));
		char gates[40];

		(void)snprintf(gates, sizeof(gates), "%s%s", has_on_call ? "on-call " : "",
			       has_quorum ? "quorum " : "");
		if (a.reason != cases[i].reason ||
		    (a.reason == REASON_NONE && strcmp(gates, cases[i].gates) != 0)) {
			fail_msg("%s on %s: reason '" STR_FMT "', gates '%s'", cases[i].q.tool,
				 cases[i].q.target, STR_ARG(reason_code(a.reason)), gates);
		}
	}
}

static void declaring_an_intent_has_no_effect_to_gate(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(1 << 20);
	const struct str_list none = {0};
	const struct incident incident = {.ix = 12,
					  .status = INCIDENT_OPEN,
					  .class = STR("host-alert"),
					  .severity = 3,
					  .environment = STR("production")};
	const struct policy_intent intent = {
	    .agent = bundle_agent_named(deployment->bundle, STR("responder")),
	    .incident = &incident,
	    .playbook = STR("host-alert"),
	    .tools = &none,
	    .targets = &none,
	    .data = &none,
	    .duration_ms = 60000,
	    .now_unix_ms = NOW};
	struct policy_answer answer = {0};
	struct policy_case what;

	assert_ok(policy_case_of_intent(&intent, &arena, &what, NULL));
	assert_ok(policy_ask(deployment->bundle->policies, &what, &arena, &answer, NULL));
	assert_int_equal(answer.reason, REASON_NONE);
	assert_int_equal(answer.gates.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_matrix_gates_by_effect_and_by_what_is_touched),
	    cmocka_unit_test(declaring_an_intent_has_no_effect_to_gate),
	};
	return cmocka_run_group_tests(tests, load_all_packs, drop);
}
