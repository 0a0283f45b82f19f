/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/partial.c - what policies say while parts of the request are not known.
 *
 * Each condition is evaluated as far as it goes. What is left is a smaller expression of the
 * unknown parts, with a note of what it can still come to: whether it can be true, and whether
 * false.
 *
 * Holds:  (1) a policy called NEVER is satisfied by no request that agrees with what is known, and
 *             one called ALWAYS by every one; MAYBE promises nothing.
 *         (2) failing counts as not satisfied, as in cedar_authorize().
 *         (3) entities are known whole: one that is not in the store does not exist.
 *         (4) recursion follows the tree of the expression, whose depth the parser bounds.
 */
#include "cedar/authorize.h"
#include "cedar/ext.h"

enum part_kind { PART_VALUE = 0, PART_FAILS, PART_REST };

/* What an expression has come to. */
struct part {
	enum part_kind kind;
	struct cedar_value v;	    /* VALUE */
	const struct cedar_expr *x; /* REST: what is left; FAILS: what failed */
	bool can_be_true;	    /* REST */
	bool can_be_false;
};

struct partial {
	const struct cedar_partial_request *request;
	struct cedar_request known; /* NULL where unknown */
	struct cedar_eval eval;
	struct arena *arena;
};

static enum rc partial_expr(struct partial *p, const struct cedar_expr *x, struct part *ret);

/* ---- parts ---- */

static struct part value(struct cedar_value v)
{
	return (struct part){.kind = PART_VALUE, .v = v};
}

static struct part fails(const struct cedar_expr *x)
{
	return (struct part){.kind = PART_FAILS, .x = x};
}

static struct part rest(const struct cedar_expr *x)
{
	return (struct part){.kind = PART_REST, .x = x, .can_be_true = true, .can_be_false = true};
}

static bool is_bool(const struct part *part, bool b)
{
	return part->kind == PART_VALUE && part->v.type == CEDAR_BOOL && part->v.b == b;
}

/* Does it fail where a bool is needed? */
static bool is_no_bool(const struct part *part)
{
	return part->kind == PART_FAILS || (part->kind == PART_VALUE && part->v.type != CEDAR_BOOL);
}

/* A node like x with other arguments. */
static enum rc with_args(struct partial *p, const struct cedar_expr *x,
			 const struct cedar_expr *const *args, uint32_t n,
			 const struct cedar_expr **ret)
{
	struct cedar_expr *copy = arena_alloc(p->arena, sizeof(*copy));

	if (!copy) {
		return RC_NOMEM;
	}
	*copy = *x;
	copy->constant = NULL;
	copy->args = args;
	copy->n_args = n;
	*ret = copy;
	return RC_OK;
}

/* A part as an expression again. */
static enum rc expr_of(struct partial *p, const struct part *part, const struct cedar_expr *from,
		       const struct cedar_expr **ret)
{
	struct cedar_expr *literal;

	if (part->kind != PART_VALUE) {
		*ret = part->x;
		return RC_OK;
	}
	literal = arena_alloc(p->arena, sizeof(*literal));
	if (!literal) {
		return RC_NOMEM;
	}
	*literal = (struct cedar_expr){.kind = CEDAR_EXPR_LITERAL, .depth = 1, .pos = from->pos};
	*ret = literal;
	return cedar_value_box(p->arena, part->v, &literal->constant, NULL);
}

/* All of x is known: what it is worth. */
static enum rc evaluate(struct partial *p, const struct cedar_expr *x, struct part *ret)
{
	struct cedar_value v;
	enum rc rc = cedar_eval(&p->eval, x, &v);

	if (rc == RC_NOMEM) {
		return rc;
	}
	*ret = rc == RC_OK ? value(v) : fails(x);
	return RC_OK;
}

/* ---- variables and the context ---- */

static const struct cedar_uid *uid_of(const struct partial *p, unsigned variable)
{
	return variable == CEDAR_PRINCIPAL ? p->known.principal
	       : variable == CEDAR_ACTION  ? p->known.action
					   : p->known.resource;
}

