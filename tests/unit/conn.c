/* SPDX-License-Identifier: Apache-2.0 */
#include "pki.h"

#include <sys/socket.h>

#include "net/channel.h"
#include "net/conn.h"

#include "fake_clock.h"

/* One connection and what happened to it. */
struct end {
	struct conn *c;
	struct buf got;
	int ready;
	int drained;
	int timeouts;
	int closed;
	enum conn_end why;
	char detail[200];
	bool keep_input; /* do not consume */
	bool echo;
	bool free_in_input;
};

static void on_ready(void *ctx, struct conn *c)
{
	struct end *x = ctx;

	(void)c;
	x->ready++;
}

static void on_input(void *ctx, struct conn *c)
{
	struct end *x = ctx;

	assert_int_equal(x->closed, 0);
	if (x->free_in_input) {
		x->c = NULL;
		conn_free(c);
		return;
	}
	if (x->echo) {
		assert_ok(conn_write(c, conn_input(c)));
		conn_flush(c);
	}
	if (!x->keep_input) {
		assert_ok(buf_add(&x->got, conn_input(c)));
		conn_consume(c, conn_input(c).n);
	}
}

static void on_drained(void *ctx, struct conn *c)
{
	struct end *x = ctx;

	(void)c;
	x->drained++;
}

static void on_timeout(void *ctx, struct conn *c)
{
	struct end *x = ctx;

	(void)c;
	x->timeouts++;
}

static void on_closed(void *ctx, struct conn *c, enum conn_end why, const char *detail)
{
	struct end *x = ctx;

	(void)c;
	x->closed++;
	x->why = why;
	(void)snprintf(x->detail, sizeof(x->detail), "%s", detail);
}

static const struct conn_handlers handlers = {
    .ready = on_ready,
    .input = on_input,
    .drained = on_drained,
    .timeout = on_timeout,
    .closed = on_closed,
};

static struct conn_conf conf = {
    .max_input_bytes = 100000,
    .max_queue_bytes = 4000000,
    .start_ms = 1000,
    .stall_ms = 1000,
};

static struct loop *l;

static int set_up(void **state)
{
	(void)state;
	return loop_new(&fake_clock, &l, NULL) == RC_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	loop_free(l);
	return 0;
}

static void steps(int n)
{
	for (int i = 0; i < n; i++) {
		fake_clock_advance_ms(1);
		assert_ok(loop_step(l, 1, NULL));
	}
}

static void steps_until(const int *what)
{
	for (int i = 0; i < 3000 && !*what; i++) {
		steps(1);
	}
	assert_true(*what);
}

/* A connection whose other end is the returned socket. */
static int open_end(struct end *x, const struct conn_conf *with)
{
	int fds[2];

	*x = (struct end){.got = BUF_INIT(10000000)};
	assert_ok(channel_pair(fds, NULL));
	assert_ok(conn_accepted(l, fds[0], with, &handlers, x, &x->c, NULL));
	return fds[1];
}

static void close_end(struct end *x, int fd)
{
	conn_free(x->c);
	buf_fini(&x->got);
	if (fd >= 0) {
		close(fd);
	}
}

static void bytes_go_both_ways(void **state)
{
	(void)state;
	struct end x;
	int fd = open_end(&x, &conf);
	char text[64];

	steps(1);
	assert_int_equal(x.ready, 1);
	assert_int_equal(write(fd, "hello", 5), 5);
	steps(1);
	assert_str(buf_view(&x.got), "hello");
	assert_int_equal(conn_sent_mark(x.c), 0);
	assert_ok(conn_write(x.c, STR("one ")));
	assert_ok(conn_write(x.c, STR("write")));
	assert_int_equal(read(fd, text, sizeof(text)), -1); /* not before the flush */
	conn_flush(x.c);
	assert_int_equal(read(fd, text, sizeof(text)), 9);
	assert_memory_equal(text, "one write", 9);
	assert_true(conn_sent_mark(x.c) > 0);
	assert_int_equal(x.drained, 0);
	close_end(&x, fd);
}

