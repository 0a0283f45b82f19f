/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/code_build.h - what only lives while code is made.
 *
 * code_memo.c puts it together, code.c follows branches, code_value.c computes operands.
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "cedar/code.h"

/* A test that is worth remembering when it occurs again. */
struct cedar_atom {
	const struct cedar_expr *x;
	uint32_t uses;
	uint32_t next; /* another of the same hash, plus one */
	uint32_t memo;
};

enum { CEDAR_LABEL_NO = 0, CEDAR_LABEL_YES, CEDAR_LABELS };

struct cedar_code_build {
	struct arena *arena;
	const struct cedar_index *index;
	VEC(struct cedar_insn) insns; /* next: labels, until the condition is done */
	VEC(uint32_t) labels;	      /* where they are, of the condition at hand */
	VEC(struct cedar_path) paths;
	VEC(struct cedar_atom) atoms;
	struct map atoms_by_hash;
	unsigned depth;	     /* of the stack */
	unsigned deepest;    /* of the condition at hand */
	unsigned stack;	     /* the deepest of all that became code */
	unsigned operand_of; /* how many operands this is inside of */
	uint64_t cost;	     /* steps of the condition at hand that do not depend on values */
};

static const uint32_t cedar_no_slot = UINT32_MAX;

/* The slot of a path, or cedar_no_slot. */
enum rc cedar_code_slot(struct cedar_code_build *c, const struct cedar_expr *x, uint32_t *ret);
/* The slot of one attribute of slot parent. */
enum rc cedar_code_child(struct cedar_code_build *c, uint32_t parent, struct str name,
			 uint32_t *ret);
enum rc cedar_code_label(struct cedar_code_build *c, uint32_t *ret);
void cedar_code_place(struct cedar_code_build *c, uint32_t label);
enum rc cedar_code_emit(struct cedar_code_build *c, struct cedar_insn insn);
/* Code that pushes what x is worth. */
enum rc cedar_code_value(struct cedar_code_build *c, const struct cedar_expr *x);
/* An instruction that pops values and pushes one. */
enum rc cedar_code_push(struct cedar_code_build *c, struct cedar_insn insn, unsigned pops);
/* Code that goes on at one of two labels. */
enum rc cedar_code_branch(struct cedar_code_build *c, const struct cedar_expr *x, uint32_t yes,
			  uint32_t no);
/* The same, without remembering. */
enum rc cedar_code_node(struct cedar_code_build *c, const struct cedar_expr *x, uint32_t yes,
			uint32_t no);
/* A test of what pops values are on the stack. */
enum rc cedar_code_test(struct cedar_code_build *c, struct cedar_insn insn, unsigned pops,
			uint32_t yes, uint32_t no);
