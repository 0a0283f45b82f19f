/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/value.h - how values and uids look inside the library.
 *
 * A value is 16 bytes and is passed by value; what does not fit hangs from it in an arena and is
 * never changed after it was made. Invariants:
 *
 *   (1) the elements of a set are sorted by cedar_value_cmp() and all different;
 *   (2) the fields of a record are sorted by name and all different;
 *   (3) depth is 0 for what has no parts, else one more than the deepest part, and never above
 *       CEDAR_LIMIT_VALUE_DEPTH, so that recursion over a value is bounded.
 */
#pragma once

#include <string.h>

#include "cedar.h"

struct cedar_ip {
	uint8_t addr[16]; /* IPv4 in the first four */
	uint8_t prefix;
	bool is_v6;
};

struct cedar_value {
	uint8_t type; /* enum cedar_type */
	uint8_t depth;
	uint32_t n; /* bytes of a string, elements of a set, fields of a record */
	union {
		bool b;
		int64_t i; /* long, decimal, datetime, duration */
		const char *s;
		const struct cedar_uid *uid;
		const struct cedar_ip *ip;
		const struct cedar_value *items;
		const struct cedar_slot *fields;
	};
};

struct cedar_slot {
	struct str name;
	struct cedar_value value;
};

/* type.p, a NUL, id.p and a NUL lie in one piece, so that one hash covers both. */
struct cedar_uid {
	struct str type;
	struct str id;
	uint64_t hash; /* keyed, of this process */
};

/* What a computation may still cost; the callee takes from it and never goes on below zero. NULL =
 * bounded by the size of its input anyway. */
struct cedar_steps {
	int64_t left;
};

/* Takes n steps; false when they were not there. */
static inline bool cedar_step(struct cedar_steps *s, uint64_t n)
{
	if (!s) {
		return true;
	}
	if (n > (uint64_t)INT32_MAX || s->left < (int64_t)n) {
		s->left = -1;
		return false;
	}
	s->left -= (int64_t)n;
	return true;
}

/* Bytes that one step pays for. */
enum { CEDAR_STEP_BYTES = 64 };

static inline struct cedar_value cedar_make_bool(bool b)
{
	return (struct cedar_value){.type = CEDAR_BOOL, .b = b};
}

static inline struct cedar_value cedar_make_int(enum cedar_type type, int64_t i)
{
	return (struct cedar_value){.type = (uint8_t)type, .i = i};
}

static inline struct cedar_value cedar_make_uid(const struct cedar_uid *u)
{
	return (struct cedar_value){.type = CEDAR_ENTITY, .uid = u};
}

/* s is kept by pointer; it is shorter than 4 GiB. */
static inline struct cedar_value cedar_make_string(struct str s)
{
	return (struct cedar_value){.type = CEDAR_STRING, .n = (uint32_t)s.n, .s = s.p};
}

static inline struct str cedar_value_text(const struct cedar_value *v)
{
	return str_of(v->s, v->n);
}

/* memcmp(a, b, n) == 0, quicker for what names are. */
static inline bool cedar_same_bytes(const char *a, const char *b, size_t n)
{
	uint64_t x[2];
	uint64_t y[2];
	uint32_t v[2];
	uint32_t w[2];

	if (n > 16) {
		return memcmp(a, b, n) == 0;
	}
	if (n >= 8) {
		memcpy(&x[0], a, 8);
		memcpy(&y[0], b, 8);
		memcpy(&x[1], a + n - 8, 8);
		memcpy(&y[1], b + n - 8, 8);
		return x[0] == y[0] && x[1] == y[1];
	}
	if (n >= 4) {
		memcpy(&v[0], a, 4);
		memcpy(&w[0], b, 4);
		memcpy(&v[1], a + n - 4, 4);
		memcpy(&w[1], b + n - 4, 4);
		return v[0] == w[0] && v[1] == w[1];
	}
	for (size_t i = 0; i < n; i++) {
		if (a[i] != b[i]) {
			return false;
		}
	}
	return true;
}

/* What cedar_uid_equal() says: type and id lie in one piece. */
static inline bool cedar_same_uid(const struct cedar_uid *a, const struct cedar_uid *b)
{
	if (a == b) {
		return true;
	}
	return a->hash == b->hash && a->type.n == b->type.n && a->id.n == b->id.n &&
	       memcmp(a->type.p, b->type.p, a->type.n + 1 + a->id.n) == 0;
}

/* A total order over values, 0 exactly for equal ones. When steps run out the answer is any; the
 * caller looks at steps->left < 0. */
int cedar_value_cmp(const struct cedar_value *a, const struct cedar_value *b,
		    struct cedar_steps *steps);
/* Is needle among the elements of set? */
bool cedar_set_has(const struct cedar_value *set, const struct cedar_value *needle,
		   struct cedar_steps *steps);
/* The field's value, NULL when absent. */
const struct cedar_value *cedar_record_get(const struct cedar_value *record, struct str name);
/* Sorts items in place, drops duplicates and makes a set of them; items stay with the set. RC_LIMIT
 * when it would be too deep or steps ran out. */
enum rc cedar_make_set(struct cedar_value *items, size_t n, struct cedar_steps *steps,
		       struct cedar_value *ret);
/* The same for a record; RC_INPUT when a name occurs twice, *ret_twice is then the name. */
enum rc cedar_make_record(struct cedar_slot *fields, size_t n, struct cedar_value *ret,
			  struct str *ret_twice);

/* Why did arena_alloc(a, size) answer NULL? RC_LIMIT when its maximum would not allow it, else
 * RC_NOMEM. */
enum rc cedar_arena_rc(const struct arena *a, size_t size, struct err *e);
/* v as a value of its own in arena. */
enum rc cedar_value_box(struct arena *arena, struct cedar_value v, const struct cedar_value **ret,
			struct err *e);

/* Sorts n elements of size bytes, at most 32, in place and without memory. */
void cedar_sort(void *base, size_t n, size_t size,
		int (*cmp)(const void *a, const void *b, void *context), void *context);
