/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_server.h"

#include "fake_clock.h"

/* A server whose handler does what the path says, and clients that are bare sockets. */
struct world {
	struct loop *l;
	struct http_server *s;
	int requests;
	int gone;
	int stopped;
	int sessions;	 /* inits minus finis */
	int session_max; /* most requests seen on one connection */
	struct http_request *held[8];
	size_t n_held;
	char last_body[64];
	size_t last_body_n;
	enum rc stream_rc;
};

static struct world w;

static bool is_path(const struct http_request *r, const char *path)
{
	return str_eq(http_request_head(r)->path, str_from(path));
}

static void flood(struct http_request *r)
{
	static char big[100000];

	assert_ok(http_stream_start(r, 200, STR("text/plain"), NULL, 0, NULL));
	do {
		w.stream_rc = http_stream_send(r, str_of(big, sizeof(big)));
	} while (w.stream_rc == RC_OK);
	http_request_abort(r);
}

static void handle(void *ctx, struct http_request *r)
{
	static const struct http_field field = {STR("X-Test"), STR("yes")};
	struct str body = http_request_body(r);
	int *seen = http_request_session(r);

	assert_ptr_equal(ctx, &w);
	w.requests++;
	*seen += 1;
	w.session_max = *seen > w.session_max ? *seen : w.session_max;
	w.last_body_n = body.n;
	memset(w.last_body, 0, sizeof(w.last_body));
	if (body.n) {
		memcpy(w.last_body, body.p, body.n < 63 ? body.n : 63);
	}
	if (is_path(r, "/echo")) {
		http_answer(r, 200, STR("text/plain"), body.n ? body : STR("nothing"));
	} else if (is_path(r, "/field")) {
		http_answer_with(r, 200, STR("text/plain"), &field, 1, STR("x"));
	} else if (is_path(r, "/none")) {
		http_answer(r, 204, STR_NULL, STR_NULL);
	} else if (is_path(r, "/bye")) {
		http_answer_and_close(r, 403, STR("text/plain"), STR("bye"));
	} else if (is_path(r, "/problem")) {
		http_answer_problem(r, 404, STR("no \"such\" thing"));
	} else if (is_path(r, "/abort")) {
		http_request_abort(r);
	} else if (is_path(r, "/inject")) {
		http_answer(r, 200, STR("text/plain\r\nX: y"), STR("x"));
	} else if (is_path(r, "/flood")) {
		flood(r);
	} else {
		http_request_set_data(r, &w);
		w.held[w.n_held++] = r;
	}
}

static void on_gone(void *ctx, struct http_request *r)
{
	(void)ctx;
	w.gone++;
	assert_ptr_equal(http_request_data(r), &w);
	http_answer(r, 200, STR_NULL, STR("too late")); /* harmless */
	assert_rc(http_stream_send(r, STR("x")), RC_BROKEN);
}

static void on_init(void *ctx, void *session)
{
	(void)ctx;
	assert_int_equal(*(int *)session, 0);
	w.sessions++;
}

static void on_fini(void *ctx, void *session)
{
	(void)ctx;
	(void)session;
	w.sessions--;
}

static void on_stopped(void *ctx)
{
	(void)ctx;
	w.stopped++;
}

static const struct http_server_handlers handlers = {
    .request = handle,
    .gone = on_gone,
    .session_init = on_init,
    .session_fini = on_fini,
    .stopped = on_stopped,
};

static void start(const struct http_server_conf *conf)
{
	struct err e = ERR_INIT;
	int fd = -1;

	w = (struct world){0};
	assert_ok(loop_new(&fake_clock, &w.l, &e));
	assert_ok(listen_open(STR("127.0.0.1:0"), 0, &fd, &e));
	assert_ok(http_server_new(w.l, fd, conf, &handlers, &w, &w.s, &e));
}

static struct http_server_conf quick(void)
{
	struct http_server_conf conf = http_server_conf_default();

	conf.session_bytes = sizeof(int);
	conf.max_body_bytes = 1000;
	return conf;
}

static int set_up(void **state)
{
	struct http_server_conf conf = quick();

	(void)state;
	start(&conf);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_server_free(w.s);
	assert_int_equal(w.sessions, 0);
	loop_free(w.l);
	return 0;
}

