/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/schema_resolve.c - what the names of a schema stand for.
 *
 * A name without "::" is looked for in its own namespace, then in the empty one, in each as a
 * common type before as an entity type; a name with "::" is what it says. The language's own types
 * are common types in __cedar, and in the empty namespace unless the schema defines their name
 * there itself.
 *
 * Trust:  declarations are hostile; their nesting is bounded by the readers.
 * Holds:  (1) common types do not contain themselves, actions are not their own groups.
 *         (2) recursion is bounded by CEDAR_LIMIT_NESTING, also through common types.
 */
#include "cedar/entities.h"
#include "cedar/nearest.h"
#include "cedar/schema_work.h"
#include "cedar/uid.h"

enum { MESSAGE_BYTES = 1024, WORD_BITS = 64 };

/* ---- names ---- */

static struct cedar_etype *find_type(const struct cedar_resolver *r, struct str name)
{
	return map_get(&r->s->types_by_name, name);
}

static enum rc refuse_unknown(struct cedar_resolver *r, struct cedar_pos pos, const char *what,
			      struct str name)
{
	struct cedar_nearest near = cedar_nearest_to(name);
	AUTO_BUF hint = BUF_INIT(MESSAGE_BYTES);
	const struct map_entry *e;
	size_t i = 0;

	for (size_t k = 0; k < r->s->n_types; k++) {
		cedar_nearest_offer(&near, r->s->types[k]->name);
	}
	while ((e = map_next(&r->s->commons, &i))) {
		cedar_nearest_offer(&near, e->key);
	}
	(void)cedar_nearest_say(&near, &hint); /* the message stands without it */
	return cedar_parser_refuse(r->p, pos, "unknown %s '" STR_FMT "'" STR_FMT, what,
				   STR_ARG(name), STR_ARG(buf_view(&hint)));
}

/* What a name may stand for, in order of precedence; the second is empty when there is none. */
static enum rc candidates(struct cedar_resolver *r, const struct cedar_snamespace *space,
			  struct str name, struct str ret[2])
{
	ret[0] = str_contains(name, STR("::")) ? name : cedar_schema_full_name(r, space, name);
	ret[1] = space->name.n && !str_contains(name, STR("::")) ? name : STR("");
	return ret[0].p ? RC_OK : RC_NOMEM;
}

/* ---- types ---- */

static enum rc resolve_type(struct cedar_resolver *r, const struct cedar_snamespace *space,
			    const struct cedar_stype *t, const struct cedar_ty **ret);

static enum rc resolve_common(struct cedar_resolver *r, struct cedar_common *c,
			      struct cedar_pos pos, const struct cedar_ty **ret)
{
	if (c->progress == CEDAR_BEING_RESOLVED) {
		return cedar_parser_refuse(r->p, pos, "type '" STR_FMT "' contains itself",
					   STR_ARG(c->source->name));
	}
	if (c->progress == CEDAR_UNTOUCHED) {
		c->progress = CEDAR_BEING_RESOLVED;
		TRY(resolve_type(r, c->space, c->source->type, &c->type));
		c->progress = CEDAR_RESOLVED;
	}
	*ret = c->type;
	return RC_OK;
}

static enum rc resolve_name(struct cedar_resolver *r, const struct cedar_snamespace *space,
			    const struct cedar_stype *t, const struct cedar_ty **ret)
{
	struct str names[2];

	TRY(candidates(r, space, t->name, names));
	for (size_t i = 0; i < ARRAY_LEN(names) && names[i].n; i++) {
		struct cedar_common *c = map_get(&r->s->commons, names[i]);
		struct cedar_etype *e = find_type(r, names[i]);

		if (c && t->ref != CEDAR_SREF_ENTITY) {
			return resolve_common(r, c, t->pos, ret);
		}
		if (e && t->ref != CEDAR_SREF_COMMON) {
			*ret = e->self;
			return RC_OK;
		}
	}
	return refuse_unknown(r, t->pos, t->ref == CEDAR_SREF_ENTITY ? "entity type" : "type",
			      t->name);
}

