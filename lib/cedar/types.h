/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/types.h - the types of the validator.
 *
 * Immutable, in an arena, shared freely: a type is a graph without cycles. weight is the number of
 * nodes that a walk meets when it takes what is shared for several; it is bounded, so that walks
 * are. Booleans that are known have types of their own, which is how the checker knows what is
 * never evaluated.
 *
 *	never <: true, false <: Bool	never <: everything
 *	strict mode: types must be equal where one is to stand for both, save for booleans
 *	permissive mode: entities join to unions, records to what they have in common
 */
#pragma once

#include "cedar/value.h"

enum cedar_ty_kind {
	CEDAR_TY_NEVER = 0,
	CEDAR_TY_TRUE,
	CEDAR_TY_FALSE,
	CEDAR_TY_BOOL,
	CEDAR_TY_LONG,
	CEDAR_TY_STRING,
	CEDAR_TY_SET,
	CEDAR_TY_RECORD,
	CEDAR_TY_ENTITY,     /* one of some types */
	CEDAR_TY_ANY_ENTITY, /* of any; only to compare with */
	CEDAR_TY_EXT,
};

struct cedar_ty {
	uint8_t kind; /* enum cedar_ty_kind */
	uint8_t ext;  /* EXT: enum cedar_type */
	bool is_open; /* RECORD: may have more than attrs */
	uint8_t depth;
	uint32_t n; /* attributes or entity types */
	uint32_t weight;
	union {
		const struct cedar_ty *elem;		   /* SET; NULL = of anything */
		const struct cedar_ty_attr *attrs;	   /* RECORD; sorted by name */
		const struct cedar_etype *const *entities; /* ENTITY; sorted by index */
	};
};

struct cedar_ty_attr {
	struct str name;
	const struct cedar_ty *type;
	bool is_required;
};

/* An entity type of a schema. */
struct cedar_etype {
	struct str name; /* with namespace */
	uint32_t index;
	bool is_action;
	bool is_enum;
	struct str *ids; /* of an enumerated type */
	size_t n_ids;
	const struct cedar_ty *attrs;	    /* a closed record */
	const struct cedar_ty *tags;	    /* NULL = none */
	const struct cedar_ty *self;	    /* the type of its entities */
	uint64_t *ancestors;		    /* bit per index, without itself unless it is its own */
	const struct cedar_sentity *source; /* while resolving */
	const struct cedar_snamespace *space;
};

enum {
	CEDAR_TY_WEIGHT_MAX = 1 << 20, /* of a declared type */
	CEDAR_TY_DEPTH_MAX = CEDAR_LIMIT_VALUE_DEPTH,
};

extern const struct cedar_ty cedar_ty_never;
extern const struct cedar_ty cedar_ty_true;
extern const struct cedar_ty cedar_ty_false;
extern const struct cedar_ty cedar_ty_bool;
extern const struct cedar_ty cedar_ty_long;
extern const struct cedar_ty cedar_ty_string;
extern const struct cedar_ty cedar_ty_any_set;
extern const struct cedar_ty cedar_ty_any_record;
extern const struct cedar_ty cedar_ty_any_entity;
extern const struct cedar_ty cedar_ty_entity_set; /* of any entities */
extern const struct cedar_ty cedar_ty_empty_record;
const struct cedar_ty *cedar_ty_ext(enum cedar_type t); /* IPADDR .. DURATION */

/* A set, or a closed record whose attributes are sorted here and kept. NULL: no memory, or too deep
 * or too heavy (*ret_limit). */
const struct cedar_ty *cedar_ty_set(struct arena *arena, const struct cedar_ty *elem,
				    bool *ret_limit);
const struct cedar_ty *cedar_ty_record(struct arena *arena, struct cedar_ty_attr *attrs, size_t n,
				       bool *ret_limit);
const struct cedar_ty_attr *cedar_ty_find(const struct cedar_ty *record, struct str name);

/* What comparing types needs. When steps run out or memory does, answers are any; the caller looks
 * at steps.left < 0 and is_out. */
struct cedar_tys {
	struct arena *arena;
	struct cedar_steps steps;
	bool is_strict;
	bool is_out; /* of memory, or a joined type is too heavy */
};

bool cedar_ty_equal(struct cedar_tys *t, const struct cedar_ty *a, const struct cedar_ty *b);
bool cedar_ty_is_sub(struct cedar_tys *t, const struct cedar_ty *a, const struct cedar_ty *b);
/* The least type above both; NULL when there is none. */
const struct cedar_ty *cedar_ty_join(struct cedar_tys *t, const struct cedar_ty *a,
				     const struct cedar_ty *b);
/* Entity types without one in common: no value is of both. */
bool cedar_ty_is_disjoint(const struct cedar_ty *a, const struct cedar_ty *b);
static inline bool cedar_ty_is_bool(const struct cedar_ty *t)
{
	return t->kind == CEDAR_TY_TRUE || t->kind == CEDAR_TY_FALSE || t->kind == CEDAR_TY_BOOL;
}
/* Appends the type in the syntax of schemas, in short when it is long. */
enum rc cedar_ty_print(struct buf *b, const struct cedar_ty *t);
