/* SPDX-License-Identifier: Apache-2.0 */
/* core/input_value.c - the arguments of a call as a value of the tool's input.
 *
 * Trust:  arguments are an agent's; they fit the tool's JSON Schema. They become values under
 *         context.input and entities of the types of that input, and nothing else.
 * Holds:  (1) a value is of the type that the schema of policies says it is, or the call is
 * refused; but for numbers that are no decimals, which are unequal to all decimals. (2) what is
 * equal to a policy is equal to the tool: the id of an unknown value, and of an object that is an
 * entity, is its canonical text.
 */
#include <cedar.h>
#include <openssl/evp.h>

#include "base/limits.h"
#include "core/input_impl.h"

struct turning {
	struct arena *arena;
	struct cedar_entities *store; /* NULL while checking */
	struct str top;		      /* the argument looked at, for messages */
	unsigned steps;
	unsigned depth;
	bool has_undeclared;
	struct err *e;
};

/* Before each type; the caller takes the depth back. */
static enum rc spend(struct turning *v)
{
	if (++v->steps > INPUT_STEPS) {
		FAIL(v->e, RC_LIMIT, "the arguments have too many alternatives");
	}
	if (++v->depth > INPUT_DEPTH) {
		FAIL(v->e, RC_LIMIT, "the arguments are nested too deep in the schema's terms");
	}
	return RC_OK;
}

static enum rc misfit(struct turning *v, const char *expected)
{
	FAIL(v->e, RC_INPUT, "'/" STR_FMT "': expected %s", STR_ARG(v->top), expected);
}

static const struct input_field *field_of(const struct input_type *t, struct str name)
{
	for (size_t i = 0; i < t->n_fields; i++) {
		if (str_eq(t->fields[i].name, name)) {
			return &t->fields[i];
		}
	}
	return NULL;
}

/* ---- Does it fit? ---- */

/* is_whole: an object with members that are not declared does not. */
static enum rc check(struct turning *v, const struct input_type *t, const struct json *j,
		     bool is_whole);

static enum rc check_text(struct turning *v, const struct input_type *t, const struct json *j)
{
	static const char *const expected[] = {
	    [INPUT_STRING] = "a text",
	    [INPUT_DATETIME] = "a date or a moment (2026-11-22T08:00:00Z)",
	    [INPUT_DURATION] = "a duration (PT15M)",
	    [INPUT_IPADDR] = "an IP address",
	    [INPUT_DECIMAL_TEXT] = "a decimal (1.5)",
	};
	const struct cedar_value *unused;
	enum rc rc = RC_INPUT;

	if (j->type == JSON_STRING) {
		rc = input_text_value(t->kind, j->text, v->arena, &unused);
	}
	if (rc == RC_NOMEM) {
		FAIL(v->e, rc, "no memory for arguments");
	}
	return rc == RC_OK ? rc : misfit(v, expected[t->kind]);
}

static enum rc check_object(struct turning *v, const struct input_type *t, const struct json *j,
			    bool is_whole)
{
	if (j->type != JSON_OBJECT) {
		return misfit(v, "an object");
	}
	for (size_t i = 0; i < t->n_fields; i++) {
		if (t->fields[i].is_required && !json_get(j, t->fields[i].name)) {
			return misfit(v, "an object with what it requires");
		}
	}
	for (const struct json *c = j->child; c; c = c->next) {
		const struct input_field *f = field_of(t, c->key);

		if (f || t->item) {
			TRY(check(v, f ? f->type : t->item, c, is_whole));
		} else if (is_whole) {
			return misfit(v, "an object with nothing else");
		}
	}
	return RC_OK;
}

static enum rc check_elements(struct turning *v, const struct input_type *t, const struct json *j,
			      bool is_whole)
{
	size_t i = 0;

	if (j->type != JSON_ARRAY || (t->kind == INPUT_TUPLE && j->count != t->n_fields)) {
		return misfit(v, "a list");
	}
	for (const struct json *c = j->child; c; c = c->next) {
		TRY(check(v, t->kind == INPUT_SET ? t->item : t->fields[i++].type, c, is_whole));
	}
	return RC_OK;
}

