/* SPDX-License-Identifier: Apache-2.0 */
/* codec/json.c - the strict parser.
 *
 * Trust:  every byte of the text is hostile.
 * Holds:  (1) what is accepted is one document of RFC 8259 with unique decoded names, and every
 *             reader that follows the RFC reads the same values from it.
 *         (2) recursion is at most LIMIT_JSON_DEPTH deep; time is linear in the text.
 *         (3) node->raw is exactly the value's bytes in the text.
 */
#include "codec/json.h"

#include <string.h>

#include "base/limits.h"
#include "codec/json_tree.h"

struct parser {
	struct json_builder nodes;
	const char *start;
	const char *p;
	const char *end;
	unsigned depth;
	/* Positions are found by counting line ends up to the value, each byte once. */
	const char *counted_to;
	const char *line_start;
	uint32_t line;
	struct err *e;
};

static enum rc parse_value(struct parser *ps, struct json *node);

/* Line and column of p, which is not before any p asked about earlier. */
static void locate(struct parser *ps, const char *p, uint32_t *line, uint32_t *column)
{
	const char *hit;

	while (ps->counted_to < p &&
	       (hit = memchr(ps->counted_to, '\n', (size_t)(p - ps->counted_to)))) {
		ps->counted_to = hit + 1;
		ps->line_start = hit + 1;
		ps->line++;
	}
	ps->counted_to = p;
	*line = ps->line;
	*column = (uint32_t)(p - ps->line_start) + 1;
}

static void locate_from_start(struct parser *ps)
{
	ps->counted_to = ps->start;
	ps->line_start = ps->start;
	ps->line = 1;
}

COLD static enum rc fail_at(struct parser *ps, const char *p, enum rc code, const char *what)
{
	uint32_t line;
	uint32_t column;

	locate_from_start(ps);
	locate(ps, p, &line, &column);
	FAIL(ps->e, code, "%u:%u: %s", line, column, what);
}

COLD static enum rc fail_expected(struct parser *ps, const char *expected)
{
	unsigned char c = ps->p < ps->end ? (unsigned char)*ps->p : 0;
	uint32_t line;
	uint32_t column;

	locate_from_start(ps);
	locate(ps, ps->p, &line, &column);
	if (ps->p == ps->end) {
		FAIL(ps->e, RC_INPUT, "%u:%u: expected %s, got the end", line, column, expected);
	}
	if (c > ' ' && c < 0x7F) {
		FAIL(ps->e, RC_INPUT, "%u:%u: expected %s, got '%c'", line, column, expected, c);
	}
	FAIL(ps->e, RC_INPUT, "%u:%u: expected %s, got byte 0x%02x", line, column, expected, c);
}

static inline enum rc new_node(struct parser *ps, struct json **ret)
{
	enum rc rc;

	if (ps->nodes.slab_left > 0 && ps->nodes.nodes_left > 0 && !ps->nodes.want_positions) {
		ps->nodes.nodes_left--;
		ps->nodes.slab_left--;
		*ret = ps->nodes.slab++;
		return RC_OK;
	}
	rc = json_builder_node(&ps->nodes, ret);
	if (__builtin_expect(rc != RC_OK, 0)) {
		return fail_at(ps, ps->p, rc,
			       rc == RC_LIMIT ? "too many values in one document"
					      : "no memory for the document");
	}
	if (ps->nodes.want_positions) {
		locate(ps, ps->p, &(*ret)->line, &(*ret)->column);
	}
	return RC_OK;
}

static inline void skip_blanks(struct parser *ps)
{
	/* Mostly there are none. */
	if (ps->p < ps->end && (unsigned char)*ps->p > ' ') {
		return;
	}
	while (ps->p < ps->end &&
	       (*ps->p == ' ' || *ps->p == '\n' || *ps->p == '\t' || *ps->p == '\r')) {
		ps->p++;
	}
}

/* Four hexadecimal digits at p, or -1. */
static int32_t hex4(const char *p, const char *end)
{
	int32_t v = 0;

	if (end - p < 4) {
		return -1;
	}
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		char letter = (char)(c | 0x20);

		if (c >= '0' && c <= '9') {
			v = v << 4 | (c - '0');
		} else if (letter >= 'a' && letter <= 'f') {
			v = v << 4 | (letter - 'a' + 10);
		} else {
			return -1;
		}
	}
	return v;
}

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xC0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xE0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3F));
		out[2] = (char)(0x80 | (c & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3F));
	out[2] = (char)(0x80 | (c >> 6 & 0x3F));
	out[3] = (char)(0x80 | (c & 0x3F));
	return 4;
}

/* One \uXXXX (p is behind the u), a pair of surrogates counting as one. NULL when malformed. */
static const char *unescape_unicode(const char *p, const char *end, char *out, size_t *n)
{
	int32_t unit = hex4(p, end);
	int32_t low;

	if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) {
		return NULL;
	}
	p += 4;
	if (unit < 0xD800 || unit > 0xDBFF) {
		*n += put_utf8(out + *n, (uint32_t)unit);
		return p;
	}
	if (end - p < 6 || p[0] != '\\' || p[1] != 'u') {
		return NULL;
	}
	low = hex4(p + 2, end);
	if (low < 0xDC00 || low > 0xDFFF) {
		return NULL;
	}
	*n += put_utf8(out + *n, (uint32_t)(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)));
	return p + 6;
}

