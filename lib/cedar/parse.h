/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/parse.h - policy text to trees, by recursive descent.
 *
 *	struct cedar_parser p = cedar_parser_of(arena, source, text, error);
 *	do {
 *		TRY(cedar_parse_policy(&p, &policy));
 *	} while (policy);
 *
 * Trees live in arena and borrow from text and source. A failure is RC_INPUT, RC_LIMIT or
 * RC_NOMEM; for the first two *error says what and where.
 */
#pragma once

#include "base/vec.h"
#include "cedar/ast.h"
#include "cedar/lex.h"

struct cedar_parser {
	struct arena *arena;
	struct str source;
	struct cedar_error *error;
	struct cedar_lexer lexer;
	struct cedar_token token; /* the one at hand */
	unsigned nesting;
	/* Parts of the nodes that are being read; a node takes its own off the end. */
	VEC(const struct cedar_expr *) parts;
	VEC(struct str) names;
};

struct cedar_parser cedar_parser_of(struct arena *arena, struct str source, struct str text,
				    struct cedar_error *error);
void cedar_parser_fini(struct cedar_parser *p);
#define AUTO_CEDAR_PARSER CLEANUP(cedar_parser_fini) struct cedar_parser

/* The next policy, its id still empty; *ret == NULL at the end of the text. */
enum rc cedar_parse_policy(struct cedar_parser *p, struct cedar_policy **ret);
/* One expression, up to a token that cannot belong to it. */
enum rc cedar_parse_expr(struct cedar_parser *p, const struct cedar_expr **ret);

/* Between parse.c, parse_expr.c, parse_member.c and parse_node.c. */
void cedar_parser_next(struct cedar_parser *p);
static inline bool cedar_parser_at(const struct cedar_parser *p, enum cedar_token_kind kind)
{
	return p->token.kind == kind;
}
static inline bool cedar_parser_at_word(const struct cedar_parser *p, const char *word)
{
	return p->token.kind == CEDAR_TOKEN_IDENT && str_eq(p->token.text, str_from(word));
}
/* Takes the token when it is of this kind. */
bool cedar_parser_take(struct cedar_parser *p, enum cedar_token_kind kind);
/* Takes it, or fails with "expected <what>, found ...". */
enum rc cedar_parser_need(struct cedar_parser *p, enum cedar_token_kind kind, const char *what);
/* Fail at the token at hand, at a place, for a bound, for memory. */
enum rc cedar_parser_expected(struct cedar_parser *p, const char *what);
enum rc cedar_parser_refuse(struct cedar_parser *p, struct cedar_pos pos, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
enum rc cedar_parser_limit(struct cedar_parser *p, const char *what);

/* `A::B` or `A::B::"id"`, the identifier at hand being its first. *ret_uid is NULL for a plain
 * name; *ret_name is the name or the uid's type. */
enum rc cedar_parse_path(struct cedar_parser *p, struct str *ret_name,
			 const struct cedar_uid **ret_uid);
/* The string at hand, decoded. */
enum rc cedar_parse_string(struct cedar_parser *p, struct str *ret);
/* `@name("value")`, any number of them. */
enum rc cedar_parse_annotations(struct cedar_parser *p, const struct cedar_annotation **ret,
				size_t *ret_n);
/* An attribute's name: an identifier or, where allowed, a string. */
enum rc cedar_parse_attr(struct cedar_parser *p, bool may_be_string, struct str *ret);
enum rc cedar_parse_unary(struct cedar_parser *p, const struct cedar_expr **ret);

/* A node whose arguments and names are the parts and names pushed since the given marks. */
enum rc cedar_expr_new(struct cedar_parser *p, enum cedar_kind kind, struct cedar_pos pos,
		       size_t from_part, size_t from_name, struct cedar_expr **ret);
enum rc cedar_expr_push(struct cedar_parser *p, const struct cedar_expr *x);
/* kind with one or two arguments (b may be NULL) and perhaps a name. */
enum rc cedar_expr_op(struct cedar_parser *p, enum cedar_kind kind, struct cedar_pos pos,
		      const struct cedar_expr *a, const struct cedar_expr *b, struct str name,
		      const struct cedar_expr **ret);
enum rc cedar_expr_literal(struct cedar_parser *p, struct cedar_pos pos, struct cedar_value v,
			   const struct cedar_expr **ret);
/* Finds out what a set, record or call is worth when its arguments are known. */
enum rc cedar_expr_fold(struct cedar_parser *p, struct cedar_expr *x);
