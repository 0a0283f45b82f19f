/* SPDX-License-Identifier: Apache-2.0 */
/* core/schema_check.c - is a schema one that we can hold arguments to?
 *
 * Holds:  what schema.c reads without looking has been looked at here.
 */
#include "core/schema.h"

#include "core/pattern.h"
#include "core/schema_word.h"

struct check {
	const struct json *root;
	const struct json *at;
	bool is_strict;
	unsigned depth;
	struct err *e;
};

static enum rc check_schema(struct check *c, const struct json *schema);

static enum rc wrong(struct check *c, const struct json *at, const char *expected)
{
	c->at = at;
	FAIL(c->e, RC_INPUT, "'" STR_FMT "': expected %s, found %s", STR_ARG(at->key), expected,
	     json_type_name(at->type));
}

static enum rc check_each(struct check *c, const struct json *schemas)
{
	for (const struct json *s = schemas->child; s; s = s->next) {
		TRY(check_schema(c, s));
	}
	return RC_OK;
}

static enum rc check_schema_list(struct check *c, const struct json *list)
{
	if (json_type(list) != JSON_ARRAY || list->count == 0) {
		return wrong(c, list, "a list of schemas");
	}
	return check_each(c, list);
}

static enum rc check_schema_map(struct check *c, const struct json *map)
{
	if (json_type(map) != JSON_OBJECT) {
		return wrong(c, map, "an object of schemas");
	}
	return check_each(c, map);
}

static enum rc check_type(struct check *c, const struct json *word)
{
	const struct json *first = word->type == JSON_ARRAY ? word->child : word;

	if (!first) {
		return wrong(c, word, "the name of a type");
	}
	for (const struct json *name = first; name;
	     name = word->type == JSON_ARRAY ? name->next : NULL) {
		struct str text;

		if (!json_str(name, &text) || !schema_type_is_known(text)) {
			return wrong(c, word, "the name of a type");
		}
	}
	return RC_OK;
}

static enum rc check_names(struct check *c, const struct json *word)
{
	struct str text;

	if (word->type != JSON_ARRAY) {
		return wrong(c, word, "a list of names");
	}
	for (const struct json *name = word->child; name; name = name->next) {
		if (!json_str(name, &text)) {
			return wrong(c, word, "a list of names");
		}
	}
	return RC_OK;
}

static enum rc check_pattern(struct check *c, const struct json *word)
{
	struct pattern p;
	struct str text;

	if (!json_str(word, &text)) {
		return wrong(c, word, "a pattern");
	}
	c->at = word;
	return pattern_compile(&p, text, c->e);
}

static enum rc check_ref(struct check *c, const struct json *word)
{
	struct str text;

	if (!json_str(word, &text) || !schema_resolve(c->root, text)) {
		return wrong(c, word, "a reference to \"#/$defs/...\" that exists");
	}
	return RC_OK;
}

static enum rc check_number(struct check *c, const struct json *word)
{
	return word->type == JSON_NUMBER ? RC_OK : wrong(c, word, "a number");
}

static enum rc check_count(struct check *c, const struct json *word)
{
	uint64_t n;

	return json_u64(word, &n) ? RC_OK : wrong(c, word, "a count");
}

static enum rc check_multiple(struct check *c, const struct json *word)
{
	uint64_t n;

	return json_u64(word, &n) && n > 0 && n <= INT64_MAX ? RC_OK
							     : wrong(c, word, "a positive integer");
}

static enum rc check_word(struct check *c, const struct json *word)
{
	switch (schema_word_of(word->key)) {
	case WORD_TYPE:
		return check_type(c, word);
	case WORD_ENUM:
		return word->type == JSON_ARRAY ? RC_OK : wrong(c, word, "a list of values");
	case WORD_CONST:
	case WORD_NOTE:
		return RC_OK;
	case WORD_PROPERTIES:
	case WORD_DEFS:
		return check_schema_map(c, word);
	case WORD_REQUIRED:
		return check_names(c, word);
	case WORD_ADDITIONAL_PROPERTIES:
	case WORD_ITEMS:
	case WORD_NOT:
		return check_schema(c, word);
	case WORD_PREFIX_ITEMS:
	case WORD_ANY_OF:
	case WORD_ONE_OF:
	case WORD_ALL_OF:
		return check_schema_list(c, word);
	case WORD_MIN_PROPERTIES:
	case WORD_MAX_PROPERTIES:
	case WORD_MIN_ITEMS:
	case WORD_MAX_ITEMS:
	case WORD_MIN_LENGTH:
	case WORD_MAX_LENGTH:
		return check_count(c, word);
	case WORD_UNIQUE_ITEMS:
		return word->type == JSON_TRUE || word->type == JSON_FALSE
			   ? RC_OK
			   : wrong(c, word, "true or false");
	case WORD_PATTERN:
		return check_pattern(c, word);
	case WORD_MINIMUM:
	case WORD_MAXIMUM:
	case WORD_EXCLUSIVE_MINIMUM:
	case WORD_EXCLUSIVE_MAXIMUM:
		return check_number(c, word);
	case WORD_MULTIPLE_OF:
		return check_multiple(c, word);
	case WORD_REF:
		return check_ref(c, word);
	case WORD_UNKNOWN:
		break;
	}
	if (c->is_strict) {
		c->at = word;
		FAIL(c->e, RC_INPUT, "'" STR_FMT "' is not a word that arguments can be held to",
		     STR_ARG(word->key));
	}
	return RC_OK;
}

static enum rc check_schema(struct check *c, const struct json *schema)
{
	if (schema->type == JSON_TRUE || schema->type == JSON_FALSE) {
		return RC_OK;
	}
	if (schema->type != JSON_OBJECT) {
		return wrong(c, schema, "a schema");
	}
	if (++c->depth > SCHEMA_DEPTH) {
		c->at = schema;
		FAIL(c->e, RC_LIMIT, "schemas are nested too deep");
	}
	for (const struct json *word = schema->child; word; word = word->next) {
		TRY(check_word(c, word));
	}
	c->depth--;
	return RC_OK;
}

enum rc schema_check(const struct json *schema, bool is_strict, const struct json **ret_at,
		     struct err *e)
{
	struct check c = {.root = schema, .at = schema, .is_strict = is_strict, .e = e};
	enum rc rc;

	if (!schema) {
		FAIL(e, RC_INPUT, "there is no schema");
	}
	rc = check_schema(&c, schema);
	if (rc != RC_OK && ret_at) {
		*ret_at = c.at;
	}
	return rc;
}
