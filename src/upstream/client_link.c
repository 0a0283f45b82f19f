/* SPDX-License-Identifier: Apache-2.0 */
/* upstream/client_link.c - connections to the upstream: send a request, read its answer.
 *
 * Trust:  the upstream's bytes are hostile; its addresses and the requests are ours.
 * Holds, States: client_impl.h.
 */
#include "upstream/client_impl.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/mem.h"

enum { MAX_INTERIM_HEADS = 16 }; /* 1xx before the answer */

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

void client_link_free(struct link *link)
{
	struct client *c = link->client;

	if (link->call) {
		link->call->link = NULL;
	}
	conn_free(link->conn);
	unlist_link(link);
	c->n_links--;
	mem_free(link);
	client_look_at_waiting(c);
}

void client_link_leave(struct client_call *call, bool is_clean)
{
	struct link *link = call->link;

	if (!link) {
		return;
	}
	call->link = NULL;
	link->call = NULL;
	if (!is_clean) {
		client_link_free(link);
		return;
	}
	unlist_link(link);
	list_link_first(link);
	conn_timeout_in(link->conn, link->client->conf.idle_ms);
	client_look_at_waiting(link->client);
}

/* Sending. */

void client_link_send(struct client_call *call, struct link *link)
{
	MUST(call->state == WAITING && link->is_open && (!link->call || link->call == call));
	call->link = link;
	link->call = call;
	if (client_call_is_too_late(call)) {
		client_call_finish(call, CLIENT_NOT_SENT, "too late to send it");
		return;
	}
	call->sent_mark = conn_sent_mark(link->conn);
	if (conn_write(link->conn, buf_view(&call->request)) != RC_OK) {
		client_call_finish(call, CLIENT_NOT_SENT, "no memory to send it");
		return;
	}
	call->state = SENT;
	link->n_calls++;
	client_call_arm(call);
	conn_timeout_in(link->conn, 0);
	conn_flush(link->conn);
	if (client_call_is_sent(call)) {
		client_call_wipe(call); /* it never leaves again */
	}
}

/* The call's link ended before a byte left: another address or another connection. */
static void try_again(struct client_call *call, const char *detail)
{
	struct client *c = call->client;

	call->state = WAITING;
	if (call->n_failed >= c->conf.n_addresses) {
		client_call_finish(call, CLIENT_NOT_SENT, detail);
		return;
	}
	client_call_list_first(call);
	client_call_arm(call);
	client_look_at_waiting(c);
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
		client_link_leave(call, false);
		client_call_free(call);
		return false;
	}
	if (why) {
		client_call_finish(call, CLIENT_UNKNOWN, why);
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
		client_call_finish(call, CLIENT_UNKNOWN,
				   rc == RC_LIMIT   ? "the answer is too large"
				   : rc == RC_NOMEM ? "no memory for the answer"
						    : "the answer is malformed");
		return false;
	}
	call->is_whole = rc == RC_OK;
	if (call->is_stream && !give_events(call)) {
		return false;
	}
	if (call->is_whole) {
		client_call_finish(call, CLIENT_ANSWERED, "");
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
			client_call_finish(call, CLIENT_UNKNOWN, "the answer's head is malformed");
			return false;
		}
		if (head->status >= 200) {
			break;
		}
		if (++call->n_interim > MAX_INTERIM_HEADS) {
			client_call_finish(call, CLIENT_UNKNOWN, "too many interim answers");
			return false;
		}
		conn_consume(conn, head->head_bytes);
		call->scanned = 0;
	}
	if (keep_head(call, head->head_bytes) != RC_OK) {
		client_call_finish(call, CLIENT_UNKNOWN, "no memory for the answer");
		return false;
	}
	call->is_stream = call->handlers->event &&
			  str_eq_nocase(http_media_type(http_header_get(head, STR("Content-Type"))),
					STR("text/event-stream"));
	if (call->is_stream) {
		call->framing = http_body_of(head, LIMIT_CLIENT_STREAM_BYTES);
		call->body.max =
		    CLIENT_INPUT_BYTES; /* between the chunks and the reader of events */
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
	client_link_send(link->call, link);
}

static void on_input(void *ctx, struct conn *conn)
{
	struct link *link = ctx;
	struct client_call *call = link->call;

	(void)conn;
	if (!call || call->state == WAITING) {
		client_link_free(link); /* nobody asked: (2) */
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
		client_link_free(link);
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
		client_link_free(link);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s%s%s", conn_end_text(why), *detail ? ": " : "",
		       detail); /* may be cut */
	if (call->state == RECEIVING && why == CONN_ENDED &&
	    http_body_end(&call->framing, NULL) == RC_OK) {
		call->head.keeps_alive = false;
		client_call_finish(call, CLIENT_ANSWERED, "");
		return;
	}
	if (is_sent) {
		client_call_finish(call, CLIENT_UNKNOWN, text);
		return;
	}
	if (has_failed) {
		call->n_failed++;
		link->client->address = (link->address + 1) % link->client->conf.n_addresses;
	}
	client_link_free(link);
	try_again(call, text);
}

static const struct conn_handlers conn_handlers = {
    .ready = on_ready,
    .input = on_input,
    .timeout = on_timeout,
    .closed = on_closed,
};

enum rc client_link_open(struct client_call *call, struct err *e)
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

/* A pooled connection on which nothing has come since its last answer: not even its end. */
static bool is_quiet(const struct link *link)
{
	char byte;

	return recv(conn_fd(link->conn), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

struct link *client_link_take_idle(struct client *c)
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
		client_link_free(link);
	}
	return NULL;
}
