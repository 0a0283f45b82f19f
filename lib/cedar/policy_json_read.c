/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/policy_json_read.c - the JSON form of policies, as Cedar text.
 *
 * The text is what the builder reads then, so both forms have one parser of names, one of literals
 * and one of extension functions behind them. Parentheses stand where the tree needs them.
 *
 * Trust:  the JSON is hostile; the parser has bounded its size, depth and number of values.
 * Holds:  (1) recursion is bounded by the depth of the JSON.
 *         (2) every member is known: what is not read is refused, at its line and column.
 */
#include <inttypes.h>

#include "base/limits.h"
#include "base/num.h"
#include "cedar/parse.h"
#include "cedar/policy_json.h"
#include "cedar/text.h"
#include "cedar/uid.h"
#include "codec/json.h"

/* How tightly an expression holds together, loosest first: the lines of the grammar. */
enum level {
	LEVEL_IF = 0,
	LEVEL_OR,
	LEVEL_AND,
	LEVEL_RELATION,
	LEVEL_SUM,
	LEVEL_PRODUCT,
	LEVEL_UNARY,
	LEVEL_MEMBER
};

struct in {
	struct buf *b;
	struct str source; /* for messages */
	struct arena *arena;
	struct err *e;
};

static enum rc refuse(struct in *in, const struct json *at, const char *expected)
{
	struct str found = str_slice(at->raw, 0, 40);

	FAIL(in->e, RC_INPUT, STR_FMT "%s%u:%u: expected %s, found " STR_FMT "%s",
	     STR_ARG(in->source), in->source.n ? ":" : "", at->line, at->column, expected,
	     STR_ARG(found), found.n < at->raw.n ? "..." : "");
}

static enum rc put(struct in *in, const char *text)
{
	enum rc rc = buf_add(in->b, str_from(text));

	return rc == RC_OK ? RC_OK : err_set(in->e, rc, __func__, "no room for policies as text");
}

static enum rc put_str(struct in *in, struct str text)
{
	enum rc rc = buf_add(in->b, text);

	return rc == RC_OK ? RC_OK : err_set(in->e, rc, __func__, "no room for policies as text");
}

static enum rc put_quoted(struct in *in, struct str text)
{
	enum rc rc = cedar_print_quoted(in->b, text);

	return rc == RC_OK ? RC_OK : err_set(in->e, rc, __func__, "no room for policies as text");
}

/* An object with just these members; missing ones are NULL in ret. names: "a b c". */
static enum rc members(struct in *in, const struct json *object, const char *names, size_t n,
		       const struct json **ret, const char *what)
{
	size_t known = 0;
	struct str rest = str_from(names);

	if (json_type(object) != JSON_OBJECT) {
		return refuse(in, object, what);
	}
	for (size_t i = 0; i < n; i++) {
		ret[i] = json_get(object, str_cut(&rest, ' '));
		known += ret[i] != NULL;
	}
	if (known != object->count) { /* (2) */
		for (const struct json *m = object->child; m; m = m->next) {
			bool is_known = false;

			for (size_t i = 0; i < n; i++) {
				is_known |= ret[i] == m;
			}
			if (!is_known) {
				FAIL(in->e, RC_INPUT,
				     STR_FMT "%s%u:%u: %s has no member '" STR_FMT
					     "'; known are %s",
				     STR_ARG(in->source), in->source.n ? ":" : "", m->line,
				     m->column, what, STR_ARG(str_slice(m->key, 0, 64)), names);
			}
		}
	}
	return RC_OK;
}

/* All of them. */
static enum rc need(struct in *in, const struct json *object, const char *names, size_t n,
		    const struct json **ret, const char *what)
{
	TRY(members(in, object, names, n, ret, what));
	for (size_t i = 0; i < n; i++) {
		if (!ret[i]) {
			FAIL(in->e, RC_INPUT, STR_FMT "%s%u:%u: %s needs %s", STR_ARG(in->source),
			     in->source.n ? ":" : "", object->line, object->column, what, names);
		}
	}
	return RC_OK;
}