static enum rc too_large(struct cedar_resolver *r, struct cedar_pos pos, bool is_limit)
{
	if (!is_limit) {
		return RC_NOMEM;
	}
	r->p->token.pos = pos;
	return cedar_parser_limit(r->p, "a type is too deep or, written out, too large");
}

static enum rc resolve_record(struct cedar_resolver *r, const struct cedar_snamespace *space,
			      const struct cedar_stype *t, const struct cedar_ty **ret)
{
	struct cedar_ty_attr *attrs = arena_alloc_n(&r->s->arena, t->n_attrs, sizeof(*attrs));
	bool is_limit = false;

	if (!attrs) {
		return RC_NOMEM;
	}
	for (size_t i = 0; i < t->n_attrs; i++) {
		attrs[i].name = t->attrs[i].name;
		attrs[i].is_required = !t->attrs[i].is_optional;
		TRY(resolve_type(r, space, t->attrs[i].type, &attrs[i].type));
	}
	*ret = cedar_ty_record(&r->s->arena, attrs, t->n_attrs, &is_limit);
	if (!*ret) {
		return too_large(r, t->pos, is_limit);
	}
	for (size_t i = 1; i < t->n_attrs; i++) {
		if (str_eq(attrs[i - 1].name, attrs[i].name)) {
			return cedar_parser_refuse(r->p, t->pos,
						   "attribute '" STR_FMT "' is there twice",
						   STR_ARG(attrs[i].name));
		}
	}
	return RC_OK;
}

static enum rc resolve_type(struct cedar_resolver *r, const struct cedar_snamespace *space,
			    const struct cedar_stype *t, const struct cedar_ty **ret)
{
	const struct cedar_ty *elem;
	bool is_limit = false;

	if (r->p->nesting >= CEDAR_LIMIT_NESTING) {
		r->p->token.pos = t->pos;
		return cedar_parser_limit(r->p, "a type is nested too deeply");
	}
	r->p->nesting++;
	switch (t->kind) {
	case CEDAR_STYPE_NAME:
		TRY(resolve_name(r, space, t, ret));
		break;
	case CEDAR_STYPE_RECORD:
		TRY(resolve_record(r, space, t, ret));
		break;
	case CEDAR_STYPE_SET:
		TRY(resolve_type(r, space, t->elem, &elem));
		*ret = cedar_ty_set(&r->s->arena, elem, &is_limit);
		if (!*ret) {
			return too_large(r, t->pos, is_limit);
		}
		break;
	}
	r->p->nesting--;
	return RC_OK;
}

/* A record, which a shape and a context must be; t == NULL stands for {}. */
static enum rc resolve_shape(struct cedar_resolver *r, const struct cedar_snamespace *space,
			     const struct cedar_stype *t, const char *what,
			     const struct cedar_ty **ret)
{
	*ret = &cedar_ty_empty_record;
	if (!t) {
		return RC_OK;
	}
	TRY(resolve_type(r, space, t, ret));
	if ((*ret)->kind != CEDAR_TY_RECORD) {
		AUTO_BUF shown = BUF_INIT(MESSAGE_BYTES);

		(void)cedar_ty_print(&shown, *ret); /* only shown */
		return cedar_parser_refuse(r->p, t->pos, "expected a record as %s, found " STR_FMT,
					   what, STR_ARG(buf_view(&shown)));
	}
	return RC_OK;
}

/* ---- entity types ---- */

static void add_ancestor(struct cedar_etype *t, const struct cedar_etype *ancestor)
{
	t->ancestors[ancestor->index / WORD_BITS] |= UINT64_C(1) << ancestor->index % WORD_BITS;
}

static bool has_ancestor(const struct cedar_etype *t, const struct cedar_etype *ancestor)
{
	return t->ancestors[ancestor->index / WORD_BITS] >> ancestor->index % WORD_BITS & 1;
}

