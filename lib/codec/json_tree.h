/* SPDX-License-Identifier: Apache-2.0 */
/* codec/json_tree.h - what the files of the JSON module and yaml.c share; not for other rooms.
 *
 * A builder hands out nodes in slabs, since one arena call per value is a third of the time of a
 * small document, and counts them against the caller's limit.
 */
#pragma once

#include <endian.h>
#include <string.h>

#include "codec/json.h"

struct json_builder {
	struct arena *arena;
	struct json *slab;
	unsigned slab_left;
	unsigned slab_next; /* size of the slab after this one */
	unsigned nodes_left;
	unsigned max_depth;
	bool want_positions;
};

/* Where the next member or element goes. Zero it, then set parent. */
struct json_tail {
	struct json *parent;
	struct json *last;
};

/* limits NULL means JSON_LIMITS_DEFAULT. Depth is never above LIMIT_JSON_DEPTH, since whoever walks
 * a tree recurses. */
struct json_builder json_builder_of(struct arena *arena, const struct json_limits *limits);
/* A zeroed node; RC_LIMIT beyond the number of nodes, RC_NOMEM. Sets no struct err: the caller
 * knows the position. */
enum rc json_builder_node(struct json_builder *b, struct json **ret);
void json_tail_add(struct json_tail *t, struct json *node);

/* The member whose name an earlier member has already, or NULL in *ret. O(members); RC_NOMEM. */
enum rc json_find_duplicate(const struct json *object, const struct json **ret);

/* Bytes of s between quotes, escaped as RFC 8785 section 3.2.2.2 does. RC_INPUT when s is not
 * UTF-8, RC_LIMIT, RC_NOMEM. */
enum rc json_quote(struct buf *b, struct str s);

/* v as ECMAScript prints it; RC_INPUT for NaN and the infinities. */
enum rc json_canonical_double(struct buf *b, double v);

/* Is s one number of RFC 8259 section 6, from its first to its last byte? */
bool json_is_number(struct str s);

/* The members of an object in RFC 8785 order, into out[object->count]. */
void json_sort_members(const struct json *object, const struct json **out);

/* Objects up to this size are handled without the heap and without hashing. */
enum { JSON_SMALL_OBJECT = 16 };

/* The high bit of the lowest byte that is a quote, a backslash, a control character or not ASCII;
 * higher bytes may be marked wrongly, since borrows run upward. */
static inline uint64_t json_special_bytes(uint64_t x)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	const uint64_t high = UINT64_C(0x8080808080808080);
	uint64_t quote = x ^ (ones * '"');
	uint64_t backslash = x ^ (ones * '\\');

	return (((x - ones * 0x20) & ~x) | ((quote - ones) & ~quote) |
		((backslash - ones) & ~backslash) | x) &
	       high;
}

/* The first byte at or after p that is special as above, or end. */
static inline const char *json_skip_plain(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t word;
		uint64_t mask;

		memcpy(&word, p, sizeof(word));
		mask = json_special_bytes(le64toh(word));
		if (mask) {
			return p + (__builtin_ctzll(mask) >> 3);
		}
		p += 8;
	}
	while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20 &&
	       (unsigned char)*p < 0x80) {
		p++;
	}
	return p;
}
