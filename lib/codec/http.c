/* SPDX-License-Identifier: Apache-2.0 */
/* codec/http.c - heads of requests and responses.
 *
 * Trust:  every byte is hostile, an upstream's too.
 * Holds:  (1) a head that is accepted has exactly one framing, and every strict reader finds the
 *             next message at the same byte.
 *         (2) CR and LF appear only as the pair that ends a line; no other control byte but the
 *             tab appears at all.
 *         (3) fields that have one value by definition appear at most once.
 */
#include "codec/http.h"

#include <string.h>

#include "base/num.h"
#include "codec/uri.h"

enum { MAX_METHOD_BYTES = 32 };

/* RFC 9110 5.6.2. */
static const bool token_bytes[256] = {
    ['!'] = true,	  ['#' ... '\''] = true, ['*'] = true,	       ['+'] = true,
    ['-'] = true,	  ['.'] = true,		 ['0' ... '9'] = true, ['A' ... 'Z'] = true,
    ['^' ... 'z'] = true, ['|'] = true,		 ['~'] = true,
};

/* RFC 9110 5.5: visible, blank, tab, obs-text. */
static const bool value_bytes[256] = {
    ['\t'] = true,
    [' ' ... '~'] = true,
    [0x80 ... 0xFF] = true,
};

/* Fields with one value by definition. Repeating one is how two readers are made to see two
 * values; the first few are looked at here. */
enum single {
	SINGLE_HOST,
	SINGLE_CONTENT_LENGTH,
	SINGLE_TRANSFER_ENCODING,
	SINGLE_EXPECT,
	SINGLE_OTHERS,
};

static const struct str singles[] = {
    [SINGLE_HOST] = {"Host", 4},
    [SINGLE_CONTENT_LENGTH] = {"Content-Length", 14},
    [SINGLE_TRANSFER_ENCODING] = {"Transfer-Encoding", 17},
    [SINGLE_EXPECT] = {"Expect", 6},
    [SINGLE_OTHERS] = {"Authorization", 13},
    {"Content-Encoding", 16},
    {"Content-Type", 12},
    {"Cookie", 6},
    {"DPoP", 4},
    {"ETag", 4},
    {"Last-Event-ID", 13},
    {"Location", 8},
    {"Origin", 6},
    {"Referer", 7},
    {"Retry-After", 11},
    {"Sec-Fetch-Site", 14},
    {"Traceparent", 11},
    {"User-Agent", 10},
};

struct head_parser {
	struct http_head *h;
	struct field_index {
		bool is_there;
		struct str value;
	} seen[ARRAY_LEN(singles)];
	struct err *e;
};

COLD static enum rc refuse(struct http_head *h, struct err *e, enum rc code, unsigned status,
			   const char *what)
{
	h->refuse_status = status;
	FAIL(e, code, "%s", what);
}

COLD static enum rc bad(struct head_parser *p, const char *what)
{
	return refuse(p->h, p->e, RC_INPUT, 400, what);
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!token_bytes[(unsigned char)s.p[i]]) {
			return false;
		}
	}
	return s.n > 0;
}

/* Is one of the eight bytes below a blank, or DEL? Exact in whether, not in which. */
static bool has_control(uint64_t x)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t del = x ^ (ones * 0x7F);

	return (((x - ones * ' ') & ~x) | ((del - ones) & ~del)) & (ones * 0x80);
}

static bool is_value(struct str s)
{
	size_t i = 0;

	for (; i + sizeof(uint64_t) <= s.n; i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, s.p + i, sizeof(word));
		if (has_control(word)) {
			break; /* a tab may be fine: byte by byte from here */
		}
	}
	for (; i < s.n; i++) {
		if (!value_bytes[(unsigned char)s.p[i]]) {
			return false;
		}
	}
	return true;
}

/* Looks for the empty line, and on the way refuses a CR or LF that stands alone (2), so that such a
 * head is not waited for. */
static enum rc find_end(struct str bytes, size_t *scanned, struct http_head *h, struct err *e)
{
	size_t n = bytes.n < LIMIT_HTTP_HEAD_BYTES ? bytes.n : LIMIT_HTTP_HEAD_BYTES;
	size_t at = *scanned;

