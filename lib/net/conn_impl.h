/* SPDX-License-Identifier: Apache-2.0 */
/* net/conn_impl.h - what the two files of a connection share, and nobody else sees.
 *
 * Holds:  (1) handlers are called from the loop only, never from conn_write or conn_flush, and none
 *             after `closed`.
 *         (2) input and queue never exceed their maximum.
 *         (3) a peer can hold a connection without progress no longer than start_ms, stall_ms or
 *             the owner's timer allow.
 * States: CONNECTING -writable-> HANDSHAKE (TLS) -done-> OPEN -conn_finish-> FINISHING
 *         -queue empty-> LINGERING -peer closed, LINGER_MS-> CLOSED;  any failure -> CLOSED.
 */
#pragma once

#include "net/conn.h"

enum conn_state { CONNECTING, HANDSHAKE, OPEN, FINISHING, LINGERING, CLOSED };

struct conn {
	struct loop *loop;
	struct loop_io io;
	struct loop_timer limit; /* of the current state: start, stall or linger (3) */
	struct loop_timer again; /* bytes wait inside TLS, which epoll does not know */
	struct loop_timer owner; /* conn_timeout_in */
	const struct conn_handlers *handlers;
	void *ctx;
	struct tls_context *tls_context;
	void *verify_ctx;
	struct tls *tls;
	struct buf in;
	struct buf out;
	size_t out_at; /* bytes of out that are written */
	uint64_t sent_mark;
	uint64_t sent_bytes;
	uint64_t sent_bytes_at_limit; /* when the stall timer was set */
	uint32_t stall_ms;
	uint32_t events; /* what epoll watches for */
	enum conn_state state;
	enum conn_end failure; /* found outside the loop; reported by it (1) */
	bool has_failed;
	bool has_secrets;
	bool is_paused;
	bool is_stuck; /* the queue waits for the peer */
	bool write_wants_read;
	bool read_wants_write;
	bool is_busy; /* inside a handler: free later */
	bool is_freed;
};

/* conn.c */
/* Closes and tells the owner; from the loop only. */
void conn_end_now(struct conn *c, enum conn_end why, const char *detail);
/* From anywhere: the loop sees the socket shut and reports. */
void conn_fail(struct conn *c, enum conn_end why);
bool conn_is_alive(const struct conn *c);
bool conn_is_reading(const struct conn *c);
/* Tells epoll what the state waits for. */
void conn_watch(struct conn *c);
void conn_set_timer(struct conn *c, struct loop_timer *t, uint32_t ms);

/* conn_io.c */
void conn_wipe_queue(struct conn *c);
/* Reads what is there, up to the maximum and a round's fair share, and tells the owner. */
void conn_read(struct conn *c);
/* After the end of what we say: throws away what still comes. */
void conn_read_and_forget(struct conn *c);
