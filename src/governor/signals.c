/* SPDX-License-Identifier: Apache-2.0 */
/* governor/signals.c - facts about assets, from whoever is a source of them.
 *
 * Trust: a source was authenticated by the people's front and is held here to the names of its
 *        configuration; an upstream speaks through governed reads whose entry says what of the
 *        result is a signal. No agent gives a value or chooses a source.
 * Holds: (1) what a source observed earlier never replaces what it observed later.
 *        (2) the leaf comes before anything is decided by it.
 */
#include "governor/people.h"

#include "base/limits.h"
#include "base/log.h"
#include "core/signal.h"
#include "core/target.h"

enum { SAME_AGAIN_MS = 1000 }; /* the same word within this needs no leaf */

/* ---- taking ---- */

/* Counts in *taken what is known now; a later word stands. Errors are of room and of the log. */
static enum rc note(struct governor *g, const struct signal_report *r, struct str asset,
		    struct str source, uint64_t cause, size_t *taken, struct err *e)
{
	uint64_t now = gov_now_ms(g);
	const struct signal *have = state_signal(g->state, asset, r->name, source);
	struct leaf l = {
	    .kind = LEAF_SIGNAL_OBSERVED,
	    .signal_observed =
		{
		    .name = r->name,
		    .asset = asset,
		    .value = r->value,
		    .source = source,
		    .observed_at = r->observed_unix_ms ? r->observed_unix_ms : now,
		    .cause = cause,
		},
	};

	if (have && !signal_is_newer(have, l.signal_observed.observed_at, now)) {
		return RC_OK; /* (1) */
	}
	++*taken;
	if (have && str_eq(have->value, r->value) && now - have->noted_unix_ms < SAME_AGAIN_MS) {
		return RC_OK;
	}
	return book_record(g->book, &l, VAULT_LIFE_KEY, NULL, 0, NULL, e);
}

/* ---- by their own way: POST /v1/signals/<source> ---- */

static enum rc take_reports(struct governor *g, const struct msg_signal *m, size_t *taken,
			    size_t *n, struct err *e)
{
	const struct source *s = deployment_source(g->deployment, m->source);
	const struct signal_report *reports;
	const struct json *j;

	*taken = 0;
	TRY(json_parse(&g->round, m->body, NULL, &j, e));
	TRY(signal_reports_read(j, &g->round, &reports, n, e));
	/* The front has looked at this already; one that was taken over may not have. */
	for (size_t i = 0; i < *n; i++) {
		if (!s || !source_may_signal(s, reports[i].name)) {
			FAIL(e, RC_DENIED, "'" STR_FMT "' may not report '" STR_FMT "'",
			     STR_ARG(m->source), STR_ARG(reports[i].name));
		}
	}
	TRY(pace_take(g, s, *n, e));
	for (size_t i = 0; i < *n; i++) {
		TRY(note(g, &reports[i], reports[i].asset, s->name, 0, taken, e));
	}
	return RC_OK;
}

void signals_on_report(struct governor *g, const struct msg_signal *m)
{
	AUTO_BUF out = BUF_INIT(256);
	struct json_out w = json_out_to(&out);
	struct err e = ERR_INIT;
	size_t taken;
	size_t n = 0;

	if (take_reports(g, m, &taken, &n, &e) != RC_OK) {
		people_reply_err(g, m->req, &e);
		return;
	}
	json_out_object(&w);
	json_out_key_u64(&w, "taken", taken);
	json_out_key_u64(&w, "older", n - taken);
	json_out_close(&w);
	people_reply(g, m->req, 200, buf_view(&out));
}

/* ---- with an incident ---- */

void signals_from_event(struct governor *g, const struct source *s, const struct incident_event *ev,
			uint64_t incident)
{
	struct err e = ERR_INIT;
	size_t taken = 0;

	for (size_t i = 0; i < ev->n_signals; i++) {
		struct signal_report r = ev->signals[i];
		const struct str_list own = {&r.asset, 1};
		const struct str_list *assets = r.asset.n ? &own : &ev->assets;

		r.observed_unix_ms = ev->occurred_unix_ms;
		if (!source_may_signal(s, r.name)) {
			log_warn("source '%.*s' may not report '%.*s'", STR_ARG(s->name),
				 STR_ARG(r.name));
			continue;
		}
		for (size_t k = 0; k < assets->n; k++) {
			if (note(g, &r, assets->p[k], s->name, incident, &taken, &e) != RC_OK) {
				log_warn("a signal of '%.*s' is lost: %s", STR_ARG(s->name), e.msg);
				return;
			}
		}
	}
}

/* ---- by governed reads ---- */

void signals_on_outcome(struct governor *g, const struct flight *f, const struct msg_outcome *m)
{
	const struct tool *t = bundle_tool(g->bundle, f->tool);
	const struct call *c = state_call(g->state, f->call);
	struct signal_report r = {0};
	struct err e = ERR_INIT;
	size_t taken = 0;

	if (m->kind != OUTCOME_OK || !t || !t->signal_name.n || !c || c->targets.n != 1) {
		return;
	}
	r.name = t->signal_name;
	if (signal_value(json_pointer(reads_value(g, &g->round, m->result), t->signal_pointer),
			 &r.value) &&
	    note(g, &r, c->targets.p[0], t->upstream->name, f->call, &taken, &e) != RC_OK) {
		log_warn("a signal of '%.*s' is lost: %s", STR_ARG(t->public_name), e.msg);
	}
}

/* ---- for people ---- */

static void view_signal(const struct governor *g, const struct signal *x, struct json_out *w)
{
	uint64_t now = gov_now_ms(g);
	bool is_ahead = x->observed_unix_ms > now + SIGNAL_SKEW_MS;

	json_out_object(w);
	json_out_key_str(w, "asset", x->asset);
	json_out_key_str(w, "name", x->name);
	json_out_key_str(w, "value", x->value);
	json_out_key_str(w, "source", x->source);
	view_time(w, "observed", x->observed_unix_ms);
	json_out_key_u64(w, "age_s",
			 now > x->observed_unix_ms ? (now - x->observed_unix_ms) / 1000 : 0);
	json_out_key_bool(w, "from_the_future", is_ahead);
	view_time(w, "noted", x->noted_unix_ms);
	json_out_key_u64(w, "leaf", x->ix);
	json_out_close(w);
}

void signals_view(const struct governor *g, const struct str_list *assets, size_t most,
		  struct json_out *w)
{
	const struct signal *x;

	json_out_array(w);
	for (size_t k = 0; k < assets->n; k++) {
		size_t i = 0;

		while (most > 0 && (x = state_next_signal(g->state, assets->p[k], &i))) {
			most--;
			view_signal(g, x, w);
		}
	}
	json_out_close(w);
}

enum rc signals_list(struct asked *a, struct json_out *w, struct err *e)
{
	static const struct str all[] = {{"", 0}};
	struct str asset = STR("");
	struct str_list assets = {all, 1};

	if (json_str(json_get(a->body, STR("asset")), &asset)) {
		enum reason bad = target_parse(asset, &a->g->round, &asset);

		if (bad != REASON_NONE || !asset.n) {
			FAIL(e, RC_INPUT, "'asset' must be of the form kind:value");
		}
		assets.p = &asset;
	}
	json_out_object(w);
	json_out_key(w, STR("signals"));
	signals_view(a->g, &assets, SIGNALS, w);
	json_out_close(w);
	return RC_OK;
}
