/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_room.c - while the log has hardly any room left, nothing changes anything.
 *
 * Looking goes on, and so do rollbacks, which are Remit's own (decide_rollback): the room that is
 * left is theirs.
 */
#include "core/decide_impl.h"

enum rc check_room(struct deciding *c, struct err *e)
{
	if (!state_degraded_since(c->s) || c->d.effect == EFFECT_READ) {
		return RC_OK;
	}
	return deciding_deny(c, REASON_AUDIT_UNAVAILABLE, e,
			     "the disk gives the log no more room, so there are only reads, not",
			     effect_name(c->d.effect));
}
