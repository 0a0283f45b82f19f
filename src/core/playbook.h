/* SPDX-License-Identifier: Apache-2.0 */
/* core/playbook.h - the allowlist for a class of incidents. */
#pragma once

#include "core/list.h"
#include "core/reads.h"

struct phase {
	struct str name;
	struct str_list tools; /* public names */
	struct str_list next;  /* phases that a task may move on to */
};

struct playbook {
	struct str name;
	struct str_list classes;
	uint8_t severity_from; /* 1 (worst) .. 5 */
	uint8_t severity_to;
	struct str accountable; /* group; its first person on the rota answers for the task */
	const struct phase *phases;
	size_t n_phases; /* the first is where a task starts */
	uint32_t max_calls;
	uint32_t max_targets;
	uint64_t max_duration_ms;
	uint32_t max_deviations;	   /* so many suspend the task */
	struct str_list data;		   /* data classes that may be read */
	const struct read_budget *budgets; /* and how much of them */
	size_t n_budgets;
};
