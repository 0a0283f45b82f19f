/* SPDX-License-Identifier: Apache-2.0 */
/* base/reader.h - bytes taken from the front, bounds inside.
 *
 * A failed take returns false and leaves the reader where it was; callers turn that into their
 * own error.
 */
#pragma once

#include "base/str.h"

struct reader {
	const uint8_t *p;
	size_t n; /* left */
};

struct reader reader_of(struct str s);
bool rd_u8(struct reader *r, uint8_t *ret) MUST_USE;
bool rd_u16(struct reader *r, uint16_t *ret) MUST_USE; /* big endian, as are the next two */
bool rd_u32(struct reader *r, uint32_t *ret) MUST_USE;
bool rd_u64(struct reader *r, uint64_t *ret) MUST_USE;
bool rd_take(struct reader *r, size_t n, struct str *ret) MUST_USE; /* borrowed from the input */
