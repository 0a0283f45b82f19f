/* SPDX-License-Identifier: Apache-2.0 */
/* ask_validate.c - reads {"schema", "policies"} lines, answers what the validator says; the other
 * half of differ_validate.mjs.
 *
 * The answer is one of: "schema" or "policies" (refused), or the classes of errors found, each once
 * and by name, with "impossible" for its warning, separated by blanks.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cedar.h"
#include "codec/json.h"

enum { LINE_BYTES = 1 << 20, ARENA_BYTES = 1 << 26 };

static void say(const struct cedar_validation *v)
{
	uint32_t classes = 0;

	for (size_t i = 0; i < v->n_findings; i++) {
		classes |= 1u << v->findings[i].class;
	}
	printf("%s", v->is_valid ? "valid" : "invalid");
	for (int i = 1; i <= CEDAR_FINDING_IMPOSSIBLE; i++) {
		if (classes >> i & 1) {
			printf(" %s", cedar_finding_class_name((enum cedar_finding_class)i));
		}
	}
	printf("\n");
}

static enum rc answer(struct arena *arena, struct str line, struct err *e)
{
	struct cedar_schema *schema = NULL;
	struct cedar_policies *set = NULL;
	struct cedar_builder *b = NULL;
	struct cedar_validation v;
	const struct json *j;
	struct str schema_text;
	struct str policies;
	enum rc rc;

	TRY(json_parse(arena, line, &JSON_LIMITS_DEFAULT, &j, e));
	if (!json_str(json_get(j, STR("schema")), &schema_text) ||
	    !json_str(json_get(j, STR("policies")), &policies)) {
		FAIL(e, RC_INPUT, "expected schema and policies");
	}
	if (cedar_schema_parse(STR("s"), schema_text, &schema, e) != RC_OK) {
		printf("schema %s\n", e->msg);
		return RC_OK;
	}
	rc = cedar_builder_new(&b, e);
	if (rc == RC_OK && cedar_builder_add(b, STR("p"), policies, e) != RC_OK) {
		printf("policies %s\n", e->msg);
	} else if (rc == RC_OK) {
		rc = cedar_builder_finish(b, &set, e);
		rc = rc == RC_OK ? cedar_validate(set, schema, NULL, arena, &v, e) : rc;
		if (rc == RC_OK) {
			say(&v);
		}
	}
	cedar_builder_free(b);
	cedar_policies_unref(set);
	cedar_schema_unref(schema);
	return rc;
}

int main(void)
{
	static char line[LINE_BYTES];

	while (fgets(line, sizeof(line), stdin)) {
		AUTO_ARENA arena = ARENA_INIT(ARENA_BYTES);
		struct err e = ERR_INIT;

		if (answer(&arena, str_trim(str_of(line, strcspn(line, "\n"))), &e) != RC_OK) {
			printf("failed %s\n", e.msg);
		}
		(void)fflush(stdout); /* a broken pipe ends us at the next line */
	}
	return 0;
}
