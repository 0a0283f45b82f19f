/* SPDX-License-Identifier: Apache-2.0 */
/* governor/notify.c - telling people, through the courier.
 *
 * What was told to whom is on the record once the courier says how it went. A notifier that fails
 * changes no decision: silence is no.
 */
#include "governor/gov.h"

#include "base/log.h"

static void send(struct governor *g, struct str notifier, uint64_t about, struct str body)
{
	struct message m = {
	    .kind = MESSAGE_NOTIFY,
	    .notify = {.id = about, .notifier = notifier, .body = body},
	};

	if (!g->courier || channel_send(g->courier, &m) != RC_OK) {
		log_warn("the courier cannot be reached: nobody is told about leaf %llu",
			 (unsigned long long)about);
	}
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
	for (size_t i = 0; i < p->groups.n; i++) {
		notify_group(g, p->groups.p[i], about, buf_view(&out));
	}
}

void notify_on_notified(struct governor *g, const struct msg_notified *m)
{
	struct err e = ERR_INIT;
	struct leaf l = {
	    .kind = LEAF_NOTIFIED,
	    .notified = {.about = m->id, .delivered = m->ok, .detail = m->detail},
	};

	if (!m->ok) {
		log_warn("a notification about leaf %llu failed: %.*s", (unsigned long long)m->id,
			 STR_ARG(m->detail));
	}
	if (m->id < book_next_ix(g->book) &&
	    book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, &e) != RC_OK) {
		log_err("a notification could not be recorded: %s", e.msg);
	}
}
