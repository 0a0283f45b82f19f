/* SPDX-License-Identifier: Apache-2.0 */
/* core/playbook.h - the allowlist for a class of incidents: phases, and what moves a task on.
 *
 * A task stands in one phase. It may use that phase's tools, up to that phase's effect; what goes
 * further is a step up, judged anew: the next phase must grant the tool, the conditions to leave
 * this one and to enter that one must hold (decide_phase.c). Part of a bundle: immutable, strings
 * owned by the bundle's arena.
 */
#pragma once

#include "core/deviation.h"
#include "core/effect.h"
#include "core/list.h"
#include "core/reads.h"

/* What must have happened in the task; empty = nothing. */
struct phase_condition {
	struct str_list tools;	  /* public names: each has completed without an error */
	struct str_list evidence; /* kinds: each is kept, captured in the task's incident */
	bool is_verified;	  /* every change made so far was read back and holds */
};

struct phase {
	struct str name;
	struct str_list tools; /* public names */
	struct str_list next;  /* phases that a task may move on to */
	enum effect effect;    /* the furthest that calls may go here; destroy = no bound */
	bool is_explicit;      /* entered by remit___advance only, not by using a tool of it */
	uint32_t
	    max_calls; /* within the phase, all visits together; 0 = the playbook's bound only */
	uint32_t max_targets;
	uint64_t max_duration_ms;
	struct phase_condition entry; /* before a task may enter */
	struct phase_condition exit;  /* before it may leave, or close as done */
};

struct playbook {
	struct str name;
	struct str_list classes;
	struct str_list goals; /* what an intent may be for; empty = it says nothing */
	uint8_t severity_from; /* 1 (worst) .. 5 */
	uint8_t severity_to;
	struct str accountable; /* group; who is on duty there answers for the task */
	const struct phase *phases;
	size_t n_phases; /* the first is where a task starts */
	uint32_t max_calls;
	uint32_t max_targets;
	uint64_t max_duration_ms;
	uint32_t max_deviations;		/* so many suspend the task */
	const struct deviation_weight *weights; /* of reasons that weigh otherwise here */
	size_t n_weights;
	struct str_list data;	/* data classes that may be read */
	bool rolls_back;	/* what a task changed is undone when it ends */
	struct str_list values; /* that arguments may have, wherever the agent has them from */
	const struct read_budget *budgets; /* and how much of them */
	size_t n_budgets;
};

/* NULL when there is none of this name. */
const struct phase *playbook_phase(const struct playbook *p, struct str name);
