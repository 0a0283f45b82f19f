/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/schema_declare.c - which names a schema declares, before any is resolved.
 *
 * Trust:  declarations are hostile; their number is bounded by the text's length.
 * Holds:  (1) every full name is declared once; no namespace shadows the empty one.
 *         (2) the language's own types are in __cedar, and in the empty namespace where the schema
 *             does not define their name itself.
 */
#include "cedar/schema_work.h"
#include "cedar/text.h"
#include "cedar/uid.h"

/* ---- names ---- */

enum rc cedar_schema_check_space(struct cedar_parser *p, struct cedar_pos pos, struct str name)
{
	if (!cedar_is_name(name)) {
		return cedar_parser_refuse(
		    p, pos, "'" STR_FMT "' cannot be declared: it is reserved or no name",
		    STR_ARG(name));
	}
	return RC_OK;
}

enum rc cedar_schema_check_name(struct cedar_parser *p, struct cedar_pos pos, struct str name)
{
	if (!cedar_is_ident(name)) {
		return cedar_parser_refuse(
		    p, pos, "'" STR_FMT "' cannot be declared: it is reserved or no identifier",
		    STR_ARG(name));
	}
	return RC_OK;
}

enum rc cedar_schema_check_common(struct cedar_parser *p, struct cedar_pos pos, struct str name)
{
	static const char *const taken[] = {
	    "Bool", "Boolean", "Entity", "Extension", "Long", "Record", "Set", "String",
	};

	for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
		if (str_eq(name, str_from(taken[i]))) {
			return cedar_parser_refuse(
			    p, pos, "a type cannot have the name '%s', which is reserved",
			    taken[i]);
		}
	}
	return cedar_schema_check_name(p, pos, name);
}

struct str cedar_schema_full_name(struct cedar_resolver *r, const struct cedar_snamespace *space,
				  struct str name)
{
	return space->name.n ? arena_strf(&r->s->arena, STR_FMT "::" STR_FMT, STR_ARG(space->name),
					  STR_ARG(name))
			     : name;
}

static struct cedar_etype *find_type(const struct cedar_resolver *r, struct str name)
{
	return map_get(&r->s->types_by_name, name);
}

/* ---- declaring ---- */

static enum rc declare_type(struct cedar_resolver *r, struct cedar_pos pos, struct str name,
			    struct cedar_etype **ret)
{
	struct cedar_schema *s = r->s;
	struct cedar_etype *t = arena_alloc(&s->arena, sizeof(*t));
	struct cedar_ty *self = arena_alloc(&s->arena, sizeof(*self));
	const struct cedar_etype **one = arena_alloc(&s->arena, sizeof(struct cedar_etype *));

	if (!t || !self || !one || !name.p) {
		return RC_NOMEM;
	}
	if (s->n_types >= CEDAR_LIMIT_SCHEMA_TYPES) {
		r->p->token.pos = pos;
		return cedar_parser_limit(r->p, "too many entity types in one schema");
	}
	*one = t;
	*self = (struct cedar_ty){.kind = CEDAR_TY_ENTITY, .n = 1, .weight = 1, .entities = one};
	t->name = name;
	t->index = (uint32_t)s->n_types;
	t->self = self;
	t->attrs = &cedar_ty_empty_record;
	TRY(map_put(&s->types_by_name, name, t));
	s->types[s->n_types++] = t;
	*ret = t;
	return RC_OK;
}

