/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_lease.c - credentials on loan.
 *
 * States: INTENDED -created-> CREATED -delivered-> DELIVERED;  any of them -revoking-> REVOKING;
 *         any but GONE -gone-> GONE. What was created or delivered while it was being revoked is
 *         recorded and changes nothing.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "core/state_impl.h"

struct str lease_state_name(enum lease_state st)
{
	switch (st) {
	case LEASE_STATE_REVOKING:
		return STR("revoking");
	case LEASE_STATE_INTENDED:
		return STR("intended");
	case LEASE_STATE_CREATED:
		return STR("created");
	case LEASE_STATE_DELIVERED:
		return STR("delivered");
	case LEASE_STATE_GONE:
		break;
	}
	return STR("gone");
}

static struct lease_object *lease_of(const struct state *s, uint64_t ix)
{
	return (void *)state_find(s, OBJECT_LEASE, ix);
}

const struct lease *state_lease_of(const struct state *s, uint64_t task, struct str backend,
				   struct str scope)
{
	for (size_t i = s->tables[OBJECT_LEASE].n; i > 0; i--) {
		const struct lease *l =
		    &((const struct lease_object *)s->tables[OBJECT_LEASE].p[i - 1])->pub;

		if (l->ix < task) {
			break; /* older than the task itself */
		}
		if (l->task == task && l->state != LEASE_STATE_GONE &&
		    l->state != LEASE_STATE_REVOKING && str_eq(l->backend, backend) &&
		    str_eq(l->scope, scope)) {
			return l;
		}
	}
	return NULL;
}

enum rc state_reserve_lease_intended(struct state *s, const struct leaf *l, struct err *e)
{
	struct object *o;

	if (l->lease_intended.task) {
		TRY(state_need(s, OBJECT_TASK, l->lease_intended.task, &o, e));
	}
	return state_reserve_object(s, OBJECT_LEASE, sizeof(struct lease_object), l, e);
}

void state_apply_lease_intended(struct state *s, const struct leaf *l)
{
	const struct leaf_lease_intended *i = &s->pending.own.lease_intended;
	struct lease_object *o = state_take_object(s);

	(void)l;
	o->pub = (struct lease){
	    .ix = o->o.ix,
	    .state = LEASE_STATE_INTENDED,
	    .task = i->task,
	    .backend = i->backend,
	    .scope = i->scope,
	    .not_after_unix_ms = i->not_after,
	    .create_by_unix_ms = i->create_by,
	};
}

static bool may_become(enum lease_state from, enum lease_state to)
{
	switch (to) {
	case LEASE_STATE_CREATED:
		return from == LEASE_STATE_INTENDED || from == LEASE_STATE_REVOKING;
	case LEASE_STATE_DELIVERED:
		return from == LEASE_STATE_CREATED || from == LEASE_STATE_DELIVERED ||
		       from == LEASE_STATE_REVOKING;
	case LEASE_STATE_REVOKING:
		return from != LEASE_STATE_REVOKING && from != LEASE_STATE_GONE;
	case LEASE_STATE_GONE:
		return from != LEASE_STATE_GONE;
	case LEASE_STATE_INTENDED:
		break;
	}
	return false;
}

static enum rc check_step(const struct state *s, uint64_t ix, enum lease_state to, struct err *e)
{
	const struct lease *l;
	struct object *o;

	TRY(state_need(s, OBJECT_LEASE, ix, &o, e));
	l = &((const struct lease_object *)o)->pub;
	if (!may_become(l->state, to)) {
		FAIL(e, RC_BROKEN, "lease l%" PRIu64 " is " STR_FMT " and cannot become " STR_FMT,
		     ix, STR_ARG(lease_state_name(l->state)), STR_ARG(lease_state_name(to)));
	}
	return RC_OK;
}

static void step(struct state *s, uint64_t ix, enum lease_state to)
{
	struct lease_object *o = lease_of(s, ix);

	if (o->pub.state != LEASE_STATE_REVOKING || to == LEASE_STATE_GONE) {
		o->pub.state = to;
	}
}

enum rc state_reserve_lease_created(struct state *s, const struct leaf *l, struct err *e)
{
	return check_step(s, l->lease_created.lease, LEASE_STATE_CREATED, e);
}

void state_apply_lease_created(struct state *s, const struct leaf *l)
{
	step(s, l->lease_created.lease, LEASE_STATE_CREATED);
}

enum rc state_reserve_lease_delivered(struct state *s, const struct leaf *l, struct err *e)
{
	return check_step(s, l->lease_delivered.lease, LEASE_STATE_DELIVERED, e);
}

void state_apply_lease_delivered(struct state *s, const struct leaf *l)
{
	step(s, l->lease_delivered.lease, LEASE_STATE_DELIVERED);
}

enum rc state_reserve_lease_revoking(struct state *s, const struct leaf *l, struct err *e)
{
	return check_step(s, l->lease_revoking.lease, LEASE_STATE_REVOKING, e);
}

void state_apply_lease_revoking(struct state *s, const struct leaf *l)
{
	step(s, l->lease_revoking.lease, LEASE_STATE_REVOKING);
}

enum rc state_reserve_lease_gone(struct state *s, const struct leaf *l, struct err *e)
{
	TRY(check_step(s, l->lease_gone.lease, LEASE_STATE_GONE, e));
	return state_reserve_text(s, l, e);
}

void state_apply_lease_gone(struct state *s, const struct leaf *l)
{
	struct lease_object *o = lease_of(s, l->lease_gone.lease);

	step(s, l->lease_gone.lease, LEASE_STATE_GONE);
	o->pub.read_back = s->pending.own.lease_gone.read_back;
	state_take_changed(s, &o->o);
	state_set_over(&o->o, l->t);
}