static void what_came_before_the_end_is_delivered_first(void **state)
{
	(void)state;
	struct end x;
	int fd = open_end(&x, &conf);

	assert_int_equal(write(fd, "last words", 10), 10);
	close(fd);
	steps(3);
	assert_str(buf_view(&x.got), "last words");
	assert_int_equal(x.closed, 1);
	assert_int_equal(x.why, CONN_ENDED);
	assert_rc(conn_write(x.c, STR("x")), RC_BROKEN);
	close_end(&x, -1);
}

static void the_input_never_exceeds_its_maximum(void **state)
{
	(void)state;
	static char big[200000];
	struct conn_conf small = conf;
	struct end x;
	size_t sent = 0;
	int fd;

	small.max_input_bytes = 5000;
	fd = open_end(&x, &small);
	x.keep_input = true;
	for (int i = 0; i < 20; i++) {
		ssize_t n = write(fd, big, sizeof(big));

		sent += n > 0 ? (size_t)n : 0;
		steps(1);
		assert_true(conn_input(x.c).n <= 5000);
	}
	assert_int_equal(conn_input(x.c).n, 5000);
	x.keep_input = false;
	conn_consume(x.c, 5000);
	steps(400);
	assert_int_equal(x.got.n, sent - 5000); /* reading goes on */
	close_end(&x, fd);
}

static void a_paused_connection_reads_nothing_but_notices_the_end(void **state)
{
	(void)state;
	struct end x;
	int fd = open_end(&x, &conf);

	steps(1);
	conn_pause(x.c, true);
	assert_int_equal(write(fd, "hello", 5), 5);
	steps(3);
	assert_int_equal(x.got.n, 0);
	conn_pause(x.c, false);
	steps(2);
	assert_str(buf_view(&x.got), "hello");
	conn_pause(x.c, true);
	assert_int_equal(x.closed, 0);
	close(fd);
	steps(2);
	assert_int_equal(x.closed, 1);
	close_end(&x, -1);
}

static void the_queue_has_a_maximum_and_drains(void **state)
{
	(void)state;
	static char big[1000000];
	struct end x;
	int fd = open_end(&x, &conf);
	static char sink[1 << 20];
	size_t got = 0;

	steps(1);
	for (int i = 0; i < 4; i++) {
		assert_ok(conn_write(x.c, str_of(big, sizeof(big))));
	}
	assert_rc(conn_write(x.c, STR("x")), RC_LIMIT);
	conn_flush(x.c);
	assert_true(conn_queued_bytes(x.c) > 0);
	for (int i = 0; i < 1000 && got < 4000000; i++) {
		ssize_t n = read(fd, sink, sizeof(sink));

		got += n > 0 ? (size_t)n : 0;
		steps(1);
	}
	assert_int_equal(got, 4000000);
	assert_int_equal(x.drained, 1);
	assert_int_equal(conn_queued_bytes(x.c), 0);
	close_end(&x, fd);
}

static void a_peer_that_does_not_read_is_given_up(void **state)
{
	(void)state;
	static char big[3000000];
	struct conn_conf quick = conf;
	struct end x;
	int fd;

	quick.stall_ms = 30;
	fd = open_end(&x, &quick);
	steps(1);
	assert_ok(conn_write(x.c, STR("short"))); /* control: taken at once, no timer */
	conn_flush(x.c);
	steps(60);
	assert_int_equal(x.closed, 0);
	assert_ok(conn_write(x.c, str_of(big, sizeof(big))));
	conn_flush(x.c);
	steps_until(&x.closed);
	assert_int_equal(x.why, CONN_SLOW_READER);
	close_end(&x, fd);
}

static void finishing_writes_all_and_waits_for_the_peer(void **state)
{
	(void)state;
	static char big[1000000];
	static char sink[1 << 20];
	struct end x;
	int fd = open_end(&x, &conf);
	size_t got = 0;

	steps(1);
	assert_ok(conn_write(x.c, str_of(big, sizeof(big))));
	conn_finish(x.c);
	assert_rc(conn_write(x.c, STR("more")), RC_BROKEN);
	assert_int_equal(write(fd, "ignored", 7), 7);
	for (;;) {
		ssize_t n = read(fd, sink, sizeof(sink));

		if (n == 0) {
			break;
		}
		got += n > 0 ? (size_t)n : 0;
		steps(1);
	}
	assert_int_equal(got, sizeof(big));
	assert_int_equal(x.closed, 0);
	close(fd);
	steps(3);
	assert_int_equal(x.closed, 1);
	assert_int_equal(x.why, CONN_FINISHED);
	assert_int_equal(x.got.n, 0);
	close_end(&x, -1);
}