/* A declared entity type that is not one of actions. */
static enum rc resolve_entity_name(struct cedar_resolver *r, const struct cedar_snamespace *space,
				   const struct cedar_sname *name, struct cedar_etype **ret)
{
	struct str names[2];

	TRY(candidates(r, space, name->text, names));
	for (size_t i = 0; i < ARRAY_LEN(names) && names[i].n; i++) {
		*ret = find_type(r, names[i]);
		if (*ret && !(*ret)->is_action) {
			return RC_OK;
		}
	}
	return refuse_unknown(r, name->pos, "entity type", name->text);
}

static enum rc resolve_entities(struct cedar_resolver *r)
{
	struct cedar_schema *s = r->s;
	size_t words = s->n_types / WORD_BITS + 1;

	for (size_t i = 0; i < s->n_types; i++) {
		s->types[i]->ancestors = arena_alloc_n(&s->arena, words, sizeof(uint64_t));
		if (!s->types[i]->ancestors) {
			return RC_NOMEM;
		}
	}
	for (size_t i = 0; i < s->n_types; i++) {
		struct cedar_etype *t = s->types[i];

		if (!t->source) {
			continue; /* of actions */
		}
		TRY(resolve_shape(r, t->space, t->source->shape, "attributes", &t->attrs));
		if (t->source->tags) {
			TRY(resolve_type(r, t->space, t->source->tags, &t->tags));
		}
		for (const struct cedar_sname *n = t->source->parents; n; n = n->next) {
			struct cedar_etype *parent;

			TRY(resolve_entity_name(r, t->space, n, &parent));
			add_ancestor(t, parent);
		}
	}
	/* Warshall's closure. */
	for (size_t k = 0; k < s->n_types; k++) {
		for (size_t i = 0; i < s->n_types; i++) {
			if (!has_ancestor(s->types[i], s->types[k])) {
				continue;
			}
			for (size_t w = 0; w < words; w++) {
				s->types[i]->ancestors[w] |= s->types[k]->ancestors[w];
			}
		}
	}
	return RC_OK;
}

/* ---- actions ---- */

static enum rc resolve_types(struct cedar_resolver *r, const struct cedar_snamespace *space,
			     const struct cedar_sname *names, const struct cedar_etype *const **ret,
			     size_t *ret_n)
{
	const struct cedar_etype **list;
	size_t n = 0;

	for (const struct cedar_sname *x = names; x; x = x->next) {
		n++;
	}
	list = arena_alloc_n(&r->s->arena, n, sizeof(struct cedar_etype *));
	if (!list) {
		return RC_NOMEM;
	}
	n = 0;
	for (const struct cedar_sname *x = names; x; x = x->next) {
		struct cedar_etype *t;
		bool is_there = false;

		TRY(resolve_entity_name(r, space, x, &t));
		for (size_t i = 0; i < n; i++) {
			is_there = is_there || list[i] == t;
		}
		if (!is_there) {
			list[n++] = t;
		}
	}
	*ret = list;
	*ret_n = n;
	return RC_OK;
}

static enum rc refuse_action(struct cedar_resolver *r, const struct cedar_sparent *parent)
{
	struct cedar_nearest near = cedar_nearest_to(parent->id);
	AUTO_BUF hint = BUF_INIT(MESSAGE_BYTES);

	for (size_t i = 0; i < r->s->n_actions; i++) {
		cedar_nearest_offer(&near, r->s->actions[i]->uid->id);
	}
	(void)cedar_nearest_say(&near, &hint); /* the message stands without it */
	return cedar_parser_refuse(r->p, parent->pos, "unknown action '" STR_FMT "'" STR_FMT,
				   STR_ARG(parent->id), STR_ARG(buf_view(&hint)));
}

static enum rc resolve_parent(struct cedar_resolver *r, const struct cedar_snamespace *space,
			      const struct cedar_sparent *parent, const struct cedar_uid **ret)
{
	struct str names[2];

	TRY(candidates(r, space, parent->type.p ? parent->type : STR("Action"), names));
	for (size_t i = 0; i < ARRAY_LEN(names) && names[i].n; i++) {
		const struct cedar_action *a;
		const struct cedar_uid *uid;

		TRY(cedar_uid_make(&r->s->arena, names[i], parent->id, &uid));
		a = cedar_schema_action(r->s, uid);
		if (a) {
			*ret = a->uid;
			return RC_OK;
		}
	}
	return refuse_action(r, parent);
}

