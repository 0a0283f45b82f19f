/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/parse_expr.c - expressions: conditionals and binary operators.
 *
 * One function per line of the grammar, lowest precedence first; unary is in parse_member.c:
 *
 *	expr	 := or | if expr then expr else expr
 *	or	 := and { || and }
 *	and	 := relation { && relation }
 *	relation := sum [ relop sum | has path | like pattern | is type [ in sum ] ]
 *	sum	 := product { (+|-) product }
 *	product	 := unary { * unary }
 *
 * Trust:  as parse.c.
 */
#include "cedar/parse.h"
#include "cedar/text.h"

/* ---- binary operators ---- */

static enum rc parse_product(struct cedar_parser *p, const struct cedar_expr **ret)
{
	TRY(cedar_parse_unary(p, ret));
	for (;;) {
		struct cedar_pos pos = p->token.pos;
		const struct cedar_expr *right;

		if (cedar_parser_at(p, CEDAR_TOKEN_SLASH)) {
			return cedar_parser_refuse(p, pos, "there is no division");
		}
		if (cedar_parser_at(p, CEDAR_TOKEN_PERCENT)) {
			return cedar_parser_refuse(p, pos, "there is no remainder");
		}
		if (!cedar_parser_take(p, CEDAR_TOKEN_STAR)) {
			return RC_OK;
		}
		TRY(cedar_parse_unary(p, &right));
		TRY(cedar_expr_op(p, CEDAR_EXPR_MUL, pos, *ret, right, STR_NULL, ret));
	}
}

static enum rc parse_sum(struct cedar_parser *p, const struct cedar_expr **ret)
{
	TRY(parse_product(p, ret));
	for (;;) {
		struct cedar_pos pos = p->token.pos;
		const struct cedar_expr *right;
		enum cedar_kind kind =
		    cedar_parser_at(p, CEDAR_TOKEN_PLUS) ? CEDAR_EXPR_ADD : CEDAR_EXPR_SUB;

		if (!cedar_parser_take(p, CEDAR_TOKEN_PLUS) &&
		    !cedar_parser_take(p, CEDAR_TOKEN_MINUS)) {
			return RC_OK;
		}
		TRY(parse_product(p, &right));
		TRY(cedar_expr_op(p, kind, pos, *ret, right, STR_NULL, ret));
	}
}

static enum rc parse_has(struct cedar_parser *p, struct cedar_pos pos,
			 const struct cedar_expr *left, const struct cedar_expr **ret)
{
	bool is_string = cedar_parser_at(p, CEDAR_TOKEN_STRING);
	size_t from_part = p->parts.n;
	size_t from_name = p->names.n;
	struct cedar_expr *x;
	struct str name;

	TRY(cedar_expr_push(p, left));
	TRY(cedar_parse_attr(p, true, &name));
	TRY(vec_push(&p->names, name));
	while (!is_string && cedar_parser_take(p, CEDAR_TOKEN_DOT)) {
		TRY(cedar_parse_attr(p, false, &name));
		TRY(vec_push(&p->names, name));
	}
	TRY(cedar_expr_new(p, CEDAR_EXPR_HAS, pos, from_part, from_name, &x));
	*ret = x;
	return RC_OK;
}

static enum rc parse_like(struct cedar_parser *p, struct cedar_pos pos,
			  const struct cedar_expr *left, const struct cedar_expr **ret)
{
	struct cedar_token t = p->token;
	const struct str *pieces;
	struct cedar_expr *x;
	struct str bad;
	uint32_t n;
	enum rc rc;

	if (t.kind != CEDAR_TOKEN_STRING) {
		return cedar_parser_expected(p, "a pattern in quotes");
	}
	rc = cedar_unescape(p->arena, t.text, CEDAR_QUOTED_PATTERN, &pieces, &n, &bad);
	if (rc == RC_INPUT) {
		return cedar_parser_refuse(p, t.pos, "'" STR_FMT "' is not an escape",
					   STR_ARG(bad));
	}
	TRY(rc);
	cedar_parser_next(p);
	TRY(cedar_expr_push(p, left));
	TRY(cedar_expr_new(p, CEDAR_EXPR_LIKE, pos, p->parts.n - 1, p->names.n, &x));
	x->names = pieces;
	x->n_names = n;
	*ret = x;
	return RC_OK;
}

static enum rc parse_is(struct cedar_parser *p, struct cedar_pos pos, const struct cedar_expr *left,
			const struct cedar_expr **ret)
{
	const struct cedar_expr *group = NULL;
	const struct cedar_uid *uid;
	struct cedar_pos at = p->token.pos;
	struct str type;

	TRY(cedar_parse_path(p, &type, &uid));
	if (uid) {
		return cedar_parser_refuse(p, at, "expected a type after 'is', found an entity");
	}
	if (cedar_parser_at_word(p, "in")) {
		cedar_parser_next(p);
		TRY(parse_sum(p, &group));
	}
	return cedar_expr_op(p, CEDAR_EXPR_IS, pos, left, group, type, ret);
}

