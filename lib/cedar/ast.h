/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/ast.h - policies and expressions as the parser leaves them.
 *
 * Trees live in the arena of their policy set and are never changed afterwards. Every node has the
 * same shape, so that a walk need not know all kinds:
 *
 *   kind	 args			    names			   other
 *   LITERAL	 -			    -				   constant
 *   VARIABLE	 -			    -				   variable
 *   AND, OR	 two or more, left to right -				   -
 *   NOT, NEGATE one			    -				   -
 *   IF		 condition, then, else	    -				   -
 *   EQ .. MUL, IN, CONTAINS .. HAS_TAG	 two (IS_EMPTY one), the receiver first
 *   ATTR	 receiver		    the attribute		   -
 *   HAS	 receiver		    the path, one or more	   -
 *   LIKE	 receiver		    pieces between the wildcards   -
 *   IS		 receiver [, group]	    the type			   -
 *   SET	 elements		    -				   -
 *   RECORD	 values			    their keys, parallel, sorted   -
 *   CALL	 arguments		    -				   fn
 *
 * constant is what the node always evaluates to, when that is known and not an error; the node
 * keeps its parts for those who want the text's own form.
 */
#pragma once

#include "cedar/ext.h"
#include "cedar/value.h"

enum cedar_kind {
	CEDAR_EXPR_LITERAL = 0,
	CEDAR_EXPR_VARIABLE,
	CEDAR_EXPR_AND,
	CEDAR_EXPR_OR,
	CEDAR_EXPR_NOT,
	CEDAR_EXPR_NEGATE,
	CEDAR_EXPR_IF,
	CEDAR_EXPR_EQ,
	CEDAR_EXPR_NE,
	CEDAR_EXPR_LT,
	CEDAR_EXPR_LE,
	CEDAR_EXPR_GT,
	CEDAR_EXPR_GE,
	CEDAR_EXPR_ADD,
	CEDAR_EXPR_SUB,
	CEDAR_EXPR_MUL,
	CEDAR_EXPR_IN,
	CEDAR_EXPR_CONTAINS,
	CEDAR_EXPR_CONTAINS_ALL,
	CEDAR_EXPR_CONTAINS_ANY,
	CEDAR_EXPR_IS_EMPTY,
	CEDAR_EXPR_GET_TAG,
	CEDAR_EXPR_HAS_TAG,
	CEDAR_EXPR_ATTR,
	CEDAR_EXPR_HAS,
	CEDAR_EXPR_LIKE,
	CEDAR_EXPR_IS,
	CEDAR_EXPR_SET,
	CEDAR_EXPR_RECORD,
	CEDAR_EXPR_CALL,
};

struct cedar_expr {
	uint8_t kind;	  /* enum cedar_kind */
	uint8_t variable; /* enum cedar_variable */
	uint8_t fn;	  /* enum cedar_fn */
	uint16_t depth; /* 1 for a leaf; at most CEDAR_LIMIT_EXPR_DEPTH, so recursion is bounded */
	uint32_t n_args;
	uint32_t n_names;
	struct cedar_pos pos;
	const struct cedar_value *constant;
	const struct cedar_expr *const *args;
	const struct str *names;
};

struct cedar_condition {
	const struct cedar_expr *body;
	bool is_unless;
	struct cedar_pos pos;
};

/* Slots that a scope leaves open: bit 1u << variable. */
struct cedar_policy {
	struct str id;
	struct str source;
	struct str text;
	struct cedar_pos pos;
	enum cedar_effect effect;
	unsigned slots;			     /* 0 = a static or linked policy */
	const struct cedar_policy *template; /* what it was linked from, or NULL */
	struct cedar_scope scope[3];	     /* by enum cedar_variable */
	const struct cedar_condition *conditions;
	size_t n_conditions;
	const struct cedar_annotation *annotations;
	size_t n_annotations;
};