	while (at < n) {
		const char *lf = memchr(bytes.p + at, '\n', n - at);
		size_t stop = lf ? (size_t)(lf - bytes.p) : n;
		const char *cr = stop > at ? memchr(bytes.p + at, '\r', stop - at) : NULL;

		if (cr && cr + 1 != bytes.p + stop) {
			return refuse(h, e, RC_INPUT, 400, "carriage return alone");
		}
		if (!lf) {
			at = cr ? stop - 1 : stop; /* a CR at the end waits for its LF */
			break;
		}
		if (stop == 0 || bytes.p[stop - 1] != '\r') {
			return refuse(h, e, RC_INPUT, 400, "line feed alone");
		}
		if (stop == 1) {
			return refuse(h, e, RC_INPUT, 400, "empty line before the head");
		}
		at = stop + 1;
		if (bytes.p[stop - 2] == '\n') {
			*scanned = at;
			h->head_bytes = at;
			return RC_OK;
		}
	}
	*scanned = at;
	if (n == LIMIT_HTTP_HEAD_BYTES) {
		bool in_first_line = !memchr(bytes.p, '\n', n);

		return refuse(h, e, RC_LIMIT, in_first_line ? 414 : 431, "head too large");
	}
	return RC_AGAIN;
}

/* The next line of the head without its end; the empty one is the last. */
static struct str next_line(struct str *rest)
{
	struct str line = str_cut(rest, '\n');

	return str_slice(line, 0, line.n - 1); /* find_end saw the CR */
}

static enum rc note_single(struct head_parser *p, struct str name, struct str value)
{
	for (size_t i = 0; i < ARRAY_LEN(singles); i++) {
		if (name.n != singles[i].n || ((name.p[0] ^ singles[i].p[0]) & 0x5F) != 0 ||
		    !str_eq_nocase(name, singles[i])) {
			continue;
		}
		if (p->seen[i].is_there) {
			return bad(p, "field that has one value appears twice");
		}
		p->seen[i].is_there = true;
		p->seen[i].value = value;
		return RC_OK;
	}
	/* Mcp-Method, Mcp-Name, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Param-...: all of them.
	 */
	if (name.n > 4 && str_eq_nocase(str_slice(name, 0, 4), STR("Mcp-"))) {
		for (size_t i = 0; i + 1 < p->h->n_fields; i++) {
			if (str_eq_nocase(p->h->fields[i].name, name)) {
				return bad(p, "field that has one value appears twice");
			}
		}
	}
	return RC_OK;
}

static enum rc parse_field(struct head_parser *p, struct str line)
{
	struct http_field *f;
	struct str value = line;
	struct str name;

	if (line.p[0] == ' ' || line.p[0] == '\t') {
		return bad(p, "folded field line");
	}
	name = str_cut(&value, ':');
	if (!value.p) {
		return bad(p, "field line without a colon");
	}
	if (!is_token(name)) {
		return bad(p, "malformed field name");
	}
	if (!is_value(value)) {
		return bad(p, "control byte in a field value");
	}
	if (p->h->n_fields == LIMIT_HTTP_HEADERS) {
		return refuse(p->h, p->e, RC_LIMIT, 431, "too many fields in a head");
	}
	f = &p->h->fields[p->h->n_fields++];
	f->name = name;
	f->value = str_trim(value);
	return note_single(p, f->name, f->value);
}

static enum rc parse_fields(struct head_parser *p, struct str rest)
{
	for (;;) {
		struct str line = next_line(&rest);

		if (line.n == 0) {
			return RC_OK;
		}
		TRY(parse_field(p, line));
	}
}

/* RFC 9112 section 6.3, without the choices it leaves. */
static enum rc decide_framing(struct head_parser *p)
{
	const struct field_index *te = &p->seen[SINGLE_TRANSFER_ENCODING];
	const struct field_index *cl = &p->seen[SINGLE_CONTENT_LENGTH];
	struct http_head *h = p->h;

