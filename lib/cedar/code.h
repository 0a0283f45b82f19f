/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/code.h - the conditions of a policy set as flat code.
 *
 * The code of a condition ends in yes, in no, or it fails. It fails exactly when evaluating the
 * policy's tree would fail, or when it may have taken more steps than the tree is allowed: then the
 * tree is asked, and only the tree says why. So code holds no places in texts.
 *
 * An instruction answers yes or no and names the next for each; one that only computes answers yes.
 * Operands are slots or lie on a small stack. A slot is a path from a variable, like
 * `context.input.path`: each is walked at most once per request, for all conditions. Tests that
 * cost something and that several conditions have are remembered for the request too (MEMO).
 * What has no instruction of its own is evaluated by its tree (TREE).
 */
#pragma once

#include "cedar/eval.h"
#include "cedar/index.h"

enum cedar_op {
	CEDAR_OP_FAIL = 0,
	CEDAR_OP_JUMP,
	CEDAR_OP_MEMO, /* remembered at a? Else what follows finds out */
	/* tests; of slot a: */
	CEDAR_OP_SLOT_TEST,  /* is it true? */
	CEDAR_OP_SLOT_HAS,   /* is it there? */
	CEDAR_OP_SLOT_ORDER, /* flag: orders; n: type; i */
	CEDAR_OP_SLOT_EQ,    /* value */
	CEDAR_OP_SLOTS_EQ,   /* slot i */
	CEDAR_OP_SLOT_LIKE,  /* x */
	CEDAR_OP_SLOT_RANGE, /* is it in the range value? */
	CEDAR_OP_VAR_IN,     /* variable flag in group a */
	/* of what is on the stack: */
	CEDAR_OP_TEST,
	CEDAR_OP_ORDER, /* flag: orders */
	CEDAR_OP_EQ,
	CEDAR_OP_LIKE,
	CEDAR_OP_IN,
	CEDAR_OP_IS,
	CEDAR_OP_CONTAINS, /* flag: kind */
	CEDAR_OP_IS_EMPTY,
	CEDAR_OP_HAS_TAG,
	/* pushing one value, perhaps for others: */
	CEDAR_OP_CONST, /* value */
	CEDAR_OP_SLOT,
	CEDAR_OP_BOOL, /* i */
	CEDAR_OP_TREE, /* x */
	CEDAR_OP_ATTR, /* x */
	CEDAR_OP_NEGATE,
	CEDAR_OP_ARITHMETIC, /* flag: kind */
	CEDAR_OP_GET_TAG,
	CEDAR_OP_CALL, /* flag: function, n arguments */
};

/* Which of less, equal, greater answer yes: comparing needs no branch. */
enum { CEDAR_ORDER_LESS = 1, CEDAR_ORDER_EQUAL = 2, CEDAR_ORDER_GREATER = 4 };

struct cedar_insn {
	uint8_t op;
	uint8_t flag;
	uint16_t n;
	uint32_t a;
	uint32_t next[2]; /* no, yes */
	uint32_t memo;	  /* where the answer is remembered, or 0 */
	union {
		int64_t i;
		const struct cedar_value *value;
		const struct cedar_expr *x;
	};
};

/* Instead of a next instruction. Beyond all code; a condition that has none begins at `tree`. */
static const uint32_t cedar_code_tree = UINT32_MAX - 2;
static const uint32_t cedar_code_no = UINT32_MAX - 1;
static const uint32_t cedar_code_yes = UINT32_MAX;

enum {
	CEDAR_CODE_SLOTS = 128, /* of a set; further paths are walked each time */
	CEDAR_CODE_STACK = 24,	/* deeper conditions stay trees */
	CEDAR_CODE_ARGS = 4,	/* of a call, as are longer calls */
	/* A memo counts as this many steps, and is not kept when it took more: so that steps are
	 * never counted too low. */
	CEDAR_CODE_MEMO_STEPS = 64,
};

/* The first four are the variables, by enum cedar_variable. */
struct cedar_path {
	uint32_t parent;
	struct str name;
};

struct cedar_code {
	const struct cedar_insn *insns;
	const struct cedar_path *paths;
	uint32_t n_insns;
	uint32_t n_paths;
	uint32_t n_stack; /* values that any of it has on the stack at a time */
};

enum cedar_slot_state {
	CEDAR_SLOT_NOT_ASKED = 0,
	CEDAR_SLOT_HERE,
	CEDAR_SLOT_MISSING,
	CEDAR_SLOT_BROKEN, /* asking for it is a failure, even with `has` */
};

/* One request on its way through code, in memory of the evaluation's arena. */
struct cedar_machine {
	const struct cedar_code *code;
	struct cedar_eval *v;
	uint64_t *groups[3]; /* by variable: bits of the index's groups */
	uint8_t *memos;	     /* enum cedar_outcome by place */
	uint8_t *states;     /* enum cedar_slot_state */
	struct cedar_value *slots;
	struct cedar_value *stack;
	struct cedar_value *top;
	int64_t memo_from; /* steps left when the memo at hand was begun */
};

enum cedar_outcome { CEDAR_UNKNOWN = 0, CEDAR_FALSE, CEDAR_TRUE, CEDAR_UNCLEAR };

/* Makes code for all conditions of the index and numbers its memos. RC_NOMEM: the arena's or the
 * heap's. */
enum rc cedar_code_new(struct arena *arena, struct cedar_index *index,
		       struct cedar_shared *conditions, const struct cedar_code **ret);

/* Nothing is known of the request yet but its variables; groups are for the caller to fill. */
enum rc cedar_machine_start(struct cedar_machine *m, const struct cedar_index *index,
			    struct cedar_eval *v);
static inline unsigned cedar_order(unsigned orders, int64_t a, int64_t b)
{
	return orders >> ((a > b) - (a < b) + 1) & 1;
}

/* The most common condition without the way there; false when it has to be run. */
static inline bool cedar_machine_order(const struct cedar_machine *m,
				       const struct cedar_shared *condition,
				       enum cedar_outcome *ret)
{
	const struct cedar_insn *i;

	if (!condition->is_order) {
		return false;
	}
	i = &m->code->insns[condition->start];
	if (m->states[i->a] != CEDAR_SLOT_HERE || m->slots[i->a].type != i->n) {
		return false;
	}
	*ret = i->next[cedar_order(i->flag, m->slots[i->a].i, i->i)] == cedar_code_yes
		   ? CEDAR_TRUE
		   : CEDAR_FALSE;
	return true;
}

/* CEDAR_UNCLEAR: the tree knows. RC_NOMEM only. */
enum rc cedar_machine_run(struct cedar_machine *m, const struct cedar_shared *condition,
			  enum cedar_outcome *ret);
