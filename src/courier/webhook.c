/* SPDX-License-Identifier: Apache-2.0 */
/* courier/webhook.c - libcurl's multi interface on our loop.
 *
 * Trust:  the URL is the operator's; the server behind it is hostile: it decides one bit (2xx or
 *         not), and a short text about why not comes from libcurl, never from it.
 * Holds:  (1) done is called exactly once per accepted message, unless webhooks_free comes first.
 */
#include "courier/webhook.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/base64.h"

enum {
	LIMIT_SOCKETS = 256,
	ANSWER_BYTES = 64 * 1024, /* a longer answer ends the transfer */
	HEADER_BYTES = 8192,
	CONNECT_MS = 5000,
};

/* One request. */
struct post {
	struct webhooks *all;
	CURL *easy;
	struct curl_slist *headers;
	struct buf body;
	size_t answered_bytes;
	char why[CURL_ERROR_SIZE];
	webhook_fn *done;
	void *ctx;
	struct post *prev;
	struct post *next;
};

struct webhooks {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer timer;
	struct loop_io sockets[LIMIT_SOCKETS];
	struct post posts; /* head of a ring */
	uint64_t timeout_ms;
};

static void post_free(struct post *p)
{
	if (!p) {
		return;
	}
	if (p->next) {
		p->prev->next = p->next;
		p->next->prev = p->prev;
	}
	if (p->easy) {
		(void)curl_multi_remove_handle(p->all->multi, p->easy); /* fine when not added */
		curl_easy_cleanup(p->easy);
	}
	for (struct curl_slist *h = p->headers; h; h = h->next) {
		secret_wipe(h->data, strlen(h->data)); /* one may be the token */
	}
	curl_slist_free_all(p->headers);
	buf_fini(&p->body);
	mem_free(p);
}

static void finish(struct post *p, CURLcode result)
{
	char detail[256];
	long status = 0;
	bool ok;

	(void)curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status); /* 0 when it fails */
	ok = result == CURLE_OK && status >= 200 && status < 300;
	if (result != CURLE_OK) {
		(void)snprintf(detail, sizeof(detail), "%s",
			       p->why[0] ? p->why : curl_easy_strerror(result));
	} else {
		(void)snprintf(detail, sizeof(detail), "status %ld", status);
	}
	p->done(p->ctx, ok, str_from(detail));
	post_free(p);
}

static void collect(struct webhooks *w)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(w->multi, &left))) {
		struct post *p = NULL;

		if (m->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&p) == CURLE_OK) {
			finish(p, m->data.result);
		}
	}
}

static void on_socket(struct loop_io *io, uint32_t events)
{
	struct webhooks *w = io->ctx;
	int what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
		   (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		   (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
	int running;

	(void)curl_multi_socket_action(w->multi, io->fd, what, &running); /* told by collect */
	collect(w);
}

static void on_timer(struct loop_timer *t)
{
	struct webhooks *w = t->ctx;
	int running;

	(void)curl_multi_socket_action(w->multi, CURL_SOCKET_TIMEOUT, 0, &running); /* as above */
	collect(w);
}

/* libcurl wants the timer set; -1 = off. */
static int want_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	struct webhooks *w = ctx;

	(void)multi;
	if (timeout_ms < 0) {
		loop_timer_clear(w->loop, &w->timer);
		return 0;
	}
	return loop_timer_in(w->loop, &w->timer, (uint64_t)timeout_ms) == RC_OK ? 0 : -1;
}

static struct loop_io *place_for(struct webhooks *w, int fd)
{
	struct loop_io *is_free = NULL;

	for (size_t i = 0; i < LIMIT_SOCKETS; i++) {
		if (w->sockets[i].is_added && w->sockets[i].fd == fd) {
			return &w->sockets[i];
		}
		if (!w->sockets[i].is_added && !is_free) {
			is_free = &w->sockets[i];
		}
	}
	return is_free;
}

/* libcurl wants a socket watched, or no longer. */
static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct webhooks *w = ctx;
	struct loop_io *io = place_for(w, fd);
	uint32_t events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
			  (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);

	(void)easy;
	(void)socket_ctx;
	if (!io) {
		return -1;
	}
	if (what == CURL_POLL_REMOVE) {
		loop_remove(w->loop, io);
		return 0;
	}
	if (io->is_added) {
		return loop_change(w->loop, io, events, NULL) == RC_OK ? 0 : -1;
	}
	*io = (struct loop_io){.fd = fd, .ready = on_socket, .ctx = w};
	return loop_add(w->loop, io, events, NULL) == RC_OK ? 0 : -1;
}

