/* SPDX-License-Identifier: Apache-2.0 */
/* propose.c - whatever an upstream lists, the proposal is a document of ours: it parses, its tools
 * are destroy, and a definition reads back as the one that was listed. */
#include <stdlib.h>

#include "codec/yaml.h"
#include "config/propose.h"

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_ARENA arena = ARENA_INIT(16 << 20);
	AUTO_BUF out = BUF_INIT(4 << 20);
	const struct json_limits limits = {
	    .max_bytes = 4 << 20, .max_depth = LIMIT_JSON_DEPTH, .max_nodes = 4 * LIMIT_JSON_NODES};
	struct proposal p = {.name = STR("x"), .url = STR("https://x.example/mcp")};
	const struct json *document = NULL;
	const struct json *tools;
	size_t proposed = 0;

	if (json_parse(&arena, str_of(bytes, n), NULL, &p.tools, NULL) != RC_OK ||
	    propose_catalog(&p, &out, &proposed, NULL) != RC_OK) {
		return 0;
	}
	if (yaml_parse(&arena, buf_view(&out), &limits, &document, NULL) != RC_OK) {
		/* Only nesting beyond the parser's is no document. */
		return 0;
	}
	tools = json_get(document, STR("tools"));
	if (json_type(tools) != JSON_OBJECT || tools->count != proposed) {
		abort();
	}
	for (const struct json *t = tools->child; t; t = t->next) {
		struct str effect = STR("");
		const struct json *theirs = NULL;

		for (const struct json *l = p.tools->child; l; l = l->next) {
			struct str name = STR("");

			if (json_str(json_get(l, STR("name")), &name) && str_eq(name, t->key)) {
				theirs = l;
			}
		}
		if (!theirs || !json_str(json_get(t, STR("effect")), &effect) ||
		    !str_eq(effect, STR("destroy"))) {
			abort();
		}
		if (json_get(theirs, STR("description")) &&
		    !json_equal(json_get(theirs, STR("description")),
				json_pointer(t, STR("/definition/description")))) {
			abort();
		}
	}
	return 0;
}
