/* SPDX-License-Identifier: Apache-2.0 */
#include "pki.h"

#include <errno.h>
#include <sys/socket.h>

#include "net/http_server.h"
#include "upstream/client.h"

#include "fake_clock.h"

/* A client, and an upstream that is a bare listening socket, so that it can misbehave. */
struct world {
	struct loop *l;
	struct client *c;
	int door;
	struct address address;
};

static struct world w;

/* What became of one call. */
struct call {
	struct client_call *call;
	int done;
	enum client_fate fate;
	unsigned status;
	char body[256];
	size_t body_n;
	char detail[300];
	char header[64];
	bool was_stream;
	int events;
	char last_event[64];
	int cancel_at_event;
};

static void on_event(void *ctx, struct client_call *call, const struct sse_event *event)
{
	struct call *x = ctx;

	assert_ptr_equal(call, x->call);
	x->events++;
	(void)snprintf(x->last_event, sizeof(x->last_event), STR_FMT, STR_ARG(event->data));
	if (x->events == x->cancel_at_event) {
		assert_int_equal(client_cancel(call), CLIENT_UNKNOWN);
	}
}

static void on_done(void *ctx, struct client_call *call, const struct client_result *result)
{
	struct call *x = ctx;

	assert_ptr_equal(call, x->call);
	assert_int_equal(x->done, 0);
	x->done++;
	x->fate = result->fate;
	x->body_n = result->body.n;
	(void)snprintf(x->body, sizeof(x->body), STR_FMT, STR_ARG(result->body));
	(void)snprintf(x->detail, sizeof(x->detail), "%s", result->detail);
	x->was_stream = result->was_stream;
	if (result->head) {
		struct str h = http_header_get(result->head, STR("Mcp-Session-Id"));

		x->status = result->head->status;
		(void)snprintf(x->header, sizeof(x->header), STR_FMT, STR_ARG(h));
	}
}

static const struct client_handlers handlers = {.event = on_event, .done = on_done};

static int listen_at(struct address *ret)
{
	int fd = -1;
	struct sockaddr_storage sa = {0};
	socklen_t n = sizeof(sa);

	assert_ok(listen_open(STR("127.0.0.1:0"), 0, &fd, NULL));
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	*ret = (struct address){.n = n};
	memcpy(ret->bytes, &sa, n);
	return fd;
}

static struct client *new_client(const struct address *to, size_t n, unsigned max_connections)
{
	struct client_conf conf = client_conf_default();
	struct client *c = NULL;

	for (size_t i = 0; i < n; i++) {
		conf.addresses[i] = to[i];
	}
	conf.n_addresses = n;
	conf.host = "upstream.test";
	conf.max_connections = max_connections;
	conf.max_response_bytes = 1000;
	assert_ok(client_new(w.l, &conf, &c, NULL));
	return c;
}

static int set_up(void **state)
{
	(void)state;
	w = (struct world){0};
	assert_ok(loop_new(&fake_clock, &w.l, NULL));
	w.door = listen_at(&w.address);
	w.c = new_client(&w.address, 1, 2);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	client_free(w.c);
	loop_free(w.l);
	close(w.door);
	return 0;
}

static void steps(int n)
{
	for (int i = 0; i < n; i++) {
		fake_clock_advance_ms(1);
		assert_ok(loop_step(w.l, 1, NULL));
	}
}

static void start_with(struct call *x, struct client_request r)
{
	struct err e = ERR_INIT;

	*x = (struct call){0};
	r.target = STR("/mcp");
	if (r.timeout_ms == 0) {
		r.timeout_ms = 1000;
	}
	if (client_call(w.c, &r, &handlers, x, &x->call, &e) != RC_OK) {
		fail_msg("%s", e.msg);
	}
}

static void start(struct call *x, const char *body)
{
	start_with(x, (struct client_request){.body = str_from(body)});
}

