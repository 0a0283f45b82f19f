/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas in JSON: never a crash, and a refusal says why. The actions of a schema that was accepted
 * conform to it; what is printed is read again, from JSON to print the same. */
#include "base/mem.h"
#include "cedar.h"
#include "codec/json.h"

#include "fuzz.h"

static void print_again(const struct cedar_schema *s)
{
	AUTO_BUF first = BUF_INIT(16 << 20);
	AUTO_BUF second = BUF_INIT(16 << 20);
	struct cedar_schema *again = NULL;
	struct err e = ERR_INIT;

	if (cedar_schema_print_json(&first, s, &e) == RC_OK) {
		MUST(cedar_schema_parse_json(STR("again"), buf_view(&first), &again, &e) == RC_OK);
		MUST(cedar_schema_print_json(&second, again, &e) == RC_OK);
		MUST(str_eq(buf_view(&first), buf_view(&second)));
		cedar_schema_unref(TAKE(again));
	}
	buf_reset(&first);
	if (cedar_schema_print(&first, s, &e) == RC_OK) {
		MUST(cedar_schema_parse(STR("again"), buf_view(&first), &again, &e) == RC_OK);
		cedar_schema_unref(again);
	}
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_ARENA arena = ARENA_INIT(16 << 20);
	struct cedar_schema *s = NULL;
	struct cedar_entities *store;
	struct err e = ERR_INIT;

	if (cedar_schema_parse_json(STR("f"), str_of(bytes, n), &s, &e) != RC_OK) {
		MUST(e.msg[0] && !s);
		return 0;
	}
	/* The schema's own actions conform to it. */
	if (cedar_entities_new(&arena, NULL, &store, NULL) == RC_OK) {
		const struct json none = {.type = JSON_ARRAY};

		MUST(cedar_entities_add_json_as(store, s, &none, NULL) == RC_OK);
		MUST(cedar_entities_seal(store, NULL) == RC_OK);
		MUST(cedar_entities_check(store, s, NULL) == RC_OK);
	}
	print_again(s);
	cedar_schema_unref(s);
	return 0;
}