static enum rc put_name(struct in *in, const struct json *at)
{
	struct str name;

	if (!json_str(at, &name) || !cedar_is_name(name)) {
		return refuse(in, at, "the name of a type");
	}
	return put_str(in, name);
}

/* {"type", "id"}, perhaps within {"__entity"}. */
static enum rc put_uid(struct in *in, const struct json *at)
{
	const struct cedar_uid *u = NULL;
	struct err why = ERR_INIT;
	enum rc rc = cedar_uid_from_json(in->arena, at, &u, &why);

	if (rc == RC_NOMEM) {
		FAIL(in->e, rc, "no memory for an entity");
	}
	if (rc != RC_OK) {
		return refuse(in, at, "{\"type\": ..., \"id\": ...}");
	}
	rc = cedar_uid_print(in->b, u);
	return rc == RC_OK ? RC_OK : err_set(in->e, rc, __func__, "no room for policies as text");
}

/* ---- values ---- */

static enum rc put_value(struct in *in, const struct json *v);

static enum rc put_values(struct in *in, const struct json *list)
{
	const char *between = "";

	TRY(put(in, list->type == JSON_ARRAY ? "[" : "{"));
	for (const struct json *c = list->child; c; c = c->next) {
		TRY(put(in, between));
		if (list->type == JSON_OBJECT) {
			TRY(put_quoted(in, c->key));
			TRY(put(in, ": "));
		}
		TRY(put_value(in, c));
		between = ", ";
	}
	return put(in, list->type == JSON_ARRAY ? "]" : "}");
}

/* {"__extn": {"fn": "ip", "arg": "10.0.0.1"}} */
static enum rc put_extension(struct in *in, const struct json *at)
{
	const struct json *m[2];
	struct str fn;

	TRY(need(in, at, "fn arg", 2, m, "an extension value"));
	if (!json_str(m[0], &fn) || !cedar_fn_is_constructor(cedar_fn_find(fn))) {
		return refuse(in, m[0], "the name of a constructor");
	}
	TRY(put_str(in, fn));
	TRY(put(in, "("));
	TRY(put_value(in, m[1]));
	return put(in, ")");
}

static enum rc put_value(struct in *in, const struct json *v)
{
	int64_t i;

	switch (json_type(v)) {
	case JSON_TRUE:
		return put(in, "true");
	case JSON_FALSE:
		return put(in, "false");
	case JSON_NUMBER:
		if (!json_i64(v, &i)) {
			return refuse(in, v, "an integer of 64 bits");
		}
		return put_str(in, v->text);
	case JSON_STRING:
		return put_quoted(in, v->text);
	case JSON_OBJECT:
		if (json_get(v, STR("__entity"))) {
			return put_uid(in, v);
		}
		if (v->count == 1 && json_get(v, STR("__extn"))) {
			return put_extension(in, v->child);
		}
		return put_values(in, v);
	case JSON_ARRAY:
		return put_values(in, v);
	case JSON_NULL:
	case JSON_NONE:
		break;
	}
	return refuse(in, v, "a value");
}

/* ---- expressions ---- */

static enum rc put_expr(struct in *in, const struct json *x, enum level least);

static enum rc open(struct in *in, enum level own, enum level least)
{
	return own < least ? put(in, "(") : RC_OK;
}

static enum rc shut(struct in *in, enum level own, enum level least)
{
	return own < least ? put(in, ")") : RC_OK;
}

/* left <op> right; how tight the sides must be says whether chains lean left. */
static enum rc put_infix(struct in *in, const struct json *x, const char *op, enum level own,
			 enum level left, enum level right, enum level least)
{
	const struct json *m[2];

