/* SPDX-License-Identifier: Apache-2.0 */
/* net/http_server.c - the server and its connections: accept, time out, close, stop.
 *
 * Trust:  everything before the handler is hostile bytes; codec/http.h judges them.
 * Holds, States: http_server_impl.h.
 */
#include "net/http_server_impl.h"

#include "base/file.h"
#include "base/mem.h"

enum { CHUNK_OVERHEAD_BYTES = 64 * 1024 };

struct http_server_conf http_server_conf_default(void)
{
	return (struct http_server_conf){
	    .max_body_bytes = LIMIT_HTTP_BODY_BYTES,
	    .max_answer_bytes = 2 * LIMIT_RESULT_BYTES + 64 * 1024,
	    .max_connections = LIMIT_CONNECTIONS,
	    .accepts_per_s = 1000,
	    .start_ms = 10000,
	    .idle_ms = 120000,
	    .head_ms = 10000,
	    .body_ms = 30000,
	    .stall_ms = 30000,
	    .comment_ms = 15000,
	};
}

/* Requests. */

struct http_request *http_request_take(struct http_server *s)
{
	struct http_request *r = s->spare;

	if (!r) {
		r = mem_calloc(1, sizeof(*r));
		if (r) {
			r->decoded = (struct buf)BUF_INIT(s->conf.max_body_bytes);
		}
	}
	s->spare = NULL;
	return r;
}

void http_request_put(struct http_server *s, struct http_request *r)
{
	buf_fini(&r->decoded);
	if (s->spare) {
		mem_free(r);
		return;
	}
	r->connection = NULL;
	r->head_at = NULL;
	r->body = STR_NULL;
	r->total_bytes = 0;
	r->data = NULL;
	r->closes = false;
	r->is_event_stream = false;
	r->is_gone = false;
	s->spare = r;
}

/* Connections. */

static void tell_stopped(struct http_server *s)
{
	if (s->is_stopping && s->n_connections == 0 && !s->was_told_stopped) {
		s->was_told_stopped = true;
		if (s->handlers->stopped) {
			s->handlers->stopped(s->ctx);
		}
	}
}

void http_connection_free(struct connection *hc)
{
	struct http_server *s = hc->server;

	if (hc->is_processing) {
		hc->is_dead = true;
		return;
	}
	conn_free(hc->c);
	loop_timer_clear(s->loop, &hc->soon);
	if (hc->request) {
		http_request_put(s, hc->request);
	}
	if (s->handlers->session_fini) {
		s->handlers->session_fini(s->ctx, hc->session);
	}
	if (hc->prev) {
		hc->prev->next = hc->next;
	} else {
		s->first = hc->next;
	}
	if (hc->next) {
		hc->next->prev = hc->prev;
	}
	s->n_connections--;
	listen_release(s->listener);
	mem_free(hc);
	tell_stopped(s);
}

/* The timer that belongs to the phase, once per request and phase. */
void http_connection_arm(struct connection *hc)
{
	const struct http_server_conf *conf = &hc->server->conf;
	uint32_t ms = 0;

	if (hc->phase != IDLE && hc->armed_phase == hc->phase &&
	    hc->armed_request == hc->n_requests) {
		return;
	}
	hc->armed_phase = hc->phase;
	hc->armed_request = hc->n_requests;
	switch (hc->phase) {
	case IDLE:
		ms = conf->idle_ms;
		break;
	case HEAD:
		ms = conf->head_ms;
		break;
	case BODY:
		ms = conf->body_ms;
		break;
	case STREAMING:
		ms = hc->request->is_event_stream ? conf->comment_ms : 0;
		break;
	case HANDLING:
	case CLOSING:
		break;
	}
	conn_timeout_in(hc->c, ms);
}

void http_connection_pause(struct connection *hc, bool is_paused)
{
	if (hc->is_paused != is_paused) {
		hc->is_paused = is_paused;
		conn_pause(hc->c, is_paused);
	}
}

static void fire_soon(struct loop_timer *t)
{
	http_connection_process(t->ctx);
}

/* The connection's side. */

static void on_ready(void *ctx, struct conn *c)
{
	struct connection *hc = ctx;

	(void)c;
	http_connection_arm(hc);
}

static void on_input(void *ctx, struct conn *c)
{
	struct connection *hc = ctx;

	(void)c;
	if (hc->phase < HANDLING) {
		http_connection_process(hc);
	}
}

static void on_timeout(void *ctx, struct conn *c)
{
	struct connection *hc = ctx;

	switch (hc->phase) {
	case IDLE:
		http_connection_free(hc);
		break;
	case HEAD:
		http_connection_refuse(hc, 408, "the request's head took too long");
		break;
	case BODY:
		http_connection_refuse(hc, 408, "the request's body took too long");
		break;
	case STREAMING:
		/* When it cannot be queued, the next event cannot either: its sender finds out. */
		(void)http_stream_send(hc->request, STR(":\n\n"));
		break;
	case HANDLING:
	case CLOSING:
		(void)c;
		break;
	}
}

