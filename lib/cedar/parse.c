/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/parse.c - annotations, effect, scope and conditions of policies.
 *
 * Trust:  the text is hostile, but known to be UTF-8 and of bounded length.
 * Holds:  (1) recursion is bounded by CEDAR_LIMIT_NESTING.
 *         (2) slots stand in a scope only, ?principal for the principal, ?resource for the
 * resource.
 */
#include "cedar/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cedar/text.h"
#include "cedar/uid.h"

enum { SHOWN_BYTES = 40, MESSAGE_BYTES = 256 };

struct cedar_parser cedar_parser_of(struct arena *arena, struct str source, struct str text,
				    struct cedar_error *error)
{
	struct cedar_parser p = {
	    .arena = arena,
	    .source = source,
	    .error = error,
	    .lexer = cedar_lexer_of(text),
	};

	cedar_parser_next(&p);
	return p;
}

void cedar_parser_fini(struct cedar_parser *p)
{
	vec_fini(&p->parts);
	vec_fini(&p->names);
}

void cedar_parser_next(struct cedar_parser *p)
{
	p->token = cedar_lexer_next(&p->lexer);
}

bool cedar_parser_take(struct cedar_parser *p, enum cedar_token_kind kind)
{
	if (p->token.kind != kind) {
		return false;
	}
	cedar_parser_next(p);
	return true;
}

/* ---- failing ---- */

static enum rc fail(struct cedar_parser *p, enum cedar_error_class class, struct cedar_pos pos,
		    const char *message)
{
	struct str copy = arena_str(p->arena, str_from(message));

	if (!copy.p) {
		return RC_NOMEM;
	}
	*p->error = (struct cedar_error){
	    .class = class,
	    .pos = pos,
	    .source = p->source,
	    .subject = copy,
	};
	return class == CEDAR_ERROR_LIMIT ? RC_LIMIT : RC_INPUT;
}

enum rc cedar_parser_refuse(struct cedar_parser *p, struct cedar_pos pos, const char *fmt, ...)
{
	char message[MESSAGE_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap); /* a cut message is still a message */
	va_end(ap);
	return fail(p, CEDAR_ERROR_PARSE, pos, message);
}

enum rc cedar_parser_limit(struct cedar_parser *p, const char *what)
{
	return fail(p, CEDAR_ERROR_LIMIT, p->token.pos, what);
}

enum rc cedar_parser_expected(struct cedar_parser *p, const char *what)
{
	struct str shown = str_slice(p->lexer.text, p->token.from, p->token.to);
	const char *more = "";

	if (p->token.kind == CEDAR_TOKEN_END) {
		return cedar_parser_refuse(p, p->token.pos, "expected %s, found the end", what);
	}
	if (p->token.kind == CEDAR_TOKEN_BAD && shown.p[0] == '"') {
		return cedar_parser_refuse(p, p->token.pos,
					   "expected %s, found a string that does not end", what);
	}
	if (shown.n > SHOWN_BYTES) {
		shown.n = SHOWN_BYTES;
		while (shown.n > 0 && ((unsigned char)shown.p[shown.n] & 0xc0) == 0x80) {
			shown.n--;
		}
		more = "...";
	}
	return cedar_parser_refuse(p, p->token.pos, "expected %s, found '" STR_FMT "%s'", what,
				   STR_ARG(shown), more);
}

enum rc cedar_parser_need(struct cedar_parser *p, enum cedar_token_kind kind, const char *what)
{
	if (!cedar_parser_take(p, kind)) {
		return cedar_parser_expected(p, what);
	}
	return RC_OK;
}

/* ---- names and strings ---- */

enum rc cedar_parse_string(struct cedar_parser *p, struct str *ret)
{
	const struct str *pieces;
	struct str bad;
	uint32_t n;
	enum rc rc;

	if (!cedar_parser_at(p, CEDAR_TOKEN_STRING)) {
		return cedar_parser_expected(p, "a string");
	}
	rc = cedar_unescape(p->arena, p->token.text, CEDAR_QUOTED_STRING, &pieces, &n, &bad);
	if (rc == RC_INPUT) {
		return cedar_parser_refuse(p, p->token.pos, "'" STR_FMT "' is not an escape",
					   STR_ARG(bad));
	}
	TRY(rc);
	*ret = pieces[0];
	cedar_parser_next(p);
	return RC_OK;
}

/* The identifiers of text, which may have blanks and comments between them, joined by "::". */
static enum rc join_path(struct cedar_parser *p, struct str text, struct str *ret)
{
	struct cedar_lexer l = cedar_lexer_of(text);
	struct cedar_token t;
	char *out;
	size_t n = 0;

