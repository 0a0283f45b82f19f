/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/listen.h"

#include "fake_clock.h"

struct house {
	struct loop *l;
	struct listener *door;
	int fds[64];
	struct listen_peer peers[64];
	size_t n;
};

static void on_accept(void *ctx, int take_fd, const struct listen_peer *peer)
{
	struct house *h = ctx;

	assert_true(h->n < ARRAY_LEN(h->fds));
	h->fds[h->n] = take_fd;
	h->peers[h->n++] = *peer;
}

static void open_house(struct house *h, const char *address, unsigned max, unsigned per_s)
{
	struct listen_conf conf = {.max_connections = max, .accepts_per_s = per_s};
	struct err e = ERR_INIT;
	int fd = -1;

	*h = (struct house){0};
	assert_ok(loop_new(&fake_clock, &h->l, &e));
	assert_ok(listen_open(str_from(address), 0600, &fd, &e));
	assert_ok(listen_new(h->l, fd, &conf, on_accept, h, &h->door, &e));
}

static void close_house(struct house *h)
{
	for (size_t i = 0; i < h->n; i++) {
		close(h->fds[i]);
	}
	listen_free(h->door);
	loop_free(h->l);
}

static int knock(const struct house *h)
{
	struct address a;
	struct sockaddr_storage sa = {0};
	int fd;

	assert_ok(listen_address(h->door, &a, NULL));
	memcpy(&sa, a.bytes, a.n);
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&sa, a.n), 0);
	return fd;
}

static void steps(struct house *h, int n)
{
	for (int i = 0; i < n; i++) {
		fake_clock_advance_ms(1);
		assert_ok(loop_step(h->l, 1, NULL));
	}
}

static void a_peer_is_told_by_address(void **state)
{
	(void)state;
	struct house h;
	int fd;

	open_house(&h, "127.0.0.1:0", 10, 0);
	fd = knock(&h);
	steps(&h, 2);
	assert_int_equal(h.n, 1);
	assert_false(h.peers[0].is_unix);
	assert_int_equal(strncmp(h.peers[0].text, "127.0.0.1:", 10), 0);
	close(fd);
	close_house(&h);
}

static void a_local_peer_is_told_by_user(void **state)
{
	(void)state;
	char dir[] = "/tmp/remit-test-listen-XXXXXX";
	char address[64];
	struct stat st;
	struct house h;
	int fd;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(address, sizeof(address), "unix:%s/s", dir);
	open_house(&h, address, 10, 0);
	assert_int_equal(stat(address + 5, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	fd = knock(&h);
	steps(&h, 2);
	assert_int_equal(h.n, 1);
	assert_true(h.peers[0].is_unix);
	assert_int_equal(h.peers[0].uid, getuid());
	assert_int_equal(h.peers[0].pid, getpid());
	close(fd);
	close_house(&h);
	/* The path is left behind; nobody listens, so it may be taken again. */
	open_house(&h, address, 10, 0);
	assert_rc(listen_open(str_from(address), 0600, &fd, NULL), RC_IO); /* but not now */
	close_house(&h);
	unlink(address + 5);
	rmdir(dir);
}

static void the_number_of_connections_is_bounded(void **state)
{
	(void)state;
	struct house h;
	int fds[5];

	open_house(&h, "127.0.0.1:0", 3, 0);
	for (size_t i = 0; i < 5; i++) {
		fds[i] = knock(&h);
	}
	steps(&h, 3);
	assert_int_equal(h.n, 3);
	listen_release(h.door);
	steps(&h, 3);
	assert_int_equal(h.n, 4);
	listen_release(h.door);
	listen_release(h.door);
	steps(&h, 3);
	assert_int_equal(h.n, 5);
	for (size_t i = 0; i < 5; i++) {
		close(fds[i]);
	}
	close_house(&h);
}

static void the_rate_of_connections_is_bounded(void **state)
{
	(void)state;
	struct house h;
	int fds[30];

	open_house(&h, "127.0.0.1:0", 100, 20);
	for (size_t i = 0; i < 30; i++) {
		fds[i] = knock(&h);
	}
	steps(&h, 3);
	assert_in_range(h.n, 20, 22); /* the burst, and what a few milliseconds add */
	for (int i = 0; i < 2000 && h.n < 30; i++) {
		steps(&h, 1);
	}
	assert_int_equal(h.n, 30);
	for (size_t i = 0; i < 30; i++) {
		close(fds[i]);
	}
	close_house(&h);
}

static void after_the_stop_nobody_gets_in(void **state)
{
	(void)state;
	struct house h;
	struct address a;
	struct sockaddr_storage sa = {0};
	int fd;

	open_house(&h, "127.0.0.1:0", 3, 0);
	assert_ok(listen_address(h.door, &a, NULL));
	memcpy(&sa, a.bytes, a.n);
	listen_stop(h.door);
	listen_stop(h.door);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&sa, a.n), -1);
	close(fd);
	close_house(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_peer_is_told_by_address),
	    cmocka_unit_test(a_local_peer_is_told_by_user),
	    cmocka_unit_test(the_number_of_connections_is_bounded),
	    cmocka_unit_test(the_rate_of_connections_is_bounded),
	    cmocka_unit_test(after_the_stop_nobody_gets_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
