/* SPDX-License-Identifier: Apache-2.0 */
/* fold.h - a state fed with leaves, for the tests of core. */
#pragma once

#include "core/state.h"
#include "state_bytes.h"
#include "test.h"

struct fold {
	struct state *s;
	uint64_t t; /* of the next leaf */
};

static const uint64_t FOLD_START_MS = 1764000000000;

__attribute__((unused)) static struct digest fold_digest(const struct fold *f)
{
	struct digest d;
	struct err e = ERR_INIT;

	assert_ok(state_digest(f->s, &d, &e));
	return d;
}

/* Applies a leaf that must fit; returns its index. */
__attribute__((unused)) static uint64_t fold_add(struct fold *f, struct leaf l)
{
	uint64_t ix = state_size(f->s);
	struct err e = ERR_INIT;

	l.t = l.t ? l.t : f->t;
	if (state_reserve(f->s, &l, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
	state_apply(f->s, ix, &l);
	if (ix < 100 || ix % 97 == 0) {
		struct state *again = NULL;

		if (state_again(f->s, &again, &e) != RC_OK) { /* every state that any test makes */
			fail_msg("%s", e.msg);
		}
		state_free(again);
	}
	return ix;
}

/* A leaf that must not fit, and must change nothing. */
__attribute__((unused)) static void fold_refuse_at(struct fold *f, struct leaf l, int line)
{
	struct digest before = fold_digest(f);
	struct digest after;
	struct err e = ERR_INIT;

	l.t = l.t ? l.t : f->t;
	if (state_reserve(f->s, &l, &e) != RC_BROKEN) {
		fail_msg("line %d: a leaf of kind %.*s was not refused", line,
			 STR_ARG(leaf_kind_name(l.kind)));
	}
	after = fold_digest(f);
	assert_true(digest_eq(&before, &after));
}
#define fold_refuse(f, ...) fold_refuse_at((f), __VA_ARGS__, __LINE__)

#define LEAF_OF(KIND, name, ...) ((struct leaf){.kind = LEAF_##KIND, .name = {__VA_ARGS__}})
/* Lives as long as the block it stands in. */
#define LIST(...)                                                                                  \
	((struct str_list){(const struct str[]){__VA_ARGS__},                                      \
			   sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str)})

__attribute__((unused)) static struct fold fold_new(void)
{
	struct fold f = {.t = FOLD_START_MS};
	struct err e = ERR_INIT;

	assert_ok(state_new(&f.s, &e));
	fold_add(&f, LEAF_OF(LOG_OPENED, log_opened, .origin = STR("test.example/log")));
	return f;
}

#define FOLD_AGENT STR("spiffe://example.org/responder")

__attribute__((unused)) static uint64_t fold_incident(struct fold *f)
{
	return fold_add(
	    f, LEAF_OF(INCIDENT_OPENED, incident_opened, .source = STR("pager"),
		       .class = STR("db-saturation"), .severity = 2, .service = STR("shop"),
		       .environment = STR("production"),
		       .assets = LIST(STR("pg-role:app"), STR("pg-role:batch"), STR("host:db1"))));
}

__attribute__((unused)) static uint64_t fold_task(struct fold *f, uint64_t incident)
{
	return fold_add(f,
			LEAF_OF(TASK_OPENED, task_opened, .incident = incident, .agent = FOLD_AGENT,
				.playbook = STR("db-saturation"),
				.tools = LIST(STR("db___sessions"), STR("db___end"),
					      STR("db___lock"), STR("db___drop")),
				.targets = LIST(STR("pg-role:app"), STR("host:db1")),
				.data = LIST(STR("operational")), .phase = STR("diagnose"),
				.not_after = f->t + 3600 * 1000, .max_calls = 20, .max_targets = 2,
				.max_deviations = 3, .accountable = STR("alice")));
}

/* tag: any number, 0 = none */
__attribute__((unused)) static struct digest fold_tag(uint8_t tag)
{
	return (struct digest){.bytes = {tag}};
}

__attribute__((unused)) static struct leaf fold_call(uint64_t task, struct str effect, uint8_t tag)
{
	static const struct str targets[] = {{"pg-role:app", 11}};

	return LEAF_OF(CALL_DECIDED, call_decided, .task = task, .purpose = STR("agent"),
		       .agent = FOLD_AGENT, .tool = STR("db___end"), .effect = effect,
		       .targets = {targets, 1}, .tag = fold_tag(tag), .verdict = STR("allow"),
		       .reason = STR("allowed"));
}

__attribute__((unused)) static uint64_t fold_approval(struct fold *f, uint64_t task, uint8_t tag)
{
	return fold_add(f, LEAF_OF(APPROVAL_OPENED, approval_opened, .kind = STR("call"),
				   .task = task, .incident = state_task(f->s, task)->incident,
				   .agent = FOLD_AGENT, .tool = STR("db___end"),
				   .effect = STR("destroy"), .targets = LIST(STR("pg-role:app")),
				   .tag = fold_tag(tag), .gates = LIST(STR("secops")), .quorum = 1,
				   .decide_by = f->t + 600 * 1000, .execute_by_ms = 300 * 1000));
}

__attribute__((unused)) static void fold_vote(struct fold *f, uint64_t approval, struct str person,
					      bool grants)
{
	fold_add(f, LEAF_OF(APPROVAL_VOTED, approval_voted, .approval = approval, .person = person,
			    .grants = grants, .via = STR("cli")));
}

__attribute__((unused)) static struct leaf fold_settled(uint64_t approval, struct str to,
							uint64_t execute_by)
{
	return LEAF_OF(APPROVAL_SETTLED, approval_settled, .approval = approval, .state = to,
		       .execute_by = execute_by);
}

/* An approval of this call, granted and usable for five minutes. */
__attribute__((unused)) static uint64_t fold_granted(struct fold *f, uint64_t task, uint8_t tag)
{
	uint64_t a = fold_approval(f, task, tag);

	fold_vote(f, a, STR("bob"), true);
	fold_add(f, fold_settled(a, STR("granted"), f->t + 300 * 1000));
	return a;
}

/* Two persons lift every stop of that scope and name. */
__attribute__((unused)) static void fold_lift(struct fold *f, struct str scope, struct str name)
{
	fold_add(f, LEAF_OF(KILL_LIFT_PROPOSED, kill_lift_proposed,
			    .kill = state_newest_kill(f->s, scope, name)->ix, .by = STR("alice")));
	fold_add(f, LEAF_OF(KILL_CLEARED, kill_cleared, .scope = scope, .name = name,
			    .by = STR("bob"), .proposed_by = STR("alice")));
}
