/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/text.c - identifiers, names and string escapes.
 *
 * Trust:  every byte is hostile, but known to be UTF-8.
 * Holds:  what is decoded is UTF-8 again, since an escape gives a whole code point or nothing.
 */
#include "cedar/text.h"

#include <string.h>

bool cedar_is_reserved(struct str ident)
{
	static const struct str reserved[] = {
	    {"true", 4}, {"false", 5}, {"if", 2},  {"then", 4}, {"else", 4},
	    {"in", 2},	 {"like", 4},  {"has", 3}, {"is", 2},	{"__cedar", 7},
	};

	/* Their lengths and first letters; most names have others. */
	if (ident.n > 7 || ident.n == 0 || !memchr("tfielh_", ident.p[0], 7)) {
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
		if (ident.n == reserved[i].n && memcmp(ident.p, reserved[i].p, ident.n) == 0) {
			return true;
		}
	}
	return false;
}

bool cedar_is_ident(struct str s)
{
	if (s.n == 0 || !cedar_is_ident_start(s.p[0])) {
		return false;
	}
	for (size_t i = 1; i < s.n; i++) {
		if (!cedar_is_ident_part(s.p[i])) {
			return false;
		}
	}
	return !cedar_is_reserved(s);
}

bool cedar_is_name(struct str s)
{
	for (;;) {
		size_t end = str_find(s, ':');

		if (!cedar_is_ident(str_slice(s, 0, end))) {
			return false;
		}
		if (end == s.n) {
			return true;
		}
		if (end + 1 >= s.n || s.p[end + 1] != ':') {
			return false;
		}
		s = str_slice(s, end + 2, s.n);
	}
}

/* ---- decoding ---- */

static int hex_digit(char c)
{
	if (cedar_is_digit(c)) {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	if (c >= 'A' && c <= 'F') {
		return c - 'A' + 10;
	}
	return -1;
}

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* `\xHH` with HH at most 7F; at is behind the x. Returns the bytes read, 0 = bad. */
static size_t read_x(struct str raw, size_t at, uint32_t *ret)
{
	int high = at < raw.n ? hex_digit(raw.p[at]) : -1;
	int low = at + 1 < raw.n ? hex_digit(raw.p[at + 1]) : -1;

	if (high < 0 || high > 7 || low < 0) {
		return 0;
	}
	*ret = (uint32_t)(high * 16 + low);
	return 2;
}

/* `\u{H...}`: one to six digits, underscores between them as in Rust; at is behind the u. */
static size_t read_u(struct str raw, size_t at, uint32_t *ret)
{
	size_t start = at;
	unsigned digits = 0;
	uint32_t c = 0;

	if (at >= raw.n || raw.p[at++] != '{') {
		return 0;
	}
	for (; at < raw.n && raw.p[at] != '}'; at++) {
		int d = hex_digit(raw.p[at]);

		if (raw.p[at] == '_' && digits > 0) {
			continue;
		}
		if (d < 0 || ++digits > 6) {
			return 0;
		}
		c = c * 16 + (uint32_t)d;
	}
	if (at >= raw.n || digits == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
		return 0;
	}
	*ret = c;
	return at + 1 - start;
}

/* The escape at raw.p[at], which is a backslash. Returns the bytes read, 0 = bad. */
static size_t read_escape(struct str raw, size_t at, enum cedar_quoted how, uint32_t *ret)
{
	char c = at + 1 < raw.n ? raw.p[at + 1] : 'q';
	size_t n;

	switch (c) {
	case 'n':
		*ret = '\n';
		return 2;
	case 'r':
		*ret = '\r';
		return 2;
	case 't':
		*ret = '\t';
		return 2;
	case '0':
		*ret = 0;
		return 2;
	case '\\':
	case '\'':
	case '"':
		*ret = (uint32_t)c;
		return 2;
	case '*':
		*ret = '*';
		return how == CEDAR_QUOTED_PATTERN ? 2 : 0;
	case 'x':
		n = read_x(raw, at + 2, ret);
		return n ? n + 2 : 0;
	case 'u':
		n = read_u(raw, at + 2, ret);
		return n ? n + 2 : 0;
	default:
		return 0;
	}
}

static size_t count_stars(struct str raw)
{
	size_t n = 0;

	for (size_t i = 0; i < raw.n; i++) {
		n += raw.p[i] == '*';
	}
	return n;
}

/* The slice of raw to show for a bad escape: the backslash and one whole code point, or a bare
 * carriage return. */
static struct str bad_escape(struct str raw, size_t at)
{
	size_t end = at + 1;

	if (raw.p[at] == '\\' && end < raw.n) {
		end++;
		while (end < raw.n && ((unsigned char)raw.p[end] & 0xc0) == 0x80) {
			end++;
		}
	}
	return str_slice(raw, at, end);
}

enum rc cedar_unescape(struct arena *arena, struct str raw, enum cedar_quoted how,
		       const struct str **ret, uint32_t *ret_n, struct str *ret_bad)
{
	/* An escape is never shorter than what it stands for. */
	char *out = arena_alloc(arena, raw.n + 1);
	size_t most = how == CEDAR_QUOTED_PATTERN ? count_stars(raw) + 1 : 1;
	struct str *pieces = arena_alloc_n(arena, most, sizeof(*pieces));
	size_t n = 0;
	uint32_t piece = 0;

	if (!out || !pieces) {
		return RC_NOMEM;
	}
	pieces[0].p = out;
	for (size_t i = 0; i < raw.n;) {
		uint32_t c = 0;
		size_t took = 1;

		if (raw.p[i] == '\\') {
			took = read_escape(raw, i, how, &c);
			n += took ? put_utf8(out + n, c) : 0;
		} else if (raw.p[i] == '*' && how == CEDAR_QUOTED_PATTERN) {
			pieces[piece].n = (size_t)(out + n - pieces[piece].p);
			pieces[++piece].p = out + n;
		} else if (raw.p[i] == '\r') {
			took = 0; /* as in the reference: written out, or not at all */
		} else {
			out[n++] = raw.p[i];
		}
		if (took == 0) {
			*ret_bad = bad_escape(raw, i);
			return RC_INPUT;
		}
		i += took;
	}
	pieces[piece].n = (size_t)(out + n - pieces[piece].p);
	*ret = pieces;
	*ret_n = piece + 1;
	return RC_OK;
}

/* ---- encoding ---- */

static enum rc print_escaped(struct buf *b, struct str s, bool is_pattern)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\' || (c == '*' && is_pattern)) {
			TRY(buf_addf(b, "\\%c", c));
		} else if (c == '\n') {
			TRY(buf_add(b, STR("\\n")));
		} else if (c == '\t') {
			TRY(buf_add(b, STR("\\t")));
		} else if (c == '\r') {
			TRY(buf_add(b, STR("\\r")));
		} else if (c == 0) {
			TRY(buf_add(b, STR("\\0")));
		} else if (c < 0x20 || c == 0x7f) {
			TRY(buf_addf(b, "\\u{%x}", c));
		} else {
			TRY(buf_add_char(b, (char)c));
		}
	}
	return RC_OK;
}

enum rc cedar_print_quoted(struct buf *b, struct str s)
{
	TRY(buf_add_char(b, '"'));
	TRY(print_escaped(b, s, false));
	return buf_add_char(b, '"');
}

enum rc cedar_print_pattern(struct buf *b, const struct str *pieces, uint32_t n)
{
	TRY(buf_add_char(b, '"'));
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0) {
			TRY(buf_add_char(b, '*'));
		}
		TRY(print_escaped(b, pieces[i], true));
	}
	return buf_add_char(b, '"');
}
