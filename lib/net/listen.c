/* SPDX-License-Identifier: Apache-2.0 */
/* net/listen.c - accepting connections.
 *
 * Holds:  n_open <= max_connections, counting what was accepted and not released.
 * States: LISTENING -bound reached, accept fails-> PAUSED -release, timer-> LISTENING;
 *         any -listen_stop-> STOPPED.
 */
#include "net/listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

enum {
	BACKLOG = 1024,
	ACCEPTS_PER_ROUND = 64,
	RETRY_MS = 100, /* after the system had no descriptor or memory for one more */
};

struct listener {
	struct loop *loop;
	struct loop_io io;
	struct loop_timer resume;
	struct listen_conf conf;
	listen_fn *on_accept;
	void *ctx;
	unsigned n_open;
	uint64_t tokens_ns; /* of the rate: one accept costs 1 s / accepts_per_s */
	uint64_t filled_at_ns;
	bool is_paused;
	bool is_busy;
	bool is_freed;
};

/* True when nobody listens at the Unix socket any more, so that it may be replaced. */
static bool is_stale(const struct address *a)
{
	struct sockaddr_un sa = {0};
	AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(&sa, a->bytes, a->n);
	return fd >= 0 && connect(fd, (const struct sockaddr *)&sa, a->n) != 0 &&
	       errno == ECONNREFUSED;
}

static bool bind_unix(int fd, const struct address *a, unsigned mode)
{
	struct sockaddr_un sa = {0};
	mode_t before;
	int rc;

	memcpy(&sa, a->bytes, a->n);
	if (is_stale(a)) {
		(void)unlink(sa.sun_path); /* bind reports what is still in the way */
	}
	/* The mode must hold from the first moment, so chmod would be too late. */
	before = umask((mode_t)(~mode & 0777));
	rc = bind(fd, (const struct sockaddr *)&sa, a->n);
	(void)umask(before); /* cannot fail */
	return rc == 0;
}

static bool bind_tcp(int fd, const struct address *a)
{
	static const int on = 1;
	struct sockaddr_storage sa = {0};

	memcpy(&sa, a->bytes, a->n);
	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	       bind(fd, (const struct sockaddr *)&sa, a->n) == 0;
}

enum rc listen_open(struct str address, unsigned unix_mode, int *ret_fd, struct err *e)
{
	bool is_unix = str_has_prefix(address, STR("unix:"));
	struct sockaddr_storage sa = {0};
	struct address a;
	AUTO_FD fd = -1;

	TRY(address_parse(address, &a, e));
	memcpy(&sa, a.bytes, a.n);
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || !(is_unix ? bind_unix(fd, &a, unix_mode) : bind_tcp(fd, &a)) ||
	    listen(fd, BACKLOG) != 0) {
		return err_set_sys(e, RC_IO, __func__, "cannot listen on '" STR_FMT "'",
				   STR_ARG(address));
	}
	*ret_fd = fd;
	fd = -1;
	return RC_OK;
}

/* Watches or ignores the socket, as the bounds allow. */
static void pause_accepting(struct listener *l, bool is_paused)
{
	if (l->is_paused == is_paused || !l->io.is_added) {
		return;
	}
	if (loop_change(l->loop, &l->io, is_paused ? 0 : EPOLLIN, NULL) == RC_OK) {
		l->is_paused = is_paused;
	}
}

static void resume_in(struct listener *l, uint64_t ms)
{
	pause_accepting(l, true);
	if (loop_timer_in(l->loop, &l->resume, ms) != RC_OK) {
		pause_accepting(l, false); /* no memory to wait: try at once */
	}
}

/* Takes one token; when there is none, says in how many milliseconds there will be. */
static bool take_token(struct listener *l, uint64_t *ret_wait_ms)
{
	static const uint64_t second_ns = 1000000000;
	uint64_t now_ns = loop_now_ns(l->loop);
	uint64_t cost_ns;

	if (l->conf.accepts_per_s == 0) {
		return true;
	}
	cost_ns = second_ns / l->conf.accepts_per_s;
	l->tokens_ns += now_ns - l->filled_at_ns;
	l->filled_at_ns = now_ns;
	if (l->tokens_ns > second_ns) {
		l->tokens_ns = second_ns;
	}
	if (l->tokens_ns < cost_ns) {
		*ret_wait_ms = (cost_ns - l->tokens_ns) / 1000000 + 1;
		return false;
	}
	l->tokens_ns -= cost_ns;
	return true;
}

