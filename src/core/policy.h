/* SPDX-License-Identifier: Apache-2.0 */
/* core/policy.h - what Cedar says about a call or an intent, and what the annotations make of it.
 *
 * The request is described in docs/formats/cedar-request.md. Enforced are all policies without
 * @shadow; a forbid with @gate does not refuse but asks, when a permit matches. Everything lives in
 * the caller's arena; ids of policies and names of gates are borrowed from the policy set.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"
#include "core/agent.h"
#include "core/classify.h"
#include "core/list.h"
#include "core/reason.h"
#include "core/state.h"
#include "core/tool.h"

struct cedar_policies;
struct cedar_entities;
struct cedar_uid;
struct cedar_value;

enum {
	POLICY_NAMES = 64, /* determining policies of a decision: as many as its leaf holds */
	POLICY_GATES = 16,
};

/* One request per resource; all must pass. */
struct policy_case {
	const struct cedar_entities *entities;
	const struct cedar_uid *principal;
	const struct cedar_uid *action;
	const struct cedar_value *context;
	const struct cedar_uid *const *resources;
	size_t n_resources; /* at least one */
};

struct policy_call {
	const struct agent *agent;
	const struct incident *incident;
	const struct task *task;
	const struct state *state; /* for signals; NULL = none are known */
	const struct tool *tool;
	const struct json *args;
	const struct classification *what;
	const struct str_list *targets;
	const struct inventory *inventory; /* NULL = nothing is listed */
	bool has_evidence;
	bool is_tainted;    /* an argument was seen in an untrusted result */
	bool is_from_other; /* an argument was another agent's first */
	uint64_t now_unix_ms;
};
enum rc policy_case_of_call(const struct policy_call *c, struct arena *arena,
			    struct policy_case *ret, struct err *e);

/* What is known of any call of c->tool before it is made: no resource, and of the context only what
 * does not depend on the arguments. args, what, targets and inventory are not looked at. */
enum rc policy_case_of_tool(const struct policy_call *c, struct arena *arena,
			    struct policy_case *ret, struct err *e);
/* Could a call of c->tool be permitted at all now, perhaps behind gates, with some arguments,
 * targets and evidence? False only when no enforced permit can hold, or a forbid without gate must.
 */
enum rc policy_could_permit(const struct cedar_policies *set, const struct policy_call *c,
			    struct arena *arena, bool *ret, struct err *e);

/* context.signals: what is known of these targets. */
enum rc policy_signals(const struct state *s, const struct str_list *targets, uint64_t now_unix_ms,
		       struct arena *arena, const struct cedar_value **ret, struct err *e);

struct policy_intent {
	const struct agent *agent;
	const struct incident *incident;
	struct str playbook;
	struct str goal;
	const struct str_list *tools;
	const struct str_list *targets;
	const struct str_list *data;
	uint64_t duration_ms;
	uint64_t now_unix_ms;
};
enum rc policy_case_of_intent(const struct policy_intent *i, struct arena *arena,
			      struct policy_case *ret, struct err *e);

struct policy_answer {
	enum reason reason; /* REASON_NONE: permitted once the gates are open */
	struct str detail;
	struct str_list
	    policies;		/* determining: the permits and the gated forbids, or what denies */
	struct str_list shadow; /* @shadow policies that would have forbidden */
	struct str_list gates;
	enum reason gate_reason; /* of the first gate whose @reason names one; else REASON_NONE */
	struct str gate_detail;
};
/* A text of @reason that begins with "code: " where the code is one that a policy may give: the
 * code and the rest. False for any other text. */
bool policy_reason(struct str text, enum reason *ret, struct str *ret_rest);
/* Reasons: forbidden or what the policy names, policy_error, no_rule, limit. */
enum rc policy_ask(const struct cedar_policies *set, const struct policy_case *c,
		   struct arena *arena, struct policy_answer *ret, struct err *e);
