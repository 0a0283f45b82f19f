/* SPDX-License-Identifier: Apache-2.0 */
/* codec/json_out.c - the writer.
 *
 * Trust:  strings may be hostile; the order of calls is ours, and a wrong one is RC_BROKEN.
 * Holds:  (1) json_out_end answers RC_OK only when exactly one complete value was written.
 *         (2) after the first failure nothing more is written.
 */
#include "codec/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/json_tree.h"

static enum rc add_escape(struct buf *b, char c)
{
	switch (c) {
	case '"':
		return buf_add(b, STR("\\\""));
	case '\\':
		return buf_add(b, STR("\\\\"));
	case '\b':
		return buf_add(b, STR("\\b"));
	case '\f':
		return buf_add(b, STR("\\f"));
	case '\n':
		return buf_add(b, STR("\\n"));
	case '\r':
		return buf_add(b, STR("\\r"));
	case '\t':
		return buf_add(b, STR("\\t"));
	default:
		return buf_addf(b, "\\u%04x", (unsigned)(unsigned char)c);
	}
}

enum rc json_quote(struct buf *b, struct str s)
{
	const char *p = s.n ? s.p : "";
	const char *end = p + s.n;
	const char *done = p; /* everything before it is written */
	bool is_ascii = true;

	TRY(buf_reserve(b, s.n + 2));
	TRY(buf_add_char(b, '"'));
	while ((p = json_skip_plain(p, end)) < end) {
		if ((unsigned char)*p >= 0x80) {
			is_ascii = false;
			p++;
			continue;
		}
		TRY(buf_add(b, str_of(done, (size_t)(p - done))));
		TRY(add_escape(b, *p));
		p++;
		done = p;
	}
	if (!is_ascii && !str_is_utf8(s)) {
		return RC_INPUT;
	}
	TRY(buf_add(b, str_of(done, (size_t)(end - done))));
	return buf_add_char(b, '"');
}

struct json_out json_out_to(struct buf *b)
{
	return (struct json_out){.b = b, .rc = RC_OK};
}

static void stick(struct json_out *w, enum rc rc)
{
	if (w->rc == RC_OK) {
		w->rc = rc;
	}
}

/* The bit of the innermost open container; only with depth > 0. */
static uint64_t level(const struct json_out *w)
{
	return UINT64_C(1) << (w->depth - 1);
}

/* May a value stand here? Writes the comma it needs. */
static bool begin_value(struct json_out *w)
{
	if (w->rc != RC_OK) {
		return false;
	}
	if (w->depth == 0) {
		if (w->is_done) {
			stick(w, RC_BROKEN);
		}
		w->is_done = true;
	} else if (w->is_array & level(w)) {
		if (w->has_items & level(w)) {
			stick(w, buf_add_char(w->b, ','));
		}
		w->has_items |= level(w);
	} else if (!w->after_key) {
		stick(w, RC_BROKEN);
	}
	w->after_key = false;
	return w->rc == RC_OK;
}

static void open_container(struct json_out *w, bool is_array)
{
	if (!begin_value(w)) {
		return;
	}
	if (w->depth == LIMIT_JSON_DEPTH) {
		stick(w, RC_LIMIT);
		return;
	}
	w->depth++;
	w->has_items &= ~level(w);
	w->is_array &= ~level(w);
	w->is_array |= is_array ? level(w) : 0;
	stick(w, buf_add_char(w->b, is_array ? '[' : '{'));
}

void json_out_object(struct json_out *w)
{
	open_container(w, false);
}

void json_out_array(struct json_out *w)
{
	open_container(w, true);
}

void json_out_close(struct json_out *w)
{
	if (w->rc != RC_OK) {
		return;
	}
	if (w->depth == 0 || w->after_key) {
		stick(w, RC_BROKEN);
		return;
	}
	stick(w, buf_add_char(w->b, w->is_array & level(w) ? ']' : '}'));
	w->depth--;
}

void json_out_key(struct json_out *w, struct str name)
{
	if (w->rc != RC_OK) {
		return;
	}
	if (w->depth == 0 || (w->is_array & level(w)) || w->after_key) {
		stick(w, RC_BROKEN);
		return;
	}
	if (w->has_items & level(w)) {
		stick(w, buf_add_char(w->b, ','));
	}
	w->has_items |= level(w);
	stick(w, json_quote(w->b, name));
	stick(w, buf_add_char(w->b, ':'));
	w->after_key = true;
}

void json_out_str(struct json_out *w, struct str s)
{
	if (begin_value(w)) {
		stick(w, json_quote(w->b, s));
	}
}

/* Length of the well-formed sequence at the front of s, or 0. */
static size_t utf8_front(struct str s)
{
	for (size_t n = 1; n <= 4 && n <= s.n; n++) {
		if (str_is_utf8(str_slice(s, 0, n))) {
			return n;
		}
	}
	return 0;
}

