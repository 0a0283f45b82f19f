/* SPDX-License-Identifier: Apache-2.0 */
/* story.h - a scenario that is drawn from a seed, for properties.c. */
#pragma once

#include "base/buf.h"

/* Hosts that its fixture has, which the invariants count by. */
enum { TARGETS = 6 };

/* Appends the text of a scenario of so many steps; the same seed gives the same one. */
enum rc story_draw(struct buf *b, uint64_t seed, uint64_t steps);
