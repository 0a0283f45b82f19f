/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/schema_parse.c - the Cedar syntax of schemas, by recursive descent.
 *
 *	schema	  := { namespace | decl }
 *	namespace := notes 'namespace' path '{' { decl } '}'
 *	decl	  := notes ( entity | action | common )
 *	entity	  := 'entity' names [ 'in' types ] [ ['='] record ] [ 'tags' type ] ';'
 *		   | 'entity' names 'enum' '[' string { ',' string } ']' ';'
 *	action	  := 'action' names [ 'in' parents ] [ 'appliesTo' '{' applies '}' ] ';'
 *	common	  := 'type' name '=' type ';'
 *	type	  := path | 'Set' '<' type '>' | record
 *
 * Trust:  the text is hostile, but known to be UTF-8 and of bounded length.
 * Holds:  recursion is bounded by CEDAR_LIMIT_NESTING.
 */
#include "cedar/schema.h"
#include "cedar/text.h"

#include <string.h>

static enum rc parse_type(struct cedar_parser *p, const struct cedar_stype **ret);

/* ---- names ---- */

static bool is_mark(const struct cedar_parser *p, const char *mark)
{
	return str_eq(p->token.text, str_from(mark));
}

/* One identifier; __cedar is one here, since references may begin with it. */
static enum rc parse_ident(struct cedar_parser *p, const char *what, struct str *ret)
{
	if (!cedar_parser_at(p, CEDAR_TOKEN_IDENT)) {
		return cedar_parser_expected(p, what);
	}
	if (cedar_is_reserved(p->token.text) && !is_mark(p, "__cedar")) {
		return cedar_parser_refuse(p, p->token.pos,
					   "'" STR_FMT "' is reserved and cannot be a name",
					   STR_ARG(p->token.text));
	}
	*ret = p->token.text;
	cedar_parser_next(p);
	return RC_OK;
}

/* An identifier or a string. */
static enum rc parse_name(struct cedar_parser *p, const char *what, struct str *ret)
{
	return cedar_parser_at(p, CEDAR_TOKEN_STRING) ? cedar_parse_string(p, ret)
						      : parse_ident(p, what, ret);
}

/* Identifiers joined by "::". When ret_id is given and a string follows, *ret_has_id. */
static enum rc parse_path(struct cedar_parser *p, struct str *ret, struct str *ret_id,
			  bool *ret_has_id)
{
	struct str part;

	TRY(parse_ident(p, "a name", ret));
	while (cedar_parser_take(p, CEDAR_TOKEN_PATH)) {
		if (ret_id && cedar_parser_at(p, CEDAR_TOKEN_STRING)) {
			*ret_has_id = true;
			return cedar_parse_string(p, ret_id);
		}
		TRY(parse_ident(p, "a name", &part));
		*ret = arena_strf(p->arena, STR_FMT "::" STR_FMT, STR_ARG(*ret), STR_ARG(part));
		if (!ret->p) {
			return RC_NOMEM;
		}
	}
	return RC_OK;
}

static enum rc add_name(struct cedar_parser *p, struct cedar_sname ***tail, struct str text,
			struct cedar_pos pos)
{
	struct cedar_sname *name = arena_alloc(p->arena, sizeof(*name));

	if (!name) {
		return RC_NOMEM;
	}
	name->text = text;
	name->pos = pos;
	**tail = name;
	*tail = &name->next;
	return RC_OK;
}

/* path | '[' [ path { ',' path } ] ']' */
static enum rc parse_types(struct cedar_parser *p, const struct cedar_sname **ret)
{
	struct cedar_sname *list = NULL;
	struct cedar_sname **tail = &list;
	bool is_list = cedar_parser_take(p, CEDAR_TOKEN_LBRACKET);

