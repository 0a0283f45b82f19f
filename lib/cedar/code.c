/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/code.c - conditions into flat code.
 *
 * Trust:  policies were accepted by the parser, so trees are of bounded depth.
 * Holds:  (1) code answers what the tree answers; operands are pure, so that their order and
 *             whether one of them is evaluated twice does not show.
 *         (2) the stack is as deep at a label, whichever way led there.
 *         (3) every node costs at least the steps that its tree would take.
 */
#include "cedar/code.h"

#include "cedar/code_build.h"

/* ---- emitting ---- */

enum rc cedar_code_label(struct cedar_code_build *c, uint32_t *ret)
{
	*ret = (uint32_t)c->labels.n;
	return vec_push(&c->labels, 0);
}

void cedar_code_place(struct cedar_code_build *c, uint32_t label)
{
	c->labels.p[label] = (uint32_t)c->insns.n;
}

enum rc cedar_code_emit(struct cedar_code_build *c, struct cedar_insn insn)
{
	return vec_push(&c->insns, insn);
}

enum rc cedar_code_push(struct cedar_code_build *c, struct cedar_insn insn, unsigned pops)
{
	c->depth = c->depth - pops + 1;
	c->deepest = c->depth > c->deepest ? c->depth : c->deepest;
	return cedar_code_emit(c, insn);
}

enum rc cedar_code_test(struct cedar_code_build *c, struct cedar_insn insn, unsigned pops,
			uint32_t yes, uint32_t no)
{
	c->depth -= pops;
	insn.next[0] = no;
	insn.next[1] = yes;
	return cedar_code_emit(c, insn);
}

/* ---- tests ---- */

/* `until` is the operand that settles it: false for &&, true for ||. */
static enum rc branch_chain(struct cedar_code_build *c, const struct cedar_expr *x, bool until,
			    uint32_t yes, uint32_t no)
{
	for (uint32_t i = 0; i + 1 < x->n_args; i++) {
		uint32_t rest;

		TRY(cedar_code_label(c, &rest));
		TRY(cedar_code_branch(c, x->args[i], until ? yes : rest, until ? rest : no));
		cedar_code_place(c, rest);
	}
	return cedar_code_branch(c, x->args[x->n_args - 1], yes, no);
}

static enum rc branch_if(struct cedar_code_build *c, const struct cedar_expr *x, uint32_t yes,
			 uint32_t no)
{
	uint32_t then;
	uint32_t other;

	TRY(cedar_code_label(c, &then));
	TRY(cedar_code_label(c, &other));
	TRY(cedar_code_branch(c, x->args[0], then, other));
	cedar_code_place(c, then);
	TRY(cedar_code_branch(c, x->args[1], yes, no));
	cedar_code_place(c, other);
	return cedar_code_branch(c, x->args[2], yes, no);
}

static uint8_t orders_of(enum cedar_kind kind)
{
	return kind == CEDAR_EXPR_LT   ? CEDAR_ORDER_LESS
	       : kind == CEDAR_EXPR_LE ? CEDAR_ORDER_LESS | CEDAR_ORDER_EQUAL
	       : kind == CEDAR_EXPR_GT ? CEDAR_ORDER_GREATER
				       : CEDAR_ORDER_GREATER | CEDAR_ORDER_EQUAL;
}

/* The same with its operands the other way round. */
static uint8_t mirrored(uint8_t orders)
{
	return (uint8_t)((orders & CEDAR_ORDER_EQUAL) |
			 (orders & CEDAR_ORDER_LESS ? CEDAR_ORDER_GREATER : CEDAR_ORDER_LESS));
}

/* A test of all operands on the stack. */
static enum rc branch_stack(struct cedar_code_build *c, const struct cedar_expr *x,
			    enum cedar_op op, uint32_t yes, uint32_t no)
{
	struct cedar_insn insn = {.op = (uint8_t)op, .flag = x->kind, .x = x};

	for (uint32_t i = 0; i < x->n_args; i++) {
		TRY(cedar_code_value(c, x->args[i]));
	}
	if (op == CEDAR_OP_ORDER) {
		insn.flag = orders_of((enum cedar_kind)x->kind);
	}
	return cedar_code_test(c, insn, x->n_args, yes, no);
}

