/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/check.h - the type of an expression, for one kind of request.
 *
 * A policy is checked once for every combination of an action, a type of principal and a type of
 * resource that the schema knows (an environment). Booleans that are known to be true or false
 * decide what is looked at: what is never evaluated is never refused.
 *
 * Capabilities are what is known to hold where an expression stands: that an attribute or a tag is
 * there, since `has` or `hasTag` said so to the left of it.
 */
#pragma once

#include "base/vec.h"
#include "cedar/ast.h"
#include "cedar/nearest.h"
#include "cedar/schema.h"

/* A set of capabilities: one, or the union of two sets; NULL is empty. Never changed. */
struct cedar_caps {
	const struct cedar_expr *on; /* one: the record or entity; NULL: a union */
	struct str attr;	     /* one: the attribute, when tag is NULL */
	const struct cedar_expr *tag;
	const struct cedar_caps *left;
	const struct cedar_caps *right;
};

struct cedar_answer {
	bool is_ok;		       /* nothing was refused in it */
	const struct cedar_ty *type;   /* NULL: cannot be said */
	const struct cedar_caps *caps; /* what holds when it is true; empty when it is not ok */
};

/* Findings of one validation; see cedar.h. */
struct cedar_findings {
	struct arena *arena;
	VEC(struct cedar_finding) list;
	size_t from;			/* of the policy at hand */
	const struct cedar_uid *action; /* of the environment at hand; NULL = none */
	uint32_t policy;
	struct str source;
};

/* Adds one that is not there yet. RC_LIMIT beyond CEDAR_LIMIT_FINDINGS for a policy. */
enum rc cedar_find(struct cedar_findings *f, enum cedar_finding_class class, struct cedar_pos pos,
		   const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Types, actions and ids that a policy names, wherever: are they in the schema? */
enum rc cedar_validate_names(struct cedar_findings *f, const struct cedar_schema *schema,
			     const struct cedar_policy *policy);

/* An attribute that `has` asks for, over all environments that come there. */
struct cedar_asked {
	const struct str *name; /* in the policy: which `has` it is */
	struct cedar_pos pos;
	bool may_be_there;
	struct cedar_nearest near;
};
struct cedar_asking {
	VEC(struct cedar_asked) list;
};

struct cedar_checker {
	const struct cedar_schema *schema;
	struct cedar_findings *findings;
	struct arena *arena; /* emptied after each environment */
	struct cedar_tys tys;
	bool is_strict;
	/* The environment. */
	const struct cedar_action *action;
	const struct cedar_etype *principal;
	const struct cedar_etype *resource;
	/* For levels: the type of every expression looked at, by its address; NULL = not wanted. */
	struct map *types;
	struct cedar_asking *asking; /* NULL = not wanted */
};

/* RC_LIMIT: too many steps; RC_NOMEM: cedar_arena_rc() explains. Recursion is bounded by depth. */
enum rc cedar_check(struct cedar_checker *c, const struct cedar_caps *prior,
		    const struct cedar_expr *x, struct cedar_answer *ret);
/* The same where only types below want (or want2, unless NULL) will do. */
enum rc cedar_check_as(struct cedar_checker *c, const struct cedar_caps *prior,
		       const struct cedar_expr *x, const struct cedar_ty *want,
		       const struct cedar_ty *want2, struct cedar_answer *ret);

/* Between check_*.c. */
enum rc cedar_check_attr(struct cedar_checker *c, const struct cedar_caps *prior,
			 const struct cedar_expr *x, struct cedar_answer *ret);
enum rc cedar_check_has(struct cedar_checker *c, const struct cedar_caps *prior,
			const struct cedar_expr *x, struct cedar_answer *ret);
enum rc cedar_check_tag(struct cedar_checker *c, const struct cedar_caps *prior,
			const struct cedar_expr *x, struct cedar_answer *ret);
enum rc cedar_check_in(struct cedar_checker *c, const struct cedar_caps *prior,
		       const struct cedar_expr *x, const struct cedar_expr *left,
		       const struct cedar_expr *right, struct cedar_answer *ret);
enum rc cedar_check_is(struct cedar_checker *c, const struct cedar_caps *prior,
		       const struct cedar_expr *x, struct cedar_answer *ret);
enum rc cedar_check_equal(struct cedar_checker *c, const struct cedar_caps *prior,
			  const struct cedar_expr *x, struct cedar_answer *ret);
enum rc cedar_check_order(struct cedar_checker *c, const struct cedar_caps *prior,
			  const struct cedar_expr *x, struct cedar_answer *ret);
enum rc cedar_check_numbers(struct cedar_checker *c, const struct cedar_caps *prior,
			    const struct cedar_expr *x, struct cedar_answer *ret);
enum rc cedar_check_contains(struct cedar_checker *c, const struct cedar_caps *prior,
			     const struct cedar_expr *x, struct cedar_answer *ret);
enum rc cedar_check_set(struct cedar_checker *c, const struct cedar_caps *prior,
			const struct cedar_expr *x, struct cedar_answer *ret);
enum rc cedar_check_record(struct cedar_checker *c, const struct cedar_caps *prior,
			   const struct cedar_expr *x, struct cedar_answer *ret);
enum rc cedar_check_call(struct cedar_checker *c, const struct cedar_caps *prior,
			 const struct cedar_expr *x, struct cedar_answer *ret);

/* The operands of && so far, and the next: `ret` is both. */
enum rc cedar_check_and(struct cedar_checker *c, const struct cedar_caps *prior,
			const struct cedar_answer *left, const struct cedar_expr *right,
			struct cedar_answer *ret);
/* The answer for `left && right` from those of both; left is not known to be false. */
enum rc cedar_check_both(struct cedar_checker *c, const struct cedar_answer *left,
			 const struct cedar_answer *right, struct cedar_answer *ret);
/* The type in words, in the checker's arena. */
struct str cedar_check_show(struct cedar_checker *c, const struct cedar_ty *t);
/* After types were compared: were there steps and memory? */
enum rc cedar_check_means(const struct cedar_checker *c);
enum rc cedar_check_join(struct cedar_checker *c, const struct cedar_expr *x, const char *what,
			 const struct cedar_ty *a, const struct cedar_ty *b,
			 const struct cedar_ty **ret);

/* The entity that the expression names: a literal, or the environment's action; else NULL. */
const struct cedar_uid *cedar_check_uid(const struct cedar_checker *c, const struct cedar_expr *x);
/* Are two expressions the same, wherever they stand? Costs steps. */
bool cedar_expr_same(struct cedar_steps *steps, const struct cedar_expr *a,
		     const struct cedar_expr *b);

/* Sets of capabilities. NULL with c->tys.is_out set: no memory. */
const struct cedar_caps *cedar_caps_one(struct cedar_checker *c, const struct cedar_expr *on,
					struct str attr, const struct cedar_expr *tag);
const struct cedar_caps *cedar_caps_both(struct cedar_checker *c, const struct cedar_caps *a,
					 const struct cedar_caps *b);
const struct cedar_caps *cedar_caps_common(struct cedar_checker *c, const struct cedar_caps *a,
					   const struct cedar_caps *b);
bool cedar_caps_has(struct cedar_checker *c, const struct cedar_caps *caps,
		    const struct cedar_expr *on, struct str attr, const struct cedar_expr *tag);
