/* SPDX-License-Identifier: Apache-2.0 */
/* governor/incidents.c - the root of all authority: opened, updated, closed.
 *
 * Trust: the event was authenticated by the people's front and is held to its source's
 * configuration here once more; its free text is sealed and decides nothing.
 * Holds: (1) an incident is changed and closed by its own source, or by a person; another source's
 *            word about the same id is about another incident.
 *        (2) what comes twice, or later than what happened after it, changes nothing.
 *        (3) severity, class, service and assets follow the source both ways; the next decision of
 *            every call sees it. Nothing that an agent says comes here.
 * States: none -open-> OPEN -update-> OPEN -close-> CLOSED; opened again it is a new incident.
 */
#include "governor/gov.h"

#include <string.h>

#include <openssl/sha.h>

#include "base/limits.h"
#include "base/log.h"

enum { TEXT_BYTES = 31000 }; /* title, description and labels: one sealed value */

/* ---- free text ---- */

static void add_node(struct json_out *w, const char *name, const struct json *j)
{
	if (j) {
		json_out_key(w, str_from(name));
		json_out_node(w, j);
	}
}

static struct str text_to_seal(const struct incident_event *ev, struct buf *out)
{
	struct json_out w = json_out_to(out);

	if (!ev->title && !ev->description && !ev->labels) {
		return STR_NULL;
	}
	json_out_object(&w);
	add_node(&w, "description", ev->description);
	add_node(&w, "labels", ev->labels);
	add_node(&w, "title", ev->title);
	json_out_close(&w);
	if (json_out_end(&w, NULL) == RC_OK) {
		return buf_view(out);
	}
	buf_reset(out);
	(void)buf_add(out, STR("{\"title\":\"too long to keep\"}")); /* it fits */
	return buf_view(out);
}

/* ---- what tells deliveries apart ---- */

static struct digest delivery_of(const struct incident_event *ev)
{
	struct digest d = {0};

	if (ev->event_id.n) {
		SHA256((const unsigned char *)ev->event_id.p, ev->event_id.n, d.bytes);
	}
	return d;
}

/* A source whose clock is ahead must not make everything after it look late. */
static uint64_t occurred_of(const struct governor *g, const struct incident_event *ev)
{
	uint64_t said = ev->occurred_unix_ms ? ev->occurred_unix_ms : ev->began_unix_ms;
	uint64_t now = gov_now_ms(g);

	return said > now ? now : said;
}

/* (2) */
static bool is_past(const struct governor *g, const struct incident *have,
		    const struct incident_event *ev)
{
	struct digest delivery = delivery_of(ev);
	uint64_t occurred = occurred_of(g, ev);

	if (!have || (!ev->event_id.n && !occurred)) {
		return false;
	}
	if (ev->event_id.n && state_incident_had_delivery(have, &delivery)) {
		return true;
	}
	if (!occurred) {
		return false;
	}
	/* A closed one is opened again only by what began, or happened, after its end. */
	if (have->status != INCIDENT_OPEN && !ev->is_closed) {
		return occurred <= have->occurred_unix_ms;
	}
	/* What is wrong may have begun long ago: that alone makes no notification late. */
	return (ev->occurred_unix_ms || ev->is_closed) && occurred < have->occurred_unix_ms;
}

/* ---- opening, updating, closing ---- */

static uint64_t open_new(struct governor *g, struct str source, const struct incident_event *ev,
			 const struct digest *raw, struct str by, struct err *e)
{
	AUTO_BUF text = BUF_INIT(TEXT_BYTES);
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
		    .event = ev->event,
		    .delivery = delivery_of(ev),
		    .occurred_at = occurred_of(g, ev),
		},
	};
	struct book_value values[] = {
	    {.bytes = text_to_seal(ev, &text), .commit = &l.incident_opened.title, .slot = 0},
	};

	/* Before its leaf: no incident is without a key of its own. */
	if (vault_take(g->vault, g->keeper, &serial, e) != RC_OK ||
	    vault_bind(g->vault, serial, book_next_ix(g->book), e) != RC_OK ||
	    book_record(g->book, &l, serial, values, 1, &ix, e) != RC_OK) {
		return 0;
	}
	return ix;
}

