/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/conform.c - values, entities and requests against a schema.
 *
 * Trust:  values are hostile in content, bounded in depth.
 * Holds:  what passes has every attribute that its type requires and none that it does not know,
 *         so that what validation proved about policies holds for it.
 */
#include "cedar/conform.h"

#include "cedar/entities.h"
#include "cedar/nearest.h"

enum { SHOWN_BYTES = 160 };

/* ---- failing ---- */

static enum rc refuse_value(const struct cedar_value *v, const struct cedar_ty *t, struct err *e)
{
	AUTO_BUF want = BUF_INIT(SHOWN_BYTES);
	AUTO_BUF got = BUF_INIT(SHOWN_BYTES);

	/* What is too long to show is named by its type. */
	if (cedar_ty_print(&want, t) != RC_OK) {
		want.n = 0;
		(void)buf_add(&want, t->kind == CEDAR_TY_RECORD ? STR("a record") : STR("a set"));
	}
	if (cedar_value_print(&got, v) != RC_OK) {
		got.n = 0;
		(void)buf_add(&got, str_from(cedar_type_name((enum cedar_type)v->type)));
	}
	FAIL(e, RC_INPUT, "expected " STR_FMT ", found " STR_FMT, STR_ARG(buf_view(&want)),
	     STR_ARG(buf_view(&got)));
}

static enum rc refuse_attr(const struct cedar_ty *record, struct str name, struct err *e)
{
	struct cedar_nearest near = cedar_nearest_to(name);
	AUTO_BUF hint = BUF_INIT(SHOWN_BYTES);

	for (uint32_t i = 0; i < record->n; i++) {
		cedar_nearest_offer(&near, record->attrs[i].name);
	}
	(void)cedar_nearest_say(&near, &hint); /* the message stands without it */
	FAIL(e, RC_INPUT, "attribute '" STR_FMT "' is not in the schema" STR_FMT, STR_ARG(name),
	     STR_ARG(buf_view(&hint)));
}

static enum rc refuse_type(const struct cedar_schema *s, const struct cedar_uid *uid, struct err *e)
{
	struct cedar_nearest near = cedar_nearest_to(uid->type);
	AUTO_BUF hint = BUF_INIT(SHOWN_BYTES);

	for (size_t i = 0; i < s->n_types; i++) {
		cedar_nearest_offer(&near, s->types[i]->name);
	}
	(void)cedar_nearest_say(&near, &hint); /* as above */
	FAIL(e, RC_INPUT, "entity type '" STR_FMT "' is not in the schema" STR_FMT,
	     STR_ARG(uid->type), STR_ARG(buf_view(&hint)));
}

static enum rc refuse_action(const struct cedar_schema *s, const struct cedar_uid *uid,
			     struct err *e)
{
	struct cedar_nearest near = cedar_nearest_to(uid->id);
	AUTO_BUF hint = BUF_INIT(SHOWN_BYTES);

	for (size_t i = 0; i < s->n_actions; i++) {
		cedar_nearest_offer(&near, s->actions[i]->uid->id);
	}
	(void)cedar_nearest_say(&near, &hint); /* as above */
	FAIL(e, RC_INPUT, "action " STR_FMT "::\"" STR_FMT "\" is not in the schema" STR_FMT,
	     STR_ARG(uid->type), STR_ARG(uid->id), STR_ARG(buf_view(&hint)));
}

/* ---- values ---- */

enum rc cedar_conform_uid(const struct cedar_schema *s, const struct cedar_uid *uid, struct err *e)
{
	const struct cedar_etype *t = cedar_schema_type(s, uid->type);
	struct cedar_nearest near = cedar_nearest_to(uid->id);
	AUTO_BUF hint = BUF_INIT(SHOWN_BYTES);

	if (cedar_is_action_type(uid->type)) {
		return cedar_schema_action(s, uid) ? RC_OK : refuse_action(s, uid, e);
	}
	if (!t) {
		return refuse_type(s, uid, e);
	}
	if (cedar_etype_has_id(t, uid->id)) {
		return RC_OK;
	}
	for (size_t i = 0; i < t->n_ids; i++) {
		cedar_nearest_offer(&near, t->ids[i]);
	}
	(void)cedar_nearest_say(&near, &hint); /* as above */
	FAIL(e, RC_INPUT, "enumerated type '" STR_FMT "' has no id \"" STR_FMT "\"" STR_FMT,
	     STR_ARG(uid->type), STR_ARG(uid->id), STR_ARG(buf_view(&hint)));
}

