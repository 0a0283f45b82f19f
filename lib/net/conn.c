/* SPDX-License-Identifier: Apache-2.0 */
/* net/conn.c - connections: connect, handshake, read, queue, write, end.
 *
 * Trust:  every byte of the peer is hostile; here they are only counted.
 * Holds:  (1) handlers are called from the loop only, never from conn_write or conn_flush, and none
 *             after `closed`.
 *         (2) input and queue never exceed their maximum.
 *         (3) a peer can hold a connection without progress no longer than start_ms, stall_ms or
 *             the owner's timer allow.
 * States: CONNECTING -writable-> HANDSHAKE (TLS) -done-> OPEN -conn_finish-> FINISHING
 *         -queue empty-> LINGERING -peer closed, LINGER_MS-> CLOSED;  any failure -> CLOSED.
 */
#include "net/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/mem.h"

enum state { CONNECTING, HANDSHAKE, OPEN, FINISHING, LINGERING, CLOSED };

enum {
	FIRST_READ_BYTES = 4096,
	READS_PER_ROUND = 16, /* then the others have their turn */
	KEEP_BYTES = 1024,    /* an empty buffer larger than this is given back */
	STALL_BYTES = 1024,   /* progress that a slow reader must make in stall_ms */
	LINGER_MS = 2000,
};

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
	enum state state;
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

const char *conn_end_text(enum conn_end why)
{
	static const char *const texts[] = {
	    [CONN_ENDED] = "closed by the peer",
	    [CONN_CUT] = "cut",
	    [CONN_NO_CONNECT] = "no connection",
	    [CONN_NO_TLS] = "TLS handshake failed",
	    [CONN_SLOW_START] = "connect or handshake took too long",
	    [CONN_SLOW_READER] = "the peer does not read",
	    [CONN_FINISHED] = "finished",
	    [CONN_BROKEN] = "broken",
	};

	return texts[why];
}

static void wipe_queue(struct conn *c)
{
	if (c->has_secrets && c->out.cap) {
		explicit_bzero(c->out.p, c->out.cap);
	}
}

static void free_now(struct conn *c)
{
	wipe_queue(c);
	loop_remove(c->loop, &c->io);
	loop_timer_clear(c->loop, &c->limit);
	loop_timer_clear(c->loop, &c->again);
	loop_timer_clear(c->loop, &c->owner);
	tls_free(c->tls);
	tls_context_unref(c->tls_context);
	file_close(c->io.fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	mem_free(c);
}

void conn_free(struct conn *c)
{
	if (!c || c->is_freed) {
		return;
	}
	if (c->tls && c->state == OPEN && !c->has_failed) {
		tls_goodbye(c->tls);
	}
	if (c->is_busy) {
		c->is_freed = true;
		return;
	}
	free_now(c);
}

/* From the loop only. */
static void end(struct conn *c, enum conn_end why, const char *detail)
{
	if (c->state == CLOSED || c->is_freed) {
		return;
	}
	c->state = CLOSED;
	loop_remove(c->loop, &c->io);
	loop_timer_clear(c->loop, &c->limit);
	loop_timer_clear(c->loop, &c->again);
	loop_timer_clear(c->loop, &c->owner);
	c->handlers->closed(c->ctx, c, why, detail);
}

static void end_sys(struct conn *c, enum conn_end why, int sys)
{
	end(c, why, strerror(sys));
}

/* From anywhere: the loop sees the socket shut and reports. */
static void fail(struct conn *c, enum conn_end why)
{
	if (!c->has_failed && c->state != CLOSED) {
		c->has_failed = true;
		c->failure = why;
		(void)shutdown(c->io.fd, SHUT_RDWR); /* a socket that is shut already is as good */
	}
}

static bool is_alive(const struct conn *c)
{
	return c->state != CLOSED && !c->is_freed && !c->has_failed;
}

static bool is_reading(const struct conn *c)
{
	return c->state >= FINISHING || (!c->is_paused && c->in.n < c->in.max);
}

/* Tells epoll what the state waits for. */
static void watch(struct conn *c)
{
	uint32_t events = EPOLLRDHUP;

	if (c->state == CLOSED || c->is_freed) {
		return;
	}
	if (c->state == CONNECTING) {
		events |= EPOLLOUT;
	} else {
		if (is_reading(c) || c->write_wants_read) {
			events |= EPOLLIN;
		}
		if ((c->is_stuck && !c->write_wants_read) || c->read_wants_write) {
			events |= EPOLLOUT;
		}
	}
	if (events == c->events) {
		return;
	}
	c->events = events;
	if (loop_change(c->loop, &c->io, events, NULL) != RC_OK) {
		fail(c, CONN_BROKEN);
	}
}

static void set_timer(struct conn *c, struct loop_timer *t, uint32_t ms)
{
	if (loop_timer_in(c->loop, t, ms) != RC_OK) {
		fail(c, CONN_BROKEN);
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
			fail(c, CONN_CUT);
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
				fail(c, CONN_CUT);
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
		fail(c, CONN_FINISHED);
	}
	set_timer(c, &c->limit, LINGER_MS);
}

void conn_flush(struct conn *c)
{
	bool was_stuck = c->is_stuck;

	if (!is_alive(c) || c->state < OPEN || c->state == LINGERING) {
		return;
	}
	while (c->out_at < c->out.n && write_some(c)) {
	}
	if (c->out_at < c->out.n) {
		c->is_stuck = true;
		if (!was_stuck) {
			c->sent_bytes_at_limit = c->sent_bytes;
			set_timer(c, &c->limit, c->stall_ms);
		}
	} else {
		c->is_stuck = false;
		c->out_at = 0;
		wipe_queue(c);
		buf_reset(&c->out);
		if (c->out.cap > KEEP_BYTES) {
			buf_fini(&c->out);
		}
		loop_timer_clear(c->loop, &c->limit);
		if (c->state == FINISHING) {
			start_lingering(c);
		}
	}
	watch(c);
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
	if (!is_alive(c) || c->state > OPEN) {
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
	if (!is_alive(c) || c->state > OPEN) {
		return;
	}
	if (c->state < OPEN) {
		fail(c, CONN_FINISHED);
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
			fail(c, CONN_BROKEN);
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
		return io == TLS_OK;
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
		(void)err_set_sys(e, RC_IO, __func__, "cannot read"); /* reported by end() */
	}
	return false;
}

static void read_some(struct conn *c)
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
		end(c, c->has_failed ? c->failure : CONN_ENDED, e.msg);
	} else if (is_alive(c)) {
		trim_input(c);
		if (c->tls && is_reading(c) && tls_has_pending(c->tls)) {
			set_timer(c, &c->again, 0);
		}
	}
}