	TRY(need(in, x, "left right", 2, m, "an operator"));
	TRY(open(in, own, least));
	TRY(put_expr(in, m[0], left));
	TRY(put(in, " "));
	TRY(put(in, op));
	TRY(put(in, " "));
	TRY(put_expr(in, m[1], right));
	return shut(in, own, least);
}

static enum rc put_method(struct in *in, const struct json *x, const char *name)
{
	const struct json *m[2];

	TRY(need(in, x, "left right", 2, m, "a method"));
	TRY(put_expr(in, m[0], LEVEL_MEMBER));
	TRY(put(in, "."));
	TRY(put(in, name));
	TRY(put(in, "("));
	TRY(put_expr(in, m[1], LEVEL_IF));
	return put(in, ")");
}

static enum rc put_sign(struct in *in, const struct json *x, const char *sign, enum level least)
{
	const struct json *m[1];

	TRY(need(in, x, "arg", 1, m, "an operator"));
	TRY(open(in, LEVEL_UNARY, least));
	TRY(put(in, sign));
	/* In parentheses, or -(5) would become a number, and signs a chain that has an end. */
	TRY(put(in, "("));
	TRY(put_expr(in, m[0], LEVEL_IF));
	TRY(put(in, ")"));
	return shut(in, LEVEL_UNARY, least);
}

static enum rc put_is_empty(struct in *in, const struct json *x)
{
	const struct json *m[1];

	TRY(need(in, x, "arg", 1, m, "isEmpty"));
	TRY(put_expr(in, m[0], LEVEL_MEMBER));
	return put(in, ".isEmpty()");
}

static enum rc put_attribute(struct in *in, const struct json *x)
{
	const struct json *m[2];
	struct str name;

	TRY(need(in, x, "left attr", 2, m, "an attribute"));
	if (!json_str(m[1], &name)) {
		return refuse(in, m[1], "the name of an attribute");
	}
	TRY(put_expr(in, m[0], LEVEL_MEMBER));
	if (cedar_is_ident(name)) {
		TRY(put(in, "."));
		return put_str(in, name);
	}
	TRY(put(in, "["));
	TRY(put_quoted(in, name));
	return put(in, "]");
}

/* One name, or as 4.13.0 has it a list of them: a.b.c. */
static enum rc put_has_path(struct in *in, const struct json *attr)
{
	struct str name;

	if (json_str(attr, &name)) {
		return cedar_is_ident(name) ? put_str(in, name) : put_quoted(in, name);
	}
	if (attr->type != JSON_ARRAY || attr->count == 0) {
		return refuse(in, attr, "the name of an attribute");
	}
	for (const struct json *c = attr->child; c; c = c->next) {
		if (!json_str(c, &name) || (attr->count > 1 && !cedar_is_ident(name))) {
			return refuse(in, c, "an identifier");
		}
		TRY(put(in, c == attr->child ? "" : "."));
		TRY(cedar_is_ident(name) ? put_str(in, name) : put_quoted(in, name));
	}
	return RC_OK;
}

static enum rc put_has(struct in *in, const struct json *x, enum level least)
{
	const struct json *m[2];

	TRY(need(in, x, "left attr", 2, m, "has"));
	TRY(open(in, LEVEL_RELATION, least));
	TRY(put_expr(in, m[0], LEVEL_SUM));
	TRY(put(in, " has "));
	TRY(put_has_path(in, m[1]));
	return shut(in, LEVEL_RELATION, least);
}

/* ["Wildcard", {"Literal": "a"}, ...] */
static enum rc put_pattern(struct in *in, const struct json *list)
{
	struct buf literal = BUF_INIT(CEDAR_LIMIT_TEXT_BYTES);
	VEC(struct str) pieces = {0};
	enum rc rc = RC_OK;

