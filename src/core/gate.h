/* SPDX-License-Identifier: Apache-2.0 */
/* core/gate.h - who must approve what `ask` asks. */
#pragma once

#include "base/str.h"

enum { SEVERITIES = 5 }; /* 1 (worst) to 5 */

/* What may be done instead when the answer is no, or none. Declared by people, told to the agent
 * and to whoever is asked. */
struct safe_alternative {
	struct str tool; /* public name, "" = none */
	struct str text; /* "" = none */
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
