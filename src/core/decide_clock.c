/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_clock.c - nothing is changed by a clock that nobody believes. */
#include "core/decide_impl.h"

enum rc check_clock(struct deciding *c, struct err *e)
{
	(void)e;
	if (c->d.effect != EFFECT_READ && state_clock_jump(c->s)) {
		c->d.reason = REASON_CLOCK_UNVERIFIED;
	}
	return RC_OK;
}
