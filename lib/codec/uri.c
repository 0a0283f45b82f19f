/* SPDX-License-Identifier: Apache-2.0 */
/* codec/uri.c - RFC 3986, the part that we use.
 *
 * Trust:  targets and queries are hostile; configured addresses are an operator's.
 * Holds:  (1) what uri_parse accepts can stand in a request line and a Host field as it is.
 *         (2) no decoded result contains a NUL, and no decoded segment changes the path's shape.
 */
#include "codec/uri.h"

#include "base/limits.h"
#include "base/num.h"

enum { MAX_HOST_BYTES = 253, MAX_LABEL_BYTES = 63, MAX_UNIX_PATH_BYTES = 107 };

/* pchar, '/' and '?', and the '%' of an escape. */
static const bool target_bytes[256] = {
    ['!'] = true, ['$' ... ';'] = true, ['='] = true, ['?' ... 'Z'] = true,
    ['_'] = true, ['a' ... 'z'] = true, ['~'] = true,
};

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

bool uri_is_target(struct str target)
{
	if (target.n == 0 || target.p[0] != '/') {
		return false;
	}
	for (size_t i = 0; i < target.n; i++) {
		if (!target_bytes[(unsigned char)target.p[i]]) {
			return false;
		}
		if (target.p[i] == '%' &&
		    (target.n - i < 3 || !is_hex(target.p[i + 1]) || !is_hex(target.p[i + 2]))) {
			return false;
		}
	}
	return true;
}

/* Letters, digits, hyphens and (common in container networks) underscores in labels. An IPv4
 * address has the same form. */
static bool is_dns_name(struct str s)
{
	if (s.n == 0 || s.n > MAX_HOST_BYTES) {
		return false;
	}
	while (s.p) {
		struct str label = str_cut(&s, '.');

		/* A dot at the very end names the root. */
		if (label.n == 0 && !s.p) {
			return true;
		}
		if (label.n == 0 || label.n > MAX_LABEL_BYTES || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-') {
			return false;
		}
		for (size_t i = 0; i < label.n; i++) {
			if (!is_alnum(label.p[i]) && label.p[i] != '-' && label.p[i] != '_') {
				return false;
			}
		}
	}
	return true;
}

/* The alphabet of an IPv6 address; the resolver decides about its form. No zone: it names an
 * interface of this machine only. */
static bool is_ipv6(struct str s)
{
	size_t colons = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (!is_hex(s.p[i]) && s.p[i] != ':' && s.p[i] != '.') {
			return false;
		}
		colons += s.p[i] == ':';
	}
	return colons >= 2 && s.n <= 45;
}

/* host, "[v6]" and a port that may be missing (p == NULL). */
static bool split_authority(struct str authority, struct uri *u, struct str *ret_port)
{
	struct str rest = authority;

	if (authority.n && authority.p[0] == '[') {
		rest = str_slice(authority, 1, authority.n);
		u->host = str_cut(&rest, ']');
		u->is_ipv6 = true;
		if (!rest.p || !is_ipv6(u->host)) {
			return false;
		}
		*ret_port = STR_NULL;
		if (rest.n) {
			*ret_port = str_slice(rest, 1, rest.n);
			return rest.p[0] == ':';
		}
		return true;
	}
	u->host = str_cut(&rest, ':');
	*ret_port = rest;
	return is_dns_name(u->host);
}

bool uri_is_authority(struct str authority)
{
	struct uri u = {0};
	struct str port;
	uint64_t n;

	return split_authority(authority, &u, &port) &&
	       (!port.p || (num_u64(port, UINT16_MAX, &n) && n > 0));
}

static enum rc parse_unix(struct str text, struct uri *u, struct err *e)
{
	u->scheme = URI_UNIX;
	u->path = str_slice(text, 5, text.n);
	if (u->path.n < 2 || u->path.p[0] != '/' || str_find(u->path, '\0') != u->path.n) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' needs an absolute path, as in unix:/run/x.sock",
		     STR_ARG(text));
	}
	if (u->path.n > MAX_UNIX_PATH_BYTES) {
		FAIL(e, RC_LIMIT, "socket path of %zu bytes, at most %d allowed", u->path.n,
		     MAX_UNIX_PATH_BYTES);
	}
	return RC_OK;
}

static enum rc parse_port(struct str port, struct str text, struct uri *u, struct err *e)
{
	uint64_t n = u->scheme == URI_HTTPS ? 443 : 80;

	if (port.p && (!num_u64(port, UINT16_MAX, &n) || n == 0)) {
		FAIL(e, RC_INPUT, "bad port in '" STR_FMT "'", STR_ARG(text));
	}
	u->port = (uint16_t)n;
	return RC_OK;
}

/* rest is what follows "http://". */
static enum rc parse_http(struct str rest, struct str text, struct uri *u, struct err *e)
{
	struct str port;
	size_t end = 0;

