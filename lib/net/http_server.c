/* SPDX-License-Identifier: Apache-2.0 */
/* net/http_server.c - connections of a server: read one request, hand it over, take the answer.
 *
 * Trust:  everything before the handler is hostile bytes; codec/http.h judges them.
 * Holds:  (1) a handler has at most one request per connection, and it is complete.
 *         (2) while a request is handled its bytes stay at the front of the input: nothing is read
 *             (a deferred one pauses the connection) and nothing consumed, so head and body need no
 *             copy.
 *         (3) a request that was handed over ends in exactly one of: answer, end of stream,
 *             abort, gone.
 * States: IDLE -byte-> HEAD -head-> BODY -body-> HANDLING -answer-> IDLE | CLOSING
 *         HANDLING -stream_start-> STREAMING -stream_end-> IDLE | CLOSING
 *         HEAD, BODY -malformed, too slow-> refused, CLOSING;  any -peer gone, abort-> freed.
 */
#include "net/http_server.h"

#include <stdio.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "codec/json.h"

enum phase { IDLE, HEAD, BODY, HANDLING, STREAMING, CLOSING };

enum { CHUNK_OVERHEAD_BYTES = 64 * 1024, DATE_BYTES = 32, PROBLEM_BYTES = 4096 };

struct connection {
	struct http_server *server;
	struct conn *c;
	struct connection *prev;
	struct connection *next;
	struct listen_peer peer;
	struct loop_timer soon; /* a pipelined request waits in the input */
	enum phase phase;
	size_t scanned;		      /* HEAD: how far the parser looked */
	struct http_request *request; /* BODY to STREAMING */
	uint64_t n_requests;
	uint64_t armed_request; /* the phase for which the timer runs */
	enum phase armed_phase;
	bool is_processing;
	bool is_paused;
	bool is_dead; /* aborted while processing: freed after it */
	_Alignas(16) char session[];
};

struct http_request {
	struct connection *connection;
	struct http_head head;
	const char *head_at; /* where the input was when head was parsed */
	struct http_body chunks;
	struct buf decoded; /* the body, when it came in chunks */
	struct str body;
	size_t total_bytes; /* of the request in the input; 0 = not yet known */
	void *data;
	bool closes; /* the connection ends after this answer */
	bool is_event_stream;
	bool is_gone;
};

struct http_server {
	struct loop *loop;
	struct listener *listener;
	struct http_server_conf conf;
	struct conn_conf conn_conf;
	const struct http_server_handlers *handlers;
	void *ctx;
	struct connection *first;
	size_t n_connections;
	struct http_request *spare; /* the next request to fill */
	uint64_t date_unix_s;
	char date[DATE_BYTES];
	bool is_stopping;
	bool was_told_stopped;
};

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

static struct http_request *take_spare(struct http_server *s)
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

static void put_spare(struct http_server *s, struct http_request *r)
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

