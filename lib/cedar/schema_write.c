/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/schema_write.c - a schema in JSON, canonically.
 *
 * As the reference writes it: names unresolved, what is empty left out, types of the language by
 * their name in __cedar when they were written so.
 *
 * Trust:  a schema that exists was accepted; types deeper than JSON may be are refused.
 */
#include "cedar/schema.h"
#include "codec/json.h"

/* Members of a type; the object is open. */
static void write_type(struct json_out *w, const struct cedar_stype *t);

static void write_notes(struct json_out *w, const struct cedar_notes *notes)
{
	if (notes->n == 0) {
		return;
	}
	json_out_key(w, STR("annotations"));
	json_out_object(w);
	for (size_t i = 0; i < notes->n; i++) {
		json_out_key(w, notes->list[i].name);
		json_out_str(w, notes->list[i].value);
	}
	json_out_close(w);
}

static void write_attrs(struct json_out *w, const struct cedar_stype *t)
{
	json_out_key(w, STR("attributes"));
	json_out_object(w);
	for (size_t i = 0; i < t->n_attrs && w->rc == RC_OK; i++) {
		const struct cedar_sattr *a = &t->attrs[i];

		json_out_key(w, a->name);
		json_out_object(w);
		write_type(w, a->type);
		if (a->is_optional) {
			json_out_key_bool(w, "required", false);
		}
		write_notes(w, &a->notes);
		json_out_close(w);
	}
	json_out_close(w);
}

static void write_type(struct json_out *w, const struct cedar_stype *t)
{
	switch (t->kind) {
	case CEDAR_STYPE_NAME:
		/* No entity type is in __cedar: nothing is lost by the general form. */
		if (t->ref == CEDAR_SREF_COMMON && !str_has_prefix(t->name, STR("__cedar::"))) {
			json_out_key_str(w, "type", t->name);
			return;
		}
		json_out_key_str(
		    w, "type", t->ref == CEDAR_SREF_ENTITY ? STR("Entity") : STR("EntityOrCommon"));
		json_out_key_str(w, "name", t->name);
		return;
	case CEDAR_STYPE_RECORD:
		json_out_key_str(w, "type", STR("Record"));
		write_attrs(w, t);
		return;
	case CEDAR_STYPE_SET:
		json_out_key_str(w, "type", STR("Set"));
		json_out_key(w, STR("element"));
		json_out_object(w);
		if (w->rc == RC_OK) {
			write_type(w, t->elem);
		}
		json_out_close(w);
		return;
	}
}

/* A record that is not empty, or a name. */
static void write_shape(struct json_out *w, const char *key, const struct cedar_stype *t)
{
	if (!t || (t->kind == CEDAR_STYPE_RECORD && t->n_attrs == 0)) {
		return;
	}
	json_out_key(w, str_from(key));
	json_out_object(w);
	write_type(w, t);
	json_out_close(w);
}

static void write_names(struct json_out *w, const char *key, const struct cedar_sname *names)
{
	json_out_key(w, str_from(key));
	json_out_array(w);
	for (; names; names = names->next) {
		json_out_str(w, names->text);
	}
	json_out_close(w);
}

static void write_entity(struct json_out *w, const struct cedar_sentity *e)
{
	json_out_key(w, e->name);
	json_out_object(w);
	if (e->ids) {
		write_names(w, "enum", e->ids);
	}
	if (e->parents) {
		write_names(w, "memberOfTypes", e->parents);
	}
	write_shape(w, "shape", e->shape);
	if (e->tags) {
		json_out_key(w, STR("tags"));
		json_out_object(w);
		write_type(w, e->tags);
		json_out_close(w);
	}
	write_notes(w, &e->notes);
	json_out_close(w);
}

static void write_parents(struct json_out *w, const struct cedar_sparent *parents)
{
	json_out_key(w, STR("memberOf"));
	json_out_array(w);
	for (; parents; parents = parents->next) {
		json_out_object(w);
		json_out_key_str(w, "id", parents->id);
		if (parents->type.p) {
			json_out_key_str(w, "type", parents->type);
		}
		json_out_close(w);
	}
	json_out_close(w);
}

static void write_action(struct json_out *w, const struct cedar_saction *a)
{
	json_out_key(w, a->id);
	json_out_object(w);
	json_out_key(w, STR("appliesTo"));
	json_out_object(w);
	write_names(w, "resourceTypes", a->resources);
	write_names(w, "principalTypes", a->principals);
	write_shape(w, "context", a->context);
	json_out_close(w);
	if (a->parents) {
		write_parents(w, a->parents);
	}
	write_notes(w, &a->notes);
	json_out_close(w);
}

static void write_commons(struct json_out *w, const struct cedar_scommon *commons)
{
	json_out_key(w, STR("commonTypes"));
	json_out_object(w);
	for (; commons; commons = commons->next) {
		json_out_key(w, commons->name);
		json_out_object(w);
		write_type(w, commons->type);
		write_notes(w, &commons->notes);
		json_out_close(w);
	}
	json_out_close(w);
}

static void write_space(struct json_out *w, const struct cedar_snamespace *space)
{
	json_out_key(w, space->name);
	json_out_object(w);
	if (space->commons) {
		write_commons(w, space->commons);
	}
	json_out_key(w, STR("entityTypes"));
	json_out_object(w);
	for (const struct cedar_sentity *e = space->entities; e; e = e->next) {
		write_entity(w, e);
	}
	json_out_close(w);
	json_out_key(w, STR("actions"));
	json_out_object(w);
	for (const struct cedar_saction *a = space->actions; a; a = a->next) {
		write_action(w, a);
	}
	json_out_close(w);
	write_notes(w, &space->notes);
	json_out_close(w);
}

enum rc cedar_schema_print_json(struct buf *b, const struct cedar_schema *s, struct err *e)
{
	size_t was = b->n;
	struct json_out w = json_out_to(b);
	enum rc rc;

	json_out_object(&w);
	for (const struct cedar_snamespace *n = s->spaces; n; n = n->next) {
		write_space(&w, n);
	}
	json_out_close(&w);
	rc = json_out_end(&w, e);
	if (rc != RC_OK) {
		b->n = was;
	}
	return rc;
}