static char simple_escape(char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '/':
		return c;
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return 0;
	}
}

/* The bytes between quotes, with escapes, into out, which holds as many. NULL on success, else
 * the bad escape. */
static const char *unescape(struct str raw, char *out, size_t *ret_n)
{
	const char *p = raw.p;
	const char *end = raw.p + raw.n;
	size_t n = 0;

	while (p < end) {
		const char *escape = memchr(p, '\\', (size_t)(end - p));
		const char *stop = escape ? escape : end;

		memcpy(out + n, p, (size_t)(stop - p));
		n += (size_t)(stop - p);
		if (!escape) {
			break;
		}
		if (escape[1] == 'u') { /* the scanner saw a byte behind every backslash */
			p = unescape_unicode(escape + 2, end, out, &n);
			if (!p) {
				return escape;
			}
			continue;
		}
		out[n] = simple_escape(escape[1]);
		if (!out[n]) {
			return escape;
		}
		n++;
		p = escape + 2;
	}
	*ret_n = n;
	return NULL;
}

static enum rc decode_string(struct parser *ps, struct str raw, struct str *ret)
{
	char *out = arena_alloc(ps->nodes.arena, raw.n);
	const char *bad;

	if (!out) {
		return fail_at(ps, raw.p, RC_NOMEM, "no memory for the document");
	}
	bad = unescape(raw, out, &ret->n);
	if (bad) {
		return fail_at(ps, bad, RC_INPUT, "bad escape in a string");
	}
	ret->p = out;
	return RC_OK;
}

/* ps->p is at the opening quote. */
static enum rc parse_string(struct parser *ps, struct str *ret)
{
	const char *start = ps->p + 1;
	const char *p = start;
	bool has_escapes = false;
	bool is_ascii = true;
	struct str raw;

	for (;;) {
		p = json_skip_plain(p, ps->end);
		if (p == ps->end) {
			return fail_at(ps, ps->p, RC_INPUT, "string without an end");
		}
		if (*p == '"') {
			break;
		}
		if (*p == '\\') {
			has_escapes = true;
			if (ps->end - p < 2) {
				return fail_at(ps, ps->p, RC_INPUT, "string without an end");
			}
			p += 2;
		} else if ((unsigned char)*p < 0x20) {
			return fail_at(ps, p, RC_INPUT, "control character in a string");
		} else {
			is_ascii = false;
			while (p < ps->end && (unsigned char)*p >= 0x80) {
				p++;
			}
		}
	}
	raw = (struct str){.p = start, .n = (size_t)(p - start)};
	if (!is_ascii && !str_is_utf8(raw)) {
		return fail_at(ps, ps->p, RC_INPUT, "string that is not UTF-8");
	}
	ps->p = p + 1;
	*ret = raw;
	return has_escapes ? decode_string(ps, raw, ret) : RC_OK;
}

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9') {
		p++;
	}
	return p;
}

/* At least one digit; NULL without. */
static const char *digits_end(const char *p, const char *end)
{
	const char *stop = skip_digits(p, end);

	return stop > p ? stop : NULL;
}

/* RFC 8259 section 6; the end of the number that begins at p, or NULL. */
static const char *number_end(const char *p, const char *end)
{
	if (p < end && *p == '-') {
		p++;
	}
	p = p < end && *p == '0' ? p + 1 : digits_end(p, end);
	if (p && p < end && *p == '.') {
		p = digits_end(p + 1, end);
	}
	if (p && p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-')) {
			p++;
		}
		p = digits_end(p, end);
	}
	return p;
}

bool json_is_number(struct str s)
{
	return s.n > 0 && number_end(s.p, s.p + s.n) == s.p + s.n;
}

static enum rc parse_number(struct parser *ps, struct json *node)
{
	const char *stop = number_end(ps->p, ps->end);

	if (!stop) {
		return fail_at(ps, ps->p, RC_INPUT, "malformed number");
	}
	/* "01", "1.5.2" and "0x10" would end a number early; say so here, where it is clear. */
	if (stop < ps->end && ((*stop >= '0' && *stop <= '9') || *stop == '.' ||
			       ((*stop | 0x20) >= 'a' && (*stop | 0x20) <= 'z'))) {
		return fail_at(ps, ps->p, RC_INPUT, "malformed number");
	}
	node->type = JSON_NUMBER;
	node->text = (struct str){.p = ps->p, .n = (size_t)(stop - ps->p)};
	ps->p = stop;
	return RC_OK;
}

static enum rc parse_word(struct parser *ps, struct json *node, struct str word, enum json_type t)
{
	if ((size_t)(ps->end - ps->p) < word.n || memcmp(ps->p, word.p, word.n) != 0) {
		return fail_expected(ps, "a value");
	}
	node->type = t;
	ps->p += word.n;
	return RC_OK;
}

