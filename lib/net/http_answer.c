/* SPDX-License-Identifier: Apache-2.0 */
/* net/http_answer.c - from answers to bytes: whole, streamed, or a refusal of our own.
 *
 * Holds: an answer is queued whole or not at all, and a stream in whole chunks.
 */
#include "net/http_server_impl.h"

#include <stdio.h>
#include <time.h>

#include "codec/json.h"

enum { PROBLEM_BYTES = 4096 };

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

void http_connection_refuse(struct connection *hc, unsigned status, const char *detail)
{
	AUTO_BUF body = BUF_INIT(PROBLEM_BYTES);

	write_problem(&body, status, str_from(detail));
	/* When even this cannot be queued, closing is the answer. */
	(void)write_whole(hc, status, PROBLEM_TYPE, NULL, 0, buf_view(&body), false, true);
	if (hc->request) {
		http_request_put(hc->server, TAKE(hc->request));
	}
	hc->phase = CLOSING;
	conn_finish(hc->c);
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
	http_connection_free(hc);
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
	http_request_finish(r);
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
		http_connection_arm(hc); /* else http_connection_process() does */
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
	http_request_finish(r);
}
