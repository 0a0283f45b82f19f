/* SPDX-License-Identifier: Apache-2.0 */
/* governor/evidence.c - from results to evidence.
 *
 * Trust:  the store says what it has read back; what it says is compared with what was given to it.
 * Holds:  (1) evidence.captured is written only after the store has read the object back whole, and
 *             the object's key is durable under its own name before that.
 *         (2) a result that cannot be kept leaves evidence.failed, and no key and no object.
 *         (3) nobody waits for evidence for longer than EVIDENCE_PUT_MS.
 * States of a put: WAITING FOR A KEY -> WITH THE STORE -> evidence.captured or evidence.failed;
 *         WITH THE STORE -the store ends-> WAITING, for the next one;
 *         WITH THE STORE -too long-> evidence.failed, GIVEN UP -stored-> the object is removed.
 */
#include "governor/evidence_desk.h"

#include <string.h>

#include <openssl/sha.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/num.h"

/* ---- the desk ---- */

enum rc evidence_desk_new(struct governor *g, struct err *e)
{
	g->evidence = mem_calloc(1, sizeof(*g->evidence));
	if (!g->evidence) {
		FAIL(e, RC_NOMEM, "no memory for evidence");
	}
	g->evidence->next_req = g->env->generation << 32 | 1; /* none of an earlier governor's */
	return RC_OK;
}

static void put_free(struct evidence_put *p)
{
	if (p) {
		mem_free_secret(p->bytes, p->bytes ? p->size : 0);
		mem_free(p);
	}
}

void evidence_desk_free(struct evidence_desk *desk)
{
	if (!desk) {
		return;
	}
	for (size_t i = 0; i < desk->puts.n; i++) {
		put_free(desk->puts.p[i]);
	}
	vec_fini(&desk->puts);
	vec_fini(&desk->endings);
	vec_fini(&desk->known);
	custody_free(desk);
	mem_free(desk);
}

bool evidence_is_on_its_way(const struct governor *g, uint64_t task)
{
	for (size_t i = 0; !g->evidence->store_is_silent && i < g->evidence->puts.n; i++) {
		const struct evidence_put *p = g->evidence->puts.p[i];

		if (p->task == task && !p->is_given_up) {
			return true;
		}
	}
	return false;
}

/* ---- the record ---- */

/* The fields that every leaf about an item has, in the union's member of its kind. */
static void link_to(struct leaf *l, const struct evidence *ev)
{
	switch ((int)l->kind) {
#define LINK(KIND, name)                                                                           \
	case LEAF_EVIDENCE_##KIND:                                                                 \
		l->evidence_##name.evidence = ev->ix;                                              \
		l->evidence_##name.prior = ev->last;                                               \
		l->evidence_##name.nth = ev->nth + 1;                                              \
		break;
		LINK(CUSTODY, custody)
		LINK(PROPOSED, proposed)
		LINK(KEEP, keep)
		LINK(DESTROYED, destroyed)
		LINK(KEY_GONE, key_gone)
#undef LINK
	default:
		MUST(false);
	}
}

bool evidence_record(struct governor *g, uint64_t evidence, struct leaf *l)
{
	const struct evidence *ev = state_evidence(g->state, evidence);

	if (!ev) {
		return false;
	}
	link_to(l, ev);
	return gov_record(g, l);
}

static void record_failed(struct governor *g, uint64_t call, struct str kind, struct str why)
{
	struct leaf l = {
	    .kind = LEAF_EVIDENCE_FAILED,
	    .evidence_failed = {.call = call, .kind = kind, .why = str_slice(why, 0, 256)},
	};

	log_warn("c%llu gave evidence that is not kept: %.*s", (unsigned long long)call,
		 STR_ARG(why));
	if (!str_is_utf8(l.evidence_failed.why)) {
		l.evidence_failed.why = STR_NULL;
	}
	(void)gov_record(g, &l); /* it logs */
}

/* ---- putting ---- */