/* The upstream's side. */
static int meet(void)
{
	for (int i = 0; i < 100; i++) {
		int fd = accept4(w.door, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0) {
			return fd;
		}
		steps(1);
	}
	return -1;
}

static bool nobody_knocks(void)
{
	steps(10);
	return accept4(w.door, NULL, NULL, SOCK_CLOEXEC) < 0 && errno == EAGAIN;
}

static const char *hear(int fd)
{
	static char text[16384];
	size_t n = 0;

	for (int silent = 0; silent < 5; silent++) {
		ssize_t got = recv(fd, text + n, sizeof(text) - 1 - n, MSG_DONTWAIT);

		if (got > 0) {
			n += (size_t)got;
			silent = 0;
		}
		steps(1);
	}
	text[n] = '\0';
	return text;
}

static void say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	steps(3);
}

static bool is_closed(int fd)
{
	char byte;

	steps(3);
	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void reset(int fd)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(fd);
	steps(3);
}

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

static void a_call_is_answered_and_the_connection_used_again(void **state)
{
	(void)state;
	static const struct http_field fields[] = {{STR("Accept"), STR("application/json")},
						   {STR("Authorization"), STR("Bearer x")}};
	static struct call x;
	const char *got;
	int fd;

	start_with(
	    &x, (struct client_request){.fields = fields, .n_fields = 2, .body = STR("{\"a\":1}")});
	fd = meet();
	got = hear(fd);
	assert_string_equal(got, "POST /mcp HTTP/1.1\r\nHost: upstream.test\r\n"
				 "Accept: application/json\r\nAuthorization: Bearer x\r\n"
				 "Content-Length: 7\r\n\r\n{\"a\":1}");
	assert_true(client_call_is_sent(x.call));
	assert_int_equal(x.done, 0);
	say(fd, OK_HEAD "Mcp-Session-Id: s1\r\nContent-Length: 5\r\n\r\nhel");
	assert_int_equal(x.done, 0);
	say(fd, "lo");
	assert_int_equal(x.done, 1);
	assert_int_equal(x.fate, CLIENT_ANSWERED);
	assert_int_equal(x.status, 200);
	assert_string_equal(x.body, "hello");
	assert_string_equal(x.header, "s1");
	assert_false(x.was_stream);
	assert_int_equal(client_calls(w.c), 0);
	assert_int_equal(client_connections(w.c), 1);

	start(&x, "two");
	assert_non_null(strstr(hear(fd), "\r\n\r\ntwo"));
	say(fd, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 Oops\r\n"
		"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
	assert_int_equal(x.fate, CLIENT_ANSWERED);
	assert_int_equal(x.status, 500);
	assert_string_equal(x.body, "abc");
	assert_true(nobody_knocks());
	close(fd);
}

static void a_connection_that_dies_after_the_request_was_read_is_unknown(void **state)
{
	(void)state;

	/* Fresh, and pooled; closed, and reset. */
	for (int i = 0; i < 4; i++) {
		bool is_pooled = i & 1;
		static struct call x;
		int fd;

		tear_down(NULL);
		set_up(NULL);
		start(&x, "once");
		fd = meet();
		assert_non_null(strstr(hear(fd), "once"));
		if (is_pooled) {
			say(fd, OK_HEAD "Content-Length: 0\r\n\r\n");
			assert_int_equal(x.fate, CLIENT_ANSWERED);
			start(&x, "once");
			assert_non_null(strstr(hear(fd), "once"));
		}
		assert_int_equal(x.done, 0);
		if (i & 2) {
			reset(fd);
		} else {
			close(fd);
			steps(3);
		}
		assert_int_equal(x.done, 1);
		assert_int_equal(x.fate, CLIENT_UNKNOWN);
		assert_int_equal(x.status, 0);
		/* And the upstream saw it exactly once: nobody comes with it again. */
		assert_true(nobody_knocks());
		assert_int_equal(client_connections(w.c), 0);
	}
}

static void a_dead_pooled_connection_is_replaced_before_anything_is_sent(void **state)
{
	(void)state;
	static struct call x;
	int fd;

	start(&x, "one");
	fd = meet();
	(void)hear(fd); /* read it */
	say(fd, OK_HEAD "Content-Length: 0\r\n\r\n");
	assert_int_equal(x.fate, CLIENT_ANSWERED);

	/* It dies in the same moment as the next call comes: the loop has not seen it yet. */
	close(fd);
	start(&x, "two");
	fd = meet();
	assert_true(fd >= 0);
	assert_non_null(strstr(hear(fd), "two"));
	say(fd, OK_HEAD "Content-Length: 0\r\n\r\n");
	assert_int_equal(x.fate, CLIENT_ANSWERED);

	/* The upstream says goodbye at leisure. */
	close(fd);
	steps(3);
	assert_int_equal(client_connections(w.c), 0);
	start(&x, "three");
	fd = meet();
	assert_non_null(strstr(hear(fd), "three"));
	close(fd);
}

static void nobody_listening_means_not_sent(void **state)
{
	(void)state;
	static struct call x;

	close(w.door);
	start(&x, "x");
	steps(5);
	assert_int_equal(x.done, 1);
	assert_int_equal(x.fate, CLIENT_NOT_SENT);
	assert_string_not_equal(x.detail, "");
	w.door = listen_at(&w.address); /* for tear_down */
}

static void the_next_address_is_tried_while_nothing_was_sent(void **state)
{
	(void)state;
	struct address addresses[2];
	static struct call x;
	int fd = listen_at(&addresses[0]);

	close(fd); /* nobody there */
	addresses[1] = w.address;
	client_free(w.c);
	w.c = new_client(addresses, 2, 2);
	start(&x, "x");
	fd = meet();
	assert_true(fd >= 0);
	assert_non_null(strstr(hear(fd), "x"));
	close(fd); /* but not once it was: */
	steps(5);
	assert_int_equal(x.fate, CLIENT_UNKNOWN);
	assert_true(nobody_knocks());
}

struct answer {
	const char *what;
	const char *text;
	bool closes;
	enum client_fate fate;
};

static void only_a_whole_answer_counts(void **state)
{
	(void)state;
	static const struct answer table[] = {
	    {"whole", OK_HEAD "Content-Length: 2\r\n\r\nab", false, CLIENT_ANSWERED},
	    {"until close", OK_HEAD "\r\nab", true, CLIENT_ANSWERED},
	    {"cut in the head", OK_HEAD, true, CLIENT_UNKNOWN},
	    {"cut in the body", OK_HEAD "Content-Length: 2\r\n\r\na", true, CLIENT_UNKNOWN},
	    {"cut in chunks", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", true,
	     CLIENT_UNKNOWN},
	    {"no HTTP", "SSH-2.0-x\r\n\r\n", false, CLIENT_UNKNOWN},
	    {"two lengths", OK_HEAD "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", false,
	     CLIENT_UNKNOWN},
	    {"too large", OK_HEAD "Content-Length: 1001\r\n\r\n", false, CLIENT_UNKNOWN},
	    {"broken chunks", OK_HEAD "Transfer-Encoding: chunked\r\n\r\nx\r\n", false,
	     CLIENT_UNKNOWN},
	    {"a redirect", "HTTP/1.1 307 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", false,
	     CLIENT_ANSWERED},
	    {"another protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n", false, CLIENT_UNKNOWN},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		static struct call x;
		int fd;

		start(&x, "x");
		fd = meet();
		(void)hear(fd); /* read it */
		say(fd, table[i].text);
		if (table[i].closes) {
			assert_int_equal(x.done, 0);
			close(fd);
			steps(3);
		}
		if (x.done != 1 || x.fate != table[i].fate) {
			fail_msg("%s: %d %s %s", table[i].what, x.done, client_fate_text(x.fate),
				 x.detail);
		}
		assert_true(nobody_knocks()); /* nothing is followed or repeated */
		if (!table[i].closes) {
			close(fd);
			steps(3);
		}
		assert_int_equal(client_connections(w.c), 0);
	}
}

static void left_over_bytes_end_the_connection(void **state)
{
	(void)state;
	static struct call x;
	int fd;

	start(&x, "x");
	fd = meet();
	(void)hear(fd); /* read it */
	say(fd, OK_HEAD "Content-Length: 2\r\n\r\nab" OK_HEAD "Content-Length: 2\r\n\r\ncd");
	assert_int_equal(x.fate, CLIENT_ANSWERED);
	assert_string_equal(x.body, "ab");
	assert_true(is_closed(fd));
	close(fd);

	start(&x, "x"); /* the same, but later: an answer to nothing */
	fd = meet();
	(void)hear(fd);
	say(fd, OK_HEAD "Content-Length: 2\r\n\r\nab");
	assert_int_equal(client_connections(w.c), 1);
	say(fd, OK_HEAD "Content-Length: 2\r\n\r\ncd");
	assert_int_equal(client_connections(w.c), 0);
	assert_true(is_closed(fd));
	close(fd);

	start(&x, "x"); /* the upstream's wish */
	fd = meet();
	(void)hear(fd);
	say(fd, OK_HEAD "Connection: close\r\nContent-Length: 2\r\n\r\nab");
	assert_int_equal(x.fate, CLIENT_ANSWERED);
	assert_true(is_closed(fd));
	close(fd);
}

static void events_are_given_out_as_they_come(void **state)
{
	(void)state;
	static struct call x;
	int fd;

	start(&x, "x");
	fd = meet();
	(void)hear(fd);
	say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
		"Transfer-Encoding: chunked\r\n\r\n11\r\ndata: one\n\ndata: \r\n");
	assert_int_equal(x.events, 1);
	assert_string_equal(x.last_event, "one");
	say(fd, "5\r\ntwo\n\n\r\n");
	assert_int_equal(x.events, 2);
	assert_string_equal(x.last_event, "two");
	assert_int_equal(x.done, 0);
	say(fd, "0\r\n\r\n");
	assert_int_equal(x.done, 1);
	assert_int_equal(x.fate, CLIENT_ANSWERED);
	assert_true(x.was_stream);
	assert_int_equal(x.body_n, 0);
	assert_int_equal(client_connections(w.c), 1);

	start(&x, "x"); /* cut */
	(void)hear(fd);
	say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		"Transfer-Encoding: chunked\r\n\r\nb\r\ndata: one\n\n\r\n");
	assert_int_equal(x.events, 1);
	close(fd);
	steps(3);
	assert_int_equal(x.fate, CLIENT_UNKNOWN);

	start(&x, "x"); /* the caller has seen enough */
	x.cancel_at_event = 1;
	fd = meet();
	(void)hear(fd);
	say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		"Transfer-Encoding: chunked\r\n\r\n16\r\ndata: one\n\ndata: two\n\n\r\n");
	assert_int_equal(x.events, 1);
	assert_int_equal(x.done, 0);
	assert_int_equal(client_calls(w.c), 0);
	assert_true(is_closed(fd));
	close(fd);

	start(&x, "x"); /* an event over the limit */
	fd = meet();
	(void)hear(fd);
	say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
	for (int i = 0; i < 12 && !x.done; i++) {
		char line[128];

		(void)snprintf(line, sizeof(line), "data: %0100d\n", i);
		say(fd, line);
	}
	assert_int_equal(x.done, 1);
	assert_int_equal(x.fate, CLIENT_UNKNOWN);
	close(fd);
}

