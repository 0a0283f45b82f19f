/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_argument.c - arguments that no agent may bring, and those that a person looks at.
 *
 * Holds:  (1) credentials come from Remit only: a call with a credential of the agent's own, found
 *             or made up, is denied wherever it would lead.
 *         (2) an argument that lowers safety, or may, is asked about, whatever else allows it.
 */
#include "core/argument.h"
#include "core/decide_impl.h"

static bool is_given(void *ctx, const struct json *value)
{
	bool *given = ctx;

	*given |= value->type != JSON_NULL;
	return !*given;
}

/* (1) */
enum rc check_credentials(struct deciding *c, struct err *e)
{
	const struct tool *t = bundle_tool(c->b, c->r->tool);

	for (size_t i = 0; t && i < t->credential_arguments.n; i++) {
		bool given = false;

		(void)argument_each(c->r->args, t->credential_arguments.p[i], is_given, &given);
		if (given) {
			return deciding_deny(c, REASON_CREDENTIAL_FOREIGN, e,
					     "credentials are lent by Remit, not brought: argument",
					     t->credential_arguments.p[i]);
		}
	}
	return RC_OK;
}

/* (2) */
enum rc check_gate_rules(struct deciding *c, struct err *e)
{
	const struct tool *t = c->d.tool;

	for (size_t i = 0; i < t->n_gate_rules; i++) {
		const struct gate_rule *rule = &t->gate_rules[i];

		if (conditions_truth(&rule->when, c->r->args) == TRUTH_NO) {
			continue;
		}
		TRY(deciding_add_gate(c, rule->gate.n ? rule->gate : c->b->default_gate, e));
		c->d.detail = rule->reason;
	}
	return RC_OK;
}