static void on_closed(void *ctx, struct conn *c, enum conn_end why, const char *detail)
{
	struct connection *hc = ctx;
	struct http_server *s = hc->server;

	(void)c;
	(void)why;
	(void)detail;
	if (hc->phase == HANDLING || hc->phase == STREAMING) {
		hc->request->is_gone = true;
		if (s->handlers->gone) {
			s->handlers->gone(s->ctx, hc->request); /* (3) */
		}
	}
	http_connection_free(hc);
}

static const struct conn_handlers conn_handlers = {
    .ready = on_ready,
    .input = on_input,
    .timeout = on_timeout,
    .closed = on_closed,
};

static void on_accept(void *ctx, int take_fd, const struct listen_peer *peer)
{
	struct http_server *s = ctx;
	struct connection *hc = mem_calloc(1, sizeof(*hc) + s->conf.session_bytes);
	struct conn_conf conf = s->conn_conf;

	if (!hc) {
		file_close(take_fd);
		listen_release(s->listener);
		return;
	}
	hc->server = s;
	hc->peer = *peer;
	hc->soon = (struct loop_timer){.fire = fire_soon, .ctx = hc};
	hc->next = s->first;
	if (hc->next) {
		hc->next->prev = hc;
	}
	s->first = hc;
	s->n_connections++;
	if (s->handlers->session_init) {
		s->handlers->session_init(s->ctx, hc->session);
	}
	conf.verify_ctx = hc->session;
	if (conn_accepted(s->loop, take_fd, &conf, &conn_handlers, hc, &hc->c, NULL) != RC_OK) {
		http_connection_free(hc);
	}
}

/* The server. */

enum rc http_server_new(struct loop *l, int take_fd, const struct http_server_conf *conf,
			const struct http_server_handlers *handlers, void *ctx,
			struct http_server **ret, struct err *e)
{
	struct listen_conf listen_conf = {
	    .max_connections = conf->max_connections,
	    .accepts_per_s = conf->accepts_per_s,
	};
	struct http_server *s = mem_calloc(1, sizeof(*s));
	enum rc rc;

	MUST(conf->max_body_bytes <= LIMIT_HTTP_BODY_BYTES);
	if (!s) {
		file_close(take_fd);
		FAIL(e, RC_NOMEM, "no memory for an HTTP server");
	}
	*s = (struct http_server){
	    .loop = l,
	    .conf = *conf,
	    .conn_conf =
		{
		    .max_input_bytes =
			LIMIT_HTTP_HEAD_BYTES + conf->max_body_bytes + CHUNK_OVERHEAD_BYTES,
		    .max_queue_bytes = conf->max_answer_bytes + LIMIT_HTTP_HEAD_BYTES,
		    .start_ms = conf->start_ms,
		    .stall_ms = conf->stall_ms,
		    .tls = conf->tls ? tls_context_ref(conf->tls) : NULL,
		},
	    .handlers = handlers,
	    .ctx = ctx,
	};
	rc = listen_new(l, take_fd, &listen_conf, on_accept, s, &s->listener, e);
	if (rc != RC_OK) {
		tls_context_unref(s->conn_conf.tls);
		mem_free(s);
		return rc;
	}
	*ret = s;
	return RC_OK;
}

void http_server_set_tls(struct http_server *s, struct tls_context *tls)
{
	MUST(tls && s->conn_conf.tls); /* a listener never turns plain */
	tls_context_unref(s->conn_conf.tls);
	s->conn_conf.tls = tls_context_ref(tls);
}

void http_server_stop(struct http_server *s)
{
	struct connection *next;

	s->is_stopping = true;
	listen_stop(s->listener);
	for (struct connection *hc = s->first; hc; hc = next) {
		next = hc->next;
		if (hc->phase == IDLE && conn_input(hc->c).n == 0) {
			http_connection_free(hc);
		}
	}
	tell_stopped(s);
}

void http_server_free(struct http_server *s)
{
	if (!s) {
		return;
	}
	s->was_told_stopped = true; /* nobody asks any more */
	while (s->first) {
		on_closed(s->first, s->first->c, CONN_BROKEN, "");
	}
	listen_free(s->listener);
	tls_context_unref(s->conn_conf.tls);
	mem_free(s->spare);
	mem_free(s);
}

size_t http_server_connections(const struct http_server *s)
{
	return s->n_connections;
}

enum rc http_server_address(const struct http_server *s, struct address *ret, struct err *e)
{
	return listen_address(s->listener, ret, e);
}

/* The handler's side. */

const struct http_head *http_request_head(const struct http_request *r)
{
	return &r->head;
}

struct str http_request_body(const struct http_request *r)
{
	return r->body;
}

const struct listen_peer *http_request_peer(const struct http_request *r)
{
	return &r->connection->peer;
}

void *http_request_session(const struct http_request *r)
{
	return r->connection->session;
}

struct tls *http_request_tls(const struct http_request *r)
{
	return conn_tls(r->connection->c);
}

void http_request_set_data(struct http_request *r, void *data)
{
	r->data = data;
}

void *http_request_data(const struct http_request *r)
{
	return r->data;
}
