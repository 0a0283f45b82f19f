/* SPDX-License-Identifier: Apache-2.0 */
/* excess.h - inputs that are larger, deeper or longer than they may be, for properties.c.
 *
 * What a front that was taken over, a person or a source may say, within what a channel carries:
 *
 *	(20) it is answered with an error that says which limit it is; nothing comes of it, and the
 *	     log, the leaves and the governor go on
 */
#pragma once

#include "base/buf.h"
#include "drill/sim.h"

/* Whom to speak as: an agent with its task and key. */
struct excess_agent {
	struct str id;
	struct str task;
	struct str incident; /* its id */
	const uint8_t *key_sha256;
};

/* Says the n-th of them (they begin again after the last), and waits for its answer. False: broken
 * says what was not as it should be. *ret_said: the answer named the limit; an earlier reason to
 * refuse, such as a stop, may have come before it. */
bool excess_say(struct sim *sim, uint64_t n, const struct excess_agent *a, bool *ret_said,
		char broken[300]);
