/* SPDX-License-Identifier: Apache-2.0 */
/* base/reader.c - bounded reading of big-endian bytes. */
#include "base/reader.h"

struct reader reader_of(struct str s)
{
	return (struct reader){.p = (const uint8_t *)s.p, .n = s.n};
}

static bool take_big_endian(struct reader *r, size_t bytes, uint64_t *ret)
{
	uint64_t v = 0;

	if (r->n < bytes) {
		return false;
	}
	for (size_t i = 0; i < bytes; i++) {
		v = v << 8 | r->p[i];
	}
	r->p += bytes;
	r->n -= bytes;
	*ret = v;
	return true;
}

bool rd_u8(struct reader *r, uint8_t *ret)
{
	uint64_t v;

	if (!take_big_endian(r, 1, &v)) {
		return false;
	}
	*ret = (uint8_t)v;
	return true;
}

bool rd_u16(struct reader *r, uint16_t *ret)
{
	uint64_t v;

	if (!take_big_endian(r, 2, &v)) {
		return false;
	}
	*ret = (uint16_t)v;
	return true;
}

bool rd_u32(struct reader *r, uint32_t *ret)
{
	uint64_t v;

	if (!take_big_endian(r, 4, &v)) {
		return false;
	}
	*ret = (uint32_t)v;
	return true;
}

bool rd_u64(struct reader *r, uint64_t *ret)
{
	return take_big_endian(r, 8, ret);
}

bool rd_take(struct reader *r, size_t n, struct str *ret)
{
	if (r->n < n) {
		return false;
	}
	*ret = str_of(r->p, n);
	r->p += n;
	r->n -= n;
	return true;
}