/* After the end of what we say: throws away what still comes. */
static void read_and_forget(struct conn *c)
{
	static char bin[4096];
	ssize_t n = 1;

	for (int i = 0; i < READS_PER_ROUND && n > 0; i++) {
		n = recv(c->io.fd, bin, sizeof(bin), MSG_DONTWAIT);
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		end(c, c->state == LINGERING ? CONN_FINISHED : CONN_ENDED, "");
	}
}

struct str conn_input(const struct conn *c)
{
	return buf_view(&c->in);
}

void conn_consume(struct conn *c, size_t n)
{
	bool was_reading = is_reading(c);

	buf_consume(&c->in, n);
	if (!was_reading && is_reading(c)) {
		conn_pause(c, false);
	}
}

void conn_pause(struct conn *c, bool is_paused)
{
	c->is_paused = is_paused;
	if (!is_alive(c) || c->state != OPEN) {
		return;
	}
	if (is_reading(c) && c->tls && tls_has_pending(c->tls)) {
		set_timer(c, &c->again, 0);
	}
	watch(c);
}

/* Opening. */

static void opened(struct conn *c)
{
	c->state = OPEN;
	loop_timer_clear(c->loop, &c->limit);
	if (c->handlers->ready) {
		c->handlers->ready(c->ctx, c);
	}
	conn_flush(c);
}

static void shake_hands(struct conn *c)
{
	struct err e = ERR_INIT;

	c->is_stuck = false;
	switch (tls_handshake(c->tls, &e)) {
	case TLS_OK:
		opened(c);
		break;
	case TLS_WANT_WRITE:
		c->is_stuck = true;
		break;
	case TLS_WANT_READ:
		break;
	case TLS_CLOSED:
		end(c, CONN_NO_TLS, "closed during the handshake");
		break;
	case TLS_FAILED:
		end(c, CONN_NO_TLS, e.msg);
		break;
	}
}

static void connected(struct conn *c)
{
	struct err e = ERR_INIT;
	socklen_t n = sizeof(int);
	int sys = 0;

	if (getsockopt(c->io.fd, SOL_SOCKET, SO_ERROR, &sys, &n) != 0) {
		sys = errno;
	}
	if (sys) {
		end_sys(c, CONN_NO_CONNECT, sys);
		return;
	}
	if (!c->tls_context) {
		opened(c);
		return;
	}
	if (tls_new(c->tls_context, c->io.fd, c->verify_ctx, &c->tls, &e) != RC_OK) {
		end(c, CONN_BROKEN, e.msg);
		return;
	}
	c->state = HANDSHAKE;
	shake_hands(c);
}

/* The loop's side. */

static void handle_open(struct conn *c, uint32_t events)
{
	if (c->is_stuck) {
		conn_flush(c);
		if (is_alive(c) && !c->is_stuck && c->state == OPEN && c->handlers->drained) {
			c->handlers->drained(c->ctx, c);
		}
	}
	if (!is_alive(c)) {
		return;
	}
	if (c->state == FINISHING) {
		read_and_forget(c);
	} else if (c->state == OPEN && is_reading(c)) {
		read_some(c);
	} else if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		end(c, CONN_ENDED, "");
	}
}

