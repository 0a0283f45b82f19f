/* SPDX-License-Identifier: Apache-2.0 */
/* core/classify.c - effects by arguments.
 *
 * Trust:  arguments are hostile; cases are the catalog's, and were held to its rules when loaded.
 * Holds:  (1) a call whose case cannot be told is destroy.
 */
#include "core/classify.h"

struct classification classify_call(const struct tool *t, const struct json *args)
{
	struct classification c = {
	    .effect = t->n_cases > 0 ? t->default_effect : t->effect,
	    .changes_access = t->changes_access,
	    .deletes_data = t->deletes_data,
	    .touches_secrets = t->touches_secrets,
	};

	for (size_t i = 0; i < t->n_cases; i++) {
		const struct effect_case *one = &t->cases[i];
		enum truth holds = conditions_truth(&one->when, args);

		if (holds == TRUTH_NO) {
			continue;
		}
		/* What the case would set counts also when it cannot be told. */
		c.changes_access |= one->changes_access;
		c.deletes_data |= one->deletes_data;
		c.touches_secrets |= one->touches_secrets;
		if (holds == TRUTH_YES) {
			c.effect = one->effect;
			return c;
		}
		c.effect = EFFECT_DESTROY; /* (1) */
		return c;
	}
	return c;
}

enum effect classify_mildest(const struct tool *t)
{
	enum effect mildest = t->n_cases > 0 ? t->default_effect : t->effect;

	for (size_t i = 0; i < t->n_cases; i++) {
		mildest = t->cases[i].effect > mildest ? t->cases[i].effect : mildest;
	}
	return mildest;
}