/* The type of an unknown principal or resource; empty when that is unknown, too. */
static struct str type_of(const struct partial *p, unsigned variable)
{
	return variable == CEDAR_PRINCIPAL  ? p->request->principal_type
	       : variable == CEDAR_RESOURCE ? p->request->resource_type
					    : STR_NULL;
}

static enum rc partial_variable(struct partial *p, const struct cedar_expr *x, struct part *ret)
{
	bool is_known = x->variable == CEDAR_CONTEXT ? p->request->context_is_whole
						     : uid_of(p, x->variable) != NULL;

	if (!is_known) {
		*ret = rest(x);
		return RC_OK;
	}
	return evaluate(p, x, ret);
}

static bool is_open_context(const struct partial *p, const struct cedar_expr *x)
{
	return x->kind == CEDAR_EXPR_VARIABLE && x->variable == CEDAR_CONTEXT &&
	       !p->request->context_is_whole;
}

/* context.name or context has name..., of a context that is known in part. False: not there. */
static bool known_field(const struct partial *p, struct str name, struct part *ret)
{
	const struct cedar_value *v =
	    p->request->context ? cedar_value_get(p->request->context, name) : NULL;

	if (v) {
		*ret = value(*v);
	}
	return v != NULL;
}

static enum rc partial_has_of_context(struct partial *p, const struct cedar_expr *x,
				      struct part *ret)
{
	const struct cedar_expr *args[1];
	const struct cedar_expr *inner;
	struct cedar_expr *shorter;
	struct part field;

	if (!known_field(p, x->names[0], &field)) {
		*ret = rest(x);
		return RC_OK;
	}
	if (x->n_names == 1) {
		*ret = value(cedar_make_bool(true));
		return RC_OK;
	}
	TRY(expr_of(p, &field, x, &args[0]));
	TRY(with_args(p, x, args, 1, &inner));
	shorter = arena_alloc(p->arena, sizeof(*shorter));
	if (!shorter) {
		return RC_NOMEM;
	}
	*shorter = *inner;
	shorter->names = x->names + 1;
	shorter->n_names = x->n_names - 1;
	return evaluate(p, shorter, ret);
}

/* ---- logic ---- */

/* && and ||: `until` settles it. What comes before an unknown operand counts for sure; what comes
 * behind one counts only if evaluation gets there. */
static enum rc partial_chain(struct partial *p, const struct cedar_expr *x, bool until,
			     struct part *ret)
{
	const struct cedar_expr **left = arena_alloc_n(p->arena, x->n_args, sizeof(*left));
	bool can_settle = false;
	bool can_pass = true;
	uint32_t n = 0;
	struct part one = value(cedar_make_bool(!until));

	if (!left) {
		return RC_NOMEM;
	}
	for (uint32_t i = 0; i < x->n_args; i++) {
		TRY(partial_expr(p, x->args[i], &one));
		if (one.kind == PART_VALUE && is_bool(&one, !until)) {
			continue; /* true && x is x */
		}
		if (n == 0 && (is_bool(&one, until) || is_no_bool(&one))) {
			*ret = is_bool(&one, until) ? one : fails(x->args[i]);
			return RC_OK;
		}
		TRY(expr_of(p, &one, x->args[i], &left[n++]));
		if (one.kind != PART_REST) { /* certain to end here, if it comes so far */
			can_settle |= is_bool(&one, until);
			can_pass = false;
			break;
		}
		can_settle |= until ? one.can_be_true : one.can_be_false;
		can_pass &= until ? one.can_be_false : one.can_be_true;
	}
	if (n == 0) {
		*ret = value(cedar_make_bool(!until));
		return RC_OK;
	}
	*ret = rest(left[0]);
	if (n > 1) {
		TRY(with_args(p, x, left, n, &ret->x));
	}
	ret->can_be_true = until ? can_settle : can_pass;
	ret->can_be_false = until ? can_pass : can_settle;
	return RC_OK;
}

static enum rc partial_not(struct partial *p, const struct cedar_expr *x, struct part *ret)
{
	const struct cedar_expr **args = arena_alloc_n(p->arena, 1, sizeof(*args));
	struct part one;

