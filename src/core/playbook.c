/* SPDX-License-Identifier: Apache-2.0 */
/* core/playbook.c - looking up phases. */
#include "core/playbook.h"

const struct phase *playbook_phase(const struct playbook *p, struct str name)
{
	for (size_t i = 0; i < p->n_phases; i++) {
		if (str_eq(p->phases[i].name, name)) {
			return &p->phases[i];
		}
	}
	return NULL;
}
