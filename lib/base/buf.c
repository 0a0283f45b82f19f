/* SPDX-License-Identifier: Apache-2.0 */
/* base/buf.c - growable bytes with a maximum. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void buf_fini(struct buf *b)
{
	if (b) {
		mem_free(b->p);
		b->p = NULL;
		b->n = 0;
		b->cap = 0;
	}
}

void buf_reset(struct buf *b)
{
	b->n = 0;
}

struct str buf_view(const struct buf *b)
{
	return (struct str){.p = b->p, .n = b->n};
}

enum rc buf_reserve(struct buf *b, size_t n)
{
	size_t need;
	size_t cap;
	char *p;

	if (__builtin_add_overflow(b->n, n, &need) || need > b->max) {
		return RC_LIMIT;
	}
	if (need <= b->cap) {
		return RC_OK;
	}
	cap = b->cap ? b->cap : 128;
	while (cap < need) {
		cap = cap > b->max / 2 ? b->max : cap * 2;
	}
	p = mem_realloc(b->p, cap, 1);
	if (!p) {
		return RC_NOMEM;
	}
	b->p = p;
	b->cap = cap;
	return RC_OK;
}

enum rc buf_add(struct buf *b, struct str s)
{
	TRY(buf_reserve(b, s.n));
	if (s.n) {
		memcpy(b->p + b->n, s.p, s.n);
		b->n += s.n;
	}
	return RC_OK;
}

enum rc buf_add_char(struct buf *b, char c)
{
	TRY(buf_reserve(b, 1));
	b->p[b->n++] = c;
	return RC_OK;
}

enum rc buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	MUST(n >= 0);
	/* vsnprintf wants room for a NUL, which then is not counted. */
	if (b->n + (size_t)n > b->max) {
		return RC_LIMIT;
	}
	if (b->n + (size_t)n + 1 > b->cap) {
		size_t cap = b->cap ? b->cap : 128;
		char *p;

		while (cap < b->n + (size_t)n + 1) {
			cap *= 2;
		}
		p = mem_realloc(b->p, cap, 1);
		if (!p) {
			return RC_NOMEM;
		}
		b->p = p;
		b->cap = cap;
	}
	va_start(ap, fmt);
	(void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap); /* measured above */
	va_end(ap);
	b->n += (size_t)n;
	return RC_OK;
}

static enum rc add_big_endian(struct buf *b, uint64_t v, size_t bytes)
{
	TRY(buf_reserve(b, bytes));
	for (size_t i = 0; i < bytes; i++) {
		b->p[b->n + i] = (char)(uint8_t)(v >> (8 * (bytes - 1 - i)));
	}
	b->n += bytes;
	return RC_OK;
}

enum rc buf_add_u16(struct buf *b, uint16_t v)
{
	return add_big_endian(b, v, 2);
}

enum rc buf_add_u32(struct buf *b, uint32_t v)
{
	return add_big_endian(b, v, 4);
}

enum rc buf_add_u64(struct buf *b, uint64_t v)
{
	return add_big_endian(b, v, 8);
}

enum rc buf_add_hex(struct buf *b, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	TRY(buf_reserve(b, 2 * n));
	for (size_t i = 0; i < n; i++) {
		b->p[b->n++] = digits[p[i] >> 4];
		b->p[b->n++] = digits[p[i] & 15];
	}
	return RC_OK;
}

void buf_consume(struct buf *b, size_t n)
{
	MUST(n <= b->n);
	if (n < b->n && n > 0) {
		memmove(b->p, b->p + n, b->n - n);
	}
	b->n -= n;
}
