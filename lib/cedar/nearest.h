/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/nearest.h - which name was meant?
 *
 *	struct cedar_nearest n = cedar_nearest_to(STR("Usr"));
 *	cedar_nearest_offer(&n, STR("User"));	(each name there is)
 *	cedar_nearest_say(&n, buf);		"; did you mean 'User'?", or nothing
 */
#pragma once

#include "base/buf.h"

struct cedar_nearest {
	struct str wanted;
	struct str best; /* borrowed; n == 0: none is near */
	size_t distance;
};

struct cedar_nearest cedar_nearest_to(struct str wanted);
/* Names whose last part is the same are nearest of all: only the namespace is missing. Long names
 * are compared for that only. */
void cedar_nearest_offer(struct cedar_nearest *n, struct str candidate);
enum rc cedar_nearest_say(const struct cedar_nearest *n, struct buf *b);