/* The first alternative that fits it whole, else the first that fits what it declares. */
static enum rc choose(struct turning *v, const struct input_type *t, const struct json *j,
		      const struct input_field **ret)
{
	struct turning quiet = *v;

	quiet.e = NULL;
	for (unsigned round = 0; round < 2; round++) {
		for (size_t i = 0; i < t->n_fields; i++) {
			enum rc rc = check(&quiet, t->fields[i].type, j, round == 0);

			v->steps = quiet.steps;
			quiet.depth = v->depth;
			if (rc == RC_OK) {
				*ret = &t->fields[i];
				return RC_OK;
			}
			if (rc != RC_INPUT) {
				FAIL(v->e, rc, "no room to choose among alternatives");
			}
		}
	}
	return misfit(v, "one of the schema's alternatives");
}

static enum rc check_kind(struct turning *v, const struct input_type *t, const struct json *j,
			  bool is_whole)
{
	const struct input_field *unused;
	int64_t i;

	switch (t->kind) {
	case INPUT_UNKNOWN:
		return RC_OK;
	case INPUT_NULL:
		return j->type == JSON_NULL ? RC_OK : misfit(v, "null");
	case INPUT_BOOL:
		return j->type == JSON_TRUE || j->type == JSON_FALSE ? RC_OK
								     : misfit(v, "true or false");
	case INPUT_LONG:
		return json_i64(j, &i) ? RC_OK : misfit(v, "an integer of 64 bits");
	case INPUT_DECIMAL:
		return j->type == JSON_NUMBER ? RC_OK : misfit(v, "a number");
	case INPUT_STRING:
	case INPUT_DATETIME:
	case INPUT_DURATION:
	case INPUT_IPADDR:
	case INPUT_DECIMAL_TEXT:
		return check_text(v, t, j);
	case INPUT_ENUM:
		return j->type == JSON_STRING && str_list_has(&t->words, j->text)
			   ? RC_OK
			   : misfit(v, "one of the schema's words");
	case INPUT_SET:
	case INPUT_TUPLE:
		return check_elements(v, t, j, is_whole);
	case INPUT_UNION:
		return choose(v, t, j, &unused);
	case INPUT_RECORD:
	case INPUT_TAGGED:
		return check_object(v, t, j, is_whole);
	case INPUT_REF:
		return check(v, t->item, j, is_whole);
	}
	return RC_BROKEN;
}

static enum rc check(struct turning *v, const struct input_type *t, const struct json *j,
		     bool is_whole)
{
	enum rc rc;

	TRY(spend(v));
	rc = check_kind(v, t, j, is_whole);
	v->depth--;
	return rc;
}

enum rc input_check(const struct input *in, const struct json *args, struct arena *arena,
		    struct err *e)
{
	struct turning v = {.arena = arena, .e = e};

	for (const struct json *c = args->child; c; c = c->next) {
		const struct input_field *f = field_of(in->root, c->key);

		v.top = c->key;
		if (f) {
			TRY(check(&v, f->type, c, false));
		}
	}
	return RC_OK;
}

/* ---- values ---- */

static enum rc value_of(struct turning *v, const struct input_type *t, const struct json *j,
			const struct cedar_value **ret);

static enum rc entity_of(struct turning *v, struct str type, struct str id,
			 const struct cedar_uid **ret_uid, const struct cedar_value **ret)
{
	TRY(cedar_uid_new(v->arena, type, id, ret_uid, v->e));
	return cedar_value_entity(v->arena, *ret_uid, ret, v->e);
}

/* (2) */
static enum rc id_of(struct turning *v, const struct json *j, struct str *ret)
{
	AUTO_BUF b = BUF_INIT(LIMIT_HTTP_BODY_BYTES);
	AUTO_BUF hex = BUF_INIT(80);
	uint8_t digest[32];

