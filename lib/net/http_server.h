/* SPDX-License-Identifier: Apache-2.0 */
/* net/http_server.h - HTTP/1.1 requests in, answers out, over one listening socket.
 *
 * The handler gets one complete request at a time per connection (head and body, strictly parsed by
 * codec/http.h) and answers it at once or minutes later, whole or as a stream. A request handle is
 * good until it is answered, ended or aborted by its owner, or until `gone` has returned: the peer
 * went away first, and nobody will read the answer. Pipelined requests wait for their turn, in
 * order. While a request is being answered, a peer that half-closes counts as gone.
 *
 * What is malformed, too large or too slow never reaches the handler: it is answered here (400,
 * 408, 413, 414, 417, 431, 501, 505; application/problem+json, RFC 9457) and the connection closed.
 */
#pragma once

#include "codec/http.h"
#include "net/conn.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/tls.h"

struct http_server;
struct http_request;

struct http_server_handlers {
	/* A request. Head, body and handle stay until the answer. */
	void (*request)(void *ctx, struct http_request *r);
	/* The peer of an unanswered request went away. May be NULL only for a server that answers
	 * everything at once. */
	void (*gone)(void *ctx, struct http_request *r);
	/* Per connection, session_bytes of zeroed memory: for what the certificate said, for a
	 * principal that was looked up. It is the verify_ctx of TLS too. Both may be NULL. */
	void (*session_init)(void *ctx, void *session);
	void (*session_fini)(void *ctx, void *session);
	/* After http_server_stop: the last connection is closed. May be NULL. */
	void (*stopped)(void *ctx);
};

struct http_server_conf {
	struct tls_context *tls; /* NULL = plain */
	size_t session_bytes;
	size_t max_body_bytes;	  /* of a request; at most LIMIT_HTTP_BODY_BYTES */
	size_t max_answer_bytes;  /* queued and not yet taken by the peer */
	unsigned max_connections; /* at most LIMIT_CONNECTIONS */
	unsigned accepts_per_s;	  /* 0 = no bound */
	uint32_t start_ms;	  /* TLS handshake */
	uint32_t idle_ms;	  /* between requests */
	uint32_t head_ms;	  /* from the first byte of a request to the end of its head */
	uint32_t body_ms;	  /* from there to the end of its body */
	uint32_t stall_ms;	  /* a peer that does not take its answer */
	uint32_t comment_ms;	  /* an event stream silent for so long gets a comment */
};
/* Sound values for all but tls and session_bytes. */
struct http_server_conf http_server_conf_default(void);

/* Serves a listening socket (listen_open), which is taken in every case. handlers and ctx must
 * outlive the server; conf is copied. */
enum rc http_server_new(struct loop *l, int take_fd, const struct http_server_conf *conf,
			const struct http_server_handlers *handlers, void *ctx,
			struct http_server **ret, struct err *e);
/* Connections accepted from now on use these certificates; open ones keep theirs. */
void http_server_set_tls(struct http_server *s, struct tls_context *tls);
/* Graceful: no new connections, idle ones closed, each other one closed after its answer. Then
 * `stopped`, perhaps before this returns. Streams are the owner's to end. */
void http_server_stop(struct http_server *s);
/* Closes everything now; `gone` is called for what was unanswered. NULL is fine. Not from inside a
 * handler of this server. */
void http_server_free(struct http_server *s);
size_t http_server_connections(const struct http_server *s);
/* Where it listens: the port that the system chose for port 0. */
enum rc http_server_address(const struct http_server *s, struct address *ret, struct err *e);

/* What was asked. Borrowed from the request. */
const struct http_head *http_request_head(const struct http_request *r);
struct str http_request_body(const struct http_request *r);
const struct listen_peer *http_request_peer(const struct http_request *r);
void *http_request_session(const struct http_request *r);
struct tls *http_request_tls(const struct http_request *r); /* NULL when plain */
/* One pointer of the owner's own. */
void http_request_set_data(struct http_request *r, void *data);
void *http_request_data(const struct http_request *r);

/* A whole answer; the handle is gone after it. fields may be NULL when n_fields is 0; framing, Date
 * and Connection are added here. content_type empty = none. An answer that cannot be queued (over
 * max_answer_bytes, no memory, a field that is no field) closes the connection. */
void http_answer(struct http_request *r, unsigned status, struct str content_type, struct str body);
void http_answer_with(struct http_request *r, unsigned status, struct str content_type,
		      const struct http_field *fields, size_t n_fields, struct str body);
/* As http_answer, then closes the connection: for a peer that shall not go on. */
void http_answer_and_close(struct http_request *r, unsigned status, struct str content_type,
			   struct str body);
/* application/problem+json: {"title": the status in words, "status": ..., "detail": ...}. */
void http_answer_problem(struct http_request *r, unsigned status, struct str detail);

/* A streamed answer: head now, then any number of sends, then the end, after which the handle is
 * gone. For text/event-stream, a comment is sent whenever comment_ms passed in silence. Failures
 * (RC_LIMIT: the peer does not read; RC_NOMEM, RC_INPUT) leave the handle good: abort it. */
enum rc http_stream_start(struct http_request *r, unsigned status, struct str content_type,
			  const struct http_field *fields, size_t n_fields, struct err *e);
enum rc http_stream_send(struct http_request *r, struct str data);
void http_stream_end(struct http_request *r);
/* Closes the connection without a (further) word. The handle is gone. */
void http_request_abort(struct http_request *r);