static void unlist(struct evidence_desk *desk, const struct evidence_put *p)
{
	for (size_t i = 0; i < desk->puts.n; i++) {
		if (desk->puts.p[i] == p) {
			vec_remove(&desk->puts, i);
			return;
		}
	}
}

/* A put has come to nothing: on the record, and its key is no key any more. */
static void fail(struct governor *g, struct evidence_put *p, struct str why)
{
	struct err e = ERR_INIT;

	record_failed(g, p->call, p->rule.kind, why);
	if (p->serial && vault_destroy(g->vault, p->serial, &e) != RC_OK) {
		log_warn("a key that sealed nothing stays: %s", e.msg);
	}
}

static void drop(struct governor *g, struct evidence_put *p)
{
	uint64_t task = p->task;

	unlist(g->evidence, p);
	put_free(p);
	preserve_wake(g, task);
}

static void give_up(struct governor *g, struct evidence_put *p, struct str why)
{
	fail(g, p, why);
	drop(g, p);
}

static enum rc send_put(struct governor *g, struct evidence_put *p, struct str bytes, struct err *e)
{
	const uint8_t *key = vault_key(g->vault, p->serial);
	struct message begin = {
	    .kind = MESSAGE_STORE_PUT,
	    .store_put = {.req = p->req, .key = str_of(key, key ? 32 : 0), .size = p->size}};

	if (!key || !g->store || channel_send(g->store, &begin) != RC_OK) {
		FAIL(e, RC_IO, "the store cannot be reached");
	}
	while (bytes.n > 0) {
		struct message piece = {
		    .kind = MESSAGE_STORE_PIECE,
		    .store_piece = {.req = p->req,
				    .bytes = str_slice(bytes, 0, LIMIT_OBJECT_PIECE_BYTES)}};

		if (channel_send(g->store, &piece) != RC_OK) {
			FAIL(e, RC_IO, "the store cannot be reached");
		}
		bytes = str_slice(bytes, LIMIT_OBJECT_PIECE_BYTES, bytes.n);
	}
	return RC_OK;
}

/* Goes to the store with a fresh key; RC_AGAIN when there is none yet. */
static enum rc put(struct governor *g, struct evidence_put *p, struct str bytes, struct err *e)
{
	enum rc rc;

	if (!g->store) {
		FAIL(e, RC_AGAIN, "the store is being restarted");
	}
	if (!p->serial) {
		TRY(vault_take(g->vault, g->keeper, &p->serial, e));
	}
	p->req = g->evidence->next_req++;
	rc = send_put(g, p, bytes, e);
	if (rc != RC_OK) {
		p->req = 0; /* the channel will be found lost: then to the next store */
	}
	return RC_OK;
}

static enum rc keep_bytes(struct evidence_put *p, struct str bytes, struct err *e)
{
	p->bytes = mem_calloc(1, bytes.n + 1);
	if (!p->bytes) {
		FAIL(e, RC_NOMEM, "no memory for evidence");
	}
	if (bytes.n) {
		memcpy(p->bytes, bytes.p, bytes.n);
	}
	return RC_OK;
}

static enum rc begin(struct governor *g, const struct call *c, const struct tool *t,
		     struct str bytes, struct evidence_put **ret, struct err *e)
{
	struct evidence_desk *desk = g->evidence;
	struct evidence_put *p;

	if (!g->has_store) {
		FAIL(e, RC_ABSENT, "there is no store");
	}
	if (desk->puts.n >= EVIDENCE_PUTS_MAX) {
		FAIL(e, RC_LIMIT, "too much evidence at once");
	}
	p = mem_calloc(1, sizeof(*p));
	if (!p || vec_push(&desk->puts, p) != RC_OK) {
		mem_free(p);
		FAIL(e, RC_NOMEM, "no memory for evidence");
	}
	p->call = c->ix;
	p->task = c->task;
	p->rule = t->captures;
	p->size = bytes.n;
	p->until_ns = gov_now_ns(g) + (uint64_t)EVIDENCE_PUT_MS * 1000000;
	SHA256((const unsigned char *)bytes.p, bytes.n, p->plain);
	*ret = p;
	return RC_OK;
}