static void restart(const struct http_server_conf *conf)
{
	http_server_free(w.s);
	loop_free(w.l);
	start(conf);
}

static int dial(void)
{
	struct address a;
	struct sockaddr_storage sa = {0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_ok(http_server_address(w.s, &a, NULL));
	memcpy(&sa, a.bytes, a.n);
	assert_int_equal(connect(fd, (const struct sockaddr *)&sa, a.n), 0);
	return fd;
}

static void steps(int n)
{
	for (int i = 0; i < n; i++) {
		fake_clock_advance_ms(1);
		assert_ok(loop_step(w.l, 1, NULL));
	}
}

static void say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* What the server says until it is silent; *ret_closed when it closed. */
static const char *hear(int fd, bool *ret_closed)
{
	static char text[65536];
	size_t n = 0;
	bool closed = false;

	for (int silent = 0; silent < 8 && !closed; silent++) {
		ssize_t got;

		steps(1);
		got = recv(fd, text + n, sizeof(text) - 1 - n, MSG_DONTWAIT);
		if (got > 0) {
			n += (size_t)got;
			silent = 0;
		}
		closed = got == 0;
	}
	text[n] = '\0';
	if (ret_closed) {
		*ret_closed = closed;
	}
	return text;
}

#define assert_has(text, part)                                                                     \
	do {                                                                                       \
		const char *has_text_ = (text);                                                    \
		if (!strstr(has_text_, (part))) {                                                  \
			fail_msg("'%s' not in '%s'", (part), has_text_);                           \
		}                                                                                  \
	} while (0)

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = strstr(text, part); p; p = strstr(p + 1, part)) {
		n++;
	}
	return n;
}

