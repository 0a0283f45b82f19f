/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_room.c - while something is wrong with the log, nothing changes anything.
 *
 * While it has hardly any room left, or cannot be published, looking goes on, and so do rollbacks,
 * which are Remit's own (decide_rollback): the room that is left is theirs. While it cannot be
 * written in its place, or nobody signs it, nothing goes on.
 */
#include "core/decide_impl.h"

static const char *const texts[DEGRADED_KINDS] = {
    [DEGRADED_ROOM] = "the disk gives the log no more room, so there are only reads, not",
    [DEGRADED_PUBLISHING] = "the log cannot be published, so there are only reads, not",
    [DEGRADED_KEEPER] = "the keeper that signs the log does not answer, so there is no",
    [DEGRADED_EMERGENCY] = "the log cannot be written in its place, so there is no",
};

enum rc check_room(struct deciding *c, struct err *e)
{
	const enum degraded d = state_degraded(c->s);

	if (d == DEGRADED_NOT || (c->d.effect == EFFECT_READ && !state_sends_nothing(c->s))) {
		return RC_OK;
	}
	return deciding_deny(c, REASON_AUDIT_UNAVAILABLE, e, texts[d], effect_name(c->d.effect));
}
