/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/json.c - values, uids and entities from Cedar's JSON forms, read without a schema.
 *
 * Trust:  the JSON is hostile; its depth is bounded by its parser.
 * Holds:  an escape ({"__entity"}, {"__extn"}) is exactly that, alone in its object and whole:
 *         what half looks like one is refused rather than read as a record.
 */
#include "codec/json.h"

#include <string.h>

#include "base/limits.h"
#include "cedar/entities.h"
#include "cedar/ext.h"
#include "cedar/value.h"

/* JSON_LIMITS_DEFAULT is for messages; entities are data of the deployment. */
enum { JSON_BYTES_MAX = 64 * 1024 * 1024, JSON_NODES_MAX = 4 * 1024 * 1024 };

static enum rc read_value(struct arena *arena, const struct json *j, struct cedar_value *ret,
			  struct err *e);

static enum rc read_uid(struct arena *arena, const struct json *j, const struct cedar_uid **ret,
			struct err *e)
{
	struct str type;
	struct str id;

	if (json_type(j) != JSON_OBJECT || !json_str(json_get(j, STR("type")), &type) ||
	    !json_str(json_get(j, STR("id")), &id)) {
		FAIL(e, RC_INPUT, "expected {\"type\": \"...\", \"id\": \"...\"}, found %s",
		     json_type_name(json_type(j)));
	}
	return cedar_uid_new(arena, type, id, ret, e);
}

enum rc cedar_uid_from_json(struct arena *arena, const struct json *j, const struct cedar_uid **ret,
			    struct err *e)
{
	const struct json *inner = json_get(j, STR("__entity"));

	return read_uid(arena, inner ? inner : j, ret, e);
}

static enum rc read_set(struct arena *arena, const struct json *j, struct cedar_value *ret,
			struct err *e)
{
	struct cedar_value *items = arena_alloc_n(arena, j->count, sizeof(*items));
	size_t n = 0;

	if (!items) {
		return cedar_arena_rc(arena, j->count * sizeof(*items), e);
	}
	for (const struct json *c = j->child; c; c = c->next) {
		TRY(read_value(arena, c, &items[n++], e));
	}
	if (cedar_make_set(items, n, NULL, ret) != RC_OK) {
		FAIL(e, RC_LIMIT, "a set is nested deeper than %d", (int)CEDAR_LIMIT_VALUE_DEPTH);
	}
	return RC_OK;
}

/* Fields, their names and those values that are strings in one piece; *ret_text is where the
 * strings go. */
static struct cedar_slot *alloc_fields(struct arena *arena, const struct json *j, char **ret_text)
{
	size_t bytes = 0;
	struct cedar_slot *fields;

	for (const struct json *c = j->child; c; c = c->next) {
		bytes += c->key.n + 1 + (c->type == JSON_STRING ? c->text.n + 1 : 0);
	}
	fields = arena_alloc(arena, j->count * sizeof(*fields) + bytes);
	*ret_text = (char *)(fields + j->count);
	return fields;
}

/* A copy of s at *to, which moves behind it and a NUL. */
static struct str put(char **to, struct str s)
{
	struct str copy = str_of(*to, s.n);

	if (s.n) {
		memcpy(*to, s.p, s.n);
	}
	*to += s.n + 1;
	return copy;
}

static enum rc read_record(struct arena *arena, const struct json *j, struct cedar_value *ret,
			   struct err *e)
{
	char *text;
	struct cedar_slot *fields = alloc_fields(arena, j, &text);
	struct str twice;
	size_t n = 0;
	enum rc rc;