static enum rc conform_entity(const struct cedar_schema *s, const struct cedar_value *v,
			      const struct cedar_ty *t, struct err *e)
{
	const struct cedar_etype *type;

	if (v->type != CEDAR_ENTITY) {
		return refuse_value(v, t, e);
	}
	type = cedar_schema_type(s, v->uid->type);
	for (uint32_t i = 0; type && i < t->n; i++) {
		if (t->entities[i] == type) {
			/* An action that is only named need not be declared. */
			return type->is_action ? RC_OK : cedar_conform_uid(s, v->uid, e);
		}
	}
	return refuse_value(v, t, e);
}

static enum rc conform_record(const struct cedar_schema *s, const struct cedar_value *v,
			      const struct cedar_ty *t, struct err *e)
{
	if (v->type != CEDAR_RECORD) {
		return refuse_value(v, t, e);
	}
	for (uint32_t i = 0; i < v->n; i++) {
		const struct cedar_slot *field = &v->fields[i];
		const struct cedar_ty_attr *attr = cedar_ty_find(t, field->name);
		enum rc rc;

		if (!attr) {
			return refuse_attr(t, field->name, e);
		}
		rc = cedar_conform_value(s, &field->value, attr->type, e);
		if (rc != RC_OK) {
			return err_wrap(e, rc, "attribute '" STR_FMT "'", STR_ARG(field->name));
		}
	}
	for (uint32_t i = 0; i < t->n; i++) {
		if (t->attrs[i].is_required && !cedar_record_get(v, t->attrs[i].name)) {
			FAIL(e, RC_INPUT, "expected attribute '" STR_FMT "', found none",
			     STR_ARG(t->attrs[i].name));
		}
	}
	return RC_OK;
}

enum rc cedar_conform_value(const struct cedar_schema *s, const struct cedar_value *v,
			    const struct cedar_ty *t, struct err *e)
{
	bool is_right = false;

	switch ((enum cedar_ty_kind)t->kind) {
	case CEDAR_TY_BOOL:
		is_right = v->type == CEDAR_BOOL;
		break;
	case CEDAR_TY_LONG:
		is_right = v->type == CEDAR_LONG;
		break;
	case CEDAR_TY_STRING:
		is_right = v->type == CEDAR_STRING;
		break;
	case CEDAR_TY_EXT:
		is_right = v->type == t->ext;
		break;
	case CEDAR_TY_ENTITY:
		return conform_entity(s, v, t, e);
	case CEDAR_TY_RECORD:
		return conform_record(s, v, t, e);
	case CEDAR_TY_SET:
		if (v->type != CEDAR_SET) {
			break;
		}
		for (uint32_t i = 0; i < v->n; i++) {
			TRY(cedar_conform_value(s, &v->items[i], t->elem, e));
		}
		return RC_OK;
	case CEDAR_TY_NEVER:
	case CEDAR_TY_TRUE:
	case CEDAR_TY_FALSE:
	case CEDAR_TY_ANY_ENTITY:
		break; /* are not declared */
	}
	return is_right ? RC_OK : refuse_value(v, t, e);
}

/* ---- entities ---- */

static enum rc conform_tags(const struct cedar_schema *s, const struct cedar_etype *t,
			    const struct cedar_value *tags, struct err *e)
{
	if (!t->tags && tags->n) {
		FAIL(e, RC_INPUT, "expected no tags, found '" STR_FMT "'",
		     STR_ARG(tags->fields[0].name));
	}
	for (uint32_t i = 0; i < tags->n; i++) {
		enum rc rc = cedar_conform_value(s, &tags->fields[i].value, t->tags, e);

		if (rc != RC_OK) {
			return err_wrap(e, rc, "tag '" STR_FMT "'", STR_ARG(tags->fields[i].name));
		}
	}
	return RC_OK;
}

static enum rc conform_ancestors(const struct cedar_schema *s, const struct cedar_etype *t,
				 const struct cedar_node *node, struct err *e)
{
	for (uint32_t i = 0; i < node->n_ancestors; i++) {
		const struct cedar_uid *uid = node->ancestors[i];
		const struct cedar_etype *ancestor = cedar_schema_type(s, uid->type);

		if (!ancestor || ancestor->is_action || !cedar_etype_is_below(t, ancestor)) {
			FAIL(e, RC_INPUT,
			     "an entity of type '" STR_FMT "' cannot be in one of type '" STR_FMT
			     "'",
			     STR_ARG(t->name), STR_ARG(uid->type));
		}
		TRY(cedar_conform_uid(s, uid, e));
	}
	return RC_OK;
}

