/* SPDX-License-Identifier: Apache-2.0 */
/* governor/notify.c - telling people, through the courier.
 *
 * What was told to whom is on the record once the courier says how it went. What failed is sent
 * again a few times, later each time. A notifier that fails changes no decision: silence is no.
 *
 * A courier that ends takes what it had on its way with it: that is sent again, and may be told
 * twice.
 *
 * Holds: (1) every order to the courier has a number of its own, and its answer is recorded once.
 */
#include "governor/gov.h"

#include "base/log.h"

enum {
	NOTES_MAX = 1024, /* under way; what is more is not sent again */
	NOTE_TRIES = 4,
	NOTE_FIRST_AGAIN_MS = 5000, /* then four times as long each time */
	NOTE_COURIER_MS = 500,	    /* for a courier that is being restarted */
};

/* A message on its way, or waiting to be sent again. */
struct note {
	uint64_t id;
	uint64_t about;
	struct str notifier; /* of the bundle */
	struct buf body;
	uint32_t tries;
	uint64_t again_ns; /* 0 = the courier has it */
};

static void note_free(struct note *n)
{
	if (n) {
		buf_fini(&n->body);
		mem_free(n);
	}
}

static void order(struct governor *g, struct note *n)
{
	struct message m = {
	    .kind = MESSAGE_NOTIFY,
	    .notify = {.id = n->id, .notifier = n->notifier, .body = buf_view(&n->body)},
	};

	n->again_ns = 0;
	if (channel_send(g->courier, &m) == RC_OK) {
		n->tries++;
	} else if (g->has_courier) {
		n->again_ns = gov_now_ns(g) + (uint64_t)NOTE_COURIER_MS * 1000000;
	} else {
		log_warn("there is no courier: nobody is told about leaf %llu",
			 (unsigned long long)n->about);
	}
}

static void send(struct governor *g, struct str notifier, uint64_t about, struct str body)
{
	struct note *n = g->notes.n < NOTES_MAX ? mem_calloc(1, sizeof(*n)) : NULL;

	if (!n) {
		log_warn("nobody is told about leaf %llu: too much is under way",
			 (unsigned long long)about);
		return;
	}
	*n = (struct note){
	    .id = ++g->next_note_id, .about = about, .notifier = notifier, .body = BUF_INIT(65536)};
	if (buf_add(&n->body, body) != RC_OK || vec_push(&g->notes, n) != RC_OK) {
		note_free(n);
		log_warn("no memory to tell anybody about leaf %llu", (unsigned long long)about);
		return;
	}
	order(g, n);
}

void notify_group(struct governor *g, struct str group, uint64_t about, struct str body)
{
	const struct group *found = bundle_group(g->bundle, group);

	for (size_t i = 0; found && i < found->notifiers.n; i++) {
		send(g, found->notifiers.p[i], about, body);
	}
}

void notify_person(struct governor *g, struct str person, uint64_t about, const char *what,
		   struct str text)
{
	const struct person *p = bundle_person(g->bundle, person);
	AUTO_BUF out = BUF_INIT(65536);
	struct json_out w = json_out_to(&out);

	json_out_object(&w);
	json_out_key_str(&w, "type", str_from(what));
	json_out_key_str(&w, "person", person);
	json_out_key_u64(&w, "leaf", about);
	json_out_key_str(&w, "text", text);
	json_out_close(&w);
	if (!p || json_out_end(&w, NULL) != RC_OK) {
		return;
	}
	for (size_t i = 0; i < p->notifiers.n; i++) {
		send(g, p->notifiers.p[i], about, buf_view(&out));
	}
	for (size_t i = 0; p->notifiers.n == 0 && i < p->groups.n; i++) {
		notify_group(g, p->groups.p[i], about, buf_view(&out));
	}
}

static void forget(struct governor *g, size_t at)
{
	note_free(g->notes.p[at]);
	vec_remove(&g->notes, at);
}

void notify_on_notified(struct governor *g, const struct msg_notified *m)
{
	struct leaf l = {
	    .kind = LEAF_NOTIFIED,
	    .notified = {.delivered = m->ok, .detail = m->detail},
	};
	struct note *n;
	size_t at = 0;

	while (at < g->notes.n && (g->notes.p[at]->id != m->id || g->notes.p[at]->again_ns)) {
		at++;
	}
	if (at == g->notes.n) {
		return; /* (1) */
	}
	n = g->notes.p[at];
	l.notified.about = n->about;
	l.notified.notifier = n->notifier;
	l.notified.tries = n->tries;
	if (!m->ok && n->tries < NOTE_TRIES) {
		uint64_t wait_ms = NOTE_FIRST_AGAIN_MS;

		for (uint32_t i = 1; i < n->tries; i++) {
			wait_ms *= 4;
		}
		log_warn("a notification about leaf %llu failed and is sent again: %.*s",
			 (unsigned long long)n->about, STR_ARG(m->detail));
		n->again_ns = gov_now_ns(g) + wait_ms * 1000000;
		return;
	}
	if (!m->ok) {
		log_warn("a notification about leaf %llu failed %u times: %.*s",
			 (unsigned long long)n->about, n->tries, STR_ARG(m->detail));
	}
	(void)gov_record(g, &l); /* logged; what is told does not depend on it */
	forget(g, at);
}

void notify_tick(struct governor *g)
{
	for (size_t i = 0; i < g->notes.n; i++) {
		struct note *n = g->notes.p[i];

		if (n->again_ns && gov_now_ns(g) >= n->again_ns) {
			order(g, n);
		}
	}
}

void notify_courier_lost(struct governor *g)
{
	for (size_t i = 0; i < g->notes.n; i++) {
		struct note *n = g->notes.p[i];

		if (!n->again_ns) {
			n->again_ns = gov_now_ns(g) + (uint64_t)NOTE_COURIER_MS * 1000000;
		}
	}
}

void notify_free_all(struct governor *g)
{
	for (size_t i = 0; i < g->notes.n; i++) {
		note_free(g->notes.p[i]);
	}
	vec_fini(&g->notes);
}
