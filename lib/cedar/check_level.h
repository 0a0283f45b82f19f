/* SPDX-License-Identifier: Apache-2.0 */
/* cedar/check_level.h - how far from the request a policy reads. */
#pragma once

#include "cedar/check.h"

struct cedar_leveler {
	struct cedar_checker *c; /* after cedar_check() with types */
	uint32_t max;
};

/* Finds reads beyond the level in an expression that was checked for the environment at hand. */
enum rc cedar_check_level(struct cedar_leveler *l, const struct cedar_expr *x);
