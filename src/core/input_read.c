/* SPDX-License-Identifier: Apache-2.0 */
/* core/input_read.c - a JSON Schema as types, still without names.
 *
 * Trust:  schemas come from upstreams; a person reviewed them. Bounded in types and depth.
 * Holds:  (1) a schema that the rules do not cover is unknown, never something narrower.
 */
#include "base/limits.h"
#include "core/input_impl.h"

static enum rc read_type(struct making *m, const struct json *s, unsigned depth,
			 struct input_type **ret);

static enum rc new_type(struct making *m, enum input_kind kind, struct input_type **ret)
{
	if (++m->n_types > INPUT_TYPES) {
		FAIL(m->e, RC_LIMIT, "the schema has more than %d types", INPUT_TYPES);
	}
	*ret = arena_alloc(m->arena, sizeof(**ret));
	if (!*ret) {
		FAIL(m->e, RC_NOMEM, "no memory for a schema's types");
	}
	(*ret)->kind = kind;
	return RC_OK;
}

static enum rc new_fields(struct making *m, struct input_type *t, size_t n)
{
	t->fields = arena_alloc_n(m->arena, n, sizeof(*t->fields));
	if (!t->fields) {
		FAIL(m->e, RC_NOMEM, "no memory for a schema's types");
	}
	return RC_OK;
}

static bool requires(const struct json *required, struct str name)
{
	for (const struct json *r = json_type(required) == JSON_ARRAY ? required->child : NULL; r;
	     r = r->next) {
		if (r->type == JSON_STRING && str_eq(r->text, name)) {
			return true;
		}
	}
	return false;
}

static enum rc read_properties(struct making *m, const struct json *s, unsigned depth,
			       struct input_type *t)
{
	const struct json *properties = json_get(s, STR("properties"));
	const struct json *required = json_get(s, STR("required"));

	if (json_type(properties) != JSON_OBJECT) {
		return RC_OK;
	}
	TRY(new_fields(m, t, properties->count));
	for (const struct json *p = properties->child; p; p = p->next) {
		struct input_field *f = &t->fields[t->n_fields++];

		f->name = p->key;
		f->is_required = requires(required, p->key);
		TRY(read_type(m, p, depth + 1, &f->type));
	}
	return RC_OK;
}

static enum rc read_object(struct making *m, const struct json *s, unsigned depth,
			   struct input_type **ret)
{
	const struct json *more = json_get(s, STR("additionalProperties"));
	bool is_tagged = json_type(more) == JSON_OBJECT;

	TRY(new_type(m, is_tagged ? INPUT_TAGGED : INPUT_RECORD, ret));
	if (is_tagged) {
		TRY(read_type(m, more, depth + 1, &(*ret)->item));
	}
	return read_properties(m, s, depth, *ret);
}

/* Alternatives and parts: a record whose members have made names. */
static enum rc read_list(struct making *m, enum input_kind kind, const struct json *list,
			 unsigned depth, struct input_type **ret)
{
	struct input_type *t;

	TRY(new_type(m, kind, ret));
	t = *ret;
	TRY(new_fields(m, t, list->count));
	for (const struct json *one = list->child; one; one = one->next) {
		struct input_field *f = &t->fields[t->n_fields];

		f->name = arena_strf(m->arena, "%s%zu", kind == INPUT_TUPLE ? "proj" : "typeChoice",
				     t->n_fields);
		if (!f->name.p) {
			FAIL(m->e, RC_NOMEM, "no memory for a schema's types");
		}
		f->is_required = kind == INPUT_TUPLE;
		TRY(read_type(m, one, depth + 1, &f->type));
		t->n_fields++;
	}
	return RC_OK;
}

static bool is_same(const struct input_type *a, const struct input_type *b)
{
	if (!a || !b) {
		return a == b;
	}
	if (a->kind != b->kind || a->n_fields != b->n_fields || a->words.n != b->words.n ||
	    !str_eq(a->ref, b->ref) || !is_same(a->item, b->item)) {
		return false;
	}
	for (size_t i = 0; i < a->words.n; i++) {
		if (!str_eq(a->words.p[i], b->words.p[i])) {
			return false;
		}
	}
	for (size_t i = 0; i < a->n_fields; i++) {
		if (!str_eq(a->fields[i].name, b->fields[i].name) ||
		    a->fields[i].is_required != b->fields[i].is_required ||
		    !is_same(a->fields[i].type, b->fields[i].type)) {
			return false;
		}
	}
	return true;
}

