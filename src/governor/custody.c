/* SPDX-License-Identifier: Apache-2.0 */
/* governor/custody.c - what people do with evidence that needs the store: check it, read it.
 *
 * Trust:  a person is a custodian or may do none of this (people_evidence.c asks).
 * Holds:  (1) a piece of an artefact is sent only behind a leaf that says who read it and why; the
 *             further pieces go to the same person, for a while.
 *         (2) a check is on the record whatever it found.
 *         (3) an item's key is open only while an order of it is under way.
 * States of an order: WAITS FOR THE KEY -> WITH THE STORE -> answered.
 */
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "codec/base64.h"
#include "governor/custody.h"
#include "governor/evidence_desk.h"
#include "governor/people.h"

enum { READING_MS = 10 * 60 * 1000, READINGS_MAX = 64, CHUNK_BYTES = 65536 };

void custody_free(struct evidence_desk *desk)
{
	for (size_t i = 0; i < desk->orders.n; i++) {
		mem_free((void *)(uintptr_t)desk->orders.p[i].purpose.p);
	}
	vec_fini(&desk->orders);
	vec_fini(&desk->readings);
}

/* ---- orders ---- */

static bool is_open_for_another(const struct governor *g, uint64_t serial)
{
	for (size_t i = 0; i < g->evidence->orders.n; i++) {
		const struct evidence *ev =
		    state_evidence(g->state, g->evidence->orders.p[i].evidence);

		if (ev && ev->key == serial) {
			return true;
		}
	}
	return false;
}

/* (3) */
static void drop(struct governor *g, size_t at)
{
	struct evidence_order o = g->evidence->orders.p[at];
	const struct evidence *ev = state_evidence(g->state, o.evidence);

	vec_remove(&g->evidence->orders, at);
	mem_free((void *)(uintptr_t)o.purpose.p);
	if (ev && !is_open_for_another(g, ev->key)) {
		vault_close(g->vault, ev->key);
	}
}

