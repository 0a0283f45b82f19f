/* SPDX-License-Identifier: Apache-2.0 */
/* net/conn_io.c - reading and writing, plain and TLS.
 *
 * Trust:  every byte of the peer is hostile; here they are only counted.
 * Holds, States: conn_impl.h.
 */
#include "net/conn_impl.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum {
	FIRST_READ_BYTES = 4096,
	READS_PER_ROUND = 16, /* then the others have their turn */
	KEEP_BYTES = 1024,    /* an empty buffer larger than this is given back */
	LINGER_MS = 2000,
};

void conn_wipe_queue(struct conn *c)
{
	if (c->has_secrets && c->out.cap) {
		explicit_bzero(c->out.p, c->out.cap);
	}
}

/* Writing. */

/* Writes some of the queue. False: not now, or it failed. */
static bool write_some(struct conn *c)
{
	const char *p = c->out.p + c->out_at;
	size_t left = c->out.n - c->out_at;
	size_t n = 0;

	if (c->tls) {
		enum tls_io io;

		c->sent_mark++; /* a part of the record may leave whatever the result is */
		io = tls_write(c->tls, p, left, &n, NULL);
		c->write_wants_read = io == TLS_WANT_READ;
		if (io == TLS_FAILED || io == TLS_CLOSED) {
			conn_fail(c, CONN_CUT);
		}
		if (io != TLS_OK) {
			return false;
		}
	} else {
		ssize_t sent = send(c->io.fd, p, left, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0) {
			if (errno == EINTR) {
				return true;
			}
			/* EPIPE: what the peer said before may still be read. */
			if (errno != EAGAIN && errno != EPIPE) {
				conn_fail(c, CONN_CUT);
			}
			return false;
		}
		n = (size_t)sent;
		c->sent_mark += n;
	}
	c->out_at += n;
	c->sent_bytes += n;
	return true;
}

static void start_lingering(struct conn *c)
{
	c->state = LINGERING;
	if (c->tls) {
		tls_goodbye(c->tls);
	}
	if (shutdown(c->io.fd, SHUT_WR) != 0) {
		conn_fail(c, CONN_FINISHED);
	}
	conn_set_timer(c, &c->limit, LINGER_MS);
}

void conn_flush(struct conn *c)
{
	bool was_stuck = c->is_stuck;

	if (!conn_is_alive(c) || c->state < OPEN || c->state == LINGERING) {
		return;
	}
	while (c->out_at < c->out.n && write_some(c)) {
	}
	if (c->out_at < c->out.n) {
		c->is_stuck = true;
		if (!was_stuck) {
			c->sent_bytes_at_limit = c->sent_bytes;
			conn_set_timer(c, &c->limit, c->stall_ms);
		}
	} else {
		c->is_stuck = false;
		c->out_at = 0;
		conn_wipe_queue(c);
		buf_reset(&c->out);
		if (c->out.cap > KEEP_BYTES) {
			buf_fini(&c->out);
		}
		loop_timer_clear(c->loop, &c->limit);
		if (c->state == FINISHING) {
			start_lingering(c);
		}
	}
	conn_watch(c);
}

struct buf *conn_queue(struct conn *c)
{
	if (c->out_at > 0) {
		buf_consume(&c->out, c->out_at);
		c->out_at = 0;
	}
	return &c->out;
}

enum rc conn_write(struct conn *c, struct str s)
{
	if (!conn_is_alive(c) || c->state > OPEN) {
		return RC_BROKEN;
	}
	return buf_add(conn_queue(c), s);
}

size_t conn_queued_bytes(const struct conn *c)
{
	return c->out.n - c->out_at;
}

uint64_t conn_sent_mark(const struct conn *c)
{
	return c->sent_mark;
}

void conn_finish(struct conn *c)
{
	if (!conn_is_alive(c) || c->state > OPEN) {
		return;
	}
	if (c->state < OPEN) {
		conn_fail(c, CONN_FINISHED);
		return;
	}
	c->state = FINISHING;
	loop_timer_clear(c->loop, &c->owner);
	conn_flush(c);
}

/* Reading. */

