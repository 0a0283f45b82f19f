/* SPDX-License-Identifier: Apache-2.0 */
/* codec/json.h - strict JSON in, canonical JSON out.
 *
 * Parsing (RFC 8259) refuses what lets two readers see two documents: duplicate member names,
 * malformed UTF-8, lone surrogates, control characters, leading zeros, NaN, trailing bytes, a
 * byte-order mark; and bounds depth, size and number of values. Numbers keep their exact text.
 * The result is a tree of nodes in the caller's arena; raw bytes of every value stay reachable,
 * so that what is forwarded is what was read. lib/codec/yaml.h builds the same tree, so one reader
 * serves messages and configuration.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

enum json_type {
	JSON_NONE = 0, /* only the type of a missing value */
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json {
	enum json_type type;
	uint32_t count;	 /* members or elements */
	uint32_t line;	 /* 1-based; 0 when positions were not asked for */
	uint32_t column; /* 1-based, in bytes */
	struct str raw;	 /* exact bytes of the value in the input; empty for YAML collections */
	struct str key;	 /* decoded member name, when inside an object */
	struct str text; /* decoded string; for numbers the exact text */
	const struct json *child; /* first member or element */
	const struct json *next;  /* next sibling */
};

struct json_limits {
	size_t max_bytes;
	unsigned max_depth; /* counts as LIMIT_JSON_DEPTH when above it */
	unsigned max_nodes;
	bool want_positions; /* fill line and column */
	bool is_deep;	     /* max_depth counts up to LIMIT_JSON_DEEP: for policies only */
};

#define JSON_LIMITS_DEFAULT                                                                        \
	((struct json_limits){                                                                     \
	    .max_bytes = LIMIT_HTTP_BODY_BYTES,                                                    \
	    .max_depth = LIMIT_JSON_DEPTH,                                                         \
	    .max_nodes = LIMIT_JSON_NODES,                                                         \
	})

/* Parses one document. Nodes live in arena and point into text where nothing was escaped, so both
 * must outlive *ret. limits NULL means JSON_LIMITS_DEFAULT. Errors: RC_INPUT "line:column: ...",
 * RC_LIMIT, RC_NOMEM. */
enum rc json_parse(struct arena *arena, struct str text, const struct json_limits *limits,
		   const struct json **ret, struct err *e);

/* Looking around. All accept NULL and answer as for a missing value. */
enum json_type json_type(const struct json *j);
const struct json *json_get(const struct json *object, struct str name); /* NULL when absent */
const struct json *json_at(const struct json *array, size_t i);		 /* NULL when absent */
/* RFC 6901 pointer: "" is the whole, "/a/0/b~1c". NULL when absent or malformed. */
const struct json *json_pointer(const struct json *j, struct str pointer);
bool json_str(const struct json *j, struct str *ret) MUST_USE; /* strings only */
bool json_i64(const struct json *j, int64_t *ret) MUST_USE;    /* integers without '.', 'e' only */
bool json_u64(const struct json *j, uint64_t *ret) MUST_USE;
bool json_bool(const struct json *j, bool *ret) MUST_USE;
const char *json_type_name(enum json_type t); /* "object", "string", ... for messages */
/* Same structure and values: members in any order, numbers by exact text. False also when there is
 * no memory to compare large objects. */
bool json_equal(const struct json *a, const struct json *b);

/* RFC 8785 canonical form of j appended to b, which is unchanged on failure. Numbers are printed as
 * ECMAScript prints doubles. RC_INPUT for a number that has more than 17 significant digits or that
 * a double does not give back digit for digit (2^53+1, 1e400), since two readers could disagree
 * about it. */
enum rc json_canonical(struct buf *b, const struct json *j, struct err *e);

/* Writing. Commas and escapes are the writer's; the first failure sticks and is reported by
 * json_out_end(), so that building a message reads straight down. Depth is at most
 * LIMIT_JSON_DEPTH.
 *
 *	struct json_out w = json_out_to(&buf);
 *	json_out_object(&w);
 *	json_out_key(&w, STR("id"));
 *	json_out_str(&w, id);
 *	json_out_close(&w);
 *	TRY(json_out_end(&w, e));
 */
struct json_out {
	struct buf *b;
	enum rc rc;
	unsigned depth;
	uint64_t is_array;  /* bit per depth */
	uint64_t has_items; /* bit per depth */
	bool after_key;
	bool is_done; /* the outermost value was begun */
};

struct json_out json_out_to(struct buf *b);
void json_out_object(struct json_out *w);
void json_out_array(struct json_out *w);
void json_out_close(struct json_out *w); /* the innermost object or array */
void json_out_key(struct json_out *w, struct str name);
void json_out_str(struct json_out *w, struct str s);
/* A message for people, which may quote what a stranger sent: malformed UTF-8 becomes U+FFFD
 * instead of a failure. Not for values that a program compares. */
void json_out_text(struct json_out *w, struct str s);
void json_out_strf(struct json_out *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
void json_out_i64(struct json_out *w, int64_t v);
void json_out_u64(struct json_out *w, uint64_t v);
void json_out_bool(struct json_out *w, bool v);
void json_out_null(struct json_out *w);
void json_out_raw(struct json_out *w, struct str json); /* bytes that are one JSON value already */
/* Any node as it is (YAML nodes too). */
void json_out_node(struct json_out *w, const struct json *j);
/* Exactly one value, everything closed, nothing failed? RC_LIMIT or RC_NOMEM from the buffer,
 * RC_INPUT when a string was not UTF-8, RC_BROKEN when calls came out of order or an object or
 * array is still open. What was written before a failure stays in the buffer. */
enum rc json_out_end(struct json_out *w, struct err *e);
/* Shorthands for key and value. */
void json_out_key_str(struct json_out *w, const char *name, struct str s);
void json_out_key_u64(struct json_out *w, const char *name, uint64_t v);
void json_out_key_bool(struct json_out *w, const char *name, bool v);