static bool find(const struct governor *g, uint64_t req, size_t *ret)
{
	for (size_t i = 0; req && i < g->evidence->orders.n; i++) {
		if (g->evidence->orders.p[i].req == req) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static void answer_error(struct governor *g, uint64_t people, enum rc code, const char *text)
{
	struct err e = ERR_INIT;

	(void)err_set(&e, code, __func__, "%s", text); /* people_reply_err says it */
	people_reply_err(g, people, &e);
}

static bool send(struct governor *g, struct evidence_order *o, const struct evidence *ev)
{
	const uint8_t *key = vault_key(g->vault, ev->key);
	struct str object = str_of(ev->object.bytes, sizeof(ev->object.bytes));
	struct message m = {.kind = MESSAGE_STORE_CHECK};

	o->req = g->evidence->next_req++;
	if (o->reads) {
		m.kind = MESSAGE_STORE_GET;
		m.store_get = (struct msg_store_get){
		    .req = o->req, .object = object, .key = str_of(key, 32), .chunk = o->chunk};
	} else {
		m.store_check = (struct msg_store_check){
		    .req = o->req, .object = object, .key = str_of(key, 32)};
	}
	return key && g->store && channel_send(g->store, &m) == RC_OK;
}

static bool record(struct governor *g, const struct evidence_order *o, const char *event,
		   struct str detail)
{
	struct leaf l = {
	    .kind = LEAF_EVIDENCE_CUSTODY,
	    .evidence_custody = {.event = str_from(event),
				 .by = o->by,
				 .detail = str_slice(detail, 0, 256)},
	};

	return evidence_record(g, o->evidence, &l);
}

/* (2): what was found wrong. */
static void found_damaged(struct governor *g, size_t at, struct str why)
{
	const struct evidence_order o = g->evidence->orders.p[at];

	log_err("e%llu is damaged: %.*s", (unsigned long long)o.evidence, STR_ARG(why));
	if (!record(g, &o, "damaged", why)) {
		answer_error(g, o.people, RC_BROKEN, "what was found cannot be recorded");
	} else {
		people_answer_checked(g, o.people, o.evidence, false, why);
	}
	drop(g, at);
}

/* The order goes on, if its key is open. */
static void go_on(struct governor *g, size_t at)
{
	struct evidence_order *o = &g->evidence->orders.p[at];
	const struct evidence *ev = state_evidence(g->state, o->evidence);

	if (!ev || (ev->state != EVIDENCE_KEPT && ev->state != EVIDENCE_DAMAGED)) {
		answer_error(g, o->people, RC_ABSENT, "the evidence was destroyed meanwhile");
		drop(g, at);
	} else if (!send(g, o, ev)) {
		answer_error(g, o->people, RC_AGAIN, "the store cannot be reached");
		drop(g, at);
	}
}

/* Takes the order over; it is answered now or later. */
static enum rc add(struct governor *g, struct evidence_order *o, struct err *e)
{
	struct evidence_desk *desk = g->evidence;
	const struct evidence *ev = state_evidence(g->state, o->evidence);
	enum rc rc;

	MUST(ev != NULL);
	if (desk->orders.n >= EVIDENCE_ORDERS_MAX) {
		FAIL(e, RC_LIMIT, "too many orders at once");
	}
	if (vec_push(&desk->orders, *o) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for an order");
	}
	o->purpose = STR_NULL; /* the desk's now */
	rc = vault_fetch(g->vault, g->keeper, ev->key, e);
	if (rc == RC_OK) {
		go_on(g, desk->orders.n - 1);
		return RC_OK;
	}
	if (rc == RC_AGAIN) {
		return RC_OK; /* custody_on_key */
	}
	if (rc == RC_ABSENT && !o->reads) {
		found_damaged(g, desk->orders.n - 1, STR("its key is not there"));
		return RC_OK;
	}
	drop(g, desk->orders.n - 1);
	return rc;
}

void custody_on_key(struct governor *g, uint64_t serial, bool ok)
{
	struct evidence_desk *desk = g->evidence;

	for (size_t i = desk->orders.n; i > 0; i--) {
		struct evidence_order *o = &desk->orders.p[i - 1];
		const struct evidence *ev = state_evidence(g->state, o->evidence);

		if (o->req || !ev || ev->key != serial) {
			continue;
		}
		if (ok && vault_key(g->vault, serial)) {
			go_on(g, i - 1);
		} else if (!o->reads) {
			found_damaged(g, i - 1, STR("the keeper does not open its key"));
		} else {
			answer_error(g, o->people, RC_BROKEN, "the keeper does not open the key");
			drop(g, i - 1);
		}
	}
}

void custody_store_lost(struct governor *g)
{
	for (size_t i = g->evidence->orders.n; i > 0; i--) {
		if (g->evidence->orders.p[i - 1].req) {
			answer_error(g, g->evidence->orders.p[i - 1].people, RC_AGAIN,
				     "the store ended; ask again");
			drop(g, i - 1);
		}
	}
}

/* ---- checking ---- */

enum rc custody_check(struct governor *g, uint64_t people, uint64_t evidence, struct str by,
		      struct err *e)
{
	struct evidence_order o = {.people = people, .evidence = evidence, .by = by};

	return add(g, &o, e);
}

/* Is the artefact the one whose digest the leaf commits to? */
static bool is_committed(struct governor *g, const struct evidence *ev, const struct msg_stored *m)
{
	AUTO_BUF hex = BUF_INIT(64);
	struct str committed;
	struct err e = ERR_INIT;

	if (m->plain_sha256.n != 32 || m->size != ev->size || m->object.n != 32 ||
	    memcmp(m->object.p, ev->object.bytes, 32) != 0 ||
	    buf_add_hex(&hex, (const uint8_t *)m->plain_sha256.p, 32) != RC_OK) {
		return false;
	}
	if (book_value_of(g->book, ev->ix, 0, &g->round, &committed, &e) != RC_OK) {
		log_warn("e%llu: %s", (unsigned long long)ev->ix, e.msg);
		return false;
	}
	return str_eq(committed, buf_view(&hex));
}

void custody_on_stored(struct governor *g, const struct msg_stored *m)
{
	const struct evidence *ev;
	size_t at;

	if (!find(g, m->req, &at)) {
		return;
	}
	ev = state_evidence(g->state, g->evidence->orders.p[at].evidence);
	if (!ev) {
		drop(g, at);
		return;
	}
	if (!m->ok) {
		found_damaged(g, at, m->detail);
	} else if (!is_committed(g, ev, m)) {
		found_damaged(g, at, STR("it is not what the log says"));
	} else {
		const struct evidence_order o = g->evidence->orders.p[at];

		if (record(g, &o, "verified", STR(""))) {
			people_answer_checked(g, o.people, o.evidence, true, STR(""));
		} else {
			answer_error(g, o.people, RC_BROKEN, "it cannot be recorded");
		}
		drop(g, at);
	}
}

/* ---- reading ---- */

/* (1) */
static bool may_go_on_reading(const struct governor *g, uint64_t evidence, struct str by)
{
	for (size_t i = 0; i < g->evidence->readings.n; i++) {
		const struct evidence_reading *r = &g->evidence->readings.p[i];

		if (r->evidence == evidence && str_eq(r->by, by)) {
			return gov_now_ns(g) <= r->until_ns;
		}
	}
	return false;
}

static void note_reading(struct governor *g, uint64_t evidence, struct str by)
{
	struct evidence_desk *desk = g->evidence;
	const struct evidence_reading fresh = {
	    .evidence = evidence,
	    .by = by,
	    .until_ns = gov_now_ns(g) + (uint64_t)READING_MS * 1000000,
	};

	for (size_t i = desk->readings.n; i > 0; i--) {
		if (desk->readings.p[i - 1].evidence == evidence &&
		    str_eq(desk->readings.p[i - 1].by, by)) {
			vec_remove(&desk->readings, i - 1);
		}
	}
	if (desk->readings.n >= READINGS_MAX) {
		vec_remove(&desk->readings, 0); /* the oldest begins again */
	}
	(void)vec_push(&desk->readings, fresh); /* without it, the person begins again */
}

enum rc custody_read(struct governor *g, uint64_t people, uint64_t evidence, struct str by,
		     uint64_t chunk, struct str purpose, struct err *e)
{
	struct evidence_order o = {
	    .people = people, .evidence = evidence, .by = by, .reads = true, .chunk = chunk};
	enum rc rc;

	if (chunk > 0 && !may_go_on_reading(g, evidence, by)) {
		FAIL(e, RC_DENIED, "reading begins with piece 0 and says its purpose");
	}
	if (chunk == 0) {
		char *copy = mem_calloc(1, purpose.n + 1);

		if (!copy) {
			FAIL(e, RC_NOMEM, "no memory for a purpose");
		}
		memcpy(copy, purpose.p, purpose.n);
		o.purpose = str_of(copy, purpose.n);
	}
	rc = add(g, &o, e);
	mem_free((void *)(uintptr_t)o.purpose.p); /* when the desk did not take it */
	return rc;
}

/* (1) */
static bool record_reading(struct governor *g, const struct evidence_order *o)
{
	const struct evidence *ev = state_evidence(g->state, o->evidence);
	struct err e = ERR_INIT;
	struct leaf l = {.kind = LEAF_EVIDENCE_CUSTODY};
	struct book_value values[] = {
	    {.bytes = o->purpose, .commit = &l.evidence_custody.purpose, .slot = 0}};

	if (o->chunk > 0) {
		return true;
	}
	l.evidence_custody = (struct leaf_evidence_custody){.evidence = ev->ix,
							    .prior = ev->last,
							    .nth = ev->nth + 1,
							    .event = STR("read"),
							    .by = o->by};
	if (book_record(g->book, &l, VAULT_LIFE_KEY, values, 1, NULL, &e) != RC_OK) {
		log_err("a reading could not be recorded: %s", e.msg);
		return false;
	}
	note_reading(g, o->evidence, o->by);
	return true;
}

static enum rc write_piece(struct governor *g, const struct evidence_order *o, struct str bytes,
			   struct json_out *w, struct err *e)
{
	const struct evidence *ev = state_evidence(g->state, o->evidence);
	AUTO_BUF text = BUF_INIT(2 * CHUNK_BYTES);
	AUTO_BUF hex = BUF_INIT(64);
	uint8_t salt[32];
	struct str plain;

	TRY(base64_encode(&text, bytes));
	TRY(book_disclose(g->book, ev->ix, 0, &g->round, salt, &plain, e));
	TRY(buf_add_hex(&hex, salt, sizeof(salt)));
	json_out_object(w);
	view_id(w, "evidence", 'e', ev->ix);
	json_out_key_u64(w, "piece", o->chunk);
	json_out_key_u64(w, "size", ev->size);
	json_out_key_bool(w, "more", (o->chunk + 1) * CHUNK_BYTES < ev->size);
	json_out_key_str(w, "sha256", plain);
	json_out_key_str(w, "salt", buf_view(&hex));
	json_out_key_str(w, "bytes", buf_view(&text));
	json_out_close(w);
	return json_out_end(w, e);
}

void custody_on_got(struct governor *g, const struct msg_store_got *m)
{
	AUTO_BUF out = BUF_INIT(LIMIT_RESULT_BYTES);
	struct json_out w = json_out_to(&out);
	struct err e = ERR_INIT;
	struct evidence_order *o;
	size_t at;

	if (!find(g, m->req, &at)) {
		return;
	}
	o = &g->evidence->orders.p[at];
	if (!m->ok) {
		log_warn("e%llu cannot be read: %.*s", (unsigned long long)o->evidence,
			 STR_ARG(m->detail));
		answer_error(g, o->people, RC_IO,
			     "it cannot be read; remit evidence verify says why");
	} else if (!state_evidence(g->state, o->evidence) ||
		   write_piece(g, o, m->bytes, &w, &e) != RC_OK) {
		answer_error(g, o->people, RC_BROKEN, e.msg);
	} else if (!record_reading(g, o)) {
		answer_error(g, o->people, RC_BROKEN, "it cannot be recorded who reads this");
	} else {
		people_reply(g, o->people, 200, buf_view(&out));
	}
	if (out.n) {
		explicit_bzero(out.p, out.n);
	}
	drop(g, at);
}
