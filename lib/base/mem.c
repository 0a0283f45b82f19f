/* SPDX-License-Identifier: Apache-2.0 */
/* base/mem.c - counted, failing-on-purpose heap. */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static size_t blocks;	  /* on loan; atomic since the governor has a helper thread */
static size_t fail_after; /* 0 = never */

static bool should_fail(void)
{
	if (fail_after == 0) {
		return false;
	}
	if (fail_after == 1) {
		return true;
	}
	fail_after--;
	return false;
}

void *mem_calloc(size_t n, size_t size)
{
	void *p;

	if (should_fail()) {
		return NULL;
	}
	p = calloc(n ? n : 1, size ? size : 1);
	if (p) {
		__atomic_add_fetch(&blocks, 1, __ATOMIC_RELAXED);
	}
	return p;
}

void *mem_realloc(void *p, size_t n, size_t size)
{
	size_t total;
	void *q;

	if (__builtin_mul_overflow(n, size, &total) || should_fail()) {
		return NULL;
	}
	q = realloc(p, total ? total : 1);
	if (q && !p) {
		__atomic_add_fetch(&blocks, 1, __ATOMIC_RELAXED);
	}
	return q;
}

void mem_free(void *p)
{
	if (p) {
		__atomic_sub_fetch(&blocks, 1, __ATOMIC_RELAXED);
		free(p);
	}
}

void mem_free_secret(void *p, size_t n)
{
	if (p) {
		explicit_bzero(p, n);
		mem_free(p);
	}
}

size_t mem_blocks(void)
{
	return __atomic_load_n(&blocks, __ATOMIC_RELAXED);
}

void mem_fail_after(size_t nth)
{
	fail_after = nth;
}
