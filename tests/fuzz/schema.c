/* SPDX-License-Identifier: Apache-2.0 */
/* schema.c - a schema and a value, "schema\nvalue": whatever schema_check() accepts strictly,
 * schema_validate() can use; and both come to an end. */
#include <stdlib.h>

#include "core/schema.h"

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_ARENA arena = ARENA_INIT(16 << 20);
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct str rest = str_of(bytes, n);
	struct str first = str_cut(&rest, '\n');
	const struct json *schema = NULL;
	const struct json *value = NULL;
	const struct json *at = NULL;

	limits.max_nodes = 4096;
	if (json_parse(&arena, first, &limits, &schema, NULL) != RC_OK ||
	    json_parse(&arena, rest, &limits, &value, NULL) != RC_OK) {
		return 0;
	}
	if (schema_check(schema, true, &at, NULL) == RC_OK) {
		enum rc rc = schema_validate(schema, value, NULL);

		if (rc != RC_OK && rc != RC_INPUT && rc != RC_LIMIT) {
			abort();
		}
		return 0;
	}
	if (!at) {
		abort();
	}
	(void)schema_validate(schema, value, NULL); /* any answer will do, as long as it comes */
	return 0;
}
