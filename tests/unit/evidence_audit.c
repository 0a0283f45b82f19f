/* SPDX-License-Identifier: Apache-2.0 */
/* A log that keeps the rules of evidence, and then that log with one thing wrong at a time. */
#include "fold.h"

#include "core/evidence_audit.h"

enum {
	TASK = 1, /* leaf 0 opens the log */
	CAPTURED,
	READ_AGAIN,
	CALL,
	WAIVER,
	GRANTED,
	WAIVED_CALL,
	HOLD,
	RELEASED,
	PROPOSED,
	DESTROYED,
	KEY_GONE,
	REMOVED,
	LEAVES
};

static const struct str host[] = {{"host:db1", 8}};
static const struct str other_host[] = {{"host:db2", 8}};
static const struct str memory[] = {{"memory", 6}};
static const struct str cited[] = {{"e2", 2}};
static const uint64_t START = 1764000000000;

static struct leaf call_of(const struct str *preserved)
{
	return LEAF_OF(CALL_DECIDED, call_decided, .task = TASK, .purpose = STR("agent"),
		       .tool = STR("edr___reimage"), .effect = STR("destroy"), .targets = {host, 1},
		       .verdict = STR("allow"), .requires = {memory, 1}, .max_age_ms = 3600000,
		       .preserved = {preserved, preserved ? 1 : 0});
}

static void good_log(struct leaf out[LEAVES])
{
	out[0] = LEAF_OF(LOG_OPENED, log_opened, .origin = STR("test.example/log"));
	out[TASK] = LEAF_OF(TASK_OPENED, task_opened, .incident = 7);
	out[CAPTURED] = LEAF_OF(EVIDENCE_CAPTURED, evidence_captured, .incident = 7, .task = TASK,
				.kind = STR("memory"), .targets = {host, 1}, .key = 3,
				.mode = STR("governance"), .keep_until = START + 86400000);
	out[READ_AGAIN] = LEAF_OF(EVIDENCE_CUSTODY, evidence_custody, .evidence = CAPTURED,
				  .prior = CAPTURED, .nth = 2, .event = STR("read"));
	out[CALL] = call_of(cited);
	out[WAIVER] = LEAF_OF(WAIVER_PROPOSED, waiver_proposed, .task = TASK,
			      .tool = STR("edr___reimage"), .targets = {host, 1},
			      .kinds = {memory, 1}, .not_after = START + 60000, .by = STR("alice"));
	out[GRANTED] = LEAF_OF(WAIVER_GRANTED, waiver_granted, .waiver = WAIVER, .by = STR("bob"));
	out[WAIVED_CALL] = call_of(NULL);
	out[WAIVED_CALL].call_decided.waiver = WAIVER;
	out[HOLD] = LEAF_OF(HOLD_PLACED, hold_placed, .name = STR("case"), .scope = STR("target"),
			    .subject = STR("host:db1"));
	out[RELEASED] = LEAF_OF(HOLD_RELEASED, hold_released, .hold = HOLD);
	out[PROPOSED] =
	    LEAF_OF(EVIDENCE_PROPOSED, evidence_proposed, .evidence = CAPTURED, .prior = READ_AGAIN,
		    .nth = 3, .what = STR("destroy"), .by = STR("alice"));
	out[DESTROYED] =
	    LEAF_OF(EVIDENCE_DESTROYED, evidence_destroyed, .evidence = CAPTURED, .prior = PROPOSED,
		    .nth = 4, .authority = STR("people"), .proposal = PROPOSED, .by = STR("bob"));
	out[KEY_GONE] = LEAF_OF(EVIDENCE_KEY_GONE, evidence_key_gone, .evidence = CAPTURED,
				.prior = DESTROYED, .nth = 5, .key = 3);
	out[REMOVED] = LEAF_OF(EVIDENCE_CUSTODY, evidence_custody, .evidence = CAPTURED,
			       .prior = KEY_GONE, .nth = 6, .event = STR("removed"));
	for (size_t i = 0; i < LEAVES; i++) {
		out[i].t = START + i * 1000;
	}
}

/* What is found; the first fault's text, or "". */
static struct evidence_counts audit(const struct leaf *leaves, size_t n, char first[512])
{
	struct evidence_audit *a;
	struct evidence_counts counts;
	const struct evidence_fault *faults;
	size_t n_faults;

	assert_ok(evidence_audit_new(&a, NULL));
	for (size_t i = 0; i < n; i++) {
		assert_ok(evidence_audit_take(a, i, &leaves[i], NULL));
	}
	counts = evidence_audit_counts(a);
	faults = evidence_audit_faults(a, &n_faults);
	assert_true(n_faults == counts.faults);
	(void)snprintf(first, 512, "%.*s", n_faults ? (int)faults[0].what.n : 0,
		       n_faults ? faults[0].what.p : "");
	evidence_audit_free(a);
	return counts;
}

