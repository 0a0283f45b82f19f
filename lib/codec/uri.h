/* SPDX-License-Identifier: Apache-2.0 */
/* codec/uri.h - addresses in configuration and targets of requests, strictly (RFC 3986).
 *
 * Only what the gateway talks to: http and https URLs without user information or fragment, and
 * unix: socket paths. Nothing is normalised: what is compared is what was written, except where a
 * function says that it decodes. All results borrow from the text that was parsed.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum uri_scheme { URI_NONE = 0, URI_HTTP, URI_HTTPS, URI_UNIX };

struct uri {
	enum uri_scheme scheme;
	struct str authority; /* host and, if written, port: what a Host field carries */
	struct str host;      /* without the brackets of an IPv6 address; empty for unix */
	bool is_ipv6;
	uint16_t port;	   /* the scheme's own when not written; 0 for unix */
	struct str target; /* path and query as a request line has them; "/" when not written */
	struct str path;   /* http: of target, still encoded; unix: the absolute socket path */
	struct str query;  /* after '?'; p == NULL without one */
};

/* "https://host:8443/mcp?x=1", "http://[::1]:80", "unix:/run/remit.sock". The scheme is lower case;
 * a host is a DNS name, an IPv4 or a bracketed IPv6 address, at most 253 bytes; a port is 1..65535
 * without leading zero; the whole at most LIMIT_TEXT_BYTES. RC_INPUT, RC_LIMIT. */
enum rc uri_parse(struct str text, struct uri *ret, struct err *e);
const char *uri_scheme_name(enum uri_scheme s); /* "https" */

/* Is this an origin-form target (RFC 9112 3.2.1): an absolute path and perhaps a query, every byte
 * allowed by RFC 3986 and every '%' followed by two hexadecimal digits? */
bool uri_is_target(struct str target);
/* Is this host or host:port (RFC 9110 7.2), as in a Host field? */
bool uri_is_authority(struct str authority);

/* Percent-decodes one path segment and appends it to b. RC_INPUT, with b unchanged, for a
 * malformed escape, a decoded NUL or '/', or a segment that decodes to "." or "..", since the next
 * reader would see another path; RC_LIMIT, RC_NOMEM. */
enum rc uri_decode_segment(struct buf *b, struct str segment);
/* The same for a name or value of a query (application/x-www-form-urlencoded: '+' is a blank); NUL
 * is refused, everything else may stand in it. */
enum rc uri_decode_query(struct buf *b, struct str part);
/* Takes the next name=value from *query, still encoded; false when there is none left. Empty parts
 * between '&' are skipped; a part without '=' has an empty value. */
bool uri_next_param(struct str *query, struct str *ret_name, struct str *ret_value);
/* The decoded value of the only parameter of that name. RC_ABSENT without it, RC_INPUT when it
 * appears twice or is malformed. */
enum rc uri_query_get(struct str query, struct str name, struct buf *b, struct err *e);
/* Appends s with every byte but the unreserved (letters, digits, - . _ ~) percent-encoded. */
enum rc uri_encode(struct buf *b, struct str s);