void evidence_take(struct governor *g, uint64_t call, struct str result)
{
	const struct call *c = state_call(g->state, call);
	const struct tool *t = c ? bundle_tool(g->bundle, c->tool) : NULL;
	struct evidence_put *p;
	struct err e = ERR_INIT;
	enum rc rc;

	if (!t || t->captures.kind.n == 0) {
		return;
	}
	if (begin(g, c, t, result, &p, &e) != RC_OK) {
		record_failed(g, call, t->captures.kind, str_from(e.msg));
		return;
	}
	rc = keep_bytes(p, result, &e);
	if (rc == RC_OK) {
		rc = put(g, p, result, &e);
	}
	if (rc != RC_OK && rc != RC_AGAIN) {
		give_up(g, p, str_from(e.msg));
	}
}

/* A fresh key may be there for the oldest that waits for one, or the store. */
static void put_waiting(struct governor *g)
{
	struct evidence_desk *desk = g->evidence;

	for (size_t i = 0; i < desk->puts.n; i++) {
		struct evidence_put *p = desk->puts.p[i];
		struct err e = ERR_INIT;
		enum rc rc;

		if (p->req) {
			continue;
		}
		rc = put(g, p, str_of(p->bytes, (size_t)p->size), &e);
		if (rc == RC_AGAIN) {
			return;
		}
		if (rc != RC_OK) {
			give_up(g, p, str_from(e.msg));
			return; /* the list has changed: the rest when the next key comes */
		}
	}
}

/* ---- stored ---- */

static void add_holds(struct governor *g, uint64_t evidence)
{
	for (const struct hold *h = state_next_hold(g->state, 0); h;
	     h = state_next_hold(g->state, h->ix + 1)) {
		struct leaf l = {
		    .kind = LEAF_EVIDENCE_CUSTODY,
		    .evidence_custody = {.event = STR("held"), .by = h->by, .hold = h->ix},
		};

		if (hold_covers(h, state_evidence(g->state, evidence))) {
			(void)evidence_record(g, evidence, &l); /* it logs */
		}
	}
}

static enum rc record_captured(struct governor *g, const struct evidence_put *p,
			       const struct msg_stored *m, struct err *e)
{
	const struct call *c = state_call(g->state, p->call);
	const struct task *t = state_task(g->state, p->task);
	AUTO_BUF plain = BUF_INIT(64);
	uint64_t ix;
	struct leaf l = {
	    .kind = LEAF_EVIDENCE_CAPTURED,
	    .evidence_captured =
		{
		    .incident = t ? t->incident : 0,
		    .task = p->task,
		    .call = p->call,
		    .kind = p->rule.kind,
		    .targets = c ? c->targets : (struct str_list){0},
		    .size = p->size,
		    .stored_size = m->stored_size,
		    .key = p->serial,
		    .mode = p->rule.is_compliance ? STR("compliance") : STR("governance"),
		    .keep_until = gov_now_ms(g) + p->rule.keep_ms,
		},
	};
	struct book_value values[] = {{.commit = &l.evidence_captured.plain, .slot = 0}};

	memcpy(l.evidence_captured.object.bytes, m->object.p, 32);
	TRY(buf_add_hex(&plain, p->plain, sizeof(p->plain)));
	values[0].bytes = buf_view(&plain);
	TRY(vault_set_aside(g->vault, p->serial, e)); /* (1) */
	TRY(book_record(g->book, &l, p->serial, values, 1, &ix, e));
	add_holds(g, ix);
	return RC_OK;
}

static bool is_what_was_given(const struct evidence_put *p, const struct msg_stored *m)
{
	return m->ok && m->object.n == 32 && m->plain_sha256.n == 32 && m->size == p->size &&
	       memcmp(m->plain_sha256.p, p->plain, 32) == 0;
}

