/* SPDX-License-Identifier: Apache-2.0 */
/* redact.c - a result without its secrets: nothing is found in it any more, and JSON stays JSON. */
#include <stdlib.h>

#include "base/limits.h"
#include "core/redact.h"

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	static const struct str pointer = {"/rows/*/name", 12};
	const struct str_list pointers = {.p = &pointer, .n = 1};
	AUTO_ARENA arena = ARENA_INIT(16 << 20);
	const struct json *j;
	struct str once;
	struct str twice;
	size_t found;
	size_t again;

	if (redact_result(str_of(bytes, n), &pointers, &arena, &once, &found, NULL) != RC_OK ||
	    found == 0) {
		return 0;
	}
	if (json_parse(&arena, once, NULL, &j, NULL) != RC_OK) {
		abort();
	}
	if (redact_result(once, &(struct str_list){0}, &arena, &twice, &again, NULL) != RC_OK ||
	    again != 0) {
		abort();
	}
	return 0;
}
