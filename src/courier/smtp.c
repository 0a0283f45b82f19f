/* SPDX-License-Identifier: Apache-2.0 */
/* courier/smtp.c - messages by mail.
 *
 * Trust:  addresses and URL are the operator's, checked by the loader; the body may quote agents
 * and upstreams; the server decides one bit. Holds:  (1) nothing of the body reaches the header but
 * a word of a closed alphabet, and the body is base64, so that no line of it can end the data. (2)
 * a password is sent over TLS only, or to this machine.
 */
#include "courier/smtp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/base64.h"
#include "codec/json.h"

enum { LINE_BYTES = 76, CONNECT_MS = 15000, HEADER_BYTES = 8192, WORD_BYTES = 64 };

struct mail {
	struct buf text;
	size_t sent;
	struct curl_slist *to;
	char why[CURL_ERROR_SIZE];
	smtp_fn *done;
	void *ctx;
};

static void mail_free(struct mail *m)
{
	if (m) {
		curl_slist_free_all(m->to);
		buf_fini(&m->text);
		mem_free(m);
	}
}

static void mail_cleanup(struct mail **m)
{
	mail_free(*m);
}

static void on_done(void *ctx, CURLcode result, long status)
{
	struct mail *m = ctx;
	bool ok = result == CURLE_OK && status >= 200 && status < 300;
	char detail[256];

	if (result != CURLE_OK) {
		(void)snprintf(detail, sizeof(detail), "%s",
			       m->why[0] ? m->why : curl_easy_strerror(result));
	} else {
		(void)snprintf(detail, sizeof(detail), "status %ld", status);
	}
	m->done(m->ctx, ok, str_from(detail));
	mail_free(m);
}

static void on_drop(void *ctx)
{
	mail_free(ctx);
}

/* ---- the text ---- */

/* (1): the message's "type", or nothing. */
static void kind_of(struct str body, char out[WORD_BYTES])
{
	AUTO_ARENA arena = ARENA_INIT(4 * LIMIT_MESSAGE_BYTES);
	const struct json *j;
	struct str type = STR("");
	size_t n = 0;

	if (json_parse(&arena, body, NULL, &j, NULL) == RC_OK) {
		type = json_str(json_get(j, STR("type")), &type) ? type : STR("");
	}
	for (size_t i = 0; i < type.n && n + 1 < WORD_BYTES; i++) {
		char c = type.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_') {
			out[n++] = c;
		}
	}
	out[n] = '\0';
}

static enum rc add_header(struct buf *b, const struct notifier *n, struct str message_id,
			  const char *kind, uint64_t unix_s)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (!gmtime_r(&t, &tm)) {
		return RC_BROKEN;
	}
	TRY(buf_addf(b, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday,
		     months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec));
	TRY(buf_addf(b, "From: Remit <" STR_FMT ">\r\n", STR_ARG(n->from)));
	for (size_t i = 0; i < n->to.n; i++) {
		TRY(buf_addf(b, "%s" STR_FMT, i ? ",\r\n " : "To: ", STR_ARG(n->to.p[i])));
	}
	TRY(buf_addf(b, "\r\nSubject: Remit: %s\r\n", kind[0] ? kind : "a message"));
	TRY(buf_addf(b, "Message-ID: <" STR_FMT "@remit.invalid>\r\n", STR_ARG(message_id)));
	TRY(buf_add(b, STR("Auto-Submitted: auto-generated\r\n")));
	TRY(buf_add(b, STR("MIME-Version: 1.0\r\nContent-Type: application/json; charset=utf-8\r\n"
			   "Content-Transfer-Encoding: base64\r\n\r\n")));
	return RC_OK;
}

enum rc smtp_compose(const struct notifier *n, struct str message_id, struct str body,
		     uint64_t unix_s, struct buf *b, struct err *e)
{
	AUTO_BUF encoded = BUF_INIT(2 * LIMIT_MESSAGE_BYTES);
	char kind[WORD_BYTES];

	kind_of(body, kind);
	if (add_header(b, n, message_id, kind, unix_s) != RC_OK ||
	    base64_encode(&encoded, body) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a mail");
	}
	for (size_t at = 0; at < encoded.n; at += LINE_BYTES) {
		struct str line = str_slice(buf_view(&encoded), at, at + LINE_BYTES);

		if (buf_add(b, line) != RC_OK || buf_add(b, STR("\r\n")) != RC_OK) {
			FAIL(e, RC_NOMEM, "no memory for a mail");
		}
	}
	return RC_OK;
}

