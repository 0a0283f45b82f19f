/* SPDX-License-Identifier: Apache-2.0 */
/* core/leaf.h - facts: the records of the log's tree, as structures and as canonical JSON.
 *
 * Decoding accepts exactly what encoding produces; every other byte sequence is RC_INPUT.
 * docs/formats/leaves.md is made from the same table.
 *
 * A kind and a version are one line of the table. A kind that changes gets a new line with the next
 * version under its name, and the old line stays as <NAME>_<version>: leaves of it are decoded as
 * what they were, and the compiler asks for the code that applies them. Only the newest is written.
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

/* The table; a test has one of its own. */
#ifndef LEAF_TABLE
#define LEAF_TABLE "core/leaf.def"
#endif

enum leaf_kind {
	LEAF_NONE = 0,
#define LEAF(NAME, name, wire, version, fields) LEAF_##NAME,
#include LEAF_TABLE
#undef LEAF
	LEAF_KINDS
};

/* struct leaf_<name>, one per kind; strings are borrowed (from the caller when encoding, from the
 * arena when decoding). */
#pragma push_macro("STR")
#undef STR
#define U64(name)	uint64_t name;
#define IX(name, ...)	uint64_t name; /* the kinds are for leaf.c */
#define BOOL(name)	bool name;
#define STR(name, max)	struct str name;
#define STRS(name, max) struct str_list name;
#define COMMIT(name)	struct digest name;
#define DIGEST(name)	struct digest name;
#define LEAF(NAME, name_, wire, version, fields)                                                   \
	struct leaf_##name_ {                                                                      \
		fields                                                                             \
	};
#include LEAF_TABLE
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
#include LEAF_TABLE
#undef LEAF
	};
};

struct str leaf_kind_name(enum leaf_kind k); /* "call.decided" */
unsigned leaf_kind_version(enum leaf_kind k);

/* A field as data, for readers that do not know the kinds: projections and the documentation. */
enum leaf_type {
	LEAF_TYPE_U64 = 0,
	LEAF_TYPE_BOOL,
	LEAF_TYPE_STR,
	LEAF_TYPE_STRS,
	LEAF_TYPE_IX,
	LEAF_TYPE_COMMIT,
	LEAF_TYPE_DIGEST,
};
enum { LEAF_CAUSE_KINDS = 6 };
struct leaf_field {
	enum leaf_type type;
	struct str name;
	/* IX: which enum leaf_kind the leaf that it cites may be; LEAF_NONE ends, LEAF_KINDS = any.
	 */
	uint8_t causes[LEAF_CAUSE_KINDS];
	size_t offset; /* from the start of struct leaf_<name>, which is where leaf_body() points */
	size_t max;    /* STR: bytes, STRS: elements; else 0 */
};
/* The fields of a kind in the order of the table. */
const struct leaf_field *leaf_fields(enum leaf_kind k, size_t *ret_n);
const void *leaf_body(const struct leaf *l);

/* Appends the canonical bytes, or nothing. RC_LIMIT past LIMIT_LEAF_BYTES, a field's bound or a
 * number past 2^53 - 1; RC_INPUT for text that is not UTF-8. What is zero, false or empty is left
 * out: absence means exactly that, and it is never written. */
enum rc leaf_encode(struct buf *b, const struct leaf *l, struct err *e);
enum rc leaf_decode(struct arena *arena, struct str bytes, struct leaf *ret, struct err *e);
/* The indexes this leaf cites, for the check that every cause is earlier. At most max; returns how
 * many there are. */
size_t leaf_causes(const struct leaf *l, uint64_t *ret, size_t max);
/* Text of an id: "c123". id must be 24 bytes. letter 'c', 't', ... */
struct str id_text(char letter, uint64_t index, char id[24]);
bool id_parse(struct str text, char letter, uint64_t *ret_index) MUST_USE;
