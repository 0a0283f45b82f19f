/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/check_level.c - how far from the request a policy reads.
 *
 * `principal.boss.team` reads two entities: the principal and its boss. A policy of level n reads
 * entities that are at most n - 1 steps away from those of the request, so that a caller who loads
 * that many need not load more. Entities that a policy names are never read, except the request's
 * own action.
 *
 * Trust:  the policy is valid; an expression without a type in c->types is never evaluated.
 * Holds:  recursion follows the tree, and the path of a `has`.
 */
#include "cedar/check_level.h"

/* Attributes still to be taken of a record, the innermost last. */
struct path {
	struct str name;
	const struct path *before;
};

static enum rc check_level(struct cedar_leveler *l, const struct cedar_expr *x);

static const struct cedar_ty *type_of(const struct cedar_leveler *l, const struct cedar_expr *x)
{
	return map_get(l->c->types, str_of(&x, sizeof(x)));
}

static enum rc check_args(struct cedar_leveler *l, const struct cedar_expr *x, uint32_t but)
{
	for (uint32_t i = 0; i < x->n_args; i++) {
		if (i != but) {
			TRY(check_level(l, x->args[i]));
		}
	}
	return RC_OK;
}

/* The steps from the request to the entity that x is, or that is at path in the record x. */
static enum rc steps_to(struct cedar_leveler *l, const struct cedar_expr *x,
			const struct path *path, uint32_t *ret)
{
	const struct cedar_ty *on = x->n_args ? type_of(l, x->args[0]) : NULL;
	struct path next = {.name = x->n_names ? x->names[0] : STR_NULL, .before = path};
	uint32_t other = 0;

	*ret = 0;
	if (x->kind == CEDAR_EXPR_LITERAL && x->constant->type == CEDAR_ENTITY &&
	    !cedar_uid_equal(x->constant->uid, l->c->action->uid)) {
		return cedar_find(l->c->findings, CEDAR_FINDING_LEVEL_LITERAL, x->pos,
				  "expected an entity of the request, found one that is named: its "
				  "attributes, tags and groups may not be loaded");
	}
	if (x->kind == CEDAR_EXPR_IF) {
		TRY(check_level(l, x->args[0]));
		if (type_of(l, x->args[1])) {
			TRY(steps_to(l, x->args[1], path, ret));
		}
		if (type_of(l, x->args[2])) {
			TRY(steps_to(l, x->args[2], path, &other));
		}
		*ret = other > *ret ? other : *ret;
	} else if (x->kind == CEDAR_EXPR_ATTR && on && on->kind == CEDAR_TY_RECORD) {
		return steps_to(l, x->args[0], &next, ret);
	} else if (x->kind == CEDAR_EXPR_ATTR || x->kind == CEDAR_EXPR_GET_TAG) {
		TRY(steps_to(l, x->args[0], path, ret));
		++*ret;
		return check_args(l, x, 0);
	} else if (x->kind == CEDAR_EXPR_RECORD && path) {
		for (uint32_t i = 0; i < x->n_args; i++) {
			TRY(str_eq(x->names[i], path->name)
				? steps_to(l, x->args[i], path->before, ret)
				: check_level(l, x->args[i]));
		}
	}
	return RC_OK;
}

/* x reads the entity that `on` is. */
static enum rc check_read(struct cedar_leveler *l, const struct cedar_expr *x,
			  const struct cedar_expr *on)
{
	uint32_t steps;

	TRY(steps_to(l, on, NULL, &steps));
	if (steps < l->max) {
		return RC_OK;
	}
	return cedar_find(l->c->findings, CEDAR_FINDING_LEVEL, x->pos,
			  "expected at most level %u, found level %u", l->max, steps + 1);
}

static enum rc check_attr(struct cedar_leveler *l, const struct cedar_expr *x,
			  const struct cedar_expr *on)
{
	const struct cedar_ty *t = type_of(l, on);

	return t && t->kind == CEDAR_TY_ENTITY ? check_read(l, x, on) : check_level(l, on);
}

/* `on.name` as an expression of its own, with its type; NULL in *ret when there is no such. */
static enum rc take_attr(struct cedar_leveler *l, const struct cedar_expr *on,
			 const struct str *name, const struct cedar_expr **ret)
{
	const struct cedar_ty *t = type_of(l, on);
	const struct cedar_ty *of = t && t->kind == CEDAR_TY_ENTITY ? t->entities[0]->attrs : t;
	const struct cedar_ty_attr *attr;
	struct cedar_expr *x;
	const struct cedar_expr **arg;

	*ret = NULL;
	attr = of && of->kind == CEDAR_TY_RECORD ? cedar_ty_find(of, *name) : NULL;
	if (!attr) {
		return RC_OK;
	}
	x = arena_alloc(l->c->arena, sizeof(*x));
	arg = arena_alloc(l->c->arena, sizeof(struct cedar_expr *));
	if (!x || !arg) {
		return RC_NOMEM;
	}
	*arg = on;
	*x = (struct cedar_expr){
	    .kind = CEDAR_EXPR_ATTR,
	    .n_args = 1,
	    .n_names = 1,
	    .pos = on->pos,
	    .args = arg,
	    .names = name,
	};
	*ret = x;
	return map_put(l->c->types, str_of(ret, sizeof(*ret)), (void *)(uintptr_t)attr->type);
}

/* `x has a.b` reads what x is, then what x.a is. */
static enum rc check_has(struct cedar_leveler *l, const struct cedar_expr *x)
{
	const struct cedar_expr *on = x->args[0];

	for (uint32_t i = 0; on && i < x->n_names; i++) {
		TRY(check_attr(l, x, on));
		TRY(take_attr(l, on, &x->names[i], &on));
	}
	return RC_OK;
}

/* `x is T in g` asks for groups only when x is of type T. */
static enum rc check_is(struct cedar_leveler *l, const struct cedar_expr *x)
{
	const struct cedar_ty *t = type_of(l, x->args[0]);
	bool is_among = false;

	for (uint32_t i = 0; x->n_args == 2 && t && i < t->n; i++) {
		is_among = is_among || str_eq(t->entities[i]->name, x->names[0]);
	}
	TRY(is_among ? check_read(l, x, x->args[0]) : check_level(l, x->args[0]));
	return is_among ? check_level(l, x->args[1]) : RC_OK;
}

static enum rc check_level(struct cedar_leveler *l, const struct cedar_expr *x)
{
	if (!cedar_step(&l->c->tys.steps, 1)) {
		return RC_LIMIT;
	}
	if (!type_of(l, x)) {
		return RC_OK; /* never evaluated */
	}
	if (x->kind == CEDAR_EXPR_ATTR) {
		return check_attr(l, x, x->args[0]);
	}
	if (x->kind == CEDAR_EXPR_HAS) {
		return check_has(l, x);
	}
	if (x->kind == CEDAR_EXPR_IS) {
		return check_is(l, x);
	}
	if (x->kind == CEDAR_EXPR_IN || x->kind == CEDAR_EXPR_GET_TAG ||
	    x->kind == CEDAR_EXPR_HAS_TAG) {
		TRY(check_read(l, x, x->args[0]));
		return check_level(l, x->args[1]);
	}
	return check_args(l, x, UINT32_MAX);
}

enum rc cedar_check_level(struct cedar_leveler *l, const struct cedar_expr *x)
{
	return check_level(l, x);
}
