/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/parse_expr.c - expressions.
 *
 * One function per line of the grammar, lowest precedence first:
 *
 *	expr	 := or | if expr then expr else expr
 *	or	 := and { || and }
 *	and	 := relation { && relation }
 *	relation := sum [ relop sum | has path | like pattern | is type [ in sum ] ]
 *	sum	 := product { (+|-) product }
 *	product	 := unary { * unary }
 *	unary	 := [ !.. | -.. ] member	(at most four)
 *	member	 := primary { . name | . name ( args ) | [ string ] }
 *
 * Trust:  as parse.c.
 * Holds:  (1) a tree is no deeper than CEDAR_LIMIT_EXPR_DEPTH: new_node() sees to it.
 *         (2) constant is set only where evaluation would give just that.
 */
#include <string.h>

#include "base/num.h"
#include "cedar/parse.h"
#include "cedar/text.h"

static enum rc parse_or(struct cedar_parser *p, const struct cedar_expr **ret);
static enum rc parse_sum(struct cedar_parser *p, const struct cedar_expr **ret);

static bool at_word(const struct cedar_parser *p, const char *word)
{
	return cedar_parser_at(p, CEDAR_TOKEN_IDENT) && str_eq(p->token.text, str_from(word));
}

/* ---- building ---- */

/* What the node is worth when its arguments are known: sets, records and extension calls. A call
 * that would fail stays a call, and fails when evaluated. */
static enum rc fold(struct cedar_parser *p, struct cedar_expr *x)
{
	size_t n = x->n_args;
	struct cedar_value *args;
	struct cedar_value v = {0};
	struct cedar_error why = {0};
	struct str twice;
	enum rc rc = RC_INPUT;

	for (size_t i = 0; i < n; i++) {
		if (!x->args[i]->constant) {
			return RC_OK;
		}
	}
	if (x->kind == CEDAR_EXPR_RECORD) {
		struct cedar_slot *fields = arena_alloc_n(p->arena, n, sizeof(*fields));

		for (size_t i = 0; fields && i < n; i++) {
			fields[i].name = x->names[i];
			fields[i].value = *x->args[i]->constant;
		}
		rc = fields ? cedar_make_record(fields, n, &v, &twice) : RC_NOMEM;
	} else {
		args = arena_alloc_n(p->arena, n, sizeof(*args));
		for (size_t i = 0; args && i < n; i++) {
			args[i] = *x->args[i]->constant;
		}
		if (!args) {
			rc = RC_NOMEM;
		} else if (x->kind == CEDAR_EXPR_SET) {
			rc = cedar_make_set(args, n, NULL, &v);
		} else {
			rc = cedar_fn_call(p->arena, (enum cedar_fn)x->fn, args, n, &v, &why);
		}
	}
	if (rc == RC_OK) {
		return cedar_value_box(p->arena, v, &x->constant, NULL);
	}
	return rc == RC_NOMEM ? rc : RC_OK;
}

/* A node whose arguments and names are the parts and names pushed since the given marks. */
static enum rc new_node(struct cedar_parser *p, enum cedar_kind kind, struct cedar_pos pos,
			size_t from_part, size_t from_name, struct cedar_expr **ret)
{
	size_t n_args = p->parts.n - from_part;
	size_t n_names = p->names.n - from_name;
	struct cedar_expr *x = arena_alloc(p->arena, sizeof(*x));
	const struct cedar_expr **args = arena_alloc_n(p->arena, n_args, sizeof(*args));
	struct str *names = arena_alloc_n(p->arena, n_names, sizeof(*names));
	unsigned deepest = 0;

	if (!x || !args || !names) {
		return RC_NOMEM;
	}
	for (size_t i = 0; i < n_args; i++) {
		args[i] = p->parts.p[from_part + i];
		deepest = args[i]->depth > deepest ? args[i]->depth : deepest;
	}
	for (size_t i = 0; i < n_names; i++) {
		names[i] = p->names.p[from_name + i];
	}
	p->parts.n = from_part;
	p->names.n = from_name;
	if (deepest >= CEDAR_LIMIT_EXPR_DEPTH) {
		return cedar_parser_limit(p, "an expression is too deep");
	}
	*x = (struct cedar_expr){
	    .kind = (uint8_t)kind,
	    .depth = (uint16_t)(deepest + 1),
	    .n_args = (uint32_t)n_args,
	    .n_names = (uint32_t)n_names,
	    .pos = pos,
	    .args = args,
	    .names = names,
	};
	*ret = x;
	return RC_OK;
}

