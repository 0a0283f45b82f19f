/* SPDX-License-Identifier: Apache-2.0 */
/* ask.c - answers Cedar requests on standard input, for comparison with another implementation.
 *
 * One JSON object per line: policies (text), entities, principal, action, resource, context. One
 * line back: "refused" when the policies are, "failed" when the rest is, or the decision, the ids
 * of the determining policies and the failing ones with the class of their error:
 *
 *	deny [policy1] {policy0:type}
 */
#include <stdio.h>
#include <stdlib.h>

#include "codec/json.h"

#include "ask.h"

enum { ARENA_BYTES = 1 << 26 };

static enum rc answer(struct arena *arena, const struct json *j, struct cedar_policies *set,
		      struct cedar_response *ret)
{
	struct cedar_request r = {0};
	struct cedar_entities *s;

	TRY(cedar_uid_from_json(arena, json_get(j, STR("principal")), &r.principal, NULL));
	TRY(cedar_uid_from_json(arena, json_get(j, STR("action")), &r.action, NULL));
	TRY(cedar_uid_from_json(arena, json_get(j, STR("resource")), &r.resource, NULL));
	TRY(cedar_value_from_json(arena, json_get(j, STR("context")), &r.context, NULL));
	TRY(cedar_entities_new(arena, NULL, &s, NULL));
	TRY(cedar_entities_add_json(s, json_get(j, STR("entities")), NULL));
	TRY(cedar_entities_seal(s, NULL));
	return cedar_authorize(set, s, &r, arena, ret, NULL);
}

static enum rc parse(const struct json *j, struct cedar_policies **ret)
{
	struct cedar_builder *b = NULL;
	struct str text;
	enum rc rc = RC_INPUT;

	TRY(cedar_builder_new(&b, NULL));
	if (json_str(json_get(j, STR("policies")), &text)) {
		rc = cedar_builder_add(b, STR("p"), text, NULL);
	}
	rc = rc == RC_OK ? cedar_builder_finish(b, ret, NULL) : rc;
	cedar_builder_free(b);
	return rc;
}

int main(void)
{
	AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		struct cedar_policies *set = NULL;
		struct cedar_response r;
		const struct json *j;

		arena_reset(&arena);
		if (json_parse(&arena, str_of(line, (size_t)n - 1), NULL, &j, NULL) != RC_OK) {
			printf("unreadable\n");
		} else if (parse(j, &set) != RC_OK) {
			printf("refused\n");
		} else if (answer(&arena, j, set, &r) != RC_OK) {
			printf("failed\n");
		} else {
			ask_print_response(set, &r);
		}
		(void)fflush(stdout); /* the asker waits for each line */
		cedar_policies_unref(set);
	}
	free(line);
	return 0;
}
