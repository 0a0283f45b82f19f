/* SPDX-License-Identifier: Apache-2.0 */
/* config/nearest.h - the known name that a misspelt one probably meant.
 *
 *	struct nearest near = nearest_to(word);
 *	for (...) nearest_try(&near, candidate);
 *	struct str best = nearest_best(&near);		(p == NULL: none is near)
 */
#pragma once

#include "base/str.h"

struct nearest {
	struct str word;
	struct str best;
	size_t distance;
};

struct nearest nearest_to(struct str word);
void nearest_try(struct nearest *n, struct str candidate);
/* Borrowed from the candidate; only when it is at most a third of its letters away. */
struct str nearest_best(const struct nearest *n);
