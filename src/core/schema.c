/* SPDX-License-Identifier: Apache-2.0 */
/* core/schema.c - holding arguments to a schema.
 *
 * Trust:  values are hostile; schemas passed schema_check(), and a hole in that is RC_BROKEN.
 * Holds:  (1) depth and steps are bounded, whatever schema and value say.
 *         (2) only RC_INPUT means "does not fit": `not` and alternatives never turn another
 *             failure into success.
 */
#include "core/schema.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pattern.h"
#include "core/schema_word.h"

/* The way from the root to a value, for messages. */
struct place {
	const struct place *up;
	struct str name;
	size_t index; /* when name.p is NULL */
};

struct run {
	const struct json *root;
	unsigned depth;
	size_t steps;
	struct err *e; /* NULL while alternatives are tried */
};

static enum rc fits(struct run *r, const struct json *schema, const struct json *value,
		    const struct place *place);

/* ---- Errors ---- */

static size_t print_place(const struct place *p, char *out, size_t max)
{
	size_t n = 0;
	int more;

	if (p->up) {
		n = print_place(p->up, out, max);
	} else {
		return 0; /* the root has no name */
	}
	if (p->name.p) {
		more = snprintf(out + n, max - n, "/" STR_FMT, STR_ARG(p->name));
	} else {
		more = snprintf(out + n, max - n, "/%zu", p->index);
	}
	/* A pointer that is too long for a message is cut there and nowhere else. */
	return more < 0 || (size_t)more >= max - n ? max - 1 : n + (size_t)more;
}

