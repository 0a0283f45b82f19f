/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/code_run.c - running code for one request.
 *
 * Trust:  values are hostile in size and shape; code is ours.
 * Holds:  (1) every jump goes forward, so a run ends; the stack is as deep as was found when the
 *             code was made.
 *         (2) steps are counted at least as the tree counts them; without steps left a run fails,
 *             and the tree decides whether that is a failure.
 */
#include "cedar/code_step.h"
#include "cedar/like.h"

enum rc cedar_machine_start(struct cedar_machine *m, const struct cedar_index *index,
			    struct cedar_eval *v)
{
	const struct cedar_request *r = v->request;
	const struct cedar_code *code = index->code;
	size_t n_values = (size_t)code->n_paths + code->n_stack;
	size_t words = cedar_row_words(index);

	m->code = code;
	m->v = v;
	/* In one piece, the strictest alignment first. */
	m->slots = arena_alloc(v->arena, n_values * sizeof(*m->slots) + 3 * words * 8 +
					     index->n_memos + code->n_paths);
	if (!m->slots) {
		return RC_NOMEM;
	}
	m->stack = m->slots + code->n_paths;
	m->groups[0] = (uint64_t *)(void *)(m->slots + n_values);
	m->groups[1] = m->groups[0] + words;
	m->groups[2] = m->groups[1] + words;
	m->memos = (uint8_t *)(m->groups[2] + words);
	m->states = m->memos + index->n_memos;
	m->slots[CEDAR_PRINCIPAL] = cedar_make_uid(r->principal);
	m->slots[CEDAR_ACTION] = cedar_make_uid(r->action);
	m->slots[CEDAR_RESOURCE] = cedar_make_uid(r->resource);
	m->slots[CEDAR_CONTEXT] = v->context;
	for (unsigned i = 0; i <= CEDAR_CONTEXT; i++) {
		m->states[i] = CEDAR_SLOT_HERE;
	}
	return RC_OK;
}

/* ---- slots ---- */

/* Recursion is bounded by the number of slots; parents come first. */
static unsigned walk(struct cedar_machine *m, uint32_t slot)
{
	const struct cedar_path *path = &m->code->paths[slot];
	unsigned parent = m->states[path->parent];

	if (parent == CEDAR_SLOT_NOT_ASKED) {
		parent = walk(m, path->parent);
	}
	m->states[slot] =
	    (uint8_t)(parent == CEDAR_SLOT_HERE ? cedar_find_attr(m->v, &m->slots[path->parent],
								  path->name, &m->slots[slot])
						: CEDAR_SLOT_BROKEN);
	return m->states[slot];
}

static inline unsigned state_of(struct cedar_machine *m, uint32_t slot)
{
	unsigned state = m->states[slot];

	return __builtin_expect(state != CEDAR_SLOT_NOT_ASKED, 1) ? state : walk(m, slot);
}

/* NULL: a failure. */
static inline const struct cedar_value *slot_of(struct cedar_machine *m, uint32_t slot)
{
	return state_of(m, slot) == CEDAR_SLOT_HERE ? &m->slots[slot] : NULL;
}

/* ---- tests ---- */

static enum cedar_answer equal(struct cedar_machine *m, const struct cedar_value *a,
			       const struct cedar_value *b)
{
	bool is_equal;

	if (!a || !b) {
		return CEDAR_FAILED;
	}
	if (a->type != b->type) {
		return CEDAR_NO;
	}
	if (a->type == CEDAR_LONG) {
		return a->i == b->i;
	}
	if (a->type == CEDAR_ENTITY) {
		return cedar_uid_equal(a->uid, b->uid);
	}
	is_equal = cedar_value_cmp(a, b, &m->v->steps) == 0;
	return m->v->steps.left < 0 ? CEDAR_FAILED : (enum cedar_answer)is_equal;
}

static enum cedar_answer like(struct cedar_machine *m, const struct cedar_value *a,
			      const struct cedar_expr *x)
{
	if (!a || a->type != CEDAR_STRING || !cedar_step(&m->v->steps, a->n / CEDAR_STEP_BYTES)) {
		return CEDAR_FAILED;
	}
	return cedar_like(cedar_value_text(a), x->names, x->n_names);
}

static enum cedar_answer is_true(const struct cedar_value *a)
{
	return a && a->type == CEDAR_BOOL ? (enum cedar_answer)a->b : CEDAR_FAILED;
}

static enum cedar_answer stack_order(struct cedar_machine *m, unsigned orders)
{
	const struct cedar_value *two = m->top -= 2;

	if (two[0].type != two[1].type ||
	    (two[0].type != CEDAR_LONG && two[0].type != CEDAR_DATETIME &&
	     two[0].type != CEDAR_DURATION)) {
		return CEDAR_FAILED;
	}
	return cedar_order(orders, two[0].i, two[1].i);
}

static enum cedar_answer stack_in(struct cedar_machine *m)
{
	const struct cedar_value *two = m->top -= 2;
	bool b;

	if (two[0].type != CEDAR_ENTITY) {
		return CEDAR_FAILED;
	}
	if (cedar_eval_in(m->v, two[0].uid, &two[1], &b) != RC_OK) {
		return CEDAR_FAILED;
	}
	return (enum cedar_answer)b;
}

static enum cedar_answer stack_contains(struct cedar_machine *m, unsigned kind)
{
	const bool is_any = kind == CEDAR_EXPR_CONTAINS_ANY;
	const struct cedar_value *two = m->top -= 2;
	bool b = !is_any;

