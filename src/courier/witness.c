/* SPDX-License-Identifier: Apache-2.0 */
/* courier/witness.c - one POST per question, and what may come of it.
 *
 * Trust:  the governor's questions; a witness, and whoever sits between, is hostile: it decides
 *         between a few words, a number and a signature that must verify.
 * Holds:  (1) each question is answered exactly once, unless witness_client_free comes first.
 */
#include "courier/witness.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "codec/base64.h"

enum {
	PROOF_MAX_HASHES = 63, /* as the protocol has it */
	QUESTION_BYTES = PROOF_MAX_HASHES * 45 + TLOG_NOTE_MAX_BYTES + 64,
	URL_BYTES = 4096,
};

struct witness_client {
	const struct witnesses_conf *conf;
	struct tlog_policy *policy;
	struct transfers *transfers;
	struct curl_slist *headers;
	witness_fn *done;
	void *ctx;
};

/* A question under way. */
struct question {
	struct witness_client *client;
	uint64_t id;
	struct tlog_vkey key;
	struct buf body;
	struct buf text; /* of the checkpoint */
	struct buf answer;
	char why[CURL_ERROR_SIZE];
};

static void question_free(struct question *q)
{
	if (q) {
		buf_fini(&q->body);
		buf_fini(&q->text);
		buf_fini(&q->answer);
		mem_free(q);
	}
}

static void question_cleanup(struct question **q)
{
	question_free(*q);
}

/* ---- Answers ---- */

static void say(struct witness_answer *a, enum witness_said said, const char *detail)
{
	size_t n = strnlen(detail, sizeof(a->detail) - 1); /* a cut text says enough */

	a->said = said;
	memcpy(a->detail, detail, n);
	a->detail[n] = '\0';
}

static void read_conflict(struct str body, struct witness_answer *a)
{
	struct str rest = body;
	struct str number = str_cut(&rest, '\n');

	if (rest.p && rest.n == 0 && num_u64(number, INT64_MAX, &a->size)) {
		say(a, WITNESS_HOLDS, "it holds a tree of another size");
	} else {
		a->size = 0;
		say(a, WITNESS_REFUSES, "status 409 without a size");
	}
}

void witness_answer_read(long status, struct str body, struct str text, const struct tlog_vkey *key,
			 struct witness_answer *ret)
{
	struct err e = ERR_INIT;

	*ret = (struct witness_answer){0};
	if (status == 200) {
		if (tlog_cosignature_find(body, text, key, &ret->cosignature, &e) == RC_OK) {
			say(ret, WITNESS_COSIGNED, "");
		} else {
			say(ret, WITNESS_REFUSES, e.msg);
		}
	} else if (status == 409) {
		read_conflict(body, ret);
	} else if (status == 422) {
		say(ret, WITNESS_DISPUTES, "it finds that the log is no extension of what it saw");
	} else if (status == 404) {
		say(ret, WITNESS_REFUSES, "it does not know this log");
	} else if (status == 403) {
		say(ret, WITNESS_REFUSES, "it knows no key of this log that signed");
	} else {
		say(ret, WITNESS_REFUSES, "");
		(void)snprintf(ret->detail, sizeof(ret->detail), "status %ld", status); /* fits */
	}
}

static void on_done(void *ctx, CURLcode result, long status)
{
	struct question *q = ctx;
	struct witness_answer a = {0};

	if (result == CURLE_OK) {
		witness_answer_read(status, buf_view(&q->answer), buf_view(&q->text), &q->key, &a);
	} else {
		say(&a, WITNESS_SILENT, q->why[0] ? q->why : curl_easy_strerror(result));
	}
	q->client->done(q->client->ctx, q->id, &a);
	question_free(q);
}

static void on_drop(void *ctx)
{
	question_free(ctx);
}

static size_t take_answer(char *bytes, size_t size, size_t n, void *ctx)
{
	struct question *q = ctx;

	return buf_add(&q->answer, str_of(bytes, size * n)) == RC_OK ? size * n : 0;
}

/* ---- Questions ---- */

static enum rc add_hash(struct buf *b, struct str hash)
{
	TRY(base64_encode(b, hash));
	return buf_add_char(b, '\n');
}

enum rc witness_question(uint64_t old_size, struct str proof, struct str note, struct buf *b,
			 struct err *e)
{
	enum rc rc = buf_addf(b, "old %llu\n", (unsigned long long)old_size);

	if (proof.n % TLOG_HASH_BYTES != 0 || proof.n / TLOG_HASH_BYTES > PROOF_MAX_HASHES) {
		FAIL(e, RC_INPUT, "a consistency proof cannot have %zu bytes", proof.n);
	}
	for (size_t at = 0; at < proof.n && rc == RC_OK; at += TLOG_HASH_BYTES) {
		rc = add_hash(b, str_slice(proof, at, at + TLOG_HASH_BYTES));
	}
	if (rc != RC_OK || buf_add_char(b, '\n') != RC_OK || buf_add(b, note) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory to ask a witness");
	}
	return RC_OK;
}