static void on_stored(struct governor *g, struct evidence_put *p, const struct msg_stored *m)
{
	struct err e = ERR_INIT;

	if (p->is_given_up) {
		ending_drop_object(g, m->object); /* (2); nothing, when it failed there too */
		drop(g, p);
		return;
	}
	if (!is_what_was_given(p, m)) {
		if (m->ok) {
			ending_drop_object(g, m->object);
		}
		give_up(g, p, m->ok ? STR("the store has kept something else") : m->detail);
		return;
	}
	if (record_captured(g, p, m, &e) != RC_OK) {
		ending_drop_object(g, m->object); /* (2) */
		give_up(g, p, str_from(e.msg));
		return;
	}
	vault_close(g->vault, p->serial);
	drop(g, p);
}

static struct evidence_put *put_of(const struct governor *g, uint64_t req)
{
	for (size_t i = 0; req && i < g->evidence->puts.n; i++) {
		if (g->evidence->puts.p[i]->req == req) {
			return g->evidence->puts.p[i];
		}
	}
	return NULL;
}

/* ---- messages ---- */

void evidence_on_store(struct governor *g, const struct message *m)
{
	struct evidence_put *p;

	switch ((int)m->kind) {
	case MESSAGE_STORED:
		p = put_of(g, m->stored.req);
		if (p) {
			on_stored(g, p, &m->stored);
		} else {
			custody_on_stored(g, &m->stored);
		}
		break;
	case MESSAGE_STORE_GOT:
		custody_on_got(g, &m->store_got);
		break;
	case MESSAGE_STORE_REMOVED:
		ending_on_removed(g, &m->store_removed);
		break;
	case MESSAGE_STORE_NAMES:
		ending_on_names(g, &m->store_names);
		break;
	default:
		break; /* the channel lets nothing else through */
	}
}

void evidence_on_key(struct governor *g, const struct msg_key_ready *m)
{
	uint64_t serial;

	if (!g->evidence || !num_u64(str_slice(m->task, 1, m->task.n), UINT64_MAX, &serial)) {
		return;
	}
	put_waiting(g);
	custody_on_key(g, serial, m->ok);
}

void evidence_store_lost(struct governor *g)
{
	struct evidence_desk *desk = g->evidence;

	for (size_t i = desk->puts.n; i > 0; i--) {
		struct evidence_put *p = desk->puts.p[i - 1];

		p->req = 0;
		if (p->is_given_up) { /* no answer comes; what it had finished is swept */
			unlist(desk, p);
			put_free(p);
		}
	}
	desk->store_is_silent = false;
	ending_store_lost(g);
	custody_store_lost(g);
}

/* What waits for evidence is judged without it. What the store says later is evidence all the same.
 */
void evidence_store_silent(struct governor *g, bool is_silent)
{
	struct evidence_desk *desk = g->evidence;

	if (!desk) {
		return;
	}
	desk->store_is_silent = is_silent;
	for (size_t i = 0; is_silent && i < desk->puts.n; i++) {
		preserve_wake(g, desk->puts.p[i]->task);
	}
}

void evidence_store_found(struct governor *g)
{
	ending_recover(g); /* asked for before anything is put, so that nothing new is swept */
	put_waiting(g);
}

void evidence_recover(struct governor *g)
{
	ending_recover(g);
}

/* (3). One at a time: giving up wakes others, and changes the list. */
static bool give_up_late(struct governor *g)
{
	for (size_t i = 0; i < g->evidence->puts.n; i++) {
		struct evidence_put *p = g->evidence->puts.p[i];

		if (p->is_given_up || gov_now_ns(g) < p->until_ns) {
			continue;
		}
		if (p->req == 0) {
			give_up(g, p, STR("no fresh key or no store came in time"));
			return true;
		}
		p->is_given_up = true;
		fail(g, p, STR("the store did not answer in time"));
		preserve_wake(g, p->task);
		return true;
	}
	return false;
}

void evidence_tick(struct governor *g)
{
	while (give_up_late(g)) {
		continue;
	}
	ending_tick(g);
}