static enum rc misfit(struct run *r, const struct place *place, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static enum rc misfit(struct run *r, const struct place *place, const char *fmt, ...)
{
	char where[160] = "";
	char what[200];
	va_list ap;

	if (!r->e) {
		return RC_INPUT;
	}
	(void)print_place(place, where, sizeof(where));
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	FAIL(r->e, RC_INPUT, "'%s': %s", where, what);
}

static enum rc spend(struct run *r, size_t steps)
{
	if (steps > r->steps) {
		r->steps = 0;
		FAIL(r->e, RC_LIMIT, "the arguments take too long to check");
	}
	r->steps -= steps;
	return RC_OK;
}

static enum rc broken(struct run *r, const struct json *word)
{
	FAIL(r->e, RC_BROKEN, "schema: '" STR_FMT "' cannot be used", STR_ARG(word->key));
}

/* ---- Numbers and equality ---- */

static bool to_double(const struct json *j, double *ret)
{
	char text[400];

	if (j->type != JSON_NUMBER || j->text.n >= sizeof(text)) {
		return false;
	}
	memcpy(text, j->text.p, j->text.n);
	text[j->text.n] = '\0';
	*ret = strtod(text, NULL); /* the process never leaves the C locale */
	return isfinite(*ret);
}

/* Numbers that cannot be compared are *ret_known == false. */
static int compare(const struct json *a, const struct json *b, bool *ret_known)
{
	int64_t ia;
	int64_t ib;
	double da = 0;
	double db = 0;

	if (json_i64(a, &ia) && json_i64(b, &ib)) {
		*ret_known = true;
		return (ia > ib) - (ia < ib);
	}
	*ret_known = to_double(a, &da) && to_double(b, &db);
	return (da > db) - (da < db);
}

static enum rc is_equal(struct run *r, const struct json *a, const struct json *b, bool *ret)
{
	bool known;

	*ret = false;
	TRY(spend(r, 1));
	if (a->type != b->type) {
		return RC_OK;
	}
	switch (a->type) {
	case JSON_NUMBER:
		*ret = compare(a, b, &known) == 0 && known;
		return RC_OK;
	case JSON_STRING:
		TRY(spend(r, a->text.n / 64));
		*ret = str_eq(a->text, b->text);
		return RC_OK;
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	case JSON_NONE:
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_TRUE:
		*ret = true;
		return RC_OK;
	}
	if (a->count != b->count) {
		return RC_OK;
	}
	*ret = true;
	for (const struct json *x = a->child, *y = b->child; x && y && *ret;
	     x = x->next, y = y->next) {
		const struct json *other = y;

		if (a->type == JSON_OBJECT) {
			TRY(spend(r, b->count));
			other = json_get(b, x->key);
		}
		*ret = false;
		if (other) {
			TRY(is_equal(r, x, other, ret)); /* depth: bounded by the parser */
		}
	}
	return RC_OK;
}

static bool is_integer(const struct json *j)
{
	int64_t i;
	double d;

	return json_i64(j, &i) || (to_double(j, &d) && trunc(d) == d);
}

/* ---- One word each ---- */

static bool type_is(const struct json *value, struct str name)
{
	switch (value->type) {
	case JSON_NULL:
		return str_eq(name, STR("null"));
	case JSON_FALSE:
	case JSON_TRUE:
		return str_eq(name, STR("boolean"));
	case JSON_NUMBER:
		return str_eq(name, STR("number")) ||
		       (str_eq(name, STR("integer")) && is_integer(value));
	case JSON_STRING:
		return str_eq(name, STR("string"));
	case JSON_ARRAY:
		return str_eq(name, STR("array"));
	case JSON_OBJECT:
		return str_eq(name, STR("object"));
	case JSON_NONE:
		break;
	}
	return false;
}

static enum rc check_type(struct run *r, const struct json *word, const struct json *value,
			  const struct place *place)
{
	struct str name = STR_NULL;

	if (json_str(word, &name)) {
		if (type_is(value, name)) {
			return RC_OK;
		}
		return misfit(r, place, "expected " STR_FMT ", found %s", STR_ARG(name),
			      json_type_name(value->type));
	}
	for (const struct json *type = word->child; type; type = type->next) {
		if (json_str(type, &name) && type_is(value, name)) {
			return RC_OK;
		}
	}
	return misfit(r, place, "%s is none of the allowed types", json_type_name(value->type));
}

static enum rc check_enum(struct run *r, const struct json *word, const struct json *value,
			  const struct place *place)
{
	for (const struct json *one = word->child; one; one = one->next) {
		bool equal;

		TRY(is_equal(r, one, value, &equal));
		if (equal) {
			return RC_OK;
		}
	}
	return misfit(r, place, "not one of the allowed values");
}

static enum rc check_const(struct run *r, const struct json *word, const struct json *value,
			   const struct place *place)
{
	bool equal;

	TRY(is_equal(r, word, value, &equal));
	return equal ? RC_OK : misfit(r, place, "not the only allowed value");
}

static enum rc check_bound(struct run *r, const struct json *word, const struct json *value,
			   const struct place *place, enum schema_word kind)
{
	bool known;
	int order = compare(value, word, &known);
	bool is_fine = known;

	if (kind == WORD_MINIMUM) {
		is_fine &= order >= 0;
	} else if (kind == WORD_MAXIMUM) {
		is_fine &= order <= 0;
	} else if (kind == WORD_EXCLUSIVE_MINIMUM) {
		is_fine &= order > 0;
	} else {
		is_fine &= order < 0;
	}
	return is_fine ? RC_OK
		       : misfit(r, place, STR_FMT " is outside the bound " STR_FMT,
				STR_ARG(value->text), STR_ARG(word->text));
}

static enum rc check_multiple(struct run *r, const struct json *word, const struct json *value,
			      const struct place *place)
{
	int64_t divisor;
	int64_t i;

	if (!json_i64(word, &divisor) || divisor <= 0) {
		return broken(r, word);
	}
	return json_i64(value, &i) && i % divisor == 0
		   ? RC_OK
		   : misfit(r, place, "not a multiple of " STR_FMT, STR_ARG(word->text));
}

/* minX and maxX of something that has n */
static enum rc check_size(struct run *r, const struct json *word, size_t n,
			  const struct place *place, bool is_minimum)
{
	uint64_t bound;

	if (!json_u64(word, &bound)) {
		return broken(r, word);
	}
	if (is_minimum ? n >= bound : n <= bound) {
		return RC_OK;
	}
	return misfit(r, place, "%zu is %s than %s " STR_FMT, n, is_minimum ? "less" : "more",
		      is_minimum ? "the least," : "the most,", STR_ARG(word->text));
}

static size_t code_points(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		n += ((unsigned char)s.p[i] & 0xc0u) != 0x80u;
	}
	return n;
}

static enum rc check_pattern(struct run *r, const struct json *word, const struct json *value,
			     const struct place *place)
{
	struct pattern p;
	struct str text;

	if (!json_str(word, &text) || pattern_compile(&p, text, NULL) != RC_OK) {
		return broken(r, word);
	}
	TRY(spend(r, pattern_cost(&p, value->text.n)));
	return pattern_search(&p, value->text)
		   ? RC_OK
		   : misfit(r, place, "does not match the pattern '" STR_FMT "'", STR_ARG(text));
}

static enum rc check_properties(struct run *r, const struct json *schema, const struct json *value,
				const struct place *place)
{
	const struct json *properties = json_get(schema, STR("properties"));
	const struct json *others = json_get(schema, STR("additionalProperties"));

	for (const struct json *member = value->child; member; member = member->next) {
		const struct place here = {.up = place, .name = member->key};
		const struct json *one = json_get(properties, member->key);

		TRY(spend(r, properties ? properties->count + 1 : 1));
		if (one) {
			TRY(fits(r, one, member, &here));
		} else if (json_type(others) == JSON_FALSE) {
			return misfit(r, &here, "the tool has no such argument");
		} else if (others) {
			TRY(fits(r, others, member, &here));
		}
	}
	return RC_OK;
}

