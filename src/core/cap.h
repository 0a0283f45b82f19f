/* SPDX-License-Identifier: Apache-2.0 */
/* core/cap.h - caps: how much of what may happen in a while, and what a call takes from them.
 *
 * A cap is part of the bundle (limits.yaml and playbooks). The state knows no caps, only counters:
 * each is named by a key that says what it counts, over which window, for which cap and whom. A
 * call.decided leaf that allows lists its takings, one per counter; applying the leaf is what takes
 * them, so there is no moment between the look and the taking. A key that nobody took from has
 * counted nothing: a cap that is new, or whose window changed, begins at zero.
 *
 * The text of a taking, as it stands in a leaf:
 *	<amount>:<measure>:<window_ms>:<cap>:<whom>
 * The key is all behind the first colon. amount is a decimal number; for `targets` it is `*` (all
 * targets of the call) or `x` and a hexadecimal number whose bit i stands for the i-th target.
 */
#pragma once

#include "base/err.h"
#include "core/effect.h"
#include "core/list.h"

enum cap_measure {
	CAP_CALLS = 0, /* a sum; the others are distinct values */
	CAP_TARGETS,
	CAP_TOOLS,
	CAP_HOPS, /* upstreams */
	CAP_MEASURES
};
struct str cap_measure_name(enum cap_measure m);
/* Does a counter of this keep a set of values, rather than a sum? */
bool cap_measure_is_set(enum cap_measure m);

enum cap_scope { CAP_OF_FLEET = 0, CAP_OF_AGENT, CAP_OF_INCIDENT, CAP_OF_TASK };

struct cap {
	struct str name;
	struct str playbook; /* its tasks only; "" = all */
	enum cap_scope scope;
	bool is_per_agent; /* within an incident, each agent for itself */

	/* Which calls: all that is said must fit. An empty list says nothing. */
	bool effects[EFFECTS];
	struct str_list tools;
	struct str_list upstreams;
	struct str_list classes; /* of the incident */
	struct str_list environments;
	struct str group; /* calls with a target in it, and those targets; "" = any */

	/* How much. */
	uint64_t window_ms; /* 0: as long as the task or incident lasts */
	bool is_bound[CAP_MEASURES];
	uint64_t most[CAP_MEASURES];
	uint64_t percent; /* of the group may be changed at the same time; 0 = no bound */
	uint64_t floor;	  /* so many members of the group stay up and untouched; 0 = no bound */

	bool asks; /* beyond it a person is asked, else it is denied */
};

struct taking {
	enum cap_measure measure;
	uint64_t amount;
	uint64_t window_ms;
	bool is_all; /* targets: all */
	uint8_t targets[32];
	struct str key; /* within the text */
};
/* RC_BROKEN when the text is none. */
enum rc taking_parse(struct str text, struct taking *ret, struct err *e);
bool taking_has_target(const struct taking *t, size_t target);

/* The key of a cap's counter; p == NULL without memory. */
struct str cap_key(struct arena *arena, enum cap_measure m, uint64_t window_ms, struct str cap,
		   struct str whom);
/* The text of a taking from that counter. targets: bits, NULL = all. */
struct str taking_text(struct arena *arena, uint64_t amount, const uint8_t targets[32],
		       enum cap_measure m, struct str key);