static void time_outs_say_whether_it_was_sent(void **state)
{
	(void)state;
	static struct call x;
	static struct call y;
	static struct call z;
	int fds[2];

	start_with(&x, (struct client_request){.timeout_ms = 50});
	start_with(&y, (struct client_request){.timeout_ms = 5000});
	start_with(&z, (struct client_request){.timeout_ms = 30}); /* two connections at most */
	fds[0] = meet();
	fds[1] = meet();
	(void)hear(fds[0]);
	assert_true(client_call_is_sent(x.call));
	assert_false(client_call_is_sent(z.call));
	steps(60);
	assert_int_equal(z.fate, CLIENT_NOT_SENT);
	assert_int_equal(z.done, 1);
	assert_int_equal(x.done, 1);
	assert_int_equal(x.fate, CLIENT_UNKNOWN);
	assert_int_equal(y.done, 0);
	assert_int_equal(client_cancel(y.call), CLIENT_UNKNOWN);
	steps(3);
	assert_int_equal(y.done, 0);
	assert_int_equal(client_calls(w.c), 0);
	assert_int_equal(client_connections(w.c), 0);
	close(fds[0]);
	close(fds[1]);
}

static void nothing_is_sent_after_its_send_by(void **state)
{
	(void)state;
	static struct call x;
	static struct call y;
	static struct call z;
	int fd;

	client_free(w.c);
	w.c = new_client(&w.address, 1, 1);
	start(&x, "x");
	start_with(&y, (struct client_request){.body = STR("late"),
					       .send_by_boot_ns = fake_now_ns + 20 * 1000000});
	start_with(&z, (struct client_request){.body = STR("early"),
					       .send_by_boot_ns = fake_now_ns + 900 * 1000000});
	fd = meet();
	(void)hear(fd);
	fake_clock_advance_ms(100);
	/* The connection is free at last; the loop learns of both in one round. */
	say(fd, OK_HEAD "Content-Length: 0\r\n\r\n");
	assert_int_equal(x.fate, CLIENT_ANSWERED);
	assert_int_equal(y.done, 1);
	assert_int_equal(y.fate, CLIENT_NOT_SENT);
	assert_non_null(strstr(hear(fd), "early"));
	assert_int_equal(z.done, 0);
	close(fd);
}

