/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.c - a document that is accepted has a JSON text with the same tree. */
#include "codec/yaml.h"

#include "fuzz.h"

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_ARENA arena = ARENA_INIT(1 << 26);
	AUTO_BUF b = BUF_INIT(1 << 22);
	struct json_out w = json_out_to(&b);
	struct json_limits generous = JSON_LIMITS_DEFAULT;
	const struct json *back = NULL;
	const struct json *j = NULL;
	struct err e = ERR_INIT;

	generous.max_bytes = 1 << 22;
	if (yaml_parse(&arena, str_of(bytes, n), NULL, &j, &e) != RC_OK) {
		MUST(e.msg[0] >= '1' && e.msg[0] <= '9');
		return 0;
	}
	MUST(j->line > 0 && j->column > 0);
	json_out_node(&w, j);
	MUST(json_out_end(&w, &e) == RC_OK);
	MUST(json_parse(&arena, buf_view(&b), &generous, &back, &e) == RC_OK);
	MUST(json_equal(j, back));
	return 0;
}