	if (two[0].type != CEDAR_SET || (kind != CEDAR_EXPR_CONTAINS && two[1].type != CEDAR_SET)) {
		return CEDAR_FAILED;
	}
	if (kind == CEDAR_EXPR_CONTAINS) {
		b = cedar_set_has(&two[0], &two[1], &m->v->steps);
	} else {
		for (uint32_t i = 0; i < two[1].n && b != is_any && m->v->steps.left >= 0; i++) {
			b = cedar_set_has(&two[0], &two[1].items[i], &m->v->steps);
		}
	}
	return m->v->steps.left < 0 ? CEDAR_FAILED : (enum cedar_answer)b;
}

/* ---- the whole ---- */

/* Apart from the loop, which stays small. */
__attribute__((noinline)) static enum cedar_answer step(struct cedar_machine *m,
							const struct cedar_insn *i)
{
	const struct cedar_value *a;
	unsigned state;

	switch ((enum cedar_op)i->op) {
	case CEDAR_OP_FAIL:
	case CEDAR_OP_MEMO: /* the loop's */
		return CEDAR_FAILED;
	case CEDAR_OP_JUMP:
		return CEDAR_YES;
	case CEDAR_OP_SLOT_TEST:
		return is_true(slot_of(m, i->a));
	case CEDAR_OP_SLOT_HAS:
		state = state_of(m, i->a);
		return state == CEDAR_SLOT_BROKEN ? CEDAR_FAILED
		       : state == CEDAR_SLOT_HERE ? CEDAR_YES
						  : CEDAR_NO;
	case CEDAR_OP_SLOT_ORDER:
		a = slot_of(m, i->a);
		return a && a->type == i->n ? cedar_order(i->flag, a->i, i->i) : CEDAR_FAILED;
	case CEDAR_OP_SLOT_EQ:
		return equal(m, slot_of(m, i->a), i->value);
	case CEDAR_OP_SLOTS_EQ:
		a = slot_of(m, i->a);
		return equal(m, a, slot_of(m, (uint32_t)i->i));
	case CEDAR_OP_SLOT_LIKE:
		return like(m, slot_of(m, i->a), i->x);
	case CEDAR_OP_SLOT_RANGE:
		a = slot_of(m, i->a);
		return a && a->type == CEDAR_IPADDR
			   ? (enum cedar_answer)cedar_ip_in_range(a->ip, i->value->ip)
			   : CEDAR_FAILED;
	case CEDAR_OP_VAR_IN:
		return m->groups[i->flag][i->a / 64] >> i->a % 64 & 1;
	case CEDAR_OP_TEST:
		return is_true(--m->top);
	case CEDAR_OP_ORDER:
		return stack_order(m, i->flag);
	case CEDAR_OP_EQ:
		m->top -= 2;
		return equal(m, m->top, m->top + 1);
	case CEDAR_OP_LIKE:
		return like(m, --m->top, i->x);
	case CEDAR_OP_IN:
		return stack_in(m);
	case CEDAR_OP_IS:
		a = --m->top;
		return a->type == CEDAR_ENTITY
			   ? (enum cedar_answer)str_eq(a->uid->type, i->x->names[0])
			   : CEDAR_FAILED;
	case CEDAR_OP_CONTAINS:
		return stack_contains(m, i->flag);
	case CEDAR_OP_IS_EMPTY:
		a = --m->top;
		return a->type == CEDAR_SET ? (enum cedar_answer)(a->n == 0) : CEDAR_FAILED;
	case CEDAR_OP_HAS_TAG:
		return cedar_step_tag(m, &a);
	case CEDAR_OP_SLOT:
		return cedar_step_push(m, slot_of(m, i->a));
	case CEDAR_OP_CONST:
	case CEDAR_OP_BOOL:
	case CEDAR_OP_TREE:
	case CEDAR_OP_ATTR:
	case CEDAR_OP_NEGATE:
	case CEDAR_OP_ARITHMETIC:
	case CEDAR_OP_GET_TAG:
	case CEDAR_OP_CALL:
		break;
	}
	return cedar_step_compute(m, i);
}

enum rc cedar_machine_run(struct cedar_machine *m, const struct cedar_shared *condition,
			  enum cedar_outcome *ret)
{
	const struct cedar_insn *insns = m->code->insns;
	uint32_t at = condition->start;

	m->v->steps.left = CEDAR_LIMIT_STEPS - (int64_t)condition->cost;
	m->top = m->stack;
	*ret = CEDAR_UNCLEAR;
	while (at < cedar_code_tree) {
		const struct cedar_insn *i = &insns[at];
		enum cedar_answer answer;

		/* Of all tests the most common, here once more for its known slots. */
		if (i->op == CEDAR_OP_SLOT_ORDER && m->states[i->a] == CEDAR_SLOT_HERE &&
		    m->slots[i->a].type == i->n) {
			at = i->next[cedar_order(i->flag, m->slots[i->a].i, i->i)];
			continue;
		}
		if (i->op == CEDAR_OP_MEMO) {
			unsigned known = m->memos[i->a];

			m->memo_from = m->v->steps.left;
			at = known ? i->next[known == CEDAR_TRUE] : at + 1;
			continue;
		}
		answer = step(m, i);
		if (__builtin_expect(answer > CEDAR_YES, 0)) {
			return answer == CEDAR_EXHAUSTED ? RC_NOMEM : RC_OK;
		}
		if (i->memo && m->memo_from - m->v->steps.left <= CEDAR_CODE_MEMO_STEPS) {
			m->memos[i->memo] = answer ? CEDAR_TRUE : CEDAR_FALSE;
		}
		at = i->next[answer];
	}
	*ret = at == cedar_code_yes ? CEDAR_TRUE : CEDAR_FALSE;
	return RC_OK;
}