static enum rc branch_order(struct cedar_code_build *c, const struct cedar_expr *x, uint32_t yes,
			    uint32_t no)
{
	unsigned at = x->args[0]->constant ? 0 : 1; /* where a constant may be */
	const struct cedar_value *constant = x->args[at]->constant;
	struct cedar_insn insn = {.op = CEDAR_OP_SLOT_ORDER};

	if (!constant || (constant->type != CEDAR_LONG && constant->type != CEDAR_DATETIME &&
			  constant->type != CEDAR_DURATION)) {
		return branch_stack(c, x, CEDAR_OP_ORDER, yes, no);
	}
	TRY(cedar_code_slot(c, x->args[1 - at], &insn.a));
	if (insn.a == cedar_no_slot) {
		return branch_stack(c, x, CEDAR_OP_ORDER, yes, no);
	}
	insn.flag = orders_of((enum cedar_kind)x->kind);
	insn.flag = at == 1 ? insn.flag : mirrored(insn.flag);
	insn.n = constant->type;
	insn.i = constant->i;
	return cedar_code_test(c, insn, 0, yes, no);
}

static enum rc branch_equal(struct cedar_code_build *c, const struct cedar_expr *x, uint32_t yes,
			    uint32_t no)
{
	struct cedar_insn insn = {.op = CEDAR_OP_SLOT_EQ};
	uint32_t left;
	uint32_t right;

	c->cost++;
	TRY(cedar_code_slot(c, x->args[0], &left));
	TRY(cedar_code_slot(c, x->args[1], &right));
	if (left != cedar_no_slot && right != cedar_no_slot) {
		insn.op = CEDAR_OP_SLOTS_EQ;
		insn.a = left;
		insn.i = right;
		return cedar_code_test(c, insn, 0, yes, no);
	}
	if ((left != cedar_no_slot && x->args[1]->constant) ||
	    (right != cedar_no_slot && x->args[0]->constant)) {
		insn.a = left != cedar_no_slot ? left : right;
		insn.value = x->args[left != cedar_no_slot ? 1 : 0]->constant;
		return cedar_code_test(c, insn, 0, yes, no);
	}
	return branch_stack(c, x, CEDAR_OP_EQ, yes, no);
}

static enum rc branch_in(struct cedar_code_build *c, const struct cedar_expr *x, uint32_t yes,
			 uint32_t no)
{
	const struct cedar_expr *left = x->args[0];
	const struct cedar_value *group = x->args[1]->constant;
	struct cedar_insn insn = {.op = CEDAR_OP_VAR_IN, .flag = left->variable};

	if (!left->constant && left->kind == CEDAR_EXPR_VARIABLE &&
	    left->variable != CEDAR_CONTEXT && group && group->type == CEDAR_ENTITY) {
		insn.a = cedar_uids_find(&c->index->uids, group->uid);
	}
	if (insn.a && insn.a <= c->index->n_groups) {
		c->cost += 2;
		return cedar_code_test(c, insn, 0, yes, no);
	}
	TRY(cedar_code_value(c, x->args[0]));
	TRY(cedar_code_value(c, x->args[1]));
	insn = (struct cedar_insn){.op = CEDAR_OP_IN};
	return cedar_code_test(c, insn, 2, yes, no);
}

/* `x is T in g` means `x is T && x in g`. */
static enum rc branch_is(struct cedar_code_build *c, const struct cedar_expr *x, uint32_t yes,
			 uint32_t no)
{
	struct cedar_insn insn = {.op = CEDAR_OP_IS, .x = x};
	uint32_t rest = yes;

	if (x->n_args == 2) {
		TRY(cedar_code_label(c, &rest));
	}
	TRY(cedar_code_value(c, x->args[0]));
	TRY(cedar_code_test(c, insn, 1, rest, no));
	if (x->n_args == 2) {
		cedar_code_place(c, rest);
		return branch_in(c, x, yes, no);
	}
	return RC_OK;
}

/* `x has a.b.c` means `x has a && x.a has b && x.a.b has c`. */
static enum rc branch_has(struct cedar_code_build *c, const struct cedar_expr *x, uint32_t yes,
			  uint32_t no)
{
	struct cedar_insn insn = {.op = CEDAR_OP_SLOT_HAS};
	uint32_t rest;

	c->cost += x->n_names;
	TRY(cedar_code_slot(c, x->args[0], &insn.a));
	for (uint32_t i = 0; i < x->n_names && insn.a != cedar_no_slot; i++) {
		TRY(cedar_code_child(c, insn.a, x->names[i], &insn.a));
		if (insn.a == cedar_no_slot) {
			break;
		}
		if (i + 1 == x->n_names) {
			return cedar_code_test(c, insn, 0, yes, no);
		}
		TRY(cedar_code_label(c, &rest));
		TRY(cedar_code_test(c, insn, 0, rest, no));
		cedar_code_place(c, rest);
	}
	/* What is tested so far is tested again: that is true. */
	TRY(cedar_code_push(c, (struct cedar_insn){.op = CEDAR_OP_TREE, .x = x}, 0));
	return cedar_code_test(c, (struct cedar_insn){.op = CEDAR_OP_TEST}, 1, yes, no);
}