static void waiting_calls_get_connections_in_order(void **state)
{
	(void)state;
	static struct call calls[5];
	static const char *const bodies[] = {"c0", "c1", "c2", "c3", "c4"};
	int fd;

	client_free(w.c);
	w.c = new_client(&w.address, 1, 1);
	for (size_t i = 0; i < 5; i++) {
		start(&calls[i], bodies[i]);
	}
	fd = meet();
	assert_int_equal(client_cancel(calls[2].call), CLIENT_NOT_SENT);
	for (size_t i = 0; i < 5; i++) {
		const char *got;

		if (i == 2) {
			continue;
		}
		got = hear(fd);
		assert_non_null(strstr(got, bodies[i]));
		assert_null(strstr(got + 1, "POST")); /* one at a time */
		say(fd, OK_HEAD "Content-Length: 0\r\n\r\n");
		assert_int_equal(calls[i].done, 1);
	}
	assert_int_equal(calls[2].done, 0);
	assert_true(nobody_knocks());
	assert_int_equal(client_connections(w.c), 1);
	close(fd);
}

static void idle_connections_are_given_up(void **state)
{
	(void)state;
	static struct call x;
	int fd;

	start(&x, "x");
	fd = meet();
	(void)hear(fd);
	say(fd, OK_HEAD "Content-Length: 0\r\n\r\n");
	fake_clock_advance_ms(19000);
	steps(2);
	assert_int_equal(client_connections(w.c), 1);
	fake_clock_advance_ms(1000);
	steps(2);
	assert_int_equal(client_connections(w.c), 0);
	assert_true(is_closed(fd));
	close(fd);
}

