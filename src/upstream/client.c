/* SPDX-License-Identifier: Apache-2.0 */
/* upstream/client.c - calls: from the caller's request to its result.
 *
 * Trust:  the requests are ours; answers are hostile, and only carried here.
 * Holds, States: client_impl.h.
 */
#include "upstream/client_impl.h"

#include <string.h>

#include "base/mem.h"

enum { STALL_MS = 30000 };

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

void client_look_at_waiting(struct client *c)
{
	/* Without memory for it, the next event or time-out of a call looks. */
	(void)loop_timer_in(c->loop, &c->soon, 0);
}

static void unlist(struct client_call *call)
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

static void list_last(struct client_call *call)
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

void client_call_list_first(struct client_call *call)
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

void client_call_wipe(struct client_call *call)
{
	if (call->request.n) {
		explicit_bzero(call->request.p, call->request.n);
	}
	buf_fini(&call->request);
}

void client_call_free(struct client_call *call)
{
	struct client *c = call->client;

	unlist(call);
	c->n_calls--;
	loop_timer_clear(c->loop, &call->timer);
	client_call_wipe(call);
	buf_fini(&call->head_bytes);
	buf_fini(&call->body);
	sse_reader_fini(&call->events);
	mem_free(call);
}

const struct http_head *client_call_head(const struct client_call *call)
{
	return &call->head;
}

bool client_call_is_sent(const struct client_call *call)
{
	return call->state != WAITING &&
	       (!call->link || conn_sent_mark(call->link->conn) != call->sent_mark);
}

void client_call_finish(struct client_call *call, enum client_fate fate, const char *detail)
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

	client_link_leave(call, is_clean);
	unlist(call);
	loop_timer_clear(call->client->loop, &call->timer);
	call->is_in_handler = true; /* cancelling it now changes nothing */
	call->handlers->done(call->ctx, call, &result);
	client_call_free(call);
}

/* As far as it got: not sent, or unknown. */
static void give_up(struct client_call *call, const char *detail)
{
	client_call_finish(call, client_call_is_sent(call) ? CLIENT_UNKNOWN : CLIENT_NOT_SENT,
			   detail);
}

enum client_fate client_cancel(struct client_call *call)
{
	enum client_fate fate = client_call_is_sent(call) ? CLIENT_UNKNOWN : CLIENT_NOT_SENT;

	if (call->is_in_handler) {
		call->is_cancelled = true; /* whoever called the handler cleans up */
		return fate;
	}
	client_link_leave(call, false);
	client_call_free(call);
	return fate;
}

void client_call_arm(struct client_call *call)
{
	uint64_t at_ns = call->end_boot_ns;

	if (call->state == WAITING && call->send_by_boot_ns &&
	    call->send_by_boot_ns < call->end_boot_ns) {
		at_ns = call->send_by_boot_ns;
	}
	/* The timer is set already: moving it needs no memory. */
	(void)loop_timer_set(call->client->loop, &call->timer, at_ns);
}

bool client_call_is_too_late(const struct client_call *call)
{
	uint64_t now_ns = clock_boot_ns(loop_clock(call->client->loop));

	return now_ns >= call->end_boot_ns ||
	       (call->send_by_boot_ns && now_ns >= call->send_by_boot_ns);
}

/* Gives the call that has waited longest a connection. False: there is none for now. */
static bool serve(struct client_call *call)
{
	struct client *c = call->client;
	struct err e = ERR_INIT;
	struct link *link;

	if (client_call_is_too_late(call)) {
		client_call_finish(call, CLIENT_NOT_SENT, "too late to send it");
		return true;
	}
	link = client_link_take_idle(c);
	if (!link && c->n_links >= c->conf.max_connections) {
		return false;
	}
	unlist(call);
	if (link) {
		client_link_send(call, link);
		return true;
	}
	while (client_link_open(call, &e) != RC_OK) {
		c->address = (c->address + 1) % c->conf.n_addresses;
		if (++call->n_failed >= c->conf.n_addresses) {
			client_call_finish(call, CLIENT_NOT_SENT, e.msg);
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
		client_call_wipe(*p);
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
	client_call_arm(call);
	list_last(call);
	c->n_calls++;
	*ret = call;
	client_look_at_waiting(c); /* from the loop, so that done never comes before we return */
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
	    .max_input_bytes = CLIENT_INPUT_BYTES,
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
			client_link_free(c->links);
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
