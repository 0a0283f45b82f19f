/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/check_value.c - checking comparisons, arithmetic, sets, records and extension calls.
 *
 * Trust:  as check_expr.c.
 */
#include "cedar/check.h"

/* ---- equality ---- */

/* What is known of `a == b` without evaluating it. */
static const struct cedar_ty *type_of_equal(struct cedar_checker *c, const struct cedar_expr *x,
					    const struct cedar_ty *a, const struct cedar_ty *b)
{
	const struct cedar_uid *left = cedar_check_uid(c, x->args[0]);
	const struct cedar_uid *right = cedar_check_uid(c, x->args[1]);
	bool is_same;

	if (a && b && cedar_ty_is_disjoint(a, b)) {
		return &cedar_ty_false;
	}
	if (left && right) {
		is_same = cedar_uid_equal(left, right);
	} else if ((left || x->args[0]->kind == CEDAR_EXPR_LITERAL) &&
		   (right || x->args[1]->kind == CEDAR_EXPR_LITERAL)) {
		is_same =
		    !left && !right &&
		    cedar_value_cmp(x->args[0]->constant, x->args[1]->constant, &c->tys.steps) == 0;
	} else {
		return &cedar_ty_bool;
	}
	return is_same ? &cedar_ty_true : &cedar_ty_false;
}

/* Strictly, things that are compared are of types that have one above; unless the comparison is
 * known not to matter. */
static enum rc demand_same(struct cedar_checker *c, const struct cedar_expr *x, const char *what,
			   const struct cedar_ty *a, const struct cedar_ty *b,
			   struct cedar_answer *ret)
{
	const struct cedar_ty *both;

	if (!c->is_strict || !a || !b || ret->type->kind != CEDAR_TY_BOOL) {
		return RC_OK;
	}
	TRY(cedar_check_join(c, x, what, a, b, &both));
	ret->is_ok = ret->is_ok && both;
	return RC_OK;
}

enum rc cedar_check_equal(struct cedar_checker *c, const struct cedar_caps *prior,
			  const struct cedar_expr *x, struct cedar_answer *ret)
{
	struct cedar_answer a;
	struct cedar_answer b;

	TRY(cedar_check(c, prior, x->args[0], &a));
	TRY(cedar_check(c, prior, x->args[1], &b));
	ret->is_ok = a.is_ok && b.is_ok;
	ret->type = type_of_equal(c, x, a.type, b.type);
	TRY(demand_same(c, x, x->kind == CEDAR_EXPR_EQ ? "==" : "!=", a.type, b.type, ret));
	if (x->kind == CEDAR_EXPR_NE && ret->type->kind != CEDAR_TY_BOOL) {
		ret->type = ret->type->kind == CEDAR_TY_TRUE ? &cedar_ty_false : &cedar_ty_true;
	}
	return cedar_check_means(c);
}

/* ---- order and numbers ---- */

static bool is_ordered(const struct cedar_ty *t)
{
	return t->kind == CEDAR_TY_LONG ||
	       (t->kind == CEDAR_TY_EXT && (t->ext == CEDAR_DATETIME || t->ext == CEDAR_DURATION));
}

static enum rc find_order(struct cedar_checker *c, const struct cedar_expr *x,
			  const struct cedar_ty *want, const struct cedar_ty *got)
{
	return cedar_find(
	    c->findings, CEDAR_FINDING_TYPE, x->pos, "expected " STR_FMT ", found " STR_FMT,
	    STR_ARG(want ? cedar_check_show(c, want) : STR("Long, datetime or duration")),
	    STR_ARG(cedar_check_show(c, got)));
}

enum rc cedar_check_order(struct cedar_checker *c, const struct cedar_caps *prior,
			  const struct cedar_expr *x, struct cedar_answer *ret)
{
	struct cedar_answer a;
	struct cedar_answer b;
	bool is_same;

	TRY(cedar_check(c, prior, x->args[0], &a));
	TRY(cedar_check(c, prior, x->args[1], &b));
	ret->type = &cedar_ty_bool;
	if (!a.type || !b.type) {
		return RC_OK;
	}
	is_same = cedar_ty_equal(&c->tys, a.type, b.type);
	TRY(cedar_check_means(c));
	if (is_ordered(a.type) && (is_same || b.type->kind == CEDAR_TY_NEVER)) {
		ret->is_ok = a.is_ok && b.is_ok;
		return RC_OK;
	}
	if (is_ordered(b.type) && a.type->kind == CEDAR_TY_NEVER) {
		ret->is_ok = a.is_ok && b.is_ok;
		return RC_OK;
	}
	/* One side says what the other should be; a number says it before other types do. */
	if (a.type->kind == CEDAR_TY_LONG ||
	    (is_ordered(a.type) && b.type->kind != CEDAR_TY_LONG)) {
		return find_order(c, x->args[1], a.type, b.type);
	}
	if (is_ordered(b.type)) {
		return find_order(c, x->args[0], b.type, a.type);
	}
	TRY(find_order(c, x->args[0], NULL, a.type));
	return find_order(c, x->args[1], NULL, b.type);
}

