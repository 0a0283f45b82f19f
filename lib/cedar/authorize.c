/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/authorize.c - from a request to a response.
 *
 * Trust:  the request is hostile; policies were accepted by the parser.
 * Holds:  (1) allow needs a satisfied permit, no satisfied forbid and no policy cut short by a
 *             bound of ours.
 *         (2) every policy is evaluated, whatever the others said.
 */
#include "cedar/authorize.h"

static const struct cedar_value no_context = {.type = CEDAR_RECORD, .depth = 1};

/* Can the head of the policy be met? Never fails. */
static bool scope_holds(const struct cedar_scope *s, const struct cedar_uid *uid,
			const struct cedar_node *node)
{
	switch (s->op) {
	case CEDAR_SCOPE_ANY:
		return true;
	case CEDAR_SCOPE_EQ:
		return cedar_uid_equal(uid, s->uids[0]);
	case CEDAR_SCOPE_IS:
		return str_eq(uid->type, s->type);
	case CEDAR_SCOPE_IS_IN:
		if (!str_eq(uid->type, s->type)) {
			return false;
		}
		break;
	case CEDAR_SCOPE_IN:
	case CEDAR_SCOPE_IN_LIST:
		break;
	}
	for (size_t i = 0; i < s->n_uids; i++) {
		if (cedar_uid_equal(uid, s->uids[i]) ||
		    (node && cedar_node_has_ancestor(node, s->uids[i]))) {
			return true;
		}
	}
	return false;
}

enum rc cedar_conditions_hold(struct cedar_eval *v, const struct cedar_policy *p, bool *ret)
{
	*ret = false;
	v->steps.left = CEDAR_LIMIT_STEPS;
	for (size_t i = 0; i < p->n_conditions; i++) {
		bool b;

		TRY(cedar_eval_bool(v, p->conditions[i].body, &b));
		if (b == p->conditions[i].is_unless) {
			return RC_OK;
		}
	}
	*ret = true;
	return RC_OK;
}

bool cedar_in_scope(const struct cedar_eval *v, const struct cedar_policy *p)
{
	const struct cedar_request *r = v->request;

	return scope_holds(&p->scope[CEDAR_ACTION], r->action, v->nodes[CEDAR_ACTION]) &&
	       scope_holds(&p->scope[CEDAR_PRINCIPAL], r->principal, v->nodes[CEDAR_PRINCIPAL]) &&
	       scope_holds(&p->scope[CEDAR_RESOURCE], r->resource, v->nodes[CEDAR_RESOURCE]);
}

/* RC_INPUT: the policy failed, v->error says why. */
static enum rc evaluate(struct cedar_eval *v, const struct cedar_policy *p, bool *ret)
{
	*ret = false;
	return cedar_in_scope(v, p) ? cedar_conditions_hold(v, p, ret) : RC_OK;
}

enum rc cedar_indexes_reserve(struct arena *arena, struct cedar_indexes *list, size_t n)
{
	size_t cap = list->cap ? list->cap * 2 : 16;
	uint32_t *more;

	if (n <= list->cap - list->n) {
		return RC_OK;
	}
	while (cap - list->n < n) {
		cap *= 2;
	}
	more = arena_alloc_n(arena, cap, sizeof(*more));
	if (!more) {
		return RC_NOMEM;
	}
	for (size_t i = 0; i < list->n; i++) {
		more[i] = list->p[i];
	}
	list->p = more;
	list->cap = cap;
	return RC_OK;
}

static enum rc add_error(struct cedar_gathering *g, struct arena *arena, uint32_t policy,
			 const struct cedar_error *error)
{
	if (g->n_errors == g->cap_errors) {
		size_t cap = g->cap_errors ? g->cap_errors * 2 : 4;
		struct cedar_policy_error *more = arena_alloc_n(arena, cap, sizeof(*more));

		if (!more) {
			return RC_NOMEM;
		}
		for (size_t i = 0; i < g->n_errors; i++) {
			more[i] = g->errors[i];
		}
		g->errors = more;
		g->cap_errors = cap;
	}
	g->errors[g->n_errors++] = (struct cedar_policy_error){.policy = policy, .error = *error};
	g->is_cut_short = g->is_cut_short || error->class == CEDAR_ERROR_LIMIT;
	return RC_OK;
}

