/* SPDX-License-Identifier: Apache-2.0 */
/* codec/http.h - HTTP/1.1 messages (RFC 9110, RFC 9112), strictly, without input or output.
 *
 * Used as a server (requests in, responses out) and as a client of upstreams (the other way
 * round). The caller owns sockets, timers and buffers; this module looks at bytes and says one of:
 *
 *	RC_OK     complete
 *	RC_AGAIN  need more bytes; nothing is wrong yet
 *	RC_INPUT  malformed, or a form that two readers could frame differently: as a server answer
 *		  head.refuse_status and close, as a client close and count the call as it stands
 *	RC_LIMIT  too large; answer and close likewise
 *
 * After any error the connection cannot be used again: where the next message begins is unknown.
 *
 * What is refused although some software accepts it: Transfer-Encoding together with
 * Content-Length; a second Content-Length, even an equal one; lengths that are not plain digits;
 * codings other than a single "chunked"; blanks before a colon; line folding; CR or LF alone; NUL
 *and other control bytes; a missing, repeated or malformed Host; absolute, authority and asterisk
 * targets; HTTP/1.0; chunk extensions; trailers; repetition of any field that has one value.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"

struct http_field {
	struct str name;  /* as sent; compare without case */
	struct str value; /* without the blanks around it */
};

enum http_framing {
	HTTP_BODY_NONE = 0,
	HTTP_BODY_LENGTH, /* content_length bytes */
	HTTP_BODY_CHUNKED,
	HTTP_BODY_UNTIL_CLOSE, /* responses only */
};

/* A parsed head. Every str is borrowed from the bytes that were parsed: when their buffer moves or
 * is consumed, the head is void. */
struct http_head {
	/* Requests. */
	struct str method;     /* a token, at most 32 bytes; case matters */
	struct str target;     /* origin form, as sent: path and query */
	struct str path;       /* begins with '/', still percent-encoded (see codec/uri.h) */
	struct str query;      /* after the '?'; p == NULL without one */
	bool expects_continue; /* answer HTTP_CONTINUE before waiting for the body */

	/* Responses. */
	unsigned status;   /* 100..599 */
	struct str reason; /* hostile text; may be empty */

	/* Both. */
	struct http_field fields[LIMIT_HTTP_HEADERS];
	size_t n_fields;
	size_t head_bytes; /* to consume: the first byte of the body follows */
	enum http_framing framing;
	uint64_t content_length; /* with HTTP_BODY_LENGTH; at most LIMIT_HTTP_BODY_BYTES */
	bool keeps_alive;	 /* may another message follow on this connection? */

	/* On failure: the status to answer a bad request with (400, 413, 414, 417, 431, 501, 505).
	 */
	unsigned refuse_status;
};

/* Parses the head at the front of bytes. *scanned is how far earlier calls looked: 0 for a new
 * head, then left alone, so that a head that arrives byte by byte costs linear time. *ret is
 * written in every case, but only its refuse_status means something after a failure. The head is at
 * most LIMIT_HTTP_HEAD_BYTES and LIMIT_HTTP_HEADERS fields. */
enum rc http_parse_request(struct str bytes, size_t *scanned, struct http_head *ret, struct err *e);
/* The same for a response. method is that of the request it answers, since it decides whether a
 * body follows. A 1xx head is complete in itself: consume it and parse the next (bounded by the
 * caller's patience); 101 is refused, since we never ask for another protocol. */
enum rc http_parse_response(struct str bytes, size_t *scanned, struct str method,
			    struct http_head *ret, struct err *e);

/* Field values by name, ASCII case ignored. Fields that have one value by definition (Host,
 * Content-Type, Authorization, ...) were refused when repeated, so get is never ambiguous for them.
 */