static enum rc declare_entity(struct cedar_resolver *r, const struct cedar_snamespace *space,
			      const struct cedar_sentity *e)
{
	struct str name = cedar_schema_full_name(r, space, e->name);
	struct cedar_etype *t;

	if (str_eq(e->name, STR("Action"))) {
		return cedar_parser_refuse(
		    r->p, e->pos, "'Action' is the type of actions and cannot be declared");
	}
	if (name.p && find_type(r, name)) {
		return cedar_parser_refuse(
		    r->p, e->pos, "entity type '" STR_FMT "' is declared twice", STR_ARG(name));
	}
	TRY(declare_type(r, e->pos, name, &t));
	t->source = e;
	t->space = space;
	t->is_enum = e->ids != NULL;
	for (const struct cedar_sname *id = e->ids; id; id = id->next) {
		t->n_ids++;
	}
	t->ids = arena_alloc_n(&r->s->arena, t->n_ids, sizeof(*t->ids));
	if (!t->ids) {
		return RC_NOMEM;
	}
	t->n_ids = 0;
	for (const struct cedar_sname *id = e->ids; id; id = id->next) {
		t->ids[t->n_ids++] = id->text;
	}
	return RC_OK;
}

static enum rc declare_common(struct cedar_resolver *r, const struct cedar_snamespace *space,
			      const struct cedar_scommon *source)
{
	struct str name = cedar_schema_full_name(r, space, source->name);
	struct cedar_common *c = arena_alloc(&r->s->arena, sizeof(*c));

	if (!c || !name.p) {
		return RC_NOMEM;
	}
	if (map_get(&r->s->commons, name)) {
		return cedar_parser_refuse(r->p, source->pos,
					   "type '" STR_FMT "' is declared twice", STR_ARG(name));
	}
	c->source = source;
	c->space = space;
	return map_put(&r->s->commons, name, c);
}

static struct str action_key(const struct cedar_uid *uid)
{
	return str_of(uid->type.p, uid->type.n + 1 + uid->id.n);
}

static enum rc declare_action(struct cedar_resolver *r, const struct cedar_snamespace *space,
			      const struct cedar_saction *source)
{
	struct cedar_schema *s = r->s;
	struct cedar_action *a = arena_alloc(&s->arena, sizeof(*a));
	struct str type = cedar_schema_full_name(r, space, STR("Action"));
	struct cedar_etype *t = NULL;

	if (!a || !type.p) {
		return RC_NOMEM;
	}
	if (s->n_actions >= CEDAR_LIMIT_SCHEMA_ACTIONS) {
		r->p->token.pos = source->pos;
		return cedar_parser_limit(r->p, "too many actions in one schema");
	}
	t = find_type(r, type);
	if (!t) {
		TRY(declare_type(r, source->pos, type, &t));
		t->is_action = true;
	}
	a->type = t;
	a->source = source;
	a->space = space;
	TRY(cedar_uid_make(&s->arena, t->name, source->id, &a->uid));
	if (map_get(&s->actions_by_key, action_key(a->uid))) {
		return cedar_parser_refuse(r->p, source->pos,
					   "action '" STR_FMT "' is declared twice",
					   STR_ARG(source->id));
	}
	TRY(map_put(&s->actions_by_key, action_key(a->uid), a));
	s->actions[s->n_actions++] = a;
	return RC_OK;
}

/* Room for every type and action there can be. */
static enum rc reserve(struct cedar_resolver *r)
{
	size_t types = 0;
	size_t actions = 0;

	for (const struct cedar_snamespace *n = r->s->spaces; n; n = n->next) {
		types++;
		for (const struct cedar_sentity *e = n->entities; e; e = e->next) {
			types++;
		}
		for (const struct cedar_saction *a = n->actions; a; a = a->next) {
			actions++;
		}
	}
	r->s->types = arena_alloc_n(&r->s->arena, types, sizeof(*r->s->types));
	r->s->actions = arena_alloc_n(&r->s->arena, actions, sizeof(*r->s->actions));
	return r->s->types && r->s->actions ? RC_OK : RC_NOMEM;
}

static enum rc declare_all(struct cedar_resolver *r)
{
	for (const struct cedar_snamespace *n = r->s->spaces; n; n = n->next) {
		for (const struct cedar_sentity *e = n->entities; e; e = e->next) {
			TRY(declare_entity(r, n, e));
		}
		for (const struct cedar_scommon *c = n->commons; c; c = c->next) {
			TRY(declare_common(r, n, c));
		}
		for (const struct cedar_saction *a = n->actions; a; a = a->next) {
			TRY(declare_action(r, n, a));
		}
	}
	return RC_OK;
}

