/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/check_expr.c - checking expressions: variables, literals, logic, conditionals.
 *
 * Trust:  policies were accepted by the parser, the schema was resolved.
 * Holds:  (1) every node costs a step.
 *         (2) an expression that is refused has no capabilities; its type, when one can be said,
 *             lets the rest be checked.
 *         (3) the right side of && and ||, and a branch of if, is looked at exactly when it may be
 *             evaluated.
 */
#include "cedar/check.h"

enum { SHOWN_BYTES = 200 };

/* ---- helpers ---- */

struct str cedar_check_show(struct cedar_checker *c, const struct cedar_ty *t)
{
	AUTO_BUF b = BUF_INIT(SHOWN_BYTES);
	struct str s;

	if (cedar_ty_print(&b, t) != RC_OK) {
		return t->kind == CEDAR_TY_RECORD ? STR("a record") : STR("a set");
	}
	s = arena_str(c->arena, buf_view(&b));
	return s.p ? s : STR("another type");
}

enum rc cedar_check_means(const struct cedar_checker *c)
{
	if (c->tys.is_out) {
		return RC_NOMEM;
	}
	return c->tys.steps.left < 0 ? RC_LIMIT : RC_OK;
}

const struct cedar_uid *cedar_check_uid(const struct cedar_checker *c, const struct cedar_expr *x)
{
	if (x->kind == CEDAR_EXPR_VARIABLE && x->variable == CEDAR_ACTION) {
		return c->action->uid;
	}
	if (x->kind == CEDAR_EXPR_LITERAL && x->constant->type == CEDAR_ENTITY) {
		return x->constant->uid;
	}
	return NULL;
}

static const char *hint_for(const struct cedar_ty *want, const struct cedar_ty *got)
{
	if (got->kind == CEDAR_TY_SET && want->kind != CEDAR_TY_SET) {
		return "; elements of a set are asked for with contains";
	}
	if (got->kind == CEDAR_TY_STRING && want->kind == CEDAR_TY_LONG) {
		return "; strings cannot be added";
	}
	return "";
}

enum rc cedar_check_as(struct cedar_checker *c, const struct cedar_caps *prior,
		       const struct cedar_expr *x, const struct cedar_ty *want,
		       const struct cedar_ty *want2, struct cedar_answer *ret)
{
	bool was_strict = c->tys.is_strict;
	bool is_right;

	TRY(cedar_check(c, prior, x, ret));
	if (!ret->type) {
		ret->is_ok = false;
		ret->caps = NULL;
		return RC_OK;
	}
	/* Any record will do where one is wanted, also strictly. */
	c->tys.is_strict = false;
	is_right = cedar_ty_is_sub(&c->tys, ret->type, want) ||
		   (want2 && cedar_ty_is_sub(&c->tys, ret->type, want2));
	c->tys.is_strict = was_strict;
	TRY(cedar_check_means(c));
	if (is_right) {
		return RC_OK;
	}
	TRY(cedar_find(c->findings, CEDAR_FINDING_TYPE, x->pos,
		       "expected " STR_FMT "%s" STR_FMT ", found " STR_FMT "%s",
		       STR_ARG(cedar_check_show(c, want)), want2 ? " or " : "",
		       STR_ARG(want2 ? cedar_check_show(c, want2) : STR("")),
		       STR_ARG(cedar_check_show(c, ret->type)), hint_for(want, ret->type)));
	*ret = (struct cedar_answer){0};
	return RC_OK;
}

enum rc cedar_check_join(struct cedar_checker *c, const struct cedar_expr *x, const char *what,
			 const struct cedar_ty *a, const struct cedar_ty *b,
			 const struct cedar_ty **ret)
{
	*ret = cedar_ty_join(&c->tys, a, b);
	TRY(cedar_check_means(c));
	if (*ret) {
		return RC_OK;
	}
	return cedar_find(c->findings, CEDAR_FINDING_INCOMPATIBLE, x->pos,
			  "%s: expected the same type on both sides, found " STR_FMT
			  " and " STR_FMT,
			  what, STR_ARG(cedar_check_show(c, a)), STR_ARG(cedar_check_show(c, b)));
}