/* Does it say anything new, or must it be remembered so that it is not taken later? */
static bool is_news(const struct incident *have, const struct leaf_incident_updated *u,
		    const struct incident_event *ev)
{
	return ev->event_id.n || u->occurred_at > have->occurred_unix_ms ||
	       !str_eq(u->class, have->class) || u->severity != have->severity ||
	       !str_eq(u->service, have->service) || u->regulated != have->is_regulated ||
	       u->assets.n != have->assets.n || !str_list_within(&u->assets, &have->assets);
}

/* (3) */
static enum rc update(struct governor *g, const struct incident *have,
		      const struct incident_event *ev, const struct digest *raw, struct str by,
		      struct err *e)
{
	AUTO_BUF text = BUF_INIT(TEXT_BYTES);
	struct leaf l = {
	    .kind = LEAF_INCIDENT_UPDATED,
	    .incident_updated =
		{
		    .incident = have->ix,
		    .class = ev->class,
		    .severity = ev->severity,
		    .service = ev->service.p ? ev->service : have->service,
		    .assets = ev->has_assets ? ev->assets : have->assets,
		    .regulated = ev->has_regulated ? ev->is_regulated : have->is_regulated,
		    .by = by,
		    .raw = *raw,
		    .event = ev->event,
		    .delivery = delivery_of(ev),
		    .occurred_at = occurred_of(g, ev),
		},
	};
	struct book_value values[] = {
	    {.bytes = text_to_seal(ev, &text), .commit = &l.incident_updated.title, .slot = 0},
	};

	if (!is_news(have, &l.incident_updated, ev)) {
		return RC_OK;
	}
	return book_record(g->book, &l, gov_key_of(g, have->ix), values, 1, NULL, e);
}

static void close_it(struct governor *g, uint64_t incident, const struct incident_event *ev,
		     struct str by, struct str reason)
{
	uint64_t at = book_next_ix(g->book);
	const struct task *t;
	uint64_t from = 0;
	struct err e = ERR_INIT;
	struct leaf l = {
	    .kind = LEAF_INCIDENT_CLOSED,
	    .incident_closed = {.incident = incident, .by = by, .reason = reason},
	};

	if (ev) {
		l.incident_closed.event = ev->event;
		l.incident_closed.delivery = delivery_of(ev);
		l.incident_closed.occurred_at = occurred_of(g, ev);
	}
	if (book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, &e) != RC_OK) {
		log_err("an incident could not be closed: %s", e.msg);
		return;
	}
	approvals_void_incident(g, incident);
	while ((t = state_next_task(g->state, from))) {
		from = t->ix + 1;
		if (t->incident == incident) {
			tasks_end(g, t->ix, "incident_closed", by, at);
		}
	}
}

void incidents_close(struct governor *g, uint64_t incident, struct str by, struct str reason)
{
	close_it(g, incident, NULL, by, reason);
}

/* Nothing of that name is known. */
static uint64_t take_closed(struct governor *g, struct str source, const struct incident_event *ev,
			    const struct digest *raw, struct str by, struct err *e)
{
	uint64_t ix;

	/* Its beginning may be on the way still: when that comes it must find the end. */
	if (!ev->occurred_unix_ms || !ev->class.n || !ev->severity) {
		(void)err_set(e, RC_ABSENT, __func__, "no open incident '%.*s' of '%.*s'",
			      STR_ARG(ev->source_id), STR_ARG(source)); /* 0 says it */
		return 0;
	}
	ix = open_new(g, source, ev, raw, by, e);
	if (ix) {
		close_it(g, ix, NULL, source, STR("resolved before it was heard of"));
	}
	return ix;
}

static size_t open_of(const struct governor *g, struct str source)
{
	const struct incident *i;
	uint64_t from = 0;
	size_t n = 0;

	while ((i = state_next_incident(g->state, from))) {
		from = i->ix + 1;
		n += i->status == INCIDENT_OPEN && str_eq(i->source, source);
	}
	return n;
}

static uint64_t take_open(struct governor *g, struct str source, const struct incident_event *ev,
			  const struct digest *raw, struct str by, struct err *e)
{
	uint64_t now = gov_now_ms(g);

	/* Whatever closed it may have been forgotten by now. */
	if (ev->occurred_unix_ms && now > STATE_HORIZON_MS &&
	    ev->occurred_unix_ms < now - STATE_HORIZON_MS) {
		(void)err_set(e, RC_ABSENT, __func__,
			      "too old to open an incident"); /* 0 says it */
		return 0;
	}
	if (open_of(g, source) >= LIMIT_SOURCE_OPEN) {
		(void)err_set(e, RC_AGAIN, __func__, "%d incidents of '%.*s' are open already",
			      LIMIT_SOURCE_OPEN, STR_ARG(source)); /* 0 says it */
		return 0;
	}
	return open_new(g, source, ev, raw, by, e);
}