	if (te->is_there && cl->is_there) {
		return bad(p, "both Transfer-Encoding and Content-Length");
	}
	if (te->is_there) {
		if (!str_eq_nocase(te->value, STR("chunked"))) {
			return refuse(h, p->e, RC_INPUT, 501, "transfer coding other than chunked");
		}
		h->framing = HTTP_BODY_CHUNKED;
	}
	if (cl->is_there) {
		if (!num_u64(cl->value, UINT64_MAX, &h->content_length)) {
			return bad(p, "malformed Content-Length");
		}
		if (h->content_length > LIMIT_HTTP_BODY_BYTES) {
			return refuse(h, p->e, RC_LIMIT, 413, "body too large");
		}
		h->framing = h->content_length ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
	}
	h->keeps_alive = !http_header_has_token(h, STR("Connection"), STR("close"));
	return RC_OK;
}

static enum rc check_version(struct head_parser *p, struct str version)
{
	if (str_eq(version, STR("HTTP/1.1"))) {
		return RC_OK;
	}
	if (version.n == 8 && str_has_prefix(version, STR("HTTP/")) && version.p[5] >= '0' &&
	    version.p[5] <= '9' && version.p[6] == '.' && version.p[7] >= '0' &&
	    version.p[7] <= '9') {
		return refuse(p->h, p->e, RC_INPUT, 505, "version other than HTTP/1.1");
	}
	return bad(p, "malformed version");
}

/* method SP target SP version, single blanks (RFC 9112 section 3). */
static enum rc parse_request_line(struct head_parser *p, struct str line)
{
	struct http_head *h = p->h;
	struct str version = line;

	h->method = str_cut(&version, ' ');
	if (!is_token(h->method) || h->method.n > MAX_METHOD_BYTES) {
		return bad(p, "malformed method");
	}
	h->target = str_cut(&version, ' ');
	if (!version.p) {
		return bad(p, "malformed request line");
	}
	TRY(check_version(p, version));
	if (!uri_is_target(h->target)) {
		return bad(p, "target that is not an absolute path");
	}
	h->query = h->target;
	h->path = str_cut(&h->query, '?');
	return RC_OK;
}

enum rc http_parse_request(struct str bytes, size_t *scanned, struct http_head *ret, struct err *e)
{
	struct head_parser p = {.h = ret, .e = e};
	struct str rest;

	*ret = (struct http_head){0};
	TRY(find_end(bytes, scanned, ret, e));
	rest = str_slice(bytes, 0, ret->head_bytes);
	TRY(parse_request_line(&p, next_line(&rest)));
	TRY(parse_fields(&p, rest));
	if (!p.seen[SINGLE_HOST].is_there || !uri_is_authority(p.seen[SINGLE_HOST].value)) {
		return bad(&p, "missing or malformed Host");
	}
	TRY(decide_framing(&p));
	if (p.seen[SINGLE_EXPECT].is_there) {
		if (!str_eq_nocase(p.seen[SINGLE_EXPECT].value, STR("100-continue"))) {
			return refuse(ret, e, RC_INPUT, 417, "expectation other than 100-continue");
		}
		ret->expects_continue = ret->framing != HTTP_BODY_NONE;
	}
	return RC_OK;
}

/* version SP three digits SP reason (RFC 9112 section 4). */
static enum rc parse_status_line(struct head_parser *p, struct str line)
{
	struct http_head *h = p->h;
	struct str reason = line;
	struct str code;
	uint64_t status;

	TRY(check_version(p, str_cut(&reason, ' ')));
	code = str_cut(&reason, ' ');
	if (!reason.p || code.n != 3 || !num_u64(code, 599, &status) || status < 100) {
		return bad(p, "malformed status line");
	}
	if (!is_value(reason)) {
		return bad(p, "control byte in a reason phrase");
	}
	if (status == 101) {
		return bad(p, "switch of protocols that nobody asked for");
	}
	h->status = (unsigned)status;
	h->reason = reason;
	return RC_OK;
}