enum rc cedar_gather_policy(const struct cedar_policies *set, struct cedar_eval *v, uint32_t i,
			    struct cedar_gathering *g)
{
	const struct cedar_policy *p = set->list[i];
	struct cedar_indexes *list = p->effect == CEDAR_PERMIT ? &g->permits : &g->forbids;
	bool is_satisfied = false;
	enum rc rc = evaluate(v, p, &is_satisfied);

	if (rc == RC_INPUT) {
		v->error.source = p->source;
		return add_error(g, v->arena, i, &v->error);
	}
	TRY(rc);
	if (is_satisfied) {
		TRY(cedar_indexes_reserve(v->arena, list, 1));
		list->p[list->n++] = i;
	}
	return RC_OK;
}

static enum rc gather_linear(const struct cedar_policies *set, struct cedar_eval *v,
			     struct cedar_gathering *g)
{
	for (size_t i = 0; i < set->n; i++) {
		TRY(cedar_gather_policy(set, v, (uint32_t)i, g));
	}
	return RC_OK;
}

enum rc cedar_eval_begin(struct cedar_eval *v, struct err *e)
{
	const struct cedar_request *request = v->request;

	if (!request->principal || !request->action || !request->resource) {
		FAIL(e, RC_INPUT, "a request needs a principal, an action and a resource");
	}
	v->context = request->context ? *request->context : no_context;
	if (v->context.type != CEDAR_RECORD) {
		FAIL(e, RC_INPUT, "expected a record as context, found %s",
		     cedar_type_name((enum cedar_type)v->context.type));
	}
	v->nodes[CEDAR_PRINCIPAL] = cedar_entities_find(v->entities, request->principal);
	v->nodes[CEDAR_ACTION] = cedar_entities_find(v->entities, request->action);
	v->nodes[CEDAR_RESOURCE] = cedar_entities_find(v->entities, request->resource);
	return RC_OK;
}

static enum rc authorize(const struct cedar_policies *set, struct cedar_eval *v, bool is_linear,
			 struct cedar_response *ret, struct err *e)
{
	struct cedar_gathering g = {0};

	*ret = (struct cedar_response){0};
	TRY(cedar_eval_begin(v, e));
	if ((is_linear ? gather_linear(set, v, &g) : cedar_gather_indexed(set, v, &g)) != RC_OK) {
		return cedar_arena_rc(v->arena, set->n * 2 * sizeof(*g.permits.p), e);
	}
	*ret = (struct cedar_response){
	    .decision = g.permits.n && !g.forbids.n && !g.is_cut_short ? CEDAR_ALLOW : CEDAR_DENY,
	    .determining = g.forbids.n ? g.forbids.p : g.permits.p,
	    .n_determining = g.forbids.n ? g.forbids.n : g.permits.n,
	    .permits = g.permits.p,
	    .n_permits = g.permits.n,
	    .forbids = g.forbids.p,
	    .n_forbids = g.forbids.n,
	    .errors = g.errors,
	    .n_errors = g.n_errors,
	};
	return RC_OK;
}

enum rc cedar_authorize(const struct cedar_policies *set, const struct cedar_entities *entities,
			const struct cedar_request *request, struct arena *arena,
			struct cedar_response *ret, struct err *e)
{
	struct cedar_eval v = {.request = request, .entities = entities, .arena = arena};

	return authorize(set, &v, false, ret, e);
}

enum rc cedar_authorize_linear(const struct cedar_policies *set,
			       const struct cedar_entities *entities,
			       const struct cedar_request *request, struct arena *arena,
			       struct cedar_response *ret, struct err *e)
{
	struct cedar_eval v = {.request = request, .entities = entities, .arena = arena};

	return authorize(set, &v, true, ret, e);
}
