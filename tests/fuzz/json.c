/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - what is parsed can be written and parsed again to the same tree; the canonical form is
 * its own canonical form, and a document with it is equal but for the spelling of numbers. */
#include "codec/json.h"

#include "fuzz.h"

enum { ROOM = 1 << 24 };

static const struct json *must_parse(struct arena *arena, struct str text)
{
	const struct json *j = NULL;
	struct err e = ERR_INIT;

	MUST(json_parse(arena, text, NULL, &j, &e) == RC_OK);
	return j;
}

static void check_tree(const struct json *j, struct str text)
{
	size_t count = 0;

	MUST(j->raw.n > 0 && j->raw.p >= text.p && j->raw.p + j->raw.n <= text.p + text.n);
	MUST(j->line > 0 && j->column > 0);
	for (const struct json *c = j->child; c; c = c->next) {
		MUST(c->raw.p > j->raw.p && c->raw.p + c->raw.n < j->raw.p + j->raw.n);
		MUST(j->type == JSON_OBJECT || c->key.p == NULL);
		MUST(j->type == JSON_ARRAY || json_get(j, c->key) == c); /* names are unique */
		check_tree(c, text);
		count++;
	}
	MUST(count == j->count);
}

static void check_writing(struct arena *arena, const struct json *j)
{
	AUTO_BUF b = BUF_INIT(ROOM);
	struct json_out w = json_out_to(&b);

	json_out_node(&w, j);
	MUST(json_out_end(&w, NULL) == RC_OK);
	MUST(json_equal(j, must_parse(arena, buf_view(&b))));
}

static void check_canonical(struct arena *arena, const struct json *j)
{
	AUTO_BUF once = BUF_INIT(ROOM);
	AUTO_BUF twice = BUF_INIT(ROOM);

	if (json_canonical(&once, j, NULL) != RC_OK) {
		return;
	}
	MUST(json_canonical(&twice, must_parse(arena, buf_view(&once)), NULL) == RC_OK);
	MUST(str_eq(buf_view(&once), buf_view(&twice)));
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
	AUTO_ARENA arena = ARENA_INIT(1 << 26);
	struct json_limits positions = JSON_LIMITS_DEFAULT;
	struct str text = str_of(bytes, n);
	const struct json *located = NULL;
	const struct json *j = NULL;
	struct err e = ERR_INIT;

	positions.want_positions = true;
	if (json_parse(&arena, text, &positions, &located, &e) != RC_OK) {
		MUST(e.msg[0] >= '1' && e.msg[0] <= '9');
		MUST(json_parse(&arena, text, NULL, &j, &e) != RC_OK);
		return 0;
	}
	MUST(json_parse(&arena, text, NULL, &j, &e) == RC_OK);
	MUST(json_equal(j, located));
	if (n < 4096) { /* json_get is linear */
		check_tree(located, text);
	}
	check_writing(&arena, j);
	check_canonical(&arena, j);
	return 0;
}
