/* SPDX-License-Identifier: Apache-2.0 */
/* base/buf.h - growable bytes, born with their maximum.
 *
 * Going past the maximum is RC_LIMIT and leaves the content as it was; nothing is ever cut.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct buf {
	char *p;
	size_t n;
	size_t cap;
	size_t max;
};

#define BUF_INIT(max_bytes)                                                                        \
	{                                                                                          \
		.p = NULL, .n = 0, .cap = 0, .max = (max_bytes)                                    \
	}
#define AUTO_BUF CLEANUP(buf_fini) struct buf

void buf_fini(struct buf *b);		  /* frees; b can be used again with the same maximum */
void buf_reset(struct buf *b);		  /* empties, keeps the memory */
struct str buf_view(const struct buf *b); /* borrowed until the next change of b */
/* Room for n more bytes at b->p + b->n; the caller adds what it wrote to b->n. */
enum rc buf_reserve(struct buf *b, size_t n);
enum rc buf_add(struct buf *b, struct str s);
enum rc buf_add_char(struct buf *b, char c);
enum rc buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
enum rc buf_add_u16(struct buf *b, uint16_t v); /* big endian, as are the next two */
enum rc buf_add_u32(struct buf *b, uint32_t v);
enum rc buf_add_u64(struct buf *b, uint64_t v);
enum rc buf_add_hex(struct buf *b, const uint8_t *p, size_t n); /* lower case */
/* Drops the first n bytes (n <= b->n). */
void buf_consume(struct buf *b, size_t n);
