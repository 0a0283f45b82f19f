/* SPDX-License-Identifier: Apache-2.0 */
/* core/state_preapproval.c - approvals given in advance, bounded in number and time.
 *
 * States: open -ended-> ended. Its not_after ends it without a leaf; so does the leaf that says
 * that a call it let through did not hold, or is undone. Holds:  (1) within any window of window_ms
 * at most max_uses calls cite it.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "core/state_impl.h"

enum { MAX_USES = 4096 };

static struct preapproval_object *preapproval_of(const struct state *s, uint64_t ix)
{
	return (void *)state_find(s, OBJECT_PREAPPROVAL, ix);
}

enum rc state_reserve_preapproval_opened(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_preapproval_opened *p = &l->preapproval_opened;

	if (p->person.n == 0 || p->tool.n == 0 || p->max_uses == 0 || p->window_ms == 0 ||
	    p->not_after == 0) {
		FAIL(e, RC_BROKEN, "a pre-approval without a person, a tool or a bound");
	}
	if (p->max_uses > MAX_USES) {
		FAIL(e, RC_LIMIT, "a pre-approval for more than %d calls", MAX_USES);
	}
	return state_reserve_object(s, OBJECT_PREAPPROVAL, sizeof(struct preapproval_object), l, e);
}

void state_apply_preapproval_opened(struct state *s, const struct leaf *l)
{
	const struct leaf_preapproval_opened *p = &s->pending.own.preapproval_opened;
	struct preapproval_object *o = state_take_object(s);

	(void)l;
	o->pub = (struct preapproval){
	    .ix = o->o.ix,
	    .is_open = true,
	    .person = p->person,
	    .agent = p->agent,
	    .tool = p->tool,
	    .targets = p->targets,
	    .class = p->class,
	    .max_uses = p->max_uses,
	    .window_ms = p->window_ms,
	    .not_after_unix_ms = p->not_after,
	};
	state_set_over(&o->o, p->not_after);
}

enum rc state_reserve_preapproval_ended(struct state *s, const struct leaf *l, struct err *e)
{
	struct object *o;

	TRY(state_need(s, OBJECT_PREAPPROVAL, l->preapproval_ended.preapproval, &o, e));
	if (!((const struct preapproval_object *)o)->pub.is_open) {
		FAIL(e, RC_BROKEN, "pre-approval p%" PRIu64 " has ended already", o->ix);
	}
	return RC_OK;
}

void state_apply_preapproval_ended(struct state *s, const struct leaf *l)
{
	struct preapproval_object *o = preapproval_of(s, l->preapproval_ended.preapproval);

	o->pub.is_open = false;
	if (l->t < o->pub.not_after_unix_ms) {
		state_set_over(&o->o, l->t);
	}
}

/* Uses that stand at the front of the list and are older than the window. */
static size_t outdated(const struct preapproval *p, uint64_t now_unix_ms)
{
	size_t n = 0;

	while (n < p->n_uses && now_unix_ms >= p->uses_unix_ms[n] &&
	       now_unix_ms - p->uses_unix_ms[n] >= p->window_ms) {
		n++;
	}
	return n;
}

uint64_t state_preapproval_uses(const struct preapproval *p, uint64_t now_unix_ms)
{
	return p->n_uses - outdated(p, now_unix_ms);
}

/* (1) */
enum rc state_reserve_preapproval_use(struct state *s, const struct leaf *l, struct err *e)
{
	const struct leaf_call_decided *c = &l->call_decided;
	struct preapproval_object *o = preapproval_of(s, c->preapproval);

	if (c->preapproval == 0) {
		return RC_OK;
	}
	if (c->approval) {
		FAIL(e, RC_BROKEN, "a call cites an approval and a pre-approval");
	}
	if (!o || !o->pub.is_open || l->t > o->pub.not_after_unix_ms ||
	    !str_eq(o->pub.tool, c->tool) || (o->pub.agent.n && !str_eq(o->pub.agent, c->agent)) ||
	    (o->pub.targets.n && !str_list_within(&c->targets, &o->pub.targets))) {
		FAIL(e, RC_BROKEN, "pre-approval p%" PRIu64 " does not cover this call",
		     c->preapproval);
	}
	if (state_preapproval_uses(&o->pub, l->t) >= o->pub.max_uses) {
		FAIL(e, RC_BROKEN, "pre-approval p%" PRIu64 " is used up", c->preapproval);
	}
	if (vec_reserve(&o->uses, 1) != RC_OK) {
		FAIL(e, RC_NOMEM, "no memory for a use of a pre-approval");
	}
	o->pub.uses_unix_ms = o->uses.p; /* the vector may have moved */
	return RC_OK;
}

void state_apply_preapproval_use(struct state *s, const struct leaf *l)
{
	struct preapproval_object *o = preapproval_of(s, l->call_decided.preapproval);
	size_t old;

	if (!o) {
		return;
	}
	old = outdated(&o->pub, l->t);
	for (size_t i = old; i < o->uses.n; i++) {
		o->uses.p[i - old] = o->uses.p[i];
	}
	o->uses.n -= old;
	MUST(o->uses.n < o->uses.cap);
	o->uses.p[o->uses.n++] = l->t;
	o->pub.uses_unix_ms = o->uses.p;
	o->pub.n_uses = o->uses.n;
}

void state_surprise_preapproval(struct state *s, uint64_t preapproval, uint64_t unix_ms)
{
	struct preapproval_object *o = preapproval_of(s, preapproval);

	if (!o || !o->pub.is_open) {
		return;
	}
	o->pub.is_open = false;
	if (unix_ms < o->pub.not_after_unix_ms) {
		state_set_over(&o->o, unix_ms);
	}
}
