/* SPDX-License-Identifier: Apache-2.0 */
/* runner/grants.h - what a child may touch, from its upstream's lines in the catalog.
 *
 * Everybody gets the system's programs and libraries, the handful of files in /etc that libraries
 * read, and /dev/null and its kin. The program itself, `readable`, `writable` and `network` come
 * from the catalog; what is not there is refused.
 */
#pragma once

#include "base/sandbox.h"
#include "base/vec.h"
#include "core/tool.h"

struct grants {
	unsigned needs;			/* SANDBOX_UNIX, SANDBOX_INET, SANDBOX_SIGNAL */
	VEC(struct sandbox_path) paths; /* the strings live in the arena */
};

/* For a child: program is command[0] of the upstream or of the tool. */
enum rc grants_of_child(const struct upstream *u, struct str program, struct arena *arena,
			struct grants *ret, struct err *e);
/* Adds to g what that child gets: for the runner, which must hold all that it hands on. */
enum rc grants_add_child(struct grants *g, const struct upstream *u, struct str program,
			 struct arena *arena, struct err *e);
/* What everybody gets. */
enum rc grants_add_system(struct grants *g, struct err *e);
void grants_fini(struct grants *g);
