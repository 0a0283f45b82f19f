/* SPDX-License-Identifier: Apache-2.0 */
/* upstream/client.c - a pool of connections and the calls that use them.
 *
 * Trust:  the upstream's bytes are hostile; its addresses and the requests are ours.
 * Holds:  (1) a call's bytes are written to one connection only: send() is the only writer, and it
 *             runs again only when conn_sent_mark proves that nothing left the first time.
 *         (2) a link has at most one call, and a link that saw anything unexpected is not used
 *             again.
 *         (3) every call ends in exactly one of done and cancel.
 * States: (call) WAITING -link free, connected-> SENT -head-> RECEIVING -end-> done
 *         (link) CONNECTING -> IDLE <-> BUSY -> freed
 */
#include "upstream/client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/conn.h"

enum {
	MAX_INTERIM_HEADS = 16, /* 1xx before the answer */
	INPUT_BYTES = LIMIT_HTTP_HEAD_BYTES + 256 * 1024,
	STALL_MS = 30000,
};

enum call_state { WAITING, SENT, RECEIVING };

struct link {
	struct client *client;
	struct conn *conn;
	struct link *prev;
	struct link *next;
	struct client_call *call; /* NULL = idle */
	size_t address;		  /* which one it is connected to */
	unsigned n_calls;	  /* written to it */
	bool is_open;
};

struct client_call {
	struct client *client;
	struct client_call *prev; /* among the waiting */
	struct client_call *next;
	const struct client_handlers *handlers;
	void *ctx;
	struct link *link;
	struct loop_timer timer; /* the nearest of send_by and the end */
	uint64_t send_by_boot_ns;
	uint64_t end_boot_ns;
	enum call_state state;
	uint64_t sent_mark; /* of the link, before the request was queued */
	size_t n_failed;    /* addresses that could not be reached */
	struct buf request; /* may hold a secret: wiped */
	char method[16];
	size_t scanned;
	unsigned n_interim;
	struct buf head_bytes; /* what head points into */
	struct http_head head;
	struct http_body framing;
	struct buf body;
	struct sse_reader events;
	bool is_stream;
	bool is_whole;	/* the answer is complete */
	bool is_listed; /* among the waiting */
	bool is_in_handler;
	bool is_cancelled;
};

struct client {
	struct loop *loop;
	struct client_conf conf;
	struct conn_conf conn_conf;
	char *host;
	struct link *links;	   /* the most recently freed first, so that the pool can shrink */
	struct client_call *first; /* waiting without a link, oldest first */
	struct client_call *last;
	size_t n_links;
	size_t n_calls;
	size_t address;		/* the one that answered last */
	struct loop_timer soon; /* waiting calls to look at */
	bool is_stopping;
};

struct client_conf client_conf_default(void)
{
	return (struct client_conf){
	    .max_connections = 64,
	    .max_response_bytes = LIMIT_RESULT_BYTES,
	    .connect_ms = 5000,
	    .idle_ms = 20000,
	};
}

const char *client_fate_text(enum client_fate fate)
{
	switch (fate) {
	case CLIENT_UNKNOWN:
		return "unknown";
	case CLIENT_NOT_SENT:
		return "not sent";
	case CLIENT_ANSWERED:
		return "answered";
	}
	return "?";
}

/* Lists. */

static void unlist_link(struct link *link)
{
	struct client *c = link->client;

	if (link->prev) {
		link->prev->next = link->next;
	} else {
		c->links = link->next;
	}
	if (link->next) {
		link->next->prev = link->prev;
	}
	link->prev = NULL;
	link->next = NULL;
}

static void list_link_first(struct link *link)
{
	struct client *c = link->client;

	link->next = c->links;
	if (link->next) {
		link->next->prev = link;
	}
	c->links = link;
}

static void look_at_waiting(struct client *c)
{
	/* Without memory for it, the next event or time-out of a call looks. */
	(void)loop_timer_in(c->loop, &c->soon, 0);
}