static enum rc repair(struct buf *b, struct str s)
{
	while (s.n > 0) {
		size_t n = utf8_front(s);

		TRY(buf_add(b, n ? str_slice(s, 0, n) : STR("\xef\xbf\xbd")));
		s = str_slice(s, n ? n : 1, s.n);
	}
	return RC_OK;
}

void json_out_text(struct json_out *w, struct str s)
{
	AUTO_BUF repaired = BUF_INIT(w->b->max);

	if (str_is_utf8(s)) {
		json_out_str(w, s);
		return;
	}
	stick(w, repair(&repaired, s));
	json_out_str(w, buf_view(&repaired));
}

void json_out_strf(struct json_out *w, const char *fmt, ...)
{
	AUTO_BUF text = BUF_INIT(w->b->max);
	va_list ap;
	enum rc rc;
	int n;

	if (!begin_value(w)) {
		return;
	}
	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	MUST(n >= 0);
	text.max = (size_t)n + 1;
	rc = (size_t)n > w->b->max ? RC_LIMIT : buf_reserve(&text, (size_t)n + 1);
	if (rc != RC_OK) {
		stick(w, rc);
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text.p, (size_t)n + 1, fmt, ap); /* measured above */
	va_end(ap);
	text.n = (size_t)n;
	stick(w, json_quote(w->b, buf_view(&text)));
}

void json_out_i64(struct json_out *w, int64_t v)
{
	if (begin_value(w)) {
		stick(w, buf_addf(w->b, "%lld", (long long)v));
	}
}

void json_out_u64(struct json_out *w, uint64_t v)
{
	if (begin_value(w)) {
		stick(w, buf_addf(w->b, "%llu", (unsigned long long)v));
	}
}

void json_out_bool(struct json_out *w, bool v)
{
	if (begin_value(w)) {
		stick(w, buf_add(w->b, v ? STR("true") : STR("false")));
	}
}

void json_out_null(struct json_out *w)
{
	if (begin_value(w)) {
		stick(w, buf_add(w->b, STR("null")));
	}
}

void json_out_raw(struct json_out *w, struct str json)
{
	if (!begin_value(w)) {
		return;
	}
	stick(w, json.n ? buf_add(w->b, json) : RC_BROKEN);
}

static void out_children(struct json_out *w, const struct json *j)
{
	for (const struct json *c = j->child; c && w->rc == RC_OK; c = c->next) {
		if (j->type == JSON_OBJECT) {
			json_out_key(w, c->key);
		}
		json_out_node(w, c);
	}
	json_out_close(w);
}

void json_out_node(struct json_out *w, const struct json *j)
{
	switch (json_type(j)) {
	case JSON_NONE:
		stick(w, RC_BROKEN);
		return;
	case JSON_NULL:
		json_out_null(w);
		return;
	case JSON_FALSE:
	case JSON_TRUE:
		json_out_bool(w, j->type == JSON_TRUE);
		return;
	case JSON_NUMBER:
		json_out_raw(w, j->text);
		return;
	case JSON_STRING:
		json_out_str(w, j->text);
		return;
	case JSON_ARRAY:
		json_out_array(w);
		out_children(w, j);
		return;
	case JSON_OBJECT:
		json_out_object(w);
		out_children(w, j);
		return;
	}
}

enum rc json_out_end(struct json_out *w, struct err *e)
{
	if (w->rc == RC_OK && (w->depth != 0 || !w->is_done)) {
		w->rc = RC_BROKEN;
	}
	switch (w->rc) {
	case RC_OK:
		return RC_OK;
	case RC_LIMIT:
		FAIL(e, RC_LIMIT, "json document larger than %zu bytes or nested too deeply",
		     w->b->max);
	case RC_NOMEM:
		FAIL(e, RC_NOMEM, "no memory for a json document");
	case RC_INPUT:
		FAIL(e, RC_INPUT, "string for a json document is not UTF-8");
	case RC_BROKEN:
	case RC_DENIED:
	case RC_AGAIN:
	case RC_IO:
	case RC_ABSENT:
		break;
	}
	FAIL(e, RC_BROKEN, "json writer called out of order");
}

void json_out_key_str(struct json_out *w, const char *name, struct str s)
{
	json_out_key(w, str_from(name));
	json_out_str(w, s);
}

void json_out_key_u64(struct json_out *w, const char *name, uint64_t v)
{
	json_out_key(w, str_from(name));
	json_out_u64(w, v);
}

void json_out_key_bool(struct json_out *w, const char *name, bool v)
{
	json_out_key(w, str_from(name));
	json_out_bool(w, v);
}
