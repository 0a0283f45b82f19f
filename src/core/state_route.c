/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_route.c - what was begun on an incident by itself, and who was shown its free text. */
#include <inttypes.h>

#include "core/route.h"
#include "core/state_impl.h"

bool state_incident_was_routed(const struct state *s, uint64_t ix, struct str key)
{
	const struct incident_object *o = (void *)state_find(s, OBJECT_INCIDENT, ix);

	for (size_t i = 0; o && i < o->routed.n; i++) {
		if (str_eq(o->routed.p[i], key)) {
			return true;
		}
	}
	return false;
}

enum rc state_reserve_incident_routed(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_incident_routed *r = &l->incident_routed;
	const struct str_list key = {&r->route, 1};
	struct incident_object *o;

	TRY(state_need_open_incident(s, r->incident, &o, e));
	if (r->route.n == 0 || state_incident_was_routed(s, r->incident, r->route)) {
		FAIL(e, RC_BROKEN, "incident i%" PRIu64 " was routed by '" STR_FMT "' already",
		     r->incident, STR_ARG(r->route));
	}
	return state_reserve_strings(&s->pending.labels, &o->routed, &key, ROUTES, e);
}

void state_apply_incident_routed(struct state *s, const struct leaf *l)
{
	struct incident_object *o =
	    (void *)state_find(s, OBJECT_INCIDENT, l->incident_routed.incident);

	state_take_strings(&s->pending.labels, &o->routed);
	state_note_step(s, &o->pub);
}

/* Free text of an incident is what anybody may have written: whoever has read it has read untrusted
 * input. */
enum rc state_reserve_incident_shown(struct state *s, const struct leaf *l, struct err *e)
{
	static const struct str untrusted[] = {{"untrusted", 9}};
	const struct str_list label = {untrusted, 1};
	struct task_object *t;
	struct object *o;

	TRY(state_need(s, OBJECT_TASK, l->incident_shown.task, &o, e));
	t = (struct task_object *)o;
	if (t->pub.incident != l->incident_shown.incident) {
		FAIL(e, RC_BROKEN, "task t%" PRIu64 " is about another incident",
		     l->incident_shown.task);
	}
	TRY(state_reserve_strings(&s->pending.labels, &t->labels, &label, SIZE_MAX, e));
	t->pub.labels.p = t->labels.p; /* the vector may have moved */
	return RC_OK;
}

void state_apply_incident_shown(struct state *s, const struct leaf *l)
{
	struct task_object *t = (void *)state_find(s, OBJECT_TASK, l->incident_shown.task);
	struct incident_object *o =
	    (void *)state_find(s, OBJECT_INCIDENT, l->incident_shown.incident);

	state_take_strings(&s->pending.labels, &t->labels);
	t->pub.labels = (struct str_list){t->labels.p, t->labels.n};
	if (o) {
		state_note_step(s, &o->pub);
	}
}
