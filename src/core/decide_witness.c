/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_witness.c - what needs witnesses of the log waits until a quorum has seen it.
 *
 * Which effects and tools need them is configured (remit.yaml `witnesses.required_for`, a tool's
 * `requires_witness`); whether they are there is a recorded fact. A witness that holds another log
 * than this one is no absence: then nothing is changed at all, since one of the two was rewritten.
 * Rollbacks are Remit's own and go on.
 */
#include "core/decide_impl.h"

enum rc check_witness(struct deciding *c, struct err *e)
{
	enum effect effect = c->d.effect;

	if (c->b->witness.is_used && state_log_disputed(c->s) && effect != EFFECT_READ) {
		return deciding_deny(
		    c, REASON_NOT_WITNESSED, e,
		    "a witness holds another log than this one, so there are only reads, not",
		    effect_name(effect));
	}
	if (!state_witness_away(c->s) ||
	    (!c->b->witness.effects[effect] && !c->d.tool->requires_witness)) {
		return RC_OK;
	}
	return deciding_deny(c, REASON_NOT_WITNESSED, e,
			     "no quorum of witnesses has seen the log, which is required for",
			     c->b->witness.effects[effect] ? effect_name(effect)
							   : c->d.tool->public_name);
}
