/* SPDX-License-Identifier: Apache-2.0 */
/* ask_whole.c - validates policies, then answers a request with data that a schema describes; the
 * other half of differ_whole.mjs.
 *
 * One JSON object per line: schema and policies (texts), entities, principal, action, resource,
 * context. One line back: "schema" or "policies" when they are refused, or the verdict, the classes
 * of what was found in alphabetical order, and, behind a bar, what is wrong with the data or the
 * decision as ask.c prints it:
 *
 *	invalid type unsafe_attr | deny [policy1] {policy0:type}
 *	valid |: entities: line 1 ...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"

#include "ask.h"

enum { ARENA_BYTES = 1 << 26 };

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void print_verdict(const struct cedar_validation *v)
{
	const char *names[CEDAR_FINDING_IMPOSSIBLE + 1];
	uint32_t classes = 0;
	size_t n = 0;

	for (size_t i = 0; i < v->n_findings; i++) {
		classes |= 1u << v->findings[i].class;
	}
	for (int i = 1; i <= CEDAR_FINDING_IMPOSSIBLE; i++) {
		if (classes >> i & 1) {
			names[n++] = cedar_finding_class_name((enum cedar_finding_class)i);
		}
	}
	qsort(names, n, sizeof(*names), by_name);
	printf("%s", v->is_valid ? "valid" : "invalid");
	for (size_t i = 0; i < n; i++) {
		printf(" %s", names[i]);
	}
	printf(" |");
}

static enum rc authorize(struct arena *arena, const struct json *j,
			 const struct cedar_schema *schema, const struct cedar_policies *set,
			 struct cedar_response *ret, struct err *e)
{
	struct cedar_request r = {0};
	struct cedar_entities *s;

	TRY(cedar_uid_from_json(arena, json_get(j, STR("principal")), &r.principal, e));
	TRY(cedar_uid_from_json(arena, json_get(j, STR("action")), &r.action, e));
	TRY(cedar_uid_from_json(arena, json_get(j, STR("resource")), &r.resource, e));
	TRY(cedar_context_from_json(arena, schema, r.action, json_get(j, STR("context")),
				    &r.context, e));
	TRY(cedar_request_check(&r, schema, e));
	TRY(cedar_entities_new(arena, NULL, &s, e));
	TRY(cedar_entities_add_json_as(s, schema, json_get(j, STR("entities")), e));
	TRY(cedar_entities_seal(s, e));
	TRY(cedar_entities_check(s, schema, e));
	return cedar_authorize(set, s, &r, arena, ret, e);
}

static enum rc parse_policies(struct str text, struct cedar_policies **ret)
{
	struct cedar_builder *b = NULL;
	enum rc rc;

	TRY(cedar_builder_new(&b, NULL));
	rc = cedar_builder_add(b, STR("p"), text, NULL);
	rc = rc == RC_OK ? cedar_builder_finish(b, ret, NULL) : rc;
	cedar_builder_free(b);
	return rc;
}

static void answer(struct arena *arena, const struct json *j)
{
	struct cedar_schema *schema = NULL;
	struct cedar_policies *set = NULL;
	struct cedar_validation v;
	struct cedar_response r;
	struct err e = ERR_INIT;
	struct str schema_text;
	struct str policies;

	if (!json_str(json_get(j, STR("schema")), &schema_text) ||
	    !json_str(json_get(j, STR("policies")), &policies)) {
		printf("unreadable\n");
	} else if (cedar_schema_parse(STR("s"), schema_text, &schema, &e) != RC_OK) {
		printf("schema %s\n", e.msg);
	} else if (parse_policies(policies, &set) != RC_OK) {
		printf("policies\n");
	} else if (cedar_validate(set, schema, NULL, arena, &v, &e) != RC_OK) {
		printf("failed %s\n", e.msg);
	} else {
		print_verdict(&v);
		if (authorize(arena, j, schema, set, &r, &e) != RC_OK) {
			printf(": %s\n", e.msg);
		} else {
			printf(" ");
			ask_print_response(set, &r);
		}
	}
	cedar_policies_unref(set);
	cedar_schema_unref(schema);
}

int main(void)
{
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		const struct json *j;

		arena_reset(&arena);
		if (json_parse(&arena, str_of(line, (size_t)n - 1), NULL, &j, NULL) != RC_OK) {
			printf("unreadable\n");
		} else {
			answer(&arena, j);
		}
		(void)fflush(stdout); /* the asker waits for each line */
	}
	free(line);
	return 0;
}
