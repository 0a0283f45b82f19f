/* SPDX-License-Identifier: Apache-2.0 */
/* A schema, policies, entities and a request, separated by NUL: data that passed the checks of the
 * schema makes a policy that passed validation fail for nothing but what include/cedar.h names. */
#include "base/mem.h"
#include "cedar.h"
#include "codec/json.h"

#include "fuzz.h"

enum { ARENA_BYTES = 1 << 24 };

static enum rc read_request(struct arena *arena, const struct cedar_schema *schema, struct str text,
			    struct cedar_request *ret)
{
	const struct json *j;

	TRY(json_parse(arena, text, &JSON_LIMITS_DEFAULT, &j, NULL));
	TRY(cedar_uid_from_json(arena, json_get(j, STR("principal")), &ret->principal, NULL));
	TRY(cedar_uid_from_json(arena, json_get(j, STR("action")), &ret->action, NULL));
	TRY(cedar_uid_from_json(arena, json_get(j, STR("resource")), &ret->resource, NULL));
	TRY(cedar_context_from_json(arena, schema, ret->action, json_get(j, STR("context")),
				    &ret->context, NULL));
	return cedar_request_check(ret, schema, NULL);
}

static enum rc read_entities(struct arena *arena, const struct cedar_schema *schema,
			     struct str text, struct cedar_entities **ret)
{
	const struct json *j;

	TRY(json_parse(arena, text, &JSON_LIMITS_DEFAULT, &j, NULL));
	TRY(cedar_entities_new(arena, NULL, ret, NULL));
	TRY(cedar_entities_add_json_as(*ret, schema, j, NULL));
	TRY(cedar_entities_seal(*ret, NULL));
	return cedar_entities_check(*ret, schema, NULL);
}

static void check(const struct cedar_validation *v, const struct cedar_response *r)
{
	for (size_t i = 0; i < r->n_errors; i++) {
		enum cedar_error_class class = r->errors[i].error.class;

		MUST(!v->policies[r->errors[i].policy] || class == CEDAR_ERROR_OVERFLOW ||
		     class == CEDAR_ERROR_ENTITY || class == CEDAR_ERROR_EXT ||
		     class == CEDAR_ERROR_LIMIT);
	}
}

static void run(const struct cedar_schema *schema, const struct cedar_policies *set,
		struct str entities, struct str request)
{
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	struct cedar_validation v;
	struct cedar_entities *s;
	struct cedar_request r = {0};
	struct cedar_response answer;

	if (cedar_validate(set, schema, NULL, &arena, &v, NULL) == RC_OK &&
	    read_request(&arena, schema, request, &r) == RC_OK &&
	    read_entities(&arena, schema, entities, &s) == RC_OK &&
	    cedar_authorize(set, s, &r, &arena, &answer, NULL) == RC_OK) {
		check(&v, &answer);
	}
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	struct str rest = str_of(bytes, n);
	struct str schema_text = str_cut(&rest, '\0');
	struct str policies = str_cut(&rest, '\0');
	struct str entities = str_cut(&rest, '\0');
	struct cedar_schema *schema = NULL;
	struct cedar_builder *b = NULL;
	struct cedar_policies *set = NULL;

	if (cedar_schema_parse(STR("s"), schema_text, &schema, NULL) == RC_OK &&
	    cedar_builder_new(&b, NULL) == RC_OK &&
	    cedar_builder_add(b, STR("f"), policies, NULL) == RC_OK &&
	    cedar_builder_finish(b, &set, NULL) == RC_OK) {
		run(schema, set, entities, rest);
	}
	cedar_policies_unref(set);
	cedar_builder_free(b);
	cedar_schema_unref(schema);
	return 0;
}