static bool find_relation(const struct cedar_parser *p, enum cedar_kind *ret)
{
	static const struct {
		enum cedar_token_kind token;
		enum cedar_kind kind;
	} table[] = {
	    {CEDAR_TOKEN_EQ, CEDAR_EXPR_EQ}, {CEDAR_TOKEN_NE, CEDAR_EXPR_NE},
	    {CEDAR_TOKEN_LT, CEDAR_EXPR_LT}, {CEDAR_TOKEN_LE, CEDAR_EXPR_LE},
	    {CEDAR_TOKEN_GT, CEDAR_EXPR_GT}, {CEDAR_TOKEN_GE, CEDAR_EXPR_GE},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (cedar_parser_at(p, table[i].token)) {
			*ret = table[i].kind;
			return true;
		}
	}
	if (cedar_parser_at_word(p, "in")) {
		*ret = CEDAR_EXPR_IN;
		return true;
	}
	return false;
}

static enum rc parse_relation(struct cedar_parser *p, const struct cedar_expr **ret)
{
	struct cedar_pos pos;
	const struct cedar_expr *right;
	enum cedar_kind kind = CEDAR_EXPR_EQ;

	TRY(parse_sum(p, ret));
	pos = p->token.pos;
	if (cedar_parser_at(p, CEDAR_TOKEN_ASSIGN)) {
		return cedar_parser_refuse(p, pos, "expected '==', found '='");
	}
	if (find_relation(p, &kind)) {
		cedar_parser_next(p);
		TRY(parse_sum(p, &right));
		TRY(cedar_expr_op(p, kind, pos, *ret, right, STR_NULL, ret));
	} else if (cedar_parser_at_word(p, "has")) {
		cedar_parser_next(p);
		TRY(parse_has(p, pos, *ret, ret));
	} else if (cedar_parser_at_word(p, "like")) {
		cedar_parser_next(p);
		TRY(parse_like(p, pos, *ret, ret));
	} else if (cedar_parser_at_word(p, "is")) {
		cedar_parser_next(p);
		TRY(parse_is(p, pos, *ret, ret));
	} else {
		return RC_OK;
	}
	if (find_relation(p, &kind) || cedar_parser_at_word(p, "has") ||
	    cedar_parser_at_word(p, "like") || cedar_parser_at_word(p, "is")) {
		return cedar_parser_refuse(p, p->token.pos,
					   "several relations in a row need parentheses");
	}
	return RC_OK;
}

/* Operands of && or ||, any number of them in one node: long chains are common and must not be
 * deep. */
static enum rc
parse_chain(struct cedar_parser *p, enum cedar_token_kind token, enum cedar_kind kind,
	    enum rc (*operand)(struct cedar_parser *p, const struct cedar_expr **ret),
	    const struct cedar_expr **ret)
{
	size_t from_part = p->parts.n;
	struct cedar_pos pos;
	struct cedar_expr *x;

	TRY(operand(p, ret));
	pos = p->token.pos;
	if (!cedar_parser_at(p, token)) {
		return RC_OK;
	}
	TRY(cedar_expr_push(p, *ret));
	while (cedar_parser_take(p, token)) {
		TRY(operand(p, ret));
		TRY(cedar_expr_push(p, *ret));
	}
	TRY(cedar_expr_new(p, kind, pos, from_part, p->names.n, &x));
	*ret = x;
	return RC_OK;
}

static enum rc parse_and(struct cedar_parser *p, const struct cedar_expr **ret)
{
	return parse_chain(p, CEDAR_TOKEN_AND, CEDAR_EXPR_AND, parse_relation, ret);
}

static enum rc parse_or(struct cedar_parser *p, const struct cedar_expr **ret)
{
	return parse_chain(p, CEDAR_TOKEN_OR, CEDAR_EXPR_OR, parse_and, ret);
}

static enum rc need_word(struct cedar_parser *p, const char *word)
{
	if (!cedar_parser_at_word(p, word)) {
		return cedar_parser_expected(p, word);
	}
	cedar_parser_next(p);
	return RC_OK;
}

static enum rc parse_if(struct cedar_parser *p, const struct cedar_expr **ret)
{
	struct cedar_pos pos = p->token.pos;
	size_t from_part = p->parts.n;
	struct cedar_expr *x;

	cedar_parser_next(p);
	TRY(cedar_parse_expr(p, ret));
	TRY(cedar_expr_push(p, *ret));
	TRY(need_word(p, "then"));
	TRY(cedar_parse_expr(p, ret));
	TRY(cedar_expr_push(p, *ret));
	TRY(need_word(p, "else"));
	TRY(cedar_parse_expr(p, ret));
	TRY(cedar_expr_push(p, *ret));
	TRY(cedar_expr_new(p, CEDAR_EXPR_IF, pos, from_part, p->names.n, &x));
	*ret = x;
	return RC_OK;
}

enum rc cedar_parse_expr(struct cedar_parser *p, const struct cedar_expr **ret)
{
	if (p->nesting >= CEDAR_LIMIT_NESTING) {
		return cedar_parser_limit(p, "an expression is nested too deeply");
	}
	p->nesting++;
	TRY(cedar_parser_at_word(p, "if") ? parse_if(p, ret) : parse_or(p, ret));
	p->nesting--;
	return RC_OK;
}
