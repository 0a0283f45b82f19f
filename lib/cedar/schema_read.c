/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/schema_read.c - the JSON form of schemas.
 *
 * Trust:  the JSON is hostile; its depth, size and number of values are bounded by its parser.
 * Holds:  a member that is not known here is refused: it might restrict what we would allow.
 */
#include "cedar/schema.h"
#include "cedar/text.h"
#include "codec/json.h"

static enum rc read_type(struct cedar_parser *p, const struct json *j,
			 const struct cedar_stype **ret);

/* ---- looking ---- */

static struct cedar_pos pos_of(const struct json *j)
{
	return (struct cedar_pos){.line = j->line, .column = j->column};
}

static enum rc want(struct cedar_parser *p, const struct json *j, enum json_type type,
		    const char *what)
{
	if (json_type(j) != type) {
		return cedar_parser_refuse(p, pos_of(j), "expected %s as %s, found %s",
					   json_type_name(type), what,
					   json_type_name(json_type(j)));
	}
	return RC_OK;
}

/* Is every member one of the names, a list separated by blanks? */
static enum rc only(struct cedar_parser *p, const struct json *j, const char *names,
		    const char *what)
{
	TRY(want(p, j, JSON_OBJECT, what));
	for (const struct json *c = j->child; c; c = c->next) {
		struct str rest = str_from(names);
		bool is_known = false;

		while (rest.n && !is_known) {
			is_known = str_eq(str_cut(&rest, ' '), c->key);
		}
		if (!is_known) {
			return cedar_parser_refuse(p, pos_of(c),
						   "expected one of %s in %s, found '" STR_FMT "'",
						   names, what, STR_ARG(c->key));
		}
	}
	return RC_OK;
}

/* The member; NULL when it is absent or null. */
static const struct json *get(const struct json *j, const char *name)
{
	const struct json *c = json_get(j, str_from(name));

	return json_type(c) == JSON_NULL ? NULL : c;
}

static enum rc need(struct cedar_parser *p, const struct json *j, const char *name,
		    enum json_type type, const struct json **ret)
{
	*ret = json_get(j, str_from(name));
	if (!*ret) {
		return cedar_parser_refuse(p, pos_of(j), "expected member '%s', found none", name);
	}
	return want(p, *ret, type, name);
}

static enum rc copy(struct cedar_parser *p, struct str s, struct str *ret)
{
	*ret = arena_str(p->arena, s);
	return ret->p ? RC_OK : RC_NOMEM;
}

/* A path that refers to something; it may begin with __cedar. */
static enum rc read_path(struct cedar_parser *p, const struct json *j, struct str *ret)
{
	struct str rest;

	TRY(want(p, j, JSON_STRING, "a name"));
	rest = j->text;
	if (str_has_prefix(rest, STR("__cedar::"))) {
		rest = str_slice(rest, sizeof("__cedar::") - 1, rest.n);
	}
	if (!cedar_is_name(rest)) {
		return cedar_parser_refuse(p, pos_of(j), "'" STR_FMT "' is not a name",
					   STR_ARG(j->text));
	}
	return copy(p, j->text, ret);
}

static enum rc read_notes(struct cedar_parser *p, const struct json *owner, struct cedar_notes *ret)
{
	const struct json *j = get(owner, "annotations");
	struct cedar_annotation *list;
	size_t n = 0;

	if (!j) {
		return RC_OK;
	}
	TRY(want(p, j, JSON_OBJECT, "annotations"));
	list = arena_alloc_n(p->arena, j->count, sizeof(*list));
	if (!list) {
		return RC_NOMEM;
	}
	for (const struct json *c = j->child; c; c = c->next, n++) {
		if (json_type(c) != JSON_NULL) {
			TRY(want(p, c, JSON_STRING, "an annotation"));
		}
		if (!cedar_is_ident(c->key) && !cedar_is_reserved(c->key)) {
			return cedar_parser_refuse(p, pos_of(c),
						   "'" STR_FMT "' is not the name of an annotation",
						   STR_ARG(c->key));
		}
		list[n].pos = pos_of(c);
		TRY(copy(p, c->key, &list[n].name));
		TRY(copy(p, c->text, &list[n].value));
	}
	ret->list = list;
	ret->n = n;
	return RC_OK;
}

