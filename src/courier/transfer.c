/* SPDX-License-Identifier: Apache-2.0 */
/* courier/transfer.c - libcurl's multi interface on our loop.
 *
 * Holds:  (1) of done and drop exactly one is called per transfer that was added.
 */
#include "courier/transfer.h"

#include <sys/epoll.h>

#include "base/mem.h"

enum { LIMIT_SOCKETS = 256, CONNECT_MS = 5000 };

struct transfer {
	struct transfers *all;
	CURL *easy;
	struct transfer_end end;
	struct transfer *prev;
	struct transfer *next;
};

struct transfers {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer timer;
	struct loop_io sockets[LIMIT_SOCKETS];
	struct transfer ring; /* head */
};

static void transfer_free(struct transfer *x)
{
	if (x->next) {
		x->prev->next = x->next;
		x->next->prev = x->prev;
	}
	(void)curl_multi_remove_handle(x->all->multi, x->easy); /* fine when not added */
	curl_easy_cleanup(x->easy);
	mem_free(x);
}

static void finish(struct transfer *x, CURLcode result)
{
	struct transfer_end end = x->end;
	long status = 0;

	(void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status); /* 0 when it fails */
	transfer_free(x);
	end.done(end.ctx, result, status);
}

static void collect(struct transfers *t)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(t->multi, &left))) {
		struct transfer *x = NULL;

		if (m->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x) == CURLE_OK) {
			finish(x, m->data.result);
		}
	}
}

static void on_socket(struct loop_io *io, uint32_t events)
{
	struct transfers *t = io->ctx;
	int what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
		   (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		   (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
	int running;

	(void)curl_multi_socket_action(t->multi, io->fd, what, &running); /* told by collect */
	collect(t);
}

static void on_timer(struct loop_timer *timer)
{
	struct transfers *t = timer->ctx;
	int running;

	(void)curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running); /* as above */
	collect(t);
}

/* libcurl wants the timer set; -1 = off. */
static int want_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	struct transfers *t = ctx;

	(void)multi;
	if (timeout_ms < 0) {
		loop_timer_clear(t->loop, &t->timer);
		return 0;
	}
	return loop_timer_in(t->loop, &t->timer, (uint64_t)timeout_ms) == RC_OK ? 0 : -1;
}

static struct loop_io *place_for(struct transfers *t, int fd)
{
	struct loop_io *is_free = NULL;

	for (size_t i = 0; i < LIMIT_SOCKETS; i++) {
		if (t->sockets[i].is_added && t->sockets[i].fd == fd) {
			return &t->sockets[i];
		}
		if (!t->sockets[i].is_added && !is_free) {
			is_free = &t->sockets[i];
		}
	}
	return is_free;
}

/* libcurl wants a socket watched, or no longer. */
static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct transfers *t = ctx;
	struct loop_io *io = place_for(t, fd);
	uint32_t events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
			  (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);

	(void)easy;
	(void)socket_ctx;
	if (!io) {
		return -1;
	}
	if (what == CURL_POLL_REMOVE) {
		loop_remove(t->loop, io);
		return 0;
	}
	if (io->is_added) {
		return loop_change(t->loop, io, events, NULL) == RC_OK ? 0 : -1;
	}
	*io = (struct loop_io){.fd = fd, .ready = on_socket, .ctx = t};
	return loop_add(t->loop, io, events, NULL) == RC_OK ? 0 : -1;
}

bool transfer_set_post(CURL *c, const struct transfer_post *p)
{
	bool ok = true;

	ok &= curl_easy_setopt(c, CURLOPT_URL, p->url) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, (long)!p->may_reuse) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_FORBID_REUSE, (long)!p->may_reuse) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)p->timeout_ms) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_USERAGENT, "remit/" REMIT_VERSION) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_HTTPHEADER, p->headers) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)p->body.n) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_POSTFIELDS, p->body.p) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, p->take) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_WRITEDATA, p->ctx) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_ERRORBUFFER, p->why) == CURLE_OK;
	if (p->ca_file && p->ca_file[0]) {
		ok &= curl_easy_setopt(c, CURLOPT_CAINFO, p->ca_file) == CURLE_OK;
	}
	return ok;
}

enum rc transfers_add(struct transfers *t, CURL *take_easy, const struct transfer_end *end,
		      struct err *e)
{
	struct transfer *x = mem_calloc(1, sizeof(*x));

	if (!x) {
		curl_easy_cleanup(take_easy);
		FAIL(e, RC_NOMEM, "no memory for a message");
	}
	*x = (struct transfer){.all = t, .easy = take_easy, .end = *end};
	if (curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x) != CURLE_OK ||
	    curl_multi_add_handle(t->multi, x->easy) != CURLM_OK) {
		transfer_free(x);
		FAIL(e, RC_NOMEM, "cannot send a message");
	}
	x->next = t->ring.next;
	x->prev = &t->ring;
	x->next->prev = x;
	t->ring.next = x;
	return RC_OK;
}

enum rc transfers_new(struct loop *l, struct transfers **ret, struct err *e)
{
	struct transfers *t = mem_calloc(1, sizeof(*t));

	if (!t) {
		FAIL(e, RC_NOMEM, "no memory for messages");
	}
	t->loop = l;
	t->timer = (struct loop_timer){.fire = on_timer, .ctx = t};
	t->ring.next = &t->ring;
	t->ring.prev = &t->ring;
	t->multi = curl_multi_init();
	if (!t->multi ||
	    curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, want_socket) != CURLM_OK ||
	    curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t) != CURLM_OK ||
	    curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, want_timer) != CURLM_OK ||
	    curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t) != CURLM_OK) {
		transfers_free(t);
		FAIL(e, RC_NOMEM, "no memory for messages");
	}
	*ret = t;
	return RC_OK;
}

void transfers_free(struct transfers *t)
{
	if (!t) {
		return;
	}
	while (t->ring.next != &t->ring) {
		struct transfer_end end = t->ring.next->end;

		transfer_free(t->ring.next);
		end.drop(end.ctx);
	}
	if (t->multi) {
		(void)curl_multi_cleanup(t->multi); /* everything is removed */
	}
	loop_timer_clear(t->loop, &t->timer);
	for (size_t i = 0; i < LIMIT_SOCKETS; i++) {
		loop_remove(t->loop, &t->sockets[i]);
	}
	mem_free(t);
}
