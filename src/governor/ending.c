/* SPDX-License-Identifier: Apache-2.0 */
/* governor/ending.c - evidence that ends: destruction, step by step, and what an earlier life left.
 *
 * Holds:  (1) a key is destroyed only after the leaf that says so is durable, and an object is
 *             removed only after evidence.key_gone is.
 *         (2) each step is repeated until it is done; a start takes up what was under way.
 *         (3) what nobody knows (an object, a key) is removed; what should be there and is not is
 *             marked as damaged, and counts for nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/num.h"
#include "governor/evidence_desk.h"

/* ---- destruction ---- */

static struct evidence_ending *ending_of(struct evidence_desk *desk, uint64_t evidence)
{
	for (size_t i = 0; i < desk->endings.n; i++) {
		if (desk->endings.p[i].evidence == evidence) {
			return &desk->endings.p[i];
		}
	}
	return NULL;
}

enum rc ending_begin(struct governor *g, uint64_t evidence, struct err *e)
{
	const struct evidence_ending fresh = {.evidence = evidence};

	if (ending_of(g->evidence, evidence)) {
		return RC_OK;
	}
	if (vec_push(&g->evidence->endings, fresh) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory to destroy evidence");
	}
	return RC_OK;
}

static void destroy_key(struct governor *g, const struct evidence *ev)
{
	struct err e = ERR_INIT;
	struct leaf l = {
	    .kind = LEAF_EVIDENCE_KEY_GONE,
	    .evidence_key_gone = {.key = ev->key,
				  .read_back = STR("removed, directory synced, looked for: "
						   "there is no such file")},
	};

	if (vault_destroy(g->vault, ev->key, &e) != RC_OK) {
		log_warn("the key of e%llu is not destroyed yet: %s", (unsigned long long)ev->ix,
			 e.msg);
		return;
	}
	(void)evidence_record(g, ev->ix, &l); /* it logs; the next attempt finds no key */
}

static void remove_object(struct governor *g, struct evidence_ending *x, const struct evidence *ev)
{
	struct message m = {
	    .kind = MESSAGE_STORE_REMOVE,
	    .store_remove = {.req = g->evidence->next_req,
			     .object = str_of(ev->object.bytes, sizeof(ev->object.bytes))}};

	if (g->store && channel_send(g->store, &m) == RC_OK) {
		x->req = g->evidence->next_req++;
	}
}

/* (1): what the state says is on the record; is it on the disk? */
static void step(struct governor *g, struct evidence_ending *x)
{
	const struct evidence *ev = state_evidence(g->state, x->evidence);

	if (!ev || ev->state == EVIDENCE_REMOVED) {
		x->evidence = 0; /* done */
		return;
	}
	if (x->req || gov_now_ns(g) < x->again_ns || ev->last >= book_durable_size(g->book)) {
		return;
	}
	x->again_ns = gov_now_ns(g) + (uint64_t)EVIDENCE_AGAIN_MS * 1000000;
	if (ev->state == EVIDENCE_DESTROYED) {
		destroy_key(g, ev);
		x->again_ns = 0; /* the next step as soon as this one is durable */
		ev = state_evidence(g->state, x->evidence);
		if (ev && ev->state == EVIDENCE_DESTROYED) {
			x->again_ns = gov_now_ns(g) + (uint64_t)EVIDENCE_AGAIN_MS * 1000000;
		}
	} else if (ev->state == EVIDENCE_KEY_GONE) {
		remove_object(g, x, ev);
	}
}

void ending_tick(struct governor *g)
{
	struct evidence_desk *desk = g->evidence;

	for (size_t i = desk->endings.n; i > 0; i--) {
		step(g, &desk->endings.p[i - 1]);
		if (desk->endings.p[i - 1].evidence == 0) {
			vec_remove(&desk->endings, i - 1);
		}
	}
}

void ending_store_lost(struct governor *g)
{
	for (size_t i = 0; i < g->evidence->endings.n; i++) {
		g->evidence->endings.p[i].req = 0;
	}
}

void ending_on_removed(struct governor *g, const struct msg_store_removed *m)
{
	struct evidence_desk *desk = g->evidence;

	for (size_t i = 0; i < desk->endings.n; i++) {
		struct evidence_ending *x = &desk->endings.p[i];
		struct leaf l = {
		    .kind = LEAF_EVIDENCE_CUSTODY,
		    .evidence_custody = {.event = STR("removed"), .by = STR("remit")},
		};

		if (x->req != m->req) {
			continue;
		}
		x->req = 0;
		if (m->gone) {
			(void)evidence_record(g, x->evidence, &l); /* it logs */
		} else {
			log_warn("the object of e%llu is not removed yet: %.*s",
				 (unsigned long long)x->evidence, STR_ARG(m->detail));
		}
		return;
	}
}

void ending_drop_object(struct governor *g, struct str object)
{
	struct message m = {.kind = MESSAGE_STORE_REMOVE,
			    .store_remove = {.req = g->evidence->next_req++, .object = object}};

	if (object.n == 32 && g->store && channel_send(g->store, &m) != RC_OK) {
		log_warn("the store cannot be reached");
	}
}

/* ---- what an earlier life left, of ours or of the store ---- */

static bool has_key(const struct evidence *ev)
{
	return ev->state == EVIDENCE_KEPT || ev->state == EVIDENCE_DAMAGED ||
	       ev->state == EVIDENCE_DESTROYED;
}

