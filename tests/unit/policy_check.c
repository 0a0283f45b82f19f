/* SPDX-License-Identifier: Apache-2.0 */
/* policy_check.c - a policy that names what does not exist is not loaded, and is told where and
 * what was meant.
 */
#include <string.h>

#include "config/load.h"
#include "test.h"

static const uint64_t NOW = 1795392000000; /* 2026-11-23 */

/* The findings about the test deployment with this text as one more guardrail. */
static enum rc load(const char *policies, struct buf *out)
{
	AUTO_TREE tree = TREE_INIT;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_FINDINGS reading = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	struct err e = ERR_INIT;
	enum rc rc;

	assert_ok(tree_read(&tree, TEST_DATA "/deployment", &reading, &e));
	assert_ok(tree_add(&tree, STR("policies/base/more.cedar"), str_from(policies), NULL));
	rc = deployment_build(&tree, NULL, NOW, &d, &f, &e);
	assert_ok(findings_print(&f, out));
	assert_ok(buf_add_char(out, '\0'));
	return rc;
}

#define RULE(head, condition) "@id(\"x\")\nforbid (principal, " head ")\nwhen { " condition " };\n"
#define CALL(condition)	      RULE("action in Remit::Action::\"edge\", resource", condition)

static void expect(const char *policies, enum rc rc, const char *expected)
{
	AUTO_BUF out = BUF_INIT(1 << 20);

	if (load(policies, &out) != rc || !strstr(out.p, expected)) {
		fail_msg("%s\nwanted: %s\ngot: %s", policies, expected, out.p);
	}
}

static void what_exists_may_be_named(void **state)
{
	static const char *const fine[] = {
	    CALL("context.effect == \"contain\" && context.input.ip == \"192.0.2.1\""),
	    CALL("context.data.contains(\"edge-config\") || "
		 "context.task.labels.containsAny([\"pii\", "
		 "\"untrusted\"])"),
	    CALL("context.intent.playbook == \"credential-abuse\" && context.intent.tools.contains("
		 "\"db___sessions\")"),
	    CALL("context.task.count has db___sessions && context.task.count.db___sessions > 3"),
	    CALL("resource.kind == \"ip\" && resource.criticality == \"crown-jewel\""),
	    CALL("context.incident.class == \"credential-abuse\" && context.gating != \"\""),
	    CALL("principal in Remit::Team::\"responders\" || context.system.now > "
		 "datetime(\"2026-01-01\")"),
	    CALL("context.undeclared && context.task.reads has any && context.task.reads.any.bytes "
		 "> "
		 "9"),
	    RULE("action, resource is Remit::Asset", "context has effect && resource.listed"),
	    RULE("action == Remit::Action::\"remit___declare_intent\", resource",
		 "context.intent.duration_s > 3600 && resource.severity == 1"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fine); i++) {
		expect(fine[i], RC_OK, "0 errors, 0 warnings");
	}
}