	if (!is_list || !cedar_parser_at(p, CEDAR_TOKEN_RBRACKET)) {
		do {
			struct cedar_pos pos = p->token.pos;
			struct str path;

			TRY(parse_path(p, &path, NULL, NULL));
			TRY(add_name(p, &tail, path, pos));
		} while (is_list && cedar_parser_take(p, CEDAR_TOKEN_COMMA));
	}
	*ret = list;
	return is_list ? cedar_parser_need(p, CEDAR_TOKEN_RBRACKET, "',' or ']'") : RC_OK;
}

/* ---- types ---- */

static enum rc parse_attr(struct cedar_parser *p, struct cedar_sattr **ret)
{
	struct cedar_sattr *a = arena_alloc(p->arena, sizeof(*a));

	if (!a) {
		return RC_NOMEM;
	}
	TRY(cedar_parse_annotations(p, &a->notes.list, &a->notes.n));
	a->pos = p->token.pos;
	TRY(parse_name(p, "the name of an attribute", &a->name));
	if (cedar_parser_at(p, CEDAR_TOKEN_BAD) && is_mark(p, "?")) {
		a->is_optional = true;
		cedar_parser_next(p);
	}
	TRY(cedar_parser_need(p, CEDAR_TOKEN_COLON, "'?' or ':'"));
	TRY(parse_type(p, &a->type));
	*ret = a;
	return RC_OK;
}

/* Moves a list of attributes into an array. */
static enum rc keep_attrs(struct cedar_parser *p, struct cedar_stype *t,
			  const struct cedar_sattr *list)
{
	struct cedar_sattr *kept = arena_alloc_n(p->arena, t->n_attrs, sizeof(*kept));
	size_t n = 0;

	if (!kept) {
		return RC_NOMEM;
	}
	for (; list; list = list->next) {
		kept[n++] = *list;
	}
	t->attrs = kept;
	return RC_OK;
}

/* What stands behind the brace. */
static enum rc parse_record(struct cedar_parser *p, struct cedar_stype *t)
{
	struct cedar_sattr *list = NULL;
	struct cedar_sattr **tail = &list;

	t->kind = CEDAR_STYPE_RECORD;
	while (!cedar_parser_at(p, CEDAR_TOKEN_RBRACE)) {
		struct cedar_sattr *a;

		TRY(parse_attr(p, &a));
		*tail = a;
		tail = &a->next;
		t->n_attrs++;
		if (!cedar_parser_take(p, CEDAR_TOKEN_COMMA)) {
			break;
		}
	}
	TRY(cedar_parser_need(p, CEDAR_TOKEN_RBRACE, "',' or '}'"));
	return keep_attrs(p, t, list);
}

static bool is_set_ahead(const struct cedar_parser *p)
{
	struct cedar_lexer ahead = p->lexer;

	return cedar_parser_at_word(p, "Set") && cedar_lexer_next(&ahead).kind == CEDAR_TOKEN_LT;
}

static enum rc parse_type(struct cedar_parser *p, const struct cedar_stype **ret)
{
	struct cedar_stype *t = arena_alloc(p->arena, sizeof(*t));

	if (!t) {
		return RC_NOMEM;
	}
	if (p->nesting >= CEDAR_LIMIT_NESTING) {
		return cedar_parser_limit(p, "a type is nested too deeply");
	}
	p->nesting++;
	t->pos = p->token.pos;
	if (is_set_ahead(p)) {
		t->kind = CEDAR_STYPE_SET;
		cedar_parser_next(p);
		cedar_parser_next(p);
		TRY(parse_type(p, &t->elem));
		TRY(cedar_parser_need(p, CEDAR_TOKEN_GT, "'>'"));
	} else if (cedar_parser_take(p, CEDAR_TOKEN_LBRACE)) {
		TRY(parse_record(p, t));
	} else if (cedar_parser_at(p, CEDAR_TOKEN_IDENT)) {
		TRY(parse_path(p, &t->name, NULL, NULL));
	} else {
		return cedar_parser_expected(p, "a type");
	}
	p->nesting--;
	*ret = t;
	return RC_OK;
}

/* ---- entities ---- */

