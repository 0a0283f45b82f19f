/* SPDX-License-Identifier: Apache-2.0 */
/* runner/command.h - command tools: one child per call.
 *
 * The child gets `input` on its standard input and runs at most the upstream's timeout. Exit status
 * 0 is OK and its output the result; another status is a tool error with the end of stderr; a
 * child that had to be killed, or died by a signal, leaves the outcome unknown: it was started.
 */
#pragma once

#include "core/tool.h"
#include "runner/start.h"

struct commands; /* those that run */

enum rc commands_new(const struct start_host *host, struct commands **ret);
/* Kills all. */
void commands_free(struct commands *x);
/* Runs the call; it is done now or later. */
void commands_start(struct commands *x, const struct tool *tool, struct desk_call *c);
/* Kills those in scope; their calls are done as unknown. */
void commands_fence(struct commands *x, enum fence_scope scope, struct str name);