static enum rc push(struct cedar_parser *p, const struct cedar_expr *x)
{
	return vec_push(&p->parts, x);
}

/* kind with one or two arguments (b may be NULL) and perhaps a name. */
static enum rc new_op(struct cedar_parser *p, enum cedar_kind kind, struct cedar_pos pos,
		      const struct cedar_expr *a, const struct cedar_expr *b, struct str name,
		      const struct cedar_expr **ret)
{
	size_t from_part = p->parts.n;
	size_t from_name = p->names.n;
	struct cedar_expr *x;

	TRY(push(p, a));
	if (b) {
		TRY(push(p, b));
	}
	if (name.p) {
		TRY(vec_push(&p->names, name));
	}
	TRY(new_node(p, kind, pos, from_part, from_name, &x));
	*ret = x;
	return RC_OK;
}

static enum rc new_literal(struct cedar_parser *p, struct cedar_pos pos, struct cedar_value v,
			   const struct cedar_expr **ret)
{
	struct cedar_expr *x;

	TRY(new_node(p, CEDAR_EXPR_LITERAL, pos, p->parts.n, p->names.n, &x));
	TRY(cedar_value_box(p->arena, v, &x->constant, NULL));
	*ret = x;
	return RC_OK;
}

/* Expressions separated by commas, one may trail, pushed as parts, up to and with `end`. */
static enum rc parse_list(struct cedar_parser *p, enum cedar_token_kind end, const char *what)
{
	while (!cedar_parser_at(p, end)) {
		const struct cedar_expr *x;

		TRY(cedar_parse_expr(p, &x));
		TRY(push(p, x));
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
	return new_literal(p, t.pos, cedar_make_int(CEDAR_LONG, (int64_t)v), ret);
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
	TRY(new_node(p, CEDAR_EXPR_CALL, pos, from_part, p->names.n, &x));
	x->fn = (uint8_t)fn;
	TRY(fold(p, x));
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

	if (at_word(p, "true") || at_word(p, "false")) {
		cedar_parser_next(p);
		return new_literal(p, t.pos, cedar_make_bool(t.text.p[0] == 't'), ret);
	}
	if (cedar_is_reserved(t.text)) {
		return cedar_parser_expected(p, "an expression");
	}
	TRY(cedar_parse_path(p, &name, &uid));
	if (uid) {
		return new_literal(p, t.pos, cedar_make_uid(uid), ret);
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
	TRY(new_node(p, CEDAR_EXPR_VARIABLE, t.pos, p->parts.n, p->names.n, &x));
	x->variable = (uint8_t)variable;
	*ret = x;
	return RC_OK;
}

static int by_text(const void *a, const void *b, void *context)
{
	(void)context; /* none needed */
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Refuses a record literal with the same key twice. */
static enum rc check_keys(struct cedar_parser *p, const struct cedar_expr *x)
{
	struct str *sorted = arena_alloc_n(p->arena, x->n_names, sizeof(*sorted));

	if (!sorted) {
		return RC_NOMEM;
	}
	memcpy(sorted, x->names, x->n_names * sizeof(*sorted));
	cedar_sort(sorted, x->n_names, sizeof(*sorted), by_text, NULL);
	for (uint32_t i = 1; i < x->n_names; i++) {
		if (str_eq(sorted[i - 1], sorted[i])) {
			return cedar_parser_refuse(p, x->pos, "key '" STR_FMT "' is there twice",
						   STR_ARG(sorted[i]));
		}
	}
	return RC_OK;
}

/* An attribute's name: an identifier or, where allowed, a string. */
static enum rc parse_attr(struct cedar_parser *p, bool may_be_string, struct str *ret)
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

		TRY(parse_attr(p, true, &key));
		TRY(cedar_parser_need(p, CEDAR_TOKEN_COLON, "':'"));
		TRY(cedar_parse_expr(p, &value));
		TRY(push(p, value));
		TRY(vec_push(&p->names, key));
		if (!cedar_parser_take(p, CEDAR_TOKEN_COMMA)) {
			break;
		}
	}
	TRY(cedar_parser_need(p, CEDAR_TOKEN_RBRACE, "',' or '}'"));
	TRY(new_node(p, CEDAR_EXPR_RECORD, pos, from_part, from_name, &x));
	TRY(check_keys(p, x));
	TRY(fold(p, x));
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
	TRY(new_node(p, CEDAR_EXPR_SET, pos, from_part, p->names.n, &x));
	TRY(fold(p, x));
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
		return new_literal(p, t.pos, cedar_make_string(text), ret);
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
	TRY(push(p, receiver));
	cedar_parser_next(p); /* the parenthesis */
	TRY(parse_list(p, CEDAR_TOKEN_RPAREN, "',' or ')'"));
	if (kind != CEDAR_EXPR_CALL && p->parts.n - from_part != want + 1) {
		return cedar_parser_refuse(
		    p, pos, "method '" STR_FMT "' expected %u argument%s, found %zu", STR_ARG(name),
		    want, want == 1 ? "" : "s", p->parts.n - from_part - 1);
	}
	TRY(new_node(p, kind, pos, from_part, p->names.n, &x));
	if (kind == CEDAR_EXPR_CALL) {
		x->fn = (uint8_t)fn;
		TRY(fold(p, x));
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
			TRY(parse_attr(p, false, &name));
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
		TRY(new_op(p, CEDAR_EXPR_ATTR, pos, x, NULL, name, &x));
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
	return new_literal(p, sign, cedar_make_int(CEDAR_LONG, (int64_t)(-v)), ret);
}

enum { SIGNS_MAX = 4 };

static enum rc parse_unary(struct cedar_parser *p, const struct cedar_expr **ret)
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
		TRY(new_op(p, kind, at[n - 1], *ret, NULL, STR_NULL, ret));
	}
	return RC_OK;
}

