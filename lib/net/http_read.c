/* SPDX-License-Identifier: Apache-2.0 */
/* net/http_read.c - from bytes to requests, one at a time, to the handler.
 *
 * Trust:  all bytes are hostile; codec/http.h judges them, here they are only counted.
 * Holds, States: http_server_impl.h.
 */
#include "net/http_server_impl.h"

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
	struct http_request *r = http_request_take(s);
	struct err e = ERR_INIT;
	enum rc rc;

	if (!r) {
		http_connection_refuse(hc, 503, "no memory for a request");
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

		http_request_put(s, r);
		if (rc != RC_AGAIN) {
			http_connection_refuse(hc, status ? status : 400, e.msg);
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
			http_connection_refuse(hc, 413,
					       "the body is larger than this server takes");
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
		http_connection_refuse(hc, 413, "the body is larger than this server takes");
	} else if (rc == RC_NOMEM) {
		http_connection_refuse(hc, 503, "no memory for the body");
	} else if (rc != RC_AGAIN) {
		http_connection_refuse(hc, 400, e.msg);
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
		http_connection_refuse(hc, 500,
				       "the head changed while the body came"); /* cannot happen */
		return false;
	}
	if (is_chunked) {
		r->body = buf_view(&r->decoded);
	} else {
		r->body = str_slice(input, r->head.head_bytes, r->total_bytes);
	}
	return true;
}

void http_connection_process(struct connection *hc)
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
		http_connection_free(hc);
		return;
	}
	if (hc->phase == HANDLING || hc->phase == STREAMING) {
		http_connection_pause(hc, true); /* (2) */
	}
	if (hc->phase != CLOSING) {
		http_connection_arm(hc);
	}
}

void http_request_finish(struct http_request *r)
{
	struct connection *hc = r->connection;
	bool closes = r->closes || hc->server->is_stopping;
	size_t total_bytes = r->total_bytes;

	hc->request = NULL;
	http_request_put(hc->server, r);
	if (closes) {
		hc->phase = CLOSING;
		conn_finish(hc->c);
		return;
	}
	hc->phase = IDLE;
	conn_flush(hc->c);
	conn_consume(hc->c, total_bytes);
	http_connection_pause(hc, false);
	if (hc->is_processing) {
		return; /* http_connection_process() goes on */
	}
	http_connection_arm(hc);
	if (conn_input(hc->c).n > 0 && loop_timer_in(hc->server->loop, &hc->soon, 0) != RC_OK) {
		http_connection_free(hc);
	}
}
