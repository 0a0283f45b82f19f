/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/json_typed.c - values, entities and contexts from JSON, read by a schema.
 *
 * Trust:  the JSON is hostile; its depth is bounded by its parser.
 * Holds:  what is accepted is of the type that was expected; only what an entity's ancestors are is
 *         left for later, when all entities are known.
 */
#include "cedar/conform.h"
#include "cedar/entities.h"
#include "codec/json.h"

/* What a value is read for. */
struct reading {
	struct arena *arena;
	const struct cedar_schema *schema;
};

static enum rc read_typed(struct reading *r, const struct json *j, const struct cedar_ty *t,
			  struct cedar_value *ret, struct err *e);

/* Without hints from the type, as cedar/json.c does. */
static enum rc read_plain(struct reading *r, const struct json *j, struct cedar_value *ret,
			  struct err *e)
{
	const struct cedar_value *v;

	TRY(cedar_value_from_json(r->arena, j, &v, e));
	*ret = *v;
	return RC_OK;
}

static enum rc read_entity(struct reading *r, const struct json *j, struct cedar_value *ret,
			   struct err *e)
{
	const struct cedar_uid *uid;

	TRY(cedar_uid_from_json(r->arena, j, &uid, e));
	*ret = cedar_make_uid(uid);
	return RC_OK;
}

/* {"__extn": {"fn", "arg"}}, {"fn", "arg"} or just the argument. */
static enum rc read_ext(struct reading *r, const struct json *j, const struct cedar_ty *t,
			struct cedar_value *ret, struct err *e)
{
	static const struct str constructors[] = {
	    [CEDAR_IPADDR] = {"ip", 2},
	    [CEDAR_DECIMAL] = {"decimal", 7},
	    [CEDAR_DATETIME] = {"datetime", 8},
	    [CEDAR_DURATION] = {"duration", 8},
	};
	const struct cedar_value *v;
	struct json wrapped = {.type = JSON_OBJECT, .count = 1};
	struct json inner;
	struct str text;

	if (json_str(j, &text)) {
		TRY(cedar_value_ext(r->arena, constructors[t->ext], text, &v, e));
		*ret = *v;
		return RC_OK;
	}
	if (json_get(j, STR("fn"))) {
		inner = *j;
		inner.key = STR("__extn");
		inner.next = NULL;
		wrapped.child = &inner;
		return read_plain(r, &wrapped, ret, e);
	}
	return read_plain(r, j, ret, e);
}

static enum rc read_set(struct reading *r, const struct json *j, const struct cedar_ty *t,
			struct cedar_value *ret, struct err *e)
{
	struct cedar_value *items = arena_alloc_n(r->arena, j->count, sizeof(*items));
	size_t n = 0;

	if (!items) {
		return cedar_arena_rc(r->arena, j->count * sizeof(*items), e);
	}
	for (const struct json *c = j->child; c; c = c->next) {
		TRY(read_typed(r, c, t->elem, &items[n++], e));
	}
	if (cedar_make_set(items, n, NULL, ret) != RC_OK) {
		FAIL(e, RC_LIMIT, "a set is nested deeper than %d", (int)CEDAR_LIMIT_VALUE_DEPTH);
	}
	return RC_OK;
}

