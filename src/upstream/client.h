/* SPDX-License-Identifier: Apache-2.0 */
/* upstream/client.h - HTTP/1.1 requests to one upstream, over pooled connections, never sent twice.
 *
 * The promise: the bytes of a call leave at most once. Whatever goes wrong, the result says which
 * of three things is true: the upstream cannot have seen it, it may have, or it answered. Only
 * while not one byte has left (no connection, or a pooled one that turns out to be dead) may
 * another connection be tried; redirects are not followed. The upstream's addresses are pinned
 * when the client is made.
 *
 * `done` is called exactly once for each call, from the loop, unless the call was cancelled.
 */
#pragma once

#include "codec/http.h"
#include "codec/sse.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/tls.h"

enum {
	LIMIT_CLIENT_ADDRESSES = 8,
	LIMIT_CLIENT_CALLS = 4096, /* per upstream: waiting for a connection or in flight */
	LIMIT_CLIENT_REQUEST_BYTES = LIMIT_HTTP_HEAD_BYTES + LIMIT_HTTP_BODY_BYTES,
	/* All events of one answer: progress may come for as long as the call lasts. */
	LIMIT_CLIENT_STREAM_BYTES = 64 * 1024 * 1024,
};

struct client;
struct client_call;

struct client_conf {
	struct address addresses[LIMIT_CLIENT_ADDRESSES]; /* tried in order */
	size_t n_addresses;
	const char *host;	   /* the Host field; copied */
	struct tls_context *tls;   /* NULL = plain; counted */
	void *verify_ctx;	   /* for the context's tls_verify_fn */
	unsigned max_connections;  /* at most LIMIT_UPSTREAM_CONNECTIONS */
	size_t max_response_bytes; /* a body, or one event */
	uint32_t connect_ms;	   /* connect and handshake */
	uint32_t idle_ms; /* an unused connection is closed: keep it below the upstream's own */
};
/* Sound values for all but addresses, host and tls. */
struct client_conf client_conf_default(void);

/* What became of the request. Zero is the careful answer. */
enum client_fate {
	CLIENT_UNKNOWN = 0, /* some of it may have left, and there is no whole answer */
	CLIENT_NOT_SENT,    /* not one byte has left */
	CLIENT_ANSWERED,    /* a whole answer came, whatever its status */
};
const char *client_fate_text(enum client_fate fate);

struct client_result {
	enum client_fate fate;
	const struct http_head *head; /* CLIENT_ANSWERED: status and fields; else NULL */
	struct str body;	      /* empty for an event stream */
	bool was_stream;	      /* text/event-stream: its events have been given out */
	const char *detail;	      /* else: why, for people; hostile text is not in it */
};

struct client_handlers {
	/* One event of an answer that is an event stream; borrowed for the call. May cancel the
	 * call. NULL: an event stream is delivered as a body like any other. */
	void (*event)(void *ctx, struct client_call *call, const struct sse_event *event);
	/* Everything in result is borrowed for the call; the call is over after it. */
	void (*done)(void *ctx, struct client_call *call, const struct client_result *result);
};

struct client_request {
	struct str method;		 /* empty = POST */
	struct str target;		 /* "/mcp" */
	const struct http_field *fields; /* not Host, nor framing */
	size_t n_fields;
	struct str body;
	uint64_t send_by_boot_ns; /* later than that it is not sent; 0 = no bound but timeout_ms */
	uint32_t timeout_ms;	  /* from now to the end of the answer */
};

enum rc client_new(struct loop *l, const struct client_conf *conf, struct client **ret,
		   struct err *e);
/* Calls that are left get their `done`. Not from inside a handler. NULL is fine. */
void client_free(struct client *c);

/* Copies what it needs of the request. An error means that there is no call and nothing was sent:
 * RC_INPUT (a field or target that is none), RC_LIMIT (too large, too many calls), RC_NOMEM,
 * RC_BROKEN (inside client_free). */
enum rc client_call(struct client *c, const struct client_request *request,
		    const struct client_handlers *handlers, void *ctx, struct client_call **ret,
		    struct err *e);
/* Gives the call up, without `done`: CLIENT_NOT_SENT or CLIENT_UNKNOWN. */
enum client_fate client_cancel(struct client_call *call);
/* The head of the answer, inside `event`; good until the call is over. */
const struct http_head *client_call_head(const struct client_call *call);
/* May some of it have left? */
bool client_call_is_sent(const struct client_call *call);
size_t client_calls(const struct client *c);
size_t client_connections(const struct client *c);