/* Does the status or the method say that no body follows, whatever the fields say? */
static enum rc decide_response_body(struct head_parser *p, struct str method)
{
	struct http_head *h = p->h;
	bool has_fields =
	    p->seen[SINGLE_TRANSFER_ENCODING].is_there || p->seen[SINGLE_CONTENT_LENGTH].is_there;

	TRY(decide_framing(p));
	if (h->status < 200 || h->status == 204) {
		return has_fields ? bad(p, "body with a status that has none") : RC_OK;
	}
	if (h->status == 304 || str_eq(method, STR("HEAD"))) {
		h->framing = HTTP_BODY_NONE;
		h->content_length = 0;
		return RC_OK;
	}
	if (!has_fields) {
		h->framing = HTTP_BODY_UNTIL_CLOSE;
		h->keeps_alive = false;
	}
	return RC_OK;
}

enum rc http_parse_response(struct str bytes, size_t *scanned, struct str method,
			    struct http_head *ret, struct err *e)
{
	struct head_parser p = {.h = ret, .e = e};
	struct str rest;

	*ret = (struct http_head){0};
	TRY(find_end(bytes, scanned, ret, e));
	rest = str_slice(bytes, 0, ret->head_bytes);
	TRY(parse_status_line(&p, next_line(&rest)));
	TRY(parse_fields(&p, rest));
	return decide_response_body(&p, method);
}

bool http_header_next(const struct http_head *h, struct str name, size_t *i, struct str *ret)
{
	while (*i < h->n_fields) {
		const struct http_field *f = &h->fields[(*i)++];

		if (f->name.n == name.n && str_eq_nocase(f->name, name)) {
			*ret = f->value;
			return true;
		}
	}
	return false;
}

struct str http_header_get(const struct http_head *h, struct str name)
{
	struct str value = STR_NULL;
	size_t i = 0;

	(void)http_header_next(h, name, &i, &value); /* absent: stays NULL */
	return value;
}

bool http_header_has_token(const struct http_head *h, struct str name, struct str token)
{
	struct str list;
	size_t i = 0;

	while (http_header_next(h, name, &i, &list)) {
		while (list.p) {
			if (str_eq_nocase(str_trim(str_cut(&list, ',')), token)) {
				return true;
			}
		}
	}
	return false;
}

struct str http_media_type(struct str content_type)
{
	return str_trim(str_cut(&content_type, ';'));
}

/* How closely does a range of Accept fit: 0 not at all, 1 "*", 2 "type/" + "*", 3 exactly. */
static int range_fit(struct str range, struct str media_type)
{
	struct str subtype = media_type;
	struct str type = str_cut(&subtype, '/');

	if (str_eq_nocase(range, media_type)) {
		return 3;
	}
	if (str_eq(range, STR("*/*"))) {
		return 1;
	}
	return range.n == type.n + 2 && str_has_suffix(range, STR("/*")) &&
		       str_eq_nocase(str_slice(range, 0, type.n), type)
		   ? 2
		   : 0;
}

/* Is there a parameter q with nothing but zeros in it? */
static bool has_zero_weight(struct str params)
{
	while (params.p) {
		struct str value = str_cut(&params, ';');
		struct str name = str_trim(str_cut(&value, '='));
		struct str weight = str_trim(value);

		if (str_eq_nocase(name, STR("q")) && weight.n && weight.p[0] == '0') {
			for (size_t i = 1; i < weight.n; i++) {
				if (weight.p[i] != '0' && weight.p[i] != '.') {
					return false;
				}
			}
			return true;
		}
	}
	return false;
}

bool http_accepts(const struct http_head *h, struct str media_type)
{
	struct str list;
	size_t i = 0;
	int best = 0;
	bool is_accepted = false;
	bool has_any = false;

	while (http_header_next(h, STR("Accept"), &i, &list)) {
		has_any = true;
		while (list.p) {
			struct str params = str_cut(&list, ',');
			struct str range = str_trim(str_cut(&params, ';'));
			int fit = range_fit(range, media_type);

			if (fit > best) {
				best = fit;
				is_accepted = !has_zero_weight(params);
			}
		}
	}
	return has_any ? is_accepted : true;
}