static enum rc parse_ids(struct cedar_parser *p, const struct cedar_sname **ret)
{
	struct cedar_sname *list = NULL;
	struct cedar_sname **tail = &list;

	TRY(cedar_parser_need(p, CEDAR_TOKEN_LBRACKET, "'['"));
	do {
		struct cedar_pos pos = p->token.pos;
		struct str id;

		TRY(cedar_parse_string(p, &id));
		TRY(add_name(p, &tail, id, pos));
	} while (cedar_parser_take(p, CEDAR_TOKEN_COMMA));
	*ret = list;
	return cedar_parser_need(p, CEDAR_TOKEN_RBRACKET, "',' or ']'");
}

/* What follows the names. */
static enum rc parse_entity_body(struct cedar_parser *p, struct cedar_sentity *e)
{
	bool has_equals;

	if (cedar_parser_at_word(p, "enum")) {
		cedar_parser_next(p);
		return parse_ids(p, &e->ids);
	}
	if (cedar_parser_at_word(p, "in")) {
		cedar_parser_next(p);
		TRY(parse_types(p, &e->parents));
	}
	has_equals = cedar_parser_take(p, CEDAR_TOKEN_ASSIGN);
	if (cedar_parser_at(p, CEDAR_TOKEN_LBRACE)) {
		TRY(parse_type(p, &e->shape));
	} else if (has_equals) {
		return cedar_parser_expected(p, "'{'");
	}
	if (cedar_parser_at_word(p, "tags")) {
		cedar_parser_next(p);
		return parse_type(p, &e->tags);
	}
	return RC_OK;
}

/* Names separated by commas. */
static enum rc parse_names(struct cedar_parser *p, bool may_be_strings,
			   const struct cedar_sname **ret)
{
	struct cedar_sname *list = NULL;
	struct cedar_sname **tail = &list;

	do {
		struct cedar_pos pos = p->token.pos;
		struct str name;

		if (may_be_strings) {
			TRY(parse_name(p, "the name of an action", &name));
		} else {
			TRY(parse_ident(p, "the name of an entity type", &name));
		}
		TRY(add_name(p, &tail, name, pos));
	} while (cedar_parser_take(p, CEDAR_TOKEN_COMMA));
	*ret = list;
	return RC_OK;
}

/* Where the next declaration of each sort goes. */
struct tails {
	struct cedar_sentity **entity;
	struct cedar_scommon **common;
	struct cedar_saction **action;
};

static enum rc parse_entity(struct cedar_parser *p, struct cedar_notes notes, struct tails *t)
{
	struct cedar_sentity body = {.notes = notes};
	const struct cedar_sname *names;

	cedar_parser_next(p);
	TRY(parse_names(p, false, &names));
	TRY(parse_entity_body(p, &body));
	TRY(cedar_parser_need(p, CEDAR_TOKEN_SEMICOLON, "';'"));
	for (; names; names = names->next) {
		struct cedar_sentity *e = arena_alloc(p->arena, sizeof(*e));

		if (!e) {
			return RC_NOMEM;
		}
		TRY(cedar_schema_check_name(p, names->pos, names->text));
		*e = body;
		e->name = names->text;
		e->pos = names->pos;
		*t->entity = e;
		t->entity = &e->next;
	}
	return RC_OK;
}

/* ---- actions ---- */

/* name | path :: "id" */
static enum rc parse_parent(struct cedar_parser *p, struct cedar_sparent **ret)
{
	struct cedar_sparent *parent = arena_alloc(p->arena, sizeof(*parent));
	bool has_id = false;

	if (!parent) {
		return RC_NOMEM;
	}
	*ret = parent;
	parent->pos = p->token.pos;
	if (cedar_parser_at(p, CEDAR_TOKEN_STRING)) {
		return cedar_parse_string(p, &parent->id);
	}
	TRY(parse_path(p, &parent->type, &parent->id, &has_id));
	if (has_id) {
		return RC_OK;
	}
	if (str_contains(parent->type, STR("::"))) {
		return cedar_parser_expected(p, "'::' and the id of an action in quotes");
	}
	parent->id = parent->type;
	parent->type = STR_NULL;
	return RC_OK;
}

