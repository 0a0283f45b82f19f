/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_incident.c - incidents: opened -update-> opened -close-> closed. */
#include <inttypes.h>

#include "base/mem.h"
#include "core/state_impl.h"

enum { SEVERITY_WORST = 1, SEVERITY_LEAST = 5 };

enum rc state_need_open_incident(const struct state *s, uint64_t ix, struct incident_object **ret,
				 struct err *e)
{
	struct object *o;

	TRY(state_need(s, OBJECT_INCIDENT, ix, &o, e));
	*ret = (struct incident_object *)o;
	if ((*ret)->pub.status != INCIDENT_OPEN) {
		FAIL(e, RC_BROKEN, "incident i%" PRIu64 " is closed", ix);
	}
	return RC_OK;
}

void state_note_step(struct state *s, struct incident *i)
{
	i->steps[i->n_steps++ % INCIDENT_STEPS] = s->size;
}

/* The leaf that is being applied holds the incident's free text from now on, if it has any. */
static void note_text(struct state *s, struct incident *i, const struct digest *commit)
{
	static const struct digest none;

	if (!digest_eq(commit, &none)) {
		i->text_ix = s->size;
	}
}

static void note_delivery(struct incident *i, const struct digest *delivery, uint64_t occurred_at)
{
	static const struct digest none;

	if (occurred_at > i->occurred_unix_ms) {
		i->occurred_unix_ms = occurred_at;
	}
	if (!digest_eq(delivery, &none)) {
		i->deliveries[i->n_deliveries++ % INCIDENT_DELIVERIES] = *delivery;
	}
}

static enum rc check_severity(uint64_t severity, struct err *e)
{
	if (severity < SEVERITY_WORST || severity > SEVERITY_LEAST) {
		FAIL(e, RC_BROKEN, "severity %" PRIu64 " is not from 1 to 5", severity);
	}
	return RC_OK;
}

enum rc state_reserve_incident_opened(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_incident_opened *i = &l->incident_opened;

	TRY(check_severity(i->severity, e));
	if (i->source_id.n && state_incident_of_source(s, i->source, i->source_id)) {
		FAIL(e, RC_BROKEN, "incident '" STR_FMT "' of this source is open already",
		     STR_ARG(i->source_id));
	}
	return state_reserve_object(s, OBJECT_INCIDENT, sizeof(struct incident_object), l, e);
}

void state_apply_incident_opened(struct state *s, const struct leaf *l)
{
	const struct leaf_incident_opened *i = &s->pending.own.incident_opened;
	struct incident_object *o = state_take_object(s);

	o->pub = (struct incident){
	    .ix = o->o.ix,
	    .status = INCIDENT_OPEN,
	    .source = i->source,
	    .source_id = i->source_id,
	    .class = i->class,
	    .severity = (uint8_t)i->severity,
	    .service = i->service,
	    .environment = i->environment,
	    .assets = i->assets,
	    .is_regulated = i->regulated,
	    .opened_by = i->by,
	    .opened_unix_ms = l->t,
	};
	note_delivery(&o->pub, &i->delivery, i->occurred_at);
	note_text(s, &o->pub, &i->title);
	state_note_step(s, &o->pub);
}

enum rc state_reserve_incident_updated(struct state *s, const struct leaf *l, struct err *e)
{
	struct incident_object *o;

	TRY(check_severity(l->incident_updated.severity, e));
	TRY(state_need_open_incident(s, l->incident_updated.incident, &o, e));
	return state_reserve_text(s, l, e);
}

void state_apply_incident_updated(struct state *s, const struct leaf *l)
{
	const struct leaf_incident_updated *i = &s->pending.own.incident_updated;
	struct incident_object *o = (void *)state_find(s, OBJECT_INCIDENT, i->incident);

	o->pub.class = i->class;
	o->pub.severity = (uint8_t)i->severity;
	o->pub.service = i->service;
	o->pub.assets = i->assets;
	o->pub.is_regulated = i->regulated;
	note_delivery(&o->pub, &l->incident_updated.delivery, i->occurred_at);
	note_text(s, &o->pub, &i->title);
	state_note_step(s, &o->pub);
	state_take_changed(s, &o->o);
}

enum rc state_reserve_incident_closed(struct state *s, const struct leaf *l, struct err *e)
{
	struct incident_object *o;

	return state_need_open_incident(s, l->incident_closed.incident, &o, e);
}

void state_apply_incident_closed(struct state *s, const struct leaf *l)
{
	struct incident_object *o =
	    (void *)state_find(s, OBJECT_INCIDENT, l->incident_closed.incident);

	o->pub.status = INCIDENT_CLOSED;
	o->pub.closed_unix_ms = l->t;
	note_delivery(&o->pub, &l->incident_closed.delivery, l->incident_closed.occurred_at);
	state_note_step(s, &o->pub);
	state_set_over(&o->o, l->t);
}

const struct incident *state_last_incident_of_source(const struct state *s, struct str source,
						     struct str source_id)
{
	const struct incident *last = NULL;

	for (const struct incident *i = state_next_incident(s, 0); i;
	     i = state_next_incident(s, i->ix + 1)) {
		if (str_eq(i->source_id, source_id) && str_eq(i->source, source)) {
			last = i;
		}
	}
	return last;
}

/* No second one is opened while one is open, so the newest is the open one if any is. */
const struct incident *state_incident_of_source(const struct state *s, struct str source,
						struct str source_id)
{
	const struct incident *last = state_last_incident_of_source(s, source, source_id);

	return last && last->status == INCIDENT_OPEN ? last : NULL;
}

bool state_incident_had_delivery(const struct incident *i, const struct digest *delivery)
{
	size_t n = i->n_deliveries < INCIDENT_DELIVERIES ? i->n_deliveries : INCIDENT_DELIVERIES;

	for (size_t k = 0; k < n; k++) {
		if (digest_eq(&i->deliveries[k], delivery)) {
			return true;
		}
	}
	return false;
}