static enum rc read_set(struct making *m, const struct json *items, unsigned depth,
			struct input_type **ret)
{
	TRY(new_type(m, INPUT_SET, ret));
	return json_type(items) == JSON_OBJECT ? read_type(m, items, depth + 1, &(*ret)->item)
					       : new_type(m, INPUT_UNKNOWN, &(*ret)->item);
}

static enum rc read_array(struct making *m, const struct json *s, unsigned depth,
			  struct input_type **ret)
{
	const struct json *prefix = json_get(s, STR("prefixItems"));
	const struct json *items = json_get(s, STR("items"));
	struct input_type *parts;

	if (json_type(prefix) != JSON_ARRAY) {
		return read_set(m, items, depth, ret);
	}
	TRY(read_list(m, INPUT_TUPLE, prefix, depth, &parts));
	if (json_type(items) == JSON_FALSE) {
		*ret = parts;
		return RC_OK;
	}
	TRY(new_type(m, INPUT_SET, ret));
	if (json_type(items) == JSON_OBJECT) {
		bool is_uniform = true;

		TRY(read_type(m, items, depth + 1, &(*ret)->item));
		for (size_t i = 0; i < parts->n_fields; i++) {
			is_uniform &= is_same(parts->fields[i].type, (*ret)->item);
		}
		if (is_uniform) {
			return RC_OK;
		}
	}
	return new_type(m, INPUT_UNKNOWN, &(*ret)->item);
}

/* (1): words that are no texts cannot be ids. */
static enum rc read_enum(struct making *m, const struct json *words, struct input_type **ret)
{
	struct str *list = arena_alloc_n(m->arena, words->count, sizeof(*list));
	bool is_sound = words->count > 0;

	if (!list) {
		FAIL(m->e, RC_NOMEM, "no memory for a schema's types");
	}
	for (const struct json *w = words->child; w; w = w->next) {
		is_sound &= w->type == JSON_STRING;
	}
	TRY(new_type(m, is_sound ? INPUT_ENUM : INPUT_UNKNOWN, ret));
	if (!is_sound) {
		return RC_OK;
	}
	for (const struct json *w = words->child; w; w = w->next) {
		if (!str_list_has(&(*ret)->words, w->text)) {
			list[(*ret)->words.n++] = w->text;
			(*ret)->words.p = list;
		}
	}
	return RC_OK;
}

static enum rc read_string(struct making *m, const struct json *s, struct input_type **ret)
{
	static const struct {
		struct str format;
		enum input_kind kind;
	} formats[] = {
	    {{"date", 4}, INPUT_DATETIME},     {{"date-time", 9}, INPUT_DATETIME},
	    {{"duration", 8}, INPUT_DURATION}, {{"ipv4", 4}, INPUT_IPADDR},
	    {{"ipv6", 4}, INPUT_IPADDR},       {{"decimal", 7}, INPUT_DECIMAL_TEXT},
	};
	const struct json *words = json_get(s, STR("enum"));
	struct str format = STR_NULL;
	enum input_kind kind = INPUT_STRING;

	if (json_type(words) == JSON_ARRAY) {
		return read_enum(m, words, ret);
	}
	if (json_str(json_get(s, STR("format")), &format)) {
		for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
			kind = str_eq(format, formats[i].format) ? formats[i].kind : kind;
		}
	}
	return new_type(m, kind, ret);
}