enum rc cedar_check_numbers(struct cedar_checker *c, const struct cedar_caps *prior,
			    const struct cedar_expr *x, struct cedar_answer *ret)
{
	struct cedar_answer a;
	struct cedar_answer b;

	TRY(cedar_check_as(c, prior, x->args[0], &cedar_ty_long, NULL, &a));
	TRY(cedar_check_as(c, prior, x->args[1], &cedar_ty_long, NULL, &b));
	ret->is_ok = a.is_ok && b.is_ok;
	ret->type = &cedar_ty_long;
	return RC_OK;
}

/* ---- sets and records ---- */

enum rc cedar_check_contains(struct cedar_checker *c, const struct cedar_caps *prior,
			     const struct cedar_expr *x, struct cedar_answer *ret)
{
	bool is_one = x->kind == CEDAR_EXPR_CONTAINS;
	const struct cedar_ty *left;
	struct cedar_answer a;
	struct cedar_answer b;

	TRY(cedar_check_as(c, prior, x->args[0], &cedar_ty_any_set, NULL, &a));
	TRY(is_one ? cedar_check(c, prior, x->args[1], &b)
		   : cedar_check_as(c, prior, x->args[1], &cedar_ty_any_set, NULL, &b));
	ret->is_ok = a.is_ok && b.is_ok;
	ret->type = &cedar_ty_bool;
	left = a.type && is_one ? (a.type->kind == CEDAR_TY_SET ? a.type->elem : NULL) : a.type;
	return demand_same(c, x, "contains", left, b.type, ret);
}

static enum rc too_deep(struct cedar_checker *c, const struct cedar_expr *x, bool is_limit)
{
	if (!is_limit) {
		return RC_NOMEM;
	}
	return cedar_find(c->findings, CEDAR_FINDING_TYPE, x->pos,
			  "a set or record is nested deeper than %d", (int)CEDAR_TY_DEPTH_MAX);
}

enum rc cedar_check_set(struct cedar_checker *c, const struct cedar_caps *prior,
			const struct cedar_expr *x, struct cedar_answer *ret)
{
	const struct cedar_ty *elem = &cedar_ty_never;
	bool is_limit = false;

	ret->is_ok = true;
	for (uint32_t i = 0; i < x->n_args; i++) {
		struct cedar_answer a;

		TRY(cedar_check(c, prior, x->args[i], &a));
		ret->is_ok = ret->is_ok && a.is_ok;
		if (!elem || !a.type) {
			elem = NULL;
			continue;
		}
		TRY(cedar_check_join(c, x, "set", elem, a.type, &elem));
	}
	if (c->is_strict && x->n_args == 0) {
		ret->is_ok = false;
		return cedar_find(c->findings, CEDAR_FINDING_EMPTY_SET, x->pos,
				  "expected at least one element, found an empty set, whose type "
				  "cannot be known");
	}
	ret->is_ok = ret->is_ok && elem;
	if (!elem) {
		return RC_OK;
	}
	ret->type = cedar_ty_set(c->arena, elem, &is_limit);
	if (!ret->type) {
		ret->is_ok = false;
		return too_deep(c, x, is_limit);
	}
	return RC_OK;
}

enum rc cedar_check_record(struct cedar_checker *c, const struct cedar_caps *prior,
			   const struct cedar_expr *x, struct cedar_answer *ret)
{
	struct cedar_ty_attr *attrs = arena_alloc_n(c->arena, x->n_args, sizeof(*attrs));
	bool is_typed = true;
	bool is_limit = false;

	if (!attrs) {
		return RC_NOMEM;
	}
	ret->is_ok = true;
	for (uint32_t i = 0; i < x->n_args; i++) {
		struct cedar_answer a;

		TRY(cedar_check(c, prior, x->args[i], &a));
		ret->is_ok = ret->is_ok && a.is_ok;
		is_typed = is_typed && a.type;
		attrs[i].name = x->names[i];
		attrs[i].type = a.type;
		attrs[i].is_required = true;
	}
	ret->is_ok = ret->is_ok && is_typed;
	if (!is_typed) {
		return RC_OK;
	}
	ret->type = cedar_ty_record(c->arena, attrs, x->n_args, &is_limit);
	if (!ret->type) {
		ret->is_ok = false;
		return too_deep(c, x, is_limit);
	}
	return RC_OK;
}

/* ---- extension functions ---- */

/* receiver (or argument), argument, result; NULL = none */
struct signature {
	const struct cedar_ty *args[2];
	const struct cedar_ty *result;
};

static struct signature signature_of(enum cedar_fn fn)
{
	const struct cedar_ty *ip = cedar_ty_ext(CEDAR_IPADDR);
	const struct cedar_ty *decimal = cedar_ty_ext(CEDAR_DECIMAL);
	const struct cedar_ty *datetime = cedar_ty_ext(CEDAR_DATETIME);
	const struct cedar_ty *duration = cedar_ty_ext(CEDAR_DURATION);