static void what_is_no_request_is_refused_at_once(void **state)
{
	(void)state;
	static const struct http_field bad = {STR("X"), STR("a\r\nB: c")};
	static const struct http_field host = {STR("Host"), STR("elsewhere")};
	struct client_request r = {.target = STR("/mcp"), .timeout_ms = 100};
	struct client_call *call = NULL;

	r.fields = &bad;
	r.n_fields = 1;
	assert_rc(client_call(w.c, &r, &handlers, NULL, &call, NULL), RC_INPUT);
	r.fields = &host;
	assert_int_not_equal(client_call(w.c, &r, &handlers, NULL, &call, NULL), RC_OK);
	r.n_fields = 0;
	r.target = STR("http://elsewhere/mcp");
	assert_rc(client_call(w.c, &r, &handlers, NULL, &call, NULL), RC_INPUT);
	assert_null(call);
	assert_int_equal(client_calls(w.c), 0);
	assert_true(nobody_knocks());
}

static void freeing_the_client_settles_its_calls(void **state)
{
	(void)state;
	static struct call x;
	static struct call y;
	static struct call z;
	int fd;

	client_free(w.c);
	w.c = new_client(&w.address, 1, 1);
	start(&x, "x");
	start(&y, "y");
	fd = meet();
	(void)hear(fd);
	client_free(w.c);
	assert_int_equal(x.done, 1);
	assert_int_equal(x.fate, CLIENT_UNKNOWN);
	assert_int_equal(y.done, 1);
	assert_int_equal(y.fate, CLIENT_NOT_SENT);
	close(fd);
	w.c = new_client(&w.address, 1, 1);
	start(&z, "z"); /* not even connecting */
	client_free(w.c);
	assert_int_equal(z.fate, CLIENT_NOT_SENT);
	assert_int_equal(z.done, 1);
	w.c = new_client(&w.address, 1, 1);
}

