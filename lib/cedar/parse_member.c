/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/parse_member.c - what binds tightest: literals, variables, calls, attributes, signs.
 *
 *	unary	:= [ !.. | -.. ] member	(at most four signs)
 *	member	:= primary { . name | . name ( args ) | [ string ] }
 *	primary	:= literal | entity | variable | function ( args ) | ( expr ) | [ .. ] | { .. }
 *
 * Trust:  as parse.c.
 */
#include "base/num.h"
#include "cedar/parse.h"
#include "cedar/text.h"

/* Expressions separated by commas, one may trail, pushed as parts, up to and with `end`. */
static enum rc parse_list(struct cedar_parser *p, enum cedar_token_kind end, const char *what)
{
	while (!cedar_parser_at(p, end)) {
		const struct cedar_expr *x;

		TRY(cedar_parse_expr(p, &x));
		TRY(cedar_expr_push(p, x));
		if (!cedar_parser_take(p, CEDAR_TOKEN_COMMA)) {
			break;
		}
	}
	return cedar_parser_need(p, end, what);
}

/* ---- primary ---- */

static const char integer_range[] = "integer literal '" STR_FMT "' is above 9223372036854775807";

/* Digits with leading zeros, at most 2^63. */
static bool read_digits(struct str s, uint64_t *ret)
{
	while (s.n > 1 && s.p[0] == '0') {
		s = str_slice(s, 1, s.n);
	}
	return num_u64(s, (uint64_t)1 << 63, ret);
}

static enum rc parse_integer(struct cedar_parser *p, const struct cedar_expr **ret)
{
	struct cedar_token t = p->token;
	uint64_t v;

	if (!read_digits(t.text, &v) || v > INT64_MAX) {
		return cedar_parser_refuse(p, t.pos, integer_range, STR_ARG(t.text));
	}
	cedar_parser_next(p);
	return cedar_expr_literal(p, t.pos, cedar_make_int(CEDAR_LONG, (int64_t)v), ret);
}

static enum rc parse_call(struct cedar_parser *p, struct str name, struct cedar_pos pos,
			  const struct cedar_expr **ret)
{
	enum cedar_fn fn = cedar_fn_find(name);
	size_t from_part = p->parts.n;
	struct cedar_expr *x;

	if (fn == CEDAR_FN_NONE) {
		return cedar_parser_refuse(p, pos, "'" STR_FMT "' is not a function",
					   STR_ARG(name));
	}
	if (cedar_fn_is_method(fn)) {
		return cedar_parser_refuse(
		    p, pos, "'" STR_FMT "' is a method; expected it as in x." STR_FMT "(...)",
		    STR_ARG(name), STR_ARG(name));
	}
	cedar_parser_next(p); /* the parenthesis */
	TRY(parse_list(p, CEDAR_TOKEN_RPAREN, "',' or ')'"));
	TRY(cedar_expr_new(p, CEDAR_EXPR_CALL, pos, from_part, p->names.n, &x));
	x->fn = (uint8_t)fn;
	TRY(cedar_expr_fold(p, x));
	*ret = x;
	return RC_OK;
}

static bool find_variable(struct str name, enum cedar_variable *ret)
{
	static const struct str names[] = {
	    [CEDAR_PRINCIPAL] = {"principal", 9},
	    [CEDAR_ACTION] = {"action", 6},
	    [CEDAR_RESOURCE] = {"resource", 8},
	    [CEDAR_CONTEXT] = {"context", 7},
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq(names[i], name)) {
			*ret = (enum cedar_variable)i;
			return true;
		}
	}
	return false;
}

/* What begins with an identifier: literal, variable, function, entity. */
static enum rc parse_word(struct cedar_parser *p, const struct cedar_expr **ret)
{
	struct cedar_token t = p->token;
	const struct cedar_uid *uid;
	enum cedar_variable variable;
	struct cedar_expr *x;
	struct str name;

