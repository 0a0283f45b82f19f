/* SPDX-License-Identifier: Apache-2.0 */
/* core/decide_key.c - a task belongs to the key it was declared with.
 *
 * The same name with another key is somebody who had a certificate made for it, on another machine
 * perhaps: nothing of the task is theirs. An agent that renewed its key declares a new intent,
 * which is cheap; its old task ends by itself.
 */
#include "core/decide_impl.h"

enum rc check_key(struct deciding *c, struct err *e)
{
	const struct digest *mine = &c->r->key;

	if (digest_is_zero(mine) || digest_is_zero(&c->task->key) ||
	    digest_eq(mine, &c->task->key)) {
		return RC_OK;
	}
	return deciding_deny(c, REASON_CREDENTIAL_FOREIGN, e,
			     "the task belongs to another key of agent", c->agent->name);
}