static void a_log_that_keeps_the_rules_has_no_fault(void **state)
{
	struct leaf leaves[LEAVES];
	struct evidence_counts c;
	char first[512];

	(void)state;
	good_log(leaves);
	c = audit(leaves, LEAVES, first);
	assert_string_equal(first, "");
	assert_true(c.altering == 2 && c.required == 2 && c.preserved == 1 && c.waived == 1);
	assert_true(c.items == 1 && c.destroyed == 1 && c.faults == 0);
}

#define must_find(change, expected)                                                                \
	do {                                                                                       \
		struct leaf leaves[LEAVES];                                                        \
		char first[512];                                                                   \
                                                                                                   \
		good_log(leaves);                                                                  \
		change;                                                                            \
		if (audit(leaves, LEAVES, first).faults == 0 || !strstr(first, (expected))) {      \
			fail_msg("%s: found '%s'", #change, first);                                \
		}                                                                                  \
	} while (0)

static void every_way_to_run_without_evidence_is_found(void **state)
{
	static const char without[] = "ran without evidence of kind memory";
	static const struct str later[] = {{"e9", 2}};

	(void)state;
	must_find(leaves[CALL].call_decided.preserved.n = 0, without);
	must_find(leaves[CALL].call_decided.preserved.p = later, without);
	must_find(leaves[CALL].call_decided.targets.p = other_host, without);
	must_find(leaves[CALL].call_decided.task = 0, without);
	must_find(leaves[CALL].t = START + 7200000, without);
	must_find(leaves[CAPTURED].evidence_captured.kind = STR("disk"), without);
	must_find(leaves[CAPTURED].evidence_captured.targets.p = other_host, without);
	must_find(leaves[READ_AGAIN].evidence_custody.event = STR("damaged"), without);
	must_find(leaves[TASK].task_opened.incident = 8, "of another incident");
	must_find(leaves[WAIVED_CALL].call_decided.waiver = 0, without);
	must_find(leaves[WAIVED_CALL].call_decided.tool = STR("edr___wipe"), without);
	must_find(leaves[WAIVED_CALL].call_decided.targets.p = other_host, without);
	must_find(leaves[WAIVED_CALL].t = START + 120000, without);
	must_find(leaves[WAIVER].waiver_proposed.kinds.n = 0, without);
	must_find(leaves[GRANTED].waiver_granted.by = STR("alice"), "no second person");
	must_find(leaves[CALL] = leaves[WAIVED_CALL];
		  leaves[CALL].call_decided.waiver = WAIVER, without); /* before it was granted */
	must_find(leaves[HOLD] = leaves[WAIVED_CALL], without);	       /* used twice */
}

static void every_way_to_lose_evidence_is_found(void **state)
{
	(void)state;
	must_find(leaves[READ_AGAIN].evidence_custody.nth = 3, "the custody of e2");
	must_find(leaves[PROPOSED].evidence_proposed.prior = CAPTURED, "the custody of e2");
	must_find(leaves[READ_AGAIN].evidence_custody.evidence = 1, "which is no evidence");
	must_find(leaves[DESTROYED].evidence_destroyed.by = STR("alice"), "without authority");
	must_find(leaves[DESTROYED].evidence_destroyed.proposal = 0, "without authority");
	must_find(leaves[CAPTURED].evidence_captured.mode = STR("compliance"), "without authority");
	must_find(leaves[RELEASED] = leaves[0], "under a legal hold");
	must_find(leaves[KEY_GONE] = leaves[READ_AGAIN];
		  leaves[KEY_GONE].evidence_custody.prior = DESTROYED;
		  leaves[KEY_GONE].evidence_custody.nth = 5, "its key was not destroyed before");
	must_find(leaves[DESTROYED] = leaves[READ_AGAIN];
		  leaves[DESTROYED].evidence_custody.prior = PROPOSED;
		  leaves[DESTROYED].evidence_custody.nth = 4, "went without authority");
	must_find(leaves[DESTROYED] =
		      LEAF_OF(EVIDENCE_KEEP, evidence_keep, .evidence = CAPTURED, .prior = PROPOSED,
			      .nth = 4, .keep_until = START, .by = STR("alice"));
		  leaves[DESTROYED].t = START + 11000, "was shortened without authority");
}

static void what_needs_nothing_is_counted_and_no_fault(void **state)
{
	struct leaf leaves[LEAVES];
	struct evidence_counts c;
	char first[512];

	(void)state;
	good_log(leaves);
	leaves[CALL].call_decided.requires.n = 0;
	leaves[CALL].call_decided.preserved.n = 0;
	leaves[WAIVED_CALL].call_decided.verdict = STR("deny");
	c = audit(leaves, LEAVES, first);
	assert_true(c.altering == 1 && c.required == 0 && c.faults == 0);
	leaves[CALL].call_decided.effect = STR("read");
	assert_true(audit(leaves, LEAVES, first).altering == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_log_that_keeps_the_rules_has_no_fault),
	    cmocka_unit_test(every_way_to_run_without_evidence_is_found),
	    cmocka_unit_test(every_way_to_lose_evidence_is_found),
	    cmocka_unit_test(what_needs_nothing_is_counted_and_no_fault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
