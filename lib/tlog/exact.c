/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/exact.c - canonical base64 into memory of known size. */
#include "tlog/exact.h"

#include "codec/base64.h"

bool exact_base64_max(struct str text, void *ret, size_t max, size_t *ret_n)
{
	/* A buf whose memory is already as large as it may get never goes to the heap. */
	struct buf b = {.p = ret, .n = 0, .cap = max, .max = max};

	if (base64_decode(&b, text) != RC_OK) {
		return false;
	}
	*ret_n = b.n;
	return true;
}

bool exact_base64(struct str text, void *ret, size_t n)
{
	size_t got;

	return exact_base64_max(text, ret, n, &got) && got == n;
}
