/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/uid.h - uids of checked parts. */
#pragma once

#include "cedar.h"

/* type is known to be a name and id to be UTF-8, both of bounded length. Fails only for memory:
 * RC_NOMEM, which cedar_arena_rc() explains. */
enum rc cedar_uid_make(struct arena *arena, struct str type, struct str id,
		       const struct cedar_uid **ret);
