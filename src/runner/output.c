/* SPDX-License-Identifier: Apache-2.0 */
/* runner/output.c - a command's bytes into MCP.
 *
 * Trust:  whatever a program prints, and through it whoever writes logs or rows.
 */
#include "runner/output.h"

#include "base/limits.h"
#include "codec/json.h"
#include "mcp/outgoing.h"

/* Bytes of the well-formed character at the front of s, 0 when there is none. */
static size_t character(struct str s)
{
	for (size_t n = 1; n <= 4 && n <= s.n; n++) {
		if (str_is_utf8(str_slice(s, 0, n))) {
			return n;
		}
	}
	return 0;
}

static enum rc add_clean(struct buf *b, struct str s)
{
	while (s.n > 0) {
		size_t n = character(s);

		TRY(buf_add(b, n > 0 ? str_slice(s, 0, n) : STR("\xef\xbf\xbd")));
		s = str_slice(s, n > 0 ? n : 1, s.n);
	}
	return RC_OK;
}

enum rc output_text_result(struct buf *b, struct str out, bool is_error, struct err *e)
{
	AUTO_BUF clean = BUF_INIT(3 * LIMIT_RESULT_BYTES + 16);

	if (str_is_utf8(out)) {
		return mcp_text_result(b, out, is_error, e);
	}
	TRY(add_clean(&clean, out));
	return mcp_text_result(b, buf_view(&clean), is_error, e);
}

enum rc output_json_result(struct buf *b, struct str out, struct err *e)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	AUTO_ARENA arena = ARENA_INIT(64 * LIMIT_RESULT_BYTES);
	const struct json *j;
	struct json_out w = json_out_to(b);

	TRY(json_parse(&arena, out, &limits, &j, e));
	json_out_object(&w);
	json_out_key(&w, STR("content"));
	json_out_array(&w);
	json_out_object(&w);
	json_out_key_str(&w, "type", STR("text"));
	json_out_key_str(&w, "text", j->raw);
	json_out_close(&w);
	json_out_close(&w);
	json_out_key(&w, STR("structuredContent"));
	if (json_type(j) == JSON_OBJECT) {
		json_out_raw(&w, j->raw);
	} else {
		json_out_object(&w);
		json_out_key(&w, STR("result"));
		json_out_raw(&w, j->raw);
		json_out_close(&w);
	}
	json_out_close(&w);
	return json_out_end(&w, e);
}

struct str output_last_line(struct str text, char *to, size_t max)
{
	struct str last = STR("");
	size_t n = 0;

	while (text.n > 0) {
		struct str line = str_trim(str_cut(&text, '\n'));

		if (line.n > 0) {
			last = line;
		}
	}
	for (; n < last.n && n < max; n++) {
		char c = last.p[n];

		to[n] = c >= 0x20 && c < 0x7f ? c : '?';
	}
	return str_of(to, n);
}