/* An array of strings: paths, or ids as they are. */
static enum rc read_names(struct cedar_parser *p, const struct json *j, const char *what,
			  bool are_paths, const struct cedar_sname **ret)
{
	struct cedar_sname *list = NULL;
	struct cedar_sname **tail = &list;

	TRY(want(p, j, JSON_ARRAY, what));
	for (const struct json *c = j->child; c; c = c->next) {
		struct cedar_sname *name = arena_alloc(p->arena, sizeof(*name));

		if (!name) {
			return RC_NOMEM;
		}
		name->pos = pos_of(c);
		TRY(want(p, c, JSON_STRING, what));
		TRY(are_paths ? read_path(p, c, &name->text) : copy(p, c->text, &name->text));
		*tail = name;
		tail = &name->next;
	}
	*ret = list;
	return RC_OK;
}

/* ---- types ---- */

static enum rc read_attr(struct cedar_parser *p, const struct json *j, struct cedar_sattr *a)
{
	const struct json *required;
	bool is_required = true;

	a->pos = pos_of(j);
	TRY(want(p, j, JSON_OBJECT, "an attribute"));
	TRY(copy(p, j->key, &a->name));
	TRY(read_notes(p, j, &a->notes));
	required = json_get(j, STR("required"));
	if (required && !json_bool(required, &is_required)) {
		return cedar_parser_refuse(p, pos_of(required),
					   "expected true or false as required, found %s",
					   json_type_name(json_type(required)));
	}
	a->is_optional = !is_required;
	return read_type(p, j, &a->type);
}

static enum rc read_record(struct cedar_parser *p, const struct json *j, struct cedar_stype *t)
{
	const struct json *more = get(j, "additionalAttributes");
	const struct json *attrs;
	struct cedar_sattr *list;
	bool is_open = false;

	TRY(only(p, j, "type attributes additionalAttributes required annotations", "a record"));
	if (more && (!json_bool(more, &is_open) || is_open)) {
		return cedar_parser_refuse(p, pos_of(more),
					   "additionalAttributes: records are closed");
	}
	TRY(need(p, j, "attributes", JSON_OBJECT, &attrs));
	list = arena_alloc_n(p->arena, attrs->count, sizeof(*list));
	if (!list) {
		return RC_NOMEM;
	}
	for (const struct json *c = attrs->child; c; c = c->next) {
		TRY(read_attr(p, c, &list[t->n_attrs++]));
	}
	t->kind = CEDAR_STYPE_RECORD;
	t->attrs = list;
	return RC_OK;
}

/* {"type": kind, "name": "..."} */
static enum rc read_named(struct cedar_parser *p, const struct json *j, struct str kind,
			  struct cedar_stype *t)
{
	const struct json *name;

	TRY(only(p, j, "type name required annotations", "a reference"));
	TRY(need(p, j, "name", JSON_STRING, &name));
	TRY(read_path(p, name, &t->name));
	t->pos = pos_of(name);
	if (str_eq(kind, STR("Entity"))) {
		t->ref = CEDAR_SREF_ENTITY;
	} else if (str_eq(kind, STR("Extension"))) {
		t->ref = CEDAR_SREF_COMMON;
		if (!str_has_prefix(t->name, STR("__cedar::"))) {
			t->name = arena_strf(p->arena, "__cedar::" STR_FMT, STR_ARG(t->name));
		}
	}
	return t->name.p ? RC_OK : RC_NOMEM;
}

/* {"type": name}: a type of the language, or a common type. */
static enum rc read_plain(struct cedar_parser *p, const struct json *j, const struct json *kind,
			  struct cedar_stype *t)
{
	static const struct {
		struct str json;
		struct str name;
	} plain[] = {
	    {{"String", 6}, {"__cedar::String", 15}},
	    {{"Long", 4}, {"__cedar::Long", 13}},
	    {{"Boolean", 7}, {"__cedar::Bool", 13}},
	};

	TRY(only(p, j, "type required annotations", "a type"));
	t->ref = CEDAR_SREF_COMMON;
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		if (str_eq(kind->text, plain[i].json)) {
			t->name = plain[i].name;
			return RC_OK;
		}
	}
	return read_path(p, kind, &t->name);
}