	if (!fields) {
		return cedar_arena_rc(arena, j->count * sizeof(*fields), e);
	}
	for (const struct json *c = j->child; c; c = c->next, n++) {
		fields[n].name = put(&text, c->key);
		if (c->type == JSON_STRING) {
			fields[n].value = cedar_make_string(put(&text, c->text));
			continue;
		}
		rc = read_value(arena, c, &fields[n].value, e);
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

/* {"fn": "ip", "arg": "::1"} or {"fn": "offset", "args": [...]} */
static enum rc read_ext(struct arena *arena, const struct json *j, struct cedar_value *ret,
			struct err *e)
{
	const struct json *arg = json_get(j, STR("arg"));
	const struct json *args = json_get(j, STR("args"));
	struct cedar_value one;
	struct cedar_value *list = &one;
	struct cedar_error why = {0};
	enum cedar_fn fn;
	struct str name;
	size_t n = 0;
	enum rc rc;

	if (!json_str(json_get(j, STR("fn")), &name) || (arg != NULL) == (args != NULL) ||
	    (args && json_type(args) != JSON_ARRAY)) {
		FAIL(e, RC_INPUT, "expected {\"fn\": \"...\", \"arg\": ...} in __extn");
	}
	fn = cedar_fn_find(name);
	if (fn == CEDAR_FN_NONE) {
		FAIL(e, RC_INPUT, "there is no extension function '" STR_FMT "'", STR_ARG(name));
	}
	if (args) {
		list = arena_alloc_n(arena, args->count, sizeof(*list));
		if (!list) {
			return cedar_arena_rc(arena, args->count * sizeof(*list), e);
		}
	}
	for (const struct json *c = arg ? arg : args->child; c; c = arg ? NULL : c->next) {
		TRY(read_value(arena, c, &list[n++], e));
	}
	rc = cedar_fn_call(arena, fn, list, n, ret, &why);
	if (rc == RC_INPUT && why.class == CEDAR_ERROR_TYPE) {
		FAIL(e, rc, "an argument of '" STR_FMT "' has the wrong type", STR_ARG(name));
	}
	if (rc == RC_INPUT) {
		FAIL(e, rc, STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(why.detail));
	}
	return rc == RC_OK ? RC_OK : cedar_arena_rc(arena, sizeof(one), e);
}

/* Has any member a name like __entity, __extn, __expr? */
static bool may_be_escape(const struct json *j)
{
	for (const struct json *c = j->child; c; c = c->next) {
		if (c->key.n >= 6 && c->key.p[0] == '_' && c->key.p[1] == '_') {
			return true;
		}
	}
	return false;
}

static enum rc read_object(struct arena *arena, const struct json *j, struct cedar_value *ret,
			   struct err *e)
{
	const struct json *entity;
	const struct json *ext;
	const struct cedar_uid *uid;

	if (!may_be_escape(j)) {
		return read_record(arena, j, ret, e);
	}
	entity = json_get(j, STR("__entity"));
	ext = json_get(j, STR("__extn"));
	if (json_get(j, STR("__expr"))) {
		FAIL(e, RC_INPUT, "the __expr escape is not supported");
	}
	if (!entity && !ext) {
		return read_record(arena, j, ret, e);
	}
	if (j->count != 1) {
		FAIL(e, RC_INPUT, "an escape stands beside other members");
	}
	if (ext) {
		return read_ext(arena, ext, ret, e);
	}
	TRY(read_uid(arena, entity, &uid, e));
	*ret = cedar_make_uid(uid);
	return RC_OK;
}

static enum rc read_value(struct arena *arena, const struct json *j, struct cedar_value *ret,
			  struct err *e)
{
	struct str text;
	int64_t number;

	switch (json_type(j)) {
	case JSON_TRUE:
	case JSON_FALSE:
		*ret = cedar_make_bool(json_type(j) == JSON_TRUE);
		return RC_OK;
	case JSON_NUMBER:
		if (!json_i64(j, &number)) {
			FAIL(e, RC_INPUT, "number " STR_FMT " is not an integer of 64 bits",
			     STR_ARG(j->text));
		}
		*ret = cedar_make_int(CEDAR_LONG, number);
		return RC_OK;
	case JSON_STRING:
		text = arena_str(arena, j->text);
		if (!text.p) {
			return cedar_arena_rc(arena, j->text.n, e);
		}
		*ret = cedar_make_string(text);
		return RC_OK;
	case JSON_ARRAY:
		return read_set(arena, j, ret, e);
	case JSON_OBJECT:
		return read_object(arena, j, ret, e);
	case JSON_NONE:
	case JSON_NULL:
		break;
	}
	FAIL(e, RC_INPUT, "found %s where a value is needed", json_type_name(json_type(j)));
}

enum rc cedar_value_from_json(struct arena *arena, const struct json *j,
			      const struct cedar_value **ret, struct err *e)
{
	struct cedar_value v;

	TRY(read_value(arena, j, &v, e));
	return cedar_value_box(arena, v, ret, e);
}

/* ---- entities ---- */

static enum rc read_fields(struct arena *arena, const struct json *j, const char *what,
			   const struct cedar_value **ret, struct err *e)
{
	struct cedar_value v;

	if (json_type(j) != JSON_OBJECT) {
		FAIL(e, RC_INPUT, "%s: expected an object, found %s", what,
		     json_type_name(json_type(j)));
	}
	TRY(read_record(arena, j, &v, e));
	return cedar_value_box(arena, v, ret, e);
}

static enum rc read_parents(struct arena *arena, const struct json *j, struct cedar_entity *entity,
			    struct err *e)
{
	const struct cedar_uid **list;

	if (json_type(j) != JSON_ARRAY) {
		FAIL(e, RC_INPUT, "parents: expected an array, found %s",
		     json_type_name(json_type(j)));
	}
	list = arena_alloc_n(arena, j->count, sizeof(struct cedar_uid *));
	if (!list) {
		return cedar_arena_rc(arena, j->count * sizeof(*list), e);
	}
	for (const struct json *c = j->child; c; c = c->next) {
		TRY(cedar_uid_from_json(arena, c, &list[entity->n_parents++], e));
	}
	entity->parents = list;
	return RC_OK;
}

static enum rc add_one(struct arena *arena, struct cedar_entities *s, const struct json *j,
		       struct err *e)
{
	struct cedar_entity entity = {0};
	const struct json *tags = json_get(j, STR("tags"));

	if (json_type(j) != JSON_OBJECT) {
		FAIL(e, RC_INPUT, "expected an object, found %s", json_type_name(json_type(j)));
	}
	TRY(cedar_uid_from_json(arena, json_get(j, STR("uid")), &entity.uid, e));
	TRY(read_fields(arena, json_get(j, STR("attrs")), "attrs", &entity.attrs, e));
	TRY(read_parents(arena, json_get(j, STR("parents")), &entity, e));
	if (tags) {
		TRY(read_fields(arena, tags, "tags", &entity.tags, e));
	}
	return cedar_entities_add(s, &entity, e);
}

enum rc cedar_entities_add_json(struct cedar_entities *s, const struct json *array, struct err *e)
{
	struct arena *arena = cedar_entities_arena(s);
	size_t i = 0;

	if (json_type(array) != JSON_ARRAY) {
		FAIL(e, RC_INPUT, "entities: expected an array, found %s",
		     json_type_name(json_type(array)));
	}
	for (const struct json *c = array->child; c; c = c->next, i++) {
		enum rc rc = add_one(arena, s, c, e);

		if (rc != RC_OK) {
			return err_wrap(e, rc, "entity %zu", i);
		}
	}
	return RC_OK;
}

enum rc cedar_entities_add_text(struct cedar_entities *s, struct str json_text, struct err *e)
{
	const struct json_limits limits = {
	    .max_bytes = JSON_BYTES_MAX,
	    .max_depth = LIMIT_JSON_DEPTH,
	    .max_nodes = JSON_NODES_MAX,
	};
	AUTO_ARENA scratch = ARENA_INIT((size_t)JSON_BYTES_MAX * 16);
	const struct json *j;

	TRY(json_parse(&scratch, json_text, &limits, &j, e));
	return cedar_entities_add_json(s, j, e);
}
