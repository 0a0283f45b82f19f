/* SPDX-License-Identifier: Apache-2.0 */
/* core/agent.h - a workload identity registered with an owner, a purpose and an envelope.
 *
 * Part of a bundle: immutable, strings owned by the bundle's arena.
 */
#pragma once

#include "base/str.h"
#include "core/effect.h"
#include "core/list.h"

/* What an agent may do by itself, per effect, lowest first. */
enum autonomy {
	AUTONOMY_OBSERVE = 0, /* nothing of this effect */
	AUTONOMY_PROPOSE,     /* a dry decision only */
	AUTONOMY_APPROVE,     /* each call needs a person */
	AUTONOMY_NOTIFY,      /* acts, and a person is told */
	AUTONOMY_ACT,
};
bool autonomy_from_name(struct str name, enum autonomy *ret) MUST_USE;
struct str autonomy_name(enum autonomy a);

struct agent {
	struct str name; /* "responder": the file's name */
	struct str id;	 /* SPIFFE ID */
	struct str owner;
	struct str deputy;
	struct str purpose;
	struct str team; /* "" = none */
	struct str environment;
	uint64_t review_by_unix_ms;
	enum autonomy autonomy[EFFECTS];
	struct str_list classes; /* of incidents */
	uint8_t severity_from;	 /* 1 (worst) .. */
	uint8_t severity_to;	 /* .. 5 */
	uint32_t hold_ms;	 /* how long a parked call keeps its request waiting */
};
