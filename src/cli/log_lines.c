/* SPDX-License-Identifier: Apache-2.0 */
/* cli/log_lines.c - leaves as JSON lines.
 *
 * Trust:  the leaves are a log's, perhaps not ours: whatever they hold, a line is JSON.
 * Holds:  (1) leaves come in order, each once, and none is left out but by a filter.
 */
#include "cli/log_lines.h"

#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/num.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "core/leaf.h"

/* What a bundle of the longest leaves is as lines; base64 adds a third. */
enum { LINES_BYTES = 2 * TLOG_BUNDLE_MAX_BYTES, LEAF_ARENA_BYTES = 64 * LIMIT_LEAF_BYTES };

/* ---- filters ---- */

static bool is_field(struct str name)
{
	if (str_eq(name, STR("type")) || str_eq(name, STR("t")) || str_eq(name, STR("v"))) {
		return true;
	}
	for (unsigned k = LEAF_NONE + 1; k < LEAF_KINDS; k++) {
		size_t n;
		const struct leaf_field *f = leaf_fields((enum leaf_kind)k, &n);

		for (size_t i = 0; i < n; i++) {
			if (str_eq(f[i].name, name)) {
				return true;
			}
		}
	}
	return false;
}

enum rc log_filter_parse(struct str text, struct log_filter *ret, struct err *e)
{
	size_t at = 0;

	while (at < text.n && text.p[at] != '=' && text.p[at] != '~') {
		at++;
	}
	if (at == 0 || at == text.n) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is neither FIELD=VALUE nor FIELD~TEXT",
		     STR_ARG(text));
	}
	*ret = (struct log_filter){
	    .field = str_slice(text, 0, at),
	    .value = str_slice(text, at + 1, text.n),
	    .is_contained = text.p[at] == '~',
	};
	if (!is_field(ret->field)) {
		FAIL(e, RC_INPUT, "no leaf has a field '" STR_FMT "'", STR_ARG(ret->field));
	}
	return RC_OK;
}

static bool text_matches(const struct log_filter *f, struct str text)
{
	if (f->is_contained) {
		return str_contains(text, f->value);
	}
	return str_eq(text, f->value);
}

/* "t5" stands for 5, but only for a whole number behind one letter. */
static bool id_matches(const struct log_filter *f, const struct json *j)
{
	uint64_t ix;
	uint64_t wanted;

	return !f->is_contained && f->value.n > 1 && f->value.p[0] >= 'a' && f->value.p[0] <= 'z' &&
	       json_u64(j, &ix) &&
	       num_u64(str_slice(f->value, 1, f->value.n), UINT64_MAX, &wanted) && ix == wanted;
}

static bool value_matches(const struct log_filter *f, const struct json *j)
{
	switch (json_type(j)) {
	case JSON_STRING:
		return text_matches(f, j->text);
	case JSON_NUMBER:
		return text_matches(f, j->raw) || id_matches(f, j);
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		return text_matches(f, j->raw);
	case JSON_ARRAY:
		for (const struct json *c = j->child; c; c = c->next) {
			if (value_matches(f, c)) {
				return true;
			}
		}
		return false;
	case JSON_OBJECT:
	case JSON_NONE:
		return false;
	}
	return false;
}

static bool all_match(const struct log_filter *f, size_t n, const struct json *leaf)
{
	for (size_t i = 0; i < n; i++) {
		const struct json *j = leaf ? json_get(leaf, f[i].field) : NULL;

		if (!j || !value_matches(&f[i], j)) {
			return false;
		}
	}
	return true;
}

/* NULL: it is no JSON object, or not one on one line. */
static const struct json *parse_leaf(struct arena *arena, struct str leaf)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct err e = ERR_INIT;
	const struct json *j;

	if (json_parse(arena, leaf, &limits, &j, &e) != RC_OK || json_type(j) != JSON_OBJECT ||
	    str_contains(leaf, STR("\n")) || str_contains(leaf, STR("\r"))) {
		return NULL;
	}
	return j;
}

/* ---- cursors ---- */

bool log_cursor_parse(struct str text, struct log_cursor *ret)
{
	struct str rest = text;
	struct str ix = str_cut(&rest, ':');

	ret->has_hash = rest.p != NULL;
	return num_u64(ix, INT64_MAX, &ret->ix) &&
	       (!ret->has_hash || num_hex(rest, ret->hash.bytes, TLOG_HASH_BYTES));
}