static void free_link(struct link *link)
{
	struct client *c = link->client;

	if (link->call) {
		link->call->link = NULL;
	}
	conn_free(link->conn);
	unlist_link(link);
	c->n_links--;
	mem_free(link);
	look_at_waiting(c);
}

/* Calls. */

static void unlist_call(struct client_call *call)
{
	struct client *c = call->client;

	if (!call->is_listed) {
		return;
	}
	if (call->prev) {
		call->prev->next = call->next;
	} else {
		c->first = call->next;
	}
	if (call->next) {
		call->next->prev = call->prev;
	} else {
		c->last = call->prev;
	}
	call->prev = NULL;
	call->next = NULL;
	call->is_listed = false;
}

static void list_call_last(struct client_call *call)
{
	struct client *c = call->client;

	call->is_listed = true;
	call->prev = c->last;
	if (call->prev) {
		call->prev->next = call;
	} else {
		c->first = call;
	}
	c->last = call;
}

static void list_call_first(struct client_call *call)
{
	struct client *c = call->client;

	call->is_listed = true;
	call->next = c->first;
	if (call->next) {
		call->next->prev = call;
	} else {
		c->last = call;
	}
	c->first = call;
}

static void wipe_request(struct client_call *call)
{
	if (call->request.n) {
		explicit_bzero(call->request.p, call->request.n);
	}
	buf_fini(&call->request);
}

static void free_call(struct client_call *call)
{
	struct client *c = call->client;

	unlist_call(call);
	c->n_calls--;
	loop_timer_clear(c->loop, &call->timer);
	wipe_request(call);
	buf_fini(&call->head_bytes);
	buf_fini(&call->body);
	sse_reader_fini(&call->events);
	mem_free(call);
}

bool client_call_is_sent(const struct client_call *call)
{
	return call->state != WAITING &&
	       (!call->link || conn_sent_mark(call->link->conn) != call->sent_mark);
}

/* Separates the call from its link, which lives on only if it is clean: (2). */
static void leave_link(struct client_call *call, bool is_clean)
{
	struct link *link = call->link;

	if (!link) {
		return;
	}
	call->link = NULL;
	link->call = NULL;
	if (!is_clean) {
		free_link(link);
		return;
	}
	unlist_link(link);
	list_link_first(link);
	conn_timeout_in(link->conn, link->client->conf.idle_ms);
	look_at_waiting(link->client);
}

/* The end of a call: (3). */
static void finish(struct client_call *call, enum client_fate fate, const char *detail)
{
	bool is_answered = fate == CLIENT_ANSWERED;
	struct client_result result = {
	    .fate = fate,
	    .head = is_answered ? &call->head : NULL,
	    .body = is_answered ? buf_view(&call->body) : STR_NULL,
	    .was_stream = is_answered && call->is_stream,
	    .detail = detail,
	};
	/* A link can go on if the answer is over, the request is out, and nothing is left over. */
	bool is_clean = is_answered && call->head.keeps_alive && call->link &&
			conn_queued_bytes(call->link->conn) == 0 &&
			conn_input(call->link->conn).n == 0;

	leave_link(call, is_clean);
	unlist_call(call);
	loop_timer_clear(call->client->loop, &call->timer);
	call->is_in_handler = true; /* cancelling it now changes nothing */
	call->handlers->done(call->ctx, call, &result);
	free_call(call);
}

/* As far as it got: not sent, or unknown. */
static void give_up(struct client_call *call, const char *detail)
{
	finish(call, client_call_is_sent(call) ? CLIENT_UNKNOWN : CLIENT_NOT_SENT, detail);
}

enum client_fate client_cancel(struct client_call *call)
{
	enum client_fate fate = client_call_is_sent(call) ? CLIENT_UNKNOWN : CLIENT_NOT_SENT;