	TRY(json_canonical(&b, j, v->e));
	*ret = buf_view(&b);
	if (b.n > INPUT_ID_BYTES) {
		if (EVP_Digest(b.p, b.n, digest, NULL, EVP_sha256(), NULL) != 1) {
			FAIL(v->e, RC_BROKEN, "cannot compute a SHA-256 digest");
		}
		TRY(buf_add(&hex, STR("sha256:")));
		TRY(buf_add_hex(&hex, digest, sizeof(digest)));
		*ret = buf_view(&hex);
	}
	*ret = arena_str(v->arena, *ret);
	if (!ret->p) {
		FAIL(v->e, RC_NOMEM, "no memory for arguments");
	}
	return RC_OK;
}

static enum rc value_of_unknown(struct turning *v, const struct json *j,
				const struct cedar_value **ret)
{
	const struct cedar_uid *uid;
	struct str id;

	TRY(id_of(v, j, &id));
	return entity_of(v, STR("Remit::Unknown"), id, &uid, ret);
}

static enum rc value_of_number(struct turning *v, const struct input_type *t, const struct json *j,
			       const struct cedar_value **ret)
{
	int64_t i;
	enum rc rc;

	if (t->kind == INPUT_LONG) {
		return json_i64(j, &i) ? cedar_value_long(v->arena, i, ret, v->e)
				       : misfit(v, "an integer of 64 bits");
	}
	if (j->type != JSON_NUMBER) {
		return misfit(v, "a number");
	}
	rc = input_decimal_value(j->text, v->arena, ret);
	return rc == RC_INPUT ? cedar_value_string(v->arena, j->text, ret, v->e) : rc; /* (1) */
}

static enum rc value_of_text(struct turning *v, const struct input_type *t, const struct json *j,
			     const struct cedar_value **ret)
{
	enum rc rc = RC_INPUT;

	if (j->type == JSON_STRING) {
		rc = input_text_value(t->kind, j->text, v->arena, ret);
	}
	return rc == RC_INPUT ? misfit(v, "a text of its format") : rc;
}

static enum rc value_of_word(struct turning *v, const struct input_type *t, const struct json *j,
			     const struct cedar_value **ret)
{
	const struct cedar_uid *uid;

	if (j->type != JSON_STRING || !str_list_has(&t->words, j->text)) {
		return misfit(v, "one of the schema's words");
	}
	return entity_of(v, t->path, j->text, &uid, ret);
}

static enum rc value_of_elements(struct turning *v, const struct input_type *t,
				 const struct json *j, const struct cedar_value **ret)
{
	const struct cedar_value **items;
	size_t n = 0;

	if (j->type != JSON_ARRAY) {
		return misfit(v, "a list");
	}
	items = arena_alloc_n(v->arena, j->count, sizeof(*items));
	if (!items) {
		FAIL(v->e, RC_NOMEM, "no memory for arguments");
	}
	for (const struct json *c = j->child; c; c = c->next) {
		TRY(value_of(v, t->item, c, &items[n++]));
	}
	return cedar_value_set(v->arena, items, n, ret, v->e);
}

static enum rc value_of_tuple(struct turning *v, const struct input_type *t, const struct json *j,
			      const struct cedar_value **ret)
{
	struct cedar_field *fields = arena_alloc_n(v->arena, t->n_fields, sizeof(*fields));
	size_t n = 0;

	if (!fields) {
		FAIL(v->e, RC_NOMEM, "no memory for arguments");
	}
	if (j->type != JSON_ARRAY || j->count != t->n_fields) {
		return misfit(v, "a list of its length");
	}
	for (const struct json *c = j->child; c; c = c->next) {
		fields[n].name = t->fields[n].name;
		TRY(value_of(v, t->fields[n].type, c, &fields[n].value));
		n++;
	}
	return cedar_value_record(v->arena, fields, n, ret, v->e);
}

static enum rc value_of_choice(struct turning *v, const struct input_type *t, const struct json *j,
			       const struct cedar_value **ret)
{
	const struct input_field *chosen;
	struct cedar_field field;

	TRY(choose(v, t, j, &chosen));
	field.name = chosen->name;
	TRY(value_of(v, chosen->type, j, &field.value));
	return cedar_value_record(v->arena, &field, 1, ret, v->e);
}

