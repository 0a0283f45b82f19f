/* SPDX-License-Identifier: Apache-2.0 */
/* cli/show.c - tables and indented objects. */
#include "cli/show.h"

#include <stdio.h>

enum { MAX_COLUMNS = 12, CELL_BYTES = 4096 };

static enum rc add_safe(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f) {
			TRY(buf_addf(out, "\\x%02x", c));
		} else {
			TRY(buf_add_char(out, (char)c));
		}
	}
	return RC_OK;
}

/* One value on one line; lists with commas. */
static enum rc add_cell(struct buf *out, const struct json *j)
{
	bool is_first = true;

	switch (json_type(j)) {
	case JSON_NONE:
	case JSON_NULL:
		return buf_add_char(out, '-');
	case JSON_FALSE:
		return buf_add(out, STR("no"));
	case JSON_TRUE:
		return buf_add(out, STR("yes"));
	case JSON_NUMBER:
	case JSON_STRING:
		return j->text.n ? add_safe(out, j->text) : buf_add_char(out, '-');
	case JSON_ARRAY:
		for (const struct json *c = j->child; c; c = c->next) {
			TRY(is_first ? RC_OK : buf_add(out, STR(",")));
			TRY(add_cell(out, c));
			is_first = false;
		}
		return is_first ? buf_add_char(out, '-') : RC_OK;
	case JSON_OBJECT:
		return add_safe(out, j->raw);
	}
	return RC_OK;
}

static enum rc measure(const struct json *list, const struct str *names, size_t n, size_t *widths)
{
	for (size_t i = 0; i < n; i++) {
		widths[i] = names[i].n;
		for (const struct json *row = list->child; row; row = row->next) {
			AUTO_BUF cell = BUF_INIT(CELL_BYTES);

			TRY(add_cell(&cell, json_get(row, names[i])));
			widths[i] = cell.n > widths[i] ? cell.n : widths[i];
		}
	}
	return RC_OK;
}

static enum rc add_padded(struct buf *out, struct str s, size_t width, bool is_last)
{
	TRY(buf_add(out, s));
	for (size_t i = s.n; !is_last && i < width + 2; i++) {
		TRY(buf_add_char(out, ' '));
	}
	return is_last ? buf_add_char(out, '\n') : RC_OK;
}

enum rc show_table(struct buf *out, const struct json *list, const char *columns, struct err *e)
{
	struct str rest = str_from(columns);
	struct str names[MAX_COLUMNS];
	size_t widths[MAX_COLUMNS];
	size_t n = 0;

	while (rest.p && n < MAX_COLUMNS) {
		names[n++] = str_cut(&rest, ' ');
	}
	if (json_type(list) != JSON_ARRAY) {
		FAIL(e, RC_BROKEN, "the answer has no list");
	}
	if (list->count == 0) {
		return buf_add(out, STR("none\n"));
	}
	TRY(measure(list, names, n, widths));
	for (size_t i = 0; i < n; i++) {
		TRY(add_padded(out, names[i], widths[i], i + 1 == n));
	}
	for (const struct json *row = list->child; row; row = row->next) {
		for (size_t i = 0; i < n; i++) {
			AUTO_BUF cell = BUF_INIT(CELL_BYTES);

			TRY(add_cell(&cell, json_get(row, names[i])));
			TRY(add_padded(out, buf_view(&cell), widths[i], i + 1 == n));
		}
	}
	return RC_OK;
}

static bool is_simple(const struct json *j)
{
	if (json_type(j) == JSON_OBJECT) {
		return j->count == 0;
	}
	for (const struct json *c = json_type(j) == JSON_ARRAY ? j->child : NULL; c; c = c->next) {
		if (json_type(c) == JSON_OBJECT || json_type(c) == JSON_ARRAY) {
			return false;
		}
	}
	return true;
}

static enum rc add_indented(struct buf *out, const struct json *j, int depth)
{
	for (const struct json *m = j->child; m; m = m->next) {
		TRY(buf_addf(out, "%*s", depth * 2, ""));
		if (m->key.n) {
			TRY(add_safe(out, m->key));
			TRY(buf_add(out, is_simple(m) ? STR(": ") : STR(":\n")));
		} else {
			TRY(buf_add(out, is_simple(m) ? STR("- ") : STR("-\n")));
		}
		if (is_simple(m)) {
			TRY(add_cell(out, m));
			TRY(buf_add_char(out, '\n'));
		} else {
			TRY(add_indented(out, m, depth + 1));
		}
	}
	return RC_OK;
}

enum rc show_object(struct buf *out, const struct json *j, struct err *e)
{
	if (add_indented(out, j, 0) != RC_OK) {
		FAIL(e, RC_LIMIT, "the answer is too long to show; try --json");
	}
	return RC_OK;
}
