/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_incident.c - incidents: opened -update-> opened -close-> closed. */
#include <inttypes.h>

#include "base/mem.h"
#include "core/state_impl.h"

enum { SEVERITY_WORST = 1, SEVERITY_LEAST = 5 };

static enum rc need_open(const struct state *s, uint64_t ix, struct incident_object **ret,
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

enum rc state_reserve_incident_opened(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_incident_opened *i = &l->incident_opened;

	if (i->severity < SEVERITY_WORST || i->severity > SEVERITY_LEAST) {
		FAIL(e, RC_BROKEN, "severity %" PRIu64 " is not from 1 to 5", i->severity);
	}
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
	    .opened_unix_ms = l->t,
	};
}

enum rc state_reserve_incident_updated(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_incident_updated *i = &l->incident_updated;
	struct incident_object *o;

	if (i->severity > SEVERITY_LEAST) {
		FAIL(e, RC_BROKEN, "severity %" PRIu64 " is not from 1 to 5", i->severity);
	}
	TRY(need_open(s, i->incident, &o, e));
	return state_reserve_text(s, l, e);
}

/* Severity 0 and an empty list say that nothing changed there; a list replaces the former. */
void state_apply_incident_updated(struct state *s, const struct leaf *l)
{
	struct incident_object *o =
	    (void *)state_find(s, OBJECT_INCIDENT, l->incident_updated.incident);

	if (l->incident_updated.severity) {
		o->pub.severity = (uint8_t)l->incident_updated.severity;
	}
	if (l->incident_updated.assets.n) {
		o->pub.assets = s->pending.own.incident_updated.assets;
		state_take_changed(s, &o->o);
	}
}

enum rc state_reserve_incident_closed(struct state *s, const struct leaf *l, struct err *e)
{
	struct incident_object *o;

	return need_open(s, l->incident_closed.incident, &o, e);
}

void state_apply_incident_closed(struct state *s, const struct leaf *l)
{
	struct incident_object *o =
	    (void *)state_find(s, OBJECT_INCIDENT, l->incident_closed.incident);

	o->pub.status = INCIDENT_CLOSED;
	o->pub.closed_unix_ms = l->t;
	state_set_over(&o->o, l->t);
}

const struct incident *state_incident_of_source(const struct state *s, struct str source,
						struct str source_id)
{
	for (const struct incident *i = state_next_incident(s, 0); i;
	     i = state_next_incident(s, i->ix + 1)) {
		if (i->status == INCIDENT_OPEN && str_eq(i->source_id, source_id) &&
		    str_eq(i->source, source)) {
			return i;
		}
	}
	return NULL;
}
