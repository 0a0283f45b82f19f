/* SPDX-License-Identifier: Apache-2.0 */
/* base/arena.h - many small pieces, freed at once.
 *
 * One arena per request, per compile, per loop tick. Pointers into an arena never outlive it; a
 * field that holds one says so. Pieces are zeroed and aligned to 16 bytes.
 */
#pragma once

#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *last;
	size_t used_bytes; /* handed out, all blocks */
	size_t max_bytes;
};

#define ARENA_INIT(max)                                                                            \
	{                                                                                          \
		.last = NULL, .used_bytes = 0, .max_bytes = (max)                                  \
	}
#define AUTO_ARENA CLEANUP(arena_fini) struct arena

void arena_fini(struct arena *a);
/* As arena_fini, overwriting what was handed out: for pieces that hold a secret. */
void arena_fini_secret(struct arena *a);
#define AUTO_ARENA_SECRET CLEANUP(arena_fini_secret) struct arena
/* Empties the arena but keeps one block, the largest of at most 64 KiB if there is one: an arena
 * that is reset after each request soon needs no more memory from the heap. */
void arena_reset(struct arena *a);
/* size zero bytes, or NULL when memory or the arena's maximum is exhausted. */
void *arena_alloc(struct arena *a, size_t size) MUST_USE;
void *arena_alloc_n(struct arena *a, size_t n, size_t size) MUST_USE;
/* A copy of s, with a NUL behind it that is not counted. p == NULL on failure. */
struct str arena_str(struct arena *a, struct str s) MUST_USE;
char *arena_cstr(struct arena *a, struct str s) MUST_USE;
/* Formatted text; p == NULL on failure. */
struct str arena_strf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_USE;