static const struct tlog_witness *find_witness(const struct witness_client *c, struct str name)
{
	for (size_t i = 0; i < tlog_policy_witnesses(c->policy); i++) {
		const struct tlog_witness *w = tlog_policy_witness(c->policy, i);

		if (str_eq(w->name, name) && w->url.n > 0) {
			return w;
		}
	}
	return NULL;
}

static enum rc send_question(struct witness_client *c, const struct tlog_witness *w,
			     struct question *take_q, struct err *e)
{
	CLEANUP(question_cleanup) struct question *q = take_q;
	AUTO_ARENA arena = ARENA_INIT(4 * URL_BYTES);
	struct transfer_end end = {.done = on_done, .drop = on_drop, .ctx = q};
	char url[URL_BYTES];
	const char *ca_file = arena_cstr(&arena, c->conf->ca_file);
	CURL *easy = curl_easy_init();
	struct transfer_post post = {.url = url,
				     .headers = c->headers,
				     .body = buf_view(&q->body),
				     .timeout_ms = WITNESS_MS,
				     .take = take_answer,
				     .ctx = q,
				     .why = q->why,
				     .ca_file = ca_file,
				     /* Should one be sent again behind our back: the same question
				      * has the same answer. */
				     .may_reuse = true};
	int n = snprintf(url, sizeof(url), STR_FMT "%sadd-checkpoint", STR_ARG(w->url),
			 w->url.p[w->url.n - 1] == '/' ? "" : "/");

	if (!easy || !ca_file) {
		curl_easy_cleanup(easy);
		FAIL(e, RC_NOMEM, "no memory to ask a witness");
	}
	if (n < 0 || (size_t)n >= sizeof(url) || !transfer_set_post(easy, &post)) {
		curl_easy_cleanup(easy);
		FAIL(e, RC_LIMIT, "cannot prepare a question");
	}
	TRY(transfers_add(c->transfers, easy, &end, e));
	q = NULL; /* of the transfer, until it ends */
	return RC_OK;
}

static enum rc ask(struct witness_client *c, const struct msg_witness_ask *m, struct err *e)
{
	const struct tlog_witness *w = find_witness(c, m->witness);
	CLEANUP(question_cleanup) struct question *q = mem_calloc(1, sizeof(*q));
	struct tlog_note note;

	if (!w) {
		FAIL(e, RC_ABSENT, "there is no such witness");
	}
	if (!q) {
		FAIL(e, RC_NOMEM, "no memory to ask a witness");
	}
	*q = (struct question){.client = c,
			       .id = m->id,
			       .key = w->key,
			       .body = BUF_INIT(QUESTION_BYTES),
			       .text = BUF_INIT(TLOG_NOTE_MAX_BYTES),
			       .answer = BUF_INIT(WITNESS_ANSWER_BYTES)};
	TRY(tlog_note_parse(m->note, &note, e));
	if (buf_add(&q->text, note.text) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory to ask a witness");
	}
	TRY(witness_question(m->old_size, m->proof, m->note, &q->body, e));
	return send_question(c, w, TAKE(q), e);
}

void witness_client_ask(struct witness_client *c, const struct msg_witness_ask *m)
{
	struct err e = ERR_INIT;
	struct witness_answer a = {0};

	if (ask(c, m, &e) != RC_OK) {
		say(&a, WITNESS_SILENT, e.msg);
		c->done(c->ctx, m->id, &a);
	}
}

/* ---- The client ---- */

static void client_cleanup(struct witness_client **c)
{
	witness_client_free(*c);
}

enum rc witness_client_new(struct loop *l, const struct witnesses_conf *conf, witness_fn *done,
			   void *ctx, struct witness_client **ret, struct err *e)
{
	CLEANUP(client_cleanup) struct witness_client *c = mem_calloc(1, sizeof(*c));
	struct curl_slist *more;

	if (!c) {
		FAIL(e, RC_NOMEM, "no memory for witnesses");
	}
	*c = (struct witness_client){.conf = conf, .done = done, .ctx = ctx};
	TRY(tlog_policy_parse(conf->policy, &c->policy, e));
	c->headers = curl_slist_append(NULL, "content-type: text/plain; charset=utf-8");
	more = curl_slist_append(c->headers, "expect:"); /* it only delays */
	if (!c->headers || !more) {
		FAIL(e, RC_NOMEM, "no memory for witnesses");
	}
	TRY(transfers_new(l, &c->transfers, e));
	*ret = TAKE(c);
	return RC_OK;
}

void witness_client_free(struct witness_client *c)
{
	if (c) {
		transfers_free(c->transfers);
		curl_slist_free_all(c->headers);
		tlog_policy_free(c->policy);
		mem_free(c);
	}
}
