/* SPDX-License-Identifier: Apache-2.0 */
/* tlog/exact.h - canonical base64 into memory of known size, without the heap. */
#pragma once

#include <tlog.h>

/* Is text the canonical base64 of exactly n bytes? Then they are in ret, else it is undefined. */
bool exact_base64(struct str text, void *ret, size_t n) MUST_USE;
/* Of at most max bytes; *ret_n says how many. */
bool exact_base64_max(struct str text, void *ret, size_t max, size_t *ret_n) MUST_USE;