struct serials {
	VEC(uint64_t) known; /* ascending */
	VEC(uint64_t) orphans;
};

static void note_key(void *ctx, uint64_t serial)
{
	struct serials *s = ctx;

	if (!s->known.n ||
	    !bsearch(&serial, s->known.p, s->known.n, sizeof(serial), num_order_u64)) {
		(void)vec_push(&s->orphans, serial); /* else at the next start */
	}
}

/* (3) */
static void sweep_keys(struct governor *g)
{
	struct serials s = {0};
	struct err e = ERR_INIT;
	enum rc rc = RC_OK;

	for (const struct evidence *ev = state_next_evidence(g->state, 0); ev && rc == RC_OK;
	     ev = state_next_evidence(g->state, ev->ix + 1)) {
		rc = has_key(ev) ? vec_push(&s.known, ev->key) : RC_OK;
	}
	if (rc == RC_OK) {
		if (s.known.n) {
			qsort(s.known.p, s.known.n, sizeof(s.known.p[0]), num_order_u64);
		}
		rc = vault_each_aside(g->vault, note_key, &s, &e);
	}
	for (size_t i = 0; rc == RC_OK && i < s.orphans.n; i++) {
		rc = vault_destroy(g->vault, s.orphans.p[i], &e);
	}
	if (rc != RC_OK) {
		log_warn("keys of evidence were not looked through: %s", e.msg);
	}
	vec_fini(&s.known);
	vec_fini(&s.orphans);
}

static int compare_known(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct digest)); /* it comes first in the structure */
}

static void ask_names(struct governor *g, struct str after)
{
	struct message m = {.kind = MESSAGE_STORE_LIST, .store_list = {.after = after}};

	if (!g->store || channel_send(g->store, &m) != RC_OK) {
		log_warn("the store cannot be asked what it has");
	}
}

void ending_recover(struct governor *g)
{
	struct evidence_desk *desk = g->evidence;
	struct err e = ERR_INIT;
	enum rc rc = RC_OK;

	vec_fini(&desk->known); /* of a store that ended before it had said all */
	desk->known_at = 0;
	sweep_keys(g);
	for (const struct evidence *ev = state_next_evidence(g->state, 0); ev && rc == RC_OK;
	     ev = state_next_evidence(g->state, ev->ix + 1)) {
		struct evidence_known known = {.object = ev->object, .evidence = ev->ix};

		if (ev->state != EVIDENCE_REMOVED) {
			rc = vec_push(&desk->known, known);
		}
		if (rc == RC_OK &&
		    (ev->state == EVIDENCE_DESTROYED || ev->state == EVIDENCE_KEY_GONE)) {
			rc = ending_begin(g, ev->ix, &e); /* (2) */
		}
	}
	if (rc != RC_OK) {
		log_warn("no memory to look through the evidence");
		return;
	}
	if (desk->known.n) {
		qsort(desk->known.p, desk->known.n, sizeof(desk->known.p[0]), compare_known);
	}
	if (g->store) {
		ask_names(g, STR(""));
	}
}

static void mark_missing(struct governor *g, uint64_t evidence)
{
	const struct evidence *ev = state_evidence(g->state, evidence);
	struct leaf l = {
	    .kind = LEAF_EVIDENCE_CUSTODY,
	    .evidence_custody = {.event = STR("damaged"),
				 .by = STR("remit"),
				 .detail = STR("the store has no such object")},
	};

	if (ev && ev->state == EVIDENCE_KEPT) {
		log_err("the object of e%llu is missing", (unsigned long long)evidence);
		(void)evidence_record(g, evidence, &l); /* it logs */
	}
}

/* Was it put after the store was first asked? */
static bool is_new(const struct governor *g, const uint8_t *object)
{
	for (const struct evidence *ev = state_next_evidence(g->state, 0); ev;
	     ev = state_next_evidence(g->state, ev->ix + 1)) {
		if (memcmp(ev->object.bytes, object, 32) == 0) {
			return true;
		}
	}
	return false;
}

/* Both lists ascend. */
static void compare_name(struct governor *g, const uint8_t *object)
{
	struct evidence_desk *desk = g->evidence;

	while (desk->known_at < desk->known.n) {
		const struct evidence_known *k = &desk->known.p[desk->known_at];
		int order = memcmp(k->object.bytes, object, 32);

		if (order > 0) {
			break;
		}
		desk->known_at++;
		if (order == 0) {
			return;
		}
		mark_missing(g, k->evidence);
	}
	if (!is_new(g, object)) {
		log_warn("an object that no leaf names is removed");
		ending_drop_object(g, str_of(object, 32));
	}
}

void ending_on_names(struct governor *g, const struct msg_store_names *m)
{
	struct evidence_desk *desk = g->evidence;

	if (!m->ok || m->names.n % 32 || (m->more && m->names.n == 0)) {
		log_warn("the store does not say what it has: %.*s", STR_ARG(m->detail));
		return;
	}
	for (size_t i = 0; i < m->names.n; i += 32) {
		compare_name(g, (const uint8_t *)m->names.p + i);
	}
	if (m->more) {
		ask_names(g, str_slice(m->names, m->names.n - 32, m->names.n));
		return;
	}
	for (; desk->known_at < desk->known.n; desk->known_at++) {
		mark_missing(g, desk->known.p[desk->known_at].evidence);
	}
	vec_fini(&desk->known);
	desk->known_at = 0;
}
