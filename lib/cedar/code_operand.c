/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/code_operand.c - instructions that compute a value.
 *
 * Trust:  values are hostile in size and shape; code is ours.
 */
#include "cedar/code_step.h"

/* One attribute of a value, as the tree finds it. */
enum cedar_slot_state cedar_find_attr(const struct cedar_eval *v, const struct cedar_value *of,
				      struct str name, struct cedar_value *ret)
{
	const struct cedar_value *found = NULL;
	const struct cedar_node *node;

	if (of->type == CEDAR_RECORD) {
		found = cedar_record_get(of, name);
	} else if (of->type == CEDAR_ENTITY) {
		node = cedar_eval_node(v, of->uid);
		found = node ? cedar_record_get(&node->attrs, name) : NULL;
	} else {
		return CEDAR_SLOT_BROKEN;
	}
	if (!found) {
		return CEDAR_SLOT_MISSING;
	}
	*ret = *found;
	return CEDAR_SLOT_HERE;
}

/* The tag, or NULL; CEDAR_FAILED when the operands have other types. */
enum cedar_answer cedar_step_tag(struct cedar_machine *m, const struct cedar_value **ret)
{
	const struct cedar_value *two = m->top -= 2;
	const struct cedar_node *node;

	*ret = NULL;
	if (two[0].type != CEDAR_ENTITY || two[1].type != CEDAR_STRING) {
		return CEDAR_FAILED;
	}
	node = cedar_eval_node(m->v, two[0].uid);
	if (node) {
		*ret = cedar_record_get(&node->tags, cedar_value_text(&two[1]));
	}
	return *ret ? CEDAR_YES : CEDAR_NO;
}

/* ---- operands ---- */

enum cedar_answer cedar_step_push(struct cedar_machine *m, const struct cedar_value *a)
{
	if (!a) {
		return CEDAR_FAILED;
	}
	*m->top++ = *a;
	return CEDAR_YES;
}

static enum cedar_answer of_rc(enum rc rc)
{
	return rc == RC_OK ? CEDAR_YES : rc == RC_INPUT ? CEDAR_FAILED : CEDAR_EXHAUSTED;
}

static enum cedar_answer push_attr(struct cedar_machine *m, struct str name)
{
	struct cedar_value of = *--m->top;

	if (cedar_find_attr(m->v, &of, name, m->top) != CEDAR_SLOT_HERE) {
		return CEDAR_FAILED;
	}
	m->top++;
	return CEDAR_YES;
}

static enum cedar_answer arithmetic(struct cedar_machine *m, unsigned kind)
{
	struct cedar_value *two = m->top -= 2;
	int64_t i;
	bool is_over;

	if (two[0].type != CEDAR_LONG || two[1].type != CEDAR_LONG) {
		return CEDAR_FAILED;
	}
	if (kind == CEDAR_EXPR_ADD) {
		is_over = __builtin_add_overflow(two[0].i, two[1].i, &i);
	} else if (kind == CEDAR_EXPR_SUB) {
		is_over = __builtin_sub_overflow(two[0].i, two[1].i, &i);
	} else {
		is_over = __builtin_mul_overflow(two[0].i, two[1].i, &i);
	}
	*m->top++ = cedar_make_int(CEDAR_LONG, i);
	return is_over ? CEDAR_FAILED : CEDAR_YES;
}

static enum cedar_answer negate(struct cedar_machine *m)
{
	struct cedar_value *a = m->top - 1;

	if (a->type != CEDAR_LONG || a->i == INT64_MIN) {
		return CEDAR_FAILED;
	}
	a->i = -a->i;
	return CEDAR_YES;
}

static enum cedar_answer call(struct cedar_machine *m, unsigned fn, unsigned n)
{
	struct cedar_value *args = m->top -= n;
	struct cedar_error why;
	struct cedar_value got;
	uint64_t bytes = 0;
	enum rc rc;

	for (unsigned i = 0; i < n; i++) {
		bytes += args[i].type == CEDAR_STRING ? args[i].n : 0;
	}
	if (!cedar_step(&m->v->steps, bytes / CEDAR_STEP_BYTES)) {
		return CEDAR_FAILED;
	}
	rc = cedar_fn_call(m->v->arena, (enum cedar_fn)fn, args, n, &got, &why);
	if (rc == RC_OK) {
		*m->top++ = got;
	}
	return of_rc(rc);
}

static enum cedar_answer push_tree(struct cedar_machine *m, const struct cedar_expr *x)
{
	struct cedar_value got;
	enum rc rc = cedar_eval(m->v, x, &got);

	if (rc == RC_OK) {
		*m->top++ = got;
	}
	return of_rc(rc);
}

/* ---- the whole ---- */

enum cedar_answer cedar_step_compute(struct cedar_machine *m, const struct cedar_insn *i)
{
	const struct cedar_value *tag;

	switch ((enum cedar_op)i->op) {
	case CEDAR_OP_CONST:
		return cedar_step_push(m, i->value);
	case CEDAR_OP_BOOL:
		*m->top++ = cedar_make_bool(i->i);
		return CEDAR_YES;
	case CEDAR_OP_TREE:
		return push_tree(m, i->x);
	case CEDAR_OP_ATTR:
		return push_attr(m, i->x->names[0]);
	case CEDAR_OP_NEGATE:
		return negate(m);
	case CEDAR_OP_ARITHMETIC:
		return arithmetic(m, i->flag);
	case CEDAR_OP_GET_TAG:
		return cedar_step_tag(m, &tag) == CEDAR_YES ? cedar_step_push(m, tag)
							    : CEDAR_FAILED;
	case CEDAR_OP_CALL:
		return call(m, i->flag, i->n);
	case CEDAR_OP_FAIL:
	case CEDAR_OP_JUMP:
	case CEDAR_OP_MEMO:
	case CEDAR_OP_SLOT:
	case CEDAR_OP_SLOT_TEST:
	case CEDAR_OP_SLOT_HAS:
	case CEDAR_OP_SLOT_ORDER:
	case CEDAR_OP_SLOT_EQ:
	case CEDAR_OP_SLOTS_EQ:
	case CEDAR_OP_SLOT_LIKE:
	case CEDAR_OP_SLOT_RANGE:
	case CEDAR_OP_VAR_IN:
	case CEDAR_OP_TEST:
	case CEDAR_OP_ORDER:
	case CEDAR_OP_EQ:
	case CEDAR_OP_LIKE:
	case CEDAR_OP_IN:
	case CEDAR_OP_IS:
	case CEDAR_OP_CONTAINS:
	case CEDAR_OP_IS_EMPTY:
	case CEDAR_OP_HAS_TAG:
		break;
	}
	return CEDAR_FAILED;
}
