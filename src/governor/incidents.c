/* SPDX-License-Identifier: Apache-2.0 */
/* governor/incidents.c - the root of all authority: opened, updated, closed.
 *
 * Trust: the event was authenticated by the people's front; its free text (title, labels) is
 * sealed and decides nothing. Severity never falls through an update from a source.
 */
#include "governor/gov.h"

#include <string.h>

#include <openssl/sha.h>

#include "base/limits.h"
#include "base/log.h"

static struct str text_to_seal(struct governor *g, const struct incident_event *ev, struct buf *out)
{
	struct json_out w = json_out_to(out);

	(void)g; /* pure but for the buffer */
	if (!ev->title && !ev->labels) {
		return STR_NULL;
	}
	json_out_object(&w);
	if (ev->labels) {
		json_out_key(&w, STR("labels"));
		json_out_node(&w, ev->labels);
	}
	if (ev->title) {
		json_out_key(&w, STR("title"));
		json_out_node(&w, ev->title);
	}
	json_out_close(&w);
	return json_out_end(&w, NULL) == RC_OK ? buf_view(out) : STR_NULL;
}

static uint64_t open_new(struct governor *g, struct str source, const struct incident_event *ev,
			 const struct digest *raw, struct str by, struct err *e)
{
	AUTO_BUF text = BUF_INIT(16000);
	uint64_t serial;
	uint64_t ix;
	struct leaf l = {
	    .kind = LEAF_INCIDENT_OPENED,
	    .incident_opened =
		{
		    .source = source,
		    .source_id = ev->source_id,
		    .class = ev->class,
		    .severity = ev->severity,
		    .service = ev->service,
		    .environment = ev->environment,
		    .assets = ev->assets,
		    .regulated = ev->is_regulated,
		    .by = by,
		    .raw = *raw,
		},
	};
	struct book_value values[] = {
	    {.bytes = text_to_seal(g, ev, &text), .commit = &l.incident_opened.title, .slot = 0},
	};

	if (vault_take(g->vault, g->keeper, &serial, e) != RC_OK ||
	    book_record(g->book, &l, serial, values, 1, &ix, e) != RC_OK) {
		return 0;
	}
	if (vault_bind(g->vault, serial, ix, e) != RC_OK) {
		log_warn("the key of i%llu is not bound: %s", (unsigned long long)ix, e->msg);
	}
	return ix;
}

uint64_t incidents_take(struct governor *g, struct str source, const struct incident_event *ev,
			const struct digest *raw, struct str by, struct err *e)
{
	const struct incident *have = state_incident_of_source(g->state, source, ev->source_id);
	uint64_t ix;
	struct leaf l = {
	    .kind = LEAF_INCIDENT_UPDATED,
	    .incident_updated = {.severity = ev->severity,
				 .assets = ev->assets,
				 .by = by,
				 .raw = *raw},
	};

	if (ev->is_closed) {
		if (!have) {
			(void)err_set(e, RC_ABSENT, __func__, "no open incident '%.*s' of '%.*s'",
				      STR_ARG(ev->source_id), STR_ARG(source)); /* 0 says it */
			return 0;
		}
		ix = have->ix;
		incidents_close(g, ix, by.n ? by : source, STR("resolved at its source"));
		return ix;
	}
	if (!have) {
		return open_new(g, source, ev, raw, by, e);
	}
	ix = have->ix;
	if (ev->severity == have->severity && ev->assets.n == have->assets.n &&
	    str_list_within(&ev->assets, &have->assets)) {
		return ix; /* sent again: nothing new */
	}
	if (!by.n && l.incident_updated.severity > have->severity) {
		l.incident_updated.severity = have->severity; /* only a person lowers it */
	}
	l.incident_updated.incident = ix;
	return book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e) == RC_OK ? ix : 0;
}

void incidents_close(struct governor *g, uint64_t incident, struct str by, struct str reason)
{
	uint64_t at = book_next_ix(g->book);
	const struct task *t;
	uint64_t from = 0;
	struct err e = ERR_INIT;
	struct leaf l = {
	    .kind = LEAF_INCIDENT_CLOSED,
	    .incident_closed = {.incident = incident, .by = by, .reason = reason},
	};

	if (book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, &e) != RC_OK) {
		log_err("an incident could not be closed: %s", e.msg);
		return;
	}
	while ((t = state_next_task(g->state, from))) {
		from = t->ix + 1;
		if (t->incident == incident) {
			tasks_end(g, t->ix, "incident_closed", by, at);
		}
	}
}

void incidents_on_event(struct governor *g, const struct msg_incident *m)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct incident_event ev;
	const struct json *j;
	struct err e = ERR_INIT;
	struct digest raw;
	uint64_t ix;
	char id[24];
	AUTO_BUF out = BUF_INIT(1024);
	struct json_out w = json_out_to(&out);

	SHA256((const unsigned char *)m->body.p, m->body.n, raw.bytes);
	if (json_parse(&g->round, m->body, &limits, &j, &e) != RC_OK ||
	    incident_event_read(j, &g->round, &ev, &e) != RC_OK) {
		people_reply_err(g, m->req, &e);
		return;
	}
	ix = incidents_take(g, m->source, &ev, &raw, STR(""), &e);
	if (ix == 0) {
		people_reply_err(g, m->req, &e);
		return;
	}
	json_out_object(&w);
	json_out_key_str(&w, "incident", id_text('i', ix, id));
	json_out_close(&w);
	people_reply(g, m->req, 200, buf_view(&out));
}