static enum rc parse_parents(struct cedar_parser *p, const struct cedar_sparent **ret)
{
	struct cedar_sparent *list = NULL;
	struct cedar_sparent **tail = &list;
	bool is_list = cedar_parser_take(p, CEDAR_TOKEN_LBRACKET);

	do {
		struct cedar_sparent *parent;

		TRY(parse_parent(p, &parent));
		*tail = parent;
		tail = &parent->next;
	} while (is_list && cedar_parser_take(p, CEDAR_TOKEN_COMMA));
	*ret = list;
	return is_list ? cedar_parser_need(p, CEDAR_TOKEN_RBRACKET, "',' or ']'") : RC_OK;
}

/* One of principal, resource and context; each may stand once. */
static enum rc parse_applies_one(struct cedar_parser *p, struct cedar_saction *a)
{
	struct cedar_token t = p->token;
	const struct cedar_sname **types = NULL;

	if (cedar_parser_at_word(p, "principal")) {
		types = &a->principals;
	} else if (cedar_parser_at_word(p, "resource")) {
		types = &a->resources;
	} else if (!cedar_parser_at_word(p, "context")) {
		return cedar_parser_expected(p, "'principal', 'resource' or 'context'");
	}
	if (types ? *types != NULL : a->context != NULL) {
		return cedar_parser_refuse(p, t.pos, "'" STR_FMT "' is there twice",
					   STR_ARG(t.text));
	}
	cedar_parser_next(p);
	TRY(cedar_parser_need(p, CEDAR_TOKEN_COLON, "':'"));
	if (!types) {
		return is_set_ahead(p) ? cedar_parser_expected(p, "a record or its name")
				       : parse_type(p, &a->context);
	}
	TRY(parse_types(p, types));
	if (!*types) {
		return cedar_parser_refuse(p, t.pos,
					   "expected at least one type of " STR_FMT ", found none",
					   STR_ARG(t.text));
	}
	return RC_OK;
}

static enum rc parse_applies(struct cedar_parser *p, struct cedar_saction *a)
{
	struct cedar_pos pos = p->token.pos;

	cedar_parser_next(p);
	TRY(cedar_parser_need(p, CEDAR_TOKEN_LBRACE, "'{'"));
	do {
		TRY(parse_applies_one(p, a));
	} while (cedar_parser_take(p, CEDAR_TOKEN_COMMA) &&
		 !cedar_parser_at(p, CEDAR_TOKEN_RBRACE));
	TRY(cedar_parser_need(p, CEDAR_TOKEN_RBRACE, "',' or '}'"));
	if (!a->principals || !a->resources) {
		return cedar_parser_refuse(p, pos, "expected '%s' in appliesTo, found none",
					   a->principals ? "resource" : "principal");
	}
	return RC_OK;
}

static enum rc parse_action(struct cedar_parser *p, struct cedar_notes notes, struct tails *t)
{
	struct cedar_saction body = {.notes = notes};
	const struct cedar_sname *names;

	cedar_parser_next(p);
	TRY(parse_names(p, true, &names));
	if (cedar_parser_at_word(p, "in")) {
		cedar_parser_next(p);
		TRY(parse_parents(p, &body.parents));
	}
	if (cedar_parser_at_word(p, "appliesTo")) {
		TRY(parse_applies(p, &body));
	}
	/* Actions have no attributes, but may say so. */
	if (cedar_parser_at_word(p, "attributes")) {
		cedar_parser_next(p);
		TRY(cedar_parser_need(p, CEDAR_TOKEN_LBRACE, "'{'"));
		TRY(cedar_parser_need(p, CEDAR_TOKEN_RBRACE, "'}': actions have no attributes"));
	}
	TRY(cedar_parser_need(p, CEDAR_TOKEN_SEMICOLON, "';'"));
	for (; names; names = names->next) {
		struct cedar_saction *a = arena_alloc(p->arena, sizeof(*a));

		if (!a) {
			return RC_NOMEM;
		}
		*a = body;
		a->id = names->text;
		a->pos = names->pos;
		*t->action = a;
		t->action = &a->next;
	}
	return RC_OK;
}