	if (cedar_parser_at_word(p, "true") || cedar_parser_at_word(p, "false")) {
		cedar_parser_next(p);
		return cedar_expr_literal(p, t.pos, cedar_make_bool(t.text.p[0] == 't'), ret);
	}
	if (cedar_is_reserved(t.text)) {
		return cedar_parser_expected(p, "an expression");
	}
	TRY(cedar_parse_path(p, &name, &uid));
	if (uid) {
		return cedar_expr_literal(p, t.pos, cedar_make_uid(uid), ret);
	}
	if (cedar_parser_at(p, CEDAR_TOKEN_LPAREN)) {
		return parse_call(p, name, t.pos, ret);
	}
	if (!find_variable(name, &variable)) {
		return cedar_parser_refuse(
		    p, t.pos,
		    "expected principal, action, resource or context, found '" STR_FMT
		    "'; a string needs quotes",
		    STR_ARG(name));
	}
	TRY(cedar_expr_new(p, CEDAR_EXPR_VARIABLE, t.pos, p->parts.n, p->names.n, &x));
	x->variable = (uint8_t)variable;
	*ret = x;
	return RC_OK;
}

struct entry {
	struct str key;
	const struct cedar_expr *value;
};

static int by_key(const void *a, const void *b, void *context)
{
	(void)context; /* none needed */
	return str_cmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

/* Puts the entries pushed since the marks in the order of their keys, in which the reference
 * evaluates them whatever the text says: it decides which of two errors is reported. A key that is
 * there twice is refused. */
static enum rc sort_entries(struct cedar_parser *p, struct cedar_pos pos, size_t from_part,
			    size_t from_name)
{
	size_t n = p->parts.n - from_part;
	struct entry *entries = arena_alloc_n(p->arena, n, sizeof(*entries));

	if (!entries) {
		return RC_NOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		entries[i].key = p->names.p[from_name + i];
		entries[i].value = p->parts.p[from_part + i];
	}
	cedar_sort(entries, n, sizeof(*entries), by_key, NULL);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && str_eq(entries[i - 1].key, entries[i].key)) {
			return cedar_parser_refuse(p, pos, "key '" STR_FMT "' is there twice",
						   STR_ARG(entries[i].key));
		}
		p->names.p[from_name + i] = entries[i].key;
		p->parts.p[from_part + i] = entries[i].value;
	}
	return RC_OK;
}

/* An attribute's name: an identifier or, where allowed, a string. */
enum rc cedar_parse_attr(struct cedar_parser *p, bool may_be_string, struct str *ret)
{
	if (may_be_string && cedar_parser_at(p, CEDAR_TOKEN_STRING)) {
		return cedar_parse_string(p, ret);
	}
	if (!cedar_parser_at(p, CEDAR_TOKEN_IDENT)) {
		return cedar_parser_expected(p, "the name of an attribute");
	}
	if (cedar_is_reserved(p->token.text)) {
		return cedar_parser_refuse(p, p->token.pos,
					   "'" STR_FMT "' is reserved and cannot be a name",
					   STR_ARG(p->token.text));
	}
	*ret = p->token.text;
	cedar_parser_next(p);
	return RC_OK;
}

static enum rc parse_record(struct cedar_parser *p, const struct cedar_expr **ret)
{
	struct cedar_pos pos = p->token.pos;
	size_t from_part = p->parts.n;
	size_t from_name = p->names.n;
	struct cedar_expr *x;

	cedar_parser_next(p);
	while (!cedar_parser_at(p, CEDAR_TOKEN_RBRACE)) {
		const struct cedar_expr *value;
		struct str key;

		TRY(cedar_parse_attr(p, true, &key));
		TRY(cedar_parser_need(p, CEDAR_TOKEN_COLON, "':'"));
		TRY(cedar_parse_expr(p, &value));
		TRY(cedar_expr_push(p, value));
		TRY(vec_push(&p->names, key));
		if (!cedar_parser_take(p, CEDAR_TOKEN_COMMA)) {
			break;
		}
	}
	TRY(cedar_parser_need(p, CEDAR_TOKEN_RBRACE, "',' or '}'"));
	TRY(sort_entries(p, pos, from_part, from_name));
	TRY(cedar_expr_new(p, CEDAR_EXPR_RECORD, pos, from_part, from_name, &x));
	TRY(cedar_expr_fold(p, x));
	*ret = x;
	return RC_OK;
}

