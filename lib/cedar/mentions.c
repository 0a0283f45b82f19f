/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/mentions.c - the names that the conditions of a policy speak of.
 *
 * Holds:  (1) recursion follows the tree of the expression, whose depth the parser bounds.
 */
#include <string.h>

#include "base/vec.h"
#include "cedar/ast.h"

struct gathering {
	struct arena *arena;
	VEC(struct cedar_mention) list;
	struct err *e;
};

static void gathering_cleanup(struct gathering *g)
{
	vec_fini(&g->list);
}

/* `context.a.b`: the variable and its path; false for anything else. */
static bool is_path(const struct cedar_expr *x, uint8_t *ret_variable, size_t *ret_n)
{
	size_t n = 0;

	for (; x->kind == CEDAR_EXPR_ATTR; x = x->args[0]) {
		n++;
	}
	*ret_variable = x->variable;
	*ret_n = n;
	return x->kind == CEDAR_EXPR_VARIABLE && n > 0;
}

static enum rc path_of(struct gathering *g, const struct cedar_expr *x, struct cedar_mention *m)
{
	struct str *path;
	uint8_t variable;
	size_t n;

	MUST(is_path(x, &variable, &n));
	path = arena_alloc_n(g->arena, n, sizeof(*path));
	if (!path) {
		FAIL(g->e, RC_NOMEM, "no memory for what a policy mentions");
	}
	m->variable = (enum cedar_variable)variable;
	m->path = path;
	m->n_path = n;
	for (; x->kind == CEDAR_EXPR_ATTR; x = x->args[0]) {
		path[--n] = x->names[0];
	}
	return RC_OK;
}

static enum rc add(struct gathering *g, struct cedar_mention m)
{
	enum rc rc = vec_push(&g->list, m);

	if (rc != RC_OK) {
		FAIL(g->e, rc, "no memory for what a policy mentions");
	}
	return RC_OK;
}

static enum rc add_text(struct gathering *g, const struct cedar_expr *path,
			const struct cedar_expr *literal)
{
	struct cedar_mention m = {.pos = literal->pos};

	if (!cedar_value_get_string(literal->constant, &m.text)) {
		return RC_OK;
	}
	TRY(path_of(g, path, &m));
	return add(g, m);
}

/* A literal, or a set of them, beside a path. */
static enum rc compare(struct gathering *g, const struct cedar_expr *path,
		       const struct cedar_expr *other)
{
	uint8_t variable;
	size_t n;

	if (!is_path(path, &variable, &n)) {
		return RC_OK;
	}
	if (other->kind != CEDAR_EXPR_SET) {
		return add_text(g, path, other);
	}
	for (uint32_t i = 0; i < other->n_args; i++) {
		TRY(add_text(g, path, other->args[i]));
	}
	return RC_OK;
}

/* (1) */
static enum rc visit(struct gathering *g, const struct cedar_expr *x)
{
	const struct cedar_uid *uid;

	switch ((enum cedar_kind)x->kind) {
	case CEDAR_EXPR_EQ:
	case CEDAR_EXPR_NE:
	case CEDAR_EXPR_CONTAINS:
	case CEDAR_EXPR_CONTAINS_ALL:
	case CEDAR_EXPR_CONTAINS_ANY:
		TRY(compare(g, x->args[0], x->args[1]));
		TRY(compare(g, x->args[1], x->args[0]));
		break;
	case CEDAR_EXPR_LITERAL:
		if (cedar_value_get_entity(x->constant, &uid)) {
			return add(g, (struct cedar_mention){.pos = x->pos, .uid = uid});
		}
		break;
	case CEDAR_EXPR_VARIABLE:
	case CEDAR_EXPR_AND:
	case CEDAR_EXPR_OR:
	case CEDAR_EXPR_NOT:
	case CEDAR_EXPR_NEGATE:
	case CEDAR_EXPR_IF:
	case CEDAR_EXPR_LT:
	case CEDAR_EXPR_LE:
	case CEDAR_EXPR_GT:
	case CEDAR_EXPR_GE:
	case CEDAR_EXPR_ADD:
	case CEDAR_EXPR_SUB:
	case CEDAR_EXPR_MUL:
	case CEDAR_EXPR_IN:
	case CEDAR_EXPR_IS_EMPTY:
	case CEDAR_EXPR_GET_TAG:
	case CEDAR_EXPR_HAS_TAG:
	case CEDAR_EXPR_ATTR:
	case CEDAR_EXPR_HAS:
	case CEDAR_EXPR_LIKE:
	case CEDAR_EXPR_IS:
	case CEDAR_EXPR_SET:
	case CEDAR_EXPR_RECORD:
	case CEDAR_EXPR_CALL:
		break;
	}
	for (uint32_t i = 0; i < x->n_args; i++) {
		TRY(visit(g, x->args[i]));
	}
	return RC_OK;
}

enum rc cedar_policy_mentions(const struct cedar_policy *p, struct arena *arena,
			      const struct cedar_mention **ret, size_t *ret_n, struct err *e)
{
	CLEANUP(gathering_cleanup) struct gathering g = {.arena = arena, .e = e};
	struct cedar_mention *list;

	for (size_t i = 0; i < p->n_conditions; i++) {
		TRY(visit(&g, p->conditions[i].body));
	}
	list = arena_alloc_n(arena, g.list.n, sizeof(*list));
	if (!list) {
		FAIL(e, RC_NOMEM, "no memory for what a policy mentions");
	}
	if (g.list.n > 0) {
		memcpy(list, g.list.p, g.list.n * sizeof(*list));
	}
	*ret = list;
	*ret_n = g.list.n;
	return RC_OK;
}