/* ---- the whole ---- */

static enum rc parse_common(struct cedar_parser *p, struct cedar_notes notes, struct tails *t)
{
	struct cedar_scommon *c = arena_alloc(p->arena, sizeof(*c));

	if (!c) {
		return RC_NOMEM;
	}
	cedar_parser_next(p);
	c->notes = notes;
	c->pos = p->token.pos;
	TRY(parse_ident(p, "the name of a type", &c->name));
	TRY(cedar_schema_check_common(p, c->pos, c->name));
	TRY(cedar_parser_need(p, CEDAR_TOKEN_ASSIGN, "'='"));
	TRY(parse_type(p, &c->type));
	TRY(cedar_parser_need(p, CEDAR_TOKEN_SEMICOLON, "';'"));
	*t->common = c;
	t->common = &c->next;
	return RC_OK;
}

static enum rc parse_decl(struct cedar_parser *p, struct cedar_notes notes, struct tails *t)
{
	if (cedar_parser_at_word(p, "entity")) {
		return parse_entity(p, notes, t);
	}
	if (cedar_parser_at_word(p, "action")) {
		return parse_action(p, notes, t);
	}
	if (cedar_parser_at_word(p, "type")) {
		return parse_common(p, notes, t);
	}
	return cedar_parser_expected(p, "'entity', 'action' or 'type'");
}

static struct tails tails_of(struct cedar_snamespace *space)
{
	return (struct tails){
	    .entity = &space->entities,
	    .common = &space->commons,
	    .action = &space->actions,
	};
}

static enum rc parse_namespace(struct cedar_parser *p, struct cedar_notes notes,
			       struct cedar_snamespace *space)
{
	struct tails tails = tails_of(space);

	cedar_parser_next(p);
	space->notes = notes;
	space->pos = p->token.pos;
	TRY(parse_path(p, &space->name, NULL, NULL));
	TRY(cedar_schema_check_space(p, space->pos, space->name));
	TRY(cedar_parser_need(p, CEDAR_TOKEN_LBRACE, "'{'"));
	while (!cedar_parser_take(p, CEDAR_TOKEN_RBRACE)) {
		struct cedar_notes inner;

		TRY(cedar_parse_annotations(p, &inner.list, &inner.n));
		if (cedar_parser_at(p, CEDAR_TOKEN_END)) {
			return cedar_parser_expected(p, "a declaration or '}'");
		}
		TRY(parse_decl(p, inner, &tails));
	}
	return RC_OK;
}

enum rc cedar_schema_read(struct cedar_parser *p, struct cedar_schema *s)
{
	struct cedar_snamespace *empty = arena_alloc(p->arena, sizeof(*empty));
	struct cedar_snamespace *list = NULL;
	struct cedar_snamespace **tail = &list;
	struct tails tails;

	if (!empty) {
		return RC_NOMEM;
	}
	empty->pos = p->token.pos;
	empty->name = STR("");
	tails = tails_of(empty);
	while (!cedar_parser_at(p, CEDAR_TOKEN_END)) {
		struct cedar_notes notes;

		TRY(cedar_parse_annotations(p, &notes.list, &notes.n));
		if (cedar_parser_at_word(p, "namespace")) {
			struct cedar_snamespace *space = arena_alloc(p->arena, sizeof(*space));

			if (!space) {
				return RC_NOMEM;
			}
			TRY(parse_namespace(p, notes, space));
			*tail = space;
			tail = &space->next;
		} else {
			TRY(parse_decl(p, notes, &tails));
		}
	}
	if (empty->entities || empty->commons || empty->actions) {
		empty->next = list;
		list = empty;
	}
	s->spaces = list;
	return RC_OK;
}