	TRY(partial_expr(p, x->args[0], &one));
	if (one.kind != PART_REST) {
		*ret = is_no_bool(&one) ? fails(x) : value(cedar_make_bool(!one.v.b));
		return RC_OK;
	}
	if (!args) {
		return RC_NOMEM;
	}
	args[0] = one.x;
	*ret = (struct part){
	    .kind = PART_REST, .can_be_true = one.can_be_false, .can_be_false = one.can_be_true};
	return with_args(p, x, args, 1, &ret->x);
}

static bool may_be(const struct part *part, bool b)
{
	return part->kind == PART_REST ? (b ? part->can_be_true : part->can_be_false)
				       : is_bool(part, b);
}

static enum rc partial_if(struct partial *p, const struct cedar_expr *x, struct part *ret)
{
	const struct cedar_expr **args = arena_alloc_n(p->arena, 3, sizeof(*args));
	struct part one[3];

	TRY(partial_expr(p, x->args[0], &one[0]));
	if (is_no_bool(&one[0])) {
		*ret = fails(x);
		return RC_OK;
	}
	if (one[0].kind == PART_VALUE) {
		return partial_expr(p, x->args[one[0].v.b ? 1 : 2], ret);
	}
	TRY(partial_expr(p, x->args[1], &one[1]));
	TRY(partial_expr(p, x->args[2], &one[2]));
	if (!args) {
		return RC_NOMEM;
	}
	for (int i = 0; i < 3; i++) {
		TRY(expr_of(p, &one[i], x->args[i], &args[i]));
	}
	*ret = (struct part){
	    .kind = PART_REST,
	    .can_be_true = (one[0].can_be_true && may_be(&one[1], true)) ||
			   (one[0].can_be_false && may_be(&one[2], true)),
	    .can_be_false = (one[0].can_be_true && may_be(&one[1], false)) ||
			    (one[0].can_be_false && may_be(&one[2], false)),
	};
	return with_args(p, x, args, 3, &ret->x);
}

/* ---- what the type of an unknown entity tells ---- */

static bool is_unknown_entity(const struct partial *p, const struct cedar_expr *x)
{
	return x->kind == CEDAR_EXPR_VARIABLE && x->variable != CEDAR_CONTEXT &&
	       !uid_of(p, x->variable);
}

/* True when the type alone decides. */
static bool decided_by_type(const struct partial *p, const struct cedar_expr *x,
			    const struct part *args, struct part *ret)
{
	bool is_equality = x->kind == CEDAR_EXPR_EQ || x->kind == CEDAR_EXPR_NE;
	const struct part *other = NULL;
	struct str type = STR_NULL;

	if (x->kind == CEDAR_EXPR_IS && args[0].kind == PART_REST &&
	    is_unknown_entity(p, args[0].x)) {
		type = type_of(p, args[0].x->variable);
		if (type.n && (x->n_args == 1 || !str_eq(type, x->names[0]))) {
			*ret = value(cedar_make_bool(str_eq(type, x->names[0])));
			return true;
		}
	}
	for (unsigned i = 0; is_equality && i < 2; i++) {
		if (args[i].kind == PART_REST && is_unknown_entity(p, args[i].x)) {
			type = type_of(p, args[i].x->variable);
			other = &args[1 - i];
		}
	}
	if (other && other->kind == PART_VALUE &&
	    (other->v.type != CEDAR_ENTITY ||
	     (type.n && !str_eq(cedar_uid_type(other->v.uid), type)))) {
		*ret = value(cedar_make_bool(x->kind == CEDAR_EXPR_NE));
		return true;
	}
	return false;
}

/* ---- everything else: all operands first ---- */

static enum rc partial_operands(struct partial *p, const struct cedar_expr *x, struct part *ret)
{
	const struct cedar_expr **args = arena_alloc_n(p->arena, x->n_args, sizeof(*args));
	struct part *parts = arena_alloc_n(p->arena, x->n_args, sizeof(*parts));
	const struct cedar_expr *again;
	bool is_known = true;