/* err's message as ours. */
static enum rc pass_on(struct cedar_resolver *r, struct cedar_pos pos, enum rc rc,
		       const struct err *e)
{
	if (rc == RC_LIMIT) {
		r->p->token.pos = pos;
		return cedar_parser_limit(r->p, e->msg);
	}
	return rc == RC_INPUT ? cedar_parser_refuse(r->p, pos, "%s", e->msg) : rc;
}

static enum rc add_to_hierarchy(struct cedar_resolver *r, const struct cedar_action *a)
{
	const struct cedar_uid **list;
	struct err e = ERR_INIT;
	size_t n = 0;
	enum rc rc;

	for (const struct cedar_sparent *p = a->source->parents; p; p = p->next) {
		n++;
	}
	list = arena_alloc_n(&r->s->arena, n, sizeof(struct cedar_uid *));
	if (!list) {
		return RC_NOMEM;
	}
	n = 0;
	for (const struct cedar_sparent *p = a->source->parents; p; p = p->next) {
		TRY(resolve_parent(r, a->space, p, &list[n++]));
	}
	rc = cedar_entities_add(r->s->hierarchy,
				&(struct cedar_entity){
				    .uid = a->uid,
				    .parents = list,
				    .n_parents = n,
				},
				&e);
	return rc == RC_OK ? RC_OK : pass_on(r, a->source->pos, rc, &e);
}

static enum rc seal_hierarchy(struct cedar_resolver *r)
{
	struct cedar_schema *s = r->s;
	struct err e = ERR_INIT;
	enum rc rc = cedar_entities_seal(s->hierarchy, &e);

	if (rc != RC_OK) {
		return pass_on(r, s->spaces->pos, rc, &e);
	}
	/* Which types of actions can be in which. */
	for (size_t i = 0; i < s->n_actions; i++) {
		const struct cedar_node *node =
		    cedar_entities_find(s->hierarchy, s->actions[i]->uid);
		struct cedar_etype *t = find_type(r, s->actions[i]->uid->type);

		for (uint32_t k = 0; k < node->n_ancestors; k++) {
			add_ancestor(t, find_type(r, node->ancestors[k]->type));
		}
	}
	return RC_OK;
}

static enum rc resolve_actions(struct cedar_resolver *r)
{
	struct cedar_schema *s = r->s;
	struct err e = ERR_INIT;

	TRY(cedar_entities_new(&s->arena, NULL, &s->hierarchy, &e));
	for (size_t i = 0; i < s->n_actions; i++) {
		struct cedar_action *a = s->actions[i];
		const struct cedar_saction *source = a->source;

		TRY(resolve_types(r, a->space, source->principals, &a->principals,
				  &a->n_principals));
		TRY(resolve_types(r, a->space, source->resources, &a->resources, &a->n_resources));
		TRY(resolve_shape(r, a->space, source->context, "context", &a->context));
		TRY(add_to_hierarchy(r, a));
	}
	return seal_hierarchy(r);
}

static enum rc resolve_commons(struct cedar_resolver *r)
{
	const struct map_entry *e;
	size_t i = 0;

	while ((e = map_next(&r->s->commons, &i))) {
		struct cedar_common *c = e->value;
		const struct cedar_ty *type;

		TRY(resolve_common(r, c, c->source ? c->source->pos : (struct cedar_pos){0},
				   &type));
	}
	return RC_OK;
}

enum rc cedar_schema_resolve(struct cedar_parser *p, struct cedar_schema *s)
{
	struct cedar_resolver r = {.p = p, .s = s};

	p->nesting = 0;
	TRY(cedar_schema_declare(&r));
	TRY(resolve_commons(&r));
	TRY(resolve_entities(&r));
	return resolve_actions(&r);
}