static enum rc enter(struct parser *ps)
{
	if (ps->depth == ps->nodes.max_depth) {
		return fail_at(ps, ps->p, RC_LIMIT, "nested too deeply");
	}
	ps->depth++;
	ps->p++;
	skip_blanks(ps);
	return RC_OK;
}

static enum rc parse_array(struct parser *ps, struct json *node)
{
	struct json_tail tail = {.parent = node};

	node->type = JSON_ARRAY;
	TRY(enter(ps));
	if (ps->p < ps->end && *ps->p == ']') {
		ps->p++;
		ps->depth--;
		return RC_OK;
	}
	for (;;) {
		struct json *element;

		TRY(new_node(ps, &element));
		TRY(parse_value(ps, element));
		json_tail_add(&tail, element);
		skip_blanks(ps);
		if (ps->p < ps->end && *ps->p == ',') {
			ps->p++;
			skip_blanks(ps);
		} else if (ps->p < ps->end && *ps->p == ']') {
			ps->p++;
			ps->depth--;
			return RC_OK;
		} else {
			return fail_expected(ps, "',' or ']'");
		}
	}
}

static enum rc parse_member(struct parser *ps, struct json_tail *tail)
{
	struct json *member;
	struct str key;

	if (ps->p == ps->end || *ps->p != '"') {
		return fail_expected(ps, "a member name in quotes");
	}
	TRY(parse_string(ps, &key));
	skip_blanks(ps);
	if (ps->p == ps->end || *ps->p != ':') {
		return fail_expected(ps, "':'");
	}
	ps->p++;
	skip_blanks(ps);
	TRY(new_node(ps, &member));
	member->key = key;
	TRY(parse_value(ps, member));
	json_tail_add(tail, member);
	skip_blanks(ps);
	return RC_OK;
}

static enum rc finish_object(struct parser *ps, const struct json *node)
{
	const struct json *twin;
	const char *at;
	enum rc rc = json_find_duplicate(node, &twin);

	if (rc != RC_OK) {
		return fail_at(ps, ps->p, rc, "no memory for the document");
	}
	if (twin) {
		/* A name with escapes was copied, so point at its value instead. */
		at = twin->key.p > ps->start && twin->key.p < ps->end ? twin->key.p - 1
								      : twin->raw.p;
		return fail_at(ps, at, RC_INPUT, "member name used twice in one object");
	}
	ps->depth--;
	return RC_OK;
}

static enum rc parse_object(struct parser *ps, struct json *node)
{
	struct json_tail tail = {.parent = node};

	node->type = JSON_OBJECT;
	TRY(enter(ps));
	if (ps->p < ps->end && *ps->p == '}') {
		ps->p++;
		ps->depth--;
		return RC_OK;
	}
	for (;;) {
		TRY(parse_member(ps, &tail));
		if (ps->p < ps->end && *ps->p == ',') {
			ps->p++;
			skip_blanks(ps);
		} else if (ps->p < ps->end && *ps->p == '}') {
			ps->p++;
			return finish_object(ps, node);
		} else {
			return fail_expected(ps, "',' or '}'");
		}
	}
}

static inline enum rc parse_by_first_byte(struct parser *ps, struct json *node)
{
	if (ps->p == ps->end) {
		return fail_expected(ps, "a value");
	}
	switch (*ps->p) {
	case '"':
		node->type = JSON_STRING;
		return parse_string(ps, &node->text);
	case '{':
		return parse_object(ps, node);
	case '[':
		return parse_array(ps, node);
	case 't':
		return parse_word(ps, node, STR("true"), JSON_TRUE);
	case 'f':
		return parse_word(ps, node, STR("false"), JSON_FALSE);
	case 'n':
		return parse_word(ps, node, STR("null"), JSON_NULL);
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
		return parse_number(ps, node);
	default:
		return fail_expected(ps, "a value");
	}
}

/* ps->p is at the value's first byte. */
static enum rc parse_value(struct parser *ps, struct json *node)
{
	const char *start = ps->p;

	TRY(parse_by_first_byte(ps, node));
	node->raw = (struct str){.p = start, .n = (size_t)(ps->p - start)};
	return RC_OK;
}

enum rc json_parse(struct arena *arena, struct str text, const struct json_limits *limits,
		   const struct json **ret, struct err *e)
{
	size_t max_bytes = limits ? limits->max_bytes : JSON_LIMITS_DEFAULT.max_bytes;
	const char *start = text.n ? text.p : "";
	struct parser ps = {
	    .nodes = json_builder_of(arena, limits),
	    .start = start,
	    .p = start,
	    .end = start + text.n,
	    .counted_to = start,
	    .line_start = start,
	    .line = 1,
	    .e = e,
	};
	struct json *root;

	if (text.n > max_bytes) {
		FAIL(e, RC_LIMIT, "1:1: document of %zu bytes, at most %zu allowed", text.n,
		     max_bytes);
	}
	skip_blanks(&ps);
	TRY(new_node(&ps, &root));
	TRY(parse_value(&ps, root));
	skip_blanks(&ps);
	if (ps.p != ps.end) {
		return fail_expected(&ps, "the end of the document");
	}
	*ret = root;
	return RC_OK;
}