	if (call->is_in_handler) {
		call->is_cancelled = true; /* whoever called the handler cleans up */
		return fate;
	}
	leave_link(call, false);
	free_call(call);
	return fate;
}

/* Sending. */

static void arm(struct client_call *call)
{
	uint64_t at_ns = call->end_boot_ns;

	if (call->state == WAITING && call->send_by_boot_ns &&
	    call->send_by_boot_ns < call->end_boot_ns) {
		at_ns = call->send_by_boot_ns;
	}
	/* The timer is set already: moving it needs no memory. */
	(void)loop_timer_set(call->client->loop, &call->timer, at_ns);
}

static bool is_too_late(const struct client_call *call)
{
	uint64_t now_ns = clock_boot_ns(loop_clock(call->client->loop));

	return now_ns >= call->end_boot_ns ||
	       (call->send_by_boot_ns && now_ns >= call->send_by_boot_ns);
}

/* A pooled connection on which nothing has come since its last answer: not even its end. */
static bool is_quiet(const struct link *link)
{
	char byte;

	return recv(conn_fd(link->conn), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* The one place that writes a request: (1). The call waits and the link is open and idle. */
static void send_call(struct client_call *call, struct link *link)
{
	MUST(call->state == WAITING && link->is_open && (!link->call || link->call == call));
	call->link = link;
	link->call = call;
	if (is_too_late(call)) {
		finish(call, CLIENT_NOT_SENT, "too late to send it");
		return;
	}
	call->sent_mark = conn_sent_mark(link->conn);
	if (conn_write(link->conn, buf_view(&call->request)) != RC_OK) {
		finish(call, CLIENT_NOT_SENT, "no memory to send it");
		return;
	}
	call->state = SENT;
	link->n_calls++;
	arm(call);
	conn_timeout_in(link->conn, 0);
	conn_flush(link->conn);
	if (client_call_is_sent(call)) {
		wipe_request(call); /* it never leaves again */
	}
}

/* The call's link ended before a byte left: another address or another connection. */
static void try_again(struct client_call *call, const char *detail)
{
	struct client *c = call->client;

	call->state = WAITING;
	if (call->n_failed >= c->conf.n_addresses) {
		finish(call, CLIENT_NOT_SENT, detail);
		return;
	}
	list_call_first(call);
	arm(call);
	look_at_waiting(c);
}

/* Receiving. */

/* Hands out the events in the decoded bytes. False: the call is over. */
static bool give_events(struct client_call *call)
{
	struct str input = buf_view(&call->body);
	const char *why = NULL;

	call->is_in_handler = true;
	while (!why && !call->is_cancelled) {
		struct sse_event event;
		enum rc rc = sse_read(&call->events, &input, &event, NULL);

		if (rc == RC_AGAIN) {
			break;
		}
		if (rc != RC_OK) {
			why = rc == RC_LIMIT ? "an event of the answer is too large"
					     : "the answer's event stream is malformed";
			break;
		}
		call->handlers->event(call->ctx, call, &event);
	}
	call->is_in_handler = false;
	if (call->is_cancelled) {
		leave_link(call, false);
		free_call(call);
		return false;
	}
	if (why) {
		finish(call, CLIENT_UNKNOWN, why);
		return false;
	}
	buf_reset(&call->body);
	return true;
}

/* Takes the body bytes that are there. False: the call is over. */
static bool read_body(struct client_call *call)
{
	struct str input = conn_input(call->link->conn);
	size_t before = input.n;
	struct err e = ERR_INIT;
	enum rc rc = http_body_read(&call->framing, &input, &call->body, &e);

	conn_consume(call->link->conn, before - input.n);
	if (rc != RC_OK && rc != RC_AGAIN) {
		finish(call, CLIENT_UNKNOWN,
		       rc == RC_LIMIT	? "the answer is too large"
		       : rc == RC_NOMEM ? "no memory for the answer"
					: "the answer is malformed");
		return false;
	}
	call->is_whole = rc == RC_OK;
	if (call->is_stream && !give_events(call)) {
		return false;
	}
	if (call->is_whole) {
		finish(call, CLIENT_ANSWERED, "");
		return false;
	}
	return true;
}

/* Keeps the head, since its bytes in the input go as the body is read. */
static enum rc keep_head(struct client_call *call, size_t head_bytes)
{
	struct conn *conn = call->link->conn;
	size_t scanned = 0;

	TRY(buf_add(&call->head_bytes, str_slice(conn_input(conn), 0, head_bytes)));
	TRY(http_parse_response(buf_view(&call->head_bytes), &scanned, str_from(call->method),
				&call->head, NULL));
	conn_consume(conn, head_bytes);
	return RC_OK;
}

/* False: the call is over, or the head is not there yet. */
static bool read_head(struct client_call *call)
{
	struct conn *conn = call->link->conn;
	struct http_head *head = &call->head;
	enum rc rc;

	for (;;) {
		rc = http_parse_response(conn_input(conn), &call->scanned, str_from(call->method),
					 head, NULL);
		if (rc == RC_AGAIN) {
			return false;
		}
		if (rc != RC_OK) {
			finish(call, CLIENT_UNKNOWN, "the answer's head is malformed");
			return false;
		}
		if (head->status >= 200) {
			break;
		}
		if (++call->n_interim > MAX_INTERIM_HEADS) {
			finish(call, CLIENT_UNKNOWN, "too many interim answers");
			return false;
		}
		conn_consume(conn, head->head_bytes);
		call->scanned = 0;
	}
	if (keep_head(call, head->head_bytes) != RC_OK) {
		finish(call, CLIENT_UNKNOWN, "no memory for the answer");
		return false;
	}
	call->is_stream = call->handlers->event &&
			  str_eq_nocase(http_media_type(http_header_get(head, STR("Content-Type"))),
					STR("text/event-stream"));
	if (call->is_stream) {
		call->framing = http_body_of(head, LIMIT_CLIENT_STREAM_BYTES);
		call->body.max = INPUT_BYTES; /* between the chunks and the reader of events */
	} else {
		call->framing = http_body_of(head, call->client->conf.max_response_bytes);
	}
	call->state = RECEIVING;
	return true;
}

/* The link's side. */

static void on_ready(void *ctx, struct conn *conn)
{
	struct link *link = ctx;

	(void)conn;
	MUST(link->call); /* a call that is given up while connecting takes its link along */
	link->is_open = true;
	link->client->address = link->address;
	send_call(link->call, link);
}

static void on_input(void *ctx, struct conn *conn)
{
	struct link *link = ctx;
	struct client_call *call = link->call;

	(void)conn;
	if (!call || call->state == WAITING) {
		free_link(link); /* nobody asked: (2) */
		return;
	}
	if (call->state == SENT && !read_head(call)) {
		return;
	}
	(void)read_body(call); /* false: the call is over, and so are we */
}

static void on_timeout(void *ctx, struct conn *conn)
{
	struct link *link = ctx;

	(void)conn;
	if (!link->call) {
		free_link(link);
	}
}

static void on_closed(void *ctx, struct conn *conn, enum conn_end why, const char *detail)
{
	struct link *link = ctx;
	struct client_call *call = link->call;
	bool is_sent = call && client_call_is_sent(call);
	/* Of a pooled connection it says nothing about the address. */
	bool has_failed = !link->is_open || link->n_calls <= 1;
	char text[300];

	(void)conn;
	if (!call) {
		free_link(link);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s%s%s", conn_end_text(why), *detail ? ": " : "",
		       detail); /* may be cut */
	if (call->state == RECEIVING && why == CONN_ENDED &&
	    http_body_end(&call->framing, NULL) == RC_OK) {
		call->head.keeps_alive = false;
		finish(call, CLIENT_ANSWERED, "");
		return;
	}
	if (is_sent) {
		finish(call, CLIENT_UNKNOWN, text);
		return;
	}
	if (has_failed) {
		call->n_failed++;
		link->client->address = (link->address + 1) % link->client->conf.n_addresses;
	}
	free_link(link);
	try_again(call, text);
}

static const struct conn_handlers conn_handlers = {
    .ready = on_ready,
    .input = on_input,
    .timeout = on_timeout,
    .closed = on_closed,
};

/* A new connection for a waiting call. */
static enum rc open_link(struct client_call *call, struct err *e)
{
	struct client *c = call->client;
	struct link *link = mem_calloc(1, sizeof(*link));
	enum rc rc;

	if (!link) {
		FAIL(e, RC_NOMEM, "no memory for a connection");
	}
	link->client = c;
	link->address = c->address;
	rc = conn_connect(c->loop, &c->conf.addresses[link->address], &c->conn_conf, &conn_handlers,
			  link, &link->conn, e);
	if (rc != RC_OK) {
		mem_free(link);
		return rc;
	}
	c->n_links++;
	list_link_first(link);
	link->call = call;
	call->link = link;
	return RC_OK;
}

static struct link *take_idle(struct client *c)
{
	struct link *next;

	for (struct link *link = c->links; link; link = next) {
		next = link->next;
		if (!link->is_open || link->call) {
			continue;
		}
		if (is_quiet(link)) {
			return link;
		}
		free_link(link);
	}
	return NULL;
}

/* Gives the call that has waited longest a connection. False: there is none for now. */
static bool serve(struct client_call *call)
{
	struct client *c = call->client;
	struct err e = ERR_INIT;
	struct link *link;

	if (is_too_late(call)) {
		finish(call, CLIENT_NOT_SENT, "too late to send it");
		return true;
	}
	link = take_idle(c);
	if (!link && c->n_links >= c->conf.max_connections) {
		return false;
	}
	unlist_call(call);
	if (link) {
		send_call(call, link);
		return true;
	}
	while (open_link(call, &e) != RC_OK) {
		c->address = (c->address + 1) % c->conf.n_addresses;
		if (++call->n_failed >= c->conf.n_addresses) {
			finish(call, CLIENT_NOT_SENT, e.msg);
			return true;
		}
	}
	return true;
}

static void fire_soon(struct loop_timer *t)
{
	struct client *c = t->ctx;

	while (c->first && serve(c->first)) {
	}
}

static void fire_call(struct loop_timer *t)
{
	struct client_call *call = t->ctx;

	give_up(call, call->state == WAITING ? "no connection in time" : "no answer in time");
}

/* The caller's side. */

static enum rc write_request(struct client *c, const struct client_request *request,
			     struct client_call *call, struct err *e)
{
	struct str method = request->method.n ? request->method : STR("POST");
	struct http_out w;

	if (method.n >= sizeof(call->method)) {
		FAIL(e, RC_INPUT, "'" STR_FMT "' is not a method", STR_ARG(method));
	}
	memcpy(call->method, method.p, method.n);
	/* In one piece, so that growing leaves no copy of a secret behind. */
	TRY(buf_reserve(&call->request, LIMIT_HTTP_HEAD_BYTES / 4 + request->body.n));
	w = http_out_request(&call->request, method, request->target, str_from(c->host));
	for (size_t i = 0; i < request->n_fields; i++) {
		http_out_field(&w, request->fields[i].name, request->fields[i].value);
	}
	if (request->body.n || str_eq(method, STR("POST"))) {
		http_out_length(&w, request->body.n);
	}
	TRY(http_out_end(&w, e));
	return buf_add(&call->request, request->body);
}

static void drop_call(struct client_call **p)
{
	if (*p) {
		wipe_request(*p);
		sse_reader_fini(&(*p)->events);
		mem_free(*p);
	}
}

enum rc client_call(struct client *c, const struct client_request *request,
		    const struct client_handlers *handlers, void *ctx, struct client_call **ret,
		    struct err *e)
{
	CLEANUP(drop_call) struct client_call *call = NULL;
	uint64_t now_ns = clock_boot_ns(loop_clock(c->loop));

	if (c->is_stopping) {
		FAIL(e, RC_BROKEN, "the gateway is stopping");
	}
	if (c->n_calls >= LIMIT_CLIENT_CALLS) {
		FAIL(e, RC_LIMIT, "%d calls to '%s' are in flight", LIMIT_CLIENT_CALLS, c->host);
	}
	call = mem_calloc(1, sizeof(*call));
	if (!call) {
		FAIL(e, RC_NOMEM, "no memory for a call");
	}
	*call = (struct client_call){
	    .client = c,
	    .handlers = handlers,
	    .ctx = ctx,
	    .timer = {.fire = fire_call, .ctx = call},
	    .send_by_boot_ns = request->send_by_boot_ns,
	    .end_boot_ns = now_ns + (uint64_t)request->timeout_ms * 1000000,
	    .request = BUF_INIT(LIMIT_CLIENT_REQUEST_BYTES),
	    .head_bytes = BUF_INIT(LIMIT_HTTP_HEAD_BYTES),
	    .body = BUF_INIT(c->conf.max_response_bytes),
	    .events = sse_reader_of(c->conf.max_response_bytes),
	};
	TRY(write_request(c, request, call, e));
	if (loop_timer_set(c->loop, &call->timer, call->end_boot_ns) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a call");
	}
	arm(call);
	list_call_last(call);
	c->n_calls++;
	*ret = call;
	look_at_waiting(c); /* from the loop, so that done never comes before we return */
	call = NULL;
	return RC_OK;
}

enum rc client_new(struct loop *l, const struct client_conf *conf, struct client **ret,
		   struct err *e)
{
	struct client *c = mem_calloc(1, sizeof(*c));
	size_t n = strlen(conf->host);

	MUST(conf->n_addresses > 0 && conf->n_addresses <= LIMIT_CLIENT_ADDRESSES);
	MUST(conf->max_connections > 0 && conf->max_connections <= LIMIT_UPSTREAM_CONNECTIONS);
	if (!c) {
		FAIL(e, RC_NOMEM, "no memory for the connections to an upstream");
	}
	c->host = mem_calloc(n + 1, 1);
	if (!c->host) {
		mem_free(c);
		FAIL(e, RC_NOMEM, "no memory for the connections to an upstream");
	}
	memcpy(c->host, conf->host, n);
	c->loop = l;
	c->conf = *conf;
	c->conf.host = c->host;
	c->conn_conf = (struct conn_conf){
	    .max_input_bytes = INPUT_BYTES,
	    .max_queue_bytes = LIMIT_CLIENT_REQUEST_BYTES,
	    .start_ms = conf->connect_ms,
	    .stall_ms = STALL_MS,
	    .tls = conf->tls ? tls_context_ref(conf->tls) : NULL,
	    .verify_ctx = conf->verify_ctx,
	    .has_secrets = true,
	};
	c->soon = (struct loop_timer){.fire = fire_soon, .ctx = c};
	*ret = c;
	return RC_OK;
}

void client_free(struct client *c)
{
	if (!c) {
		return;
	}
	c->is_stopping = true;
	while (c->first) {
		give_up(c->first, "the gateway is stopping");
	}
	while (c->links) {
		if (c->links->call) {
			give_up(c->links->call, "the gateway is stopping"); /* and its link */
		} else {
			free_link(c->links);
		}
	}
	loop_timer_clear(c->loop, &c->soon);
	tls_context_unref(c->conn_conf.tls);
	mem_free(c->host);
	mem_free(c);
}

size_t client_calls(const struct client *c)
{
	return c->n_calls;
}

size_t client_connections(const struct client *c)
{
	return c->n_links;
}
