/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_signal.c - the latest word of every source about every asset.
 *
 * One signal per asset, name and source, in that order; a newer one replaces it. Bounded per asset
 * and per source, so that a source that reports too much keeps nobody else out, and forgotten
 * SIGNAL_HORIZON_MS after it was noted.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "core/state_impl.h"

static int compare(const struct signal *x, struct str asset, struct str name, struct str source)
{
	int order = str_cmp(x->asset, asset);

	order = order ? order : str_cmp(x->name, name);
	return order ? order : str_cmp(x->source, source);
}

/* The first that is not before these. */
static size_t place_of(const struct state *s, struct str asset, struct str name, struct str source)
{
	size_t from = 0;
	size_t to = s->signals.n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (compare(&s->signals.p[middle]->pub, asset, name, source) < 0) {
			from = middle + 1;
		} else {
			to = middle;
		}
	}
	return from;
}

static bool is_at(const struct state *s, size_t at, const struct leaf_signal_observed *l)
{
	return at < s->signals.n &&
	       compare(&s->signals.p[at]->pub, l->asset, l->name, l->source) == 0;
}

static enum rc check_room(const struct state *s, const struct leaf_signal_observed *l,
			  struct err *e)
{
	size_t of_asset = 0;
	size_t of_source = 0;
	size_t at = place_of(s, l->asset, STR(""), STR(""));

	for (; at < s->signals.n && str_eq(s->signals.p[at]->pub.asset, l->asset); at++) {
		of_asset++;
	}
	for (size_t i = 0; i < s->signals.n; i++) {
		of_source += str_eq(s->signals.p[i]->pub.source, l->source);
	}
	if (of_asset >= SIGNALS_PER_ASSET || of_source >= SIGNALS_PER_SOURCE ||
	    s->signals.n >= SIGNALS) {
		FAIL(e, RC_LIMIT,
		     "more than %d signals of an asset, %d of a source or %d in all within an hour",
		     SIGNALS_PER_ASSET, SIGNALS_PER_SOURCE, SIGNALS);
	}
	return RC_OK;
}

enum rc state_reserve_signal_observed(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_signal_observed *x = &l->signal_observed;
	size_t at = place_of(s, x->asset, x->name, x->source);

	if (!x->asset.n || !x->name.n || !x->source.n) {
		FAIL(e, RC_BROKEN, "a signal without asset, name or source");
	}
	if (is_at(s, at, x)) {
		if (!signal_is_newer(&s->signals.p[at]->pub, x->observed_at, l->t)) {
			FAIL(e, RC_BROKEN, "a signal older than the one it would replace");
		}
		return state_reserve_text(s, l, e);
	}
	TRY(check_room(s, x, e));
	if (vec_reserve(&s->signals, 1) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for signals");
	}
	s->pending.signal = mem_calloc(1, sizeof(*s->pending.signal));
	if (!s->pending.signal) {
		FAIL(e, RC_NOMEM, "no memory for a signal");
	}
	return state_reserve_text(s, l, e);
}

void state_apply_signal_observed(struct state *s, const struct leaf *l)
{
	const struct leaf_signal_observed *x = &s->pending.own.signal_observed;
	size_t at = place_of(s, x->asset, x->name, x->source);
	struct signal_object *o;

	if (!is_at(s, at, x)) {
		MUST(s->signals.n < s->signals.cap && s->pending.signal);
		for (size_t i = s->signals.n; i > at; i--) {
			s->signals.p[i] = s->signals.p[i - 1];
		}
		s->signals.n++;
		s->signals.p[at] = TAKE(s->pending.signal);
	}
	o = s->signals.p[at];
	mem_free(o->text);
	o->text = TAKE(s->pending.text);
	o->pub = (struct signal){
	    .ix = s->size,
	    .asset = x->asset,
	    .name = x->name,
	    .value = x->value,
	    .source = x->source,
	    .observed_unix_ms = x->observed_at,
	    .noted_unix_ms = l->t,
	    .cause = x->cause,
	};
}

void state_free_signal(struct signal_object *o)
{
	if (o) {
		mem_free(o->text);
		mem_free(o);
	}
}

void state_forget_signals(struct state *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->signals.n; i++) {
		struct signal_object *o = s->signals.p[i];

		if (s->now_unix_ms > o->pub.noted_unix_ms &&
		    s->now_unix_ms - o->pub.noted_unix_ms > SIGNAL_HORIZON_MS) {
			state_free_signal(o);
		} else {
			s->signals.p[kept++] = o;
		}
	}
	s->signals.n = kept;
}

const struct signal *state_signal(const struct state *s, struct str asset, struct str name,
				  struct str source)
{
	const struct leaf_signal_observed key = {.asset = asset, .name = name, .source = source};
	size_t at = place_of(s, asset, name, source);

	return is_at(s, at, &key) ? &s->signals.p[at]->pub : NULL;
}

const struct signal *state_next_signal(const struct state *s, struct str asset, size_t *i)
{
	size_t first = asset.n ? place_of(s, asset, STR(""), STR("")) : 0;
	size_t at = first + *i;

	if (at >= s->signals.n || (asset.n && !str_eq(s->signals.p[at]->pub.asset, asset))) {
		return NULL;
	}
	++*i;
	return &s->signals.p[at]->pub;
}
