/* SPDX-License-Identifier: Apache-2.0 */
/* core/deviation.h - how much a refused call counts: against its task, and against its agent.
 *
 * Two counts, two questions. A task asks whether its agent still does what was approved: its
 * playbook's `deviations` says how many suspend it, and may weigh reasons otherwise than here. An
 * agent is watched over all its tasks: so much out of scope within a window opens an incident on
 * the agent itself (autonomy.h). A severe attempt is as much as any limit asks for.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/reason.h"

enum { DEVIATION_SEVERE = 1000 }; /* no limit may be larger */

/* What a refusal says about its caller, mildest first. */
enum attempt {
	ATTEMPT_NONE = 0, /* nothing: it waits, or something else failed */
	ATTEMPT_MISTAKE,  /* it does not know how */
	ATTEMPT_DRIFT,	  /* it does something else than it said */
	ATTEMPT_PROBE,	  /* it looks for what it can reach */
	ATTEMPT_ATTACK,	  /* it reaches for what nobody's agent may touch */
};
struct str attempt_name(enum attempt a);
enum attempt attempt_of(enum reason r);

struct deviation_weight {
	enum reason reason;
	uint32_t weight; /* 0 = does not count */
};

/* Against the task: the weight given for this reason, or 1 for a deviation (core/reason.def). The
 * playbooks that come with Remit say that an attack is severe. */
uint32_t deviation_weight(const struct deviation_weight *given, size_t n, enum reason r);
/* Against the agent: 1 for drift and probes, 3 for an attack, else 0; DEVIATION_SEVERE when it is
 * that against the task. */
uint32_t attempt_weight(enum reason r, uint32_t against_task);
