/* SPDX-License-Identifier: Apache-2.0 */
/* core/motion.c - two persons, fifteen minutes. */
#include "core/motion.h"

bool motion_may_confirm(const struct motion *p, uint64_t of, struct str by, uint64_t now_unix_ms)
{
	return p->of == of && of != 0 && by.n > 0 && !str_eq(p->by, by) &&
	       now_unix_ms <= p->unix_ms + MOTION_MS;
}