struct str http_header_get(const struct http_head *h, struct str name); /* first; p == NULL: none */
/* All of them in order: size_t i = 0; while (http_header_next(h, name, &i, &value)) ... */
bool http_header_next(const struct http_head *h, struct str name, size_t *i, struct str *ret);
/* Is token an element of the comma-separated list in all fields of that name? For Connection and
 * the like; case ignored, parameters are part of the element. */
bool http_header_has_token(const struct http_head *h, struct str name, struct str token);
/* The media type of a Content-Type value, without parameters: "text/html; charset=x" gives
 * "text/html". Compare with str_eq_nocase. */
struct str http_media_type(struct str content_type);
/* Does the request's Accept (RFC 9110 12.5.1) admit this media type? Yes without one; wildcards
 * count; q=0 excludes. */
bool http_accepts(const struct http_head *h, struct str media_type);

/* What to send when a request expects_continue and its body is not there yet. */
#define HTTP_CONTINUE STR("HTTP/1.1 100 Continue\r\n\r\n")

/* The body that follows a head, whatever its framing. Embed by value; no memory of its own. */
struct http_body {
	enum http_framing framing;
	unsigned chunk_state;
	unsigned chunk_digits;
	uint64_t left; /* bytes to come: of the body, or of the current chunk */
	uint64_t room; /* bytes that may still come in all */
	bool is_done;
};

/* max_bytes bounds the decoded body; UINT64_MAX for an event stream that has no end. */
struct http_body http_body_of(const struct http_head *h, uint64_t max_bytes);
/* Takes bytes from the front of *input (which is moved on) and appends what they mean to out.
 * RC_OK: the body is complete, the rest of *input belongs to the next message. RC_AGAIN: all of
 * *input was taken, more must come. RC_INPUT: broken chunks. RC_LIMIT: over max_bytes or out's
 * maximum. RC_NOMEM. After RC_OK further calls answer RC_OK and take nothing. */
enum rc http_body_read(struct http_body *body, struct str *input, struct buf *out, struct err *e);
/* The peer closed. RC_OK when that is a legal end of this body, else RC_INPUT: cut off. */
enum rc http_body_end(struct http_body *body, struct err *e);

/* Writing heads. Failures stick and are reported by http_out_end, as in json.h. Names must be
 * tokens; values with CR, LF, NUL or another control byte are RC_INPUT, so no header can be
 * injected.
 *
 *	struct http_out w = http_out_response(&buf, 200);
 *	http_out_field(&w, STR("Content-Type"), STR("application/json"));
 *	http_out_length(&w, body.n);
 *	TRY(http_out_end(&w, e));
 *	TRY(buf_add(&buf, body));
 */
struct http_out {
	struct buf *b;
	size_t start; /* b->n before the head */
	enum rc rc;
	const char *what; /* failed, for the message */
	bool is_response;
	bool has_framing;
	bool may_have_body; /* responses: not 1xx, 204, 304 */
};

/* method: token; target: origin form; host: value of the Host field. */
struct http_out http_out_request(struct buf *b, struct str method, struct str target,
				 struct str host);
/* status 100..599; the reason phrase is http_status_text's. */
struct http_out http_out_response(struct buf *b, unsigned status);
/* Not for Host, Content-Length and Transfer-Encoding, which the writer alone sets (RC_BROKEN). */
void http_out_field(struct http_out *w, struct str name, struct str value);
void http_out_field_u64(struct http_out *w, struct str name, uint64_t value);
void http_out_length(struct http_out *w, uint64_t content_length);
void http_out_chunked(struct http_out *w);
/* The empty line. RC_BROKEN when a response has neither length nor chunks although its status
 * wants one, or has one although it must not. On failure b is as it was before the head. */
enum rc http_out_end(struct http_out *w, struct err *e);
/* One chunk (nothing for empty data, since an empty chunk is the end), and the last one. */
enum rc http_out_chunk(struct buf *b, struct str data);
enum rc http_out_last_chunk(struct buf *b);

const char *http_status_text(unsigned status); /* "Not Found"; "Status" when unknown */