static enum rc branch_like(struct cedar_code_build *c, const struct cedar_expr *x, uint32_t yes,
			   uint32_t no)
{
	struct cedar_insn insn = {.op = CEDAR_OP_SLOT_LIKE, .x = x};

	c->cost += x->n_names;
	TRY(cedar_code_slot(c, x->args[0], &insn.a));
	if (insn.a == cedar_no_slot) {
		return branch_stack(c, x, CEDAR_OP_LIKE, yes, no);
	}
	return cedar_code_test(c, insn, 0, yes, no);
}

/* context.source.isInRange(ip("10.0.0.0/8")) */
static enum rc branch_range(struct cedar_code_build *c, const struct cedar_expr *x, uint32_t yes,
			    uint32_t no, bool *ret_done)
{
	struct cedar_insn insn = {.op = CEDAR_OP_SLOT_RANGE};

	*ret_done = false;
	if (x->kind != CEDAR_EXPR_CALL || x->fn != CEDAR_FN_IS_IN_RANGE || x->n_args != 2 ||
	    !x->args[1]->constant || x->args[1]->constant->type != CEDAR_IPADDR) {
		return RC_OK;
	}
	TRY(cedar_code_slot(c, x->args[0], &insn.a));
	if (insn.a == cedar_no_slot) {
		return RC_OK;
	}
	*ret_done = true;
	insn.value = x->args[1]->constant;
	return cedar_code_test(c, insn, 0, yes, no);
}

/* Any expression that must be a bool. */
static enum rc branch_value(struct cedar_code_build *c, const struct cedar_expr *x, uint32_t yes,
			    uint32_t no)
{
	struct cedar_insn insn = {.op = CEDAR_OP_SLOT_TEST};
	bool is_done;

	TRY(branch_range(c, x, yes, no, &is_done));
	if (is_done) {
		return RC_OK;
	}
	TRY(cedar_code_slot(c, x, &insn.a));
	if (insn.a != cedar_no_slot) {
		return cedar_code_test(c, insn, 0, yes, no);
	}
	TRY(cedar_code_value(c, x));
	return cedar_code_test(c, (struct cedar_insn){.op = CEDAR_OP_TEST}, 1, yes, no);
}

enum rc cedar_code_node(struct cedar_code_build *c, const struct cedar_expr *x, uint32_t yes,
			uint32_t no)
{
	switch ((enum cedar_kind)x->kind) {
	case CEDAR_EXPR_AND:
		return branch_chain(c, x, false, yes, no);
	case CEDAR_EXPR_OR:
		return branch_chain(c, x, true, yes, no);
	case CEDAR_EXPR_NOT:
		return cedar_code_branch(c, x->args[0], no, yes);
	case CEDAR_EXPR_IF:
		return branch_if(c, x, yes, no);
	case CEDAR_EXPR_EQ:
		return branch_equal(c, x, yes, no);
	case CEDAR_EXPR_NE:
		return branch_equal(c, x, no, yes);
	case CEDAR_EXPR_LT:
	case CEDAR_EXPR_LE:
	case CEDAR_EXPR_GT:
	case CEDAR_EXPR_GE:
		return branch_order(c, x, yes, no);
	case CEDAR_EXPR_IN:
		return branch_in(c, x, yes, no);
	case CEDAR_EXPR_IS:
		return branch_is(c, x, yes, no);
	case CEDAR_EXPR_HAS:
		return branch_has(c, x, yes, no);
	case CEDAR_EXPR_LIKE:
		return branch_like(c, x, yes, no);
	case CEDAR_EXPR_CONTAINS:
	case CEDAR_EXPR_CONTAINS_ALL:
	case CEDAR_EXPR_CONTAINS_ANY:
		return branch_stack(c, x, CEDAR_OP_CONTAINS, yes, no);
	case CEDAR_EXPR_IS_EMPTY:
		return branch_stack(c, x, CEDAR_OP_IS_EMPTY, yes, no);
	case CEDAR_EXPR_HAS_TAG:
		return branch_stack(c, x, CEDAR_OP_HAS_TAG, yes, no);
	case CEDAR_EXPR_LITERAL:
	case CEDAR_EXPR_VARIABLE:
	case CEDAR_EXPR_NEGATE:
	case CEDAR_EXPR_ADD:
	case CEDAR_EXPR_SUB:
	case CEDAR_EXPR_MUL:
	case CEDAR_EXPR_GET_TAG:
	case CEDAR_EXPR_ATTR:
	case CEDAR_EXPR_SET:
	case CEDAR_EXPR_RECORD:
	case CEDAR_EXPR_CALL:
		break;
	}
	return branch_value(c, x, yes, no);
}