static enum rc parse_set(struct cedar_parser *p, const struct cedar_expr **ret)
{
	struct cedar_pos pos = p->token.pos;
	size_t from_part = p->parts.n;
	struct cedar_expr *x;

	cedar_parser_next(p);
	TRY(parse_list(p, CEDAR_TOKEN_RBRACKET, "',' or ']'"));
	TRY(cedar_expr_new(p, CEDAR_EXPR_SET, pos, from_part, p->names.n, &x));
	TRY(cedar_expr_fold(p, x));
	*ret = x;
	return RC_OK;
}

static enum rc parse_primary(struct cedar_parser *p, const struct cedar_expr **ret)
{
	struct cedar_token t = p->token;
	struct str text;

	if (t.kind == CEDAR_TOKEN_IDENT) {
		return parse_word(p, ret);
	}
	if (t.kind == CEDAR_TOKEN_INT) {
		return parse_integer(p, ret);
	}
	if (t.kind == CEDAR_TOKEN_STRING) {
		TRY(cedar_parse_string(p, &text));
		return cedar_expr_literal(p, t.pos, cedar_make_string(text), ret);
	}
	if (t.kind == CEDAR_TOKEN_LBRACKET) {
		return parse_set(p, ret);
	}
	if (t.kind == CEDAR_TOKEN_LBRACE) {
		return parse_record(p, ret);
	}
	if (t.kind == CEDAR_TOKEN_SLOT) {
		return cedar_parser_refuse(p, t.pos, "slot " STR_FMT " cannot stand in a condition",
					   STR_ARG(t.text));
	}
	if (t.kind != CEDAR_TOKEN_LPAREN) {
		return cedar_parser_expected(p, "an expression");
	}
	cedar_parser_next(p);
	TRY(cedar_parse_expr(p, ret));
	return cedar_parser_need(p, CEDAR_TOKEN_RPAREN, "an operator or ')'");
}

/* ---- member, unary ---- */

/* Methods of the language itself; those of extensions are in the table of functions. */
static const struct {
	struct str name;
	enum cedar_kind kind;
	uint8_t args;
} methods[] = {
    {{"contains", 8}, CEDAR_EXPR_CONTAINS, 1},
    {{"containsAll", 11}, CEDAR_EXPR_CONTAINS_ALL, 1},
    {{"containsAny", 11}, CEDAR_EXPR_CONTAINS_ANY, 1},
    {{"isEmpty", 7}, CEDAR_EXPR_IS_EMPTY, 0},
    {{"getTag", 6}, CEDAR_EXPR_GET_TAG, 1},
    {{"hasTag", 6}, CEDAR_EXPR_HAS_TAG, 1},
};

static enum rc parse_method(struct cedar_parser *p, const struct cedar_expr *receiver,
			    struct str name, struct cedar_pos pos, const struct cedar_expr **ret)
{
	enum cedar_fn fn = cedar_fn_find(name);
	enum cedar_kind kind = CEDAR_EXPR_CALL;
	size_t from_part = p->parts.n;
	unsigned want = 0;
	struct cedar_expr *x;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (str_eq(methods[i].name, name)) {
			kind = methods[i].kind;
			want = methods[i].args;
		}
	}
	if (kind == CEDAR_EXPR_CALL && (fn == CEDAR_FN_NONE || !cedar_fn_is_method(fn))) {
		return cedar_parser_refuse(p, pos, "'" STR_FMT "' is not a method", STR_ARG(name));
	}
	TRY(cedar_expr_push(p, receiver));
	cedar_parser_next(p); /* the parenthesis */
	TRY(parse_list(p, CEDAR_TOKEN_RPAREN, "',' or ')'"));
	if (kind != CEDAR_EXPR_CALL && p->parts.n - from_part != want + 1) {
		return cedar_parser_refuse(
		    p, pos, "method '" STR_FMT "' expected %u argument%s, found %zu", STR_ARG(name),
		    want, want == 1 ? "" : "s", p->parts.n - from_part - 1);
	}
	TRY(cedar_expr_new(p, kind, pos, from_part, p->names.n, &x));
	if (kind == CEDAR_EXPR_CALL) {
		x->fn = (uint8_t)fn;
		TRY(cedar_expr_fold(p, x));
	}
	*ret = x;
	return RC_OK;
}