static enum rc read_type(struct cedar_parser *p, const struct json *j,
			 const struct cedar_stype **ret)
{
	struct cedar_stype *t = arena_alloc(p->arena, sizeof(*t));
	const struct json *kind;
	const struct json *elem;

	if (!t) {
		return RC_NOMEM;
	}
	TRY(want(p, j, JSON_OBJECT, "a type"));
	TRY(need(p, j, "type", JSON_STRING, &kind));
	*ret = t;
	t->pos = pos_of(j);
	if (str_eq(kind->text, STR("Record"))) {
		return read_record(p, j, t);
	}
	if (str_eq(kind->text, STR("Set"))) {
		t->kind = CEDAR_STYPE_SET;
		TRY(only(p, j, "type element required annotations", "a set"));
		TRY(need(p, j, "element", JSON_OBJECT, &elem));
		return read_type(p, elem, &t->elem);
	}
	if (str_eq(kind->text, STR("Entity")) || str_eq(kind->text, STR("Extension")) ||
	    str_eq(kind->text, STR("EntityOrCommon"))) {
		return read_named(p, j, kind->text, t);
	}
	return read_plain(p, j, kind, t);
}

/* ---- declarations ---- */

static enum rc read_entity(struct cedar_parser *p, const struct json *j, struct cedar_sentity *e)
{
	const struct json *ids = get(j, "enum");
	const struct json *parents = get(j, "memberOfTypes");
	const struct json *shape = get(j, "shape");
	const struct json *tags = get(j, "tags");

	e->pos = pos_of(j);
	TRY(copy(p, j->key, &e->name));
	TRY(cedar_schema_check_name(p, e->pos, e->name));
	if (ids) {
		TRY(only(p, j, "enum annotations", "an enumerated entity type"));
		TRY(read_notes(p, j, &e->notes));
		TRY(read_names(p, ids, "enum", false, &e->ids));
		if (!e->ids) {
			return cedar_parser_refuse(p, pos_of(ids),
						   "expected at least one id in enum, found none");
		}
		return RC_OK;
	}
	TRY(only(p, j, "memberOfTypes shape tags annotations", "an entity type"));
	TRY(read_notes(p, j, &e->notes));
	if (parents) {
		TRY(read_names(p, parents, "memberOfTypes", true, &e->parents));
	}
	if (shape) {
		TRY(read_type(p, shape, &e->shape));
	}
	return tags ? read_type(p, tags, &e->tags) : RC_OK;
}

static enum rc read_parents(struct cedar_parser *p, const struct json *j,
			    const struct cedar_sparent **ret)
{
	struct cedar_sparent *list = NULL;
	struct cedar_sparent **tail = &list;

	TRY(want(p, j, JSON_ARRAY, "memberOf"));
	for (const struct json *c = j->child; c; c = c->next) {
		struct cedar_sparent *parent = arena_alloc(p->arena, sizeof(*parent));
		const struct json *type = get(c, "type");
		const struct json *id;

		if (!parent) {
			return RC_NOMEM;
		}
		parent->pos = pos_of(c);
		TRY(only(p, c, "id type", "memberOf"));
		TRY(need(p, c, "id", JSON_STRING, &id));
		TRY(copy(p, id->text, &parent->id));
		if (type) {
			TRY(read_path(p, type, &parent->type));
		}
		*tail = parent;
		tail = &parent->next;
	}
	*ret = list;
	return RC_OK;
}

static enum rc read_action(struct cedar_parser *p, const struct json *j, struct cedar_saction *a)
{
	const struct json *applies = get(j, "appliesTo");
	const struct json *parents = get(j, "memberOf");
	const struct json *attrs = get(j, "attributes");
	const struct json *part;

