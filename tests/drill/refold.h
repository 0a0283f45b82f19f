/* SPDX-License-Identifier: Apache-2.0 */
/* refold.h - the state of a story once more, from its leaves alone, for checker.c. */
#pragma once

#include "drill/sim.h"

/* Folds all leaves as they are on the disk. every: after so many the state is what its bytes are
 * read back as; 0 = never. RC_BROKEN: it is another one than the governor has. */
enum rc refold_is_same(struct sim *sim, uint64_t every, struct err *e);
