/* SPDX-License-Identifier: Apache-2.0 */
/* base/mem.h - the only door to the heap.
 *
 * Counted, overflow-checked, and able to fail on purpose so that tests can run every
 * out-of-memory path. Memory is zeroed: zero is the safe value.
 */
#pragma once

#include "base/base.h"

/* n * size zero bytes, or NULL. Free with mem_free. */
void *mem_calloc(size_t n, size_t size) MUST_USE;
/* Grows or shrinks a block from mem_calloc; new bytes are not zeroed. NULL leaves p valid. */
void *mem_realloc(void *p, size_t n, size_t size) MUST_USE;
void mem_free(void *p);
/* Wipes a block before freeing it; n is its size. */
void mem_free_secret(void *p, size_t n);
/* Blocks now on loan. A test that ends above where it began has a leak. */
size_t mem_blocks(void);
/* Test only: the nth allocation from now (1 = next) and all later ones fail; 0 switches off. */
void mem_fail_after(size_t nth);

#define AUTO_MEM CLEANUP(mem_cleanup)
static inline void mem_cleanup(void *pp)
{
	mem_free(*(void **)pp);
}