static void the_owners_timer_fires_once_and_can_be_cleared(void **state)
{
	(void)state;
	struct end x;
	int fd = open_end(&x, &conf);

	steps(1);
	conn_timeout_in(x.c, 10);
	steps_until(&x.timeouts);
	steps(20);
	assert_int_equal(x.timeouts, 1);
	conn_timeout_in(x.c, 10);
	conn_timeout_in(x.c, 0);
	steps(20);
	assert_int_equal(x.timeouts, 1);
	close_end(&x, fd);
}

static void a_handler_may_free_its_connection(void **state)
{
	(void)state;
	struct end x;
	int fd = open_end(&x, &conf);
	char byte;

	x.free_in_input = true;
	assert_int_equal(write(fd, "hello", 5), 5);
	steps(3);
	assert_null(x.c);
	assert_int_equal(x.closed, 0);
	assert_int_equal(read(fd, &byte, 1), 0);
	close_end(&x, fd);
}

static void a_refused_connection_is_told_apart(void **state)
{
	(void)state;
	struct end x = {.got = BUF_INIT(100)};
	struct sockaddr_storage sa = {0};
	struct address a;
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* A port where nobody listens: bound, so that nobody else takes it. */
	assert_ok(address_parse(STR("127.0.0.1:0"), &a, NULL));
	memcpy(&sa, a.bytes, a.n);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, a.n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	memcpy(a.bytes, &sa, n);
	assert_ok(conn_connect(l, &a, &conf, &handlers, &x, &x.c, NULL));
	steps_until(&x.closed);
	assert_int_equal(x.why, CONN_NO_CONNECT);
	close_end(&x, fd);
}

/* Carries bytes from one socket to another, at most n of them. */
static size_t carry(int from, int to, size_t n)
{
	char bytes[4096];
	size_t carried = 0;

	while (carried < n) {
		size_t want = n - carried < sizeof(bytes) ? n - carried : sizeof(bytes);
		ssize_t got = recv(from, bytes, want, MSG_DONTWAIT);

		if (got <= 0) {
			break;
		}
		assert_int_equal(write(to, bytes, (size_t)got), got);
		carried += (size_t)got;
	}
	return carried;
}

static uint64_t real_ms(void)
{
	struct clock clock = clock_system();

	return clock_boot_ns(&clock) / 1000000;
}

static void half_a_record_waits_in_peace(struct tls_context *server, struct tls_context *client)
{
	struct conn_conf with_tls = conf;
	struct end x;
	struct tls *t = NULL;
	int fds[2];
	int fd;
	uint64_t before_ms;
	size_t n;

	with_tls.tls = server;
	fd = open_end(&x, &with_tls);
	assert_ok(channel_pair(fds, NULL));
	assert_ok(tls_new(client, fds[0], NULL, &t, NULL));
	while (tls_handshake(t, NULL) != TLS_OK || !x.ready) {
		(void)carry(fds[1], fd, SIZE_MAX);
		steps(2);
		(void)carry(fd, fds[1], SIZE_MAX);
	}
	assert_int_equal(tls_write(t, "hello", 5, &n, NULL), TLS_OK);
	assert_int_equal(carry(fds[1], fd, 9), 9);
	steps(3);
	before_ms = real_ms();
	assert_ok(loop_step(l, 40, NULL));
	assert_true(real_ms() - before_ms >= 35); /* and not in circles */
	assert_int_equal(x.got.n, 0);
	assert_true(carry(fds[1], fd, SIZE_MAX) > 0);
	steps(2);
	assert_str(buf_view(&x.got), "hello");
	tls_free(t);
	close(fds[0]);
	close(fds[1]);
	close_end(&x, fd);
}