	if (list->type != JSON_ARRAY) {
		return refuse(in, list, "a pattern");
	}
	for (const struct json *c = list->child; rc == RC_OK; c = c->next) {
		struct str text;

		if (!c || (json_str(c, &text) && str_eq(text, STR("Wildcard")))) {
			struct str piece = arena_str(in->arena, buf_view(&literal));

			buf_reset(&literal);
			rc = piece.p ? vec_push(&pieces, piece) : RC_NOMEM;
			if (!c) {
				break;
			}
		} else if (json_type(c) == JSON_OBJECT && c->count == 1 &&
			   json_str(json_get(c, STR("Literal")), &text)) {
			rc = buf_add(&literal, text);
		} else {
			rc = refuse(in, c, "\"Wildcard\" or {\"Literal\": ...}");
		}
	}
	if (rc == RC_OK) {
		rc = cedar_print_pattern(in->b, pieces.p, (uint32_t)pieces.n);
	}
	buf_fini(&literal);
	vec_fini(&pieces);
	return rc == RC_OK || rc == RC_INPUT
		   ? rc
		   : err_set(in->e, rc, __func__, "no room for a pattern");
}

static enum rc put_like(struct in *in, const struct json *x, enum level least)
{
	const struct json *m[2];

	TRY(need(in, x, "left pattern", 2, m, "like"));
	TRY(open(in, LEVEL_RELATION, least));
	TRY(put_expr(in, m[0], LEVEL_SUM));
	TRY(put(in, " like "));
	TRY(put_pattern(in, m[1]));
	return shut(in, LEVEL_RELATION, least);
}

static enum rc put_is(struct in *in, const struct json *x, enum level least)
{
	const struct json *m[3];

	TRY(members(in, x, "left entity_type in", 3, m, "is"));
	if (!m[0] || !m[1]) {
		return refuse(in, x, "left and entity_type");
	}
	TRY(open(in, LEVEL_RELATION, least));
	TRY(put_expr(in, m[0], LEVEL_SUM));
	TRY(put(in, " is "));
	TRY(put_name(in, m[1]));
	if (m[2]) {
		TRY(put(in, " in "));
		TRY(put_expr(in, m[2], LEVEL_SUM));
	}
	return shut(in, LEVEL_RELATION, least);
}

static enum rc put_if(struct in *in, const struct json *x, enum level least)
{
	const struct json *m[3];

	TRY(need(in, x, "if then else", 3, m, "if-then-else"));
	TRY(open(in, LEVEL_IF, least));
	TRY(put(in, "if "));
	TRY(put_expr(in, m[0], LEVEL_IF));
	TRY(put(in, " then "));
	TRY(put_expr(in, m[1], LEVEL_IF));
	TRY(put(in, " else "));
	TRY(put_expr(in, m[2], LEVEL_IF));
	return shut(in, LEVEL_IF, least);
}

static enum rc put_list(struct in *in, const struct json *list)
{
	const char *between = "";

	if (list->type != JSON_ARRAY) {
		return refuse(in, list, "a list of expressions");
	}
	for (const struct json *c = list->child; c; c = c->next) {
		TRY(put(in, between));
		TRY(put_expr(in, c, LEVEL_IF));
		between = ", ";
	}
	return RC_OK;
}

static enum rc put_record(struct in *in, const struct json *object)
{
	const char *between = "";

	if (object->type != JSON_OBJECT) {
		return refuse(in, object, "the members of a record");
	}
	TRY(put(in, "{"));
	for (const struct json *c = object->child; c; c = c->next) {
		TRY(put(in, between));
		TRY(put_quoted(in, c->key));
		TRY(put(in, ": "));
		TRY(put_expr(in, c, LEVEL_IF));
		between = ", ";
	}
	return put(in, "}");
}

