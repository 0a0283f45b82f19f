/* SPDX-License-Identifier: Apache-2.0 */
/* runner/reaper.h - collects every process that ends under the runner.
 *
 * Whoever started a child watches its pid and hears once how it ended. A process that nobody
 * started (an orphan of a child) is killed when a child ends, with all that descends from it.
 */
#pragma once

#include <sys/types.h>

#include "net/loop.h"

struct reaper;

/* status as of waitpid. */
typedef void reaper_fn(void *ctx, pid_t pid, int status);

/* Blocks SIGCHLD for the process and becomes the subreaper: one per process. */
enum rc reaper_new(struct loop *l, struct reaper **ret, struct err *e);
void reaper_free(struct reaper *r);
enum rc reaper_watch(struct reaper *r, pid_t pid, reaper_fn *ended, void *ctx);
/* Its end interests nobody any more; it is collected all the same. */
void reaper_ignore(struct reaper *r, pid_t pid);
