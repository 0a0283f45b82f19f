/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/code_step.h - between code_run.c, which runs code, and code_operand.c, which computes what
 * has no slot. */
#pragma once

#include "cedar/code.h"

/* In place of no and yes. */
enum cedar_answer { CEDAR_NO = 0, CEDAR_YES, CEDAR_FAILED, CEDAR_EXHAUSTED };

/* One attribute of a value, as the tree finds it: CEDAR_SLOT_HERE, CEDAR_SLOT_MISSING or
 * CEDAR_SLOT_BROKEN. */
enum cedar_slot_state cedar_find_attr(const struct cedar_eval *v, const struct cedar_value *of,
				      struct str name, struct cedar_value *ret);
/* Has the entity on the stack the tag on the stack? *ret is the tag or NULL. */
enum cedar_answer cedar_step_tag(struct cedar_machine *m, const struct cedar_value **ret);
/* Pushes a, which fails when it is NULL. */
enum cedar_answer cedar_step_push(struct cedar_machine *m, const struct cedar_value *a);
/* An instruction that pushes, slots apart. */
enum cedar_answer cedar_step_compute(struct cedar_machine *m, const struct cedar_insn *i);
