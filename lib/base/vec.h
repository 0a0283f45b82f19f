/* SPDX-License-Identifier: Apache-2.0 */
/* base/vec.h - a typed growable array.
 *
 *	VEC(struct thing) things = {0};
 *	TRY(vec_push(&things, thing));
 *	for (size_t i = 0; i < things.n; i++) use(things.p[i]);
 *	vec_fini(&things);
 */
#pragma once

#include "base/err.h"
#include "base/mem.h"

#define VEC(type)                                                                                  \
	struct {                                                                                   \
		type *p;                                                                           \
		size_t n;                                                                          \
		size_t cap;                                                                        \
	}

/* Room for `more` further elements; after it, that many vec_push cannot fail. */
#define vec_reserve(v, more) vec_grow((void **)&(v)->p, (v)->n, &(v)->cap, (more), sizeof(*(v)->p))
#define vec_push(v, item)                                                                          \
	({                                                                                         \
		enum rc vec_rc_ = vec_reserve((v), 1);                                             \
		if (vec_rc_ == RC_OK) {                                                            \
			(v)->p[(v)->n++] = (item);                                                 \
		}                                                                                  \
		vec_rc_;                                                                           \
	})
/* Removes element i, keeping the order of the rest. */
#define vec_remove(v, i)                                                                           \
	do {                                                                                       \
		size_t vec_i_ = (i);                                                               \
		MUST(vec_i_ < (v)->n);                                                             \
		__builtin_memmove((v)->p + vec_i_, (v)->p + vec_i_ + 1,                            \
				  ((v)->n - vec_i_ - 1) * sizeof(*(v)->p));                        \
		(v)->n--;                                                                          \
	} while (0)
#define vec_fini(v)                                                                                \
	do {                                                                                       \
		mem_free((v)->p);                                                                  \
		(v)->p = NULL;                                                                     \
		(v)->n = (v)->cap = 0;                                                             \
	} while (0)

static inline enum rc vec_grow(void **pp, size_t n, size_t *cap, size_t more, size_t size)
{
	size_t need;
	size_t want = *cap ? *cap : 8;
	void *p;

	if (__builtin_add_overflow(n, more, &need)) {
		return RC_NOMEM;
	}
	if (need <= *cap) {
		return RC_OK;
	}
	while (want < need) {
		if (__builtin_mul_overflow(want, (size_t)2, &want)) {
			return RC_NOMEM;
		}
	}
	p = mem_realloc(*pp, want, size);
	if (!p) {
		return RC_NOMEM;
	}
	*pp = p;
	*cap = want;
	return RC_OK;
}
