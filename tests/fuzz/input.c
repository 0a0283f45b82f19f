/* SPDX-License-Identifier: Apache-2.0 */
/* input.c - a tool's schema as Cedar types, and arguments as values of them. The input is two
 * lines: the inputSchema and the arguments.
 *
 * What is printed of any schema is a schema to Cedar, and arguments that are taken are values of
 * it.
 */
#include <cedar.h>
#include <stdlib.h>

#include "core/input.h"
#include "core/schema.h"

#include "fuzz.h"

static const char head[] = "namespace Remit {\n entity Unknown, Null, P, R;\n action a appliesTo "
			   "{principal: P, resource: R, context: {input: ";

static struct cedar_schema *parse(const struct input *in)
{
	AUTO_BUF text = BUF_INIT(1 << 20);
	struct cedar_schema *schema = NULL;
	enum rc rc;

	if (buf_addf(&text, "%s" STR_FMT "}};", head, STR_ARG(in->name)) != RC_OK ||
	    input_print(&text, in) != RC_OK || buf_add(&text, STR("\n}")) != RC_OK ||
	    input_print_spaces(&text, in) != RC_OK) {
		return NULL; /* too long */
	}
	rc = cedar_schema_parse(STR("x"), buf_view(&text), &schema, NULL);
	if (rc != RC_OK && rc != RC_LIMIT && rc != RC_NOMEM) {
		abort();
	}
	return schema;
}

/* Is every number an integer or a short fraction, so that it is a value of its type? */
static bool has_plain_numbers(const struct json *j)
{
	if (j->type == JSON_NUMBER) {
		size_t point = str_find(j->text, '.');

		return j->text.n < 16 && j->text.n - point <= 5 &&
		       str_find(j->text, 'e') == j->text.n && str_find(j->text, 'E') == j->text.n;
	}
	for (const struct json *c = j->child; c; c = c->next) {
		if (!has_plain_numbers(c)) {
			return false;
		}
	}
	return true;
}

static enum rc request_of(struct arena *arena, const struct cedar_value *input,
			  struct cedar_request *ret)
{
	const struct cedar_field field = {STR("input"), input};

	TRY(cedar_uid_new(arena, STR("Remit::P"), STR("p"), &ret->principal, NULL));
	TRY(cedar_uid_new(arena, STR("Remit::Action"), STR("a"), &ret->action, NULL));
	TRY(cedar_uid_new(arena, STR("Remit::R"), STR("r"), &ret->resource, NULL));
	return cedar_value_record(arena, &field, 1, &ret->context, NULL);
}

static void check_value(const struct input *in, const struct cedar_schema *schema,
			const struct json *args, struct arena *arena)
{
	struct cedar_request request;
	struct cedar_entities *store;
	const struct cedar_value *v;
	bool undeclared;

	if (cedar_entities_new(arena, NULL, &store, NULL) != RC_OK ||
	    input_value(in, args, arena, store, &v, &undeclared, NULL) != RC_OK ||
	    cedar_entities_seal(store, NULL) != RC_OK || request_of(arena, v, &request) != RC_OK) {
		return; /* memory */
	}
	if (cedar_request_check(&request, schema, NULL) != RC_OK ||
	    cedar_entities_check(store, schema, NULL) != RC_OK) {
		abort();
	}
}

/* Arguments that a call may have: of the JSON Schema, and values that Cedar has. */
static bool are_taken(const struct input *in, const struct json *schema, const struct json *args,
		      struct arena *arena)
{
	return json_type(args) == JSON_OBJECT && has_plain_numbers(args) &&
	       schema_check(schema, false, NULL, NULL) == RC_OK &&
	       schema_validate(schema, args, NULL) == RC_OK &&
	       input_check(in, args, arena, NULL) == RC_OK;
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_ARENA arena = ARENA_INIT(64 << 20);
	struct str args = str_of(bytes, n);
	struct str text = str_cut(&args, '\n');
	const struct json *schema;
	const struct json *value;
	const struct input *in;
	struct cedar_schema *types;

	if (json_parse(&arena, text, NULL, &schema, NULL) != RC_OK ||
	    input_of_schema(STR("up___do-it"), schema, &arena, &in, NULL) != RC_OK) {
		return 0;
	}
	types = parse(in);
	if (types && json_parse(&arena, args, NULL, &value, NULL) == RC_OK &&
	    are_taken(in, schema, value, &arena)) {
		check_value(in, types, value, &arena);
	}
	cedar_schema_unref(types);
	return 0;
}
