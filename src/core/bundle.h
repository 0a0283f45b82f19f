/* SPDX-License-Identifier: Apache-2.0 */
/* core/bundle.h - all that is configured and governs: one immutable value with one digest.
 *
 * Built by src/config from the deployment directory; everything in it lives in its arena. State
 * refers to its objects by name, never by pointer, so that a new bundle can take over.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "core/agent.h"
#include "core/breaker.h"
#include "core/autonomy.h"
#include "core/freeze.h"
#include "core/cap.h"
#include "core/gate.h"
#include "core/inventory.h"
#include "core/list.h"
#include "core/person.h"
#include "core/playbook.h"
#include "core/route.h"
#include "core/tool.h"

struct cedar_policies;

/* Who wrote a rule: a policy by its @id, a gate by "gate:" and its name. */
struct authored {
	struct str rule;
	struct str person;
};

struct bundle {
	struct arena arena;
	uint8_t digest[32]; /* SHA-256 over the canonical form of every file that governs */
	struct str origin;  /* of the log: "audit.example/remit" */
	struct str trust_domain;

	const struct agent *agents;
	size_t n_agents;
	const struct person *people;
	size_t n_people;
	const struct group *groups;
	size_t n_groups;
	const struct upstream *upstreams;
	size_t n_upstreams;
	const struct tool *tools; /* sorted by public name */
	size_t n_tools;
	const struct playbook *playbooks;
	size_t n_playbooks;
	const struct gate *gates;
	size_t n_gates;
	struct inventory inventory;
	const struct cap *caps;
	size_t n_caps;
	struct breaker_rule breakers[BREAKER_KINDS];
	uint64_t target_hold_ms;       /* how long targets are held when an outcome stays unknown */
	struct str_list control_plane; /* what no agent may change: core/never.h */
	struct str_list never; /* targets nobody's agent may act on; "kind:*" for a whole kind */
	struct str
	    default_gate; /* for destroy calls that no policy gates, and autonomy `approve` */
	struct question_limits questions;
	struct break_glass_rules break_glass;
	const struct freeze *freezes;
	size_t n_freezes;
	const struct route *routes;
	size_t n_routes;
	const struct authored *authored;
	size_t n_authored;

	struct str custodians; /* group of persons who answer for evidence */
	struct autonomy_rules autonomy;

	struct {
		bool is_used;	       /* there is a policy */
		bool effects[EFFECTS]; /* that are denied while no quorum has seen the log */
	} witness;

	uint64_t rehearsal_ms;		 /* so long a rehearsal is good for */
	struct cedar_policies *policies; /* guardrails and envelopes; owned */
};

void bundle_free(struct bundle *b);

/* Look-ups by name; NULL when absent. */
const struct agent *bundle_agent(const struct bundle *b, struct str spiffe_id);
const struct agent *bundle_agent_named(const struct bundle *b, struct str name);
const struct person *bundle_person(const struct bundle *b, struct str name);
const struct person *bundle_person_with_uid(const struct bundle *b, uint32_t uid);
const struct group *bundle_group(const struct bundle *b, struct str name);
const struct upstream *bundle_upstream(const struct bundle *b, struct str name);
const struct tool *bundle_tool(const struct bundle *b, struct str public_name);
const struct tool *bundle_tool_of(const struct bundle *b, const struct upstream *u,
				  struct str name);
const struct playbook *bundle_playbook(const struct bundle *b, struct str name);
const struct gate *bundle_gate(const struct bundle *b, struct str name);
/* Did this person write that policy (@id), or that gate? */
bool bundle_is_policy_of(const struct bundle *b, struct str policy, struct str person);
bool bundle_is_gate_of(const struct bundle *b, struct str gate, struct str person);
