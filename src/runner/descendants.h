/* SPDX-License-Identifier: Apache-2.0 */
/* runner/descendants.h - who descends from whom, and the end of a whole tree.
 *
 * A child may fork, leave its process group and let its parent die. The runner is the subreaper of
 * all of them, so an orphan becomes the runner's own child: one that the runner did not start.
 */
#pragma once

#include <sys/types.h>

#include "base/err.h"

/* Makes the calling process the one that orphans come to. */
enum rc descendants_adopt(struct err *e);
/* SIGKILL to pid, its process group, and all that descend from it, until no more are found. */
void descendants_kill(pid_t pid);
/* SIGKILL to every child of ours that is_known() does not know, and to what descends from it. */
void descendants_kill_strays(bool (*is_known)(void *ctx, pid_t pid), void *ctx);