/* ---- leaves ---- */

static enum rc check_variable(struct cedar_checker *c, const struct cedar_expr *x,
			      struct cedar_answer *ret)
{
	ret->is_ok = true;
	switch ((enum cedar_variable)x->variable) {
	case CEDAR_PRINCIPAL:
		ret->type = c->principal->self;
		break;
	case CEDAR_ACTION:
		ret->type = c->action->type->self;
		break;
	case CEDAR_RESOURCE:
		ret->type = c->resource->self;
		break;
	case CEDAR_CONTEXT:
		ret->type = c->action->context;
		break;
	}
	return RC_OK;
}

/* Unknown types and actions are found by a walk over the whole policy; here they only have no
 * type. */
static enum rc check_literal(struct cedar_checker *c, const struct cedar_expr *x,
			     struct cedar_answer *ret)
{
	const struct cedar_value *v = x->constant;
	const struct cedar_etype *t;

	ret->is_ok = true;
	if (v->type == CEDAR_BOOL) {
		ret->type = v->b ? &cedar_ty_true : &cedar_ty_false;
	} else if (v->type == CEDAR_LONG) {
		ret->type = &cedar_ty_long;
	} else if (v->type == CEDAR_STRING) {
		ret->type = &cedar_ty_string;
	} else {
		t = cedar_schema_type(c->schema, v->uid->type);
		ret->is_ok = t && (!t->is_action || cedar_schema_action(c->schema, v->uid));
		ret->type = ret->is_ok ? t->self : NULL;
	}
	return RC_OK;
}

/* ---- logic ---- */

enum rc cedar_check_both(struct cedar_checker *c, const struct cedar_answer *left,
			 const struct cedar_answer *right, struct cedar_answer *ret)
{
	const struct cedar_answer a = *left;
	const struct cedar_answer b = *right;

	*ret = (struct cedar_answer){.is_ok = a.is_ok && b.is_ok, .type = &cedar_ty_bool};
	if (!a.type || !b.type) {
		ret->is_ok = false;
	} else if (b.type->kind == CEDAR_TY_FALSE) {
		ret->type = b.type;
		return RC_OK;
	} else if (b.type->kind == CEDAR_TY_TRUE) {
		ret->type = a.type;
	} else if (a.type->kind == CEDAR_TY_TRUE) {
		ret->type = b.type;
	}
	ret->caps = ret->is_ok ? cedar_caps_both(c, a.caps, b.caps) : NULL;
	return cedar_check_means(c);
}

enum rc cedar_check_and(struct cedar_checker *c, const struct cedar_caps *prior,
			const struct cedar_answer *left, const struct cedar_expr *right,
			struct cedar_answer *ret)
{
	const struct cedar_answer a = *left;
	struct cedar_answer b;

	if (a.type && a.type->kind == CEDAR_TY_FALSE) {
		*ret = (struct cedar_answer){.is_ok = a.is_ok, .type = a.type};
		return RC_OK;
	}
	TRY(cedar_check_as(c, cedar_caps_both(c, prior, a.caps), right, &cedar_ty_bool, NULL, &b));
	return cedar_check_both(c, &a, &b, ret);
}

static enum rc check_or(struct cedar_checker *c, const struct cedar_caps *prior,
			const struct cedar_answer *left, const struct cedar_expr *right,
			struct cedar_answer *ret)
{
	const struct cedar_answer a = *left;
	struct cedar_answer b;