static enum rc add_builtin(struct cedar_resolver *r, const char *name, const struct cedar_ty *type)
{
	struct cedar_common *c = arena_alloc(&r->s->arena, sizeof(*c));
	struct str own = arena_strf(&r->s->arena, "__cedar::%s", name);

	if (!c || !own.p) {
		return RC_NOMEM;
	}
	c->type = type;
	c->progress = CEDAR_RESOLVED;
	TRY(map_put(&r->s->commons, own, c));
	if (find_type(r, str_from(name)) || map_get(&r->s->commons, str_from(name))) {
		return RC_OK;
	}
	return map_put(&r->s->commons, str_from(name), c);
}

static enum rc add_builtins(struct cedar_resolver *r)
{
	TRY(add_builtin(r, "Bool", &cedar_ty_bool));
	TRY(add_builtin(r, "Long", &cedar_ty_long));
	TRY(add_builtin(r, "String", &cedar_ty_string));
	for (int t = CEDAR_IPADDR; t <= CEDAR_DURATION; t++) {
		const char *name = cedar_type_name((enum cedar_type)t);

		TRY(add_builtin(r, name, cedar_ty_ext((enum cedar_type)t)));
	}
	return RC_OK;
}

/* ---- shadowing ---- */

static enum rc refuse_shadow(struct cedar_resolver *r, struct cedar_pos pos, struct str name,
			     struct str space)
{
	return cedar_parser_refuse(r->p, pos,
				   "'" STR_FMT "' in namespace '" STR_FMT
				   "' shadows the one in the empty namespace",
				   STR_ARG(name), STR_ARG(space));
}

static bool is_in_empty(const struct cedar_resolver *r, struct str name)
{
	const struct cedar_etype *t = find_type(r, name);
	const struct cedar_common *c = map_get(&r->s->commons, name);

	return (t && !t->is_action) || c;
}

/* Before the language's own names are added, which may be shadowed. */
static enum rc check_shadows(struct cedar_resolver *r)
{
	for (const struct cedar_snamespace *n = r->s->spaces; n; n = n->next) {
		if (n->name.n == 0) {
			continue;
		}
		for (const struct cedar_sentity *e = n->entities; e; e = e->next) {
			if (is_in_empty(r, e->name)) {
				return refuse_shadow(r, e->pos, e->name, n->name);
			}
		}
		for (const struct cedar_scommon *c = n->commons; c; c = c->next) {
			if (is_in_empty(r, c->name)) {
				return refuse_shadow(r, c->pos, c->name, n->name);
			}
		}
		for (const struct cedar_saction *a = n->actions; a; a = a->next) {
			const struct cedar_uid *uid;

			TRY(cedar_uid_make(&r->s->arena, STR("Action"), a->id, &uid));
			if (map_get(&r->s->actions_by_key, action_key(uid))) {
				return refuse_shadow(r, a->pos, a->id, n->name);
			}
		}
	}
	return RC_OK;
}

static enum rc check_spaces(struct cedar_resolver *r)
{
	AUTO_MAP seen = MAP_INIT;

	for (const struct cedar_snamespace *n = r->s->spaces; n; n = n->next) {
		if (map_get(&seen, n->name)) {
			return cedar_parser_refuse(r->p, n->pos,
						   "namespace '" STR_FMT "' is there twice",
						   STR_ARG(n->name));
		}
		TRY(map_put(&seen, n->name, r));
	}
	return RC_OK;
}

enum rc cedar_schema_declare(struct cedar_resolver *r)
{
	TRY(check_spaces(r));
	TRY(reserve(r));
	TRY(declare_all(r));
	TRY(check_shadows(r));
	return add_builtins(r);
}