	if (!args || !parts) {
		return RC_NOMEM;
	}
	for (uint32_t i = 0; i < x->n_args; i++) {
		TRY(partial_expr(p, x->args[i], &parts[i]));
		if (parts[i].kind == PART_FAILS) {
			*ret = parts[i];
			return RC_OK;
		}
		is_known &= parts[i].kind == PART_VALUE;
		TRY(expr_of(p, &parts[i], x->args[i], &args[i]));
	}
	if (!is_known && decided_by_type(p, x, parts, ret)) {
		return RC_OK;
	}
	TRY(with_args(p, x, args, x->n_args, &again));
	if (is_known) {
		return evaluate(p, again, ret);
	}
	*ret = rest(again);
	return RC_OK;
}

static enum rc partial_expr(struct partial *p, const struct cedar_expr *x, struct part *ret)
{
	if (x->constant) {
		*ret = value(*x->constant);
		return RC_OK;
	}
	if (!cedar_step(&p->eval.steps, 1)) {
		*ret = rest(x); /* a bound of ours: nothing is promised */
		return RC_OK;
	}
	if (x->kind == CEDAR_EXPR_VARIABLE) {
		return partial_variable(p, x, ret);
	}
	if (x->kind == CEDAR_EXPR_AND || x->kind == CEDAR_EXPR_OR) {
		return partial_chain(p, x, x->kind == CEDAR_EXPR_OR, ret);
	}
	if (x->kind == CEDAR_EXPR_NOT) {
		return partial_not(p, x, ret);
	}
	if (x->kind == CEDAR_EXPR_IF) {
		return partial_if(p, x, ret);
	}
	if (x->kind == CEDAR_EXPR_ATTR && is_open_context(p, x->args[0])) {
		*ret = rest(x);
		(void)known_field(p, x->names[0], ret); /* or it stays the rest */
		return RC_OK;
	}
	if (x->kind == CEDAR_EXPR_HAS && is_open_context(p, x->args[0])) {
		return partial_has_of_context(p, x, ret);
	}
	return partial_operands(p, x, ret);
}

/* ---- policies ---- */

/* Is the entity one of the scope's, or below one? */
static bool is_among(const struct partial *p, const struct cedar_scope *s,
		     const struct cedar_uid *uid, bool below)
{
	for (size_t i = 0; i < s->n_uids; i++) {
		if (below ? cedar_entities_in(p->eval.entities, uid, s->uids[i])
			  : cedar_uid_equal(uid, s->uids[i])) {
			return true;
		}
	}
	return false;
}

static enum cedar_prospect prospect_of(bool holds)
{
	return holds ? CEDAR_ALWAYS : CEDAR_NEVER;
}

/* What the head says of one variable. */
static enum cedar_prospect scope_prospect(const struct partial *p, const struct cedar_scope *s,
					  unsigned variable)
{
	const struct cedar_uid *uid = uid_of(p, variable);
	struct str type = uid ? cedar_uid_type(uid) : type_of(p, variable);
	enum cedar_prospect within = uid ? CEDAR_NEVER : CEDAR_MAYBE;

	switch (s->op) {
	case CEDAR_SCOPE_ANY:
		return CEDAR_ALWAYS;
	case CEDAR_SCOPE_EQ:
		if (!uid && type.n && !str_eq(type, cedar_uid_type(s->uids[0]))) {
			return CEDAR_NEVER;
		}
		return uid ? prospect_of(is_among(p, s, uid, false)) : CEDAR_MAYBE;
	case CEDAR_SCOPE_IN:
	case CEDAR_SCOPE_IN_LIST:
		if (s->n_uids == 0) {
			return CEDAR_NEVER;
		}
		return uid && is_among(p, s, uid, true) ? CEDAR_ALWAYS : within;
	case CEDAR_SCOPE_IS:
		return type.n ? prospect_of(str_eq(type, s->type)) : CEDAR_MAYBE;
	case CEDAR_SCOPE_IS_IN:
		if (type.n && !str_eq(type, s->type)) {
			return CEDAR_NEVER;
		}
		return uid && is_among(p, s, uid, true) ? CEDAR_ALWAYS : within;
	}
	return CEDAR_MAYBE;
}

