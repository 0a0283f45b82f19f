/* SPDX-License-Identifier: Apache-2.0 */
/* net/conn.h - one byte-stream connection on the loop: TCP or Unix socket, plain or TLS.
 *
 * Bytes that arrived lie in conn_input until the owner consumes them; when the input is at its
 * maximum, reading pauses. What is written is queued up to a maximum and leaves at conn_flush, so
 * a response of several pieces is one write. A connection that ends by itself says so once, through
 * `closed`; the owner frees it, then or later. Every handler may free its connection.
 */
#pragma once

#include "base/buf.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/tls.h"

struct conn;

/* Why a connection ended by itself. */
enum conn_end {
	CONN_ENDED = 0,	  /* the peer closed it */
	CONN_CUT,	  /* reset, or TLS without its goodbye */
	CONN_NO_CONNECT,  /* the connection was never made */
	CONN_NO_TLS,	  /* the handshake failed: a certificate, or no TLS at all */
	CONN_SLOW_START,  /* connect and handshake took longer than start_ms */
	CONN_SLOW_READER, /* it did not take the queue in time: stall_ms */
	CONN_FINISHED,	  /* after conn_finish: all was written */
	CONN_BROKEN,	  /* no memory, or the system refused */
};
const char *conn_end_text(enum conn_end why);

struct conn_handlers {
	/* Connected, and the handshake is over. May be NULL. */
	void (*ready)(void *ctx, struct conn *c);
	/* conn_input grew. */
	void (*input)(void *ctx, struct conn *c);
	/* The queue became empty after it could not be written at once. May be NULL. */
	void (*drained)(void *ctx, struct conn *c);
	/* The time of conn_timeout_in is over. */
	void (*timeout)(void *ctx, struct conn *c);
	/* detail is text for the log, borrowed for the call. */
	void (*closed)(void *ctx, struct conn *c, enum conn_end why, const char *detail);
};

struct conn_conf {
	size_t max_input_bytes;
	size_t max_queue_bytes;
	uint32_t start_ms; /* for connect and handshake */
	uint32_t stall_ms; /* a peer that takes less than 1 KiB of a queue in so long is gone */
	struct tls_context *tls; /* NULL = plain; counted by the connection */
	void *verify_ctx;	 /* for the context's tls_verify_fn */
	bool has_secrets;	 /* wipe what was queued once it is written */
};

/* Over an accepted socket, which is taken in every case. ready comes from the loop. */
enum rc conn_accepted(struct loop *l, int take_fd, const struct conn_conf *conf,
		      const struct conn_handlers *handlers, void *ctx, struct conn **ret,
		      struct err *e);
/* Connects. A failure that shows later is `closed` with CONN_NO_CONNECT. */
enum rc conn_connect(struct loop *l, const struct address *to, const struct conn_conf *conf,
		     const struct conn_handlers *handlers, void *ctx, struct conn **ret,
		     struct err *e);
/* The peer of an open connection that half-closes has ended it: see CONN_ENDED.
 *
 * Closes at once; what is queued is lost. No handler is called. NULL is fine. */
void conn_free(struct conn *c);
/* Writes what is queued, says goodbye, waits shortly for the peer to close (so that the last
 * bytes are not lost to a reset), then `closed` with CONN_FINISHED. Input is thrown away. */
void conn_finish(struct conn *c);

/* Borrowed until the next consume, or the end of the handler. */
struct str conn_input(const struct conn *c);
void conn_consume(struct conn *c, size_t n);
/* Stops and resumes reading; the end of the connection is still noticed. */
void conn_pause(struct conn *c, bool is_paused);

/* Queues. RC_LIMIT when the queue is full, RC_NOMEM, RC_BROKEN when the connection has ended; then
 * nothing of s is queued. */
enum rc conn_write(struct conn *c, struct str s);
/* The queue itself, for building a response in place; conn_flush after it. */
struct buf *conn_queue(struct conn *c);
void conn_flush(struct conn *c);
size_t conn_queued_bytes(const struct conn *c);
/* Changes whenever bytes of the queue may have left, even a part of a TLS record: as long as it is
 * the same, the peer cannot have seen anything of what was written since. */
uint64_t conn_sent_mark(const struct conn *c);

/* One timer for the owner; setting it again moves it, 0 clears it. When there is no memory for it
 * the connection ends (CONN_BROKEN). */
void conn_timeout_in(struct conn *c, uint32_t ms);

struct tls *conn_tls(const struct conn *c); /* NULL when plain */
int conn_fd(const struct conn *c);