	if (cedar_is_name(text)) {
		*ret = text;
		return RC_OK;
	}
	out = arena_alloc(p->arena, text.n);
	if (!out) {
		return RC_NOMEM;
	}
	for (t = cedar_lexer_next(&l); t.kind != CEDAR_TOKEN_END; t = cedar_lexer_next(&l)) {
		memcpy(out + n, t.text.p, t.text.n);
		n += t.text.n;
	}
	*ret = str_of(out, n);
	return RC_OK;
}

static enum rc check_ident(struct cedar_parser *p)
{
	if (!cedar_parser_at(p, CEDAR_TOKEN_IDENT)) {
		return cedar_parser_expected(p, "an identifier");
	}
	if (cedar_is_reserved(p->token.text)) {
		return cedar_parser_refuse(p, p->token.pos,
					   "'" STR_FMT "' is reserved and cannot be a name",
					   STR_ARG(p->token.text));
	}
	return RC_OK;
}

enum rc cedar_parse_path(struct cedar_parser *p, struct str *ret_name,
			 const struct cedar_uid **ret_uid)
{
	size_t from = p->token.from;
	size_t to = p->token.to;
	struct str id;

	*ret_uid = NULL;
	TRY(check_ident(p));
	cedar_parser_next(p);
	while (cedar_parser_take(p, CEDAR_TOKEN_PATH)) {
		if (cedar_parser_at(p, CEDAR_TOKEN_STRING)) {
			TRY(join_path(p, str_slice(p->lexer.text, from, to), ret_name));
			TRY(cedar_parse_string(p, &id));
			return cedar_uid_make(p->arena, *ret_name, id, ret_uid);
		}
		if (cedar_parser_at(p, CEDAR_TOKEN_LBRACE)) {
			return cedar_parser_refuse(
			    p, p->token.pos, "an entity is written Type::\"id\", not with braces");
		}
		TRY(check_ident(p));
		to = p->token.to;
		cedar_parser_next(p);
	}
	return join_path(p, str_slice(p->lexer.text, from, to), ret_name);
}

/* ---- annotations ---- */

static bool has_annotation(const struct cedar_annotation *list, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(list[i].name, name)) {
			return true;
		}
	}
	return false;
}

enum { ANNOTATIONS_MAX = 256 };

enum rc cedar_parse_annotations(struct cedar_parser *p, const struct cedar_annotation **ret,
				size_t *ret_n)
{
	struct cedar_annotation list[ANNOTATIONS_MAX];
	struct cedar_annotation *kept;
	size_t n = 0;

	while (cedar_parser_at(p, CEDAR_TOKEN_AT)) {
		struct cedar_annotation a = {.pos = p->token.pos, .value = STR("")};

		cedar_parser_next(p);
		/* Any identifier will do, reserved ones too. */
		a.name = p->token.text;
		TRY(cedar_parser_need(p, CEDAR_TOKEN_IDENT, "the name of an annotation"));
		if (cedar_parser_take(p, CEDAR_TOKEN_LPAREN)) {
			a.has_value = true;
			TRY(cedar_parse_string(p, &a.value));
			TRY(cedar_parser_need(p, CEDAR_TOKEN_RPAREN, "')'"));
		}
		if (has_annotation(list, n, a.name)) {
			return cedar_parser_refuse(
			    p, a.pos, "annotation @" STR_FMT " is there twice", STR_ARG(a.name));
		}
		if (n == ANNOTATIONS_MAX) {
			return cedar_parser_limit(p, "more than 256 annotations in one place");
		}
		list[n++] = a;
	}
	kept = arena_alloc_n(p->arena, n, sizeof(*kept));
	if (!kept) {
		return RC_NOMEM;
	}
	memcpy(kept, list, n * sizeof(*kept));
	*ret = kept;
	*ret_n = n;
	return RC_OK;
}

/* ---- scope ---- */

static const struct str variable_names[] = {
    [CEDAR_PRINCIPAL] = {"principal", 9},
    [CEDAR_ACTION] = {"action", 6},
    [CEDAR_RESOURCE] = {"resource", 8},
};

/* Is this the type of actions, in any namespace? */
static bool is_action_type(struct str type)
{
	return str_eq(type, STR("Action")) || str_has_suffix(type, STR("::Action"));
}