/* What may follow a primary. */
static enum rc parse_accesses(struct cedar_parser *p, const struct cedar_expr *x,
			      const struct cedar_expr **ret)
{
	for (;;) {
		struct cedar_pos pos = p->token.pos;
		struct str name;

		if (cedar_parser_take(p, CEDAR_TOKEN_DOT)) {
			pos = p->token.pos;
			TRY(cedar_parse_attr(p, false, &name));
			if (cedar_parser_at(p, CEDAR_TOKEN_LPAREN)) {
				TRY(parse_method(p, x, name, pos, &x));
				continue;
			}
		} else if (cedar_parser_take(p, CEDAR_TOKEN_LBRACKET)) {
			TRY(cedar_parse_string(p, &name));
			TRY(cedar_parser_need(p, CEDAR_TOKEN_RBRACKET, "']'"));
		} else {
			*ret = x;
			return RC_OK;
		}
		TRY(cedar_expr_op(p, CEDAR_EXPR_ATTR, pos, x, NULL, name, &x));
	}
}

static enum rc parse_member(struct cedar_parser *p, const struct cedar_expr **ret)
{
	const struct cedar_expr *x;

	TRY(parse_primary(p, &x));
	return parse_accesses(p, x, ret);
}

/* The number behind a minus sign. The least integer has no positive twin, so the sign that stands
 * before bare digits is part of the literal: *is_taken. */
static enum rc parse_negative(struct cedar_parser *p, struct cedar_pos sign, bool *is_taken,
			      const struct cedar_expr **ret)
{
	struct cedar_token t = p->token;
	struct cedar_lexer ahead = p->lexer;
	enum cedar_token_kind next = cedar_lexer_next(&ahead).kind;
	uint64_t v;

	*is_taken = t.kind == CEDAR_TOKEN_INT && next != CEDAR_TOKEN_DOT &&
		    next != CEDAR_TOKEN_LBRACKET && next != CEDAR_TOKEN_LPAREN;
	if (!*is_taken) {
		return parse_member(p, ret);
	}
	if (!read_digits(t.text, &v)) {
		return cedar_parser_refuse(p, t.pos, integer_range, STR_ARG(t.text));
	}
	cedar_parser_next(p);
	return cedar_expr_literal(p, sign, cedar_make_int(CEDAR_LONG, (int64_t)(-v)), ret);
}

enum { SIGNS_MAX = 4 };

enum rc cedar_parse_unary(struct cedar_parser *p, const struct cedar_expr **ret)
{
	struct cedar_pos at[SIGNS_MAX];
	enum cedar_token_kind sign = p->token.kind;
	enum cedar_kind kind = sign == CEDAR_TOKEN_BANG ? CEDAR_EXPR_NOT : CEDAR_EXPR_NEGATE;
	bool is_taken = false;
	size_t n = 0;

	if (sign != CEDAR_TOKEN_BANG && sign != CEDAR_TOKEN_MINUS) {
		return parse_member(p, ret);
	}
	while (cedar_parser_at(p, sign)) {
		if (n == SIGNS_MAX) {
			return cedar_parser_refuse(p, p->token.pos,
						   "more than four '" STR_FMT "' in a row",
						   STR_ARG(p->token.text));
		}
		at[n++] = p->token.pos;
		cedar_parser_next(p);
	}
	if (kind == CEDAR_EXPR_NEGATE) {
		TRY(parse_negative(p, at[n - 1], &is_taken, ret));
	} else {
		TRY(parse_member(p, ret));
	}
	for (n -= is_taken ? 1 : 0; n > 0; n--) {
		TRY(cedar_expr_op(p, kind, at[n - 1], *ret, NULL, STR_NULL, ret));
	}
	return RC_OK;
}
