/* SPDX-License-Identifier: Apache-2.0 */
/* config/load_condition.c - {pointer, equals | in | matches | present | greater | less}.
 *
 * Holds:  a condition compares with one thing only, and its value is of a type that compares.
 */
#include "config/load.h"
#include "core/schema.h"

static const char *const operators[] = {"equals", "in", "matches", "present", "greater", "less"};

/* {word: value} as a schema. */
static const struct json *schema_of(struct load *l, const char *word, const struct json *value)
{
	struct json *object = load_alloc(l, 1, sizeof(*object));
	struct json *member = load_alloc(l, 1, sizeof(*member));

	if (!object || !member) {
		return NULL;
	}
	*member = *value;
	member->key = str_from(word);
	member->next = NULL;
	*object = (struct json){.type = JSON_OBJECT, .count = 1, .child = member};
	return object;
}

static uint32_t bit(enum json_type type)
{
	if (type == JSON_TRUE || type == JSON_FALSE) {
		return 1u << JSON_TRUE | 1u << JSON_FALSE;
	}
	return 1u << type;
}

static void read_in(struct load *l, const struct json *value, struct condition *c)
{
	if (value->type != JSON_ARRAY || value->count == 0) {
		load_error(l, value, "'in': expected a list of values");
		return;
	}
	for (const struct json *one = value->child; one; one = one->next) {
		c->types |= bit(one->type);
	}
	c->schema = schema_of(l, "enum", value);
}

static void read_pattern(struct load *l, const struct json *value, struct condition *c)
{
	const struct json *at = value;
	struct err e = ERR_INIT;

	c->types = bit(JSON_STRING);
	c->schema = schema_of(l, "pattern", value);
	if (value->type != JSON_STRING) {
		load_error(l, value, "'matches': expected a pattern");
	} else if (c->schema && schema_check(c->schema, true, &at, &e) != RC_OK) {
		load_error(l, value, "'matches': %s", e.msg);
	}
}

static void read_bound(struct load *l, const char *name, const char *word, const struct json *value,
		       struct condition *c)
{
	c->types = bit(JSON_NUMBER);
	c->schema = schema_of(l, word, value);
	if (value->type != JSON_NUMBER) {
		load_error(l, value, "'%s': expected a number, found %s", name,
			   json_type_name(value->type));
	}
}

static void read_operator(struct load *l, const char *name, const struct json *value,
			  struct condition *c)
{
	if (str_eq(str_from(name), STR("equals"))) {
		c->types = bit(value->type);
		c->schema = schema_of(l, "const", value);
	} else if (str_eq(str_from(name), STR("in"))) {
		read_in(l, value, c);
	} else if (str_eq(str_from(name), STR("matches"))) {
		read_pattern(l, value, c);
	} else if (str_eq(str_from(name), STR("greater"))) {
		read_bound(l, name, "exclusiveMinimum", value, c);
	} else if (str_eq(str_from(name), STR("less"))) {
		read_bound(l, name, "exclusiveMaximum", value, c);
	} else {
		c->asks_presence = true;
		if (!json_bool(value, &c->is_present)) {
			load_error(l, value, "'present': expected true or false");
		}
	}
}

void load_argument_condition(struct load *l, const struct json *node, const char *keys,
			     struct condition *ret)
{
	size_t n = 0;

	if (!load_keys(l, node, "a condition", keys)) {
		return;
	}
	ret->pointer = load_text(l, node, "pointer", REQUIRED);
	if (ret->pointer.n > 0 && ret->pointer.p[0] != '/') {
		load_error(l, json_get(node, STR("pointer")),
			   "'pointer': expected a JSON pointer such as /replicas");
	}
	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		const struct json *value = json_get(node, str_from(operators[i]));

		if (value) {
			n++;
			read_operator(l, operators[i], value, ret);
		}
	}
	if (n != 1) {
		load_error(l, node,
			   "a condition has one of equals, in, matches, present, greater, less");
	}
}

void load_argument_conditions(struct load *l, const struct json *node, struct conditions *ret)
{
	bool is_list = json_type(node) == JSON_ARRAY;
	struct condition *list = load_alloc(l, is_list ? node->count : 1, sizeof(*list));

	if (!list || !node) {
		return;
	}
	ret->p = list;
	if (!is_list) {
		load_argument_condition(l, node, CONDITION_KEYS, &list[0]);
		ret->n = 1;
		return;
	}
	if (node->count == 0) {
		load_error(l, node, "a list of conditions is empty");
	}
	for (const struct json *one = node->child; one; one = one->next) {
		load_argument_condition(l, one, CONDITION_KEYS, &list[ret->n++]);
	}
}