static enum rc check_required(struct run *r, const struct json *word, const struct json *value,
			      const struct place *place)
{
	for (const struct json *name = word->child; name; name = name->next) {
		struct str text = STR_NULL;

		TRY(spend(r, value->count + 1));
		if (!json_str(name, &text)) {
			return broken(r, word);
		}
		if (!json_get(value, text)) {
			return misfit(r, place, "'" STR_FMT "' is missing", STR_ARG(text));
		}
	}
	return RC_OK;
}

static enum rc check_items(struct run *r, const struct json *schema, const struct json *value,
			   const struct place *place)
{
	const struct json *prefix = json_get(schema, STR("prefixItems"));
	const struct json *rest = json_get(schema, STR("items"));
	size_t i = 0;

	prefix = prefix ? prefix->child : NULL;
	for (const struct json *item = value->child; item; item = item->next) {
		const struct place here = {.up = place, .index = i++};
		const struct json *one = prefix ? prefix : rest;

		prefix = prefix ? prefix->next : NULL;
		if (one) {
			TRY(fits(r, one, item, &here));
		}
	}
	return RC_OK;
}

static enum rc check_unique(struct run *r, const struct json *value, const struct place *place)
{
	for (const struct json *a = value->child; a; a = a->next) {
		for (const struct json *b = a->next; b; b = b->next) {
			bool equal;

			TRY(is_equal(r, a, b, &equal));
			if (equal) {
				return misfit(r, place, "an element occurs twice");
			}
		}
	}
	return RC_OK;
}

/* How many of the schemas the value fits. */
static enum rc count_fits(struct run *r, const struct json *schemas, const struct json *value,
			  const struct place *place, size_t *ret)
{
	struct err *e = r->e;
	size_t n = 0;

	for (const struct json *one = schemas->child; one; one = one->next) {
		enum rc rc;

		r->e = NULL;
		rc = fits(r, one, value, place);
		r->e = e;
		if (rc != RC_OK && rc != RC_INPUT) {
			FAIL(e, rc, "the arguments cannot be checked: %s", rc_text(rc));
		}
		n += rc == RC_OK;
	}
	*ret = n;
	return RC_OK;
}

static enum rc check_alternatives(struct run *r, const struct json *word, const struct json *value,
				  const struct place *place, enum schema_word kind)
{
	struct json only = *word;
	struct json list = {.type = JSON_ARRAY, .count = 1, .child = &only};
	size_t n = 0;

	only.next = NULL;
	TRY(count_fits(r, kind == WORD_NOT ? &list : word, value, place, &n));
	if (kind == WORD_NOT) {
		return n == 0 ? RC_OK : misfit(r, place, "is what it must not be");
	}
	if (n == 1 || (n > 1 && kind == WORD_ANY_OF)) {
		return RC_OK;
	}
	return misfit(r, place,
		      n == 0 ? "fits none of the alternatives"
			     : "fits more than one of the alternatives");
}

static enum rc check_all(struct run *r, const struct json *word, const struct json *value,
			 const struct place *place)
{
	for (const struct json *one = word->child; one; one = one->next) {
		TRY(fits(r, one, value, place));
	}
	return RC_OK;
}

static enum rc check_ref(struct run *r, const struct json *word, const struct json *value,
			 const struct place *place)
{
	struct str text = STR_NULL;
	const struct json *target;

	if (!json_str(word, &text)) {
		return broken(r, word);
	}
	target = schema_resolve(r->root, text);
	return target ? fits(r, target, value, place) : broken(r, word);
}

static enum rc check_number_word(struct run *r, const struct json *word, enum schema_word kind,
				 const struct json *value, const struct place *place)
{
	if (kind == WORD_MULTIPLE_OF) {
		return check_multiple(r, word, value, place);
	}
	if (kind >= WORD_MINIMUM && kind <= WORD_EXCLUSIVE_MAXIMUM) {
		return check_bound(r, word, value, place, kind);
	}
	return RC_OK;
}

static enum rc check_string_word(struct run *r, const struct json *word, enum schema_word kind,
				 const struct json *value, const struct place *place)
{
	if (kind == WORD_PATTERN) {
		return check_pattern(r, word, value, place);
	}
	if (kind == WORD_MIN_LENGTH || kind == WORD_MAX_LENGTH) {
		return check_size(r, word, code_points(value->text), place,
				  kind == WORD_MIN_LENGTH);
	}
	return RC_OK;
}