/* An action has no attributes and just the groups that the schema gives it. */
static enum rc conform_action(const struct cedar_schema *s, const struct cedar_node *node,
			      struct err *e)
{
	const struct cedar_node *ours = cedar_entities_find(s->hierarchy, node->uid);
	bool is_same = ours && node->attrs.n == 0 && node->tags.n == 0 &&
		       node->n_ancestors == ours->n_ancestors;

	if (!ours) {
		return refuse_action(s, node->uid, e);
	}
	for (uint32_t i = 0; is_same && i < node->n_ancestors; i++) {
		is_same = cedar_node_has_ancestor(ours, node->ancestors[i]);
	}
	if (!is_same) {
		FAIL(e, RC_INPUT, "the action differs from the one in the schema");
	}
	return RC_OK;
}

static enum rc conform_node(const struct cedar_schema *s, const struct cedar_node *node,
			    struct err *e)
{
	const struct cedar_etype *t = cedar_schema_type(s, node->uid->type);

	if (cedar_is_action_type(node->uid->type)) {
		return conform_action(s, node, e);
	}
	TRY(cedar_conform_uid(s, node->uid, e));
	TRY(conform_record(s, &node->attrs, t->attrs, e));
	TRY(conform_tags(s, t, &node->tags, e));
	return conform_ancestors(s, t, node, e);
}

enum rc cedar_entities_check(const struct cedar_entities *store, const struct cedar_schema *s,
			     struct err *e)
{
	for (size_t i = 0; i < cedar_entities_count(store); i++) {
		const struct cedar_node *node = cedar_entities_node(store, i);
		enum rc rc = conform_node(s, node, e);

		if (rc != RC_OK) {
			return err_wrap(e, rc, "entity " STR_FMT "::\"" STR_FMT "\"",
					STR_ARG(node->uid->type), STR_ARG(node->uid->id));
		}
	}
	return RC_OK;
}

/* ---- requests ---- */

static enum rc check_applies(const struct cedar_schema *s, const struct cedar_uid *uid,
			     const struct cedar_etype *const *types, size_t n, const char *what,
			     const struct cedar_uid *action, struct err *e)
{
	const struct cedar_etype *t = cedar_schema_type(s, uid->type);
	AUTO_BUF list = BUF_INIT(SHOWN_BYTES);

	for (size_t i = 0; i < n; i++) {
		if (types[i] == t) {
			return RC_OK;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (buf_addf(&list, "%s'" STR_FMT "'", i ? " or " : "", STR_ARG(types[i]->name)) !=
		    RC_OK) {
			break; /* the rest is too long to show */
		}
	}
	FAIL(e, RC_INPUT,
	     "expected %s of type " STR_FMT " for action " STR_FMT "::\"" STR_FMT
	     "\", found one of type '" STR_FMT "'",
	     what, STR_ARG(n ? buf_view(&list) : STR("none: the action applies to nothing")),
	     STR_ARG(action->type), STR_ARG(action->id), STR_ARG(uid->type));
}

static enum rc check_entity(const struct cedar_schema *s, const struct cedar_uid *uid,
			    const char *what, struct err *e)
{
	enum rc rc =
	    cedar_is_action_type(uid->type) ? refuse_type(s, uid, e) : cedar_conform_uid(s, uid, e);

	return rc == RC_OK ? RC_OK : err_wrap(e, rc, "%s", what);
}

enum rc cedar_request_check(const struct cedar_request *request, const struct cedar_schema *s,
			    struct err *e)
{
	static const struct cedar_value no_context = {.type = CEDAR_RECORD, .depth = 1};
	const struct cedar_action *a;
	enum rc rc;

	if (!request->principal || !request->action || !request->resource) {
		FAIL(e, RC_INPUT, "a request needs a principal, an action and a resource");
	}
	TRY(check_entity(s, request->principal, "principal", e));
	TRY(check_entity(s, request->resource, "resource", e));
	a = cedar_schema_action(s, request->action);
	if (!a) {
		return refuse_action(s, request->action, e);
	}
	TRY(check_applies(s, request->principal, a->principals, a->n_principals, "a principal",
			  a->uid, e));
	TRY(check_applies(s, request->resource, a->resources, a->n_resources, "a resource", a->uid,
			  e));
	rc = cedar_conform_value(s, request->context ? request->context : &no_context, a->context,
				 e);
	return rc == RC_OK ? RC_OK : err_wrap(e, rc, "context");
}
