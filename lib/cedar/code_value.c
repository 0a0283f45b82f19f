/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/code_value.c - code for operands.
 *
 * Holds: every node costs at least the steps that its tree would take.
 */
#include "cedar/code_build.h"

enum { PATH_DEPTH = 16 }; /* of expressions that are tried as a path */

/* ---- slots ---- */

enum rc cedar_code_child(struct cedar_code_build *c, uint32_t parent, struct str name,
			 uint32_t *ret)
{
	for (size_t i = CEDAR_CONTEXT + 1; i < c->paths.n; i++) {
		if (c->paths.p[i].parent == parent && str_eq(c->paths.p[i].name, name)) {
			*ret = (uint32_t)i;
			return RC_OK;
		}
	}
	*ret = cedar_no_slot;
	if (c->paths.n == CEDAR_CODE_SLOTS) {
		return RC_OK;
	}
	*ret = (uint32_t)c->paths.n;
	return vec_push(&c->paths, ((struct cedar_path){.parent = parent, .name = name}));
}

enum rc cedar_code_slot(struct cedar_code_build *c, const struct cedar_expr *x, uint32_t *ret)
{
	uint32_t parent;

	*ret = cedar_no_slot;
	if (x->constant || x->depth > PATH_DEPTH) {
		return RC_OK;
	}
	if (x->kind == CEDAR_EXPR_VARIABLE) {
		c->cost++;
		*ret = x->variable;
		return RC_OK;
	}
	if (x->kind != CEDAR_EXPR_ATTR) {
		return RC_OK;
	}
	TRY(cedar_code_slot(c, x->args[0], &parent));
	c->cost++;
	return parent == cedar_no_slot ? RC_OK : cedar_code_child(c, parent, x->names[0], ret);
}

/* ---- operands ---- */

static enum rc push_if(struct cedar_code_build *c, const struct cedar_expr *x)
{
	uint32_t yes;
	uint32_t no;
	uint32_t end;

	TRY(cedar_code_label(c, &yes));
	TRY(cedar_code_label(c, &no));
	TRY(cedar_code_label(c, &end));
	TRY(cedar_code_branch(c, x->args[0], yes, no));
	cedar_code_place(c, yes);
	TRY(cedar_code_value(c, x->args[1]));
	TRY(cedar_code_test(c, (struct cedar_insn){.op = CEDAR_OP_JUMP}, 1, end, end));
	cedar_code_place(c, no);
	TRY(cedar_code_value(c, x->args[2]));
	cedar_code_place(c, end);
	return RC_OK;
}

/* A test as an operand. */
static enum rc push_test(struct cedar_code_build *c, const struct cedar_expr *x)
{
	uint32_t yes;
	uint32_t no;
	uint32_t end;

	TRY(cedar_code_label(c, &yes));
	TRY(cedar_code_label(c, &no));
	TRY(cedar_code_label(c, &end));
	TRY(cedar_code_branch(c, x, yes, no));
	cedar_code_place(c, yes);
	TRY(cedar_code_push(c, (struct cedar_insn){.op = CEDAR_OP_BOOL, .i = 1}, 0));
	TRY(cedar_code_test(c, (struct cedar_insn){.op = CEDAR_OP_JUMP}, 1, end, end));
	cedar_code_place(c, no);
	TRY(cedar_code_push(c, (struct cedar_insn){.op = CEDAR_OP_BOOL}, 0));
	cedar_code_place(c, end);
	return RC_OK;
}

static enum rc push_args(struct cedar_code_build *c, const struct cedar_expr *x,
			 struct cedar_insn insn)
{
	for (uint32_t i = 0; i < x->n_args; i++) {
		TRY(cedar_code_value(c, x->args[i]));
	}
	return cedar_code_push(c, insn, x->n_args);
}

static enum rc push_tree(struct cedar_code_build *c, const struct cedar_expr *x)
{
	return cedar_code_push(c, (struct cedar_insn){.op = CEDAR_OP_TREE, .x = x}, 0);
}

static enum rc push_node(struct cedar_code_build *c, const struct cedar_expr *x)
{
	struct cedar_insn insn = {.flag = x->kind, .x = x};

	switch ((enum cedar_kind)x->kind) {
	case CEDAR_EXPR_ATTR:
		insn.op = CEDAR_OP_ATTR;
		return push_args(c, x, insn);
	case CEDAR_EXPR_NEGATE:
		insn.op = CEDAR_OP_NEGATE;
		return push_args(c, x, insn);
	case CEDAR_EXPR_ADD:
	case CEDAR_EXPR_SUB:
	case CEDAR_EXPR_MUL:
		insn.op = CEDAR_OP_ARITHMETIC;
		return push_args(c, x, insn);
	case CEDAR_EXPR_GET_TAG:
		insn.op = CEDAR_OP_GET_TAG;
		return push_args(c, x, insn);
	case CEDAR_EXPR_CALL:
		if (x->n_args == 0 || x->n_args > CEDAR_CODE_ARGS) {
			return push_tree(c, x);
		}
		insn.op = CEDAR_OP_CALL;
		insn.flag = x->fn;
		insn.n = (uint16_t)x->n_args;
		return push_args(c, x, insn);
	case CEDAR_EXPR_IF:
		return push_if(c, x);
	case CEDAR_EXPR_LITERAL:
	case CEDAR_EXPR_VARIABLE:
	case CEDAR_EXPR_SET:
	case CEDAR_EXPR_RECORD:
		return push_tree(c, x);
	case CEDAR_EXPR_AND:
	case CEDAR_EXPR_OR:
	case CEDAR_EXPR_NOT:
	case CEDAR_EXPR_EQ:
	case CEDAR_EXPR_NE:
	case CEDAR_EXPR_LT:
	case CEDAR_EXPR_LE:
	case CEDAR_EXPR_GT:
	case CEDAR_EXPR_GE:
	case CEDAR_EXPR_IN:
	case CEDAR_EXPR_CONTAINS:
	case CEDAR_EXPR_CONTAINS_ALL:
	case CEDAR_EXPR_CONTAINS_ANY:
	case CEDAR_EXPR_IS_EMPTY:
	case CEDAR_EXPR_HAS_TAG:
	case CEDAR_EXPR_HAS:
	case CEDAR_EXPR_LIKE:
	case CEDAR_EXPR_IS:
		break;
	}
	return push_test(c, x);
}

enum rc cedar_code_value(struct cedar_code_build *c, const struct cedar_expr *x)
{
	struct cedar_insn insn = {.op = CEDAR_OP_CONST, .value = x->constant};
	enum rc rc;

	if (x->constant) {
		return cedar_code_push(c, insn, 0);
	}
	TRY(cedar_code_slot(c, x, &insn.a));
	if (insn.a != cedar_no_slot) {
		insn.op = CEDAR_OP_SLOT;
		return cedar_code_push(c, insn, 0);
	}
	c->cost++;
	c->operand_of++;
	rc = push_node(c, x);
	c->operand_of--;
	return rc;
}