static enum rc check_array_word(struct run *r, const struct json *word, enum schema_word kind,
				const struct json *value, const struct place *place)
{
	if (kind == WORD_UNIQUE_ITEMS) {
		return word->type == JSON_TRUE ? check_unique(r, value, place) : RC_OK;
	}
	if (kind == WORD_MIN_ITEMS || kind == WORD_MAX_ITEMS) {
		return check_size(r, word, value->count, place, kind == WORD_MIN_ITEMS);
	}
	return RC_OK;
}

static enum rc check_object_word(struct run *r, const struct json *word, enum schema_word kind,
				 const struct json *value, const struct place *place)
{
	if (kind == WORD_REQUIRED) {
		return check_required(r, word, value, place);
	}
	if (kind == WORD_MIN_PROPERTIES || kind == WORD_MAX_PROPERTIES) {
		return check_size(r, word, value->count, place, kind == WORD_MIN_PROPERTIES);
	}
	return RC_OK;
}

/* Words that say something about values of one type only. */
static enum rc check_typed_word(struct run *r, const struct json *word, enum schema_word kind,
				const struct json *value, const struct place *place)
{
	switch (value->type) {
	case JSON_NUMBER:
		return check_number_word(r, word, kind, value, place);
	case JSON_STRING:
		return check_string_word(r, word, kind, value, place);
	case JSON_ARRAY:
		return check_array_word(r, word, kind, value, place);
	case JSON_OBJECT:
		return check_object_word(r, word, kind, value, place);
	case JSON_NONE:
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_TRUE:
		break;
	}
	return RC_OK;
}

static enum rc check_word(struct run *r, const struct json *word, const struct json *value,
			  const struct place *place)
{
	enum schema_word kind = schema_word_of(word->key);

	TRY(spend(r, 1));
	switch (kind) {
	case WORD_TYPE:
		return check_type(r, word, value, place);
	case WORD_ENUM:
		return check_enum(r, word, value, place);
	case WORD_CONST:
		return check_const(r, word, value, place);
	case WORD_REF:
		return check_ref(r, word, value, place);
	case WORD_ALL_OF:
		return check_all(r, word, value, place);
	case WORD_ANY_OF:
	case WORD_ONE_OF:
	case WORD_NOT:
		return check_alternatives(r, word, value, place, kind);
	case WORD_REQUIRED:
	case WORD_MIN_PROPERTIES:
	case WORD_MAX_PROPERTIES:
	case WORD_MIN_ITEMS:
	case WORD_MAX_ITEMS:
	case WORD_UNIQUE_ITEMS:
	case WORD_MIN_LENGTH:
	case WORD_MAX_LENGTH:
	case WORD_PATTERN:
	case WORD_MINIMUM:
	case WORD_MAXIMUM:
	case WORD_EXCLUSIVE_MINIMUM:
	case WORD_EXCLUSIVE_MAXIMUM:
	case WORD_MULTIPLE_OF:
		return check_typed_word(r, word, kind, value, place);
	case WORD_PROPERTIES: /* these four are seen to together, in fits() */
	case WORD_ADDITIONAL_PROPERTIES:
	case WORD_ITEMS:
	case WORD_PREFIX_ITEMS:
	case WORD_UNKNOWN:
	case WORD_NOTE:
	case WORD_DEFS:
		break;
	}
	return RC_OK;
}

static enum rc check_object_schema(struct run *r, const struct json *schema,
				   const struct json *value, const struct place *place)
{
	for (const struct json *word = schema->child; word; word = word->next) {
		TRY(check_word(r, word, value, place));
	}
	if (value->type == JSON_OBJECT) {
		return check_properties(r, schema, value, place);
	}
	return value->type == JSON_ARRAY ? check_items(r, schema, value, place) : RC_OK;
}

static enum rc fits(struct run *r, const struct json *schema, const struct json *value,
		    const struct place *place)
{
	enum rc rc;

	TRY(spend(r, 1));
	if (schema->type == JSON_TRUE) {
		return RC_OK;
	}
	if (schema->type == JSON_FALSE) {
		return misfit(r, place, "nothing is allowed here");
	}
	if (schema->type != JSON_OBJECT) {
		return broken(r, schema);
	}
	if (r->depth == SCHEMA_DEPTH) {
		FAIL(r->e, RC_LIMIT, "the schema refers to itself too often");
	}
	r->depth++;
	rc = check_object_schema(r, schema, value, place);
	r->depth--;
	return rc;
}

enum rc schema_validate(const struct json *schema, const struct json *value, struct err *e)
{
	struct run r = {.root = schema, .steps = SCHEMA_STEPS, .e = e};
	const struct place root = {.up = NULL};

	if (!schema || !value) {
		FAIL(e, RC_INPUT, "'': there is nothing to check");
	}
	return fits(&r, schema, value, &root);
}