	a->pos = pos_of(j);
	TRY(copy(p, j->key, &a->id));
	TRY(only(p, j, "appliesTo memberOf attributes annotations", "an action"));
	TRY(read_notes(p, j, &a->notes));
	if (attrs && (json_type(attrs) != JSON_OBJECT || attrs->count > 0)) {
		return cedar_parser_refuse(p, pos_of(attrs), "actions have no attributes");
	}
	if (parents) {
		TRY(read_parents(p, parents, &a->parents));
	}
	if (!applies) {
		return RC_OK;
	}
	TRY(only(p, applies, "principalTypes resourceTypes context", "appliesTo"));
	TRY(need(p, applies, "principalTypes", JSON_ARRAY, &part));
	TRY(read_names(p, part, "principalTypes", true, &a->principals));
	TRY(need(p, applies, "resourceTypes", JSON_ARRAY, &part));
	TRY(read_names(p, part, "resourceTypes", true, &a->resources));
	part = get(applies, "context");
	return part ? read_type(p, part, &a->context) : RC_OK;
}

static enum rc read_common(struct cedar_parser *p, const struct json *j, struct cedar_scommon *c)
{
	c->pos = pos_of(j);
	TRY(copy(p, j->key, &c->name));
	TRY(cedar_schema_check_common(p, c->pos, c->name));
	TRY(want(p, j, JSON_OBJECT, "a type"));
	TRY(read_notes(p, j, &c->notes));
	return read_type(p, j, &c->type);
}

/* ---- namespaces ---- */

static enum rc read_entities(struct cedar_parser *p, const struct json *j,
			     struct cedar_sentity **tail)
{
	for (const struct json *c = j->child; c; c = c->next) {
		struct cedar_sentity *e = arena_alloc(p->arena, sizeof(*e));

		if (!e) {
			return RC_NOMEM;
		}
		TRY(want(p, c, JSON_OBJECT, "an entity type"));
		TRY(read_entity(p, c, e));
		*tail = e;
		tail = &e->next;
	}
	return RC_OK;
}

static enum rc read_actions(struct cedar_parser *p, const struct json *j,
			    struct cedar_saction **tail)
{
	for (const struct json *c = j->child; c; c = c->next) {
		struct cedar_saction *a = arena_alloc(p->arena, sizeof(*a));

		if (!a) {
			return RC_NOMEM;
		}
		TRY(want(p, c, JSON_OBJECT, "an action"));
		TRY(read_action(p, c, a));
		*tail = a;
		tail = &a->next;
	}
	return RC_OK;
}

static enum rc read_commons(struct cedar_parser *p, const struct json *j,
			    struct cedar_scommon **tail)
{
	TRY(want(p, j, JSON_OBJECT, "commonTypes"));
	for (const struct json *child = j->child; child; child = child->next) {
		struct cedar_scommon *c = arena_alloc(p->arena, sizeof(*c));

		if (!c) {
			return RC_NOMEM;
		}
		TRY(read_common(p, child, c));
		*tail = c;
		tail = &c->next;
	}
	return RC_OK;
}

static enum rc read_namespace(struct cedar_parser *p, const struct json *j,
			      struct cedar_snamespace *space)
{
	const struct json *commons = get(j, "commonTypes");
	const struct json *part;

	space->pos = pos_of(j);
	TRY(copy(p, j->key, &space->name));
	if (space->name.n) {
		TRY(cedar_schema_check_space(p, space->pos, space->name));
	}
	TRY(only(p, j, "commonTypes entityTypes actions annotations", "a namespace"));
	TRY(read_notes(p, j, &space->notes));
	if (commons) {
		TRY(read_commons(p, commons, &space->commons));
	}
	TRY(need(p, j, "entityTypes", JSON_OBJECT, &part));
	TRY(read_entities(p, part, &space->entities));
	TRY(need(p, j, "actions", JSON_OBJECT, &part));
	return read_actions(p, part, &space->actions);
}

enum rc cedar_schema_read_json(struct cedar_parser *p, const struct json *j, struct cedar_schema *s)
{
	struct cedar_snamespace *list = NULL;
	struct cedar_snamespace **tail = &list;

	TRY(want(p, j, JSON_OBJECT, "a schema"));
	for (const struct json *c = j->child; c; c = c->next) {
		struct cedar_snamespace *space = arena_alloc(p->arena, sizeof(*space));

		if (!space) {
			return RC_NOMEM;
		}
		TRY(want(p, c, JSON_OBJECT, "a namespace"));
		TRY(read_namespace(p, c, space));
		*tail = space;
		tail = &space->next;
	}
	s->spaces = list;
	return RC_OK;
}