	if (a.type && a.type->kind == CEDAR_TY_TRUE) {
		*ret = a;
		return RC_OK;
	}
	TRY(cedar_check_as(c, prior, right, &cedar_ty_bool, NULL, &b));
	*ret = (struct cedar_answer){.is_ok = a.is_ok && b.is_ok, .type = &cedar_ty_bool};
	if (!a.type || !b.type) {
		ret->is_ok = false;
		return RC_OK;
	}
	if (b.type->kind == CEDAR_TY_TRUE) {
		ret->type = b.type;
		ret->caps = b.caps;
	} else if (b.type->kind == CEDAR_TY_FALSE) {
		ret->type = a.type;
		ret->caps = a.caps;
	} else if (a.type->kind == CEDAR_TY_FALSE) {
		ret->type = b.type;
		ret->caps = b.caps;
	} else {
		ret->caps = cedar_caps_common(c, a.caps, b.caps);
	}
	ret->caps = ret->is_ok ? ret->caps : NULL;
	return cedar_check_means(c);
}

/* Chains of && and || group to the left. */
static enum rc check_chain(struct cedar_checker *c, const struct cedar_caps *prior,
			   const struct cedar_expr *x, struct cedar_answer *ret)
{
	TRY(cedar_check_as(c, prior, x->args[0], &cedar_ty_bool, NULL, ret));
	for (uint32_t i = 1; i < x->n_args; i++) {
		TRY(x->kind == CEDAR_EXPR_AND ? cedar_check_and(c, prior, ret, x->args[i], ret)
					      : check_or(c, prior, ret, x->args[i], ret));
	}
	return RC_OK;
}

static enum rc check_not(struct cedar_checker *c, const struct cedar_caps *prior,
			 const struct cedar_expr *x, struct cedar_answer *ret)
{
	struct cedar_answer a;

	TRY(cedar_check_as(c, prior, x->args[0], &cedar_ty_bool, NULL, &a));
	ret->is_ok = a.is_ok;
	ret->type = &cedar_ty_bool;
	if (a.type && a.type->kind != CEDAR_TY_BOOL) {
		ret->type = a.type->kind == CEDAR_TY_TRUE ? &cedar_ty_false : &cedar_ty_true;
	}
	return RC_OK;
}

static enum rc check_branches(struct cedar_checker *c, const struct cedar_caps *prior,
			      const struct cedar_answer *test, const struct cedar_expr *x,
			      struct cedar_answer *ret)
{
	const struct cedar_caps *in_then = cedar_caps_both(c, prior, test->caps);
	struct cedar_answer a;
	struct cedar_answer b;

	TRY(cedar_check(c, in_then, x->args[1], &a));
	a.caps = a.is_ok ? cedar_caps_both(c, a.caps, test->caps) : NULL;
	TRY(cedar_check(c, prior, x->args[2], &b));
	ret->is_ok = test->is_ok && a.is_ok && b.is_ok;
	ret->type = NULL;
	if (a.type && b.type) {
		TRY(cedar_check_join(c, x, "if", a.type, b.type, &ret->type));
	}
	ret->is_ok = ret->is_ok && ret->type;
	ret->caps = ret->is_ok ? cedar_caps_common(c, b.caps, a.caps) : NULL;
	return cedar_check_means(c);
}

static enum rc check_if(struct cedar_checker *c, const struct cedar_caps *prior,
			const struct cedar_expr *x, struct cedar_answer *ret)
{
	struct cedar_answer test;

	TRY(cedar_check_as(c, prior, x->args[0], &cedar_ty_bool, NULL, &test));
	if (test.type && test.type->kind == CEDAR_TY_TRUE) {
		TRY(cedar_check(c, cedar_caps_both(c, prior, test.caps), x->args[1], ret));
		ret->caps = cedar_caps_both(c, ret->caps, test.caps);
	} else if (test.type && test.type->kind == CEDAR_TY_FALSE) {
		TRY(cedar_check(c, prior, x->args[2], ret));
	} else {
		return check_branches(c, prior, &test, x, ret);
	}
	ret->is_ok = ret->is_ok && test.is_ok;
	ret->caps = ret->is_ok ? ret->caps : NULL;
	return cedar_check_means(c);
}