static size_t ignore_answer(char *bytes, size_t size, size_t n, void *ctx)
{
	struct post *p = ctx;

	(void)bytes;
	p->answered_bytes += size * n;
	return p->answered_bytes > ANSWER_BYTES ? 0 : size * n;
}

/* ---- One request ---- */

enum rc webhook_sign(struct str key, struct str message_id, uint64_t unix_s, struct str body,
		     struct buf *b, struct err *e)
{
	AUTO_BUF text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	uint8_t mac[32];

	if (buf_addf(&text, STR_FMT ".%llu.", STR_ARG(message_id), (unsigned long long)unix_s) !=
		RC_OK ||
	    buf_add(&text, body) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory to sign a message");
	}
	if (key.n > 1024 ||
	    !HMAC(EVP_sha256(), key.p, (int)key.n, (const uint8_t *)text.p, text.n, mac, NULL)) {
		FAIL(e, RC_BROKEN, "cannot sign a message");
	}
	if (buf_add(b, STR("v1,")) != RC_OK ||
	    base64_encode(b, str_of(mac, sizeof(mac))) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory to sign a message");
	}
	return RC_OK;
}

static enum rc add_header(struct post *p, struct buf *line, struct err *e)
{
	struct curl_slist *more = NULL;

	if (buf_add_char(line, '\0') == RC_OK) {
		more = curl_slist_append(p->headers, line->p);
	}
	secret_wipe(line->p, line->n);
	buf_reset(line);
	if (!more) {
		FAIL(e, RC_NOMEM, "no memory for a message's headers");
	}
	p->headers = more;
	return RC_OK;
}

static enum rc add_secret(struct post *p, struct str secret, struct str message_id, uint64_t unix_s,
			  struct buf *line, struct err *e)
{
	AUTO_BUF key = BUF_INIT(1024);
	enum rc rc;

	if (!str_has_prefix(secret, STR("whsec_"))) {
		if (buf_add(line, STR("authorization: Bearer ")) != RC_OK ||
		    buf_add(line, secret) != RC_OK) {
			FAIL(e, RC_NOMEM, "no memory for a message's headers");
		}
		return add_header(p, line, e);
	}
	if (buf_reserve(&key, 1024) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a message's headers");
	}
	if (base64_decode(&key, str_slice(secret, 6, secret.n)) != RC_OK) {
		FAIL(e, RC_INPUT, "what stands behind 'whsec_' in the secret is no base64");
	}
	rc = buf_add(line, STR("webhook-signature: "));
	if (rc == RC_OK) {
		rc = webhook_sign(buf_view(&key), message_id, unix_s, buf_view(&p->body), line, e);
	}
	secret_wipe(key.p, key.cap);
	return rc == RC_OK ? add_header(p, line, e) : rc;
}

static enum rc add_headers(struct post *p, const struct secret *secret, struct str message_id,
			   struct err *e)
{
	uint64_t unix_s = clock_unix_ms(loop_clock(p->all->loop)) / 1000;
	AUTO_BUF line = BUF_INIT(HEADER_BYTES);

	/* Expect: off, since it only delays. */
	if (buf_reserve(&line, HEADER_BYTES) != RC_OK ||
	    buf_add(&line, STR("content-type: application/json")) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a message's headers");
	}
	TRY(add_header(p, &line, e));
	TRY(buf_add(&line, STR("expect:")));
	TRY(add_header(p, &line, e));
	TRY(buf_addf(&line, "webhook-id: " STR_FMT, STR_ARG(message_id)));
	TRY(add_header(p, &line, e));
	TRY(buf_addf(&line, "webhook-timestamp: %llu", (unsigned long long)unix_s));
	TRY(add_header(p, &line, e));
	return secret ? add_secret(p, secret_view(secret), message_id, unix_s, &line, e) : RC_OK;
}