static void handle(struct conn *c, uint32_t events)
{
	if (c->has_failed) {
		end(c, c->failure, "");
		return;
	}
	switch (c->state) {
	case CONNECTING:
		connected(c);
		break;
	case HANDSHAKE:
		shake_hands(c);
		break;
	case OPEN:
	case FINISHING:
		handle_open(c, events);
		break;
	case LINGERING:
		read_and_forget(c);
		break;
	case CLOSED:
		break;
	}
}

static void leave(struct conn *c)
{
	c->is_busy = false;
	if (c->is_freed) {
		free_now(c);
		return;
	}
	watch(c);
}

static void conn_ready(struct loop_io *io, uint32_t events)
{
	struct conn *c = io->ctx;

	c->is_busy = true;
	handle(c, events);
	leave(c);
}

static void fire_again(struct loop_timer *t)
{
	struct conn *c = t->ctx;

	if (c->state == OPEN && is_reading(c) && is_alive(c)) {
		c->is_busy = true;
		read_some(c);
		leave(c);
	}
}

static void fire_limit(struct loop_timer *t)
{
	struct conn *c = t->ctx;

	c->is_busy = true;
	if (c->state < OPEN) {
		end(c, CONN_SLOW_START, "");
	} else if (c->state == LINGERING) {
		end(c, CONN_FINISHED, "");
	} else if (c->sent_bytes - c->sent_bytes_at_limit < STALL_BYTES) {
		end(c, CONN_SLOW_READER, "");
	} else {
		c->sent_bytes_at_limit = c->sent_bytes;
		set_timer(c, &c->limit, c->stall_ms);
	}
	leave(c);
}

static void fire_owner(struct loop_timer *t)
{
	struct conn *c = t->ctx;

	if (is_alive(c)) {
		c->is_busy = true;
		c->handlers->timeout(c->ctx, c);
		leave(c);
	}
}

void conn_timeout_in(struct conn *c, uint32_t ms)
{
	if (ms == 0 || !is_alive(c) || c->state > OPEN) {
		loop_timer_clear(c->loop, &c->owner);
		return;
	}
	set_timer(c, &c->owner, ms);
}

/* Making one. */

static enum rc new_conn(struct loop *l, int take_fd, const struct conn_conf *conf,
			const struct conn_handlers *handlers, void *ctx, struct conn **ret,
			struct err *e)
{
	struct conn *c = mem_calloc(1, sizeof(*c));
	static const int on = 1;
	enum rc rc;

	if (!c) {
		file_close(take_fd);
		FAIL(e, RC_NOMEM, "no memory for a connection");
	}
	*c = (struct conn){
	    .loop = l,
	    .io = {.fd = take_fd, .ready = conn_ready, .ctx = c},
	    .limit = {.fire = fire_limit, .ctx = c},
	    .again = {.fire = fire_again, .ctx = c},
	    .owner = {.fire = fire_owner, .ctx = c},
	    .handlers = handlers,
	    .ctx = ctx,
	    .tls_context = conf->tls ? tls_context_ref(conf->tls) : NULL,
	    .verify_ctx = conf->verify_ctx,
	    .in = BUF_INIT(conf->max_input_bytes),
	    .out = BUF_INIT(conf->max_queue_bytes),
	    .stall_ms = conf->stall_ms,
	    .events = EPOLLOUT | EPOLLRDHUP,
	    .state = CONNECTING,
	};
	/* Unix sockets know neither; they need neither. */
	(void)setsockopt(take_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(take_fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	rc = loop_timer_in(l, &c->limit, conf->start_ms);
	if (rc != RC_OK) {
		(void)err_set(e, rc, __func__, "no memory for a connection");
	} else {
		rc = loop_add(l, &c->io, c->events, e);
	}
	if (rc != RC_OK) {
		free_now(c);
		return rc;
	}
	*ret = c;
	return RC_OK;
}

enum rc conn_accepted(struct loop *l, int take_fd, const struct conn_conf *conf,
		      const struct conn_handlers *handlers, void *ctx, struct conn **ret,
		      struct err *e)
{
	/* Connected already, so it is writable: the first round finds it CONNECTING and done. */
	return new_conn(l, take_fd, conf, handlers, ctx, ret, e);
}

enum rc conn_connect(struct loop *l, const struct address *to, const struct conn_conf *conf,
		     const struct conn_handlers *handlers, void *ctx, struct conn **ret,
		     struct err *e)
{
	struct sockaddr_storage sa = {0};
	int fd;

	memcpy(&sa, to->bytes, to->n);
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot create a socket");
	}
	if (connect(fd, (const struct sockaddr *)&sa, to->n) != 0 && errno != EINPROGRESS) {
		enum rc rc = err_set_sys(e, RC_IO, __func__, "cannot connect");

		file_close(fd);
		return rc;
	}
	return new_conn(l, fd, conf, handlers, ctx, ret, e);
}

struct tls *conn_tls(const struct conn *c)
{
	return c->tls;
}

int conn_fd(const struct conn *c)
{
	return c->io.fd;
}
