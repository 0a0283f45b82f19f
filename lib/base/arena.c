/* SPDX-License-Identifier: Apache-2.0 */
/* base/arena.c - block-chained bump allocation. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct arena_block {
	struct arena_block *before;
	size_t cap;
	size_t used;
	_Alignas(16) char bytes[];
};

enum { FIRST_BLOCK = 4096, MAX_BLOCK = 1 << 20, KEPT_BLOCK = 64 * 1024 };

void arena_fini(struct arena *a)
{
	if (!a) {
		return;
	}
	while (a->last) {
		struct arena_block *b = a->last;

		a->last = b->before;
		mem_free(b);
	}
	a->used_bytes = 0;
}

void arena_fini_secret(struct arena *a)
{
	for (struct arena_block *b = a->last; b; b = b->before) {
		explicit_bzero(b->bytes, b->used);
	}
	arena_fini(a);
}

/* The largest block of at most KEPT_BLOCK; without one, the first. */
static struct arena_block *worth_keeping(const struct arena *a)
{
	struct arena_block *kept = NULL;
	struct arena_block *first = NULL;

	for (struct arena_block *b = a->last; b; b = b->before) {
		if (b->cap <= KEPT_BLOCK && (!kept || b->cap > kept->cap)) {
			kept = b;
		}
		first = b;
	}
	return kept ? kept : first;
}

void arena_reset(struct arena *a)
{
	struct arena_block *kept = worth_keeping(a);
	struct arena_block *b = a->last;

	while (b) {
		struct arena_block *before = b->before;

		if (b != kept) {
			mem_free(b);
		}
		b = before;
	}
	if (kept) {
		memset(kept->bytes, 0, kept->used);
		kept->used = 0;
		kept->before = NULL;
	}
	a->last = kept;
	a->used_bytes = 0;
}

static bool add_block(struct arena *a, size_t size)
{
	size_t cap = a->last ? a->last->cap * 2 : FIRST_BLOCK;
	struct arena_block *b;

	if (cap > MAX_BLOCK) {
		cap = MAX_BLOCK;
	}
	if (cap < size) {
		cap = size;
	}
	b = mem_calloc(1, sizeof(*b) + cap);
	if (!b) {
		return false;
	}
	b->cap = cap;
	b->before = a->last;
	a->last = b;
	return true;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t rounded;
	void *p;

	if (__builtin_add_overflow(size ? size : 1, 15, &rounded)) {
		return NULL;
	}
	rounded &= ~(size_t)15;
	if (rounded > a->max_bytes || a->used_bytes > a->max_bytes - rounded) {
		return NULL;
	}
	if ((!a->last || a->last->cap - a->last->used < rounded) && !add_block(a, rounded)) {
		return NULL;
	}
	p = a->last->bytes + a->last->used;
	a->last->used += rounded;
	a->used_bytes += rounded;
	return p;
}

void *arena_alloc_n(struct arena *a, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total)) {
		return NULL;
	}
	return arena_alloc(a, total);
}

char *arena_cstr(struct arena *a, struct str s)
{
	char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;

	if (p && s.n) {
		memcpy(p, s.p, s.n);
	}
	return p;
}

struct str arena_str(struct arena *a, struct str s)
{
	return (struct str){.p = arena_cstr(a, s), .n = s.n};
}

struct str arena_strf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	MUST(n >= 0);
	p = arena_alloc(a, (size_t)n + 1);
	if (!p) {
		return STR_NULL;
	}
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)n + 1, fmt, ap); /* measured above */
	va_end(ap);
	return (struct str){.p = p, .n = (size_t)n};
}
