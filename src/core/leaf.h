/* SPDX-License-Identifier: Apache-2.0 */
/* core/leaf.h - facts: the records of the log's tree, as structures and as canonical JSON.
 *
 * Decoding accepts exactly what encoding produces (and older versions once there are any); every
 * other byte sequence is RC_INPUT.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "core/list.h"

struct digest {
	uint8_t bytes[32];
};
bool digest_is_zero(const struct digest *d);
bool digest_eq(const struct digest *a, const struct digest *b);

enum leaf_kind {
	LEAF_NONE = 0,
#define LEAF(NAME, name, wire, version, fields) LEAF_##NAME,
#include "core/leaf.def"
#undef LEAF
	LEAF_KINDS
};

/* struct leaf_<name>, one per kind; strings are borrowed (from the caller when encoding, from the
 * arena when decoding). */
#pragma push_macro("STR")
#undef STR
#define U64(name)	uint64_t name;
#define IX(name)	uint64_t name;
#define BOOL(name)	bool name;
#define STR(name, max)	struct str name;
#define STRS(name, max) struct str_list name;
#define COMMIT(name)	struct digest name;
#define DIGEST(name)	struct digest name;
#define LEAF(NAME, name_, wire, version, fields)                                                   \
	struct leaf_##name_ {                                                                      \
		fields                                                                             \
	};
#include "core/leaf.def"
#undef LEAF
#undef U64
#undef IX
#undef BOOL
#undef STR
#undef STRS
#undef COMMIT
#undef DIGEST
#pragma pop_macro("STR")

struct leaf {
	enum leaf_kind kind;
	uint64_t t; /* Unix milliseconds */
	union {
#define LEAF(NAME, name, wire, version, fields) struct leaf_##name name;
#include "core/leaf.def"
#undef LEAF
	};
};

struct str leaf_kind_name(enum leaf_kind k); /* "call.decided" */
/* Appends the canonical bytes. RC_LIMIT past LIMIT_LEAF_BYTES or a field's bound. */
enum rc leaf_encode(struct buf *b, const struct leaf *l, struct err *e);
enum rc leaf_decode(struct arena *arena, struct str bytes, struct leaf *ret, struct err *e);
/* The indexes this leaf cites, for the check that every cause is earlier. At most max; returns how
 * many there are. */
size_t leaf_causes(const struct leaf *l, uint64_t *ret, size_t max);
/* Text of an id: "c123". id must be 24 bytes. letter 'c', 't', ... */
struct str id_text(char letter, uint64_t index, char id[24]);
bool id_parse(struct str text, char letter, uint64_t *ret_index) MUST_USE;
