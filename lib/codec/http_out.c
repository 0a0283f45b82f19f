/* SPDX-License-Identifier: Apache-2.0 */
/* codec/http_out.c - writing heads and chunks.
 *
 * Trust:  names, values and targets may come from strangers.
 * Holds:  (1) what is written parses back to the same names and values, and nothing else.
 *         (2) every head has exactly the framing that its body needs.
 */
#include "codec/http.h"

#include "codec/uri.h"

static void stick(struct http_out *w, enum rc rc, const char *what)
{
	if (rc != RC_OK && w->rc == RC_OK) {
		w->rc = rc;
		w->what = what;
	}
}

static void add(struct http_out *w, struct str s)
{
	if (w->rc == RC_OK) {
		enum rc rc = buf_add(w->b, s);

		stick(w, rc,
		      rc == RC_LIMIT ? "head too large for its buffer" : "no memory for a head");
	}
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';

		if (!is_letter && !(c >= '0' && c <= '9') &&
		    str_find(STR("!#$%&'*+-.^_`|~"), c) == sizeof("!#$%&'*+-.^_`|~") - 1) {
			return false;
		}
	}
	return s.n > 0;
}

static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7F) {
			return false;
		}
	}
	return str_trim(s).n == s.n; /* a reader would trim, and see another value */
}

static void add_field(struct http_out *w, struct str name, struct str value)
{
	if (!is_name(name)) {
		stick(w, RC_INPUT, "malformed field name");
	}
	if (!is_value(value)) {
		stick(w, RC_INPUT, "control byte or outer blank in a field value");
	}
	add(w, name);
	add(w, STR(": "));
	add(w, value);
	add(w, STR("\r\n"));
}

struct http_out http_out_request(struct buf *b, struct str method, struct str target,
				 struct str host)
{
	struct http_out w = {.b = b, .start = b->n, .may_have_body = true};

	if (!is_name(method)) {
		stick(&w, RC_INPUT, "malformed method");
	}
	if (!uri_is_target(target)) {
		stick(&w, RC_INPUT, "malformed target");
	}
	if (!uri_is_authority(host)) {
		stick(&w, RC_INPUT, "malformed host");
	}
	add(&w, method);
	add(&w, STR(" "));
	add(&w, target);
	add(&w, STR(" HTTP/1.1\r\n"));
	add_field(&w, STR("Host"), host);
	return w;
}

struct http_out http_out_response(struct buf *b, unsigned status)
{
	struct http_out w = {
	    .b = b,
	    .start = b->n,
	    .is_response = true,
	    .may_have_body = status >= 200 && status != 204 && status != 304,
	};

	if (status < 100 || status > 599) {
		stick(&w, RC_BROKEN, "status out of range");
		return w;
	}
	stick(&w, buf_addf(b, "HTTP/1.1 %u %s\r\n", status, http_status_text(status)),
	      "head too large for its buffer");
	return w;
}

void http_out_field(struct http_out *w, struct str name, struct str value)
{
	if (str_eq_nocase(name, STR("Host")) || str_eq_nocase(name, STR("Content-Length")) ||
	    str_eq_nocase(name, STR("Transfer-Encoding"))) {
		stick(w, RC_BROKEN, "field that only the writer sets");
	}
	add_field(w, name, value);
}

void http_out_field_u64(struct http_out *w, struct str name, uint64_t value)
{
	char text[24];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	http_out_field(w, name, str_of(text + at, sizeof(text) - at));
}

static void frame(struct http_out *w)
{
	if (w->has_framing || !w->may_have_body) {
		stick(w, RC_BROKEN, "framing given twice, or with a status that has no body");
	}
	w->has_framing = true;
}

void http_out_length(struct http_out *w, uint64_t content_length)
{
	frame(w);
	if (w->rc == RC_OK) {
		stick(
		    w,
		    buf_addf(w->b, "Content-Length: %llu\r\n", (unsigned long long)content_length),
		    "head too large for its buffer");
	}
}

void http_out_chunked(struct http_out *w)
{
	frame(w);
	add(w, STR("Transfer-Encoding: chunked\r\n"));
}

enum rc http_out_end(struct http_out *w, struct err *e)
{
	if (w->is_response && w->may_have_body && !w->has_framing) {
		stick(w, RC_BROKEN, "response without a framing");
	}
	add(w, STR("\r\n"));
	if (w->b->n - w->start > LIMIT_HTTP_HEAD_BYTES) {
		stick(w, RC_LIMIT, "head too large");
	}
	if (w->rc != RC_OK) {
		w->b->n = w->start;
		FAIL(e, w->rc, "%s", w->what);
	}
	return RC_OK;
}

enum rc http_out_chunk(struct buf *b, struct str data)
{
	size_t before = b->n;
	enum rc rc = RC_OK;

	if (data.n == 0) {
		return RC_OK;
	}
	if (data.n > UINT32_MAX) {
		return RC_LIMIT;
	}
	rc = buf_addf(b, "%zx\r\n", data.n);
	rc = rc == RC_OK ? buf_add(b, data) : rc;
	rc = rc == RC_OK ? buf_add(b, STR("\r\n")) : rc;
	if (rc != RC_OK) {
		b->n = before;
	}
	return rc;
}

enum rc http_out_last_chunk(struct buf *b)
{
	return buf_add(b, STR("0\r\n\r\n"));
}

const char *http_status_text(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} texts[] = {
	    {100, "Continue"},
	    {200, "OK"},
	    {201, "Created"},
	    {202, "Accepted"},
	    {204, "No Content"},
	    {302, "Found"},
	    {303, "See Other"},
	    {304, "Not Modified"},
	    {307, "Temporary Redirect"},
	    {308, "Permanent Redirect"},
	    {400, "Bad Request"},
	    {401, "Unauthorized"},
	    {403, "Forbidden"},
	    {404, "Not Found"},
	    {405, "Method Not Allowed"},
	    {406, "Not Acceptable"},
	    {408, "Request Timeout"},
	    {409, "Conflict"},
	    {410, "Gone"},
	    {411, "Length Required"},
	    {412, "Precondition Failed"},
	    {413, "Content Too Large"},
	    {414, "URI Too Long"},
	    {415, "Unsupported Media Type"},
	    {417, "Expectation Failed"},
	    {421, "Misdirected Request"},
	    {422, "Unprocessable Content"},
	    {428, "Precondition Required"},
	    {429, "Too Many Requests"},
	    {431, "Request Header Fields Too Large"},
	    {500, "Internal Server Error"},
	    {501, "Not Implemented"},
	    {502, "Bad Gateway"},
	    {503, "Service Unavailable"},
	    {504, "Gateway Timeout"},
	    {505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i].status == status) {
			return texts[i].text;
		}
	}
	return "Status";
}
