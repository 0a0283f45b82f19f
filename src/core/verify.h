/* SPDX-License-Identifier: Apache-2.0 */
/* core/verify.h - does what a tool promises hold? What a target was read as, beside what to expect.
 *
 * A tool's `verify` is a read whose result must have a value at a place; the value follows from the
 * call's arguments and the state before it. What undoes a call may depend on that state, too.
 */
#pragma once

#include "core/tool.h"

enum readback_verdict {
	READBACK_UNKNOWN = 0, /* it could not be looked at, or made no sense */
	READBACK_DIFFERS,
	READBACK_HOLDS,
};

struct readback {
	enum readback_verdict verdict;
	struct str detail;     /* for people, nothing of the target in it; a constant */
	struct str difference; /* {expected, found} as JSON, when it differs and is short enough */
};

/* `of` was called with args in the state pre (may be NULL), and its target was read since: was_read
 * says with success, and result is the JSON that came (NULL: none). Results live in arena. */
struct readback verify_judge(const struct tool *of, const struct json *args, const struct json *pre,
			     bool was_read, const struct json *result, struct arena *arena);

/* Was there anything to undo, after a call with these arguments in that state? */
bool inverse_is_wanted(const struct derived_call *inverse, const struct json *args,
		       const struct json *pre, struct arena *arena);
