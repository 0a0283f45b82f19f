/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/code_memo.c - what to remember, and putting code together.
 *
 * Holds: (1) a test is remembered only where it is not an operand, so that one at a time is at
 * hand. (2) every jump goes forward, so code ends.
 */
#include "cedar/code_build.h"
#include "cedar/same.h"

static bool costs_something(const struct cedar_expr *x)
{
	return !x->constant && (x->kind == CEDAR_EXPR_CALL || x->kind == CEDAR_EXPR_GET_TAG);
}

/* Each of these ends in one instruction that answers what x answers. */
static bool is_worth_a_memo(const struct cedar_expr *x)
{
	switch ((enum cedar_kind)x->kind) {
	case CEDAR_EXPR_LIKE:
	case CEDAR_EXPR_CALL:
	case CEDAR_EXPR_CONTAINS:
	case CEDAR_EXPR_CONTAINS_ALL:
	case CEDAR_EXPR_CONTAINS_ANY:
	case CEDAR_EXPR_HAS_TAG:
		return true;
	case CEDAR_EXPR_IN:
		return x->args[1]->constant == NULL || x->args[1]->constant->type == CEDAR_SET;
	case CEDAR_EXPR_EQ:
	case CEDAR_EXPR_LT:
	case CEDAR_EXPR_LE:
	case CEDAR_EXPR_GT:
	case CEDAR_EXPR_GE:
		return costs_something(x->args[0]) || costs_something(x->args[1]);
	case CEDAR_EXPR_LITERAL:
	case CEDAR_EXPR_VARIABLE:
	case CEDAR_EXPR_AND:
	case CEDAR_EXPR_OR:
	case CEDAR_EXPR_NOT:
	case CEDAR_EXPR_NEGATE:
	case CEDAR_EXPR_IF:
	case CEDAR_EXPR_NE:
	case CEDAR_EXPR_ADD:
	case CEDAR_EXPR_SUB:
	case CEDAR_EXPR_MUL:
	case CEDAR_EXPR_IS_EMPTY:
	case CEDAR_EXPR_GET_TAG:
	case CEDAR_EXPR_ATTR:
	case CEDAR_EXPR_HAS:
	case CEDAR_EXPR_IS:
	case CEDAR_EXPR_SET:
	case CEDAR_EXPR_RECORD:
		break;
	}
	return false;
}

/* The number of x among the tests worth it, and one more use of it. */
static enum rc find_atom(struct cedar_code_build *c, const struct cedar_expr *x, uint32_t *ret)
{
	uint64_t hash = cedar_hash_expr(x);
	struct str key = str_of(&hash, sizeof(hash));
	uint32_t first = cedar_number_get(&c->atoms_by_hash, key);

	for (uint32_t at = first; at; at = c->atoms.p[at - 1].next) {
		if (cedar_same_expr(c->atoms.p[at - 1].x, x)) {
			c->atoms.p[at - 1].uses++;
			*ret = at;
			return RC_OK;
		}
	}
	TRY(vec_push(&c->atoms, ((struct cedar_atom){.x = x, .uses = 1, .next = first})));
	*ret = (uint32_t)c->atoms.n;
	return cedar_number_put(&c->atoms_by_hash, key, *ret);
}

enum rc cedar_code_branch(struct cedar_code_build *c, const struct cedar_expr *x, uint32_t yes,
			  uint32_t no)
{
	struct cedar_insn insn = {.op = CEDAR_OP_MEMO};

	c->cost++;
	if (x->constant) {
		bool is_bool = x->constant->type == CEDAR_BOOL;
		uint32_t to = is_bool && x->constant->b ? yes : no;

		insn.op = is_bool ? CEDAR_OP_JUMP : CEDAR_OP_FAIL;
		return cedar_code_test(c, insn, 0, to, to);
	}
	if (c->operand_of || !is_worth_a_memo(x)) {
		return cedar_code_node(c, x, yes, no);
	}
	TRY(find_atom(c, x, &insn.a));
	TRY(cedar_code_test(c, insn, 0, yes, no));
	TRY(cedar_code_node(c, x, yes, no));
	c->cost += CEDAR_CODE_MEMO_STEPS;
	c->insns.p[c->insns.n - 1].memo = insn.a;
	return RC_OK;
}

/* ---- one condition ---- */

static enum rc follow_conditions(struct cedar_code_build *c, const struct cedar_policy *p)
{
	for (size_t i = 0; i < p->n_conditions; i++) {
		bool is_unless = p->conditions[i].is_unless;
		uint32_t rest = CEDAR_LABEL_YES;

		if (i + 1 < p->n_conditions) {
			TRY(cedar_code_label(c, &rest));
		}
		TRY(cedar_code_branch(c, p->conditions[i].body, is_unless ? CEDAR_LABEL_NO : rest,
				      is_unless ? rest : CEDAR_LABEL_NO));
		if (i + 1 < p->n_conditions) {
			cedar_code_place(c, rest);
		}
	}
	return RC_OK;
}