/* {"ip": [...]}, {"isInRange": [receiver, argument]} */
static enum rc put_call(struct in *in, const struct json *args, enum cedar_fn fn)
{
	if (args->type != JSON_ARRAY || (cedar_fn_is_method(fn) && args->count == 0)) {
		return refuse(in, args, "a list of arguments");
	}
	if (!cedar_fn_is_method(fn)) {
		TRY(put_str(in, cedar_fn_name(fn)));
		TRY(put(in, "("));
		TRY(put_list(in, args));
		return put(in, ")");
	}
	TRY(put_expr(in, args->child, LEVEL_MEMBER));
	TRY(put(in, "."));
	TRY(put_str(in, cedar_fn_name(fn)));
	TRY(put(in, "("));
	for (const struct json *c = args->child->next; c; c = c->next) {
		TRY(put(in, c == args->child->next ? "" : ", "));
		TRY(put_expr(in, c, LEVEL_IF));
	}
	return put(in, ")");
}

static enum rc put_variable(struct in *in, const struct json *at)
{
	static const struct str names[] = {
	    {"principal", 9}, {"action", 6}, {"resource", 8}, {"context", 7}};
	struct str name;

	for (size_t i = 0; json_str(at, &name) && i < ARRAY_LEN(names); i++) {
		if (str_eq(name, names[i])) {
			return put_str(in, name);
		}
	}
	return refuse(in, at, "principal, action, resource or context");
}

/* A literal; a negative number is a sign and a number. */
static enum rc put_literal(struct in *in, const struct json *v, enum level least)
{
	enum level own =
	    json_type(v) == JSON_NUMBER && v->text.p[0] == '-' ? LEVEL_UNARY : LEVEL_MEMBER;

	TRY(open(in, own, least));
	TRY(put_value(in, v));
	return shut(in, own, least);
}

/* Operators with a left and a right side; *ret_own is how tight, MEMBER for a method. */
static const char *infix(struct str op, enum level *ret_own)
{
	static const struct {
		const char *name;
		enum level own;
	} all[] = {
	    {"||", LEVEL_OR},
	    {"&&", LEVEL_AND},
	    {"==", LEVEL_RELATION},
	    {"!=", LEVEL_RELATION},
	    {"<", LEVEL_RELATION},
	    {"<=", LEVEL_RELATION},
	    {">", LEVEL_RELATION},
	    {">=", LEVEL_RELATION},
	    {"in", LEVEL_RELATION},
	    {"+", LEVEL_SUM},
	    {"-", LEVEL_SUM},
	    {"*", LEVEL_PRODUCT},
	    {"contains", LEVEL_MEMBER},
	    {"containsAll", LEVEL_MEMBER},
	    {"containsAny", LEVEL_MEMBER},
	    {"getTag", LEVEL_MEMBER},
	    {"hasTag", LEVEL_MEMBER},
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (str_eq(op, str_from(all[i].name))) {
			*ret_own = all[i].own;
			return all[i].name;
		}
	}
	return NULL;
}

static enum rc put_expr(struct in *in, const struct json *x, enum level least)
{
	const struct json *m = x->child;
	const char *name;
	enum cedar_fn fn;
	enum level own;

	if (x->type != JSON_OBJECT || x->count != 1) {
		return refuse(in, x, "an expression: an object with one member");
	}
	name = infix(m->key, &own);
	if (name && own == LEVEL_MEMBER) {
		return put_method(in, m, name);
	}
	if (name) {
		/* Chains lean left; relations do not chain at all. */
		return put_infix(in, m, name, own, own == LEVEL_RELATION ? LEVEL_SUM : own,
				 (enum level)(own + 1), least);
	}
	if (str_eq(m->key, STR("Value"))) {
		return put_literal(in, m, least);
	}
	if (str_eq(m->key, STR("Var"))) {
		return put_variable(in, m);
	}
	if (str_eq(m->key, STR("!")) || str_eq(m->key, STR("neg"))) {
		return put_sign(in, m, m->key.p[0] == '!' ? "!" : "-", least);
	}
	if (str_eq(m->key, STR("."))) {
		return put_attribute(in, m);
	}
	if (str_eq(m->key, STR("has"))) {
		return put_has(in, m, least);
	}
	if (str_eq(m->key, STR("like"))) {
		return put_like(in, m, least);
	}
	if (str_eq(m->key, STR("is"))) {
		return put_is(in, m, least);
	}
	if (str_eq(m->key, STR("isEmpty"))) {
		return put_is_empty(in, m);
	}
	if (str_eq(m->key, STR("if-then-else"))) {
		return put_if(in, m, least);
	}
	if (str_eq(m->key, STR("Set"))) {
		TRY(put(in, "["));
		TRY(put_list(in, m));
		return put(in, "]");
	}
	if (str_eq(m->key, STR("Record"))) {
		return put_record(in, m);
	}
	fn = cedar_fn_find(m->key);
	return fn != CEDAR_FN_NONE ? put_call(in, m, fn) : refuse(in, x, "an operator");
}