static enum rc set_options(struct post *p, const char *url, struct err *e)
{
	CURL *c = p->easy;
	bool ok = true;

	ok &= curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)p->all->timeout_ms) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_USERAGENT, "remit/" REMIT_VERSION) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_HTTPHEADER, p->headers) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)p->body.n) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_POSTFIELDS, p->body.p) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, ignore_answer) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_WRITEDATA, p) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_ERRORBUFFER, p->why) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_PRIVATE, p) == CURLE_OK;
	if (!ok) {
		FAIL(e, RC_NOMEM, "cannot prepare a message");
	}
	return RC_OK;
}

static void post_cleanup(struct post **p)
{
	post_free(*p);
}

enum rc webhook_send(struct webhooks *w, struct str url, const struct secret *secret,
		     struct str message_id, struct str body, webhook_fn *done, void *ctx,
		     struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(16384);
	CLEANUP(post_cleanup) struct post *p = mem_calloc(1, sizeof(*p));
	const char *url_text = arena_cstr(&arena, url);

	if (!p || !url_text) {
		FAIL(e, RC_NOMEM, "no memory for a message");
	}
	p->all = w;
	p->done = done;
	p->ctx = ctx;
	p->body = (struct buf)BUF_INIT(LIMIT_MESSAGE_BYTES);
	p->easy = curl_easy_init();
	if (!p->easy || buf_add(&p->body, body) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a message");
	}
	TRY(add_headers(p, secret, message_id, e));
	TRY(set_options(p, url_text, e));
	if (curl_multi_add_handle(w->multi, p->easy) != CURLM_OK) {
		FAIL(e, RC_NOMEM, "cannot send a message");
	}
	p->next = w->posts.next;
	p->prev = &w->posts;
	p->next->prev = p;
	w->posts.next = p;
	p = NULL; /* w's, until finish() */
	return RC_OK;
}

/* ---- Life ---- */

enum rc webhooks_new(struct loop *l, uint64_t timeout_ms, struct webhooks **ret, struct err *e)
{
	struct webhooks *w = mem_calloc(1, sizeof(*w));

	if (!w) {
		FAIL(e, RC_NOMEM, "no memory for webhooks");
	}
	w->loop = l;
	w->timeout_ms = timeout_ms ? timeout_ms : WEBHOOK_MS;
	w->timer = (struct loop_timer){.fire = on_timer, .ctx = w};
	w->posts.next = &w->posts;
	w->posts.prev = &w->posts;
	w->multi = curl_multi_init();
	if (!w->multi ||
	    curl_multi_setopt(w->multi, CURLMOPT_SOCKETFUNCTION, want_socket) != CURLM_OK ||
	    curl_multi_setopt(w->multi, CURLMOPT_SOCKETDATA, w) != CURLM_OK ||
	    curl_multi_setopt(w->multi, CURLMOPT_TIMERFUNCTION, want_timer) != CURLM_OK ||
	    curl_multi_setopt(w->multi, CURLMOPT_TIMERDATA, w) != CURLM_OK) {
		webhooks_free(w);
		FAIL(e, RC_NOMEM, "no memory for webhooks");
	}
	*ret = w;
	return RC_OK;
}

void webhooks_free(struct webhooks *w)
{
	if (!w) {
		return;
	}
	while (w->posts.next != &w->posts) {
		post_free(w->posts.next);
	}
	if (w->multi) {
		(void)curl_multi_cleanup(w->multi); /* everything is removed */
	}
	loop_timer_clear(w->loop, &w->timer);
	for (size_t i = 0; i < LIMIT_SOCKETS; i++) {
		loop_remove(w->loop, &w->sockets[i]);
	}
	mem_free(w);
}