	while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?' && rest.p[end] != '#') {
		end++;
	}
	u->authority = str_slice(rest, 0, end);
	u->target = end < rest.n ? str_slice(rest, end, rest.n) : STR("/");
	if (!split_authority(u->authority, u, &port)) {
		FAIL(e, RC_INPUT, "bad host in '" STR_FMT "'", STR_ARG(text));
	}
	TRY(parse_port(port, text, u, e));
	if (!uri_is_target(u->target)) {
		FAIL(e, RC_INPUT, "bad path in '" STR_FMT "'", STR_ARG(text));
	}
	u->query = u->target;
	u->path = str_cut(&u->query, '?');
	return RC_OK;
}

enum rc uri_parse(struct str text, struct uri *ret, struct err *e)
{
	struct uri u = {0};

	if (text.n > LIMIT_TEXT_BYTES) {
		FAIL(e, RC_LIMIT, "address of %zu bytes, at most %d allowed", text.n,
		     LIMIT_TEXT_BYTES);
	}
	/* So that quoting it in a message is safe. */
	for (size_t i = 0; i < text.n; i++) {
		if ((unsigned char)text.p[i] <= ' ' || (unsigned char)text.p[i] >= 0x7F) {
			FAIL(e, RC_INPUT, "address with a blank, control or non-ASCII byte");
		}
	}
	if (str_has_prefix(text, STR("unix:"))) {
		TRY(parse_unix(text, &u, e));
	} else if (str_has_prefix(text, STR("http://"))) {
		u.scheme = URI_HTTP;
		TRY(parse_http(str_slice(text, 7, text.n), text, &u, e));
	} else if (str_has_prefix(text, STR("https://"))) {
		u.scheme = URI_HTTPS;
		TRY(parse_http(str_slice(text, 8, text.n), text, &u, e));
	} else {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is not an http://, https:// or unix: address",
		     STR_ARG(text));
	}
	*ret = u;
	return RC_OK;
}

const char *uri_scheme_name(enum uri_scheme s)
{
	switch (s) {
	case URI_HTTP:
		return "http";
	case URI_HTTPS:
		return "https";
	case URI_UNIX:
		return "unix";
	case URI_NONE:
		break;
	}
	return "none";
}

/* s decoded behind b; the caller undoes on failure. */
static enum rc decode(struct buf *b, struct str s, bool plus_is_blank)
{
	TRY(buf_reserve(b, s.n));
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		uint8_t byte;

		if (c == '+' && plus_is_blank) {
			c = ' ';
		} else if (c == '%') {
			if (!num_hex(str_slice(s, i + 1, i + 3), &byte, 1)) {
				return RC_INPUT;
			}
			c = (char)byte;
			i += 2;
		}
		if (c == '\0') {
			return RC_INPUT;
		}
		b->p[b->n++] = c;
	}
	return RC_OK;
}

enum rc uri_decode_segment(struct buf *b, struct str segment)
{
	size_t before = b->n;
	enum rc rc = decode(b, segment, false);

	if (rc == RC_OK) {
		struct str got = str_slice(buf_view(b), before, b->n);

		if (str_find(got, '/') != got.n || str_eq(got, STR(".")) ||
		    str_eq(got, STR(".."))) {
			rc = RC_INPUT;
		}
	}
	if (rc != RC_OK) {
		b->n = before;
	}
	return rc;
}

enum rc uri_decode_query(struct buf *b, struct str part)
{
	size_t before = b->n;
	enum rc rc = decode(b, part, true);

	if (rc != RC_OK) {
		b->n = before;
	}
	return rc;
}

bool uri_next_param(struct str *query, struct str *ret_name, struct str *ret_value)
{
	while (query->p) {
		struct str value = str_cut(query, '&');

		if (value.n > 0) {
			*ret_name = str_cut(&value, '=');
			*ret_value = value.p ? value : STR("");
			return true;
		}
	}
	return false;
}

enum rc uri_query_get(struct str query, struct str name, struct buf *b, struct err *e)
{
	AUTO_BUF decoded = BUF_INIT(query.n);
	struct str encoded = STR_NULL;
	struct str n;
	struct str v;
	enum rc rc;

	while (uri_next_param(&query, &n, &v)) {
		buf_reset(&decoded);
		rc = uri_decode_query(&decoded, n);
		if (rc != RC_OK) {
			FAIL(e, rc, "malformed name in a query");
		}
		if (!str_eq(buf_view(&decoded), name)) {
			continue;
		}
		if (encoded.p) {
			FAIL(e, RC_INPUT, "parameter '" STR_FMT "' given twice", STR_ARG(name));
		}
		encoded = v;
	}
	if (!encoded.p) {
		FAIL(e, RC_ABSENT, "no parameter '" STR_FMT "'", STR_ARG(name));
	}
	rc = uri_decode_query(b, encoded);
	if (rc != RC_OK) {
		FAIL(e, rc, "bad value of parameter '" STR_FMT "'", STR_ARG(name));
	}
	return RC_OK;
}

enum rc uri_encode(struct buf *b, struct str s)
{
	size_t before = b->n;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool is_plain = is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
		enum rc rc = is_plain ? buf_add_char(b, c)
				      : buf_addf(b, "%%%02X", (unsigned)(unsigned char)c);

		if (rc != RC_OK) {
			b->n = before;
			return rc;
		}
	}
	return RC_OK;
}