/* ---- policies ---- */

/* "entity": {...} or "slot": "?principal", just one of them. */
static enum rc put_operand(struct in *in, const struct json *at, const struct json *entity,
			   const struct json *slot, const char *variable)
{
	struct str name;

	if (!entity == !slot) {
		return refuse(in, at, "either an entity or a slot");
	}
	if (entity) {
		return put_uid(in, entity);
	}
	if (!json_str(slot, &name) || name.n < 2 || name.p[0] != '?' ||
	    !str_eq(str_slice(name, 1, name.n), str_from(variable))) {
		return refuse(in, slot, "the slot of this variable");
	}
	return put_str(in, name);
}

static enum rc put_entities(struct in *in, const struct json *list)
{
	const char *between = "";

	if (list->type != JSON_ARRAY) {
		return refuse(in, list, "a list of actions");
	}
	TRY(put(in, "["));
	for (const struct json *c = list->child; c; c = c->next) {
		TRY(put(in, between));
		TRY(put_uid(in, c));
		between = ", ";
	}
	return put(in, "]");
}

/* {"op": "All" | "==" | "in" | "is", ...} */
static enum rc put_scope(struct in *in, const struct json *at, const char *variable)
{
	enum { OP, ENTITY, SLOT, ENTITIES, TYPE, IN, MEMBERS };
	const struct json *m[MEMBERS];
	struct str op;

	TRY(members(in, at, "op entity slot entities entity_type in", MEMBERS, m, "a scope"));
	if (!json_str(m[OP], &op)) {
		return refuse(in, at, "a scope with its op");
	}
	TRY(put(in, variable));
	if (str_eq(op, STR("All")) && at->count == 1) {
		return RC_OK;
	}
	if (str_eq(op, STR("==")) && at->count == 2) {
		TRY(put(in, " == "));
		return put_operand(in, at, m[ENTITY], m[SLOT], variable);
	}
	if (str_eq(op, STR("in")) && at->count == 2) {
		TRY(put(in, " in "));
		return m[ENTITIES] ? put_entities(in, m[ENTITIES])
				   : put_operand(in, at, m[ENTITY], m[SLOT], variable);
	}
	if (str_eq(op, STR("is")) && m[TYPE] && at->count == (m[IN] ? 3 : 2)) {
		const struct json *of[2];

		TRY(put(in, " is "));
		TRY(put_name(in, m[TYPE]));
		if (!m[IN]) {
			return RC_OK;
		}
		TRY(members(in, m[IN], "entity slot", 2, of, "a group"));
		TRY(put(in, " in "));
		return put_operand(in, m[IN], of[0], of[1], variable);
	}
	return refuse(in, at, "a scope: All, ==, in or is, with what goes with it");
}

static enum rc put_conditions(struct in *in, const struct json *list)
{
	if (list->type != JSON_ARRAY) {
		return refuse(in, list, "a list of conditions");
	}
	for (const struct json *c = list->child; c; c = c->next) {
		const struct json *m[2];
		struct str kind;

		TRY(need(in, c, "kind body", 2, m, "a condition"));
		if (!json_str(m[0], &kind) ||
		    (!str_eq(kind, STR("when")) && !str_eq(kind, STR("unless")))) {
			return refuse(in, m[0], "when or unless");
		}
		TRY(put(in, "\n"));
		TRY(put_str(in, kind));
		TRY(put(in, " { "));
		TRY(put_expr(in, m[1], LEVEL_IF));
		TRY(put(in, " }"));
	}
	return RC_OK;
}