/* RC_OK: *ret_fd; RC_AGAIN: nobody waits; RC_IO: the system cannot, for now. */
static enum rc accept_one(struct listener *l, int *ret_fd, struct listen_peer *peer)
{
	struct sockaddr_storage sa = {0};
	socklen_t n = sizeof(sa);
	struct ucred who;
	socklen_t who_n = sizeof(who);
	struct address a = {0};
	int fd = accept4(l->io.fd, (struct sockaddr *)&sa, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		/* The peer's own errors only cost its connection: it is tried again at once. */
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS
			   ? RC_IO
			   : RC_AGAIN;
	}
	*peer = (struct listen_peer){.is_unix = sa.ss_family == AF_UNIX};
	if (!peer->is_unix) {
		a.n = n <= sizeof(a.bytes) ? n : 0;
		memcpy(a.bytes, &sa, a.n);
		address_format(&a, peer->text);
	} else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_n) == 0) {
		peer->uid = who.uid;
		peer->gid = who.gid;
		peer->pid = who.pid;
		(void)snprintf(peer->text, sizeof(peer->text), "uid %u", who.uid); /* fits */
	} else {
		file_close(fd); /* nobody we could name */
		return RC_AGAIN;
	}
	*ret_fd = fd;
	return RC_OK;
}

static void accept_some(struct listener *l)
{
	for (int i = 0; i < ACCEPTS_PER_ROUND && !l->is_freed && l->io.is_added; i++) {
		struct listen_peer peer;
		uint64_t wait_ms;
		enum rc rc;
		int fd;

		if (l->n_open >= l->conf.max_connections) {
			pause_accepting(l, true); /* until listen_release */
			return;
		}
		if (!take_token(l, &wait_ms)) {
			resume_in(l, wait_ms);
			return;
		}
		rc = accept_one(l, &fd, &peer);
		if (rc == RC_IO) {
			resume_in(l, RETRY_MS);
		}
		if (rc != RC_OK) {
			return;
		}
		l->n_open++;
		l->on_accept(l->ctx, fd, &peer);
	}
}

static void free_now(struct listener *l)
{
	listen_stop(l);
	mem_free(l);
}

static void listen_ready(struct loop_io *io, uint32_t events)
{
	struct listener *l = io->ctx;

	(void)events;
	l->is_busy = true;
	accept_some(l);
	l->is_busy = false;
	if (l->is_freed) {
		free_now(l);
	}
}

static void fire_resume(struct loop_timer *t)
{
	struct listener *l = t->ctx;

	if (l->n_open < l->conf.max_connections) {
		pause_accepting(l, false);
	}
}

enum rc listen_new(struct loop *loop, int take_fd, const struct listen_conf *conf,
		   listen_fn *on_accept, void *ctx, struct listener **ret, struct err *e)
{
	struct listener *l = mem_calloc(1, sizeof(*l));
	enum rc rc;

	MUST(conf->max_connections > 0);
	if (!l) {
		file_close(take_fd);
		FAIL(e, RC_NOMEM, "no memory for a listener");
	}
	*l = (struct listener){
	    .loop = loop,
	    .io = {.fd = take_fd, .ready = listen_ready, .ctx = l},
	    .resume = {.fire = fire_resume, .ctx = l},
	    .conf = *conf,
	    .on_accept = on_accept,
	    .ctx = ctx,
	    .tokens_ns = 1000000000,
	    .filled_at_ns = loop_now_ns(loop),
	};
	rc = loop_add(loop, &l->io, EPOLLIN, e);
	if (rc != RC_OK) {
		free_now(l);
		return rc;
	}
	*ret = l;
	return RC_OK;
}

void listen_release(struct listener *l)
{
	MUST(l->n_open > 0);
	l->n_open--;
	if (l->resume.heap_place == 0) {
		pause_accepting(l, false);
	}
}

void listen_stop(struct listener *l)
{
	loop_remove(l->loop, &l->io);
	loop_timer_clear(l->loop, &l->resume);
	file_close(l->io.fd);
	l->io.fd = -1;
}

void listen_free(struct listener *l)
{
	if (!l) {
		return;
	}
	if (l->is_busy) {
		l->is_freed = true;
		return;
	}
	free_now(l);
}

enum rc listen_address(const struct listener *l, struct address *ret, struct err *e)
{
	struct sockaddr_storage sa = {0};
	socklen_t n = sizeof(sa);

	if (getsockname(l->io.fd, (struct sockaddr *)&sa, &n) != 0 || n > sizeof(ret->bytes)) {
		return err_set_sys(e, RC_IO, __func__, "cannot tell where we listen");
	}
	*ret = (struct address){.n = n};
	memcpy(ret->bytes, &sa, n);
	return RC_OK;
}