enum rc log_cursor_check(struct tlog_dir *d, struct tlog_hasher *h, const struct log_cursor *c,
			 uint64_t size, struct err *e)
{
	AUTO_BUF leaf = BUF_INIT(TLOG_LEAF_MAX_BYTES);
	struct tlog_hash got;

	if (!c->has_hash) {
		return RC_OK;
	}
	if (c->ix >= size) {
		FAIL(e, RC_ABSENT, "the log has %ju leaves; the cursor is at leaf %ju",
		     (uintmax_t)size, (uintmax_t)c->ix);
	}
	TRY(tlog_dir_read_leaf(d, c->ix, &leaf, e));
	got = tlog_leaf_hash(h, buf_view(&leaf));
	if (!tlog_hash_eq(&got, &c->hash)) {
		FAIL(e, RC_BROKEN, "leaf %ju is not the one that the cursor names",
		     (uintmax_t)c->ix);
	}
	return RC_OK;
}

/* ---- lines ---- */

static enum rc add_line(struct buf *out, struct tlog_hasher *h, uint64_t ix, struct str leaf,
			bool is_json)
{
	struct tlog_hash hash = tlog_leaf_hash(h, leaf);

	TRY(buf_addf(out, "{\"leaf\":%ju,\"hash\":\"", (uintmax_t)ix));
	TRY(buf_add_hex(out, hash.bytes, TLOG_HASH_BYTES));
	if (is_json) {
		TRY(buf_add(out, STR("\",\"record\":")));
		TRY(buf_add(out, leaf));
		return buf_add(out, STR("}\n"));
	}
	TRY(buf_add(out, STR("\",\"base64\":\"")));
	TRY(base64_encode(out, leaf));
	return buf_add(out, STR("\"}\n"));
}

/* Lines for those leaves of bundle n that are in the range. */
static enum rc add_bundle(struct buf *out, struct tlog_hasher *h, struct str bundle, uint64_t n,
			  const struct log_range *range, const struct log_filter *f,
			  size_t n_filters, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(LEAF_ARENA_BYTES);
	struct reader r = reader_of(bundle);

	for (uint64_t ix = n * TLOG_TILE_WIDTH; ix < range->to && ix < (n + 1) * TLOG_TILE_WIDTH;
	     ix++) {
		const struct json *j;
		struct str leaf;

		if (!tlog_bundle_next(&r, &leaf)) {
			FAIL(e, RC_BROKEN, "the bundle of leaf %ju is malformed", (uintmax_t)ix);
		}
		if (ix < range->from) {
			continue;
		}
		arena_reset(&arena);
		j = parse_leaf(&arena, leaf);
		if ((n_filters == 0 || all_match(f, n_filters, j)) &&
		    add_line(out, h, ix, leaf, j != NULL) != RC_OK) {
			FAIL(e, RC_NOMEM, "no memory for the lines of a bundle");
		}
	}
	return RC_OK;
}

enum rc log_lines_print(struct tlog_dir *d, struct tlog_hasher *h, const struct log_range *range,
			const struct log_filter *f, size_t n_filters, struct err *e)
{
	AUTO_BUF bundle = BUF_INIT(TLOG_BUNDLE_MAX_BYTES);
	AUTO_BUF out = BUF_INIT(LINES_BYTES);

	for (uint64_t n = range->from / TLOG_TILE_WIDTH; n * TLOG_TILE_WIDTH < range->to; n++) {
		unsigned width = tlog_tile_width(range->size, 0, n);

		buf_reset(&bundle);
		buf_reset(&out);
		TRY(tlog_dir_read_bundle(d, n, width, &bundle, e));
		TRY(add_bundle(&out, h, buf_view(&bundle), n, range, f, n_filters, e));
		TRY(file_write_all(STDOUT_FILENO, buf_view(&out), e));
	}
	return RC_OK;
}

enum rc log_lines_checkpoint(const struct tlog_checkpoint *c, struct str note, struct err *e)
{
	AUTO_BUF out = BUF_INIT(4 * TLOG_NOTE_MAX_BYTES);
	AUTO_BUF root = BUF_INIT(2 * TLOG_HASH_BYTES);
	struct json_out w = json_out_to(&out);

	TRY(buf_add_hex(&root, c->root.bytes, TLOG_HASH_BYTES));
	json_out_object(&w);
	json_out_key(&w, STR("checkpoint"));
	json_out_object(&w);
	json_out_key_str(&w, "origin", c->origin);
	json_out_key_u64(&w, "size", c->size);
	json_out_key_str(&w, "root", buf_view(&root));
	json_out_close(&w);
	json_out_key_str(&w, "note", note);
	json_out_close(&w);
	TRY(json_out_end(&w, e));
	TRY(buf_add_char(&out, '\n'));
	return file_write_all(STDOUT_FILENO, buf_view(&out), e);
}
