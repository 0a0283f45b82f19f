/* SPDX-License-Identifier: Apache-2.0 */
/* core/effect.c - names of effects. */
#include "core/effect.h"

struct str effect_name(enum effect e)
{
	switch (e) {
	case EFFECT_READ:
		return STR("read");
	case EFFECT_CONTAIN:
		return STR("contain");
	case EFFECT_DESTROY:
	case EFFECTS:
		break;
	}
	return STR("destroy");
}

bool effect_from_name(struct str name, enum effect *ret)
{
	for (unsigned i = 0; i < EFFECTS; i++) {
		if (str_eq(name, effect_name((enum effect)i))) {
			*ret = (enum effect)i;
			return true;
		}
	}
	return false;
}