/* The single entity of a scope, perhaps in parentheses, or a slot. */
static enum rc parse_scope_uid(struct cedar_parser *p, enum cedar_variable variable,
			       bool may_be_slot, const struct cedar_uid **ret, bool *ret_slot)
{
	struct cedar_pos pos = p->token.pos;
	struct str type;
	unsigned open = 0;

	while (cedar_parser_take(p, CEDAR_TOKEN_LPAREN)) {
		open++;
	}
	*ret = NULL;
	*ret_slot = false;
	if (cedar_parser_at(p, CEDAR_TOKEN_SLOT)) {
		if (!may_be_slot || variable == CEDAR_ACTION ||
		    !str_eq(str_slice(p->token.text, 1, p->token.text.n),
			    variable_names[variable])) {
			return cedar_parser_refuse(p, pos, "slot " STR_FMT " cannot stand here",
						   STR_ARG(p->token.text));
		}
		*ret_slot = true;
		cedar_parser_next(p);
	} else {
		if (!cedar_parser_at(p, CEDAR_TOKEN_IDENT)) {
			return cedar_parser_expected(p, "an entity, as in Type::\"id\"");
		}
		TRY(cedar_parse_path(p, &type, ret));
		if (!*ret) {
			return cedar_parser_refuse(
			    p, pos, "'" STR_FMT "' is not an entity; expected " STR_FMT "::\"id\"",
			    STR_ARG(type), STR_ARG(type));
		}
		if (variable == CEDAR_ACTION && !is_action_type(type)) {
			return cedar_parser_refuse(
			    p, pos, "expected an entity of type Action, found one of '" STR_FMT "'",
			    STR_ARG(type));
		}
	}
	while (open > 0) {
		TRY(cedar_parser_need(p, CEDAR_TOKEN_RPAREN, "')'"));
		open--;
	}
	return RC_OK;
}

/* One uid or an open slot, as the scope keeps it. */
static enum rc parse_scope_one(struct cedar_parser *p, enum cedar_variable variable,
			       struct cedar_policy *policy)
{
	struct cedar_scope *scope = &policy->scope[variable];
	const struct cedar_uid **one = arena_alloc(p->arena, sizeof(*one));
	bool is_slot;

	if (!one) {
		return RC_NOMEM;
	}
	TRY(parse_scope_uid(p, variable, true, one, &is_slot));
	if (is_slot) {
		policy->slots |= 1u << variable;
	}
	scope->uids = one;
	scope->n_uids = 1;
	return RC_OK;
}

static enum rc parse_action_list(struct cedar_parser *p, struct cedar_scope *scope)
{
	size_t cap = 8;
	size_t n = 0;
	const struct cedar_uid **list = arena_alloc_n(p->arena, cap, sizeof(*list));

	TRY(cedar_parser_need(p, CEDAR_TOKEN_LBRACKET, "'['"));
	while (list && !cedar_parser_at(p, CEDAR_TOKEN_RBRACKET)) {
		bool is_slot;

		if (n == cap) {
			const struct cedar_uid **more =
			    arena_alloc_n(p->arena, cap * 2, sizeof(*list));

			if (!more) {
				return RC_NOMEM;
			}
			memcpy(more, list, n * sizeof(*list));
			list = more;
			cap *= 2;
		}
		TRY(parse_scope_uid(p, CEDAR_ACTION, false, &list[n], &is_slot));
		n++;
		if (!cedar_parser_take(p, CEDAR_TOKEN_COMMA)) {
			break;
		}
	}
	if (!list) {
		return RC_NOMEM;
	}
	TRY(cedar_parser_need(p, CEDAR_TOKEN_RBRACKET, "',' or ']'"));
	scope->op = CEDAR_SCOPE_IN_LIST;
	scope->uids = list;
	scope->n_uids = n;
	return RC_OK;
}

static enum rc parse_scope_is(struct cedar_parser *p, enum cedar_variable variable,
			      struct cedar_policy *policy)
{
	struct cedar_scope *scope = &policy->scope[variable];
	const struct cedar_uid *uid;
	struct cedar_pos pos;

	if (variable == CEDAR_ACTION) {
		return cedar_parser_refuse(p, p->token.pos,
					   "'is' cannot stand in the scope of action");
	}
	cedar_parser_next(p);
	pos = p->token.pos;
	TRY(cedar_parse_path(p, &scope->type, &uid));
	if (uid) {
		return cedar_parser_refuse(p, pos, "expected a type after 'is', found an entity");
	}
	scope->op = CEDAR_SCOPE_IS;
	if (cedar_parser_at_word(p, "in")) {
		cedar_parser_next(p);
		scope->op = CEDAR_SCOPE_IS_IN;
		return parse_scope_one(p, variable, policy);
	}
	return RC_OK;
}

static enum rc parse_scope(struct cedar_parser *p, enum cedar_variable variable,
			   struct cedar_policy *policy)
{
	struct cedar_scope *scope = &policy->scope[variable];
	struct str name = variable_names[variable];

