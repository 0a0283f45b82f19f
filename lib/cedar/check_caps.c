/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/check_caps.c - what is known to be there: sets of capabilities.
 *
 * Holds:  every comparison costs steps; recursion follows the right side of unions, which is as
 *         deep as the expression it came from.
 */
#include "cedar/check.h"

static bool same_names(const struct cedar_expr *a, const struct cedar_expr *b)
{
	for (uint32_t i = 0; i < a->n_names; i++) {
		if (!str_eq(a->names[i], b->names[i])) {
			return false;
		}
	}
	return true;
}

bool cedar_expr_same(struct cedar_steps *steps, const struct cedar_expr *a,
		     const struct cedar_expr *b)
{
	if (a == b) {
		return true;
	}
	if (!cedar_step(steps, 1) || a->kind != b->kind || a->variable != b->variable ||
	    a->fn != b->fn || a->depth != b->depth || a->n_args != b->n_args ||
	    a->n_names != b->n_names || !same_names(a, b)) {
		return false;
	}
	if (a->kind == CEDAR_EXPR_LITERAL) {
		return cedar_value_cmp(a->constant, b->constant, steps) == 0 && steps->left >= 0;
	}
	for (uint32_t i = 0; i < a->n_args; i++) {
		if (!cedar_expr_same(steps, a->args[i], b->args[i])) {
			return false;
		}
	}
	return true;
}

static const struct cedar_caps *keep(struct cedar_checker *c, struct cedar_caps v)
{
	struct cedar_caps *p = arena_alloc(c->arena, sizeof(*p));

	if (!p) {
		c->tys.is_out = true;
		return NULL;
	}
	*p = v;
	return p;
}

const struct cedar_caps *cedar_caps_one(struct cedar_checker *c, const struct cedar_expr *on,
					struct str attr, const struct cedar_expr *tag)
{
	return keep(c, (struct cedar_caps){.on = on, .attr = attr, .tag = tag});
}

const struct cedar_caps *cedar_caps_both(struct cedar_checker *c, const struct cedar_caps *a,
					 const struct cedar_caps *b)
{
	if (!a || !b || a == b) {
		return a ? a : b;
	}
	return keep(c, (struct cedar_caps){.left = a, .right = b});
}

bool cedar_caps_has(struct cedar_checker *c, const struct cedar_caps *caps,
		    const struct cedar_expr *on, struct str attr, const struct cedar_expr *tag)
{
	for (; caps && !caps->on; caps = caps->left) {
		if (!cedar_step(&c->tys.steps, 1)) {
			return false;
		}
		if (cedar_caps_has(c, caps->right, on, attr, tag)) {
			return true;
		}
	}
	if (!caps || !cedar_step(&c->tys.steps, 1) || (caps->tag != NULL) != (tag != NULL)) {
		return false;
	}
	if (tag ? !cedar_expr_same(&c->tys.steps, caps->tag, tag) : !str_eq(caps->attr, attr)) {
		return false;
	}
	return cedar_expr_same(&c->tys.steps, caps->on, on);
}

const struct cedar_caps *cedar_caps_common(struct cedar_checker *c, const struct cedar_caps *a,
					   const struct cedar_caps *b)
{
	const struct cedar_caps *both = NULL;

	for (; a && !a->on; a = a->left) {
		both = cedar_caps_both(c, cedar_caps_common(c, a->right, b), both);
	}
	if (a && cedar_caps_has(c, b, a->on, a->attr, a->tag)) {
		both = cedar_caps_both(c, a, both);
	}
	return both;
}