static void a_request_is_answered_and_the_connection_stays(void **state)
{
	(void)state;
	int fd = dial();
	bool closed;

	for (int i = 0; i < 3; i++) {
		const char *got;

		say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
		got = hear(fd, &closed);
		assert_has(got, "HTTP/1.1 200 OK\r\n");
		assert_has(got, "\r\nContent-Length: 5\r\n");
		assert_has(got, "\r\nDate: ");
		assert_has(got, " GMT\r\n");
		assert_has(got, "\r\n\r\nhello");
		assert_null(strstr(got, "Connection"));
		assert_false(closed);
	}
	assert_int_equal(w.requests, 3);
	assert_int_equal(w.session_max, 3);
	say(fd, "GET /field HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_has(hear(fd, NULL), "\r\nX-Test: yes\r\n");
	say(fd, "GET /problem HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_has(hear(fd, NULL), "{\"title\":\"Not Found\",\"status\":404,"
				   "\"detail\":\"no \\\"such\\\" thing\"}");
	close(fd);
	steps(2);
	assert_int_equal(http_server_connections(w.s), 0);
	assert_int_equal(w.gone, 0);
}

static void a_request_may_come_byte_by_byte(void **state)
{
	(void)state;
	static const char *const requests[] = {
	    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
	    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
	};
	int fd = dial();

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		size_t n = strlen(requests[i]);

		for (size_t at = 0; at < n; at++) {
			assert_int_equal(w.requests, i);
			assert_int_equal(write(fd, requests[i] + at, 1), 1);
			steps(1);
		}
		assert_has(hear(fd, NULL), "\r\n\r\nhello");
		assert_string_equal(w.last_body, "hello");
	}
	close(fd);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	(void)state;
	int fd = dial();
	const char *got;

	say(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ntwo"
		"GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"
		"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		"4\r\nfour\r\n0\r\n\r\n");
	assert_string_equal(hear(fd, NULL), "");
	assert_int_equal(w.requests, 1); /* one at a time */
	http_answer(w.held[0], 200, STR_NULL, STR("one"));
	got = hear(fd, NULL);
	assert_has(got, "one");
	assert_has(got, "two");
	assert_int_equal(w.requests, 3);
	http_answer(w.held[1], 200, STR_NULL, STR("three"));
	got = hear(fd, NULL);
	assert_has(got, "three");
	assert_has(got, "four");
	assert_int_equal(w.gone, 0);
	close(fd);
}

static void a_deferred_request_keeps_its_head_and_body(void **state)
{
	(void)state;
	int fd = dial();
	const struct http_head *head;

	say(fd, "POST /hold?q=1 HTTP/1.1\r\nHost: x\r\nX-A: b\r\nContent-Length: 4\r\n\r\nbody");
	steps(3);
	say(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	steps(10);
	assert_int_equal(w.requests, 1);
	head = http_request_head(w.held[0]);
	assert_str(head->method, "POST");
	assert_str(head->query, "q=1");
	assert_str(http_header_get(head, STR("x-a")), "b");
	assert_str(http_request_body(w.held[0]), "body");
	http_answer(w.held[0], 200, STR_NULL, http_request_body(w.held[0]));
	assert_has(hear(fd, NULL), "\r\n\r\nbody");
	close(fd);
}

static void a_peer_that_goes_away_is_told_about_once(void **state)
{
	(void)state;
	int fd = dial();

	say(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
	steps(3);
	assert_int_equal(w.n_held, 1);
	assert_int_equal(w.gone, 0);
	close(fd);
	steps(3);
	assert_int_equal(w.gone, 1);
	assert_int_equal(http_server_connections(w.s), 0);

	fd = dial(); /* control: after the answer nobody is told */
	say(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
	steps(3);
	http_answer(w.held[1], 200, STR_NULL, STR("x"));
	close(fd);
	steps(3);
	assert_int_equal(w.gone, 1);
	assert_int_equal(http_server_connections(w.s), 0);
}

struct refusal {
	const char *request;
	const char *status; /* NULL: good */
};

static void what_is_no_request_never_reaches_the_handler(void **state)
{
	(void)state;
	static const struct refusal table[] = {
	    {"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", NULL},
	    {"GET /echo HTTP/1.1\r\n\r\n", "400"},
	    {"GET /echo HTTP/1.1\nHost: x\n\n", "400"},
	    {"GET /echo HTTP/1.0\r\nHost: x\r\n\r\n", "505"},
	    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab", NULL},
	    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\nab", "400"},
	    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
	     "400"},
	    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
	     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	     "400"},
	    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", "413"},
	    {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", "413"},
	    {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nab",
	     "400"},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int fd = dial();
		int before = w.requests;
		bool closed;
		const char *got;

		say(fd, table[i].request);
		got = hear(fd, &closed);
		if (table[i].status) {
			char line[32];

			(void)snprintf(line, sizeof(line), "HTTP/1.1 %s ", table[i].status);
			assert_has(got, line);
			assert_has(got, "\r\nConnection: close\r\n");
			assert_has(got, "application/problem+json");
			assert_true(closed);
			assert_int_equal(w.requests, before);
		} else {
			assert_has(got, "HTTP/1.1 200 OK\r\n");
			assert_false(closed);
			assert_int_equal(w.requests, before + 1);
		}
		close(fd);
	}
}

static void the_longest_body_is_taken_and_one_byte_more_is_not(void **state)
{
	(void)state;
	static char request[2000];

	for (int n = 1000; n <= 1001; n++) {
		int fd = dial();

		(void)snprintf(
		    request, sizeof(request),
		    "POST /none HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "%x\r\n%0*d\r\n0\r\n\r\n",
		    (unsigned)n, n, 1);
		say(fd, request);
		assert_has(hear(fd, NULL), n == 1000 ? " 204 " : " 413 ");
		close(fd);
	}
	assert_int_equal(w.requests, 1);
	assert_int_equal(w.last_body_n, 1000);
}

static void slow_peers_are_answered_408_and_idle_ones_closed(void **state)
{
	(void)state;
	struct http_server_conf conf = quick();
	bool closed;
	int fd;

	conf.idle_ms = 120;
	conf.head_ms = 30;
	conf.body_ms = 40;
	restart(&conf);

	fd = dial();
	say(fd, "GET /echo HT");
	steps(60);
	assert_has(hear(fd, &closed), "HTTP/1.1 408 ");
	assert_true(closed);
	close(fd);

	fd = dial();
	say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
	steps(20);
	say(fd, "l"); /* progress does not buy time */
	steps(60);
	assert_has(hear(fd, &closed), "HTTP/1.1 408 ");
	assert_true(closed);
	close(fd);

	fd = dial(); /* control: deferring is not slowness, and the idle time begins after it */
	say(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
	steps(200);
	http_answer(w.held[0], 200, STR_NULL, STR("x"));
	assert_has(hear(fd, &closed), "HTTP/1.1 200 ");
	assert_false(closed);
	steps(200);
	assert_string_equal(hear(fd, &closed), "");
	assert_true(closed);
	close(fd);
}

static void a_body_that_waits_for_it_is_called_for(void **state)
{
	(void)state;
	int fd = dial();

	say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
		"Content-Length: 5\r\n\r\n");
	assert_string_equal(hear(fd, NULL), "HTTP/1.1 100 Continue\r\n\r\n");
	say(fd, "hello");
	assert_has(hear(fd, NULL), "\r\n\r\nhello");
	close(fd);

	fd = dial(); /* one that is too large is not */
	say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
		"Content-Length: 5000\r\n\r\n");
	assert_has(hear(fd, NULL), "HTTP/1.1 413 ");
	close(fd);
}

static void answers_without_a_body_have_none(void **state)
{
	(void)state;
	int fd = dial();
	const char *got;

	say(fd, "HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	got = hear(fd, NULL);
	assert_has(got, "\r\nContent-Length: 7\r\n");
	assert_null(strstr(got, "nothing"));
	say(fd, "GET /none HTTP/1.1\r\nHost: x\r\n\r\n");
	got = hear(fd, NULL);
	assert_has(got, "HTTP/1.1 204 ");
	assert_null(strstr(got, "Content-Length"));
	say(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"); /* the framing held */
	assert_has(hear(fd, NULL), "\r\n\r\nnothing");
	close(fd);
}

static void closing_is_the_peers_or_the_handlers_wish(void **state)
{
	(void)state;
	bool closed;
	int fd = dial();

	say(fd, "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_has(hear(fd, &closed), "\r\nConnection: close\r\n");
	assert_true(closed);
	close(fd);
	fd = dial();
	say(fd, "GET /bye HTTP/1.1\r\nHost: x\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_has(hear(fd, &closed), "\r\n\r\nbye");
	assert_true(closed);
	close(fd);
	assert_int_equal(w.requests, 2); /* the one behind the last was not looked at */
	steps(3);
	assert_int_equal(http_server_connections(w.s), 0);
}

static void abort_and_bad_fields_close_without_an_answer(void **state)
{
	(void)state;
	static const char *const requests[] = {"GET /abort HTTP/1.1\r\nHost: x\r\n\r\n",
					       "GET /inject HTTP/1.1\r\nHost: x\r\n\r\n"};

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		int fd = dial();
		bool closed;

		say(fd, requests[i]);
		assert_string_equal(hear(fd, &closed), "");
		assert_true(closed);
		close(fd);
	}
	assert_int_equal(w.requests, 2);
	assert_int_equal(w.gone, 0);
}

static void events_stream_with_comments_in_silence(void **state)
{
	(void)state;
	struct http_server_conf conf = quick();
	const char *got;
	int fd;

	conf.comment_ms = 40;
	conf.idle_ms = 1000;
	restart(&conf);
	fd = dial();
	say(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
	steps(3);
	assert_ok(http_stream_start(w.held[0], 200, STR("text/event-stream"), NULL, 0, NULL));
	got = hear(fd, NULL);
	assert_has(got, "\r\nTransfer-Encoding: chunked\r\n");
	assert_null(strstr(got, "Content-Length"));
	assert_ok(http_stream_send(w.held[0], STR("data: 1\n\n")));
	assert_has(hear(fd, NULL), "9\r\ndata: 1\n\n\r\n");
	steps(150);
	assert_in_range(count(hear(fd, NULL), "3\r\n:\n\n\r\n"), 2, 4);
	http_stream_end(w.held[0]);
	assert_has(hear(fd, NULL), "0\r\n\r\n");
	say(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_has(hear(fd, NULL), "\r\n\r\nnothing");

	say(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"); /* other streams get no comments */
	steps(3);
	assert_ok(http_stream_start(w.held[1], 200, STR("text/plain"), NULL, 0, NULL));
	steps(100);
	assert_int_equal(count(hear(fd, NULL), ":\n\n"), 0);
	close(fd);
	steps(3);
	assert_int_equal(w.gone, 1); /* in the middle of the stream */
}

static void a_stream_nobody_reads_meets_its_limit(void **state)
{
	(void)state;
	int fd = dial();
	bool closed = false;

	say(fd, "GET /flood HTTP/1.1\r\nHost: x\r\n\r\n");
	steps(3);
	assert_int_equal(w.requests, 1);
	assert_rc(w.stream_rc, RC_LIMIT);
	for (int i = 0; i < 1000 && !closed; i++) {
		static char sink[1 << 16];
		ssize_t n = recv(fd, sink, sizeof(sink), MSG_DONTWAIT);

		closed = n == 0 || (n < 0 && errno == ECONNRESET);
		steps(1);
	}
	assert_true(closed);
	assert_int_equal(http_server_connections(w.s), 0);
	close(fd);
}

static void a_stop_lets_the_unanswered_finish(void **state)
{
	(void)state;
	int idle = dial();
	int busy = dial();
	int late;
	struct address a;
	struct sockaddr_storage sa = {0};
	bool closed;
	const char *got;

	say(busy, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
	steps(3);
	assert_ok(http_server_address(w.s, &a, NULL));
	memcpy(&sa, a.bytes, a.n);
	http_server_stop(w.s);
	assert_int_equal(w.stopped, 0);
	assert_string_equal(hear(idle, &closed), "");
	assert_true(closed);
	late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(late, (const struct sockaddr *)&sa, a.n), -1);
	http_answer(w.held[0], 200, STR_NULL, STR("last"));
	got = hear(busy, &closed);
	assert_has(got, "\r\nConnection: close\r\n");
	assert_has(got, "\r\n\r\nlast");
	assert_true(closed);
	close(busy);
	steps(3);
	assert_int_equal(w.stopped, 1);
	close(idle);
	close(late);
}

static void freeing_the_server_tells_the_unanswered(void **state)
{
	(void)state;
	struct http_server_conf conf = quick();
	int fd = dial();

	say(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
	steps(3);
	http_server_free(w.s);
	assert_int_equal(w.gone, 1);
	assert_int_equal(w.sessions, 0);
	w.s = NULL;
	loop_free(w.l);
	start(&conf);
	close(fd);
}

/* The nth allocation and all after it fail while a client asks; then memory is back. */
static void no_memory_at_any_point_costs_a_connection_at_most(void **state)
{
	(void)state;
	size_t blocks = mem_blocks();

	for (size_t nth = 1; nth < 40; nth++) {
		int fd;
		int again;

		mem_fail_after(nth);
		fd = dial();
		say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
			"5\r\nhello\r\n0\r\n\r\n");
		steps(5);
		mem_fail_after(0);
		again = dial(); /* control: the server lives */
		say(again, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
		assert_has(hear(again, NULL), "\r\n\r\nnothing");
		close(fd);
		close(again);
		steps(5);
		assert_int_equal(http_server_connections(w.s), 0);
	}
	/* What stays is the spare request and the loop's heap. */
	assert_in_range(mem_blocks(), blocks, blocks + 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(a_request_is_answered_and_the_connection_stays),
	    T(a_request_may_come_byte_by_byte),
	    T(pipelined_requests_are_answered_in_order),
	    T(a_deferred_request_keeps_its_head_and_body),
	    T(a_peer_that_goes_away_is_told_about_once),
	    T(what_is_no_request_never_reaches_the_handler),
	    T(the_longest_body_is_taken_and_one_byte_more_is_not),
	    T(slow_peers_are_answered_408_and_idle_ones_closed),
	    T(a_body_that_waits_for_it_is_called_for),
	    T(answers_without_a_body_have_none),
	    T(closing_is_the_peers_or_the_handlers_wish),
	    T(abort_and_bad_fields_close_without_an_answer),
	    T(events_stream_with_comments_in_silence),
	    T(a_stream_nobody_reads_meets_its_limit),
	    T(a_stop_lets_the_unanswered_finish),
	    T(no_memory_at_any_point_costs_a_connection_at_most),
	    T(freeing_the_server_tells_the_unanswered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