	scope->pos = p->token.pos;
	if (!cedar_parser_at(p, CEDAR_TOKEN_IDENT) || !str_eq(p->token.text, name)) {
		return cedar_parser_expected(p, name.p);
	}
	cedar_parser_next(p);
	if (cedar_parser_at(p, CEDAR_TOKEN_COLON)) {
		return cedar_parser_refuse(p, p->token.pos,
					   "a type is asked for with 'is', not with ':'");
	}
	if (cedar_parser_at_word(p, "is")) {
		return parse_scope_is(p, variable, policy);
	}
	if (cedar_parser_take(p, CEDAR_TOKEN_EQ)) {
		scope->op = CEDAR_SCOPE_EQ;
		return parse_scope_one(p, variable, policy);
	}
	if (cedar_parser_at_word(p, "in")) {
		cedar_parser_next(p);
		scope->op = CEDAR_SCOPE_IN;
		if (variable == CEDAR_ACTION && cedar_parser_at(p, CEDAR_TOKEN_LBRACKET)) {
			return parse_action_list(p, scope);
		}
		return parse_scope_one(p, variable, policy);
	}
	if (cedar_parser_at(p, CEDAR_TOKEN_COMMA) || cedar_parser_at(p, CEDAR_TOKEN_RPAREN)) {
		return RC_OK;
	}
	return cedar_parser_expected(p, "'==', 'in', 'is', ',' or ')'");
}

/* ---- the rest ---- */

static enum rc parse_conditions(struct cedar_parser *p, struct cedar_policy *policy)
{
	size_t cap = 0;
	size_t n = 0;
	struct cedar_condition *list = NULL;

	while (cedar_parser_at(p, CEDAR_TOKEN_IDENT)) {
		struct cedar_condition c = {
		    .pos = p->token.pos,
		    .is_unless = cedar_parser_at_word(p, "unless"),
		};

		if (!c.is_unless && !cedar_parser_at_word(p, "when")) {
			break;
		}
		cedar_parser_next(p);
		TRY(cedar_parser_need(p, CEDAR_TOKEN_LBRACE, "'{'"));
		if (cedar_parser_at(p, CEDAR_TOKEN_RBRACE)) {
			return cedar_parser_refuse(p, p->token.pos, "a condition cannot be empty");
		}
		TRY(cedar_parse_expr(p, &c.body));
		TRY(cedar_parser_need(p, CEDAR_TOKEN_RBRACE, "an operator or '}'"));
		if (n == cap) {
			struct cedar_condition *more;

			cap = cap ? cap * 2 : 2;
			more = arena_alloc_n(p->arena, cap, sizeof(*more));
			if (!more) {
				return RC_NOMEM;
			}
			memcpy(more, list ? list : more, n * sizeof(*more));
			list = more;
		}
		list[n++] = c;
	}
	policy->conditions = list;
	policy->n_conditions = n;
	return RC_OK;
}

static enum rc parse_effect(struct cedar_parser *p, struct cedar_policy *policy)
{
	if (cedar_parser_at_word(p, "permit")) {
		policy->effect = CEDAR_PERMIT;
	} else if (cedar_parser_at_word(p, "forbid")) {
		policy->effect = CEDAR_FORBID;
	} else {
		return cedar_parser_expected(p, "'permit' or 'forbid'");
	}
	cedar_parser_next(p);
	return RC_OK;
}

enum rc cedar_parse_policy(struct cedar_parser *p, struct cedar_policy **ret)
{
	size_t from = p->token.from;
	struct cedar_policy *policy;

	if (cedar_parser_at(p, CEDAR_TOKEN_END)) {
		*ret = NULL;
		return RC_OK;
	}
	policy = arena_alloc(p->arena, sizeof(*policy));
	if (!policy) {
		return RC_NOMEM;
	}
	policy->source = p->source;
	policy->pos = p->token.pos;
	TRY(cedar_parse_annotations(p, &policy->annotations, &policy->n_annotations));
	TRY(parse_effect(p, policy));
	TRY(cedar_parser_need(p, CEDAR_TOKEN_LPAREN, "'('"));
	for (enum cedar_variable v = CEDAR_PRINCIPAL; v <= CEDAR_RESOURCE; v++) {
		TRY(parse_scope(p, v, policy));
		if (v != CEDAR_RESOURCE) {
			TRY(cedar_parser_need(p, CEDAR_TOKEN_COMMA, "','"));
		} else {
			(void)cedar_parser_take(p, CEDAR_TOKEN_COMMA); /* may trail */
		}
	}
	TRY(cedar_parser_need(p, CEDAR_TOKEN_RPAREN, "')'"));
	TRY(parse_conditions(p, policy));
	if (!cedar_parser_at(p, CEDAR_TOKEN_SEMICOLON)) {
		return cedar_parser_expected(p, "'when', 'unless' or ';'");
	}
	policy->text = str_slice(p->lexer.text, from, p->token.to);
	cedar_parser_next(p);
	*ret = policy;
	return RC_OK;
}