/* The nth allocation and all after it fail during a call; then memory is back. */
static void no_memory_at_any_point_is_never_a_lie(void **state)
{
	(void)state;
	size_t blocks = mem_blocks();
	bool was_answered = false;

	for (size_t nth = 1; nth < 30; nth++) {
		static struct call x;
		struct client_request r = {
		    .target = STR("/mcp"), .body = STR("once"), .timeout_ms = 100};
		bool has_seen = false;
		int fd = -1;

		x = (struct call){0};
		mem_fail_after(nth);
		if (client_call(w.c, &r, &handlers, &x, &x.call, NULL) != RC_OK) {
			mem_fail_after(0);
			assert_int_equal(client_calls(w.c), 0);
			continue;
		}
		for (int i = 0; i < 20 && fd < 0; i++) {
			steps(1);
			fd = accept4(w.door, NULL, NULL, SOCK_CLOEXEC);
		}
		if (fd >= 0) {
			has_seen = strstr(hear(fd), "once") != NULL;
			(void)!write(fd, OK_HEAD "Content-Length: 2\r\n\r\nab", 72);
		}
		steps(110);
		mem_fail_after(0);
		assert_int_equal(x.done, 1);
		/* What was seen is never called not sent, and what was not is never answered. */
		assert_false(has_seen && x.fate == CLIENT_NOT_SENT);
		assert_false(!has_seen && x.fate == CLIENT_ANSWERED);
		was_answered |= x.fate == CLIENT_ANSWERED;
		assert_true(nobody_knocks());
		if (fd >= 0) {
			close(fd);
		}
		steps(5);
		assert_int_equal(client_connections(w.c), 0);
		assert_int_equal(client_calls(w.c), 0);
	}
	assert_true(was_answered);			   /* with enough memory */
	assert_in_range(mem_blocks(), blocks, blocks + 1); /* the loop's heap */
}

/* Over TLS, against our own server, in the same process and on the same loop. */
static int served;
static bool abort_requests;

static void serve(void *ctx, struct http_request *r)
{
	(void)ctx;
	served++;
	if (abort_requests) {
		http_request_abort(r);
	} else {
		http_answer(r, 200, STR("application/json"), http_request_body(r));
	}
}

