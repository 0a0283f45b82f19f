/* SPDX-License-Identifier: Apache-2.0 */
/* cli/show.c - tables and indented objects. */
#include "cli/show.h"

#include <stdio.h>

enum { MAX_COLUMNS = 12, CELL_BYTES = 4096 };

/* What would move the cursor, colour the text or turn its direction is shown as what it is: C0,
 * DEL, C1, and the characters of bidirectional and invisible formatting. */
static bool is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xe0000 && c <= 0xe007f);
}

/* One character of valid UTF-8 (JSON texts are), and how many bytes it has. */
static uint32_t character_at(struct str s, size_t at, size_t *ret_n)
{
	unsigned char c = (unsigned char)s.p[at];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	uint32_t code = n == 1 ? c : c & (0xffu >> (n + 1));

	*ret_n = at + n <= s.n ? n : s.n - at;
	for (size_t i = 1; i < *ret_n; i++) {
		code = code << 6 | ((unsigned char)s.p[at + i] & 0x3f);
	}
	return code;
}

static enum rc add_safe(struct buf *out, struct str s)
{
	size_t n;

	for (size_t i = 0; i < s.n; i += n) {
		uint32_t c = character_at(s, i, &n);

		if (!is_unsafe(c)) {
			TRY(buf_add(out, str_slice(s, i, i + n)));
		} else if (c < 0x100) {
			TRY(buf_addf(out, "\\x%02x", c));
		} else {
			TRY(buf_addf(out, "\\u{%x}", c));
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

/* ---- a question ---- */

static enum rc add_line(struct buf *out, const char *label, const struct json *value)
{
	if (json_type(value) == JSON_NONE ||
	    ((json_type(value) == JSON_ARRAY || json_type(value) == JSON_OBJECT) &&
	     value->count == 0) ||
	    (json_type(value) == JSON_STRING && value->text.n == 0)) {
		return RC_OK;
	}
	TRY(buf_addf(out, "  %-14s", label));
	TRY(add_cell(out, value));
	return buf_add_char(out, '\n');
}

static enum rc add_votes(struct buf *out, const struct json *votes)
{
	for (const struct json *v = json_type(votes) == JSON_ARRAY ? votes->child : NULL; v;
	     v = v->next) {
		bool grants = json_type(json_get(v, STR("grants"))) == JSON_TRUE;

		TRY(buf_addf(out, "  %-14s", grants ? "yes by" : "no by"));
		TRY(add_cell(out, json_get(v, STR("person"))));
		TRY(buf_add(out, STR(", ")));
		TRY(add_cell(out, json_get(v, STR("at"))));
		TRY(buf_add_char(out, '\n'));
	}
	return RC_OK;
}

/* Label, and the member of the question. */
static const char *const question_lines[][2] = {
    {"targets", "targets"},
    {"arguments", "arguments"},
    {"blast", "blast"},
    {"undo", "undo"},
    {"captured", "captured"},
    {"captured by", "captured_by"},
    {"evidence", "evidence"},
    {"incident", "incident"},
    {"class", "class"},
    {"severity", "severity"},
    {"service", "service"},
    {"environment", "environment"},
    {"phase", "phase"},
    {"why asked", "why"},
    {"policies", "policies"},
    {"gates", "gates"},
    {"quorum", "quorum"},
    {"may answer", "may_answer"},
    {"may not", "may_not_answer"},
    {"if not", "if_nobody_decides"},
    {"instead", "safe_alternative"},
};

static enum rc add_question(struct buf *out, const struct json *j)
{
	const struct json *q = json_get(j, STR("question"));

	TRY(add_cell(out, json_get(j, STR("id"))));
	TRY(buf_add(out, STR(": ")));
	TRY(add_cell(out, json_get(j, STR("state"))));
	TRY(buf_add(out, STR(", asked by agent ")));
	TRY(add_cell(out, json_get(j, STR("agent"))));
	TRY(buf_add(out, STR(" in task ")));
	TRY(add_cell(out, json_get(j, STR("task"))));
	TRY(buf_add(out, STR("\n\n")));
	TRY(add_cell(out, json_get(q, STR("what_happens"))));
	TRY(buf_add_char(out, '\n'));
	for (size_t i = 0; i < ARRAY_LEN(question_lines); i++) {
		TRY(add_line(out, question_lines[i][0],
			     json_get(q, str_from(question_lines[i][1]))));
	}
	TRY(add_line(out, "accountable", json_get(j, STR("accountable"))));
	TRY(add_line(out, "decide by", json_get(j, STR("decide_by"))));
	TRY(add_line(out, "use by", json_get(j, STR("execute_by"))));
	TRY(add_line(out, "reason", json_get(j, STR("reason"))));
	TRY(add_line(out, "similar", json_get(j, STR("similar"))));
	TRY(add_line(out, "narrows", json_get(j, STR("narrows"))));
	TRY(add_line(out, "narrowed to", json_get(j, STR("narrowed_to"))));
	TRY(add_line(out, "used by", json_get(j, STR("used_by"))));
	TRY(add_line(out, "shown", json_get(j, STR("shown"))));
	TRY(add_votes(out, json_get(j, STR("votes"))));
	if (json_get(q, STR("agent_claims_unverified"))) {
		TRY(buf_add(out, STR("\nThe agent claims (nobody has checked it):\n  \"")));
		TRY(add_cell(out, json_get(q, STR("agent_claims_unverified"))));
		TRY(buf_add(out, STR("\"\n")));
	}
	return RC_OK;
}

enum rc show_question(struct buf *out, const struct json *j, struct err *e)
{
	if (add_question(out, j) != RC_OK) {
		FAIL(e, RC_LIMIT, "the answer is too long to show; try --json");
	}
	return RC_OK;
}
