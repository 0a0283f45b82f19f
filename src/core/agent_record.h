/* SPDX-License-Identifier: Apache-2.0 */
/* core/agent_record.h - what the state knows of an agent over all its tasks (core/state_agent.c).
 *
 * Strings are the state's; pointers are valid until the next state_apply.
 */
#pragma once

#include "core/autonomy.h"
#include "core/leaf.h"
#include "core/reason.h"

/* A call of a task's agent outside the grant. */
enum { TASK_TRIED = 8 }; /* kept per task, the newest */
struct deviation {
	uint64_t call; /* its call.decided */
	uint64_t unix_ms;
	struct str tool;
	struct str_list targets; /* the first four */
	enum reason reason;
	uint64_t weight;
};

/* A claim of a task's agent; what it says is sealed. */
enum { TASK_NOTES = 32 }; /* of a task */
struct task_note {
	uint64_t ix;	/* its leaf */
	uint64_t about; /* a call, 0 = none */
	uint64_t unix_ms;
};

/* What an agent at level `propose` would have done. */
struct proposal {
	uint64_t ix;
	bool is_open; /* nobody has judged it */
	uint64_t task;
	struct str agent;
	struct str tool;
	enum effect effect;
	struct str_list targets;
	struct digest tag;
	struct str would; /* the dry decision: allow or ask */
	struct str reason;
	uint64_t made_unix_ms;
	bool agrees; /* once judged */
	struct str judged_by;
};

struct attempt_made {
	uint64_t unix_ms;
	uint64_t weight;
};

struct agreement {
	uint64_t judged; /* decisions of people about what it wanted */
	uint64_t agreed;
};

enum { AGENT_ENDORSERS = 8 };

struct agent_record {
	struct str agent; /* SPIFFE ID */
	struct {
		bool is_set;
		enum autonomy level;
		enum autonomy base; /* what the deployment gave when this was set */
	} levels[EFFECTS];
	struct agreement tallies[EFFECTS];
	struct attempt_made
	    attempts[ATTEMPTS_KEPT]; /* since the last breach by them, oldest first */
	size_t n_attempts;
	enum breach breach;	   /* the last one */
	uint64_t breached_unix_ms; /* 0 = never */
	/* persons who want it promoted, and to what */
	struct str endorsers[AGENT_ENDORSERS];
	size_t n_endorsers;
	enum effect endorsed_effect;
	enum autonomy endorsed_level;
	uint64_t endorsed_unix_ms; /* by the first */
};

/* NULL: nothing was ever recorded of this agent. */
const struct agent_record *state_agent_record(const struct state *s, struct str agent);
const struct agent_record *state_record_at(const struct state *s, size_t i); /* NULL past the end */
/* Do endorsements of this very change stand? They lapse a day after the first. */
bool state_endorsement_stands(const struct agent_record *r, enum effect effect, enum autonomy level,
			      uint64_t now_unix_ms);

const struct proposal *state_proposal(const struct state *s, uint64_t ix);
const struct proposal *state_next_proposal(const struct state *s, uint64_t from);
/* The open one of this task for this exact call. */
const struct proposal *state_proposal_of(const struct state *s, uint64_t task,
					 const struct digest *tag);