static void what_does_not_exist_is_refused_with_the_nearest(void **state)
{
	static const struct {
		const char *policies;
		const char *expected;
	} cases[] = {
	    /* tools, arguments, attributes, types */
	    {CALL("context.input.ipp == \"x\""), "more.cedar:3:22: error: "},
	    {CALL("context.input.ipp == \"x\""), "'ipp'"},
	    {CALL("context.efect == \"read\""), "did you mean 'effect'?"},
	    {CALL("context.input.ip == 3"), "more.cedar:3:25: error: ==: expected the same type"},
	    {CALL("action == Remit::Action::\"edge___blok\""),
	     "more.cedar:3:18: error: no tool or upstream 'edge___blok'; did you mean "
	     "'edge___block'?"},
	    {CALL("resource is Remit::Aset"), "did you mean 'Remit::Asset'?"},
	    {CALL("context.task.count has db___session"),
	     "more.cedar:3:27: error: no request that comes here has an attribute 'db___session'; "
	     "did "
	     "you mean 'db___sessions'?"},
	    {CALL("!(context has efect)"), "did you mean 'effect'?"},
	    {CALL("context has task.phse"), "did you mean 'phase'?"},
	    {CALL("context.input has ipp"), "did you mean 'ip'?"},
	    {CALL("context.signals has health"), "has an attribute 'health'"},
	    {RULE("action, resource", "context.input has i"), "no attribute 'input'"},
	    {CALL("context.task.count.db___sessions > 3"), "has"},
	    {RULE("action, resource", "context.effect == \"read\""), "has no attribute 'effect' (in 'remit___declare_intent')"},
	    {RULE("action, resource", "resource.listed"), "has no attribute 'listed'"},
	    /* names that are texts */
	    {CALL("context.effect == \"reed\""),
	     "more.cedar:3:26: error: no effect is called 'reed'; did you mean 'read'?"},
	    {CALL("[\"read\", \"contian\"].contains(context.effect)"), "did you mean 'contain'?"},
	    {CALL("context.data.contains(\"edge-confg\")"), "did you mean 'edge-config'?"},
	    {CALL("context.task.labels.containsAny([\"untrustd\"])"), "did you mean 'untrusted'?"},
	    {CALL("context.intent.playbook == \"credential-abus\""),
	     "no playbook 'credential-abus'"},
	    {CALL("context.intent.tools.contains(\"db___session\")"), "no tool 'db___session'"},
	    {CALL("context.task.phase == \"look-around\""),
	     "no playbook has the phase 'look-around'"},
	    {CALL("context.incident.class == \"credential-abuze\""),
	     "is for incidents of class 'credential-abuze'"},
	    {CALL("context.gating == \"isolat\""), "did you mean 'isolate'?"},
	    {CALL("resource.kind == \"ipp\""), "no target is of kind 'ipp'"},
	    {CALL("context.egress == \"extern\""), "no egress is called 'extern'"},
	    {CALL("context.incident.status == \"opened\""), "no incident is ever 'opened'"},
	    {CALL("principal in Remit::Team::\"responder\""),
	     "no agent is in team 'responder'; did you mean 'responders'?"},
	    {CALL("principal == Remit::Agent::\"respnder\""), "did you mean 'responder'?"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		expect(cases[i].policies, RC_INPUT, cases[i].expected);
	}
}

static void one_mistake_is_told_once(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(1 << 20);

	assert_int_equal(load("@id(\"x\") forbid(principal, action == Remit::Action::\"edge___x\", "
			      "resource);",
			      &out),
			 RC_INPUT);
	if (!strstr(out.p, "1 error, 0 warnings")) {
		fail_msg("%s", out.p);
	}
}

static void an_agent_whose_permits_cannot_hold_is_reported(void **state)
{
	static const char envelope[] =
	    "@id(\"x\")\npermit (principal == Remit::Agent::\"responder\", action == "
	    "Remit::Action::\"edge___block\", resource is Remit::Incident);\n";

	(void)state;
	AUTO_TREE tree = TREE_INIT;
	AUTO_TREE good = TREE_INIT;
	AUTO_FINDINGS f = FINDINGS_INIT;
	AUTO_DEPLOYMENT d = NULL;
	AUTO_BUF out = BUF_INIT(1 << 20);
	struct err e = ERR_INIT;

	assert_ok(tree_read(&good, TEST_DATA "/deployment", &f, &e));
	for (size_t i = 0; i < good.files.n; i++) {
		const struct tree_file *file = &good.files.p[i];
		bool is_envelope = str_has_prefix(file->path, STR("policies/agents/"));

		assert_ok(tree_add(&tree, file->path,
				   is_envelope ? str_from(envelope) : file->bytes, NULL));
	}
	assert_ok(deployment_build(&tree, NULL, NOW, &d, &f, &e));
	assert_ok(findings_print(&f, &out));
	assert_ok(buf_add_char(&out, '\0'));
	assert_non_null(strstr(out.p, "envelope.cedar:1:1: warning: "));
	assert_non_null(strstr(out.p, "no permit under policies/agents/responder/ can hold: this "
				      "agent can do nothing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_exists_may_be_named),
	    cmocka_unit_test(what_does_not_exist_is_refused_with_the_nearest),
	    cmocka_unit_test(one_mistake_is_told_once),
	    cmocka_unit_test(an_agent_whose_permits_cannot_hold_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