/* ---- binary operators ---- */

static enum rc parse_product(struct cedar_parser *p, const struct cedar_expr **ret)
{
	TRY(parse_unary(p, ret));
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
		TRY(parse_unary(p, &right));
		TRY(new_op(p, CEDAR_EXPR_MUL, pos, *ret, right, STR_NULL, ret));
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
		TRY(new_op(p, kind, pos, *ret, right, STR_NULL, ret));
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

	TRY(push(p, left));
	TRY(parse_attr(p, true, &name));
	TRY(vec_push(&p->names, name));
	while (!is_string && cedar_parser_take(p, CEDAR_TOKEN_DOT)) {
		TRY(parse_attr(p, false, &name));
		TRY(vec_push(&p->names, name));
	}
	TRY(new_node(p, CEDAR_EXPR_HAS, pos, from_part, from_name, &x));
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
	TRY(push(p, left));
	TRY(new_node(p, CEDAR_EXPR_LIKE, pos, p->parts.n - 1, p->names.n, &x));
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
	if (at_word(p, "in")) {
		cedar_parser_next(p);
		TRY(parse_sum(p, &group));
	}
	return new_op(p, CEDAR_EXPR_IS, pos, left, group, type, ret);
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
	if (at_word(p, "in")) {
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
		TRY(new_op(p, kind, pos, *ret, right, STR_NULL, ret));
	} else if (at_word(p, "has")) {
		cedar_parser_next(p);
		TRY(parse_has(p, pos, *ret, ret));
	} else if (at_word(p, "like")) {
		cedar_parser_next(p);
		TRY(parse_like(p, pos, *ret, ret));
	} else if (at_word(p, "is")) {
		cedar_parser_next(p);
		TRY(parse_is(p, pos, *ret, ret));
	} else {
		return RC_OK;
	}
	if (find_relation(p, &kind) || at_word(p, "has") || at_word(p, "like") ||
	    at_word(p, "is")) {
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
	TRY(push(p, *ret));
	while (cedar_parser_take(p, token)) {
		TRY(operand(p, ret));
		TRY(push(p, *ret));
	}
	TRY(new_node(p, kind, pos, from_part, p->names.n, &x));
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
	if (!at_word(p, word)) {
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
	TRY(push(p, *ret));
	TRY(need_word(p, "then"));
	TRY(cedar_parse_expr(p, ret));
	TRY(push(p, *ret));
	TRY(need_word(p, "else"));
	TRY(cedar_parse_expr(p, ret));
	TRY(push(p, *ret));
	TRY(new_node(p, CEDAR_EXPR_IF, pos, from_part, p->names.n, &x));
	*ret = x;
	return RC_OK;
}

enum rc cedar_parse_expr(struct cedar_parser *p, const struct cedar_expr **ret)
{
	if (p->nesting >= CEDAR_LIMIT_NESTING) {
		return cedar_parser_limit(p, "an expression is nested too deeply");
	}
	p->nesting++;
	TRY(at_word(p, "if") ? parse_if(p, ret) : parse_or(p, ret));
	p->nesting--;
	return RC_OK;
}