static void free_connection(struct connection *hc)
{
	struct http_server *s = hc->server;

	if (hc->is_processing) {
		hc->is_dead = true;
		return;
	}
	conn_free(hc->c);
	loop_timer_clear(s->loop, &hc->soon);
	if (hc->request) {
		put_spare(s, hc->request);
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
static void arm(struct connection *hc)
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

static void pause_reading(struct connection *hc, bool is_paused)
{
	if (hc->is_paused != is_paused) {
		hc->is_paused = is_paused;
		conn_pause(hc->c, is_paused);
	}
}

/* Answers. */

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7), renewed each second. */
static struct str date(struct http_server *s)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	uint64_t now_s = clock_unix_ms(loop_clock(s->loop)) / 1000;
	time_t t = (time_t)now_s;
	struct tm tm;

	if (s->date_unix_s != now_s || s->date[0] == '\0') {
		MUST(gmtime_r(&t, &tm) != NULL);
		(void)snprintf(s->date, sizeof(s->date), "%s, %02d %s %04d %02d:%02d:%02d GMT",
			       days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
			       (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min,
			       tm.tm_sec); /* fits */
		s->date_unix_s = now_s;
	}
	return str_from(s->date);
}

static struct http_out begin_head(struct connection *hc, unsigned status, struct str content_type,
				  const struct http_field *fields, size_t n_fields, bool closes)
{
	struct http_out w = http_out_response(conn_queue(hc->c), status);

	http_out_field(&w, STR("Date"), date(hc->server));
	if (content_type.n) {
		http_out_field(&w, STR("Content-Type"), content_type);
	}
	for (size_t i = 0; i < n_fields; i++) {
		http_out_field(&w, fields[i].name, fields[i].value);
	}
	if (closes) {
		http_out_field(&w, STR("Connection"), STR("close"));
	}
	return w;
}

/* A status that never has a body, so that no length may be said (RFC 9110 6.4.1, 8.6). */
static bool has_no_body(unsigned status)
{
	return status < 200 || status == 204 || status == 304;
}

static enum rc write_whole(struct connection *hc, unsigned status, struct str content_type,
			   const struct http_field *fields, size_t n_fields, struct str body,
			   bool is_head_request, bool closes)
{
	struct http_out w = begin_head(hc, status, content_type, fields, n_fields, closes);

	if (!has_no_body(status)) {
		http_out_length(&w, body.n);
	}
	TRY(http_out_end(&w, NULL));
	return is_head_request || has_no_body(status) ? RC_OK : buf_add(conn_queue(hc->c), body);
}

static void write_problem(struct buf *b, unsigned status, struct str detail)
{
	struct json_out w = json_out_to(b);

	json_out_object(&w);
	json_out_key_str(&w, "title", str_from(http_status_text(status)));
	json_out_key_u64(&w, "status", status);
	json_out_key_str(&w, "detail", detail);
	json_out_close(&w);
	if (json_out_end(&w, NULL) != RC_OK) {
		buf_reset(b); /* too long or no memory: the status says enough */
	}
}

#define PROBLEM_TYPE STR("application/problem+json")

/* Answers what never reached a handler, and closes. */
static void refuse(struct connection *hc, unsigned status, const char *detail)
{
	AUTO_BUF body = BUF_INIT(PROBLEM_BYTES);

	write_problem(&body, status, str_from(detail));
	/* When even this cannot be queued, closing is the answer. */
	(void)write_whole(hc, status, PROBLEM_TYPE, NULL, 0, buf_view(&body), false, true);
	if (hc->request) {
		put_spare(hc->server, TAKE(hc->request));
	}
	hc->phase = CLOSING;
	conn_finish(hc->c);
}

/* Reading a request. */

/* RC_OK: the head is parsed and its strings point into today's input. */
static enum rc parse_head(struct connection *hc, struct http_request *r, struct err *e)
{
	struct str input = conn_input(hc->c);

	if (r->head_at && r->head_at == input.p) {
		return RC_OK; /* it did not move */
	}
	TRY(http_parse_request(input, &hc->scanned, &r->head, e));
	r->head_at = input.p;
	return RC_OK;
}

/* HEAD. False: not complete, or refused. */
static bool read_head(struct connection *hc)
{
	struct http_server *s = hc->server;
	struct http_request *r = take_spare(s);
	struct err e = ERR_INIT;
	enum rc rc;

	if (!r) {
		refuse(hc, 503, "no memory for a request");
		return false;
	}
	if (hc->phase == IDLE) {
		hc->phase = HEAD;
		hc->scanned = 0;
		hc->n_requests++;
	}
	rc = parse_head(hc, r, &e);
	if (rc != RC_OK) {
		unsigned status = r->head.refuse_status;

		put_spare(s, r);
		if (rc != RC_AGAIN) {
			refuse(hc, status ? status : 400, e.msg);
		}
		return false;
	}
	r->connection = hc;
	r->closes = !r->head.keeps_alive || s->is_stopping;
	hc->request = r;
	hc->phase = BODY;
	if (r->head.framing == HTTP_BODY_CHUNKED) {
		r->chunks = http_body_of(&r->head, s->conf.max_body_bytes);
		/* Until the body is whole: how far it is decoded. */
		r->total_bytes = r->head.head_bytes;
	} else if (r->head.framing == HTTP_BODY_LENGTH) {
		if (r->head.content_length > s->conf.max_body_bytes) {
			refuse(hc, 413, "the body is larger than this server takes");
			return false;
		}
		r->total_bytes = r->head.head_bytes + (size_t)r->head.content_length;
	} else {
		r->total_bytes = r->head.head_bytes;
	}
	return true;
}

static bool read_chunks(struct connection *hc, struct http_request *r, struct str input)
{
	struct str rest = str_slice(input, r->total_bytes, input.n);
	struct err e = ERR_INIT;
	enum rc rc = http_body_read(&r->chunks, &rest, &r->decoded, &e);

	r->total_bytes = input.n - rest.n;
	if (rc == RC_OK) {
		return true;
	}
	if (rc == RC_LIMIT ||
	    (rc == RC_AGAIN && input.n >= hc->server->conn_conf.max_input_bytes)) {
		refuse(hc, 413, "the body is larger than this server takes");
	} else if (rc == RC_NOMEM) {
		refuse(hc, 503, "no memory for the body");
	} else if (rc != RC_AGAIN) {
		refuse(hc, 400, e.msg);
	}
	return false;
}

/* BODY. False: not complete, or refused. */
static bool read_body(struct connection *hc)
{
	struct http_request *r = hc->request;
	struct str input = conn_input(hc->c);
	bool is_chunked = r->head.framing == HTTP_BODY_CHUNKED;
	bool is_whole = is_chunked ? read_chunks(hc, r, input) : input.n >= r->total_bytes;

	if (!is_whole) {
		if (hc->phase == BODY && r->head.expects_continue &&
		    input.n <= r->head.head_bytes) {
			r->head.expects_continue = false;
			/* Not queued: the peer sends its body a little later, unasked. */
			(void)conn_write(hc->c, HTTP_CONTINUE);
			conn_flush(hc->c);
		}
		return false;
	}
	hc->scanned = 0;
	if (parse_head(hc, r, NULL) != RC_OK) {
		refuse(hc, 500, "the head changed while the body came"); /* cannot happen */
		return false;
	}
	if (is_chunked) {
		r->body = buf_view(&r->decoded);
	} else {
		r->body = str_slice(input, r->head.head_bytes, r->total_bytes);
	}
	return true;
}

/* Reads and hands over as many requests as are there and get answered at once. */
static void process(struct connection *hc)
{
	struct http_server *s = hc->server;

	hc->is_processing = true;
	while (!hc->is_dead && hc->phase < HANDLING && conn_input(hc->c).n > 0) {
		if (hc->phase < BODY && !read_head(hc)) {
			break;
		}
		if (!read_body(hc)) {
			break;
		}
		hc->phase = HANDLING; /* (1) */
		s->handlers->request(s->ctx, hc->request);
	}
	hc->is_processing = false;
	if (hc->is_dead) {
		free_connection(hc);
		return;
	}
	if (hc->phase == HANDLING || hc->phase == STREAMING) {
		pause_reading(hc, true); /* (2) */
	}
	if (hc->phase != CLOSING) {
		arm(hc);
	}
}

/* The request is answered: (3). */
static void finish_request(struct http_request *r)
{
	struct connection *hc = r->connection;
	bool closes = r->closes || hc->server->is_stopping;
	size_t total_bytes = r->total_bytes;

	hc->request = NULL;
	put_spare(hc->server, r);
	if (closes) {
		hc->phase = CLOSING;
		conn_finish(hc->c);
		return;
	}
	hc->phase = IDLE;
	conn_flush(hc->c);
	conn_consume(hc->c, total_bytes);
	pause_reading(hc, false);
	if (hc->is_processing) {
		return; /* process() goes on */
	}
	arm(hc);
	if (conn_input(hc->c).n > 0 && loop_timer_in(hc->server->loop, &hc->soon, 0) != RC_OK) {
		free_connection(hc);
	}
}

static void fire_soon(struct loop_timer *t)
{
	process(t->ctx);
}

/* The connection's side. */

static void on_ready(void *ctx, struct conn *c)
{
	struct connection *hc = ctx;

	(void)c;
	arm(hc);
}

static void on_input(void *ctx, struct conn *c)
{
	struct connection *hc = ctx;

	(void)c;
	if (hc->phase < HANDLING) {
		process(hc);
	}
}

static void on_timeout(void *ctx, struct conn *c)
{
	struct connection *hc = ctx;

	switch (hc->phase) {
	case IDLE:
		free_connection(hc);
		break;
	case HEAD:
		refuse(hc, 408, "the request's head took too long");
		break;
	case BODY:
		refuse(hc, 408, "the request's body took too long");
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
	free_connection(hc);
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
		free_connection(hc);
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
			free_connection(hc);
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

static bool is_head_request(const struct http_request *r)
{
	return str_eq(r->head.method, STR("HEAD"));
}

void http_request_abort(struct http_request *r)
{
	struct connection *hc = r->connection;

	if (r->is_gone) {
		return; /* inside gone: the connection is over anyway */
	}
	hc->phase = CLOSING;
	free_connection(hc);
}

void http_answer_with(struct http_request *r, unsigned status, struct str content_type,
		      const struct http_field *fields, size_t n_fields, struct str body)
{
	struct connection *hc = r->connection;

	if (r->is_gone) {
		return; /* inside gone: nobody reads it */
	}
	MUST(hc->phase == HANDLING);
	r->closes |= hc->server->is_stopping;
	if (write_whole(hc, status, content_type, fields, n_fields, body, is_head_request(r),
			r->closes) != RC_OK) {
		http_request_abort(r);
		return;
	}
	finish_request(r);
}

void http_answer(struct http_request *r, unsigned status, struct str content_type, struct str body)
{
	http_answer_with(r, status, content_type, NULL, 0, body);
}

void http_answer_and_close(struct http_request *r, unsigned status, struct str content_type,
			   struct str body)
{
	r->closes = true;
	http_answer_with(r, status, content_type, NULL, 0, body);
}

void http_answer_problem(struct http_request *r, unsigned status, struct str detail)
{
	AUTO_BUF body = BUF_INIT(PROBLEM_BYTES);

	write_problem(&body, status, detail);
	http_answer(r, status, PROBLEM_TYPE, buf_view(&body));
}

enum rc http_stream_start(struct http_request *r, unsigned status, struct str content_type,
			  const struct http_field *fields, size_t n_fields, struct err *e)
{
	struct connection *hc = r->connection;
	struct http_out w;

	if (r->is_gone) {
		FAIL(e, RC_BROKEN, "the peer is gone");
	}
	MUST(hc->phase == HANDLING && !has_no_body(status));
	r->closes |= hc->server->is_stopping;
	w = begin_head(hc, status, content_type, fields, n_fields, r->closes);
	http_out_chunked(&w);
	TRY(http_out_end(&w, e));
	hc->phase = STREAMING;
	r->is_event_stream = str_eq_nocase(http_media_type(content_type), STR("text/event-stream"));
	if (!hc->is_processing) {
		arm(hc); /* else process() does */
	}
	conn_flush(hc->c);
	return RC_OK;
}

enum rc http_stream_send(struct http_request *r, struct str data)
{
	struct connection *hc = r->connection;
	struct buf *queue;
	size_t before;
	enum rc rc;

	if (r->is_gone) {
		return RC_BROKEN;
	}
	MUST(hc->phase == STREAMING);
	if (is_head_request(r)) {
		return RC_OK;
	}
	queue = conn_queue(hc->c);
	before = queue->n;
	rc = http_out_chunk(queue, data);
	if (rc != RC_OK) {
		queue->n = before; /* whole chunks or none */
		return rc;
	}
	conn_flush(hc->c);
	if (r->is_event_stream) {
		conn_timeout_in(hc->c, hc->server->conf.comment_ms);
	}
	return RC_OK;
}

void http_stream_end(struct http_request *r)
{
	struct connection *hc = r->connection;

	if (r->is_gone) {
		return;
	}
	MUST(hc->phase == STREAMING);
	if (!is_head_request(r) && http_out_last_chunk(conn_queue(hc->c)) != RC_OK) {
		http_request_abort(r);
		return;
	}
	finish_request(r);
}
