/* SPDX-License-Identifier: Apache-2.0 */
/* leaf.c - every fact has one form: what decodes, encodes to the same bytes. */
#include <stdlib.h>

#include "base/limits.h"
#include "core/leaf.h"

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_ARENA arena = ARENA_INIT(16 << 20);
	AUTO_BUF again = BUF_INIT(LIMIT_LEAF_BYTES);
	struct leaf l;
	struct err e = ERR_INIT;

	if (leaf_decode(&arena, str_of(bytes, n), &l, &e) != RC_OK) {
		return 0;
	}
	if (leaf_encode(&again, &l, &e) != RC_OK || !str_eq(buf_view(&again), str_of(bytes, n))) {
		abort();
	}
	return 0;
}
