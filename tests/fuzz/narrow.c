/* SPDX-License-Identifier: Apache-2.0 */
/* narrow.c - arguments of a call and what a person cuts them down to, "arguments\npatch": what
 * comes out is canonical, is what the patch itself gives from it, and is reached from the arguments
 * in one step. */
#include <stdlib.h>

#include "core/narrow.h"

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_ARENA arena = ARENA_INIT(16 << 20);
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct str rest = str_of(bytes, n);
	struct str first = str_cut(&rest, '\n');
	const struct json *args = NULL;
	const struct json *patch = NULL;
	const struct json *narrowed = NULL;
	struct str text;
	struct str again;
	enum rc rc;

	limits.max_nodes = 4096;
	if (json_parse(&arena, first, &limits, &args, NULL) != RC_OK ||
	    json_parse(&arena, rest, &limits, &patch, NULL) != RC_OK) {
		return 0;
	}
	rc = narrow_args(args, patch, &arena, &text, NULL);
	if (rc != RC_OK) {
		if (rc != RC_INPUT && rc != RC_LIMIT) {
			abort();
		}
		return 0;
	}
	if (json_parse(&arena, text, NULL, &narrowed, NULL) != RC_OK ||
	    narrow_args(narrowed, patch, &arena, &again, NULL) != RC_INPUT || /* nothing changes */
	    narrow_args(args, narrowed, &arena, &again, NULL) != RC_OK || !str_eq(text, again)) {
		abort();
	}
	return 0;
}
