/* SPDX-License-Identifier: Apache-2.0 */
/* net/conn.c - the life of a connection: connect, handshake, timers, end.
 *
 * Trust:  every byte of the peer is hostile; here they are only counted.
 * Holds, States: conn_impl.h.
 */
#include "net/conn_impl.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/mem.h"

enum { STALL_BYTES = 1024 }; /* progress that a slow reader must make in stall_ms */

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

static void free_now(struct conn *c)
{
	conn_wipe_queue(c);
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

void conn_end_now(struct conn *c, enum conn_end why, const char *detail)
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
	conn_end_now(c, why, strerror(sys));
}

void conn_fail(struct conn *c, enum conn_end why)
{
	if (!c->has_failed && c->state != CLOSED) {
		c->has_failed = true;
		c->failure = why;
		(void)shutdown(c->io.fd, SHUT_RDWR); /* a socket that is shut already is as good */
	}
}

bool conn_is_alive(const struct conn *c)
{
	return c->state != CLOSED && !c->is_freed && !c->has_failed;
}

bool conn_is_reading(const struct conn *c)
{
	return c->state >= FINISHING || (!c->is_paused && c->in.n < c->in.max);
}

void conn_watch(struct conn *c)
{
	uint32_t events = EPOLLRDHUP;

	if (c->state == CLOSED || c->is_freed) {
		return;
	}
	if (c->state == CONNECTING) {
		events |= EPOLLOUT;
	} else {
		if (conn_is_reading(c) || c->write_wants_read) {
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
		conn_fail(c, CONN_BROKEN);
	}
}

void conn_set_timer(struct conn *c, struct loop_timer *t, uint32_t ms)
{
	if (loop_timer_in(c->loop, t, ms) != RC_OK) {
		conn_fail(c, CONN_BROKEN);
	}
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
	if (conn_is_alive(c) && conn_is_reading(c) && c->tls && tls_has_pending(c->tls)) {
		conn_set_timer(c, &c->again, 0); /* came along with the end of the handshake */
	}
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
		conn_end_now(c, CONN_NO_TLS, "closed during the handshake");
		break;
	case TLS_FAILED:
		conn_end_now(c, CONN_NO_TLS, e.msg);
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
		conn_end_now(c, CONN_BROKEN, e.msg);
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
		if (conn_is_alive(c) && !c->is_stuck && c->state == OPEN && c->handlers->drained) {
			c->handlers->drained(c->ctx, c);
		}
	}
	if (!conn_is_alive(c)) {
		return;
	}
	if (c->state == FINISHING) {
		conn_read_and_forget(c);
	} else if (c->state == OPEN && conn_is_reading(c)) {
		conn_read(c);
	} else if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		conn_end_now(c, CONN_ENDED, "");
	}
}

static void handle(struct conn *c, uint32_t events)
{
	if (c->has_failed) {
		conn_end_now(c, c->failure, "");
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
		conn_read_and_forget(c);
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
	conn_watch(c);
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

	if (c->state == OPEN && conn_is_reading(c) && conn_is_alive(c)) {
		c->is_busy = true;
		conn_read(c);
		leave(c);
	}
}

static void fire_limit(struct loop_timer *t)
{
	struct conn *c = t->ctx;

	c->is_busy = true;
	if (c->state < OPEN) {
		conn_end_now(c, CONN_SLOW_START, "");
	} else if (c->state == LINGERING) {
		conn_end_now(c, CONN_FINISHED, "");
	} else if (c->sent_bytes - c->sent_bytes_at_limit < STALL_BYTES) {
		conn_end_now(c, CONN_SLOW_READER, "");
	} else {
		c->sent_bytes_at_limit = c->sent_bytes;
		conn_set_timer(c, &c->limit, c->stall_ms);
	}
	leave(c);
}

static void fire_owner(struct loop_timer *t)
{
	struct conn *c = t->ctx;

	if (conn_is_alive(c)) {
		c->is_busy = true;
		c->handlers->timeout(c->ctx, c);
		leave(c);
	}
}

void conn_timeout_in(struct conn *c, uint32_t ms)
{
	if (ms == 0 || !conn_is_alive(c) || c->state > OPEN) {
		loop_timer_clear(c->loop, &c->owner);
		return;
	}
	conn_set_timer(c, &c->owner, ms);
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