/* Any identifier, reserved words too. */
static bool is_annotation_name(struct str s)
{
	if (s.n == 0 || !cedar_is_ident_start(s.p[0])) {
		return false;
	}
	for (size_t i = 1; i < s.n; i++) {
		if (!cedar_is_ident_part(s.p[i])) {
			return false;
		}
	}
	return true;
}

static enum rc put_annotations(struct in *in, const struct json *object)
{
	if (object->type != JSON_OBJECT) {
		return refuse(in, object, "annotations");
	}
	for (const struct json *m = object->child; m; m = m->next) {
		if (!is_annotation_name(m->key)) {
			return refuse(in, m, "an annotation whose name is an identifier");
		}
		TRY(put(in, "@"));
		TRY(put_str(in, m->key));
		if (m->type == JSON_STRING) {
			TRY(put(in, "("));
			TRY(put_quoted(in, m->text));
			TRY(put(in, ")"));
		} else if (m->type != JSON_NULL) {
			return refuse(in, m, "a string or null");
		}
		TRY(put(in, "\n"));
	}
	return RC_OK;
}

static enum rc put_policy(struct in *in, const struct json *j)
{
	enum { EFFECT, PRINCIPAL, ACTION, RESOURCE, CONDITIONS, ANNOTATIONS, MEMBERS };
	const struct json *m[MEMBERS];
	struct str effect;

	TRY(members(in, j, "effect principal action resource conditions annotations", MEMBERS, m,
		    "a policy"));
	for (int i = EFFECT; i <= RESOURCE; i++) {
		if (!m[i]) {
			return refuse(in, j,
				      "a policy with effect, principal, action and resource");
		}
	}
	if (!json_str(m[EFFECT], &effect) ||
	    (!str_eq(effect, STR("permit")) && !str_eq(effect, STR("forbid")))) {
		return refuse(in, m[EFFECT], "permit or forbid");
	}
	if (m[ANNOTATIONS]) {
		TRY(put_annotations(in, m[ANNOTATIONS]));
	}
	TRY(put_str(in, effect));
	TRY(put(in, " ("));
	TRY(put_scope(in, m[PRINCIPAL], "principal"));
	TRY(put(in, ", "));
	TRY(put_scope(in, m[ACTION], "action"));
	TRY(put(in, ", "));
	TRY(put_scope(in, m[RESOURCE], "resource"));
	TRY(put(in, ")"));
	if (m[CONDITIONS]) {
		TRY(put_conditions(in, m[CONDITIONS]));
	}
	return put(in, ";\n");
}

enum rc cedar_policy_text_from_json(struct buf *b, struct str source_name, const struct json *j,
				    struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(CEDAR_LIMIT_SET_BYTES);
	struct in in = {.b = b, .source = source_name, .arena = &arena, .e = e};
	size_t was = b->n;
	enum rc rc = put_policy(&in, j);

	b->n = rc == RC_OK ? b->n : was;
	return rc;
}

enum rc cedar_policy_json_parse(struct arena *arena, struct str source_name, struct str text,
				const struct json **ret, struct err *e)
{
	const struct json_limits limits = {
	    .max_bytes = CEDAR_LIMIT_JSON_BYTES,
	    .max_depth = LIMIT_JSON_DEEP,
	    .max_nodes = CEDAR_LIMIT_JSON_VALUES,
	    .want_positions = true,
	    .is_deep = true,
	};
	enum rc rc = json_parse(arena, text, &limits, ret, e);

	return rc == RC_OK || source_name.n == 0 ? rc
						 : err_wrap(e, rc, STR_FMT, STR_ARG(source_name));
}