/* What is left of the conditions; NEVER when one of them cannot hold. */
static enum rc conditions_prospect(struct partial *p, const struct cedar_policy *policy,
				   struct cedar_residual *ret)
{
	struct cedar_condition *left = arena_alloc_n(p->arena, policy->n_conditions, sizeof(*left));

	if (!left) {
		return RC_NOMEM;
	}
	ret->conditions = left;
	for (size_t i = 0; i < policy->n_conditions; i++) {
		const struct cedar_condition *c = &policy->conditions[i];
		struct part part;

		TRY(partial_expr(p, c->body, &part));
		if (is_no_bool(&part) || !may_be(&part, !c->is_unless)) {
			ret->prospect = CEDAR_NEVER;
			return RC_OK;
		}
		if (part.kind == PART_REST) {
			left[ret->n_conditions] = *c;
			left[ret->n_conditions++].body = part.x;
			ret->prospect = CEDAR_MAYBE;
		}
	}
	return RC_OK;
}

static enum rc policy_prospect(struct partial *p, const struct cedar_policy *policy,
			       struct cedar_residual *ret)
{
	*ret = (struct cedar_residual){.policy = policy, .prospect = CEDAR_ALWAYS};
	p->eval.steps.left = CEDAR_LIMIT_STEPS;
	for (unsigned v = CEDAR_PRINCIPAL; v <= CEDAR_RESOURCE; v++) {
		enum cedar_prospect one = scope_prospect(p, &policy->scope[v], v);

		if (one == CEDAR_NEVER) {
			ret->prospect = CEDAR_NEVER;
			return RC_OK;
		}
		ret->prospect = one == CEDAR_MAYBE ? CEDAR_MAYBE : ret->prospect;
	}
	return conditions_prospect(p, policy, ret);
}

/* Deny when no permit can hold or a forbid does; allow when a permit does and no forbid can. */
static enum cedar_partial_decision sum_up(const struct cedar_partial_response *r)
{
	enum cedar_prospect permit = CEDAR_NEVER;
	enum cedar_prospect forbid = CEDAR_NEVER;

	for (size_t i = 0; i < r->n; i++) {
		enum cedar_prospect *best =
		    r->residuals[i].policy->effect == CEDAR_PERMIT ? &permit : &forbid;

		*best = r->residuals[i].prospect > *best ? r->residuals[i].prospect : *best;
	}
	if (permit == CEDAR_NEVER || forbid == CEDAR_ALWAYS) {
		return CEDAR_PARTIAL_DENY;
	}
	return permit == CEDAR_ALWAYS && forbid == CEDAR_NEVER ? CEDAR_PARTIAL_ALLOW
							       : CEDAR_PARTIAL_UNKNOWN;
}

enum rc cedar_authorize_partial(const struct cedar_policies *set,
				const struct cedar_entities *entities,
				const struct cedar_partial_request *request, struct arena *arena,
				struct cedar_partial_response *ret, struct err *e)
{
	struct partial p = {.request = request, .arena = arena};
	struct cedar_residual *all = arena_alloc_n(arena, set->n, sizeof(*all));

	*ret = (struct cedar_partial_response){0};
	if (!all) {
		return cedar_arena_rc(arena, set->n * sizeof(*all), e);
	}
	p.known = (struct cedar_request){.principal = request->principal,
					 .action = request->action,
					 .resource = request->resource,
					 .context = request->context};
	p.eval = (struct cedar_eval){.request = &p.known, .entities = entities, .arena = arena};
	if (request->context) {
		p.eval.context = *request->context;
	} else {
		struct str twice;

		TRY(cedar_make_record(NULL, 0, &p.eval.context, &twice));
	}
	for (unsigned v = CEDAR_PRINCIPAL; v <= CEDAR_RESOURCE; v++) {
		const struct cedar_uid *uid = uid_of(&p, v);

		p.eval.nodes[v] = uid ? cedar_entities_find(entities, uid) : NULL;
	}
	for (size_t i = 0; i < set->n; i++) {
		if (policy_prospect(&p, set->list[i], &all[i]) != RC_OK) {
			return cedar_arena_rc(arena, 1, e);
		}
	}
	ret->residuals = all;
	ret->n = set->n;
	ret->decision = sum_up(ret);
	return RC_OK;
}
