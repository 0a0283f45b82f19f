/* SPDX-License-Identifier: Apache-2.0 */
/* target.c - "kind:value": what is canonical once is canonical for good, and not a wildcard. */
#include <stdlib.h>
#include <string.h>

#include "core/target.h"

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_ARENA arena = ARENA_INIT(65536);
	struct str once = STR_NULL;
	struct str twice = STR_NULL;

	if (target_parse(str_of(bytes, n), &arena, &once) != REASON_NONE) {
		return 0;
	}
	if (target_parse(once, &arena, &twice) != REASON_NONE || !str_eq(once, twice)) {
		abort();
	}
	if (memchr(once.p, '*', once.n) || memchr(once.p, '\0', once.n) || !str_is_utf8(once)) {
		abort();
	}
	return 0;
}