static bool scalar_of_word(struct str word, enum input_kind *ret)
{
	static const struct {
		struct str word;
		enum input_kind kind;
	} scalars[] = {
	    {{"boolean", 7}, INPUT_BOOL},   {{"integer", 7}, INPUT_LONG},
	    {{"number", 6}, INPUT_DECIMAL}, {{"float", 5}, INPUT_DECIMAL},
	    {{"string", 6}, INPUT_STRING},  {{"null", 4}, INPUT_NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(scalars); i++) {
		if (str_eq(word, scalars[i].word)) {
			*ret = scalars[i].kind;
			return true;
		}
	}
	return false;
}

/* One of a list of types: what else the schema says is about objects and arrays only. */
static enum rc read_alternative(struct making *m, const struct json *s, const struct json *word,
				unsigned depth, struct input_type **ret)
{
	enum input_kind kind;

	if (word->type != JSON_STRING) {
		return read_type(m, word, depth + 1, ret);
	}
	if (scalar_of_word(word->text, &kind)) {
		return new_type(m, kind, ret);
	}
	if (str_eq(word->text, STR("object"))) {
		return read_object(m, s, depth, ret);
	}
	if (str_eq(word->text, STR("array"))) {
		return read_set(m, json_get(s, STR("items")), depth, ret);
	}
	return new_type(m, INPUT_UNKNOWN, ret);
}

static enum rc read_alternatives(struct making *m, const struct json *s, const struct json *words,
				 unsigned depth, struct input_type **ret)
{
	struct input_type *t;

	TRY(new_type(m, INPUT_UNION, ret));
	t = *ret;
	TRY(new_fields(m, t, words->count));
	for (const struct json *w = words->child; w; w = w->next) {
		struct input_field *f = &t->fields[t->n_fields];

		f->name = arena_strf(m->arena, "typeChoice%zu", t->n_fields);
		if (!f->name.p) {
			FAIL(m->e, RC_NOMEM, "no memory for a schema's types");
		}
		TRY(read_alternative(m, s, w, depth, &f->type));
		t->n_fields++;
	}
	return RC_OK;
}

static enum rc read_declared(struct making *m, const struct json *s, const struct json *type,
			     unsigned depth, struct input_type **ret)
{
	enum input_kind kind;

	if (type->type == JSON_ARRAY) {
		return read_alternatives(m, s, type, depth, ret);
	}
	if (type->type != JSON_STRING) {
		return new_type(m, INPUT_UNKNOWN, ret);
	}
	if (str_eq(type->text, STR("string"))) {
		return read_string(m, s, ret);
	}
	if (str_eq(type->text, STR("object"))) {
		return read_object(m, s, depth, ret);
	}
	if (str_eq(type->text, STR("array"))) {
		return read_array(m, s, depth, ret);
	}
	return new_type(m, scalar_of_word(type->text, &kind) ? kind : INPUT_UNKNOWN, ret);
}

static enum rc read_type(struct making *m, const struct json *s, unsigned depth,
			 struct input_type **ret)
{
	const struct json *type = json_get(s, STR("type"));
	const struct json *any = json_get(s, STR("anyOf"));
	const struct json *ref = json_get(s, STR("$ref"));

	if (depth > LIMIT_JSON_DEPTH) {
		FAIL(m->e, RC_LIMIT, "the schema is nested deeper than %d", LIMIT_JSON_DEPTH);
	}
	any = any ? any : json_get(s, STR("oneOf"));
	if (type) {
		return read_declared(m, s, type, depth, ret);
	}
	if (json_type(any) == JSON_ARRAY) {
		return read_list(m, INPUT_UNION, any, depth, ret);
	}
	if (json_type(ref) == JSON_STRING) {
		TRY(new_type(m, INPUT_REF, ret));
		(*ret)->ref = ref->text;
		return RC_OK;
	}
	return new_type(m, INPUT_UNKNOWN, ret);
}

static enum rc read_defs(struct making *m, struct str word)
{
	const struct json *defs = json_get(m->schema, word);

	for (const struct json *d = json_type(defs) == JSON_OBJECT ? defs->child : NULL; d;
	     d = d->next) {
		struct input_def *def = &m->in->defs[m->in->n_defs];

		def->key = d->key;
		def->ref =
		    arena_strf(m->arena, "#/" STR_FMT "/" STR_FMT, STR_ARG(word), STR_ARG(d->key));
		if (!def->ref.p) {
			FAIL(m->e, RC_NOMEM, "no memory for a schema's types");
		}
		TRY(read_type(m, d, 0, &def->type));
		m->in->n_defs++;
	}
	return RC_OK;
}

static size_t count_defs(const struct json *defs)
{
	return json_type(defs) == JSON_OBJECT ? defs->count : 0;
}

enum rc input_read(struct making *m)
{
	size_t n = count_defs(json_get(m->schema, STR("$defs"))) +
		   count_defs(json_get(m->schema, STR("definitions")));

	TRY(new_type(m, INPUT_RECORD, &m->in->root));
	TRY(read_properties(m, m->schema, 0, m->in->root));
	if (n > INPUT_DEFS) {
		FAIL(m->e, RC_LIMIT, "the schema has more than %d definitions", INPUT_DEFS);
	}
	m->in->defs = arena_alloc_n(m->arena, n, sizeof(*m->in->defs));
	if (!m->in->defs) {
		FAIL(m->e, RC_NOMEM, "no memory for a schema's types");
	}
	TRY(read_defs(m, STR("$defs")));
	return read_defs(m, STR("definitions"));
}