/* ---- sending ---- */

static size_t give(char *bytes, size_t size, size_t n, void *ctx)
{
	struct mail *m = ctx;
	size_t left = m->text.n - m->sent;
	size_t take = size * n < left ? size * n : left;

	if (take) {
		memcpy(bytes, m->text.p + m->sent, take);
	}
	m->sent += take;
	return take;
}

static bool is_here(struct str url)
{
	struct str host = url;

	(void)str_cut(&host, '/'); /* the scheme, and the empty part behind it */
	(void)str_cut(&host, '/');
	host = str_slice(host, 0, str_find(host, '/'));
	return str_has_prefix(host, STR("127.")) || str_has_prefix(host, STR("[::1]")) ||
	       str_eq(host, STR("localhost")) || str_has_prefix(host, STR("localhost:"));
}

/* (2) */
static bool set_security(CURL *c, const struct notifier *n, const char *ca_file)
{
	long level = is_here(n->url) && n->ca_file.n == 0 ? CURLUSESSL_TRY : CURLUSESSL_ALL;
	bool ok = true;

	ok &= curl_easy_setopt(c, CURLOPT_USE_SSL, level) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
	if (ca_file[0]) {
		ok &= curl_easy_setopt(c, CURLOPT_CAINFO, ca_file) == CURLE_OK;
	}
	return ok;
}

static bool set_user(CURL *c, const char *user, const struct secret *secret, struct arena *arena)
{
	const char *password = secret ? arena_cstr(arena, secret_view(secret)) : NULL;

	if (!user[0]) {
		return true;
	}
	return password && curl_easy_setopt(c, CURLOPT_USERNAME, user) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_PASSWORD, password) == CURLE_OK;
}

static enum rc set_options(CURL *c, struct mail *m, const struct notifier *n,
			   const struct secret *secret, uint64_t timeout_ms, struct err *e)
{
	AUTO_ARENA_SECRET arena = ARENA_INIT(64 * 1024); /* libcurl copies texts */
	const char *url = arena_cstr(&arena, n->url);
	const char *from = arena_cstr(&arena, n->from);
	const char *user = arena_cstr(&arena, n->user);
	const char *ca_file = arena_cstr(&arena, n->ca_file);
	bool ok = url && from && user && ca_file;

	for (size_t i = 0; ok && i < n->to.n; i++) {
		const char *to = arena_cstr(&arena, n->to.p[i]);
		struct curl_slist *more = to ? curl_slist_append(m->to, to) : NULL;

		ok &= more != NULL;
		m->to = more ? more : m->to;
	}
	ok = ok && set_security(c, n, ca_file) && set_user(c, user, secret, &arena);
	ok = ok && curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_MAIL_FROM, from) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_MAIL_RCPT, m->to) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_UPLOAD, 1L) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_READFUNCTION, give) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_READDATA, m) == CURLE_OK;
	ok = ok && curl_easy_setopt(c, CURLOPT_ERRORBUFFER, m->why) == CURLE_OK;
	if (!ok) {
		FAIL(e, RC_NOMEM, "cannot prepare a mail");
	}
	return RC_OK;
}

enum rc smtp_send(struct transfers *t, const struct notifier *n, const struct secret *secret,
		  struct str message_id, struct str body, uint64_t unix_s, uint64_t timeout_ms,
		  smtp_fn *done, void *ctx, struct err *e)
{
	CLEANUP(mail_cleanup) struct mail *m = mem_calloc(1, sizeof(*m));
	struct transfer_end end = {.done = on_done, .drop = on_drop, .ctx = m};
	CURL *easy;
	enum rc rc;

	if (!m) {
		FAIL(e, RC_NOMEM, "no memory for a mail");
	}
	m->done = done;
	m->ctx = ctx;
	m->text = (struct buf)BUF_INIT(3 * LIMIT_MESSAGE_BYTES);
	TRY(smtp_compose(n, message_id, body, unix_s, &m->text, e));
	easy = curl_easy_init();
	if (!easy) {
		FAIL(e, RC_NOMEM, "no memory for a mail");
	}
	rc = set_options(easy, m, n, secret, timeout_ms ? timeout_ms : SMTP_MS, e);
	if (rc != RC_OK) {
		curl_easy_cleanup(easy);
		return rc;
	}
	TRY(transfers_add(t, easy, &end, e));
	m = NULL; /* of the transfer, until it ends */
	return RC_OK;
}