static void a_silent_handshake_is_given_up(void **state)
{
	(void)state;
	char dir[] = "/tmp/remit-test-conn-XXXXXX";
	char pem[64];
	char key[64];
	struct pki_cert ca = pki_issue(&PKI_CA_SPEC, NULL);
	struct pki_cert server = pki_issue(&PKI_LEAF_SPEC("DNS:gateway.test"), &ca);
	struct tls_context *s = NULL;
	struct tls_context *c = NULL;
	struct conn_conf quick = conf;
	struct conn_conf with_client = conf;
	struct end x;
	struct end y;
	int fds[2];
	int fd;

	assert_non_null(mkdtemp(dir));
	pki_save(&server, dir, "s");
	pki_save(&ca, dir, "ca");
	(void)snprintf(pem, sizeof(pem), "%s/s.pem", dir);
	(void)snprintf(key, sizeof(key), "%s/s.key", dir);
	assert_ok(tls_server_for_people(&(struct tls_files){pem, key}, &s, NULL));
	(void)snprintf(key, sizeof(key), "%s/ca.pem", dir);
	assert_ok(tls_client(&(struct tls_client_conf){.ca_path = key, .host = "gateway.test"}, &c,
			     NULL));
	quick.start_ms = 20;
	quick.tls = s;
	with_client.tls = c;

	fd = open_end(&x, &quick);
	steps_until(&x.closed);
	assert_int_equal(x.why, CONN_SLOW_START);
	close_end(&x, fd);

	fd = open_end(&x, &quick);
	assert_int_equal(write(fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	steps_until(&x.closed);
	assert_int_equal(x.why, CONN_NO_TLS);
	assert_string_not_equal(x.detail, "");
	close_end(&x, fd);

	/* Control: one that talks TLS gets in, and its bytes arrive, however many. */
	quick.start_ms = 1000;
	x = (struct end){.got = BUF_INIT(100), .echo = true};
	y = (struct end){.got = BUF_INIT(1000000)};
	assert_ok(channel_pair(fds, NULL));
	assert_ok(conn_accepted(l, fds[0], &quick, &handlers, &x, &x.c, NULL));
	assert_ok(conn_accepted(l, fds[1], &with_client, &handlers, &y, &y.c, NULL));
	x.got.max = 1000000;
	for (int i = 0; i < 90; i++) {
		static char kilobytes[5000];

		assert_ok(conn_write(y.c, str_of(kilobytes, sizeof(kilobytes))));
	}
	conn_flush(y.c); /* too early: goes out when the handshake is over */
	for (int i = 0; i < 500 && y.got.n < 450000; i++) {
		steps(1);
	}
	assert_int_equal(x.ready, 1);
	assert_int_equal(y.ready, 1);
	assert_int_equal(y.got.n, 450000);
	half_a_record_waits_in_peace(s, c);
	conn_free(x.c);
	x.c = NULL;
	steps(3);
	assert_int_equal(y.closed, 1);
	assert_int_equal(y.why, CONN_ENDED); /* with a goodbye, not cut */
	close_end(&x, -1);
	close_end(&y, -1);

	unlink(key);
	(void)snprintf(key, sizeof(key), "%s/ca.key", dir);
	unlink(key);
	(void)snprintf(key, sizeof(key), "%s/s.key", dir);
	unlink(key);
	unlink(pem);
	rmdir(dir);
	tls_context_unref(s);
	tls_context_unref(c);
	pki_free(&ca);
	pki_free(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bytes_go_both_ways),
	    cmocka_unit_test(what_came_before_the_end_is_delivered_first),
	    cmocka_unit_test(the_input_never_exceeds_its_maximum),
	    cmocka_unit_test(a_paused_connection_reads_nothing_but_notices_the_end),
	    cmocka_unit_test(the_queue_has_a_maximum_and_drains),
	    cmocka_unit_test(a_peer_that_does_not_read_is_given_up),
	    cmocka_unit_test(finishing_writes_all_and_waits_for_the_peer),
	    cmocka_unit_test(the_owners_timer_fires_once_and_can_be_cleared),
	    cmocka_unit_test(a_handler_may_free_its_connection),
	    cmocka_unit_test(a_refused_connection_is_told_apart),
	    cmocka_unit_test(a_silent_handshake_is_given_up),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