/* The members that are declared, and the others as tags where they have a type. */
static enum rc members_of(struct turning *v, const struct input_type *t, const struct json *j,
			  const struct cedar_value **ret, const struct cedar_value **ret_tags)
{
	size_t n_members = j->type == JSON_OBJECT ? j->count : 0;
	struct cedar_field *fields = arena_alloc_n(v->arena, n_members, sizeof(*fields));
	struct cedar_field *tags = arena_alloc_n(v->arena, n_members, sizeof(*tags));
	size_t n = 0;
	size_t n_tags = 0;

	if (!fields || !tags) {
		FAIL(v->e, RC_NOMEM, "no memory for arguments");
	}
	for (const struct json *c = n_members ? j->child : NULL; c; c = c->next) {
		const struct input_field *f = field_of(t, c->key);

		v->top = t->path.n ? v->top : c->key;
		if (f) {
			fields[n].name = c->key;
			TRY(value_of(v, f->type, c, &fields[n++].value));
		} else if (t->item) {
			tags[n_tags].name = c->key;
			TRY(value_of(v, t->item, c, &tags[n_tags++].value));
		} else {
			v->has_undeclared = true;
		}
	}
	TRY(cedar_value_record(v->arena, fields, n, ret, v->e));
	return cedar_value_record(v->arena, tags, n_tags, ret_tags, v->e);
}

static enum rc value_of_object(struct turning *v, const struct input_type *t, const struct json *j,
			       const struct cedar_value **ret)
{
	struct cedar_entity entity = {0};
	const struct cedar_value *attrs;
	struct str id;

	if (j->type != JSON_OBJECT) {
		return misfit(v, "an object");
	}
	TRY(members_of(v, t, j, &attrs, &entity.tags));
	if (t->kind == INPUT_RECORD) {
		*ret = attrs;
		return RC_OK;
	}
	TRY(id_of(v, j, &id));
	TRY(entity_of(v, t->path, id, &entity.uid, ret));
	entity.attrs = attrs;
	return cedar_entities_add(v->store, &entity, v->e);
}

static enum rc value_of_kind(struct turning *v, const struct input_type *t, const struct json *j,
			     const struct cedar_value **ret)
{
	const struct cedar_uid *uid;

	switch (t->kind) {
	case INPUT_UNKNOWN:
		return value_of_unknown(v, j, ret);
	case INPUT_NULL:
		return j->type == JSON_NULL
			   ? entity_of(v, STR("Remit::Null"), STR("null"), &uid, ret)
			   : misfit(v, "null");
	case INPUT_BOOL:
		return j->type == JSON_TRUE || j->type == JSON_FALSE
			   ? cedar_value_bool(v->arena, j->type == JSON_TRUE, ret, v->e)
			   : misfit(v, "true or false");
	case INPUT_LONG:
	case INPUT_DECIMAL:
		return value_of_number(v, t, j, ret);
	case INPUT_STRING:
	case INPUT_DATETIME:
	case INPUT_DURATION:
	case INPUT_IPADDR:
	case INPUT_DECIMAL_TEXT:
		return value_of_text(v, t, j, ret);
	case INPUT_ENUM:
		return value_of_word(v, t, j, ret);
	case INPUT_SET:
		return value_of_elements(v, t, j, ret);
	case INPUT_TUPLE:
		return value_of_tuple(v, t, j, ret);
	case INPUT_UNION:
		return value_of_choice(v, t, j, ret);
	case INPUT_RECORD:
	case INPUT_TAGGED:
		return value_of_object(v, t, j, ret);
	case INPUT_REF:
		return value_of(v, t->item, j, ret);
	}
	return RC_BROKEN;
}

static enum rc value_of(struct turning *v, const struct input_type *t, const struct json *j,
			const struct cedar_value **ret)
{
	enum rc rc;

	TRY(spend(v));
	rc = value_of_kind(v, t, j, ret);
	v->depth--;
	return rc;
}

enum rc input_value(const struct input *in, const struct json *args, struct arena *arena,
		    struct cedar_entities *store, const struct cedar_value **ret,
		    bool *ret_undeclared, struct err *e)
{
	struct turning v = {.arena = arena, .store = store, .e = e};
	const struct cedar_value *none;

	TRY(members_of(&v, in->root, args, ret, &none));
	*ret_undeclared = v.has_undeclared;
	return RC_OK;
}
