/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_breaker.c - breakers that tripped, until they close.
 *
 * States: tripped -> OPEN -its time is over-> HALF OPEN (no leaf: the clock says so) -a call it
 *         concerns is allowed-> PROBING -ok-> closed;  PROBING -any other outcome-> OPEN;
 *         any -breaker.reset-> closed. A call that was not sent probes nothing.
 */
#include <inttypes.h>

#include "core/breaker.h"
#include "core/state_impl.h"

/* "t12" or "t12/…" of a task, "target/…", "up/…". */
bool breaker_concerns(const struct breaker *b, uint64_t task, struct str upstream,
		      const struct str_list *targets)
{
	struct str rest = b->whom;
	struct str first = str_cut(&rest, '/');
	char id[24];

	switch (b->kind) {
	case BREAKER_LOOP:
	case BREAKER_BURST:
	case BREAKER_ERRORS:
		return str_eq(first, id_text('t', task, id));
	case BREAKER_OSCILLATION:
		return str_list_has(targets, rest);
	case BREAKER_UPSTREAM:
		return str_eq(rest, upstream);
	case BREAKER_KINDS:
		break;
	}
	return true;
}

const struct breaker *state_next_open_breaker(const struct state *s, uint64_t from)
{
	const struct breaker *b = s->n_open_breakers ? state_next_breaker(s, from) : NULL;

	while (b && b->is_closed) {
		b = state_next_breaker(s, b->ix + 1);
	}
	return b;
}

enum rc state_reserve_breaker_tripped(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_breaker_tripped *t = &l->breaker_tripped;
	enum breaker_kind kind;

	if (!breaker_kind_from_name(t->kind, &kind) || t->open_ms == 0) {
		FAIL(e, RC_BROKEN, "no breaker '" STR_FMT "'", STR_ARG(t->kind));
	}
	return state_reserve_object(s, OBJECT_BREAKER, sizeof(struct breaker_object), l, e);
}

void state_apply_breaker_tripped(struct state *s, const struct leaf *l)
{
	const struct leaf_breaker_tripped *t = &s->pending.own.breaker_tripped;
	struct breaker_object *o = state_take_object(s);

	o->pub = (struct breaker){
	    .ix = o->o.ix,
	    .whom = t->whom,
	    .key = t->key,
	    .task = t->task,
	    .count = t->count,
	    .open_ms = t->open_ms,
	    .tripped_unix_ms = l->t,
	    .open_until_unix_ms = l->t + t->open_ms,
	};
	MUST(breaker_kind_from_name(l->breaker_tripped.kind, &o->pub.kind));
	s->n_open_breakers++;
}

static void close_breaker(struct state *s, struct breaker_object *o, uint64_t unix_ms)
{
	o->pub.is_closed = true;
	o->pub.probe = 0;
	state_set_over(&o->o, unix_ms);
	state_clear_counter(s, o->pub.key);
	s->n_open_breakers--;
}

enum rc state_reserve_breaker_reset(struct state *s, const struct leaf *l, struct err *e)
{
	struct object *o;

	TRY(state_need(s, OBJECT_BREAKER, l->breaker_reset.breaker, &o, e));
	if (((const struct breaker_object *)o)->pub.is_closed) {
		FAIL(e, RC_BROKEN, "breaker b%" PRIu64 " is closed", l->breaker_reset.breaker);
	}
	return RC_OK;
}

void state_apply_breaker_reset(struct state *s, const struct leaf *l)
{
	close_breaker(s, (void *)state_find(s, OBJECT_BREAKER, l->breaker_reset.breaker), l->t);
}

/* An allowed call: it probes whatever it concerns. */
void state_probe_breakers(struct state *s, const struct call_object *call)
{
	struct str hop = intern_text(&s->words, call->hop);

	for (size_t i = 0; i < s->tables[OBJECT_BREAKER].n && s->n_open_breakers; i++) {
		struct breaker *b = &((struct breaker_object *)s->tables[OBJECT_BREAKER].p[i])->pub;

		if (!b->is_closed && !b->probe && call->taken_unix_ms >= b->open_until_unix_ms &&
		    (call->pub.effect != EFFECT_READ || breaker_stops_reads(b->kind)) &&
		    breaker_concerns(b, call->pub.task, hop, &call->pub.targets)) {
			b->probe = call->o.ix;
		}
	}
}

void state_settle_probes(struct state *s, const struct call_object *call, uint64_t unix_ms)
{
	for (size_t i = 0; i < s->tables[OBJECT_BREAKER].n && s->n_open_breakers; i++) {
		struct breaker_object *o = (void *)s->tables[OBJECT_BREAKER].p[i];

		if (o->pub.is_closed || o->pub.probe != call->o.ix) {
			continue;
		}
		o->pub.probe = 0;
		if (str_eq(call->pub.outcome, STR("ok"))) {
			close_breaker(s, o, unix_ms);
		} else if (!str_eq(call->pub.outcome, STR("not_sent")) ||
			   o->pub.kind == BREAKER_UPSTREAM) {
			o->pub.open_until_unix_ms = unix_ms + o->pub.open_ms;
		}
	}
}