static void the_promise_holds_over_tls(void **state)
{
	(void)state;
	static const struct http_server_handlers server_handlers = {.request = serve};
	char dir[] = "/tmp/remit-test-client-XXXXXX";
	char paths[4][64];
	struct pki_cert ca = pki_issue(&PKI_CA_SPEC, NULL);
	struct pki_cert leaf = pki_issue(&PKI_LEAF_SPEC("DNS:upstream.test"), &ca);
	struct http_server_conf server_conf = http_server_conf_default();
	struct client_conf conf = client_conf_default();
	struct http_server *s = NULL;
	struct tls_context *wrong = NULL;
	static struct call x;

	assert_non_null(mkdtemp(dir));
	pki_save(&leaf, dir, "s");
	pki_save(&ca, dir, "ca");
	(void)snprintf(paths[0], 64, "%s/s.pem", dir);
	(void)snprintf(paths[1], 64, "%s/s.key", dir);
	(void)snprintf(paths[2], 64, "%s/ca.pem", dir);
	(void)snprintf(paths[3], 64, "%s/ca.key", dir);
	assert_ok(
	    tls_server_for_people(&(struct tls_files){paths[0], paths[1]}, &server_conf.tls, NULL));
	assert_ok(
	    tls_client(&(struct tls_client_conf){.ca_path = paths[2], .host = "upstream.test"},
		       &conf.tls, NULL));
	assert_ok(tls_client(&(struct tls_client_conf){.ca_path = paths[2], .host = "other.test"},
			     &wrong, NULL));
	assert_ok(http_server_new(w.l, w.door, &server_conf, &server_handlers, NULL, &s, NULL));
	conf.addresses[0] = w.address;
	conf.n_addresses = 1;
	conf.host = "upstream.test";
	client_free(w.c);
	assert_ok(client_new(w.l, &conf, &w.c, NULL));

	served = 0;
	abort_requests = false;
	for (int i = 1; i <= 3; i++) {
		start(&x, "{\"over\":\"tls\"}");
		for (int n = 0; n < 200 && !x.done; n++) {
			steps(1);
		}
		assert_int_equal(x.fate, CLIENT_ANSWERED);
		assert_string_equal(x.body, "{\"over\":\"tls\"}");
		assert_int_equal(served, i);
		assert_int_equal(client_connections(w.c), 1);
	}
	abort_requests = true;
	start(&x, "{}");
	steps(30);
	assert_int_equal(x.done, 1);
	assert_int_equal(x.fate, CLIENT_UNKNOWN);
	assert_int_equal(served, 4); /* exactly once more */

	tls_context_unref(conf.tls);
	conf.tls = wrong;
	client_free(w.c);
	assert_ok(client_new(w.l, &conf, &w.c, NULL));
	start(&x, "{}");
	steps(60);
	assert_int_equal(x.done, 1);
	assert_int_equal(x.fate, CLIENT_NOT_SENT); /* not to somebody else */
	assert_int_equal(served, 4);

	http_server_free(s);
	tls_context_unref(server_conf.tls);
	tls_context_unref(wrong);
	for (size_t i = 0; i < 4; i++) {
		unlink(paths[i]);
	}
	rmdir(dir);
	pki_free(&ca);
	pki_free(&leaf);
	w.door = listen_at(&w.address); /* for tear_down */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(a_call_is_answered_and_the_connection_used_again),
	    T(a_connection_that_dies_after_the_request_was_read_is_unknown),
	    T(a_dead_pooled_connection_is_replaced_before_anything_is_sent),
	    T(nobody_listening_means_not_sent),
	    T(the_next_address_is_tried_while_nothing_was_sent),
	    T(only_a_whole_answer_counts),
	    T(left_over_bytes_end_the_connection),
	    T(events_are_given_out_as_they_come),
	    T(time_outs_say_whether_it_was_sent),
	    T(nothing_is_sent_after_its_send_by),
	    T(waiting_calls_get_connections_in_order),
	    T(idle_connections_are_given_up),
	    T(what_is_no_request_is_refused_at_once),
	    T(freeing_the_client_settles_its_calls),
	    T(no_memory_at_any_point_is_never_a_lie),
	    T(the_promise_holds_over_tls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