static uint64_t take(struct governor *g, struct str source, const struct incident_event *ev,
		     const struct digest *raw, struct str by, struct err *e)
{
	const struct incident *have =
	    state_last_incident_of_source(g->state, source, ev->source_id);
	uint64_t ix = have ? have->ix : 0;

	if (is_past(g, have, ev)) {
		return ix;
	}
	if (have && have->status == INCIDENT_OPEN) {
		if (ev->is_closed) {
			close_it(g, ix, ev, by.n ? by : source, STR("resolved at its source"));
			return ix;
		}
		return update(g, have, ev, raw, by, e) == RC_OK ? ix : 0;
	}
	if (!ev->is_closed) {
		return take_open(g, source, ev, raw, by, e);
	}
	return have ? ix : take_closed(g, source, ev, raw, by, e);
}

uint64_t incidents_take(struct governor *g, struct str source, const struct incident_event *ev,
			const struct digest *raw, struct str by, struct err *e)
{
	uint64_t ix = take(g, source, ev, raw, by, e);
	const struct incident *i = ix ? state_incident(g->state, ix) : NULL;

	if (i && i->status == INCIDENT_OPEN) {
		routing_follow(g, ix);
	}
	return ix;
}

/* ---- from the people's front ---- */

/* The front has held the event to this already; a front that was taken over may not have. */
static enum rc check_source(struct governor *g, struct str name, const struct incident_event *ev,
			    struct err *e)
{
	const struct source *s = deployment_source(g->deployment, name);

	if (!s) {
		FAIL(e, RC_DENIED, "no source '" STR_FMT "'", STR_ARG(name));
	}
	if (ev->source_id.n == 0) {
		FAIL(e, RC_INPUT, "'source_id' is missing");
	}
	if (!source_may_be_in(s, ev->environment)) {
		FAIL(e, RC_DENIED, "source '" STR_FMT "' has no incidents in '" STR_FMT "'",
		     STR_ARG(name), STR_ARG(ev->environment));
	}
	if (ev->class.n && !str_list_has(&s->classes, ev->class)) {
		FAIL(e, RC_DENIED,
		     "source '" STR_FMT "' may not open incidents of class '" STR_FMT "'",
		     STR_ARG(name), STR_ARG(ev->class));
	}
	return pace_take(g, s, 1, e);
}

void incidents_on_event(struct governor *g, const struct msg_incident *m)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct incident_event ev;
	const struct json *j;
	const struct incident *i;
	struct err e = ERR_INIT;
	struct digest raw;
	uint64_t ix;
	bool past;
	AUTO_BUF out = BUF_INIT(1024);
	struct json_out w = json_out_to(&out);

	SHA256((const unsigned char *)m->body.p, m->body.n, raw.bytes);
	if (json_parse(&g->round, m->body, &limits, &j, &e) != RC_OK ||
	    incident_event_read(j, &g->round, &ev, &e) != RC_OK ||
	    check_source(g, m->source, &ev, &e) != RC_OK) {
		people_reply_err(g, m->req, &e);
		return;
	}
	past = is_past(g, state_last_incident_of_source(g->state, m->source, ev.source_id), &ev);
	ix = incidents_take(g, m->source, &ev, &raw, STR(""), &e);
	if (ix == 0 && e.code == RC_ABSENT) {
		/* Not an error of the sender's: it would only send it again, or give up on us. */
		json_out_object(&w);
		json_out_key_str(&w, "ignored", str_from(e.msg));
		json_out_close(&w);
		people_reply(g, m->req, 202, buf_view(&out));
		return;
	}
	if (ix == 0) {
		people_reply_err(g, m->req, &e);
		return;
	}
	if (!past) {
		signals_from_event(g, deployment_source(g->deployment, m->source), &ev, ix);
	}
	i = state_incident(g->state, ix);
	json_out_object(&w);
	view_id(&w, "incident", 'i', ix);
	json_out_key_str(&w, "status",
			 i && i->status == INCIDENT_OPEN ? STR("open") : STR("closed"));
	json_out_close(&w);
	people_reply(g, m->req, 200, buf_view(&out));
}
