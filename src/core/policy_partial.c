/* SPDX-License-Identifier: Apache-2.0 */
/* core/policy_partial.c - what policies say of a tool before there is a call. */
#include <cedar.h>

#include "core/policy.h"

enum rc policy_could_permit(const struct cedar_policies *set, const struct policy_call *c,
			    struct arena *arena, bool *ret, struct err *e)
{
	struct cedar_partial_request request = {0};
	struct cedar_partial_response response;
	struct policy_case known;
	bool is_permitted = false;
	bool is_forbidden = false;

	*ret = false;
	if (!set) {
		return RC_OK;
	}
	TRY(policy_case_of_tool(c, arena, &known, e));
	request.principal = known.principal;
	request.action = known.action;
	request.context = known.context;
	/* A tool that names no target is about the incident; a target may be optional. */
	request.resource_type = c->tool->n_targets == 0 ? STR("Remit::Incident") : STR_NULL;
	TRY(cedar_authorize_partial(set, known.entities, &request, arena, &response, e));
	for (size_t i = 0; i < response.n; i++) {
		const struct cedar_residual *one = &response.residuals[i];

		if (cedar_policy_annotation(one->policy, "shadow").p) {
			continue; /* never enforced */
		}
		if (cedar_policy_effect(one->policy) == CEDAR_PERMIT) {
			is_permitted |= one->prospect != CEDAR_NEVER;
		} else if (!cedar_policy_annotation(one->policy, "gate").n) {
			is_forbidden |= one->prospect == CEDAR_ALWAYS;
		}
	}
	*ret = is_permitted && !is_forbidden;
	return RC_OK;
}