/* An object whose members are of the types of t's attributes, or all of type of_all. */
static enum rc read_fields(struct reading *r, const struct json *j, const struct cedar_ty *t,
			   const struct cedar_ty *of_all, struct cedar_value *ret, struct err *e)
{
	struct cedar_slot *fields = arena_alloc_n(r->arena, j->count, sizeof(*fields));
	struct str twice;
	size_t n = 0;

	if (!fields) {
		return cedar_arena_rc(r->arena, j->count * sizeof(*fields), e);
	}
	for (const struct json *c = j->child; c; c = c->next, n++) {
		const struct cedar_ty_attr *attr = t ? cedar_ty_find(t, c->key) : NULL;
		const struct cedar_ty *type = attr ? attr->type : of_all;
		enum rc rc;

		fields[n].name = arena_str(r->arena, c->key);
		if (!fields[n].name.p) {
			return cedar_arena_rc(r->arena, c->key.n, e);
		}
		/* Those that are not declared are found by the check of the whole. */
		rc = type ? read_typed(r, c, type, &fields[n].value, e)
			  : read_plain(r, c, &fields[n].value, e);
		if (rc != RC_OK) {
			return err_wrap(e, rc, "attribute '" STR_FMT "'", STR_ARG(c->key));
		}
	}
	/* The JSON parser has refused duplicates. */
	if (cedar_make_record(fields, n, ret, &twice) != RC_OK) {
		FAIL(e, RC_LIMIT, "a record is nested deeper than %d",
		     (int)CEDAR_LIMIT_VALUE_DEPTH);
	}
	return RC_OK;
}

static enum rc read_typed(struct reading *r, const struct json *j, const struct cedar_ty *t,
			  struct cedar_value *ret, struct err *e)
{
	if (t->kind == CEDAR_TY_ENTITY) {
		return read_entity(r, j, ret, e);
	}
	if (t->kind == CEDAR_TY_EXT) {
		return read_ext(r, j, t, ret, e);
	}
	if (t->kind == CEDAR_TY_SET && json_type(j) == JSON_ARRAY) {
		return read_set(r, j, t, ret, e);
	}
	if (t->kind == CEDAR_TY_RECORD && json_type(j) == JSON_OBJECT) {
		return read_fields(r, j, t, NULL, ret, e);
	}
	return read_plain(r, j, ret, e);
}

/* ---- entities ---- */

static enum rc read_object(struct reading *r, const struct json *j, const char *what,
			   const struct cedar_ty *t, const struct cedar_ty *of_all,
			   const struct cedar_value **ret, struct err *e)
{
	struct cedar_value v;

	if (json_type(j) != JSON_OBJECT) {
		FAIL(e, RC_INPUT, "%s: expected an object, found %s", what,
		     json_type_name(json_type(j)));
	}
	TRY(read_fields(r, j, t, of_all, &v, e));
	return cedar_value_box(r->arena, v, ret, e);
}

static enum rc read_parents(struct reading *r, const struct json *j, struct cedar_entity *entity,
			    struct err *e)
{
	const struct cedar_uid **list;

	if (json_type(j) != JSON_ARRAY) {
		FAIL(e, RC_INPUT, "parents: expected an array, found %s",
		     json_type_name(json_type(j)));
	}
	list = arena_alloc_n(r->arena, j->count, sizeof(struct cedar_uid *));
	if (!list) {
		return cedar_arena_rc(r->arena, j->count * sizeof(*list), e);
	}
	for (const struct json *c = j->child; c; c = c->next) {
		TRY(cedar_uid_from_json(r->arena, c, &list[entity->n_parents++], e));
	}
	entity->parents = list;
	return RC_OK;
}

static enum rc read_one(struct reading *r, const struct json *j, struct cedar_entity *entity,
			struct err *e)
{
	const struct json *tags = json_get(j, STR("tags"));
	const struct cedar_etype *t;

	if (json_type(j) != JSON_OBJECT) {
		FAIL(e, RC_INPUT, "expected an object, found %s", json_type_name(json_type(j)));
	}
	TRY(cedar_uid_from_json(r->arena, json_get(j, STR("uid")), &entity->uid, e));
	TRY(cedar_conform_uid(r->schema, entity->uid, e));
	t = cedar_schema_type(r->schema, entity->uid->type);
	TRY(read_object(r, json_get(j, STR("attrs")), "attrs", t->attrs, NULL, &entity->attrs, e));
	TRY(cedar_conform_value(r->schema, entity->attrs, t->attrs, e));
	TRY(read_parents(r, json_get(j, STR("parents")), entity, e));
	return tags ? read_object(r, tags, "tags", NULL, t->tags, &entity->tags, e) : RC_OK;
}