	switch (fn) {
	case CEDAR_FN_NONE:
		break;
	case CEDAR_FN_IP:
		return (struct signature){{&cedar_ty_string, NULL}, ip};
	case CEDAR_FN_DECIMAL:
		return (struct signature){{&cedar_ty_string, NULL}, decimal};
	case CEDAR_FN_DATETIME:
		return (struct signature){{&cedar_ty_string, NULL}, datetime};
	case CEDAR_FN_DURATION:
		return (struct signature){{&cedar_ty_string, NULL}, duration};
	case CEDAR_FN_IS_IPV4:
	case CEDAR_FN_IS_IPV6:
	case CEDAR_FN_IS_LOOPBACK:
	case CEDAR_FN_IS_MULTICAST:
		return (struct signature){{ip, NULL}, &cedar_ty_bool};
	case CEDAR_FN_IS_IN_RANGE:
		return (struct signature){{ip, ip}, &cedar_ty_bool};
	case CEDAR_FN_LESS_THAN:
	case CEDAR_FN_LESS_THAN_OR_EQUAL:
	case CEDAR_FN_GREATER_THAN:
	case CEDAR_FN_GREATER_THAN_OR_EQUAL:
		return (struct signature){{decimal, decimal}, &cedar_ty_bool};
	case CEDAR_FN_OFFSET:
		return (struct signature){{datetime, duration}, datetime};
	case CEDAR_FN_DURATION_SINCE:
		return (struct signature){{datetime, datetime}, duration};
	case CEDAR_FN_TO_DATE:
		return (struct signature){{datetime, NULL}, datetime};
	case CEDAR_FN_TO_TIME:
		return (struct signature){{datetime, NULL}, duration};
	case CEDAR_FN_TO_MILLISECONDS:
	case CEDAR_FN_TO_SECONDS:
	case CEDAR_FN_TO_MINUTES:
	case CEDAR_FN_TO_HOURS:
	case CEDAR_FN_TO_DAYS:
		return (struct signature){{duration, NULL}, &cedar_ty_long};
	}
	MUST(false);
}

/* What can be said of a constructor without evaluating it. */
static enum rc check_constructor(struct cedar_checker *c, const struct cedar_expr *x, bool *ret_ok)
{
	const struct cedar_expr *first = x->n_args == 1 ? x->args[0] : NULL;
	struct str name = cedar_fn_name((enum cedar_fn)x->fn);
	struct cedar_error why = {0};
	struct cedar_value v;
	bool is_literal = true;
	enum rc rc = RC_OK;

	if (first && first->kind == CEDAR_EXPR_LITERAL && first->constant->type == CEDAR_STRING) {
		rc = cedar_fn_call(c->arena, (enum cedar_fn)x->fn, first->constant, 1, &v, &why);
	}
	if (rc == RC_INPUT) {
		*ret_ok = false;
		TRY(cedar_find(c->findings, CEDAR_FINDING_ARGUMENT, x->pos, STR_FMT ": " STR_FMT,
			       STR_ARG(name), STR_ARG(why.detail)));
	} else if (rc != RC_OK) {
		return rc;
	}
	for (uint32_t i = 0; i < x->n_args; i++) {
		is_literal = is_literal && x->args[i]->kind == CEDAR_EXPR_LITERAL;
	}
	if (c->is_strict && !is_literal) {
		*ret_ok = false;
		return cedar_find(c->findings, CEDAR_FINDING_NOT_LITERAL, x->pos,
				  STR_FMT ": expected a literal, found another expression",
				  STR_ARG(name));
	}
	return RC_OK;
}

enum rc cedar_check_call(struct cedar_checker *c, const struct cedar_caps *prior,
			 const struct cedar_expr *x, struct cedar_answer *ret)
{
	enum cedar_fn fn = (enum cedar_fn)x->fn;
	struct signature s = signature_of(fn);
	uint32_t arity = s.args[1] ? 2 : 1;
	bool is_right = x->n_args == arity;
	struct cedar_answer a;

	if (!is_right) {
		TRY(cedar_find(c->findings, CEDAR_FINDING_ARITY, x->pos,
			       STR_FMT ": expected %u argument%s, found %u",
			       STR_ARG(cedar_fn_name(fn)), arity, arity == 1 ? "" : "s",
			       x->n_args));
	}
	if (cedar_fn_is_constructor(fn)) {
		TRY(check_constructor(c, x, &is_right));
	}
	ret->is_ok = is_right;
	ret->type = s.result;
	for (uint32_t i = 0; i < x->n_args; i++) {
		TRY(is_right ? cedar_check_as(c, prior, x->args[i], s.args[i], NULL, &a)
			     : cedar_check(c, prior, x->args[i], &a));
		ret->is_ok = ret->is_ok && a.is_ok;
	}
	return RC_OK;
}
