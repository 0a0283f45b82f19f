/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/authorize.c - every policy for one request.
 *
 * Trust:  the request is hostile; policies were accepted by the parser.
 * Holds:  (1) allow needs a satisfied permit, no satisfied forbid and no policy cut short by a
 *             bound of ours.
 *         (2) every policy is evaluated, whatever the others said.
 */
#include "cedar/eval.h"
#include "cedar/policies.h"

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

/* RC_INPUT: the policy failed, v->error says why. */
static enum rc evaluate(struct cedar_eval *v, const struct cedar_policy *p, bool *ret)
{
	const struct cedar_request *r = v->request;

	*ret = false;
	if (!scope_holds(&p->scope[CEDAR_ACTION], r->action, v->nodes[CEDAR_ACTION]) ||
	    !scope_holds(&p->scope[CEDAR_PRINCIPAL], r->principal, v->nodes[CEDAR_PRINCIPAL]) ||
	    !scope_holds(&p->scope[CEDAR_RESOURCE], r->resource, v->nodes[CEDAR_RESOURCE])) {
		return RC_OK;
	}
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

/* The lists of a response while they grow; each has room for every policy. */
struct gathering {
	uint32_t *permits;
	uint32_t *forbids;
	size_t n_permits;
	size_t n_forbids;
	struct cedar_policy_error *errors;
	size_t n_errors;
	size_t cap_errors;
	bool is_cut_short;
};

/* Errors are rare: their list starts small. */
static enum rc add_error(struct gathering *g, struct arena *arena, uint32_t policy,
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

static enum rc gather(const struct cedar_policies *set, struct cedar_eval *v, struct gathering *g)
{
	g->permits = arena_alloc_n(v->arena, set->n, 2 * sizeof(*g->permits));
	if (!g->permits) {
		return RC_NOMEM;
	}
	g->forbids = g->permits + set->n;
	for (size_t i = 0; i < set->n; i++) {
		const struct cedar_policy *p = set->list[i];
		bool is_satisfied = false;
		enum rc rc = evaluate(v, p, &is_satisfied);

		if (rc == RC_INPUT) {
			v->error.source = p->source;
			rc = add_error(g, v->arena, (uint32_t)i, &v->error);
		}
		TRY(rc);
		if (is_satisfied && p->effect == CEDAR_PERMIT) {
			g->permits[g->n_permits++] = (uint32_t)i;
		} else if (is_satisfied) {
			g->forbids[g->n_forbids++] = (uint32_t)i;
		}
	}
	return RC_OK;
}

enum rc cedar_authorize(const struct cedar_policies *set, const struct cedar_entities *entities,
			const struct cedar_request *request, struct arena *arena,
			struct cedar_response *ret, struct err *e)
{
	struct cedar_eval v = {.request = request, .entities = entities, .arena = arena};
	struct gathering g = {0};

	*ret = (struct cedar_response){0};
	if (!request->principal || !request->action || !request->resource) {
		FAIL(e, RC_INPUT, "a request needs a principal, an action and a resource");
	}
	v.context = request->context ? *request->context : no_context;
	if (v.context.type != CEDAR_RECORD) {
		FAIL(e, RC_INPUT, "expected a record as context, found %s",
		     cedar_type_name((enum cedar_type)v.context.type));
	}
	v.nodes[CEDAR_PRINCIPAL] = cedar_entities_find(entities, request->principal);
	v.nodes[CEDAR_ACTION] = cedar_entities_find(entities, request->action);
	v.nodes[CEDAR_RESOURCE] = cedar_entities_find(entities, request->resource);
	if (gather(set, &v, &g) != RC_OK) {
		return cedar_arena_rc(arena, set->n * 2 * sizeof(*g.permits), e);
	}
	*ret = (struct cedar_response){
	    .decision = g.n_permits && !g.n_forbids && !g.is_cut_short ? CEDAR_ALLOW : CEDAR_DENY,
	    .determining = g.n_forbids ? g.forbids : g.permits,
	    .n_determining = g.n_forbids ? g.n_forbids : g.n_permits,
	    .permits = g.permits,
	    .n_permits = g.n_permits,
	    .forbids = g.forbids,
	    .n_forbids = g.n_forbids,
	    .errors = g.errors,
	    .n_errors = g.n_errors,
	};
	return RC_OK;
}
