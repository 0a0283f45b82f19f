/* SPDX-License-Identifier: Apache-2.0 */
/* core/deviation.c - the classes and weights of refusals. */
#include "core/deviation.h"

static const struct {
	enum reason reason;
	enum attempt attempt;
} classes[] = {
    {REASON_NEVER_LIST, ATTEMPT_ATTACK},
    {REASON_CONTROL_PLANE, ATTEMPT_ATTACK},

    {REASON_KILL_ACTIVE, ATTEMPT_PROBE}, /* it was told to stop */
    {REASON_ENV_MISMATCH, ATTEMPT_PROBE},
    {REASON_INCIDENT_CLASS_NOT_ALLOWED, ATTEMPT_PROBE},
    {REASON_TASK_UNKNOWN, ATTEMPT_PROBE}, /* another agent's */
    {REASON_APPROVAL_UNKNOWN, ATTEMPT_PROBE},
    {REASON_TARGET_NOT_IN_INCIDENT, ATTEMPT_PROBE},
    {REASON_SELECTOR_EMPTY_OR_WILDCARD, ATTEMPT_PROBE},
    {REASON_NO_RULE, ATTEMPT_PROBE},
    {REASON_FORBIDDEN, ATTEMPT_PROBE},

    {REASON_INTENT_MISMATCH, ATTEMPT_DRIFT},
    {REASON_DATA_SCOPE, ATTEMPT_DRIFT},
    {REASON_PHASE, ATTEMPT_DRIFT},

    {REASON_NEEDS_STEP_UP, ATTEMPT_MISTAKE},
    {REASON_TASK_REQUIRED, ATTEMPT_MISTAKE},
    {REASON_TASK_ENDED, ATTEMPT_MISTAKE},
    {REASON_TOOL_UNKNOWN, ATTEMPT_MISTAKE},
    {REASON_ARG_SCHEMA, ATTEMPT_MISTAKE},
    {REASON_TARGET_TYPE_MISMATCH, ATTEMPT_MISTAKE},
    {REASON_TARGET_LIMIT, ATTEMPT_MISTAKE},
};

struct str attempt_name(enum attempt a)
{
	switch (a) {
	case ATTEMPT_MISTAKE:
		return STR("mistake");
	case ATTEMPT_DRIFT:
		return STR("drift");
	case ATTEMPT_PROBE:
		return STR("probe");
	case ATTEMPT_ATTACK:
		return STR("attack");
	case ATTEMPT_NONE:
		break;
	}
	return STR("none");
}

enum attempt attempt_of(enum reason r)
{
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		if (classes[i].reason == r) {
			return classes[i].attempt;
		}
	}
	return reason_is_deviation(r) ? ATTEMPT_DRIFT : ATTEMPT_NONE;
}

uint32_t deviation_weight(const struct deviation_weight *given, size_t n, enum reason r)
{
	for (size_t i = 0; i < n; i++) {
		if (given[i].reason == r) {
			return given[i].weight;
		}
	}
	return reason_is_deviation(r) ? 1 : 0;
}

uint32_t attempt_weight(enum reason r, uint32_t against_task)
{
	if (against_task >= DEVIATION_SEVERE) {
		return DEVIATION_SEVERE;
	}
	switch (attempt_of(r)) {
	case ATTEMPT_ATTACK:
		return 3;
	case ATTEMPT_PROBE:
	case ATTEMPT_DRIFT:
		return 1;
	case ATTEMPT_MISTAKE:
	case ATTEMPT_NONE:
		break;
	}
	return 0;
}
