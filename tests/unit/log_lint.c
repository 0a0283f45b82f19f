/* SPDX-License-Identifier: Apache-2.0 */
/* Each rule of core/log_lint.h, broken once, beside a log that breaks none. */
#include "test.h"

#include "core/log_lint.h"

struct log {
	struct log_lint *lint;
	uint64_t n;
	uint64_t t;
};

static uint64_t add(struct log *l, struct leaf leaf)
{
	leaf.t = leaf.t ? leaf.t : ++l->t;
	assert_ok(log_lint_take(l->lint, l->n, &leaf, NULL));
	return l->n++;
}

#define ADD(l, KIND, member, ...)                                                                  \
	add((l), (struct leaf){.kind = LEAF_##KIND, .member = {__VA_ARGS__}})

static void expect(struct log *l, const char *text)
{
	const struct log_lint_fault *f;
	size_t n;

	f = log_lint_faults(l->lint, &n);
	if (!text) {
		if (n > 0) {
			fail_msg("leaf %llu: " STR_FMT, (unsigned long long)f[0].leaf,
				 STR_ARG(f[0].what));
		}
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (strstr(f[i].what.p, text)) {
			assert_int_equal(f[i].leaf, l->n - 1); /* the leaf that shows it */
			return;
		}
	}
	fail_msg("no fault says '%s'", text);
}

static struct {
	uint64_t incident, task, approval, lease, call, term;
} at;

static uint64_t allow(struct log *l, const char *effect, uint64_t approval, uint64_t lease)
{
	return ADD(l, CALL_DECIDED, call_decided, .task = at.task, .purpose = STR("agent"),
		   .verdict = STR("allow"), .effect = str_from(effect), .approval = approval,
		   .lease = lease);
}

static uint64_t settle(struct log *l, const char *state)
{
	return ADD(l, APPROVAL_SETTLED, approval_settled, .approval = at.approval,
		   .state = str_from(state));
}

static uint64_t complete(struct log *l, uint64_t call, const char *kind)
{
	return ADD(l, CALL_COMPLETED, call_completed, .call = call, .kind = str_from(kind));
}

static void account(struct log *l, uint64_t call, uint64_t bytes, uint64_t redacted)
{
	ADD(l, READ_ACCOUNTED, read_accounted, .call = call, .bytes = bytes, .redacted = redacted);
}

/* With an answer of 9 bytes, and no secret in it. */
static uint64_t answer(struct log *l)
{
	uint64_t call = allow(l, "read", 0, 0);

	ADD(l, CALL_COMPLETED, call_completed, .call = call, .kind = STR("ok"), .result_bytes = 9);
	return call;
}

static uint64_t open_task(struct log *l, const char *verdict)
{
	uint64_t intent = ADD(l, INTENT_DECIDED, intent_decided, .incident = at.incident,
			      .verdict = str_from(verdict));

	return ADD(l, TASK_OPENED, task_opened, .incident = at.incident, .intent = intent);
}

/* A life with a task, a granted approval and a lease that was delivered. */
static void begin(struct log *l)
{
	*l = (struct log){.t = 1000};
	assert_ok(log_lint_new(&l->lint, NULL));
	ADD(l, LOG_OPENED, log_opened, .origin = STR("x"));
	ADD(l, STARTED, started, .generation = 1);
	at.incident = ADD(l, INCIDENT_OPENED, incident_opened, .severity = 1);
	at.task = open_task(l, "allow");
	at.approval = ADD(l, APPROVAL_OPENED, approval_opened, .task = at.task);
	settle(l, "granted");
	at.lease = ADD(l, LEASE_INTENDED, lease_intended, .task = at.task);
	ADD(l, LEASE_CREATED, lease_created, .lease = at.lease);
	ADD(l, LEASE_DELIVERED, lease_delivered, .lease = at.lease);
}

static void a_whole_log_has_no_fault_and_counts_what_is_open(void **state)
{
	struct log_lint_counts n;
	struct log l;

	(void)state;
	begin(&l);
	at.call = allow(&l, "destroy", at.approval, at.lease);
	complete(&l, at.call, "unknown");
	complete(&l, at.call, "ok"); /* it became known */
	at.term = ADD(&l, TERM_STARTED, term_started, .call = at.call, .task = at.task);
	account(&l, answer(&l), 9, 0);
	ADD(&l, TASK_PHASE, task_phase, .task = at.task, .how = STR("used"));
	allow(&l, "read", 0, at.lease);
	ADD(&l, LEASE_REVOKING, lease_revoking, .lease = at.lease);
	ADD(&l, LEASE_GONE, lease_gone, .lease = at.lease);
	ADD(&l, TASK_ENDED, task_ended, .task = at.task);
	expect(&l, NULL);
	n = log_lint_counts(l.lint);
	assert_int_equal(n.calls.all, 3);
	assert_int_equal(n.calls.open, 1);
	assert_int_equal(n.terms.open, 1);
	assert_int_equal(n.tasks.open, 1); /* ended, not closed */
	assert_int_equal(n.leases.open, 0);
	assert_int_equal(n.approvals.open, 0);
	ADD(&l, TERM_CHANGED, term_changed, .term = at.term, .how = STR("reverted"));
	ADD(&l, TASK_CLOSED, task_closed, .task = at.task, .closure = STR("closed"));
	ADD(&l, TASK_OPENED, task_opened, .incident = at.incident);
	ADD(&l, BREAK_GLASS_OPENED, break_glass_opened, .task = l.n - 1);
	expect(&l, NULL);
	assert_int_equal(log_lint_counts(l.lint).tasks.open, 1);
	log_lint_free(l.lint);
}

/* Each adds the leaf that breaks a rule. */
static void second_beginning(struct log *l)
{
	ADD(l, LOG_OPENED, log_opened, .origin = STR("y"));
}
static void back_in_time(struct log *l)
{
	add(l, (struct leaf){.kind = LEAF_STARTED, .t = 5, .started = {.generation = 2}});
}
static void a_start_is_missing(struct log *l)
{
	ADD(l, STARTED, started, .generation = 3);
}
static void a_later_cause(struct log *l)
{
	ADD(l, TASK_PHASE, task_phase, .task = at.task, .cause = l->n);
}
static void another_kind(struct log *l)
{
	ADD(l, TASK_PHASE, task_phase, .task = at.incident);
}
static void no_outcome(struct log *l)
{
	allow(l, "read", 0, 0);
	ADD(l, STARTED, started, .generation = 2);
	l->t += 60000; /* it had the time */
	ADD(l, NOTIFIED, notified, .about = at.task);
	ADD(l, STARTED, started, .generation = 3);
}
static void two_outcomes(struct log *l)
{
	uint64_t call = allow(l, "read", 0, 0);

	complete(l, call, "ok");
	complete(l, call, "unknown");
}
static void outcome_of_a_denial(struct log *l)
{
	complete(l, ADD(l, CALL_DECIDED, call_decided, .task = at.task, .verdict = STR("deny")),
		 "ok");
}
static void unapproved(struct log *l)
{
	allow(l, "destroy", 0, 0);
}
static void used_twice(struct log *l)
{
	allow(l, "destroy", at.approval, 0);
	allow(l, "destroy", at.approval, 0);
}
static void used_when_void(struct log *l)
{
	settle(l, "void");
	allow(l, "destroy", at.approval, 0);
}
static void granted_twice(struct log *l)
{
	settle(l, "granted");
}
static void ended_twice(struct log *l)
{
	settle(l, "void");
	settle(l, "expired");
}
static void void_by_no_bundle(struct log *l)
{
	ADD(l, APPROVAL_SETTLED, approval_settled, .approval = at.approval, .state = STR("void"),
	    .reason = STR("approval_void"));
}
static void asked_under_another_bundle(struct log *l)
{
	ADD(l, BUNDLE_ACTIVATED, bundle_activated, .by = STR("start"));
	allow(l, "destroy", at.approval, 0);
}
static void lease_over(struct log *l)
{
	ADD(l, LEASE_REVOKING, lease_revoking, .lease = at.lease);
	allow(l, "read", 0, at.lease);
}
static void lease_gone_twice(struct log *l)
{
	ADD(l, LEASE_GONE, lease_gone, .lease = at.lease);
	ADD(l, LEASE_GONE, lease_gone, .lease = at.lease);
}
static void accounted_longer(struct log *l)
{
	account(l, answer(l), 10, 0);
}
static void accounted_as_redacted(struct log *l)
{
	account(l, answer(l), 9, 1);
}
static void accounted_for_another(struct log *l)
{
	uint64_t first = answer(l);

	answer(l);
	account(l, first, 9, 0);
}
static void accounted_for_no_answer(struct log *l)
{
	uint64_t call = allow(l, "read", 0, 0);

	complete(l, call, "not_sent");
	account(l, call, 0, 0);
}
static void after_the_end(struct log *l)
{
	ADD(l, TASK_ENDED, task_ended, .task = at.task);
	allow(l, "read", 0, 0);
}
static void closed_unended(struct log *l)
{
	ADD(l, TASK_CLOSED, task_closed, .task = at.task);
}
static void closed_with_a_lease(struct log *l)
{
	ADD(l, TASK_ENDED, task_ended, .task = at.task);
	ADD(l, TASK_CLOSED, task_closed, .task = at.task, .closure = STR("closed"));
}
static void task_on_a_closed_incident(struct log *l)
{
	ADD(l, INCIDENT_CLOSED, incident_closed, .incident = at.incident);
	open_task(l, "allow");
}
static void task_that_was_denied(struct log *l)
{
	open_task(l, "deny");
}
static void task_of_an_old_intent(struct log *l)
{
	ADD(l, TASK_OPENED, task_opened, .incident = at.incident, .intent = at.task - 1);
}
static void task_of_nobody(struct log *l)
{
	ADD(l, TASK_OPENED, task_opened, .incident = at.incident);
	allow(l, "read", 0, 0);
}
static void glass_of_another_task(struct log *l)
{
	ADD(l, TASK_OPENED, task_opened, .incident = at.incident);
	ADD(l, BREAK_GLASS_OPENED, break_glass_opened, .task = at.task);
}
static void phase_without_a_call(struct log *l)
{
	ADD(l, TASK_PHASE, task_phase, .task = at.task, .how = STR("used"));
	settle(l, "void");
}
static void phase_of_another_task(struct log *l)
{
	uint64_t task = open_task(l, "allow");

	ADD(l, TASK_PHASE, task_phase, .task = task, .how = STR("used"));
	allow(l, "read", 0, 0);
}
static void phase_by_a_denied_call(struct log *l)
{
	ADD(l, TASK_PHASE, task_phase, .task = at.task, .how = STR("used"));
	ADD(l, CALL_DECIDED, call_decided, .task = at.task, .verdict = STR("deny"));
}
static void term_over(struct log *l)
{
	uint64_t call = allow(l, "contain", 0, 0);
	uint64_t term = ADD(l, TERM_STARTED, term_started, .call = call);

	ADD(l, TERM_CHANGED, term_changed, .term = term, .how = STR("kept"));
	ADD(l, TERM_CHANGED, term_changed, .term = term, .how = STR("rolling_back"));
}

static void each_rule_that_is_broken_is_found_at_the_leaf_that_shows_it(void **state)
{
	static const struct {
		void (*breaks)(struct log *l);
		const char *says;
	} cases[] = {
	    {second_beginning, "leaf 0, and no other"},
	    {back_in_time, "earlier than the leaf before"},
	    {a_start_is_missing, "start 3 follows start 1"},
	    {a_later_cause, "which is not earlier"},
	    {another_kind, "which is incident.opened and may not be"},
	    {no_outcome, "have no outcome"},
	    {two_outcomes, "has an outcome already"},
	    {outcome_of_a_denial, "or was never allowed"},
	    {unapproved, "rests on no approval"},
	    {used_twice, "is used a second time"},
	    {used_when_void, "is used, and is not granted"},
	    {granted_twice, "is settled already"},
	    {ended_twice, "is over already"},
	    {void_by_no_bundle, "is void, and no bundle came after it"},
	    {asked_under_another_bundle, "was asked under another bundle"},
	    {lease_over, "was not delivered, or is over"},
	    {lease_gone_twice, "is over already"},
	    {accounted_longer, "another answer than call"},
	    {accounted_as_redacted, "another answer than call"},
	    {accounted_for_another, "which has not just answered"},
	    {accounted_for_no_answer, "which has not just answered"},
	    {after_the_end, "has ended"},
	    {closed_unended, "is closed before it ended"},
	    {closed_with_a_lease, "is closed, and its lease 7 is not gone"},
	    {task_on_a_closed_incident, "is closed"},
	    {task_that_was_denied, "is not allowed right before it"},
	    {task_of_an_old_intent, "is not allowed right before it"},
	    {task_of_nobody, "and nobody broke glass"},
	    {glass_of_another_task, "and nobody broke glass"},
	    {phase_without_a_call, "and no call used that"},
	    {phase_of_another_task, "and no call used that"},
	    {phase_by_a_denied_call, "and no call used that"},
	    {term_over, "is over already"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct log l;

		begin(&l);
		expect(&l, NULL);
		cases[i].breaks(&l);
		expect(&l, cases[i].says);
		log_lint_free(l.lint);
	}
}

static void a_new_bundle_makes_void_what_was_asked_before(void **state)
{
	struct log l;

	(void)state;
	begin(&l);
	ADD(&l, BUNDLE_ACTIVATED, bundle_activated, .by = STR("start"));
	void_by_no_bundle(&l);
	at.approval = ADD(&l, APPROVAL_OPENED, approval_opened, .task = at.task);
	settle(&l, "granted");
	allow(&l, "destroy", at.approval, 0);
	expect(&l, NULL);
	log_lint_free(l.lint);
}

/* Senders that live on may be heard by the governor after the next. */
static void lives_of_seconds_leave_calls_to_later_ones(void **state)
{
	struct log l;

	(void)state;
	begin(&l);
	at.call = allow(&l, "read", 0, 0);
	for (uint64_t i = 2; i < 5; i++) {
		ADD(&l, STARTED, started, .generation = i);
		l.t += 3000;
	}
	ADD(&l, CLOCK_JUMPED, clock_jumped, .expected = 1, .found = 2);
	l.t += 60000;
	ADD(&l, STARTED, started, .generation = 5);
	complete(&l, at.call, "ok");
	expect(&l, NULL);
	log_lint_free(l.lint);
}

/* core/leaf.def: whoever adds a cause says what it may be. */
static void every_cause_names_its_kinds(void **state)
{
	(void)state;
	for (unsigned k = LEAF_NONE + 1; k < LEAF_KINDS; k++) {
		size_t n;
		const struct leaf_field *f = leaf_fields((enum leaf_kind)k, &n);

		for (size_t i = 0; i < n; i++) {
			if (f[i].type == LEAF_TYPE_IX && f[i].causes[0] == LEAF_NONE) {
				fail_msg("'" STR_FMT "' of '" STR_FMT "' names no kind: IX(" STR_FMT
					 ", KIND...)",
					 STR_ARG(f[i].name),
					 STR_ARG(leaf_kind_name((enum leaf_kind)k)),
					 STR_ARG(f[i].name));
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_whole_log_has_no_fault_and_counts_what_is_open),
	    cmocka_unit_test(each_rule_that_is_broken_is_found_at_the_leaf_that_shows_it),
	    cmocka_unit_test(a_new_bundle_makes_void_what_was_asked_before),
	    cmocka_unit_test(lives_of_seconds_leave_calls_to_later_ones),
	    cmocka_unit_test(every_cause_names_its_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
