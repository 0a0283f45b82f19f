/* SPDX-License-Identifier: Apache-2.0 */
/* core/gate.h - who must approve what `ask` asks. */
#pragma once

#include "base/str.h"
#include "core/list.h"

enum { SEVERITIES = 5 }; /* 1 (worst) to 5 */

/* What may be done instead when the answer is no, or none. Declared by people, told to the agent
 * and to whoever is asked. */
struct safe_alternative {
	struct str tool; /* public name, "" = none */
	struct str text; /* "" = none */
};

/* How much people can be asked; zero means the default. */
struct question_limits {
	uint32_t pending;  /* open questions of one agent */
	uint32_t per_hour; /* groups of questions that one person is asked */
	uint64_t pause_ms; /* how long an agent that asks more only reads */
};
enum { QUESTIONS_PENDING = 3, QUESTIONS_PER_HOUR = 6, QUESTIONS_PAUSE_MS = 15 * 60 * 1000 };

/* Who may act in an emergency, and for how long. */
struct break_glass_rules {
	struct str_list people;
	uint64_t duration_ms;
	uint64_t max_ms;
	uint64_t review_ms;
};

struct gate {
	struct str name;
	struct str group;
	uint32_t quorum;	/* distinct persons */
	uint64_t decide_by_ms;	/* after it was asked */
	uint64_t execute_by_ms; /* after it was granted */
	uint64_t
	    severity_ms[SEVERITIES]; /* decide_by by the incident's severity; 0 = decide_by_ms */
	struct safe_alternative instead;
};

/* How long people have to decide. */
uint64_t gate_decide_by_ms(const struct gate *g, unsigned severity);
