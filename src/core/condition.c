/* SPDX-License-Identifier: Apache-2.0 */
/* core/condition.c - conditions on arguments.
 *
 * Trust:  arguments are hostile; conditions are the catalog's.
 * Holds:  (1) what was not compared is never a no.
 */
#include "core/condition.h"

#include "core/argument.h"
#include "core/schema.h"

struct judging {
	const struct condition *c;
	bool holds;
	bool is_unknown;
};

static bool judge(void *ctx, const struct json *value)
{
	struct judging *j = ctx;
	enum rc rc;

	if (!(j->c->types & (1u << value->type))) {
		j->is_unknown = true; /* (1) */
		return true;
	}
	rc = schema_validate(j->c->schema, value, NULL);
	j->holds |= rc == RC_OK;
	j->is_unknown |= rc != RC_OK && rc != RC_INPUT;
	return !j->holds;
}

enum truth condition_truth(const struct condition *c, const struct json *args)
{
	struct judging j = {.c = c};
	struct argument_walk walk;

	if (c->asks_presence) {
		walk = argument_each(args, c->pointer, NULL, NULL);
		if (walk.is_confused) {
			return TRUTH_UNKNOWN;
		}
		return (walk.n > 0) == c->is_present ? TRUTH_YES : TRUTH_NO;
	}
	if (!c->schema) {
		return TRUTH_UNKNOWN;
	}
	walk = argument_each(args, c->pointer, judge, &j);
	if (j.holds) {
		return TRUTH_YES;
	}
	return j.is_unknown || walk.is_confused ? TRUTH_UNKNOWN : TRUTH_NO;
}

enum truth conditions_truth(const struct conditions *c, const struct json *args)
{
	enum truth all = c->n > 0 ? TRUTH_YES : TRUTH_NO;

	for (size_t i = 0; i < c->n; i++) {
		enum truth one = condition_truth(&c->p[i], args);

		if (one == TRUTH_NO) {
			return TRUTH_NO;
		}
		if (one == TRUTH_UNKNOWN) {
			all = TRUTH_UNKNOWN;
		}
	}
	return all;
}
