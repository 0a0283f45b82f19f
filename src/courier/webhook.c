/* SPDX-License-Identifier: Apache-2.0 */
/* courier/webhook.c - messages to URLs.
 *
 * Trust:  the URL is the operator's; the server behind it is hostile: it decides one bit (2xx or
 *         not), and a short text about why not comes from libcurl, never from it.
 * Holds:  (1) done is called exactly once per accepted message, unless webhooks_free comes first.
 */
#include "courier/webhook.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/base64.h"

enum {
	ANSWER_BYTES = 64 * 1024, /* a longer answer ends the transfer */
	HEADER_BYTES = 8192,
};

/* One request. */
struct post {
	struct curl_slist *headers;
	struct buf body;
	size_t answered_bytes;
	char why[CURL_ERROR_SIZE];
	webhook_fn *done;
	void *ctx;
};

static void post_free(struct post *p)
{
	if (!p) {
		return;
	}
	for (struct curl_slist *h = p->headers; h; h = h->next) {
		secret_wipe(h->data, strlen(h->data)); /* one may be the token */
	}
	curl_slist_free_all(p->headers);
	buf_fini(&p->body);
	mem_free(p);
}

static void on_done(void *ctx, CURLcode result, long status)
{
	struct post *p = ctx;
	char detail[256];
	bool ok = result == CURLE_OK && status >= 200 && status < 300;

	if (result != CURLE_OK) {
		(void)snprintf(detail, sizeof(detail), "%s",
			       p->why[0] ? p->why : curl_easy_strerror(result));
	} else {
		(void)snprintf(detail, sizeof(detail), "status %ld", status);
	}
	p->done(p->ctx, ok, str_from(detail));
	post_free(p);
}

static void on_drop(void *ctx)
{
	post_free(ctx);
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
			   uint64_t unix_s, struct err *e)
{
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

static void post_cleanup(struct post **p)
{
	post_free(*p);
}

enum rc webhook_send(struct transfers *t, struct str url, const struct secret *secret,
		     struct str message_id, struct str body, uint64_t unix_s, uint64_t timeout_ms,
		     webhook_fn *done, void *ctx, struct err *e)
{
	AUTO_ARENA arena = ARENA_INIT(16384);
	CLEANUP(post_cleanup) struct post *p = mem_calloc(1, sizeof(*p));
	struct transfer_end end = {.done = on_done, .drop = on_drop, .ctx = p};
	const char *url_text = arena_cstr(&arena, url);
	struct transfer_post post;
	CURL *easy;

	if (!p || !url_text) {
		FAIL(e, RC_NOMEM, "no memory for a message");
	}
	p->done = done;
	p->ctx = ctx;
	p->body = (struct buf)BUF_INIT(LIMIT_MESSAGE_BYTES);
	if (buf_add(&p->body, body) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a message");
	}
	TRY(add_headers(p, secret, message_id, unix_s, e));
	easy = curl_easy_init();
	if (!easy) {
		FAIL(e, RC_NOMEM, "no memory for a message");
	}
	post = (struct transfer_post){.url = url_text,
				      .headers = p->headers,
				      .body = buf_view(&p->body),
				      .timeout_ms = timeout_ms ? timeout_ms : WEBHOOK_MS,
				      .take = ignore_answer,
				      .ctx = p,
				      .why = p->why};
	if (!transfer_set_post(easy, &post)) {
		curl_easy_cleanup(easy);
		FAIL(e, RC_NOMEM, "cannot prepare a message");
	}
	TRY(transfers_add(t, easy, &end, e));
	p = NULL; /* of the transfer, until it ends */
	return RC_OK;
}
