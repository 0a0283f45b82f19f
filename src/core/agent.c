/* SPDX-License-Identifier: Apache-2.0 */
/* core/agent.c - names of autonomy levels. */
#include "core/agent.h"

enum { LEVELS = AUTONOMY_ACT + 1 };

struct str autonomy_name(enum autonomy a)
{
	switch (a) {
	case AUTONOMY_PROPOSE:
		return STR("propose");
	case AUTONOMY_APPROVE:
		return STR("approve");
	case AUTONOMY_NOTIFY:
		return STR("notify");
	case AUTONOMY_ACT:
		return STR("act");
	case AUTONOMY_OBSERVE:
		break;
	}
	return STR("observe");
}

bool autonomy_from_name(struct str name, enum autonomy *ret)
{
	for (unsigned i = 0; i < LEVELS; i++) {
		if (str_eq(name, autonomy_name((enum autonomy)i))) {
			*ret = (enum autonomy)i;
			return true;
		}
	}
	return false;
}