/* One operand of a given type, and a result that is always the same. */
static enum rc check_unary(struct cedar_checker *c, const struct cedar_caps *prior,
			   const struct cedar_expr *x, const struct cedar_ty *want,
			   const struct cedar_ty *type, struct cedar_answer *ret)
{
	TRY(cedar_check_as(c, prior, x->args[0], want, NULL, ret));
	ret->type = type;
	ret->caps = NULL;
	return RC_OK;
}

/* ---- the whole ---- */

static enum rc dispatch(struct cedar_checker *c, const struct cedar_caps *prior,
			const struct cedar_expr *x, struct cedar_answer *ret)
{
	switch ((enum cedar_kind)x->kind) {
	case CEDAR_EXPR_LITERAL:
		return check_literal(c, x, ret);
	case CEDAR_EXPR_VARIABLE:
		return check_variable(c, x, ret);
	case CEDAR_EXPR_AND:
	case CEDAR_EXPR_OR:
		return check_chain(c, prior, x, ret);
	case CEDAR_EXPR_NOT:
		return check_not(c, prior, x, ret);
	case CEDAR_EXPR_NEGATE:
		return check_unary(c, prior, x, &cedar_ty_long, &cedar_ty_long, ret);
	case CEDAR_EXPR_IF:
		return check_if(c, prior, x, ret);
	case CEDAR_EXPR_EQ:
	case CEDAR_EXPR_NE:
		return cedar_check_equal(c, prior, x, ret);
	case CEDAR_EXPR_LT:
	case CEDAR_EXPR_LE:
	case CEDAR_EXPR_GT:
	case CEDAR_EXPR_GE:
		return cedar_check_order(c, prior, x, ret);
	case CEDAR_EXPR_ADD:
	case CEDAR_EXPR_SUB:
	case CEDAR_EXPR_MUL:
		return cedar_check_numbers(c, prior, x, ret);
	case CEDAR_EXPR_IN:
		return cedar_check_in(c, prior, x, x->args[0], x->args[1], ret);
	case CEDAR_EXPR_CONTAINS:
	case CEDAR_EXPR_CONTAINS_ALL:
	case CEDAR_EXPR_CONTAINS_ANY:
		return cedar_check_contains(c, prior, x, ret);
	case CEDAR_EXPR_IS_EMPTY:
		return check_unary(c, prior, x, &cedar_ty_any_set, &cedar_ty_bool, ret);
	case CEDAR_EXPR_GET_TAG:
	case CEDAR_EXPR_HAS_TAG:
		return cedar_check_tag(c, prior, x, ret);
	case CEDAR_EXPR_ATTR:
		return cedar_check_attr(c, prior, x, ret);
	case CEDAR_EXPR_HAS:
		return cedar_check_has(c, prior, x, ret);
	case CEDAR_EXPR_LIKE:
		return check_unary(c, prior, x, &cedar_ty_string, &cedar_ty_bool, ret);
	case CEDAR_EXPR_IS:
		return cedar_check_is(c, prior, x, ret);
	case CEDAR_EXPR_SET:
		return cedar_check_set(c, prior, x, ret);
	case CEDAR_EXPR_RECORD:
		return cedar_check_record(c, prior, x, ret);
	case CEDAR_EXPR_CALL:
		return cedar_check_call(c, prior, x, ret);
	}
	MUST(false);
}

enum rc cedar_check(struct cedar_checker *c, const struct cedar_caps *prior,
		    const struct cedar_expr *x, struct cedar_answer *ret)
{
	*ret = (struct cedar_answer){0};
	if (!cedar_step(&c->tys.steps, 1)) {
		return RC_LIMIT;
	}
	TRY(dispatch(c, prior, x, ret));
	if (c->types && ret->type) {
		/* The map holds no pointers to const; it is only read back as one. */
		return map_put(c->types, str_of(&x, sizeof(x)), (void *)(uintptr_t)ret->type);
	}
	return RC_OK;
}