static bool has_uid(const struct cedar_entity *entity, const struct cedar_uid *uid)
{
	for (size_t i = 0; i < entity->n_parents; i++) {
		if (cedar_uid_equal(entity->parents[i], uid)) {
			return true;
		}
	}
	return false;
}

/* Does the array say of the action what the schema does? Its groups may be all or those that the
 * others follow from. */
static enum rc check_action(const struct cedar_schema *s, const struct cedar_entity *entity,
			    struct err *e)
{
	const struct cedar_node *ours = cedar_entities_find(s->hierarchy, entity->uid);
	bool is_same = !entity->tags || cedar_value_count(entity->tags) == 0;

	for (size_t i = 0; is_same && i < entity->n_parents; i++) {
		is_same = cedar_node_has_ancestor(ours, entity->parents[i]);
	}
	for (uint32_t i = 0; is_same && i < ours->n_ancestors; i++) {
		is_same = has_uid(entity, ours->ancestors[i]);
		for (size_t k = 0; !is_same && k < entity->n_parents; k++) {
			is_same =
			    cedar_entities_in(s->hierarchy, entity->parents[k], ours->ancestors[i]);
		}
	}
	if (!is_same) {
		FAIL(e, RC_INPUT, "action " STR_FMT "::\"" STR_FMT "\" differs from the schema's",
		     STR_ARG(entity->uid->type), STR_ARG(entity->uid->id));
	}
	return RC_OK;
}

static enum rc add_one(struct reading *r, struct cedar_entities *s, const struct json *j,
		       struct err *e)
{
	struct cedar_entity entity = {0};

	TRY(read_one(r, j, &entity, e));
	if (cedar_is_action_type(entity.uid->type)) {
		return check_action(r->schema, &entity, e); /* the schema's own is added */
	}
	return cedar_entities_add(s, &entity, e);
}

static enum rc add_actions(struct cedar_entities *s, const struct cedar_schema *schema,
			   struct err *e)
{
	for (size_t i = 0; i < cedar_entities_count(schema->hierarchy); i++) {
		const struct cedar_node *node = cedar_entities_node(schema->hierarchy, i);
		const struct cedar_entity action = {
		    .uid = node->uid,
		    .parents = node->parents,
		    .n_parents = node->n_parents,
		};

		if (!cedar_entities_find(s, node->uid)) {
			TRY(cedar_entities_add(s, &action, e));
		}
	}
	return RC_OK;
}

enum rc cedar_entities_add_json_as(struct cedar_entities *s, const struct cedar_schema *schema,
				   const struct json *array, struct err *e)
{
	struct reading r = {.arena = cedar_entities_arena(s), .schema = schema};
	size_t i = 0;

	if (json_type(array) != JSON_ARRAY) {
		FAIL(e, RC_INPUT, "entities: expected an array, found %s",
		     json_type_name(json_type(array)));
	}
	for (const struct json *c = array->child; c; c = c->next, i++) {
		enum rc rc = add_one(&r, s, c, e);

		if (rc != RC_OK) {
			return err_wrap(e, rc, "entity %zu", i);
		}
	}
	return add_actions(s, schema, e);
}

/* ---- context ---- */

enum rc cedar_context_from_json(struct arena *arena, const struct cedar_schema *schema,
				const struct cedar_uid *action, const struct json *j,
				const struct cedar_value **ret, struct err *e)
{
	struct reading r = {.arena = arena, .schema = schema};
	const struct cedar_action *a = cedar_schema_action(schema, action);
	const struct cedar_value *v;
	enum rc rc;

	if (!a) {
		FAIL(e, RC_INPUT, "action " STR_FMT "::\"" STR_FMT "\" is not in the schema",
		     STR_ARG(action->type), STR_ARG(action->id));
	}
	rc = read_object(&r, j, "context", a->context, NULL, &v, e);
	rc = rc == RC_OK ? cedar_conform_value(schema, v, a->context, e) : rc;
	if (rc != RC_OK) {
		return err_wrap(e, rc, "context");
	}
	*ret = v;
	return RC_OK;
}
