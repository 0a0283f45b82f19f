/* SPDX-License-Identifier: Apache-2.0 */
/* core/motion.h - what one person proposes and another must confirm, in time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { MOTION_MS = 15 * 60 * 1000 };

struct motion {
	uint64_t of; /* the leaf of what it is about; 0 = nobody has proposed anything */
	uint64_t unix_ms;
	struct str by;
};

/* May that person confirm it now? */
bool motion_may_confirm(const struct motion *p, uint64_t of, struct str by, uint64_t now_unix_ms);