/* What is left of the input buffer goes back when nobody needs it. */
static void trim_input(struct conn *c)
{
	if (c->in.n == 0 && c->in.cap > KEEP_BYTES) {
		buf_fini(&c->in);
	}
}

/* One read into the input. False: nothing now, or it ended. */
static bool read_once(struct conn *c, bool *ret_ended, struct err *e)
{
	size_t room;
	ssize_t n;

	if (c->in.cap - c->in.n < FIRST_READ_BYTES / 4) {
		size_t more = c->in.n > FIRST_READ_BYTES ? c->in.n : FIRST_READ_BYTES;

		if (more > c->in.max - c->in.n) {
			more = c->in.max - c->in.n;
		}
		if (buf_reserve(&c->in, more) != RC_OK) {
			conn_fail(c, CONN_BROKEN);
			return false;
		}
	}
	room = c->in.cap - c->in.n;
	if (room > c->in.max - c->in.n) {
		room = c->in.max - c->in.n; /* (2) */
	}
	if (c->tls) {
		size_t got = 0;
		enum tls_io io = tls_read(c->tls, c->in.p + c->in.n, room, &got, e);

		c->read_wants_write = io == TLS_WANT_WRITE;
		if (io == TLS_FAILED) {
			c->has_failed = true;
			c->failure = CONN_CUT;
		}
		*ret_ended = io == TLS_CLOSED || io == TLS_FAILED;
		c->in.n += io == TLS_OK ? got : 0;
		/* Nothing more inside: asking the system once more would only cost a call. */
		return io == TLS_OK && tls_has_pending(c->tls);
	}
	n = recv(c->io.fd, c->in.p + c->in.n, room, MSG_DONTWAIT);
	if (n > 0) {
		c->in.n += (size_t)n;
		return (size_t)n == room; /* less: there is no more for now */
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return false;
	}
	*ret_ended = true;
	if (n < 0) {
		c->has_failed = true;
		c->failure = CONN_CUT;
		(void)err_set_sys(e, RC_IO, __func__,
				  "cannot read"); /* reported by conn_end_now() */
	}
	return false;
}

void conn_read(struct conn *c)
{
	size_t before = c->in.n;
	bool has_ended = false;
	struct err e = ERR_INIT;
	int reads = 0;

	while (reads < READS_PER_ROUND && c->in.n < c->in.max && read_once(c, &has_ended, &e)) {
		reads++;
	}
	if (c->in.n > before) {
		c->handlers->input(c->ctx, c);
	}
	if (has_ended) {
		conn_end_now(c, c->has_failed ? c->failure : CONN_ENDED, e.msg);
	} else if (conn_is_alive(c)) {
		trim_input(c);
		/* Only if we stopped by ourselves: half a record is pending too, and would make us
		 * run in circles until the peer sends the other half. */
		if (reads == READS_PER_ROUND && c->tls && conn_is_reading(c) &&
		    tls_has_pending(c->tls)) {
			conn_set_timer(c, &c->again, 0);
		}
	}
}

void conn_read_and_forget(struct conn *c)
{
	static char bin[4096];
	ssize_t n = 1;

	for (int i = 0; i < READS_PER_ROUND && n > 0; i++) {
		n = recv(c->io.fd, bin, sizeof(bin), MSG_DONTWAIT);
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		conn_end_now(c, c->state == LINGERING ? CONN_FINISHED : CONN_ENDED, "");
	}
}

struct str conn_input(const struct conn *c)
{
	return buf_view(&c->in);
}

void conn_consume(struct conn *c, size_t n)
{
	bool was_reading = conn_is_reading(c);

	buf_consume(&c->in, n);
	if (!was_reading && conn_is_reading(c)) {
		conn_pause(c, false);
	}
}

void conn_pause(struct conn *c, bool is_paused)
{
	c->is_paused = is_paused;
	if (!conn_is_alive(c) || c->state != OPEN) {
		return;
	}
	if (conn_is_reading(c) && c->tls && tls_has_pending(c->tls)) {
		conn_set_timer(c, &c->again, 0);
	}
	conn_watch(c);
}
