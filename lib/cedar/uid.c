/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/uid.c - entity uids: made, read, printed. */
#include <string.h>

#include "base/map.h"
#include "cedar/text.h"
#include "cedar/uid.h"
#include "cedar/value.h"

enum rc cedar_uid_make(struct arena *arena, struct str type, struct str id,
		       const struct cedar_uid **ret)
{
	struct cedar_uid *u = arena_alloc(arena, sizeof(*u) + type.n + id.n + 2);
	char *p;

	if (!u) {
		return RC_NOMEM;
	}
	p = (char *)(u + 1);
	memcpy(p, type.p, type.n);
	if (id.n) {
		memcpy(p + type.n + 1, id.p, id.n);
	}
	u->type = str_of(p, type.n);
	u->id = str_of(p + type.n + 1, id.n);
	/* A type has no NUL, so the joined bytes are as unique as the pair. */
	u->hash = map_hash(str_of(p, type.n + 1 + id.n));
	*ret = u;
	return RC_OK;
}

enum rc cedar_uid_new(struct arena *arena, struct str type, struct str id,
		      const struct cedar_uid **ret, struct err *e)
{
	if (!cedar_is_name(type)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is not the name of an entity type", STR_ARG(type));
	}
	if (!str_is_utf8(id)) {
		FAIL(e, RC_INPUT, "the id of an entity of type '" STR_FMT "' is not UTF-8",
		     STR_ARG(type));
	}
	if (type.n > CEDAR_LIMIT_TEXT_BYTES || id.n > CEDAR_LIMIT_TEXT_BYTES) {
		FAIL(e, RC_LIMIT, "the uid of an entity is longer than %d bytes",
		     (int)CEDAR_LIMIT_TEXT_BYTES);
	}
	if (cedar_uid_make(arena, type, id, ret) != RC_OK) {
		return cedar_arena_rc(arena, sizeof(**ret) + type.n + id.n + 2, e);
	}
	return RC_OK;
}

/* Is c, at the end of raw, the quote that closes it, and no quote before? */
static bool is_one_quoted(struct str raw)
{
	size_t i = 0;

	while (i < raw.n && raw.p[i] != '"') {
		i += raw.p[i] == '\\' ? 2 : 1;
	}
	return i + 1 == raw.n;
}

enum rc cedar_uid_parse(struct arena *arena, struct str text, const struct cedar_uid **ret,
			struct err *e)
{
	size_t quote = str_find(text, '"');
	struct str type = str_slice(text, 0, quote);
	struct str raw = str_slice(text, quote + 1, text.n);
	const struct str *id;
	struct str bad;
	uint32_t n;
	enum rc rc;

	if (!str_is_utf8(text) || !str_has_suffix(type, STR("::")) || !is_one_quoted(raw)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is not of the form Type::\"id\"", STR_ARG(text));
	}
	rc =
	    cedar_unescape(arena, str_slice(raw, 0, raw.n - 1), CEDAR_QUOTED_STRING, &id, &n, &bad);
	if (rc == RC_INPUT) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' in a uid is not an escape", STR_ARG(bad));
	}
	if (rc != RC_OK) {
		return cedar_arena_rc(arena, raw.n, e);
	}
	return cedar_uid_new(arena, str_slice(type, 0, type.n - 2), id[0], ret, e);
}

struct str cedar_uid_type(const struct cedar_uid *u)
{
	return u->type;
}

struct str cedar_uid_id(const struct cedar_uid *u)
{
	return u->id;
}

enum rc cedar_uid_print(struct buf *b, const struct cedar_uid *u)
{
	TRY(buf_add(b, u->type));
	TRY(buf_add(b, STR("::")));
	return cedar_print_quoted(b, u->id);
}
