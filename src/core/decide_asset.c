/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_asset.c - may this agent act where these assets are, and are they its own?
 *
 * Trust:  targets are canonical; the inventory is the deployment's.
 * Holds:  (1) no call of an agent crosses the line of its environment; what is not listed counts
 *             as production.
 *         (2) a tool for one's own assets only reaches those of the agent's team or owner.
 */
#include "core/decide_impl.h"

static bool is_own(const struct asset *a, const struct agent *agent)
{
	return (a->owner.n > 0 && str_eq(a->owner, agent->owner)) ||
	       (a->team.n > 0 && str_eq(a->team, agent->team));
}

enum rc check_assets(const struct bundle *b, const struct agent *agent, struct arena *arena,
		     struct decision *d, struct err *e)
{
	for (size_t i = 0; i < d->targets.n; i++) {
		struct asset a = inventory_asset(&b->inventory, d->targets.p[i]);

		/* (1) */
		if (!str_eq(a.environment, INVENTORY_ANY_ENVIRONMENT) &&
		    !str_eq(a.environment, agent->environment)) {
			return decision_deny(
			    d, REASON_ENV_MISMATCH, arena, e,
			    "'" STR_FMT "' is in '" STR_FMT "', the agent is for '" STR_FMT "'",
			    STR_ARG(a.target), STR_ARG(a.environment), STR_ARG(agent->environment));
		}
		/* (2) */
		if (d->tool->is_owned && !is_own(&a, agent)) {
			return decision_deny(d, REASON_TARGET_NOT_OWNED, arena, e,
					     "'" STR_FMT "' belongs to %s", STR_ARG(a.target),
					     a.owner.n || a.team.n ? "somebody else" : "nobody");
		}
	}
	return RC_OK;
}