/* Labels become places; what only computes goes on behind itself. */
static void resolve(struct cedar_code_build *c, uint32_t start)
{
	c->labels.p[CEDAR_LABEL_NO] = cedar_code_no;
	c->labels.p[CEDAR_LABEL_YES] = cedar_code_yes;
	for (uint32_t i = start; i < c->insns.n; i++) {
		struct cedar_insn *insn = &c->insns.p[i];

		if (insn->op >= CEDAR_OP_CONST) {
			insn->next[0] = i + 1;
			insn->next[1] = i + 1;
		} else {
			insn->next[0] = c->labels.p[insn->next[0]];
			insn->next[1] = c->labels.p[insn->next[1]];
		}
	}
}

static enum rc make_condition(struct cedar_code_build *c, struct cedar_shared *condition)
{
	c->labels.n = 0;
	for (uint32_t i = 0; i < CEDAR_LABELS; i++) {
		TRY(vec_push(&c->labels, 0));
	}
	c->depth = 0;
	c->deepest = 0;
	c->cost = 0;
	condition->start = (uint32_t)c->insns.n;
	TRY(follow_conditions(c, condition->policy));
	resolve(c, condition->start);
	if (c->deepest > CEDAR_CODE_STACK || c->cost > CEDAR_LIMIT_STEPS / 2) {
		c->insns.n = condition->start;
		condition->start = cedar_code_tree;
		return RC_OK;
	}
	condition->cost = (uint32_t)c->cost;
	c->stack = c->deepest > c->stack ? c->deepest : c->stack;
	return RC_OK;
}

/* ---- the whole ---- */

/* Only what occurs twice is remembered. */
static void settle_memos(struct cedar_code_build *c, struct cedar_index *index)
{
	for (size_t i = 0; i < c->atoms.n; i++) {
		c->atoms.p[i].memo = c->atoms.p[i].uses > 1 ? index->n_memos++ : 0;
	}
	for (uint32_t i = 0; i < c->insns.n; i++) {
		struct cedar_insn *insn = &c->insns.p[i];

		if (insn->memo) {
			insn->memo = c->atoms.p[insn->memo - 1].memo;
		}
		if (insn->op == CEDAR_OP_MEMO) {
			insn->a = c->atoms.p[insn->a - 1].memo;
			if (insn->a == 0) {
				insn->op = CEDAR_OP_JUMP;
				insn->next[0] = i + 1;
				insn->next[1] = i + 1;
			}
		}
	}
}

static uint32_t behind_jumps(const struct cedar_code_build *c, uint32_t at)
{
	while (at < cedar_code_tree && c->insns.p[at].op == CEDAR_OP_JUMP) {
		at = c->insns.p[at].next[1];
	}
	return at;
}

static enum rc keep(struct cedar_code_build *c, struct cedar_code *code)
{
	struct cedar_insn *insns = arena_alloc_n(c->arena, c->insns.n, sizeof(*insns));
	struct cedar_path *paths = arena_alloc_n(c->arena, c->paths.n, sizeof(*paths));

	if (!insns || !paths) {
		return RC_NOMEM;
	}
	/* From the end, so that each chain of jumps is one jump when it is met. */
	for (size_t i = c->insns.n; i-- > 0;) {
		struct cedar_insn *insn = &c->insns.p[i];

		insn->next[0] = behind_jumps(c, insn->next[0]);
		insn->next[1] = behind_jumps(c, insn->next[1]);
		insns[i] = *insn;
	}
	for (size_t i = 0; i < c->paths.n; i++) {
		paths[i] = c->paths.p[i];
	}
	code->insns = insns;
	code->n_insns = (uint32_t)c->insns.n;
	code->paths = paths;
	code->n_paths = (uint32_t)c->paths.n;
	code->n_stack = c->stack;
	return RC_OK;
}

static bool is_one_order(const struct cedar_code *code, uint32_t start)
{
	return start < cedar_code_tree && code->insns[start].op == CEDAR_OP_SLOT_ORDER &&
	       code->insns[start].next[0] > cedar_code_tree &&
	       code->insns[start].next[1] > cedar_code_tree;
}

static void build_fini(struct cedar_code_build *c)
{
	vec_fini(&c->insns);
	vec_fini(&c->labels);
	vec_fini(&c->paths);
	vec_fini(&c->atoms);
	map_fini(&c->atoms_by_hash);
}

enum rc cedar_code_new(struct arena *arena, struct cedar_index *index,
		       struct cedar_shared *conditions, const struct cedar_code **ret)
{
	CLEANUP(build_fini) struct cedar_code_build c = {.arena = arena, .index = index};
	struct cedar_code *code = arena_alloc(arena, sizeof(*code));

	if (!code) {
		return RC_NOMEM;
	}
	for (unsigned i = 0; i <= CEDAR_CONTEXT; i++) {
		TRY(vec_push(&c.paths, ((struct cedar_path){0})));
	}
	for (uint32_t i = 0; i < index->n_conditions; i++) {
		TRY(make_condition(&c, &conditions[i]));
	}
	settle_memos(&c, index);
	TRY(keep(&c, code));
	for (uint32_t i = 0; i < index->n_conditions; i++) {
		conditions[i].start = behind_jumps(&c, conditions[i].start);
		conditions[i].is_order = is_one_order(code, conditions[i].start);
	}
	*ret = code;
	return RC_OK;
}
